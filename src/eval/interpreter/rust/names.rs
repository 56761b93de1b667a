//! Where names and paths of Rust lead in a running program.

use std::rc::Rc;

use smol_str::SmolStr;

use super::items::top;
use crate::eval::expr;
use crate::eval::interpreter::{Frame, Interpreter};
use crate::eval::link::Target;
use crate::eval::value::{Args, ClassValue, Env, FileId, Object, Value};
use crate::module::{Expr, ExprKind, StmtKind};

/// Crates whose preludes hand out the names of a framework.
const PRELUDES: &[&str] =
    &["salvo", "rocket", "poem", "axum", "actix_web", "warp", "tide", "loco_rs"];

/// What every module knows without an import.
const EVERYWHERE: &[&str] = &[
    "Some", "None", "Ok", "Err", "Option", "Result", "String", "Vec", "Box", "Default", "From",
    "Into", "Iterator", "ToString", "Clone", "Send", "Sync", "drop", "str", "bool", "u8", "u16",
    "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128", "isize", "f32", "f64",
    "char", "std", "core", "alloc", "_", "..",
];

impl<'p> Interpreter<'p> {
    /// The value of a name.
    pub(super) fn rust_name(&mut self, name: &str) -> Value<'p> {
        if name == "Self" {
            let own = self.frame.env.get(name);
            let class = || self.frame.class.as_ref().map(|class| Value::Class(Rc::clone(class)));
            return own.or_else(class).unwrap_or_default();
        }
        let mut scope = Some(Rc::clone(&self.frame.env));
        while let Some(env) = scope {
            if let Some(value) = self.defined(&env, name) {
                return value;
            }
            scope = env.parent.clone();
        }
        self.found(&top(&self.frame.env), name)
    }

    /// What a scope itself defines under a name.
    pub(super) fn defined(&mut self, env: &Rc<Env<'p>>, name: &str) -> Option<Value<'p>> {
        if let Some(value) = env.vars.borrow().get(name) {
            return Some(value.clone());
        }
        // What is asked for while it is evaluated is not known.
        let later = env.later.borrow_mut().remove(name)?;
        let frame = Frame { env: Rc::clone(env), this: None, class: self.frame.class.clone() };
        let outer = std::mem::replace(&mut self.frame, frame);
        let conditional = std::mem::take(&mut self.conditional);
        let value = expr::eval(later, self);
        self.leaving = None;
        self.conditional = conditional;
        self.frame = outer;
        env.set(name, value.clone());
        Some(value)
    }

    /// Where a path leads from a module.
    pub(super) fn found(&mut self, module: &Rc<Env<'p>>, path: &str) -> Value<'p> {
        let key = (Rc::as_ptr(module), SmolStr::new(path));
        if let Some(value) = self.rust.known.get(&key) {
            return value.clone();
        }
        let scope = self.scope_of(module);
        let located = self.program.locate(module.file, &scope, path);
        let value = match located.target {
            Target::File(file) => self.item(file, &located.rest),
            Target::External(found) => {
                let found = found.trim_start_matches("::");
                Value::External(self.prelude_path(module, found))
            }
            Target::Missing(_) | Target::Package(_) => Value::Unknown,
        };
        self.rust.known.insert(key, value.clone());
        value
    }

    /// A name that nothing in the tree explains comes from an import of everything.
    fn prelude_path(&self, module: &Rc<Env<'p>>, name: &str) -> SmolStr {
        if name.contains("::") || EVERYWHERE.contains(&name) {
            return name.into();
        }
        let Some(file) = self.rust_file(module.file) else { return name.into() };
        let mut block = &file.body;
        for inner in self.scope_of(module) {
            let next = block.iter().find_map(|stmt| match &stmt.kind {
                StmtKind::Namespace { name, body, .. } if *name == inner => Some(body),
                _ => None,
            });
            match next {
                Some(next) => block = next,
                None => return name.into(),
            }
        }
        let star = block.iter().find_map(|stmt| match &stmt.kind {
            StmtKind::Import(import) if import.names == crate::module::ImportNames::Star => {
                let first = import.module.split("::").find(|part| !part.is_empty())?;
                PRELUDES.contains(&first).then_some(&import.module)
            }
            _ => None,
        });
        match star {
            Some(star) => SmolStr::from(format!("{star}::{name}")),
            None => name.into(),
        }
    }

    /// What is left of a path inside a file.
    fn item(&mut self, file: FileId, rest: &[SmolStr]) -> Value<'p> {
        let mut env = Rc::clone(&self.modules[file.0 as usize].env);
        let mut names = Vec::new();
        let mut rest = rest;
        while let Some((first, more)) = rest.split_first() {
            names.push(first.clone());
            let Some(inner) = self.rust.inner.get(&(file, names.clone())) else { break };
            env = Rc::clone(inner);
            rest = more;
        }
        let Some((first, rest)) = rest.split_first() else {
            let is_file = self.scope_of(&env).is_empty();
            return if is_file { Value::Module(file) } else { Value::Scope(env) };
        };
        let Some(mut value) = self.defined(&env, first) else { return Value::Unknown };
        for name in rest {
            value = self.rust_attribute(&value, name);
        }
        value
    }

    /// `object.name` and `object::name`.
    pub(in crate::eval::interpreter) fn rust_attribute(
        &mut self,
        object: &Value<'p>,
        name: &str,
    ) -> Value<'p> {
        let method = || Value::Method(Rc::new((object.clone(), name.into())));
        match object {
            Value::Choice(values) => {
                Value::choice(values.iter().map(|value| self.rust_attribute(value, name)).collect())
            }
            Value::Module(file) => {
                let env = Rc::clone(&self.modules[file.0 as usize].env);
                self.member_of(&env, name)
            }
            Value::Scope(env) => self.member_of(env, name),
            Value::External(path) if path.starts_with("caller.") => self
                .caller_attribute(path, name)
                .unwrap_or_else(|| Value::External(SmolStr::from(format!("{path}.{name}")))),
            Value::External(path) => Value::External(SmolStr::from(format!("{path}::{name}"))),
            Value::Class(class) => match self.class_member(class, name) {
                Some(value) => value,
                None => method(),
            },
            Value::Object(instance) => {
                if let Some(value) = instance.fields.borrow().get(name) {
                    return value.clone();
                }
                match self.method_of(&instance.class, object, name) {
                    Some(value) => value,
                    None if has_field(instance, name) => {
                        self.caller_attribute("caller.setting", name).unwrap_or_default()
                    }
                    None => method(),
                }
            }
            Value::Variant(variant) => {
                let carried =
                    variant.args.keyword(name).cloned().or_else(|| {
                        variant.args.positional.get(name.parse::<usize>().ok()?).cloned()
                    });
                let own = || variant.class.clone();
                carried
                    .or_else(|| own().and_then(|class| self.method_of(&class, object, name)))
                    .unwrap_or_else(method)
            }
            Value::List(items) => match name.parse::<usize>() {
                Ok(at) => items.borrow().get(at).cloned().unwrap_or_default(),
                Err(_) => method(),
            },
            Value::Map(_) => object.entry(name).unwrap_or_else(method),
            Value::Annotated(annotated) => self.rust_attribute(&annotated.0, name),
            Value::Method(of) if matches!(of.0, Value::Native(_) | Value::Object(_)) => {
                Value::Method(Rc::new((of.0.clone(), SmolStr::from(format!("{}.{name}", of.1)))))
            }
            Value::Absent | Value::None => object.clone(),
            Value::Unknown => self.caller_attribute("caller.setting", name).unwrap_or_default(),
            Value::Package(_) => Value::Unknown,
            _ => method(),
        }
    }

    fn member_of(&mut self, env: &Rc<Env<'p>>, name: &str) -> Value<'p> {
        match self.defined(env, name) {
            Some(value) => value,
            None => self.found(env, &format!("self::{name}")),
        }
    }

    /// What a type or its traits have under a name, and which of them.
    fn owned(
        &mut self,
        class: &Rc<ClassValue<'p>>,
        name: &str,
    ) -> Option<(Value<'p>, Rc<ClassValue<'p>>)> {
        let outer = self.frame.class.replace(Rc::clone(class));
        let found = class
            .lineage()
            .0
            .into_iter()
            .find_map(|owner| self.defined(&owner.env, name).map(|value| (value, owner)));
        self.frame.class = outer;
        found
    }

    /// `Type::name`.
    pub(super) fn class_member(
        &mut self,
        class: &Rc<ClassValue<'p>>,
        name: &str,
    ) -> Option<Value<'p>> {
        let (value, owner) = self.owned(class, name)?;
        // In the methods of a trait, `Self` is the type that they are called on.
        Some(match value {
            Value::Function(closure) if !Rc::ptr_eq(&owner, class) => {
                let mut own = closure.undecorated();
                own.decorators.clone_from(&closure.decorators);
                own.class = Some(Rc::clone(class));
                Value::Function(Rc::new(own))
            }
            other => other,
        })
    }

    /// A method of a type, bound to a value of it.
    pub(super) fn method_of(
        &mut self,
        class: &Rc<ClassValue<'p>>,
        this: &Value<'p>,
        name: &str,
    ) -> Option<Value<'p>> {
        match self.owned(class, name)?.0 {
            Value::Function(closure) => {
                Some(Value::Function(self.bound(&closure, this.clone(), Rc::clone(class))))
            }
            // `x.A` is no constant of the type of `x`.
            _ => None,
        }
    }

    /// Whether a type has a method of its own, so that no other is meant.
    pub(super) fn has_method(&mut self, class: &Rc<ClassValue<'p>>, name: &str) -> bool {
        matches!(self.owned(class, name), Some((Value::Function(_), _)))
    }

    /// A type with what it is made with.
    pub(super) fn type_value(&mut self, of: &'p Expr) -> Value<'p> {
        self.type_within(of, 0)
    }

    fn type_within(&mut self, of: &'p Expr, depth: usize) -> Value<'p> {
        if depth > 16 {
            return Value::Unknown;
        }
        match &of.kind {
            ExprKind::Unary { operand, .. } => self.type_within(operand, depth + 1),
            ExprKind::List(items) => {
                Value::list(items.iter().map(|item| self.type_within(item, depth + 1)).collect())
            }
            ExprKind::Index { object, key, .. } => {
                let object = self.type_within(object, depth + 1);
                let keys = match &key.kind {
                    ExprKind::List(keys) => {
                        keys.iter().map(|key| self.type_within(key, depth + 1)).collect()
                    }
                    _ => vec![self.type_within(key, depth + 1)],
                };
                Value::Annotated(Rc::new((object, keys)))
            }
            _ => expr::eval(of, self),
        }
    }

    /// Binds the types that a generic function is called with.
    pub(in crate::eval::interpreter) fn bind_generics(
        &mut self,
        function: &'p crate::module::Function,
        args: &Args<'p>,
    ) {
        for (at, name) in function.generics.iter().enumerate() {
            let inferred = || {
                function.params.iter().zip(&args.positional).find_map(|(param, value)| {
                    let annotation = param.annotation.as_ref()?;
                    match &annotation.kind {
                        ExprKind::Name(of) if of == name => match value {
                            Value::Object(object) => Some(Value::Class(Rc::clone(&object.class))),
                            Value::Class(_) => Some(value.clone()),
                            _ => None,
                        },
                        _ => None,
                    }
                })
            };
            let given = args.types.get(at).cloned().or_else(inferred);
            self.frame.env.set(name, given.unwrap_or_default());
        }
    }
}

/// Whether a struct declares a field.
fn has_field(instance: &Object<'_>, name: &str) -> bool {
    instance.class.class.body.iter().any(|stmt| match &stmt.kind {
        StmtKind::Bind(bind) => matches!(&bind.target.kind, ExprKind::Name(known) if known == name),
        _ => false,
    })
}
