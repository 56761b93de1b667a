//! Asks what a function does to a caller: whether it lets them go on, refuses them, or answers.
//!
//! The function runs like any other of the program, on values that a [`Caller`] gives: it says what
//! a request tells about who sent it, and what libraries do with that. Where nobody knows which way
//! is taken, all are, and what is met there counts as possible only.

use std::collections::BTreeMap;
use std::rc::Rc;

use smol_str::SmolStr;

use super::{Interpreter, Thrown};
use crate::eval::expr;
use crate::eval::value::{Args, CallRecord, ClassValue, Closure, Env, Value};
use crate::module::{Param, Span};
use crate::source::Language;

/// Steps that one question may take.
const MAX_STEPS: u32 = 100_000;
/// Steps that all questions together may take.
const MAX_STEPS_TOGETHER: u32 = 40_000_000;
/// Steps of them for a function that is told nothing about the request.
const MAX_STEPS_ASIDE: u32 = 2_000;
/// The most things that a program is seen to put on the request objects.
const MAX_NOTES: usize = 256;
/// Functions given to the outside that are called within each other.
const MAX_CALLED_BACK: usize = 2;

/// Who calls, and what the outside does for them.
pub trait Caller<'p> {
    /// What `path.name` is, where it depends on the request.
    fn attribute(&self, path: &str, name: &str) -> Option<Told<'p>>;

    /// What a call to the outside does, where it depends on the request.
    fn call(&self, call: &Outside<'_, 'p>) -> Option<Told<'p>>;

    /// What a function of the program gives back, where that is known without running it.
    fn function(&self, _: &Closure<'p>) -> Option<Told<'p>> {
        None
    }

    /// What `path.name = value` does, where it depends on the request.
    fn assigned(&self, path: &str, name: &str, value: &Value<'p>) -> Option<Told<'p>>;

    /// What a parameter gets that no argument is for, by its declaration.
    fn inject(
        &self,
        name: &str,
        annotation: Option<&Value<'p>>,
        default: Option<&Value<'p>>,
        record: &dyn Fn(&Value<'p>) -> Option<Rc<CallRecord<'p>>>,
    ) -> Option<Injected<'p>>;

    /// Whether what is raised, returned or answered says that the method is not answered.
    fn refuses_method(
        &self,
        value: &Value<'p>,
        record: &dyn Fn(&Value<'p>) -> Option<Rc<CallRecord<'p>>>,
    ) -> bool;

    /// Whether a refusal says that the caller is not known.
    fn asks_who(
        &self,
        value: &Value<'p>,
        record: &dyn Fn(&Value<'p>) -> Option<Rc<CallRecord<'p>>>,
    ) -> bool;

    /// Whether what is raised, returned or answered says that the caller may not go on.
    fn denies(
        &self,
        value: &Value<'p>,
        record: &dyn Fn(&Value<'p>) -> Option<Rc<CallRecord<'p>>>,
    ) -> bool;
}

/// A call to the outside.
pub struct Outside<'a, 'p> {
    /// What is called, dotted: `flask.abort`; of what an earlier call gave back, `a.make().run`,
    /// or `a.make()` when that itself is called.
    pub path: &'a str,
    /// The arguments.
    pub args: &'a Args<'p>,
    /// The earlier call.
    pub maker: Option<&'a CallRecord<'p>>,
    /// Whether it is reached on every way.
    pub surely: bool,
    /// Whether one of the arguments says that the caller may not go on.
    pub denying: bool,
    /// Whether it is called from Rust, where what other languages have as attributes are methods.
    pub is_rust: bool,
}

/// What a [`Caller`] knows.
#[derive(Debug, Clone)]
pub enum Told<'p> {
    /// A value that has nothing to do with who calls.
    Value(Value<'p>),
    /// A value that says who calls.
    Identity(Value<'p>),
    /// A value that says who calls where the caller is refused for it, and nothing otherwise.
    Hint(Value<'p>),
    /// The caller may go on.
    Passes,
    /// The caller is refused, with an answer.
    Refuses,
    /// Something is answered; a chain goes on with the value.
    Answers(Value<'p>),
    /// An error is answered that has nothing to do with who calls.
    AnswersError,
    /// The method is refused with an answer.
    RefusesMethod,
    /// An error is handed on to what answers errors.
    Fails,
    /// It raises; whether that refuses the caller.
    Throws {
        /// Whether it says that the caller may not go on.
        denial: bool,
        /// Whether it has looked at the caller.
        asked: bool,
        /// Whether it says that the caller is not known.
        asks: bool,
    },
    /// The receiver's method of this name that the program has is called with these, and where it
    /// raises nothing `true` is given back. Without such a method the caller is refused.
    AsksOwn {
        /// The name.
        method: &'static str,
        /// The arguments.
        args: Vec<Value<'p>>,
    },
    /// What was wrapped is called where this attribute of the first argument counts as true, and
    /// the caller is refused where it does not.
    GoesOnIf(&'static str),
    /// The last function among the arguments, or among those of the call that made what is called
    /// now, is called with these.
    CallsBack(Vec<Value<'p>>),
}

/// What a parameter gets that no argument is for.
#[derive(Debug, Clone)]
pub enum Injected<'p> {
    /// This.
    Told(Told<'p>),
    /// What this gives back.
    Called(Value<'p>),
    /// What an extractor gives back, and what becomes of its error.
    Extracted(Value<'p>, Errors),
    /// A struct whose fields are what their types mean, and what becomes of the first error.
    Fields(Rc<ClassValue<'p>>, Errors),
}

/// What becomes of the error of an extractor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Errors {
    /// The caller gets it for an answer.
    Refuse,
    /// The handler gets nothing: `Option<Extractor>`.
    Nothing,
    /// The handler gets it: `Result<Extractor, _>`.
    Given,
}

/// How sure something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Certainty {
    /// It was not met.
    #[default]
    No,
    /// On some way.
    Maybe,
    /// On every way.
    Yes,
}

/// A function, and what it is called with.
#[derive(Debug, Clone)]
pub struct Question<'p> {
    /// What is called.
    pub callee: Value<'p>,
    /// With what.
    pub args: Args<'p>,
    /// What stands on the request objects already, by path.
    pub notes: Noted<'p>,
}

impl<'p> Question<'p> {
    /// What a call does to a request that nothing was put on before.
    #[must_use]
    pub fn new(callee: Value<'p>, args: Args<'p>) -> Self {
        Self { callee, args, notes: Noted::default() }
    }
}

/// What the program puts on the request objects, by path.
pub type Noted<'p> = BTreeMap<String, Value<'p>>;

/// What was met.
#[derive(Debug, Clone, Default)]
pub struct Seen<'p> {
    /// The caller may go on.
    pub passed: Certainty,
    /// The caller is refused with an answer.
    pub refused: Certainty,
    /// Something else is answered.
    pub answered: Certainty,
    /// An error is answered that has nothing to do with who calls.
    pub answered_error: Certainty,
    /// The method is refused with an answer.
    pub refused_method: Certainty,
    /// An error is handed on instead.
    pub failed: Certainty,
    /// Something is raised on the way out.
    pub raised: Certainty,
    /// Whether what is raised refuses the caller.
    pub raised_denial: bool,
    /// Whether what is raised was meant to be.
    pub raised_deliberately: bool,
    /// Whether what is raised refuses the method.
    pub raised_method: bool,
    /// What it gives back: every value that it may.
    pub returned: Vec<Value<'p>>,
    /// Whether it ever gives something back.
    pub returns: Certainty,
    /// Whether anything about the caller was looked at.
    pub asked: bool,
    /// Whether something was looked at that says who calls only where callers are refused for it.
    pub hinted: bool,
    /// Whether a refusal was met that says that the caller is not known, whatever was looked at.
    pub asks: bool,
    /// Whether a limit ended it.
    pub cut: bool,
    /// What stands on the request objects in the end, by path.
    pub notes: Noted<'p>,
}

/// A question that is being asked.
pub(super) struct Probe<'p> {
    caller: Rc<dyn Caller<'p> + 'p>,
    seen: Seen<'p>,
    /// Conditions that were open when it was asked.
    conditional: usize,
    /// How often something said who calls.
    identities: u32,
    /// Whether something was looked at that may say who calls.
    hinted: bool,
    /// What the program put on the request objects, by path.
    notes: Noted<'p>,
    /// Functions given to the outside that are being called.
    called_back: usize,
    /// Whether some way has left the running function early.
    narrowed: bool,
    /// Whether some way has raised and left every function.
    left: bool,
    /// What may have been raised and was not caught yet.
    maybe_thrown: Vec<Thrown>,
}

impl<'p> Interpreter<'p> {
    pub(super) fn ask(
        &mut self,
        caller: Rc<dyn Caller<'p> + 'p>,
        question: &Question<'p>,
    ) -> Seen<'p> {
        let given = MAX_STEPS.min(MAX_STEPS_TOGETHER - self.asked_steps);
        let steps = std::mem::replace(&mut self.steps, given);
        self.probe = Some(Probe {
            caller,
            seen: Seen::default(),
            conditional: self.conditional,
            identities: 0,
            hinted: false,
            notes: question.notes.clone(),
            called_back: 0,
            narrowed: false,
            left: false,
            maybe_thrown: Vec::new(),
        });
        let value = self.call_value(&question.callee, question.args.clone(), Span::default());
        let cut = self.steps == 0;
        self.asked_steps += given - self.steps;
        // Where it was cut, nothing was raised.
        let thrown = self.throwing.take().filter(|_| !cut);
        self.leaving = None;
        self.steps = steps;
        let denied = value.alternatives().iter().any(|value| self.denies(value));
        let Some(probe) = self.probe.take() else { return Seen::default() };
        let mut seen = probe.seen;
        seen.cut = cut;
        seen.hinted = probe.hinted;
        seen.notes = probe.notes;
        let denies = |thrown: &Thrown| thrown.denial;
        let refused = denied && thrown.is_none()
            || seen.refused != Certainty::No
            || thrown.iter().chain(&probe.maybe_thrown).any(denies);
        seen.asked |= probe.hinted && refused;
        match thrown {
            Some(thrown) => {
                seen.raised = Certainty::Yes;
                seen.raised_denial = thrown.denial;
                seen.raised_deliberately = thrown.deliberate;
                seen.raised_method = thrown.method;
            }
            None => {
                seen.returned = value.alternatives();
                seen.returns = if probe.left { Certainty::Maybe } else { Certainty::Yes };
                self.open_results(&mut seen, &probe.caller);
                if let Some(first) = probe.maybe_thrown.first() {
                    seen.raised = Certainty::Maybe;
                    seen.raised_denial = probe.maybe_thrown.iter().any(|thrown| thrown.denial);
                    seen.raised_deliberately = first.deliberate;
                }
            }
        }
        if probe.hinted {
            let denied = |value: &Value<'p>| self.value_denies(&probe.caller, value);
            seen.asked |= seen.refused != Certainty::No
                || seen.raised != Certainty::No && seen.raised_denial
                || seen.returned.iter().any(denied);
        }
        seen
    }

    /// Calls a function after the run, with steps of its own.
    pub(super) fn run_again(&mut self, function: &Value<'p>, args: Args<'p>) -> Value<'p> {
        let given = MAX_STEPS.min(MAX_STEPS_TOGETHER - self.asked_steps);
        let steps = std::mem::replace(&mut self.steps, given);
        let value = self.call_value(function, args, Span::default());
        self.asked_steps += given - self.steps;
        self.steps = steps;
        self.leaving = None;
        value
    }

    /// Results that are given back are what they carry; errors among them were raised.
    fn open_results(&self, seen: &mut Seen<'p>, caller: &Rc<dyn Caller<'p> + 'p>) {
        let mut errors = Vec::new();
        let mut kept = Vec::new();
        for value in std::mem::take(&mut seen.returned) {
            match &value {
                Value::Variant(variant) if variant.class.is_none() => {
                    let carried = variant.args.positional.first().cloned().unwrap_or_default();
                    match variant.name.as_str() {
                        "Err" | "Error" | "Forward" => errors.push(carried),
                        _ => kept.push(carried),
                    }
                }
                Value::Native(id) => match self.outcome(*id) {
                    Some((true, carried)) => kept.push(carried),
                    Some((false, _)) => errors.push(value),
                    None => kept.push(value),
                },
                _ => kept.push(value),
            }
        }
        if !errors.is_empty() {
            let sure = kept.is_empty() && seen.returns == Certainty::Yes;
            seen.raised = if sure { Certainty::Yes } else { Certainty::Maybe };
            seen.returns = if kept.is_empty() { Certainty::No } else { Certainty::Maybe };
            seen.raised_deliberately = true;
            seen.raised_denial = errors.iter().any(|error| self.value_denies(caller, error));
        }
        seen.returned = kept;
    }

    /// What may have been a look at the caller was one.
    pub(super) fn looked_perhaps(&mut self) {
        if let Some(probe) = &mut self.probe {
            probe.seen.asked |= probe.hinted;
        }
    }

    /// What was looked at of the caller so far.
    pub(super) fn looked(&self) -> (bool, u32) {
        self.probe.as_ref().map_or((false, 0), |probe| (probe.seen.asked, probe.identities))
    }

    /// Forgets looks at the caller that came to nothing.
    pub(super) fn forget_look(&mut self, before: (bool, u32)) {
        if let Some(probe) = &mut self.probe {
            (probe.seen.asked, probe.identities) = before;
        }
    }

    pub(super) fn asked_too_much(&self) -> bool {
        self.asked_steps >= MAX_STEPS_TOGETHER
    }

    pub(super) fn probing(&self) -> bool {
        self.probe.is_some()
    }

    /// Whether what runs is reached on every way.
    pub(super) fn surely(&self) -> bool {
        self.probe.as_ref().is_some_and(|probe| {
            self.conditional == probe.conditional && !probe.narrowed && !probe.left
        })
    }

    /// Notes that something was met, as sure as the way here is.
    fn met(&mut self, field: impl for<'s> FnOnce(&'s mut Seen<'p>) -> &'s mut Certainty) {
        let sure = self.surely();
        let Some(probe) = &mut self.probe else { return };
        let certainty = if sure { Certainty::Yes } else { Certainty::Maybe };
        let field = field(&mut probe.seen);
        *field = (*field).max(certainty);
    }

    /// What the caller's knowledge comes to; `None` where there is none.
    fn told(
        &mut self,
        told: Told<'p>,
        args: &Args<'p>,
        maker: Option<&CallRecord<'p>>,
        span: Span,
    ) -> Value<'p> {
        match told {
            Told::Value(value) => value,
            Told::Identity(value) => {
                if let Some(probe) = &mut self.probe {
                    probe.seen.asked = true;
                    probe.identities += 1;
                }
                value
            }
            Told::Hint(value) => {
                if let Some(probe) = &mut self.probe {
                    probe.hinted = true;
                }
                value
            }
            Told::Passes => {
                self.met(|seen| &mut seen.passed);
                Value::Unknown
            }
            Told::Refuses => {
                self.met(|seen| &mut seen.refused);
                Value::External("caller.refusal".into())
            }
            Told::AnswersError => {
                self.met(|seen| &mut seen.answered_error);
                Value::External("caller.refusal".into())
            }
            Told::RefusesMethod => {
                self.met(|seen| &mut seen.refused_method);
                Value::External("caller.refusal".into())
            }
            Told::Fails => {
                self.met(|seen| &mut seen.failed);
                Value::None
            }
            Told::Answers(value) => {
                self.met(|seen| &mut seen.answered);
                value
            }
            // Nobody is asked but an object of the program.
            Told::AsksOwn { .. } => Value::Unknown,
            Told::Throws { denial, asked, asks } => {
                let sure = !self.is_blind();
                let thrown = Thrown { denial, deliberate: true, ..Thrown::default() };
                let thrown = self.looked_into(thrown, asks);
                if let Some(probe) = &mut self.probe {
                    probe.seen.asked |= asked || denial && sure;
                }
                // Rust has errors that are given back.
                if self.language() == Language::Rust {
                    return Value::variant("Err", Value::External("caller.refusal".into()));
                }
                self.throwing = Some(thrown);
                Value::Unknown
            }
            Told::GoesOnIf(name) => self.goes_on_if(name, args, maker, span),
            Told::CallsBack(values) => {
                if let Some(probe) = &mut self.probe {
                    probe.seen.asked = true;
                }
                let callback = |args: &Args<'p>| {
                    let is_function = |value: &&Value<'p>| matches!(value, Value::Function(_));
                    args.positional.iter().rev().find(is_function).cloned()
                };
                match callback(args).or_else(|| callback(&maker?.args)) {
                    Some(callback) => self.call_value(&callback, Args::of(values), span),
                    None => Value::Unknown,
                }
            }
        }
    }

    fn goes_on_if(
        &mut self,
        name: &str,
        args: &Args<'p>,
        maker: Option<&CallRecord<'p>>,
        span: Span,
    ) -> Value<'p> {
        let object = args.positional.first().cloned().unwrap_or_default();
        let known = matches!(object, Value::Object(_));
        let truth = if known { expr::attribute(&object, name, self).truth() } else { Some(false) };
        if let Some(probe) = &mut self.probe {
            probe.seen.asked = true;
        }
        let denial = Thrown { denial: true, deliberate: true, ..Thrown::default() };
        match truth {
            Some(true) => {}
            Some(false) => {
                self.throwing = Some(denial);
                return Value::Unknown;
            }
            None => self.may_throw(denial),
        }
        match maker.and_then(|maker| maker.args.positional.first()) {
            Some(wrapped) => self.call_value(&wrapped.clone(), args.clone(), span),
            None => Value::Unknown,
        }
    }

    /// A value that says who calls.
    pub(super) fn identity(&mut self, value: Value<'p>) -> Value<'p> {
        self.told(Told::Identity(value), &Args::default(), None, Span::default())
    }

    /// `path.name` as the caller sees it, or as the program left it.
    pub(super) fn caller_attribute(&mut self, path: &str, name: &str) -> Option<Value<'p>> {
        let probe = self.probe.as_ref()?;
        if !probe.notes.is_empty()
            && let Some(value) = probe.notes.get(&format!("{path}.{name}"))
        {
            return Some(value.clone());
        }
        let told = probe.caller.attribute(path, name)?;
        Some(self.told(told, &Args::default(), None, Span::default()))
    }

    /// Whether a program runs over what comes with a request: an anonymous caller sends nothing
    /// there that anybody waits for.
    pub(super) fn is_sent_along(&mut self, value: &Value<'p>) -> bool {
        let (Value::External(path), Some(probe)) = (value, &mut self.probe) else { return false };
        let sent = path.starts_with("caller.")
            && (path.ends_with(".headers") || path.ends_with(".cookies"));
        probe.hinted |= sent;
        sent
    }

    /// `path.name = value` as the caller sees it.
    pub(super) fn caller_assigned(&mut self, path: &str, name: &str, value: &Value<'p>) {
        let told = match &self.probe {
            Some(probe) => probe.caller.assigned(path, name, value),
            None => None,
        };
        if let Some(told) = told {
            self.told(told, &Args::default(), None, Span::default());
        }
        let conditional = self.conditional;
        let Some(probe) = &mut self.probe else { return };
        let key = format!("{path}.{name}");
        let surely = conditional == probe.conditional;
        let value = match probe.notes.get(&key) {
            Some(old) if !surely => Value::choice(vec![old.clone(), value.clone()]),
            // What it is otherwise is for the caller to say.
            None if !surely => return,
            _ => value.clone(),
        };
        if probe.notes.len() < MAX_NOTES {
            probe.notes.insert(key, value);
        }
    }

    /// What a parameter gets that no argument is for; `None` where its declaration says nothing.
    pub(super) fn injected(
        &mut self,
        name: &str,
        param: &'p Param,
        default: Option<&Value<'p>>,
    ) -> Option<Value<'p>> {
        self.probe.as_ref()?;
        let annotation = match self.language() {
            Language::Rust => self.declared_type(param),
            _ => param.annotation.as_ref().map(|annotation| expr::eval(annotation, self)),
        };
        self.inject(name, annotation.as_ref(), default, param.target.span)
    }

    /// What a name gets by its declaration.
    pub(super) fn inject(
        &mut self,
        name: &str,
        annotation: Option<&Value<'p>>,
        default: Option<&Value<'p>>,
        span: Span,
    ) -> Option<Value<'p>> {
        let caller = Rc::clone(&self.probe.as_ref()?.caller);
        let injected = caller.inject(name, annotation, default, &|value| match value {
            Value::Native(id) => self.call_record(*id).map(Rc::clone),
            _ => None,
        })?;
        Some(match injected {
            Injected::Told(told) => self.told(told, &Args::default(), None, Span::default()),
            Injected::Called(callee) => {
                let yields =
                    matches!(&callee, Value::Function(closure) if closure.function.is_generator);
                let args = Args { open: true, ..Args::default() };
                let value = self.call_value(&callee, args, span);
                if yields { Value::Unknown } else { value }
            }
            Injected::Extracted(callee, errors) => {
                let args = Args { open: true, ..Args::default() };
                let given = self.call_value(&callee, args, span);
                if self.interrupted() { Value::Unknown } else { self.extracted(given, errors) }
            }
            Injected::Fields(class, errors) => {
                let given = self.extracted_fields(&class, span);
                self.extracted(given, errors)
            }
        })
    }

    /// A call to the outside as the caller sees it; `None` where it is like any other.
    pub(super) fn caller_call(
        &mut self,
        callee: &Value<'p>,
        args: &Args<'p>,
        span: Span,
    ) -> Option<Value<'p>> {
        let caller = Rc::clone(&self.probe.as_ref()?.caller);
        let (path, maker) = self.outside_path(callee)?;
        let surely = self.surely();
        let is_rust = self.language() == Language::Rust;
        let denying = is_rust && args.positional.iter().any(|value| self.denies(value));
        let maker = maker.as_deref();
        let outside = Outside { path: &path, args, maker, surely, denying, is_rust };
        if let Some(told) = caller.call(&outside) {
            if let (Told::AsksOwn { method, args }, Value::Method(callee)) = (&told, callee) {
                return Some(self.ask_own(&callee.0, method, args, span));
            }
            return Some(self.told(told, args, maker, span));
        }
        // What the outside made of a function of the program calls that function in the end.
        if let (Value::Native(_), Some(maker)) = (callee, &maker)
            && let Some(inner) = maker.args.positional.first()
            && is_called_in_the_end(inner)
        {
            let inner = inner.clone();
            return Some(self.call_value(&inner, args.clone(), span));
        }
        // These call nothing before what they make is called.
        if path.starts_with("functools.") || path.ends_with("passport.authenticate") {
            return None;
        }
        // Nobody knows whether, when and with what the outside calls a function it is given.
        let functions: Vec<_> = args
            .positional
            .iter()
            .chain(args.named.iter().map(|(_, value)| value))
            .filter(|value| matches!(value, Value::Function(_)))
            .cloned()
            .collect();
        for function in functions {
            self.maybe_call(&function, span);
        }
        None
    }

    /// What the caller knows of a function of the program.
    pub(super) fn told_of(&mut self, closure: &Closure<'p>, span: Span) -> Option<Value<'p>> {
        let told = self.probe.as_ref()?.caller.function(closure)?;
        Some(self.told(told, &Args::default(), None, span))
    }

    /// Calls a method that the program has of an object which a library asks for its decision.
    fn ask_own(
        &mut self,
        object: &Value<'p>,
        method: &str,
        args: &[Value<'p>],
        span: Span,
    ) -> Value<'p> {
        if let Some(probe) = &mut self.probe {
            probe.seen.asked = true;
        }
        let own = match object {
            Value::Object(instance) => instance.class.attribute(method),
            _ => None,
        };
        match own {
            Some((Value::Function(closure), owner)) => {
                let bound = Value::Function(self.bound(&closure, object.clone(), owner));
                self.call_value(&bound, Args::of(args.to_vec()), span);
                Value::Bool(true)
            }
            _ => {
                self.throwing =
                    Some(Thrown { denial: true, deliberate: true, ..Thrown::default() });
                Value::Unknown
            }
        }
    }

    /// What a function may spend that is told nothing about the request: it can hardly decide about
    /// the caller. `None` for those that may. The steps that are left for all others come back.
    pub(super) fn allow(&mut self, closure: &Closure<'p>, args: &Args<'p>) -> Option<u32> {
        // Python's frameworks have the request in a global name.
        if !self.probing() || self.language() == Language::Python || self.steps <= MAX_STEPS_ASIDE {
            return None;
        }
        let is_told = |value: &Value<'p>| tells(value, 0);
        let told = args.open
            || args.positional.iter().any(is_told)
            || args.named.iter().any(|(_, value)| is_told(value))
            || closure.this.as_ref().is_some_and(is_told)
            || sees_caller(&closure.env);
        if told {
            return None;
        }
        let left = self.steps - MAX_STEPS_ASIDE;
        self.steps = MAX_STEPS_ASIDE;
        Some(left)
    }

    /// Gives back what [`Interpreter::allow`] kept; true when the function used up what it had, so
    /// that nothing is known of it.
    pub(super) fn take_back(&mut self, kept: u32) -> bool {
        let spent = self.steps == 0;
        self.steps += kept;
        if spent {
            self.throwing = None;
        }
        spent
    }

    /// A call that may happen, with arguments that nobody knows.
    pub(super) fn maybe_call(&mut self, function: &Value<'p>, span: Span) {
        match &mut self.probe {
            Some(probe) if probe.called_back < MAX_CALLED_BACK => probe.called_back += 1,
            _ => return,
        }
        self.conditional += 1;
        self.call_value(function, Args { open: true, ..Args::default() }, span);
        self.conditional -= 1;
        if let Some(probe) = &mut self.probe {
            probe.called_back -= 1;
        }
        if let Some(thrown) = self.throwing.take() {
            self.may_throw(thrown);
        }
    }

    fn outside_path(&self, callee: &Value<'p>) -> Option<(String, Option<Rc<CallRecord<'p>>>)> {
        match callee {
            Value::External(path) => Some((path.to_string(), None)),
            Value::Native(id) => {
                let record = Rc::clone(self.call_record(*id)?);
                let path = self.record_path(&record, 0);
                Some((format!("{path}()"), Some(record)))
            }
            Value::Method(method) => {
                let Some((id, name)) = callee.native_path() else {
                    return Some((self.method_path(method)?, None));
                };
                let record = Rc::clone(self.call_record(id)?);
                let path = self.record_path(&record, 0);
                Some((format!("{path}().{name}"), Some(record)))
            }
            _ => None,
        }
    }

    /// The path of a method that no earlier call's result has: one of a base outside the program,
    /// or of an attribute of a thing from outside.
    fn method_path(&self, method: &(Value<'p>, SmolStr)) -> Option<String> {
        match &method.0 {
            Value::Object(object) => {
                object.class.lineage().1.map(|base| format!("{base}().{}", method.1))
            }
            Value::Method(_) => Some(format!("{}.{}", self.value_path(&method.0, 0), method.1)),
            _ => None,
        }
    }

    /// The path of what a call called: `a.b`, `a.make().run`, `a.make()`.
    pub(super) fn record_path(&self, record: &CallRecord<'p>, depth: usize) -> String {
        self.value_path(&record.callee, depth)
    }

    fn value_path(&self, value: &Value<'p>, depth: usize) -> String {
        if depth > 8 {
            return "…".to_owned();
        }
        let of = |id| match self.call_record(id) {
            Some(inner) => format!("{}()", self.record_path(inner, depth + 1)),
            None => "()".to_owned(),
        };
        match value {
            Value::External(path) => path.to_string(),
            Value::Native(id) => of(*id),
            Value::Object(object) => object.native.get().map_or_else(|| "()".to_owned(), of),
            Value::Method(method) => {
                format!("{}.{}", self.value_path(&method.0, depth + 1), method.1)
            }
            _ => "()".to_owned(),
        }
    }

    /// Whether an object of the request has something under a key, as the caller sees it.
    pub(super) fn caller_contains(&mut self, path: &str, key: &Value<'p>) -> Option<bool> {
        self.caller_asked(&format!("{path}.__contains__"), key.clone())?.truth()
    }

    /// `holder[key]` of something from outside, as the caller sees it.
    pub(super) fn caller_item(&mut self, holder: &Value<'p>, key: &str) -> Option<Value<'p>> {
        self.probe.as_ref()?;
        let path = format!("{}.__getitem__", self.value_path(holder, 0));
        self.caller_asked(&path, Value::text(key))
    }

    /// What the caller tells of an operation that stands nowhere as a call.
    fn caller_asked(&mut self, path: &str, key: Value<'p>) -> Option<Value<'p>> {
        let caller = Rc::clone(&self.probe.as_ref()?.caller);
        let args = Args::of(vec![key]);
        let surely = self.surely();
        let outside =
            Outside { path, args: &args, maker: None, surely, denying: false, is_rust: false };
        let told = caller.call(&outside)?;
        Some(self.told(told, &args, None, Span::default()))
    }

    /// Whether a value says that the caller may not go on.
    pub(super) fn denies(&self, value: &Value<'p>) -> bool {
        self.probe.as_ref().is_some_and(|probe| self.value_denies(&probe.caller, value))
    }

    fn value_denies(&self, caller: &Rc<dyn Caller<'p> + 'p>, value: &Value<'p>) -> bool {
        caller.denies(value, &|value| self.record_of(value))
    }

    /// Whether a value says that the method is not answered.
    fn refuses_method(&self, value: &Value<'p>) -> bool {
        let Some(probe) = &self.probe else { return false };
        probe.caller.refuses_method(value, &|value| self.record_of(value))
    }

    fn record_of(&self, value: &Value<'p>) -> Option<Rc<CallRecord<'p>>> {
        match value {
            Value::Native(id) => self.call_record(*id).map(Rc::clone),
            Value::Object(object) => {
                object.native.get().and_then(|id| self.call_record(id).map(Rc::clone))
            }
            _ => None,
        }
    }

    /// Something is done with nothing: `undefined.id`, `None.split()`.
    pub(super) fn nothing_used(&mut self) {
        if self.probing() {
            self.throwing = Some(Thrown::default());
        }
    }

    /// What a raised value means.
    pub(super) fn raised(&mut self, value: Option<&Value<'p>>) -> Thrown {
        let denial = value.is_some_and(|value| self.denies(value));
        let method = value.is_some_and(|value| self.refuses_method(value));
        let asks = denial && value.is_some_and(|value| self.asks_who(value));
        self.looked_into(Thrown { denial, deliberate: true, method, blind: false }, asks)
    }

    /// What is raised, with whether anybody looked at the caller before; `asks` says that it says so
    /// itself.
    fn looked_into(&mut self, thrown: Thrown, asks: bool) -> Thrown {
        let is_blind = self.is_blind();
        let Some(probe) = &mut self.probe else { return thrown };
        probe.seen.asks |= thrown.denial && asks;
        Thrown { blind: is_blind && !asks, ..thrown }
    }

    /// Whether nothing about the caller was looked at before a condition that nobody knows: what
    /// happens under it has nothing to do with who calls.
    fn is_blind(&self) -> bool {
        self.probe.as_ref().is_some_and(|probe| {
            self.conditional > probe.conditional && !probe.seen.asked && !probe.hinted
        })
    }

    /// What a function gives back, without refusals that have nothing to do with who calls.
    pub(super) fn given_back(&mut self, value: Value<'p>) -> Value<'p> {
        if !self.is_blind() || !self.denies(&value) {
            return value;
        }
        if self.asks_who(&value) {
            if let Some(probe) = &mut self.probe {
                probe.seen.asks = true;
            }
            return value;
        }
        Value::External("caller.elsewhere".into())
    }

    fn asks_who(&self, value: &Value<'p>) -> bool {
        let Some(probe) = &self.probe else { return false };
        probe.caller.asks_who(value, &|value| self.record_of(value))
    }

    /// On one way something is raised, on others it goes on.
    pub(super) fn may_throw(&mut self, thrown: Thrown) {
        if thrown.blind {
            return;
        }
        if let Some(probe) = &mut self.probe {
            probe.left = true;
            probe.maybe_thrown.push(thrown);
        }
    }

    /// On one way the function returned, on others it goes on: what follows stands under a
    /// condition.
    pub(super) fn narrow(&mut self) {
        match &mut self.probe {
            Some(probe) => probe.narrowed = true,
            None => self.conditional += 1,
        }
    }

    /// Whether the running function was left on some way; what it was for the one around it is
    /// put back when it ends.
    pub(super) fn narrowing(&mut self, set: Option<bool>) -> bool {
        match (&mut self.probe, set) {
            (Some(probe), Some(set)) => std::mem::replace(&mut probe.narrowed, set),
            (Some(probe), None) => probe.narrowed,
            (None, _) => false,
        }
    }

    /// What stands before a `try`, to be compared with what stands behind its body.
    pub(super) fn before_try(&self) -> (usize, bool) {
        self.probe.as_ref().map_or((0, false), |probe| (probe.maybe_thrown.len(), probe.left))
    }

    /// Takes back what was raised within a `try` whose handlers now see it; whether anything was.
    pub(super) fn caught(&mut self, before: (usize, bool)) -> bool {
        let Some(probe) = &mut self.probe else { return true };
        let any = probe.maybe_thrown.len() > before.0;
        probe.maybe_thrown.truncate(before.0);
        probe.left = before.1;
        any
    }

    /// How a function that may have returned earlier and now raises ends.
    pub(super) fn ends_raising(&mut self, thrown: Thrown, returned_before: bool) {
        if !self.probing() {
            return;
        }
        if returned_before {
            self.may_throw(thrown);
        } else {
            self.throwing = Some(thrown);
        }
    }

    /// How often something has said who calls.
    pub(super) fn identities(&self) -> u32 {
        self.probe.as_ref().map_or(0, |probe| probe.identities)
    }

    /// The decorators of functions that Django's `method_decorator` makes one of methods of; a
    /// bound method is a function.
    fn of_method(&self, decorator: &Value<'p>) -> Vec<Value<'p>> {
        let record = match decorator {
            Value::Native(id) => self.call_record(*id),
            _ => None,
        };
        let is = |path: &str| path == "django.utils.decorators.method_decorator";
        match record.filter(|record| record.path().is_some_and(is)) {
            Some(record) => match record.args.get(0, "decorator") {
                Some(Value::List(items)) => items.borrow().clone(),
                Some(one) => vec![one.clone()],
                None => Vec::new(),
            },
            None => vec![decorator.clone()],
        }
    }

    /// The function as its decorators leave it.
    pub(super) fn decorated(&mut self, closure: &Rc<Closure<'p>>, span: Span) -> Option<Value<'p>> {
        let matters = |decorator: &Value<'p>| match decorator {
            Value::Function(_) | Value::Object(_) | Value::Class(_) => true,
            Value::External(path) => !matches!(
                path.as_str(),
                "staticmethod" | "classmethod" | "property" | "functools.cached_property"
            ),
            Value::Native(id) => {
                self.call_record(*id).is_some_and(|record| record.path() != Some("functools.wraps"))
            }
            _ => false,
        };
        if !closure.decorators.iter().any(matters) {
            return None;
        }
        let decorators: Vec<_> = closure
            .decorators
            .iter()
            .filter(|value| matters(value))
            .flat_map(|value| self.of_method(value))
            .collect();
        let mut value = Value::Function(Rc::new(closure.undecorated()));
        for decorator in decorators.into_iter().rev() {
            let made = match &decorator {
                Value::External(_) | Value::Native(_) => {
                    Value::Native(self.record(decorator, Args::of(vec![value.clone()]), span, None))
                }
                other => self.call_value(&other.clone(), Args::of(vec![value.clone()]), span),
            };
            if matches!(made, Value::Function(_) | Value::Object(_) | Value::Native(_)) {
                value = made;
            }
        }
        Some(value)
    }
}

/// Whether something that the outside makes of a value calls that value.
fn is_called_in_the_end(value: &Value<'_>) -> bool {
    match value {
        Value::Function(_) | Value::Native(_) => true,
        Value::External(path) => matches!(path.as_str(), "caller.handler" | "caller.next"),
        _ => false,
    }
}

/// Whether a value tells something about the request.
fn tells(value: &Value<'_>, depth: usize) -> bool {
    match value {
        Value::External(path) => path.starts_with("caller."),
        Value::Absent | Value::Function(_) => true,
        Value::Native(_) | Value::Method(_) => false,
        Value::List(items) if depth < 2 => {
            items.borrow().iter().take(64).any(|item| tells(item, depth + 1))
        }
        Value::Map(entries) if depth < 2 => {
            entries.borrow().iter().take(64).any(|(_, value)| tells(value, depth + 1))
        }
        Value::Object(object) if depth < 2 => {
            object.fields.borrow().values().take(64).any(|value| tells(value, depth + 1))
        }
        Value::Choice(values) => values.iter().any(|value| tells(value, depth + 1)),
        _ => false,
    }
}

/// Whether a function was made where the request is known.
fn sees_caller(env: &Rc<Env<'_>>) -> bool {
    let mut scope = Some(env);
    while let Some(env) = scope {
        // The names of a module are the same for every request.
        if env.parent.is_some() && env.vars.borrow().values().any(|value| tells(value, 2)) {
            return true;
        }
        scope = env.parent.as_ref();
    }
    false
}
