//! Structs, enumerations and traits with what the `impl` blocks of the program give them.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;

use smol_str::SmolStr;

use super::items::{Part, configured};
use crate::eval::interpreter::{Frame, Interpreter};
use crate::eval::link::Target;
use crate::eval::value::{Args, ClassValue, Env, FileId, Value, Variant};
use crate::module::path::{Path, last_name};
use crate::module::{Block, Class, Expr, ExprKind, StmtKind};

/// Where a type is defined: the file, the modules inside it, and its name.
type Key = (FileId, Vec<SmolStr>);

/// A type with its `impl` blocks and the scopes that these stand in.
struct Type<'p> {
    env: Rc<Env<'p>>,
    class: &'p Class,
    impls: Vec<(Rc<Env<'p>>, &'p Class)>,
}

impl<'p> Interpreter<'p> {
    /// Defines the types of all modules.
    pub(super) fn define_types(&mut self, parts: &[Part<'p>]) {
        let mut types: BTreeMap<Key, Type<'p>> = BTreeMap::new();
        for part in parts {
            for class in classes(part.block).filter(|class| class.of.is_none()) {
                let Some(name) = &class.name else { continue };
                let mut key = self.scope_of(&part.env);
                key.push(name.clone());
                let env = Rc::clone(&part.env);
                let defined = Type { env, class, impls: Vec::new() };
                types.entry((part.env.file, key)).or_insert(defined);
            }
        }
        let mut others = Vec::new();
        for part in parts {
            for class in classes(part.block) {
                let Some(of) = &class.of else { continue };
                let target = self.type_key(&part.env, of).and_then(|key| types.get_mut(&key));
                match target {
                    Some(target) => target.impls.push((Rc::clone(&part.env), class)),
                    None => others.push((Rc::clone(&part.env), class)),
                }
            }
        }
        let mut traits = BTreeMap::new();
        let (interfaces, plain): (Vec<_>, Vec<_>) =
            types.into_iter().partition(|(_, defined)| defined.class.is_interface);
        for (key, defined) in &interfaces {
            let value = self.make_type(&defined.env, defined.class, Vec::new());
            traits.insert(key.clone(), Rc::clone(&value));
            self.fill_type(&value, &defined.env, defined.class);
        }
        for (_, defined) in plain {
            let mut bases: Vec<Value<'p>> = Vec::new();
            for (env, block) in &defined.impls {
                bases.extend(block.bases.iter().map(|base| self.base(env, &base.value, &traits)));
            }
            let value = self.make_type(&defined.env, defined.class, bases);
            self.fill_variants(&value);
            for (env, block) in defined.impls {
                self.fill_type(&value, &env, block);
                self.note_impl(&value, &env, block);
            }
        }
        for (env, block) in others {
            self.extend_outside(&env, block, &traits);
        }
    }

    /// Where a type is defined that a path means.
    fn type_key(&self, env: &Rc<Env<'p>>, of: &Expr) -> Option<Key> {
        let path = type_path(of)?;
        let located = self.program.locate(env.file, &self.scope_of(env), &path);
        match located.target {
            Target::File(file) if !located.rest.is_empty() => Some((file, located.rest)),
            _ => None,
        }
    }

    /// A trait: one of the program, or its path.
    fn base(
        &self,
        env: &Rc<Env<'p>>,
        base: &Expr,
        traits: &BTreeMap<Key, Rc<ClassValue<'p>>>,
    ) -> Value<'p> {
        if let Some(known) = self.type_key(env, base).and_then(|key| traits.get(&key)) {
            return Value::Class(Rc::clone(known));
        }
        let Some(path) = type_path(base) else { return Value::Unknown };
        match self.program.locate(env.file, &self.scope_of(env), &path).target {
            Target::External(path) => Value::External(path),
            _ => Value::External(path.into()),
        }
    }

    fn make_type(
        &mut self,
        env: &Rc<Env<'p>>,
        class: &'p Class,
        bases: Vec<Value<'p>>,
    ) -> Rc<ClassValue<'p>> {
        let qualified = class.name.as_ref().map_or_else(SmolStr::default, |name| env.qualify(name));
        let value = Rc::new(ClassValue {
            class,
            bases,
            env: Env::inside(env, qualified.clone(), true),
            decorators: Vec::new(),
            qualified,
            // Nothing makes one by itself.
            instantiated: Cell::new(true),
        });
        if let Some(name) = &class.name {
            env.set(name, Value::Class(Rc::clone(&value)));
        }
        self.classes.push(Rc::clone(&value));
        value
    }

    /// Adds the methods, constants and types of a block to a type.
    fn fill_type(&mut self, value: &Rc<ClassValue<'p>>, env: &Rc<Env<'p>>, block: &'p Class) {
        let base = block.bases.first().and_then(|base| type_path(&base.value));
        let base = base.as_deref().and_then(|path| path.rsplit("::").next()).unwrap_or("");
        // `OptionalFromRequestParts` gives what `FromRequestParts` gives, under the same name.
        let is_second =
            |name: &str| base.starts_with("Optional") || value.env.vars.borrow().contains_key(name);
        for stmt in &block.body {
            match &stmt.kind {
                StmtKind::Function(function) if !function.is_abstract => {
                    let Some((name, mut closure)) = self.item_function(env, function, None) else {
                        continue;
                    };
                    closure.class = Some(Rc::clone(value));
                    closure.qualified = value.env.qualify(&name);
                    let name = if is_second(&name) {
                        SmolStr::from(format!("{base}::{name}"))
                    } else {
                        name
                    };
                    let closure = self.remember(closure);
                    value.env.set(&name, closure);
                }
                // The fields of a struct have no value.
                StmtKind::Bind(bind) => {
                    if let (ExprKind::Name(name), Some(initial)) = (&bind.target.kind, &bind.value)
                        && !value.env.later.borrow().contains_key(name)
                    {
                        value.env.later.borrow_mut().insert(name.clone(), initial);
                    }
                }
                _ => {}
            }
        }
    }

    /// The ways of an enumeration are values of it.
    fn fill_variants(&self, value: &Rc<ClassValue<'p>>) {
        for stmt in &value.class.body {
            if let StmtKind::Bind(bind) = &stmt.kind
                && let ExprKind::Name(name) = &bind.target.kind
                && name.starts_with(char::is_uppercase)
            {
                let class = Some(Rc::clone(value));
                let variant = Variant { name: name.clone(), class, args: Args::default() };
                value.env.set(name, Value::Variant(Rc::new(variant)));
            }
        }
    }

    /// A block with attributes of its own is a class of the trace, with them and with what it
    /// implements.
    fn note_impl(&mut self, value: &Rc<ClassValue<'p>>, env: &Rc<Env<'p>>, block: &'p Class) {
        if block.decorators.is_empty() {
            return;
        }
        let frame = Frame { env: Rc::clone(env), this: None, class: Some(Rc::clone(value)) };
        let outer = std::mem::replace(&mut self.frame, frame);
        let decorators = self.attributes(&block.decorators);
        self.frame = outer;
        if !decorators.is_empty() {
            self.classes.push(Rc::new(ClassValue {
                class: block,
                bases: vec![Value::Class(Rc::clone(value))],
                env: Rc::clone(&value.env),
                decorators,
                qualified: value.qualified.clone(),
                instantiated: Cell::new(true),
            }));
        }
    }

    /// Methods that a block gives to a type from outside. The default methods of a trait of the
    /// program come with it.
    fn extend_outside(
        &mut self,
        env: &Rc<Env<'p>>,
        block: &'p Class,
        traits: &BTreeMap<Key, Rc<ClassValue<'p>>>,
    ) {
        if configured(&block.decorators) == Some(false) {
            return;
        }
        let base = block.bases.first().map(|base| self.base(env, &base.value, traits));
        for stmt in &block.body {
            if let StmtKind::Function(function) = &stmt.kind
                && let Some((name, mut closure)) = self.item_function(env, function, None)
            {
                closure.qualified = env.qualify(&name);
                if let Value::Function(closure) = self.remember(closure) {
                    self.rust.extensions.entry(name).or_default().push(closure);
                }
            }
        }
        if let Some(Value::Class(base)) = base {
            for (name, value) in base.env.vars.borrow().iter() {
                if let Value::Function(closure) = value {
                    let known = self.rust.extensions.entry(name.clone()).or_default();
                    if known.is_empty() {
                        known.push(Rc::clone(closure));
                    }
                }
            }
        }
    }

    /// The types that a block of a function defines. They are found by their names in it.
    pub(super) fn define_local_types(&mut self, env: &Rc<Env<'p>>, block: &'p Block) {
        let mut local: BTreeMap<&str, Rc<ClassValue<'p>>> = BTreeMap::new();
        for class in classes(block).filter(|class| class.of.is_none()) {
            let bases = classes(block)
                .filter(|other| other.of.is_some() && other.name == class.name)
                .flat_map(|other| &other.bases)
                .map(|base| self.base(env, &base.value, &BTreeMap::new()))
                .collect();
            let value = self.make_type(env, class, bases);
            self.fill_variants(&value);
            if let Some(name) = &class.name {
                local.insert(name, value);
            }
        }
        for class in classes(block) {
            let known = class.name.as_deref().and_then(|name| local.get(name));
            match (known, &class.of) {
                (Some(value), Some(_)) => self.fill_type(&Rc::clone(value), env, class),
                (Some(value), None) if class.is_interface => {
                    self.fill_type(&Rc::clone(value), env, class);
                }
                (None, Some(of)) => {
                    if let Value::Class(value) = self.type_value(of) {
                        self.fill_type(&value, env, class);
                    }
                }
                _ => {}
            }
        }
    }
}

fn classes(block: &Block) -> impl Iterator<Item = &Class> {
    block.iter().filter_map(|stmt| match &stmt.kind {
        StmtKind::Class(class) if configured(&class.decorators) != Some(false) => Some(&**class),
        _ => None,
    })
}

/// The path of a type, without what it is made with and without references.
pub(super) fn type_path(of: &Expr) -> Option<String> {
    let mut at = of;
    loop {
        match &at.kind {
            ExprKind::Index { object, .. } => at = object,
            ExprKind::Unary { operand, .. } => at = operand,
            _ => break,
        }
    }
    last_name(at)?;
    let path = Path::of(at);
    (!path.opaque && !path.segments.is_empty()).then(|| path.segments.join("::"))
}
