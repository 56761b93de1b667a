//! What the commands that list an inventory have in common.

use std::collections::BTreeMap;
use std::fmt::Display;

use clap::ValueEnum;
use globset::{Glob, GlobMatcher};
use serde::Serialize;

use super::terminal;

/// The formats of an inventory that is shown as a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people.
    Table,
    /// For programs.
    Json,
}

/// A glob where the text is one, else a part of a text.
pub(super) enum Pattern {
    Glob(GlobMatcher),
    Part(String),
}

impl Pattern {
    pub(super) fn new(text: &str) -> anyhow::Result<Self> {
        Ok(if text.contains(['*', '?', '[']) {
            // Braces are parameters here, and no choices.
            let escaped = text.replace('{', "[{]").replace('}', "[}]");
            Self::Glob(Glob::new(&escaped)?.compile_matcher())
        } else {
            Self::Part(text.to_owned())
        })
    }

    pub(super) fn fits(&self, text: &str) -> bool {
        match self {
            Self::Glob(glob) => glob.is_match(text),
            Self::Part(part) => text.contains(part.as_str()),
        }
    }
}

/// `FILE:LINE`, also where a column follows.
pub(super) fn place(text: &str) -> Option<(&str, u32)> {
    let (file, line) = text.rsplit_once(':')?;
    if let Some((file, line)) = file.rsplit_once(':').and_then(|(file, at)| {
        let at = at.parse().ok()?;
        line.parse::<u32>().ok().map(|_| (file, at))
    }) {
        return Some((file, line));
    }
    line.parse().ok().map(|line| (file, line)).filter(|(file, _)| !file.is_empty())
}

/// Whether a file of the tree is meant, by its path or the end of it.
pub(super) fn is_file(known: &str, asked: &str) -> bool {
    let asked = asked.trim_start_matches("./");
    known == asked
        || known.strip_suffix(asked).is_some_and(|rest| rest.ends_with('/'))
        || asked.strip_suffix(known).is_some_and(|rest| rest.ends_with('/'))
}

/// JSON as all commands write it.
pub(super) fn json(value: &impl Serialize) -> anyhow::Result<String> {
    Ok(serde_json::to_string_pretty(value)? + "\n")
}

/// The items of an inventory by their files, each file below its counts, and the counts of all.
pub(super) fn by_file<T, const N: usize>(
    items: &[T],
    file: impl Fn(&T) -> &str,
    counts: impl Fn(&[&T]) -> String,
    row: impl Fn(&T) -> [String; N],
    a_file: &str,
) -> String {
    let mut files: BTreeMap<&str, Vec<&T>> = BTreeMap::new();
    for item in items {
        files.entry(file(item)).or_default().push(item);
    }
    let mut text = String::new();
    for (file, items) in &files {
        text += &format!("{}  {}\n", terminal::visible(file), counts(items));
        let rows: Vec<_> = items.iter().map(|item| row(item)).collect();
        for line in terminal::rows(&rows).lines() {
            text += &format!("  {line}\n");
        }
        text.push('\n');
    }
    let all: Vec<&T> = items.iter().collect();
    text + &format!("{} in {}\n", counts(&all), numbered(files.len(), a_file))
}

/// `3 required, 1 none`: how many items are in each state that any is in.
pub(super) fn tally<T, S: Display + PartialEq>(
    items: &[T],
    states: &[S],
    state: impl Fn(&T) -> &S,
) -> String {
    let of_state = states.iter().filter_map(|wanted| {
        let count = items.iter().filter(|item| state(item) == wanted).count();
        (count > 0).then(|| format!("{count} {wanted}"))
    });
    of_state.collect::<Vec<_>>().join(", ")
}

/// `1 route`, `2 routes`
pub(super) fn numbered(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}
