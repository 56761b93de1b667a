//! Event handlers: what is inside of what h3 makes of functions, objects and routers.

use std::collections::BTreeSet;

use super::{App, files, last_name, method_on, paths};
use crate::eval::interpreter::Trace;
use crate::eval::value::{Args, CallId, CallRecord, Place, Value};
use crate::inventory::routes::caller::values;
use crate::inventory::routes::graph::{Graph, Layer, LayerKind, Registration};
use crate::inventory::routes::methods;

/// How deep handlers are looked into.
const MAX_DEPTH: usize = 8;

/// Where a handler was found.
pub(super) struct Found {
    /// The path below the base of the application.
    pub(super) path: String,
    /// The methods; empty where only the handler knows.
    pub(super) methods: Vec<String>,
    /// Where a reader looks for it.
    pub(super) place: Place,
    /// Under a condition.
    pub(super) conditional: bool,
}

/// What a handler is made of.
#[derive(Default)]
pub(super) struct Unwrapped<'p> {
    /// What answers.
    pub(super) function: Value<'p>,
    /// What runs before it.
    pub(super) hooks: Vec<Value<'p>>,
    /// Whether it opens a WebSocket.
    is_socket: bool,
    /// A router that answers, and the path that is taken off before it sees one.
    router: Option<(CallId, String)>,
}

/// Takes apart what h3 made of a handler.
pub(super) fn unwrapped<'p>(trace: &Trace<'p>, value: Value<'p>) -> Unwrapped<'p> {
    let mut out = Unwrapped::default();
    let mut at = value;
    for _ in 0..MAX_DEPTH {
        let next = match &at {
            Value::Method(method) if method.1 == "handler" => {
                if let Value::Native(id) = &method.0 {
                    out.router = Some((*id, String::new()));
                }
                None
            }
            Value::Map(_) => {
                let hooks = at.entry("onRequest").or_else(|| at.entry("middleware"));
                match hooks {
                    Some(Value::List(items)) => out.hooks.extend(items.borrow().iter().cloned()),
                    Some(hook) => out.hooks.push(hook),
                    None => {}
                }
                at.entry("handler")
            }
            Value::Native(id) => match trace.made(&at) {
                Some(record) => made(trace, *id, &record, &mut out),
                None => None,
            },
            _ => None,
        };
        match next {
            Some(next) => at = next,
            None => break,
        }
    }
    out.function = at;
    out
}

/// What is inside of what a call made.
fn made<'p>(
    trace: &Trace<'p>,
    id: CallId,
    record: &CallRecord<'p>,
    out: &mut Unwrapped<'p>,
) -> Option<Value<'p>> {
    let first = record.args.positional.first();
    if let Some((router, _)) = method_on(record) {
        // `export default router.get(…)`
        if is_router(trace, router) {
            out.router = Some((router, String::new()));
        }
        return None;
    }
    let name = last_name(record.path()?);
    match name {
        "createRouter" => {
            out.router = Some((id, String::new()));
            None
        }
        "useBase" => {
            let base = first?.to_text().to_string();
            let inner = unwrapped(trace, record.args.positional.get(1)?.clone());
            match inner.router {
                Some((router, below)) => out.router = Some((router, format!("{base}{below}"))),
                None => return Some(inner.function),
            }
            None
        }
        "defineWebSocketHandler" => {
            out.is_socket = true;
            first.and_then(|hooks| hooks.entry("upgrade"))
        }
        "lazyEventHandler" | "defineLazyEventHandler" => Some(trace.call_with_nothing(first?)),
        "eventHandler" | "cachedEventHandler" | "toEventHandler" => first.cloned(),
        _ if name.starts_with("define") && name.ends_with("Handler") => match first? {
            // With options first, as `defineOAuthEventHandler({ onSuccess })`, it is the library's.
            Value::Map(_) => first.filter(|it| it.entry("handler").is_some()).cloned(),
            _ => first.cloned(),
        },
        _ => None,
    }
}

fn is_router(trace: &Trace<'_>, id: CallId) -> bool {
    let mut at = id;
    for _ in 0..256 {
        let Some(call) = trace.call(at) else { return false };
        match method_on(&call) {
            Some((receiver, _)) => at = receiver,
            None => return call.path().is_some_and(|path| last_name(path) == "createRouter"),
        }
    }
    false
}

/// What runs before a handler: only raising and answering stop it.
pub(super) fn hook_layers<'p>(trace: &Trace<'p>, hooks: Vec<Value<'p>>) -> Vec<Layer<'p>> {
    let args = || Args::of(vec![values::context()]);
    hooks
        .into_iter()
        .map(|hook| {
            let hook = unwrapped(trace, hook).function;
            Layer::new(trace, LayerKind::Dependency, hook, args())
        })
        .collect()
}

/// Registers what a handler answers: itself, or the routes of the router that it is.
pub(super) fn routes<'p>(
    trace: &Trace<'p>,
    graph: &mut Graph<'p>,
    app: &App<'p>,
    value: Value<'p>,
    found: Found,
    depth: usize,
) {
    let unwrapped = unwrapped(trace, value);
    if let Some((router, base)) = &unwrapped.router {
        if depth < MAX_DEPTH {
            of_router(trace, graph, app, *router, base, depth + 1);
        }
        return;
    }
    let args = Args::of(vec![values::context()]);
    let mut layers = app.layers.clone();
    layers.extend(hook_layers(trace, unwrapped.hooks));
    let mut function = unwrapped.function;
    let mut methods = vec![found.methods];
    if unwrapped.is_socket {
        methods = vec![vec!["WS".to_owned()]];
        if matches!(function, Value::Function(_)) {
            let args = Args::of(vec![values::request()]);
            layers.push(Layer::new(trace, LayerKind::Dependency, function, args));
        }
        function = Value::Unknown;
    } else if methods[0].is_empty() {
        let answered = methods::answered(trace, &function, &args, methods::ALL);
        if !answered.is_empty() {
            methods = answered.into_iter().map(|method| vec![method]).collect();
        }
    }
    // What a library made without a function of the program is its own business.
    if matches!(&function, Value::Map(_) | Value::None) {
        function = Value::Unknown;
    }
    for methods in methods {
        let registration = files::registration(
            trace,
            found.place.file,
            "default",
            function.clone(),
            methods,
            &found.path,
            layers.clone(),
            args.clone(),
        );
        let path = files::with_holes(&found.path);
        let mut registration = Registration {
            shown_path: Some(path.clone()),
            path,
            base: app.base.clone(),
            conditional: found.conditional,
            ..registration
        };
        registration.handler.place = found.place;
        graph.route(app.id, registration);
    }
}

/// The routes of a router.
fn of_router<'p>(
    trace: &Trace<'p>,
    graph: &mut Graph<'p>,
    app: &App<'p>,
    router: CallId,
    base: &str,
    depth: usize,
) {
    let mut origin = router;
    // A chain ends with the last of its calls.
    while let Some(call) = trace.call(origin)
        && let Some((receiver, _)) = method_on(&call)
    {
        origin = receiver;
    }
    let mut same = BTreeSet::from([origin]);
    for (id, call) in trace.records() {
        let Some((receiver, method)) = method_on(call) else { continue };
        if same.contains(&receiver) {
            same.insert(id);
            on_router(trace, graph, app, call, method, base, depth);
        }
    }
}

/// A registration on a router.
pub(super) fn on_router<'p>(
    trace: &Trace<'p>,
    graph: &mut Graph<'p>,
    app: &App<'p>,
    call: &CallRecord<'p>,
    method: &str,
    base: &str,
    depth: usize,
) {
    let given = &call.args.positional;
    let methods = match method {
        "get" | "post" | "put" | "patch" | "delete" | "head" | "options" => {
            vec![method.to_ascii_uppercase()]
        }
        "use" | "add" => match given.get(2) {
            Some(methods) => crate::inventory::routes::graph::methods_of(methods).0,
            None => Vec::new(),
        },
        _ => return,
    };
    let (Some(path), Some(value)) = (given.first(), given.get(1)) else { return };
    let path = format!("{base}/{}", path.to_text().to_string().trim_start_matches('/'));
    let all: Vec<Vec<String>> = if methods.is_empty() {
        vec![Vec::new()]
    } else {
        methods.into_iter().map(|method| vec![method]).collect()
    };
    for methods in all {
        let found = Found {
            path: paths::of_route(&path),
            methods,
            place: call.place,
            conditional: call.conditional,
        };
        routes(trace, graph, app, value.clone(), found, depth);
    }
}
