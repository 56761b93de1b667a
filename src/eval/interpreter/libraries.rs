//! What libraries do while a program runs: they call functions that they are given, hand out
//! objects that the program goes on to use, and keep what it stores on these.
//!
//! The evaluation knows no library. Whoever reads one gives a [`Library`] along, which is told of
//! each call to the outside when it is made.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use smol_str::SmolStr;

use super::{Frame, Interpreter};
use crate::eval::expr;
use crate::eval::link::{Program, Target};
use crate::eval::value::{
    Args, CallId, CallRecord, ClassValue, Closure, Env, FileId, Place, Value,
};
use crate::module::{Expr, Function, Span};
use crate::source::Language;

/// The most objects that inherit from each other in a row.
const MAX_INHERITANCE: usize = 64;

/// What a library does within the program that uses it.
#[derive(Clone, Copy)]
pub struct Library {
    /// Told of each call to the outside. It may call back, and it gives the value of the call;
    /// `None` where that is nothing but [the call's result](Value::Native).
    pub called: for<'h, 'p> fn(&mut Host<'h, 'p>, CallId) -> Option<Value<'p>>,
    /// Whether it would call a function that nothing in the program calls, by how that looks.
    pub would_call: for<'h, 'p> fn(&Host<'h, 'p>, &Closure<'p>) -> bool,
    /// Calls such a function, once everything else has run; false when it would not after all.
    pub call: for<'h, 'p> fn(&mut Host<'h, 'p>, &Rc<Closure<'p>>) -> bool,
}

/// What is kept of the objects that libraries made.
#[derive(Default)]
pub(super) struct Natives<'p> {
    kinds: BTreeMap<CallId, &'static str>,
    attributes: BTreeMap<(CallId, SmolStr), Value<'p>>,
    parents: BTreeMap<CallId, CallId>,
    notes: BTreeMap<CallId, Value<'p>>,
    /// What was added to the objects that a request is answered with, by their path and name.
    requests: BTreeMap<(&'static str, SmolStr), Value<'p>>,
    /// The declared types of functions that are the values of names.
    declared: BTreeMap<*const Function, &'p Expr>,
    /// Functions that a library has called.
    called: BTreeSet<*const Function>,
    /// What waits for a function that is given elsewhere, by what asks for it.
    later: Vec<Later<'p>>,
    /// These functions.
    answers: BTreeMap<&'static str, Value<'p>>,
}

/// A call that waits for its function.
struct Later<'p> {
    of: &'static str,
    args: Args<'p>,
    place: Place,
    /// The scope that it stands in.
    env: Rc<Env<'p>>,
}

/// The most calls that wait for a function.
const MAX_LATER: usize = 20_000;

impl<'p> Natives<'p> {
    fn ancestors(&self, id: CallId) -> impl Iterator<Item = CallId> + '_ {
        std::iter::successors(Some(id), |id| self.parents.get(id).copied()).take(MAX_INHERITANCE)
    }

    fn root(&self, id: CallId) -> CallId {
        self.ancestors(id).last().unwrap_or(id)
    }
}

impl<'p> Interpreter<'p> {
    /// Records a call to the outside, and lets libraries do what they do then.
    pub(super) fn call_outside(
        &mut self,
        callee: Value<'p>,
        args: Args<'p>,
        span: Span,
    ) -> Value<'p> {
        let id = self.record(callee, args, span, None);
        self.react(id).unwrap_or(Value::Native(id))
    }

    /// Lets libraries do what they do at a call; `None` where its value is nothing but its result.
    pub(super) fn react(&mut self, id: CallId) -> Option<Value<'p>> {
        if self.probing() {
            return None;
        }
        let libraries = self.libraries;
        libraries.iter().find_map(|library| (library.called)(&mut Host { machine: self }, id))
    }

    /// What is stored on an object of a library.
    pub(super) fn stored(&self, object: &Value<'p>, name: &str) -> Option<Value<'p>> {
        let (id, path) = object.native_path()?;
        let key = dotted(&path, name);
        let natives = &self.natives;
        let found = natives.ancestors(id).find_map(|id| natives.attributes.get(&(id, key.clone())));
        // What a script keeps on an object is called on it.
        found.map(|value| {
            if self.language() == Language::Python { value.clone() } else { on(value, object) }
        })
    }

    /// Stores something on an object of a library. What is stored below an attribute of it is seen
    /// by all that inherit the attribute.
    pub(super) fn store(&mut self, object: &Value<'p>, name: &str, value: Value<'p>) {
        let Some((id, path)) = object.native_path() else { return };
        let id = if path.is_empty() { id } else { self.natives.root(id) };
        let conditional = self.conditional > 0;
        let slot = self.natives.attributes.entry((id, dotted(&path, name))).or_default();
        *slot = match &*slot {
            Value::Unknown => value,
            before if conditional => Value::choice(vec![before.clone(), value]),
            _ => value,
        };
    }

    /// What was added to a request or a response, by its path.
    pub(super) fn added_to_request(&self, path: &str, name: &str) -> Option<Value<'p>> {
        let natives = &self.natives;
        let (_, value) =
            natives.requests.iter().find(|((known, added), _)| *known == path && added == name)?;
        Some(on(value, &Value::External(path.into())))
    }

    /// Takes note of the declared type of a function.
    pub(super) fn declare(&mut self, value: &Value<'p>, annotation: Option<&'p Expr>) {
        if let (Value::Function(closure), Some(annotation)) = (value, annotation) {
            self.natives.declared.insert(closure.function, annotation);
        }
    }

    /// Whether a library would call a function that nothing else calls.
    pub(super) fn awaits_library(&mut self, closure: &Closure<'p>) -> bool {
        let libraries = self.libraries;
        libraries.iter().any(|library| (library.would_call)(&Host { machine: self }, closure))
    }

    /// Lets the library that would call a function do so; false when none does.
    pub(super) fn let_library_call(&mut self, closure: &Rc<Closure<'p>>) -> bool {
        if self.natives.called.contains(&std::ptr::from_ref(closure.function)) {
            return true;
        }
        let libraries = self.libraries;
        let mut host = Host { machine: self };
        libraries.iter().any(|it| (it.would_call)(&host, closure) && (it.call)(&mut host, closure))
    }

    /// Makes the calls that have waited for a function which is given elsewhere in the program.
    pub(super) fn call_later(&mut self) {
        for later in std::mem::take(&mut self.natives.later) {
            let Some(function) = self.natives.answers.get(later.of).cloned() else { continue };
            let frame = Frame { env: later.env, this: None, class: None };
            let outer = std::mem::replace(&mut self.frame, frame);
            self.call_value(&function, later.args, later.place.span);
            self.frame = outer;
        }
    }

    /// What a library noted of a call.
    pub(super) fn note(&self, id: CallId) -> Option<Value<'p>> {
        self.natives.notes.get(&id).cloned()
    }

    /// What a library said that the result of a call is.
    pub(super) fn kind(&self, id: CallId) -> Option<&'static str> {
        self.natives.kinds.get(&id).copied()
    }
}

fn dotted(path: &str, name: &str) -> SmolStr {
    if path.is_empty() { name.into() } else { SmolStr::from(format!("{path}.{name}")) }
}

/// A function that is stored on an object is called on it, unless it belongs to an object of the
/// program's.
fn on<'p>(value: &Value<'p>, object: &Value<'p>) -> Value<'p> {
    match value {
        Value::Function(closure) if !matches!(closure.this, Some(Value::Object(_))) => {
            Value::Function(Rc::new(closure.on(object.clone())))
        }
        other => other.clone(),
    }
}

/// The running program, as a library sees it.
pub struct Host<'h, 'p> {
    machine: &'h mut Interpreter<'p>,
}

impl<'p> Host<'_, 'p> {
    /// The record of a call.
    #[must_use]
    pub fn record(&self, id: CallId) -> Option<Rc<CallRecord<'p>>> {
        self.machine.call_record(id).map(Rc::clone)
    }

    /// The program.
    #[must_use]
    pub fn program(&self) -> &'p Program<'p> {
        self.machine.program
    }

    /// What a library said that the result of a call is.
    #[must_use]
    pub fn kind(&self, id: CallId) -> Option<&'static str> {
        self.machine.kind(id)
    }

    /// Whether anything is of a kind.
    #[must_use]
    pub fn has_kind(&self, kind: &str) -> bool {
        self.machine.natives.kinds.values().any(|known| *known == kind)
    }

    /// Says what the result of a call is.
    pub fn set_kind(&mut self, id: CallId, kind: &'static str) {
        self.machine.natives.kinds.insert(id, kind);
    }

    /// Says that the result of a call has what is stored on that of another.
    pub fn inherit(&mut self, child: CallId, parent: CallId) {
        if child != parent {
            self.machine.natives.parents.insert(child, parent);
        }
    }

    /// The result of a call and those that it inherits from, nearest first.
    #[must_use]
    pub fn lineage(&self, id: CallId) -> Vec<CallId> {
        self.machine.natives.ancestors(id).collect()
    }

    /// Stores something on the result of a call, under a name with dots for what lies deeper.
    pub fn store(&mut self, id: CallId, name: &str, value: Value<'p>) {
        self.machine.store(&Value::Native(id), name, value);
    }

    /// What is stored on the result of a call itself.
    #[must_use]
    pub fn stored(&self, id: CallId, name: &str) -> Option<Value<'p>> {
        self.machine.natives.attributes.get(&(id, name.into())).cloned()
    }

    /// Adds something to the objects that requests are answered with.
    pub fn add_to_request(&mut self, object: &'static str, name: &str, value: Value<'p>) {
        self.machine.natives.requests.insert((object, name.into()), value);
    }

    /// Notes something of a call, for those who read the trace.
    pub fn note(&mut self, id: CallId, value: Value<'p>) {
        self.machine.natives.notes.insert(id, value);
    }

    /// What is noted of a call.
    #[must_use]
    pub fn noted(&self, id: CallId) -> Option<Value<'p>> {
        self.machine.note(id)
    }

    /// Records a call that the library makes by itself.
    pub fn record_call(&mut self, path: &str, args: Args<'p>, place: Place) -> CallId {
        let id = self.machine.record(Value::External(path.into()), args, place.span, None);
        self.machine.settle_place(id, place);
        id
    }

    /// Calls a function of the program, on an object where it has none of its own.
    pub fn call(
        &mut self,
        callee: &Value<'p>,
        this: Option<Value<'p>>,
        args: Args<'p>,
        place: Place,
    ) -> Value<'p> {
        let callee = match (callee, this) {
            (Value::Function(closure), this) => {
                self.machine.natives.called.insert(closure.function);
                match this {
                    Some(this) => on(callee, &this),
                    None => callee.clone(),
                }
            }
            _ => callee.clone(),
        };
        self.machine.call_value(&callee, args, place.span)
    }

    /// The instance of a class that all who ask for one share.
    pub fn instance_of(&mut self, class: &Rc<ClassValue<'p>>) -> Value<'p> {
        self.machine.some_instance(class)
    }

    /// Calls, once everything has run, the function that is [given](Host::answer_later) for this.
    pub fn later(&mut self, of: &'static str, args: Args<'p>, place: Place) {
        let env = Rc::clone(&self.machine.frame.env);
        let later = &mut self.machine.natives.later;
        if later.len() < MAX_LATER {
            later.push(Later { of, args, place, env });
        } else {
            self.machine.cut = true;
        }
    }

    /// Gives the function that calls have waited for, or will; the first counts.
    pub fn answer_later(&mut self, of: &'static str, function: Value<'p>) {
        if matches!(function, Value::Function(_)) {
            self.machine.natives.answers.entry(of).or_insert(function);
        }
    }

    /// Does something under a condition that nobody knows.
    pub fn maybe<T>(&mut self, conditional: bool, work: impl FnOnce(&mut Self) -> T) -> T {
        self.machine.conditional += usize::from(conditional);
        let result = work(self);
        self.machine.conditional -= usize::from(conditional);
        result
    }

    /// The value of an expression in a scope, such as a parameter's type.
    pub fn value_in(&mut self, env: &Rc<Env<'p>>, expr: &'p Expr) -> Value<'p> {
        self.machine.value_in(env, expr)
    }

    /// The value of `object.name`.
    pub fn attribute(&mut self, object: &Value<'p>, name: &str) -> Value<'p> {
        expr::attribute(object, name, self.machine)
    }

    /// A module of the program by its path; one that is not in it yet is asked for.
    pub fn file(&mut self, path: &str) -> Option<FileId> {
        match self.machine.program.file_at(path)? {
            Target::File(file) => Some(file),
            Target::Missing(path) => {
                self.machine.missing.insert(path);
                None
            }
            _ => None,
        }
    }

    /// What a dotted path in a text means to a file.
    pub fn dotted(&mut self, from: FileId, path: &str) -> Option<Value<'p>> {
        self.machine.dotted(from, path)
    }

    /// The calls so far of something outside the program.
    #[must_use]
    pub fn calls_of(&self, path: &str) -> Vec<CallId> {
        let calls = self.machine.calls.iter().enumerate();
        calls
            .filter(|(_, call)| call.path() == Some(path))
            .map(|(at, _)| CallId(u32::try_from(at).unwrap_or(u32::MAX)))
            .collect()
    }

    /// The class whose body a scope is.
    #[must_use]
    pub fn class_of(&self, env: &Rc<Env<'p>>) -> Option<Rc<ClassValue<'p>>> {
        let classes = self.machine.classes.iter();
        classes.rev().find(|class| Rc::ptr_eq(&class.env, env)).map(Rc::clone)
    }

    /// What a module offers under a name; `None` when it offers nothing of it.
    pub fn exported(&mut self, file: FileId, name: &str) -> Option<Value<'p>> {
        self.machine.exported(file, name, 0)
    }

    /// The declared type of the name that a function is the value of.
    #[must_use]
    pub fn declared(&self, closure: &Closure<'p>) -> Option<&'p Expr> {
        self.machine.natives.declared.get(&std::ptr::from_ref(closure.function)).copied()
    }
}
