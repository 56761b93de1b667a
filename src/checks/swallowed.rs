//! Exception handlers that catch everything and do nothing.

use std::collections::BTreeSet;

use super::CheckMatch;
use super::shape::says_nothing;
use crate::module::path::last_name;
use crate::module::visit::{Visitor, Walk, walk_block, walk_module};
use crate::module::{Block, Expr, ExprKind, Handler, Module, Span, Stmt, StmtKind};
use crate::source::Source;

/// The words that begin a handler.
pub const NEEDS: &[&str] = &["except", "catch"];

/// Letters that a comment needs to say anything: `ignore` does, `// :(` does not.
const MIN_LETTERS: usize = 6;

/// How many statements a conversion has, at most.
const CONVERSION: usize = 3;

/// Calls that fail over the form of a value alone, or where a browser forbids its storage.
const CONVERTS: &[&str] = &[
    "parse",
    "stringify",
    "URL",
    "decodeURIComponent",
    "decodeURI",
    "atob",
    "toLocaleString",
    "RegExp",
    "getItem",
    "setItem",
    "removeItem",
    "NumberFormat",
    "DateTimeFormat",
    "format",
    "toISOString",
    "parseISO",
    "String",
    "Number",
    "get",
    "has",
    "replace",
    "split",
    "trim",
    "test",
    "match",
];

/// Whether a block waits for nothing and calls nothing but conversions, one at least.
fn converts(block: &Block) -> bool {
    struct Calls {
        conversions: u32,
        others: u32,
    }
    impl<'m> Visitor<'m> for Calls {
        fn enter_expr(&mut self, expr: &'m Expr) -> Walk {
            match &expr.kind {
                ExprKind::Await(_) => self.others += 1,
                ExprKind::Call(call) => {
                    let name = last_name(&call.callee).unwrap_or_default();
                    if CONVERTS.contains(&name) {
                        self.conversions += 1;
                    } else {
                        self.others += 1;
                    }
                }
                _ => {}
            }
            Walk::Into
        }
    }
    let mut calls = Calls { conversions: 0, others: 0 };
    walk_block(&mut calls, block);
    calls.conversions > 0 && calls.others == 0
}

/// Finds them.
#[must_use]
pub fn check(source: &Source, module: &Module) -> Vec<CheckMatch> {
    let mut search = Search { source, module, conversions: BTreeSet::new(), found: Vec::new() };
    walk_module(&mut search, module);
    search.found
}

struct Search<'m> {
    source: &'m Source,
    module: &'m Module,
    /// Where the handlers of mere conversions begin.
    conversions: BTreeSet<u32>,
    found: Vec<CheckMatch>,
}

impl Search<'_> {
    /// Whether somebody wrote down why: within the handler, or behind its last statement.
    fn is_explained(&self, span: Span) -> bool {
        let rest = self.source.text.get(span.end as usize..).unwrap_or_default();
        let line_end = u32::try_from(rest.find('\n').unwrap_or(rest.len()))
            .map_or(u32::MAX, |length| span.end.saturating_add(length));
        self.module.comments.iter().any(|comment| {
            span.start <= comment.span.start
                && comment.span.start <= line_end
                && comment.text.chars().filter(|c| c.is_alphabetic()).count() >= MIN_LETTERS
        })
    }
}

impl<'m> Visitor<'m> for Search<'m> {
    fn enter_stmt(&mut self, stmt: &'m Stmt) -> Walk {
        if let StmtKind::Try { body, handlers, .. } = &stmt.kind
            && self.source.language.is_script()
            && body.len() <= CONVERSION
            && converts(body)
        {
            self.conversions.extend(handlers.iter().map(|handler| handler.span.start));
        }
        Walk::Into
    }

    fn enter_handler(&mut self, handler: &'m Handler) -> Walk {
        if catches_all(handler.types.as_ref()) && handler.body.iter().all(says_nothing) {
            let accepted = if self.is_explained(handler.span) {
                Some("a comment says why".to_owned())
            } else {
                self.conversions
                    .contains(&handler.span.start)
                    .then(|| "only a conversion can fail, and its handler has no types".to_owned())
            };
            self.found.push(CheckMatch { span: handler.span, captures: Vec::new(), accepted });
        }
        Walk::Into
    }
}

/// Whether a handler catches everything.
pub(super) fn catches_all(types: Option<&Expr>) -> bool {
    match types.map(|types| &types.kind) {
        None => true,
        Some(ExprKind::Name(_) | ExprKind::Attribute { .. }) => types
            .and_then(last_name)
            .is_some_and(|name| matches!(name, "Exception" | "BaseException")),
        Some(ExprKind::List(all)) => all.iter().any(|one| catches_all(Some(one))),
        Some(_) => false,
    }
}
