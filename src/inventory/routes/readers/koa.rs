//! Koa, with its routers and `koa-mount`.

use std::collections::{BTreeMap, BTreeSet};

use super::scripts::{self, Written};
use super::{Framework, Matching, SCRIPTS};
use crate::eval::interpreter::Trace;
use crate::eval::text::Text;
use crate::eval::value::{Args, CallId, CallRecord, Value};
use crate::inventory::routes::caller::values;
use crate::inventory::routes::graph::{
    Graph, Guard, Layer, LayerKind, Mount, Registration, join, made_by, methods_of,
};
use crate::inventory::routes::pattern;

/// Koa. Layers of a router stand only before its own routes.
pub(super) const KOA: Framework = Framework {
    name: NAME,
    languages: SCRIPTS,
    packages: &["koa", "@koa/router", "koa-router"],
    needs: &["koa"],
    fixtures: &["koa"],
    matching: Matching::First,
    has_user_object: false,
    read,
    path: pattern::optional_braces,
};

const NAME: &str = "koa";
const APPLICATIONS: &[&str] = &["koa", "koa.default", "koa.Koa"];
const ROUTERS: &[&str] = &["@koa/router", "koa-router", "@hqoss/koa-router", "koa-tree-router"];
/// How deep middleware is put together from other middleware.
const MAX_DEPTH: usize = 8;

#[derive(Default)]
struct Reading {
    /// The prefix of each router so far.
    prefixes: BTreeMap<CallId, Text>,
    /// What answers for methods that nobody registered.
    answers: BTreeSet<CallId>,
}

fn read<'p>(trace: &Trace<'p>, graph: &mut Graph<'p>) {
    let mut reading = Reading::default();
    for (id, call) in trace.records() {
        graph.at(id);
        if let Some(path) = call.path() {
            if APPLICATIONS.contains(&path) {
                graph.add_application(id, NAME, call);
            } else if is_router(path) {
                let options = call.args.positional.first();
                let prefix = options.and_then(|options| options.entry("prefix"));
                let prefix = prefix.filter(|prefix| !matches!(prefix, Value::None));
                let prefix = prefix.map_or_else(Text::default, |prefix| prefix.to_text());
                graph.add(id, NAME, prefix.clone());
                reading.prefixes.insert(id, prefix);
            }
            continue;
        }
        let Some((receiver, method)) = call.method() else { continue };
        let router = graph.origin(receiver);
        if graph.router(router, NAME).is_none() {
            continue;
        }
        let is_router = reading.prefixes.contains_key(&router);
        match method {
            "use" => reading.attach(router, call, trace, graph),
            "routes" | "middleware" if is_router => {}
            "allowedMethods" => {
                reading.answers.insert(id);
                continue;
            }
            "prefix" if is_router => reading.prefix(router, call, graph),
            "redirect" if is_router => {
                let path = call.args.positional.first();
                register(router, (Vec::new(), true), path, Vec::new(), call, trace, graph);
            }
            "register" if is_router => {
                let methods = call.args.positional.get(1).map(methods_of).unwrap_or_default();
                let path = call.args.positional.first();
                let handlers = scripts::arguments(call, 2);
                register(router, methods, path, handlers, call, trace, graph);
            }
            verb if is_router => {
                let Some(methods) = scripts::methods(verb) else { continue };
                // The name of a route may stand before its path.
                let is_named = scripts::is_path(call.args.positional.get(1));
                let path = call.args.positional.get(usize::from(is_named));
                let handlers = scripts::arguments(call, 1 + usize::from(is_named));
                if !handlers.is_empty() {
                    register(router, (methods, true), path, handlers, call, trace, graph);
                }
            }
            _ => continue,
        }
        graph.gives_back(id, router);
    }
}

fn is_router(path: &str) -> bool {
    ROUTERS.iter().any(|package| {
        let rest = path.strip_prefix(package);
        rest.is_some_and(|rest| matches!(rest, "" | ".default" | ".Router" | ".default.Router"))
    })
}

impl Reading {
    /// `router.prefix("/x")` stands before every path and prefix that there is already.
    fn prefix<'p>(&mut self, router: CallId, call: &CallRecord<'p>, graph: &mut Graph<'p>) {
        let Some(prefix) = call.args.positional.first().map(Value::to_text) else { return };
        let own = self.prefixes.entry(router).or_default();
        *own = join(&without_end(&prefix), own);
        if let Some(router) = graph.router(router, NAME) {
            router.prefix = own.clone();
        }
    }

    fn attach<'p>(
        &self,
        router: CallId,
        call: &CallRecord<'p>,
        trace: &Trace<'p>,
        graph: &mut Graph<'p>,
    ) {
        let is_router = self.prefixes.contains_key(&router);
        let first = call.args.positional.first();
        let has_path = is_router && scripts::is_path_of(first, call.args.positional.len() > 1);
        let paths = if has_path { scripts::paths(first) } else { vec![Text::default()] };
        for middleware in scripts::arguments(call, usize::from(has_path)) {
            for path in &paths {
                let at = Attaching { router, path: without_end(path), call, mounted: false };
                self.put(&at, middleware.clone(), 0, trace, graph);
            }
        }
    }

    /// Puts a middleware, a router, or what is made of several of these on a router.
    fn put<'p>(
        &self,
        at: &Attaching<'_, 'p>,
        (value, expr): Written<'p>,
        depth: usize,
        trace: &Trace<'p>,
        graph: &mut Graph<'p>,
    ) {
        let children: Vec<_> = value
            .alternatives()
            .iter()
            .filter_map(made_by)
            .map(|child| graph.origin(child))
            .filter(|child| graph.routers.get(child).is_some_and(|child| child.framework == NAME))
            .collect();
        let is_router = self.prefixes.contains_key(&at.router);
        for child in &children {
            let own = self.prefixes.get(child);
            let prefix = own.map_or_else(|| at.path.clone(), |own| join(&at.path, own));
            let mount = Mount::new(*child, without_end(&prefix), at.call.conditional);
            graph.mount_as(at.router, Mount { copies: is_router && own.is_some(), ..mount });
        }
        if !children.is_empty() || depth > MAX_DEPTH {
            return;
        }
        if made_by(&value).is_some_and(|made| self.answers.contains(&made)) {
            return;
        }
        if let Some(record) = trace.made(&value) {
            match record.path().map(package) {
                Some("koa-compose") => {
                    for part in scripts::arguments(&record, 0) {
                        self.put(at, part, depth + 1, trace, graph);
                    }
                    return;
                }
                Some("koa-mount") => {
                    let first = record.args.positional.first();
                    let has_path = scripts::is_path_of(first, record.args.positional.len() > 1);
                    let paths =
                        if has_path { scripts::paths(first) } else { vec![Text::default()] };
                    for path in paths {
                        let path = without_end(&join(&at.path, &path));
                        let below = Attaching { path, mounted: true, ..*at };
                        for part in scripts::arguments(&record, usize::from(has_path)) {
                            self.put(&below, part, depth + 1, trace, graph);
                        }
                    }
                    return;
                }
                _ => {}
            }
        }
        let layer = Layer {
            conditional: at.call.conditional,
            sees_rest: at.mounted || !is_router,
            ..layer(trace, (value, expr))
        };
        let guard =
            Guard { layer, path: at.path.clone(), methods: Vec::new(), is_mounted: at.mounted };
        graph.guard(at.router, guard);
    }
}

/// Where something is attached.
struct Attaching<'c, 'p> {
    router: CallId,
    path: Text,
    call: &'c CallRecord<'p>,
    /// Whether the path is hidden from what is attached.
    mounted: bool,
}

fn register<'p>(
    router: CallId,
    methods: (Vec<String>, bool),
    path: Option<&Value<'p>>,
    handlers: Vec<Written<'p>>,
    call: &CallRecord<'p>,
    trace: &Trace<'p>,
    graph: &mut Graph<'p>,
) {
    let handlers: Vec<_> =
        handlers.into_iter().flat_map(|handler| composed(trace, handler, 0)).collect();
    let (handler, layers) = scripts::handled(handlers, call, |written| layer(trace, written));
    for path in scripts::paths(path) {
        // The root of a router is its prefix.
        let path = if path.as_literal() == Some("/") { Text::default() } else { path };
        graph.route(
            router,
            Registration {
                layers: layers.clone(),
                args: request(),
                conditional: call.conditional,
                ..Registration::new(methods.clone(), path, handler.clone())
            },
        );
    }
}

/// The parts of a middleware that is made of several.
fn composed<'p>(trace: &Trace<'p>, (value, expr): Written<'p>, depth: usize) -> Vec<Written<'p>> {
    match trace.made(&value) {
        Some(record) if depth < MAX_DEPTH && record.path().map(package) == Some("koa-compose") => {
            let parts = scripts::arguments(&record, 0).into_iter();
            parts.flat_map(|part| composed(trace, part, depth + 1)).collect()
        }
        _ => vec![(value, expr)],
    }
}

/// A path into a library without what its module exports alone.
fn package(path: &str) -> &str {
    path.strip_suffix(".default").unwrap_or(path)
}

fn layer<'p>(trace: &Trace<'p>, (value, expr): Written<'p>) -> Layer<'p> {
    let (value, spares) = scripts::unless(trace, value);
    let layer = Layer::new(trace, LayerKind::Middleware, value, request()).called(expr);
    Layer { spares, ..layer }
}

/// What handlers and middleware are called with.
fn request<'p>() -> Args<'p> {
    Args::of(vec![values::context(), values::next()])
}

fn without_end(path: &Text) -> Text {
    path.trim_end(&['/'])
}
