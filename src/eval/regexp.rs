//! Regular expressions of scripts, and what they do to texts that are known.

use std::cell::OnceCell;
use std::rc::Rc;

use regex::{Regex, RegexBuilder};
use smol_str::SmolStr;

use super::text::{Part, Text};
use super::value::{Args, MAX_ITEMS, Value};

/// The most memory that a compiled expression takes.
const MAX_SIZE: usize = 256 * 1024;
/// The most bytes that a replacement adds.
const MAX_GROWTH: usize = 256 * 1024;

/// A regular expression.
#[derive(Debug)]
pub struct Regexp {
    source: SmolStr,
    flags: SmolStr,
    compiled: OnceCell<Option<Regex>>,
}

impl Regexp {
    /// The expression of a source and flags.
    #[must_use]
    pub fn of(source: &str, flags: &str) -> Self {
        Self { source: source.into(), flags: flags.into(), compiled: OnceCell::new() }
    }

    /// The expression that is written as `/source/flags`.
    #[must_use]
    pub fn written(literal: &str) -> Self {
        let inner = literal.strip_prefix('/').unwrap_or(literal);
        let (source, flags) = inner.rsplit_once('/').unwrap_or((inner, ""));
        Self::of(source, flags)
    }

    /// Its source, without slashes.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Its flags.
    #[must_use]
    pub fn flags(&self) -> &str {
        &self.flags
    }

    /// It as other languages write it, with its flags.
    #[must_use]
    pub fn expression(&self) -> String {
        let source = self.source.replace("\\/", "/");
        let flags: String = self.flags.chars().filter(|flag| "ims".contains(*flag)).collect();
        if flags.is_empty() { source } else { format!("(?{flags}){source}") }
    }

    /// `None` where it uses what only scripts have, such as a look ahead.
    fn compiled(&self) -> Option<&Regex> {
        let compile = || {
            // An escaped slash is a slash.
            let source = self.source.replace("\\/", "/");
            RegexBuilder::new(&source)
                .case_insensitive(self.flags.contains('i'))
                .multi_line(self.flags.contains('m'))
                .dot_matches_new_line(self.flags.contains('s'))
                .size_limit(MAX_SIZE)
                .build()
                .ok()
        };
        self.compiled.get_or_init(compile).as_ref()
    }

    /// Whether it fits somewhere in a text; `None` when that is not known.
    #[must_use]
    pub fn fits(&self, text: &str) -> Option<bool> {
        match self.compiled() {
            Some(regex) => Some(regex.is_match(text)),
            None => self.looks_ahead(text),
        }
    }

    /// A text with what fits first in it replaced, where `$1` and `$name` stand for groups; `None`
    /// where nothing fits, or that is not known.
    #[must_use]
    pub fn replaced(&self, text: &str, to: &str) -> Option<String> {
        let compiled = self.compiled()?;
        let is_small = to.matches('$').count().saturating_mul(text.len()) <= MAX_GROWTH;
        (is_small && compiled.is_match(text))
            .then(|| compiled.replacen(text, 1, braced(to).as_str()).into_owned())
    }

    /// As [`Regexp::fits`], of a text with holes too: what stands before the first of them may
    /// tell.
    #[must_use]
    pub fn fits_in(&self, text: &Text) -> Option<bool> {
        if let Some(text) = text.as_literal() {
            return self.fits(text);
        }
        let [Part::Literal(known), ..] = text.parts() else { return None };
        let source = self.source.strip_prefix('^')?;
        let fixed = fixed_beginning(source)?;
        let ignores_case = self.flags.contains('i');
        let starts = |text: &str, with: &str| match text.get(..with.len()) {
            Some(start) if ignores_case => start.eq_ignore_ascii_case(with),
            Some(start) => start == with,
            None => false,
        };
        if known.len() < fixed.0.len() {
            return (!starts(&fixed.0, known)).then_some(false);
        }
        match starts(known, &fixed.0) {
            true => fixed.1.then_some(true),
            false => Some(false),
        }
    }

    /// As [`Regexp::fits`], of an expression with one look ahead behind a beginning that is fixed:
    /// what is ahead then begins at one place only.
    fn looks_ahead(&self, text: &str) -> Option<bool> {
        let at = self.source.find("(?!").or_else(|| self.source.find("(?="))?;
        let (before, rest) = self.source.split_at(at);
        let is_fixed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '-' | '_');
        let plain = before.strip_prefix('^')?.replace("\\/", "/");
        let end = group_end(rest)?;
        let (ahead, behind) = (&rest[3..end], &rest[end + 1..]);
        if !plain.chars().all(is_fixed) || has_alternatives(behind) {
            return None;
        }
        let part = |rest: &str| Self::of(&format!("^{plain}{rest}"), &self.flags);
        let whole = part(behind).compiled()?.is_match(text);
        let begins = part(&format!("(?:{ahead})")).compiled()?.is_match(text);
        Some(whole && begins == rest.starts_with("(?="))
    }

    /// What it and its groups fit in a text, as `match` and `exec` give it.
    fn groups<'p>(&self, text: &str) -> Option<Value<'p>> {
        let found = self.compiled()?.captures(text);
        Some(found.map_or(Value::None, |groups| {
            let group = |at| groups.get(at).map_or(Value::None, |it| Value::text(it.as_str()));
            Value::list((0..groups.len()).map(group).collect())
        }))
    }
}

/// What every text begins with that fits an expression behind `^`, and whether that is all that
/// the expression asks for. `None` where it has alternatives.
fn fixed_beginning(source: &str) -> Option<(String, bool)> {
    let mut out = String::new();
    let mut chars = source.chars().peekable();
    while let Some(c) = chars.next() {
        let literal = match c {
            '\\' => chars.next().filter(|c| !c.is_ascii_alphanumeric()),
            c => Some(c).filter(|c| !"^$.|?*+()[]{}".contains(*c)),
        };
        let Some(literal) = literal else {
            return (!has_alternatives(source)).then_some((out, false));
        };
        // What may be missing is not fixed.
        if matches!(chars.peek(), Some('?' | '*' | '{')) {
            return (!has_alternatives(source)).then_some((out, false));
        }
        out.push(literal);
    }
    Some((out, true))
}

/// Where the group ends that an expression begins with.
fn group_end(source: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut escaped = false;
    for (at, c) in source.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            // A bracket within a class would have to be told from others.
            '[' => return None,
            '(' => depth += 1,
            ')' if depth == 1 => return Some(at),
            ')' => depth = depth.checked_sub(1)?,
            _ => {}
        }
    }
    None
}

/// Whether an expression may have alternatives outside of its groups.
fn has_alternatives(source: &str) -> bool {
    let mut depth = 0_i32;
    source.chars().any(|c| {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        c == '|' && depth <= 0
    })
}

/// `regexp.test(text)` and its kin.
#[must_use]
pub fn method<'p>(regexp: &Regexp, method: &str, args: &Args<'p>) -> Value<'p> {
    let text = args.positional.first().and_then(Value::as_str);
    let known = match (method, args.positional.first()) {
        ("test", Some(Value::Text(text))) => regexp.fits_in(text).map(Value::Bool),
        ("test", Some(Value::Choice(texts))) => {
            let fits = |text: &Value<'p>| match text {
                Value::Text(text) => regexp.fits_in(text).map_or(Value::Unknown, Value::Bool),
                _ => Value::Unknown,
            };
            Some(Value::choice(texts.iter().map(fits).collect()))
        }
        ("exec", _) => text.and_then(|text| regexp.groups(text)),
        _ => None,
    };
    known.unwrap_or_default()
}

/// `text.replace(regexp, …)` and its kin.
#[must_use]
pub fn text_method<'p>(
    text: &Rc<Text>,
    method: &str,
    regexp: &Regexp,
    args: &Args<'p>,
) -> Value<'p> {
    let literal = text.as_literal();
    let is_global = regexp.flags.contains('g');
    let known = match method {
        "match" if is_global => literal.and_then(|text| {
            let all = regexp.compiled()?.find_iter(text).take(MAX_ITEMS);
            Some(Value::list(all.map(|found| Value::text(found.as_str())).collect()))
        }),
        "match" => match literal {
            Some(text) => regexp.groups(text),
            None => (regexp.fits_in(text) == Some(false)).then_some(Value::None),
        },
        "search" => None,
        "split" => literal.and_then(|text| {
            let parts = regexp.compiled()?.split(text).take(MAX_ITEMS);
            Some(Value::list(parts.map(Value::text).collect()))
        }),
        "replace" | "replaceAll" => replaced(text, regexp, args, is_global),
        _ => None,
    };
    known.unwrap_or_default()
}

/// What is replaced in a text with holes is what is known of it, unless an end is meant.
fn replaced<'p>(
    text: &Text,
    regexp: &Regexp,
    args: &Args<'p>,
    is_global: bool,
) -> Option<Value<'p>> {
    let to = args.positional.get(1)?;
    let Some(to) = to.as_str() else { return filled(text, regexp) };
    // `$1` of a script is `${1}` here.
    let to = to.replace("$&", "$0");
    let compiled = regexp.compiled()?;
    let limit = usize::from(!is_global);
    if text.has_hole() && (!is_global || regexp.source.contains(['^', '$'])) {
        return None;
    }
    let matches = text.parts().iter().map(|part| match part {
        Part::Literal(text) => compiled.find_iter(text).count(),
        Part::Hole(_) => 0,
    });
    let each = to.len() + to.matches('$').count().saturating_mul(text.len());
    if matches.sum::<usize>().saturating_mul(each) > MAX_GROWTH {
        return None;
    }
    let change = |part: &str| compiled.replacen(part, limit, braced(&to).as_str()).into_owned();
    Some(Value::Text(Rc::new(text.map_literals(change))))
}

/// A known text with something unknown where an expression fits.
fn filled<'p>(text: &Text, regexp: &Regexp) -> Option<Value<'p>> {
    let literal = text.as_literal()?;
    let mut out = Text::default();
    let mut at = 0;
    for found in regexp.compiled()?.find_iter(literal).take(MAX_ITEMS) {
        out.push_literal(&literal[at..found.start()]);
        out.push_hole("");
        at = found.end();
        if !regexp.flags.contains('g') {
            break;
        }
    }
    out.push_literal(&literal[at..]);
    let marked = text.env().iter().fold(out, |out, variable| out.from_env(variable));
    Some(Value::Text(Rc::new(marked)))
}

/// `$1x` means the first group and an `x`.
fn braced(to: &str) -> String {
    let mut out = String::with_capacity(to.len());
    let mut chars = to.chars().peekable();
    while let Some(c) = chars.next() {
        out.push(c);
        if c == '$' && chars.peek().is_some_and(char::is_ascii_digit) {
            out.push('{');
            while let Some(digit) = chars.next_if(char::is_ascii_digit) {
                out.push(digit);
            }
            out.push('}');
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(method: &str, text: &str, regexp: &str, to: &str) -> String {
        let args = Args::of(vec![Value::None, Value::text(to)]);
        let text = Rc::new(Text::literal(text));
        text_method(&text, method, &Regexp::written(regexp), &args).to_text().to_string()
    }

    #[test]
    fn a_known_text_is_replaced_in() {
        assert_eq!(text("replace", "users.route.ts", r"/\.route\.[jt]s$/", ""), "users");
        assert_eq!(text("replace", "/api//x", r"/\/+/g", "/"), "/api/x");
        assert_eq!(text("replace", "a-b-c", "/-(b)/", "+$1x"), "a+bx-c");
        assert_eq!(text("replace", "a", "/(?!a)b/", ""), "{}");
    }

    #[test]
    fn a_known_text_fits_or_not() {
        let fits = |regexp: &str, text: &str| Regexp::written(regexp).fits(text);
        assert_eq!(fits(r"/^\/api\/v\d+/i", "/API/v1/x"), Some(true));
        assert_eq!(fits(r"/\.js$/", "a.ts"), Some(false));
        assert_eq!(fits("/a(?=b)/", "ab"), None);
        assert_eq!(fits(r"/^\/(?!api|admin).*$/", "/apis"), Some(false));
        assert_eq!(fits(r"/^\/(?!api|admin).*$/", "/"), Some(true));
        assert_eq!(fits(r"/^\/(?=v1)v\d$/", "/v2"), Some(false));
        assert_eq!(fits(r"/^(?!a)b|c/", "c"), None);
    }

    #[test]
    fn what_stands_before_a_hole_may_tell() {
        let mut text = Text::literal("/ops/");
        text.push_hole("id");
        let fits = |regexp: &str| Regexp::written(regexp).fits_in(&text);
        assert_eq!(fits(r"/^\/ops/"), Some(true));
        assert_eq!(fits(r"/^\/probe/"), Some(false));
        assert_eq!(fits(r"/^\/ops\/live$/"), None);
        assert_eq!(fits(r"/^\/apps?\//"), Some(false));
        assert_eq!(fits(r"/^\/a|ops/"), None);
        assert_eq!(fits("/ops/"), None);
    }
}
