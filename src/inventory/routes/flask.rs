//! Flask, Quart, and the extensions that share their routers: Flask-RESTful and Flask-RESTX.

use super::Framework;
use super::graph::{Graph, Handler, Registration, made_by, methods_of, path_text};
use crate::eval::interpreter::Trace;
use crate::eval::text::Text;
use crate::eval::value::{Args, CallId, CallRecord, ClassValue, Place, Value};
use crate::source::Language;
use std::rc::Rc;

/// Flask.
pub(super) const FLASK: Framework = Framework {
    name: "flask",
    languages: &[Language::Python],
    packages: &["flask", "quart", "flask_restful", "flask_restx", "flask_restplus"],
    needs: &[
        "flask",
        "quart",
        ".route(",
        ".add_url_rule(",
        ".register_blueprint(",
        ".add_resource(",
        ".add_namespace(",
    ],
    read,
    path,
};

const NAME: &str = "flask";
const VERBS: &[&str] = &["get", "post", "put", "delete", "patch", "head", "options"];

fn read<'p>(trace: &Trace<'p>, graph: &mut Graph<'p>) {
    for (at, call) in trace.calls.iter().enumerate() {
        let id = CallId(u32::try_from(at).unwrap_or(u32::MAX));
        if let Some(path) = call.path() {
            construct(id, path, call, graph);
        } else if let Some((receiver, method)) = call.method() {
            method_call(receiver, method, call, trace, graph);
        } else if let Some(decorator) = call.applied() {
            decorate(decorator, call, trace, graph);
        }
    }
}

fn construct<'p>(id: CallId, path: &str, call: &CallRecord<'p>, graph: &mut Graph<'p>) {
    match path {
        "flask.Flask" | "flask.app.Flask" | "quart.Quart" => graph.add_application(id, NAME, call),
        "flask.Blueprint" | "flask.blueprints.Blueprint" | "quart.Blueprint" => {
            graph.add(id, NAME, optional(call.args.keyword("url_prefix")));
        }
        _ if is_extension(path, "Namespace") => {
            // A namespace without a path lives under its name.
            let prefix = match call.args.keyword("path") {
                Some(path) => optional(Some(path)),
                None => {
                    let mut prefix = Text::literal("/");
                    prefix.push(&optional(call.args.get(0, "name")));
                    prefix
                }
            };
            graph.add(id, NAME, prefix);
        }
        _ if is_extension(path, "Api") => {
            let prefix = optional(
                call.args.get(1, "prefix").filter(|value| matches!(value, Value::Text(_))),
            );
            graph.add(id, NAME, prefix.clone());
            if let Some(parent) = call.args.get(0, "app").and_then(made_by) {
                graph.mount(parent, id, prefix, call.conditional);
            }
        }
        _ => {}
    }
}

fn is_extension(path: &str, name: &str) -> bool {
    ["flask_restful", "flask_restx", "flask_restplus"].iter().any(|package| {
        path.strip_prefix(package).is_some_and(|rest| rest.rsplit('.').next() == Some(name))
    })
}

fn optional(value: Option<&Value<'_>>) -> Text {
    match value {
        None | Some(Value::None) => Text::default(),
        Some(value) => value.to_text(),
    }
}

fn method_call<'p>(
    receiver: CallId,
    method: &str,
    call: &CallRecord<'p>,
    trace: &Trace<'p>,
    graph: &mut Graph<'p>,
) {
    if graph.router(receiver, NAME).is_none() {
        return;
    }
    match method {
        "add_url_rule" => {
            let view = call.args.get(2, "view_func");
            for registration in rules(call.args.get(0, "rule"), view, &call.args, call, trace) {
                graph.route(receiver, registration);
            }
        }
        "register_blueprint" | "add_namespace" => {
            let Some(child) =
                call.args.positional.first().or(call.args.keyword("blueprint")).and_then(made_by)
            else {
                return;
            };
            let keyword = if method == "add_namespace" { "path" } else { "url_prefix" };
            let given = call.args.get(1, keyword).filter(|value| matches!(value, Value::Text(_)));
            // A prefix at the registration replaces the blueprint's own.
            let prefix = match given {
                Some(value) => value.to_text(),
                None => graph
                    .router(child, NAME)
                    .map(|router| router.prefix.clone())
                    .unwrap_or_default(),
            };
            graph.mount(receiver, child, prefix, call.conditional);
        }
        "init_app" => {
            // `api.init_app(app)` mounts the api; on anything else it is somebody else's business.
            if let Some(parent) = call.args.get(0, "app").and_then(made_by) {
                let prefix = graph
                    .router(receiver, NAME)
                    .map(|router| router.prefix.clone())
                    .unwrap_or_default();
                graph.mount(parent, receiver, prefix, call.conditional);
            }
        }
        "add_resource" => {
            let Some(Value::Class(class)) = call.args.positional.first() else { return };
            for url in call.args.positional.iter().skip(1) {
                resource(receiver, class, url, call.place, call.conditional, graph);
            }
        }
        _ => {}
    }
}

fn resource<'p>(
    receiver: CallId,
    class: &Rc<ClassValue<'p>>,
    url: &Value<'p>,
    place: Place,
    conditional: bool,
    graph: &mut Graph<'p>,
) {
    let methods = class_methods(class);
    for url in url.alternatives() {
        graph.route(
            receiver,
            Registration {
                methods_known: !methods.is_empty(),
                methods: methods.clone(),
                path: url.to_text(),
                handler: Handler::of(Some(&Value::Class(Rc::clone(class))), place),
                conditional,
            },
        );
    }
}

/// The methods that a class-based view answers.
fn class_methods(class: &Rc<ClassValue<'_>>) -> Vec<String> {
    if let Some((value, _)) = class.attribute("methods") {
        let (methods, known) = methods_of(&value);
        if known {
            return methods;
        }
    }
    VERBS
        .iter()
        .filter(|verb| matches!(class.attribute(verb), Some((Value::Function(_), _))))
        .map(|verb| verb.to_ascii_uppercase())
        .collect()
}

/// `@app.route(…)` and its kin meeting a function.
fn decorate<'p>(
    decorator: CallId,
    call: &CallRecord<'p>,
    trace: &Trace<'p>,
    graph: &mut Graph<'p>,
) {
    let Some(registrar) = trace.calls.get(decorator.0 as usize) else { return };
    let Some((receiver, method)) = registrar.method() else { return };
    if graph.router(receiver, NAME).is_none() {
        return;
    }
    let target = call.args.positional.first();
    if method == "route"
        && let Some(Value::Class(class)) = target
    {
        for url in &registrar.args.positional {
            resource(receiver, class, url, registrar.place, registrar.conditional, graph);
        }
        return;
    }
    let mut args = registrar.args.clone();
    match method {
        "route" => {}
        verb if VERBS.contains(&verb) => {
            args.named.push(("methods".into(), Value::list(vec![Value::text(verb)])))
        }
        "websocket" => args.named.push(("methods".into(), Value::list(vec![Value::text("WS")]))),
        _ => return,
    }
    for registration in rules(registrar.args.get(0, "rule"), target, &args, registrar, trace) {
        graph.route(receiver, registration);
    }
}

/// The routes of one rule: one per alternative of its path.
fn rules<'p>(
    rule: Option<&Value<'p>>,
    view: Option<&Value<'p>>,
    args: &Args<'p>,
    call: &CallRecord<'p>,
    trace: &Trace<'p>,
) -> Vec<Registration<'p>> {
    // `View.as_view("name")`
    let class = match view {
        Some(Value::Native(id)) => {
            trace.calls.get(id.0 as usize).and_then(|record| match &record.callee {
                Value::Method(method) if method.1 == "as_view" => match &method.0 {
                    Value::Class(class) => Some(Value::Class(Rc::clone(class))),
                    _ => None,
                },
                _ => None,
            })
        }
        _ => None,
    };
    let view = class.as_ref().or(view);
    let (methods, methods_known) = match (args.keyword("methods"), view) {
        (Some(value), _) => methods_of(value),
        (None, Some(Value::Class(class))) => (class_methods(class), true),
        (None, _) => (vec!["GET".to_owned()], true),
    };
    let alternatives = rule.map_or_else(|| vec![Value::Unknown], Value::alternatives);
    alternatives
        .iter()
        .map(|path| Registration {
            methods: methods.clone(),
            methods_known,
            path: path_text(Some(path)),
            handler: Handler::of(view, call.place),
            conditional: call.conditional || alternatives.len() > 1,
        })
        .collect()
}

/// `/users/<int:id>` to `/users/{id}`, `<path:rest>` to `{rest*}`.
fn path(raw: &str) -> String {
    let mut out = String::new();
    let mut rest = raw;
    while let Some(start) = rest.find('<') {
        let Some(length) = rest[start..].find('>') else { break };
        out.push_str(&rest[..start]);
        let inner = &rest[start + 1..start + length];
        let (converter, name) = inner.rsplit_once(':').unwrap_or(("", inner));
        let star = if converter.starts_with("path") { "*" } else { "" };
        out.push_str(&format!("{{{name}{star}}}"));
        rest = &rest[start + length + 1..];
    }
    out.push_str(rest);
    out
}
