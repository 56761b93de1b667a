//! Exception handlers that answer with made-up data, or as if all went well.

use super::CheckMatch;
use super::shape::{is_constant, is_neutral};
use crate::module::path::{constant_text, last_name};
use crate::module::visit::{Visitor, Walk, walk_block, walk_expr, walk_module};
use crate::module::{
    Call, Class, Entry, Expr, ExprKind, Function, Handler, Module, Stmt, StmtKind,
};
use crate::source::Source;

/// The words that begin a handler.
pub const NEEDS: &[&str] = &["except", "catch"];

/// Functions that make an answer of their first argument.
const ANSWERS: &[&str] = &[
    "jsonify",
    "JSONResponse",
    "JsonResponse",
    "Response",
    "json",
    "send",
    "make_response",
    "ORJSONResponse",
    "HttpResponse",
];

/// Words in keys and texts that tell the caller about the failure.
const FAILURE: &[&str] = &[
    "error",
    "err",
    "fail",
    "exception",
    "detail",
    "reason",
    "invalid",
    "unavailable",
    "unhealthy",
    "degraded",
    "down",
    "problem",
    "not_found",
    "not found",
    "missing",
    "expired",
    "denied",
    "retry",
    "refresh",
    "timeout",
    "unknown",
    "received",
];

/// Exceptions that say that something is absent: a default is then an answer.
const ABSENCE: &[&str] = &[
    "NotFound",
    "DoesNotExist",
    "ImportError",
    "ModuleNotFoundError",
    "NoResultFound",
    "StopIteration",
    "FileNotFoundError",
    "KeyError",
    "LookupError",
    "PackageNotFoundError",
];

/// Finds them.
#[must_use]
pub fn check(_: &Source, module: &Module) -> Vec<CheckMatch> {
    let mut search = Search { functions: Vec::new(), found: Vec::new() };
    walk_module(&mut search, module);
    search.found
}

struct Search<'m> {
    functions: Vec<&'m Function>,
    found: Vec<CheckMatch>,
}

impl<'m> Visitor<'m> for Search<'m> {
    fn enter_handler(&mut self, handler: &'m Handler) -> Walk {
        let mut answers = Answers { values: Vec::new(), error: handler.name.as_deref() };
        // What ends by raising has answered only the one error that it knows.
        if !handler.body.last().is_some_and(|last| matches!(last.kind, StmtKind::Raise(_))) {
            walk_block(&mut answers, &handler.body);
        }
        let function = self
            .functions
            .last()
            .and_then(|function| function.name.as_deref())
            .unwrap_or("the function");
        for value in answers.values {
            let Some(what) = verdict(value) else { continue };
            self.found.push(CheckMatch {
                span: value.span,
                captures: vec![("what", what.to_owned()), ("function", function.to_owned())],
                accepted: catches_absence(handler)
                    .then(|| "only the absence of something is caught".to_owned()),
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

/// What a handler answers with, without the functions and handlers inside it.
pub(super) struct Answers<'m> {
    pub(super) values: Vec<&'m Expr>,
    /// The name of the error.
    pub(super) error: Option<&'m str>,
}

/// Whether an expression reads a name.
fn reads(expr: &Expr, name: &str) -> bool {
    struct Reads<'n> {
        name: &'n str,
        found: bool,
    }
    impl<'m> Visitor<'m> for Reads<'_> {
        fn enter_expr(&mut self, expr: &'m Expr) -> Walk {
            self.found |= matches!(&expr.kind, ExprKind::Name(read) if read == self.name);
            Walk::Into
        }
    }
    let mut search = Reads { name, found: false };
    walk_expr(&mut search, expr);
    search.found
}

impl<'m> Visitor<'m> for Answers<'m> {
    fn enter_stmt(&mut self, stmt: &'m Stmt) -> Walk {
        match &stmt.kind {
            StmtKind::Return(Some(value)) => {
                self.values.push(value);
                Walk::Skip
            }
            StmtKind::Expr(value) => {
                let value = if let ExprKind::Await(inner) = &value.kind { inner } else { value };
                if matches!(&value.kind, ExprKind::Call(call) if answer_of(call).is_some() && is_response(call))
                {
                    self.values.push(value);
                }
                Walk::Skip
            }
            // The one error that is asked for is known.
            StmtKind::If { test, otherwise, .. }
                if self.error.is_some_and(|error| reads(test, error)) =>
            {
                walk_block(self, otherwise);
                Walk::Skip
            }
            _ => Walk::Into,
        }
    }

    fn enter_function(&mut self, _: &'m Function) -> Walk {
        Walk::Skip
    }

    fn enter_class(&mut self, _: &'m Class) -> Walk {
        Walk::Skip
    }

    fn enter_handler(&mut self, _: &'m Handler) -> Walk {
        Walk::Skip
    }
}

/// `res.json(…)`, `res.status(…).json(…)` for their effect.
fn is_response(call: &Call) -> bool {
    let ExprKind::Attribute { object, .. } = &call.callee.kind else { return false };
    match &object.kind {
        ExprKind::Call(inner) => is_response(inner),
        _ => last_name(object).is_some_and(|name| matches!(name, "res" | "response" | "reply")),
    }
}

/// What a call answers with.
fn answer_of(call: &Call) -> Option<&Expr> {
    if !last_name(&call.callee).is_some_and(|name| ANSWERS.contains(&name)) {
        return None;
    }
    let says_failure = call.args.iter().any(|arg| {
        arg.name.as_deref().is_some_and(|name| matches!(name, "status" | "status_code"))
            && !is_success_code(&arg.value)
    });
    // `res.status(500).json(…)`
    let receiver_fails = match &call.callee.kind {
        ExprKind::Attribute { object, .. } => match &object.kind {
            ExprKind::Call(inner) => {
                !inner.args.first().is_some_and(|arg| is_success_code(&arg.value))
            }
            _ => false,
        },
        _ => false,
    };
    if says_failure || receiver_fails {
        return None;
    }
    call.args.first().map(|arg| &arg.value)
}

fn is_success_code(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Number(number) => number.len() == 3 && number.starts_with('2'),
        _ => last_name(expr)
            .is_some_and(|name| name.contains("_2") || matches!(name, "OK" | "Ok" | "CREATED")),
    }
}

/// What is wrong with an answer to a failure.
pub(super) fn verdict(value: &Expr) -> Option<&'static str> {
    match &value.kind {
        ExprKind::Await(inner) => verdict(inner),
        ExprKind::Call(call) => answer_of(call).and_then(|answer| {
            let says_nothing = is_collection(answer)
                && is_constant(answer)
                && is_neutral(answer)
                && !mentions_failure(answer);
            verdict(answer).or(says_nothing.then_some("an empty success"))
        }),
        // `return {…}, 500`
        ExprKind::List(items) => match items.as_slice() {
            [body, Expr { kind: ExprKind::Number(code), .. }]
                if is_collection(body) || matches!(body.kind, ExprKind::Call(_)) =>
            {
                if code.len() == 3 && !code.starts_with('2') { None } else { verdict(body) }
            }
            _ => made_up(value),
        },
        ExprKind::Map(entries) => {
            if entries.iter().any(tells_failure) {
                None
            } else if entries.iter().any(claims_success) {
                Some("a success")
            } else {
                made_up(value)
            }
        }
        _ => None,
    }
}

fn is_collection(expr: &Expr) -> bool {
    matches!(expr.kind, ExprKind::Map(_) | ExprKind::List(_))
}

fn made_up(value: &Expr) -> Option<&'static str> {
    let holds_data = match &value.kind {
        ExprKind::Map(_) => true,
        ExprKind::List(items) => items.iter().any(is_collection),
        _ => false,
    };
    (holds_data && is_constant(value) && !is_neutral(value) && !mentions_failure(value))
        .then_some("made-up data")
}

fn mentions_failure(value: &Expr) -> bool {
    match &value.kind {
        // Data that somebody makes up says yes.
        ExprKind::Bool(false) => true,
        ExprKind::Map(entries) => {
            entries.iter().any(|entry| tells_failure(entry) || mentions_failure(&entry.value))
        }
        ExprKind::List(items) => items.iter().any(mentions_failure),
        _ => constant_text(value).is_some_and(is_failure_word),
    }
}

fn is_failure_word(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    FAILURE.iter().any(|word| text.contains(word))
}

fn tells_failure(entry: &Entry) -> bool {
    // A spread may hold the failure.
    let Some(key) = &entry.key else { return true };
    if matches!(entry.value.kind, ExprKind::Bool(false)) {
        return true;
    }
    let key = constant_text(key).unwrap_or_default().to_ascii_lowercase();
    let value = &entry.value;
    match key.as_str() {
        "success" | "ok" | "valid" | "healthy" | "available" => {
            is_neutral(value) || !is_constant(value)
        }
        "status" | "state" | "code" | "message" | "msg" => match &value.kind {
            ExprKind::Number(number) => number.len() == 3 && !number.starts_with('2'),
            _ => constant_text(value).is_none_or(is_failure_word),
        },
        key => is_failure_word(key) && !(is_constant(value) && is_neutral(value)),
    }
}

fn claims_success(entry: &Entry) -> bool {
    let key = entry.key.as_ref().and_then(constant_text).unwrap_or_default().to_ascii_lowercase();
    match key.as_str() {
        "success" | "ok" | "valid" | "healthy" => matches!(entry.value.kind, ExprKind::Bool(true)),
        "status" | "state" => constant_text(&entry.value).is_some_and(|text| {
            matches!(
                text.to_ascii_lowercase().as_str(),
                "ok" | "success" | "healthy" | "up" | "done" | "completed"
            )
        }),
        _ => false,
    }
}

fn catches_absence(handler: &Handler) -> bool {
    let is_absence = |expr: &Expr| {
        last_name(expr).is_some_and(|name| ABSENCE.iter().any(|word| name.ends_with(word)))
    };
    match &handler.types {
        Some(Expr { kind: ExprKind::List(types), .. }) => {
            !types.is_empty() && types.iter().all(is_absence)
        }
        Some(one) => is_absence(one),
        None => false,
    }
}
