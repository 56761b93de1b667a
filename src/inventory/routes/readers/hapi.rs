//! hapi.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::{Framework, Matching, SCRIPTS, scripts};
use crate::eval::interpreter::libraries::Host;
use crate::eval::interpreter::{Library, Trace};
use crate::eval::text::Text;
use crate::eval::value::{Args, CallId, CallRecord, Closure, Place, Value, native_of};
use crate::inventory::routes::AuthState;
use crate::inventory::routes::caller::values;
use crate::inventory::routes::graph::{Graph, Handler, Layer, LayerKind, Registration, methods_of};
use crate::inventory::routes::pattern;
use crate::module::path::last_name;

/// hapi.
pub(super) const HAPI: Framework = Framework {
    name: NAME,
    languages: SCRIPTS,
    packages: &["@hapi/hapi", "hapi"],
    needs: &["hapi/", "'hapi'", "\"hapi\"", "server.route(", "server.register("],
    fixtures: &["hapi"],
    matching: Matching::Specific,
    has_user_object: false,
    read,
    path: pattern::braces,
};

/// What hapi does while a program runs.
pub(super) const LIBRARY: Library = Library { called, would_call, call };

const NAME: &str = "hapi";
/// The call by which a plugin gets a server of its own: of which other one, and what all of its
/// paths begin with.
const REALM: &str = "hapi.realm";
/// What plugins are called with that nobody registers.
const NOWHERE: &str = "hapi.Server";

/// What stands before handlers.
const EXTENSIONS: &[&str] =
    &["onRequest", "onPreAuth", "onCredentials", "onPostAuth", "onPreHandler"];

fn called<'p>(host: &mut Host<'_, 'p>, id: CallId) -> Option<Value<'p>> {
    let call = host.record(id)?;
    if let Some(path) = call.path() {
        if is_server(path) {
            host.set_kind(id, NAME);
        }
        return None;
    }
    let (server, method) = call.member()?;
    if host.kind(server)? != NAME {
        return None;
    }
    let given = &call.args.positional;
    match method.as_str() {
        "register" => {
            for item in scripts::flat(given.first()?) {
                register(host, server, &item, given.get(1), call.place);
            }
        }
        "route" => {
            let routes = scripts::flat(given.first()?).into_iter();
            let routes = routes.map(|route| evaluated(host, server, route, call.place)).collect();
            host.note(id, Value::list(routes));
        }
        "decorate" => {
            let (of, name, value) =
                (given.first()?.as_str()?, given.get(1)?.as_str()?, given.get(2)?);
            match of {
                "server" => host.store(*host.lineage(server).last()?, name, value.clone()),
                "toolkit" => host.add_to_request("caller.response", name, value.clone()),
                "request" => host.add_to_request(values::REQUEST_WITH_AUTH, name, value.clone()),
                _ => {}
            }
        }
        "method" => {
            let name = format!("methods.{}", given.first()?.as_str()?);
            host.store(*host.lineage(server).last()?, &name, given.get(1)?.clone());
        }
        "dependency" => {
            let args = Args::of(vec![Value::Native(server)]);
            host.call(given.get(1)?, None, args, call.place);
        }
        // A scheme is a function that makes what authenticates.
        "auth.strategy" => {
            let scheme = format!("#scheme {}", given.get(1)?.as_str()?);
            let made = host.stored(*host.lineage(server).last()?, &scheme)?;
            let options = given.get(2).cloned().unwrap_or(Value::None);
            let args = Args::of(vec![Value::Native(server), options]);
            let scheme = host.call(&made, None, args, call.place);
            let authenticate = host.attribute(&scheme, "authenticate");
            host.note(id, authenticate);
        }
        "auth.scheme" => {
            let name = format!("#scheme {}", given.first()?.as_str()?);
            host.store(*host.lineage(server).last()?, &name, given.get(1)?.clone());
        }
        _ => {}
    }
    None
}

fn is_server(path: &str) -> bool {
    let hapi = path.strip_prefix("@hapi/hapi").or_else(|| path.strip_prefix("hapi"));
    matches!(hapi, Some(".server" | ".Server" | ".default.server" | ".default.Server"))
}

/// Lets a plugin do what it does, on a server whose paths begin with its prefix.
fn register<'p>(
    host: &mut Host<'_, 'p>,
    server: CallId,
    item: &Value<'p>,
    options: Option<&Value<'p>>,
    place: Place,
) {
    let mut plugin = item.clone();
    let mut function = Value::Unknown;
    // A plugin in a module in a description, at most.
    for _ in 0..4 {
        function = member(host, &plugin, "register");
        if matches!(function, Value::Function(_)) {
            break;
        }
        let inner = match member(host, &plugin, "plugin") {
            Value::Unknown => member(host, &plugin, "default"),
            inner => inner,
        };
        plugin = inner;
    }
    if !matches!(function, Value::Function(_)) {
        return;
    }
    // A prefix of the plugin's own stands alone; one for all stands behind the server's.
    let own = item.entry("routes").and_then(|routes| routes.entry("prefix"));
    let prefix = match own {
        Some(own) => own.to_text(),
        None => {
            let mut prefix = prefix_of(host, server);
            let routes = options.and_then(|options| options.entry("routes"));
            if let Some(more) = routes.and_then(|routes| routes.entry("prefix")) {
                prefix.push(&more.to_text());
            }
            prefix
        }
    };
    let args = vec![Value::Native(server), Value::Text(Rc::new(prefix))];
    let realm = host.record_call(REALM, Args::of(args), place);
    host.set_kind(realm, NAME);
    host.inherit(realm, server);
    let options = item.entry("options").unwrap_or_else(|| Value::map(Vec::new()));
    host.call(&function, Some(plugin), Args::of(vec![Value::Native(realm), options]), place);
}

/// What the paths of a server begin with.
fn prefix_of(host: &Host<'_, '_>, server: CallId) -> Text {
    let record = host.record(server).filter(|record| record.path() == Some(REALM));
    let prefix = record.and_then(|record| record.args.positional.get(1).map(Value::to_text));
    prefix.unwrap_or_default()
}

/// What an object or a module has under a name.
fn member<'p>(host: &mut Host<'_, 'p>, object: &Value<'p>, name: &str) -> Value<'p> {
    match object {
        Value::Map(_) => object.entry(name).unwrap_or_default(),
        Value::Module(file) => host.exported(*file, name).unwrap_or_default(),
        Value::Object(_) => host.attribute(object, name),
        _ => Value::Unknown,
    }
}

/// A route whose options are no function any more.
fn evaluated<'p>(
    host: &mut Host<'_, 'p>,
    server: CallId,
    route: Value<'p>,
    place: Place,
) -> Value<'p> {
    let Some(options @ Value::Function(_)) =
        route.entry("options").or_else(|| route.entry("config"))
    else {
        return route;
    };
    let options = host.call(&options, None, Args::of(vec![Value::Native(server)]), place);
    let mut entries = match &route {
        Value::Map(entries) => entries.borrow().clone(),
        _ => Vec::new(),
    };
    entries.push((Value::text("options"), options));
    Value::map_at(entries, route.map_place())
}

fn would_call(_host: &Host<'_, '_>, closure: &Closure<'_>) -> bool {
    let first = closure.function.params.first();
    first.is_some_and(|param| last_name(&param.target) == Some("server"))
}

fn call<'p>(host: &mut Host<'_, 'p>, closure: &Rc<Closure<'p>>) -> bool {
    // Much is called a server.
    if !host.has_kind(NAME) {
        return false;
    }
    let id = host.record_call(NOWHERE, Args::default(), closure.place());
    host.set_kind(id, NAME);
    let args = Args { open: true, ..Args::of(vec![Value::Native(id)]) };
    host.call(&Value::Function(Rc::clone(closure)), None, args, closure.place());
    true
}

/// What holds for everything that is registered on one server.
#[derive(Default)]
struct Server<'p> {
    /// What each strategy asks.
    strategies: BTreeMap<String, Layer<'p>>,
    default: Option<Value<'p>>,
}

struct Reading<'t, 'p> {
    trace: &'t Trace<'p>,
    /// The server that each plugin's own comes from.
    roots: BTreeMap<CallId, CallId>,
    servers: BTreeMap<CallId, Server<'p>>,
}

fn read<'p>(trace: &Trace<'p>, graph: &mut Graph<'p>) {
    let mut reading = Reading { trace, roots: BTreeMap::new(), servers: BTreeMap::new() };
    for (id, call) in trace.records() {
        graph.at(id);
        match call.path() {
            Some(REALM) => reading.realm(id, call, graph),
            Some(_) if trace.kind(id) == Some(NAME) => {
                if call.path() == Some(NOWHERE) {
                    graph.add(id, NAME, Text::default());
                } else {
                    graph.add_application(id, NAME, call);
                }
                reading.roots.insert(id, id);
            }
            Some(_) => {}
            None => {
                if let Some((server, method)) = call.member()
                    && let Some(root) = reading.roots.get(&server).copied()
                {
                    reading.settings(root, &method, (id, call));
                    if method == "ext" {
                        reading.extension(root, server, call, graph);
                    }
                }
            }
        }
    }
    // What is the default in the end holds for earlier routes too.
    for (id, call) in trace.records() {
        graph.at(id);
        if let Some((server, method)) = call.member()
            && method == "route"
            && let Some(root) = reading.roots.get(&server).copied()
            && let Some(routes) = trace.note(id).and_then(|routes| routes.items())
        {
            for route in routes {
                reading.route(root, server, &route, call, graph);
            }
        }
    }
}

impl<'p> Reading<'_, 'p> {
    fn realm(&mut self, id: CallId, call: &CallRecord<'p>, graph: &mut Graph<'p>) {
        let given = &call.args.positional;
        let Some(server) = given.first().and_then(native_of) else { return };
        let Some(root) = self.roots.get(&server).copied() else { return };
        self.roots.insert(id, root);
        graph.add(id, NAME, Text::default());
        let prefix = given.get(1).map(Value::to_text).unwrap_or_default();
        graph.mount(root, id, prefix, call.conditional);
    }

    fn settings(&mut self, root: CallId, method: &str, (id, call): (CallId, &CallRecord<'p>)) {
        let given = &call.args.positional;
        let server = self.servers.entry(root).or_default();
        match method {
            "auth.strategy" => {
                let Some(name) = given.first().and_then(Value::as_str) else { return };
                let layer = match self.trace.note(id) {
                    Some(authenticate @ Value::Function(_)) => {
                        Layer::new(self.trace, LayerKind::Scheme, authenticate, request())
                    }
                    // One of a library asks for credentials.
                    _ => Layer::decided(AuthState::Required, name),
                };
                server.strategies.insert(name.to_owned(), Layer { name: name.to_owned(), ..layer });
            }
            "auth.default" => server.default = given.first().cloned(),
            _ => {}
        }
    }

    fn extension(
        &self,
        root: CallId,
        server: CallId,
        call: &CallRecord<'p>,
        graph: &mut Graph<'p>,
    ) {
        let given = &call.args.positional;
        let extensions = match given.first() {
            Some(Value::Text(_)) => {
                vec![(given.first().cloned(), given.get(1).cloned(), given.get(2).cloned())]
            }
            Some(events) => scripts::flat(events)
                .iter()
                .map(|event| (event.entry("type"), event.entry("method"), event.entry("options")))
                .collect(),
            None => return,
        };
        for (event, method, options) in extensions {
            let stage = event.as_ref().and_then(Value::as_str);
            let Some(stage) = stage.filter(|stage| EXTENSIONS.contains(stage)) else { continue };
            let sandbox = options.and_then(|options| options.entry("sandbox"));
            let of =
                if sandbox.is_some_and(|it| it.as_str() == Some("plugin")) { server } else { root };
            for function in method.map(|method| scripts::flat(&method)).unwrap_or_default() {
                let layer = self.step(function, stage);
                graph.layer(of, Layer { conditional: call.conditional, ..layer });
            }
        }
    }

    fn step(&self, function: Value<'p>, name: &str) -> Layer<'p> {
        let layer = Layer::new(self.trace, LayerKind::Step, function, request());
        if layer.name.is_empty() { Layer { name: name.to_owned(), ..layer } } else { layer }
    }

    fn route(
        &self,
        root: CallId,
        server: CallId,
        route: &Value<'p>,
        call: &CallRecord<'p>,
        graph: &mut Graph<'p>,
    ) {
        let options = route.entry("options").or_else(|| route.entry("config"));
        let option = |key: &str| options.as_ref().and_then(|options| options.entry(key));
        let (methods, known) = match route.entry("method") {
            Some(method) => methods_of(&method),
            None => (Vec::new(), false),
        };
        let any = methods.iter().any(|method| method == "*");
        let methods = if any { Vec::new() } else { methods };
        let path = route.entry("path").map_or_else(|| Text::hole(""), |path| path.to_text());
        // The root of a plugin is the plugin's own path.
        let path = if path.as_literal() == Some("/") { Text::default() } else { path };
        let place = route.map_place().unwrap_or(call.place);
        let handler = route.entry("handler").or_else(|| option("handler"));
        let mut handler = Handler::of(handler.as_ref(), place);
        // A route is found where it is registered.
        handler.place = place;
        let mut layers: Vec<_> = self.auth(root, option("auth").as_ref()).into_iter().collect();
        if let Some(Value::Map(extensions)) = option("ext") {
            for (stage, extension) in extensions.borrow().iter() {
                if let Some(stage) = stage.as_str().filter(|stage| EXTENSIONS.contains(stage)) {
                    let methods = scripts::flat(extension).into_iter();
                    layers.extend(
                        methods.map(|it| self.step(it.entry("method").unwrap_or(it), stage)),
                    );
                }
            }
        }
        for before in option("pre").map(|pre| scripts::flat(&pre)).unwrap_or_default() {
            layers.push(self.step(before.entry("method").unwrap_or(before), "pre"));
        }
        let registration = Registration {
            layers,
            args: request(),
            conditional: call.conditional,
            ..Registration::new((methods, known), path, handler)
        };
        graph.route(server, registration);
    }

    /// What a route's `auth` asks of callers, or the server's default where it says nothing.
    fn auth(&self, root: CallId, auth: Option<&Value<'p>>) -> Option<Layer<'p>> {
        let server = self.servers.get(&root)?;
        let default = || server.default.as_ref();
        let of = |auth: &Value<'p>| {
            let names = auth.entry("strategies").or_else(|| auth.entry("strategy"));
            names.map(|names| scripts::flat(&names))
        };
        let strategies = match auth {
            Some(auth @ Value::Text(_)) => vec![auth.clone()],
            Some(auth) if auth.truth() == Some(false) => return None,
            Some(auth) if let Some(names) = of(auth) => names,
            _ => match default()? {
                name @ Value::Text(_) => vec![name.clone()],
                default => of(default)?,
            },
        };
        let mode = auth.and_then(|auth| auth.entry("mode"));
        let mode = mode.or_else(|| default().filter(|_| auth.is_none())?.entry("mode"));
        let names: Vec<_> = strategies.iter().filter_map(Value::as_str).collect();
        let name = names.join(" or ");
        match mode.as_ref().map(Value::as_str) {
            None | Some(Some("required")) => {}
            Some(Some("try" | "optional")) => {
                return Some(Layer::decided(AuthState::Optional, &name));
            }
            Some(_) => return Some(Layer::decided(AuthState::Unknown, &name)),
        }
        let asked = names.iter().map(|name| match server.strategies.get(*name) {
            Some(layer) => layer.clone(),
            None => Layer::decided(AuthState::Required, name),
        });
        Some(Layer::any(asked.collect()))
    }
}

/// What handlers and everything before them are called with.
fn request<'p>() -> Args<'p> {
    Args::of(vec![values::request_with_auth(), values::response()])
}
