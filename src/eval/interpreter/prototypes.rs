//! Classes that a script makes of functions: a constructor, and methods on its prototype.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::OnceLock;

use smol_str::SmolStr;

use super::Interpreter;
use crate::eval::value::{Args, ClassValue, Closure, Env, Object, Value};
use crate::module::{Class, Span};

/// The attribute of a function that holds its prototype.
const PROTOTYPE: &str = "prototype";

/// A class without a body: all that it has is put on it while the program runs.
fn bodiless() -> &'static Class {
    static CLASS: OnceLock<Class> = OnceLock::new();
    CLASS.get_or_init(|| Class {
        name: None,
        name_span: Span::default(),
        span: Span::default(),
        decorators: Vec::new(),
        bases: Vec::new(),
        body: Vec::new(),
        is_interface: false,
        of: None,
    })
}

/// A class that a constructor stands for.
fn class_of<'p>(env: Rc<Env<'p>>, bases: Vec<Value<'p>>, qualified: SmolStr) -> Rc<ClassValue<'p>> {
    Rc::new(ClassValue {
        class: bodiless(),
        bases,
        env,
        decorators: Vec::new(),
        qualified,
        instantiated: Cell::new(true),
    })
}

impl<'p> Interpreter<'p> {
    /// The class that a function is the constructor of: what it has as its prototype.
    pub(super) fn prototype(&self, closure: &Rc<Closure<'p>>) -> Rc<ClassValue<'p>> {
        let given = closure.attributes.borrow().get(PROTOTYPE).cloned();
        let env = || Env::inside(&closure.env, closure.qualified.clone(), true);
        let class = match given {
            Some(Value::Class(class)) => return class,
            // `F.prototype = { … }`
            Some(Value::Map(methods)) => {
                let env = env();
                for (name, value) in methods.borrow().iter() {
                    if let Some(name) = name.as_str() {
                        env.set(name, value.clone());
                    }
                }
                class_of(env, Vec::new(), closure.qualified.clone())
            }
            // `F.prototype = Object.create(Base.prototype)`, `F.prototype = new Base()`
            Some(Value::Object(object)) => class_of(
                env(),
                vec![Value::Class(Rc::clone(&object.class))],
                closure.qualified.clone(),
            ),
            _ => class_of(env(), Vec::new(), closure.qualified.clone()),
        };
        self.set_prototype(closure, &class);
        class
    }

    fn set_prototype(&self, closure: &Rc<Closure<'p>>, class: &Rc<ClassValue<'p>>) {
        let class = Value::Class(Rc::clone(class));
        closure.attributes.borrow_mut().insert(PROTOTYPE.into(), class);
    }

    /// `new F(…)` of a function: what it gives back where that is an object, else what it has made
    /// of `this`.
    pub(super) fn construct_by(
        &mut self,
        closure: &Rc<Closure<'p>>,
        args: Args<'p>,
        span: Span,
    ) -> Value<'p> {
        let class = self.prototype(closure);
        let object = Rc::new(Object {
            class: Rc::clone(&class),
            fields: RefCell::default(),
            native: Cell::new(None),
        });
        self.construct_native(&object, args.clone(), span);
        let this = Value::Object(object);
        let bound = Rc::new(Closure { class: Some(class), ..closure.on(this.clone()) });
        let given = self.apply(&bound, args);
        let is_object = |value: &Value<'p>| {
            matches!(
                value,
                Value::Native(_) | Value::Object(_) | Value::Map(_) | Value::Function(_)
            )
        };
        match given.alternatives().iter().all(is_object) {
            true => given,
            false => this,
        }
    }

    /// What libraries and languages do with prototypes; `None` where a call is about something
    /// else.
    pub(super) fn prototype_call(&mut self, path: &str, args: &Args<'p>) -> Option<Value<'p>> {
        let [first, second, ..] = args.positional.as_slice() else {
            return match (path, args.positional.first()?) {
                ("Object.create", base @ Value::Class(_)) => Some(self.made_of(base)),
                ("Object.getPrototypeOf", Value::Object(object)) => {
                    Some(Value::Class(Rc::clone(&object.class)))
                }
                _ => None,
            };
        };
        match (path.trim_start_matches("node:"), first, second) {
            ("Object.create", base @ Value::Class(_), _) => Some(self.made_of(base)),
            ("util.inherits" | "inherits", Value::Function(child), base) => {
                let class = self.prototype(child);
                let base = match base {
                    Value::Function(base) => Value::Class(self.prototype(base)),
                    other => other.clone(),
                };
                let env = Rc::clone(&class.env);
                self.set_prototype(child, &class_of(env, vec![base], class.qualified.clone()));
                Some(Value::None)
            }
            ("Object.assign", Value::Class(class), _) => {
                for more in &args.positional[1..] {
                    let Value::Map(entries) = more else { continue };
                    for (name, value) in entries.borrow().iter() {
                        if let Some(name) = name.as_str() {
                            class.env.set(name, value.clone());
                        }
                    }
                }
                Some(first.clone())
            }
            _ => None,
        }
    }

    /// An object whose prototype is what a class stands for.
    fn made_of(&mut self, base: &Value<'p>) -> Value<'p> {
        let env = Env::inside(&self.frame.env, SmolStr::default(), true);
        Value::Class(class_of(env, vec![base.clone()], SmolStr::default()))
    }
}
