//! Views: functions and what is wrapped around them.

use std::rc::Rc;

use super::patterns::{Row, Walk};
use super::routers::any_about_one;
use super::{drf, library};
use crate::eval::interpreter::Trace;
use crate::eval::interpreter::probe::{Caller, Certainty, Question};
use crate::eval::text::Text;
use crate::eval::value::{Args, CallRecord, Closure, Place, Value};
use crate::inventory::routes::AuthState;
use crate::inventory::routes::caller::{Anonymous, values};
use crate::inventory::routes::graph::{Handler, Layer, LayerKind, Registration, methods_of};
use crate::inventory::routes::readers::classes;
use crate::inventory::routes::wrapping::{self, open};

/// The most wrappers around one view.
const MAX_WRAPPERS: usize = 16;

/// What a view is called with.
pub(super) fn request_args<'p>() -> Args<'p> {
    Args { positional: vec![values::request()], ..open() }
}

/// What stands before a view.
#[derive(Default)]
pub(super) struct Before<'p> {
    /// Outermost first.
    pub layers: Vec<Layer<'p>>,
    /// The methods that are let through, where that is said.
    pub methods: Option<(Vec<String>, bool)>,
    /// Whether the whole says that it needs no login.
    pub is_exempt: bool,
    /// Decorators of REST framework that say what would stand before it.
    pub settings: Vec<(String, Args<'p>)>,
}

/// A view without what is wrapped around it.
#[derive(Default)]
struct Peeled<'p> {
    layers: Vec<Layer<'p>>,
    view: Value<'p>,
    /// What `as_view` was called with.
    initial: Args<'p>,
    notes: Vec<(String, bool)>,
    /// Whether it is a consumer of WebSockets.
    is_socket: bool,
}

impl<'p> Walk<'_, '_, 'p> {
    /// What answers for a view that is registered at a place.
    pub(super) fn rows(&self, view: &Value<'p>, place: Place) -> Vec<Row<'p>> {
        let peeled = self.peel(view, place);
        let closure = match &peeled.view {
            Value::Function(closure) => Some(closure),
            _ => None,
        };
        let before = before(self.trace, &peeled.layers, &request_args(), closure);
        match &peeled.view {
            Value::Class(class) if peeled.is_socket => vec![self.socket_row(class, &before)],
            Value::Class(class) => {
                let mapping = peeled.initial.get(0, "actions").map(drf::mapping);
                match mapping {
                    Some(mapping) => {
                        let about_one = any_about_one(&mapping);
                        self.mapped_rows(class, &mapping, &peeled.initial, about_one, &before)
                    }
                    None => self.class_rows(class, &peeled.initial, &before),
                }
            }
            Value::External(path) if drf::is_library(path) => {
                let handler = Handler::of(None, place);
                self.api_library_rows(path, &peeled.initial, &handler, &before)
            }
            Value::External(path) => {
                let known = library::view(path);
                let mut layers = before.layers;
                layers.extend(known.state.map(|state| Layer::decided(state, path)));
                let methods = before.methods.unwrap_or(known.methods);
                let handler = Handler::of(None, place);
                let registration =
                    Registration { layers, ..Registration::new(methods, Text::default(), handler) };
                vec![Row { registration, is_exempt: before.is_exempt || known.is_exempt }]
            }
            view => {
                let handler = Handler::of(Some(view), place);
                if before.settings.iter().any(|(path, _)| path.ends_with(".api_view")) {
                    return self.api_function_rows(&handler, &before, &peeled.notes);
                }
                let methods = before.methods.unwrap_or((Vec::new(), true));
                let registration = Registration {
                    layers: before.layers,
                    args: request_args(),
                    metadata: peeled.notes,
                    ..Registration::new(methods, Text::default(), handler)
                };
                vec![Row { registration, is_exempt: before.is_exempt }]
            }
        }
    }

    /// Takes off what is wrapped around a view.
    fn peel(&self, view: &Value<'p>, place: Place) -> Peeled<'p> {
        let mut out = Peeled { view: view.clone(), ..Peeled::default() };
        for _ in 0..MAX_WRAPPERS {
            match &out.view {
                Value::Native(_) => {
                    let Some(record) = self.trace.made(&out.view) else { break };
                    if let Some(class) = viewed(&record) {
                        out.initial = record.args.clone();
                        out.is_socket = is_socket(&record);
                        out.view = class;
                        break;
                    }
                    let Some(inner) = record.args.positional.first() else { break };
                    let Some(inner) = self.wrapped(inner) else { break };
                    out.layers.push(match &record.callee {
                        Value::Method(method) if method.1 == "admin_view" => {
                            Layer::decided(AuthState::Required, "admin_view")
                        }
                        Value::External(path) if path.ends_with(".admin_view") => {
                            Layer::decided(AuthState::Required, "admin_view")
                        }
                        callee => wrapping::decorator(self.trace, callee, None),
                    });
                    out.view = inner;
                }
                Value::Function(_) | Value::Object(_) => {
                    let args = request_args();
                    let inner = classes::unwrap(self.trace, &out.view, &args, |_| false);
                    out.layers.extend(inner.layers);
                    out.notes.extend(inner.notes);
                    out.view = inner.view;
                    if !matches!(out.view, Value::Native(_)) {
                        break;
                    }
                }
                // `"app.views.name"`, as it was written once.
                Value::Text(text) => {
                    let named = text.as_literal();
                    match named.and_then(|path| self.trace.dotted(place.file, path)) {
                        Some(view) => out.view = view,
                        None => break,
                    }
                }
                _ => break,
            }
        }
        out
    }

    /// The view that a wrapper was given; `None` for what is no view.
    fn wrapped(&self, value: &Value<'p>) -> Option<Value<'p>> {
        match value {
            Value::Function(_)
            | Value::Native(_)
            | Value::Class(_)
            | Value::Object(_)
            | Value::External(_) => Some(value.clone()),
            // The view that a pattern had before.
            Value::Method(method) if method.1 == "callback" => {
                self.trace.made(&method.0)?.args.get(1, "view").cloned()
            }
            _ => None,
        }
    }
}

/// The class whose `as_view` was called.
fn viewed<'p>(record: &CallRecord<'p>) -> Option<Value<'p>> {
    match &record.callee {
        Value::External(path) => {
            let class = path.strip_suffix(".as_view").or_else(|| path.strip_suffix(".as_asgi"));
            class.map(|class| Value::External(class.into()))
        }
        Value::Method(method) if matches!(method.1.as_str(), "as_view" | "as_asgi") => {
            match &method.0 {
                class @ (Value::Class(_) | Value::External(_)) => Some(class.clone()),
                Value::Method(behind) if behind.1 == "super" => Some(behind.0.clone()),
                _ => None,
            }
        }
        _ => None,
    }
}

/// Whether a call makes an application of a consumer.
fn is_socket(record: &CallRecord<'_>) -> bool {
    match &record.callee {
        Value::External(path) => path.ends_with(".as_asgi"),
        Value::Method(method) => method.1 == "as_asgi",
        _ => false,
    }
}

/// The dotted path of a function from outside that a decorator is, or was made by, and what it was
/// made with.
pub(super) fn origin<'p>(trace: &Trace<'p>, value: &Value<'p>) -> Option<(String, Args<'p>)> {
    match value {
        Value::External(path) => Some((path.to_string(), Args::default())),
        Value::Native(_) => {
            let record = trace.made(value)?;
            Some((record.path()?.to_owned(), record.args.clone()))
        }
        _ => None,
    }
}

/// The decorators of functions that `method_decorator` was given.
pub(super) fn of_method<'p>(args: &Args<'p>) -> Vec<Value<'p>> {
    match args.get(0, "decorator") {
        Some(Value::List(items)) => items.borrow().clone(),
        Some(one) => vec![one.clone()],
        None => Vec::new(),
    }
}

/// What wrappers, outermost first, do to a view that is called with `args`.
pub(super) fn before<'p>(
    trace: &Trace<'p>,
    layers: &[Layer<'p>],
    args: &Args<'p>,
    view: Option<&Rc<Closure<'p>>>,
) -> Before<'p> {
    let mut out = Before::default();
    for layer in layers.iter().rev() {
        one_before(trace, layer, args, view, &mut out);
    }
    out.layers.reverse();
    out.settings.reverse();
    out
}

fn one_before<'p>(
    trace: &Trace<'p>,
    layer: &Layer<'p>,
    args: &Args<'p>,
    view: Option<&Rc<Closure<'p>>>,
    out: &mut Before<'p>,
) {
    // `@retrieve.mapping.delete` says which action it is.
    if let Value::Method(verb) = &layer.value
        && matches!(&verb.0, Value::Method(mapping) if mapping.1 == "mapping")
    {
        return;
    }
    let known = origin(trace, &layer.value);
    let Some((path, made_with)) = known.filter(|_| layer.kind == LayerKind::Wrapper) else {
        if !keeps_notes(trace, layer, view) {
            out.is_exempt = false;
        }
        if let Some(methods) = methods_through(trace, layer) {
            out.methods = Some(methods);
        }
        out.layers.push(layer.clone());
        return;
    };
    let methods = |names: &[&str]| {
        Some((names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>(), true))
    };
    let last = path.rsplit('.').next().unwrap_or(&path);
    match last {
        "method_decorator" => {
            for decorator in of_method(&made_with).iter().rev() {
                let layer = wrapping::decorator(trace, decorator, None);
                let layer = Layer { args: request_args(), ..layer };
                one_before(trace, &layer, &request_args(), view, out);
            }
        }
        "user_passes_test" => {
            if let Some(test) = made_with.get(0, "test_func") {
                let nobody = Args::of(vec![values::nobody()]);
                let asked = Layer::new(trace, LayerKind::Predicate, test.clone(), nobody);
                out.layers.push(Layer { name: layer.name.clone(), ..asked });
            }
        }
        "require_http_methods" => {
            out.methods = made_with.get(0, "request_method_list").map(methods_of);
        }
        "require_GET" | "require_safe" => out.methods = methods(&["GET"]),
        "require_POST" => out.methods = methods(&["POST"]),
        "api_view" => {
            out.methods = match made_with.get(0, "http_method_names") {
                Some(names) => Some(methods_of(names)),
                None => methods(&["GET"]),
            };
            out.settings.push((path.clone(), made_with));
            out.is_exempt = true;
        }
        _ if path.starts_with("rest_framework.decorators.") => {
            out.settings.push((path.clone(), made_with));
        }
        "login_not_required" => out.is_exempt = true,
        _ => out.layers.push(Layer { args: args.clone(), ..layer.clone() }),
    }
}

/// The methods that are let through by a wrapper of the program which was made with the names of
/// methods; `None` for other wrappers.
fn methods_through<'p>(trace: &Trace<'p>, layer: &Layer<'p>) -> Option<(Vec<String>, bool)> {
    const METHODS: &[&str] = &["GET", "POST", "PUT", "PATCH", "DELETE"];
    let Value::Function(closure) = &layer.value else { return None };
    let is_method = |value: &Value<'p>| value.as_str().is_some_and(|text| METHODS.contains(&text));
    let has_methods = |value: &Value<'p>| {
        is_method(value) || value.items().is_some_and(|items| items.iter().any(is_method))
    };
    let parent = closure.env.parent.as_ref().filter(|_| !closure.env.is_class)?;
    let own = closure.env.vars.borrow().values().any(has_methods);
    if !own && (parent.parent.is_none() || !parent.vars.borrow().values().any(has_methods)) {
        return None;
    }
    let through = |method: &&&str| {
        let request = |given: Args<'p>, callee: Value<'p>| {
            let caller: Rc<dyn Caller<'p> + 'p> = Rc::new(Anonymous {
                method: Some((**method).to_owned()),
                has_user_object: true,
                ..Anonymous::default()
            });
            trace.ask(caller, &Question::new(callee, given))
        };
        let wrapped = match layer.kind {
            LayerKind::Wrapper => {
                let made = request(Args::of(vec![values::handler()]), layer.value.clone());
                made.returned.into_iter().next().unwrap_or_default()
            }
            _ => layer.value.clone(),
        };
        request(request_args(), wrapped).passed != Certainty::No
    };
    let known: Vec<String> =
        METHODS.iter().filter(through).map(|method| (*method).to_owned()).collect();
    (!known.is_empty() && known.len() < METHODS.len()).then_some((known, true))
}

/// Whether what a wrapper makes has what is noted on the view, as `functools.wraps` sees to it.
fn keeps_notes<'p>(trace: &Trace<'p>, layer: &Layer<'p>, view: Option<&Rc<Closure<'p>>>) -> bool {
    let keeps = |value: &Value<'p>| match value {
        Value::Function(closure) => closure.attributes.borrow().contains_key("__wrapped__"),
        _ => true,
    };
    match (layer.kind, view) {
        (LayerKind::Middleware, _) => keeps(&layer.value),
        (LayerKind::Wrapper, Some(view)) if matches!(layer.value, Value::Function(_)) => {
            let given = Value::Function(Rc::new(view.undecorated()));
            match trace.call_with(&layer.value, Args::of(vec![given])) {
                Value::Function(made) if made.function == view.function => true,
                made => keeps(&made),
            }
        }
        _ => true,
    }
}
