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
