//! FastAPI and Starlette, whose applications and routers hold each other: with class-based views of
//! fastapi-utils and classy-fastapi.

mod bodies;
mod dependencies;
mod endpoints;
mod libraries;
mod middleware;
mod tables;

use std::collections::{BTreeMap, BTreeSet};

use super::starlette::NAME as STARLETTE_NAME;
use super::{Framework, Matching};
use crate::eval::interpreter::Trace;
use crate::eval::text::Text;
use crate::eval::value::{Args, CallId, CallRecord, Value};
use crate::inventory::routes::graph::{Graph, Layer, Mount, Opaque, made_by, path_text};
use crate::inventory::routes::pattern;
use crate::source::Language;

/// FastAPI.
pub(super) const FASTAPI: Framework = Framework {
    name: FASTAPI_NAME,
    languages: &[Language::Python],
    packages: &["fastapi"],
    needs: &[
        "fastapi",
        "starlette",
        "APIRouter",
        ".include_router(",
        ".add_api_route(",
        ".api_route(",
        ".add_middleware(",
    ],
    fixtures: &["fastapi"],
    matching: Matching::First,
    has_user_object: true,
    read,
    path: pattern::braces,
};

const FASTAPI_NAME: &str = "fastapi";
const VERBS: &[&str] = &["get", "post", "put", "delete", "patch", "options", "head", "trace"];

fn read<'p>(trace: &Trace<'p>, graph: &mut Graph<'p>) {
    let mut reader = Reader {
        trace,
        graph,
        own: BTreeMap::new(),
        placed: BTreeSet::new(),
        of_classes: BTreeMap::new(),
        conditional: false,
        depth: 0,
    };
    for (id, call) in trace.records() {
        if let Some(path) = call.path() {
            reader.construct(id, path, call);
        }
    }
    for (id, call) in trace.records() {
        reader.graph.at(id);
        reader.call(id, call);
    }
    reader.leftovers();
}

/// What a router adds to what is registered on it and included into it.
#[derive(Clone)]
struct Own<'p> {
    prefix: Text,
    dependencies: Vec<Layer<'p>>,
    /// The router for what gets neither prefix nor dependencies: routes of Starlette's kind and
    /// mounted applications.
    plain: CallId,
    /// What stands before a handler because of the class of its route.
    route_class: Option<Layer<'p>>,
}

struct Reader<'t, 'g, 'p> {
    trace: &'t Trace<'p>,
    graph: &'g mut Graph<'p>,
    own: BTreeMap<CallId, Own<'p>>,
    /// Route objects that stand in a table.
    placed: BTreeSet<CallId>,
    /// Dependencies of classes, by class.
    of_classes: BTreeMap<usize, Vec<Layer<'p>>>,
    /// Whether what is being read stands under a condition that could not be decided.
    conditional: bool,
    /// How many overridden methods are being followed.
    depth: usize,
}

/// The most overridden methods that are followed within each other.
const MAX_OVERRIDDEN: usize = 4;

/// The most items of each of several lists of which nobody knows which it is: each item is looked
/// for in all of them.
const MAX_ALTERNATIVE_ITEMS: usize = 64;

/// A name of one of the libraries, without the module that it lies in.
fn library(path: &str) -> Option<&str> {
    let (root, name) = (path.split('.').next()?, path.rsplit('.').next()?);
    (root == "starlette" || root == "fastapi" || root.starts_with("fastapi_")).then_some(name)
}

/// The thing that a method is called on, and the attributes that lead from it to the method.
pub(super) fn receiver<'v>(callee: &'v Value<'_>) -> Option<(CallId, Vec<&'v str>)> {
    let mut names = Vec::new();
    let mut at = callee;
    while let Value::Method(method) = at {
        names.push(method.1.as_str());
        at = &method.0;
    }
    names.reverse();
    if names.is_empty() {
        return None;
    }
    Some((made_by(at)?, names))
}

impl<'p> Reader<'_, '_, 'p> {
    /// The router that a value is: also the `router` of an application.
    fn target(&self, value: &Value<'p>) -> Option<CallId> {
        let id = match value {
            Value::Method(method) if method.1 == "router" => made_by(&method.0)?,
            other => made_by(other)?,
        };
        self.own.contains_key(&id).then_some(id)
    }

    fn construct(&mut self, id: CallId, path: &str, call: &CallRecord<'p>) {
        let of_library = library(path);
        let is_classy = path.starts_with("classy_fastapi.");
        let name = of_library.or_else(|| path.rsplit('.').next().filter(|_| is_classy));
        let mut own =
            Own { prefix: Text::default(), dependencies: Vec::new(), plain: id, route_class: None };
        match name {
            Some("FastAPI") => {
                self.graph.add_application(id, FASTAPI_NAME, call);
                own.dependencies = self.listed(&call.args);
            }
            Some("APIRouter" | "InferringRouter" | "Routable") => {
                self.graph.add(id, FASTAPI_NAME, Text::default());
                own.plain = self.graph.add_uncalled(FASTAPI_NAME, Text::default());
                own.prefix = optional(call.args.keyword("prefix"));
                own.dependencies = self.listed(&call.args);
                own.route_class = self.route_class(call.args.keyword("route_class"));
            }
            Some("Starlette") => self.graph.add_application(id, STARLETTE_NAME, call),
            Some("Router") => self.graph.add(id, STARLETTE_NAME, Text::default()),
            Some("Mount") => {
                self.graph.add(id, STARLETTE_NAME, optional(call.args.get(0, "path")));
            }
            Some("Host") => self.graph.add(id, STARLETTE_NAME, Text::default()),
            Some(_) if of_library.is_some() => return self.library_router(id, path, call),
            _ => return,
        }
        self.own.insert(id, own);
    }

    /// Reads a call.
    fn call(&mut self, id: CallId, call: &CallRecord<'p>) {
        if self.own.contains_key(&id) {
            self.constructed(id, call);
        } else if let Some((receiver, names)) = receiver(&call.callee) {
            self.method(receiver, &names, call);
        } else if let Some(registrar) = call.applied().and_then(|id| self.trace.call(id)) {
            self.decorate(&registrar, call);
        }
    }

    /// What an application or a router is given when it is made.
    fn constructed(&mut self, id: CallId, call: &CallRecord<'p>) {
        let Some(path) = call.path() else { return };
        match path.rsplit('.').next() {
            Some("Mount") => {
                self.placed_table(id, call.args.get(2, "routes"));
                if let Some(app) = call.args.get(1, "app") {
                    self.mount(id, app, Text::default(), false);
                }
            }
            Some("Host") => {
                if let Some(app) = call.args.get(1, "app") {
                    self.mount(id, app, Text::default(), false);
                }
            }
            Some("Routable") => self.routable(id, call),
            Some("Starlette") => self.placed_table(id, call.args.get(1, "routes")),
            Some("Router") => self.placed_table(id, call.args.get(0, "routes")),
            _ => self.placed_table(id, call.args.keyword("routes")),
        }
        let is_application = self.graph.routers.get(&id).is_some_and(|it| it.is_application);
        for layer in self.middlewares(call.args.keyword("middleware"), is_application) {
            self.graph.layer(id, layer);
        }
    }

    /// A call of a method of an application or a router, or of something that it holds.
    fn method(&mut self, receiver: CallId, names: &[&str], call: &CallRecord<'p>) {
        let Some(own) = self.own.get(&receiver) else { return };
        let plain = own.plain;
        match names {
            [method] | ["router", method] => self.registered(receiver, method, call),
            [.., "routes", change @ ("append" | "insert" | "extend")] => {
                let at = usize::from(*change == "insert");
                let Some(given) = call.args.positional.get(at) else { return };
                let items = if *change == "extend" {
                    given.clone()
                } else {
                    Value::list(vec![given.clone()])
                };
                let outer = self.enter(call.conditional);
                self.placed_table(plain, Some(&items));
                self.conditional = outer;
            }
            _ => {}
        }
    }

    /// Goes into what stands under a condition; gives back what is to be put back.
    fn enter(&mut self, conditional: bool) -> bool {
        let outer = self.conditional;
        self.conditional |= conditional;
        outer
    }

    fn registered(&mut self, receiver: CallId, method: &str, call: &CallRecord<'p>) {
        let outer = self.enter(call.conditional);
        match method {
            "add_api_route" => {
                let endpoint = call.args.get(1, "endpoint");
                let methods = endpoints::methods(&call.args);
                self.api_route(receiver, call, &call.args, endpoint, methods);
            }
            "add_api_websocket_route" => {
                let endpoint = call.args.get(1, "endpoint");
                self.api_route(receiver, call, &call.args, endpoint, endpoints::socket());
            }
            "add_route" | "add_websocket_route" => {
                let is_socket = method == "add_websocket_route";
                let key = if is_socket { "route" } else { "endpoint" };
                let endpoint = call.args.get(1, key).or_else(|| call.args.keyword("endpoint"));
                self.plain_route(receiver, call, &call.args, endpoint, is_socket);
            }
            "include_router" => self.include(receiver, call),
            "mount" | "host" => {
                let prefix = if method == "mount" {
                    path_text(call.args.get(0, "path"))
                } else {
                    Text::default()
                };
                if let (Some(app), Some(own)) = (call.args.get(1, "app"), self.own.get(&receiver)) {
                    let plain = own.plain;
                    if !self.mount(plain, app, prefix.clone(), self.conditional) {
                        let opaque = Opaque { path: prefix, place: call.place, is_certain: true };
                        self.graph.opaque(plain, opaque);
                    }
                }
            }
            "add_middleware" => {
                let class = call.args.get(0, "middleware_class");
                let layer = class.and_then(|class| self.middleware(class, &call.args, true));
                self.add_layer(receiver, layer);
            }
            _ => {}
        }
        self.conditional = outer;
    }

    fn add_layer(&mut self, router: CallId, layer: Option<Layer<'p>>) {
        if let Some(mut layer) = layer {
            layer.conditional |= self.conditional;
            self.graph.layer(router, layer);
        }
    }

    /// `include_router`: the included routes get the parent's prefix, the one that is given here,
    /// and their own, in this order; those of Starlette's kind get the given one alone.
    fn include(&mut self, parent: CallId, call: &CallRecord<'p>) {
        let Some(given) = call.args.get(0, "router") else { return };
        let several = given.alternatives();
        let outer = self.enter(several.len() > 1);
        for child in several {
            let (Some(child), Some(own)) = (self.target(&child), self.own.get(&parent)) else {
                continue;
            };
            let (plain, own) = (own.plain, own.clone());
            let given = optional(call.args.keyword("prefix"));
            let mut prefix = own.prefix;
            prefix.push(&given);
            let mut layers = own.dependencies;
            layers.extend(self.listed(&call.args));
            let mount = Mount::new(child, prefix, self.conditional);
            self.graph.mount_as(parent, Mount { layers, ..mount });
            let child_plain = self.own.get(&child).map(|child| child.plain);
            if let Some(child_plain) = child_plain.filter(|it| *it != child) {
                self.graph.mount(plain, child_plain, given, self.conditional);
            }
        }
        self.conditional = outer;
    }

    /// Mounts an application, also one that a library has wrapped; false where it is none that is
    /// known.
    fn mount(&mut self, parent: CallId, app: &Value<'p>, prefix: Text, conditional: bool) -> bool {
        let mut app = app.clone();
        for _ in 0..MAX_OVERRIDDEN {
            if let Some(child) = self.target(&app) {
                self.graph.mount(parent, child, prefix, conditional);
                return true;
            }
            let Some(inner) =
                self.trace.made(&app).and_then(|record| record.args.get(0, "app").cloned())
            else {
                return false;
            };
            app = inner;
        }
        false
    }

    /// A decorator that meets a function.
    fn decorate(&mut self, registrar: &CallRecord<'p>, call: &CallRecord<'p>) {
        let Some((receiver, names)) = receiver(&registrar.callee) else { return };
        if !self.own.contains_key(&receiver) {
            return;
        }
        let ([verb] | ["router", verb]) = names.as_slice() else { return };
        let outer = self.enter(registrar.conditional || call.conditional);
        let endpoint = call.args.positional.first();
        match *verb {
            verb if VERBS.contains(&verb) || verb == "api_route" => {
                let methods = match verb {
                    _ if self.overridden(registrar, verb, endpoint) => None,
                    "api_route" => Some(endpoints::methods(&registrar.args)),
                    verb => Some((vec![verb.to_ascii_uppercase()], true)),
                };
                if let Some(methods) = methods {
                    self.api_route(receiver, registrar, &registrar.args, endpoint, methods);
                }
            }
            "websocket" => {
                let args = &registrar.args;
                self.api_route(receiver, registrar, args, endpoint, endpoints::socket());
            }
            "route" | "websocket_route" => {
                let is_socket = *verb == "websocket_route";
                self.plain_route(receiver, registrar, &registrar.args, endpoint, is_socket);
            }
            "middleware" => {
                let layer = endpoint.map(|function| self.http_middleware(function, true));
                self.add_layer(receiver, layer);
            }
            _ => {}
        }
        self.conditional = outer;
    }

    /// A decorator of a class of the program that has its own `api_route` or `add_api_route`,
    /// through which the library's decorators go: what that does is done.
    fn overridden(
        &mut self,
        registrar: &CallRecord<'p>,
        verb: &str,
        endpoint: Option<&Value<'p>>,
    ) -> bool {
        let Value::Method(method) = &registrar.callee else { return false };
        let (object, Value::Object(instance)) = (&method.0, &method.0) else { return false };
        if self.depth >= MAX_OVERRIDDEN {
            return false;
        }
        let own = |name: &str| {
            let is_own = matches!(instance.class.attribute(name), Some((Value::Function(_), _)));
            is_own.then(|| self.trace.attribute(object, name))
        };
        let mut args = registrar.args.clone();
        if verb != "api_route" {
            let methods = Value::list(vec![Value::text(&verb.to_ascii_uppercase())]);
            args.named.push(("methods".into(), methods));
            if let Some(decorator) = own("api_route") {
                let (decorator, first) = self.trace.run(&decorator, args);
                let given = Args::of(endpoint.cloned().into_iter().collect());
                let (_, second) = self.trace.run(&decorator, given);
                self.follow(first.into_iter().chain(second));
                return true;
            }
        }
        let Some(add) = own("add_api_route") else { return false };
        let path = args.get(0, "path").cloned().unwrap_or_default();
        args.named.retain(|(name, _)| name != "path");
        args.positional = std::iter::once(path).chain(endpoint.cloned()).collect();
        let (_, made) = self.trace.run(&add, args);
        self.follow(made.into_iter());
        true
    }

    /// Reads calls that were made since the program ran.
    fn follow(&mut self, made: impl Iterator<Item = CallId>) {
        self.depth += 1;
        for id in made {
            if let Some(call) = self.trace.call(id) {
                self.call(id, &call);
            }
        }
        self.depth -= 1;
    }

    /// Whether a decorator registers a route.
    fn is_registrar(&self, value: &Value<'p>) -> bool {
        let Some(record) = self.trace.made(value) else { return false };
        match receiver(&record.callee) {
            Some((router, _)) => self.own.contains_key(&router),
            None => record.path().is_some_and(|path| path.starts_with("classy_fastapi.")),
        }
    }
}

/// The text of an argument that may be missing.
fn optional(value: Option<&Value<'_>>) -> Text {
    match value {
        None | Some(Value::None) => Text::default(),
        Some(value) => value.to_text(),
    }
}

/// The items of a list, each with whether it is surely there.
pub(super) fn items<'p>(value: Option<&Value<'p>>) -> Vec<(Value<'p>, bool)> {
    let Some(value) = value else { return Vec::new() };
    let several = value.alternatives();
    let mut lists: Vec<_> = several.iter().filter_map(Value::items).collect();
    if lists.len() > 1 {
        lists.iter_mut().for_each(|list| list.truncate(MAX_ALTERNATIVE_ITEMS));
    }
    let mut out: Vec<(Value<'p>, bool)> = Vec::new();
    for list in &lists {
        for item in list {
            if several.len() > 1 && out.iter().any(|(known, _)| known.is_same(item)) {
                continue;
            }
            let everywhere = lists.len() == several.len()
                && lists.iter().all(|other| other.iter().any(|known| known.is_same(item)));
            out.push((item.clone(), several.len() == 1 || everywhere));
        }
    }
    out
}
