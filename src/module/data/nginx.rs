//! Configurations of nginx: a block is a map from the name of a directive to the list of its
//! words, whose last item is a map where the directive has a block of its own. A directive that
//! stands twice has two entries, in order.

use std::iter::Peekable;
use std::str::CharIndices;

use super::{MAX_DEPTH, Read, TOO_DEEP, literal, offset};
use crate::module::{Entry, Expr, ExprKind, Span};
use crate::source::LineIndex;

/// Reads a file. It has one document; what is not closed ends with the file.
pub(super) fn read(text: &str) -> Read {
    let mut reader = Reader {
        chars: text.char_indices().peekable(),
        length: text.len(),
        lines: LineIndex::new(text),
        read: Read::default(),
    };
    let mut entries = Vec::new();
    // A brace too many closes nothing.
    while reader.chars.peek().is_some() {
        entries.append(&mut reader.block(0));
    }
    let span = reader.span(0, text.len());
    reader.read.documents.push(Expr { span, kind: ExprKind::Map(entries) });
    reader.read
}

struct Reader<'t> {
    chars: Peekable<CharIndices<'t>>,
    length: usize,
    lines: LineIndex,
    read: Read,
}

impl Reader<'_> {
    fn span(&self, start: usize, end: usize) -> Span {
        let start = offset(start);
        Span { start, end: offset(end), line: self.lines.line_of(start) }
    }

    fn at(&mut self) -> usize {
        self.chars.peek().map_or(self.length, |(at, _)| *at)
    }

    /// The directives up to the brace that closes their block.
    fn block(&mut self, depth: usize) -> Vec<Entry> {
        let mut entries = Vec::new();
        let mut words: Vec<Expr> = Vec::new();
        while let Some(&(at, c)) = self.chars.peek() {
            match c {
                _ if c.is_whitespace() => {
                    self.chars.next();
                }
                '#' => while self.chars.next_if(|(_, c)| *c != '\n').is_some() {},
                ';' => {
                    self.chars.next();
                    entries.extend(directive(std::mem::take(&mut words), None));
                }
                '{' => {
                    self.chars.next();
                    let block = if depth < MAX_DEPTH {
                        ExprKind::Map(self.block(depth + 1))
                    } else {
                        let span = self.span(at, at + 1);
                        self.read.defect(span, TOO_DEEP);
                        self.skip();
                        ExprKind::Other(Vec::new())
                    };
                    let end = self.at();
                    let block = Expr { span: self.span(at, end), kind: block };
                    entries.extend(directive(std::mem::take(&mut words), Some(block)));
                }
                '}' => {
                    self.chars.next();
                    break;
                }
                _ => words.push(self.word()),
            }
        }
        entries.extend(directive(words, None));
        entries
    }

    /// Passes over a block.
    fn skip(&mut self) {
        let mut open = 1_usize;
        for (_, c) in self.chars.by_ref() {
            match c {
                '{' => open += 1,
                '}' => open -= 1,
                _ => {}
            }
            if open == 0 {
                return;
            }
        }
    }

    fn word(&mut self) -> Expr {
        let start = self.at();
        let mut word = String::new();
        let quote = self.chars.next_if(|(_, c)| matches!(c, '"' | '\'')).map(|(_, c)| c);
        let mut before = ' ';
        while let Some(&(_, c)) = self.chars.peek() {
            match quote {
                Some(mark) if c == mark => {
                    self.chars.next();
                    break;
                }
                // `${name}` is a part of a word.
                None if c.is_whitespace() || c == ';' || c == '{' && before != '$' => break,
                _ => {}
            }
            self.chars.next();
            // A backslash keeps what follows from meaning anything, and stays for expressions.
            if c == '\\'
                && let Some((_, next)) = self.chars.next()
            {
                if quote != Some(next) {
                    word.push(c);
                }
                word.push(next);
                before = next;
                continue;
            }
            word.push(c);
            before = c;
        }
        let end = self.at();
        literal(self.span(start, end), word)
    }
}

/// A directive of its words and its block.
fn directive(words: Vec<Expr>, block: Option<Expr>) -> Option<Entry> {
    let mut words = words.into_iter();
    let key = words.next()?;
    let items: Vec<Expr> = words.chain(block).collect();
    let end = items.last().map_or(key.span.end, |last| last.span.end);
    let span = Span { end, ..key.span };
    Some(Entry { key: Some(key), value: Expr { span, kind: ExprKind::List(items) } })
}
