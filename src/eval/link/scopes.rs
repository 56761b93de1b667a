//! What the modules of Rust files declare: modules, items and imports, by name.

use std::collections::{BTreeMap, BTreeSet};

use smol_str::SmolStr;

use super::{ProgramFile, folder_of, normalise};
use crate::module::path::{constant_text, last_name};
use crate::module::{Block, Expr, ExprKind, Import, ImportNames, StmtKind};
use crate::source::Language;

/// Imports of everything that one module may have.
const MAX_STARS: usize = 128;

/// The declarations of all Rust files.
#[derive(Debug, Default)]
pub(super) struct Scopes<'p> {
    by_file: BTreeMap<&'p str, Scope<'p>>,
    /// Files that a `#[path]` leads to, with the modules that declare them.
    moved: BTreeMap<String, Declaration<'p>>,
}

/// The module that declares a module.
#[derive(Debug, Clone)]
pub(super) struct Declaration<'p> {
    pub(super) file: &'p str,
    pub(super) scope: Vec<SmolStr>,
}

/// What one module declares.
#[derive(Debug, Default)]
pub(super) struct Scope<'p> {
    modules: BTreeMap<&'p str, Child<'p>>,
    items: BTreeSet<&'p str>,
    /// Those that are functions and nothing else, so that no path leads through them.
    functions: BTreeSet<&'p str>,
    /// The module and the name in it, of which an import takes the name bound here.
    imports: BTreeMap<&'p str, (&'p str, Option<&'p str>)>,
    /// The modules of which an import takes everything.
    pub(super) stars: Vec<&'p str>,
    /// Whether a macro is called among the items: it may declare anything.
    pub(super) has_macros: bool,
}

/// A module as declared.
#[derive(Debug, Default)]
pub(super) struct Child<'p> {
    /// What it holds, where it is not a file of its own.
    pub(super) inline: Option<Scope<'p>>,
    /// The files of `#[path = "file"]`, of which each may be for another system.
    pub(super) moved: Vec<&'p str>,
}

impl<'p> Scopes<'p> {
    pub(super) fn of(files: &[ProgramFile<'p>]) -> Self {
        let mut out = Self::default();
        for file in files.iter().filter(|file| file.module.language == Language::Rust) {
            let mut scope = Scope::default();
            scope.add(&file.module.body);
            out.add_moved(file.path, &scope, &mut Vec::new());
            out.by_file.insert(file.path, scope);
        }
        out
    }

    fn add_moved(&mut self, file: &'p str, scope: &Scope<'p>, names: &mut Vec<SmolStr>) {
        for (name, child) in &scope.modules {
            for path in &child.moved {
                if let Some(target) = normalise(folder_of(file), path) {
                    let declaration = Declaration { file, scope: names.clone() };
                    self.moved.entry(target).or_insert(declaration);
                }
            }
            if let Some(inline) = &child.inline {
                names.push(SmolStr::new(name));
                self.add_moved(file, inline, names);
                names.pop();
            }
        }
    }

    /// What a module declares, where its file is in the program.
    pub(super) fn get(&self, file: &str, scope: &[SmolStr]) -> Option<&Scope<'p>> {
        let root = self.by_file.get(file)?;
        scope.iter().try_fold(root, |scope, name| scope.module(name)?.inline.as_ref())
    }

    /// Whether a file is in the program.
    pub(super) fn has(&self, file: &str) -> bool {
        self.by_file.contains_key(file)
    }

    /// How many files are declared by a path.
    pub(super) fn count_moved(&self) -> usize {
        self.moved.len()
    }

    /// The module that declares a file by a path.
    pub(super) fn moved(&self, file: &str) -> Option<&Declaration<'p>> {
        self.moved.get(file)
    }
}

impl<'p> Scope<'p> {
    fn add(&mut self, block: &'p Block) {
        for stmt in block {
            match &stmt.kind {
                StmtKind::Namespace { name, decorators, body } => {
                    let child = self.modules.entry(name).or_default();
                    child.moved.extend(moved_to(decorators));
                    if !body.is_empty() {
                        child.inline.get_or_insert_default().add(body);
                    }
                }
                StmtKind::Import(import) => self.import(import),
                StmtKind::Function(function) => self.functions.extend(function.name.as_deref()),
                // An `impl` block stands beside its type, which it does not define.
                StmtKind::Class(class) if class.of.is_some() => {}
                StmtKind::Class(class) => self.items.extend(class.name.as_deref()),
                StmtKind::Expr(_) => self.has_macros = true,
                StmtKind::Bind(bind) => self.items.extend(last_name(&bind.target)),
                _ => {}
            }
        }
    }

    fn import(&mut self, import: &'p Import) {
        match &import.names {
            ImportNames::Module(bound) => {
                self.imports.insert(bound, (&import.module, None));
            }
            ImportNames::Names(names) => {
                for (name, bound) in names {
                    self.imports.insert(bound, (&import.module, Some(name)));
                }
            }
            ImportNames::Star if self.stars.len() < MAX_STARS => self.stars.push(&import.module),
            ImportNames::Star | ImportNames::Effect => {}
        }
    }

    /// A module that is declared here.
    pub(super) fn module(&self, name: &str) -> Option<&Child<'p>> {
        self.modules.get(name)
    }

    /// Whether an item of this name is defined, or a method of something so called.
    pub(super) fn has_item(&self, name: &str) -> bool {
        self.items.contains(name) || self.functions.contains(name)
    }

    /// Whether an item of this name is defined that a path may lead through.
    pub(super) fn has_type(&self, name: &str) -> bool {
        self.items.contains(name)
    }

    /// The path that an import binds to a name.
    pub(super) fn import_of(&self, name: &str) -> Option<Vec<SmolStr>> {
        let (module, name) = self.imports.get(name)?;
        Some(module.split("::").chain(*name).map(SmolStr::new).collect())
    }
}

/// The file of `#[path = "file"]`.
fn moved_to(decorators: &[Expr]) -> Option<&str> {
    decorators.iter().find_map(|decorator| match &decorator.kind {
        ExprKind::Assign { target, value } if last_name(target) == Some("path") => {
            constant_text(value)
        }
        _ => None,
    })
}
