//! Functions whose result the project enters by `with` nearly everywhere, and keeps or drops here.

use super::protocol::odd_ones;
use super::{PlaceMatch, Project};
use crate::module::uses::Form;

/// Finds them. A result that is handed on, as to an exit stack, is somebody else's to enter.
pub(super) fn check(project: &Project<'_>) -> Vec<PlaceMatch> {
    odd_ones(project, Form::Entered, &[Form::Bound, Form::Dropped], |_| true)
}
