//! Inventories: facts worth a table of their own, and the link step that makes them from file
//! facts.

pub mod documents;
pub mod frameworks;
pub mod openapi;
pub mod routes;

use std::collections::{BTreeMap, BTreeSet};

use crate::audit::{LedgerEntry, Outcome};
use crate::eval::link::{OpenPaths, Program};
use crate::limits::PARSE_STACK;
use crate::module::Module;
use crate::source::Language;
use openapi::Operation;
use routes::{Extracted, Guard, Route};

/// Rounds in which the linker asks for further modules: chains of imports are followed that far.
const MAX_ROUNDS: usize = 12;

/// How often the program is run, because it loads files that nobody had read before.
const MAX_RUNS: usize = 4;

/// What linking yields.
#[derive(Debug, Default)]
pub struct Inventories {
    /// The routes.
    pub routes: Vec<Route>,
    /// What stands before routes, where the program has it.
    pub guards: Vec<Guard>,
    /// What OpenAPI documents of the tree describe.
    pub operations: Vec<Operation>,
    /// What linking could not finish.
    pub notes: Vec<LedgerEntry>,
}

/// Links file facts. `known` names every file of the tree; `fetch` reads the modules of files
/// that hold no literal of any extractor but that an import leads to.
///
/// # Errors
/// What `fetch` fails with.
pub fn link<E: Send>(
    mut facts: BTreeMap<String, Module>,
    known: &BTreeSet<String>,
    mut fetch: impl FnMut(&[String]) -> Result<BTreeMap<String, Module>, E> + Send,
) -> Result<Inventories, E> {
    let mut asked = BTreeSet::new();
    let mut unread = BTreeSet::new();
    let mut open = OpenPaths::default();
    complete(&mut facts, known, &mut asked, &mut open, &mut fetch)?;
    let mut extracted = None;
    for run in 1..=MAX_RUNS {
        extracted = on_large_stack(|| {
            let program = program(&facts, known);
            let unread = (run < MAX_RUNS).then_some(&unread);
            (routes::extract(&program, unread), openapi::operations(&program))
        });
        // What the program loads by names that it computes is known once it has run.
        let Some((Extracted { missing, .. }, _)) = &extracted else { break };
        if missing.is_empty() {
            break;
        }
        let wanted: Vec<_> = missing.iter().cloned().collect();
        facts.extend(fetch(&wanted)?);
        asked.extend(wanted.iter().cloned());
        unread.extend(wanted.into_iter().filter(|path| !facts.contains_key(path)));
        complete(&mut facts, known, &mut asked, &mut open, &mut fetch)?;
    }
    let mut notes = Vec::new();
    let note = |reason: &str| LedgerEntry {
        path: ".".to_owned(),
        outcome: Outcome::PartlyRead,
        reason: reason.to_owned(),
        detail: Some("the route inventory is not complete".to_owned()),
        failure: true,
    };
    let (extracted, operations) = extracted.unwrap_or_else(|| {
        notes.push(note("linking failed"));
        (Extracted::default(), Vec::new())
    });
    if extracted.cut {
        notes.push(note("linking reached a limit"));
    }
    Ok(Inventories { routes: extracted.routes, guards: extracted.guards, operations, notes })
}

/// Asks for the modules that the imports of others lead to.
fn complete<E>(
    facts: &mut BTreeMap<String, Module>,
    known: &BTreeSet<String>,
    asked: &mut BTreeSet<String>,
    open: &mut OpenPaths,
    fetch: &mut impl FnMut(&[String]) -> Result<BTreeMap<String, Module>, E>,
) -> Result<(), E> {
    for round in 0..MAX_ROUNDS {
        let mut wanted = BTreeSet::new();
        let program = program(facts, known);
        for id in program.ids() {
            let file = program.file(id);
            // What an older file imports was asked for in an earlier round. But where a path of
            // Rust leads is known only with the files on the way.
            let is_open = file.module.language == Language::Rust;
            if round == 0 || is_open || asked.contains(file.path) {
                program.missing_imports(id, open, &mut wanted);
            }
        }
        wanted.retain(|path| !asked.contains(path));
        if wanted.is_empty() {
            break;
        }
        let wanted: Vec<_> = wanted.into_iter().collect();
        facts.extend(fetch(&wanted)?);
        asked.extend(wanted);
    }
    Ok(())
}

fn program<'p>(facts: &'p BTreeMap<String, Module>, known: &'p BTreeSet<String>) -> Program<'p> {
    Program::new(facts.iter().map(|(path, module)| (path.as_str(), module)), Some(known))
}

/// Evaluation recurses with the program's own calls; it gets the stack of a parsing thread.
/// `None` when it panicked, or no thread could be had.
fn on_large_stack<T: Send>(work: impl FnOnce() -> T + Send) -> Option<T> {
    std::thread::scope(|scope| {
        std::thread::Builder::new()
            .stack_size(PARSE_STACK)
            .spawn_scoped(scope, work)
            .ok()
            .and_then(|thread| thread.join().ok())
    })
}
