//! warp.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::{Framework, Matching};
use crate::eval::interpreter::Trace;
use crate::eval::text::Text;
use crate::eval::value::{Args, CallId, CallRecord, Closure, Place, Value};
use crate::inventory::routes::AuthState;
use crate::inventory::routes::caller::is_credential;
use crate::inventory::routes::crates::{self, Endpoint, tail};
use crate::inventory::routes::extractors::type_name;
use crate::inventory::routes::graph::{Graph, Layer, LayerKind, Registration, made_by, path_text};
use crate::inventory::routes::{pattern, types};
use crate::module::Expr;
use crate::module::path::last_name;
use crate::source::Language;

/// warp.
pub(super) const WARP: Framework = Framework {
    name: "warp",
    languages: &[Language::Rust],
    packages: &["warp"],
    needs: &["warp::"],
    fixtures: &["warp"],
    matching: Matching::First,
    has_user_object: false,
    read,
    path: pattern::braces,
};

const NAME: &str = "warp";
const VERBS: &[&str] = &["get", "post", "put", "delete", "patch", "head", "options"];
/// Methods of filters that give another filter.
const COMBINATORS: &[&str] = &[
    "and",
    "and_then",
    "boxed",
    "map",
    "map_err",
    "or",
    "or_else",
    "recover",
    "then",
    "unify",
    "untuple_one",
    "with",
];
/// How deep filters lie in each other that are followed.
const MAX_DEPTH: usize = 64;
/// The most ways through one filter.
const MAX_WAYS: usize = 4_096;
/// The most ways that are made on the way to all filters.
const MAX_MADE: usize = 1_000_000;
/// The most routes of one path that a request is handed on to.
const MAX_LATER: usize = 16;

/// A segment of a path.
#[derive(Clone)]
enum Segment {
    Literal(Text),
    /// A parameter, which has a type and no name.
    Param(Option<String>),
    Rest,
}

/// A function that makes a value of those that were extracted before it.
struct Maker<'p> {
    call: CallId,
    function: Option<Value<'p>>,
    place: Place,
    args: Vec<Value<'p>>,
    /// The type of the body among them.
    request: Option<String>,
}

/// A value that a filter extracts of an anonymous request.
#[derive(Clone, Default)]
struct Extract<'p> {
    value: Value<'p>,
    /// Whether it says who calls.
    of_caller: bool,
    is_body: bool,
    segment: Option<usize>,
    maker: Option<Rc<Maker<'p>>>,
}

/// One way through a filter: what a request has to be, and what becomes of it.
#[derive(Clone, Default)]
struct Way<'p> {
    path: Vec<Segment>,
    is_ended: bool,
    /// The methods that it is for; `None` is all.
    methods: Option<Vec<String>>,
    is_socket: bool,
    /// Whether it answers with files of a folder.
    is_files: bool,
    extracts: Vec<Extract<'p>>,
    layers: Vec<Layer<'p>>,
    conditional: bool,
}

impl<'p> Way<'p> {
    fn extracting(value: Value<'p>) -> Self {
        Self { extracts: vec![Extract { value, ..Extract::default() }], ..Self::default() }
    }

    fn guarded(layer: Option<Layer<'p>>) -> Self {
        Self { layers: layer.into_iter().collect(), ..Self::default() }
    }

    fn for_methods(methods: &[&str]) -> Self {
        let methods = methods.iter().map(|method| method.to_ascii_uppercase()).collect();
        Self { methods: Some(methods), ..Self::default() }
    }

    fn param(&mut self, of: Option<String>) {
        let segment = Some(self.path.len());
        self.path.push(Segment::Param(of));
        self.extracts.push(Extract { segment, ..Extract::default() });
    }

    /// This, then another; `None` where no request fits both.
    fn and(&self, other: &Self) -> Option<Self> {
        let mut out = self.clone();
        let before = self.path.len();
        out.path.extend(other.path.iter().cloned());
        out.is_ended |= other.is_ended;
        out.is_socket |= other.is_socket;
        out.is_files |= other.is_files;
        out.conditional |= other.conditional;
        out.layers.extend(other.layers.iter().cloned());
        out.extracts.extend(other.extracts.iter().map(|extract| Extract {
            segment: extract.segment.map(|at| at + before),
            ..extract.clone()
        }));
        out.methods = match (&self.methods, &other.methods) {
            (Some(own), Some(others)) => {
                let both: Vec<_> =
                    own.iter().filter(|method| others.contains(method)).cloned().collect();
                if both.is_empty() {
                    return None;
                }
                Some(both)
            }
            (own, others) => own.clone().or_else(|| others.clone()),
        };
        Some(out)
    }

    fn maker(&self) -> Option<&Rc<Maker<'p>>> {
        self.extracts.last()?.maker.as_ref()
    }

    fn text(&self) -> Text {
        let mut out = Text::default();
        for segment in &self.path {
            out.push_literal("/");
            match segment {
                Segment::Literal(text) => out.push(text),
                Segment::Param(of) => {
                    out.push_literal(&format!("{{{}}}", of.as_deref().unwrap_or("param")));
                }
                Segment::Rest => out.push_literal("{*}"),
            }
        }
        if self.path.is_empty() {
            out.push_literal(if self.is_ended { "/" } else { "/{*}" });
        }
        out
    }

    /// Whether every request that fits another fits this one.
    fn covers(&self, other: &Self) -> bool {
        let methods = match (&self.methods, &other.methods) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(own), Some(others)) => others.iter().all(|method| own.contains(method)),
        };
        methods && self.is_socket == other.is_socket
    }

    /// Whether it is the other, met on another branch.
    fn is_same(&self, other: &Self) -> bool {
        let call = |way: &Self| way.maker().map(|maker| maker.call);
        call(self).is_some()
            && call(self) == call(other)
            && self.methods == other.methods
            && self.text() == other.text()
    }
}

struct Reader<'t, 'p> {
    trace: &'t Trace<'p>,
    /// Ways that may still be made.
    budget: Cell<usize>,
}

fn read<'p>(trace: &Trace<'p>, graph: &mut Graph<'p>) {
    let reader = Reader { trace, budget: Cell::new(MAX_MADE) };
    let mut used: BTreeSet<CallId> = BTreeSet::new();
    let mut filters: BTreeSet<CallId> = BTreeSet::new();
    let mut served: Vec<(CallId, Value<'p>)> = Vec::new();
    for (id, call) in trace.records() {
        let first = call.args.positional.first();
        if let Some(path) = call.path() {
            if is_own(path, "serve") || is_own(path, "service") {
                served.extend(first.map(|filter| (id, filter.clone())));
            } else if path.starts_with("warp::") || is_path_macro(call) {
                filters.insert(id);
            }
        } else if let Value::Method(of) = &call.callee
            && COMBINATORS.contains(&of.1.as_str())
        {
            let receivers = of.0.alternatives();
            let receivers: Vec<_> = receivers.iter().filter_map(made_by).collect();
            if receivers.iter().any(|receiver| filters.contains(receiver)) {
                filters.insert(id);
                used.extend(receivers);
                for value in call.args.positional.iter().flat_map(Value::alternatives) {
                    used.extend(made_by(&value));
                }
            }
        }
    }
    let mut known = BTreeSet::new();
    let mut roots = BTreeSet::new();
    for (id, filter) in &served {
        used.extend(filter.alternatives().iter().filter_map(made_by));
        if let Some(root) = made_by(filter)
            && !roots.insert(root)
        {
            continue;
        }
        let ways = reader.ways(filter, 0);
        reader.register(*id, ways, true, &mut known, graph);
    }
    for id in filters.difference(&used) {
        let ways = reader.ways(&Value::Native(*id), 0);
        reader.register(*id, ways, served.is_empty(), &mut known, graph);
    }
}

/// Whether a path is a function of warp's own.
fn is_own(path: &str, name: &str) -> bool {
    path.strip_prefix("warp::").is_some_and(|rest| rest == name)
}

fn is_path_macro(call: &CallRecord<'_>) -> bool {
    call.written.is_some_and(|written| written.is_macro)
        && call.path().is_some_and(|path| tail(path, 1) == "path")
}

impl<'p> Reader<'_, 'p> {
    /// The ways through a filter, in order.
    fn ways(&self, value: &Value<'p>, depth: usize) -> Vec<Way<'p>> {
        if depth > MAX_DEPTH || self.budget.get() == 0 {
            return Vec::new();
        }
        // Chains are long: they are followed to their beginning first.
        let mut chain = Vec::new();
        let mut at = value.clone();
        let mut ways = loop {
            let Some(id) = made_by(&at).filter(|_| !matches!(at, Value::Choice(_))) else {
                break match &at {
                    Value::Choice(values) => self.one_of(values, depth),
                    _ => vec![Way::extracting(Value::Unknown)],
                };
            };
            let Some(record) = self.trace.call(id) else { return Vec::new() };
            match &record.callee {
                Value::Method(of) => {
                    at = of.0.clone();
                    chain.push((id, record));
                }
                Value::External(path) => break vec![self.basic(id, path, &record)],
                _ => break vec![Way::extracting(Value::Unknown)],
            }
        };
        for (id, record) in chain.into_iter().rev() {
            ways = self.combined(ways, id, &record, depth);
            ways.truncate(MAX_WAYS);
            let spent = match record.callee {
                Value::Method(ref of) if of.1 == "or" => 1,
                _ => 1 + ways.len(),
            };
            self.budget.set(self.budget.get().saturating_sub(spent));
            if self.budget.get() == 0 {
                break;
            }
        }
        ways
    }

    /// The ways through one of several filters; what is not in each of them is conditional.
    fn one_of(&self, values: &[Value<'p>], depth: usize) -> Vec<Way<'p>> {
        let mut out: Vec<(Way<'p>, usize)> = Vec::new();
        let mut by_call: BTreeMap<Option<CallId>, Vec<usize>> = BTreeMap::new();
        for value in values {
            for way in self.ways(value, depth + 1) {
                let alike = by_call.entry(way.maker().map(|maker| maker.call)).or_default();
                match alike.iter().find(|at| out[**at].0.is_same(&way)) {
                    Some(at) => out[*at].1 += 1,
                    None => {
                        alike.push(out.len());
                        out.push((way, 1));
                    }
                }
            }
        }
        out.into_iter()
            .map(|(way, times)| Way { conditional: way.conditional || times < values.len(), ..way })
            .collect()
    }

    /// A filter that a function makes.
    fn basic(&self, id: CallId, path: &str, record: &CallRecord<'p>) -> Way<'p> {
        let first = record.args.positional.first();
        if is_path_macro(record) {
            return Self::path_macro(record);
        }
        let answering = || {
            let maker = Maker {
                call: id,
                function: None,
                place: record.place,
                args: Vec::new(),
                request: None,
            };
            let maker = Some(Rc::new(maker));
            Way { extracts: vec![Extract { maker, ..Extract::default() }], ..Way::default() }
        };
        let Some(own) = path.strip_prefix("warp::") else {
            let value = Value::Native(id);
            let layer = Layer::new(self.trace, LayerKind::Dependency, value, crates::by_types());
            return Way { layers: vec![layer], ..answering() };
        };
        let own = own.strip_prefix("filters::").unwrap_or(own);
        let module = own.split("::").next().unwrap_or(own);
        // What has the name of its module is also to be had without it.
        let name = if own.contains("::") { tail(own, 1) } else { own };
        let names_caller = || {
            let name = first.map(|name| name.to_text().to_string())?;
            is_credential(&name).then_some(name)
        };
        let needed = || names_caller().map(|name| Layer::decided(AuthState::Required, &name));
        match (module, name) {
            ("any", "any") => Way::default(),
            ("path", "path") => {
                Way { path: vec![Segment::Literal(path_text(first))], ..Way::default() }
            }
            ("path", "param" | "param2") => {
                let mut way = Way::default();
                way.param(record.args.types.first().and_then(of_type));
                way
            }
            ("path", "end") => Way { is_ended: true, ..Way::default() },
            ("path", "tail") => {
                Way { path: vec![Segment::Rest], is_ended: true, ..Way::extracting(Value::Unknown) }
            }
            (_, verb)
                if VERBS.contains(&verb)
                    && matches!(
                        module,
                        "method" | "get" | "post" | "put" | "delete" | "patch" | "head" | "options"
                    ) =>
            {
                Way::for_methods(&[verb])
            }
            ("ws", _) => Way { is_socket: true, ..Way::extracting(Value::Unknown) },
            ("header" | "cookie", "header" | "value" | "cookie") => {
                Way { layers: needed().into_iter().collect(), ..Way::extracting(Value::Unknown) }
            }
            ("header" | "cookie", "optional" | "optional_value") => match names_caller() {
                Some(_) => Way {
                    extracts: vec![Extract {
                        value: Value::Absent,
                        of_caller: true,
                        ..Extract::default()
                    }],
                    ..Way::default()
                },
                None => Way::extracting(Value::Unknown),
            },
            ("header", "exact" | "exact_ignore_case") => Way::guarded(needed()),
            ("header", "headers_cloned") => Way {
                extracts: vec![Extract {
                    value: Value::External("caller.request.headers".into()),
                    of_caller: true,
                    ..Extract::default()
                }],
                ..Way::default()
            },
            ("body", "content_length_limit") | ("host", "exact") => Way::default(),
            ("body" | "multipart", _) => Way {
                extracts: vec![Extract { is_body: true, ..Extract::default() }],
                ..Way::default()
            },
            ("fs", _) => Way { is_files: true, ..answering() },
            ("reply", "reply") => answering(),
            _ => Way::extracting(Value::Unknown),
        }
    }

    /// `path!("stations" / u32 / ..)`.
    fn path_macro(record: &CallRecord<'p>) -> Way<'p> {
        let mut way = Way { is_ended: true, ..Way::default() };
        let written = record.written.map(|call| call.args.as_slice()).unwrap_or_default();
        for (at, arg) in written.iter().enumerate() {
            let value = record.args.positional.get(at);
            match (value, last_name(&arg.value)) {
                (Some(Value::Text(text)), _) => {
                    way.path.push(Segment::Literal((**text).clone()));
                }
                (_, Some("..")) => way.is_ended = false,
                (value, name) => {
                    way.param(value.and_then(of_type).or_else(|| name.map(str::to_ascii_lowercase)))
                }
            }
        }
        way
    }

    /// What a method makes of a filter.
    fn combined(
        &self,
        mut ways: Vec<Way<'p>>,
        id: CallId,
        record: &CallRecord<'p>,
        depth: usize,
    ) -> Vec<Way<'p>> {
        let Value::Method(of) = &record.callee else { return ways };
        let first = record.args.positional.first();
        match (of.1.as_str(), first) {
            ("and", Some(other)) => {
                let others = self.ways(other, depth + 1);
                let both = ways
                    .iter()
                    .flat_map(|way| others.iter().filter_map(|other| way.and(other)))
                    .take(MAX_WAYS);
                both.collect()
            }
            ("or", Some(other)) => {
                let before = self.trace.made(&of.0).map_or(0, |made| made.conditions);
                let conditional = record.conditions > before;
                let others = self.ways(other, depth + 1).into_iter();
                ways.extend(
                    others.map(|way| Way { conditional: way.conditional || conditional, ..way }),
                );
                ways
            }
            ("map" | "then" | "and_then", Some(function)) => {
                let may_reject = of.1 == "and_then";
                for way in &mut ways {
                    self.made(way, id, function, record.place, may_reject);
                }
                ways
            }
            ("untuple_one", _) => {
                ways.iter_mut().for_each(untuple);
                ways
            }
            ("or_else", Some(function)) => {
                self.recovered(&mut ways, function);
                ways
            }
            ("with", Some(wrapping)) => {
                let wrapper = self
                    .trace
                    .made(wrapping)
                    .filter(|record| record.path().is_some_and(|path| tail(path, 1) == "wrap_fn"));
                match wrapper.and_then(|record| record.args.positional.first().cloned()) {
                    Some(function) => {
                        let args = Args::of(vec![of.0.clone()]);
                        let wrapped = self.trace.call_again(&function, args);
                        match made_by(&wrapped) {
                            Some(_) => self.ways(&wrapped, depth + 1),
                            None => ways,
                        }
                    }
                    None => ways,
                }
            }
            _ => ways,
        }
    }

    /// A function that makes one value of what was extracted.
    fn made(
        &self,
        way: &mut Way<'p>,
        call: CallId,
        function: &Value<'p>,
        place: Place,
        may_reject: bool,
    ) {
        let extracts = std::mem::take(&mut way.extracts);
        let closure = match function {
            Value::Function(closure) => Some(closure),
            _ => None,
        };
        let mut request = None;
        for (at, extract) in extracts.iter().enumerate() {
            let Some(annotation) = closure.and_then(|closure| annotation(closure, at)) else {
                continue;
            };
            if let Some(segment) = extract.segment
                && let Some(Segment::Param(of @ None)) = way.path.get_mut(segment)
            {
                *of = last_name(annotation).map(str::to_ascii_lowercase);
            }
            if extract.is_body {
                request.get_or_insert_with(|| types::written(annotation));
            }
        }
        let of_caller = extracts.iter().any(|extract| extract.of_caller);
        let args: Vec<_> = extracts.into_iter().map(|extract| extract.value).collect();
        let value = match of_caller {
            true => {
                let made = self.trace.call_again(function, Args::of(args.clone()));
                let made = opened(made, may_reject).unwrap_or_default();
                // What is made of nobody is nobody.
                if matches!(made, Value::None) { Value::Absent } else { made }
            }
            false => Value::Unknown,
        };
        if may_reject {
            let args = Args::of(args.clone());
            let layer = Layer::new(self.trace, LayerKind::Dependency, function.clone(), args);
            way.layers.push(layer);
        }
        let maker = Maker { call, function: Some(function.clone()), place, args, request };
        let maker = Some(Rc::new(maker));
        way.extracts = vec![Extract { value, of_caller, maker, ..Extract::default() }];
    }

    /// `or_else` goes on with something else where a filter rejects.
    fn recovered(&self, ways: &mut [Way<'p>], function: &Value<'p>) {
        let answer = self.trace.call_again(function, Args::of(vec![Value::Unknown]));
        let instead = match &answer {
            Value::Variant(variant) if variant.name == "Err" => return,
            Value::Variant(variant) if variant.name == "Ok" => {
                Some(variant.args.positional.first().cloned().unwrap_or_default())
            }
            _ => None,
        };
        for way in ways.iter_mut().filter(|way| way.path.is_empty() && !way.is_ended) {
            let Some(instead) = &instead else {
                way.layers.iter_mut().for_each(|layer| layer.conditional = true);
                continue;
            };
            for layer in &mut way.layers {
                // Who is let through gets the one answer, everybody else the other.
                let open = Layer::decided(AuthState::Optional, &layer.name);
                let name = layer.name.clone();
                *layer = Layer { name, ..Layer::any(vec![layer.clone(), open]) };
            }
            let items = instead.items().unwrap_or_else(|| vec![instead.clone()]);
            for (extract, value) in way.extracts.iter_mut().zip(items) {
                if extract.of_caller {
                    let is_nothing = matches!(value, Value::None);
                    extract.value = if is_nothing { Value::Absent } else { value };
                }
            }
        }
    }

    fn register(
        &self,
        id: CallId,
        ways: Vec<Way<'p>>,
        is_served: bool,
        known: &mut BTreeSet<(CallId, String, Option<Vec<String>>)>,
        graph: &mut Graph<'p>,
    ) {
        let is_only = ways.len() == 1;
        // What fits every request is there for those that fit nothing else.
        let is_route = |way: &Way<'p>| {
            !way.is_files && (is_served && is_only || !way.path.is_empty() || way.is_ended)
        };
        let mut routes: Vec<(String, Way<'p>, Rc<Maker<'p>>)> = Vec::new();
        for way in ways.into_iter().filter(is_route) {
            let Some(maker) = way.maker().map(Rc::clone) else { continue };
            routes.push((way.text().to_string(), way, maker));
        }
        let mut by_path: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (at, (path, ..)) in routes.iter().enumerate() {
            by_path.entry(path).or_default().push(at);
        }
        graph.at(id);
        let mut dropped = BTreeSet::new();
        let mut is_added = false;
        for (at, (path, way, maker)) in routes.iter().enumerate() {
            let key = (maker.call, path.clone(), way.methods.clone());
            if dropped.contains(&at) || !known.insert(key) {
                continue;
            }
            if !is_added {
                graph.add(id, NAME, Text::default());
                is_added = true;
            }
            let mut layers = way.layers.clone();
            let mut args = &maker.args;
            // The function that answers is asked by itself.
            let answers = |layer: &Layer<'p>| match (&layer.value, &maker.function) {
                (Value::Function(layer), Some(Value::Function(own))) => Rc::ptr_eq(layer, own),
                _ => false,
            };
            if layers.last().is_some_and(answers) {
                layers.pop();
            }
            let alike = by_path.get(path.as_str()).map(Vec::as_slice).unwrap_or_default();
            let later = alike.iter().skip_while(|other| **other <= at).take(MAX_LATER);
            for other in later {
                let (_, next, next_maker) = &routes[*other];
                if !next.covers(way) {
                    continue;
                }
                let is_same = next_maker.call == maker.call;
                if is_same && next.methods == way.methods {
                    dropped.insert(*other);
                    args = &next_maker.args;
                }
                let mut beyond = next.layers.clone();
                if beyond.last().is_some_and(answers) {
                    beyond.pop();
                }
                layers = either(&layers, &beyond, next.conditional);
            }
            self.route(id, way, maker, (layers, args), graph);
        }
        if is_added && is_served {
            graph.serves(id);
        }
    }

    fn route(
        &self,
        router: CallId,
        way: &Way<'p>,
        maker: &Maker<'p>,
        (layers, args): (Vec<Layer<'p>>, &[Value<'p>]),
        graph: &mut Graph<'p>,
    ) {
        let endpoint = crates::endpoint(self.trace, maker.function.as_ref(), maker.place, &[]);
        let Endpoint { handler, response, request, .. } = endpoint;
        let methods = match way.is_socket {
            true => vec!["WS".to_owned()],
            false => way.methods.clone().unwrap_or_default(),
        };
        let registration = Registration {
            layers,
            args: Args::of(args.to_vec()),
            request: request.or_else(|| maker.request.clone()),
            response,
            conditional: way.conditional,
            ..Registration::new((methods, true), way.text(), handler)
        };
        graph.route(router, registration);
    }
}

/// What stands before a request that is handed on to a second row of layers where the first
/// rejects it.
fn either<'p>(first: &[Layer<'p>], second: &[Layer<'p>], conditional: bool) -> Vec<Layer<'p>> {
    if conditional {
        return first.iter().map(|layer| Layer { conditional: true, ..layer.clone() }).collect();
    }
    let mut out = Vec::new();
    for layer in first.iter().take(MAX_LATER) {
        if second.is_empty() {
            // Who is let through gets the one answer, everybody else the other.
            let open = Layer::decided(AuthState::Optional, &layer.name);
            let name = layer.name.clone();
            out.push(Layer { name, ..Layer::any(vec![layer.clone(), open]) });
        }
        for other in second.iter().take(MAX_LATER) {
            out.push(Layer::any(vec![layer.clone(), other.clone()]));
        }
    }
    out
}

/// The parts of a tuple, one by one.
fn untuple(way: &mut Way<'_>) {
    let Some(whole) = way.extracts.pop() else { return };
    let parts = whole.value.items().unwrap_or_default();
    if parts.is_empty()
        && let Some(layer) = way.layers.last_mut()
    {
        // Nothing of what it saw goes on: whoever is let in is everybody.
        layer.kind = match layer.kind {
            LayerKind::Dependency => LayerKind::Lookup,
            other => other,
        };
    }
    way.extracts.extend(parts.into_iter().map(|value| Extract {
        value,
        of_caller: whole.of_caller,
        ..Extract::default()
    }));
}

/// What a result carries; `None` for an error.
fn opened<'p>(value: Value<'p>, is_result: bool) -> Option<Value<'p>> {
    match &value {
        Value::Variant(variant) if is_result && variant.name == "Ok" => {
            variant.args.positional.first().cloned()
        }
        Value::Variant(variant) if is_result && variant.name == "Err" => None,
        _ => Some(value),
    }
}

/// The name of a type that a parameter is read as.
fn of_type(value: &Value<'_>) -> Option<String> {
    let name = type_name(value);
    (!name.is_empty() && name != "_").then(|| name.to_ascii_lowercase())
}

/// The type of a parameter.
fn annotation<'p>(closure: &Closure<'p>, at: usize) -> Option<&'p Expr> {
    closure.function.params.get(at)?.annotation.as_ref()
}
