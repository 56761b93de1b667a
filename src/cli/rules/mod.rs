//! `readiness rules`: the catalogue, and tests and templates for rules of one's own.

use std::path::Path;

use clap::{Args, ColorChoice, Subcommand};
use serde::Serialize;

use super::catalogue::{RulePage, catalogue};
use super::listing::json;
use super::options::ConfigOptions;
use super::options::TableOrJson;
use super::{PASSED, terminal};

mod examples;
mod scaffold;

/// List the catalogue, run the examples of your own rules, or begin a new rule.
///
/// Without a subcommand it lists every rule that would run here, with its severity after
/// configuration.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, after_long_help = EXAMPLES)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Option<Action>,
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
  readiness rules new no-print        begin a rule
  readiness rules test my-rules       run the examples of the rules in a folder
  readiness explain env-literal-fallback";

#[derive(Debug, Subcommand)]
enum Action {
    Test(examples::Arguments),
    New(scaffold::Arguments),
}

#[derive(Serialize)]
struct Catalogue<'a> {
    rules: &'a [RulePage],
}

impl Arguments {
    pub(super) fn run(&self, colour: ColorChoice) -> anyhow::Result<u8> {
        match &self.action {
            Some(Action::Test(arguments)) => return arguments.run(colour),
            Some(Action::New(arguments)) => return arguments.run(),
            None => {}
        }
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
