//! `readiness` reads a repository and answers, with evidence, whether it can go to production.
//!
//! The way of the data: [`walk`] finds the files, [`scan`] turns each into findings and file
//! facts, [`inventory`] links the facts into tables, [`score`] and [`gate`] judge, and
//! [`report`] prints the [`audit::Audit`] that comes of it.

pub mod assemble;
pub mod audit;
pub mod checks;
pub mod cli;
pub mod config;
pub mod eval;
pub mod facts;
pub mod finding;
pub mod gate;
pub mod inventory;
pub mod limits;
pub mod module;
pub mod profile;
pub mod project;
pub mod report;
pub mod repository;
pub mod rules;
pub mod scan;
pub mod score;
pub mod source;
pub mod walk;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Instant;

use audit::{Audit, Listing, SCHEMA};
use config::Config;
use inventory::Inventories;
use profile::Profile;
use repository::Repository;
use rules::RuleBook;
use scan::{FileScan, Isolation, Job, ScanError};
use walk::Walk;

/// Why there is no audit.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The root cannot be walked.
    #[error(transparent)]
    Walk(#[from] walk::WalkError),
    /// A rule of the catalogue or of the user is faulty.
    #[error(transparent)]
    Rule(#[from] rules::RuleError),
    /// The configuration names a rule that does not exist.
    #[error(transparent)]
    Config(#[from] config::ConfigError),
    /// The scanner could not be run.
    #[error(transparent)]
    Scan(#[from] ScanError),
}

/// How an audit is run: what no report depends on, and the date.
pub struct Run<'r> {
    /// Where files are parsed.
    pub isolation: Isolation,
    /// Told now and then how many files are done.
    pub progress: &'r (dyn Fn(usize, usize) + Sync),
    /// Whether the calls to servers are listed, too.
    pub calls: bool,
    /// Whether those by tests are, too.
    pub tests: bool,
    /// The day against which suppressions expire, `YYYY-MM-DD`.
    pub today: String,
}

/// Audits a repository.
///
/// # Errors
/// See [`Error`]. Files that cannot be read are no error: they are in the audit's ledger.
pub fn audit(root: &Path, config: &Config, run: &Run<'_>) -> Result<Audit, Error> {
    profiled(root, config, run, None)
}

/// Audits a repository and adds to a profile where the time goes.
///
/// # Errors
/// See [`audit`].
pub fn profiled(
    root: &Path,
    config: &Config,
    run: &Run<'_>,
    profile: Option<&mut Profile>,
) -> Result<Audit, Error> {
    let wanted = profile.is_some();
    let mut unwanted = Profile::default();
    let profile = profile.unwrap_or(&mut unwanted);
    let mut book = RuleBook::load(config)?;
    book.expire(&run.today);
    let reading = read(root, config, &book, run, wanted.then_some(&mut *profile))?;
    let Reading { repository, walk, mut scans, inventories } = reading;
    let start = Instant::now();
    let contract = assemble::contract(config, &scans, &inventories);
    let project = assemble::project_findings(
        root,
        config,
        &book,
        &walk,
        &scans,
        &inventories,
        &contract,
        profile,
    );
    profile.phase("rules over the project", start);
    let start = Instant::now();
    let judged =
        assemble::judge(&mut scans, project, &book, &run.today, config.file_in(root).as_deref());
    let coverage = assemble::coverage(&walk, &scans, repository.as_ref(), &inventories);
    let codebase = assemble::codebase(&scans);
    let assessed = assemble::assessments(&book, &scans);
    let scorecard = score::score(&judged.findings, &assessed, codebase.kloc(), &config.score);
    let landed = assemble::landed(&inventories);
    let gates = gate::gates(&scorecard, &judged.findings, landed, &config.gates);
    profile.phase("judge", start);
    Ok(Audit {
        schema: SCHEMA.to_owned(),
        tool: book.tool(),
        project: assemble::project(root, repository.as_ref()),
        verdict: gate::verdict(&gates),
        gates,
        scorecard,
        rules: book.summaries(&judged.findings, &judged.accepted),
        findings: judged.findings,
        accepted: judged.accepted,
        routes: inventories.routes,
        calls: inventories.calls,
        contract,
        frameworks_not_assessed: assemble::frameworks(&scans),
        codebase,
        coverage,
    })
}

/// The inventories alone: no rule runs, and nothing is judged.
///
/// # Errors
/// See [`Error`].
pub fn inventory(root: &Path, config: &Config, run: &Run<'_>) -> Result<Listing, Error> {
    let reading = read(root, config, &RuleBook::without_rules(), run, None)?;
    let Reading { repository, walk, scans, inventories } = reading;
    Ok(Listing {
        project: assemble::project(root, repository.as_ref()),
        coverage: assemble::coverage(&walk, &scans, repository.as_ref(), &inventories),
        contract: assemble::contract(config, &scans, &inventories),
        routes: inventories.routes,
        calls: inventories.calls,
        calls_by_tests: inventories.calls_by_tests,
        frameworks_not_assessed: assemble::frameworks(&scans),
    })
}

/// What was read of a repository.
struct Reading {
    repository: Option<Repository>,
    walk: Walk,
    scans: Vec<FileScan>,
    inventories: Inventories,
}

/// Walks, scans and links.
fn read(
    root: &Path,
    config: &Config,
    book: &RuleBook,
    run: &Run<'_>,
    profile: Option<&mut Profile>,
) -> Result<Reading, Error> {
    let start = Instant::now();
    let repository = repository::open(root);
    let walk = walk::walk(root, &assemble::walk_options(config, repository.as_ref()))?;
    let walked = Instant::now();
    let mut plan = assemble::plan(&walk, book, config);
    plan.profile = profile.is_some();
    plan.calls = run.calls;
    plan.tests = run.tests;
    let total = walk.jobs.len();
    let progress = |done| (run.progress)(done, total);
    let mut scans = scan::run(&run.isolation, &plan, &walk.jobs, &progress)?;
    let scanned = Instant::now();

    let known: BTreeSet<String> = walk.jobs.iter().map(|job| job.path.clone()).collect();
    let jobs: BTreeMap<&str, &Job> = walk.jobs.iter().map(|job| (job.path.as_str(), job)).collect();
    // The linker asks for modules only, and a scanner without rules starts at once.
    let without_rules = plan.without_rules();
    let mut inventories = inventory::link(
        assemble::take_facts(&mut scans),
        &known,
        run.calls,
        |paths| {
            let jobs: Vec<Job> = paths
                .iter()
                .filter_map(|path| jobs.get(path.as_str()))
                .map(|job| Job { facts_only: true, ..(*job).clone() })
                .collect();
            scan::run(&run.isolation, &without_rules, &jobs, &|_| {})
                .map(|mut scans| assemble::take_facts(&mut scans))
        },
        |patterns| assemble::hits(root, config, &scans, patterns),
    )?;
    assemble::mask(&mut inventories);
    if let Some(profile) = profile {
        let spent = |since: Instant, until: Instant| profile::nanoseconds(until - since);
        let phases = [
            ("walk", spent(start, walked)),
            ("scan", spent(walked, scanned)),
            ("link", spent(scanned, Instant::now())),
        ];
        profile.phases.extend(phases.map(|(name, spent)| (name.to_owned(), spent)));
        scans.iter().for_each(|scan| profile.add(&scan.spent));
    }
    Ok(Reading { repository, walk, scans, inventories })
}
