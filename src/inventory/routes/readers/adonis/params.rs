//! Parameters of paths: those that may be left out, and what they look like.

use crate::eval::interpreter::Trace;
use crate::eval::text::{Part, Text};
use crate::eval::value::{CallRecord, Value};

/// What parameters look like, by their names: as a regular expression, or by a word for it. The
/// first of a name counts.
pub(super) type Kinds = Vec<(String, String)>;

/// What `where("id", router.matchers.number())` says.
pub(super) fn kind<'p>(trace: &Trace<'p>, call: &CallRecord<'p>) -> Option<(String, String)> {
    let [name, matcher, ..] = call.args.positional.as_slice() else { return None };
    let kind = match matcher {
        Value::Map(_) => of_matcher(trace, &matcher.entry("match")?),
        other => of_matcher(trace, other),
    }?;
    Some((name.as_str()?.to_owned(), kind))
}

fn of_matcher<'p>(trace: &Trace<'p>, matcher: &Value<'p>) -> Option<String> {
    match matcher {
        Value::Regex(regexp) => whole(&regexp.expression()),
        Value::Text(text) => whole(text.as_literal()?),
        Value::Native(_) => {
            let path = trace.path_of(&*trace.made(matcher)?);
            match path.trim_end_matches("()").rsplit('.').next()? {
                "number" => Some("\\d+".to_owned()),
                name @ ("uuid" | "slug") => Some(name.to_owned()),
                _ => None,
            }
        }
        _ => None,
    }
}

/// An expression that fits somewhere in a segment as one that fits the whole of it; `None` where it
/// cannot stand in a path.
fn whole(expression: &str) -> Option<String> {
    let (begins, rest) = match expression.strip_prefix('^') {
        Some(rest) => ("", rest),
        None => (".*", expression),
    };
    let (rest, ends) = match rest.strip_suffix('$') {
        Some(rest) => (rest, ""),
        None => (rest, ".*"),
    };
    let count = |c: char| rest.matches(c).count();
    let is_balanced = count('(') == count(')') && count('{') == count('}');
    // A bracket that is escaped is none.
    let is_plain = !rest.contains('\\') || !rest.contains(['(', ')', '{', '}']);
    if rest.contains('/') || !is_balanced || !is_plain {
        return None;
    }
    Some(match rest.contains('|') && !(begins.is_empty() && ends.is_empty()) {
        true => format!("{begins}(?:{rest}){ends}"),
        false => format!("{begins}{rest}{ends}"),
    })
}

/// A path whose parameters say what they look like: `/:id(\\d+)`.
pub(super) fn typed(path: &Text, kinds: &Kinds) -> Text {
    if kinds.is_empty() {
        return path.clone();
    }
    path.map_literals(|literal| {
        let segments = literal.split('/').map(|segment| {
            let Some(name) = segment.strip_prefix(':') else { return segment.to_owned() };
            let (name, option) = name.strip_suffix('?').map_or((name, ""), |name| (name, "?"));
            match kinds.iter().find(|(known, _)| known == name) {
                Some((_, kind)) => format!(":{name}({kind}){option}"),
                None => segment.to_owned(),
            }
        });
        segments.collect::<Vec<_>>().join("/")
    })
}

/// The paths of a route whose last parameters may be left out: `/overdue/:since?` is two.
pub(super) fn without_options(path: &Text) -> Vec<Text> {
    let mut out = vec![path.clone()];
    while let Some(shorter) = out.last().and_then(without_option) {
        out.push(shorter);
    }
    out
}

/// A path without its last parameter, where that may be left out.
fn without_option(path: &Text) -> Option<Text> {
    let (last, before) = path.parts().split_last()?;
    let Part::Literal(last) = last else { return None };
    let (rest, segment) = last.rsplit_once('/')?;
    if !(segment.starts_with(':') && segment.ends_with('?')) {
        return None;
    }
    let mut out = Text::default();
    for part in before {
        match part {
            Part::Literal(text) => out.push_literal(text),
            Part::Hole(name) => out.push_hole(name),
        }
    }
    out.push_literal(if rest.is_empty() && before.is_empty() { "/" } else { rest });
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::{typed, whole, without_options};
    use crate::eval::text::Text;

    #[test]
    fn last_parameters_are_left_out_that_may_be() {
        let paths = |path: &str| -> Vec<String> {
            without_options(&Text::literal(path)).iter().map(ToString::to_string).collect()
        };
        assert_eq!(paths("/a/:b?/:c?"), ["/a/:b?/:c?", "/a/:b?", "/a"]);
        assert_eq!(paths("/:b?"), ["/:b?", "/"]);
        assert_eq!(paths("/a/:b"), ["/a/:b"]);
    }

    #[test]
    fn what_a_parameter_looks_like_stands_behind_it() {
        let kinds = vec![("id".to_owned(), "\\d+".to_owned())];
        let path = typed(&Text::literal("/a/:id?/:ids/id"), &kinds);
        assert_eq!(path.to_string(), "/a/:id(\\d+)?/:ids/id");
    }

    #[test]
    fn an_expression_is_for_the_whole_segment() {
        assert_eq!(whole("^@").as_deref(), Some("@.*"));
        assert_eq!(whole("^[0-9]+$").as_deref(), Some("[0-9]+"));
        assert_eq!(whole("google|github").as_deref(), Some(".*(?:google|github).*"));
        assert_eq!(whole("a\\)"), None);
    }
}
