//! Handlers that say themselves that they are not finished.

use super::{PlaceMatch, Project, label};

/// Finds them.
pub(super) fn check(project: &Project<'_>) -> Vec<PlaceMatch> {
    project
        .routes
        .iter()
        .filter(|route| route.serves())
        .filter_map(|route| {
            let why = route.stub.as_deref().filter(|why| why.starts_with("it says"))?;
            Some(PlaceMatch::at(route, vec![("route", label(route)), ("why", why.to_owned())]))
        })
        .collect()
}
