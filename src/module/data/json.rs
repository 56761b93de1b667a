//! JSON with comments and trailing commas, lowered from tree-sitter.

use std::borrow::Cow;

use smol_str::SmolStr;
use tree_sitter::Node;

use super::{MAX_DEPTH, Read, TOO_DEEP, literal};
use crate::limits::Limits;
use crate::module::tree::{self, Grammar, Refusal, Walk, Walker};
use crate::module::{Entry, Expr, ExprKind};

/// Reads the values of a file; a file of JSON has one, a stream of JSON lines has many.
///
/// # Errors
/// See [`tree::parse`].
pub(super) fn read(text: &str, limits: &Limits) -> Result<Read, Refusal> {
    let plain = plain(text);
    let tree = tree::parse(Grammar::Json, &plain, limits)?;
    // The tree speaks of the plain text, which has the same offsets.
    let mut reader = Reader { walk: Walk::new(&tree, text), depth: 0, read: Read::default() };
    reader.read.defects = reader.walk.defects();
    let mut documents = Vec::new();
    reader.each(|reader, node| {
        if is_value(node) {
            documents.push(reader.value(node));
        }
    });
    Ok(Read { documents, ..reader.read })
}

struct Reader<'t> {
    walk: Walk<'t>,
    depth: usize,
    read: Read,
}

impl<'t> Walker<'t> for Reader<'t> {
    fn walk(&mut self) -> &mut Walk<'t> {
        &mut self.walk
    }
}

impl<'t> Reader<'t> {
    /// The value that the walk stands on.
    fn value(&mut self, node: Node<'t>) -> Expr {
        let span = self.walk.span(node);
        let text = self.walk.text(node);
        let kind = match node.kind() {
            "object" | "array" if self.depth >= MAX_DEPTH => {
                self.read.defect(span, TOO_DEEP);
                ExprKind::Other(Vec::new())
            }
            "object" => ExprKind::Map(self.entries()),
            "array" => ExprKind::List(self.values()),
            "string" => return literal(span, unescaped(text)),
            "number" if !text.is_empty() => ExprKind::Number(SmolStr::new(text)),
            "true" => ExprKind::Bool(true),
            "false" => ExprKind::Bool(false),
            "null" => ExprKind::None,
            _ => ExprKind::Other(Vec::new()),
        };
        Expr { span, kind }
    }

    /// The values among the children.
    fn values(&mut self) -> Vec<Expr> {
        let mut values = Vec::new();
        self.depth += 1;
        self.each(|reader, node| {
            if is_value(node) {
                values.push(reader.value(node));
            }
        });
        self.depth -= 1;
        values
    }

    fn entries(&mut self) -> Vec<Entry> {
        let mut entries = Vec::new();
        self.each(|reader, node| {
            if node.kind() == "pair" {
                let mut values = reader.values().into_iter();
                if let Some(key @ Expr { kind: ExprKind::Text(_), .. }) = values.next() {
                    let nothing = Expr { span: key.span, kind: ExprKind::Other(Vec::new()) };
                    let value = values.next_back().unwrap_or(nothing);
                    entries.push(Entry { key: Some(key), value });
                }
            }
        });
        entries
    }
}

fn is_value(node: Node<'_>) -> bool {
    node.is_named() && !node.is_error() && node.kind() != "comment"
}

/// What a string in its quotes says. One with a wrong escape says what is written.
fn unescaped(quoted: &str) -> Cow<'_, str> {
    let inner = quoted.strip_prefix('"').unwrap_or(quoted);
    let inner = inner.strip_suffix('"').unwrap_or(inner);
    if !inner.contains('\\') {
        return Cow::Borrowed(inner);
    }
    serde_json::from_str(quoted).map_or(Cow::Borrowed(inner), Cow::Owned)
}

/// The text without what many tools write and the grammar takes for errors: a trailing comma is
/// replaced by a blank, the plus of an exponent by a zero. Offsets stay.
fn plain(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let mut replaced: Vec<(usize, u8)> = Vec::new();
    let mut comma = None;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => {
                comma = None;
                at = string_end(bytes, at);
                continue;
            }
            b'/' if matches!(bytes.get(at + 1), Some(b'/' | b'*')) => {
                at = comment_end(bytes, at);
                continue;
            }
            b',' => comma = Some(at),
            b']' | b'}' => replaced.extend(comma.take().map(|comma| (comma, b' '))),
            b'+' if at > 0 && matches!(bytes[at - 1], b'e' | b'E') => replaced.push((at, b'0')),
            _ if byte.is_ascii_whitespace() => {}
            _ => comma = None,
        }
        at += 1;
    }
    if replaced.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut bytes = bytes.to_vec();
    replaced.iter().for_each(|(at, byte)| bytes[*at] = *byte);
    String::from_utf8(bytes).map_or(Cow::Borrowed(text), Cow::Owned)
}

/// Behind the string that begins at `at`; it ends with its line at the latest.
fn string_end(bytes: &[u8], at: usize) -> usize {
    let mut at = at + 1;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\n' => return at,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    at
}

/// Behind the comment that begins at `at`.
fn comment_end(bytes: &[u8], at: usize) -> usize {
    let rest = &bytes[at..];
    let length = if rest.get(1) == Some(&b'*') {
        rest.windows(2).skip(2).position(|pair| pair == b"*/").map(|end| end + 4)
    } else {
        rest.iter().position(|byte| *byte == b'\n')
    };
    at + length.unwrap_or(rest.len())
}
