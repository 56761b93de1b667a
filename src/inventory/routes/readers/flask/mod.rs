//! Flask, Quart, and the extensions that share their routers: Flask-RESTful, Flask-RESTX, APIFlask,
//! flask-smorest, flask-openapi3, flask-sock, Flask-AppBuilder.

mod appbuilder;
mod builtin_views;
mod endpoints;
mod extensions;
mod mounts;
mod views;

use std::collections::BTreeMap;
use std::rc::Rc;

use super::{Framework, Matching};
use crate::eval::interpreter::{Library, Trace};
use crate::eval::text::Text;
use crate::eval::value::{Args, CallId, CallRecord, Value};
use crate::inventory::routes::graph::{
    Graph, Handler, Layer, LayerKind, Registration, made_by, methods_of, path_text,
};
use crate::inventory::routes::wrapping::{self, Unwrapped, open};
use crate::inventory::routes::{caller, pattern};
use crate::source::Language;

/// Flask.
pub(super) const FLASK: Framework = Framework {
    name: NAME,
    languages: &[Language::Python],
    packages: &[
        "flask",
        "quart",
        "flask_restful",
        "flask_restx",
        "flask_restplus",
        "flask_sock",
        "flask_smorest",
        "flask_openapi3",
        "flask-appbuilder",
        "apiflask",
    ],
    needs: &[
        "flask",
        "quart",
        ".route(",
        ".add_url_rule(",
        ".register_blueprint(",
        ".add_resource(",
        ".add_namespace(",
        "DispatcherMiddleware",
        // What only calls the factory decides what is served.
        "create_app(",
        "make_app(",
        "application = ",
    ],
    fixtures: &[
        "flask",
        "flask-appbuilder",
        "flask-factories",
        "flask-restful",
        "flask-restx",
        "quart",
    ],
    matching: Matching::Specific,
    has_user_object: false,
    read,
    path: |raw| pattern::angles(raw, true),
};

/// What Flask tells a program while it runs.
pub(super) const LIBRARY: Library = endpoints::LIBRARY;

pub(super) const NAME: &str = "flask";
const VERBS: &[&str] = &["get", "post", "put", "delete", "patch", "head", "options", "trace"];

fn read<'p>(trace: &Trace<'p>, graph: &mut Graph<'p>) {
    let mut reader = Reader {
        trace,
        graph,
        views: BTreeMap::new(),
        sockets: BTreeMap::new(),
        extensions: BTreeMap::new(),
        everywhere: Vec::new(),
        builders: appbuilder::Builders::default(),
        current: None,
    };
    reader.applications();
    reader.collect_views();
    for (id, call) in trace.records() {
        reader.graph.at(id);
        reader.record(id, call);
    }
    reader.finish_builders();
    reader.spread_hooks();
}

fn is_application(path: &str) -> bool {
    of_package(path, &["flask", "quart", "apiflask", "flask_openapi3", "connexion"])
        && matches!(last(path), "Flask" | "Quart" | "APIFlask" | "OpenAPI")
}

fn of_package(path: &str, packages: &[&str]) -> bool {
    packages.contains(&path.split('.').next().unwrap_or(path))
}

fn last(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}

/// Reads a trace, in the order of its calls.
struct Reader<'t, 'g, 'p> {
    trace: &'t Trace<'p>,
    graph: &'g mut Graph<'p>,
    /// Views that are given to an endpoint apart from its rule, by router and endpoint.
    views: BTreeMap<(CallId, String), Value<'p>>,
    /// What registers WebSockets, and the application that it does so on.
    sockets: BTreeMap<CallId, Option<CallId>>,
    /// The extensions' objects that have routes.
    extensions: BTreeMap<CallId, extensions::Extension>,
    /// Hooks of a blueprint that hold for the whole application which it reaches.
    everywhere: Vec<(CallId, Layer<'p>)>,
    /// The builders of Flask-AppBuilder.
    builders: appbuilder::Builders,
    /// The application whose context was entered last, or will be first.
    current: Option<CallId>,
}

impl<'p> Reader<'_, '_, 'p> {
    /// Adds the applications: what is registered on `current_app` may stand in a module that runs
    /// before they are made.
    fn applications(&mut self) {
        let is_app =
            |(_, call): &(CallId, &CallRecord<'_>)| call.path().is_some_and(is_application);
        // One that a function makes that nothing calls is served only where no other is.
        let served = self.trace.records().filter(is_app).any(|(id, _)| self.trace.is_called(id));
        for (id, call) in self.trace.records().filter(is_app) {
            self.graph.at(id);
            if served && !self.trace.is_called(id) {
                self.graph.add(id, NAME, Text::default());
            } else {
                self.graph.add_application(id, NAME, call);
                self.current = self.current.or(Some(id));
            }
        }
        let entered = self.trace.records().find_map(|(_, call)| match call.method()? {
            (app, "app_context" | "test_request_context") => Some(app),
            _ => None,
        });
        self.current = entered.or(self.current);
    }

    fn record(&mut self, id: CallId, call: &CallRecord<'p>) {
        if self.builder_call(call) {
        } else if let Some(path) = call.path() {
            self.construct(id, path, call);
        } else if let Some((receiver, method)) = call.method() {
            self.method_call(id, receiver, method, call);
        } else if let Some((receiver, attribute, method)) = call.attribute_method() {
            self.attribute_call(receiver, attribute, method, call);
        } else if let Some(decorator) = call.applied() {
            self.decorate(decorator, call);
        }
    }

    fn is_router(&mut self, id: CallId) -> bool {
        self.graph.router(id, NAME).is_some()
    }

    fn construct(&mut self, id: CallId, path: &str, call: &CallRecord<'p>) {
        if self.construct_extension(id, path, call)
            || self.mount_dispatched(id, path, call)
            || self.construct_builder(id, path, call)
        {
        } else if of_package(
            path,
            &["flask", "quart", "apiflask", "flask_openapi3", "flask_smorest"],
        ) && matches!(last(path), "Blueprint" | "APIBlueprint")
        {
            self.graph.add(id, NAME, optional(call.args.keyword("url_prefix")));
            if let Some(router) = self.graph.router(id, NAME) {
                router.name = Some(call.args.get(0, "name").map_or_else(String::new, name_of));
            }
        } else if let Some(method) =
            path.strip_prefix("flask.current_app.").or(path.strip_prefix("quart.current_app."))
            && let Some(app) = self.current
        {
            self.method_call(id, app, method, call);
        }
    }

    fn method_call(&mut self, id: CallId, receiver: CallId, method: &str, call: &CallRecord<'p>) {
        if self.extension_call(id, receiver, method, call) || !self.is_router(receiver) {
            return;
        }
        match method {
            "add_url_rule" => {
                let view = call.args.get(2, "view_func");
                let rule = call.args.get(0, "rule");
                self.rule(receiver, rule, view, &call.args, call, false);
            }
            "add_websocket" => {
                let view = call.args.get(2, "view_func");
                let rule = call.args.get(0, "rule");
                let mut args = call.args.clone();
                args.named.push(("methods".into(), Value::list(vec![Value::text("WS")])));
                self.rule(receiver, rule, view, &args, call, false);
            }
            "register_blueprint" | "register_api" => self.mount_blueprint(receiver, call),
            "register_listener" => {}
            "before_request"
            | "before_websocket"
            | "before_app_request"
            | "before_app_websocket" => {
                if let Some(hook) = call.args.positional.first() {
                    self.hook(receiver, method, hook, call.conditional);
                }
            }
            "app_context" | "test_request_context" => self.current = Some(receiver),
            // A blueprint's deferred functions: the state that they get registers on the blueprint.
            "record" | "record_once" => {}
            _ => {}
        }
    }

    /// A call of a method of an application's attribute: its map of URLs, its views.
    fn attribute_call(
        &mut self,
        receiver: CallId,
        attribute: &str,
        method: &str,
        call: &CallRecord<'p>,
    ) {
        if !self.is_router(receiver) {
            return;
        }
        match (attribute, method) {
            ("url_map", "add") => {
                if let Some(rule) = call.args.positional.first() {
                    self.werkzeug_rule(receiver, rule, &Text::default(), call, 0);
                }
            }
            ("view_functions", "__setitem__") => self.replace_views(receiver, call),
            _ => {}
        }
    }

    /// `@app.route(…)` and its kin meeting a function or a class.
    fn decorate(&mut self, decorator: CallId, call: &CallRecord<'p>) {
        let Some(registrar) = self.trace.call(decorator) else { return };
        let Some((receiver, method)) = self.registrar(&registrar) else { return };
        let target = call.args.positional.first();
        if self.extension_decorates(receiver, method, &registrar, target)
            || !self.is_router(receiver)
        {
            return;
        }
        let mut args = registrar.args.clone();
        match method {
            "route" => {}
            verb if VERBS.contains(&verb) => {
                args.named.push(("methods".into(), Value::list(vec![Value::text(verb)])));
            }
            "websocket" => {
                args.named.push(("methods".into(), Value::list(vec![Value::text("WS")])));
            }
            _ => return,
        }
        let rule = registrar.args.get(0, "rule");
        self.rule(receiver, rule, target, &args, &registrar, true);
    }

    /// What a call that gave a decorator was a method of.
    fn registrar<'r>(&self, record: &'r CallRecord<'p>) -> Option<(CallId, &'r str)> {
        if let Some(method) = record.method() {
            return Some(method);
        }
        let path = record.path()?;
        let method =
            path.strip_prefix("flask.current_app.").or(path.strip_prefix("quart.current_app."))?;
        Some((self.current?, method))
    }

    /// Whether a decorator only registers what it meets.
    fn registers(&mut self, value: &Value<'p>) -> bool {
        let Some(record) = self.trace.made(value) else { return false };
        match self.registrar(&record) {
            Some((receiver, _)) => {
                self.is_router(receiver)
                    || self.sockets.contains_key(&receiver)
                    || self.extensions.contains_key(&receiver)
            }
            None => false,
        }
    }

    fn unwrap(&mut self, view: &Value<'p>) -> Unwrapped<'p> {
        let trace = self.trace;
        wrapping::unwrap(trace, view, |value| self.registers(value))
    }

    /// A function that is called before each request.
    fn hook(&mut self, receiver: CallId, method: &str, hook: &Value<'p>, conditional: bool) {
        let mut layer = Layer::new(self.trace, LayerKind::Hook, hook.clone(), Args::default());
        layer.conditional = conditional;
        // Quart has hooks of their own for WebSockets.
        layer.sockets = self.is_quart(receiver).then(|| method.ends_with("websocket"));
        if method.starts_with("before_app_") {
            self.everywhere.push((receiver, layer));
        } else {
            self.graph.layer(receiver, layer);
        }
    }

    fn is_quart(&self, router: CallId) -> bool {
        let record = self.trace.call(self.graph.origin(router));
        record.is_some_and(|record| record.path().is_some_and(|path| of_package(path, &["quart"])))
    }

    /// The routes of one rule: one per alternative of its path, or more for a class. `applied` says
    /// that a decorator registers it.
    fn rule(
        &mut self,
        receiver: CallId,
        rule: Option<&Value<'p>>,
        view: Option<&Value<'p>>,
        args: &Args<'p>,
        call: &CallRecord<'p>,
        applied: bool,
    ) {
        let unknown = Value::Unknown;
        let rule = rule.unwrap_or(&unknown);
        let endpoint = args
            .keyword("endpoint")
            .or_else(|| args.positional.get(1).filter(|_| !applied))
            .and_then(Value::as_str)
            .map(str::to_owned);
        let given = view.filter(|view| !matches!(view, Value::None)).cloned();
        let view = given.or_else(|| self.view_of(receiver, endpoint.as_deref()));
        let unwrapped = self.unwrap(&view.unwrap_or_default());
        if let Value::Class(class) = &unwrapped.view {
            self.class_view(receiver, class, rule, &unwrapped.layers, args, call);
            return;
        }
        let declared = args.keyword("methods").filter(|value| !matches!(value, Value::None));
        let methods = match declared.or(attribute_of(&unwrapped.view, "methods").as_ref()) {
            Some(value) => verbs(value),
            None => (vec!["GET".to_owned()], true),
        };
        let handler = Handler::of(Some(&unwrapped.view), call.place);
        let own = handler.name.as_deref().map(|name| last(name).to_owned());
        let registration = Registration {
            layers: unwrapped.layers,
            args: open(),
            name: endpoint.or(own),
            metadata: unwrapped.notes,
            conditional: call.conditional,
            ..Registration::new(methods, Text::default(), handler)
        };
        self.register(receiver, rule, &registration);
    }

    /// Registers for each path that a rule may be.
    fn register(&mut self, receiver: CallId, rule: &Value<'p>, registration: &Registration<'p>) {
        let alternatives = rule.alternatives();
        for path in &alternatives {
            self.graph.route(
                receiver,
                Registration {
                    path: path_text(Some(path)),
                    conditional: registration.conditional || alternatives.len() > 1,
                    ..registration.clone()
                },
            );
        }
    }
}

/// The methods that a rule names, also as members of an enumeration.
fn verbs(value: &Value<'_>) -> (Vec<String>, bool) {
    let Value::List(items) = value else { return methods_of(value) };
    let named = |item: &Value<'_>| match item {
        Value::External(path) if path.contains("HTTPMethod") => Value::text(last(path)),
        Value::Text(text) => Value::Text(Rc::clone(text)),
        _ => Value::Unknown,
    };
    methods_of(&Value::list(items.borrow().iter().map(named).collect()))
}

fn attribute_of<'p>(view: &Value<'p>, name: &str) -> Option<Value<'p>> {
    match view {
        Value::Function(closure) => closure.attributes.borrow().get(name).cloned(),
        _ => None,
    }
}

fn optional(value: Option<&Value<'_>>) -> Text {
    match value {
        None | Some(Value::None) => Text::default(),
        Some(value) => value.to_text(),
    }
}

fn name_of(value: &Value<'_>) -> String {
    value.to_text().to_string()
}

/// Whether a value is a text, or one of several of which one is.
fn is_text(value: &&Value<'_>) -> bool {
    value.alternatives().iter().any(|value| matches!(value, Value::Text(_)))
}

/// A socket that a view is called with before its parameters.
fn socket_args<'p>() -> Args<'p> {
    Args { positional: vec![caller::values::socket()], ..open() }
}

/// The router that a value is, or that something was wrapped around.
fn router_of<'p>(trace: &Trace<'p>, graph: &Graph<'p>, value: &Value<'p>) -> Option<CallId> {
    let mut value = value.clone();
    for _ in 0..4 {
        if let Some(id) = made_by(&value)
            && graph.routers.contains_key(&graph.origin(id))
        {
            return Some(id);
        }
        value = match &value {
            // `app.wsgi_app`
            Value::Method(method) if matches!(method.1.as_str(), "wsgi_app" | "asgi_app") => {
                method.0.clone()
            }
            Value::Native(_) => trace.made(&value)?.args.positional.first()?.clone(),
            _ => return None,
        };
    }
    None
}
