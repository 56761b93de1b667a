//! Reading the constraints and value tests of a rule file.

use std::ops::Range;

use toml::de::DeTable;

use super::error::RuleError;
use super::parse::{Reader, SUBJECT_KEYS, Value, scale_words};
use super::spec::{ArgKey, Patterns, Subject, Test, ValueKind, ValueTest};

type PatternTest = Test<Patterns, Patterns>;

const CONSTRAINT_KEYS: &[&str] = &[
    "args",
    "fallback",
    "receiver",
    "returned",
    "decorated",
    "inside_function",
    "inside_class",
    "inside_handler",
    "inside_condition",
    "assigned_to",
    "argument_of",
    "compared",
    "explained",
    "path",
    "line_matches",
    "module_has",
    "imports",
    "unless",
];
/// What can be asked about a place that is no expression of a module.
const PLACE_KEYS: &[&str] =
    &["explained", "path", "line_matches", "module_has", "imports", "unless"];
/// What can be asked about a file that may hold no text.
const FILE_KEYS: &[&str] = &["path", "unless"];
const VALUE_KEYS: &[&str] =
    &["literal", "kind", "matches", "not", "absent", "env", "min_length", "reads", "begins"];

/// Whether `args` has a meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ArgsAllowed {
    Yes,
    No,
}

impl ArgsAllowed {
    pub(super) fn of<R>(subject: &Subject<R>) -> Self {
        if matches!(subject, Subject::Call(_)) { Self::Yes } else { Self::No }
    }
}

/// Reads constraints for one subject.
pub(super) struct TestReader<'r, 's> {
    pub(super) reader: &'r Reader<'s>,
    pub(super) subject: &'r Subject<Patterns>,
    pub(super) args: ArgsAllowed,
}

impl TestReader<'_, '_> {
    /// A table of constraints and the subject's own patterns, as in `accept` and `unless`.
    pub(super) fn group(&self, table: &DeTable<'_>) -> Result<Vec<PatternTest>, RuleError> {
        let mut tests = Vec::new();
        for (key, value) in table {
            let text = key.get_ref().as_ref();
            if text == self.subject.key() || text == self.subject.main_capture() {
                tests.push(Test::Captured(self.reader.patterns(text, value)?));
            } else {
                self.read(text, &key.span(), value, &mut tests)?;
            }
        }
        Ok(tests)
    }

    /// One constraint.
    pub(super) fn read(
        &self,
        key: &str,
        span: &Range<usize>,
        value: &Value<'_>,
        tests: &mut Vec<PatternTest>,
    ) -> Result<(), RuleError> {
        let reader = self.reader;
        if !CONSTRAINT_KEYS.contains(&key) {
            let known: Vec<&str> = CONSTRAINT_KEYS
                .iter()
                .copied()
                .chain(SUBJECT_KEYS.iter().copied().filter(|known| *known == self.subject.key()))
                .chain(
                    matches!(self.subject, Subject::Name { .. })
                        .then_some(["kinds", "body"])
                        .into_iter()
                        .flatten(),
                )
                .collect();
            return Err(reader.unknown(span, "constraint", key, &known));
        }
        let usable = match self.subject {
            Subject::File(_) => FILE_KEYS,
            subject if subject.has_context() => CONSTRAINT_KEYS,
            _ => PLACE_KEYS,
        };
        if !usable.contains(&key) {
            return Err(reader.error(
                span,
                format!("`{key}` has no meaning for `{}`", self.subject.key()),
                format!("here one can use {}", usable.join(", ")),
            ));
        }
        if key == "args" && self.args == ArgsAllowed::No {
            return Err(reader.error(
                span,
                format!("`args` has no meaning for `{}`", self.subject.key()),
                "only `call` has arguments",
            ));
        }
        tests.push(match key {
            "args" => {
                for (which, test) in reader.table(key, value)? {
                    tests.push(Test::Arg(
                        arg_keys(which.get_ref()),
                        self.value_test(which.get_ref(), test)?,
                    ));
                }
                return Ok(());
            }
            "fallback" => Test::Fallback(self.value_test(key, value)?),
            "receiver" => Test::Receiver(reader.paths(key, value)?),
            "returned" => Test::Returned(reader.bool(key, value)?),
            "decorated" => Test::Decorated(reader.paths(key, value)?),
            "inside_function" => Test::InsideFunction(reader.patterns(key, value)?),
            "inside_class" => Test::InsideClass(reader.patterns(key, value)?),
            "inside_condition" => Test::InsideCondition(reader.patterns(key, value)?),
            "inside_handler" => Test::InsideHandler(reader.bool(key, value)?),
            "assigned_to" => Test::AssignedTo(reader.patterns(key, value)?),
            "argument_of" => Test::ArgumentOf(reader.paths(key, value)?),
            "compared" => Test::Compared(reader.bool(key, value)?),
            "explained" => Test::Explained(reader.bool(key, value)?),
            "path" => Test::Path(reader.patterns(key, value)?),
            "line_matches" => Test::LineMatches(reader.patterns(key, value)?),
            "module_has" => Test::ModuleHas(reader.texts(key, value)?),
            "imports" => Test::Imports(reader.texts(key, value)?),
            _ => Test::Unless(self.unless(value)?),
        });
        Ok(())
    }

    fn unless(&self, value: &Value<'_>) -> Result<Vec<Vec<PatternTest>>, RuleError> {
        let empty = |span: &Range<usize>| {
            self.reader.error(
                span,
                "`unless` has no condition",
                "it would drop everything: say when it holds",
            )
        };
        let mut groups = Vec::new();
        if let Some(items) = value.get_ref().as_array() {
            for item in items.iter() {
                groups.push(self.group(self.reader.table("unless", item)?)?);
            }
        } else {
            groups.push(self.group(self.reader.table("unless", value)?)?);
        }
        if groups.is_empty() || groups.iter().any(Vec::is_empty) {
            return Err(empty(&value.span()));
        }
        Ok(groups)
    }

    fn value_test(&self, key: &str, value: &Value<'_>) -> Result<ValueTest<Patterns>, RuleError> {
        let reader = self.reader;
        let mut test = ValueTest {
            matches: None,
            not: None,
            literal: None,
            kinds: Vec::new(),
            absent: None,
            env: None,
            min_length: None,
            reads: Vec::new(),
            begins: Vec::new(),
        };
        let Some(table) = value.get_ref().as_table() else {
            test.matches = Some(reader.patterns(key, value)?);
            return Ok(test);
        };
        for (name, value) in table {
            match name.get_ref().as_ref() {
                "literal" => test.literal = Some(reader.bool("literal", value)?),
                "kind" => test.kinds = reader.words("kind", value, &scale_words!(ValueKind))?,
                "matches" => test.matches = Some(reader.patterns("matches", value)?),
                "not" => test.not = Some(reader.patterns("not", value)?),
                "absent" => test.absent = Some(reader.bool("absent", value)?),
                "begins" => test.begins = reader.paths("begins", value)?,
                "reads" => test.reads = reader.paths("reads", value)?,
                "env" => test.env = Some(reader.bool("env", value)?),
                "min_length" => {
                    let number = value
                        .get_ref()
                        .as_integer()
                        .and_then(|number| number.as_str().parse().ok());
                    test.min_length = Some(number.ok_or_else(|| {
                        reader.error(
                            &value.span(),
                            "`min_length` must be a number of characters",
                            "",
                        )
                    })?);
                }
                other => return Err(reader.unknown(&name.span(), "value test", other, VALUE_KEYS)),
            }
        }
        Ok(test)
    }
}

/// `1`, `default`, `1|default`, `*`.
fn arg_keys(text: &str) -> Vec<ArgKey> {
    text.split('|')
        .map(|word| match word {
            "*" => ArgKey::Any,
            _ => word.parse().map_or_else(|_| ArgKey::Name(word.into()), ArgKey::Position),
        })
        .collect()
}
