//! The comments of a Rust file. syn's tree holds none (and turns documentation into attributes),
//! so a small lexer of its own finds them: it knows what can hide a comment's mark, and nothing
//! else about the language.

use smol_str::SmolStr;

use crate::module::{Comment, Span};
use crate::source::LineIndex;

/// Every comment, in order. An unterminated one ends with the text.
pub(super) fn comments(text: &str, lines: &LineIndex) -> Vec<Comment> {
    let mut lexer = Lexer { text, bytes: text.as_bytes(), at: 0 };
    let mut found = Vec::new();
    if text.starts_with("#!") && !text[2..].trim_start().starts_with('[') {
        lexer.at = text.find('\n').unwrap_or(text.len());
    }
    while let Some((start, end)) = lexer.next_comment() {
        let (content, doc) = content(&text[start..end]);
        let start = u32::try_from(start).unwrap_or(u32::MAX);
        found.push(Comment {
            span: Span {
                start,
                end: u32::try_from(end).unwrap_or(u32::MAX),
                line: lines.line_of(start),
            },
            text: SmolStr::new(content),
            doc,
        });
    }
    found
}

/// What a comment says, and whether it documents.
fn content(comment: &str) -> (&str, bool) {
    if let Some(rest) = comment.strip_prefix("/*") {
        let inner = rest.strip_suffix("*/").unwrap_or(rest);
        // `/**/` is empty and `/***` is decoration.
        let doc = inner.starts_with('!')
            || (inner.starts_with('*') && !inner.starts_with("**") && inner.len() > 1);
        return (inner.trim_matches('*').trim_start_matches('!').trim(), doc);
    }
    let inner = comment.strip_prefix("//").unwrap_or(comment);
    let doc = inner.starts_with('!') || (inner.starts_with('/') && !inner.starts_with("//"));
    (inner.trim_start_matches('/').trim_start_matches('!').trim(), doc)
}

struct Lexer<'t> {
    text: &'t str,
    bytes: &'t [u8],
    at: usize,
}

impl Lexer<'_> {
    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn next_comment(&mut self) -> Option<(usize, usize)> {
        while self.at < self.bytes.len() {
            match (self.peek(0), self.peek(1)) {
                (b'/', b'/') => {
                    let start = self.at;
                    let rest = &self.text[start..];
                    let end = start + rest.find('\n').unwrap_or(rest.len());
                    self.at = end;
                    let end = if self.text[start..end].ends_with('\r') { end - 1 } else { end };
                    return Some((start, end));
                }
                (b'/', b'*') => {
                    let start = self.at;
                    self.skip_block_comment();
                    return Some((start, self.at));
                }
                (b'"', _) => self.skip_string(),
                (b'\'', _) => self.skip_quote(),
                (byte, _) if is_word(byte) => self.skip_word(),
                _ => self.at += 1,
            }
        }
        None
    }

    fn skip_block_comment(&mut self) {
        let mut depth = 0_u32;
        while self.at < self.bytes.len() {
            match (self.peek(0), self.peek(1)) {
                (b'/', b'*') => {
                    depth += 1;
                    self.at += 2;
                }
                (b'*', b'/') => {
                    depth -= 1;
                    self.at += 2;
                    if depth == 0 {
                        return;
                    }
                }
                _ => self.at += 1,
            }
        }
    }

    /// At the opening quote of a string with escapes.
    fn skip_string(&mut self) {
        self.at += 1;
        while self.at < self.bytes.len() {
            match self.peek(0) {
                b'\\' => self.at += 2,
                b'"' => {
                    self.at += 1;
                    return;
                }
                _ => self.at += 1,
            }
        }
        self.at = self.bytes.len();
    }

    /// At a single quote: a character, or else a lifetime or label.
    fn skip_quote(&mut self) {
        let rest = &self.text[self.at + 1..];
        let mut characters = rest.chars();
        match characters.next() {
            Some('\\') => {
                // The escaped character may itself be a quote.
                let end = rest.get(2..).and_then(|tail| tail.find('\'')).map(|at| at + 3);
                self.at += 1 + end.unwrap_or(1);
            }
            Some(first) if characters.next() == Some('\'') => self.at += first.len_utf8() + 2,
            _ => self.at += 1,
        }
    }

    /// At the first byte of a word, number or string prefix.
    fn skip_word(&mut self) {
        let start = self.at;
        while is_word(self.peek(0)) {
            self.at += 1;
        }
        if matches!(&self.bytes[start..self.at], b"r" | b"br" | b"cr") {
            let mut hashes = 0;
            while self.peek(hashes) == b'#' {
                hashes += 1;
            }
            // Otherwise it is a raw identifier such as `r#type`.
            if self.peek(hashes) == b'"' {
                let closing = format!("\"{}", "#".repeat(hashes));
                let body = self.at + hashes + 1;
                self.at = self.text[body..]
                    .find(&closing)
                    .map_or(self.bytes.len(), |at| body + at + closing.len());
            }
        }
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}
