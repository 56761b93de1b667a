//! Lists, arrays and what runs over them.

use std::rc::Rc;

use smol_str::SmolStr;

use crate::eval::interpreter::Interpreter;
use crate::eval::text::Text;
use crate::eval::value::{Args, Value, grow};
use crate::module::Span;

impl<'p> Interpreter<'p> {
    /// What a `for` runs over; `None` where that is not known.
    pub(super) fn elements(&self, over: &Value<'p>) -> Option<Vec<Value<'p>>> {
        match over {
            Value::List(items) => Some(items.borrow().clone()),
            Value::Map(entries) => Some(
                entries
                    .borrow()
                    .iter()
                    .map(|(key, value)| Value::list(vec![key.clone(), value.clone()]))
                    .collect(),
            ),
            Value::None | Value::Absent => Some(Vec::new()),
            Value::Variant(variant) if variant.name == "Some" => {
                Some(variant.args.positional.clone())
            }
            _ => None,
        }
    }

    /// A method of a list or an iterator; `None` for one that is not known here.
    pub(super) fn of_list(
        &mut self,
        list: &Value<'p>,
        name: &str,
        args: &Args<'p>,
        span: Span,
    ) -> Option<Value<'p>> {
        let Value::List(items) = list else { return None };
        let first = args.positional.first().cloned().unwrap_or_default();
        let taken = || items.borrow().clone();
        let some = |value: Option<Value<'p>>| {
            value.map_or(Value::None, |value| Value::variant("Some", value))
        };
        Some(match name {
            "push" | "push_back" | "add" => {
                grow(&mut items.borrow_mut(), [first]);
                Value::None
            }
            "append" | "extend" | "extend_from_slice" => {
                let more = self.elements(&first).unwrap_or_else(|| vec![Value::Unknown]);
                let same = matches!(&first, Value::List(more) if Rc::ptr_eq(more, items));
                if !same {
                    grow(&mut items.borrow_mut(), more);
                }
                Value::None
            }
            "insert" => {
                grow(&mut items.borrow_mut(), args.positional.get(1).cloned());
                Value::None
            }
            "iter" | "into_iter" | "iter_mut" | "collect" | "cloned" | "copied" | "to_vec"
            | "rev" | "peekable" | "fuse" | "drain" | "as_slice" | "into_response" | "clone"
            | "into" | "as_ref" | "to_owned" | "into_boxed_slice" | "skip" | "take" | "sorted"
            | "dedup" | "sort" => list.clone(),
            "enumerate" => {
                let pairs = taken().into_iter().enumerate().map(|(at, item)| {
                    Value::list(vec![Value::Number(SmolStr::from(at.to_string())), item])
                });
                Value::list(pairs.collect())
            }
            "zip" => match self.elements(&first) {
                Some(others) => Value::list(
                    taken().into_iter().zip(others).map(|(a, b)| Value::list(vec![a, b])).collect(),
                ),
                None => Value::Unknown,
            },
            "chain" => match self.elements(&first) {
                Some(others) => Value::list(taken().into_iter().chain(others).collect()),
                None => Value::Unknown,
            },
            "concat" | "join" => joined(&taken(), &args.positional)?,
            "len" | "count" => Value::Number(SmolStr::from(items.borrow().len().to_string())),
            "is_empty" => Value::Bool(items.borrow().is_empty()),
            "first" | "next" | "pop_front" => some(items.borrow().first().cloned()),
            "last" | "pop" | "next_back" => some(items.borrow().last().cloned()),
            "get" => match &first {
                Value::Number(at) => {
                    some(at.parse().ok().and_then(|at: usize| items.borrow().get(at).cloned()))
                }
                _ => Value::Unknown,
            },
            "contains" => {
                let mut found = Some(false);
                for item in taken() {
                    match self.same(&item, &first) {
                        Some(true) => return Some(Value::Bool(true)),
                        Some(false) => {}
                        None => found = None,
                    }
                }
                found.map_or(Value::Unknown, Value::Bool)
            }
            "fold" | "try_fold" => {
                let turn = args.positional.get(1).cloned().unwrap_or_default();
                let mut made = first;
                for item in self.turns(taken()) {
                    made = self.call_value(&turn, Args::of(vec![made, item]), span);
                    if self.interrupted() {
                        return Some(Value::Unknown);
                    }
                }
                made
            }
            "reduce" => {
                let mut items = self.turns(taken()).into_iter();
                let Some(mut made) = items.next() else { return Some(Value::None) };
                for item in items {
                    made = self.call_value(&first, Args::of(vec![made, item]), span);
                }
                Value::variant("Some", made)
            }
            "map" | "for_each" | "flat_map" | "filter_map" | "filter" | "find" | "any" | "all"
            | "position" | "find_map" | "retain" | "inspect" | "partition" | "try_for_each"
            | "take_while" | "skip_while" => self.each(list, name, &first, span),
            _ => return None,
        })
    }

    /// Calls a function with each item.
    fn each(
        &mut self,
        list: &Value<'p>,
        name: &str,
        function: &Value<'p>,
        span: Span,
    ) -> Value<'p> {
        let items = self.turns(list.items().unwrap_or_default());
        let mut made = Vec::with_capacity(items.len());
        for item in &items {
            made.push(self.call_value(function, Args::of(vec![item.clone()]), span));
            if self.interrupted() {
                return Value::Unknown;
            }
        }
        match name {
            "map" => Value::list(made),
            "flat_map" => Value::list(
                made.into_iter()
                    .flat_map(|value| self.elements(&value).unwrap_or_else(|| vec![value]))
                    .collect(),
            ),
            "filter_map" => Value::list(
                made.into_iter()
                    .filter_map(|value| match value {
                        Value::Variant(variant) if variant.name == "Some" => {
                            variant.args.positional.first().cloned()
                        }
                        Value::None | Value::Absent => None,
                        other => Some(other),
                    })
                    .collect(),
            ),
            "filter" | "retain" | "take_while" | "skip_while" | "partition" => Value::list(
                items
                    .into_iter()
                    .zip(made)
                    .filter(|(_, kept)| kept.truth() != Some(false))
                    .map(|(item, _)| item)
                    .collect(),
            ),
            "any" | "all" => {
                let decides = name == "any";
                let truths: Vec<_> = made.iter().map(Value::truth).collect();
                if truths.contains(&Some(decides)) {
                    Value::Bool(decides)
                } else if truths.contains(&None) {
                    Value::Unknown
                } else {
                    Value::Bool(!decides)
                }
            }
            "find" => {
                let mut known = true;
                for (item, found) in items.into_iter().zip(made) {
                    match found.truth() {
                        Some(true) if known => return Value::variant("Some", item),
                        Some(false) => {}
                        _ => known = false,
                    }
                }
                if known { Value::None } else { Value::Unknown }
            }
            "for_each" | "try_for_each" => Value::None,
            _ => Value::Unknown,
        }
    }
}

/// The texts of a list as one, or its lists as one.
fn joined<'p>(items: &[Value<'p>], args: &[Value<'p>]) -> Option<Value<'p>> {
    let is_text = |value: &Value<'p>| !matches!(value, Value::List(_) | Value::Map(_));
    if items.iter().any(|item| matches!(item, Value::Text(_))) && items.iter().all(is_text) {
        let separator = args.first().map(Value::to_text).unwrap_or_default();
        let mut out = Text::default();
        for (at, item) in items.iter().enumerate() {
            if at > 0 {
                out.push(&separator);
            }
            out.push(&item.to_text());
        }
        return Some(Value::Text(Rc::new(out)));
    }
    let mut all = Vec::new();
    for item in items {
        all.extend(item.items().unwrap_or_else(|| vec![item.clone()]));
    }
    Some(Value::list(all))
}
