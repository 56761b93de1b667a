//! Who may call a method: authentication by strategies, authorization, interceptors.

use std::rc::Rc;

use super::application::{Application, Installed};
use super::{Reading, entry_of};
use crate::eval::text::Text;
use crate::eval::value::{Args, CallRecord, ClassValue, Closure, Value};
use crate::inventory::routes::AuthState;
use crate::inventory::routes::caller::values;
use crate::inventory::routes::decorations::Decoration;
use crate::inventory::routes::graph::{Layer, LayerKind};
use crate::inventory::routes::readers::scripts;
use crate::module::{ExprKind, Param, StmtKind};

/// Roles that everybody has.
const OPEN_ROLES: &[&str] = &["$everyone", "$unauthenticated"];

/// What an application's handlers stand behind.
pub(super) struct Access<'p> {
    pub(super) authentication: Installed,
    pub(super) authorization: Installed,
    /// What holds where a method and its class say nothing.
    pub(super) default: Option<Value<'p>>,
    /// Functions that say who may do what.
    pub(super) authorizers: Vec<Value<'p>>,
    pub(super) base: Text,
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

impl<'p> Reading<'_, 'p> {
    pub(super) fn access(&self, application: &Application<'p>) -> Access<'p> {
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

    /// What authentication and authorization put before a method.
    pub(super) fn layers(
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

    pub(super) fn interceptors(&self, decorations: &[Decoration<'p>]) -> Vec<Layer<'p>> {
        let intercepting = decorations.iter().filter(|it| it.path == "@loopback/core.intercept");
        let values = intercepting.flat_map(|it| it.args.positional.iter().flat_map(scripts::flat));
        let layer = |value| {
            let args = Args::of(vec![values::context(), values::next()]);
            Layer::new(self.trace, LayerKind::Middleware, value, args)
        };
        values.filter(|value| matches!(value, Value::Function(_))).map(layer).collect()
    }

    /// What a method is called with; nobody is known where nothing asked.
    pub(super) fn arguments(&self, closure: &Rc<Closure<'p>>, is_open: bool) -> Args<'p> {
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
