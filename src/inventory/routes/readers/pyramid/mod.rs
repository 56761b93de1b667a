//! Pyramid: configurators, what is included below prefixes, routes and the views that answer them,
//! permissions, tweens; and the services of Cornice.

mod cornice;
mod library;
mod permissions;
mod scans;
mod views;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

pub(super) use self::library::LIBRARY;
use self::permissions::Policy;
use self::scans::Scan;
use self::views::View;
use super::{Framework, Matching, classes};
use crate::eval::interpreter::Trace;
use crate::eval::text::{Part, Text};
use crate::eval::value::{Args, CallId, CallRecord, ClassValue, Env, FileId, Value};
use crate::inventory::routes::caller::values;
use crate::inventory::routes::graph::{Graph, Layer, LayerKind, path_text};
use crate::inventory::routes::pattern::{self, Shape};
use crate::inventory::routes::wrapping::open;
use crate::source::Language;

/// Pyramid.
pub(super) const PYRAMID: Framework = Framework {
    name: NAME,
    languages: &[Language::Python],
    packages: &["pyramid", "cornice"],
    // The last is what decorators of the program's own are given, in files that import nothing else.
    needs: &["pyramid", "cornice", "venusian", ".add_route(", ".add_view(", "route_name="],
    fixtures: &["pyramid"],
    matching: Matching::First,
    has_user_object: false,
    read,
    path,
};

const NAME: &str = "pyramid";

/// `/users/{id}`, `/users/{id:\d+}`, `/files/*rest`, and `/users/:id` of older versions.
fn path(raw: &str) -> Shape {
    if !raw.contains('{') && raw.contains("/:") {
        return pattern::colons(raw);
    }
    // A star is the rest where it is not part of an expression.
    match raw.rsplit_once('*') {
        Some((before, name)) if !name.contains(['}', '/']) => {
            pattern::braces(&format!("{before}{{{name}:path}}"))
        }
        _ => pattern::braces(raw),
    }
}

fn read<'p>(trace: &Trace<'p>, graph: &mut Graph<'p>) {
    let mut reader = Reader {
        trace,
        graph,
        configs: BTreeMap::new(),
        outer: BTreeMap::new(),
        roots: BTreeMap::new(),
        declared: Vec::new(),
        services: BTreeMap::new(),
        classes: BTreeMap::new(),
        contexts: BTreeMap::new(),
    };
    for class in trace.classes.iter() {
        reader.classes.insert(Rc::as_ptr(&class.env), Rc::clone(class));
    }
    for (id, call) in trace.records() {
        reader.record(id, call);
    }
    reader.finish();
}

/// A configurator: of which application, and the prefix that it has by now.
#[derive(Clone)]
struct Config {
    root: CallId,
    prefix: Text,
}

/// What an application is configured with.
#[derive(Default)]
struct Root<'p> {
    routes: BTreeMap<String, Vec<Route<'p>>>,
    views: Vec<View<'p>>,
    /// The scans, each with the prefix that held there.
    scans: Vec<(Scan, Text, bool)>,
    policy: Policy<'p>,
    default_permission: Option<Value<'p>>,
    factory: Option<Value<'p>>,
    /// The tween that was added last is the outermost.
    tweens: Vec<Layer<'p>>,
}

/// A path by its name.
#[derive(Clone)]
struct Route<'p> {
    at: CallId,
    path: Text,
    methods: Option<Value<'p>>,
    factory: Option<Value<'p>>,
    conditional: bool,
}

struct Reader<'t, 'g, 'p> {
    trace: &'t Trace<'p>,
    graph: &'g mut Graph<'p>,
    configs: BTreeMap<CallId, Config>,
    /// What a configurator was before a prefix was entered, by the call that made the prefix.
    outer: BTreeMap<CallId, Config>,
    roots: BTreeMap<CallId, Root<'p>>,
    /// Views that decorators declare.
    declared: Vec<View<'p>>,
    /// The services of Cornice, by the call that made them.
    services: BTreeMap<CallId, cornice::Service<'p>>,
    classes: BTreeMap<*const Env<'p>, Rc<ClassValue<'p>>>,
    /// Resources that factories make, by the factory.
    contexts: BTreeMap<usize, Value<'p>>,
}

fn last(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}

impl<'p> Reader<'_, '_, 'p> {
    fn record(&mut self, id: CallId, call: &CallRecord<'p>) {
        if let Some(path) = call.path() {
            match path {
                library::CONTEXT => self.context(id, call),
                library::NOWHERE => self.root(id),
                path if library::is_configurator(path) => {
                    self.root(id);
                    self.configured(id, call);
                }
                path if path.starts_with("cornice.") => self.construct_service(id, path, call),
                _ => {}
            }
        } else if let Some((receiver, method)) = call.method() {
            if self.configs.contains_key(&receiver) {
                self.method_call(id, receiver, method, call);
            } else if method == "__enter__" || method == "__exit__" {
                self.prefixed(receiver, method == "__enter__");
            } else {
                self.service_call(id, receiver, method, call);
            }
        } else if let Some(decorator) = call.applied() {
            self.decorate(decorator, call);
        }
    }

    fn root(&mut self, id: CallId) {
        self.configs.insert(id, Config { root: id, prefix: Text::default() });
        self.roots.insert(id, Root::default());
    }

    /// What the constructor of a configurator is given.
    fn configured(&mut self, id: CallId, call: &CallRecord<'p>) {
        let given = |name: &str| {
            let value = call.args.keyword(name).filter(|value| !matches!(value, Value::None))?;
            self.resolved(call.place.file, value)
        };
        let root = Root {
            policy: Policy {
                security: given("security_policy"),
                authentication: given("authentication_policy"),
                authorization: given("authorization_policy"),
            },
            default_permission: call.args.keyword("default_permission").cloned(),
            factory: given("root_factory"),
            ..Root::default()
        };
        self.roots.insert(id, root);
        if let Some(prefix) = call.args.keyword("route_prefix")
            && let Some(config) = self.configs.get_mut(&id)
        {
            config.prefix = below(&config.prefix, prefix);
        }
    }

    /// The configurator of what is included.
    fn context(&mut self, id: CallId, call: &CallRecord<'p>) {
        let [Value::Native(parent), prefix] = call.args.positional.as_slice() else { return };
        let Some(parent) = self.configs.get(parent) else { return };
        let prefix = below(&parent.prefix, prefix);
        self.configs.insert(id, Config { root: parent.root, prefix });
    }

    /// `with config.route_prefix_context("/x"):` is entered or left.
    fn prefixed(&mut self, context: CallId, enters: bool) {
        let Some(made) = self.trace.call(context) else { return };
        let Some((config, "route_prefix_context")) = made.method() else { return };
        let Some(prefix) = made.args.get(0, "route_prefix") else { return };
        let Some(of) = self.configs.get(&config).cloned() else { return };
        if enters {
            let inner = Config { prefix: below(&of.prefix, prefix), ..of.clone() };
            self.outer.insert(context, of);
            self.configs.insert(config, inner);
        } else if let Some(outer) = self.outer.remove(&context) {
            self.configs.insert(config, outer);
        }
    }

    /// What a value means that may be a dotted name.
    fn resolved(&self, from: FileId, value: &Value<'p>) -> Option<Value<'p>> {
        match value {
            Value::Text(text) => self.trace.dotted(from, text.as_literal()?),
            other => Some(other.clone()),
        }
    }

    fn method_call(&mut self, id: CallId, receiver: CallId, method: &str, call: &CallRecord<'p>) {
        let Some(config) = self.configs.get(&receiver).cloned() else { return };
        let args = &call.args;
        let conditional = self.graph.is_conditional(self.trace, config.root, call);
        let file = call.place.file;
        let resolved = |position: usize, name: &str| {
            args.get(position, name).and_then(|value| self.resolved(file, value))
        };
        match method {
            "add_route" => {
                let route = Route {
                    at: id,
                    path: pattern_below(&config.prefix, args),
                    methods: args.get(8, "request_method").cloned(),
                    factory: resolved(2, "factory"),
                    conditional,
                };
                let is_static = args.keyword("static").and_then(Value::truth) == Some(true);
                let name = args.get(0, "name").map(|name| name.to_text().to_string());
                if let (Some(name), false) = (name, is_static) {
                    self.change(config.root, |root| {
                        root.routes.entry(name).or_default().push(route);
                    });
                }
            }
            "add_view" => {
                let view = resolved(0, "view").unwrap_or_default();
                let view = View { conditional, ..View::added(id, view, call) };
                self.change(config.root, |root| root.views.push(view));
            }
            "scan" => {
                let package = args.get(0, "package").cloned().unwrap_or(Value::None);
                let package = self.resolved(file, &package).unwrap_or_default();
                let scan = Scan::of(self.trace.program, &package, call);
                self.change(config.root, |root| {
                    root.scans.push((scan, config.prefix, conditional))
                });
            }
            "set_default_permission" => {
                let permission = args.get(0, "permission").cloned();
                self.change(config.root, |root| root.default_permission = permission);
            }
            "set_root_factory" => {
                let factory = resolved(0, "factory");
                self.change(config.root, |root| root.factory = factory);
            }
            "set_security_policy" => {
                let policy = resolved(0, "policy");
                self.change(config.root, |root| root.policy.security = policy);
            }
            "set_authentication_policy" => {
                let policy = resolved(0, "policy");
                self.change(config.root, |root| root.policy.authentication = policy);
            }
            "set_authorization_policy" => {
                let policy = resolved(0, "policy");
                self.change(config.root, |root| root.policy.authorization = policy);
            }
            "add_tween" => {
                if let Some(factory) = resolved(0, "tween_factory") {
                    let args = Args { positional: vec![values::request()], ..open() };
                    let layer = Layer::new(self.trace, LayerKind::Wrapper, factory, args);
                    let layer = Layer { conditional, ambient: true, ..layer };
                    self.change(config.root, |root| root.tweens.insert(0, layer));
                }
            }
            "add_cornice_service" => self.add_service(&config, args, conditional),
            _ => {}
        }
    }

    fn change(&mut self, root: CallId, change: impl FnOnce(&mut Root<'p>)) {
        if let Some(root) = self.roots.get_mut(&root) {
            change(root);
        }
    }

    /// `@view_config(…)`, `@service.get(…)`, `@resource(…)` meeting a function or a class.
    fn decorate(&mut self, decorator: CallId, call: &CallRecord<'p>) {
        let Some(target) = call.args.positional.first() else { return };
        let Some(registrar) = self.trace.call(decorator) else { return };
        match registrar.path() {
            Some("pyramid.view.view_config") => {
                let class = match target {
                    Value::Function(closure) => self.classes.get(&Rc::as_ptr(&closure.env)),
                    _ => None,
                };
                let view = View::declared(decorator, target, class, &registrar);
                self.declared.extend(view);
            }
            Some(path) if path.starts_with("cornice.") => {
                self.decorate_resource(decorator, path, &registrar, target);
            }
            Some(_) => {}
            None => self.decorate_service(decorator, &registrar, target),
        }
    }

    /// Writes everything into the graph.
    fn finish(&mut self) {
        let ids: Vec<CallId> = self.roots.keys().copied().collect();
        let is_nowhere = |id: &CallId| {
            self.trace.call(*id).is_some_and(|made| made.path() == Some(library::NOWHERE))
        };
        let (nowhere, real): (Vec<CallId>, Vec<CallId>) = ids.iter().partition(|id| is_nowhere(id));
        let serving = classes::serving(self.trace, &real);
        for id in &ids {
            let Some(made) = self.trace.call(*id) else { continue };
            if serving.contains(id) {
                self.graph.add_application(*id, NAME, &made);
            } else {
                self.graph.add(*id, NAME, Text::default());
            }
            let Some(root) = self.roots.get(id) else { continue };
            for tween in &root.tweens {
                self.graph.layer(*id, tween.clone());
            }
        }
        let mut declared = std::mem::take(&mut self.declared);
        let lifted = self.lifted(&declared);
        declared.extend(lifted);
        let mut is_met = vec![false; declared.len()];
        let known: BTreeSet<String> = real
            .iter()
            .filter_map(|id| self.roots.get(id))
            .flat_map(|root| root.routes.keys().cloned())
            .collect();
        for id in real.iter().chain(&nowhere) {
            let is_nowhere = nowhere.contains(id);
            let Some(root) = self.roots.get_mut(id) else { continue };
            let mut views = std::mem::take(&mut root.views);
            // What nothing includes may only do again what an application does.
            let is_own = |view: &View<'p>, root: &Root<'p>| {
                let name = view.route_name();
                name.is_none_or(|name| root.routes.contains_key(&name) || !known.contains(&name))
            };
            if is_nowhere {
                views.retain(|view| is_own(view, root));
            }
            let scans = root.scans.clone();
            for (at, view) in declared.iter().enumerate() {
                let program = self.trace.program;
                let scan = scans.iter().find(|(scan, ..)| scan.covers(program, view.file));
                let Some((_, _, conditional)) = scan else { continue };
                if is_nowhere && is_met[at] {
                    continue;
                }
                is_met[at] = true;
                let conditional = view.conditional || *conditional;
                self.write_view(*id, *id, &View { conditional, ..view.clone() });
            }
            for view in &views {
                self.write_view(*id, *id, view);
            }
            self.write_services(*id, &scans);
        }
        self.write_unmet(&declared, &is_met, &ids);
    }

    /// What nothing scans, where it would be.
    fn write_unmet(&mut self, declared: &[View<'p>], is_met: &[bool], roots: &[CallId]) {
        let unmet: Vec<_> =
            declared.iter().zip(is_met).filter(|(_, met)| !**met).map(|(view, _)| view).collect();
        if unmet.is_empty() && self.services.values().all(|service| service.is_met) {
            return;
        }
        let nowhere = self.graph.add_uncalled(NAME, Text::default());
        for view in unmet {
            let name = view.route_name();
            let knows = |root: &&CallId| {
                let routes = self.roots.get(root).map(|root| &root.routes);
                name.as_ref()
                    .is_some_and(|name| routes.is_some_and(|routes| routes.contains_key(name)))
            };
            let root = roots.iter().find(knows).or(roots.first()).copied().unwrap_or(nowhere);
            self.write_view(nowhere, root, view);
        }
        self.write_unmet_services(nowhere);
    }
}

/// A prefix below another: a slash before it and none behind it.
fn below(prefix: &Text, more: &Value<'_>) -> Text {
    if matches!(more, Value::None) {
        return prefix.clone();
    }
    let more = more.to_text().trim_start(&['/']).trim_end(&['/']);
    let mut out = prefix.trim_end(&['/']);
    if !more.parts().is_empty() {
        out.push_literal("/");
        out.push(&more);
    }
    out
}

/// The whole path of a route that is added below a prefix.
fn pattern_below(prefix: &Text, args: &Args<'_>) -> Text {
    let pattern = args.get(1, "pattern").or(args.keyword("path"));
    let pattern = path_text(pattern.filter(|pattern| !matches!(pattern, Value::None)));
    let inherits = args.keyword("inherit_slash").and_then(Value::truth) == Some(true);
    if inherits && pattern.parts().is_empty() {
        return prefix.clone();
    }
    whole(prefix, &pattern)
}

fn whole(prefix: &Text, pattern: &Text) -> Text {
    // A hole may begin with a slash of its own.
    if prefix.parts().is_empty() && matches!(pattern.parts().first(), Some(Part::Hole(_))) {
        return pattern.clone();
    }
    let mut out = prefix.trim_end(&['/']);
    out.push_literal("/");
    out.push(&pattern.trim_start(&['/']));
    out
}
