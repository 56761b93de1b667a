//! Whether a handler only pretends: it does nothing, says that it is not there yet, or answers
//! with what somebody wrote down, whatever it is asked.

use std::rc::Rc;
use std::sync::LazyLock;

use regex::Regex;

use super::Route;
use crate::eval::interpreter::Trace;
use crate::eval::value::{Closure, Value};
use crate::module::path::{Path, last_name};
use crate::module::visit::{Visitor, Walk, walk_block};
use crate::module::{Arg, Call, Expr, ExprKind, Function, Stmt, StmtKind, TextPart};

/// How often a handler is followed to the function that it hands what it is given to.
const MAX_HANDED_ON: usize = 3;

/// Functions that only give an answer its form. What else is called is work.
const FORMS: &[&str] = &[
    "json",
    "jsonify",
    "send",
    "status",
    "code",
    "Response",
    "JSONResponse",
    "JsonResponse",
    "HttpResponse",
    "make_response",
    "sendStatus",
    "end",
    "text",
    "render",
    "json_response",
    "Json",
    "Ok",
    "Some",
    "finish",
    "body",
    "response",
    "Html",
    "PlainText",
    "ok",
    "set_status",
    "setHeader",
    "header",
    "set",
    "type",
    "next",
    "write",
    "Created",
    "Accepted",
    "NoContent",
    "created",
    "success",
    "into",
    "to_string",
    "into_response",
    "String",
    "from",
    "Error",
    "abort",
    "createError",
    "dumps",
    "HTTPException",
    "HttpException",
    "NextResponse",
    "html",
    "empty",
    "simple_page",
    "view",
];

/// Attributes of a parameter that an answer is written into: `ctx.body`, `set.status`.
const ANSWERED_IN: &[&str] =
    &["body", "status", "media", "statusCode", "status_code", "text", "answers"];

/// Words in the name or path of a handler whose answer is rightly always the same.
const ALWAYS_THE_SAME: &[&str] = &[
    "ping",
    "pong",
    "health",
    "alive",
    "live",
    "ready",
    "status",
    "version",
    "about",
    "info",
    "index",
    "root",
    "home",
    "hello",
    "welcome",
    "heartbeat",
    "logout",
    "sign_out",
    "signout",
    "robots",
    "echo",
    "config",
    "schema",
    "manifest",
    "meta",
    "help",
    "docs",
    "probe",
    "up",
    "check",
    "csrf",
    "noop",
    "well-known",
    "favicon",
    "options",
    "enum",
    "types",
    "languages",
    "hours",
    "license",
    "test",
];

/// Words that promise data, so that texts alone are made up too.
const PROMISES: &[&str] = &[
    "latest",
    "recent",
    "list",
    "recommend",
    "forecast",
    "report",
    "summary",
    "statistic",
    "popular",
    "top",
    "featured",
    "upcoming",
    "current",
    "search",
    "history",
    "analytics",
    "metric",
    "trend",
];

static SOON: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?i)coming[ _-]soon|not[ _-](yet[ _-])?(been[ _-])?implemented|not yet available|under construction|to be implemented|implement me|\bplaceholder\b|work in progress",
    )
    .ok()
});

static DATE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^\d{4}-\d{2}-\d{2}(T[\d:.]+Z?)?$").ok());

static NOT_IMPLEMENTED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?i)^(http_?)?not_?implemented(_?(error|exception))?$|^HTTP_501.*|^todo$|^unimplemented$",
    )
    .ok()
});

fn fits(regex: &LazyLock<Option<Regex>>, text: &str) -> bool {
    regex.as_ref().is_some_and(|regex| regex.is_match(text))
}

/// Whether a decorator says what is answered, so that nothing is left for the body to do.
fn answers_instead(decorator: &Expr) -> bool {
    let callee = match &decorator.kind {
        ExprKind::Call(call) => &call.callee,
        _ => decorator,
    };
    matches!(last_name(callee), Some("Redirect" | "Render"))
}

/// The function of the program that a handler hands what it is given to, where that is all it
/// does; else the handler itself.
#[must_use]
pub fn handed_to<'p>(trace: &Trace<'p>, handler: &Rc<Closure<'p>>) -> Rc<Closure<'p>> {
    let mut at = Rc::clone(handler);
    for _ in 0..MAX_HANDED_ON {
        let Some(callee) = only_call(at.function) else { break };
        let Value::Function(next) = trace.value_within(&at, callee) else { break };
        at = next;
    }
    at
}

/// What a function calls, where it does nothing but to call it with its own parameters.
fn only_call(function: &Function) -> Option<&Expr> {
    let [stmt] = function.body.as_slice() else { return None };
    let (StmtKind::Return(Some(value)) | StmtKind::Expr(value)) = &stmt.kind else { return None };
    let value = match &value.kind {
        ExprKind::Await(inner) => inner,
        _ => value,
    };
    let ExprKind::Call(call) = &value.kind else { return None };
    let params: Vec<_> =
        function.params.iter().filter_map(|param| last_name(&param.target)).collect();
    let is_own = |arg: &Arg| match &arg.value.kind {
        ExprKind::Name(name) => params.contains(&name.as_str()),
        _ => false,
    };
    let path = Path::of(&call.callee);
    let first = path.segments.first()?;
    let outside = !path.opaque && !params.contains(first) && !call.new;
    (outside && !call.args.is_empty() && call.args.iter().all(is_own)).then_some(&call.callee)
}

/// Why a handler only pretends; `None` when it does something.
#[must_use]
pub fn reason(function: &Function, route: &Route) -> Option<&'static str> {
    if function.is_abstract && function.body.is_empty() && function.name.is_none() {
        return None;
    }
    // A decorator answers.
    if function.decorators.iter().any(answers_instead) {
        return None;
    }
    if function.body.iter().all(says_nothing) {
        return Some("it does nothing");
    }
    let mut seen = Seen::new(function);
    walk_block(&mut seen, &function.body);
    if seen.not_implemented > 0 && (seen.work == 0 || seen.not_implemented >= seen.exits) {
        return Some("it says that it is not implemented");
    }
    if seen.work > 0 || seen.branches || seen.reads {
        return None;
    }
    if seen.soon {
        return Some("it says that it is still to come");
    }
    // What was measured once and written down is not rightly the same.
    if !seen.answers || seen.fractions < 2 && says(route, ALWAYS_THE_SAME) {
        return None;
    }
    if route.methods.iter().any(|method| matches!(method.as_str(), "HEAD" | "OPTIONS")) {
        return None;
    }
    let changes = !route.methods.is_empty()
        && route
            .methods
            .iter()
            .all(|method| matches!(method.as_str(), "POST" | "PUT" | "PATCH" | "DELETE"));
    if seen.parameters {
        let nothing = !changes && seen.empty > 0 && seen.data == 0;
        return nothing.then_some("it always answers with nothing");
    }
    if changes {
        return Some("it answers success and does nothing");
    }
    if seen.numbers > 0 || seen.items > 0 || seen.data > 1 && says(route, PROMISES) {
        return Some("it answers with literals only");
    }
    (seen.data == 0 && seen.words == 0).then_some("it always answers with nothing")
}

fn says_nothing(stmt: &Stmt) -> bool {
    match &stmt.kind {
        StmtKind::Pass | StmtKind::Doc(_) | StmtKind::Return(None) => true,
        StmtKind::Expr(expr) => matches!(&expr.kind, ExprKind::Other(parts) if parts.is_empty()),
        StmtKind::Return(Some(value)) => matches!(value.kind, ExprKind::None),
        _ => false,
    }
}

fn says(route: &Route, words: &[&str]) -> bool {
    let name = route.handler.as_deref().unwrap_or("").rsplit('.').next().unwrap_or("");
    let segment = route.path.trim_end_matches('/').rsplit('/').next().unwrap_or("");
    segment.is_empty() && words.contains(&"root")
        || words.iter().any(|word| holds(name, word) || holds(segment, word))
}

/// Whether a name holds a word. One as short as `up` stands by itself, and one that much ends with,
/// as `latest` does with `test`, begins where a word begins.
fn holds(name: &str, word: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    if word.len() <= 2 {
        return lower.split(|c: char| !c.is_ascii_alphanumeric()).any(|part| part == word);
    }
    lower.match_indices(word).any(|(at, _)| word.len() > 4 || begins_word(name, at))
}

/// Whether a word of a name begins at a place.
fn begins_word(name: &str, at: usize) -> bool {
    let (before, rest) = name.split_at(at);
    before.chars().next_back().is_none_or(|last| {
        !last.is_ascii_alphabetic()
            || last.is_ascii_lowercase() && rest.starts_with(|c: char| c.is_ascii_uppercase())
    })
}

/// What the body of a handler holds.
struct Seen<'m> {
    params: Vec<&'m str>,
    /// Calls that do something.
    work: usize,
    /// It branches, loops or catches.
    branches: bool,
    /// It reads something that is neither a literal nor a parameter.
    reads: bool,
    /// It hands a parameter back.
    parameters: bool,
    /// It answers or returns something.
    answers: bool,
    /// Ways out.
    exits: usize,
    not_implemented: usize,
    soon: bool,
    /// Numbers that are no status.
    numbers: usize,
    /// Numbers with a fraction.
    fractions: usize,
    /// Items of lists.
    items: usize,
    /// Empty lists and maps.
    empty: usize,
    /// Values that are not empty.
    data: usize,
    /// Texts that stand alone, such as an answer in words.
    words: usize,
    collections: usize,
}

impl<'m> Seen<'m> {
    fn new(function: &'m Function) -> Self {
        let params = function.params.iter().filter_map(|param| last_name(&param.target)).collect();
        Self {
            params,
            work: 0,
            branches: false,
            reads: false,
            parameters: false,
            answers: false,
            exits: 0,
            not_implemented: 0,
            soon: false,
            numbers: 0,
            fractions: 0,
            items: 0,
            empty: 0,
            data: 0,
            words: 0,
            collections: 0,
        }
    }

    /// Whether something of a form's name is one: it belongs to what answers are written into, to a
    /// type, or to nothing.
    fn is_form(&self, callee: &Expr) -> bool {
        let path = Path::of(callee);
        let Some(first) = path.segments.first() else { return true };
        path.opaque
            || path.segments.len() == 1
            || self.params.contains(first)
                && (ANSWERERS.contains(first) || path.last() == "response")
            || first.starts_with(|c: char| c.is_ascii_uppercase())
            || matches!(
                *first,
                "web" | "flask" | "http" | "falcon" | "poem" | "warp" | "serde_json" | "json"
            )
    }

    fn call(&mut self, call: &'m Call) {
        let name = last_name(&call.callee).unwrap_or("");
        if fits(&NOT_IMPLEMENTED, name) {
            self.not_implemented += 1;
        } else if call.is_macro || FORMS.contains(&name) && self.is_form(&call.callee) {
            self.answers = true;
        } else {
            self.work += 1;
        }
    }
}

/// What answers are written into, by the usual names.
const ANSWERERS: &[&str] =
    &["ctx", "context", "c", "set", "res", "resp", "response", "reply", "h", "rsp"];

/// Whether what is written there is the body of an answer.
fn is_answer(target: &Expr) -> bool {
    let path = Path::of(target);
    path.last() == "body" && path.segments.first().is_some_and(|first| ANSWERERS.contains(first))
}

/// Whether a number stands for a status of HTTP.
fn is_status(number: &str) -> bool {
    number.parse::<u16>().is_ok_and(|number| (100..600).contains(&number))
}

impl<'m> Visitor<'m> for Seen<'m> {
    fn enter_stmt(&mut self, stmt: &'m Stmt) -> Walk {
        match &stmt.kind {
            StmtKind::Return(Some(_)) => {
                self.exits += 1;
                self.answers = true;
            }
            StmtKind::Raise(value) => {
                self.exits += 1;
                if let Some(Expr { kind: ExprKind::Name(_) | ExprKind::Attribute { .. }, .. }) =
                    value
                    && value
                        .as_ref()
                        .and_then(last_name)
                        .is_some_and(|name| fits(&NOT_IMPLEMENTED, name))
                {
                    self.not_implemented += 1;
                }
            }
            // Something is written down that is no answer.
            StmtKind::Bind(bind)
                if !matches!(bind.target.kind, ExprKind::Name(_))
                    && !last_name(&bind.target).is_some_and(|name| ANSWERED_IN.contains(&name)) =>
            {
                self.work += 1;
            }
            StmtKind::Bind(bind) if !matches!(bind.target.kind, ExprKind::Name(_)) => {
                self.answers |= is_answer(&bind.target);
            }
            StmtKind::If { .. }
            | StmtKind::Loop { .. }
            | StmtKind::Try { .. }
            | StmtKind::Match { .. } => {
                self.branches = true;
            }
            _ => {}
        }
        Walk::Into
    }

    fn enter_expr(&mut self, expr: &'m Expr) -> Walk {
        match &expr.kind {
            ExprKind::Call(call) => {
                self.call(call);
                // The path that is called is no value.
                for arg in &call.args {
                    let is_code =
                        matches!(&arg.value.kind, ExprKind::Number(number) if is_status(number));
                    if let ExprKind::Number(number) = &arg.value.kind
                        && is_code
                    {
                        self.not_implemented += usize::from(number == "501");
                    } else {
                        crate::module::visit::walk_expr(self, &arg.value);
                    }
                }
                if let ExprKind::Attribute { object, .. } = &call.callee.kind {
                    match &object.kind {
                        // `x.await?.name()`
                        ExprKind::Call(_) | ExprKind::Unary { .. } | ExprKind::Await(_) => {
                            crate::module::visit::walk_expr(self, object);
                        }
                        // `StatusCode::NOT_IMPLEMENTED.into()`
                        ExprKind::Attribute { name, .. } if fits(&NOT_IMPLEMENTED, name) => {
                            self.not_implemented += 1;
                        }
                        _ => {}
                    }
                }
                return Walk::Skip;
            }
            ExprKind::Assign { target, .. } if last_name(target) == Some("status") => {}
            ExprKind::Number(number) if number == "501" => self.not_implemented += 1,
            ExprKind::Number(number) if number.parse::<f64>() == Ok(0.0) => {}
            ExprKind::Number(number) => {
                self.numbers += usize::from(!is_status(number) || self.collections > 0);
                self.fractions += usize::from(number.contains('.'));
                self.data += 1;
            }
            ExprKind::Text(parts) => {
                let text: String = parts
                    .iter()
                    .filter_map(|part| match part {
                        TextPart::Literal(text) => Some(text.as_str()),
                        TextPart::Hole(_) => None,
                    })
                    .collect();
                self.soon |= fits(&SOON, &text);
                if !text.trim().is_empty() {
                    self.words += 1;
                    self.data += usize::from(self.collections > 0);
                }
                // A day that somebody wrote down.
                self.numbers += usize::from(self.collections > 0 && fits(&DATE, &text));
            }
            ExprKind::List(items) => {
                self.collections += 1;
                // A pair of an answer and a status is no list of data.
                let is_answer = items.iter().any(
                    |item| matches!(&item.kind, ExprKind::Number(number) if is_status(number)),
                ) && items.len() <= 3;
                self.empty += usize::from(items.is_empty());
                if !is_answer {
                    self.items += items.len();
                }
            }
            ExprKind::Map(entries) => {
                self.collections += 1;
                self.empty += usize::from(entries.is_empty());
                for entry in entries {
                    crate::module::visit::walk_expr(self, &entry.value);
                }
                return Walk::Skip;
            }
            // A choice between a value and another is made anew for each request.
            ExprKind::Binary { .. } | ExprKind::Conditional { .. } => self.reads = true,
            ExprKind::Bool(true) => self.data += usize::from(self.collections > 1),
            ExprKind::Name(name) if self.params.contains(&name.as_str()) => self.parameters = true,
            ExprKind::Name(name) => {
                self.reads |= !fits(&NOT_IMPLEMENTED, name) && name != "undefined"
            }
            ExprKind::Attribute { .. } => {
                let path = Path::of(expr);
                let last = path.last();
                if fits(&NOT_IMPLEMENTED, last) {
                    self.not_implemented += 1;
                } else if path.segments.first().is_some_and(|first| {
                    self.params.contains(first) && !matches!(*first, "self" | "this" | "cls")
                }) {
                    let first = path.segments.first().copied().unwrap_or_default();
                    self.parameters |= !ANSWERED_IN.contains(&last) || !ANSWERERS.contains(&first);
                } else {
                    self.reads = true;
                }
                return Walk::Skip;
            }
            _ => {}
        }
        Walk::Into
    }

    fn enter_function(&mut self, _: &'m Function) -> Walk {
        Walk::Into
    }

    fn enter_annotation(&mut self, _: &'m Expr) -> Walk {
        Walk::Skip
    }
}
