//! Captures and the messages made of them.

use std::fmt::Write as _;

use super::redact;

/// Longest capture in a message, in characters.
pub(super) const MAX_CAPTURE: usize = 60;

/// The names in the `{holes}` of a message, in order.
pub(super) fn holes(message: &str) -> impl Iterator<Item = &str> {
    message.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name)
}

/// Fills the holes of a message; a capture that is absent reads `(none)`. Line breaks become
/// blanks, long captures are cut, secrets masked.
pub(super) fn fill<'c>(message: &str, mut capture: impl FnMut(&str) -> Option<std::borrow::Cow<'c, str>>) -> String {
    let mut filled = String::with_capacity(message.len() + 32);
    let mut rest = message;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let Some((name, behind)) = after.split_once('}') else {
            filled.push('{');
            rest = after;
            continue;
        };
        match capture(name) {
            Some(value) => filled.push_str(&shorten(&value)),
            None => filled.push_str("(none)"),
        }
        rest = behind;
    }
    filled.push_str(rest);
    match redact::redact(&filled) {
        std::borrow::Cow::Borrowed(_) => filled,
        std::borrow::Cow::Owned(masked) => masked,
    }
}

/// One line of at most [`MAX_CAPTURE`] characters, control characters escaped.
#[must_use]
pub(super) fn shorten(text: &str) -> String {
    let mut short = String::with_capacity(text.len().min(4 * MAX_CAPTURE));
    let mut blank = false;
    let mut taken = 0;
    for character in text.trim().chars() {
        if taken == MAX_CAPTURE {
            short.push('…');
            break;
        }
        let is_blank = character.is_whitespace();
        if is_blank && blank {
            continue;
        }
        blank = is_blank;
        taken += 1;
        if is_blank {
            short.push(' ');
        } else if character.is_control() {
            let _ = write!(short, "\\u{{{:x}}}", u32::from(character));
        } else {
            short.push(character);
        }
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holes_are_filled_and_missing_captures_are_named() {
        let filled = fill("`{0}` or {1}: {", |name| (name == "0").then(|| "a\n  b".into()));
        assert_eq!(filled, "`a b` or (none): {");
    }
}
