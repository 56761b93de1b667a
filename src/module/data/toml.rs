//! TOML, lowered from the spanned tables of the `toml` crate.

use std::ops::Range;

use smol_str::SmolStr;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{MAX_DEPTH, Read, TOO_DEEP, literal, offset};
use crate::module::{Entry, Expr, ExprKind, Span};
use crate::source::LineIndex;

/// Reads a file. It has one document; what does not parse is left out of it.
pub(super) fn read(text: &str) -> Read {
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut reader = Reader { text, lines: LineIndex::new(text), read: Read::default() };
    for error in errors {
        let span = reader.span(error.span().unwrap_or_default());
        reader.read.defect(span, "syntax error");
    }
    let kind = reader.table(table.get_ref(), 0);
    let document = Expr { span: reader.span(0..text.len()), kind };
    reader.read.documents.push(document);
    reader.read
}

struct Reader<'t> {
    text: &'t str,
    lines: LineIndex,
    read: Read,
}

impl Reader<'_> {
    fn span(&self, range: Range<usize>) -> Span {
        let start = offset(range.start);
        Span { start, end: offset(range.end), line: self.lines.line_of(start) }
    }

    /// A table's entries in the order of the text.
    fn table(&mut self, table: &DeTable<'_>, depth: usize) -> ExprKind {
        let mut entries: Vec<Entry> = table
            .iter()
            .map(|(key, value)| Entry {
                key: Some(literal(self.span(key.span()), key.get_ref())),
                value: self.value(value, depth + 1),
            })
            .collect();
        entries.sort_by_key(|entry| entry.key.as_ref().map(|key| key.span));
        ExprKind::Map(entries)
    }

    fn value(&mut self, value: &Spanned<DeValue<'_>>, depth: usize) -> Expr {
        let span = self.span(value.span());
        if depth > MAX_DEPTH {
            self.read.defect(span, TOO_DEEP);
            return Expr { span, kind: ExprKind::Other(Vec::new()) };
        }
        let kind = match value.get_ref() {
            DeValue::String(text) => return literal(span, text),
            DeValue::Integer(_) | DeValue::Float(_) => {
                ExprKind::Number(SmolStr::new(self.written(value.span())))
            }
            DeValue::Boolean(value) => ExprKind::Bool(*value),
            DeValue::Datetime(_) => return literal(span, self.written(value.span())),
            DeValue::Array(items) => {
                ExprKind::List(items.iter().map(|item| self.value(item, depth + 1)).collect())
            }
            DeValue::Table(table) => self.table(table, depth),
        };
        Expr { span, kind }
    }

    fn written(&self, range: Range<usize>) -> &str {
        self.text.get(range).unwrap_or("")
    }
}
