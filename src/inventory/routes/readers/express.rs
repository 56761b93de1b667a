//! Express.

use std::collections::BTreeMap;

use super::{Framework, Matching, SCRIPTS};
use crate::eval::interpreter::Trace;
use crate::eval::text::Text;
use crate::eval::value::{Args, CallId, CallRecord, Value};
use crate::inventory::routes::caller::values;
use crate::inventory::routes::graph::{
    Graph, Guard, Handler, Layer, LayerKind, Registration, made_by, path_text,
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
const VERBS: &[&str] = &[
    "get", "post", "put", "delete", "patch", "head", "options", "all", "trace", "connect",
    "propfind",
];

/// The most handlers of one registration that are looked at.
const MAX_HANDLERS: usize = 256;

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
                if VERBS.contains(&verb) && call.args.positional.len() > 1 =>
            {
                let (path, handlers) = (call.args.positional.first(), written(call, 1));
                register(*router, verb, path, handlers, call, trace, graph);
                graph.gives_back(id, *router);
            }
            (Chain::Path(router, path), verb) if VERBS.contains(&verb) => {
                register(*router, verb, Some(path), written(call, 0), call, trace, graph);
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
    let methods = if verb == "all" { Vec::new() } else { vec![verb.to_ascii_uppercase()] };
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
    for path in &paths(path) {
        graph.route(
            router,
            Registration {
                layers: layers.clone(),
                hands_on: hands_on.clone(),
                args: request(),
                conditional: call.conditional,
                ..Registration::new((methods.clone(), true), path_text(Some(path)), handler.clone())
            },
        );
    }
}

/// A middleware, with the expression that gave it.
fn layer<'p>(trace: &Trace<'p>, (value, expr): (Value<'p>, Option<&'p Expr>)) -> Layer<'p> {
    let layer = Layer::new(trace, LayerKind::Middleware, value, request()).called(expr);
    Layer { sees_rest: true, ..layer }
}

/// The arguments of a call from the one at `from` on, with the expressions that gave them where
/// there is one for each.
fn written<'p>(call: &CallRecord<'p>, from: usize) -> Vec<(Value<'p>, Option<&'p Expr>)> {
    let values = &call.args.positional;
    let exprs = call.written.map(|call| &call.args).filter(|args| args.len() == values.len());
    let pairs = values
        .iter()
        .enumerate()
        .skip(from)
        .map(|(at, value)| (value.clone(), exprs.map(|exprs| &exprs[at].value)));
    pairs
        .flat_map(|(value, expr)| flat(&value).into_iter().map(move |value| (value, expr)))
        .collect()
}

/// Handlers may be given as lists, nested too.
fn flat<'p>(value: &Value<'p>) -> Vec<Value<'p>> {
    let mut out = Vec::new();
    let mut queue = vec![value.clone()];
    // A list can hold itself.
    for _ in 0..MAX_HANDLERS {
        let Some(value) = queue.pop() else { break };
        match value.items() {
            Some(items) => queue.extend(items.into_iter().rev()),
            None => out.push(value),
        }
    }
    out
}

/// One path, or each of a list.
fn paths<'p>(path: Option<&Value<'p>>) -> Vec<Value<'p>> {
    match path {
        Some(Value::List(items)) => items.borrow().clone(),
        Some(other) => other.alternatives(),
        None => vec![Value::Unknown],
    }
}

fn mount<'p>(router: CallId, call: &CallRecord<'p>, trace: &Trace<'p>, graph: &mut Graph<'p>) {
    let first = call.args.positional.first();
    let has_path = match first {
        Some(Value::Text(_)) => true,
        Some(Value::List(items)) => {
            items.borrow().iter().all(|item| matches!(item, Value::Text(_)))
        }
        Some(Value::Unknown) => call.args.positional.len() > 1,
        _ => false,
    };
    let prefixes = if has_path { paths(first) } else { vec![Value::text("")] };
    for (value, expr) in written(call, usize::from(has_path)) {
        let children: Vec<_> = value
            .alternatives()
            .iter()
            .filter_map(made_by)
            .filter(|child| graph.router(*child, NAME).is_some())
            .collect();
        for prefix in &prefixes {
            for child in &children {
                graph.mount(router, *child, prefix.to_text(), call.conditional);
            }
            if children.is_empty() && !handles_errors(&value) {
                let layer =
                    Layer { conditional: call.conditional, ..layer(trace, (value.clone(), expr)) };
                let path = prefix.to_text();
                graph.guard(router, Guard { layer, path, methods: Vec::new(), is_mounted: true });
            }
        }
    }
}

/// A middleware of four parameters is called for errors only.
fn handles_errors(value: &Value<'_>) -> bool {
    matches!(value, Value::Function(closure) if closure.function.params.len() == 4)
}
