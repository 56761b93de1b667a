//! The route inventory. The [readers] of the frameworks read the trace of the abstract evaluation
//! into a [graph] of routers; [flatten] follows it from the applications to the handlers, and
//! [auth] asks what an anonymous caller meets on the way.

pub mod adonis;
pub mod alike;
pub mod asgi;
pub mod auth;
pub mod caller;
pub mod crates;
pub mod decorations;
pub mod evidence;
pub mod extractors;
pub mod flatten;
pub mod graph;
pub mod guards;
mod h3;
pub mod methods;
pub mod naming;
pub mod notes;
mod of_base;
mod page;
pub mod pattern;
pub mod reach;
pub mod readers;
pub mod regex;
pub mod registrars;
pub mod relate;
mod remix;
pub mod spared;
pub mod stub;
#[cfg(test)]
pub(in crate::inventory) mod tests;
pub mod told;
pub mod types;
pub mod wrapping;

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::eval::interpreter::{self, Purpose};
use crate::eval::link::Program;
use crate::finding::scale;
use evidence::Evidence;
use graph::Graph;
use reach::Unloaded;
use readers::{FRAMEWORKS, LIBRARIES, framework};

/// What a program registers.
#[derive(Debug, Default)]
pub struct Extracted {
    /// The routes, by path.
    pub routes: Vec<Route>,
    /// What stands before routes, where the program has it, by place.
    pub guards: Vec<Guard>,
    /// What answers below paths and is not known, by path.
    pub opaque: Vec<Opaque>,
    /// Whether some are missing because a limit was reached.
    pub cut: bool,
    /// Files that the program loads and that must be read first; there are no routes yet.
    pub missing: BTreeSet<String>,
    /// Modules that nothing of the program leads to, where routes depend on one.
    pub unloaded: Unloaded,
}

/// The routes that a program registers. `unread` names files that nobody can read; `None` when
/// what is missing must do without. `unloaded` names modules that nobody loads, which is known
/// once it has been looked for files outside the program that do.
#[must_use]
pub fn extract(
    program: &Program<'_>,
    unread: Option<&BTreeSet<String>>,
    unloaded: Option<&BTreeSet<String>>,
) -> Extracted {
    let purpose = Purpose { libraries: LIBRARIES, tells: readers::names_framework, clients: None };
    let trace = interpreter::run(program, purpose);
    let missing = trace.missing(unread);
    if !missing.is_empty() {
        return Extracted { missing, ..Extracted::default() };
    }
    let mut graph = Graph::default();
    for framework in FRAMEWORKS.iter().filter(|framework| is_spoken(framework, program)) {
        graph.begin();
        (framework.read)(&trace, &mut graph);
    }
    // Readers follow names in texts, too.
    let missing = trace.missing(unread);
    if !missing.is_empty() {
        return Extracted { missing, ..Extracted::default() };
    }
    registrars::unserve(&trace, &mut graph);
    graph.settle();
    let nothing = BTreeSet::new();
    let suspected = match unloaded {
        Some(_) => Unloaded::new(),
        None => reach::unloaded(&trace, &graph),
    };
    let unloaded = unloaded.unwrap_or(&nothing);
    reach::bury(&trace, &mut graph, unloaded);
    let flatten::Flattened { routes: flat, mut opaque, cut } = flatten::flatten(&graph, program);
    let unknown: Vec<_> = flat.iter().filter_map(flatten::unknown_below).collect();
    let mut decider = auth::Decider::new(&trace);
    let mut witness = evidence::Witness::new(&trace);
    let mut decided = Vec::with_capacity(flat.len());
    for mut flat in flat {
        let has_user_object =
            framework(&flat.route.framework).is_some_and(|framework| framework.has_user_object);
        let handler = &flat.registration.handler;
        let function = handler.inner.as_ref().or(handler.function.as_ref());
        let stub = function.and_then(|function| {
            let function = stub::handed_to(&trace, function);
            stub::reason(function.function, &flat.route)
        });
        flat.route.stub = stub.map(str::to_owned);
        let missing = reach::missing_on(&trace, &flat, unloaded);
        flat.route.reachable = flat.route.mounted && missing.is_none();
        for found in decider.decide(&flat, has_user_object) {
            let mut flat = flat.clone();
            flat.route.evidence = witness.tell(&flat, &found.faced);
            flat.route.evidence.unloaded.clone_from(&missing);
            flat.route.methods = found.methods;
            flat.route.auth = found.auth;
            decided.push(flat);
        }
    }
    let mut flat = decided;
    relate::relate(&mut flat, |flat| decider.hands_on(flat));
    let guards = decider.guards(program);
    let mut routes: Vec<Route> = flat.into_iter().map(|flat| flat.route).collect();
    routes.sort_by(|a, b| (&a.path, a).cmp(&(&b.path, b)));
    routes.dedup_by(|next, kept| same_route(next, kept));
    // The one that answers stands before those that it answers for.
    routes.sort_by(|a, b| {
        let place = |route: &Route| route.shadowed_by.is_some();
        (&a.path, &a.methods, place(a)).cmp(&(&b.path, &b.methods, place(b)))
    });
    let cut = cut || trace.exhausted || trace.asked_too_much();
    opaque.extend(unknown);
    let opaque = answering(opaque, &routes);
    Extracted { routes, guards, opaque, cut, missing: BTreeSet::new(), unloaded: suspected }
}

/// What answers below a path: of what may as well stand before other handlers, that below which
/// there are no others. Nothing is said of what takes everything.
fn answering(opaque: Vec<(Opaque, bool)>, routes: &[Route]) -> Vec<Opaque> {
    let is_below = |path: &str, above: &str| {
        path.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let mut out: Vec<Opaque> = opaque
        .into_iter()
        .filter(|(opaque, is_certain)| {
            let has_known = || routes.iter().any(|route| is_below(&route.path, &opaque.path));
            let is_fixed = opaque.path.split('/').any(|it| !it.is_empty() && !it.contains('{'));
            is_fixed && (*is_certain || !has_known())
        })
        .map(|(opaque, _)| opaque)
        .collect();
    out.sort();
    out.dedup();
    out
}

/// Whether a program has files in a language of a framework.
fn is_spoken(framework: &readers::Framework, program: &Program<'_>) -> bool {
    program.ids().any(|id| framework.languages.contains(&program.file(id).module.language))
}

/// A factory that runs twice registers everything twice: one of the two may be mounted, or have
/// met no condition. What both say goes into the one that is kept.
fn same_route(next: &Route, kept: &mut Route) -> bool {
    let key = |route: &Route| {
        let Route { methods, path, file, line, handler, resolved, .. } = route.clone();
        (methods, path, file, line, handler, resolved)
    };
    if key(next) != key(kept) {
        return false;
    }
    if (next.mounted, next.reachable) > (kept.mounted, kept.reachable) {
        kept.auth = next.auth.clone();
        kept.shadowed_by.clone_from(&next.shadowed_by);
        kept.evidence = next.evidence.clone();
    }
    kept.mounted |= next.mounted;
    kept.reachable |= next.reachable;
    kept.conditional &= next.conditional;
    true
}

/// A route: what the program registers for a path.
#[derive(
    Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub struct Route {
    /// Upper-case methods, sorted; empty means any. `WS` is a WebSocket.
    pub methods: Vec<String>,
    /// The path from the server's root, with `{name}` parameters and `{name*}` catch-alls; `{}`
    /// where a part could not be resolved.
    pub path: String,
    /// File of the handler, or of the registration where the handler is anonymous.
    pub file: String,
    /// Line there.
    pub line: u32,
    /// The handler's qualified name; `None` for an anonymous function.
    pub handler: Option<String>,
    /// `flask`, `fastapi`, `express`, …
    pub framework: String,
    /// Who may call it.
    pub auth: Auth,
    /// False when a part of the path or the methods could not be resolved.
    pub resolved: bool,
    /// Whether its router reaches an application.
    pub mounted: bool,
    /// Whether the running application has it: its router is mounted, and the modules that mount
    /// it and register on it are loaded by what starts the application, or may be.
    #[serde(default = "yes")]
    pub reachable: bool,
    /// Whether it is registered only under some condition.
    pub conditional: bool,
    /// The name by which other code asks for its path, where it has one.
    pub name: Option<String>,
    /// The parameters of the path, in order.
    pub parameters: Vec<Parameter>,
    /// The declared type of the body that it takes.
    pub request: Option<String>,
    /// The declared type of what it answers.
    pub response: Option<String>,
    /// What stands before the handler, outermost first: middleware, dependencies, decorators.
    pub middleware: Vec<String>,
    /// Whether it answers longer paths that begin so, too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub takes_longer: bool,
    /// What the path is instead where the environment says otherwise, as one setting puts a
    /// prefix before it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub otherwise: Vec<String>,
    /// Other paths of the same handler.
    pub aliases: Vec<String>,
    /// Why the handler only pretends, when it does.
    pub stub: Option<String>,
    /// `file:line` of the route that answers in its place.
    pub shadowed_by: Option<String>,
    /// How it comes about, for who asks about it alone.
    #[serde(skip)]
    pub evidence: Evidence,
}

impl Route {
    /// Whether it serves callers at all.
    #[must_use]
    pub fn serves(&self) -> bool {
        self.reachable && self.shadowed_by.is_none()
    }
}

/// What is mounted below a path and answers what nobody knows: a library's handler, or one that
/// could not be evaluated.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Opaque {
    /// The path, `{name}` for its parameters.
    pub path: String,
    /// The file that mounts it.
    pub file: String,
    /// Line there.
    pub line: u32,
}

/// What older listings, which know nothing of modules that nobody loads, say of each route.
fn yes() -> bool {
    true
}

/// A parameter of a path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Parameter {
    /// Its name; empty where it has none.
    pub name: String,
    /// Its type as the framework writes it: `int`, `uuid`, a regular expression. `None` is any
    /// single segment, or any rest.
    pub kind: Option<String>,
}

scale! {
    /// Whether a caller must be known.
    AuthState {
        /// Anonymous callers are refused.
        Required = "required",
        /// Callers may be known.
        Optional = "optional",
        /// Nobody asks.
        None = "none",
        /// It could not be told.
        Unknown = "unknown",
    }
}

/// Who may call a route, and by what that is known.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Auth {
    /// The state.
    pub state: AuthState,
    /// Names of the decorators, dependencies or middleware that decide it.
    pub by: Vec<String>,
}

impl Default for Auth {
    fn default() -> Self {
        Self { state: AuthState::Unknown, by: Vec::new() }
    }
}

/// Something of the program that stands before handlers and is called like a guard.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Guard {
    /// Where it is defined.
    pub file: String,
    /// Line there.
    pub line: u32,
    /// What it is called.
    pub name: String,
    /// What it does to anonymous callers.
    pub state: AuthState,
    /// Mounted routes behind it that anonymous callers get into.
    pub open_routes: usize,
}
