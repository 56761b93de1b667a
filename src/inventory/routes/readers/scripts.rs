//! What the readers of frameworks for Node.js share.

use std::collections::BTreeSet;

use crate::eval::interpreter::Trace;
use crate::eval::regexp::Regexp;
use crate::eval::text::Text;
use crate::eval::value::{CallId, CallRecord, Closure, Value, native_of};
use crate::inventory::routes::graph::{Handler, Layer, Spared, methods_of, name_of};
use crate::inventory::routes::pattern::{self, Shape};
use crate::inventory::routes::regex;
use crate::module::path::last_name;
use crate::module::{Expr, ExprKind};

/// The most handlers of one registration that are looked at.
const MAX_HANDLERS: usize = 256;
/// The most groups of a regular expression that are called by their number.
const MAX_GROUPS: usize = 32;
/// What Node.js knows of methods.
const VERBS: &[&str] = &[
    "acl",
    "bind",
    "checkout",
    "connect",
    "copy",
    "delete",
    "get",
    "head",
    "link",
    "lock",
    "m-search",
    "merge",
    "mkactivity",
    "mkcalendar",
    "mkcol",
    "move",
    "notify",
    "options",
    "patch",
    "post",
    "propfind",
    "proppatch",
    "purge",
    "put",
    "query",
    "rebind",
    "report",
    "search",
    "source",
    "subscribe",
    "trace",
    "unbind",
    "unlink",
    "unlock",
    "unsubscribe",
];
/// How deep objects are looked into for an application.
const MAX_SERVED_DEPTH: usize = 3;

/// A value and the expression that gave it.
pub(super) type Written<'p> = (Value<'p>, Option<&'p Expr>);

/// The arguments of a call from the one at `from` on, lists taken apart, with the expressions that
/// gave them where there is one for each.
pub(super) fn arguments<'p>(call: &CallRecord<'p>, from: usize) -> Vec<Written<'p>> {
    let values = &call.args.positional;
    let exprs = call.written.map(|call| &call.args).filter(|args| args.len() == values.len());
    let pairs = values
        .iter()
        .enumerate()
        .skip(from)
        .map(|(at, value)| (value.clone(), exprs.map(|exprs| &exprs[at].value)));
    pairs
        .flat_map(|(value, expr)| flat(&value).into_iter().map(move |value| (value, expr)))
        .collect()
}

/// The handler that a call registers last of all, and those before it as layers.
pub(super) fn handled<'p>(
    mut handlers: Vec<Written<'p>>,
    call: &CallRecord<'p>,
    layer: impl Fn(Written<'p>) -> Layer<'p>,
) -> (Handler<'p>, Vec<Layer<'p>>) {
    let last = handlers.pop();
    let mut handler = Handler::of(last.as_ref().map(|(value, _)| value), call.place);
    // A route is found where it is registered.
    handler.place = call.place;
    let mut layers: Vec<_> = handlers.into_iter().map(&layer).collect();
    // What a library makes of a handler is asked like a guard.
    if handler.function.is_none() {
        layers.extend(last.map(&layer));
    }
    (handler, layers)
}

/// One value, or each of a list, nested too.
pub(super) fn flat<'p>(value: &Value<'p>) -> Vec<Value<'p>> {
    let mut out = Vec::new();
    let mut queue = vec![value.clone()];
    // A list can hold itself.
    for _ in 0..MAX_HANDLERS {
        let Some(value) = queue.pop() else { break };
        match value.items() {
            Some(items) => queue.extend(items.into_iter().rev()),
            None => out.push(value),
        }
    }
    out
}

/// The paths that a value gives: one, each of a list, each that it may be.
pub(super) fn paths(value: Option<&Value<'_>>) -> Vec<Text> {
    let one = |value: &Value<'_>| match value {
        Value::Regex(regexp) => of_regexp(regexp),
        value => vec![value.to_text()],
    };
    match value {
        Some(value @ Value::List(_)) => flat(value).iter().flat_map(one).collect(),
        Some(other) => other.alternatives().iter().flat_map(one).collect(),
        None => vec![Text::hole("")],
    }
}

/// Paths one below the other, with one slash before each and none at the end.
pub(super) fn below(parts: &[Text]) -> Text {
    let mut out = Text::default();
    for part in parts {
        let part = part.trim_start(&['/']).trim_end(&['/']);
        if !part.parts().is_empty() {
            out.push_literal("/");
            out.push(&part);
        }
    }
    if out.parts().is_empty() {
        out.push_literal("/");
    }
    out
}

/// The paths that a regular expression stands for, with colons. Groups without a name are called
/// by their number.
fn of_regexp(regexp: &Regexp) -> Vec<Text> {
    let numbers: Vec<String> = (0..MAX_GROUPS).map(|number| number.to_string()).collect();
    let paths = regex::paths(regexp.source(), &numbers);
    paths.iter().map(|path| with_colons(&pattern::braces(path))).collect()
}

fn with_colons(shape: &Shape) -> Text {
    let mut out = Text::default();
    let mut rest = shape.path.as_str();
    let mut parameters = shape.parameters.iter();
    while let Some((before, after)) = rest.split_once('{') {
        let Some((name, after)) = after.split_once('}') else { break };
        out.push_literal(before);
        let kind = parameters.next().and_then(|parameter| parameter.kind.as_deref());
        match (name.strip_suffix('*'), kind) {
            (Some(""), Some(kind)) => out.push_literal(&format!("({kind})")),
            (Some(name), _) => out.push_literal(&format!("*{name}")),
            (None, _) if name.is_empty() => out.push_hole(""),
            (None, Some(kind)) => out.push_literal(&format!(":{name}({kind})")),
            (None, None) => out.push_literal(&format!(":{name}")),
        }
        rest = after;
    }
    out.push_literal(rest);
    out
}

/// The methods that a router's method of this name registers; none is all of them, and `None` is a
/// name that registers nothing.
pub(super) fn methods(verb: &str) -> Option<Vec<String>> {
    match verb {
        "all" => Some(Vec::new()),
        "del" => Some(vec!["DELETE".to_owned()]),
        verb if VERBS.contains(&verb) => Some(vec![verb.to_ascii_uppercase()]),
        _ => None,
    }
}

/// Whether an argument is a path or several.
pub(super) fn is_path(value: Option<&Value<'_>>) -> bool {
    match value {
        Some(Value::Text(_) | Value::Regex(_)) => true,
        Some(Value::List(items)) => {
            let items = items.borrow();
            !items.is_empty() && items.iter().all(|item| is_path(Some(item)))
        }
        Some(Value::Choice(values)) => values.iter().any(|value| is_path(Some(value))),
        _ => false,
    }
}

/// Whether the first argument is a path, or may be one where others follow it.
pub(super) fn is_path_of(value: Option<&Value<'_>>, more: bool) -> bool {
    is_path(value) || more && matches!(value, Some(Value::Unknown | Value::Absent))
}

/// Names of what libraries put before handlers.
const MIDDLEWARE: &[&str] = &[
    "auth",
    "body",
    "cache",
    "check",
    "compress",
    "cookie",
    "cors",
    "csrf",
    "csurf",
    "guard",
    "helmet",
    "json",
    "jwt",
    "limit",
    "log",
    "morgan",
    "multer",
    "parser",
    "passport",
    "protect",
    "raw",
    "require",
    "secure",
    "session",
    "slow",
    "text",
    "timeout",
    "upload",
    "urlencoded",
    "validat",
];
/// Names of what answers.
const ANSWERS: &[&str] = &[
    "adapter", "apollo", "graphql", "handler", "listener", "panel", "proxy", "router", "serve",
    "static", "trpc", "yoga",
];

/// Whether something that is mounted below a path may be a handler which nobody knows, and then
/// whether it certainly is: `None` for middleware and for functions of the program that can hand
/// a request on. A handler has at most `params` parameters.
pub(super) fn answers<'p>(trace: &Trace<'p>, value: &Value<'p>, params: usize) -> Option<bool> {
    match value {
        Value::Function(closure) => (closure.function.params.len() <= params
            && !closure.function.params.is_empty())
        .then_some(true),
        Value::Choice(values) => values.iter().find_map(|value| answers(trace, value, params)),
        Value::Native(_) | Value::Method(_) | Value::External(_) => {
            let name = name_of(trace, value).to_ascii_lowercase();
            let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
            if has(ANSWERS) {
                return Some(true);
            }
            (!has(MIDDLEWARE)).then_some(false)
        }
        Value::Unknown => Some(false),
        _ => None,
    }
}

/// The middleware that one made with `unless` is, and the routes that it spares.
pub(super) fn unless<'p>(trace: &Trace<'p>, value: Value<'p>) -> (Value<'p>, Vec<Spared>) {
    let Some(record) = trace.made(&value) else { return (value, Vec::new()) };
    match &record.callee {
        Value::Method(method) if method.1 == "unless" => {
            (method.0.clone(), spared(record.args.positional.first()))
        }
        _ => (value, Vec::new()),
    }
}

/// What the options of `unless` spare.
fn spared(options: Option<&Value<'_>>) -> Vec<Spared> {
    let Some(Value::Map(entries)) = options else { return vec![Spared::Unknown] };
    let mut out = Vec::new();
    for (key, value) in entries.borrow().iter() {
        match key.as_str() {
            Some("path") => {
                let paths =
                    if matches!(value, Value::List(_)) { flat(value) } else { vec![value.clone()] };
                out.extend(paths.iter().map(spared_path));
            }
            Some("useOriginalUrl" | "method")
                if matches!(value, Value::Bool(true) | Value::None) => {}
            _ => out.push(Spared::Unknown),
        }
    }
    out
}

fn spared_path(path: &Value<'_>) -> Spared {
    let expression = |value: &Value<'_>| match value {
        Value::Text(text) => Some(format!("^{}$", ::regex::escape(text.as_literal()?))),
        Value::Regex(regexp) => Some(regexp.expression()),
        _ => None,
    };
    if let Some(expression) = expression(path) {
        return Spared::Path(expression);
    }
    let methods = path.entry("methods").or_else(|| path.entry("method"));
    let (methods, known) = methods.as_ref().map_or((Vec::new(), true), methods_of);
    match path.entry("url").as_ref().and_then(expression) {
        Some(expression) if known => Spared::Request(expression, methods),
        _ => Spared::Unknown,
    }
}

/// Objects of libraries that the program hands to the outside, as an argument or as the default
/// export of a file, alone, within an object, or by one of their functions.
pub(super) fn served(trace: &Trace<'_>) -> BTreeSet<CallId> {
    let mut out = BTreeSet::new();
    for (_, call) in trace.records() {
        // What a framework records by itself stands nowhere.
        if call.path().is_some() && call.written.is_some() {
            let args = call.args.positional.iter();
            args.for_each(|value| add_served(value, MAX_SERVED_DEPTH, &mut out));
        }
    }
    for file in trace.program.ids() {
        if let Some(value) = trace.default_export(file) {
            add_served(&value, MAX_SERVED_DEPTH, &mut out);
        }
    }
    out
}

fn add_served(value: &Value<'_>, depth: usize, out: &mut BTreeSet<CallId>) {
    match value {
        Value::Map(entries) if depth > 0 => {
            entries.borrow().iter().for_each(|(_, value)| add_served(value, depth - 1, out));
        }
        Value::Choice(values) => values.iter().for_each(|value| add_served(value, depth, out)),
        _ => out.extend(native_of(value)),
    }
}

/// Whether a function's first parameter is declared to be one of some types.
pub(super) fn takes(closure: &Closure<'_>, types: &[&str]) -> bool {
    let first = closure.function.params.first().and_then(|param| param.annotation.as_ref());
    first.is_some_and(|annotation| is_type(annotation, types))
}

/// Whether a type is one of some, whatever its arguments.
pub(super) fn is_type(annotation: &Expr, types: &[&str]) -> bool {
    let mut at = annotation;
    while let ExprKind::Index { object, .. } = &at.kind {
        at = object;
    }
    last_name(at).is_some_and(|name| types.contains(&name))
}
