//! Routers that no application mounts: their routes answer 404.

use std::collections::BTreeMap;

use super::{PlaceMatch, Project, label};
use crate::inventory::routes::Route;

/// Finds them, one place for each file.
pub(super) fn check(project: &Project<'_>) -> Vec<PlaceMatch> {
    // Where nothing at all is mounted, the program that mounts it lies elsewhere.
    if !project.routes.iter().any(|route| route.mounted) {
        return Vec::new();
    }
    let mut files: BTreeMap<&str, Vec<&Route>> = BTreeMap::new();
    for route in
        project.routes.iter().filter(|route| !route.reachable && !route.path.starts_with("{}"))
    {
        files.entry(&route.file).or_default().push(route);
    }
    files
        .into_values()
        .filter_map(|routes| {
            let first = *routes.iter().min_by_key(|route| route.line)?;
            let count = match routes.len() {
                1 => "1 route".to_owned(),
                more => format!("{more} routes"),
            };
            Some(PlaceMatch::at(first, vec![("count", count), ("route", label(first))]))
        })
        .collect()
}
