//! The functions of h3 and of Nuxt's modules for logging in, which are all called with the event.

use super::caller::{self, Anonymous, values};
use super::guards;
use crate::eval::interpreter::probe::{Caller, Outside, Told};
use crate::eval::text::Text;
use crate::eval::value::{Args, Value};

/// What an event is below which everything of the request is found.
const EVENT: &str = "caller.context";

/// What a function of a library does that is called with the event of an anonymous caller.
pub(super) fn call<'p>(request: &Anonymous, call: &Outside<'_, 'p>) -> Option<Told<'p>> {
    let (path, args) = (call.path, call.args);
    let Some(Value::External(event)) = args.positional.first() else { return None };
    if event != EVENT || path.starts_with("caller.") {
        return None;
    }
    let name = path.rsplit('.').next().unwrap_or(path);
    let second = args.positional.get(1);
    let part = |part: &str| Told::Value(Value::External(format!("{EVENT}.{part}").into()));
    let of = |holder: &str| {
        let args = Args::of(second.cloned().into_iter().collect());
        let path = format!("{EVENT}.{holder}.get");
        request.request_call(&path, &Outside { path: &path, args: &args, ..*call })
    };
    Some(match name {
        "getHeader" | "getRequestHeader" => return of("headers"),
        "getCookie" => return of("cookies"),
        "getHeaders" | "getRequestHeaders" => part("headers"),
        "parseCookies" => part("cookies"),
        "getQuery"
        | "getValidatedQuery"
        | "readBody"
        | "readValidatedBody"
        | "getRouterParam"
        | "getRouterParams"
        | "getValidatedRouterParams"
        | "readFormData"
        | "readRawBody"
        | "readMultipartFormData"
        | "useRuntimeConfig"
        | "setHeader"
        | "setHeaders"
        | "setResponseHeader"
        | "setResponseHeaders"
        | "appendHeader"
        | "appendResponseHeader"
        | "setCookie"
        | "deleteCookie"
        | "setUserSession"
        | "replaceUserSession"
        | "clearUserSession" => Told::Value(Value::Unknown),
        "getMethod" => return request.attribute(EVENT, "method"),
        "isMethod" => {
            let method = request.attribute(EVENT, "method");
            let Some(Told::Value(method)) = method else {
                return Some(Told::Value(Value::Unknown));
            };
            Told::Value(is_among(&method, second).map_or(Value::Unknown, Value::Bool))
        }
        "assertMethod" => {
            let method = request.attribute(EVENT, "method");
            let Some(Told::Value(method)) = method else { return Some(Told::Value(Value::None)) };
            match is_among(&method, second) {
                Some(false) => Told::RefusesMethod,
                _ => Told::Value(Value::None),
            }
        }
        "getRequestPath" => return request.attribute(EVENT, "path"),
        "getRequestURL" => address(request),
        "sendRedirect" if second.is_some_and(caller::is_login_address) => Told::Refuses,
        "setResponseStatus" | "sendError" | "sendNoContent"
            if args.positional.iter().skip(1).any(caller::is_denial_code) =>
        {
            Told::Refuses
        }
        "sendRedirect" | "send" | "sendStream" | "sendNoContent" | "proxyRequest" | "sendProxy" => {
            Told::Answers(values::response())
        }
        "setResponseStatus" => Told::Value(Value::None),
        // The session is there for everybody, and nobody's is empty.
        "getUserSession" => Told::Value(Value::External(format!("{EVENT}.session").into())),
        "useSession" | "getSession" | "updateSession" => {
            let data = Value::External(format!("{EVENT}.session").into());
            Told::Value(Value::map(vec![(Value::text("data"), data)]))
        }
        "denies" => Told::Identity(Value::Bool(true)),
        "allows" => Told::Identity(Value::Bool(false)),
        _ if name.starts_with("serverSupabaseUser")
            || name.starts_with("serverSupabaseSession") =>
        {
            Told::Identity(Value::Absent)
        }
        _ if guards::is_named_like_one(name) => {
            Told::Throws { denial: true, asked: true, asks: true }
        }
        _ => return None,
    })
}

/// Whether a method is the one, or one of those, that a function is given.
fn is_among(method: &Value<'_>, wanted: Option<&Value<'_>>) -> Option<bool> {
    let method = method.as_str()?;
    match wanted? {
        Value::List(items) => {
            let items = items.borrow();
            let known: Option<Vec<&str>> = items.iter().map(Value::as_str).collect();
            known.map(|known| known.iter().any(|known| known.eq_ignore_ascii_case(method)))
        }
        one => Some(one.as_str()?.eq_ignore_ascii_case(method)),
    }
}

/// The address of the request, which has the part that the whole application lies below.
fn address<'p>(request: &Anonymous) -> Told<'p> {
    request.looked_at_route.set(true);
    let path = if request.any_route {
        Value::Unknown
    } else {
        let mut path = Text::literal(request.base.trim_end_matches('/'));
        path.push(&request.path);
        Value::Text(std::rc::Rc::new(path))
    };
    Told::Value(Value::map(vec![
        (Value::text("pathname"), path),
        (Value::text("searchParams"), Value::External(format!("{EVENT}.query").into())),
        (Value::text("origin"), Value::Unknown),
        (Value::text("host"), Value::Unknown),
        (Value::text("hostname"), Value::Unknown),
        (Value::text("protocol"), Value::Unknown),
        (Value::text("href"), Value::Unknown),
        (Value::text("search"), Value::Unknown),
        (Value::text("hash"), Value::Unknown),
    ]))
}
