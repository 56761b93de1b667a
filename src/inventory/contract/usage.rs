//! Who calls each route.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use regex::Regex;

use super::mention::Mentions;
use super::{Sender, Served, Usage};
use crate::inventory::calls::{Call, Landing, is_of_server, segments};
use crate::inventory::routes::Route;
use crate::inventory::routes::told::{self, Told};

/// What is known of callers beside the calls.
#[derive(Debug)]
pub struct Said<'a> {
    /// What pages and templates mention: links and names.
    pub pages: &'a BTreeSet<String>,
    /// What tests and load scripts mention.
    pub tests: &'a BTreeSet<String>,
    /// Routes that are called from elsewhere, as the configuration says.
    pub elsewhere: &'a [Told],
}

/// Paths that whoever runs a server asks for, or another server does.
static BY_NATURE: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    let of = |pattern: &str, reason| Regex::new(pattern).ok().map(|regex| (regex, reason));
    [
        of(
            r"(?i)^/(.*/)?(health|healthz|healthcheck|health[-_]check|livez?|liveness|readyz?|readiness|ping|metrics|status|version|heartbeat)/?$",
            "whoever runs the server asks for it",
        ),
        of(
            r"(?i)^/(robots\.txt|favicon\.ico|sitemap[^/]*\.xml|manifest\.json|\.well-known/.*|apple-touch-icon[^/]*)$",
            "browsers and search engines ask for it",
        ),
        of(r"(?i)(^|/)[^/]*(web)?hooks?(/|$)", "another system calls it"),
        of(r"(?i)(^|/)[^/]*callback[^/]*(/|$)", "another system sends the browser there"),
        of(r"(?i)(^|/)(openapi|swagger)(\.json|\.ya?ml)?/?$|^/(docs|redoc)(/|$)", "it documents the interface"),
    ]
    .into_iter()
    .flatten()
    .collect()
});

/// The routes that serve callers, with who these are.
#[must_use]
pub fn of(routes: &[Route], calls: &[Call], said: &Said<'_>) -> Vec<Served> {
    // Of several registrations of one path the first that fits is where a call lands, and those
    // behind it may be handed the call.
    let mut landed: BTreeMap<&str, Vec<&Call>> = BTreeMap::new();
    for call in calls {
        if let Some(route) = &call.route {
            landed.entry(&route.path).or_default().push(call);
            // What is not known of an address may be any of several names.
            let others = routes.iter().map(|other| other.path.as_str());
            let others: BTreeSet<&str> =
                others.filter(|other| may_land(call, &route.path, other)).collect();
            others.into_iter().for_each(|other| landed.entry(other).or_default().push(call));
        }
    }
    let pages = Mentions::of(said.pages);
    let tests = Mentions::of(said.tests);
    let mut served: Vec<Served> = routes
        .iter()
        .filter(|route| route.serves())
        .map(|route| {
            let Landing { methods, path, file, line } = Landing::on(route);
            let calls = landed.get(path.as_str()).map_or(&[][..], Vec::as_slice);
            let calls: Vec<&Call> =
                calls.iter().filter(|call| answers(route, call)).copied().collect();
            let (usage, reason) = usage(route, &calls, &pages, &tests, said.elsewhere);
            let mut calls: Vec<Sender> = calls.iter().map(|call| sender(call)).collect();
            calls.sort();
            calls.dedup();
            Served { methods, path, file, line, usage, reason, calls }
        })
        .collect();
    served.dedup();
    served
}

/// Whether a call that lands on a route may as well land on one of another path: they differ only
/// in names in whose places nothing is known of the address.
fn may_land(call: &Call, landed: &str, other: &str) -> bool {
    if landed == other || !call.url.contains("{}") {
        return false;
    }
    let (landed, other) = (segments::split(landed), segments::split(other));
    let sent = segments::split(&call.url);
    let is_open = |back: usize| sent.iter().rev().nth(back).is_some_and(|it| it.contains("{}"));
    landed.len() == other.len()
        && landed.iter().rev().zip(other.iter().rev()).enumerate().all(|(back, (one, two))| {
            one == two || !one.contains('{') && !two.contains('{') && is_open(back)
        })
}

fn answers(route: &Route, call: &Call) -> bool {
    let method = Some(call.method.as_str()).filter(|method| *method != "{}");
    segments::answers(route, method)
}

/// A call as a route sees it.
pub(super) fn sender(call: &Call) -> Sender {
    Sender { method: call.method.clone(), file: call.file.clone(), line: call.line }
}

fn usage(
    route: &Route,
    calls: &[&Call],
    pages: &Mentions<'_>,
    tests: &Mentions<'_>,
    elsewhere: &[Told],
) -> (Usage, Option<String>) {
    // Where a page names a path without calling it, a browser goes there.
    let opens = route.methods.is_empty() || route.methods.iter().any(|method| method == "GET");
    if calls.iter().any(|call| !is_of_server(&call.client)) || opens && pages.mean(route) {
        return (Usage::Frontend, None);
    }
    if !calls.is_empty() {
        return (Usage::Server, None);
    }
    if let Some(reason) = reason(route, elsewhere) {
        return (Usage::Elsewhere, Some(reason));
    }
    (if tests.mean(route) { Usage::Tests } else { Usage::Nobody }, None)
}

fn reason(route: &Route, elsewhere: &[Told]) -> Option<String> {
    let by_nature = || {
        let only_asks = |method: &String| matches!(method.as_str(), "HEAD" | "OPTIONS");
        if !route.methods.is_empty() && route.methods.iter().all(only_asks) {
            return Some("browsers and proxies ask before a call".to_owned());
        }
        let known = BY_NATURE.iter().find(|(regex, _)| regex.is_match(&route.path));
        known.map(|(_, reason)| (*reason).to_owned())
    };
    told::reason(elsewhere, route).or_else(by_nature)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::calls::Status;
    use crate::source::Role;

    fn call(url: &str) -> Call {
        Call {
            method: "GET".to_owned(),
            url: url.to_owned(),
            query: Vec::new(),
            file: "web/a.ts".to_owned(),
            line: 1,
            role: Role::Production,
            client: "fetch".to_owned(),
            status: Status::Matched,
            route: None,
            nearest: None,
            way: Vec::new(),
            rewritten: None,
            inferred_prefix: None,
            opaque: None,
        }
    }

    #[test]
    fn an_unknown_name_may_be_that_of_any_sibling() {
        let may = |url: &str, landed: &str, other: &str| may_land(&call(url), landed, other);
        assert!(may("/api/leave/{}", "/api/leave/a", "/api/leave/b"));
        assert!(may("{}/leave/{}", "/api/leave/a", "/api/leave/b"));
        assert!(!may("/api/leave/a", "/api/leave/a", "/api/leave/b"));
        assert!(!may("/api/leave/{}", "/api/leave/{id}", "/api/leave/b"));
        assert!(!may("/api/leave/{}", "/api/leave/a", "/api/stay/a"));
    }
}
