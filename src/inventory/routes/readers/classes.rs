//! Classes that answer requests: what the readers of Python's frameworks have in common.

use std::collections::BTreeSet;
use std::rc::Rc;

use crate::eval::interpreter::Trace;
use crate::eval::value::{Args, CallId, ClassValue, Value};
use crate::inventory::routes::graph::{Handler, Layer};
use crate::inventory::routes::wrapping::{self, Unwrapped};

/// An instance of a class, with fields that the framework sets before it answers.
pub(super) fn instance<'p>(
    trace: &Trace<'p>,
    class: &Rc<ClassValue<'p>>,
    fields: &[(&str, Value<'p>)],
) -> Value<'p> {
    let value = trace.instance(class);
    if let Value::Object(object) = &value {
        let mut of = object.fields.borrow_mut();
        of.extend(fields.iter().map(|(name, value)| ((*name).into(), value.clone())));
    }
    value
}

/// Which applications serve, of all that are made: one that a function makes which nothing calls
/// does so only where no other is in its folder or in one around it.
pub(super) fn serving(trace: &Trace<'_>, made: &[CallId]) -> BTreeSet<CallId> {
    let folder = |id: &CallId| {
        let place = trace.call(*id)?.place;
        let path = trace.program.file(place.file).path;
        Some(path.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/")))
    };
    let called: BTreeSet<String> =
        made.iter().filter(|id| trace.is_called(**id)).filter_map(folder).collect();
    let is_alone = |id: &CallId| {
        folder(id).is_some_and(|own| {
            let ends = own.match_indices('/').map(|(at, _)| at + 1);
            !std::iter::once(0).chain(ends).any(|end| called.contains(&own[..end]))
        })
    };
    made.iter().filter(|id| trace.is_called(**id) || is_alone(id)).copied().collect()
}

/// A method that the program defines for an instance, bound to it.
pub(super) fn method<'p>(trace: &Trace<'p>, instance: &Value<'p>, name: &str) -> Option<Value<'p>> {
    let Value::Object(object) = instance else { return None };
    match object.class.attribute(name) {
        Some((Value::Function(_), _)) => Some(trace.attribute(instance, name)),
        // `post = patch = non_get`, `get = login_required(page)`.
        Some((value @ (Value::Native(_) | Value::Object(_) | Value::Method(_)), _)) => Some(value),
        _ => None,
    }
}

/// A view without what is wrapped around it, whose layers are called with what it is called with.
pub(super) fn unwrap<'p>(
    trace: &Trace<'p>,
    view: &Value<'p>,
    args: &Args<'p>,
    registers: impl FnMut(&Value<'p>) -> bool,
) -> Unwrapped<'p> {
    let mut out = wrapping::unwrap(trace, view, registers);
    for layer in &mut out.layers {
        layer.args = args.clone();
    }
    out
}

/// A handler by a name of the class that it was found in, for what a base defines.
pub(super) fn named_in<'p>(
    handler: Handler<'p>,
    class: &ClassValue<'p>,
    name: &str,
) -> Handler<'p> {
    Handler { name: Some(format!("{}.{name}", class.qualified)), ..handler }
}

/// The record of the call that a class is built on by its name: `class App(web.Application)`.
pub(super) fn is_of(class: &Rc<ClassValue<'_>>, is: impl Fn(&str) -> bool) -> bool {
    class.ancestry().1.iter().any(|path| is(path))
}

/// Whether a value is a decorator that only registers: what `is_router` knows the receiver of.
pub(super) fn registers<'p>(
    trace: &Trace<'p>,
    value: &Value<'p>,
    is_router: impl Fn(CallId) -> bool,
) -> bool {
    let Some(record) = trace.made(value) else { return false };
    record.method().is_some_and(|(receiver, _)| is_router(receiver))
}

/// What stands before all that a class answers: a method of it, called with what it is called with.
pub(super) fn gate<'p>(layer: Layer<'p>, class: &ClassValue<'_>, name: &str) -> Layer<'p> {
    let own = class.qualified.rsplit('.').next().unwrap_or(&class.qualified);
    Layer { name: format!("{own}.{name}"), ..layer }
}
