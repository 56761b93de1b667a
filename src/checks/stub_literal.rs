//! Functions whose name promises data and that only return what somebody made up.

use super::CheckMatch;
use super::shape::{Body, is_neutral, returns_literals};
use crate::module::path::last_name;
use crate::module::visit::{Visitor, Walk, walk_module};
use crate::module::{Class, Expr, ExprKind, Function, Module, Span, Stmt, StmtKind};
use crate::source::Source;

/// The verbs of names that promise data.
pub const NEEDS: &[&str] = &[
    "get",
    "fetch",
    "load",
    "list",
    "find",
    "search",
    "calculate",
    "compute",
    "predict",
    "recommend",
    "query",
    "estimate",
    "forecast",
    "retrieve",
    "analyze",
    "analyse",
];

/// Verbs that promise work, so that even one number is a made-up result.
const WORK: &[&str] =
    &["calculate", "compute", "predict", "recommend", "estimate", "forecast", "analyze", "analyse"];

/// Words in names of functions whose result is rightly written down.
const CONSTANT_NAMES: &[&str] = &[
    "schema",
    "empty",
    "config",
    "choice",
    "option",
    "default",
    "header",
    "mapping",
    "constant",
    "column",
    "field",
    "enum",
    "type",
    "permission",
    "setting",
    "metadata",
    "template",
    "version",
    "label",
    "name",
    "param",
    "format",
    "style",
    "color",
    "icon",
    "menu",
    "route",
    "url",
    "help",
    "usage",
    "keyword",
    "language",
    "locale",
    "argument",
    "prop",
    "definition",
    "key",
    "descriptor",
    "manifest",
    "capabilit",
    "initial",
    "staticpaths",
    "state",
    "variant",
    "offset",
    "size",
];

/// Words in names of classes and bases that provide constants or stand in for something.
const CONSTANT_CLASSES: &[&str] = &[
    "enum",
    "schema",
    "constant",
    "config",
    "setting",
    "mock",
    "fake",
    "stub",
    "dummy",
    "test",
    "abstract",
    "protocol",
    "abc",
    "serializer",
    "form",
    "interface",
    "fixture",
    "example",
];

/// Finds them.
#[must_use]
pub fn check(_: &Source, module: &Module) -> Vec<CheckMatch> {
    let mut search = Search { classes: Vec::new(), found: Vec::new() };
    walk_module(&mut search, module);
    search.found
}

struct Search<'m> {
    classes: Vec<&'m Class>,
    found: Vec<CheckMatch>,
}

impl<'m> Search<'m> {
    fn function(&mut self, name: &str, span: Span, function: &'m Function) {
        let Some(verb) = verb_of(name) else { return };
        if !returns_literals(function) {
            return;
        }
        let body = Body::of(function);
        let uses_parameter = function.params.iter().any(|param| {
            last_name(&param.target).is_some_and(|param| {
                param != "self" && param != "this" && body.names.contains(&param)
            })
        });
        if body.raises > 0 || body.self_reads > 0 || uses_parameter {
            return;
        }
        let accepted = self.reason(name, verb, function, &body);
        self.found.push(CheckMatch {
            span,
            captures: vec![("function", name.to_owned()), ("verb", verb.to_owned())],
            accepted: accepted.map(str::to_owned),
        });
    }

    fn reason(
        &self,
        name: &str,
        verb: &str,
        function: &Function,
        body: &Body<'_>,
    ) -> Option<&'static str> {
        let name = name.to_ascii_lowercase();
        if CONSTANT_NAMES.iter().any(|word| name.contains(word)) {
            return Some("the name says that it provides a constant");
        }
        let is_double = |class: &&Class| {
            let bases = class.bases.iter().filter_map(|base| last_name(&base.value));
            class.is_interface
                || class.name.as_deref().into_iter().chain(bases).any(|name| {
                    let name = name.to_ascii_lowercase();
                    CONSTANT_CLASSES.iter().any(|word| name.contains(word))
                })
        };
        if self.classes.iter().any(is_double) {
            return Some("its class provides constants or stands in for another");
        }
        let decorators = function.decorators.iter().filter_map(decorator_last);
        if decorators.into_iter().any(|name| {
            matches!(
                name,
                "property"
                    | "cached_property"
                    | "abstractmethod"
                    | "overload"
                    | "fixture"
                    | "classproperty"
                    | "override"
            )
        }) {
            return Some("a property, a fixture or an abstract method");
        }
        let one_scalar = body.returns.iter().flatten().all(|value| {
            matches!(
                value.kind,
                ExprKind::Text(_)
                    | ExprKind::Bool(_)
                    | ExprKind::Number(_)
                    | ExprKind::Unary { .. }
                    | ExprKind::None
            )
        });
        let is_number = body
            .returns
            .iter()
            .flatten()
            .any(|value| matches!(value.kind, ExprKind::Number(_)) && !is_neutral(value));
        if one_scalar && !(is_number && WORK.contains(&verb)) {
            return Some("a single constant");
        }
        None
    }
}

fn decorator_last(decorator: &Expr) -> Option<&str> {
    match &decorator.kind {
        ExprKind::Call(call) => last_name(&call.callee),
        _ => last_name(decorator),
    }
}

/// The verb that a name begins with: `get_users`, `getUsers`, `_get_users`, and not `getter`.
fn verb_of(name: &str) -> Option<&'static str> {
    let name = name.trim_start_matches('_');
    NEEDS.iter().copied().find(|verb| {
        name.strip_prefix(verb).is_some_and(|rest| {
            rest.starts_with('_') || rest.starts_with(|c: char| c.is_ascii_uppercase())
        })
    })
}

impl<'m> Visitor<'m> for Search<'m> {
    fn enter_stmt(&mut self, stmt: &'m Stmt) -> Walk {
        if let StmtKind::Bind(bind) = &stmt.kind
            && let Some(Expr { kind: ExprKind::Function(function), .. }) = &bind.value
            && let Some(name) = last_name(&bind.target)
        {
            self.function(name, bind.target.span, function);
        }
        Walk::Into
    }

    fn enter_function(&mut self, function: &'m Function) -> Walk {
        if let Some(name) = &function.name {
            self.function(name, function.name_span, function);
        }
        Walk::Into
    }

    fn enter_class(&mut self, class: &'m Class) -> Walk {
        self.classes.push(class);
        Walk::Into
    }

    fn leave_class(&mut self, _: &'m Class) {
        self.classes.pop();
    }
}
