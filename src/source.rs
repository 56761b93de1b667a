//! A source: one file with a path, a language, a role and text.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::finding::scale;

scale! {
    /// What a file is for (DESIGN.md, "Words").
    Role {
        /// It runs in production.
        Production = "production",
        /// It tests.
        Test = "test",
        /// It stands for something real during tests or development.
        Mock = "mock",
        /// It shows how to use the project.
        Example = "example",
        /// It is run by hand or by a build.
        Script = "script",
        /// It changes a database's schema.
        Migration = "migration",
        /// It configures a tool, a build or a deployment.
        Config = "config",
        /// It is read by people.
        Docs = "docs",
        /// A program wrote it.
        Generated = "generated",
        /// Somebody else's code kept in the tree.
        Vendored = "vendored",
    }
}

scale! {
    /// The language or format of a file.
    Language {
        /// `.py`, `.pyi`, `.pyw`.
        Python = "python",
        /// `.ts`, `.mts`, `.cts`.
        TypeScript = "typescript",
        /// `.tsx`.
        Tsx = "tsx",
        /// `.js`, `.mjs`, `.cjs`, `.jsx`.
        JavaScript = "javascript",
        /// `.rs`.
        Rust = "rust",
        /// `.html`, `.htm`, Jinja templates.
        Html = "html",
        /// `.vue`, `.svelte`: markup with scripts inside.
        Vue = "vue",
        /// `.sql`.
        Sql = "sql",
        /// `.yml`, `.yaml`.
        Yaml = "yaml",
        /// `.json`, `.jsonc`.
        Json = "json",
        /// `.toml`.
        Toml = "toml",
        /// `.env` and its variants.
        Dotenv = "dotenv",
        /// `.ini`, `.cfg`, `.conf`, `.properties`.
        Ini = "ini",
        /// `Dockerfile`, `Containerfile`.
        Dockerfile = "dockerfile",
        /// `.sh` and its kin.
        Shell = "shell",
        /// `.md`, `.rst`, `.txt`, `.adoc`.
        Text = "text",
        /// `.css`, `.scss`, `.less`.
        Css = "css",
        /// `.xml`, `.svg`.
        Xml = "xml",
        /// A programming language that has no lowering yet (Go, Java, Ruby, …).
        Unsupported = "unsupported",
        /// None of these.
        Other = "other",
    }
}

impl Language {
    /// Whether files of it are lowered into modules.
    #[must_use]
    pub fn has_module(self) -> bool {
        matches!(
            self,
            Self::Python
                | Self::TypeScript
                | Self::Tsx
                | Self::JavaScript
                | Self::Rust
                | Self::Html
                | Self::Vue
        )
    }

    /// Whether its lines count as code in kLOC and in the language table.
    #[must_use]
    pub fn is_code(self) -> bool {
        self.has_module() || matches!(self, Self::Sql | Self::Shell | Self::Css)
    }
}

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

scale! {
    /// How the bytes of a file were read.
    Encoding {
        /// UTF-8, with or without byte order mark.
        Utf8 = "utf-8",
        /// UTF-16 with a byte order mark.
        Utf16 = "utf-16",
        /// Declared in the file, or guessed: every byte is one character.
        Latin1 = "latin-1",
    }
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

/// Why a file's bytes are not text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotText {
    /// A NUL byte near the beginning, without a byte order mark.
    Binary,
}

impl fmt::Display for NotText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("binary file")
    }
}
