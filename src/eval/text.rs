//! Text with holes: what a string expression comes to when some of its parts are known only at
//! run time.

use std::fmt;

use smol_str::SmolStr;

/// A piece of a [`Text`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Known characters.
    Literal(String),
    /// Something unknown, with the name of the expression where it has one.
    Hole(SmolStr),
}

/// Text with holes. Neighbouring literals are always joined, and no literal is empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Text {
    parts: Vec<Part>,
    env: Vec<SmolStr>,
    /// What it is where the environment says otherwise; these have no others in turn.
    otherwise: Vec<Self>,
}

/// The longest text that is folded, in bytes. Longer ones end in a hole, so that doubling in a
/// loop cannot eat memory.
const MAX_LENGTH: usize = 64 * 1024;
/// The most parts of a text, for the same reason.
const MAX_PARTS: usize = 256;
/// The most environment variables that are remembered of one text.
const MAX_VARIABLES: usize = 32;
/// The most texts that one may be instead.
const MAX_OTHERS: usize = 4;

impl Text {
    /// A text that is known whole.
    #[must_use]
    pub fn literal(text: &str) -> Self {
        let mut out = Self::default();
        out.push_literal(text);
        out
    }

    /// A text of which nothing is known.
    #[must_use]
    pub fn hole(name: &str) -> Self {
        let mut out = Self::default();
        out.push_hole(name);
        out
    }

    /// The pieces in order.
    #[must_use]
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// The environment variables whose value, or whose default, went into the text.
    #[must_use]
    pub fn env(&self) -> &[SmolStr] {
        &self.env
    }

    /// Marks the text as coming from an environment variable.
    #[must_use]
    pub fn from_env(mut self, variable: &str) -> Self {
        if !variable.is_empty() {
            self.mark(variable);
        }
        self
    }

    fn mark(&mut self, variable: &str) {
        if self.env.len() < MAX_VARIABLES && !self.env.iter().any(|known| known == variable) {
            self.env.push(variable.into());
        }
    }

    /// What the text is where the environment says otherwise.
    #[must_use]
    pub fn otherwise(&self) -> &[Self] {
        &self.otherwise
    }

    /// The same text, which is another one where the environment says otherwise.
    #[must_use]
    pub fn or(mut self, other: &Self) -> Self {
        for other in std::iter::once(other).chain(&other.otherwise) {
            self.may_be(other.alone());
        }
        self
    }

    fn may_be(&mut self, other: Self) {
        let is_known = self.parts == other.parts
            || self.otherwise.iter().any(|known| known.parts == other.parts);
        if !is_known && self.otherwise.len() < MAX_OTHERS {
            self.otherwise.push(other);
        }
    }

    /// The text as it is by default.
    fn alone(&self) -> Self {
        Self { parts: self.parts.clone(), env: self.env.clone(), otherwise: Vec::new() }
    }

    /// The text that something makes of this one, and of what it is otherwise.
    fn each(&self, change: impl Fn(&Self) -> Self) -> Self {
        if self.otherwise.is_empty() {
            return change(self);
        }
        let mut out = change(&self.alone());
        self.otherwise.iter().for_each(|other| out.may_be(change(other)));
        out
    }

    /// Length of what is known, in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        let known = |part: &Part| match part {
            Part::Literal(text) => text.len(),
            Part::Hole(_) => 0,
        };
        self.parts.iter().map(known).sum()
    }

    /// Whether nothing is known, which is also so of the empty text.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The text with `from` replaced in its known parts; `None` where that would be too long.
    #[must_use]
    pub fn replace(&self, from: &str, to: &str) -> Option<Self> {
        let grown: usize = self
            .parts
            .iter()
            .map(|part| match part {
                Part::Literal(text) => text.matches(from).count().saturating_mul(to.len()),
                Part::Hole(_) => 0,
            })
            .fold(0, usize::saturating_add);
        (grown <= MAX_LENGTH).then(|| self.map_literals(|part| part.replace(from, to)))
    }

    /// The text with something unknown wherever `from` stands in its known parts.
    #[must_use]
    pub fn replace_by_hole(&self, from: &str, name: &str) -> Self {
        self.each(|text| {
            let mut out = Self { env: text.env.clone(), ..Self::default() };
            for part in &text.parts {
                let Part::Literal(literal) = part else {
                    if let Part::Hole(name) = part {
                        out.push_hole(name);
                    }
                    continue;
                };
                for (at, piece) in literal.split(from).enumerate() {
                    if at > 0 {
                        out.push_hole(name);
                    }
                    out.push_literal(piece);
                }
            }
            out
        })
    }

    /// The whole text, if it has no hole.
    #[must_use]
    pub fn as_literal(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [] => Some(""),
            [Part::Literal(text)] => Some(text),
            _ => None,
        }
    }

    /// Whether any part is unknown.
    #[must_use]
    pub fn has_hole(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Hole(_)))
    }

    /// Adds known characters.
    pub fn push_literal(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        self.otherwise.iter_mut().for_each(|other| other.push_literal(text));
        if self.len() + text.len() > MAX_LENGTH {
            self.push_hole("");
            return;
        }
        if let Some(Part::Literal(last)) = self.parts.last_mut() {
            last.push_str(text);
        } else if self.parts.len() < MAX_PARTS {
            self.parts.push(Part::Literal(text.to_owned()));
        }
    }

    /// Adds something unknown.
    pub fn push_hole(&mut self, name: &str) {
        self.otherwise.iter_mut().for_each(|other| other.push_hole(name));
        if self.parts.len() < MAX_PARTS {
            self.parts.push(Part::Hole(name.into()));
        }
    }

    /// Adds another text.
    pub fn push(&mut self, other: &Self) {
        let begun = (!other.otherwise.is_empty()).then(|| self.alone());
        for part in &other.parts {
            match part {
                Part::Literal(text) => self.push_literal(text),
                Part::Hole(name) => self.push_hole(name),
            }
        }
        if let Some(begun) = begun {
            for other in &other.otherwise {
                let mut whole = begun.clone();
                whole.push(other);
                self.may_be(whole);
            }
        }
        for variable in &other.env {
            self.mark(variable);
        }
    }

    /// The same text with every literal part changed; marks are kept.
    #[must_use]
    pub fn map_literals(&self, change: impl Fn(&str) -> String) -> Self {
        self.each(|text| text.map_literals_alone(&change))
    }

    fn map_literals_alone(&self, change: &impl Fn(&str) -> String) -> Self {
        let mut out = Self { env: self.env.clone(), ..Self::default() };
        for part in &self.parts {
            match part {
                Part::Literal(text) => out.push_literal(&change(text)),
                Part::Hole(name) => out.push_hole(name),
            }
        }
        out
    }

    /// The text with characters cut from its beginning as long as they are among `chars`.
    #[must_use]
    pub fn trim_start(&self, chars: &[char]) -> Self {
        self.each(|text| text.trim_start_alone(chars))
    }

    fn trim_start_alone(&self, chars: &[char]) -> Self {
        let mut out = Self { env: self.env.clone(), ..Self::default() };
        for (at, part) in self.parts.iter().enumerate() {
            match part {
                Part::Literal(text) if at == 0 => out.push_literal(text.trim_start_matches(chars)),
                Part::Literal(text) => out.push_literal(text),
                Part::Hole(name) => out.push_hole(name),
            }
        }
        out
    }

    /// The text with characters cut from its end as long as they are among `chars`.
    #[must_use]
    pub fn trim_end(&self, chars: &[char]) -> Self {
        self.each(|text| text.trim_end_alone(chars))
    }

    fn trim_end_alone(&self, chars: &[char]) -> Self {
        let mut out = Self { env: self.env.clone(), ..Self::default() };
        let last = self.parts.len().saturating_sub(1);
        for (at, part) in self.parts.iter().enumerate() {
            match part {
                Part::Literal(text) if at == last => out.push_literal(text.trim_end_matches(chars)),
                Part::Literal(text) => out.push_literal(text),
                Part::Hole(name) => out.push_hole(name),
            }
        }
        out
    }

    /// Whether the text begins with something; `None` where a hole hides it.
    #[must_use]
    pub fn starts_with(&self, part: &str) -> Option<bool> {
        match self.parts.as_slice() {
            [] => Some(part.is_empty()),
            [Part::Literal(text)] => Some(text.starts_with(part)),
            [Part::Literal(text), ..] if text.len() >= part.len() => Some(text.starts_with(part)),
            [Part::Literal(text), ..] => (!part.starts_with(text.as_str())).then_some(false),
            [Part::Hole(_), ..] => part.is_empty().then_some(true),
        }
    }

    /// Whether the text ends with something; `None` where a hole hides it.
    #[must_use]
    pub fn ends_with(&self, part: &str) -> Option<bool> {
        match self.parts.as_slice() {
            [] => Some(part.is_empty()),
            [Part::Literal(text)] => Some(text.ends_with(part)),
            [.., Part::Literal(text)] if text.len() >= part.len() => Some(text.ends_with(part)),
            [.., Part::Literal(text)] => (!part.ends_with(text.as_str())).then_some(false),
            [.., Part::Hole(_)] => part.is_empty().then_some(true),
        }
    }

    /// Whether it is another text; `None` where a hole hides it.
    #[must_use]
    pub fn equals(&self, other: &Self) -> Option<bool> {
        let differs = |one: &Self, other: &str| {
            one.starts_with_known(other) == Some(false) || one.ends_with_known(other) == Some(false)
        };
        match (self.as_literal(), other.as_literal()) {
            (Some(a), Some(b)) => Some(a == b),
            (None, Some(literal)) => differs(self, literal).then_some(false),
            (Some(literal), None) => differs(other, literal).then_some(false),
            (None, None) => None,
        }
    }

    /// Whether what is known of the beginning can be the beginning of a text.
    fn starts_with_known(&self, whole: &str) -> Option<bool> {
        match self.parts.first() {
            Some(Part::Literal(first)) => Some(whole.starts_with(first.as_str())),
            _ => None,
        }
    }

    /// Whether what is known of the end can be the end of a text.
    fn ends_with_known(&self, whole: &str) -> Option<bool> {
        match self.parts.last() {
            Some(Part::Literal(last)) => Some(whole.ends_with(last.as_str())),
            _ => None,
        }
    }

    /// The text without a prefix that it begins with; what cannot be cut off becomes a hole.
    #[must_use]
    pub fn without_prefix(&self, prefix: &Self) -> Self {
        self.each(|text| text.without_prefix_alone(prefix))
    }

    fn without_prefix_alone(&self, prefix: &Self) -> Self {
        let mut out = Self { env: self.env.clone(), ..Self::default() };
        let mut own = self.parts.iter();
        let mut theirs = prefix.parts.iter();
        while let Some(wanted) = theirs.next() {
            match (own.next(), wanted) {
                (Some(Part::Literal(text)), Part::Literal(start)) => {
                    match text.strip_prefix(start.as_str()) {
                        Some("") => {}
                        Some(rest) if theirs.next().is_none() => out.push_literal(rest),
                        _ => return Self::hole(""),
                    }
                }
                (Some(Part::Hole(_)), Part::Hole(_)) => {}
                _ => return Self::hole(""),
            }
        }
        for part in own {
            match part {
                Part::Literal(text) => out.push_literal(text),
                Part::Hole(name) => out.push_hole(name),
            }
        }
        out
    }

    /// Fills `{}`, `{0}` and `{name}` of a format string. `argument` gives the text for a
    /// position or a name.
    #[must_use]
    pub fn fill_braces(&self, mut argument: impl FnMut(usize, &str) -> Option<Self>) -> Self {
        let mut out = Self { env: self.env.clone(), ..Self::default() };
        let mut next = 0;
        for part in &self.parts {
            let Part::Literal(text) = part else {
                out.push_hole("");
                continue;
            };
            let mut rest = text.as_str();
            while let Some(at) = rest.find(['{', '}']) {
                out.push_literal(&rest[..at]);
                let mark = &rest[at..=at];
                rest = &rest[at + 1..];
                if rest.starts_with(mark) {
                    out.push_literal(mark);
                    rest = &rest[1..];
                    continue;
                }
                let Some(end) = rest.find('}').filter(|_| mark == "{") else {
                    out.push_literal(mark);
                    continue;
                };
                let field = rest[..end].split(['!', ':']).next().unwrap_or("");
                rest = &rest[end + 1..];
                let (position, name) = match field.parse::<usize>() {
                    Ok(position) => (position, ""),
                    Err(_) if field.is_empty() => (next, ""),
                    Err(_) => (usize::MAX, field),
                };
                if field.is_empty() {
                    next += 1;
                }
                match argument(position, name) {
                    Some(value) => out.push(&value),
                    None => out.push_hole(field),
                }
            }
            out.push_literal(rest);
        }
        out
    }

    /// Fills `%s`, `%d` and `%(name)s` of a format string.
    #[must_use]
    pub fn fill_percent(&self, mut argument: impl FnMut(usize, &str) -> Option<Self>) -> Self {
        let mut out = Self { env: self.env.clone(), ..Self::default() };
        let mut next = 0;
        for part in &self.parts {
            let Part::Literal(text) = part else {
                out.push_hole("");
                continue;
            };
            let mut rest = text.as_str();
            while let Some(at) = rest.find('%') {
                out.push_literal(&rest[..at]);
                rest = &rest[at + 1..];
                if let Some(after) = rest.strip_prefix('%') {
                    out.push_literal("%");
                    rest = after;
                    continue;
                }
                let mut name = "";
                if let Some(inner) = rest.strip_prefix('(')
                    && let Some(end) = inner.find(')')
                {
                    name = &inner[..end];
                    rest = &inner[end + 1..];
                }
                let flags = rest.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(rest.len());
                rest = rest.get(flags + 1..).unwrap_or("");
                let position = if name.is_empty() { next } else { usize::MAX };
                next += usize::from(name.is_empty());
                match argument(position, name) {
                    Some(value) => out.push(&value),
                    None => out.push_hole(name),
                }
            }
            out.push_literal(rest);
        }
        out
    }
}

/// Holes are shown as `{}`.
impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.parts {
            match part {
                Part::Literal(text) => f.write_str(text)?,
                Part::Hole(_) => f.write_str("{}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_take_positions_and_names() {
        let text = Text::literal("/{}/{name}/{1}/{{x}}/{:>3}");
        let filled = text.fill_braces(|position, name| match (position, name) {
            (0, _) => Some(Text::literal("a")),
            (1, _) => Some(Text::literal("b")),
            (_, "name") => Some(Text::hole("n")),
            _ => None,
        });
        assert_eq!(filled.to_string(), "/a/{}/b/{x}/b");
    }

    #[test]
    fn what_is_known_decides_comparisons() {
        let mut text = Text::literal("/api/users/");
        text.push_hole("id");
        text.push_literal("/edit");
        assert_eq!(text.starts_with("/api"), Some(true));
        assert_eq!(text.starts_with("/admin"), Some(false));
        assert_eq!(text.starts_with("/api/users/1"), None);
        assert_eq!(text.ends_with("/edit"), Some(true));
        assert_eq!(text.equals(&Text::literal("/api/orders/1/edit")), Some(false));
        assert_eq!(text.equals(&Text::literal("/api/users/1/edit")), None);
    }

    #[test]
    fn percent_takes_positions_and_names() {
        let text = Text::literal("%s-%05.2f-%(k)s-100%%");
        let filled = text.fill_percent(|position, name| {
            Some(Text::literal(if name.is_empty() { ["x", "y"][position] } else { name }))
        });
        assert_eq!(filled.to_string(), "x-y-k-100%");
    }

    #[test]
    fn what_a_text_is_otherwise_goes_along() {
        let path = Text::literal("/loans/").or(&Text::literal("/{branch}/loans/"));
        let mut whole = Text::literal("/api");
        whole.push(&path.trim_end(&['/']));
        whole.push_literal("/late");
        let others: Vec<_> = whole.otherwise().iter().map(Text::to_string).collect();
        assert_eq!(
            (whole.to_string().as_str(), others),
            ("/api/loans/late", vec!["/api/{branch}/loans/late".to_owned()])
        );
    }

    #[test]
    fn a_long_text_ends_in_a_hole() {
        let mut text = Text::literal("ab");
        for _ in 0..40 {
            let copy = text.clone();
            text.push(&copy);
        }
        assert!(text.has_hole());
        assert!(text.to_string().len() <= 2 * MAX_LENGTH);
    }
}
