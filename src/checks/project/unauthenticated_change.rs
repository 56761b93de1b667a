//! Routes that change something for callers of whom nobody asked who they are.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;

use super::{PlaceMatch, Project, Public, changes, label, serves};
use crate::inventory::routes::{AuthState, Route};

/// Words of paths and handlers where a caller becomes known, or is not to be known yet.
static BECOMES_KNOWN: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?i)log[-_]?(in|out)|sign[-_]?(in|up|out|on)|register|registration|\bauth|oauth|\bsso\b|saml|token|password|forgot|recover|\breset|verif|confirm|activat|invit|session|otp|2fa|mfa|totp|magic|refresh|callback|unsubscribe|captcha",
    )
    .ok()
});

/// Words where another system calls, which proves itself by a signature.
static CALLED_BY_SYSTEMS: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?i)webhook|\bhooks?\b|csp-report|\bipn\b").ok());

/// Finds them.
pub(super) fn check(project: &Project<'_>) -> Vec<PlaceMatch> {
    // Of several registrations of one path the last answers, and those before it hand on.
    let mut last: BTreeMap<String, &Route> = BTreeMap::new();
    for route in project.routes.iter().filter(|route| serves(route) && changes(route)) {
        last.insert(label(route), route);
    }
    last.into_values()
        .filter(|route| route.stub.is_none())
        .filter(|route| matches!(route.auth.state, AuthState::None | AuthState::Optional))
        .map(|route| {
            let asked = match route.auth.state {
                AuthState::Optional => "looks at who calls and lets everybody in",
                _ => "asks nobody who they are",
            };
            PlaceMatch::at(route, vec![("route", label(route)), ("asked", asked.to_owned())])
                .accepted(reason(route, project.public))
        })
        .collect()
}

fn reason(route: &Route, public: &[Public]) -> Option<String> {
    let said = public.iter().find(|public| {
        public.path.is_match(&route.path)
            && (public.methods.is_empty()
                || route.methods.iter().all(|method| public.methods.contains(method)))
    });
    if let Some(public) = said {
        return Some(public.reason.clone());
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
    if fits(&BECOMES_KNOWN) {
        return Some("a caller becomes known here".to_owned());
    }
    if fits(&CALLED_BY_SYSTEMS) {
        return Some(
            "another system calls it; whether it checks a signature is not told".to_owned(),
        );
    }
    None
}
