//! What `rules` and `explain` say about a rule.

use serde::Serialize;

use crate::config::Config;
use crate::finding::{Category, Confidence, Severity};
use crate::rules::spec::Expect;
use crate::rules::{RuleBook, RuleSpec};
use crate::source::{Language, Role};

/// A rule with the configuration applied.
#[derive(Debug, Clone, Serialize)]
pub(super) struct RulePage {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) category: Category,
    pub(super) severity: Severity,
    pub(super) confidence: Confidence,
    pub(super) roles: Vec<Role>,
    /// The configuration turned it off.
    pub(super) off: bool,
    pub(super) effort_minutes: u32,
    pub(super) message: String,
    pub(super) why: String,
    /// How it can be wrong.
    pub(super) wrong: Option<String>,
    pub(super) fix: String,
    pub(super) references: Vec<String>,
    /// Reasons of the legitimate forms.
    pub(super) accepts: Vec<String>,
    /// Reasons of the places that the configuration allows.
    pub(super) allows: Vec<String>,
    pub(super) examples: Vec<RuleExample>,
}

/// Code that a rule is explained with.
#[derive(Debug, Clone, Serialize)]
pub(super) struct RuleExample {
    /// `bad`, `good`, `accepted`.
    pub(super) expect: String,
    pub(super) language: Language,
    pub(super) text: String,
}

/// The catalogue, by category and id; rules that are off are in it and say so.
pub(super) fn catalogue(config: &Config) -> anyhow::Result<Vec<RulePage>> {
    let book = RuleBook::load(config)?;
    let mut pages = Vec::new();
    for source in &book.sources {
        let running = book.specs.iter().find(|spec| spec.id == source.id.as_str());
        let own;
        let spec = match running {
            Some(spec) => spec,
            None => {
                own = RuleSpec::parse(source)?;
                &own
            }
        };
        pages.retain(|page: &RulePage| page.id != source.id);
        pages.push(page(spec, running.is_none()));
    }
    pages.sort_by(|a, b| (a.category, &a.id).cmp(&(b.category, &b.id)));
    Ok(pages)
}

fn page(spec: &RuleSpec, off: bool) -> RulePage {
    let examples =
        spec.examples.iter().flat_map(|example| &example.codes).map(|code| RuleExample {
            expect: match code.expect {
                Expect::Bad => "bad",
                Expect::Good => "good",
                Expect::Accepted => "accepted",
            }
            .to_owned(),
            language: code.language,
            text: code.text.clone(),
        });
    RulePage {
        id: spec.id.to_string(),
        title: spec.title.clone(),
        category: spec.category,
        severity: spec.severity,
        confidence: spec.confidence,
        roles: spec.roles.clone(),
        off,
        effort_minutes: spec.effort_minutes,
        message: spec.message.clone(),
        why: spec.why.clone(),
        wrong: spec.wrong.clone(),
        fix: spec.fix.clone(),
        references: spec.references.clone(),
        accepts: spec.accept.iter().map(|accept| accept.reason.to_string()).collect(),
        allows: spec.allow.iter().map(|allow| allow.reason.clone()).collect(),
        examples: examples.collect(),
    }
}
