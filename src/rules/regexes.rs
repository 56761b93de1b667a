//! Regular expressions and globs of rules, compiled within limits (HOSTILE.md 2g).

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use regex::{Captures, Regex, RegexBuilder};

use super::error::RuleError;
use super::spec::Patterns;

/// Largest compiled program, and largest cache of the lazy automaton, in bytes.
pub const PROGRAM_BYTES: usize = 1024 * 1024;
/// Deepest nesting of groups.
pub const NEST_LIMIT: u32 = 64;
/// How much two windows of a long text share, at most, in bytes.
const OVERLAP: usize = 1024;

/// The alternatives of a pattern list as one expression.
#[derive(Debug, Clone)]
pub struct Regexes {
    joined: Regex,
}

impl PartialEq for Regexes {
    fn eq(&self, other: &Self) -> bool {
        self.joined.as_str() == other.joined.as_str()
    }
}

impl Regexes {
    /// Compiles a list.
    ///
    /// # Errors
    /// When an alternative is no regular expression, or the program exceeds [`PROGRAM_BYTES`].
    pub fn compile(path: &str, patterns: &Patterns) -> Result<Self, RuleError> {
        let fail = |problem: String, help: Option<&str>| RuleError {
            path: path.to_owned(),
            place: patterns.place,
            problem,
            help: help.map(str::to_owned),
        };
        let build = |pattern: &str| {
            RegexBuilder::new(pattern)
                .size_limit(PROGRAM_BYTES)
                .dfa_size_limit(PROGRAM_BYTES)
                .nest_limit(NEST_LIMIT)
                .build()
        };
        let say = |pattern: &str, error: regex::Error| match error {
            regex::Error::CompiledTooBig(_) => fail(
                format!("`{}` compiles to more than 1 MiB", super::message::shorten(pattern)),
                Some(
                    "lower its counts, or write `(?-u)` before it: Unicode classes such as \\w and (?i) are large",
                ),
            ),
            error => {
                let text = error.to_string();
                let reason = text
                    .lines()
                    .last()
                    .unwrap_or_default()
                    .trim_start_matches("error: ")
                    .to_owned();
                fail(
                    format!(
                        "`{}` is no regular expression: {reason}",
                        super::message::shorten(pattern)
                    ),
                    None,
                )
            }
        };
        let joined = match patterns.items.as_slice() {
            [one] => build(one).map_err(|error| say(one, error))?,
            many => {
                let alternatives: Vec<String> =
                    many.iter().map(|item| format!("(?:{item})")).collect();
                match build(&alternatives.join("|")) {
                    Ok(joined) => joined,
                    Err(whole) => {
                        for item in many {
                            build(item).map_err(|error| say(item, error))?;
                        }
                        return Err(say("the list", whole));
                    }
                }
            }
        };
        Ok(Self { joined })
    }

    /// Whether any alternative matches.
    #[must_use]
    pub fn is_match(&self, text: &str, window: usize) -> bool {
        windows(text, window).any(|(_, part)| self.joined.is_match(part))
    }

    /// The first match: its offset in the text and its groups.
    #[must_use]
    pub fn find<'t>(&self, text: &'t str, window: usize) -> Option<Found<'t>> {
        windows(text, window).find_map(|(offset, part)| {
            // Searching without groups is several times faster, and most searches fail.
            let place = self.joined.find(part)?;
            let captures = self.joined.captures_at(part, place.start())?;
            let whole = captures.get(0)?;
            Some(Found {
                start: offset + whole.start(),
                end: offset + whole.end(),
                names: self.joined.capture_names().flatten().map(str::to_owned).collect(),
                captures,
            })
        })
    }
}

/// A match.
pub struct Found<'t> {
    /// Offset of its first byte in the text.
    pub start: usize,
    /// Offset behind its last byte.
    pub end: usize,
    names: Vec<String>,
    captures: Captures<'t>,
}

impl<'t> Found<'t> {
    /// The first group that took part, else the whole match.
    #[must_use]
    pub fn text(&self) -> &'t str {
        let group = self.captures.iter().skip(1).flatten().next().or_else(|| self.captures.get(0));
        group.map_or("", |group| group.as_str())
    }

    /// The named groups that took part.
    #[must_use]
    pub fn named(&self) -> Vec<(String, String)> {
        let value = |name: &String| self.captures.name(name).map(|group| group.as_str().to_owned());
        self.names.iter().filter_map(|name| Some((name.clone(), value(name)?))).collect()
    }
}

/// Cuts a text into overlapping pieces of at most `size` bytes: searching is quadratic in the
/// length for some expressions.
pub fn windows(text: &str, size: usize) -> impl Iterator<Item = (usize, &str)> {
    let size = size.max(16);
    let step = size - OVERLAP.min(size / 4);
    let boundary = move |at: usize| {
        (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
    };
    let mut next = Some(0);
    std::iter::from_fn(move || {
        let start = next?;
        let end = boundary(start + size);
        next = (end < text.len()).then(|| boundary(start + step));
        Some((start, &text[start..end]))
    })
}

/// Compiles path globs. A glob without a slash means a file's name, wherever it lies.
///
/// # Errors
/// When one is no glob.
pub fn globs(path: &str, patterns: &Patterns) -> Result<GlobSet, RuleError> {
    let fail = |problem: String| RuleError {
        path: path.to_owned(),
        place: patterns.place,
        problem,
        help: Some("write globs such as `**/settings/*.py`".to_owned()),
    };
    let mut set = GlobSetBuilder::new();
    for item in &patterns.items {
        let anywhere = if item.contains('/') { item.clone() } else { format!("**/{item}") };
        let glob = GlobBuilder::new(&anywhere)
            .literal_separator(true)
            .build()
            .map_err(|error| fail(format!("`{item}` is no glob: {}", error.kind())))?;
        set.add(glob);
    }
    set.build().map_err(|error| fail(format!("the globs cannot be compiled: {}", error.kind())))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::rules::error::Place;

    fn compile(items: &[&str]) -> Result<Regexes, RuleError> {
        let items = items.iter().map(|item| (*item).to_owned()).collect();
        Regexes::compile("x/y.toml", &Patterns { items, place: Place::line(7) })
    }

    #[test]
    fn the_match_is_the_first_group_that_took_part() {
        let regexes = compile(&["a(b)c", "x(?<tail>y.)"]).unwrap();
        assert_eq!(regexes.find("abc", 100).unwrap().text(), "b");
        let found = regexes.find("..xyz", 100).unwrap();
        assert_eq!((found.text(), found.start), ("yz", 2));
        assert_eq!(found.named(), [("tail".to_owned(), "yz".to_owned())]);
    }

    #[test]
    fn errors_name_line_and_remedy() {
        let error = compile(&["a", "("]).unwrap_err();
        assert_eq!(error.place.line, 7);
        assert!(
            error.problem.starts_with("`(` is no regular expression: unclosed group"),
            "{error}"
        );
        let error = compile(&[r"\w{100}"]).unwrap_err();
        assert!(error.to_string().contains("(?-u)"), "{error}");
    }

    #[test]
    fn windows_overlap_and_keep_characters_whole() {
        let text = "é".repeat(40);
        let parts: Vec<_> = windows(&text, 21).collect();
        assert_eq!(parts.first().unwrap().0, 0);
        assert!(parts.windows(2).all(|pair| pair[1].0 < pair[0].0 + pair[0].1.len()));
        let (start, last) = parts.last().unwrap();
        assert_eq!(start + last.len(), text.len());
        assert_eq!(windows("", 20).count(), 1);
        let long = format!("{}needle", "x".repeat(40_000));
        assert_eq!(compile(&["needle"]).unwrap().find(&long, 1000).unwrap().start, 40_000);
    }
}
