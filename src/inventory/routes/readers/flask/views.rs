//! Views that are classes, views that are given to endpoints, and rules as Werkzeug has them.

use std::rc::Rc;

use super::{Reader, VERBS, is_text, last, optional, verbs};
use crate::eval::text::Text;
use crate::eval::value::{Args, CallId, CallRecord, ClassValue, Value};
use crate::inventory::routes::graph::{
    Entry, Handler, Layer, LayerKind, Registration, join, path_text,
};
use crate::inventory::routes::wrapping::{decorator, open};

/// The deepest nesting of Werkzeug's rule factories.
const MAX_FACTORIES: usize = 8;

impl<'p> Reader<'_, '_, 'p> {
    /// Takes note of the views that are given to endpoints: what is registered first may get its
    /// view later.
    pub(super) fn collect_views(&mut self) {
        for (_, call) in self.trace.records() {
            if let Some((receiver, "view_functions", method)) = call.attribute_method() {
                let named = call.args.named.iter().map(|(name, value)| (name.to_string(), value));
                let pairs: Vec<_> = match (method, call.args.positional.as_slice()) {
                    ("__setitem__", [key, value]) => {
                        key.as_str().map(|key| (key.to_owned(), value)).into_iter().collect()
                    }
                    ("update", _) => named.collect(),
                    _ => continue,
                };
                for (name, view) in pairs {
                    self.views.entry((receiver, name)).or_insert_with(|| view.clone());
                }
            } else if let Some(decorator) = call.applied()
                && let Some(registrar) = self.trace.call(decorator)
                && let Some((receiver, "endpoint")) = registrar.method()
                && let Some(name) = registrar.args.positional.first().and_then(Value::as_str)
                && let Some(view) = call.args.positional.first()
            {
                self.views.insert((receiver, name.to_owned()), view.clone());
            }
        }
    }

    /// The view that an endpoint was given apart from its rule.
    pub(super) fn view_of(&self, router: CallId, endpoint: Option<&str>) -> Option<Value<'p>> {
        self.views.get(&(router, endpoint?.to_owned())).cloned()
    }

    /// `app.view_functions[name] = wrapper(app.view_functions[name])`: what is registered under the
    /// name by now gets another layer; under a name that nobody knows, each may.
    pub(super) fn replace_views(&mut self, app: CallId, call: &CallRecord<'p>) {
        let [key, value] = call.args.positional.as_slice() else { return };
        let unwrapped = self.unwrap(value);
        let name = key.as_str();
        let conditional = call.conditional;
        if let (Some(name), Value::Function(view)) = (name, &unwrapped.view) {
            self.each_view(app, Some(name), |route| {
                let is_view = route
                    .handler
                    .function
                    .as_ref()
                    .is_some_and(|function| Rc::ptr_eq(&function.attributes, &view.attributes));
                let known = route.layers.len();
                if is_view && unwrapped.layers.len() >= known {
                    let more = unwrapped.layers.len() - known;
                    route.layers.clone_from(&unwrapped.layers);
                    let new = route.layers.iter_mut().take(more);
                    new.for_each(|layer| layer.conditional |= conditional);
                }
            });
            return;
        }
        let Some(record) = self.trace.made(value) else { return };
        // A view of its own is no wrapper.
        if matches!(
            record.args.positional.first(),
            Some(Value::Function(_) | Value::Class(_)) | None
        ) {
            return;
        }
        let mut layer = decorator(self.trace, &record.callee, None);
        layer.conditional = conditional || name.is_none();
        self.each_view(app, name, |route| route.layers.insert(0, layer.clone()));
    }

    /// Changes what an application has under an endpoint by now, or each view of it.
    fn each_view(
        &mut self,
        app: CallId,
        name: Option<&str>,
        mut change: impl FnMut(&mut Registration<'p>),
    ) {
        let mut left = vec![(app, name.map(str::to_owned))];
        let mut seen = Vec::new();
        while let Some((id, name)) = left.pop() {
            let id = self.graph.origin(id);
            if seen.contains(&(id, name.clone())) {
                continue;
            }
            seen.push((id, name.clone()));
            let names: Vec<Option<String>> =
                self.graph.routers.get(&id).map_or_else(Vec::new, |router| {
                    let of_child = |child: CallId| self.graph.routers.get(&child)?.name.clone();
                    router
                        .entries
                        .iter()
                        .map(|(_, entry)| match entry {
                            Entry::Mount(mount) => {
                                mount.name.clone().or_else(|| of_child(mount.child))
                            }
                            _ => None,
                        })
                        .collect()
                });
            let Some(router) = self.graph.routers.get_mut(&id) else { continue };
            for ((_, entry), mounted) in router.entries.iter_mut().zip(names) {
                match entry {
                    Entry::Route(route) if name.is_none() || route.name == name => change(route),
                    Entry::Mount(mount) => {
                        let rest = match (&name, &mounted) {
                            (Some(name), Some(mounted)) => {
                                let rest = name.strip_prefix(mounted.as_str());
                                let Some(rest) = rest.and_then(|rest| rest.strip_prefix('.'))
                                else {
                                    continue;
                                };
                                Some(rest.to_owned())
                            }
                            (name, _) => name.clone(),
                        };
                        left.push((mount.child, rest));
                    }
                    Entry::Route(_) | Entry::Guard(_) | Entry::Pattern(_) | Entry::Opaque(_) => {}
                }
            }
        }
    }

    /// `Rule(…)`, or a factory of several.
    pub(super) fn werkzeug_rule(
        &mut self,
        app: CallId,
        rule: &Value<'p>,
        prefix: &Text,
        call: &CallRecord<'p>,
        depth: usize,
    ) {
        let Some(made) = self.trace.made(rule) else { return };
        let Some(path) = made.path().filter(|path| path.starts_with("werkzeug.")) else { return };
        match last(path) {
            "Rule" => {
                let path = join(prefix, &path_text(made.args.get(0, "string")));
                let endpoint = made.args.keyword("endpoint").and_then(Value::as_str);
                let view = self.view_of(app, endpoint).unwrap_or_default();
                let unwrapped = self.unwrap(&view);
                // Without methods it answers all of them.
                let methods = match made.args.keyword("methods") {
                    None | Some(Value::None) => (Vec::new(), true),
                    Some(methods) => verbs(methods),
                };
                let handler = Handler::of(Some(&unwrapped.view), made.place);
                self.graph.route(
                    app,
                    Registration {
                        layers: unwrapped.layers,
                        args: open(),
                        name: endpoint.map(str::to_owned),
                        metadata: unwrapped.notes,
                        conditional: call.conditional || made.conditional,
                        ..Registration::new(methods, path, handler)
                    },
                );
            }
            factory @ ("Submount" | "Subdomain" | "EndpointPrefix") if depth < MAX_FACTORIES => {
                let prefix = match factory {
                    "Submount" => join(prefix, &optional(made.args.get(0, "path"))),
                    _ => prefix.clone(),
                };
                let rules = made.args.get(1, "rules").and_then(Value::items);
                for rule in rules.unwrap_or_default() {
                    self.werkzeug_rule(app, &rule, &prefix, call, depth + 1);
                }
            }
            _ => {}
        }
    }

    /// A class that answers: a route for each of its methods, with what its methods are wrapped in.
    pub(super) fn class_view(
        &mut self,
        receiver: CallId,
        class: &Rc<ClassValue<'p>>,
        url: &Value<'p>,
        around: &[Layer<'p>],
        args: &Args<'p>,
        call: &CallRecord<'p>,
    ) {
        let instance = self.trace.instance(class);
        let method_of = |name: &str| match class.attribute(name) {
            Some((Value::Function(_), _)) => Some(self.trace.attribute(&instance, name)),
            _ => None,
        };
        let dispatch = method_of("dispatch_request");
        let has_verbs = answers_by_method(class);
        let declared = args.keyword("methods").filter(|value| !matches!(value, Value::None));
        let (methods, known) = match declared {
            Some(value) => verbs(value),
            None => methods_of_class(class, has_verbs, 0),
        };
        let (shared, by_verb) = class_wrappers(class);
        let mut layers = around.to_vec();
        layers.extend(shared.iter().map(|value| decorator(self.trace, value, None)));
        if has_verbs && let Some(dispatch) = &dispatch {
            let kind = LayerKind::Middleware;
            let mut layer = Layer::new(self.trace, kind, dispatch.clone(), open());
            layer.name = format!("{}.dispatch_request", last(&class.qualified));
            layers.push(layer);
        }
        let each: Vec<Option<String>> = match (methods.is_empty(), known) {
            (true, true) => return,
            (true, false) => vec![None],
            (false, _) => methods.into_iter().map(Some).collect(),
        };
        for method in each {
            let verb = method.as_deref().map(str::to_ascii_lowercase).unwrap_or_default();
            let answers = match (has_verbs, verb.as_str()) {
                (false, _) => dispatch.clone(),
                (true, "head") => method_of("head").or_else(|| method_of("get")),
                (true, verb) => method_of(verb),
            };
            let unwrapped = answers.as_ref().map(|view| self.unwrap(view)).unwrap_or_default();
            let handler = match &unwrapped.view {
                Value::Function(closure) => Handler {
                    name: Some(format!("{}.{}", class.qualified, last(&closure.qualified))),
                    ..Handler::of(Some(&unwrapped.view), call.place)
                },
                _ => Handler::of_class(class),
            };
            let mut layers = layers.clone();
            let of_verb = by_verb
                .iter()
                .filter(|(known, _)| known.as_ref().is_none_or(|known| *known == verb));
            layers.extend(of_verb.map(|(_, value)| decorator(self.trace, value, None)));
            layers.extend(unwrapped.layers);
            let endpoint = args.keyword("endpoint").and_then(Value::as_str).map(str::to_owned);
            let registration = Registration {
                layers,
                args: open(),
                name: endpoint.or_else(|| view_name(args, class)),
                metadata: unwrapped.notes,
                conditional: call.conditional,
                ..Registration::new(
                    (method.iter().cloned().collect(), method.is_some()),
                    Text::default(),
                    handler,
                )
            };
            self.register(receiver, url, &registration);
        }
    }
}

/// The name of a view as `as_view("name")` or the class gives it.
fn view_name<'p>(args: &Args<'p>, class: &Rc<ClassValue<'p>>) -> Option<String> {
    let given = args.positional.get(1).filter(is_text).and_then(Value::as_str);
    let own = || class.class.name.as_ref().map(|name| name.to_ascii_lowercase());
    given.map(str::to_owned).or_else(own)
}

/// Whether a class answers with a method for each of HTTP's, and not with one for all.
fn answers_by_method(class: &Rc<ClassValue<'_>>) -> bool {
    let (_, externals) = class.ancestry();
    let is = |name: &str| externals.iter().any(|path| last(path) == name);
    !is("View") || is("MethodView") || is("Resource")
}

/// The methods that a class answers, as the library finds them when the class is defined.
fn methods_of_class(
    class: &Rc<ClassValue<'_>>,
    has_verbs: bool,
    depth: usize,
) -> (Vec<String>, bool) {
    let own = class.env.vars.borrow().get("methods").cloned();
    if let Some(value) = own.filter(|value| !matches!(value, Value::None)) {
        return verbs(&value);
    }
    if !has_verbs {
        let inherited =
            class.attribute("methods").filter(|(value, _)| !matches!(value, Value::None));
        return inherited
            .map_or_else(|| (vec!["GET".to_owned()], true), |(value, _)| verbs(&value));
    }
    let mut out: Vec<String> = Vec::new();
    let mut known = true;
    for base in class.bases.iter().flat_map(Value::alternatives) {
        if let Value::Class(base) = base
            && depth < 16
        {
            let (methods, all) = methods_of_class(&base, true, depth + 1);
            out.extend(methods);
            known &= all || base.ancestry().1.is_empty();
        }
    }
    let has = |verb: &&&str| class.attribute(verb).is_some();
    out.extend(VERBS.iter().filter(has).map(|verb| verb.to_ascii_uppercase()));
    out.sort();
    out.dedup();
    let some = !out.is_empty();
    (out, known && some)
}

/// What wraps all of a class's answers, outermost first, and what wraps those to one method, with
/// the method; `None` is each.
type Wrappers<'p> = (Vec<Value<'p>>, Vec<(Option<String>, Value<'p>)>);

/// `decorators = […]` of a view, the first applied first, and `method_decorators` of a resource.
fn class_wrappers<'p>(class: &Rc<ClassValue<'p>>) -> Wrappers<'p> {
    let of = |name: &str| class.attribute(name).map(|(value, _)| value);
    let reversed = |value: &Value<'p>| -> Vec<Value<'p>> {
        value.items().unwrap_or_default().into_iter().rev().collect()
    };
    let all = of("decorators").map(|value| reversed(&value)).unwrap_or_default();
    let each = match of("method_decorators") {
        Some(Value::Map(entries)) => entries
            .borrow()
            .iter()
            .flat_map(|(verb, list)| {
                let verb = verb.as_str().map(str::to_ascii_lowercase);
                reversed(list).into_iter().map(move |value| (verb.clone(), value))
            })
            .filter(|(verb, _)| verb.is_some())
            .collect(),
        Some(list) => reversed(&list).into_iter().map(|value| (None, value)).collect(),
        None => Vec::new(),
    };
    (all, each)
}
