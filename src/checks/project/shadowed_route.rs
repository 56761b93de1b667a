//! Routes that never answer, since one that is registered before takes every request for them.

use super::{PlaceMatch, Project, label};
use crate::inventory::routes::Route;

/// Whether what answers first may let a request pass on. Views of Pyramid on one path are told
/// apart by predicates, and of two registrations under a condition only one takes place.
fn may_pass_on(route: &Route) -> bool {
    route.framework == "pyramid" || route.conditional
}

/// Whether what answers first, by its place, can answer for the route: Django's paths differ by a
/// slash at their end, and behind a catch-all within a path more must follow.
fn may_answer(project: &Project<'_>, route: &Route, by: &str) -> bool {
    let slash = |route: &Route| route.path.ends_with('/');
    project.routes.iter().any(|other| {
        by.rsplit_once(':')
            .is_some_and(|(file, line)| other.file == file && line.parse() == Ok(other.line))
            && (route.framework != "django" || slash(other) == slash(route))
            && other.path.split_once("*}").is_none_or(|(_, rest)| rest.is_empty())
    })
}

/// Finds them.
pub(super) fn check(project: &Project<'_>) -> Vec<PlaceMatch> {
    project
        .routes
        .iter()
        .filter(|route| route.reachable && !may_pass_on(route))
        .filter_map(|route| {
            let by = route.shadowed_by.clone().filter(|by| {
                *by != format!("{}:{}", route.file, route.line) && may_answer(project, route, by)
            })?;
            Some(PlaceMatch::at(route, vec![("route", label(route)), ("by", by)]))
        })
        .collect()
}
