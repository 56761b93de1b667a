//! Extensions that register on an application or a blueprint in ways of their own.

use super::{NAME, Reader, is_text, last, of_package, optional, socket_args};
use crate::eval::text::Text;
use crate::eval::value::{CallId, CallRecord, Value};
use crate::inventory::routes::graph::{Handler, Registration, made_by};
use crate::inventory::routes::wrapping::{decorator, open};

/// An extension's object that has routes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extension {
    /// The `Api` of Flask-RESTful or Flask-RESTX, and whether it was made without an application.
    Api {
        /// Made without one: then its prefix does not hold on a blueprint.
        deferred: bool,
    },
    /// A namespace of Flask-RESTX.
    Namespace,
    /// The `Api` of flask-smorest, which registers blueprints.
    Smorest,
}

const RESOURCES: &[&str] = &["flask_restful", "flask_restx", "flask_restplus"];

impl<'p> Reader<'_, '_, 'p> {
    /// An extension's object; false for what is none.
    pub(super) fn construct_extension(
        &mut self,
        id: CallId,
        path: &str,
        call: &CallRecord<'p>,
    ) -> bool {
        let args = &call.args;
        if of_package(path, RESOURCES) && last(path) == "Namespace" {
            self.namespace(id, call);
        } else if of_package(path, RESOURCES) && last(path) == "Api" {
            // Only Flask-RESTful takes it by position.
            let position = if of_package(path, &["flask_restful"]) { 1 } else { usize::MAX };
            let prefix = optional(args.get(position, "prefix").filter(is_text));
            let app = args.get(0, "app").and_then(made_by);
            let extension = Extension::Api { deferred: app.is_none() };
            self.extension(id, extension, prefix.clone());
            if let Some(parent) = app {
                self.graph.mount(parent, id, prefix, call.conditional);
            }
        } else if of_package(path, &["flask_smorest"]) && last(path) == "Api" {
            let app = args.get(0, "app").and_then(made_by);
            self.extension(id, Extension::Smorest, Text::default());
            if let Some(parent) = app {
                self.graph.mount(parent, id, Text::default(), call.conditional);
            }
        } else if of_package(path, &["flask_sock", "flask_sockets"])
            && matches!(last(path), "Sock" | "Sockets")
        {
            self.sockets.insert(id, args.get(0, "app").and_then(made_by));
        } else {
            return false;
        }
        let decorators = args.keyword("decorators").and_then(Value::items).unwrap_or_default();
        for value in decorators.iter().rev() {
            self.graph.layer(id, decorator(self.trace, value, None));
        }
        true
    }

    fn extension(&mut self, id: CallId, extension: Extension, prefix: Text) {
        self.graph.add(id, NAME, prefix);
        self.extensions.insert(id, extension);
    }

    /// `Namespace("name", path="/x")`: without a path it lives under its name.
    fn namespace(&mut self, id: CallId, call: &CallRecord<'p>) {
        let path = match call.args.get(2, "path").filter(is_text) {
            Some(path) => optional(Some(path)),
            None => {
                let mut path = Text::literal("/");
                path.push(&optional(call.args.get(0, "name")));
                path
            }
        };
        self.extension(id, Extension::Namespace, path.trim_end(&['/']));
    }

    /// A method of an extension's object; false for what is none.
    pub(super) fn extension_call(
        &mut self,
        id: CallId,
        receiver: CallId,
        method: &str,
        call: &CallRecord<'p>,
    ) -> bool {
        if let Some(app) = self.sockets.get_mut(&receiver) {
            if method == "init_app" {
                *app = call.args.get(0, "app").and_then(made_by).or(*app);
            }
            return true;
        }
        let Some(extension) = self.extensions.get(&receiver).copied() else { return false };
        let own_prefix = |reader: &Self| {
            let router = reader.graph.routers.get(&receiver);
            router.map(|router| router.prefix.clone()).unwrap_or_default()
        };
        match (method, extension) {
            ("init_app", _) => {
                // `api.init_app(app)` mounts it; on anything else it is somebody else's business.
                if let Some(parent) = call.args.get(0, "app").and_then(made_by) {
                    let is_app =
                        self.graph.router(parent, NAME).is_some_and(|router| router.name.is_none());
                    let deferred = extension == Extension::Api { deferred: true };
                    let prefix =
                        if deferred && !is_app { Text::default() } else { own_prefix(self) };
                    self.graph.mount(parent, receiver, prefix, call.conditional);
                }
            }
            ("add_resource", _) => {
                let Some(Value::Class(class)) = call.args.positional.first() else { return true };
                for url in call.args.positional.iter().skip(1) {
                    self.class_view(receiver, class, url, &[], &call.args, call);
                }
            }
            ("add_namespace", _) => {
                let namespace = call.args.get(0, "ns").and_then(made_by);
                if let Some(namespace) = namespace {
                    self.add_namespace(receiver, namespace, call.args.get(1, "path"), call);
                }
            }
            ("namespace", _) => {
                self.namespace(id, call);
                self.add_namespace(receiver, id, None, call);
            }
            ("register_blueprint", Extension::Smorest) => self.mount_blueprint(receiver, call),
            _ => {}
        }
        true
    }

    /// A namespace on an api: the path at the first time counts.
    fn add_namespace(
        &mut self,
        api: CallId,
        namespace: CallId,
        path: Option<&Value<'p>>,
        call: &CallRecord<'p>,
    ) {
        let own = self.graph.routers.get(&namespace).map(|router| router.prefix.clone());
        let prefix = match path.filter(is_text) {
            Some(path) => optional(Some(path)),
            None => own.unwrap_or_default(),
        };
        let is_there = self.graph.routers.get(&api).is_some_and(|router| router.mounts(namespace));
        if !is_there {
            self.graph.mount(api, namespace, prefix, call.conditional);
        }
    }

    /// A decorator of an extension's object meeting a class or a function; false for what is none.
    pub(super) fn extension_decorates(
        &mut self,
        receiver: CallId,
        method: &str,
        registrar: &CallRecord<'p>,
        target: Option<&Value<'p>>,
    ) -> bool {
        if let Some(app) = self.sockets.get(&receiver).copied() {
            if method == "route" {
                self.socket_route(app, registrar, target);
            }
            return true;
        }
        if !self.extensions.contains_key(&receiver) {
            return false;
        }
        if matches!(method, "route" | "resource")
            && let Some(Value::Class(class)) = target
        {
            for url in &registrar.args.positional {
                self.class_view(receiver, class, url, &[], &registrar.args, registrar);
            }
        }
        true
    }

    /// `@sock.route("/x")`: a WebSocket, on the application or on a blueprint.
    fn socket_route(
        &mut self,
        app: Option<CallId>,
        registrar: &CallRecord<'p>,
        target: Option<&Value<'p>>,
    ) {
        let on = registrar.args.keyword("bp").and_then(made_by).or(app);
        let (Some(on), Some(view), Some(path)) = (on, target, registrar.args.get(0, "path")) else {
            return;
        };
        let unwrapped = self.unwrap(view);
        let handler = Handler::of(Some(&unwrapped.view), registrar.place);
        let name = handler.name.as_deref().map(|name| last(name).to_owned());
        let mut layers = unwrapped.layers;
        layers.iter_mut().for_each(|layer| layer.args = open());
        let registration = Registration {
            layers,
            args: socket_args(),
            name,
            conditional: registrar.conditional,
            ..Registration::new((vec!["WS".to_owned()], true), Text::default(), handler)
        };
        self.register(on, path, &registration);
    }
}
