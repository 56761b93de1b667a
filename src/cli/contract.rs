//! `readiness contract`

use clap::Args;

use super::listing::{self, Format, Pattern, json, numbered};
use super::options::RunOptions;
use super::{PASSED, run, terminal};
use crate::inventory::contract::{Cluster, Contract, Served, Usage};

/// Compare the calls with the routes: who calls each route, which routes nobody calls, and which
/// calls fit no route, by cause.
///
/// A route counts as called by the frontend where a call of it lands there, or a page or template
/// links to it or names it; by tests where one of them mentions its path, its name or its handler.
/// Routes that somebody else calls can be told in the configuration, with a reason:
/// `[[routes.called-elsewhere]]`.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Arguments {
    #[command(flatten)]
    run: RunOptions,
    /// The format.
    #[arg(short, long, value_enum, default_value = "table")]
    format: Format,
    #[command(flatten)]
    filter: Filter,
}

const EXAMPLES: &str = "\
Examples:
  readiness contract                           the matrix of routes and calls, and what does not fit
  readiness contract --usage nobody            routes that nobody calls, not even a test
  readiness contract --usage server,tests,nobody   routes without a frontend
  readiness contract --issues                  what does not fit, alone
  readiness contract -f json                   data, the same from version to version";

/// What is shown.
#[derive(Debug, Default, Args)]
struct Filter {
    /// Show routes that are called so: frontend, server, elsewhere, tests, nobody.
    #[arg(long, value_name = "USAGE", value_delimiter = ',', value_parser = parse_usage)]
    usage: Vec<Usage>,
    /// Show routes whose path matches a glob, or holds this text.
    #[arg(long, value_name = "GLOB|TEXT")]
    route: Option<String>,
    /// Show no routes, only what does not fit.
    #[arg(long)]
    issues: bool,
}

fn parse_usage(text: &str) -> Result<Usage, String> {
    text.parse()
}

impl Filter {
    fn apply(&self, mut contract: Contract) -> anyhow::Result<Contract> {
        let path = self.route.as_deref().map(Pattern::new).transpose()?;
        contract.routes.retain(|route| {
            !self.issues
                && (self.usage.is_empty() || self.usage.contains(&route.usage))
                && path.as_ref().is_none_or(|pattern| pattern.fits(&route.path))
        });
        Ok(contract)
    }
}

impl Arguments {
    pub(super) fn run(&self) -> anyhow::Result<u8> {
        let (root, config) = self.run.load()?;
        let listing = run::inventory(root, &config, run::Calls::OfProgram)?;
        let contract = self.filter.apply(listing.contract)?;
        let text = match self.format {
            Format::Json => json(&contract)?,
            Format::Table => table(&contract, self.filter.issues),
        };
        terminal::report(&text)?;
        Ok(if listing.coverage.incomplete { super::INCOMPLETE } else { PASSED })
    }
}

/// The routes by file with who calls them, then what does not fit.
fn table(contract: &Contract, only_issues: bool) -> String {
    let mut text = String::new();
    if !only_issues {
        text += &match contract.routes.is_empty() {
            true => "no routes found\n".to_owned(),
            false => listing::by_file(&contract.routes, |route| &route.file, counts, row, "file"),
        };
    }
    let calls: usize = contract.clusters.iter().map(|cluster| cluster.calls.len()).sum();
    if !contract.clusters.is_empty() {
        text += if only_issues { "" } else { "\n" };
        text += &contract.clusters.iter().map(issue).collect::<String>();
        text += "\n";
    }
    let fit = if calls == 1 { "1 call that fits" } else { &format!("{calls} calls that fit") };
    text + &format!("{}: {fit} no route\n", numbered(contract.clusters.len(), "issue"))
}

/// `5 routes: 4 frontend, 1 nobody`
fn counts(routes: &[&Served]) -> String {
    let by_usage = listing::tally(routes, Usage::ALL, |route| &route.usage);
    format!("{}: {by_usage}", numbered(routes.len(), "route"))
}

fn row(route: &Served) -> [String; 4] {
    let methods = if route.methods.is_empty() { "any".to_owned() } else { route.methods.join(",") };
    let told = match (&route.reason, route.calls.as_slice()) {
        (Some(reason), _) => reason.clone(),
        (None, []) if route.usage == Usage::Frontend => "a page or a link names it".to_owned(),
        (None, []) => String::new(),
        (None, [only]) => format!("{}:{}", only.file, only.line),
        (None, [first, others @ ..]) => {
            format!("{}:{} and {} more", first.file, first.line, others.len())
        }
    };
    [methods, route.path.clone(), route.usage.to_string(), told]
}

/// Pages of one issue that are shown.
const PAGES: usize = 5;

fn issue(cluster: &Cluster) -> String {
    let mut text = format!("{}: {}\n", cluster.status, cluster.cause);
    for call in &cluster.calls {
        text += &format!("  {}:{}  {}\n", call.file, call.line, call.method);
    }
    if let Some(edit) = &cluster.candidate {
        text += &format!("  candidate: {edit}\n");
    }
    if !cluster.pages.is_empty() {
        let mut shown: Vec<String> =
            cluster.pages.iter().take(PAGES).map(ToString::to_string).collect();
        if cluster.pages.len() > PAGES {
            shown.push(format!("{} more", cluster.pages.len() - PAGES));
        }
        text += &format!("  pages: {}\n", shown.join(", "));
    }
    terminal::visible(&text)
}
