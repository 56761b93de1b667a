//! Express.

use std::collections::BTreeMap;

use super::graph::{Graph, Handler, Registration, made_by, path_text};
use super::{Framework, SCRIPTS};
use crate::eval::interpreter::Trace;
use crate::eval::text::Text;
use crate::eval::value::{CallId, CallRecord, Value};

/// Express.
pub(super) const EXPRESS: Framework = Framework {
    name: "express",
    languages: SCRIPTS,
    packages: &["express"],
    needs: &["express", "Router(", ".use("],
    read,
    path,
};

const NAME: &str = "express";
const VERBS: &[&str] = &[
    "get", "post", "put", "delete", "patch", "head", "options", "all", "trace", "connect",
    "propfind",
];

/// What the result of a call stands for, since registrations are chained.
#[derive(Clone)]
enum Chain<'p> {
    Router(CallId),
    /// `router.route(path)`.
    Path(CallId, Value<'p>),
}

fn read<'p>(trace: &Trace<'p>, graph: &mut Graph<'p>) {
    let mut chains: BTreeMap<CallId, Chain<'p>> = BTreeMap::new();
    for (at, call) in trace.calls.iter().enumerate() {
        let id = CallId(u32::try_from(at).unwrap_or(u32::MAX));
        if let Some(path) = call.path() {
            match path {
                "express" | "express.application" => graph.add_application(id, NAME, call),
                "express.Router" | "express.default.Router" => graph.add(id, NAME, Text::default()),
                _ => {}
            }
            continue;
        }
        let Some((receiver, method)) = call.method() else { continue };
        let chain = match chains.get(&receiver) {
            Some(chain) => chain.clone(),
            None if graph.router(receiver, NAME).is_some() => Chain::Router(receiver),
            None => continue,
        };
        match (&chain, method) {
            (Chain::Router(router), "route") => {
                let path = call.args.positional.first().cloned().unwrap_or_default();
                chains.insert(id, Chain::Path(*router, path));
                continue;
            }
            (Chain::Router(router), "use") => {
                mount(*router, call, graph);
                graph.gives_back(id, *router);
            }
            (Chain::Router(router), verb)
                if VERBS.contains(&verb) && call.args.positional.len() > 1 =>
            {
                register(
                    *router,
                    verb,
                    call.args.positional.first(),
                    &call.args.positional[1..],
                    call,
                    graph,
                );
                graph.gives_back(id, *router);
            }
            (Chain::Path(router, path), verb) if VERBS.contains(&verb) => {
                register(*router, verb, Some(path), &call.args.positional, call, graph);
            }
            _ => {}
        }
        chains.insert(id, chain);
    }
}

fn register<'p>(
    router: CallId,
    verb: &str,
    path: Option<&Value<'p>>,
    handlers: &[Value<'p>],
    call: &CallRecord<'p>,
    graph: &mut Graph<'p>,
) {
    let methods = if verb == "all" { Vec::new() } else { vec![verb.to_ascii_uppercase()] };
    let named = handlers.iter().rev().find(|value| matches!(value, Value::Function(_)));
    let mut handler = Handler::of(named, call.place);
    // A route is found where it is registered; handlers are often made by factories elsewhere.
    handler.place = call.place;
    let paths = paths(path);
    for path in &paths {
        graph.route(
            router,
            Registration {
                methods: methods.clone(),
                methods_known: true,
                path: path_text(Some(path)),
                handler: handler.clone(),
                conditional: call.conditional,
            },
        );
    }
}

/// One path, or each of a list.
fn paths<'p>(path: Option<&Value<'p>>) -> Vec<Value<'p>> {
    match path {
        Some(Value::List(items)) => items.borrow().clone(),
        Some(other) => other.alternatives(),
        None => vec![Value::Unknown],
    }
}

fn mount<'p>(router: CallId, call: &CallRecord<'p>, graph: &mut Graph<'p>) {
    let first = call.args.positional.first();
    let has_path = match first {
        Some(Value::Text(_)) => true,
        Some(Value::List(items)) => {
            items.borrow().iter().all(|item| matches!(item, Value::Text(_)))
        }
        Some(Value::Unknown) => call.args.positional.len() > 1,
        _ => false,
    };
    let prefixes = if has_path { paths(first) } else { vec![Value::text("")] };
    for value in call.args.positional.iter().skip(usize::from(has_path)) {
        let children = match value {
            Value::List(items) => items.borrow().iter().filter_map(made_by).collect(),
            other => other.alternatives().iter().filter_map(made_by).collect::<Vec<_>>(),
        };
        for child in children {
            for prefix in &prefixes {
                graph.mount(router, child, prefix.to_text(), call.conditional);
            }
        }
    }
}

/// `:id` and `:id(\\d+)` to `{id}`, `:id?` to `{id}`, `:rest*` and `*` to catch-alls.
fn path(raw: &str) -> String {
    let mut out = String::new();
    let mut chars = raw.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            ':' | '*' if raw[at + 1..].starts_with(|c: char| c.is_alphanumeric() || c == '_') => {
                let mut name = String::new();
                while let Some((_, c)) = chars.next_if(|(_, c)| c.is_alphanumeric() || *c == '_') {
                    name.push(c);
                }
                let mut star = c == '*';
                if chars.peek().is_some_and(|(_, c)| *c == '(') {
                    let mut depth = 0;
                    for (_, c) in chars.by_ref() {
                        depth += i32::from(c == '(') - i32::from(c == ')');
                        if depth == 0 {
                            break;
                        }
                    }
                }
                if let Some((_, c)) = chars.next_if(|(_, c)| matches!(c, '?' | '*' | '+')) {
                    star |= c != '?';
                }
                out.push_str(&format!("{{{name}{}}}", if star { "*" } else { "" }));
            }
            '*' => out.push_str("{*}"),
            c => out.push(c),
        }
    }
    out
}
