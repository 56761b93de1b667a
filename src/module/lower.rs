//! The one table from a language to its lowering.

use super::tree::Refusal;
use super::{Module, data, ecmascript, markup, python, rust};
use crate::limits::Limits;
use crate::source::Language;

/// Lowers a text. The thread needs a stack of [`crate::limits::PARSE_STACK`].
///
/// # Errors
/// When nothing of the text can be lowered; `Display` of the refusal gives the ledger's phrase.
/// A text with syntax errors is lowered as far as it parses: see [`Module::defects`].
pub fn lower(language: Language, text: &str, limits: &Limits) -> Result<Module, Refusal> {
    match language {
        Language::Python => python::lower(text, limits),
        Language::TypeScript | Language::Tsx | Language::JavaScript => {
            ecmascript::lower(language, text, limits)
        }
        Language::Html | Language::Vue => markup::lower(language, text, limits),
        Language::Rust => rust::lower(text, limits),
        Language::Json | Language::Yaml | Language::Toml | Language::Ini => {
            data::lower(language, text, limits)
        }
        _ => Err(Refusal::Unsupported(language)),
    }
}
