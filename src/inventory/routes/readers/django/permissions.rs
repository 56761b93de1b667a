//! Permission classes: of REST framework and of the program, and what is made of several.

use std::rc::Rc;

use crate::eval::interpreter::Trace;
use crate::eval::interpreter::probe::{Caller, Question};
use crate::eval::value::{Args, BASE, ClassValue, Value};
use crate::inventory::routes::AuthState;
use crate::inventory::routes::caller::{Anonymous, values};
use crate::inventory::routes::graph::{Layer, LayerKind, name_of};
use crate::inventory::routes::readers::classes;

/// The deepest nesting of `|`, `&` and `~`.
const MAX_NESTING: usize = 12;

/// A permission that nobody knows.
pub(super) fn unknown<'p>(name: &str) -> Layer<'p> {
    Layer::decided(AuthState::Unknown, name)
}

/// A list of permissions, all of which are asked.
pub(super) fn layers<'p>(
    trace: &Trace<'p>,
    list: &Value<'p>,
    view: &Value<'p>,
    verb: &str,
) -> Vec<Layer<'p>> {
    match list {
        Value::List(items) => {
            let items = items.borrow().clone();
            items.iter().flat_map(|item| one(trace, item, view, verb, 0)).collect()
        }
        Value::Choice(lists) => lists
            .iter()
            .flat_map(|list| layers(trace, list, view, verb))
            .map(|layer| Layer { conditional: true, ..layer })
            .collect(),
        Value::None => Vec::new(),
        Value::Class(_) | Value::External(_) | Value::Native(_) | Value::Object(_) => {
            one(trace, list, view, verb, 0)
        }
        _ => vec![unknown("get_permissions")],
    }
}

fn one<'p>(
    trace: &Trace<'p>,
    value: &Value<'p>,
    view: &Value<'p>,
    verb: &str,
    depth: usize,
) -> Vec<Layer<'p>> {
    if depth > MAX_NESTING {
        return vec![unknown("…")];
    }
    match value {
        Value::Class(class) => own(trace, class, trace.instance(class), view, verb),
        Value::Object(object) => own(trace, &object.class, value.clone(), view, verb),
        Value::External(path) => of_library(path, verb).into_iter().collect(),
        Value::Native(_) => {
            let Some(record) = trace.made(value) else { return vec![unknown("…")] };
            match &record.callee {
                Value::External(path) => of_library(path, verb).into_iter().collect(),
                // An instance of what several were put together to.
                callee @ Value::Method(_) => one(trace, callee, view, verb, depth + 1),
                _ => vec![unknown(&name_of(trace, value))],
            }
        }
        Value::Method(method) => {
            let parts = method.0.items().unwrap_or_default();
            let each = || parts.iter().map(|part| one(trace, part, view, verb, depth + 1));
            match method.1.as_str() {
                "__and__" => each().flatten().collect(),
                "__or__" => either(each().collect()),
                "__invert__" => vec![unknown("not")],
                _ => vec![unknown(&method.1)],
            }
        }
        Value::Choice(values) => values
            .iter()
            .flat_map(|value| one(trace, value, view, verb, depth + 1))
            .map(|layer| Layer { conditional: true, ..layer })
            .collect(),
        Value::None => Vec::new(),
        _ => vec![unknown("permission")],
    }
}

/// Permissions of which one is enough; each may be several that are asked together.
fn either(parts: Vec<Vec<Layer<'_>>>) -> Vec<Layer<'_>> {
    // One of them asks nothing.
    if parts.iter().any(Vec::is_empty) {
        return Vec::new();
    }
    let decided = |layer: &Layer<'_>| layer.kind == LayerKind::Decided(AuthState::Required);
    let strictest = parts.into_iter().filter_map(|mut part| {
        let at = part.iter().position(decided).unwrap_or(0);
        (!part.is_empty()).then(|| part.swap_remove(at))
    });
    vec![Layer::any(strictest.collect())]
}

/// Whether a verb only reads.
fn is_safe(verb: &str) -> bool {
    matches!(verb, "get" | "head" | "options")
}

/// What a permission of a library does; nothing where it lets everybody through.
fn of_library<'p>(path: &str, verb: &str) -> Option<Layer<'p>> {
    let name = path.rsplit('.').next().unwrap_or(path);
    let state = match name {
        "AllowAny" | "BasePermission" => return None,
        name if (name.contains("ReadOnly") || name.contains("IfReadOnly")) && is_safe(verb) => {
            return None;
        }
        name if name.contains("IsAuthenticated")
            || name.contains("IsAdmin")
            || name.starts_with("Django")
            || name.starts_with("Token")
            || name.contains("HasAPIKey")
            || name.contains("ReadOnly") =>
        {
            AuthState::Required
        }
        _ => AuthState::Unknown,
    };
    Some(Layer::decided(state, name))
}

/// A permission of the program.
fn own<'p>(
    trace: &Trace<'p>,
    class: &Rc<ClassValue<'p>>,
    instance: Value<'p>,
    view: &Value<'p>,
    verb: &str,
) -> Vec<Layer<'p>> {
    let base = class.ancestry().1.into_iter().find_map(|path| of_library(&path, verb));
    let Some(method) = on_base(trace, &instance, base.is_some(), "has_permission") else {
        return base.into_iter().collect();
    };
    let args = Args::of(vec![values::request(), view.clone()]);
    let layer = Layer::new(trace, LayerKind::Predicate, method, args);
    let name = class.qualified.rsplit('.').next().unwrap_or(&class.qualified);
    vec![Layer { name: name.to_owned(), ..layer }]
}

/// A method of a permission whose bases of a library let through or refuse.
fn on_base<'p>(
    trace: &Trace<'p>,
    instance: &Value<'p>,
    refuses: bool,
    name: &str,
) -> Option<Value<'p>> {
    if let Value::Object(object) = instance {
        let base = if refuses { "caller.base" } else { "caller.open" };
        object.fields.borrow_mut().insert(BASE.into(), Value::External(base.into()));
    }
    classes::method(trace, instance, name)
}

/// What permissions of the program say of one stored thing.
pub(super) fn object_layers<'p>(
    trace: &Trace<'p>,
    list: &Value<'p>,
    view: &Value<'p>,
    verb: &str,
) -> Vec<Layer<'p>> {
    let items = list.items().unwrap_or_default();
    let each = items.iter().filter_map(|item| {
        let (class, instance) = match item {
            Value::Class(class) => (Rc::clone(class), trace.instance(class)),
            Value::Object(object) => (Rc::clone(&object.class), item.clone()),
            _ => return None,
        };
        let refuses = class.ancestry().1.iter().any(|path| of_library(path, verb).is_some());
        let method = on_base(trace, &instance, refuses, "has_object_permission")?;
        let stored = Value::External("stored.object".into());
        let args = Args::of(vec![values::request(), view.clone(), stored]);
        // Whether one may have it may hang on the thing; only what surely refuses counts.
        let caller: Rc<dyn Caller<'p> + 'p> = Rc::new(Anonymous {
            method: Some(verb.to_ascii_uppercase()),
            has_user_object: true,
            ..Anonymous::default()
        });
        let question = Question::new(method.clone(), args.clone());
        let seen = trace.ask(caller, &question);
        if seen.returned.iter().any(|value| value.truth() != Some(false)) {
            return None;
        }
        let layer = Layer::new(trace, LayerKind::Predicate, method, args);
        let name = class.qualified.rsplit('.').next().unwrap_or(&class.qualified).to_owned();
        Some(Layer { name, ..layer })
    });
    each.collect()
}
