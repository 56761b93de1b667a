//! From places that rules matched to findings and accepted uses.

use smol_str::SmolStr;

use super::catalogue::Catalogue;
use super::constraint::File;
use super::excerpt;
use super::fingerprint::Fingerprints;
use crate::finding::{Accepted, Finding};
use crate::module::Span;
use crate::source::{Language, Role, Source};

/// A place that a rule has something to say about.
pub(super) struct Hit {
    /// Index of the rule.
    pub(super) rule: usize,
    pub(super) span: Span,
    pub(super) outcome: Outcome,
}

/// What the rule says.
pub(super) enum Outcome {
    /// It is broken: the message.
    Found(String),
    /// It is fine: the reason, and which entry of the configuration says so, unless the rule does.
    Accepted(SmolStr, Option<u32>),
}

/// Sorts by place and rule, keeps one of equal places, and adds what readers need.
pub(super) fn report(
    catalogue: &Catalogue,
    file: &File<'_>,
    mut hits: Vec<Hit>,
) -> (Vec<Finding>, Vec<Accepted>) {
    hits.sort_by_key(|hit| (hit.span.start, hit.rule, std::cmp::Reverse(hit.span.end)));
    hits.dedup_by_key(|hit| (hit.span.start, hit.span.end, hit.rule));
    let mut prints = Fingerprints::default();
    let mut findings = Vec::new();
    let mut accepted = Vec::new();
    let tests = if hits.is_empty() { Vec::new() } else { test_parts(file.source) };
    for hit in hits {
        let spec = &catalogue.rules()[hit.rule].spec;
        let location = excerpt::location(file.source, file.lines, hit.span);
        let is_test = tests.iter().any(|part| part.contains(&(hit.span.start as usize)));
        let role = if is_test { Role::Test } else { file.source.role };
        if is_test && !spec.roles.contains(&role) {
            continue;
        }
        match hit.outcome {
            Outcome::Accepted(reason, allowed_by) => accepted.push(Accepted {
                rule: spec.id.clone(),
                reason,
                allowed_by,
                line_text: excerpt::line_text(
                    file.source,
                    file.lines,
                    location.line,
                    location.column,
                ),
                location,
            }),
            Outcome::Found(message) => findings.push(Finding {
                rule: spec.id.clone(),
                category: spec.category,
                severity: spec.severity,
                confidence: spec.confidence,
                role,
                message,
                excerpt: excerpt::excerpt(file.source, file.lines, &location),
                fingerprint: prints.next(
                    &spec.id,
                    &file.source.path,
                    file.lines.line(&file.source.text, location.line),
                ),
                location,
                suppressed: None,
            }),
        }
    }
    (findings, accepted)
}

/// The byte ranges of a Rust file's test modules: its path says production, and they are not. They
/// are found in the text, since rules about lines have no module; the format is that of rustfmt,
/// where a module's closing brace stands alone, as deep as the module.
fn test_parts(source: &Source) -> Vec<std::ops::Range<usize>> {
    let mut parts = Vec::new();
    if source.language != Language::Rust {
        return parts;
    }
    let text = source.text.as_str();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let at = start;
        start += line.len();
        let inside = parts.last().is_some_and(|part: &std::ops::Range<usize>| part.contains(&at));
        if inside || !is_for_tests(line.trim()) {
            continue;
        }
        let indent = &line[..line.len() - line.trim_start().len()];
        let opens = text[start..]
            .lines()
            .map(str::trim_start)
            .find(|line| !line.starts_with("#["))
            .is_some_and(|line| opens_item(line) && line.ends_with('{'));
        if opens {
            let closing = format!("\n{indent}}}");
            let end = text[at..].find(&closing).map_or(text.len(), |end| at + end + closing.len());
            parts.push(at..end);
        }
    }
    parts
}

/// `#[cfg(test)]`, also among other conditions of which the tests' is one, and `#[tokio::test]`.
fn is_for_tests(line: &str) -> bool {
    let Some(attribute) = line.strip_prefix("#[").and_then(|line| line.strip_suffix(']')) else {
        return false;
    };
    match attribute.strip_prefix("cfg(") {
        Some(condition) => {
            !condition.contains("not(")
                && condition
                    .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                    .any(|word| word == "test")
        }
        None => {
            let name = attribute.split('(').next().unwrap_or(attribute);
            name == "test" || name.ends_with("::test")
        }
    }
}

/// Whether a line begins a module or a function.
fn opens_item(line: &str) -> bool {
    let line = match line.strip_prefix("pub") {
        Some(rest) => rest.trim_start_matches("(crate)").trim_start_matches("(super)").trim_start(),
        None => line,
    };
    ["mod ", "fn ", "async fn "].iter().any(|word| line.starts_with(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Encoding;

    #[test]
    fn attributes_tell_what_is_for_tests_alone() {
        for line in ["#[cfg(test)]", "#[cfg(all(test, unix))]", "#[test]", "#[tokio::test]"] {
            assert!(is_for_tests(line), "{line}");
        }
        for line in ["#[cfg(not(test))]", "#[cfg(unix)]", "#[derive(Debug)]", "// #[test]"] {
            assert!(!is_for_tests(line), "{line}");
        }
        assert!(opens_item("pub(crate) mod test {") && opens_item("async fn stops() {"));
        assert!(!opens_item("pub struct Tests {"));
    }

    #[test]
    fn a_test_module_is_no_production_code() {
        let text =
            "fn a() {}\n#[cfg(test)]\n#[allow(x)]\nmod tests {\n    fn b() {}\n}\nfn c() {}\n";
        let source = Source {
            path: "a.rs".into(),
            language: Language::Rust,
            role: Role::Production,
            text: text.into(),
            encoding: Encoding::Utf8,
        };
        let [part] = &test_parts(&source)[..] else { panic!("one part") };
        assert!(part.contains(&text.find("fn b").unwrap()));
        assert!(!part.contains(&text.find("fn a").unwrap()));
        assert!(!part.contains(&text.find("fn c").unwrap()));
        assert!(
            test_parts(&Source { text: "#[cfg(test)]\nmod tests;\nfn a() {}\n}".into(), ..source })
                .is_empty()
        );
    }
}
