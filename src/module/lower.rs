//! The one table from a language to its lowering.

use super::tree::Refusal;
use super::{Module, python};
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
        Language::TypeScript => Err(Refusal::Unsupported(language)),
        Language::Tsx => Err(Refusal::Unsupported(language)),
        Language::JavaScript => Err(Refusal::Unsupported(language)),
        Language::Html => Err(Refusal::Unsupported(language)),
        Language::Vue => Err(Refusal::Unsupported(language)),
        Language::Rust => Err(Refusal::Unsupported(language)),
        _ => Err(Refusal::Unsupported(language)),
    }
}
