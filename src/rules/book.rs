//! The rules of one run: the built-in ones and the user's, with the configuration applied.

use std::collections::{BTreeMap, BTreeSet};

use super::allow::Declared;
use super::{Allow, Override, Overrides, RuleSource, RuleSpec, load, specs};
use crate::audit::{RuleSummary, Tool};
use crate::config::{Allowance, Config};
use crate::finding::{Accepted, Finding};

fn allows(entries: &[Allowance]) -> Vec<Allow> {
    let entries = (0..).zip(entries);
    let allow = entries.map(|(index, entry)| Allow {
        index,
        reason: entry.reason.clone(),
        paths: entry.paths.clone(),
        values: entry.values.clone(),
        calls: entry.calls.clone(),
    });
    allow.collect()
}

fn declared(config: &Config) -> Vec<Declared> {
    let rules = config.rule.iter();
    let entries = rules.flat_map(|(id, change)| {
        (0..).zip(&change.allow).map(move |(index, entry)| Declared {
            rule: id.clone(),
            index,
            reason: entry.reason.clone(),
            expired: entry.until.clone(),
            line: config.allow_line(id, index as usize),
        })
    });
    entries.collect()
}

/// The rules of one run, uncompiled: what the process that reports knows of them.
#[derive(Debug)]
pub struct RuleBook {
    /// The files, built-in ones first.
    pub sources: Vec<RuleSource>,
    /// What the configuration changes.
    pub overrides: Overrides,
    /// The rules that run, by id, changes applied.
    pub specs: Vec<RuleSpec>,
    /// Every rule's id, also of those that are off.
    pub known: BTreeSet<String>,
    /// What the configuration allows, entry by entry.
    pub allowed: Vec<Declared>,
}

impl RuleBook {
    /// Loads the rules that a configuration asks for.
    ///
    /// # Errors
    /// The first faulty rule file, or a change to a rule that does not exist.
    pub fn load(config: &Config) -> Result<Self, crate::Error> {
        let mut sources = load::embedded();
        for folder in &config.rules {
            sources.extend(load::from_dir(folder)?);
        }
        let known: BTreeSet<String> = sources.iter().map(|source| source.id.clone()).collect();
        config.check_rules(known.iter().map(String::as_str))?;
        let overrides = Overrides {
            rules: config
                .rule
                .iter()
                .map(|(id, change)| {
                    let change = Override {
                        off: change.off,
                        severity: change.severity,
                        roles: change.roles.clone(),
                        allow: allows(&change.allow),
                    };
                    (id.clone(), change)
                })
                .collect(),
        };
        let specs = specs(&sources, &overrides)?;
        let allowed = declared(config);
        Ok(Self { sources, overrides, specs, known, allowed })
    }

    /// Leaves out what the configuration allowed until a day that has passed; `today` is
    /// `YYYY-MM-DD`.
    pub fn expire(&mut self, today: &str) {
        let mut expired = BTreeSet::new();
        for entry in &mut self.allowed {
            entry.expired = entry.expired.take().filter(|until| until.as_str() < today);
            if entry.expired.is_some() {
                expired.insert((entry.rule.clone(), entry.index));
            }
        }
        let holds = |rule: &str, allow: &Allow| !expired.contains(&(rule.to_owned(), allow.index));
        for (id, change) in &mut self.overrides.rules {
            change.allow.retain(|allow| holds(id, allow));
        }
        for spec in &mut self.specs {
            let id = spec.id.clone();
            spec.allow.retain(|allow| holds(&id, allow));
        }
    }

    /// No rules at all, for a run that only lists.
    #[must_use]
    pub fn without_rules() -> Self {
        Self {
            sources: Vec::new(),
            overrides: Overrides::default(),
            specs: Vec::new(),
            known: BTreeSet::new(),
            allowed: Vec::new(),
        }
    }

    /// What the report says about the tool.
    #[must_use]
    pub fn tool(&self) -> Tool {
        Tool {
            name: env!("CARGO_PKG_NAME").to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            rules_digest: self.digest(),
            rules: self.specs.len(),
        }
    }

    /// Digest of every rule that runs and of what the configuration changes about them.
    fn digest(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        for source in &self.sources {
            for part in [source.id.as_str(), source.category.as_str(), source.text.as_str()] {
                hasher.update(&(part.len() as u64).to_le_bytes());
                hasher.update(part.as_bytes());
            }
        }
        for spec in &self.specs {
            let RuleSpec { id, severity, roles, allow, .. } = spec;
            hasher.update(format!("{id} {severity} {roles:?} {allow:?}\n").as_bytes());
        }
        hasher.finalize().to_hex()[..16].to_owned()
    }

    /// What the report says about each rule that runs.
    #[must_use]
    pub fn summaries(
        &self,
        findings: &[Finding],
        accepted: &[Accepted],
    ) -> BTreeMap<String, RuleSummary> {
        let mut out: BTreeMap<String, RuleSummary> = self
            .specs
            .iter()
            .map(|spec| {
                let summary = RuleSummary {
                    title: spec.title.clone(),
                    category: spec.category,
                    severity: spec.severity,
                    why: spec.why.clone(),
                    fix: spec.fix.clone(),
                    effort_minutes: spec.effort_minutes,
                    references: spec.references.clone(),
                    open: 0,
                    suppressed: 0,
                    accepted: 0,
                };
                (spec.id.to_string(), summary)
            })
            .collect();
        for finding in findings {
            if let Some(summary) = out.get_mut(finding.rule.as_str()) {
                if finding.is_open() { summary.open += 1 } else { summary.suppressed += 1 }
            }
        }
        for accepted in accepted {
            if let Some(summary) = out.get_mut(accepted.rule.as_str()) {
                summary.accepted += 1;
            }
        }
        out
    }
}
