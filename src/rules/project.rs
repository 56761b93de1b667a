//! Rules over the whole project: from what the checks find to findings and accepted uses.

use std::collections::BTreeMap;
use std::time::Instant;

use globset::GlobSet;

use super::allow::Allowed;
use super::fingerprint::Fingerprints;
use super::spec::{Patterns, Subject, Test};
use super::{RuleError, RuleSpec, excerpt, message, regexes};
use crate::checks::project::{PlaceMatch, Project, project_check};
use crate::finding::{Accepted, Finding};
use crate::module::Span;
use crate::profile::{Profile, nanoseconds};
use crate::source::{Encoding, Language, LineIndex, Source};

/// Runs the project rules. `read` gives the source of a file, with its role; places in files that
/// it does not give are left out.
#[must_use]
pub fn run(
    specs: &[RuleSpec],
    project: &Project<'_>,
    mut read: impl FnMut(&str) -> Option<Source>,
    profile: &mut Profile,
) -> (Vec<Finding>, Vec<Accepted>) {
    let mut sources: BTreeMap<String, Option<(Source, LineIndex)>> = BTreeMap::new();
    let mut prints = Fingerprints::default();
    let (mut findings, mut accepted) = (Vec::new(), Vec::new());
    for spec in specs {
        // The scanner has compiled them before, and refuses what cannot be.
        let allow = Allowed::of(spec).unwrap_or_default();
        let start = Instant::now();
        let mut matches = match &spec.subject {
            Subject::File(globs) => files(spec, globs, project),
            Subject::Check(name) => match project_check(name) {
                Some(check) => check(project),
                None => continue,
            },
            _ => continue,
        };
        profile.rule(&spec.id, nanoseconds(start.elapsed()));
        matches.sort();
        matches.dedup();
        for found in matches {
            let source = sources.entry(found.path.clone()).or_insert_with(|| {
                let source = read(&found.path).or_else(|| unread(project, &found.path))?;
                let lines = LineIndex::new(&source.text);
                Some((source, lines))
            });
            let Some((source, lines)) = source else { continue };
            if !spec.roles.contains(&source.role) {
                continue;
            }
            let place = Place { spec, source, lines, found: &found };
            let allowed = || {
                let values = || found.captures.iter().map(|(_, value)| value.as_str());
                allow
                    .iter()
                    .find(|allowed| allowed.covers(&found.path, usize::MAX, values(), |_| false))
            };
            match &found.accepted {
                Some(reason) => accepted.push(place.accepted(reason, None)),
                None => match allowed() {
                    Some(allowed) => {
                        accepted.push(place.accepted(&allowed.reason, Some(allowed.index)));
                    }
                    None => findings.push(place.finding(&mut prints)),
                },
            }
        }
    }
    (findings, accepted)
}

/// The files that a rule about files names.
fn files(spec: &RuleSpec, globs: &Patterns, project: &Project<'_>) -> Vec<PlaceMatch> {
    // The scanner has compiled the same globs: here they are known to be good.
    let glob = |patterns: &Patterns| regexes::globs(&spec.path, patterns);
    let Ok(wanted) = glob(globs) else { return Vec::new() };
    let tests = |tests: &[Test<Patterns, Patterns>], path: &str| -> bool {
        tests.iter().all(|test| path_test(&glob, test, path))
    };
    project
        .files
        .iter()
        .filter(|file| wanted.is_match(&file.path) && tests(&spec.constraints, &file.path))
        .map(|file| PlaceMatch {
            path: file.path.clone(),
            line: 1,
            captures: vec![("file", file.path.clone())],
            accepted: spec
                .accept
                .iter()
                .find(|form| tests(&form.tests, &file.path))
                .map(|form| form.reason.to_string()),
        })
        .collect()
}

fn path_test(
    glob: &impl Fn(&Patterns) -> Result<GlobSet, RuleError>,
    test: &Test<Patterns, Patterns>,
    path: &str,
) -> bool {
    match test {
        Test::Path(globs) | Test::Captured(globs) => {
            glob(globs).is_ok_and(|globs| globs.is_match(path))
        }
        Test::Unless(groups) => {
            !groups.iter().any(|group| group.iter().all(|test| path_test(glob, test, path)))
        }
        _ => false,
    }
}

/// A file that nobody reads: it has a path and a role, and no text to show.
fn unread(project: &Project<'_>, path: &str) -> Option<Source> {
    let file = project.files.iter().find(|file| file.path == path)?;
    Some(Source {
        path: file.path.clone(),
        language: Language::Other,
        role: file.role,
        text: String::new(),
        encoding: Encoding::Utf8,
    })
}

/// A match, with the source that it lies in.
struct Place<'a> {
    spec: &'a RuleSpec,
    source: &'a Source,
    lines: &'a LineIndex,
    found: &'a PlaceMatch,
}

impl Place<'_> {
    /// The line without the blanks around it.
    fn span(&self) -> Span {
        let line = self.lines.line(&self.source.text, self.found.line);
        let offset = line.as_ptr() as usize - self.source.text.as_ptr() as usize;
        let start = offset + line.len() - line.trim_start().len();
        let end = offset + line.trim_end().len();
        let at = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
        Span { start: at(start), end: at(end.max(start)), line: self.found.line }
    }

    fn accepted(&self, reason: &str, allowed_by: Option<u32>) -> Accepted {
        let location = excerpt::location(self.source, self.lines, self.span());
        Accepted {
            rule: self.spec.id.clone(),
            reason: reason.into(),
            allowed_by,
            line_text: excerpt::line_text(self.source, self.lines, location.line, location.column),
            location,
        }
    }

    fn finding(&self, prints: &mut Fingerprints) -> Finding {
        let spec = self.spec;
        let location = excerpt::location(self.source, self.lines, self.span());
        let text = message::fill_sentences(&spec.message, |name| {
            let capture = self.found.captures.iter().find(|(known, _)| *known == name);
            capture.map(|(_, value)| value.as_str().into())
        });
        // What is found at one line may be several things, which the message tells apart.
        let line = format!("{} {text}", self.lines.line(&self.source.text, location.line).trim());
        Finding {
            rule: spec.id.clone(),
            category: spec.category,
            severity: spec.severity,
            confidence: spec.confidence,
            role: self.source.role,
            message: text,
            excerpt: excerpt::excerpt(self.source, self.lines, &location),
            fingerprint: prints.next(&spec.id, &self.source.path, &line),
            location,
            suppressed: None,
        }
    }
}
