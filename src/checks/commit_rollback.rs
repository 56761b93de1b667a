//! Transactions in Python that are left open when something goes wrong.

use super::CheckMatch;
use crate::module::path::{Path, last_name};
use crate::module::visit::{Visitor, Walk, walk_block, walk_module};
use crate::module::{Block, Expr, ExprKind, Function, Module, Stmt, StmtKind};
use crate::source::Source;

/// The call that ends a transaction.
pub const NEEDS: &[&str] = &["commit("];

/// Names of what is committed.
const SESSIONS: &[&str] =
    &["session", "db", "conn", "connection", "transaction", "db_session", "cursor", "database"];

/// `try` blocks that commit, and whose handlers neither roll back nor raise.
#[must_use]
pub fn check(_: &Source, module: &Module) -> Vec<CheckMatch> {
    let mut search = Commits { found: Vec::new() };
    walk_module(&mut search, module);
    search.found
}

struct Commits {
    found: Vec<CheckMatch>,
}

impl<'m> Visitor<'m> for Commits {
    fn enter_stmt(&mut self, stmt: &'m Stmt) -> Walk {
        if let StmtKind::Try { body, handlers, after } = &stmt.kind
            && !handlers.is_empty()
            && let Some(commit) = calls(body, |object, name| {
                name == "commit" && object.is_some_and(|object| SESSIONS.contains(&object))
            })
            && !tidies(after)
        {
            for handler in handlers.iter().filter(|handler| !tidies(&handler.body)) {
                let catches_database = super::swallowed::catches_all(handler.types.as_ref())
                    || handler.types.as_ref().and_then(last_name).is_some_and(|name| {
                        matches!(
                            name,
                            "IntegrityError"
                                | "SQLAlchemyError"
                                | "DatabaseError"
                                | "OperationalError"
                        )
                    });
                if catches_database {
                    self.found.push(CheckMatch {
                        span: handler.span,
                        captures: vec![("commit", commit.to_string())],
                        accepted: None,
                    });
                }
            }
        }
        Walk::Into
    }
}

/// Whether a block rolls back, closes, raises, or ends the program.
fn tidies(block: &Block) -> bool {
    let mut raises = Raises { found: false };
    walk_block(&mut raises, block);
    raises.found
        || calls(block, |_, name| {
            matches!(
                name,
                "rollback"
                    | "close"
                    | "remove"
                    | "abort"
                    | "exit"
                    | "reset"
                    | "reraise"
                    | "dispose"
            ) || name.contains("rollback")
        })
        .is_some()
}

struct Raises {
    found: bool,
}

impl<'m> Visitor<'m> for Raises {
    fn enter_stmt(&mut self, stmt: &'m Stmt) -> Walk {
        self.found |= matches!(stmt.kind, StmtKind::Raise(_));
        Walk::Into
    }
}

/// The first call in a block that fits: asked are the name before the method, and the method.
fn calls(block: &Block, fits: impl Fn(Option<&str>, &str) -> bool) -> Option<Path<'_>> {
    struct Search<'m, F> {
        fits: F,
        found: Option<Path<'m>>,
    }
    impl<'m, F: Fn(Option<&str>, &str) -> bool> Visitor<'m> for Search<'m, F> {
        fn enter_expr(&mut self, expr: &'m Expr) -> Walk {
            if let ExprKind::Call(call) = &expr.kind
                && let Some(name) = last_name(&call.callee)
                && self.found.is_none()
            {
                let object = match &call.callee.kind {
                    ExprKind::Attribute { object, .. } => last_name(object),
                    _ => None,
                };
                if (self.fits)(object, name) {
                    self.found = Some(Path::of(&call.callee));
                }
            }
            Walk::Into
        }

        fn enter_function(&mut self, _: &'m Function) -> Walk {
            Walk::Skip
        }
    }
    let mut search = Search { fits, found: None };
    walk_block(&mut search, block);
    search.found
}
