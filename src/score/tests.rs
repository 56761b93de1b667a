#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::finding::{Excerpt, Location, Waiver};
use crate::source::Role;

/// A finding that differs from others only in what the score and the gates look at.
pub(crate) fn finding(
    rule: &str,
    category: Category,
    severity: Severity,
    confidence: Confidence,
) -> Finding {
    Finding {
        rule: rule.into(),
        category,
        severity,
        confidence,
        role: Role::Production,
        message: String::new(),
        location: Location {
            path: "a.py".to_owned(),
            line: 1,
            column: 1,
            end_line: 1,
            end_column: 2,
        },
        excerpt: Excerpt { first_line: 1, lines: Vec::new() },
        fingerprint: String::new(),
        suppressed: None,
    }
}

pub(crate) fn assessed(categories: &[Category]) -> BTreeMap<Category, Assessment> {
    let basis = || Assessment::Assessed { basis: "a test".to_owned() };
    categories.iter().map(|category| (*category, basis())).collect()
}

prop_compose! {
    pub(crate) fn any_finding()(
        rule in select(vec!["a", "b", "c", "d"]),
        category in select(Category::ALL),
        severity in select(Severity::ALL),
        confidence in select(Confidence::ALL),
        suppressed in prop::bool::weighted(0.2),
    ) -> Finding {
        let mut finding = finding(rule, category, severity, confidence);
        finding.suppressed =
            suppressed.then(|| Waiver { reason: "known".to_owned(), until: None, line: 1 });
        finding
    }
}

pub(crate) fn any_findings() -> impl Strategy<Value = Vec<Finding>> {
    prop::collection::vec(any_finding(), 0..40)
}

pub(crate) fn any_assessed() -> impl Strategy<Value = BTreeMap<Category, Assessment>> {
    prop::sample::subsequence(Category::ALL.to_vec(), 0..=Category::ALL.len())
        .prop_map(|categories| assessed(&categories))
}

fn any_weight() -> impl Strategy<Value = f64> {
    prop_oneof![Just(0.0), Just(0.1), Just(1e-9), 0.0..100.0]
}

prop_compose! {
    /// The defaults most of the time, else weights that are awkward in floating point.
    pub(crate) fn any_weights()(
        half_life in 0.1..100.0,
        severity in prop::array::uniform5(any_weight()),
        confidence in prop::array::uniform3(0.0..=1.0),
        category in prop::array::uniform10(any_weight()),
        defaults in any::<bool>(),
    ) -> Weights {
        if defaults {
            return Weights::default();
        }
        let [critical, high, medium, low, info] = severity;
        let [c0, c1, c2, c3, c4, c5, c6, c7, c8, c9] = category;
        Weights {
            half_life,
            severity: SeverityWeights { critical, high, medium, low, info },
            confidence: ConfidenceWeights {
                high: confidence[0],
                medium: confidence[1],
                low: confidence[2],
            },
            category: CategoryWeights {
                code_quality: c0,
                api: c1,
                security: c2,
                configuration: c3,
                database: c4,
                testing: c5,
                infrastructure: c6,
                monitoring: c7,
                performance: c8,
                documentation: c9,
            },
        }
    }
}

fn any_kloc() -> impl Strategy<Value = f64> {
    prop_oneof![Just(0.0), 0.0..5.0, 0.0..10_000.0]
}

/// Asserts that no number of `better` lies below its counterpart in `worse`.
fn never_lower(better: &Scorecard, worse: &Scorecard) -> Result<(), TestCaseError> {
    prop_assert!(better.overall >= worse.overall, "{:?} {:?}", better.overall, worse.overall);
    for (b, w) in better.categories.iter().zip(&worse.categories) {
        prop_assert!(b.score >= w.score, "{:?}: {:?} < {:?}", b.category, b.score, w.score);
    }
    Ok(())
}

proptest! {
    #[test]
    fn adding_a_finding_never_raises_a_score_and_removing_never_lowers_one(
        findings in any_findings(), one in any_finding(), at in any::<prop::sample::Index>(),
        ran in any_assessed(), kloc in any_kloc(), weights in any_weights(),
    ) {
        let before = score(&findings, &ran, kloc, &weights);
        let mut more = findings.clone();
        more.insert(at.index(findings.len() + 1), one);
        never_lower(&before, &score(&more, &ran, kloc, &weights))?;
        if !findings.is_empty() {
            let mut fewer = findings.clone();
            fewer.remove(at.index(findings.len()));
            never_lower(&score(&fewer, &ran, kloc, &weights), &before)?;
        }
    }

    #[test]
    fn order_never_matters(
        (findings, shuffled) in any_findings()
            .prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle())),
        ran in any_assessed(), kloc in any_kloc(), weights in any_weights(),
    ) {
        let card = score(&findings, &ran, kloc, &weights);
        prop_assert_eq!(card, score(&shuffled, &ran, kloc, &weights));
    }

    #[test]
    fn an_unassessed_category_never_beats_a_clean_one(
        findings in any_findings(), ran in any_assessed(), category in select(Category::ALL),
        kloc in any_kloc(), weights in any_weights(),
    ) {
        let findings: Vec<_> = findings.into_iter().filter(|f| f.category != category).collect();
        let (mut with, mut without) = (ran.clone(), ran);
        with.extend(assessed(&[category]));
        without.remove(&category);
        let with = score(&findings, &with, kloc, &weights);
        let without = score(&findings, &without, kloc, &weights);
        prop_assert!(with.overall >= without.overall);
        prop_assert!(with.assessed_share >= without.assessed_share);
    }

    #[test]
    fn an_assessment_lies_between_what_the_unassessed_could_be(
        findings in any_findings(), ran in any_assessed(), kloc in any_kloc(),
        weights in any_weights(),
    ) {
        let part = score(&findings, &ran, kloc, &weights);
        let whole = score(&findings, &assessed(Category::ALL), kloc, &weights);
        prop_assert!(part.overall_if_unassessed(0.0) <= whole.overall);
        prop_assert!(part.overall_if_unassessed(100.0) >= whole.overall);
    }

    #[test]
    fn every_score_lies_between_0_and_100_with_one_decimal(
        findings in any_findings(), ran in any_assessed(), kloc in any_kloc(),
        weights in any_weights(),
    ) {
        let card = score(&findings, &ran, kloc, &weights);
        for score in card.categories.iter().filter_map(|c| c.score).chain(card.overall) {
            prop_assert!((0.0..=100.0).contains(&score));
            prop_assert_eq!(format!("{score:.1}").parse::<f64>().unwrap(), score);
        }
        prop_assert!((0.0..=1.0).contains(&card.assessed_share));
        for category in &card.categories {
            prop_assert!(category.demerits == 0.0 || category.score != Some(100.0));
        }
    }

    #[test]
    fn a_lift_is_what_fixing_the_rule_gains(
        findings in any_findings(), ran in any_assessed(), kloc in any_kloc(),
        weights in any_weights(),
    ) {
        let card = score(&findings, &ran, kloc, &weights);
        for category in &card.categories {
            for rule in &category.by_rule {
                let fixed: Vec<_> = findings
                    .iter()
                    .filter(|f| f.rule != rule.rule || f.category != category.category)
                    .cloned()
                    .collect();
                let then = score(&fixed, &ran, kloc, &weights).overall.unwrap_or(0.0);
                prop_assert_eq!(rule.lift, cut(then - card.overall.unwrap_or(0.0)));
                prop_assert!(rule.lift >= 0.0);
            }
        }
    }

    #[test]
    fn a_bigger_project_never_scores_lower(
        findings in any_findings(), ran in any_assessed(), kloc in any_kloc(),
        more in 0.0..10_000.0, weights in any_weights(),
    ) {
        never_lower(
            &score(&findings, &ran, kloc + more, &weights),
            &score(&findings, &ran, kloc, &weights),
        )?;
    }
}

/// The score of one category that was assessed alone.
fn alone(findings: &[Finding], kloc: f64) -> f64 {
    score(findings, &assessed(&[Category::Security]), kloc, &Weights::default()).overall.unwrap()
}

fn security(severity: Severity, confidence: Confidence) -> Finding {
    finding("r", Category::Security, severity, confidence)
}

#[test]
fn the_formula_by_hand() {
    let low = security(Severity::Low, Confidence::High);
    assert_eq!(alone(&[], 1.0), 100.0);
    assert_eq!(alone(&vec![low.clone(); 10], 1.0), 50.0);
    assert_eq!(alone(&vec![low.clone(); 10], 0.01), 50.0, "less than 1 kLOC counts as 1");
    assert_eq!(alone(&vec![low.clone(); 20], 1.0), 25.0);
    assert_eq!(alone(&vec![low.clone(); 20], 4.0), 50.0, "four times the size, twice the demerits");
    // 100 · 2^(−12 · 0.7 / 10) = 55.866…
    assert_eq!(alone(&[security(Severity::High, Confidence::Medium)], 1.0), 55.8);
    assert_eq!(alone(&vec![security(Severity::Info, Confidence::High); 99], 1.0), 100.0);
}

#[test]
fn a_trace_of_demerits_is_never_a_hundred() {
    // 100 · 2^(−0.4 / 10 000) = 99.997…
    assert_eq!(alone(&[security(Severity::Low, Confidence::Low)], 1_000_000.0), 99.9);
    assert_eq!(cut(99.96), 99.9);
    assert_eq!(cut(100.0), 100.0);
    assert_eq!(cut(0.7 * 100.0), 70.0);
}

#[test]
fn the_mean_counts_only_what_was_assessed() {
    let findings = vec![security(Severity::Low, Confidence::High); 10];
    let categories = [Category::Security, Category::Configuration];
    let card = score(&findings, &assessed(&categories), 1.0, &Weights::default());
    // (25 · 50 + 15 · 100) / 40
    assert_eq!(card.overall, Some(68.7));
    assert_eq!(card.assessed_share, 0.4);
    assert_eq!(card.overall_if_unassessed(0.0), Some(27.5));
    let nothing = score(&findings, &BTreeMap::new(), 1.0, &Weights::default());
    assert_eq!((nothing.overall, nothing.assessed_share), (None, 0.0));
    assert_eq!(nothing.categories[2].demerits, 10.0, "demerits are listed all the same");
}

#[test]
fn the_default_category_weights_add_up_to_100() {
    let weights = Weights::default();
    assert_eq!(Category::ALL.iter().map(|c| weights.category.of(*c)).sum::<f64>(), 100.0);
}

#[test]
fn demerits_are_listed_heaviest_first_and_read_like_decimals() {
    let mut findings = vec![finding("b", Category::Api, Severity::High, Confidence::Medium)];
    findings.extend(vec![finding("c", Category::Api, Severity::Low, Confidence::High); 3]);
    findings.push(finding("a", Category::Api, Severity::Low, Confidence::High));
    findings.push(finding("d", Category::Api, Severity::Info, Confidence::High));
    let card = score(&findings, &assessed(&[Category::Api]), 1.0, &Weights::default());
    let listed: Vec<_> = card.categories[1]
        .by_rule
        .iter()
        .map(|r| (r.rule.as_str(), r.findings, r.demerits))
        .collect();
    assert_eq!(listed, [("b", 1, 8.4), ("c", 3, 3.0), ("a", 1, 1.0)]);
    assert_eq!(card.categories[1].demerits, 12.4);
}

#[test]
fn a_suppressed_finding_carries_no_demerits() {
    let mut one = security(Severity::Critical, Confidence::High);
    assert!(alone(std::slice::from_ref(&one), 1.0) < 100.0);
    one.suppressed = Some(Waiver { reason: "known".to_owned(), until: None, line: 1 });
    assert_eq!(alone(&[one], 1.0), 100.0);
}
