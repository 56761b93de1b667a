//! The collections and symbols of JavaScript, as far as folding needs them.

use smol_str::SmolStr;

use super::value::{Args, Value, grow};

/// Constructors, and `Symbol.for`.
#[must_use]
pub fn made<'p>(path: &str, args: &Args<'p>) -> Option<Value<'p>> {
    let first = args.positional.first();
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
        "Symbol.for" => Some(Value::text(&SmolStr::from(format!("Symbol({})", first?.as_str()?)))),
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
