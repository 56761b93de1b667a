//! Express.

use std::collections::BTreeMap;

use super::scripts;
use super::{Framework, Matching, SCRIPTS};
use crate::eval::interpreter::Trace;
use crate::eval::text::Text;
use crate::eval::value::{Args, CallId, CallRecord, Value};
use crate::inventory::routes::caller::values;
use crate::inventory::routes::graph::{
    Graph, Guard, Handler, Layer, LayerKind, Registration, made_by,
};
use crate::inventory::routes::pattern;
use crate::module::Expr;

/// Express.
pub(super) const EXPRESS: Framework = Framework {
    name: "express",
    languages: SCRIPTS,
    packages: &["express"],
    needs: &["express", "Router(", ".use("],
    fixtures: &[],
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
    let Some(methods) = scripts::methods(verb) else { return };
    let last = handlers.pop();
    let mut handler = Handler::of(last.as_ref().map(|(value, _)| value), call.place);
    // A route is found where it is registered; handlers are often made by factories elsewhere.
    handler.place = call.place;
    let mut layers: Vec<_> = handlers.into_iter().map(|value| layer(trace, value)).collect();
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
                args: request(),
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
                graph.mount(router, *child, prefix.clone(), call.conditional);
            }
            if children.is_empty() && !handles_errors(&value) {
                let layer =
                    Layer { conditional: call.conditional, ..layer(trace, (value.clone(), expr)) };
                let path = prefix.clone();
                graph.guard(router, Guard { layer, path, methods: Vec::new(), is_mounted: true });
            }
        }
    }
}

/// A middleware of four parameters is called for errors only.
fn handles_errors(value: &Value<'_>) -> bool {
    matches!(value, Value::Function(closure) if closure.function.params.len() == 4)
}
