//! Handlers that answer as if they had done something.

use super::handlers::Handlers;
use super::{PlaceMatch, Project, label};
use crate::inventory::routes::Route;

/// Finds them. Those that say that they are not finished are [`super::unfinished_route`]'s.
pub(super) fn check(project: &Project<'_>) -> Vec<PlaceMatch> {
    let handlers = Handlers::of(project);
    project
        .routes
        .iter()
        .filter(|route| route.serves())
        .filter_map(|route| {
            let why = route.stub.as_deref().filter(|why| !why.starts_with("it says"))?;
            let captures = vec![("route", label(route)), ("why", why.to_owned())];
            let reason = reason(route, why, &handlers).map(str::to_owned);
            Some(PlaceMatch::at(route, captures).accepted(reason))
        })
        .collect()
}

/// Why a handler need do nothing.
fn reason(route: &Route, why: &str, handlers: &Handlers<'_>) -> Option<&'static str> {
    let reads = |method: &str| matches!(method, "GET" | "HEAD" | "OPTIONS");
    let only_reads = route.methods.iter().all(|method| reads(method));
    let last = route.path.rsplit('/').next().unwrap_or_default();
    if handlers.bodies(route).iter().any(|body| body.fails) {
        return Some("it answers with the status of a failure");
    }
    if route.methods.iter().all(|method| matches!(method.as_str(), "HEAD" | "OPTIONS"))
        && !route.methods.is_empty()
    {
        return Some("the answer to such a request is its headers");
    }
    if matches!(last, "health" | "healthz" | "health-check" | "live" | "ready" | "ping" | "version")
    {
        return Some("that it answers is the answer");
    }
    if only_reads
        && matches!(route.framework.as_str(), "pyramid" | "django")
        && why.contains("nothing")
    {
        return Some("its template is the answer");
    }
    if only_reads && why == "it does nothing" && route.middleware.iter().any(|name| is_guard(name))
    {
        return Some("what stands before it answers");
    }
    None
}

/// Whether something that stands before a handler may answer for it, as the guard of a login at a
/// provider does.
fn is_guard(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["guard", "passport", "oauth", "proxy", "authenticate"].iter().any(|word| name.contains(word))
}
