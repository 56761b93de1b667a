//! Calls that no route answers, and one is near.

use super::broken_calls::of_status;
use super::{PlaceMatch, Project};
use crate::inventory::calls::Status;

/// Finds them.
pub(super) fn check(project: &Project<'_>) -> Vec<PlaceMatch> {
    of_status(project, Status::PathMismatch)
}
