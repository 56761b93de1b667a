//! The rule catalogue: reading, compiling, matching, suppressing (DESIGN.md, "A rule").
//!
//! [`load`] finds the files, [`spec::RuleSpec`] is what one says, [`Catalogue`] holds them
//! compiled, and [`matcher::run`] matches all of them in one pass over a module.

pub mod allow;
pub mod book;
pub mod catalogue;
pub mod constraint;
pub mod context;
pub mod error;
pub mod examples;
pub mod excerpt;
pub mod fingerprint;
pub mod literals;
pub mod load;
pub mod matcher;
mod message;
mod parse;
mod parse_tests;
pub mod project;
pub mod query;
mod reads;
pub mod redact;
pub mod regexes;
mod report;
pub mod spec;
pub mod suppress;
pub mod value;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::finding::Severity;
use crate::source::Role;

pub use allow::Allow;
pub use book::RuleBook;
pub use catalogue::{Catalogue, Rule, specs};
pub use error::{Place, RuleError};
pub use examples::{ExampleRun, check_examples, test_rule};
pub use load::RuleSource;
pub use matcher::{Matches, run, timed};
pub use spec::RuleSpec;

/// What the configuration says about rules.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Overrides {
    /// By rule id.
    pub rules: BTreeMap<String, Override>,
}

/// What the configuration says about one rule.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Override {
    /// It does not run.
    pub off: bool,
    /// Instead of the rule's own.
    pub severity: Option<Severity>,
    /// Instead of the rule's own.
    pub roles: Option<Vec<Role>>,
    /// Places that are fine.
    pub allow: Vec<Allow>,
}

impl Overrides {
    /// Changes a rule accordingly. False means that it does not run.
    pub fn apply(&self, spec: &mut RuleSpec) -> bool {
        let Some(change) = self.rules.get(spec.id.as_str()) else { return true };
        if let Some(severity) = change.severity {
            spec.severity = severity;
        }
        if let Some(roles) = &change.roles {
            spec.roles.clone_from(roles);
        }
        spec.allow.clone_from(&change.allow);
        !change.off
    }

    /// The first id that no rule has, with the near one.
    #[must_use]
    pub fn unknown<'o>(&'o self, specs: &'o [RuleSpec]) -> Option<(&'o str, Option<&'o str>)> {
        let known = || specs.iter().map(|spec| spec.id.as_str());
        let id = self.rules.keys().find(|id| !known().any(|rule| rule == id.as_str()))?;
        Some((id, error::nearest(id, known())))
    }
}

/// Rules of a catalogue, by their index in it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RuleSet {
    bits: Vec<u64>,
}

impl RuleSet {
    /// The empty set of a catalogue with so many rules.
    #[must_use]
    pub fn new(count: usize) -> Self {
        Self { bits: vec![0; count.div_ceil(64)] }
    }

    /// Adds a rule.
    pub fn insert(&mut self, rule: usize) {
        if let Some(word) = self.bits.get_mut(rule / 64) {
            *word |= 1 << (rule % 64);
        }
    }

    /// Whether it holds a rule.
    #[must_use]
    pub fn contains(&self, rule: usize) -> bool {
        self.bits.get(rule / 64).is_some_and(|word| word & (1 << (rule % 64)) != 0)
    }

    /// Keeps what the other holds too.
    pub fn intersect(&mut self, other: &Self) {
        for (at, word) in self.bits.iter_mut().enumerate() {
            *word &= other.bits.get(at).copied().unwrap_or(0);
        }
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bits.iter().all(|word| *word == 0)
    }

    /// The rules in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = usize> {
        self.bits.iter().enumerate().flat_map(|(at, word)| {
            (0..64).filter(move |bit| word & (1 << bit) != 0).map(move |bit| at * 64 + bit)
        })
    }
}

/// Catalogues are far smaller than `u32::MAX`.
fn rule_index(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}
