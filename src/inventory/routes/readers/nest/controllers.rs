//! Nest's controllers: what decorators say of a class and of its methods.

use std::rc::Rc;

use super::super::scripts;
use super::paths::{Version, versions};
use crate::eval::interpreter::Trace;
use crate::eval::text::Text;
use crate::eval::value::{Args, ClassValue, Closure, Value};
use crate::inventory::routes::caller::{header, values};
use crate::inventory::routes::decorations::{Decoration, Decorations};
use crate::inventory::routes::graph::{Handler, Layer, LayerKind};
use crate::inventory::routes::notes::{Noted, Notes};
use crate::module::{Param, StmtKind};

/// Reads what decorators did.
pub(super) struct Reading<'t, 'p> {
    pub(super) trace: &'t Trace<'p>,
    pub(super) decorations: &'t Decorations<'p>,
}

/// A class whose methods answer.
pub(super) struct Controller<'p> {
    class: Rc<ClassValue<'p>>,
    pub(super) paths: Vec<Text>,
    pub(super) versions: Option<Vec<Version>>,
    /// What was applied to its bases and to itself, innermost first.
    pub(super) decorations: Vec<Decoration<'p>>,
    noted: Noted,
}

/// A method that answers.
pub(super) struct Endpoint<'p> {
    name: String,
    closure: Rc<Closure<'p>>,
    /// `None` is any.
    pub(super) verb: Option<String>,
    pub(super) paths: Vec<Text>,
    pub(super) versions: Option<Vec<Version>>,
    pub(super) decorations: Vec<Decoration<'p>>,
    pub(super) notes: Rc<Notes>,
    pub(super) conditional: bool,
}

/// The method that a decorator's name means; `Some(None)` is any.
pub(super) fn verb(name: &str) -> Option<Option<String>> {
    let name = name.to_ascii_lowercase();
    match name.as_str() {
        "get" | "post" | "put" | "patch" | "delete" | "options" | "head" | "search"
        | "propfind" | "proppatch" | "mkcol" | "copy" | "move" | "lock" | "unlock" => {
            Some(Some(name.to_ascii_uppercase()))
        }
        "all" => Some(None),
        _ => None,
    }
}

/// Whether a decorator is one of Nest's own.
fn is_nest(decoration: &Decoration<'_>) -> bool {
    decoration.path.starts_with("@nestjs/")
}

/// The paths that a decorator is given; none is the root.
fn paths(value: Option<&Value<'_>>) -> Vec<Text> {
    match value {
        None | Some(Value::None) => vec![Text::default()],
        Some(value) => {
            let values = scripts::flat(value);
            if values.is_empty() { vec![Text::default()] } else { scripts::paths(Some(value)) }
        }
    }
}

impl<'p> Reading<'_, 'p> {
    /// Whether a class has the decorator itself.
    pub(super) fn is_controller(&self, class: &Rc<ClassValue<'p>>) -> bool {
        self.decorations.class(class).is_some_and(|applied| {
            applied.decorations.iter().any(|it| is_nest(it) && it.name() == "Controller")
        })
    }

    pub(super) fn controller(&self, class: &Rc<ClassValue<'p>>) -> Option<Controller<'p>> {
        let mut decorations = Vec::new();
        let mut noted = Noted::default();
        for class in class.lineage().0.iter().rev() {
            if let Some(applied) = self.decorations.class(class) {
                decorations.extend(applied.decorations.iter().cloned());
                applied.note(self.trace, &mut noted);
            }
        }
        let own = decorations.iter().rev().find(|it| is_nest(it) && it.name() == "Controller")?;
        let first = own.args.positional.first();
        let (path, version) = match first {
            Some(options @ Value::Map(_)) => (options.entry("path"), options.entry("version")),
            other => (other.cloned(), None),
        };
        Some(Controller {
            class: Rc::clone(class),
            paths: paths(path.as_ref()),
            versions: version.as_ref().map(versions),
            decorations,
            noted,
        })
    }

    /// The methods of a class and its bases that answer, each as the last of them has it.
    pub(super) fn endpoints(&self, controller: &Controller<'p>) -> Vec<Endpoint<'p>> {
        let mut seen: Vec<&str> = Vec::new();
        let mut out = Vec::new();
        for owner in controller.class.lineage().0 {
            let class: &'p crate::module::Class = owner.class;
            for stmt in &class.body {
                let StmtKind::Function(function) = &stmt.kind else { continue };
                let Some(name) = function.name.as_deref() else { continue };
                if seen.contains(&name) {
                    continue;
                }
                seen.push(name);
                let value = owner.env.vars.borrow().get(name).cloned();
                if let Some(Value::Function(closure)) = value {
                    out.extend(self.endpoint(controller, name, &closure));
                }
            }
        }
        out
    }

    fn endpoint(
        &self,
        controller: &Controller<'p>,
        name: &str,
        closure: &Rc<Closure<'p>>,
    ) -> Option<Endpoint<'p>> {
        let applied = self.decorations.method(closure)?;
        // The outermost was applied last and counts.
        let of_verb = |it: &&Decoration<'p>| is_nest(it) && mapped(it).is_some();
        let mapping = applied.decorations.iter().rev().find(of_verb)?;
        let (verb, path) = mapped(mapping)?;
        let version = applied
            .decorations
            .iter()
            .rev()
            .find(|it| is_nest(it) && it.name() == "Version")
            .and_then(|it| it.args.positional.first());
        let mut noted = Noted::default();
        applied.note(self.trace, &mut noted);
        Some(Endpoint {
            name: name.to_owned(),
            closure: Rc::clone(closure),
            verb,
            paths: paths(path.as_ref()),
            versions: version.map(versions),
            decorations: applied.decorations.clone(),
            notes: Rc::new(Notes { handler: noted, class: controller.noted.clone() }),
            conditional: mapping.conditional,
        })
    }

    /// The path of a gateway of WebSockets that has one of its own.
    pub(super) fn gateway(&self, class: &Rc<ClassValue<'p>>) -> Option<Text> {
        let applied = self.decorations.class(class)?;
        let gateway =
            applied.decorations.iter().find(|it| is_nest(it) && it.name() == "WebSocketGateway")?;
        gateway.args.positional.iter().find_map(|options| options.entry("path")).map(|path| {
            let mut out = Text::literal("/");
            out.push(&path.to_text().trim_start(&['/']));
            out
        })
    }

    /// What a method is called with, and the checks that making it takes.
    pub(super) fn arguments(&self, endpoint: &Endpoint<'p>) -> (Args<'p>, Vec<Layer<'p>>) {
        let mut checks = Vec::new();
        let params = &endpoint.closure.function.params;
        let values = params.iter().map(|param| self.argument(endpoint, param, &mut checks));
        (Args::of(values.collect()), checks)
    }

    fn argument(
        &self,
        endpoint: &Endpoint<'p>,
        param: &'p Param,
        checks: &mut Vec<Layer<'p>>,
    ) -> Value<'p> {
        for decorator in &param.decorators {
            let value = self.trace.value_in(&endpoint.closure.env, decorator);
            let Some(made) = self.trace.made(&value) else { continue };
            let path = self.trace.path_of(&made);
            // `const CurrentUser = createParamDecorator((data, context) => …)`
            if let Some(maker) = made.applied().and_then(|maker| self.trace.call(maker))
                && self.trace.path_of(&maker).ends_with(".createParamDecorator")
                && let Some(factory @ Value::Function(_)) = maker.args.positional.first()
            {
                let data = made.args.positional.first().cloned().unwrap_or(Value::None);
                let args = Args::of(vec![data, values::context()]);
                let layer = Layer::new(self.trace, LayerKind::Step, factory.clone(), args);
                checks.push(layer.called(Some(decorator)));
                return Value::Unknown;
            }
            if !path.starts_with("@nestjs/common.") {
                continue;
            }
            let first = made.args.positional.first().and_then(Value::as_str);
            return match (path.rsplit('.').next(), first) {
                (Some("Req" | "Request"), _) => values::request(),
                (Some("Res" | "Response"), _) => values::response(),
                (Some("Next"), _) => values::next(),
                (Some("Headers"), Some(name)) => header(name),
                (Some("Headers"), None) => Value::External("caller.request.headers".into()),
                (Some("Session"), _) => Value::External("caller.request.session".into()),
                _ => continue,
            };
        }
        Value::Unknown
    }
}

/// The method and the path that a decorator gives.
fn mapped<'p>(decoration: &Decoration<'p>) -> Option<(Option<String>, Option<Value<'p>>)> {
    let first = decoration.args.positional.first();
    match decoration.name() {
        "Sse" => Some((Some("GET".to_owned()), first.cloned())),
        "RequestMapping" => {
            let method = first.and_then(|options| options.entry("method"));
            let method = match &method {
                Some(value) => super::paths::request_method(value),
                None => Some("GET".to_owned()),
            };
            Some((method, first.and_then(|options| options.entry("path"))))
        }
        name if name.starts_with(char::is_uppercase) => {
            verb(name).map(|verb| (verb, first.cloned()))
        }
        _ => None,
    }
}

impl<'p> Endpoint<'p> {
    /// The handler, as an instance of the class has it.
    pub(super) fn handler(
        &self,
        trace: &Trace<'p>,
        class: &Rc<ClassValue<'p>>,
        instance: &Value<'p>,
    ) -> Handler<'p> {
        let function = match trace.attribute(instance, &self.name) {
            Value::Function(bound) => bound,
            _ => Rc::clone(&self.closure),
        };
        Handler {
            name: Some(format!("{}.{}", class.qualified, self.name)),
            place: self.closure.place(),
            function: Some(function),
            inner: None,
        }
    }
}
