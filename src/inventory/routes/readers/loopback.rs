//! LoopBack 4: controllers that an application is given or finds in its folders when it boots, with
//! what their decorators say of paths and of who may call.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::{Framework, Matching, SCRIPTS, scripts};
use crate::eval::interpreter::Trace;
use crate::eval::text::Text;
use crate::eval::value::{Args, CallId, CallRecord, ClassValue, Closure, FileId, Place, Value};
use crate::inventory::routes::AuthState;
use crate::inventory::routes::caller::values;
use crate::inventory::routes::decorations::{Decoration, Decorations};
use crate::inventory::routes::graph::{
    Graph, Handler, Layer, LayerKind, Registration, made_by, name_of, path_text,
};
use crate::inventory::routes::pattern;
use crate::module::{ExprKind, Param, StmtKind};

/// LoopBack 4.
pub(super) const LOOPBACK: Framework = Framework {
    name: NAME,
    languages: SCRIPTS,
    packages: &["@loopback/rest"],
    needs: &["@loopback/", ".boot()"],
    fixtures: &["loopback"],
    matching: Matching::Specific,
    has_user_object: false,
    read,
    path: pattern::braces,
};

const NAME: &str = "loopback";
/// The application that serves.
const APPLICATION: &str = "@loopback/rest.RestApplication";
/// Adds what looks for files.
const BOOT: &str = ".BootMixin";
/// Mixins within each other.
const MAX_MIXINS: usize = 16;
/// Roles that everybody has.
const OPEN_ROLES: &[&str] = &["$everyone", "$unauthenticated"];

/// The routes of one configuration of `@loopback/rest-crud`; those that only read come first.
const CRUD: &[(&str, &str)] = &[
    ("GET", ""),
    ("GET", "/count"),
    ("GET", "/{id}"),
    ("POST", ""),
    ("PATCH", ""),
    ("PATCH", "/{id}"),
    ("PUT", "/{id}"),
    ("DELETE", "/{id}"),
];
const CRUD_READS: usize = 3;

/// An application of a program.
struct Application<'p> {
    id: CallId,
    /// The calls that make it, of which the first counts.
    ids: Vec<CallId>,
    call: Rc<CallRecord<'p>>,
    class: Option<Rc<ClassValue<'p>>>,
    boots: bool,
    members: Vec<(CallId, String, Rc<CallRecord<'p>>)>,
}

/// What authentication or authorization is to an application.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Installed {
    Yes,
    No,
    Perhaps,
}

/// What an application's handlers stand behind.
struct Access<'p> {
    authentication: Installed,
    authorization: Installed,
    /// What holds where a method and its class say nothing.
    default: Option<Value<'p>>,
    /// Functions that say who may do what.
    authorizers: Vec<Value<'p>>,
    base: Text,
}

struct Reading<'t, 'p> {
    trace: &'t Trace<'p>,
    decorations: Decorations<'p>,
}

fn read<'p>(trace: &Trace<'p>, graph: &mut Graph<'p>) {
    let reading = Reading { trace, decorations: Decorations::of(trace) };
    let mut reached = BTreeSet::new();
    for application in applications(trace) {
        reading.serve(graph, &application, &mut reached);
    }
    for class in trace.classes.iter() {
        if !reached.contains(&key(class)) && reading.is_controller(class) {
            let id = graph.add_uncalled(NAME, Text::default());
            let access = Access {
                authentication: Installed::No,
                authorization: Installed::No,
                default: None,
                authorizers: Vec::new(),
                base: Text::default(),
            };
            reading.controller(graph, id, &access, class, false);
        }
    }
}

fn key(class: &Rc<ClassValue<'_>>) -> usize {
    Rc::as_ptr(class) as usize
}

/// Whether a class is made of the application that serves, and whether of what boots.
fn base_of<'p>(trace: &Trace<'p>, callee: &Value<'p>) -> Option<bool> {
    let mut boots = false;
    let mut at = callee.clone();
    for _ in 0..MAX_MIXINS {
        match &at {
            Value::External(path) => return (path == APPLICATION).then_some(boots),
            Value::Native(_) => {
                let made = trace.made(&at)?;
                boots |= trace.path_of(&made).ends_with(BOOT);
                at = made.args.positional.first()?.clone();
            }
            _ => return None,
        }
    }
    None
}

fn applications<'p>(trace: &Trace<'p>) -> Vec<Application<'p>> {
    let mut out: Vec<Application<'p>> = Vec::new();
    for (id, record) in trace.records() {
        let Some(call) = trace.call(id) else { continue };
        if let Some((receiver, method)) = record.method() {
            let known = out.iter_mut().find(|application| application.ids.contains(&receiver));
            if let Some(application) = known {
                application.members.push((id, method.to_owned(), call));
            }
            continue;
        }
        let is_made = record.class.is_some() || record.path() == Some(APPLICATION);
        if !is_made {
            continue;
        }
        let Some(boots) = base_of(trace, &record.callee) else { continue };
        let class = record.class.clone();
        // One that is made again serves the same.
        let known = out.iter_mut().find(|application| match (&application.class, &class) {
            (Some(known), Some(class)) => Rc::ptr_eq(known, class),
            _ => false,
        });
        match known {
            Some(known) => known.ids.push(id),
            None => {
                out.push(Application { id, ids: vec![id], call, class, boots, members: Vec::new() })
            }
        }
    }
    out
}

/// An entry of an entry.
fn entry_of<'p>(value: Option<&Value<'p>>, names: &[&str]) -> Option<Value<'p>> {
    let mut at = value?.clone();
    for name in names {
        at = at.entry(name)?;
    }
    Some(at)
}

impl<'p> Application<'p> {
    fn calls<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Rc<CallRecord<'p>>> + 'a {
        self.members.iter().filter(move |(_, method, _)| method == name).map(|(_, _, call)| call)
    }

    /// The path that everything lies below.
    fn base(&self) -> Text {
        if let Some(call) = self.calls("basePath").last() {
            return path_text(call.args.positional.first()).trim_end(&['/']);
        }
        match entry_of(self.call.args.positional.first(), &["rest", "basePath"]) {
            Some(base) => base.to_text().trim_end(&['/']),
            None => Text::default(),
        }
    }

    fn components(&self) -> Vec<&Value<'p>> {
        self.calls("component").filter_map(|call| call.args.positional.first()).collect()
    }

    /// Whether a component is part of it whose name holds a word.
    fn has(&self, trace: &Trace<'p>, name: &str) -> Installed {
        let components = self.components();
        if components.iter().any(|component| {
            matches!(component, Value::External(path) if path.ends_with(&format!(".{name}")))
        }) {
            return Installed::Yes;
        }
        // What else brings may bring that one.
        let may_bring = |component: &&&Value<'p>| {
            let name = name_of(trace, component);
            !matches!(component, Value::External(path) if path.starts_with("@loopback/"))
                || name.is_empty()
        };
        match components.iter().find(may_bring) {
            Some(_) => Installed::Perhaps,
            None => Installed::No,
        }
    }

    /// The folder that holds what it finds when it boots.
    fn folder<'t>(&self, trace: &'t Trace<'p>) -> &'t str {
        let file = self.class.as_ref().map_or(self.call.place.file, |class| class.env.file);
        let path: &'p str = trace.program.file(file).path;
        path.rsplit_once('/').map_or("", |(folder, _)| folder)
    }

    /// Files that it finds of one kind.
    fn found(&self, trace: &Trace<'p>, kind: &str, folder: &str, ending: &str) -> Vec<FileId> {
        if !self.boots {
            return Vec::new();
        }
        let field = |name: &str| match made_options(trace, self) {
            Some(options) => entry_of(Some(&options), &[kind, name]),
            None => None,
        };
        let texts = |name: &str, default: &str| match field(name) {
            Some(value) => scripts::flat(&value)
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect::<Vec<_>>(),
            None => vec![default.to_owned()],
        };
        let (folders, endings) = (texts("dirs", folder), texts("extensions", ending));
        let nested = !matches!(field("nested"), Some(Value::Bool(false)));
        let root = self.folder(trace);
        let is_found = |path: &str| {
            let Some(rest) = path.strip_prefix(root) else { return false };
            let rest = rest.trim_start_matches('/');
            let Some(stem) = rest.strip_suffix(".ts").or_else(|| rest.strip_suffix(".js")) else {
                return false;
            };
            let in_folder = folders.iter().any(|folder| {
                let inner = rest.strip_prefix(folder.trim_matches('/'));
                let inner = inner.and_then(|inner| inner.strip_prefix('/'));
                inner.is_some_and(|inner| nested || !inner.contains('/'))
            });
            in_folder && endings.iter().any(|ending| stem.ends_with(ending.trim_end_matches(".js")))
        };
        trace.program.ids().filter(|id| is_found(trace.program.file(*id).path)).collect()
    }
}

/// `this.bootOptions`.
fn made_options<'p>(trace: &Trace<'p>, application: &Application<'p>) -> Option<Value<'p>> {
    // The application itself is what a member was called on.
    let object = application.members.iter().find_map(|(_, _, call)| match &call.callee {
        Value::Method(method) => Some(method.0.clone()),
        _ => None,
    })?;
    match trace.attribute(&object, "bootOptions") {
        options @ Value::Map(_) => Some(options),
        _ => None,
    }
}

/// The method that a decorator stands for, its path, if it is one of the router's.
fn mapped<'d, 'p>(decoration: &'d Decoration<'p>) -> Option<(String, Option<&'d Value<'p>>)> {
    if !decoration.path.starts_with("@loopback/") {
        return None;
    }
    let args = &decoration.args.positional;
    match decoration.name() {
        name @ ("get" | "post" | "put" | "patch" | "head" | "options") => {
            Some((name.to_ascii_uppercase(), args.first()))
        }
        "del" => Some(("DELETE".to_owned(), args.first())),
        "operation" => {
            Some((args.first().and_then(Value::as_str)?.to_ascii_uppercase(), args.get(1)))
        }
        _ => None,
    }
}

/// What a decorator of authentication or authorization says.
enum Said<'d, 'p> {
    Skips,
    With(&'d Decoration<'p>),
}

/// What the outermost decorator of one kind says.
fn said<'d, 'p>(decorations: &'d [Decoration<'p>], kind: &str) -> Option<Said<'d, 'p>> {
    decorations.iter().rev().find_map(|decoration| {
        let path = decoration.path.trim_end_matches("()");
        let is_skip = path.ends_with(&format!(".{kind}.skip"));
        if !(is_skip || path.ends_with(&format!(".{kind}"))) {
            return None;
        }
        let skips = decoration.args.positional.first().and_then(|first| first.entry("skip"));
        Some(match is_skip || matches!(skips, Some(Value::Bool(true))) {
            true => Said::Skips,
            false => Said::With(decoration),
        })
    })
}

/// One path after another, without a slash at its end.
fn joined(base: &Text, class: &Text, path: &Text) -> Text {
    scripts::below(&[base.clone(), class.clone(), path.clone()])
}

impl<'p> Reading<'_, 'p> {
    fn of_class(&self, class: &Rc<ClassValue<'p>>) -> Vec<Decoration<'p>> {
        let lineage = class.lineage().0;
        let applied = lineage.iter().rev().filter_map(|class| self.decorations.class(class));
        applied.flat_map(|applied| applied.decorations.iter().cloned()).collect()
    }

    fn api(&self, class: &Rc<ClassValue<'p>>) -> Option<Value<'p>> {
        let decorations = self.of_class(class);
        let api = decorations.iter().rev().find(|it| it.path == "@loopback/rest.api")?;
        api.args.positional.first().cloned()
    }

    /// What was applied to the methods of a name, the outermost bases first, until the class itself.
    fn of_method(&self, class: &Rc<ClassValue<'p>>, name: &str) -> Vec<Decoration<'p>> {
        let mut out = Vec::new();
        for owner in class.lineage().0.iter().rev() {
            let value = owner.env.vars.borrow().get(name).cloned();
            if let Some(Value::Function(closure)) = value
                && let Some(applied) = self.decorations.method(&closure)
            {
                out.extend(applied.decorations.iter().cloned());
            }
        }
        out
    }

    fn methods(class: &Rc<ClassValue<'p>>) -> Vec<&'p str> {
        let mut out: Vec<&'p str> = Vec::new();
        for owner in class.lineage().0 {
            let of: &'p crate::module::Class = owner.class;
            for stmt in &of.body {
                if let StmtKind::Function(function) = &stmt.kind
                    && let Some(name) = function.name.as_deref()
                    && !out.contains(&name)
                {
                    out.push(name);
                }
            }
        }
        out
    }

    fn is_controller(&self, class: &Rc<ClassValue<'p>>) -> bool {
        let own = class.class.body.iter().any(|stmt| match &stmt.kind {
            StmtKind::Function(function) => function.name.as_deref().is_some_and(|name| {
                self.of_method(class, name).iter().any(|it| mapped(it).is_some())
            }),
            _ => false,
        });
        own || self.api(class).is_some()
    }

    fn serve(
        &self,
        graph: &mut Graph<'p>,
        application: &Application<'p>,
        reached: &mut BTreeSet<usize>,
    ) {
        let trace = self.trace;
        let id = application.id;
        graph.at(id);
        graph.add(id, NAME, Text::default());
        graph.serves(id);
        let access = self.access(application);
        let mut controllers: Vec<(Rc<ClassValue<'p>>, bool)> = Vec::new();
        for file in application.found(trace, "controllers", "controllers", ".controller.js") {
            for class in trace.classes.iter().filter(|class| class.env.file == file) {
                let name = name_of(trace, &Value::Class(Rc::clone(class)));
                let exported = trace.exported(file, &name);
                if matches!(exported, Some(Value::Class(known)) if Rc::ptr_eq(&known, class)) {
                    controllers.push((Rc::clone(class), false));
                }
            }
        }
        for call in application.calls("controller") {
            let Some(first) = call.args.positional.first() else { continue };
            let conditional = call.conditions > application.call.conditions;
            let is_within = application.class.is_some() && call.conditional && conditional;
            for value in first.alternatives() {
                if let Value::Class(class) = value {
                    controllers.push((class, is_within && !self.is_started(application, call)));
                }
            }
        }
        let mut known = BTreeSet::new();
        for (class, conditional) in controllers {
            reached.extend(class.lineage().0.iter().map(key));
            if known.insert(key(&class)) {
                self.controller(graph, id, &access, &class, conditional);
            }
        }
        self.registered(graph, application, &access);
        if application
            .components()
            .iter()
            .any(|it| matches!(it, Value::External(path) if path.ends_with(".CrudRestComponent")))
        {
            self.crud(graph, application, &access);
        }
    }

    /// Whether a call stands in another file than the application, in what starts it: being the
    /// program that was started is no condition.
    fn is_started(&self, application: &Application<'p>, call: &CallRecord<'p>) -> bool {
        application.class.as_ref().is_some_and(|class| class.env.file != call.place.file)
    }

    fn access(&self, application: &Application<'p>) -> Access<'p> {
        let trace = self.trace;
        let mut authentication = application.has(trace, "AuthenticationComponent");
        if authentication == Installed::Yes
            && let Some(sequence) = application.calls("sequence").last()
        {
            authentication = match sequence.args.positional.first() {
                Some(Value::Class(class)) if self.authenticates(class) => Installed::Yes,
                _ => Installed::Perhaps,
            };
        }
        let mut default = None;
        for call in application.members.iter().filter(|(_, name, _)| name == "configure") {
            let bound = trace.records().find(|(_, it)| it.method() == Some((call.0, "to")));
            let given = bound.and_then(|(_, it)| it.args.positional.first().cloned());
            let given = given.and_then(|options| options.entry("defaultMetadata"));
            default = given.or(default);
        }
        Access {
            authentication,
            authorization: application.has(trace, "AuthorizationComponent"),
            default,
            authorizers: self.authorizers(),
            base: application.base(),
        }
    }

    /// Whether a sequence asks who calls.
    fn authenticates(&self, class: &Rc<ClassValue<'p>>) -> bool {
        if class.outside_base().is_some_and(|base| base.ends_with(".MiddlewareSequence")) {
            return true;
        }
        let Some((Value::Function(constructor), _)) = class.attribute("constructor") else {
            return false;
        };
        constructor.function.params.iter().any(|param| {
            self.injected(&constructor, param).is_some_and(
                |(key, _)| matches!(key, Value::External(path) if path.ends_with(".AUTH_ACTION")),
            )
        })
    }

    /// What a parameter is given by `@inject(key, options)`.
    fn injected(
        &self,
        closure: &Rc<Closure<'p>>,
        param: &'p Param,
    ) -> Option<(Value<'p>, Rc<CallRecord<'p>>)> {
        param.decorators.iter().find_map(|decorator| {
            let value = self.trace.value_in(&closure.env, decorator);
            let made = self.trace.made(&value)?;
            let is_inject = self.trace.path_of(&made).ends_with(".inject");
            let key = made.args.positional.first()?.clone();
            is_inject.then_some((key, made))
        })
    }

    /// The functions that are bound as authorizers.
    fn authorizers(&self) -> Vec<Value<'p>> {
        let mut out = Vec::new();
        for (_, call) in self.trace.records() {
            let Some((receiver, "tag")) = call.method() else { continue };
            let is_authorizer =
                call.args.positional.iter().any(
                    |tag| matches!(tag, Value::External(path) if path.ends_with(".AUTHORIZER")),
                );
            let Some(bound) = self.trace.call(receiver).filter(|_| is_authorizer) else { continue };
            let first = bound.args.positional.first().cloned().unwrap_or_default();
            let made = match bound.method() {
                Some((_, "toProvider")) => {
                    let provider = self.trace.call_with(&first, Args::default());
                    let value = self.trace.attribute(&provider, "value");
                    self.trace.call_with(&value, Args::default())
                }
                Some((_, "to")) => first,
                _ => Value::Unknown,
            };
            out.push(made);
        }
        out
    }

    fn controller(
        &self,
        graph: &mut Graph<'p>,
        id: CallId,
        access: &Access<'p>,
        class: &Rc<ClassValue<'p>>,
        conditional: bool,
    ) {
        let of_class = self.of_class(class);
        let api = self.api(class);
        let below = entry_of(api.as_ref(), &["basePath"]);
        let below = below.map_or_else(Text::default, |base| base.to_text());
        let mut register = |name: &str, verb: String, path: &Text, conditional: bool| {
            let of_method = self.of_method(class, name);
            let mut layers = self.layers(access, &of_class, &of_method);
            let is_open = layers.is_empty();
            layers.extend(self.interceptors(&of_class));
            layers.extend(self.interceptors(&of_method));
            let handler = Handler::of_method(class, name);
            let args = handler.function.as_ref().map(|closure| self.arguments(closure, is_open));
            graph.route(
                id,
                Registration {
                    layers,
                    args: args.unwrap_or_default(),
                    conditional,
                    ..Registration::new(
                        (vec![verb], true),
                        joined(&access.base, &below, path),
                        handler,
                    )
                },
            );
        };
        for name in Self::methods(class) {
            let of_method = self.of_method(class, name);
            let found = of_method.iter().rev().find_map(|it| mapped(it).map(|found| (it, found)));
            if let Some((decoration, (verb, path))) = found {
                let conditional = conditional || decoration.conditional;
                for path in scripts::paths(path) {
                    register(name, verb.clone(), &path, conditional);
                }
            }
        }
        let Some(Value::Map(paths)) = entry_of(api.as_ref(), &["paths"]) else { return };
        for (path, operations) in paths.borrow().iter() {
            let Value::Map(operations) = operations else { continue };
            for (verb, operation) in operations.borrow().iter() {
                let name = operation.entry("x-operation-name");
                let name = name.as_ref().and_then(Value::as_str).unwrap_or_default();
                if let Some(verb) = verb.as_str() {
                    register(name, verb.to_ascii_uppercase(), &path.to_text(), conditional);
                }
            }
        }
    }

    /// What authentication and authorization put before a method.
    fn layers(
        &self,
        access: &Access<'p>,
        of_class: &[Decoration<'p>],
        of_method: &[Decoration<'p>],
    ) -> Vec<Layer<'p>> {
        let mut out = Vec::new();
        let of = |kind| said(of_method, kind).or_else(|| said(of_class, kind));
        let strategies: Vec<Value<'p>> = match of("authenticate") {
            Some(Said::Skips) => Vec::new(),
            Some(Said::With(decoration)) => {
                let args = decoration.args.positional.iter();
                args.flat_map(scripts::flat).filter(is_strategy).collect()
            }
            None => access.default.as_ref().map(scripts::flat).unwrap_or_default(),
        };
        if !strategies.is_empty() {
            let layers: Vec<Layer<'p>> = strategies.iter().map(|it| self.strategy(it)).collect();
            let layer = match <[Layer<'p>; 1]>::try_from(layers) {
                Ok([layer]) => layer,
                Err(layers) => Layer::first_of(layers),
            };
            match access.authentication {
                Installed::Yes => out.push(layer),
                Installed::Perhaps => out.push(Layer::decided(AuthState::Unknown, &layer.name)),
                Installed::No => {}
            }
        }
        if let Some(Said::With(decoration)) = of("authorize") {
            match access.authorization {
                Installed::Yes => out.push(self.authorization(access, decoration)),
                Installed::Perhaps => out.push(Layer::decided(AuthState::Unknown, "authorize")),
                Installed::No => {}
            }
        }
        out
    }

    /// What `@authorize(metadata)` does to a caller who is nobody: one that denies is enough, and
    /// where nobody decides it is denied.
    fn authorization(&self, access: &Access<'p>, decoration: &Decoration<'p>) -> Layer<'p> {
        let metadata = decoration.args.positional.first().cloned().unwrap_or_default();
        let roles = entry_of(Some(&metadata), &["allowedRoles"]);
        let is_open = roles.is_some_and(|roles| {
            scripts::flat(&roles)
                .iter()
                .any(|role| role.as_str().is_none_or(|role| OPEN_ROLES.contains(&role)))
        });
        let voters = entry_of(Some(&metadata), &["voters"]);
        let voters = voters.as_ref().map(scripts::flat).unwrap_or_default();
        let context = Value::map(
            ["principals", "roles", "scopes"]
                .iter()
                .map(|name| (Value::text(name), Value::list(vec![Value::None])))
                .collect(),
        );
        let mut is_allowed = false;
        for authorizer in access.authorizers.iter().chain(&voters) {
            let args = Args::of(vec![context.clone(), metadata.clone()]);
            let decided = self.trace.call_with(authorizer, args);
            match &decided {
                Value::External(path) if path.ends_with(".DENY") => {
                    return Layer::decided(AuthState::Required, "authorize");
                }
                Value::External(path) if path.ends_with(".ABSTAIN") => {}
                _ => is_allowed = true,
            }
        }
        let state = match is_allowed || is_open {
            true => AuthState::Unknown,
            false => AuthState::Required,
        };
        Layer::decided(state, "authorize")
    }

    /// A strategy by its name: one of the program is asked.
    fn strategy(&self, value: &Value<'p>) -> Layer<'p> {
        let name = value.entry("strategy").unwrap_or_else(|| value.clone());
        let shown = name.as_str().unwrap_or("authenticate").to_owned();
        for class in self.trace.classes.iter() {
            let Some((Value::Function(_), _)) = class.attribute("authenticate") else { continue };
            if !has_name(class) {
                continue;
            }
            let instance = self.trace.call_with(&Value::Class(Rc::clone(class)), Args::default());
            let own = self.trace.attribute(&instance, "name");
            if !own.is_same(&name) && (own.as_str().is_none() || own.as_str() != name.as_str()) {
                continue;
            }
            let function = self.trace.attribute(&instance, "authenticate");
            let args = Args::of(vec![values::request()]);
            let layer = Layer::new(self.trace, LayerKind::Dependency, function, args);
            return Layer { name: shown, ..layer };
        }
        Layer::decided(AuthState::Required, &shown)
    }

    fn interceptors(&self, decorations: &[Decoration<'p>]) -> Vec<Layer<'p>> {
        let intercepting = decorations.iter().filter(|it| it.path == "@loopback/core.intercept");
        let values = intercepting.flat_map(|it| it.args.positional.iter().flat_map(scripts::flat));
        let layer = |value| {
            let args = Args::of(vec![values::context(), values::next()]);
            Layer::new(self.trace, LayerKind::Middleware, value, args)
        };
        values.filter(|value| matches!(value, Value::Function(_))).map(layer).collect()
    }

    /// What a method is called with; nobody is known where nothing asked.
    fn arguments(&self, closure: &Rc<Closure<'p>>, is_open: bool) -> Args<'p> {
        let argument = |param: &'p Param| match self.injected(closure, param) {
            Some((Value::External(path), _)) => {
                if path.ends_with(".Http.REQUEST") {
                    values::request()
                } else if path.ends_with(".Http.RESPONSE") {
                    values::response()
                } else if path.ends_with("SecurityBindings.USER") && is_open {
                    Value::Absent
                } else {
                    Value::Unknown
                }
            }
            _ => Value::Unknown,
        };
        Args::of(closure.function.params.iter().map(argument).collect())
    }

    /// What an application is given without a controller: `route`, `redirect`, a router of Express.
    fn registered(
        &self,
        graph: &mut Graph<'p>,
        application: &Application<'p>,
        access: &Access<'p>,
    ) {
        let base = &access.base;
        for (at, method, call) in &application.members {
            graph.at(*at);
            let args = &call.args.positional;
            let conditional = call.conditions > application.call.conditions
                && !self.is_started(application, call);
            match method.as_str() {
                "route" => {
                    let made = args.first().and_then(|first| self.trace.made(first));
                    let args = made.as_ref().map_or(args, |made| &made.args.positional);
                    let Some(verb) = args.first().and_then(Value::as_str) else { continue };
                    let handler = match (args.get(3), args.last().and_then(Value::as_str)) {
                        (Some(Value::Class(class)), Some(name)) => Handler::of_method(class, name),
                        (value, _) => Handler::of(value, call.place),
                    };
                    let path = joined(base, &Text::default(), &path_text(args.get(1)));
                    let methods = (vec![verb.to_ascii_uppercase()], true);
                    let registration = Registration::new(methods, path, handler);
                    graph.route(application.id, Registration { conditional, ..registration });
                }
                "redirect" => {
                    let path = joined(base, &Text::default(), &path_text(args.first()));
                    let handler = Handler::of(None, call.place);
                    let registration =
                        Registration::new((vec!["GET".to_owned()], true), path, handler);
                    graph.route(application.id, Registration { conditional, ..registration });
                }
                "mountExpressRouter" => {
                    let Some(child) = args.get(1).and_then(made_by) else { continue };
                    let prefix = joined(base, &Text::default(), &path_text(args.first()));
                    graph.mount(application.id, child, prefix, conditional);
                }
                _ => {}
            }
        }
        graph.at(application.id);
    }

    /// Routes of models that `@loopback/rest-crud` makes of configurations in files.
    fn crud(&self, graph: &mut Graph<'p>, application: &Application<'p>, access: &Access<'p>) {
        let trace = self.trace;
        let found = application.found(trace, "modelApi", "model-endpoints", ".rest-config.js");
        for file in found {
            let Some(config) = trace.default_export(file) else { continue };
            if config.entry("pattern").as_ref().and_then(Value::as_str) != Some("CrudRest") {
                continue;
            }
            let base = config.entry("basePath");
            let base = base.map_or_else(|| Text::hole(""), |base| base.to_text());
            let only_reads = matches!(config.entry("readonly"), Some(Value::Bool(true)));
            let place = config.map_place();
            let place = place.unwrap_or_else(|| Place { file, ..application.call.place });
            let routes = if only_reads { &CRUD[..CRUD_READS] } else { CRUD };
            for (verb, path) in routes {
                let path = joined(&access.base, &base, &Text::literal(path));
                let handler = Handler::of(None, place);
                let registration =
                    Registration::new((vec![(*verb).to_owned()], true), path, handler);
                graph.route(application.id, registration);
            }
        }
    }
}

/// Whether an argument of `@authenticate` is a strategy, and not the options of an older form.
fn is_strategy(value: &Value<'_>) -> bool {
    !matches!(value, Value::Map(_)) || value.entry("strategy").is_some()
}

/// Whether a class has a field that is its name.
fn has_name(class: &Rc<ClassValue<'_>>) -> bool {
    class.lineage().0.iter().any(|owner| {
        owner.class.body.iter().any(|stmt| {
            matches!(&stmt.kind, StmtKind::Bind(bind)
                if matches!(&bind.target.kind, ExprKind::Name(name) if name == "name"))
        })
    })
}
