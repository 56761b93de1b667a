//! Tornado: lists of patterns and handler classes, given to an application in any shape.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::{Framework, Matching, classes};
use crate::eval::interpreter::Trace;
use crate::eval::text::Text;
use crate::eval::value::{
    Args, BASE, CallId, CallRecord, ClassValue, Closure, FileId, Place, Value,
};
use crate::inventory::routes::caller::values;
use crate::inventory::routes::graph::{
    Graph, Handler, Layer, LayerKind, Registration, made_by, path_text,
};
use crate::inventory::routes::wrapping::open;
use crate::inventory::routes::{pattern, regex};
use crate::module::path::last_name;
use crate::module::visit::{Visitor, Walk, walk_block};
use crate::module::{Expr, ExprKind, TextPart};
use crate::source::Language;

/// Tornado.
pub(super) const TORNADO: Framework = Framework {
    name: NAME,
    languages: &[Language::Python],
    packages: &["tornado"],
    needs: &["tornado", "RequestHandler", ".add_handlers(", "URLSpec"],
    fixtures: &["tornado"],
    matching: Matching::First,
    has_user_object: false,
    read,
    path: pattern::braces,
};

const NAME: &str = "tornado";

/// What a handler may answer.
const VERBS: &[&str] = &["get", "post", "put", "patch", "delete", "head", "options"];

/// The deepest nesting of lists of rules.
const MAX_NESTING: usize = 8;

fn read<'p>(trace: &Trace<'p>, graph: &mut Graph<'p>) {
    let mut reader = Reader { trace, graph, placed: BTreeSet::new() };
    let mut last = CallId::default();
    for (id, call) in trace.records() {
        if call.path().is_some_and(is_application) {
            reader.graph.add_application(id, NAME, call);
        }
        last = id;
    }
    for (id, call) in trace.records() {
        if let Some((receiver, "add_handlers" | "add_rules")) = call.method()
            && reader.graph.router(receiver, NAME).is_some()
            && let Some(app) = trace.call(receiver)
            && let Some(rules) = call.args.get(1, "host_handlers")
        {
            reader.graph.at(id);
            let settings = settings(&app);
            reader.rules(receiver, rules, call, &settings, 0);
        }
    }
    // What was added for a host is tried before what an application is made with.
    reader.graph.at(last);
    for (id, call) in trace.records() {
        if call.path().is_some_and(is_application)
            && let Some(rules) = call.args.get(0, "handlers").or(call.args.keyword("rules"))
        {
            reader.rules(id, rules, call, &settings(call), 0);
        }
    }
    reader.lists_that_no_application_has();
}

fn is_application(path: &str) -> bool {
    matches!(
        path,
        "tornado.web.Application"
            | "tornado.routing.RuleRouter"
            | "tornado.routing.ReversibleRuleRouter"
    )
}

/// The settings of an application, as its handlers see them.
fn settings<'p>(app: &CallRecord<'p>) -> Value<'p> {
    let named = app.args.named.iter();
    let mut out: Vec<_> = named.map(|(name, value)| (Value::text(name), value.clone())).collect();
    // Wherever it is, it is where callers log in.
    if app.args.keyword("login_url").and_then(Value::as_str).is_none() {
        out.push((Value::text("login_url"), Value::text("/login")));
    }
    Value::map(out)
}

struct Reader<'r, 't, 'p> {
    trace: &'t Trace<'p>,
    graph: &'r mut Graph<'p>,
    /// Handler classes that some application has.
    placed: BTreeSet<Place>,
}

/// A pattern and what answers for it.
struct Rule<'p> {
    router: CallId,
    /// The pattern as it may be; nothing where only the host decides.
    pattern: Option<Value<'p>>,
    /// What the handler is initialised with.
    kwargs: Option<Value<'p>>,
    name: Option<String>,
    place: Place,
    conditional: bool,
    settings: Value<'p>,
}

impl<'p> Reader<'_, '_, 'p> {
    /// Rules in whatever shape: a list of rules, a rule as a tuple or as an object.
    fn rules(
        &mut self,
        router: CallId,
        rules: &Value<'p>,
        call: &CallRecord<'p>,
        settings: &Value<'p>,
        depth: usize,
    ) {
        if depth > MAX_NESTING {
            return;
        }
        match rules {
            Value::List(items) => {
                let items = items.borrow().clone();
                let conditional = call.conditional || self.trace.is_perhaps(rules);
                let call = CallRecord { conditional, ..call.clone() };
                if self.is_rule(&items) {
                    self.rule(router, &items, &call, settings, depth);
                } else {
                    for item in &items {
                        self.rules(router, item, &call, settings, depth + 1);
                    }
                }
            }
            Value::Choice(values) => {
                let call = CallRecord { conditional: true, ..call.clone() };
                for value in values.iter() {
                    self.rules(router, value, &call, settings, depth + 1);
                }
            }
            Value::Native(_) | Value::Object(_) => {
                let Some(made) = made_by(rules).and_then(|id| self.trace.call(id)) else { return };
                if made.path().is_some_and(is_rule_class) {
                    let args = &made.args;
                    let get = |at, names: &[&str]| {
                        names
                            .iter()
                            .find_map(|name| args.keyword(name))
                            .or(args.positional.get(at))
                            .cloned()
                            .unwrap_or(Value::None)
                    };
                    let items = [
                        get(0, &["pattern", "matcher"]),
                        get(1, &["handler", "target"]),
                        get(2, &["kwargs", "target_kwargs"]),
                        get(3, &["name"]),
                    ];
                    let conditional = call.conditional || made.conditional;
                    let call = CallRecord { conditional, ..(*made).clone() };
                    self.rule(router, &items, &call, settings, depth);
                }
            }
            _ => {}
        }
    }

    /// Whether a tuple is a rule, and no list of rules.
    fn is_rule(&self, items: &[Value<'p>]) -> bool {
        let [first, _, ..] = items else { return false };
        match first {
            Value::Text(_) => true,
            Value::Choice(values) => values.iter().any(|value| matches!(value, Value::Text(_))),
            Value::Native(_) => self.matcher(first).is_some(),
            _ => false,
        }
    }

    /// The name and the argument of `PathMatches("/x")` and its kin.
    fn matcher(&self, value: &Value<'p>) -> Option<(String, Option<Value<'p>>)> {
        let made = self.trace.made(value)?;
        let name = made.path()?.strip_prefix("tornado.routing.")?;
        let first = made.args.positional.first().cloned();
        name.ends_with("Matches").then(|| (name.to_owned(), first))
    }

    fn rule(
        &mut self,
        router: CallId,
        items: &[Value<'p>],
        call: &CallRecord<'p>,
        settings: &Value<'p>,
        depth: usize,
    ) {
        let [first, target, rest @ ..] = items else { return };
        let pattern = match self.matcher(first) {
            Some((name, pattern)) => pattern.filter(|_| name == "PathMatches"),
            None => Some(first.clone()),
        };
        let rule = Rule {
            router,
            pattern,
            kwargs: rest.first().filter(|value| matches!(value, Value::Map(_))).cloned(),
            name: rest.iter().find_map(Value::as_str).map(str::to_owned),
            place: call.place,
            conditional: call.conditional,
            settings: settings.clone(),
        };
        let alternatives = target.alternatives();
        let conditional = rule.conditional || alternatives.len() > 1;
        let rule = Rule { conditional, ..rule };
        for target in alternatives {
            self.target(&rule, &target, call, depth);
        }
    }

    fn target(&mut self, rule: &Rule<'p>, target: &Value<'p>, call: &CallRecord<'p>, depth: usize) {
        let router = rule.router;
        match target {
            Value::Class(class) => self.handler(rule, class),
            Value::Text(text) => {
                let named =
                    text.as_literal().and_then(|path| self.trace.dotted(call.place.file, path));
                match named {
                    Some(Value::Class(class)) => self.handler(rule, &class),
                    _ => self.unknown(rule, None),
                }
            }
            // Nested rules see the whole path.
            Value::List(_) => self.rules(router, target, call, &rule.settings, depth + 1),
            Value::External(path) => self.library(rule, path),
            _ => {
                let app = made_by(target).filter(|id| self.graph.router(*id, NAME).is_some());
                match app {
                    Some(app) => {
                        self.graph.mount(router, app, Text::default(), rule.conditional);
                    }
                    None => self.unknown(rule, None),
                }
            }
        }
    }

    /// A handler of a library.
    fn library(&mut self, rule: &Rule<'p>, path: &str) {
        match path {
            // Files are no routes of the program's.
            "tornado.web.StaticFileHandler" | "tornado.web.ErrorHandler" => {}
            "tornado.web.RedirectHandler" => self.unknown(rule, Some(&["GET"])),
            _ => self.unknown(rule, None),
        }
    }

    /// A rule whose handler is none of the program's; without methods they are not known.
    fn unknown(&mut self, rule: &Rule<'p>, methods: Option<&[&str]>) {
        let known = methods.is_some();
        let methods = methods.unwrap_or_default().iter().map(|method| (*method).to_owned());
        let methods: Vec<String> = methods.collect();
        let place = self.written(rule).unwrap_or(rule.place);
        let handler = Handler::of(None, place);
        let registration = Registration::new((methods, known), Text::default(), handler);
        self.register(rule, &registration, &[]);
    }

    /// Where a rule is written whose handler is a library's: the list that holds it may be rewritten
    /// on its way to the application.
    fn written(&self, rule: &Rule<'p>) -> Option<Place> {
        let pattern = path_text(rule.pattern.as_ref()).to_string();
        let files = self.trace.program.ids().filter(|file| *file != rule.place.file);
        [rule.place.file].into_iter().chain(files).find_map(|file| {
            let module = self.trace.program.file(file).module;
            if module.language != Language::Python {
                return None;
            }
            let mut found = Written { pattern: &pattern, file, place: None };
            walk_block(&mut found, &module.body);
            found.place
        })
    }

    /// A class of the program: a route for each method that it or a base in the program has.
    fn handler(&mut self, rule: &Rule<'p>, class: &Rc<ClassValue<'p>>) {
        self.placed.insert(place_of(class));
        let is_socket = classes::is_of(class, |path| path.ends_with("WebSocketHandler"));
        let verbs: Vec<&str> = if is_socket {
            vec!["ws"]
        } else {
            let has = |verb: &&&str| is_defined(class, verb);
            let verbs: Vec<&str> = VERBS.iter().filter(has).copied().collect();
            // A class that only prepares answers there, whatever the method.
            let prepares = class.env.vars.borrow().contains_key("prepare");
            if prepares && verbs == ["options"] { Vec::new() } else { verbs }
        };
        if verbs.is_empty() {
            self.answered_by_bases(rule, class);
        }
        for verb in verbs {
            let instance = self.instance(rule, class);
            let layers = self.gates(&instance, class, is_socket);
            let answers = if is_socket { socket_method(class) } else { verb };
            let Some(view) = classes::method(self.trace, &instance, answers) else {
                let handler = Handler::of_class(class);
                let methods = (vec![verb.to_ascii_uppercase()], true);
                let registration =
                    Registration { layers, ..Registration::new(methods, Text::default(), handler) };
                self.register(rule, &registration, &[]);
                continue;
            };
            let args = Args { positional: vec![instance.clone()], ..open() };
            let unwrapped = classes::unwrap(self.trace, &view, &args, |_| false);
            let handler = match &unwrapped.view {
                Value::Function(_) => {
                    let handler = Handler::of(Some(&unwrapped.view), rule.place);
                    classes::named_in(handler, class, answers)
                }
                _ => Handler::of_class(class),
            };
            let names = handler.function.as_deref().map(names).unwrap_or_default();
            let mut layers = layers;
            layers.extend(unwrapped.layers);
            let registration = Registration {
                layers,
                args: open(),
                metadata: unwrapped.notes,
                ..Registration::new(
                    (vec![verb.to_ascii_uppercase()], true),
                    Text::default(),
                    handler,
                )
            };
            self.register(rule, &registration, &names);
        }
    }

    /// A class without a method of its own: its bases answer, or what it does before any answer.
    fn answered_by_bases(&mut self, rule: &Rule<'p>, class: &Rc<ClassValue<'p>>) {
        let is = |name: &str| classes::is_of(class, |path| path.ends_with(name));
        let methods = if is("StaticFileHandler") || is("RedirectHandler") {
            (vec!["GET".to_owned()], true)
        } else {
            // The plain handler answers nothing by itself.
            let plain = class.ancestry().1.iter().all(|path| path == "tornado.web.RequestHandler");
            (Vec::new(), plain)
        };
        let handler = Handler::of_class(class);
        let mut layers = Vec::new();
        if !methods.0.is_empty() {
            let instance = self.instance(rule, class);
            layers = self.gates(&instance, class, false);
        }
        let registration =
            Registration { layers, ..Registration::new(methods, Text::default(), handler) };
        self.register(rule, &registration, &[]);
    }

    /// A handler as it is when a request comes: initialised, with the application's settings.
    fn instance(&self, rule: &Rule<'p>, class: &Rc<ClassValue<'p>>) -> Value<'p> {
        let fields = [(BASE, values::page()), ("settings", rule.settings.clone())];
        let instance = classes::instance(self.trace, class, &fields);
        if let Some(initialize) = classes::method(self.trace, &instance, "initialize") {
            let named = rule.kwargs.as_ref().map(Value::keywords).unwrap_or_default();
            self.trace.call_with(&initialize, Args { named, ..Args::default() });
        }
        instance
    }

    /// What runs before any answer of a handler.
    fn gates(
        &self,
        instance: &Value<'p>,
        class: &Rc<ClassValue<'p>>,
        is_socket: bool,
    ) -> Vec<Layer<'p>> {
        // A socket begins as a request to `get`, which hands on to the library's.
        let names: &[&str] = if is_socket { &["prepare", "get"] } else { &["prepare"] };
        let mut out = Vec::new();
        for name in names {
            if let Some(gate) = classes::method(self.trace, instance, name) {
                let args = if *name == "get" { open() } else { Args::default() };
                let layer = Layer::new(self.trace, LayerKind::Hook, gate, args);
                out.push(classes::gate(layer, class, name));
            }
        }
        out
    }

    fn register(&mut self, rule: &Rule<'p>, registration: &Registration<'p>, names: &[String]) {
        // What is chosen by the host alone has every path.
        let patterns =
            rule.pattern.as_ref().map_or_else(|| vec![Value::text("/(.*)")], Value::alternatives);
        for pattern in &patterns {
            for path in paths(&pattern.to_text(), names) {
                self.graph.route(
                    rule.router,
                    Registration {
                        path,
                        name: rule.name.clone(),
                        conditional: rule.conditional
                            || registration.conditional
                            || patterns.len() > 1,
                        ..registration.clone()
                    },
                );
            }
        }
    }

    /// Rules that modules hold in lists and that no application has got.
    fn lists_that_no_application_has(&mut self) {
        let mut router = None;
        for file in self.trace.program.ids() {
            if self.trace.program.file(file).module.language != Language::Python {
                continue;
            }
            let vars: Vec<_> = self.trace.module(file).vars.borrow().values().cloned().collect();
            for value in vars {
                let Value::List(items) = &value else { continue };
                let items = items.borrow().clone();
                for item in &items {
                    let Some(parts) = item.items().filter(|parts| self.is_rule(parts)) else {
                        continue;
                    };
                    let [Value::Text(_), Value::Class(class), ..] = parts.as_slice() else {
                        continue;
                    };
                    if self.placed.contains(&place_of(class)) || !is_handler(class) {
                        continue;
                    }
                    let graph = &mut *self.graph;
                    let router =
                        *router.get_or_insert_with(|| graph.add_uncalled(NAME, Text::default()));
                    let rule = Rule {
                        router,
                        pattern: Some(parts[0].clone()),
                        kwargs: parts
                            .get(2)
                            .filter(|value| matches!(value, Value::Map(_)))
                            .cloned(),
                        name: None,
                        place: place_of(class),
                        conditional: false,
                        settings: Value::Unknown,
                    };
                    // Several lists may hold one handler, so it stays open whether others come.
                    let class = Rc::clone(class);
                    let placed = self.placed.clone();
                    self.handler(&rule, &class);
                    self.placed = placed;
                }
            }
        }
    }
}

fn is_rule_class(path: &str) -> bool {
    matches!(
        path,
        "tornado.web.url"
            | "tornado.web.URLSpec"
            | "tornado.routing.URLSpec"
            | "tornado.routing.Rule"
    )
}

fn is_handler(class: &Rc<ClassValue<'_>>) -> bool {
    classes::is_of(class, |path| path.starts_with("tornado.") || path.ends_with("Handler"))
}

fn place_of(class: &ClassValue<'_>) -> Place {
    Place { file: class.env.file, span: class.class.name_span }
}

/// Whether a class or a base in the program defines a method, and not as one that is not answered.
fn is_defined(class: &Rc<ClassValue<'_>>, name: &str) -> bool {
    class.attribute(name).is_some_and(|(value, _)| {
        !matches!(value, Value::None)
            && !matches!(&value, Value::External(path) if path.ends_with("_unimplemented_method"))
    })
}

/// The method of a socket that a reader looks for.
fn socket_method(class: &Rc<ClassValue<'_>>) -> &'static str {
    ["open", "on_message", "get"]
        .into_iter()
        .find(|name| matches!(class.attribute(name), Some((Value::Function(_), _))))
        .unwrap_or("open")
}

/// The names of a method's parameters, after `self`.
fn names(function: &Closure<'_>) -> Vec<String> {
    let params = function.function.params.iter().skip(1);
    let named = params.filter(|param| !param.rest && !param.keyword_rest);
    named.filter_map(|param| last_name(&param.target).map(str::to_owned)).collect()
}

/// The paths that a pattern stands for.
fn paths(pattern: &Text, names: &[String]) -> Vec<Text> {
    regex::over(pattern, |raw| regex::paths(raw, names))
}

/// Looks for a tuple or a call that holds a pattern, or its end, and a handler.
struct Written<'m> {
    pattern: &'m str,
    file: FileId,
    place: Option<Place>,
}

impl<'m> Visitor<'m> for Written<'_> {
    fn enter_expr(&mut self, expr: &'m Expr) -> Walk {
        let first = match &expr.kind {
            ExprKind::List(items) if items.len() > 1 => items.first(),
            ExprKind::Call(call) if call.args.len() > 1 => call.args.first().map(|arg| &arg.value),
            _ => None,
        };
        if let Some(first) = first
            && let ExprKind::Text(parts) = &first.kind
            && let [.., TextPart::Literal(last)] = parts.as_slice()
            && !last.is_empty()
            && self.pattern.ends_with(last.as_str())
            && self.place.is_none()
        {
            self.place = Some(Place { file: self.file, span: expr.span });
        }
        Walk::Into
    }
}
