//! Paths of one module of which a few end differently from all others.

use std::collections::BTreeMap;

use super::{PlaceMatch, Project, label};
use crate::inventory::routes::Route;

/// Of so many paths at least, the others must be alike.
const MAJORITY: usize = 5;

/// Finds them.
pub(super) fn check(project: &Project<'_>) -> Vec<PlaceMatch> {
    let mut files: BTreeMap<&str, (Vec<&Route>, Vec<&Route>)> = BTreeMap::new();
    for route in project.routes.iter().filter(|route| route.serves() && route.path.len() > 1) {
        let last = route.path.trim_end_matches('/').rsplit('/').next().unwrap_or("");
        // A file's name and a rest have no slash by nature.
        if last.ends_with("*}") || last.contains('.') {
            continue;
        }
        let (with, without) = files.entry(&route.file).or_default();
        if route.path.ends_with('/') { with.push(route) } else { without.push(route) }
    }
    let mut out = Vec::new();
    for (with, without) in files.into_values() {
        let (few, many, end) = if with.len() < without.len() {
            (with, without, "without")
        } else {
            (without, with, "with")
        };
        if many.len() < MAJORITY || few.len() * 4 > many.len() {
            continue;
        }
        for route in few {
            out.push(PlaceMatch::at(
                route,
                vec![
                    ("route", label(route)),
                    ("count", many.len().to_string()),
                    ("end", end.to_owned()),
                    ("example", many[0].path.clone()),
                ],
            ));
        }
    }
    out
}
