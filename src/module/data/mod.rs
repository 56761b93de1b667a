//! Data documents: JSON, YAML, TOML and the configurations of nginx, lowered into the same expressions as code, one statement
//! for each document of the file.
//!
//! A map's keys are texts as written, also where YAML would read a number or a truth value, so
//! that the same document says the same in each format. Where a key stands twice, and where maps
//! are merged, the later entry counts: see [`get`].

mod json;
mod nginx;
#[cfg(test)]
mod tests;
mod toml;
mod yaml;

use smol_str::SmolStr;

use super::path::constant_text;
use super::tree::Refusal;
use super::{Defect, Entry, Expr, ExprKind, MAX_DEFECTS, Module, Span, Stmt, StmtKind, TextPart};
use crate::limits::Limits;
use crate::source::Language;

/// The deepest nesting of a document. What lies deeper becomes [`ExprKind::Other`], or ends the
/// reading of a YAML file. (HOSTILE.md, section 4.)
const MAX_DEPTH: usize = 128;

/// What the ledger says of it.
const TOO_DEEP: &str = "nested deeper than 128 levels";

/// How many maps are looked through for a key: merged maps may nest.
const MAX_MERGES: usize = 32;

/// Lowers a data file.
///
/// # Errors
/// When a limit forbids to read it. A file with syntax errors is lowered as far as it parses: see
/// [`Module::defects`].
pub(crate) fn lower(language: Language, text: &str, limits: &Limits) -> Result<Module, Refusal> {
    let Read { documents, mut defects } = match language {
        Language::Json => json::read(text, limits)?,
        Language::Yaml => yaml::read(text)?,
        Language::Toml => toml::read(text),
        Language::Ini => nginx::read(text),
        _ => return Err(Refusal::Unsupported(language)),
    };
    defects.sort_by_key(|defect| defect.span);
    defects.truncate(MAX_DEFECTS);
    let body = documents
        .into_iter()
        .map(|document| Stmt { span: document.span, kind: StmtKind::Expr(document) })
        .collect();
    Ok(Module { language, body, comments: Vec::new(), defects })
}

/// What a reader gives.
#[derive(Debug, Default)]
struct Read {
    documents: Vec<Expr>,
    defects: Vec<Defect>,
}

impl Read {
    fn defect(&mut self, span: Span, reason: &'static str) {
        if self.defects.len() < MAX_DEFECTS {
            self.defects.push(Defect { span, reason: SmolStr::new_static(reason) });
        }
    }
}

/// The documents of a lowered data file.
pub fn documents(module: &Module) -> impl Iterator<Item = &Expr> {
    module.body.iter().filter_map(|stmt| match &stmt.kind {
        StmtKind::Expr(document) => Some(document),
        _ => None,
    })
}

/// The value under a key of a map; `None` in anything else.
#[must_use]
pub fn get<'m>(map: &'m Expr, key: &str) -> Option<&'m Expr> {
    get_within(map, key, MAX_MERGES)
}

fn get_within<'m>(map: &'m Expr, key: &str, merges: usize) -> Option<&'m Expr> {
    entries(map).iter().rev().find_map(|entry| match &entry.key {
        Some(name) => (constant_text(name) == Some(key)).then_some(&entry.value),
        None => get_within(&entry.value, key, merges.checked_sub(1)?),
    })
}

/// The value behind several keys, each within the value of the one before.
#[must_use]
pub fn at<'m>(map: &'m Expr, keys: &[&str]) -> Option<&'m Expr> {
    keys.iter().try_fold(map, |map, key| get(map, key))
}

/// The text behind several keys.
#[must_use]
pub fn text<'m>(map: &'m Expr, keys: &[&str]) -> Option<&'m str> {
    constant_text(at(map, keys)?)
}

/// The entries of a map, in order; none in anything else.
#[must_use]
pub fn entries(map: &Expr) -> &[Entry] {
    match &map.kind {
        ExprKind::Map(entries) => entries,
        _ => &[],
    }
}

/// The entries of a map whose keys are texts.
pub fn pairs(map: &Expr) -> impl Iterator<Item = (&str, &Expr)> {
    entries(map)
        .iter()
        .filter_map(|entry| Some((constant_text(entry.key.as_ref()?)?, &entry.value)))
}

/// The items of a list; none in anything else.
#[must_use]
pub fn items(list: &Expr) -> &[Expr] {
    match &list.kind {
        ExprKind::List(items) => items,
        _ => &[],
    }
}

/// The texts of a list, or the one text where there is no list.
pub fn texts(value: &Expr) -> impl Iterator<Item = &str> {
    let alone = constant_text(value);
    alone.into_iter().chain(items(value).iter().filter_map(constant_text))
}

fn literal(span: Span, text: impl AsRef<str>) -> Expr {
    let text = text.as_ref();
    let parts =
        if text.is_empty() { Vec::new() } else { vec![TextPart::Literal(SmolStr::new(text))] };
    Expr { span, kind: ExprKind::Text(parts) }
}

fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
