//! Blueprints on applications and on each other, and applications behind a dispatcher.

use super::{NAME, Reader, is_text, last, optional, router_of};
use crate::eval::text::Text;
use crate::eval::value::{CallId, CallRecord, Value};
use crate::inventory::routes::graph::{Entry, Mount, Opaque, made_by};

impl<'p> Reader<'_, '_, 'p> {
    /// `app.register_blueprint(blueprint, url_prefix="/x", name="y")`
    pub(super) fn mount_blueprint(&mut self, parent: CallId, call: &CallRecord<'p>) {
        let blueprint = call.args.get(0, "blueprint");
        for child in blueprint.map(Value::alternatives).unwrap_or_default() {
            let child = made_by(&child).filter(|child| self.is_router(*child));
            let given = call.args.get(1, "url_prefix").filter(is_text);
            // A prefix at the registration replaces the blueprint's own.
            let prefixes = match given {
                Some(value) => value.alternatives(),
                None => Vec::new(),
            };
            let own = || self.graph.routers.get(&child?).map(|router| router.prefix.clone());
            let texts = if prefixes.is_empty() {
                vec![own().unwrap_or_default()]
            } else {
                prefixes.iter().map(|value| optional(Some(value))).collect()
            };
            let name = call.args.keyword("name").and_then(Value::as_str).map(str::to_owned);
            let conditional = call.conditional || texts.len() > 1;
            for prefix in texts {
                let Some(child) = child else {
                    let opaque = Opaque { path: prefix, place: call.place, is_certain: true };
                    self.graph.opaque(parent, opaque);
                    continue;
                };
                let mount = Mount::new(child, prefix, conditional);
                self.graph.mount_as(parent, Mount { name: name.clone(), ..mount });
            }
        }
    }

    /// `DispatcherMiddleware(app, {"/x": other})` of Werkzeug, `DispatcherMiddleware({"/x": app})`
    /// of Hypercorn.
    pub(super) fn mount_dispatched(
        &mut self,
        id: CallId,
        path: &str,
        call: &CallRecord<'p>,
    ) -> bool {
        if last(path) != "DispatcherMiddleware" {
            return false;
        }
        let mut mounts: Vec<(Text, Value<'p>)> = Vec::new();
        for value in
            call.args.positional.iter().chain(call.args.named.iter().map(|(_, value)| value))
        {
            match value {
                Value::Map(entries) => {
                    let entries = entries.borrow();
                    mounts.extend(
                        entries.iter().map(|(key, app)| (optional(Some(key)), app.clone())),
                    );
                }
                app => mounts.push((Text::default(), app.clone())),
            }
        }
        let mounts: Vec<_> = mounts
            .into_iter()
            .filter_map(|(prefix, app)| Some((prefix, router_of(self.trace, self.graph, &app)?)))
            .collect();
        // An application alone, at its root or wherever it is deployed.
        if mounts.iter().all(|(_, app)| *app == mounts[0].1) {
            let fixed = mounts.iter().find(|(prefix, _)| !prefix.is_empty() && !prefix.has_hole());
            if mounts.len() != 1 || fixed.is_none() {
                return true;
            }
        }
        self.graph.add_application(id, NAME, call);
        for (prefix, app) in mounts {
            // What is mounted sees only what follows the prefix.
            self.graph.mount_as(id, Mount { strips: true, ..Mount::new(app, prefix, false) });
        }
        true
    }

    /// Puts the hooks that hold for a whole application on those that their blueprint reaches.
    pub(super) fn spread_hooks(&mut self) {
        for (blueprint, layer) in std::mem::take(&mut self.everywhere) {
            let mut reached = Vec::new();
            let mut left = vec![self.graph.origin(blueprint)];
            let mut seen = Vec::new();
            while let Some(id) = left.pop() {
                if seen.contains(&id) {
                    continue;
                }
                seen.push(id);
                let Some(router) = self.graph.routers.get(&id) else { continue };
                if router.is_application {
                    reached.push(id);
                    continue;
                }
                let parents = self.graph.routers.iter().filter(|(_, parent)| {
                    parent
                        .entries
                        .iter()
                        .any(|(_, entry)| matches!(entry, Entry::Mount(mount) if mount.child == id))
                });
                left.extend(parents.map(|(id, _)| *id));
            }
            if reached.is_empty() {
                reached.push(blueprint);
            }
            for id in reached {
                self.graph.layer(id, layer.clone());
            }
        }
    }
}
