//! A caller of whom nothing is known: no session, no token, no cookie, no user. What the request
//! objects of the frameworks say of them, and what libraries do with them.
//!
//! Readers hand their handlers and guards the values of [`values`]; everything here is about the
//! dotted paths that grow from these and from the global request objects of libraries.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::LazyLock;

use regex::Regex;

use super::AuthState;
use super::extractors::Kept;
use super::{extractors, guards};
use crate::eval::builtins;
use crate::eval::interpreter::probe::{Caller, Injected, Outside, Told};
use crate::eval::text::Text;
use crate::eval::value::{Args, CallRecord, Value};

/// What handlers and guards are called with.
pub mod values {
    use crate::eval::value::Value;

    /// The request.
    #[must_use]
    pub fn request<'p>() -> Value<'p> {
        Value::External("caller.request".into())
    }

    /// The response that is being written.
    #[must_use]
    pub fn response<'p>() -> Value<'p> {
        Value::External("caller.response".into())
    }

    /// Request and response in one, as Koa and Hono have it.
    #[must_use]
    pub fn context<'p>() -> Value<'p> {
        Value::External("caller.context".into())
    }

    /// What a middleware calls to go on; an argument is an error.
    #[must_use]
    pub fn next<'p>() -> Value<'p> {
        Value::External("caller.next".into())
    }

    /// What a wrapper calls to go on, with whatever arguments.
    #[must_use]
    pub fn handler<'p>() -> Value<'p> {
        Value::External("caller.handler".into())
    }

    /// A user object that stands for nobody, as Django and Flask-Login have it.
    #[must_use]
    pub fn nobody<'p>() -> Value<'p> {
        Value::External("caller.user".into())
    }
}

/// An anonymous request for one route.
#[derive(Debug, Default)]
pub struct Anonymous {
    /// Its method, when it is known.
    pub method: Option<String>,
    /// Its path, with holes for parameters.
    pub path: Text,
    /// The name under which the route is registered.
    pub endpoint: Option<String>,
    /// Whether `request.user` is an object for anonymous callers too.
    pub has_user_object: bool,
    /// What decorators noted on the handler and its class, by key: Nest's `SetMetadata`.
    pub metadata: Vec<(String, bool)>,
    /// Whether the method, the path or the metadata were looked at.
    pub looked_at_route: Cell<bool>,
}

/// Names under which a request carries who sent it.
static IDENTITY: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?ix) ^_?(current|logged_?in|auth(enticated)?|request(ing)?|session|decoded|jwt|token)?_?
          (user|member|account|identity|principal|claims|viewer|admin|customer|employee|auth|session|
           token|jwt|payload|apikey|api_key|subject|credentials)_?(id|ids|data|info|name|email|role|roles|claims|payload|context)?$
          | ^uid$ | ^userinfo$ | ^authinfo$ | ^is_?(auth|logged|admin|staff|super).*",
    )
    .ok()
});

/// Keys of headers, cookies, sessions and queries that hold a credential.
static CREDENTIAL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?ix) auth | token | jwt | sess | \bsid\b | api.?key | secret | user | login | logged | identity | credential
          | account | signature | x-.*-key | bearer | \buid\b | member | remote_user",
    )
    .ok()
});
static NO_CREDENTIAL: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?i)csrf|xsrf|user.?agent|forwarded|host").ok());

/// Library functions that give back who is logged in.
static SESSION_READER: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?x) ^(get|load|fetch|use|read|unstable_get|find|retrieve|extract|resolve|maybe|try)?_?
          (server|current|auth|authenticated|logged_?in|active|request|jwt|access|bearer|raw|unverified)?_?(session|user|auth|token|identity|claims|principal|jwt|raw_jwt|user_id|userid|account)
          (_?from_?(request|req|header|headers|cookie|cookies|context|ctx|token|session))?(_?or_?none|_?or_?null|_?optional)?$",
    )
    .ok()
});

/// Library functions that take a credential and raise when it is none.
static VERIFIER: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)^(jwt_?)?(verify|decode|validate|authenticate|authorize|introspect|check|unseal|decrypt|parse|loads?|unsign|jwt_?verify|get_unverified_header|verify_?\w*token\w*)(_?async)?(_?token|_?jwt|_?id_token|_?session_cookie|_?request|_?credentials|_?signature)?$").ok()
});

fn fits(regex: &LazyLock<Option<Regex>>, text: &str) -> bool {
    regex.as_ref().is_some_and(|regex| regex.is_match(text))
}

/// Whether a key of headers, cookies or a session holds a credential.
#[must_use]
pub fn is_credential(key: &str) -> bool {
    fits(&CREDENTIAL, key) && !fits(&NO_CREDENTIAL, key)
}

/// Libraries' own request objects: the path in the program, and what it is like.
const GLOBALS: &[(&str, &str)] = &[
    ("flask.request", "caller.request"),
    ("flask.session", "caller.request.session"),
    ("flask.g", "caller.request.state"),
    ("quart.request", "caller.request"),
    ("quart.session", "caller.request.session"),
    ("quart.g", "caller.request.state"),
    ("quart.websocket", "caller.request"),
    ("bottle.request", "caller.request"),
    ("flask_login.current_user", "caller.user"),
    ("flask_login.utils.current_user", "caller.user"),
    ("quart_auth.current_user", "caller.user"),
    ("flask_security.current_user", "caller.user"),
    ("flask_jwt_extended.current_user", "caller.user"),
    ("flask_login.login_manager", "caller.unknown"),
];

/// The path with a library's global request object replaced by the caller's.
fn canonical(path: &str) -> Option<String> {
    if path.starts_with("caller.") {
        return Some(path.to_owned());
    }
    GLOBALS.iter().find_map(|(global, ours)| {
        let rest = path.strip_prefix(global)?;
        (rest.is_empty() || rest.starts_with('.')).then(|| format!("{ours}{rest}"))
    })
}

/// Parts of a request that hold values by key.
const CONTAINERS: &[&str] = &[
    "headers",
    "cookies",
    "signedcookies",
    "session",
    "meta",
    "environ",
    "args",
    "query",
    "get",
    "state",
    "locals",
    "raw",
    "var",
    "searchparams",
    "query_params",
    "queryparams",
    "rel_url",
    "ctx",
    "header",
    "store",
    "handshake",
    "auth",
    "queries",
];

/// Parts of a request that hold what the caller sends.
const SENT: &[&str] = &[
    "body",
    "json",
    "form",
    "data",
    "files",
    "file",
    "params",
    "param",
    "match_info",
    "POST",
    "FILES",
    "payload",
    "path_params",
    "view_args",
    "values",
    "content",
    "rawBody",
];

const METHODS_OF_CONTAINERS: &[&str] = &[
    "get",
    "header",
    "getheader",
    "get_header",
    "getall",
    "getfirst",
    "get_argument",
    "has",
    "cookie",
    "get_cookie",
    "get_secure_cookie",
    "getcookie",
    "pop",
    "get_signed_cookie",
    "state",
    "unsigncookie",
    "get_all",
    "getone",
    "get_query_argument",
    "get_typed",
    "query",
    "get_one",
    "get_pending",
    "get_private",
    "contains_key",
];

impl<'p> Caller<'p> for Anonymous {
    fn attribute(&self, path: &str, name: &str) -> Option<Told<'p>> {
        if builtins::is_environment(path) {
            return Some(Told::Value(variable(name)));
        }
        if path == SETTING {
            return fits(&SWITCHED_OFF, name).then_some(Told::Value(Value::Bool(false)));
        }
        let whole = canonical(path)?;
        let lower = name.to_ascii_lowercase();
        if whole.starts_with("caller.user") {
            return user_attribute(&lower);
        }
        if ["caller.response", "caller.next", "caller.refusal"]
            .iter()
            .any(|root| whole.starts_with(root))
        {
            return None;
        }
        // What the caller sends says nothing of who they are.
        if whole.split('.').skip(2).any(|part| SENT.contains(&part)) {
            return Some(Told::Value(Value::Unknown));
        }
        let last = whole.rsplit('.').next().unwrap_or("").to_ascii_lowercase();
        let within = whole.matches('.').count() > 1 && CONTAINERS.contains(&last.as_str());
        if within {
            if METHODS_OF_CONTAINERS.contains(&lower.as_str())
                || CONTAINERS.contains(&lower.as_str()) && lower != "auth"
            {
                return None;
            }
            return Some(if is_credential(name) || fits(&IDENTITY, name) {
                Told::Identity(Value::Absent)
            } else {
                return None;
            });
        }
        match lower.as_str() {
            "method" => self.method.as_ref().map(|method| {
                self.looked_at_route.set(true);
                Told::Value(Value::text(method))
            }),
            "path" | "url" | "originalurl" | "pathname" | "full_path" | "path_info"
            | "routerpath" => {
                self.looked_at_route.set(true);
                Some(Told::Value(Value::Text(Rc::new(self.path.clone()))))
            }
            "endpoint" => {
                self.looked_at_route.set(true);
                self.endpoint.as_ref().map(|endpoint| Told::Value(Value::text(endpoint)))
            }
            "user" if self.has_user_object => Some(Told::Identity(values::nobody())),
            _ if SENT.contains(&name) => None,
            "session" | "headers" | "cookies" | "query" | "state" | "auth"
                if last != "request" && last != "context" =>
            {
                None
            }
            "session" => None,
            "authorization" => Some(Told::Identity(Value::Absent)),
            _ if fits(&IDENTITY, name) => Some(Told::Identity(Value::Absent)),
            _ => None,
        }
    }

    fn call(&self, call: &Outside<'_, 'p>) -> Option<Told<'p>> {
        let first = call.args.positional.first();
        match call.path {
            "caller.handler" => return Some(Told::Passes),
            extractors::REFUSAL => return Some(Told::Throws { denial: true }),
            path if goes_on(path) => return Some(Told::Passes),
            "caller.next" => {
                return Some(match first {
                    None | Some(Value::None | Value::Absent | Value::External(_)) => Told::Passes,
                    Some(Value::Text(text))
                        if matches!(text.as_literal(), Some("route" | "router")) =>
                    {
                        Told::Passes
                    }
                    Some(_) => Told::Fails,
                });
            }
            path if builtins::reads_environment(path) => {
                let name = first.and_then(Value::as_str).unwrap_or("");
                let default = call.args.get(1, "default").cloned();
                return Some(Told::Value(match (name, default) {
                    (_, Some(default)) => default,
                    (name, None) => variable(name),
                }));
            }
            _ => {}
        }
        if let Some(whole) = canonical(call.path) {
            return self.request_call(&whole, call);
        }
        library_call(self, call)
    }

    fn assigned(&self, path: &str, name: &str, value: &Value<'p>) -> Option<Told<'p>> {
        let whole = canonical(path)?;
        if !(whole.starts_with("caller.context") || whole.starts_with("caller.response")) {
            return None;
        }
        match name {
            "status" | "statusCode" | "status_code" if is_denial_code(value) => Some(Told::Refuses),
            "body" => Some(Told::Answers(Value::Unknown)),
            _ => None,
        }
    }

    fn inject(
        &self,
        name: &str,
        annotation: Option<&Value<'p>>,
        default: Option<&Value<'p>>,
        record: &dyn Fn(&Value<'p>) -> Option<Rc<CallRecord<'p>>>,
    ) -> Option<Injected<'p>> {
        inject(name, annotation, default, record)
    }

    fn denies(
        &self,
        value: &Value<'p>,
        record: &dyn Fn(&Value<'p>) -> Option<Rc<CallRecord<'p>>>,
    ) -> bool {
        denies(value, record, 0)
    }
}

/// An environment variable as production has it: everything that nobody must set is not set.
fn variable<'p>(name: &str) -> Value<'p> {
    match name {
        "NODE_ENV" | "APP_ENV" | "ENVIRONMENT" | "ENV" | "FLASK_ENV" | "RAILS_ENV" => {
            Value::text("production")
        }
        _ => Value::Absent,
    }
}

fn user_attribute<'p>(lower: &str) -> Option<Told<'p>> {
    match lower {
        "is_anonymous" | "isanonymous" => Some(Told::Identity(Value::Bool(true))),
        "id" | "pk" | "username" | "email" | "name" | "sub" | "role" => {
            Some(Told::Identity(Value::Absent))
        }
        _ if lower.starts_with("is_") || lower.starts_with("has_") && !lower.contains("perm") => {
            Some(Told::Identity(Value::Bool(false)))
        }
        _ => None,
    }
}

impl Anonymous {
    /// A call of a method of the request, the response or the user.
    fn request_call<'p>(&self, whole: &str, call: &Outside<'_, 'p>) -> Option<Told<'p>> {
        let args = call.args;
        let (object, method) = whole.rsplit_once('.')?;
        let lower = method.to_ascii_lowercase();
        if object.starts_with("caller.user") || whole == "caller.user" {
            let predicate = ["has", "is", "can", "check", "allow", "may"];
            return Some(Told::Identity(if lower == "is_anonymous" {
                Value::Bool(true)
            } else if predicate.iter().any(|start| lower.starts_with(start)) {
                Value::Bool(false)
            } else {
                Value::Unknown
            }));
        }
        if object.starts_with("caller.refusal") {
            return Some(Told::Value(Value::External("caller.refusal".into())));
        }
        if object.starts_with("caller.response")
            || object.starts_with("caller.context") && ANSWERS.contains(&lower.as_str())
        {
            if call.denying {
                return Some(Told::Refuses);
            }
            return Some(response_call(&lower, args));
        }
        match lower.as_str() {
            "isauthenticated" | "is_authenticated" | "isloggedin" | "isauth" => {
                return Some(Told::Identity(Value::Bool(false)));
            }
            "isunauthenticated" | "is_anonymous" => return Some(Told::Identity(Value::Bool(true))),
            "jwtverify" | "verify" | "authenticate" | "accessverify"
                if !call.is_rust || args.positional.is_empty() =>
            {
                return Some(Told::Throws { denial: true });
            }
            "throw" | "httperror" | "abort" => {
                return Some(Told::Throws { denial: args.positional.iter().any(is_denial_code) });
            }
            "assert" if object == "caller.context" => {
                return (args.positional.first().and_then(Value::truth) == Some(false))
                    .then(|| Told::Throws { denial: args.positional.iter().any(is_denial_code) });
            }
            "switchtohttp" | "getrequest" | "getresponse" | "getargs" | "getargbyindex"
            | "gethandler" | "getclass" => {
                return Some(Told::Value(match lower.as_str() {
                    "getrequest" => values::request(),
                    "getresponse" => values::response(),
                    _ => values::context(),
                }));
            }
            _ => {}
        }
        if call.is_rust
            && let Some(told) = self.kept_by_type(object, method, call)
        {
            return Some(told);
        }
        // Asked without a type: what is done with it tells.
        if call.is_rust && lower == "get" && args.positional.is_empty() {
            return Some(Told::Value(Value::External(whole.into())));
        }
        if METHODS_OF_CONTAINERS.contains(&lower.as_str()) {
            let key = key_of(args.positional.first()?)?;
            let key = key.as_str();
            let default =
                args.positional.get(1).filter(|value| !matches!(value, Value::Map(_))).cloned();
            let absent =
                default.unwrap_or(if matches!(lower.as_str(), "has" | "contains_key" | "contains") {
                    Value::Bool(false)
                } else {
                    Value::Absent
                });
            let in_headers = object.ends_with("headers") || lower == "header";
            return Some(if is_credential(key) || fits(&IDENTITY, key) {
                Told::Identity(absent)
            } else if call.is_rust
                && (in_headers && !fits(&USUAL_HEADER, key)
                    || object.ends_with("cookies")
                    || lower == "cookie")
            {
                Told::Perhaps(absent)
            } else {
                Told::Value(Value::Unknown)
            });
        }
        if fits(&SESSION_READER, method) {
            return Some(Told::Identity(Value::Absent));
        }
        if call.is_rust && args.positional.is_empty() {
            let read = <Self as Caller<'p>>::attribute(self, object, method);
            return Some(read.unwrap_or_else(|| Told::Value(Value::External(whole.into()))));
        }
        None
    }

    /// What is kept with a request under its type: `request.extensions().get::<User>()`.
    fn kept_by_type<'p>(
        &self,
        object: &str,
        method: &str,
        call: &Outside<'_, 'p>,
    ) -> Option<Told<'p>> {
        let of = extractors::type_name(call.args.types.first()?);
        let reads = ["get", "get_mut", "remove", "data", "ext", "get_typed", "obtain", "contains"];
        if !reads.contains(&method) || object.ends_with("headers") || object.ends_with("cookies") {
            return None;
        }
        Some(match (extractors::kept(&of), method) {
            (Kept::Identity, "contains") => Told::Identity(Value::Bool(false)),
            (Kept::Identity, _) => Told::Identity(Value::Absent),
            (Kept::Session, _) => Told::Value(Value::External("caller.request.session".into())),
            (Kept::Other, _) if call.args.positional.is_empty() => Told::Value(Value::Unknown),
            (Kept::Other, _) => return None,
        })
    }
}

/// Whether a call hands a request on to what comes next, as middleware of Rust does.
fn goes_on(path: &str) -> bool {
    let next = ["caller.next.", "caller.handler."].iter().find_map(|root| path.strip_prefix(root));
    matches!(next, Some("run" | "call" | "oneshot" | "invoke" | "handle"))
        || path == "caller.flow.call_next"
}

/// The key that a container is asked for: a text, or a constant of a library.
fn key_of(value: &Value<'_>) -> Option<String> {
    match value {
        Value::Text(text) => text.as_literal().map(str::to_owned),
        Value::External(path) if path.contains("::") => Some(last_segment(path).to_owned()),
        _ => None,
    }
}

/// What stands for something of which only the name is known that it is asked by.
pub const SETTING: &str = "caller.setting";

/// Settings that switch a guard off: in production they are not made.
static SWITCHED_OFF: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)^(is_)?(disable|skip|bypass|no|without|ignore)d?_(\w+_)?(auth|authn|authz|authentication|authorization|token|login|jwt|security|api_?key)(_\w+)?$|^(auth|authentication|authorization|login|security)_(is_)?(disabled|bypassed|skipped|off)$").ok()
});

/// Headers that requests have anyway, whoever sends them.
static USUAL_HEADER: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)^(accept|content|host|user.agent|referr?er|origin|connection|upgrade|x.forwarded|x.real.ip|forwarded|if.|range|cache|via|date|te$|trailer|transfer|expect|sec.|dnt|pragma|priority|purpose|access.control|x.requested.with|x.request.id|x.correlation|trace|baggage|b3|cf.|fly.|last.event)").ok()
});

/// Methods of a context that write the answer.
const ANSWERS: &[&str] = &[
    "json",
    "text",
    "html",
    "redirect",
    "body",
    "newresponse",
    "notfound",
    "status",
    "render",
    "set",
];

fn response_call<'p>(lower: &str, args: &Args<'p>) -> Told<'p> {
    if args.positional.iter().any(is_denial_code) || is_login_redirect(lower, args) {
        return Told::Refuses;
    }
    if matches!(lower, "unauthorized" | "forbidden" | "unauthorised" | "accessdenied") {
        return Told::Refuses;
    }
    match lower {
        "send" | "json" | "jsonp" | "end" | "render" | "sendfile" | "download" | "redirect"
        | "sendstatus" | "text" | "html" | "body" | "stream" | "write" | "view" | "ok"
        | "created" | "newresponse" | "notfound" => Told::Answers(values::response()),
        _ => Told::Value(values::response()),
    }
}

/// Whether an answer sends the caller to a page for logging in.
fn is_login_redirect(lower: &str, args: &Args<'_>) -> bool {
    lower.contains("redirect")
        && args
            .positional
            .iter()
            .chain(args.named.iter().map(|(_, value)| value))
            .any(is_login_address)
}

static LOGIN: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)log.?in|sign.?in|authenticate|/auth\b|auth\.|authori[sz]e|\bsso\b|unauthori[sz]ed|forbidden").ok()
});

fn is_login_address(value: &Value<'_>) -> bool {
    match value {
        Value::Text(text) => fits(&LOGIN, &text.to_string()),
        Value::External(path) => fits(&LOGIN, path),
        Value::Choice(values) => values.iter().any(is_login_address),
        _ => false,
    }
}

static DENIAL_NAME: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?i)unauthori[sz]ed|unauthenticated|forbidden|notauthenticated|authenticationfailed|authentication_?error|permission_?denied|access_?denied|autherror|auth_?exception|invalid_?token|not_?logged_?in|login_?required|credentials_?exception|insufficient_?(permission|scope|role)|\b40[13]\b|_40[13]_|_40[13]$|forbid|authorizationrequired|authorization_?error|invalid_?credentials|missing_?(token|auth)",
    )
    .ok()
});

/// Whether a value is the status of a refusal.
#[must_use]
pub fn is_denial_code(value: &Value<'_>) -> bool {
    match value {
        Value::Number(number) => matches!(number.as_str(), "401" | "403" | "407"),
        Value::External(path) => fits(&DENIAL_NAME, last_segment(path)),
        Value::Text(text) => text.as_literal().is_some_and(|text| matches!(text, "401" | "403")),
        Value::Map(entries) => entries.borrow().iter().any(|(key, value)| {
            matches!(key.as_str(), Some("status" | "statusCode" | "status_code" | "code"))
                && is_denial_code(value)
        }),
        _ => false,
    }
}

fn last_segment(path: &str) -> &str {
    path.rsplit(['.', ':']).next().unwrap_or(path)
}

/// Whether what is raised or given back refuses the caller: by its status, or by its name.
fn denies<'p>(
    value: &Value<'p>,
    record: &dyn Fn(&Value<'p>) -> Option<Rc<CallRecord<'p>>>,
    depth: usize,
) -> bool {
    if depth > 6 {
        return false;
    }
    let args_deny = |args: &Args<'p>| {
        args.positional.iter().chain(args.named.iter().map(|(_, value)| value)).any(|value| {
            is_denial_code(value)
                || matches!(value, Value::Native(_) | Value::Variant(_) | Value::List(_))
                    && denies(value, record, depth + 1)
        })
    };
    match value {
        // `return jsonify(…), 401`
        Value::List(items) => items
            .borrow()
            .iter()
            .any(|item| is_denial_code(item) || denies(item, record, depth + 1)),
        Value::External(path) => fits(&DENIAL_NAME, last_segment(path)),
        Value::Class(class) => fits(&DENIAL_NAME, last_segment(&class.qualified)),
        Value::Variant(variant) => {
            let of = variant.class.as_ref().map_or("", |class| last_segment(&class.qualified));
            fits(&DENIAL_NAME, &variant.name)
                || fits(&DENIAL_NAME, of)
                || variant.args.positional.iter().any(|value| denies(value, record, depth + 1))
                || args_deny(&variant.args)
        }
        Value::Native(_) => record(value).is_some_and(|call| {
            let name = match &call.callee {
                // `HttpResponse::Unauthorized`, `Redirect::to`
                Value::External(path) if path.contains("::") => {
                    let own = |value: &Value<'p>| matches!(value, Value::Class(_) | Value::Object(_));
                    if call.args.positional.iter().any(|arg| own(arg) && denies(arg, record, depth + 1)) {
                        return true;
                    }
                    let of = path.rfind("::").and_then(|end| path[..end].rfind("::"));
                    path[of.map_or(0, |of| of + 2)..].to_owned()
                }
                Value::External(path) => last_segment(path).to_owned(),
                Value::Method(method) => {
                    if denies(&method.0, record, depth + 1) {
                        return true;
                    }
                    if leads_to_login(&method.1, &call.args) {
                        return true;
                    }
                    method.1.to_string()
                }
                Value::Native(_) => {
                    if denies(&call.callee, record, depth + 1) {
                        return true;
                    }
                    String::new()
                }
                _ => String::new(),
            };
            let lower = name.to_ascii_lowercase();
            fits(&DENIAL_NAME, &name)
                || lower.contains("redirect")
                    && (lower.contains("login") || is_login_redirect(&lower, &call.args))
                || lower.contains("redirect")
                    && call.args.positional.iter().any(|value| {
                        record(value)
                            .is_some_and(|inner| inner.args.positional.iter().any(is_login_address))
                    })
                || args_deny(&call.args)
        }),
        Value::Object(object) => {
            let (lineage, external) = object.class.lineage();
            lineage.iter().any(|class| fits(&DENIAL_NAME, last_segment(&class.qualified)))
                || external.is_some_and(|base| fits(&DENIAL_NAME, last_segment(&base)))
                || ["code", "status", "status_code", "statusCode", "http_status"].iter().any(
                    |name| {
                        object
                            .fields
                            .borrow()
                            .get(*name)
                            .cloned()
                            .or_else(|| object.class.attribute(name).map(|(value, _)| value))
                            .is_some_and(|value| is_denial_code(&value))
                    },
                )
                || record(value).is_some_and(|call| args_deny(&call.args))
        }
        _ => false,
    }
}

/// Whether an answer is given the header that leads to a page for logging in.
fn leads_to_login(method: &str, args: &Args<'_>) -> bool {
    let is_location = |value: &Value<'_>| {
        key_of(value).is_some_and(|key| key.eq_ignore_ascii_case("location"))
    };
    let pair = |first: &Value<'_>, second: &Value<'_>| is_location(first) && is_login_address(second);
    matches!(method, "insert_header" | "append_header" | "header")
        && match args.positional.as_slice() {
            [Value::List(items)] => match items.borrow().as_slice() {
                [first, second] => pair(first, second),
                _ => false,
            },
            [first, second] => pair(first, second),
            _ => false,
        }
}

/// What a framework gives to a parameter that it looks at the declaration of.
fn inject<'p>(
    name: &str,
    annotation: Option<&Value<'p>>,
    default: Option<&Value<'p>>,
    record: &dyn Fn(&Value<'p>) -> Option<Rc<CallRecord<'p>>>,
) -> Option<Injected<'p>> {
    let (of, notes): (Option<&Value<'p>>, &[Value<'p>]) = match annotation {
        Some(Value::Annotated(annotated)) => (Some(&annotated.0), &annotated.1),
        other => (other, &[]),
    };
    if let Some(injected) = annotation.and_then(extractors::injected) {
        return Some(injected);
    }
    for mark in notes.iter().rev().chain(default) {
        let Some(call) = record(mark) else { continue };
        let Some(path) = call.path() else { continue };
        if is_dependency(path) {
            let called = call.args.get(0, "dependency").or(of)?;
            return Some(Injected::Called(called.clone()));
        }
        if path.starts_with("fastapi") {
            let alias = call.args.keyword("alias").and_then(Value::as_str).unwrap_or(name);
            return Some(Injected::Told(match last_segment(path) {
                "Header" | "Cookie" if is_credential(alias) => Told::Identity(Value::Absent),
                _ => Told::Value(Value::Unknown),
            }));
        }
    }
    let kind = match of? {
        Value::External(path) => last_segment(path),
        _ => return None,
    };
    Some(Injected::Told(Told::Value(match kind {
        "Request" | "HTTPConnection" | "WebSocket" | "HttpRequest" => values::request(),
        "Response" => values::response(),
        _ => return None,
    })))
}

/// Whether a function of FastAPI marks what a parameter depends on.
#[must_use]
pub fn is_dependency(path: &str) -> bool {
    path.starts_with("fastapi") && matches!(last_segment(path), "Depends" | "Security")
}

/// What a library does for an anonymous caller.
fn library_call<'p>(request: &Anonymous, call: &Outside<'_, 'p>) -> Option<Told<'p>> {
    let name = last_segment(call.path).trim_end_matches("()");
    let args = call.args;
    // A guard of a library that wraps something, or is called with a request.
    if let Some(maker) = call.maker
        && call.path.ends_with("()")
    {
        let path = call.path.trim_end_matches("()");
        if path.ends_with("passport.authenticate")
            && maker.args.positional.iter().any(|value| matches!(value, Value::Function(_)))
        {
            return Some(Told::CallsBack(vec![Value::None, Value::Absent, Value::Unknown]));
        }
        let wraps = matches!(maker.args.positional.first(), Some(Value::Function(_)));
        return match guards::library(path, &maker.args) {
            Some(AuthState::Required) => Some(Told::Throws { denial: true }),
            Some(AuthState::Optional) if !wraps => Some(Told::Identity(Value::Absent)),
            _ => None,
        };
    }
    if name == "abort" || name == "HTTPAbort" {
        return Some(Told::Throws { denial: args.positional.iter().any(is_denial_code) });
    }
    if guards::called_in_bodies(call.path, args) == Some(AuthState::Required) {
        return Some(Told::Throws { denial: true });
    }
    if call.path.ends_with("Reflector.getAllAndOverride")
        || call.path.ends_with("Reflector.get")
        || call.path.ends_with("Reflector.getAllAndMerge")
    {
        request.looked_at_route.set(true);
        let key = args.positional.first()?;
        let key = key.as_str().map(str::to_owned).unwrap_or_else(|| format!("{key:?}"));
        let set = request.metadata.iter().find(|(known, _)| *known == key);
        return Some(Told::Value(set.map_or(Value::Absent, |(_, truth)| {
            if *truth { Value::Bool(true) } else { Value::Unknown }
        })));
    }
    let absent = args.positional.iter().any(|value| matches!(value, Value::Absent));
    if call.is_rust {
        if args.positional.is_empty() && fits(&SWITCHED_OFF, name) {
            return Some(Told::Value(Value::Bool(false)));
        }
        if extractors::needs_credentials(call.path) {
            return Some(Told::Throws { denial: true });
        }
        // What makes a value of another: `Json(user)`, `Path::new(user)`.
        let makes = call.path.rsplit("::").take(2).any(|name| name.starts_with(char::is_uppercase));
        if absent && makes && !fits(&VERIFIER, name) {
            return None;
        }
    }
    if absent {
        let has_callback = args.positional.iter().any(|value| matches!(value, Value::Function(_)));
        if fits(&VERIFIER, name) {
            return Some(if has_callback {
                Told::CallsBack(vec![Value::External("caller.error".into()), Value::Absent])
            } else {
                Told::Throws { denial: true }
            });
        }
        if matches!(
            name,
            "str"
                | "String"
                | "bool"
                | "Boolean"
                | "int"
                | "len"
                | "isinstance"
                | "callable"
                | "hasattr"
        ) {
            return (name == "bool" || name == "Boolean")
                .then_some(Told::Value(Value::Bool(false)));
        }
        return Some(Told::Identity(Value::Absent));
    }
    if fits(&SESSION_READER, name) {
        return Some(Told::Identity(Value::Absent));
    }
    // Settings that nobody made.
    if call.path.ends_with(".config.get") || call.path.ends_with(".settings.get") {
        return Some(Told::Value(args.positional.get(1).cloned().unwrap_or(Value::Absent)));
    }
    None
}
