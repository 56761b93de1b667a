//! What can be wrong with a rule file, said so that its author can mend it.

use std::fmt;

/// A part of one line of a rule file. All count from 1, columns in characters.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Default,
    serde::Serialize,
    serde::Deserialize,
)]
pub struct Place {
    /// The line; 0 where the whole file is meant.
    pub line: u32,
    /// The first column; 0 where the whole line is meant.
    pub column: u32,
    /// The column behind the last character.
    pub end_column: u32,
}

impl Place {
    /// A line as a whole.
    #[must_use]
    pub fn line(line: u32) -> Self {
        Self { line, column: 0, end_column: 0 }
    }
}

impl fmt::Display for Place {
    /// `:12:5`, to stand behind a path; nothing for a whole file.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        if self.column > 0 {
            write!(f, ":{}", self.column)?;
        }
        Ok(())
    }
}

/// A rule file that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, thiserror::Error)]
pub struct RuleError {
    /// The file, as its author names it.
    pub path: String,
    /// Where in it.
    pub place: Place,
    /// What is wrong.
    pub problem: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl fmt::Display for RuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}: {}", self.path, self.place, self.problem)?;
        if let Some(help) = &self.help {
            write!(f, "\n  help: {help}")?;
        }
        Ok(())
    }
}

/// The known word nearest to an unknown one, where one is near enough to be meant.
#[must_use]
pub fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    known
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(word, candidate), candidate))
        .filter(|(likeness, _)| *likeness >= 0.75)
        .max_by(|left, right| left.0.total_cmp(&right.0).then_with(|| right.1.cmp(left.1)))
        .map(|(_, candidate)| candidate)
}
