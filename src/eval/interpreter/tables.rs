//! What things from outside hold when a program runs over them: a table of routes holds what
//! decorators registered on it, each with the names by which the library offers it.

use std::rc::Rc;

use super::Interpreter;
use crate::eval::expr::Scope;
use crate::eval::value::{Args, CallId, CallRecord, Value};

/// Calls that make such a table.
const TABLES: &[&str] = &["aiohttp.web.RouteTableDef", "aiohttp.web_routedef.RouteTableDef"];

/// The most items that are remembered to be there under a condition only.
const MAX_PERHAPS: usize = 10_000;

/// Where a value lies; those that are kept there do not move, and their place is not used again
/// as long as one of them is kept.
fn place_of(value: &Value<'_>) -> Option<usize> {
    match value {
        Value::List(items) => Some(Rc::as_ptr(items) as usize),
        Value::Map(entries) => Some(Rc::as_ptr(entries) as usize),
        Value::Object(object) => Some(Rc::as_ptr(object) as usize),
        _ => None,
    }
}

impl<'p> Interpreter<'p> {
    /// What a value holds, where it is a table of a library.
    pub(super) fn table_items(&mut self, value: &Value<'p>) -> Option<Vec<Value<'p>>> {
        let table = match value {
            Value::Native(id) => *id,
            Value::Object(object) => object.native.get()?,
            _ => return None,
        };
        if !TABLES.contains(&self.call_record(table)?.path()?) {
            return None;
        }
        let first = table.0 as usize;
        self.spend(self.settled.len() + self.calls.len() - first);
        let calls = self.settled.iter().chain(&self.calls).skip(first);
        Some(calls.filter_map(|call| self.table_item(table, call)).collect())
    }

    /// Takes note of what is put into a list under a condition: the list does not tell.
    pub(super) fn note_conditional(&mut self, callee: &Value<'p>, args: &Args<'p>) {
        let Value::Method(method) = callee else { return };
        if self.conditional == 0
            || self.probing()
            || !matches!(method.0, Value::List(_))
            || !matches!(method.1.as_str(), "append" | "insert" | "extend" | "push" | "unshift")
        {
            return;
        }
        for value in &args.positional {
            let items = value.items().filter(|_| method.1 == "extend");
            for item in items.unwrap_or_else(|| vec![value.clone()]) {
                if let Some(place) = place_of(&item)
                    && self.perhaps.len() < MAX_PERHAPS
                {
                    self.perhaps.insert(place, item);
                }
            }
        }
    }

    /// Whether a value was put into a list under a condition.
    pub(super) fn is_perhaps(&self, value: &Value<'p>) -> bool {
        place_of(value).is_some_and(|place| self.perhaps.contains_key(&place))
    }

    /// What a call of a decorator put into a table.
    fn table_item(&self, table: CallId, call: &CallRecord<'p>) -> Option<Value<'p>> {
        let registrar = self.call_record(call.applied()?)?;
        let (receiver, verb) = registrar.method()?;
        if receiver != table {
            return None;
        }
        let (method, at) = match verb {
            "route" => (registrar.args.positional.first().cloned().unwrap_or_default(), 1),
            "view" => (Value::text("*"), 0),
            verb => (Value::text(&verb.to_ascii_uppercase()), 0),
        };
        let path = registrar.args.get(at, "path").cloned().unwrap_or_default();
        let handler = call.args.positional.first().cloned().unwrap_or_default();
        let kwargs = registrar.args.named.iter();
        let kwargs = kwargs.map(|(name, value)| (Value::text(name), value.clone())).collect();
        let entry = |name: &str, value| (Value::text(name), value);
        Some(Value::map(vec![
            entry("method", method),
            entry("path", path),
            entry("handler", handler),
            entry("kwargs", Value::map(kwargs)),
        ]))
    }
}
