//! Functions that the project calls by one protocol nearly everywhere, and by another here. The
//! majority is the evidence.

use std::collections::{BTreeMap, BTreeSet};

use super::{PlaceMatch, Project};
use crate::module::uses::{Form, Use};

/// Of so many places at least, nearly all must agree.
const MAJORITY: usize = 5;
/// How many of a hundred must.
const PERCENT: usize = 80;

/// The places that are unlike the usual form, in one of the odd ones. `fits` is told whether the
/// function is asynchronous.
pub(super) fn odd_ones(
    project: &Project<'_>,
    usual: Form,
    odd: &[Form],
    fits: impl Fn(bool) -> bool,
) -> Vec<PlaceMatch> {
    odd_uses(
        project,
        |_, is_async| fits(is_async),
        |call| call.form == usual,
        |call| odd.contains(&call.form),
    )
}

/// The places that are `odd`, of functions that nearly all places use as is `usual`. `fits` is told
/// the function's name and whether it is asynchronous.
pub(super) fn odd_uses(
    project: &Project<'_>,
    fits: impl Fn(&str, bool) -> bool,
    usual: impl Fn(&Use) -> bool,
    odd: impl Fn(&Use) -> bool,
) -> Vec<PlaceMatch> {
    // A name that is defined twice may be two functions.
    let mut defined: BTreeMap<&str, Option<bool>> = BTreeMap::new();
    for one in project.uses.iter().flat_map(|(_, uses)| &uses.defined) {
        defined.entry(&one.name).and_modify(|known| *known = None).or_insert(Some(one.is_async));
    }
    let ours: BTreeSet<&str> = defined
        .into_iter()
        .filter(|(name, is_async)| is_async.is_some_and(|is_async| fits(name, is_async)))
        .map(|(name, _)| name)
        .collect();
    let mut places: BTreeMap<&str, Vec<(&str, &Use)>> = BTreeMap::new();
    for (path, uses) in project.uses {
        for call in uses.calls.iter().filter(|call| ours.contains(call.name.as_str())) {
            places.entry(&call.name).or_default().push((path, call));
        }
    }
    let mut out = Vec::new();
    for (name, places) in places {
        let (like, unlike): (Vec<_>, Vec<_>) = places.iter().partition(|(_, call)| usual(call));
        if like.len() < MAJORITY || like.len() * 100 < places.len() * PERCENT {
            continue;
        }
        let shown = |(path, call): &(&str, &Use)| format!("{path}:{}", call.line);
        for (path, call) in unlike.into_iter().filter(|(_, call)| odd(call)) {
            out.push(PlaceMatch {
                path: (*path).to_owned(),
                line: call.line,
                captures: vec![
                    ("function", name.to_owned()),
                    ("count", like.len().to_string()),
                    ("all", places.len().to_string()),
                    ("first", shown(&like[0])),
                    ("second", shown(&like[1])),
                ],
                accepted: None,
            });
        }
    }
    out
}
