//! Callbacks of `.catch(…)` that answer with made-up data, or as if all went well.

use super::CheckMatch;
use super::except_data::{Answers, verdict};
use super::shape::Body;
use crate::module::visit::{Visitor, Walk, walk_block, walk_module};
use crate::module::{Expr, ExprKind, Module};
use crate::source::Source;

/// The call that takes the callback.
pub const NEEDS: &[&str] = &[".catch("];

/// Finds them.
#[must_use]
pub fn check(_: &Source, module: &Module) -> Vec<CheckMatch> {
    let mut search = Promises { found: Vec::new() };
    walk_module(&mut search, module);
    search.found
}

struct Promises {
    found: Vec<CheckMatch>,
}

impl<'m> Visitor<'m> for Promises {
    fn enter_expr(&mut self, expr: &'m Expr) -> Walk {
        if let ExprKind::Call(call) = &expr.kind
            && matches!(&call.callee.kind, ExprKind::Attribute { name, .. } if name == "catch")
            && let [only] = call.args.as_slice()
            && let ExprKind::Function(callback) = &only.value.kind
        {
            let mut answers = Answers { values: Vec::new(), error: None };
            walk_block(&mut answers, &callback.body);
            // What lets other errors through knows the one that it answers.
            let values = if Body::of(callback).raises > 0 { Vec::new() } else { answers.values };
            for value in values {
                if let Some(what) = verdict(value) {
                    self.found.push(CheckMatch {
                        span: value.span,
                        captures: vec![("what", what.to_owned())],
                        accepted: None,
                    });
                }
            }
        }
        Walk::Into
    }
}
