//! Functions that find something out, whose result the project uses nearly everywhere and drops
//! here.

use super::protocol::odd_uses;
use super::{PlaceMatch, Project};
use crate::module::uses::Form;

/// Verbs of functions that only find something out: without their result they did nothing.
const FINDS_OUT: &[&str] = &[
    "build",
    "calculate",
    "can",
    "check",
    "clean",
    "compute",
    "convert",
    "encode",
    "escape",
    "filter",
    "find",
    "format",
    "get",
    "has",
    "is",
    "make",
    "merge",
    "normalize",
    "parse",
    "sanitize",
    "should",
    "to",
    "try",
    "validate",
    "verify",
];

/// Finds them.
pub(super) fn check(project: &Project<'_>) -> Vec<PlaceMatch> {
    odd_uses(
        project,
        |name, _| finds_out(name),
        |call| !call.dropped && call.form != Form::Entered,
        |call| call.dropped,
    )
}

/// `get_user`, `isOpen`, and not `island`. What makes or raises something where it finds nothing is
/// called for that, too.
fn finds_out(name: &str) -> bool {
    let name = name.trim_start_matches('_');
    let does_more = ["_or_", "OrThrow", "OrCreate", "OrFail", "AndSet", "_and_", "AndUpdate"];
    if does_more.iter().any(|part| name.contains(part)) {
        return false;
    }
    FINDS_OUT.iter().any(|verb| {
        name.strip_prefix(verb).is_some_and(|rest| {
            rest.starts_with('_') || rest.starts_with(|c: char| c.is_ascii_uppercase())
        })
    })
}
