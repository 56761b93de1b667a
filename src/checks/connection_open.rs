//! Connections to databases in Python that nobody closes.

use super::CheckMatch;
use crate::module::path::{Aliases, Path};
use crate::module::visit::{Visitor, Walk, walk_block, walk_module};
use crate::module::{Expr, ExprKind, Function, Module, Stmt, StmtKind};
use crate::source::Source;

/// The call that opens one.
pub const NEEDS: &[&str] = &["connect("];

/// Libraries whose `connect` opens a connection that somebody has to close.
const LIBRARIES: &[&str] = &[
    "sqlite3",
    "psycopg2",
    "psycopg",
    "pymysql",
    "MySQLdb",
    "mysql",
    "pyodbc",
    "cx_Oracle",
    "oracledb",
    "asyncpg",
    "aiosqlite",
    "aiomysql",
    "duckdb",
    "pymssql",
];

/// Connections that a function binds to a name of its own and never closes.
#[must_use]
pub fn check(_: &Source, module: &Module) -> Vec<CheckMatch> {
    let aliases = Aliases::of(module);
    if !LIBRARIES.iter().any(|library| aliases.imports(library)) {
        return Vec::new();
    }
    let mut search = Connections { aliases, found: Vec::new() };
    walk_module(&mut search, module);
    search.found
}

struct Connections<'m> {
    aliases: Aliases<'m>,
    found: Vec<CheckMatch>,
}

impl<'m> Visitor<'m> for Connections<'m> {
    fn enter_function(&mut self, function: &'m Function) -> Walk {
        let mut opened = Opened { aliases: &self.aliases, names: Vec::new() };
        walk_block(&mut opened, &function.body);
        for (name, place, path) in opened.names {
            let mut fate = Fate { name, leaves: false };
            walk_block(&mut fate, &function.body);
            if !fate.leaves {
                self.found.push(CheckMatch {
                    span: place.span,
                    captures: vec![("name", name.to_owned()), ("call", path)],
                    accepted: None,
                });
            }
        }
        Walk::Into
    }
}

/// `name = sqlite3.connect(…)` in a function's own body.
struct Opened<'a, 'm> {
    aliases: &'a Aliases<'m>,
    names: Vec<(&'m str, &'m Expr, String)>,
}

impl<'m> Visitor<'m> for Opened<'_, 'm> {
    fn enter_stmt(&mut self, stmt: &'m Stmt) -> Walk {
        if let StmtKind::Bind(bind) = &stmt.kind
            && let ExprKind::Name(name) = &bind.target.kind
            && let Some(value) = &bind.value
        {
            let inner = if let ExprKind::Await(inner) = &value.kind { inner } else { value };
            if let ExprKind::Call(call) = &inner.kind {
                let (path, _) = self.aliases.resolve(&Path::of(&call.callee));
                let opens = !path.opaque
                    && path.last() == "connect"
                    && path.segments.first().is_some_and(|first| LIBRARIES.contains(first));
                if opens {
                    self.names.push((name, value, path.to_string()));
                }
            }
        }
        Walk::Into
    }

    fn enter_function(&mut self, _: &'m Function) -> Walk {
        Walk::Skip
    }
}

/// Whether a connection is closed, entered by `with`, or given to somebody else.
struct Fate<'m> {
    name: &'m str,
    leaves: bool,
}

impl<'m> Fate<'m> {
    fn is_it(&self, expr: &Expr) -> bool {
        matches!(&expr.kind, ExprKind::Name(name) if name == self.name)
    }
}

impl<'m> Visitor<'m> for Fate<'m> {
    fn enter_stmt(&mut self, stmt: &'m Stmt) -> Walk {
        self.leaves |= match &stmt.kind {
            StmtKind::Return(Some(value)) => {
                self.is_it(value)
                    || matches!(&value.kind, ExprKind::Call(call) if matches!(
                        &call.callee.kind, ExprKind::Attribute { object, name, .. }
                            if name == "cursor" && self.is_it(object)))
                    || matches!(&value.kind, ExprKind::List(items) if items.iter().any(|item| self.is_it(item)))
            }
            StmtKind::Bind(bind) => bind.value.as_ref().is_some_and(|value| self.is_it(value)),
            // `with connection:` of sqlite3 and psycopg2 only ends the transaction, but whoever
            // writes it thinks of the end.
            StmtKind::With { items, .. } => items.iter().any(|(context, _)| self.is_it(context)),
            _ => false,
        };
        Walk::Into
    }

    fn enter_expr(&mut self, expr: &'m Expr) -> Walk {
        self.leaves |= match &expr.kind {
            ExprKind::Call(call) => {
                let closes = matches!(&call.callee.kind, ExprKind::Attribute { object, name, .. }
                    if name == "close" && self.is_it(object));
                closes || call.args.iter().any(|arg| self.is_it(&arg.value))
            }
            ExprKind::Assign { value, .. } => self.is_it(value),
            // A generator hands it out and is entered again.
            ExprKind::Other(parts) => parts.iter().any(|part| self.is_it(part)),
            ExprKind::Map(entries) => entries.iter().any(|entry| self.is_it(&entry.value)),
            _ => false,
        };
        Walk::Into
    }
}
