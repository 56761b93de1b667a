//! Calls that no route answers, and none is near.

use super::broken_calls::of_status;
use super::{PlaceMatch, Project};
use crate::inventory::calls::Status;

/// Finds them.
pub(super) fn check(project: &Project<'_>) -> Vec<PlaceMatch> {
    of_status(project, Status::Missing)
}
