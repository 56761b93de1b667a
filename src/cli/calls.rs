//! `readiness calls`

use clap::Args;
use serde::Serialize;

use super::listing::{self, Format, Pattern, is_file, json, numbered};
use super::options::RunOptions;
use super::{PASSED, run, terminal};
use crate::inventory::calls::statistics::{Share, Statistics};
use crate::inventory::calls::{Call, Status};
use crate::source::Role;

/// List the calls that the code makes to servers, with where each lands.
///
/// A call stands where its address is given, also where functions of the program hand it on to
/// `fetch`, axios and their kin. It is matched with the routes of the same repository as their
/// routers would: by method, types of parameters and the slash at the end. `{}` stands for a part
/// that is known only at run time.
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
    /// Show the way of the calls at a place: from where the address is given to where it is sent,
    /// and to the route.
    #[arg(long, value_name = "FILE:LINE")]
    explain: Option<String>,
}

const EXAMPLES: &str = "\
Examples:
  readiness calls                                    a table, by file
  readiness calls --status missing,path-mismatch     what reaches no route
  readiness calls --explain src/api/users.ts:12      how one call is known
  readiness calls -f json                            data, the same from version to version";

/// Which calls are shown.
#[derive(Debug, Default, Args)]
struct Filter {
    /// Show calls with one of these methods; `WS` opens a WebSocket.
    #[arg(long, value_name = "METHOD", value_delimiter = ',')]
    method: Vec<String>,
    /// Show calls whose address matches a glob, or holds this text.
    #[arg(long, value_name = "GLOB|TEXT")]
    url: Option<String>,
    /// Show calls that land so: matched, stub, method-mismatch, path-mismatch, missing, asset,
    /// external, dynamic.
    #[arg(long, value_name = "STATUS", value_delimiter = ',', value_parser = parse_status)]
    status: Vec<Status>,
    /// Show calls whose file matches a glob, or holds this text.
    #[arg(long, value_name = "GLOB|TEXT")]
    file: Option<String>,
    /// Show calls of files that are for this: production, script, config, generated; test adds
    /// those by tests, which are left out otherwise.
    #[arg(long, value_name = "ROLE", value_delimiter = ',', value_parser = parse_role)]
    role: Vec<Role>,
}

fn parse_status(text: &str) -> Result<Status, String> {
    text.parse()
}

fn parse_role(text: &str) -> Result<Role, String> {
    text.parse()
}

impl Filter {
    fn apply(&self, mut calls: Vec<Call>) -> anyhow::Result<Vec<Call>> {
        let url = self.url.as_deref().map(Pattern::new).transpose()?;
        let file = self.file.as_deref().map(Pattern::new).transpose()?;
        calls.retain(|call| {
            let is = |method: &String| call.method.eq_ignore_ascii_case(method);
            (self.method.is_empty() || self.method.iter().any(is))
                && url.as_ref().is_none_or(|url| url.fits(&call.url))
                && file.as_ref().is_none_or(|file| file.fits(&call.file))
                && (self.role.is_empty() || self.role.contains(&call.role))
                && (self.status.is_empty() || self.status.contains(&call.status))
        });
        Ok(calls)
    }
}

#[derive(Serialize)]
struct Inventory<'a> {
    calls: &'a [Call],
    statistics: Statistics,
}

impl Arguments {
    pub(super) fn run(&self) -> anyhow::Result<u8> {
        let (root, config) = self.run.load()?;
        // Reading the tests takes as long as reading the program.
        let wanted = match self.filter.role.contains(&Role::Test) {
            true => run::Calls::WithTests,
            false => run::Calls::OfProgram,
        };
        let mut listing = run::inventory(root, &config, wanted)?;
        listing.calls.append(&mut listing.calls_by_tests);
        listing.calls.sort_by(|a, b| (&a.file, a.line, a).cmp(&(&b.file, b.line, b)));
        let calls = self.filter.apply(listing.calls)?;
        let text = match (&self.explain, self.format) {
            (Some(place), _) => explained(&calls, place)?,
            (None, Format::Json) => {
                json(&Inventory { calls: &calls, statistics: Statistics::of(&calls) })?
            }
            (None, Format::Table) => table(&calls),
        };
        terminal::report(&text)?;
        Ok(if listing.coverage.incomplete { super::INCOMPLETE } else { PASSED })
    }
}

/// The calls by file, with counts by where they land.
fn table(calls: &[Call]) -> String {
    if calls.is_empty() {
        return "no calls found\n".to_owned();
    }
    let listed = listing::by_file(calls, |call| &call.file, counts, row, "file");
    listed + &numbers(&Statistics::of(calls))
}

/// How many of how many calls land on a route that answers them, by what they have in common.
fn numbers(statistics: &Statistics) -> String {
    let share = |share: &Share| {
        let Share { name, matched, total } = share;
        [name.clone(), format!("{matched} of {total}")]
    };
    let mut text = format!("{} of {} matched\n", statistics.matched, statistics.total);
    for (what, shares) in [("method", &statistics.by_method), ("module", &statistics.by_module)] {
        text += &format!("  by {what}\n");
        let rows: Vec<_> = shares.iter().map(share).collect();
        for line in terminal::rows(&rows).lines() {
            text += &format!("    {line}\n");
        }
    }
    text
}

/// `5 calls: 4 matched, 1 missing`
fn counts(calls: &[&Call]) -> String {
    let by_status = listing::tally(calls, Status::ALL, |call| &call.status);
    format!("{}: {by_status}", numbered(calls.len(), "call"))
}

fn row(call: &Call) -> [String; 5] {
    let mut lands = match (&call.route, &call.nearest, &call.opaque) {
        (Some(route), ..) => route.path.clone(),
        (None, Some(nearest), _) => format!("candidate: {}", nearest.edit),
        (None, None, Some(opaque)) => format!("below {}, which nobody knows", opaque.path),
        (None, None, None) => String::new(),
    };
    if let Some(prefix) = &call.inferred_prefix {
        lands += &format!(" ({prefix} inferred)");
    }
    let place = format!("line {}", call.line);
    [call.method.clone(), call.url.clone(), call.status.to_string(), lands, place]
}

/// The way of the calls at a place.
fn explained(calls: &[Call], place: &str) -> anyhow::Result<String> {
    let Some((file, line)) = listing::place(place) else {
        anyhow::bail!("`{place}` is no place: write FILE:LINE, as in `src/api/users.ts:12`");
    };
    let mut text = String::new();
    for call in calls.iter().filter(|call| is_file(&call.file, file) && call.line == line) {
        text += &format!("{} {}  {}\n", call.method, call.url, call.status);
        for (at, step) in call.way.iter().enumerate() {
            let what = match (at, call.way.len()) {
                (at, length) if at + 1 == length => format!("sent by {}", call.client),
                (0, _) => "the address is given".to_owned(),
                _ => "handed on".to_owned(),
            };
            text += &format!("  {}:{}  {what}\n", step.file, step.line);
        }
        if let Some(prefix) = &call.inferred_prefix {
            text += &format!(
                "  its base is not known: taken for {prefix}, behind which most calls of the same base land\n"
            );
        }
        if let Some(by) = &call.rewritten {
            text += &format!("  {}:{}  a proxy hands it on as {}\n", by.file, by.line, by.path);
        }
        if let Some(route) = &call.route {
            let methods =
                if route.methods.is_empty() { "any".to_owned() } else { route.methods.join(", ") };
            text +=
                &format!("  {}:{}  answered by {methods} {}\n", route.file, route.line, route.path);
        }
        if let Some(opaque) = &call.opaque {
            text += &format!(
                "  {}:{}  mounts below {} what nobody knows\n",
                opaque.file, opaque.line, opaque.path
            );
        }
        if let Some(nearest) = &call.nearest {
            let route = &nearest.route;
            text += &format!(
                "  {}:{}  a candidate is {}: {}\n",
                route.file, route.line, route.path, nearest.edit
            );
        }
    }
    if text.is_empty() {
        anyhow::bail!("no call is given its address at {place}; `readiness calls` lists them");
    }
    Ok(terminal::visible(&text))
}
