//! The program: modules by file, and where an import leads.

mod cargo;
mod imports;
mod npm;
mod nuxt;
mod python;
mod rust;
mod scopes;
mod script;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use smol_str::SmolStr;

use super::value::FileId;
use crate::module::{Expr, Module, data};
use crate::source::{Language, language};

pub use imports::required;
pub use rust::{Located, OpenPaths};

/// A file of the program.
#[derive(Debug)]
pub struct ProgramFile<'p> {
    /// Its path.
    pub path: &'p str,
    /// Its module.
    pub module: &'p Module,
}

/// Modules linked by path.
#[derive(Debug, Default)]
pub struct Program<'p> {
    files: Vec<ProgramFile<'p>>,
    by_path: BTreeMap<&'p str, FileId>,
    folders: BTreeSet<String>,
    known: Option<&'p BTreeSet<String>>,
    documents: Vec<(&'p str, &'p Expr)>,
    /// What the manifests say about scripts.
    packages: npm::Packages<'p>,
    /// What they say about crates.
    crates: cargo::Crates<'p>,
    /// What they say about Python.
    roots: python::Roots,
    /// What Rust files declare.
    scopes: scopes::Scopes<'p>,
    /// What is remembered of where Rust's paths lead.
    ways: rust::Ways,
    /// What Nuxt and Nitro import by themselves.
    nuxt: nuxt::Imports,
}

/// What is in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Child {
    /// Its name.
    pub name: String,
    /// Whether it is a folder itself.
    pub is_folder: bool,
}

/// Where an import leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// To a module of the program.
    File(FileId),
    /// To a folder with modules in it.
    Package(SmolStr),
    /// To a file of the tree whose module is not in the program: the linker may ask for it.
    Missing(String),
    /// Out of the tree: a library, by its dotted name.
    External(SmolStr),
}

impl<'p> Program<'p> {
    /// Every file of the tree, where that is known.
    pub fn known_files(&self) -> impl Iterator<Item = &'p str> {
        self.known.into_iter().flatten().map(String::as_str)
    }

    /// Links modules, given in order of their paths. Those of data files are manifests and
    /// documents, and no files of the program. `known` names every file of the tree, also those
    /// whose modules are not here.
    #[must_use]
    pub fn new(
        modules: impl IntoIterator<Item = (&'p str, &'p Module)>,
        known: Option<&'p BTreeSet<String>>,
    ) -> Self {
        let mut out = Self { known, ..Self::default() };
        for (path, module) in modules {
            out.add_folders(path);
            if module.language.has_documents() {
                out.documents.extend(data::documents(module).map(|document| (path, document)));
                continue;
            }
            let id = FileId(u32::try_from(out.files.len()).unwrap_or(u32::MAX));
            out.files.push(ProgramFile { path, module });
            out.by_path.insert(path, id);
        }
        if let Some(known) = known {
            for path in known {
                out.add_folders(path);
            }
        }
        out.packages = npm::Packages::of(&out.documents);
        out.roots = python::Roots::of(&out.documents);
        out.scopes = scopes::Scopes::of(&out.files);
        let crates = cargo::Crates::of(&out.documents, |path| out.exists(path).is_some());
        out.crates = crates;
        out.nuxt = nuxt::Imports::of(&out.files, known, out.by_path.keys().copied());
        out
    }

    fn add_folders(&mut self, path: &str) {
        let mut rest = path;
        while let Some((folder, _)) = rest.rsplit_once('/') {
            if !self.folders.insert(folder.to_owned()) {
                return;
            }
            rest = folder;
        }
    }

    /// The files in order.
    pub fn ids(&self) -> impl Iterator<Item = FileId> + use<'p> {
        (0..u32::try_from(self.files.len()).unwrap_or(u32::MAX)).map(FileId)
    }

    /// A file.
    #[must_use]
    pub fn file(&self, id: FileId) -> &ProgramFile<'p> {
        &self.files[id.0 as usize]
    }

    /// The data documents with the paths of their files, in order of these; a file may hold
    /// several.
    #[must_use]
    pub fn documents(&self) -> &[(&'p str, &'p Expr)] {
        &self.documents
    }

    /// The program's file of a path.
    #[must_use]
    pub fn at(&self, path: &str) -> Option<FileId> {
        self.by_path.get(path).copied()
    }

    /// Whether the tree has a file, in the program or not.
    #[must_use]
    pub fn knows(&self, path: &str) -> bool {
        self.by_path.contains_key(path) || self.known.is_some_and(|known| known.contains(path))
    }

    /// Whether the tree has a folder.
    #[must_use]
    pub fn has_folder(&self, path: &str) -> bool {
        self.folders.contains(path)
    }

    /// The names of the files and folders in a folder, in order; `None` where it has more than
    /// `most`, or is none of the tree's.
    #[must_use]
    pub fn entries(&self, folder: &str, most: usize) -> Option<Vec<String>> {
        if !folder.is_empty() && !self.folders.contains(folder) {
            return None;
        }
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let mut out: Vec<String> = Vec::new();
        let mut from = prefix.clone();
        loop {
            let known = self.known.and_then(|known| known.range(from.clone()..).next());
            let own = self.by_path.range(from.as_str()..).next().map(|(path, _)| *path);
            let path = match (known.map(String::as_str), own) {
                (Some(a), Some(b)) => a.min(b),
                (a, b) => match a.or(b) {
                    Some(path) => path,
                    None => break,
                },
            };
            let Some(rest) = path.strip_prefix(&prefix) else { break };
            let name = rest.split('/').next().unwrap_or(rest);
            if out.len() == most {
                return None;
            }
            out.push(name.to_owned());
            // Behind all that lies in it: `0` follows the slash.
            from = if name.len() < rest.len() {
                format!("{prefix}{name}0")
            } else {
                format!("{path}\0")
            };
        }
        Some(out)
    }

    fn exists(&self, path: &str) -> Option<Target> {
        if let Some(id) = self.by_path.get(path) {
            return Some(Target::File(*id));
        }
        self.known?.contains(path).then(|| Target::Missing(path.to_owned()))
    }

    /// A module of the program, or a file of the tree whose module is not in it, by its path.
    #[must_use]
    pub fn file_at(&self, path: &str) -> Option<Target> {
        self.exists(path)
    }

    /// Whether a folder of the tree has files in it.
    #[must_use]
    pub fn is_folder(&self, path: &str) -> bool {
        path.is_empty() || self.folders.contains(path)
    }

    /// What is in a folder of the tree, by name.
    #[must_use]
    pub fn children(&self, folder: &str) -> Vec<Child> {
        let start = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let mut out = BTreeMap::new();
        let mut add = |path: &str| {
            let rest = &path[start.len()..];
            let (name, is_folder) = match rest.split_once('/') {
                Some((name, _)) => (name, true),
                None => (rest, false),
            };
            out.insert(name.to_owned(), is_folder);
        };
        let below = |path: &&str| path.starts_with(&start);
        match self.known {
            Some(known) => {
                let from = (Bound::Included(start.as_str()), Bound::Unbounded);
                known
                    .range::<str, _>(from)
                    .map(String::as_str)
                    .take_while(below)
                    .for_each(&mut add);
            }
            None => self
                .by_path
                .range(start.as_str()..)
                .map(|(path, _)| *path)
                .take_while(below)
                .for_each(&mut add),
        }
        out.into_iter().map(|(name, is_folder)| Child { name, is_folder }).collect()
    }

    /// Every path that the tree is known to have, in order.
    pub fn paths(&self) -> Box<dyn Iterator<Item = &str> + '_> {
        match self.known {
            Some(known) => Box::new(known.iter().map(String::as_str)),
            None => Box::new(self.by_path.keys().copied()),
        }
    }

    /// Where `module`, imported by the file `from`, leads.
    ///
    /// A path of Rust leads to a file only where the whole path is the file's module: see
    /// [`Program::locate`].
    #[must_use]
    pub fn resolve(&self, from: FileId, module: &str) -> Target {
        let file = self.file(from);
        match file.module.language {
            Language::Python => self.resolve_python(file.path, module),
            Language::Rust => self.resolve_rust(from, module),
            _ => self.resolve_script(file.path, module),
        }
    }

    /// The folder and the `package.json` of the package that a file lies in.
    #[must_use]
    pub fn package_of(&self, path: &str) -> Option<(&'p str, &'p Expr)> {
        let mut folder = folder_of(path);
        loop {
            if let Some(package) = self.packages.at(folder) {
                return Some((package.folder, package.manifest()));
            }
            if folder.is_empty() {
                return None;
            }
            folder = folder_of(folder);
        }
    }

    /// Where a name comes from that a file uses without importing it, as Nuxt has it: a file and the
    /// name that it exports.
    #[must_use]
    pub fn imported_unasked(&self, from: FileId, name: &str) -> Option<(FileId, SmolStr)> {
        self.nuxt.find(self.file(from).path, name)
    }

    /// The names of the modules that a file of a language other than Rust imports, in functions too.
    #[must_use]
    pub fn imports_of(&self, id: FileId) -> Vec<String> {
        imports::names(self.file(id).module)
    }

    /// The files of the program that a file imports, in functions too.
    #[must_use]
    pub fn imported_by(&self, id: FileId) -> Vec<FileId> {
        let names = self.imports_of(id);
        let targets = names.iter().map(|name| self.resolve(id, name));
        targets
            .filter_map(|target| match target {
                Target::File(file) => Some(file),
                _ => None,
            })
            .collect()
    }

    /// The place of each file in an order in which what imports a file stands before it, but for
    /// circles.
    #[must_use]
    pub fn importers_first(&self) -> Vec<usize> {
        let imports: Vec<Vec<FileId>> = self.ids().map(|id| self.imported_by(id)).collect();
        let mut is_imported = vec![false; imports.len()];
        for target in imports.iter().flatten() {
            is_imported[target.0 as usize] = true;
        }
        // First from the files that nothing imports, then from those of circles.
        let (begins, others): (Vec<usize>, Vec<usize>) =
            (0..imports.len()).partition(|at| !is_imported[*at]);
        let mut seen = vec![false; imports.len()];
        let mut done: Vec<usize> = Vec::with_capacity(imports.len());
        for start in begins.into_iter().chain(others) {
            let mut open = vec![(start, 0)];
            while let Some((at, next)) = open.pop() {
                if next == 0 && std::mem::replace(&mut seen[at], true) {
                    continue;
                }
                match imports[at].get(next) {
                    Some(target) => open.extend([(at, next + 1), (target.0 as usize, 0)]),
                    None => done.push(at),
                }
            }
        }
        let mut places = vec![0; imports.len()];
        for (place, at) in done.into_iter().rev().enumerate() {
            places[at] = place;
        }
        places
    }

    /// The modules that a file's imports lead to but that are not in the program. `open` keeps what
    /// earlier, smaller programs have left open.
    pub fn missing_imports(&self, id: FileId, open: &mut OpenPaths, out: &mut BTreeSet<String>) {
        let module = self.file(id).module;
        let targets: Vec<Target> = match module.language {
            Language::Rust => self.targets(id, open),
            _ => imports::names(module).iter().map(|name| self.resolve(id, name)).collect(),
        };
        for target in targets {
            // A style sheet or a picture has no module, and documents are here already.
            if let Target::Missing(path) = target
                && language::of(&path, None).has_module()
            {
                out.insert(path);
            }
        }
        self.nuxt.missing(self.file(id).path, out);
        if module.language == Language::Python && imports::names_are_computed(module) {
            self.missing_neighbours(self.file(id).path, out);
        }
    }
}

impl Program<'_> {
    /// The modules beside a file that are not in the program: what imports by names that it
    /// computes mostly finds these.
    fn missing_neighbours(&self, path: &str, out: &mut BTreeSet<String>) {
        let folder = folder_of(path);
        for name in self.entries(folder, MAX_NEIGHBOURS).unwrap_or_default() {
            let module = join(folder, &name);
            for path in [format!("{module}/__init__.py"), module] {
                if path.ends_with(".py") && matches!(self.exists(&path), Some(Target::Missing(_))) {
                    out.insert(path);
                }
            }
        }
    }
}

/// The most names in a folder of which all are looked at.
const MAX_NEIGHBOURS: usize = 200;

/// The folder that a file is in; empty for the root.
fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// The last part of a path.
fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// A folder and those above it, up to the root.
fn upwards(folder: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(folder), |folder| (!folder.is_empty()).then(|| folder_of(folder)))
}

/// How many folders two paths share from the root.
fn shared(one: &str, other: &str) -> usize {
    one.split('/').zip(other.split('/')).take_while(|(a, b)| a == b).count()
}

/// Of several folders the one nearest to a file; the first of equals.
fn nearest<'c, T>(from: &str, candidates: &'c [T], folder: impl Fn(&T) -> &str) -> Option<&'c T> {
    let mut best = None;
    for candidate in candidates {
        let near = shared(from, folder(candidate));
        if best.is_none_or(|(most, _)| near > most) {
            best = Some((near, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

fn join(folder: &str, name: &str) -> String {
    match (folder.is_empty(), name.is_empty()) {
        (true, _) => name.to_owned(),
        (_, true) => folder.to_owned(),
        _ => format!("{folder}/{name}"),
    }
}

/// `folder/relative` without `.` and `..`; `None` when it leaves the tree.
#[must_use]
pub fn normalise(folder: &str, relative: &str) -> Option<String> {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in relative.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}
