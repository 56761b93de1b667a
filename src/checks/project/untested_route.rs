//! Routes that no test mentions.

use std::collections::BTreeMap;

use super::{PlaceMatch, Project, label};
use crate::inventory::contract::mention::Mentions;
use crate::inventory::routes::Route;

/// Finds them. Without any test there is nothing to compare with, and other rules say that.
pub(super) fn check(project: &Project<'_>) -> Vec<PlaceMatch> {
    if project.mentions.is_empty() {
        return Vec::new();
    }
    let mentions = Mentions::of(project.mentions);
    let mut files: BTreeMap<&str, Vec<&Route>> = BTreeMap::new();
    project
        .routes
        .iter()
        .filter(|route| route.serves() && route.resolved && route.stub.is_none())
        .filter(|route| !mentions.mean(route))
        .for_each(|route| files.entry(&route.file).or_default().push(route));
    files.into_values().filter_map(|routes| of_file(&routes)).collect()
}

/// One place for each file: where nothing of a module is tested, every route of it would be said.
fn of_file(routes: &[&Route]) -> Option<PlaceMatch> {
    let first = *routes.iter().min_by_key(|route| route.line)?;
    let others = match routes.len() - 1 {
        0 => String::new(),
        1 => ", nor 1 other route of this file".to_owned(),
        more => format!(", nor {more} other routes of this file"),
    };
    Some(PlaceMatch::at(first, vec![("route", label(first)), ("others", others)]))
}
