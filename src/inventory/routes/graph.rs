//! Routers, what is registered on them and what they are mounted on: what every framework's
//! reader writes, and what is flattened into routes.

use std::collections::{BTreeMap, BTreeSet};

use super::{Auth, AuthState, Route};
use crate::eval::link::Program;
use crate::eval::text::{Part, Text};
use crate::eval::value::{CallId, CallRecord, Closure, Place, Value};

/// The most entries that are flattened, over all routers.
const MAX_ENTRIES: usize = 200_000;
/// The most ways to one router. Mounts multiply, so that sixty routers could give more routes than
/// there is memory, and use up [`MAX_ENTRIES`] at the cost of every other application.
const MAX_MOUNTS: usize = 64;
/// The most routers inside each other.
const MAX_NESTING: usize = 32;

/// Stands for a hole while a path's syntax is rewritten.
const HOLE: char = '\u{0}';

/// An application, router, blueprint or namespace, by the call that made it.
#[derive(Debug)]
pub struct Router<'p> {
    /// The framework's name.
    pub framework: &'static str,
    /// Whether it serves by itself, without being mounted.
    pub is_application: bool,
    /// Its own prefix; what it means is the framework's business.
    pub prefix: Text,
    /// Whether it was made under a condition that could not be decided.
    pub conditional: bool,
    /// What is registered on it, in order.
    pub entries: Vec<Entry<'p>>,
}

/// Something registered on a router.
#[derive(Debug)]
pub enum Entry<'p> {
    /// A route.
    Route(Registration<'p>),
    /// Another router.
    Mount {
        /// Which.
        child: CallId,
        /// The whole prefix that the mount gives it.
        prefix: Text,
        /// Under a condition that could not be decided.
        conditional: bool,
    },
}

/// A registered route.
#[derive(Debug, Clone)]
pub struct Registration<'p> {
    /// Upper-case methods; empty is any.
    pub methods: Vec<String>,
    /// Whether the methods are known.
    pub methods_known: bool,
    /// The path below the router's mounts, as the framework writes it.
    pub path: Text,
    /// The handler.
    pub handler: Handler<'p>,
    /// Under a condition that could not be decided.
    pub conditional: bool,
}

/// What answers.
#[derive(Debug, Clone)]
pub struct Handler<'p> {
    /// Its qualified name.
    pub name: Option<String>,
    /// Where a reader finds it.
    pub place: Place,
    /// The function, where it is one of the program.
    pub function: Option<std::rc::Rc<Closure<'p>>>,
}

impl<'p> Handler<'p> {
    /// The handler that a value is, and the place of the registration where it is none of the
    /// program's.
    #[must_use]
    pub fn of(value: Option<&Value<'p>>, registered: Place) -> Self {
        match value {
            Some(Value::Function(closure)) => Self {
                name: closure.function.name.is_some().then(|| closure.qualified.to_string()),
                place: if closure.function.name.is_some() { closure.place() } else { registered },
                function: Some(std::rc::Rc::clone(closure)),
            },
            Some(Value::Class(class)) => Self {
                name: Some(class.qualified.to_string()),
                place: Place { file: class.env.file, span: class.class.name_span },
                function: None,
            },
            _ => Self { name: None, place: registered, function: None },
        }
    }
}

/// Every router of a program.
#[derive(Debug, Default)]
pub struct Graph<'p> {
    /// By the call that made them.
    pub routers: BTreeMap<CallId, Router<'p>>,
    /// Calls that give back the router that they were made on, as chained registrations do.
    same: BTreeMap<CallId, CallId>,
}

impl<'p> Graph<'p> {
    /// The call that made the router which a call gives back.
    #[must_use]
    pub fn origin(&self, id: CallId) -> CallId {
        self.same.get(&id).copied().unwrap_or(id)
    }

    /// Notes that a call gives back the router that it was made on.
    pub fn gives_back(&mut self, call: CallId, router: CallId) {
        let origin = self.origin(router);
        self.same.insert(call, origin);
    }

    /// A router of one framework.
    pub fn router(&mut self, id: CallId, framework: &str) -> Option<&mut Router<'p>> {
        let id = self.origin(id);
        self.routers.get_mut(&id).filter(|router| router.framework == framework)
    }

    /// Adds a router that serves only where it is mounted.
    pub fn add(&mut self, id: CallId, framework: &'static str, prefix: Text) {
        let router = Router {
            framework,
            is_application: false,
            prefix,
            conditional: false,
            entries: Vec::new(),
        };
        self.routers.insert(id, router);
    }

    /// Adds an application, by the call that makes it.
    pub fn add_application(&mut self, id: CallId, framework: &'static str, call: &CallRecord<'p>) {
        let (prefix, conditional) = (Text::default(), call.conditional);
        let router =
            Router { framework, is_application: true, prefix, conditional, entries: Vec::new() };
        self.routers.insert(id, router);
    }

    /// Adds a route to a router.
    pub fn route(&mut self, id: CallId, registration: Registration<'p>) {
        let id = self.origin(id);
        if let Some(router) = self.routers.get_mut(&id) {
            router.entries.push(Entry::Route(registration));
        }
    }

    /// Mounts a router on another.
    pub fn mount(&mut self, parent: CallId, child: CallId, prefix: Text, conditional: bool) {
        let (parent, child) = (self.origin(parent), self.origin(child));
        if parent != child
            && self.routers.contains_key(&child)
            && let Some(router) = self.routers.get_mut(&parent)
        {
            router.entries.push(Entry::Mount { child, prefix, conditional });
        }
    }

    fn mounted(&self) -> BTreeSet<CallId> {
        self.routers
            .values()
            .flat_map(|router| &router.entries)
            .filter_map(|entry| match entry {
                Entry::Mount { child, .. } => Some(*child),
                Entry::Route(_) => None,
            })
            .collect()
    }

    /// The routes of every application, then those of routers that reach none; and whether some
    /// are missing because a limit was reached.
    #[must_use]
    pub fn flatten(
        &self,
        program: &Program<'p>,
        syntax: impl Fn(&str, &str) -> String,
    ) -> (Vec<Route>, bool) {
        let mut flat = Flat {
            graph: self,
            program,
            syntax,
            routes: Vec::new(),
            seen: BTreeMap::new(),
            budget: MAX_ENTRIES,
            cut: false,
        };
        let mounted = self.mounted();
        for (id, router) in &self.routers {
            // An application that is mounted on another serves there.
            if router.is_application && !mounted.contains(id) {
                let first = flat.routes.len();
                flat.visit(*id, &Text::default(), true, false, &mut Vec::new());
                // Where the whole application stands under a condition, such as being the program
                // that was started, its routes have none of their own.
                if router.conditional {
                    flat.routes[first..].iter_mut().for_each(|route| route.conditional = false);
                }
            }
        }
        for (id, router) in &self.routers {
            if !flat.seen.contains_key(id) && !mounted.contains(id) {
                flat.visit(*id, &router.prefix, false, false, &mut Vec::new());
            }
        }
        // What is left is mounted in a circle, which has no beginning.
        for (id, router) in &self.routers {
            if !flat.seen.contains_key(id) {
                flat.visit(*id, &router.prefix, router.is_application, false, &mut Vec::new());
            }
        }
        let (mut routes, cut) = (flat.routes, flat.cut);
        routes.sort_by(|a, b| (&a.path, a).cmp(&(&b.path, b)));
        // A factory that runs twice registers everything twice: one of the two may be mounted, or
        // have met no condition.
        routes.dedup_by(|next, kept| {
            let same =
                (&next.methods, &next.path, &next.file, next.line, &next.handler, next.resolved)
                    == (
                        &kept.methods,
                        &kept.path,
                        &kept.file,
                        kept.line,
                        &kept.handler,
                        kept.resolved,
                    );
            if same {
                kept.mounted |= next.mounted;
                kept.conditional &= next.conditional;
            }
            same
        });
        (routes, cut)
    }
}

struct Flat<'g, 'p, F> {
    graph: &'g Graph<'p>,
    program: &'g Program<'p>,
    syntax: F,
    routes: Vec<Route>,
    /// How often each router was visited.
    seen: BTreeMap<CallId, usize>,
    budget: usize,
    /// Whether something was left out.
    cut: bool,
}

impl<F: Fn(&str, &str) -> String> Flat<'_, '_, F> {
    fn visit(
        &mut self,
        id: CallId,
        prefix: &Text,
        mounted: bool,
        conditional: bool,
        path: &mut Vec<CallId>,
    ) {
        let Some(router) = self.graph.routers.get(&id) else { return };
        if path.contains(&id) {
            return;
        }
        let visits = self.seen.entry(id).or_default();
        if *visits >= MAX_MOUNTS || path.len() > MAX_NESTING {
            self.cut = true;
            return;
        }
        *visits += 1;
        path.push(id);
        for entry in &router.entries {
            if self.budget == 0 {
                self.cut = true;
                break;
            }
            self.budget = self.budget.saturating_sub(1 + prefix.len() / 256);
            match entry {
                Entry::Mount { child, prefix: own, conditional: also } => {
                    let prefix = join(prefix, own);
                    self.visit(*child, &prefix, mounted, conditional || *also, path);
                }
                Entry::Route(registration) => {
                    let whole = join(prefix, &registration.path);
                    let route = self.route(router, registration, &whole, mounted, conditional);
                    self.routes.push(route);
                }
            }
        }
        path.pop();
    }

    fn route(
        &self,
        router: &Router<'_>,
        registration: &Registration<'_>,
        whole: &Text,
        mounted: bool,
        conditional: bool,
    ) -> Route {
        let mut raw = String::new();
        for part in whole.parts() {
            match part {
                Part::Literal(text) => raw.push_str(text),
                Part::Hole(_) => raw.push(HOLE),
            }
        }
        let path = (self.syntax)(router.framework, &raw);
        let holes = path.contains(HOLE);
        let mut path = path.replace(HOLE, "{}");
        if !path.starts_with('/') && !path.starts_with("{}") {
            path.insert(0, '/');
        }
        let mut methods = registration.methods.clone();
        methods.sort();
        methods.dedup();
        let place = registration.handler.place;
        Route {
            path,
            methods,
            file: self.program.file(place.file).path.to_owned(),
            line: place.span.line,
            handler: registration.handler.name.clone(),
            framework: router.framework.to_owned(),
            auth: Auth { state: AuthState::Unknown, by: Vec::new() },
            resolved: !holes && registration.methods_known,
            mounted,
            conditional: conditional || registration.conditional,
        }
    }
}

/// A prefix and a path with exactly one slash between them.
fn join(prefix: &Text, path: &Text) -> Text {
    let mut out = prefix.clone();
    if prefix.parts().is_empty() {
        out.push(path);
        return out;
    }
    let ends = prefix.to_string().ends_with('/');
    let shown = path.to_string();
    if ends {
        out.push(&path.trim_start(&['/']));
    } else {
        if !shown.is_empty() && !shown.starts_with('/') {
            out.push_literal("/");
        }
        out.push(path);
    }
    out
}

/// The text of a value that is a path; anything but text is a hole.
#[must_use]
pub fn path_text(value: Option<&Value<'_>>) -> Text {
    value.map_or_else(|| Text::hole(""), Value::to_text)
}

/// Upper-case methods of a list of texts, and whether all are known.
#[must_use]
pub fn methods_of(value: &Value<'_>) -> (Vec<String>, bool) {
    match value {
        Value::List(items) => {
            let items = items.borrow();
            let known: Vec<_> =
                items.iter().filter_map(Value::as_str).map(str::to_ascii_uppercase).collect();
            let all = known.len() == items.len();
            (known, all)
        }
        Value::Text(text) => match text.as_literal() {
            Some(text) => (vec![text.to_ascii_uppercase()], true),
            None => (Vec::new(), false),
        },
        _ => (Vec::new(), false),
    }
}

/// The call that made what a value is.
#[must_use]
pub fn made_by(value: &Value<'_>) -> Option<CallId> {
    match value {
        Value::Native(id) => Some(*id),
        Value::Object(object) => object.native.get(),
        Value::Choice(values) => values.iter().find_map(made_by),
        _ => None,
    }
}
