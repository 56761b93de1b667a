//! Widths, wrapping, bars and colours.

use anstyle::{AnsiColor, Color, Style};

use crate::finding::Severity;

/// What a piece of text means; the colours follow from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ink {
    Title,
    Strong,
    Dim,
    Good,
    Middling,
    Bad,
    Low,
    Command,
}

impl Ink {
    pub(super) fn of_severity(severity: Severity) -> Self {
        match severity {
            Severity::Critical | Severity::High => Self::Bad,
            Severity::Medium => Self::Middling,
            Severity::Low => Self::Low,
            Severity::Info => Self::Dim,
        }
    }

    pub(super) fn of_score(score: f64) -> Self {
        if score >= 85.0 {
            Self::Good
        } else if score >= 70.0 {
            Self::Middling
        } else {
            Self::Bad
        }
    }

    fn style(self) -> Style {
        let colour = |colour: AnsiColor| Style::new().fg_color(Some(Color::Ansi(colour)));
        match self {
            Self::Title => Style::new().bold(),
            Self::Strong => Style::new().bold(),
            Self::Dim => Style::new().dimmed(),
            Self::Good => colour(AnsiColor::Green).bold(),
            Self::Middling => colour(AnsiColor::Yellow).bold(),
            Self::Bad => colour(AnsiColor::Red).bold(),
            Self::Low => colour(AnsiColor::Blue).bold(),
            Self::Command => colour(AnsiColor::Cyan),
        }
    }
}

/// Writes with or without colours.
#[derive(Debug, Clone, Copy)]
pub(super) struct Paint {
    pub(super) colour: bool,
}

impl Paint {
    pub(super) fn ink(self, ink: Ink, text: &str) -> String {
        self.style(ink.style(), text)
    }

    /// A word on a ground of its colour.
    pub(super) fn badge(self, ink: Ink, text: &str) -> String {
        if self.colour {
            self.style(ink.style().invert(), &format!(" {text} "))
        } else {
            text.to_owned()
        }
    }

    fn style(self, style: Style, text: &str) -> String {
        if self.colour && !text.is_empty() {
            format!("{style}{text}{style:#}")
        } else {
            text.to_owned()
        }
    }
}

/// A bar of `width` columns for a score.
pub(super) fn bar(paint: &Paint, score: f64, width: usize) -> String {
    let full = ((score / 100.0 * width as f64).floor() as usize).min(width);
    let ink = Ink::of_score(score);
    format!(
        "{}{}",
        paint.ink(ink, &"█".repeat(full)),
        paint.ink(Ink::Dim, &"░".repeat(width - full))
    )
}

/// Columns that a text takes, a character being one.
pub(super) fn columns(text: &str) -> usize {
    text.chars().count()
}

/// Filled with blanks behind.
pub(super) fn pad(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(columns(text))))
}

/// Filled with blanks before.
pub(super) fn pad_left(text: &str, width: usize) -> String {
    format!("{}{text}", " ".repeat(width.saturating_sub(columns(text))))
}

/// Cut to `width` columns, the last being an ellipsis.
pub(super) fn cut(text: &str, width: usize) -> String {
    if columns(text) <= width {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(width.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

/// Wrapped between words; a word that is longer than a line is broken.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(8);
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let mut word = word;
        if !line.is_empty() && columns(&line) + 1 + columns(word) > width {
            lines.push(std::mem::take(&mut line));
        }
        while columns(word) > width {
            let at = word.char_indices().nth(width).map_or(word.len(), |(at, _)| at);
            lines.push(word[..at].to_owned());
            word = &word[at..];
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    lines
}

/// `1 finding`, `2 findings`, `2 blocking criteria`.
pub(super) fn plural(count: usize, noun: &str) -> String {
    if count == 1 {
        return format!("1 {noun}");
    }
    match noun.strip_suffix("criterion") {
        Some(before) => format!("{count} {before}criteria"),
        None => format!("{count} {noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wraps_between_words_and_breaks_long_ones() {
        assert_eq!(wrap("one two three", 9), ["one two", "three"]);
        assert_eq!(wrap("a 1234567890123456789 b", 8), ["a", "12345678", "90123456", "789 b"]);
        assert_eq!(wrap("", 8), [""]);
    }

    #[test]
    fn a_bar_is_full_only_at_the_top() {
        let paint = Paint { colour: false };
        assert_eq!(bar(&paint, 100.0, 4), "████");
        assert_eq!(bar(&paint, 99.9, 4), "███░");
        assert_eq!(bar(&paint, 0.0, 4), "░░░░");
    }
}
