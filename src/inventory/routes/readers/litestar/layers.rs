//! What stands before handlers: guards, middleware, dependencies, and notes that these look at.

use super::{Reader, library};
use crate::eval::value::{Args, Value};
use crate::inventory::routes::AuthState;
use crate::inventory::routes::caller::values;
use crate::inventory::routes::graph::{Layer, LayerKind, Spared, name_of};
use crate::inventory::routes::readers::fastapi::items;

/// The note on a handler that says that no authentication stands before it.
const NOT_ASKED: &str = "exclude_from_auth";

/// The notes of a dictionary that are not false, with whether they are surely true.
pub(super) fn notes(map: Option<&Value<'_>>) -> Vec<(String, bool)> {
    let Some(Value::Map(entries)) = map else { return Vec::new() };
    let entries = entries.borrow();
    let named = entries.iter().filter_map(|(key, value)| Some((key.as_str()?, value.truth())));
    named
        .filter(|(_, truth)| *truth != Some(false))
        .map(|(name, truth)| (name.to_owned(), truth == Some(true)))
        .collect()
}

impl<'p> Reader<'_, '_, 'p> {
    /// The dependencies of a dictionary, by name: what is called for them.
    pub(super) fn dependencies(&self, map: Option<&Value<'p>>) -> Vec<(String, Value<'p>)> {
        let Some(Value::Map(entries)) = map else { return Vec::new() };
        let called = |value: &Value<'p>| {
            let record = self.trace.made(value)?;
            let provides = record.path().and_then(library) == Some("Provide");
            record.args.get(0, "dependency").filter(|_| provides).cloned()
        };
        let entries = entries.borrow();
        let named = entries.iter().rev().filter_map(|(key, value)| Some((key.as_str()?, value)));
        named
            .map(|(name, value)| (name.to_owned(), called(value).unwrap_or_else(|| value.clone())))
            .collect()
    }

    /// `guards=[f, …]`: each is called with the connection and the handler.
    pub(super) fn guards(&self, list: Option<&Value<'p>>) -> Vec<Layer<'p>> {
        let args = Args::of(vec![values::request(), values::view()]);
        let guard = |(value, certain): (Value<'p>, bool)| {
            let mut layer = Layer::new(self.trace, LayerKind::Dependency, value, args.clone());
            layer.conditional = !certain;
            layer
        };
        items(list).into_iter().map(guard).collect()
    }

    /// `middleware=[Class, DefineMiddleware(Class, …), …]`.
    pub(super) fn middlewares(&self, list: Option<&Value<'p>>) -> Vec<Layer<'p>> {
        let mut out = Vec::new();
        for (value, certain) in items(list) {
            if let Some(mut layer) = self.middleware(&value) {
                layer.conditional |= !certain;
                out.push(layer);
            }
        }
        out
    }

    pub(super) fn middleware(&self, value: &Value<'p>) -> Option<Layer<'p>> {
        if let Some(layer) = self.authentication(value) {
            return Some(layer);
        }
        let (made, options) = match self.trace.made(value) {
            Some(record) if record.path().and_then(library) == Some("DefineMiddleware") => {
                let (class, rest) = record.args.positional.split_first()?;
                let options = Args { positional: rest.to_vec(), ..record.args.clone() };
                (class.clone(), options)
            }
            Some(_) => return None,
            None => (value.clone(), Args::default()),
        };
        let mut layer = self.before(&made, &options)?;
        layer.name = name_of(self.trace, &made);
        Some(layer)
    }

    fn before(&self, made: &Value<'p>, options: &Args<'p>) -> Option<Layer<'p>> {
        let connection = |kind: LayerKind, value: Value<'p>, rest: Option<Value<'p>>| {
            let mut args = vec![values::scope(), Value::Unknown, values::send()];
            args.extend(rest);
            Layer::new(self.trace, kind, value, Args::of(args))
        };
        let class = match made {
            Value::Class(class) => class,
            Value::Object(object) => &object.class,
            // A function that is given the application gives another.
            Value::Function(_) => {
                let (inner, _) = self.trace.run(made, with_application(options));
                let asgi = matches!(inner, Value::Function(_) | Value::Object(_));
                return asgi.then(|| connection(LayerKind::Ambient, inner, None));
            }
            _ => return None,
        };
        let has = |name: &str| matches!(class.attribute(name), Some((Value::Function(_), _)));
        if has("authenticate_request") {
            let instance = self.trace.instance(class);
            let asked = self.trace.attribute(&instance, "authenticate_request");
            let args = Args::of(vec![values::request()]);
            let mut layer = Layer::new(self.trace, LayerKind::Lookup, asked, args);
            let of_class = |name: &str| class.attribute(name).map(|(value, _)| value);
            layer.spares = spares(
                options.keyword("exclude").cloned().or_else(|| of_class("exclude")).as_ref(),
                options.keyword("exclude_from_auth_key").or(options.keyword("exclude_opt_key")),
            );
            return Some(layer);
        }
        let (instance, _) = match made {
            Value::Class(_) => self.trace.run(made, with_application(options)),
            object => (object.clone(), Vec::new()),
        };
        if has("handle") {
            let handle = self.trace.attribute(&instance, "handle");
            return Some(connection(LayerKind::Ambient, handle, Some(values::handler())));
        }
        has("__call__").then(|| {
            let mut layer = connection(LayerKind::Ambient, instance, None);
            layer.spares = spares(options.keyword("exclude"), None);
            layer
        })
    }

    /// What an authentication of the library puts before handlers, as `JWTAuth` does: nobody gets
    /// in whom it does not know.
    pub(super) fn authentication(&self, value: &Value<'p>) -> Option<Layer<'p>> {
        let made = match value {
            Value::Method(method) if matches!(method.1.as_str(), "middleware" | "on_app_init") => {
                &method.0
            }
            _ => return None,
        };
        let id = crate::inventory::routes::graph::made_by(made)?;
        let record = self.trace.call(id)?;
        let name = record.path().and_then(library).filter(|name| name.ends_with("Auth"))?;
        let mut layer = Layer::decided(AuthState::Required, name);
        layer.spares =
            spares(record.args.keyword("exclude"), record.args.keyword("exclude_opt_key"));
        Some(layer)
    }
}

/// Options of a middleware with the application that it stands before.
fn with_application<'p>(options: &Args<'p>) -> Args<'p> {
    let mut args = options.clone();
    args.named.retain(|(name, _)| !matches!(name.as_str(), "exclude" | "exclude_opt_key"));
    args.named.push(("app".into(), values::handler()));
    args
}

/// The routes that `exclude` and the note of a key leave out.
fn spares(exclude: Option<&Value<'_>>, key: Option<&Value<'_>>) -> Vec<Spared> {
    let mut out = Vec::new();
    match exclude {
        None | Some(Value::None) => {}
        Some(Value::Text(text)) => out.push(spared(&Value::Text(std::rc::Rc::clone(text)))),
        Some(value) => match value.items() {
            Some(items) => out.extend(items.iter().map(spared)),
            None => out.push(Spared::Unknown),
        },
    }
    let key = key.and_then(Value::as_str).unwrap_or(NOT_ASKED);
    out.push(Spared::Noted(key.to_owned()));
    out
}

fn spared(pattern: &Value<'_>) -> Spared {
    pattern.as_str().map_or(Spared::Unknown, |pattern| Spared::Path(pattern.to_owned()))
}
