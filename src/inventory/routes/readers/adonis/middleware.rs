//! Middleware: what the server and the router are given for all routes, and what a program gives
//! names.

use std::collections::BTreeMap;
use std::rc::Rc;

use smol_str::SmolStr;

use super::controllers::{class_of, lazily};
use super::{ROUTERS, SERVERS, first, of};
use crate::eval::interpreter::Trace;
use crate::eval::value::{Args, CallId, FileId, Value};
use crate::inventory::routes::adonis;
use crate::inventory::routes::caller::values;
use crate::inventory::routes::graph::{Layer, LayerKind};
use crate::inventory::routes::readers::scripts::{self, Written};

/// The middleware of a program.
#[derive(Default)]
pub(super) struct Middleware<'p> {
    server: Vec<Layer<'p>>,
    router: Vec<Layer<'p>>,
    /// What has names, by the call that gave these.
    named: BTreeMap<CallId, Value<'p>>,
    /// The call by which version 5 gives names for all.
    texts: Option<CallId>,
    /// What was made of names without options.
    made: BTreeMap<(CallId, SmolStr), Vec<Layer<'p>>>,
}

impl<'p> Middleware<'p> {
    /// What all files of a program say.
    pub(super) fn of(trace: &Trace<'p>) -> Self {
        let mut out = Self::default();
        let mut texts = None;
        for (id, call) in trace.records() {
            let Some(path) = call.path() else { continue };
            let given = || scripts::arguments(call, 0).into_iter();
            match (of(path, ROUTERS), of(path, SERVERS)) {
                (Some("named"), _) | (_, Some("middleware.registerNamed")) => {
                    out.named.insert(id, first(call).cloned().unwrap_or_default());
                    texts = texts.or(of(path, SERVERS).map(|_| id));
                }
                (Some("use"), _) => {
                    let layers = given().flat_map(|it| out.layers(trace, it, call.place.file));
                    let layers: Vec<_> =
                        layers.map(|layer| ambient(layer, call.conditional)).collect();
                    out.router.extend(layers);
                }
                (_, Some("use" | "middleware.register")) => {
                    let layers = given().flat_map(|it| out.layers(trace, it, call.place.file));
                    let layers: Vec<_> =
                        layers.map(|layer| ambient(layer, call.conditional)).collect();
                    out.server.extend(layers);
                }
                _ => {}
            }
        }
        out.texts = texts;
        out
    }

    /// What stands before every route.
    pub(super) fn for_all(&self) -> Vec<Layer<'p>> {
        self.server.iter().chain(&self.router).cloned().collect()
    }

    /// The layers that a value is which a route, a group or an application is given.
    pub(super) fn layers(
        &mut self,
        trace: &Trace<'p>,
        (value, expr): Written<'p>,
        file: FileId,
    ) -> Vec<Layer<'p>> {
        match &value {
            Value::List(_) => {
                let each = scripts::flat(&value).into_iter();
                each.flat_map(|each| self.layers(trace, (each, None), file)).collect()
            }
            Value::Native(_) => {
                let Some(record) = trace.made(&value) else { return Vec::new() };
                match record.member() {
                    Some((named, name)) if self.named.contains_key(&named) => {
                        self.named_layers(trace, named, &name, first(&record).cloned())
                    }
                    _ => vec![middleware(trace, value, None).called(expr)],
                }
            }
            // `auth:web,api`
            Value::Text(text) => {
                let (Some(named), Some(text)) = (self.texts, text.as_literal()) else {
                    return Vec::new();
                };
                let (name, options) = text.split_once(':').unwrap_or((text, ""));
                let options = (!options.is_empty())
                    .then(|| Value::list(options.split(',').map(Value::text).collect()));
                self.named_layers(trace, named, &name.into(), options)
            }
            _ => one(trace, &value, None, file).into_iter().map(|it| it.called(expr)).collect(),
        }
    }

    fn named_layers(
        &mut self,
        trace: &Trace<'p>,
        named: CallId,
        name: &SmolStr,
        options: Option<Value<'p>>,
    ) -> Vec<Layer<'p>> {
        let key = (named, name.clone());
        if options.is_none()
            && let Some(known) = self.made.get(&key)
        {
            return known.clone();
        }
        let call = trace.call(named);
        let file = call.map_or(FileId(0), |call| call.place.file);
        let entry = self.named.get(&named).and_then(|names| names.entry(name));
        let is_plain = options.is_none();
        let layers: Vec<_> = match entry {
            Some(entry) => one(trace, &entry, options, file).into_iter().collect(),
            // What nobody finds is known by its name alone.
            None => vec![Layer {
                name: name.to_string(),
                ..Layer::new(
                    trace,
                    LayerKind::Middleware,
                    Value::External(format!("middleware.{name}").into()),
                    Args::default(),
                )
            }],
        };
        let layers: Vec<_> =
            layers.into_iter().map(|layer| Layer { name: name.to_string(), ..layer }).collect();
        if is_plain {
            self.made.insert(key, layers.clone());
        }
        layers
    }
}

fn ambient(layer: Layer<'_>, conditional: bool) -> Layer<'_> {
    let kind = match layer.kind {
        LayerKind::Middleware => LayerKind::Ambient,
        kind => kind,
    };
    Layer { kind, ambient: true, conditional: layer.conditional || conditional, ..layer }
}

/// The layer of a middleware, but for those that the framework brings, which turn nobody away.
fn one<'p>(
    trace: &Trace<'p>,
    value: &Value<'p>,
    options: Option<Value<'p>>,
    file: FileId,
) -> Option<Layer<'p>> {
    let found = lazily(trace, value);
    if let Value::External(path) = &found
        && path.starts_with('@')
    {
        return None;
    }
    let class = match &found {
        Value::Object(_) => {
            return Some(middleware(trace, trace.attribute(&found, "handle"), options));
        }
        Value::Text(text) => {
            // A module by its name alone.
            let module = Value::Text(Rc::clone(text));
            class_of(trace, &module, file, Some("App/Middleware"))
        }
        other => class_of(trace, other, file, None),
    };
    let Some(class) = class else { return Some(middleware(trace, found, options)) };
    // Each has an instance of its own, since what it is given is part of what it does.
    let args = Args { open: true, ..Args::default() };
    let instance = trace.call_with(&Value::Class(Rc::clone(&class)), args);
    let name = class.qualified.rsplit('.').next().unwrap_or_default().to_owned();
    let layer = middleware(trace, trace.attribute(&instance, "handle"), options);
    Some(Layer { name, ..layer })
}

fn middleware<'p>(trace: &Trace<'p>, value: Value<'p>, options: Option<Value<'p>>) -> Layer<'p> {
    let mut args = vec![adonis::context(), values::next()];
    args.extend(options);
    Layer::new(trace, LayerKind::Middleware, value, Args::of(args))
}
