//! The program: modules by file, and where an import leads.

use std::collections::{BTreeMap, BTreeSet};

use smol_str::SmolStr;

use super::value::FileId;
use crate::module::visit::{self, Visitor, Walk};
use crate::module::{Export, Expr, ExprKind, Import, ImportNames, Module, Stmt, StmtKind};
use crate::source::Language;

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

const SCRIPT_ENDINGS: &[&str] = &[
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

impl<'p> Program<'p> {
    /// Links modules, given in order of their paths. `known` names every file of the tree, also
    /// those whose modules are not here.
    #[must_use]
    pub fn new(
        modules: impl IntoIterator<Item = (&'p str, &'p Module)>,
        known: Option<&'p BTreeSet<String>>,
    ) -> Self {
        let mut out = Self { known, ..Self::default() };
        for (path, module) in modules {
            let id = FileId(u32::try_from(out.files.len()).unwrap_or(u32::MAX));
            out.files.push(ProgramFile { path, module });
            out.by_path.insert(path, id);
            out.add_folders(path);
        }
        if let Some(known) = known {
            for path in known {
                out.add_folders(path);
            }
        }
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

    fn exists(&self, path: &str) -> Option<Target> {
        if let Some(id) = self.by_path.get(path) {
            return Some(Target::File(*id));
        }
        self.known?.contains(path).then(|| Target::Missing(path.to_owned()))
    }

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

    /// Where `module`, imported by the file `from`, leads.
    #[must_use]
    pub fn resolve(&self, from: FileId, module: &str) -> Target {
        let file = self.file(from);
        match file.module.language {
            Language::Python => self.resolve_python(file.path, module),
            Language::Rust => Target::External(module.into()),
            _ => self.resolve_script(file.path, module),
        }
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

    fn resolve_python(&self, from: &str, module: &str) -> Target {
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
            if let Some(target @ (Target::File(_) | Target::Missing(_))) =
                self.python_at(&join(&folder, "src"), module)
            {
                return target;
            }
            if folder.is_empty() {
                break;
            }
            folder = folder.rsplit_once('/').map_or("", |(up, _)| up).to_owned();
        }
        package_only.unwrap_or_else(external)
    }

    fn script_at(&self, path: &str) -> Option<Target> {
        if let Some(target) = SCRIPT_ENDINGS
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

    fn resolve_script(&self, from: &str, module: &str) -> Target {
        let folder = from.rsplit_once('/').map_or("", |(folder, _)| folder);
        if module == "." || module == ".." || module.starts_with("./") || module.starts_with("../")
        {
            return normalise(folder, module)
                .and_then(|path| {
                    if path.is_empty() { self.script_at("index") } else { self.script_at(&path) }
                })
                .unwrap_or_else(|| Target::External(module.into()));
        }
        // Path aliases (`@/x`, `~/x`) and base URLs (`app/x`): the same path below a folder above,
        // or below its `src`.
        let aliased = module.strip_prefix("@/").or_else(|| module.strip_prefix("~/"));
        let rest = aliased.unwrap_or(module);
        if aliased.is_some() || rest.contains('/') && !module.starts_with('@') {
            let mut folder = folder.to_owned();
            loop {
                for base in ["", "src", "app"] {
                    if let Some(target) = self.script_at(&join(&join(&folder, base), rest)) {
                        return target;
                    }
                }
                if folder.is_empty() {
                    break;
                }
                folder = folder.rsplit_once('/').map_or("", |(up, _)| up).to_owned();
            }
        }
        Target::External(module.trim_start_matches("node:").into())
    }

    /// The modules that a file's imports lead to but that are not in the program.
    pub fn missing_imports(&self, id: FileId, out: &mut BTreeSet<String>) {
        let mut imports = Imports {
            is_python: self.file(id).module.language == Language::Python,
            names: Vec::new(),
        };
        visit::walk_module(&mut imports, self.file(id).module);
        for module in imports.names {
            if let Target::Missing(path) = self.resolve(id, &module) {
                out.insert(path);
            }
        }
    }
}

/// The modules that a file imports, in functions too.
struct Imports {
    is_python: bool,
    names: Vec<String>,
}

impl<'m> Visitor<'m> for Imports {
    fn enter_stmt(&mut self, stmt: &'m Stmt) -> Walk {
        match &stmt.kind {
            StmtKind::Import(Import { type_only: true, .. }) => {}
            StmtKind::Import(import) => {
                self.names.push(import.module.to_string());
                // Each name may be a module of its own.
                if let ImportNames::Names(names) = &import.names
                    && self.is_python
                {
                    let dot = if import.module.ends_with('.') { "" } else { "." };
                    self.names.extend(
                        names.iter().map(|(name, _)| format!("{}{dot}{name}", import.module)),
                    );
                }
            }
            StmtKind::Export(Export::From { module, .. }) => self.names.push(module.to_string()),
            _ => {}
        }
        Walk::Into
    }

    fn enter_expr(&mut self, expr: &'m Expr) -> Walk {
        self.names.extend(required(expr).map(str::to_owned));
        Walk::Into
    }
}

/// The module of `require("x")`.
fn required(expr: &Expr) -> Option<&str> {
    match &expr.kind {
        ExprKind::Call(call) => {
            match (&call.callee.kind, call.args.first().map(|arg| &arg.value.kind)) {
                (ExprKind::Name(name), Some(ExprKind::Text(parts)))
                    if matches!(name.as_str(), "require" | "import") =>
                {
                    match parts.as_slice() {
                        [crate::module::TextPart::Literal(text)] => Some(text),
                        _ => None,
                    }
                }
                _ => None,
            }
        }
        _ => None,
    }
}

fn join(folder: &str, name: &str) -> String {
    match (folder.is_empty(), name.is_empty()) {
        (true, _) => name.to_owned(),
        (_, true) => folder.to_owned(),
        _ => format!("{folder}/{name}"),
    }
}

/// `folder/relative` without `.` and `..`; `None` when it leaves the tree.
fn normalise(folder: &str, relative: &str) -> Option<String> {
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

impl Program<'_> {
    /// A module directly inside a folder.
    #[must_use]
    pub fn submodule(&self, folder: &str, name: &str) -> Option<Target> {
        self.python_at(folder, name)
    }
}
