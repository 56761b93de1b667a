//! Functions that cost much and tell readers nothing: with the same arguments they are not run
//! again. A job that a scheduler, a command and three handlers start would cost five times, and a
//! service that calls services multiplies.

use std::collections::HashMap;
use std::rc::Rc;

use super::Interpreter;
use crate::eval::value::{Args, Closure, Value};
use crate::module::Function;

/// The steps above which a run is remembered. What registers routes stays below, or tells.
const MANY_STEPS: u32 = 5_000;
/// The most runs of one function, with different arguments.
const MAX_REMEMBERED: usize = 4;

/// What the runs of a program's functions cost and told.
pub(super) struct Worn<'p> {
    /// Whether a dotted path leads into a library that readers look at.
    tells: fn(&str) -> bool,
    /// By the number of a call, whether what it gave belongs to such a library.
    native: Vec<bool>,
    /// How many calls have told something.
    told: u32,
    runs: HashMap<*const Function, Vec<Run<'p>>>,
}

struct Run<'p> {
    this: Option<Value<'p>>,
    args: Args<'p>,
    value: Value<'p>,
}

/// Where a run began.
#[derive(Clone, Copy)]
pub(super) struct Begun {
    steps: u32,
    told: u32,
}

impl<'p> Worn<'p> {
    pub(super) fn new(tells: fn(&str) -> bool) -> Self {
        Self { tells, native: Vec::new(), told: 0, runs: HashMap::new() }
    }

    /// Whether the last call went to such a library.
    pub(super) fn told_last(&self) -> bool {
        self.native.last().copied().unwrap_or(false)
    }

    /// Notes a call to the outside.
    pub(super) fn called(&mut self, callee: &Value<'p>, args: &Args<'p>) {
        let mut at = callee;
        while let Value::Method(method) = at {
            at = &method.0;
        }
        let native = match at {
            Value::External(path) => (self.tells)(path),
            Value::Native(id) => self.native.get(id.0 as usize).copied().unwrap_or(true),
            Value::Object(object) => object
                .native
                .get()
                .is_none_or(|id| self.native.get(id.0 as usize).copied().unwrap_or(true)),
            _ => false,
        };
        self.native.push(native);
        let is_address = |value: &Value<'p>| match value {
            Value::Text(text) => text.to_string().contains('/'),
            _ => false,
        };
        if native
            || args.positional.iter().any(is_address)
            || args.named.iter().any(|(_, value)| is_address(value))
        {
            self.told = self.told.saturating_add(1);
        }
    }
}

impl<'p> Interpreter<'p> {
    /// What a function that is worn gave for the same arguments.
    pub(super) fn worn(&self, closure: &Closure<'p>, args: &Args<'p>) -> Option<Value<'p>> {
        if self.probing() {
            return None;
        }
        let pointer: *const Function = closure.function;
        let runs = self.worn.runs.get(&pointer)?;
        let same = runs.iter().find(|run| {
            let this = match (&run.this, &closure.this) {
                (Some(Value::Object(a)), Some(Value::Object(b))) => Rc::ptr_eq(&a.class, &b.class),
                (Some(a), Some(b)) => is_alike(a, b),
                (a, b) => a.is_none() && b.is_none(),
            };
            this && are_alike(&run.args, args)
        });
        // What told nothing so often will not begin to.
        let is_hopeless = runs.len() >= MAX_REMEMBERED;
        same.map(|run| run.value.clone()).or(is_hopeless.then_some(Value::Unknown))
    }

    /// Where a run begins.
    pub(super) fn begun(&self) -> Begun {
        Begun { steps: self.steps, told: self.worn.told }
    }

    /// Remembers a run that cost much and told nothing.
    pub(super) fn wear(
        &mut self,
        begun: Begun,
        closure: &Closure<'p>,
        args: Args<'p>,
        value: &Value<'p>,
    ) {
        let is_costly = begun.steps.saturating_sub(self.steps) >= MANY_STEPS;
        if !is_costly || begun.told != self.worn.told || self.probing() {
            return;
        }
        let pointer: *const Function = closure.function;
        let runs = self.worn.runs.entry(pointer).or_default();
        if runs.len() < MAX_REMEMBERED {
            runs.push(Run { this: closure.this.clone(), args, value: value.clone() });
        }
    }
}

fn are_alike<'p>(a: &Args<'p>, b: &Args<'p>) -> bool {
    a.open == b.open
        && a.positional.len() == b.positional.len()
        && a.named.len() == b.named.len()
        && a.positional.iter().zip(&b.positional).all(|(a, b)| is_alike(a, b))
        && a.named.iter().zip(&b.named).all(|(a, b)| a.0 == b.0 && is_alike(&a.1, &b.1))
}

/// Whether a function can hardly tell two values apart: results of calls to the outside are
/// nothing but that.
fn is_alike<'p>(a: &Value<'p>, b: &Value<'p>) -> bool {
    let is_opaque = |value: &Value<'p>| {
        matches!(value, Value::Unknown | Value::Native(_) | Value::External(_))
            || matches!(value, Value::Method(method) if matches!(method.0, Value::Native(_)))
    };
    a.is_same(b) || is_opaque(a) && is_opaque(b)
}
