//! REST framework: views that ask permissions before they answer.

use std::cell::Cell;
use std::rc::Rc;

use super::class_views::{Base, lookup};
use super::patterns::{Row, Walk};
use super::views::{Before, request_args};
use super::{library, permissions};
use crate::eval::interpreter::probe::{Caller, Question};
use crate::eval::text::Text;
use crate::eval::value::{Args, BASE, ClassValue, Closure, Value};
use crate::inventory::routes::caller::{Anonymous, values};
use crate::inventory::routes::graph::{Handler, Layer, LayerKind, Registration};
use crate::inventory::routes::readers::classes;
use crate::module::visit::{Visitor, Walk as Step, walk_block};
use crate::module::{Expr, ExprKind};

/// What is called of the base that a view's methods may call too.
const CALLED: &[&str] = &[
    "dispatch",
    "handle_no_permission",
    "permission_denied",
    "check_permissions",
    "check_object_permissions",
    "initial",
    "setup",
    // No methods of a map.
    "get",
    "items",
    "keys",
    "values",
    "update",
    "pop",
    "copy",
    "clear",
    "setdefault",
    "has",
    "set",
    "delete",
];

/// What a view does when it is asked with one verb.
pub(super) struct Asked<'s, 'p> {
    /// The verb, in small letters.
    pub verb: &'s str,
    /// The method of the view that answers.
    pub action: &'s str,
    /// What the view is made with.
    pub initial: &'s Args<'p>,
    /// Whether it is one stored thing that is asked for.
    pub is_detail: bool,
}

/// Whether a class is a view of REST framework.
pub(super) fn is_api(bases: &[Base<'_>]) -> bool {
    bases.iter().any(|base| match base {
        Base::Library(path) => is_library(path),
        Base::Own(_) => false,
    })
}

/// Whether a class of a library is a view of REST framework, or built on one.
pub(super) fn is_library(path: &str) -> bool {
    path.contains("rest_framework")
        || ["APIView", "ViewSet", "GenericAPIView"].iter().any(|end| path.ends_with(end))
}

impl<'p> Walk<'_, '_, 'p> {
    /// A view of REST framework as it is when a request comes.
    fn api_instance(&self, class: &Rc<ClassValue<'p>>, asked: &Asked<'_, 'p>) -> Value<'p> {
        let permissions = asked
            .initial
            .keyword("permission_classes")
            .cloned()
            .or_else(|| class.attribute("permission_classes").map(|(value, _)| value))
            .unwrap_or_else(|| self.default_permissions());
        let made: Vec<Value<'p>> = permissions.items().unwrap_or_default();
        let made =
            if matches!(permissions, Value::List(_)) { Value::list(made) } else { Value::Unknown };
        let method =
            |name: &str| (Value::text(name), Value::External(format!("caller.base.{name}").into()));
        let mut base: Vec<_> = CALLED.iter().map(|name| method(name)).collect();
        let copy = Value::Method(Rc::new((made, "copy".into())));
        base.push((Value::text("get_permissions"), copy));
        base.push((Value::text("request"), values::request()));
        let fields = [
            (BASE, Value::map(base)),
            ("request", values::request()),
            ("kwargs", Value::Unknown),
            ("args", Value::Unknown),
            ("action", Value::text(asked.action)),
            ("permission_classes", permissions),
        ];
        let mut fields = fields.to_vec();
        let named = asked.initial.named.iter().filter(|(name, _)| name != "permission_classes");
        fields.extend(named.map(|(name, value)| (name.as_str(), value.clone())));
        classes::instance(self.trace, class, &fields)
    }

    /// What answers one verb of a view.
    pub(super) fn api_row(
        &self,
        class: &Rc<ClassValue<'p>>,
        bases: &[Base<'p>],
        asked: &Asked<'_, 'p>,
        outer: &Before<'p>,
    ) -> Row<'p> {
        let instance = self.api_instance(class, asked);
        let gates = self.gates(class, bases, &instance, asked.action);
        let mut layers = outer.layers.clone();
        layers.extend(gates.layers);
        layers.extend(self.initial(class, &instance));
        layers.extend(self.permission_layers(class, &instance, asked));
        let (handler, inner) = self.method(class, &instance, asked.action);
        layers.extend(inner.layers);
        layers.extend(self.on_the_way(class, &instance, &handler, asked));
        let methods = (vec![asked.verb.to_ascii_uppercase()], true);
        let registration = Registration {
            layers,
            args: request_args(),
            ..Registration::new(methods, Text::default(), handler)
        };
        Row { registration, is_exempt: true }
    }

    /// What a view does before it answers anything.
    fn initial(&self, class: &Rc<ClassValue<'p>>, instance: &Value<'p>) -> Vec<Layer<'p>> {
        let hooks = ["initial", "check_permissions"].iter().filter_map(|name| {
            let Value::Function(bound) = classes::method(self.trace, instance, name)? else {
                return None;
            };
            let bare = Value::Function(Rc::new(bound.undecorated()));
            let layer = Layer::new(self.trace, LayerKind::Hook, bare, request_args());
            Some(classes::gate(layer, class, name))
        });
        hooks.collect()
    }

    /// The permissions that a view asks.
    fn permission_layers(
        &self,
        class: &Rc<ClassValue<'p>>,
        instance: &Value<'p>,
        asked: &Asked<'_, 'p>,
    ) -> Vec<Layer<'p>> {
        let lists = match classes::method(self.trace, instance, "get_permissions") {
            Some(get) => self.answers(&get, asked.verb),
            None => vec![self.trace.attribute(instance, "permission_classes")],
        };
        let mut ways: Vec<Vec<Layer<'p>>> = lists
            .iter()
            .map(|list| permissions::layers(self.trace, list, instance, asked.verb))
            .collect();
        let own = class.qualified.rsplit('.').next().unwrap_or(&class.qualified);
        match ways.len() {
            0 => vec![permissions::unknown(&format!("{own}.get_permissions"))],
            1 => ways.swap_remove(0),
            // Nobody knows which of several lists it is.
            _ => ways
                .into_iter()
                .flatten()
                .map(|layer| Layer { conditional: true, ..layer })
                .collect(),
        }
    }

    /// What a method gives back to an anonymous caller.
    fn answers(&self, method: &Value<'p>, verb: &str) -> Vec<Value<'p>> {
        let request = Anonymous {
            method: Some(verb.to_ascii_uppercase()),
            has_user_object: true,
            missed_method: Rc::new(Cell::new(false)),
            ..Anonymous::default()
        };
        let caller: Rc<dyn Caller<'p> + 'p> = Rc::new(request);
        let question = Question::new(method.clone(), Args::default());
        self.trace.ask(caller, &question).returned
    }

    /// What the program defines of the steps to an answer that a library gives: which things are
    /// looked at, and whether the caller may have the one that is asked for.
    fn on_the_way(
        &self,
        class: &Rc<ClassValue<'p>>,
        instance: &Value<'p>,
        handler: &Handler<'p>,
        asked: &Asked<'_, 'p>,
    ) -> Vec<Layer<'p>> {
        let looks_up = match &handler.function {
            Some(function) => mentions(function, "get_object"),
            None => asked.is_detail,
        };
        let lists = handler.function.is_none() && asked.verb == "get";
        let mut out = Vec::new();
        let mut step = |name: &str| {
            let method = classes::method(self.trace, instance, name)?;
            let layer = Layer::new(self.trace, LayerKind::Dependency, method, Args::default());
            out.push(classes::gate(layer, class, name));
            Some(())
        };
        if looks_up {
            let _ = step("get_object").or_else(|| step("get_queryset"));
        } else if lists {
            step("get_queryset");
        }
        if looks_up {
            let list = match classes::method(self.trace, instance, "get_permissions") {
                Some(get) => self.answers(&get, asked.verb),
                None => vec![self.trace.attribute(instance, "permission_classes")],
            };
            if let [list] = list.as_slice() {
                out.extend(permissions::object_layers(self.trace, list, instance, asked.verb));
            }
        }
        out
    }

    /// What views ask that do not say it themselves.
    pub(super) fn default_permissions(&self) -> Value<'p> {
        let Some(settings) = self.settings else { return Value::list(Vec::new()) };
        let configured = self.trace.member(settings, "REST_FRAMEWORK");
        let Value::Map(_) = configured else {
            return if matches!(configured, Value::Unknown) {
                Value::list(Vec::new())
            } else {
                Value::Unknown
            };
        };
        match configured.entry("DEFAULT_PERMISSION_CLASSES") {
            None => Value::list(Vec::new()),
            Some(listed) => match listed.items() {
                Some(items) => Value::list(
                    items
                        .iter()
                        .map(|item| match item.as_str() {
                            Some(path) => self
                                .trace
                                .dotted(settings, path)
                                .unwrap_or_else(|| Value::External(path.into())),
                            None => item.clone(),
                        })
                        .collect(),
                ),
                None => Value::Unknown,
            },
        }
    }

    /// A row for each method of a function that `@api_view` made a view of.
    pub(super) fn api_function_rows(
        &self,
        handler: &Handler<'p>,
        before: &Before<'p>,
        notes: &[(String, bool)],
    ) -> Vec<Row<'p>> {
        let said = before.settings.iter().find(|(path, _)| path.ends_with(".permission_classes"));
        let asked = said.and_then(|(_, args)| args.positional.first().cloned());
        let asked = asked.unwrap_or_else(|| self.default_permissions());
        let (methods, known) = before.methods.clone().unwrap_or_default();
        let view = Value::External("caller.base".into());
        let rows = methods.iter().map(|method| {
            let mut layers = before.layers.clone();
            let verb = method.to_ascii_lowercase();
            layers.extend(permissions::layers(self.trace, &asked, &view, &verb));
            let registration = Registration {
                layers,
                args: request_args(),
                metadata: notes.to_vec(),
                ..Registration::new((vec![method.clone()], known), Text::default(), handler.clone())
            };
            Row { registration, is_exempt: true }
        });
        rows.collect()
    }

    /// A row for each method of a view of a library.
    pub(super) fn api_library_rows(
        &self,
        path: &str,
        initial: &Args<'p>,
        handler: &Handler<'p>,
        before: &Before<'p>,
    ) -> Vec<Row<'p>> {
        let (methods, known) = library::view(path).methods;
        let is_plain =
            ["rest_framework.generics.", "rest_framework.views.", "rest_framework.viewsets."]
                .iter()
                .any(|start| path.starts_with(start));
        let asked = match initial.keyword("permission_classes") {
            Some(asked) => asked.clone(),
            None if is_plain => self.default_permissions(),
            None => Value::list(Vec::new()),
        };
        let view = Value::External("caller.base".into());
        let each: Vec<Vec<String>> = if methods.is_empty() {
            vec![Vec::new()]
        } else {
            methods.into_iter().map(|method| vec![method]).collect()
        };
        let rows = each.into_iter().map(|methods| {
            let verb = methods.first().map_or_else(String::new, |verb| verb.to_ascii_lowercase());
            let mut layers = before.layers.clone();
            layers.extend(permissions::layers(self.trace, &asked, &view, &verb));
            let registration = Registration {
                layers,
                ..Registration::new((methods, known), Text::default(), handler.clone())
            };
            Row { registration, is_exempt: true }
        });
        rows.collect()
    }

    /// The rows of `ViewSet.as_view({"get": "list"})`.
    pub(super) fn mapped_rows(
        &self,
        class: &Rc<ClassValue<'p>>,
        mapping: &[(String, String)],
        initial: &Args<'p>,
        is_detail: bool,
        outer: &Before<'p>,
    ) -> Vec<Row<'p>> {
        let bases = lookup(class);
        let rows = mapping.iter().map(|(verb, action)| {
            let asked = Asked { verb, action, initial, is_detail };
            self.api_row(class, &bases, &asked, outer)
        });
        rows.collect()
    }
}

/// The verbs and actions of a mapping as `as_view` takes it.
pub(super) fn mapping(value: &Value<'_>) -> Vec<(String, String)> {
    let Value::Map(entries) = value else { return Vec::new() };
    let entries = entries.borrow();
    let known = entries.iter().filter_map(|(verb, action)| {
        Some((verb.as_str()?.to_ascii_lowercase(), action.as_str()?.to_owned()))
    });
    known.filter(|(verb, _)| !matches!(verb.as_str(), "head" | "options")).collect()
}

/// Whether an action or a class is about one stored thing.
pub(super) fn is_about_one(name: &str) -> bool {
    matches!(name, "retrieve" | "update" | "partial_update" | "destroy")
}

/// Whether a function calls a method of that name.
pub(super) fn mentions(function: &Closure<'_>, name: &str) -> bool {
    struct Calls<'m>(&'m str, bool);
    impl<'m> Visitor<'m> for Calls<'_> {
        fn enter_expr(&mut self, expr: &'m Expr) -> Step {
            if let ExprKind::Call(call) = &expr.kind
                && let ExprKind::Attribute { name, .. } = &call.callee.kind
            {
                self.1 |= name == self.0;
            }
            Step::Into
        }
    }
    let mut calls = Calls(name, false);
    walk_block(&mut calls, &function.function.body);
    calls.1
}
