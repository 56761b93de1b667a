//! The one evaluator of expressions. Where names, attributes and calls lead is the business of a
//! [`Scope`]: within one module for the rules, through the whole program for the inventories.

use std::rc::Rc;

use smol_str::SmolStr;

use super::regexp::Regexp;
use super::text::Text;
use super::value::{Args, MAX_ITEMS, Place, Value};
use super::{builtins, paths};
use crate::module::{
    Arg, Block, Call, Class, Entry, Expr, ExprKind, Function, Markup, Span, TextPart,
};

/// The most values of a dictionary that one under an unknown key is guessed from.
const MAX_GUESSES: usize = 12;

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

    /// An expression that means something of its own in its language, before any of it is
    /// evaluated.
    fn own(&mut self, _expr: &'p Expr) -> Option<Value<'p>> {
        None
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

    /// `object[key]` of what keeps values that only the scope knows.
    fn item(&mut self, _object: &Value<'p>, _key: &str) -> Option<Value<'p>> {
        None
    }

    /// Whether something outside the program has a key or an item.
    fn contains(&mut self, _path: &str, _key: &Value<'p>) -> Option<bool> {
        None
    }

    /// `value instanceof of`, where that is known.
    fn is_instance(&mut self, _value: &Value<'p>, _of: &Value<'p>) -> Option<bool> {
        None
    }

    /// What a value holds as a list, where it is something from outside of which that is known.
    fn listed(&mut self, value: Value<'p>) -> Value<'p> {
        value
    }

    /// What comes of waiting for a value.
    fn awaited(&mut self, value: Value<'p>) -> Value<'p> {
        value
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

    /// What a map gives for a key that it does not have, or a list for a place behind its end;
    /// `None` where nobody knows.
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

    /// Whether a name is that of a parameter which may be left out, and was given something of
    /// which nobody knows more: it is not nothing.
    fn is_given(&self, _name: &str) -> bool {
        false
    }

    /// Whether a text with one of several in it is one of several itself, and not a text with a
    /// hole.
    fn tells_arms_apart(&self) -> bool {
        false
    }

    /// An element of a page.
    fn markup(&mut self, _markup: &'p Markup, _span: Span) {}

    /// Called before each expression; false stops with [`Value::Unknown`]. It bounds depth and
    /// the number of steps.
    fn enter(&mut self) -> bool;

    /// Whether what the environment may decide otherwise matters.
    fn weighs_both(&self) -> bool {
        false
    }

    /// Whether a value counts as true, where that decides what runs.
    fn decides(&self, value: &Value<'p>) -> Option<bool> {
        value.truth()
    }

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
    if let Some(value) = scope.own(expr) {
        return value;
    }
    match &expr.kind {
        ExprKind::Text(parts) => eval_text(parts, scope),
        ExprKind::Number(number) => Value::Number(number.clone()),
        ExprKind::Regex(written) => Value::Regex(Rc::new(Regexp::written(written))),
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
            if let Some(bounds) = slice_bounds(key) {
                return slice(&value, bounds, scope);
            }
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
                "!" => match truth(operand, &value, scope) {
                    Some(truth) if value.is_default() => Value::Flag(!truth),
                    Some(truth) => Value::Bool(!truth),
                    None => Value::Unknown,
                },
                // Rust's borrows, dereferences and `?` leave the value what it is.
                "&" | "&mut" | "*" | "?" | "+" => value,
                "-" => match value {
                    Value::Number(number) => Value::Number(SmolStr::from(format!("-{number}"))),
                    _ => Value::Unknown,
                },
                "~" if is_type(&value) => {
                    Value::Method(Rc::new((Value::list(vec![value]), "__invert__".into())))
                }
                "typeof" => match value {
                    Value::Absent => Value::text("undefined"),
                    Value::Text(_) => Value::text("string"),
                    Value::Number(_) => Value::text("number"),
                    Value::Bool(_) => Value::text("boolean"),
                    Value::Function(_) => Value::text("function"),
                    Value::Map(_) | Value::List(_) => Value::text("object"),
                    // What runs on a server has the one and not the other.
                    Value::External(path) if path == "window" => Value::text("undefined"),
                    Value::External(path) if path == "process" => Value::text("object"),
                    _ => Value::Unknown,
                },
                _ => Value::Unknown,
            }
        }
        ExprKind::Binary { operator, left, right }
            if let Some(is) = compared_with_nothing(operator, left, right, scope) =>
        {
            Value::Bool(is)
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
        ExprKind::Conditional { test: tested, then, otherwise } => {
            let test = eval(tested, scope);
            match truth(tested, &test, scope) {
                Some(truth) if test.is_default() && scope.weighs_both() => {
                    let (usual, other) = if truth { (then, otherwise) } else { (otherwise, then) };
                    let usual = eval(usual, scope);
                    if is_plain(other) { usual.unless(&eval(other, scope)) } else { usual }
                }
                Some(true) => eval(then, scope),
                Some(false) => eval(otherwise, scope),
                None => {
                    let then = eval(then, scope);
                    match (&test, eval(otherwise, scope)) {
                        // The fallback of an environment variable, marked as such.
                        (Value::Text(test), Value::Text(fallback))
                            if let [variable] = test.env()
                                && is_of_variable(&then, variable, scope) =>
                        {
                            Value::Text(Rc::new((*fallback).clone().from_env(variable)))
                        }
                        (_, otherwise) => Value::choice(vec![then, otherwise]),
                    }
                }
            }
        }
        ExprKind::List(items) => {
            let mut out = Vec::with_capacity(items.len());
            for item in items {
                if let ExprKind::Spread(inner) = &item.kind {
                    let inner = eval(inner, scope);
                    out.extend(spread(&scope.listed(inner)));
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
        ExprKind::Await(inner) => {
            let value = eval(inner, scope);
            scope.awaited(value)
        }
        ExprKind::Spread(inner) => eval(inner, scope),
        ExprKind::Assign { target, value } => {
            let value = eval(value, scope);
            scope.assign(target, &value);
            value
        }
        ExprKind::Markup(markup) => {
            scope.markup(markup, expr.span);
            Value::Unknown
        }
        ExprKind::Block(block) => scope.block(block),
        ExprKind::Other(inner) => {
            for inner in inner {
                eval(inner, scope);
            }
            Value::Unknown
        }
    }
}

/// Whether the fallback of a variable may stand for what the variable says, too: one of unlike
/// texts may not where they are told apart.
fn is_of_variable<'p, S: Scope<'p> + ?Sized>(value: &Value<'p>, variable: &str, scope: &S) -> bool {
    match value {
        Value::Unknown => true,
        Value::Text(text) => {
            !scope.tells_arms_apart() || text.env().iter().any(|known| known == variable)
        }
        _ => false,
    }
}

/// Whether what an expression came to counts as true; `None` when that is not known.
pub fn truth<'p, S: Scope<'p> + ?Sized>(expr: &Expr, value: &Value<'p>, scope: &S) -> Option<bool> {
    match &expr.kind {
        ExprKind::Name(name) if scope.is_given(name) => Some(true),
        _ => scope.decides(value),
    }
}

/// What a comparison of a parameter with nothing comes to, where it was given something.
fn compared_with_nothing<'p, S: Scope<'p> + ?Sized>(
    operator: &str,
    left: &Expr,
    right: &Expr,
    scope: &S,
) -> Option<bool> {
    let differs = match operator {
        "==" | "===" | "is" => false,
        "!=" | "!==" | "is not" => true,
        _ => return None,
    };
    let ExprKind::Name(name) = &left.kind else { return None };
    (matches!(right.kind, ExprKind::None) && scope.is_given(name)).then_some(differs)
}

/// Whether an expression is text that nothing is called for.
fn is_plain(expr: &Expr) -> bool {
    let mut at = expr;
    loop {
        at = match &at.kind {
            ExprKind::Text(parts) => {
                return parts.iter().all(|part| match part {
                    TextPart::Literal(_) => true,
                    TextPart::Hole(hole) => matches!(hole.kind, ExprKind::Name(_)),
                });
            }
            ExprKind::Name(_) => return true,
            ExprKind::Attribute { object, .. } => object,
            ExprKind::Binary { operator, left, right }
                if operator == "+"
                    && matches!(right.kind, ExprKind::Text(_) | ExprKind::Name(_)) =>
            {
                left
            }
            _ => return false,
        };
    }
}

/// The bounds of `slice(first, last, step)`, as the lowering of Python writes `first:last:step`.
fn slice_bounds(key: &Expr) -> Option<&[Arg]> {
    let ExprKind::Call(call) = &key.kind else { return None };
    let named = matches!(&call.callee.kind, ExprKind::Name(name) if name == "slice");
    (named && matches!(call.args.len(), 2 | 3)).then_some(call.args.as_slice())
}

/// A part of a list or a text, by places that are known; a part with steps is not followed.
fn slice<'p, S: Scope<'p> + ?Sized>(
    object: &Value<'p>,
    bounds: &'p [Arg],
    scope: &mut S,
) -> Value<'p> {
    let bounds: Vec<_> = bounds.iter().map(|bound| eval(&bound.value, scope)).collect();
    let length = match object {
        Value::Absent => return Value::Absent,
        Value::List(items) => items.borrow().len(),
        Value::Text(text) => match text.as_literal() {
            Some(text) => text.chars().count(),
            None => return Value::Unknown,
        },
        _ => return Value::Unknown,
    };
    let place = |bound: Option<&Value<'p>>, missing: usize| match bound {
        None | Some(Value::None) => Some(missing),
        Some(Value::Number(number)) => {
            let at = number.parse::<i64>().ok()?;
            let from_end = usize::try_from(at.unsigned_abs()).ok()?;
            Some(if at < 0 { length.saturating_sub(from_end) } else { from_end.min(length) })
        }
        _ => None,
    };
    let (Some(first), Some(last), None | Some(Value::None)) =
        (place(bounds.first(), 0), place(bounds.get(1), length), bounds.get(2))
    else {
        return Value::Unknown;
    };
    let count = last.saturating_sub(first);
    match object {
        Value::List(items) => {
            Value::list(items.borrow().iter().skip(first).take(count).cloned().collect())
        }
        Value::Text(text) => {
            let text = text.as_literal().unwrap_or_default();
            Value::text(&text.chars().skip(first).take(count).collect::<String>())
        }
        _ => Value::Unknown,
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
        other => other.items().unwrap_or_else(|| vec![other.clone().several()]),
    }
}

/// The most texts that one with holes comes to where a hole is one of several.
const MAX_ARMS: usize = 8;

fn eval_text<'p, S: Scope<'p> + ?Sized>(parts: &'p [TextPart], scope: &mut S) -> Value<'p> {
    let mut arms = vec![Text::default()];
    for part in parts {
        match part {
            TextPart::Literal(text) => arms.iter_mut().for_each(|out| out.push_literal(text)),
            TextPart::Hole(expr) => {
                let value = eval(expr, scope);
                let texts = texts_of_arms(&value).filter(|texts| {
                    scope.tells_arms_apart() && arms.len() * texts.len() <= MAX_ARMS
                });
                match (value, texts) {
                    (_, Some(texts)) => {
                        let longer = |out: &Text| {
                            texts.iter().map(|text| joined(out, text)).collect::<Vec<_>>()
                        };
                        arms = arms.iter().flat_map(longer).collect();
                    }
                    (Value::Text(text), _) => arms.iter_mut().for_each(|out| out.push(&text)),
                    (Value::Number(number), _) => {
                        arms.iter_mut().for_each(|out| out.push_literal(&number));
                    }
                    _ => arms.iter_mut().for_each(|out| out.push_hole(hole_name(expr))),
                }
            }
        }
    }
    Value::choice(arms.into_iter().map(|text| Value::Text(Rc::new(text))).collect())
}

/// The texts that a value is one of.
fn texts_of_arms(value: &Value<'_>) -> Option<Vec<Text>> {
    let Value::Choice(values) = value else { return None };
    let text = |value: &Value<'_>| match value {
        Value::Text(text) => Some((**text).clone()),
        _ => None,
    };
    values.iter().map(text).collect()
}

fn joined(left: &Text, right: &Text) -> Text {
    let mut out = left.clone();
    out.push(right);
    out
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
            let inner = eval(inner, scope);
            let spread = match scope.listed(inner) {
                Value::Choice(values) => side_by_side(&values),
                other => other,
            };
            match spread {
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

/// One of several lists as a list of what may stand at each place; what else it may be is left
/// out.
fn side_by_side<'p>(values: &[Value<'p>]) -> Value<'p> {
    let lists: Vec<_> = values.iter().filter_map(Value::items).collect();
    if lists.is_empty() {
        return values
            .iter()
            .find(|value| matches!(value, Value::Map(_)))
            .cloned()
            .unwrap_or_default();
    }
    let longest = lists.iter().map(Vec::len).max().unwrap_or(0);
    let at = |at: usize| lists.iter().filter_map(|list| list.get(at).cloned()).collect();
    Value::list((0..longest).map(|place| Value::choice(at(place))).collect())
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
    call_evaluated(callee, args, call, span, scope)
}

/// A call of what its parts came to.
pub fn call_evaluated<'p, S: Scope<'p> + ?Sized>(
    callee: Value<'p>,
    args: Args<'p>,
    call: &'p Call,
    span: Span,
    scope: &mut S,
) -> Value<'p> {
    if let Some(value) = scope.intercept(&callee, &args, span) {
        return value;
    }
    if let Some(value) = builtins::call(&callee, &args) {
        return value;
    }
    let span = link(call).map_or(span, |link| Span { end: span.end, ..link });
    scope.call(callee, args, call, span)
}

/// Where the link of a chain stands: at its own method's name, not where the chain begins. `None`
/// where both are on one line.
fn link(call: &Call) -> Option<Span> {
    let ExprKind::Attribute { object, name, .. } = &call.callee.kind else { return None };
    let first = call.args.first()?.value.span;
    let behind = call.callee.span.end.saturating_sub(object.span.end);
    // `.name` or `?.name`, with nothing but that behind the object.
    let beside = usize::try_from(behind).is_ok_and(|behind| behind <= name.len() + 2);
    if beside && !matches!(object.kind, ExprKind::Call(_)) {
        return None;
    }
    // What is not written right behind the bracket stands on a line of its own.
    let broken = first.start.saturating_sub(call.callee.span.end) > 1;
    let line = if broken { first.line.saturating_sub(1) } else { first.line };
    Some(Span { start: object.span.end, line, ..first })
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
        // Where a user is asked for this, nobody is an object too.
        match name {
            "is_authenticated" => return Value::Bool(false),
            "is_anonymous" => return Value::Bool(true),
            _ => {}
        }
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
        (Value::Map(_), Value::Text(text)) if let Some(key) = text.as_literal() => {
            let found = object.entry(key);
            found.or_else(|| scope.missing(object, key)).unwrap_or_default()
        }
        // One of them, under a key that nobody knows.
        (Value::Map(entries), Value::Unknown | Value::Text(_) | Value::Choice(_)) => {
            let entries = entries.borrow();
            if entries.len() > MAX_GUESSES {
                return Value::Unknown;
            }
            let values = entries.iter().map(|(_, value)| value.clone());
            Value::choice(values.chain([Value::Unknown]).collect())
        }
        (Value::Method(_), Value::Text(text)) => {
            text.as_literal().and_then(|key| scope.item(object, key)).unwrap_or_default()
        }
        (Value::List(items), Value::Number(_)) => {
            let found = {
                let items = items.borrow();
                position(key, items.len()).and_then(|at| items.get(at).cloned())
            };
            found.or_else(|| scope.missing(object, "")).unwrap_or_default()
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

/// The place in a list of a length that a number means; negative ones count from the end.
#[must_use]
pub fn position(key: &Value<'_>, length: usize) -> Option<usize> {
    let Value::Number(number) = key else { return None };
    let at = number.parse::<i64>().ok()?;
    if at < 0 {
        length.checked_sub(usize::try_from(at.checked_neg()?).ok()?)
    } else {
        usize::try_from(at).ok()
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
            match scope.decides(&left) {
                Some(true) => left,
                Some(false) if left.is_default() => match (left, eval(right, scope)) {
                    (Value::Text(left), Value::Text(right)) => {
                        let variables = left.env().iter();
                        let marked =
                            variables.fold((*right).clone(), |text, name| text.from_env(name));
                        Value::Text(Rc::new(marked))
                    }
                    (_, right) => right.by_default(),
                },
                Some(false) => eval(right, scope),
                None => match (left, eval(right, scope)) {
                    (_, Value::Bool(true)) => Value::Bool(true),
                    (left, right) => Value::choice(vec![left, right]),
                },
            }
        }
        "&&" => match scope.decides(&left) {
            Some(false) => left,
            Some(true) if left.is_default() => eval(right, scope).by_default(),
            Some(true) => eval(right, scope),
            None if left.is_default() => {
                let right = eval(right, scope);
                Value::choice(vec![left, right])
            }
            None => match eval(right, scope) {
                Value::Bool(true) => Value::Unknown,
                right => right,
            },
        },
        _ => {
            let right_value = eval(right, scope);
            if let ("in" | "not in", Value::External(path)) = (operator, &right_value)
                && let Some(found) = scope.contains(path, &left)
            {
                return Value::Bool(found == (operator == "in"));
            }
            if operator == "instanceof" {
                let is = scope.is_instance(&left, &right_value);
                return is.map_or(Value::Unknown, Value::Bool);
            }
            operate(operator, &left, &right_value, hole_name(right))
        }
    }
}

/// Whether a value is a class, or what operators have made of classes: that stays as it is written.
fn is_type(value: &Value<'_>) -> bool {
    match value {
        Value::Class(_) => true,
        Value::External(path) => {
            !path.starts_with("caller.")
                && path.rsplit('.').next().is_some_and(|name| name.starts_with(char::is_uppercase))
        }
        Value::Method(method) => {
            matches!(method.1.as_str(), "__or__" | "__and__" | "__invert__")
        }
        _ => false,
    }
}

/// What an operator makes of two values; `name` is what a hole is called.
#[must_use]
pub fn operate<'p>(operator: &str, left: &Value<'p>, right: &Value<'p>, name: &str) -> Value<'p> {
    let value = combine(operator, left, right, name);
    // A comparison with a default says what holds by default.
    if left.is_default() || right.is_default() { value.by_default() } else { value }
}

fn combine<'p>(operator: &str, left: &Value<'p>, right: &Value<'p>, name: &str) -> Value<'p> {
    match operator {
        "+" if let (Some(a), Some(b)) = (left.as_list(), right.as_list()) => {
            Value::list(a.borrow().iter().chain(b.borrow().iter()).cloned().collect())
        }
        "+" => match (left, right) {
            (Value::List(items), Value::Native(_) | Value::Method(_) | Value::Unknown) => {
                let known = items.borrow().iter().cloned().collect::<Vec<_>>();
                Value::list(known.into_iter().chain([right.clone().several()]).collect())
            }
            (Value::Native(_) | Value::Method(_), Value::List(items)) => {
                let known = items.borrow();
                Value::list(
                    [left.clone().several()].into_iter().chain(known.iter().cloned()).collect(),
                )
            }
            (Value::Native(_) | Value::Method(_), Value::Native(_) | Value::Method(_)) => {
                Value::list(vec![left.clone().several(), right.clone().several()])
            }
            (Value::List(_), Value::Choice(values)) => {
                Value::choice(values.iter().map(|value| operate("+", left, value, name)).collect())
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
                // Nobody is kept under an empty name, whatever else is there.
                Value::List(items) if left.as_str() == Some("") => {
                    Some(items.borrow().iter().any(|item| item.as_str() == Some("")))
                }
                Value::Map(_) if left.as_str() == Some("") => Some(right.entry("").is_some()),
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
        "|" | "&" if is_type(left) && is_type(right) => {
            let name = if operator == "|" { "__or__" } else { "__and__" };
            let both = Value::list(vec![left.clone(), right.clone()]);
            Value::Method(Rc::new((both, name.into())))
        }
        "|" => match (left, right) {
            (Value::Map(a), Value::Map(b)) => {
                Value::map(a.borrow().iter().chain(b.borrow().iter()).cloned().collect())
            }
            (Value::List(a), Value::List(b)) => {
                Value::list(a.borrow().iter().chain(b.borrow().iter()).cloned().collect())
            }
            _ => Value::Unknown,
        },
        "&" | "-" if matches!((left, right), (Value::List(_), Value::List(_))) => {
            select(left, right, operator == "&")
        }
        "<" | "<=" | ">" | ">=" => {
            let number = |value: &Value<'_>| match value {
                Value::Number(number) => number.parse::<f64>().ok(),
                _ => None,
            };
            let order = number(left).zip(number(right)).and_then(|(a, b)| a.partial_cmp(&b));
            order.map_or(Value::Unknown, |order| {
                Value::Bool(match operator {
                    "<" => order.is_lt(),
                    "<=" => order.is_le(),
                    ">" => order.is_gt(),
                    _ => order.is_ge(),
                })
            })
        }
        "-" | "*" => match (left, right) {
            (Value::Number(a), Value::Number(b)) => {
                let result = a.parse::<i64>().ok().zip(b.parse::<i64>().ok()).and_then(|(a, b)| {
                    if operator == "-" { a.checked_sub(b) } else { a.checked_mul(b) }
                });
                result.map_or(Value::Unknown, |result| {
                    Value::Number(SmolStr::from(result.to_string()))
                })
            }
            _ => Value::Unknown,
        },
        _ => Value::Unknown,
    }
}

/// The items of one set that are in another, or that are not; unknown where that is not known of
/// one of them.
fn select<'p>(left: &Value<'p>, right: &Value<'p>, wanted: bool) -> Value<'p> {
    let (Value::List(left), Value::List(right)) = (left, right) else { return Value::Unknown };
    let (left, right) = (left.borrow(), right.borrow());
    if left.len().saturating_mul(right.len()) > MAX_ITEMS {
        return Value::Unknown;
    }
    let mut out = Vec::new();
    for item in left.iter() {
        match contains(&right, item) {
            Some(found) if found == wanted => out.push(item.clone()),
            Some(_) => {}
            None => return Value::Unknown,
        }
    }
    Value::list(out)
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
pub fn equal<'p>(left: &Value<'p>, right: &Value<'p>) -> Option<bool> {
    match (left, right) {
        (Value::Text(a), Value::Text(b)) => a.equals(b),
        (Value::Number(a), Value::Number(b)) => Some(a == b),
        (Value::Bool(a) | Value::Flag(a), Value::Bool(b) | Value::Flag(b)) => Some(a == b),
        (Value::None | Value::Absent, Value::None | Value::Absent) => Some(true),
        // A user object that stands for nobody is an object all the same.
        (Value::None, Value::External(path)) | (Value::External(path), Value::None)
            if matches!(path.as_str(), "caller.user" | "caller.error") =>
        {
            Some(false)
        }
        // It is no role, no name, no number that anybody would compare it with.
        (
            Value::Absent,
            Value::Text(_)
            | Value::Number(_)
            | Value::Bool(_)
            | Value::External(_)
            | Value::Native(_)
            | Value::Method(_),
        )
        | (
            Value::Text(_)
            | Value::Number(_)
            | Value::Bool(_)
            | Value::External(_)
            | Value::Native(_)
            | Value::Method(_),
            Value::Absent,
        ) => Some(false),
        (Value::None, Value::Text(text)) | (Value::Text(text), Value::None) => {
            (!text.has_hole()).then_some(false)
        }
        (Value::None, other) | (other, Value::None)
            if matches!(
                other,
                Value::Number(_)
                    | Value::Bool(_)
                    | Value::List(_)
                    | Value::Map(_)
                    | Value::Object(_)
                    | Value::Function(_)
                    | Value::Class(_)
                    | Value::Module(_)
            ) =>
        {
            Some(false)
        }
        (Value::Text(_), Value::Number(_) | Value::Bool(_))
        | (Value::Number(_) | Value::Bool(_), Value::Text(_)) => Some(false),
        _ => None,
    }
}
