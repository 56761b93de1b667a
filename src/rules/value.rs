//! What an expression's value is, as far as its own module tells: the one evaluator of
//! [`crate::eval`], with nothing but the module's constants in sight.

use std::borrow::Cow;
use std::collections::HashMap;

use super::spec::ValueKind;
use crate::checks::shape::is_constant;
use crate::eval::expr::{Scope, eval};
use crate::eval::value::{Args, Value};
use crate::module::path::Path;
use crate::module::{Call, Expr, ExprKind, Module, Span, StmtKind, TextPart};

/// How many names and operators one fold follows.
const MAX_STEPS: u32 = 200;

/// Names that a module binds exactly once, at its top level, to a constant.
#[derive(Debug, Default)]
pub struct Names<'m> {
    bound: HashMap<&'m str, Option<&'m Expr>>,
}

impl<'m> Names<'m> {
    /// Collects them.
    #[must_use]
    pub fn of(module: &'m Module) -> Self {
        let mut bound = HashMap::new();
        for stmt in &module.body {
            let StmtKind::Bind(bind) = &stmt.kind else { continue };
            let ExprKind::Name(name) = &bind.target.kind else { continue };
            let value = bind.value.as_ref().filter(|_| bind.operator.is_none());
            bound.entry(name.as_str()).and_modify(|known| *known = None).or_insert(value);
        }
        Self { bound }
    }

    /// What a name is bound to.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&'m Expr> {
        self.bound.get(name).copied().flatten()
    }
}

/// A value folded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folded<'t> {
    /// Its text; holes read `{}`. What is no text, number, boolean or empty collection reads as
    /// its path or its source.
    pub text: Cow<'t, str>,
    /// Its kind; `None` where nothing can be told.
    pub kind: Option<ValueKind>,
    /// Whether it is constant as written.
    pub literal: bool,
}

/// Folds a value. `source` is the text of the module.
#[must_use]
pub fn fold<'t>(expr: &'t Expr, names: &Names<'t>, source: &'t str) -> Folded<'t> {
    let literal = is_constant(expr);
    let kind = kind_of(expr);
    let text = match &expr.kind {
        _ if kind == Some(ValueKind::Text) => fold_text(expr, names).unwrap_or(Cow::Borrowed("{}")),
        ExprKind::List(items) if items.is_empty() => Cow::Borrowed("[]"),
        ExprKind::Map(entries) if entries.is_empty() => Cow::Borrowed("{}"),
        ExprKind::Name(name) => match names.get(name) {
            Some(value) if is_constant(value) => fold(value, &Names::default(), source).text,
            _ => Cow::Borrowed(name.as_str()),
        },
        ExprKind::Attribute { .. } => {
            let path = Path::of(expr);
            if path.opaque { source_of(expr, source) } else { Cow::Owned(path.to_string()) }
        }
        _ => source_of(expr, source),
    };
    Folded { text, kind, literal }
}

/// The source of an expression.
#[must_use]
pub fn source_of<'t>(expr: &Expr, source: &'t str) -> Cow<'t, str> {
    Cow::Borrowed(source.get(expr.span.start as usize..expr.span.end as usize).unwrap_or_default())
}

fn kind_of(expr: &Expr) -> Option<ValueKind> {
    Some(match &expr.kind {
        ExprKind::Text(_) => ValueKind::Text,
        ExprKind::Binary { .. } if is_text_chain(expr) => ValueKind::Text,
        ExprKind::Number(_) => ValueKind::Number,
        ExprKind::Unary { operand, .. } => return kind_of(operand),
        ExprKind::Bool(_) => ValueKind::Bool,
        ExprKind::None => ValueKind::None,
        ExprKind::List(_) => ValueKind::List,
        ExprKind::Map(_) => ValueKind::Map,
        ExprKind::Call(call) => {
            if formats(call).is_some() {
                ValueKind::Text
            } else {
                ValueKind::Call
            }
        }
        ExprKind::Await(inner) => return kind_of(inner),
        ExprKind::Name(_) | ExprKind::Attribute { .. } | ExprKind::Index { .. } => ValueKind::Name,
        ExprKind::Function(_) => ValueKind::Function,
        _ => return None,
    })
}

/// Whether a `+` or `%` joins text: one of its leaves is a string literal.
#[must_use]
pub fn is_text_chain(expr: &Expr) -> bool {
    let mut at = expr;
    loop {
        match &at.kind {
            ExprKind::Binary { operator, left, right } if operator == "+" => {
                if matches!(right.kind, ExprKind::Text(_)) {
                    return true;
                }
                at = left;
            }
            ExprKind::Binary { operator, left, .. } if operator == "%" => at = left,
            ExprKind::Text(_) => return true,
            _ => return false,
        }
    }
}

/// The text of `"…".format(…)`.
fn formats(call: &Call) -> Option<&Expr> {
    match &call.callee.kind {
        ExprKind::Attribute { object, name, .. }
            if name == "format" && matches!(object.kind, ExprKind::Text(_)) =>
        {
            Some(object)
        }
        _ => None,
    }
}

/// The text of a string literal, a template, a concatenation or a formatting. `None` where there
/// is no text in it.
#[must_use]
pub fn fold_text<'t>(expr: &'t Expr, names: &Names<'t>) -> Option<Cow<'t, str>> {
    if let ExprKind::Text(parts) = &expr.kind {
        match parts.as_slice() {
            [] => return Some(Cow::Borrowed("")),
            [TextPart::Literal(text)] => return Some(Cow::Borrowed(text)),
            _ => {}
        }
    } else if !matches!(kind_of(expr), Some(ValueKind::Text)) {
        return None;
    }
    let mut constants = Constants { names, steps: MAX_STEPS, follows: true };
    Some(Cow::Owned(eval(expr, &mut constants).to_text().to_string()))
}

/// What the one evaluator sees from within a module: its constants, and nothing of other files.
struct Constants<'n, 't> {
    names: &'n Names<'t>,
    steps: u32,
    follows: bool,
}

impl<'t> Scope<'t> for Constants<'_, 't> {
    fn name(&mut self, name: &str) -> Value<'t> {
        match self.names.get(name) {
            // One step only: a cycle of names has no constant at its end.
            Some(value) if self.follows => {
                self.follows = false;
                let value = eval(value, self);
                self.follows = true;
                value
            }
            Some(_) => Value::Unknown,
            None => Value::External(name.into()),
        }
    }

    fn attribute(&mut self, _object: &Value<'t>, _name: &str) -> Value<'t> {
        Value::Unknown
    }

    fn call(
        &mut self,
        _callee: Value<'t>,
        _args: Args<'t>,
        _call: &'t Call,
        _span: Span,
    ) -> Value<'t> {
        Value::Unknown
    }

    fn enter(&mut self) -> bool {
        self.steps = self.steps.saturating_sub(1);
        self.steps > 0
    }

    fn leave(&mut self) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limits;
    use crate::module::lower;
    use crate::source::Language;

    #[test]
    fn formats_are_filled_and_what_is_unknown_becomes_a_hole() {
        let text = "a = '%s/%(id)d/100%%' % x\nb = '{0}/{name!r:>10}/{{x'.format(1)\nHOST = 'h'\n\
                    c = f'{HOST}:{port}' + '/x'\n";
        let module = lower::lower(Language::Python, text, &Limits::default()).unwrap();
        let names = Names::of(&module);
        let folded: Vec<_> = ["a", "b", "c"]
            .iter()
            .map(|name| fold_text(names.get(name).unwrap(), &names).unwrap().into_owned())
            .collect();
        assert_eq!(folded, ["{}/{}/100%", "1/{}/{x", "h:{}/x"]);
    }
}
