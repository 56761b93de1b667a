//! From places that rules matched to findings and accepted uses.

use smol_str::SmolStr;

use super::catalogue::Catalogue;
use super::constraint::File;
use super::excerpt;
use super::fingerprint::Fingerprints;
use crate::finding::{Accepted, Finding};
use crate::module::Span;

/// A place that a rule has something to say about.
pub(super) struct Hit {
    /// Index of the rule.
    pub(super) rule: usize,
    pub(super) span: Span,
    pub(super) outcome: Outcome,
}

/// What the rule says.
pub(super) enum Outcome {
    /// It is broken: the message.
    Found(String),
    /// It is fine: the reason.
    Accepted(SmolStr),
}

/// Sorts by place and rule, keeps one of equal places, and adds what readers need.
pub(super) fn report(catalogue: &Catalogue, file: &File<'_>, mut hits: Vec<Hit>) -> (Vec<Finding>, Vec<Accepted>) {
    hits.sort_by_key(|hit| (hit.span.start, hit.rule, std::cmp::Reverse(hit.span.end)));
    hits.dedup_by_key(|hit| (hit.span.start, hit.span.end, hit.rule));
    let mut prints = Fingerprints::default();
    let mut findings = Vec::new();
    let mut accepted = Vec::new();
    for hit in hits {
        let spec = &catalogue.rules()[hit.rule].spec;
        let location = excerpt::location(file.source, file.lines, hit.span);
        match hit.outcome {
            Outcome::Accepted(reason) => accepted.push(Accepted {
                rule: spec.id.clone(),
                reason,
                line_text: excerpt::line_text(file.source, file.lines, location.line, location.column),
                location,
            }),
            Outcome::Found(message) => findings.push(Finding {
                rule: spec.id.clone(),
                category: spec.category,
                severity: spec.severity,
                confidence: spec.confidence,
                role: file.source.role,
                message,
                excerpt: excerpt::excerpt(file.source, file.lines, &location),
                fingerprint: prints.next(
                    &spec.id,
                    &file.source.path,
                    file.lines.line(&file.source.text, location.line),
                ),
                location,
                suppressed: None,
            }),
        }
    }
    (findings, accepted)
}
