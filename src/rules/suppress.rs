//! Suppressions in code: `# readiness: ignore[rule-id, other] reason, until 2027-01-31`.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::fingerprint::Fingerprints;
use super::redact::redact;
use super::spec::RuleSpec;
use crate::finding::{Excerpt, Finding, Location, Waiver};
use crate::module::Module;
use crate::source::{Language, LineIndex, Role, Source};

const MARK: &str = "readiness: ignore[";

/// A suppression that covers nothing.
pub const UNUSED: &str = "suppression-unused";
/// A suppression whose last day has passed.
pub const EXPIRED: &str = "suppression-expired";
/// A suppression of a rule that is not there.
pub const UNKNOWN: &str = "suppression-unknown-rule";
/// A suppression that does not say why.
pub const WITHOUT_REASON: &str = "suppression-without-reason";

/// `# readiness: ignore[rule-id, other-id] reason, until 2027-01-31` in a comment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suppression {
    /// Line of the comment.
    pub line: u32,
    /// First line that it covers: its own, or where the comment stands alone, the next line that
    /// holds code.
    pub covers: u32,
    /// The rule ids as written.
    pub rules: Vec<String>,
    /// The reason; empty is a fault that is reported.
    pub reason: String,
    /// The last day, `YYYY-MM-DD`, as written.
    pub until: Option<String>,
}

/// What a comment suppresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parsed {
    /// The rule ids as written.
    pub rules: Vec<String>,
    /// Why; may be empty.
    pub reason: String,
    /// The last day, `YYYY-MM-DD`.
    pub until: Option<String>,
}

/// Whether a comment is a suppression.
#[must_use]
pub fn is_suppression(comment: &str) -> bool {
    comment.trim_start().starts_with(MARK)
}

/// Reads a comment without its marks. `None` where it is no suppression.
#[must_use]
pub fn parse(comment: &str) -> Option<Parsed> {
    let (rules, rest) = comment.trim_start().strip_prefix(MARK)?.split_once(']')?;
    let rules =
        rules.split(',').map(str::trim).filter(|id| !id.is_empty()).map(str::to_owned).collect();
    let rest = rest.lines().next().unwrap_or_default().trim();
    let (reason, until) = match rest.rfind("until ") {
        Some(at) if is_date(rest[at + 6..].trim()) => {
            (&rest[..at], Some(rest[at + 6..].trim().to_owned()))
        }
        _ => (rest, None),
    };
    let reason = reason.trim().trim_matches([',', '-', ':', '–', '—', '(']).trim().to_owned();
    Some(Parsed { rules, reason, until })
}

fn is_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() == 10
        && bytes.iter().enumerate().all(|(at, byte)| match at {
            4 | 7 => *byte == b'-',
            _ => byte.is_ascii_digit(),
        })
}

/// A line of a comment without its marks and the blanks around it.
#[must_use]
pub fn without_marks(line: &str) -> &str {
    let line = line.trim();
    let line = ["<!--", "{/*", "/*", "//", "#", "--", ";", "*"]
        .iter()
        .find_map(|mark| {
            line.strip_prefix(mark).filter(|_| *mark != "*" || !line.starts_with("*/"))
        })
        .unwrap_or(line);
    let line = line.trim_start_matches(['#', '/', '*', '!']);
    let line = ["-->", "*/}", "*/"]
        .iter()
        .find_map(|mark| line.trim_end().strip_suffix(mark))
        .unwrap_or(line);
    line.trim()
}

/// The suppressions that the comments of a module declare.
#[must_use]
pub fn of_module(source: &Source, module: &Module, lines: &LineIndex) -> Vec<Suppression> {
    let comments = module.comments.iter().filter_map(|comment| {
        let parsed = parse(&comment.text)?;
        let start = comment.span.start as usize;
        let before = source.text.get(..start)?.rsplit(['\n', '\r']).next().unwrap_or_default();
        Some(suppression(parsed, comment.span.line, before.trim().is_empty(), source, lines))
    });
    comments.collect()
}

/// The suppressions in a file that is not parsed, found by its comment marks.
#[must_use]
pub fn of_text(source: &Source, lines: &LineIndex) -> Vec<Suppression> {
    let marks: &[&str] = match source.language {
        Language::Sql => &["--"],
        Language::Json | Language::Css | Language::Rust => &["//", "/*"],
        Language::TypeScript | Language::Tsx | Language::JavaScript => &["//", "/*"],
        Language::Html | Language::Vue | Language::Xml | Language::Text => &["<!--", "//", "/*"],
        Language::Ini => &["#", ";"],
        Language::Python
        | Language::Yaml
        | Language::Toml
        | Language::Dotenv
        | Language::Dockerfile
        | Language::Shell => &["#"],
        Language::Unsupported | Language::Other => &["#", "//", "--"],
    };
    let mut found = Vec::new();
    for (at, _) in source.text.match_indices(MARK) {
        let line = lines.line_of(u32::try_from(at).unwrap_or(u32::MAX));
        let text = lines.line(&source.text, line);
        let offset = text.as_ptr() as usize - source.text.as_ptr() as usize;
        let (before, said) = text.split_at(at.saturating_sub(offset).min(text.len()));
        let Some(code) = marks.iter().find_map(|mark| before.trim_end().strip_suffix(mark)) else {
            continue;
        };
        let said = ["-->", "*/"]
            .iter()
            .find_map(|mark| said.trim_end().strip_suffix(mark))
            .unwrap_or(said);
        if let Some(parsed) = parse(said) {
            found.push(suppression(parsed, line, code.trim().is_empty(), source, lines));
        }
    }
    found
}

fn suppression(
    parsed: Parsed,
    line: u32,
    alone: bool,
    source: &Source,
    lines: &LineIndex,
) -> Suppression {
    let covers = if alone {
        (line + 1..=lines.len())
            .find(|next| {
                let text = lines.line(&source.text, *next).trim();
                !text.is_empty() && !is_comment(text)
            })
            .unwrap_or(line)
    } else {
        line
    };
    Suppression { line, covers, rules: parsed.rules, reason: parsed.reason, until: parsed.until }
}

fn is_comment(line: &str) -> bool {
    ["#!", "# ", "//", "/*", "--", "<!--", "* ", "*/", "{/*"]
        .iter()
        .any(|mark| line.starts_with(mark))
        || line == "#"
}

/// The suppressions of one file.
#[derive(Debug, Clone, Copy)]
pub struct FileSuppressions<'s> {
    /// The file's path.
    pub path: &'s str,
    /// Its role.
    pub role: Role,
    /// What its comments declare.
    pub suppressions: &'s [Suppression],
}

/// Marks the findings that suppressions cover, and returns what is wrong with the suppressions.
/// `specs` are the rules that run, `known` the ids of all rules (those that are off included), and
/// `today` is `YYYY-MM-DD`. A suppression that has expired or does not say why covers nothing.
#[must_use]
pub fn apply(
    findings: &mut [Finding],
    suppressions: &[FileSuppressions<'_>],
    specs: &[RuleSpec],
    known: &BTreeSet<&str>,
    today: &str,
) -> Vec<Finding> {
    let mut by_place = BTreeMap::<(&str, u32), Vec<(usize, usize)>>::new();
    for (file_at, file) in suppressions.iter().enumerate() {
        for (at, suppression) in file.suppressions.iter().enumerate() {
            by_place.entry((file.path, suppression.covers)).or_default().push((file_at, at));
        }
    }
    // (file, suppression, rule id) that covered, or would have covered, something.
    let mut used = BTreeSet::<(usize, usize, String)>::new();
    for finding in findings.iter_mut() {
        let path = finding.location.path.clone();
        let last = finding.location.end_line.max(finding.location.line);
        let near = by_place.range((path.as_str(), finding.location.line)..=(path.as_str(), last));
        for (file_at, at) in near.flat_map(|(_, places)| places.iter().copied()) {
            let suppression = &suppressions[file_at].suppressions[at];
            if !suppression.rules.iter().any(|id| *id == finding.rule) {
                continue;
            }
            used.insert((file_at, at, finding.rule.to_string()));
            if !suppression.reason.is_empty()
                && !is_past(suppression, today)
                && finding.suppressed.is_none()
            {
                finding.suppressed = Some(Waiver {
                    reason: redact(&suppression.reason).into_owned(),
                    until: suppression.until.clone(),
                    line: suppression.line,
                });
            }
        }
    }
    let mut faults = Faults { specs, prints: Fingerprints::default(), findings: Vec::new() };
    for (file_at, file) in suppressions.iter().enumerate() {
        for (at, suppression) in file.suppressions.iter().enumerate() {
            let whole = suppression.rules.join(", ");
            if suppression.reason.is_empty() {
                faults.add(WITHOUT_REASON, file, suppression, &[("rule", &whole)]);
            }
            let mut any_used = false;
            for id in &suppression.rules {
                if !known.contains(id.as_str()) {
                    let near = super::error::nearest(id, known.iter().copied()).unwrap_or("none");
                    faults.add(UNKNOWN, file, suppression, &[("rule", id), ("near", near)]);
                } else if used.contains(&(file_at, at, id.clone())) {
                    any_used = true;
                } else if specs.iter().any(|spec| spec.id == id.as_str()) {
                    faults.add(UNUSED, file, suppression, &[("rule", id)]);
                }
            }
            if any_used && is_past(suppression, today) {
                let until = suppression.until.as_deref().unwrap_or_default();
                faults.add(EXPIRED, file, suppression, &[("rule", &whole), ("until", until)]);
            }
        }
    }
    faults.findings
}

fn is_past(suppression: &Suppression, today: &str) -> bool {
    suppression.until.as_deref().is_some_and(|until| until < today)
}

struct Faults<'s> {
    specs: &'s [RuleSpec],
    prints: Fingerprints,
    findings: Vec<Finding>,
}

impl Faults<'_> {
    fn add(
        &mut self,
        rule: &str,
        file: &FileSuppressions<'_>,
        suppression: &Suppression,
        captures: &[(&str, &str)],
    ) {
        let Some(spec) = self.specs.iter().find(|spec| spec.id == rule) else { return };
        if !spec.roles.contains(&file.role) {
            return;
        }
        let mut text = format!("{MARK}{}] {}", suppression.rules.join(", "), suppression.reason);
        if let Some(until) = &suppression.until {
            text.push_str(&format!(", until {until}"));
        }
        let text = redact(text.trim_end()).into_owned();
        let message = super::message::fill(&spec.message, &[], |name| {
            captures.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).into())
        });
        self.findings.push(Finding {
            rule: spec.id.clone(),
            category: spec.category,
            severity: spec.severity,
            confidence: spec.confidence,
            role: file.role,
            message,
            location: Location {
                path: file.path.to_owned(),
                line: suppression.line,
                column: 1,
                end_line: suppression.line,
                end_column: 1,
            },
            fingerprint: self.prints.next(&spec.id, file.path, &text),
            excerpt: Excerpt { first_line: suppression.line, lines: vec![text] },
            suppressed: None,
        });
    }
}
