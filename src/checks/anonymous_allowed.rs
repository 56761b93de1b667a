//! Checks of permission that let callers through whom nobody knows, or everybody in a test mode.

use super::CheckMatch;
use crate::module::path::{constant_text, last_name};
use crate::module::visit::{Visitor, Walk, walk_block, walk_expr, walk_module};
use crate::module::{Block, Class, Expr, ExprKind, Function, Module, Stmt, StmtKind};
use crate::source::Source;

/// Parts of the names of such checks.
pub const NEEDS: &[&str] = AUTH_WORDS;

const AUTH_WORDS: &[&str] = &[
    "auth",
    "permi",
    "login",
    "access",
    "role",
    "admin",
    "owner",
    "allowed",
    "can_",
    "may_",
    "guard",
    "protected",
];

/// Words that say that anonymous callers are meant to pass.
const OPEN_WORDS: &[&str] =
    &["optional", "anonymous", "public", "maybe", "guest", "logged_out", "logout", "redirect"];

/// Settings that switch a program into a test mode, or its authentication off.
const SWITCHES: &[&str] = &[
    "TESTING",
    "LOGIN_DISABLED",
    "DISABLE_AUTH",
    "AUTH_DISABLED",
    "SKIP_AUTH",
    "NO_AUTH",
    "BYPASS_AUTH",
    "AUTH_BYPASS",
    "TEST_MODE",
    "DISABLE_LOGIN",
];

/// Names that hold who is calling.
const CALLERS: &[&str] = &[
    "user",
    "current_user",
    "currentUser",
    "token",
    "session",
    "identity",
    "principal",
    "account",
    "claims",
    "jwt",
];

/// Finds them.
#[must_use]
pub fn check(_: &Source, module: &Module) -> Vec<CheckMatch> {
    let mut search = Search { functions: Vec::new(), found: Vec::new() };
    walk_module(&mut search, module);
    search.found
}

struct Search<'m> {
    /// Enclosing functions with the names that they are known by.
    functions: Vec<(&'m str, &'m Function)>,
    found: Vec<CheckMatch>,
}

/// Who passes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Case {
    Anonymous,
    TestMode,
}

impl<'m> Search<'m> {
    /// The enclosing function that is named like a check, unless it says that it is open.
    fn checker(&self) -> Option<&'m str> {
        let lower = |name: &str| name.to_ascii_lowercase();
        if self
            .functions
            .iter()
            .any(|(name, _)| OPEN_WORDS.iter().any(|word| lower(name).contains(word)))
        {
            return None;
        }
        let names = self.functions.iter().rev().map(|(name, _)| *name);
        names.into_iter().find(|name| is_checker(&lower(name)))
    }

    /// Whether the innermost function has a name, its own or that of what it is bound to.
    fn is_named(&self) -> bool {
        match self.functions.as_slice() {
            [.., (bound, outer), ("", function)] => {
                std::ptr::eq(*outer, *function) && !bound.is_empty()
            }
            [.., (name, _)] => !name.is_empty(),
            [] => false,
        }
    }

    fn report(&mut self, checker: &str, case: Case, at: &Expr) {
        let who = match case {
            Case::Anonymous => "anonymous callers",
            Case::TestMode => "everybody in a test mode",
        };
        self.found.push(CheckMatch {
            span: at.span,
            captures: vec![("function", checker.to_owned()), ("who", who.to_owned())],
            accepted: None,
        });
    }

    fn branch(&mut self, checker: &str, case: Case, test: &'m Expr, block: &'m Block) {
        let mut passes = Passes { functions: &self.functions, found: false };
        walk_block(&mut passes, block);
        if passes.found {
            self.report(checker, case, test);
        }
    }
}

fn is_checker(name: &str) -> bool {
    let name = name.trim_start_matches('_');
    AUTH_WORDS
        .iter()
        .any(|word| if word.ends_with('_') { name.starts_with(word) } else { name.contains(word) })
}

impl<'m> Visitor<'m> for Search<'m> {
    fn enter_stmt(&mut self, stmt: &'m Stmt) -> Walk {
        match &stmt.kind {
            StmtKind::Bind(bind) => {
                if let Some(Expr { kind: ExprKind::Function(function), .. }) = &bind.value
                    && function.name.is_none()
                    && let Some(name) = last_name(&bind.target)
                {
                    // The function itself is entered without its name.
                    self.functions.push((name, function));
                }
            }
            StmtKind::If { test, then, otherwise } => {
                if let Some(checker) = self.checker() {
                    match meaning(test) {
                        Some((case, true)) => self.branch(checker, case, test, then),
                        Some((Case::Anonymous, false)) => {
                            self.branch(checker, Case::Anonymous, test, otherwise)
                        }
                        _ => {}
                    }
                }
            }
            StmtKind::Return(Some(value)) => {
                // What a function without a name answers is handed to somebody else.
                if self.is_named()
                    && let Some(checker) = self.checker()
                    && let ExprKind::Binary { operator, left, right } = &value.kind
                    && operator == "||"
                {
                    let case = [left, right].into_iter().find_map(|side| match meaning(side) {
                        Some((case, true)) => Some(case),
                        _ => None,
                    });
                    if let Some(case) = case {
                        self.report(checker, case, value);
                    }
                }
            }
            _ => {}
        }
        Walk::Into
    }

    fn leave_stmt(&mut self, stmt: &'m Stmt) {
        if let StmtKind::Bind(bind) = &stmt.kind
            && let Some(Expr { kind: ExprKind::Function(function), .. }) = &bind.value
            && function.name.is_none()
            && last_name(&bind.target).is_some()
        {
            self.functions.pop();
        }
    }

    fn enter_function(&mut self, function: &'m Function) -> Walk {
        self.functions.push((function.name.as_deref().unwrap_or_default(), function));
        Walk::Into
    }

    fn leave_function(&mut self, _: &'m Function) {
        self.functions.pop();
    }
}

/// Whether a block lets the caller through: it returns something true or calls what it guards.
struct Passes<'s, 'm> {
    functions: &'s [(&'m str, &'m Function)],
    found: bool,
}

impl<'m> Passes<'_, 'm> {
    fn is_guarded_call(&self, expr: &Expr) -> bool {
        let expr = if let ExprKind::Await(inner) = &expr.kind { inner } else { expr };
        let ExprKind::Call(call) = &expr.kind else { return false };
        let ExprKind::Name(name) = &call.callee.kind else { return false };
        let is_parameter = self.functions.iter().any(|(_, function)| {
            function
                .params
                .iter()
                .any(|param| matches!(&param.target.kind, ExprKind::Name(param) if param == name))
        });
        // `next(error)` refuses, `next()` lets through.
        is_parameter
            && if name == "next" {
                call.args.is_empty()
            } else {
                matches!(
                    name.as_str(),
                    "f" | "fn"
                        | "func"
                        | "function"
                        | "view"
                        | "view_func"
                        | "handler"
                        | "wrapped"
                        | "call_next"
                        | "method"
                        | "endpoint"
                )
            }
    }
}

impl<'m> Visitor<'m> for Passes<'_, 'm> {
    fn enter_stmt(&mut self, stmt: &'m Stmt) -> Walk {
        match &stmt.kind {
            StmtKind::Return(Some(value)) => {
                self.found |= matches!(value.kind, ExprKind::Bool(true))
                    || matches!(&value.kind, ExprKind::Number(number) if number == "1")
                    || self.is_guarded_call(value);
            }
            StmtKind::Expr(value) => self.found |= self.is_guarded_call(value),
            // What a further condition decides is not this branch's answer.
            StmtKind::If { .. } | StmtKind::Try { .. } => return Walk::Skip,
            _ => {}
        }
        Walk::Into
    }

    fn enter_function(&mut self, _: &'m Function) -> Walk {
        Walk::Skip
    }

    fn enter_class(&mut self, _: &'m Class) -> Walk {
        Walk::Skip
    }
}

/// What a condition asks: the case, and whether the condition holds in it.
fn meaning(test: &Expr) -> Option<(Case, bool)> {
    match &test.kind {
        ExprKind::Unary { operator, operand } if operator == "!" => match meaning(operand) {
            Some((case, holds)) => Some((case, !holds)),
            None => is_caller(operand).then_some((Case::Anonymous, true)),
        },
        ExprKind::Attribute { name, .. } => match name.as_str() {
            "is_authenticated" | "isAuthenticated" => Some((Case::Anonymous, false)),
            "is_anonymous" | "isAnonymous" => Some((Case::Anonymous, true)),
            name => SWITCHES.contains(&name).then_some((Case::TestMode, true)),
        },
        ExprKind::Name(name) => {
            if SWITCHES.contains(&name.as_str()) {
                Some((Case::TestMode, true))
            } else {
                None
            }
        }
        ExprKind::Call(call) => match last_name(&call.callee)? {
            "is_authenticated" | "isAuthenticated" => Some((Case::Anonymous, false)),
            "is_anonymous" | "isAnonymous" => Some((Case::Anonymous, true)),
            "get" | "getenv" | "bool" => {
                let mut search = SwitchSearch { found: false };
                call.args.iter().for_each(|arg| walk_expr(&mut search, &arg.value));
                search.found.then_some((Case::TestMode, true))
            }
            _ => None,
        },
        ExprKind::Index { key, .. } => constant_text(key)
            .is_some_and(|key| SWITCHES.contains(&key))
            .then_some((Case::TestMode, true)),
        ExprKind::Binary { operator, left, right } => match operator.as_str() {
            "is" | "==" | "===" if matches!(right.kind, ExprKind::None) => {
                is_caller(left).then_some((Case::Anonymous, true))
            }
            "is not" | "!=" | "!==" if matches!(right.kind, ExprKind::None) => {
                is_caller(left).then_some((Case::Anonymous, false))
            }
            "==" | "===" => {
                let is_mode =
                    last_name(left).is_some_and(|name| name == "NODE_ENV" || name == "ENV");
                (is_mode
                    && constant_text(right).is_some_and(|text| text == "test" || text == "testing"))
                .then_some((Case::TestMode, true))
            }
            // Either side suffices to enter the branch.
            "||" => {
                [left, right].into_iter().find_map(|side| meaning(side).filter(|(_, holds)| *holds))
            }
            _ => None,
        },
        _ => None,
    }
}

fn is_caller(expr: &Expr) -> bool {
    matches!(expr.kind, ExprKind::Name(_) | ExprKind::Attribute { .. })
        && last_name(expr).is_some_and(|name| CALLERS.contains(&name))
}

struct SwitchSearch {
    found: bool,
}

impl<'m> Visitor<'m> for SwitchSearch {
    fn enter_expr(&mut self, expr: &'m Expr) -> Walk {
        self.found |= constant_text(expr).is_some_and(|text| SWITCHES.contains(&text))
            || last_name(expr).is_some_and(|name| SWITCHES.contains(&name));
        Walk::Into
    }
}
