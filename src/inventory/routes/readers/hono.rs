//! Hono.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::scripts::{self, Written};
use super::{Framework, Matching, SCRIPTS};
use crate::eval::interpreter::libraries::Host;
use crate::eval::interpreter::{Library, Trace};
use crate::eval::text::Text;
use crate::eval::value::{Args, CallId, CallRecord, Closure, Value};
use crate::inventory::routes::caller::values;
use crate::inventory::routes::graph::{
    Graph, Guard, Handler, Layer, LayerKind, Mount, Opaque, Registration, join, made_by,
};
use crate::inventory::routes::pattern;

/// Hono.
pub(super) const HONO: Framework = Framework {
    name: NAME,
    languages: SCRIPTS,
    packages: &["hono"],
    needs: &["hono", "Hono"],
    fixtures: &["hono"],
    matching: Matching::Chain,
    has_user_object: false,
    read,
    path: pattern::colons,
};

/// What Hono does while a program runs.
pub(super) const LIBRARY: Library = Library { called, would_call, call };

const NAME: &str = "hono";
const FACTORY: &str = "hono-factory";
const TYPES: &[&str] = &["Hono", "OpenAPIHono"];
const VERBS: &[&str] = &["get", "post", "put", "delete", "patch", "options", "all"];

/// What gives back the application that it is called on.
const CHAINED: &[&str] = &["on", "use", "route", "mount", "openapi", "notFound", "onError"];

fn called<'p>(host: &mut Host<'_, 'p>, id: CallId) -> Option<Value<'p>> {
    let call = host.record(id)?;
    if let Some(path) = call.path() {
        let (library, function) = path.rsplit_once('.')?;
        if !is_hono(library) {
            return None;
        }
        match function {
            "Hono" | "OpenAPIHono" => host.set_kind(id, NAME),
            "createFactory" | "Factory" => host.set_kind(id, FACTORY),
            "createMiddleware" => return call.args.positional.first().cloned(),
            // A route of zod-openapi is what it is described as.
            "createRoute" => return call.args.positional.first().cloned(),
            _ => {}
        }
        return None;
    }
    let (receiver, method) = call.member()?;
    match (host.kind(receiver)?, method.as_str()) {
        (FACTORY, "createApp") => host.set_kind(id, NAME),
        (FACTORY, "createMiddleware") => return call.args.positional.first().cloned(),
        (FACTORY, "createHandlers") => return Some(Value::list(call.args.positional.clone())),
        (NAME, "basePath") => host.set_kind(id, NAME),
        (NAME, method) if VERBS.contains(&method) || CHAINED.contains(&method) => {
            return Some(receiver_of(&call));
        }
        _ => {}
    }
    None
}

/// Whether a module is Hono's or one of its companions.
fn is_hono(library: &str) -> bool {
    ["hono", "@hono"].iter().any(|name| {
        library
            .strip_prefix(name)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '.', '-']))
    })
}

fn receiver_of<'p>(call: &CallRecord<'p>) -> Value<'p> {
    match &call.callee {
        Value::Method(method) => method.0.clone(),
        _ => Value::Unknown,
    }
}

fn would_call(_host: &Host<'_, '_>, closure: &Closure<'_>) -> bool {
    scripts::takes(closure, TYPES)
}

fn call<'p>(host: &mut Host<'_, 'p>, closure: &Rc<Closure<'p>>) -> bool {
    let id = host.record_call("hono.Hono", Args::default(), closure.place());
    host.set_kind(id, NAME);
    let args = Args { open: true, ..Args::of(vec![Value::Native(id)]) };
    host.call(&Value::Function(Rc::clone(closure)), None, args, closure.place());
    true
}

/// An application as the program has it: several can share one router below different paths.
#[derive(Clone)]
struct Base {
    router: CallId,
    path: Text,
}

#[derive(Default)]
struct Reading {
    bases: BTreeMap<CallId, Base>,
    /// The paths of the last registration on an application, which the next may leave out.
    last: BTreeMap<CallId, Vec<Text>>,
}

fn read<'p>(trace: &Trace<'p>, graph: &mut Graph<'p>) {
    let served = scripts::served(trace);
    let mut reading = Reading::default();
    for (id, call) in trace.records() {
        graph.at(id);
        if trace.kind(id) == Some(NAME) {
            reading.application(id, call, graph);
            continue;
        }
        let Some((receiver, method)) = call.member() else { continue };
        let Some(base) = reading.bases.get(&receiver).cloned() else { continue };
        let (base, method) = (&base, method.as_str());
        match method {
            "route" => reading.mount(base, call, graph),
            "mount" => reading.foreign(base, call, trace, graph),
            "use" => reading.guard(receiver, base, call, trace, graph),
            "on" => reading.on(receiver, base, call, trace, graph),
            "openapi" => reading.described(base, call, trace, graph),
            "fire" => graph.serves(base.router),
            verb if VERBS.contains(&verb) => {
                let methods = if verb == "all" { vec![] } else { vec![verb.to_ascii_uppercase()] };
                let paths = reading.paths(receiver, call, 0);
                let skip = usize::from(has_path(call, 0));
                reading.register(
                    base,
                    methods,
                    paths,
                    scripts::arguments(call, skip),
                    call,
                    trace,
                    graph,
                );
            }
            _ => {}
        }
    }
    for id in served {
        if let Some(base) = reading.bases.get(&id) {
            graph.serves(base.router);
        }
    }
    // Nobody may be seen serving it, but what brings others together is no part itself.
    for base in reading.bases.values() {
        if graph.mounts_others(base.router) {
            graph.serves(base.router);
        }
    }
}

impl Reading {
    fn application<'p>(&mut self, id: CallId, call: &CallRecord<'p>, graph: &mut Graph<'p>) {
        let base = call.member().and_then(|(receiver, _)| self.bases.get(&receiver).cloned());
        let base = match base {
            Some(base) => {
                let path = call.args.positional.first().map(Value::to_text).unwrap_or_default();
                Base { path: join(&base.path, &path), ..base }
            }
            None => {
                graph.add(id, NAME, Text::default());
                Base { router: id, path: Text::default() }
            }
        };
        self.bases.insert(id, base);
    }

    /// The paths of a registration whose path stands at `at`: where it is left out, that of the
    /// last one.
    fn paths(&mut self, app: CallId, call: &CallRecord<'_>, at: usize) -> Vec<Text> {
        if has_path(call, at) {
            let paths = scripts::paths(call.args.positional.get(at));
            self.last.insert(app, paths.clone());
            return paths;
        }
        self.last.get(&app).cloned().unwrap_or_else(|| vec![Text::literal("/")])
    }

    fn mount<'p>(&mut self, base: &Base, call: &CallRecord<'p>, graph: &mut Graph<'p>) {
        let Some(child) = call.args.positional.get(1) else { return };
        let mut is_known = false;
        for child in child.alternatives().iter().filter_map(made_by) {
            let Some(child) = self.bases.get(&child) else { continue };
            is_known = true;
            for path in scripts::paths(call.args.positional.first()) {
                let prefix = join(&base.path, &without_end(&path));
                let mount = Mount::new(child.router, prefix, call.conditional);
                graph.mount_as(base.router, Mount { copies: true, ..mount });
            }
        }
        if !is_known {
            for path in scripts::paths(call.args.positional.first()) {
                let path = join(&base.path, &without_end(&path));
                graph.opaque(base.router, Opaque { path, place: call.place, is_certain: true });
            }
        }
    }

    /// `mount`: whatever else takes requests, below a path.
    fn foreign<'p>(
        &mut self,
        base: &Base,
        call: &CallRecord<'p>,
        trace: &Trace<'p>,
        graph: &mut Graph<'p>,
    ) {
        let paths = scripts::paths(call.args.positional.first());
        let paths = paths.iter().map(|path| join(&without_end(path), &Text::literal("/*")));
        let handlers = scripts::arguments(call, 1).into_iter().take(1).collect();
        self.register(base, vec![], paths.collect(), handlers, call, trace, graph);
    }

    fn guard<'p>(
        &mut self,
        app: CallId,
        base: &Base,
        call: &CallRecord<'p>,
        trace: &Trace<'p>,
        graph: &mut Graph<'p>,
    ) {
        let has_path = has_path(call, 0);
        let paths = match has_path {
            true => self.paths(app, call, 0),
            false => {
                let all = vec![Text::literal("*")];
                self.last.insert(app, all.clone());
                all
            }
        };
        for handler in scripts::arguments(call, usize::from(has_path)) {
            let is_certain = scripts::answers(trace, &handler.0, 1).filter(|_| has_path);
            for path in paths.iter().filter(|_| is_certain.is_some()) {
                let (path, is_certain) = (join(&base.path, path), is_certain == Some(true));
                graph.opaque(base.router, Opaque { path, place: call.place, is_certain });
            }
            for layer in layers(trace, handler) {
                for path in &paths {
                    let layer = Layer { conditional: call.conditional, ..layer.clone() };
                    let path = join(&base.path, path);
                    graph.pattern(
                        base.router,
                        Guard { layer, path, methods: Vec::new(), is_mounted: false },
                    );
                }
            }
        }
    }

    fn on<'p>(
        &mut self,
        app: CallId,
        base: &Base,
        call: &CallRecord<'p>,
        trace: &Trace<'p>,
        graph: &mut Graph<'p>,
    ) {
        let methods = call.args.positional.first().map(scripts::flat).unwrap_or_default();
        let known: Vec<_> =
            methods.iter().filter_map(Value::as_str).map(str::to_ascii_uppercase).collect();
        let paths = self.paths(app, call, 1);
        let handlers = scripts::arguments(call, 2);
        if known.len() == methods.len() {
            self.register(base, known, paths, handlers, call, trace, graph);
        }
    }

    /// A route of zod-openapi, described before its handler.
    fn described<'p>(
        &mut self,
        base: &Base,
        call: &CallRecord<'p>,
        trace: &Trace<'p>,
        graph: &mut Graph<'p>,
    ) {
        let Some(route) = call.args.positional.first() else { return };
        let method = trace.attribute(route, "method");
        let methods = method.as_str().map(str::to_ascii_uppercase).into_iter().collect();
        let path = trace.attribute(route, "path").to_text().map_literals(with_colons);
        let mut handlers = match route.entry("middleware") {
            Some(middleware) => {
                scripts::flat(&middleware).into_iter().map(|value| (value, None)).collect()
            }
            None => Vec::new(),
        };
        handlers.extend(scripts::arguments(call, 1).into_iter().take(1));
        self.register(base, methods, vec![path], handlers, call, trace, graph);
    }

    #[expect(clippy::too_many_arguments)]
    fn register<'p>(
        &self,
        base: &Base,
        mut methods: Vec<String>,
        paths: Vec<Text>,
        mut handlers: Vec<Written<'p>>,
        call: &CallRecord<'p>,
        trace: &Trace<'p>,
        graph: &mut Graph<'p>,
    ) {
        let Some(last) = handlers.pop() else { return };
        if is_socket(trace, &last.0) {
            methods = vec!["WS".to_owned()];
        }
        let mut handler = Handler::of(Some(&last.0), call.place);
        // A route is found where it is registered.
        handler.place = call.place;
        let takes_next = |function: &Rc<Closure<'p>>| function.function.params.len() > 1;
        let may_hand_on = handler.function.as_ref().is_some_and(takes_next);
        let mut before: Vec<_> =
            handlers.into_iter().flat_map(|handler| layers(trace, handler)).collect();
        // What a library makes of a handler is asked like a guard.
        let mut own = layers(trace, last);
        let hands_on = if may_hand_on { own.pop() } else { None };
        if handler.function.is_none() {
            before.extend(own);
        }
        for path in paths {
            graph.route(
                base.router,
                Registration {
                    layers: before.clone(),
                    hands_on: hands_on.clone(),
                    args: request(),
                    conditional: call.conditional,
                    ..Registration::new(
                        (methods.clone(), true),
                        without_end(&join(&base.path, &path)),
                        handler.clone(),
                    )
                },
            );
        }
    }
}

/// Whether the argument at `at` is a path, or may be one.
fn has_path(call: &CallRecord<'_>, at: usize) -> bool {
    match call.args.positional.get(at) {
        Some(Value::Text(_)) => true,
        Some(Value::List(items)) => {
            items.borrow().iter().all(|item| matches!(item, Value::Text(_)))
        }
        Some(Value::Choice(values)) => values.iter().all(|value| matches!(value, Value::Text(_))),
        Some(Value::Unknown | Value::Method(_)) => call.args.positional.len() > at + 1,
        _ => false,
    }
}

/// A path without the slash at its end: the path of a sub-application's root is its own.
fn without_end(path: &Text) -> Text {
    path.trim_end(&['/'])
}

/// `/users/{id}` as Hono writes it.
fn with_colons(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    let mut rest = path;
    while let Some((before, after)) = rest.split_once("/{") {
        let Some((name, after)) = after.split_once('}') else { break };
        out.push_str(before);
        out.push_str("/:");
        out.push_str(name);
        rest = after;
    }
    out + rest
}

fn is_socket<'p>(trace: &Trace<'p>, handler: &Value<'p>) -> bool {
    trace.made(handler).is_some_and(|record| {
        trace.path_of(&record).trim_end_matches("()").ends_with("upgradeWebSocket")
    })
}

/// What handlers and middleware are called with.
fn request<'p>() -> Args<'p> {
    Args::of(vec![values::context(), values::next()])
}

/// The layers that a middleware is: `every` is several, `except` one that some paths get by.
fn layers<'p>(trace: &Trace<'p>, (value, expr): Written<'p>) -> Vec<Layer<'p>> {
    let record = trace.made(&value);
    let path = record.as_ref().and_then(|record| record.path());
    let (Some(record), Some(path)) = (&record, path) else {
        return vec![Layer::new(trace, LayerKind::Middleware, value, request()).called(expr)];
    };
    let rest = |from: usize| -> Vec<Layer<'p>> {
        let parts = scripts::arguments(record, from);
        parts.into_iter().flat_map(|part| layers(trace, part)).collect()
    };
    match path {
        "hono/combine.every" => rest(0),
        "hono/combine.some" => vec![Layer::any(rest(0))],
        "hono/combine.except" => {
            let except = scripts::paths(record.args.positional.first());
            // A function that tells is not asked.
            let open = except.iter().any(Text::has_hole);
            let with = |layer: Layer<'p>| Layer {
                conditional: layer.conditional || open,
                except: except.clone(),
                ..layer
            };
            rest(1).into_iter().map(with).collect()
        }
        _ => vec![Layer::new(trace, LayerKind::Middleware, value, request()).called(expr)],
    }
}

#[cfg(test)]
mod tests {
    use super::with_colons;

    #[test]
    fn braces_become_colons() {
        assert_eq!(with_colons("/a/{id}/b/{name}"), "/a/:id/b/:name");
        assert_eq!(with_colons("/a/{id"), "/a/{id");
    }
}
