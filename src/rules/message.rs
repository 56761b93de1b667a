//! Captures and the messages made of them.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::redact;

/// Longest capture in a message, in characters.
pub(super) const MAX_CAPTURE: usize = 60;

/// Longest capture in a message that a check over the project words itself, in characters.
const MAX_SENTENCE: usize = 240;

/// The names in the `{holes}` of a message, in order.
pub(super) fn holes(message: &str) -> impl Iterator<Item = &str> {
    message.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name)
}

/// Longest part of a capture that is looked at, in bytes.
const MAX_LOOK: usize = 4 * 1024;

/// Fills the holes of a message; a capture that is absent reads `(none)`. Line breaks become
/// blanks and secrets are masked, also those that only the source tells (with how many bytes of
/// each may be shown); then long captures are cut.
pub(super) fn fill<'c>(
    message: &str,
    secrets: &[(&str, usize)],
    capture: impl FnMut(&str) -> Option<Cow<'c, str>>,
) -> String {
    fill_within(message, secrets, MAX_CAPTURE, capture)
}

/// The same with captures that may be sentences.
pub(super) fn fill_sentences<'c>(
    message: &str,
    capture: impl FnMut(&str) -> Option<Cow<'c, str>>,
) -> String {
    fill_within(message, &[], MAX_SENTENCE, capture)
}

fn fill_within<'c>(
    message: &str,
    secrets: &[(&str, usize)],
    most: usize,
    mut capture: impl FnMut(&str) -> Option<Cow<'c, str>>,
) -> String {
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
            Some(value) => filled.push_str(&shorten_to(&masked(&value, secrets), most)),
            None => filled.push_str("(none)"),
        }
        rest = behind;
    }
    filled.push_str(rest);
    match redact::redact(&filled) {
        Cow::Borrowed(_) => filled,
        Cow::Owned(masked) => masked,
    }
}

/// A capture without its secrets. They are masked before it is cut, since half a secret is not
/// recognised.
fn masked(value: &str, secrets: &[(&str, usize)]) -> String {
    let end =
        (0..=value.len().min(MAX_LOOK)).rev().find(|at| value.is_char_boundary(*at)).unwrap_or(0);
    let value = &value[..end];
    let mut masked = redact::redact(value).into_owned();
    for (secret, shown) in secrets {
        if secret.chars().count() >= 3 && masked.contains(secret) {
            let mask = format!("{}{}", secret.get(..*shown).unwrap_or_default(), redact::MASK);
            masked = masked.replace(secret, &mask);
        } else if secret.len() > value.len() && !value.is_empty() && secret.starts_with(value) {
            masked = redact::MASK.to_owned();
        }
    }
    masked
}

/// One line of at most [`MAX_CAPTURE`] characters, control characters escaped.
#[must_use]
pub(super) fn shorten(text: &str) -> String {
    shorten_to(text, MAX_CAPTURE)
}

fn shorten_to(text: &str, most: usize) -> String {
    let mut short = String::with_capacity(text.len().min(4 * most));
    let mut blank = false;
    let mut taken = 0;
    for character in text.trim().chars() {
        if taken == most {
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
        let filled = fill("`{0}` or {1}: {", &[], |name| (name == "0").then(|| "a\n  b".into()));
        assert_eq!(filled, "`a b` or (none): {");
    }

    #[test]
    fn a_secret_longer_than_a_capture_may_be_is_masked_before_the_cut() {
        let secret = "q7".repeat(60);
        let url = format!("postgres://app:{secret}@db/x");
        assert_eq!(fill("{0}", &[], |_| Some(url.as_str().into())), "postgres://app:…@db/x");
        let told = [(secret.as_str(), 0)];
        assert_eq!(fill("is {0}", &told, |_| Some(secret.as_str().into())), "is …");
    }
}
