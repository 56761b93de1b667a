//! What plugins and hooks do to an application while it is made: they are called with its
//! configuration, put handlers, guards and middleware into it, and hand it on to each other.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::Reader;
use crate::eval::value::{Args, CallId, CallRecord, Value};
use crate::inventory::routes::graph::made_by;
use crate::inventory::routes::readers::fastapi::items;

/// The most plugins and hooks of one application.
const MAX_HOOKS: usize = 256;

/// What the configuration is made of, for those who look at the calls.
const CONFIGURATION: &str = "litestar.config.app.AppConfig";

impl<'p> Reader<'_, '_, 'p> {
    /// Calls the plugins and hooks of an application.
    pub(super) fn configure(&mut self, app: CallId, call: &CallRecord<'p>) {
        let hooks = items(call.args.keyword("on_app_init"));
        let plugins = items(call.args.keyword("plugins"));
        if hooks.is_empty() && plugins.is_empty() {
            return;
        }
        let made = Value::External(CONFIGURATION.into());
        let (config, _) = self.trace.run(&made, call.args.clone());
        let Some(id) = made_by(&config) else { return };
        let mut same = BTreeSet::from([id]);
        let mut left: Vec<(Value<'p>, bool)> = plugins.into_iter().chain(hooks).rev().collect();
        for _ in 0..MAX_HOOKS {
            let Some((hook, certain)) = left.pop() else { break };
            let outer = self.enter(!certain);
            self.hook(app, &hook, &config, &mut same, &mut left);
            self.conditional = outer;
        }
    }

    /// Calls a hook with the configuration, and does what it does to that. `same` are the calls that
    /// give it back.
    fn hook(
        &mut self,
        app: CallId,
        hook: &Value<'p>,
        config: &Value<'p>,
        same: &mut BTreeSet<CallId>,
        left: &mut Vec<(Value<'p>, bool)>,
    ) {
        if let Some(layer) = self.authentication(hook) {
            self.graph.layer(app, layer);
            return;
        }
        let called = match hook {
            Value::Object(object) => match object.class.attribute("on_app_init") {
                Some((Value::Function(_), _)) => self.trace.attribute(hook, "on_app_init"),
                _ => return,
            },
            Value::Function(_) => hook.clone(),
            _ => return,
        };
        let (_, made) = self.trace.run(&called, Args::of(vec![config.clone()]));
        for id in made {
            if let Some(record) = self.trace.call(id) {
                self.changed(app, id, &record, same, left);
            }
        }
    }

    fn changed(
        &mut self,
        app: CallId,
        id: CallId,
        record: &Rc<CallRecord<'p>>,
        same: &mut BTreeSet<CallId>,
        left: &mut Vec<(Value<'p>, bool)>,
    ) {
        let args = &record.args;
        let is_config = |value: &Value<'p>| made_by(value).is_some_and(|made| same.contains(&made));
        // Whoever is given the configuration to change gives it back.
        if let Value::Method(method) = &record.callee
            && method.1 == "on_app_init"
            && args.positional.first().is_some_and(is_config)
        {
            same.insert(id);
            if let Some(layer) = self.authentication(&record.callee) {
                self.graph.layer(app, layer);
            }
            return;
        }
        let Some((root, names)) = super::super::fastapi::receiver(&record.callee) else { return };
        if !same.contains(&root) {
            return;
        }
        let (name, value) = match (names.as_slice(), args.positional.as_slice()) {
            ([name, "append"], [value]) => (*name, Value::list(vec![value.clone()])),
            ([name, "insert"], [_, value]) => (*name, Value::list(vec![value.clone()])),
            ([name, "extend" | "update"], [value]) => (*name, value.clone()),
            ([name, "__setitem__"], [key, value]) => {
                (*name, Value::map(vec![(key.clone(), value.clone())]))
            }
            (["__setattr__"], [name, value]) => match name.as_str() {
                Some(name) => (name, value.clone()),
                None => return,
            },
            _ => return,
        };
        let outer = self.enter(record.conditional);
        match name {
            "route_handlers" => self.add_all(app, Some(&value)),
            "guards" | "middleware" => {
                let of = |wanted: &str| (name == wanted).then_some(&value);
                for mut layer in self.layers(of("guards"), of("middleware")) {
                    layer.conditional |= self.conditional;
                    self.graph.layer(app, layer);
                }
            }
            "dependencies" => {
                let more = self.dependencies(Some(&value));
                if let Some(shared) = self.routers.get_mut(&app) {
                    shared.dependencies.splice(..0, more);
                }
            }
            "plugins" | "on_app_init" => left.extend(items(Some(&value)).into_iter().rev()),
            _ => {}
        }
        self.conditional = outer;
    }
}
