//! Strings, templates, escapes, comment marks.

use smol_str::{SmolStr, SmolStrBuilder};

use super::{At, Kind, Lowering, offset};
use crate::module::{Expr, ExprKind, Span, TextPart};

impl<'t> Lowering<'t, '_> {
    /// A string. It is read from the source and not from its children, which only cut it at
    /// escapes.
    pub(super) fn string(&mut self, at: At<'t>) -> Expr {
        let span = self.span(at.node);
        let inner = unquoted(self.source(at.node));
        let start = span.start + u32::from(span.end > span.start);
        let mut parts = Vec::with_capacity(usize::from(!inner.is_empty()));
        self.push_text(inner, start, &mut parts);
        Expr { span, kind: ExprKind::Text(parts) }
    }

    /// The value of a JSX attribute, which has entities where other strings have escapes.
    pub(super) fn jsx_string(&mut self, at: At<'t>) -> Expr {
        let span = self.span(at.node);
        let inner = unquoted(self.source(at.node));
        let text = crate::module::markup::entities::decode(inner);
        Expr { span, kind: ExprKind::Text(vec![TextPart::Literal(text)]) }
    }

    /// A template literal.
    pub(super) fn template(&mut self, at: At<'t>) -> Expr {
        let span = self.span(at.node);
        let source = self.source(at.node);
        let mut parts = Vec::new();
        if !source.contains("${") {
            self.push_text(unquoted(source), span.start + 1, &mut parts);
            return Expr { span, kind: ExprKind::Text(parts) };
        }
        // The holes cut the literal; what lies between them is read from the source.
        let mut fixed = 1;
        let mut child = self.enter();
        while let Some(inner) = child {
            if inner.kind == Kind::TemplateSubstitution {
                let hole = self.span(inner.node);
                let (from, to) = (hole.start - span.start, hole.end - span.start);
                let text = source.get(fixed as usize..from as usize).unwrap_or_default();
                self.push_text(text, span.start + fixed, &mut parts);
                fixed = to;
                parts.push(TextPart::Hole(self.substitution(inner)));
            }
            child = self.next();
        }
        let text = source.get(fixed as usize..).unwrap_or_default();
        let text = text.strip_suffix('`').unwrap_or(text);
        self.push_text(text, span.start + fixed, &mut parts);
        Expr { span, kind: ExprKind::Text(parts) }
    }

    fn substitution(&mut self, at: At<'t>) -> Expr {
        let span = self.span(at.node);
        let mut inner = self.inner();
        match inner.len() {
            1 => inner.swap_remove(0),
            _ => Expr { span, kind: ExprKind::Other(inner) },
        }
    }

    /// Appends fixed characters that begin at `start` of the file: escapes are resolved, and
    /// template syntax that was masked becomes a hole again.
    fn push_text(&self, text: &str, start: u32, parts: &mut Vec<TextPart>) {
        if text.is_empty() {
            return;
        }
        let end = start.saturating_add(offset(text.len()));
        let first = self.masks.partition_point(|mask| mask.start < start);
        let masks = self.masks.get(first..).unwrap_or_default();
        if masks.first().is_none_or(|mask| mask.end > end) {
            parts.push(TextPart::Literal(unescape(text)));
            return;
        }
        let mut literal = String::new();
        let mut fixed = 0;
        for mask in masks.iter().take_while(|mask| mask.end <= end) {
            let (from, to) = ((mask.start - start) as usize, (mask.end - start) as usize);
            literal.push_str(text.get(fixed..from).unwrap_or_default());
            fixed = to;
            if let Some(hole) = &mask.hole {
                push_literal(&mut literal, parts);
                parts.push(TextPart::Hole(hole.clone()));
            }
        }
        literal.push_str(text.get(fixed..).unwrap_or_default());
        push_literal(&mut literal, parts);
    }

    /// The template expression that was masked exactly here.
    pub(super) fn hole_at(&self, span: Span) -> Option<Expr> {
        let masks = self.masks;
        let mask = masks.get(masks.partition_point(|mask| mask.start < span.start))?;
        if mask.start == span.start && mask.end >= span.end { mask.hole.clone() } else { None }
    }
}

fn push_literal(literal: &mut String, parts: &mut Vec<TextPart>) {
    if !literal.is_empty() {
        parts.push(TextPart::Literal(unescape(literal)));
        literal.clear();
    }
}

/// What stands between the quotes. A string that broken code leaves open has only the first.
fn unquoted(source: &str) -> &str {
    let mut chars = source.chars();
    let Some(quote) = chars.next() else { return source };
    if !matches!(quote, '"' | '\'' | '`') {
        return source;
    }
    let rest = chars.as_str();
    rest.strip_suffix(quote).unwrap_or(rest)
}

/// Resolves the escapes of a string or template literal (ECMA-262, section 12.9.4).
pub(super) fn unescape(text: &str) -> SmolStr {
    let Some(first) = text.find('\\') else { return SmolStr::new(text) };
    let mut out = String::with_capacity(text.len());
    let (plain, mut rest) = text.split_at(first);
    out.push_str(plain);
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = escape(&rest[at + 1..], &mut out);
    }
    out.push_str(rest);
    SmolStr::new(out)
}

/// Resolves the escape behind a backslash and returns what follows it.
fn escape<'a>(rest: &'a str, out: &mut String) -> &'a str {
    let mut chars = rest.chars();
    let Some(first) = chars.next() else { return rest };
    let rest = chars.as_str();
    match first {
        'n' => out.push('\n'),
        't' => out.push('\t'),
        'r' => out.push('\r'),
        'b' => out.push('\u{8}'),
        'f' => out.push('\u{c}'),
        'v' => out.push('\u{b}'),
        '0'..='7' => {
            let digits =
                1 + rest.bytes().take(2).take_while(|byte| (b'0'..b'8').contains(byte)).count();
            let value = std::iter::once(first)
                .chain(rest.chars())
                .take(digits)
                .filter_map(|digit| digit.to_digit(8))
                .fold(0, |value, digit| value * 8 + digit);
            out.extend(char::from_u32(value));
            return &rest[digits - 1..];
        }
        'x' => return hex(rest, 2, out),
        'u' => return unicode(rest, out),
        '\r' => return rest.strip_prefix('\n').unwrap_or(rest),
        '\n' | '\u{2028}' | '\u{2029}' => {}
        other => out.push(other),
    }
    rest
}

fn hex<'a>(rest: &'a str, digits: usize, out: &mut String) -> &'a str {
    match rest.get(..digits).and_then(|text| u32::from_str_radix(text, 16).ok()) {
        Some(value) => {
            out.push(char::from_u32(value).unwrap_or(char::REPLACEMENT_CHARACTER));
            &rest[digits..]
        }
        None => rest,
    }
}

fn unicode<'a>(rest: &'a str, out: &mut String) -> &'a str {
    if let Some((digits, behind)) = rest.strip_prefix('{').and_then(|text| text.split_once('}')) {
        let value = u32::from_str_radix(digits, 16).ok().and_then(char::from_u32);
        out.push(value.unwrap_or(char::REPLACEMENT_CHARACTER));
        return behind;
    }
    let unit = |text: &str| text.get(..4).and_then(|digits| u16::from_str_radix(digits, 16).ok());
    let Some(high) = unit(rest) else { return rest };
    let low = rest[4..].strip_prefix("\\u").and_then(unit);
    if let Some(low) = low
        && let Some(Ok(pair)) = char::decode_utf16([high, low]).next()
        && pair.len_utf16() == 2
    {
        out.push(pair);
        return &rest[10..];
    }
    out.push(char::from_u32(u32::from(high)).unwrap_or(char::REPLACEMENT_CHARACTER));
    &rest[4..]
}

/// A comment without its marks, and whether it is documentation.
pub(in crate::module) fn comment_text(source: &str) -> (SmolStr, bool) {
    let Some(block) = source.strip_prefix("/*") else {
        let text = source.strip_prefix("<!--").or_else(|| source.strip_prefix("-->"));
        let text = text.unwrap_or_else(|| source.trim_start_matches('/'));
        return (SmolStr::new(text.trim_end_matches("-->").trim()), false);
    };
    let block = block.strip_suffix("*/").unwrap_or(block);
    let doc = block.starts_with('*') && !block.starts_with("**") && block.len() > 1;
    let block = if doc { &block[1..] } else { block };
    if !block.contains('\n') {
        return (SmolStr::new(block.trim().trim_matches('*').trim()), doc);
    }
    let mut text = SmolStrBuilder::new();
    let mut blank_lines = 0;
    let mut is_first = true;
    for line in block.lines() {
        let line = line.trim();
        let line =
            line.strip_prefix('*').map_or(line, |line| line.strip_prefix(' ').unwrap_or(line));
        if line.trim().is_empty() {
            blank_lines += usize::from(!is_first);
            continue;
        }
        for _ in 0..blank_lines + usize::from(!is_first) {
            text.push('\n');
        }
        text.push_str(line);
        blank_lines = 0;
        is_first = false;
    }
    (text.finish(), doc)
}
