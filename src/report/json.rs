//! The audit as JSON: everything that was found out, for other programs.

use schemars::generate::SchemaSettings;

use super::{ReportError, Style};
use crate::audit::{Audit, SCHEMA};

/// Writes the audit, indented and with a line end behind it.
pub(super) fn render(audit: &Audit, _: &Style) -> Result<String, ReportError> {
    let mut text = serde_json::to_string_pretty(audit)?;
    text.push('\n');
    Ok(text)
}

/// The JSON schema (draft 2020-12) of the format: what `readiness json-schema` prints. Its `$id` is
/// the value of each document's `schema` field.
#[must_use]
pub fn schema() -> serde_json::Value {
    let mut schema =
        SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<Audit>();
    schema.insert("$id".to_owned(), format!("urn:{}", SCHEMA.replace('/', ":")).into());
    schema.insert("title".to_owned(), "Audit of a repository's production readiness".into());
    schema.insert(
        "description".to_owned(),
        "What one run of `readiness audit --format json` found out. Every number is followed to findings, \
         files or gates of the same document; what could not be told is null or says so."
            .into(),
    );
    schema.to_value()
}
