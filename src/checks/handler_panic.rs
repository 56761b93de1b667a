//! `unwrap` and `panic!` in Rust functions that answer requests.

use super::CheckMatch;
use super::shape::is_constant;
use crate::module::path::{Path, last_name};
use crate::module::visit::{Visitor, Walk, walk_block, walk_module};
use crate::module::{Arg, Call, Expr, ExprKind, Function, Module, Param, Stmt, StmtKind};
use crate::source::Source;

/// What ends a task when it goes wrong.
pub const NEEDS: &[&str] = &["unwrap()", "panic!", "expect("];

/// Types of parameters that a framework fills from a request.
const EXTRACTORS: &[&str] = &[
    "Json",
    "Query",
    "Form",
    "Multipart",
    "HttpRequest",
    "Extension",
    "TypedHeader",
    "RawQuery",
    "OriginalUri",
    "WebSocketUpgrade",
    "Cookies",
    "CookieJar",
    "PrivateCookieJar",
    "Identity",
    "ConnectInfo",
    "Path",
    "State",
    "Data",
    "Bytes",
    "HeaderMap",
];

/// Attributes that register a handler.
const ATTRIBUTES: &[&str] = &["get", "post", "put", "patch", "delete", "head", "handler", "route"];

/// Calls that fail over what a caller sent or another program answers.
const FALLIBLE: &[&str] = &[
    "parse",
    "from_str",
    "from_utf8",
    "decode",
    "from_slice",
    "to_str",
    "deserialize",
    "find",
    "try_from",
    "parse_str",
    "from_value",
    "from_reader",
    "get",
];

/// Finds them.
#[must_use]
pub fn check(_: &Source, module: &Module) -> Vec<CheckMatch> {
    let mut search = Search { found: Vec::new() };
    walk_module(&mut search, module);
    search.found
}

struct Search {
    found: Vec<CheckMatch>,
}

impl<'m> Visitor<'m> for Search {
    fn enter_function(&mut self, function: &'m Function) -> Walk {
        if function.name.is_some() && answers_requests(function) {
            let mut body = Panics { handler: function, found: Vec::new() };
            walk_block(&mut body, &function.body);
            self.found.append(&mut body.found);
        }
        Walk::Into
    }
}

/// Whether a framework calls the function for a request: an attribute registers it, or it is
/// asynchronous and two of its parameters, or the only one, are taken out of the request.
fn answers_requests(function: &Function) -> bool {
    let registered = function.decorators.iter().any(|decorator| match &decorator.kind {
        ExprKind::Call(call) => last_name(&call.callee)
            .is_some_and(|name| ATTRIBUTES.contains(&name) && !call.args.is_empty()),
        _ => false,
    });
    let extracts = |param: &&Param| {
        param.annotation.as_ref().and_then(type_name).is_some_and(|name| EXTRACTORS.contains(&name))
    };
    registered
        || function.is_async
            && function.params.iter().filter(extracts).any(|param| {
                matches!(param.annotation.as_ref().map(|of| &of.kind), Some(ExprKind::Index { .. }))
            })
            && function.params.iter().all(|param| last_name(&param.target) != Some("self"))
}

/// `Json` of `web::Json<Order>`.
fn type_name(of: &Expr) -> Option<&str> {
    match &of.kind {
        ExprKind::Index { object, .. } => type_name(object),
        ExprKind::Unary { operand, .. } => type_name(operand),
        _ => last_name(of),
    }
}

struct Panics<'m> {
    handler: &'m Function,
    found: Vec<CheckMatch>,
}

impl<'m> Panics<'m> {
    fn call(&mut self, expr: &'m Expr, call: &'m Call) {
        let Some(name) = last_name(&call.callee) else { return };
        let ExprKind::Attribute { object, .. } = &call.callee.kind else { return };
        if name != "unwrap"
            || !call.args.is_empty()
            || !may_fail(object)
            || self.is_asked(object, expr)
        {
            return;
        }
        self.push(expr, "unwrap()");
    }

    fn push(&mut self, expr: &Expr, what: &str) {
        self.found.push(CheckMatch {
            span: expr.span,
            captures: vec![
                ("what", what.to_owned()),
                ("function", self.handler.name.as_deref().unwrap_or_default().to_owned()),
            ],
            accepted: None,
        });
    }

    /// Whether the handler asks `x.is_some()` or `x.is_none()` before it unwraps `x`.
    fn is_asked(&self, object: &'m Expr, place: &Expr) -> bool {
        let path = Path::of(object);
        if path.opaque {
            return false;
        }
        let mut asked = Asked { path, before: place.span.start, found: false };
        walk_block(&mut asked, &self.handler.body);
        asked.found
    }
}

impl<'m> Visitor<'m> for Panics<'m> {
    fn enter_expr(&mut self, expr: &'m Expr) -> Walk {
        if let ExprKind::Call(call) = &expr.kind {
            if call.is_macro && last_name(&call.callee) == Some("panic") {
                self.push(expr, "panic!");
            } else if !call.is_macro {
                self.call(expr, call);
            }
        }
        Walk::Into
    }

    fn enter_stmt(&mut self, stmt: &'m Stmt) -> Walk {
        // A function within is another function.
        if matches!(stmt.kind, StmtKind::Function(_)) { Walk::Skip } else { Walk::Into }
    }
}

/// Whether what is unwrapped depends on what a caller sent or another program answered: something
/// that was awaited, or a conversion of what is no constant.
fn may_fail(expr: &Expr) -> bool {
    let constant = |args: &[Arg]| args.iter().all(|arg| is_constant(&arg.value));
    match &expr.kind {
        // A task that was spawned panics by itself.
        ExprKind::Await(inner) => match &inner.kind {
            ExprKind::Call(call) => {
                !last_name(&call.callee).is_some_and(|name| name.starts_with("spawn"))
            }
            _ => false,
        },
        ExprKind::Call(call) => match &call.callee.kind {
            ExprKind::Attribute { object, name, .. } if FALLIBLE.contains(&name.as_str()) => {
                if call.args.is_empty() {
                    !is_constant(object)
                } else {
                    !constant(&call.args)
                        && !matches!(&object.kind, ExprKind::Name(of) if of == "HeaderValue")
                }
            }
            _ => false,
        },
        _ => false,
    }
}

struct Asked<'m> {
    path: Path<'m>,
    before: u32,
    found: bool,
}

impl<'m> Visitor<'m> for Asked<'m> {
    fn enter_expr(&mut self, expr: &'m Expr) -> Walk {
        if expr.span.start < self.before
            && let ExprKind::Call(call) = &expr.kind
            && let ExprKind::Attribute { object, name, .. } = &call.callee.kind
            && matches!(name.as_str(), "is_some" | "is_none" | "is_ok" | "is_err" | "is_empty")
        {
            self.found |= Path::of(object) == self.path;
        }
        if self.found { Walk::Skip } else { Walk::Into }
    }
}
