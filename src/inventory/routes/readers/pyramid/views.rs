//! Views: functions, classes and their methods, by routes or by resources.

use std::rc::Rc;

use super::super::classes;
use super::permissions::Requested;
use super::{Reader, Root, Route, last};
use crate::eval::text::Text;
use crate::eval::value::{Args, CallId, CallRecord, ClassValue, Closure, FileId, Place, Value};
use crate::inventory::routes::AuthState;
use crate::inventory::routes::caller::values;
use crate::inventory::routes::graph::{Handler, Layer, Registration, methods_of};
use crate::inventory::routes::wrapping::{decorator, open};

/// A view as it is declared or added.
#[derive(Clone)]
pub(super) struct View<'p> {
    /// The call that declared it.
    pub(super) at: CallId,
    /// What answers: a function, or a class with the name of the method.
    pub(super) target: Value<'p>,
    pub(super) attr: Option<String>,
    /// The settings by name.
    pub(super) settings: Args<'p>,
    pub(super) place: Place,
    /// Where it stands, for scans.
    pub(super) file: FileId,
    pub(super) conditional: bool,
}

/// The parameters of `add_view`, as far as they are told apart by position.
const POSITIONS: &[&str] = &[
    "view",
    "name",
    "for_",
    "permission",
    "request_type",
    "route_name",
    "request_method",
    "request_param",
    "containment",
    "attr",
];

impl<'p> View<'p> {
    /// `config.add_view(view, …)`.
    pub(super) fn added(at: CallId, target: Value<'p>, call: &CallRecord<'p>) -> Self {
        let mut settings = call.args.clone();
        let positional = std::mem::take(&mut settings.positional);
        let named = POSITIONS.iter().zip(positional);
        settings.named.extend(named.map(|(name, value)| ((*name).into(), value)));
        let target = match target {
            // A method of a class is told by its name.
            Value::Method(method) if matches!(method.0, Value::Class(_)) => {
                settings.named.push(("attr".into(), Value::text(&method.1)));
                method.0.clone()
            }
            other => other,
        };
        let attr = settings.keyword("attr").and_then(Value::as_str).map(str::to_owned);
        let (place, file) = (call.place, call.place.file);
        Self { at, target, attr, settings, place, file, conditional: false }
    }

    /// What `@view_config(…)` declares of a function, a class or a method of one.
    pub(super) fn declared(
        at: CallId,
        target: &Value<'p>,
        class: Option<&Rc<ClassValue<'p>>>,
        registrar: &CallRecord<'p>,
    ) -> Option<Self> {
        let settings = registrar.args.clone();
        let (target, attr, file) = match (target, class) {
            (Value::Function(closure), Some(class)) => {
                let own = closure.function.name.as_ref()?.to_string();
                (Value::Class(Rc::clone(class)), Some(own), class.env.file)
            }
            (Value::Function(closure), None) => (target.clone(), None, closure.env.file),
            (Value::Class(class), _) => (target.clone(), None, class.env.file),
            _ => (target.clone(), None, registrar.place.file),
        };
        let given = settings.keyword("attr").and_then(Value::as_str).map(str::to_owned);
        let (attr, place) = (given.or(attr), registrar.place);
        let conditional = registrar.conditional;
        Some(Self { at, target, attr, settings, place, file, conditional })
    }

    /// The name of the route that it answers.
    pub(super) fn route_name(&self) -> Option<String> {
        let name = self.settings.keyword("route_name")?;
        (!matches!(name, Value::None)).then(|| name.to_text().to_string())
    }
}

impl<'p> Reader<'_, '_, 'p> {
    /// Adds the routes of a view to a router, with what an application is configured with.
    pub(super) fn write_view(&mut self, on: CallId, root: CallId, view: &View<'p>) {
        let view = self.with_defaults(view);
        let said = &view.settings;
        // A view for what is raised answers nothing by itself.
        if said.keyword("context").is_some_and(|of| self.is_exception(of)) {
            return;
        }
        let own_methods = said.keyword("request_method").filter(|value| !is_none(value));
        let nothing = Root::default();
        let routes: Vec<Route<'p>> = match view.route_name() {
            Some(name) => {
                let known = self.roots.get(&root).unwrap_or(&nothing).routes.get(&name);
                known.cloned().unwrap_or_else(|| vec![unknown_route(&view, Text::hole(&name))])
            }
            // The resource that it is a view of says where it is.
            None => {
                let mut path = Text::hole("resource");
                if let Some(name) = said.keyword("name").filter(|name| !is_none(name))
                    && name.as_str() != Some("")
                {
                    path.push_literal("/");
                    path.push(&name.to_text());
                }
                vec![unknown_route(&view, path)]
            }
        };
        let several = routes.len() > 1;
        for route in routes {
            let methods = both(own_methods, route.methods.as_ref());
            let Some(methods) = methods else { continue };
            let factory = route.factory.clone();
            let factory = factory.or_else(|| self.roots.get(&root)?.factory.clone());
            let context = self.resource(factory.as_ref());
            let request = Requested {
                method: methods.0.first().filter(|_| methods.0.len() == 1).cloned(),
                path: route.path.clone(),
                route: view.route_name(),
            };
            let own = said.keyword("permission");
            let mut layers = vec![self.permission(root, &request, &context, own)];
            layers.extend(self.settings_layers(&view, &context));
            let registration = self.answer(&view, &context, methods, layers);
            let named = view.route_name();
            self.graph.at(view.at.max(route.at));
            self.graph.route(
                on,
                Registration {
                    path: route.path,
                    name: named,
                    conditional: view.conditional || route.conditional || several,
                    ..registration
                },
            );
        }
    }

    /// What classes take over of the views of their bases, where `@venusian.lift()` says so.
    pub(super) fn lifted(&self, declared: &[View<'p>]) -> Vec<View<'p>> {
        let lifts = |class: &&Rc<ClassValue<'p>>| {
            class.decorators.iter().any(|value| {
                self.trace.made(value).is_some_and(|made| made.path() == Some("venusian.lift"))
            })
        };
        let mut out = Vec::new();
        for class in self.trace.classes.iter().filter(lifts) {
            let (lineage, _) = class.ancestry();
            let of_base = |view: &&View<'p>| match (&view.target, &view.attr) {
                (Value::Class(base), Some(name)) => {
                    let is_base = lineage.iter().skip(1).any(|one| Rc::ptr_eq(one, base));
                    is_base && !class.env.vars.borrow().contains_key(name.as_str())
                }
                _ => false,
            };
            out.extend(declared.iter().filter(of_base).map(|view| View {
                target: Value::Class(Rc::clone(class)),
                file: class.env.file,
                ..view.clone()
            }));
        }
        out
    }

    /// The view with what `@view_defaults(…)` of its class says.
    fn with_defaults(&self, view: &View<'p>) -> View<'p> {
        let Value::Class(class) = &view.target else { return view.clone() };
        let mut out = view.clone();
        let noted = class.ancestry().0.iter().find_map(|class| {
            class.decorators.iter().find_map(|value| {
                let made = self.trace.made(value)?;
                (made.path() == Some("pyramid.view.view_defaults")).then_some(made)
            })
        });
        for (name, value) in noted.iter().flat_map(|made| &made.args.named) {
            if out.settings.keyword(name).is_none() {
                out.settings.named.push((name.clone(), value.clone()));
            }
        }
        if out.attr.is_none() {
            out.attr = out.settings.keyword("attr").and_then(Value::as_str).map(str::to_owned);
        }
        out
    }

    fn is_exception(&self, of: &Value<'p>) -> bool {
        let named = |path: &str| {
            path.starts_with("pyramid.httpexceptions.")
                || path.starts_with("pyramid.exceptions.")
                || last(path).ends_with("Error")
                || last(path).ends_with("Exception")
        };
        match of {
            Value::External(path) => named(path),
            Value::Class(class) => class.ancestry().1.iter().any(|path| named(path)),
            Value::Text(text) => text.as_literal().is_some_and(named),
            _ => false,
        }
    }

    /// The resource that a factory makes.
    pub(super) fn resource(&mut self, factory: Option<&Value<'p>>) -> Value<'p> {
        let Some(factory) = factory else { return Value::None };
        let key = match factory {
            Value::Function(closure) => Rc::as_ptr(closure) as usize,
            Value::Class(class) => Rc::as_ptr(class) as usize,
            Value::None => return Value::None,
            _ => return Value::Unknown,
        };
        if let Some(known) = self.contexts.get(&key) {
            return known.clone();
        }
        let made = self.trace.call_with(factory, Args::of(vec![values::request()]));
        self.contexts.insert(key, made.clone());
        made
    }

    /// What the permission asks that a view or the whole application needs.
    pub(super) fn permission(
        &self,
        root: CallId,
        request: &Requested,
        context: &Value<'p>,
        own: Option<&Value<'p>>,
    ) -> Layer<'p> {
        let nothing = Root::default();
        let root = self.roots.get(&root).unwrap_or(&nothing);
        let own = own.filter(|own| !is_none(own));
        let Some(permission) = own.or(root.default_permission.as_ref()) else {
            return Layer::decided(AuthState::None, "no permission");
        };
        let state = root.policy.asks(self.trace, request, context, permission);
        let name = match permission {
            Value::Text(text) => format!("permission {text}"),
            Value::External(path) => format!("permission {}", last(path)),
            _ => "permission".to_owned(),
        };
        Layer::decided(state, &name)
    }

    /// What the settings of a view put before it.
    fn settings_layers(&self, view: &View<'p>, context: &Value<'p>) -> Vec<Layer<'p>> {
        let said = &view.settings;
        let mut out = Vec::new();
        if said.keyword("is_authenticated").and_then(Value::truth) == Some(true) {
            out.push(Layer::decided(AuthState::Required, "is_authenticated"));
        }
        if let Some(principals) = said.keyword("effective_principals") {
            let items = principals.items().unwrap_or_else(|| vec![principals.clone()]);
            let is_everyone = |value: &Value<'p>| matches!(value, Value::External(path) if last(path) == "Everyone");
            if !items.iter().all(is_everyone) {
                out.push(Layer::decided(AuthState::Required, "effective_principals"));
            }
        }
        let decorators = match said.keyword("decorator") {
            None | Some(Value::None) => Vec::new(),
            Some(value) => value.items().unwrap_or_else(|| vec![value.clone()]),
        };
        for value in decorators {
            let value = self.resolved(view.place.file, &value).unwrap_or_default();
            let args = Args { positional: vec![context.clone(), values::request()], ..open() };
            out.push(Layer { args, ..decorator(self.trace, &value, None) });
        }
        out
    }

    /// What answers, behind what stands before it.
    pub(super) fn answer(
        &self,
        view: &View<'p>,
        context: &Value<'p>,
        methods: (Vec<String>, bool),
        mut layers: Vec<Layer<'p>>,
    ) -> Registration<'p> {
        let (target, args) = match &view.target {
            Value::Class(class) => {
                let name = view.attr.as_deref().unwrap_or("__call__");
                let args = called_with(class.attribute("__init__").as_ref(), 1, context);
                let instance = self.trace.call_with(&view.target, args);
                let instance = match instance {
                    Value::Object(_) => instance,
                    _ => self.trace.instance(class),
                };
                let method = classes::method(self.trace, &instance, name);
                (method, Args::default())
            }
            Value::Object(_) => {
                let name = view.attr.as_deref().unwrap_or("__call__");
                let method = classes::method(self.trace, &view.target, name);
                (method, Args { positional: vec![context.clone(), values::request()], ..open() })
            }
            Value::Function(closure) => {
                let own = usize::from(closure.is_method);
                (Some(view.target.clone()), of_function(closure, own, context))
            }
            other => (Some(other.clone()), open()),
        };
        let place = view.place;
        let Some(target) = target else {
            let handler = match &view.target {
                Value::Class(class) => Handler::of_class(class),
                other => Handler::of(Some(other), place),
            };
            return Registration { layers, ..Registration::new(methods, Text::default(), handler) };
        };
        let registers = |value: &Value<'p>| {
            self.trace.made(value).is_some_and(|made| {
                made.path().is_some_and(|path| {
                    path.starts_with("pyramid.view.") || path.starts_with("cornice.")
                }) || made.method().is_some_and(|(id, _)| self.services.contains_key(&id))
            })
        };
        let unwrapped = classes::unwrap(self.trace, &target, &args, registers);
        layers.extend(unwrapped.layers);
        let mut handler = Handler::of(Some(&unwrapped.view), place);
        if let (Value::Class(class), Some(name)) = (&view.target, &view.attr) {
            handler = classes::named_in(handler, class, name);
        }
        Registration {
            layers,
            args,
            metadata: unwrapped.notes,
            ..Registration::new(methods, Text::default(), handler)
        }
    }
}

/// What a function is called with that takes a resource and a request, or a request alone.
fn of_function<'p>(closure: &Closure<'p>, own: usize, context: &Value<'p>) -> Args<'p> {
    let takes = closure.function.params.iter().skip(own);
    let needed =
        takes.filter(|param| param.default.is_none() && !param.rest && !param.keyword_rest);
    let positional = match needed.count() {
        0 | 1 => vec![values::request()],
        _ => vec![context.clone(), values::request()],
    };
    Args { positional, ..open() }
}

/// The same of a constructor.
fn called_with<'p>(
    method: Option<&(Value<'p>, Rc<ClassValue<'p>>)>,
    own: usize,
    context: &Value<'p>,
) -> Args<'p> {
    match method {
        Some((Value::Function(closure), _)) => of_function(closure, own, context),
        _ => Args { positional: vec![context.clone(), values::request()], ..open() },
    }
}

fn is_none(value: &Value<'_>) -> bool {
    matches!(value, Value::None)
}

fn unknown_route<'p>(view: &View<'p>, path: Text) -> Route<'p> {
    Route { at: view.at, path, methods: None, factory: None, conditional: false }
}

/// The methods that both a view and its route take; `None` where there are none.
fn both(view: Option<&Value<'_>>, route: Option<&Value<'_>>) -> Option<(Vec<String>, bool)> {
    let of = |value: Option<&Value<'_>>| match value {
        None | Some(Value::None) => None,
        Some(value) => Some(methods_of(value)),
    };
    match (of(view), of(route)) {
        (None, None) => Some((Vec::new(), true)),
        (Some(methods), None) | (None, Some(methods)) => Some(methods),
        (Some((mut view, view_known)), Some((route, route_known))) => {
            if route_known && view_known {
                view.retain(|method| route.contains(method));
                return (!view.is_empty()).then_some((view, true));
            }
            Some((view, false))
        }
    }
}
