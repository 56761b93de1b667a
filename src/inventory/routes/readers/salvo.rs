//! salvo.

use std::collections::BTreeMap;

use super::{Framework, Matching};
use crate::eval::interpreter::Trace;
use crate::eval::text::Text;
use crate::eval::value::{CallId, CallRecord, Value};
use crate::inventory::routes::AuthState;
use crate::inventory::routes::crates::{self, Endpoint, tail};
use crate::inventory::routes::graph::{
    Graph, Layer, LayerKind, Registration, made_by, name_of, path_text,
};
use crate::inventory::routes::pattern;
use crate::source::Language;

/// salvo.
pub(super) const SALVO: Framework = Framework {
    name: "salvo",
    languages: &[Language::Rust],
    packages: &["salvo"],
    needs: &["salvo"],
    fixtures: &["salvo"],
    matching: Matching::First,
    has_user_object: false,
    read,
    path: pattern::salvo,
};

const NAME: &str = "salvo";
const VERBS: &[&str] = &["get", "post", "put", "delete", "patch", "head", "options"];

struct Reader<'t, 'p> {
    trace: &'t Trace<'p>,
    /// The path that each router has of its own.
    paths: BTreeMap<CallId, Text>,
    /// The methods that filters of routers let through.
    filters: BTreeMap<CallId, Vec<String>>,
    is_served: bool,
}

fn read<'p>(trace: &Trace<'p>, graph: &mut Graph<'p>) {
    let mut reader =
        Reader { trace, paths: BTreeMap::new(), filters: BTreeMap::new(), is_served: false };
    for (id, call) in trace.records() {
        graph.at(id);
        if let Some(path) = call.path() {
            reader.construct(id, path, call, graph);
        } else if let Some((receiver, method)) = call.method() {
            if graph.router(receiver, NAME).is_some() {
                reader.on_router(receiver, method, call, graph);
                graph.gives_back(id, receiver);
            } else {
                reader.served_by(call, graph);
            }
        }
    }
    if !reader.is_served {
        let routers = graph.routers.values_mut().filter(|router| router.framework == NAME);
        routers.for_each(|router| router.is_application = true);
    }
}

impl<'p> Reader<'_, 'p> {
    fn construct(&mut self, id: CallId, path: &str, call: &CallRecord<'p>, graph: &mut Graph<'p>) {
        let first = call.args.positional.first();
        let of_salvo = path.starts_with("salvo") || !path.contains("::");
        let Some(made) = path.strip_suffix(tail(path, 1)).filter(|_| of_salvo) else {
            return self.served_by(call, graph);
        };
        if tail(path, 2) == "Service::new" {
            // What stands before a service stands before its router.
            if let Some(router) = first.and_then(made_by)
                && graph.router(router, NAME).is_some()
            {
                self.served_by(call, graph);
                graph.gives_back(id, router);
            }
            return;
        }
        if tail(path, 1) == "Router" {
            return graph.add(id, NAME, Text::default());
        }
        if !made.ends_with("Router::") {
            return self.served_by(call, graph);
        }
        match tail(path, 1) {
            "new" | "default" => graph.add(id, NAME, Text::default()),
            "with_path" => {
                graph.add(id, NAME, Text::default());
                self.paths.insert(id, path_text(first));
            }
            "with_hoop" => {
                graph.add(id, NAME, Text::default());
                for layer in self.layers(first) {
                    graph.layer(id, layer);
                }
            }
            "with_filter" | "with_filter_fn" => {
                graph.add(id, NAME, Text::default());
                self.filters.insert(id, self.filtered(first));
            }
            _ => {}
        }
    }

    /// Routers that are given to something else than routers are served by it.
    fn served_by(&mut self, call: &CallRecord<'p>, graph: &mut Graph<'p>) {
        for value in call.args.positional.iter().flat_map(Value::alternatives) {
            if let Some(router) = made_by(&value)
                && graph.router(router, NAME).is_some()
            {
                self.is_served = true;
                graph.serve(router, false);
            }
        }
    }

    fn own_path(&self, router: CallId, graph: &Graph<'p>) -> Text {
        let path = self.paths.get(&graph.origin(router)).cloned().unwrap_or_default();
        path.trim_start(&['/']).trim_end(&['/'])
    }

    fn on_router(
        &mut self,
        router: CallId,
        method: &str,
        call: &CallRecord<'p>,
        graph: &mut Graph<'p>,
    ) {
        let first = call.args.positional.first();
        let conditional = graph.is_conditional(self.trace, router, call);
        match method {
            "path" => {
                self.paths.insert(graph.origin(router), path_text(first));
            }
            "push" | "unshift" | "append" | "push_if" => {
                let prefix = self.own_path(router, graph);
                for child in children(first) {
                    graph.mount(router, child, prefix.clone(), conditional);
                }
            }
            "hoop" => {
                for layer in self.layers(first) {
                    let conditional = conditional || layer.conditional;
                    graph.layer(router, Layer { conditional, ..layer });
                }
            }
            "hoop_when" => {
                for layer in self.layers(first) {
                    let when = call.args.positional.get(1).cloned();
                    graph.layer(router, Layer { conditional, when, ..layer });
                }
            }
            "filter" | "filter_fn" => {
                let methods = self.filtered(first);
                self.filters.entry(graph.origin(router)).or_default().extend(methods);
            }
            "goal" | "handle" => {
                let methods = self.filters.get(&graph.origin(router)).cloned().unwrap_or_default();
                self.register(router, methods, call, conditional, graph);
            }
            verb if VERBS.contains(&verb) => {
                self.register(router, vec![verb.to_ascii_uppercase()], call, conditional, graph);
            }
            _ => {}
        }
    }

    fn register(
        &self,
        router: CallId,
        mut methods: Vec<String>,
        call: &CallRecord<'p>,
        conditional: bool,
        graph: &mut Graph<'p>,
    ) {
        let handler = call.args.positional.first();
        let endpoint = crates::endpoint(self.trace, handler, call.place, &["handle"]);
        let Endpoint { handler, layers, args, upgrades, request, response } = endpoint;
        if upgrades && (methods.is_empty() || methods == ["GET"]) {
            methods = vec!["WS".to_owned()];
        }
        let path = self.own_path(router, graph);
        graph.route(
            router,
            Registration {
                layers,
                args,
                request,
                response,
                conditional,
                ..Registration::new((methods, true), path, handler)
            },
        );
    }

    /// The methods of `filters::get()` and `filters::get().or(filters::post())`.
    fn filtered(&self, value: Option<&Value<'p>>) -> Vec<String> {
        let Some(record) = value.and_then(|value| self.trace.made(value)) else {
            return Vec::new();
        };
        match &record.callee {
            Value::External(path) if VERBS.contains(&tail(path, 1)) => {
                vec![tail(path, 1).to_ascii_uppercase()]
            }
            Value::Method(of) => {
                let mut methods = self.filtered(Some(&of.0));
                if of.1 == "or" {
                    methods.extend(self.filtered(record.args.positional.first()));
                }
                methods
            }
            _ => Vec::new(),
        }
    }

    fn layers(&self, value: Option<&Value<'p>>) -> Vec<Layer<'p>> {
        let Some(value) = value else { return Vec::new() };
        let hook = |function: Value<'p>| {
            Layer::new(self.trace, LayerKind::Hook, function, crates::by_types())
        };
        match value {
            Value::Function(_) => vec![hook(value.clone())],
            Value::Native(_) => {
                let chain = crates::chain(self.trace, value);
                let Some(path) = chain.first().and_then(|first| first.path()) else {
                    return Vec::new();
                };
                let passes = chain.iter().any(|record| {
                    matches!(record.method(), Some((_, "force_passed")))
                        && record.args.positional.first().and_then(Value::truth) != Some(false)
                });
                match tail(path, 2) {
                    "JwtAuth::new" if passes => {
                        vec![Layer::decided(AuthState::Optional, "JwtAuth")]
                    }
                    "JwtAuth::new" => vec![Layer::decided(AuthState::Required, "JwtAuth")],
                    "BasicAuth::new" => vec![Layer::decided(AuthState::Required, "BasicAuth")],
                    _ => {
                        let mut layer = Layer::new(
                            self.trace,
                            LayerKind::Middleware,
                            value.clone(),
                            crates::by_types(),
                        );
                        layer.name = crates::library_name(path);
                        vec![layer]
                    }
                }
            }
            Value::Choice(values) => values
                .iter()
                .flat_map(|value| self.layers(Some(value)))
                .map(|layer| Layer { conditional: true, ..layer })
                .collect(),
            object => match self.trace.bound_method(object, "handle") {
                Some(handle) => {
                    let mut layer = hook(handle);
                    layer.name = name_of(self.trace, object);
                    vec![layer]
                }
                None => Vec::new(),
            },
        }
    }
}

/// The routers that a value is.
fn children(value: Option<&Value<'_>>) -> Vec<CallId> {
    match value {
        Some(Value::List(items)) => items.borrow().iter().filter_map(made_by).collect(),
        Some(other) => other.alternatives().iter().filter_map(made_by).collect(),
        None => Vec::new(),
    }
}
