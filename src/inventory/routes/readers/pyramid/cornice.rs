//! Cornice: services with a view for each method, and classes that are resources.

use super::permissions::Requested;
use super::scans::Scan;
use super::views::View;
use super::{Config, Reader, Root, last, whole};
use crate::eval::text::Text;
use crate::eval::value::{Args, CallId, CallRecord, Value};
use crate::inventory::routes::caller::values;
use crate::inventory::routes::graph::{Layer, LayerKind, Registration, path_text};
use crate::inventory::routes::wrapping::open;

/// A path with what answers it.
#[derive(Clone)]
pub(super) struct Service<'p> {
    path: Text,
    /// Its settings by name, which hold for its views too.
    settings: Args<'p>,
    views: Vec<(String, View<'p>)>,
    /// Where it is declared, for scans.
    declared: CallRecord<'p>,
    /// Whether anything serves it.
    pub(super) is_met: bool,
}

const VERBS: &[&str] = &["get", "post", "put", "delete", "options", "patch", "head"];
/// Settings of one view that those of its service do not stand in for, but are added to.
const ADDED: &[&str] = &["validators", "filters"];

impl<'p> Reader<'_, '_, 'p> {
    /// `Service(name="users", path="/users")`, and `add_resource(Users, path=…)`.
    pub(super) fn construct_service(&mut self, id: CallId, path: &str, call: &CallRecord<'p>) {
        match last(path) {
            "Service" => {
                let mut settings = call.args.clone();
                let positional = std::mem::take(&mut settings.positional);
                let named = ["name", "path"].into_iter().zip(positional);
                settings.named.extend(named.map(|(name, value)| (name.into(), value)));
                self.new_service(id, settings, call);
            }
            "add_resource" => {
                if let Some(class) = call.args.get(0, "klass") {
                    let settings = Args { positional: Vec::new(), ..call.args.clone() };
                    self.add_resource(id, &settings, class, call);
                }
            }
            _ => {}
        }
    }

    fn new_service(&mut self, id: CallId, settings: Args<'p>, call: &CallRecord<'p>) {
        // One that stands at a route of the application has no path of its own.
        let path = match settings.keyword("path").or(settings.keyword("pyramid_route")) {
            Some(path) if settings.keyword("path").is_some() => path_text(Some(path)),
            other => Text::hole(&path_text(other).to_string()),
        };
        let declared = call.clone();
        let service = Service { path, settings, views: Vec::new(), declared, is_met: false };
        self.services.insert(id, service);
    }

    /// `service.add_view("GET", view, …)`.
    pub(super) fn service_call(
        &mut self,
        id: CallId,
        receiver: CallId,
        method: &str,
        call: &CallRecord<'p>,
    ) {
        if method != "add_view" || !self.services.contains_key(&receiver) {
            return;
        }
        let Some(verb) = call.args.get(0, "method").and_then(Value::as_str) else { return };
        let target = call.args.get(1, "view").cloned().unwrap_or_default();
        let settings = Args { positional: Vec::new(), ..call.args.clone() };
        let (target, attr) = match (target, settings.keyword("klass")) {
            (Value::Text(name), Some(class)) => (class.clone(), Some(name.to_string())),
            (target, _) => (target, None),
        };
        self.service_view(receiver, id, verb, target, attr, settings, call);
    }

    /// `@service.get(…)` meeting a function.
    pub(super) fn decorate_service(
        &mut self,
        decorator: CallId,
        registrar: &CallRecord<'p>,
        target: &Value<'p>,
    ) {
        let Some((service, verb)) = registrar.method() else { return };
        let verb = match verb {
            "decorator" => registrar.args.positional.first().and_then(Value::as_str),
            verb => Some(verb),
        };
        let Some(verb) = verb.filter(|verb| VERBS.contains(&verb.to_ascii_lowercase().as_str()))
        else {
            return;
        };
        if self.services.contains_key(&service) {
            let settings = Args { positional: Vec::new(), ..registrar.args.clone() };
            self.service_view(service, decorator, verb, target.clone(), None, settings, registrar);
        }
    }

    #[expect(clippy::too_many_arguments, reason = "each is told of by another caller")]
    fn service_view(
        &mut self,
        service: CallId,
        at: CallId,
        verb: &str,
        target: Value<'p>,
        attr: Option<String>,
        settings: Args<'p>,
        call: &CallRecord<'p>,
    ) {
        let Some(service) = self.services.get_mut(&service) else { return };
        let mut settings = settings;
        for (name, value) in &service.settings.named {
            match settings.named.iter_mut().find(|(known, _)| known == name) {
                Some((_, own)) if ADDED.contains(&name.as_str()) => {
                    let of = |value: &Value<'p>| value.items().unwrap_or(vec![value.clone()]);
                    *own = Value::list([of(value), of(own)].concat());
                }
                Some(_) => {}
                None => settings.named.push((name.clone(), value.clone())),
            }
        }
        let (place, file) = (call.place, call.place.file);
        let conditional = call.conditional;
        let view = View { at, target, attr, settings, place, file, conditional };
        service.views.push((verb.to_ascii_uppercase(), view));
    }

    /// `@resource(collection_path="/users", path="/users/{id}")` meeting a class.
    pub(super) fn decorate_resource(
        &mut self,
        decorator: CallId,
        path: &str,
        registrar: &CallRecord<'p>,
        target: &Value<'p>,
    ) {
        if last(path) == "resource" {
            let settings = Args { positional: Vec::new(), ..registrar.args.clone() };
            self.add_resource(decorator, &settings, target, registrar);
        }
    }

    fn add_resource(
        &mut self,
        at: CallId,
        given: &Args<'p>,
        target: &Value<'p>,
        call: &CallRecord<'p>,
    ) {
        let Value::Class(class) = target else { return };
        let has_collection =
            given.keyword("collection_path").is_some_and(|path| !matches!(path, Value::None));
        let prefixes: &[&str] = if has_collection { &["collection_", ""] } else { &[""] };
        for prefix in prefixes {
            let mut settings = Args::default();
            for (name, value) in &given.named {
                let name = match (name.strip_prefix("collection_"), prefix.is_empty()) {
                    (Some(_), true) => continue,
                    (Some(name), false) => name,
                    // What both have is said once.
                    (None, false) if given.keyword(&format!("collection_{name}")).is_some() => {
                        continue;
                    }
                    (None, _) => name.as_str(),
                };
                settings.named.push((name.into(), value.clone()));
            }
            if settings.keyword("factory").is_none() {
                settings.named.push(("factory".into(), target.clone()));
            }
            // A service has no call of its own here: the two are told apart by their views.
            let mut declared = call.clone();
            declared.place.file = class.env.file;
            let path = path_text(settings.keyword("path"));
            let service = Service {
                path,
                settings: settings.clone(),
                views: Vec::new(),
                declared,
                is_met: false,
            };
            let id = if prefix.is_empty() { at } else { CallId(u32::MAX - at.0) };
            self.services.insert(id, service);
            for verb in VERBS {
                let name = format!("{prefix}{verb}");
                let Some((value, _)) = class.attribute(&name) else { continue };
                let Value::Function(closure) = &value else { continue };
                let noted: Vec<_> = closure
                    .decorators
                    .iter()
                    .filter_map(|value| self.trace.made(value))
                    .filter(|made| {
                        made.path().is_some_and(|path| {
                            path.starts_with("cornice.") && last(path) == "view"
                        })
                    })
                    .collect();
                let own: Vec<Args<'p>> = if noted.is_empty() {
                    vec![Args::default()]
                } else {
                    noted.iter().map(|made| made.args.clone()).collect()
                };
                for settings in own {
                    let attr = Some(name.clone());
                    self.service_view(id, at, verb, target.clone(), attr, settings, call);
                }
            }
        }
    }

    /// `config.add_cornice_service(service)`.
    pub(super) fn add_service(&mut self, config: &Config, args: &Args<'p>, conditional: bool) {
        let Some(Value::Native(id)) = args.get(0, "service") else { return };
        let Some(service) = self.services.get_mut(id) else { return };
        service.is_met = true;
        let service = service.clone();
        self.write_service(config.root, config.root, &service, &config.prefix, conditional);
    }

    /// The services that the scans of an application meet.
    pub(super) fn write_services(&mut self, root: CallId, scans: &[(Scan, Text, bool)]) {
        let program = self.trace.program;
        let ids: Vec<CallId> = self.services.keys().copied().collect();
        for id in ids {
            let Some(service) = self.services.get_mut(&id) else { continue };
            let file = service.declared.place.file;
            let Some((_, prefix, conditional)) =
                scans.iter().find(|(scan, ..)| scan.covers(program, file))
            else {
                continue;
            };
            service.is_met = true;
            let service = service.clone();
            self.write_service(root, root, &service, prefix, *conditional);
        }
    }

    /// Those that none meets.
    pub(super) fn write_unmet_services(&mut self, nowhere: CallId) {
        let unmet: Vec<_> =
            self.services.values().filter(|service| !service.is_met).cloned().collect();
        let root = self.roots.keys().next().copied().unwrap_or(nowhere);
        for service in &unmet {
            self.write_service(nowhere, root, service, &Text::default(), false);
        }
    }

    fn write_service(
        &mut self,
        on: CallId,
        root: CallId,
        service: &Service<'p>,
        prefix: &Text,
        conditional: bool,
    ) {
        let nothing = Root::default();
        for (method, view) in &service.views {
            let said = &view.settings;
            let factory = said.keyword("factory").cloned();
            let factory = factory.and_then(|factory| self.resolved(view.place.file, &factory));
            let of_root = self.roots.get(&root).unwrap_or(&nothing).factory.clone();
            let context = self.resource(factory.or(of_root).as_ref());
            let path = whole(prefix, &service.path);
            let name = said.keyword("name").and_then(Value::as_str).map(str::to_owned);
            let request =
                Requested { method: Some(method.clone()), path: path.clone(), route: name.clone() };
            let own = said.keyword("permission");
            let mut layers = vec![self.permission(root, &request, &context, own)];
            for validator in validators(said) {
                let args = Args { positional: vec![values::request()], ..open() };
                let validator = self.resolved(view.place.file, &validator).unwrap_or_default();
                layers.push(Layer::new(self.trace, LayerKind::Step, validator, args));
            }
            let methods = (vec![method.clone()], true);
            let registration = self.answer(view, &context, methods, layers);
            self.graph.at(view.at);
            self.graph.route(
                on,
                Registration {
                    path,
                    name,
                    conditional: conditional || view.conditional,
                    ..registration
                },
            );
        }
    }
}

/// What looks at a request before a view does.
fn validators<'p>(said: &Args<'p>) -> Vec<Value<'p>> {
    match said.keyword("validators") {
        None | Some(Value::None) => Vec::new(),
        Some(value) => value.items().unwrap_or_else(|| vec![value.clone()]),
    }
}
