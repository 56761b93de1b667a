//! What is named like a guard, stands before routes, and lets anonymous callers go on.

use super::{PlaceMatch, Project};
use crate::inventory::routes::{AuthState, guards};

/// Whether a name promises to refuse somebody, and speaks of people: what checks a user may only
/// load it, and an agent is a program.
fn promises(name: &str) -> bool {
    const REFUSES: &[&str] = &[
        "require",
        "guard",
        "protect",
        "ensure",
        "authenticated",
        "authoriz",
        "must",
        "only",
        "restrict",
        "enforce",
        "login",
        "permission",
        "isadmin",
        "is_admin",
        "loggedin",
        "logged_in",
    ];
    let name = name.rsplit(['.', ':']).next().unwrap_or(name).to_ascii_lowercase();
    REFUSES.iter().any(|word| name.contains(word)) && !name.contains("agent")
}

/// Finds them.
pub(super) fn check(project: &Project<'_>) -> Vec<PlaceMatch> {
    project
        .guards
        .iter()
        .filter(|guard| guards::is_named_like_one(&guard.name) && promises(&guard.name))
        .filter(|guard| matches!(guard.state, AuthState::None | AuthState::Optional))
        .filter(|guard| guard.open_routes > 0)
        .map(|guard| {
            let routes = match guard.open_routes {
                1 => "1 route".to_owned(),
                more => format!("{more} routes"),
            };
            PlaceMatch {
                path: guard.file.clone(),
                line: guard.line,
                captures: vec![("guard", guard.name.clone()), ("routes", routes)],
                accepted: None,
            }
        })
        .collect()
}
