//! What the README shows is what the program does. `UPDATE_README=1 cargo test readme` writes the
//! blocks anew.

use std::fmt::Write as _;
use std::fs;

use readiness::rules::{Catalogue, Overrides, check_examples, load};
use serde_json::Value;

use crate::cli::{readiness, tree};
use crate::fixture::project_folder;

fn readme() -> String {
    fs::read_to_string(project_folder().join("README.md")).unwrap()
}

/// The text between `<!-- name -->` and `<!-- /name -->`.
fn block<'t>(text: &'t str, name: &str) -> &'t str {
    let (_, rest) = text
        .split_once(&format!("<!-- {name} -->\n"))
        .unwrap_or_else(|| panic!("no block `{name}`"));
    rest.split_once(&format!("\n<!-- /{name} -->"))
        .unwrap_or_else(|| panic!("`{name}` has no end"))
        .0
}

/// What is fenced in a block.
fn fenced(name: &str) -> String {
    let text = readme();
    let (first, rest) = block(&text, name).split_once('\n').unwrap();
    assert!(first.starts_with("```"), "{name}");
    rest.strip_suffix("```").unwrap().to_owned()
}

fn hold(name: &str, expected: &str) {
    let text = readme();
    let found = block(&text, name);
    if std::env::var_os("UPDATE_README").is_some() {
        let mark = format!("<!-- {name} -->\n");
        let new = text.replace(&format!("{mark}{found}"), &format!("{mark}{expected}"));
        fs::write(project_folder().join("README.md"), new).unwrap();
    } else {
        assert!(found == expected, "the block `{name}` is not as it should be:\n{expected}");
    }
}

/// One test, since it may write the file.
#[test]
fn the_shown_report_and_the_table_of_rules_are_true() {
    let run =
        readiness(project_folder(), &["audit", "fixtures/shop", "--no-config", "--color", "never"]);
    assert_eq!(run.status, 1, "{}", run.stderr);
    // The first line names the commit; what follows the second finding is more of the same.
    let (_, report) = run.stdout.split_once("\n\n").unwrap();
    let third = report.match_indices("\ncritical[").nth(2).unwrap().0;
    hold("report", &format!("```text\n{}\n```", report[..third].trim_end()));

    let rules = readiness(project_folder(), &["rules", "--no-config", "-f", "json"]);
    let rules: Value = serde_json::from_str(&rules.stdout).unwrap();
    let mut table =
        String::from("| category | rule | severity | what it finds |\n|---|---|---|---|\n");
    for rule in rules["rules"].as_array().unwrap() {
        let field = |name: &str| rule[name].as_str().unwrap().replace('|', "\\|");
        let id = field("id");
        let cells = [
            field("category"),
            format!("[`{id}`](rules/{}/{id}.toml)", field("category")),
            field("severity"),
            field("title"),
        ];
        writeln!(table, "| {} |", cells.join(" | ")).unwrap();
    }
    hold("rules", table.trim_end());
}

#[test]
fn the_example_rule_loads_and_its_examples_hold() {
    let folder = tree(&[
        ("own/monitoring/print-in-service.toml", &fenced("example-rule")),
        ("app/main.py", "def serve(order):\n    print(order.id)\n"),
    ]);
    let sources = load::from_dir(&folder.path().join("own")).unwrap();
    let failures = check_examples(&Catalogue::compile(&sources, &Overrides::default()).unwrap());
    let shown: Vec<String> = failures.iter().map(ToString::to_string).collect();
    assert!(shown.is_empty(), "{}", shown.join("\n"));
    let run = readiness(folder.path(), &["audit", "--rules", "own", "-f", "json", "--quiet"]);
    let audit: Value = serde_json::from_str(&run.stdout).unwrap();
    let found: Vec<_> =
        audit["findings"].as_array().unwrap().iter().map(|finding| &finding["rule"]).collect();
    assert_eq!(found, ["print-in-service"], "{}", run.stderr);
}

#[test]
fn the_example_configuration_is_one() {
    let folder = tree(&[("app/main.py", "def add(left, right):\n    return left + right\n")]);
    fs::write(folder.path().join("readiness.toml"), fenced("example-configuration")).unwrap();
    fs::create_dir_all(folder.path().join("my-rules/monitoring")).unwrap();
    fs::write(
        folder.path().join("my-rules/monitoring/print-in-service.toml"),
        fenced("example-rule"),
    )
    .unwrap();
    let run = readiness(folder.path(), &["audit", "--quiet"]);
    assert_ne!(run.status, 2, "{}", run.stderr);
}

#[test]
fn the_picture_of_the_source_names_every_folder_and_file() {
    let picture = fenced("picture");
    for entry in fs::read_dir(project_folder().join("src")).unwrap() {
        let entry = entry.unwrap();
        let mut name = entry.file_name().to_str().unwrap().to_owned();
        if entry.path().is_dir() {
            name.push('/');
        }
        let named = picture.split(|c: char| c.is_whitespace()).any(|word| word == name);
        assert!(named, "`{name}` is not in the picture");
    }
}
