//! The literals without which a rule cannot fire, derived from the rule itself, and the test of
//! a file's text against them.
//!
//! Two approximations make a file count as free of a rule although it is not: a text that only
//! concatenation or an escape puts together (`"local" + "host"`), and the letters `ſ` and `K`
//! (Kelvin sign), which fold to `s` and `k`.

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use regex_syntax::hir::{Class, Hir, HirKind};

use super::spec::{Patterns, RuleSpec, Subject, Test};
use super::{RuleSet, rule_index};
use crate::module::path::PathPattern;

/// Literals of which a text needs at least one, in lower case.
pub type AnyOf = Vec<String>;

/// Most strings that one expression is spelled out to.
const MAX_SPELLINGS: usize = 48;
/// Longest useful literal, in bytes.
const MAX_LITERAL: usize = 64;
/// A shorter literal occurs everywhere.
const MIN_LITERAL: usize = 2;

/// What a rule needs: one of each group. Empty means that nothing can be told and every file has
/// to be looked at.
#[must_use]
pub fn needs(spec: &RuleSpec) -> Vec<AnyOf> {
    let mut groups = Vec::new();
    let subject = match &spec.subject {
        Subject::Text(patterns) | Subject::Comment(patterns) | Subject::Line(patterns) => {
            of_patterns(patterns)
        }
        Subject::Name { names, .. } => of_patterns(names),
        Subject::Access(paths) | Subject::Call(paths) => of_paths(paths),
        Subject::Query(_) | Subject::File(_) => None,
        Subject::Check(name) => crate::checks::needs(name)
            .map(|texts| texts.iter().map(|text| fold_case(text)).collect()),
    };
    groups.extend(subject);
    for test in &spec.constraints {
        groups.extend(match test {
            Test::ModuleHas(texts) => usable(texts.iter().map(|text| fold_case(text)).collect()),
            Test::Imports(modules) => usable(
                modules
                    .iter()
                    .map(|module| {
                        fold_case(
                            module
                                .split(['.', '/', ':'])
                                .find(|step| !step.is_empty())
                                .unwrap_or_default(),
                        )
                    })
                    .collect(),
            ),
            Test::Receiver(paths) | Test::Decorated(paths) | Test::ArgumentOf(paths) => {
                of_paths(paths)
            }
            // Names and lines stand in the file as they are matched.
            Test::LineMatches(patterns)
            | Test::AssignedTo(patterns)
            | Test::InsideFunction(patterns)
            | Test::InsideClass(patterns) => of_patterns(patterns),
            _ => None,
        });
    }
    groups
}

fn of_paths(paths: &[PathPattern]) -> Option<AnyOf> {
    let literals: Option<AnyOf> =
        paths.iter().map(|path| path.literal().map(|text| fold_case(text))).collect();
    literals.and_then(usable)
}

/// The literals of which any match of any of the patterns holds at least one.
#[must_use]
pub fn of_patterns(patterns: &Patterns) -> Option<AnyOf> {
    let mut all = Vec::new();
    for pattern in &patterns.items {
        let hir = regex_syntax::ParserBuilder::new().nest_limit(64).build().parse(pattern).ok()?;
        all.extend(required(&hir).any_of()?);
    }
    usable(all)
}

fn usable(mut literals: AnyOf) -> Option<AnyOf> {
    literals.sort();
    literals.dedup();
    (!literals.is_empty() && literals.iter().all(|text| text.len() >= MIN_LITERAL))
        .then_some(literals)
}

fn fold_case(text: &str) -> String {
    let cut =
        (0..=text.len().min(MAX_LITERAL)).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    text[..cut].to_ascii_lowercase()
}

/// What is known about the strings that an expression matches.
enum Known {
    /// It matches exactly these.
    Exactly(Vec<String>),
    /// Each match holds one of these.
    Holds(Vec<String>),
    /// Nothing.
    Nothing,
}

impl Known {
    fn any_of(self) -> Option<Vec<String>> {
        match self {
            Self::Exactly(texts) | Self::Holds(texts) => {
                (texts.iter().map(String::len).min()? >= MIN_LITERAL).then_some(texts)
            }
            Self::Nothing => None,
        }
    }
}

fn required(hir: &Hir) -> Known {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Known::Exactly(vec![String::new()]),
        HirKind::Literal(literal) => match std::str::from_utf8(&literal.0) {
            Ok(text) => Known::Exactly(vec![fold_case(text)]),
            Err(_) => Known::Nothing,
        },
        HirKind::Class(class) => spellings(class).map_or(Known::Nothing, Known::Exactly),
        HirKind::Capture(capture) => required(&capture.sub),
        HirKind::Repetition(repetition) => {
            match (repetition.min, repetition.max, required(&repetition.sub)) {
                (0, Some(1), Known::Exactly(mut texts)) => {
                    texts.push(String::new());
                    Known::Exactly(texts)
                }
                (0, _, _) | (_, _, Known::Nothing) => Known::Nothing,
                (1, Some(1), known) => known,
                (_, _, Known::Exactly(texts) | Known::Holds(texts)) => Known::Holds(texts),
            }
        }
        HirKind::Alternation(branches) => alternation(branches),
        HirKind::Concat(parts) => concatenation(parts),
    }
}

fn spellings(class: &Class) -> Option<Vec<String>> {
    let mut texts = Vec::new();
    match class {
        Class::Unicode(class) => {
            for range in class.ranges() {
                for character in range.start()..=range.end() {
                    texts.push(match character {
                        'ſ' => "s".to_owned(),
                        '\u{212a}' => "k".to_owned(),
                        other => other.to_ascii_lowercase().to_string(),
                    });
                    if texts.len() > 8 {
                        return None;
                    }
                }
            }
        }
        Class::Bytes(class) => {
            for range in class.ranges() {
                for byte in range.start()..=range.end() {
                    if !byte.is_ascii() || texts.len() > 8 {
                        return None;
                    }
                    texts.push(char::from(byte).to_ascii_lowercase().to_string());
                }
            }
        }
    }
    texts.sort();
    texts.dedup();
    (!texts.is_empty() && texts.len() <= 4).then_some(texts)
}

fn alternation(branches: &[Hir]) -> Known {
    let mut all = Vec::new();
    let mut exact = true;
    for branch in branches {
        match required(branch) {
            Known::Exactly(texts) => all.extend(texts),
            Known::Holds(texts) => {
                exact = false;
                all.extend(texts);
            }
            Known::Nothing => return Known::Nothing,
        }
    }
    all.sort();
    all.dedup();
    if exact && all.len() <= MAX_SPELLINGS { Known::Exactly(all) } else { Known::Holds(all) }
}

fn concatenation(parts: &[Hir]) -> Known {
    let mut run = vec![String::new()];
    let mut best: Option<Vec<String>> = None;
    let mut broken = false;
    for part in parts {
        match required(part) {
            Known::Exactly(texts) => match cross(&run, &texts) {
                Some(longer) => run = longer,
                None => {
                    broken = true;
                    best = better(best, run);
                    run = texts;
                }
            },
            Known::Holds(texts) => {
                broken = true;
                best = better(better(best, run), texts);
                run = vec![String::new()];
            }
            Known::Nothing => {
                broken = true;
                best = better(best, run);
                run = vec![String::new()];
            }
        }
    }
    if !broken {
        return Known::Exactly(run);
    }
    better(best, run).map_or(Known::Nothing, Known::Holds)
}

fn cross(left: &[String], right: &[String]) -> Option<Vec<String>> {
    if left.len() * right.len() > MAX_SPELLINGS || left.iter().any(|text| text.len() >= MAX_LITERAL)
    {
        return None;
    }
    let mut both: Vec<String> = left
        .iter()
        .flat_map(|head| right.iter().map(move |tail| format!("{head}{tail}")))
        .collect();
    both.sort();
    both.dedup();
    Some(both)
}

/// The set whose shortest literal is longer; of equals, the smaller set.
fn better(best: Option<Vec<String>>, other: Vec<String>) -> Option<Vec<String>> {
    let worth = |texts: &[String]| {
        let shortest = texts.iter().map(String::len).min().unwrap_or(0);
        (shortest.min(8), std::cmp::Reverse(texts.len()), shortest)
    };
    match best {
        _ if worth(&other).0 == 0 => best,
        Some(best) if worth(&best) >= worth(&other) => Some(best),
        _ => Some(other),
    }
}

/// The literals of many rules, to test a file's text in one pass.
#[derive(Debug)]
pub struct Needles {
    automaton: AhoCorasick,
    /// Per literal, the rules and their groups that it serves.
    serves: Vec<Vec<(u32, u32)>>,
    /// Per rule of this language, its number of groups.
    groups: Vec<(u32, u32)>,
    /// Rules without a literal.
    always: RuleSet,
}

impl Needles {
    /// Builds the automaton of the rules given by index and needs.
    ///
    /// # Errors
    /// When the automaton would be too large.
    pub fn build<'n>(
        rules: impl Iterator<Item = (usize, &'n [AnyOf])>,
        count: usize,
    ) -> Result<Self, aho_corasick::BuildError> {
        let mut by_text = std::collections::BTreeMap::<&str, Vec<(u32, u32)>>::new();
        let mut groups = Vec::new();
        let mut always = RuleSet::new(count);
        for (rule, needs) in rules {
            if needs.is_empty() {
                always.insert(rule);
                continue;
            }
            groups.push((rule_index(rule), rule_index(needs.len())));
            for (group, texts) in needs.iter().enumerate() {
                for text in texts {
                    by_text.entry(text).or_default().push((rule_index(rule), rule_index(group)));
                }
            }
        }
        let automaton = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::DFA))
            .build(by_text.keys())?;
        Ok(Self { automaton, serves: by_text.into_values().collect(), groups, always })
    }

    /// The automaton. Its patterns are in the order of the sorted literals.
    #[must_use]
    pub fn automaton(&self) -> &AhoCorasick {
        &self.automaton
    }

    /// The rules, of those in `wanted`, that can fire in the text.
    #[must_use]
    pub fn needed(&self, text: &str, wanted: &RuleSet) -> RuleSet {
        let mut found = self.always.clone();
        let mut seen = vec![false; self.serves.len()];
        let mut left = self.serves.len();
        for hit in self.automaton.find_overlapping_iter(text) {
            let seen = &mut seen[hit.pattern().as_usize()];
            if !*seen {
                *seen = true;
                left -= 1;
                if left == 0 {
                    break;
                }
            }
        }
        let mut hits: Vec<(u32, u32)> = seen
            .iter()
            .zip(&self.serves)
            .filter(|(seen, _)| **seen)
            .flat_map(|(_, serves)| serves.iter().copied())
            .collect();
        hits.sort_unstable();
        hits.dedup();
        for (rule, needed) in &self.groups {
            let from = hits.partition_point(|hit| hit.0 < *rule);
            let met = hits[from..].iter().take_while(|hit| hit.0 == *rule).count();
            if met == *needed as usize {
                found.insert(*rule as usize);
            }
        }
        found.intersect(wanted);
        found
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::rules::error::Place;

    fn of(patterns: &[&str]) -> Option<String> {
        let items = patterns.iter().map(|text| (*text).to_owned()).collect();
        of_patterns(&Patterns { items, place: Place::line(1) }).map(|texts| texts.join(" "))
    }

    #[test]
    fn literals_are_derived_from_the_parsed_expression() {
        assert_eq!(
            of(&["(?i)^(mock|fake)_?data"]).unwrap(),
            "fake_data fakedata mock_data mockdata"
        );
        assert_eq!(
            of(&[r"https?://localhost(:\d+)?"]).unwrap(),
            "http://localhost https://localhost"
        );
        assert_eq!(of(&[r"\d+ TODO\b.*FIXME$"]).unwrap(), " todo");
        assert_eq!(of(&["[Pp]assword", "secret"]).unwrap(), "password secret");
        assert_eq!(of(&["(?:abc)+x*"]).unwrap(), "abc");
    }

    #[test]
    fn what_can_match_without_a_literal_has_none() {
        for pattern in [r"\d+", "(foo)?", "foo|.*", "a", "(?i)[a-z]{4}"] {
            assert_eq!(of(&[pattern]), None, "{pattern}");
        }
        assert_eq!(of(&["foo", r"\w+"]), None);
    }

    #[test]
    fn a_rule_is_needed_only_when_each_of_its_groups_is_met() {
        let one = vec![vec!["getenv".to_owned(), "environ".to_owned()]];
        let both = vec![vec!["env".to_owned()], vec!["flask".to_owned()]];
        let none: Vec<AnyOf> = Vec::new();
        let rules = [(0, one.as_slice()), (1, both.as_slice()), (2, none.as_slice())];
        let needles = Needles::build(rules.into_iter(), 3).unwrap();
        let mut all = RuleSet::new(3);
        (0..3).for_each(|rule| all.insert(rule));
        let needed = |text: &str| needles.needed(text, &all).iter().collect::<Vec<_>>();
        assert_eq!(needed("x = 1"), [2]);
        assert_eq!(needed("OS.GETENV"), [0, 2]);
        assert_eq!(needed("import Flask; environ"), [0, 1, 2]);
    }
}
