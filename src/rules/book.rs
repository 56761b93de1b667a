//! The rules of one run: the built-in ones and the user's, with the configuration applied.

use std::collections::{BTreeMap, BTreeSet};

use super::{Override, Overrides, RuleSource, RuleSpec, load, specs};
use crate::audit::{RuleSummary, Tool};
use crate::config::Config;
use crate::finding::{Accepted, Finding};

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
                    };
                    (id.clone(), change)
                })
                .collect(),
        };
        let specs = specs(&sources, &overrides)?;
        Ok(Self { sources, overrides, specs, known })
    }

    /// No rules at all, for a run that only lists.
    #[must_use]
    pub fn without_rules() -> Self {
        Self {
            sources: Vec::new(),
            overrides: Overrides::default(),
            specs: Vec::new(),
            known: BTreeSet::new(),
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
            hasher.update(format!("{} {} {:?}\n", spec.id, spec.severity, spec.roles).as_bytes());
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
