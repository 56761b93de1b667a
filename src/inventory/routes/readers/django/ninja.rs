//! django-ninja: operations on APIs and routers, which are mounted on each other, and the
//! controllers of django-ninja-extra.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::paths;
use super::patterns::{Row, Walk, Way};
use super::views::{before, request_args};
use super::{ninja_auth, ninja_controllers};
use crate::eval::interpreter::Trace;
use crate::eval::text::Text;
use crate::eval::value::{Args, CallId, CallRecord, Value};
use crate::inventory::routes::graph::{
    Handler, Layer, Registration, made_by, methods_of, path_text,
};
use crate::inventory::routes::readers::classes;
use crate::inventory::routes::wrapping;

/// The deepest nesting of routers.
const MAX_NESTING: usize = 24;

const VERBS: &[&str] = &["get", "post", "put", "patch", "delete"];

/// What the program does with its APIs and routers, in order.
#[derive(Default)]
pub(super) struct Ninja {
    hosts: BTreeMap<CallId, Host>,
}

/// An API or a router.
struct Host {
    is_api: bool,
    entries: Vec<Entry>,
    /// The calls of `add_decorator`.
    decorators: Vec<CallId>,
}

enum Entry {
    /// The call that says method and path, and what it was applied to where it is a decorator.
    Operation(CallId, Option<CallId>),
    /// A call of `add_router`.
    Router(CallId),
    /// A call of `register_controllers`.
    Controllers(CallId),
    /// All controllers that nobody registers.
    Discovered,
}

impl Ninja {
    pub(super) fn of(trace: &Trace<'_>) -> Self {
        let mut out = Self::default();
        for (id, call) in trace.records() {
            if let Some(is_api) = host(call) {
                let host = Host { is_api, entries: Vec::new(), decorators: Vec::new() };
                out.hosts.insert(id, host);
            } else if let Some((receiver, method)) = call.method()
                && let Some(host) = out.hosts.get_mut(&receiver)
            {
                match method {
                    "add_api_operation" => host.entries.push(Entry::Operation(id, None)),
                    "add_router" => host.entries.push(Entry::Router(id)),
                    "add_decorator" => host.decorators.push(id),
                    "register_controllers" => host.entries.push(Entry::Controllers(id)),
                    "auto_discover_controllers" => host.entries.push(Entry::Discovered),
                    _ => {}
                }
            } else if let Some(registrar) = call.applied()
                && let Some(made) = trace.call(registrar)
                && let Some((receiver, method)) = made.method()
                && (VERBS.contains(&method) || method == "api_operation")
                && let Some(host) = out.hosts.get_mut(&receiver)
            {
                host.entries.push(Entry::Operation(registrar, Some(id)));
            }
        }
        out
    }

    /// Every API and router, with those that others are mounted on first.
    fn roots(&self, trace: &Trace<'_>) -> Vec<CallId> {
        let mounted: Vec<CallId> = self
            .hosts
            .values()
            .flat_map(|host| &host.entries)
            .filter_map(|entry| match entry {
                Entry::Router(call) => made_by(&router_of(trace, &*trace.call(*call)?)),
                _ => None,
            })
            .collect();
        let (children, mut roots): (Vec<CallId>, Vec<CallId>) =
            self.hosts.keys().partition(|id| mounted.contains(id));
        roots.extend(children);
        roots
    }
}

/// Whether a call makes an API, or a router; `None` for others.
fn host(call: &CallRecord<'_>) -> Option<bool> {
    let path = call.path().filter(|path| path.starts_with("ninja"))?;
    match path.rsplit('.').next()? {
        "NinjaAPI" | "NinjaExtraAPI" => Some(true),
        "Router" | "RouterPaginated" => Some(false),
        _ => None,
    }
}

/// The router that a call of `add_router` mounts.
fn router_of<'p>(trace: &Trace<'p>, call: &CallRecord<'p>) -> Value<'p> {
    match call.args.get(1, "router") {
        Some(Value::Text(text)) => {
            let named = text.as_literal().and_then(|name| trace.dotted(call.place.file, name));
            named.unwrap_or_default()
        }
        Some(router) => router.clone(),
        None => Value::Unknown,
    }
}

/// What a call says of who may come; `None` where it leaves that to others.
pub(super) fn auth_of<'p>(args: &Args<'p>) -> Option<Value<'p>> {
    let given = args.keyword("auth").cloned();
    given.filter(|value| !matches!(value, Value::External(path) if path.ends_with("NOT_SET")))
}

/// What holds for the operations of a router where it is mounted.
#[derive(Clone, Default)]
struct Around<'p> {
    /// Who may come as those around it say: of the API, and of the routers between.
    api: Option<Value<'p>>,
    inherited: Option<Value<'p>>,
    /// What the mount itself says.
    mounted: Option<Value<'p>>,
    /// What wraps each operation, outermost last.
    decorators: Vec<CallId>,
    /// The path that everything of the API lies below, apart from that of the mounts.
    prefix: Text,
}

impl<'p> Walk<'_, '_, 'p> {
    /// The operations of an API below a path; false for what is none.
    pub(super) fn ninja_api(&mut self, value: &Value<'p>, way: &Way<'p>) -> bool {
        let Some(id) = made_by(value).filter(|id| self.ninja.hosts.contains_key(id)) else {
            return false;
        };
        let api = self.trace.call(id).and_then(|made| auth_of(&made.args));
        self.host(id, &Around { api, ..Around::default() }, way, 0);
        true
    }

    /// APIs that stand at no path, and routers and controllers on no API.
    pub(super) fn unmounted_ninja(&mut self) {
        let ninja = Rc::clone(&self.ninja);
        for id in ninja.roots(self.trace) {
            if !self.met.routers.contains(&id) {
                self.ninja_api(&Value::Native(id), &Way::start());
            }
        }
        self.unmet_controllers(&Way::start(), None);
    }

    /// What is registered on an API or a router.
    fn host(&mut self, id: CallId, around: &Around<'p>, way: &Way<'p>, depth: usize) {
        let ninja = Rc::clone(&self.ninja);
        let Some(host) = ninja.hosts.get(&id).filter(|_| depth < MAX_NESTING && self.spend())
        else {
            return;
        };
        self.met.routers.insert(id);
        let made = self.trace.call(id);
        let own = made.as_ref().filter(|_| !host.is_api).and_then(|made| auth_of(&made.args));
        // What stands on a router itself: as its mount says, then itself, then those around it.
        let asked = around
            .mounted
            .clone()
            .or_else(|| own.clone())
            .or_else(|| around.inherited.clone())
            .or_else(|| around.api.clone());
        let mut decorators = around.decorators.clone();
        decorators.extend(&host.decorators);
        let way = way.under(&Text::default(), made.is_some_and(|made| made.conditional));
        let own_around = Around { decorators: decorators.clone(), ..around.clone() };
        // Operations of a router come before those of the routers on it.
        for entry in &host.entries {
            if let Entry::Operation(registrar, applied) = entry {
                self.operation(*registrar, *applied, asked.as_ref(), &own_around, &way);
            }
        }
        for entry in &host.entries {
            match entry {
                Entry::Router(call) => {
                    let inherited = own.clone().or_else(|| around.inherited.clone());
                    let inner = Around {
                        api: around.api.clone(),
                        inherited,
                        mounted: None,
                        decorators: decorators.clone(),
                        prefix: around.prefix.clone(),
                    };
                    self.mounted_router(*call, host.is_api, inner, &way, depth);
                }
                Entry::Controllers(call) => self.controllers(*call, around.api.as_ref(), &way),
                Entry::Discovered => self.unmet_controllers(&way, around.api.as_ref()),
                Entry::Operation(..) => {}
            }
        }
    }

    /// `add_router(prefix, router, auth=…)`
    fn mounted_router(
        &mut self,
        call: CallId,
        on_api: bool,
        mut around: Around<'p>,
        way: &Way<'p>,
        depth: usize,
    ) {
        let Some(record) = self.trace.call(call) else { return };
        let prefix = path_text(record.args.get(0, "prefix"));
        around.prefix = joined(&around.prefix, &prefix);
        around.mounted = auth_of(&record.args);
        // Those on a router inherit what the router itself says, and only then what its mount does.
        if on_api && around.inherited.is_none() {
            around.inherited = around.mounted.clone();
        }
        let routers = router_of(self.trace, &record).alternatives();
        let conditional = record.conditional || routers.len() > 1;
        let way = way.under(&Text::default(), conditional);
        for id in routers.iter().filter_map(made_by) {
            self.host(id, &around, &way, depth + 1);
        }
    }

    /// One operation: a row for all of its methods.
    fn operation(
        &mut self,
        registrar: CallId,
        applied: Option<CallId>,
        asked: Option<&Value<'p>>,
        around: &Around<'p>,
        way: &Way<'p>,
    ) {
        let Some(record) = self.trace.call(registrar) else { return };
        let applied = applied.and_then(|id| self.trace.call(id));
        let method = record.method().map(|(_, method)| method.to_owned()).unwrap_or_default();
        let (methods, path, view) = match method.as_str() {
            "add_api_operation" => {
                let methods = record.args.get(1, "methods").map(methods_of).unwrap_or_default();
                (methods, record.args.get(0, "path"), record.args.get(2, "view_func").cloned())
            }
            "api_operation" => {
                let methods = record.args.get(0, "methods").map(methods_of).unwrap_or_default();
                (methods, record.args.get(1, "path"), None)
            }
            verb => {
                let methods = (vec![verb.to_ascii_uppercase()], true);
                (methods, record.args.get(0, "path"), None)
            }
        };
        let given = applied.as_ref().and_then(|call| call.args.positional.first().cloned());
        let view = view.or(given).unwrap_or_default();
        let view = classes::unwrap(self.trace, &view, &request_args(), |value| {
            classes::registers(self.trace, value, |id| self.ninja.hosts.contains_key(&id))
        });
        let asked = auth_of(&record.args).or_else(|| asked.cloned());
        let (mut layers, inner) = self.decorators(&around.decorators);
        layers.extend(asked.iter().flat_map(|auth| ninja_auth::layers(self.trace, auth)));
        layers.extend(inner);
        let wrappers = ninja_auth::wrappers(self.trace, &view.layers);
        layers.extend(before(self.trace, &wrappers, &request_args(), None).layers);
        let handler = Handler::of(Some(&view.view), record.place);
        let paths = path.map_or_else(|| vec![Value::Unknown], Value::alternatives);
        let conditional = record.conditional || paths.len() > 1;
        for path in &paths {
            let below = joined(&around.prefix, &path_text(Some(path)));
            let registration = Registration {
                layers: layers.clone(),
                args: request_args(),
                metadata: view.notes.clone(),
                conditional,
                ..Registration::new(methods.clone(), Text::default(), handler.clone())
            };
            self.ninja_row(registration, &below, way);
        }
    }

    /// A row at a path below a way.
    pub(super) fn ninja_row(&mut self, registration: Registration<'p>, path: &Text, way: &Way<'p>) {
        let way = way.under(&paths::parameters(path, '{', '}').trim_start(&['/']), false);
        self.register(&Row { registration, is_exempt: false }, None, &way);
    }

    /// What `add_decorator` put around operations, outermost first: before anybody is asked who
    /// calls, and after that.
    fn decorators(&self, calls: &[CallId]) -> (Vec<Layer<'p>>, Vec<Layer<'p>>) {
        let (mut outer, mut inner) = (Vec::new(), Vec::new());
        for call in calls.iter().rev().filter_map(|id| self.trace.call(*id)) {
            let Some(decorator) = call.args.get(0, "decorator") else { continue };
            let layer = wrapping::decorator(self.trace, decorator, None);
            let layer = Layer { conditional: call.conditional, ..layer };
            let is_outer = call.args.get(1, "mode").and_then(Value::as_str) == Some("view");
            let layers = if is_outer { &mut outer } else { &mut inner };
            let known = ninja_auth::wrappers(self.trace, &[layer]);
            layers.extend(before(self.trace, &known, &request_args(), None).layers);
        }
        (outer, inner)
    }
}

/// Two parts of a path with a slash between them; that there is one is nobody's business.
pub(super) fn joined(prefix: &Text, path: &Text) -> Text {
    if prefix.is_empty() || path.is_empty() {
        return if path.is_empty() { prefix.clone() } else { path.clone() };
    }
    let mut out = prefix.clone();
    out.push_literal("/");
    out.push(path);
    out.map_literals(|literal| {
        let mut text = literal.to_owned();
        while text.contains("//") {
            text = text.replace("//", "/");
        }
        text
    })
}

/// The controllers that a call registers: classes, or their dotted names.
pub(super) fn registered<'p>(trace: &Trace<'p>, call: &CallRecord<'p>) -> Vec<Value<'p>> {
    let given = call.args.positional.iter().flat_map(Value::alternatives);
    let known = given.map(|value| match value.as_str() {
        Some(name) => trace.dotted(call.place.file, name).unwrap_or_default(),
        None => value,
    });
    known.filter(|value| ninja_controllers::is_controller(trace, value)).collect()
}
