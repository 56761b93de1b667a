//! What is named like a guard, stands before routes, and lets anonymous callers go on.

use super::{PlaceMatch, Project};
use crate::inventory::routes::{AuthState, guards};

/// Finds them.
pub(super) fn check(project: &Project<'_>) -> Vec<PlaceMatch> {
    project
        .guards
        .iter()
        .filter(|guard| guards::is_named_like_one(&guard.name))
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
