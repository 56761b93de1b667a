//! What the configuration allows of a rule: `[[rule.<id>.allow]]` in readiness.toml. A place that
//! an entry covers is accepted, with the reason that the entry gives.

use globset::GlobSet;
use serde::{Deserialize, Serialize};

use super::error::{Place, RuleError};
use super::fingerprint::Fingerprints;
use super::redact::redact;
use super::regexes::{self, Regexes};
use super::spec::{Patterns, RuleSpec};
use super::suppress::{EXPIRED, UNUSED};
use crate::finding::{Accepted, Excerpt, Finding, Location};
use crate::module::path::PathPattern;
use crate::source::Role;

/// An entry, as the configuration writes it. All kinds that it names must hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allow {
    /// Which entry of the rule's list it is, counted from 0.
    pub index: u32,
    /// Why it is fine.
    pub reason: String,
    /// Globs, one of which the file's path matches.
    pub paths: Vec<String>,
    /// Expressions, one of which something that the finding is about matches.
    pub values: Vec<String>,
    /// Calls, one of which the place is, or lies in an argument of.
    pub calls: Vec<String>,
}

/// An entry ready to match.
#[derive(Debug)]
pub struct Allowed {
    /// See [`Allow::index`].
    pub index: u32,
    /// Why it is fine.
    pub reason: String,
    paths: Option<GlobSet>,
    values: Option<Regexes>,
    calls: Option<Vec<PathPattern>>,
}

impl Allowed {
    /// Compiles the entries of a rule.
    ///
    /// # Errors
    /// Where an expression, a glob or a path is none.
    pub fn of(spec: &RuleSpec) -> Result<Vec<Self>, RuleError> {
        let file = "configuration";
        let patterns =
            |items: &[String]| Patterns { items: items.to_vec(), place: Place::default() };
        let mut all = Vec::with_capacity(spec.allow.len());
        for allow in &spec.allow {
            let given = |items: &[String]| (!items.is_empty()).then(|| patterns(items));
            let mut calls = Vec::with_capacity(allow.calls.len());
            for path in &allow.calls {
                calls.push(PathPattern::parse(path).map_err(|problem| RuleError {
                    path: file.to_owned(),
                    place: Place::default(),
                    problem,
                    help: None,
                })?);
            }
            all.push(Self {
                index: allow.index,
                reason: allow.reason.clone(),
                paths: given(&allow.paths).map(|globs| regexes::globs(file, &globs)).transpose()?,
                values: given(&allow.values)
                    .map(|values| Regexes::compile(file, &values))
                    .transpose()?,
                calls: (!calls.is_empty()).then_some(calls),
            });
        }
        Ok(all)
    }

    /// Whether it covers a place: by its file, by what the finding is about, and by the call
    /// around it, of which `is_call` knows.
    pub fn covers<'v>(
        &self,
        path: &str,
        window: usize,
        mut values: impl Iterator<Item = &'v str>,
        is_call: impl FnOnce(&[PathPattern]) -> bool,
    ) -> bool {
        self.paths.as_ref().is_none_or(|globs| globs.is_match(path))
            && self
                .values
                .as_ref()
                .is_none_or(|regexes| values.any(|value| regexes.is_match(value, window)))
            && self.calls.as_ref().is_none_or(|calls| is_call(calls))
    }
}

/// An entry where the configuration declares it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    /// The rule.
    pub rule: String,
    /// See [`Allow::index`].
    pub index: u32,
    /// Why it is fine.
    pub reason: String,
    /// The last day on which it holds, when that has passed.
    pub expired: Option<String>,
    /// The line of the entry.
    pub line: u32,
}

/// What is wrong with the entries: those that cover nothing, and those that have expired. `file`
/// is the configuration's path relative to the audited root.
#[must_use]
pub fn faults(
    declared: &[Declared],
    accepted: &[Accepted],
    specs: &[RuleSpec],
    file: &str,
) -> Vec<Finding> {
    let mut prints = Fingerprints::default();
    let mut findings = Vec::new();
    for entry in declared {
        let is_used = accepted
            .iter()
            .any(|place| place.rule == entry.rule && place.allowed_by == Some(entry.index));
        let (rule, said) = match &entry.expired {
            Some(until) => (EXPIRED, format!("was meant to last until {until}")),
            None if is_used => continue,
            None => (UNUSED, "covers nothing: it is not needed".to_owned()),
        };
        // A rule that is off finds nothing to cover.
        let runs = |id: &str| specs.iter().find(|spec| spec.id == id);
        let (Some(spec), Some(_)) = (runs(rule), runs(&entry.rule)) else { continue };
        let reason = redact(&entry.reason).into_owned();
        let text = format!("[[rule.{}.allow]] reason = \"{reason}\"", entry.rule);
        findings.push(Finding {
            rule: spec.id.clone(),
            category: spec.category,
            severity: spec.severity,
            confidence: spec.confidence,
            role: Role::Config,
            message: format!("an entry of what `{}` allows {said}", entry.rule),
            location: Location {
                path: file.to_owned(),
                line: entry.line,
                column: 1,
                end_line: entry.line,
                end_column: 1,
            },
            fingerprint: prints.next(&spec.id, file, &text),
            excerpt: Excerpt { first_line: entry.line, lines: vec![text] },
            suppressed: None,
        });
    }
    findings
}
