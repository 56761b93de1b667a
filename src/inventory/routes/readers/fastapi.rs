//! FastAPI and Starlette.

use super::{Framework, Matching};
use crate::eval::interpreter::Trace;
use crate::eval::value::{Args, CallId, CallRecord, Closure, Value};
use crate::inventory::routes::graph::{
    Graph, Handler, Layer, LayerKind, Mount, Registration, made_by, methods_of, path_text,
};
use crate::inventory::routes::{caller, pattern, types};
use crate::module::ExprKind;
use crate::source::Language;

/// FastAPI.
pub(super) const FASTAPI: Framework = Framework {
    name: "fastapi",
    languages: &[Language::Python],
    packages: &["fastapi", "starlette"],
    needs: &[
        "fastapi",
        "starlette",
        "APIRouter",
        ".include_router(",
        ".add_api_route(",
        ".api_route(",
    ],
    fixtures: &[],
    matching: Matching::First,
    has_user_object: true,
    read,
    path: pattern::braces,
};

const NAME: &str = "fastapi";

fn read<'p>(trace: &Trace<'p>, graph: &mut Graph<'p>) {
    for (id, call) in trace.records() {
        graph.at(id);
        if let Some(path) = call.path() {
            construct(id, path, call, trace, graph);
        } else if let Some((receiver, method)) = call.method() {
            method_call(receiver, method, call, trace, graph);
        } else if let Some(registrar) = call.applied().and_then(|id| trace.call(id)) {
            let Some((receiver, method)) = registrar.method() else { continue };
            if let Some(methods) = decorated_methods(method, &registrar.args) {
                let handler = call.args.positional.first();
                register(receiver, &registrar, handler, methods, trace, graph);
            }
        }
    }
}

fn construct<'p>(
    id: CallId,
    path: &str,
    call: &CallRecord<'p>,
    trace: &Trace<'p>,
    graph: &mut Graph<'p>,
) {
    match path {
        "fastapi.FastAPI" | "fastapi.applications.FastAPI" => graph.add_application(id, NAME, call),
        "fastapi.APIRouter" | "fastapi.routing.APIRouter" => {
            graph.add(
                id,
                NAME,
                call.args.keyword("prefix").map(Value::to_text).unwrap_or_default(),
            );
        }
        _ => return,
    }
    for layer in listed(&call.args, trace) {
        graph.layer(id, layer);
    }
}

/// The methods that a decorator registers; `None` for one that registers nothing.
fn decorated_methods(method: &str, args: &Args<'_>) -> Option<(Vec<String>, bool)> {
    match method {
        "get" | "post" | "put" | "delete" | "patch" | "options" | "head" | "trace" => {
            Some((vec![method.to_ascii_uppercase()], true))
        }
        "api_route" | "route" => Some(route_methods(args)),
        "websocket" | "websocket_route" => Some((vec!["WS".to_owned()], true)),
        _ => None,
    }
}

fn route_methods(args: &Args<'_>) -> (Vec<String>, bool) {
    args.keyword("methods").map_or_else(|| (vec!["GET".to_owned()], true), methods_of)
}

fn method_call<'p>(
    receiver: CallId,
    method: &str,
    call: &CallRecord<'p>,
    trace: &Trace<'p>,
    graph: &mut Graph<'p>,
) {
    let endpoint = || call.args.get(1, "endpoint");
    match method {
        "add_api_route" | "add_route" => {
            register(receiver, call, endpoint(), route_methods(&call.args), trace, graph);
        }
        "add_api_websocket_route" | "add_websocket_route" => {
            register(receiver, call, endpoint(), (vec!["WS".to_owned()], true), trace, graph);
        }
        "include_router" => {
            // The child's own prefix is part of its routes' paths already; the parent's comes here.
            if let Some(child) = call.args.get(0, "router").and_then(made_by)
                && let Some(parent) = graph.router(receiver, NAME)
            {
                let mut prefix = parent.prefix.clone();
                prefix.push(&call.args.keyword("prefix").map(Value::to_text).unwrap_or_default());
                let mount = Mount::new(child, prefix, call.conditional);
                let layers = listed(&call.args, trace);
                graph.mount_as(receiver, Mount { layers, ..mount });
            }
        }
        "mount" if graph.router(receiver, NAME).is_some() => {
            if let Some(child) = call.args.get(1, "app").and_then(made_by) {
                graph.mount(receiver, child, path_text(call.args.get(0, "path")), call.conditional);
            }
        }
        _ => {}
    }
}

fn register<'p>(
    receiver: CallId,
    call: &CallRecord<'p>,
    handler: Option<&Value<'p>>,
    methods: (Vec<String>, bool),
    trace: &Trace<'p>,
    graph: &mut Graph<'p>,
) {
    let Some(router) = graph.router(receiver, NAME) else { return };
    let own = router.prefix.clone();
    let mut layers = listed(&call.args, trace);
    let mut handler = Handler::of(handler, call.place);
    let mut declared = (None, None);
    if let Some(function) = &handler.function {
        layers.extend(class_dependencies(function, trace));
        layers.extend(parameter_dependencies(function, trace));
        declared = (types::body(function, trace), types::returned(function, trace));
        if let Some(name) = &function.function.name {
            handler.name.get_or_insert_with(|| name.to_string());
        }
    }
    let response = call.args.keyword("response_model").map(|value| types::shown(trace, value));
    for alternative in
        call.args.get(0, "path").map_or_else(|| vec![Value::Unknown], Value::alternatives)
    {
        let mut path = own.clone();
        path.push(&alternative.to_text());
        graph.route(
            receiver,
            Registration {
                layers: layers.clone(),
                args: Args { open: true, ..Args::default() },
                name: call
                    .args
                    .keyword("name")
                    .and_then(|name| name.as_str().map(str::to_owned))
                    .or_else(|| handler.name.as_deref().map(last_name)),
                request: declared.0.clone(),
                response: response.clone().or_else(|| declared.1.clone()),
                conditional: call.conditional,
                ..Registration::new(methods.clone(), path, handler.clone())
            },
        );
    }
}

fn last_name(qualified: &str) -> String {
    qualified.rsplit('.').next().unwrap_or(qualified).to_owned()
}

/// `dependencies=[Depends(f), …]`.
fn listed<'p>(args: &Args<'p>, trace: &Trace<'p>) -> Vec<Layer<'p>> {
    args.keyword("dependencies")
        .and_then(Value::items)
        .unwrap_or_default()
        .iter()
        .filter_map(|value| dependency(value, trace))
        .collect()
}

/// The layer of `Depends(f)`, `Security(f)`.
fn dependency<'p>(value: &Value<'p>, trace: &Trace<'p>) -> Option<Layer<'p>> {
    let called = depended_on(value, trace)?;
    let args = Args { open: true, ..Args::default() };
    Some(Layer::new(trace, LayerKind::Dependency, called, args))
}

/// What `Depends(f)` depends on.
fn depended_on<'p>(value: &Value<'p>, trace: &Trace<'p>) -> Option<Value<'p>> {
    match value {
        Value::Native(_) => {
            let record = trace.made(value)?;
            caller::is_dependency(record.path()?)
                .then(|| record.args.get(0, "dependency").cloned())
                .flatten()
        }
        Value::Annotated(annotated) => {
            annotated.1.iter().rev().find_map(|note| depended_on(note, trace))
        }
        _ => None,
    }
}

fn parameter_dependencies<'p>(function: &Closure<'p>, trace: &Trace<'p>) -> Vec<Layer<'p>> {
    let mut out = Vec::new();
    for param in &function.function.params {
        for expr in param.default.iter().chain(&param.annotation) {
            // Types without arguments and literals depend on nothing.
            if matches!(expr.kind, ExprKind::None | ExprKind::Number(_) | ExprKind::Text(_)) {
                continue;
            }
            let value = trace.value_in(&function.env, expr);
            out.extend(dependency(&value, trace));
        }
    }
    out
}

/// Attributes of the class around a handler that are dependencies, for what makes a class with
/// handlers into routes.
fn class_dependencies<'p>(function: &Closure<'p>, trace: &Trace<'p>) -> Vec<Layer<'p>> {
    let Some(class) = &function.class else { return Vec::new() };
    let mut out = Vec::new();
    for owner in class.lineage().0 {
        for value in owner.env.vars.borrow().values() {
            out.extend(dependency(value, trace));
        }
    }
    out
}
