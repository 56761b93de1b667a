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
use super::guards;
use super::notes::{self, Notes};
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
    /// The part of the path that the whole application lies below.
    pub base: String,
    /// Whether `request.user` is an object for anonymous callers too.
    pub has_user_object: bool,
    /// What decorators noted on the handler and its class, by key: Nest's `SetMetadata`.
    pub metadata: Vec<(String, bool)>,
    /// Whether it stands for requests of every route, so that nothing of the route is known.
    pub any_route: bool,
    /// The same with the values, apart for the handler and its class.
    pub notes: Rc<Notes>,
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
        r"(?ix) ^(get|load|fetch|use|read|unstable_get|find|retrieve|extract|resolve|maybe|try)?_?
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
];

impl<'p> Caller<'p> for Anonymous {
    fn attribute(&self, path: &str, name: &str) -> Option<Told<'p>> {
        if builtins::is_environment(path) {
            return Some(Told::Value(variable(name)));
        }
        if path == "$app/paths.base" && name == "length" {
            return Some(Told::Value(Value::Number(self.base.len().to_string().into())));
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
        // What the program notes on its routes: Fastify's `request.routeOptions.config.public`.
        if last == "config" && ["route", "context"].iter().any(|part| has_part(&whole, part)) {
            return Some(Told::Value(self.noted(name)));
        }
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
            "method" => {
                self.looked_at_route.set(true);
                self.of_route(self.method.as_deref())
            }
            // An address in its parts.
            "url" if last == "context" => None,
            "path" | "url" | "originalurl" | "pathname" | "full_path" | "path_info"
            | "routerpath" => {
                self.looked_at_route.set(true);
                Some(Told::Value(if self.any_route {
                    Value::Unknown
                } else {
                    Value::Text(Rc::new(self.path.clone()))
                }))
            }
            "id" if last == "route" => {
                self.looked_at_route.set(true);
                self.of_route(self.endpoint.as_deref())
            }
            "endpoint" => {
                self.looked_at_route.set(true);
                self.of_route(self.endpoint.as_deref())
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
            return self.request_call(&whole, call.args);
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

    fn refuses_method(
        &self,
        value: &Value<'p>,
        record: &dyn Fn(&Value<'p>) -> Option<Rc<CallRecord<'p>>>,
    ) -> bool {
        answers_405(value, record)
    }

    fn denies(
        &self,
        value: &Value<'p>,
        record: &dyn Fn(&Value<'p>) -> Option<Rc<CallRecord<'p>>>,
    ) -> bool {
        denies(value, record, 0)
    }
}

/// An environment variable as production has it: secrets are set, and everything that nobody must
/// set is not.
fn variable<'p>(name: &str) -> Value<'p> {
    let upper = name.to_ascii_uppercase();
    if ["KEY", "SECRET", "TOKEN", "PASSWORD"].iter().any(|word| upper.contains(word)) {
        return Value::Text(Rc::new(Text::hole(name).from_env(name)));
    }
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

/// Whether some part of a path behind the first two begins with a word.
fn has_part(path: &str, word: &str) -> bool {
    path.split('.').skip(2).any(|part| part.starts_with(word))
}

impl Anonymous {
    /// The route, as text that is equal for equal ones.
    #[must_use]
    pub fn route(&self) -> String {
        let Self { method, path, endpoint, metadata, notes, .. } = self;
        format!("{method:?} {path} {endpoint:?} {metadata:?} {notes:?}")
    }

    /// A text about the route, which nobody knows where it stands for all of them.
    fn of_route<'p>(&self, text: Option<&str>) -> Option<Told<'p>> {
        match text {
            _ if self.any_route => Some(Told::Value(Value::Unknown)),
            text => text.map(|text| Told::Value(Value::text(text))),
        }
    }

    /// What is noted on the route under a key.
    fn noted<'p>(&self, key: &str) -> Value<'p> {
        self.looked_at_route.set(true);
        match self.metadata.iter().find(|(known, _)| known == key) {
            _ if self.any_route => Value::Unknown,
            Some((_, true)) => Value::Bool(true),
            Some((_, false)) => Value::Unknown,
            None => Value::Absent,
        }
    }

    /// Whether all that is given back says that the method is not answered.
    pub fn refuses_methods<'p>(
        &self,
        returned: &[Value<'p>],
        record: &dyn Fn(&Value<'p>) -> Option<Rc<CallRecord<'p>>>,
    ) -> bool {
        !returned.is_empty() && returned.iter().all(|value| answers_405(value, record))
    }

    /// A call of a method of the request, the response or the user.
    fn request_call<'p>(&self, whole: &str, args: &Args<'p>) -> Option<Told<'p>> {
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
            return Some(response_call(&lower, args));
        }
        match lower.as_str() {
            "isauthenticated" | "is_authenticated" | "isloggedin" | "isauth" => {
                return Some(Told::Identity(Value::Bool(false)));
            }
            "isunauthenticated" | "is_anonymous" => return Some(Told::Identity(Value::Bool(true))),
            "jwtverify" | "verify" | "authenticate" | "accessverify" => {
                return Some(Told::Throws { denial: true });
            }
            "throw" | "httperror" | "abort" => {
                return Some(Told::Throws { denial: args.positional.iter().any(is_denial_code) });
            }
            "assert" if object == "caller.context" => {
                return (args.positional.first().and_then(Value::truth) == Some(false))
                    .then(|| Told::Throws { denial: args.positional.iter().any(is_denial_code) });
            }
            // A copy of an address, which is written into.
            "clone" => return Some(Told::Value(Value::map(Vec::new()))),
            _ if object.starts_with("caller.context") => {
                if let Some(value) = context_call(&lower, args) {
                    return Some(Told::Value(value));
                }
            }
            _ => {}
        }
        if METHODS_OF_CONTAINERS.contains(&lower.as_str()) {
            let key = args.positional.first().and_then(Value::as_str)?;
            let default =
                args.positional.get(1).filter(|value| !matches!(value, Value::Map(_))).cloned();
            let absent =
                default.unwrap_or(if lower == "has" { Value::Bool(false) } else { Value::Absent });
            return Some(if is_credential(key) || fits(&IDENTITY, key) {
                Told::Identity(absent)
            } else {
                Told::Value(Value::Unknown)
            });
        }
        if fits(&SESSION_READER, method) {
            return Some(Told::Identity(Value::Absent));
        }
        None
    }
}

/// A call of Nest's execution context.
fn context_call<'p>(lower: &str, args: &Args<'p>) -> Option<Value<'p>> {
    let all = || vec![values::request(), values::response(), values::next()];
    Some(match lower {
        "getrequest" => values::request(),
        "getresponse" => values::response(),
        "getnext" => values::next(),
        "switchtohttp" | "getcontext" => values::context(),
        "gettype" => Value::text("http"),
        "gethandler" => Value::External(notes::HANDLER.into()),
        "getclass" => Value::External(notes::CLASS.into()),
        "getargs" => Value::list(all()),
        "getargbyindex" => match args.positional.first() {
            Some(Value::Number(number)) => {
                let at = number.parse().unwrap_or(usize::MAX);
                all().into_iter().nth(at).unwrap_or_default()
            }
            _ => Value::Unknown,
        },
        _ => return None,
    })
}

/// What the guard that `AuthGuard(strategy)` of Nest makes does when a class that extends it hands
/// on to it: nobody is found, and `handleRequest` decides.
fn passport_guard<'p>(call: &Outside<'_, 'p>) -> Option<Told<'p>> {
    let (object, method) = call.path.rsplit_once("().")?;
    if object != "@nestjs/passport.AuthGuard()" {
        return None;
    }
    match method {
        "canActivate" => Some(Told::AsksOwn {
            method: "handleRequest",
            args: guards::nobody_found(),
        }),
        "handleRequest" => {
            let user = call.args.positional.get(1).cloned().unwrap_or_default();
            match user.truth() {
                Some(true) => Some(Told::Value(user)),
                Some(false) => Some(Told::Throws { denial: true }),
                None => None,
            }
        }
        _ => None,
    }
}

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
    if args.positional.iter().any(is_method_code) {
        return Told::RefusesMethod;
    }
    if matches!(lower, "status" | "code" | "sendstatus" | "writehead")
        && args.positional.iter().any(is_error_code)
    {
        return Told::AnswersError;
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
        Value::Map(entries) => entries.borrow().iter().any(|(_, value)| is_login_address(value)),
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
                || matches!(value, Value::Native(_)) && denies(value, record, depth + 1)
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
        Value::Native(_) => record(value).is_some_and(|call| {
            let name = match &call.callee {
                Value::External(path) => last_segment(path).to_owned(),
                Value::Method(method) => {
                    if denies(&method.0, record, depth + 1) {
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

/// Whether a value is the status of an error.
fn is_error_code(value: &Value<'_>) -> bool {
    match value {
        Value::Number(number) => number.parse::<u16>().is_ok_and(|code| (400..600).contains(&code)),
        Value::Map(entries) => entries.borrow().iter().any(|(key, value)| {
            matches!(key.as_str(), Some("status" | "statusCode" | "status_code"))
                && is_error_code(value)
        }),
        _ => false,
    }
}

/// Whether what is given back is an error that has nothing to do with who calls.
#[must_use]
pub fn is_error<'p>(
    value: &Value<'p>,
    record: &dyn Fn(&Value<'p>) -> Option<Rc<CallRecord<'p>>>,
) -> bool {
    match value {
        Value::Native(_) | Value::Object(_) => record(value).is_some_and(|call| {
            call.args
                .positional
                .iter()
                .chain(call.args.named.iter().map(|(_, value)| value))
                .any(is_error_code)
        }),
        Value::List(items) => items.borrow().iter().any(is_error_code),
        _ => false,
    }
}

/// Whether a value is the status of a method that is not answered.
fn is_method_code(value: &Value<'_>) -> bool {
    match value {
        Value::Number(number) => number == "405",
        Value::External(path) => {
            let name = last_segment(path).to_ascii_uppercase();
            name.contains("METHOD_NOT_ALLOWED") || name.contains("METHODNOTALLOWED")
        }
        Value::Map(entries) => entries.borrow().iter().any(|(key, value)| {
            matches!(key.as_str(), Some("status" | "statusCode" | "status_code"))
                && is_method_code(value)
        }),
        _ => false,
    }
}

/// Whether what is raised or given back says that the method is not answered.
fn answers_405<'p>(
    value: &Value<'p>,
    record: &dyn Fn(&Value<'p>) -> Option<Rc<CallRecord<'p>>>,
) -> bool {
    match value {
        Value::Native(_) | Value::Object(_) => record(value).is_some_and(|call| {
            call.args
                .positional
                .iter()
                .chain(call.args.named.iter().map(|(_, value)| value))
                .any(is_method_code)
        }),
        Value::List(items) => items.borrow().iter().any(is_method_code),
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

/// Whether a library's `redirect` raises and never gives back.
fn raises_redirects(path: &str) -> bool {
    ["next/navigation", "@sveltejs/kit"].iter().any(|package| path.starts_with(package))
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
    // Next.js: a middleware goes on, and cookies and headers come from functions.
    if call.path.ends_with("NextResponse.next") || call.path.ends_with("NextResponse.rewrite") {
        return Some(Told::Passes);
    }
    if let Some((from, method)) = call.path.rsplit_once("().")
        && matches!(from, "next/headers.cookies" | "next/headers.headers")
    {
        let key = args.positional.first().and_then(Value::as_str)?;
        let absent = if method == "has" { Value::Bool(false) } else { Value::Absent };
        return Some(match (is_credential(key), from.ends_with("cookies")) {
            (true, _) => Told::Identity(absent),
            // A caller whom nobody knows has no cookie, whatever it is for.
            (false, true) => Told::Value(absent),
            (false, false) => Told::Value(Value::Unknown),
        });
    }
    if matches!(name, "redirect" | "permanentRedirect") && raises_redirects(call.path) {
        return Some(Told::Throws { denial: args.positional.iter().any(is_login_address) });
    }
    if call.path == "@sveltejs/kit.error" {
        return Some(Told::Throws { denial: args.positional.iter().any(is_denial_code) });
    }
    if name == "abort" || name == "HTTPAbort" {
        return Some(Told::Throws { denial: args.positional.iter().any(is_denial_code) });
    }
    if guards::called_in_bodies(call.path, args) == Some(AuthState::Required) {
        return Some(Told::Throws { denial: true });
    }
    if let Some(value) = request.notes.looked_up(name, &args.positional) {
        request.looked_at_route.set(true);
        return Some(Told::Value(if request.any_route { Value::Unknown } else { value }));
    }
    // Nest's context of a request, as a library for another kind of request sees it.
    if name == "create"
        && let Some(context @ Value::External(path)) = args.positional.first()
        && path == "caller.context"
    {
        return Some(Told::Value(context.clone()));
    }
    if let Some(told) = passport_guard(call) {
        return Some(told);
    }
    let absent = args.positional.iter().any(|value| matches!(value, Value::Absent));
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
