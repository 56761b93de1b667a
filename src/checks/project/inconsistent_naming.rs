//! Paths of one module of which a few join words differently from all others.

use std::collections::BTreeMap;

use super::{PlaceMatch, Project, label};
use crate::inventory::routes::Route;

/// Of so many words at least, the others must be joined alike.
const MAJORITY: usize = 5;

/// How words are joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Style {
    Kebab,
    Snake,
    Camel,
}

impl Style {
    fn name(self) -> &'static str {
        match self {
            Self::Kebab => "kebab-case",
            Self::Snake => "snake_case",
            Self::Camel => "camelCase",
        }
    }

    fn of(segment: &str) -> Option<Self> {
        if segment.contains(['{', '.', ':', '@', '$']) {
            return None;
        }
        if segment.contains('-') {
            return Some(Self::Kebab);
        }
        if segment.contains('_') {
            return (!segment.starts_with('_')).then_some(Self::Snake);
        }
        let mut chars = segment.chars();
        let first = chars.next()?;
        let mixed = first.is_ascii_lowercase() && chars.any(|c| c.is_ascii_uppercase());
        mixed.then_some(Self::Camel)
    }
}

/// Finds them. A segment counts once in a module, however many paths have it.
pub(super) fn check(project: &Project<'_>) -> Vec<PlaceMatch> {
    let mut files: BTreeMap<&str, BTreeMap<&str, (Style, &Route)>> = BTreeMap::new();
    for route in project.routes.iter().filter(|route| route.serves()) {
        for segment in route.path.split('/') {
            if let Some(style) = Style::of(segment) {
                let words = files.entry(&route.file).or_default();
                words.entry(segment).or_insert((style, route));
            }
        }
    }
    let mut out = Vec::new();
    for words in files.into_values() {
        let mut counts: BTreeMap<Style, usize> = BTreeMap::new();
        for (style, _) in words.values() {
            *counts.entry(*style).or_default() += 1;
        }
        let Some((usual, count)) = counts.iter().max_by_key(|(_, count)| **count) else { continue };
        let others = words.len() - count;
        if *count < MAJORITY || others * 4 > *count {
            continue;
        }
        for (segment, (style, route)) in words.iter().filter(|(_, (style, _))| style != usual) {
            out.push(PlaceMatch::at(
                route,
                vec![
                    ("route", label(route)),
                    ("segment", (*segment).to_owned()),
                    ("style", style.name().to_owned()),
                    ("usual", usual.name().to_owned()),
                    ("count", count.to_string()),
                ],
            ));
        }
    }
    out
}
