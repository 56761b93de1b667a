//! Express.

use std::collections::BTreeMap;

use super::scripts;
use super::{Framework, Matching, SCRIPTS};
use crate::eval::interpreter::Trace;
use crate::eval::text::Text;
use crate::eval::value::{Args, CallId, CallRecord, Value};
use crate::inventory::routes::caller::values;
use crate::inventory::routes::graph::{
    Entry, Graph, Guard, Handler, Layer, LayerKind, Opaque, Registration, made_by,
};
use crate::inventory::routes::pattern;
use crate::module::Expr;

/// Express.
pub(super) const EXPRESS: Framework = Framework {
    name: "express",
    languages: SCRIPTS,
    packages: &["express"],
    needs: &["express", "Router(", ".use(", ".listen("],
    fixtures: &["express", "express-commonjs", "express5"],
    matching: Matching::Chain,
    has_user_object: false,
    read,
    path: pattern::optional_braces,
};

const NAME: &str = "express";

/// What the result of a call stands for, since registrations are chained.
#[derive(Clone)]
enum Chain<'p> {
    Router(CallId),
    /// `router.route(path)`.
    Path(CallId, Value<'p>),
}

fn read<'p>(trace: &Trace<'p>, graph: &mut Graph<'p>) {
    let mut chains: BTreeMap<CallId, Chain<'p>> = BTreeMap::new();
    let mut params: Vec<(CallId, String, Layer<'p>)> = Vec::new();
    for (id, call) in trace.records() {
        graph.at(id);
        if let Some(path) = call.path() {
            match path {
                "express" | "express.application" => graph.add_application(id, NAME, call),
                "express.Router" | "express.default.Router" => graph.add(id, NAME, Text::default()),
                _ => {}
            }
            continue;
        }
        let Some((receiver, method)) = call.method() else { continue };
        let chain = match chains.get(&receiver) {
            Some(chain) => chain.clone(),
            None if graph.router(receiver, NAME).is_some() => Chain::Router(receiver),
            None => continue,
        };
        match (&chain, method) {
            (Chain::Router(router), "route") => {
                let path = call.args.positional.first().cloned().unwrap_or_default();
                chains.insert(id, Chain::Path(*router, path));
                continue;
            }
            (Chain::Router(router), "param") => {
                if let [name, value, ..] = call.args.positional.as_slice() {
                    let mut layer = layer(trace, (value.clone(), None));
                    layer.args.positional.push(Value::Unknown);
                    let names = scripts::flat(name);
                    let names = names.iter().filter_map(Value::as_str);
                    params.extend(names.map(|name| (*router, name.to_owned(), layer.clone())));
                }
            }
            (Chain::Router(router), "ws") if call.args.positional.len() > 1 => {
                let (path, handlers) = (call.args.positional.first(), scripts::arguments(call, 1));
                register(*router, "ws", path, handlers, call, trace, graph);
            }
            (Chain::Router(router), "use") => {
                mount(*router, call, trace, graph);
                graph.gives_back(id, *router);
            }
            (Chain::Router(router), verb)
                if scripts::methods(verb).is_some() && call.args.positional.len() > 1 =>
            {
                let (path, handlers) = (call.args.positional.first(), scripts::arguments(call, 1));
                register(*router, verb, path, handlers, call, trace, graph);
                graph.gives_back(id, *router);
            }
            (Chain::Path(router, path), verb) if scripts::methods(verb).is_some() => {
                register(
                    *router,
                    verb,
                    Some(path),
                    scripts::arguments(call, 0),
                    call,
                    trace,
                    graph,
                );
            }
            _ => {}
        }
        chains.insert(id, chain);
    }
    for (router, name, layer) in params {
        stands_before(router, &name, &layer, graph);
    }
}

/// What `router.param` gave stands before all of the router's routes that have the parameter.
fn stands_before<'p>(router: CallId, name: &str, layer: &Layer<'p>, graph: &mut Graph<'p>) {
    let router = graph.origin(router);
    let Some(router) = graph.routers.get_mut(&router) else { return };
    let has = |path: &Text| {
        let shape = pattern::optional_braces(&path.to_string());
        shape.parameters.iter().any(|parameter| parameter.name == name)
    };
    for (_, entry) in &mut router.entries {
        match entry {
            Entry::Route(route) if has(&route.path) => route.layers.insert(0, layer.clone()),
            Entry::Mount(mount) if has(&mount.prefix) => mount.layers.insert(0, layer.clone()),
            _ => {}
        }
    }
}

/// What handlers and middleware are called with.
fn request<'p>() -> Args<'p> {
    Args::of(vec![values::request(), values::response(), values::next()])
}

fn register<'p>(
    router: CallId,
    verb: &str,
    path: Option<&Value<'p>>,
    mut handlers: Vec<(Value<'p>, Option<&'p Expr>)>,
    call: &CallRecord<'p>,
    trace: &Trace<'p>,
    graph: &mut Graph<'p>,
) {
    let is_socket = verb == "ws";
    let socket = || Some(vec!["WS".to_owned()]).filter(|_| is_socket);
    let Some(methods) = scripts::methods(verb).or_else(socket) else { return };
    let last = handlers.pop();
    let mut handler = Handler::of(last.as_ref().map(|(value, _)| value), call.place);
    // A route is found where it is registered; handlers are often made by factories elsewhere.
    handler.place = call.place;
    let mut layers: Vec<_> = handlers.into_iter().map(|value| layer(trace, value)).collect();
    let args = match is_socket {
        true => Args::of(vec![values::socket(), values::request(), values::next()]),
        false => request(),
    };
    // What a library or a class makes of a handler is asked like a guard, and a handler that may
    // hand a request on is one for what comes later.
    let mut hands_on = None;
    match &handler.function {
        Some(function) if function.function.params.len() == 3 => {
            hands_on = last.map(|value| layer(trace, value));
        }
        Some(_) => {}
        None => layers.extend(last.map(|value| layer(trace, value))),
    }
    for path in scripts::paths(path) {
        graph.route(
            router,
            Registration {
                layers: layers.clone(),
                hands_on: hands_on.clone(),
                args: args.clone(),
                conditional: call.conditional,
                ..Registration::new((methods.clone(), true), path, handler.clone())
            },
        );
    }
}

/// A middleware, with the expression that gave it.
fn layer<'p>(trace: &Trace<'p>, (value, expr): (Value<'p>, Option<&'p Expr>)) -> Layer<'p> {
    let (value, spares) = scripts::unless(trace, value);
    let layer = Layer::new(trace, LayerKind::Middleware, value, request()).called(expr);
    Layer { sees_rest: true, spares, ..layer }
}

fn mount<'p>(router: CallId, call: &CallRecord<'p>, trace: &Trace<'p>, graph: &mut Graph<'p>) {
    let first = call.args.positional.first();
    let has_path = scripts::is_path_of(first, call.args.positional.len() > 1);
    let prefixes = if has_path { scripts::paths(first) } else { vec![Text::default()] };
    for (value, expr) in scripts::arguments(call, usize::from(has_path)) {
        let children: Vec<_> = value
            .alternatives()
            .iter()
            .filter_map(made_by)
            .filter(|child| graph.router(*child, NAME).is_some())
            .collect();
        for prefix in &prefixes {
            for child in &children {
                let conditional = call.conditional || children.len() > 1;
                graph.mount(router, *child, prefix.clone(), conditional);
            }
            if children.is_empty() && !handles_errors(&value) {
                let layer =
                    Layer { conditional: call.conditional, ..layer(trace, (value.clone(), expr)) };
                let path = prefix.clone();
                graph.guard(router, Guard { layer, path, methods: Vec::new(), is_mounted: true });
                if let Some(is_certain) = scripts::answers(trace, &value, 2).filter(|_| has_path) {
                    let (path, place) = (prefix.clone(), call.place);
                    graph.opaque(router, Opaque { path, place, is_certain });
                }
            }
        }
    }
}

/// A middleware of four parameters is called for errors only.
fn handles_errors(value: &Value<'_>) -> bool {
    matches!(value, Value::Function(closure) if closure.function.params.len() == 4)
}
