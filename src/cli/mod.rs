//! The command line: one file per subcommand. Reports go to stdout or to files, everything else
//! to stderr, and the exit status says how it went.

use std::process::ExitCode;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{ColorChoice, CommandFactory as _, Parser, Subcommand};

use crate::audit::Audit;
use crate::gate::{Status, Verdict};
use crate::scan::{steps, worker};

mod audit;
mod calls;
mod catalogue;
mod contract;
mod explain;
mod fault;
mod init;
mod json_schema;
mod listing;
mod options;
mod routes;
mod rules;
mod run;
mod terminal;

/// Everything asked for was done, and no blocking gate failed.
pub const PASSED: u8 = 0;
/// A blocking gate failed.
pub const GATE_FAILED: u8 = 1;
/// The run could not take place, or its report could not be delivered.
pub const COULD_NOT_RUN: u8 = 2;
/// The run took place and no blocking gate failed, but something could not be read or judged.
pub const INCOMPLETE: u8 = 3;

/// Reads a repository and answers, with evidence, whether it can go to production.
///
/// It never runs the audited code, never uses the network, and gives the same bytes for the same
/// input. What it could not judge it calls NOT ASSESSED; unknown is never a pass.
#[derive(Debug, Parser)]
#[command(name = "readiness", version, propagate_version = true, max_term_width = 100)]
#[command(after_help = "`readiness audit` in a repository is the place to start.")]
#[command(after_long_help = EXIT_STATUS)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// When to write colours.
    ///
    /// `auto` writes them to a terminal, unless NO_COLOR is set.
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    color: ColorChoice,
}

const EXIT_STATUS: &str = "\
Exit status:
  0  no blocking gate failed
  1  a blocking gate failed: NO-GO
  2  could not run: bad arguments, configuration or root, or an output that cannot be written
  3  ran and no blocking gate failed, but something could not be read or judged, or there was
     nothing to audit; --allow-incomplete turns it into 0

Examples:
  readiness audit                             the report about this folder, in the terminal
  readiness audit -o report.md -o audit.json  the same as a document and as data
  readiness explain gate                      what GO takes, with the current configuration";

#[derive(Debug, Subcommand)]
enum Command {
    Audit(audit::Arguments),
    Routes(routes::Arguments),
    Calls(calls::Arguments),
    Contract(contract::Arguments),
    Rules(rules::Arguments),
    Explain(explain::Arguments),
    Init(init::Arguments),
    JsonSchema(json_schema::Arguments),
}

/// Runs the command that the process was started with.
#[must_use]
pub fn main() -> ExitCode {
    if let Some(code) = worker::as_child(steps::build) {
        return code;
    }
    let cli = Cli::parse();
    let outcome = match &cli.command {
        Command::Audit(arguments) => arguments.run(cli.color),
        Command::Routes(arguments) => arguments.run(),
        Command::Calls(arguments) => arguments.run(),
        Command::Contract(arguments) => arguments.run(),
        Command::Rules(arguments) => arguments.run(cli.color),
        Command::Explain(arguments) => arguments.run(),
        Command::Init(arguments) => arguments.run(),
        Command::JsonSchema(arguments) => arguments.run(),
    };
    let status = outcome.unwrap_or_else(|error| {
        terminal::note(&fault::of_run(&error, cli.color));
        COULD_NOT_RUN
    });
    ExitCode::from(status)
}

/// How an audit ends: [`PASSED`], [`GATE_FAILED`], or [`INCOMPLETE`], whatever the format of its
/// report. `allow_incomplete` turns the last into the first; it never hides a failed gate.
#[must_use]
pub fn exit_status(audit: &Audit, allow_incomplete: bool) -> u8 {
    let failed = audit.gates.iter().any(|gate| gate.blocks && gate.status == Status::Fail);
    let nothing = audit.coverage.analysed + audit.coverage.partly_read == 0;
    let unjudged = audit.verdict == Verdict::NotAssessed;
    if failed || audit.verdict == Verdict::NoGo {
        GATE_FAILED
    } else if (audit.coverage.incomplete || nothing || unjudged) && !allow_incomplete {
        INCOMPLETE
    } else {
        PASSED
    }
}

/// A clap parser for a closed set of words, which the help then lists.
fn words<T>(known: impl IntoIterator<Item = &'static str>) -> impl TypedValueParser<Value = T>
where
    T: std::str::FromStr<Err = String> + Clone + Send + Sync + 'static,
{
    PossibleValuesParser::new(known).try_map(|word| word.parse::<T>())
}

/// An argument error that clap itself cannot see, printed as it prints its own.
fn usage_error(message: &str) -> ! {
    Cli::command().error(clap::error::ErrorKind::ValueValidation, message).exit()
}

#[cfg(test)]
mod tests;
