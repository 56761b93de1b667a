//! Counts of lines, without a parser, so that they are the same whether or not a rule wanted the
//! file parsed.

use super::Lines;
use crate::source::Language;

/// How comments of a language look.
struct Comments {
    /// What begins a comment that ends with its line.
    line: &'static [&'static str],
    /// What begins and what ends a comment over lines.
    block: &'static [(&'static str, &'static str)],
}

const C_LIKE: Comments = Comments { line: &["//"], block: &[("/*", "*/")] };
const HASH: Comments = Comments { line: &["#"], block: &[] };
const MARKUP: Comments = Comments { line: &[], block: &[("<!--", "-->")] };

fn comments(language: Language) -> Comments {
    match language {
        Language::TypeScript
        | Language::Tsx
        | Language::JavaScript
        | Language::Rust
        | Language::Json
        | Language::Unsupported => C_LIKE,
        Language::Python
        | Language::Yaml
        | Language::Toml
        | Language::Dotenv
        | Language::Dockerfile
        | Language::Shell => HASH,
        Language::Ini => Comments { line: &["#", ";"], block: &[] },
        Language::Sql => Comments { line: &["--"], block: &[("/*", "*/")] },
        Language::Css => Comments { line: &["//"], block: &[("/*", "*/")] },
        Language::Html | Language::Vue => {
            Comments { line: &["//"], block: &[("<!--", "-->"), ("/*", "*/"), ("{#", "#}")] }
        }
        Language::Xml => MARKUP,
        Language::Text | Language::Other => Comments { line: &[], block: &[] },
    }
}

/// Counts the lines of a text.
///
/// A block comment is noticed where it begins a line. One that begins behind code is not looked
/// for: the marks also occur in strings (`"src/**/*.ts"`), and taking such a string for the
/// beginning of a comment would swallow the rest of the file. Docstrings are code.
#[must_use]
pub fn count(text: &str, language: Language) -> Lines {
    let marks = comments(language);
    let mut lines = Lines::default();
    let mut closes_with: Option<&str> = None;
    for line in text.split_terminator('\n').flat_map(|line| line.trim_end_matches('\r').split('\r'))
    {
        let mut rest = line.trim();
        if rest.is_empty() {
            lines.blank += 1;
            continue;
        }
        // Takes comments off the front of the line until code or nothing is left.
        let is_code = loop {
            if let Some(close) = closes_with {
                let Some((_, behind)) = rest.split_once(close) else { break false };
                closes_with = None;
                rest = behind.trim_start();
            }
            if rest.is_empty() || marks.line.iter().any(|mark| rest.starts_with(mark)) {
                break false;
            }
            let opened = marks
                .block
                .iter()
                .find_map(|(open, close)| rest.strip_prefix(open).map(|inside| (inside, *close)));
            let Some((inside, close)) = opened else { break true };
            rest = inside;
            closes_with = Some(close);
        };
        if is_code {
            lines.code += 1;
        } else {
            lines.comment += 1;
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(text: &str, language: Language) -> (u32, u32, u32) {
        let Lines { code, comment, blank } = count(text, language);
        (code, comment, blank)
    }

    #[test]
    fn code_comment_and_blank_are_told_apart() {
        let python = "#!/usr/bin/env python\n\nx = 1  # one\n    # two\n   \n";
        assert_eq!(counts(python, Language::Python), (1, 2, 2));
        let rust = "/* a\n b\n\n */ let x = 1;\n/* c */ // d\n/* e */ f();\n";
        assert_eq!(counts(rust, Language::Rust), (2, 3, 1));
        let sql = "-- a\nSELECT 1; /* b\n";
        assert_eq!(counts(sql, Language::Sql), (1, 1, 0));
        let html = "<!-- a\nb -->\n<p>{# c #}</p>\n{# d #}\n";
        assert_eq!(counts(html, Language::Html), (1, 3, 0));
    }

    #[test]
    fn a_mark_inside_a_string_does_not_swallow_the_file() {
        let text = "const glob = \"src/**/*.ts\";\nlet a = '/*';\nlet b;\n";
        assert_eq!(counts(text, Language::TypeScript), (3, 0, 0));
    }

    #[test]
    fn every_kind_of_line_end_counts_once() {
        assert_eq!(counts("", Language::Python), (0, 0, 0));
        assert_eq!(counts("a", Language::Python), (1, 0, 0));
        assert_eq!(counts("a\r\n\r\nb\r\n", Language::Python), (2, 0, 1));
        assert_eq!(counts("a\r\rb", Language::Python), (2, 0, 1));
    }
}
