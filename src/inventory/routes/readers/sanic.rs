//! Sanic: applications, blueprints and groups of these, views that are classes, middleware.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::{Framework, Matching, classes};
use crate::eval::interpreter::Trace;
use crate::eval::text::Text;
use crate::eval::value::{Args, CallId, CallRecord, ClassValue, Value};
use crate::inventory::routes::caller::values;
use crate::inventory::routes::graph::{
    Graph, Handler, Layer, LayerKind, Registration, join, made_by, methods_of, path_text,
};
use crate::inventory::routes::pattern;
use crate::inventory::routes::wrapping::{decorator, open};
use crate::source::Language;

/// Sanic.
pub(super) const SANIC: Framework = Framework {
    name: NAME,
    languages: &[Language::Python],
    packages: &["sanic"],
    needs: &["sanic"],
    fixtures: &["sanic"],
    matching: Matching::Specific,
    has_user_object: false,
    read,
    path: |raw| pattern::angles(raw, false),
};

const NAME: &str = "sanic";
const VERBS: &[&str] = &["get", "post", "put", "head", "options", "patch", "delete"];
/// The most routes that blueprints register, over all the places that they are registered at.
const MAX_ROUTES: usize = 20_000;
/// The most groups inside each other.
const MAX_GROUPS: usize = 16;

fn read<'p>(trace: &Trace<'p>, graph: &mut Graph<'p>) {
    let mut reader = Reader {
        trace,
        graph,
        units: BTreeMap::new(),
        views: BTreeMap::new(),
        routes_left: MAX_ROUTES,
    };
    for (id, call) in trace.records() {
        reader.record(id, call);
    }
    reader.attached_classes();
    reader.finish();
}

/// What an application, a blueprint or a group is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    App,
    Blueprint,
    Group,
}

/// What is said of where routes are served: of one route, of a blueprint, of a group, or where one
/// of them is registered.
#[derive(Debug, Clone, Default)]
struct Options {
    prefix: Option<Text>,
    version: Option<Text>,
    version_prefix: Option<Text>,
    strict: Option<bool>,
}

impl Options {
    fn of(args: &Args<'_>) -> Self {
        let text = |name: &str| match args.keyword(name) {
            None | Some(Value::None) => None,
            Some(value) => Some(text_of(value)),
        };
        Self {
            prefix: text("url_prefix"),
            version: text("version"),
            // The default says nothing.
            version_prefix: text("version_prefix")
                .filter(|prefix| prefix.as_literal() != Some("/v")),
            strict: args.keyword("strict_slashes").and_then(Value::truth),
        }
    }

    /// These, and where they say nothing, what others say; but for the prefix.
    fn or(&self, others: &Self) -> Self {
        Self {
            prefix: self.prefix.clone(),
            version: self.version.clone().or_else(|| others.version.clone()),
            version_prefix: self.version_prefix.clone().or_else(|| others.version_prefix.clone()),
            strict: self.strict.or(others.strict),
        }
    }
}

/// The text that a version or a prefix is written as.
fn text_of(value: &Value<'_>) -> Text {
    match value {
        Value::Number(number) => Text::literal(number),
        other => other.to_text(),
    }
}

/// A route as it is registered on an application or a blueprint.
struct Planned<'p> {
    at: CallId,
    path: Text,
    options: Options,
    registration: Registration<'p>,
}

/// Something that has routes, or others that have.
struct Unit<'p> {
    kind: Kind,
    options: Options,
    routes: Vec<Rc<Planned<'p>>>,
    layers: Vec<Layer<'p>>,
    /// What is in a group, or registered on an application: with what is said of it there.
    items: Vec<Item<'p>>,
    is_mounted: bool,
}

#[derive(Clone)]
struct Item<'p> {
    value: Value<'p>,
    options: Options,
    conditional: bool,
}

impl Unit<'_> {
    fn new(kind: Kind, options: Options) -> Self {
        Self {
            kind,
            options,
            routes: Vec::new(),
            layers: Vec::new(),
            items: Vec::new(),
            is_mounted: false,
        }
    }
}

/// Methods, whether all of them are known, and what answers these.
type Answer<'p> = ((Vec<String>, bool), Value<'p>);

struct Reader<'t, 'g, 'p> {
    trace: &'t Trace<'p>,
    graph: &'g mut Graph<'p>,
    units: BTreeMap<CallId, Unit<'p>>,
    /// What a `CompositionView` answers, by methods.
    views: BTreeMap<CallId, Vec<Answer<'p>>>,
    routes_left: usize,
}

fn last(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}

impl<'p> Reader<'_, '_, 'p> {
    fn record(&mut self, id: CallId, call: &CallRecord<'p>) {
        if let Some(path) = call.path() {
            if path.starts_with("sanic.") {
                self.construct(id, path, call);
            }
        } else if let Some((receiver, method)) = call.method() {
            let on = self.graph.origin(receiver);
            if self.units.contains_key(&on) {
                self.method_call(id, on, method, call);
            } else if let Some(view) = self.views.get_mut(&on)
                && method == "add"
            {
                let methods = call.args.get(0, "methods").map(methods_of).unwrap_or_default();
                view.push((methods, call.args.get(1, "handler").cloned().unwrap_or_default()));
            }
        } else if let Some(decorator) = call.applied() {
            self.decorate(decorator, call);
        }
    }

    fn construct(&mut self, id: CallId, path: &str, call: &CallRecord<'p>) {
        let kind = match last(path) {
            "Sanic" => Kind::App,
            "Blueprint" => Kind::Blueprint,
            "BlueprintGroup" | "group" => Kind::Group,
            "get_app" => {
                if let Some(app) = self.app_called(call.args.get(0, "name")) {
                    self.graph.gives_back(id, app);
                }
                return;
            }
            "CompositionView" => {
                self.views.insert(id, Vec::new());
                return;
            }
            _ => return,
        };
        let mut unit = Unit::new(kind, Options::of(&call.args));
        match last(path) {
            "Blueprint" => {
                unit.options.prefix =
                    call.args.get(1, "url_prefix").filter(is_something).map(text_of);
            }
            "BlueprintGroup" => {
                unit.options.prefix =
                    call.args.get(0, "url_prefix").filter(is_something).map(text_of);
            }
            "group" => {
                let item = |value: &Value<'p>| Item {
                    value: value.clone(),
                    options: Options::default(),
                    conditional: call.conditional,
                };
                unit.items.extend(call.args.positional.iter().map(item));
            }
            _ => {}
        }
        self.units.insert(id, unit);
    }

    /// `Sanic.get_app("name")`, or the only application there is.
    fn app_called(&self, name: Option<&Value<'p>>) -> Option<CallId> {
        let apps = || self.units.iter().filter(|(_, unit)| unit.kind == Kind::App);
        let named = name.and_then(Value::as_str).and_then(|name| {
            apps().find(|(id, _)| {
                let made = self.trace.call(**id);
                made.is_some_and(|made| {
                    made.args.get(0, "name").and_then(Value::as_str) == Some(name)
                })
            })
        });
        named.or_else(|| apps().next()).map(|(id, _)| *id)
    }

    fn unit(&mut self, id: CallId) -> Option<&mut Unit<'p>> {
        self.units.get_mut(&id)
    }

    fn method_call(&mut self, id: CallId, on: CallId, method: &str, call: &CallRecord<'p>) {
        let args = &call.args;
        match method {
            "blueprint" | "register_blueprint" | "append" | "insert" | "extend" => {
                let position = usize::from(method == "insert");
                let Some(value) = args.positional.get(position).or(args.keyword("blueprint"))
                else {
                    return;
                };
                let item = Item {
                    value: value.clone(),
                    options: Options::of(args),
                    conditional: self.graph.is_conditional(self.trace, on, call),
                };
                if let Some(unit) = self.unit(on) {
                    unit.items.push(item);
                }
            }
            "copy" => self.copy(id, on, call),
            "add_route" | "add_websocket_route" => {
                let Some(view) = args.get(0, "handler") else { return };
                let uri = args.get(1, "uri").cloned().unwrap_or_default();
                let methods = match method {
                    "add_route" => args.get(2, "methods"),
                    _ => None,
                };
                let methods = match (method, methods) {
                    ("add_websocket_route", _) => (vec!["WS".to_owned()], true),
                    (_, None | Some(Value::None)) => (vec!["GET".to_owned()], true),
                    (_, Some(methods)) => methods_of(methods),
                };
                self.route(id, on, &uri, methods, view, call);
            }
            "middleware" | "on_request" | "register_middleware" | "register_named_middleware" => {
                if let Some(middleware) = args.get(0, "middleware")
                    && !matches!(middleware, Value::Text(_))
                    && is_for_requests(method, args, 1)
                {
                    self.middleware(on, middleware, call);
                }
            }
            _ => {}
        }
    }

    /// `@app.get("/x")`, `@bp.on_request`, `@bp.middleware("request")` meeting a function.
    fn decorate(&mut self, decorator: CallId, call: &CallRecord<'p>) {
        let Some(view) = call.args.positional.first() else { return };
        let Some(registrar) = self.trace.call(decorator) else { return };
        let Some((receiver, method)) = registrar.method() else { return };
        let on = self.graph.origin(receiver);
        if !self.units.contains_key(&on) {
            return;
        }
        let args = &registrar.args;
        let methods = match method {
            "route" => match args.get(1, "methods") {
                None | Some(Value::None) => (vec!["GET".to_owned()], true),
                Some(methods) => methods_of(methods),
            },
            "websocket" => (vec!["WS".to_owned()], true),
            "middleware" | "on_request" => {
                if is_for_requests(method, args, 0) {
                    self.middleware(on, view, &registrar);
                }
                return;
            }
            verb if VERBS.contains(&verb) => (vec![verb.to_ascii_uppercase()], true),
            _ => return,
        };
        let uri = args.get(0, "uri").cloned().unwrap_or_default();
        self.route(decorator, on, &uri, methods, view, &registrar);
    }

    /// What is called before each request of an application, a blueprint or a group.
    fn middleware(&mut self, on: CallId, value: &Value<'p>, call: &CallRecord<'p>) {
        let args = Args::of(vec![values::request()]);
        let layer = Layer::new(self.trace, LayerKind::Hook, value.clone(), args);
        let conditional = self.graph.is_conditional(self.trace, on, call);
        if let Some(unit) = self.unit(on) {
            unit.layers.push(Layer { conditional, ..layer });
        }
    }

    /// `bp.copy("name", version=2)`: what it has so far, served elsewhere.
    fn copy(&mut self, id: CallId, of: CallId, call: &CallRecord<'p>) {
        let Some(unit) = self.units.get(&of) else { return };
        let given = Options::of(&call.args);
        let options = Options {
            prefix: given.prefix.clone().or_else(|| unit.options.prefix.clone()),
            ..given.or(&unit.options)
        };
        let mut copy = Unit::new(unit.kind, options);
        copy.routes.extend(unit.routes.iter().map(Rc::clone));
        copy.layers.extend(unit.layers.iter().cloned());
        copy.items.extend(unit.items.iter().cloned());
        self.units.insert(id, copy);
    }

    /// `class Page(HTTPMethodView, attach=bp, uri="/x")`.
    fn attached_classes(&mut self) {
        for class in Rc::clone(&self.trace.classes).iter() {
            let args = self.keywords(class);
            let Some(on) = args.keyword("attach").and_then(made_by) else { continue };
            let on = self.graph.origin(on);
            if !self.units.contains_key(&on) {
                continue;
            }
            let uri = args.keyword("uri").cloned().unwrap_or_else(|| Value::text(""));
            let handler = Handler::of_class(class);
            let call = CallRecord {
                callee: Value::Class(Rc::clone(class)),
                args,
                place: handler.place,
                conditional: false,
                conditions: 0,
                class: None,
                written: None,
            };
            let view = Value::Class(Rc::clone(class));
            self.route(on, on, &uri, (vec!["GET".to_owned()], true), &view, &call);
        }
    }

    /// What stands by name among the bases of a class.
    fn keywords(&self, class: &Rc<ClassValue<'p>>) -> Args<'p> {
        let Some(around) = &class.env.parent else { return Args::default() };
        let named = class.class.bases.iter().filter_map(|base| {
            let name = base.name.clone()?;
            Some((name, self.trace.value_in(around, &base.value)))
        });
        Args { named: named.collect(), ..Args::default() }
    }

    fn registers(&self, value: &Value<'p>) -> bool {
        classes::registers(self.trace, value, |id| self.units.contains_key(&self.graph.origin(id)))
    }

    /// One route, or one for each method of a view that is a class.
    fn route(
        &mut self,
        at: CallId,
        on: CallId,
        uri: &Value<'p>,
        methods: (Vec<String>, bool),
        view: &Value<'p>,
        call: &CallRecord<'p>,
    ) {
        let is_socket = methods.0.first().is_some_and(|method| method == "WS");
        let args = arguments(is_socket);
        let composed = made_by(view).and_then(|id| self.views.get(&id)).cloned();
        let answers = match composed {
            Some(answers) => answers,
            None => vec![(methods, view.clone())],
        };
        let mut registrations = Vec::new();
        for (methods, view) in answers {
            let unwrapped =
                classes::unwrap(self.trace, &view, &args, |value| self.registers(value));
            if let Value::Class(class) = &unwrapped.view {
                registrations.extend(self.class_view(class, &unwrapped.layers, &args, call));
                continue;
            }
            let handler = Handler::of(Some(&unwrapped.view), call.place);
            registrations.push(Registration {
                layers: unwrapped.layers,
                args: args.clone(),
                metadata: unwrapped.notes,
                ..Registration::new(methods, Text::default(), handler)
            });
        }
        let conditional = self.graph.is_conditional(self.trace, on, call);
        let name = call.args.keyword("name").and_then(Value::as_str);
        let notes = context_notes(&call.args);
        let uris = uri.alternatives();
        for registration in registrations {
            for uri in &uris {
                let mut registration = registration.clone();
                registration.metadata.extend(notes.iter().cloned());
                let own = registration.handler.name.as_deref().map(last);
                registration.name = name.or(own).map(str::to_owned);
                registration.conditional = conditional || uris.len() > 1;
                let planned = Planned {
                    at,
                    path: path_text(Some(uri)),
                    options: Options::of(&call.args),
                    registration,
                };
                if let Some(unit) = self.unit(on) {
                    unit.routes.push(Rc::new(planned));
                }
            }
        }
    }

    /// What a view answers that is a class: one route for each of its methods.
    fn class_view(
        &self,
        class: &Rc<ClassValue<'p>>,
        around: &[Layer<'p>],
        args: &Args<'p>,
        call: &CallRecord<'p>,
    ) -> Vec<Registration<'p>> {
        let instance = classes::instance(self.trace, class, &[]);
        let mut layers = around.to_vec();
        // The first is applied first.
        let of_class = class.attribute("decorators").and_then(|(value, _)| value.items());
        let of_class = of_class.unwrap_or_default();
        layers.extend(
            of_class
                .iter()
                .rev()
                .map(|value| Layer { args: args.clone(), ..decorator(self.trace, value, None) }),
        );
        if let Some(dispatch) = classes::method(self.trace, &instance, "dispatch_request") {
            let gate = Layer::new(self.trace, LayerKind::Middleware, dispatch, args.clone());
            layers.push(classes::gate(gate, class, "dispatch_request"));
        }
        let mut out = Vec::new();
        for verb in VERBS {
            let Some(view) = classes::method(self.trace, &instance, verb) else { continue };
            let unwrapped = classes::unwrap(self.trace, &view, args, |_| false);
            let handler = Handler::of(Some(&unwrapped.view), call.place);
            let mut layers = layers.clone();
            layers.extend(unwrapped.layers);
            out.push(Registration {
                layers,
                args: args.clone(),
                metadata: unwrapped.notes,
                ..Registration::new(
                    (vec![verb.to_ascii_uppercase()], true),
                    Text::default(),
                    classes::named_in(handler, class, verb),
                )
            });
        }
        out
    }

    /// Writes everything into the graph.
    fn finish(&mut self) {
        let is_app = |unit: &Unit<'_>| unit.kind == Kind::App;
        let apps: Vec<CallId> =
            self.units.iter().filter(|(_, unit)| is_app(unit)).map(|(id, _)| *id).collect();
        let serving = classes::serving(self.trace, &apps);
        for id in apps {
            let Some(made) = self.trace.call(id) else { continue };
            if serving.contains(&id) {
                self.graph.add_application(id, NAME, &made);
            } else {
                self.graph.add(id, NAME, Text::default());
            }
            let Some(app) = self.units.get(&id) else { continue };
            let (layers, items) = (app.layers.clone(), app.items.clone());
            for layer in layers {
                self.graph.layer(id, layer);
            }
            let way = Way { app: id, options: Options::default(), layers: Vec::new(), depth: 0 };
            let own = Options { prefix: None, ..app.options.clone() };
            self.write(id, &own, &way, false);
            for item in items {
                let way = Way { options: item.options.clone(), ..way.clone() };
                self.item(&item, &way, item.conditional);
            }
        }
        let left: Vec<CallId> = self
            .units
            .iter()
            .filter(|(_, unit)| unit.kind == Kind::Blueprint && !unit.is_mounted)
            .map(|(id, _)| *id)
            .collect();
        for id in left {
            let Some(unit) = self.units.get(&id) else { continue };
            self.graph.add(id, NAME, Text::default());
            let options = unit.options.clone();
            for layer in unit.layers.clone() {
                self.graph.layer(id, layer);
            }
            let way = Way { app: id, options: Options::default(), layers: Vec::new(), depth: 0 };
            self.write(id, &options, &way, false);
        }
    }

    /// A blueprint, a group or a list of them on an application.
    fn item(&mut self, item: &Item<'p>, way: &Way<'p>, conditional: bool) {
        if way.depth > MAX_GROUPS {
            return;
        }
        if let Some(items) = item.value.items() {
            for value in items {
                let conditional = conditional || self.trace.is_perhaps(&value);
                let way = Way { depth: way.depth + 1, ..way.clone() };
                self.item(&Item { value, ..item.clone() }, &way, conditional);
            }
            return;
        }
        let Some(id) = made_by(&item.value).map(|id| self.graph.origin(id)) else { return };
        let Some(unit) = self.unit(id) else { return };
        let mut layers = way.layers.clone();
        layers.extend(unit.layers.iter().cloned());
        match unit.kind {
            Kind::App => {}
            Kind::Blueprint => {
                unit.is_mounted = true;
                let options = Options {
                    prefix: way.options.prefix.clone().or_else(|| unit.options.prefix.clone()),
                    ..unit.options.or(&way.options)
                };
                let options = match way.depth {
                    // What is said where it is registered comes before what it says itself.
                    0 => {
                        Options { prefix: options.prefix.clone(), ..way.options.or(&unit.options) }
                    }
                    _ => options,
                };
                let way = Way { layers, ..way.clone() };
                self.write(id, &options, &way, conditional);
            }
            Kind::Group => {
                let own = unit.options.clone();
                let items = unit.items.clone();
                for item in items {
                    let inner = self.prefix_in(&item.value);
                    let parts = [way.options.prefix.as_ref(), own.prefix.as_ref(), inner.as_ref()];
                    let options = Options { prefix: Some(joined(&parts)), ..own.or(&way.options) };
                    let way = Way {
                        options,
                        layers: layers.clone(),
                        depth: way.depth + 1,
                        ..way.clone()
                    };
                    self.item(&item, &way, conditional || item.conditional);
                }
            }
        }
    }

    /// The prefix of a blueprint in a group; a group's own comes when it is its turn.
    fn prefix_in(&self, value: &Value<'p>) -> Option<Text> {
        let id = made_by(value).map(|id| self.graph.origin(id))?;
        let unit = self.units.get(&id).filter(|unit| unit.kind == Kind::Blueprint)?;
        unit.options.prefix.clone()
    }

    /// The routes of an application or a blueprint, where they are served.
    fn write(&mut self, of: CallId, options: &Options, way: &Way<'p>, conditional: bool) {
        let Some(unit) = self.units.get(&of) else { return };
        let routes: Vec<_> = unit.routes.iter().map(Rc::clone).collect();
        for route in routes {
            if self.routes_left == 0 {
                return;
            }
            self.routes_left -= 1;
            let said = route.options.or(options);
            let mut registration = route.registration.clone();
            registration.path = whole_path(options.prefix.as_ref(), &route.path, &said);
            registration.conditional |= conditional;
            registration.layers.splice(0..0, way.layers.iter().cloned());
            self.graph.at(route.at);
            self.graph.route(way.app, registration);
        }
    }
}

/// The way from an application to what is registered on it.
#[derive(Clone)]
struct Way<'p> {
    app: CallId,
    options: Options,
    layers: Vec<Layer<'p>>,
    depth: usize,
}

/// Prefixes with one slash between them, and none at the end.
fn joined(parts: &[Option<&Text>]) -> Text {
    let mut out = Text::default();
    for part in parts.iter().flatten() {
        let part = part.trim_start(&['/']).trim_end(&['/']);
        if !part.is_empty() {
            out.push_literal("/");
            out.push(&part);
        }
    }
    out
}

/// The version, then the prefix, then the path; the last slash is only there where it counts.
fn whole_path(prefix: Option<&Text>, path: &Text, said: &Options) -> Text {
    let mut whole = match prefix {
        Some(prefix) => join(prefix, path),
        None => path.clone(),
    };
    if let Some(version) = &said.version {
        let mut versioned = said.version_prefix.clone().unwrap_or_else(|| Text::literal("/v"));
        versioned.push(version);
        versioned.push_literal("/");
        versioned.push(&whole.trim_start(&['/']));
        whole = versioned;
    }
    if said.strict == Some(true) { whole } else { whole.trim_end(&['/']) }
}

fn is_something(value: &&Value<'_>) -> bool {
    !matches!(value, Value::None)
}

/// Whether middleware is called before the handler and not after it.
fn is_for_requests(method: &str, args: &Args<'_>, position: usize) -> bool {
    let attached = args
        .get(position, "attach_to")
        .or_else(|| args.positional.iter().find(|value| matches!(value, Value::Text(_))));
    method == "on_request" || attached.and_then(Value::as_str) != Some("response")
}

/// `ctx_public=True` of a route, which its handler and middleware find on `request.route.ctx`.
fn context_notes(args: &Args<'_>) -> Vec<(String, bool)> {
    let notes = args.named.iter().filter_map(|(name, value)| {
        let name = name.strip_prefix("ctx_")?;
        (value.truth() != Some(false)).then(|| (name.to_owned(), value.truth() == Some(true)))
    });
    notes.collect()
}

/// What a handler is called with.
fn arguments<'p>(is_socket: bool) -> Args<'p> {
    let mut positional = vec![values::request()];
    if is_socket {
        positional.push(values::socket());
    }
    Args { positional, ..open() }
}
