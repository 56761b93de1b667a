//! The syntaxes in which frameworks write paths, and what they have in common: segments that are
//! fixed, parameters, and catch-alls.

use super::Parameter;
use crate::eval::regexp::Regexp;

/// A path with its parameters as `{name}` and `{name*}`, and their types.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Shape {
    /// The path.
    pub path: String,
    /// The parameters in order.
    pub parameters: Vec<Parameter>,
}

impl Shape {
    /// A path as it is.
    #[must_use]
    pub fn plain(path: &str) -> Self {
        Self { path: path.to_owned(), parameters: Vec::new() }
    }

    fn push(&mut self, name: &str, kind: Option<&str>, rest: bool) {
        self.path.push('{');
        self.path.push_str(name);
        if rest {
            self.path.push('*');
        }
        self.path.push('}');
        self.parameters.push(Parameter { name: name.to_owned(), kind: kind.map(str::to_owned) });
    }
}

/// `/users/<int:id>` and `/static/<path:rest>`: Flask, Quart, Bottle, Sanic, Django.
/// `kind_first` says on which side of the colon the type stands.
#[must_use]
pub fn angles(raw: &str, kind_first: bool) -> Shape {
    let mut out = Shape::default();
    let mut rest = raw;
    while let Some(start) = rest.find('<') {
        let Some(length) = rest[start..].find('>') else { break };
        out.path.push_str(&rest[..start]);
        let inner = &rest[start + 1..start + length];
        let (kind, name) = match (inner.split_once(':'), kind_first) {
            (Some((kind, name)), true) => (kind, name),
            (Some((name, kind)), false) => (kind, name),
            (None, _) => ("", inner),
        };
        // `int(min=1)`, `re:[a-z]+`, `path:path`
        let kind = kind.split(['(', ':']).next().unwrap_or(kind);
        out.push(name, (!kind.is_empty()).then_some(kind), kind.starts_with("path"));
        rest = &rest[start + length + 1..];
    }
    out.path.push_str(rest);
    out
}

/// `/users/{id}`, `/users/{id:int}`, `/files/{rest:path}`, `/files/{*rest}`, `{name:regex{2}}`.
#[must_use]
pub fn braces(raw: &str) -> Shape {
    let mut out = Shape::default();
    let mut rest = raw;
    while let Some(start) = rest.find('{') {
        let mut depth = 0_usize;
        let end = rest[start..].char_indices().find_map(|(at, c)| {
            depth = match c {
                '{' => depth + 1,
                '}' => depth - 1,
                _ => depth,
            };
            (depth == 0).then_some(start + at)
        });
        let Some(end) = end else { break };
        out.path.push_str(&rest[..start]);
        let inner = &rest[start + 1..end];
        let (name, kind) = match inner.split_once([':', '|']) {
            Some((name, kind)) => (name.trim(), Some(kind.trim())),
            None => (inner, None),
        };
        // axum's and warp's `{*rest}`, hapi's `{rest*}` and `{rest*2}`.
        let star = name.starts_with('*')
            || name.contains('*')
            || kind.is_some_and(|kind| matches!(kind, "path" | "path?") || takes_rest(kind));
        let name = name.trim_start_matches('*').split('*').next().unwrap_or(name);
        let name = name.trim_end_matches('?').trim_start_matches('.');
        out.push(name, kind, star);
        rest = &rest[end + 1..];
    }
    out.path.push_str(rest);
    out
}

/// `/users/:id`, `:id(\\d+)`, `:id?`, `:rest*`, `*`, `*rest`: Express, Koa, Fastify, Hono, Adonis,
/// and axum before 0.8.
#[must_use]
pub fn colons(raw: &str) -> Shape {
    let mut out = Shape::default();
    let mut chars = raw.char_indices().peekable();
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    while let Some((at, c)) = chars.next() {
        let begins_name = raw[at + c.len_utf8()..].starts_with(is_name);
        match c {
            ':' | '*' if begins_name => {
                let mut name = String::new();
                while let Some((_, c)) = chars.next_if(|(_, c)| is_name(*c)) {
                    name.push(c);
                }
                let mut star = c == '*';
                let kind = chars
                    .peek()
                    .filter(|(_, c)| matches!(c, '(' | '{'))
                    .map(|(at, _)| *at)
                    .map(|start| group(raw, start, &mut chars));
                if let Some((_, c)) = chars.next_if(|(_, c)| matches!(c, '?' | '*' | '+')) {
                    star |= c != '?';
                }
                star |= kind.is_some_and(|kind| kind == "*" || takes_rest(kind));
                out.push(&name, kind, star);
            }
            '\\' => out.path.extend(chars.next().map(|(_, c)| c)),
            '*' => {
                while chars.next_if(|(_, c)| *c == '*').is_some() {}
                out.push("", None, true);
            }
            // An unnamed group: `(.*)` takes the rest, other groups are choices or options.
            '(' => {
                let inner = group(raw, at, &mut chars);
                while chars.next_if(|(_, c)| matches!(c, '?' | '*' | '+')).is_some() {}
                if takes_rest(inner) {
                    out.push("", Some(inner).filter(|inner| !is_any(inner)), true);
                } else {
                    out.push("", Some(inner), false);
                }
            }
            c => out.path.push(c),
        }
    }
    out
}

/// As [`colons`], with parts in braces that may be left out: Express 5's `/pages{/:page}` and
/// `/{*rest}`, and `{/:page}?` of what came before it.
#[must_use]
pub fn optional_braces(raw: &str) -> Shape {
    if !raw.contains('{') {
        return colons(raw);
    }
    let mut plain = String::with_capacity(raw.len());
    let mut depth = 0_usize;
    let mut chars = raw.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                plain.push(c);
                plain.extend(chars.next());
                continue;
            }
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        match c {
            '{' if depth == 0 => {}
            '}' if depth == 0 => {
                chars.next_if(|c| matches!(c, '?' | '*' | '+'));
            }
            c => plain.push(c),
        }
    }
    colons(&plain)
}

/// `/users/{id}` and `/files/{*rest}`, or `/users/:id` and `/files/*rest`: axum before and from
/// 0.8. A segment is a parameter whole.
#[must_use]
pub fn matchit(raw: &str) -> Shape {
    let mut out = Shape::default();
    for (at, segment) in raw.split('/').enumerate() {
        if at > 0 {
            out.path.push('/');
        }
        match segment.split_at_checked(1) {
            Some((":", name)) => out.push(name, None, false),
            Some(("*", name)) => out.push(name, None, true),
            _ => {
                let inner = braces(segment);
                out.path.push_str(&inner.path);
                out.parameters.extend(inner.parameters);
            }
        }
    }
    out
}

/// `/users/<id>` and `/files/<rest..>`: Rocket.
#[must_use]
pub fn rocket(raw: &str) -> Shape {
    let mut out = Shape::default();
    let mut rest = raw;
    while let Some((before, after)) = rest.split_once('<') {
        let Some((name, after)) = after.split_once('>') else { break };
        out.path.push_str(before);
        match name.strip_suffix("..") {
            Some("_") => out.push("", None, true),
            Some(name) => out.push(name, None, true),
            None => out.push(name, None, false),
        }
        rest = after;
    }
    out.path.push_str(rest);
    out
}

/// `/users/:id`, `/users/:id<\\d+>`, `/files/*rest`, and `<\\d+>` without a name, which is called by
/// its position among these: poem.
#[must_use]
pub fn poem(raw: &str) -> Shape {
    let mut out = Shape::default();
    let mut nameless = 0;
    for (at, segment) in raw.split('/').enumerate() {
        if at > 0 {
            out.path.push('/');
        }
        let (name, kind) = match segment.split_once('<') {
            Some((name, kind)) => (name, Some(kind.trim_end_matches('>'))),
            None => (segment, None),
        };
        match (name.split_at_checked(1), kind) {
            (Some((":", name)), kind) => out.push(name, kind, false),
            (Some(("*", name)), _) => out.push(name, None, true),
            (None, Some(kind)) => {
                out.push(&nameless.to_string(), Some(kind), false);
                nameless += 1;
            }
            _ => out.path.push_str(segment),
        }
    }
    out
}

/// `/users/{id}`, `{id:num}`, `{id|[0-9]+}`, `{**rest}`, and `<id>` before these: salvo.
#[must_use]
pub fn salvo(raw: &str) -> Shape {
    if raw.contains('<') && !raw.contains('{') {
        return braces(&raw.replace('<', "{").replace('>', "}"));
    }
    braces(raw)
}

/// The inside of a bracketed group that begins at `start`; the characters are taken.
fn group<'r>(
    raw: &'r str,
    start: usize,
    chars: &mut std::iter::Peekable<std::str::CharIndices<'_>>,
) -> &'r str {
    let mut depth = 0_i32;
    let mut end = raw.len();
    if raw[start..].starts_with(['(', '{']) && chars.peek().is_none_or(|(at, _)| *at > start) {
        depth = 1;
    }
    for (at, c) in chars.by_ref() {
        match c {
            '(' | '{' => depth += 1,
            ')' | '}' => {
                depth -= 1;
                if depth == 0 {
                    end = at;
                    break;
                }
            }
            _ => {}
        }
    }
    raw.get(start + 1..end).unwrap_or("")
}

/// A path with the types of its parameters, as [`covers`] compares it.
#[derive(Debug, Clone, Copy)]
pub struct Typed<'a> {
    /// The path.
    pub path: &'a str,
    /// The parameters in order.
    pub parameters: &'a [Parameter],
}

impl<'a> From<&'a str> for Typed<'a> {
    /// A path of whose parameters no type is known.
    fn from(path: &'a str) -> Self {
        Self { path, parameters: &[] }
    }
}

impl<'a> Typed<'a> {
    /// The segments, each with the type of the parameter that it is, where it is one alone.
    fn segments(self) -> impl Iterator<Item = (&'a str, Option<Option<&'a str>>)> {
        let mut parameters = self.parameters.iter();
        self.path.split('/').filter(|segment| !segment.is_empty()).map(move |segment| {
            let count = segment.matches('{').count();
            let mut kind = None;
            for _ in 0..count {
                kind = parameters.next().map(|parameter| parameter.kind.as_deref());
            }
            let is_alone = count == 1 && segment.starts_with('{') && segment.ends_with('}');
            (segment, is_alone.then(|| kind.flatten()))
        })
    }
}

impl Shape {
    /// The shape to be compared.
    #[must_use]
    pub fn typed(&self) -> Typed<'_> {
        Typed { path: &self.path, parameters: &self.parameters }
    }
}

/// Whether a request for `path` always meets what is registered for `pattern`, both as `{name}`.
/// A parameter of the pattern takes any segment that is of its type; a fixed segment does not take
/// a parameter.
#[must_use]
pub fn covers(pattern: Typed<'_>, is_prefix: bool, path: Typed<'_>) -> bool {
    let mut segments = pattern.segments();
    let mut parts = path.segments();
    loop {
        match (segments.next(), parts.next()) {
            (None, None) => return true,
            (None, Some(_)) => return is_prefix,
            (Some((segment, kind)), part) if segment.ends_with("*}") => {
                if let Some(kind) = kind.flatten().filter(|kind| kind.starts_with(AHEAD)) {
                    let first = part.map_or("", |(part, _)| part);
                    let rest = parts.fold(first.to_owned(), |path, (part, _)| path + "/" + part);
                    let fits = || Regexp::of(&format!("^{kind}$"), "").fits(&rest) == Some(true);
                    return !rest.starts_with('{') && fits();
                }
                let fixed = segment.split('{').next().unwrap_or("");
                return fixed.is_empty() || part.is_some_and(|(part, _)| part.starts_with(fixed));
            }
            (Some(_), None) => return false,
            (Some((_, Some(kind))), Some(part)) => {
                if !takes(kind, part) {
                    return false;
                }
            }
            (Some((segment, None)), Some((part, _))) => {
                if segment != part {
                    return false;
                }
            }
        }
    }
}

/// Whether a parameter of a type takes every request for a segment.
fn takes(kind: Option<&str>, (part, parameter): (&str, Option<Option<&str>>)) -> bool {
    let Some(kind) = kind.filter(|kind| !is_any(kind)) else { return true };
    match parameter {
        Some(other) => other == Some(kind),
        None if part.contains('{') => false,
        None if kind == "int" => part.bytes().all(|byte| byte.is_ascii_digit()),
        None if kind.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') => false,
        None => Regexp::of(&format!("^(?:{kind})$"), "").fits(part) == Some(true),
    }
}

/// How the type of a parameter begins that takes any rest but some.
const AHEAD: &str = "(?!";

/// Whether a type takes any rest, perhaps but for what it must not begin with: `(?!api).*`.
fn takes_rest(kind: &str) -> bool {
    matches!(kind, ".*" | ".+")
        || kind.starts_with(AHEAD) && (kind.ends_with(").*") || kind.ends_with(").+"))
}

/// Whether a type says nothing but that there is a segment.
fn is_any(kind: &str) -> bool {
    matches!(kind, "str" | "string" | "path" | "default" | "any" | "[^/]+" | "[^/]+?" | ".*" | ".+")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_named_alike_in_every_syntax() {
        let cases = [
            (angles("/a/<int:id>/<path:rest>", true), "/a/{id}/{rest*}"),
            (angles("/a/<id:int>/<rest:path>", false), "/a/{id}/{rest*}"),
            (braces("/a/{id:int}/{rest:path}"), "/a/{id}/{rest*}"),
            (braces("/a/{id:[0-9]{2}}/{*rest}"), "/a/{id}/{rest*}"),
            (braces("/a/{id?}/{rest*}"), "/a/{id}/{rest*}"),
            (colons("/a/:id(\\d+)/:rest*"), "/a/{id}/{rest*}"),
            (colons("/a/:id?/*rest"), "/a/{id}/{rest*}"),
            (colons("/a/:from-:to/*"), "/a/{from}-{to}/{*}"),
            (colons("/a/(.*)"), "/a/{*}"),
        ];
        for (shape, expected) in cases {
            assert_eq!(shape.path, expected);
        }
    }

    #[test]
    fn types_are_kept() {
        let kinds = |shape: Shape| -> Vec<Option<String>> {
            shape.parameters.into_iter().map(|parameter| parameter.kind).collect()
        };
        assert_eq!(kinds(angles("/<int(min=1):id>/<name>", true)), [Some("int".to_owned()), None]);
        assert_eq!(kinds(braces("/{id:uuid}/{x}")), [Some("uuid".to_owned()), None]);
        assert_eq!(kinds(colons("/:id(\\d+)")), [Some("\\d+".to_owned())]);
    }

    #[test]
    fn what_may_be_left_out_is_there() {
        let cases = [
            ("/pages{/:page}", "/pages/{page}"),
            ("/{*rest}", "/{rest*}"),
            ("/t{.:format}", "/t.{format}"),
            ("/:id(\\d{2})", "/{id}"),
            ("/a{/:b}?/c", "/a/{b}/c"),
        ];
        for (raw, expected) in cases {
            assert_eq!(optional_braces(raw).path, expected);
        }
    }

    #[test]
    fn a_pattern_covers_what_its_parameters_take() {
        let covers = |pattern: &str, is_prefix: bool, path: &str| {
            super::covers(colons(pattern).typed(), is_prefix, colons(path).typed())
        };
        assert!(covers("/api/:x", false, "/api/users"));
        assert!(covers("/api", true, "/api/users"));
        assert!(covers("", true, "/"));
        assert!(covers("/api/*", false, "/api/a/b"));
        assert!(!covers("/api", false, "/api/users"));
        assert!(!covers("/api/users", false, "/api/:x"));
        assert!(!covers("/apis", true, "/api/users"));
        assert!(covers("/((?!api|admin).*)", false, "/"));
        assert!(covers("/((?!api|admin).*)", false, "/users/:id"));
        assert!(!covers("/((?!api|admin).*)", false, "/admin/users"));
        assert!(!covers("/((?!api|admin).*)", false, "/:page"));
    }

    #[test]
    fn a_parameter_with_a_type_takes_no_more_than_that() {
        let covers = |pattern: &str, path: &str| {
            super::covers(colons(pattern).typed(), false, colons(path).typed())
        };
        assert!(covers("/:id(\\d+)", "/:number(\\d+)"));
        assert!(covers("/:id(\\d+)", "/12"));
        assert!(!covers("/:id(\\d+)", "/archived"));
        assert!(!covers("/:id(\\d+)", "/:slug"));
        assert!(covers("/:from-:to/:id", "/:from-:to/x"));
    }
}
