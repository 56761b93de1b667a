//! What expressions see of the running program.

use std::rc::Rc;

use super::definitions::base_of;
use super::{Interpreter, MAX_DEPTH};
use crate::eval::builtins;
use crate::eval::expr::{self, Scope};
use crate::eval::value::{Args, ClassValue, Closure, Place, Value, static_name};
use crate::module::{Block, Call, Class, Expr, Function, Markup, Span};
use crate::source::Language;

/// What is noted on a function, and what it is called.
fn function_attribute<'p>(closure: &Closure<'p>, name: &str) -> Option<Value<'p>> {
    match name {
        "__name__" | "__qualname__" => closure.function.name.as_deref().map(Value::text),
        _ => closure.attributes.borrow().get(name).cloned(),
    }
}

/// A function as it is called on an object; on nothing that is known, it stays as it is.
fn called_on<'p>(closure: &Rc<Closure<'p>>, this: Option<Value<'p>>) -> Rc<Closure<'p>> {
    match this {
        Some(this @ (Value::Object(_) | Value::Class(_) | Value::Native(_) | Value::Map(_))) => {
            Rc::new(closure.on(this))
        }
        _ => Rc::clone(closure),
    }
}

/// What a class has by a name, and where: in scripts its own members before those of its instances.
fn class_attribute<'p>(
    class: &Rc<ClassValue<'p>>,
    name: &str,
    is_script: bool,
) -> Option<(Value<'p>, Rc<ClassValue<'p>>)> {
    let own = || class.attribute(&static_name(name));
    is_script.then(own).flatten().or_else(|| class.attribute(name))
}

impl<'p> Scope<'p> for Interpreter<'p> {
    fn own(&mut self, expr: &'p Expr) -> Option<Value<'p>> {
        (self.language() == Language::Rust).then(|| self.rust_expr(expr)).flatten()
    }

    fn name(&mut self, name: &str) -> Value<'p> {
        match name {
            "this" => return self.frame.this.clone().unwrap_or_default(),
            "super" if self.language() != Language::Python => return self.super_value(),
            _ => {}
        }
        let env = &self.frame.env;
        let known = match &env.parent {
            // Members of a class are no names in a script: `@get("/x") get() {}`.
            Some(around) if env.is_class && self.language().is_script() => around.get(name),
            _ => env.get(name),
        };
        // Modules that import each other see what the other has made since.
        if let Some(Value::Unknown) = known
            && let Some(value) = self.imported_since(name)
        {
            return value;
        }
        let known = known.or_else(|| self.own_place(name));
        let known = known.or_else(|| self.module_constant(name));
        let known = known.or_else(|| self.imported_unasked(name));
        known.unwrap_or_else(|| Value::External(name.into()))
    }

    fn attribute(&mut self, object: &Value<'p>, name: &str) -> Value<'p> {
        match object {
            Value::Module(file) => self.member(*file, name),
            Value::Package(path) => self.submodule(&path.clone(), name).unwrap_or_default(),
            Value::Object(instance) => self.object_attribute(object, instance, name),
            Value::Class(class) => match class_attribute(class, name, self.language().is_script()) {
                Some((Value::Native(id), owner)) => {
                    self.field_default(id, name, &owner).unwrap_or(Value::Native(id))
                }
                Some((Value::Function(closure), owner))
                    if closure.decorators.iter().any(
                        |decorator| matches!(decorator, Value::External(path) if path == "classmethod"),
                    ) =>
                {
                    Value::Function(self.bound(&closure, object.clone(), owner))
                }
                // A static method is called on the class.
                Some((Value::Function(closure), owner)) if self.language().is_script() => {
                    let bound = self.bound(&closure, object.clone(), owner);
                    match closure.function.is_getter {
                        true => self.apply(&bound, Args::default()),
                        false => Value::Function(bound),
                    }
                }
                Some((value, _)) => value,
                // What a script puts there is an attribute of the class.
                None if name == "prototype" && self.language().is_script() => object.clone(),
                None if matches!(name, "__name__" | "__qualname__") => {
                    Value::text(class.class.name.as_deref().unwrap_or_default())
                }
                None => match class.lineage().1 {
                    Some(_) => Value::Method(Rc::new((object.clone(), name.into()))),
                    None => Value::Unknown,
                },
            },
            Value::Method(method) if let ("super", Value::Class(of)) = (method.1.as_str(), &method.0) => {
                let behind = self.frame.class.as_ref().and_then(|class| of.attribute_behind(class, name));
                match behind {
                    Some((Value::Function(closure), owner)) => {
                        Value::Function(self.bound(&closure, method.0.clone(), owner))
                    }
                    Some((value, _)) => value,
                    None => Value::Method(Rc::new((method.0.clone(), name.into()))),
                }
            }
            Value::Method(method) if method.1 == "super" => {
                let (Value::Object(instance), Some(class)) = (&method.0, &self.frame.class) else {
                    return Value::Unknown;
                };
                let parent = instance.class.attribute_behind(class, name);
                match parent {
                    Some((value, owner)) => self.bind_attribute(&method.0, value, owner, name),
                    None if matches!(name, "__init__" | "constructor") => {
                        Value::Method(Rc::new((Value::Object(Rc::clone(instance)), "__construct__".into())))
                    }
                    None => match base_of(instance) {
                        Some(base) => expr::attribute(&base, name, self),
                        None => Value::Method(Rc::new((method.0.clone(), name.into()))),
                    },
                }
            }
            Value::Function(closure) if name == "prototype" && self.language().is_script() => {
                Value::Class(self.prototype(closure))
            }
            Value::Function(closure) if let Some(value) = function_attribute(closure, name) => value,
            // What a script finds on `false` is nothing.
            Value::Bool(false) if self.probing() => Value::Absent,
            Value::Function(_) => Value::Method(Rc::new((object.clone(), name.into()))),
            Value::Native(_) | Value::Method(_) => self
                .stored(object, name)
                .unwrap_or_else(|| Value::Method(Rc::new((object.clone(), name.into())))),
            _ => Value::Unknown,
        }
    }

    fn call(&mut self, callee: Value<'p>, args: Args<'p>, call: &'p Call, span: Span) -> Value<'p> {
        if let Value::Method(method) = &callee {
            match (&method.0, method.1.as_str()) {
                (Value::Object(object), "__construct__") => {
                    self.construct_native(&object.clone(), args, span);
                    return Value::None;
                }
                // `super(…)` of a script class.
                (Value::Object(object), "super") => {
                    let parent = self.frame.class.as_ref().and_then(|class| {
                        class.bases.iter().find_map(|base| match base {
                            Value::Class(base) => base.attribute("constructor"),
                            _ => None,
                        })
                    });
                    let object = Rc::clone(object);
                    if let Some((Value::Function(closure), owner)) = parent {
                        let bound = self.bound(&closure, Value::Object(object), owner);
                        self.apply(&bound, args);
                    } else {
                        self.construct_native(&object, args, span);
                    }
                    return Value::None;
                }
                // `f.bind(x)`, `f.call(x, …)`, `f.delay(…)`.
                // `app.get.call(app, …)`, `app.get.apply(app, […])`
                (Value::Method(inner), "call" | "apply")
                    if args.positional.first().is_some_and(|this| this.is_same(&inner.0)) =>
                {
                    let mut given = args.positional.clone();
                    given.remove(0);
                    let spread = given.first().and_then(Value::items);
                    let rest = match (method.1.as_str(), spread) {
                        ("apply", Some(items)) => Args::of(items),
                        ("apply", None) => Args { open: true, ..Args::default() },
                        _ => Args::of(given),
                    };
                    self.written = Some(call);
                    return self.call_value(&method.0.clone(), rest, span);
                }
                (Value::Function(closure), "bind") => {
                    let mut given = args.positional.into_iter();
                    let closure = called_on(closure, given.next());
                    return Value::Function(match given.len() {
                        0 => closure,
                        _ => Rc::new(closure.given_first(Args::of(given.collect()))),
                    });
                }
                (Value::Function(closure), "call") => {
                    let mut given = args.positional.into_iter();
                    let closure = called_on(closure, given.next());
                    return self.apply(&closure, Args::of(given.collect()));
                }
                (Value::Function(closure), "apply") => {
                    let closure = called_on(closure, args.positional.first().cloned());
                    let given = args.positional.get(1).and_then(Value::items);
                    let open = given.is_none() && args.positional.len() > 1;
                    let positional = given.unwrap_or_default();
                    return self.apply(&closure, Args { positional, open, ..Args::default() });
                }
                _ => {}
            }
        }
        if let Value::Function(closure) = &callee
            && call.new
            && self.language().is_script()
        {
            return self.construct_by(&Rc::clone(closure), args, span);
        }
        if let (Value::External(path), [Value::Function(executor)]) =
            (&callee, args.positional.as_slice())
            && call.new
            && path == "Promise"
            && let Some(value) = self.promise(&Rc::clone(executor), span)
        {
            return value;
        }
        self.written = Some(call);
        let value = self.call_value(&callee, args, span);
        self.written = None;
        if self.language() == Language::Rust {
            self.called_outside(&value);
        }
        value
    }

    fn outside(&mut self, path: &str, name: &str) -> Option<Value<'p>> {
        self.added_to_request(path, name)
            .or_else(|| self.meta_place(path, name))
            .or_else(|| self.caller_attribute(path, name))
            .or_else(|| self.current(path, name))
            .or_else(|| self.django_setting(path, name))
    }

    fn is_instance(&mut self, value: &Value<'p>, of: &Value<'p>) -> Option<bool> {
        self.instance_of(value, of)
    }

    fn item(&mut self, object: &Value<'p>, key: &str) -> Option<Value<'p>> {
        self.caller_item(object, key).or_else(|| self.kept(object, key))
    }

    fn contains(&mut self, path: &str, key: &Value<'p>) -> Option<bool> {
        self.caller_contains(path, key)
    }

    fn listed(&mut self, value: Value<'p>) -> Value<'p> {
        Interpreter::listed(self, value)
    }

    fn awaited(&mut self, value: Value<'p>) -> Value<'p> {
        match &value {
            Value::Method(method) if matches!(method.0, Value::Bool(_)) => method.0.clone(),
            _ => value,
        }
    }

    fn intercept(&mut self, callee: &Value<'p>, args: &Args<'p>, span: Span) -> Option<Value<'p>> {
        if self.interrupted() {
            return Some(Value::Unknown);
        }
        self.note_conditional(callee, args);
        // The environment of whoever runs the program is the caller's business too; every other
        // call comes to it in its turn.
        match callee {
            Value::External(path) if builtins::reads_environment(path) => {
                self.caller_call(callee, args, span)
            }
            Value::Method(method) => self.maybe_append(&method.0, &method.1, args),
            _ => None,
        }
    }

    fn missing(&mut self, map: &Value<'p>, _key: &str) -> Option<Value<'p>> {
        // A script's object that is known whole has nothing under any other name.
        if let Value::List(items) = map {
            // A list of which an item is unknown may have more.
            let open = |item: &Value<'p>| matches!(item, Value::Unknown | Value::Native(_));
            let closed = !items.borrow().iter().any(open);
            return (closed && self.probing() && self.language().is_script())
                .then_some(Value::None);
        }
        let Value::Map(entries) = map else { return None };
        let script = !matches!(self.language(), Language::Python | Language::Rust);
        let whole = || entries.borrow().iter().all(|(key, _)| key.as_str().is_some());
        let written = || self.probing() || map.is_closed_literal();
        (script && written() && whole()).then_some(Value::None)
    }

    fn promised(
        &mut self,
        object: &Value<'p>,
        method: &str,
        args: &Args<'p>,
        span: Span,
    ) -> Option<Value<'p>> {
        if matches!(self.language(), Language::Python | Language::Rust) {
            return None;
        }
        let function = |at: usize| {
            let function = args.positional.get(at);
            function.filter(|value| matches!(value, Value::Function(_))).cloned()
        };
        let rescue = if method == "then" { function(1) } else { function(0) };
        match (self.throwing.take(), method) {
            (Some(_), "then" | "catch") if let Some(rescue) = rescue => {
                let error = Value::External("caller.error".into());
                Some(self.call_value(&rescue, Args::of(vec![error]), span))
            }
            (Some(thrown), _) => {
                self.throwing = Some(thrown);
                Some(Value::Unknown)
            }
            // A value is a promise that has come to it.
            (None, "then") if !matches!(object, Value::External(_) | Value::Unknown) => {
                let function = function(0)?;
                Some(self.call_value(&function, Args::of(vec![object.clone()]), span))
            }
            (None, "then") => None,
            (None, _) => match object {
                Value::Native(_) | Value::External(_) | Value::Method(_) | Value::Unknown => None,
                known => Some(known.clone()),
            },
        }
    }

    fn here(&self, span: Span) -> Option<Place> {
        Some(self.place(span))
    }

    fn nothing_used(&mut self) {
        Interpreter::nothing_used(self);
    }

    fn function(&mut self, function: &'p Function) -> Value<'p> {
        self.closure(function)
    }

    fn class(&mut self, class: &'p Class) -> Value<'p> {
        self.define_class(class)
    }

    fn block(&mut self, block: &'p Block) -> Value<'p> {
        self.block_value(block)
    }

    fn weighs_both(&self) -> bool {
        !self.probing()
    }

    fn decides(&self, value: &Value<'p>) -> Option<bool> {
        Interpreter::decides(self, value)
    }

    fn assign(&mut self, target: &'p Expr, value: &Value<'p>) {
        self.bind(target, value.clone());
    }

    fn is_given(&self, name: &str) -> bool {
        self.was_given(name)
    }

    fn tells_arms_apart(&self) -> bool {
        self.follows
    }

    fn markup(&mut self, markup: &'p Markup, span: Span) {
        self.element(markup, span);
    }

    fn enter(&mut self) -> bool {
        if self.depth > MAX_DEPTH || !self.step() {
            return false;
        }
        self.depth += 1;
        true
    }

    fn spend(&mut self, steps: usize) {
        self.steps = self.steps.saturating_sub(u32::try_from(steps).unwrap_or(u32::MAX));
    }

    fn leave(&mut self) {
        self.depth -= 1;
    }
}
