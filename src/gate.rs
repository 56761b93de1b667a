//! Gates and the verdict: pure functions (DESIGN.md, "Score, gates, verdict").
//!
//! What nobody could judge is never a pass. Two gates look at the score: `score` blocks and looks
//! at what was assessed; `score-floor` is a condition for GO and asks whether the outcome would
//! hold whatever the rest turned out to be. So leaving something out can never earn a GO.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::finding::{Finding, Severity, scale};
use crate::score::Scorecard;

scale! {
    /// How a check ended (rule R4: a check that did not run has not passed).
    Status {
        /// It holds.
        Pass = "pass",
        /// It does not hold.
        Fail = "fail",
        /// There is nothing that it could be asked of.
        NotApplicable = "not-applicable",
        /// Nobody could tell.
        NotEvaluated = "not-evaluated",
    }
}

scale! {
    /// The answer to the one question.
    Verdict {
        /// A blocking gate failed.
        NoGo = "NO-GO",
        /// A blocking gate could not be judged, and none failed.
        NotAssessed = "NOT ASSESSED",
        /// No blocking gate failed; the failed or unjudged ones are the conditions.
        Conditional = "CONDITIONAL GO",
        /// Every required gate passed.
        Go = "GO",
    }
}

scale! {
    /// From which severity on one open finding is enough for NO-GO.
    FailOn {
        /// Findings block only through the score.
        None = "none",
        /// Any finding.
        Info = "info",
        /// Low or worse.
        Low = "low",
        /// Medium or worse.
        Medium = "medium",
        /// High or worse.
        High = "high",
        /// Critical.
        Critical = "critical",
    }
}

impl FailOn {
    /// The least severity that blocks.
    #[must_use]
    pub fn severity(self) -> Option<Severity> {
        Some(match self {
            Self::None => return None,
            Self::Info => Severity::Info,
            Self::Low => Severity::Low,
            Self::Medium => Severity::Medium,
            Self::High => Severity::High,
            Self::Critical => Severity::Critical,
        })
    }

    /// Whether one open finding of this severity is enough for NO-GO.
    #[must_use]
    pub fn blocks(self, severity: Severity) -> bool {
        self.severity().is_some_and(|least| severity >= least)
    }
}

/// What the gates ask, as `[gates]` in the configuration and the command line set it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct GatePolicy {
    /// A score below this is NO-GO. Default 70.
    #[schemars(range(min = 0.0, max = 100.0))]
    pub fail_under: f64,
    /// An open finding of this severity or worse is NO-GO. Default `critical`.
    pub fail_on: FailOn,
}

impl Default for GatePolicy {
    fn default() -> Self {
        Self { fail_under: 70.0, fail_on: FailOn::Critical }
    }
}

/// A criterion with its status (rows 1.48 and 3.27).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Gate {
    /// A short id: `score`, `no-critical`.
    pub id: String,
    /// The criterion in words: `score at least 70`.
    pub criterion: String,
    /// How it ended.
    pub status: Status,
    /// Whether it is required for GO.
    pub required: bool,
    /// Whether failing it means NO-GO.
    pub blocks: bool,
    /// What the status rests on: `score 83.4`, `2 open critical findings`, `no test results were
    /// given`.
    pub evidence: String,
}

/// How the calls of a program land, in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Landed {
    /// The routes that they could land on.
    pub routes: usize,
    /// Calls that a route answers, or a file.
    pub answered: usize,
    /// Calls that no route answers, or one that only pretends.
    pub broken: usize,
    /// Calls of which nobody can tell.
    pub unknown: usize,
}

/// Asks every gate of the policy, in the order in which reports list them.
#[must_use]
pub fn gates(
    scorecard: &Scorecard,
    findings: &[Finding],
    landed: Landed,
    policy: &GatePolicy,
) -> Vec<Gate> {
    let mut gates = vec![score_gate(scorecard, policy), floor_gate(scorecard, policy)];
    // Critical and high findings are always asked about, lesser ones only where they block.
    let asked = |severity| severity >= Severity::High || policy.fail_on.blocks(severity);
    for severity in Severity::ALL.iter().rev().copied().filter(|severity| asked(*severity)) {
        gates.push(finding_gate(scorecard, findings, severity, policy.fail_on.blocks(severity)));
    }
    gates.push(calls_gate(landed));
    gates.extend(PENDING.iter().map(|(id, criterion, evidence)| Gate {
        id: (*id).to_owned(),
        criterion: (*criterion).to_owned(),
        status: Status::NotEvaluated,
        required: true,
        blocks: false,
        evidence: (*evidence).to_owned(),
    }));
    gates
}

/// Gates that need something which no run can give yet: id, criterion, why it is not evaluated.
const PENDING: &[(&str, &str, &str)] = &[
    ("tests-passed", "tests passed", "no test results were given"),
    ("coverage", "coverage at its target", "no coverage report was given"),
    ("attestations", "checklist attested", "no attestations were given"),
];

fn calls_gate(landed: Landed) -> Gate {
    let Landed { routes, answered, broken, unknown } = landed;
    let all = answered + broken + unknown;
    let status = match landed {
        _ if all == 0 => Status::NotApplicable,
        _ if routes == 0 => Status::NotEvaluated,
        _ if broken > 0 => Status::Fail,
        _ if unknown > 0 => Status::NotEvaluated,
        _ => Status::Pass,
    };
    let evidence = match all {
        0 => "no call to a server of the repository was found".to_owned(),
        _ if routes == 0 => format!("{all} calls and no route that they could reach"),
        _ => {
            let parts = [(broken, "do not"), (unknown, "cannot be told")];
            let others = parts.iter().filter(|(count, _)| *count > 0);
            let others: String = others.map(|(count, what)| format!(", {count} {what}")).collect();
            format!("{answered} of {all} calls reach a route{others}")
        }
    };
    Gate {
        id: "client-calls".to_owned(),
        criterion: "every client call reaches a route".to_owned(),
        status,
        required: true,
        blocks: false,
        evidence,
    }
}

fn score_gate(scorecard: &Scorecard, policy: &GatePolicy) -> Gate {
    let (status, evidence) = match scorecard.overall {
        Some(score) if scorecard.any_rule_ran() => {
            let status = if score >= policy.fail_under { Status::Pass } else { Status::Fail };
            let share = (scorecard.assessed_share * 1000.0).round() / 10.0;
            (status, format!("score {score:.1}, from {share} % of the weight"))
        }
        // Evidence alone says nothing about the code.
        _ => (Status::NotEvaluated, "no category that rules judge was assessed".to_owned()),
    };
    Gate {
        id: "score".to_owned(),
        criterion: format!("score at least {}", policy.fail_under),
        status,
        required: true,
        blocks: true,
        evidence,
    }
}

fn floor_gate(scorecard: &Scorecard, policy: &GatePolicy) -> Gate {
    let open: Vec<_> = scorecard.categories.iter().filter(|c| c.score.is_none()).collect();
    let bounds = scorecard.overall_if_unassessed(0.0).zip(scorecard.overall_if_unassessed(100.0));
    let (status, evidence) = match bounds {
        Some((least, _)) if open.is_empty() => {
            let status = if least >= policy.fail_under { Status::Pass } else { Status::Fail };
            (status, "every category was assessed".to_owned())
        }
        Some((least, most)) => {
            let status = if least >= policy.fail_under {
                Status::Pass
            } else if most < policy.fail_under {
                Status::Fail
            } else {
                Status::NotEvaluated
            };
            let names: Vec<_> = open.iter().map(|c| c.category.as_str()).collect();
            (status, format!("{least:.1} to {most:.1}; not assessed: {}", names.join(", ")))
        }
        None => (Status::NotEvaluated, "no category carries weight".to_owned()),
    };
    Gate {
        id: "score-floor".to_owned(),
        criterion: format!(
            "score at least {} whatever the categories not assessed would score",
            policy.fail_under
        ),
        status,
        required: true,
        blocks: false,
        evidence,
    }
}

fn finding_gate(
    scorecard: &Scorecard,
    findings: &[Finding],
    severity: Severity,
    blocks: bool,
) -> Gate {
    let of_severity = || findings.iter().filter(|finding| finding.severity == severity);
    let open = of_severity().filter(|finding| finding.is_open()).count();
    let suppressed = of_severity().count() - open;
    let (status, mut evidence) = match open {
        0 if !scorecard.any_rule_ran() => (Status::NotEvaluated, "no rule ran".to_owned()),
        0 => (Status::Pass, format!("no open {severity} finding")),
        1 => (Status::Fail, format!("1 open {severity} finding")),
        _ => (Status::Fail, format!("{open} open {severity} findings")),
    };
    if suppressed > 0 {
        evidence += &format!(", {suppressed} suppressed");
    }
    Gate {
        id: format!("no-{severity}"),
        criterion: format!("no open {severity} finding"),
        status,
        required: severity >= Severity::High || blocks,
        blocks,
        evidence,
    }
}

/// The verdict that the gates add up to.
///
/// NO-GO when a blocking gate failed; NOT ASSESSED when one could not be judged, or when nothing
/// at all passed; CONDITIONAL GO when any other required gate failed or could not be judged;
/// else GO.
#[must_use]
pub fn verdict(gates: &[Gate]) -> Verdict {
    let any = |test: &dyn Fn(&Gate) -> bool| gates.iter().any(test);
    if any(&|gate| gate.blocks && gate.status == Status::Fail) {
        Verdict::NoGo
    } else if any(&|gate| gate.blocks && gate.status == Status::NotEvaluated)
        || !any(&|gate| gate.status == Status::Pass)
    {
        Verdict::NotAssessed
    } else if any(&|gate| gate.is_condition()) {
        Verdict::Conditional
    } else {
        Verdict::Go
    }
}

impl Gate {
    /// Whether it stands between the project and GO: required, and failed or not judged.
    #[must_use]
    pub fn is_condition(&self) -> bool {
        self.required && matches!(self.status, Status::Fail | Status::NotEvaluated)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;
    use crate::finding::{Category, Confidence};
    use crate::score::tests::{any_assessed, any_findings, any_weights, assessed, finding};
    use crate::score::{EVIDENCE_ONLY, Weights, score};

    prop_compose! {
        fn any_gate()(
            status in select(Status::ALL), required in any::<bool>(), blocks in any::<bool>(),
        ) -> Gate {
            Gate {
                id: String::new(),
                criterion: String::new(),
                status,
                required,
                blocks,
                evidence: String::new(),
            }
        }
    }

    prop_compose! {
        fn any_policy()(
            fail_under in prop_oneof![Just(70.0), 0.0..=100.0],
            fail_on in select(FailOn::ALL),
        ) -> GatePolicy {
            GatePolicy { fail_under, fail_on }
        }
    }

    proptest! {
        #[test]
        fn the_verdict_says_what_its_gates_say(
            gates in prop::collection::vec(any_gate(), 0..8),
        ) {
            let verdict = verdict(&gates);
            let blocking_failed = gates.iter().any(|g| g.blocks && g.status == Status::Fail);
            prop_assert_eq!(verdict == Verdict::NoGo, blocking_failed);
            if verdict >= Verdict::Conditional {
                prop_assert!(gates.iter().all(|g| !g.blocks
                    || matches!(g.status, Status::Pass | Status::NotApplicable)));
            }
            if verdict == Verdict::Go {
                prop_assert!(!gates.iter().any(Gate::is_condition));
                prop_assert!(gates.iter().any(|g| g.status == Status::Pass));
            }
        }

        /// Not knowing never improves a verdict; where it hides a blocking failure, the verdict
        /// becomes NOT ASSESSED and nothing better.
        #[test]
        fn not_knowing_never_helps(
            gates in prop::collection::vec(any_gate(), 1..8), at in any::<prop::sample::Index>(),
        ) {
            let before = verdict(&gates);
            let mut fewer = gates.clone();
            let gate = &mut fewer[at.index(gates.len())];
            // A gate of which nothing depends may not be told apart from one that is not there.
            prop_assume!(gate.required || gate.blocks);
            let hides_no_go = gate.blocks && gate.status == Status::Fail;
            gate.status = Status::NotEvaluated;
            let after = verdict(&fewer);
            if hides_no_go {
                prop_assert!(after <= Verdict::NotAssessed);
            } else {
                prop_assert!(after <= before, "{before} became {after}");
            }
        }

        #[test]
        fn an_order_of_gates_never_matters(
            (gates, shuffled) in prop::collection::vec(any_gate(), 0..8)
                .prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle())),
        ) {
            prop_assert_eq!(verdict(&gates), verdict(&shuffled));
        }

        /// What is not assessed never turns a verdict into GO, whatever it would have scored.
        /// (The gates that cannot be judged yet would keep every verdict from GO, and are left
        /// out for the sake of this test.)
        #[test]
        fn leaving_a_category_out_never_earns_a_go(
            findings in any_findings(), ran in any_assessed(), category in select(Category::ALL),
            policy in any_policy(), weights in any_weights(),
        ) {
            let judge = |ran: &BTreeMap<_, _>| {
                let card = score(&findings, ran, 5.0, &weights);
                let mut gates = gates(&card, &findings, Landed::default(), &policy);
                gates.retain(|gate| PENDING.iter().all(|(id, ..)| gate.id != *id));
                verdict(&gates)
            };
            let (mut with, mut without) = (ran.clone(), ran);
            with.extend(assessed(&[category]));
            without.remove(&category);
            if judge(&without) == Verdict::Go {
                prop_assert_eq!(judge(&with), Verdict::Go);
            }
        }

        #[test]
        fn the_score_gate_agrees_with_the_printed_score(
            findings in any_findings(), policy in any_policy(), weights in any_weights(),
        ) {
            let card = score(&findings, &assessed(Category::ALL), 5.0, &weights);
            let gate = score_gate(&card, &policy);
            if let Some(overall) = card.overall.filter(|_| card.any_rule_ran()) {
                let printed: f64 = format!("{overall:.1}").parse().unwrap();
                prop_assert_eq!(gate.status == Status::Pass, printed >= policy.fail_under);
            }
        }

        #[test]
        fn a_finding_never_improves_the_verdict(
            findings in any_findings(), ran in any_assessed(), policy in any_policy(),
        ) {
            let judge = |findings: &[Finding]| {
                let card = score(findings, &ran, 5.0, &Weights::default());
                verdict(&gates(&card, findings, Landed::default(), &policy))
            };
            let with = judge(&findings);
            let without = judge(&findings[..findings.len().saturating_sub(1)]);
            // NO-GO is below NOT ASSESSED: a finding may fail what was not judged before.
            prop_assert!(with <= without);
        }
    }

    fn judge(findings: &[Finding], ran: &[Category], policy: &GatePolicy) -> (Verdict, Vec<Gate>) {
        let card = score(findings, &assessed(ran), 100.0, &Weights::default());
        let gates = gates(&card, findings, Landed::default(), policy);
        (verdict(&gates), gates)
    }

    fn static_categories() -> Vec<Category> {
        Category::ALL.iter().copied().filter(|c| !EVIDENCE_ONLY.contains(c)).collect()
    }

    fn table(gates: &[Gate]) -> String {
        let line = |g: &Gate| {
            let blocks = if g.blocks { "blocks" } else { "asks" };
            format!("{} | {} | {blocks} | {} | {}\n", g.id, g.criterion, g.status, g.evidence)
        };
        gates.iter().map(line).collect()
    }

    #[test]
    fn a_first_run_without_evidence_is_conditional() {
        let (verdict, gates) = judge(&[], &static_categories(), &GatePolicy::default());
        assert_eq!(verdict, Verdict::Conditional);
        insta::assert_snapshot!(table(&gates), @"
        score | score at least 70 | blocks | pass | score 100.0, from 87.5 % of the weight
        score-floor | score at least 70 whatever the categories not assessed would score | asks | pass | 87.5 to 100.0; not assessed: testing, performance
        no-critical | no open critical finding | blocks | pass | no open critical finding
        no-high | no open high finding | asks | pass | no open high finding
        client-calls | every client call reaches a route | asks | not-applicable | no call to a server of the repository was found
        tests-passed | tests passed | asks | not-evaluated | no test results were given
        coverage | coverage at its target | asks | not-evaluated | no coverage report was given
        attestations | checklist attested | asks | not-evaluated | no attestations were given
        ");
    }

    #[test]
    fn nothing_assessed_is_not_assessed() {
        let (verdict, gates) = judge(&[], EVIDENCE_ONLY, &GatePolicy::default());
        assert_eq!(verdict, Verdict::NotAssessed);
        insta::assert_snapshot!(table(&gates), @"
        score | score at least 70 | blocks | not-evaluated | no category that rules judge was assessed
        score-floor | score at least 70 whatever the categories not assessed would score | asks | not-evaluated | 12.5 to 100.0; not assessed: code-quality, api, security, configuration, database, infrastructure, monitoring, documentation
        no-critical | no open critical finding | blocks | not-evaluated | no rule ran
        no-high | no open high finding | asks | not-evaluated | no rule ran
        client-calls | every client call reaches a route | asks | not-applicable | no call to a server of the repository was found
        tests-passed | tests passed | asks | not-evaluated | no test results were given
        coverage | coverage at its target | asks | not-evaluated | no coverage report was given
        attestations | checklist attested | asks | not-evaluated | no attestations were given
        ");
    }

    #[test]
    fn a_critical_finding_blocks_and_a_high_one_asks() {
        let policy = GatePolicy::default();
        let one = |severity| vec![finding("r", Category::Security, severity, Confidence::High)];
        let ran = static_categories();
        assert_eq!(judge(&one(Severity::Critical), &ran, &policy).0, Verdict::NoGo);
        let (verdict, gates) = judge(&one(Severity::High), &ran, &policy);
        assert_eq!(verdict, Verdict::Conditional);
        let high = gates.iter().find(|gate| gate.id == "no-high").unwrap();
        assert_eq!((high.status, high.evidence.as_str()), (Status::Fail, "1 open high finding"));
    }

    #[test]
    fn fail_on_moves_what_blocks() {
        let low = [finding("r", Category::Security, Severity::Low, Confidence::High)];
        let ran = static_categories();
        let with = |fail_on| judge(&low, &ran, &GatePolicy { fail_on, ..GatePolicy::default() });
        assert_eq!(with(FailOn::Medium).0, Verdict::Conditional);
        assert_eq!(with(FailOn::Low).0, Verdict::NoGo);
        assert_eq!(with(FailOn::Info).0, Verdict::NoGo);
        let critical = [finding("r", Category::Security, Severity::Critical, Confidence::High)];
        let none = GatePolicy { fail_on: FailOn::None, ..GatePolicy::default() };
        assert_eq!(judge(&critical, &ran, &none).0, Verdict::Conditional);
    }

    #[test]
    fn one_call_without_a_route_fails_and_one_unknown_is_no_pass() {
        let landed = |answered, broken, unknown| Landed { routes: 3, answered, broken, unknown };
        let asked = |landed| {
            let gate = calls_gate(landed);
            (gate.status, gate.evidence)
        };
        assert_eq!(asked(landed(9, 0, 0)), (Status::Pass, "9 of 9 calls reach a route".to_owned()));
        assert_eq!(
            asked(landed(9, 2, 1)),
            (Status::Fail, "9 of 12 calls reach a route, 2 do not, 1 cannot be told".to_owned())
        );
        assert_eq!(asked(landed(9, 0, 1)).0, Status::NotEvaluated);
        assert_eq!(asked(Landed { routes: 0, ..landed(0, 4, 0) }).0, Status::NotEvaluated);
    }

    #[test]
    fn a_printed_70_passes_70() {
        let mut card = score(&[], &assessed(Category::ALL), 1.0, &Weights::default());
        card.overall = Some(70.0);
        assert_eq!(score_gate(&card, &GatePolicy::default()).status, Status::Pass);
        card.overall = Some(69.9);
        assert_eq!(score_gate(&card, &GatePolicy::default()).status, Status::Fail);
    }
}
