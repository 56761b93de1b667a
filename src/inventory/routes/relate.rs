//! What routes are to each other: aliases of one handler, and routes that another answers for.

use std::collections::BTreeMap;

use super::AuthState;
use super::flatten::Flat;
use super::pattern::{self, Typed};
use super::readers::{Matching, framework};

/// The most aliases that a route lists.
const MAX_ALIASES: usize = 20;
/// The most comparisons of a route with earlier ones, over all routes.
const MAX_COMPARED: usize = 20_000_000;

/// Fills in `aliases` and `shadowed_by`. `hands_on` says whether a handler may hand a request on
/// to later routes.
pub fn relate<'g, 'p>(routes: &mut [Flat<'g, 'p>], hands_on: impl FnMut(&Flat<'g, 'p>) -> bool) {
    aliases(routes);
    shadows(routes, hands_on);
}

fn aliases(routes: &mut [Flat<'_, '_>]) {
    let mut by_handler: BTreeMap<(String, u32, String), Vec<usize>> = BTreeMap::new();
    for (at, flat) in routes.iter().enumerate() {
        if let Some(handler) = &flat.route.handler {
            let key = (flat.route.file.clone(), flat.route.line, handler.clone());
            by_handler.entry(key).or_default().push(at);
        }
    }
    for group in by_handler.values().filter(|group| group.len() > 1) {
        let mut paths: Vec<String> =
            group.iter().map(|at| routes[*at].route.path.clone()).collect();
        paths.sort();
        paths.dedup();
        for at in group {
            let own = &routes[*at].route.path;
            let others = paths.iter().filter(|path| *path != own).take(MAX_ALIASES);
            routes[*at].route.aliases = others.cloned().collect();
        }
    }
}

fn shadows<'g, 'p>(routes: &mut [Flat<'g, 'p>], mut hands_on: impl FnMut(&Flat<'g, 'p>) -> bool) {
    // The routes of an application by how many segments they have, in the order of registration;
    // those that take any rest are compared with all.
    let mut apps: BTreeMap<_, BTreeMap<usize, Vec<usize>>> = BTreeMap::new();
    let mut order: Vec<usize> = (0..routes.len()).collect();
    order.sort_by_key(|at| routes[*at].order);
    let mut left = MAX_COMPARED;
    let mut replaced = Vec::new();
    for at in order {
        let flat = &routes[at];
        if !flat.route.reachable || !flat.route.resolved {
            continue;
        }
        let segments = flat.route.path.split('/').filter(|part| !part.is_empty()).count();
        let app = apps.entry(flat.order.0).or_default();
        let matching =
            framework(&flat.route.framework).map_or(Matching::Specific, |it| it.matching);
        let takes_rest = usize::MAX;
        let earlier = [segments, takes_rest].into_iter().filter_map(|key| app.get(&key)).flatten();
        let mut by = None;
        for other in earlier {
            if left == 0 {
                return;
            }
            left -= 1;
            if matching == Matching::Last {
                if answers_for(flat, &routes[*other], matching) {
                    replaced.push((*other, at));
                }
            } else if by.is_none_or(|by: usize| routes[by].order > routes[*other].order)
                && answers_for(&routes[*other], flat, matching)
                && !(matching == Matching::Chain && hands_on(&routes[*other]))
            {
                by = Some(*other);
            }
        }
        let open = flat.route.takes_longer || flat.route.path.ends_with("*}");
        let key = if open { takes_rest } else { segments };
        app.entry(key).or_default().push(at);
        let shadow = by.map(|by| format!("{}:{}", routes[by].route.file, routes[by].route.line));
        routes[at].route.shadowed_by = shadow;
        // Whoever asks for it meets the one that answers.
        let answering = by.map(|by| routes[by].route.auth.clone());
        if let Some(auth) = answering
            && matches!(auth.state, AuthState::None | AuthState::Optional)
            && routes[at].route.auth.state == AuthState::Required
        {
            routes[at].route.auth = auth;
        }
    }
    for (earlier, by) in replaced {
        let by = &routes[by].route;
        routes[earlier].route.shadowed_by = Some(format!("{}:{}", by.file, by.line));
    }
}

/// Whether every request for `later` is answered by `earlier`.
fn answers_for(earlier: &Flat<'_, '_>, later: &Flat<'_, '_>, matching: Matching) -> bool {
    let (first, second) = (&earlier.route, &later.route);
    let methods = first.methods.is_empty()
        || !second.methods.is_empty()
            && second.methods.iter().all(|method| first.methods.contains(method));
    let same = shape(&first.path) == shape(&second.path);
    let kinds = |route: &super::Route| -> Vec<Option<String>> {
        route.parameters.iter().map(|parameter| parameter.kind.clone()).collect()
    };
    methods
        && !first.conditional
        && (first.file != second.file || first.line != second.line || first.path != second.path)
        && match matching {
            Matching::Specific | Matching::Last => same && kinds(first) == kinds(second),
            Matching::First | Matching::Chain => {
                same && kinds(first) == kinds(second)
                    || pattern::covers(typed(first), first.takes_longer, typed(second))
            }
        }
}

fn typed(route: &super::Route) -> Typed<'_> {
    Typed { path: &route.path, parameters: &route.parameters }
}

/// A path without the names of its parameters. A trailing slash counts.
fn shape(path: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    for c in path.chars() {
        match c {
            '{' => inside = true,
            '}' => {
                inside = false;
                out.push_str("{}");
            }
            '*' if inside => out.push('*'),
            _ if inside => {}
            c => out.push(c),
        }
    }
    out
}
