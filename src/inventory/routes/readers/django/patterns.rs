//! Lists of patterns, which include each other.

use std::collections::BTreeSet;
use std::rc::Rc;

use smol_str::SmolStr;

use super::ninja::Ninja;
use super::paths;
use super::routers::Registry;
use crate::eval::interpreter::Trace;
use crate::eval::link::Target;
use crate::eval::text::Text;
use crate::eval::value::{CallId, CallRecord, FileId, Place, Value};
use crate::inventory::routes::AuthState;
use crate::inventory::routes::graph::{Graph, Handler, Layer, Opaque, Registration, made_by};

/// The deepest nesting of lists and modules.
const MAX_NESTING: usize = 24;
/// The most patterns that are followed on all ways together.
const MAX_PATTERNS: usize = 50_000;
/// The longest path.
const MAX_PATH: usize = 2_000;

/// Follows the patterns of one site.
pub(super) struct Walk<'w, 't, 'p> {
    pub trace: &'t Trace<'p>,
    pub graph: &'w mut Graph<'p>,
    router: CallId,
    /// The settings of the site.
    pub settings: Option<FileId>,
    /// Whether a middleware asks for a login wherever a view does not say otherwise.
    pub needs_login: bool,
    pub met: Met,
    pub registry: Rc<Registry>,
    pub ninja: Rc<Ninja>,
    left: usize,
}

/// What was met on the way.
#[derive(Default)]
pub(super) struct Met {
    /// Where the calls stand that made patterns.
    pub patterns: BTreeSet<Place>,
    /// The modules of patterns.
    pub modules: BTreeSet<FileId>,
    /// The routers of REST framework, the routers and APIs of django-ninja.
    pub routers: BTreeSet<CallId>,
    /// The controllers of django-ninja-extra.
    pub controllers: BTreeSet<SmolStr>,
}

/// The way to a list of patterns.
#[derive(Clone)]
pub(super) struct Way<'p> {
    pub prefix: Text,
    pub layers: Vec<Layer<'p>>,
    pub conditional: bool,
    /// The namespaces around, outermost first.
    pub names: Vec<String>,
    /// The namespace that the next patterns are included in, in place of their own.
    pub namespace: Option<String>,
    /// Whether what is registered here answers longer paths, too.
    pub takes_longer: bool,
    /// The call that makes the pattern which registers.
    pub at: Option<CallId>,
}

impl Way<'_> {
    /// Where a site begins.
    pub(super) fn start() -> Self {
        Self {
            prefix: Text::literal("/"),
            layers: Vec::new(),
            conditional: false,
            names: Vec::new(),
            namespace: None,
            takes_longer: false,
            at: None,
        }
    }

    /// The way on to patterns that are included, in a namespace of the inclusion or of their own.
    fn within(&self, own: Option<&str>) -> Self {
        let mut out = self.clone();
        out.names.extend(out.namespace.take().or_else(|| own.map(str::to_owned)));
        out
    }

    /// The way on to what is included under a name.
    fn called(mut self, name: Option<&str>) -> Self {
        self.namespace = self.namespace.or_else(|| name.map(str::to_owned));
        self
    }

    /// The way on under a path.
    pub(super) fn under(&self, path: &Text, conditional: bool) -> Self {
        let mut out = Self { takes_longer: false, at: None, ..self.clone() };
        out.prefix.push(path);
        out.conditional |= conditional;
        out
    }
}

/// What answers at a pattern.
#[derive(Clone)]
pub(super) struct Row<'p> {
    pub registration: Registration<'p>,
    /// Whether it says that it needs no login.
    pub is_exempt: bool,
}

impl<'w, 't, 'p> Walk<'w, 't, 'p> {
    pub(super) fn new(
        trace: &'t Trace<'p>,
        graph: &'w mut Graph<'p>,
        router: CallId,
        registry: &Rc<Registry>,
        ninja: &Rc<Ninja>,
        met: Met,
    ) -> Self {
        Self {
            trace,
            graph,
            router,
            settings: None,
            needs_login: false,
            met,
            registry: Rc::clone(registry),
            ninja: Rc::clone(ninja),
            left: MAX_PATTERNS,
        }
    }

    /// Takes a step; false where there were too many.
    pub(super) fn spend(&mut self) -> bool {
        self.left = self.left.saturating_sub(1);
        self.left > 0
    }

    /// The patterns of a module.
    pub(super) fn module(&mut self, file: FileId, way: &Way<'p>, depth: usize) {
        self.met.modules.insert(file);
        let patterns = self.trace.member(file, "urlpatterns");
        let own = self.trace.member(file, "app_name");
        self.patterns(&patterns, &way.within(own.as_str()), depth);
    }

    /// Whether some of a module's patterns were met, though nobody includes the module.
    pub(super) fn has_met(&self, file: FileId) -> bool {
        let items = self.trace.member(file, "urlpatterns").items().unwrap_or_default();
        items.iter().any(|item| {
            self.trace.made(item).is_some_and(|record| self.met.patterns.contains(&record.place))
        })
    }

    /// Patterns in whatever shape.
    pub(super) fn patterns(&mut self, value: &Value<'p>, way: &Way<'p>, depth: usize) {
        if depth > MAX_NESTING || self.left == 0 || way.prefix.len() > MAX_PATH {
            return;
        }
        self.left -= 1;
        match value {
            Value::List(items) => {
                let items = items.borrow().clone();
                for item in &items {
                    self.patterns(item, way, depth + 1);
                }
            }
            Value::Choice(values) => {
                let way = way.under(&Text::default(), true);
                for value in values.iter() {
                    self.patterns(value, &way, depth + 1);
                }
            }
            Value::Native(_) => {
                if let Some(record) = self.trace.made(value) {
                    self.call(value, &record, way, depth);
                }
            }
            Value::Method(method) if method.1 == "urls" => self.own_patterns(&method.0, way),
            Value::Module(file) => self.module(*file, way, depth + 1),
            _ => {}
        }
    }

    /// What something has that makes its own patterns: an API, or a router.
    fn own_patterns(&mut self, value: &Value<'p>, way: &Way<'p>) {
        if !self.ninja_api(value, way) {
            self.router(value, way);
        }
    }

    /// What a call gave that stands in a list of patterns.
    fn call(&mut self, value: &Value<'p>, record: &CallRecord<'p>, way: &Way<'p>, depth: usize) {
        let Some(path) = record.path() else { return };
        match path {
            "django.conf.urls.i18n.i18n_patterns" => {
                self.met.patterns.insert(record.place);
                let way = way.under(&Text::literal("{language}/"), record.conditional);
                for pattern in &record.args.positional {
                    self.patterns(pattern, &way, depth + 1);
                }
            }
            "rest_framework.urlpatterns.format_suffix_patterns" => {
                if let Some(patterns) = record.args.get(0, "urlpatterns") {
                    self.patterns(patterns, way, depth + 1);
                }
            }
            path if is_include(path) => self.include(value, record, way, depth + 1),
            path => {
                if let Some(is_regex) = pattern_syntax(path) {
                    self.pattern(value, record, is_regex, way, depth);
                }
            }
        }
    }

    /// `path(route, view, kwargs, name)` and its kin.
    fn pattern(
        &mut self,
        value: &Value<'p>,
        record: &CallRecord<'p>,
        is_regex: bool,
        way: &Way<'p>,
        depth: usize,
    ) {
        self.met.patterns.insert(record.place);
        let route = record.args.get(0, if is_regex { "regex" } else { "route" });
        let routes = route.map_or_else(|| vec![Value::Unknown], Value::alternatives);
        let Some(view) = record.args.get(1, "view").cloned() else { return };
        let name = record.args.get(3, "name").and_then(Value::as_str).map(str::to_owned);
        let view = self.replaced(value, view);
        let views = view.alternatives();
        let conditional = record.conditional || views.len() > 1 || routes.len() > 1;
        for view in &views {
            let is_end = !self.is_list(view);
            for route in &routes {
                let raw = paths::text(self.trace, route);
                let texts = if is_regex { paths::regexes(&raw) } else { vec![paths::angles(&raw)] };
                for text in &texts {
                    let mut way = way.under(text, conditional);
                    if is_end {
                        way.takes_longer = is_regex && !paths::is_closed(&raw);
                        way.at = made_by(value);
                        self.view(view, record, name.as_ref(), &way);
                    } else {
                        self.include(view, record, &way, depth + 1);
                    }
                }
            }
        }
    }

    /// The view of a pattern, which the program may have replaced since:
    /// `pattern.callback = login_required(pattern.callback)`.
    fn replaced(&self, pattern: &Value<'p>, view: Value<'p>) -> Value<'p> {
        match self.trace.attribute(pattern, "callback") {
            Value::Method(_) | Value::Unknown => view,
            replaced => replaced,
        }
    }

    /// Whether what stands for a view is more patterns.
    fn is_list(&self, view: &Value<'p>) -> bool {
        match view {
            Value::List(_) | Value::Module(_) => true,
            Value::Native(_) => {
                let made = self.trace.made(view);
                made.is_some_and(|record| record.path().is_some_and(is_include))
            }
            Value::Method(method) => method.1 == "urls",
            Value::External(path) => path.ends_with(".urls"),
            _ => false,
        }
    }

    /// Patterns that a pattern includes.
    fn include(&mut self, value: &Value<'p>, record: &CallRecord<'p>, way: &Way<'p>, depth: usize) {
        if depth > MAX_NESTING {
            return;
        }
        match value {
            Value::Native(_) => {
                let Some(made) = self.trace.made(value) else { return };
                if made.path().is_some_and(is_include) {
                    self.met.patterns.insert(made.place);
                    if let Some(target) = made.args.get(0, "arg").or(made.args.keyword("module")) {
                        let name = made.args.get(1, "namespace").and_then(Value::as_str);
                        let way = way.under(&Text::default(), made.conditional).called(name);
                        self.include(target, &made, &way, depth + 1);
                    }
                } else {
                    self.patterns(value, &way.within(None), depth + 1);
                }
            }
            Value::Text(text) => match text.as_literal() {
                Some(name) => self.named(name, record.place, way, depth),
                None => self.unknown(record, way),
            },
            Value::Module(file) => self.module(*file, way, depth + 1),
            Value::Choice(values) => {
                let way = way.under(&Text::default(), true);
                for value in values.iter() {
                    self.include(value, record, &way, depth + 1);
                }
            }
            Value::External(path) if path.ends_with("admin.site.urls") => self.admin(way, depth),
            // `include(("app.urls", "app"))`
            Value::List(items) if matches!(items.borrow().first(), Some(Value::Text(_))) => {
                let first = items.borrow().first().cloned().unwrap_or_default();
                let name = items.borrow().get(1).and_then(|name| name.as_str().map(str::to_owned));
                self.include(&first, record, &way.clone().called(name.as_deref()), depth + 1);
            }
            // A list of patterns, perhaps with the name of an application behind it.
            Value::List(items) => {
                let name = items.borrow().get(1).and_then(|name| name.as_str().map(str::to_owned));
                self.patterns(value, &way.within(name.as_deref()), depth + 1);
            }
            Value::Method(_) => self.patterns(value, &way.within(None), depth + 1),
            _ => {}
        }
    }

    /// A module by its dotted name; those of libraries have their own routes.
    fn named(&mut self, name: &str, at: Place, way: &Way<'p>, depth: usize) {
        let from = at.file;
        if let Target::File(file) = self.trace.resolve(from, name) {
            self.module(file, way, depth + 1);
            return;
        }
        match self.trace.dotted(from, name) {
            Some(Value::Module(file)) => self.module(file, way, depth + 1),
            Some(patterns @ Value::List(_)) => {
                self.patterns(&patterns, &way.within(None), depth + 1);
            }
            _ => {
                let path = way.prefix.clone();
                self.graph.opaque(self.router, Opaque { path, place: at, is_certain: true });
            }
        }
    }

    /// Patterns that nobody knows.
    fn unknown(&mut self, record: &CallRecord<'p>, way: &Way<'p>) {
        let way = way.under(&Text::hole(""), record.conditional);
        let handler = Handler::of(None, record.place);
        let registration = Registration::new((Vec::new(), false), Text::default(), handler);
        self.register(&Row { registration, is_exempt: true }, None, &way);
    }

    /// What answers at a path.
    fn view(
        &mut self,
        view: &Value<'p>,
        record: &CallRecord<'p>,
        name: Option<&String>,
        way: &Way<'p>,
    ) {
        for row in self.rows(view, record.place) {
            self.register(&row, name, way);
        }
    }

    pub(super) fn register(&mut self, row: &Row<'p>, name: Option<&String>, way: &Way<'p>) {
        let mut layers = way.layers.clone();
        if self.needs_login && !row.is_exempt {
            layers.push(Layer::decided(AuthState::Required, "LoginRequiredMiddleware"));
        }
        layers.extend(row.registration.layers.iter().cloned());
        let registration = Registration {
            path: way.prefix.clone(),
            layers,
            name: name.map(|name| {
                let parts = way.names.iter().chain([name]).map(String::as_str);
                parts.collect::<Vec<_>>().join(":")
            }),
            conditional: way.conditional || row.registration.conditional,
            takes_longer: way.takes_longer,
            at: way.at.or(row.registration.at),
            ..row.registration.clone()
        };
        self.graph.route(self.router, registration);
    }
}

/// Whether a function includes patterns.
pub(super) fn is_include(path: &str) -> bool {
    matches!(path, "django.urls.include" | "django.conf.urls.include" | "django.urls.conf.include")
}

/// Whether the paths of a function that makes patterns are regular expressions; `None` for other
/// functions.
pub(super) fn pattern_syntax(path: &str) -> Option<bool> {
    match path {
        "django.urls.path" | "django.urls.conf.path" => Some(false),
        "django.urls.re_path"
        | "django.urls.conf.re_path"
        | "django.conf.urls.url"
        | "django.conf.urls.re_path" => Some(true),
        _ => None,
    }
}
