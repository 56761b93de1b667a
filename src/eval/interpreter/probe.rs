//! Asks what a function does to a caller: whether it lets them go on, refuses them, or answers.
//!
//! The function runs like any other of the program, on values that a [`Caller`] gives: it says what
//! a request tells about who sent it, and what libraries do with that. Where nobody knows which way
//! is taken, all are, and what is met there counts as possible only.

use std::rc::Rc;

use super::{Interpreter, Thrown};
use crate::eval::expr;
use crate::eval::value::{Args, CallRecord, Closure, Env, Value};
use crate::module::{Param, Span};
use crate::source::Language;

/// Steps that one question may take.
const MAX_STEPS: u32 = 100_000;
/// Steps that all questions together may take.
const MAX_STEPS_TOGETHER: u32 = 40_000_000;
/// Steps of them for a function that is told nothing about the request.
const MAX_STEPS_ASIDE: u32 = 2_000;
/// Functions given to the outside that are called within each other.
const MAX_CALLED_BACK: usize = 2;

/// Who calls, and what the outside does for them.
pub trait Caller<'p> {
    /// What `path.name` is, where it depends on the request.
    fn attribute(&self, path: &str, name: &str) -> Option<Told<'p>>;

    /// What a call to the outside does, where it depends on the request.
    fn call(&self, call: &Outside<'_, 'p>) -> Option<Told<'p>>;

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
}

/// What a [`Caller`] knows.
#[derive(Debug, Clone)]
pub enum Told<'p> {
    /// A value that has nothing to do with who calls.
    Value(Value<'p>),
    /// A value that says who calls.
    Identity(Value<'p>),
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
    },
    /// The receiver's method of this name that the program has is called with these, and where it
    /// raises nothing `true` is given back. Without such a method the caller is refused.
    AsksOwn {
        /// The name.
        method: &'static str,
        /// The arguments.
        args: Vec<Value<'p>>,
    },
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
}

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
    /// Whether a limit ended it.
    pub cut: bool,
}

/// A question that is being asked.
pub(super) struct Probe<'p> {
    caller: Rc<dyn Caller<'p> + 'p>,
    seen: Seen<'p>,
    /// Conditions that were open when it was asked.
    conditional: usize,
    /// How often something said who calls.
    identities: u32,
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
        self.steps = steps;
        let Some(probe) = self.probe.take() else { return Seen::default() };
        let mut seen = probe.seen;
        seen.cut = cut;
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
                if let Some(first) = probe.maybe_thrown.first() {
                    seen.raised = Certainty::Maybe;
                    seen.raised_denial = probe.maybe_thrown.iter().any(|thrown| thrown.denial);
                    seen.raised_deliberately = first.deliberate;
                }
            }
        }
        seen
    }

    pub(super) fn asked_too_much(&self) -> bool {
        self.asked_steps >= MAX_STEPS_TOGETHER
    }

    pub(super) fn probing(&self) -> bool {
        self.probe.is_some()
    }

    /// Notes that something was met, as sure as the way here is.
    fn met(&mut self, field: impl for<'s> FnOnce(&'s mut Seen<'p>) -> &'s mut Certainty) {
        let conditional = self.conditional;
        let Some(probe) = &mut self.probe else { return };
        let sure = conditional == probe.conditional && !probe.narrowed && !probe.left;
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
                Value::Unknown
            }
            Told::Answers(value) => {
                self.met(|seen| &mut seen.answered);
                value
            }
            // Nobody is asked but an object of the program.
            Told::AsksOwn { .. } => Value::Unknown,
            Told::Throws { denial } => {
                if denial && let Some(probe) = &mut self.probe {
                    probe.seen.asked = true;
                }
                self.throwing = Some(Thrown { denial, deliberate: true, method: false });
                Value::Unknown
            }
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

    /// `path.name` as the caller sees it.
    pub(super) fn caller_attribute(&mut self, path: &str, name: &str) -> Option<Value<'p>> {
        let told = self.probe.as_ref()?.caller.attribute(path, name)?;
        Some(self.told(told, &Args::default(), None, Span::default()))
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
    }

    /// What a parameter gets that no argument is for; `None` where its declaration says nothing.
    pub(super) fn injected(
        &mut self,
        name: &str,
        param: &'p Param,
        default: Option<&Value<'p>>,
    ) -> Option<Value<'p>> {
        let caller = Rc::clone(&self.probe.as_ref()?.caller);
        let annotation = param.annotation.as_ref().map(|annotation| expr::eval(annotation, self));
        let injected = caller.inject(name, annotation.as_ref(), default, &|value| match value {
            Value::Native(id) => self.call_record(*id).map(Rc::clone),
            _ => None,
        })?;
        Some(match injected {
            Injected::Told(told) => self.told(told, &Args::default(), None, Span::default()),
            Injected::Called(callee) => {
                let yields =
                    matches!(&callee, Value::Function(closure) if closure.function.is_generator);
                let value = self.call_value(
                    &callee,
                    Args { open: true, ..Args::default() },
                    param.target.span,
                );
                if yields { Value::Unknown } else { value }
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
        let outside = Outside { path: &path, args, maker: maker.as_deref() };
        if let Some(told) = caller.call(&outside) {
            if let (Told::AsksOwn { method, args }, Value::Method(callee)) = (&told, callee) {
                return Some(self.ask_own(&callee.0, method, args, span));
            }
            return Some(self.told(told, args, maker.as_deref(), span));
        }
        // What the outside made of a function of the program calls that function in the end.
        if let (Value::Native(_), Some(maker)) = (callee, &maker)
            && let Some(inner @ (Value::Function(_) | Value::Native(_))) =
                maker.args.positional.first()
        {
            let inner = inner.clone();
            return Some(self.call_value(&inner, args.clone(), span));
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
                self.throwing = Some(Thrown { denial: true, deliberate: true, method: false });
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
            Value::Method(_) => {
                let (id, name) = callee.native_path()?;
                let record = Rc::clone(self.call_record(id)?);
                let path = self.record_path(&record, 0);
                Some((format!("{path}().{name}"), Some(record)))
            }
            _ => None,
        }
    }

    /// The path of what a call called: `a.b`, `a.make().run`, `a.make()`.
    pub(super) fn record_path(&self, record: &CallRecord<'p>, depth: usize) -> String {
        if depth > 8 {
            return "…".to_owned();
        }
        let of = |id| self.call_record(id).map(|inner| self.record_path(inner, depth + 1));
        match &record.callee {
            Value::External(path) => path.to_string(),
            Value::Native(id) => format!("{}()", of(*id).unwrap_or_default()),
            Value::Method(method) => match record.callee.native_path() {
                Some((id, name)) => format!("{}().{name}", of(id).unwrap_or_default()),
                None => format!("().{}", method.1),
            },
            _ => String::new(),
        }
    }

    /// Whether a value says that the caller may not go on.
    pub(super) fn denies(&self, value: &Value<'p>) -> bool {
        let Some(probe) = &self.probe else { return false };
        probe.caller.denies(value, &|value| self.record_of(value))
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
        Thrown { denial, deliberate: true, method }
    }

    /// On one way something is raised, on others it goes on.
    pub(super) fn may_throw(&mut self, thrown: Thrown) {
        if let Some(probe) = &mut self.probe {
            probe.left = true;
            probe.maybe_thrown.push(thrown);
        }
    }

    /// On one way the function returned, on others it goes on.
    pub(super) fn narrow(&mut self) {
        if let Some(probe) = &mut self.probe {
            probe.narrowed = true;
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
        let decorators: Vec<_> =
            closure.decorators.iter().filter(|value| matters(value)).cloned().collect();
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
