//! Imports, exports and bindings.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::rc::Rc;

use smol_str::SmolStr;

use super::{Exported, Interpreter};
use crate::eval::expr::{self, Scope};
use crate::eval::link::Target;
use crate::eval::value::{Args, FileId, Value, grow};
use crate::module::{Export, Expr, ExprKind, Import, ImportNames, Span};
use crate::source::Language;

/// The most names of a namespace.
const MAX_EXPORTS: usize = 1_000;

impl<'p> Interpreter<'p> {
    pub(super) fn import(&mut self, import: &'p Import) {
        // The types of libraries tell what a parameter is that is a client.
        if import.type_only && !self.follows {
            return;
        }
        let file = self.frame.env.file;
        let language = self.language();
        let target = self.program.resolve(file, &import.module);
        if import.type_only && !matches!(target, Target::External(_)) {
            return;
        }
        if let Target::File(file) = target {
            self.load(file);
        }
        match &import.names {
            ImportNames::Effect => {}
            ImportNames::Module(name) => {
                let top = import.module.split('.').next().unwrap_or("");
                let value = if language == Language::Python
                    && *name == top
                    && import.module.contains('.')
                {
                    // `import a.b` binds `a`, and loads `a.b` on the way.
                    self.module_value(&self.program.resolve(file, top))
                } else if language == Language::Python {
                    self.module_value(&target)
                } else {
                    self.namespace(&target)
                };
                self.set_variable(name, value, false);
            }
            ImportNames::Names(names) => {
                for (name, local) in names {
                    if let (Target::File(other), false) = (&target, language == Language::Python) {
                        let state = &self.modules[file.0 as usize];
                        state.imported.borrow_mut().insert(local.clone(), (*other, name.clone()));
                    }
                    let value = self.imported(&target, &import.module, name);
                    if let (Value::Unknown, Target::File(other)) = (&value, &target)
                        && language == Language::Python
                    {
                        let env = Rc::clone(&self.frame.env);
                        self.in_circles.push((env, local.clone(), *other, name.clone()));
                    }
                    self.set_variable(local, value, false);
                    if import.exported {
                        self.modules[file.0 as usize]
                            .exports
                            .borrow_mut()
                            .insert(local.clone(), Exported::Local(local.clone()));
                    }
                }
            }
            ImportNames::Star => {
                if let Target::File(other) = target {
                    let vars = self.modules[other.0 as usize].env.vars.borrow().clone();
                    for (name, value) in vars {
                        if !name.starts_with('_') {
                            self.set_variable(&name, value, false);
                        }
                    }
                }
            }
        }
    }

    /// Binds what modules import from each other in circles, once all of them are loaded: such a
    /// program begins where the circle is none.
    pub(super) fn close_circles(&mut self) {
        let mut open = std::mem::take(&mut self.in_circles);
        loop {
            let before = open.len();
            open.retain(|(env, local, file, name)| {
                let is_open = matches!(env.vars.borrow().get(local), Some(Value::Unknown));
                let value = if is_open { self.member(*file, name) } else { Value::Unknown };
                let is_known = !matches!(value, Value::Unknown);
                if is_known {
                    env.set(local, value);
                }
                is_open && !is_known
            });
            // One may wait for another.
            if open.is_empty() || open.len() == before {
                break;
            }
        }
    }

    pub(super) fn module_value(&self, target: &Target) -> Value<'p> {
        match target {
            Target::File(file) => Value::Module(*file),
            Target::Package(path) => Value::Package(path.clone()),
            Target::External(path) => Value::External(path.clone()),
            Target::Missing(_) => Value::Unknown,
        }
    }

    /// A script module as `import * as ns` or `require` sees it.
    pub(super) fn namespace(&mut self, target: &Target) -> Value<'p> {
        let Target::File(file) = target else { return self.module_value(target) };
        self.load(*file);
        let state = &self.modules[file.0 as usize];
        if state.exports.borrow().is_empty() && state.stars.borrow().is_empty() {
            let module = state.env.get("module").unwrap_or_default();
            return module.entry("exports").unwrap_or_default();
        }
        Value::Module(*file)
    }

    pub(super) fn imported(&mut self, target: &Target, module: &str, name: &str) -> Value<'p> {
        match target {
            Target::File(file) => self.member(*file, name),
            Target::Package(path) => self.submodule(path, name).unwrap_or_default(),
            Target::External(path)
                if path == "#imports"
                    && let Some(value) = self.imported_unasked(name) =>
            {
                value
            }
            // The default export of a library is the library.
            Target::External(path) if name == "default" => Value::External(path.clone()),
            Target::External(path) if path.contains("rest_framework") && name == "SAFE_METHODS" => {
                self.django_setting(path, name).unwrap_or_default()
            }
            Target::External(path) => {
                let separator = if module.contains("::") { "::" } else { "." };
                Value::External(SmolStr::from(format!("{path}{separator}{name}")))
            }
            // An `__init__.py` that holds nothing of interest is a folder all the same.
            Target::Missing(path) => match path.strip_suffix("/__init__.py") {
                Some(folder) => self.submodule(folder, name).unwrap_or_default(),
                None => Value::Unknown,
            },
        }
    }

    /// What a script's import has come to that meant nothing when it was made, since the other
    /// module was still being loaded.
    pub(super) fn imported_since(&mut self, name: &str) -> Option<Value<'p>> {
        let state = &self.modules[self.frame.env.file.0 as usize];
        let (other, origin) = state.imported.borrow().get(name).cloned()?;
        let value = self.exported(other, &origin, 0)?;
        if matches!(value, Value::Unknown) {
            return None;
        }
        let module = Rc::clone(&self.modules[self.frame.env.file.0 as usize].env);
        let is_open = matches!(module.vars.borrow().get(name), Some(Value::Unknown));
        if is_open {
            module.set(name, value.clone());
        }
        Some(value)
    }

    /// A name that the framework imports where it is used.
    pub(super) fn imported_unasked(&mut self, name: &str) -> Option<Value<'p>> {
        let (file, name) = self.program.imported_unasked(self.frame.env.file, name)?;
        (file != self.frame.env.file).then(|| self.member(file, &name))
    }

    pub(super) fn submodule(&mut self, folder: &str, name: &str) -> Option<Value<'p>> {
        let target = self.program.submodule(folder, name)?;
        if let Target::File(file) = target {
            self.load(file);
        }
        Some(self.module_value(&target))
    }

    /// A name of a module of the program.
    pub(super) fn member(&mut self, file: FileId, name: &str) -> Value<'p> {
        self.load(file);
        let program_file = self.program.file(file);
        if program_file.module.language == Language::Python {
            let own = self.modules[file.0 as usize].env.vars.borrow().get(name).cloned();
            if let Some(value) = own {
                return value;
            }
            if let Some(folder) = program_file.path.strip_suffix("/__init__.py") {
                return self.submodule(folder, name).unwrap_or_default();
            }
            return Value::Unknown;
        }
        self.exported(file, name, 0).unwrap_or_default()
    }

    pub(super) fn exported(&mut self, file: FileId, name: &str, depth: usize) -> Option<Value<'p>> {
        if depth > 16 {
            return None;
        }
        self.load(file);
        let state = &self.modules[file.0 as usize];
        let found = state.exports.borrow().get(name).cloned();
        match found {
            Some(Exported::Local(local)) => return state.env.get(&local),
            Some(Exported::Value(value)) => return Some(value),
            Some(Exported::From(other, name)) if name == "*" => return Some(Value::Module(other)),
            Some(Exported::From(other, name)) => return self.exported(other, &name, depth + 1),
            None => {}
        }
        let stars = state.stars.borrow().clone();
        for star in stars {
            if let Some(value) = self.exported(star, name, depth + 1) {
                return Some(value);
            }
        }
        // CommonJS: `module.exports` is the default, its entries are the names.
        let module = self.modules[file.0 as usize].env.get("module")?;
        let exports = module.entry("exports")?;
        if name == "default"
            && !matches!(&exports, Value::Map(entries) if entries.borrow().is_empty())
        {
            return exports.entry("default").or(Some(exports));
        }
        exports.entry(name)
    }

    /// Everything that a script module exports, in the order of the names, as a namespace has it.
    pub(super) fn exports_of(&mut self, file: FileId) -> Vec<(SmolStr, Value<'p>)> {
        let mut names = BTreeSet::new();
        let mut queue = vec![file];
        let mut known = BTreeSet::new();
        while let Some(at) = queue.pop() {
            if !known.insert(at) {
                continue;
            }
            self.load(at);
            let state = &self.modules[at.0 as usize];
            let exports = state.exports.borrow();
            names.extend(exports.keys().filter(|name| at == file || *name != "default").cloned());
            queue.extend(state.stars.borrow().iter().copied());
        }
        let names = names.into_iter().take(MAX_EXPORTS);
        names.filter_map(|name| Some((name.clone(), self.exported(file, &name, 0)?))).collect()
    }

    /// The file and the local name of what a module exports under a name.
    pub(super) fn origin(&mut self, file: FileId, name: &str, depth: usize) -> (FileId, SmolStr) {
        let here = (file, SmolStr::from(name));
        if depth > 16 {
            return here;
        }
        self.load(file);
        let state = &self.modules[file.0 as usize];
        let found = state.exports.borrow().get(name).cloned();
        match found {
            // A name that was imported is followed to where it comes from.
            Some(Exported::Local(local)) => {
                let from = state.imported.borrow().get(&local).cloned();
                match from {
                    Some((other, name)) => self.origin(other, &name, depth + 1),
                    None => (file, local),
                }
            }
            Some(Exported::From(other, name)) if name != "*" => {
                self.origin(other, &name, depth + 1)
            }
            Some(_) => here,
            None => {
                let stars = state.stars.borrow().clone();
                let star = stars.into_iter().find(|star| self.exported(*star, name, 0).is_some());
                star.map_or(here, |star| self.origin(star, name, depth + 1))
            }
        }
    }

    pub(super) fn export(&mut self, export: &'p Export) {
        let file = self.frame.env.file;
        match export {
            Export::Value { name, value } => {
                let exported = match &value.kind {
                    ExprKind::Name(local) => Exported::Local(local.clone()),
                    _ => Exported::Value(expr::eval(value, self)),
                };
                self.modules[file.0 as usize].exports.borrow_mut().insert(name.clone(), exported);
            }
            Export::From { module, names, namespace } => {
                let other = match self.program.resolve(file, module) {
                    Target::File(other) => other,
                    target => {
                        for (there, here) in names {
                            let value = self.imported(&target, module, there);
                            let exports = &self.modules[file.0 as usize].exports;
                            exports.borrow_mut().insert(here.clone(), Exported::Value(value));
                        }
                        return;
                    }
                };
                self.load(other);
                let state = &self.modules[file.0 as usize];
                if let Some(namespace) = namespace {
                    state
                        .exports
                        .borrow_mut()
                        .insert(namespace.clone(), Exported::From(other, "*".into()));
                } else if names.is_empty() {
                    state.stars.borrow_mut().push(other);
                }
                for (there, here) in names {
                    state
                        .exports
                        .borrow_mut()
                        .insert(here.clone(), Exported::From(other, there.clone()));
                }
            }
        }
    }

    pub(super) fn bind(&mut self, target: &'p Expr, value: Value<'p>) {
        match &target.kind {
            // Python's functions bind locally; blocks of the others assign outwards.
            ExprKind::Name(name) if self.language() == Language::Python => {
                self.set_variable(name, value, false);
            }
            ExprKind::Name(name) => self.set_variable(name, value, true),
            ExprKind::Attribute { object, name, .. } => {
                let own = matches!(&object.kind, ExprKind::Name(name) if name == "this" || name == "self");
                let object = expr::eval(object, self);
                let value = if own { self.or_before(&object, name, value) } else { value };
                self.set_attribute(&object, name, value, target.span);
            }
            ExprKind::Index { object, key, .. } => {
                let object = expr::eval(object, self);
                let key = expr::eval(key, self);
                match &object {
                    Value::Map(entries) => grow(&mut entries.borrow_mut(), [(key, value)]),
                    Value::List(items) => {
                        let at = expr::position(&key, items.borrow().len());
                        let mut items = items.borrow_mut();
                        if let Some(item) = at.and_then(|at| items.get_mut(at)) {
                            *item = value;
                        }
                    }
                    Value::Object(_) | Value::Class(_) | Value::Function(_)
                        if self.language().is_script()
                            && let Some(name) = key.as_str() =>
                    {
                        self.set_attribute(&object, name, value, target.span);
                    }
                    _ => self.set_item(&object, key, value, target.span),
                }
            }
            ExprKind::List(targets) => {
                let items = value.items();
                for (at, target) in targets.iter().enumerate() {
                    let item = unpacked(items.as_deref(), targets, at);
                    let item = item.or_else(|| self.missing(&value, "")).unwrap_or_default();
                    match &target.kind {
                        ExprKind::Spread(rest) => self.bind(rest, item),
                        _ => self.bind(target, item),
                    }
                }
            }
            ExprKind::Map(entries) => {
                for entry in entries {
                    let Some(key) = &entry.key else { continue };
                    let key = expr::eval(key, self);
                    let item = match key.as_str() {
                        Some(key) => expr::attribute(&value, key, self),
                        None => Value::Unknown,
                    };
                    self.bind(&entry.value, item);
                }
            }
            // A default inside a pattern: `{ a = 1 }`.
            ExprKind::Assign { target, value: default } => {
                let is_left_out = |value: &Value<'p>| matches!(value, Value::Unknown | Value::None);
                let value = match value.alternatives().iter().all(is_left_out) {
                    // Nobody knows whether it is given.
                    true if self.follows && !matches!(value, Value::None) => {
                        Value::choice(vec![expr::eval(default, self), Value::Unknown])
                    }
                    true => expr::eval(default, self),
                    false => value,
                };
                self.bind(target, value);
            }
            _ => {}
        }
    }

    /// What a field of a running object comes to that has a text and is set again under a condition:
    /// `this.base = a; if (x) { this.base = b; }`. A truth value that is set again may be either, too.
    fn or_before(&mut self, object: &Value<'p>, name: &str, value: Value<'p>) -> Value<'p> {
        let Value::Object(instance) = object else { return value };
        if self.follows && matches!(value, Value::Bool(_)) {
            let is_set = instance.fields.borrow().contains_key(name);
            return if is_set { value.by_default() } else { value };
        }
        if !self.follows || self.conditional <= self.entered_at {
            return value;
        }
        let before = instance.fields.borrow().get(name).cloned();
        let Some(before @ (Value::Text(_) | Value::Choice(_))) = before else { return value };
        let either = Value::choice(vec![before, value]);
        self.spend(either.weight());
        either
    }

    /// What a path means that begins with something which a script has put where all see it.
    pub(super) fn of_globals(&mut self, path: &str) -> Option<Value<'p>> {
        if self.globals.is_empty() || self.probing() || !self.language().is_script() {
            return None;
        }
        let mut names = path.split('.').skip_while(|name| is_global(name));
        let mut value = self.globals.get(names.next()?)?.clone();
        for name in names {
            value = expr::attribute(&value, name, self);
        }
        let is_own = matches!(
            value,
            Value::Function(_)
                | Value::Class(_)
                | Value::Object(_)
                | Value::Native(_)
                | Value::Method(_)
        );
        is_own.then_some(value)
    }

    /// Whether an entry that is known is to be replaced by an argument that nobody gives.
    fn is_set_by_nobody(&self, map: &Value<'p>, name: &str, value: &Value<'p>) -> bool {
        self.follows
            && self.worn.blind
            && self.stack.len() == 1
            && matches!(value, Value::Unknown)
            && map.is_closed_literal()
            && matches!(map.entry(name), Some(Value::Text(_)))
    }

    pub(super) fn set_attribute(
        &mut self,
        object: &Value<'p>,
        name: &str,
        value: Value<'p>,
        span: Span,
    ) {
        match object {
            Value::Object(instance) => {
                instance.fields.borrow_mut().insert(name.into(), value.clone());
                if let Some(id) = instance.native.get() {
                    self.store(&Value::Native(id), name, value.clone());
                    let callee = Value::Method(Rc::new((object.clone(), "__setattr__".into())));
                    self.record(callee, Args::of(vec![Value::text(name), value]), span, None);
                }
            }
            Value::Class(class) => class.env.set(name, value),
            Value::Function(closure) => {
                closure.attributes.borrow_mut().insert(name.into(), value);
            }
            Value::Map(_) if self.is_set_by_nobody(object, name, &value) => {}
            Value::Map(entries) => grow(&mut entries.borrow_mut(), [(Value::text(name), value)]),
            Value::Module(file) => self.modules[file.0 as usize].env.set(name, value),
            Value::External(path) if is_global(path) && self.follows && !self.probing() => {
                self.globals.insert(name.into(), value);
            }
            Value::External(path) => self.caller_assigned(path, name, &value),
            Value::Native(_) | Value::Method(_) if object.native_path().is_some() => {
                self.store(object, name, value.clone());
                let callee = Value::Method(Rc::new((object.clone(), "__setattr__".into())));
                self.record(callee, Args::of(vec![Value::text(name), value]), span, None);
            }
            _ => {}
        }
    }
}

/// Whether a path names the object that all scripts of a page share.
fn is_global(path: &str) -> bool {
    matches!(path, "window" | "globalThis" | "self" | "global")
}

/// What of a list goes to one of several targets; `*rest` takes what the others leave.
fn unpacked<'p>(items: Option<&[Value<'p>]>, targets: &[Expr], at: usize) -> Option<Value<'p>> {
    let items = items?;
    let is_rest = |target: &Expr| matches!(target.kind, ExprKind::Spread(_));
    let Some(rest) = targets.iter().position(is_rest) else { return items.get(at).cloned() };
    let behind = targets.len() - rest - 1;
    let end = items.len().checked_sub(behind).filter(|end| *end >= rest)?;
    match at.cmp(&rest) {
        Ordering::Less => items.get(at).cloned(),
        Ordering::Equal => Some(Value::list(items[rest..end].to_vec())),
        Ordering::Greater => items.get(end + at - rest - 1).cloned(),
    }
}
