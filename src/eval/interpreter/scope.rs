//! What expressions see of the running program.

use std::rc::Rc;

use super::{Interpreter, MAX_DEPTH};
use crate::eval::builtins;
use crate::eval::expr::Scope;
use crate::eval::value::{Args, Value};
use crate::module::{Block, Call, Class, Expr, Function, Span};
use crate::source::Language;

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
        self.frame.env.get(name).unwrap_or_else(|| Value::External(name.into()))
    }

    fn attribute(&mut self, object: &Value<'p>, name: &str) -> Value<'p> {
        match object {
            Value::Module(file) => self.member(*file, name),
            Value::Package(path) => self.submodule(&path.clone(), name).unwrap_or_default(),
            Value::Object(instance) => self.object_attribute(object, instance, name),
            Value::Class(class) => match class.attribute(name) {
                Some((Value::Native(id), _)) => self.field_default(id, name).unwrap_or(Value::Native(id)),
                Some((Value::Function(closure), owner))
                    if closure.decorators.iter().any(
                        |decorator| matches!(decorator, Value::External(path) if path == "classmethod"),
                    ) =>
                {
                    Value::Function(self.bound(&closure, object.clone(), owner))
                }
                Some((value, _)) => value,
                None => match class.lineage().1 {
                    Some(_) => Value::Method(Rc::new((object.clone(), name.into()))),
                    None => Value::Unknown,
                },
            },
            Value::Method(method) if method.1 == "super" => {
                let (Value::Object(instance), Some(class)) = (&method.0, &self.frame.class) else {
                    return Value::Unknown;
                };
                let parent = class.bases.iter().find_map(|base| match base {
                    Value::Class(base) => base.attribute(name),
                    _ => None,
                });
                match parent {
                    Some((value, owner)) => self.bind_attribute(&method.0, value, owner, name),
                    None if matches!(name, "__init__" | "constructor") => {
                        Value::Method(Rc::new((Value::Object(Rc::clone(instance)), "__construct__".into())))
                    }
                    None => Value::Method(Rc::new((method.0.clone(), name.into()))),
                }
            }
            Value::Native(_) => Value::Method(Rc::new((object.clone(), name.into()))),
            // What a script finds on `false` is nothing.
            Value::Bool(false) if self.probing() => Value::Absent,
            Value::Function(_) | Value::Method(_) => Value::Method(Rc::new((object.clone(), name.into()))),
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
                (Value::Function(closure), "bind") => return Value::Function(Rc::clone(closure)),
                (Value::Function(closure), "call") => {
                    let closure = Rc::clone(closure);
                    let rest = Args::of(args.positional.into_iter().skip(1).collect());
                    return self.apply(&closure, rest);
                }
                _ => {}
            }
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
        self.caller_attribute(path, name)
    }

    fn intercept(&mut self, callee: &Value<'p>, args: &Args<'p>, span: Span) -> Option<Value<'p>> {
        if self.interrupted() {
            return Some(Value::Unknown);
        }
        // The environment of whoever runs the program is the caller's business too; every other
        // call comes to it in its turn.
        match callee {
            Value::External(path) if builtins::reads_environment(path) => {
                self.caller_call(callee, args, span)
            }
            _ => None,
        }
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

    fn assign(&mut self, target: &'p Expr, value: &Value<'p>) {
        self.bind(target, value.clone());
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
