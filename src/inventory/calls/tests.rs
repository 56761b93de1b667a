//! The smallest forms of calls, each with where it lands.

mod followed;
mod found;
mod given;
mod landed;

use std::collections::{BTreeMap, BTreeSet};

use super::Call;
use crate::inventory::routes::tests::lowered;
use crate::inventory::{self, Need};

/// The calls of a program given as (path, text). Other files of the tree are known by their names
/// alone.
fn linked(files: &[(&str, &str)], others: &[&str]) -> Vec<Call> {
    let facts: BTreeMap<_, _> = files
        .iter()
        .map(|(path, text)| {
            let tests = path.starts_with("tests/");
            let need = Need { routes: !tests, calls: !tests, tests };
            ((*path).to_owned(), (need, crate::facts::of(lowered(path, text))))
        })
        .collect();
    let known: BTreeSet<String> =
        facts.keys().cloned().chain(others.iter().map(|path| (*path).to_owned())).collect();
    let fetch = |_: &[String]| Ok::<_, ()>(BTreeMap::new());
    let linked = inventory::link(facts, &known, true, fetch, |_| Vec::new()).unwrap();
    assert!(linked.notes.is_empty(), "{:?}", linked.notes);
    linked.calls.into_iter().chain(linked.calls_by_tests).collect()
}
