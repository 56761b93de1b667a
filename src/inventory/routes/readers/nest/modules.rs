//! Nest's modules: what an application's root imports, and what that imports.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::super::scripts;
use super::container::forwarded;
use crate::eval::interpreter::Trace;
use crate::eval::text::Text;
use crate::eval::value::{ClassValue, Value};
use crate::inventory::routes::decorations::Decorations;
use crate::inventory::routes::graph::join;

/// Modules of one application.
const MAX_MODULES: usize = 10_000;
/// Imports within each other.
const MAX_DEPTH: usize = 128;

/// A module as one application has it.
struct Module<'p> {
    class: Rc<ClassValue<'p>>,
    /// What its decorator was given.
    declared: Option<Value<'p>>,
    /// What a function of the program adds: `{ module, controllers, … }`.
    added: Option<Value<'p>>,
    conditional: bool,
}

impl<'p> Module<'p> {
    /// Everything under a key, and whether it may be missing.
    fn items(&self, key: &str) -> Vec<(Value<'p>, bool)> {
        let both = self.declared.iter().chain(&self.added);
        let values = both.filter_map(|options| options.entry(key));
        let values = values.flat_map(|value| match value {
            // One of several lists.
            Value::Choice(values) => {
                let each = values.iter().flat_map(scripts::flat);
                each.map(|value| (value, true)).collect::<Vec<_>>()
            }
            other => scripts::flat(&other).into_iter().map(|value| (value, false)).collect(),
        });
        values.collect()
    }
}

/// A controller as a module has it.
pub(super) struct Held<'p> {
    pub(super) class: Rc<ClassValue<'p>>,
    /// The path of the module.
    pub(super) module: Option<Text>,
    pub(super) conditional: bool,
}

/// The modules of one application.
pub(super) struct Modules<'a, 't, 'p> {
    trace: &'t Trace<'p>,
    decorations: &'a Decorations<'p>,
    modules: Vec<Module<'p>>,
    /// Where each stands in the list.
    known: BTreeMap<(usize, usize), usize>,
    /// The paths that `RouterModule` gives to modules.
    paths: BTreeMap<usize, Text>,
}

impl<'a, 't, 'p> Modules<'a, 't, 'p> {
    pub(super) fn of(
        trace: &'t Trace<'p>,
        decorations: &'a Decorations<'p>,
        root: &Value<'p>,
    ) -> Self {
        let mut out = Self {
            trace,
            decorations,
            modules: Vec::new(),
            known: BTreeMap::new(),
            paths: BTreeMap::new(),
        };
        out.import(root, false, 0);
        out
    }

    pub(super) fn classes(&self) -> Vec<Rc<ClassValue<'p>>> {
        let mut out: Vec<Rc<ClassValue<'p>>> = Vec::new();
        for module in &self.modules {
            if !out.iter().any(|known| Rc::ptr_eq(known, &module.class)) {
                out.push(Rc::clone(&module.class));
            }
        }
        out
    }

    /// Every entry of `providers`, and whether it may be missing.
    pub(super) fn providers(&self) -> Vec<(Value<'p>, bool)> {
        self.held("providers")
            .into_iter()
            .map(|(_, value, conditional)| (value, conditional))
            .collect()
    }

    pub(super) fn controllers(&self) -> Vec<Held<'p>> {
        let held = self.held("controllers").into_iter();
        held.filter_map(|(module, value, conditional)| {
            let Value::Class(class) = value else { return None };
            let module = self.paths.get(&key(&module.class)).cloned();
            Some(Held { class, module, conditional })
        })
        .collect()
    }

    /// What all modules have under a key.
    fn held(&self, name: &str) -> Vec<(&Module<'p>, Value<'p>, bool)> {
        let mut out = Vec::new();
        for module in &self.modules {
            for (value, perhaps) in module.items(name) {
                let value = forwarded(self.trace, &value);
                let alternatives = value.alternatives();
                let perhaps = perhaps || alternatives.len() > 1 || module.conditional;
                out.extend(alternatives.into_iter().map(|value| (module, value, perhaps)));
            }
        }
        out
    }

    fn import(&mut self, value: &Value<'p>, conditional: bool, depth: usize) {
        if depth > MAX_DEPTH {
            return;
        }
        match &forwarded(self.trace, value) {
            Value::Choice(values) => {
                values.iter().for_each(|value| self.import(value, true, depth + 1));
            }
            Value::List(items) => {
                let items = items.borrow().clone();
                items.iter().for_each(|value| self.import(value, conditional, depth + 1));
            }
            Value::Class(class) => self.enter(class, None, conditional, depth),
            added @ Value::Map(_) => {
                let module = added.entry("module").map(|module| forwarded(self.trace, &module));
                if let Some(Value::Class(class)) = module {
                    self.enter(&class, Some(added.clone()), conditional, depth);
                }
            }
            made @ Value::Native(_) => {
                let Some(call) = self.trace.made(made) else { return };
                let first = call.args.positional.first();
                match (call.path().and_then(|path| path.rsplit('.').next()), first) {
                    (Some("registerWhen"), Some(module)) => self.import(module, true, depth + 1),
                    (Some("register" | "forRoutes"), Some(routes))
                        if call.path().is_some_and(|path| path.contains(".RouterModule.")) =>
                    {
                        self.place(routes, &Text::default(), 0);
                    }
                    _ => {
                        // A static method that the class has from outside.
                        if let Value::Method(method) = &call.callee
                            && let Value::Class(class) = &method.0
                        {
                            self.enter(class, None, conditional, depth);
                        }
                    }
                }
            }
            _ => {}
        }
    }

    fn enter(
        &mut self,
        class: &Rc<ClassValue<'p>>,
        added: Option<Value<'p>>,
        conditional: bool,
        depth: usize,
    ) {
        let of_added = match &added {
            Some(Value::Map(entries)) => Rc::as_ptr(entries) as usize,
            _ => 0,
        };
        let at = match self.known.get(&(key(class), of_added)) {
            Some(at) if conditional || !self.modules[*at].conditional => return,
            // What it imports is not conditional either.
            Some(at) => {
                self.modules[*at].conditional = false;
                *at
            }
            None if self.modules.len() >= MAX_MODULES => return,
            None => {
                let decorations = self.decorations.class(class);
                let declared = decorations.and_then(|applied| {
                    let of_module = |name: &str| name == "Module";
                    let module = applied.decorations.iter().rev().find(|it| of_module(it.name()));
                    module?.args.positional.first().cloned()
                });
                let class_key = (key(class), of_added);
                self.known.insert(class_key, self.modules.len());
                self.modules.push(Module { class: Rc::clone(class), declared, added, conditional });
                self.modules.len() - 1
            }
        };
        for (import, perhaps) in self.modules[at].items("imports") {
            self.import(&import, conditional || perhaps, depth + 1);
        }
    }

    /// `RouterModule.register([{ path, module, children }])`.
    fn place(&mut self, routes: &Value<'p>, below: &Text, depth: usize) {
        if depth > MAX_DEPTH {
            return;
        }
        for route in scripts::flat(routes) {
            match forwarded(self.trace, &route) {
                Value::Class(class) => {
                    self.paths.insert(key(&class), below.clone());
                }
                route @ Value::Map(_) => {
                    let path = route.entry("path").map(|path| path.to_text()).unwrap_or_default();
                    let mut whole = Text::literal("/");
                    whole.push(&path.trim_start(&['/']));
                    let whole = join(below, &whole.trim_end(&['/']));
                    let module = route.entry("module");
                    if let Some(Value::Class(class)) =
                        module.map(|module| forwarded(self.trace, &module))
                    {
                        self.paths.insert(key(&class), whole.clone());
                    }
                    if let Some(children) = route.entry("children") {
                        self.place(&children, &whole, depth + 1);
                    }
                }
                _ => {}
            }
        }
    }
}

fn key(class: &Rc<ClassValue<'_>>) -> usize {
    Rc::as_ptr(class) as usize
}
