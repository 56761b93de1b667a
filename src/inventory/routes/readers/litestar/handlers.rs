//! Functions and classes that answer.

use std::rc::Rc;

use super::{NAME, Pending, Reader, Shared, layers, library, text};
use crate::eval::text::Text;
use crate::eval::value::{Args, CallId, CallRecord, ClassValue, Closure, Place, Value};
use crate::inventory::routes::caller::values;
use crate::inventory::routes::graph::{
    Entry, Handler, Layer, LayerKind, Mount, Registration, join, made_by, name_of,
};
use crate::inventory::routes::types;
use crate::inventory::routes::wrapping;
use crate::module::path::last_name;

/// The most dependencies of one handler, with those of its dependencies.
const MAX_DEPENDENCIES: usize = 64;

/// The methods of the decorator of a name; `None` for what makes no handler.
pub(super) fn methods(name: &str, call: &CallRecord<'_>) -> Option<(Vec<String>, bool)> {
    let one = |method: &str| Some((vec![method.to_owned()], true));
    match name {
        "get" | "post" | "put" | "patch" | "delete" | "head" => one(&name.to_ascii_uppercase()),
        "websocket" | "websocket_listener" | "websocket_stream" => one("WS"),
        "asgi" => Some((Vec::new(), true)),
        "route" | "HTTPRouteHandler" => Some(match call.args.keyword("http_method") {
            Some(several @ Value::List(_)) => {
                let several = several.items().unwrap_or_default();
                let known: Vec<_> = several.iter().filter_map(method).collect();
                let all = known.len() == several.len();
                (known, all)
            }
            Some(one) => {
                let known: Vec<_> = method(one).into_iter().collect();
                let all = !known.is_empty();
                (known, all)
            }
            None => (Vec::new(), false),
        }),
        _ => None,
    }
}

/// `HttpMethod.GET`, `"GET"`.
fn method(value: &Value<'_>) -> Option<String> {
    match value {
        Value::External(path) => Some(path.rsplit('.').next()?.to_ascii_uppercase()),
        other => other.as_str().map(str::to_ascii_uppercase),
    }
}

/// What a handler and those of its controller have in common.
#[derive(Default)]
struct Around<'p> {
    prefix: Text,
    layers: Vec<Layer<'p>>,
    shared: Shared<'p>,
}

impl<'p> Reader<'_, '_, 'p> {
    /// The decorators among others that make a handler, with their records.
    fn making(&self, decorators: &[Value<'p>]) -> Vec<Rc<CallRecord<'p>>> {
        let made = decorators.iter().filter_map(|decorator| self.trace.made(decorator));
        made.filter(|record| {
            let name = record.path().and_then(library);
            name.is_some_and(|name| methods(name, record).is_some())
        })
        .collect()
    }

    /// A function that decorators have made a handler.
    pub(super) fn function(&mut self, router: CallId, view: &Value<'p>, closure: &Closure<'p>) {
        for decorator in self.making(&closure.decorators) {
            self.handler(router, view, &decorator, &Around::default());
        }
    }

    /// `get("/")(function)`, `asgi("/", is_mount=True)(application)`.
    pub(super) fn applied(&mut self, router: CallId, value: &Value<'p>, record: &CallRecord<'p>) {
        if let Value::Object(object) = value
            && object.class.attribute("on_receive").is_some()
        {
            let class = Rc::clone(&object.class);
            return self.class(router, &class);
        }
        let Some(decorator) = record.applied().and_then(|id| self.trace.call(id)) else { return };
        let Some(name) = decorator.path().and_then(library) else { return };
        let Some(view) = record.args.positional.first() else { return };
        let outer = self.enter(record.conditional);
        match made_by(view).filter(|id| self.routers.contains_key(id)) {
            Some(child) if name == "asgi" => {
                for path in paths(&decorator) {
                    let mount = Mount::new(child, path, self.conditional);
                    self.graph.mount_as(router, Mount { strips: true, ..mount });
                }
            }
            _ if methods(name, &decorator).is_some() => {
                self.handler(router, view, &decorator, &Around::default());
            }
            _ => {}
        }
        self.conditional = outer;
    }

    /// A controller, or a listener to a socket.
    pub(super) fn class(&mut self, router: CallId, class: &Rc<ClassValue<'p>>) {
        let attribute = |name: &str| class.attribute(name).map(|(value, _)| value);
        let around = Around {
            prefix: text(attribute("path").as_ref()),
            layers: self.layers(attribute("guards").as_ref(), attribute("middleware").as_ref()),
            shared: Shared {
                dependencies: self.dependencies(attribute("dependencies").as_ref()),
                notes: layers::notes(attribute("opt").as_ref()),
            },
        };
        self.mark(Place { file: class.env.file, span: class.class.name_span });
        let instance = self.trace.instance(class);
        if attribute("on_receive").is_some() {
            let handler = Handler::of_method(class, "on_receive");
            self.register(
                router,
                &around,
                Made {
                    methods: (vec!["WS".to_owned()], true),
                    path: Text::default(),
                    handler,
                    args: &Args::default(),
                    conditional: false,
                },
            );
            return;
        }
        let mut found: Vec<(Place, Value<'p>, Vec<Value<'p>>)> = Vec::new();
        let mut known = Vec::new();
        for owner in class.lineage().0 {
            for (name, value) in owner.env.vars.borrow().iter() {
                if known.contains(name) {
                    continue;
                }
                known.push(name.clone());
                if let Value::Function(closure) = value
                    && !self.making(&closure.decorators).is_empty()
                {
                    let bound = self.trace.attribute(&instance, name);
                    found.push((closure.place(), bound, closure.decorators.clone()));
                }
            }
        }
        found.sort_by_key(|(place, ..)| *place);
        for (_, bound, decorators) in found {
            for decorator in self.making(&decorators) {
                self.handler(router, &bound, &decorator, &around);
            }
        }
    }

    fn handler(
        &mut self,
        router: CallId,
        view: &Value<'p>,
        decorator: &CallRecord<'p>,
        around: &Around<'p>,
    ) {
        let name = decorator.path().and_then(library).unwrap_or_default();
        let Some(methods) = methods(name, decorator) else { return };
        let handler = Handler::of(Some(view), decorator.place);
        for path in paths(decorator) {
            let made = Made {
                methods: methods.clone(),
                path,
                handler: handler.clone(),
                args: &decorator.args,
                conditional: decorator.conditional,
            };
            self.register(router, around, made);
        }
    }

    fn register(&mut self, router: CallId, around: &Around<'p>, made: Made<'_, 'p>) {
        let Made { methods, path, handler, args, conditional } = made;
        self.mark(handler.place);
        let mut layers = around.layers.clone();
        layers.extend(self.layers(args.keyword("guards"), args.keyword("middleware")));
        let mut types = (None, None);
        if let Some(function) = &handler.function {
            let unwrapped =
                wrapping::unwrap(self.trace, &Value::Function(Rc::clone(function)), |decorator| {
                    !self.making(std::slice::from_ref(decorator)).is_empty()
                });
            layers.extend(unwrapped.layers);
            let data = function.function.params.iter();
            let data = data.filter(|param| last_name(&param.target) == Some("data"));
            let annotation = data.filter_map(|param| param.annotation.as_ref()).next();
            types = (annotation.map(types::written), types::returned(function, self.trace));
        }
        let mut dependencies = self.dependencies(args.keyword("dependencies"));
        dependencies.extend(around.shared.dependencies.iter().cloned());
        // What is not an argument of the decorator is a note too.
        let mut metadata = layers::notes(args.keyword("opt"));
        metadata.extend(args.named.iter().filter_map(|(name, value)| {
            let truth = value.truth()?;
            (truth && matches!(value, Value::Bool(_))).then(|| (name.to_string(), true))
        }));
        metadata.extend(around.shared.notes.iter().cloned());
        let given = values_by_name();
        let registration = Registration {
            layers,
            args: given,
            name: args.keyword("name").and_then(Value::as_str).map(str::to_owned),
            metadata,
            request: types.0,
            response: types.1,
            conditional: self.conditional || conditional,
            ..Registration::new(methods, join(&around.prefix, &path), handler)
        };
        self.graph.route(router, registration);
        let entry = self.graph.router(router, NAME).map_or(0, |router| router.entries.len());
        self.handlers.push(Pending { router, entry: entry.saturating_sub(1), dependencies });
    }

    fn mark(&mut self, place: Place) {
        self.used.insert((place.file.0, place.span.start));
    }

    fn is_marked(&self, place: Place) -> bool {
        self.used.contains(&(place.file.0, place.span.start))
    }

    /// Controllers and handlers that stand in no router.
    pub(super) fn leftovers(&mut self) {
        let classes: Vec<_> = self.trace.classes.iter().map(Rc::clone).collect();
        let is_base = |class: &Rc<ClassValue<'p>>| {
            classes.iter().any(|other| {
                !Rc::ptr_eq(other, class)
                    && other
                        .bases
                        .iter()
                        .any(|base| matches!(base, Value::Class(base) if Rc::ptr_eq(base, class)))
            })
        };
        let mut loose = None;
        for class in &classes {
            let base = class.lineage().1;
            let is_controller = base.as_deref().and_then(library) == Some("Controller");
            let place = Place { file: class.env.file, span: class.class.name_span };
            if is_controller && !self.is_marked(place) && !is_base(class) {
                let router =
                    *loose.get_or_insert_with(|| self.graph.add_uncalled(NAME, Text::default()));
                self.class(router, class);
            }
        }
        let functions: Vec<_> = self.trace.functions.iter().map(Rc::clone).collect();
        for closure in functions {
            if closure.class.is_none()
                && !self.is_marked(closure.place())
                && !self.making(&closure.decorators).is_empty()
            {
                let router =
                    *loose.get_or_insert_with(|| self.graph.add_uncalled(NAME, Text::default()));
                self.function(router, &Value::Function(Rc::clone(&closure)), &closure);
            }
        }
    }

    /// Gives handlers what the routers around them provide and they ask for.
    pub(super) fn finish(&mut self) {
        for pending in std::mem::take(&mut self.handlers) {
            let around = self.around(pending.router);
            let mut provided = pending.dependencies;
            let mut notes = Vec::new();
            for router in around {
                if let Some(shared) = self.routers.get(&router) {
                    provided.extend(shared.dependencies.iter().cloned());
                    notes.extend(shared.notes.iter().cloned());
                }
            }
            let entries = self.graph.router(pending.router, NAME).map(|router| &router.entries);
            let function = match entries.and_then(|all| all.get(pending.entry)) {
                Some((_, Entry::Route(route))) => route.handler.function.clone(),
                _ => continue,
            };
            let layers = function.map(|function| self.asked_for(&function, &provided));
            let entries = self.graph.router(pending.router, NAME).map(|it| &mut it.entries);
            if let Some((_, Entry::Route(route))) =
                entries.and_then(|all| all.get_mut(pending.entry))
            {
                route.layers.extend(layers.into_iter().flatten());
                route.metadata.extend(notes);
            }
        }
    }

    /// The dependencies that a function asks for by the names of its parameters, after those that
    /// these ask for.
    fn asked_for(
        &self,
        function: &Rc<Closure<'p>>,
        provided: &[(String, Value<'p>)],
    ) -> Vec<Layer<'p>> {
        let mut names: Vec<String> = Vec::new();
        let mut out = Vec::new();
        let mut left = vec![Rc::clone(function)];
        while let Some(function) = left.pop() {
            for param in &function.function.params {
                let Some(name) = last_name(&param.target) else { continue };
                if names.iter().any(|known| known == name) || names.len() >= MAX_DEPENDENCIES {
                    continue;
                }
                let Some((_, value)) = provided.iter().find(|(known, _)| known == name) else {
                    continue;
                };
                names.push(name.to_owned());
                let mut layer =
                    Layer::new(self.trace, LayerKind::Dependency, value.clone(), values_by_name());
                layer.name = name_of(self.trace, value);
                out.push(layer);
                if let Value::Function(function) = value {
                    left.push(Rc::clone(function));
                }
            }
        }
        out
    }
}

/// What is made into a route.
struct Made<'a, 'p> {
    methods: (Vec<String>, bool),
    path: Text,
    handler: Handler<'p>,
    args: &'a Args<'p>,
    conditional: bool,
}

/// The paths of a decorator: one, a list, or none at all.
fn paths(decorator: &CallRecord<'_>) -> Vec<Text> {
    let Some(path) = decorator.args.get(0, "path") else { return vec![Text::default()] };
    match path.items() {
        Some(items) => items.iter().map(|path| text(Some(path))).collect(),
        None => path.alternatives().iter().map(|path| text(Some(path))).collect(),
    }
}

/// What a function gets that asks for parts of the connection by their names.
fn values_by_name<'p>() -> Args<'p> {
    let part = |path: &str| Value::External(path.into());
    let named = [
        ("request", values::request()),
        ("socket", values::request()),
        ("scope", values::scope()),
        ("headers", part("caller.request.headers")),
        ("cookies", part("caller.request.cookies")),
    ];
    Args {
        named: named.into_iter().map(|(name, value)| (name.into(), value)).collect(),
        open: true,
        ..Args::default()
    }
}
