//! How the commands run an audit: files are parsed in a child process of this executable.

use std::path::Path;

use anyhow::Context as _;

use crate::Run;
use crate::audit::{Audit, Listing};
use crate::config::Config;
use crate::profile::Profile;
use crate::scan::{Isolation, WorkerProgram};

/// Which calls to servers are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Calls {
    /// None of them.
    None,
    /// Those of the program.
    OfProgram,
    /// Those by tests, too.
    WithTests,
}

/// Lists what a repository holds, without judging it; the calls to servers only where they are
/// asked for.
pub(super) fn inventory(root: &Path, config: &Config, calls: Calls) -> anyhow::Result<Listing> {
    let program = WorkerProgram::this().context("the scanner cannot be found")?;
    let isolation = Isolation::Child(program);
    let (calls, tests) = (calls != Calls::None, calls == Calls::WithTests);
    let run = Run { isolation, progress: &|_, _| {}, calls, tests, today: today() };
    Ok(crate::inventory(root, config, &run)?)
}

/// Audits, telling `progress` now and then how many of how many files are done.
pub(super) fn audit(
    root: &Path,
    config: &Config,
    progress: &(dyn Fn(usize, usize) + Sync),
    profile: Option<&mut Profile>,
) -> anyhow::Result<Audit> {
    let program = WorkerProgram::this().context("the scanner cannot be found")?;
    let isolation = Isolation::Child(program);
    let run = Run { isolation, progress, calls: true, tests: false, today: today() };
    Ok(crate::profiled(root, config, &run, profile)?)
}

/// Today in UTC, against which suppressions expire. Nothing else in an audit knows the date.
fn today() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%d").to_string()
}
