//! Which methods a handler answers that is registered for all of them: those that it does not
//! answer with 405, found by asking it with each.

use std::rc::Rc;

use super::caller::Anonymous;
use crate::eval::interpreter::Trace;
use crate::eval::interpreter::probe::{Caller, Certainty, Question};
use crate::eval::text::Text;
use crate::eval::value::{Args, Value};

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
    let request = Rc::new(Anonymous {
        method: Some(method.to_owned()),
        path: Text::hole(""),
        ..Anonymous::default()
    });
    let caller: Rc<dyn Caller<'p> + 'p> = Rc::<Anonymous>::clone(&request);
    let question = Question { callee: handler.clone(), args: args.clone() };
    let seen = trace.ask(caller, &question);
    let answers = request.refuses_methods(&seen.returned, &|value| trace.made(value));
    seen.refused_method == Certainty::Yes
        || seen.raised == Certainty::Yes && seen.raised_method
        || seen.returns == Certainty::Yes && answers
}
