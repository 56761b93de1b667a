//! The syntaxes in which frameworks write paths, and what they have in common: segments that are
//! fixed, parameters, and catch-alls.

use super::Parameter;

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
            || kind.is_some_and(|kind| matches!(kind, "path" | "path?" | ".*" | ".+"));
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
                star |= kind.is_some_and(|kind| matches!(kind, ".*" | ".+"));
                out.push(&name, kind, star);
            }
            '*' => {
                while chars.next_if(|(_, c)| *c == '*').is_some() {}
                out.push("", None, true);
            }
            // An unnamed group: `(.*)` takes the rest, other groups are choices or options.
            '(' => {
                let inner = group(raw, at, &mut chars);
                while chars.next_if(|(_, c)| matches!(c, '?' | '*' | '+')).is_some() {}
                if matches!(inner, ".*" | ".+") {
                    out.push("", None, true);
                } else {
                    out.push("", Some(inner), false);
                }
            }
            c => out.path.push(c),
        }
    }
    out
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

/// Whether a request for `path` may meet what is registered for `pattern`, both as `{name}`.
/// A parameter of the pattern takes any segment; a fixed segment does not take a parameter.
#[must_use]
pub fn covers(pattern: &str, is_prefix: bool, path: &str) -> bool {
    let mut segments = pattern.split('/').filter(|segment| !segment.is_empty());
    let mut parts = path.split('/').filter(|part| !part.is_empty());
    loop {
        match (segments.next(), parts.next()) {
            (None, None) => return true,
            (None, Some(_)) => return is_prefix,
            (Some(segment), _) if segment.ends_with("*}") => return true,
            (Some(_), None) => return false,
            (Some(segment), Some(part)) => {
                let is_parameter = segment.starts_with('{') && segment.ends_with('}');
                if !is_parameter && segment != part {
                    return false;
                }
            }
        }
    }
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
    fn a_pattern_covers_what_its_parameters_take() {
        assert!(covers("/api/{x}", false, "/api/users"));
        assert!(covers("/api", true, "/api/users"));
        assert!(covers("", true, "/"));
        assert!(covers("/api/{rest*}", false, "/api/a/b"));
        assert!(!covers("/api", false, "/api/users"));
        assert!(!covers("/api/users", false, "/api/{x}"));
        assert!(!covers("/apis", true, "/api/users"));
    }
}
