//! The catalogue: every rule's examples are executed, and each rule says what it needs.

use readiness::rules::{Catalogue, Overrides, check_examples, load};

fn catalogue() -> Catalogue {
    Catalogue::compile(&load::embedded(), &Overrides::default()).unwrap()
}

#[test]
fn every_example_of_every_rule_holds() {
    let failures = check_examples(&catalogue());
    let shown: Vec<String> = failures.iter().map(ToString::to_string).collect();
    assert!(shown.is_empty(), "{}", shown.join("\n"));
}

#[test]
fn every_rule_names_literals_without_which_it_cannot_fire() {
    let without: Vec<_> =
        catalogue().without_literals().map(|rule| rule.spec.id.to_string()).collect();
    assert!(without.is_empty(), "these make every file be parsed: {without:?}");
}

#[test]
fn the_embedded_folder_is_the_folder_on_disk() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
    let on_disk = load::from_dir(&folder).unwrap();
    let embedded = load::embedded();
    let key = |source: &readiness::rules::RuleSource| {
        (source.category, source.id.clone(), source.text.clone())
    };
    let mut left: Vec<_> = on_disk.iter().map(key).collect();
    let mut right: Vec<_> = embedded.iter().map(key).collect();
    left.sort();
    right.sort();
    assert_eq!(left, right);
}

#[test]
fn every_rule_has_all_parts_of_its_page() {
    let reference = regex::Regex::new(
        r"^(CWE-[0-9]+|CVE-[0-9]+-[0-9]+|OWASP ASVS 5\.0, V[0-9]+ [A-Z].*|https://[^ ]+)$",
    )
    .unwrap();
    let mut lacking = Vec::new();
    for rule in catalogue().rules() {
        let spec = &rule.spec;
        let mut lacks = |part: &str| lacking.push(format!("{}: {part}", spec.id));
        let prose =
            [("why", Some(&spec.why)), ("fix", Some(&spec.fix)), ("wrong", spec.wrong.as_ref())];
        for (part, text) in prose {
            if !text.is_some_and(|text| text.ends_with(['.', '`', ')', '"'])) {
                lacks(part);
            }
        }
        if spec.references.is_empty() {
            lacks("references");
        }
        for text in spec.references.iter().filter(|text| !reference.is_match(text)) {
            lacks(&format!("`{text}` is no reference"));
        }
        if spec.category == readiness::finding::Category::Security {
            for start in ["CWE-", "OWASP ASVS"] {
                if !spec.references.iter().any(|text| text.starts_with(start)) {
                    lacks(start);
                }
            }
        }
    }
    assert!(lacking.is_empty(), "{}", lacking.join("\n"));
}
