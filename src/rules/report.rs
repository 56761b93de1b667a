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
    let mut rest = 0;
    while let Some(at) = source.text[rest..].find("#[cfg(test)]\n") {
        let start = rest + at;
        rest = start + 1;
        let line_start = source.text[..start].rfind('\n').map_or(0, |end| end + 1);
        let indent = &source.text[line_start..start];
        let opens = source.text[start..]
            .lines()
            .skip(1)
            .map(str::trim_start)
            .find(|line| !line.starts_with("#["))
            .is_some_and(|line| {
                (line.starts_with("mod ") || line.starts_with("pub mod ")) && line.ends_with('{')
            });
        if opens && indent.trim().is_empty() {
            let closing = format!("\n{indent}}}");
            let end = source.text[start..]
                .find(&closing)
                .map_or(source.text.len(), |end| start + end + closing.len());
            parts.push(start..end);
            rest = end;
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Encoding;

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
