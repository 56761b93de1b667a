//! What an expression's value is, as far as its own module tells.
//!
//! This is the one place where rules fold; the evaluator that resolves names across files can
//! take its place behind [`fold`].

use std::borrow::Cow;
use std::collections::HashMap;

use super::spec::ValueKind;
use crate::checks::shape::is_constant;
use crate::module::path::Path;
use crate::module::{Expr, ExprKind, Module, StmtKind, TextPart};

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
fn formats(call: &crate::module::Call) -> Option<&Expr> {
    match &call.callee.kind {
        ExprKind::Attribute { object, name }
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
    let mut folding = Folding { names, text: String::new(), steps: MAX_STEPS };
    folding.push(expr, true);
    Some(Cow::Owned(folding.text))
}

struct Folding<'n, 't> {
    names: &'n Names<'t>,
    text: String,
    steps: u32,
}

impl<'t> Folding<'_, 't> {
    fn push(&mut self, expr: &'t Expr, follow: bool) {
        if self.steps == 0 {
            return self.hole();
        }
        self.steps -= 1;
        match &expr.kind {
            ExprKind::Text(parts) => {
                for part in parts {
                    match part {
                        TextPart::Literal(text) => self.text.push_str(text),
                        TextPart::Hole(hole) => self.push(hole, follow),
                    }
                }
            }
            ExprKind::Number(number) => self.text.push_str(number),
            ExprKind::Binary { operator, left, right } if operator == "+" => {
                self.push(left, follow);
                self.push(right, follow);
            }
            ExprKind::Binary { operator, left, .. } if operator == "%" => {
                let from = self.text.len();
                self.push(left, follow);
                let formatted = percent_holes(&self.text[from..]);
                self.text.replace_range(from.., &formatted);
            }
            ExprKind::Call(call) => match formats(call) {
                Some(format) => {
                    let from = self.text.len();
                    self.push(format, follow);
                    let formatted = brace_holes(&self.text[from..]);
                    self.text.replace_range(from.., &formatted);
                }
                None => self.hole(),
            },
            ExprKind::Name(name) if follow => match self.names.get(name) {
                // One step only: a cycle of names has no constant at its end.
                Some(value) => self.push(value, false),
                None => self.hole(),
            },
            _ => self.hole(),
        }
    }

    fn hole(&mut self) {
        self.text.push_str("{}");
    }
}

/// `%s`, `%(name)d`, `%5.2f` become holes.
fn percent_holes(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        folded.push_str(before);
        if let Some(literal) = after.strip_prefix('%') {
            folded.push('%');
            rest = literal;
            continue;
        }
        let after = match after.strip_prefix('(').and_then(|named| named.split_once(')')) {
            Some((_, behind)) => behind,
            None => after,
        };
        let after = after.trim_start_matches(|c: char| c.is_ascii_digit() || "#-+. *".contains(c));
        folded.push_str("{}");
        let mut characters = after.chars();
        characters.next();
        rest = characters.as_str();
    }
    folded.push_str(rest);
    folded
}

/// `{0}`, `{name!r:>10}` become `{}`.
fn brace_holes(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        folded.push_str(before);
        if let Some(literal) = after.strip_prefix('{') {
            folded.push('{');
            rest = literal;
            continue;
        }
        folded.push_str("{}");
        rest = after.split_once('}').map_or("", |(_, behind)| behind);
    }
    folded.push_str(rest);
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_become_holes() {
        assert_eq!(percent_holes("%s/%(id)d/100%%/%-5.2f!"), "{}/{}/100%/{}!");
        assert_eq!(brace_holes("{0}/{name!r:>10}/{{x"), "{}/{}/{x");
    }
}
