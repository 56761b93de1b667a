//! Who may call the operations of django-ninja: the functions and objects of `auth=`, of which one
//! that gives back something true is enough.

use super::views::{origin, request_args};
use crate::eval::interpreter::Trace;
use crate::eval::value::{Args, BASE, Value};
use crate::inventory::routes::AuthState;
use crate::inventory::routes::caller::values;
use crate::inventory::routes::graph::{Layer, LayerKind, name_of};
use crate::inventory::routes::readers::classes;
use crate::inventory::routes::wrapping;

/// What `auth=` asks of a caller.
pub(super) fn layers<'p>(trace: &Trace<'p>, auth: &Value<'p>) -> Vec<Layer<'p>> {
    match auth {
        Value::None => Vec::new(),
        Value::List(items) => {
            let mut each: Vec<Layer<'p>> =
                items.borrow().iter().map(|item| one(trace, item)).collect();
            if each.len() == 1 { vec![each.swap_remove(0)] } else { vec![Layer::any(each)] }
        }
        Value::Choice(values) => values
            .iter()
            .flat_map(|value| layers(trace, value))
            .map(|layer| Layer { conditional: true, ..layer })
            .collect(),
        one_alone => vec![one(trace, one_alone)],
    }
}

fn one<'p>(trace: &Trace<'p>, value: &Value<'p>) -> Layer<'p> {
    let decided = |state: AuthState| Layer::decided(state, &name_of(trace, value));
    match value {
        Value::Function(_) => {
            Layer::new(trace, LayerKind::Predicate, value.clone(), request_args())
        }
        Value::Object(object) => {
            let name = name_of(trace, value);
            let asked = |method: Value<'p>, args: Args<'p>| {
                let layer = Layer::new(trace, LayerKind::Predicate, method, args);
                Layer { name: name.clone(), ..layer }
            };
            let bases = object.class.ancestry().1;
            let of_library = bases.iter().find_map(|path| of_library(path));
            let base = if of_library == Some(AuthState::Required) { "caller.base" } else { "" };
            object.fields.borrow_mut().insert(BASE.into(), Value::External(base.into()));
            if let Some(call) = classes::method(trace, value, "__call__") {
                return asked(call, request_args());
            }
            let is_key = bases.iter().any(|path| last(path).contains("APIKey"));
            let is_session = bases.iter().any(|path| last(path).contains("SessionAuth"));
            match classes::method(trace, value, "authenticate") {
                // It is called with no key too.
                Some(authenticate) if is_key || is_session => {
                    asked(authenticate, Args::of(vec![values::request(), Value::Absent]))
                }
                _ => decided(of_library.unwrap_or(AuthState::Unknown)),
            }
        }
        Value::External(path) => decided(of_library(path).unwrap_or(AuthState::Unknown)),
        Value::Native(_) => {
            let made = trace.made(value);
            let state = made.as_ref().and_then(|made| of_library(made.path()?));
            decided(state.unwrap_or(AuthState::Unknown))
        }
        Value::Method(_) => Layer::new(trace, LayerKind::Predicate, value.clone(), request_args()),
        _ => Layer::decided(AuthState::Unknown, "auth"),
    }
}

/// What the authentication of a library does to a caller who brings nothing.
fn of_library(path: &str) -> Option<AuthState> {
    let name = last(path);
    let refuses = name.contains("HttpBearer")
        || name.contains("HttpBasicAuth")
        || name.contains("SessionAuth")
        || name.starts_with("django_auth")
        || name.starts_with("async_django_auth")
        || name.contains("JWT")
        || name.contains("APIKeyAuth")
        || matches!(name, "x_session_token_auth" | "jwt_token_auth" | "OAuth2");
    (refuses && !name.contains("Optional")).then_some(AuthState::Required)
}

fn last(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}

/// What wraps an operation without what django-ninja itself does to the answer; `decorate_view` is
/// what it is given.
pub(super) fn wrappers<'p>(trace: &Trace<'p>, layers: &[Layer<'p>]) -> Vec<Layer<'p>> {
    let mut out = Vec::new();
    for layer in layers {
        match origin(trace, &layer.value) {
            Some((path, args)) if last(&path) == "decorate_view" => {
                let given = args.positional.iter().map(|value| {
                    let inner = wrapping::decorator(trace, value, None);
                    Layer { args: layer.args.clone(), conditional: layer.conditional, ..inner }
                });
                out.extend(given);
            }
            Some((path, _)) if path.starts_with("ninja") => {}
            _ => out.push(layer.clone()),
        }
    }
    out
}
