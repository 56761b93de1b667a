//! axum, with utoipa-axum, aide and axum-extra.

use std::collections::{BTreeMap, BTreeSet};

use super::{Framework, Matching};
use crate::eval::interpreter::Trace;
use crate::eval::text::Text;
use crate::eval::value::{CallId, CallRecord, Value};
use crate::inventory::routes::AuthState;
use crate::inventory::routes::crates::{self, Endpoint, tail};
use crate::inventory::routes::graph::{Graph, Layer, LayerKind, Registration, made_by, path_text};
use crate::inventory::routes::{extractors, pattern};
use crate::module::path::{constant_text, last_name};
use crate::module::{Expr, ExprKind};
use crate::source::Language;

/// axum.
pub(super) const AXUM: Framework = Framework {
    name: "axum",
    languages: &[Language::Rust],
    packages: &["axum", "aide", "utoipa-axum"],
    needs: &["axum", "OpenApiRouter", "ApiRouter"],
    fixtures: &["axum"],
    matching: Matching::Specific,
    has_user_object: false,
    read,
    path: pattern::matchit,
};

const NAME: &str = "axum";
const VERBS: &[&str] =
    &["get", "post", "put", "delete", "patch", "head", "options", "trace", "connect", "any"];

/// Handlers for methods: what `get(list).post(create)` makes.
#[derive(Clone, Default)]
struct Methods<'p>(Vec<Entry<'p>>);

#[derive(Clone)]
struct Entry<'p> {
    /// `None` where they are not known; empty is any.
    methods: Option<Vec<String>>,
    endpoint: Endpoint<'p>,
}

struct Reader<'t, 'p> {
    trace: &'t Trace<'p>,
    /// What calls made that are handlers for methods.
    methods: BTreeMap<CallId, Methods<'p>>,
    /// Routers that were served, and whether only one of several is.
    served: BTreeMap<CallId, bool>,
}

fn read<'p>(trace: &Trace<'p>, graph: &mut Graph<'p>) {
    let mut reader = Reader { trace, methods: BTreeMap::new(), served: BTreeMap::new() };
    for (id, call) in trace.records() {
        graph.at(id);
        if let Some(path) = call.path() {
            reader.construct(id, path, call, graph);
        } else if let Some((receiver, method)) = call.method() {
            reader.method(id, receiver, method, call, graph);
        }
    }
    // A library hands its routers to programs that are not here.
    if reader.served.is_empty() {
        let routers = graph.routers.values_mut().filter(|router| router.framework == NAME);
        routers.for_each(|router| router.is_application = true);
    }
    for (id, conditional) in reader.served {
        graph.serve(id, conditional);
    }
}

/// Whether a path leads into a library of axum's family.
fn is_family(path: &str) -> bool {
    let crate_name = path.split("::").next().unwrap_or("");
    matches!(crate_name, "axum" | "aide" | "utoipa_axum" | "axum_extra" | "axum_login")
}

impl<'p> Reader<'_, 'p> {
    fn construct(&mut self, id: CallId, path: &str, call: &CallRecord<'p>, graph: &mut Graph<'p>) {
        if !is_family(path) {
            return self.served_by(call, graph);
        }
        match tail(path, 2) {
            "Router::new"
            | "Router::default"
            | "OpenApiRouter::new"
            | "OpenApiRouter::default"
            | "OpenApiRouter::with_openapi"
            | "ApiRouter::new"
            | "ApiRouter::default" => {
                graph.add(id, NAME, Text::default());
            }
            "Resource::named" => {
                let mut prefix = Text::literal("/");
                prefix.push(&path_text(call.args.positional.first()));
                graph.add(id, NAME, prefix);
            }
            "MethodRouter::new" | "MethodRouter::default" | "ApiMethodRouter::new" => {
                self.methods.insert(id, Methods::default());
            }
            _ => {
                let name = tail(path, 1);
                if let Some(entry) = self.entry(name, call) {
                    self.methods.insert(id, Methods(vec![entry]));
                } else if !matches!(name, "from_fn" | "from_fn_with_state" | "handler") {
                    self.served_by(call, graph);
                }
            }
        }
    }

    /// Routers that are given to something else than routers are served by it.
    fn served_by(&mut self, call: &CallRecord<'p>, graph: &mut Graph<'p>) {
        for value in &call.args.positional {
            let routers: BTreeSet<CallId> = value
                .alternatives()
                .iter()
                .filter_map(made_by)
                .filter_map(|router| {
                    graph.router(router, NAME)?;
                    Some(graph.origin(router))
                })
                .collect();
            let one_of_several = routers.len() > 1;
            for router in routers {
                let known = self.served.entry(router).or_insert(one_of_several);
                *known &= one_of_several;
            }
        }
    }

    /// A handler for a method, by the name of the function that registers it.
    fn entry(&self, name: &str, call: &CallRecord<'p>) -> Option<Entry<'p>> {
        let name = name.strip_suffix("_with").unwrap_or(name);
        let name = name.strip_suffix("_service").unwrap_or(name);
        let (methods, handler) = match name {
            "on" => {
                (filter(self.trace, call.args.positional.first()?), call.args.positional.get(1))
            }
            verb if VERBS.contains(&verb) => {
                let methods =
                    if verb == "any" { Vec::new() } else { vec![verb.to_ascii_uppercase()] };
                (Some(methods), call.args.positional.first())
            }
            _ => return None,
        };
        let endpoint = self.endpoint(handler, call);
        Some(Entry { methods, endpoint })
    }

    /// A handler, also one in layers of its own.
    fn endpoint(&self, handler: Option<&Value<'p>>, call: &CallRecord<'p>) -> Endpoint<'p> {
        let mut layers = Vec::new();
        let mut handler = handler.cloned();
        while let Some(record) = handler.as_ref().and_then(|value| self.trace.made(value)) {
            let Value::Method(method) = &record.callee else { break };
            if method.1 == "layer" {
                let mut own = self.layers(record.args.positional.first());
                own.append(&mut layers);
                layers = own;
            }
            handler = Some(method.0.clone());
        }
        let mut endpoint = crates::endpoint(self.trace, handler.as_ref(), call.place, &["call"]);
        layers.append(&mut endpoint.layers);
        endpoint.layers = layers;
        endpoint
    }

    fn method(
        &mut self,
        id: CallId,
        receiver: CallId,
        method: &str,
        call: &CallRecord<'p>,
        graph: &mut Graph<'p>,
    ) {
        if let Some(known) = self.methods.get(&receiver) {
            let mut methods = known.clone();
            match method {
                "layer" | "route_layer" => {
                    for layer in self.layers(call.args.positional.first()).iter().rev() {
                        for entry in &mut methods.0 {
                            entry.endpoint.layers.insert(0, layer.clone());
                        }
                    }
                }
                "merge" => {
                    let other = call.args.positional.first().and_then(made_by);
                    let other = other.and_then(|other| self.methods.get(&other));
                    methods.0.extend(other.into_iter().flat_map(|other| other.0.clone()));
                }
                // What answers every other method.
                "fallback" => {
                    let endpoint = self.endpoint(call.args.positional.first(), call);
                    methods.0.push(Entry { methods: Some(Vec::new()), endpoint });
                }
                name => methods.0.extend(self.entry(name, call)),
            }
            self.methods.insert(id, methods);
            return;
        }
        if graph.router(receiver, NAME).is_none() {
            return self.served_by(call, graph);
        }
        self.on_router(receiver, method, call, graph);
        graph.gives_back(id, receiver);
    }

    fn on_router(
        &mut self,
        router: CallId,
        method: &str,
        call: &CallRecord<'p>,
        graph: &mut Graph<'p>,
    ) {
        let args = &call.args.positional;
        match method {
            "route"
            | "route_service"
            | "route_with_tsr"
            | "route_service_with_tsr"
            | "api_route"
            | "api_route_with" => {
                let path = path_text(args.first());
                match self.methods_of(args.get(1)) {
                    Some(methods) => self.register(router, &path, methods, call, graph),
                    None => self.register_service(router, &path, args.get(1), method, call, graph),
                }
            }
            "nest" | "nest_service" | "nest_api_service" | "merge" | "nest_with_tsr" => {
                let is_merge = method == "merge";
                let (prefix, child) = match is_merge {
                    true => (Text::default(), args.first()),
                    false => (path_text(args.first()), args.get(1)),
                };
                for child in child
                    .into_iter()
                    .flat_map(Value::alternatives)
                    .filter_map(|value| made_by(&value))
                {
                    if let Some(resource) = graph.router(child, NAME) {
                        let prefix =
                            if is_merge { resource.prefix.clone() } else { prefix.clone() };
                        let conditional = graph.is_conditional(self.trace, router, call);
                        graph.mount(router, child, prefix, conditional);
                    }
                }
            }
            "layer" | "route_layer" => {
                let conditional = graph.is_conditional(self.trace, router, call);
                for layer in self.layers(args.first()).iter().rev() {
                    let conditional = conditional || layer.conditional;
                    let layer = Layer { conditional, ..layer.clone() };
                    graph.cover(router, &layer);
                }
            }
            "routes" => self.documented(router, args.first(), call, graph),
            "into_make_service" | "into_make_service_with_connect_info" | "into_service" => {
                let conditional = graph.is_conditional(self.trace, router, call);
                self.served.insert(graph.origin(router), conditional);
            }
            typed if typed.starts_with("typed_") => self.typed(router, &typed[6..], call, graph),
            _ => self.resource(router, method, call, graph),
        }
    }

    fn methods_of(&self, value: Option<&Value<'p>>) -> Option<Methods<'p>> {
        let mut all = Methods::default();
        let mut found = false;
        for value in value?.alternatives() {
            if let Some(methods) = made_by(&value).and_then(|id| self.methods.get(&id)) {
                all.0.extend(methods.0.clone());
                found = true;
            }
        }
        found.then_some(all)
    }

    fn register(
        &self,
        router: CallId,
        path: &Text,
        methods: Methods<'p>,
        call: &CallRecord<'p>,
        graph: &mut Graph<'p>,
    ) {
        // The root of a router is the place where it is nested.
        let path = if path.as_literal() == Some("/") { Text::default() } else { path.clone() };
        let conditional = graph.is_conditional(self.trace, router, call);
        for Entry { methods, endpoint } in methods.0 {
            let known = methods.is_some();
            let mut methods = methods.unwrap_or_default();
            if endpoint.upgrades
                && methods.iter().all(|method| method == "GET" || method == "CONNECT")
            {
                methods = vec!["WS".to_owned()];
            }
            graph.route(
                router,
                Registration {
                    layers: endpoint.layers,
                    args: endpoint.args,
                    request: endpoint.request,
                    response: endpoint.response,
                    conditional,
                    ..Registration::new((methods, known), path.clone(), endpoint.handler)
                },
            );
        }
    }

    /// A service at a path: files are none of the program's routes.
    fn register_service(
        &self,
        router: CallId,
        path: &Text,
        service: Option<&Value<'p>>,
        method: &str,
        call: &CallRecord<'p>,
        graph: &mut Graph<'p>,
    ) {
        if method.contains("service") {
            let child =
                service.and_then(made_by).filter(|child| graph.router(*child, NAME).is_some());
            if let Some(child) = child {
                let conditional = graph.is_conditional(self.trace, router, call);
                graph.mount(router, child, path.clone(), conditional);
            }
            return;
        }
        let endpoint = self.endpoint(None, call);
        let methods = Methods(vec![Entry { methods: None, endpoint }]);
        self.register(router, path, methods, call, graph);
    }

    /// `routes!(list, create)`: each path has every method that any of them has.
    fn documented(
        &self,
        router: CallId,
        routes: Option<&Value<'p>>,
        call: &CallRecord<'p>,
        graph: &mut Graph<'p>,
    ) {
        let Some(record) = routes.and_then(|routes| self.trace.made(routes)) else { return };
        let mut paths = Vec::new();
        let mut methods = Methods::default();
        for value in &record.args.positional {
            let Value::Function(closure) = value else { continue };
            let Some((path, verbs)) = described(self.trace, closure) else { continue };
            if !paths.contains(&path) {
                paths.push(path);
            }
            let endpoint = self.endpoint(Some(value), &record);
            methods.0.push(Entry { methods: Some(verbs), endpoint });
        }
        for path in &paths {
            self.register(router, path, methods.clone(), call, graph);
        }
    }

    /// A handler whose first parameter's type has the path.
    fn typed(&self, router: CallId, verb: &str, call: &CallRecord<'p>, graph: &mut Graph<'p>) {
        let Some(Value::Function(closure)) = call.args.positional.first() else { return };
        let path = closure.function.params.iter().find_map(|param| {
            let of = self.trace.type_in(closure, param.annotation.as_ref()?);
            let Value::Class(class) = of else { return None };
            class.class.decorators.iter().find_map(|decorator| match &decorator.kind {
                ExprKind::Call(call) if last_name(&call.callee) == Some("typed_path") => {
                    let path = self.trace.value_in(&class.env, &call.args.first()?.value);
                    Some(path_text(Some(&path)))
                }
                _ => None,
            })
        });
        if let Some(entry) = self.entry(verb, call) {
            let path = path.unwrap_or_else(|| Text::hole(""));
            self.register(router, &path, Methods(vec![entry]), call, graph);
        }
    }

    /// axum-extra's `Resource`.
    fn resource(&self, router: CallId, method: &str, call: &CallRecord<'p>, graph: &mut Graph<'p>) {
        let Some(prefix) = graph.router(router, NAME).map(|router| router.prefix.clone()) else {
            return;
        };
        if prefix.parts().is_empty() {
            return;
        }
        let name = prefix.trim_start(&['/']);
        let one = |end: &str| {
            let mut path = Text::literal("/{");
            path.push(&name);
            path.push_literal("_id}");
            path.push_literal(end);
            path
        };
        let (verbs, path): (&[&str], Text) = match method {
            "index" => (&["GET"], Text::default()),
            "create" => (&["POST"], Text::default()),
            "new" => (&["GET"], Text::literal("/new")),
            "show" => (&["GET"], one("")),
            "edit" => (&["GET"], one("/edit")),
            "update" => (&["PUT", "PATCH"], one("")),
            "destroy" => (&["DELETE"], one("")),
            _ => return,
        };
        let endpoint = self.endpoint(call.args.positional.first(), call);
        let methods = Some(verbs.iter().map(|verb| (*verb).to_owned()).collect());
        self.register(router, &path, Methods(vec![Entry { methods, endpoint }]), call, graph);
    }

    /// The layers that a value is, outermost first.
    fn layers(&self, value: Option<&Value<'p>>) -> Vec<Layer<'p>> {
        let mut out = Vec::new();
        self.add_layers(value, 0, &mut out);
        out.iter_mut().for_each(|layer| layer.sees_rest = true);
        out
    }

    fn add_layers(&self, value: Option<&Value<'p>>, depth: usize, out: &mut Vec<Layer<'p>>) {
        let Some(value) = value.filter(|_| depth < 16) else { return };
        match value {
            Value::Native(_) => {
                let chain = crates::chain(self.trace, value);
                let Some(first) = chain.first() else { return };
                if first
                    .path()
                    .is_some_and(|path| tail(path, 1) == "new" && path.contains("ServiceBuilder"))
                {
                    for record in &chain[1..] {
                        if matches!(record.method(), Some((_, "layer" | "option_layer"))) {
                            self.add_layers(record.args.positional.first(), depth + 1, out);
                        }
                    }
                } else {
                    out.extend(self.library_layer(value, first));
                }
            }
            Value::List(parts) => {
                for part in parts.borrow().iter() {
                    self.add_layers(Some(part), depth + 1, out);
                }
            }
            Value::Variant(variant) => {
                self.add_layers(variant.args.positional.first(), depth + 1, out)
            }
            Value::Choice(values) => {
                let before = out.len();
                values.iter().for_each(|value| self.add_layers(Some(value), depth + 1, out));
                // One of them, or none.
                out[before..].iter_mut().for_each(|layer| layer.conditional = true);
            }
            object => out.extend(crates::wrapper(self.trace, object, "layer", crates::request())),
        }
    }

    fn library_layer(&self, value: &Value<'p>, first: &CallRecord<'p>) -> Option<Layer<'p>> {
        let path = first.path()?;
        let name = crates::library_name(path);
        let function = || crates::functions(&first.args).next_back().cloned();
        let called = |mut layer: Layer<'p>| {
            if layer.name.is_empty() {
                layer.name.clone_from(&name);
            }
            layer
        };
        Some(match tail(path, 1) {
            "from_fn" | "from_fn_with_state" | "map_request" | "map_request_with_state" => {
                let function = function()?;
                called(if tail(path, 1).starts_with("map") {
                    Layer::new(self.trace, LayerKind::Dependency, function, crates::by_types())
                } else {
                    crates::middleware(self.trace, function)
                })
            }
            "from_extractor" | "from_extractor_with_state" => {
                let layers = extractors::of_type(self.trace, first.args.types.first()?, 0);
                layers.into_iter().next()?
            }
            "bearer" | "basic" | "custom" | "new" if is_authorization(path) => match function() {
                Some(function) => {
                    let args = crates::request();
                    called(Layer::new(self.trace, LayerKind::Dependency, function, args))
                }
                None => match first.args.positional.first() {
                    Some(validator @ (Value::Object(_) | Value::Class(_))) => {
                        let method = ["validate", "authorize"]
                            .iter()
                            .find_map(|method| self.trace.bound_method(validator, method))?;
                        let args = crates::request();
                        called(Layer::new(self.trace, LayerKind::Dependency, method, args))
                    }
                    _ => Layer::decided(AuthState::Required, &name),
                },
            },
            _ => {
                let mut layer = Layer::new(
                    self.trace,
                    LayerKind::Middleware,
                    value.clone(),
                    crates::by_types(),
                );
                layer.name = name;
                layer
            }
        })
    }
}

/// Layers of tower-http that ask for credentials.
fn is_authorization(path: &str) -> bool {
    let of = tail(path, 2);
    of.starts_with("ValidateRequestHeaderLayer::")
        || of.starts_with("RequireAuthorizationLayer::")
        || of.starts_with("AsyncRequireAuthorizationLayer::")
}

/// The methods of `MethodFilter::PUT.or(MethodFilter::PATCH)`; `None` where they are not known.
fn filter<'p>(trace: &Trace<'p>, value: &Value<'p>) -> Option<Vec<String>> {
    match value {
        Value::External(path) => Some(vec![tail(path, 1).to_owned()]),
        Value::Native(_) => {
            let record = trace.made(value)?;
            let mut methods = match &record.callee {
                Value::External(path) => {
                    let of = path.strip_suffix("::or")?;
                    vec![tail(of, 1).to_owned()]
                }
                Value::Method(method) if method.1 == "or" => filter(trace, &method.0)?,
                _ => return None,
            };
            methods.extend(filter(trace, record.args.positional.first()?)?);
            Some(methods)
        }
        _ => None,
    }
}

/// The path and the methods of `#[utoipa::path(get, path = "/…")]`.
fn described<'p>(
    trace: &Trace<'p>,
    closure: &crate::eval::value::Closure<'p>,
) -> Option<(Text, Vec<String>)> {
    let attribute =
        closure.function.decorators.iter().find_map(|decorator| match &decorator.kind {
            ExprKind::Call(call) if last_name(&call.callee) == Some("path") => Some(call),
            _ => None,
        })?;
    let mut path = Text::default();
    let mut context = Text::default();
    let mut methods = Vec::new();
    for arg in &attribute.args {
        let text = |arg: &'p Expr| match constant_text(arg) {
            Some(text) => Text::literal(text),
            None => path_text(Some(&trace.value_in(&closure.env, arg))),
        };
        match (arg.name.as_deref(), &arg.value.kind) {
            (Some("path"), _) => path = text(&arg.value),
            (Some("context_path"), _) => context = text(&arg.value),
            (None, ExprKind::Name(verb)) if VERBS.contains(&verb.as_str()) => {
                methods.push(verb.to_ascii_uppercase());
            }
            (None, ExprKind::Call(call)) if last_name(&call.callee) == Some("method") => {
                let verbs = call.args.iter().filter_map(|arg| last_name(&arg.value));
                methods.extend(verbs.map(str::to_ascii_uppercase));
            }
            _ => {}
        }
    }
    context.push(&path);
    Some((context, methods))
}
