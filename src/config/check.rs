//! Holds a configuration file against the schema that is derived from its types, and says what
//! is wrong so that its author can mend it: the line, what is allowed, which key was meant.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize as _;
use serde_json::Value;
use thiserror::Error;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::find::Found;
use super::{Config, Origin};
use crate::source::LineIndex;

/// Why there is no configuration.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// A file could not be read.
    #[error("{}: cannot be read: {source}", shown(&file.to_string_lossy()))]
    Read {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A `pyproject.toml` that was named says nothing about readiness.
    #[error("{}: has no table [tool.readiness]", shown(&file.to_string_lossy()))]
    NoTable {
        /// The file.
        file: PathBuf,
    },
    /// A file holds what it must not.
    #[error("{}", listed(file, problems))]
    Invalid {
        /// The file.
        file: PathBuf,
        /// What is wrong, in the order of the file.
        problems: Vec<Problem>,
    },
}

/// Something wrong in a configuration file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The line, counted from 1.
    pub line: u32,
    /// The column, counted from 1 in characters.
    pub column: u32,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl Problem {
    /// A word that is not among the known ones: what kind of word, and which.
    pub(super) fn unknown(what: &str, word: &str, known: &[&str], line: u32, column: u32) -> Self {
        let help = match nearest(word, known) {
            Some(near) => format!("did you mean `{near}`?"),
            None if known.len() <= 12 => format!("known here: {}", known.join(", ")),
            None => "no known one is near".to_owned(),
        };
        Self {
            line,
            column,
            message: format!("unknown {what} `{}`", shown(word)),
            help: Some(help),
        }
    }
}

fn listed(file: &Path, problems: &[Problem]) -> String {
    let file = shown(&file.to_string_lossy());
    let lines: Vec<_> = problems
        .iter()
        .map(|Problem { line, column, message, help }| {
            let help = help.as_ref().map(|help| format!("\n  help: {help}")).unwrap_or_default();
            format!("{file}:{line}:{column}: {message}{help}")
        })
        .collect();
    lines.join("\n")
}

/// The known word that is near enough to be meant.
fn nearest<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    known
        .iter()
        .map(|candidate| (strsim::normalized_damerau_levenshtein(word, candidate), *candidate))
        .filter(|(likeness, _)| *likeness >= 0.5)
        .max_by(|left, right| left.0.total_cmp(&right.0).then_with(|| right.1.cmp(left.1)))
        .map(|(_, candidate)| candidate)
}

/// Text from a file on one line of a terminal: short, and without characters that control it.
fn shown(text: &str) -> String {
    const LONGEST: usize = 200;
    let mut short: String = text
        .chars()
        .take(LONGEST)
        .flat_map(|c| {
            if c == '\\' || c == '\'' || c == '"' { vec![c] } else { c.escape_debug().collect() }
        })
        .collect();
    if text.chars().nth(LONGEST).is_some() {
        short.push('…');
    }
    short
}

/// Whether the text has the table; a text that is no TOML is an error.
pub(super) fn has_table(file: &Path, text: &str, table: &[&str]) -> Result<bool, ConfigError> {
    let root = document(file, text)?;
    let mut inner = Some(root.get_ref());
    for name in table {
        inner =
            inner.and_then(|inner| inner.get(*name)).and_then(|value| value.get_ref().as_table());
    }
    Ok(inner.is_some())
}

fn document<'t>(file: &Path, text: &'t str) -> Result<Spanned<DeTable<'t>>, ConfigError> {
    DeTable::parse(text)
        .map_err(|error| Place { text, lines: &LineIndex::new(text) }.invalid(file, &error))
}

/// Reads a configuration.
pub(super) fn parse(found: &Found) -> Result<Config, ConfigError> {
    let lines = LineIndex::new(&found.text);
    let place = Place { text: &found.text, lines: &lines };
    let root = document(&found.file, &found.text)?;
    let whole = root.span();
    let mut value = Spanned::new(whole, DeValue::Table(root.into_inner()));
    for name in found.table {
        let DeValue::Table(mut table) = value.into_inner() else {
            return Err(ConfigError::NoTable { file: found.file.clone() });
        };
        value =
            table.remove(*name).ok_or_else(|| ConfigError::NoTable { file: found.file.clone() })?;
    }

    let schema = super::schema();
    let mut checker = Checker { root: &schema, place, problems: Vec::new() };
    checker.value("the configuration", &value, &schema);
    if !checker.problems.is_empty() {
        checker.problems.sort_by_key(|problem| (problem.line, problem.column));
        return Err(ConfigError::Invalid { file: found.file.clone(), problems: checker.problems });
    }

    let rule_lines = rule_lines(&value, place);
    let allow_lines = allow_lines(&value, place);
    let deserializer = toml::de::ValueDeserializer::from(value);
    let mut config =
        Config::deserialize(deserializer).map_err(|error| place.invalid(&found.file, &error))?;
    let everything: Vec<Problem> = config
        .rule
        .iter()
        .flat_map(|(id, change)| {
            let lines = allow_lines.get(id).map_or(&[][..], Vec::as_slice);
            let entries = change.allow.iter().zip(lines);
            entries.filter(|(entry, _)| entry.is_everything()).map(|(_, (line, column))| Problem {
                line: *line,
                column: *column,
                message: "the entry names none of `paths`, `values` and `calls`, and would allow \
                          everything"
                    .to_owned(),
                help: Some("to run the rule no more, write off = true".to_owned()),
            })
        })
        .collect();
    if !everything.is_empty() {
        return Err(ConfigError::Invalid { file: found.file.clone(), problems: everything });
    }
    config.origin = Some(Origin { file: found.file.clone(), rule_lines, allow_lines });
    Ok(config)
}

fn allow_lines(
    config: &Spanned<DeValue<'_>>,
    place: Place<'_>,
) -> BTreeMap<String, Vec<(u32, u32)>> {
    let rules = config.get_ref().as_table().and_then(|table| table.get("rule"));
    let rules = rules.and_then(|rules| rules.get_ref().as_table());
    let lines = rules.into_iter().flat_map(DeTable::iter).filter_map(|(id, rule)| {
        let allow = rule.get_ref().as_table()?.get("allow")?.get_ref().as_array()?;
        let places = allow.iter().map(|entry| place.of(entry.span().start)).collect();
        Some((id.get_ref().to_string(), places))
    });
    lines.collect()
}

fn rule_lines(config: &Spanned<DeValue<'_>>, place: Place<'_>) -> BTreeMap<String, (u32, u32)> {
    let rules = config.get_ref().as_table().and_then(|table| table.get("rule"));
    let rules = rules.and_then(|rules| rules.get_ref().as_table());
    rules
        .into_iter()
        .flat_map(DeTable::iter)
        .map(|(id, _)| (id.get_ref().to_string(), place.of(id.span().start)))
        .collect()
}

/// Turns byte offsets into lines and columns.
#[derive(Clone, Copy)]
struct Place<'t> {
    text: &'t str,
    lines: &'t LineIndex,
}

impl Place<'_> {
    fn of(self, offset: usize) -> (u32, u32) {
        self.lines.position(self.text, u32::try_from(offset).unwrap_or(u32::MAX))
    }

    fn invalid(self, file: &Path, error: &toml::de::Error) -> ConfigError {
        let (line, column) = self.of(error.span().map_or(0, |span| span.start));
        let message = shown(error.message());
        let problem = Problem { line, column, message, help: None };
        ConfigError::Invalid { file: file.to_owned(), problems: vec![problem] }
    }
}

/// Walks a file along the schema. It knows the few words of JSON Schema that the types of the
/// configuration produce; a test asserts that they produce no others.
struct Checker<'s> {
    root: &'s Value,
    place: Place<'s>,
    problems: Vec<Problem>,
}

impl<'s> Checker<'s> {
    fn value(&mut self, name: &str, value: &Spanned<DeValue<'_>>, schema: &'s Value) {
        let schema = self.resolve(schema);
        match (value.get_ref(), kind(schema)) {
            (DeValue::Table(table), Kind::Table) => {
                self.required(name, table, schema, value.span().start);
                self.table(table, schema);
            }
            (DeValue::Array(items), Kind::List) => {
                for item in items {
                    self.value(&format!("an entry of `{name}`"), item, &schema["items"]);
                }
            }
            (DeValue::String(text), Kind::Choice(allowed)) if allowed.contains(&text.as_ref()) => {}
            (DeValue::String(text), Kind::Text) => {
                let offset = value.span().start;
                match schema["format"].as_str() {
                    Some("glob") => self.glob(text, offset),
                    Some("regex") => self.regex(text, offset),
                    Some("date") if text.parse::<jiff::civil::Date>().is_err() => {
                        let message = format!("`{}` is no date", shown(text));
                        self.problem(offset, message);
                    }
                    _ => {}
                }
            }
            (DeValue::Boolean(_), Kind::Bool) => {}
            (DeValue::Integer(number), kind @ (Kind::Number | Kind::Integer)) => {
                let parsed = i64::from_str_radix(&number.as_str().replace('_', ""), number.radix());
                let inside = parsed.is_ok_and(|number| within(number as f64, schema));
                if !inside {
                    self.not_allowed(name, number.as_str(), &kind, schema, value);
                }
            }
            (DeValue::Float(number), Kind::Number) => {
                let inside = number
                    .as_str()
                    .replace('_', "")
                    .parse::<f64>()
                    .is_ok_and(|number| within(number, schema));
                if !inside {
                    self.not_allowed(name, number.as_str(), &Kind::Number, schema, value);
                }
            }
            (DeValue::String(text), kind) => {
                self.not_allowed(name, &format!("\"{text}\""), &kind, schema, value);
            }
            (other, kind) => self.not_allowed(name, described(other), &kind, schema, value),
        }
    }

    fn table(&mut self, table: &DeTable<'_>, schema: &'s Value) {
        let fixed = schema["properties"].as_object();
        let any = schema.get("additionalProperties").filter(|any| any.is_object());
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            if let Some(inner) = fixed.and_then(|fixed| fixed.get(name)).or(any) {
                if schema["propertyNames"]["format"] == "glob" {
                    self.glob(name, key.span().start);
                }
                self.value(name, value, inner);
            } else {
                let known: Vec<_> = fixed.into_iter().flat_map(|fixed| fixed.keys()).collect();
                let known: Vec<_> = known.into_iter().map(String::as_str).collect();
                let (line, column) = self.place.of(key.span().start);
                self.problems.push(Problem::unknown("key", name, &known, line, column));
            }
        }
    }

    /// Keys that a table cannot do without.
    fn required(&mut self, name: &str, table: &DeTable<'_>, schema: &Value, offset: usize) {
        let keys = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
        for key in keys {
            if !table.keys().any(|known| known.get_ref() == key) {
                let (line, column) = self.place.of(offset);
                let message = format!("{name} has no `{key}`");
                self.problems.push(Problem { line, column, message, help: None });
            }
        }
    }

    fn glob(&mut self, text: &str, offset: usize) {
        if let Err(error) = globset::Glob::new(text) {
            let message = format!("`{}` is no glob: {}", shown(text), error.kind());
            self.problem(offset, message);
        }
    }

    fn regex(&mut self, text: &str, offset: usize) {
        let built = regex::RegexBuilder::new(text).size_limit(1024 * 1024).nest_limit(64).build();
        if let Err(error) = built {
            let error = error.to_string();
            let reason = error.lines().last().unwrap_or_default().trim_start_matches("error: ");
            let message = format!("`{}` is no regular expression: {reason}", shown(text));
            self.problem(offset, message);
        }
    }

    fn not_allowed(
        &mut self,
        name: &str,
        got: &str,
        kind: &Kind<'_>,
        schema: &Value,
        value: &Spanned<DeValue<'_>>,
    ) {
        let range = match (schema["minimum"].as_f64(), schema["maximum"].as_f64()) {
            (Some(min), Some(max)) => format!(" from {min} to {max}"),
            (Some(min), None) => format!(" of at least {min}"),
            _ => String::new(),
        };
        let name = if name.contains(' ') { name.to_owned() } else { format!("`{}`", shown(name)) };
        let (line, column) = self.place.of(value.span().start);
        let message = format!("{name} must be {kind}{range}, not {}", shown(got));
        let help = match (value.get_ref(), kind) {
            (DeValue::String(text), Kind::Choice(words)) => nearest(text, words),
            _ => None,
        };
        let help = help.map(|near| format!("did you mean `{near}`?"));
        self.problems.push(Problem { line, column, message, help });
    }

    fn problem(&mut self, offset: usize, message: String) {
        let (line, column) = self.place.of(offset);
        self.problems.push(Problem { line, column, message, help: None });
    }

    /// Follows `$ref`, and takes the one form of an optional value that is not `null`.
    fn resolve(&self, mut schema: &'s Value) -> &'s Value {
        loop {
            let some = schema["anyOf"]
                .as_array()
                .and_then(|forms| forms.iter().find(|form| form["type"] != "null"));
            let target = schema["$ref"].as_str().and_then(|path| path.strip_prefix('#'));
            match some.or_else(|| target.and_then(|path| self.root.pointer(path))) {
                Some(inner) => schema = inner,
                None => return schema,
            }
        }
    }
}

fn described<'v>(value: &'v DeValue<'_>) -> &'v str {
    match value {
        DeValue::String(text) => text,
        DeValue::Integer(number) => number.as_str(),
        DeValue::Float(number) => number.as_str(),
        DeValue::Boolean(true) => "true",
        DeValue::Boolean(false) => "false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// What a value may be.
enum Kind<'s> {
    Table,
    List,
    Choice(Vec<&'s str>),
    Text,
    Bool,
    Integer,
    Number,
}

impl fmt::Display for Kind<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Table => f.write_str("a table"),
            Self::List => f.write_str("a list"),
            Self::Choice(words) => write!(f, "one of {}", words.join(", ")),
            Self::Text => f.write_str("a string"),
            Self::Bool => f.write_str("true or false"),
            Self::Integer => f.write_str("a whole number"),
            Self::Number => f.write_str("a number"),
        }
    }
}

fn kind(schema: &Value) -> Kind<'_> {
    if let Some(words) = schema["oneOf"].as_array() {
        return Kind::Choice(words.iter().filter_map(|word| word["const"].as_str()).collect());
    }
    if let Some(words) = schema["enum"].as_array() {
        return Kind::Choice(words.iter().filter_map(Value::as_str).collect());
    }
    // An optional list is `["array", "null"]`; TOML has no null.
    let name = match &schema["type"] {
        Value::Array(names) => names.iter().filter_map(Value::as_str).find(|name| *name != "null"),
        name => name.as_str(),
    };
    match name {
        Some("array") => Kind::List,
        Some("string") => Kind::Text,
        Some("boolean") => Kind::Bool,
        Some("integer") => Kind::Integer,
        Some("number") => Kind::Number,
        _ => Kind::Table,
    }
}

fn within(number: f64, schema: &Value) -> bool {
    // A NaN lies within no range.
    schema["minimum"].as_f64().is_none_or(|min| number >= min)
        && schema["maximum"].as_f64().is_none_or(|max| number <= max)
}
