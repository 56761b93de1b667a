//! A caller of whom nothing is known: no session, no token, no cookie, no user. What the request
//! objects of the frameworks say of them, and what libraries do with them.
//!
//! Readers hand their handlers and guards the values of [`values`]; everything here is about the
//! dotted paths that grow from these and from the global request objects of libraries.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::LazyLock;

use regex::Regex;

use super::extractors::Kept;
use super::notes::{self, Notes};
use super::{AuthState, adonis, asgi, extractors, guards, h3, of_base, page, remix};
use crate::eval::builtins;
use crate::eval::interpreter::probe::{Caller, Injected, Outside, Told};
use crate::eval::text::Text;
use crate::eval::value::{Args, CallRecord, NO_COOKIES, Value};

/// What handlers and guards are called with.
pub mod values {
    use crate::eval::value::Value;

    /// The request.
    #[must_use]
    pub fn request<'p>() -> Value<'p> {
        Value::External("caller.request".into())
    }

    /// A request that always has an `auth`, which says whether somebody is known, as hapi has it.
    pub const REQUEST_WITH_AUTH: &str = "caller.request.hapi";

    /// [`REQUEST_WITH_AUTH`] as a value.
    #[must_use]
    pub fn request_with_auth<'p>() -> Value<'p> {
        Value::External(REQUEST_WITH_AUTH.into())
    }

    /// The connection, as ASGI describes it.
    #[must_use]
    pub fn scope<'p>() -> Value<'p> {
        Value::External("caller.scope".into())
    }

    /// What an ASGI application answers with.
    #[must_use]
    pub fn send<'p>() -> Value<'p> {
        Value::External("caller.send".into())
    }

    /// The route that is being asked for, with what is noted on it.
    #[must_use]
    pub fn view<'p>() -> Value<'p> {
        Value::External("caller.view".into())
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

    /// A context that plugins put something on, as Elysia has it.
    pub const CONTEXT_OF_PLUGINS: &str = "caller.context.elysia";

    /// [`CONTEXT_OF_PLUGINS`] as a value.
    #[must_use]
    pub fn context_of_plugins<'p>() -> Value<'p> {
        Value::External(CONTEXT_OF_PLUGINS.into())
    }

    /// What makes and verifies tokens there: it gives back `false` for what is none.
    pub const TOKENS: &str = "caller.context.elysia.tokens";

    /// A handler of Tornado, as its methods see themselves.
    #[must_use]
    pub fn page<'p>() -> Value<'p> {
        Value::External("caller.page".into())
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

    /// A WebSocket that is being opened.
    #[must_use]
    pub fn socket<'p>() -> Value<'p> {
        Value::External("caller.socket".into())
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
    /// The beginning of the path that the asked does not see.
    pub below: Rc<Text>,
    /// The name under which the route is registered.
    pub endpoint: Option<String>,
    /// The part of the path that the whole application lies below.
    pub base: String,
    /// Whether `request.user` is an object for anonymous callers too.
    pub has_user_object: bool,
    /// What decorators noted on the handler and its class, by key: Nest's `SetMetadata`.
    pub metadata: Vec<(String, bool)>,
    /// Whether all that identifies a request is a credential, since it is an authentication that
    /// looks.
    pub all_credentials: bool,
    /// Whether what is asked stands before a handler.
    pub is_layer: bool,
    /// Whether it stands for requests of every route, so that nothing of the route is known.
    pub any_route: bool,
    /// The same with the values, apart for the handler and its class.
    pub notes: Rc<Notes>,
    /// Whether the method, the path or the metadata were looked at.
    pub looked_at_route: Cell<bool>,
    /// Whether the method was asked for and is not known.
    pub missed_method: Rc<Cell<bool>>,
    /// Whether what is asked runs before the handler, so that only ending the answer stops it.
    pub in_hook: Cell<bool>,
    /// Whether a refusing status was set.
    pub has_denied: Cell<bool>,
    /// Paths where what was asked before has put that nobody is known.
    pub nobody: Rc<BTreeSet<String>>,
}

/// Names under which a request carries who sent it.
static IDENTITY: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?ix) ^_?(current|logged_?in|auth(enticated)?|request(ing)?|session|decoded|jwt|token)?_?
          (user|member|account|identity|principal|claims|viewer|admin|customer|employee|auth|session|
           token|bearer|jwt|payload|apikey|api_key|subject|credentials)_?(id|ids|data|info|name|email|role|roles|claims|payload|context)?$
          | ^uid$ | ^userinfo$ | ^authinfo$ | ^is_?(auth|logged|admin|staff|super).*",
    )
    .ok()
});

/// Keys of headers, cookies, sessions and queries that hold a credential.
static CREDENTIAL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?ix) auth | token | jwt | sess | \bsid\b | api.?key | secret | user | login | logged | identity | credential | ticket
          | account | signature | x-.*-key | bearer | \buid\b | member | remote_user",
    )
    .ok()
});
static NO_CREDENTIAL: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?i)csrf|xsrf|user.?agent|forwarded|host|\bip$").ok());

/// Names of a credential that is sent in a body.
static TOKEN: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)^((access|auth|bearer|id|api)_?)?token$|^jwt$|^bearer$|^api_?key$").ok()
});

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

/// Library functions that compare secrets.
static SAFE_COMPARISON: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)^(compare_digest|constant_?time_?(compare|equals?)|timing_?safe_?equal|safe_?compare|secure_?compare)$").ok()
});

fn fits(regex: &LazyLock<Option<Regex>>, text: &str) -> bool {
    regex.as_ref().is_some_and(|regex| regex.is_match(text))
}

/// Whether what a call comes to is given to a function, the last argument: others may find the key.
fn is_called_back(call: &Outside<'_, '_>) -> bool {
    let last = call.args.positional.last();
    matches!(last, Some(Value::Function(_))) && !call.path.starts_with("jose.")
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
    ("quart_auth.current_user", "caller.async_user"),
    ("bottle.response", "caller.response"),
    ("flask_security.current_user", "caller.user"),
    ("flask_jwt_extended.current_user", "caller.user"),
    ("flask_login.login_manager", "caller.unknown"),
];

/// The path with a library's global request object replaced by the caller's.
fn canonical(path: &str) -> Option<String> {
    if path.starts_with("caller.") {
        return asgi::canonical(path).or_else(|| Some(path.to_owned()));
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

/// Parts of a request that hold what stands in its address.
const OF_ADDRESS: &[&str] = &["query", "searchparams", "query_params", "queryparams"];

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
    "get_cookie_values",
    "get_param",
    "contains_key",
];

impl<'p> Caller<'p> for Anonymous {
    fn attribute(&self, path: &str, name: &str) -> Option<Told<'p>> {
        if builtins::is_environment(path) {
            return Some(Told::Value(variable(name)));
        }
        if path == "$app/paths.base" && name == "length" {
            return Some(Told::Value(Value::Number(self.base.len().to_string().into())));
        }
        if !self.nobody.is_empty() && self.nobody.contains(&format!("{path}.{name}")) {
            return Some(Told::Identity(Value::Absent));
        }
        if let Some(told) = asgi::attribute(self, path, name) {
            return Some(told);
        }
        if let Some(told) = adonis::attribute(self, path, name) {
            return Some(told);
        }
        if path == SETTING {
            return fits(&SWITCHED_OFF, name).then_some(Told::Value(Value::Bool(false)));
        }
        let whole = canonical(path)?;
        if whole == NO_COOKIES {
            return None;
        }
        let lower = name.to_ascii_lowercase();
        if whole.starts_with("caller.user") {
            return user_attribute(&lower);
        }
        if whole == "caller.async_user" {
            return match user_attribute(&lower)? {
                Told::Identity(known @ Value::Bool(_)) => {
                    Some(Told::Identity(Value::Method(Rc::new((known, "coroutine".into())))))
                }
                told => Some(told),
            };
        }
        if whole == "caller.base" || whole == "caller.open" {
            return of_base::attribute(name);
        }
        if whole == "caller.view" {
            return Some(Told::Value(self.noted(name)));
        }
        if ["caller.response", "caller.next", "caller.refusal"]
            .iter()
            .any(|root| whole.starts_with(root))
        {
            return None;
        }
        if self.is_sent_credential(&whole, name) {
            return Some(Told::Hint(Value::Absent));
        }
        // What the caller sends says nothing of who they are.
        if whole.split('.').skip(2).any(|part| SENT.contains(&part)) {
            return Some(Told::Value(Value::Unknown));
        }
        let last = whole.rsplit('.').next().unwrap_or("").to_ascii_lowercase();
        // What the program notes on its routes: Fastify's `request.routeOptions.config.public`.
        let noted =
            last == "config" && ["route", "context"].iter().any(|part| has_part(&whole, part));
        // And Sanic's `request.route.ctx.public`.
        if noted || whole.ends_with(".route.ctx") {
            return Some(Told::Value(self.noted(name)));
        }
        let within = whole.matches('.').count() > 1 && CONTAINERS.contains(&last.as_str());
        if within {
            // A link that was sent to somebody has a token of its own, which a handler checks.
            if lower == "token" && !self.is_layer && OF_ADDRESS.contains(&last.as_str()) {
                return Some(Told::Value(Value::Unknown));
            }
            if METHODS_OF_CONTAINERS.contains(&lower.as_str())
                || CONTAINERS.contains(&lower.as_str()) && lower != "auth"
            {
                return None;
            }
            return if self.all_credentials || is_credential(name) || fits(&IDENTITY, name) {
                Some(Told::Identity(Value::Absent))
            } else {
                is_never_sent(&last, name).then_some(Told::Hint(Value::Absent))
            };
        }
        // Every cookie is an object there, with or without a value.
        if lower == "value" && whole.contains(".cookie.") && is_credential(&last) {
            return Some(Told::Identity(Value::Absent));
        }
        match lower.as_str() {
            "method" => {
                self.looked_at_route.set(true);
                if self.method.is_none() && !self.any_route {
                    self.missed_method.set(true);
                }
                self.of_route(self.method.as_deref())
            }
            // An address in its parts.
            "url" if last == "context" => None,
            "path" | "url" | "originalurl" | "pathname" | "full_path" | "path_info"
            | "routerpath" => {
                self.looked_at_route.set(true);
                Some(Told::Value(if self.any_route {
                    Value::Unknown
                } else if lower == "originalurl" {
                    Value::Text(Rc::new(self.path.clone()))
                } else {
                    Value::Text(Rc::new(self.seen_path()))
                }))
            }
            // Pyramid's route that a request was found to be for.
            "name" if last == "matched_route" => {
                self.looked_at_route.set(true);
                self.of_route(self.endpoint.as_deref())
            }
            "id" if last == "route" => {
                self.looked_at_route.set(true);
                self.of_route(self.endpoint.as_deref())
            }
            "endpoint" => {
                self.looked_at_route.set(true);
                self.of_route(self.endpoint.as_deref())
            }
            "blueprint" => {
                self.looked_at_route.set(true);
                self.endpoint.as_ref().map(|endpoint| {
                    Told::Value(match endpoint.rsplit_once('.') {
                        Some((blueprint, _)) => Value::text(blueprint),
                        None => Value::None,
                    })
                })
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
            extractors::REFUSAL => {
                return Some(Told::Throws { denial: true, asked: true, asks: true });
            }
            path if goes_on(path) => return Some(Told::Passes),
            "caller.next" => {
                return Some(match first {
                    Some(Value::External(path)) if path == "caller.error" => Told::Fails,
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
        if let Some(told) = asgi::call(self, call).or_else(|| adonis::call(self, call)) {
            return Some(told);
        }
        if let Some(whole) = canonical(call.path) {
            if let Some(method) = whole.strip_prefix("caller.page.")
                && let Some(told) = page::call(self, method, call.args, call.surely)
            {
                return Some(told);
            }
            if let Some(method) = whole.strip_prefix("caller.base.") {
                return Some(of_base::call(method));
            }
            if whole.starts_with("caller.open.") {
                return Some(Told::Value(Value::Bool(true)));
            }
            return self.request_call(&whole, call);
        }
        library_call(self, call)
    }

    fn assigned(&self, path: &str, name: &str, value: &Value<'p>) -> Option<Told<'p>> {
        let whole = canonical(path)?;
        // With errors on a request of Cornice, its view is not called.
        if whole == "caller.request.errors" {
            return (name == "status" && is_denial_code(value)).then_some(Told::Refuses);
        }
        if !(whole.starts_with("caller.context") || whole.starts_with("caller.response")) {
            return None;
        }
        match name {
            // In a hook of Falcon the status alone stops nobody; only that it is complete does.
            "status" if self.in_hook.get() => {
                self.has_denied.set(is_denial_code(value));
                None
            }
            "complete" if self.in_hook.get() && self.has_denied.get() => Some(Told::Refuses),
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
        denies(value, record, 0, Refusal::Any)
    }

    fn asks_who(
        &self,
        value: &Value<'p>,
        record: &dyn Fn(&Value<'p>) -> Option<Rc<CallRecord<'p>>>,
    ) -> bool {
        denies(value, record, 0, Refusal::Stranger)
    }
}

/// A caller of whom nobody knows anything, who may be anybody.
#[derive(Debug)]
pub struct Known(pub Anonymous);

impl Known {
    /// What is said of somebody who may be known: nothing where it hangs on that.
    fn any(told: Told<'_>) -> Told<'_> {
        match told {
            Told::Hint(_) => Told::Hint(Value::Unknown),
            Told::Identity(_) | Told::Throws { denial: true, asked: true, .. } => {
                Told::Value(Value::Unknown)
            }
            other => other,
        }
    }
}

impl<'p> Caller<'p> for Known {
    fn attribute(&self, path: &str, name: &str) -> Option<Told<'p>> {
        self.0.attribute(path, name).map(Self::any)
    }

    fn call(&self, call: &Outside<'_, 'p>) -> Option<Told<'p>> {
        self.0.call(call).map(Self::any)
    }

    fn assigned(&self, path: &str, name: &str, value: &Value<'p>) -> Option<Told<'p>> {
        self.0.assigned(path, name, value)
    }

    fn inject(
        &self,
        name: &str,
        annotation: Option<&Value<'p>>,
        default: Option<&Value<'p>>,
        record: &dyn Fn(&Value<'p>) -> Option<Rc<CallRecord<'p>>>,
    ) -> Option<Injected<'p>> {
        self.0.inject(name, annotation, default, record).map(|injected| match injected {
            Injected::Told(told) => Injected::Told(Self::any(told)),
            other => other,
        })
    }

    fn refuses_method(
        &self,
        value: &Value<'p>,
        record: &dyn Fn(&Value<'p>) -> Option<Rc<CallRecord<'p>>>,
    ) -> bool {
        self.0.refuses_method(value, record)
    }

    fn asks_who(
        &self,
        value: &Value<'p>,
        record: &dyn Fn(&Value<'p>) -> Option<Rc<CallRecord<'p>>>,
    ) -> bool {
        self.0.asks_who(value, record)
    }

    fn denies(
        &self,
        value: &Value<'p>,
        record: &dyn Fn(&Value<'p>) -> Option<Rc<CallRecord<'p>>>,
    ) -> bool {
        self.0.denies(value, record)
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
        "id" | "pk" | "username" | "email" | "name" | "sub" | "role" | "auth_id" => {
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
        let Self { method, path, below, endpoint, metadata, notes, .. } = self;
        format!("{method:?} {path} {below} {endpoint:?} {metadata:?} {notes:?}")
    }

    /// Whether something in a body is a credential for a layer, as it would be in a header.
    fn is_sent_credential(&self, object: &str, name: &str) -> bool {
        self.is_layer
            && matches!(last_segment(object), "body" | "json" | "form" | "payload")
            && fits(&TOKEN, name)
    }

    /// The path as far as the asked sees it.
    fn seen_path(&self) -> Text {
        match self.path.without_prefix(&self.below) {
            rest if rest.parts().is_empty() => Text::literal("/"),
            rest => rest,
        }
    }

    /// A text about the route, which nobody knows where it stands for all of them.
    fn of_route<'p>(&self, text: Option<&str>) -> Option<Told<'p>> {
        match text {
            _ if self.any_route => Some(Told::Value(Value::Unknown)),
            text => text.map(|text| Told::Value(Value::text(text))),
        }
    }

    /// What is noted on the route under a key.
    pub fn noted<'p>(&self, key: &str) -> Value<'p> {
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
    pub(super) fn request_call<'p>(&self, whole: &str, call: &Outside<'_, 'p>) -> Option<Told<'p>> {
        let args = call.args;
        let (object, method) = whole.rsplit_once('.')?;
        let lower = method.to_ascii_lowercase();
        if object.starts_with("caller.user")
            || object == "caller.async_user"
            || whole == "caller.user"
        {
            // What belongs to nobody is nothing: `user.groups.filter(…).exists()`.
            if object.starts_with("caller.user.") {
                match lower.as_str() {
                    "exists" => return Some(Told::Identity(Value::Bool(false))),
                    "count" => return Some(Told::Identity(Value::Number("0".into()))),
                    "first" | "last" => return Some(Told::Identity(Value::Absent)),
                    "filter" | "all" | "exclude" | "distinct" | "order_by" | "values_list" => {
                        return Some(Told::Identity(Value::External(object.into())));
                    }
                    _ => {}
                }
            }
            let predicate = ["has", "is", "can", "check", "allow", "may"];
            return Some(Told::Identity(if lower == "is_anonymous" {
                Value::Bool(true)
            } else if predicate.iter().any(|start| lower.starts_with(start)) {
                Value::Bool(false)
            } else {
                Value::Unknown
            }));
        }
        if object == "caller.socket" || lower == "close" {
            return socket_call(&lower, args);
        }
        if lower == "__contains__" {
            let key = args.positional.first().and_then(Value::as_str);
            if key.is_some_and(|key| self.is_sent_credential(object, key)) {
                return Some(Told::Hint(Value::Bool(false)));
            }
            return contains(object, args);
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
            "verify" if object == values::TOKENS => {
                return Some(Told::Identity(Value::Bool(false)));
            }
            "isauthenticated" | "is_authenticated" | "isloggedin" | "isauth" => {
                return Some(Told::Identity(Value::Bool(false)));
            }
            "isunauthenticated" | "is_anonymous" => return Some(Told::Identity(Value::Bool(true))),
            "jwtverify" | "verify" | "authenticate" | "accessverify"
                if !call.is_rust || args.positional.is_empty() =>
            {
                return Some(Told::Throws { denial: true, asked: true, asks: true });
            }
            "throw" | "httperror" | "abort" => {
                return Some(thrown(args));
            }
            "assert" if object == "caller.context" => {
                return (args.positional.first().and_then(Value::truth) == Some(false))
                    .then(|| thrown(args));
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
        if matches!(lower.as_str(), "items" | "raw" | "keys" | "multi_items")
            && (object.ends_with(".headers") || object.ends_with(".cookies"))
        {
            return Some(Told::Value(Value::External(object.into())));
        }
        if object == NO_COOKIES {
            return Some(Told::Identity(match lower.as_str() {
                "includes" | "startswith" | "endswith" => Value::Bool(false),
                "split" | "matchall" => Value::list(Vec::new()),
                _ => Value::Absent,
            }));
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
        if object == NO_COOKIES {
            return Some(Told::Identity(match lower.as_str() {
                "includes" | "startswith" | "endswith" => Value::Bool(false),
                "split" | "matchall" => Value::list(Vec::new()),
                _ => Value::Absent,
            }));
        }
        if METHODS_OF_CONTAINERS.contains(&lower.as_str()) {
            let key = key_of(args.positional.first()?)?;
            let key = key.as_str();
            let default =
                args.positional.get(1).filter(|value| !matches!(value, Value::Map(_))).cloned();
            let absent = default.unwrap_or(
                if matches!(lower.as_str(), "has" | "contains_key" | "contains") {
                    Value::Bool(false)
                } else {
                    Value::Absent
                },
            );
            let holder = match lower.as_str() {
                "get_cookie" | "cookie" | "getcookie" | "get_cookie_values" => "cookies",
                "get_header" | "getheader" | "header" => "headers",
                // Express and Koa
                "get" if key.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("x-")) => {
                    "headers"
                }
                "get_secure_cookie" | "get_signed_cookie" | "unsigncookie" => "session",
                _ => last_segment(object),
            };
            // What all cookies are written in says somebody only where one of them is looked for.
            if holder == "headers" && key.eq_ignore_ascii_case("cookie") && !call.is_rust {
                return Some(Told::Value(Value::External(NO_COOKIES.into())));
            }
            let is_signed = args.keyword("secret").is_some();
            let identifies = self.all_credentials || is_credential(key) || fits(&IDENTITY, key);
            let in_rust = call.is_rust
                && (holder == "headers" && !fits(&COMMON_HEADER, key) || holder == "cookies");
            return Some(if identifies || is_signed {
                Told::Identity(absent)
            } else if in_rust || is_never_sent(holder, key) {
                Told::Hint(absent)
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

/// Headers that any client or proxy may send.
static COMMON_HEADER: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?ix) ^(accept|user|host|content|connection|origin|referr?er|x-forwarded|x-real|x-requested|x-request|
          x-correlation|x-trace|x-http|x-csrf|x-xsrf|x-envoy|x-amzn|x-cloud|x-client|x-lang|x-locale|x-timezone|
          if-|range|cache|cf-|forwarded|via|dnt|sec-|traceparent|upgrade|te$|date|expect|transfer|idempotency|last-event)").ok()
});

/// What can be done with a session, cookies or headers as a whole.
const OF_THE_WHOLE: &[&str] = &[
    "append",
    "clear",
    "commit",
    "cookie",
    "cycle_key",
    "delete",
    "destroy",
    "entries",
    "flush",
    "forEach",
    "get",
    "getAll",
    "has",
    "invalidate",
    "items",
    "keys",
    "modified",
    "new",
    "options",
    "permanent",
    "pop",
    "regenerate",
    "reload",
    "remove",
    "save",
    "set",
    "setdefault",
    "size",
    "touch",
    "update",
    "values",
];

/// What somebody carries who is about to log in, or who is not known at all.
static OF_STRANGERS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)mfa|otp|2fa|two.?factor|challenge|nonce|state|verifier|pkce|csrf|xsrf|lang|locale|theme|consent|next")
        .ok()
});

/// Whether an anonymous caller has nothing under a key of headers, cookies or a session.
fn is_never_sent(holder: &str, key: &str) -> bool {
    if fits(&OF_STRANGERS, key) {
        return false;
    }
    match holder.to_ascii_lowercase().as_str() {
        "headers" => key.contains('-') && !fits(&COMMON_HEADER, key) && !fits(&NO_CREDENTIAL, key),
        "cookies" | "session" | "signedcookies" => !OF_THE_WHOLE.contains(&key),
        _ => false,
    }
}

/// A call of Nest's execution context.
fn context_call<'p>(lower: &str, args: &Args<'p>) -> Option<Value<'p>> {
    let all = || vec![values::request(), values::response(), values::next()];
    Some(match lower {
        "getrequest" => values::request(),
        "getresponse" => values::response(),
        "getnext" => values::next(),
        // Of LoopBack's invocation.
        "get" | "getsync" if matches!(args.positional.first(), Some(Value::External(key)) if key.ends_with(".Http.REQUEST")) => {
            values::request()
        }
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
        "canActivate" => {
            Some(Told::AsksOwn { method: "handleRequest", args: guards::nobody_found() })
        }
        "handleRequest" => {
            let user = call.args.positional.get(1).cloned().unwrap_or_default();
            match user.truth() {
                Some(true) => Some(Told::Value(user)),
                Some(false) => Some(Told::Throws { denial: true, asked: true, asks: true }),
                None => None,
            }
        }
        _ => None,
    }
}

/// The value of a header for an anonymous caller, where a handler is given it as a parameter.
#[must_use]
pub fn header<'p>(key: &str) -> Value<'p> {
    if is_credential(key) || is_never_sent("headers", key) { Value::Absent } else { Value::Unknown }
}

/// `key in request.headers`, `key in session`.
fn contains<'p>(object: &str, args: &Args<'p>) -> Option<Told<'p>> {
    let key = args.positional.first()?.as_str()?;
    let holder = last_segment(object);
    let lower = key.to_ascii_lowercase();
    if is_credential(key) || fits(&IDENTITY, key) {
        return CONTAINERS
            .contains(&holder.to_ascii_lowercase().as_str())
            .then_some(Told::Identity(Value::Bool(false)));
    }
    is_never_sent(holder, key).then(|| {
        if lower.starts_with("x-") {
            Told::Identity(Value::Bool(false))
        } else {
            Told::Hint(Value::Bool(false))
        }
    })
}

/// What a WebSocket does: it is closed on those who may not go on.
fn socket_call<'p>(lower: &str, args: &Args<'p>) -> Option<Told<'p>> {
    let closes_on_strangers = |value: &Value<'_>| {
        matches!(value, Value::Number(code)
            if matches!(code.as_str(), "1008" | "3000" | "3003" | "4001" | "4003" | "4401" | "4403"))
            || is_denial_code(value)
    };
    match lower {
        "close" => args
            .positional
            .iter()
            .chain(args.named.iter().map(|(_, value)| value))
            .any(closes_on_strangers)
            .then_some(Told::Refuses),
        "accept" | "send" | "receive" | "send_json" | "send_text" => {
            Some(Told::Answers(Value::Unknown))
        }
        _ => None,
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
    // `c.json({ error }, 500)`
    if matches!(lower, "json" | "text" | "html" | "body" | "newresponse")
        && args.positional.iter().skip(1).any(is_error_code)
    {
        return Told::AnswersError;
    }
    if lower == "authenticated" {
        return Told::Passes;
    }
    if matches!(
        lower,
        "unauthenticated" | "unauthorized" | "forbidden" | "unauthorised" | "accessdenied"
    ) {
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

/// Whether a value is the address of a page for logging in.
#[must_use]
pub fn is_login_address(value: &Value<'_>) -> bool {
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
        r"(?i)unauthori[sz]ed|unauthenticated|forbidden|notauthenticated|authenticationfailed|authentication_?error|permission_?denied|access_?denied|autherror|auth_?exception|invalid_?token|not_?logged_?in|login_?required|credentials_?exception|insufficient_?(permission|scope|role)|\b40[13]\b|_40[13]_|_40[13]$|forbid|authorizationrequired|not_?authori[sz]ed|policy_violation|authorization_?error|invalid_?credentials|missing_?(token|auth)",
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

/// What `abort(…)` raises.
fn thrown<'p>(args: &Args<'p>) -> Told<'p> {
    Told::Throws {
        denial: args.positional.iter().any(is_denial_code),
        asked: false,
        asks: args.positional.iter().any(|value| Refusal::Stranger.is_code(value)),
    }
}

/// What a refusal says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusal {
    /// Whatever it says.
    Any,
    /// That the caller is not known: 401, or the way to a page for logging in.
    Stranger,
}

impl Refusal {
    fn is_code(self, value: &Value<'_>) -> bool {
        match self {
            Self::Any => is_denial_code(value),
            Self::Stranger => match value {
                Value::Number(number) => matches!(number.as_str(), "401" | "407"),
                Value::External(path) => self.is_name(last_segment(path)),
                Value::Text(text) => text.as_literal() == Some("401"),
                Value::Map(entries) => entries.borrow().iter().any(|(key, value)| {
                    matches!(key.as_str(), Some("status" | "statusCode" | "status_code" | "code"))
                        && self.is_code(value)
                }),
                _ => false,
            },
        }
    }

    fn is_name(self, name: &str) -> bool {
        fits(&DENIAL_NAME, name) && (self == Self::Any || !fits(&FORBIDDING_NAME, name))
    }
}

/// Names of refusals that say nothing of whether the caller is known.
static FORBIDDING_NAME: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?i)forbid|permission|access_?denied|insufficient|403").ok());

/// Whether what is raised or given back refuses the caller: by its status, or by its name.
fn denies<'p>(
    value: &Value<'p>,
    record: &dyn Fn(&Value<'p>) -> Option<Rc<CallRecord<'p>>>,
    depth: usize,
    refusal: Refusal,
) -> bool {
    if depth > 6 {
        return false;
    }
    let also = |value: &Value<'p>| denies(value, record, depth + 1, refusal);
    let args_deny = |args: &Args<'p>| {
        args.positional.iter().chain(args.named.iter().map(|(_, value)| value)).any(|value| {
            refusal.is_code(value)
                || matches!(value, Value::Native(_) | Value::Variant(_) | Value::List(_))
                    && also(value)
        })
    };
    match value {
        Value::Variant(variant) => {
            let of = variant.class.as_ref().map_or("", |class| last_segment(&class.qualified));
            refusal.is_name(&variant.name)
                || refusal.is_name(of)
                || variant.args.positional.iter().any(also)
                || args_deny(&variant.args)
        }
        // `return jsonify(…), 401`
        Value::List(items) => items.borrow().iter().any(|item| refusal.is_code(item) || also(item)),
        Value::External(path) => refusal.is_name(last_segment(path)),
        Value::Class(class) => refusal.is_name(last_segment(&class.qualified)),
        Value::Native(_) => record(value).is_some_and(|call| {
            let name = match &call.callee {
                // `HttpResponse::Unauthorized`, `Redirect::to`
                Value::External(path) if path.contains("::") => {
                    let own =
                        |value: &Value<'p>| matches!(value, Value::Class(_) | Value::Object(_));
                    if call.args.positional.iter().any(|arg| own(arg) && also(arg)) {
                        return true;
                    }
                    let of = path.rfind("::").and_then(|end| path[..end].rfind("::"));
                    path[of.map_or(0, |of| of + 2)..].to_owned()
                }
                Value::External(path) => last_segment(path).to_owned(),
                Value::Method(method) => {
                    if also(&method.0) {
                        return true;
                    }
                    if leads_to_login(&method.1, &call.args) {
                        return true;
                    }
                    method.1.to_string()
                }
                Value::Native(_) => {
                    if also(&call.callee) {
                        return true;
                    }
                    String::new()
                }
                _ => String::new(),
            };
            let lower = name.to_ascii_lowercase();
            refusal.is_name(&name)
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
            let (lineage, externals) = object.class.ancestry();
            let status = |name: &&str| {
                let own = object.fields.borrow().get(*name).cloned();
                own.or_else(|| object.class.attribute(name).map(|(value, _)| value))
                    .is_some_and(|value| refusal.is_code(&value))
            };
            lineage.iter().any(|class| refusal.is_name(last_segment(&class.qualified)))
                || externals.iter().any(|base| refusal.is_name(last_segment(base)))
                || ["code", "status", "status_code", "statusCode", "http_status"].iter().any(status)
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

/// Answers of Django that are errors by their class.
const ERRORS_OF_DJANGO: &[&str] = &[
    "HttpResponseNotAllowed",
    "HttpResponseBadRequest",
    "HttpResponseNotFound",
    "HttpResponseGone",
    "HttpResponseServerError",
];

/// Whether what is given back is an error that has nothing to do with who calls.
#[must_use]
pub fn is_error<'p>(
    value: &Value<'p>,
    record: &dyn Fn(&Value<'p>) -> Option<Rc<CallRecord<'p>>>,
) -> bool {
    match value {
        Value::Native(_) | Value::Object(_) => record(value).is_some_and(|call| {
            let of_django = call.path().and_then(|path| path.strip_prefix("django.http."));
            of_django.is_some_and(|name| ERRORS_OF_DJANGO.contains(&last_segment(name)))
                || call
                    .args
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
#[must_use]
pub fn is_method_code(value: &Value<'_>) -> bool {
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

/// Whether an answer is given the header that leads to a page for logging in.
fn leads_to_login(method: &str, args: &Args<'_>) -> bool {
    let is_location =
        |value: &Value<'_>| key_of(value).is_some_and(|key| key.eq_ignore_ascii_case("location"));
    let pair =
        |first: &Value<'_>, second: &Value<'_>| is_location(first) && is_login_address(second);
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
        "Request" | "HTTPConnection" | "WebSocket" | "HttpRequest" | "ASGIConnection" => {
            values::request()
        }
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
    if let Some(name) = call.path.strip_prefix("hono/cookie.") {
        let at = usize::from(name == "getSignedCookie") + 1;
        let key = args.positional.get(at).map(|key| key.to_text().to_string());
        return match (name, key) {
            (_, Some(key)) if fits(&NO_CREDENTIAL, &key) => Some(Told::Value(Value::Unknown)),
            ("getSignedCookie", _) => Some(Told::Identity(Value::Absent)),
            ("getCookie", Some(key)) if is_credential(&key) => Some(Told::Identity(Value::Absent)),
            ("getCookie", Some(_)) => Some(Told::Hint(Value::Absent)),
            _ => None,
        };
    }
    if let Some(told) = h3::call(request, call) {
        return Some(told);
    }
    if let Some(told) = remix::call(call.path, args) {
        return Some(told);
    }
    if call.path.contains("appbuilder") && call.path.ends_with(".sm.has_access") {
        return Some(Told::Identity(Value::Bool(false)));
    }
    if call.path == "tornado.web.authenticated()" {
        return Some(Told::GoesOnIf("current_user"));
    }
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
            Some(AuthState::Required) => {
                Some(Told::Throws { denial: true, asked: true, asks: true })
            }
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
        let denial = args.positional.iter().any(is_login_address);
        return Some(Told::Throws { denial, asked: denial, asks: denial });
    }
    if call.path == "@sveltejs/kit.error" {
        return Some(thrown(args));
    }
    if let Some(holder) =
        call.path.strip_suffix(".__getitem__").or_else(|| call.path.strip_suffix(".get"))
        && last_segment(holder) == "view_functions"
    {
        return Some(Told::Value(Value::External("caller.view".into())));
    }
    // Bottle raises it.
    if call.path == "bottle.redirect" {
        let denial = is_login_redirect("redirect", args);
        return Some(Told::Throws { denial, asked: denial, asks: denial });
    }
    if name == "abort" || name == "HTTPAbort" {
        return Some(thrown(args));
    }
    if let Some(name) = call.path.strip_prefix("aiohttp_security.") {
        match name.rsplit('.').next() {
            Some("authorized_userid") => return Some(Told::Identity(Value::Absent)),
            Some("is_anonymous") => return Some(Told::Identity(Value::Bool(true))),
            Some("permits") => return Some(Told::Identity(Value::Bool(false))),
            _ => {}
        }
    }
    if guards::called_in_bodies(call.path, args) == Some(AuthState::Required) {
        return Some(Told::Throws { denial: true, asked: true, asks: true });
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
    // Of a credential in parts that are not there, what stands between these is left.
    let is_empty = |text: &str| !text.chars().any(char::is_alphanumeric);
    let is_nothing =
        |value: &Value<'p>| matches!(value, Value::Absent) || value.as_str().is_some_and(is_empty);
    // A secret is not nothing.
    if fits(&SAFE_COMPARISON, name) && args.positional.iter().any(is_nothing) {
        return Some(Told::Identity(Value::Bool(false)));
    }
    let verifies = fits(&VERIFIER, name) && !is_called_back(call);
    if verifies && args.positional.first().is_some_and(is_nothing) {
        return Some(Told::Throws { denial: true, asked: false, asks: true });
    }
    let absent = args.positional.iter().any(|value| matches!(value, Value::Absent));
    if call.is_rust {
        if args.positional.is_empty() && fits(&SWITCHED_OFF, name) {
            return Some(Told::Value(Value::Bool(false)));
        }
        if extractors::needs_credentials(call.path) {
            return Some(Told::Throws { denial: true, asked: true, asks: true });
        }
        // What makes a value of another: `Json(user)`, `Path::new(user)`.
        let makes = call.path.rsplit("::").take(2).any(|name| name.starts_with(char::is_uppercase));
        if absent && makes && !fits(&VERIFIER, name) {
            return None;
        }
    }
    if absent {
        if fits(&VERIFIER, name) {
            return Some(if is_called_back(call) {
                Told::CallsBack(vec![Value::External("caller.error".into()), Value::Absent])
            } else {
                Told::Throws { denial: true, asked: true, asks: true }
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
    // A class of that name makes a user of what it is given.
    if fits(&SESSION_READER, name) && !name.starts_with(char::is_uppercase) {
        return Some(Told::Identity(Value::Absent));
    }
    // Settings that nobody made.
    if call.path.ends_with(".config.get") || call.path.ends_with(".settings.get") {
        return Some(Told::Value(args.positional.get(1).cloned().unwrap_or(Value::Absent)));
    }
    None
}
