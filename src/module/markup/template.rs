//! Template syntax in markup and in the scripts inside it: Jinja, Django, Handlebars, Mustache,
//! Angular, Vue, EJS and Go templates. It is masked by characters that the grammars read over,
//! byte for byte, so that every offset stays true; what it stood for is kept beside.

use smol_str::SmolStr;

use super::expression;
use crate::module::{Comment, Expr, Span};
use crate::source::LineIndex;

/// A place that was masked.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::module) struct Mask {
    /// Offset of the first byte.
    pub(in crate::module) start: u32,
    /// Offset behind the last byte.
    pub(in crate::module) end: u32,
    /// The expression whose value appears there; `None` where nothing does.
    pub(in crate::module) hole: Option<Expr>,
}

/// Which template syntax a file may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// That of any server, everywhere in the file.
    Html,
    /// `{{ x }}`, outside of scripts and styles.
    Vue,
    /// `{x}`, outside of scripts and styles.
    Svelte,
}

/// A text with its template syntax masked.
pub(super) struct Masked {
    pub(super) text: String,
    /// In order, without overlaps.
    pub(super) masks: Vec<Mask>,
    /// The comments of the template language.
    pub(super) comments: Vec<Comment>,
}

/// An expression longer than this is no template's, in bytes.
const LONGEST_EXPRESSION: usize = 4_096;

/// Deepest brackets of an expression. It bounds the look-ahead from brackets that never close.
const DEEPEST_EXPRESSION: usize = 32;

/// Masks a text.
pub(super) fn mask(text: &str, dialect: Dialect, lines: &LineIndex) -> Masked {
    let masked = Masked { text: text.to_owned(), masks: Vec::new(), comments: Vec::new() };
    if text.len() > u32::MAX as usize {
        return masked;
    }
    let mut scanner =
        Scanner { text, bytes: text.as_bytes().to_vec(), lines, masked, absent: Vec::new() };
    match dialect {
        Dialect::Html => scanner.server(0, text.len()),
        Dialect::Vue => scanner.outside_scripts(Scanner::server),
        Dialect::Svelte => scanner.outside_scripts(Scanner::braces),
    }
    let Scanner { bytes, mut masked, .. } = scanner;
    // Only whole characters were replaced, by ASCII.
    if let Ok(text) = String::from_utf8(bytes) {
        masked.text = text;
    } else {
        masked.masks.clear();
    }
    masked
}

/// How much of a place is left visible.
enum Shown {
    /// A name of the same length.
    Hole(Expr),
    /// Nothing.
    Blank,
    /// Nothing, and it is a comment that says this.
    Comment(SmolStr),
}

struct Scanner<'s> {
    text: &'s str,
    bytes: Vec<u8>,
    lines: &'s LineIndex,
    masked: Masked,
    /// Closing marks that do not stand in the rest of the stretch.
    absent: Vec<&'static str>,
}

impl<'s> Scanner<'s> {
    /// Runs a scan over each stretch of the file that is neither script nor style.
    fn outside_scripts(&mut self, scan: fn(&mut Self, usize, usize)) {
        let lower = self.text.to_ascii_lowercase();
        let mut from = 0;
        for (begin, _) in lower.match_indices("<s") {
            let close = match &lower[begin..] {
                rest if begin < from || rest.is_empty() => continue,
                rest if rest.starts_with("<script") => "</script",
                rest if rest.starts_with("<style") => "</style",
                _ => continue,
            };
            scan(self, from, begin);
            let end = lower[begin..].find(close);
            from = end.map_or(lower.len(), |end| begin + end + close.len());
        }
        scan(self, from, lower.len());
    }

    /// Masks `{{ }}`, `{% %}`, `{# #}`, `<% %>` between two offsets.
    fn server(&mut self, from: usize, to: usize) {
        self.absent.clear();
        let mut at = from;
        while let Some(step) = self.text[at..to].find(['{', '<']) {
            at += step;
            let rest = &self.text[at..to];
            let end = if rest.starts_with("{{") {
                self.mustache(at, rest)
            } else if rest.starts_with("{%") {
                self.tag(at, rest)
            } else if let Some(inner) = rest.strip_prefix("{#") {
                self.find(inner, "#}").map(|end| {
                    let text = SmolStr::new(inner[..end].trim_matches('-').trim());
                    self.put(at, at + end + 4, Shown::Comment(text))
                })
            } else if rest.starts_with("<%") {
                self.percent(at, rest)
            } else {
                None
            };
            at = end.unwrap_or(at + 1);
        }
    }

    /// Where a closing mark stands. One that was missing once is missing for good, and looking
    /// again from every opening mark would take quadratic time.
    fn find(&mut self, text: &str, close: &'static str) -> Option<usize> {
        if self.absent.contains(&close) {
            return None;
        }
        let found = text.find(close);
        if found.is_none() {
            self.absent.push(close);
        }
        found
    }

    /// `{{ x }}` and what Handlebars and Go make of it.
    fn mustache(&mut self, at: usize, rest: &str) -> Option<usize> {
        if let Some(inner) = rest.strip_prefix("{{!--") {
            let end = self.find(inner, "--}}")?;
            let text = SmolStr::new(inner[..end].trim());
            return Some(self.put(at, at + 5 + end + 4, Shown::Comment(text)));
        }
        let braces = if rest.starts_with("{{{") { 3 } else { 2 };
        let inner = &rest[braces..];
        let end = expression_end(inner, &"}}}"[..braces])?;
        let whole = at + braces + end + braces;
        let inner = inner[..end].trim_matches(['-', '~']).trim();
        let word = inner.split([' ', '\t', '\n', '(']).next().unwrap_or_default();
        let shown = match inner.chars().next() {
            None | Some('#' | '/' | '^' | '>') => Shown::Blank,
            Some('!') if !inner.starts_with("!=") && word.len() == 1 => {
                Shown::Comment(SmolStr::new(inner[1..].trim()))
            }
            _ if matches!(
                word,
                "if" | "else" | "end" | "range" | "with" | "define" | "template" | "block"
            ) =>
            {
                Shown::Blank
            }
            _ => Shown::Hole(expression::parse(inner, self.span(at, whole))),
        };
        Some(self.put(at, whole, shown))
    }

    /// `{% tag %}`.
    fn tag(&mut self, at: usize, rest: &str) -> Option<usize> {
        let end = expression_end(&rest[2..], "%}")?;
        let whole = at + end + 4;
        let inner = rest[2..end + 2].trim_matches(['-', '+']).trim();
        let word = inner.split_whitespace().next().unwrap_or_default();
        if word == "comment" {
            let behind = &rest[end + 4..];
            let stop = self.find(behind, "endcomment").and_then(|from| {
                let close = self.find(&behind[from..], "%}")?;
                Some((behind[..from].rfind("{%").unwrap_or(from), from + close + 2))
            });
            if stop.is_none() {
                self.absent.push("endcomment");
            }
            if let Some((text_end, stop)) = stop {
                let text = SmolStr::new(behind[..text_end].trim());
                return Some(self.put(at, whole + stop, Shown::Comment(text)));
            }
        }
        let is_shown = matches!(
            word,
            "url"
                | "static"
                | "get_static_prefix"
                | "get_media_prefix"
                | "media"
                | "trans"
                | "translate"
                | "csrf_token"
                | "now"
                | "cycle"
                | "firstof"
                | "widthratio"
        );
        let shown = if is_shown {
            Shown::Hole(expression::parse_tag(inner, self.span(at, whole)))
        } else {
            Shown::Blank
        };
        Some(self.put(at, whole, shown))
    }

    /// `<%= x %>`, `<% code %>`, `<%# comment %>`.
    fn percent(&mut self, at: usize, rest: &str) -> Option<usize> {
        let end = self.find(rest, "%>")?;
        let inner = &rest[2..end];
        let whole = at + end + 2;
        let shown = match inner.chars().next() {
            Some('#') => Shown::Comment(SmolStr::new(inner[1..].trim())),
            Some('-') if inner.starts_with("--") => {
                Shown::Comment(SmolStr::new(inner.trim_matches('-').trim()))
            }
            Some('=' | '-') => {
                let inner = inner[1..].trim_end_matches(['-', '_']).trim();
                Shown::Hole(expression::parse(inner, self.span(at, whole)))
            }
            _ => Shown::Blank,
        };
        Some(self.put(at, whole, shown))
    }

    /// `{x}`, `{#if x}`, `{@html x}` of Svelte.
    fn braces(&mut self, from: usize, to: usize) {
        let mut at = from;
        while let Some(step) = self.text[at..to].find('{') {
            at += step;
            let Some(end) = expression_end(&self.text[at + 1..to], "}") else {
                at += 1;
                continue;
            };
            let inner = self.text[at + 1..at + 1 + end].trim();
            let whole = at + end + 2;
            let shown = if inner.starts_with(['#', ':', '/']) || inner.is_empty() {
                Shown::Blank
            } else {
                let inner = inner.trim_start_matches("@html").trim();
                Shown::Hole(expression::parse(inner, self.span(at, whole)))
            };
            at = self.put(at, whole, shown);
        }
    }

    fn put(&mut self, start: usize, end: usize, shown: Shown) -> usize {
        let span = self.span(start, end);
        let fill = if matches!(shown, Shown::Hole(_)) { b'_' } else { b' ' };
        let mut in_first_line = true;
        for byte in &mut self.bytes[start..end] {
            // Line breaks stay, so that lines stay true as well; a name cannot hold one and
            // therefore ends there.
            if matches!(*byte, b'\n' | b'\r') {
                in_first_line = false;
            } else {
                *byte = if in_first_line { fill } else { b' ' };
            }
        }
        let hole = match shown {
            Shown::Hole(expr) => Some(expr),
            Shown::Blank => None,
            Shown::Comment(text) => {
                self.masked.comments.push(Comment { span, text, doc: false });
                None
            }
        };
        self.masked.masks.push(Mask { start: span.start, end: span.end, hole });
        end
    }

    fn span(&self, start: usize, end: usize) -> Span {
        let start = u32::try_from(start).unwrap_or(u32::MAX);
        let end = u32::try_from(end).unwrap_or(u32::MAX);
        Span { start, end, line: self.lines.line_of(start) }
    }
}

/// Where an expression ends: at `close`, outside of quotes and inner brackets. Code that only
/// looks like template syntax, such as `{{` in a minified script, has none.
fn expression_end(text: &str, close: &str) -> Option<usize> {
    let mut open = 0_usize;
    let mut quote = None;
    let mut previous = b' ';
    for (at, byte) in text.bytes().enumerate().take(LONGEST_EXPRESSION) {
        match (quote, byte) {
            (Some(mark), _) if mark == byte => quote = None,
            (Some(_), b'\n') => quote = None,
            (Some(_), _) => {}
            (None, b'"' | b'`') => quote = Some(byte),
            // An apostrophe inside a word opens nothing.
            (None, b'\'') if !previous.is_ascii_alphanumeric() => quote = Some(byte),
            (None, _) if open == 0 && text.as_bytes()[at..].starts_with(close.as_bytes()) => {
                return Some(at);
            }
            // No expression opens two braces at once.
            (None, b'{') if matches!(text.as_bytes().get(at + 1), Some(b'{' | b'%')) => {
                return None;
            }
            (None, b'{' | b'(' | b'[') => {
                open += 1;
                if open > DEEPEST_EXPRESSION {
                    return None;
                }
            }
            (None, b'}' | b')' | b']') => open = open.saturating_sub(1),
            (None, b';') if open == 0 && close != "}" => return None,
            _ => {}
        }
        previous = byte;
    }
    None
}
