//! What FastAPI calls before a handler: dependencies that an application, a router, a route, the
//! class around a handler, or a handler's parameters declare; and routes of a class of their own.

use std::rc::Rc;

use super::{Reader, items};
use crate::eval::value::{Args, Closure, Value};
use crate::inventory::routes::caller::{self, values};
use crate::inventory::routes::graph::{Layer, LayerKind};
use crate::inventory::routes::wrapping::open;
use crate::module::path::last_name;
use crate::module::{ExprKind, StmtKind};

impl<'p> Reader<'_, '_, 'p> {
    /// `dependencies=[Depends(f), …]`.
    pub(super) fn listed(&self, args: &Args<'p>) -> Vec<Layer<'p>> {
        items(args.keyword("dependencies"))
            .iter()
            .filter_map(|(value, certain)| {
                let mut layer = self.dependency(value, None)?;
                layer.conditional |= !certain;
                Some(layer)
            })
            .collect()
    }

    /// The layer of `Depends(f)`, `Security(f)`; without a function, of the declared type.
    fn dependency(&self, value: &Value<'p>, declared: Option<&Value<'p>>) -> Option<Layer<'p>> {
        let called = self.depended_on(value, declared)?;
        Some(Layer::new(self.trace, LayerKind::Dependency, called, open()))
    }

    fn depended_on(&self, value: &Value<'p>, declared: Option<&Value<'p>>) -> Option<Value<'p>> {
        match value {
            Value::Native(_) => {
                let record = self.trace.made(value)?;
                if !caller::is_dependency(record.path()?) {
                    return None;
                }
                record.args.get(0, "dependency").or(declared).cloned()
            }
            Value::Annotated(annotated) => {
                let notes = annotated.1.iter().rev();
                notes.into_iter().find_map(|note| self.depended_on(note, Some(&annotated.0)))
            }
            _ => None,
        }
    }

    /// What the parameters of a handler depend on.
    pub(super) fn parameter_dependencies(&self, function: &Closure<'p>) -> Vec<Layer<'p>> {
        let mut out = Vec::new();
        for param in &function.function.params {
            let annotation = param.annotation.as_ref();
            let declared = annotation.map(|expr| self.trace.value_in(&function.env, expr));
            if let Some(default) = &param.default
                // Literals depend on nothing.
                && !matches!(default.kind, ExprKind::None | ExprKind::Number(_) | ExprKind::Text(_))
            {
                let value = self.trace.value_in(&function.env, default);
                out.extend(self.dependency(&value, declared.as_ref()));
            }
            if let Some(declared) = &declared {
                out.extend(self.dependency(declared, None));
            }
        }
        out
    }

    /// Attributes of the class around a handler that are dependencies, by their values or their
    /// declared types, for what makes a class with handlers into routes.
    pub(super) fn class_dependencies(&mut self, function: &Closure<'p>) -> Vec<Layer<'p>> {
        let Some(class) = &function.class else { return Vec::new() };
        let key = Rc::as_ptr(class) as usize;
        if let Some(known) = self.of_classes.get(&key) {
            return known.clone();
        }
        let mut out = Vec::new();
        for owner in class.lineage().0 {
            for stmt in &owner.class.body {
                let StmtKind::Bind(bind) = &stmt.kind else { continue };
                let Some(name) = last_name(&bind.target) else { continue };
                let annotation = bind.annotation.as_ref();
                let declared = annotation.map(|expr| self.trace.value_in(&owner.env, expr));
                let value = owner.env.vars.borrow().get(name).cloned();
                out.extend(match (value, &declared) {
                    (Some(value), declared) => self.dependency(&value, declared.as_ref()),
                    (None, Some(declared)) => self.dependency(declared, None),
                    (None, None) => None,
                });
            }
        }
        self.of_classes.insert(key, out.clone());
        out
    }

    /// What a class of routes puts before their handlers: `get_route_handler` gives a function
    /// that is called with the request and goes on to the one of its base.
    pub(super) fn route_class(&self, class: Option<&Value<'p>>) -> Option<Layer<'p>> {
        let Some(value @ Value::Class(class)) = class else { return None };
        class.attribute("get_route_handler")?;
        let instance = self.trace.instance(class);
        let make = self.trace.attribute(&instance, "get_route_handler");
        let (made, _) = self.trace.run(&make, Args::default());
        if !matches!(made, Value::Function(_)) {
            return None;
        }
        let args = Args::of(vec![values::request()]);
        let name =
            Layer::new(self.trace, LayerKind::Middleware, value.clone(), Args::default()).name;
        let mut layer = Layer::new(self.trace, LayerKind::Middleware, made, args);
        layer.name = name;
        layer.sockets = Some(false);
        Some(layer)
    }
}
