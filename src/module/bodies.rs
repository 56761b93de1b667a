//! What the bodies of functions do towards a caller whom nobody knows: turn it away, ask it for
//! something that only the right one has, or keep nothing of what it says. Small enough to be kept
//! of every file.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::path::{constant_text, last_name};
use super::visit::{Visitor, Walk, walk_module};
use super::{Expr, ExprKind, Function, Module, Stmt, StmtKind};

/// Of how many calls a body's names are kept.
const MAX_CALLS: usize = 32;

/// Calls that read a request, look at values, or make an answer.
const HARMLESS: &[&str] = &[
    "Boolean",
    "Error",
    "Headers",
    "HttpResponse",
    "HTTPException",
    "JSONResponse",
    "JsonResponse",
    "NextResponse",
    "Number",
    "Response",
    "String",
    "URL",
    "URLSearchParams",
    "clearCookie",
    "cookie",
    "cookies",
    "delete_cookie",
    "entries",
    "every",
    "filter",
    "find",
    "formData",
    "get",
    "getAll",
    "getHeader",
    "has",
    "header",
    "includes",
    "int",
    "isArray",
    "join",
    "json",
    "jsonify",
    "keys",
    "len",
    "make_response",
    "map",
    "parse",
    "parseAsync",
    "redirect",
    "safeParse",
    "safeParseAsync",
    "serialize",
    "setCookie",
    "setHeader",
    "set_cookie",
    "some",
    "split",
    "startsWith",
    "str",
    "stringify",
    "text",
    "throw",
    "toLowerCase",
    "toString",
    "toUpperCase",
    "trim",
    "values",
];

/// Calls that make an answer where they belong to one.
const ANSWERS: &[&str] = &["end", "send", "sendStatus", "set", "status", "code", "type"];
/// What an answer is called.
const ANSWER_NAMES: &[&str] = &["c", "ctx", "reply", "res", "resp", "response"];

/// Verbs that ask whether something holds.
const VERBS: &[&str] = &[
    "assert",
    "authenticate",
    "authorize",
    "check",
    "compare",
    "decrypt",
    "ensure",
    "is",
    "match",
    "require",
    "unseal",
    "validate",
    "verify",
];
/// What only the right caller has.
const PROOFS: &[&str] = &[
    "access",
    "api_key",
    "apikey",
    "captcha",
    "hmac",
    "jwt",
    "logged_in",
    "loggedin",
    "password",
    "permission",
    "secret",
    "session",
    "sign",
    "token",
    "turnstile",
];
/// Functions that ask for a proof whatever they are called.
const KNOWN: &[&str] = &[
    "compare_digest",
    "constant_time_compare",
    "constant_time_eq",
    "constructEvent",
    "construct_event",
    "fixed_time_eq",
    "jwtVerify",
    "safe_str_cmp",
    "timingSafeEqual",
];

/// The body of a function.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Body {
    /// The function's name; empty where it has none.
    pub name: SmolStr,
    /// The lines where it may be said to begin: its own, its name's, that of its statement.
    pub lines: Vec<u32>,
    /// Whether it answers 401 or 403, or raises what becomes such an answer.
    pub turns_away: bool,
    /// Whether a status of a failure, 400 and above, occurs in it.
    pub fails: bool,
    /// The function by which it asks for what only the right caller has.
    pub proof: Option<SmolStr>,
    /// Whether it only reads the request and answers.
    pub keeps_nothing: bool,
    /// The functions that it calls by their names.
    pub calls: Vec<SmolStr>,
}

/// Looks at every function of a module.
#[must_use]
pub fn of(module: &Module) -> Vec<Body> {
    let mut collector = Collector::default();
    walk_module(&mut collector, module);
    let mut bodies = collector.done;
    bodies.retain(|body| {
        body.turns_away
            || body.fails
            || body.proof.is_some()
            || body.keeps_nothing
            || !body.calls.is_empty()
    });
    bodies
}

#[derive(Default)]
struct Collector {
    /// The functions around, outermost first.
    open: Vec<Body>,
    /// The lines of the statements around.
    statements: Vec<u32>,
    done: Vec<Body>,
}

impl Collector {
    fn every(&mut self, note: impl Fn(&mut Body)) {
        self.open.iter_mut().for_each(note);
    }

    fn call(&mut self, callee: &Expr) {
        let Some(name) = last_name(callee) else {
            self.every(|body| body.keeps_nothing = false);
            return;
        };
        if asks_for_proof(name) {
            self.every(|body| {
                body.proof.get_or_insert_with(|| name.into());
            });
        }
        let harmless = HARMLESS.contains(&name)
            || ANSWERS.contains(&name)
                && root_name(callee).is_some_and(|root| ANSWER_NAMES.contains(&root));
        if !harmless {
            self.every(|body| body.keeps_nothing = false);
        }
        let is_ours = match &callee.kind {
            ExprKind::Name(_) => true,
            ExprKind::Attribute { object, .. } => {
                matches!(&object.kind, ExprKind::Name(name) if name == "self" || name == "this")
            }
            _ => false,
        };
        if is_ours && !harmless {
            self.every(|body| {
                if body.calls.len() < MAX_CALLS && !body.calls.iter().any(|known| known == name) {
                    body.calls.push(name.into());
                }
            });
        }
    }
}

/// `verifySignature`, `check_password`: a verb, and what only the right caller has.
fn asks_for_proof(name: &str) -> bool {
    if KNOWN.contains(&name) {
        return true;
    }
    let lower = name.trim_start_matches('_').to_ascii_lowercase();
    VERBS.iter().any(|verb| {
        lower.strip_prefix(verb).is_some_and(|rest| PROOFS.iter().any(|proof| rest.contains(proof)))
    })
}

/// The name that a path or a chain of calls begins with.
fn root_name(mut expr: &Expr) -> Option<&str> {
    loop {
        expr = match &expr.kind {
            ExprKind::Name(name) => return Some(name),
            ExprKind::Attribute { object, .. } | ExprKind::Index { object, .. } => object,
            ExprKind::Call(call) => &call.callee,
            ExprKind::Await(inner) => inner,
            _ => return None,
        };
    }
}

/// Whether a name or a text speaks of an answer that turns somebody away.
fn turns_away(name: &str) -> bool {
    let lower: String =
        name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    lower.starts_with("unauthori")
        || lower.contains("httpunauthori")
        || lower.starts_with("forbidden")
        || lower.contains("httpforbidden")
        || lower.contains("permissiondenied")
        || lower.contains("accessdenied")
        || lower.contains("notauthenticated")
        || lower.contains("notauthorized")
        || lower.contains("http401")
        || lower.contains("http403")
        || matches!(lower.as_str(), "httpresponseforbidden" | "unauthenticated")
}

impl<'m> Visitor<'m> for Collector {
    fn enter_stmt(&mut self, stmt: &'m Stmt) -> Walk {
        self.statements.push(stmt.span.line);
        if let StmtKind::Bind(bind) = &stmt.kind
            && !matches!(bind.target.kind, ExprKind::Name(_) | ExprKind::List(_) | ExprKind::Map(_))
            && !root_name(&bind.target).is_some_and(|root| ANSWER_NAMES.contains(&root))
        {
            self.every(|body| body.keeps_nothing = false);
        }
        Walk::Into
    }

    fn leave_stmt(&mut self, _: &'m Stmt) {
        self.statements.pop();
    }

    fn enter_function(&mut self, function: &'m Function) -> Walk {
        let mut lines = vec![function.span.line, function.name_span.line];
        lines.extend(self.statements.last());
        lines.sort_unstable();
        lines.dedup();
        self.open.push(Body {
            name: function.name.clone().unwrap_or_default(),
            lines,
            keeps_nothing: !function.body.is_empty(),
            ..Body::default()
        });
        Walk::Into
    }

    fn leave_function(&mut self, _: &'m Function) {
        self.done.extend(self.open.pop());
    }

    fn enter_annotation(&mut self, _: &'m Expr) -> Walk {
        Walk::Skip
    }

    fn enter_expr(&mut self, expr: &'m Expr) -> Walk {
        if self.open.is_empty() {
            return Walk::Into;
        }
        if let ExprKind::Number(number) = &expr.kind
            && number.len() == 3
            && number.starts_with(['4', '5'])
        {
            self.every(|body| body.fails = true);
        }
        let refuses = match &expr.kind {
            ExprKind::Number(number) => matches!(number.as_str(), "401" | "403"),
            ExprKind::Name(name) | ExprKind::Attribute { name, .. } => turns_away(name),
            ExprKind::Text(_) => constant_text(expr).is_some_and(turns_away),
            _ => false,
        };
        if refuses {
            self.every(|body| body.turns_away = true);
        }
        if let ExprKind::Call(call) = &expr.kind {
            self.call(&call.callee);
        }
        Walk::Into
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::limits::Limits;
    use crate::source::Language;

    fn bodies(code: &str) -> Vec<Body> {
        let limits = Limits::default();
        of(&crate::module::lower::lower(Language::TypeScript, code, &limits).unwrap())
    }

    #[test]
    fn a_body_that_asks_for_a_proof_names_it() {
        let code = "export async function POST(req) {\n  await verifySignature(req)\n  save()\n}";
        assert_eq!(bodies(code)[0].proof.as_deref(), Some("verifySignature"));
        assert!(bodies("function f() { isSigned = check(1); save() }")[0].proof.is_none());
    }

    #[test]
    fn a_closure_turns_away_for_the_function_around_it() {
        let code = "function f(c) { return run(() => { throw new HTTPException(401) }) }";
        assert!(bodies(code).iter().any(|body| body.name == "f" && body.turns_away));
    }

    #[test]
    fn what_only_sets_a_cookie_keeps_nothing() {
        let code = "const action = async ({ request }) => {\n  const form = await request.formData()\n  return new Response('OK', { headers: { 'Set-Cookie': await lang.serialize(form.get('lang')) } })\n}";
        assert!(bodies(code)[0].keeps_nothing);
        assert!(bodies("const action = (r) => { store.put(r.body) }").is_empty());
        assert!(!bodies("const action = (r) => { state.last = r; note(r) }")[0].keeps_nothing);
    }
}
