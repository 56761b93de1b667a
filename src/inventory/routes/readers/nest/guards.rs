//! Nest's guards: classes whose `canActivate` lets a request go on, and what libraries offer of
//! them.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::container::{Container, forwarded};
use crate::eval::interpreter::Trace;
use crate::eval::value::{Args, CallId, CallRecord, ClassValue, Value};
use crate::inventory::routes::AuthState;
use crate::inventory::routes::caller::values;
use crate::inventory::routes::decorations::Decoration;
use crate::inventory::routes::graph::{Layer, LayerKind, name_of};
use crate::inventory::routes::guards as libraries;

/// Decorators of libraries that let anonymous callers pass the guards of these.
const OPENING: &[&str] =
    &["Public", "Unprotected", "AllowAnonymous", "SkipAuth", "Anonymous", "NoAuth", "OptionalAuth"];

/// Makes a guard of a strategy of passport.
const AUTH_GUARD: &str = "@nestjs/passport.AuthGuard";

/// Makes layers of guards, each once.
pub(super) struct Guards<'t, 'p> {
    trace: &'t Trace<'p>,
    /// The strategies of passport that the program has, by name.
    strategies: BTreeMap<String, Rc<ClassValue<'p>>>,
    known: RefCell<BTreeMap<Key, Layer<'p>>>,
}

/// What stands for a guard that is the same wherever it is used.
type Key = (u8, usize);

fn key(value: &Value<'_>) -> Option<Key> {
    match value {
        Value::Class(class) => Some((0, Rc::as_ptr(class) as usize)),
        Value::Object(object) => Some((1, Rc::as_ptr(object) as usize)),
        Value::Native(CallId(id)) => Some((2, usize::try_from(*id).ok()?)),
        _ => None,
    }
}

/// What guards are called with.
fn context<'p>() -> Args<'p> {
    Args::of(vec![values::context()])
}

impl<'t, 'p> Guards<'t, 'p> {
    pub(super) fn new(trace: &'t Trace<'p>) -> Self {
        Self { trace, strategies: strategies(trace), known: RefCell::default() }
    }

    /// The layer of a guard as `@UseGuards(…)` or a provider names it. `route` is what was applied
    /// to the route's method and class.
    pub(super) fn layer(
        &self,
        container: &Container<'_, 'p>,
        guard: &Value<'p>,
        route: &[&Decoration<'p>],
    ) -> Layer<'p> {
        let guard = forwarded(self.trace, guard);
        if let Value::Choice(values) = &guard {
            let of = |value| Layer { conditional: true, ..self.layer(container, value, route) };
            let layers: Vec<Layer<'p>> = values.iter().map(of).collect();
            return Layer::any(layers);
        }
        if let Value::External(path) = &guard {
            return self.of_library(path, route);
        }
        let key = key(&guard);
        if let Some(known) = key.and_then(|key| self.known.borrow().get(&key).cloned()) {
            return known;
        }
        let layer = self.make(container, &guard, route);
        // What is decided may be so for this route alone.
        if let Some(key) = key
            && !matches!(layer.kind, LayerKind::Decided(_))
        {
            self.known.borrow_mut().insert(key, layer.clone());
        }
        layer
    }

    fn make(
        &self,
        container: &Container<'_, 'p>,
        guard: &Value<'p>,
        route: &[&Decoration<'p>],
    ) -> Layer<'p> {
        let unknown = || Layer::decided(AuthState::Unknown, &name_of(self.trace, guard));
        match guard {
            Value::Class(class) => {
                let instance = container.instance_of(guard, 0);
                self.of_instance(container, class, &instance, route)
            }
            Value::Object(object) => self.of_instance(container, &object.class, guard, route),
            Value::Native(_) => {
                let Some(made) = self.trace.made(guard) else { return unknown() };
                let path = self.trace.path_of(&made);
                if path == AUTH_GUARD {
                    return self.of_strategies(container, &made);
                }
                // `app.get(Guard)`, `moduleRef.get(Guard)`.
                let wanted = made.args.positional.first();
                if let (Some((_, "get" | "resolve")), Some(class @ Value::Class(_))) =
                    (made.method(), wanted)
                {
                    return self.layer(container, class, route);
                }
                if made.path().is_some() { self.of_library(&path, route) } else { unknown() }
            }
            // `{ canActivate: () => true }`
            Value::Map(_) => match guard.entry("canActivate") {
                Some(function @ Value::Function(_)) => {
                    Layer::new(self.trace, LayerKind::Predicate, function, context())
                }
                _ => unknown(),
            },
            _ => unknown(),
        }
    }

    fn of_instance(
        &self,
        container: &Container<'_, 'p>,
        class: &Rc<ClassValue<'p>>,
        instance: &Value<'p>,
        route: &[&Decoration<'p>],
    ) -> Layer<'p> {
        let name = name_of(self.trace, &Value::Class(Rc::clone(class)));
        let own = |method: &str| match self.trace.attribute(instance, method) {
            function @ Value::Function(_) => Some(function),
            _ => None,
        };
        let layer = |kind, value, args| Layer {
            name: name.clone(),
            ..Layer::new(self.trace, kind, value, args)
        };
        if let Some(function) = own("canActivate") {
            return layer(LayerKind::Predicate, function, context());
        }
        if let Some(made) = class.made_base().and_then(|base| self.trace.made(&base))
            && self.trace.path_of(&made) == AUTH_GUARD
        {
            let by_strategy = self.of_strategies(container, &made);
            // What a strategy lets in, `handleRequest` is not told of.
            return match (own("handleRequest"), by_strategy.kind) {
                (Some(function), LayerKind::Decided(AuthState::Required)) => {
                    layer(LayerKind::Dependency, function, Args::of(libraries::nobody_found()))
                }
                _ => Layer { name, ..by_strategy },
            };
        }
        match class.outside_base() {
            Some(base) => Layer { name, ..self.of_library(&base, route) },
            None => Layer::decided(AuthState::Unknown, &name),
        }
    }

    /// `AuthGuard(strategies)`: one of them is enough.
    fn of_strategies(&self, container: &Container<'_, 'p>, made: &Rc<CallRecord<'p>>) -> Layer<'p> {
        let first = made.args.positional.first();
        let names = match first {
            Some(Value::List(items)) => items.borrow().clone(),
            Some(value) => vec![value.clone()],
            None => Vec::new(),
        };
        let layers: Vec<Layer<'p>> =
            names.iter().map(|name| self.of_strategy(container, name)).collect();
        match <[Layer<'p>; 1]>::try_from(layers) {
            Ok([layer]) => layer,
            Err(layers) if layers.is_empty() => Layer::decided(AuthState::Required, "AuthGuard"),
            Err(layers) => Layer::any(layers),
        }
    }

    fn of_strategy(&self, container: &Container<'_, 'p>, name: &Value<'p>) -> Layer<'p> {
        let decided = |state| Layer::decided(state, "AuthGuard");
        let Some(text) = name.as_str() else { return decided(AuthState::Required) };
        let class = self.strategies.get(text);
        let base = class.and_then(|class| self.base_of(class)).unwrap_or_default();
        if base.starts_with("passport-anonymous") {
            return decided(AuthState::Optional);
        }
        // What decides for itself is asked.
        if base.starts_with("passport-custom")
            && let Some(class) = class
            && let instance = container.instance_of(&Value::Class(Rc::clone(class)), 0)
            && let validate @ Value::Function(_) = self.trace.attribute(&instance, "validate")
        {
            let args = Args::of(vec![values::request()]);
            let layer = Layer::new(self.trace, LayerKind::Predicate, validate, args);
            return Layer { name: "AuthGuard".to_owned(), ..layer };
        }
        let args = Args::of(vec![name.clone()]);
        let state = libraries::library("passport.authenticate", &args);
        decided(state.unwrap_or(AuthState::Required))
    }

    /// The strategy of a library that a strategy of the program extends.
    fn base_of(&self, class: &Rc<ClassValue<'p>>) -> Option<String> {
        match self.trace.made(&class.made_base()?)?.args.positional.first()? {
            Value::External(path) => Some(path.to_string()),
            _ => None,
        }
    }

    /// A guard of a library, known by its name.
    fn of_library(&self, path: &str, route: &[&Decoration<'p>]) -> Layer<'p> {
        let (package, name) = path.rsplit_once('.').unwrap_or(("", path));
        let state = match libraries::library(path, &Args::default()) {
            Some(state) => state,
            None if name.contains("Throttler") || package.starts_with("@nestjs/") => {
                AuthState::None
            }
            None if name.contains("Auth") || name.contains("Jwt") => AuthState::Required,
            None => AuthState::Unknown,
        };
        let opened = route.iter().any(|decoration| {
            !package.is_empty()
                && decoration.path.starts_with(package)
                && OPENING.contains(&decoration.name())
        });
        match state {
            AuthState::Required if opened => Layer::decided(AuthState::Optional, name),
            state => Layer::decided(state, name),
        }
    }
}

/// The strategies of passport that a program has: `class X extends PassportStrategy(Strategy, name)`.
fn strategies<'p>(trace: &Trace<'p>) -> BTreeMap<String, Rc<ClassValue<'p>>> {
    let mut out = BTreeMap::new();
    for class in trace.classes.iter() {
        let Some(base) = class.made_base() else { continue };
        let Some(made) = trace.made(&base) else { continue };
        if !trace.path_of(&made).ends_with(".PassportStrategy") {
            continue;
        }
        let name = match (made.args.positional.get(1), made.args.positional.first()) {
            (Some(name), _) => name.as_str().map(str::to_owned),
            // The name that the library gives it, which is mostly that of its package.
            (None, Some(Value::External(path))) => {
                let package = path.rsplit_once('.').map_or(path.as_str(), |(package, _)| package);
                let name = package.rsplit('/').next().unwrap_or(package);
                Some(name.trim_start_matches("passport-").to_owned())
            }
            _ => None,
        };
        if let Some(name) = name {
            out.entry(name).or_insert_with(|| Rc::clone(class));
        }
    }
    out
}
