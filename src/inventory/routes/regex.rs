//! Regular expressions that stand for paths, rewritten with `{name:kind}` for their groups.

use crate::eval::text::{Part, Text};

/// Stands for a hole while an expression is rewritten.
const HOLE: char = '\u{0}';
/// The deepest nesting of groups that is looked into.
const MAX_DEPTH: usize = 16;
/// The most paths that one expression stands for.
const MAX_PATHS: usize = 16;
/// The longest expression that is read; a longer one is a path that nobody knows.
const MAX_LENGTH: usize = 4_000;

/// The paths that an expression with holes stands for, as `rewrite` makes them of one without.
pub fn over(regex: &Text, rewrite: impl FnOnce(&str) -> Vec<String>) -> Vec<Text> {
    let raw: String = regex
        .parts()
        .iter()
        .map(|part| match part {
            Part::Literal(text) => text.replace(HOLE, ""),
            Part::Hole(_) => HOLE.to_string(),
        })
        .collect();
    let text = |path: &String| {
        let mut out = Text::default();
        for (at, part) in path.split(HOLE).enumerate() {
            if at > 0 {
                out.push_hole("");
            }
            out.push_literal(part);
        }
        out
    };
    rewrite(&raw).iter().map(text).collect()
}

/// The paths that an expression stands for: more than one where it has alternatives outside of its
/// groups. Groups without a name get the next of `names`, then `arg1`, `arg2`, … What is optional
/// and holds no group is left out.
#[must_use]
pub fn paths(regex: &str, names: &[String]) -> Vec<String> {
    if regex.len() > MAX_LENGTH {
        return vec!["{}".to_owned()];
    }
    rewritten(regex, Writer { names, groups: 0, both: false })
}

/// As [`paths`], with a path for each way to take what is optional: a group is there or not, and
/// a last slash is there.
#[must_use]
pub fn variants(regex: &str, names: &[String]) -> Vec<String> {
    if regex.len() > MAX_LENGTH {
        return vec!["{}".to_owned()];
    }
    rewritten(regex, Writer { names, groups: 0, both: true })
}

fn rewritten(regex: &str, mut writer: Writer<'_>) -> Vec<String> {
    let chars: Vec<char> = regex.chars().collect();
    let mut out = writer.alternatives(&chars, vec![String::new()], 0);
    out.dedup();
    out
}

struct Writer<'n> {
    names: &'n [String],
    /// Groups so far that capture.
    groups: usize,
    /// Whether an optional group gives a path without it too.
    both: bool,
}

impl Writer<'_> {
    fn alternatives(&mut self, chars: &[char], before: Vec<String>, depth: usize) -> Vec<String> {
        let mut out = Vec::new();
        for alternative in split(chars) {
            out.extend(self.sequence(alternative, before.clone(), depth));
        }
        out.truncate(MAX_PATHS);
        out
    }

    fn sequence(&mut self, chars: &[char], mut out: Vec<String>, depth: usize) -> Vec<String> {
        let mut at = 0;
        // What must not follow.
        let mut barred = None;
        while at < chars.len() {
            let end = behind(chars, at);
            let atom = &chars[at..end];
            let (optional, behind) = quantifier(chars, end);
            at = behind;
            let before = barred.take();
            match atom {
                ['(', '?', '!', inner @ .., ')'] if !inner.contains(&'{') => {
                    barred = Some(inner.iter().collect::<String>());
                }
                ['^' | '$'] | ['\\', 'A' | 'Z' | 'z' | 'b' | 'B'] => {}
                ['(', inner @ .., ')'] => {
                    let without = (self.both && optional).then(|| out.clone());
                    out = self.group(inner, optional && !self.both, out, depth);
                    out.extend(without.unwrap_or_default());
                    out.truncate(MAX_PATHS);
                }
                ['[', inner @ .., ']'] => {
                    // `[.]` is one way to write a dot, `[/]` a slash.
                    match inner {
                        [one] if !optional => push(&mut out, &one.to_string()),
                        _ if optional && !repeats(&chars[end..behind]) => {}
                        _ => push(&mut out, "{}"),
                    }
                }
                ['\\', 'd' | 'D' | 'w' | 'W' | 's' | 'S'] => push(&mut out, "{}"),
                ['\\', c] if !optional => push(&mut out, &c.to_string()),
                ['.'] if repeats(&chars[end..behind]) => match before {
                    Some(barred) => push(&mut out, &format!("{{*:(?!{barred}).*}}")),
                    None => push(&mut out, "{*}"),
                },
                ['/'] if optional && self.both => push(&mut out, "/"),
                _ if optional => {}
                literal => push(&mut out, &literal.iter().collect::<String>()),
            }
        }
        out
    }

    fn group(
        &mut self,
        inner: &[char],
        optional: bool,
        mut out: Vec<String>,
        depth: usize,
    ) -> Vec<String> {
        let named = match inner {
            ['?', 'P', '<', rest @ ..] => Some(rest),
            ['?', '<', c, ..] if !matches!(c, '=' | '!') => Some(&inner[2..]),
            _ => None,
        };
        if let Some(rest) = named {
            let length = rest.iter().position(|c| *c == '>').unwrap_or(rest.len());
            let name: String = rest[..length].iter().collect();
            self.groups += 1;
            let body = rest.get(length + 1..).unwrap_or_default();
            self.groups += captures(body, 0);
            parameter(&mut out, &name, body);
            return out;
        }
        match inner {
            ['?', ':', body @ ..] => {
                if depth >= MAX_DEPTH || optional && captures(body, 0) == 0 {
                    return out;
                }
                self.alternatives(body, out, depth + 1)
            }
            ['?', ..] => out,
            body => {
                let name = self.names.get(self.groups).cloned();
                self.groups += 1;
                let name = name.unwrap_or_else(|| format!("arg{}", self.groups));
                self.groups += captures(body, 0);
                parameter(&mut out, &name, body);
                out
            }
        }
    }
}

fn push(out: &mut [String], text: &str) {
    out.iter_mut().for_each(|path| path.push_str(text));
}

/// Writes a group as a parameter. A slash that it begins with stands before it.
fn parameter(out: &mut [String], name: &str, body: &[char]) {
    let body: String = body.iter().collect();
    let rest = body.contains(".*") || body.contains(".+");
    let own = body.strip_prefix('/').unwrap_or(&body);
    let kind = if rest {
        if body.contains(".*") { ":.*".to_owned() } else { ":.+".to_owned() }
    } else {
        let readable = !own.is_empty() && !own.contains(['{', '}', '\0']) && own != "[^/]+";
        if readable { format!(":{own}") } else { String::new() }
    };
    if own.len() < body.len() {
        out.iter_mut().filter(|path| !path.ends_with('/')).for_each(|path| path.push('/'));
    }
    push(out, &format!("{{{name}{kind}}}"));
}

/// How many groups of an expression capture.
fn captures(chars: &[char], depth: usize) -> usize {
    let mut at = 0;
    let mut found = 0;
    while at < chars.len() {
        let end = behind(chars, at);
        if let ['(', inner @ .., ')'] = &chars[at..end] {
            let own = match inner {
                ['?', 'P', '<', ..] => true,
                ['?', '<', c, ..] => !matches!(c, '=' | '!'),
                ['?', ..] => false,
                _ => true,
            };
            found += usize::from(own);
            if depth < MAX_DEPTH {
                found += captures(inner, depth + 1);
            }
        }
        at = end;
    }
    found
}

/// Splits an expression at the bars that stand in no group and no class.
fn split(chars: &[char]) -> Vec<&[char]> {
    let mut out = Vec::new();
    let (mut start, mut at) = (0, 0);
    while at < chars.len() {
        if chars[at] == '|' {
            out.push(&chars[start..at]);
            start = at + 1;
        }
        at = behind(chars, at);
    }
    out.push(&chars[start..]);
    out
}

/// Where the atom ends that begins at a place: a group, a class, an escape or a character.
fn behind(chars: &[char], at: usize) -> usize {
    match chars[at] {
        '\\' => (at + 2).min(chars.len()),
        '[' => class_end(chars, at),
        '(' => {
            let mut depth = 0_usize;
            let mut at = at;
            while at < chars.len() {
                match chars[at] {
                    '\\' => at += 1,
                    '[' => at = class_end(chars, at) - 1,
                    '(' => depth += 1,
                    ')' => {
                        depth -= 1;
                        if depth == 0 {
                            return at + 1;
                        }
                    }
                    _ => {}
                }
                at += 1;
            }
            chars.len()
        }
        _ => at + 1,
    }
}

fn class_end(chars: &[char], at: usize) -> usize {
    let mut end = at + 1;
    // A bracket that comes first is a character of the class.
    if chars.get(end) == Some(&'^') {
        end += 1;
    }
    if chars.get(end) == Some(&']') {
        end += 1;
    }
    while let Some(c) = chars.get(end) {
        match c {
            '\\' => end += 1,
            ']' => return end + 1,
            _ => {}
        }
        end += 1;
    }
    chars.len()
}

/// Whether what stands at a place makes optional what stands before it, and where it ends.
fn quantifier(chars: &[char], at: usize) -> (bool, usize) {
    let (optional, mut end) = match chars.get(at) {
        Some('?' | '*') => (true, at + 1),
        Some('+') => (false, at + 1),
        Some('{') => {
            let length = chars[at..].iter().position(|c| *c == '}');
            let counts = |inner: &[char]| {
                !inner.is_empty() && inner.iter().all(|c| c.is_ascii_digit() || *c == ',')
            };
            match length.filter(|length| counts(&chars[at + 1..at + length])) {
                Some(length) => (chars.get(at + 1) == Some(&'0'), at + length + 1),
                None => return (false, at),
            }
        }
        _ => return (false, at),
    };
    if matches!(chars.get(end), Some('?' | '+')) {
        end += 1;
    }
    (optional, end)
}

/// Whether a quantifier lets what stands before it be there more than once.
fn repeats(quantifier: &[char]) -> bool {
    matches!(quantifier.first(), Some('*' | '+' | '{'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_parameters_and_what_is_optional_is_left_out() {
        let names = ["user".to_owned(), "rest".to_owned()];
        let cases: &[(&str, &[&str])] = &[
            (r"/login", &["/login"]),
            (r"^/items/?$", &["/items"]),
            (r"/users/([^/]+)$", &["/users/{user}"]),
            (r"/users/(?P<id>\d+)/(?P<tail>.*)", &[r"/users/{id:\d+}/{tail:.*}"]),
            (r"/(pdf|html)/(\d{4})", &["/{user:pdf|html}/{rest}"]),
            (r"/cookie/([^/]+)(?:/([^/]+))?", &["/cookie/{user}/{rest}"]),
            (r"/user/(?P<name>[^/]+)(?P<path>/.*)?", &["/user/{name}/{path:.*}"]),
            (r"/report\.(?:json)?", &["/report."]),
            (r"/(?:a|b)/c", &["/a/c", "/b/c"]),
            (r"/a|/b", &["/a", "/b"]),
            (r"(?!/hub/).*", &["{*:(?!/hub/).*}"]),
            (r"/(.)/(.)/(.)", &["/{user:.}/{rest:.}/{arg3:.}"]),
            (r"/v[0-9]+/x", &["/v{}/x"]),
            (r"(?i)/a[.]txt", &["/a.txt"]),
            (r"/a(", &["/a("]),
            (r"/[", &["/["]),
        ];
        for (regex, expected) in cases {
            assert_eq!(paths(regex, &names), *expected, "{regex}");
        }
    }
}
