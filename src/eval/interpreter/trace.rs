//! What a run left behind: the calls to the outside, the functions and classes that were met, the
//! names of every module; and the machine, which answers further questions about them.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;

use smol_str::SmolStr;

use super::probe::{Caller, Question, Seen};
use super::{Frame, Interpreter, MAX_STEPS};
use crate::eval::expr;
use crate::eval::link::{Program, Target};
use crate::eval::value::{
    Args, CallId, CallRecord, ClassValue, Closure, Env, FileId, Object, Place, Value,
};
use crate::module::{Expr, Span};

/// What a program's run left behind.
pub struct Trace<'p> {
    /// Calls to the outside, in order.
    pub calls: Rc<Vec<Rc<CallRecord<'p>>>>,
    /// Every class that was defined, in order.
    pub classes: Rc<Vec<Rc<ClassValue<'p>>>>,
    /// Every function that was defined, in order.
    pub functions: Rc<Vec<Rc<Closure<'p>>>>,
    /// Whether a limit was reached, so that the calls are not all.
    pub exhausted: bool,
    /// The program.
    pub program: &'p Program<'p>,
    /// Which module has loaded which, by whatever name.
    pub loads: BTreeSet<(FileId, FileId)>,
    /// How many calls loading the modules has made.
    loaded: u32,
    machine: RefCell<Interpreter<'p>>,
}

impl<'p> Trace<'p> {
    pub(super) fn of(mut machine: Interpreter<'p>) -> Self {
        let calls = Rc::new(std::mem::take(&mut machine.calls));
        machine.settled = Rc::clone(&calls);
        let exhausted = machine.steps == 0 || machine.cut;
        // Readers ask for values, too.
        machine.steps = MAX_STEPS;
        Self {
            calls,
            classes: Rc::new(std::mem::take(&mut machine.classes)),
            functions: Rc::new(std::mem::take(&mut machine.pending)),
            exhausted,
            loads: std::mem::take(&mut machine.loads),
            program: machine.program,
            loaded: machine.loaded,
            machine: RefCell::new(machine),
        }
    }

    /// Files that the program, or a reader, has loaded by names which it computes, and whose modules
    /// are not in the program; without those that nobody can read. None where `unread` is `None`:
    /// what is missing must do without.
    #[must_use]
    pub fn missing(&self, unread: Option<&BTreeSet<String>>) -> BTreeSet<String> {
        unread.map_or_else(BTreeSet::new, |unread| {
            self.machine.borrow().missing.difference(unread).cloned().collect()
        })
    }

    /// The records with their ids.
    pub fn records(&self) -> impl Iterator<Item = (CallId, &CallRecord<'p>)> {
        self.calls
            .iter()
            .enumerate()
            .map(|(at, call)| (CallId(u32::try_from(at).unwrap_or(u32::MAX)), &**call))
    }

    /// The record of a call, also of one that a question since the run led to.
    #[must_use]
    pub fn call(&self, id: CallId) -> Option<Rc<CallRecord<'p>>> {
        self.machine.borrow().call_record(id).map(Rc::clone)
    }

    /// The record of the call that gave a value.
    #[must_use]
    pub fn made(&self, value: &Value<'p>) -> Option<Rc<CallRecord<'p>>> {
        match value {
            Value::Native(id) => self.call(*id),
            _ => None,
        }
    }

    /// The calls through which the address came that a call to the outside is given, the innermost
    /// first; empty where the call itself gives it.
    #[must_use]
    pub fn way(&self, id: CallId) -> Vec<Place> {
        self.machine.borrow().ways.get(&id).cloned().unwrap_or_default()
    }

    /// The address of a call to the outside that the evaluation has lost track of, as a function
    /// around it was given it.
    #[must_use]
    pub fn presumed(&self, id: CallId) -> Option<Value<'p>> {
        self.machine.borrow().presumed.get(&id).cloned()
    }

    /// Whether a call is made by a method that nothing calls on the class that it is made for.
    #[must_use]
    pub fn is_supposed(&self, id: CallId) -> bool {
        self.machine.borrow().supposed.iter().any(|(first, end)| *first <= id && id < *end)
    }

    /// What a library noted of a call.
    #[must_use]
    pub fn note(&self, id: CallId) -> Option<Value<'p>> {
        self.machine.borrow().note(id)
    }

    /// What a library said that the result of a call is.
    #[must_use]
    pub fn kind(&self, id: CallId) -> Option<&'static str> {
        self.machine.borrow().kind(id)
    }

    /// The path of what a call called: `a.b`, `a.make().run`, `a.make()`.
    #[must_use]
    pub fn path_of(&self, record: &CallRecord<'p>) -> String {
        self.machine.borrow().record_path(record, 0)
    }

    /// The names of a module's top level.
    #[must_use]
    pub fn module(&self, file: FileId) -> Rc<Env<'p>> {
        Rc::clone(&self.machine.borrow().modules[file.0 as usize].env)
    }

    /// A name that a module offers to others.
    #[must_use]
    pub fn member(&self, file: FileId, name: &str) -> Value<'p> {
        self.machine.borrow_mut().member(file, name)
    }

    /// The default export of a script module.
    #[must_use]
    pub fn default_export(&self, file: FileId) -> Option<Value<'p>> {
        self.machine.borrow_mut().exported(file, "default", 0)
    }

    /// A script module's export by name; `None` when it offers none.
    #[must_use]
    pub fn exported(&self, file: FileId, name: &str) -> Option<Value<'p>> {
        self.machine.borrow_mut().exported(file, name, 0)
    }

    /// The file and the name there of what a script module exports under a name.
    #[must_use]
    pub fn origin(&self, file: FileId, name: &str) -> (FileId, SmolStr) {
        self.machine.borrow_mut().origin(file, name, 0)
    }

    /// What a function of the program gives back when it is called without arguments.
    #[must_use]
    pub fn call_with_nothing(&self, function: &Value<'p>) -> Value<'p> {
        let mut machine = self.machine.borrow_mut();
        let args = Args { open: true, ..Args::default() };
        machine.call_value(function, args, Span::default())
    }

    /// Calls something of the program: what it comes to, and the calls to the outside that it made
    /// on the way.
    #[must_use]
    pub fn run(&self, callee: &Value<'p>, args: Args<'p>) -> (Value<'p>, Vec<CallId>) {
        let mut machine = self.machine.borrow_mut();
        let first = machine.next_call();
        let value = machine.call_value(callee, args, Span::default());
        let made = first.0..machine.next_call().0;
        (value, made.map(CallId).collect())
    }

    /// The module that a dotted or relative name means to a file.
    #[must_use]
    pub fn resolve(&self, from: FileId, module: &str) -> Target {
        self.program.resolve(from, module)
    }

    /// An instance of a class, as it is before its constructor runs.
    #[must_use]
    pub fn instance(&self, class: &Rc<ClassValue<'p>>) -> Value<'p> {
        Value::Object(Rc::new(Object {
            class: Rc::clone(class),
            fields: RefCell::default(),
            native: Cell::new(None),
        }))
    }

    /// Whether a call was made by what the program's modules do when they are loaded, and not by a
    /// function that nothing calls.
    #[must_use]
    pub fn is_called(&self, id: CallId) -> bool {
        id.0 < self.loaded
    }

    /// Whether a value was put into a list under a condition that could not be decided.
    #[must_use]
    pub fn is_perhaps(&self, value: &Value<'p>) -> bool {
        self.machine.borrow().is_perhaps(value)
    }

    /// What a function of the program gives back when it is called with these, or the instance of a
    /// class that is constructed with them.
    pub fn call_with(&self, function: &Value<'p>, args: Args<'p>) -> Value<'p> {
        self.machine.borrow_mut().call_value(function, args, Span::default())
    }

    /// What a dotted path in a text means to a file: `package.module.Class`, `package:name`.
    #[must_use]
    pub fn dotted(&self, from: FileId, path: &str) -> Option<Value<'p>> {
        self.machine.borrow_mut().dotted(from, path)
    }

    /// The value of `object.name`.
    #[must_use]
    pub fn attribute(&self, object: &Value<'p>, name: &str) -> Value<'p> {
        expr::attribute(object, name, &mut *self.machine.borrow_mut())
    }

    /// The settings that the programs of a Django project run with.
    #[must_use]
    pub fn settings_of_django(&self) -> Option<FileId> {
        self.machine.borrow().settings_of_django()
    }

    /// The value of an expression in a scope, such as a parameter's default or annotation.
    #[must_use]
    pub fn value_in(&self, env: &Rc<Env<'p>>, expr: &'p Expr) -> Value<'p> {
        self.machine.borrow_mut().value_in(env, expr)
    }

    /// The value of an expression in the body of a function, before the function has done
    /// anything.
    #[must_use]
    pub fn value_within(&self, function: &Closure<'p>, expr: &'p Expr) -> Value<'p> {
        let mut machine = self.machine.borrow_mut();
        let frame = Frame {
            env: Rc::clone(&function.env),
            this: function.this.clone(),
            class: function.class.clone(),
        };
        let outer = std::mem::replace(&mut machine.frame, frame);
        let value = expr::eval(expr, &mut *machine);
        machine.frame = outer;
        value
    }

    /// A type that a function of Rust declares, with what it is made with.
    #[must_use]
    pub fn type_in(&self, function: &Closure<'p>, of: &'p Expr) -> Value<'p> {
        self.machine.borrow_mut().type_within_function(function, of)
    }

    /// The same in a scope.
    #[must_use]
    pub fn value_of_type(&self, env: &Rc<Env<'p>>, of: &'p Expr) -> Value<'p> {
        self.machine.borrow_mut().type_within_scope(env, of)
    }

    /// The attributes of the Rust module around a scope.
    #[must_use]
    pub fn module_attributes(&self, env: &Rc<Env<'p>>) -> Vec<Value<'p>> {
        self.machine.borrow().module_attributes(env)
    }

    /// Calls a function, as the program might have, with steps of its own.
    #[must_use]
    pub fn call_again(&self, function: &Value<'p>, args: Args<'p>) -> Value<'p> {
        self.machine.borrow_mut().run_again(function, args)
    }

    /// Methods of a name that the program gives to types from outside.
    #[must_use]
    pub fn extensions(&self, name: &str) -> Vec<Rc<Closure<'p>>> {
        self.machine.borrow().extensions(name)
    }

    /// A method of a value of a Rust type, bound to it.
    #[must_use]
    pub fn bound_method(&self, object: &Value<'p>, name: &str) -> Option<Value<'p>> {
        self.machine.borrow_mut().bound_method(object, name)
    }

    /// Whether questions were left open because they took too long together.
    #[must_use]
    pub fn asked_too_much(&self) -> bool {
        self.machine.borrow().asked_too_much()
    }

    /// What a function does to a caller. See [`super::probe`].
    #[must_use]
    pub fn ask(&self, caller: Rc<dyn Caller<'p> + 'p>, question: &Question<'p>) -> Seen<'p> {
        self.machine.borrow_mut().ask(caller, question)
    }
}
