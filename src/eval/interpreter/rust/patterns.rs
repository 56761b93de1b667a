//! Patterns: whether a value fits one, and what it binds.

use std::rc::Rc;

use crate::eval::expr;
use crate::eval::interpreter::Interpreter;
use crate::eval::value::{Args, Value};
use crate::module::path::last_name;
use crate::module::{Call, Expr, ExprKind};

impl<'p> Interpreter<'p> {
    /// Whether a value fits a pattern; `None` where that is not known. What the pattern names is
    /// bound in the present scope.
    pub(in crate::eval::interpreter) fn fits_pattern(
        &mut self,
        value: &Value<'p>,
        pattern: &'p Expr,
    ) -> Option<bool> {
        match &pattern.kind {
            ExprKind::Name(name) => match name.as_str() {
                "_" | ".." => Some(true),
                _ if name.starts_with(|c: char| c.is_lowercase() || c == '_') => {
                    self.frame.env.set(name, value.clone());
                    Some(true)
                }
                _ => self.is_constant(value, pattern),
            },
            ExprKind::None => match value {
                Value::None | Value::Absent => Some(true),
                Value::Variant(_) | Value::Object(_) | Value::List(_) | Value::Number(_) => {
                    Some(false)
                }
                _ => None,
            },
            ExprKind::Text(_) | ExprKind::Number(_) | ExprKind::Bool(_) => {
                let wanted = expr::eval(pattern, self);
                self.same(value, &wanted)
            }
            ExprKind::Attribute { .. } => self.is_constant(value, pattern),
            ExprKind::Call(call) => self.fits_call(value, call),
            ExprKind::List(parts) => self.fits_list(value, parts),
            ExprKind::Unary { operand, .. } => self.fits_pattern(value, operand),
            ExprKind::Binary { operator, left, right } if operator == "|" => {
                let first = self.fits_pattern(value, left);
                any([first, self.fits_pattern(value, right)])
            }
            ExprKind::Other(parts) => match parts.as_slice() {
                // `name @ pattern`
                [Expr { kind: ExprKind::Name(name), .. }, inner]
                    if name.starts_with(char::is_lowercase) =>
                {
                    self.frame.env.set(name, value.clone());
                    self.fits_pattern(value, inner)
                }
                parts => {
                    let fits: Vec<_> =
                        parts.iter().map(|part| self.fits_pattern(value, part)).collect();
                    any(fits)
                }
            },
            _ => None,
        }
    }

    /// A pattern that is a constant, a struct without fields or a way of an enumeration.
    fn is_constant(&mut self, value: &Value<'p>, pattern: &'p Expr) -> Option<bool> {
        let wanted = expr::eval(pattern, self);
        match (value, &wanted) {
            (Value::Choice(values), _) => {
                let each: Vec<_> = values.iter().map(|value| self.same(value, &wanted)).collect();
                match each.as_slice() {
                    [first, rest @ ..] if rest.iter().all(|other| other == first) => *first,
                    _ => None,
                }
            }
            (Value::Class(a), Value::Class(b)) => Some(Rc::ptr_eq(a, b)),
            (Value::Variant(a), Value::External(path)) => {
                Some(path.rsplit("::").next() == Some(a.name.as_str()))
            }
            (Value::External(a), Value::External(b)) => {
                let same = a.rsplit("::").next() == b.rsplit("::").next();
                // Two ways of one enumeration exclude each other.
                let of = |path: &str| path.rsplit("::").nth(1).map(str::to_owned);
                if same {
                    Some(true)
                } else if of(a).is_some() && of(a) == of(b) {
                    Some(false)
                } else {
                    None
                }
            }
            _ => self.same(value, &wanted),
        }
    }

    /// `Some(x)`, `AuthUser(user)`, `Point { x, .. }`.
    fn fits_call(&mut self, value: &Value<'p>, call: &'p Call) -> Option<bool> {
        let name = last_name(&call.callee).unwrap_or("");
        match value {
            Value::Choice(values) => {
                // What some of them carry is bound; whether it is one of these is not known.
                let values = Rc::clone(values);
                let fitting: Vec<_> = values
                    .iter()
                    .filter(|value| self.fits_call(value, call) != Some(false))
                    .cloned()
                    .collect();
                if fitting.is_empty() {
                    return Some(false);
                }
                let all = fitting.len() == values.len();
                let carried = self.carried(&fitting, call);
                let fits = self.fits_parts(&carried, call);
                if all { fits } else { fits.filter(|fits| !fits) }
            }
            Value::Variant(variant) => {
                if !same_way(&variant.name, name) {
                    let is_way = matches!(
                        name,
                        "Some" | "Ok" | "Err" | "Success" | "Error" | "Forward" | "Failure"
                    ) || variant.class.is_some();
                    if is_way {
                        return Some(false);
                    }
                    // `AuthUser(user)` of a value that is certainly there.
                    self.fits_parts(&Args::default(), call);
                    return None;
                }
                let args = variant.args.clone();
                self.fits_parts(&args, call)
            }
            Value::None => {
                self.fits_parts(&Args::default(), call);
                Some(false)
            }
            Value::Absent => match name {
                "Some" | "Ok" | "Success" => Some(false),
                // The error that stands for nothing.
                "Err" | "Error" | "Failure" | "Forward" => {
                    self.fits_parts(&Args::of(vec![Value::Absent]), call);
                    Some(true)
                }
                _ => {
                    let parts = call.args.iter().map(|_| Value::Absent).collect();
                    self.fits_parts(&Args::of(parts), call)
                }
            },
            Value::Object(object) => {
                let fields = object.fields.borrow();
                let positional = (0..call.args.len())
                    .map(|at| fields.get(at.to_string().as_str()).cloned().unwrap_or_default())
                    .collect();
                let named = fields.iter().map(|(name, value)| (name.clone(), value.clone()));
                let args = Args { positional, named: named.collect(), ..Args::default() };
                drop(fields);
                let is_own = object.class.class.name.as_deref() == Some(name) || name == "Self";
                let fits = self.fits_parts(&args, call);
                if is_own { fits } else { None }
            }
            Value::Native(id) => {
                let record = self.call_record(*id).map(Rc::clone);
                let path = record.as_ref().and_then(|record| record.path());
                let (own, of) = path.map_or(("", None), |path| {
                    let mut parts = path.rsplit("::");
                    (parts.next().unwrap_or(""), parts.next())
                });
                if own == name {
                    let args = record.as_ref().map(|record| record.args.clone());
                    return self.fits_parts(&args.unwrap_or_default(), call);
                }
                let others: &Expr = &call.callee;
                let same_enumeration = of.is_some()
                    && match &others.kind {
                        ExprKind::Attribute { object, .. } => last_name(object) == of,
                        _ => false,
                    };
                let whole = call.args.iter().map(|_| value.clone()).collect();
                self.fits_parts(&Args::of(whole), call);
                same_enumeration.then_some(false)
            }
            // The text of a variable that may not be set.
            Value::Text(text) if matches!(name, "Some" | "Ok") => {
                let fits = self.fits_parts(&Args::of(vec![value.clone()]), call);
                if text.env().is_empty() { fits } else { None }
            }
            Value::Text(_) | Value::Bool(_) | Value::Number(_) | Value::List(_)
                if matches!(name, "Some" | "Ok") =>
            {
                self.fits_parts(&Args::of(vec![value.clone()]), call)
            }
            _ => {
                self.fits_parts(&Args::default(), call);
                None
            }
        }
    }

    /// What several values carry that fit one pattern.
    fn carried(&self, values: &[Value<'p>], call: &Call) -> Args<'p> {
        let mut parts: Vec<Vec<Value<'p>>> = vec![Vec::new(); call.args.len()];
        for value in values {
            for (at, part) in parts.iter_mut().enumerate() {
                part.push(match value {
                    Value::Variant(variant) => {
                        variant.args.positional.get(at).cloned().unwrap_or_default()
                    }
                    _ => Value::Unknown,
                });
            }
        }
        Args::of(parts.into_iter().map(Value::choice).collect())
    }

    /// Whether the parts fit that a value carries.
    fn fits_parts(&mut self, args: &Args<'p>, call: &'p Call) -> Option<bool> {
        let mut fits = Some(true);
        for (at, arg) in call.args.iter().enumerate() {
            let part = match &arg.name {
                Some(name) => args.keyword(name).cloned(),
                None => args.positional.get(at).cloned(),
            };
            let part = part.unwrap_or_default();
            fits = both(fits, self.fits_pattern(&part, &arg.value));
        }
        fits
    }

    fn fits_list(&mut self, value: &Value<'p>, parts: &'p [Expr]) -> Option<bool> {
        let is_rest = |part: &Expr| match &part.kind {
            ExprKind::Name(name) => name == "..",
            ExprKind::Other(inner) => {
                matches!(inner.get(1), Some(Expr { kind: ExprKind::Name(name), .. }) if name == "..")
            }
            _ => false,
        };
        let rest = parts.iter().position(is_rest);
        let Value::List(items) = value else {
            // Each part of what the outside gave is a part of that.
            let part = match value {
                Value::Native(_) | Value::Absent => value.clone(),
                _ => Value::Unknown,
            };
            parts.iter().for_each(|pattern| {
                self.fits_pattern(&part, pattern);
            });
            return None;
        };
        let items = items.borrow().clone();
        let fixed = parts.len() - usize::from(rest.is_some());
        if items.len() < fixed || rest.is_none() && items.len() > fixed {
            return Some(false);
        }
        let mut fits = Some(true);
        for (at, part) in parts.iter().enumerate() {
            let item = match rest {
                Some(rest) if at == rest => Value::Unknown,
                Some(rest) if at > rest => items[items.len() - (parts.len() - at)].clone(),
                _ => items[at].clone(),
            };
            fits = both(fits, self.fits_pattern(&item, part));
        }
        fits
    }
}

/// Whether two names mean the same way of a result. Rocket has its own names.
fn same_way(one: &str, other: &str) -> bool {
    let plain = |name| match name {
        "Success" => "Ok",
        "Error" | "Failure" => "Err",
        name => name,
    };
    one == other || plain(one) == plain(other)
}

/// Whether both hold.
fn both(first: Option<bool>, second: Option<bool>) -> Option<bool> {
    match (first, second) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    }
}

/// Whether one of several holds.
fn any(each: impl IntoIterator<Item = Option<bool>>) -> Option<bool> {
    let mut known = Some(false);
    for one in each {
        match one {
            Some(true) => return Some(true),
            Some(false) => {}
            None => known = None,
        }
    }
    known
}
