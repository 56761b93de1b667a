//! The one evaluator of expressions. Where names, attributes and calls lead is the business of a
//! [`Scope`]: within one module for the rules, through the whole program for the inventories.

use std::rc::Rc;

use smol_str::SmolStr;

use super::text::Text;
use super::value::{Args, MAX_ITEMS, Place, Value};
use super::{builtins, paths};
use crate::module::{Arg, Block, Call, Class, Entry, Expr, ExprKind, Function, Span, TextPart};

/// Where names, attributes and calls lead.
pub trait Scope<'p> {
    /// The value of a name.
    fn name(&mut self, name: &str) -> Value<'p>;

    /// `object.name`, after the built-in attributes were tried.
    fn attribute(&mut self, object: &Value<'p>, name: &str) -> Value<'p>;

    /// A call, after the built-in functions were tried.
    fn call(&mut self, callee: Value<'p>, args: Args<'p>, call: &'p Call, span: Span) -> Value<'p>;

    /// A function expression.
    fn function(&mut self, _function: &'p Function) -> Value<'p> {
        Value::Unknown
    }

    /// A class expression.
    fn class(&mut self, _class: &'p Class) -> Value<'p> {
        Value::Unknown
    }

    /// An assignment used as a value.
    fn assign(&mut self, _target: &'p Expr, _value: &Value<'p>) {}

    /// A block used as a value, or a comprehension.
    fn block(&mut self, _block: &'p Block) -> Value<'p> {
        Value::Unknown
    }

    /// An attribute of something outside the program, before anything else is tried.
    fn outside(&mut self, _path: &str, _name: &str) -> Option<Value<'p>> {
        None
    }

    /// A call, before anything else is tried.
    fn intercept(
        &mut self,
        _callee: &Value<'p>,
        _args: &Args<'p>,
        _span: Span,
    ) -> Option<Value<'p>> {
        None
    }

    /// What a map gives for a key that it does not have; `None` where nobody knows.
    fn missing(&mut self, _map: &Value<'p>, _key: &str) -> Option<Value<'p>> {
        None
    }

    /// Where in the program something stands.
    fn here(&self, _span: Span) -> Option<Place> {
        None
    }

    /// `object.then(f)`, `object.catch(f)`: `None` where it is a method like any other. What was
    /// raised while `object` was evaluated ends here.
    fn promised(
        &mut self,
        _object: &Value<'p>,
        _method: &str,
        _args: &Args<'p>,
        _span: Span,
    ) -> Option<Value<'p>> {
        None
    }

    /// Something is done with [`Value::Absent`] that nothing can be done with.
    fn nothing_used(&mut self) {}

    /// Called before each expression; false stops with [`Value::Unknown`]. It bounds depth and
    /// the number of steps.
    fn enter(&mut self) -> bool;

    /// Takes note of work beyond one step: the [`Value::weight`] of what was made.
    fn spend(&mut self, _steps: usize) {}

    /// Called after each expression that [`Scope::enter`] let in.
    fn leave(&mut self);
}

/// Evaluates an expression.
pub fn eval<'p, S: Scope<'p> + ?Sized>(expr: &'p Expr, scope: &mut S) -> Value<'p> {
    if !scope.enter() {
        return Value::Unknown;
    }
    let value = eval_inner(expr, scope);
    if !matches!(expr.kind, ExprKind::Name(_) | ExprKind::Attribute { .. } | ExprKind::Index { .. })
    {
        scope.spend(value.weight());
    }
    scope.leave();
    value
}

fn eval_inner<'p, S: Scope<'p> + ?Sized>(expr: &'p Expr, scope: &mut S) -> Value<'p> {
    match &expr.kind {
        ExprKind::Text(parts) => eval_text(parts, scope),
        ExprKind::Number(number) => Value::Number(number.clone()),
        ExprKind::Bool(value) => Value::Bool(*value),
        ExprKind::None => Value::None,
        ExprKind::Name(name) => scope.name(name),
        ExprKind::Attribute { object, name, optional } => {
            let value = eval(object, scope);
            if matches!(value, Value::Absent | Value::None) && (*optional || ends_early(object)) {
                return value;
            }
            attribute(&value, name, scope)
        }
        ExprKind::Index { object, key, optional } => {
            let value = eval(object, scope);
            let key = eval(key, scope);
            if matches!(value, Value::Absent | Value::None) && (*optional || ends_early(object)) {
                return value;
            }
            index(&value, &key, scope)
        }
        ExprKind::Call(call) => eval_call(call, expr.span, scope),
        ExprKind::Unary { operator, operand } => {
            let value = eval(operand, scope);
            match operator.as_str() {
                "!" => value.truth().map_or(Value::Unknown, |truth| Value::Bool(!truth)),
                // Rust's borrows, dereferences and `?` leave the value what it is.
                "&" | "&mut" | "*" | "?" | "+" => value,
                "-" => match value {
                    Value::Number(number) => Value::Number(SmolStr::from(format!("-{number}"))),
                    _ => Value::Unknown,
                },
                "typeof" => match value {
                    Value::Absent => Value::text("undefined"),
                    Value::Text(_) => Value::text("string"),
                    Value::Number(_) => Value::text("number"),
                    Value::Bool(_) => Value::text("boolean"),
                    Value::Function(_) => Value::text("function"),
                    Value::Map(_) | Value::List(_) => Value::text("object"),
                    _ => Value::Unknown,
                },
                _ => Value::Unknown,
            }
        }
        ExprKind::Binary { operator, left, right } => {
            // Chains such as `a + b + c …` lean to the left and are walked without recursion.
            let mut chain = vec![(operator, right)];
            let mut first = left;
            while let ExprKind::Binary { operator: inner, left, right } = &first.kind {
                chain.push((inner, right));
                first = left;
            }
            let mut value = eval(first, scope);
            for (operator, right) in chain.into_iter().rev() {
                value = binary(operator, value, right, scope);
                scope.spend(value.weight());
            }
            value
        }
        ExprKind::Conditional { test, then, otherwise } => match eval(test, scope).truth() {
            Some(true) => eval(then, scope),
            Some(false) => eval(otherwise, scope),
            None => {
                let then = eval(then, scope);
                Value::choice(vec![then, eval(otherwise, scope)])
            }
        },
        ExprKind::List(items) => {
            let mut out = Vec::with_capacity(items.len());
            for item in items {
                if let ExprKind::Spread(inner) = &item.kind {
                    out.extend(spread(&eval(inner, scope)));
                    if out.len() > MAX_ITEMS {
                        return Value::Unknown;
                    }
                } else {
                    out.push(eval(item, scope));
                }
            }
            Value::list(out)
        }
        ExprKind::Map(entries) => eval_map(entries, expr.span, scope),
        ExprKind::Function(function) => scope.function(function),
        ExprKind::Class(class) => scope.class(class),
        ExprKind::Await(inner) | ExprKind::Spread(inner) => eval(inner, scope),
        ExprKind::Assign { target, value } => {
            let value = eval(value, scope);
            scope.assign(target, &value);
            value
        }
        ExprKind::Markup(_) => Value::Unknown,
        ExprKind::Block(block) => scope.block(block),
        ExprKind::Other(inner) => {
            for inner in inner {
                eval(inner, scope);
            }
            Value::Unknown
        }
    }
}

/// Whether a chain such as `a?.b().c` may have ended at a `?.` with nothing.
fn ends_early(expr: &Expr) -> bool {
    let mut at = expr;
    loop {
        at = match &at.kind {
            ExprKind::Attribute { optional: true, .. } | ExprKind::Index { optional: true, .. } => {
                return true;
            }
            ExprKind::Attribute { object, .. } | ExprKind::Index { object, .. } => object,
            ExprKind::Call(call) => &call.callee,
            _ => return false,
        };
    }
}

/// The items that a value spreads into a list. Of one of several lists each item may be missing,
/// except for what all of them have.
fn spread<'p>(value: &Value<'p>) -> Vec<Value<'p>> {
    match value {
        Value::Choice(values) => {
            let lists: Vec<Vec<Value<'p>>> = values.iter().map(spread).collect();
            let everywhere = |item: &Value<'p>| {
                lists.iter().all(|list| list.iter().any(|other| other.is_same(item)))
            };
            let mut out: Vec<Value<'p>> = Vec::new();
            for item in lists.iter().flatten() {
                if !everywhere(item) {
                    out.push(Value::choice(vec![item.clone(), Value::None]));
                } else if !out.iter().any(|known| known.is_same(item)) {
                    out.push(item.clone());
                }
            }
            out
        }
        Value::None | Value::Absent | Value::Bool(false) => Vec::new(),
        other => other.items().unwrap_or_else(|| vec![Value::Unknown]),
    }
}

fn eval_text<'p, S: Scope<'p> + ?Sized>(parts: &'p [TextPart], scope: &mut S) -> Value<'p> {
    let mut out = Text::default();
    for part in parts {
        match part {
            TextPart::Literal(text) => out.push_literal(text),
            TextPart::Hole(expr) => {
                let value = eval(expr, scope);
                match value {
                    Value::Text(text) => out.push(&text),
                    Value::Number(number) => out.push_literal(&number),
                    _ => out.push_hole(hole_name(expr)),
                }
            }
        }
    }
    Value::Text(Rc::new(out))
}

/// The last name of a path, to call a hole by.
#[must_use]
pub fn hole_name(expr: &Expr) -> &str {
    match &expr.kind {
        ExprKind::Name(name) | ExprKind::Attribute { name, .. } => name,
        ExprKind::Call(call) => call.args.first().map_or("", |arg| hole_name(&arg.value)),
        ExprKind::Await(inner) | ExprKind::Unary { operand: inner, .. } => hole_name(inner),
        _ => "",
    }
}

fn eval_map<'p, S: Scope<'p> + ?Sized>(
    entries: &'p [Entry],
    span: Span,
    scope: &mut S,
) -> Value<'p> {
    let mut out = Vec::with_capacity(entries.len());
    for entry in entries {
        match &entry.key {
            Some(key) => {
                let key = eval(key, scope);
                out.push((key, eval(&entry.value, scope)));
            }
            None => match eval(&entry.value, scope) {
                Value::Map(inner) => out.extend(inner.borrow().iter().cloned()),
                _ => out.push((Value::Unknown, Value::Unknown)),
            },
        }
        if out.len() > MAX_ITEMS {
            return Value::Unknown;
        }
    }
    Value::map_at(out, scope.here(span))
}

/// Evaluates arguments.
pub fn eval_args<'p, S: Scope<'p> + ?Sized>(args: &'p [Arg], scope: &mut S) -> Args<'p> {
    let mut out = Args::default();
    for arg in args {
        if let ExprKind::Spread(inner) = &arg.value.kind {
            match eval(inner, scope) {
                Value::List(items) => out.positional.extend(items.borrow().iter().cloned()),
                Value::Map(entries) => {
                    for (key, value) in entries.borrow().iter() {
                        match key.as_str() {
                            Some(key) => out.named.push((key.into(), value.clone())),
                            None => out.open = true,
                        }
                    }
                }
                _ => out.open = true,
            }
            if out.positional.len() + out.named.len() > MAX_ITEMS {
                return Args { open: true, ..Args::default() };
            }
            continue;
        }
        let value = eval(&arg.value, scope);
        match &arg.name {
            Some(name) => out.named.push((name.clone(), value)),
            None => out.positional.push(value),
        }
    }
    out
}

fn eval_call<'p, S: Scope<'p> + ?Sized>(call: &'p Call, span: Span, scope: &mut S) -> Value<'p> {
    let (callee, args) = match &call.callee.kind {
        ExprKind::Attribute { object, name, .. } if is_of_promise(name) => {
            let object = eval(object, scope);
            let args = eval_args(&call.args, scope);
            if let Some(value) = scope.promised(&object, name, &args, span) {
                return value;
            }
            (attribute(&object, name, scope), args)
        }
        _ => (eval(&call.callee, scope), eval_args(&call.args, scope)),
    };
    if let Some(value) = scope.intercept(&callee, &args, span) {
        return value;
    }
    if let Some(value) = builtins::call(&callee, &args) {
        return value;
    }
    // The link of a chain stands where its own arguments are, not where the chain begins.
    let span = match (&call.callee.kind, call.args.first()) {
        (ExprKind::Attribute { object, .. }, Some(arg))
            if matches!(object.kind, ExprKind::Call(_)) =>
        {
            Span { end: span.end, ..arg.value.span }
        }
        _ => span,
    };
    scope.call(callee, args, call, span)
}

/// Whether a method may be one that goes on with what a promise comes to.
fn is_of_promise(name: &str) -> bool {
    matches!(name, "then" | "catch" | "finally")
}

/// `object.name`.
pub fn attribute<'p, S: Scope<'p> + ?Sized>(
    object: &Value<'p>,
    name: &str,
    scope: &mut S,
) -> Value<'p> {
    if let Value::Choice(values) = object {
        let values: Vec<_> = values.iter().map(|value| attribute(value, name, scope)).collect();
        return Value::choice(values);
    }
    if let Value::External(path) = object
        && let Some(value) = scope.outside(path, name)
    {
        return value;
    }
    if matches!(object, Value::Absent) {
        scope.nothing_used();
        return Value::Absent;
    }
    if matches!(object, Value::Map(_))
        && object.entry(name).is_none()
        && !builtins::is_map_method(name)
        && let Some(value) = scope.missing(object, name)
    {
        return value;
    }
    builtins::attribute(object, name).unwrap_or_else(|| scope.attribute(object, name))
}

/// `object[key]`.
pub fn index<'p, S: Scope<'p> + ?Sized>(
    object: &Value<'p>,
    key: &Value<'p>,
    scope: &mut S,
) -> Value<'p> {
    match (object, key) {
        (Value::Absent, _) => {
            scope.nothing_used();
            Value::Absent
        }
        // What is kept under the key of somebody who has none.
        (_, Value::Absent) => Value::Absent,
        (Value::External(path), Value::Text(text))
            if let Some(value) = text.as_literal().and_then(|name| scope.outside(path, name)) =>
        {
            value
        }
        (Value::External(path), _) if path.ends_with(".Annotated") || path == "Annotated" => {
            let mut parts = match key {
                Value::List(items) => items.borrow().clone(),
                other => vec![other.clone()],
            }
            .into_iter();
            let of = parts.next().unwrap_or_default();
            Value::Annotated(Rc::new((of, parts.collect())))
        }
        (Value::Map(_), Value::Text(text)) => {
            let Some(key) = text.as_literal() else { return Value::Unknown };
            let found = object.entry(key);
            found.or_else(|| scope.missing(object, key)).unwrap_or_default()
        }
        (Value::List(items), Value::Number(number)) => {
            let items = items.borrow();
            match number.parse::<i64>() {
                Ok(at) if at < 0 => usize::try_from(-at)
                    .ok()
                    .and_then(|back| items.len().checked_sub(back))
                    .and_then(|at| items.get(at).cloned())
                    .unwrap_or_default(),
                Ok(at) => usize::try_from(at)
                    .ok()
                    .and_then(|at| items.get(at).cloned())
                    .unwrap_or_default(),
                Err(_) => Value::Unknown,
            }
        }
        (Value::External(path), Value::Text(text)) if builtins::is_environment(path) => {
            Value::Text(Rc::new(Text::hole(&text.to_string()).from_env(&text.to_string())))
        }
        // `app.config["X"]`, `obj["method"](…)`: a constant key is an attribute.
        (Value::Object(_) | Value::Module(_) | Value::Native(_), Value::Text(text)) => {
            match text.as_literal() {
                Some(name) => attribute(object, name, scope),
                None => Value::Unknown,
            }
        }
        // `Promise<User>`, `list[int]`: a type with arguments is the type.
        (Value::External(_) | Value::Class(_), _) => object.clone(),
        _ => Value::Unknown,
    }
}

fn binary<'p, S: Scope<'p> + ?Sized>(
    operator: &str,
    left: Value<'p>,
    right: &'p Expr,
    scope: &mut S,
) -> Value<'p> {
    match operator {
        "||" | "??" => {
            // An environment variable without a value takes the fallback, marked as such.
            if let Value::Text(text) = &left
                && text.has_hole()
                && let [variable] = text.env()
            {
                return match eval(right, scope) {
                    Value::Text(fallback) => {
                        Value::Text(Rc::new((*fallback).clone().from_env(variable)))
                    }
                    other => other,
                };
            }
            match left.truth() {
                Some(true) => left,
                Some(false) => eval(right, scope),
                None => {
                    let right = eval(right, scope);
                    match right {
                        Value::Bool(true) => right,
                        right => Value::choice(vec![left, right]),
                    }
                }
            }
        }
        "&&" => match left.truth() {
            Some(false) => left,
            Some(true) => eval(right, scope),
            None => match eval(right, scope) {
                Value::Bool(true) => Value::Unknown,
                right => right,
            },
        },
        _ => {
            let right_value = eval(right, scope);
            operate(operator, &left, &right_value, hole_name(right))
        }
    }
}

/// What an operator makes of two values; `name` calls what is unknown of the right one.
#[must_use]
pub fn operate<'p>(operator: &str, left: &Value<'p>, right: &Value<'p>, name: &str) -> Value<'p> {
    match operator {
        "+" => match (left, right) {
            (Value::List(a), Value::List(b)) => {
                Value::list(a.borrow().iter().chain(b.borrow().iter()).cloned().collect())
            }
            (Value::Text(a), other) => {
                let mut out = (**a).clone();
                match other {
                    Value::Text(_) | Value::Number(_) => out.push(&other.to_text()),
                    Value::Choice(values) => {
                        let sums: Vec<_> =
                            values.iter().map(|value| operate("+", left, value, name)).collect();
                        return Value::choice(sums);
                    }
                    _ => out.push_hole(name),
                }
                Value::Text(Rc::new(out))
            }
            (Value::Choice(values), other) => {
                Value::choice(values.iter().map(|value| operate("+", value, other, name)).collect())
            }
            (Value::Number(a), Value::Number(b)) => match (a.parse::<i64>(), b.parse::<i64>()) {
                (Ok(a), Ok(b)) => a
                    .checked_add(b)
                    .map_or(Value::Unknown, |sum| Value::Number(SmolStr::from(sum.to_string()))),
                _ => Value::Unknown,
            },
            (_, Value::Text(b)) => {
                let mut out = Text::hole("");
                out.push(b);
                Value::Text(Rc::new(out))
            }
            _ => Value::Unknown,
        },
        "%" => match left {
            Value::Text(format) => {
                let filled = format.fill_percent(|position, name| match right {
                    Value::List(items) if name.is_empty() => {
                        items.borrow().get(position).map(Value::to_text)
                    }
                    Value::Map(_) => right.entry(name).map(|value| value.to_text()),
                    other => Some(other.to_text()),
                });
                Value::Text(Rc::new(filled))
            }
            _ => Value::Unknown,
        },
        "/" => match (left, right) {
            // `pathlib`'s join.
            (Value::Text(_), Value::Text(_)) => paths::join(&[left.clone(), right.clone()]),
            _ => Value::Unknown,
        },
        "==" | "===" | "is" => equal(left, right).map_or(Value::Unknown, Value::Bool),
        "!=" | "!==" | "is not" => {
            equal(left, right).map_or(Value::Unknown, |equal| Value::Bool(!equal))
        }
        "in" | "not in" => {
            let wanted = operator == "in";
            let found = match right {
                Value::Absent => Some(false),
                _ if matches!(left, Value::Absent) => Some(false),
                Value::List(items) => contains(&items.borrow(), left),
                Value::Map(entries) => {
                    let keys: Vec<_> =
                        entries.borrow().iter().map(|(key, _)| key.clone()).collect();
                    contains(&keys, left)
                }
                Value::Text(text) => match (text.as_literal(), left.as_str()) {
                    (Some(text), Some(part)) => Some(text.contains(part)),
                    _ => None,
                },
                _ => None,
            };
            found.map_or(Value::Unknown, |found| Value::Bool(found == wanted))
        }
        // Unions of sets and types.
        "|" => match (left, right) {
            (Value::Map(a), Value::Map(b)) => {
                Value::map(a.borrow().iter().chain(b.borrow().iter()).cloned().collect())
            }
            _ => Value::Unknown,
        },
        _ => Value::Unknown,
    }
}

/// Whether a value is among items; `None` when that is not known.
#[must_use]
pub fn contains<'p>(items: &[Value<'p>], wanted: &Value<'p>) -> Option<bool> {
    let mut certain = true;
    for item in items {
        match equal(item, wanted) {
            Some(true) => return Some(true),
            Some(false) => {}
            None => certain = false,
        }
    }
    certain.then_some(false)
}

/// Whether two values are equal; `None` when that is not known.
#[must_use]
pub fn equal(left: &Value<'_>, right: &Value<'_>) -> Option<bool> {
    match (left, right) {
        (Value::Text(a), Value::Text(b)) => a.equals(b),
        (Value::Number(a), Value::Number(b)) => Some(a == b),
        (Value::Bool(a), Value::Bool(b)) => Some(a == b),
        (Value::None | Value::Absent, Value::None | Value::Absent) => Some(true),
        // It is no role, no name, no number that anybody would compare it with.
        (
            Value::Absent,
            Value::Text(_) | Value::Number(_) | Value::Bool(_) | Value::External(_),
        )
        | (
            Value::Text(_) | Value::Number(_) | Value::Bool(_) | Value::External(_),
            Value::Absent,
        ) => Some(false),
        (Value::None, Value::Text(text)) | (Value::Text(text), Value::None) => {
            (!text.has_hole()).then_some(false)
        }
        (
            Value::None,
            Value::Number(_) | Value::Bool(_) | Value::List(_) | Value::Map(_) | Value::Object(_),
        )
        | (
            Value::Number(_) | Value::Bool(_) | Value::List(_) | Value::Map(_) | Value::Object(_),
            Value::None,
        ) => Some(false),
        (Value::Text(_), Value::Number(_) | Value::Bool(_))
        | (Value::Number(_) | Value::Bool(_), Value::Text(_)) => Some(false),
        _ => None,
    }
}
