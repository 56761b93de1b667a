//! Calls that do not fit the routes, by cause.

use super::{PlaceMatch, Project};
use crate::inventory::calls::Status;

/// One place for each cause: where the first of its calls is given its address. Without any route
/// the server is elsewhere, and nothing can be said.
pub(super) fn of_status(project: &Project<'_>, status: Status) -> Vec<PlaceMatch> {
    if project.routes.is_empty() {
        return Vec::new();
    }
    let of_status = project.contract.clusters.iter().filter(|cluster| cluster.status == status);
    of_status
        .filter_map(|cluster| {
            let first = cluster.calls.first()?;
            let others = match &cluster.calls[1..] {
                [] => String::new(),
                [other] => format!("; also at {}:{}", other.file, other.line),
                [other, more @ ..] => {
                    format!("; also at {}:{} and {} more", other.file, other.line, more.len())
                }
            };
            let candidate = cluster
                .candidate
                .as_ref()
                .map_or_else(String::new, |edit| format!("; a candidate: {edit}"));
            let mut paths = cluster.pages.iter().filter_map(|page| page.path.as_deref());
            let pages = match (paths.next(), paths.count()) {
                (None, _) => String::new(),
                (Some(page), 0) => format!("; the page `{page}` reaches it"),
                (Some(page), 1) => format!("; the page `{page}` and 1 other reach it"),
                (Some(page), more) => format!("; the page `{page}` and {more} others reach it"),
            };
            Some(PlaceMatch {
                path: first.file.clone(),
                line: first.line,
                captures: vec![
                    ("cause", cluster.cause.clone()),
                    ("others", others),
                    ("candidate", candidate),
                    ("pages", pages),
                ],
                accepted: None,
            })
        })
        .collect()
}
