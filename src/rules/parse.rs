//! From the TOML of a rule file to a [`RuleSpec`], with errors that name the line.

use std::collections::BTreeMap;
use std::ops::Range;
use std::str::FromStr;

use smol_str::SmolStr;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::{Place, RuleError, nearest};
use super::load::RuleSource;
use super::parse_tests::{ArgsAllowed, TestReader};
use super::spec::{
    Accept, Example, ExampleCode, Expect, NameKind, Patterns, RuleSpec, Subject, Test,
};
use crate::module::path::PathPattern;
use crate::source::{Language, LineIndex, Role};

/// Longest regular expression, in bytes.
pub(super) const MAX_PATTERN_BYTES: usize = 4 * 1024;
/// Most patterns in one list.
pub(super) const MAX_PATTERNS: usize = 200;

macro_rules! scale_words {
    ($scale:ty) => {
        <$scale>::ALL.iter().map(|value| value.as_str()).collect::<Vec<_>>()
    };
}
pub(super) use scale_words;

const TOP_KEYS: &[&str] = &[
    "title",
    "severity",
    "confidence",
    "roles",
    "languages",
    "effort",
    "message",
    "why",
    "wrong",
    "fix",
    "references",
    "match",
    "accept",
    "example",
];
pub(super) const SUBJECT_KEYS: &[&str] =
    &["text", "comment", "name", "access", "call", "query", "line", "file", "check"];

impl RuleSpec {
    /// Reads a rule file. Regular expressions and queries stay text: nothing is compiled.
    ///
    /// # Errors
    /// Where the file is no TOML, lacks a key, has an unknown one, or a value of a wrong kind.
    pub fn parse(source: &RuleSource) -> Result<Self, RuleError> {
        let reader = Reader { source, lines: LineIndex::new(&source.text) };
        reader.rule()
    }
}

/// Reads values and makes errors of one file.
pub(super) struct Reader<'s> {
    source: &'s RuleSource,
    lines: LineIndex,
}

pub(super) type Value<'t> = Spanned<DeValue<'t>>;

impl Reader<'_> {
    fn line(&self, span: &Range<usize>) -> u32 {
        self.lines.line_of(u32::try_from(span.start).unwrap_or(u32::MAX))
    }

    /// What lies on the first line of a span.
    fn place(&self, span: &Range<usize>) -> Place {
        let text = &self.source.text;
        let inside = text.get(span.clone()).unwrap_or_default();
        let length = inside.lines().next().unwrap_or_default().chars().count();
        let start = u32::try_from(span.start).unwrap_or(u32::MAX);
        let (line, column) = self.lines.position(text, start);
        let length = u32::try_from(length.max(1)).unwrap_or(u32::MAX);
        Place { line, column, end_column: column.saturating_add(length) }
    }

    pub(super) fn error(
        &self,
        span: &Range<usize>,
        problem: impl Into<String>,
        help: impl Into<String>,
    ) -> RuleError {
        let help = help.into();
        RuleError {
            path: self.source.path.clone(),
            place: self.place(span),
            problem: problem.into(),
            help: (!help.is_empty()).then_some(help),
        }
    }

    fn missing(&self, problem: &str, help: &str) -> RuleError {
        RuleError {
            path: self.source.path.clone(),
            place: Place::default(),
            problem: problem.to_owned(),
            help: Some(help.to_owned()),
        }
    }

    pub(super) fn unknown(
        &self,
        span: &Range<usize>,
        what: &str,
        word: &str,
        known: &[&str],
    ) -> RuleError {
        let help = nearest(word, known.iter().copied()).map_or_else(
            || format!("known are {}", known.join(", ")),
            |near| format!("did you mean `{near}`?"),
        );
        self.error(span, format!("unknown {what} `{word}`"), help)
    }

    pub(super) fn text<'v>(&self, key: &str, value: &'v Value<'_>) -> Result<&'v str, RuleError> {
        value.get_ref().as_str().ok_or_else(|| {
            self.error(
                &value.span(),
                format!("`{key}` must be a text"),
                format!("write {key} = \"…\""),
            )
        })
    }

    pub(super) fn bool(&self, key: &str, value: &Value<'_>) -> Result<bool, RuleError> {
        value
            .get_ref()
            .as_bool()
            .ok_or_else(|| self.error(&value.span(), format!("`{key}` must be true or false"), ""))
    }

    pub(super) fn table<'v, 't>(
        &self,
        key: &str,
        value: &'v Value<'t>,
    ) -> Result<&'v DeTable<'t>, RuleError> {
        value
            .get_ref()
            .as_table()
            .ok_or_else(|| self.error(&value.span(), format!("`{key}` must be a table"), ""))
    }

    /// A list of texts; one text alone is a list of one.
    pub(super) fn texts(&self, key: &str, value: &Value<'_>) -> Result<Vec<String>, RuleError> {
        let help = format!("write {key} = [\"…\"]");
        if let Some(text) = value.get_ref().as_str() {
            return Ok(vec![text.to_owned()]);
        }
        let Some(items) = value.get_ref().as_array() else {
            return Err(self.error(
                &value.span(),
                format!("`{key}` must be a list of texts"),
                help,
            ));
        };
        let mut texts = Vec::with_capacity(items.len());
        for item in items.iter() {
            let Some(text) = item.get_ref().as_str() else {
                return Err(self.error(
                    &item.span(),
                    format!("`{key}` must hold only texts"),
                    help,
                ));
            };
            texts.push(text.to_owned());
        }
        if texts.is_empty() || texts.len() > MAX_PATTERNS {
            return Err(self.error(
                &value.span(),
                format!("`{key}` holds {} entries", texts.len()),
                format!("give it 1 to {MAX_PATTERNS}"),
            ));
        }
        Ok(texts)
    }

    pub(super) fn patterns(&self, key: &str, value: &Value<'_>) -> Result<Patterns, RuleError> {
        let items = self.texts(key, value)?;
        if let Some(long) = items.iter().find(|item| item.len() > MAX_PATTERN_BYTES) {
            return Err(self.error(
                &value.span(),
                format!("a pattern of `{key}` has {} bytes", long.len()),
                "the limit is 4 KiB: split it into several",
            ));
        }
        Ok(Patterns { items, place: self.place(&value.span()) })
    }

    pub(super) fn paths(
        &self,
        key: &str,
        value: &Value<'_>,
    ) -> Result<Vec<PathPattern>, RuleError> {
        self.texts(key, value)?
            .iter()
            .map(|text| {
                PathPattern::parse(text).map_err(|problem| {
                    self.error(
                        &value.span(),
                        problem,
                        "write paths such as `os.getenv`, `process.env.*` or `**.execute`",
                    )
                })
            })
            .collect()
    }

    /// A word of a scale.
    pub(super) fn word<T: FromStr>(
        &self,
        key: &str,
        value: &Value<'_>,
        known: &[&str],
    ) -> Result<T, RuleError> {
        let text = self.text(key, value)?;
        text.parse().map_err(|_| self.unknown(&value.span(), key, text, known))
    }

    /// A list of words of a scale.
    pub(super) fn words<T: FromStr>(
        &self,
        key: &str,
        value: &Value<'_>,
        known: &[&str],
    ) -> Result<Vec<T>, RuleError> {
        self.texts(key, value)?
            .iter()
            .map(|text| text.parse().map_err(|_| self.unknown(&value.span(), key, text, known)))
            .collect()
    }

    fn rule(&self) -> Result<RuleSpec, RuleError> {
        let document = DeTable::parse(&self.source.text).map_err(|error| {
            self.error(
                &error.span().unwrap_or_default(),
                format!("is no TOML: {}", error.message()),
                "",
            )
        })?;
        let table = document.get_ref();
        for key in table.keys() {
            if !TOP_KEYS.contains(&key.get_ref().as_ref()) {
                return Err(self.unknown(&key.span(), "key", key.get_ref(), TOP_KEYS));
            }
        }
        let required = |key: &str, help: &str| {
            table.get(key).ok_or_else(|| self.missing(&format!("lacks `{key}`"), help))
        };
        let prose = |key: &str| -> Result<String, RuleError> {
            let value = required(key, &format!("add {key} = \"…\""))?;
            let text = self.text(key, value)?.trim();
            if text.is_empty() {
                return Err(self.error(
                    &value.span(),
                    format!("`{key}` is empty"),
                    "say it in a sentence",
                ));
            }
            Ok(text.to_owned())
        };
        let effort = required("effort", "add effort = \"15m\"")?;
        let matcher = required(
            "match",
            "add a table [match] with one of text, comment, name, access, call, query.<language>, line, file, check",
        )?;
        let subject_table = self.table("match", matcher)?;
        let subject = self.subject(subject_table, &matcher.span())?;
        let constraints = self.constraints(subject_table, &subject)?;
        let message_value = required("message", "add message = \"…\"")?;
        let message = prose("message")?;
        self.check_holes(&message, &message_value.span(), &subject, &constraints)?;
        let roles = match table.get("roles") {
            Some(value) => self.words("roles", value, &words_of(Role::ALL, Role::as_str))?,
            None => vec![Role::Production],
        };
        let languages = match table.get("languages") {
            Some(value) => {
                self.words("languages", value, &words_of(Language::ALL, Language::as_str))?
            }
            None => Vec::new(),
        };
        Ok(RuleSpec {
            id: SmolStr::new(&self.source.id),
            category: self.source.category,
            path: self.source.path.clone(),
            title: prose("title")?,
            severity: self.word(
                "severity",
                required("severity", "add severity = \"medium\"")?,
                &scale_words!(crate::finding::Severity),
            )?,
            confidence: self.word(
                "confidence",
                required("confidence", "add confidence = \"high\"")?,
                &scale_words!(crate::finding::Confidence),
            )?,
            roles,
            languages,
            effort_minutes: self.effort(effort)?,
            message,
            why: prose("why")?,
            wrong: table.contains_key("wrong").then(|| prose("wrong")).transpose()?,
            fix: prose("fix")?,
            references: table
                .get("references")
                .map_or(Ok(Vec::new()), |value| self.texts("references", value))?,
            accept: self.accept(table.get("accept"), &subject)?,
            allow: Vec::new(),
            examples: self.examples(table.get("example"))?,
            subject,
            constraints,
        })
    }

    /// `15m`, `2h`, `1d`; a day has eight hours.
    fn effort(&self, value: &Value<'_>) -> Result<u32, RuleError> {
        let text = self.text("effort", value)?;
        let minutes = text.len().checked_sub(1).and_then(|at| text.split_at_checked(at)).and_then(
            |(number, unit)| {
                let number: u32 = number.parse().ok()?;
                let unit = match unit {
                    "m" => 1,
                    "h" => 60,
                    "d" => 8 * 60,
                    _ => return None,
                };
                number.checked_mul(unit)
            },
        );
        minutes.ok_or_else(|| {
            self.error(
                &value.span(),
                format!("`{text}` is no effort"),
                "write minutes, hours or days of 8 hours: \"15m\", \"2h\", \"1d\"",
            )
        })
    }

    fn subject(
        &self,
        table: &DeTable<'_>,
        span: &Range<usize>,
    ) -> Result<Subject<Patterns>, RuleError> {
        let mut found: Option<(&str, &Value<'_>)> = None;
        for (key, value) in table {
            let key_text = key.get_ref().as_ref();
            if !SUBJECT_KEYS.contains(&key_text) {
                continue;
            }
            if let Some((first, _)) = found {
                return Err(self.error(
                    &key.span(),
                    format!("[match] has both `{first}` and `{key_text}`"),
                    "a rule looks at one thing: make two rules",
                ));
            }
            found = Some((key_text, value));
        }
        let Some((key, value)) = found else {
            return Err(self.error(
                span,
                "[match] says nothing to look at",
                format!("add one of {}", SUBJECT_KEYS.join(", ")),
            ));
        };
        Ok(match key {
            "text" => Subject::Text(self.patterns(key, value)?),
            "comment" => Subject::Comment(self.patterns(key, value)?),
            "line" => Subject::Line(self.patterns(key, value)?),
            "file" => Subject::File(self.patterns(key, value)?),
            "access" => Subject::Access(self.paths(key, value)?),
            "call" => Subject::Call(self.paths(key, value)?),
            "name" => Subject::Name {
                names: self.patterns(key, value)?,
                kinds: match table.get("kinds") {
                    Some(kinds) => self.words("kinds", kinds, &scale_words!(NameKind))?,
                    None => vec![
                        NameKind::Function,
                        NameKind::Class,
                        NameKind::Binding,
                        NameKind::Parameter,
                    ],
                },
                body: table
                    .get("body")
                    .map(|body| self.word("body", body, &scale_words!(super::spec::BodyKind)))
                    .transpose()?,
            },
            "query" => self.query(value)?,
            _ => {
                let name = self.text(key, value)?;
                let known = crate::checks::names();
                if !known.contains(&name) {
                    return Err(self.unknown(&value.span(), "check", name, &known));
                }
                Subject::Check(name.into())
            }
        })
    }

    fn query(&self, value: &Value<'_>) -> Result<Subject<Patterns>, RuleError> {
        let mut queries = BTreeMap::new();
        for (key, query) in self.table("query", value)? {
            let known = words_of(Language::ALL, Language::as_str);
            let language: Language = key
                .get_ref()
                .parse()
                .map_err(|_| self.unknown(&key.span(), "language", key.get_ref(), &known))?;
            if !super::query::has_grammar(language) {
                return Err(self.error(
                    &key.span(),
                    format!("`{language}` has no grammar for queries"),
                    "use one of python, typescript, tsx, javascript, html",
                ));
            }
            let text = self.text(key.get_ref(), query)?;
            if text.len() > MAX_PATTERN_BYTES || !text.contains("@match") {
                return Err(self.error(
                    &query.span(),
                    "a query needs a capture `@match` and at most 4 KiB",
                    "name the node that a finding points at `@match`",
                ));
            }
            queries.insert(language, (text.to_owned(), self.place(&query.span())));
        }
        Ok(Subject::Query(queries))
    }

    fn constraints(
        &self,
        table: &DeTable<'_>,
        subject: &Subject<Patterns>,
    ) -> Result<Vec<Test<Patterns, Patterns>>, RuleError> {
        let tests = TestReader { reader: self, subject, args: ArgsAllowed::of(subject) };
        let mut constraints = Vec::new();
        for (key, value) in table {
            let key_text = key.get_ref().as_ref();
            let is_name = matches!(subject, Subject::Name { .. });
            if SUBJECT_KEYS.contains(&key_text) || (is_name && matches!(key_text, "kinds" | "body"))
            {
                continue;
            }
            tests.read(key_text, &key.span(), value, &mut constraints)?;
        }
        Ok(constraints)
    }

    fn accept(
        &self,
        value: Option<&Value<'_>>,
        subject: &Subject<Patterns>,
    ) -> Result<Vec<Accept<Patterns, Patterns>>, RuleError> {
        let Some(value) = value else { return Ok(Vec::new()) };
        let tests = TestReader { reader: self, subject, args: ArgsAllowed::of(subject) };
        let mut accept = Vec::new();
        for (reason, entry) in self.table("accept", value)? {
            let table = self.table(reason.get_ref(), entry)?;
            let read = tests.group(table)?;
            if read.is_empty() {
                return Err(self.error(
                    &entry.span(),
                    format!("the accepted form `{}` has no condition", reason.get_ref()),
                    "it would accept everything: say when it holds",
                ));
            }
            accept.push(Accept { reason: reason.get_ref().as_ref().into(), tests: read });
        }
        accept.sort_by(|left, right| left.reason.cmp(&right.reason));
        Ok(accept)
    }

    fn examples(&self, value: Option<&Value<'_>>) -> Result<Vec<Example>, RuleError> {
        let lacking = || {
            self.missing(
                "lacks an example",
                "add [[example]] with at least one `bad.<language>` and one `good.<language>`",
            )
        };
        let value = value.ok_or_else(lacking)?;
        let Some(items) = value.get_ref().as_array() else {
            return Err(self.error(
                &value.span(),
                "`example` must be a list of tables",
                "write [[example]]",
            ));
        };
        let mut examples = Vec::new();
        for item in items.iter() {
            let mut example =
                Example { line: self.line(&item.span()), path: None, codes: Vec::new() };
            for (key, value) in self.table("example", item)? {
                if key.get_ref() == "path" {
                    example.path = Some(self.text("path", value)?.to_owned());
                    continue;
                }
                let known = ["bad", "good", "accepted", "path"];
                let expect: Expect = key
                    .get_ref()
                    .parse()
                    .map_err(|_| self.unknown(&key.span(), "key", key.get_ref(), &known))?;
                for (name, code) in self.table(key.get_ref(), value)? {
                    let known = words_of(Language::ALL, Language::as_str);
                    let language = name.get_ref().parse().map_err(|_| {
                        self.unknown(&name.span(), "language", name.get_ref(), &known)
                    })?;
                    example.codes.push(ExampleCode {
                        expect,
                        language,
                        text: self.text(name.get_ref(), code)?.to_owned(),
                        place: self.place(&key.span()),
                        first_line: self.first_line(&code.span()),
                    });
                }
            }
            examples.push(example);
        }
        let has = |wanted| {
            examples.iter().any(|example| example.codes.iter().any(|code| code.expect == wanted))
        };
        if !has(Expect::Bad) || !has(Expect::Good) {
            return Err(lacking());
        }
        Ok(examples)
    }

    /// The line on which the first line of a text stands: TOML drops a line end behind the quotes.
    fn first_line(&self, span: &Range<usize>) -> u32 {
        let written = self.source.text.get(span.clone()).unwrap_or_default();
        let inside = written.strip_prefix("'''").or_else(|| written.strip_prefix("\"\"\""));
        let dropped = inside.is_some_and(|inside| inside.starts_with(['\n', '\r']));
        self.line(span) + u32::from(dropped)
    }

    /// A hole that nothing fills would reach the reader as braces.
    fn check_holes(
        &self,
        message: &str,
        span: &Range<usize>,
        subject: &Subject<Patterns>,
        constraints: &[Test<Patterns, Patterns>],
    ) -> Result<(), RuleError> {
        let mut known: Vec<&str> = match subject {
            Subject::Text(_) => vec!["text", "match"],
            Subject::Comment(_) => vec!["comment", "match"],
            Subject::Name { .. } => vec!["name"],
            Subject::Access(_) => vec!["path", "last"],
            Subject::Line(_) => vec!["match"],
            Subject::File(_) => vec!["file"],
            // Any word may be a keyword argument, a query's capture or one of a check's.
            Subject::Call(_) | Subject::Query(_) | Subject::Check(_) => return Ok(()),
        };
        if constraints.iter().any(|test| matches!(test, Test::Fallback(_))) {
            known.push("fallback");
        }
        for hole in super::message::holes(message) {
            let is_group = matches!(subject, Subject::Line(patterns) | Subject::Text(patterns) | Subject::Comment(patterns)
                if patterns.items.iter().any(|item| item.contains(&format!("<{hole}>"))));
            if !known.contains(&hole) && !is_group {
                return Err(self.unknown(span, "hole", hole, &known));
            }
        }
        Ok(())
    }
}

/// The words of a scale.
fn words_of<T: Copy>(all: &[T], word: fn(T) -> &'static str) -> Vec<&'static str> {
    all.iter().map(|value| word(*value)).collect()
}
