//! Functions whose runs tell readers nothing: with the same arguments they are not run again. A
//! job that a scheduler, a command and three handlers start would cost five times, and a service
//! that calls services multiplies.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use smol_str::SmolStr;

use super::Interpreter;
use crate::eval::value::{Args, CallId, Closure, Env, Object, Value};
use crate::module::Function;

/// The steps above which a run is remembered. What registers routes stays below, or tells.
const MANY_STEPS: u32 = 5_000;
/// The same among functions that nothing of the program calls: nobody knows what these are run
/// with, and most of what they do was done before. Below, running costs no more than comparing.
const FEW_STEPS: u32 = 24;
/// The most costly runs of one function, with different arguments.
const MAX_COSTLY: usize = 4;
/// The most runs of one function that are remembered.
const MAX_REMEMBERED: usize = 8;
/// The steps that a function takes which never tells anything, over all its runs among functions
/// that nothing calls.
const MAX_SILENT_STEPS: u32 = 20_000;
/// How deep values are compared and copied.
const MAX_DEPTH: usize = 3;
/// The most items of lists, maps, objects and scopes that are compared.
const MAX_COMPARED: usize = 32;
/// Methods of texts: what they are given is no route.
const OF_TEXTS: &[&str] = &[
    "concat",
    "count",
    "endsWith",
    "endswith",
    "find",
    "includes",
    "indexOf",
    "join",
    "lastIndexOf",
    "lstrip",
    "match",
    "partition",
    "removeprefix",
    "removesuffix",
    "replace",
    "replaceAll",
    "rpartition",
    "rsplit",
    "rstrip",
    "split",
    "startsWith",
    "startswith",
    "strip",
    "test",
];

/// What the runs of a program's functions cost and told.
pub(super) struct Worn<'p> {
    /// Whether a dotted path leads into a library that readers look at, and what it said.
    names_library: fn(&str) -> bool,
    named: RefCell<HashMap<SmolStr, bool>>,
    /// By the number of a call, whether what it gave belongs to such a library.
    native: Vec<bool>,
    /// How many calls have told something.
    told: u32,
    /// Whether functions run that nothing of the program calls.
    pub(super) blind: bool,
    habits: HashMap<*const Function, Habit<'p>>,
}

/// What is known of a function.
#[derive(Default)]
struct Habit<'p> {
    /// Whether a run of it has ever told something.
    told: bool,
    /// The steps of all its runs.
    steps: u32,
    runs: Vec<Run<'p>>,
}

/// A run that told nothing.
struct Run<'p> {
    env: Rc<Env<'p>>,
    this: Option<Value<'p>>,
    args: Args<'p>,
    value: Value<'p>,
    /// What it gave and left on the object that it was called on, as it was then: who got them may
    /// have changed them since.
    kept: Value<'p>,
    left: Vec<(SmolStr, Value<'p>)>,
    /// How often it was run like that.
    times: u32,
    is_costly: bool,
    /// Whether it gave the very same thing each time, and not one made anew.
    is_shared: bool,
}

/// Where a run began.
#[derive(Clone, Copy)]
pub(super) struct Begun {
    steps: u32,
    told: u32,
}

impl<'p> Interpreter<'p> {
    /// What a function that is worn gave for the same arguments.
    pub(super) fn worn(&self, closure: &Closure<'p>, args: &Args<'p>) -> Option<Value<'p>> {
        if self.probing() {
            return None;
        }
        let worn = &self.worn;
        let pointer: *const Function = closure.function;
        let habit = worn.habits.get(&pointer)?;
        // The second run has shown whether what it gives is its own.
        let is_known = |run: &&Run<'p>| run.is_costly || worn.blind && run.times > 1;
        let mut known = habit.runs.iter().filter(is_known);
        if let Some(run) = known.find(|run| worn.is_again(run, closure, args)) {
            return Some(run.again(closure, args));
        }
        // What told nothing so often will not begin to.
        let is_hopeless = habit.runs.iter().filter(|run| run.is_costly).count() >= MAX_COSTLY
            || worn.blind && !habit.told && habit.steps > MAX_SILENT_STEPS;
        is_hopeless.then_some(Value::Unknown)
    }

    /// Where a run begins.
    pub(super) fn begun(&self) -> Begun {
        Begun { steps: self.steps, told: self.worn.told }
    }

    /// Remembers a run that told nothing.
    pub(super) fn wear(
        &mut self,
        begun: Begun,
        closure: &Closure<'p>,
        args: Args<'p>,
        value: &Value<'p>,
    ) {
        let steps = begun.steps.saturating_sub(self.steps);
        let is_costly = steps >= MANY_STEPS;
        if self.probing() || !is_costly && (!self.worn.blind || steps < FEW_STEPS) {
            return;
        }
        let pointer: *const Function = closure.function;
        let mut habit = self.worn.habits.remove(&pointer).unwrap_or_default();
        habit.steps = habit.steps.saturating_add(steps);
        if begun.told != self.worn.told {
            habit.told = true;
        } else if let Some(at) =
            habit.runs.iter().position(|run| self.worn.is_again(run, closure, &args))
        {
            let run = &mut habit.runs[at];
            run.times += 1;
            run.is_costly |= is_costly;
            run.is_shared = run.value.is_same(value);
            run.value = value.clone();
            run.kept = anew(value, MAX_DEPTH);
            run.left = left_on(closure);
        } else if habit.runs.len() < MAX_REMEMBERED {
            habit.runs.push(Run {
                env: Rc::clone(&closure.env),
                this: closure.this.clone(),
                args,
                value: value.clone(),
                kept: anew(value, MAX_DEPTH),
                left: left_on(closure),
                times: 1,
                is_costly,
                is_shared: true,
            });
        }
        self.worn.habits.insert(pointer, habit);
    }
}

impl<'p> Run<'p> {
    /// What comes of it if it is run again: what it gave, and what it did to what it was called on
    /// and with.
    fn again(&self, closure: &Closure<'p>, args: &Args<'p>) -> Value<'p> {
        if let (Some(Value::Object(known)), Some(Value::Object(this))) = (&self.this, &closure.this)
            && !Rc::ptr_eq(known, this)
        {
            let mut fields = this.fields.borrow_mut();
            for (name, value) in &self.left {
                fields.entry(name.clone()).or_insert_with(|| anew(value, MAX_DEPTH));
            }
        }
        for (known, arg) in self.args.positional.iter().zip(&args.positional) {
            if let (Value::Function(known), Value::Function(arg)) = (known, arg)
                && known.entered.get()
            {
                arg.entered.set(true);
            }
        }
        if self.is_shared { self.value.clone() } else { anew(&self.kept, MAX_DEPTH) }
    }
}

/// What stands on the object that a function was called on, made anew.
fn left_on<'p>(closure: &Closure<'p>) -> Vec<(SmolStr, Value<'p>)> {
    match &closure.this {
        Some(Value::Object(object)) => {
            let fields = object.fields.borrow();
            fields.iter().map(|(name, value)| (name.clone(), anew(value, MAX_DEPTH))).collect()
        }
        _ => Vec::new(),
    }
}

/// The same value made anew, so that each of those who get it may change it.
fn anew<'p>(value: &Value<'p>, depth: usize) -> Value<'p> {
    let Some(depth) = depth.checked_sub(1) else { return value.clone() };
    match value {
        Value::List(items) => {
            Value::list(items.borrow().iter().map(|item| anew(item, depth)).collect())
        }
        Value::Map(entries) => {
            let entries = entries.borrow();
            let entries = entries.iter().map(|(key, value)| (key.clone(), anew(value, depth)));
            Value::map_at(entries.collect(), value.map_place())
        }
        Value::Object(object) => {
            let fields = object.fields.borrow();
            let fields = fields.iter().map(|(name, value)| (name.clone(), anew(value, depth)));
            Value::Object(Rc::new(Object {
                class: Rc::clone(&object.class),
                fields: RefCell::new(fields.collect()),
                native: object.native.clone(),
            }))
        }
        other => other.clone(),
    }
}

/// What tells readers something.
impl<'p> Worn<'p> {
    pub(super) fn new(names_library: fn(&str) -> bool) -> Self {
        Self {
            names_library,
            named: RefCell::default(),
            native: Vec::new(),
            told: 0,
            blind: false,
            habits: HashMap::new(),
        }
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
            Value::External(path) => self.tells(path),
            Value::Native(id) => self.is_native(*id),
            Value::Object(object) => self.is_of_library(object),
            _ => false,
        };
        self.native.push(native);
        let is_of_text = matches!(
            callee,
            Value::Method(method) if OF_TEXTS.contains(&method.1.as_str())
        );
        let is_address = |value: &Value<'p>| match value {
            Value::Text(text) => !is_of_text && looks_like_route(&text.to_string()),
            _ => false,
        };
        if native
            || args.positional.iter().any(is_address)
            || args.named.iter().any(|(_, value)| is_address(value))
        {
            self.told = self.told.saturating_add(1);
        }
    }

    /// Whether a dotted path leads into a library that readers look at.
    pub(super) fn tells(&self, path: &SmolStr) -> bool {
        if let Some(tells) = self.named.borrow().get(path) {
            return *tells;
        }
        let tells = (self.names_library)(path);
        self.named.borrow_mut().insert(path.clone(), tells);
        tells
    }

    /// Whether what a call gave belongs to such a library.
    fn is_native(&self, id: CallId) -> bool {
        self.native.get(id.0 as usize).copied().unwrap_or(true)
    }

    /// Whether an object may be one of such a library.
    fn is_of_library(&self, object: &Object<'p>) -> bool {
        if let Some(id) = object.native.get() {
            return self.is_native(id);
        }
        let (classes, externals) = object.class.ancestry();
        let is_anything =
            |base: &Value<'p>| matches!(base, Value::Unknown | Value::Native(_) | Value::Method(_));
        externals.iter().any(|path| self.tells(path))
            || classes.iter().flat_map(|class| &class.bases).any(is_anything)
    }
}

/// Whether a text may be the path of a route, and not of a file or a server.
fn looks_like_route(text: &str) -> bool {
    text.contains('/') && !text.starts_with('.') && !text.contains("://")
}

/// What a function can hardly tell apart.
impl<'p> Worn<'p> {
    /// Whether a call would be the same run again.
    fn is_again(&self, run: &Run<'p>, closure: &Closure<'p>, args: &Args<'p>) -> bool {
        // A constructor meets an object that has nothing yet.
        let is_constructor =
            matches!(closure.function.name.as_deref(), Some("__init__" | "constructor"));
        let this = match (&run.this, &closure.this) {
            (Some(Value::Object(a)), Some(Value::Object(b))) if run.is_costly || is_constructor => {
                Rc::ptr_eq(&a.class, &b.class)
            }
            (Some(a), Some(b)) => self.is_alike(a, b, MAX_DEPTH),
            (a, b) => a.is_none() && b.is_none(),
        };
        this && self.are_alike(&run.args, args)
            && (run.is_costly || self.are_alike_scopes(&run.env, &closure.env))
    }

    fn are_alike(&self, a: &Args<'p>, b: &Args<'p>) -> bool {
        a.open == b.open
            && a.positional.len() == b.positional.len()
            && a.named.len() == b.named.len()
            && a.positional.iter().zip(&b.positional).all(|(a, b)| self.is_alike(a, b, MAX_DEPTH))
            && self.are_alike_fields(
                a.named.iter().map(|(name, value)| (name, value)),
                b.named.iter().map(|(name, value)| (name, value)),
                MAX_DEPTH,
            )
    }

    /// Whether what a function finds around it is the same.
    fn are_alike_scopes(&self, a: &Rc<Env<'p>>, b: &Rc<Env<'p>>) -> bool {
        if Rc::ptr_eq(a, b) {
            return true;
        }
        let (vars, others) = (a.vars.borrow(), b.vars.borrow());
        vars.len() == others.len()
            && self.are_alike_fields(vars.iter(), others.iter(), MAX_DEPTH - 1)
            && match (&a.parent, &b.parent) {
                (Some(a), Some(b)) => self.are_alike_scopes(a, b),
                (a, b) => a.is_none() && b.is_none(),
            }
    }

    /// Whether as many names have values alike.
    fn are_alike_fields<'v>(
        &self,
        a: impl ExactSizeIterator<Item = (&'v SmolStr, &'v Value<'p>)>,
        b: impl Iterator<Item = (&'v SmolStr, &'v Value<'p>)>,
        depth: usize,
    ) -> bool
    where
        'p: 'v,
    {
        a.len() <= MAX_COMPARED
            && a.zip(b).all(|(a, b)| a.0 == b.0 && self.is_alike(a.1, b.1, depth))
    }

    /// Whether a function can hardly tell two values apart.
    fn is_alike(&self, a: &Value<'p>, b: &Value<'p>, depth: usize) -> bool {
        if a.is_same(b) || self.is_opaque(a) && self.is_opaque(b) {
            return true;
        }
        let Some(depth) = depth.checked_sub(1) else { return false };
        let all = |a: &[Value<'p>], b: &[Value<'p>]| {
            a.len() == b.len()
                && a.len() <= MAX_COMPARED
                && a.iter().zip(b).all(|(a, b)| self.is_alike(a, b, depth))
        };
        match (a, b) {
            (Value::List(a), Value::List(b)) => all(&a.borrow(), &b.borrow()),
            (Value::Choice(a), Value::Choice(b)) => all(a, b),
            (Value::Map(a), Value::Map(b)) => {
                let (a, b) = (a.borrow(), b.borrow());
                a.len() == b.len()
                    && a.len() <= MAX_COMPARED
                    && a.iter().zip(b.iter()).all(|(a, b)| {
                        self.is_alike(&a.0, &b.0, depth) && self.is_alike(&a.1, &b.1, depth)
                    })
            }
            (Value::Object(a), Value::Object(b)) => {
                let tells =
                    |object: &Object<'p>| object.native.get().is_some_and(|id| self.is_native(id));
                let (of_a, of_b) = (a.fields.borrow(), b.fields.borrow());
                Rc::ptr_eq(&a.class, &b.class)
                    && !tells(a)
                    && !tells(b)
                    && of_a.len() == of_b.len()
                    && self.are_alike_fields(of_a.iter(), of_b.iter(), depth)
            }
            (Value::Function(a), Value::Function(b)) => {
                std::ptr::eq(a.function, b.function)
                    && match (&a.this, &b.this) {
                        (Some(a), Some(b)) => self.is_alike(a, b, depth),
                        (a, b) => a.is_none() && b.is_none(),
                    }
            }
            (Value::Class(a), Value::Class(b)) => std::ptr::eq(a.class, b.class),
            (Value::Method(a), Value::Method(b)) => a.1 == b.1 && self.is_alike(&a.0, &b.0, depth),
            _ => false,
        }
    }

    /// Whether a function learns nothing from a value but that there is one.
    fn is_opaque(&self, value: &Value<'p>) -> bool {
        match value {
            Value::Unknown => true,
            Value::External(path) => !self.tells(path),
            Value::Native(id) => !self.is_native(*id),
            Value::Method(method) => self.is_opaque(&method.0),
            _ => false,
        }
    }
}
