//! Channels: consumers of WebSockets under the same patterns.

use std::rc::Rc;

use super::NAME;
use super::ninja::Ninja;
use super::patterns::{Met, Row, Walk, Way};
use super::routers::Registry;
use super::views::Before;
use crate::eval::interpreter::Trace;
use crate::eval::text::Text;
use crate::eval::value::{Args, BASE, ClassValue, Value};
use crate::inventory::routes::caller::values;
use crate::inventory::routes::graph::{Graph, Handler, Registration};
use crate::inventory::routes::readers::classes;

/// What every `URLRouter` of the program has.
pub(super) fn read<'p>(
    trace: &Trace<'p>,
    graph: &mut Graph<'p>,
    registry: &Rc<Registry>,
    ninja: &Rc<Ninja>,
    mut met: Met,
) -> Met {
    for (_, record) in trace.records() {
        if record.path() != Some("channels.routing.URLRouter") {
            continue;
        }
        let Some(patterns) = record.args.get(0, "routes") else { continue };
        let router = graph.add_application_of_files(NAME, Text::default());
        let mut walk = Walk::new(trace, graph, router, registry, ninja, met);
        walk.patterns(patterns, &Way::start(), 0);
        met = walk.met;
    }
    met
}

impl<'p> Walk<'_, '_, 'p> {
    /// A consumer, which takes callers on or closes on them when they connect.
    pub(super) fn socket_row(&self, class: &Rc<ClassValue<'p>>, outer: &Before<'p>) -> Row<'p> {
        let scope = Value::map(vec![
            (Value::text("user"), values::nobody()),
            (Value::text("session"), Value::External("caller.request.session".into())),
        ]);
        let fields = [(BASE, Value::External("caller.base".into())), ("scope", scope)];
        let instance = classes::instance(self.trace, class, &fields);
        let name = ["connect", "websocket_connect"]
            .into_iter()
            .find(|name| classes::method(self.trace, &instance, name).is_some());
        let (handler, inner) = match name {
            Some(name) => self.method(class, &instance, name),
            None => (Handler::of_class(class), Before::default()),
        };
        let mut layers = outer.layers.clone();
        layers.extend(inner.layers);
        let methods = (vec!["WS".to_owned()], true);
        let registration = Registration {
            layers,
            args: Args::default(),
            ..Registration::new(methods, Text::default(), handler)
        };
        Row { registration, is_exempt: true }
    }
}
