//! Elysia.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::{Framework, Matching, SCRIPTS, scripts};
use crate::eval::interpreter::libraries::Host;
use crate::eval::interpreter::probe::Question;
use crate::eval::interpreter::{Library, Trace};
use crate::eval::text::Text;
use crate::eval::value::{Args, CallId, CallRecord, Closure, Place, Value, native_of};
use crate::inventory::routes::caller::{Anonymous, values};
use crate::inventory::routes::graph::{Graph, Handler, Layer, LayerKind, Registration};
use crate::inventory::routes::pattern;

/// Elysia.
pub(super) const ELYSIA: Framework = Framework {
    name: NAME,
    languages: SCRIPTS,
    packages: &["elysia"],
    needs: &["elysia", "Elysia"],
    fixtures: &["elysia"],
    matching: Matching::Specific,
    has_user_object: false,
    read,
    path: pattern::colons,
};

/// What Elysia does while a program runs.
pub(super) const LIBRARY: Library = Library { called, would_call, call };

const NAME: &str = "elysia";
/// The call by which a group or a guard gets an instance of its own: of which other one, and below
/// which path. What stands before its routes is noted of it.
const BEGIN: &str = "elysia.begin";
/// The call at which what is on such an instance goes to the one it comes from.
const END: &str = "elysia.end";
/// What functional plugins are called with that nobody uses.
const NOWHERE: &str = "elysia.nowhere";
/// Where macros are kept: plugins hand them on to whoever uses them.
const EVERYWHERE: CallId = CallId(u32::MAX);

const TYPES: &[&str] = &["Elysia", "AnyElysia"];
const VERBS: &[&str] =
    &["get", "post", "put", "patch", "delete", "options", "head", "connect", "all"];
/// What stands before handlers, in the order in which it is met.
const HOOKS: &[&str] = &["transform", "derive", "resolve", "beforeHandle"];
/// Macros within each other.
const MAX_MACROS: usize = 8;
/// Routes of all instances together.
const MAX_ROUTES: usize = 200_000;

fn called<'p>(host: &mut Host<'_, 'p>, id: CallId) -> Option<Value<'p>> {
    let call = host.record(id)?;
    if let Some(path) = call.path() {
        if matches!(path, "elysia" | "elysia.Elysia" | "elysia.default") {
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
        "use" => {
            for plugin in scripts::flat(given.first()?) {
                add(host, instance, id, &plugin, call.place);
            }
        }
        "group" | "guard" => within(host, id, instance, &method, given, call.place),
        "macro" => remember_macros(host, given),
        "route" => note_hooks(host, id, given.get(3)),
        "ws" => note_hooks(host, id, given.get(1)),
        verb if VERBS.contains(&verb) => note_hooks(host, id, given.get(2)),
        "fetch" | "handle" | "stop" | "compile" => return None,
        _ => {}
    }
    match &call.callee {
        Value::Method(method) => Some(method.0.clone()),
        _ => None,
    }
}

/// `use`: a function acts on the instance itself; what a plugin of a library offers to handlers.
fn add<'p>(
    host: &mut Host<'_, 'p>,
    instance: CallId,
    id: CallId,
    plugin: &Value<'p>,
    place: Place,
) {
    match plugin {
        Value::Function(_) => {
            let this = Value::Native(instance);
            host.call(plugin, None, Args::of(vec![this]), place);
        }
        // The module of `import("./plugin")`.
        Value::Module(file) => {
            if let Some(plugin) = host.exported(*file, "default") {
                if let Value::Native(_) = plugin {
                    host.note(id, plugin);
                } else {
                    add(host, instance, id, &plugin, place);
                }
            }
        }
        Value::Native(made) => {
            let record = host.record(*made);
            if let Some(record) = record
                && record.path() == Some("@elysiajs/jwt.jwt")
            {
                let name = record.args.positional.first().and_then(|options| options.entry("name"));
                let name = name.as_ref().and_then(Value::as_str).unwrap_or("jwt");
                let jwt = Value::External(values::TOKENS.into());
                host.add_to_request(values::CONTEXT_OF_PLUGINS, name, jwt);
            }
        }
        _ => {}
    }
}

/// `group(path, hooks?, f)` and `guard(hooks, f)`.
fn within<'p>(
    host: &mut Host<'_, 'p>,
    id: CallId,
    instance: CallId,
    method: &str,
    given: &[Value<'p>],
    place: Place,
) {
    let prefix = given.first().filter(|_| method == "group");
    let hooks = given.iter().find(|value| matches!(value, Value::Map(_)));
    let Some(function @ Value::Function(_)) = given.last() else {
        note_hooks(host, id, hooks);
        return;
    };
    let mut args = vec![Value::Native(instance)];
    args.extend(prefix.cloned());
    let child = host.record_call(BEGIN, Args::of(args), place);
    host.set_kind(child, NAME);
    host.inherit(child, instance);
    note_hooks(host, child, hooks);
    host.call(function, None, Args::of(vec![Value::Native(child)]), place);
    host.record_call(END, Args::of(vec![Value::Native(child)]), place);
}

fn remember_macros<'p>(host: &mut Host<'_, 'p>, given: &[Value<'p>]) {
    let macros = match given {
        [Value::Text(name), definition, ..] => {
            vec![(Value::Text(Rc::clone(name)), definition.clone())]
        }
        [Value::Map(entries), ..] => entries.borrow().clone(),
        _ => return,
    };
    for (name, definition) in macros {
        if let Some(name) = name.as_str() {
            host.store(EVERYWHERE, name, definition);
        }
    }
}

/// Notes the hooks that options name, directly or through macros, as pairs of what they are and
/// the function.
fn note_hooks<'p>(host: &mut Host<'_, 'p>, id: CallId, options: Option<&Value<'p>>) {
    let mut hooks = Vec::new();
    if let Some(options) = options {
        collect_hooks(host, options, &mut hooks, 0);
    }
    host.note(id, Value::list(hooks));
}

fn collect_hooks<'p>(
    host: &mut Host<'_, 'p>,
    options: &Value<'p>,
    out: &mut Vec<Value<'p>>,
    depth: usize,
) {
    let Value::Map(entries) = options else { return };
    if depth > MAX_MACROS {
        return;
    }
    let entries = entries.borrow().clone();
    for (key, value) in &entries {
        let Some(key) = key.as_str() else { continue };
        if HOOKS.contains(&key) {
            let functions = scripts::flat(value).into_iter();
            out.extend(functions.map(|function| Value::list(vec![Value::text(key), function])));
        } else if value.truth() != Some(false)
            && let Some(definition) = host.stored(EVERYWHERE, key)
        {
            let definition = match &definition {
                Value::Function(closure) => {
                    host.call(&definition, None, Args::of(vec![value.clone()]), closure.place())
                }
                _ => definition,
            };
            collect_hooks(host, &definition, out, depth + 1);
        }
    }
}

fn would_call(_host: &Host<'_, '_>, closure: &Closure<'_>) -> bool {
    scripts::takes(closure, TYPES)
}

fn call<'p>(host: &mut Host<'_, 'p>, closure: &Rc<Closure<'p>>) -> bool {
    let id = host.record_call(NOWHERE, Args::default(), closure.place());
    host.set_kind(id, NAME);
    let args = Args { open: true, ..Args::of(vec![Value::Native(id)]) };
    host.call(&Value::Function(Rc::clone(closure)), None, args, closure.place());
    true
}

/// How far a hook reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Reach {
    /// The instance.
    Local,
    /// The instance, and the one that uses it.
    Scoped,
    /// Every instance that uses it, through others too.
    Global,
}

impl Reach {
    fn of(value: Option<&Value<'_>>) -> Self {
        match value.and_then(Value::as_str) {
            Some("scoped" | "plugin") => Self::Scoped,
            Some("global") => Self::Global,
            _ => Self::Local,
        }
    }
}

/// A route as one instance has it.
#[derive(Clone)]
struct Added<'p> {
    at: CallId,
    registration: Registration<'p>,
    /// Whether another instance has it too.
    is_used: bool,
}

#[derive(Default)]
struct Instance<'p> {
    prefix: Text,
    hooks: Vec<(Reach, Layer<'p>)>,
    routes: Vec<Added<'p>>,
    /// Whether it serves.
    serves: bool,
    /// Whether it uses others.
    uses: bool,
}

struct Reading<'t, 'p> {
    trace: &'t Trace<'p>,
    instances: BTreeMap<CallId, Instance<'p>>,
    left: usize,
    /// What functions before handlers leave that nobody calls.
    left_by: BTreeMap<*const Closure<'p>, Vec<String>>,
}

fn read<'p>(trace: &Trace<'p>, graph: &mut Graph<'p>) {
    let mut reading =
        Reading { trace, instances: BTreeMap::new(), left: MAX_ROUTES, left_by: BTreeMap::new() };
    for (id, call) in trace.records() {
        let first = call.args.positional.first();
        match call.path() {
            Some(BEGIN) => {
                reading.instances.insert(id, Instance::default());
            }
            Some(END) => {
                if let Some(child) = first.and_then(native_of) {
                    reading.end(child);
                }
            }
            Some(_) if trace.kind(id) == Some(NAME) => {
                let prefix = first.and_then(|options| options.entry("prefix"));
                let prefix = prefix.map(|prefix| prefix.to_text()).unwrap_or_default();
                reading.instances.insert(id, Instance { prefix, ..Instance::default() });
            }
            Some(_) => {}
            None => {
                if let Some((instance, method)) = call.member()
                    && reading.instances.contains_key(&instance)
                {
                    reading.member(instance, &method, (id, call));
                }
            }
        }
    }
    for id in scripts::served(trace) {
        if let Some(instance) = reading.instances.get_mut(&id) {
            instance.serves = true;
        }
    }
    reading.write(graph);
}

impl<'p> Reading<'_, 'p> {
    fn member(&mut self, at: CallId, method: &str, (id, call): (CallId, &CallRecord<'p>)) {
        let given = &call.args.positional;
        match method {
            "use" => {
                let plugins = given.first().map(scripts::flat).unwrap_or_default();
                for plugin in plugins.into_iter().chain(self.trace.note(id)) {
                    for plugin in plugin.alternatives().iter().filter_map(native_of) {
                        self.add(at, plugin, call.conditional);
                    }
                }
            }
            "guard" if !matches!(given.last(), Some(Value::Function(_))) => {
                let reach = given.first().and_then(|options| options.entry("as"));
                self.hooks(at, Reach::of(reach.as_ref()), &self.noted(id), call.conditional);
            }
            "onBeforeHandle" => self.hook(at, "beforeHandle", call),
            "derive" | "resolve" => self.hook(at, method, call),
            "onTransform" => self.hook(at, "transform", call),
            "onRequest" => self.hook(at, "request", call),
            "as" => {
                let reach = Reach::of(given.first());
                if let Some(instance) = self.instances.get_mut(&at) {
                    instance.hooks.iter_mut().for_each(|(own, _)| *own = (*own).max(reach));
                }
            }
            "listen" => {
                if let Some(instance) = self.instances.get_mut(&at) {
                    instance.serves = true;
                }
            }
            "mount" => {
                let (path, handler) = match given.as_slice() {
                    [path, handler, ..] => (path.to_text(), Some(handler)),
                    [handler] => (Text::default(), Some(handler)),
                    [] => return,
                };
                let path = path.trim_end(&['/']);
                let mut rest = path.clone();
                rest.push_literal("/*");
                for path in [path, rest] {
                    self.route(at, Vec::new(), &path, handler, (id, call));
                }
            }
            "route" => {
                let methods = given.first().map(scripts::flat).unwrap_or_default();
                let methods = methods.iter().filter_map(Value::as_str);
                let methods = methods.map(str::to_ascii_uppercase).collect();
                self.paths(at, methods, given.get(1), given.get(2), (id, call));
            }
            "ws" => self.paths(at, vec!["WS".to_owned()], given.first(), None, (id, call)),
            "all" => self.paths(at, Vec::new(), given.first(), given.get(1), (id, call)),
            verb if VERBS.contains(&verb) && given.len() > 1 => {
                let methods = vec![verb.to_ascii_uppercase()];
                self.paths(at, methods, given.first(), given.get(1), (id, call));
            }
            _ => {}
        }
    }

    /// The hooks that are noted of a call.
    fn noted(&self, id: CallId) -> Vec<Layer<'p>> {
        let hooks = self.trace.note(id).and_then(|hooks| hooks.items()).unwrap_or_default();
        let pairs = hooks.iter().filter_map(|hook| match hook.items()?.as_slice() {
            [stage, function] => Some(self.layer(stage.as_str()?, function.clone())),
            _ => None,
        });
        pairs.collect()
    }

    fn layer(&self, stage: &str, function: Value<'p>) -> Layer<'p> {
        let kind = match stage {
            "beforeHandle" | "request" => LayerKind::Hook,
            _ => LayerKind::Step,
        };
        let layer = Layer::new(self.trace, kind, function, request());
        if layer.name.is_empty() { Layer { name: stage.to_owned(), ..layer } } else { layer }
    }

    fn hook(&mut self, at: CallId, stage: &str, call: &CallRecord<'p>) {
        let given = &call.args.positional;
        let reach = match given.as_slice() {
            [scope @ Value::Text(_), ..] => Reach::of(Some(scope)),
            [options @ Value::Map(_), ..] => Reach::of(options.entry("as").as_ref()),
            _ => Reach::Local,
        };
        let functions = given.last().map(scripts::flat).unwrap_or_default();
        let layers: Vec<_> =
            functions.into_iter().map(|function| self.layer(stage, function)).collect();
        self.hooks(at, reach, &layers, call.conditional);
    }

    fn hooks(&mut self, at: CallId, reach: Reach, layers: &[Layer<'p>], conditional: bool) {
        if let Some(instance) = self.instances.get_mut(&at) {
            let layers = layers.iter().cloned();
            let layers = layers.map(|layer| Layer { conditional, ..layer });
            instance.hooks.extend(layers.map(|layer| (reach, layer)));
        }
    }

    fn paths(
        &mut self,
        at: CallId,
        methods: Vec<String>,
        path: Option<&Value<'p>>,
        handler: Option<&Value<'p>>,
        from: (CallId, &CallRecord<'p>),
    ) {
        for path in scripts::paths(path) {
            self.route(at, methods.clone(), &path, handler, from);
        }
    }

    fn route(
        &mut self,
        at: CallId,
        methods: Vec<String>,
        path: &Text,
        handler: Option<&Value<'p>>,
        (id, call): (CallId, &CallRecord<'p>),
    ) {
        let own = self.noted(id);
        let Some(instance) = self.instances.get_mut(&at) else { return };
        let hooks = instance.hooks.iter().map(|(_, layer)| layer.clone());
        let mut handler = Handler::of(handler, call.place);
        // A route is found where it is registered.
        handler.place = call.place;
        let registration = Registration {
            layers: hooks.chain(own).collect(),
            args: request(),
            conditional: call.conditional,
            ..Registration::new((methods, true), below(&instance.prefix, path), handler)
        };
        if self.left > 0 {
            self.left -= 1;
            instance.routes.push(Added { at: id, registration, is_used: false });
        }
    }

    /// What a plugin has by now goes to the instance that uses it.
    fn add(&mut self, at: CallId, plugin: CallId, conditional: bool) {
        if at == plugin {
            return;
        }
        let Some(used) = self.instances.get_mut(&plugin) else { return };
        used.routes.iter_mut().for_each(|route| route.is_used = true);
        let routes = used.routes.clone();
        let hooks: Vec<_> = used
            .hooks
            .iter()
            .filter(|(reach, _)| *reach > Reach::Local)
            .map(|(reach, layer)| match reach {
                Reach::Global => (Reach::Global, layer.clone()),
                _ => (Reach::Local, layer.clone()),
            })
            .collect();
        self.take(at, &Text::default(), &[], routes, conditional);
        if let Some(instance) = self.instances.get_mut(&at) {
            instance.uses = true;
            instance.hooks.extend(hooks);
        }
    }

    /// What was registered within a group or a guard goes to where that stands.
    fn end(&mut self, child: CallId) {
        let Some(record) = self.trace.call(child) else { return };
        let given = &record.args.positional;
        let Some(parent) = given.first().and_then(native_of) else { return };
        let prefix = given.get(1).map(Value::to_text).unwrap_or_default();
        let before = self.noted(child);
        let Some(within) = self.instances.remove(&child) else { return };
        self.take(parent, &prefix, &before, within.routes, record.conditional);
    }

    fn take(
        &mut self,
        at: CallId,
        prefix: &Text,
        before: &[Layer<'p>],
        routes: Vec<Added<'p>>,
        conditional: bool,
    ) {
        let Some(instance) = self.instances.get_mut(&at) else { return };
        let before: Vec<_> =
            instance.hooks.iter().map(|(_, layer)| layer).chain(before).cloned().collect();
        let prefix = below(&instance.prefix, prefix);
        for Added { at, registration, .. } in routes {
            if self.left == 0 {
                break;
            }
            self.left -= 1;
            let registration = Registration {
                path: below(&prefix, &registration.path),
                layers: before.iter().chain(&registration.layers).cloned().collect(),
                conditional: registration.conditional || conditional,
                ..registration
            };
            instance.routes.push(Added { at, registration, is_used: false });
        }
    }

    /// Where what stands before a handler leaves that nobody calls.
    fn nobody(&mut self, layers: &[Layer<'p>]) -> BTreeSet<String> {
        let mut out = BTreeSet::new();
        for layer in layers.iter().filter(|layer| !layer.conditional) {
            let (LayerKind::Step, Value::Function(closure)) = (&layer.kind, &layer.value) else {
                continue;
            };
            let key = Rc::as_ptr(closure);
            if !self.left_by.contains_key(&key) {
                let left = self.left_by_nobody(&layer.value);
                self.left_by.insert(key, left);
            }
            out.extend(self.left_by.get(&key).into_iter().flatten().cloned());
        }
        out
    }

    /// What a `derive` or `resolve` gives back for a caller of whom nothing is known, and has
    /// nothing for.
    fn left_by_nobody(&self, callee: &Value<'p>) -> Vec<String> {
        let caller = Anonymous { any_route: true, is_layer: true, ..Anonymous::default() };
        let question = Question::new(callee.clone(), request());
        let seen = self.trace.ask(Rc::new(caller), &question);
        let [Value::Map(entries)] = seen.returned.as_slice() else { return Vec::new() };
        if !seen.asked || seen.cut {
            return Vec::new();
        }
        let entries = entries.borrow();
        let nothing =
            entries.iter().filter(|(_, value)| matches!(value, Value::None | Value::Absent));
        let names = nothing.filter_map(|(key, _)| key.as_str());
        names.map(|name| format!("{}.{name}", values::CONTEXT_OF_PLUGINS)).collect()
    }

    fn write(mut self, graph: &mut Graph<'p>) {
        for (id, instance) in std::mem::take(&mut self.instances) {
            let serves =
                instance.serves || instance.uses && instance.routes.iter().all(|it| !it.is_used);
            let routes = instance.routes.into_iter().filter(|route| serves || !route.is_used);
            let routes: Vec<_> = routes.collect();
            if routes.is_empty() {
                continue;
            }
            graph.add(id, NAME, Text::default());
            if serves {
                graph.serves(id);
            }
            for route in routes {
                graph.at(route.at);
                let nobody = Rc::new(self.nobody(&route.registration.layers));
                graph.route(id, Registration { nobody, ..route.registration });
            }
        }
    }
}

/// A path below another, with a slash between them where neither has one.
fn below(prefix: &Text, path: &Text) -> Text {
    let mut out = prefix.clone();
    let shown = path.to_string();
    if !shown.is_empty() && !shown.starts_with('/') {
        out.push_literal("/");
    }
    out.push(path);
    out
}

/// What handlers and everything before them are called with.
fn request<'p>() -> Args<'p> {
    Args::of(vec![values::context_of_plugins()])
}
