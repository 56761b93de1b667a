//! What kind of thing a value is, and what a module or a class holds: `isinstance`, `dir`, `vars`.

use std::rc::Rc;

use smol_str::SmolStr;

use super::Interpreter;
use crate::eval::value::{Args, ClassValue, Value};

/// The most names of a module or class that are listed.
const MAX_NAMES: usize = 1_000;

impl<'p> Interpreter<'p> {
    /// A function that asks what a value is or holds; `None` where that is not known.
    pub(super) fn kind_call(&mut self, path: &str, args: &Args<'p>) -> Option<Value<'p>> {
        let first = args.positional.first();
        match path {
            "isinstance" => self.is_a(first?, args.positional.get(1)?).map(Value::Bool),
            "issubclass" => match first? {
                Value::Class(class) => derives(class, args.positional.get(1)?).map(Value::Bool),
                _ => None,
            },
            "inspect.isclass" => known_kind(first?).map(|kind| Value::Bool(kind == "type")),
            "inspect.isfunction" | "inspect.iscoroutinefunction"
                if !matches!(first?, Value::Function(_)) =>
            {
                known_kind(first?).map(|_| Value::Bool(false))
            }
            "inspect.isfunction" => Some(Value::Bool(true)),
            "callable" => match first? {
                Value::Function(_) | Value::Class(_) => Some(Value::Bool(true)),
                other => known_kind(other).map(|_| Value::Bool(false)),
            },
            "dir" => {
                let names = self.held_by(first?)?;
                Some(Value::list(names.iter().map(|(name, _)| Value::text(name)).collect()))
            }
            "vars" => {
                let held = self.held_by(first?)?;
                let pair = |(name, value): (String, Value<'p>)| (Value::text(&name), value);
                Some(Value::map(held.into_iter().map(pair).collect()))
            }
            "Object.keys" | "Object.values" | "Object.entries" => {
                let Value::Module(file) = first? else { return None };
                let held = self.exports_of(*file);
                let of = |(name, value): (SmolStr, Value<'p>)| match path {
                    "Object.keys" => Value::text(&name),
                    "Object.values" => value,
                    _ => Value::list(vec![Value::text(&name), value]),
                };
                Some(Value::list(held.into_iter().map(of).collect()))
            }
            "inspect.getmembers" => {
                let held = self.held_by(first?)?;
                let pair = |(name, value): (String, Value<'p>)| {
                    Value::list(vec![Value::text(&name), value])
                };
                Some(Value::list(held.into_iter().map(pair).collect()))
            }
            "globals" => {
                let held = self.held_by(&Value::Module(self.frame.env.file))?;
                let pair = |(name, value): (String, Value<'p>)| (Value::text(&name), value);
                Some(Value::map(held.into_iter().map(pair).collect()))
            }
            _ => None,
        }
    }

    /// The names of a module or of a class with its bases, in order.
    fn held_by(&self, value: &Value<'p>) -> Option<Vec<(String, Value<'p>)>> {
        let mut out = std::collections::BTreeMap::new();
        let mut add = |vars: &std::collections::BTreeMap<smol_str::SmolStr, Value<'p>>| {
            out.extend(vars.iter().map(|(name, value)| (name.to_string(), value.clone())));
        };
        match value {
            Value::Module(file) => add(&self.modules[file.0 as usize].env.vars.borrow()),
            Value::Class(class) => {
                class.lineage().0.iter().rev().for_each(|class| add(&class.env.vars.borrow()));
            }
            _ => return None,
        }
        (out.len() <= MAX_NAMES).then(|| out.into_iter().collect())
    }

    /// `value instanceof of` of a script.
    pub(super) fn instance_of(&self, value: &Value<'p>, of: &Value<'p>) -> Option<bool> {
        if let Value::Choice(values) = value {
            let mut each = values.iter().map(|value| self.instance_of(value, of));
            let first = each.next()?;
            return first.filter(|_| each.all(|other| other == first));
        }
        let of = match of {
            Value::Function(closure) => &Value::Class(self.prototype(closure)),
            other => other,
        };
        let kinds: &[&str] = match (value, of) {
            (Value::Object(_) | Value::Native(_), _) => return self.is_a(value, of),
            // What is written as such is no object.
            (
                Value::Text(_) | Value::Number(_) | Value::Bool(_) | Value::None | Value::Absent,
                _,
            ) => &[],
            (Value::Regex(_), _) => &["RegExp", "Object"],
            (Value::Function(_) | Value::Class(_), _) => &["Function", "Object"],
            // A list stands for sets too, and a map for maps and objects.
            (Value::List(_), Value::External(of)) if matches!(of.as_str(), "Array" | "Set") => {
                return None;
            }
            (Value::Map(_), Value::External(of)) if matches!(of.as_str(), "Map" | "Object") => {
                return None;
            }
            (Value::List(_) | Value::Map(_), _) => &["Object"],
            _ => return None,
        };
        match of {
            Value::External(of) => Some(kinds.contains(&of.as_str())),
            Value::Class(_) => Some(false),
            _ => None,
        }
    }

    fn is_a(&self, value: &Value<'p>, of: &Value<'p>) -> Option<bool> {
        if let Value::List(kinds) = of {
            let each: Vec<_> = kinds.borrow().iter().map(|kind| self.is_a(value, kind)).collect();
            if each.contains(&Some(true)) {
                return Some(true);
            }
            return (!each.contains(&None)).then_some(false);
        }
        match value {
            Value::Object(object) => derives(&object.class, of),
            Value::Native(id) => {
                let record = self.call_record(*id)?;
                match (record.path()?, of) {
                    (path, Value::External(of)) if path == of.as_str() => Some(true),
                    (path, Value::External(of)) => {
                        let last = |path: &str| path.rsplit('.').next().map(str::to_owned);
                        let package = |path: &str| path.split('.').next().map(str::to_owned);
                        (package(path) == package(of) && last(path) == last(of)).then_some(true)
                    }
                    (_, Value::Class(_)) => Some(false),
                    _ => None,
                }
            }
            // What a question is about, by the name that every framework gives it.
            Value::External(path) if path == "caller.request" => match of {
                Value::External(of) => of.ends_with("Request").then_some(true),
                _ => None,
            },
            _ => {
                let kind = known_kind(value)?;
                match of {
                    Value::External(of) if of == kind => Some(true),
                    Value::External(of) if of == "object" => Some(true),
                    // A list stands for tuples and sets too.
                    Value::External(of)
                        if kind == "list"
                            && matches!(of.as_str(), "tuple" | "set" | "frozenset") =>
                    {
                        None
                    }
                    Value::External(of) if kind == "int" && of == "float" => None,
                    Value::External(_) | Value::Class(_) => Some(false),
                    _ => None,
                }
            }
        }
    }
}

/// What Python calls the kind of a value of which that is known.
fn known_kind(value: &Value<'_>) -> Option<&'static str> {
    match value {
        Value::Text(_) => Some("str"),
        Value::Number(_) => Some("int"),
        Value::Bool(_) | Value::Flag(_) => Some("bool"),
        Value::None | Value::Absent => Some("NoneType"),
        Value::List(_) => Some("list"),
        Value::Map(_) => Some("dict"),
        Value::Function(_) => Some("function"),
        Value::Class(_) => Some("type"),
        Value::Module(_) => Some("module"),
        _ => None,
    }
}

/// Whether a class is another or derives from it; a base outside may derive from one there.
fn derives<'p>(class: &Rc<ClassValue<'p>>, of: &Value<'p>) -> Option<bool> {
    match of {
        Value::Class(of) => Some(class.lineage().0.iter().any(|known| Rc::ptr_eq(known, of))),
        Value::External(of) => {
            let (_, externals) = class.ancestry();
            let last = |path: &str| path.rsplit('.').next().map(str::to_owned);
            if externals.iter().any(|path| last(path) == last(of)) {
                return Some(true);
            }
            externals.is_empty().then_some(false)
        }
        Value::List(kinds) => {
            let each: Vec<_> = kinds.borrow().iter().map(|kind| derives(class, kind)).collect();
            if each.contains(&Some(true)) {
                return Some(true);
            }
            (!each.contains(&None)).then_some(false)
        }
        _ => None,
    }
}
