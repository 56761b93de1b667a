//! Routes that a document of their program does not describe.

use super::{PlaceMatch, Project, label};
use crate::inventory::openapi::drift;

/// Finds them.
pub(super) fn check(project: &Project<'_>) -> Vec<PlaceMatch> {
    drift(project.operations, project.routes)
        .undescribed
        .into_iter()
        .map(|(at, document)| {
            let route = &project.routes[at];
            PlaceMatch::at(route, vec![("route", label(route)), ("document", document)])
        })
        .collect()
}
