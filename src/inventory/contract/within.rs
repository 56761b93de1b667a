//! Which of a module's names use which: what a file offers to others may need only a part of it.

use std::collections::BTreeSet;

use smol_str::SmolStr;

use crate::module::visit::{self, Visitor, Walk};
use crate::module::{Export, Expr, ExprKind, Module, Stmt, StmtKind};

/// What a module offers that needs something of it.
#[derive(Debug, Default)]
pub struct Users {
    /// The names that others see.
    pub exported: BTreeSet<SmolStr>,
    /// Whether loading the module itself needs it.
    pub at_once: bool,
}

/// Who uses what stands in a line of a module.
#[must_use]
pub fn of_line(module: &Module, line: u32) -> Users {
    // The last statement that begins before the line holds it.
    let holder = module.body.iter().rfind(|stmt| stmt.span.line <= line);
    match holder {
        Some(stmt) => {
            let names = defined(stmt);
            let runs_at_once = names.is_empty();
            let users = users(module, names);
            Users { at_once: users.at_once || runs_at_once, ..users }
        }
        None => Users { at_once: true, ..Users::default() },
    }
}

/// Who uses a name of a module.
#[must_use]
pub fn of_name(module: &Module, name: &SmolStr) -> Users {
    users(module, BTreeSet::from([name.clone()]))
}

fn users(module: &Module, mut names: BTreeSet<SmolStr>) -> Users {
    let statements: Vec<(&Stmt, BTreeSet<SmolStr>, BTreeSet<SmolStr>)> =
        module.body.iter().map(|stmt| (stmt, defined(stmt), mentioned(stmt))).collect();
    let mut out = Users::default();
    loop {
        let before = names.len();
        for (_, defined, mentioned) in &statements {
            if mentioned.iter().any(|name| names.contains(name)) {
                names.extend(defined.iter().cloned());
            }
        }
        if names.len() == before {
            break;
        }
    }
    for (stmt, defined, mentioned) in &statements {
        let uses = mentioned.iter().any(|name| names.contains(name));
        match &stmt.kind {
            StmtKind::Export(Export::Value { name, .. }) if uses || names.contains(name) => {
                out.exported.insert(name.clone());
            }
            StmtKind::Import(_) | StmtKind::Export(_) => {}
            _ => out.at_once |= uses && defined.is_empty(),
        }
    }
    out
}

/// The names that a statement at the top of a module makes.
fn defined(stmt: &Stmt) -> BTreeSet<SmolStr> {
    let mut out = BTreeSet::new();
    match &stmt.kind {
        StmtKind::Function(function) => out.extend(function.name.clone()),
        StmtKind::Class(class) => out.extend(class.name.clone()),
        StmtKind::Bind(bind) => bound(&bind.target, &mut out),
        StmtKind::Export(Export::Value { name, .. }) => out.extend([name.clone()]),
        _ => {}
    }
    out
}

fn bound(target: &Expr, out: &mut BTreeSet<SmolStr>) {
    match &target.kind {
        ExprKind::Name(name) => {
            out.insert(name.clone());
        }
        ExprKind::List(items) => items.iter().for_each(|item| bound(item, out)),
        ExprKind::Map(entries) => entries.iter().for_each(|entry| bound(&entry.value, out)),
        _ => {}
    }
}

fn mentioned(stmt: &Stmt) -> BTreeSet<SmolStr> {
    let mut mentioned = Mentioned(BTreeSet::new());
    if !matches!(stmt.kind, StmtKind::Import(_)) {
        visit::walk_stmt(&mut mentioned, stmt);
    }
    mentioned.0
}

struct Mentioned(BTreeSet<SmolStr>);

impl<'m> Visitor<'m> for Mentioned {
    fn enter_expr(&mut self, expr: &'m Expr) -> Walk {
        match &expr.kind {
            ExprKind::Name(name) => {
                self.0.insert(name.clone());
            }
            ExprKind::Markup(markup) => {
                self.0.extend(markup.tag.split('.').next().map(SmolStr::from));
            }
            _ => {}
        }
        Walk::Into
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::limits::Limits;
    use crate::module::lower;
    use crate::source::Language;

    fn module(text: &str) -> Module {
        lower::lower(Language::TypeScript, text, &Limits::default()).unwrap()
    }

    fn shown(users: &Users) -> String {
        let names: Vec<&str> = users.exported.iter().map(SmolStr::as_str).collect();
        format!("{}{}", names.join(" "), if users.at_once { " at once" } else { "" })
    }

    #[test]
    fn only_what_uses_a_line_is_a_user_of_it() {
        let module = module(
            "import { get } from './net'\nfunction load(id) {\n  return get(id)\n}\n\
             export const gone = () => get('/gone')\nexport function order(id) { return load(id) }\n\
             export default class Page { open() { return order(1) } }\nexport const other = 1\n",
        );
        assert_eq!(shown(&of_line(&module, 3)), "default order");
        assert_eq!(shown(&of_line(&module, 5)), "gone");
        assert_eq!(shown(&of_name(&module, &"get".into())), "default gone order");
        assert_eq!(shown(&of_name(&module, &"absent".into())), "");
    }

    #[test]
    fn what_runs_when_a_module_is_loaded_is_for_all_that_load_it() {
        let module = module("import { start } from './start'\nstart(document.body)\n");
        assert_eq!(shown(&of_name(&module, &"start".into())), " at once");
        assert_eq!(shown(&of_line(&module, 2)), " at once");
    }
}
