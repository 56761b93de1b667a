//! Controllers, by what decorators say of their methods.

use std::rc::Rc;

use super::access::Access;
use super::{Reading, entry_of, joined};
use crate::eval::text::Text;
use crate::eval::value::{CallId, ClassValue, Value};
use crate::inventory::routes::decorations::Decoration;
use crate::inventory::routes::graph::{Graph, Handler, Registration};
use crate::inventory::routes::readers::scripts;
use crate::module::StmtKind;

/// The method that a decorator stands for, its path, if it is one of the router's.
fn mapped<'d, 'p>(decoration: &'d Decoration<'p>) -> Option<(String, Option<&'d Value<'p>>)> {
    if !decoration.path.starts_with("@loopback/") {
        return None;
    }
    let args = &decoration.args.positional;
    match decoration.name() {
        name @ ("get" | "post" | "put" | "patch" | "head" | "options") => {
            Some((name.to_ascii_uppercase(), args.first()))
        }
        "del" => Some(("DELETE".to_owned(), args.first())),
        "operation" => {
            Some((args.first().and_then(Value::as_str)?.to_ascii_uppercase(), args.get(1)))
        }
        _ => None,
    }
}

impl<'p> Reading<'_, 'p> {
    fn of_class(&self, class: &Rc<ClassValue<'p>>) -> Vec<Decoration<'p>> {
        let lineage = class.lineage().0;
        let applied = lineage.iter().rev().filter_map(|class| self.decorations.class(class));
        applied.flat_map(|applied| applied.decorations.iter().cloned()).collect()
    }

    fn api(&self, class: &Rc<ClassValue<'p>>) -> Option<Value<'p>> {
        let decorations = self.of_class(class);
        let api = decorations.iter().rev().find(|it| it.path == "@loopback/rest.api")?;
        api.args.positional.first().cloned()
    }

    /// What was applied to the methods of a name, the outermost bases first, until the class itself.
    fn of_method(&self, class: &Rc<ClassValue<'p>>, name: &str) -> Vec<Decoration<'p>> {
        let mut out = Vec::new();
        for owner in class.lineage().0.iter().rev() {
            let value = owner.env.vars.borrow().get(name).cloned();
            if let Some(Value::Function(closure)) = value
                && let Some(applied) = self.decorations.method(&closure)
            {
                out.extend(applied.decorations.iter().cloned());
            }
        }
        out
    }

    fn methods(class: &Rc<ClassValue<'p>>) -> Vec<&'p str> {
        let mut out: Vec<&'p str> = Vec::new();
        for owner in class.lineage().0 {
            let of: &'p crate::module::Class = owner.class;
            for stmt in &of.body {
                if let StmtKind::Function(function) = &stmt.kind
                    && let Some(name) = function.name.as_deref()
                    && !out.contains(&name)
                {
                    out.push(name);
                }
            }
        }
        out
    }

    pub(super) fn is_controller(&self, class: &Rc<ClassValue<'p>>) -> bool {
        let own = class.class.body.iter().any(|stmt| match &stmt.kind {
            StmtKind::Function(function) => function.name.as_deref().is_some_and(|name| {
                self.of_method(class, name).iter().any(|it| mapped(it).is_some())
            }),
            _ => false,
        });
        own || self.api(class).is_some()
    }

    pub(super) fn controller(
        &self,
        graph: &mut Graph<'p>,
        id: CallId,
        access: &Access<'p>,
        class: &Rc<ClassValue<'p>>,
        conditional: bool,
    ) {
        let of_class = self.of_class(class);
        let api = self.api(class);
        let below = entry_of(api.as_ref(), &["basePath"]);
        let below = below.map_or_else(Text::default, |base| base.to_text());
        let mut register = |name: &str, verb: String, path: &Text, conditional: bool| {
            let of_method = self.of_method(class, name);
            let mut layers = self.layers(access, &of_class, &of_method);
            let is_open = layers.is_empty();
            layers.extend(self.interceptors(&of_class));
            layers.extend(self.interceptors(&of_method));
            let handler = Handler::of_method(class, name);
            let args = handler.function.as_ref().map(|closure| self.arguments(closure, is_open));
            graph.route(
                id,
                Registration {
                    layers,
                    args: args.unwrap_or_default(),
                    conditional,
                    ..Registration::new(
                        (vec![verb], true),
                        joined(&access.base, &below, path),
                        handler,
                    )
                },
            );
        };
        for name in Self::methods(class) {
            let of_method = self.of_method(class, name);
            let found = of_method.iter().rev().find_map(|it| mapped(it).map(|found| (it, found)));
            if let Some((decoration, (verb, path))) = found {
                let conditional = conditional || decoration.conditional;
                for path in scripts::paths(path) {
                    register(name, verb.clone(), &path, conditional);
                }
            }
        }
        let Some(Value::Map(paths)) = entry_of(api.as_ref(), &["paths"]) else { return };
        for (path, operations) in paths.borrow().iter() {
            let Value::Map(operations) = operations else { continue };
            for (verb, operation) in operations.borrow().iter() {
                let name = operation.entry("x-operation-name");
                let name = name.as_ref().and_then(Value::as_str).unwrap_or_default();
                if let Some(verb) = verb.as_str() {
                    register(name, verb.to_ascii_uppercase(), &path.to_text(), conditional);
                }
            }
        }
    }
}
