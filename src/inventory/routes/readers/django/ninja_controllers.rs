//! Controllers of django-ninja-extra: classes whose methods are operations.

use std::rc::Rc;

use super::ninja::{auth_of, joined, registered};
use super::patterns::{Walk, Way};
use super::{ninja_auth, permissions};
use crate::eval::interpreter::Trace;
use crate::eval::text::Text;
use crate::eval::value::{Args, BASE, CallId, CallRecord, ClassValue, Closure, Value};
use crate::inventory::routes::caller::values;
use crate::inventory::routes::graph::{Handler, Registration, methods_of, path_text};
use crate::inventory::routes::readers::classes;
use crate::inventory::routes::wrapping::open;

const VERBS: &[&str] = &["get", "post", "put", "patch", "delete"];

/// What makes a controller of a class: a call, or nothing where the decorator is written bare.
fn made_controller<'p>(
    trace: &Trace<'p>,
    class: &ClassValue<'p>,
) -> Option<Option<Rc<CallRecord<'p>>>> {
    let is = |path: &str| path.starts_with("ninja") && path.ends_with(".api_controller");
    class.decorators.iter().find_map(|decorator| match decorator {
        Value::External(path) if is(path) => Some(None),
        Value::Native(_) => {
            let made = trace.made(decorator)?;
            made.path().is_some_and(is).then_some(Some(made))
        }
        _ => None,
    })
}

/// Whether a value is a controller.
pub(super) fn is_controller<'p>(trace: &Trace<'p>, value: &Value<'p>) -> bool {
    matches!(value, Value::Class(class) if made_controller(trace, class).is_some())
}

/// How the program says that a method is an operation: methods, path, and the rest.
struct Operation<'p> {
    methods: (Vec<String>, bool),
    path: Text,
    args: Args<'p>,
}

/// `@http_get("/x")`, `@route.get("/x")`, `@route.generic("/x", methods=[…])`.
fn operation<'p>(trace: &Trace<'p>, decorator: &Value<'p>) -> Option<Operation<'p>> {
    let made = trace.made(decorator)?;
    let path = made.path().filter(|path| path.starts_with("ninja"))?;
    let mut names = path.rsplit('.');
    let name = names.next()?;
    let of_route = names.next() == Some("route");
    let verb = match name.strip_prefix("http_") {
        Some(verb) => verb,
        None if of_route => name,
        None => return None,
    };
    let methods = if VERBS.contains(&verb) {
        (vec![verb.to_ascii_uppercase()], true)
    } else if verb == "generic" {
        made.args.keyword("methods").map(methods_of).unwrap_or_default()
    } else {
        return None;
    };
    let path = made.args.get(0, "path").map(|path| path_text(Some(path))).unwrap_or_default();
    Some(Operation { methods, path, args: made.args.clone() })
}

impl<'p> Walk<'_, '_, 'p> {
    /// `api.register_controllers(A, "app.controllers.B")`
    pub(super) fn controllers(&mut self, call: CallId, api: Option<&Value<'p>>, way: &Way<'p>) {
        let Some(record) = self.trace.call(call) else { return };
        let way = way.under(&Text::default(), record.conditional);
        for controller in registered(self.trace, &record) {
            if let Value::Class(class) = controller {
                self.controller(&class, api, &way);
            }
        }
    }

    /// Controllers that nobody registered.
    pub(super) fn unmet_controllers(&mut self, way: &Way<'p>, api: Option<&Value<'p>>) {
        for class in self.trace.classes.iter() {
            let is_met = self.met.controllers.contains(&class.qualified);
            if !is_met && made_controller(self.trace, class).is_some() {
                self.controller(class, api, way);
            }
        }
    }

    fn controller(&mut self, class: &Rc<ClassValue<'p>>, api: Option<&Value<'p>>, way: &Way<'p>) {
        let Some(made) = made_controller(self.trace, class) else { return };
        self.met.controllers.insert(class.qualified.clone());
        let args = made.map(|made| made.args.clone()).unwrap_or_default();
        let prefix = args.get(0, "prefix_or_class").map(|prefix| path_text(Some(prefix)));
        let prefix = prefix.unwrap_or_default();
        let auth = auth_of(&args).or_else(|| api.cloned());
        let permissions = args.keyword("permissions").cloned();
        let fields = [
            (BASE, Value::External("caller.base".into())),
            ("context", values::context()),
            ("request", values::request()),
        ];
        let instance = classes::instance(self.trace, class, &fields);
        for (name, closure) in methods(class) {
            let decorators = closure.written_decorators().map(|(value, _)| value);
            let operations = decorators.filter_map(|value| operation(self.trace, value));
            for operation in operations.collect::<Vec<_>>() {
                let asked = auth_of(&operation.args).or_else(|| auth.clone());
                let permissions = operation.args.keyword("permissions").or(permissions.as_ref());
                let permissions = permissions.filter(|list| list.truth() != Some(false));
                let mut layers: Vec<_> =
                    asked.iter().flat_map(|auth| ninja_auth::layers(self.trace, auth)).collect();
                let verb = operation.methods.0.first().map(|verb| verb.to_ascii_lowercase());
                let verb = verb.unwrap_or_default();
                layers.extend(
                    permissions
                        .iter()
                        .flat_map(|list| permissions::layers(self.trace, list, &instance, &verb)),
                );
                let Some(method) = classes::method(self.trace, &instance, &name) else { continue };
                // Decorators below the one that makes the operation get the method.
                let args = Args { positional: vec![instance.clone()], ..open() };
                let view = classes::unwrap(self.trace, &method, &args, |value| {
                    operation_of(self.trace, value)
                });
                layers.extend(ninja_auth::wrappers(self.trace, &view.layers));
                let handler = Handler::of(Some(&view.view), closure.place());
                let handler = classes::named_in(handler, class, &name);
                let named = vec![("request".into(), values::request())];
                let registration = Registration {
                    layers,
                    args: Args { named, ..open() },
                    metadata: view.notes,
                    ..Registration::new(operation.methods, Text::default(), handler)
                };
                self.ninja_row(registration, &joined(&prefix, &operation.path), way);
            }
        }
    }
}

fn operation_of<'p>(trace: &Trace<'p>, value: &Value<'p>) -> bool {
    operation(trace, value).is_some()
}

/// The functions of a class and its bases, those of the bases first.
fn methods<'p>(class: &Rc<ClassValue<'p>>) -> Vec<(String, Rc<Closure<'p>>)> {
    let mut out: Vec<(String, Rc<Closure<'p>>)> = Vec::new();
    for base in class.lineage().0.iter().rev() {
        let vars = base.env.vars.borrow();
        let mut own: Vec<_> = vars
            .iter()
            .filter_map(|(name, value)| match value {
                Value::Function(closure) => Some((name.to_string(), Rc::clone(closure))),
                _ => None,
            })
            .collect();
        own.sort_by_key(|(_, closure)| closure.function.name_span.line);
        for (name, closure) in own {
            match out.iter_mut().find(|(known, _)| *known == name) {
                Some((_, known)) => *known = closure,
                None => out.push((name, closure)),
            }
        }
    }
    out
}
