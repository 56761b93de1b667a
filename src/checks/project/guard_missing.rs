//! Routes that change something without a guard that nearly all their siblings stand behind.

use std::collections::{BTreeMap, BTreeSet};

use super::handlers::Handlers;
use super::unauthenticated_change::meant_for_everybody;
use super::{PlaceMatch, Project, changes, label};
use crate::inventory::routes::{Route, guards};

/// Of so many siblings at least, nearly all must have the guard.
const MAJORITY: usize = 5;
/// How many of a hundred must.
const PERCENT: usize = 80;

/// Finds them. Siblings are the changing routes of one file and, where their handlers have one, of
/// one class.
pub(super) fn check(project: &Project<'_>) -> Vec<PlaceMatch> {
    let handlers = Handlers::of(project);
    let mut families: BTreeMap<(&str, &str), Vec<&Route>> = BTreeMap::new();
    for route in project.routes.iter().filter(|route| route.serves() && changes(route)) {
        let class = route.handler.as_deref().and_then(|name| name.rsplit_once('.'));
        let class = class.map_or("", |(class, _)| class);
        families.entry((&route.file, class)).or_default().push(route);
    }
    let mut out = Vec::new();
    for family in families.into_values() {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for route in &family {
            let own: BTreeSet<&str> = route.middleware.iter().map(String::as_str).collect();
            for name in own {
                *counts.entry(name).or_default() += 1;
            }
        }
        let usual: Vec<(&str, usize)> = counts
            .iter()
            .map(|(name, count)| (*name, *count))
            .filter(|(_, count)| {
                *count >= MAJORITY && *count < family.len() && count * 100 >= family.len() * PERCENT
            })
            .filter(|(name, _)| guards::is_named_like_one(name))
            .collect();
        for route in &family {
            let has = |name: &str| route.middleware.iter().any(|own| own == name);
            let Some((guard, count)) = usual.iter().find(|(name, _)| !has(name)) else { continue };
            // What it has alone may stand in for the guard.
            if route.middleware.iter().any(|own| counts.get(own.as_str()) == Some(&1)) {
                continue;
            }
            let captures = vec![
                ("route", label(route)),
                ("guard", (*guard).to_owned()),
                ("count", count.to_string()),
                ("all", family.len().to_string()),
            ];
            let reason = meant_for_everybody(route, project).or_else(|| handlers.reason(route));
            out.push(PlaceMatch::at(route, captures).accepted(reason));
        }
    }
    out
}
