//! The configuration: `readiness.toml`, or `[tool.readiness]` in `pyproject.toml`, as plain
//! values. Every key is optional, and an unknown one is an error.
//!
//! The types below are the single description of the format: the JSON schema for editors is
//! derived from them, and [`check`] holds a file against that schema before it is deserialised,
//! so that a message can name the line, what is allowed there, and the key that was meant.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::finding::Severity;
use crate::gate::GatePolicy;
use crate::limits::Limits;
use crate::score::Weights;
use crate::source::Role;

mod check;
mod find;
#[cfg(test)]
mod tests;

pub use check::{ConfigError, Problem};
pub use find::{FILE_NAME, MAX_CONFIG_BYTES};

/// How a repository is to be audited.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Config {
    /// Which files are audited, and what they are for.
    pub files: Files,
    /// Folders with rules of your own, `<folder>/<category>/<rule-id>.toml`, relative to the
    /// folder of this file.
    pub rules: Vec<PathBuf>,
    /// Changes to single rules, by their id.
    pub rule: BTreeMap<String, RuleChange>,
    /// What is known of the routes that the code does not say.
    pub routes: Routes,
    /// The numbers behind the score; `readiness explain score` prints them.
    pub score: Weights,
    /// What a verdict needs; `readiness explain gate` prints it.
    pub gates: GatePolicy,
    /// Limits that a repository of unusual files may need to move.
    pub limits: UserLimits,
    /// Threads that scan; `None` takes one per core. Nothing in an audit depends on it.
    #[serde(skip)]
    pub threads: Option<NonZeroUsize>,
    /// The command line chose a part of the tree, so that what covers nothing there may be needed
    /// elsewhere.
    #[serde(skip)]
    pub partial: bool,
    /// The file that this was read from.
    #[serde(skip)]
    pub origin: Option<Origin>,
}

/// The file that a configuration was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Its path, as messages name it.
    pub file: PathBuf,
    /// The lines of `[rule.<id>]`, by id; see [`Config::check_rules`].
    rule_lines: BTreeMap<String, (u32, u32)>,
    /// The places of the entries of `[[rule.<id>.allow]]`.
    allow_lines: BTreeMap<String, Vec<(u32, u32)>>,
}

/// Which files are audited. Globs are matched against the path relative to the audited root.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Files {
    /// Audit only what matches one of these globs. Empty means everything.
    #[schemars(extend("items" = {"type": "string", "format": "glob"}))]
    pub include: Vec<String>,
    /// Leave out what matches one of these globs; it is listed as left out.
    #[schemars(extend("items" = {"type": "string", "format": "glob"}))]
    pub exclude: Vec<String>,
    /// Audit also what `.gitignore` and its kin name.
    pub no_ignore: bool,
    /// What the files that match a glob are for, where their names do not tell. Of several globs
    /// that match, the longest counts.
    #[schemars(extend("propertyNames" = {"format": "glob"}))]
    pub roles: BTreeMap<String, Role>,
}

/// A change to one rule.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct RuleChange {
    /// Its severity, in place of its own.
    pub severity: Option<Severity>,
    /// Do not run it.
    pub off: bool,
    /// The roles of files that it looks at, in place of its own.
    pub roles: Option<Vec<Role>>,
    /// Places that are fine, each with the reason why. They are listed as accepted.
    pub allow: Vec<Allowance>,
}

/// Places where a rule finds something that is fine. Of what an entry names, all must hold; of
/// each list, one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Allowance {
    /// Why it is fine.
    pub reason: String,
    /// Globs of files, relative to the audited root.
    #[serde(default)]
    #[schemars(extend("items" = {"type": "string", "format": "glob"}))]
    pub paths: Vec<String>,
    /// Regular expressions over what the finding is about: the text, the name or the call that was
    /// found, and whatever its message shows.
    #[serde(default)]
    #[schemars(extend("items" = {"type": "string", "format": "regex"}))]
    pub values: Vec<String>,
    /// Calls, such as `os.getenv` or `**.execute`: the place is such a call, or lies in an argument
    /// of one.
    #[serde(default)]
    pub calls: Vec<String>,
    /// The last day on which it holds, `YYYY-MM-DD`.
    #[serde(default)]
    #[schemars(extend("format" = "date"))]
    pub until: Option<String>,
}

impl Allowance {
    /// Whether it names no place, so that it would allow everything.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.paths.is_empty() && self.values.is_empty() && self.calls.is_empty()
    }
}

/// What is known of the routes that the code does not say.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Routes {
    /// Routes that are meant for everybody, so that they may change things for callers whom nobody
    /// knows.
    pub public: Vec<RouteNote>,
    /// Routes that somebody outside the tree calls, so that they are not unused: a public
    /// interface, another system.
    pub called_elsewhere: Vec<RouteNote>,
}

/// What is known of some routes, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RouteNote {
    /// A glob of paths as the inventory shows them: `/api/newsletter`, `/public/**`.
    #[schemars(extend("format" = "glob"))]
    pub path: String,
    /// Their methods; none means all.
    #[serde(default)]
    pub methods: Vec<String>,
    /// Why it is so.
    pub reason: String,
}

/// The limits that a user may set; see [`Limits`] for the others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct UserLimits {
    /// Largest file that is parsed, in bytes; default 1 MiB.
    #[schemars(range(min = 1024, max = 16_777_216))]
    pub parse_bytes: u64,
    /// Largest file whose lines are read, in bytes; default 16 MiB.
    #[schemars(range(min = 1024, max = 268_435_456))]
    pub read_bytes: u64,
    /// Seconds that one file may take; default 10. Half of them may go into parsing.
    #[schemars(range(min = 1, max = 600))]
    pub file_seconds: u64,
    /// Most files and folders of a walk; default 2 000 000.
    #[schemars(range(min = 1, max = 100_000_000))]
    pub walk_entries: u64,
}

impl Default for UserLimits {
    fn default() -> Self {
        let limits = Limits::default();
        Self {
            parse_bytes: limits.parse_bytes,
            read_bytes: limits.read_bytes,
            file_seconds: limits.file_deadline.as_secs(),
            walk_entries: limits.walk_entries,
        }
    }
}

impl UserLimits {
    /// The limits of a run.
    #[must_use]
    pub fn limits(&self) -> Limits {
        let file_deadline = Duration::from_secs(self.file_seconds);
        Limits {
            parse_bytes: self.parse_bytes,
            read_bytes: self.read_bytes,
            file_deadline,
            parse_deadline: file_deadline / 2,
            walk_entries: self.walk_entries,
            ..Limits::default()
        }
    }
}

impl Config {
    /// The configuration nearest upwards from `start`, or the defaults when there is none.
    ///
    /// Of each folder, `readiness.toml` counts before a `pyproject.toml`, and a `pyproject.toml`
    /// without the table `[tool.readiness]` is passed over.
    ///
    /// # Errors
    /// When `start` does not exist, or the file that was found cannot be read or holds what it
    /// must not.
    pub fn discover(start: &Path) -> Result<Self, ConfigError> {
        match find::nearest_file(start)? {
            Some(found) => Self::from_found(found),
            None => Ok(Self::default()),
        }
    }

    /// The configuration in a file that was named: a `pyproject.toml` is asked for its table,
    /// any other file is one as a whole.
    ///
    /// # Errors
    /// When the file cannot be read, is a `pyproject.toml` without the table, or holds what it
    /// must not.
    pub fn from_file(file: &Path) -> Result<Self, ConfigError> {
        Self::from_found(find::named(file)?)
    }

    fn from_found(found: find::Found) -> Result<Self, ConfigError> {
        let mut config = check::parse(&found)?;
        // Relative to the file and not to the current folder: a run from a subfolder, or with a
        // PATH, must find the same rules.
        let folder = found.file.parent().unwrap_or(Path::new(""));
        for rules in &mut config.rules {
            *rules = folder.join(&*rules);
        }
        Ok(config)
    }

    /// The path of the file that this was read from, relative to the audited root; `None` where it
    /// lies elsewhere, or where only a part of the tree is audited.
    #[must_use]
    pub fn file_in(&self, root: &Path) -> Option<String> {
        let file = self.origin.as_ref().filter(|_| !self.partial)?.file.canonicalize().ok()?;
        let inner = file.strip_prefix(root.canonicalize().ok()?).ok()?;
        Some(crate::source::encode_path(inner))
    }

    /// The line of an entry of `[[rule.<id>.allow]]`; 1 where no file holds it.
    #[must_use]
    pub fn allow_line(&self, rule: &str, index: usize) -> u32 {
        let lines = self.origin.as_ref().and_then(|origin| origin.allow_lines.get(rule));
        lines.and_then(|lines| lines.get(index)).map_or(1, |(line, _)| *line)
    }

    /// Asserts that every `[rule.<id>]` names a rule of the catalogue.
    ///
    /// # Errors
    /// Names those that do not, with their lines and the nearest known ids.
    pub fn check_rules<'k>(
        &self,
        known: impl IntoIterator<Item = &'k str>,
    ) -> Result<(), ConfigError> {
        let known: Vec<_> = known.into_iter().collect();
        let lines = self.origin.as_ref().map(|origin| &origin.rule_lines);
        let problems: Vec<_> = self
            .rule
            .keys()
            .filter(|id| !known.contains(&id.as_str()))
            .map(|id| {
                let (line, column) =
                    lines.and_then(|lines| lines.get(id)).copied().unwrap_or((1, 1));
                Problem::unknown("rule", id, &known, line, column)
            })
            .collect();
        if problems.is_empty() {
            return Ok(());
        }
        let file = self.origin.as_ref().map_or_else(PathBuf::new, |origin| origin.file.clone());
        Err(ConfigError::Invalid { file, problems })
    }
}

/// The JSON schema of `readiness.toml`, for editors.
#[must_use]
pub fn schema() -> serde_json::Value {
    let mut schema = schemars::SchemaGenerator::default().into_root_schema_for::<Config>();
    schema.insert("$id".to_owned(), "urn:readiness:config:1".into());
    schema.insert("title".to_owned(), "Configuration of readiness".into());
    schema.to_value()
}
