//! The pages that reach a file through imports.
//!
//! Names are followed: of a file only what uses the call, of another only what uses that. So a page
//! which takes one name of a collection is not said to use the others.

use std::collections::{BTreeMap, BTreeSet};

use smol_str::SmolStr;

use super::within::{self, Users};
use super::{Page, tables};
use crate::eval::link::{Program, Target, required};
use crate::eval::value::FileId;
use crate::inventory::calls::Step;
use crate::module::visit::{self, Visitor, Walk};
use crate::module::{Export, Expr, Import, ImportNames, Module, Stmt, StmtKind};
use crate::source::{Language, Role, language, role};

/// What a file takes from another.
#[derive(Debug)]
enum Taken {
    /// A name, under its own name here.
    Name(SmolStr, SmolStr),
    /// All of it under one name, or nothing but that it is loaded.
    Module,
    /// It hands a name on under another name.
    HandedOn(SmolStr, SmolStr),
    /// It hands everything on.
    All,
}

/// Files that import another, with what they take.
type Importers = BTreeMap<FileId, Vec<(FileId, Taken)>>;

/// Whether the pages of a program may lie in a file, or between a page and another file.
#[must_use]
pub fn may_reach(path: &str) -> bool {
    let language = language::of(path, None);
    language.is_script()
        && !path.contains("node_modules/")
        && role::of_path(path, language).0 == Role::Production
}

/// The pages that reach each of some places. Where no page does, the components that reach it.
#[must_use]
pub fn reaching(program: &Program<'_>, places: &BTreeSet<Step>) -> BTreeMap<Step, Vec<Page>> {
    let importers = importers(program);
    let pages = tables::pages(program);
    let mut out = BTreeMap::new();
    for place in places {
        let Some(start) = program.at(&place.file) else { continue };
        let reached = reached(program, &importers, &pages, start, place.line);
        if !reached.is_empty() {
            out.insert(place.clone(), reached);
        }
    }
    out
}

fn reached(
    program: &Program<'_>,
    importers: &Importers,
    pages: &BTreeMap<FileId, BTreeSet<String>>,
    start: FileId,
    line: u32,
) -> Vec<Page> {
    let mut found: BTreeSet<Page> = BTreeSet::new();
    let mut components: BTreeSet<Page> = BTreeSet::new();
    let mut seen: BTreeSet<(FileId, Option<SmolStr>)> = BTreeSet::new();
    let mut open: Vec<(FileId, Option<SmolStr>)> = Vec::new();
    let within = |id: FileId, users: Users, open: &mut Vec<(FileId, Option<SmolStr>)>| {
        // What a page's markup uses has no name.
        let is_whole = users.at_once || program.file(id).module.language.is_markup();
        match is_whole {
            true => open.push((id, None)),
            false => open.extend(users.exported.into_iter().map(|name| (id, Some(name)))),
        }
    };
    within(start, within::of_line(program.file(start).module, line), &mut open);
    while let Some((id, name)) = open.pop() {
        if seen.contains(&(id, None)) || !seen.insert((id, name.clone())) {
            continue;
        }
        let file = program.file(id);
        if let Some(paths) = pages.get(&id) {
            found.extend(
                paths
                    .iter()
                    .map(|path| Page { path: Some(path.clone()), file: file.path.to_owned() }),
            );
            // What imports a page puts it somewhere, and is no other page.
            continue;
        }
        if is_component(file.path, file.module.language) {
            components.insert(Page { path: None, file: file.path.to_owned() });
        }
        for (importer, taken) in importers.get(&id).into_iter().flatten() {
            let is_meant = |taken: &SmolStr| name.as_ref().is_none_or(|name| name == taken);
            match taken {
                Taken::Module => open.push((*importer, None)),
                Taken::Name(taken, local) if is_meant(taken) => {
                    let users = within::of_name(program.file(*importer).module, local);
                    within(*importer, users, &mut open);
                }
                Taken::HandedOn(taken, offered) if is_meant(taken) => {
                    open.push((*importer, Some(offered.clone())));
                }
                Taken::All => match &name {
                    Some(name) => open.push((*importer, Some(name.clone()))),
                    None => open
                        .extend(exported(file.module).map(|name| (*importer, Some(name.clone())))),
                },
                Taken::Name(..) | Taken::HandedOn(..) => {}
            }
        }
    }
    (if found.is_empty() { components } else { found }).into_iter().collect()
}

/// Whether a file shows something to a user.
fn is_component(path: &str, language: Language) -> bool {
    matches!(language, Language::Tsx | Language::Vue)
        || path.ends_with(".jsx")
        || path.ends_with(".svelte")
        || path.ends_with(".component.ts")
        || path.ends_with(".component.js")
}

/// The names that a module exports itself.
fn exported(module: &Module) -> impl Iterator<Item = &SmolStr> {
    module.body.iter().filter_map(|stmt| match &stmt.kind {
        StmtKind::Export(Export::Value { name, .. }) => Some(name),
        _ => None,
    })
}

fn importers(program: &Program<'_>) -> Importers {
    let mut out = Importers::new();
    for id in program.ids() {
        let mut imports = Imports { found: Vec::new() };
        visit::walk_module(&mut imports, program.file(id).module);
        for (module, taken) in imports.found {
            if let Target::File(target) = program.resolve(id, &module) {
                out.entry(target).or_default().push((id, taken));
            }
        }
    }
    out
}

/// The imports of a module, in its functions too.
struct Imports {
    found: Vec<(SmolStr, Taken)>,
}

impl<'m> Visitor<'m> for Imports {
    fn enter_stmt(&mut self, stmt: &'m Stmt) -> Walk {
        match &stmt.kind {
            StmtKind::Import(Import { type_only: true, .. }) => {}
            StmtKind::Import(Import { module, names, .. }) => match names {
                ImportNames::Names(names) => {
                    let each = names.iter().map(|(name, local)| {
                        (module.clone(), Taken::Name(name.clone(), local.clone()))
                    });
                    self.found.extend(each);
                }
                ImportNames::Effect | ImportNames::Module(_) | ImportNames::Star => {
                    self.found.push((module.clone(), Taken::Module));
                }
            },
            StmtKind::Export(Export::From { module, names, namespace }) => match namespace {
                Some(_) => self.found.push((module.clone(), Taken::Module)),
                None if names.is_empty() => self.found.push((module.clone(), Taken::All)),
                None => {
                    let each = names.iter().map(|(name, offered)| {
                        (module.clone(), Taken::HandedOn(name.clone(), offered.clone()))
                    });
                    self.found.extend(each);
                }
            },
            _ => {}
        }
        Walk::Into
    }

    fn enter_expr(&mut self, expr: &'m Expr) -> Walk {
        if let Some(module) = required(expr) {
            self.found.push((module.into(), Taken::Module));
        }
        Walk::Into
    }
}
