//! Asynchronous functions that the project awaits nearly everywhere, and calls without here.

use super::protocol::odd_ones;
use super::{PlaceMatch, Project};
use crate::module::uses::Form;

/// Finds them. A coroutine that is kept or handed on may be awaited later.
pub(super) fn check(project: &Project<'_>) -> Vec<PlaceMatch> {
    odd_ones(project, Form::Awaited, &[Form::Dropped], |is_async| is_async)
}
