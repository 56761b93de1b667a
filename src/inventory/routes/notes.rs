//! What decorators note on a handler and on its class, for guards to look up: Nest's
//! `SetMetadata`, `Reflect.defineMetadata`.

use std::rc::Rc;

use smol_str::SmolStr;

use crate::eval::text::Text;
use crate::eval::value::Value;

/// Lists and maps within each other that are noted.
const MAX_DEPTH: usize = 6;
/// Items of a noted list or map.
const MAX_ITEMS: usize = 256;

/// A value as far as it is data and can be noted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Plain {
    /// Anything else.
    Unknown,
    /// Nothing.
    None,
    /// A truth value.
    Bool(bool),
    /// A number as written.
    Number(SmolStr),
    /// A text.
    Text(String),
    /// Something outside the program, by its path.
    Outside(SmolStr),
    /// A list.
    List(Vec<Plain>),
    /// A map.
    Map(Vec<(Plain, Plain)>),
}

impl Plain {
    /// What of a value can be noted.
    #[must_use]
    pub fn of(value: &Value<'_>) -> Self {
        Self::of_nested(value, 0)
    }

    fn of_nested(value: &Value<'_>, depth: usize) -> Self {
        if depth > MAX_DEPTH {
            return Self::Unknown;
        }
        let of = |value: &Value<'_>| Self::of_nested(value, depth + 1);
        match value {
            Value::None | Value::Absent => Self::None,
            Value::Bool(value) => Self::Bool(*value),
            Value::Number(number) => Self::Number(number.clone()),
            Value::Text(text) => {
                text.as_literal().map_or(Self::Unknown, |text| Self::Text(text.to_owned()))
            }
            Value::External(path) => Self::Outside(path.clone()),
            Value::List(items) if items.borrow().len() <= MAX_ITEMS => {
                Self::List(items.borrow().iter().map(of).collect())
            }
            Value::Map(entries) if entries.borrow().len() <= MAX_ITEMS => Self::Map(
                entries.borrow().iter().map(|(key, value)| (of(key), of(value))).collect(),
            ),
            _ => Self::Unknown,
        }
    }

    /// The value that it stands for.
    #[must_use]
    pub fn value<'p>(&self) -> Value<'p> {
        match self {
            Self::Unknown => Value::Unknown,
            Self::None => Value::None,
            Self::Bool(value) => Value::Bool(*value),
            Self::Number(number) => Value::Number(number.clone()),
            Self::Text(text) => Value::Text(Rc::new(Text::literal(text))),
            Self::Outside(path) => Value::External(path.clone()),
            Self::List(items) => Value::list(items.iter().map(Self::value).collect()),
            Self::Map(entries) => Value::map(
                entries.iter().map(|(key, value)| (key.value(), value.value())).collect(),
            ),
        }
    }
}

/// The key under which something is noted, as text that is equal for equal keys; `None` where it is
/// not known.
#[must_use]
pub fn key(value: &Value<'_>) -> Option<String> {
    match value {
        Value::Text(text) => text.as_literal().map(|text| format!("'{text}'")),
        Value::Number(number) => Some(number.to_string()),
        Value::External(path) => Some(path.to_string()),
        // `Symbol("roles")`, and what stands for its key itself: `Reflector.createDecorator()`.
        Value::Native(id) => Some(format!("#{}", id.0)),
        _ => None,
    }
}

/// What is noted on one thing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Noted {
    entries: Vec<(String, Plain)>,
    /// Whether something unknown may have noted more.
    pub open: bool,
}

impl Noted {
    /// Notes a value under a key, in place of what was there.
    pub fn set(&mut self, key: Option<String>, value: Plain) {
        match key {
            Some(key) => {
                self.entries.retain(|(known, _)| *known != key);
                self.entries.push((key, value));
            }
            None => self.open = true,
        }
    }

    /// What is noted under a key: `Some(None)` is nothing, `None` is not known.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<Option<&Plain>> {
        match self.entries.iter().find(|(known, _)| known == key) {
            Some((_, value)) => Some(Some(value)),
            None if self.open => None,
            None => Some(None),
        }
    }
}

/// What is noted on a handler and on its class.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notes {
    /// On the handler.
    pub handler: Noted,
    /// On the class.
    pub class: Noted,
}

/// Stands for the handler in what a guard is told.
pub const HANDLER: &str = "caller.context.handler";
/// Stands for the handler's class there.
pub const CLASS: &str = "caller.context.class";

impl Notes {
    fn of(&self, target: &Value<'_>) -> Option<&Noted> {
        match target {
            Value::External(path) if path == HANDLER => Some(&self.handler),
            Value::External(path) if path == CLASS => Some(&self.class),
            _ => None,
        }
    }

    /// What a library's function gives that looks up notes: `reflector.get(KEY, handler)`,
    /// `reflector.getAllAndOverride(KEY, [handler, class])`; `None` for a call that looks up none.
    #[must_use]
    pub fn looked_up<'p>(&self, function: &str, args: &[Value<'p>]) -> Option<Value<'p>> {
        let targets = match args.get(1)? {
            Value::List(items) => items.borrow().clone(),
            target => vec![target.clone()],
        };
        let noted: Vec<&Noted> = targets.iter().filter_map(|target| self.of(target)).collect();
        if noted.is_empty() || noted.len() < targets.len() {
            return None;
        }
        let Some(key) = args.first().and_then(key) else { return Some(Value::Unknown) };
        let found: Vec<Option<Option<&Plain>>> =
            noted.iter().map(|noted| noted.get(&key)).collect();
        let value = |found: &Option<Option<&Plain>>| match found {
            Some(found) => found.map_or(Value::None, Plain::value),
            None => Value::Unknown,
        };
        Some(match function {
            "getAllAndMerge" => merged(&found),
            "getAll" => Value::list(found.iter().map(value).collect()),
            "hasMetadata" | "hasOwnMetadata" => match found.first()? {
                Some(found) => Value::Bool(found.is_some()),
                None => Value::Unknown,
            },
            _ => {
                let first = found.iter().find(|found| !matches!(found, Some(None)));
                first.map_or(Value::None, value)
            }
        })
    }
}

/// The lists of all targets in one, as `getAllAndMerge` makes it.
fn merged<'p>(found: &[Option<Option<&Plain>>]) -> Value<'p> {
    let mut out = Vec::new();
    let mut alone = Vec::new();
    for found in found {
        match found {
            None | Some(Some(Plain::Unknown)) => return Value::Unknown,
            Some(None) => {}
            Some(Some(Plain::List(items))) => out.extend(items.iter().map(Plain::value)),
            Some(Some(other)) => alone.push(other.value()),
        }
    }
    match alone.as_slice() {
        [one] if out.is_empty() => one.clone(),
        _ => {
            out.extend(alone);
            Value::list(out)
        }
    }
}
