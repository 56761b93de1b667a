//! The score: pure functions from findings to numbers (DESIGN.md, "Score, gates, verdict").

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::finding::{Category, Confidence, Severity};

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
