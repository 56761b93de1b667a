//! Routers that libraries make: classes with routes of classy-fastapi.

use super::{Reader, VERBS};
use crate::eval::value::{CallId, CallRecord, Value};

use super::endpoints;

impl<'p> Reader<'_, '_, 'p> {
    /// An instance of a class whose methods `@get(…)` and its kin of classy-fastapi made into
    /// routes.
    pub(super) fn routable(&mut self, id: CallId, call: &CallRecord<'p>) {
        let Some(class) = &call.class else { return };
        let instance = self.trace.instance(class);
        let mut methods = Vec::new();
        for owner in class.lineage().0 {
            for (name, value) in owner.env.vars.borrow().iter() {
                let Value::Function(closure) = value else { continue };
                let known = methods.iter().any(|(_, known, _)| known == name);
                if !known && closure.decorators.iter().any(|it| self.is_registrar(it)) {
                    methods.push((closure.place(), name.clone(), closure.decorators.clone()));
                }
            }
        }
        methods.sort_by_key(|(place, ..)| *place);
        let outer = self.enter(call.conditional);
        for (_, name, decorators) in methods {
            let bound = self.trace.attribute(&instance, &name);
            for decorator in decorators.iter().rev() {
                if !self.is_registrar(decorator) {
                    continue;
                }
                let Some(record) = self.trace.made(decorator) else { continue };
                let verb = record.path().and_then(|path| path.rsplit('.').next()).unwrap_or("");
                let methods = match verb {
                    "websocket" => endpoints::socket(),
                    verb if VERBS.contains(&verb) => (vec![verb.to_ascii_uppercase()], true),
                    _ => endpoints::methods(&record.args),
                };
                self.api_route(id, &record, &record.args, Some(&bound), methods);
            }
        }
        self.conditional = outer;
    }

    /// A router that a library makes.
    pub(super) fn library_router(&mut self, _id: CallId, _path: &str, _call: &CallRecord<'p>) {}
}
