//! REST framework's routers: view sets under prefixes, with a path for each of their actions.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::class_views::lookup;
use super::drf::{self, is_about_one};
use super::patterns::{Row, Walk, Way};
use super::views::{Before, origin};
use super::{library, paths};
use crate::eval::interpreter::Trace;
use crate::eval::text::Text;
use crate::eval::value::{Args, CallId, CallRecord, ClassValue, Closure, Value};
use crate::inventory::routes::graph::{Handler, Registration, made_by, methods_of};

/// The most routers that take the view sets of each other.
const MAX_NESTING: usize = 8;

/// What is done with one router, in order.
#[derive(Default)]
pub(super) struct Registry {
    entries: BTreeMap<CallId, Vec<Entry>>,
}

enum Entry {
    /// The call of `register`.
    Registered(CallId),
    /// All that another has.
    Taken(CallId),
}

impl Registry {
    /// What the program does with its routers.
    pub(super) fn of(trace: &Trace<'_>) -> Self {
        let mut out = Self::default();
        for (id, call) in trace.records() {
            if is_router(call) {
                out.entries.entry(id).or_default();
            }
            if let Some((receiver, "register")) = call.method() {
                if let Some(entries) = out.entries.get_mut(&receiver) {
                    entries.push(Entry::Registered(id));
                }
            } else if let Some((receiver, "registry", "extend")) = call.attribute_method()
                && let Some(Value::Method(method)) = call.args.positional.first()
                && method.1 == "registry"
                && let Some(other) = made_by(&method.0)
                && let Some(entries) = out.entries.get_mut(&receiver)
            {
                entries.push(Entry::Taken(other));
            }
        }
        out
    }

    /// Every router.
    pub(super) fn routers(&self) -> Vec<CallId> {
        self.entries.keys().copied().collect()
    }

    /// A router and those whose view sets it has taken.
    fn taken(&self, router: CallId) -> Vec<CallId> {
        let mut out = vec![router];
        let mut at = 0;
        while let Some(router) = out.get(at).copied() {
            at += 1;
            for entry in self.entries.get(&router).into_iter().flatten() {
                if let Entry::Taken(other) = entry
                    && !out.contains(other)
                {
                    out.push(*other);
                }
            }
        }
        out
    }

    /// A router as the program holds it.
    pub(super) fn object<'p>(&self, trace: &Trace<'p>, router: CallId) -> Value<'p> {
        let registered = self.entries.get(&router).into_iter().flatten().find_map(|entry| {
            let Entry::Registered(call) = entry else { return None };
            match &trace.call(*call)?.callee {
                Value::Method(method) => Some(method.0.clone()),
                _ => None,
            }
        });
        registered.unwrap_or(Value::Native(router))
    }

    /// The calls that registered what a router has.
    fn registered(&self, router: CallId, depth: usize) -> Vec<CallId> {
        let Some(entries) = self.entries.get(&router).filter(|_| depth < MAX_NESTING) else {
            return Vec::new();
        };
        let mut out = Vec::new();
        for entry in entries {
            match entry {
                Entry::Registered(call) => out.push(*call),
                Entry::Taken(other) => out.extend(self.registered(*other, depth + 1)),
            }
        }
        out
    }
}

fn is_router(call: &CallRecord<'_>) -> bool {
    call.path().is_some_and(|path| {
        let name = path.rsplit('.').next().unwrap_or(path);
        name.ends_with("Router")
            && !path.starts_with("ninja")
            && (path.contains("rest_framework")
                || path.contains("routers.")
                || call.class.is_some())
    })
}

/// A path of a router and what answers there.
struct Route<'p> {
    url: Text,
    /// Verbs and actions; nothing where the view set's own actions are meant.
    mapping: Option<Vec<(String, String)>>,
    is_detail: bool,
    initial: Args<'p>,
}

/// What a router is like.
struct Shape<'p> {
    routes: Vec<Route<'p>>,
    slash: Text,
    /// Whether paths are regular expressions.
    is_regex: bool,
    /// What stands before every prefix.
    before: Text,
}

/// An action that a view set defines beside the usual ones.
struct Action<'p> {
    name: String,
    verbs: Vec<(String, String)>,
    is_detail: bool,
    url_path: Text,
    initial: Args<'p>,
}

impl<'p> Walk<'_, '_, 'p> {
    /// The paths of a router.
    pub(super) fn router(&mut self, value: &Value<'p>, way: &Way<'p>) {
        let Some(id) = made_by(value) else { return };
        let taken = self.registry.taken(id);
        self.met.routers.extend(taken);
        let Some(shape) = self.shape(value, id, 0) else { return };
        let registry = Rc::clone(&self.registry);
        for call in registry.registered(id, 0) {
            if let Some(record) = self.trace.call(call) {
                self.registered(&shape, &record, way);
            }
        }
    }

    fn shape(&self, value: &Value<'p>, id: CallId, depth: usize) -> Option<Shape<'p>> {
        let made = self.trace.call(id)?;
        let field = |name: &str| match value {
            Value::Object(object) => {
                let own = object.fields.borrow().get(name).cloned();
                own.or_else(|| object.class.attribute(name).map(|(value, _)| value))
            }
            _ => None,
        };
        let slash =
            field("trailing_slash").or_else(|| made.args.keyword("trailing_slash").cloned());
        let slash = match slash {
            Some(Value::Bool(false) | Value::Flag(false) | Value::None) => Text::literal(""),
            Some(Value::Text(text)) => (*text).clone(),
            _ => Text::literal("/"),
        };
        let is_regex = made.args.keyword("use_regex_path").and_then(Value::truth) != Some(false);
        let routes = field("routes").and_then(|routes| self.own_routes(&routes));
        let before = self.nesting(&made, depth).unwrap_or_default();
        Some(Shape { routes: routes.unwrap_or_else(usual), slash, is_regex, before })
    }

    /// What stands before the prefixes of a router that is nested in another:
    /// `NestedSimpleRouter(parent, "growers", lookup="grower")`.
    fn nesting(&self, made: &CallRecord<'p>, depth: usize) -> Option<Text> {
        let path = made.path()?;
        if depth > MAX_NESTING || !path.rsplit('.').next()?.contains("Nested") {
            return None;
        }
        let parent = made.args.get(0, "parent_router").cloned()?;
        let prefix = made.args.get(1, "parent_prefix")?.to_text();
        let id = made_by(&parent)?;
        let shape = self.shape(&parent, id, depth + 1)?;
        let nested = shape.before.to_string().matches("(?P<").count() + 1;
        let lookup = made.args.keyword("lookup").and_then(Value::as_str).map(str::to_owned);
        let lookup = lookup.unwrap_or_else(|| format!("nested_{nested}"));
        let registered = self.registry.registered(id, 0);
        let view = registered.iter().find_map(|call| {
            let record = self.trace.call(*call)?;
            let same = record.args.get(0, "prefix")?.to_text() == prefix;
            same.then(|| record.args.get(1, "viewset").cloned())?
        });
        let name = match view {
            Some(Value::Class(class)) => lookup_name(&class),
            _ => "pk".to_owned(),
        };
        let mut out = shape.before.clone();
        out.push(&prefix);
        out.push_literal(&format!("/(?P<{lookup}_{name}>[^/.]+)/"));
        Some(out)
    }

    /// `routes = [Route(url=…, mapping=…), DynamicRoute(…)]` of a router class.
    fn own_routes(&self, routes: &Value<'p>) -> Option<Vec<Route<'p>>> {
        let items = routes.items()?;
        let each = items.iter().map(|item| {
            let record = self.trace.made(item)?;
            let name = record.path()?.rsplit('.').next()?.to_owned();
            let is_dynamic = name == "DynamicRoute";
            let detail = record.args.get(if is_dynamic { 2 } else { 3 }, "detail");
            let initial = record.args.get(if is_dynamic { 3 } else { 4 }, "initkwargs");
            let initial = initial.map(Value::keywords).unwrap_or_default();
            Some(Route {
                url: record.args.get(0, "url")?.to_text(),
                mapping: (!is_dynamic)
                    .then(|| record.args.get(1, "mapping").map(drf::mapping).unwrap_or_default()),
                is_detail: detail.and_then(Value::truth) == Some(true),
                initial: Args { named: initial, ..Args::default() },
            })
        });
        each.collect()
    }

    /// What a call of `register` stands for.
    fn registered(&mut self, shape: &Shape<'p>, record: &CallRecord<'p>, way: &Way<'p>) {
        let prefix = record.args.get(0, "prefix").map_or_else(|| Text::hole(""), Value::to_text);
        let Some(viewset) = record.args.get(1, "viewset") else { return };
        let views = viewset.alternatives();
        let conditional = record.conditional || views.len() > 1;
        for view in &views {
            let way = way.under(&Text::default(), conditional);
            match view {
                Value::Class(class) => self.view_set(shape, &prefix, class, &way),
                _ => {
                    let methods = (Vec::new(), false);
                    let handler = Handler::of(None, record.place);
                    let registration = Registration::new(methods, Text::default(), handler);
                    let row = Row { registration, is_exempt: true };
                    let url = Text::literal("^{prefix}{trailing_slash}$");
                    let texts = self.urls(shape, &url, &prefix, "pk", &Text::default());
                    for text in &texts {
                        self.register(&row, None, &way.under(text, false));
                    }
                }
            }
        }
    }

    fn view_set(
        &mut self,
        shape: &Shape<'p>,
        prefix: &Text,
        class: &Rc<ClassValue<'p>>,
        way: &Way<'p>,
    ) {
        let lookup_name = lookup_name(class);
        let actions = self.actions(class);
        let allowed = class.attribute("http_method_names").map(|(names, _)| methods_of(&names));
        let allowed = allowed.filter(|(_, known)| *known).map(|(names, _)| names);
        let fits = |(verb, action): &(String, String)| {
            has_action(class, action)
                && allowed
                    .as_ref()
                    .is_none_or(|allowed| allowed.contains(&verb.to_ascii_uppercase()))
        };
        let nothing = Before::default();
        for route in &shape.routes {
            if let Some(mapping) = &route.mapping {
                let mapping: Vec<_> = mapping.iter().filter(|pair| fits(pair)).cloned().collect();
                let rows =
                    self.mapped_rows(class, &mapping, &route.initial, route.is_detail, &nothing);
                let texts = self.urls(shape, &route.url, prefix, &lookup_name, &Text::default());
                self.register_all(&rows, &texts, way);
                continue;
            }
            for action in actions.iter().filter(|action| action.is_detail == route.is_detail) {
                let verbs: Vec<_> =
                    action.verbs.iter().filter(|pair| fits(pair)).cloned().collect();
                let initial = route.initial.followed_by(action.initial.clone());
                let rows = self.mapped_rows(class, &verbs, &initial, action.is_detail, &nothing);
                let texts = self.urls(shape, &route.url, prefix, &lookup_name, &action.url_path);
                self.register_all(&rows, &texts, way);
            }
        }
    }

    fn register_all(&mut self, rows: &[Row<'p>], texts: &[Text], way: &Way<'p>) {
        for text in texts {
            for row in rows {
                self.register(row, None, &way.under(text, false));
            }
        }
    }

    /// The paths of a route of a router for one view set.
    fn urls(
        &self,
        shape: &Shape<'p>,
        url: &Text,
        prefix: &Text,
        lookup: &str,
        url_path: &Text,
    ) -> Vec<Text> {
        let lookup =
            if shape.is_regex { format!("(?P<{lookup}>[^/.]+)") } else { format!("<{lookup}>") };
        let mut whole = shape.before.clone();
        whole.push(prefix);
        let is_empty = whole.is_empty();
        let filled = url.fill_braces(|_, name| {
            Some(match name {
                "prefix" => whole.clone(),
                "lookup" => Text::literal(&lookup),
                "trailing_slash" => shape.slash.clone(),
                "url_path" => url_path.clone(),
                _ => Text::hole(name),
            })
        });
        let filled = filled.map_literals(|literal| {
            let literal = literal.trim_start_matches('^');
            if is_empty { literal.trim_start_matches('/').to_owned() } else { literal.to_owned() }
        });
        if shape.is_regex {
            paths::regexes(&filled)
        } else {
            vec![paths::angles(&filled.trim_end(&['$']))]
        }
    }

    /// The actions that a view set defines with `@action`, by name.
    fn actions(&self, class: &Rc<ClassValue<'p>>) -> Vec<Action<'p>> {
        let mut functions: BTreeMap<String, Rc<Closure<'p>>> = BTreeMap::new();
        for owner in class.lineage().0 {
            for (name, value) in owner.env.vars.borrow().iter() {
                if let Value::Function(closure) = value {
                    functions.entry(name.to_string()).or_insert_with(|| Rc::clone(closure));
                }
            }
        }
        let mut out: Vec<Action<'p>> =
            functions.iter().filter_map(|(name, closure)| self.action(name, closure)).collect();
        for (name, closure) in &functions {
            for (of, verb) in more_of(closure) {
                if let Some(action) = out.iter_mut().find(|action| action.name == of) {
                    action.verbs.retain(|(known, _)| *known != verb);
                    action.verbs.push((verb, name.clone()));
                }
            }
        }
        out
    }

    fn action(&self, name: &str, closure: &Rc<Closure<'p>>) -> Option<Action<'p>> {
        let (kind, args) = closure.decorators.iter().find_map(|decorator| {
            let (path, args) = origin(self.trace, decorator)?;
            let kind = path.strip_prefix("rest_framework.decorators.")?.to_owned();
            matches!(kind.as_str(), "action" | "list_route" | "detail_route")
                .then_some((kind, args))
        })?;
        let is_detail = match kind.as_str() {
            "list_route" => false,
            "detail_route" => true,
            _ => args.get(1, "detail").and_then(Value::truth) == Some(true),
        };
        let verbs = match args.get(0, "methods") {
            Some(methods) => methods_of(methods).0,
            None => vec!["GET".to_owned()],
        };
        let verbs = verbs.iter().map(|verb| (verb.to_ascii_lowercase(), name.to_owned()));
        let url_path = match args.get(2, "url_path") {
            Some(Value::None) | None => Text::literal(name),
            Some(path) => path.to_text(),
        };
        let settings = ["detail", "methods", "url_path", "url_name"];
        let mut initial = args.clone();
        initial.positional.clear();
        initial.named.retain(|(name, _)| !settings.contains(&name.as_str()));
        Some(Action { name: name.to_owned(), verbs: verbs.collect(), is_detail, url_path, initial })
    }
}

/// `@retrieve.mapping.delete`: the action and the verb that a function answers for it.
fn more_of(closure: &Closure<'_>) -> Vec<(String, String)> {
    let each = closure.decorators.iter().filter_map(|decorator| {
        let Value::Method(verb) = decorator else { return None };
        let Value::Method(mapping) = &verb.0 else { return None };
        let Value::Function(of) = &mapping.0 else { return None };
        let name = of.function.name.as_ref()?.to_string();
        (mapping.1 == "mapping").then(|| (name, verb.1.to_string()))
    });
    each.collect()
}

/// What `SimpleRouter` and `DefaultRouter` make of a view set.
fn usual<'p>() -> Vec<Route<'p>> {
    let route = |url: &str, mapping: Option<&[(&str, &str)]>, is_detail: bool| Route {
        url: Text::literal(url),
        mapping: mapping.map(|pairs| {
            let pairs = pairs.iter();
            pairs.map(|(verb, action)| ((*verb).to_owned(), (*action).to_owned())).collect()
        }),
        is_detail,
        initial: Args::default(),
    };
    vec![
        route("^{prefix}{trailing_slash}$", Some(&[("get", "list"), ("post", "create")]), false),
        route("^{prefix}/{url_path}{trailing_slash}$", None, false),
        route(
            "^{prefix}/{lookup}{trailing_slash}$",
            Some(&[
                ("get", "retrieve"),
                ("put", "update"),
                ("patch", "partial_update"),
                ("delete", "destroy"),
            ]),
            true,
        ),
        route("^{prefix}/{lookup}/{url_path}{trailing_slash}$", None, true),
    ]
}

/// The name of the parameter that means one stored thing.
fn lookup_name(class: &Rc<ClassValue<'_>>) -> String {
    let named = |name: &str| {
        let value = class.attribute(name)?.0;
        value.as_str().map(str::to_owned)
    };
    named("lookup_url_kwarg").or_else(|| named("lookup_field")).unwrap_or_else(|| "pk".to_owned())
}

/// Whether a view set has an action.
fn has_action(class: &Rc<ClassValue<'_>>, action: &str) -> bool {
    match class.attribute(action) {
        Some((Value::None, _)) => return false,
        Some(_) => return true,
        None => {}
    }
    lookup(class).iter().any(|base| match base {
        super::class_views::Base::Library(path) => library::actions(path).contains(&action),
        super::class_views::Base::Own(_) => false,
    })
}

/// Whether an action of a plain mapping is about one stored thing.
pub(super) fn any_about_one(mapping: &[(String, String)]) -> bool {
    mapping.iter().any(|(_, action)| is_about_one(action))
}
