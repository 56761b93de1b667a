//! actix-web, also where its routes are described for OpenAPI.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::{Framework, Matching};
use crate::eval::interpreter::Trace;
use crate::eval::text::Text;
use crate::eval::value::{Args, CallId, CallRecord, Closure, Place, Value};
use crate::inventory::routes::AuthState;
use crate::inventory::routes::caller::values;
use crate::inventory::routes::crates::{self, Endpoint, tail};
use crate::inventory::routes::graph::{
    Graph, Layer, LayerKind, Registration, join, made_by, path_text,
};
use crate::inventory::routes::pattern;
use crate::source::Language;

/// actix-web.
pub(super) const ACTIX_WEB: Framework = Framework {
    name: "actix_web",
    languages: &[Language::Rust],
    packages: &["actix-web", "utoipa-actix-web", "apistos", "paperclip"],
    needs: &["actix_web", "ServiceConfig", "HttpServer"],
    fixtures: &["actix-web"],
    matching: Matching::First,
    has_user_object: false,
    read,
    path: pattern::braces,
};

const NAME: &str = "actix_web";
const VERBS: &[&str] =
    &["get", "post", "put", "delete", "patch", "head", "options", "trace", "connect"];

/// A handler with the methods that it is for.
#[derive(Clone, Default)]
struct Route<'p> {
    methods: Vec<String>,
    unknown: bool,
    handler: Option<(Option<Value<'p>>, Place)>,
    layers: Vec<Layer<'p>>,
}

/// Paths with the handlers for their methods.
#[derive(Clone, Default)]
struct Resource<'p> {
    paths: Vec<Text>,
    routes: Vec<Route<'p>>,
    layers: Vec<Layer<'p>>,
    name: Option<String>,
}

struct Reader<'t, 'p> {
    trace: &'t Trace<'p>,
    routes: BTreeMap<CallId, Route<'p>>,
    resources: BTreeMap<CallId, Resource<'p>>,
    /// Handlers with attributes that were registered.
    registered: BTreeSet<usize>,
}

fn read<'p>(trace: &Trace<'p>, graph: &mut Graph<'p>) {
    let mut reader = Reader {
        trace,
        routes: BTreeMap::new(),
        resources: BTreeMap::new(),
        registered: BTreeSet::new(),
    };
    for (id, call) in trace.records() {
        graph.at(id);
        if let Some(path) = call.path() {
            if is_family(path) {
                reader.construct(id, path, call, graph);
            }
        } else if let Some((receiver, method)) = call.method() {
            reader.method(id, receiver, method, call, graph);
        }
    }
    // What has a path and is registered nowhere.
    for closure in trace.functions.iter() {
        let Some(attribute) =
            closure.decorators.iter().find_map(|value| route_attribute(trace, value))
        else {
            continue;
        };
        if !reader.registered.contains(&identity(closure)) {
            graph.add(attribute, NAME, Text::default());
            graph.at(attribute);
            reader.attributed(attribute, closure, false, graph);
        }
    }
}

fn is_family(path: &str) -> bool {
    let crate_name = path.split("::").next().unwrap_or("");
    matches!(
        crate_name,
        "actix_web" | "utoipa_actix_web" | "apistos" | "paperclip" | "actix_web_lab" | "actix"
    )
}

fn identity(closure: &Rc<Closure<'_>>) -> usize {
    let function: *const crate::module::Function = closure.function;
    function as usize
}

/// The record of an attribute that gives a function a path.
fn route_attribute<'p>(trace: &Trace<'p>, value: &Value<'p>) -> Option<CallId> {
    let Value::Native(id) = value else { return None };
    let record = trace.call(*id)?;
    let path = record.path().filter(|path| is_family(path))?;
    let name = tail(path, 1);
    (name == "route" || VERBS.contains(&name)).then_some(*id)
}

impl<'p> Reader<'_, 'p> {
    fn construct(&mut self, id: CallId, path: &str, call: &CallRecord<'p>, graph: &mut Graph<'p>) {
        let args = &call.args.positional;
        match tail(path, 1) {
            "new" if path.ends_with("::App::new") => graph.add_application(id, NAME, call),
            "scope" => graph.add(id, NAME, path_text(args.first())),
            "new" if path.ends_with("::Scope::new") => {
                graph.add(id, NAME, path_text(args.first()));
            }
            // What configures an application that is not here.
            "ServiceConfig" => graph.add(id, NAME, Text::default()),
            "resource" => {
                let paths = paths(args.first());
                self.resources.insert(id, Resource { paths, ..Resource::default() });
            }
            "new" if path.ends_with("::Resource::new") => {
                let paths = paths(args.first());
                self.resources.insert(id, Resource { paths, ..Resource::default() });
            }
            "redirect" => {
                let route = Route { handler: Some((None, call.place)), ..Route::default() };
                let resource = Resource {
                    paths: paths(args.first()),
                    routes: vec![route],
                    ..Resource::default()
                };
                self.resources.insert(id, resource);
            }
            "route" if path.ends_with("web::route") => {
                self.routes.insert(id, Route::default());
            }
            "method" if path.ends_with("web::method") => {
                let mut route = Route::default();
                route.method(args.first());
                self.routes.insert(id, route);
            }
            "to" if path.ends_with("web::to") => {
                let handler = Some((args.first().cloned(), call.place));
                self.routes.insert(id, Route { handler, ..Route::default() });
            }
            verb if VERBS.contains(&verb) && args.is_empty() => {
                let methods = vec![verb.to_ascii_uppercase()];
                self.routes.insert(id, Route { methods, ..Route::default() });
            }
            _ => {}
        }
    }

    fn method(
        &mut self,
        id: CallId,
        receiver: CallId,
        method: &str,
        call: &CallRecord<'p>,
        graph: &mut Graph<'p>,
    ) {
        let first = call.args.positional.first();
        if let Some(route) = self.routes.get(&receiver) {
            let mut route = route.clone();
            match method {
                "to" | "to_async" => route.handler = Some((first.cloned(), call.place)),
                "method" => route.method(first),
                "guard" => route.methods.extend(guarded(self.trace, first, 0)),
                "wrap" => route.layers.splice(0..0, self.layers(first)).for_each(drop),
                _ => {}
            }
            self.routes.insert(id, route);
            return;
        }
        if let Some(resource) = self.resources.get(&receiver) {
            let mut resource = resource.clone();
            match method {
                "route" => {
                    let route = first.and_then(made_by).and_then(|id| self.routes.get(&id));
                    resource.routes.extend(route.cloned());
                }
                "to" | "to_async" => {
                    let handler = Some((first.cloned(), call.place));
                    resource.routes.push(Route { handler, ..Route::default() });
                }
                "name" => resource.name = first.and_then(Value::as_str).map(str::to_owned),
                "wrap" => resource.layers.splice(0..0, self.layers(first)).for_each(drop),
                "wrap_fn" => {
                    resource.layers.splice(0..0, wrapped(self.trace, first)).for_each(drop)
                }
                verb if VERBS.contains(&verb) => {
                    let methods = vec![verb.to_ascii_uppercase()];
                    let handler = Some((first.cloned(), call.place));
                    resource.routes.push(Route { methods, handler, ..Route::default() });
                }
                _ => {}
            }
            self.resources.insert(id, resource);
            return;
        }
        if graph.router(receiver, NAME).is_none() {
            return;
        }
        graph.gives_back(id, receiver);
        let conditional = graph.is_conditional(self.trace, receiver, call);
        match method {
            "service" => self.service(receiver, first, conditional, 0, graph),
            "route" => {
                let path = path_text(first);
                let route = call.args.positional.get(1).and_then(made_by);
                if let Some(route) = route.and_then(|id| self.routes.get(&id).cloned()) {
                    let resource =
                        Resource { paths: vec![path], routes: vec![route], ..Resource::default() };
                    self.register(receiver, &resource, conditional, graph);
                }
            }
            "wrap" => {
                for layer in self.layers(first) {
                    let conditional = conditional || layer.conditional;
                    graph.layer(receiver, Layer { conditional, ..layer });
                }
            }
            "wrap_fn" => {
                if let Some(layer) = wrapped(self.trace, first) {
                    graph.layer(receiver, layer);
                }
            }
            _ => {}
        }
    }

    /// Anything that is registered with its own path.
    fn service(
        &mut self,
        router: CallId,
        value: Option<&Value<'p>>,
        conditional: bool,
        depth: usize,
        graph: &mut Graph<'p>,
    ) {
        let Some(value) = value.filter(|_| depth < 16) else { return };
        match value {
            Value::List(parts) => {
                for part in parts.borrow().iter() {
                    self.service(router, Some(part), conditional, depth + 1, graph);
                }
            }
            Value::Choice(values) => {
                let mut seen = BTreeSet::new();
                for value in values.iter() {
                    let origin = made_by(value).map(|id| graph.origin(id));
                    if origin.is_none_or(|origin| seen.insert(origin)) {
                        self.service(router, Some(value), conditional, depth + 1, graph);
                    }
                }
            }
            Value::Function(closure) => self.attributed(router, closure, conditional, graph),
            Value::Native(id) => {
                if let Some(scope) = graph.router(*id, NAME) {
                    let prefix = scope.prefix.clone();
                    graph.mount(router, *id, prefix, conditional);
                } else if let Some(resource) = self.resources.get(id).cloned() {
                    self.register(router, &resource, conditional, graph);
                } else if let Some(record) = self.trace.call(*id)
                    && record.path().is_some_and(|path| tail(path, 1) == "services")
                {
                    for part in &record.args.positional {
                        self.service(router, Some(part), conditional, depth + 1, graph);
                    }
                }
            }
            _ => {}
        }
    }

    fn register(
        &self,
        router: CallId,
        resource: &Resource<'p>,
        conditional: bool,
        graph: &mut Graph<'p>,
    ) {
        for route in &resource.routes {
            let Some((handler, place)) = &route.handler else { continue };
            let endpoint = crates::endpoint(self.trace, handler.as_ref(), *place, &["call"]);
            let layers: Vec<_> = resource.layers.iter().chain(&route.layers).cloned().collect();
            let methods = (route.methods.clone(), !route.unknown);
            for path in &resource.paths {
                let route = registration(methods.clone(), path.clone(), &endpoint, &layers);
                let name = resource.name.clone();
                graph.route(router, Registration { name, conditional, ..route });
            }
        }
    }

    /// A function whose attributes say what it is for.
    fn attributed(
        &mut self,
        router: CallId,
        closure: &Rc<Closure<'p>>,
        conditional: bool,
        graph: &mut Graph<'p>,
    ) {
        self.registered.insert(identity(closure));
        let function = Value::Function(Rc::clone(closure));
        let endpoint = crates::endpoint(self.trace, Some(&function), closure.place(), &[]);
        let mut layers = Vec::new();
        let mut routes = Vec::new();
        for value in &closure.decorators {
            let Some(record) = self.trace.made(value) else { continue };
            let Some(path) = record.path() else { continue };
            let name = tail(path, 1);
            if matches!(
                name,
                "protect"
                    | "has_permissions"
                    | "has_any_permission"
                    | "has_roles"
                    | "has_any_role"
                    | "authorities"
                    | "has_any_authority"
            ) {
                layers.push(Layer::decided(AuthState::Required, name));
            }
            if !is_family(path) || name != "route" && !VERBS.contains(&name) {
                continue;
            }
            let methods: Vec<String> = if name == "route" {
                let named = record.args.named.iter().filter(|(key, _)| key == "method");
                named.filter_map(|(_, value)| value.as_str().map(str::to_ascii_uppercase)).collect()
            } else {
                vec![name.to_ascii_uppercase()]
            };
            let wraps = record.args.named.iter().filter(|(key, _)| key == "wrap");
            let own: Vec<_> = wraps.flat_map(|(_, value)| self.layers(Some(value))).collect();
            let name = record.args.keyword("name").and_then(Value::as_str).map(str::to_owned);
            routes.push((methods, path_text(record.args.positional.first()), own, name));
        }
        let prefix = scope_of_module(self.trace, closure);
        for (methods, path, own, name) in routes {
            let path = match &prefix {
                Some(prefix) => join(prefix, &path),
                None => path,
            };
            let layers: Vec<_> = layers.iter().cloned().chain(own).collect();
            let route = registration((methods, true), path, &endpoint, &layers);
            graph.route(router, Registration { name, conditional, ..route });
        }
    }

    /// The layers that a value is, outermost first.
    fn layers(&self, value: Option<&Value<'p>>) -> Vec<Layer<'p>> {
        let mut out = Vec::new();
        self.add_layers(value, 0, &mut out);
        out
    }

    fn add_layers(&self, value: Option<&Value<'p>>, depth: usize, out: &mut Vec<Layer<'p>>) {
        let Some(value) = value.filter(|_| depth < 16) else { return };
        match value {
            Value::Native(_) => {
                let chain = crates::chain(self.trace, value);
                let Some((first, path)) =
                    chain.first().and_then(|first| Some((first, first.path()?)))
                else {
                    return;
                };
                let args = &first.args;
                match tail(path, 2) {
                    "Condition::new" => {
                        let truth = args.positional.first().and_then(Value::truth);
                        let before = out.len();
                        if truth != Some(false) {
                            self.add_layers(args.positional.get(1), depth + 1, out);
                        }
                        out[before..]
                            .iter_mut()
                            .for_each(|layer| layer.conditional |= truth.is_none());
                    }
                    "Compat::new" => self.add_layers(args.positional.first(), depth + 1, out),
                    "HttpAuthentication::bearer" | "HttpAuthentication::basic" => {
                        out.push(Layer::decided(AuthState::Required, "HttpAuthentication"));
                    }
                    "HttpAuthentication::with_fn" => {
                        if let Some(function) = crates::functions(args).next() {
                            out.push(Layer::new(
                                self.trace,
                                LayerKind::Dependency,
                                function.clone(),
                                crates::by_types(),
                            ));
                        }
                    }
                    _ if matches!(tail(path, 1), "from_fn" | "mw_from_fn") => {
                        if let Some(function) = crates::functions(args).next() {
                            out.push(crates::middleware(self.trace, function.clone()));
                        }
                    }
                    _ => {
                        let mut layer = Layer::new(
                            self.trace,
                            LayerKind::Middleware,
                            value.clone(),
                            crates::by_types(),
                        );
                        layer.name = crates::library_name(path);
                        out.push(layer);
                    }
                }
            }
            Value::Choice(values) => {
                let before = out.len();
                values.iter().for_each(|value| self.add_layers(Some(value), depth + 1, out));
                out[before..].iter_mut().for_each(|layer| layer.conditional = true);
            }
            object => {
                out.extend(crates::wrapper(self.trace, object, "new_transform", crates::request()));
            }
        }
    }
}

impl<'p> Route<'p> {
    fn method(&mut self, value: Option<&Value<'p>>) {
        match value {
            Some(Value::External(path)) => self.methods.push(tail(path, 1).to_owned()),
            _ => self.unknown = true,
        }
        self.methods.sort();
        self.methods.dedup();
    }
}

fn registration<'p>(
    methods: (Vec<String>, bool),
    path: Text,
    endpoint: &Endpoint<'p>,
    layers: &[Layer<'p>],
) -> Registration<'p> {
    let Endpoint { handler, layers: own, args, upgrades, request, response } = endpoint.clone();
    let (mut verbs, known) = methods;
    if upgrades && verbs == ["GET"] {
        verbs = vec!["WS".to_owned()];
    }
    Registration {
        layers: layers.iter().cloned().chain(own).collect(),
        args,
        request,
        response,
        ..Registration::new((verbs, known), path, handler)
    }
}

/// `wrap_fn(|request, service| …)`
fn wrapped<'p>(trace: &Trace<'p>, value: Option<&Value<'p>>) -> Option<Layer<'p>> {
    let function = value.filter(|value| matches!(value, Value::Function(_)))?;
    let args = Args::of(vec![values::request(), values::handler()]);
    let mut layer = Layer::new(trace, LayerKind::Middleware, function.clone(), args);
    layer.name = "wrap_fn".to_owned();
    Some(layer)
}

/// One path, or each of a list.
fn paths(value: Option<&Value<'_>>) -> Vec<Text> {
    match value {
        Some(Value::List(items)) => {
            items.borrow().iter().map(|item| path_text(Some(item))).collect()
        }
        other => vec![path_text(other)],
    }
}

/// The methods that guards let through.
fn guarded<'p>(trace: &Trace<'p>, value: Option<&Value<'p>>, depth: usize) -> Vec<String> {
    let Some(record) = value.filter(|_| depth < 8).and_then(|value| trace.made(value)) else {
        return Vec::new();
    };
    let mut out = Vec::new();
    match &record.callee {
        Value::External(path) => match tail(path, 1) {
            "Any" | "All" => out.extend(guarded(trace, record.args.positional.first(), depth + 1)),
            "Method" => {
                if let Some(Value::External(path)) = record.args.positional.first() {
                    out.push(tail(path, 1).to_owned());
                }
            }
            name if VERBS.contains(&name.to_ascii_lowercase().as_str()) => {
                out.push(name.to_ascii_uppercase());
            }
            _ => {}
        },
        Value::Method(method) => {
            out.extend(guarded(trace, Some(&method.0), depth + 1));
            if method.1 == "or" {
                out.extend(guarded(trace, record.args.positional.first(), depth + 1));
            }
        }
        _ => {}
    }
    out
}

/// The path of `#[scope("/…")]` on the module around a handler.
fn scope_of_module<'p>(trace: &Trace<'p>, closure: &Closure<'p>) -> Option<Text> {
    trace.module_attributes(&closure.env).iter().find_map(|value| {
        let record = trace.made(value)?;
        let is_scope =
            record.path().is_some_and(|path| is_family(path) && tail(path, 1) == "scope");
        is_scope.then(|| path_text(record.args.positional.first()))
    })
}
