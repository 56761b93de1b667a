//! Routes that no test mentions.

use std::collections::{BTreeMap, BTreeSet};

use super::{PlaceMatch, Project, label, serves};
use crate::inventory::routes::Route;

/// Finds them. Without any test there is nothing to compare with, and other rules say that.
pub(super) fn check(project: &Project<'_>) -> Vec<PlaceMatch> {
    if project.mentions.is_empty() {
        return Vec::new();
    }
    let paths: Vec<Vec<&str>> = project
        .mentions
        .iter()
        .filter(|mention| mention.contains('/'))
        .map(|mention| segments(mention))
        .collect();
    let mut files: BTreeMap<&str, Vec<&Route>> = BTreeMap::new();
    project
        .routes
        .iter()
        .filter(|route| serves(route) && route.resolved && route.stub.is_none())
        .filter(|route| !is_named(route, project.mentions))
        .filter(|route| {
            let mut own = std::iter::once(&route.path).chain(&route.otherwise);
            !own.any(|own| {
                let own = segments(own);
                paths.iter().any(|mention| may_mean(mention, &own))
            })
        })
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

/// A test may ask for a path by the name of the route, or call the handler itself.
fn is_named(route: &Route, mentions: &BTreeSet<String>) -> bool {
    let handler = route.handler.as_deref().and_then(|handler| handler.rsplit('.').next());
    route.name.as_deref().into_iter().chain(handler).any(|name| {
        mentions.contains(name)
            || mentions.iter().any(|mention| {
                mention.strip_suffix(name).is_some_and(|rest| rest.ends_with([':', '.']))
            })
    })
}

/// The segments of a path without its query and host.
fn segments(path: &str) -> Vec<&str> {
    let path = path.split(['?', '#']).next().unwrap_or(path);
    let path = path
        .split_once("://")
        .map_or(path, |(_, rest)| rest.split_once('/').map_or("", |(_, path)| path));
    path.split('/').filter(|segment| !segment.is_empty()).collect()
}

/// Whether a text of a test may be a route's path. It may lack the beginning, which a test often
/// takes from a constant.
fn may_mean(mention: &[&str], route: &[&str]) -> bool {
    if mention.is_empty() {
        return route.is_empty();
    }
    let fits = |mention: &str, route: &str| {
        route.starts_with('{')
            || mention == route
            || mention.contains("{}") && route.starts_with('{')
    };
    // A hole at the beginning stands for any number of segments.
    let (mention, open) = match mention.split_first() {
        Some((first, rest)) if *first == "{}" && !rest.is_empty() => (rest, true),
        _ => (mention, false),
    };
    let fixed = mention.iter().zip(route.iter().rev().take(mention.len()).rev());
    mention.len() <= route.len()
        && fixed.clone().all(|(mention, route)| fits(mention, route))
        // At least one segment must be the same, unless all of both are parameters.
        && (fixed.clone().any(|(mention, route)| mention == route) || mention.len() == route.len())
        && (open || mention.len() == route.len() || mention.len() >= 2 || route.len() - mention.len() <= 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_means_a_route_whose_end_it_is() {
        let means = |mention: &str, route: &str| may_mean(&segments(mention), &segments(route));
        assert!(means("/api/items/1", "/api/items/{id}"));
        assert!(means("{}/items/{}", "/api/v1/items/{id}"));
        assert!(means("/items/?q=a", "/api/items"));
        assert!(means("http://testserver/items", "/items"));
        assert!(!means("/orders/1", "/api/items/{id}"));
        assert!(!means("/api/items/1/parts", "/api/items/{id}"));
    }
}
