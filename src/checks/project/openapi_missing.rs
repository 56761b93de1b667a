//! Operations that a document describes and the program does not register.

use super::{PlaceMatch, Project};
use crate::inventory::openapi::drift;

/// Finds them.
pub(super) fn check(project: &Project<'_>) -> Vec<PlaceMatch> {
    drift(project.operations, project.routes)
        .missing
        .into_iter()
        .map(|operation| PlaceMatch {
            captures: vec![("operation", format!("{} {}", operation.method, operation.path))],
            path: operation.file,
            line: operation.line,
            accepted: None,
        })
        .collect()
}
