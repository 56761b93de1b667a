//! An anonymous caller as ASGI has them: the scope of a connection, what is sent on it, and what
//! Starlette and Litestar make of these.

use super::caller::{Anonymous, is_denial_code, is_login_address, values};
use crate::eval::interpreter::probe::{Caller, Outside, Told};
use crate::eval::value::{Args, Value};

/// Classes that show a scope as a request, and parts of it.
const REQUESTS: &[&str] = &["Request", "HTTPConnection", "WebSocket", "ASGIConnection"];

/// The path of what a scope holds, as the request has it.
#[must_use]
pub fn canonical(path: &str) -> Option<String> {
    let rest =
        path.strip_prefix("caller.scope").or_else(|| path.strip_prefix("caller.request.scope"))?;
    (rest.is_empty() || rest.starts_with('.')).then(|| format!("caller.request{rest}"))
}

/// `path.name` and `path["name"]`, where it is ASGI's business.
#[must_use]
pub fn attribute<'p>(caller: &Anonymous, path: &str, name: &str) -> Option<Told<'p>> {
    let outside = |path: &str| Some(Told::Value(Value::External(path.into())));
    match (path, name) {
        ("caller.scope" | "caller.request.scope", "type") => {
            caller.looked_at_route.set(true);
            let is_socket = caller.method.as_deref() == Some("WS");
            Some(Told::Value(Value::text(if is_socket { "websocket" } else { "http" })))
        }
        ("caller.request" | "caller.scope", "auth") if caller.has_user_object => {
            outside("caller.request.auth")
        }
        ("caller.request" | "caller.scope" | "caller.request.scope", "route_handler") => {
            outside("caller.view")
        }
        ("caller.view", "opt") => outside("caller.view.opt"),
        ("caller.view.opt", "get") => None,
        ("caller.view.opt", name) => Some(Told::Value(caller.noted(name))),
        _ => None,
    }
}

/// A call, where it is ASGI's business.
#[must_use]
pub fn call<'p>(caller: &Anonymous, call: &Outside<'_, 'p>) -> Option<Told<'p>> {
    let args = call.args;
    let first = args.positional.first();
    match call.path {
        "caller.send" => return first.and_then(sent),
        "caller.view.opt.get" => return noted(caller, args),
        "caller.view.opt.__contains__" => {
            let told = noted(caller, args)?;
            return Some(match told {
                Told::Value(Value::Absent) => Told::Value(Value::Bool(false)),
                told => told,
            });
        }
        "caller.request.auth.scopes.__contains__" => {
            return Some(Told::Identity(Value::Bool(false)));
        }
        "caller.scope.get" | "caller.request.scope.get" => {
            let key = first.and_then(Value::as_str)?;
            return caller
                .attribute("caller.scope", key)
                .or_else(|| args.positional.get(1).cloned().map(Told::Value));
        }
        _ => {}
    }
    // What a route of its own class does with the handler that it has from its base.
    if call.path.ends_with(".get_route_handler()") {
        return Some(Told::Passes);
    }
    let is =
        |wanted: &str, value: &Value<'p>| matches!(value, Value::External(path) if path == wanted);
    if args.positional.iter().any(|value| is("caller.send", value)) {
        return Some(answered(call));
    }
    let name = call.path.rsplit('.').next().unwrap_or(call.path);
    let shown = first.or_else(|| args.keyword("scope"))?;
    let Value::External(path) = shown else { return None };
    if !path.starts_with("caller.") {
        return None;
    }
    match name {
        "dict" | "MutableHeaders" if path.ends_with("headers") || path == "caller.scope" => {
            Some(Told::Value(shown.clone()))
        }
        "Headers" | "MutableHeaders" if canonical(path).is_some() => {
            Some(Told::Value(Value::External("caller.request.headers".into())))
        }
        _ if REQUESTS.contains(&name) => Some(Told::Value(values::request())),
        _ => None,
    }
}

fn noted<'p>(caller: &Anonymous, args: &Args<'p>) -> Option<Told<'p>> {
    let key = args.positional.first().and_then(Value::as_str)?;
    Some(Told::Value(match (caller.noted(key), args.positional.get(1)) {
        (Value::Absent, Some(default)) => default.clone(),
        (noted, _) => noted,
    }))
}

/// A message to the client.
fn sent<'p>(message: &Value<'p>) -> Option<Told<'p>> {
    let kind = message.entry("type")?;
    match kind.as_str()? {
        "http.response.start" if is_denial_code(message) => Some(Told::Refuses),
        "http.response.start" => Some(Told::Answers(Value::Unknown)),
        "websocket.close" | "websocket.http.response.start" => Some(Told::Refuses),
        _ => None,
    }
}

/// An answer, or another application, that is called with the connection.
fn answered<'p>(call: &Outside<'_, 'p>) -> Told<'p> {
    let Some(maker) = call.maker else { return Told::Value(Value::Unknown) };
    let given = || maker.args.positional.iter().chain(maker.args.named.iter().map(|(_, it)| it));
    let goes_on =
        given().any(|value| matches!(value, Value::External(path) if path == "caller.handler"));
    let is_redirect = call.path.to_ascii_lowercase().contains("redirect");
    if goes_on {
        Told::Passes
    } else if given().any(is_denial_code) || is_redirect && given().any(is_login_address) {
        Told::Refuses
    } else {
        Told::Answers(Value::Unknown)
    }
}
