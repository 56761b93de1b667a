//! `readiness rules`

use std::path::Path;

use clap::Args;
use serde::Serialize;

use super::catalogue::{RulePage, catalogue};
use super::options::ConfigOptions;
use super::options::TableOrJson;
use super::routes::json;
use super::{PASSED, terminal};

/// List the catalogue: every rule that would run here, with its severity after configuration.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Arguments {
    #[command(flatten)]
    config: ConfigOptions,
    /// The format.
    #[arg(short, long, value_enum, default_value = "table")]
    format: TableOrJson,
}

const EXAMPLES: &str = "\
Examples:
  readiness rules                     the catalogue, by category
  readiness rules --rules ./rules     with rules of your own
  readiness explain env-literal-fallback";

#[derive(Serialize)]
struct Catalogue<'a> {
    rules: &'a [RulePage],
}

impl Arguments {
    pub(super) fn run(&self) -> anyhow::Result<u8> {
        let config = self.config.load(Path::new("."))?;
        let rules = catalogue(&config)?;
        let text = match self.format {
            TableOrJson::Json => json(&Catalogue { rules: &rules })?,
            TableOrJson::Table => table(&rules),
        };
        terminal::report(&text)?;
        Ok(PASSED)
    }
}

fn table(rules: &[RulePage]) -> String {
    let rows: Vec<_> = rules
        .iter()
        .map(|rule| {
            let severity = if rule.off { "off".to_owned() } else { rule.severity.to_string() };
            let confidence = rule.confidence.to_string();
            [rule.category.to_string(), rule.id.clone(), severity, confidence, rule.title.clone()]
        })
        .collect();
    terminal::table(["CATEGORY", "RULE", "SEVERITY", "CONFIDENCE", "TITLE"], &rows)
}
