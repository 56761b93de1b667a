//! What languages and their standard libraries do to texts, lists, maps and the environment, as
//! far as folding needs it.

use std::rc::Rc;

use smol_str::SmolStr;

use super::text::{Part, Text};
use super::value::{Args, MAX_ITEMS, Value, grow};
use super::{collections, paths, regexp};

/// Whether a path names the environment as a map.
#[must_use]
pub fn is_environment(path: &str) -> bool {
    matches!(
        path,
        "os.environ"
            | "process.env"
            | "import.meta.env"
            | "Deno.env"
            | "Bun.env"
            | "node:process.env"
    )
}

/// Functions that read an environment variable, with the position and keyword of the default.
const ENVIRONMENT_READERS: &[(&str, usize, &str)] = &[
    ("os.getenv", 1, "default"),
    ("os.environ.get", 1, "default"),
    ("os.environ.setdefault", 1, "default"),
    ("decouple.config", 1, "default"),
    ("std::env::var", 9, ""),
    ("env::var", 9, ""),
    ("Deno.env.get", 9, ""),
];

/// Whether a called path reads an environment variable.
#[must_use]
pub fn reads_environment(path: &str) -> bool {
    ENVIRONMENT_READERS.iter().any(|(reader, ..)| *reader == path)
}

/// Whether a name is a method of maps, in one of the languages.
#[must_use]
pub fn is_map_method(name: &str) -> bool {
    matches!(
        name,
        "get"
            | "set"
            | "has"
            | "delete"
            | "keys"
            | "values"
            | "entries"
            | "items"
            | "forEach"
            | "update"
            | "copy"
            | "pop"
            | "setdefault"
            | "clear"
            | "size"
            | "length"
            | "toString"
            | "hasOwnProperty"
            | "insert"
            | "contains_key"
            | "iter"
            | "into_iter"
            | "map"
    )
}

/// An attribute that needs no scope: the environment, a map's key, a built-in method.
#[must_use]
pub fn attribute<'p>(object: &Value<'p>, name: &str) -> Option<Value<'p>> {
    let method = || Some(Value::Method(Rc::new((object.clone(), SmolStr::from(name)))));
    match object {
        Value::External(path) if is_environment(path) && !matches!(name, "get" | "setdefault") => {
            Some(Value::Text(Rc::new(Text::hole(name).from_env(name))))
        }
        Value::External(path) => {
            let separator = if path.contains("::") { "::" } else { "." };
            Some(Value::External(SmolStr::from(format!("{path}{separator}{name}"))))
        }
        // The value of an enumeration's member, and `Path.name`-like views, are the text itself.
        Value::Text(_) | Value::Number(_) if name == "value" => Some(object.clone()),
        Value::Text(_) if name == "href" => Some(object.clone()),
        // An address in its parts: what is asked for is the path.
        Value::Text(_) if matches!(name, "path" | "pathname") => Some(object.clone()),
        Value::Text(text) if name == "length" => text
            .as_literal()
            .map(|text| Value::Number(SmolStr::from(text.chars().count().to_string()))),
        // `pathlib`
        Value::Text(text) if name == "parent" => {
            let text = text.as_literal()?;
            Some(Value::text(text.rsplit_once('/').map_or("", |(folder, _)| folder)))
        }
        Value::Regex(regexp) => match name {
            "source" => Some(Value::text(regexp.source())),
            "flags" => Some(Value::text(regexp.flags())),
            _ => method(),
        },
        Value::Text(_) => method(),
        // What `pkgutil` tells of a module.
        Value::List(items)
            if name == "name"
                && matches!(items.borrow().as_slice(), [_, Value::Text(_), Value::Bool(_)]) =>
        {
            items.borrow().get(1).cloned()
        }
        Value::List(items) if name == "length" => {
            Some(length(&items.borrow()).map_or(Value::Unknown, number))
        }
        Value::List(_) => method(),
        Value::Map(_) => object.entry(name).or_else(method),
        _ => None,
    }
}

/// A call that needs no scope.
#[must_use]
pub fn call<'p>(callee: &Value<'p>, args: &Args<'p>) -> Option<Value<'p>> {
    match callee {
        Value::Method(method) => match &method.0 {
            Value::Text(text) if !text.env().is_empty() => {
                Some(text_method(text, &method.1, args).by_default())
            }
            Value::Text(text) => Some(text_method(text, &method.1, args)),
            Value::List(_) => list_method(&method.0, &method.1, args),
            Value::Map(_) => map_method(&method.0, &method.1, args),
            Value::Regex(regexp) => Some(regexp::method(regexp, &method.1, args)),
            _ => None,
        },
        Value::External(path) => external(path, args),
        // The same method of one of several texts.
        Value::Choice(methods) if methods.iter().all(is_of_text) => {
            let each = methods.iter().map(|method| call(method, args).unwrap_or_default());
            Some(Value::choice(each.collect()))
        }
        _ => None,
    }
}

/// Whether something is a method of a text, or nothing is known of it.
fn is_of_text(value: &Value<'_>) -> bool {
    match value {
        Value::Method(method) => matches!(method.0, Value::Text(_)),
        value => matches!(value, Value::Unknown),
    }
}

fn chars(args: &Args<'_>) -> Vec<char> {
    args.positional
        .first()
        .and_then(Value::as_str)
        .map_or_else(|| " \t\r\n".chars().collect(), |chars| chars.chars().collect())
}

fn text_method<'p>(text: &Rc<Text>, method: &str, args: &Args<'p>) -> Value<'p> {
    let wrap = |text: Text| Value::Text(Rc::new(text));
    if let Some(Value::Regex(regexp)) = args.positional.first() {
        return regexp::text_method(text, method, regexp, args);
    }
    match method {
        "format" => wrap(text.fill_braces(|position, name| {
            let value =
                if name.is_empty() { args.positional.get(position) } else { args.keyword(name) };
            value.map(|value| match value {
                Value::Text(_) | Value::Number(_) => value.to_text(),
                _ => Text::hole(name),
            })
        })),
        "lower" | "toLowerCase" | "to_lowercase" | "casefold" => {
            wrap(text.map_literals(str::to_lowercase))
        }
        "upper" | "toUpperCase" | "to_uppercase" => wrap(text.map_literals(str::to_uppercase)),
        "strip" | "trim" => {
            let chars = chars(args);
            wrap(text.trim_start(&chars).trim_end(&chars))
        }
        "lstrip" | "trimStart" | "trim_start_matches" | "trim_start" => {
            wrap(text.trim_start(&chars(args)))
        }
        "rstrip" | "trimEnd" | "trim_end_matches" | "trim_end" => wrap(text.trim_end(&chars(args))),
        // Whatever is taken out of nothing leaves nothing.
        "replace" | "replaceAll"
            if text.as_literal() == Some("")
                && args.positional.get(1).and_then(Value::as_str) == Some("") =>
        {
            wrap((**text).clone())
        }
        "replace" | "replaceAll" => match (args.positional.first(), args.positional.get(1)) {
            (Some(from), Some(to)) => match (from.as_str(), to.as_str()) {
                (Some(from), Some(to)) if !from.is_empty() => {
                    text.replace(from, to).map_or(Value::Unknown, wrap)
                }
                // A placeholder is filled with something that nobody knows.
                (Some(from), None) if !from.is_empty() => {
                    let filled = text.replace_by_hole(from, "");
                    let is_known = !text.has_hole() || filled != **text;
                    if is_known { wrap(filled) } else { Value::Unknown }
                }
                _ => Value::Unknown,
            },
            _ => Value::Unknown,
        },
        "slice" | "substring" => match (args.positional.as_slice(), text.parts()) {
            ([Value::Number(start)], [Part::Literal(first), ..]) => {
                match start.parse::<usize>().ok().and_then(|start| first.get(start..)) {
                    Some(rest) => {
                        let mut out = Text::literal(rest);
                        for part in &text.parts()[1..] {
                            match part {
                                Part::Literal(text) => out.push_literal(text),
                                Part::Hole(name) => out.push_hole(name),
                            }
                        }
                        wrap(out)
                    }
                    None => Value::Unknown,
                }
            }
            _ => Value::Unknown,
        },
        "removeprefix" | "removesuffix" => {
            match (text.as_literal(), args.positional.first().and_then(Value::as_str)) {
                (Some(text), Some(part)) => {
                    let cut = if method == "removeprefix" {
                        text.strip_prefix(part)
                    } else {
                        text.strip_suffix(part)
                    };
                    Value::text(cut.unwrap_or(text))
                }
                _ => Value::Unknown,
            }
        }
        "concat" => {
            let mut out = (**text).clone();
            for value in &args.positional {
                out.push(&value.to_text());
            }
            wrap(out)
        }
        "join" => match args.positional.first() {
            Some(Value::List(items)) => join(&items.borrow(), text),
            _ => Value::Unknown,
        },
        "split" => match (text.as_literal(), args.positional.first().and_then(Value::as_str)) {
            (Some(text), Some(separator)) if !separator.is_empty() => {
                Value::list(text.split(separator).map(Value::text).collect())
            }
            _ => Value::Unknown,
        },
        "startswith" | "startsWith" | "starts_with" => starts_with(text, args),
        "endswith" | "endsWith" | "ends_with" => {
            match args.positional.first().and_then(Value::as_str) {
                Some(part) => text.ends_with(part).map_or(Value::Unknown, Value::Bool),
                None => Value::Unknown,
            }
        }
        "includes" | "contains" => known_test(text, args, |text, part| text.contains(part)),
        "toString" | "to_string" | "to_owned" | "into" | "as_str" | "clone" | "encode"
        | "decode" | "unwrap" | "expect" | "as_posix" => Value::Text(Rc::clone(text)),
        // What stands in for a variable that is not set.
        "unwrap_or" | "unwrap_or_else" | "unwrap_or_default" if text.has_hole() => {
            match (args.positional.first(), text.env()) {
                (Some(Value::Text(fallback)), [variable]) => {
                    wrap((**fallback).clone().from_env(variable))
                }
                (Some(Value::Text(fallback)), _) => Value::Text(Rc::clone(fallback)),
                _ => Value::Unknown,
            }
        }
        _ => Value::Unknown,
    }
}

/// Whether a text begins with another, or with one of several; what stands before its first hole
/// may tell.
fn starts_with<'p>(text: &Text, args: &Args<'p>) -> Value<'p> {
    let begins = |part: &Value<'_>| part.as_str().and_then(|part| text.starts_with(part));
    let begins = match args.positional.first() {
        Some(Value::List(parts)) => {
            let each: Vec<_> = parts.borrow().iter().map(begins).collect();
            if each.contains(&Some(true)) {
                Some(true)
            } else if each.contains(&None) {
                None
            } else {
                Some(false)
            }
        }
        Some(part) => begins(part),
        None => None,
    };
    begins.map_or(Value::Unknown, Value::Bool)
}

fn known_test<'p>(text: &Text, args: &Args<'p>, test: impl Fn(&str, &str) -> bool) -> Value<'p> {
    match (text.as_literal(), args.positional.first().and_then(Value::as_str)) {
        (Some(text), Some(part)) => Value::Bool(test(text, part)),
        _ => Value::Unknown,
    }
}

fn join<'p>(items: &[Value<'p>], separator: &Text) -> Value<'p> {
    let mut out = Text::default();
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            out.push(separator);
        }
        out.push(&item.to_text());
    }
    Value::Text(Rc::new(out))
}

/// An address in its parts, as far as it has no hole.
fn parts_of_address<'p>(value: &Value<'p>) -> Option<Value<'p>> {
    let Value::Text(text) = value else { return None };
    let whole = text.as_literal()?;
    let (scheme, rest) = whole.split_once("://").unwrap_or(("", whole));
    let (host, path) = match rest.find('/') {
        Some(at) => rest.split_at(at),
        None if scheme.is_empty() => ("", rest),
        None => (rest, ""),
    };
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let part = |part: &str| {
        let plain = Text::literal(part);
        let marked = text.env().iter().fold(plain, |text, variable| text.from_env(variable));
        Value::Text(Rc::new(marked))
    };
    let entries = [("scheme", scheme), ("netloc", host), ("hostname", host), ("path", path)];
    Some(Value::map(entries.map(|(name, value)| (Value::text(name), part(value))).to_vec()))
}

fn list_method<'p>(list: &Value<'p>, method: &str, args: &Args<'p>) -> Option<Value<'p>> {
    let Value::List(items) = list else { return None };
    match method {
        "append" | "push" | "add" => {
            grow(&mut items.borrow_mut(), args.positional.iter().cloned());
            Some(Value::None)
        }
        "extend" => {
            let more = args.positional.first();
            let known = more.and_then(Value::items);
            let unknown = || vec![more.cloned().map_or(Value::Unknown, Value::several)];
            grow(&mut items.borrow_mut(), known.unwrap_or_else(unknown));
            Some(Value::None)
        }
        "insert" => {
            let mut items = items.borrow_mut();
            match args.positional.first() {
                Some(Value::Number(at)) if at == "0" && items.len() < MAX_ITEMS => {
                    let at = 0;
                    args.positional
                        .get(1)
                        .into_iter()
                        .for_each(|item| items.insert(at, item.clone()));
                }
                _ => grow(&mut items, args.positional.get(1).cloned()),
            }
            Some(Value::None)
        }
        "concat" => {
            let mut out = items.borrow().clone();
            for value in &args.positional {
                out.extend(value.items().unwrap_or_else(|| vec![value.clone()]));
                if out.len() > MAX_ITEMS {
                    return Some(Value::Unknown);
                }
            }
            Some(Value::list(out))
        }
        "indexOf" => {
            let wanted = args.positional.first()?.as_str();
            let items = items.borrow();
            let known: Option<Vec<&str>> = items.iter().map(Value::as_str).collect();
            Some(match (wanted, known) {
                (Some(wanted), Some(known)) => {
                    let at = known.iter().position(|item| *item == wanted);
                    number(at.and_then(|at| i64::try_from(at).ok()).unwrap_or(-1))
                }
                _ => Value::Unknown,
            })
        }
        "join" => {
            let separator =
                args.positional.first().map_or_else(|| Text::literal(","), Value::to_text);
            Some(join(&items.borrow(), &separator))
        }
        "includes" | "contains" | "has" => {
            let wanted = args.positional.first()?;
            let found = super::expr::contains(&items.borrow(), wanted);
            Some(found.map_or(Value::Unknown, Value::Bool))
        }
        "flat" | "slice" | "copy" | "reverse" | "sort" | "values" | "iter" | "into_iter"
        | "to_vec" => Some(list.clone()),
        "entries" => Some(Value::list(
            items
                .borrow()
                .iter()
                .enumerate()
                .map(|(at, item)| {
                    Value::list(vec![Value::Number(SmolStr::from(at.to_string())), item.clone()])
                })
                .collect(),
        )),
        // Those that take a function are the interpreter's.
        _ => None,
    }
}

fn map_method<'p>(map: &Value<'p>, method: &str, args: &Args<'p>) -> Option<Value<'p>> {
    let Value::Map(entries) = map else { return None };
    match method {
        "get" => match args.positional.first() {
            Some(Value::Absent) => Some(args.positional.get(1).cloned().unwrap_or(Value::Absent)),
            Some(key) if key.as_str().is_some() => Some(
                key.as_str()
                    .and_then(|key| map.entry(key))
                    .or_else(|| args.positional.get(1).cloned())
                    .unwrap_or(Value::None),
            ),
            _ => Some(Value::Unknown),
        },
        "setdefault" => {
            let key = args.positional.first()?;
            let known = key.as_str().and_then(|key| map.entry(key));
            Some(known.unwrap_or_else(|| {
                let value = args.positional.get(1).cloned().unwrap_or(Value::None);
                grow(&mut entries.borrow_mut(), [(key.clone(), value.clone())]);
                value
            }))
        }
        "items" => Some(pairs(&entries.borrow())),
        "keys" => Some(Value::list(entries.borrow().iter().map(|(key, _)| key.clone()).collect())),
        "values" => {
            Some(Value::list(entries.borrow().iter().map(|(_, value)| value.clone()).collect()))
        }
        "update" => {
            match args.positional.first() {
                Some(Value::Map(more)) if !Rc::ptr_eq(more, entries) => {
                    let more = more.borrow().clone();
                    grow(&mut entries.borrow_mut(), more);
                }
                _ => {}
            }
            let named: Vec<_> =
                args.named.iter().map(|(name, value)| (Value::text(name), value.clone())).collect();
            grow(&mut entries.borrow_mut(), named);
            Some(Value::None)
        }
        "copy" => Some(Value::map(entries.borrow().clone())),
        _ => collections::map_method(map, method, args),
    }
}

/// The entries of a map as a list of pairs.
#[must_use]
pub fn pairs<'p>(entries: &[(Value<'p>, Value<'p>)]) -> Value<'p> {
    Value::list(
        entries.iter().map(|(key, value)| Value::list(vec![key.clone(), value.clone()])).collect(),
    )
}

fn external<'p>(path: &str, args: &Args<'p>) -> Option<Value<'p>> {
    if let Some((_, position, keyword)) =
        ENVIRONMENT_READERS.iter().find(|(reader, ..)| *reader == path)
    {
        let variable = args.positional.first().map(Value::to_text).unwrap_or_default().to_string();
        return Some(match args.get(*position, keyword) {
            Some(Value::Text(default)) => {
                Value::Text(Rc::new((**default).clone().from_env(&variable)))
            }
            Some(other) => other.clone(),
            None => Value::Text(Rc::new(Text::hole(&variable).from_env(&variable))),
        });
    }
    match path {
        "os.path.join"
        | "posixpath.join"
        | "pathlib.Path"
        | "pathlib.PurePosixPath"
        | "url_path_join" => Some(paths::join(&args.positional)),
        "str" | "String" | "builtins.str" | "String::from" => {
            args.positional.first().map(|value| match value {
                Value::Text(_) => value.clone(),
                other => Value::Text(Rc::new(other.to_text())),
            })
        }
        "Array.from" if let Some(Value::Map(entries)) = args.positional.first() => {
            Some(pairs(&entries.borrow()))
        }
        "Set" | "Array.from" | "Object.freeze" => args
            .positional
            .first()
            .filter(|value| matches!(value, Value::List(_) | Value::Map(_)))
            .cloned(),
        // What is done to the copy leaves the original alone.
        "list" | "tuple" | "set" | "sorted" | "frozenset" | "reversed" => {
            match args.positional.first() {
                Some(Value::List(items)) => {
                    let mut items = items.borrow().clone();
                    if path == "reversed" {
                        items.reverse();
                    }
                    Some(Value::list(items))
                }
                Some(map @ Value::Map(_)) => map_method(map, "keys", &Args::default()),
                Some(value) => value.items().map(Value::list),
                None => Some(Value::list(Vec::new())).filter(|_| !args.open),
            }
        }
        "dict" => {
            let mut entries = match args.positional.first() {
                Some(Value::Map(entries)) => entries.borrow().clone(),
                Some(_) => return None,
                None => Vec::new(),
            };
            entries
                .extend(args.named.iter().map(|(name, value)| (Value::text(name), value.clone())));
            Some(Value::map(entries))
        }
        "Object.entries" => match args.positional.first() {
            Some(Value::Map(entries)) => Some(pairs(&entries.borrow())),
            _ => None,
        },
        "Object.keys" | "Object.values" => match args.positional.first() {
            Some(map @ Value::Map(_)) => {
                map_method(map, &path["Object.".len()..], &Args::default())
            }
            _ => None,
        },
        "Object.assign" => {
            let mut entries = Vec::new();
            for value in &args.positional {
                match value {
                    Value::Map(more) => entries.extend(more.borrow().iter().cloned()),
                    _ => return None,
                }
                if entries.len() > MAX_ITEMS {
                    return Some(Value::Unknown);
                }
            }
            Some(Value::map(entries))
        }
        "enumerate" => {
            let first = args.get(1, "start").map_or(Some(0), integer)?;
            args.positional.first().and_then(Value::items).map(|items| {
                Value::list(
                    (first..)
                        .zip(items)
                        .map(|(at, item)| Value::list(vec![number(at), item]))
                        .collect(),
                )
            })
        }
        "range" => range(args),
        "urllib.parse.urlparse" | "urllib.parse.urlsplit" => {
            parts_of_address(args.positional.first()?)
        }
        "len" => match args.positional.first()? {
            Value::List(items) => length(&items.borrow()).map(number),
            Value::Map(entries) => Some(number(i64::try_from(entries.borrow().len()).ok()?)),
            Value::Text(text) => {
                Some(number(i64::try_from(text.as_literal()?.chars().count()).ok()?))
            }
            _ => None,
        },
        "dict.fromkeys" => {
            let value = args.positional.get(1).cloned().unwrap_or(Value::None);
            let keys = args.positional.first().and_then(Value::items)?;
            Some(Value::map(keys.into_iter().map(|key| (key, value.clone())).collect()))
        }
        "zip" => {
            let lists: Option<Vec<_>> = args.positional.iter().map(Value::items).collect();
            lists.map(|lists| {
                let length = lists.iter().map(Vec::len).min().unwrap_or(0);
                if length.saturating_mul(lists.len()) > MAX_ITEMS {
                    return Value::Unknown;
                }
                Value::list(
                    (0..length)
                        .map(|at| Value::list(lists.iter().map(|list| list[at].clone()).collect()))
                        .collect(),
                )
            })
        }
        "bool" | "Boolean" => args.positional.first().map(|value| match value.truth() {
            Some(truth) if value.is_default() => Value::Flag(truth),
            Some(truth) => Value::Bool(truth),
            None => Value::Unknown,
        }),
        "int" | "float" | "Number" | "parseInt" => {
            args.positional.first().map(|value| match value {
                Value::Number(_) => value.clone(),
                Value::Text(text) => match text.as_literal() {
                    Some(text) if text.parse::<f64>().is_ok() => Value::Number(text.into()),
                    _ => Value::Unknown,
                },
                _ => Value::Unknown,
            })
        }
        "lodash.replace" | "lodash/replace" | "lodash/replace.default" | "lodash-es.replace" => {
            let (Value::Text(text), rest) = args.positional.split_first()? else { return None };
            Some(text_method(text, "replace", &Args::of(rest.to_vec())))
        }
        // A query is no part of the path.
        "tornado.httputil.url_concat" => {
            args.positional.first().filter(|url| matches!(url, Value::Text(_))).cloned()
        }
        "typing.cast" | "typing_extensions.cast" | "cast" => args.positional.get(1).cloned(),
        _ => paths::call(path.trim_start_matches("node:"), args)
            .or_else(|| collections::made(path, args)),
    }
}

/// How many items a list has; an unknown one may be several, or none.
fn length(items: &[Value<'_>]) -> Option<i64> {
    let known = !items.iter().any(|item| matches!(item, Value::Unknown));
    i64::try_from(items.len()).ok().filter(|_| known)
}

/// The longest range that is a list.
const MAX_RANGE: usize = 256;

fn number<'p>(number: i64) -> Value<'p> {
    Value::Number(SmolStr::from(number.to_string()))
}

fn integer(value: &Value<'_>) -> Option<i64> {
    match value {
        Value::Number(number) => number.parse().ok(),
        _ => None,
    }
}

/// `range(…)` with known bounds, where it is short: who counts further does not register.
fn range<'p>(args: &Args<'p>) -> Option<Value<'p>> {
    let bounds: Option<Vec<i64>> = args.positional.iter().map(integer).collect();
    let (start, end, step) = match bounds?.as_slice() {
        [end] => (0, *end, 1),
        [start, end] => (*start, *end, 1),
        [start, end, step] if *step != 0 => (*start, *end, *step),
        _ => return None,
    };
    let mut out = Vec::new();
    let mut at = start;
    while (at < end) == (step > 0) && at != end {
        if out.len() == MAX_RANGE {
            return None;
        }
        out.push(number(at));
        at = at.checked_add(step)?;
    }
    Some(Value::list(out))
}
