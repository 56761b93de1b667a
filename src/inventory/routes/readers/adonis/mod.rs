//! AdonisJS, from version 5 on: routes, resources and groups on the one router of an application,
//! which the files register that `adonisrc` preloads.

mod controllers;
mod items;
mod middleware;
mod params;
mod resources;

use std::collections::{BTreeMap, BTreeSet};

use super::{Framework, Matching, SCRIPTS};
use crate::eval::interpreter::libraries::Host;
use crate::eval::interpreter::{Library, Trace};
use crate::eval::link::Program;
use crate::eval::text::Text;
use crate::eval::value::{Args, CallId, CallRecord, Closure, FileId, Value};
use crate::inventory::routes::adonis;
use crate::inventory::routes::graph::{Graph, Layer};
use crate::inventory::routes::pattern;
use items::{Items, Route};
use middleware::Middleware;

/// AdonisJS.
pub(super) const ADONIS: Framework = Framework {
    name: NAME,
    languages: SCRIPTS,
    packages: &["@adonisjs/core"],
    needs: &["@adonisjs/", "@ioc:Adonis/"],
    fixtures: &["adonis"],
    matching: Matching::First,
    has_user_object: false,
    read,
    path: pattern::colons,
};

/// What AdonisJS does while a program runs.
pub(super) const LIBRARY: Library = Library { called, would_call, call };

const NAME: &str = "adonis";

/// The router of an application, by the modules that give it.
const ROUTERS: &[&str] = &["@adonisjs/core/services/router", "@ioc:Adonis/Core/Route"];
/// The server, to which middleware belongs that stands before the router.
const SERVERS: &[&str] = &["@adonisjs/core/services/server", "@ioc:Adonis/Core/Server"];

/// What a call on the router or on the result of one gave.
const ROUTE: &str = "adonis.route";
const RESOURCE: &str = "adonis.resource";
const GROUP: &str = "adonis.group";
const NAMED: &str = "adonis.named";
/// The call that says that the function of a group has come to its end.
const END: &str = "adonis.end";

const VERBS: &[&str] = &["get", "post", "put", "patch", "delete", "any"];

/// The rest of a path into one of several modules: `get` of the router's.
fn of<'c>(path: &'c str, modules: &[&str]) -> Option<&'c str> {
    let rest = modules.iter().find_map(|module| path.strip_prefix(module))?;
    rest.strip_prefix(".default").unwrap_or(rest).strip_prefix('.')
}

fn called<'p>(host: &mut Host<'_, 'p>, id: CallId) -> Option<Value<'p>> {
    let call = host.record(id)?;
    if let Some(path) = call.path() {
        match of(path, ROUTERS)? {
            "group" => {
                host.set_kind(id, GROUP);
                let is_function = |value: &&Value<'p>| matches!(value, Value::Function(_));
                if let Some(function) = call.args.positional.iter().find(is_function) {
                    host.call(function, None, Args::default(), call.place);
                }
                host.record_call(END, Args::of(vec![Value::Native(id)]), call.place);
            }
            "resource" | "shallowResource" => host.set_kind(id, RESOURCE),
            "named" => host.set_kind(id, NAMED),
            "on" | "route" => host.set_kind(id, ROUTE),
            verb if VERBS.contains(&verb) => host.set_kind(id, ROUTE),
            _ => {}
        }
        return None;
    }
    let (receiver, method) = call.member()?;
    if matches!(host.kind(receiver), Some(ROUTE | RESOURCE | GROUP)) {
        return Some(Value::Native(receiver));
    }
    // What the environment does not say is what the program says.
    let made = host.record(receiver)?;
    let is_env = made.path().is_some_and(|path| path.starts_with("@adonisjs/core/env."));
    (is_env && method == "get").then(|| call.args.positional.get(1).cloned())?
}

fn would_call(_host: &Host<'_, '_>, _closure: &Closure<'_>) -> bool {
    false
}

fn call<'p>(_host: &mut Host<'_, 'p>, _closure: &std::rc::Rc<Closure<'p>>) -> bool {
    false
}

fn read<'p>(trace: &Trace<'p>, graph: &mut Graph<'p>) {
    let mut items = Items::default();
    let mut middleware = Middleware::of(trace);
    for (id, call) in trace.records() {
        items.record(trace, &mut middleware, id, call);
    }
    if items.is_empty() {
        return;
    }
    let guests = adonis::guests(trace);
    let loaded = Loaded::of(trace.program);
    let all: Vec<Layer<'p>> = middleware.for_all();
    let mut applications: BTreeMap<Option<String>, CallId> = BTreeMap::new();
    let mut nowhere = None;
    for (at, route) in items.finish() {
        graph.at(at);
        let router = if loaded.has(route.place.file) {
            // Each domain has its own routes.
            *applications.entry(route.domain.clone()).or_insert_with(|| {
                let id = graph.add_application_of_files(NAME, Text::default());
                all.iter().for_each(|layer| graph.layer(id, layer.clone()));
                id
            })
        } else {
            *nowhere.get_or_insert_with(|| graph.add_uncalled(NAME, Text::default()))
        };
        register(trace, graph, router, route, &guests);
    }
}

fn register<'p>(
    trace: &Trace<'p>,
    graph: &mut Graph<'p>,
    router: CallId,
    route: Route<'p>,
    guests: &[(String, bool)],
) {
    let handler = controllers::handler(trace, &route);
    for path in params::without_options(&route.path) {
        let registration = items::registration(&route, path, handler.clone(), guests);
        graph.route(router, registration);
    }
}

/// The files that are loaded when an application starts; without an `adonisrc` nobody knows.
struct Loaded {
    files: Option<BTreeSet<FileId>>,
}

impl Loaded {
    fn of(program: &Program<'_>) -> Self {
        let is_start = |id: &FileId| {
            let path = program.file(*id).path;
            let name = path.rsplit('/').next().unwrap_or(path);
            matches!(name, "adonisrc.ts" | "adonisrc.js")
        };
        let mut queue: Vec<FileId> = program.ids().filter(is_start).collect();
        if queue.is_empty() {
            return Self { files: None };
        }
        let mut files = BTreeSet::new();
        while let Some(file) = queue.pop() {
            if files.insert(file) {
                queue.extend(program.imported_by(file));
            }
        }
        Self { files: Some(files) }
    }

    fn has(&self, file: FileId) -> bool {
        self.files.as_ref().is_none_or(|files| files.contains(&file))
    }
}

/// The first argument of a call.
fn first<'c, 'p>(call: &'c CallRecord<'p>) -> Option<&'c Value<'p>> {
    call.args.positional.first()
}
