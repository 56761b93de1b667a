//! What the readers of Rust's frameworks have in common: handlers with their extractors, and the
//! names by which libraries' layers are known.

use std::rc::Rc;

use super::caller::values;
use super::extractors;
use super::graph::{Handler, Layer, LayerKind, name_of};
use super::types;
use crate::eval::interpreter::Trace;
use crate::eval::value::{Args, CallRecord, Closure, Place, Value};
use crate::module::path::{Path, last_name};
use crate::module::visit::{Visitor, Walk, walk_block};
use crate::module::{Expr, ExprKind};

/// What answers, with what stands before it by its own declaration.
#[derive(Debug, Clone)]
pub struct Endpoint<'p> {
    /// The handler.
    pub handler: Handler<'p>,
    /// Its extractors, and what wraps it.
    pub layers: Vec<Layer<'p>>,
    /// What it is called with.
    pub args: Args<'p>,
    /// Whether it makes a WebSocket of the connection.
    pub upgrades: bool,
    /// The declared type of the body that it takes.
    pub request: Option<String>,
    /// The declared type of what it answers.
    pub response: Option<String>,
}

/// Arguments by the types of the parameters.
#[must_use]
pub fn by_types<'p>() -> Args<'p> {
    Args { open: true, ..Args::default() }
}

/// The endpoint that a value is. `methods` are those by which an object answers.
#[must_use]
pub fn endpoint<'p>(
    trace: &Trace<'p>,
    value: Option<&Value<'p>>,
    registered: Place,
    methods: &[&str],
) -> Endpoint<'p> {
    match value {
        Some(Value::Function(closure)) => of_function(trace, closure, registered),
        Some(object @ (Value::Object(_) | Value::Class(_) | Value::Variant(_))) => {
            let method = methods.iter().find_map(|method| trace.bound_method(object, method));
            match method {
                Some(Value::Function(closure)) => of_function(trace, &closure, registered),
                _ => nothing(registered),
            }
        }
        Some(Value::Choice(values)) => {
            let known = values.iter().find(|value| matches!(value, Value::Function(_)));
            endpoint(trace, known.or(values.first()), registered, methods)
        }
        _ => nothing(registered),
    }
}

fn nothing<'p>(registered: Place) -> Endpoint<'p> {
    Endpoint {
        handler: Handler { name: None, place: registered, function: None, inner: None },
        layers: Vec::new(),
        args: Args::default(),
        upgrades: false,
        request: None,
        response: None,
    }
}

fn of_function<'p>(
    trace: &Trace<'p>,
    closure: &Rc<Closure<'p>>,
    registered: Place,
) -> Endpoint<'p> {
    let is_named = closure.function.name.is_some();
    let handler = Handler {
        name: is_named.then(|| closure.qualified.to_string()),
        place: if is_named { closure.place() } else { registered },
        function: Some(Rc::clone(closure)),
        inner: None,
    };
    let (request, response) = (body(closure), answer(closure));
    Endpoint {
        handler,
        layers: extractors::layers(trace, closure),
        args: by_types(),
        upgrades: upgrades(closure),
        request,
        response,
    }
}

/// Types that stand for the data in them.
const DATA: &[&str] = &[
    "Json",
    "Form",
    "Protobuf",
    "MsgPack",
    "Xml",
    "Yaml",
    "JsonBody",
    "ValidatedJson",
    "Multipart",
    "JsonForm",
];

/// The type of the parameter that takes the body.
fn body(closure: &Closure<'_>) -> Option<String> {
    closure.function.params.iter().find_map(|param| data(param.annotation.as_ref()?, 0))
}

/// The type of the data that is answered.
fn answer(closure: &Closure<'_>) -> Option<String> {
    let returns = closure.function.returns.as_ref()?;
    data(returns, 0)
}

/// The `T` of `Json<T>`, also within other types.
fn data(of: &Expr, depth: usize) -> Option<String> {
    if depth > 5 {
        return None;
    }
    match &of.kind {
        ExprKind::Index { object, key, .. }
            if last_name(object).is_some_and(|name| DATA.contains(&name)) =>
        {
            Some(types::written(key))
        }
        ExprKind::Index { key, .. } => data(key, depth + 1),
        ExprKind::List(parts) => parts.iter().find_map(|part| data(part, depth + 1)),
        ExprKind::Unary { operand, .. } => data(operand, depth + 1),
        _ => None,
    }
}

/// Whether a handler declares that it takes the upgrade to a WebSocket.
fn upgrades(closure: &Closure<'_>) -> bool {
    let named = |of: &Expr| {
        let mut at = of;
        loop {
            match &at.kind {
                ExprKind::Index { object, .. } => at = object,
                ExprKind::Unary { operand, .. } => at = operand,
                _ => break,
            }
        }
        matches!(last_name(at), Some("WebSocketUpgrade" | "WebSocket" | "Ws" | "IncomingUpgrade"))
    };
    let mut opens = Opens(false);
    walk_block(&mut opens, &closure.function.body);
    opens.0
        || closure.function.params.iter().any(|param| param.annotation.as_ref().is_some_and(named))
}

/// Whether a body makes a WebSocket of the request by a function.
struct Opens(bool);

impl<'m> Visitor<'m> for Opens {
    fn enter_expr(&mut self, expr: &'m Expr) -> Walk {
        if let ExprKind::Call(call) = &expr.kind {
            let path = Path::of(&call.callee);
            self.0 |= matches!(
                path.segments.as_slice(),
                [.., "ws", "start" | "start_with_protocols" | "start_with_addr"]
                    | [.., "actix_ws", "handle" | "handle_with_protocols"]
                    | [.., "WsResponseBuilder", "new"]
                    | [.., "WebSocketUpgrade", "new"]
            );
        }
        Walk::Into
    }
}

/// A layer that calls a function with what its parameters declare, and what comes next.
#[must_use]
pub fn middleware<'p>(trace: &Trace<'p>, function: Value<'p>) -> Layer<'p> {
    let mut layer = Layer::new(trace, LayerKind::Middleware, function, by_types());
    // A module of one middleware is what it is called by.
    if let Value::Function(closure) = &layer.value
        && matches!(layer.name.as_str(), "middleware" | "layer" | "handler" | "run" | "call")
    {
        layer.name = closure.qualified.rsplit('.').nth(1).unwrap_or(&layer.name).to_owned();
    }
    layer
}

/// What wraps a service, endpoint or handler in another: the method that does so, with how the
/// result is called.
#[must_use]
pub fn wrapper<'p>(
    trace: &Trace<'p>,
    object: &Value<'p>,
    method: &str,
    args: Args<'p>,
) -> Option<Layer<'p>> {
    let wraps = trace.bound_method(object, method)?;
    let mut layer = Layer::new(trace, LayerKind::Wrapper, wraps, args);
    layer.name = name_of(trace, object);
    Some(layer)
}

/// A request, as services and endpoints are called with.
#[must_use]
pub fn request<'p>() -> Args<'p> {
    Args::of(vec![values::request()])
}

/// The names of the paths that made a value, from the first call of its chain on:
/// `ServiceBuilder::new().layer(…)` gives the record of `layer` and that of `new`.
#[must_use]
pub fn chain<'p>(trace: &Trace<'p>, value: &Value<'p>) -> Vec<Rc<CallRecord<'p>>> {
    let mut out = Vec::new();
    let mut at = trace.made(value);
    while let Some(record) = at {
        at = match &record.callee {
            Value::Method(method) if out.len() < 64 => trace.made(&method.0),
            _ => None,
        };
        out.push(record);
    }
    out.reverse();
    out
}

/// A path of a library without what stands before the last `count` names.
#[must_use]
pub fn tail(path: &str, count: usize) -> &str {
    let mut start = path.len();
    for _ in 0..count {
        match path[..start].rfind("::") {
            Some(at) => start = at,
            None => return path,
        }
    }
    &path[start + 2..]
}

/// What a layer of a library is called: the type that it is made by, or the function.
#[must_use]
pub fn library_name(path: &str) -> String {
    let mut names = path.rsplit("::");
    let last = names.next().unwrap_or(path);
    match names.next() {
        Some(of) if of.starts_with(char::is_uppercase) => of.to_owned(),
        _ => last.to_owned(),
    }
}

/// The functions among arguments.
pub fn functions<'a, 'p>(args: &'a Args<'p>) -> impl DoubleEndedIterator<Item = &'a Value<'p>> {
    args.positional.iter().filter(|value| matches!(value, Value::Function(_)))
}
