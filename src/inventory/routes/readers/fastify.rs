//! Fastify.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::{Framework, Matching, SCRIPTS, autoload, scripts};
use crate::eval::interpreter::libraries::Host;
use crate::eval::interpreter::{Library, Trace};
use crate::eval::text::Text;
use crate::eval::value::{Args, CallId, CallRecord, Closure, Place, Value, native_of};
use crate::inventory::routes::caller::values;
use crate::inventory::routes::graph::{Graph, Handler, Layer, LayerKind, Registration, methods_of};
use crate::inventory::routes::pattern::{self, Shape};
use crate::inventory::routes::{AuthState, guards};
use crate::module::Function;
use crate::module::path::last_name;

/// Fastify.
pub(super) const FASTIFY: Framework = Framework {
    name: NAME,
    languages: SCRIPTS,
    packages: &["fastify"],
    needs: &["fastify", "Fastify", ".register("],
    fixtures: &["fastify"],
    matching: Matching::Specific,
    has_user_object: false,
    read,
    path,
};

/// What Fastify does while a program runs.
pub(super) const LIBRARY: Library = Library { called, would_call, call };

const NAME: &str = "fastify";
/// The call by which a plugin's own instance is made: of which other one, and below which path.
const CONTEXT: &str = "fastify.context";
/// What plugins are called with that nobody registers.
const NOWHERE: &str = "fastify.FastifyInstance";
/// Where the hooks are kept that see each route.
const ON_ROUTE: &str = "#onRoute";

const VERBS: &[&str] = &[
    "get",
    "head",
    "post",
    "put",
    "delete",
    "options",
    "patch",
    "trace",
    "all",
    "propfind",
    "proppatch",
    "mkcol",
    "copy",
    "move",
    "lock",
    "unlock",
    "search",
    "mkcalendar",
    "report",
];

/// The symbol under which a plugin says that it wants no instance of its own.
const SKIP_OVERRIDE: &str = "Symbol(skip-override)";

/// What stands before handlers, in the order in which it is met.
const HOOKS: &[&str] = &["onRequest", "preParsing", "preValidation", "preHandler"];

/// Types of plugins, and of what they are called with.
const TYPES: &[&str] =
    &["FastifyInstance", "FastifyPluginAsync", "FastifyPluginCallback", "FastifyPlugin"];

fn called<'p>(host: &mut Host<'_, 'p>, id: CallId) -> Option<Value<'p>> {
    let call = host.record(id)?;
    if let Some(path) = call.path() {
        if matches!(path, "fastify" | "fastify.fastify" | "fastify.default") {
            host.set_kind(id, NAME);
        }
        return None;
    }
    let (instance, method) = call.member()?;
    if host.kind(instance)? != NAME {
        return None;
    }
    let given = &call.args.positional;
    match method.as_str() {
        "register" => {
            let (plugin, options) = (given.first()?, given.get(1).cloned().unwrap_or_default());
            register(host, instance, plugin, &options, call.place);
        }
        "route" => {
            let route = given.first()?;
            note_route(host, id, instance, of_map(route), route.map_place(), call.place);
        }
        verb if VERBS.contains(&verb) && given.len() > 1 => {
            note_route(host, id, instance, of_verb(verb, given), None, call.place);
        }
        "decorate" => host.store(instance, given.first()?.as_str()?, given.get(1)?.clone()),
        "decorateRequest" | "decorateReply" => {
            let object =
                if method == "decorateReply" { "caller.response" } else { "caller.request" };
            if let (Some(name), Some(function @ Value::Function(_))) =
                (given.first()?.as_str(), given.get(1))
            {
                host.add_to_request(object, name, function.clone());
            }
        }
        "addHook" if given.first()?.as_str() == Some("onRoute") => {
            let mut hooks =
                host.stored(instance, ON_ROUTE).and_then(|it| it.items()).unwrap_or_default();
            hooks.extend(given.get(1).cloned());
            host.store(instance, ON_ROUTE, Value::list(hooks));
        }
        "after" | "ready" => {
            if let Some(function @ Value::Function(_)) = given.first() {
                let args = Args::of(vec![Value::None]);
                host.call(function, Some(Value::Native(instance)), args, call.place);
            }
        }
        name if name == "withTypeProvider"
            || name.starts_with("add")
            || name.starts_with("set") => {}
        _ => return None,
    }
    match &call.callee {
        Value::Method(method) => Some(method.0.clone()),
        _ => None,
    }
}

/// Lets a plugin do what it does, in an instance of its own unless it says that it wants none.
pub(super) fn register<'p>(
    host: &mut Host<'_, 'p>,
    instance: CallId,
    plugin: &Value<'p>,
    options: &Value<'p>,
    place: Place,
) {
    let alternatives = plugin.alternatives();
    for plugin in &alternatives {
        host.maybe(alternatives.len() > 1, |host| {
            if let Value::External(path) = plugin
                && matches!(path.as_str(), "@fastify/autoload" | "fastify-autoload")
            {
                autoload::load(host, instance, options, place);
                return;
            }
            let (function, is_open) = unwrapped(host, plugin);
            if !matches!(function, Value::Function(_)) {
                return;
            }
            let prefix = options.entry("prefix").filter(|prefix| !matches!(prefix, Value::None));
            let child = if is_open { instance } else { context(host, instance, prefix, place) };
            run(host, child, &function, options, place);
        });
    }
}

/// A new instance within another, below a path.
pub(super) fn context<'p>(
    host: &mut Host<'_, 'p>,
    instance: CallId,
    prefix: Option<Value<'p>>,
    place: Place,
) -> CallId {
    let mut args = vec![Value::Native(instance)];
    args.extend(prefix);
    let child = host.record_call(CONTEXT, Args::of(args), place);
    host.set_kind(child, NAME);
    host.inherit(child, instance);
    child
}

/// Calls a plugin's function on an instance.
pub(super) fn run<'p>(
    host: &mut Host<'_, 'p>,
    instance: CallId,
    function: &Value<'p>,
    options: &Value<'p>,
    place: Place,
) {
    let this = Value::Native(instance);
    let options = match options {
        Value::Function(_) => host.call(options, None, Args::of(vec![this.clone()]), place),
        Value::Unknown => Value::map(Vec::new()),
        other => other.clone(),
    };
    host.call(function, Some(this.clone()), Args::of(vec![this, options]), place);
}

/// The function of a plugin, and whether it acts on the instance that it is registered on.
pub(super) fn unwrapped<'p>(host: &mut Host<'_, 'p>, plugin: &Value<'p>) -> (Value<'p>, bool) {
    let mut plugin = plugin.clone();
    let mut is_open = false;
    // A wrapper in a module in a wrapper, at most.
    for _ in 0..4 {
        plugin = match &plugin {
            Value::Module(file) => host.exported(*file, "default").unwrap_or_default(),
            Value::Map(_) => {
                plugin.entry("default").or_else(|| plugin.entry("plugin")).unwrap_or_default()
            }
            Value::Native(id) => match host.record(*id) {
                Some(record) if record.path().is_some_and(is_wrapper) => {
                    is_open = record
                        .args
                        .positional
                        .get(1)
                        .and_then(|it| it.entry("encapsulate"))
                        .and_then(|it| it.truth())
                        != Some(true);
                    record.args.positional.first().cloned().unwrap_or_default()
                }
                _ => return (plugin, is_open),
            },
            _ => break,
        };
    }
    // What the library of wrappers does, by hand.
    if let Value::Function(closure) = &plugin {
        let noted = closure.attributes.borrow().get(SKIP_OVERRIDE).and_then(Value::truth);
        is_open |= noted == Some(true);
    }
    (plugin, is_open)
}

/// The function of a library that lets a plugin act outside an instance of its own.
fn is_wrapper(path: &str) -> bool {
    path.starts_with("fastify-plugin")
}

/// The options of a route that is given as one object.
fn of_map<'p>(route: &Value<'p>) -> Vec<(Value<'p>, Value<'p>)> {
    match route {
        Value::Map(entries) => entries.borrow().clone(),
        _ => vec![(Value::Unknown, Value::Unknown)],
    }
}

/// The options of a route that is given as `(path, options, handler)`, of which one may be left
/// out.
fn of_verb<'p>(verb: &str, given: &[Value<'p>]) -> Vec<(Value<'p>, Value<'p>)> {
    let [url, between @ .., last] = given else { return Vec::new() };
    let mut options = match (between, last) {
        ([], Value::Map(_)) => of_map(last),
        ([options, ..], _) => of_map(options),
        _ => Vec::new(),
    };
    let is_handler = !between.is_empty() || !matches!(last, Value::Map(_));
    if is_handler {
        options.push((Value::text("handler"), last.clone()));
    }
    options.push((Value::text("method"), Value::text(&verb.to_ascii_uppercase())));
    options.push((Value::text("url"), url.clone()));
    options
}

/// Notes what a route comes to once all have seen it that want to.
fn note_route<'p>(
    host: &mut Host<'_, 'p>,
    id: CallId,
    instance: CallId,
    options: Vec<(Value<'p>, Value<'p>)>,
    written: Option<Place>,
    place: Place,
) {
    let route = Value::map_at(options, Some(written.unwrap_or(place)));
    for context in host.lineage(instance) {
        let hooks = host.stored(context, ON_ROUTE).and_then(|hooks| hooks.items());
        for hook in hooks.unwrap_or_default() {
            let this = Some(Value::Native(instance));
            host.call(&hook, this, Args::of(vec![route.clone()]), place);
        }
    }
    host.note(id, route);
}

fn would_call<'p>(host: &Host<'_, 'p>, closure: &Closure<'p>) -> bool {
    let first = closure.function.params.first();
    let is_named = first.is_some_and(|param| last_name(&param.target) == Some("fastify"));
    is_named
        || scripts::takes(closure, TYPES)
        || host.declared(closure).is_some_and(|declared| scripts::is_type(declared, TYPES))
}

fn call<'p>(host: &mut Host<'_, 'p>, closure: &Rc<Closure<'p>>) -> bool {
    let id = host.record_call(NOWHERE, Args::default(), closure.place());
    host.set_kind(id, NAME);
    let function = Value::Function(Rc::clone(closure));
    run(host, id, &function, &Value::Unknown, closure.place());
    true
}

fn read<'p>(trace: &Trace<'p>, graph: &mut Graph<'p>) {
    let mut names = BTreeMap::new();
    for (_, call) in trace.records() {
        if let (Some((instance, method)), [name, Value::Function(closure), ..]) =
            (call.member(), call.args.positional.as_slice())
            && method == "decorate"
            && trace.kind(instance) == Some(NAME)
        {
            let function: *const Function = closure.function;
            names.extend(name.as_str().map(|name| (function, name.to_owned())));
        }
    }
    let reading = Reading { trace, names };
    let mut nowhere = Vec::new();
    for (id, call) in trace.records() {
        graph.at(id);
        match call.path() {
            Some(CONTEXT) => {
                let given = &call.args.positional;
                let Some(parent) = given.first().and_then(native_of) else { continue };
                graph.add(id, NAME, Text::default());
                let prefix = given.get(1).map(Value::to_text).unwrap_or_default();
                graph.mount(parent, id, prefix, call.conditional);
            }
            Some(NOWHERE) => {
                graph.add(id, NAME, Text::default());
                nowhere.push(id);
            }
            Some(_) if trace.kind(id) == Some(NAME) => graph.add_application(id, NAME, call),
            Some(_) => {}
            None => {
                if let Some((instance, method)) = call.member()
                    && graph.router(instance, NAME).is_some()
                {
                    reading.member(instance, &method, (id, call), graph);
                }
            }
        }
    }
    // A plugin that brings others together is an application: `fastify start` makes its instance.
    for id in nowhere {
        if graph.mounts_others(id) {
            graph.serves(id);
        }
    }
}

struct Reading<'t, 'p> {
    trace: &'t Trace<'p>,
    /// The names under which functions were put on instances.
    names: BTreeMap<*const Function, String>,
}

impl<'p> Reading<'_, 'p> {
    fn member(
        &self,
        instance: CallId,
        method: &str,
        (id, call): (CallId, &CallRecord<'p>),
        graph: &mut Graph<'p>,
    ) {
        let given = &call.args.positional;
        let stage = given.first().and_then(Value::as_str);
        // All that a plugin does to its own instance it does while that is made.
        let before = self.trace.call(instance).map_or(0, |made| made.conditions);
        let conditional = call.conditions > before;
        match (method, given.first()) {
            ("addHook", _) if let Some(stage) = stage.filter(|stage| HOOKS.contains(stage)) => {
                for value in given.get(1).map(scripts::flat).unwrap_or_default() {
                    for layer in self.layers(stage, value) {
                        let layer = Layer { conditional, ..layer };
                        graph.layer(instance, layer);
                    }
                }
            }
            // This plugin refuses by itself, unless it is told not to.
            ("register", Some(Value::External(path))) if path.ends_with("bearer-auth") => {
                let hook = given.get(1).and_then(|options| options.entry("addHook"));
                if hook.and_then(|hook| hook.truth()) != Some(false) {
                    let layer = Layer::decided(AuthState::Required, "@fastify/bearer-auth");
                    graph.layer(instance, Layer { conditional, ..layer });
                }
            }
            _ => {
                if let Some(route) = self.trace.note(id) {
                    self.route(instance, &route, call, graph);
                }
            }
        }
    }

    fn route(
        &self,
        instance: CallId,
        route: &Value<'p>,
        call: &CallRecord<'p>,
        graph: &mut Graph<'p>,
    ) {
        let url = route.entry("url").or_else(|| route.entry("path"));
        let url = url.map_or_else(|| Text::hole(""), |url| url.to_text());
        // The root of an instance is the instance's own path.
        let url = if url.as_literal() == Some("/") { Text::default() } else { url };
        let place = route.map_place().unwrap_or(call.place);
        let mut handler = Handler::of(route.entry("handler").as_ref(), place);
        // A route is found where it is registered.
        handler.place = place;
        let hooks = HOOKS.iter().filter_map(|stage| Some((stage, route.entry(stage)?)));
        let hooks = hooks.flat_map(|(stage, hook)| {
            scripts::flat(&hook).into_iter().map(move |hook| (stage, hook))
        });
        let registration = Registration {
            layers: hooks.flat_map(|(stage, hook)| self.layers(stage, hook)).collect(),
            args: Args::of(vec![values::request(), values::response()]),
            metadata: metadata(route.entry("config").as_ref()),
            conditional: call.conditional,
            ..Registration::new(methods(route), url, handler)
        };
        graph.route(instance, registration);
    }

    /// The layers that a hook is.
    fn layers(&self, stage: &str, hook: Value<'p>) -> Vec<Layer<'p>> {
        let hook = match &hook {
            // Something that was put on the instance after it was looked for there.
            Value::Method(method) => self.trace.attribute(&method.0, &method.1),
            _ => hook,
        };
        let request = vec![values::request(), values::response()];
        match hook.clone() {
            Value::Function(closure) => {
                // With as many parameters, the last one is called to go on.
                let takes_next = closure.function.params.len() > 2;
                let (kind, args) = if takes_next {
                    let between = vec![Value::Unknown; closure.function.params.len() - 3];
                    (LayerKind::Middleware, [request, between, vec![values::next()]].concat())
                } else {
                    (LayerKind::Hook, request)
                };
                let function: *const Function = closure.function;
                let name = self.names.get(&function).map_or(stage, String::as_str).to_owned();
                let layer = Layer::new(self.trace, kind, hook, Args::of(args));
                let is_named = closure.function.name.is_some();
                vec![if is_named { layer } else { Layer { name, ..layer } }]
            }
            Value::Method(method) => {
                let state = guards::library(&method.1, &Args::default());
                state.map(|state| Layer::decided(state, &method.1)).into_iter().collect()
            }
            // `fastify.auth([a, b])`: one of them is enough unless it says otherwise.
            Value::Native(id)
                if let Some(record) = self.trace.call(id)
                    && record.member().is_some_and(|(_, method)| method == "auth") =>
            {
                let functions = record.args.positional.first().map(scripts::flat);
                let parts = functions.unwrap_or_default().into_iter();
                let parts: Vec<_> = parts.flat_map(|part| self.layers(stage, part)).collect();
                let relation = record.args.positional.get(1).and_then(|it| it.entry("relation"));
                match relation.as_ref().and_then(Value::as_str) {
                    Some("and") => parts,
                    _ => vec![Layer::any(parts)],
                }
            }
            Value::Unknown | Value::None => Vec::new(),
            _ => vec![Layer::new(self.trace, LayerKind::Middleware, hook, Args::of(request))],
        }
    }
}

/// The methods of a route, and whether they are known.
fn methods(route: &Value<'_>) -> (Vec<String>, bool) {
    let Some(method) = route.entry("method") else { return (Vec::new(), false) };
    let (mut methods, known) = methods_of(&method);
    if methods.iter().any(|method| method == "ALL") {
        return (Vec::new(), known);
    }
    if route.entry("websocket").and_then(|value| value.truth()) == Some(true) {
        methods = vec!["WS".to_owned()];
    } else if route.entry("wsHandler").is_some() {
        methods.push("WS".to_owned());
    }
    (methods, known)
}

/// What is noted on a route for hooks to see, and whether it is surely true.
fn metadata(config: Option<&Value<'_>>) -> Vec<(String, bool)> {
    let Some(Value::Map(entries)) = config else { return Vec::new() };
    let entries = entries.borrow();
    let known = entries.iter().filter(|(_, value)| value.truth() != Some(false));
    known
        .filter_map(|(key, value)| Some((key.as_str()?.to_owned(), value.truth() == Some(true))))
        .collect()
}

/// Fastify's paths: a colon is written twice where it is none of a parameter.
fn path(raw: &str) -> Shape {
    const COLON: &str = "\u{1}";
    let shape = pattern::colons(&raw.replace("::", COLON));
    Shape { path: shape.path.replace(COLON, ":"), ..shape }
}

#[cfg(test)]
mod tests {
    use super::path;

    #[test]
    fn two_colons_are_one() {
        assert_eq!(path("/:valve::flush/:day(^\\d+)").path, "/{valve}:flush/{day}");
    }
}
