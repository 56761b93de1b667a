//! Whether a text of a test or of a page means a route.

use std::collections::BTreeSet;

use crate::inventory::routes::Route;

/// What some files say that may mean routes: paths with holes as `{}`, and names.
#[derive(Debug)]
pub struct Mentions<'m> {
    all: &'m BTreeSet<String>,
    paths: Vec<Vec<&'m str>>,
}

impl<'m> Mentions<'m> {
    /// Of texts.
    #[must_use]
    pub fn of(all: &'m BTreeSet<String>) -> Self {
        let paths = all.iter().filter(|mention| mention.contains('/'));
        Self { all, paths: paths.map(|mention| segments(mention)).collect() }
    }

    /// Whether one of them may mean the route: by its path or the end of it, by its name, or by
    /// the name of its handler.
    #[must_use]
    pub fn mean(&self, route: &Route) -> bool {
        self.name(route)
            || std::iter::once(&route.path).chain(&route.otherwise).any(|own| {
                let own = segments(own);
                self.paths.iter().any(|mention| may_mean(mention, &own))
            })
    }

    /// A test may ask for a path by the name of the route, or call the handler itself.
    fn name(&self, route: &Route) -> bool {
        let handler = route.handler.as_deref().and_then(|handler| handler.rsplit('.').next());
        route.name.as_deref().into_iter().chain(handler).any(|name| {
            self.all.contains(name)
                || self.all.iter().any(|mention| {
                    mention.strip_suffix(name).is_some_and(|rest| rest.ends_with([':', '.']))
                })
        })
    }
}

/// The segments of a path without its query and host.
fn segments(path: &str) -> Vec<&str> {
    let path = path.split(['?', '#']).next().unwrap_or(path);
    let path = path
        .split_once("://")
        .map_or(path, |(_, rest)| rest.split_once('/').map_or("", |(_, path)| path));
    // A page below may climb to the path.
    path.split('/').filter(|segment| !matches!(*segment, "" | "." | "..")).collect()
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
        assert!(means("../items", "/items"));
        assert!(!means("/orders/1", "/api/items/{id}"));
        assert!(!means("/api/items/1/parts", "/api/items/{id}"));
    }
}
