//! What a file imports, in functions too.

use std::collections::BTreeSet;

use smol_str::SmolStr;

use crate::module::path::last_name;
use crate::module::visit::{self, Visitor, Walk};
use crate::module::{
    Block, Export, Expr, ExprKind, Import, ImportNames, Module, Stmt, StmtKind, TextPart,
};
use crate::source::Language;

/// The modules that a file of a language other than Rust names.
pub(super) fn names(module: &Module) -> Vec<String> {
    let is_python = module.language == Language::Python;
    let mut imports = Imports { is_python, names: Vec::new() };
    visit::walk_module(&mut imports, module);
    imports.names
}

/// Whether a module of Python imports others by names that it computes.
pub(super) fn names_are_computed(module: &Module) -> bool {
    let mut computed = Computed { found: false };
    visit::walk_module(&mut computed, module);
    computed.found
}

struct Computed {
    found: bool,
}

impl<'m> Visitor<'m> for Computed {
    fn enter_expr(&mut self, expr: &'m Expr) -> Walk {
        if let ExprKind::Call(call) = &expr.kind
            && matches!(last_name(&call.callee), Some("import_module" | "__import__"))
            && required(expr).is_none()
        {
            self.found = true;
        }
        Walk::Into
    }
}

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

/// The module of `require("x")` and its kin.
#[must_use]
pub fn required(expr: &Expr) -> Option<&str> {
    match &expr.kind {
        ExprKind::Call(call) => {
            match (last_name(&call.callee), call.args.first().map(|arg| &arg.value.kind)) {
                (Some(name), Some(ExprKind::Text(parts)))
                    if matches!(name, "import_module" | "__import__")
                        || matches!(&call.callee.kind, ExprKind::Name(_))
                            && matches!(name, "require" | "import") =>
                {
                    match parts.as_slice() {
                        [TextPart::Literal(text)] => Some(text),
                        _ => None,
                    }
                }
                _ => None,
            }
        }
        _ => None,
    }
}

/// A path of Rust with the inline modules that it stands in.
pub(super) type ScopedPath = (Vec<SmolStr>, String);

/// The paths that a Rust file names: those of its imports, and those of its expressions that begin
/// with a module of its own, with a name that it imports, or with a crate of the tree.
pub(super) fn rust(module: &Module, is_crate: impl Fn(&str) -> bool) -> BTreeSet<ScopedPath> {
    let mut heads = BTreeSet::new();
    let has_star = collect_modules(&module.body, &mut heads);
    let mut paths = Paths { is_crate, heads, has_star, scope: Vec::new(), found: BTreeSet::new() };
    visit::walk_module(&mut paths, module);
    paths.found
}

/// Collects what paths may begin with; whether everything of some module is imported, so that they
/// may begin with anything.
fn collect_modules<'m>(block: &'m Block, out: &mut BTreeSet<&'m str>) -> bool {
    let mut has_star = false;
    for stmt in block {
        match &stmt.kind {
            StmtKind::Namespace { name, body, .. } => {
                out.insert(name);
                has_star |= collect_modules(body, out);
            }
            StmtKind::Import(import) => match &import.names {
                ImportNames::Names(names) => out.extend(names.iter().map(|(_, local)| &**local)),
                ImportNames::Module(local) => {
                    out.insert(local);
                }
                ImportNames::Star => has_star = true,
                ImportNames::Effect => {}
            },
            _ => {}
        }
    }
    has_star
}

struct Paths<'m, F> {
    is_crate: F,
    /// The modules that the file declares, and the names that it imports.
    heads: BTreeSet<&'m str>,
    /// Whether everything of some module is imported.
    has_star: bool,
    scope: Vec<SmolStr>,
    found: BTreeSet<ScopedPath>,
}

impl<F> Paths<'_, F> {
    fn found(&mut self, path: String) {
        self.found.insert((self.scope.clone(), path));
    }
}

impl<'m, F: Fn(&str) -> bool> Visitor<'m> for Paths<'m, F> {
    fn enter_stmt(&mut self, stmt: &'m Stmt) -> Walk {
        match &stmt.kind {
            StmtKind::Namespace { name, .. } => self.scope.push(name.clone()),
            StmtKind::Import(import) => {
                self.found(import.module.to_string());
                if let ImportNames::Names(names) = &import.names {
                    for (name, _) in names {
                        self.found(format!("{}::{name}", import.module));
                    }
                }
            }
            _ => {}
        }
        Walk::Into
    }

    fn leave_stmt(&mut self, stmt: &'m Stmt) {
        if matches!(stmt.kind, StmtKind::Namespace { .. }) {
            self.scope.pop();
        }
    }

    fn enter_expr(&mut self, expr: &'m Expr) -> Walk {
        let mut names = Vec::new();
        let mut at = expr;
        while let ExprKind::Attribute { object, name, .. } = &at.kind {
            names.push(name.as_str());
            at = object;
        }
        let ExprKind::Name(head) = &at.kind else { return Walk::Into };
        if names.is_empty() {
            return Walk::Into;
        }
        let leads = matches!(head.as_str(), "crate" | "super")
            || self.heads.contains(head.as_str())
            || self.has_star && head.starts_with(char::is_lowercase)
            || (self.is_crate)(head);
        if leads {
            names.push(head);
            names.reverse();
            self.found(names.join("::"));
        }
        // The rest of the chain says no more.
        Walk::Skip
    }
}
