//! restify, with `restify-router`.

use std::rc::Rc;

use super::scripts::{self, Written};
use super::{Framework, Matching, SCRIPTS};
use crate::eval::interpreter::libraries::Host;
use crate::eval::interpreter::{Library, Trace};
use crate::eval::text::Text;
use crate::eval::value::{Args, CallId, CallRecord, Closure, Value};
use crate::inventory::routes::caller::values;
use crate::inventory::routes::graph::{Graph, Layer, LayerKind, Mount, Registration, made_by};
use crate::inventory::routes::pattern;

/// restify. What is used on a server or router stands before all of its routes, whenever.
pub(super) const RESTIFY: Framework = Framework {
    name: NAME,
    languages: SCRIPTS,
    packages: &["restify", "restify-router"],
    needs: &["restify"],
    fixtures: &["restify"],
    matching: Matching::First,
    has_user_object: false,
    read,
    path: pattern::colons,
};

/// What `restify-router` does while a program runs.
pub(super) const LIBRARY: Library = Library { called, would_call, call };

const NAME: &str = "restify";
const SERVER: &str = "restify-server";
const ROUTER: &str = "restify-router";
/// The call that makes the router which the function of a group is called with.
const GROUP: &str = "restify-router.group";

fn called<'p>(host: &mut Host<'_, 'p>, id: CallId) -> Option<Value<'p>> {
    let call = host.record(id)?;
    if let Some(path) = call.path() {
        if let Some(kind) = kind_of(path) {
            host.set_kind(id, kind);
        }
        return None;
    }
    let (receiver, method) = call.member()?;
    if method == "group" && host.kind(receiver)? == ROUTER {
        let function = call.args.positional.last()?;
        let router = host.record_call(GROUP, Args::default(), call.place);
        host.set_kind(router, ROUTER);
        let router = Value::Native(router);
        host.note(id, router.clone());
        host.call(function, None, Args::of(vec![router]), call.place);
    }
    None
}

/// What the call of a function of the libraries makes.
fn kind_of(path: &str) -> Option<&'static str> {
    let (library, rest) = path.split_once('.').unwrap_or((path, ""));
    match (library, rest.strip_prefix("default.").unwrap_or(rest)) {
        ("restify", "createServer") => Some(SERVER),
        ("restify-router", "Router") => Some(ROUTER),
        _ => None,
    }
}

fn would_call(_host: &Host<'_, '_>, _closure: &Closure<'_>) -> bool {
    false
}

fn call<'p>(_host: &mut Host<'_, 'p>, _closure: &Rc<Closure<'p>>) -> bool {
    false
}

fn read<'p>(trace: &Trace<'p>, graph: &mut Graph<'p>) {
    for (id, call) in trace.records() {
        match trace.kind(id) {
            Some(SERVER) => graph.add_application(id, NAME, call),
            Some(ROUTER) => graph.add(id, NAME, Text::default()),
            _ => {}
        }
    }
    for (id, call) in trace.records() {
        graph.at(id);
        let Some((receiver, method)) = call.method() else { continue };
        let router = graph.origin(receiver);
        let Some(kind) = trace.kind(router).filter(|kind| [SERVER, ROUTER].contains(kind)) else {
            continue;
        };
        let first = call.args.positional.first();
        match (kind, method) {
            (_, "use") | (SERVER, "pre") => {
                for written in scripts::arguments(call, 0) {
                    let layer = layer(trace, written);
                    graph.layer(router, Layer { conditional: call.conditional, ..layer });
                }
                graph.gives_back(id, router);
            }
            (ROUTER, "add") => {
                mount(router, call.args.positional.get(1), first, Vec::new(), call, graph);
            }
            (ROUTER, "group") => {
                let mut layers: Vec<_> = scripts::arguments(call, 1);
                layers.pop();
                let layers = layers.into_iter().map(|written| layer(trace, written)).collect();
                mount(router, trace.note(id).as_ref(), first, layers, call, graph);
            }
            (ROUTER, "applyRoutes") => {
                let servers = first.map(Value::alternatives).unwrap_or_default();
                for server in servers.iter().filter_map(made_by) {
                    let prefix = call.args.positional.get(1);
                    mount(server, Some(&Value::Native(router)), prefix, Vec::new(), call, graph);
                }
            }
            (_, verb) => {
                let methods = match verb {
                    "opts" => vec!["OPTIONS".to_owned()],
                    "get" | "head" | "post" | "put" | "patch" => vec![verb.to_ascii_uppercase()],
                    "del" => vec!["DELETE".to_owned()],
                    _ => continue,
                };
                let handlers = scripts::arguments(call, 1);
                if !handlers.is_empty() {
                    register(router, methods, kind == ROUTER, handlers, call, trace, graph);
                }
            }
        }
    }
}

fn mount<'p>(
    parent: CallId,
    child: Option<&Value<'p>>,
    prefix: Option<&Value<'p>>,
    layers: Vec<Layer<'p>>,
    call: &CallRecord<'p>,
    graph: &mut Graph<'p>,
) {
    let Some(child) = child else { return };
    let prefixes = match prefix {
        None | Some(Value::None | Value::Absent) => vec![Text::default()],
        prefix => scripts::paths(prefix),
    };
    let children: Vec<_> = child.alternatives().iter().filter_map(made_by).collect();
    let conditional = call.conditional || children.len() > 1;
    for prefix in prefixes {
        for child in &children {
            let mount = Mount::new(*child, prefix.trim_end(&['/']), conditional);
            graph.mount_as(parent, Mount { layers: layers.clone(), ..mount });
        }
    }
}

fn register<'p>(
    router: CallId,
    methods: Vec<String>,
    is_router: bool,
    handlers: Vec<Written<'p>>,
    call: &CallRecord<'p>,
    trace: &Trace<'p>,
    graph: &mut Graph<'p>,
) {
    let (handler, layers) = scripts::handled(handlers, call, |written| layer(trace, written));
    let first = call.args.positional.first();
    let options = first.and_then(|first| first.entry("path").or_else(|| first.entry("url")));
    for path in scripts::paths(options.as_ref().or(first)) {
        let is_root = is_router && path.as_literal() == Some("/");
        let path = if is_root { Text::default() } else { path };
        graph.route(
            router,
            Registration {
                layers: layers.clone(),
                args: request(),
                conditional: call.conditional,
                ..Registration::new((methods.clone(), true), path, handler.clone())
            },
        );
    }
}

/// What stands before handlers. A function that is not called with `next` goes on when it ends.
fn layer<'p>(trace: &Trace<'p>, (value, expr): Written<'p>) -> Layer<'p> {
    if let Some(versions) = versions(trace, &value) {
        return Layer::any(versions).called(expr);
    }
    let kind = match &value {
        Value::Function(closure) if goes_on_by_itself(closure) => LayerKind::Hook,
        _ => LayerKind::Middleware,
    };
    let (value, spares) = scripts::unless(trace, value);
    let layer = Layer::new(trace, kind, value, request()).called(expr);
    Layer { spares, ..layer }
}

/// Whether a function is one that a request gets past where it ends.
fn goes_on_by_itself(closure: &Closure<'_>) -> bool {
    closure.function.is_async && closure.function.params.len() < 3
}

/// The handlers for each version of a route, of which a caller chooses one.
fn versions<'p>(trace: &Trace<'p>, value: &Value<'p>) -> Option<Vec<Layer<'p>>> {
    let record = trace.made(value)?;
    if !record.path()?.ends_with("plugins.conditionalHandler") {
        return None;
    }
    let candidates = scripts::flat(record.args.positional.first()?);
    let mut out = Vec::new();
    for candidate in &candidates {
        match scripts::flat(&candidate.entry("handler")?).as_slice() {
            [Value::Function(handler)] => {
                out.push(layer(trace, (Value::Function(Rc::clone(handler)), None)));
            }
            _ => return None,
        }
    }
    (!out.is_empty()).then_some(out)
}

/// What handlers and middleware are called with.
fn request<'p>() -> Args<'p> {
    Args::of(vec![values::request(), values::response(), values::next()])
}
