//! What manifests say about crates of Rust.

use std::collections::BTreeMap;

use super::{folder_of, join, name_of, nearest, normalise, upwards};
use crate::module::{Expr, data};

/// The packages of the tree.
#[derive(Debug, Default)]
pub(super) struct Crates<'p> {
    by_folder: BTreeMap<&'p str, Package<'p>>,
    /// The folders of the packages whose library has a name.
    by_name: BTreeMap<String, Vec<&'p str>>,
    /// The dependencies that the workspaces share, by name.
    workspaces: BTreeMap<&'p str, BTreeMap<&'p str, &'p Expr>>,
}

/// A folder whose `Cargo.toml` has a package.
#[derive(Debug)]
pub(super) struct Package<'p> {
    pub(super) folder: &'p str,
    manifest: &'p Expr,
    name: &'p str,
    /// The root file of its library.
    pub(super) library: Option<String>,
    /// The root files of everything else that the manifest names.
    declared: Vec<String>,
    /// Its dependencies by the names that code knows them by, as the manifest has them.
    dependencies: BTreeMap<String, (&'p str, &'p Expr)>,
}

impl<'p> Crates<'p> {
    pub(super) fn of(documents: &[(&'p str, &'p Expr)], exists: impl Fn(&str) -> bool) -> Self {
        let mut out = Self::default();
        for (path, manifest) in documents {
            if name_of(path) != "Cargo.toml" {
                continue;
            }
            let folder = folder_of(path);
            if data::get(manifest, "workspace").is_some() {
                let shared = data::at(manifest, &["workspace", "dependencies"]);
                out.workspaces.insert(folder, shared.into_iter().flat_map(data::pairs).collect());
            }
            if let Some(name) = data::text(manifest, &["package", "name"]) {
                out.add(Package::new(folder, manifest, name, &exists));
            }
        }
        out
    }

    fn add(&mut self, package: Package<'p>) {
        if package.library.is_some() {
            let name = data::text(package.manifest, &["lib", "name"]).unwrap_or(package.name);
            self.by_name.entry(name.replace('-', "_")).or_default().push(package.folder);
        }
        self.by_folder.insert(package.folder, package);
    }

    /// Whether a library of the tree has this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.by_name.contains_key(name)
    }

    /// The package that a file belongs to.
    pub(super) fn package(&self, file: &str) -> Option<&Package<'p>> {
        upwards(folder_of(file)).find_map(|folder| self.by_folder.get(folder))
    }

    /// The root file of the library that a file means by a name: what its manifest has under that
    /// name, or else what is called so.
    pub(super) fn library(&self, from: &str, name: &str) -> Option<&str> {
        let folder = match self.dependency(from, name) {
            Some(folder) => folder?,
            None => {
                let folders = self.by_name.get(name)?;
                (*nearest(from, folders, |folder| folder)?).to_owned()
            }
        };
        self.by_folder.get(folder.as_str())?.library.as_deref()
    }

    /// Whether the manifest of a file's package has a dependency under a name.
    pub(super) fn depends(&self, from: &str, name: &str) -> bool {
        self.dependency(from, name).is_some()
    }

    /// The folder of a dependency that the manifest of a file has under a name. `Some(None)` is
    /// one of a registry, even where the tree has a package of that name.
    fn dependency(&self, from: &str, name: &str) -> Option<Option<String>> {
        let package = self.package(from)?;
        let (key, mut value) = *package.dependencies.get(name)?;
        let mut folder = package.folder;
        if data::get(value, "workspace").is_some() {
            let workspace =
                upwards(folder).find_map(|folder| self.workspaces.get_key_value(folder));
            let (root, shared) = workspace?;
            (folder, value) = (root, shared.get(key)?);
        }
        Some(data::text(value, &["path"]).and_then(|path| normalise(folder, path)))
    }
}

/// The dependencies of a manifest by the names that code knows them by; the first of a name counts.
fn dependencies(manifest: &Expr) -> BTreeMap<String, (&str, &Expr)> {
    let mut out = BTreeMap::new();
    let tables = ["dependencies", "dev-dependencies", "build-dependencies"];
    for table in tables.iter().filter_map(|table| data::get(manifest, table)) {
        for (key, value) in data::pairs(table) {
            out.entry(key.replace('-', "_")).or_insert((key, value));
        }
    }
    out
}

impl<'p> Package<'p> {
    fn new(
        folder: &'p str,
        manifest: &'p Expr,
        name: &'p str,
        exists: &impl Fn(&str) -> bool,
    ) -> Self {
        let library = match data::text(manifest, &["lib", "path"]) {
            Some(path) => normalise(folder, path),
            None => Some(join(folder, "src/lib.rs")),
        };
        let library = library.filter(|path| exists(path));
        let declared: Vec<String> = ["bin", "example", "test", "bench"]
            .iter()
            .filter_map(|kind| data::get(manifest, kind))
            .flat_map(data::items)
            .filter_map(|target| normalise(folder, data::text(target, &["path"])?))
            .collect();
        let dependencies = dependencies(manifest);
        Self { folder, manifest, name, library, declared, dependencies }
    }

    /// Whether a file is the root of a crate of the package: it is declared, or it lies where
    /// roots lie.
    pub(super) fn is_root(&self, file: &str) -> bool {
        if self.library.iter().chain(&self.declared).any(|root| root == file) {
            return true;
        }
        let inside = file.strip_prefix(self.folder).unwrap_or(file).trim_start_matches('/');
        matches!(
            inside.split('/').collect::<Vec<_>>().as_slice(),
            ["build.rs"]
                | ["src", "main.rs"]
                | ["src", "bin", _]
                | ["src", "bin", _, "main.rs"]
                | ["tests" | "examples" | "benches", _]
                | ["tests" | "examples" | "benches", _, "main.rs"]
        )
    }

    /// Where the roots of the crates lie whose modules are in a folder: the library first.
    pub(super) fn roots(&self, folder: &str) -> Vec<String> {
        let mut roots: Vec<String> = self.library.iter().chain(&self.declared).cloned().collect();
        roots.push(join(folder, "main.rs"));
        roots.retain(|root| folder_of(root) == folder && self.is_root(root));
        roots
    }
}
