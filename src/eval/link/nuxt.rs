//! What Nuxt and Nitro import by themselves: the exports of `server/utils` and `shared/utils` are
//! names of every file of the server.

use std::collections::{BTreeMap, BTreeSet};

use smol_str::SmolStr;

use super::{FileId, ProgramFile, folder_of, name_of, upwards};
use crate::module::{Export, StmtKind};

/// Files that are asked for because their names might be used.
const MAX_FILES: usize = 2_000;

/// Folders below a project whose exports are names everywhere.
const FOLDERS: &[&str] = &[
    "server/utils/",
    "shared/utils/",
    "app/server/utils/",
    "src/server/utils/",
    "src/shared/utils/",
    "utils/",
];

/// The names by the folder with the configuration, and what is still to be read.
#[derive(Debug, Default)]
pub(super) struct Imports {
    by_root: BTreeMap<String, BTreeMap<SmolStr, (FileId, SmolStr)>>,
    missing: Vec<String>,
}

impl Imports {
    /// Of the files of a program. `known` names every file of the tree, `own` those of the program.
    pub(super) fn of<'p>(
        files: &[ProgramFile<'p>],
        known: Option<&BTreeSet<String>>,
        own: impl Iterator<Item = &'p str>,
    ) -> Self {
        let own: BTreeSet<&str> = own.collect();
        let mut out = Self::default();
        let all: Vec<&str> = match known {
            Some(known) => known.iter().map(String::as_str).collect(),
            None => own.iter().copied().collect(),
        };
        for path in all.iter().filter(|path| is_configuration(path)) {
            out.by_root.insert(folder_of(path).to_owned(), BTreeMap::new());
        }
        if out.by_root.is_empty() {
            return out;
        }
        let missing: Vec<String> = all
            .iter()
            .filter(|path| !own.contains(*path) && is_script(path) && out.root_of(path).is_some())
            .map(|path| (*path).to_owned())
            .take(MAX_FILES)
            .collect();
        out.missing = missing;
        for (at, file) in files.iter().enumerate() {
            let Some(root) = out.root_of(file.path).map(str::to_owned) else { continue };
            let id = FileId(u32::try_from(at).unwrap_or(u32::MAX));
            let Some(names) = out.by_root.get_mut(&root) else { continue };
            for stmt in &file.module.body {
                match &stmt.kind {
                    StmtKind::Export(Export::Value { name, .. }) if name == "default" => {
                        let stem = name_of(file.path).split('.').next().unwrap_or_default();
                        names.entry(stem.into()).or_insert((id, name.clone()));
                    }
                    StmtKind::Export(Export::Value { name, .. }) => {
                        names.entry(name.clone()).or_insert((id, name.clone()));
                    }
                    StmtKind::Export(Export::From { names: offered, .. }) => {
                        for (_, name) in offered {
                            names.entry(name.clone()).or_insert((id, name.clone()));
                        }
                    }
                    _ => {}
                }
            }
        }
        out
    }

    /// The project of a file whose exports are names everywhere in it.
    fn root_of(&self, path: &str) -> Option<&str> {
        let root = self.project(path)?;
        let rest = if root.is_empty() { path } else { path.strip_prefix(root)?.get(1..)? };
        FOLDERS.iter().any(|folder| rest.starts_with(folder)).then_some(root)
    }

    /// The folder above a file with a configuration.
    fn project(&self, path: &str) -> Option<&str> {
        let root = upwards(folder_of(path)).find(|folder| self.by_root.contains_key(*folder))?;
        self.by_root.get_key_value(root).map(|(root, _)| root.as_str())
    }

    /// Where a name comes from: the project itself, then its layers.
    pub(super) fn find(&self, from: &str, name: &str) -> Option<(FileId, SmolStr)> {
        let root = self.project(from)?;
        let own = self.by_root.get(root)?.get(name);
        own.or_else(|| self.by_root.values().find_map(|names| names.get(name))).cloned()
    }

    /// The files that a file of a project may take names from and that are not in the program.
    pub(super) fn missing(&self, from: &str, out: &mut BTreeSet<String>) {
        if !self.missing.is_empty() && self.project(from).is_some() {
            out.extend(self.missing.iter().cloned());
        }
    }
}

fn is_configuration(path: &str) -> bool {
    let name = name_of(path);
    name.starts_with("nuxt.config.") || name.starts_with("nitro.config.")
}

fn is_script(path: &str) -> bool {
    [".ts", ".js", ".mjs", ".mts", ".tsx"].iter().any(|ending| path.ends_with(ending))
        && !path.ends_with(".d.ts")
}
