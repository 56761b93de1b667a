//! What is told of routes that the code does not say.

use super::Route;

/// Routes of which something is told, and why it is so.
#[derive(Debug, Clone)]
pub struct Told {
    /// Which paths.
    pub path: globset::GlobMatcher,
    /// Which methods; empty is all.
    pub methods: Vec<String>,
    /// Why.
    pub reason: String,
}

/// The reason that is told of a route: that of the first entry which names its path and all of its
/// methods.
#[must_use]
pub fn reason(told: &[Told], route: &Route) -> Option<String> {
    let names = |told: &&Told| {
        told.path.is_match(&route.path)
            && (told.methods.is_empty()
                || route.methods.iter().all(|method| told.methods.contains(method)))
    };
    told.iter().find(names).map(|told| told.reason.clone())
}
