//! Bottle: applications, the routes that mounting and merging copies, plugins and hooks.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::{Framework, Matching};
use crate::eval::interpreter::Trace;
use crate::eval::text::Text;
use crate::eval::value::{Args, CallId, CallRecord, Closure, Value};
use crate::inventory::routes::graph::{
    Graph, Handler, Layer, LayerKind, Mount, Registration, join, made_by, methods_of, path_text,
};
use crate::inventory::routes::pattern::{self, Shape};
use crate::inventory::routes::wrapping::{self, decorator, open};
use crate::module::ExprKind;
use crate::source::Language;

/// Bottle.
pub(super) const BOTTLE: Framework = Framework {
    name: NAME,
    languages: &[Language::Python],
    packages: &["bottle"],
    needs: &["bottle"],
    fixtures: &["bottle"],
    matching: Matching::Last,
    has_user_object: false,
    read,
    path,
};

const NAME: &str = "bottle";
const VERBS: &[&str] = &["get", "post", "put", "delete", "patch"];
/// The most routes that mounting copies.
const MAX_COPIES: usize = 20_000;

/// `/a/<id:int>`, `/a/<rest:path>`, and `/a/:id` of older versions.
fn path(raw: &str) -> Shape {
    let mut modern = String::new();
    let mut inside = 0_usize;
    let mut chars = raw.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '<' => inside += 1,
            '>' => inside = inside.saturating_sub(1),
            ':' if inside == 0 => {
                let mut name = String::new();
                while let Some(c) = chars.next_if(|c| c.is_alphanumeric() || *c == '_') {
                    name.push(c);
                }
                // `:name#expression#`
                if chars.next_if_eq(&'#').is_some() {
                    for c in chars.by_ref() {
                        if c == '#' {
                            break;
                        }
                    }
                }
                modern.push_str(&format!("<{name}>"));
                continue;
            }
            _ => {}
        }
        modern.push(c);
    }
    pattern::angles(&modern, false)
}

/// A route as it is registered, before the plugins are known that will be around it.
struct Planned<'p> {
    /// The call that registered it.
    at: CallId,
    /// The application whose plugins are around it.
    owner: CallId,
    path: Text,
    methods: (Vec<String>, bool),
    view: Value<'p>,
    /// The arguments of its registration.
    args: Args<'p>,
    call: Rc<CallRecord<'p>>,
    conditional: bool,
}

#[derive(Default)]
struct App<'p> {
    routes: Vec<Rc<Planned<'p>>>,
    /// How many of them were copied to where the application was mounted by then.
    copied: usize,
    plugins: Vec<Value<'p>>,
    hooks: Vec<(Value<'p>, bool)>,
    /// Applications that are mounted as they are, not route by route.
    mounts: Vec<(CallId, CallId, Text, bool)>,
    is_mounted: bool,
    /// Whether something says that it is served.
    is_served: bool,
}

struct Reader<'t, 'g, 'p> {
    trace: &'t Trace<'p>,
    graph: &'g mut Graph<'p>,
    apps: BTreeMap<CallId, App<'p>>,
    /// The application that the module's functions register on.
    default: Option<CallId>,
    /// Those that were put in its place.
    entered: Vec<CallId>,
    copies: usize,
}

fn read<'p>(trace: &Trace<'p>, graph: &mut Graph<'p>) {
    let mut reader = Reader {
        trace,
        graph,
        apps: BTreeMap::new(),
        default: None,
        entered: Vec::new(),
        copies: 0,
    };
    for (id, call) in trace.records() {
        reader.graph.at(id);
        reader.record(id, call);
    }
    reader.finish();
}

impl<'p> Reader<'_, '_, 'p> {
    fn record(&mut self, id: CallId, call: &CallRecord<'p>) {
        if let Some(path) = call.path() {
            match path.strip_prefix("bottle.") {
                Some("Bottle") => {
                    self.apps.insert(id, App::default());
                }
                Some("default_app" | "app") => {
                    let app = self.default_app();
                    self.graph.gives_back(id, app);
                    self.app(app).is_served = true;
                }
                Some("run") => {
                    let app = call.args.get(0, "app").and_then(made_by);
                    let app = app.map(|app| self.graph.origin(app));
                    let app = app.unwrap_or_else(|| self.default_app());
                    self.app(app).is_served = true;
                }
                Some(method) if is_method(method) => {
                    let app = self.default_app();
                    self.method_call(id, app, method, call);
                }
                _ => {}
            }
        } else if let Some((receiver, method)) = call.method() {
            let app = self.graph.origin(receiver);
            if self.apps.contains_key(&app) {
                self.method_call(id, app, method, call);
            }
        } else if let Some(decorator) = call.applied() {
            self.decorate(decorator, call);
        }
    }

    fn app(&mut self, id: CallId) -> &mut App<'p> {
        self.apps.entry(id).or_default()
    }

    fn default_app(&mut self) -> CallId {
        if let Some(app) = self.entered.last() {
            return *app;
        }
        if let Some(app) = self.default {
            return app;
        }
        let app = self.graph.add_application_of_files(NAME, Text::default());
        self.default = Some(app);
        self.app(app).is_served = true;
        app
    }

    fn method_call(&mut self, id: CallId, app: CallId, method: &str, call: &CallRecord<'p>) {
        let args = &call.args;
        match method {
            "__enter__" => self.entered.push(app),
            "__exit__" => {
                self.entered.pop();
            }
            "run" => self.app(app).is_served = true,
            "install" => {
                if let Some(plugin) = args.positional.first() {
                    self.app(app).plugins.push(plugin.clone());
                }
            }
            "add_hook" => {
                if args.get(0, "name").and_then(Value::as_str) == Some("before_request")
                    && let Some(hook) = args.get(1, "func")
                {
                    self.app(app).hooks.push((hook.clone(), call.conditional));
                }
            }
            "mount" => {
                // The older order of the two.
                let [first, second] = match args.positional.as_slice() {
                    [first, second, ..] => [Some(first), Some(second)],
                    _ => [args.get(0, "prefix"), args.get(1, "app")],
                };
                let (prefix, child) = match (first, second) {
                    (Some(prefix @ Value::Text(_)), Some(child)) => (prefix, child),
                    (Some(child), Some(prefix)) => (prefix, child),
                    _ => return,
                };
                self.mount(id, app, &path_text(Some(prefix)), child, call);
            }
            "merge" => {
                let child = args.positional.first().and_then(made_by);
                if let Some(child) = child.map(|child| self.graph.origin(child)) {
                    self.copy(app, child, &Text::default(), call.conditional);
                }
            }
            _ if method == "route" || VERBS.contains(&method) => {
                let position = if method == "route" { 2 } else { 9 };
                if let Some(callback) = args.get(position, "callback") {
                    self.route(id, app, method, call, callback);
                }
            }
            _ => {}
        }
    }

    /// `@app.get("/x")` and its kin meeting a function.
    fn decorate(&mut self, decorator: CallId, call: &CallRecord<'p>) {
        let Some(view) = call.args.positional.first() else { return };
        let Some(registrar) = self.trace.call(decorator) else { return };
        let (app, method) = match (registrar.path(), registrar.method()) {
            (Some(path), _) => match path.strip_prefix("bottle.") {
                Some(method) if is_method(method) => (self.default_app(), method),
                _ => return,
            },
            (_, Some((receiver, method))) => (self.graph.origin(receiver), method),
            _ => return,
        };
        if !self.apps.contains_key(&app) {
            return;
        }
        match method {
            "hook"
                if registrar.args.get(0, "name").and_then(Value::as_str)
                    == Some("before_request") =>
            {
                self.app(app).hooks.push((view.clone(), registrar.conditional));
            }
            _ if method == "route" || VERBS.contains(&method) => {
                self.route(decorator, app, method, &registrar, view);
            }
            _ => {}
        }
    }

    fn route(
        &mut self,
        id: CallId,
        app: CallId,
        method: &str,
        call: &CallRecord<'p>,
        view: &Value<'p>,
    ) {
        let view = match view.as_str() {
            Some(path) => self.trace.dotted(call.place.file, path).unwrap_or_default(),
            None => view.clone(),
        };
        let methods = match method {
            "route" => match call.args.get(1, "method") {
                None | Some(Value::None) => (vec!["GET".to_owned()], true),
                Some(value) => methods_of(value),
            },
            verb => (vec![verb.to_ascii_uppercase()], true),
        };
        let methods = match methods {
            (methods, known) if methods.iter().any(|method| method == "ANY") => (Vec::new(), known),
            methods => methods,
        };
        let rule = call.args.get(0, "path").filter(|path| !matches!(path, Value::None));
        let paths: Vec<Text> = match rule {
            Some(Value::List(items)) => {
                items.borrow().iter().map(|path| path_text(Some(path))).collect()
            }
            Some(path) => path.alternatives().iter().map(|path| path_text(Some(path))).collect(),
            None => paths_by_signature(&view),
        };
        let several = matches!(rule, Some(Value::Choice(_)));
        let call = Rc::new(call.clone());
        for path in paths {
            let planned = Planned {
                at: id,
                owner: app,
                path,
                methods: methods.clone(),
                view: view.clone(),
                args: call.args.clone(),
                conditional: call.conditional || several,
                call: Rc::clone(&call),
            };
            self.app(app).routes.push(Rc::new(planned));
        }
    }

    /// `app.mount("/x/", other)` copies the routes that the other has by then; without the last
    /// slash, and for what is no application of Bottle, it hands the requests on.
    fn mount(
        &mut self,
        id: CallId,
        app: CallId,
        prefix: &Text,
        child: &Value<'p>,
        call: &CallRecord<'p>,
    ) {
        let Some(child) = made_by(child).map(|child| self.graph.origin(child)) else { return };
        if !self.apps.contains_key(&child) || child == app {
            return;
        }
        self.app(app).is_served |= !self.app(app).is_mounted;
        if prefix.to_string().ends_with('/') {
            self.copy(app, child, prefix, call.conditional);
        } else {
            self.app(child).is_mounted = true;
            self.app(app).mounts.push((id, child, prefix.clone(), call.conditional));
        }
    }

    fn copy(&mut self, app: CallId, child: CallId, prefix: &Text, conditional: bool) {
        let Some(of) = self.apps.get_mut(&child).filter(|_| child != app) else { return };
        of.is_mounted = true;
        of.copied = of.routes.len();
        let routes: Vec<_> = of.routes.iter().map(Rc::clone).collect();
        self.copies += routes.len();
        if self.copies > MAX_COPIES {
            return;
        }
        let copies = routes.iter().map(|route| {
            Rc::new(Planned {
                at: route.at,
                owner: route.owner,
                path: join(prefix, &route.path),
                methods: route.methods.clone(),
                view: route.view.clone(),
                args: route.args.clone(),
                call: Rc::clone(&route.call),
                conditional: route.conditional || conditional,
            })
        });
        let copies: Vec<_> = copies.collect();
        self.app(app).routes.extend(copies);
        self.app(app).is_served |= !self.app(app).is_mounted;
    }

    /// Writes everything into the graph.
    fn finish(&mut self) {
        self.find_served();
        let any_served = self.apps.values().any(|app| app.is_served && !app.is_mounted);
        let ids: Vec<CallId> = self.apps.keys().copied().collect();
        for id in &ids {
            let app = &self.apps[id];
            let serves = !app.is_mounted && (app.is_served || !any_served);
            if Some(*id) == self.default {
                continue;
            }
            match self.trace.call(*id) {
                Some(call) if serves => self.graph.add_application(*id, NAME, &call),
                _ => self.graph.add(*id, NAME, Text::default()),
            }
        }
        for id in ids {
            let app = &self.apps[&id];
            for (hook, conditional) in &app.hooks {
                // Only what it raises keeps a request from going on.
                let kind = LayerKind::Dependency;
                let layer = Layer::new(self.trace, kind, hook.clone(), Args::default());
                self.graph.layer(id, Layer { conditional: *conditional, ..layer });
            }
            for (at, child, prefix, conditional) in &app.mounts {
                self.graph.at(*at);
                let mount = Mount::new(*child, prefix.clone(), *conditional);
                self.graph.mount_as(id, Mount { strips: true, ..mount });
            }
            // What was copied is served from there.
            let first = if app.is_mounted { app.copied } else { 0 };
            for route in &app.routes[first..] {
                let registration = self.registration(route);
                self.graph.at(route.at);
                self.graph.route(id, registration);
            }
        }
    }

    /// An application under a name that servers look for is served.
    fn find_served(&mut self) {
        for file in self.trace.program.ids() {
            let module = self.trace.module(file);
            for name in ["app", "application"] {
                let made = module.vars.borrow().get(name).and_then(made_by);
                if let Some(app) = made.map(|id| self.graph.origin(id))
                    && let Some(app) = self.apps.get_mut(&app)
                {
                    app.is_served = true;
                }
            }
        }
    }

    fn registration(&self, route: &Planned<'p>) -> Registration<'p> {
        let trace = self.trace;
        let registers = |value: &Value<'p>| {
            trace.made(value).is_some_and(|record| {
                record
                    .path()
                    .is_some_and(|path| path.starts_with("bottle.") && is_method(&path[7..]))
                    || record.method().is_some_and(|(receiver, _)| {
                        self.apps.contains_key(&self.graph.origin(receiver))
                    })
            })
        };
        let unwrapped = wrapping::unwrap(trace, &route.view, registers);
        let mut layers = self.plugins(route);
        layers.extend(unwrapped.layers);
        let handler = Handler::of(Some(&unwrapped.view), route.call.place);
        Registration {
            layers,
            args: open(),
            name: route.args.keyword("name").and_then(Value::as_str).map(str::to_owned),
            metadata: unwrapped.notes,
            conditional: route.conditional,
            ..Registration::new(route.methods.clone(), route.path.clone(), handler)
        }
    }

    /// The plugins around a route, outermost first: those of its application, then its own.
    fn plugins(&self, route: &Planned<'p>) -> Vec<Layer<'p>> {
        let skipped: Vec<Value<'p>> = match route.args.keyword("skip") {
            Some(Value::List(items)) => items.borrow().clone(),
            Some(value) => vec![value.clone()],
            None => Vec::new(),
        };
        if skipped.iter().any(|value| matches!(value, Value::Bool(true))) {
            return Vec::new();
        }
        let own = match route.args.keyword("apply") {
            Some(Value::List(items)) => items.borrow().clone(),
            Some(value) => vec![value.clone()],
            None => Vec::new(),
        };
        let of_app = self.apps.get(&route.owner).map(|app| app.plugins.clone());
        of_app
            .unwrap_or_default()
            .iter()
            .chain(&own)
            .filter(|plugin| !skipped.iter().any(|skip| self.skips(skip, plugin)))
            .map(|plugin| self.plugin(plugin, route))
            .collect()
    }

    /// Whether what a route leaves out is a plugin: by itself, by its class or by its name.
    fn skips(&self, skip: &Value<'p>, plugin: &Value<'p>) -> bool {
        match (skip, plugin) {
            (Value::Class(class), Value::Object(object)) => Rc::ptr_eq(class, &object.class),
            (Value::Function(a), Value::Function(b)) => Rc::ptr_eq(&a.attributes, &b.attributes),
            (Value::Text(name), Value::Object(_)) => {
                let own = self.trace.attribute(plugin, "name");
                own.as_str().is_some() && own.as_str() == name.as_literal()
            }
            _ => skip.is_same(plugin),
        }
    }

    /// A function that wraps, or an object whose `apply` does and gets to see the route.
    fn plugin(&self, plugin: &Value<'p>, route: &Planned<'p>) -> Layer<'p> {
        let mut layer = decorator(self.trace, plugin, None);
        if let Value::Object(object) = plugin
            && object.class.attribute("apply").is_some()
            && let Value::Function(apply) = self.trace.attribute(plugin, "apply")
        {
            let mut args = Args::default();
            let seen = apply.function.params.get(2).map(|param| &param.target.kind);
            if let Some(ExprKind::Name(name)) = seen {
                args.named.push((name.clone(), route_value(route)));
            }
            let same = apply.decorated(apply.decorators.clone());
            layer.value = Value::Function(Rc::new(Closure { given: Some(Rc::new(args)), ..same }));
        }
        layer
    }
}

fn is_method(name: &str) -> bool {
    matches!(name, "route" | "mount" | "merge" | "install" | "hook" | "add_hook")
        || VERBS.contains(&name)
}

/// A route as its plugins see it.
fn route_value<'p>(route: &Planned<'p>) -> Value<'p> {
    let known = ["path", "method", "callback", "name", "apply", "skip"];
    let config = route
        .args
        .named
        .iter()
        .filter(|(name, _)| !known.contains(&name.as_str()))
        .map(|(name, value)| (Value::text(name), value.clone()))
        .collect();
    let methods = match route.methods.0.as_slice() {
        [method] => Value::text(method),
        _ => Value::Unknown,
    };
    Value::map(vec![
        (Value::text("config"), Value::map(config)),
        (Value::text("rule"), Value::Text(Rc::new(route.path.clone()))),
        (Value::text("method"), methods),
        (Value::text("callback"), route.view.clone()),
    ])
}

/// The paths of a function that is registered without one: by its name and its parameters, those
/// with defaults being optional.
fn paths_by_signature(view: &Value<'_>) -> Vec<Text> {
    let Value::Function(closure) = view else { return vec![Text::hole("")] };
    let name = closure.function.name.as_deref().unwrap_or_default();
    let mut path = format!("/{}", name.replace("__", "/").trim_start_matches('/'));
    let own = usize::from(closure.is_method);
    let mut out = Vec::new();
    for param in closure.function.params.iter().skip(own) {
        let ExprKind::Name(name) = &param.target.kind else { continue };
        if param.rest || param.keyword_rest {
            continue;
        }
        if param.default.is_some() {
            out.push(Text::literal(&path));
        }
        path.push_str(&format!("/<{name}>"));
    }
    out.push(Text::literal(&path));
    out
}
