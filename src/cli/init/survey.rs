//! What a repository looks like from above.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::source::Role;

/// What a repository looks like from above.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Survey {
    /// Files per language.
    pub(super) languages: BTreeMap<&'static str, usize>,
    /// Folders that hold a manifest, with its name; the root is empty.
    pub(super) roots: BTreeSet<(String, &'static str)>,
    /// Globs of folders whose names tell what they are for.
    pub(super) roles: BTreeMap<String, Role>,
}

/// Endings that count a file for a language.
const LANGUAGES: &[(&str, &[&str])] = &[
    ("HTML", &["html", "htm"]),
    ("JavaScript", &["js", "jsx", "mjs", "cjs"]),
    ("Python", &["py", "pyi"]),
    ("Rust", &["rs"]),
    ("SQL", &["sql"]),
    ("Svelte", &["svelte"]),
    ("TypeScript", &["ts", "tsx", "mts", "cts"]),
    ("Vue", &["vue"]),
];

const MANIFESTS: &[&str] =
    &["Cargo.toml", "package.json", "pyproject.toml", "requirements.txt", "setup.py"];

/// Names of folders that tell what is in them.
const FOLDERS: &[(Role, &[&str])] = &[
    (Role::Test, &["test", "tests", "__tests__", "spec", "e2e", "cypress", "playwright"]),
    (Role::Mock, &["__mocks__", "mocks"]),
    (Role::Example, &["example", "examples", "demo", "demos"]),
    (Role::Script, &["scripts"]),
    (Role::Migration, &["migrations", "alembic"]),
    (Role::Docs, &["doc", "docs"]),
    (Role::Vendored, &["vendor", "third_party"]),
];

/// From so many folders of one name on, one glob stands for all of them.
const MANY: usize = 4;

/// Enough to know a repository by.
const MAX_ENTRIES: usize = 100_000;

/// Looks at names only: no file is opened but those that say what to ignore.
pub(super) fn survey(root: &Path) -> Survey {
    let mut survey = Survey::default();
    let mut folders = Vec::<(String, &str, Role)>::new();
    let walk = ignore::WalkBuilder::new(root)
        // The user's own git settings are no property of the repository.
        .git_global(false)
        .parents(false)
        .require_git(false)
        .sort_by_file_name(Ord::cmp)
        .build();
    for entry in walk.flatten().take(MAX_ENTRIES) {
        let path = entry.path().strip_prefix(root).unwrap_or(entry.path());
        // A name that needs quoting in a glob or a comment is rare enough to be left to its owner.
        let Some(path) = path.to_str().filter(|path| plain(path)) else { continue };
        let name = path.rsplit('/').next().unwrap_or(path);
        let kind = entry.file_type();
        if kind.is_some_and(|kind| kind.is_dir()) {
            let inside = |folder: &str| path.starts_with(&format!("{folder}/"));
            // What lies in a test folder is for tests.
            if folders.iter().any(|(folder, ..)| inside(folder)) {
                continue;
            }
            let role = FOLDERS.iter().find_map(|(role, names)| {
                names.iter().find(|known| **known == name).map(|known| (*known, *role))
            });
            folders.extend(role.map(|(known, role)| (path.to_owned(), known, role)));
        } else if kind.is_some_and(|kind| kind.is_file()) {
            if let Some(manifest) = MANIFESTS.iter().find(|manifest| **manifest == name) {
                let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
                survey.roots.insert((folder.to_owned(), manifest));
            }
            let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
            if let Some((language, _)) = LANGUAGES.iter().find(|(_, known)| known.contains(&ending))
            {
                *survey.languages.entry(language).or_default() += 1;
            }
        }
    }
    for (path, name, role) in &folders {
        let many = folders.iter().filter(|(_, other, _)| other == name).count() >= MANY;
        let glob = if many { format!("**/{name}/**") } else { format!("{path}/**") };
        survey.roles.insert(glob, *role);
    }
    survey
}

fn plain(path: &str) -> bool {
    path.chars().all(|c| c.is_alphanumeric() || "/._- @+".contains(c))
}
