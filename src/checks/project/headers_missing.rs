//! Servers of Express that set none of the headers by which browsers protect a page.

use super::{PlaceMatch, Project, letters, package_names};

/// What sets the headers.
const SETTERS: &[&str] = &[
    "helmet",
    "lusca",
    "securityheaders",
    "secureheaders",
    "contentsecuritypolicy",
    "frameguard",
    "strictransport",
];

pub(super) fn check(project: &Project<'_>) -> Vec<PlaceMatch> {
    let sets = |name: &str| {
        let name = letters(name);
        SETTERS.iter().any(|word| name.contains(word))
    };
    let known = project.manifests.iter().any(|(_, text)| package_names(text).any(sets))
        || project.uses.iter().any(|(path, uses)| {
            sets(path) || uses.defined.iter().any(|defined| sets(&defined.name))
        });
    let serving = project
        .routes
        .iter()
        .filter(|route| route.serves() && route.framework == "express")
        .count();
    if known || serving == 0 {
        return Vec::new();
    }
    project
        .manifests
        .iter()
        .filter(|(path, _)| path.rsplit('/').next() == Some("package.json"))
        .filter_map(|(path, text)| {
            let line = (1u32..).zip(text.lines()).find_map(|(number, line)| {
                line.trim_start().starts_with("\"express\":").then_some(number)
            })?;
            Some(PlaceMatch {
                path: path.clone(),
                line,
                captures: vec![("routes", serving.to_string())],
                accepted: None,
            })
        })
        .collect()
}
