//! Exception handlers that catch everything and do nothing.

use super::CheckMatch;
use super::shape::says_nothing;
use crate::module::path::last_name;
use crate::module::visit::{Visitor, Walk, walk_module};
use crate::module::{Expr, ExprKind, Handler, Module, Span};
use crate::source::Source;

/// The words that begin a handler.
pub const NEEDS: &[&str] = &["except", "catch"];

/// Letters that a comment needs to say anything: `ignore` does, `// :(` does not.
const MIN_LETTERS: usize = 6;

/// Finds them.
#[must_use]
pub fn check(source: &Source, module: &Module) -> Vec<CheckMatch> {
    let mut search = Search { source, module, found: Vec::new() };
    walk_module(&mut search, module);
    search.found
}

struct Search<'m> {
    source: &'m Source,
    module: &'m Module,
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
    fn enter_handler(&mut self, handler: &'m Handler) -> Walk {
        if catches_all(handler.types.as_ref()) && handler.body.iter().all(says_nothing) {
            self.found.push(CheckMatch {
                span: handler.span,
                captures: Vec::new(),
                accepted: self.is_explained(handler.span).then(|| "a comment says why".to_owned()),
            });
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
