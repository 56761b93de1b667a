//! FastAPI and Starlette.

use super::Framework;
use super::graph::{Graph, Handler, Registration, made_by, methods_of, path_text};
use crate::eval::interpreter::Trace;
use crate::eval::value::{Args, CallId, CallRecord, Value};
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
    read,
    path,
};

const NAME: &str = "fastapi";

fn read<'p>(trace: &Trace<'p>, graph: &mut Graph<'p>) {
    for (at, call) in trace.calls.iter().enumerate() {
        let id = CallId(u32::try_from(at).unwrap_or(u32::MAX));
        if let Some(path) = call.path() {
            let prefix = || call.args.keyword("prefix").map(Value::to_text).unwrap_or_default();
            match path {
                "fastapi.FastAPI" | "fastapi.applications.FastAPI" => {
                    graph.add_application(id, NAME, call)
                }
                "fastapi.APIRouter" | "fastapi.routing.APIRouter" => graph.add(id, NAME, prefix()),
                _ => {}
            }
        } else if let Some((receiver, method)) = call.method() {
            method_call(receiver, method, call, graph);
        } else if let Some(registrar) = call.applied().and_then(|id| trace.calls.get(id.0 as usize))
        {
            let Some((receiver, method)) = registrar.method() else { continue };
            let methods = match method {
                "get" | "post" | "put" | "delete" | "patch" | "options" | "head" | "trace" => {
                    Some((vec![method.to_ascii_uppercase()], true))
                }
                "api_route" | "route" => Some(route_methods(&registrar.args)),
                "websocket" | "websocket_route" => Some((vec!["WS".to_owned()], true)),
                _ => None,
            };
            if let Some(methods) = methods {
                register(receiver, registrar, call.args.positional.first(), methods, graph);
            }
        }
    }
}

fn route_methods(args: &Args<'_>) -> (Vec<String>, bool) {
    args.keyword("methods").map_or_else(|| (vec!["GET".to_owned()], true), methods_of)
}

fn method_call<'p>(receiver: CallId, method: &str, call: &CallRecord<'p>, graph: &mut Graph<'p>) {
    match method {
        "add_api_route" | "add_route" => {
            register(
                receiver,
                call,
                call.args.get(1, "endpoint"),
                route_methods(&call.args),
                graph,
            );
        }
        "add_api_websocket_route" | "add_websocket_route" => {
            register(
                receiver,
                call,
                call.args.get(1, "endpoint"),
                (vec!["WS".to_owned()], true),
                graph,
            );
        }
        "include_router" => {
            // The child's own prefix is part of its routes' paths already; the parent's comes here.
            if let Some(child) = call.args.get(0, "router").and_then(made_by)
                && let Some(parent) = graph.router(receiver, NAME)
            {
                let mut prefix = parent.prefix.clone();
                prefix.push(&call.args.keyword("prefix").map(Value::to_text).unwrap_or_default());
                graph.mount(receiver, child, prefix, call.conditional);
            }
        }
        "mount" => {
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
    (methods, methods_known): (Vec<String>, bool),
    graph: &mut Graph<'p>,
) {
    let Some(router) = graph.router(receiver, NAME) else { return };
    let own = router.prefix.clone();
    for alternative in
        call.args.get(0, "path").map_or_else(|| vec![Value::Unknown], Value::alternatives)
    {
        let mut path = own.clone();
        path.push(&alternative.to_text());
        graph.route(
            receiver,
            Registration {
                methods: methods.clone(),
                methods_known,
                path,
                handler: Handler::of(handler, call.place),
                conditional: call.conditional,
            },
        );
    }
}

/// `{name:path}` to `{name*}`, other convertors away.
fn path(raw: &str) -> String {
    let mut out = String::new();
    let mut rest = raw;
    while let Some(start) = rest.find('{') {
        let Some(length) = rest[start..].find('}') else { break };
        out.push_str(&rest[..start]);
        let (name, convertor) = rest[start + 1..start + length]
            .split_once(':')
            .unwrap_or((&rest[start + 1..start + length], ""));
        let star = if convertor == "path" { "*" } else { "" };
        out.push_str(&format!("{{{name}{star}}}"));
        rest = &rest[start + length + 1..];
    }
    out.push_str(rest);
    out
}
