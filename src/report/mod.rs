//! Reports: an [`Audit`] printed, in one file per output format. Nothing is judged or scored here;
//! a report only groups, sorts, counts the rows that it shows, and escapes.

use std::path::Path;

use thiserror::Error;

use crate::audit::Audit;

pub(crate) mod escape;
pub mod json;
mod markdown;
pub mod openapi;
mod output;
mod terminal;
mod view;

pub use output::{OutputError, write_atomically};

#[cfg(test)]
pub(crate) mod sample;
#[cfg(test)]
mod tests;

/// How a report looks. Formats ignore what does not apply to them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Style {
    /// Columns of the terminal.
    pub width: usize,
    /// Whether to write colours.
    pub colour: bool,
    /// How many findings the terminal shows with their source; the others are counted.
    pub limit: usize,
    /// How many places of one rule a document shows with their source; the others are listed.
    pub places: usize,
    /// Whether to list each file that was partly read or left out, and not only count them.
    pub show_files: bool,
}

impl Default for Style {
    fn default() -> Self {
        Self { width: 100, colour: false, limit: 10, places: 5, show_files: false }
    }
}

/// Why a report could not be made.
#[derive(Debug, Error)]
pub enum ReportError {
    /// The template does not fit the audit.
    #[error("the template of the report cannot be rendered: {0}")]
    Template(#[from] tera::Error),
    /// The audit cannot be written as JSON.
    #[error("the audit cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// No format belongs to the suffix.
    #[error("`{path}` does not end in the suffix of a report: {known}")]
    UnknownSuffix {
        /// The path as given.
        path: String,
        /// The suffixes that are known.
        known: String,
    },
}

/// Declares the output formats; see the table below.
macro_rules! formats {
    ($($(#[$meta:meta])* $variant:ident = $name:literal, [$($suffix:literal),*], $render:path);+ $(;)?) => {
        /// An output format.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Format { $($(#[$meta])* $variant),+ }

        impl Format {
            /// Every format.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name on the command line.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// The file suffixes that mean it.
            #[must_use]
            pub fn suffixes(self) -> &'static [&'static str] {
                match self { $(Self::$variant => &[$($suffix),*]),+ }
            }
        }

        /// Renders an audit.
        ///
        /// # Errors
        /// When the template or the serialiser refuses, which no input brings about by itself.
        pub fn render(audit: &Audit, format: Format, style: &Style) -> Result<String, ReportError> {
            match format { $(Format::$variant => $render(audit, style)),+ }
        }
    };
}

formats! {
    /// For people at a terminal; the default.
    Terminal = "terminal", [".txt"], terminal::render;
    /// A document to read, to print and to sign.
    Markdown = "markdown", [".md", ".markdown"], markdown::render;
    /// The audit itself; see [`json::schema`].
    Json = "json", [".json"], json::render;
}

impl Format {
    /// The format that a file's name asks for, by the longest suffix that fits, in any case.
    ///
    /// # Errors
    /// When no suffix fits.
    pub fn from_suffix(path: &Path) -> Result<Self, ReportError> {
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        Self::ALL
            .iter()
            .flat_map(|format| {
                format.suffixes().iter().map(move |suffix| (suffix.len(), suffix, *format))
            })
            .filter(|(_, suffix, _)| name.ends_with(**suffix))
            .max_by_key(|(length, ..)| *length)
            .map(|(_, _, format)| format)
            .ok_or_else(|| ReportError::UnknownSuffix {
                path: escape::term_safe(&path.display().to_string()),
                known: Self::ALL
                    .iter()
                    .flat_map(|format| format.suffixes())
                    .copied()
                    .collect::<Vec<_>>()
                    .join(", "),
            })
    }
}

impl std::fmt::Display for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

impl std::str::FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.iter().copied().find(|format| format.as_str() == text).ok_or_else(|| {
            let known: Vec<_> = Self::ALL.iter().map(|format| format.as_str()).collect();
            format!("`{text}` is not one of {}", known.join(", "))
        })
    }
}
