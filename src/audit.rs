//! The audit: everything a report may say, as one serialisable value. Reports print it and
//! compute nothing (DESIGN.md, "What must stay true", 2).

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::finding::{Accepted, Category, Finding, Severity};
use crate::gate::{Gate, Verdict};
use crate::inventory::calls::Call;
use crate::inventory::contract::Contract;
use crate::inventory::routes::Route;
use crate::score::Scorecard;
use crate::source::{Language, Role};

/// The identity of the JSON format. It changes when a field changes its meaning or disappears.
pub const SCHEMA: &str = "readiness/audit/1";

/// What one run found out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Audit {
    /// [`SCHEMA`].
    pub schema: String,
    /// Which tool said it.
    pub tool: Tool,
    /// What was audited.
    pub project: Project,
    /// Whether it can go to production.
    pub verdict: Verdict,
    /// The criteria behind the verdict.
    pub gates: Vec<Gate>,
    /// The numbers and what made them.
    pub scorecard: Scorecard,
    /// Every finding, suppressed ones included; worst first, then by path and place.
    pub findings: Vec<Finding>,
    /// Legitimate uses that rules looked at.
    pub accepted: Vec<Accepted>,
    /// The routes, by path and method.
    pub routes: Vec<Route>,
    /// The calls to servers, by file and line.
    pub calls: Vec<Call>,
    /// Which routes are called, and which calls do not fit.
    pub contract: Contract,
    /// Frameworks that imports or manifests name but that no reader of ours reads.
    pub frameworks_not_assessed: Vec<String>,
    /// Codebase facts (row 4.02).
    pub codebase: Codebase,
    /// Which files were read, and which not and why.
    pub coverage: Coverage,
    /// The rules that ran, by id: what `explain` says in short.
    pub rules: BTreeMap<String, RuleSummary>,
}

/// The tool that made an audit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tool {
    /// `readiness`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Digest of the rule catalogue that ran: identifier, configuration and text of each rule.
    pub rules_digest: String,
    /// How many rules ran.
    pub rules: usize,
}

/// The inventories of a repository that nobody judged.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Listing {
    /// What was read.
    pub project: Project,
    /// The routes.
    pub routes: Vec<Route>,
    /// The calls to servers, where they were asked for.
    pub calls: Vec<Call>,
    /// Those by tests, where they were asked for.
    pub calls_by_tests: Vec<Call>,
    /// Which routes are called, and which calls do not fit.
    pub contract: Contract,
    /// Frameworks that a manifest names but whose routes are not read.
    pub frameworks_not_assessed: Vec<String>,
    /// Which files were read, and which were not.
    pub coverage: Coverage,
}

/// What was audited.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Project {
    /// From a manifest, else the folder's name.
    pub name: String,
    /// From the same manifest.
    pub version: Option<String>,
    /// Where the name comes from: `pyproject.toml`, `package.json`, `Cargo.toml`, `folder`.
    pub named_by: String,
    /// The commit that is checked out, where there is a git repository.
    pub commit: Option<Commit>,
}

/// A commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Commit {
    /// Its full id.
    pub id: String,
    /// The committer's date, `YYYY-MM-DDTHH:MM:SSZ`.
    pub date: String,
}

/// What a report says about a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RuleSummary {
    /// Title.
    pub title: String,
    /// Category.
    pub category: Category,
    /// Severity after configuration.
    pub severity: Severity,
    /// Why it matters.
    pub why: String,
    /// What to do.
    pub fix: String,
    /// Minutes that one fix takes, an estimate from the rule's file.
    pub effort_minutes: u32,
    /// CWE, ASVS, links.
    pub references: Vec<String>,
    /// Open findings.
    pub open: usize,
    /// Suppressed findings.
    pub suppressed: usize,
    /// Accepted uses.
    pub accepted: usize,
}

/// Sizes of the code base. Lines are physical; blank ones and comment-only ones are told apart.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Codebase {
    /// Files and lines per language and role; only what was analysed or partly read.
    pub sizes: Vec<Size>,
    /// Lines of production code: the size that scores are fair to.
    pub production_code_lines: u64,
    /// Lines of test code.
    pub test_code_lines: u64,
}

impl Codebase {
    /// Thousand lines of production code.
    #[must_use]
    pub fn kloc(&self) -> f64 {
        self.production_code_lines as f64 / 1000.0
    }
}

/// A row of the size table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Size {
    /// The language.
    pub language: Language,
    /// The role.
    pub role: Role,
    /// Files.
    pub files: u64,
    /// Lines that are neither blank nor only comment.
    pub code: u64,
    /// Lines that are only comment.
    pub comment: u64,
    /// Blank lines.
    pub blank: u64,
}

/// The coverage ledger: every walked file is analysed, partly read, or left out, and
/// `walked = analysed + partly_read + left_out` holds.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Coverage {
    /// Files met.
    pub walked: u64,
    /// Read whole.
    pub analysed: u64,
    /// Of these and the partly read, how many were parsed; the others hold none of the literals
    /// without which no rule and no extractor can fire.
    pub parsed: u64,
    /// Read as far as they parse.
    pub partly_read: u64,
    /// Not read.
    pub left_out: u64,
    /// Folders that were not entered (and whose files are therefore not counted above).
    pub folders_not_entered: u64,
    /// Counts by reason, of everything but the analysed.
    pub reasons: BTreeMap<String, u64>,
    /// Each entry that is not simply analysed.
    pub entries: Vec<LedgerEntry>,
    /// Files by role, of the analysed and partly read.
    pub roles: BTreeMap<String, u64>,
    /// True where something that should have been read could not be: exit status 3.
    pub incomplete: bool,
}

scale! {
    /// How a file or folder ended.
    Outcome {
        /// Read whole.
        Analysed = "analysed",
        /// Read as far as it parses.
        PartlyRead = "partly-read",
        /// Not read.
        LeftOut = "left-out",
        /// A folder that was not entered.
        NotEntered = "not-entered",
    }
}
use crate::finding::scale;

/// A line of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct LedgerEntry {
    /// The file or folder.
    pub path: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Why: one of a small set of phrases, so that they can be counted.
    pub reason: String,
    /// More about this one: the place of a syntax error, the signal of a crash.
    pub detail: Option<String>,
    /// Whether it is a failure (it should have been read and could not be) and not a choice.
    pub failure: bool,
}
