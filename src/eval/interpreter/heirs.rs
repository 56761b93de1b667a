//! Methods that nothing calls and that other classes inherit: what those set decides what is sent.

use std::collections::BTreeSet;
use std::rc::Rc;

use smol_str::SmolStr;

use super::Interpreter;
use crate::eval::value::{ClassValue, Closure, Object, Value};
use crate::module::visit::{Visitor, Walk, walk_block};
use crate::module::{Expr, ExprKind};

/// The most classes that inherit a method which nothing calls, and for which it is run.
const MAX_HEIRS: usize = 48;

impl<'p> Interpreter<'p> {
    /// Whether other classes inherit a method.
    pub(super) fn has_heirs(&self, closure: &Closure<'p>) -> bool {
        !self.heirs_of(closure).is_empty()
    }

    /// A method that others inherit, bound to an instance of each class that does and that sets
    /// something of what its class reads of itself; and to one of its own class, where that does.
    pub(super) fn of_heirs(&self, closure: &Rc<Closure<'p>>) -> Vec<Rc<Closure<'p>>> {
        let Some(class) = &closure.class else { return Vec::new() };
        let heirs = self.heirs_of(closure);
        if heirs.is_empty() {
            return Vec::new();
        }
        let mut read = Read::default();
        walk_block(&mut read, &class.class.body);
        let own = self.instances.get(&Rc::as_ptr(class));
        let of_own = |name: &str| own.and_then(|own| held(own, name)).filter(is_known);
        let sets = |heir: &&Rc<Object<'p>>| {
            read.0.iter().any(|name| {
                let value = held(heir, name).filter(is_known);
                value.is_some_and(|value| of_own(name).is_none_or(|own| !is_alike(&own, &value)))
            })
        };
        let instances: Vec<_> = heirs
            .iter()
            .filter_map(|heir| self.instances.get(&Rc::as_ptr(heir)))
            .filter(sets)
            .collect();
        let is_set = |name: &SmolStr| {
            of_own(name).is_some()
                || instances.iter().all(|heir| held(heir, name).filter(is_known).is_none())
        };
        let own = own.filter(|_| !instances.is_empty() && read.0.iter().all(is_set));
        own.into_iter()
            .chain(instances.iter().copied())
            .map(|object| self.bound(closure, Value::Object(Rc::clone(object)), Rc::clone(class)))
            .collect()
    }

    fn heirs_of(&self, closure: &Closure<'p>) -> Vec<Rc<ClassValue<'p>>> {
        let class = closure.class.as_ref().filter(|_| self.follows && closure.env.is_class);
        let (Some(class), Some(name)) = (class, closure.function.name.as_deref()) else {
            return Vec::new();
        };
        let is_base =
            |base: &Value<'p>| matches!(base, Value::Class(base) if Rc::ptr_eq(base, class));
        if !self.classes.iter().any(|heir| heir.bases.iter().any(is_base)) {
            return Vec::new();
        }
        let is_same = |(value, _): (Value<'p>, _)| matches!(value, Value::Function(own) if std::ptr::eq(own.function, closure.function));
        let inherits = |heir: &&Rc<ClassValue<'p>>| {
            !Rc::ptr_eq(heir, class)
                && !heir.bases.is_empty()
                && heir.attribute(name).is_some_and(is_same)
        };
        self.classes.iter().filter(inherits).take(MAX_HEIRS).map(Rc::clone).collect()
    }
}

/// What an object has under a name, without asking for it.
fn held<'p>(object: &Rc<Object<'p>>, name: &str) -> Option<Value<'p>> {
    let own = object.fields.borrow().get(name).cloned();
    own.or_else(|| object.class.attribute(name).map(|(value, _)| value))
}

/// Whether a value is one that addresses are made of.
fn is_known(value: &Value<'_>) -> bool {
    matches!(value, Value::Text(_) | Value::Function(_) | Value::Number(_))
}

fn is_alike<'p>(one: &Value<'p>, other: &Value<'p>) -> bool {
    match (one, other) {
        (Value::Function(a), Value::Function(b)) => std::ptr::eq(a.function, b.function),
        _ => one.is_same(other),
    }
}

/// Collects what a class reads of itself.
#[derive(Default)]
struct Read(BTreeSet<SmolStr>);

impl<'m> Visitor<'m> for Read {
    fn enter_expr(&mut self, expr: &'m Expr) -> Walk {
        if let ExprKind::Attribute { object, name, .. } = &expr.kind
            && matches!(&object.kind, ExprKind::Name(name) if name == "this" || name == "self")
        {
            self.0.insert(name.clone());
        }
        Walk::Into
    }
}
