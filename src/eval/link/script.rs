//! Where the imports of JavaScript and TypeScript lead.

use crate::module::path::constant_text;
use crate::module::visit::{self, Visitor};
use crate::module::{Entry, data};

use super::{Program, Target, folder_of, join, nearest, normalise, npm, upwards};

/// What an import leaves out, in the order in which it is tried.
const ENDINGS: &[&str] = &[
    "",
    ".ts",
    ".tsx",
    ".js",
    ".mjs",
    ".cjs",
    ".jsx",
    ".mts",
    ".cts",
    ".vue",
    "/index.ts",
    "/index.tsx",
    "/index.js",
    "/index.mjs",
    "/index.cjs",
    "/index.jsx",
];

/// Folders into which a package is built, and `src`, out of which it is.
const BUILT: &[&str] =
    &["dist", "build", "lib", "out", "output", "esm", "cjs", "es", "types", "src", "dist-types"];

/// Endings of what is built.
const BUILT_ENDINGS: &[&str] =
    &[".d.ts", ".d.mts", ".d.cts", ".mjs", ".cjs", ".jsx", ".js", ".mts", ".cts", ".tsx", ".ts"];

/// Paths at which one import is looked for because configurations say so.
const MAX_ALIASES: usize = 64;

/// Looks for the path of a name in the map `alias` of a configuration.
struct Aliases<'n, 'm> {
    name: &'n str,
    found: Option<&'m str>,
}

impl<'m> Visitor<'m> for Aliases<'_, 'm> {
    fn enter_entry(&mut self, entry: &'m Entry) {
        if entry.key.as_ref().and_then(constant_text) == Some("alias") {
            self.found = self.found.or(data::text(&entry.value, &[self.name]));
        }
    }
}

impl Program<'_> {
    pub(super) fn resolve_script(&self, from: &str, module: &str) -> Target {
        let folder = folder_of(from);
        if module == "." || module == ".." || module.starts_with("./") || module.starts_with("../")
        {
            return normalise(folder, module)
                .and_then(|path| {
                    if path.is_empty() { self.script_at("index") } else { self.module_at(&path) }
                })
                .unwrap_or_else(|| Target::External(module.into()));
        }
        // A path that the program put together from its own place.
        if let Some(path) = module.strip_prefix('/')
            && let Some(target) = normalise("", path).and_then(|path| self.module_at(&path))
        {
            return target;
        }
        self.package_import(folder, module)
            .or_else(|| self.alias(folder, module))
            .or_else(|| self.svelte_alias(folder, module))
            .or_else(|| self.package(from, module))
            .or_else(|| self.guess(folder, module))
            .unwrap_or_else(|| Target::External(module.trim_start_matches("node:").into()))
    }

    fn script_at(&self, path: &str) -> Option<Target> {
        if let Some(target) = ENDINGS
            .iter()
            .filter(|ending| !ending.is_empty() || path.contains('.'))
            .find_map(|ending| self.exists(&format!("{path}{ending}")))
        {
            return Some(target);
        }
        // TypeScript writes the ending of what it will be compiled to.
        let (stem, ending) = path.rsplit_once('.')?;
        let sources: &[&str] = match ending {
            "js" => &[".ts", ".tsx"],
            "mjs" => &[".mts"],
            "cjs" => &[".cts"],
            "jsx" => &[".tsx"],
            _ => &[],
        };
        sources.iter().find_map(|source| self.exists(&format!("{stem}{source}")))
    }

    /// A file, or the entry of a package whose folder this is.
    fn module_at(&self, path: &str) -> Option<Target> {
        self.script_at(path).or_else(|| self.entry(self.packages.at(path)?, ""))
    }

    /// `#lib/x`, by the `imports` of the nearest manifest that has them.
    fn package_import(&self, folder: &str, module: &str) -> Option<Target> {
        if !module.starts_with('#') {
            return None;
        }
        let package = upwards(folder)
            .filter_map(|folder| self.packages.at(folder))
            .find(|package| package.imports().is_some())?;
        let targets = npm::mapped(package.imports()?, module);
        targets.iter().find_map(|target| match target.strip_prefix("./") {
            Some(file) => self.built(package.folder, file),
            None => self.package(&join(package.folder, "package.json"), target),
        })
    }

    /// By the paths and the base folders that the configurations above a file declare.
    fn alias(&self, folder: &str, module: &str) -> Option<Target> {
        upwards(folder)
            .flat_map(|folder| self.packages.aliases(folder))
            .flat_map(|aliases| aliases.of(module))
            .take(MAX_ALIASES)
            .find_map(|path| self.module_at(&path))
    }

    /// `$lib/x` and the aliases of `svelte.config`, of which the tool makes a configuration of the
    /// compiler that is not part of the tree.
    fn svelte_alias(&self, folder: &str, module: &str) -> Option<Target> {
        let (name, rest) = module.split_once('/').unwrap_or((module, ""));
        if !name.starts_with('$') {
            return None;
        }
        let (folder, config) = upwards(folder).find_map(|folder| {
            let config = ["js", "ts", "mjs"].iter().find_map(|ending| {
                self.by_path.get(join(folder, &format!("svelte.config.{ending}")).as_str())
            })?;
            Some((folder, *config))
        })?;
        let mut search = Aliases { name, found: None };
        visit::walk_module(&mut search, self.file(config).module);
        let base = match (search.found, name) {
            (Some(path), _) => path,
            (None, "$lib") => "src/lib",
            (None, _) => return None,
        };
        let path = normalise(folder, base)?;
        self.module_at(&join(&path, rest))
    }

    /// A package of the tree by its name, or a file in it.
    fn package(&self, from: &str, module: &str) -> Option<Target> {
        let (name, rest) = npm::split(module)?;
        let package = nearest(from, self.packages.named(name), |package| package.folder)?;
        let own = upwards(folder_of(from)).filter_map(|folder| self.packages.at(folder));
        let own = own.filter(|package| package.name().is_some()).map(|package| package.folder);
        // A package that is called like a library that it uses means the library: it would reach
        // itself through `exports`.
        let is_own = own.take(1).any(|own| own == package.folder);
        if is_own && rest.is_empty() && package.exports().is_none() {
            return None;
        }
        self.entry(package, rest)
    }

    /// A module of a package: the main one where `rest` is empty.
    fn entry(&self, package: &npm::Package<'_>, rest: &str) -> Option<Target> {
        let folder = package.folder;
        let declared = package.targets(rest);
        let found = declared.iter().find_map(|target| self.built(folder, target));
        if found.is_some() {
            return found;
        }
        if rest.is_empty() {
            return ["index", "src/index", "lib/index"]
                .iter()
                .find_map(|name| self.script_at(&join(folder, name)));
        }
        self.script_at(&join(folder, rest))
            .or_else(|| self.script_at(&join(folder, &join("src", rest))))
            .or_else(|| self.built(folder, rest))
    }

    /// A file of a package as its manifest names it, or else the source of which it is built:
    /// `dist/x.js` is `src/x.ts`.
    fn built(&self, folder: &str, file: &str) -> Option<Target> {
        let path = normalise(folder, file)?;
        let is_declaration = path.ends_with(".d.ts");
        if !is_declaration && let Some(target) = self.script_at(&path) {
            return Some(target);
        }
        let inside = path.strip_prefix(folder)?.trim_start_matches('/');
        let stem = BUILT_ENDINGS.iter().find_map(|ending| inside.strip_suffix(ending));
        let mut rest = stem.unwrap_or(inside);
        let mut tried = self.script_at(&join(folder, rest));
        while tried.is_none()
            && let Some((first, inner)) = rest.split_once('/')
            && BUILT.contains(&first)
        {
            rest = inner;
            tried = ["src", ""]
                .iter()
                .find_map(|source| self.script_at(&join(folder, &join(source, rest))));
        }
        tried
    }

    /// Aliases (`@/x`, `~/x`) and base folders (`app/x`) that no manifest explains: the same path
    /// below a folder above, or below its `src` or `app`.
    fn guess(&self, folder: &str, module: &str) -> Option<Target> {
        // Nuxt has the names doubled for the folder with the configuration.
        let aliases = ["@/", "~/", "@@/", "~~/"];
        let aliased = aliases.iter().find_map(|alias| module.strip_prefix(alias));
        let shared = module.strip_prefix('#').filter(|rest| rest.starts_with("shared/"));
        let aliased = aliased.or(shared);
        let rest = aliased.unwrap_or(module);
        if aliased.is_none() && (!rest.contains('/') || module.starts_with('@')) {
            return None;
        }
        upwards(folder).find_map(|folder| {
            ["", "src", "app"]
                .iter()
                .find_map(|base| self.script_at(&join(&join(folder, base), rest)))
        })
    }
}
