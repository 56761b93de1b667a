//! What the readers of frameworks for Node.js share.

use std::collections::BTreeSet;

use crate::eval::interpreter::Trace;
use crate::eval::text::Text;
use crate::eval::value::{CallId, CallRecord, Closure, Value, native_of};
use crate::module::path::last_name;
use crate::module::{Expr, ExprKind};

/// The most handlers of one registration that are looked at.
const MAX_HANDLERS: usize = 256;
/// How deep objects are looked into for an application.
const MAX_SERVED_DEPTH: usize = 3;

/// A value and the expression that gave it.
pub(super) type Written<'p> = (Value<'p>, Option<&'p Expr>);

/// The arguments of a call from the one at `from` on, lists taken apart, with the expressions that
/// gave them where there is one for each.
pub(super) fn arguments<'p>(call: &CallRecord<'p>, from: usize) -> Vec<Written<'p>> {
    let values = &call.args.positional;
    let exprs = call.written.map(|call| &call.args).filter(|args| args.len() == values.len());
    let pairs = values
        .iter()
        .enumerate()
        .skip(from)
        .map(|(at, value)| (value.clone(), exprs.map(|exprs| &exprs[at].value)));
    pairs
        .flat_map(|(value, expr)| flat(&value).into_iter().map(move |value| (value, expr)))
        .collect()
}

/// One value, or each of a list, nested too.
pub(super) fn flat<'p>(value: &Value<'p>) -> Vec<Value<'p>> {
    let mut out = Vec::new();
    let mut queue = vec![value.clone()];
    // A list can hold itself.
    for _ in 0..MAX_HANDLERS {
        let Some(value) = queue.pop() else { break };
        match value.items() {
            Some(items) => queue.extend(items.into_iter().rev()),
            None => out.push(value),
        }
    }
    out
}

/// The paths that a value gives: one, each of a list, each that it may be.
pub(super) fn paths(value: Option<&Value<'_>>) -> Vec<Text> {
    match value {
        Some(value @ Value::List(_)) => flat(value).iter().map(Value::to_text).collect(),
        Some(other) => other.alternatives().iter().map(Value::to_text).collect(),
        None => vec![Text::hole("")],
    }
}

/// Objects of libraries that the program hands to the outside, as an argument or as the default
/// export of a file, alone, within an object, or by one of their functions.
pub(super) fn served(trace: &Trace<'_>) -> BTreeSet<CallId> {
    let mut out = BTreeSet::new();
    for (_, call) in trace.records() {
        // What a framework records by itself stands nowhere.
        if call.path().is_some() && call.written.is_some() {
            let args = call.args.positional.iter();
            args.for_each(|value| add_served(value, MAX_SERVED_DEPTH, &mut out));
        }
    }
    for file in trace.program.ids() {
        if let Some(value) = trace.default_export(file) {
            add_served(&value, MAX_SERVED_DEPTH, &mut out);
        }
    }
    out
}

fn add_served(value: &Value<'_>, depth: usize, out: &mut BTreeSet<CallId>) {
    match value {
        Value::Map(entries) if depth > 0 => {
            entries.borrow().iter().for_each(|(_, value)| add_served(value, depth - 1, out));
        }
        Value::Choice(values) => values.iter().for_each(|value| add_served(value, depth, out)),
        _ => out.extend(native_of(value)),
    }
}

/// Whether a function's first parameter is declared to be one of some types.
pub(super) fn takes(closure: &Closure<'_>, types: &[&str]) -> bool {
    let first = closure.function.params.first().and_then(|param| param.annotation.as_ref());
    first.is_some_and(|annotation| is_type(annotation, types))
}

/// Whether a type is one of some, whatever its arguments.
pub(super) fn is_type(annotation: &Expr, types: &[&str]) -> bool {
    let mut at = annotation;
    while let ExprKind::Index { object, .. } = &at.kind {
        at = object;
    }
    last_name(at).is_some_and(|name| types.contains(&name))
}
