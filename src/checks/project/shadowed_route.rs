//! Routes that never answer, since one that is registered before takes every request for them.

use super::{PlaceMatch, Project, label};

/// Finds them.
pub(super) fn check(project: &Project<'_>) -> Vec<PlaceMatch> {
    project
        .routes
        .iter()
        .filter(|route| route.reachable)
        .filter_map(|route| {
            let by = route.shadowed_by.clone()?;
            Some(PlaceMatch::at(route, vec![("route", label(route)), ("by", by)]))
        })
        .collect()
}
