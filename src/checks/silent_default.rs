//! Handlers that turn every failure of an outbound call into a value that says nothing: an outage
//! and an empty answer then look the same.

use super::CheckMatch;
use super::shape::{is_constant, is_neutral, says_nothing};
use super::swallowed::catches_all;
use crate::module::path::last_name;
use crate::module::visit::{Visitor, Walk, walk_block, walk_module};
use crate::module::{
    Block, Class, Expr, ExprKind, Function, Handler, Module, Span, Stmt, StmtKind,
};
use crate::source::Source;

/// The words that begin a handler.
pub const NEEDS: &[&str] = &["except", "catch"];

/// Methods that ask another program.
const OUTBOUND: &[&str] = &[
    "execute",
    "executemany",
    "fetchall",
    "fetchone",
    "fetchrow",
    "query",
    "findOne",
    "findMany",
    "findUnique",
    "findFirst",
    "findAll",
    "urlopen",
    "fetch",
    "axios",
    "got",
    "commit",
    "scalars",
    "send_mail",
    "sendMail",
    "publish",
    "upload_file",
    "put_object",
    "get_object",
];

/// Clients of HTTP, by the name before the method.
const CLIENTS: &[&str] = &["requests", "httpx", "axios", "session", "client", "http", "api"];

/// Names of functions whose answer to a failure is a plain no, or nothing.
const ASKS: &[&str] = &[
    "is", "has", "can", "try", "safe", "check", "exists", "test", "ping", "validate", "verify",
    "maybe", "probe", "detect", "supports", "health", "get_or", "should", "parse", "did",
];

/// Finds them.
#[must_use]
pub fn check(source: &Source, module: &Module) -> Vec<CheckMatch> {
    let mut search = Search { source, module, functions: Vec::new(), found: Vec::new() };
    walk_module(&mut search, module);
    search.found
}

struct Search<'m> {
    source: &'m Source,
    module: &'m Module,
    functions: Vec<&'m Function>,
    found: Vec<CheckMatch>,
}

impl Search<'_> {
    fn is_explained(&self, span: Span) -> bool {
        self.module.comments.iter().any(|comment| {
            span.start <= comment.span.start
                && comment.span.start <= span.end
                && comment.text.chars().filter(|c| c.is_alphabetic()).count() >= 6
        })
    }
}

impl<'m> Visitor<'m> for Search<'m> {
    fn enter_stmt(&mut self, stmt: &'m Stmt) -> Walk {
        let StmtKind::Try { body, handlers, .. } = &stmt.kind else { return Walk::Into };
        let Some(function) = self.functions.last() else { return Walk::Into };
        let name = function.name.as_deref().unwrap_or_default();
        if asks(name) || !calls_out(body) {
            return Walk::Into;
        }
        for handler in handlers {
            let Some(value) = answers_nothing(handler) else { continue };
            let what = self.source.text.get(value.start as usize..value.end as usize);
            self.found.push(CheckMatch {
                span: handler.span,
                captures: vec![
                    ("what", what.unwrap_or("nothing").to_owned()),
                    ("function", if name.is_empty() { "the function" } else { name }.to_owned()),
                ],
                accepted: self.is_explained(handler.span).then(|| "a comment says why".to_owned()),
            });
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

fn asks(name: &str) -> bool {
    let name = name.trim_start_matches('_').to_ascii_lowercase();
    ASKS.iter().any(|word| name.starts_with(word)) || name.ends_with("_or_none")
}

/// The value that a handler of everything returns, when that is all that it does.
fn answers_nothing(handler: &Handler) -> Option<Span> {
    if !catches_all(handler.types.as_ref()) {
        return None;
    }
    let mut rest = handler.body.iter().filter(|stmt| !says_nothing(stmt));
    let (only, None) = (rest.next()?, rest.next()) else { return None };
    match &only.kind {
        StmtKind::Return(Some(value)) if is_constant(value) && is_neutral(value) => {
            Some(value.span)
        }
        _ => None,
    }
}

/// Whether a block asks another program for something.
fn calls_out(block: &Block) -> bool {
    let mut outbound = Outbound { found: false };
    walk_block(&mut outbound, block);
    outbound.found
}

struct Outbound {
    found: bool,
}

impl<'m> Visitor<'m> for Outbound {
    fn enter_expr(&mut self, expr: &'m Expr) -> Walk {
        if let ExprKind::Call(call) = &expr.kind {
            let by_name = last_name(&call.callee).is_some_and(|name| OUTBOUND.contains(&name));
            let by_client = match &call.callee.kind {
                ExprKind::Attribute { object, name, .. } => {
                    matches!(
                        name.as_str(),
                        "get" | "post" | "put" | "patch" | "delete" | "request" | "send"
                    ) && last_name(object).is_some_and(|name| CLIENTS.contains(&name))
                }
                _ => false,
            };
            self.found |= by_name || by_client;
        }
        if self.found { Walk::Skip } else { Walk::Into }
    }

    fn enter_function(&mut self, _: &'m Function) -> Walk {
        Walk::Skip
    }

    fn enter_class(&mut self, _: &'m Class) -> Walk {
        Walk::Skip
    }
}
