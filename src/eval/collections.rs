//! The collections and symbols of JavaScript, as far as folding needs them.

use std::rc::Rc;

use smol_str::SmolStr;

use super::regexp::Regexp;
use super::value::{Args, Value, grow};

/// Constructors, and `Symbol.for`.
#[must_use]
pub fn made<'p>(path: &str, args: &Args<'p>) -> Option<Value<'p>> {
    let first = args.positional.first();
    if path == "Array.isArray" {
        return of_lists("isArray", args);
    }
    if let Some(function) = of_utilities(path) {
        return of_lists(function, args);
    }
    match path {
        "Set" => match first {
            None | Some(Value::None) => Some(Value::list(Vec::new())),
            Some(list) => list.items().map(Value::list),
        },
        "Map" => match first {
            None | Some(Value::None) => Some(Value::map(Vec::new())),
            Some(Value::List(pairs)) => {
                let pairs = pairs.borrow();
                let entries: Option<Vec<_>> = pairs
                    .iter()
                    .map(|pair| match pair.items()?.as_slice() {
                        [key, value] => Some((key.clone(), value.clone())),
                        _ => None,
                    })
                    .collect();
                entries.map(Value::map)
            }
            Some(_) => None,
        },
        "RegExp" => {
            let flags = args.positional.get(1).and_then(Value::as_str).unwrap_or("");
            match first? {
                Value::Text(source) => {
                    Some(Value::Regex(Rc::new(Regexp::of(source.as_literal()?, flags))))
                }
                regex @ Value::Regex(_) => Some(regex.clone()),
                _ => None,
            }
        }
        "Symbol.for" => Some(Value::text(&SmolStr::from(format!("Symbol({})", first?.as_str()?)))),
        _ => None,
    }
}

/// The name of a function of a library that works on lists and objects as such.
#[must_use]
pub fn of_utilities(path: &str) -> Option<&str> {
    const LIBRARIES: &[&str] =
        &["lodash", "lodash-es", "lodash/fp", "underscore", "es-toolkit", "es-toolkit/compat"];
    let (library, function) = path.rsplit_once(['.', '/'])?;
    LIBRARIES.contains(&library).then_some(function)
}

/// What a function of such a library makes of lists, where it calls nothing.
#[must_use]
pub fn of_lists<'p>(function: &str, args: &Args<'p>) -> Option<Value<'p>> {
    let first = args.positional.first()?;
    match function {
        // In which order things stand matters little, and of two that are the same one is enough.
        "sortBy" | "orderBy" | "uniq" | "uniqBy" | "toArray" | "shuffle" => {
            first.items().map(Value::list)
        }
        "compact" => {
            let kept = first.items()?.into_iter().filter(|item| item.truth() != Some(false));
            Some(Value::list(kept.collect()))
        }
        "isArray" => match first {
            Value::List(_) => Some(Value::Bool(true)),
            Value::Text(_) | Value::Number(_) | Value::Map(_) | Value::Function(_) => {
                Some(Value::Bool(false))
            }
            Value::None | Value::Absent | Value::Bool(_) => Some(Value::Bool(false)),
            _ => None,
        },
        _ => None,
    }
}

/// Methods of a `Map` that dictionaries of other languages do not have.
#[must_use]
pub fn map_method<'p>(map: &Value<'p>, method: &str, args: &Args<'p>) -> Option<Value<'p>> {
    let Value::Map(entries) = map else { return None };
    let key = args.positional.first();
    match method {
        "set" => {
            let value = args.positional.get(1).cloned().unwrap_or_default();
            grow(&mut entries.borrow_mut(), [(key?.clone(), value)]);
            Some(map.clone())
        }
        "has" => match key?.as_str() {
            Some(name) if map.entry(name).is_some() => Some(Value::Bool(true)),
            Some(_) if entries.borrow().iter().all(|(key, _)| key.as_str().is_some()) => {
                Some(Value::Bool(false))
            }
            _ => Some(Value::Unknown),
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_has_what_was_set() {
        let map = made("Map", &Args::default()).unwrap();
        let args = Args::of(vec![Value::text("a"), Value::text("/a")]);
        assert!(map_method(&map, "set", &args).is_some());
        let has = |key: &str| map_method(&map, "has", &Args::of(vec![Value::text(key)])).unwrap();
        assert_eq!(has("a").truth(), Some(true));
        assert_eq!(has("b").truth(), Some(false));
        assert_eq!(map.entry("a").unwrap().as_str(), Some("/a"));
    }
}
