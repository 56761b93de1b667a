//! Calls, what does not fit the routes, and routes that nobody calls, as tables whose rows add up.

use std::collections::BTreeMap;

use serde::Serialize;

use super::inventory::methods_label;
use super::ratio;
use crate::audit::Audit;
use crate::inventory::calls::{Call, Status};
use crate::inventory::contract::{Cluster, Served, Usage};

/// The calls and the routes that they reach.
#[derive(Debug, Serialize)]
pub(in crate::report) struct CallsView<'a> {
    pub total: u64,
    /// Calls that a route answers as a share of all: `92.0 % (23 of 25)`.
    pub matched: String,
    /// The last row of each table.
    pub all: StatusCounts,
    /// Counts by method.
    pub methods: Vec<CallRow>,
    /// Counts by file.
    pub files: Vec<CallRow>,
    /// What does not fit, by cause.
    pub issues: Vec<IssueRow<'a>>,
    /// Calls of these.
    pub issue_calls: u64,
    /// Routes by who calls them.
    pub usage: Vec<UsageRow>,
    /// Sum of these.
    pub served: u64,
    /// Routes without a frontend: a program on a server calls them, or tests alone.
    pub without_frontend: Vec<UnusedRow<'a>>,
    /// Routes that nobody calls.
    pub unused: Vec<UnusedRow<'a>>,
}

/// Calls by where they land.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
pub(in crate::report) struct StatusCounts {
    pub matched: u64,
    pub stub: u64,
    pub method_mismatch: u64,
    pub path_mismatch: u64,
    pub missing: u64,
    pub asset: u64,
    pub external: u64,
    pub dynamic: u64,
    pub total: u64,
}

/// Calls of one method or file.
#[derive(Debug, Serialize)]
pub(in crate::report) struct CallRow {
    pub name: String,
    pub status: StatusCounts,
}

/// Calls that do not fit for one cause.
#[derive(Debug, Serialize)]
pub(in crate::report) struct IssueRow<'a> {
    pub status: &'static str,
    pub cause: &'a str,
    pub candidate: Option<&'a str>,
    pub count: u64,
    pub places: Vec<String>,
    pub pages: Vec<String>,
}

/// Routes of one usage.
#[derive(Debug, Serialize)]
pub(in crate::report) struct UsageRow {
    pub usage: &'static str,
    pub count: u64,
}

/// A route that no frontend calls.
#[derive(Debug, Serialize)]
pub(in crate::report) struct UnusedRow<'a> {
    pub methods: String,
    pub path: &'a str,
    pub at: String,
    pub usage: &'static str,
}

impl StatusCounts {
    fn add(&mut self, status: Status) {
        let count = match status {
            Status::Matched => &mut self.matched,
            Status::Stub => &mut self.stub,
            Status::MethodMismatch => &mut self.method_mismatch,
            Status::PathMismatch => &mut self.path_mismatch,
            Status::Missing => &mut self.missing,
            Status::Asset => &mut self.asset,
            Status::External => &mut self.external,
            Status::Dynamic => &mut self.dynamic,
        };
        *count += 1;
        self.total += 1;
    }
}

impl<'a> CallsView<'a> {
    pub(super) fn new(audit: &'a Audit) -> Self {
        let mut all = StatusCounts::default();
        audit.calls.iter().for_each(|call| all.add(call.status));
        let routes = &audit.contract.routes;
        let issues: Vec<_> = audit.contract.clusters.iter().map(issue).collect();
        let unused = |keep: &[Usage]| {
            let routes = routes.iter().filter(|route| keep.contains(&route.usage));
            routes.map(unused_row).collect::<Vec<_>>()
        };
        let usage = Usage::ALL.iter().map(|usage| UsageRow {
            usage: usage.as_str(),
            count: routes.iter().filter(|route| route.usage == *usage).count() as u64,
        });
        Self {
            total: all.total,
            matched: ratio(all.matched, all.total),
            all,
            methods: rows(&audit.calls, |call| &call.method),
            files: rows(&audit.calls, |call| &call.file),
            issue_calls: issues.iter().map(|issue| issue.count).sum(),
            issues,
            usage: usage.filter(|row| row.count > 0).collect(),
            served: routes.len() as u64,
            without_frontend: unused(&[Usage::Server, Usage::Tests]),
            unused: unused(&[Usage::Nobody]),
        }
    }
}

/// Counts by something that calls have in common, most calls first.
fn rows(calls: &[Call], name: impl Fn(&Call) -> &str) -> Vec<CallRow> {
    let mut counts: BTreeMap<&str, StatusCounts> = BTreeMap::new();
    for call in calls {
        counts.entry(name(call)).or_default().add(call.status);
    }
    let mut rows: Vec<_> = counts
        .into_iter()
        .map(|(name, status)| CallRow { name: name.to_owned(), status })
        .collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.status.total));
    rows
}

fn issue(cluster: &Cluster) -> IssueRow<'_> {
    IssueRow {
        status: cluster.status.as_str(),
        cause: &cluster.cause,
        candidate: cluster.candidate.as_deref(),
        count: cluster.calls.len() as u64,
        places: cluster
            .calls
            .iter()
            .map(|call| format!("{}:{} {}", call.file, call.line, call.method))
            .collect(),
        pages: cluster.pages.iter().map(ToString::to_string).collect(),
    }
}

fn unused_row(route: &Served) -> UnusedRow<'_> {
    UnusedRow {
        methods: methods_label(&route.methods),
        path: &route.path,
        at: format!("{}:{}", route.file, route.line),
        usage: route.usage.as_str(),
    }
}
