//! Puts the parts of an audit together: what is counted over all files, and what is told once for
//! all of them. Pure functions over what the pipeline of [`crate::audit`] found.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use regex::RegexSet;

use crate::audit::{Codebase, Coverage, LedgerEntry, Outcome, Project, Size};
use crate::checks::project::{Project as ProjectFacts, TreeFile};
use crate::config::{Config, RouteNote};
use crate::finding::{Accepted, Category, Finding};
use crate::gate::Landed;
use crate::inventory::Inventories;
use crate::inventory::Need;
use crate::inventory::calls;
use crate::inventory::contract::Contract;
use crate::inventory::contract::usage::Said;
use crate::inventory::routes::naming::Hit;
use crate::inventory::routes::told::Told;
use crate::module::Module;
use crate::profile::Profile;
use crate::project as manifest;
use crate::repository::Repository;
use crate::rules;
use crate::rules::redact::redact;
use crate::rules::suppress::{self, FileSuppressions};
use crate::rules::{RuleBook, RuleSpec};
use crate::scan::{FileScan, Plan, Status};
use crate::score::Assessment;
use crate::source::{self, Language, Role, Source, mentions};
use crate::walk::{Walk, WalkOptions};

/// What the walk is asked for.
#[must_use]
pub fn walk_options(config: &Config, repository: Option<&Repository>) -> WalkOptions {
    // The longest glob that matches decides, so the longest come first.
    let mut roles: Vec<(String, Role)> =
        config.files.roles.iter().map(|(glob, role)| (glob.clone(), *role)).collect();
    roles.sort_by(|a, b| b.0.len().cmp(&a.0.len()).then_with(|| a.0.cmp(&b.0)));
    WalkOptions {
        include: config.files.include.clone(),
        exclude: config.files.exclude.clone(),
        roles,
        no_ignore: config.files.no_ignore,
        tracked: repository.map(|repository| repository.tracked.clone()).unwrap_or_default(),
        threads: config.threads.map_or(0, std::num::NonZeroUsize::get),
        entries: config.limits.walk_entries,
    }
}

/// What the scanner is asked for.
#[must_use]
pub fn plan(walk: &Walk, book: &RuleBook, config: &Config) -> Plan {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    let threads = config.threads.map_or(cores, std::num::NonZeroUsize::get);
    let mut plan = Plan::new(&walk.base, config.limits.limits(), threads);
    plan.rules.clone_from(&book.sources);
    plan.overrides.clone_from(&book.overrides);
    plan
}

/// Name and version from a manifest, the commit from git.
#[must_use]
pub fn project(root: &Path, repository: Option<&Repository>) -> Project {
    Project {
        commit: repository.and_then(|repository| repository.head.clone()),
        ..manifest::identify(root)
    }
}

/// The file facts, by path; the scans keep everything else.
#[must_use]
pub fn take_facts(scans: &mut [FileScan]) -> BTreeMap<String, (Need, Module)> {
    scans
        .iter_mut()
        .filter_map(|scan| scan.facts.take().map(|facts| (scan.path.clone(), (scan.need, facts))))
        .collect()
}

/// The files of the tree, but for tests, that hold some of these patterns.
#[must_use]
pub fn hits(root: &Path, config: &Config, scans: &[FileScan], patterns: &RegexSet) -> Vec<Hit> {
    let limit = config.limits.limits().read_bytes;
    let files = scans.iter().filter(|scan| !matches!(scan.role, Role::Test | Role::Mock));
    let hit = |scan: &FileScan| {
        let bytes = source::read(root, &scan.path, limit).ok()?;
        let (text, _) = source::decode_vec(bytes).ok()?;
        let patterns: Vec<usize> = patterns.matches(&text).into_iter().collect();
        let (path, role) = (scan.path.clone(), scan.role);
        (!patterns.is_empty()).then_some(Hit { path, role, patterns })
    };
    files.filter_map(hit).collect()
}

/// Findings after suppressions, in their final order.
#[derive(Debug, Default)]
pub struct Judged {
    /// Worst first, then by place.
    pub findings: Vec<Finding>,
    /// By rule and place.
    pub accepted: Vec<Accepted>,
}

/// Whether what a file mentions is what a page or a link leads to; else a test says it.
fn is_linking(scan: &FileScan) -> bool {
    let is_read = scan.language.is_script() || scan.language == Language::Python;
    scan.role == Role::Production && (is_read || mentions::is_page(&scan.path))
}

/// What the configuration tells of routes.
fn told(notes: &[RouteNote]) -> Vec<Told> {
    let of = |note: &RouteNote| {
        Some(Told {
            path: globset::Glob::new(&note.path).ok()?.compile_matcher(),
            methods: note.methods.iter().map(|method| method.to_ascii_uppercase()).collect(),
            reason: note.reason.clone(),
        })
    };
    notes.iter().filter_map(of).collect()
}

/// Which routes are called, and which calls do not fit.
#[must_use]
pub fn contract(config: &Config, scans: &[FileScan], inventories: &Inventories) -> Contract {
    let mentioned = |wanted: bool| -> BTreeSet<String> {
        let files = scans.iter().filter(|scan| is_linking(scan) == wanted);
        files.flat_map(|scan| &scan.mentions).cloned().collect()
    };
    let elsewhere = told(&config.routes.called_elsewhere);
    let (pages, tests) = (mentioned(true), mentioned(false));
    let said = Said { pages: &pages, tests: &tests, elsewhere: &elsewhere };
    Contract::of(&inventories.routes, &inventories.calls, &said, &inventories.pages)
}

/// What the rules over the whole project find.
#[must_use]
#[allow(clippy::too_many_arguments, reason = "they are the parts of a reading")]
pub fn project_findings(
    root: &Path,
    config: &Config,
    book: &RuleBook,
    walk: &Walk,
    scans: &[FileScan],
    inventories: &Inventories,
    contract: &Contract,
    profile: &mut Profile,
) -> Judged {
    let tests = scans.iter().filter(|scan| !is_linking(scan));
    let mentions = tests.flat_map(|scan| &scan.mentions).cloned().collect();
    let public = told(&config.routes.public);
    let uses: Vec<_> = scans.iter().map(|scan| (scan.path.as_str(), &scan.uses)).collect();
    let project = ProjectFacts {
        routes: &inventories.routes,
        guards: &inventories.guards,
        operations: &inventories.operations,
        contract,
        public: &public,
        mentions: &mentions,
        uses: &uses,
        files: &tree_files(walk, scans),
        manifests: &manifests(root, config, scans),
    };
    let scans: BTreeMap<&str, &FileScan> =
        scans.iter().map(|scan| (scan.path.as_str(), scan)).collect();
    let limit = config.limits.limits().read_bytes;
    let read = |path: &str| {
        let scan = scans.get(path)?;
        let bytes = source::read(root, path, limit).ok()?;
        let (text, encoding) = source::decode_vec(bytes).ok()?;
        let path = path.to_owned();
        Some(Source { path, language: scan.language, role: scan.role, text, encoding })
    };
    let (findings, accepted) = rules::project::run(&book.specs, &project, read, profile);
    Judged { findings, accepted }
}

/// The files that are scanned, and those that no reader fits. What the user, an ignore file or a
/// package manager keeps out is nobody's concern.
fn tree_files(walk: &Walk, scans: &[FileScan]) -> Vec<TreeFile> {
    let unread = walk
        .left_out
        .iter()
        .filter(|entry| entry.reason == "binary file" || entry.reason.starts_with("no reader"));
    let mut files: Vec<TreeFile> = scans
        .iter()
        .map(|scan| TreeFile { path: scan.path.clone(), role: scan.role })
        .chain(unread.map(|entry| TreeFile {
            path: entry.path.clone(),
            role: source::role::of_path(&entry.path, Language::Other).0,
        }))
        .collect();
    files.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    files
}

/// The manifests that name packages, as they are.
fn manifests(root: &Path, config: &Config, scans: &[FileScan]) -> Vec<(String, String)> {
    /// More of them say nothing new.
    const MOST: usize = 200;
    let limit = config.limits.limits().read_bytes;
    scans
        .iter()
        .filter(|scan| source::names_packages(&scan.path))
        .take(MOST)
        .filter_map(|scan| {
            let bytes = source::read(root, &scan.path, limit).ok()?;
            Some((scan.path.clone(), source::decode_vec(bytes).ok()?.0))
        })
        .collect()
}

/// Collects what the files and the project yielded and applies the suppressions. What the
/// configuration allows for nothing is told where its file lies in the tree.
#[must_use]
pub fn judge(
    scans: &mut [FileScan],
    project: Judged,
    book: &RuleBook,
    today: &str,
    config_file: Option<&str>,
) -> Judged {
    let Judged { mut findings, mut accepted } = project;
    for scan in scans.iter_mut() {
        findings.append(&mut scan.findings);
        accepted.append(&mut scan.accepted);
    }
    let suppressions: Vec<FileSuppressions<'_>> = scans
        .iter()
        .filter(|scan| !scan.suppressions.is_empty())
        .map(|scan| FileSuppressions {
            path: &scan.path,
            role: scan.role,
            suppressions: &scan.suppressions,
        })
        .collect();
    let known: BTreeSet<&str> = book.known.iter().map(String::as_str).collect();
    let faults = suppress::apply(&mut findings, &suppressions, &book.specs, &known, today);
    findings.extend(faults);
    if let Some(file) = config_file {
        findings.extend(rules::allow::faults(&book.allowed, &accepted, &book.specs, file));
    }
    findings.sort_by(|a, b| {
        (b.severity, &a.location, &a.rule, &a.message).cmp(&(
            a.severity,
            &b.location,
            &b.rule,
            &b.message,
        ))
    });
    accepted.sort_by(|a, b| (&a.rule, &a.location).cmp(&(&b.rule, &b.location)));
    Judged { findings, accepted }
}

/// The ledger. Every walked file is in it exactly once.
#[must_use]
pub fn coverage(
    walk: &Walk,
    scans: &[FileScan],
    repository: Option<&Repository>,
    inventories: &Inventories,
) -> Coverage {
    let mut out = Coverage {
        walked: walk.walked,
        left_out: walk.left_out.len() as u64,
        folders_not_entered: walk.not_entered.len() as u64,
        ..Coverage::default()
    };
    out.entries.extend(walk.left_out.iter().chain(&walk.not_entered).cloned());
    out.entries.extend(repository.into_iter().flat_map(|repository| &repository.notes).cloned());
    out.entries.extend(inventories.notes.iter().cloned());
    for scan in scans {
        let (outcome, reason, detail, failure) = match &scan.status {
            Status::Analysed => {
                out.analysed += 1;
                *out.roles.entry(scan.role.to_string()).or_default() += 1;
                out.parsed += u64::from(scan.parsed);
                continue;
            }
            Status::Partly { reason, detail } => {
                out.partly_read += 1;
                *out.roles.entry(scan.role.to_string()).or_default() += 1;
                out.parsed += u64::from(scan.parsed);
                (Outcome::PartlyRead, reason, detail, true)
            }
            Status::LeftOut { reason, detail, failure } => {
                out.left_out += 1;
                (Outcome::LeftOut, reason, detail, *failure)
            }
        };
        out.entries.push(LedgerEntry {
            path: scan.path.clone(),
            outcome,
            reason: reason.clone(),
            detail: detail.clone(),
            failure,
        });
    }
    out.entries.sort();
    for entry in &out.entries {
        *out.reasons.entry(entry.reason.clone()).or_default() += 1;
    }
    let read = out.analysed + out.partly_read;
    out.incomplete = read == 0 || out.entries.iter().any(|entry| entry.failure);
    out
}

/// Sizes per language and role.
#[must_use]
pub fn codebase(scans: &[FileScan]) -> Codebase {
    let mut sizes: BTreeMap<_, Size> = BTreeMap::new();
    for scan in scans.iter().filter(|scan| !matches!(scan.status, Status::LeftOut { .. })) {
        let size = sizes.entry((scan.language, scan.role)).or_insert(Size {
            language: scan.language,
            role: scan.role,
            files: 0,
            code: 0,
            comment: 0,
            blank: 0,
        });
        size.files += 1;
        size.code += u64::from(scan.lines.code);
        size.comment += u64::from(scan.lines.comment);
        size.blank += u64::from(scan.lines.blank);
    }
    let lines_of = |role: Role| {
        sizes
            .values()
            .filter(|size| size.role == role && size.language.is_code())
            .map(|size| size.code)
            .sum()
    };
    Codebase {
        production_code_lines: lines_of(Role::Production),
        test_code_lines: lines_of(Role::Test),
        sizes: sizes.into_values().collect(),
    }
}

/// Which categories were judged: those with rules that had files to look at. It follows from the
/// catalogue and the files, never from findings.
#[must_use]
pub fn assessments(book: &RuleBook, scans: &[FileScan]) -> BTreeMap<Category, Assessment> {
    Category::ALL
        .iter()
        .map(|category| {
            let rules: Vec<&RuleSpec> =
                book.specs.iter().filter(|spec| spec.category == *category).collect();
            let files: BTreeSet<&str> = scans
                .iter()
                .filter(|scan| !matches!(scan.status, Status::LeftOut { .. }))
                .filter(|scan| rules.iter().any(|rule| looks_at(rule, scan)))
                .map(|scan| scan.path.as_str())
                .collect();
            let assessment = match (category, rules.len(), files.len()) {
                (Category::Testing, ..) => {
                    not_assessed("no test results and no coverage were given")
                }
                (Category::Performance, ..) => not_assessed("no load-test results were given"),
                (_, 0, _) => not_assessed("there is no rule for it yet"),
                (_, _, 0) => not_assessed("there is no file that its rules look at"),
                (_, rules, files) => {
                    Assessment::Assessed { basis: format!("{rules} rules over {files} files") }
                }
            };
            (*category, assessment)
        })
        .collect()
}

/// How the calls land that are meant for the repository's own servers.
#[must_use]
pub fn landed(inventories: &Inventories) -> Landed {
    let mut out = Landed { routes: inventories.routes.len(), ..Landed::default() };
    for call in &inventories.calls {
        match call.status {
            calls::Status::Matched | calls::Status::Asset => out.answered += 1,
            status if status.is_broken() => out.broken += 1,
            // What a server asks another for at an unknown address is no page's business.
            calls::Status::Dynamic if !calls::is_of_server(&call.client) => out.unknown += 1,
            _ => {}
        }
    }
    out
}

/// Masks the secrets that paths and addresses may hold.
pub fn mask(inventories: &mut Inventories) {
    let of_routes = inventories
        .routes
        .iter_mut()
        .flat_map(|route| std::iter::once(&mut route.path).chain(&mut route.otherwise));
    let calls = inventories.calls.iter_mut().chain(&mut inventories.calls_by_tests);
    let of_calls = calls.flat_map(|call| {
        let landing = call.route.iter_mut().map(|route| &mut route.path);
        let nearest = call
            .nearest
            .iter_mut()
            .flat_map(|nearest| [&mut nearest.route.path, &mut nearest.asked, &mut nearest.edit]);
        std::iter::once(&mut call.url).chain(landing).chain(nearest)
    });
    for text in of_routes.chain(of_calls) {
        if let Cow::Owned(masked) = redact(text) {
            *text = masked;
        }
    }
}

fn not_assessed(reason: &str) -> Assessment {
    Assessment::NotAssessed { reason: reason.to_owned() }
}

/// Whether a rule looks at a file. Rules about suppressions see every file, and say nothing about
/// its quality.
fn looks_at(rule: &RuleSpec, scan: &FileScan) -> bool {
    let language = if rule.languages.is_empty() {
        rule.subject.key() == "line" || scan.language.has_module()
    } else {
        rule.languages.contains(&scan.language)
    };
    language && rule.roles.contains(&scan.role)
}

/// Frameworks that manifests name but that are not read.
#[must_use]
pub fn frameworks(scans: &[FileScan]) -> Vec<String> {
    let all: BTreeSet<&String> = scans.iter().flat_map(|scan| &scan.frameworks_not_read).collect();
    all.into_iter().cloned().collect()
}
