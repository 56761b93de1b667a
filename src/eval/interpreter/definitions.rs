//! Functions, classes, and what becomes of them: closures, instances, their attributes.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use smol_str::SmolStr;

use super::{Frame, Interpreter, MAX_PENDING, MAX_PENDING_EACH};
use crate::eval::expr;
use crate::eval::value::{Args, CallId, ClassValue, Closure, Env, Object, Value};
use crate::module::{Class, ExprKind, Function, Span, StmtKind};
use crate::source::Language;

impl<'p> Interpreter<'p> {
    pub(super) fn define_function(&mut self, function: &'p Function) {
        let Some(name) = &function.name else { return };
        // An overload of a script has no body; in Python the last definition wins by itself, and one
        // whose body is `...` may still be registered by its decorators.
        if function.is_abstract && self.language() != Language::Python {
            return;
        }
        let decorators: Vec<_> = function
            .decorators
            .iter()
            .map(|decorator| (decorator, expr::eval(decorator, self)))
            .collect();
        let mut closure = self.make_closure(function);
        closure.decorators = decorators.iter().map(|(_, value)| value.clone()).collect();
        let value = self.remember(closure);
        self.set_variable(name, value.clone(), false);
        // The innermost decorator is applied first. What it gives back is not asked for: the name
        // keeps meaning the function that a reader sees, with its decorators as a note.
        for (decorator, callee) in decorators.into_iter().rev() {
            let args = self.decorator_args(name, value.clone());
            self.call_value(&callee, args, decorator.span);
        }
    }

    /// What a decorator of a function is called with: the function; in a script the class, the
    /// name and a description of the property, as compilers have it.
    fn decorator_args(&self, name: &str, function: Value<'p>) -> Args<'p> {
        match &self.frame.class {
            Some(class) if self.language().is_script() => Args::of(vec![
                Value::Class(Rc::clone(class)),
                Value::text(name),
                Value::map(vec![(Value::text("value"), function)]),
            ]),
            _ => Args::of(vec![function]),
        }
    }

    pub(super) fn closure(&mut self, function: &'p Function) -> Value<'p> {
        let closure = self.make_closure(function);
        self.remember(closure)
    }

    pub(super) fn make_closure(&self, function: &'p Function) -> Closure<'p> {
        let env = Rc::clone(&self.frame.env);
        let qualified = match &function.name {
            Some(name) => env.qualify(name),
            None => env.qualified.clone(),
        };
        Closure {
            function,
            this: self.frame.this.clone(),
            class: self.frame.class.clone(),
            env,
            decorators: Vec::new(),
            qualified,
            entered: Rc::default(),
        }
    }

    pub(super) fn remember(&mut self, closure: Closure<'p>) -> Value<'p> {
        let closure = Rc::new(closure);
        let met = self.met.entry(closure.function).or_default();
        *met += 1;
        if *met > MAX_PENDING_EACH {
            return Value::Function(closure);
        }
        // The scope of a closure that nothing can call keeps its parents alive until the end, so
        // only a bounded number is kept.
        if self.pending.len() < MAX_PENDING {
            self.pending.push(Rc::clone(&closure));
        } else {
            self.cut = true;
        }
        Value::Function(closure)
    }

    pub(super) fn define_class(&mut self, class: &'p Class) -> Value<'p> {
        let bases = class.bases.iter().map(|base| expr::eval(&base.value, self)).collect();
        let decorators: Vec<_> = class
            .decorators
            .iter()
            .map(|decorator| (decorator, expr::eval(decorator, self)))
            .collect();
        let qualified =
            class.name.as_ref().map_or_else(SmolStr::default, |name| self.frame.env.qualify(name));
        let env = Env::inside(&self.frame.env, qualified.clone(), true);
        let value = Rc::new(ClassValue {
            class,
            bases,
            env: Rc::clone(&env),
            decorators: decorators.iter().map(|(_, value)| value.clone()).collect(),
            qualified,
            instantiated: Cell::new(false),
        });
        if let Some(name) = &class.name {
            self.frame.env.set(name, Value::Class(Rc::clone(&value)));
        }
        let frame = Frame { env, this: None, class: Some(Rc::clone(&value)) };
        let outer = std::mem::replace(&mut self.frame, frame);
        self.block(&class.body);
        self.frame = outer;
        self.classes.push(Rc::clone(&value));
        for (decorator, callee) in decorators.into_iter().rev() {
            self.call_value(
                &callee,
                Args::of(vec![Value::Class(Rc::clone(&value))]),
                decorator.span,
            );
        }
        Value::Class(value)
    }

    pub(super) fn instantiate(
        &mut self,
        class: &Rc<ClassValue<'p>>,
        args: Args<'p>,
        span: Span,
    ) -> Value<'p> {
        class.instantiated.set(true);
        let object = Rc::new(Object {
            class: Rc::clone(class),
            fields: RefCell::default(),
            native: Cell::new(None),
        });
        let this = Value::Object(Rc::clone(&object));
        self.initialise_fields(class, &this);
        let constructor = ["__init__", "constructor"].iter().find_map(|name| class.attribute(name));
        match constructor {
            Some((Value::Function(closure), owner)) => {
                let bound = self.bound(&closure, this.clone(), owner);
                self.apply(&bound, args);
            }
            _ => self.construct_native(&object, args, span),
        }
        this
    }

    /// Fields declared in a script class are evaluated anew for each object.
    pub(super) fn initialise_fields(&mut self, class: &Rc<ClassValue<'p>>, this: &Value<'p>) {
        let Value::Object(object) = this else { return };
        for owner in class.lineage().0.into_iter().rev() {
            let file = owner.env.file;
            if self.program.file(file).module.language == Language::Python {
                continue;
            }
            let frame = Frame {
                env: Rc::clone(&owner.env),
                this: Some(this.clone()),
                class: Some(Rc::clone(&owner)),
            };
            let outer = std::mem::replace(&mut self.frame, frame);
            for stmt in &owner.class.body {
                if let StmtKind::Bind(bind) = &stmt.kind
                    && let (ExprKind::Name(name), Some(value)) = (&bind.target.kind, &bind.value)
                {
                    let value = expr::eval(value, self);
                    object.fields.borrow_mut().insert(name.clone(), value);
                }
            }
            self.frame = outer;
        }
    }

    /// Records the construction of an external base.
    pub(super) fn construct_native(&mut self, object: &Rc<Object<'p>>, args: Args<'p>, span: Span) {
        if object.native.get().is_some() {
            return;
        }
        let base = match object.class.lineage() {
            (_, Some(base)) => Some(Value::External(base)),
            _ => None,
        };
        if let Some(base) = object.class.made_base().or(base) {
            let id = self.record(base, args, span, Some(Rc::clone(&object.class)));
            object.native.set(Some(id));
            self.react(id);
        }
    }

    pub(super) fn object_attribute(
        &mut self,
        this: &Value<'p>,
        object: &Rc<Object<'p>>,
        name: &str,
    ) -> Value<'p> {
        if let Some(value) = object.fields.borrow().get(name) {
            return value.clone();
        }
        match object.class.attribute(name) {
            Some((value, owner)) => self.bind_attribute(this, value, owner, name),
            None => Value::Method(Rc::new((this.clone(), name.into()))),
        }
    }

    pub(super) fn bind_attribute(
        &mut self,
        this: &Value<'p>,
        value: Value<'p>,
        owner: Rc<ClassValue<'p>>,
        name: &str,
    ) -> Value<'p> {
        match value {
            Value::Function(closure) => {
                let is = |wanted: &str| {
                    closure.decorators.iter().any(
                        |decorator| matches!(decorator, Value::External(path) if path == wanted),
                    )
                };
                if is("staticmethod") {
                    return Value::Function(closure);
                }
                let bound = self.bound(&closure, this.clone(), owner);
                if is("property") || is("functools.cached_property") {
                    return self.apply(&bound, Args::default());
                }
                Value::Function(bound)
            }
            // `field: str = Field(default="/api")` of a settings class stands for its default.
            Value::Native(id) => self.field_default(id, name).unwrap_or(Value::Native(id)),
            // A setting that is absent by default is for the deployment to decide.
            Value::None if matches!(owner.lineage().1.as_deref(), Some(base) if base.ends_with("Settings")) => {
                Value::Unknown
            }
            other => other,
        }
    }

    /// The default of a `Field(…)`, marked with the variable that can replace it.
    pub(super) fn field_default(&self, id: CallId, name: &str) -> Option<Value<'p>> {
        let record = self.call_record(id)?;
        let path = record.path()?;
        if !matches!(path.rsplit('.').next(), Some("Field" | "field" | "FieldInfo")) {
            return None;
        }
        match record.args.get(0, "default") {
            Some(Value::Text(text)) => {
                Some(Value::Text(Rc::new((**text).clone().from_env(&name.to_uppercase()))))
            }
            Some(value) => Some(value.clone()),
            None => Some(Value::Unknown),
        }
    }
}
