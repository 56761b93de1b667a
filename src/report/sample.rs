//! An audit as a run would give it, small enough to read, with hostile text in some places.

#![allow(clippy::expect_used)]

use std::collections::{BTreeMap, BTreeSet};

use crate::audit::{
    Audit, Codebase, Commit, Coverage, LedgerEntry, Outcome, Project, RuleSummary, SCHEMA, Size,
    Tool,
};
use crate::finding::{
    Accepted, Category, Confidence, Excerpt, Finding, Location, Severity, Waiver,
};
use crate::gate::{Gate, Status, Verdict};
use crate::inventory::calls::{self, Call, Landing, Nearest, Step};
use crate::inventory::contract::usage::Said;
use crate::inventory::contract::{Contract, Page};
use crate::inventory::routes::{Auth, AuthState, Route};
use crate::score::{CategoryScore, RuleDemerits, Scorecard};
use crate::source::{Language, Role};

/// A path that tries everything at once.
pub(super) const HOSTILE_PATH: &str = "app/a|b`<img src=x>\u{202e}\n@team.py";

/// A message that does too.
pub(super) const HOSTILE_MESSAGE: &str = "`|<script>alert(1)</script>` falls back to [x](javascript:y) @team #1 https://evil.example \u{1b}[2J";

struct Rule {
    id: &'static str,
    category: Category,
    severity: Severity,
    confidence: Confidence,
    title: &'static str,
    why: &'static str,
    fix: &'static str,
    minutes: u32,
    references: &'static [&'static str],
    demerits: f64,
    lift: f64,
}

const RULES: &[Rule] = &[
    Rule {
        id: "hardcoded-secret",
        category: Category::Security,
        severity: Severity::Critical,
        confidence: Confidence::High,
        title: "Secret in the source",
        why: "Whoever can read the repository can act as the service; the value stays in the history.",
        fix: "Read it from the environment or a secret store, and revoke the value that was committed.",
        minutes: 60,
        references: &["CWE-798"],
        demerits: 20.0,
        lift: 9.7,
    },
    Rule {
        id: "unguarded-current-user",
        category: Category::Security,
        severity: Severity::High,
        confidence: Confidence::Medium,
        title: "`current_user` used without a login check",
        why: "An anonymous caller has no such attribute: the route answers with a server error, or with somebody else's data.",
        fix: "Decorate the view with `login_required`, or test `current_user.is_authenticated` first.",
        minutes: 20,
        references: &["CWE-862", "https://flask-login.readthedocs.io/"],
        demerits: 14.0,
        lift: 5.1,
    },
    Rule {
        id: "env-literal-fallback",
        category: Category::Configuration,
        severity: Severity::Medium,
        confidence: Confidence::High,
        title: "Environment variable falls back to a literal",
        why: "A missing setting must stop the start, not be replaced by a guess.",
        fix: "Read it through the configuration module and fail when it is absent.",
        minutes: 15,
        references: &["CWE-1188", "https://12factor.net/config"],
        demerits: 21.0,
        lift: 4.4,
    },
    Rule {
        id: "mock-data",
        category: Category::CodeQuality,
        severity: Severity::High,
        confidence: Confidence::Medium,
        title: "Invented data in production code",
        why: "The caller cannot tell an invented answer from a real one.",
        fix: "Query the real system, or answer 501 until it exists.",
        minutes: 120,
        references: &[],
        demerits: 7.0,
        lift: 1.2,
    },
    Rule {
        id: "todo-comment",
        category: Category::CodeQuality,
        severity: Severity::Info,
        confidence: Confidence::High,
        title: "Work left in a comment",
        why: "It is worth knowing what the authors meant to do.",
        fix: "Do it, or move it to the tracker.",
        minutes: 10,
        references: &[],
        demerits: 0.0,
        lift: 0.0,
    },
];

fn excerpt(path: &str, line: u32) -> Excerpt {
    let lines: &[&str] = match path {
        "app/settings.py" => &["import os", "", "DB_HOST = os.getenv(\"DB_HOST\", \"localhost\")"],
        "app/keys.py" => {
            &["class Keys:", "    signing = \"sk_l…(24 characters)\"", "    rotated = None"]
        }
        HOSTILE_PATH => &[
            "```",
            "x = os.getenv(\"A|B\", \"````\")\u{202e}\u{1b}[31m",
            "~~~ ::error::owned ##[group]",
        ],
        "app/quotes.py" => &[
            "def price(item):",
            "    # for now",
            "    return {\"price\": 9.99,",
            "            \"currency\": \"USD\"}",
        ],
        _ => &["@app.get(\"/me\")", "def me():", "\treturn jsonify(name=current_user.name)"],
    };
    Excerpt {
        first_line: line
            .saturating_sub(if path == HOSTILE_PATH || path == "app/keys.py" { 1 } else { 2 })
            .max(1),
        lines: lines.iter().map(ToString::to_string).collect(),
    }
}

fn location(path: &str, line: u32, column: u32, end_column: u32) -> Location {
    let end_line = if path == "app/quotes.py" { line + 1 } else { line };
    Location { path: path.to_owned(), line, column, end_line, end_column }
}

fn finding(rule: &str, message: &str, at: Location) -> Finding {
    let rule = RULES.iter().find(|known| known.id == rule).expect("a rule of the sample");
    Finding {
        rule: rule.id.into(),
        category: rule.category,
        severity: rule.severity,
        confidence: rule.confidence,
        role: Role::Production,
        message: message.to_owned(),
        excerpt: excerpt(&at.path, at.line),
        fingerprint: blake3::hash(format!("{}{}{}", rule.id, at.path, at.line).as_bytes()).to_hex()
            [..16]
            .to_owned(),
        location: at,
        suppressed: None,
    }
}

fn findings() -> Vec<Finding> {
    let mut all = vec![
        finding(
            "hardcoded-secret",
            "`signing` holds a secret of 24 characters",
            location("app/keys.py", 14, 15, 37),
        ),
        finding(
            "unguarded-current-user",
            "`current_user.name` is read where nobody needs to be logged in",
            location("app/users.py", 31, 22, 39),
        ),
        finding(
            "unguarded-current-user",
            "`current_user.id` is read where nobody needs to be logged in",
            location("app/users.py", 58, 22, 39),
        ),
        finding(
            "mock-data",
            "`price` returns the same literal for every call",
            location("app/quotes.py", 9, 5, 32),
        ),
        finding("env-literal-fallback", HOSTILE_MESSAGE, location(HOSTILE_PATH, 2, 5, 28)),
        finding("todo-comment", "`TODO: retry` is left to do", location("app/orders.py", 77, 1, 9)),
    ];
    for (at, name) in
        ["DB_HOST", "DB_PORT", "REDIS_URL", "MAIL_HOST", "QUEUE", "BUCKET"].iter().enumerate()
    {
        let line = 3 + 4 * u32::try_from(at).unwrap_or(0);
        let message = format!("`{name}` falls back to `\"localhost\"`");
        all.push(finding(
            "env-literal-fallback",
            &message,
            location("app/settings.py", line, 11, 43),
        ));
    }
    let mut waived = finding(
        "mock-data",
        "`demo` returns the same literal for every call",
        location("app/demo.py", 12, 5, 20),
    );
    waived.suppressed = Some(Waiver {
        reason: "the demo page | shows <b>invented</b> data".to_owned(),
        until: Some("2027-01-31".to_owned()),
        line: 11,
    });
    all.push(waived);
    all.sort_by(|a, b| b.severity.cmp(&a.severity).then_with(|| a.location.cmp(&b.location)));
    all
}

fn scorecard(findings: &[Finding]) -> Scorecard {
    let scores = |category| match category {
        Category::Security => Some(37.2),
        Category::Configuration => Some(55.1),
        Category::CodeQuality => Some(81.9),
        Category::Testing | Category::Performance => None,
        _ => Some(100.0),
    };
    let weight = |category| match category {
        Category::Security => 20.0,
        Category::Api | Category::CodeQuality | Category::Configuration => 15.0,
        Category::Testing => 10.0,
        _ => 5.0,
    };
    let categories: Vec<_> = Category::ALL
        .iter()
        .map(|category| {
            let mut by_rule: Vec<_> = RULES
                .iter()
                .filter(|rule| rule.category == *category)
                .map(|rule| RuleDemerits {
                    rule: rule.id.into(),
                    severity: rule.severity,
                    confidence: rule.confidence,
                    findings: findings.iter().filter(|f| f.rule == rule.id && f.is_open()).count(),
                    demerits: rule.demerits,
                    lift: rule.lift,
                })
                .collect();
            by_rule.sort_by(|a, b| b.demerits.total_cmp(&a.demerits));
            CategoryScore {
                category: *category,
                score: scores(*category),
                basis: match category {
                    Category::Testing => "no test results were given".to_owned(),
                    Category::Performance => "no load-test results were given".to_owned(),
                    _ => "42 production files".to_owned(),
                },
                weight: weight(*category),
                demerits: by_rule.iter().map(|rule| rule.demerits).sum(),
                by_rule,
            }
        })
        .collect();
    Scorecard {
        overall: Some(72.6),
        assessed_share: 85.0 / 100.0,
        kloc: 5.83,
        half_life: 24.14,
        categories,
    }
}

fn gate(
    id: &str,
    criterion: &str,
    status: Status,
    required: bool,
    blocks: bool,
    evidence: &str,
) -> Gate {
    Gate {
        id: id.to_owned(),
        criterion: criterion.to_owned(),
        status,
        required,
        blocks,
        evidence: evidence.to_owned(),
    }
}

/// A call that fits, and two that do not for one cause.
fn calls() -> Vec<Call> {
    let landing = |path: &str| Landing {
        methods: vec!["GET".to_owned()],
        path: path.to_owned(),
        file: "app/orders.py".to_owned(),
        line: 12,
    };
    let call = |url: &str, line, status| Call {
        method: "GET".to_owned(),
        url: url.to_owned(),
        query: Vec::new(),
        file: "web/orders.ts".to_owned(),
        line,
        role: Role::Production,
        client: "fetch".to_owned(),
        status,
        route: None,
        nearest: None,
        way: Vec::new(),
        rewritten: None,
        inferred_prefix: None,
        opaque: None,
    };
    let lost = |url: &str, line| Call {
        nearest: Some(Nearest {
            route: landing("/api/orders/{id}"),
            asked: url.to_owned(),
            edit: format!("ask for `/api/orders/{{}}` instead of `{url}`"),
        }),
        ..call(url, line, calls::Status::PathMismatch)
    };
    vec![
        Call {
            route: Some(landing("/api/orders/{id}")),
            ..call("/api/orders/{}", 3, calls::Status::Matched)
        },
        lost("/api/order/{}", 7),
        lost("/api/order/{}", 11),
    ]
}

fn contract() -> Contract {
    let none = BTreeSet::new();
    let said = Said { pages: &none, tests: &none, elsewhere: &[] };
    let page = Page { path: Some("/orders/{id}".to_owned()), file: "web/page|`.tsx".to_owned() };
    let place = Step { file: "web/orders.ts".to_owned(), line: 7 };
    let pages = BTreeMap::from([(place, vec![page])]);
    Contract::of(&routes(), &calls(), &said, &pages)
}

fn route(
    methods: &[&str],
    path: &str,
    at: (&str, u32),
    framework: &str,
    state: AuthState,
    by: &[&str],
) -> Route {
    Route {
        methods: methods.iter().map(ToString::to_string).collect(),
        path: path.to_owned(),
        file: at.0.to_owned(),
        line: at.1,
        handler: (!at.1.is_multiple_of(5)).then(|| format!("app.handler_{}", at.1)),
        framework: framework.to_owned(),
        auth: Auth { state, by: by.iter().map(ToString::to_string).collect() },
        resolved: !path.contains("{}"),
        mounted: at.1 != 44,
        reachable: at.1 != 44,
        conditional: at.1 == 21,
        ..Route::default()
    }
}

fn routes() -> Vec<Route> {
    vec![
        route(&["GET"], "/api/v1/me", ("app/users.py", 30), "flask", AuthState::None, &[]),
        route(
            &["GET", "HEAD"],
            "/api/v1/orders/{id}",
            ("app/orders.py", 12),
            "fastapi",
            AuthState::Required,
            &["get_current_user"],
        ),
        route(
            &["POST"],
            "/api/v1/orders",
            ("app/orders.py", 21),
            "fastapi",
            AuthState::Required,
            &["get_current_user"],
        ),
        route(&["GET"], "/{}/status", ("app/orders.py", 44), "fastapi", AuthState::Unknown, &[]),
        route(
            &[],
            "/legacy/{rest*}",
            ("web/server.js", 8),
            "express",
            AuthState::Optional,
            &["maybeUser"],
        ),
        route(
            &["GET"],
            "/x|`<b>\n| injected | row |",
            (HOSTILE_PATH, 3),
            "flask",
            AuthState::None,
            &["`|x"],
        ),
    ]
}

fn coverage() -> Coverage {
    let entry = |path: &str, outcome, reason: &str, detail: Option<&str>, failure| LedgerEntry {
        path: path.to_owned(),
        outcome,
        reason: reason.to_owned(),
        detail: detail.map(ToOwned::to_owned),
        failure,
    };
    Coverage {
        walked: 58,
        analysed: 52,
        parsed: 31,
        partly_read: 2,
        left_out: 4,
        folders_not_entered: 1,
        reasons: [
            ("binary file", 2),
            ("larger than 1 MiB", 1),
            ("syntax error", 2),
            ("ignored by .gitignore", 1),
            ("time limit", 1),
        ]
        .map(|(reason, count)| (reason.to_owned(), count))
        .into(),
        entries: vec![
            entry("app/broken.py", Outcome::PartlyRead, "syntax error", Some("line 12"), false),
            entry(HOSTILE_PATH, Outcome::PartlyRead, "syntax error", Some("line 1 | `x`"), false),
            entry("logo.png", Outcome::LeftOut, "binary file", None, false),
            entry("icon.ico", Outcome::LeftOut, "binary file", None, false),
            entry("web/bundle.js", Outcome::LeftOut, "larger than 1 MiB", Some("1.9 MiB"), false),
            entry("web/slow.ts", Outcome::LeftOut, "time limit", Some("10 s"), true),
            entry("node_modules", Outcome::NotEntered, "ignored by .gitignore", None, false),
        ],
        roles: [("production", 42), ("test", 8), ("config", 4)]
            .map(|(role, count)| (role.to_owned(), count))
            .into(),
        incomplete: true,
    }
}

/// The audit of a small shop: twelve open findings and one that is suppressed.
pub(crate) fn audit() -> Audit {
    let findings = findings();
    let accepted: Vec<_> = [
        ("app/settings.py", 40, "DEBUG = os.getenv(\"DEBUG\", \"0\")"),
        ("app/settings.py", 41, "TRACE = os.getenv(\"TRACE\", \"\")"),
        (HOSTILE_PATH, 9, "| `x` | <b>"),
    ]
    .into_iter()
    .map(|(path, line, text)| Accepted {
        rule: "env-literal-fallback".into(),
        allowed_by: None,
        reason: "a neutral default".into(),
        location: location(path, line, 9, 30),
        line_text: text.to_owned(),
    })
    .collect();
    let rules: BTreeMap<_, _> = RULES
        .iter()
        .map(|rule| {
            let count = |open: bool| {
                findings.iter().filter(|f| f.rule == rule.id && f.is_open() == open).count()
            };
            let summary = RuleSummary {
                title: rule.title.to_owned(),
                category: rule.category,
                severity: rule.severity,
                why: rule.why.to_owned(),
                fix: rule.fix.to_owned(),
                effort_minutes: rule.minutes,
                references: rule.references.iter().map(ToString::to_string).collect(),
                open: count(true),
                suppressed: count(false),
                accepted: accepted.iter().filter(|place| place.rule == rule.id).count(),
            };
            (rule.id.to_owned(), summary)
        })
        .collect();
    let size = |language, role, files, code, comment, blank| Size {
        language,
        role,
        files,
        code,
        comment,
        blank,
    };
    Audit {
        schema: SCHEMA.to_owned(),
        tool: Tool {
            name: "readiness".to_owned(),
            version: "0.1.0".to_owned(),
            rules_digest: "5e1fbd0c9a7742d1".to_owned(),
            rules: RULES.len(),
        },
        project: Project {
            name: "shop".to_owned(),
            version: Some("1.4.2".to_owned()),
            named_by: "pyproject.toml".to_owned(),
            commit: Some(Commit {
                id: "3f2a1bc9d0e14f5566778899aabbccddeeff0011".to_owned(),
                date: "2026-10-01T09:30:00Z".to_owned(),
            }),
        },
        verdict: Verdict::NoGo,
        gates: vec![
            gate(
                "no-critical",
                "no open finding of severity critical",
                Status::Fail,
                true,
                true,
                "1 open critical finding",
            ),
            gate("score", "score at least 70", Status::Pass, true, true, "score 72.6"),
            gate(
                "calls",
                "every client call has a route",
                Status::NotApplicable,
                true,
                true,
                "no client calls were found",
            ),
            gate(
                "no-high",
                "no open finding of severity high",
                Status::Fail,
                true,
                false,
                "3 open high findings",
            ),
            gate(
                "tests",
                "tests passed",
                Status::NotEvaluated,
                true,
                false,
                "no test results were given",
            ),
            gate(
                "load-test",
                "attested: load test",
                Status::NotEvaluated,
                false,
                false,
                "no attestation of `load test` was given",
            ),
        ],
        scorecard: scorecard(&findings),
        findings,
        accepted,
        contract: contract(),
        calls: calls(),
        routes: routes(),
        frameworks_not_assessed: vec!["django".to_owned()],
        codebase: Codebase {
            sizes: vec![
                size(Language::Python, Role::Production, 30, 4100, 310, 620),
                size(Language::TypeScript, Role::Production, 12, 1730, 95, 210),
                size(Language::Python, Role::Test, 8, 1200, 40, 160),
                size(Language::Yaml, Role::Config, 4, 120, 8, 11),
            ],
            production_code_lines: 5830,
            test_code_lines: 1200,
        },
        coverage: coverage(),
        rules,
    }
}
