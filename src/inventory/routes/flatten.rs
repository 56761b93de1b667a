//! What the [graph](super::graph) of routers means: each way from an application through mounts
//! to a registration is a route, with the layers that stand on that way.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::rc::Rc;

use super::graph::{Entry, Graph, Layer, Registration, Router, join};
use super::pattern::{self, Shape};
use super::readers::{Framework, Matching, framework};
use super::{Auth, Opaque, Route};
use crate::eval::link::Program;
use crate::eval::text::{Part, Text};
use crate::eval::value::CallId;

/// The most entries that are flattened, over all routers.
const MAX_ENTRIES: usize = 200_000;
/// The most ways to one router. Mounts multiply, so that sixty routers could give more routes than
/// there is memory, and use up [`MAX_ENTRIES`] at the cost of every other application.
const MAX_MOUNTS: usize = 64;
/// The most routers inside each other.
const MAX_NESTING: usize = 32;
/// The most earlier routes and guards that one route is compared with.
const MAX_EARLIER: usize = 4_000;
/// The most comparisons of routes with what stands before them.
const MAX_COMPARED: usize = 20_000_000;
/// The most layers over all routes.
const MAX_LAYERS: usize = 500_000;

const FIRST: CallId = CallId(0);
const LATEST: CallId = CallId(u32::MAX);

/// Stands for a hole while a path's syntax is rewritten.
const HOLE: char = '\u{0}';

/// A route, with what is still to be asked of the program.
#[derive(Clone)]
pub struct Flat<'g, 'p> {
    /// What is known already.
    pub route: Route,
    /// What was registered.
    pub registration: &'g Registration<'p>,
    /// What stands before the handler, outermost first.
    pub layers: Vec<Standing<'g, 'p>>,
    /// Its path as the application that it belongs to sees it, with holes.
    pub seen: Text,
    /// Its path as the framework writes it, with holes.
    pub whole: Text,
    /// The application or router that the way began at, and the place in its order.
    pub order: (CallId, usize),
    /// The routers that lead to it, outermost first.
    pub way: Rc<Vec<WayStep>>,
}

/// A router on the way to a route.
#[derive(Debug, Clone)]
pub struct WayStep {
    /// The call that made it.
    pub router: CallId,
    /// The call that mounted it, where it is known.
    pub mounted: Option<CallId>,
    /// The prefix that it is mounted below.
    pub prefix: String,
    /// Whether it is mounted under a condition that could not be decided.
    pub conditional: bool,
}

/// A layer where it stands before a handler.
#[derive(Clone)]
pub struct Standing<'g, 'p> {
    /// The layer.
    pub layer: &'g Layer<'p>,
    /// Whether it stands there only under a condition that the route itself does not have.
    pub conditional: bool,
    /// The prefix that it stands below.
    pub prefix: Rc<Text>,
}

impl<'g, 'p> Standing<'g, 'p> {
    fn new(layer: &'g Layer<'p>, prefix: &Rc<Text>) -> Self {
        Self { layer, conditional: false, prefix: Rc::clone(prefix) }
    }
}

/// A guard or a route that stands before what is registered later.
struct Earlier<'g, 'p> {
    layers: Rc<Vec<Standing<'g, 'p>>>,
    path: Shape,
    /// Whether longer paths are meant too.
    is_prefix: bool,
    /// The conditions that it stands under.
    conditions: Rc<[usize]>,
    methods: &'g [String],
}

/// What a graph means.
pub struct Flattened<'g, 'p> {
    /// The routes of every application, then those of routers that reach none.
    pub routes: Vec<Flat<'g, 'p>>,
    /// What answers below paths and is not known.
    pub opaque: Vec<(Opaque, bool)>,
    /// Whether some are missing because a limit was reached.
    pub cut: bool,
}

/// Flattens a graph.
#[must_use]
pub fn flatten<'g, 'p>(graph: &'g Graph<'p>, program: &'g Program<'p>) -> Flattened<'g, 'p> {
    let mut flat = Flattening {
        graph,
        program,
        routes: Vec::new(),
        opaque: Vec::new(),
        seen: BTreeMap::new(),
        reached: BTreeMap::new(),
        earlier: Vec::new(),
        root: CallId(0),
        budget: MAX_ENTRIES,
        comparisons: MAX_COMPARED,
        layers: MAX_LAYERS,
        conditions: 0,
        cut: false,
    };
    let mounted = mounted(graph);
    for (id, router) in &graph.routers {
        // An application that is mounted on another serves there.
        if router.is_application && (router.served.is_some() || !mounted.contains(id)) {
            let first = flat.routes.len();
            flat.begin(*id, &router.prefix, true);
            if router.served == Some(true) {
                flat.routes[first..].iter_mut().for_each(|flat| flat.route.conditional = true);
            }
            // Where the whole application stands under a condition, such as being the program that
            // was started, its routes have none of their own.
            if router.conditional {
                flat.routes[first..].iter_mut().for_each(|flat| flat.route.conditional = false);
            }
        }
    }
    for (id, router) in &graph.routers {
        if !flat.seen.contains_key(id) && !mounted.contains(id) {
            flat.begin(*id, &router.prefix, false);
        }
    }
    // What is left is mounted in a circle, which has no beginning.
    for (id, router) in &graph.routers {
        if !flat.seen.contains_key(id) {
            flat.begin(*id, &router.prefix, router.is_application);
        }
    }
    flat.lost();
    Flattened { routes: flat.routes, opaque: flat.opaque, cut: flat.cut }
}

fn mounted(graph: &Graph<'_>) -> BTreeSet<CallId> {
    graph
        .routers
        .values()
        .flat_map(|router| &router.entries)
        .filter_map(|(_, entry)| match entry {
            Entry::Mount(mount) => Some(mount.child),
            Entry::Route(_) | Entry::Guard(_) | Entry::Pattern(_) | Entry::Opaque(_) => None,
        })
        .collect()
}

struct Flattening<'g, 'p> {
    graph: &'g Graph<'p>,
    program: &'g Program<'p>,
    routes: Vec<Flat<'g, 'p>>,
    opaque: Vec<(Opaque, bool)>,
    /// How often each router was visited.
    seen: BTreeMap<CallId, usize>,
    /// The call up to which what was registered on each router was followed.
    reached: BTreeMap<CallId, CallId>,
    /// What stands before the next route of this application.
    earlier: Vec<Earlier<'g, 'p>>,
    root: CallId,
    budget: usize,
    /// Comparisons that are left.
    comparisons: usize,
    /// Layers that are left.
    layers: usize,
    /// How many conditions were met.
    conditions: usize,
    /// Whether something was left out.
    cut: bool,
}

/// The way to a router.
struct Way<'g, 'p> {
    routers: Vec<CallId>,
    /// How each of them was come to.
    steps: Vec<WayStep>,
    /// The prefix as the application sees it that the way leads to.
    seen: Text,
    /// The names of the routers.
    names: Vec<String>,
    layers: Vec<Standing<'g, 'p>>,
    mounted: bool,
    /// The conditions that it goes through, each by a number of its own.
    conditions: Rc<[usize]>,
}

impl Way<'_, '_> {
    fn new(mounted: bool) -> Self {
        Self {
            routers: Vec::new(),
            steps: Vec::new(),
            seen: Text::default(),
            names: Vec::new(),
            layers: Vec::new(),
            mounted,
            conditions: Rc::default(),
        }
    }
}

impl<'g, 'p> Way<'g, 'p> {
    /// Adds layers that stand on a router with a prefix.
    fn stand(&mut self, layers: &'g [Layer<'p>], prefix: &Rc<Text>) {
        self.layers.extend(layers.iter().map(|layer| Standing::new(layer, prefix)));
    }
}

impl<'g, 'p> Flattening<'g, 'p> {
    fn begin(&mut self, id: CallId, prefix: &Text, mounted: bool) {
        let first = self.routes.len();
        self.begin_with(id, prefix, FIRST..LATEST, mounted);
        cut_base(&mut self.routes[first..]);
    }

    fn begin_with(&mut self, id: CallId, prefix: &Text, during: Range<CallId>, mounted: bool) {
        self.earlier.clear();
        self.root = id;
        let name = self.graph.routers.get(&id).and_then(|router| router.name.clone());
        let mut way =
            Way { seen: prefix.clone(), names: name.into_iter().collect(), ..Way::new(mounted) };
        let conditional = self.graph.routers.get(&id).is_some_and(|router| router.conditional);
        let prefix_shown = prefix.to_string();
        way.steps.push(WayStep { router: id, mounted: None, prefix: prefix_shown, conditional });
        self.visit(id, prefix, during, &mut way);
    }

    /// Follows what was registered on a router during some of the calls.
    fn visit(&mut self, id: CallId, prefix: &Text, during: Range<CallId>, way: &mut Way<'g, 'p>) {
        let Some(router) = self.graph.routers.get(&id) else { return };
        if way.routers.contains(&id) {
            return;
        }
        let visits = self.seen.entry(id).or_default();
        if *visits >= MAX_MOUNTS || way.routers.len() > MAX_NESTING {
            self.cut = true;
            return;
        }
        *visits += 1;
        let framework = framework(router.framework);
        let first_layer = way.layers.len();
        let first_earlier = self.earlier.len();
        way.routers.push(id);
        let here = Rc::new(prefix.clone());
        let steps = Rc::new(way.steps.clone());
        way.stand(&router.layers, &here);
        let reached = self.reached.entry(id).or_default();
        *reached = (*reached).max(during.end);
        for (at, entry) in &router.entries {
            if !during.contains(at) {
                continue;
            }
            if self.budget == 0 {
                self.cut = true;
                break;
            }
            self.budget = self.budget.saturating_sub(1 + prefix.len() / 256);
            match entry {
                Entry::Guard(guard) | Entry::Pattern(guard) => {
                    let whole = join(prefix, &guard.path);
                    let path = shape(framework, &whole);
                    let prefix = match guard.is_mounted {
                        true => Rc::new(whole),
                        false => Rc::clone(&here),
                    };
                    let layer = Standing::new(&guard.layer, &prefix);
                    self.stands_before(Earlier {
                        layers: Rc::new(vec![layer]),
                        path,
                        is_prefix: matches!(entry, Entry::Guard(_)),
                        conditions: Rc::clone(&way.conditions),
                        methods: &guard.methods,
                    });
                }
                Entry::Opaque(opaque) if way.mounted => {
                    let path = shape(framework, &join(prefix, &opaque.path)).path;
                    let place = opaque.place;
                    let opaque = Opaque {
                        path: below(&rooted(&path)).to_owned(),
                        file: self.program.file(place.file).path.to_owned(),
                        line: place.span.line,
                    };
                    self.opaque.push((opaque, is_certain(entry)));
                }
                Entry::Opaque(_) => {}
                Entry::Mount(mount) => {
                    let prefix = join(prefix, &mount.prefix);
                    let seen =
                        if mount.strips { Text::default() } else { join(&way.seen, &mount.prefix) };
                    let seen = std::mem::replace(&mut way.seen, seen);
                    let names = way.names.len();
                    let child = self.graph.routers.get(&mount.child);
                    let known = child.and_then(|child| child.name.as_ref());
                    way.names.extend(mount.name.as_ref().or(known).cloned());
                    let conditions = Rc::clone(&way.conditions);
                    if mount.conditional {
                        self.conditions += 1;
                        let own = [self.conditions];
                        way.conditions = way.conditions.iter().chain(&own).copied().collect();
                    }
                    let before = way.layers.len();
                    way.stand(&mount.layers, &here);
                    let until = if mount.copies { *at } else { LATEST };
                    way.steps.push(WayStep {
                        router: mount.child,
                        mounted: mount.at,
                        prefix: mount.prefix.to_string(),
                        conditional: mount.conditional,
                    });
                    self.visit(mount.child, &prefix, FIRST..until, way);
                    way.steps.pop();
                    way.layers.truncate(before);
                    way.conditions = conditions;
                    way.names.truncate(names);
                    way.seen = seen;
                }
                Entry::Route(registration) => {
                    let whole = join(prefix, &registration.path);
                    let first = self.routes.len();
                    self.route(router, framework, registration, (&here, whole), way);
                    self.routes[first..].iter_mut().for_each(|flat| flat.way = Rc::clone(&steps));
                }
            }
        }
        way.routers.pop();
        way.layers.truncate(first_layer);
        if framework.is_none_or(|framework| framework.matching != Matching::Chain) {
            self.earlier.truncate(first_earlier);
        }
    }

    /// What was registered on routers after they were copied for the last time.
    fn lost(&mut self) {
        let graph = self.graph;
        for (id, router) in &graph.routers {
            let from = self.reached.get(id).copied().unwrap_or(LATEST);
            if from < LATEST && router.entries.iter().any(|(at, _)| *at >= from) {
                self.begin_with(*id, &router.prefix, from..LATEST, false);
            }
        }
    }

    fn stands_before(&mut self, earlier: Earlier<'g, 'p>) {
        if self.earlier.len() < MAX_EARLIER {
            self.earlier.push(earlier);
        } else {
            self.cut = true;
        }
    }

    fn route(
        &mut self,
        router: &Router<'p>,
        framework: Option<&'static Framework>,
        registration: &'g Registration<'p>,
        (here, whole): (&Rc<Text>, Text),
        way: &Way<'g, 'p>,
    ) {
        let mut shape = shape(framework, &whole);
        let holes = shape.path.contains(HOLE);
        let mut methods = registration.methods.clone();
        methods.sort();
        methods.dedup();
        let mut layers = way.layers.clone();
        let mine = |layer: &'g Layer<'p>| Standing::new(layer, here);
        self.cut |= self.comparisons < self.earlier.len();
        self.comparisons = self.comparisons.saturating_sub(self.earlier.len());
        let within = self.comparisons > 0 && self.layers > 0;
        let compared = if within { self.earlier.as_slice() } else { &[] };
        for earlier in compared {
            let meets = earlier.methods.is_empty()
                || methods.is_empty()
                || methods.iter().all(|method| earlier.methods.contains(method));
            if meets && pattern::covers(earlier.path.typed(), earlier.is_prefix, shape.typed()) {
                let elsewhere = !way.conditions.starts_with(&earlier.conditions);
                layers.extend(earlier.layers.iter().map(|standing| Standing {
                    conditional: standing.conditional || elsewhere,
                    ..standing.clone()
                }));
            }
        }
        layers.extend(registration.layers.iter().map(mine));
        let is_socket = methods.iter().any(|method| method == "WS");
        layers.retain(|standing| standing.layer.sockets.is_none_or(|sockets| sockets == is_socket));
        self.cut |= self.layers == 0;
        self.layers = self.layers.saturating_sub(layers.len());
        if framework.is_some_and(|framework| framework.matching == Matching::Chain) {
            let layers: Vec<_> = registration
                .layers
                .iter()
                .chain(&registration.hands_on)
                .map(|layer| Standing { conditional: registration.conditional, ..mine(layer) })
                .collect();
            if !layers.is_empty() {
                self.stands_before(Earlier {
                    layers: Rc::new(layers),
                    path: shape.clone(),
                    is_prefix: false,
                    conditions: Rc::clone(&way.conditions),
                    methods: &registration.methods,
                });
            }
        }
        shape.path = rooted(&shape.path);
        let place = registration.handler.place;
        let route = Route {
            path: shape.path,
            methods,
            file: self.program.file(place.file).path.to_owned(),
            line: place.span.line,
            handler: registration.handler.name.clone(),
            framework: router.framework.to_owned(),
            auth: Auth::default(),
            resolved: !holes && registration.methods_known,
            mounted: way.mounted,
            conditional: !way.conditions.is_empty()
                || registration.conditional
                || !whole.otherwise().is_empty(),
            otherwise: whole.otherwise().iter().map(|path| written(framework, path)).collect(),
            name: registration.name.as_ref().map(|name| {
                let mut whole = way.names.clone();
                whole.push(name.clone());
                whole.join(".")
            }),
            takes_longer: registration.takes_longer,
            parameters: shape.parameters,
            request: registration.request.clone(),
            response: registration.response.clone(),
            middleware: layers.iter().map(|standing| standing.layer.name.clone()).collect(),
            ..Route::default()
        };
        let order = (self.root, self.routes.len());
        let seen = join(&way.seen, &registration.path);
        let way = Rc::default();
        self.routes.push(Flat { route, registration, layers, whole, seen, order, way });
    }
}

/// Where every route of an application begins with one and the same unknown, that is the base path
/// under which it is deployed: paths are told from there. They stay unresolved.
fn cut_base(routes: &mut [Flat<'_, '_>]) {
    let base = |flat: &Flat<'_, '_>| match flat.whole.parts() {
        [Part::Hole(name), rest @ ..] => match rest.first() {
            None => Some(name.clone()),
            Some(Part::Literal(text)) if text.starts_with('/') => Some(name.clone()),
            Some(_) => None,
        },
        _ => None,
    };
    let Some(first) = routes.first().and_then(base) else { return };
    if routes.len() < 2 || !routes.iter().all(|flat| base(flat).as_ref() == Some(&first)) {
        return;
    }
    for flat in routes {
        if let Some(rest) = flat.route.path.strip_prefix("{}") {
            flat.route.path = if rest.is_empty() { "/".to_owned() } else { rest.to_owned() };
        }
    }
}

/// What a route is that takes all below a path, where its handler is none of the program's.
#[must_use]
pub fn unknown_below(flat: &Flat<'_, '_>) -> Option<(Opaque, bool)> {
    let handler = &flat.registration.handler;
    let route = &flat.route;
    let is_unknown = handler.function.is_none() && handler.name.is_none();
    (is_unknown && route.mounted && route.path.ends_with("*}")).then(|| {
        let path = below(&route.path).to_owned();
        (Opaque { path, file: route.file.clone(), line: route.line }, true)
    })
}

fn is_certain(entry: &Entry<'_>) -> bool {
    matches!(entry, Entry::Opaque(opaque) if opaque.is_certain)
}

/// A path without what takes all that follows.
fn below(path: &str) -> &str {
    let whole = match path.rsplit_once('/') {
        Some((before, last)) if last == "*" || last.ends_with("*}") => before,
        _ => path,
    };
    whole.trim_end_matches('/')
}

/// A path as it is shown.
fn rooted(path: &str) -> String {
    let path = path.replace(HOLE, "{}");
    if path.starts_with('/') || path.starts_with("{}") { path } else { format!("/{path}") }
}

fn written(framework: Option<&'static Framework>, whole: &Text) -> String {
    rooted(&shape(framework, whole).path)
}

fn shape(framework: Option<&'static Framework>, whole: &Text) -> Shape {
    let mut raw = String::new();
    for part in whole.parts() {
        match part {
            Part::Literal(text) => raw.push_str(text),
            Part::Hole(_) => raw.push(HOLE),
        }
    }
    match framework {
        Some(framework) => (framework.path)(&raw),
        None => Shape { path: raw, parameters: Vec::new() },
    }
}
