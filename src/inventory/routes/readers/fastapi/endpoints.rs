//! What answers: functions, with what they declare; classes; applications of ASGI.

use std::rc::Rc;

use super::{Reader, VERBS, optional};
use crate::eval::text::Text;
use crate::eval::value::{Args, CallId, CallRecord, ClassValue, Closure, Value};
use crate::inventory::routes::caller::values;
use crate::inventory::routes::graph::{Handler, Layer, LayerKind, Registration, methods_of};
use crate::inventory::routes::types;
use crate::inventory::routes::wrapping::{self, Unwrapped, open};
use crate::module::path::last_name;

/// Upper-case methods, and whether all are known.
pub(super) type Methods = (Vec<String>, bool);

/// The methods of an argument; without one, GET.
pub(super) fn methods(args: &Args<'_>) -> Methods {
    match args.keyword("methods") {
        None | Some(Value::None) => (vec!["GET".to_owned()], true),
        Some(methods) => methods_of(methods),
    }
}

/// What stands for a method where a socket is opened.
pub(super) fn socket() -> Methods {
    (vec!["WS".to_owned()], true)
}

/// What an application of ASGI is called with.
pub(super) fn connection<'p>() -> Args<'p> {
    Args::of(vec![values::scope(), Value::Unknown, values::send()])
}

impl<'p> Reader<'_, '_, 'p> {
    /// A route of FastAPI: its handler gets what its parameters declare.
    pub(super) fn api_route(
        &mut self,
        router: CallId,
        call: &CallRecord<'p>,
        args: &Args<'p>,
        endpoint: Option<&Value<'p>>,
        methods: Methods,
    ) {
        let Some(own) = self.own.get(&router).cloned() else { return };
        let unwrapped = self.unwrap(endpoint);
        let mut handler = Handler::of(Some(&unwrapped.view), call.place);
        if let (Value::Object(_), Some(_)) = (&unwrapped.view, &handler.function) {
            handler.function = match self.trace.attribute(&unwrapped.view, "__call__") {
                Value::Function(bound) => Some(bound),
                _ => None,
            };
        }
        let mut layers: Vec<Layer<'p>> = own.route_class.into_iter().collect();
        layers.extend(self.route_class(args.keyword("route_class_override")));
        layers.extend(own.dependencies);
        layers.extend(self.listed(args));
        let mut declared = (None, None);
        if let Some(function) = &handler.function {
            layers.extend(self.class_dependencies(function));
            layers.extend(self.parameter_dependencies(function));
            let given = keywords(self, function);
            layers.extend(unwrapped.layers.into_iter().map(|layer| called_with(layer, &given)));
            declared = (self.body(function), types::returned(function, self.trace));
        }
        let response = match args.keyword("response_model") {
            Some(Value::None) => None,
            Some(model) => Some(
                written(call, "response_model").unwrap_or_else(|| types::shown(self.trace, model)),
            ),
            None => declared.1,
        };
        let name = name(args, &handler);
        for path in alternatives(args.get(0, "path")) {
            let mut whole = own.prefix.clone();
            whole.push(&path);
            self.graph.route(
                router,
                Registration {
                    layers: layers.clone(),
                    args: open(),
                    name: name.clone(),
                    metadata: unwrapped.notes.clone(),
                    request: declared.0.clone(),
                    response: response.clone(),
                    conditional: self.conditional,
                    ..Registration::new(methods.clone(), whole, handler.clone())
                },
            );
        }
    }

    /// A route of Starlette: it has neither prefix nor dependencies of the router that it is
    /// registered on.
    pub(super) fn plain_route(
        &mut self,
        router: CallId,
        call: &CallRecord<'p>,
        args: &Args<'p>,
        endpoint: Option<&Value<'p>>,
        is_socket: bool,
    ) {
        let Some(own) = self.own.get(&router) else { return };
        let router = own.plain;
        let unwrapped = self.unwrap(endpoint);
        let mut layers = self.middlewares(args.keyword("middleware"), false);
        let around = |given: &Args<'p>| {
            let given = given.clone();
            unwrapped.layers.clone().into_iter().map(move |layer| called_with(layer, &given))
        };
        if let Value::Class(class) = &unwrapped.view {
            layers.extend(around(&request()));
            self.class_endpoint(router, class, args, layers, is_socket);
            return;
        }
        let is_application = matches!(&unwrapped.view, Value::Object(_));
        let given = if is_application { connection() } else { request() };
        layers.extend(around(&given));
        let methods = match is_socket {
            true => socket(),
            false if is_application && args.keyword("methods").is_none() => (Vec::new(), true),
            false => methods(args),
        };
        let mut handler = Handler::of(Some(&unwrapped.view), call.place);
        if is_application
            && let Value::Function(bound) = self.trace.attribute(&unwrapped.view, "__call__")
        {
            handler.function = Some(bound);
        }
        let registration = Registration {
            layers,
            args: given,
            name: name(args, &handler),
            ..Registration::new(methods, Text::default(), handler)
        };
        self.plain_paths(router, args, &registration);
    }

    /// Registers a route of Starlette under each of its paths.
    fn plain_paths(&mut self, router: CallId, args: &Args<'p>, registration: &Registration<'p>) {
        let conditional = self.conditional;
        for path in alternatives(args.get(0, "path")) {
            let registration = Registration { path, conditional, ..registration.clone() };
            self.graph.route(router, registration);
        }
    }

    /// A class that answers: with a method for each verb, or with one for what a socket does.
    fn class_endpoint(
        &mut self,
        router: CallId,
        class: &Rc<ClassValue<'p>>,
        args: &Args<'p>,
        layers: Vec<Layer<'p>>,
        is_socket: bool,
    ) {
        let has = |name: &str| matches!(class.attribute(name), Some((Value::Function(_), _)));
        let answers: Vec<(Methods, &str)> = if is_socket {
            let first = ["on_connect", "on_receive"].into_iter().find(|name| has(name));
            vec![(socket(), first.unwrap_or("__call__"))]
        } else {
            let of = |verb: &'static str| ((vec![verb.to_ascii_uppercase()], true), verb);
            let verbs: Vec<_> = VERBS.iter().copied().filter(|verb| has(verb)).map(of).collect();
            let any = ((Vec::new(), true), "__call__");
            if verbs.is_empty() { vec![any] } else { verbs }
        };
        let declared = args.keyword("methods").map(methods_of);
        let instance = self.trace.instance(class);
        for (methods, method) in answers {
            if let Some((declared, true)) = &declared
                && methods.0.iter().any(|method| !declared.contains(method))
            {
                continue;
            }
            let mut handler = Handler::of_method(class, method);
            let mut layers = layers.clone();
            let given = Args::of(vec![values::request()]);
            if handler.function.is_some() {
                let bound = self.trace.attribute(&instance, method);
                let unwrapped = self.unwrap(Some(&bound));
                // What is wrapped around a method gets the object first.
                let with_self = Args::of(vec![instance.clone(), values::request()]);
                layers.extend(
                    unwrapped.layers.into_iter().map(|layer| called_with(layer, &with_self)),
                );
                if let Value::Function(function) = unwrapped.view {
                    handler.function = Some(function);
                }
            }
            let registration = Registration {
                layers,
                args: given,
                name: name(args, &handler),
                ..Registration::new(methods, Text::default(), handler)
            };
            self.plain_paths(router, args, &registration);
        }
    }

    pub(super) fn unwrap(&self, view: Option<&Value<'p>>) -> Unwrapped<'p> {
        let unknown = Value::Unknown;
        wrapping::unwrap(self.trace, view.unwrap_or(&unknown), |value| self.is_registrar(value))
    }
}

/// The request alone.
fn request<'p>() -> Args<'p> {
    Args::of(vec![values::request()])
}

/// A layer, where it is a function around the handler that gets the same arguments.
fn called_with<'p>(layer: Layer<'p>, args: &Args<'p>) -> Layer<'p> {
    match layer.kind {
        LayerKind::Wrapper | LayerKind::Middleware => Layer { args: args.clone(), ..layer },
        _ => layer,
    }
}

/// What FastAPI calls a handler with: all that it declares, by name.
fn keywords<'p>(reader: &Reader<'_, '_, 'p>, function: &Rc<Closure<'p>>) -> Args<'p> {
    let is_method = function.is_method || function.class.is_some();
    let declared = function.function.params.iter().skip(usize::from(is_method));
    let mut args = Args::default();
    for param in declared {
        let Some(name) = last_name(&param.target) else { continue };
        let annotation = param.annotation.as_ref();
        let kind = annotation.map(|annotation| reader.trace.value_in(&function.env, annotation));
        let is_request = matches!(&kind, Some(Value::External(path))
            if matches!(path.rsplit('.').next(), Some("Request" | "HTTPConnection" | "WebSocket")));
        let value = if is_request { values::request() } else { Value::Unknown };
        args.named.push((name.into(), value));
    }
    args
}

fn name<'p>(args: &Args<'p>, handler: &Handler<'p>) -> Option<String> {
    let given = args.keyword("name").and_then(Value::as_str).map(str::to_owned);
    given.or_else(|| {
        let own = handler.name.as_deref()?;
        Some(own.rsplit('.').next().unwrap_or(own).to_owned())
    })
}

/// The texts that a path may be.
pub(super) fn alternatives(path: Option<&Value<'_>>) -> Vec<Text> {
    match path {
        None => vec![Text::hole("")],
        Some(path) => path.alternatives().iter().map(|path| optional(Some(path))).collect(),
    }
}

/// How an argument of a call is written.
pub(super) fn written(call: &CallRecord<'_>, keyword: &str) -> Option<String> {
    let args = &call.written?.args;
    let arg = args.iter().find(|arg| arg.name.as_deref() == Some(keyword))?;
    Some(types::written(&arg.value))
}
