//! Guards of libraries: what is known of them by their names.

use std::sync::LazyLock;

use regex::Regex;

use super::AuthState;
use super::caller::values;
use crate::eval::value::{Args, Value};

/// Guards by the path that a program imports, with what they do to an anonymous caller.
const LIBRARIES: &[(&str, AuthState)] = &[
    ("flask_login.login_required", AuthState::Required),
    ("flask_login.utils.login_required", AuthState::Required),
    ("flask_login.fresh_login_required", AuthState::Required),
    ("flask_jwt_extended.jwt_required", AuthState::Required),
    ("flask_jwt_extended.jwt_optional", AuthState::Optional),
    ("flask_jwt_extended.jwt_refresh_token_required", AuthState::Required),
    ("flask_jwt_extended.fresh_jwt_required", AuthState::Required),
    ("flask_jwt.jwt_required", AuthState::Required),
    ("quart_auth.login_required", AuthState::Required),
    ("bottle.auth_basic", AuthState::Required),
    ("flask_appbuilder.security.decorators.has_access", AuthState::Required),
    ("flask_appbuilder.security.decorators.has_access_api", AuthState::Required),
    ("flask_appbuilder.security.decorators.protect", AuthState::Required),
    ("flask_appbuilder.has_access", AuthState::Required),
    ("django.contrib.auth.decorators.login_required", AuthState::Required),
    ("django.contrib.auth.decorators.permission_required", AuthState::Required),
    ("django.contrib.admin.views.decorators.staff_member_required", AuthState::Required),
    ("starlette.authentication.requires", AuthState::Required),
    ("aiohttp_security.login_required", AuthState::Required),
    ("passport.authenticate", AuthState::Required),
    ("koa-passport.authenticate", AuthState::Required),
    ("express-jwt", AuthState::Required),
    ("express-jwt.expressjwt", AuthState::Required),
    ("koa-jwt", AuthState::Required),
    ("restify-jwt", AuthState::Required),
    ("restify-jwt-community", AuthState::Required),
    ("express-basic-auth", AuthState::Required),
    ("connect-ensure-login.ensureLoggedIn", AuthState::Required),
    ("express-openid-connect.requiresAuth", AuthState::Required),
    ("express-oauth2-jwt-bearer.auth", AuthState::Required),
    ("@clerk/express.requireAuth", AuthState::Required),
    ("@clerk/express.clerkMiddleware", AuthState::None),
    ("hono/jwt.jwt", AuthState::Required),
    ("hono/bearer-auth.bearerAuth", AuthState::Required),
    ("hono/basic-auth.basicAuth", AuthState::Required),
    ("hono/jwk.jwk", AuthState::Required),
    ("@hono/auth-js.verifyAuth", AuthState::Required),
    ("@hono/clerk-auth.clerkMiddleware", AuthState::None),
    ("@hono/firebase-auth.verifyFirebaseAuth", AuthState::Required),
    ("@hono/oidc-auth.oidcAuthMiddleware", AuthState::Required),
    ("@hono/stytch-auth.Consumer.authenticateSessionLocal", AuthState::Required),
    ("@hono/stytch-auth.Consumer.authenticateSessionRemote", AuthState::Required),
    ("@hono/stytch-auth.B2B.authenticateSessionLocal", AuthState::Required),
    ("@hono/stytch-auth.B2B.authenticateSessionRemote", AuthState::Required),
    ("next-auth/middleware", AuthState::Required),
    ("next-auth/middleware.default", AuthState::Required),
    ("next-auth/middleware.withAuth", AuthState::Required),
    ("passport.initialize", AuthState::None),
    ("passport.session", AuthState::None),
];

/// Strategies with which somebody becomes known: who meets them is not known yet.
const LOGIN_STRATEGIES: &[&str] = &[
    "local",
    "ldapauth",
    "ldap",
    "google",
    "github",
    "facebook",
    "twitter",
    "saml",
    "oauth2",
    "openidconnect",
    "oidc",
    "azure",
    "microsoft",
    "linkedin",
    "apple",
    "discord",
    "gitlab",
    "magic-link",
    "magiclink",
    "slack",
    "email",
    "token-login",
];

static REQUIRED_NAME: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?x) ^(\w+_)?(login|logged_in|auth|authentication|authorization|token|jwt|user|session|admin|staff|superuser|role|roles|permission|permissions|scope|scopes|api_?key)_?(required|only|accepted|needed)$
          | ^(require|requires|ensure|must|check|verify|validate|enforce|needs)_?([Aa]uth|[Ll]og|[Uu]ser|[Aa]dmin|[Rr]ole|[Tt]oken|[Pp]ermission|[Ss]ession|[Jj]wt|[Ss]cope|[Ss]ignedIn|[Ss]igned_in|[Aa]pi_?[Kk]ey|[Ss]taff)\w*$
          | ^(is|be)_?([Aa]uthenticated|[Aa]uthorized|[Ll]ogged_?[Ii]n|[Aa]dmin|[Aa]uth)$
          | ^(authenticate|authenticated|authorize|authorized|protect|protected|login_required|loginRequired|authRequired|verifyToken|verifyJWT|authenticateToken|authMiddleware|authGuard|isAuth|jwtAuth|bearerAuth|basicAuth)$
          | ^(has|needs)_?([Rr]ole|[Pp]ermission|[Ss]cope|[Aa]ccess)\w*$",
    )
    .ok()
});

/// What a guard of a library does to an anonymous caller; `None` for what is no guard.
#[must_use]
pub fn library(path: &str, args: &Args<'_>) -> Option<AuthState> {
    if is_run(path) {
        return None;
    }
    let name = path.rsplit(['.', ':']).next().unwrap_or(path);
    let known = LIBRARIES
        .iter()
        .find(|(known, _)| {
            path == *known || path.strip_suffix(known).is_some_and(|rest| rest.ends_with('.'))
        })
        .map(|(_, state)| *state);
    let by_name = || {
        let fits = REQUIRED_NAME.as_ref().is_some_and(|regex| regex.is_match(name));
        (fits && !name.to_ascii_lowercase().contains("optional")).then_some(AuthState::Required)
    };
    let scheme = || {
        let is_scheme = ["OAuth2", "HTTPBearer", "HTTPBasic", "HTTPDigest", "APIKey", "OpenId"]
            .iter()
            .any(|start| name.starts_with(start));
        (path.starts_with("fastapi.security") && is_scheme && !name.contains("Form"))
            .then_some(AuthState::Required)
    };
    let state = known.or_else(scheme).or_else(by_name)?;
    if state == AuthState::Required && lets_in(name, args) {
        return Some(AuthState::Optional);
    }
    if state == AuthState::Required && name == "authenticate" && is_login(args) {
        return Some(AuthState::None);
    }
    Some(state)
}

/// Whether what a guard of a library does hangs on what the program defines, so that it is run.
#[must_use]
pub fn is_run(path: &str) -> bool {
    path == "tornado.web.authenticated"
}

/// Whether an option makes a guard let anonymous callers in.
fn lets_in(name: &str, args: &Args<'_>) -> bool {
    let says = |key: &str, value: &Value<'_>| match key {
        "optional" | "passthrough" => value.truth() == Some(true),
        "credentialsRequired" | "authRequired" | "auto_error" | "required" => {
            value.truth() == Some(false)
        }
        _ => false,
    };
    args.named.iter().any(|(key, value)| says(key, value))
        || args.positional.iter().any(|value| match value {
            Value::Map(entries) => entries
                .borrow()
                .iter()
                .any(|(key, value)| key.as_str().is_some_and(|key| says(key, value))),
            Value::Bool(true) => name.contains("optional"),
            Value::List(items) => {
                items.borrow().iter().any(|item| item.as_str() == Some("anonymous"))
            }
            Value::Text(text) => name == "authenticate" && text.as_literal() == Some("anonymous"),
            _ => false,
        })
}

fn is_login(args: &Args<'_>) -> bool {
    let is_login = |value: &Value<'_>| {
        value.as_str().is_some_and(|name| {
            let name = name.to_ascii_lowercase();
            LOGIN_STRATEGIES.iter().any(|strategy| name.starts_with(strategy))
        })
    };
    match args.positional.first() {
        Some(Value::List(items)) => items.borrow().iter().all(is_login),
        Some(value) => is_login(value),
        None => false,
    }
}

/// What the `handleRequest` of a guard of passport is called with where nobody is found.
#[must_use]
pub fn nobody_found<'p>() -> Vec<Value<'p>> {
    vec![
        Value::None,
        Value::Absent,
        Value::External("caller.error".into()),
        values::context(),
        Value::None,
    ]
}

/// Functions of libraries that refuse an anonymous caller when a body calls them.
#[must_use]
pub fn called_in_bodies(path: &str, args: &Args<'_>) -> Option<AuthState> {
    let name = path.rsplit('.').next().unwrap_or(path);
    match name {
        "verify_jwt_in_request"
        | "verify_jwt_refresh_token_in_request"
        | "verify_fresh_jwt_in_request" => {
            Some(if lets_in(name, args) { AuthState::Optional } else { AuthState::Required })
        }
        "check_authorized" | "check_permission" | "login_required"
            if path.starts_with("aiohttp_security.") =>
        {
            Some(AuthState::Required)
        }
        _ => None,
    }
}

static FOR_ALL: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?i)csrf|xsrf|\bcors|rate_?limit|throttl").ok());

/// Whether a name promises that what is checked has nothing to do with who calls: a forged form, a
/// foreign page, too many requests.
#[must_use]
pub fn is_for_all(name: &str) -> bool {
    FOR_ALL.as_ref().is_some_and(|regex| regex.is_match(name)) && !is_named_like_one(name)
}

/// Whether a name promises that callers are checked.
#[must_use]
pub fn is_named_like_one(name: &str) -> bool {
    let last = name.rsplit(['.', ':']).next().unwrap_or(name);
    let lower = last.to_ascii_lowercase();
    let softened = [
        "optional", "maybe", "try", "load", "attach", "set_", "populate", "soft", "or_none", "if_",
    ];
    REQUIRED_NAME.as_ref().is_some_and(|regex| regex.is_match(last))
        && !softened.iter().any(|word| lower.contains(word))
}
