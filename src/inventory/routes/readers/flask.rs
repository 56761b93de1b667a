//! Flask, Quart, and the extensions that share their routers: Flask-RESTful and Flask-RESTX.

use std::rc::Rc;

use super::{Framework, Matching};
use crate::eval::interpreter::Trace;
use crate::eval::text::Text;
use crate::eval::value::{Args, CallId, CallRecord, ClassValue, Value};
use crate::inventory::routes::graph::{
    Graph, Handler, Layer, LayerKind, Registration, made_by, methods_of, path_text,
};
use crate::inventory::routes::pattern;
use crate::module::Expr;
use crate::source::Language;

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
    fixtures: &[],
    matching: Matching::Specific,
    has_user_object: false,
    read,
    path: |raw| pattern::angles(raw, true),
};

const NAME: &str = "flask";
const VERBS: &[&str] = &["get", "post", "put", "delete", "patch", "head", "options"];

fn read<'p>(trace: &Trace<'p>, graph: &mut Graph<'p>) {
    for (id, call) in trace.records() {
        graph.at(id);
        if let Some(path) = call.path() {
            construct(id, path, call, trace, graph);
        } else if let Some((receiver, method)) = call.method() {
            method_call(receiver, method, call, trace, graph);
        } else if let Some(decorator) = call.applied() {
            decorate(decorator, call, trace, graph);
        }
    }
}

fn construct<'p>(
    id: CallId,
    path: &str,
    call: &CallRecord<'p>,
    trace: &Trace<'p>,
    graph: &mut Graph<'p>,
) {
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
        _ => return,
    }
    for layer in wrappers(call.args.keyword("decorators"), trace) {
        graph.layer(id, layer);
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

/// Arguments that nobody knows.
fn open<'p>() -> Args<'p> {
    Args { open: true, ..Args::default() }
}

fn wrapper<'p>(trace: &Trace<'p>, value: &Value<'p>, expr: Option<&Expr>) -> Layer<'p> {
    Layer::new(trace, LayerKind::Wrapper, value.clone(), open()).called(expr)
}

/// The decorators of a list, outermost first: the last one of such lists wraps all others.
fn wrappers<'p>(list: Option<&Value<'p>>, trace: &Trace<'p>) -> Vec<Layer<'p>> {
    list.and_then(Value::items)
        .unwrap_or_default()
        .into_iter()
        .rev()
        .map(|value| wrapper(trace, &value, None))
        .collect()
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
            let rule = call.args.get(0, "rule");
            rules(receiver, rule, view, &call.args, call, None, trace, graph);
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
                class_view(receiver, class, url, &open(), call, trace, graph);
            }
        }
        "before_request" | "before_app_request" => {
            if let Some(hook) = call.args.positional.first() {
                hooked(receiver, method, hook, call.conditional, trace, graph);
            }
        }
        _ => {}
    }
}

/// A function that is called before each request.
fn hooked<'p>(
    receiver: CallId,
    method: &str,
    hook: &Value<'p>,
    conditional: bool,
    trace: &Trace<'p>,
    graph: &mut Graph<'p>,
) {
    let layer =
        Layer { conditional, ..Layer::new(trace, LayerKind::Hook, hook.clone(), Args::default()) };
    if method == "before_app_request" {
        graph.layer_applications(NAME, &layer);
    } else {
        graph.layer(receiver, layer);
    }
}

/// A class that answers: a route for each of its methods, with what its methods are wrapped in.
fn class_view<'p>(
    receiver: CallId,
    class: &Rc<ClassValue<'p>>,
    url: &Value<'p>,
    args: &Args<'p>,
    call: &CallRecord<'p>,
    trace: &Trace<'p>,
    graph: &mut Graph<'p>,
) {
    let dispatches = matches!(class.attribute("dispatch_request"), Some((Value::Function(_), _)));
    let declared = args
        .keyword("methods")
        .cloned()
        .or_else(|| class.attribute("methods").map(|(value, _)| value))
        .map(|value| methods_of(&value))
        .filter(|(_, known)| *known);
    let own: Vec<String> = VERBS
        .iter()
        .filter(|verb| matches!(class.attribute(verb), Some((Value::Function(_), _))))
        .map(|verb| verb.to_ascii_uppercase())
        .collect();
    let methods = match (declared, own.is_empty()) {
        (Some((methods, _)), _) => methods,
        (None, false) => own,
        (None, true) if dispatches => vec!["GET".to_owned()],
        (None, true) => Vec::new(),
    };
    let shared = class_wrappers(class, trace);
    // Without a method that the program has, the library decides what is answered.
    let each: Vec<Option<String>> =
        if methods.is_empty() { vec![None] } else { methods.into_iter().map(Some).collect() };
    for method in each {
        let verb = method.as_deref().map(str::to_ascii_lowercase).unwrap_or_default();
        let handler = match class.attribute(&verb) {
            Some((Value::Function(_), _)) => Handler::of_method(class, &verb),
            _ => Handler::of_method(class, "dispatch_request"),
        };
        let mut layers = shared.clone();
        layers.extend(method_wrappers(class, &verb, trace));
        if let Some(function) = &handler.function {
            layers.extend(
                function
                    .decorators
                    .iter()
                    .zip(&function.function.decorators)
                    .map(|(value, expr)| wrapper(trace, value, Some(expr))),
            );
        }
        let alternatives = url.alternatives();
        for path in &alternatives {
            graph.route(
                receiver,
                Registration {
                    layers: layers.clone(),
                    args: open(),
                    name: endpoint(args),
                    conditional: call.conditional || alternatives.len() > 1,
                    ..Registration::new(
                        (method.iter().cloned().collect(), method.is_some()),
                        path.to_text(),
                        handler.clone(),
                    )
                },
            );
        }
    }
}

/// `decorators = […]` of a view, the first applied first, and `method_decorators` of a resource.
fn class_wrappers<'p>(class: &Rc<ClassValue<'p>>, trace: &Trace<'p>) -> Vec<Layer<'p>> {
    let of = |name: &str| class.attribute(name).map(|(value, _)| value);
    let mut out = wrappers(of("decorators").as_ref(), trace);
    out.extend(wrappers(of("method_decorators").as_ref(), trace));
    out
}

/// `method_decorators = {"get": […]}`.
fn method_wrappers<'p>(
    class: &Rc<ClassValue<'p>>,
    verb: &str,
    trace: &Trace<'p>,
) -> Vec<Layer<'p>> {
    let list = class.attribute("method_decorators").and_then(|(value, _)| value.entry(verb));
    wrappers(list.as_ref(), trace)
}

fn endpoint(args: &Args<'_>) -> Option<String> {
    args.keyword("endpoint").and_then(|value| value.as_str().map(str::to_owned))
}

/// `@app.route(…)` and its kin meeting a function.
fn decorate<'p>(
    decorator: CallId,
    call: &CallRecord<'p>,
    trace: &Trace<'p>,
    graph: &mut Graph<'p>,
) {
    let Some(registrar) = trace.call(decorator) else { return };
    let Some((receiver, method)) = registrar.method() else { return };
    if graph.router(receiver, NAME).is_none() {
        return;
    }
    let target = call.args.positional.first();
    if method == "route"
        && let Some(Value::Class(class)) = target
    {
        for url in &registrar.args.positional {
            class_view(receiver, class, url, &Args::default(), &registrar, trace, graph);
        }
        return;
    }
    let mut args = registrar.args.clone();
    match method {
        "route" => {}
        verb if VERBS.contains(&verb) => {
            args.named.push(("methods".into(), Value::list(vec![Value::text(verb)])));
        }
        "websocket" => args.named.push(("methods".into(), Value::list(vec![Value::text("WS")]))),
        _ => return,
    }
    let rule = registrar.args.get(0, "rule");
    rules(receiver, rule, target, &args, &registrar, Some(decorator), trace, graph);
}

/// The routes of one rule: one per alternative of its path, or more for a class. `decorator` is
/// the one that registers: those above it do not wrap what it registers.
#[allow(clippy::too_many_arguments)]
fn rules<'p>(
    receiver: CallId,
    rule: Option<&Value<'p>>,
    view: Option<&Value<'p>>,
    args: &Args<'p>,
    call: &CallRecord<'p>,
    decorator: Option<CallId>,
    trace: &Trace<'p>,
    graph: &mut Graph<'p>,
) {
    let unknown = Value::Unknown;
    let rule = rule.unwrap_or(&unknown);
    let (mut layers, view) = unwrapped(view.cloned().unwrap_or_default(), trace);
    if let Value::Class(class) = &view {
        class_view(receiver, class, rule, args, call, trace, graph);
        return;
    }
    let methods = match args.keyword("methods") {
        Some(value) => methods_of(value),
        None => (vec!["GET".to_owned()], true),
    };
    let handler = Handler::of(Some(&view), call.place);
    if let Some(function) = &handler.function {
        let registers = |value: &Value<'p>| matches!((value, decorator), (Value::Native(id), Some(at)) if *id == at);
        let below = function.decorators.iter().position(registers).map_or(0, |at| at + 1);
        layers.extend(
            function
                .decorators
                .iter()
                .zip(&function.function.decorators)
                .skip(below)
                .filter(|(value, _)| !is_registrar(value, trace, graph))
                .map(|(value, expr)| wrapper(trace, value, Some(expr))),
        );
    }
    let alternatives = rule.alternatives();
    for path in &alternatives {
        graph.route(
            receiver,
            Registration {
                layers: layers.clone(),
                args: open(),
                name: endpoint(args).or_else(|| {
                    handler
                        .name
                        .as_deref()
                        .and_then(|name| name.rsplit('.').next())
                        .map(str::to_owned)
                }),
                conditional: call.conditional || alternatives.len() > 1,
                ..Registration::new(methods.clone(), path_text(Some(path)), handler.clone())
            },
        );
    }
}

/// Whether a decorator registers a route.
fn is_registrar<'p>(value: &Value<'p>, trace: &Trace<'p>, graph: &mut Graph<'p>) -> bool {
    let Some(record) = trace.made(value) else { return false };
    let Some((receiver, _)) = record.method() else { return false };
    graph.router(receiver, NAME).is_some()
}

/// `login_required(view)` of a library, `View.as_view("name")`: what stands before, and the view.
fn unwrapped<'p>(mut view: Value<'p>, trace: &Trace<'p>) -> (Vec<Layer<'p>>, Value<'p>) {
    let mut layers = Vec::new();
    for _ in 0..8 {
        let Some(record) = trace.made(&view) else { break };
        if let Value::Method(method) = &record.callee
            && method.1 == "as_view"
            && let Value::Class(class) = &method.0
        {
            return (layers, Value::Class(Rc::clone(class)));
        }
        let Some(inner @ (Value::Function(_) | Value::Native(_) | Value::Class(_))) =
            record.args.positional.first()
        else {
            break;
        };
        layers.push(wrapper(trace, &record.callee, None));
        view = inner.clone();
    }
    (layers, view)
}
