//! `readiness explain`

mod route;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::bail;
use clap::Args;

use super::catalogue::{RulePage, catalogue};
use super::options::RunOptions;
use super::{PASSED, run, terminal};
use crate::config::Config;
use crate::finding::{Category, Confidence, Severity};
use crate::rules::error::nearest;
use crate::score::{EVIDENCE_ONLY, Weights};
use crate::{gate, score};

/// Explain a rule, the score, the gates, or a route, with the current configuration.
///
/// Of a route it shows how it comes about, from the application through mounts to the handler, and
/// what an anonymous caller meets on the way.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Arguments {
    /// A rule's id, `score`, `gate`, or a route: a path, perhaps after a method, or FILE:LINE.
    #[arg(value_name = "RULE|score|gate|ROUTE")]
    topic: String,
    #[command(flatten)]
    run: RunOptions,
}

const EXAMPLES: &str = "\
Examples:
  readiness explain score      the formula, and the weights that hold here
  readiness explain gate       what blocks and what is asked for
  readiness explain env-literal-fallback
  readiness explain 'GET /api/users/{id}'     who gets in, and by what that is known
  readiness explain app/users.py:30 backend   the route that is registered or answered there";

impl Arguments {
    pub(super) fn run(&self) -> anyhow::Result<u8> {
        let (root, config) = self.run.load()?;
        if let Some(wanted) = route::Wanted::of(&self.topic) {
            let listing = run::inventory(root, &config, run::Calls::None)?;
            terminal::report(&route::pages(&listing.routes, &wanted)?)?;
            let incomplete = listing.coverage.incomplete;
            return Ok(if incomplete { super::INCOMPLETE } else { PASSED });
        }
        let mut page = match self.topic.as_str() {
            "score" => score_page(&config.score),
            "gate" | "gates" => gate_page(&config),
            id => {
                let rules = catalogue(&config)?;
                let Some(rule) = rules.iter().find(|rule| rule.id == id) else {
                    bail!(unknown(id, &rules));
                };
                rule_page(rule)
            }
        };
        if matches!(self.topic.as_str(), "score" | "gate" | "gates") {
            page += &source(&config);
        }
        terminal::report(&page)?;
        Ok(PASSED)
    }
}

fn unknown(id: &str, rules: &[RulePage]) -> String {
    let help = match nearest(id, rules.iter().map(|rule| rule.id.as_str())) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "`readiness rules` lists them".to_owned(),
    };
    format!("unknown rule `{id}`; {help}")
}

/// Which configuration the page was made from.
fn source(config: &Config) -> String {
    match &config.origin {
        Some(origin) => {
            let file = terminal::visible(&origin.file.to_string_lossy());
            format!("\nThese are the values of {file}, over the defaults.\n")
        }
        None => "\nThese are the defaults; no configuration file was found or read.\n".to_owned(),
    }
}

fn score_page(weights: &Weights) -> String {
    let mut page = "\
The score

Every category starts at 100 and halves for every H demerits:

    score = 100 × 2^(−D / H)

D adds up the category's open findings: severity weight × confidence weight each.
Suppressed findings are listed in the report and carry no demerits.

"
    .to_owned();

    let severities: Vec<_> = Severity::ALL.iter().rev().collect();
    let rows: Vec<_> = Confidence::ALL
        .iter()
        .rev()
        .map(|confidence| {
            let mut row = [const { String::new() }; 6];
            row[0] = format!("{confidence} (× {})", weights.confidence.of(*confidence));
            for (cell, severity) in row[1..].iter_mut().zip(&severities) {
                *cell = weights.demerits(**severity, *confidence).to_string();
            }
            row
        })
        .collect();
    let mut head = ["CONFIDENCE"; 6];
    for (cell, severity) in head[1..].iter_mut().zip(&severities) {
        *cell = severity.as_str();
    }
    page += "Demerits of one finding\n\n";
    page += &indent(&terminal::table(head, &rows));

    let _ = write!(
        page,
        "
H grows with the square root of the production code, so that size is fair:

    H = {} × √kLOC, with at least 1 kLOC

",
        weights.half_life
    );
    let rows: Vec<_> = [1.0, 10.0, 100.0, 1000.0]
        .map(|kloc| {
            let half_life = weights.half_life(kloc);
            let after = |severity| {
                let demerits = weights.demerits(severity, Confidence::High);
                format!("{:.1}", weights.category_score(demerits, kloc))
            };
            [
                format!("{kloc}"),
                format!("{half_life:.1}"),
                after(Severity::Critical),
                after(Severity::High),
                after(Severity::Medium),
                after(Severity::Low),
            ]
        })
        .to_vec();
    page += "What one finding of high confidence leaves of 100\n\n";
    page += &indent(&terminal::table(["kLOC", "H", "critical", "high", "medium", "low"], &rows));

    let total: f64 = Category::ALL.iter().map(|category| weights.category.of(*category)).sum();
    let rows: Vec<_> = Category::ALL
        .iter()
        .map(|category| {
            let weight = weights.category.of(*category);
            let share = if total > 0.0 { 100.0 * weight / total } else { 0.0 };
            let from = if EVIDENCE_ONLY.contains(category) { "evidence" } else { "rules" };
            [category.to_string(), weight.to_string(), format!("{share:.1} %"), from.to_owned()]
        })
        .collect();
    page += "
The overall score is the weighted mean of the categories that were assessed. A category
that nobody could judge is NOT ASSESSED: it has no number and carries no weight, and the
report says what share of the weight was assessed.

";
    page += &indent(&terminal::table(["CATEGORY", "WEIGHT", "SHARE", "JUDGED FROM"], &rows));
    page += "
Scores are cut to one decimal, not rounded: 99.96 is 99.9. Only a category without any
demerits has 100. What is printed is what the gates compare.

To change the numbers, set [score] in readiness.toml:

    [score]
    half-life = 10
    severity = { high = 12 }
    category = { security = 25 }
";
    page
}

fn gate_page(config: &Config) -> String {
    let nothing = score::score(&[], &BTreeMap::new(), 0.0, &config.score);
    let gates = gate::gates(&nothing, &[], gate::Landed::default(), &config.gates);
    let rows: Vec<_> = gates
        .iter()
        .map(|gate| {
            let effect = if gate.blocks {
                "blocks"
            } else if gate.required {
                "asks"
            } else {
                "informs"
            };
            [gate.id.clone(), effect.to_owned(), gate.criterion.clone()]
        })
        .collect();
    let mut page = "\
The gates

A gate is a criterion that passes, fails, does not apply, or could not be evaluated. What
could not be evaluated has not passed.

"
    .to_owned();
    page += &indent(&terminal::table(["GATE", "EFFECT", "CRITERION"], &rows));
    let _ = write!(
        page,
        "
The verdict is the first of these that holds:

    NO-GO            a gate that blocks failed                    exit status 1
    NOT ASSESSED     a gate that blocks could not be evaluated    exit status 3
    CONDITIONAL GO   a gate that asks failed, or could not be     exit status 0
                     evaluated; these are the conditions
    GO               otherwise                                    exit status 0

`score` looks at what was assessed. `score-floor` asks whether it would still hold if every
category that was not assessed turned out to be worth nothing, so that leaving something out
never earns a GO.

To change what blocks, set [gates] in readiness.toml, or --fail-under and --fail-on:

    [gates]
    fail-under = {}
    fail-on = \"{}\"
",
        config.gates.fail_under, config.gates.fail_on
    );
    page
}

fn rule_page(rule: &RulePage) -> String {
    let mut page = format!("{}\n{}\n\n", rule.id, "─".repeat(rule.id.chars().count()));
    let roles: Vec<_> = rule.roles.iter().map(|role| role.as_str()).collect();
    let _ = write!(
        page,
        "{}\n\n{} · {} · confidence {} · in {} files · a fix takes about {} minutes\n",
        rule.title,
        rule.category.title(),
        rule.severity,
        rule.confidence,
        roles.join(", "),
        rule.effort_minutes,
    );
    if rule.off {
        page += "The configuration turns it off.\n";
    }
    let mut section = |title: &str, text: &str| {
        if !text.is_empty() {
            let _ = write!(page, "\n{title}\n{}", indent(text));
        }
    };
    section("What it says", &wrapped(&rule.message));
    section("Why", &wrapped(&rule.why));
    section("How to fix", &wrapped(&rule.fix));
    for expect in ["bad", "good", "accepted"] {
        for example in rule.examples.iter().filter(|example| example.expect == expect) {
            section(&format!("Example, {expect} ({})", example.language), &example.text);
        }
    }
    let accepts = match rule.accepts.as_slice() {
        [] => "The rule names no legitimate form of its own.".to_owned(),
        accepts => accepts.join("\n"),
    };
    section("What is accepted", &accepts);
    section("What readiness.toml allows", &rule.allows.join("\n"));
    section("How it can be wrong", &wrapped(rule.wrong.as_deref().unwrap_or_default()));
    let references: Vec<_> = rule.references.iter().map(|text| reference(text)).collect();
    section("References", &references.join("\n"));
    let _ = write!(
        page,
        "
To accept one place, say why in a comment on it or above it:

    readiness: ignore[{id}] the reason, until 2027-01-31

To change the rule for this repository, in readiness.toml:

    [rule.{id}]
    severity = \"{severity}\"
    off = false

    [[rule.{id}.allow]]
    reason = \"why these places are fine\"
    paths = [\"tools/**\"]
",
        id = rule.id,
        severity = rule.severity,
    );
    terminal::visible(&page)
}

/// A weakness with the page that describes it.
fn reference(text: &str) -> String {
    match text.strip_prefix("CWE-") {
        Some(number) => format!("{text}  https://cwe.mitre.org/data/definitions/{number}.html"),
        None => text.to_owned(),
    }
}

/// Prose in lines that are read with ease.
fn wrapped(text: &str) -> String {
    const WIDTH: usize = 92;
    let (mut out, mut width) = (String::new(), 0);
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if width > 0 && width + 1 + length > WIDTH {
            out.push('\n');
            width = 0;
        } else if width > 0 {
            out.push(' ');
            width += 1;
        }
        out += word;
        width += length;
    }
    out
}

fn indent(text: &str) -> String {
    let mut indented = String::new();
    for line in text.trim_end().lines() {
        if !line.trim().is_empty() {
            indented += "    ";
            indented += line;
        }
        indented.push('\n');
    }
    indented
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Language, Role};

    #[test]
    fn the_score_page_shows_the_weights_that_hold() {
        insta::assert_snapshot!(score_page(&Weights::default()), @"
        The score

        Every category starts at 100 and halves for every H demerits:

            score = 100 × 2^(−D / H)

        D adds up the category's open findings: severity weight × confidence weight each.
        Suppressed findings are listed in the report and carry no demerits.

        Demerits of one finding

            CONFIDENCE      critical  high  medium  low  info
            high (× 1)      40        12    4       1    0
            medium (× 0.7)  28        8.4   2.8     0.7  0
            low (× 0.4)     16        4.8   1.6     0.4  0

        H grows with the square root of the production code, so that size is fair:

            H = 10 × √kLOC, with at least 1 kLOC

        What one finding of high confidence leaves of 100

            kLOC  H      critical  high  medium  low
            1     10.0   6.2       43.5  75.7    93.3
            10    31.6   41.6      76.8  91.6    97.8
            100   100.0  75.7      92.0  97.2    99.3
            1000  316.2  91.6      97.4  99.1    99.7

        The overall score is the weighted mean of the categories that were assessed. A category
        that nobody could judge is NOT ASSESSED: it has no number and carries no weight, and the
        report says what share of the weight was assessed.

            CATEGORY        WEIGHT  SHARE   JUDGED FROM
            code-quality    20      20.0 %  rules
            api             10      10.0 %  rules
            security        25      25.0 %  rules
            configuration   15      15.0 %  rules
            database        5       5.0 %   rules
            testing         10      10.0 %  evidence
            infrastructure  5       5.0 %   rules
            monitoring      5       5.0 %   rules
            performance     2.5     2.5 %   evidence
            documentation   2.5     2.5 %   rules

        Scores are cut to one decimal, not rounded: 99.96 is 99.9. Only a category without any
        demerits has 100. What is printed is what the gates compare.

        To change the numbers, set [score] in readiness.toml:

            [score]
            half-life = 10
            severity = { high = 12 }
            category = { security = 25 }
        ");
        let mut weights = Weights { half_life: 3.5, ..Weights::default() };
        weights.severity.high = 77.0;
        weights.category.security = 61.0;
        let page = score_page(&weights);
        for number in ["H = 3.5 ×", " 77 ", " 53.9 ", " 61 "] {
            assert!(page.contains(number), "{number} is missing in\n{page}");
        }
    }

    #[test]
    fn the_gate_page_shows_the_policy_that_holds() {
        let mut config = Config::default();
        config.gates.fail_under = 82.5;
        config.gates.fail_on = gate::FailOn::Medium;
        insta::assert_snapshot!(gate_page(&config), @r#"
        The gates

        A gate is a criterion that passes, fails, does not apply, or could not be evaluated. What
        could not be evaluated has not passed.

            GATE          EFFECT  CRITERION
            score         blocks  score at least 82.5
            score-floor   asks    score at least 82.5 whatever the categories not assessed would score
            no-critical   blocks  no open critical finding
            no-high       blocks  no open high finding
            no-medium     blocks  no open medium finding
            client-calls  asks    every client call reaches a route
            tests-passed  asks    tests passed
            coverage      asks    coverage at its target
            attestations  asks    checklist attested

        The verdict is the first of these that holds:

            NO-GO            a gate that blocks failed                    exit status 1
            NOT ASSESSED     a gate that blocks could not be evaluated    exit status 3
            CONDITIONAL GO   a gate that asks failed, or could not be     exit status 0
                             evaluated; these are the conditions
            GO               otherwise                                    exit status 0

        `score` looks at what was assessed. `score-floor` asks whether it would still hold if every
        category that was not assessed turned out to be worth nothing, so that leaving something out
        never earns a GO.

        To change what blocks, set [gates] in readiness.toml, or --fail-under and --fail-on:

            [gates]
            fail-under = 82.5
            fail-on = "medium"
        "#);
    }

    #[test]
    fn a_rule_page_reads_well_and_controls_no_terminal() {
        let example = |expect: &str, text: &str| crate::cli::catalogue::RuleExample {
            expect: expect.to_owned(),
            language: Language::Python,
            text: text.to_owned(),
        };
        let rule = RulePage {
            id: "env-literal-fallback".to_owned(),
            title: "Environment variable falls back to a literal".to_owned(),
            category: Category::Configuration,
            severity: Severity::Medium,
            confidence: Confidence::High,
            roles: vec![Role::Production],
            off: false,
            effort_minutes: 15,
            message: "`{key}` falls back to {default}".to_owned(),
            why: "A missing setting must stop the start.\u{1b}[2J".to_owned(),
            wrong: Some("The literal may be right everywhere.".to_owned()),
            fix: "Read it through the configuration module.".to_owned(),
            references: vec!["CWE-1188".to_owned()],
            accepts: vec!["a neutral default".to_owned()],
            allows: vec!["the status page is public".to_owned()],
            examples: vec![
                example("good", "host = os.environ[\"DB_HOST\"]"),
                example("bad", "def f():\n    return os.getenv(\"DB_HOST\", \"localhost\")\n"),
            ],
        };
        insta::assert_snapshot!(rule_page(&rule), @r#"
        env-literal-fallback
        ────────────────────

        Environment variable falls back to a literal

        Configuration · medium · confidence high · in production files · a fix takes about 15 minutes

        What it says
            `{key}` falls back to {default}

        Why
            A missing setting must stop the start.\u{1b}[2J

        How to fix
            Read it through the configuration module.

        Example, bad (python)
            def f():
                return os.getenv("DB_HOST", "localhost")

        Example, good (python)
            host = os.environ["DB_HOST"]

        What is accepted
            a neutral default

        What readiness.toml allows
            the status page is public

        How it can be wrong
            The literal may be right everywhere.

        References
            CWE-1188  https://cwe.mitre.org/data/definitions/1188.html

        To accept one place, say why in a comment on it or above it:

            readiness: ignore[env-literal-fallback] the reason, until 2027-01-31

        To change the rule for this repository, in readiness.toml:

            [rule.env-literal-fallback]
            severity = "medium"
            off = false

            [[rule.env-literal-fallback.allow]]
            reason = "why these places are fine"
            paths = ["tools/**"]
        "#);
        assert_eq!(
            unknown("env-literal-fallbak", &[rule]),
            "unknown rule `env-literal-fallbak`; did you mean `env-literal-fallback`?"
        );
    }
}
