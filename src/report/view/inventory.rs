//! Routes, sizes and the coverage ledger as tables whose rows add up.

use std::collections::BTreeMap;

use serde::Serialize;

use super::ratio;
use crate::audit::{Audit, Codebase, Coverage, LedgerEntry, Outcome};
use crate::inventory::routes::{AuthState, Route};

/// The routes.
#[derive(Debug, Serialize)]
pub(in crate::report) struct RoutesView<'a> {
    pub total: u64,
    /// Counts by methods; a route of two methods is one row's, not two.
    pub methods: Vec<Count>,
    /// Counts by framework and by who may call.
    pub frameworks: Vec<FrameworkRow<'a>>,
    /// The last row of that table.
    pub all: AuthCounts,
    /// By file.
    pub files: Vec<RouteFile<'a>>,
    /// Routes of which a part could not be resolved.
    pub unresolved: u64,
    /// Routes whose router reaches no application.
    pub unmounted: u64,
    /// Routes that are registered under a condition.
    pub conditional: u64,
    /// Frameworks that are used and not read.
    pub not_assessed: &'a [String],
}

/// A name and how often it occurs.
#[derive(Debug, Serialize)]
pub(in crate::report) struct Count {
    pub name: String,
    pub count: u64,
}

/// Routes by who may call them.
#[derive(Debug, Default, Clone, Copy, Serialize)]
pub(in crate::report) struct AuthCounts {
    pub required: u64,
    pub optional: u64,
    pub none: u64,
    pub unknown: u64,
    pub total: u64,
}

/// Routes of a framework.
#[derive(Debug, Serialize)]
pub(in crate::report) struct FrameworkRow<'a> {
    pub name: &'a str,
    pub auth: AuthCounts,
}

/// Routes of a file.
#[derive(Debug, Serialize)]
pub(in crate::report) struct RouteFile<'a> {
    pub path: &'a str,
    pub auth: AuthCounts,
    pub routes: Vec<RouteRow<'a>>,
}

/// A route.
#[derive(Debug, Serialize)]
pub(in crate::report) struct RouteRow<'a> {
    pub methods: String,
    pub path: &'a str,
    pub line: u32,
    pub handler: &'a str,
    pub framework: &'a str,
    pub auth: &'static str,
    pub by: String,
    /// `not resolved`, `not mounted`, `not loaded`, `conditional`.
    pub notes: String,
}

impl AuthCounts {
    fn add(&mut self, state: AuthState) {
        match state {
            AuthState::Required => self.required += 1,
            AuthState::Optional => self.optional += 1,
            AuthState::None => self.none += 1,
            AuthState::Unknown => self.unknown += 1,
        }
        self.total += 1;
    }
}

impl<'a> RoutesView<'a> {
    pub(super) fn new(audit: &'a Audit) -> Self {
        let mut methods: BTreeMap<String, u64> = BTreeMap::new();
        let mut frameworks: BTreeMap<&str, AuthCounts> = BTreeMap::new();
        let mut files: BTreeMap<&str, (AuthCounts, Vec<RouteRow<'_>>)> = BTreeMap::new();
        let mut all = AuthCounts::default();
        for route in &audit.routes {
            *methods.entry(methods_label(&route.methods)).or_default() += 1;
            frameworks.entry(&route.framework).or_default().add(route.auth.state);
            all.add(route.auth.state);
            let (counts, rows) = files.entry(&route.file).or_default();
            counts.add(route.auth.state);
            rows.push(row(route));
        }
        for (_, rows) in files.values_mut() {
            rows.sort_by(|a, b| (a.line, a.path, &a.methods).cmp(&(b.line, b.path, &b.methods)));
        }
        let mut methods: Vec<_> =
            methods.into_iter().map(|(name, count)| Count { name, count }).collect();
        methods.sort_by_key(|row| std::cmp::Reverse(row.count));
        let mut frameworks: Vec<_> =
            frameworks.into_iter().map(|(name, auth)| FrameworkRow { name, auth }).collect();
        frameworks.sort_by_key(|row| std::cmp::Reverse(row.auth.total));
        let count = |keep: fn(&Route) -> bool| {
            audit.routes.iter().filter(|route| keep(route)).count() as u64
        };
        Self {
            total: all.total,
            methods,
            frameworks,
            all,
            files: files
                .into_iter()
                .map(|(path, (auth, routes))| RouteFile { path, auth, routes })
                .collect(),
            unresolved: count(|route| !route.resolved),
            unmounted: count(|route| !route.mounted),
            conditional: count(|route| route.conditional),
            not_assessed: &audit.frameworks_not_assessed,
        }
    }
}

/// `GET, HEAD`; `any` where none is named.
pub(super) fn methods_label(methods: &[String]) -> String {
    if methods.is_empty() { "any".to_owned() } else { methods.join(", ") }
}

fn row(route: &Route) -> RouteRow<'_> {
    let notes = [
        (!route.resolved, "not resolved"),
        (!route.mounted, "not mounted"),
        (route.mounted && !route.reachable, "not loaded"),
        (route.conditional, "conditional"),
    ];
    RouteRow {
        methods: methods_label(&route.methods),
        path: &route.path,
        line: route.line,
        handler: route.handler.as_deref().unwrap_or("anonymous"),
        framework: &route.framework,
        auth: route.auth.state.as_str(),
        by: route.auth.by.join(", "),
        notes: notes
            .iter()
            .filter(|(holds, _)| *holds)
            .map(|(_, note)| *note)
            .collect::<Vec<_>>()
            .join(", "),
    }
}

/// Sizes of the code base.
#[derive(Debug, Serialize)]
pub(in crate::report) struct CodebaseView {
    pub rows: Vec<SizeRow>,
    pub all: SizeRow,
    pub production_code_lines: u64,
    pub test_code_lines: u64,
    /// Lines of test code as a share of both.
    pub test_share: String,
}

/// Files and lines of a language and role.
#[derive(Debug, Default, Serialize)]
pub(in crate::report) struct SizeRow {
    pub language: &'static str,
    pub role: &'static str,
    pub files: u64,
    pub code: u64,
    pub comment: u64,
    pub blank: u64,
}

impl CodebaseView {
    pub(super) fn new(codebase: &Codebase) -> Self {
        let mut sizes: Vec<_> = codebase.sizes.iter().collect();
        sizes.sort_by_key(|size| (size.role, std::cmp::Reverse(size.code), size.language));
        let mut all = SizeRow::default();
        for size in &sizes {
            all.files += size.files;
            all.code += size.code;
            all.comment += size.comment;
            all.blank += size.blank;
        }
        let both = codebase.production_code_lines + codebase.test_code_lines;
        Self {
            rows: sizes
                .iter()
                .map(|size| SizeRow {
                    language: size.language.as_str(),
                    role: size.role.as_str(),
                    files: size.files,
                    code: size.code,
                    comment: size.comment,
                    blank: size.blank,
                })
                .collect(),
            all,
            production_code_lines: codebase.production_code_lines,
            test_code_lines: codebase.test_code_lines,
            test_share: ratio(codebase.test_code_lines, both),
        }
    }
}

/// The coverage ledger.
#[derive(Debug, Serialize)]
pub(in crate::report) struct CoverageView<'a> {
    pub walked: u64,
    pub analysed: u64,
    pub partly_read: u64,
    pub left_out: u64,
    pub folders_not_entered: u64,
    pub parsed: u64,
    /// Analysed and partly read files as a share of the walked ones.
    pub read_share: String,
    /// Most frequent first.
    pub reasons: Vec<Count>,
    pub reasons_total: u64,
    pub roles: Vec<Count>,
    pub roles_total: u64,
    /// What should have been read and could not be.
    pub failures: Vec<LedgerRow<'a>>,
    /// Everything that is not simply analysed, where it was asked for.
    pub entries: Vec<LedgerRow<'a>>,
    pub incomplete: bool,
}

/// A line of the ledger.
#[derive(Debug, Serialize)]
pub(in crate::report) struct LedgerRow<'a> {
    pub path: &'a str,
    pub outcome: &'static str,
    pub reason: &'a str,
    pub detail: &'a str,
}

impl<'a> CoverageView<'a> {
    pub(super) fn new(coverage: &'a Coverage, show_files: bool) -> Self {
        let counts = |map: &BTreeMap<String, u64>| {
            let mut rows: Vec<_> = map
                .iter()
                .map(|(name, count)| Count { name: name.clone(), count: *count })
                .collect();
            rows.sort_by_key(|row| std::cmp::Reverse(row.count));
            rows
        };
        let mut entries: Vec<&LedgerEntry> = coverage.entries.iter().collect();
        entries.sort();
        let rows = |keep: &dyn Fn(&LedgerEntry) -> bool| {
            entries
                .iter()
                .filter(|entry| keep(entry))
                .map(|entry| ledger_row(entry))
                .collect::<Vec<_>>()
        };
        Self {
            walked: coverage.walked,
            analysed: coverage.analysed,
            partly_read: coverage.partly_read,
            left_out: coverage.left_out,
            folders_not_entered: coverage.folders_not_entered,
            parsed: coverage.parsed,
            read_share: ratio(coverage.analysed + coverage.partly_read, coverage.walked),
            reasons: counts(&coverage.reasons),
            reasons_total: coverage.reasons.values().sum(),
            roles: counts(&coverage.roles),
            roles_total: coverage.roles.values().sum(),
            failures: rows(&|entry| entry.failure || entry.outcome == Outcome::PartlyRead),
            entries: if show_files { rows(&|_| true) } else { Vec::new() },
            incomplete: coverage.incomplete,
        }
    }
}

fn ledger_row(entry: &LedgerEntry) -> LedgerRow<'_> {
    LedgerRow {
        path: &entry.path,
        outcome: match entry.outcome {
            Outcome::Analysed => "analysed",
            Outcome::PartlyRead => "partly read",
            Outcome::LeftOut => "left out",
            Outcome::NotEntered => "not entered",
        },
        reason: &entry.reason,
        detail: entry.detail.as_deref().unwrap_or(""),
    }
}
