//! Routes, resources and groups as the program builds them up, call by call.

use std::collections::BTreeMap;

use super::middleware::Middleware;
use super::params::{self, Kinds};
use super::resources::Resource;
use super::{END, ROUTERS, VERBS, first, of};
use crate::eval::interpreter::Trace;
use crate::eval::text::Text;
use crate::eval::value::{Args, CallId, CallRecord, Place, Value};
use crate::inventory::routes::adonis;
use crate::inventory::routes::graph::{Handler, Layer, Registration, methods_of, path_text};
use crate::inventory::routes::readers::scripts;

/// A route.
#[derive(Clone)]
pub(super) struct Route<'p> {
    pub(super) methods: (Vec<String>, bool),
    pub(super) path: Text,
    /// What answers: a function, a controller with the name of its method, or a text of both.
    pub(super) target: Value<'p>,
    pub(super) layers: Vec<Layer<'p>>,
    pub(super) name: Option<String>,
    pub(super) domain: Option<String>,
    /// The folder of its controller, where that is a text.
    pub(super) namespace: Option<Text>,
    /// What its parameters look like.
    pub(super) kinds: Kinds,
    pub(super) place: Place,
    pub(super) conditional: bool,
}

impl<'p> Route<'p> {
    fn new(
        methods: (Vec<String>, bool),
        path: Text,
        target: Option<&Value<'p>>,
        call: &CallRecord<'p>,
    ) -> Self {
        Self {
            methods,
            path,
            target: target.cloned().unwrap_or_default(),
            layers: Vec::new(),
            name: None,
            domain: None,
            namespace: None,
            kinds: Kinds::default(),
            place: call.place,
            conditional: call.conditional,
        }
    }
}

/// What a group says of the routes within it.
#[derive(Default)]
struct Group<'p> {
    prefix: Text,
    layers: Vec<Layer<'p>>,
    name: Option<String>,
    domain: Option<String>,
    namespace: Option<Text>,
    kinds: Kinds,
}

enum Kind<'p> {
    Group(Box<Group<'p>>),
    Route(Box<Route<'p>>),
    Resource(Box<Resource<'p>>),
}

struct Item<'p> {
    /// The group that it is made in.
    parent: Option<CallId>,
    kind: Kind<'p>,
}

/// All that a program builds up.
#[derive(Default)]
pub(super) struct Items<'p> {
    all: BTreeMap<CallId, Item<'p>>,
    /// Groups whose function runs.
    open: Vec<CallId>,
    /// What parameters look like in all routes.
    kinds: Kinds,
}

impl<'p> Items<'p> {
    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Takes note of a call.
    pub(super) fn record(
        &mut self,
        trace: &Trace<'p>,
        middleware: &mut Middleware<'p>,
        id: CallId,
        call: &CallRecord<'p>,
    ) {
        if let Some(path) = call.path() {
            if path == END {
                self.open.pop();
            } else if of(path, ROUTERS) == Some("where") {
                self.kinds.extend(params::kind(trace, call));
            } else if let Some(method) = of(path, ROUTERS) {
                self.on_router(id, method, call);
            }
            return;
        }
        let Some((receiver, method)) = call.member() else { return };
        let Some(item) = self.all.get_mut(&receiver) else { return };
        let layers = |middleware: &mut Middleware<'p>, from: usize| -> Vec<Layer<'p>> {
            let given = scripts::arguments(call, from).into_iter();
            let layers = given.flat_map(|given| middleware.layers(trace, given, call.place.file));
            layers.map(|layer| Layer { conditional: call.conditional, ..layer }).collect()
        };
        if let ("where", Some(kind)) = (method.as_str(), params::kind(trace, call)) {
            match &mut item.kind {
                Kind::Group(group) => group.kinds.push(kind),
                Kind::Route(route) => route.kinds.push(kind),
                Kind::Resource(resource) => resource.kinds.push(kind),
            }
            return;
        }
        match (&mut item.kind, method.as_str()) {
            (Kind::Group(group), "use" | "middleware") => {
                group.layers.extend(layers(middleware, 0));
            }
            (Kind::Group(group), method) => on_group(group, method, call),
            (Kind::Route(route), "use" | "middleware") => {
                route.layers.extend(layers(middleware, 0));
            }
            (Kind::Route(route), method) => on_route(route, method, call),
            (Kind::Resource(resource), "use") => {
                let actions = first(call).map(scripts::flat).unwrap_or_default();
                resource.guard(&actions, &layers(middleware, 1));
            }
            (Kind::Resource(resource), "middleware") => {
                let Some(Value::Map(entries)) = first(call) else { return };
                for (action, value) in entries.borrow().iter() {
                    let given = scripts::flat(value).into_iter();
                    let layers: Vec<_> = given
                        .flat_map(|it| middleware.layers(trace, (it, None), call.place.file))
                        .collect();
                    resource.guard(std::slice::from_ref(action), &layers);
                }
            }
            (Kind::Resource(resource), method) => resource.configure(method, call),
        }
    }

    fn on_router(&mut self, id: CallId, method: &str, call: &CallRecord<'p>) {
        let args = &call.args.positional;
        let route = |methods, target| {
            Kind::Route(Box::new(Route::new(methods, path_text(first(call)), target, call)))
        };
        let kind = match method {
            "group" => Kind::Group(Box::default()),
            "resource" | "shallowResource" => {
                let shallow = method == "shallowResource";
                Kind::Resource(Box::new(Resource::new(call, shallow)))
            }
            "route" => route(args.get(1).map(methods_of).unwrap_or_default(), args.get(2)),
            "on" => route((vec!["GET".to_owned()], true), None),
            "any" => route((Vec::new(), true), args.get(1)),
            verb if VERBS.contains(&verb) => {
                route((vec![verb.to_ascii_uppercase()], true), args.get(1))
            }
            _ => return,
        };
        let parent = self.open.last().copied();
        if matches!(kind, Kind::Group(_)) {
            self.open.push(id);
        }
        self.all.insert(id, Item { parent, kind });
    }

    /// The routes in order, each with all that the groups around it say.
    pub(super) fn finish(self) -> Vec<(CallId, Route<'p>)> {
        let mut out = Vec::new();
        for (id, item) in &self.all {
            let routes = match &item.kind {
                Kind::Group(_) => continue,
                Kind::Route(route) => vec![(**route).clone()],
                Kind::Resource(resource) => resource.routes(),
            };
            for mut route in routes {
                self.surround(&mut route, item.parent);
                out.push((*id, route));
            }
        }
        out
    }

    fn surround(&self, route: &mut Route<'p>, mut parent: Option<CallId>) {
        let mut parts = vec![std::mem::take(&mut route.path)];
        let mut names: Vec<String> = route.name.take().into_iter().collect();
        while let Some(Item { parent: next, kind: Kind::Group(group) }) =
            parent.and_then(|id| self.all.get(&id))
        {
            parts.push(group.prefix.clone());
            route.layers.splice(0..0, group.layers.iter().cloned());
            if !names.is_empty() {
                names.extend(group.name.clone());
            }
            route.domain = route.domain.take().or_else(|| group.domain.clone());
            route.namespace = route.namespace.take().or_else(|| group.namespace.clone());
            route.kinds.extend(group.kinds.iter().cloned());
            parent = *next;
        }
        parts.reverse();
        route.kinds.extend(self.kinds.iter().cloned());
        route.path = params::typed(&scripts::below(&parts), &route.kinds);
        names.reverse();
        route.name = (!names.is_empty()).then(|| names.join("."));
    }
}

fn text_of(call: &CallRecord<'_>) -> Option<String> {
    first(call).and_then(Value::as_str).map(str::to_owned)
}

fn on_group<'p>(group: &mut Group<'p>, method: &str, call: &CallRecord<'p>) {
    match method {
        "prefix" => group.prefix = scripts::below(&[path_text(first(call)), group.prefix.clone()]),
        "as" => group.name = text_of(call),
        "domain" => group.domain = first(call).map(|domain| domain.to_text().to_string()),
        "namespace" => group.namespace = first(call).map(Value::to_text),
        _ => {}
    }
}

fn on_route<'p>(route: &mut Route<'p>, method: &str, call: &CallRecord<'p>) {
    match method {
        "prefix" => route.path = scripts::below(&[path_text(first(call)), route.path.clone()]),
        "as" => route.name = text_of(call),
        "domain" => route.domain = first(call).map(|domain| domain.to_text().to_string()),
        "namespace" => route.namespace = first(call).map(Value::to_text),
        _ => {}
    }
}

/// What the graph is told of a route.
pub(super) fn registration<'p>(
    route: &Route<'p>,
    path: Text,
    handler: Handler<'p>,
    guests: &[(String, bool)],
) -> Registration<'p> {
    Registration {
        layers: route.layers.clone(),
        args: Args::of(vec![adonis::context()]),
        name: route.name.clone(),
        metadata: guests.to_vec(),
        conditional: route.conditional,
        ..Registration::new(route.methods.clone(), path, handler)
    }
}
