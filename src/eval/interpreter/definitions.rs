//! Functions, classes, and what becomes of them: closures, instances, their attributes.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use smol_str::SmolStr;

use super::{Frame, Interpreter, MAX_PENDING, MAX_PENDING_EACH};
use crate::eval::builtins;
use crate::eval::expr;
use crate::eval::value::{Args, BASE, CallId, ClassValue, Closure, Env, OWN_ITEMS, Object, Value};
use crate::module::{Class, ExprKind, Function, Span, StmtKind};
use crate::source::Language;

/// The most decorators of which each meets the function with those below it alone.
const MAX_DECORATORS: usize = 64;
/// What stands for the bases of an object that lie outside the program, where a question gives it.
pub(super) fn base_of<'p>(object: &Object<'p>) -> Option<Value<'p>> {
    object.fields.borrow().get(BASE).cloned()
}

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
        let bare = self.make_closure(function);
        let values: Vec<_> = decorators.iter().map(|(_, value)| value.clone()).collect();
        let value = self.remember(bare.decorated(values.clone()));
        self.set_variable(name, value.clone(), false);
        // The innermost decorator is applied first, to the function with those below it. What it
        // gives back is not asked for: the name keeps meaning the function that a reader sees,
        // with its decorators as a note.
        for (at, (decorator, callee)) in decorators.into_iter().enumerate().rev() {
            let below = match values.len() {
                ..=MAX_DECORATORS if !self.language().is_script() => {
                    Value::Function(Rc::new(bare.decorated(values[at + 1..].to_vec())))
                }
                _ => value.clone(),
            };
            let args = self.decorator_args(name, below);
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
            is_method: false,
            class: self.frame.class.clone(),
            env,
            decorators: Vec::new(),
            qualified,
            entered: Rc::default(),
            attributes: Rc::default(),
            given: None,
            made_at: None,
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
            self.set_variable(name, Value::Class(Rc::clone(&value)), false);
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
        if !self.probing() {
            self.instances.insert(Rc::as_ptr(class), Rc::clone(&object));
        }
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
                    let mut value = expr::eval(value, self);
                    if self.follows {
                        value = value.by_default();
                    }
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
            if matches!(&base, Value::External(base) if is_list(base)) {
                let items = args.positional.first().and_then(Value::items).unwrap_or_default();
                object.fields.borrow_mut().insert(OWN_ITEMS.into(), Value::list(items));
                return;
            }
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
        let own = object.fields.borrow().get(name).cloned();
        if let Some(value) = own {
            // What an earlier step has found out about who calls, and left here.
            let is_nobody = matches!(value, Value::Absent) && base_of(object).is_some();
            return if is_nobody { self.identity(value) } else { value };
        }
        match object.class.attribute(name) {
            Some((value, owner)) => self.bind_attribute(this, value, owner, name),
            None if let Some(base) = base_of(object) => {
                // Tornado's property, which the program decides about.
                let asks =
                    (name == "current_user").then(|| object.class.attribute("get_current_user"));
                match asks.flatten() {
                    Some((Value::Function(closure), owner)) => {
                        let bound = self.bound(&closure, this.clone(), owner);
                        let user = self.call_value(
                            &Value::Function(bound),
                            Args::default(),
                            Span::default(),
                        );
                        self.identity(if matches!(user, Value::None) {
                            Value::Absent
                        } else {
                            user
                        })
                    }
                    _ => expr::attribute(&base, name, self),
                }
            }
            None => own_items(object)
                .and_then(|items| builtins::attribute(&items, name))
                .unwrap_or_else(|| Value::Method(Rc::new((this.clone(), name.into())))),
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
                let is_getter = closure.function.is_getter;
                if is_getter || is("property") || is("functools.cached_property") {
                    return self.apply(&bound, Args::default());
                }
                Value::Function(bound)
            }
            // `field: str = Field(default="/api")` of a settings class stands for its default.
            Value::Native(id) => {
                let value = self.field_default(id, name, &owner).unwrap_or(Value::Native(id));
                // What a factory has made belongs to this object alone.
                if let (Value::Object(object), Value::List(_) | Value::Map(_)) = (this, &value) {
                    object.fields.borrow_mut().insert(name.into(), value.clone());
                }
                value
            }
            // A trait of a kind that the program makes itself.
            Value::Object(object) if let Some(id) = object.native.get() => {
                self.field_default(id, name, &owner).unwrap_or(Value::Object(object))
            }
            // What a settings class says is a default that the environment may replace.
            Value::None | Value::Bool(_) | Value::Text(_) if is_settings(&owner) => {
                setting(value, name)
            }
            other => other,
        }
    }

    /// The default of a `Field(…)` of a class or of a trait, marked with the variable that can
    /// replace it.
    pub(super) fn field_default(
        &mut self,
        id: CallId,
        name: &str,
        owner: &Rc<ClassValue<'p>>,
    ) -> Option<Value<'p>> {
        let mut record = Rc::clone(self.call_record(id)?);
        // `Unicode("/").tag(config=True)`
        while let Some((inner, "tag")) = record.method() {
            record = Rc::clone(self.call_record(inner)?);
        }
        let path = record.path()?;
        let kind = path.rsplit('.').next().unwrap_or(path);
        if path.starts_with("traitlets.") {
            let first = record.args.get(0, "default_value").cloned();
            return trait_default(kind, first).map(|value| by_variable(value, name));
        }
        if !matches!(kind, "Field" | "field" | "FieldInfo") {
            return None;
        }
        let default = record.args.get(0, "default").cloned().or_else(|| {
            let factory = record.args.keyword("default_factory").cloned()?;
            Some(self.call_value(&factory, Args::default(), record.place.span))
        });
        Some(match default {
            Some(default @ (Value::Text(_) | Value::Bool(_) | Value::None))
                if is_settings(owner) =>
            {
                setting(default, name)
            }
            Some(default) => default,
            None => Value::Unknown,
        })
    }
}

/// Whether a class from outside is the list of Python.
fn is_list(path: &str) -> bool {
    matches!(path, "list" | "builtins.list" | "collections.UserList")
}

/// The items of an instance of a class that is a list, also of one whose constructor does not say
/// so.
fn own_items<'p>(object: &Rc<Object<'p>>) -> Option<Value<'p>> {
    if let Some(items) = object.fields.borrow().get(OWN_ITEMS) {
        return Some(items.clone());
    }
    object.class.lineage().1.filter(|base| is_list(base))?;
    let items = Value::list(Vec::new());
    object.fields.borrow_mut().insert(OWN_ITEMS.into(), items.clone());
    Some(items)
}

/// Whether a class reads its attributes from the environment.
fn is_settings(class: &Rc<ClassValue<'_>>) -> bool {
    class.lineage().1.is_some_and(|base| base.ends_with("Settings"))
}

/// The default of a setting, marked as what the environment may replace; one that is absent by
/// default is for the deployment to decide.
fn setting<'p>(default: Value<'p>, name: &str) -> Value<'p> {
    match default {
        Value::Text(text) => {
            Value::Text(Rc::new((*text).clone().from_env(&name.to_ascii_uppercase())))
        }
        Value::None => Value::Unknown,
        other => other.by_default(),
    }
}

/// A value that a variable of the environment can replace.
fn by_variable<'p>(value: Value<'p>, name: &str) -> Value<'p> {
    match value {
        Value::Text(text) => Value::Text(Rc::new((*text).clone().from_env(&name.to_uppercase()))),
        other => other,
    }
}

/// What a trait of a kind comes to that nobody has set; `None` where its class is no such kind.
fn trait_default<'p>(kind: &str, given: Option<Value<'p>>) -> Option<Value<'p>> {
    let given = given.filter(|value| !matches!(value, Value::Native(_) | Value::Object(_)));
    Some(match kind {
        "Unicode" | "CUnicode" => given.unwrap_or_else(|| Value::text("")),
        "Bool" | "CBool" => given.unwrap_or(Value::Bool(false)).by_default(),
        "List" | "Set" | "Tuple" => {
            let items = given.and_then(|value| value.items());
            Value::list(items.unwrap_or_default())
        }
        "Dict" => given.unwrap_or_else(|| Value::map(Vec::new())),
        "Integer" | "Int" | "Float" | "Enum" | "CaselessStrEnum" => given.unwrap_or_default(),
        _ => return None,
    })
}
