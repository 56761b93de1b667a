//! What handlers do towards a caller whom nobody knows, as far as their own bodies tell.

use std::collections::BTreeMap;

use super::Project;
use crate::inventory::routes::Route;
use crate::module::bodies::Body;

/// What the project's functions do towards a caller whom nobody knows.
pub(super) struct Handlers<'a> {
    places: BTreeMap<(&'a str, u32), Vec<&'a Body>>,
    /// By name; `None` where it is defined twice.
    named: BTreeMap<&'a str, Option<&'a Body>>,
}

impl<'a> Handlers<'a> {
    pub(super) fn of(project: &Project<'a>) -> Self {
        let mut places: BTreeMap<(&str, u32), Vec<&Body>> = BTreeMap::new();
        let mut named: BTreeMap<&str, Option<&Body>> = BTreeMap::new();
        for (path, uses) in project.uses {
            for body in &uses.bodies {
                for line in &body.lines {
                    places.entry((path, *line)).or_default().push(body);
                }
                if !body.name.is_empty() {
                    named.entry(&body.name).and_modify(|known| *known = None).or_insert(Some(body));
                }
            }
        }
        Self { places, named }
    }

    /// The functions that begin where a route's handler does.
    pub(super) fn bodies<'s>(&'s self, route: &'s Route) -> &'s [&'s Body] {
        self.places.get(&(route.file.as_str(), route.line)).map_or(&[], Vec::as_slice)
    }

    /// Why a route's handler may be open. What it calls by name counts as its own.
    pub(super) fn reason(&self, route: &Route) -> Option<String> {
        let own = self.bodies(route);
        if own.is_empty() {
            return None;
        }
        let called = own
            .iter()
            .flat_map(|body| &body.calls)
            .filter_map(|name| self.named.get(name.as_str()).copied().flatten());
        let all: Vec<&Body> = own.iter().copied().chain(called).collect();
        if let Some(proof) = all.iter().find_map(|body| body.proof.as_ref()) {
            return Some(format!("the handler asks for a proof of its own: `{proof}`"));
        }
        if all.iter().any(|body| body.turns_away) {
            return Some("the handler itself answers 401 or 403 to some".to_owned());
        }
        own.iter()
            .all(|body| body.keeps_nothing)
            .then(|| "the handler keeps nothing of what it is told".to_owned())
    }
}
