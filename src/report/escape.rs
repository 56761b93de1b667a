//! Text of the audited repository made harmless, one function per place that it lands in
//! (HOSTILE.md, 3.1). The repository is hostile input: a path, a route or a comment may hold
//! anything, and must neither change the structure of a report nor reach the reader's terminal.

use std::fmt::Write as _;

/// What stands for an empty text, so that a reader sees that something was there.
const EMPTY: &str = "(empty)";

/// Whether a character is invisible or moves its neighbours about: controls, line and paragraph
/// separators, bidirectional marks, zero-width characters, fillers, variation selectors and tags.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// Writes the visible escape of a character: `\u{202e}`.
fn push_escape(out: &mut String, c: char) {
    // Writing to a string cannot fail.
    let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
}

/// For a terminal: every control, bidirectional and zero-width character becomes a visible escape,
/// line ends and tabs included. What is left cannot move the cursor or change colours.
pub(crate) fn term_safe(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_invisible(c) { push_escape(&mut out, c) } else { out.push(c) }
    }
    out
}

/// [`term_safe`] for a line of source: tabs stay, since the renderer of code frames expands them.
pub(crate) fn term_safe_code(line: &str) -> String {
    line.split('\t').map(term_safe).collect::<Vec<_>>().join("\t")
}

/// For prose that may be wrapped in its source, such as a rule's `why`: white space becomes single
/// blanks.
pub(crate) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Breaks what a continuous-integration log would take for a command: `::name::` at the start of a
/// line, and `##[name]`, `##vso[`, `##teamcity[` anywhere. Runners read both of our streams.
pub(crate) fn break_log_commands(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let body = line.trim_start();
        if let Some(rest) = body.strip_prefix("::") {
            out.push_str(&line[..line.len() - body.len()]);
            out.push_str("\\u{3a}:");
            out.push_str(rest);
        } else {
            out.push_str(line);
        }
    }
    for prefix in ["##", "##vso", "##teamcity"] {
        out = out.replace(&format!("{prefix}["), &format!("{prefix}\\u{{5b}}"));
    }
    out
}

/// For Markdown, as a code span: valid anywhere that inline text is, table cells included. Backtick
/// and pipe become `\x60` and `\x7c`, since no quoting of them holds in every dialect's tables.
pub(crate) fn md_code(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('`');
    for c in text.chars() {
        match c {
            '`' => out.push_str("\\x60"),
            '|' => out.push_str("\\x7c"),
            c if is_invisible(c) => push_escape(&mut out, c),
            c => out.push(c),
        }
    }
    if text.is_empty() {
        out.push_str(EMPTY);
    }
    out.push('`');
    out
}

/// For Markdown, as prose in a table cell, a heading, a list item or a paragraph. Parts between
/// backticks become code spans; a word that a renderer might turn into a link, a mention, a
/// reference or a formula does too, since no escape stops the renderers that work on the finished
/// HTML. White space becomes single blanks.
pub(crate) fn md_text(text: &str) -> String {
    let parts: Vec<&str> = text.split('`').collect();
    // An odd backtick at the end opens nothing: its tail is prose, and the backtick is shown.
    let unclosed = parts.len().is_multiple_of(2);
    let mut out = String::with_capacity(text.len() + 8);
    for (at, part) in parts.iter().enumerate() {
        let last = at + 1 == parts.len();
        if at % 2 == 1 && !(unclosed && last) {
            // Two code spans that touch would read as one.
            if out.ends_with('`') {
                out.push(' ');
            }
            out.push_str(&md_code(part));
            continue;
        }
        if unclosed && last {
            if out.ends_with('`') {
                out.push(' ');
            }
            out.push_str("\\`");
        }
        push_prose(&mut out, part);
    }
    out.trim().to_owned()
}

/// The prose part of [`md_text`].
fn push_prose(out: &mut String, part: &str) {
    if part.starts_with(char::is_whitespace) {
        out.push(' ');
    }
    for (at, word) in part.split_whitespace().enumerate() {
        if at > 0 {
            out.push(' ');
        }
        if is_live(word) {
            if out.ends_with('`') {
                out.push(' ');
            }
            out.push_str(&md_code(word));
        } else {
            push_word(out, word);
        }
    }
    if part.ends_with(char::is_whitespace) && !out.ends_with(' ') {
        out.push(' ');
    }
}

/// Whether a renderer might make something of a word by itself: links without brackets, e-mail
/// addresses, mentions, references to issues and commits, formulas, attributes of a heading. A word
/// with invisible characters counts too, since their escapes hold braces.
fn is_live(word: &str) -> bool {
    let lower = word.to_lowercase();
    let commit = |piece: &str| {
        piece.len() >= 7
            && piece.bytes().all(|b| b.is_ascii_hexdigit())
            && piece.bytes().any(|b| b.is_ascii_digit())
            && piece.bytes().any(|b| b.is_ascii_alphabetic())
    };
    word.contains(['@', '$', '{', '}'])
        || word.contains(is_invisible)
        || lower.contains("://")
        || lower.contains("www.")
        || lower.contains("gh-")
        || word.as_bytes().windows(2).any(|pair| pair[0] == b'#' && pair[1].is_ascii_digit())
        || word.split(|c: char| !c.is_ascii_alphanumeric()).any(commit)
}

/// A word of prose with Markdown's punctuation escaped.
fn push_word(out: &mut String, word: &str) {
    // At the start of a block some words would open a list or a rule, or underline a heading.
    let starts_block = out.trim_start().is_empty();
    let digits = word.bytes().take_while(u8::is_ascii_digit).count();
    for (at, c) in word.char_indices() {
        let last = at + c.len_utf8() == word.len();
        let opens = starts_block
            && ((at == 0 && matches!(c, '-' | '+' | '=' | ':' | '%') && !signs_number(word))
                || (digits > 0 && at == digits && last && matches!(c, '.' | ')')));
        let special = matches!(
            c,
            '\\' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '~' | '&' | '#' | '!' | '^'
        );
        if opens || special {
            out.push('\\');
        }
        out.push(c);
    }
}

/// `+4.1`, `-3`.
fn signs_number(word: &str) -> bool {
    word.as_bytes().get(1).is_some_and(u8::is_ascii_digit)
}

/// For Markdown, a fenced block of its own: the fence is longer than any run of backticks inside.
/// Line ends and tabs stay, other invisible characters become visible. `info` is ours, never the
/// repository's.
pub(crate) fn md_fence(text: &str, info: &'static str) -> String {
    let mut body = String::with_capacity(text.len());
    for c in text.replace("\r\n", "\n").chars() {
        if is_invisible(c) && c != '\n' && c != '\t' {
            push_escape(&mut body, c);
        } else {
            body.push(c);
        }
    }
    let (mut longest, mut run) = (0, 0);
    for c in body.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    let fence = "`".repeat((longest + 1).max(3));
    let end = if body.ends_with('\n') { "" } else { "\n" };
    format!("{fence}{info}\n{body}{end}{fence}")
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;
    use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

    use super::*;

    /// The structure of a document: its events without the words. Code spans are words too, and
    /// neighbouring words are one.
    pub(in crate::report) fn structure(markdown: &str) -> Vec<String> {
        let options = Options::ENABLE_TABLES
            | Options::ENABLE_FOOTNOTES
            | Options::ENABLE_STRIKETHROUGH
            | Options::ENABLE_TASKLISTS
            | Options::ENABLE_HEADING_ATTRIBUTES
            | Options::ENABLE_MATH
            | Options::ENABLE_GFM
            | Options::ENABLE_DEFINITION_LIST
            | Options::ENABLE_SUPERSCRIPT
            | Options::ENABLE_SUBSCRIPT
            | Options::ENABLE_WIKILINKS;
        let mut out: Vec<String> = Vec::new();
        for event in Parser::new_ext(markdown, options) {
            let name = match event {
                Event::Text(_) | Event::Code(_) => "words".to_owned(),
                Event::Start(Tag::CodeBlock(kind)) => format!("fence {kind:?}"),
                Event::Start(tag) => format!("{tag:?}"),
                Event::End(TagEnd::List(ordered)) => format!("/list {ordered}"),
                Event::End(tag) => format!("/{tag:?}"),
                other => format!("{other:?}"),
            };
            if name != "words" || out.last() != Some(&name) {
                out.push(name);
            }
        }
        out
    }

    /// Every place that inline text lands in.
    fn page(inline: &str) -> String {
        format!(
            "# {inline}\n\n{inline}\n\n- {inline}\n1. {inline}\n\n| a | b |\n|---|---|\n| {inline} | {inline} |\n\n### a {inline} b\n\nx **{inline}** y\n"
        )
    }

    /// Texts that try to break out of where they stand.
    pub(in crate::report) fn hostile() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            4 => any::<char>().prop_map(String::from),
            8 => prop::sample::select(vec![
                "`", "``", "```", "~~~", "|", "\\", "\n", "\r\n", "\r", "\n\n", "\t", " ", "    ",
                "<img src=x onerror=alert(1)>", "<!--", "-->", "</table>", "<script>", "&lt;", "&#96;",
                "[x](javascript:alert(1))", "![x](y)", "[^1]", "[[w]]", "](", "@team", "a@b.example",
                "https://evil.example", "www.evil.example", "#1", "GH-1", "# ", "## h", "- ", "* ",
                "+ ", "1. ", "2) ", "> ", "---", "===", "***", "___", "**", "__", "*", "_", "~", "~~",
                "^", "$", "$$", ":", ": d", "{#id}", "{.c}", "- [ ] ", "[ ]", "[x] ", "x", "word",
                "\u{202e}", "\u{200b}", "\u{1b}[2J", "|---|", "\u{2028}", "!", "%%", "deadbeef1",
            ]).prop_map(str::to_owned),
        ];
        prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn code_keeps_the_structure(text in hostile()) {
            prop_assert_eq!(structure(&page(&md_code(&text))), structure(&page(&md_code("x"))));
        }

        #[test]
        fn text_keeps_the_structure(text in hostile()) {
            prop_assume!(!text.trim().is_empty());
            prop_assert_eq!(structure(&page(&md_text(&text))), structure(&page(&md_text("x"))));
        }

        #[test]
        fn a_fence_holds_one_block(text in hostile()) {
            let page = |text: &str| format!("before\n\n{}\n\nafter\n", md_fence(text, "text"));
            prop_assert_eq!(structure(&page(&format!("{text}x"))), structure(&page("x")));
        }

        #[test]
        fn nothing_invisible_is_left(text in hostile()) {
            for out in [term_safe(&text), md_code(&text), md_text(&text)] {
                prop_assert!(!out.chars().any(is_invisible), "{:?}", out);
            }
            for out in [term_safe_code(&text), md_fence(&text, "text")] {
                prop_assert!(!out.chars().any(|c| is_invisible(c) && c != '\t' && c != '\n'));
            }
        }

        #[test]
        fn no_log_command_is_left(text in hostile(), command in "(::|##\\[|##vso\\[)error") {
            let out = break_log_commands(&format!("{text}\n  {command}::x"));
            prop_assert!(!out.lines().any(|line| line.trim_start().starts_with("::")));
            prop_assert!(!out.contains("##[") && !out.contains("##vso["));
        }
    }

    #[test]
    fn words_that_would_become_links_are_code() {
        for (text, expected) in [
            ("plain words, 12.5 of 3", "plain words, 12.5 of 3"),
            ("see https://a.example now", "see `https://a.example` now"),
            ("by @team in #12", "by `@team` in `#12`"),
            ("a@b.example", "`a@b.example`"),
            ("as of 3f2a1bc", "as of `3f2a1bc`"),
            ("`DB|HOST` falls back to \"x\"", "`DB\\x7cHOST` falls back to \"x\""),
            ("an odd ` backtick", "an odd \\` backtick"),
            ("1. not a list", "1\\. not a list"),
            ("- nor this", "\\- nor this"),
            ("72.6 / 100", "72.6 / 100"),
            ("+4.1", "+4.1"),
            ("a\u{202e}b c", "`a\\u{202e}b` c"),
            ("a <b> c_d_e", "a \\<b\\> c\\_d\\_e"),
            ("two\nlines", "two lines"),
        ] {
            assert_eq!(md_text(text), expected);
        }
    }

    #[test]
    fn escapes_are_visible() {
        assert_eq!(term_safe("a\u{1b}[31mb\u{202e}\n"), "a\\u{1b}[31mb\\u{202e}\\u{a}");
        assert_eq!(md_code("a`b|c"), "`a\\x60b\\x7cc`");
        assert_eq!(md_code(""), "`(empty)`");
        assert_eq!(md_fence("a ```` b", "text"), "`````text\na ```` b\n`````");
        assert_eq!(
            break_log_commands("  ::set-output::x\n##[group]"),
            "  \\u{3a}:set-output::x\n##\\u{5b}group]"
        );
    }
}
