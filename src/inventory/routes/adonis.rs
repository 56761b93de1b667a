//! An anonymous caller as AdonisJS has them: the context of a request, with what authenticates and
//! what decides who may do what.

use super::caller::{self, Anonymous, values};
use crate::eval::interpreter::Trace;
use crate::eval::interpreter::probe::{Caller, Outside, Told};
use crate::eval::value::{Args, Value};
use crate::module::path::last_name;

/// The context.
const CONTEXT: &str = "caller.context.adonis";
const AUTH: &str = "caller.context.adonis.auth";
const BOUNCER: &str = "caller.context.adonis.bouncer";
/// The bouncer with the abilities of one class.
const POLICY: &str = "caller.context.adonis.bouncer.policy";
/// The request, of which Node's is a part.
const REQUEST: &str = "caller.request.adonis";

/// The key of what is noted of abilities that are asked about guests, too.
const GUESTS: &str = "bouncer:";

/// What handlers and middleware are called with.
#[must_use]
pub fn context<'p>() -> Value<'p> {
    Value::External(CONTEXT.into())
}

/// The abilities that are asked about guests, as notes of every route.
#[must_use]
pub fn guests(trace: &Trace<'_>) -> Vec<(String, bool)> {
    let mut out = Vec::new();
    let allows = |args: &Args<'_>| {
        args.positional
            .iter()
            .any(|arg| arg.entry("allowGuest").and_then(|allows| allows.truth()).unwrap_or(false))
    };
    for (id, call) in trace.records() {
        let path = trace.path_of(call);
        if !(path.contains("Bouncer") && allows(&call.args)) {
            continue;
        }
        out.push((format!("{GUESTS}#{}", id.0), true));
        // `Bouncer.define("name", …)`
        let name = call.args.positional.first().and_then(Value::as_str);
        out.extend(name.map(|name| (format!("{GUESTS}{name}"), true)));
        for (name, value) in trace.module(call.place.file).vars.borrow().iter() {
            if matches!(value, Value::Native(known) if *known == id) {
                out.push((format!("{GUESTS}{name}"), true));
            }
        }
    }
    for closure in trace.functions.iter() {
        let is_guests = closure.function.decorators.iter().any(|decorator| {
            let mut at = decorator;
            while let crate::module::ExprKind::Call(call) = &at.kind {
                at = &call.callee;
            }
            last_name(at) == Some("allowGuest")
        });
        if let Some(name) = closure.function.name.as_deref().filter(|_| is_guests) {
            out.push((format!("{GUESTS}@{name}"), true));
        }
    }
    out
}

/// `path.name`, where it is the framework's business.
pub(super) fn attribute<'p>(caller: &Anonymous, path: &str, name: &str) -> Option<Told<'p>> {
    let outside = |path: &str| Some(Told::Value(Value::External(path.into())));
    match (path, name) {
        (CONTEXT, "request") => outside(REQUEST),
        (CONTEXT, "response") => Some(Told::Value(values::response())),
        (CONTEXT, "auth") => outside(AUTH),
        (CONTEXT, "bouncer") => outside(BOUNCER),
        (CONTEXT, "route") => {
            caller.looked_at_route.set(true);
            Some(Told::Value(Value::Unknown))
        }
        (REQUEST, "request") => Some(Told::Value(values::request())),
        (AUTH, "isLoggedOut" | "isGuest") => Some(Told::Identity(Value::Bool(true))),
        (AUTH, "isAuthenticated" | "isLoggedIn") => Some(Told::Identity(Value::Bool(false))),
        (AUTH, "user" | "token") => Some(Told::Identity(Value::Absent)),
        // All else of these is called.
        (REQUEST | AUTH | BOUNCER | POLICY, _) => outside(&format!("{path}.{name}")),
        _ => None,
    }
}

/// A call, where it is the framework's business.
pub(super) fn call<'p>(caller: &Anonymous, call: &Outside<'_, 'p>) -> Option<Told<'p>> {
    let (object, method) = call.path.rsplit_once('.')?;
    let first = call.args.positional.first();
    match object {
        AUTH => Some(auth(method)),
        BOUNCER | POLICY => Some(bouncer(caller, object, method, first)),
        REQUEST => request(caller, method, first),
        "caller.response" => response(method, call.args),
        _ => None,
    }
}

fn refused<'p>() -> Told<'p> {
    Told::Throws { denial: true, asked: true, asks: true }
}

fn auth<'p>(method: &str) -> Told<'p> {
    match method {
        "use" | "guard" => Told::Value(Value::External(AUTH.into())),
        "check" => Told::Identity(Value::Bool(false)),
        "authenticate" | "authenticateUsing" | "authenticateAsClient" | "getUserOrFail" => {
            refused()
        }
        // Whoever logs in or out is not asked who they are.
        _ => Told::Value(Value::Unknown),
    }
}

fn bouncer<'p>(
    caller: &Anonymous,
    object: &str,
    method: &str,
    ability: Option<&Value<'p>>,
) -> Told<'p> {
    if method == "with" {
        return Told::Value(Value::External(POLICY.into()));
    }
    let key = match ability {
        Some(Value::Native(id)) => format!("{GUESTS}#{}", id.0),
        Some(Value::Text(name)) if object == POLICY => format!("{GUESTS}@{name}"),
        Some(Value::Text(name)) => format!("{GUESTS}{name}"),
        _ => String::new(),
    };
    let asks_guests = caller.metadata.iter().any(|(known, _)| *known == key);
    match method {
        "forUser" => Told::Value(Value::External(object.into())),
        // What is decided of guests is not known, but that they are looked at.
        "authorize" | "allows" | "denies" | "execute" if asks_guests => {
            Told::Identity(Value::Unknown)
        }
        "authorize" => refused(),
        "allows" => Told::Identity(Value::Bool(false)),
        "denies" => Told::Identity(Value::Bool(true)),
        _ => Told::Value(Value::Unknown),
    }
}

fn request<'p>(caller: &Anonymous, method: &str, key: Option<&Value<'p>>) -> Option<Told<'p>> {
    let of_node = |name: &str| caller.attribute("caller.request", name);
    match method {
        "url" => of_node("path"),
        "method" | "intended" => of_node("method"),
        "matchesRoute" => {
            caller.looked_at_route.set(true);
            Some(Told::Value(Value::Unknown))
        }
        "headers" => Some(Told::Value(Value::External("caller.request.headers".into()))),
        "cookiesList" => Some(Told::Value(Value::External("caller.request.cookies".into()))),
        "plainCookie" | "encryptedCookie" => {
            let is_credential = key.and_then(Value::as_str).is_some_and(caller::is_credential);
            Some(if is_credential {
                Told::Identity(Value::Absent)
            } else {
                Told::Value(Value::Unknown)
            })
        }
        // Who follows a signed address was given it.
        "hasValidSignature" => Some(Told::Hint(Value::Bool(false))),
        "header" | "cookie" => None,
        "input" => {
            let sent = key.and_then(Value::as_str);
            let told = sent.and_then(|name| caller.attribute("caller.request.body", name));
            Some(told.unwrap_or(Told::Value(Value::Unknown)))
        }
        _ => Some(Told::Value(Value::Unknown)),
    }
}

fn response<'p>(method: &str, args: &Args<'p>) -> Option<Told<'p>> {
    match method {
        "abort" | "abortIf" | "abortUnless" => {
            let denial = args.positional.iter().skip(1).any(caller::is_denial_code);
            let thrown = Told::Throws { denial, asked: false, asks: denial };
            let truth = args.positional.first().map(Value::truth);
            match (method, truth) {
                ("abort", _)
                | ("abortIf", Some(Some(true)))
                | ("abortUnless", Some(Some(false))) => Some(thrown),
                _ => Some(Told::Value(Value::Unknown)),
            }
        }
        // `response.redirect().toPath("/login")`
        "toPath" | "toRoute" => {
            Some(match args.positional.first().is_some_and(caller::is_login_address) {
                true => Told::Refuses,
                false => Told::Answers(values::response()),
            })
        }
        _ => None,
    }
}
