//! tide.

use std::collections::BTreeSet;

use super::{Framework, Matching};
use crate::eval::interpreter::Trace;
use crate::eval::text::Text;
use crate::eval::value::{Args, CallId, CallRecord, Value};
use crate::inventory::routes::caller::values;
use crate::inventory::routes::crates::{self, Endpoint, tail};
use crate::inventory::routes::graph::{
    Graph, Guard, Layer, LayerKind, Mount, Registration, made_by, name_of, path_text,
};
use crate::inventory::routes::pattern;
use crate::source::Language;

/// tide.
pub(super) const TIDE: Framework = Framework {
    name: "tide",
    languages: &[Language::Rust],
    packages: &["tide"],
    needs: &["tide::"],
    fixtures: &["tide"],
    matching: Matching::Specific,
    has_user_object: false,
    read,
    // Parameters are written as poem writes them.
    path: pattern::poem,
};

const NAME: &str = "tide";
const VERBS: &[&str] =
    &["get", "post", "put", "delete", "patch", "head", "options", "trace", "connect"];

/// Servers hold routes, and every path of a server is a route that has routes below it: both are
/// routers of the graph.
struct Reader<'t, 'p> {
    trace: &'t Trace<'p>,
    /// What the program makes, as against what an uncalled function is given.
    servers: BTreeSet<CallId>,
    nested: BTreeSet<CallId>,
}

fn read<'p>(trace: &Trace<'p>, graph: &mut Graph<'p>) {
    let mut reader = Reader { trace, servers: BTreeSet::new(), nested: BTreeSet::new() };
    for (id, call) in trace.records() {
        graph.at(id);
        if let Some(path) = call.path() {
            reader.construct(id, path, graph);
        } else if let Some((receiver, method)) = call.method()
            && graph.router(receiver, NAME).is_some()
        {
            reader.on_router(id, receiver, method, call, graph);
        }
    }
    for server in reader.servers.difference(&reader.nested) {
        graph.serves(*server);
    }
}

impl<'p> Reader<'_, 'p> {
    fn construct(&mut self, id: CallId, path: &str, graph: &mut Graph<'p>) {
        if !path.starts_with("tide::") {
            return;
        }
        match tail(path, 2) {
            "tide::new" | "tide::with_state" | "Server::new" | "Server::with_state" => {
                graph.add(id, NAME, Text::default());
                self.servers.insert(id);
            }
            "tide::Server" | "tide::Route" => graph.add(id, NAME, Text::default()),
            _ => {}
        }
    }

    fn on_router(
        &mut self,
        id: CallId,
        router: CallId,
        method: &str,
        call: &CallRecord<'p>,
        graph: &mut Graph<'p>,
    ) {
        let args = &call.args.positional;
        let conditional = graph.is_conditional(self.trace, router, call);
        if method == "at" {
            graph.add(id, NAME, Text::default());
            graph.mount(router, id, with_slash(&path_text(args.first())), conditional);
            return;
        }
        match method {
            "with" | "middleware" => {
                let is_server = self.servers.contains(&graph.origin(router));
                for layer in self.layers(args.first(), 0) {
                    let layer = Layer { conditional: conditional || layer.conditional, ..layer };
                    if is_server {
                        graph.layer(router, layer);
                    } else {
                        let path = Text::literal("*");
                        graph.guard(
                            router,
                            Guard { layer, path, methods: Vec::new(), is_mounted: true },
                        );
                    }
                }
            }
            "nest" => {
                for child in args.iter().flat_map(Value::alternatives) {
                    let Some(child) = made_by(&child) else { continue };
                    self.nested.insert(graph.origin(child));
                    let mount = Mount::new(child, Text::default(), conditional);
                    graph.mount_as(router, Mount { strips: true, ..mount });
                }
            }
            "all" => self.register(router, Vec::new(), args.first(), call, graph),
            "method" => {
                let verb = args.first().map(|verb| name_of(self.trace, verb)).unwrap_or_default();
                let methods =
                    if verb.is_empty() { Vec::new() } else { vec![verb.to_ascii_uppercase()] };
                self.register(router, methods, args.get(1), call, graph);
            }
            verb if VERBS.contains(&verb) => {
                self.register(router, vec![verb.to_ascii_uppercase()], args.first(), call, graph);
            }
            _ => {}
        }
        graph.gives_back(id, router);
    }

    fn register(
        &self,
        router: CallId,
        methods: Vec<String>,
        handler: Option<&Value<'p>>,
        call: &CallRecord<'p>,
        graph: &mut Graph<'p>,
    ) {
        let conditional = graph.is_conditional(self.trace, router, call);
        let made = handler.and_then(|value| self.trace.made(value));
        let library = made.as_ref().and_then(|made| made.path()).unwrap_or("");
        let is_socket = tail(library, 2).starts_with("WebSocket::");
        // `sse::endpoint(f)` answers by `f`.
        let handler = match &made {
            Some(made) if library.ends_with("sse::endpoint") => made.args.positional.first(),
            _ => handler,
        };
        let endpoint = crates::endpoint(self.trace, handler, call.place, &["call"]);
        let Endpoint { handler, layers, args, request, response, .. } = endpoint;
        let methods = if is_socket { vec!["WS".to_owned()] } else { methods };
        graph.route(
            router,
            Registration {
                layers,
                args,
                request,
                response,
                conditional,
                ..Registration::new((methods, true), Text::default(), handler)
            },
        );
    }

    fn layers(&self, value: Option<&Value<'p>>, depth: usize) -> Vec<Layer<'p>> {
        let Some(value) = value.filter(|_| depth < 8) else { return Vec::new() };
        let called = || Args::of(vec![values::request(), values::next()]);
        let middleware =
            |function: Value<'p>| Layer::new(self.trace, LayerKind::Middleware, function, called());
        match value {
            Value::Function(_) => vec![middleware(value.clone())],
            Value::Native(_) => {
                let chain = crates::chain(self.trace, value);
                let Some(path) = chain.first().and_then(|first| first.path()) else {
                    return Vec::new();
                };
                // These change a request or an answer, and let everybody in.
                if matches!(tail(path, 1), "Before" | "After") {
                    return Vec::new();
                }
                let mut layer = middleware(value.clone());
                layer.name = crates::library_name(path);
                vec![layer]
            }
            Value::Choice(values) => values
                .iter()
                .flat_map(|value| self.layers(Some(value), depth + 1))
                .map(|layer| Layer { conditional: true, ..layer })
                .collect(),
            object => match self.trace.bound_method(object, "handle") {
                Some(handle) => {
                    let mut layer = middleware(handle);
                    layer.name = name_of(self.trace, object);
                    vec![layer]
                }
                None => Vec::new(),
            },
        }
    }
}

/// `/x` for `x`, `/x/` and `/x`; nothing for the root.
fn with_slash(path: &Text) -> Text {
    let path = path.trim_start(&['/']).trim_end(&['/']);
    if path.parts().is_empty() {
        return path;
    }
    let mut out = Text::literal("/");
    out.push(&path);
    out
}
