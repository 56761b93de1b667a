#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::Path;

use proptest::prelude::*;
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use regex::Regex;
use serde_json::Value;

use super::escape::tests::{hostile, structure};
use super::*;
use crate::audit::Audit;

fn document(audit: &Audit) -> String {
    render(audit, Format::Markdown, &Style::default()).unwrap()
}

fn terminal(width: usize, colour: bool) -> String {
    render(&sample::audit(), Format::Terminal, &Style { width, colour, ..Style::default() })
        .unwrap()
}

#[test]
fn terminal_of_80_columns() {
    insta::assert_snapshot!(terminal(80, false));
}

#[test]
fn terminal_of_120_columns() {
    insta::assert_snapshot!(terminal(120, false));
}

#[test]
fn markdown_document() {
    insta::assert_snapshot!(document(&sample::audit()));
}

#[test]
fn an_audit_of_nothing_renders() {
    let mut audit = sample::audit();
    audit.findings.clear();
    audit.accepted.clear();
    audit.routes.clear();
    audit.gates.clear();
    audit.rules.clear();
    audit.frameworks_not_assessed.clear();
    audit.project = crate::audit::Project {
        name: "empty".into(),
        named_by: "folder".into(),
        ..Default::default()
    };
    audit.scorecard = crate::score::Scorecard::default();
    audit.codebase = crate::audit::Codebase::default();
    audit.coverage = crate::audit::Coverage::default();
    audit.verdict = crate::gate::Verdict::NotAssessed;
    let text = document(&audit);
    for phrase in [
        "No open findings.",
        "No route was found.",
        "No code was read.",
        "score NOT ASSESSED",
        "No finding is suppressed",
    ] {
        assert!(text.contains(phrase), "{phrase}\n{text}");
    }
    let text = render(&audit, Format::Terminal, &Style::default()).unwrap();
    assert!(text.contains("Findings  0 open: none open"), "{text}");
}

/// The tables of a document as rows of cells.
fn tables(markdown: &str) -> Vec<Vec<Vec<String>>> {
    let mut tables: Vec<Vec<Vec<String>>> = Vec::new();
    let mut inside = false;
    for event in Parser::new_ext(markdown, Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::Table(_)) => tables.push(Vec::new()),
            Event::Start(Tag::TableHead | Tag::TableRow) => {
                tables.last_mut().unwrap().push(Vec::new())
            }
            Event::Start(Tag::TableCell) => {
                tables.last_mut().unwrap().last_mut().unwrap().push(String::new());
                inside = true;
            }
            Event::End(TagEnd::TableCell) => inside = false,
            Event::Text(text) | Event::Code(text) if inside => {
                tables.last_mut().unwrap().last_mut().unwrap().last_mut().unwrap().push_str(&text);
            }
            _ => {}
        }
    }
    tables
}

/// Rule R1: every total equals the sum of its rows.
#[test]
fn totals_equal_the_sums_of_their_rows() {
    let mut sums = 0;
    for table in tables(&document(&sample::audit())) {
        let Some((total, rows)) =
            table.split_last().filter(|(last, _)| last.first().is_some_and(|cell| cell == "Total"))
        else {
            continue;
        };
        for (column, cell) in total.iter().enumerate().skip(1) {
            let Ok(expected) = cell.parse::<f64>() else { continue };
            let sum: f64 = rows[1..].iter().map(|row| row[column].parse::<f64>().unwrap()).sum();
            assert!((sum - expected).abs() < 1e-9, "{}: {sum} is not {expected}", rows[0][column]);
            sums += 1;
        }
    }
    // As many as there are numeric totals in the templates; fewer means that the test looks past them.
    assert_eq!(sums, 48);
}

/// Rule R2: every percentage prints its numerator and denominator.
#[test]
fn no_share_stands_without_what_it_is_a_share_of() {
    let share = Regex::new(r"\d %( \(\d+(\.\d+)? of \d+(\.\d+)?\))?").unwrap();
    for (text, least) in [(document(&sample::audit()), 4), (terminal(120, false), 1)] {
        let found: Vec<_> = share.captures_iter(&text).collect();
        assert!(found.len() >= least);
        assert_eq!(text.matches('%').count(), found.len());
        for share in found {
            assert!(share.get(1).is_some(), "{}", &share[0]);
        }
    }
}

/// Rules R3 and R8: the places shown and listed are the open findings, and the verdict's blockers are
/// the blocking gates that failed.
#[test]
fn every_open_finding_has_its_place() {
    let audit = sample::audit();
    for places in [0, 1, 5, 100] {
        let view = view::View::new(&audit, &Style { places, ..Style::default() });
        let named: usize = view
            .findings
            .groups()
            .map(|group| {
                assert_eq!(group.shown.len() + group.more, group.open);
                group.shown.len() + group.others.iter().map(|file| file.count).sum::<usize>()
            })
            .sum();
        assert_eq!(named, audit.findings.iter().filter(|finding| finding.is_open()).count());
        assert_eq!(view.verdict.blockers.len(), 1);
    }
}

#[test]
fn the_terminal_gets_no_control_characters() {
    let plain = terminal(100, false);
    assert!(!plain.chars().any(|c| c.is_control() && c != '\n'));
    assert!(!plain.contains('\u{202e}'));
    let coloured = terminal(100, true);
    assert!(coloured.contains('\u{1b}'));
    // The verdict stands on a ground that is a blank wider on each side.
    let stripped =
        anstream::adapter::strip_str(&coloured).to_string().replacen("   NO-GO   ", "  NO-GO  ", 1);
    assert_eq!(stripped, plain);
}

/// Puts a text wherever the repository's own words can reach a report.
fn poison(text: &str) -> Audit {
    let mut audit = sample::audit();
    let mark = |slot: &mut String| *slot = format!("p {text}");
    let path = |slot: &mut String| {
        // A folder that sorts alike, whatever the text is.
        let folder = if slot == sample::HOSTILE_PATH { "app/hostile" } else { slot.as_str() };
        *slot = format!("{folder}/{text}");
    };
    mark(&mut audit.project.name);
    audit.project.version.as_mut().map(mark);
    mark(&mut audit.project.named_by);
    for finding in &mut audit.findings {
        mark(&mut finding.message);
        path(&mut finding.location.path);
        finding.excerpt.lines.iter_mut().for_each(mark);
        if let Some(waiver) = &mut finding.suppressed {
            mark(&mut waiver.reason);
            waiver.until.as_mut().map(mark);
        }
    }
    for place in &mut audit.accepted {
        mark(&mut place.line_text);
        path(&mut place.location.path);
    }
    for route in &mut audit.routes {
        mark(&mut route.path);
        route.otherwise.iter_mut().for_each(mark);
        path(&mut route.file);
        route.handler.as_mut().map(mark);
        route.auth.by.iter_mut().for_each(mark);
    }
    for entry in &mut audit.coverage.entries {
        path(&mut entry.path);
        entry.detail.as_mut().map(mark);
    }
    for rule in audit.rules.values_mut() {
        for slot in [&mut rule.title, &mut rule.why, &mut rule.fix] {
            mark(slot);
        }
        rule.references.iter_mut().for_each(mark);
    }
    for gate in &mut audit.gates {
        mark(&mut gate.criterion);
        mark(&mut gate.evidence);
    }
    audit.scorecard.categories.iter_mut().for_each(|category| mark(&mut category.basis));
    audit
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn hostile_text_leaves_the_structure_of_the_document(text in hostile()) {
        prop_assert_eq!(structure(&document(&poison(&text))), structure(&document(&poison("x"))));
    }

    #[test]
    fn hostile_text_reaches_no_terminal(text in hostile(), width in 0_usize..200) {
        let style = Style { width, limit: 20, show_files: true, ..Style::default() };
        let out = render(&poison(&text), Format::Terminal, &style).unwrap();
        prop_assert!(!out.chars().any(|c| c.is_control() && c != '\n'));
        prop_assert!(!out.lines().any(|line| line.trim_start().starts_with("::")));
    }
}

/// Whether a value has what its schema requires, all the way down.
fn check(root: &Value, schema: &Value, value: &Value, at: &str) -> usize {
    if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
        return check(root, root.pointer(name.trim_start_matches('#')).unwrap(), value, at);
    }
    if let Some(any) = schema.get("anyOf").and_then(Value::as_array) {
        return if value.is_null() { 0 } else { check(root, &any[0], value, at) };
    }
    let mut seen = 0;
    for name in schema.get("required").and_then(Value::as_array).into_iter().flatten() {
        assert!(value.get(name.as_str().unwrap()).is_some(), "{at} lacks {name}");
        seen += 1;
    }
    if let (Some(properties), Some(object)) =
        (schema.get("properties").and_then(Value::as_object), value.as_object())
    {
        for (name, inner) in object {
            let schema =
                properties.get(name).unwrap_or_else(|| panic!("{at}.{name} is not in the schema"));
            seen += check(root, schema, inner, &format!("{at}.{name}"));
        }
    }
    if let (Some(items), Some(array)) = (schema.get("items"), value.as_array()) {
        seen +=
            array.iter().map(|inner| check(root, items, inner, &format!("{at}[]"))).sum::<usize>();
    }
    seen
}

#[test]
fn json_has_what_its_schema_requires_and_comes_back() {
    let audit = sample::audit();
    let text = render(&audit, Format::Json, &Style::default()).unwrap();
    assert!(text.ends_with("}\n"));
    assert_eq!(serde_json::from_str::<Audit>(&text).unwrap(), audit);
    let schema = json::schema();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    for key in ["title", "description", "$id"] {
        assert!(schema[key].is_string(), "{key}");
    }
    assert!(check(&schema, &schema, &serde_json::from_str(&text).unwrap(), "audit") > 300);
}

#[test]
fn the_suffix_names_the_format() {
    for (path, format) in [
        ("out/report.md", Format::Markdown),
        ("REPORT.MD", Format::Markdown),
        ("a.json", Format::Json),
        ("a.md.txt", Format::Terminal),
    ] {
        assert_eq!(Format::from_suffix(Path::new(path)).unwrap(), format);
    }
    let error = Format::from_suffix(Path::new("a.pdf")).unwrap_err().to_string();
    assert_eq!(
        error,
        "`a.pdf` does not end in the suffix of a report: .txt, .md, .markdown, .json"
    );
    for format in Format::ALL {
        assert_eq!(format.as_str().parse::<Format>().unwrap(), *format);
    }
}

/// The table of templates and the folder hold the same, and no template opts out of escaping.
#[test]
fn every_template_is_registered_and_escapes() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
    let mut files: Vec<_> = walkdir::WalkDir::new(&folder)
        .into_iter()
        .map(Result::unwrap)
        .filter(|entry| entry.file_type().is_file())
        .map(|entry| entry.path().strip_prefix(&folder).unwrap().to_str().unwrap().to_owned())
        .filter_map(|name| name.strip_suffix(".md.tera").map(ToOwned::to_owned))
        .collect();
    files.sort();
    let mut names: Vec<_> =
        markdown::TEMPLATES.iter().map(|(name, _)| (*name).to_owned()).collect();
    names.sort();
    assert_eq!(files, names);
    for (name, text) in markdown::TEMPLATES {
        for escape in ["safe", "raw", "autoescape"] {
            assert!(
                !Regex::new(&format!(r"[{{|%]-?\s*{escape}\b")).unwrap().is_match(text),
                "{name}: {escape}"
            );
        }
    }
}
