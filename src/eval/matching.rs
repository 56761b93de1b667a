//! Regular expressions of Python on texts that are known.

use regex::{Regex, RegexBuilder};

use super::value::{Args, CallRecord, Value};

/// The largest expression that is compiled, in bytes of the program it becomes.
const MAX_SIZE: usize = 200_000;

/// What a match comes to that certainly fails: nothing. `None` where it may fit, or where nobody
/// knows. `compiled` is the call that made the expression, for a method of what it gave back.
#[must_use]
pub fn fails<'p>(
    method: &str,
    args: &Args<'p>,
    compiled: Option<&CallRecord<'p>>,
) -> Option<Value<'p>> {
    let (pattern, text, flags) = match compiled {
        Some(compiled) => (
            compiled.args.get(0, "pattern")?,
            args.get(0, "string")?,
            compiled.args.get(1, "flags"),
        ),
        None => (args.get(0, "pattern")?, args.get(1, "string")?, args.get(2, "flags")),
    };
    let (pattern, text) = (pattern.as_str()?, text.as_str()?);
    let ignore_case = match flags {
        None => false,
        Some(Value::External(flag)) => match flag.rsplit('.').next() {
            Some("I" | "IGNORECASE") => true,
            _ => return None,
        },
        Some(_) => return None,
    };
    let whole = match method {
        "match" => format!(r"\A(?:{pattern})"),
        "fullmatch" => format!(r"\A(?:{pattern})\z"),
        "search" => pattern.to_owned(),
        _ => return None,
    };
    let regex: Regex = RegexBuilder::new(&whole)
        .case_insensitive(ignore_case)
        .size_limit(MAX_SIZE)
        .build()
        .ok()?;
    (!regex.is_match(text)).then_some(Value::None)
}
