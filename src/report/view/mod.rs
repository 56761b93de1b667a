//! The view model: an audit grouped, sorted and counted for reading. The terminal and the documents
//! print the same values from here, so that one fact has one value wherever it stands.
//!
//! The strings are as the audit has them; whoever prints one escapes it for its own place.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Style;
use crate::audit::{Audit, Project, Tool};
use crate::gate::{Gate, Status, Verdict};
use crate::score::CategoryScore;

mod contract;
mod findings;
mod inventory;

pub(super) use contract::CallsView;
pub(super) use findings::{Findings, RuleGroup};
pub(super) use inventory::{CodebaseView, CoverageView, RoutesView};

/// Everything that a report shows.
#[derive(Debug, Serialize)]
pub(super) struct View<'a> {
    /// What was audited.
    pub project: &'a Project,
    /// The first twelve digits of the commit.
    pub commit_short: Option<&'a str>,
    /// What made the audit.
    pub tool: &'a Tool,
    /// The answer and what it rests on.
    pub verdict: VerdictView<'a>,
    /// Every criterion.
    pub gates: Vec<GateRow<'a>>,
    /// The numbers.
    pub score: ScoreView<'a>,
    /// What is wrong, what is suppressed, what is accepted.
    pub findings: Findings<'a>,
    /// What to fix first.
    pub steps: Vec<Step<'a>>,
    /// The routes.
    pub routes: RoutesView<'a>,
    /// The calls and whom they reach.
    pub calls: CallsView<'a>,
    /// How large the code base is.
    pub codebase: CodebaseView,
    /// What was read.
    pub coverage: CoverageView<'a>,
}

/// The verdict with the criteria that brought it about.
#[derive(Debug, Serialize)]
pub(super) struct VerdictView<'a> {
    /// `NO-GO`.
    pub word: &'static str,
    /// The verdict itself, for whoever chooses a colour.
    #[serde(skip)]
    pub verdict: Verdict,
    /// What the word means, in one sentence.
    pub meaning: &'static str,
    /// Blocking criteria that do not hold.
    pub blockers: Vec<GateRow<'a>>,
    /// Blocking criteria that nobody could judge.
    pub unjudged: Vec<GateRow<'a>>,
    /// Required criteria that do not hold or could not be judged, and block nothing.
    pub conditions: Vec<GateRow<'a>>,
}

/// A criterion.
#[derive(Debug, Clone, Serialize)]
pub(super) struct GateRow<'a> {
    pub id: &'a str,
    pub criterion: &'a str,
    /// `pass`, `fail`, `not applicable`, `not evaluated`.
    pub status: &'static str,
    #[serde(skip)]
    pub value: Status,
    pub required: &'static str,
    pub blocks: &'static str,
    pub evidence: &'a str,
}

/// The scorecard.
#[derive(Debug, Serialize)]
pub(super) struct ScoreView<'a> {
    /// `68.3 / 100`, or `NOT ASSESSED`.
    pub overall: String,
    /// The overall score, 0 to 100.
    #[serde(skip)]
    pub value: Option<f64>,
    /// `85.0 % (85 of 100)`: the share of the weight that was assessed.
    pub assessed: String,
    /// How many categories were assessed.
    pub assessed_categories: usize,
    /// Thousand lines of production code.
    pub kloc: String,
    /// `H`.
    pub half_life: String,
    /// Each category.
    pub categories: Vec<CategoryRow<'a>>,
    /// Sum of the weights.
    pub weight: String,
    /// Open findings of all categories.
    pub open: usize,
    /// Sum of the demerits.
    pub demerits: String,
    /// The demerits by rule, category by category.
    pub by_rule: Vec<DemeritRow<'a>>,
    /// Findings of these rows.
    pub by_rule_findings: usize,
}

/// A category's line of the scorecard.
#[derive(Debug, Serialize)]
pub(super) struct CategoryRow<'a> {
    pub title: &'static str,
    /// `41.2 / 100`, or `NOT ASSESSED`.
    pub score: String,
    #[serde(skip)]
    pub value: Option<f64>,
    pub weight: String,
    /// Open findings.
    pub open: usize,
    pub demerits: String,
    pub basis: &'a str,
    /// The heaviest rules: (id, demerits).
    #[serde(skip)]
    pub top: Vec<(&'a str, String)>,
}

/// Demerits of one rule.
#[derive(Debug, Serialize)]
pub(super) struct DemeritRow<'a> {
    pub category: &'static str,
    pub rule: &'a str,
    pub severity: &'static str,
    pub confidence: &'static str,
    pub findings: usize,
    pub demerits: String,
    pub lift: String,
}

/// Something worth doing next.
#[derive(Debug, Serialize)]
pub(super) struct Step<'a> {
    pub rule: &'a str,
    pub title: &'a str,
    pub fix: &'a str,
    /// Open findings of the rule.
    pub findings: usize,
    /// Minutes for all of them, an estimate.
    pub minutes: u64,
    /// The same for reading: `1 h 30 min`.
    pub effort: String,
    /// Points that the overall score would rise by: `+4.1`.
    pub lift: String,
    /// `readiness explain …`.
    pub command: String,
}

/// How many steps are proposed.
const STEPS: usize = 5;

impl<'a> View<'a> {
    /// Groups an audit.
    pub(super) fn new(audit: &'a Audit, style: &Style) -> Self {
        let findings = Findings::new(audit, style);
        let gates: Vec<_> = audit.gates.iter().map(GateRow::new).collect();
        Self {
            project: &audit.project,
            commit_short: audit.project.commit.as_ref().map(|commit| short(&commit.id)),
            tool: &audit.tool,
            verdict: VerdictView::new(audit),
            gates,
            score: ScoreView::new(audit),
            steps: steps(audit, &findings),
            findings,
            routes: RoutesView::new(audit),
            calls: CallsView::new(audit),
            codebase: CodebaseView::new(&audit.codebase),
            coverage: CoverageView::new(&audit.coverage, style.show_files),
        }
    }
}

fn short(id: &str) -> &str {
    id.char_indices().nth(12).map_or(id, |(at, _)| &id[..at])
}

impl<'a> GateRow<'a> {
    fn new(gate: &'a Gate) -> Self {
        let yes = |value: bool| if value { "yes" } else { "no" };
        Self {
            id: &gate.id,
            criterion: &gate.criterion,
            status: match gate.status {
                Status::Pass => "pass",
                Status::Fail => "fail",
                Status::NotApplicable => "not applicable",
                Status::NotEvaluated => "not evaluated",
            },
            value: gate.status,
            required: yes(gate.required),
            blocks: yes(gate.blocks),
            evidence: &gate.evidence,
        }
    }
}

impl<'a> VerdictView<'a> {
    fn new(audit: &'a Audit) -> Self {
        let rows = |keep: &dyn Fn(&Gate) -> bool| {
            audit.gates.iter().filter(|gate| keep(gate)).map(GateRow::new).collect::<Vec<_>>()
        };
        Self {
            word: audit.verdict.as_str(),
            verdict: audit.verdict,
            meaning: match audit.verdict {
                Verdict::NoGo => "A blocking criterion does not hold.",
                Verdict::NotAssessed => "A blocking criterion could not be judged.",
                Verdict::Conditional => {
                    "No blocking criterion failed; the conditions below are not met or could not be judged."
                }
                Verdict::Go => "Every required criterion holds.",
            },
            blockers: rows(&|gate| gate.blocks && gate.status == Status::Fail),
            unjudged: rows(&|gate| gate.blocks && gate.status == Status::NotEvaluated),
            conditions: rows(&|gate| {
                gate.required
                    && !gate.blocks
                    && matches!(gate.status, Status::Fail | Status::NotEvaluated)
            }),
        }
    }
}

impl<'a> ScoreView<'a> {
    fn new(audit: &'a Audit) -> Self {
        let card = &audit.scorecard;
        let mut open: BTreeMap<_, usize> = BTreeMap::new();
        for finding in audit.findings.iter().filter(|finding| finding.is_open()) {
            *open.entry(finding.category).or_default() += 1;
        }
        let by_rule: Vec<_> = card
            .categories
            .iter()
            .flat_map(|category| category.by_rule.iter().map(move |rule| (category.category, rule)))
            .map(|(category, rule)| DemeritRow {
                category: category.title(),
                rule: &rule.rule,
                severity: rule.severity.as_str(),
                confidence: rule.confidence.as_str(),
                findings: rule.findings,
                demerits: decimal(rule.demerits),
                lift: lift(rule.lift),
            })
            .collect();
        let weight: f64 = card.categories.iter().map(|category| category.weight).sum();
        let assessed: f64 = card
            .categories
            .iter()
            .filter(|c| c.score.is_some())
            .map(|category| category.weight)
            .sum();
        Self {
            overall: score(card.overall),
            value: card.overall,
            assessed: format!(
                "{} % ({} of {})",
                one_decimal(card.assessed_share * 100.0),
                decimal(assessed),
                decimal(weight)
            ),
            assessed_categories: card
                .categories
                .iter()
                .filter(|category| category.score.is_some())
                .count(),
            kloc: decimal(card.kloc),
            half_life: decimal(card.half_life),
            categories: card
                .categories
                .iter()
                .map(|category| CategoryRow {
                    title: category.category.title(),
                    score: score(category.score),
                    value: category.score,
                    weight: decimal(category.weight),
                    open: open.get(&category.category).copied().unwrap_or(0),
                    demerits: decimal(category.demerits),
                    basis: &category.basis,
                    top: top(category),
                })
                .collect(),
            weight: decimal(weight),
            open: open.values().sum(),
            demerits: decimal(card.categories.iter().map(|category| category.demerits).sum()),
            by_rule_findings: by_rule.iter().map(|row| row.findings).sum(),
            by_rule,
        }
    }
}

fn top(category: &CategoryScore) -> Vec<(&str, String)> {
    category
        .by_rule
        .iter()
        .filter(|rule| rule.demerits > 0.0)
        .map(|rule| (rule.rule.as_str(), decimal(rule.demerits)))
        .collect()
}

/// The rules whose fixing lifts the score most for the time that it takes.
fn steps<'a>(audit: &'a Audit, findings: &Findings<'a>) -> Vec<Step<'a>> {
    let lifts: BTreeMap<_, _> = audit
        .scorecard
        .categories
        .iter()
        .flat_map(|category| &category.by_rule)
        .map(|rule| (rule.rule.as_str(), rule.lift))
        .collect();
    let mut rules: Vec<(f64, u64, &RuleGroup<'a>)> = Vec::new();
    for group in findings.groups() {
        // The same rule at two severities is one thing to do.
        match rules.iter_mut().find(|(.., other)| other.rule == group.rule) {
            Some((_, minutes, _)) => *minutes += group.minutes,
            None => {
                rules.push((lifts.get(group.rule).copied().unwrap_or(0.0), group.minutes, group))
            }
        }
    }
    rules.retain(|(lift, ..)| *lift > 0.0);
    let per_minute =
        |(lift, minutes, _): &(f64, u64, &RuleGroup<'_>)| *lift / (*minutes).max(1) as f64;
    rules.sort_by(|a, b| {
        per_minute(b).total_cmp(&per_minute(a)).then_with(|| a.2.rule.cmp(b.2.rule))
    });
    rules
        .into_iter()
        .take(STEPS)
        .map(|(points, minutes, group)| Step {
            rule: group.rule,
            title: group.title,
            fix: group.fix,
            findings: findings
                .groups()
                .filter(|other| other.rule == group.rule)
                .map(|other| other.open)
                .sum(),
            minutes,
            effort: duration(minutes),
            lift: lift(points),
            command: format!("readiness explain {}", group.rule),
        })
        .collect()
}

/// `83.4 / 100`.
fn score(value: Option<f64>) -> String {
    value.map_or_else(|| "NOT ASSESSED".to_owned(), |value| format!("{} / 100", one_decimal(value)))
}

/// `+4.1`; `0` for nothing.
fn lift(points: f64) -> String {
    if points > 0.0 { format!("+{}", one_decimal(points)) } else { "0".to_owned() }
}

/// Cut, not rounded, to one decimal, like every score: 69.97 is not 70.
pub(super) fn one_decimal(value: f64) -> String {
    // A value that was cut already may lie a hair below its tenth.
    format!("{:.1}", (value * 10.0 + 1e-6).floor() / 10.0)
}

/// Up to two decimals, without zeros behind.
pub(super) fn decimal(value: f64) -> String {
    // An empty sum of floats is a negative zero.
    let text = format!("{:.2}", value + 0.0);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// `34.5 % (20 of 58)`: a share never stands without what it is a share of.
pub(super) fn ratio(part: u64, whole: u64) -> String {
    if whole == 0 {
        return format!("{part} of 0");
    }
    format!("{} % ({part} of {whole})", one_decimal(part as f64 * 100.0 / whole as f64))
}

/// `45 min`, `2 h`, `3 h 15 min`.
pub(super) fn duration(minutes: u64) -> String {
    match (minutes / 60, minutes % 60) {
        (0, rest) => format!("{rest} min"),
        (hours, 0) => format!("{hours} h"),
        (hours, rest) => format!("{hours} h {rest} min"),
    }
}
