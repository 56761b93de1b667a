//! Inventories: facts worth a table of their own, and the link step that makes them from file
//! facts.

pub mod calls;
pub mod contract;
pub mod documents;
pub mod frameworks;
pub mod openapi;
pub mod routes;

use std::collections::{BTreeMap, BTreeSet};

use regex::RegexSet;
use serde::{Deserialize, Serialize};

use crate::audit::{LedgerEntry, Outcome};
use crate::eval::link::{OpenPaths, Program};
use crate::limits::PARSE_STACK;
use crate::module::Module;
use crate::source::Language;
use calls::{Call, Server, Step};
use contract::{Page, pages};
use openapi::Operation;
use routes::naming::{self, Hit, Search};
use routes::reach::Unloaded;
use routes::{Guard, Opaque, Route};

/// Rounds in which the linker asks for further modules: chains of imports are followed that far.
const MAX_ROUNDS: usize = 12;

/// How often the program is run, because it loads files that nobody had read before.
const MAX_RUNS: usize = 4;

/// What linking needs a file for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Need {
    /// It can create, configure, mount or register a route, by the literals that the readers of
    /// frameworks declare; or it is a data file that linking reads.
    pub routes: bool,
    /// It can call a server.
    pub calls: bool,
    /// It is a test that can call one.
    pub tests: bool,
}

impl Need {
    /// Whether linking needs it at all.
    #[must_use]
    pub fn any(self) -> bool {
        self.routes || self.calls || self.tests
    }
}

/// What linking yields.
#[derive(Debug, Default)]
pub struct Inventories {
    /// The routes.
    pub routes: Vec<Route>,
    /// What stands before routes, where the program has it.
    pub guards: Vec<Guard>,
    /// What answers below paths and is not known.
    pub opaque: Vec<Opaque>,
    /// What OpenAPI documents of the tree describe.
    pub operations: Vec<Operation>,
    /// The calls to servers, with where they land.
    pub calls: Vec<Call>,
    /// The calls by tests, where they were asked for.
    pub calls_by_tests: Vec<Call>,
    /// The pages that reach the places of calls that do not fit.
    pub pages: BTreeMap<Step, Vec<Page>>,
    /// What linking could not finish.
    pub notes: Vec<LedgerEntry>,
}

/// Links file facts. `known` names every file of the tree; `fetch` reads the modules of files
/// that hold no literal of any extractor but that an import leads to. `search` looks into every
/// file of the tree, but for tests, for what may name a module. `calls` asks for the calls to
/// servers, too.
///
/// # Errors
/// What `fetch` fails with.
pub fn link<E: Send>(
    facts: BTreeMap<String, (Need, Module)>,
    known: &BTreeSet<String>,
    calls: bool,
    fetch: impl FnMut(&[String]) -> Result<BTreeMap<String, (Need, Module)>, E> + Send,
    search: impl Fn(&RegexSet) -> Vec<Hit>,
) -> Result<Inventories, E> {
    let of = |needed: fn(Need) -> bool| {
        let files = facts.iter().filter(|(_, (need, _))| needed(*need));
        files.map(|(path, _)| path.clone()).collect::<BTreeSet<_>>()
    };
    let (mut of_routes, mut of_calls) = (of(|need| need.routes), of(|need| need.calls));
    let of_tests = of(|need| need.tests);
    let modules = facts.into_iter().map(|(path, (_, module))| (path, module)).collect();
    let mut linker = Linker { modules, known, asked: BTreeSet::new(), fetch };
    let mut inventories = Inventories::default();

    let mut routes = linker.run(&mut of_routes, |program, unread| {
        let extracted = routes::extract(program, unread, None);
        (extracted.missing.clone(), (extracted, openapi::operations(program)))
    })?;
    if let Some((extracted, _)) = &routes
        && !extracted.unloaded.is_empty()
    {
        let unloaded = linker.unloaded(&extracted.unloaded, &of_routes, search)?;
        if !unloaded.is_empty() {
            routes = linker.run(&mut of_routes, |program, unread| {
                let extracted = routes::extract(program, unread, Some(&unloaded));
                (extracted.missing.clone(), (extracted, openapi::operations(program)))
            })?;
        }
    }
    match routes {
        Some((extracted, operations)) => {
            inventories.operations = operations;
            inventories.guards = extracted.guards;
            inventories.opaque = extracted.opaque;
            inventories.routes = extracted.routes;
            if extracted.cut {
                inventories.notes.push(note("linking reached a limit", "route"));
            }
        }
        None => inventories.notes.push(note("linking failed", "route")),
    }
    if calls {
        let served = Server { routes: &inventories.routes, opaque: &inventories.opaque };
        let found = linker.run(&mut of_calls, |program, unread| {
            let found = calls::extract(program, served, unread, false);
            (found.missing.clone(), found)
        })?;
        inventories.calls = taken(found, &mut inventories.notes);
        let broken: BTreeSet<Step> = inventories
            .calls
            .iter()
            .filter(|call| call.status.is_broken())
            .map(|call| Step { file: call.file.clone(), line: call.line })
            .collect();
        if !broken.is_empty() {
            // Who reaches a file is known only with all that lie between it and the pages.
            let scripts = known.iter().filter(|path| pages::may_reach(path)).cloned();
            let mut between: BTreeSet<String> = scripts.chain(linker.documents()).collect();
            linker.ask(&between)?;
            let reached = linker.run(&mut between, |program, _| {
                (BTreeSet::new(), pages::reaching(program, &broken))
            })?;
            inventories.pages = reached.unwrap_or_default();
        }
    }
    if !of_tests.is_empty() {
        // What tests call is found in a program of tests alone: run together, a call of the
        // program's functions by a test would count as one by the program.
        let served = Server { routes: &inventories.routes, opaque: &inventories.opaque };
        let found = on_large_stack(|| {
            let program = program(&linker.modules, &of_tests, known);
            calls::extract(&program, served, None, true)
        });
        inventories.calls_by_tests = taken(found, &mut inventories.notes);
    }
    Ok(inventories)
}

/// The calls that were found; what is missing of them is noted.
fn taken(found: Option<calls::Extracted>, notes: &mut Vec<LedgerEntry>) -> Vec<Call> {
    let missing = match &found {
        Some(found) if found.cut => Some("linking reached a limit"),
        Some(_) => None,
        None => Some("linking failed"),
    };
    notes.extend(missing.map(|reason| note(reason, "call")));
    found.map(|found| found.calls).unwrap_or_default()
}

/// What is said where an inventory lacks something.
fn note(reason: &str, inventory: &str) -> LedgerEntry {
    LedgerEntry {
        path: ".".to_owned(),
        outcome: Outcome::PartlyRead,
        reason: reason.to_owned(),
        detail: Some(format!("the {inventory} inventory is not complete")),
        failure: true,
    }
}

/// The modules that are there, and the way to more.
struct Linker<'k, F> {
    modules: BTreeMap<String, Module>,
    known: &'k BTreeSet<String>,
    /// Files that were asked for, whether or not they could be had.
    asked: BTreeSet<String>,
    fetch: F,
}

impl<F> Linker<'_, F> {
    /// The data files that are there.
    fn documents(&self) -> Vec<String> {
        let documents = self.modules.iter().filter(|(_, module)| module.language.has_documents());
        documents.map(|(path, _)| path.clone()).collect()
    }

    /// Completes a program of these files by what they import, and runs something over it: again,
    /// where that tells of files which the program loads by names that it computes. `None` when
    /// it panicked.
    fn run<E, T: Send>(
        &mut self,
        files: &mut BTreeSet<String>,
        mut work: impl FnMut(&Program<'_>, Option<&BTreeSet<String>>) -> (BTreeSet<String>, T) + Send,
    ) -> Result<Option<T>, E>
    where
        F: FnMut(&[String]) -> Result<BTreeMap<String, (Need, Module)>, E>,
    {
        let mut open = OpenPaths::default();
        self.complete(files, &mut open)?;
        let mut unread = BTreeSet::new();
        let mut made = None;
        for run in 1..=MAX_RUNS {
            let (modules, known) = (&self.modules, self.known);
            let (files_now, unread_now) = (&*files, &unread);
            let result = on_large_stack(|| {
                let program = program(modules, files_now, known);
                work(&program, (run < MAX_RUNS).then_some(unread_now))
            });
            let Some((missing, value)) = result else { return Ok(None) };
            made = Some(value);
            if missing.is_empty() {
                break;
            }
            self.ask(&missing)?;
            unread.extend(missing.iter().filter(|path| !self.modules.contains_key(*path)).cloned());
            files.extend(missing);
            self.complete(files, &mut open)?;
        }
        Ok(made)
    }

    /// Those modules that nothing leads to, in the program or outside.
    fn unloaded<E>(
        &mut self,
        suspected: &Unloaded,
        files: &BTreeSet<String>,
        search: impl Fn(&RegexSet) -> Vec<Hit>,
    ) -> Result<BTreeSet<String>, E>
    where
        F: FnMut(&[String]) -> Result<BTreeMap<String, (Need, Module)>, E>,
    {
        let Some(names) = Search::of(suspected) else { return Ok(BTreeSet::new()) };
        let hits = search(&names.patterns);
        let Some(found) = names.judge(&hits, |path| files.contains(path)) else {
            return Ok(BTreeSet::new());
        };
        self.ask(&found.unread)?;
        let mut loaded = found.loaded;
        let all = files.union(&found.unread).cloned().collect();
        let program = program(&self.modules, &all, self.known);
        for path in &found.unread {
            // A file that cannot be read may import anything.
            let Some(id) = program.at(path) else { return Ok(BTreeSet::new()) };
            let imported = program.imported_by(id).into_iter();
            loaded.extend(imported.map(|file| program.file(file).path.to_owned()));
        }
        Ok(naming::rest(suspected, &loaded))
    }

    /// Adds the modules that the imports of others lead to.
    fn complete<E>(&mut self, files: &mut BTreeSet<String>, open: &mut OpenPaths) -> Result<(), E>
    where
        F: FnMut(&[String]) -> Result<BTreeMap<String, (Need, Module)>, E>,
    {
        let mut added: Option<BTreeSet<String>> = None;
        for _ in 0..MAX_ROUNDS {
            let mut wanted = BTreeSet::new();
            let program = program(&self.modules, files, self.known);
            for id in program.ids() {
                let file = program.file(id);
                // What an older file imports was asked for in an earlier round. But where a path
                // of Rust leads is known only with the files on the way.
                let is_open = file.module.language == Language::Rust;
                if is_open || added.as_ref().is_none_or(|added| added.contains(file.path)) {
                    program.missing_imports(id, open, &mut wanted);
                }
            }
            wanted.retain(|path| !files.contains(path));
            if wanted.is_empty() {
                break;
            }
            self.ask(&wanted)?;
            files.extend(wanted.iter().cloned());
            added = Some(wanted);
        }
        Ok(())
    }

    /// Reads what is not there yet.
    fn ask<E>(&mut self, paths: &BTreeSet<String>) -> Result<(), E>
    where
        F: FnMut(&[String]) -> Result<BTreeMap<String, (Need, Module)>, E>,
    {
        let is_new =
            |path: &&String| !self.modules.contains_key(*path) && !self.asked.contains(*path);
        let wanted: Vec<String> = paths.iter().filter(is_new).cloned().collect();
        if !wanted.is_empty() {
            let read = (self.fetch)(&wanted)?;
            self.modules.extend(read.into_iter().map(|(path, (_, module))| (path, module)));
            self.asked.extend(wanted);
        }
        Ok(())
    }
}

fn program<'p>(
    modules: &'p BTreeMap<String, Module>,
    files: &BTreeSet<String>,
    known: &'p BTreeSet<String>,
) -> Program<'p> {
    let chosen = modules.iter().filter(|(path, _)| files.contains(*path));
    Program::new(chosen.map(|(path, module)| (path.as_str(), module)), Some(known))
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
