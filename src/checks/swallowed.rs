//! Exception handlers that catch everything and do nothing.

use std::collections::BTreeMap;

use super::CheckMatch;
use super::shape::says_nothing;
use crate::module::path::last_name;
use crate::module::visit::{Visitor, Walk, walk_block, walk_module};
use crate::module::{Block, Expr, ExprKind, Function, Handler, Module, Span, Stmt, StmtKind};
use crate::source::Source;

/// The words that begin a handler.
pub const NEEDS: &[&str] = &["except", "catch"];

/// Letters that a comment needs to say anything: `ignore` does, `// :(` does not.
const MIN_LETTERS: usize = 6;

/// How many statements a conversion has, at most.
const CONVERSION: usize = 12;

/// Parts of the names of calls that reach out of the process: their failure is an event.
const REACHES_OUT: &[&str] = &[
    "close", "connect", "create", "delete", "destroy", "dispatch", "emit", "exec", "fetch",
    "insert", "load", "mkdir", "notify", "open", "post", "publish", "put", "query", "read",
    "remove", "request", "run", "save", "send", "set", "spawn", "start", "stop", "store", "sync",
    "unlink", "update", "upload", "write",
];

/// Calls that fail over the form of a value alone, or where a browser forbids its storage.
const CONVERTS: &[&str] = &[
    "parse",
    "stringify",
    "URL",
    "URLSearchParams",
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

/// Whether a block waits for nothing and calls nothing but conversions, one at least. What the
/// arguments of a conversion come from is part of it.
fn converts(block: &Block) -> bool {
    let calls = Calls::of(block);
    calls.conversions > 0 && calls.others == 0
}

/// Whether a block only takes values from what is at hand: it waits for nothing, reaches out to
/// nothing, and calls nothing for its effect.
fn computes(block: &Block) -> bool {
    fn only_binds(block: &Block) -> bool {
        block.iter().all(|stmt| match &stmt.kind {
            StmtKind::Bind(_) | StmtKind::Return(_) | StmtKind::Leave(_) => true,
            StmtKind::If { then, otherwise, .. } => only_binds(then) && only_binds(otherwise),
            _ => false,
        })
    }
    !block.is_empty() && only_binds(block) && Calls::of(block).reaching == 0
}

/// Whether a block calls nothing at all: only looking something up can fail.
fn looks_up(block: &Block) -> bool {
    let calls = Calls::of(block);
    calls.conversions + calls.others == 0
}

#[derive(Default)]
struct Calls {
    conversions: u32,
    others: u32,
    /// Those that may reach out of the process.
    reaching: u32,
    /// Within the arguments of a conversion.
    depth: u32,
}

impl Calls {
    fn of(block: &Block) -> Self {
        let mut calls = Self::default();
        walk_block(&mut calls, block);
        calls
    }
}

fn is_conversion(expr: &Expr) -> bool {
    matches!(&expr.kind, ExprKind::Call(call)
        if CONVERTS.contains(&last_name(&call.callee).unwrap_or_default()))
}

impl<'m> Visitor<'m> for Calls {
    fn enter_expr(&mut self, expr: &'m Expr) -> Walk {
        match &expr.kind {
            ExprKind::Await(_) => {
                self.others += 1;
                self.reaching += 1;
            }
            ExprKind::Call(call) => {
                let name = last_name(&call.callee).unwrap_or_default().to_ascii_lowercase();
                let reaches = REACHES_OUT.iter().any(|word| name.contains(word));
                self.reaching += u32::from(reaches);
                if is_conversion(expr) {
                    self.conversions += 1;
                    self.depth += 1;
                } else if self.depth == 0 || reaches {
                    self.others += 1;
                }
            }
            _ => {}
        }
        Walk::Into
    }

    fn leave_expr(&mut self, expr: &'m Expr) {
        if is_conversion(expr) {
            self.depth -= 1;
        }
    }
}

/// Finds them.
#[must_use]
pub fn check(source: &Source, module: &Module) -> Vec<CheckMatch> {
    let mut search = Search {
        source,
        module,
        excused: BTreeMap::new(),
        handled: 0,
        cleaning: Vec::new(),
        found: Vec::new(),
    };
    search.block(&module.body, false);
    walk_module(&mut search, module);
    search.found
}

struct Search<'m> {
    source: &'m Source,
    module: &'m Module,
    /// Why handlers may do nothing, by where they begin.
    excused: BTreeMap<u32, &'static str>,
    /// How many handlers are around.
    handled: u32,
    /// Blocks of `finally` around, by where they begin and end.
    cleaning: Vec<(u32, u32)>,
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

impl Search<'_> {
    /// Notes handlers behind which somebody looks at what came of it. `refused` says whether what
    /// comes after the block refuses.
    fn block(&mut self, block: &Block, refused: bool) {
        for (at, stmt) in block.iter().enumerate() {
            let next = block.get(at + 1).map_or(refused, refuses);
            match &stmt.kind {
                StmtKind::If { then, otherwise, .. } => {
                    self.block(then, next);
                    self.block(otherwise, next);
                }
                StmtKind::Loop { body, .. }
                | StmtKind::With { body, .. }
                | StmtKind::Block(body) => self.block(body, next),
                StmtKind::Try { body, handlers, .. } => {
                    self.block(body, next);
                    for handler in handlers {
                        self.block(&handler.body, next);
                        if next {
                            self.excuse(handler, "what follows raises when nothing came of it");
                        }
                    }
                }
                _ => {}
            }
        }
    }

    fn excuse(&mut self, handler: &Handler, reason: &'static str) {
        self.excused.entry(handler.span.start).or_insert(reason);
    }
}

/// Whether a statement raises, or asks whether it should.
fn refuses(stmt: &Stmt) -> bool {
    match &stmt.kind {
        StmtKind::Raise(_) => true,
        StmtKind::If { then, .. } => {
            then.last().is_some_and(|last| matches!(last.kind, StmtKind::Raise(_)))
        }
        _ => false,
    }
}

impl<'m> Visitor<'m> for Search<'m> {
    fn enter_stmt(&mut self, stmt: &'m Stmt) -> Walk {
        let StmtKind::Try { body, handlers, after } = &stmt.kind else { return Walk::Into };
        let is_script = self.source.language.is_script();
        let reason = if looks_up(body) {
            Some("nothing is called, and only a look-up can fail")
        } else if is_script && body.len() <= CONVERSION && converts(body) {
            Some("only a conversion can fail, and its handler has no types")
        } else if is_script && body.len() <= CONVERSION && computes(body) {
            Some("only a computation can fail, and its handler has no types")
        } else {
            None
        };
        if let Some(reason) = reason {
            handlers.iter().for_each(|handler| self.excuse(handler, reason));
        }
        // Python's `else` stands there, too, and is no clean-up.
        if is_script && let (Some(first), Some(last)) = (after.first(), after.last()) {
            self.cleaning.push((first.span.start, last.span.end));
        }
        Walk::Into
    }

    fn enter_function(&mut self, function: &'m Function) -> Walk {
        self.block(&function.body, false);
        Walk::Into
    }

    fn enter_handler(&mut self, handler: &'m Handler) -> Walk {
        let start = handler.span.start;
        if self.handled > 0 || self.cleaning.iter().any(|(from, to)| (*from..*to).contains(&start))
        {
            self.excuse(handler, "it cleans up after a first failure, which is what matters");
        }
        if catches_all(handler.types.as_ref()) && handler.body.iter().all(says_nothing) {
            let accepted = if self.is_explained(handler.span) {
                Some("a comment says why".to_owned())
            } else {
                self.excused.get(&start).map(|reason| (*reason).to_owned())
            };
            self.found.push(CheckMatch { span: handler.span, captures: Vec::new(), accepted });
        }
        self.handled += 1;
        Walk::Into
    }

    fn leave_handler(&mut self, _: &'m Handler) {
        self.handled -= 1;
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
