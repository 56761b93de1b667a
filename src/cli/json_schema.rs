//! `readiness json-schema`

use clap::{Args, ValueEnum};

use super::listing::json;
use super::{PASSED, terminal};

/// Print a JSON schema: of the audit that `-f json` writes, or of the configuration.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Of what.
    #[arg(value_enum, default_value = "audit")]
    of: Of,
}

const EXAMPLES: &str = "\
Examples:
  readiness json-schema > audit.schema.json
  readiness json-schema config > readiness.schema.json

An editor that knows Taplo completes readiness.toml when its first line is
  #:schema ./readiness.schema.json";

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Of {
    /// The audit.
    Audit,
    /// `readiness.toml`.
    Config,
}

impl Arguments {
    pub(super) fn run(&self) -> anyhow::Result<u8> {
        let schema = match self.of {
            Of::Audit => crate::report::json::schema(),
            Of::Config => crate::config::schema(),
        };
        terminal::report(&json(&schema)?)?;
        Ok(PASSED)
    }
}
