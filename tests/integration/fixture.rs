//! The shop in `fixtures/`: what its comments expect is what the audit finds, and nothing else.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use readiness::audit::{Audit, Outcome};
use readiness::finding::Severity;
use readiness::rules::load;
use regex::Regex;
use serde_json::Value;

use crate::cli::readiness;

pub(crate) fn project_folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn audit_as(folder: &Path, root: &str, more: &[&str]) -> String {
    let arguments = [&["audit", root, "--no-config", "-f", "json", "--quiet"], more].concat();
    let run = readiness(folder, &arguments);
    assert_eq!(run.status, 1, "{}", run.stderr);
    run.stdout
}

static AUDIT: LazyLock<Audit> = LazyLock::new(|| {
    serde_json::from_str(&audit_as(project_folder(), "fixtures/shop", &[])).unwrap()
});

/// Something said about a place: by a comment, or by the audit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    path: String,
    line: u32,
    rule: String,
}

/// A mark in a comment.
struct Mark {
    kind: String,
    place: Place,
    /// Nothing but the comment is on its line, so that it speaks of the next one.
    alone: bool,
}

impl Mark {
    fn covers(&self, place: &Place) -> bool {
        let line = self.place.line;
        self.place.path == place.path
            && self.place.rule == place.rule
            && (line == place.line || self.alone && line + 1 == place.line)
    }
}

static MARKS: LazyLock<Vec<Mark>> = LazyLock::new(|| {
    let mark = Regex::new(r"\b(expect|accepted): ([a-z][a-z-]*)|readiness: (ignore)\[([a-z-]+)\]")
        .unwrap();
    let comment = Regex::new(r"^\s*(?:#|//|--|/\*|\{/\*|<!--)").unwrap();
    let root = project_folder().join("fixtures/shop");
    let mut marks = Vec::new();
    for path in files(&root) {
        let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
        // The README explains the marks.
        if name == "README.md" {
            continue;
        }
        for (number, line) in (1..).zip(fs::read_to_string(&path).unwrap().lines()) {
            marks.extend(mark.captures_iter(line).map(|found| Mark {
                kind: found.get(1).or(found.get(3)).unwrap().as_str().to_owned(),
                place: Place {
                    path: name.clone(),
                    line: number,
                    rule: found.get(2).or(found.get(4)).unwrap().as_str().to_owned(),
                },
                alone: comment.is_match(line),
            }));
        }
    }
    marks
});

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<_> = walkdir::WalkDir::new(folder)
        .into_iter()
        .map(Result::unwrap)
        .filter(|entry| entry.file_type().is_file())
        .map(walkdir::DirEntry::into_path)
        .collect();
    found.sort();
    found
}

/// Compares the marks of a kind with what the audit says.
fn compare(kind: &str, said: impl Iterator<Item = (Place, String)>) {
    let marks: Vec<_> = MARKS.iter().filter(|mark| mark.kind == kind).collect();
    assert!(!marks.is_empty(), "no mark of the kind `{kind}`");
    let said: Vec<_> = said.collect();
    let mut differences = String::new();
    for (place, what) in &said {
        if !marks.iter().any(|mark| mark.covers(place)) {
            writeln!(
                differences,
                "not marked:  {}:{} {}: {what}",
                place.path, place.line, place.rule
            )
            .unwrap();
        }
    }
    for mark in marks {
        if !said.iter().any(|(place, _)| mark.covers(place)) {
            let Place { path, line, rule } = &mark.place;
            writeln!(differences, "not found:   {path}:{line} {rule}").unwrap();
        }
    }
    assert!(differences.is_empty(), "`{kind}` in fixtures/shop:\n{differences}");
}

fn findings(suppressed: bool) -> impl Iterator<Item = (Place, String)> {
    AUDIT
        .findings
        .iter()
        .filter(move |finding| {
            finding.suppressed.is_some() == suppressed && finding.severity >= Severity::Low
        })
        .map(|finding| {
            let place = Place {
                path: finding.location.path.clone(),
                line: finding.location.line,
                rule: finding.rule.to_string(),
            };
            (place, finding.message.clone())
        })
}

#[test]
fn every_mark_names_a_rule() {
    let rules: BTreeSet<_> = load::embedded().into_iter().map(|rule| rule.id.to_string()).collect();
    for mark in MARKS.iter() {
        let Place { path, line, rule } = &mark.place;
        assert!(rules.contains(rule), "{path}:{line}: no rule `{rule}`");
    }
}

#[test]
fn what_is_expected_is_found_and_nothing_else() {
    compare("expect", findings(false));
}

#[test]
fn what_is_accepted_is_marked_so() {
    compare(
        "accepted",
        AUDIT.accepted.iter().map(|accepted| {
            let place = Place {
                path: accepted.location.path.clone(),
                line: accepted.location.line,
                rule: accepted.rule.to_string(),
            };
            (place, accepted.reason.to_string())
        }),
    );
}

#[test]
fn suppressed_findings_are_listed_and_counted() {
    compare("ignore", findings(true));
    let counted: usize = AUDIT.rules.values().map(|rule| rule.suppressed).sum();
    assert_eq!(counted, findings(true).count());
    let demerits: usize = AUDIT.rules.values().map(|rule| rule.open).sum();
    assert_eq!(demerits, AUDIT.findings.iter().filter(|finding| finding.is_open()).count());
}

#[test]
fn messages_say_what_was_found() {
    for finding in &AUDIT.findings {
        assert!(!finding.message.contains("(none)"), "{}: {}", finding.rule, finding.message);
    }
}

#[test]
fn the_ledger_names_what_was_not_read_whole() {
    let coverage = &AUDIT.coverage;
    let entries: Vec<_> = coverage
        .entries
        .iter()
        .map(|entry| (entry.path.as_str(), entry.outcome, entry.reason.as_str(), entry.failure))
        .collect();
    assert_eq!(
        entries,
        [
            ("backend/catalogue_import.py", Outcome::PartlyRead, "syntax error", true),
            ("frontend/public/metrics.min.js", Outcome::LeftOut, "generated", false),
            ("frontend/public/vendor", Outcome::NotEntered, "vendored", false),
        ]
    );
    assert!(coverage.incomplete);
    let root = project_folder().join("fixtures/shop");
    let vendored = files(&root.join("frontend/public/vendor")).len();
    assert_eq!(coverage.walked, (files(&root).len() - vendored) as u64);
    assert_eq!(coverage.walked, coverage.analysed + coverage.partly_read + coverage.left_out);
    assert_eq!((coverage.partly_read, coverage.left_out, coverage.folders_not_entered), (1, 1, 1));
    let by_role: u64 = coverage.roles.values().sum();
    assert_eq!(by_role, coverage.analysed + coverage.partly_read);
    let by_reason: u64 = coverage.reasons.values().sum();
    assert_eq!(by_reason, coverage.partly_read + coverage.left_out + coverage.folders_not_entered);
}

/// A line per route, with what the list in `fixtures/` says of it.
fn route_lines(json: &str) -> BTreeSet<String> {
    let document: Value = serde_json::from_str(json).unwrap();
    let routes = document["routes"].as_array().unwrap();
    let lines: BTreeSet<_> = routes
        .iter()
        .map(|route| {
            let field = |name: &str| route[name].to_string();
            let names = ["methods", "path", "file", "line", "handler", "framework", "resolved"];
            names.map(field).join(" ")
        })
        .collect();
    assert_eq!(lines.len(), routes.len(), "a route is listed twice");
    lines
}

#[test]
fn the_routes_are_those_of_the_list() {
    let expected = fs::read_to_string(project_folder().join("fixtures/shop.routes.json")).unwrap();
    let run =
        readiness(project_folder(), &["routes", "fixtures/shop", "--no-config", "-f", "json"]);
    let (expected, found) = (route_lines(&expected), route_lines(&run.stdout));
    let only = |left: &BTreeSet<String>, right: &BTreeSet<String>| {
        left.difference(right).map(|line| format!("  {line}\n")).collect::<String>()
    };
    assert!(
        expected == found,
        "missing:\n{}unexpected:\n{}",
        only(&expected, &found),
        only(&found, &expected)
    );
}

#[test]
fn the_same_bytes_every_time_and_from_everywhere() {
    let first = audit_as(project_folder(), "fixtures/shop", &[]);
    assert!(first == audit_as(project_folder(), "fixtures/shop", &[]), "a second run differs");
    assert!(
        first == audit_as(project_folder(), "fixtures/shop", &["--threads", "1"]),
        "one thread differs"
    );
    let backend = project_folder().join("fixtures/shop/backend");
    assert!(first == audit_as(&backend, "..", &[]), "a run from a folder within differs");
    let elsewhere = tempfile::tempdir().unwrap();
    let absolute = project_folder().join("fixtures/shop");
    assert!(
        first == audit_as(elsewhere.path(), absolute.to_str().unwrap(), &[]),
        "an absolute root differs"
    );
}
