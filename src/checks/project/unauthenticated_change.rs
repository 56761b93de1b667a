//! Routes that change something for callers of whom nobody asked who they are.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;

use super::handlers::Handlers;
use super::{PlaceMatch, Project, changes, label};
use crate::inventory::routes::told;
use crate::inventory::routes::{AuthState, Route};

/// Words of paths and handlers where a caller becomes known, or is not to be known yet.
static BECOMES_KNOWN: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?i)log[-_]?(in|out)|sign[-_]?(in|up|out|on)|register|registration|\bauth|oauth|\bsso\b|saml|token|password|forgot|recover|\breset|verif|confirm|activat|invit|session|otp|2fa|mfa|totp|magic|refresh|callback|unsubscribe|captcha|security-?(answer|question)",
    )
    .ok()
});

/// Words where another system calls, which proves itself by a signature.
static CALLED_BY_SYSTEMS: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?i)webhook|\bhooks?\b|csp-report|\bipn\b|\binbox\b").ok());

/// Last steps of paths that visitors send something to, and what it is.
static FOR_VISITORS: LazyLock<Vec<(Regex, &'static str)>> = LazyLock::new(|| {
    [
        (
            r"(?i)^(locale|lang|language|theme|theme-switch|color-?(mode|scheme)|consent|cookie-consent)$",
            "a visitor's own preference is set here",
        ),
        (r"(?i)^(subscribe|newsletter|contact|feedback|waitlist)$", "a form for visitors"),
        (
            r"(?i)^(ingest|telemetry|beacon|collect|pageviews?|web-?vitals|track|ping|analytics|echo|(record|report)([-_]\w+)?)$",
            "browsers and probes report here",
        ),
        (
            r"(?i)\b(init|install|installation|setup|first-?run|bootstrap)\b",
            "the program is set up here; whether that can be done twice is not told",
        ),
        (r"(?i)^sign(ed)?$", "what stands in the address is signed"),
        (
            r"(?i)^(graphql|trpc|rpc|scim|mcp)$",
            "what it hands a request on to has guards of its own, or none; that is not told",
        ),
        (r"(?i)^(health|healthz|ready|live)$", "its health is asked for here"),
    ]
    .into_iter()
    .filter_map(|(words, reason)| Some((Regex::new(words).ok()?, reason)))
    .collect()
});

/// Where so many routes change something and none of a framework's asks who calls, the program has
/// no authentication at all, and one finding says so.
const WITHOUT_ANY: usize = 3;

/// Finds them.
pub(super) fn check(project: &Project<'_>) -> Vec<PlaceMatch> {
    let handlers = Handlers::of(project);
    // Of several registrations of one path the last answers, and those before it hand on.
    let mut last: BTreeMap<String, &Route> = BTreeMap::new();
    for route in project.routes.iter().filter(|route| route.serves() && changes(route)) {
        last.insert(label(route), route);
    }
    let open: Vec<&Route> = last
        .into_values()
        .filter(|route| route.stub.is_none())
        .filter(|route| matches!(route.auth.state, AuthState::None | AuthState::Optional))
        .collect();
    let mut out = Vec::new();
    let mut judged: BTreeMap<&str, Vec<PlaceMatch>> = BTreeMap::new();
    for route in open {
        let asked = match route.auth.state {
            AuthState::Optional => "looks at who calls and lets everybody in",
            _ => "asks nobody who they are",
        };
        let found =
            PlaceMatch::at(route, vec![("route", label(route)), ("asked", asked.to_owned())])
                .accepted(
                    meant_for_everybody(route, project)
                        .or_else(|| handlers.reason(route))
                        .or_else(|| told_unseen(route)),
                );
        if found.accepted.is_some() {
            out.push(found);
        } else {
            judged.entry(&route.framework).or_default().push(found);
        }
    }
    for (framework, mut found) in judged {
        let asks = project.routes.iter().any(|route| {
            route.framework == framework
                && matches!(route.auth.state, AuthState::Required | AuthState::Unknown)
        });
        if !asks && found.len() >= WITHOUT_ANY {
            let others = found.len() - 1;
            found.sort();
            found.truncate(1);
            found[0].captures[1].1 = format!(
                "asks nobody who they are, nor does any of {others} others that change something"
            );
        }
        out.extend(found);
    }
    out
}

/// Where nothing but the handler itself reads who calls, something before it must have told it:
/// these frameworks know no caller by themselves. What that does with others is not known either.
fn told_unseen(route: &Route) -> Option<String> {
    const KNOW_NOBODY: &[&str] = &["express", "fastify", "hono", "koa", "restify"];
    (route.auth.state == AuthState::Optional
        && route.auth.by == ["the handler itself"]
        && KNOW_NOBODY.contains(&route.framework.as_str()))
    .then(|| "the handler reads who calls, and what tells it so is not seen".to_owned())
}

/// Whether a path says that somebody registers there.
fn registers(path: &str) -> bool {
    let path = path.to_ascii_lowercase().replace(['-', '_'], "");
    path.contains("/register") || path.contains("/signup")
}

/// Why a route may be meant for callers whom nobody knows.
pub(super) fn meant_for_everybody(route: &Route, project: &Project<'_>) -> Option<String> {
    if let Some(reason) = told::reason(project.public, route) {
        return Some(reason);
    }
    let fits = |regex: &LazyLock<Option<Regex>>| {
        regex.as_ref().is_some_and(|regex| {
            regex.is_match(&route.path)
                || route
                    .handler
                    .as_deref()
                    .and_then(|name| name.rsplit('.').next())
                    .is_some_and(|name| regex.is_match(name))
        })
    };
    // Who posts to the users themselves signs up, unless that has a path of its own.
    let signs_up = route.methods == ["POST"]
        && route.path.trim_end_matches('/').rsplit('/').next().is_some_and(|last| {
            matches!(last.to_ascii_lowercase().as_str(), "users" | "accounts" | "user" | "account")
        })
        && !project.routes.iter().any(|other| registers(&other.path));
    if signs_up || fits(&BECOMES_KNOWN) {
        return Some("a caller becomes known here".to_owned());
    }
    if fits(&CALLED_BY_SYSTEMS) {
        return Some(
            "another system calls it; whether it checks a signature is not told".to_owned(),
        );
    }
    if route.path.ends_with("*}") {
        return Some("what lies below it is told apart behind it".to_owned());
    }
    let last = route.path.trim_end_matches('/').rsplit('/').find(|step| !step.starts_with('{'))?;
    let step = last.rsplit('.').next().unwrap_or(last);
    FOR_VISITORS
        .iter()
        .find(|(words, _)| words.is_match(last) || words.is_match(step))
        .map(|(_, reason)| (*reason).to_owned())
}
