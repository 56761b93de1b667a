//! Middleware that modules of Nest put before routes:
//! `consumer.apply(M).exclude(…).forRoutes(…)`.

use std::rc::Rc;

use super::container::{Container, forwarded};
use super::paths::{Composition, Excluded, excluded, optional, request_method, shape, versions};
use crate::eval::interpreter::Trace;
use crate::eval::text::Text;
use crate::eval::value::{Args, CallId, CallRecord, ClassValue, Value};
use crate::inventory::routes::caller::values;
use crate::inventory::routes::graph::{Layer, LayerKind, name_of};
use crate::inventory::routes::pattern;

use super::super::scripts;

/// Stands for what a module's `configure` is given.
const CONSUMER: &str = "nest.consumer";
/// Calls in one chain.
const MAX_CHAIN: usize = 16;

/// Middleware of one `forRoutes`.
pub(super) struct Middleware<'p> {
    layers: Vec<Layer<'p>>,
    exclude: Vec<Excluded>,
    targets: Vec<Target<'p>>,
}

/// What it stands before.
enum Target<'p> {
    /// Every route of a controller.
    Controller(Rc<ClassValue<'p>>),
    /// What lies below a path; of one method, the path itself.
    Path { path: String, method: Option<String> },
}

/// The route that is asked about.
pub(super) struct Asked<'a, 'p> {
    pub(super) controller: &'a Rc<ClassValue<'p>>,
    pub(super) path: &'a Text,
    /// `None` is any.
    pub(super) verb: Option<&'a str>,
}

/// What the module of a class puts before routes.
pub(super) fn of_module<'p>(
    trace: &Trace<'p>,
    container: &Container<'_, 'p>,
    module: &Rc<ClassValue<'p>>,
    composition: &Composition,
) -> Vec<Middleware<'p>> {
    if !matches!(module.attribute("configure"), Some((Value::Function(_), _))) {
        return Vec::new();
    }
    let instance = container.instance_of(&Value::Class(Rc::clone(module)), 0);
    let configure = trace.attribute(&instance, "configure");
    let (_, calls) = trace.run(&configure, Args::of(vec![Value::External(CONSUMER.into())]));
    let read = |call: Rc<CallRecord<'p>>| {
        let (receiver, method) = call.method()?;
        if method != "forRoutes" {
            return None;
        }
        let chain = Chain::of(trace, receiver)?;
        let targets = chain.targets(trace, &call, composition);
        let whole = targets.iter().any(|target| match target {
            Target::Path { path, method: None } => is_all(path, composition),
            _ => false,
        });
        let kind = if whole { LayerKind::Ambient } else { LayerKind::Middleware };
        let layers = chain.applied.iter().map(|value| Layer {
            conditional: call.conditional,
            ..layer(trace, container, value, kind)
        });
        Some(Middleware {
            layers: layers.collect(),
            exclude: chain.exclusions(composition),
            targets,
        })
    };
    calls.into_iter().filter_map(|id| trace.call(id)).filter_map(read).collect()
}

/// Whether a path is where all routes lie below.
fn is_all(path: &str, composition: &Composition) -> bool {
    let prefix = composition.prefix.as_ref().map(shape).unwrap_or_default();
    let rest = path.trim_matches('/').strip_prefix(prefix.trim_matches('/'));
    rest.is_some_and(|rest| rest.is_empty() || rest.trim_matches('/').ends_with("*}"))
}

/// What middleware is called with.
pub(super) fn arguments<'p>() -> Args<'p> {
    Args::of(vec![values::request(), values::response(), values::next()])
}

/// A middleware as a layer.
pub(super) fn layer<'p>(
    trace: &Trace<'p>,
    container: &Container<'_, 'p>,
    value: &Value<'p>,
    kind: LayerKind,
) -> Layer<'p> {
    let value = forwarded(trace, value);
    let args = arguments();
    let Value::Class(_) = &value else { return Layer::new(trace, kind, value, args) };
    let name = name_of(trace, &value);
    let instance = container.instance_of(&value, 0);
    Layer { name, ..Layer::new(trace, kind, trace.attribute(&instance, "use"), args) }
}

/// The calls before a `forRoutes`.
struct Chain<'p> {
    applied: Vec<Value<'p>>,
    excluded: Vec<Value<'p>>,
}

impl<'p> Chain<'p> {
    fn of(trace: &Trace<'p>, last: CallId) -> Option<Self> {
        let mut out = Self { applied: Vec::new(), excluded: Vec::new() };
        let mut at = last;
        for _ in 0..MAX_CHAIN {
            let call = trace.call(at)?;
            let args = scripts::arguments(&call, 0).into_iter().map(|(value, _)| value);
            let method = call.method().map(|(receiver, method)| (receiver, method.to_owned()));
            match method {
                Some((receiver, method)) if method == "exclude" => {
                    out.excluded.extend(args);
                    at = receiver;
                }
                // `consumer.apply(A).forRoutes(…).apply(B)`
                Some((_, method)) if method == "apply" => {
                    out.applied.extend(args);
                    return Some(out);
                }
                Some((receiver, _)) => at = receiver,
                None if call.path() == Some("nest.consumer.apply") => {
                    out.applied.extend(args);
                    return Some(out);
                }
                None => return None,
            }
        }
        None
    }

    fn targets(
        &self,
        trace: &Trace<'p>,
        call: &CallRecord<'p>,
        composition: &Composition,
    ) -> Vec<Target<'p>> {
        let mut out = Vec::new();
        for (value, _) in scripts::arguments(call, 0) {
            let (path, method, version) = match forwarded(trace, &value) {
                Value::Class(class) => {
                    out.push(Target::Controller(class));
                    continue;
                }
                value @ Value::Text(_) => (value, None, None),
                value @ Value::Map(_) => match value.entry("path") {
                    Some(path) => (path, value.entry("method"), value.entry("version")),
                    None => continue,
                },
                _ => continue,
            };
            let versions = version.as_ref().map(versions);
            let method = method.as_ref().and_then(request_method);
            for path in optional(&path.to_text()) {
                for path in composition.middleware_paths(&path, versions.as_deref()) {
                    out.push(Target::Path { path: shape(&path), method: method.clone() });
                }
            }
        }
        out
    }

    fn exclusions(&self, composition: &Composition) -> Vec<Excluded> {
        let mut out = Vec::new();
        for value in &self.excluded {
            let versions = value.entry("version").as_ref().map(versions);
            for one in excluded(value) {
                let path = Text::literal(&one.path);
                for whole in composition.middleware_paths(&path, versions.as_deref()) {
                    out.push(Excluded { path: whole.to_string(), method: one.method.clone() });
                }
            }
        }
        out
    }
}

impl<'p> Middleware<'p> {
    /// Its layers, where it stands before a route.
    pub(super) fn before(&self, asked: &Asked<'_, 'p>) -> &[Layer<'p>] {
        let path = shape(asked.path);
        let of_method = |method: &Option<String>| match method {
            None => true,
            Some(wanted) => asked.verb == Some(wanted),
        };
        let excluded = self.exclude.iter().any(|excluded| {
            of_method(&excluded.method)
                && pattern::covers(excluded.path.as_str().into(), false, path.as_str().into())
        });
        let meets = self.targets.iter().any(|target| match target {
            Target::Controller(class) => Rc::ptr_eq(class, asked.controller),
            Target::Path { path: below, method } => {
                of_method(method)
                    && pattern::covers(
                        below.as_str().into(),
                        method.is_none(),
                        path.as_str().into(),
                    )
            }
        });
        if meets && !excluded { &self.layers } else { &[] }
    }
}
