//! Falcon: resources whose methods answer, hooks around these, middleware and sinks.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::{Framework, Matching, classes};
use crate::eval::interpreter::Trace;
use crate::eval::interpreter::probe::Question;
use crate::eval::text::Text;
use crate::eval::value::{Args, CallId, CallRecord, ClassValue, Closure, Value};
use crate::inventory::routes::AuthState;
use crate::inventory::routes::caller::{Anonymous, values};
use crate::inventory::routes::graph::{
    Graph, Handler, Layer, LayerKind, Registration, name_of, path_text,
};
use crate::inventory::routes::pattern;
use crate::source::Language;

/// Falcon.
pub(super) const FALCON: Framework = Framework {
    name: NAME,
    languages: &[Language::Python],
    packages: &["falcon"],
    needs: &["falcon", ".add_sink("],
    fixtures: &["falcon"],
    matching: Matching::Specific,
    has_user_object: false,
    read,
    path: pattern::braces,
};

const NAME: &str = "falcon";

/// What a resource may answer.
const VERBS: &[&str] = &[
    "get",
    "post",
    "put",
    "patch",
    "delete",
    "head",
    "options",
    "trace",
    "connect",
    "checkin",
    "checkout",
    "copy",
    "lock",
    "mkcol",
    "move",
    "propfind",
    "proppatch",
    "report",
    "uncheckin",
    "unlock",
    "update",
    "version_control",
    "websocket",
];

fn read<'p>(trace: &Trace<'p>, graph: &mut Graph<'p>) {
    let mut reader = Reader { trace, graph, apps: BTreeMap::new() };
    for (id, call) in trace.records() {
        reader.record(id, call);
    }
    reader.finish();
}

/// A middleware, and whether it stands there under a condition that could not be decided.
type Middleware<'p> = (Value<'p>, bool);

#[derive(Default)]
struct App<'p> {
    /// Outermost first.
    middleware: Vec<Middleware<'p>>,
    /// The calls that register resources and sinks.
    routes: Vec<(CallId, Rc<CallRecord<'p>>)>,
}

struct Reader<'r, 't, 'p> {
    trace: &'t Trace<'p>,
    graph: &'r mut Graph<'p>,
    apps: BTreeMap<CallId, App<'p>>,
}

fn is_application(path: &str) -> bool {
    path.strip_prefix("falcon.")
        .is_some_and(|rest| matches!(rest.rsplit('.').next(), Some("App" | "API")))
}

impl<'p> Reader<'_, '_, 'p> {
    fn record(&mut self, id: CallId, call: &CallRecord<'p>) {
        if call.path().is_some_and(is_application) {
            let mut app = App::default();
            let given = call.args.keyword("middleware");
            self.middleware(&mut app, given, call.conditional);
            self.apps.insert(id, app);
            return;
        }
        let Some((receiver, method)) = call.method() else { return };
        let app = self.graph.origin(receiver);
        let Some(mut of) = self.apps.remove(&app) else { return };
        match method {
            "add_middleware" => {
                let conditional = self.graph.is_conditional(self.trace, app, call);
                self.middleware(&mut of, call.args.get(0, "middleware"), conditional);
            }
            "add_route" | "add_sink" => of.routes.push((id, Rc::new(call.clone()))),
            _ => {}
        }
        self.apps.insert(app, of);
    }

    /// One middleware or several.
    fn middleware(&self, app: &mut App<'p>, given: Option<&Value<'p>>, conditional: bool) {
        let Some(given) = given else { return };
        let items = match given.items() {
            Some(items) => items,
            None => vec![given.clone()],
        };
        for item in items {
            let conditional = conditional || self.trace.is_perhaps(given);
            let alternatives = item.alternatives();
            let several = alternatives.len() > 1;
            app.middleware.extend(
                alternatives
                    .into_iter()
                    .filter(|value| !matches!(value, Value::None))
                    .map(|value| (value, conditional || several)),
            );
        }
    }

    /// Writes everything into the graph: what middleware does depends on the resource.
    fn finish(&mut self) {
        let any_called = self.apps.keys().any(|id| self.trace.is_called(*id));
        for (id, app) in std::mem::take(&mut self.apps) {
            let Some(made) = self.trace.call(id) else { continue };
            if any_called && !self.trace.is_called(id) {
                self.graph.add(id, NAME, Text::default());
            } else {
                self.graph.add_application(id, NAME, &made);
            }
            let nobody = Rc::new(self.nobody(&app));
            for (at, call) in &app.routes {
                self.graph.at(*at);
                let conditional = self.graph.is_conditional(self.trace, id, call);
                let is_sink = call.method().is_some_and(|(_, method)| method == "add_sink");
                if is_sink {
                    self.sink(id, &app, call, conditional, &nobody);
                } else {
                    self.resources(id, &app, call, conditional, &nobody);
                }
            }
        }
    }

    /// `add_route("/path", resource, suffix="item")`.
    fn resources(
        &mut self,
        id: CallId,
        app: &App<'p>,
        call: &CallRecord<'p>,
        conditional: bool,
        nobody: &Rc<BTreeSet<String>>,
    ) {
        let unknown = Value::Unknown;
        let resources = call.args.get(1, "resource").unwrap_or(&unknown).alternatives();
        let paths = call.args.get(0, "uri_template").unwrap_or(&unknown).alternatives();
        let conditional = conditional || resources.len() > 1 || paths.len() > 1;
        for resource in &resources {
            let registrations = self.responders(app, resource, call);
            for path in &paths {
                for registration in &registrations {
                    self.graph.route(
                        id,
                        Registration {
                            path: path_text(Some(path)),
                            conditional,
                            nobody: Rc::clone(nobody),
                            ..registration.clone()
                        },
                    );
                }
            }
        }
    }

    /// What a resource answers, each without its path.
    fn responders(
        &self,
        app: &App<'p>,
        resource: &Value<'p>,
        call: &CallRecord<'p>,
    ) -> Vec<Registration<'p>> {
        let suffix = match call.args.keyword("suffix") {
            None | Some(Value::None) => Some(String::new()),
            Some(suffix) => suffix
                .as_str()
                .map(|suffix| if suffix.is_empty() { String::new() } else { format!("_{suffix}") }),
        };
        let (Value::Object(object), Some(suffix)) = (resource, suffix) else {
            let handler = match resource {
                Value::Object(object) => Handler::of_class(&object.class),
                other => Handler::of(Some(other), call.place),
            };
            let layers = self.gates(app, resource, false);
            let methods = (Vec::new(), false);
            return vec![Registration {
                layers,
                ..Registration::new(methods, Text::default(), handler)
            }];
        };
        let class = &object.class;
        let mut out = Vec::new();
        for verb in VERBS {
            let name = format!("on_{verb}{suffix}");
            let Some(view) = classes::method(self.trace, resource, &name) else { continue };
            let is_socket = *verb == "websocket";
            let method = match *verb {
                "websocket" => "WS".to_owned(),
                verb => verb.to_ascii_uppercase().replace('_', "-"),
            };
            let args = arguments(is_socket);
            let open = Args { open: true, ..args.clone() };
            let around = Args {
                positional: [vec![resource.clone()], args.positional.clone()].concat(),
                open: true,
                ..Args::default()
            };
            let unwrapped = classes::unwrap(self.trace, &view, &around, |_| false);
            let handler = Handler::of(Some(&unwrapped.view), call.place);
            let mut layers = self.gates(app, resource, is_socket);
            layers.extend(self.hooks_of_classes(class, resource, &name, is_socket));
            layers.extend(
                unwrapped
                    .layers
                    .into_iter()
                    .filter_map(|layer| self.as_hook(layer, resource, is_socket)),
            );
            out.push(Registration {
                layers,
                args: open,
                metadata: unwrapped.notes,
                ..Registration::new(
                    (vec![method], true),
                    Text::default(),
                    classes::named_in(handler, class, &name),
                )
            });
        }
        // What its bases outside the program answer is not known.
        if !class.ancestry().1.iter().all(|path| is_plain(path)) && out.is_empty() {
            let layers = self.gates(app, resource, false);
            let handler = Handler::of_class(class);
            out.push(Registration {
                layers,
                ..Registration::new((Vec::new(), false), Text::default(), handler)
            });
        }
        out
    }

    /// `add_sink(function, "/prefix")` answers whatever begins so.
    fn sink(
        &mut self,
        id: CallId,
        app: &App<'p>,
        call: &CallRecord<'p>,
        conditional: bool,
        nobody: &Rc<BTreeSet<String>>,
    ) {
        let sinks = call.args.get(0, "sink").map(Value::alternatives).unwrap_or_default();
        let prefix = call.args.get(1, "prefix").cloned().unwrap_or_else(|| Value::text("/"));
        let mut path = match prefix.as_str() {
            // An expression of which only the beginning is text.
            Some(text) => {
                let text = text.trim_start_matches('^').trim_end_matches('$');
                let end = text.find(['(', '[', '\\', '.', '?', '*', '+']).unwrap_or(text.len());
                Text::literal(&text[..end])
            }
            None => prefix.to_text(),
        };
        if !path.to_string().ends_with('/') {
            path.push_literal("/");
        }
        path.push_literal("{:path}");
        let several = sinks.len() > 1;
        for sink in sinks {
            let args = Args { open: true, ..arguments(false) };
            let sink = match &sink {
                Value::Object(_) => {
                    classes::method(self.trace, &sink, "__call__").unwrap_or_else(|| sink.clone())
                }
                _ => sink,
            };
            let unwrapped = classes::unwrap(self.trace, &sink, &args, |_| false);
            // There is no resource, so that nothing is asked about one.
            let mut layers = self.requests(app, false);
            layers.extend(unwrapped.layers);
            let handler = Handler::of(Some(&unwrapped.view), call.place);
            self.graph.route(
                id,
                Registration {
                    layers,
                    args,
                    metadata: unwrapped.notes,
                    conditional: conditional || several,
                    nobody: Rc::clone(nobody),
                    ..Registration::new((Vec::new(), true), path.clone(), handler)
                },
            );
        }
    }

    /// What middleware does before a resource answers.
    fn gates(&self, app: &App<'p>, resource: &Value<'p>, is_socket: bool) -> Vec<Layer<'p>> {
        let mut out = self.requests(app, is_socket);
        let name = if is_socket { "process_resource_ws" } else { "process_resource" };
        for (middleware, conditional) in &app.middleware {
            let Some(Value::Function(method)) = self.method(middleware, name) else { continue };
            let mut args = arguments(is_socket);
            args.positional.extend([resource.clone(), Value::Unknown]);
            let layer = Layer::new(self.trace, LayerKind::Hook, of_its_own(&method), args);
            let name = format!("{}.{name}", name_of(self.trace, middleware));
            out.push(Layer { name, conditional: *conditional, ..layer });
        }
        out
    }

    /// Where middleware leaves who calls, for everything behind it.
    fn nobody(&self, app: &App<'p>) -> BTreeSet<String> {
        let mut out = BTreeSet::new();
        for (middleware, conditional) in &app.middleware {
            for name in ["process_request", "process_request_ws"] {
                let is_socket = name.ends_with("_ws");
                let Some(callee) = self.method(middleware, name).filter(|_| !conditional) else {
                    continue;
                };
                let caller = Anonymous {
                    any_route: true,
                    is_layer: true,
                    all_credentials: true,
                    ..Anonymous::default()
                };
                let question = Question::new(callee, arguments(is_socket));
                let seen = self.trace.ask(Rc::new(caller), &question);
                let is_nothing = |value: &Value<'p>| matches!(value, Value::None | Value::Absent);
                let notes = seen.notes.into_iter().filter(|_| seen.asked);
                let nothing = notes.filter(|(_, value)| is_nothing(value));
                out.extend(nothing.map(|(path, _)| path));
            }
        }
        out
    }

    /// What middleware does before it is known what answers.
    fn requests(&self, app: &App<'p>, is_socket: bool) -> Vec<Layer<'p>> {
        let name = if is_socket { "process_request_ws" } else { "process_request" };
        let mut out = Vec::new();
        for (middleware, conditional) in &app.middleware {
            if let Some(made) = self.trace.made(middleware)
                && !matches!(middleware, Value::Object(_))
            {
                let path = self.trace.path_of(&made);
                // What a library asks of callers is not known here.
                if path.to_ascii_lowercase().contains("auth") {
                    let name = name_of(self.trace, middleware);
                    out.push(Layer::decided(AuthState::Unknown, &name));
                }
                continue;
            }
            let Some(method) = self.method(middleware, name) else { continue };
            let layer = Layer::new(self.trace, LayerKind::Lookup, method, arguments(is_socket));
            let name = format!("{}.{name}", name_of(self.trace, middleware));
            out.push(Layer { name, conditional: *conditional, ..layer });
        }
        out
    }

    /// A method of a middleware; those for ASGI may have a name of their own.
    fn method(&self, middleware: &Value<'p>, name: &str) -> Option<Value<'p>> {
        let is_socket = name.ends_with("_ws");
        let asynchronous = format!("{name}_async");
        classes::method(self.trace, middleware, &asynchronous)
            .filter(|_| !is_socket)
            .or_else(|| classes::method(self.trace, middleware, name))
    }

    /// The hooks that decorate classes: each is around what its class has by then, inherited or
    /// not.
    fn hooks_of_classes(
        &self,
        class: &Rc<ClassValue<'p>>,
        resource: &Value<'p>,
        name: &str,
        is_socket: bool,
    ) -> Vec<Layer<'p>> {
        let Some((Value::Function(found), _)) = class.attribute(name) else { return Vec::new() };
        let mut out = Vec::new();
        for of in class.ancestry().0 {
            let has = match of.attribute(name) {
                Some((Value::Function(own), _)) => Rc::ptr_eq(&own.attributes, &found.attributes),
                _ => false,
            };
            if has {
                let hooks = of.decorators.iter();
                out.extend(hooks.filter_map(|value| self.hook(value, resource, is_socket)));
            }
        }
        out
    }

    /// A decorator as it is, where it is no hook; one that runs afterwards is none at all.
    fn as_hook(
        &self,
        layer: Layer<'p>,
        resource: &Value<'p>,
        is_socket: bool,
    ) -> Option<Layer<'p>> {
        match self.trace.made(&layer.value) {
            Some(made) if is_hook(&made, "after") => None,
            Some(made) if is_hook(&made, "before") => self.hook(&layer.value, resource, is_socket),
            _ => Some(layer),
        }
    }

    /// `falcon.before(check, "role")`.
    fn hook(&self, value: &Value<'p>, resource: &Value<'p>, is_socket: bool) -> Option<Layer<'p>> {
        let made = self.trace.made(value).filter(|made| is_hook(made, "before"))?;
        let action = made.args.get(0, "action")?;
        let mut args = arguments(is_socket);
        args.positional.extend([resource.clone(), Value::Unknown]);
        args.positional.extend(made.args.positional.iter().skip(1).cloned());
        let named = made.args.named.iter();
        args.named = named
            .filter(|(name, _)| !matches!(name.as_str(), "action" | "is_async"))
            .cloned()
            .collect();
        let name = name_of(self.trace, action);
        let action = match action {
            Value::Function(closure) => of_its_own(closure),
            other => other.clone(),
        };
        let layer = Layer::new(self.trace, LayerKind::Hook, action, args);
        Some(Layer { name, ..layer })
    }
}

/// The same function, but what it does in one place says nothing of what it does in another, where
/// it is given something else.
fn of_its_own<'p>(closure: &Rc<Closure<'p>>) -> Value<'p> {
    let same = closure.decorated(closure.decorators.clone());
    Value::Function(Rc::new(Closure { given: Some(Rc::default()), ..same }))
}

/// Whether a call made a hook.
fn is_hook(made: &CallRecord<'_>, which: &str) -> bool {
    made.path()
        .is_some_and(|path| path.starts_with("falcon.") && path.rsplit('.').next() == Some(which))
}

/// Whether a base says nothing of what a resource answers.
fn is_plain(path: &str) -> bool {
    matches!(path, "object" | "builtins.object" | "abc.ABC" | "typing.Generic" | "typing.Protocol")
}

/// What everything is called with that looks at a request.
fn arguments<'p>(is_socket: bool) -> Args<'p> {
    let answer = if is_socket { values::socket() } else { values::response() };
    Args::of(vec![values::request(), answer])
}
