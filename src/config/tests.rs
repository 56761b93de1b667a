#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::gate::FailOn;

/// A folder tree from paths and texts.
fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn read(text: &str) -> Result<Config, ConfigError> {
    Config::discover(tree(&[("readiness.toml", text)]).path())
}

/// The messages for a text, without the folder's name.
fn problems(text: &str) -> String {
    let folder = tree(&[("readiness.toml", text)]);
    let error = Config::discover(folder.path()).unwrap_err().to_string();
    let prefix = format!("{}/", folder.path().canonicalize().unwrap().display());
    error.replace(&prefix, "")
}

#[test]
fn every_key_is_read() {
    let config = read(
        r#"
rules = ["my-rules", "../shared"]
[files]
include = ["src/**"]
exclude = ["**/*.min.js"]
no-ignore = true
[files.roles]
"tools/**" = "script"
[rule.debug-left-on]
severity = "low"
off = true
roles = ["production", "test"]
[score]
half-life = 12.5
severity = { high = 20 }
category.code-quality = 0
[gates]
fail-under = 80
fail-on = "none"
[limits]
parse-bytes = 2_097_152
read-bytes = 0x100000
file-seconds = 4
"#,
    )
    .unwrap();
    assert_eq!(config.files.include, ["src/**"]);
    assert_eq!(config.files.exclude, ["**/*.min.js"]);
    assert!(config.files.no_ignore);
    assert_eq!(config.files.roles["tools/**"], Role::Script);
    let rule = &config.rule["debug-left-on"];
    assert_eq!((rule.severity, rule.off), (Some(Severity::Low), true));
    assert_eq!(rule.roles.as_deref(), Some(&[Role::Production, Role::Test][..]));
    assert_eq!((config.score.half_life, config.score.severity.high), (12.5, 20.0));
    assert_eq!(config.score.severity.critical, 40.0, "what is not named keeps its default");
    assert_eq!(config.score.category.code_quality, 0.0);
    assert_eq!((config.gates.fail_under, config.gates.fail_on), (80.0, FailOn::None));
    let limits = config.limits.limits();
    assert_eq!((limits.parse_bytes, limits.read_bytes), (2_097_152, 0x0010_0000));
    assert_eq!(limits.parse_deadline, Duration::from_secs(2));
    let folder = config.origin.unwrap().file.parent().unwrap().to_owned();
    assert_eq!(config.rules, [folder.join("my-rules"), folder.join("../shared")]);
}

#[test]
fn an_empty_file_is_the_defaults_and_they_are_the_documented_ones() {
    let mut config = read("").unwrap();
    config.origin = None;
    assert_eq!(config, Config::default());
    let limits = config.limits.limits();
    assert_eq!(limits, Limits::default());
}

#[test]
fn unknown_keys_are_errors_that_name_the_near_one() {
    insta::assert_snapshot!(problems("\n[gates]\nfial-under = 70\n[score.severity]\ncritcal = 1\n\n[file]\n"), @"
    readiness.toml:3:1: unknown key `fial-under`
      help: did you mean `fail-under`?
    readiness.toml:5:1: unknown key `critcal`
      help: did you mean `critical`?
    readiness.toml:7:2: unknown key `file`
      help: did you mean `files`?
    ");
    insta::assert_snapshot!(problems("[rule.some-rule]\nseverty = \"low\"\n[files]\nzzzzzzzz = 1"), @"
    readiness.toml:2:1: unknown key `severty`
      help: did you mean `severity`?
    readiness.toml:4:1: unknown key `zzzzzzzz`
      help: known here: exclude, include, no-ignore, roles
    ");
    insta::assert_snapshot!(problems("\"\\u001b[2Jé\" = 1"), @r#"
    readiness.toml:1:1: unknown key `\u{1b}[2Jé`
      help: known here: files, gates, limits, routes, rule, rules, score
    "#);
}

#[test]
fn wrong_values_are_errors_that_say_what_is_allowed() {
    insta::assert_snapshot!(problems(r#"rules = "a"
rule.x = { off = "yes", severity = "hihg", roles = ["prod"] }
[files]
include = [1, "a["]
roles = { "b[" = "test", "c" = 1 }
[gates]
fail-under = 101
fail-on = 1979-05-27
[score]
half-life = 0
severity = { high = -1, low = nan, info = inf }
[limits]
parse-bytes = 1.5
read-bytes = 99999999999999999999
"#), @r#"
    readiness.toml:1:9: `rules` must be a list, not "a"
    readiness.toml:2:18: `off` must be true or false, not "yes"
    readiness.toml:2:36: `severity` must be one of info, low, medium, high, critical, not "hihg"
      help: did you mean `high`?
    readiness.toml:2:53: an entry of `roles` must be one of production, test, mock, example, script, migration, config, docs, generated, vendored, not "prod"
    readiness.toml:4:12: an entry of `include` must be a string, not 1
    readiness.toml:4:15: `a[` is no glob: unclosed character class; missing ']'
    readiness.toml:5:11: `b[` is no glob: unclosed character class; missing ']'
    readiness.toml:5:32: `c` must be one of production, test, mock, example, script, migration, config, docs, generated, vendored, not 1
    readiness.toml:7:14: `fail-under` must be a number from 0 to 100, not 101
    readiness.toml:8:11: `fail-on` must be one of none, info, low, medium, high, critical, not a date
    readiness.toml:10:13: `half-life` must be a number from 0.1 to 1000000, not 0
    readiness.toml:11:21: `high` must be a number from 0 to 1000000, not -1
    readiness.toml:11:31: `low` must be a number from 0 to 1000000, not nan
    readiness.toml:11:43: `info` must be a number from 0 to 1000000, not inf
    readiness.toml:13:15: `parse-bytes` must be a whole number from 1024 to 16777216, not 1.5
    readiness.toml:14:14: `read-bytes` must be a whole number from 1024 to 268435456, not 99999999999999999999
    "#);
    insta::assert_snapshot!(problems("[gates]\nfail-under = \n"), @"readiness.toml:2:14: string values must be quoted, expected literal string");
    insta::assert_snapshot!(problems("[gates]\n[gates]\n"), @"readiness.toml:2:2: duplicate key");
}

#[test]
fn the_nearest_file_upwards_counts() {
    let folder = tree(&[
        ("readiness.toml", "[gates]\nfail-under = 1"),
        ("pyproject.toml", "[tool.readiness.gates]\nfail-under = 2"),
        ("a/pyproject.toml", "[tool.readiness.gates]\nfail-under = 3"),
        ("a/b/pyproject.toml", "[tool.black]\n"),
        ("a/b/c/pyproject.toml", "this is no TOML ["),
        ("a/b/c/d/x.py", ""),
    ]);
    let at = |path: &str| Config::discover(&folder.path().join(path)).unwrap().gates.fail_under;
    assert_eq!(at(""), 1.0, "readiness.toml wins in one folder");
    assert_eq!(at("a"), 3.0);
    assert_eq!(at("a/b"), 3.0, "a pyproject.toml without the table is passed over");
    assert_eq!(at("a/b/c/d"), 3.0, "one that cannot be about readiness is not judged");
    assert_eq!(at("a/b/c/d/x.py"), 3.0, "a file stands for its folder");
    assert!(Config::discover(&folder.path().join("nowhere")).is_err());
}

#[test]
fn a_pyproject_that_mentions_us_and_is_broken_is_an_error() {
    let folder = tree(&[("pyproject.toml", "[project]\nname = \"x\"\n[tool.readiness\n")]);
    let error = Config::discover(folder.path()).unwrap_err().to_string();
    assert!(error.contains("pyproject.toml:3:"), "{error}");
    let folder = tree(&[("pyproject.toml", "[project]\n[tool.readiness.gate]\n")]);
    let error = Config::discover(folder.path()).unwrap_err().to_string();
    assert!(error.contains("pyproject.toml:2:17: unknown key `gate`"), "{error}");
    assert!(error.contains("did you mean `gates`?"), "{error}");
}

#[test]
fn a_named_file_is_read_whatever_its_name() {
    let folder = tree(&[
        ("ci.toml", "gates.fail-under = 9"),
        ("pyproject.toml", "[project]\nname = 'readiness'"),
        ("x/pyproject.toml", "[tool.readiness]\ngates.fail-under = 8"),
    ]);
    let named = |name: &str| Config::from_file(&folder.path().join(name));
    assert_eq!(named("ci.toml").unwrap().gates.fail_under, 9.0);
    assert_eq!(named("x/pyproject.toml").unwrap().gates.fail_under, 8.0);
    let error = named("pyproject.toml").unwrap_err().to_string();
    assert!(error.ends_with("has no table [tool.readiness]"), "{error}");
    assert!(named("missing.toml").is_err());
}

#[test]
fn what_is_no_regular_file_is_an_error_and_nothing_hangs() {
    let folder = tree(&[]);
    let fifo = folder.path().join("readiness.toml");
    let made = std::process::Command::new("mkfifo").arg(&fifo).status().unwrap();
    assert!(made.success());
    let error = Config::discover(folder.path()).unwrap_err().to_string();
    assert!(error.ends_with("not a regular file"), "{error}");

    let folder = tree(&[]);
    fs::create_dir(folder.path().join("readiness.toml")).unwrap();
    assert!(Config::discover(folder.path()).is_err());

    let folder = tree(&[("readiness.toml", &"#".repeat(2 * 1024 * 1024))]);
    let error = Config::discover(folder.path()).unwrap_err().to_string();
    assert!(error.ends_with("larger than 1 MiB"), "{error}");
}

#[test]
fn unknown_rules_are_found_where_they_stand() {
    let config = read("\n[rule.debug-on]\noff = true\n[rule.known]\n").unwrap();
    assert!(config.check_rules(["known", "debug-on"]).is_ok());
    let error = config.check_rules(["known", "debug-left-on"]).unwrap_err().to_string();
    assert!(error.contains("readiness.toml:2:7: unknown rule `debug-on`"), "{error}");
    assert!(error.contains("did you mean `debug-left-on`?"), "{error}");
}

/// The words of JSON Schema that decide what is allowed and occur in a schema.
fn vocabulary(schema: &Value, words: &mut BTreeSet<String>) {
    let Some(table) = schema.as_object() else { return };
    for (word, value) in table {
        match word.as_str() {
            "properties" | "$defs" => {
                value.as_object().unwrap().values().for_each(|inner| vocabulary(inner, words));
            }
            "items" | "additionalProperties" | "propertyNames" => vocabulary(value, words),
            "oneOf" | "anyOf" => {
                value.as_array().unwrap().iter().for_each(|inner| vocabulary(inner, words));
            }
            "$schema" | "$id" | "title" | "description" | "default" => continue,
            _ => {}
        }
        words.insert(word.clone());
    }
}

#[test]
fn the_schema_says_nothing_that_the_check_does_not_know() {
    let mut words = BTreeSet::new();
    vocabulary(&schema(), &mut words);
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    assert_eq!(
        words,
        [
            "$defs",
            "$ref",
            "additionalProperties",
            "anyOf",
            "const",
            "format",
            "items",
            "maximum",
            "minimum",
            "oneOf",
            "properties",
            "propertyNames",
            "required",
            "type",
        ]
    );
}

/// Walks every fixed key of the schema.
fn paths(schema: &Value, root: &Value, path: &[String], found: &mut Vec<Vec<String>>) {
    let schema = match schema["$ref"].as_str() {
        Some(name) => root.pointer(&name[1..]).unwrap(),
        None => schema,
    };
    for (key, inner) in schema["properties"].as_object().into_iter().flatten() {
        let path = [path, std::slice::from_ref(key)].concat();
        paths(inner, root, &path, found);
        found.push(path);
    }
}

#[test]
fn any_key_with_a_letter_missing_is_found_and_corrected() {
    let schema = schema();
    let mut all = Vec::new();
    paths(&schema, &schema, &[], &mut all);
    assert!(all.len() > 30, "{all:?}");
    for path in all {
        let (key, tables) = path.split_last().unwrap();
        let mistyped = format!("{}{}", &key[..1], &key[2..]);
        let text = [tables, &[mistyped]].concat().join(".") + " = 1\n";
        let messages = problems(&text);
        assert!(messages.contains(&format!("did you mean `{key}`?")), "{text}{messages}");
    }
}

proptest! {
    #[test]
    fn no_text_is_read_differently_from_what_it_says(text in r#"(\[?(gates|score|files|limits)\]?|fail-under|half-life|=| |\n|[0-9]{1,3}|"|\.|nan|-){0,12}"#) {
        // Whatever the text is, it ends in values within their ranges or in an error.
        if let Ok(config) = read(&text) {
            prop_assert!((0.0..=100.0).contains(&config.gates.fail_under));
            prop_assert!(config.score.half_life >= 0.1);
        }
    }

    #[test]
    fn a_score_is_read_as_written(fail_under in 0.0..=100.0) {
        let config = read(&format!("gates.fail-under = {fail_under:?}")).unwrap();
        prop_assert_eq!(config.gates.fail_under, fail_under);
    }

    #[test]
    fn the_file_of_the_nearest_folder_counts(depth in 0usize..6, own in prop::collection::btree_set(0usize..6, 1..4)) {
        let folder = tempfile::tempdir().unwrap();
        let at = |level: usize| folder.path().join(["a"; 6][..level].join("/"));
        fs::create_dir_all(at(6)).unwrap();
        for level in &own {
            fs::write(at(*level).join(FILE_NAME), format!("gates.fail-under = {level}")).unwrap();
        }
        let expected = own.iter().rev().find(|level| **level <= depth);
        let found = Config::discover(&at(depth)).unwrap();
        match expected {
            Some(level) => prop_assert_eq!(found.gates.fail_under, *level as f64),
            None => prop_assert!(found.origin.is_none_or(|o| !o.file.starts_with(folder.path()))),
        }
    }
}

#[test]
fn a_relative_start_finds_what_an_absolute_one_does() {
    assert!(Config::discover(Path::new(".")).is_ok());
}

#[test]
fn a_public_route_says_why() {
    let public = |text: &str| read(&format!("[[routes.public]]\n{text}")).unwrap().routes.public;
    let [route] = &public("path = \"/news/**\"\nreason = \"a form for everybody\"")[..] else {
        panic!("one route")
    };
    assert_eq!((route.path.as_str(), route.methods.len()), ("/news/**", 0));
    insta::assert_snapshot!(problems("[[routes.public]]\npath = \"a[\"\nmethods = [\"POST\"]"), @"
    readiness.toml:1:1: an entry of `public` has no `reason`
    readiness.toml:2:8: `a[` is no glob: unclosed character class; missing ']'
    ");
}
