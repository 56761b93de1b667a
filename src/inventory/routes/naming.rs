//! How files name modules that they load: in texts, in manifests, in commands. Whoever looks for a
//! module that nobody loads looks for these, and takes what looks alike for one.

use std::collections::{BTreeMap, BTreeSet};

use regex::{RegexSet, RegexSetBuilder, escape};

use super::reach::Unloaded;
use crate::source::{Language, Role, language};

/// The most modules that are looked for.
const MAX_NAMED: usize = 100;
/// The most bytes of the automaton that looks.
const MAX_AUTOMATON: usize = 32 * 1024 * 1024;
/// The most files that are read because they may import one.
const MAX_READ: usize = 400;

/// Commands that are given a module to run.
const RUNNERS: &str = "python3?|node|uvicorn|gunicorn|hypercorn|daphne|granian|waitress-serve|\
                       flask|fastapi|sanic|quart|ts-node|tsx|bun|deno|pm2|nodemon|FLASK_APP";

/// How Python loads what nobody names.
const PYTHON_LOADS: &str = r"\b(import_module|__import__|import_string|exec_module|load_module|run_path|run_module|execfile)\b";

/// How scripts do; what a loader of browsers is given in a list is named.
const SCRIPTS_LOAD: &str = r"\b(requireAll|requireDir(ectory)?|consign|loadModules)\b|\b(require|import)\s*\(\s*(?:/\*[^*]*\*/\s*)?[^'\x22\s)/\[]";

/// A module, as others may name it.
#[derive(Debug, Clone)]
pub struct Named {
    /// Its file.
    pub path: String,
    /// What it is called: its file without the ending, or its folder.
    stem: String,
    /// The folder that it lies in; empty at the root.
    parent: String,
}

impl Named {
    /// A module of a file.
    #[must_use]
    pub fn of(path: &str) -> Self {
        let (mut folder, file) = path.rsplit_once('/').unwrap_or(("", path));
        let mut stem = file.split('.').next().unwrap_or(file);
        if matches!(stem, "__init__" | "index") && !folder.is_empty() {
            (folder, stem) = folder.rsplit_once('/').unwrap_or(("", folder));
        }
        let parent = folder.rsplit('/').next().unwrap_or(folder);
        Self { path: path.to_owned(), stem: stem.to_owned(), parent: parent.to_owned() }
    }

    /// Whether an import that leads out of the tree may mean it after all.
    #[must_use]
    pub fn may_be(&self, import: &str) -> bool {
        let import = import.rsplit_once('.').map_or(import, |(rest, ending)| match ending {
            "js" | "ts" | "mjs" | "cjs" => rest,
            _ => import,
        });
        let mut parts = import.rsplit(['/', '.', ':']);
        parts.next() == Some(&self.stem)
            && (self.parent.is_empty()
                || parts.next().is_some_and(|parent| {
                    parent == self.parent || matches!(parent, "" | "@" | "~" | "src")
                }))
    }

    /// Whether a text names the folder that it lies in, so that all in it may be loaded. The name
    /// alone says that for scripts only: packages of Python are often called as what they are
    /// about.
    #[must_use]
    pub fn lies_in(&self, text: &str) -> bool {
        if self.parent.is_empty() || text.len() > 200 {
            return false;
        }
        let text = text.trim_end_matches(['/', '*', '.']);
        let Some(rest) = text.strip_suffix(self.parent.as_str()) else { return false };
        match rest.chars().last() {
            None => !self.path.ends_with(".py"),
            Some('/') => !self.path.ends_with(".py") || rest.len() > 1,
            Some('.') => rest.len() > 1,
            Some(_) => false,
        }
    }

    /// What a file holds that tells to load it.
    fn mention(&self) -> String {
        let stem = escape(&self.stem);
        let mut out =
            format!(r"(?:^|\W){stem}(?:\.(?:py|js|ts|mjs|cjs|mts|cts|tsx|jsx)\b|:[A-Za-z_])");
        if !self.parent.is_empty() {
            let parent = escape(&self.parent);
            out += &format!(r"|(?:^|\W){parent}[./]{stem}(?:\W|$)");
        }
        format!("{out}|{}", self.command())
    }

    /// A command that runs it.
    fn command(&self) -> String {
        format!(r"(?:{RUNNERS})\b[^\n]*\W{}\b", escape(&self.stem))
    }
}

/// What mentions modules, each by a pattern at its place; `None` where they are too many.
#[must_use]
pub fn mentions(named: &[Named]) -> Option<RegexSet> {
    patterns(named.iter().map(Named::mention).collect())
}

fn patterns(patterns: Vec<String>) -> Option<RegexSet> {
    if patterns.len() > 3 * MAX_NAMED + 2 {
        return None;
    }
    RegexSetBuilder::new(patterns).size_limit(MAX_AUTOMATON).build().ok()
}

/// A file of the tree that holds some of what was looked for.
#[derive(Debug)]
pub struct Hit {
    /// Its path.
    pub path: String,
    /// What it is for.
    pub role: Role,
    /// The patterns that it holds, by their places.
    pub patterns: Vec<usize>,
}

/// What is to be looked for in the files of the tree.
pub struct Search {
    named: Vec<Named>,
    /// What is looked for.
    pub patterns: RegexSet,
}

/// What a search has found.
pub struct Found {
    /// Modules that something outside the program loads.
    pub loaded: BTreeSet<String>,
    /// Files that may import others, and that must be read to know.
    pub unread: BTreeSet<String>,
}

impl Search {
    /// A search for the modules that nothing in the program leads to; `None` where they are too
    /// many to be sure of any.
    #[must_use]
    pub fn of(unloaded: &Unloaded) -> Option<Self> {
        let named: Vec<Named> = unloaded.keys().map(|path| Named::of(path)).collect();
        let each = named.iter().flat_map(|named| {
            [named.mention(), named.command(), format!(r"\b{}\b", escape(&named.stem))]
        });
        let unknown = [PYTHON_LOADS, SCRIPTS_LOAD].map(str::to_owned);
        let patterns = patterns(each.chain(unknown).collect())?;
        Some(Self { named, patterns })
    }

    /// What the hits mean, given which files are in the program; `None` where nobody can be sure.
    #[must_use]
    pub fn judge(&self, hits: &[Hit], is_read: impl Fn(&str) -> bool) -> Option<Found> {
        let mut found = Found { loaded: BTreeSet::new(), unread: BTreeSet::new() };
        for hit in hits {
            let of = language::of(&hit.path, None);
            let is_code = of.has_module();
            if is_code && is_read(&hit.path) {
                continue;
            }
            for pattern in &hit.patterns {
                let Some(named) = self.named.get(pattern / 3) else {
                    // Only a program loads what it does not name.
                    let python = *pattern == 3 * self.named.len();
                    let both = |named: &Named| alike(of, language::of(&named.path, None));
                    if is_code
                        && python == (of == Language::Python)
                        && hit.role != Role::Docs
                        && self.named.iter().any(both)
                    {
                        return None;
                    }
                    continue;
                };
                match pattern % 3 {
                    0 if hit.role != Role::Docs => _ = found.loaded.insert(named.path.clone()),
                    1 => _ = found.loaded.insert(named.path.clone()),
                    2 if is_code && hit.role != Role::Docs => {
                        found.unread.insert(hit.path.clone());
                    }
                    _ => {}
                }
            }
        }
        (found.unread.len() <= MAX_READ).then_some(found)
    }
}

/// Whether modules of two languages may load each other.
#[must_use]
pub fn alike(one: Language, other: Language) -> bool {
    (one == Language::Python) == (other == Language::Python)
}

/// The modules that stay unloaded when some of them are loaded after all.
#[must_use]
pub fn rest(unloaded: &Unloaded, loaded: &BTreeSet<String>) -> BTreeSet<String> {
    let mut queue: Vec<&String> = loaded.iter().collect();
    let mut known: BTreeMap<&String, &BTreeSet<String>> = unloaded.iter().collect();
    while let Some(path) = queue.pop() {
        queue.extend(known.remove(path).into_iter().flatten());
    }
    known.into_keys().cloned().collect()
}
