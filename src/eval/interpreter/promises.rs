//! Promises that a script makes by itself: `new Promise((resolve, reject) => …)`.

use std::rc::Rc;

use super::Interpreter;
use crate::eval::value::{Args, Closure, Value};
use crate::module::Span;

/// What settles a promise; no program can name these methods.
const RESOLVE: &str = "#resolve";
const REJECT: &str = "#reject";
/// The most outcomes of one promise that are kept.
const MAX_OUTCOMES: usize = 32;

impl<'p> Interpreter<'p> {
    /// What a promise comes to: what its function resolves it with. One that is rejected raises.
    /// `None` where the function settles nothing as far as anybody can see.
    pub(super) fn promise(&mut self, executor: &Rc<Closure<'p>>, span: Span) -> Option<Value<'p>> {
        let outcomes = Value::list(Vec::new());
        let settles = |name: &str| Value::Method(Rc::new((outcomes.clone(), name.into())));
        let args = Args::of(vec![settles(RESOLVE), settles(REJECT)]);
        self.call_value(&Value::Function(Rc::clone(executor)), args, span);
        if self.interrupted() {
            return Some(Value::Unknown);
        }
        let mut resolved = Vec::new();
        let mut rejected = Vec::new();
        for outcome in outcomes.items().unwrap_or_default() {
            if let Some([Value::Bool(rejects), sure, value]) = outcome.items().as_deref() {
                let list = if *rejects { &mut rejected } else { &mut resolved };
                list.push((value.clone(), sure.truth() == Some(true)));
                // Whatever comes later comes too late.
                if sure.truth() == Some(true) {
                    break;
                }
            }
        }
        let raises = self.probing() && !rejected.is_empty();
        let surely = rejected.iter().any(|(_, sure)| *sure) && resolved.is_empty();
        for (value, _) in rejected.iter().take(MAX_OUTCOMES).filter(|_| raises) {
            let thrown = self.raised(Some(value));
            if surely {
                self.throwing = Some(thrown);
                return Some(Value::Unknown);
            }
            self.may_throw(thrown);
        }
        let values: Vec<_> = resolved.into_iter().map(|(value, _)| value).collect();
        (!values.is_empty()).then(|| Value::choice(values))
    }

    /// A call of what settles a promise.
    pub(super) fn settled_promise(
        &mut self,
        callee: &Value<'p>,
        args: &Args<'p>,
    ) -> Option<Value<'p>> {
        let Value::Method(method) = callee else { return None };
        let rejects = match method.1.as_str() {
            RESOLVE => false,
            REJECT => true,
            _ => return None,
        };
        let Value::List(outcomes) = &method.0 else { return None };
        let value = args.positional.first().cloned().unwrap_or(Value::None);
        let sure = !self.probing() || self.surely();
        let mut outcomes = outcomes.borrow_mut();
        if outcomes.len() < MAX_OUTCOMES {
            outcomes.push(Value::list(vec![Value::Bool(rejects), Value::Bool(sure), value]));
        }
        Some(Value::None)
    }
}
