//! The names by which templates and code ask for the path of a route.

use std::collections::BTreeMap;

use crate::eval::value::{Args, Value};
use crate::inventory::routes::Route;

/// Stands before the name in a hole that a route was asked for with.
const MARK: &str = "route:";
/// Stands between the name and what the route was asked for with.
const BETWEEN: char = '\u{1f}';
/// The most arguments that are remembered.
const MAX_ARGUMENTS: usize = 32;

/// The paths of routes by their names.
#[derive(Debug, Default)]
pub struct Names<'r> {
    whole: BTreeMap<String, Vec<&'r Route>>,
    /// By the last part of the name.
    last: BTreeMap<String, Vec<&'r Route>>,
}

impl<'r> Names<'r> {
    /// The names of these routes.
    #[must_use]
    pub fn of(routes: &'r [Route]) -> Self {
        let mut out = Self::default();
        for route in routes {
            let Some(name) = route.name.as_deref() else { continue };
            let name = dotted(name);
            out.last.entry(last(&name).to_owned()).or_default().push(route);
            out.whole.entry(name).or_default().push(route);
        }
        out
    }

    /// The path of the route that a hole asks for, `{}` for what is not known of it, and with what
    /// it has no parameter for in its query; `None` where no route has the name.
    #[must_use]
    pub fn path(&self, hole: &str) -> Option<String> {
        let mut parts = hole.strip_prefix(MARK)?.split(BETWEEN);
        let name = dotted(parts.next()?);
        let arguments: Vec<(&str, &str)> =
            parts.filter_map(|argument| argument.split_once('=')).collect();
        let routes = self.named(&name)?;
        let fits = |route: &&&Route| {
            let named = arguments.iter().filter(|(key, _)| !key.is_empty());
            let given = arguments.iter().filter(|(key, _)| key.is_empty()).count();
            let has = |name: &str| arguments.iter().any(|(key, _)| *key == name);
            let parameters = &route.parameters;
            if given > 0 {
                return parameters.len() == given + named.count();
            }
            parameters.iter().all(|parameter| has(&parameter.name))
        };
        // Of several, the one that takes most of what is given.
        let best = routes.iter().filter(fits).max_by_key(|route| route.parameters.len());
        let route = best.or_else(|| routes.first())?;
        Some(filled(route, &arguments))
    }

    fn named(&self, name: &str) -> Option<&[&'r Route]> {
        if let Some(routes) = self.whole.get(name) {
            return Some(routes);
        }
        // A name within the blueprint that asks: one route must be meant.
        let name = name.trim_start_matches('.');
        let routes = self.last.get(last(name))?;
        let ends = |route: &&Route| {
            let whole = route.name.as_deref().map(dotted).unwrap_or_default();
            whole.strip_suffix(name).is_some_and(|before| before.ends_with('.'))
        };
        let is_one = routes.iter().all(|route| ends(route) && route.name == routes[0].name);
        is_one.then_some(routes)
    }
}

/// A name with points between its parts, where Django has colons.
fn dotted(name: &str) -> String {
    name.replace(':', ".")
}

fn last(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

/// A route's path with what it is asked for with.
fn filled(route: &Route, arguments: &[(&str, &str)]) -> String {
    let mut out = String::new();
    let mut given = arguments.iter().filter(|(key, _)| key.is_empty());
    let mut used = Vec::new();
    let mut rest = route.path.as_str();
    while let Some(start) = rest.find('{') {
        let Some(length) = rest[start..].find('}') else { break };
        let name = rest[start + 1..start + length].trim_end_matches('*');
        out.push_str(&rest[..start]);
        let value = match arguments.iter().find(|(key, _)| !key.is_empty() && *key == name) {
            Some((key, value)) => {
                used.push(*key);
                *value
            }
            None => given.next().map_or("{}", |(_, value)| *value),
        };
        out.push_str(value);
        rest = &rest[start + length + 1..];
    }
    out.push_str(rest);
    // What underscores begin says how the address is made.
    let more = |key: &str| !key.is_empty() && !key.starts_with('_') && !used.contains(&key);
    for (at, (key, _)) in arguments.iter().filter(|(key, _)| more(key)).enumerate() {
        out.push(if at == 0 { '?' } else { '&' });
        out.push_str(key);
        out.push_str("={}");
    }
    out
}

/// The name of the hole that asks for a route, where a function makes its path of a name and of
/// what the path's parameters are: `url_for("items.show", id=3)`, `reverse("item", args=[3])`.
#[must_use]
pub fn asked(args: &Args<'_>) -> Option<String> {
    let name = args.positional.first().or_else(|| args.keyword("viewname"))?.as_str()?;
    let mut hole = format!("{MARK}{name}");
    let mut add = |key: &str, value: &Value<'_>| {
        let value = match value {
            Value::Text(_) | Value::Number(_) => value.to_text().to_string(),
            _ => "{}".to_owned(),
        };
        let is_plain = !value.contains([BETWEEN, '/', '?', '#', '{']);
        let value = if is_plain { value.as_str() } else { "{}" };
        hole.push_str(&format!("{BETWEEN}{key}={value}"));
    };
    for value in args.positional.iter().skip(1).take(MAX_ARGUMENTS) {
        // `reverse(name, None, args)`: its second argument is the table of addresses.
        if matches!(value, Value::Text(_) | Value::Number(_) | Value::Unknown) {
            add("", value);
        }
    }
    for (key, value) in args.named.iter().take(MAX_ARGUMENTS) {
        match (key.as_str(), value) {
            ("args", _) => {
                let items = value.items().unwrap_or_default();
                items.iter().take(MAX_ARGUMENTS).for_each(|item| add("", item));
            }
            ("kwargs" | "params", Value::Map(_)) => {
                value.keywords().iter().take(MAX_ARGUMENTS).for_each(|(key, item)| add(key, item));
            }
            ("viewname" | "urlconf" | "current_app" | "request" | "query" | "fragment", _) => {}
            _ => add(key, value),
        }
    }
    Some(hole)
}
