//! The bodies that FastAPI reads for a handler: what its parameters, and those of its dependencies,
//! declare to be no part of the address, the headers or the cookies.

use super::Reader;
use crate::eval::value::{Closure, Value};
use crate::inventory::routes::caller;
use crate::inventory::routes::types;
use crate::module::path::last_name;
use crate::module::{Expr, ExprKind, Param};

/// The deepest nesting of dependencies, and of types.
const MAX_NESTING: usize = 6;

/// Forms that are made for a dependency.
const FORMS: &[&str] = &["OAuth2PasswordRequestForm", "OAuth2PasswordRequestFormStrict"];

/// Types that no part of an address can be, where nothing else is said.
const CONTAINERS: &[&str] = &[
    "dict",
    "Dict",
    "Mapping",
    "list",
    "List",
    "Sequence",
    "set",
    "Set",
    "frozenset",
    "FrozenSet",
    "tuple",
    "Tuple",
    "UploadFile",
];

/// Where a parameter says that its value comes from.
enum Source<'p> {
    Body,
    Elsewhere,
    /// What this gives back.
    Dependency(Value<'p>),
}

impl<'p> Reader<'_, '_, 'p> {
    /// The types of the bodies that a handler takes.
    pub(super) fn body(&self, function: &Closure<'p>) -> Option<String> {
        let mut out = Vec::new();
        self.bodies(function, &mut out, 0);
        (!out.is_empty()).then(|| out.join(", "))
    }

    fn bodies(&self, function: &Closure<'p>, out: &mut Vec<String>, depth: usize) {
        if depth > MAX_NESTING {
            return;
        }
        let is_method = function.is_method || function.class.is_some();
        for param in function.function.params.iter().skip(usize::from(is_method)) {
            let annotation = param.annotation.as_ref();
            let declared = annotation.map(|expr| self.trace.value_in(&function.env, expr));
            let found = match self.source(function, param, declared.as_ref()) {
                Some(Source::Elsewhere) => None,
                Some(Source::Body) => annotation.map(|expr| self.shown(expr, declared.as_ref())),
                Some(Source::Dependency(Value::Function(on))) => {
                    self.bodies(&on, out, depth + 1);
                    None
                }
                Some(Source::Dependency(Value::External(path))) => {
                    let name = path.rsplit('.').next().unwrap_or(&path);
                    FORMS.contains(&name).then(|| name.to_owned())
                }
                Some(Source::Dependency(_)) => None,
                None => annotation
                    .filter(|expr| self.is_body(function, expr, 0))
                    .map(|expr| self.shown(expr, declared.as_ref())),
            };
            out.extend(found.filter(|found| !out.contains(found)));
        }
    }

    /// What the notes of a parameter's type or its default say.
    fn source(
        &self,
        function: &Closure<'p>,
        param: &'p Param,
        declared: Option<&Value<'p>>,
    ) -> Option<Source<'p>> {
        let default = param.default.as_ref().filter(|default| {
            matches!(
                default.kind,
                ExprKind::Call(_) | ExprKind::Name(_) | ExprKind::Attribute { .. }
            )
        });
        let default = default.map(|default| self.trace.value_in(&function.env, default));
        let (of, notes) = match declared {
            Some(Value::Annotated(annotated)) => (Some(&annotated.0), annotated.1.as_slice()),
            other => (other, [].as_slice()),
        };
        default.iter().chain(notes.iter().rev()).find_map(|note| {
            let record = self.trace.made(note)?;
            let path = record.path()?;
            if caller::is_dependency(path) {
                let on = record.args.get(0, "dependency").or(of);
                return Some(Source::Dependency(on.cloned().unwrap_or_default()));
            }
            match path.rsplit('.').next()? {
                "Body" | "Form" | "File" => Some(Source::Body),
                "Query" | "Path" | "Header" | "Cookie" => Some(Source::Elsewhere),
                _ => None,
            }
        })
    }

    /// Whether a value of a type is read from the body where nothing else is said.
    fn is_body(&self, function: &Closure<'p>, of: &'p Expr, depth: usize) -> bool {
        let inner = |of: &'p Expr| depth < MAX_NESTING && self.is_body(function, of, depth + 1);
        match &of.kind {
            ExprKind::Index { object, key, .. } => match last_name(object) {
                Some("Annotated") => match &key.kind {
                    ExprKind::List(items) => items.first().is_some_and(inner),
                    _ => false,
                },
                Some("Optional" | "Union") => inner(key),
                Some(name) => CONTAINERS.contains(&name),
                None => false,
            },
            ExprKind::List(items) => items.iter().any(inner),
            ExprKind::Binary { operator, left, right } => {
                operator == "|" && (inner(left) || inner(right))
            }
            ExprKind::Name(_) | ExprKind::Attribute { .. } => {
                match self.trace.value_in(&function.env, of) {
                    Value::Annotated(annotated) => self.is_model(&annotated.0),
                    value => self.is_model(&value),
                }
            }
            _ => false,
        }
    }

    /// Whether a value is a class that describes data, or a container.
    fn is_model(&self, value: &Value<'p>) -> bool {
        let is_dataclass = |decorator: &Value<'p>| {
            let made = self.trace.made(decorator);
            let path = match decorator {
                Value::External(path) => Some(path.as_str()),
                _ => made.as_ref().and_then(|made| made.path()),
            };
            path.is_some_and(|path| path.ends_with("dataclass"))
        };
        match value {
            Value::Class(class) => {
                types::is_model(value) || class.decorators.iter().any(is_dataclass)
            }
            Value::External(path) => {
                path.rsplit('.').next().is_some_and(|name| CONTAINERS.contains(&name))
            }
            _ => false,
        }
    }

    /// A type as reports show it.
    fn shown(&self, of: &Expr, value: Option<&Value<'p>>) -> String {
        match (value, &of.kind) {
            (Some(value @ Value::Class(_)), _) => types::shown(self.trace, value),
            (Some(Value::Annotated(annotated)), ExprKind::Name(_) | ExprKind::Attribute { .. }) => {
                types::shown(self.trace, &annotated.0)
            }
            (_, ExprKind::Index { object, key, .. }) if last_name(object) == Some("Annotated") => {
                match &key.kind {
                    ExprKind::List(items) => items.first().map_or_else(String::new, types::written),
                    _ => types::written(key),
                }
            }
            _ => types::written(of),
        }
    }
}
