//! Declared types of bodies and answers, as reports show them.

use super::graph::name_of;
use crate::eval::interpreter::Trace;
use crate::eval::value::{Closure, Value};
use crate::module::path::{Path, last_name};
use crate::module::{Expr, ExprKind};

/// A type as written, without what stands between brackets too deep to be read.
#[must_use]
pub fn written(expr: &Expr) -> String {
    written_to(expr, 0)
}

fn written_to(expr: &Expr, depth: usize) -> String {
    if depth > 4 {
        return "…".to_owned();
    }
    match &expr.kind {
        ExprKind::Index { object, key, .. } => {
            format!("{}[{}]", written_to(object, depth + 1), written_to(key, depth + 1))
        }
        ExprKind::List(items) => {
            items.iter().map(|item| written_to(item, depth + 1)).collect::<Vec<_>>().join(", ")
        }
        ExprKind::Binary { operator, left, right } => {
            format!("{} {operator} {}", written_to(left, depth + 1), written_to(right, depth + 1))
        }
        ExprKind::None => "None".to_owned(),
        ExprKind::Text(_) => "text".to_owned(),
        _ => {
            let path = Path::of(expr);
            if path.segments.is_empty() { "…".to_owned() } else { path.segments.join(".") }
        }
    }
}

/// The declared result of a function.
#[must_use]
pub fn returned<'p>(function: &Closure<'p>, _trace: &Trace<'p>) -> Option<String> {
    function.function.returns.as_ref().map(written)
}

/// Whether a value is a class that describes data.
#[must_use]
pub fn is_model(value: &Value<'_>) -> bool {
    match value {
        Value::Class(class) => {
            let (classes, outside) = class.ancestry();
            match outside.first() {
                Some(base) => is_called_model(base),
                // A base that nobody knows is what it is called.
                None => classes.iter().any(|class| {
                    let written = class.class.bases.iter().zip(&class.bases);
                    written
                        .filter(|(_, base)| matches!(base, Value::Unknown))
                        .any(|(written, _)| last_name(&written.value).is_some_and(is_called_model))
                }),
            }
        }
        _ => false,
    }
}

fn is_called_model(name: &str) -> bool {
    ["Model", "Struct", "Schema", "TypedDict"].iter().any(|model| name.ends_with(model))
}

/// The name of a type that is a value.
#[must_use]
pub fn shown<'p>(trace: &Trace<'p>, value: &Value<'p>) -> String {
    match value {
        Value::None => "None".to_owned(),
        other => name_of(trace, other),
    }
}
