//! How a module uses functions: which it defines, and by which protocol it calls them. Small enough
//! to be kept of every file, so that the whole project's usage can be compared.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::bodies::{self, Body};
use super::visit::{Visitor, Walk, walk_module};
use super::{Expr, ExprKind, Function, Import, ImportNames, Module, Stmt, StmtKind};
use crate::source::Language;

/// What a module defines and calls.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Uses {
    /// The functions that it defines, methods among them.
    pub defined: Vec<Defined>,
    /// The calls of functions that it defines or imports.
    pub calls: Vec<Use>,
    /// What its functions do towards a caller whom nobody knows.
    pub bodies: Vec<Body>,
}

/// A function.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Defined {
    /// Its name.
    pub name: SmolStr,
    /// Whether calling it only makes a coroutine or a promise.
    pub is_async: bool,
}

/// A call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Use {
    /// The function's name.
    pub name: SmolStr,
    /// What is done with the result.
    pub form: Form,
    /// Whether nobody looks at what comes of it, awaited or not.
    pub dropped: bool,
    /// The line.
    pub line: u32,
}

/// What is done with the result of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Form {
    /// `with f()`.
    Entered,
    /// `await f()`.
    Awaited,
    /// `x = f()`.
    Bound,
    /// `f()` as a statement.
    Dropped,
    /// Something else: it is returned, or part of an expression.
    Passed,
}

/// Looks at a module.
#[must_use]
pub fn of(module: &Module) -> Uses {
    // Rust's compiler tells of dropped futures and results itself.
    if module.language == Language::Rust {
        return Uses { bodies: bodies::of(module), ..Uses::default() };
    }
    let mut collector = Collector::default();
    walk_module(&mut collector, module);
    let Collector { mut uses, imported, entered, bound, .. } = collector;
    let defined: BTreeSet<&SmolStr> = uses.defined.iter().map(|defined| &defined.name).collect();
    // A value that is bound first and entered later follows the protocol.
    let later: BTreeSet<usize> =
        bound.iter().filter(|(_, name)| entered.contains(name)).map(|(at, _)| *at).collect();
    let known = |name: &SmolStr| defined.contains(name) || imported.contains(name);
    let calls: Vec<Use> = std::mem::take(&mut uses.calls)
        .into_iter()
        .enumerate()
        .map(|(at, call)| Use {
            form: if later.contains(&at) { Form::Entered } else { call.form },
            ..call
        })
        .filter(|call| known(&call.name))
        .collect();
    uses.calls = calls;
    uses.bodies = bodies::of(module);
    uses
}

#[derive(Default)]
struct Collector {
    uses: Uses,
    imported: BTreeSet<SmolStr>,
    /// Names that `with` enters.
    entered: BTreeSet<SmolStr>,
    /// The calls whose result is bound to a name, by their index.
    bound: Vec<(usize, SmolStr)>,
    /// What is done with the expression that begins and ends here.
    next: Vec<(u32, u32, Form, bool)>,
    /// How many blocks that are values are around: the statement of a comprehension is an element.
    values: u32,
    /// How many `try` are around, within which a call may be made to see whether it raises.
    tries: u32,
}

impl Collector {
    fn expect(&mut self, expr: &Expr, form: Form) {
        let form = if self.values > 0 && form == Form::Dropped { Form::Passed } else { form };
        let dropped = form == Form::Dropped && self.tries == 0;
        let (inner, form) = match &expr.kind {
            ExprKind::Await(inner) => {
                (&**inner, if form == Form::Entered { form } else { Form::Awaited })
            }
            _ => (expr, form),
        };
        let (start, end) = (inner.span.start, inner.span.end);
        // The statement that awaits has said what becomes of it.
        let known = self.next.iter().any(|next| (next.0, next.1) == (start, end));
        if matches!(inner.kind, ExprKind::Call(_)) && !known {
            self.next.push((start, end, form, dropped));
        }
    }

    fn define(&mut self, name: &SmolStr, function: &Function) {
        let is_async = function.is_async && !function.is_generator;
        self.uses.defined.push(Defined { name: name.clone(), is_async });
    }
}

impl<'m> Visitor<'m> for Collector {
    fn enter_stmt(&mut self, stmt: &'m Stmt) -> Walk {
        match &stmt.kind {
            StmtKind::With { items, .. } => {
                for (context, _) in items {
                    match &context.kind {
                        ExprKind::Name(name) => {
                            self.entered.insert(name.clone());
                        }
                        _ => self.expect(context, Form::Entered),
                    }
                }
            }
            StmtKind::Bind(bind) => {
                if let (ExprKind::Name(name), Some(value)) = (&bind.target.kind, &bind.value) {
                    if let ExprKind::Function(function) = &value.kind {
                        self.define(name, function);
                    }
                    if matches!(value.kind, ExprKind::Call(_)) {
                        self.bound.push((self.uses.calls.len(), name.clone()));
                    }
                }
                if let Some(value) = &bind.value {
                    self.expect(value, Form::Bound);
                }
            }
            StmtKind::Expr(expr) => self.expect(expr, Form::Dropped),
            StmtKind::Try { .. } => self.tries += 1,
            _ => {}
        }
        Walk::Into
    }

    fn leave_stmt(&mut self, stmt: &'m Stmt) {
        self.tries -= u32::from(matches!(stmt.kind, StmtKind::Try { .. }));
    }

    fn leave_expr(&mut self, expr: &'m Expr) {
        self.values -= u32::from(matches!(expr.kind, ExprKind::Block(_)));
    }

    fn enter_function(&mut self, function: &'m Function) -> Walk {
        if let Some(name) = &function.name {
            self.define(name, function);
        }
        Walk::Into
    }

    fn enter_expr(&mut self, expr: &'m Expr) -> Walk {
        match &expr.kind {
            ExprKind::Await(_) => self.expect(expr, Form::Awaited),
            ExprKind::Block(_) => self.values += 1,
            ExprKind::Call(call) => {
                let (start, end) = (expr.span.start, expr.span.end);
                let known = self.next.iter().rposition(|next| (next.0, next.1) == (start, end));
                let (form, dropped) = known.map_or((Form::Passed, false), |at| {
                    let next = self.next.swap_remove(at);
                    (next.2, next.3)
                });
                let name = match &call.callee.kind {
                    ExprKind::Name(name) => Some(name),
                    // Of other objects nobody can tell whose method it is.
                    ExprKind::Attribute { object, name, .. } => match &object.kind {
                        ExprKind::Name(object) if object == "self" || object == "this" => {
                            Some(name)
                        }
                        _ => None,
                    },
                    _ => None,
                };
                // Calls that are no candidates keep their place, since bindings count them.
                let name = name.cloned().unwrap_or_default();
                self.uses.calls.push(Use { name, form, dropped, line: expr.span.line });
            }
            _ => {}
        }
        Walk::Into
    }

    fn import(&mut self, import: &'m Import) {
        match &import.names {
            ImportNames::Names(names) => {
                self.imported.extend(
                    names
                        .iter()
                        .filter(|(theirs, ours)| theirs == ours)
                        .map(|(_, ours)| ours.clone()),
                );
            }
            ImportNames::Module(_) | ImportNames::Effect | ImportNames::Star => {}
        }
    }
}
