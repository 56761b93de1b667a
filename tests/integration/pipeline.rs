//! The command line over the whole pipeline: what a finding does to the exit status.

use serde_json::Value;

use crate::cli::{readiness, tree};

/// A rule of one's own that finds one word.
const RULE: &str = r#"
title = "The word is said"
severity = "critical"
confidence = "high"
effort = "5m"
message = "`{text}` is said"
why = "It must not be said."
fix = "Do not say it."

[match]
text = ['^swordfish$']

[[example]]
bad.python = 'word = "swordfish"'
good.python = 'word = "trout"'
"#;

/// A project that says the word, with the rule against it.
fn project(configuration: &str) -> tempfile::TempDir {
    tree(&[
        ("readiness.toml", &format!("rules = [\"own\"]\n{configuration}")),
        ("own/security/swordfish.toml", RULE),
        ("app/main.py", "def word():\n    return \"swordfish\"\n"),
    ])
}

#[test]
fn a_critical_finding_is_1_in_every_format() {
    let folder = project("");
    for format in ["terminal", "markdown", "json"] {
        let run = readiness(folder.path(), &["audit", "-f", format]);
        assert_eq!(run.status, 1, "{format}: {}", run.stderr);
        assert!(run.stdout.contains("swordfish"), "{format}");
        let lenient = ["audit", "-f", format, "--allow-incomplete"];
        assert_eq!(readiness(folder.path(), &lenient).status, 1, "{format}");
    }
}

#[test]
fn the_policy_decides_what_blocks() {
    let folder = project("rule.swordfish.severity = \"low\"");
    let status = |arguments: &[&str]| {
        readiness(folder.path(), &[&["audit", "--quiet"], arguments].concat()).status
    };
    assert_eq!(status(&[]), 0);
    assert_eq!(status(&["--fail-on", "medium"]), 0);
    assert_eq!(status(&["--fail-on", "low"]), 1);
    assert_eq!(status(&["--fail-under", "100"]), 1);
}

#[test]
fn a_rule_that_is_off_finds_nothing() {
    let folder = project("rule.swordfish.off = true");
    assert_eq!(readiness(folder.path(), &["audit", "--quiet"]).status, 0);
    let folder = project("rule.swordfihs.off = true");
    let run = readiness(folder.path(), &["audit"]);
    assert_eq!(run.status, 2);
    assert!(run.stderr.contains("readiness.toml:2:6: unknown rule `swordfihs`"), "{}", run.stderr);
    assert!(run.stderr.contains("did you mean `swordfish`?"), "{}", run.stderr);
}

#[test]
fn left_out_files_are_not_judged() {
    let folder = project("");
    let run = readiness(folder.path(), &["audit", "-f", "json", "--exclude", "app/**"]);
    let audit: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(audit["findings"].as_array().unwrap().len(), 0, "{}", run.stdout);
    assert_ne!(audit["verdict"], "GO");
}

#[test]
fn the_number_of_threads_changes_no_byte() {
    let folder = project("");
    for format in ["terminal", "markdown", "json"] {
        let with = |threads| {
            let arguments = ["audit", "--quiet", "-f", format, "--threads", threads];
            readiness(folder.path(), &arguments).stdout
        };
        assert_eq!(with("1"), with("4"), "{format}");
    }
}

#[test]
fn colours_are_written_where_they_are_asked_for() {
    let folder = project("");
    let run = readiness(folder.path(), &["audit", "--color", "always"]);
    assert!(run.stdout.contains('\u{1b}'));
}

#[test]
fn own_rules_are_listed_and_explained() {
    let folder = project("rule.swordfish.severity = \"low\"");
    let rules = readiness(folder.path(), &["rules", "-f", "json"]).stdout;
    let rules: Value = serde_json::from_str(&rules).unwrap();
    let own = rules["rules"].as_array().unwrap().iter().find(|rule| rule["id"] == "swordfish");
    assert_eq!(own.unwrap()["severity"], "low", "the configuration is applied");
    let page = readiness(folder.path(), &["explain", "swordfish"]).stdout;
    for part in ["It must not be said.", "Do not say it.", "word = \"trout\"", "low"] {
        assert!(page.contains(part), "{part} is missing in\n{page}");
    }
    let run = readiness(folder.path(), &["explain", "swordfihs"]);
    assert_eq!(run.status, 2);
    assert!(run.stderr.contains("did you mean `swordfish`?"), "{}", run.stderr);
}

#[test]
fn routes_are_listed() {
    let folder = tree(&[(
        "app.py",
        "from flask import Flask\n\napp = Flask(__name__)\n\n\n\
         @app.get(\"/api/users/<int:id>\")\ndef get_user(id):\n    return load(id)\n",
    )]);
    let run = readiness(folder.path(), &["routes", "--format", "json"]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    let routes: Value = serde_json::from_str(&run.stdout).unwrap();
    let route = &routes["routes"][0];
    assert_eq!(route["path"], "/api/users/{id}");
    assert_eq!((&route["file"], &route["framework"]), (&"app.py".into(), &"flask".into()));
    let table = readiness(folder.path(), &["routes"]).stdout;
    assert!(table.contains("/api/users/{id}"), "{table}");
}
