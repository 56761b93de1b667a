//! Calls in numbers.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Call, Status};

/// How many calls there are, and how many of them land on a route that answers them: in all, and
/// by what they have in common. Each list adds up to the numbers of all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Statistics {
    /// All calls.
    pub total: usize,
    /// Those that land on a route which answers them.
    pub matched: usize,
    /// By where they land, in the order of [`Status`].
    pub by_status: Vec<StatusCount>,
    /// By method.
    pub by_method: Vec<Share>,
    /// By the outermost folder, or the file where it lies in none.
    pub by_module: Vec<Share>,
    /// By file.
    pub by_file: Vec<Share>,
}

/// The calls that land alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StatusCount {
    /// Where.
    pub status: Status,
    /// How many.
    pub total: usize,
}

/// The calls that have something in common.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Share {
    /// What.
    pub name: String,
    /// How many of them land on a route which answers them.
    pub matched: usize,
    /// How many there are.
    pub total: usize,
}

impl Statistics {
    /// Of these calls.
    #[must_use]
    pub fn of(calls: &[Call]) -> Self {
        let with = |status: Status| calls.iter().filter(|call| call.status == status).count();
        let counts = Status::ALL.iter().map(|&status| StatusCount { status, total: with(status) });
        Self {
            total: calls.len(),
            matched: with(Status::Matched),
            by_status: counts.filter(|count| count.total > 0).collect(),
            by_method: shares(calls, |call| &call.method),
            by_module: shares(calls, |call| module(&call.file)),
            by_file: shares(calls, |call| &call.file),
        }
    }
}

fn module(file: &str) -> &str {
    file.split_once('/').map_or(file, |(folder, _)| folder)
}

fn shares<'c>(calls: &'c [Call], key: impl Fn(&'c Call) -> &'c str) -> Vec<Share> {
    let mut out: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for call in calls {
        let (matched, total) = out.entry(key(call)).or_default();
        *matched += usize::from(call.status == Status::Matched);
        *total += 1;
    }
    out.into_iter()
        .map(|(name, (matched, total))| Share { name: name.to_owned(), matched, total })
        .collect()
}
