//! poem and poem-openapi.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::{Framework, Matching};
use crate::eval::interpreter::Trace;
use crate::eval::text::Text;
use crate::eval::value::{Args, CallId, CallRecord, ClassValue, Place, Value};
use crate::inventory::routes::caller::values;
use crate::inventory::routes::crates::{self, Endpoint, tail};
use crate::inventory::routes::graph::{
    Graph, Layer, LayerKind, Registration, join, made_by, path_text,
};
use crate::inventory::routes::pattern;
use crate::module::StmtKind;
use crate::source::Language;

/// poem.
pub(super) const POEM: Framework = Framework {
    name: "poem",
    languages: &[Language::Rust],
    packages: &["poem", "poem-openapi"],
    needs: &["poem::", "poem_openapi", "use poem"],
    fixtures: &["poem"],
    matching: Matching::Specific,
    has_user_object: false,
    read,
    path: pattern::poem,
};

const NAME: &str = "poem";
const VERBS: &[&str] =
    &["get", "post", "put", "delete", "patch", "head", "options", "trace", "connect"];
/// What stands for the endpoint that a function wraps.
const WRAPPED: &str = "poem::wrapped";

/// A handler with the methods that it is for, and what stands before it.
#[derive(Clone)]
struct Answer<'p> {
    methods: Vec<String>,
    handler: Option<Value<'p>>,
    place: Place,
    layers: Vec<Layer<'p>>,
}

struct Reader<'t, 'p> {
    trace: &'t Trace<'p>,
    served: BTreeSet<CallId>,
}

fn read<'p>(trace: &Trace<'p>, graph: &mut Graph<'p>) {
    let mut reader = Reader { trace, served: BTreeSet::new() };
    for (id, call) in trace.records() {
        graph.at(id);
        if let Some(path) = call.path() {
            match tail(path, 2) {
                "Route::new" | "Route::default" if is_family(path) => {
                    graph.add(id, NAME, Text::default());
                }
                "poem::Route" => graph.add(id, NAME, Text::default()),
                _ if is_family(path) && VERBS.contains(&tail(path, 1)) => {}
                _ => reader.served_by(call, graph),
            }
        } else if let Some((receiver, method)) = call.method() {
            if graph.router(receiver, NAME).is_some() {
                reader.on_route(receiver, method, call, graph);
                graph.gives_back(id, receiver);
            } else {
                reader.served_by(call, graph);
            }
        }
    }
    if reader.served.is_empty() {
        let routers = graph.routers.values_mut().filter(|router| router.framework == NAME);
        routers.for_each(|router| router.is_application = true);
    }
    for id in reader.served {
        graph.serve(id, false);
    }
}

fn is_family(path: &str) -> bool {
    path.starts_with("poem::") || path.starts_with("poem_openapi::")
}

impl<'p> Reader<'_, 'p> {
    /// Routes that are given to something else than routes are served by it.
    fn served_by(&mut self, call: &CallRecord<'p>, graph: &mut Graph<'p>) {
        for value in call.args.positional.iter().flat_map(Value::alternatives) {
            if let Some(router) = made_by(&value)
                && graph.router(router, NAME).is_some()
            {
                self.served.insert(graph.origin(router));
            }
        }
    }

    fn on_route(
        &mut self,
        router: CallId,
        method: &str,
        call: &CallRecord<'p>,
        graph: &mut Graph<'p>,
    ) {
        let args = &call.args.positional;
        let conditional = graph.is_conditional(self.trace, router, call);
        match method {
            "at" => {
                let path = path_text(args.first());
                for answer in self.answers(args.get(1), call.place, 0) {
                    self.register(router, &path, answer, conditional, graph);
                }
            }
            "nest" | "nest_no_strip" => {
                let prefix = match method {
                    "nest" => path_text(args.first()).trim_end(&['/']),
                    _ => Text::default(),
                };
                self.nest(router, &prefix, args.get(1), call.place, conditional, graph);
            }
            _ => {
                for layer in self.wrapping(method, args) {
                    let conditional = conditional || layer.conditional;
                    graph.cover(router, &Layer { conditional, ..layer });
                }
            }
        }
    }

    fn nest(
        &self,
        router: CallId,
        prefix: &Text,
        value: Option<&Value<'p>>,
        place: Place,
        conditional: bool,
        graph: &mut Graph<'p>,
    ) {
        for value in value.into_iter().flat_map(Value::alternatives) {
            if let Some(child) = made_by(&value)
                && graph.router(child, NAME).is_some()
            {
                graph.mount(router, child, prefix.clone(), conditional);
                continue;
            }
            let chain = crates::chain(self.trace, &value);
            if let Some(first) = chain.first()
                && first.path().is_some_and(|path| tail(path, 2) == "OpenApiService::new")
            {
                let describes = |record: &Rc<CallRecord<'p>>| {
                    record.method().is_some_and(|(_, method)| {
                        ["swagger", "rapidoc", "redoc", "scalar", "openapi", "spec", "stoplight"]
                            .iter()
                            .any(|of| method.starts_with(of))
                    })
                };
                if !chain.iter().any(describes) {
                    let layers: Vec<_> = chain[1..]
                        .iter()
                        .rev()
                        .flat_map(|record| match record.method() {
                            Some((_, method)) => self.wrapping(method, &record.args.positional),
                            None => Vec::new(),
                        })
                        .collect();
                    self.apis(
                        router,
                        prefix,
                        first.args.positional.first(),
                        &layers,
                        conditional,
                        graph,
                    );
                }
                continue;
            }
            // An endpoint that answers everything below.
            let mut path = prefix.clone();
            path.push_literal("/*");
            for answer in self.answers(Some(&value), place, 0) {
                self.register(router, &path, answer, conditional, graph);
            }
        }
    }

    /// The types that describe an API, alone or as a tuple.
    fn apis(
        &self,
        router: CallId,
        prefix: &Text,
        value: Option<&Value<'p>>,
        layers: &[Layer<'p>],
        conditional: bool,
        graph: &mut Graph<'p>,
    ) {
        let class = match value {
            Some(Value::List(parts)) => {
                for part in parts.borrow().iter() {
                    self.apis(router, prefix, Some(part), layers, conditional, graph);
                }
                return;
            }
            Some(Value::Object(object)) => Rc::clone(&object.class),
            Some(Value::Class(class)) => Rc::clone(class),
            _ => return,
        };
        let blocks = self.trace.classes.iter().filter(|block| {
            let is_own =
                matches!(block.bases.first(), Some(Value::Class(of)) if Rc::ptr_eq(of, &class));
            block.class.of.is_some() && is_own
        });
        for block in blocks {
            let Some(attribute) =
                block.decorators.iter().find_map(|value| self.attribute(value, "OpenApi"))
            else {
                continue;
            };
            let mut base = prefix.clone();
            if let Some(own) =
                attribute.and_then(|record| record.args.keyword("prefix_path").cloned())
            {
                base = join(&base, &with_slash(&path_text(Some(&own))));
            }
            self.api(router, &base, &class, block, layers, conditional, graph);
        }
    }

    /// An attribute by its name, with its record where it has arguments.
    #[allow(clippy::option_option, reason = "an attribute may be there without arguments")]
    fn attribute(&self, value: &Value<'p>, name: &str) -> Option<Option<Rc<CallRecord<'p>>>> {
        match value {
            Value::External(path) => (tail(path, 1) == name).then_some(None),
            Value::Native(_) => {
                let record = self.trace.made(value)?;
                (tail(record.path()?, 1) == name).then_some(Some(record))
            }
            _ => None,
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn api(
        &self,
        router: CallId,
        base: &Text,
        class: &Rc<ClassValue<'p>>,
        block: &ClassValue<'p>,
        layers: &[Layer<'p>],
        conditional: bool,
        graph: &mut Graph<'p>,
    ) {
        for stmt in &block.class.body {
            let StmtKind::Function(function) = &stmt.kind else { continue };
            let Some(name) = &function.name else { continue };
            let Some((Value::Function(closure), _)) = class.attribute(name) else { continue };
            let attribute =
                closure.decorators.iter().find_map(|value| self.attribute(value, "oai"));
            let Some(Some(record)) = attribute else { continue };
            let Some(path) = record.args.keyword("path") else { continue };
            let named = record.args.named.iter().filter(|(key, _)| key == "method");
            let methods = named
                .filter_map(|(_, value)| value.as_str().map(str::to_ascii_uppercase))
                .collect();
            let mut own: Vec<_> = layers.to_vec();
            if let Some(transform) = record.args.keyword("transform") {
                let wrapped = Value::External(WRAPPED.into());
                let made = self.trace.call_again(transform, Args::of(vec![wrapped]));
                own.extend(
                    self.answers(Some(&made), record.place, 0).into_iter().flat_map(|it| it.layers),
                );
            }
            let handler = Some(Value::Function(closure));
            let answer = Answer { methods, handler, place: record.place, layers: own };
            let path = join(base, &with_slash(&path_text(Some(path))));
            self.register(router, &path, answer, conditional, graph);
        }
    }

    fn register(
        &self,
        router: CallId,
        path: &Text,
        answer: Answer<'p>,
        conditional: bool,
        graph: &mut Graph<'p>,
    ) {
        let endpoint =
            crates::endpoint(self.trace, answer.handler.as_ref(), answer.place, &["call"]);
        let Endpoint { handler, layers, args, upgrades, request, response } = endpoint;
        let mut methods = answer.methods;
        if upgrades && methods == ["GET"] {
            methods = vec!["WS".to_owned()];
        }
        // The root of a route is the place where it is nested.
        let path = path.trim_end(&['/']);
        graph.route(
            router,
            Registration {
                layers: answer.layers.into_iter().chain(layers).collect(),
                args,
                request,
                response,
                conditional,
                ..Registration::new((methods, true), path, handler)
            },
        );
    }

    /// What answers where a value is the endpoint.
    fn answers(&self, value: Option<&Value<'p>>, place: Place, depth: usize) -> Vec<Answer<'p>> {
        let Some(value) = value.filter(|_| depth < 64) else { return Vec::new() };
        let any = |handler: Option<Value<'p>>, place: Place| {
            vec![Answer { methods: Vec::new(), handler, place, layers: Vec::new() }]
        };
        let Some(record) = self.trace.made(value) else {
            return match value {
                Value::Choice(values) => values
                    .iter()
                    .flat_map(|value| self.answers(Some(value), place, depth + 1))
                    .collect(),
                other => any(Some(other.clone()), place),
            };
        };
        let args = &record.args.positional;
        match &record.callee {
            Value::External(path) => match tail(path, 1) {
                verb if VERBS.contains(&verb) => {
                    self.for_method(verb, args.first(), record.place, depth)
                }
                "make" | "make_sync" => any(args.first().cloned(), place),
                "new" | "default" if tail(path, 2).starts_with("RouteMethod::") => Vec::new(),
                method if path.strip_suffix(method) == Some("poem::wrapped::") => {
                    let layers = self.wrapping(method, args);
                    vec![Answer { methods: Vec::new(), handler: None, place, layers }]
                }
                _ => any(None, place),
            },
            Value::Method(of) => {
                let mut answers = self.answers(Some(&of.0), place, depth + 1);
                match of.1.as_str() {
                    verb if VERBS.contains(&verb) => {
                        answers.extend(self.for_method(verb, args.first(), record.place, depth));
                    }
                    "method" => {
                        let verb = match args.first() {
                            Some(Value::External(path)) => tail(path, 1).to_owned(),
                            _ => String::new(),
                        };
                        answers.extend(self.for_method(&verb, args.get(1), record.place, depth));
                    }
                    method => {
                        for layer in self.wrapping(method, args) {
                            answers.iter_mut().for_each(|it| it.layers.insert(0, layer.clone()));
                        }
                    }
                }
                answers
            }
            _ => any(None, place),
        }
    }

    fn for_method(
        &self,
        verb: &str,
        handler: Option<&Value<'p>>,
        place: Place,
        depth: usize,
    ) -> Vec<Answer<'p>> {
        let methods = if verb.is_empty() { Vec::new() } else { vec![verb.to_ascii_uppercase()] };
        let mut answers = self.answers(handler, place, depth + 1);
        answers.iter_mut().for_each(|answer| answer.methods.clone_from(&methods));
        answers
    }

    /// The layers that a method puts around an endpoint.
    fn wrapping(&self, method: &str, args: &[Value<'p>]) -> Vec<Layer<'p>> {
        let function = |kind, args: Args<'p>, value: &Value<'p>| {
            let mut layer = Layer::new(self.trace, kind, value.clone(), args);
            layer.sees_rest = true;
            vec![layer]
        };
        let Some(first) = args.first() else { return Vec::new() };
        match method {
            "with" => self.middleware(first),
            "with_if" => {
                let truth = first.truth();
                let mut layers = match (truth, args.get(1)) {
                    (Some(false), _) | (_, None) => Vec::new(),
                    (_, Some(layer)) => self.middleware(layer),
                };
                layers.iter_mut().for_each(|layer| layer.conditional |= truth.is_none());
                layers
            }
            "around" => {
                let args = Args::of(vec![values::handler(), values::request()]);
                function(LayerKind::Middleware, args, first)
            }
            "before" => function(LayerKind::Dependency, crates::request(), first),
            _ => Vec::new(),
        }
    }

    fn middleware(&self, value: &Value<'p>) -> Vec<Layer<'p>> {
        let layer = match value {
            Value::Native(_) => {
                let chain = crates::chain(self.trace, value);
                let Some(path) = chain.first().and_then(|first| first.path()) else {
                    return Vec::new();
                };
                let mut layer = Layer::new(
                    self.trace,
                    LayerKind::Middleware,
                    value.clone(),
                    crates::by_types(),
                );
                layer.name = crates::library_name(path);
                Some(layer)
            }
            object => crates::wrapper(self.trace, object, "transform", crates::request()),
        };
        layer.into_iter().map(|layer| Layer { sees_rest: true, ..layer }).collect()
    }
}

/// `/x` for `x`, and nothing for nothing.
fn with_slash(path: &Text) -> Text {
    if path.parts().is_empty() || path.to_string().starts_with('/') {
        return path.clone();
    }
    let mut out = Text::literal("/");
    out.push(path);
    out
}
