//! The one place where the command line meets the rest of the library.
//!
//! The pipeline, the reports and the catalogue stand in here until they are joined: each item
//! names what takes its place.

#![allow(unreachable_pub, reason = "a macro makes the stand-in")]

use std::path::Path;
use std::process::ExitCode;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::audit::{Audit, Codebase, Coverage, Project, SCHEMA, Tool};
use crate::config::Config;
use crate::finding::{Category, Confidence, Severity};
use crate::source::{Language, Role};
use crate::{gate, score};

/// Stands for `scan::worker::as_child`.
pub(super) fn as_scanner() -> Option<ExitCode> {
    None
}

/// Stands for `crate::audit`.
pub(super) fn audit(_root: &Path, config: &Config) -> anyhow::Result<Audit> {
    let scorecard = score::score(&[], &std::collections::BTreeMap::new(), 0.0, &config.score);
    let gates = gate::gates(&scorecard, &[], &config.gates);
    Ok(Audit {
        schema: SCHEMA.to_owned(),
        tool: Tool {
            name: env!("CARGO_PKG_NAME").to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            rules_digest: String::new(),
            rules: 0,
        },
        project: Project::default(),
        verdict: gate::verdict(&gates),
        gates,
        scorecard,
        findings: Vec::new(),
        accepted: Vec::new(),
        routes: Vec::new(),
        frameworks_not_assessed: Vec::new(),
        codebase: Codebase::default(),
        coverage: Coverage::default(),
        rules: std::collections::BTreeMap::new(),
    })
}

/// Stands for `report::json::schema`.
pub(super) fn audit_schema() -> Value {
    schemars::schema_for!(Audit).to_value()
}

crate::finding::scale! {
    /// Stands for `report::Format`.
    Format {
        /// `.txt`
        Terminal = "terminal",
        /// `.md`
        Markdown = "markdown",
        /// `.json`
        Json = "json",
    }
}

impl Format {
    pub(super) fn from_suffix(path: &Path) -> anyhow::Result<Self> {
        match path.extension().and_then(|suffix| suffix.to_str()) {
            Some("txt") => Ok(Self::Terminal),
            Some("md" | "markdown") => Ok(Self::Markdown),
            Some("json") => Ok(Self::Json),
            _ => anyhow::bail!(
                "`{}` does not end in the suffix of a report: .txt, .md, .markdown, .json",
                path.display()
            ),
        }
    }
}

/// Stands for `report::Style`.
#[derive(Debug, Clone)]
#[allow(dead_code, reason = "the report reads it")]
pub(super) struct Style {
    pub(super) colour: bool,
    pub(super) limit: usize,
    pub(super) show_files: bool,
    pub(super) width: usize,
}

impl Default for Style {
    fn default() -> Self {
        Self { colour: false, limit: 10, show_files: false, width: 100 }
    }
}

/// Stands for `report::render`.
pub(super) fn render(audit: &Audit, format: Format, _style: &Style) -> anyhow::Result<String> {
    Ok(match format {
        Format::Terminal | Format::Markdown => format!("{}\n", audit.verdict),
        Format::Json => serde_json::to_string_pretty(audit)? + "\n",
    })
}

/// Stands for `report::write_atomically`.
pub(super) fn write_atomically(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    use anyhow::Context as _;
    std::fs::write(path, bytes).with_context(|| format!("{}: cannot write it", path.display()))
}

/// What `rules` and `explain` say about a rule, with the configuration applied.
#[derive(Debug, Clone, Serialize)]
pub(super) struct RulePage {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) category: Category,
    pub(super) severity: Severity,
    pub(super) confidence: Confidence,
    pub(super) roles: Vec<Role>,
    /// The configuration turned it off.
    pub(super) off: bool,
    pub(super) effort_minutes: u32,
    pub(super) message: String,
    pub(super) why: String,
    pub(super) fix: String,
    pub(super) references: Vec<String>,
    /// Reasons of the legitimate forms.
    pub(super) accepts: Vec<String>,
    pub(super) examples: Vec<RuleExample>,
}

/// Code that a rule is explained with.
#[derive(Debug, Clone, Serialize)]
pub(super) struct RuleExample {
    /// `bad`, `good`, `accepted`.
    pub(super) expect: String,
    pub(super) language: Language,
    pub(super) text: String,
}

/// The catalogue, by category and id: `rules::load::embedded()`, then `from_dir` of each of
/// `config.rules`, each parsed by `RuleSpec::parse`; `config.check_rules` over the ids; then
/// `config.rule` applied.
pub(super) fn catalogue(config: &Config) -> anyhow::Result<Vec<RulePage>> {
    config.check_rules([])?;
    Ok(Vec::new())
}
