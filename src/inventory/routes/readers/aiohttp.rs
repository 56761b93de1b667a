//! aiohttp's server.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::{Framework, Matching, classes};
use crate::eval::interpreter::Trace;
use crate::eval::text::Text;
use crate::eval::value::{Args, CallId, CallRecord, ClassValue, Place, Value};
use crate::inventory::routes::AuthState;
use crate::inventory::routes::caller::values;
use crate::inventory::routes::graph::{
    Entry, Graph, Handler, Layer, LayerKind, Registration, made_by, path_text,
};
use crate::inventory::routes::pattern;
use crate::source::Language;

/// aiohttp.
pub(super) const AIOHTTP: Framework = Framework {
    name: NAME,
    languages: &[Language::Python],
    packages: &["aiohttp"],
    needs: &["aiohttp", ".router.add_", ".add_routes(", ".add_subapp(", "RouteTableDef"],
    fixtures: &["aiohttp"],
    matching: Matching::First,
    has_user_object: false,
    read,
    path: pattern::braces,
};

const NAME: &str = "aiohttp";

/// What a class of views may answer.
const VERBS: &[&str] =
    &["get", "post", "put", "patch", "delete", "head", "options", "trace", "connect"];

fn read<'p>(trace: &Trace<'p>, graph: &mut Graph<'p>) {
    let mut reader = Reader {
        trace,
        graph,
        tables: BTreeSet::new(),
        resources: BTreeMap::new(),
        placed: BTreeSet::new(),
    };
    for (id, call) in trace.records() {
        reader.graph.at(id);
        reader.record(id, call);
    }
    reader.forget_rewritten();
}

struct Reader<'r, 't, 'p> {
    trace: &'t Trace<'p>,
    graph: &'r mut Graph<'p>,
    /// Tables of routes that decorators fill.
    tables: BTreeSet<CallId>,
    /// What `add_resource` gives back: the application, and the path.
    resources: BTreeMap<CallId, (CallId, Value<'p>)>,
    /// Handlers that applications have.
    placed: BTreeSet<Place>,
}

/// Where a route comes from, besides its handler.
struct Source<'a, 'p> {
    router: CallId,
    path: &'a Value<'p>,
    /// `None` is any.
    method: Option<&'a Value<'p>>,
    place: Place,
    conditional: bool,
    name: Option<String>,
}

/// The name in `aiohttp.web` that a path means.
fn of_web(path: &str) -> Option<&str> {
    let (module, name) = path.strip_prefix("aiohttp.")?.rsplit_once('.')?;
    module.starts_with("web").then_some(name)
}

impl<'p> Reader<'_, '_, 'p> {
    fn record(&mut self, id: CallId, call: &CallRecord<'p>) {
        if let Some(path) = call.path() {
            match of_web(path) {
                Some("Application") => {
                    self.graph.add_application(id, NAME, call);
                    let middlewares = call.args.keyword("middlewares").cloned();
                    self.middlewares(id, &middlewares.unwrap_or_default(), call.conditional);
                }
                Some("RouteTableDef") => {
                    self.graph.add(id, NAME, Text::default());
                    self.tables.insert(id);
                }
                _ => {}
            }
        } else if let Some((receiver, "router", method)) = call.attribute_method() {
            self.router_call(id, receiver, method, call);
        } else if let Some((receiver, "middlewares", method)) = call.attribute_method() {
            let at = usize::from(method == "insert");
            if let Some(value) = call.args.positional.get(at) {
                self.middlewares(receiver, value, call.conditional);
            }
        } else if let Some((receiver, method)) = call.method() {
            self.method_call(id, receiver, method, call);
        } else if let Some(registrar) = call.applied().and_then(|id| self.trace.call(id)) {
            self.decorate(&registrar, call);
        }
    }

    fn is_router(&mut self, id: CallId) -> bool {
        self.graph.router(id, NAME).is_some()
    }

    fn method_call(&mut self, id: CallId, receiver: CallId, method: &str, call: &CallRecord<'p>) {
        if let Some((app, path)) = self.resources.get(&receiver).cloned() {
            if method == "add_route" {
                let method = call.args.get(0, "method");
                self.add(app, &path, method, call.args.get(1, "handler"), call);
            }
            return;
        }
        if !self.is_router(receiver) {
            return;
        }
        match method {
            "add_routes" => {
                if let Some(routes) = call.args.get(0, "routes") {
                    self.definitions(receiver, routes, call, 0);
                }
            }
            "add_subapp" => {
                let prefix = path_text(call.args.get(0, "prefix")).trim_end(&['/']);
                self.mount(receiver, call.args.get(1, "subapp"), prefix, call.conditional);
            }
            "add_domain" => {
                let child = call.args.get(1, "subapp");
                self.mount(receiver, child, Text::default(), call.conditional);
            }
            // A router of its own, as applications that are built by hand have.
            _ => self.router_call(id, receiver, method, call),
        }
    }

    fn mount(
        &mut self,
        parent: CallId,
        child: Option<&Value<'p>>,
        prefix: Text,
        conditional: bool,
    ) {
        if let Some(child) = child.and_then(made_by) {
            self.graph.mount(parent, child, prefix, conditional);
        }
    }

    /// A method of `app.router`.
    fn router_call(&mut self, id: CallId, app: CallId, method: &str, call: &CallRecord<'p>) {
        if !self.is_router(app) {
            return;
        }
        let args = &call.args;
        let unknown = Value::Unknown;
        let path = args.get(0, "path").unwrap_or(&unknown);
        match method {
            "add_route" => {
                let path = args.get(1, "path").unwrap_or(&unknown);
                self.add(app, path, args.get(0, "method"), args.get(2, "handler"), call);
            }
            "add_routes" => self.definitions(app, path, call, 0),
            "add_view" => self.add(app, path, None, args.get(1, "handler"), call),
            "add_static" => {
                let path = args.get(0, "prefix").unwrap_or(&unknown);
                self.files(app, path, call);
            }
            "add_resource" => {
                self.resources.insert(id, (app, path.clone()));
            }
            _ => {
                let verb = method.strip_prefix("add_").filter(|verb| VERBS.contains(verb));
                if let Some(verb) = verb {
                    let verb = Value::text(verb);
                    self.add(app, path, Some(&verb), args.get(1, "handler"), call);
                }
            }
        }
    }

    /// `@routes.get("/path")` meeting a function or a class.
    fn decorate(&mut self, registrar: &CallRecord<'p>, call: &CallRecord<'p>) {
        let Some((table, verb)) = registrar.method() else { return };
        if !self.tables.contains(&table) {
            return;
        }
        let handler = call.args.positional.first();
        let unknown = Value::Unknown;
        let path = registrar.args.get(usize::from(verb == "route"), "path").unwrap_or(&unknown);
        match verb {
            "route" => {
                self.add(table, path, registrar.args.get(0, "method"), handler, registrar);
            }
            "view" => self.add(table, path, None, handler, registrar),
            verb if VERBS.contains(&verb) => {
                self.add(table, path, Some(&Value::text(verb)), handler, registrar);
            }
            _ => {}
        }
    }

    /// `add_routes([web.get(…), …])`, also with whole tables among them.
    fn definitions(
        &mut self,
        router: CallId,
        routes: &Value<'p>,
        call: &CallRecord<'p>,
        depth: usize,
    ) {
        if depth > 4 {
            return;
        }
        match routes {
            Value::List(items) => {
                for item in items.borrow().iter() {
                    self.definitions(router, item, call, depth + 1);
                }
            }
            Value::Choice(values) => {
                let call = CallRecord { conditional: true, ..call.clone() };
                for value in values.iter() {
                    self.definitions(router, value, &call, depth + 1);
                }
            }
            // What was read from a table, and perhaps rewritten.
            Value::Map(_) => {
                let entry = |name: &str| routes.entry(name);
                let (path, method) = (entry("path").unwrap_or_default(), entry("method"));
                self.add(router, &path, method.as_ref(), entry("handler").as_ref(), call);
            }
            _ => {
                let Some(id) = made_by(routes) else { return };
                if self.tables.contains(&id) {
                    self.graph.mount(router, id, Text::default(), call.conditional);
                } else if let Some(made) = self.trace.call(id) {
                    self.definition(router, &made, call.conditional);
                }
            }
        }
    }

    /// `web.get("/path", handler)` and its kin.
    fn definition(&mut self, router: CallId, made: &CallRecord<'p>, conditional: bool) {
        let Some(verb) = made.path().and_then(of_web) else { return };
        let args = &made.args;
        let call = CallRecord { conditional: conditional || made.conditional, ..made.clone() };
        let unknown = Value::Unknown;
        let first = args.get(0, "path").unwrap_or(&unknown);
        match verb {
            "route" | "RouteDef" => {
                let path = args.get(1, "path").unwrap_or(&unknown);
                self.add(router, path, args.get(0, "method"), args.get(2, "handler"), &call);
            }
            "view" => self.add(router, first, None, args.get(1, "handler"), &call),
            "static" | "StaticDef" => {
                let path = args.get(0, "prefix").unwrap_or(&unknown);
                self.files(router, path, &call);
            }
            verb if VERBS.contains(&verb) => {
                let verb = Value::text(verb);
                self.add(router, first, Some(&verb), args.get(1, "handler"), &call);
            }
            _ => {}
        }
    }

    fn add(
        &mut self,
        router: CallId,
        path: &Value<'p>,
        method: Option<&Value<'p>>,
        handler: Option<&Value<'p>>,
        call: &CallRecord<'p>,
    ) {
        let name = call.args.keyword("name").and_then(Value::as_str).map(str::to_owned);
        let any = |method: &&Value<'p>| method.as_str() != Some("*");
        let source = Source {
            router,
            path,
            method: method.filter(any),
            place: call.place,
            conditional: call.conditional,
            name,
        };
        for handler in handler.map(Value::alternatives).unwrap_or_else(|| vec![Value::Unknown]) {
            self.register(&source, &handler);
        }
    }

    fn register(&mut self, source: &Source<'_, 'p>, handler: &Value<'p>) {
        let request = Args::of(vec![values::request()]);
        let handler = match handler {
            // An object that is called.
            Value::Object(_) => {
                classes::method(self.trace, handler, "__call__").unwrap_or_else(|| handler.clone())
            }
            other => other.clone(),
        };
        let tables = &self.tables;
        let unwrapped = classes::unwrap(self.trace, &handler, &request, |value| {
            classes::registers(self.trace, value, |id| tables.contains(&id))
        });
        if let Value::Class(class) = &unwrapped.view {
            self.class_view(source, class, &unwrapped.layers);
            return;
        }
        let methods = match source.method {
            None => (Vec::new(), true),
            Some(method) => upper(method),
        };
        let handler = Handler::of(Some(&unwrapped.view), source.place);
        self.route(
            source,
            &Registration {
                layers: unwrapped.layers,
                args: request,
                metadata: unwrapped.notes,
                ..Registration::new(methods, Text::default(), handler)
            },
        );
    }

    /// A class of views: a route for each method that it has.
    fn class_view(
        &mut self,
        source: &Source<'_, 'p>,
        class: &Rc<ClassValue<'p>>,
        around: &[Layer<'p>],
    ) {
        let request = ("request", values::request());
        let instance = classes::instance(self.trace, class, &[request]);
        let mut shared = around.to_vec();
        if let Some(dispatch) = classes::method(self.trace, &instance, "_iter") {
            let layer = Layer::new(self.trace, LayerKind::Middleware, dispatch, Args::default());
            shared.push(classes::gate(layer, class, "_iter"));
        }
        let (wanted, known) = source.method.map_or((Vec::new(), true), upper);
        let verbs: Vec<&str> = VERBS
            .iter()
            .filter(|verb| wanted.is_empty() || wanted.contains(&verb.to_ascii_uppercase()))
            .copied()
            .collect();
        let mut any = false;
        for verb in verbs {
            let Some(view) = classes::method(self.trace, &instance, verb) else { continue };
            any = true;
            let args = Args::of(vec![instance.clone()]);
            let unwrapped = classes::unwrap(self.trace, &view, &args, |_| false);
            let handler = Handler::of(Some(&unwrapped.view), source.place);
            let mut layers = shared.clone();
            layers.extend(unwrapped.layers);
            self.route(
                source,
                &Registration {
                    layers,
                    metadata: unwrapped.notes,
                    ..Registration::new(
                        (vec![verb.to_ascii_uppercase()], known),
                        Text::default(),
                        classes::named_in(handler, class, verb),
                    )
                },
            );
        }
        // What its bases outside the program answer is not known.
        if !any && classes::is_of(class, |path| of_web(path) != Some("View")) {
            let handler = Handler::of_class(class);
            let methods = (wanted, false);
            self.route(
                source,
                &Registration {
                    layers: shared,
                    ..Registration::new(methods, Text::default(), handler)
                },
            );
        }
    }

    /// A folder of files.
    fn files(&mut self, router: CallId, prefix: &Value<'p>, call: &CallRecord<'p>) {
        for prefix in prefix.alternatives() {
            let mut path = prefix.to_text().trim_end(&['/']);
            path.push_literal("/{filename:.*}");
            let handler = Handler::of(None, call.place);
            let methods = (vec!["GET".to_owned()], true);
            self.graph.route(
                router,
                Registration {
                    conditional: call.conditional,
                    ..Registration::new(methods, path, handler)
                },
            );
        }
    }

    fn route(&mut self, source: &Source<'_, 'p>, registration: &Registration<'p>) {
        if !self.tables.contains(&source.router) {
            self.placed.insert(registration.handler.place);
        }
        let alternatives = source.path.alternatives();
        for path in &alternatives {
            let own = registration.handler.name.as_deref();
            let own = own.and_then(|name| name.rsplit('.').next()).map(str::to_owned);
            self.graph.route(
                source.router,
                Registration {
                    path: path_text(Some(path)),
                    name: source.name.clone().or(own),
                    conditional: source.conditional || alternatives.len() > 1,
                    ..registration.clone()
                },
            );
        }
    }

    /// Middleware, outermost first: one or a list.
    fn middlewares(&mut self, app: CallId, value: &Value<'p>, conditional: bool) {
        if !self.is_router(app) {
            return;
        }
        if let Value::List(items) = value {
            for item in items.borrow().iter() {
                self.middlewares(app, item, conditional);
            }
            return;
        }
        let alternatives = value.alternatives();
        for value in &alternatives {
            if matches!(value, Value::Unknown | Value::None) {
                continue;
            }
            let conditional = conditional || alternatives.len() > 1;
            let layer = self.middleware(value);
            self.graph.layer(app, Layer { conditional, ..layer });
        }
    }

    fn middleware(&self, value: &Value<'p>) -> Layer<'p> {
        if let Some(record) = self.trace.made(value)
            && record.path() == Some("aiohttp_jwt.JWTMiddleware")
        {
            let is_false = |name: &str| {
                record.args.keyword(name).is_some_and(|value| value.truth() == Some(false))
            };
            let state = if is_false("credentials_required") {
                AuthState::Optional
            } else if record.args.keyword("whitelist").is_some() {
                AuthState::Unknown
            } else {
                AuthState::Required
            };
            return Layer::decided(state, "JWTMiddleware");
        }
        let mut args = Args::of(vec![values::request(), values::handler()]);
        // Before there was `@web.middleware`, one was made for an application and a handler.
        let mut kind = LayerKind::Middleware;
        if let Value::Function(closure) = value
            && closure.decorators.is_empty()
            && closure.function.params.first().is_some_and(|param| is_called(&param.target, "app"))
        {
            kind = LayerKind::Wrapper;
            args = Args::of(vec![values::request()]);
            let given = Args::of(vec![Value::Unknown]);
            let same = closure.decorated(Vec::new());
            let of_app = crate::eval::value::Closure { given: Some(Rc::new(given)), ..same };
            return Layer::new(self.trace, kind, Value::Function(Rc::new(of_app)), args);
        }
        Layer::new(self.trace, kind, value.clone(), args)
    }

    /// Takes out what a table only listed for a helper that registered it under other paths.
    fn forget_rewritten(&mut self) {
        for table in &self.tables {
            let mounted = self.graph.routers.values().any(|router| router.mounts(*table));
            let Some(router) = self.graph.routers.get_mut(table).filter(|_| !mounted) else {
                continue;
            };
            router.entries.retain(|(_, entry)| match entry {
                Entry::Route(route) => !self.placed.contains(&route.handler.place),
                _ => true,
            });
        }
    }
}

fn is_called(target: &crate::module::Expr, wanted: &str) -> bool {
    matches!(&target.kind, crate::module::ExprKind::Name(name) if name == wanted)
}

fn upper(method: &Value<'_>) -> (Vec<String>, bool) {
    match method.as_str() {
        Some(method) => (vec![method.to_ascii_uppercase()], true),
        None => (Vec::new(), false),
    }
}
