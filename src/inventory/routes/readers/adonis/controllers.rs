//! Controllers and middleware as routes name them: classes, functions that import their modules
//! when they are needed, and texts.

use std::rc::Rc;

use super::items::Route;
use crate::eval::interpreter::Trace;
use crate::eval::link::Target;
use crate::eval::value::{Args, ClassValue, FileId, Value};
use crate::inventory::routes::graph::Handler;

/// Where version 5 looks for controllers that are named by a text.
const NAMESPACE: &str = "App/Controllers/Http";
/// The method of a controller or middleware that no other is named of.
const HANDLE: &str = "handle";

/// What answers a route.
pub(super) fn handler<'p>(trace: &Trace<'p>, route: &Route<'p>) -> Handler<'p> {
    let file = route.place.file;
    let namespace = route.namespace.as_ref().map(ToString::to_string);
    let namespace = namespace.as_deref();
    let unknown =
        |name: Option<String>| Handler { name, place: route.place, function: None, inner: None };
    let target = route.target.alternatives().into_iter().next().unwrap_or_default();
    let (controller, method) = match &target {
        Value::List(items) => {
            let items = items.borrow();
            let method = items.get(1).cloned().unwrap_or_else(|| Value::text(HANDLE));
            (items.first().cloned().unwrap_or_default(), method)
        }
        Value::Text(text) => match text.as_literal().and_then(|text| text.rsplit_once('.')) {
            Some((controller, method)) => (Value::text(controller), Value::text(method)),
            None => return unknown(None),
        },
        Value::Class(_) => (target.clone(), Value::text(HANDLE)),
        other => return Handler::of(Some(other), route.place),
    };
    let class = class_of(trace, &controller, file, namespace);
    match (class, method.as_str()) {
        (Some(class), Some(method)) => Handler::of_method(&class, method),
        (Some(class), None) => Handler::of_class(&class),
        (None, method) => {
            let name = controller.as_str().zip(method).map(|(of, method)| format!("{of}.{method}"));
            unknown(name)
        }
    }
}

/// The class of the program that a value leads to.
pub(super) fn class_of<'p>(
    trace: &Trace<'p>,
    value: &Value<'p>,
    from: FileId,
    namespace: Option<&str>,
) -> Option<Rc<ClassValue<'p>>> {
    match &lazily(trace, value) {
        Value::Class(class) => Some(Rc::clone(class)),
        Value::Module(file) => match trace.default_export(*file)? {
            Value::Class(class) => Some(class),
            _ => None,
        },
        Value::Text(name) => {
            let name = name.as_literal()?;
            let below = |folder: &str| format!("{}/{name}", folder.trim_end_matches('/'));
            let whole = match namespace {
                Some(folder) if folder.starts_with("App/") => below(folder),
                Some(folder) => below(&format!("{NAMESPACE}/{}", folder.trim_matches('/'))),
                None => below(NAMESPACE),
            };
            let targets = [name, whole.as_str()].map(|module| trace.resolve(from, module));
            let file = targets.into_iter().find_map(|target| match target {
                Target::File(file) => Some(file),
                _ => None,
            })?;
            class_of(trace, &Value::Module(file), from, None)
        }
        _ => None,
    }
}

/// What a function imports that is there for nothing else: `() => import('#controllers/posts')`.
pub(super) fn lazily<'p>(trace: &Trace<'p>, value: &Value<'p>) -> Value<'p> {
    let Value::Function(closure) = value else { return value.clone() };
    if !closure.function.params.is_empty() {
        return value.clone();
    }
    match trace.call_with(value, Args::default()) {
        module @ (Value::Module(_) | Value::Class(_)) => module,
        Value::External(path) if path.contains('/') => Value::External(path),
        _ => value.clone(),
    }
}
