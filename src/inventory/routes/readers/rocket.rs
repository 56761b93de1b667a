//! Rocket.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::{Framework, Matching};
use crate::eval::interpreter::Trace;
use crate::eval::text::{Part, Text};
use crate::eval::value::{Args, CallId, CallRecord, Closure, Value};
use crate::inventory::routes::AuthState;
use crate::inventory::routes::crates::{self, tail};
use crate::inventory::routes::graph::{
    Graph, Layer, LayerKind, Registration, join, made_by, path_text,
};
use crate::inventory::routes::pattern;
use crate::module::path::last_name;
use crate::module::visit::{Visitor, Walk, walk_block};
use crate::module::{Expr, ExprKind};
use crate::source::Language;

/// Rocket.
pub(super) const ROCKET: Framework = Framework {
    name: "rocket",
    languages: &[Language::Rust],
    packages: &["rocket"],
    needs: &["rocket", "routes!["],
    fixtures: &["rocket"],
    matching: Matching::Specific,
    has_user_object: false,
    read,
    path: pattern::rocket,
};

const NAME: &str = "rocket";
const VERBS: &[&str] = &["get", "post", "put", "delete", "patch", "head", "options"];

/// The macro of `rocket_okapi` that mounts lists of routes with what describes them:
/// `(rocket, base, settings, "/path" => list, …)`.
const MOUNT_ALL: &str = "mount_endpoints_and_merged_docs";

/// A route with the place where it is mounted.
struct Mounted<'p> {
    router: CallId,
    call: CallId,
    base: Text,
    rank: i64,
    route: Registration<'p>,
}

struct Reader<'t, 'p> {
    trace: &'t Trace<'p>,
    mounted: Vec<Mounted<'p>>,
    /// Handlers that were mounted.
    registered: BTreeSet<usize>,
}

fn read<'p>(trace: &Trace<'p>, graph: &mut Graph<'p>) {
    let mut reader = Reader { trace, mounted: Vec::new(), registered: BTreeSet::new() };
    for (id, call) in trace.records() {
        graph.at(id);
        if let Some(path) = call.path() {
            match tail(path, 2) {
                "rocket::build" | "rocket::custom" | "rocket::ignite" | "Rocket::build"
                | "Rocket::custom" | "Rocket::ignite"
                    if path.starts_with("rocket") =>
                {
                    graph.add_application(id, NAME, call);
                }
                "AdHoc::on_ignite"
                | "AdHoc::try_on_ignite"
                | "AdHoc::on_attach"
                | "AdHoc::try_on_attach" => graph.add(id, NAME, Text::default()),
                "rocket::Rocket" => graph.add(id, NAME, Text::default()),
                _ if tail(path, 1) == MOUNT_ALL => reader.mount_all(id, call, graph),
                _ => {}
            }
        } else if let Some((receiver, method)) = call.method()
            && graph.router(receiver, NAME).is_some()
        {
            reader.method(id, receiver, method, call, graph);
            graph.gives_back(id, receiver);
        }
    }
    for closure in trace.functions.iter() {
        if !reader.registered.contains(&identity(closure))
            && let Some((id, route, rank)) = reader.attributed(closure)
        {
            graph.add(id, NAME, Text::default());
            let base = Text::default();
            reader.mounted.push(Mounted { router: id, call: id, base, rank, route });
        }
    }
    settle(reader.mounted, graph);
}

fn identity(closure: &Rc<Closure<'_>>) -> usize {
    let function: *const crate::module::Function = closure.function;
    function as usize
}

impl<'p> Reader<'_, 'p> {
    fn method(
        &mut self,
        id: CallId,
        router: CallId,
        method: &str,
        call: &CallRecord<'p>,
        graph: &mut Graph<'p>,
    ) {
        let conditional = graph.is_conditional(self.trace, router, call);
        match method {
            "mount" => {
                let base = self.base(call.args.positional.first());
                self.mount((router, id), &base, call.args.positional.get(1), conditional);
            }
            "attach" => {
                if let Some(child) = call.args.positional.first().and_then(made_by) {
                    graph.mount(router, child, Text::default(), conditional);
                }
            }
            _ => {}
        }
    }

    fn mount(
        &mut self,
        (router, call): (CallId, CallId),
        base: &Text,
        routes: Option<&Value<'p>>,
        conditional: bool,
    ) {
        let mut found = Vec::new();
        self.routes(routes, 0, &mut found);
        for (mut route, rank) in found {
            route.conditional |= conditional;
            self.mounted.push(Mounted { router, call, base: base.clone(), rank, route });
        }
    }

    /// See [`MOUNT_ALL`].
    fn mount_all(&mut self, id: CallId, call: &CallRecord<'p>, graph: &mut Graph<'p>) {
        let [rocket, base, _, entries @ ..] = call.args.positional.as_slice() else { return };
        let Some(router) = made_by(rocket).filter(|id| graph.router(*id, NAME).is_some()) else {
            return;
        };
        let base = path_text(Some(base));
        let conditional = graph.is_conditional(self.trace, router, call);
        for entry in entries {
            let Value::Map(pairs) = entry else { continue };
            let pairs = pairs.borrow().clone();
            for (path, routes) in &pairs {
                let base = join(&base, &path_text(Some(path)));
                self.mount((router, id), &base, Some(routes), conditional);
            }
        }
    }

    /// The path that routes are mounted at; `uri!("/x")` is one.
    fn base(&self, value: Option<&Value<'p>>) -> Text {
        match value.and_then(|value| self.trace.made(value)) {
            Some(record) if record.path().is_some_and(|path| tail(path, 1) == "uri") => {
                path_text(record.args.positional.first())
            }
            _ => path_text(value),
        }
    }

    fn routes(
        &mut self,
        value: Option<&Value<'p>>,
        depth: usize,
        out: &mut Vec<(Registration<'p>, i64)>,
    ) {
        let Some(value) = value.filter(|_| depth < 16) else { return };
        match value {
            Value::List(parts) => {
                let parts = parts.borrow().clone();
                parts.iter().for_each(|part| self.routes(Some(part), depth + 1, out));
            }
            Value::Choice(values) => {
                let before = out.len();
                values.iter().for_each(|value| self.routes(Some(value), depth + 1, out));
                out[before..].iter_mut().for_each(|(route, _)| route.conditional = true);
            }
            Value::Function(closure) => {
                self.registered.insert(identity(closure));
                out.extend(self.attributed(closure).map(|(_, route, rank)| (route, rank)));
            }
            Value::Native(_) => {
                let Some(record) = self.trace.made(value) else { return };
                let args = &record.args.positional;
                match record.path().map(|path| tail(path, 2)) {
                    Some("Route::new") => out.extend(self.made(args.as_slice(), &record)),
                    Some("Route::ranked") => {
                        out.extend(self.made(args.get(1..).unwrap_or_default(), &record));
                    }
                    _ => {}
                }
            }
            // What the program turns into routes.
            Value::Object(object) => {
                let converts = self.trace.extensions("from").into_iter().find(|closure| {
                    let of = closure.function.params.first().and_then(|param| {
                        Some(self.trace.type_in(closure, param.annotation.as_ref()?))
                    });
                    matches!(of, Some(Value::Class(class)) if Rc::ptr_eq(&class, &object.class))
                });
                let converted = match converts {
                    Some(closure) => Some(Value::Function(closure)),
                    None => self.trace.bound_method(value, "into"),
                };
                if let Some(function) = converted {
                    let routes = self.trace.call_again(&function, Args::of(vec![value.clone()]));
                    self.routes(Some(&routes), depth + 1, out);
                }
            }
            _ => {}
        }
    }

    /// `Route::new(method, path, handler)`.
    fn made(&self, args: &[Value<'p>], record: &CallRecord<'p>) -> Option<(Registration<'p>, i64)> {
        let [method, path, handler] = args else { return None };
        let methods = match method {
            Value::External(path) => (vec![tail(path, 1).to_ascii_uppercase()], true),
            _ => (Vec::new(), false),
        };
        let endpoint = crates::endpoint(self.trace, Some(handler), record.place, &["handle"]);
        Some((
            Registration {
                layers: endpoint.layers,
                args: endpoint.args,
                ..Registration::new(methods, path_text(Some(path)), endpoint.handler)
            },
            0,
        ))
    }

    /// A function whose attribute says what it answers, with its rank.
    fn attributed(&self, closure: &Rc<Closure<'p>>) -> Option<(CallId, Registration<'p>, i64)> {
        let (id, record) = closure.decorators.iter().find_map(|value| {
            let Value::Native(id) = value else { return None };
            let record = self.trace.call(*id)?;
            let path = record.path()?;
            let of_rocket = !path.contains("::") || path.starts_with("rocket::");
            let name = tail(path, 1);
            let is_route = of_rocket && (name == "route" || VERBS.contains(&name));
            is_route.then_some((*id, record))
        })?;
        let name = tail(record.path()?, 1).to_owned();
        let mut methods =
            if name == "route" { Vec::new() } else { vec![name.to_ascii_uppercase()] };
        let mut path = record.args.keyword("uri").or(record.args.keyword("path")).cloned();
        let named = record.args.keyword("method");
        for value in record.args.positional.iter().chain(named) {
            match value {
                Value::External(method) => methods.push(tail(method, 1).to_ascii_uppercase()),
                text => path = path.or_else(|| Some(text.clone())),
            }
        }
        let rank = match record.args.keyword("rank") {
            Some(Value::Number(rank)) => rank.parse().unwrap_or(0),
            _ => i64::MIN,
        };
        let function = Value::Function(Rc::clone(closure));
        let endpoint = crates::endpoint(self.trace, Some(&function), closure.place(), &[]);
        if endpoint.upgrades {
            methods = vec!["WS".to_owned()];
        }
        let path = without_query(&path_text(path.as_ref()));
        let request = endpoint.request;
        let route = Registration {
            layers: endpoint.layers,
            args: endpoint.args,
            request,
            response: endpoint.response,
            ..Registration::new((methods, true), path, endpoint.handler)
        };
        Some((id, route, rank))
    }
}

/// Routes of one path and method are tried by rank: the first is the one that is listed. Where it
/// hands an anonymous caller on, the next decides.
fn settle<'p>(mounted: Vec<Mounted<'p>>, graph: &mut Graph<'p>) {
    let mut groups: BTreeMap<(CallId, String, Vec<String>), Vec<Mounted<'p>>> = BTreeMap::new();
    for mounted in mounted {
        let whole = join(&mounted.base, &mounted.route.path).to_string();
        let key = (graph.origin(mounted.router), whole, mounted.route.methods.clone());
        groups.entry(key).or_default().push(mounted);
    }
    for mut group in groups.into_values() {
        group.sort_by_key(|mounted| mounted.rank);
        let mut group = group.into_iter();
        let Some(first) = group.next() else { continue };
        let mut route = first.route;
        for next in group {
            let hands_on = |layer: &Layer<'p>| match &layer.value {
                Value::Function(closure) => forwards(closure),
                _ => false,
            };
            if !route.layers.iter().any(hands_on) {
                break;
            }
            // Who is answered by this one had what it asks for.
            let params = first_params(&route);
            route.args = Args::of(vec![Value::Unknown; params]);
            for layer in route.layers.iter_mut().filter(|layer| hands_on(layer)) {
                layer.kind = LayerKind::Decided(AuthState::Optional);
                layer.value = Value::Unknown;
            }
            route.layers.extend(next.route.layers);
        }
        route.path = join(&first.base, &route.path);
        graph.at(first.call);
        graph.route(first.router, route);
    }
}

fn first_params(route: &Registration<'_>) -> usize {
    route.handler.function.as_ref().map_or(0, |function| function.function.params.len())
}

/// The path without what it says of the query, and without the slash that stands for the base.
fn without_query(path: &Text) -> Text {
    let mut out = Text::default();
    for part in path.parts() {
        match part {
            Part::Literal(text) => match text.split_once('?') {
                Some((before, _)) => {
                    out.push_literal(before);
                    break;
                }
                None => out.push_literal(text),
            },
            Part::Hole(name) => out.push_hole(name),
        }
    }
    out.trim_end(&['/'])
}

/// Whether a guard hands requests on to the next route.
fn forwards(closure: &Closure<'_>) -> bool {
    let mut mentions = Mentions(false);
    walk_block(&mut mentions, &closure.function.body);
    mentions.0
}

struct Mentions(bool);

impl<'m> Visitor<'m> for Mentions {
    fn enter_expr(&mut self, expr: &'m Expr) -> Walk {
        if let ExprKind::Call(call) = &expr.kind {
            self.0 |= matches!(last_name(&call.callee), Some("Forward" | "or_forward"));
        }
        Walk::Into
    }
}
