//! Calls: of the program's own functions with their arguments, and of the outside, recorded.

use std::rc::Rc;

use smol_str::SmolStr;

use super::definitions::base_of;
use super::{
    DEAR, Flow, Frame, Interpreter, MAX_AT_PLACE, MAX_CALLS, MAX_RECURSION, MAX_TURNS, rust,
};
use crate::eval::expr::{self, Scope};
use crate::eval::value::{Args, CallId, CallRecord, ClassValue, Closure, Env, Place, Value};
use crate::eval::{collections, matching};
use crate::module::visit::{Visitor, Walk, walk_expr};
use crate::module::{Call, Expr, ExprKind, Function, Param, Span, Stmt, StmtKind};
use crate::source::Language;

impl<'p> Interpreter<'p> {
    pub(super) fn record(
        &mut self,
        callee: Value<'p>,
        args: Args<'p>,
        span: Span,
        class: Option<Rc<ClassValue<'p>>>,
    ) -> CallId {
        let id = self.next_call();
        let place = self.place(span);
        let at_place = self.at_place.entry((place.file, place.span.start)).or_default();
        *at_place += 1;
        let dear = if *at_place > MAX_AT_PLACE { DEAR } else { 0 };
        self.spend(8 + args.positional.len() + args.named.len() + dear);
        if matches!(&callee, Value::External(path) if is_application(path)) && !self.probing() {
            self.application = Some(id);
        }
        if !self.probing() {
            self.worn.called(&callee, &args);
        }
        self.note_way(id, &args);
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

    /// Puts a call that stands nowhere in the program where it comes from.
    pub(super) fn settle_place(&mut self, id: CallId, place: Place) {
        let at = (id.0 as usize).checked_sub(self.settled.len());
        if let Some(record) = at.and_then(|at| self.calls.get_mut(at)).and_then(Rc::get_mut) {
            record.place = place;
        }
    }

    /// The id that the next call to the outside gets.
    pub(super) fn next_call(&self) -> CallId {
        let at = self.settled.len() + self.calls.len();
        CallId(u32::try_from(at).unwrap_or(u32::MAX))
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
        self.site = self.follows.then(|| self.place(span));
        match self.made_by_functools(callee, &args) {
            Some(Made::Call(function, args)) => return self.call_value(&function, args, span),
            Some(Made::Value(value)) => return value,
            None => {}
        }
        if let Some(value) = self.setting_read(callee, &args) {
            return value;
        }
        if let Some(value) = self.settled_promise(callee, &args) {
            return value;
        }
        if let Some(value) = self.caller_call(callee, &args, span) {
            return value;
        }
        if let Some(value) = self.matched(callee, &args) {
            return value;
        }
        match callee {
            Value::Function(closure) if self.probing() && is_forgery_check(closure) => {
                Value::Unknown
            }
            Value::Function(closure) => {
                if let Some(known) = self.told_of(closure, span) {
                    return known;
                }
                match self.probing().then(|| self.decorated(closure, span)).flatten() {
                    Some(decorated) => self.call_value(&decorated, args, span),
                    None => self.apply(closure, args),
                }
            }
            Value::Class(class) if self.is_rust(class) => self.construct(class, args),
            Value::Class(class) => self.instantiate(class, args, span),
            Value::External(path) => self.call_external(path, args, span),
            Value::Native(id) => match self.call_of_wrapped(*id, &args, span) {
                Some(value) => value,
                None => self.call_outside(callee.clone(), args, span),
            },
            Value::Method(method) => match &method.0 {
                Value::Native(_) | Value::Object(_) | Value::Class(_) | Value::Function(_) => {
                    let deferred = self.deferred(&method.1, &args);
                    let made = self.call_outside(callee.clone(), args, span);
                    if let Some(function) = deferred {
                        self.call_value(&function, Args::of(vec![method.0.clone()]), span);
                    }
                    made
                }
                Value::List(items) => {
                    let items = items.borrow().clone();
                    self.iterate(&items, &method.1, &args, span)
                }
                Value::Method(_) => {
                    let known = self.holder_call(&method.0, &method.1, &args);
                    let made = self.call_outside(callee.clone(), args, span);
                    known.unwrap_or(made)
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
                _ if object.native.get().is_some() => self.call_outside(callee.clone(), args, span),
                _ => Value::Unknown,
            },
            Value::Choice(values) => {
                let callable: Vec<_> = values
                    .iter()
                    .filter(|value| !matches!(value, Value::Unknown | Value::None))
                    .collect();
                self.conditional += usize::from(callable.len() > 1);
                let unsure = self.follows && callable.len() < values.len();
                let waiting = if unsure { waiting(&args) } else { Vec::new() };
                let results = callable
                    .iter()
                    .map(|value| self.call_value(value, args.clone(), span))
                    .collect();
                self.conditional -= usize::from(callable.len() > 1);
                // `(list ?? []).map(f)`: the list that is known is empty, the other is not.
                if callable.iter().all(|value| is_of_empty_list(value)) {
                    waiting.iter().for_each(|closure| closure.entered.set(false));
                }
                Value::choice(results)
            }
            Value::Absent => Value::Absent,
            // What a request tells, where it is asked for by a method: `request.path()`.
            Value::Text(_) if self.probing() && args.positional.is_empty() => callee.clone(),
            _ => self.call_of_unknown(args, span),
        }
    }

    pub(super) fn call_external(&mut self, path: &str, args: Args<'p>, span: Span) -> Value<'p> {
        if let Some(callee) = self.of_globals(path) {
            return self.call_value(&callee, args, span);
        }
        let file = self.frame.env.file;
        let first = args.positional.first();
        match path {
            "require" | "import" => {
                let Some(module) = first.and_then(Value::as_str) else { return Value::Unknown };
                self.loaded(file, module)
            }
            "importlib.import_module" | "__import__" => self.import_module(file, &args),
            "getattr" => match (first, args.positional.get(1).and_then(Value::as_str)) {
                (Some(object), Some(name)) => {
                    self.attribute_or(object, name, args.positional.get(2))
                }
                _ => Value::Unknown,
            },
            "hasattr" => match (first, args.positional.get(1).and_then(Value::as_str)) {
                (Some(object), Some(name)) => {
                    self.has_attribute(object, name).map_or(Value::Unknown, Value::Bool)
                }
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
            // `Base.__init__(self, …)`
            _ if path.ends_with(".__init__")
                && let Some(Value::Object(object)) = first.cloned() =>
            {
                let rest = Args { positional: args.positional[1..].to_vec(), ..args };
                self.construct_native(&object, rest, span);
                Value::None
            }
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
            "any" | "all" if self.language() == Language::Python => {
                let is_filtered = self.written.take().is_some_and(has_filter);
                match first.filter(|_| !is_filtered).and_then(|items| any_or_all(items, path)) {
                    Some(truth) => Value::Bool(truth),
                    None => self.call_outside(Value::External(path.into()), args, span),
                }
            }
            "next"
                if self.language() == Language::Python
                    && let Some(item) = first.and_then(|list| first_of(list, &args)) =>
            {
                item
            }
            "list" | "tuple" | "set" | "sorted" | "iter"
                if let Some(items) = first.and_then(|value| self.table_items(value)) =>
            {
                Value::list(items)
            }
            _ if let Some(method) = collections::of_utilities(path)
                && matches!(method, "forEach" | "each" | "map" | "filter" | "find" | "reduce")
                && let Some(items) = first.and_then(utility_items) =>
            {
                let method = if method == "each" { "forEach" } else { method };
                let rest = args.positional.into_iter().skip(1).collect();
                self.iterate(&items, method, &Args::of(rest), span)
            }
            "functools.partial" if let Some(function) = first.cloned() => {
                self.partial(&function, args, span)
            }
            "functools.update_wrapper" if let Some(function) = first.cloned() => {
                if let Some(wrapped) = args.positional.get(1) {
                    wraps(&function, wrapped);
                }
                self.record(Value::External(path.into()), args, span, None);
                function
            }
            _ => {
                let known = self.file_call(path, &args);
                let known = known.or_else(|| self.folder_call(path, &args));
                let known = known.or_else(|| self.prototype_call(path, &args));
                match known.or_else(|| self.kind_call(path, &args)) {
                    Some(value) => value,
                    None => self.call_outside(Value::External(path.into()), args, span),
                }
            }
        }
    }

    /// The function that a thing from outside calls later with what stands for itself, as Flask's
    /// blueprints do with the state of their registration.
    fn deferred(&self, method: &str, args: &Args<'p>) -> Option<Value<'p>> {
        let defers = self.language() == Language::Python
            && !self.probing()
            && matches!(method, "record" | "record_once");
        let function = args.positional.first().filter(|_| defers)?;
        matches!(function, Value::Function(_)).then(|| function.clone())
    }

    /// A match of a regular expression that certainly fails.
    fn matched(&self, callee: &Value<'p>, args: &Args<'p>) -> Option<Value<'p>> {
        match callee {
            Value::External(path) => matching::fails(path.strip_prefix("re.")?, args, None),
            Value::Method(method) => {
                let Value::Native(id) = &method.0 else { return None };
                let compiled = self.call_record(*id)?;
                let is_regex = compiled.path() == Some("re.compile");
                is_regex.then(|| matching::fails(&method.1, args, Some(compiled))).flatten()
            }
            _ => None,
        }
    }

    /// Whether something has an attribute, where that is known.
    fn has_attribute(&self, object: &Value<'p>, name: &str) -> Option<bool> {
        match object {
            Value::Object(instance) => {
                let known = instance.fields.borrow().contains_key(name)
                    || instance.class.attribute(name).is_some();
                // What the program does not define, its bases outside mostly do not either.
                // A base that a question stands for has no private attributes, and no such flags.
                let has_not = base_of(instance).is_some()
                    && (name.starts_with('_') || name.starts_with("is_"))
                    || instance.class.lineage().1.is_none();
                known.then_some(true).or_else(|| has_not.then_some(false))
            }
            Value::Class(class) => match class.attribute(name) {
                Some(_) => Some(true),
                None => class.lineage().1.is_none().then_some(false),
            },
            Value::Function(closure) => Some(
                closure.attributes.borrow().contains_key(name)
                    || matches!(name, "__name__" | "__doc__"),
            ),
            Value::None | Value::Absent => Some(false),
            _ => None,
        }
    }

    /// `getattr(object, name, default)`.
    fn attribute_or(
        &mut self,
        object: &Value<'p>,
        name: &str,
        default: Option<&Value<'p>>,
    ) -> Value<'p> {
        let Some(default) = default else { return expr::attribute(object, name, self) };
        match self.has_attribute(object, name) {
            Some(false) => default.clone(),
            Some(true) => expr::attribute(object, name, self),
            None => match expr::attribute(object, name, self) {
                // Nothing of the program says that a base outside has it.
                Value::Method(_) if matches!(object, Value::Object(_) | Value::Class(_)) => {
                    default.clone()
                }
                Value::Absent => default.clone(),
                // What nobody says of a user who is nobody, that user does not have.
                Value::External(_) if matches!(object, Value::External(path) if path == "caller.user") => {
                    self.identity(default.clone())
                }
                other => other,
            },
        }
    }

    /// A function with some of its arguments, to be called with the others.
    fn partial(&mut self, function: &Value<'p>, args: Args<'p>, span: Span) -> Value<'p> {
        let record =
            self.record(Value::External("functools.partial".into()), args.clone(), span, None);
        let Value::Function(closure) = function else { return Value::Native(record) };
        let first = Args { positional: args.positional[1..].to_vec(), ..args };
        Value::Function(Rc::new(closure.given_first(first)))
    }

    /// What a call comes to where a partial of something outside the program is called, or a
    /// wrapper is made like what it wraps.
    fn made_by_functools(&self, callee: &Value<'p>, args: &Args<'p>) -> Option<Made<'p>> {
        let Value::Native(id) = callee else { return None };
        let record = self.call_record(*id)?;
        match record.path()? {
            "functools.partial" => {
                let (function, first) = record.args.positional.split_first()?;
                let given = Args { positional: first.to_vec(), ..record.args.clone() };
                Some(Made::Call(function.clone(), given.followed_by(args.clone())))
            }
            "functools.wraps" => {
                let wrapper = args.positional.first()?;
                wraps(wrapper, record.args.positional.first()?);
                Some(Made::Value(wrapper.clone()))
            }
            _ => None,
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
        // Over an empty list it is known not to be called.
        if let Value::Function(closure) = &function {
            closure.entered.set(true);
        }
        if matches!(method, "reduce" | "reduceRight") {
            let mut items = self.turns(items.to_vec());
            if method == "reduceRight" {
                items.reverse();
            }
            return self.reduce(&function, items, args.positional.get(1).cloned(), span);
        }
        let mut out = Vec::new();
        self.cut |= items.len() > MAX_TURNS;
        let items = &items[..items.len().min(MAX_TURNS)];
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
            "find" if out.iter().all(|found| found.truth() == Some(false)) => Value::None,
            "find" => items
                .iter()
                .zip(&out)
                .find(|(_, found)| found.truth() == Some(true))
                .map(|(item, _)| item.clone())
                .unwrap_or_default(),
            "some" | "every" => {
                // One item that is true decides the one, one that is not the other.
                let decides = Some(method == "some");
                let truths: Vec<_> = out.iter().map(Value::truth).collect();
                if truths.contains(&decides) {
                    Value::Bool(method == "some")
                } else if truths.contains(&None) {
                    Value::Unknown
                } else {
                    Value::Bool(method != "some")
                }
            }
            "forEach" => Value::None,
            _ => Value::Unknown,
        }
    }

    /// What a function makes of one item after the other, and of the first to begin with.
    fn reduce(
        &mut self,
        function: &Value<'p>,
        items: Vec<Value<'p>>,
        first: Option<Value<'p>>,
        span: Span,
    ) -> Value<'p> {
        let mut items = items.into_iter().enumerate();
        let Some(mut made) = first.or_else(|| items.next().map(|(_, item)| item)) else {
            return Value::Unknown;
        };
        for (at, item) in items {
            let position = Value::Number(SmolStr::from(at.to_string()));
            made = self.call_value(function, Args::of(vec![made, item, position]), span);
        }
        made
    }

    pub(super) fn bound(
        &self,
        closure: &Rc<Closure<'p>>,
        this: Value<'p>,
        class: Rc<ClassValue<'p>>,
    ) -> Rc<Closure<'p>> {
        let same = closure.decorated(closure.decorators.clone());
        Rc::new(Closure { this: Some(this), is_method: true, class: Some(class), ..same })
    }

    /// Calls a function of the program.
    pub(super) fn apply(&mut self, closure: &Rc<Closure<'p>>, args: Args<'p>) -> Value<'p> {
        let args = match &closure.given {
            Some(given) => given.followed_by(args),
            None => args,
        };
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
        let written = self.written.take();
        if let Some(value) = self.worn(closure, &args) {
            return value;
        }
        let (begun, asked) = (self.begun(), args.clone());
        let env = Env::inside(&closure.env, closure.qualified.clone(), false);
        self.note_called(&env, &asked, closure, written);
        // `Base.method(self, …)` of Python gives a method what it is about. What a method of a
        // script is given is its object only where it is one.
        let script = self.program.file(closure.env.file).module.language.is_script();
        let given = args
            .positional
            .first()
            .filter(|given| closure.env.is_class && (!script || matches!(given, Value::Object(_))));
        let frame = Frame {
            env: Rc::clone(&env),
            this: closure.this.as_ref().or(given).cloned(),
            class: closure.class.clone(),
        };
        let outer = std::mem::replace(&mut self.frame, frame);
        let returned = std::mem::take(&mut self.returned);
        let swayed = std::mem::take(&mut self.swayed);
        let otherwise = std::mem::take(&mut self.otherwise);
        let narrowed = self.narrowing(None);
        let identities = self.identities();
        let told_nothing = args.positional.iter().any(|value| matches!(value, Value::Absent));
        let allowance = self.allow(closure, &args);
        let conditional = self.conditional;
        let entered_at = std::mem::replace(&mut self.entered_at, conditional);
        self.stack.push(pointer);
        if rust {
            self.bind_generics(closure.function, &args);
        }
        let this = closure.this.as_ref().filter(|_| closure.is_method || rust);
        self.bind_params(&closure.function.params, args, this);
        let flow = self.block(&closure.function.body);
        self.stack.pop();
        self.frame = outer;
        let swayed = std::mem::replace(&mut self.swayed, swayed);
        let otherwise = std::mem::replace(&mut self.otherwise, otherwise);
        self.narrowing(Some(narrowed));
        self.conditional = conditional;
        self.entered_at = entered_at;
        if let Some(steps) = allowance
            && self.take_back(steps)
        {
            self.returned = returned;
            return Value::Unknown;
        }
        let mut values = std::mem::replace(&mut self.returned, returned);
        match flow {
            Flow::Return(value) => values.push(value),
            Flow::Next | Flow::Leave(_) => values.push(Value::None),
            Flow::Stop(thrown) => self.ends_raising(thrown, !values.is_empty()),
        }
        if swayed {
            values = values.into_iter().map(Value::by_default).collect();
        }
        // Nothing, after a look at who calls, is what an anonymous caller does not have.
        if self.identities() > identities || told_nothing {
            let nothing = values.iter_mut().filter(|value| matches!(value, Value::None));
            nothing.for_each(|value| *value = Value::Absent);
        }
        let value = Value::choice(values);
        self.spend(value.weight().saturating_mul(otherwise.len()));
        let value = otherwise.iter().fold(value, |value, other| value.unless(other));
        self.wear(begun, closure, asked, &value);
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
            // TypeScript declares the type of `this` where the parameters are.
            if !python && !rust && name.as_deref() == Some("this") {
                continue;
            }
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
                let (_, value) = named.remove(at);
                self.note_given(&value, param);
                value
            } else if let Some(value) =
                positional.next().filter(|value| !self.is_left_out(value, param))
            {
                self.note_given(&value, param);
                if self.follows { self.given_or_declared(value, param) } else { value }
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
                    (None, None) if args.open && self.follows => self.by_declaration(param),
                    // What a script does not give is undefined.
                    (None, None) if !args.open && self.language().is_script() => Value::None,
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

    /// Whether a script hands a parameter on that it was not given itself, so that its default
    /// stands.
    fn is_left_out(&self, value: &Value<'p>, param: &Param) -> bool {
        matches!(value, Value::None) && param.default.is_some() && self.language().is_script()
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

/// The functions among arguments that nothing has called yet.
fn waiting<'p>(args: &Args<'p>) -> Vec<Rc<Closure<'p>>> {
    let waiting = |value: &Value<'p>| match value {
        Value::Function(closure) if !closure.entered.get() => Some(Rc::clone(closure)),
        _ => None,
    };
    args.positional.iter().filter_map(waiting).collect()
}

/// Whether a value is the method of a list that is known to be empty.
fn is_of_empty_list(value: &Value<'_>) -> bool {
    match value {
        Value::Method(method) => {
            matches!(&method.0, Value::List(items) if items.borrow().is_empty())
        }
        _ => false,
    }
}

/// What a function of a library goes through that takes lists and objects.
fn utility_items<'p>(value: &Value<'p>) -> Option<Vec<Value<'p>>> {
    match value {
        Value::Map(entries) => Some(entries.borrow().iter().map(|(_, it)| it.clone()).collect()),
        value => value.items(),
    }
}

/// Whether what a path names makes an application that code can ask for without having it.
/// `next(generator)`, `next(generator, default)`: each item that the generator may give may be the
/// first, since its conditions may hold or not.
fn first_of<'p>(list: &Value<'p>, args: &Args<'p>) -> Option<Value<'p>> {
    let Value::List(items) = list else { return None };
    let default = args.positional.get(1).cloned();
    let items = items.borrow().iter().cloned().chain(default).collect::<Vec<_>>();
    (!items.is_empty()).then(|| Value::choice(items))
}

/// Whether one of several values, or each of them, counts as true.
fn any_or_all(items: &Value<'_>, which: &str) -> Option<bool> {
    let Value::List(items) = items else { return None };
    let truths: Vec<_> = items.borrow().iter().map(Value::truth).collect();
    let decides = Some(which == "any");
    if truths.contains(&decides) {
        return decides;
    }
    (!truths.contains(&None)).then_some(which != "any")
}

/// Whether a call is given a comprehension that leaves some out, nobody knows which.
fn has_filter(call: &Call) -> bool {
    struct Filters(bool);
    impl<'m> Visitor<'m> for Filters {
        fn enter_stmt(&mut self, stmt: &'m Stmt) -> Walk {
            self.0 |= matches!(stmt.kind, StmtKind::If { .. });
            Walk::Into
        }
    }
    let mut filters = Filters(false);
    for arg in &call.args {
        walk_expr(&mut filters, &arg.value);
    }
    filters.0
}

fn is_application(path: &str) -> bool {
    matches!(path, "flask.Flask" | "flask.app.Flask" | "quart.Quart")
}

/// Whether a function checks that a form comes from a page of the program: it says nothing of who
/// calls, and a caller who means it has read the page.
fn is_forgery_check(closure: &Closure<'_>) -> bool {
    let Some(name) = closure.function.name.as_deref() else { return false };
    let name = name.trim_start_matches('_').to_ascii_lowercase();
    let checks = ["check", "verify", "validate"].iter().any(|verb| name.starts_with(verb));
    checks && (name.contains("xsrf") || name.contains("csrf")) && closure.function.params.len() < 3
}

/// What a call of something that `functools` has made comes to.
enum Made<'p> {
    Call(Value<'p>, Args<'p>),
    Value(Value<'p>),
}

/// Makes one function look like another: with its notes, and the function behind it.
fn wraps<'p>(wrapper: &Value<'p>, wrapped: &Value<'p>) {
    let Value::Function(wrapper) = wrapper else { return };
    let mut attributes = wrapper.attributes.borrow_mut();
    if let Value::Function(wrapped) = wrapped
        && !Rc::ptr_eq(&wrapper.attributes, &wrapped.attributes)
    {
        let notes = wrapped.attributes.borrow();
        attributes.extend(notes.iter().map(|(name, value)| (name.clone(), value.clone())));
    }
    attributes.insert("__wrapped__".into(), wrapped.clone());
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
