//! NestJS: modules that import each other from an application's root, their controllers, and what
//! stands before the handlers: middleware, guards of the application, of the class, of the method.

mod container;
mod controllers;
mod guards;
mod middleware;
mod modules;
mod paths;
mod settings;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use self::container::Container;
use self::controllers::{Controller, Endpoint, Reading};
use self::guards::Guards;
use self::middleware::{Asked, Middleware};
use self::modules::Modules;
use self::paths::{Composition, Parts, Versioning, excluded, shape, versions};
use super::{Framework, Matching, SCRIPTS, scripts};
use crate::eval::interpreter::Trace;
use crate::eval::text::Text;
use crate::eval::value::{CallId, CallRecord, ClassValue, Value};
use crate::inventory::routes::decorations::{Decoration, Decorations};
use crate::inventory::routes::graph::{Graph, Handler, Layer, LayerKind, Registration};
use crate::inventory::routes::pattern;

/// NestJS.
pub(super) const NEST: Framework = Framework {
    name: NAME,
    languages: SCRIPTS,
    packages: &["@nestjs/core", "@nestjs/common"],
    needs: &["@nestjs/"],
    fixtures: &["nest"],
    matching: Matching::First,
    has_user_object: false,
    read,
    path: pattern::colons,
};

const NAME: &str = "nest";
/// Makes an application.
const CREATE: &str = "@nestjs/core.NestFactory.create";

/// An application of a program.
struct Application<'p> {
    id: CallId,
    call: Rc<CallRecord<'p>>,
    root: Value<'p>,
    /// The calls of its methods, in order.
    members: Vec<(String, Rc<CallRecord<'p>>)>,
}

impl<'p> Application<'p> {
    /// Whether a call is made under a condition that the application itself is not made under.
    fn is_conditional(&self, call: &CallRecord<'p>) -> bool {
        call.conditions > self.call.conditions
    }

    fn calls(&self, method: &str) -> bool {
        self.members.iter().any(|(name, _)| name == method)
    }
}

fn read<'p>(trace: &Trace<'p>, graph: &mut Graph<'p>) {
    let decorations = Decorations::of(trace);
    let mut reached = BTreeSet::new();
    for application in applications(trace) {
        serve(trace, graph, &decorations, &application, &mut reached);
    }
    leave(trace, graph, &decorations, &reached);
}

/// The applications that serve.
fn applications<'p>(trace: &Trace<'p>) -> Vec<Application<'p>> {
    let mut out: BTreeMap<CallId, Application<'p>> = BTreeMap::new();
    for (id, call) in trace.records() {
        if call.path() == Some(CREATE) {
            let root = call.args.positional.first().cloned().unwrap_or_default();
            let Some(call) = trace.call(id) else { continue };
            out.insert(id, Application { id, call, root, members: Vec::new() });
        } else if let Some((receiver, method)) = call.method()
            && let Some(application) = out.get_mut(&receiver)
            && let Some(call) = trace.call(id)
        {
            application.members.push((method.to_owned(), call));
        }
    }
    // One that is made to look something up before the real one is.
    let serving: Vec<Value<'p>> = out
        .values()
        .filter(|application| application.calls("listen"))
        .map(|application| application.root.clone())
        .collect();
    out.into_values()
        .filter(|application| {
            let is_other = serving.iter().any(|root| root.is_same(&application.root));
            application.calls("listen") || !(is_other || application.calls("close"))
        })
        .collect()
}

/// What an application's calls say of paths.
fn composition<'p>(trace: &Trace<'p>, application: &Application<'p>) -> Composition {
    let mut out = Composition::default();
    for (method, call) in &application.members {
        let args = &call.args.positional;
        match method.as_str() {
            "setGlobalPrefix" => {
                let prefix = args.first().map(|prefix| settings::resolved(trace, prefix));
                out.prefix = Some(prefix.map_or_else(|| Text::hole(""), |it| it.to_text()));
                let exclude = args.get(1).and_then(|options| options.entry("exclude"));
                out.excluded = exclude.as_ref().map(excluded).unwrap_or_default();
            }
            "enableVersioning" => {
                let option = |name: &str| args.first().and_then(|options| options.entry(name));
                let in_path = match option("type") {
                    Some(Value::External(path)) => path.ends_with(".URI"),
                    Some(Value::Number(number)) => number == "0",
                    _ => true,
                };
                let prefix = match option("prefix") {
                    Some(Value::Bool(false)) => Text::default(),
                    Some(prefix) => settings::resolved(trace, &prefix).to_text(),
                    None => Text::literal("v"),
                };
                let default = option("defaultVersion");
                let default = default.map(|value| versions(&settings::resolved(trace, &value)));
                out.versioning = Some(Versioning { in_path, prefix, default });
            }
            _ => {}
        }
    }
    out
}

/// Everything of one application that its routes are made with.
struct Serving<'a, 't, 'p> {
    trace: &'t Trace<'p>,
    reading: &'a Reading<'t, 'p>,
    container: &'a Container<'t, 'p>,
    guards: &'a Guards<'t, 'p>,
    composition: &'a Composition,
    /// What `app.use` puts before paths.
    uses: Vec<(Option<Text>, Layer<'p>)>,
    middleware: Vec<Middleware<'p>>,
    /// Guards of the whole application.
    global: Vec<(Value<'p>, bool)>,
}

fn serve<'p>(
    trace: &Trace<'p>,
    graph: &mut Graph<'p>,
    decorations: &Decorations<'p>,
    application: &Application<'p>,
    reached: &mut BTreeSet<usize>,
) {
    let modules = Modules::of(trace, decorations, &application.root);
    let mut container = Container::new(trace);
    let providers = modules.providers();
    providers.iter().for_each(|(provider, _)| container.provide(provider));
    let container = container;
    let guards = Guards::new(trace);
    let composition = composition(trace, application);
    let mut global: Vec<(Value<'p>, bool)> = Vec::new();
    for (method, call) in &application.members {
        if method == "useGlobalGuards" {
            let guards = scripts::arguments(call, 0).into_iter();
            let conditional = application.is_conditional(call);
            global.extend(guards.map(|(guard, _)| (guard, conditional)));
        }
    }
    for (provider, conditional) in &providers {
        let token = provider.entry("provide");
        if matches!(&token, Some(Value::External(path)) if path.ends_with(".APP_GUARD")) {
            let guard = match provider.entry("useClass") {
                Some(class) => class,
                None => container.provided(provider, 0),
            };
            global.push((guard, *conditional));
        }
    }
    let mut middleware = Vec::new();
    for class in modules.classes() {
        middleware.extend(middleware::of_module(trace, &container, &class, &composition));
    }
    let reading = Reading { trace, decorations };
    let serving = Serving {
        trace,
        reading: &reading,
        container: &container,
        guards: &guards,
        composition: &composition,
        uses: uses(trace, &container, application),
        middleware,
        global,
    };
    graph.at(application.id);
    // Being the program that was started is no condition of what it serves.
    graph.add(application.id, NAME, Text::default());
    graph.serves(application.id);
    let mut known = BTreeSet::new();
    for of in modules.controllers() {
        reached.insert(Rc::as_ptr(&of.class) as usize);
        let module = of.module.as_ref().map(Text::to_string);
        if known.insert((Rc::as_ptr(&of.class) as usize, module)) {
            serving.controller(
                graph,
                application.id,
                &of.class,
                of.module.as_ref(),
                of.conditional,
            );
        }
    }
    for (provider, conditional) in &providers {
        if let Value::Class(class) = provider {
            serving.gateway(graph, application.id, class, *conditional);
        }
    }
    adapter_routes(trace, graph, application, &serving);
}

/// What `app.use` puts before everything or before what lies below a path.
fn uses<'p>(
    trace: &Trace<'p>,
    container: &Container<'_, 'p>,
    application: &Application<'p>,
) -> Vec<(Option<Text>, Layer<'p>)> {
    let mut out = Vec::new();
    for (method, call) in &application.members {
        if method != "use" {
            continue;
        }
        let mut path = None;
        for (value, _) in scripts::arguments(call, 0) {
            if let Value::Text(text) = &value {
                path = Some((**text).clone());
                continue;
            }
            let kind = match &path {
                Some(_) => LayerKind::Middleware,
                None => LayerKind::Ambient,
            };
            let layer = middleware::layer(trace, container, &value, kind);
            out.push((
                path.clone(),
                Layer { conditional: application.is_conditional(call), ..layer },
            ));
        }
    }
    out
}

impl<'p> Serving<'_, '_, 'p> {
    fn controller(
        &self,
        graph: &mut Graph<'p>,
        id: CallId,
        class: &Rc<ClassValue<'p>>,
        module: Option<&Text>,
        conditional: bool,
    ) {
        let Some(controller) = self.reading.controller(class) else { return };
        let instance = self.container.instance_of(&Value::Class(Rc::clone(class)), 0);
        for endpoint in self.reading.endpoints(&controller) {
            let verb = endpoint.verb.as_deref();
            let versions = endpoint.versions.as_deref().or(controller.versions.as_deref());
            let paths = self.composition.paths(&Parts {
                versions,
                module,
                controller: &controller.paths,
                method: &endpoint.paths,
                verb,
            });
            let guards = self.guards_of(&controller, &endpoint);
            let (args, checks) = self.reading.arguments(&endpoint);
            for path in paths {
                let mut layers = self.before(&Asked { controller: class, path: &path, verb });
                layers.extend(guards.iter().cloned());
                layers.extend(checks.iter().cloned());
                graph.route(
                    id,
                    Registration {
                        layers,
                        args: args.clone(),
                        notes: Rc::clone(&endpoint.notes),
                        conditional: conditional || endpoint.conditional,
                        ..Registration::new(
                            (endpoint.verb.iter().cloned().collect(), true),
                            path,
                            endpoint.handler(self.trace, class, &instance),
                        )
                    },
                );
            }
        }
    }

    /// What stands before a path, whichever handler it has.
    fn uses_before(&self, path: &Text) -> Vec<Layer<'p>> {
        let shown = shape(path);
        let fits = |below: &Option<Text>| match below {
            Some(below) => {
                pattern::covers(shape(below).as_str().into(), true, shown.as_str().into())
            }
            None => true,
        };
        self.uses.iter().filter(|(below, _)| fits(below)).map(|(_, layer)| layer.clone()).collect()
    }

    fn before(&self, asked: &Asked<'_, 'p>) -> Vec<Layer<'p>> {
        let mut out = self.uses_before(asked.path);
        for middleware in &self.middleware {
            out.extend(middleware.before(asked).iter().cloned());
        }
        out
    }

    fn guards_of(&self, controller: &Controller<'p>, endpoint: &Endpoint<'p>) -> Vec<Layer<'p>> {
        let route: Vec<&Decoration<'p>> =
            controller.decorations.iter().chain(&endpoint.decorations).collect();
        let global = self.global.iter().map(|(guard, conditional)| {
            let layer = self.guards.layer(self.container, guard, &route);
            Layer { conditional: layer.conditional || *conditional, ..layer }
        });
        let own = route.iter().filter(|decoration| decoration.name() == "UseGuards");
        let own = own.flat_map(|decoration| {
            let guards = decoration.args.positional.iter().flat_map(scripts::flat);
            let guards = guards.map(|guard| {
                let layer = self.guards.layer(self.container, &guard, &route);
                Layer { conditional: layer.conditional || decoration.conditional, ..layer }
            });
            guards.collect::<Vec<_>>()
        });
        global.chain(own).collect()
    }

    /// A gateway that listens at a path of its own: its guards ask about messages, and whoever
    /// connects is let in.
    fn gateway(
        &self,
        graph: &mut Graph<'p>,
        id: CallId,
        class: &Rc<ClassValue<'p>>,
        conditional: bool,
    ) {
        let Some(path) = self.reading.gateway(class) else { return };
        graph.route(
            id,
            Registration {
                conditional,
                ..Registration::new((vec!["WS".to_owned()], true), path, Handler::of_class(class))
            },
        );
    }
}

/// Routes that a program adds to what is below Nest: `app.getHttpAdapter().get(…)`.
fn adapter_routes<'p>(
    trace: &Trace<'p>,
    graph: &mut Graph<'p>,
    application: &Application<'p>,
    serving: &Serving<'_, '_, 'p>,
) {
    let id = application.id;
    for (at, call) in trace.records() {
        let Some((receiver, method)) = call.method() else { continue };
        let Some(methods) = controllers::verb(method) else { continue };
        if call.args.positional.len() < 2 || !is_adapter_of(trace, receiver, id) {
            continue;
        }
        for path in scripts::paths(call.args.positional.first()) {
            graph.at(at);
            let handler = Handler::of(call.args.positional.last(), call.place);
            let mut layers = serving.uses_before(&path);
            let between = &call.args.positional[1..call.args.positional.len() - 1];
            layers.extend(between.iter().flat_map(scripts::flat).map(|value| {
                middleware::layer(trace, serving.container, &value, LayerKind::Middleware)
            }));
            graph.route(
                id,
                Registration {
                    layers,
                    args: middleware::arguments(),
                    conditional: application.is_conditional(call),
                    ..Registration::new((methods.iter().cloned().collect(), true), path, handler)
                },
            );
        }
    }
    graph.at(id);
}

/// Whether a call gave what is below an application.
fn is_adapter_of(trace: &Trace<'_>, mut at: CallId, application: CallId) -> bool {
    for _ in 0..4 {
        let Some(call) = trace.call(at) else { return false };
        match call.method() {
            Some((receiver, "getHttpAdapter")) => return receiver == application,
            Some((receiver, "getInstance")) => at = receiver,
            _ => return false,
        }
    }
    false
}

/// Controllers that no application reaches.
fn leave<'p>(
    trace: &Trace<'p>,
    graph: &mut Graph<'p>,
    decorations: &Decorations<'p>,
    reached: &BTreeSet<usize>,
) {
    let reading = Reading { trace, decorations };
    let container = Container::new(trace);
    let guards = Guards::new(trace);
    let composition = Composition::default();
    let serving = Serving {
        trace,
        reading: &reading,
        container: &container,
        guards: &guards,
        composition: &composition,
        uses: Vec::new(),
        middleware: Vec::new(),
        global: Vec::new(),
    };
    for class in trace.classes.iter() {
        if !reached.contains(&(Rc::as_ptr(class) as usize)) && reading.is_controller(class) {
            let id = graph.add_uncalled(NAME, Text::default());
            serving.controller(graph, id, class, None, false);
        }
    }
}
