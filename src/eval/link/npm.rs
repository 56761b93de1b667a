//! What manifests say about modules of JavaScript and TypeScript: the packages of the tree by
//! their names, and the paths that compilers are told.

use std::collections::{BTreeMap, BTreeSet};

use super::{folder_of, join, name_of, nearest, normalise};
use crate::module::path::constant_text;
use crate::module::{Expr, ExprKind, data};

/// Configurations that extend each other are followed that far.
const MAX_EXTENDS: usize = 16;
/// Configurations of one folder that are looked into.
const MAX_CONFIGURATIONS: usize = 16;
/// Patterns of one configuration.
const MAX_PATTERNS: usize = 1_000;
/// Files that one path of a manifest is tried at.
const MAX_TARGETS: usize = 64;
/// Conditions inside each other.
const MAX_CONDITIONS: usize = 8;

/// The packages and configurations of the tree.
#[derive(Debug, Default)]
pub(super) struct Packages<'p> {
    by_folder: BTreeMap<&'p str, Package<'p>>,
    by_name: BTreeMap<&'p str, Vec<Package<'p>>>,
    aliases: BTreeMap<&'p str, Vec<Aliases>>,
}

/// A folder with a `package.json`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Package<'p> {
    /// The folder.
    pub(super) folder: &'p str,
    manifest: &'p Expr,
}

impl<'p> Packages<'p> {
    pub(super) fn of(documents: &[(&'p str, &'p Expr)]) -> Self {
        let mut out = Self::default();
        let mut configurations = BTreeMap::new();
        for (path, document) in documents {
            if name_of(path) == "package.json" {
                out.add(Package { folder: folder_of(path), manifest: document });
            } else {
                configurations.insert(*path, *document);
            }
        }
        let mut by_folder: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for path in configurations.keys() {
            let name = name_of(path);
            if name.starts_with("deno.json") || is_compiler_configuration(name) {
                by_folder.entry(folder_of(path)).or_default().push(path);
            }
        }
        for (folder, mut paths) in by_folder {
            // The configuration that editors and compilers look for comes first.
            paths.sort_by_key(|path| (path.len(), *path));
            let reader = Configurations { packages: &out, all: &configurations };
            let aliases = paths.iter().take(MAX_CONFIGURATIONS).map(|path| reader.aliases(path));
            let aliases: Vec<_> = aliases.filter(|aliases| !aliases.is_empty()).collect();
            out.aliases.insert(folder, aliases);
        }
        out
    }

    fn add(&mut self, package: Package<'p>) {
        self.by_folder.insert(package.folder, package);
        if let Some(name) = package.name() {
            self.by_name.entry(name).or_default().push(package);
        }
    }

    /// The package of a folder.
    pub(super) fn at(&self, folder: &str) -> Option<&Package<'p>> {
        self.by_folder.get(folder)
    }

    /// The packages of a name.
    pub(super) fn named(&self, name: &str) -> &[Package<'p>] {
        self.by_name.get(name).map_or(&[], Vec::as_slice)
    }

    /// What the configurations in a folder say.
    pub(super) fn aliases(&self, folder: &str) -> &[Aliases] {
        self.aliases.get(folder).map_or(&[], Vec::as_slice)
    }
}

impl<'p> Package<'p> {
    /// Its manifest.
    pub(super) fn manifest(&self) -> &'p Expr {
        self.manifest
    }

    pub(super) fn name(&self) -> Option<&'p str> {
        data::text(self.manifest, &["name"]).filter(|name| !name.is_empty())
    }

    pub(super) fn exports(&self) -> Option<&'p Expr> {
        data::get(self.manifest, "exports")
    }

    pub(super) fn imports(&self) -> Option<&'p Expr> {
        data::get(self.manifest, "imports")
    }

    /// The files that the manifest names for a module of the package, best first: the main one
    /// where `rest` is empty.
    pub(super) fn targets(&self, rest: &str) -> Vec<String> {
        let mut out = Vec::new();
        if let Some(exports) = self.exports() {
            let key = if rest.is_empty() { ".".to_owned() } else { format!("./{rest}") };
            let has_paths = data::pairs(exports).any(|(key, _)| key.starts_with('.'));
            if has_paths {
                out = mapped(exports, &key);
            } else if rest.is_empty() {
                conditions(exports, "", &mut out);
            }
        }
        if rest.is_empty() {
            let fields = ["source", "module", "main", "browser", "types", "typings"];
            out.extend(
                fields
                    .iter()
                    .filter_map(|field| data::text(self.manifest, &[field]))
                    .map(str::to_owned),
            );
        }
        out
    }
}

/// The files that a map of `exports` or `imports` gives for a path: the exact key, or the pattern
/// with the longest beginning.
pub(super) fn mapped(map: &Expr, path: &str) -> Vec<String> {
    let mut out = Vec::new();
    if let Some(value) = data::get(map, path) {
        conditions(value, "", &mut out);
        return out;
    }
    let fits = data::pairs(map).take(MAX_PATTERNS).filter_map(|(key, value)| {
        let (before, after) =
            key.split_once('*').or_else(|| Some((key, "")).filter(|_| key.ends_with('/')))?;
        let star = path.strip_prefix(before)?.strip_suffix(after)?;
        Some((before.len(), star, key, value))
    });
    if let Some((_, star, key, value)) = fits.max_by_key(|(length, ..)| *length) {
        conditions(value, star, &mut out);
        if key.ends_with('/') {
            out.iter_mut().for_each(|target| target.push_str(star));
        }
    }
    out
}

/// The texts of a value of `exports`, under whatever conditions; those for types come last.
fn conditions(value: &Expr, star: &str, out: &mut Vec<String>) {
    fn each(value: &Expr, star: &str, types: bool, depth: usize, out: &mut Vec<String>) {
        if depth > MAX_CONDITIONS || out.len() >= MAX_TARGETS {
            return;
        }
        match &value.kind {
            ExprKind::Text(_) if !types => {
                out.extend(constant_text(value).map(|text| text.replace('*', star)));
            }
            ExprKind::List(items) => {
                items.iter().for_each(|item| each(item, star, types, depth + 1, out));
            }
            ExprKind::Map(_) => {
                for (condition, value) in data::pairs(value) {
                    let is_types = condition == "types";
                    each(value, star, types && !is_types, depth + 1, out);
                }
            }
            _ => {}
        }
    }
    each(value, star, false, 0, out);
    each(value, star, true, 0, out);
}

/// `@acme/db/schema` is the package `@acme/db` and the path `schema`.
pub(super) fn split(module: &str) -> Option<(&str, &str)> {
    let scope = if module.starts_with('@') { module.find('/')? + 1 } else { 0 };
    let end = module[scope..].find('/').map_or(module.len(), |at| scope + at);
    let name = &module[..end];
    (end > scope).then(|| (name, module[end..].trim_start_matches('/')))
}

/// What a configuration says about imports that are no relative paths.
#[derive(Debug, Default)]
pub(super) struct Aliases {
    /// The folder below which they are looked for.
    base: Option<String>,
    patterns: Vec<Pattern>,
}

#[derive(Debug)]
struct Pattern {
    before: String,
    /// What stands behind the star; `None` without a star.
    after: Option<String>,
    /// Paths from the root, with a star each where the pattern has one.
    targets: Vec<String>,
}

impl Pattern {
    /// A pattern as written, whose targets are relative to a folder.
    fn new<'t>(pattern: &str, folder: &str, targets: impl Iterator<Item = &'t str>) -> Self {
        let (before, after) = match pattern.split_once('*') {
            Some((before, after)) => (before, Some(after.to_owned())),
            None => (pattern, None),
        };
        let targets = targets.take(MAX_TARGETS).filter_map(|target| normalise(folder, target));
        Self { before: before.to_owned(), after, targets: targets.collect() }
    }

    /// What stands for the star.
    fn star<'m>(&self, module: &'m str) -> Option<&'m str> {
        let rest = module.strip_prefix(&self.before)?;
        match &self.after {
            Some(after) => rest.strip_suffix(after.as_str()),
            None => rest.is_empty().then_some(rest),
        }
    }
}

impl Aliases {
    fn is_empty(&self) -> bool {
        self.base.is_none() && self.patterns.is_empty()
    }

    /// Takes the patterns, the ones that are to be tried first in front.
    fn patterns(&mut self, mut patterns: Vec<Pattern>) {
        patterns.sort_by(|a, b| {
            (a.after.is_some(), b.before.len()).cmp(&(b.after.is_some(), a.before.len()))
        });
        self.patterns = patterns;
    }

    /// The paths at which a module may be.
    pub(super) fn of(&self, module: &str) -> impl Iterator<Item = String> {
        let fits =
            self.patterns.iter().filter_map(move |pattern| Some((pattern, pattern.star(module)?)));
        let paths = fits.flat_map(|(pattern, star)| {
            pattern.targets.iter().map(move |target| target.replacen('*', star, 1))
        });
        paths.chain(self.base.iter().map(move |base| join(base, module)))
    }
}

/// `tsconfig.json`, `jsconfig.json` and their variants, but not those for tests, which put
/// something else in the place of what runs.
fn is_compiler_configuration(name: &str) -> bool {
    let for_tests = |part| matches!(part, "test" | "tests" | "spec" | "e2e" | "jest" | "vitest");
    name.ends_with(".json")
        && (name.starts_with("tsconfig") || name.starts_with("jsconfig"))
        && !name.split(['.', '-', '_']).any(for_tests)
}

/// Reads configurations.
struct Configurations<'c, 'p> {
    packages: &'c Packages<'p>,
    all: &'c BTreeMap<&'p str, &'p Expr>,
}

impl<'p> Configurations<'_, 'p> {
    fn aliases(&self, path: &'p str) -> Aliases {
        if name_of(path).starts_with("deno.json") {
            self.import_map(path)
        } else {
            self.compiler(path)
        }
    }

    /// The `imports` of `deno.json`.
    fn import_map(&self, path: &str) -> Aliases {
        let mut aliases = Aliases::default();
        let Some(imports) = self.all.get(path).and_then(|config| data::get(config, "imports"))
        else {
            return aliases;
        };
        let patterns = data::pairs(imports).take(MAX_PATTERNS).filter_map(|(key, value)| {
            let target = constant_text(value).filter(|target| target.starts_with('.'))?;
            let star = if key.ends_with('/') { "*" } else { "" };
            let target = format!("{target}{star}");
            Some(Pattern::new(&format!("{key}{star}"), folder_of(path), std::iter::once(&*target)))
        });
        aliases.patterns(patterns.collect());
        aliases
    }

    /// `baseUrl` and `paths` of a compiler's configuration, its own or what it extends.
    fn compiler(&self, path: &'p str) -> Aliases {
        let chain = self.chain(path);
        let option = |name: &str| {
            chain.iter().find_map(|path| {
                let value = data::at(self.all.get(path)?, &["compilerOptions", name])?;
                Some((folder_of(path), value))
            })
        };
        let here = folder_of(path);
        let place = |folder: &str, text: &str| match text.strip_prefix("${configDir}") {
            Some(rest) => normalise(here, rest),
            None => normalise(folder, text),
        };
        let base =
            option("baseUrl").and_then(|(folder, value)| place(folder, constant_text(value)?));
        let mut aliases = Aliases { base, patterns: Vec::new() };
        if let Some((folder, paths)) = option("paths") {
            let root = aliases.base.as_deref().unwrap_or(folder).to_owned();
            let patterns = data::pairs(paths).take(MAX_PATTERNS).map(|(pattern, targets)| {
                let targets: Vec<String> =
                    data::texts(targets).filter_map(|target| place(&root, target)).collect();
                Pattern::new(pattern, "", targets.iter().map(String::as_str))
            });
            aliases.patterns(patterns.collect());
        }
        aliases
    }

    /// A configuration and those that it extends, in the order in which they count.
    fn chain(&self, path: &'p str) -> Vec<&'p str> {
        let mut chain = Vec::new();
        let mut seen = BTreeSet::new();
        let mut next = vec![path];
        while let Some(path) = next.pop() {
            if chain.len() >= MAX_EXTENDS || !seen.insert(path) {
                continue;
            }
            chain.push(path);
            let extends = self.all.get(path).and_then(|config| data::get(config, "extends"));
            // The last of several counts first, and what it extends before the one in front of it.
            let extended = extends.into_iter().flat_map(data::texts).take(MAX_EXTENDS);
            next.extend(extended.filter_map(|spec| self.extended(path, spec)));
        }
        chain
    }

    /// The configuration that another one extends.
    fn extended(&self, from: &str, spec: &str) -> Option<&'p str> {
        let path = if spec.starts_with('.') {
            normalise(folder_of(from), spec)?
        } else {
            let (name, rest) = split(spec)?;
            let package = nearest(from, self.packages.named(name), |package| package.folder)?;
            let rest = if rest.is_empty() { "tsconfig.json" } else { rest };
            normalise(package.folder, rest)?
        };
        [path.clone(), format!("{path}.json"), join(&path, "tsconfig.json")]
            .iter()
            .find_map(|path| self.all.get_key_value(path.as_str()))
            .map(|(path, _)| *path)
    }
}
