//! Lines of the source around a place, cut and masked.

use super::redact;
use crate::finding::{Excerpt, Location};
use crate::module::Span;
use crate::source::{LineIndex, Source};

/// Lines of context on either side.
const CONTEXT: u32 = 2;
/// Characters of a line that are shown.
pub const MAX_LINE: usize = 160;
/// Bytes before a place in which the beginning of a key is looked for.
const REACH: usize = 8 * 1024;

/// The place as readers name it.
#[must_use]
pub fn location(source: &Source, lines: &LineIndex, span: Span) -> Location {
    let (line, column) = lines.position(&source.text, span.start);
    let (end_line, end_column) = lines.position(&source.text, span.end.max(span.start));
    Location { path: source.path.clone(), line, column, end_line, end_column }
}

/// The first line of a place with two lines before and after.
#[must_use]
pub fn excerpt(source: &Source, lines: &LineIndex, location: &Location) -> Excerpt {
    let first = location.line.saturating_sub(CONTEXT).max(1);
    let last = location.line.saturating_add(CONTEXT).min(lines.len());
    let view = View::new(source, lines, first, last);
    let shown = (first..=last)
        .map(|line| view.line(line, if line == location.line { location.column } else { 1 }))
        .collect();
    Excerpt { first_line: first, lines: shown }
}

/// One line, cut around a column and masked.
#[must_use]
pub fn line_text(source: &Source, lines: &LineIndex, line: u32, column: u32) -> String {
    View::new(source, lines, line, line).line(line, column)
}

/// The secrets on the lines of a place as they stand in the source, for masking captures: a value
/// alone does not show that it is secret, the name beside it does.
#[must_use]
pub fn secrets_of_place<'s>(
    source: &'s Source,
    lines: &LineIndex,
    span: Span,
) -> Vec<(&'s str, usize)> {
    let last = lines.line_of(span.end.max(span.start));
    let start = offset_of(source, lines, span.line);
    let end = offset_of(source, lines, last) + lines.line(&source.text, last).len();
    let near = (span.start as usize).saturating_sub(REACH / 2).max(start);
    let start = boundary(&source.text, near);
    let end = boundary(&source.text, end.min(start.saturating_add(REACH)));
    let text = source.text.get(start..end).unwrap_or_default();
    redact::secrets(text)
        .into_iter()
        .filter_map(|(range, shown)| Some((text.get(range)?, shown)))
        .collect()
}

struct View<'s> {
    source: &'s Source,
    lines: &'s LineIndex,
    /// The part of the text that was searched for secrets.
    start: usize,
    text: &'s str,
    secrets: Vec<(std::ops::Range<usize>, usize)>,
}

impl<'s> View<'s> {
    fn new(source: &'s Source, lines: &'s LineIndex, first: u32, last: u32) -> Self {
        let text = &source.text;
        // A name and its value may stand on two lines.
        let start = offset_of(source, lines, first.saturating_sub(1).max(1));
        let end = offset_of(source, lines, last) + lines.line(text, last).len();
        // A very long line is shown in part, and searched in part.
        let end = boundary(text, end.min(start.saturating_add(16 * REACH)));
        let part = text.get(start..end).unwrap_or_default();
        let before =
            text.get(boundary(text, start.saturating_sub(REACH))..start).unwrap_or_default();
        let mut secrets = redact::secrets(part);
        if let Some(key) = redact::open_key(before, part) {
            secrets.retain(|(secret, _)| secret.start >= key.end);
            secrets.insert(0, (key, 0));
        }
        Self { source, lines, start, text: part, secrets }
    }

    fn line(&self, line: u32, column: u32) -> String {
        let whole = self.lines.line(&self.source.text, line);
        let offset = offset_of(self.source, self.lines, line);
        let window = cut(whole, column);
        let from = (offset + window.start).saturating_sub(self.start);
        let to = (offset + window.end).saturating_sub(self.start);
        if to > self.text.len() {
            // Not searched: rather nothing than a secret.
            return redact::MASK.to_owned();
        }
        let mut shown = redact::mask(self.text, from..to, &self.secrets).replace(['\n', '\r'], "");
        if window.start > 0 {
            shown.insert(0, '…');
        }
        if window.end < whole.len() {
            shown.push('…');
        }
        shown
    }
}

fn offset_of(source: &Source, lines: &LineIndex, line: u32) -> usize {
    let text = lines.line(&source.text, line);
    (text.as_ptr() as usize).saturating_sub(source.text.as_ptr() as usize).min(source.text.len())
}

fn boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

/// The bytes of at most [`MAX_LINE`] characters around a column.
fn cut(line: &str, column: u32) -> std::ops::Range<usize> {
    if line.len() <= MAX_LINE {
        return 0..line.len();
    }
    let column = (column as usize).saturating_sub(1);
    let first = column.saturating_sub(MAX_LINE / 4);
    let mut starts = line.char_indices().map(|(at, _)| at).skip(first);
    let start = starts.next().unwrap_or(0);
    let end = starts.nth(MAX_LINE - 1).unwrap_or(line.len());
    start..end
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Encoding, Language, Role};

    fn source(text: &str) -> Source {
        Source {
            path: "a.py".into(),
            language: Language::Python,
            role: Role::Production,
            text: text.into(),
            encoding: Encoding::Utf8,
        }
    }

    fn at(text: &str, needle: &str) -> Excerpt {
        let source = source(text);
        let lines = LineIndex::new(text);
        let start = u32::try_from(text.find(needle).unwrap_or(0)).unwrap_or(0);
        let span = Span { start, end: start + 1, line: lines.line_of(start) };
        excerpt(&source, &lines, &location(&source, &lines, span))
    }

    #[test]
    fn two_lines_either_side() {
        let excerpt = at("a\r\nb\nc\nd\ne\nf\n", "d");
        assert_eq!(excerpt.first_line, 2);
        assert_eq!(excerpt.lines, ["b", "c", "d", "e", "f"]);
        assert_eq!(at("only", "only").lines, ["only"]);
    }

    #[test]
    fn long_lines_are_cut_around_the_place() {
        let text = format!("{}é{}", "x".repeat(1000), "y".repeat(1000));
        let excerpt = at(&text, "é");
        assert!(excerpt.lines[0].contains("xé"), "{}", excerpt.lines[0]);
        assert_eq!(excerpt.lines[0].chars().count(), MAX_LINE + 2);
    }

    #[test]
    fn a_key_that_begins_above_is_masked() {
        let body = "MIIEowIBAAKCAQEA\n".repeat(12);
        let text = format!(
            "k = \"\"\"-----BEGIN PRIVATE KEY-----\n{body}-----END PRIVATE KEY-----\"\"\"\nmark = 1\n"
        );
        let excerpt = at(&text, "mark");
        assert!(!excerpt.lines.concat().contains("MIIE"), "{:?}", excerpt.lines);
        assert_eq!(excerpt.lines[excerpt.lines.len() - 2], "mark = 1");
    }
}
