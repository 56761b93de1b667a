//! Strings: prefixes, quotes, escapes, holes.

use std::borrow::Cow;

use smol_str::SmolStr;
use tree_sitter::Node;

use super::Lowering;
use super::kinds::Kind;
use crate::module::tree::Walker;
use crate::module::{Expr, ExprKind, Span, TextPart};

/// Text that is put together from pieces. Neighbouring pieces become one literal.
#[derive(Default)]
pub(super) struct Pieces<'t> {
    parts: Vec<TextPart>,
    pending: Cow<'t, str>,
}

impl<'t> Pieces<'t> {
    fn literal(&mut self, piece: Cow<'t, str>) {
        if self.pending.is_empty() {
            self.pending = piece;
        } else if !piece.is_empty() {
            self.pending.to_mut().push_str(&piece);
        }
    }

    fn hole(&mut self, hole: Expr) {
        self.flush();
        self.parts.push(TextPart::Hole(hole));
    }

    fn flush(&mut self) {
        if !self.pending.is_empty() {
            self.parts.push(TextPart::Literal(SmolStr::new(&self.pending)));
            self.pending = Cow::Borrowed("");
        }
    }

    /// All of it; the empty text has no parts.
    pub(super) fn finish(mut self) -> ExprKind {
        self.flush();
        ExprKind::Text(self.parts)
    }
}

/// How the content of a string is read.
#[derive(Clone, Copy)]
struct Prefix {
    raw: bool,
    bytes: bool,
    format: bool,
}

impl<'t> Lowering<'t> {
    /// The pieces of the string at hand.
    pub(super) fn string(&mut self, node: Node<'t>, pieces: &mut Pieces<'t>) {
        let text = self.walk.text(node);
        let letters = text.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (letters, quoted) = text.split_at(letters);
        let has = |letter: &[char]| letters.contains(letter);
        let prefix = Prefix {
            raw: has(&['r', 'R']),
            bytes: has(&['b', 'B']),
            format: has(&['f', 'F', 't', 'T']),
        };
        if prefix.format {
            self.each(|this, node| match this.kind(node) {
                Kind::StringContent => pieces.literal(resolved(this.walk.text(node), prefix)),
                Kind::Interpolation => this.interpolation(node, pieces),
                Kind::Comment => this.comment(node),
                _ => {}
            });
            return;
        }
        let Some(quote) = quoted.chars().next() else {
            return;
        };
        // In broken code the closing quotes may be missing.
        let triple = quoted.len() >= 6 && quoted.bytes().take(3).all(|byte| byte == quote as u8);
        let marks = if triple { 3 } else { 1 };
        let content = quoted.get(marks..).unwrap_or("");
        let end = content.len().saturating_sub(marks);
        let content = match content.get(end..) {
            Some(tail) if !tail.is_empty() && tail.chars().all(|c| c == quote) => &content[..end],
            _ => content,
        };
        pieces.literal(resolved(content, prefix));
    }

    /// `{value!r:{width}}`, and `{value=}`, which says its own name first.
    fn interpolation(&mut self, node: Node<'t>, pieces: &mut Pieces<'t>) {
        let span = self.walk.span(node);
        let mut value: Option<Expr> = None;
        let mut nested = Vec::new();
        let mut label = None;
        self.each(|this, child| match this.kind(child) {
            Kind::Token if this.walk.text(child) == "=" => {
                label = this.walk.text.get(node.start_byte() + 1..child.end_byte());
            }
            Kind::Comment => this.comment(child),
            Kind::FormatSpecifier => this.children(|this, _, kind| {
                if kind == Kind::FormatExpression {
                    nested.extend(this.only());
                }
            }),
            Kind::Token | Kind::Continuation | Kind::Unknown | Kind::Error => {}
            kind => value = Some(this.expr(child, kind)),
        });
        if let Some(label) = label {
            pieces.literal(Cow::Borrowed(label));
        }
        let value = value.unwrap_or_else(|| super::nothing(span));
        pieces.hole(if nested.is_empty() {
            value
        } else {
            nested.insert(0, value);
            Expr { span: Span { ..span }, kind: ExprKind::Other(nested) }
        });
    }
}

/// The content of a string as the interpreter reads it.
fn resolved(content: &str, prefix: Prefix) -> Cow<'_, str> {
    let special = |byte: u8| match byte {
        b'\\' => !prefix.raw,
        b'{' | b'}' => prefix.format,
        b'\r' => true,
        _ => false,
    };
    if !content.bytes().any(special) {
        return Cow::Borrowed(content);
    }
    let mut out = String::with_capacity(content.len());
    let mut rest = content;
    while let Some(at) = rest.bytes().position(special) {
        out.push_str(&rest[..at]);
        let mark = rest.as_bytes()[at];
        rest = &rest[at + 1..];
        match mark {
            b'\\' => rest = escape(rest, prefix.bytes, &mut out),
            // Every line ends with a single line feed, whatever the file has.
            b'\r' => {
                rest = rest.strip_prefix('\n').unwrap_or(rest);
                out.push('\n');
            }
            // A doubled brace.
            _ => {
                rest = rest.strip_prefix(char::from(mark)).unwrap_or(rest);
                out.push(char::from(mark));
            }
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// Resolves the escape sequence behind a backslash and returns what follows it. One that is
/// unknown stands for itself, and so does a character's name, since names would need a table.
fn escape<'t>(rest: &'t str, bytes: bool, out: &mut String) -> &'t str {
    let Some(letter) = rest.chars().next() else {
        out.push('\\');
        return rest;
    };
    let behind = &rest[letter.len_utf8()..];
    let digits = match letter {
        '\n' => return behind,
        '\r' => return behind.strip_prefix('\n').unwrap_or(behind),
        'x' => 2,
        'u' if !bytes => 4,
        'U' if !bytes => 8,
        '0'..='7' => {
            let count =
                rest.bytes().take(3).take_while(|byte| (b'0'..=b'7').contains(byte)).count();
            let value = u32::from_str_radix(&rest[..count], 8).ok().and_then(char::from_u32);
            out.push(value.unwrap_or(char::REPLACEMENT_CHARACTER));
            return &rest[count..];
        }
        'N' if !bytes && behind.starts_with('{') => {
            let end = behind.find('}').map_or(behind.len(), |end| end + 1);
            out.push_str("\\N");
            out.push_str(&behind[..end]);
            return &behind[end..];
        }
        _ => {
            match letter {
                '\\' | '\'' | '"' => out.push(letter),
                'a' => out.push('\x07'),
                'b' => out.push('\x08'),
                'f' => out.push('\x0c'),
                'n' => out.push('\n'),
                'r' => out.push('\r'),
                't' => out.push('\t'),
                'v' => out.push('\x0b'),
                _ => {
                    out.push('\\');
                    out.push(letter);
                }
            }
            return behind;
        }
    };
    match behind.get(..digits).filter(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit())) {
        Some(hex) => {
            let value = u32::from_str_radix(hex, 16).ok().and_then(char::from_u32);
            out.push(value.unwrap_or(char::REPLACEMENT_CHARACTER));
            &behind[digits..]
        }
        None => {
            out.push('\\');
            out.push(letter);
            behind
        }
    }
}
