//! Expressions.

use std::rc::Rc;

use smol_str::SmolStr;

use super::items::top;
use crate::eval::expr::{self, Scope};
use crate::eval::interpreter::{Interpreter, Thrown};
use crate::eval::value::{Args, CallId, ClassValue, Object, Value, Variant};
use crate::module::path::Path;
use crate::module::{Call, Expr, ExprKind, Span};

impl<'p> Interpreter<'p> {
    /// The value of an expression; `None` for one that is like those of other languages.
    pub(in crate::eval::interpreter) fn rust_expr(&mut self, expr: &'p Expr) -> Option<Value<'p>> {
        Some(match &expr.kind {
            ExprKind::Name(name) => self.rust_name(name),
            ExprKind::Attribute { object, name, .. } => {
                let value = expr::eval(object, self);
                match self.path_through(&value, expr) {
                    Some(found) => found,
                    None => self.attribute_of(object, &value, name),
                }
            }
            ExprKind::Index { object, key, .. } => {
                let object = expr::eval(object, self);
                match &object {
                    // `Router<AppState>`: a type with arguments is the type.
                    Value::External(path) if !path.starts_with("caller.") => object,
                    Value::Class(_) => object,
                    // A part of something is still nothing, and of a list it may be any.
                    Value::Absent => Value::Absent,
                    _ => {
                        let key = expr::eval(key, self);
                        match (&object, &key) {
                            (Value::List(_), Value::Number(_))
                            | (Value::Map(_), Value::Text(_)) => expr::index(&object, &key, self),
                            // `items[..]`
                            (Value::List(_) | Value::Text(_), Value::Unknown) if matches!(&key_of(expr), Some(ExprKind::Other(parts)) if parts.is_empty()) => {
                                object
                            }
                            _ => Value::Unknown,
                        }
                    }
                }
            }
            ExprKind::Call(call) => self.rust_call(call, expr.span),
            ExprKind::Unary { operator, operand } => self.rust_unary(operator, operand)?,
            ExprKind::Binary { operator, left, right } => {
                self.rust_binary(operator, left, right)?
            }
            ExprKind::Conditional { test, then, otherwise } => {
                self.in_scope(|it| it.rust_conditional(test, then, otherwise))
            }
            // `let P = v` as a condition.
            ExprKind::Assign { target, value } => {
                let value = expr::eval(value, self);
                self.fits_pattern(&value, target).map_or(Value::Unknown, Value::Bool)
            }
            ExprKind::Block(block) => self.rust_block_value(block),
            // `async { … }` is done where it stands.
            ExprKind::Function(function)
                if function.is_async && function.params.is_empty() && is_block(expr, function) =>
            {
                let made = self.closure(function);
                self.call_value(&made, Args::default(), expr.span)
            }
            _ => return None,
        })
    }

    /// What a path leads to whose beginning is a module that is not in the program, since it holds
    /// nothing but other modules.
    fn path_through(&mut self, beginning: &Value<'p>, written: &Expr) -> Option<Value<'p>> {
        if !matches!(beginning, Value::Unknown) {
            return None;
        }
        let path = Path::of(written);
        let head = path.segments.first().filter(|_| !path.opaque)?;
        if self.frame.env.get(head).is_some() {
            return None;
        }
        match self.found(&top(&self.frame.env), &path.segments.join("::")) {
            Value::Unknown | Value::External(_) => None,
            found => Some(found),
        }
    }

    /// `a.b` and `a::b`. A module or a crate may be called like a function beside it.
    fn attribute_of(&mut self, written: &Expr, object: &Value<'p>, name: &str) -> Value<'p> {
        if let (Value::Function(closure), ExprKind::Name(module)) = (object, &written.kind)
            && closure.env.parent.is_none()
            && closure.function.name.as_ref() == Some(module)
        {
            let path = format!("self::{module}::{name}");
            match self.found(&top(&self.frame.env), &path) {
                Value::External(_) | Value::Unknown | Value::Method(_) => {}
                found => return found,
            }
            if self.program.depends_on(closure.env.file, module) {
                return Value::External(SmolStr::from(format!("{module}::{name}")));
            }
        }
        self.rust_attribute(object, name)
    }

    fn rust_unary(&mut self, operator: &str, operand: &'p Expr) -> Option<Value<'p>> {
        Some(match operator {
            "?" => {
                let value = expr::eval(operand, self);
                self.attempted(value)
            }
            "as" | "&" | "&mut" | "*" | "dyn" | "impl" => expr::eval(operand, self),
            "!" => {
                let value = expr::eval(operand, self);
                match value {
                    Value::Bool(truth) => Value::Bool(!truth),
                    _ => Value::Unknown,
                }
            }
            _ => return None,
        })
    }

    /// `value?`: what it carries, unless the function ends with it.
    pub(super) fn attempted(&mut self, value: Value<'p>) -> Value<'p> {
        match &value {
            Value::None | Value::Absent => {
                self.leaving.get_or_insert(value);
                Value::Unknown
            }
            Value::Variant(variant) => match variant.name.as_str() {
                "Ok" | "Some" | "Success" | "Continue" => {
                    variant.args.positional.first().cloned().unwrap_or(Value::None)
                }
                _ => {
                    self.leaving.get_or_insert(value);
                    Value::Unknown
                }
            },
            Value::Native(id) => match self.outcome(*id) {
                Some((true, carried)) => carried,
                Some((false, _)) => {
                    self.leaving.get_or_insert(value);
                    Value::Unknown
                }
                None => value,
            },
            Value::Choice(values) => {
                let mut kept = Vec::new();
                for value in values.iter() {
                    let outer = self.leaving.take();
                    let goes_on = self.attempted(value.clone());
                    match std::mem::replace(&mut self.leaving, outer) {
                        // On one of the ways the function ends.
                        Some(left) => {
                            self.returned.push(left);
                            self.narrow();
                        }
                        None => kept.push(goes_on),
                    }
                }
                if kept.is_empty() {
                    let left = self.returned.pop().unwrap_or_default();
                    self.leaving.get_or_insert(left);
                }
                Value::choice(kept)
            }
            _ => value,
        }
    }

    /// Whether the outcome of a guard is a success, and what it carries; `None` for what is none.
    pub(in crate::eval::interpreter) fn outcome(&self, id: CallId) -> Option<(bool, Value<'p>)> {
        let record = self.call_record(id)?;
        let (of, name) = record.path()?.rsplit_once("::")?;
        if !of.ends_with("Outcome") {
            return None;
        }
        let carried = record.args.positional.first().cloned().unwrap_or_default();
        match name {
            "Success" => Some((true, carried)),
            "Error" | "Failure" | "Forward" => Some((false, carried)),
            _ => None,
        }
    }

    fn rust_binary(
        &mut self,
        operator: &str,
        left: &'p Expr,
        right: &'p Expr,
    ) -> Option<Value<'p>> {
        Some(match operator {
            "&&" | "||" => {
                let decides = operator == "||";
                let first = expr::eval(left, self);
                if first.truth() == Some(decides) {
                    return Some(Value::Bool(decides));
                }
                let second = expr::eval(right, self);
                match (first.truth(), second.truth()) {
                    (_, Some(second)) if second == decides => Value::Bool(decides),
                    (Some(_), Some(second)) => Value::Bool(second),
                    _ => Value::Unknown,
                }
            }
            "==" | "!=" => {
                let first = expr::eval(left, self);
                let second = expr::eval(right, self);
                let same = self.same(&first, &second);
                same.map_or(Value::Unknown, |same| Value::Bool(same == (operator == "==")))
            }
            _ => return None,
        })
    }

    /// Whether two values are equal; `None` where that is not known.
    pub(super) fn same(&self, left: &Value<'p>, right: &Value<'p>) -> Option<bool> {
        match (left, right) {
            (Value::Variant(a), Value::Variant(b)) => {
                if a.name != b.name {
                    return Some(false);
                }
                let mut known = Some(true);
                for (a, b) in a.args.positional.iter().zip(&b.args.positional) {
                    match self.same(a, b) {
                        Some(true) => {}
                        Some(false) => return Some(false),
                        None => known = None,
                    }
                }
                known
            }
            // A constant of a library, such as `Method::GET`, is what it is called.
            (Value::External(path), Value::Text(text))
            | (Value::Text(text), Value::External(path)) => {
                let name = path.rsplit("::").next().unwrap_or(path);
                let is_constant = path.contains("::") && name.chars().all(|c| !c.is_lowercase());
                match (is_constant, text.as_literal()) {
                    (true, Some(text)) => Some(name == text),
                    _ => None,
                }
            }
            (Value::External(a), Value::External(b)) => {
                (a.rsplit("::").next() == b.rsplit("::").next()).then_some(true)
            }
            (Value::None | Value::Absent, Value::Variant(_))
            | (Value::Variant(_), Value::None | Value::Absent) => Some(false),
            (Value::Absent, Value::Object(_) | Value::Native(_))
            | (Value::Object(_) | Value::Native(_), Value::Absent) => Some(false),
            (Value::Variant(a), other) | (other, Value::Variant(a)) => {
                let carried = a.args.positional.first()?;
                matches!(a.name.as_str(), "Some" | "Ok").then(|| self.same(carried, other))?
            }
            _ => expr::equal(left, right),
        }
    }

    fn rust_conditional(
        &mut self,
        test: &'p Expr,
        then: &'p Expr,
        otherwise: &'p Expr,
    ) -> Value<'p> {
        let truth = expr::eval(test, self).truth();
        if self.interrupted() {
            return Value::Unknown;
        }
        match truth {
            Some(true) => expr::eval(then, self),
            Some(false) => expr::eval(otherwise, self),
            None => {
                let then = self.perhaps(|it| expr::eval(then, it));
                let otherwise = self.perhaps(|it| expr::eval(otherwise, it));
                self.either(vec![then, otherwise])
            }
        }
    }

    /// Evaluates what nobody knows whether it happens. `None` where the function ends in it.
    pub(super) fn perhaps(
        &mut self,
        work: impl FnOnce(&mut Self) -> Value<'p>,
    ) -> Option<Value<'p>> {
        self.conditional += 1;
        let value = work(self);
        self.conditional -= 1;
        if let Some(thrown) = self.throwing.take() {
            self.may_throw(thrown);
            return None;
        }
        if let Some(left) = self.leaving.take() {
            self.returned.push(left);
            self.narrow();
            return None;
        }
        Some(value)
    }

    /// One of the values of several ways; where all of them end the function, it ends.
    pub(super) fn either(&mut self, ways: Vec<Option<Value<'p>>>) -> Value<'p> {
        let kept: Vec<_> = ways.into_iter().flatten().collect();
        if kept.is_empty() {
            match self.returned.pop() {
                Some(left) => self.leaving = Some(left),
                None => self.throwing = Some(Thrown::default()),
            }
            return Value::Unknown;
        }
        Value::choice(kept)
    }

    fn rust_call(&mut self, call: &'p Call, span: Span) -> Value<'p> {
        if call.is_macro {
            return self.rust_macro(call, span);
        }
        if call.new {
            return self.struct_literal(call, span);
        }
        let callee = match &call.callee.kind {
            ExprKind::Attribute { object, name, .. } => {
                let value = expr::eval(object, self);
                if self.interrupted() {
                    return Value::Unknown;
                }
                match self.path_through(&value, &call.callee) {
                    Some(found) => found,
                    None => {
                        if let Some(value) = self.value_method(&value, name, call, span) {
                            return value;
                        }
                        match &value {
                            Value::External(path) if path.starts_with("caller.") => {
                                Value::External(SmolStr::from(format!("{path}.{name}")))
                            }
                            _ => self.attribute_of(object, &value, name),
                        }
                    }
                }
            }
            _ => expr::eval(&call.callee, self),
        };
        let args = self.rust_args(call);
        if self.interrupted() {
            return Value::Unknown;
        }
        match &callee {
            Value::External(path) => {
                if let Some(value) = self.known_function(path, &args) {
                    return value;
                }
            }
            // A function that is derived, or comes with a trait from outside: `Config::parse()`.
            Value::Method(method) => {
                if let Value::Class(class) = &method.0
                    && self.is_rust(class)
                {
                    return self.construct(class, Args::default());
                }
            }
            _ => {}
        }
        expr::call_evaluated(callee, args, call, span, self)
    }

    /// The arguments of a call, with the types that it names.
    pub(super) fn rust_args(&mut self, call: &'p Call) -> Args<'p> {
        let mut args = expr::eval_args(&call.args, self);
        args.types = call.generics.iter().map(|of| self.type_value(of)).collect();
        args
    }

    /// `S { a, b: 1, ..rest }`.
    fn struct_literal(&mut self, call: &'p Call, span: Span) -> Value<'p> {
        let callee = expr::eval(&call.callee, self);
        let named: Vec<(SmolStr, Value<'p>)> = call
            .args
            .iter()
            .filter_map(|arg| Some((arg.name.clone()?, expr::eval(&arg.value, self))))
            .collect();
        let rest =
            call.args.iter().find(|arg| arg.name.is_none()).map(|arg| match &arg.value.kind {
                ExprKind::Spread(rest) => expr::eval(rest, self),
                _ => Value::Unknown,
            });
        let args = Args { named, ..Args::default() };
        match &callee {
            Value::Class(class) if self.is_rust(class) => {
                let made = self.construct(class, args);
                if let (Value::Object(made), Some(Value::Object(rest))) = (&made, rest) {
                    let more = rest.fields.borrow().clone();
                    let mut fields = made.fields.borrow_mut();
                    more.into_iter().for_each(|(name, value)| {
                        fields.entry(name).or_insert(value);
                    });
                }
                made
            }
            _ => self.call(callee, args, call, span),
        }
    }

    /// A value of a struct of the program.
    pub(in crate::eval::interpreter) fn construct(
        &mut self,
        class: &Rc<ClassValue<'p>>,
        args: Args<'p>,
    ) -> Value<'p> {
        let positional = args.positional.into_iter().enumerate();
        let fields = positional
            .map(|(at, value)| (SmolStr::from(at.to_string()), value))
            .chain(args.named)
            .collect();
        Value::Object(Rc::new(Object {
            class: Rc::clone(class),
            fields: std::cell::RefCell::new(fields),
            native: std::cell::Cell::new(None),
        }))
    }

    /// An object that is called: a service, an endpoint, a handler.
    pub(in crate::eval::interpreter) fn call_rust_object(
        &mut self,
        callee: &Value<'p>,
        object: &Rc<Object<'p>>,
        args: Args<'p>,
    ) -> Value<'p> {
        let method =
            ["call", "handle"].iter().find_map(|name| self.method_of(&object.class, callee, name));
        match method {
            Some(method) => self.call_value(&method, args, object.class.class.span),
            None => Value::Unknown,
        }
    }
}

/// A way of an enumeration of the program with what it carries.
pub(in crate::eval::interpreter) fn variant_of<'p>(
    variant: &Variant<'p>,
    args: Args<'p>,
) -> Value<'p> {
    let Variant { name, class, .. } = variant;
    Value::Variant(Rc::new(Variant { name: name.clone(), class: class.clone(), args }))
}

fn key_of(expr: &Expr) -> Option<&ExprKind> {
    match &expr.kind {
        ExprKind::Index { key, .. } => Some(&key.kind),
        _ => None,
    }
}

/// Whether a function is an `async` block, whose head is that one word, and no closure.
fn is_block(expr: &Expr, function: &crate::module::Function) -> bool {
    let head = function.name_span.end - function.name_span.start;
    head == 5 && expr.span.start == function.name_span.start
}
