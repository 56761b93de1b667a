//! Which methods a handler answers that is registered for all of them: those that it does not
//! answer with 405, found by asking it with each.

use std::rc::Rc;

use super::caller::{Anonymous, Known};
use crate::eval::interpreter::Trace;
use crate::eval::interpreter::probe::{Caller, Certainty, Question, Seen};
use crate::eval::text::Text;
use crate::eval::value::{Args, CallRecord, Value};

/// The methods that are tried.
pub const ALL: &[&str] = &["GET", "POST", "PUT", "PATCH", "DELETE"];

/// The methods of `candidates` that a handler answers; empty when it refuses none of them.
#[must_use]
pub fn answered<'p>(
    trace: &Trace<'p>,
    handler: &Value<'p>,
    args: &Args<'p>,
    candidates: &[&str],
) -> Vec<String> {
    let taken: Vec<String> = candidates
        .iter()
        .filter(|method| !refuses(trace, handler, args, method))
        .map(|method| (*method).to_owned())
        .collect();
    if taken.len() == candidates.len() { Vec::new() } else { taken }
}

fn refuses<'p>(trace: &Trace<'p>, handler: &Value<'p>, args: &Args<'p>, method: &str) -> bool {
    let request = || Anonymous {
        method: Some(method.to_owned()),
        path: Text::hole(""),
        ..Anonymous::default()
    };
    let ask = |caller: Rc<dyn Caller<'p> + 'p>| {
        trace.ask(caller, &Question::new(handler.clone(), args.clone()))
    };
    let anonymous = Rc::new(request());
    let seen = ask(Rc::<Anonymous>::clone(&anonymous));
    let record = |value: &Value<'p>| trace.made(value);
    let answers = anonymous.refuses_methods(&seen.returned, &record);
    if seen.refused_method == Certainty::Yes
        || seen.raised == Certainty::Yes && seen.raised_method
        || seen.returns == Certainty::Yes && answers
    {
        return true;
    }
    // Who is turned away before the method is looked at does not know.
    seen.asked && is_refused(&ask(Rc::new(Known(request()))), &anonymous, &record)
}

/// Whether a caller whom nobody turns away gets nothing but that the method is not answered.
fn is_refused<'p>(
    seen: &Seen<'p>,
    request: &Anonymous,
    record: &dyn Fn(&Value<'p>) -> Option<Rc<CallRecord<'p>>>,
) -> bool {
    let others = [seen.passed, seen.answered, seen.answered_error];
    if seen.cut || others.iter().any(|met| *met != Certainty::No) {
        return false;
    }
    let is_silent = |value: &Value<'p>| match value {
        Value::None | Value::Absent => true,
        Value::External(path) => path.starts_with("caller."),
        _ => request.denies(value, record),
    };
    let returned: Vec<Value<'p>> =
        seen.returned.iter().filter(|value| !is_silent(value)).cloned().collect();
    if seen.raised == Certainty::Yes && seen.raised_method || seen.refused_method != Certainty::No {
        return returned.is_empty();
    }
    request.refuses_methods(&returned, record)
}
