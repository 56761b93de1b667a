//! A source: one file with a path, a language, a role and text.

pub mod decode;
pub mod language;
pub mod mentions;
pub mod path;
pub mod read;
pub mod role;

pub use decode::{Encoding, NotText, decode, decode_vec};
pub use language::Language;
pub use path::{decode_path, encode_path, names_packages};
pub use read::{ReadError, read};
pub use role::Role;

/// A file's text, decoded, with what is known about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Path relative to the root, with `/`, encoded by [`encode_path`].
    pub path: String,
    /// Its language.
    pub language: Language,
    /// Its role.
    pub role: Role,
    /// Its text, without a byte order mark.
    pub text: String,
    /// How the bytes were read.
    pub encoding: Encoding,
}

/// The places of line starts in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineIndex {
    starts: Vec<u32>,
}

impl LineIndex {
    /// Indexes a text. Lines end at `\n`, `\r\n` or a bare `\r`.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let bytes = text.as_bytes();
        let mut starts = vec![0];
        for (at, byte) in bytes.iter().enumerate() {
            let ends = *byte == b'\n' || (*byte == b'\r' && bytes.get(at + 1) != Some(&b'\n'));
            if ends {
                starts.push(u32::try_from(at + 1).unwrap_or(u32::MAX));
            }
        }
        Self { starts }
    }

    /// How many lines there are; the empty text has one.
    #[must_use]
    pub fn len(&self) -> u32 {
        u32::try_from(self.starts.len()).unwrap_or(u32::MAX)
    }

    /// False: a text has at least one line.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        false
    }

    /// The line of a byte offset, counted from 1.
    #[must_use]
    pub fn line_of(&self, offset: u32) -> u32 {
        u32::try_from(self.starts.partition_point(|start| *start <= offset)).unwrap_or(u32::MAX)
    }

    /// Line and column (in characters) of a byte offset, both counted from 1.
    #[must_use]
    pub fn position(&self, text: &str, offset: u32) -> (u32, u32) {
        let line = self.line_of(offset);
        let start = self.starts[line as usize - 1] as usize;
        let end = (offset as usize).min(text.len());
        let column = text.get(start..end).map_or(end - start, |part| part.chars().count());
        (line, u32::try_from(column + 1).unwrap_or(u32::MAX))
    }

    /// The text of a line (counted from 1), without its end; empty when there is no such line.
    #[must_use]
    pub fn line<'t>(&self, text: &'t str, line: u32) -> &'t str {
        let Some(start) = (line as usize).checked_sub(1).and_then(|at| self.starts.get(at)) else {
            return "";
        };
        let end = self.starts.get(line as usize).map_or(text.len(), |next| *next as usize);
        text.get(*start as usize..end).unwrap_or("").trim_end_matches(['\n', '\r'])
    }
}
