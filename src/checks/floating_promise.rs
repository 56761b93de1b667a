//! Calls of asynchronous functions that nobody waits for, in functions that could have.

use std::collections::BTreeSet;

use super::CheckMatch;
use crate::module::visit::{Visitor, Walk, walk_module};
use crate::module::{Block, Class, Expr, ExprKind, Function, Module, Stmt, StmtKind};
use crate::source::Source;

/// The word that makes a function asynchronous.
pub const NEEDS: &[&str] = &["async"];

/// Finds them.
#[must_use]
pub fn check(_: &Source, module: &Module) -> Vec<CheckMatch> {
    let mut known = Known::default();
    walk_module(&mut known, module);
    known.functions.retain(|name| !known.others.contains(name));
    if known.functions.is_empty() && known.methods.is_empty() {
        return Vec::new();
    }
    let mut search = Search { known: &known, functions: Vec::new(), found: Vec::new() };
    walk_module(&mut search, module);
    search.found
}

/// The asynchronous functions of a module that let errors through.
#[derive(Default)]
struct Known<'m> {
    functions: BTreeSet<&'m str>,
    methods: BTreeSet<&'m str>,
    /// Names that something else has, too.
    others: BTreeSet<&'m str>,
    classes: u32,
    depth: u32,
}

impl<'m> Known<'m> {
    fn define(&mut self, name: &'m str, function: &'m Function) {
        if !function.is_async || function.is_generator || handles_all(&function.body) {
            self.others.insert(name);
        } else {
            self.functions.insert(name);
        }
    }
}

impl<'m> Visitor<'m> for Known<'m> {
    fn enter_stmt(&mut self, stmt: &'m Stmt) -> Walk {
        match &stmt.kind {
            StmtKind::Function(function) => {
                if let Some(name) = &function.name {
                    if self.classes > 0 && self.depth == 0 {
                        let lets_through = function.is_async
                            && !function.is_generator
                            && !handles_all(&function.body);
                        if lets_through {
                            self.methods.insert(name);
                        }
                    } else {
                        self.define(name, function);
                    }
                }
            }
            StmtKind::Bind(bind) => {
                if let ExprKind::Name(name) = &bind.target.kind {
                    match bind.value.as_ref().map(|value| &value.kind) {
                        Some(ExprKind::Function(function)) => self.define(name, function),
                        _ => {
                            self.others.insert(name);
                        }
                    }
                }
            }
            _ => {}
        }
        Walk::Into
    }

    fn enter_class(&mut self, _: &'m Class) -> Walk {
        self.classes += 1;
        Walk::Into
    }

    fn leave_class(&mut self, _: &'m Class) {
        self.classes -= 1;
    }

    fn enter_function(&mut self, _: &'m Function) -> Walk {
        self.depth += 1;
        Walk::Into
    }

    fn leave_function(&mut self, _: &'m Function) {
        self.depth -= 1;
    }
}

/// Whether a body is one `try`, so that no error leaves it. What stands before it is cheap.
fn handles_all(body: &Block) -> bool {
    body.iter()
        .any(|stmt| matches!(&stmt.kind, StmtKind::Try { handlers, .. } if !handlers.is_empty()))
}

struct Search<'k, 'm> {
    known: &'k Known<'m>,
    functions: Vec<&'m Function>,
    found: Vec<CheckMatch>,
}

impl<'m> Visitor<'m> for Search<'_, 'm> {
    fn enter_stmt(&mut self, stmt: &'m Stmt) -> Walk {
        if let StmtKind::Expr(expr) = &stmt.kind
            && let ExprKind::Call(call) = &expr.kind
            && self.functions.last().is_some_and(|function| function.is_async)
        {
            let name = match &call.callee.kind {
                ExprKind::Name(name) => {
                    Some(name.as_str()).filter(|name| self.known.functions.contains(name))
                }
                ExprKind::Attribute { object, name, .. } => is_this(object)
                    .then_some(name.as_str())
                    .filter(|name| self.known.methods.contains(name)),
                _ => None,
            };
            if let Some(name) = name {
                self.found.push(CheckMatch {
                    span: expr.span,
                    captures: vec![("function", name.to_owned())],
                    accepted: None,
                });
            }
        }
        Walk::Into
    }

    fn enter_function(&mut self, function: &'m Function) -> Walk {
        self.functions.push(function);
        Walk::Into
    }

    fn leave_function(&mut self, _: &'m Function) {
        self.functions.pop();
    }
}

fn is_this(object: &Expr) -> bool {
    matches!(&object.kind, ExprKind::Name(name) if name == "this")
}
