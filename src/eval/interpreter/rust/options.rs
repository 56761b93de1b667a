//! Methods of values that every program of Rust uses: of what may be nothing or an error, of texts
//! and of truths. Those of lists are in [`super::iterators`].

use std::rc::Rc;

use smol_str::SmolStr;

use crate::eval::expr;
use crate::eval::interpreter::{Interpreter, Thrown};
use crate::eval::text::Text;
use crate::eval::value::{Args, Closure, Value, grow};
use crate::module::{Call, ExprKind, Span};

/// Methods that give back what they are called on, as far as anybody looks.
const SAME: &[&str] = &[
    "as_bytes",
    "as_deref",
    "as_deref_mut",
    "as_mut",
    "as_mut_slice",
    "as_ref",
    "as_slice",
    "as_str",
    "borrow",
    "borrow_mut",
    "by_ref",
    "clone",
    "cloned",
    "collect",
    "copied",
    "deref",
    "into",
    "into_boxed_str",
    "into_future",
    "into_response",
    "into_string",
    "iter_mut",
    "leak",
    "lock",
    "read",
    "to_owned",
    "to_path_buf",
    "to_str",
    "to_string",
    "to_string_lossy",
    "to_vec",
    "try_into",
    "unwrap_unchecked",
    "write",
    "in_current_span",
    "boxed_local",
    "map_into_boxed_body",
    "map_into_left_body",
    "map_into_right_body",
    "as_any",
    "into_owned",
    "into_inner",
    "inner",
];

/// What a value that may be nothing is asked for the value in it.
const OPENED: &[&str] = &[
    "unwrap",
    "expect",
    "unwrap_or",
    "unwrap_or_else",
    "unwrap_or_default",
    "ok",
    "map_err",
    "context",
    "with_context",
    "ok_or",
    "ok_or_else",
    "wrap_err",
    "wrap_err_with",
    "inspect_err",
    "inspect",
    "or",
    "or_else",
];

/// What is done with the value in it.
const MAPPING: &[&str] = &["map", "and_then", "map_or", "map_or_else", "is_some_and"];

impl<'p> Interpreter<'p> {
    /// A method that values of a kind have in themselves; `None` for any other.
    pub(super) fn value_method(
        &mut self,
        object: &Value<'p>,
        name: &str,
        call: &'p Call,
        span: Span,
    ) -> Option<Value<'p>> {
        match object {
            Value::Class(_) | Value::Module(_) | Value::Scope(_) | Value::Package(_) => {
                return None;
            }
            Value::Object(instance) => {
                let class = Rc::clone(&instance.class);
                if self.has_method(&class, name) {
                    return None;
                }
            }
            Value::Variant(variant) => {
                if let Some(class) = variant.class.clone()
                    && self.has_method(&class, name)
                {
                    return None;
                }
            }
            _ => {}
        }
        if let Some(value) = self.extension(object, name, call, span) {
            return Some(value);
        }
        match object {
            // A path, unless it is a value of a caller or a constant.
            Value::External(path) if !path.starts_with("caller.") => {
                let last = path.rsplit("::").next().unwrap_or("");
                let is_constant = last.len() > 1 && !last.contains(char::is_lowercase)
                    || path.contains("::")
                        && path.rsplit("::").nth(1).is_some_and(|of| of.ends_with("StatusCode"));
                (is_constant && call.args.is_empty() && SAME.contains(&name))
                    .then(|| object.clone())
            }
            // What a request has may be asked for as what it may have.
            Value::External(_) if OPENED.contains(&name) || MAPPING.contains(&name) => {
                let args = self.rust_args(call);
                let there = match args.positional.first() {
                    Some(Value::Function(closure)) => self.kept_for(object, closure, span),
                    _ => None,
                };
                let there = there.unwrap_or_else(|| Value::variant("Some", object.clone()));
                self.of_value(&there, name, args, call, span)
            }
            Value::External(_) => (call.args.is_empty()
                && matches!(
                    name,
                    "clone" | "into" | "as_ref" | "as_mut" | "deref" | "borrow" | "to_owned"
                ))
            .then(|| object.clone()),
            Value::Choice(values) => {
                let plain = |value: &Value<'p>| {
                    matches!(value, Value::Native(_) | Value::Function(_) | Value::External(_))
                };
                // Of what comes from outside, these make something new.
                let combines = matches!(name, "or" | "or_else")
                    && values.iter().any(|value| matches!(value, Value::Native(_)));
                let kept = OPENED.contains(&name) && !combines || SAME.contains(&name);
                if values.iter().any(plain) && !kept {
                    return None;
                }
                let args = self.rust_args(call);
                let each = values.iter().map(|value| {
                    self.conditional += 1;
                    let made = self.of_value(value, name, args.clone(), call, span);
                    self.conditional -= 1;
                    made.unwrap_or_default()
                });
                let each = each.collect();
                Some(Value::choice(each))
            }
            _ => {
                if !has_methods(object, name) {
                    return None;
                }
                let args = self.rust_args(call);
                if self.interrupted() {
                    return Some(Value::Unknown);
                }
                let made = self.of_value(object, name, args.clone(), call, span);
                // The arguments are evaluated once.
                Some(match made {
                    Some(value) => value,
                    None => {
                        let callee = self.rust_attribute(object, name);
                        expr::call_evaluated(callee, args, call, span, self)
                    }
                })
            }
        }
    }

    /// `request.extensions().get()` is asked for the type that what is done with it declares.
    fn kept_for(
        &mut self,
        object: &Value<'p>,
        closure: &Rc<Closure<'p>>,
        span: Span,
    ) -> Option<Value<'p>> {
        let annotation = closure.function.params.first()?.annotation.as_ref()?;
        let of = self.type_within_function(closure, annotation);
        self.kept_as(object, of, span)
    }

    /// What is kept with a request under a type, where the request was asked without one.
    pub(super) fn kept_as(
        &mut self,
        object: &Value<'p>,
        of: Value<'p>,
        span: Span,
    ) -> Option<Value<'p>> {
        let asked = matches!(object, Value::External(path) if path.starts_with("caller.") && path.ends_with(".get"));
        if !asked {
            return None;
        }
        let args = Args { types: vec![of], ..Args::default() };
        Some(self.call_value(object, args, span))
    }

    /// A method that the program gives to types from outside.
    fn extension(
        &mut self,
        object: &Value<'p>,
        name: &str,
        call: &'p Call,
        span: Span,
    ) -> Option<Value<'p>> {
        let outside = match object {
            Value::Native(_) | Value::Text(_) | Value::List(_) | Value::Method(_) => true,
            Value::External(path) => path.starts_with("caller."),
            Value::Choice(values) => values.iter().any(|value| matches!(value, Value::Native(_))),
            _ => false,
        };
        let closure = self.rust.extensions.get(name).filter(|_| outside)?.first()?;
        let takes_self = closure.function.params.first().is_some_and(
            |param| matches!(&param.target.kind, ExprKind::Name(name) if name == "self"),
        );
        if !takes_self
            || matches!(name, "clone" | "from" | "into" | "fmt" | "call" | "handle" | "eq")
        {
            return None;
        }
        let mut bound = closure.undecorated();
        bound.this = Some(object.clone());
        let args = self.rust_args(call);
        Some(self.call_value(&Value::Function(Rc::new(bound)), args, span))
    }

    /// A method of a value with its arguments.
    fn of_value(
        &mut self,
        object: &Value<'p>,
        name: &str,
        args: Args<'p>,
        call: &'p Call,
        span: Span,
    ) -> Option<Value<'p>> {
        let first = || args.positional.first().cloned().unwrap_or_default();
        match object {
            Value::Absent | Value::None => Some(self.of_nothing(object, name, &args, span)),
            Value::Variant(variant) if variant.class.is_none() => {
                let carried = variant.args.positional.first().cloned().unwrap_or(Value::None);
                match variant.name.as_str() {
                    "Err" => self.of_error(object, &carried, name, &args, span),
                    "Some" | "Ok" => self.of_something(object, &carried, name, &args, span),
                    _ => None,
                }
            }
            Value::Bool(truth) => match (name, truth) {
                ("then_some", true) => Some(Value::variant("Some", first())),
                ("then", true) => {
                    let value = self.call_value(&first(), Args::default(), span);
                    Some(Value::variant("Some", value))
                }
                ("then" | "then_some", false) => Some(Value::None),
                _ => Some(object.clone()),
            },
            Value::Text(text) => {
                let text = Rc::clone(text);
                self.of_text(&text, name, &args, call, span)
            }
            Value::List(_) => self.of_list(object, name, &args, span),
            Value::Map(entries) => match name {
                "insert" => {
                    let value = args.positional.get(1).cloned().unwrap_or_default();
                    grow(&mut entries.borrow_mut(), [(first(), value)]);
                    Some(Value::Unknown)
                }
                "iter" | "into_iter" | "drain" => {
                    let pairs = entries
                        .borrow()
                        .iter()
                        .map(|(key, value)| Value::list(vec![key.clone(), value.clone()]))
                        .collect();
                    Some(Value::list(pairs))
                }
                "keys" | "into_keys" => {
                    Some(Value::list(entries.borrow().iter().map(|pair| pair.0.clone()).collect()))
                }
                "values" | "into_values" => {
                    Some(Value::list(entries.borrow().iter().map(|pair| pair.1.clone()).collect()))
                }
                // A map may have been filled by what was not followed.
                "get" | "remove" | "get_mut" => Some(
                    first()
                        .as_str()
                        .and_then(|key| object.entry(key))
                        .map_or(Value::Unknown, |value| Value::variant("Some", value)),
                ),
                _ if SAME.contains(&name) => Some(object.clone()),
                _ => Some(Value::Unknown),
            },
            Value::Number(_) => Some(if SAME.contains(&name) || OPENED.contains(&name) {
                object.clone()
            } else {
                Value::Unknown
            }),
            Value::Native(_) | Value::Object(_) => {
                if args.positional.is_empty()
                    && SAME.contains(&name)
                    && !matches!(name, "read" | "write" | "inner")
                {
                    return Some(object.clone());
                }
                OPENED
                    .contains(&name)
                    .then(|| object.clone())
                    .filter(|_| !matches!(name, "or" | "or_else"))
            }
            Value::Unknown => self.of_unknown(name, &args, span),
            _ => SAME.contains(&name).then(|| object.clone()),
        }
    }

    /// Nothing, whether it is known to be or the caller does not have it.
    fn of_nothing(
        &mut self,
        nothing: &Value<'p>,
        name: &str,
        args: &Args<'p>,
        span: Span,
    ) -> Value<'p> {
        let given = |at: usize| args.positional.get(at).cloned().unwrap_or_default();
        match name {
            "is_none" | "is_err" | "is_none_or" | "is_empty" | "is_err_and" => Value::Bool(true),
            "is_some"
            | "is_ok"
            | "is_some_and"
            | "is_ok_and"
            | "contains"
            | "starts_with"
            | "ends_with"
            | "contains_key"
            | "eq"
            | "eq_ignore_ascii_case" => Value::Bool(false),
            "unwrap_or" | "or" | "map_or" | "get_or_insert" => given(0),
            "unwrap_or_else" | "or_else" | "map_or_else" | "get_or_insert_with" => {
                self.call_value(&given(0), Args::of(vec![nothing.clone()]), span)
            }
            "ok_or" => Value::variant("Err", given(0)),
            "transpose" => Value::variant("Ok", nothing.clone()),
            "or_forward" => Value::variant("Forward", given(0)),
            "or_error" | "into_outcome" => Value::variant("Error", given(0)),
            "ok_or_else" => {
                let error = self.call_value(&given(0), Args::default(), span);
                Value::variant("Err", error)
            }
            "map_err" => {
                let error = self.call_value(&given(0), Args::of(vec![nothing.clone()]), span);
                Value::variant("Err", error)
            }
            "context" | "with_context" | "wrap_err" | "ok_or_eyre" => {
                Value::variant("Err", Value::Unknown)
            }
            "unwrap" | "expect" | "unwrap_err" if matches!(nothing, Value::Absent) => {
                if self.probing() {
                    self.throwing = Some(Thrown::default());
                }
                Value::Absent
            }
            "unwrap_or_default" if matches!(nothing, Value::None) => Value::Unknown,
            "unwrap" | "expect" => Value::Unknown,
            "len" => Value::Number(SmolStr::new_static("0")),
            "iter" | "into_iter" => Value::list(Vec::new()),
            "insert" | "push" | "extend" => Value::None,
            _ => nothing.clone(),
        }
    }

    fn of_error(
        &mut self,
        whole: &Value<'p>,
        error: &Value<'p>,
        name: &str,
        args: &Args<'p>,
        span: Span,
    ) -> Option<Value<'p>> {
        let first = || args.positional.first().cloned().unwrap_or_default();
        Some(match name {
            "is_err" | "is_error" => Value::Bool(true),
            "is_ok" | "is_ok_and" | "is_success" => Value::Bool(false),
            "succeeded" => Value::Absent,
            "map_err" => {
                let made = self.call_value(&first(), Args::of(vec![error.clone()]), span);
                Value::variant("Err", made)
            }
            "or_else" | "unwrap_or_else" | "map_or_else" => {
                self.call_value(&first(), Args::of(vec![error.clone()]), span)
            }
            "unwrap_or" | "or" | "map_or" => first(),
            "ok" if self.probing() => Value::Absent,
            "ok" => Value::None,
            "err" => Value::variant("Some", error.clone()),
            "unwrap_err" | "expect_err" => error.clone(),
            "unwrap" | "expect" => {
                if self.probing() {
                    self.throwing = Some(Thrown::default());
                }
                Value::Unknown
            }
            "unwrap_or_default" => Value::Unknown,
            _ => whole.clone(),
        })
    }

    fn of_something(
        &mut self,
        whole: &Value<'p>,
        carried: &Value<'p>,
        name: &str,
        args: &Args<'p>,
        span: Span,
    ) -> Option<Value<'p>> {
        let way = match whole {
            Value::Variant(variant) if variant.name == "Ok" => "Ok",
            _ => "Some",
        };
        let mut apply = |at: usize| {
            let function = args.positional.get(at).cloned().unwrap_or_default();
            self.call_value(&function, Args::of(vec![carried.clone()]), span)
        };
        Some(match name {
            "unwrap" | "expect" | "unwrap_or" | "unwrap_or_else" | "unwrap_or_default"
            | "flatten" | "get_or_insert_with" | "get_or_insert" => carried.clone(),
            "map" => Value::variant(way, apply(0)),
            "and_then" => apply(0),
            "map_or" | "map_or_else" => apply(1),
            "is_some_and" | "is_ok_and" => match apply(0).truth() {
                Some(truth) => Value::Bool(truth),
                None => Value::Unknown,
            },
            "filter" => match apply(0).truth() {
                Some(true) => whole.clone(),
                Some(false) => Value::None,
                None => Value::choice(vec![whole.clone(), Value::None]),
            },
            "is_some" | "is_ok" => Value::Bool(true),
            "is_none" | "is_err" => Value::Bool(false),
            "ok" | "take" | "replace" | "succeeded" => Value::variant("Some", carried.clone()),
            "or_forward" | "or_error" | "into_outcome" => {
                Value::variant("Success", carried.clone())
            }
            "is_success" => Value::Bool(true),
            "ok_or" | "ok_or_else" => Value::variant("Ok", carried.clone()),
            "transpose" => match (way, carried) {
                ("Ok", Value::None | Value::Absent) => carried.clone(),
                (_, Value::Variant(inner)) => {
                    let inside = inner.args.positional.first().cloned().unwrap_or_default();
                    match inner.name.as_str() {
                        "Ok" => Value::variant("Ok", Value::variant("Some", inside)),
                        "Some" => Value::variant("Some", Value::variant("Ok", inside)),
                        _ => carried.clone(),
                    }
                }
                _ => Value::variant(if way == "Ok" { "Some" } else { "Ok" }, whole.clone()),
            },
            "err" => Value::None,
            "iter" | "into_iter" => Value::list(vec![carried.clone()]),
            _ => whole.clone(),
        })
    }

    /// A truth or a value that nobody knows.
    fn of_unknown(&mut self, name: &str, args: &Args<'p>, span: Span) -> Option<Value<'p>> {
        let given = |at: usize| args.positional.get(at).cloned().unwrap_or_default();
        Some(match name {
            // Each turn does the same, whatever it runs over.
            "fold" => {
                let turn = Args::of(vec![given(0), Value::Unknown]);
                self.call_value(&given(1), turn, span)
            }
            "for_each" => {
                self.call_value(&given(0), Args::of(vec![Value::Unknown]), span);
                Value::None
            }
            "then" => {
                let value = self.perhaps(|it| it.call_value(&given(0), Args::default(), span));
                value.map_or(Value::Unknown, |value| {
                    Value::choice(vec![Value::variant("Some", value), Value::None])
                })
            }
            _ => Value::Unknown,
        })
    }

    fn of_text(
        &mut self,
        text: &Rc<Text>,
        name: &str,
        args: &Args<'p>,
        call: &'p Call,
        span: Span,
    ) -> Option<Value<'p>> {
        let wrap = |text: Text| Value::Text(Rc::new(text));
        let first = args.positional.first();
        let part = first.and_then(Value::as_str);
        Some(match name {
            // The text of a variable that may not be set.
            "unwrap_or" | "unwrap_or_else" | "unwrap_or_default" if !text.env().is_empty() => {
                let fallback = match (name, first) {
                    ("unwrap_or", Some(fallback)) => fallback.clone(),
                    ("unwrap_or_else", Some(function)) => {
                        let function = function.clone();
                        self.call_value(&function, Args::of(vec![Value::Unknown]), span)
                    }
                    _ => Value::Text(Rc::clone(text)),
                };
                match fallback {
                    Value::Text(fallback) => {
                        let variable = text.env().first().map_or("", SmolStr::as_str);
                        wrap((*fallback).clone().from_env(variable))
                    }
                    other => other,
                }
            }
            "map_or" | "map_or_else" | "is_ok" | "is_err" | "is_some" | "is_none" | "is_ok_and"
            | "is_some_and"
                if !text.env().is_empty() =>
            {
                Value::Unknown
            }
            "map" if !text.env().is_empty() => {
                let function = first?.clone();
                let value =
                    self.call_value(&function, Args::of(vec![Value::Text(Rc::clone(text))]), span);
                // Of text comes text, and of anything else nobody knows what.
                if matches!(value, Value::Text(_)) { value } else { Value::Unknown }
            }
            "and_then" | "filter" if !text.env().is_empty() => Value::Unknown,
            "strip_prefix" | "strip_suffix" => match (text.as_literal(), part) {
                (Some(whole), Some(part)) => {
                    let cut = if name == "strip_prefix" {
                        whole.strip_prefix(part)
                    } else {
                        whole.strip_suffix(part)
                    };
                    cut.map_or(Value::None, |cut| Value::variant("Some", Value::text(cut)))
                }
                _ => Value::Unknown,
            },
            "push_str" | "push" => {
                let mut grown = (**text).clone();
                match first {
                    Some(more @ (Value::Text(_) | Value::Number(_))) => grown.push(&more.to_text()),
                    _ => grown.push_hole(""),
                }
                if let ExprKind::Attribute { object, .. } = &call.callee.kind {
                    self.assign_value(object, wrap(grown));
                }
                Value::None
            }
            "is_empty" => {
                text.as_literal().map_or(Value::Unknown, |text| Value::Bool(text.is_empty()))
            }
            "split" | "split_whitespace" | "lines" | "chars" | "bytes" | "split_once"
            | "rsplit_once" | "parse" | "len" | "find" | "char_indices" | "splitn"
                if text.as_literal().is_none() || name != "split" =>
            {
                Value::Unknown
            }
            "eq" | "eq_ignore_ascii_case" => {
                let other = first?;
                let equal = self.same(&Value::Text(Rc::clone(text)), other);
                equal.map_or(Value::Unknown, Value::Bool)
            }
            _ if SAME.contains(&name) || OPENED.contains(&name) => Value::Text(Rc::clone(text)),
            _ => return None,
        })
    }
}

/// Whether methods of this kind of value are known here.
fn has_methods(object: &Value<'_>, name: &str) -> bool {
    match object {
        Value::Native(_) | Value::Object(_) => SAME.contains(&name) || OPENED.contains(&name),
        Value::Function(_) | Value::Method(_) | Value::External(_) => name == "clone",
        Value::Variant(variant) => variant.class.is_none() || SAME.contains(&name),
        _ => true,
    }
}
