//! Where the imports of Python lead.

use std::collections::{BTreeMap, BTreeSet};

use smol_str::SmolStr;

use super::{Program, Target, join, normalise};
use crate::eval::value::FileId;
use crate::module::{Expr, data};
use crate::source::Language;

/// Folders that hold packages, as `pyproject.toml` declares them: by the folder of the manifest.
#[derive(Debug, Default)]
pub(super) struct Roots(BTreeMap<String, BTreeSet<String>>);

impl Roots {
    pub(super) fn of(documents: &[(&str, &Expr)]) -> Self {
        let mut roots: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (path, manifest) in documents {
            let Some(folder) = path.strip_suffix("pyproject.toml") else { continue };
            let folder = folder.trim_end_matches('/');
            let tool = |keys: &[&str]| data::at(manifest, keys);
            let mut declared: Vec<&str> = Vec::new();
            declared.extend(data::text(manifest, &["tool", "setuptools", "package-dir", ""]));
            declared.extend(
                tool(&["tool", "setuptools", "packages", "find", "where"])
                    .into_iter()
                    .flat_map(data::texts),
            );
            let poetry = tool(&["tool", "poetry", "packages"]).into_iter().flat_map(data::items);
            declared.extend(poetry.filter_map(|package| data::text(package, &["from"])));
            let found = declared.iter().filter_map(|declared| normalise(folder, declared));
            roots.entry(folder.to_owned()).or_default().extend(found.filter(|root| root != folder));
        }
        Self(roots)
    }

    /// Those that the manifest in a folder declares.
    fn declared(&self, folder: &str) -> impl Iterator<Item = &String> + use<'_> {
        self.0.get(folder).into_iter().flatten()
    }
}

impl Program<'_> {
    /// The dotted name of a Python file as its importers would write it: from the nearest
    /// ancestor folder that is no package.
    #[must_use]
    pub fn module_name(&self, id: FileId) -> SmolStr {
        let file = self.file(id);
        match file.module.language {
            Language::Python => {
                let trimmed = file.path.trim_end_matches(".py");
                let trimmed = trimmed.strip_suffix("/__init__").unwrap_or(trimmed);
                let mut start = trimmed.rsplit_once('/').map_or("", |(folder, _)| folder);
                while !start.is_empty() && self.is_package(start) {
                    start = start.rsplit_once('/').map_or("", |(folder, _)| folder);
                }
                let relative = trimmed[start.len()..].trim_start_matches('/');
                SmolStr::from(relative.replace('/', "."))
            }
            _ => SmolStr::default(),
        }
    }

    fn is_package(&self, folder: &str) -> bool {
        self.exists(&format!("{folder}/__init__.py")).is_some()
    }

    /// A dotted Python path below a folder: a package before a module of the same name.
    fn python_at(&self, folder: &str, dotted: &str) -> Option<Target> {
        let path = dotted.replace('.', "/");
        let path = match (folder.is_empty(), path.is_empty()) {
            (true, _) => path,
            (false, true) => folder.to_owned(),
            (false, false) => format!("{folder}/{path}"),
        };
        if path.is_empty() {
            return None;
        }
        self.exists(&format!("{path}/__init__.py"))
            .or_else(|| self.exists(&format!("{path}.py")))
            .or_else(|| self.folders.contains(&path).then(|| Target::Package(path.into())))
    }

    pub(super) fn resolve_python(&self, from: &str, module: &str) -> Target {
        let external = || Target::External(module.trim_start_matches('.').into());
        let mut folder = from.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
        if let Some(first) = module.strip_prefix('.') {
            let rest = first.trim_start_matches('.');
            for _ in 0..first.len() - rest.len() {
                folder = folder.rsplit_once('/').map_or("", |(up, _)| up).to_owned();
            }
            return self.python_at(&folder, rest).unwrap_or_else(external);
        }
        // The import path holds the folders above the outermost package, nearest first; inside a
        // package a bare name never means a sibling.
        let mut package_only = None;
        loop {
            if folder.is_empty() || !self.is_package(&folder) {
                match self.python_at(&folder, module) {
                    // A folder without modules of its own is weak evidence: keep looking.
                    Some(Target::Package(path)) => {
                        package_only = package_only.or(Some(Target::Package(path)));
                    }
                    Some(target) => return target,
                    None => {}
                }
            }
            let declared = self.roots.declared(&folder).cloned();
            for root in std::iter::once(join(&folder, "src")).chain(declared) {
                if let Some(target @ (Target::File(_) | Target::Missing(_))) =
                    self.python_at(&root, module)
                {
                    return target;
                }
            }
            if folder.is_empty() {
                break;
            }
            folder = folder.rsplit_once('/').map_or("", |(up, _)| up).to_owned();
        }
        package_only.unwrap_or_else(external)
    }

    /// A module directly inside a folder.
    #[must_use]
    pub fn submodule(&self, folder: &str, name: &str) -> Option<Target> {
        self.python_at(folder, name)
    }
}
