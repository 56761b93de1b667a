//! Tables of route objects: `routes=[Route(…), Mount(…)]`.

use super::{Reader, items, optional};
use crate::eval::text::Text;
use crate::eval::value::{CallId, CallRecord, Value};
use crate::inventory::routes::graph::made_by;

use super::endpoints;

impl<'p> Reader<'_, '_, 'p> {
    /// Puts what stands in a table on a router.
    pub(super) fn placed_table(&mut self, router: CallId, table: Option<&Value<'p>>) {
        for (item, certain) in items(table) {
            let several = item.alternatives();
            for one in &several {
                let Some(id) = made_by(one) else { continue };
                let Some(record) = self.trace.call(id) else { continue };
                self.placed.insert(id);
                let conditional = record.conditional || !certain || several.len() > 1;
                let outer = self.enter(conditional);
                self.place(router, id, &record);
                self.conditional = outer;
            }
        }
    }

    fn place(&mut self, router: CallId, id: CallId, record: &CallRecord<'p>) {
        let Some(name) = record.path().and_then(super::library) else { return };
        let args = &record.args;
        match name {
            "Route" | "WebSocketRoute" => {
                let endpoint = args.get(1, "endpoint");
                self.plain_route(router, record, args, endpoint, name == "WebSocketRoute");
            }
            "APIRoute" | "APIWebSocketRoute" => {
                let methods =
                    if name == "APIRoute" { endpoints::methods(args) } else { endpoints::socket() };
                // It is a route already, which no prefix is added to any more.
                let prefix = self.own.get_mut(&router).map(|own| std::mem::take(&mut own.prefix));
                self.api_route(router, record, args, args.get(1, "endpoint"), methods);
                if let (Some(own), Some(prefix)) = (self.own.get_mut(&router), prefix) {
                    own.prefix = prefix;
                }
            }
            "Mount" => {
                let prefix = optional(args.get(0, "path"));
                self.graph.mount(router, id, prefix, self.conditional);
            }
            "Host" => self.graph.mount(router, id, Text::default(), self.conditional),
            _ => {}
        }
    }

    /// Route objects that stand in no table that anything is made of.
    pub(super) fn leftovers(&mut self) {
        let loose: Vec<CallId> = self
            .trace
            .records()
            .filter(|(id, call)| {
                let name = call.path().and_then(super::library);
                matches!(name, Some("Route" | "WebSocketRoute" | "APIRoute" | "APIWebSocketRoute"))
                    && !self.placed.contains(id)
            })
            .map(|(id, _)| id)
            .collect();
        for id in loose {
            let Some(record) = self.trace.call(id) else { continue };
            let path = record.path().unwrap_or_default().to_owned();
            self.graph.at(id);
            self.construct(id, &path, &record);
            let outer = self.enter(record.conditional);
            self.place(id, id, &record);
            self.conditional = outer;
        }
    }
}
