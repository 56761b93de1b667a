//! The score: pure functions from findings to numbers (DESIGN.md, "Score, gates, verdict").
//!
//! A category starts at 100 and halves for every `H` demerits: `score = 100 · 2^(−D / H)`.
//! Every step below is monotone also in floating point (sums run in the order of rule ids, never
//! in the order of size; cutting and tidying are monotone functions), so that adding a finding
//! never raises a score, not even by one unit in the last place.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::finding::{Category, Confidence, Finding, Severity};

/// Categories that no rule can judge: they are scored from evidence, or not at all.
pub const EVIDENCE_ONLY: &[Category] = &[Category::Testing, Category::Performance];

/// The numbers behind the score, as `[score]` in the configuration sets them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Weights {
    /// Demerits that halve the score of a category in a project of one thousand lines of
    /// production code. It grows with the square root of the size.
    #[schemars(range(min = 0.1, max = 1_000_000.0))]
    pub half_life: f64,
    /// Demerits of one finding, by severity.
    pub severity: SeverityWeights,
    /// What a finding's demerits are multiplied with, by the confidence of its rule.
    pub confidence: ConfidenceWeights,
    /// Weight of each category in the overall score.
    pub category: CategoryWeights,
}

impl Default for Weights {
    fn default() -> Self {
        Self {
            half_life: 10.0,
            severity: SeverityWeights::default(),
            confidence: ConfidenceWeights::default(),
            category: CategoryWeights::default(),
        }
    }
}

impl Weights {
    /// Demerits that halve a score in a project of `kloc` thousand lines of production code:
    /// `base · √max(kloc, 1)`. The root keeps a large project from drowning its defects in size,
    /// and a small one from being sunk by one of them.
    #[must_use]
    pub fn half_life(&self, kloc: f64) -> f64 {
        self.half_life * size(kloc).sqrt()
    }

    /// The score of a category with these demerits in a project of `kloc` thousand lines of
    /// production code, cut to one decimal: `100 · 2^(−D / H)`.
    #[must_use]
    pub fn category_score(&self, demerits: f64, kloc: f64) -> f64 {
        if demerits == 0.0 {
            return 100.0;
        }
        // 100 says that there are no demerits at all.
        cut(100.0 * (-demerits / self.half_life(kloc)).exp2()).min(99.9)
    }

    /// Demerits of one open finding.
    #[must_use]
    pub fn demerits(&self, severity: Severity, confidence: Confidence) -> f64 {
        tidy(self.severity.of(severity) * self.confidence.of(confidence))
    }
}

macro_rules! weights {
    ($(#[$meta:meta])* $name:ident($scale:ident, $max:literal) {
        $($(#[$fmeta:meta])* $field:ident: $variant:ident = $value:literal),+ $(,)?
    }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
        pub struct $name {
            $($(#[$fmeta])* #[schemars(range(min = 0.0, max = $max))] pub $field: f64),+
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $value),+ }
            }
        }

        impl $name {
            /// The weight of a value of the scale.
            #[must_use]
            pub fn of(&self, value: $scale) -> f64 {
                match value { $($scale::$variant => self.$field),+ }
            }
        }
    };
}

weights! {
    /// Demerits of one finding of full confidence, by severity.
    SeverityWeights(Severity, 1_000_000.0) {
        /// Must not ship. Default 40: one of them in a project of a thousand lines leaves 6.2.
        critical: Critical = 40.0,
        /// Will break or leak something in production. Default 12.
        high: High = 12.0,
        /// Will cost somebody an evening. Default 4.
        medium: Medium = 4.0,
        /// Untidy. Default 1.
        low: Low = 1.0,
        /// Worth knowing. Default 0: it never changes a score.
        info: Info = 0.0,
    }
}

weights! {
    /// What a finding's demerits are multiplied with, by the confidence of its rule.
    ConfidenceWeights(Confidence, 1.0) {
        /// Right unless the code is very unusual. Default 1.
        high: High = 1.0,
        /// Usually right. Default 0.7.
        medium: Medium = 0.7,
        /// Read it before you believe it. Default 0.4.
        low: Low = 0.4,
    }
}

weights! {
    /// Weight of each category in the overall score. Only their relations matter; the defaults
    /// add up to 100.
    CategoryWeights(Category, 1_000_000.0) {
        /// Mock and stub data, dead and unfinished code. Default 20.
        code_quality: CodeQuality = 20.0,
        /// Routes and the contract with their callers. Default 10.
        api: Api = 10.0,
        /// Authentication, authorisation, secrets, injection. Default 25.
        security: Security = 25.0,
        /// Hardcoded values, fallbacks, the environment. Default 15.
        configuration: Configuration = 15.0,
        /// Schema, queries, migrations. Default 5.
        database: Database = 5.0,
        /// Test results and coverage. Default 10.
        testing: Testing = 10.0,
        /// Containers, manifests, pipelines. Default 5.
        infrastructure: Infrastructure = 5.0,
        /// Logs, metrics, traces, health. Default 5.
        monitoring: Monitoring = 5.0,
        /// Load-test results. Default 2.5.
        performance: Performance = 2.5,
        /// Documents that a reader needs. Default 2.5.
        documentation: Documentation = 2.5,
    }
}

/// Whether a category could be judged. It follows from which rules ran over which files, never
/// from findings: nothing found by nobody is not a clean bill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Assessment {
    /// It was judged.
    Assessed {
        /// From what, in one sentence: `9 rules over 214 files`.
        basis: String,
    },
    /// It was not.
    NotAssessed {
        /// Why, in one sentence: `no test results were given`.
        reason: String,
    },
}

/// The numbers of an audit and what made them.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Scorecard {
    /// The weighted mean of the assessed categories, 0 to 100, cut to one decimal; `None` when
    /// none was assessed.
    pub overall: Option<f64>,
    /// Share of the total weight that was assessed, 0 to 1.
    pub assessed_share: f64,
    /// Thousand lines of production code, at least 1: what fairness to size is measured in.
    pub kloc: f64,
    /// Demerits that halve a score at this size: `H`.
    pub half_life: f64,
    /// Every category, in the order of [`Category::ALL`].
    pub categories: Vec<CategoryScore>,
}

/// A category's number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CategoryScore {
    /// Which.
    pub category: Category,
    /// 0 to 100, cut to one decimal; `None` is NOT ASSESSED.
    pub score: Option<f64>,
    /// Why it was not assessed, or in one sentence what it was assessed from.
    pub basis: String,
    /// Its weight in the mean.
    pub weight: f64,
    /// Sum of the demerits: `D`.
    pub demerits: f64,
    /// The demerits by rule, heaviest first.
    pub by_rule: Vec<RuleDemerits>,
}

/// Demerits of one rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RuleDemerits {
    /// The rule.
    #[schemars(with = "String")]
    pub rule: SmolStr,
    /// Its severity.
    pub severity: Severity,
    /// Its confidence.
    pub confidence: Confidence,
    /// Open findings.
    pub findings: usize,
    /// `findings × severity weight × confidence weight`.
    pub demerits: f64,
    /// Points that the overall score would rise by if every open finding of the rule were fixed
    /// and nothing else changed, cut to one decimal; 0 where the category is not assessed.
    #[serde(default)]
    pub lift: f64,
}

/// Computes the scorecard of an audit.
///
/// `kloc` is the size in thousand lines of production code. A category that `assessed` does not
/// name was not assessed. Suppressed findings carry no demerits.
#[must_use]
pub fn score(
    findings: &[Finding],
    assessed: &BTreeMap<Category, Assessment>,
    kloc: f64,
    weights: &Weights,
) -> Scorecard {
    let mut categories: Vec<_> = Category::ALL
        .iter()
        .map(|category| {
            let by_rule = demerits_by_rule(findings, *category, weights);
            let demerits = sum(&by_rule);
            let (score, basis) = match assessed.get(category) {
                Some(Assessment::Assessed { basis }) => {
                    (Some(weights.category_score(demerits, kloc)), basis.clone())
                }
                Some(Assessment::NotAssessed { reason }) => (None, reason.clone()),
                None => (None, "no rule of this category ran".to_owned()),
            };
            CategoryScore {
                category: *category,
                score,
                basis,
                weight: weights.category.of(*category),
                demerits,
                by_rule,
            }
        })
        .collect();
    let overall = overall(&categories);
    for at in 0..categories.len() {
        let lifts = lifts(&categories, at, |demerits| weights.category_score(demerits, kloc));
        let by_rule = &mut categories[at].by_rule;
        for (rule, lift) in by_rule.iter_mut().zip(lifts) {
            rule.lift = lift;
        }
        // The sort is stable: equals stay in the order of their ids.
        by_rule.sort_by(|a, b| b.demerits.total_cmp(&a.demerits));
    }
    Scorecard {
        overall,
        assessed_share: share(&categories),
        kloc: tidy(size(kloc)),
        half_life: tidy(weights.half_life(kloc)),
        categories,
    }
}

/// The size that fairness is measured in: at least one thousand lines.
fn size(kloc: f64) -> f64 {
    if kloc.is_finite() { kloc.max(1.0) } else { 1.0 }
}

/// Demerits of the open findings of a category, in the order of rule ids.
fn demerits_by_rule(
    findings: &[Finding],
    category: Category,
    weights: &Weights,
) -> Vec<RuleDemerits> {
    let mut counts = BTreeMap::<_, usize>::new();
    for finding in findings.iter().filter(|f| f.category == category && f.is_open()) {
        *counts.entry((&finding.rule, finding.severity, finding.confidence)).or_default() += 1;
    }
    counts
        .into_iter()
        .map(|((rule, severity, confidence), findings)| RuleDemerits {
            rule: rule.clone(),
            severity,
            confidence,
            findings,
            demerits: tidy(findings as f64 * weights.demerits(severity, confidence)),
            lift: 0.0,
        })
        .filter(|rule| rule.demerits > 0.0)
        .collect()
}

/// Adds up demerits, which stand in the order of rule ids.
fn sum<'r>(rules: impl IntoIterator<Item = &'r RuleDemerits>) -> f64 {
    tidy(rules.into_iter().map(|rule| rule.demerits).sum())
}

fn overall(categories: &[CategoryScore]) -> Option<f64> {
    mean(categories.iter().filter_map(|c| Some((c.weight, c.score?))))
}

/// The lift of each rule of the category at `at`.
fn lifts(categories: &[CategoryScore], at: usize, category_score: impl Fn(f64) -> f64) -> Vec<f64> {
    let (now, mut fixed) = (overall(categories), categories.to_vec());
    let rules = &categories[at].by_rule;
    let lift = |rule: &RuleDemerits| {
        let rest = sum(rules.iter().filter(|other| other.rule != rule.rule));
        fixed[at].score = categories[at].score.map(|_| category_score(rest));
        overall(&fixed).zip(now).map_or(0.0, |(then, now)| cut(then - now))
    };
    rules.iter().map(lift).collect()
}

/// The weighted mean of the scores as they are printed, so that a reader can add them up again.
///
/// It is computed from what is missing to 100: a category at 100 then adds to the weight alone,
/// which can only raise the mean, and all categories at 100 give exactly 100.
fn mean(scores: impl Iterator<Item = (f64, f64)>) -> Option<f64> {
    let (mut total, mut missing) = (0.0, 0.0);
    for (weight, score) in scores {
        total += weight;
        missing += weight * (100.0 - score);
    }
    if total <= 0.0 {
        return None;
    }
    let mean = cut(100.0 - missing / total).max(0.0);
    Some(if missing > 0.0 { mean.min(99.9) } else { mean })
}

/// Share of the weight that was assessed.
fn share(categories: &[CategoryScore]) -> f64 {
    let total: f64 = categories.iter().map(|c| c.weight).sum();
    let assessed: f64 = categories.iter().filter(|c| c.score.is_some()).map(|c| c.weight).sum();
    if total > 0.0 { tidy(assessed / total) } else { 0.0 }
}

/// Cuts to one decimal: 99.96 is 99.9, never 100. The tolerance keeps sums such as 0.1 + 0.2
/// from turning a 70 into 69.9; it is a million times smaller than what is printed.
fn cut(score: f64) -> f64 {
    (score * 10.0 + 1e-6).floor() / 10.0
}

/// Rounds to six decimals, so that 12 × 0.7 is 8.4 in every output.
fn tidy(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

impl Scorecard {
    /// The overall score if every category that was not assessed scored `score`. With 0 it is
    /// the least that the project can be worth, with 100 the most.
    #[must_use]
    pub fn overall_if_unassessed(&self, score: f64) -> Option<f64> {
        mean(self.categories.iter().map(|c| (c.weight, c.score.unwrap_or(score))))
    }

    /// Whether any category was assessed that rules can judge (the others are
    /// [`EVIDENCE_ONLY`]) and that carries weight.
    #[must_use]
    pub fn any_rule_ran(&self) -> bool {
        self.categories
            .iter()
            .any(|c| c.score.is_some() && c.weight > 0.0 && !EVIDENCE_ONLY.contains(&c.category))
    }
}

#[cfg(test)]
pub(crate) mod tests;
