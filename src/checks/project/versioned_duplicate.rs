//! Files that stand beside an older or newer self.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;

use super::{PlaceMatch, Project};
use crate::source::Role;

/// A name that says that it is a copy: what it is a copy of, and how it says so.
static COPY: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)^(?P<base>.+?)[-_. ]?(?:(?P<mark>[-_. ](?:old|backup|bak|copy\d+|deprecated|legacy|tmp|temp|wip|unused|refactored))|(?P<camel>(?-i:Old|Backup|Deprecated|Legacy)))$").ok()
});

pub(super) fn check(project: &Project<'_>) -> Vec<PlaceMatch> {
    let paths: BTreeSet<&str> = project.files.iter().map(|file| file.path.as_str()).collect();
    let Some(copy) = COPY.as_ref() else { return Vec::new() };
    project
        .files
        .iter()
        .filter(|file| file.role == Role::Production)
        .filter_map(|file| {
            let (folder, name) = file.path.rsplit_once('/').unwrap_or(("", &file.path));
            let (stem, suffix) = name.rsplit_once('.')?;
            if !matches!(
                suffix,
                "py" | "ts" | "tsx" | "js" | "jsx" | "rs" | "vue" | "svelte" | "html" | "sql"
            ) {
                return None;
            }
            let found = copy.captures(stem)?;
            let base = format!("{}.{suffix}", &found["base"]);
            let original = if folder.is_empty() { base } else { format!("{folder}/{base}") };
            let mark = found.name("mark").or_else(|| found.name("camel"))?;
            (original != file.path && paths.contains(original.as_str())).then(|| PlaceMatch {
                path: file.path.clone(),
                line: 1,
                captures: vec![
                    ("mark", mark.as_str().trim_start_matches(['-', '_', '.', ' ']).to_owned()),
                    ("original", original.clone()),
                    ("file", file.path.clone()),
                ],
                accepted: None,
            })
        })
        .collect()
}
