//! What decorators of scripts did to classes and their methods, in the order in which they did it:
//! from the innermost to the outermost, through the helpers that apply several.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::notes::{Noted, Plain, key};
use crate::eval::interpreter::Trace;
use crate::eval::value::{Args, CallRecord, ClassValue, Closure, Place, Value};

/// Helpers within each other that are followed.
const MAX_NESTING: usize = 8;
/// Decorators of one class or method.
const MAX_DECORATORS: usize = 512;

/// A decorator that was applied: the call that made it, or for one that is no call the one that
/// applied it.
#[derive(Debug, Clone)]
pub struct Decoration<'p> {
    /// Its path: `@nestjs/common.Get`.
    pub path: String,
    /// What it was made with.
    pub args: Args<'p>,
    /// The call that made it.
    pub made: Option<Rc<CallRecord<'p>>>,
    /// Whether it is one of several of which it is not known which is applied.
    pub conditional: bool,
}

/// What was done to one class or method.
#[derive(Debug, Default)]
pub struct Applied<'p> {
    /// The decorators, innermost first.
    pub decorations: Vec<Decoration<'p>>,
    /// Whether something unknown was applied as well.
    pub open: bool,
}

/// What was done to every class and method of a program.
#[derive(Debug, Default)]
pub struct Decorations<'p> {
    of: BTreeMap<usize, Applied<'p>>,
}

/// What a decorator is applied to.
#[derive(Clone, Copy)]
enum Target<'v, 'p> {
    Class(&'v Rc<ClassValue<'p>>),
    Method(&'v Rc<Closure<'p>>),
}

impl<'v, 'p> Target<'v, 'p> {
    /// What a decorator's arguments say it is applied to.
    fn of(args: &'v Args<'p>, method: &'v Option<Value<'p>>) -> Option<Self> {
        match (args.positional.as_slice(), method) {
            ([Value::Class(class)], _) => Some(Self::Class(class)),
            ([Value::Class(_), _, Value::Map(_)], Some(Value::Function(closure))) => {
                Some(Self::Method(closure))
            }
            _ => None,
        }
    }

    fn key(self) -> usize {
        match self {
            Self::Class(class) => class_key(class),
            Self::Method(closure) => method_key(closure),
        }
    }

    fn decorators(self) -> &'v [Value<'p>] {
        match self {
            Self::Class(class) => &class.decorators,
            Self::Method(closure) => &closure.decorators,
        }
    }
}

fn class_key(class: &Rc<ClassValue<'_>>) -> usize {
    Rc::as_ptr(class) as usize
}

/// Every copy of a function is the same.
fn method_key(closure: &Rc<Closure<'_>>) -> usize {
    Rc::as_ptr(&closure.entered) as usize
}

/// The function that a description of a property holds.
fn described<'p>(args: &Args<'p>) -> Option<Value<'p>> {
    args.positional.get(2)?.entry("value")
}

impl<'p> Decorations<'p> {
    /// What the run of a program applied.
    #[must_use]
    pub fn of(trace: &Trace<'p>) -> Self {
        let mut out = Self::default();
        for record in trace.calls.iter() {
            out.applied(trace, record, 0);
        }
        out
    }

    /// What was applied to a class itself, not to its bases.
    #[must_use]
    pub fn class(&self, class: &Rc<ClassValue<'p>>) -> Option<&Applied<'p>> {
        self.of.get(&class_key(class))
    }

    /// What was applied to a method.
    #[must_use]
    pub fn method(&self, closure: &Rc<Closure<'p>>) -> Option<&Applied<'p>> {
        self.of.get(&method_key(closure))
    }

    /// Takes note of a call if it applies a decorator.
    fn applied(&mut self, trace: &Trace<'p>, record: &Rc<CallRecord<'p>>, depth: usize) {
        if record.class.is_some() {
            return;
        }
        if let Some("Reflect.defineMetadata") = record.path() {
            self.defined(record);
            return;
        }
        let method = described(&record.args);
        let Some(target) = Target::of(&record.args, &method) else { return };
        match &record.callee {
            Value::Native(_) => {
                self.add(trace, target, &record.callee, &record.args, record.conditional, depth);
            }
            // One that is no call: of all that may be called with a class, only what is written as
            // a decorator.
            Value::External(_)
                if target.decorators().iter().any(|known| known.is_same(&record.callee)) =>
            {
                self.add(trace, target, &record.callee, &record.args, record.conditional, depth);
            }
            _ => {}
        }
    }

    /// `Reflect.defineMetadata(key, value, target, property?)`.
    fn defined(&mut self, record: &Rc<CallRecord<'p>>) {
        let property = record.args.positional.get(3).and_then(Value::as_str);
        let key = match (record.args.positional.get(2), property) {
            (Some(Value::Class(class)), None) => class_key(class),
            (Some(Value::Class(class)), Some(name)) => match class.attribute(name) {
                Some((Value::Function(closure), _)) => method_key(&closure),
                _ => return,
            },
            (Some(Value::Function(closure)), _) => method_key(closure),
            _ => return,
        };
        self.push(
            key,
            Decoration {
                path: "Reflect.defineMetadata".to_owned(),
                args: record.args.clone(),
                made: Some(Rc::clone(record)),
                conditional: record.conditional,
            },
        );
    }

    fn push(&mut self, key: usize, decoration: Decoration<'p>) {
        let applied = self.of.entry(key).or_default();
        if applied.decorations.len() < MAX_DECORATORS {
            applied.decorations.push(decoration);
        } else {
            applied.open = true;
        }
    }

    fn add(
        &mut self,
        trace: &Trace<'p>,
        target: Target<'_, 'p>,
        decorator: &Value<'p>,
        given: &Args<'p>,
        conditional: bool,
        depth: usize,
    ) {
        let applied = self.of.entry(target.key()).or_default();
        applied.open |= depth > MAX_NESTING || target.decorators().iter().any(is_unknown);
        if depth > MAX_NESTING {
            return;
        }
        match decorator {
            Value::Native(_) => {
                let Some(made) = trace.made(decorator) else { return };
                let path = trace.path_of(&made);
                if path.rsplit('.').next() == Some("applyDecorators") {
                    applied.open |= made.args.open;
                    for inner in &made.args.positional {
                        self.add(trace, target, inner, given, conditional, depth + 1);
                    }
                    return;
                }
                let args = made.args.clone();
                let made = Some(made);
                self.push(target.key(), Decoration { path, args, made, conditional });
            }
            Value::External(path) => {
                let (path, args) = (path.to_string(), Args::default());
                self.push(target.key(), Decoration { path, args, made: None, conditional });
            }
            Value::List(items) => {
                for inner in items.borrow().iter() {
                    self.add(trace, target, inner, given, conditional, depth + 1);
                }
            }
            Value::Choice(values) => {
                for inner in values.iter() {
                    self.add(trace, target, inner, given, true, depth + 1);
                }
            }
            // A decorator of the program within a helper of the library, which calls it.
            Value::Function(_) => {
                let (_, calls) = trace.run(decorator, given.clone());
                for record in calls.into_iter().filter_map(|id| trace.call(id)) {
                    self.applied(trace, &record, depth + 1);
                }
            }
            _ => applied.open = true,
        }
    }
}

fn is_unknown(value: &Value<'_>) -> bool {
    match value {
        Value::Unknown => true,
        Value::Choice(values) => values.iter().any(is_unknown),
        _ => false,
    }
}

impl<'p> Applied<'p> {
    /// Adds what was noted, in the order in which it was, to what is noted already.
    pub fn note(&self, trace: &Trace<'p>, noted: &mut Noted) {
        noted.open |= self.open;
        for decoration in &self.decorations {
            let Some((at, value)) = decoration.noted(trace) else { continue };
            let value = if decoration.conditional { Plain::Unknown } else { value };
            noted.set(at, value);
        }
    }
}

impl<'p> Decoration<'p> {
    /// The last part of its path.
    #[must_use]
    pub fn name(&self) -> &str {
        self.path.rsplit('.').next().unwrap_or(&self.path)
    }

    /// Where it is written.
    #[must_use]
    pub fn place(&self) -> Option<Place> {
        self.made.as_ref().map(|made| made.place)
    }

    /// The key and the value that it notes; `None` where it notes nothing.
    fn noted(&self, trace: &Trace<'p>) -> Option<(Option<String>, Plain)> {
        let plain = |at: usize| self.args.positional.get(at).map_or(Plain::None, Plain::of);
        match self.name() {
            "SetMetadata" | "defineMetadata" | "metadata" => {
                Some((self.args.positional.first().and_then(key), plain(1)))
            }
            _ => {
                // `const Roles = Reflector.createDecorator()`, used as `@Roles(["admin"])`.
                let maker = self.made.as_ref()?.applied()?;
                let factory = trace.call(maker)?;
                trace
                    .path_of(&factory)
                    .ends_with("Reflector.createDecorator")
                    .then(|| (key(&Value::Native(maker)), plain(0)))
            }
        }
    }
}
