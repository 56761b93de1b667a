//! Calls: of the program's own functions with their arguments, and of the outside, recorded.

use std::rc::Rc;

use smol_str::SmolStr;

use super::{Flow, Frame, Interpreter, MAX_CALLS, MAX_RECURSION, rust};
use crate::eval::expr::{self, Scope};
use crate::eval::link::Target;
use crate::eval::value::{Args, CallId, CallRecord, ClassValue, Closure, Env, Value};
use crate::module::{Expr, ExprKind, Function, Param, Span};
use crate::source::Language;

impl<'p> Interpreter<'p> {
    pub(super) fn record(
        &mut self,
        callee: Value<'p>,
        args: Args<'p>,
        span: Span,
        class: Option<Rc<ClassValue<'p>>>,
    ) -> CallId {
        let at = self.settled.len() + self.calls.len();
        let id = CallId(u32::try_from(at).unwrap_or(u32::MAX));
        let place = self.place(span);
        self.spend(8 + args.positional.len() + args.named.len());
        let (conditions, written) = (self.conditional, self.written.take());
        self.calls.push(Rc::new(CallRecord {
            callee,
            args,
            place,
            conditional: conditions > 0,
            conditions,
            class,
            written,
        }));
        id
    }

    pub(super) fn call_value(
        &mut self,
        callee: &Value<'p>,
        args: Args<'p>,
        span: Span,
    ) -> Value<'p> {
        if self.interrupted() {
            return Value::Unknown;
        }
        if let Some(value) = self.caller_call(callee, &args, span) {
            return value;
        }
        match callee {
            Value::Function(closure) => {
                match self.probing().then(|| self.decorated(closure, span)).flatten() {
                    Some(decorated) => self.call_value(&decorated, args, span),
                    None => self.apply(closure, args),
                }
            }
            Value::Class(class) if self.is_rust(class) => self.construct(class, args),
            Value::Class(class) => self.instantiate(class, args, span),
            Value::External(path) => self.call_external(path, args, span),
            Value::Native(_) => Value::Native(self.record(callee.clone(), args, span, None)),
            Value::Method(method) => match &method.0 {
                Value::Native(_) | Value::Object(_) | Value::Class(_) | Value::Function(_) => {
                    Value::Native(self.record(callee.clone(), args, span, None))
                }
                Value::List(items) => {
                    let items = items.borrow().clone();
                    self.iterate(&items, &method.1, &args, span)
                }
                _ => Value::Unknown,
            },
            Value::Variant(variant) if variant.class.is_some() => rust::variant_of(variant, args),
            Value::Object(object) if self.is_rust(&object.class) => {
                self.call_rust_object(callee, object, args)
            }
            Value::Object(object) => match object.class.attribute("__call__") {
                Some((Value::Function(closure), class)) => {
                    let bound = self.bound(&closure, callee.clone(), class);
                    self.apply(&bound, args)
                }
                _ if object.native.get().is_some() => {
                    Value::Native(self.record(callee.clone(), args, span, None))
                }
                _ => Value::Unknown,
            },
            Value::Choice(values) => {
                let callable: Vec<_> = values
                    .iter()
                    .filter(|value| !matches!(value, Value::Unknown | Value::None))
                    .collect();
                self.conditional += usize::from(callable.len() > 1);
                let results = callable
                    .iter()
                    .map(|value| self.call_value(value, args.clone(), span))
                    .collect();
                self.conditional -= usize::from(callable.len() > 1);
                Value::choice(results)
            }
            Value::Absent => Value::Absent,
            _ => Value::Unknown,
        }
    }

    pub(super) fn call_external(&mut self, path: &str, args: Args<'p>, span: Span) -> Value<'p> {
        let file = self.frame.env.file;
        let first = args.positional.first();
        match path {
            "require" | "import" => {
                let Some(module) = first.and_then(Value::as_str) else { return Value::Unknown };
                let target = self.program.resolve(file, module);
                self.namespace(&target)
            }
            "importlib.import_module" | "__import__" => {
                let Some(module) = first.and_then(Value::as_str) else { return Value::Unknown };
                let target = self.program.resolve(file, module);
                if let Target::File(file) = target {
                    self.load(file);
                }
                self.module_value(&target)
            }
            "getattr" => match (first.cloned(), args.positional.get(1).and_then(Value::as_str)) {
                (Some(object), Some(name)) => expr::attribute(&object, name, self),
                _ => Value::Unknown,
            },
            "setattr" => {
                if let (Some(object), Some(name), Some(value)) = (
                    first.cloned(),
                    args.positional.get(1).and_then(Value::as_str),
                    args.positional.get(2),
                ) {
                    self.set_attribute(&object, name, value.clone(), span);
                }
                Value::None
            }
            "super" => self.super_value(),
            "map" => match (first.cloned(), args.positional.get(1).and_then(Value::items)) {
                (Some(function), Some(items)) => {
                    let mapped = items
                        .into_iter()
                        .map(|item| self.call_value(&function, Args::of(vec![item]), span))
                        .collect();
                    Value::list(mapped)
                }
                _ => Value::Unknown,
            },
            // What gives back the function that it is given.
            "functools.partial" | "functools.update_wrapper" if first.is_some() => {
                self.record(Value::External(path.into()), args.clone(), span, None);
                args.positional[0].clone()
            }
            _ => Value::Native(self.record(Value::External(path.into()), args, span, None)),
        }
    }

    /// `super`, as the parent's attributes bound to this object.
    pub(super) fn super_value(&self) -> Value<'p> {
        match (&self.frame.this, &self.frame.class) {
            (Some(this), Some(_)) => Value::Method(Rc::new((this.clone(), "super".into()))),
            _ => Value::Unknown,
        }
    }

    /// `map`, `forEach` and their kin over a known list.
    pub(super) fn iterate(
        &mut self,
        items: &[Value<'p>],
        method: &str,
        args: &Args<'p>,
        span: Span,
    ) -> Value<'p> {
        let Some(function) = args.positional.first().cloned() else { return Value::Unknown };
        let mut out = Vec::new();
        let items = self.turns(items.to_vec());
        for (at, item) in items.iter().enumerate() {
            let position = Value::Number(SmolStr::from(at.to_string()));
            out.push(self.call_value(&function, Args::of(vec![item.clone(), position]), span));
        }
        match method {
            "map" => Value::list(out),
            "flatMap" | "flat_map" => Value::list(
                out.iter()
                    .flat_map(|value| value.items().unwrap_or_else(|| vec![value.clone()]))
                    .collect(),
            ),
            "filter" => Value::list(
                items
                    .iter()
                    .zip(&out)
                    .filter(|(_, kept)| kept.truth() != Some(false))
                    .map(|(item, _)| item.clone())
                    .collect(),
            ),
            "find" => items
                .iter()
                .zip(&out)
                .find(|(_, found)| found.truth() == Some(true))
                .map(|(item, _)| item.clone())
                .unwrap_or_default(),
            _ => Value::None,
        }
    }

    pub(super) fn bound(
        &self,
        closure: &Rc<Closure<'p>>,
        this: Value<'p>,
        class: Rc<ClassValue<'p>>,
    ) -> Rc<Closure<'p>> {
        Rc::new(Closure {
            function: closure.function,
            env: Rc::clone(&closure.env),
            this: Some(this),
            class: Some(class),
            decorators: closure.decorators.clone(),
            qualified: closure.qualified.clone(),
            entered: Rc::clone(&closure.entered),
            made_at: closure.made_at,
        })
    }

    /// Calls a function of the program.
    pub(super) fn apply(&mut self, closure: &Rc<Closure<'p>>, args: Args<'p>) -> Value<'p> {
        let pointer: *const Function = closure.function;
        let recursion = self.stack.iter().filter(|known| **known == pointer).count();
        if recursion >= MAX_RECURSION || self.stack.len() >= MAX_CALLS || !self.step() {
            return Value::Unknown;
        }
        let rust = self.is_rust_file(closure.env.file);
        if rust && let Some(value) = self.spared(closure, &args) {
            return value;
        }
        let steps = self.steps;
        closure.entered.set(true);
        self.written = None;
        let env = Env::inside(&closure.env, closure.qualified.clone(), false);
        let frame = Frame {
            env: Rc::clone(&env),
            this: closure.this.clone(),
            class: closure.class.clone(),
        };
        let outer = std::mem::replace(&mut self.frame, frame);
        let returned = std::mem::take(&mut self.returned);
        let narrowed = self.narrowing(None);
        let identities = self.identities();
        let told_nothing = args.positional.iter().any(|value| matches!(value, Value::Absent));
        let allowance = self.allow(closure, &args);
        self.stack.push(pointer);
        if rust {
            self.bind_generics(closure.function, &args);
        }
        self.bind_params(&closure.function.params, args, closure.this.as_ref());
        let flow = self.block(&closure.function.body);
        self.stack.pop();
        self.frame = outer;
        self.narrowing(Some(narrowed));
        if let Some(steps) = allowance
            && self.take_back(steps)
        {
            self.returned = returned;
            return Value::Unknown;
        }
        let mut values = std::mem::replace(&mut self.returned, returned);
        match flow {
            Flow::Return(value) => values.push(value),
            Flow::Next => values.push(Value::None),
            Flow::Stop(thrown) => self.ends_raising(thrown, !values.is_empty()),
        }
        // Nothing, after a look at who calls, is what an anonymous caller does not have.
        if self.identities() > identities || told_nothing {
            let nothing = values.iter_mut().filter(|value| matches!(value, Value::None));
            nothing.for_each(|value| *value = Value::Absent);
        }
        let value = Value::choice(values);
        if rust {
            self.spent(closure.function, steps.saturating_sub(self.steps), &value);
        }
        value
    }

    pub(super) fn bind_params(
        &mut self,
        params: &'p [Param],
        args: Args<'p>,
        this: Option<&Value<'p>>,
    ) {
        let python = self.language() == Language::Python;
        let rust = self.language() == Language::Rust;
        let mut positional = args.positional.into_iter();
        let mut named = args.named;
        let mut first = true;
        for param in params {
            let name = match &param.target.kind {
                ExprKind::Name(name) => Some(name.clone()),
                _ => None,
            };
            let receives_this = std::mem::replace(&mut first, false)
                && this.is_some()
                && (python || rust && name.as_deref() == Some("self"));
            let value = if receives_this {
                this.cloned().unwrap_or_default()
            } else if param.rest {
                let rest: Vec<_> = positional.by_ref().collect();
                if args.open && rest.is_empty() { Value::Unknown } else { Value::list(rest) }
            } else if param.keyword_rest {
                if args.open {
                    Value::Unknown
                } else {
                    Value::map(
                        named.drain(..).map(|(name, value)| (Value::text(&name), value)).collect(),
                    )
                }
            } else if let Some(at) =
                named.iter().position(|(known, _)| Some(known) == name.as_ref())
            {
                named.remove(at).1
            } else if let Some(value) = positional.next() {
                value
            } else {
                let default = param.default.as_ref().map(|default| expr::eval(default, self));
                let name = name.as_deref().unwrap_or("");
                match (self.injected(name, param, default.as_ref()), default) {
                    (Some(value), _) => value,
                    (None, Some(default)) if args.open => {
                        Value::choice(vec![default, Value::Unknown])
                    }
                    (None, Some(default)) => default,
                    (None, None) if args.open && rust => self.stand_in(param),
                    (None, None) => Value::Unknown,
                }
            };
            match &param.target.kind {
                ExprKind::Name(name) => self.frame.env.set(name, value),
                _ if rust => {
                    self.fits_pattern(&value, &param.target);
                }
                _ => self.bind_pattern(&param.target, value),
            }
        }
    }

    pub(super) fn bind_pattern(&mut self, target: &'p Expr, value: Value<'p>) {
        // The names of a pattern are this call's own, also where an outer scope has the same.
        let mut names = Vec::new();
        collect_names(target, &mut names);
        for name in names {
            self.frame.env.set(&name, Value::Unknown);
        }
        self.bind(target, value);
    }
}

fn collect_names(target: &Expr, out: &mut Vec<SmolStr>) {
    match &target.kind {
        ExprKind::Name(name) => out.push(name.clone()),
        ExprKind::List(items) => items.iter().for_each(|item| collect_names(item, out)),
        ExprKind::Map(entries) => entries.iter().for_each(|entry| collect_names(&entry.value, out)),
        ExprKind::Assign { target, .. } => collect_names(target, out),
        ExprKind::Spread(inner) => collect_names(inner, out),
        _ => {}
    }
}
