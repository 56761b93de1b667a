//! Findings by category, severity and rule; accepted and suppressed ones; the effort they ask for.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{duration, ratio};
use crate::audit::Audit;
use crate::finding::{Accepted, Category, Excerpt, Finding, Location, Severity};
use crate::report::Style;

/// All findings.
#[derive(Debug, Serialize)]
pub(in crate::report) struct Findings<'a> {
    /// Open ones.
    pub open: usize,
    /// Suppressed ones.
    pub suppressed: usize,
    /// All.
    pub total: usize,
    /// Open ones and their effort by severity, worst first.
    pub severities: Vec<SeverityRow>,
    /// Minutes for all open ones.
    pub minutes: u64,
    /// The same for reading.
    pub effort: String,
    /// `100 % (12 of 12)`: open findings whose rule gives an effort.
    pub estimated: String,
    /// Open findings by category.
    pub categories: Vec<CategoryGroup<'a>>,
    /// What suppressions cover.
    pub waived: Vec<WaivedRow<'a>>,
    /// Legitimate uses by rule and reason.
    pub accepted: Vec<AcceptedGroup<'a>>,
    /// How many these are.
    pub accepted_total: usize,
    /// The open findings themselves, worst first.
    #[serde(skip)]
    pub worst: Vec<&'a Finding>,
}

/// Open findings of a severity.
#[derive(Debug, Serialize)]
pub(in crate::report) struct SeverityRow {
    pub severity: &'static str,
    #[serde(skip)]
    pub value: Severity,
    pub open: usize,
    pub minutes: u64,
}

/// Open findings of a category.
#[derive(Debug, Serialize)]
pub(in crate::report) struct CategoryGroup<'a> {
    pub title: &'static str,
    pub open: usize,
    /// By severity, worst first, then by count.
    pub rules: Vec<RuleGroup<'a>>,
}

/// Open findings of a rule at one severity.
#[derive(Debug, Serialize)]
pub(in crate::report) struct RuleGroup<'a> {
    pub rule: &'a str,
    pub title: &'a str,
    pub severity: &'static str,
    #[serde(skip)]
    pub value: Severity,
    /// Distinct confidences, such as `high`.
    pub confidence: String,
    pub why: &'a str,
    pub fix: &'a str,
    pub references: &'a [String],
    pub open: usize,
    /// Minutes for one.
    pub each: u64,
    /// Minutes for all.
    pub minutes: u64,
    /// The same for reading.
    pub effort: String,
    /// The places shown with their source.
    pub shown: Vec<PlaceView<'a>>,
    /// How many there are besides.
    pub more: usize,
    /// These, file by file.
    pub others: Vec<FileLines<'a>>,
}

/// One place.
#[derive(Debug, Serialize)]
pub(in crate::report) struct PlaceView<'a> {
    /// `app/db.py:12:5`.
    pub at: String,
    pub message: &'a str,
    pub role: &'static str,
    /// The source with line numbers; lines of the finding are marked.
    pub source: String,
}

/// Lines of a file.
#[derive(Debug, Serialize)]
pub(in crate::report) struct FileLines<'a> {
    pub path: &'a str,
    pub count: usize,
    /// `3, 9 (2 times), 12`.
    pub lines: String,
}

/// A suppressed finding.
#[derive(Debug, Serialize)]
pub(in crate::report) struct WaivedRow<'a> {
    pub rule: &'a str,
    pub severity: &'static str,
    pub at: String,
    pub message: &'a str,
    pub reason: &'a str,
    pub until: &'a str,
}

/// Legitimate uses that one rule accepts for one reason.
#[derive(Debug, Serialize)]
pub(in crate::report) struct AcceptedGroup<'a> {
    pub rule: &'a str,
    pub reason: &'a str,
    pub count: usize,
    pub places: Vec<FileLines<'a>>,
    /// The first place, as an example of the code.
    pub example: &'a str,
    pub example_at: String,
}

impl<'a> Findings<'a> {
    pub(super) fn new(audit: &'a Audit, style: &Style) -> Self {
        let mut worst: Vec<&Finding> =
            audit.findings.iter().filter(|finding| finding.is_open()).collect();
        worst.sort_by(|a, b| {
            (b.severity, b.confidence)
                .cmp(&(a.severity, a.confidence))
                .then_with(|| a.location.cmp(&b.location))
        });
        let each = |finding: &Finding| {
            audit.rules.get(finding.rule.as_str()).map_or(0, |rule| u64::from(rule.effort_minutes))
        };
        let severities: Vec<_> = Severity::ALL
            .iter()
            .rev()
            .map(|severity| {
                let of = worst.iter().filter(|finding| finding.severity == *severity);
                SeverityRow {
                    severity: severity.as_str(),
                    value: *severity,
                    open: of.clone().count(),
                    minutes: of.map(|finding| each(finding)).sum(),
                }
            })
            .collect();
        let minutes = severities.iter().map(|row| row.minutes).sum();
        let estimated = worst.iter().filter(|finding| each(finding) > 0).count();
        let waived: Vec<_> = audit.findings.iter().filter_map(waived).collect();
        Self {
            open: worst.len(),
            suppressed: waived.len(),
            total: audit.findings.len(),
            severities,
            minutes,
            effort: duration(minutes),
            estimated: ratio(estimated as u64, worst.len() as u64),
            categories: categories(audit, &worst, style),
            waived,
            accepted: accepted(&audit.accepted),
            accepted_total: audit.accepted.len(),
            worst,
        }
    }

    /// Every group of every category.
    pub(in crate::report) fn groups(&self) -> impl Iterator<Item = &RuleGroup<'a>> {
        self.categories.iter().flat_map(|category| &category.rules)
    }
}

fn categories<'a>(
    audit: &'a Audit,
    worst: &[&'a Finding],
    style: &Style,
) -> Vec<CategoryGroup<'a>> {
    let mut grouped: BTreeMap<Category, BTreeMap<(Severity, &str), Vec<&Finding>>> =
        BTreeMap::new();
    for finding in worst {
        let rules = grouped.entry(finding.category).or_default();
        rules.entry((finding.severity, finding.rule.as_str())).or_default().push(finding);
    }
    grouped
        .into_iter()
        .map(|(category, rules)| {
            let mut rules: Vec<_> = rules
                .into_iter()
                .map(|((severity, rule), found)| group(audit, severity, rule, &found, style))
                .collect();
            rules.sort_by(|a, b| {
                (b.value, b.open).cmp(&(a.value, a.open)).then_with(|| a.rule.cmp(b.rule))
            });
            CategoryGroup {
                title: category.title(),
                open: rules.iter().map(|rule| rule.open).sum(),
                rules,
            }
        })
        .collect()
}

fn group<'a>(
    audit: &'a Audit,
    severity: Severity,
    rule: &'a str,
    found: &[&'a Finding],
    style: &Style,
) -> RuleGroup<'a> {
    let summary = audit.rules.get(rule);
    let each = summary.map_or(0, |summary| u64::from(summary.effort_minutes));
    let mut confidences: Vec<_> = found.iter().map(|finding| finding.confidence).collect();
    confidences.sort_unstable();
    confidences.dedup();
    let (shown, others) = found.split_at(style.places.min(found.len()));
    let minutes = each * found.len() as u64;
    RuleGroup {
        rule,
        title: summary.map_or(rule, |summary| &summary.title),
        severity: severity.as_str(),
        value: severity,
        confidence: confidences
            .iter()
            .rev()
            .map(|value| value.as_str())
            .collect::<Vec<_>>()
            .join(", "),
        why: summary.map_or("", |summary| &summary.why),
        fix: summary.map_or("", |summary| &summary.fix),
        references: summary.map_or(&[], |summary| &summary.references),
        open: found.len(),
        each,
        minutes,
        effort: duration(minutes),
        shown: shown
            .iter()
            .map(|finding| PlaceView {
                at: place(&finding.location),
                message: &finding.message,
                role: finding.role.as_str(),
                source: numbered(&finding.excerpt, &finding.location),
            })
            .collect(),
        more: others.len(),
        others: by_file(others.iter().map(|finding| &finding.location)),
    }
}

fn waived(finding: &Finding) -> Option<WaivedRow<'_>> {
    finding.suppressed.as_ref().map(|waiver| WaivedRow {
        rule: &finding.rule,
        severity: finding.severity.as_str(),
        at: place(&finding.location),
        message: &finding.message,
        reason: &waiver.reason,
        until: waiver.until.as_deref().unwrap_or("no end"),
    })
}

fn accepted(accepted: &[Accepted]) -> Vec<AcceptedGroup<'_>> {
    let mut grouped: BTreeMap<(&str, &str), Vec<&Accepted>> = BTreeMap::new();
    for place in accepted {
        grouped.entry((&place.rule, &place.reason)).or_default().push(place);
    }
    grouped
        .into_iter()
        .filter_map(|((rule, reason), mut places)| {
            places.sort_by(|a, b| a.location.cmp(&b.location));
            let first = *places.first()?;
            Some(AcceptedGroup {
                rule,
                reason,
                count: places.len(),
                places: by_file(places.iter().map(|place| &place.location)),
                example: first.line_text.trim(),
                example_at: place(&first.location),
            })
        })
        .collect()
}

/// `app/db.py:12:5`.
pub(super) fn place(location: &Location) -> String {
    format!("{}:{}:{}", location.path, location.line, location.column)
}

fn by_file<'a>(locations: impl Iterator<Item = &'a Location>) -> Vec<FileLines<'a>> {
    let mut files: BTreeMap<&str, BTreeMap<u32, usize>> = BTreeMap::new();
    for location in locations {
        *files.entry(&location.path).or_default().entry(location.line).or_default() += 1;
    }
    files
        .into_iter()
        .map(|(path, lines)| FileLines {
            path,
            count: lines.values().sum(),
            lines: lines
                .iter()
                .map(
                    |(line, times)| {
                        if *times == 1 {
                            line.to_string()
                        } else {
                            format!("{line} ({times} times)")
                        }
                    },
                )
                .collect::<Vec<_>>()
                .join(", "),
        })
        .collect()
}

/// Source with line numbers before it, and `>` before the lines of the finding.
fn numbered(excerpt: &Excerpt, location: &Location) -> String {
    let last = excerpt.first_line as usize + excerpt.lines.len().saturating_sub(1);
    let width = last.to_string().len();
    let mut out = String::new();
    for (at, line) in excerpt.lines.iter().enumerate() {
        let number = excerpt.first_line as usize + at;
        let marked = (location.line as usize..=location.end_line as usize).contains(&number);
        let row = format!("{} {number:width$} | {line}", if marked { '>' } else { ' ' });
        out.push_str(row.trim_end());
        out.push('\n');
    }
    out
}
