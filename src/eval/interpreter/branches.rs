//! Ways of which nobody knows which is taken: each runs on the variables as they were, and what
//! the ways leave behind is joined where they meet again.

use std::collections::BTreeMap;
use std::rc::Rc;

use smol_str::SmolStr;

use super::{Flow, Interpreter};
use crate::eval::expr::{self, Scope as _};
use crate::eval::value::{Env, Value};
use crate::module::{Block, Expr, ExprKind};

/// Variables that a way has written, by scope and name, with what they were.
pub(super) type Writes<'p> = BTreeMap<(usize, SmolStr), (Rc<Env<'p>>, Option<Value<'p>>)>;

/// How a way ended, and the variables as it left them.
pub(super) struct Way<'p> {
    pub(super) flow: Flow<'p>,
    changes: Vec<Change<'p>>,
}

impl<'p> Way<'p> {
    /// The texts that it has left in variables.
    pub(super) fn take_texts(&mut self) -> Vec<Change<'p>> {
        let is_text = |change: &mut Change<'p>| {
            let held = change.env.vars.borrow().get(&change.name).cloned();
            matches!(held, Some(Value::Text(_) | Value::List(_)))
        };
        self.changes.extract_if(.., is_text).collect()
    }
}

/// A scope, and what the ways left in one of its variables.
type Left<'p> = (Rc<Env<'p>>, Vec<Option<Value<'p>>>);

pub(super) struct Change<'p> {
    env: Rc<Env<'p>>,
    name: SmolStr,
    value: Option<Value<'p>>,
}

impl<'p> Interpreter<'p> {
    /// Binds a name of the running scope; `outwards` looks for the scope that has it already.
    pub(super) fn set_variable(&mut self, name: &str, value: Value<'p>, outwards: bool) {
        let env = if outwards { holder(&self.frame.env, name) } else { Rc::clone(&self.frame.env) };
        self.set_variable_of(&env, name, Some(value));
    }

    fn set_variable_of(&mut self, env: &Rc<Env<'p>>, name: &str, value: Option<Value<'p>>) {
        if let Some(writes) = &mut self.writes {
            writes.entry((Rc::as_ptr(env) as usize, name.into())).or_insert_with(|| {
                let old = env.vars.borrow().get(name).cloned();
                (Rc::clone(env), old)
            });
        }
        put(env, name, value);
    }

    /// Runs a way, and puts the variables back to what they were before it.
    pub(super) fn way(&mut self, run: impl FnOnce(&mut Self) -> Flow<'p>) -> Way<'p> {
        self.conditional += 1;
        let way = self.apart(run);
        self.conditional -= 1;
        way
    }

    /// Runs something, and puts the variables back to what they were before it.
    pub(super) fn apart(&mut self, run: impl FnOnce(&mut Self) -> Flow<'p>) -> Way<'p> {
        let outer = self.writes.replace(Writes::new());
        let flow = run(self);
        let writes = std::mem::replace(&mut self.writes, outer).unwrap_or_default();
        let changes = writes
            .into_iter()
            .map(|((_, name), (env, old))| {
                let value = env.vars.borrow().get(&name).cloned();
                put(&env, &name, old);
                Change { env, name, value }
            })
            .collect();
        Way { flow, changes }
    }

    /// Joins ways: of each variable that one of those that go on has written, the values of all
    /// that go on.
    pub(super) fn meet(&mut self, first: Way<'p>, second: Way<'p>) -> Flow<'p> {
        let on = |way: &Way<'p>| matches!(way.flow, Flow::Next | Flow::Leave(_));
        let both = on(&first) && on(&second);
        let mut values: BTreeMap<(usize, SmolStr), Left<'p>> = BTreeMap::new();
        for way in [&first, &second] {
            if on(way) {
                for change in &way.changes {
                    let key = (Rc::as_ptr(&change.env) as usize, change.name.clone());
                    let entry =
                        values.entry(key).or_insert_with(|| (Rc::clone(&change.env), Vec::new()));
                    entry.1.push(change.value.clone());
                }
            }
        }
        for ((_, name), (env, mut of)) in values {
            if both && of.len() == 1 {
                of.push(env.vars.borrow().get(&name).cloned());
            }
            let joined = joined(of);
            self.set_variable_of(&env, &name, joined);
        }
        self.join(first.flow, second.flow)
    }

    /// Runs a block of which nobody knows whether it runs.
    pub(super) fn maybe(&mut self, block: &'p Block) -> Flow<'p> {
        let way = self.way(|it| it.block(block));
        self.or_not(way)
    }

    /// Runs the body of a loop over a list that nobody knows: it has items, but perhaps none.
    pub(super) fn some_turn(&mut self, body: &'p Block) -> Flow<'p> {
        let way = self.apart(|it| it.block(body));
        self.or_not(way)
    }

    fn or_not(&mut self, way: Way<'p>) -> Flow<'p> {
        let flow = match way.flow {
            Flow::Next => Flow::Next,
            other => return other,
        };
        let not_taken = Way { flow: Flow::Next, changes: Vec::new() };
        self.meet(Way { flow, ..way }, not_taken)
    }

    /// Keeps what a way that is seldom taken has left in variables that nothing else sets.
    pub(super) fn fall_back(&mut self, way: Way<'p>) -> Flow<'p> {
        for change in way.changes {
            let held = change.env.vars.borrow().get(&change.name).cloned();
            match (held, change.value) {
                (None, value) => self.set_variable_of(&change.env, &change.name, value),
                // `except ImportError: import requests as client`
                (Some(held), Some(other)) if self.follows && is_imported(&held, &other) => {
                    let either = Value::choice(vec![held, other]);
                    self.set_variable_of(&change.env, &change.name, Some(either));
                }
                _ => {}
            }
        }
        way.flow
    }

    /// Says of texts in variables what a way that is seldom taken has left there.
    pub(super) fn unless(&mut self, changes: Vec<Change<'p>>) {
        for change in changes {
            let held = change.env.vars.borrow().get(&change.name).cloned();
            if let (Some(held), Some(other)) = (held, &change.value) {
                let both = held.unless(other);
                self.spend(both.weight());
                self.set_variable_of(&change.env, &change.name, Some(both));
            }
        }
    }

    /// Keeps of the variables in a test what fits its outcome.
    pub(super) fn narrow_to(&mut self, test: &'p Expr, holds: bool) {
        match &test.kind {
            ExprKind::Name(name) => {
                self.keep_fitting(name, |value| value.truth() != Some(!holds));
            }
            ExprKind::Unary { operator, operand } if operator == "!" => {
                self.narrow_to(operand, !holds);
            }
            ExprKind::Binary { operator, left, right } => match (operator.as_str(), holds) {
                ("&&", true) | ("||", false) => {
                    self.narrow_to(left, holds);
                    self.narrow_to(right, holds);
                }
                ("==" | "===" | "is", _) => self.narrow_to_equal(left, right, holds),
                ("!=" | "!==" | "is not", _) => self.narrow_to_equal(left, right, !holds),
                _ => {}
            },
            _ => {}
        }
    }

    fn narrow_to_equal(&mut self, left: &'p Expr, right: &'p Expr, equal: bool) {
        let ExprKind::Name(name) = &left.kind else { return };
        let right = expr::eval(right, self);
        self.keep_fitting(name, |value| expr::equal(value, &right) != Some(!equal));
    }

    /// Keeps the alternatives of a variable that fit, unless none does.
    fn keep_fitting(&mut self, name: &str, fits: impl Fn(&Value<'p>) -> bool) {
        let Some(Value::Choice(values)) = self.frame.env.get(name) else { return };
        let kept: Vec<_> = values.iter().filter(|value| fits(value)).cloned().collect();
        if !kept.is_empty() && kept.len() < values.len() {
            self.set_variable(name, Value::choice(kept), true);
        }
    }
}

/// Whether two values are of those that imports bind, and not the same.
fn is_imported<'p>(one: &Value<'p>, other: &Value<'p>) -> bool {
    let is = |value: &Value<'_>| {
        matches!(value, Value::External(_) | Value::Module(_) | Value::Function(_))
    };
    is(one) && is(other) && !one.is_same(other)
}

/// The scope that has a name, looking outwards; the nearest one when none does.
fn holder<'p>(env: &Rc<Env<'p>>, name: &str) -> Rc<Env<'p>> {
    let mut scope = Some(env);
    while let Some(at) = scope {
        // The members of a class are no variables of its methods.
        let is_open = !at.is_class || Rc::ptr_eq(at, env);
        if is_open && at.vars.borrow().contains_key(name) {
            return Rc::clone(at);
        }
        scope = at.parent.as_ref();
    }
    Rc::clone(env)
}

fn put<'p>(env: &Rc<Env<'p>>, name: &str, value: Option<Value<'p>>) {
    let mut vars = env.vars.borrow_mut();
    match value {
        Some(value) => {
            vars.insert(name.into(), value);
        }
        None => {
            vars.remove(name);
        }
    }
}

/// One of several, without what is the same. A variable that only some of the ways have made is
/// what these made of it.
fn joined<'p>(values: Vec<Option<Value<'p>>>) -> Option<Value<'p>> {
    let mut out: Vec<Value<'p>> = Vec::new();
    for value in values.into_iter().flatten().flat_map(|value| value.alternatives()) {
        if !out.iter().any(|known| known.is_same(&value)) {
            out.push(value);
        }
    }
    (!out.is_empty()).then(|| Value::choice(out))
}
