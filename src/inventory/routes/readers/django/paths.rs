//! The two syntaxes of Django's paths, written with braces.

use crate::eval::interpreter::Trace;
use crate::eval::text::{Part, Text};
use crate::eval::value::Value;
use crate::inventory::routes::regex;

/// The text of a path as it is given to `path()`: translated ones are taken as they are written.
pub(super) fn text<'p>(trace: &Trace<'p>, value: &Value<'p>) -> Text {
    match value {
        Value::Native(_) => {
            let made = trace.made(value);
            let translated = made.as_ref().and_then(|record| {
                let name = record.path()?.strip_prefix("django.utils.translation.")?;
                record.args.positional.get(usize::from(name.starts_with('p')))
            });
            translated.map_or_else(|| Text::hole(""), Value::to_text)
        }
        other => other.to_text(),
    }
}

/// `<int:id>/` as `{id:int}/`.
pub(super) fn angles(text: &Text) -> Text {
    parameters(text, '<', '>')
}

/// A path whose parameters stand between two marks, with their types first, as `{name:type}`.
pub(super) fn parameters(text: &Text, open: char, close: char) -> Text {
    text.map_literals(|literal| {
        let mut out = String::new();
        let mut rest = literal;
        while let Some(start) = rest.find(open) {
            let Some(length) = rest[start..].find(close) else { break };
            out.push_str(&rest[..start]);
            let inner = &rest[start + 1..start + length];
            match inner.split_once(':') {
                Some((kind, name)) => out.push_str(&format!("{{{}:{kind}}}", name.trim())),
                None => out.push_str(&format!("{{{}}}", inner.trim())),
            }
            rest = &rest[start + length + 1..];
        }
        out.push_str(rest);
        out
    })
}

/// Whether an expression says where a path ends, or takes any rest as a parameter. Django asks for
/// a match at the beginning only.
pub(super) fn is_closed(regex: &Text) -> bool {
    let Some(Part::Literal(end)) = regex.parts().last() else { return false };
    let end = end.trim_end_matches(')');
    ["$", "\\Z", "\\z", ".*", ".+"].iter().any(|closing| end.ends_with(closing))
}

/// The paths that a regular expression stands for.
pub(super) fn regexes(text: &Text) -> Vec<Text> {
    let unnamed = vec![String::new(); 32];
    regex::over(text, |raw| {
        let paths = regex::variants(raw, &unnamed).into_iter().map(|path| {
            // What something fixed follows is no rest.
            match path.strip_suffix(":.+}") {
                Some(before) => before.replace(":.+}", "}") + ":.+}",
                None => path.replace(":.+}", "}"),
            }
        });
        paths.collect()
    })
}
