//! Comments that hold code instead of words.

use std::sync::LazyLock;

use regex::Regex;

use super::CheckMatch;
use crate::module::{Comment, Module, Span};
use crate::source::{Language, Source};

/// The beginnings of comments.
pub const NEEDS: &[&str] = &["//", "# ", "#\t"];

/// Lines of code that stand together, at least.
const LINES: usize = 5;
/// How many of a hundred lines must be code.
const PERCENT: usize = 70;

/// A line that is a statement: what it begins with, and how it ends, are of a program.
static STATEMENT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r#"(?x)
        ^ (?: (?:export\s+)? (?:const|let|var)\s+ [\w$\{\[] .* =
          | (?:if|for|while|switch|catch) \s* \( .* \) \s* \{? $
          | (?:if|elif|for|while|with|def|class|except|try|else) \b .* : $
          | (?:\}\s*)? (?:else|try|finally) \s* \{ $
          | (?:return|raise|throw|yield|assert) \b .* [;)\]}] $
          | (?:import|from) \s .* (?:;|\bimport\b .*) $
          | (?:await\s+)? [A-Za-z_$][\w$]* (?:\??\.[\w$]+|\[[^\]]*\])* \s* \( .* \) \s* [;,]? $
          | (?:await\s+)? [A-Za-z_$][\w$]* (?:\.[\w$]+)* \( .* [\{(,] $
          | [A-Za-z_$][\w$.\[\]"']* \s* (?:[+\-*/|&]|)= \s* [^=>\s] .* [^.] $
          | [\})\]]+ [;,)]* $
          | .* ; $
          | .* \) \s* => \s* \{ $
          | (?:async\s+)? function \b .* \{ $
          | (?:pub\s+)? (?:async\s+)? fn \s .* \{ $
          | let \s+ (?:mut\s+)? \w+ .* = .*
          | @\w+ (?:\(.*\))? $
          | < /? [A-Za-z][\w.]* [^>]* /? > $
          ) "#,
    )
    .ok()
});

/// Finds them.
#[must_use]
pub fn check(source: &Source, module: &Module) -> Vec<CheckMatch> {
    let mut found = Vec::new();
    let mut run: Vec<&Comment> = Vec::new();
    let mut previous = 0;
    for comment in &module.comments {
        let alone = stands_alone(source, comment);
        if !alone || comment.doc || comment.span.line != previous + 1 {
            judge(source, &run, &mut found);
            run.clear();
        }
        if alone && !comment.doc && !comment.text.contains('\n') {
            run.push(comment);
            previous = comment.span.line;
        }
    }
    judge(source, &run, &mut found);
    found
}

/// Whether nothing but blanks stands before a comment on its line.
fn stands_alone(source: &Source, comment: &Comment) -> bool {
    let before = source.text.get(..comment.span.start as usize).unwrap_or_default();
    let line = before.rsplit('\n').next().unwrap_or_default();
    line.chars().all(char::is_whitespace)
}

fn judge(source: &Source, run: &[&Comment], found: &mut Vec<CheckMatch>) {
    let (Some(first), Some(last)) = (run.first(), run.last()) else { return };
    if run.len() < LINES || is_shown(run) {
        return;
    }
    let Some(statement) = STATEMENT.as_ref() else { return };
    let said: Vec<&str> = run
        .iter()
        .map(|comment| comment.text.trim_start_matches(['/', '#', '!']).trim())
        .filter(|text| !text.is_empty())
        .collect();
    let code =
        said.iter().filter(|text| statement.is_match(text) && !is_prose(text, source)).count();
    if code >= LINES && code * 100 >= said.len() * PERCENT {
        found.push(CheckMatch {
            span: Span { end: last.span.end, ..first.span },
            captures: vec![("count", code.to_string())],
            accepted: None,
        });
    }
}

/// Whether the comment shows how to use something.
fn is_shown(run: &[&Comment]) -> bool {
    let shows = |comment: &&Comment| {
        let text = comment.text.to_ascii_lowercase();
        [
            "example",
            "usage",
            "e.g.",
            "for instance",
            "like this",
            "such as",
            "```",
            ">>>",
            "$ ",
            "equivalent",
            "pseudo",
            "algorithm",
            "copyright",
        ]
        .iter()
        .any(|word| text.contains(word))
    };
    run.iter().take(3).any(shows)
}

/// Whether a line has more words in a row than a statement has.
fn is_prose(text: &str, source: &Source) -> bool {
    let words = text
        .split_whitespace()
        .filter(|word| word.len() > 1 && word.bytes().all(|byte| byte.is_ascii_alphabetic()))
        .count();
    let limit = if source.language == Language::Python { 6 } else { 7 };
    words >= limit && !text.contains('=')
}
