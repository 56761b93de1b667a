//! Litestar: routers of handlers, controllers and other routers, whose guards, middleware and
//! dependencies add up from the application to the handler.

mod configuration;
mod handlers;
mod layers;

use std::collections::{BTreeMap, BTreeSet};

use super::{Framework, Matching};
use crate::eval::interpreter::Trace;
use crate::eval::text::Text;
use crate::eval::value::{CallId, CallRecord, Value};
use crate::inventory::routes::graph::{Graph, Layer, made_by};
use crate::inventory::routes::pattern::{self, Shape};
use crate::source::Language;

/// Litestar.
pub(super) const LITESTAR: Framework = Framework {
    name: NAME,
    languages: &[Language::Python],
    packages: &["litestar", "starlite"],
    needs: &["litestar", "starlite"],
    fixtures: &["litestar"],
    matching: Matching::Specific,
    has_user_object: false,
    read,
    path,
};

const NAME: &str = "litestar";

/// Slashes do not double, and none stands at the end.
fn path(raw: &str) -> Shape {
    let parts: Vec<&str> = raw.split('/').filter(|part| !part.is_empty()).collect();
    let joined = parts.join("/");
    // A hole at the beginning may bring its own slash.
    let begins = if raw.starts_with('/') || parts.is_empty() { "/" } else { "" };
    pattern::braces(&format!("{begins}{joined}"))
}

fn read<'p>(trace: &Trace<'p>, graph: &mut Graph<'p>) {
    let mut reader = Reader {
        trace,
        graph,
        routers: BTreeMap::new(),
        parents: BTreeMap::new(),
        handlers: Vec::new(),
        used: BTreeSet::new(),
        conditional: false,
    };
    for (id, call) in trace.records() {
        reader.construct(id, call);
    }
    if reader.routers.is_empty() && !reader.is_used() {
        return;
    }
    for (id, call) in trace.records() {
        reader.graph.at(id);
        reader.call(id, call);
    }
    reader.leftovers();
    reader.finish();
}

/// What a router adds to what it holds, beside guards and middleware.
#[derive(Debug, Clone, Default)]
struct Shared<'p> {
    /// What handlers get that ask for it by name.
    dependencies: Vec<(String, Value<'p>)>,
    /// Notes on every handler, with whether they are true.
    notes: Vec<(String, bool)>,
}

/// A handler, before what the routers around it provide is known.
struct Pending<'p> {
    router: CallId,
    /// Its place in what the router holds.
    entry: usize,
    dependencies: Vec<(String, Value<'p>)>,
}

struct Reader<'t, 'g, 'p> {
    trace: &'t Trace<'p>,
    graph: &'g mut Graph<'p>,
    routers: BTreeMap<CallId, Shared<'p>>,
    /// The routers that each router was put into.
    parents: BTreeMap<CallId, Vec<CallId>>,
    handlers: Vec<Pending<'p>>,
    /// Functions and classes that stand in some router, by where they are defined.
    used: BTreeSet<(u32, u32)>,
    /// Whether what is being read stands under a condition that could not be decided.
    conditional: bool,
}

/// A name of the library, without the module that it lies in.
fn library(path: &str) -> Option<&str> {
    let (root, name) = (path.split('.').next()?, path.rsplit('.').next()?);
    matches!(root, "litestar" | "starlite").then_some(name)
}

impl<'p> Reader<'_, '_, 'p> {
    /// Whether the program makes handlers at all.
    fn is_used(&self) -> bool {
        self.trace.records().any(|(_, call)| {
            call.path()
                .and_then(library)
                .is_some_and(|name| handlers::methods(name, call).is_some())
        })
    }

    fn construct(&mut self, id: CallId, call: &CallRecord<'p>) {
        let Some(name) = call.path().and_then(library) else { return };
        let args = &call.args;
        let given = match name {
            "Litestar" | "Starlite" => args.keyword("path"),
            "Router" => args.get(0, "path"),
            _ => return,
        };
        let prefix = text(given);
        if name == "Router" {
            self.graph.add(id, NAME, prefix);
        } else {
            self.graph.add_application(id, NAME, call);
            if let Some(router) = self.graph.router(id, NAME) {
                router.prefix = prefix;
            }
        }
        let shared = Shared {
            dependencies: self.dependencies(args.keyword("dependencies")),
            notes: layers::notes(args.keyword("opt")),
        };
        self.routers.insert(id, shared);
    }

    fn call(&mut self, id: CallId, call: &CallRecord<'p>) {
        if self.routers.contains_key(&id) {
            let at = usize::from(call.path().and_then(library) == Some("Router"));
            let given = call.args.get(at, "route_handlers");
            for layer in self.layers(call.args.keyword("guards"), call.args.keyword("middleware")) {
                self.graph.layer(id, layer);
            }
            self.add_all(id, given);
            if at == 0 {
                self.configure(id, call);
            }
        } else if let Some((receiver, "register")) = call.method()
            && self.routers.contains_key(&receiver)
            && let Some(given) = call.args.positional.first().or(call.args.keyword("value"))
        {
            let outer = self.enter(call.conditional);
            self.add(receiver, given);
            self.conditional = outer;
        }
    }

    /// Goes into what stands under a condition; gives back what is to be put back.
    fn enter(&mut self, conditional: bool) -> bool {
        let outer = self.conditional;
        self.conditional |= conditional;
        outer
    }

    /// Puts what stands in a list into a router.
    fn add_all(&mut self, router: CallId, list: Option<&Value<'p>>) {
        for (item, certain) in super::fastapi::items(list) {
            let outer = self.enter(!certain);
            self.add(router, &item);
            self.conditional = outer;
        }
    }

    /// Puts a handler, a controller, a router or an application into a router.
    fn add(&mut self, router: CallId, value: &Value<'p>) {
        match value {
            Value::Choice(several) => {
                let outer = self.enter(true);
                several.iter().for_each(|one| self.add(router, one));
                self.conditional = outer;
            }
            Value::Function(closure) => self.function(router, value, closure),
            Value::Class(class) => self.class(router, class),
            Value::Native(_) | Value::Object(_) => {
                let Some(id) = made_by(value) else { return };
                if self.routers.contains_key(&id) {
                    self.mount(router, id);
                } else if let Some(record) = self.trace.call(id) {
                    self.applied(router, value, &record);
                }
            }
            _ => {}
        }
    }

    fn mount(&mut self, parent: CallId, child: CallId) {
        let prefix = self.graph.router(child, NAME).map(|it| it.prefix.clone()).unwrap_or_default();
        self.parents.entry(child).or_default().push(parent);
        let made = self.trace.call(child).is_some_and(|record| record.conditional);
        self.graph.mount(parent, child, prefix, self.conditional || made);
    }

    /// The routers around one, nearest first.
    fn around(&self, router: CallId) -> Vec<CallId> {
        let mut out = vec![router];
        let mut at = 0;
        while at < out.len() {
            for parent in self.parents.get(&out[at]).into_iter().flatten() {
                if !out.contains(parent) && out.len() < MAX_ROUTERS {
                    out.push(*parent);
                }
            }
            at += 1;
        }
        out
    }

    /// Adds the layers of any router, of `guards` and `middleware`.
    fn layers(&self, guards: Option<&Value<'p>>, middleware: Option<&Value<'p>>) -> Vec<Layer<'p>> {
        let mut out = self.middlewares(middleware);
        out.extend(self.guards(guards));
        out
    }
}

/// The most routers around one that are looked at.
const MAX_ROUTERS: usize = 64;

/// The text of a path that may be missing.
fn text(value: Option<&Value<'_>>) -> Text {
    match value {
        None | Some(Value::None) => Text::default(),
        Some(value) => value.to_text(),
    }
}
