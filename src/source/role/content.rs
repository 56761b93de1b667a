//! The role that a file's content tells where its path does not.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use regex::Regex;

use super::{Language, Role};
use crate::source::mentions;

/// How far into a file the header of a generator is looked for.
const HEADER_BYTES: usize = 4 * 1024;

/// How many lines a header may have: licences of 30 lines stand above the note of a generator.
const HEADER_LINES: usize = 60;

/// The role of a file whose path did not settle it, for `path_role` [`Role::Production`]; any other
/// role is returned as it is, but for files that a program wrote.
#[must_use]
pub fn of_content(path_role: Role, language: Language, text: &str) -> Role {
    if matches!(path_role, Role::Docs | Role::Migration | Role::Generated | Role::Vendored) {
        return path_role;
    }
    if language.is_code() && (has_generator_header(text) || is_minified(language, text)) {
        return Role::Generated;
    }
    if path_role != Role::Production {
        return path_role;
    }
    if language == Language::JavaScript && is_library(text) {
        return Role::Vendored;
    }
    match language {
        Language::Python if is_python_migration(text) => Role::Migration,
        Language::Python if is_python_test(text) => Role::Test,
        language if language.is_code() && mentions::is_load_script(text) => Role::Test,
        Language::TypeScript | Language::Tsx if is_fragment(text) => Role::Example,
        Language::JavaScript | Language::TypeScript | Language::Tsx => of_script(text),
        Language::Rust if is_rust_test(text) => Role::Test,
        _ => path_role,
    }
}

#[allow(clippy::expect_used, reason = "the patterns are constants, and a test compiles each")]
fn pattern(text: &'static str) -> Regex {
    Regex::new(text).expect("a constant pattern")
}

/// `@generated`, `Code generated … DO NOT EDIT` and what generators write instead. The note must
/// say that the file *is* generated: a generator's own source talks about generating, too.
static GENERATOR: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?xi)
        (?-i:@generated)\b
        | \bcode\ (auto-?)?generated\b
        | \b(this|file|code|class|module|client|source)\ +(is|was|has\ been)\ +(auto[-\ ]?|automatically\ +)?generated
          (\ +(by|from|with|using|and|on)\b|[.,;!]|\W*$)
        | ^\W* (auto-?generated|automatically\ generated) \b
        | \bauto[-\ ]?generated\ (by|from|file|code|with|using)\b
        | \bautomatically\ generated\ (by|from|file|code|with|using)\b
        | \bgenerated\b.*\bdo\ not\ (edit|modify|change)\b
        | \bdo\ not\ (edit|modify|change)\b.*\bgenerated\b
        ",
    )
});

/// Looks at the comment or docstring that a file begins with, and nowhere else.
fn has_generator_header(text: &str) -> bool {
    let mut end = text.len().min(HEADER_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let mut block_end: Option<&str> = None;
    for line in text[..end].lines().take(HEADER_LINES) {
        let line = line.trim();
        let comment = if let Some(close) = block_end {
            if line.contains(close) {
                block_end = None;
            }
            true
        } else if let Some(close) = opened_block(line) {
            let rest = line.trim_start_matches(['/', '*', '<', '!', '-', '"', '\'']);
            if !rest.contains(close) {
                block_end = Some(close);
            }
            true
        } else {
            line.is_empty()
                || line.starts_with("//")
                || line.starts_with('#')
                || line.starts_with("--")
                || line.starts_with("'use ")
                || line.starts_with("\"use ")
        };
        if !comment {
            return false;
        }
        if GENERATOR.is_match(line) {
            return true;
        }
    }
    false
}

fn opened_block(line: &str) -> Option<&'static str> {
    [("/*", "*/"), ("<!--", "-->"), ("\"\"\"", "\"\"\""), ("'''", "'''")]
        .iter()
        .find(|(open, _)| line.starts_with(open))
        .map(|(_, close)| *close)
}

/// Lines from which on one is taken for a minifier's work. The longest line that a person wrote in
/// the sources of HOSTILE.md 2g has 18,640 characters, but no file consists of such lines.
const LONG_LINE: usize = 1_000;

/// Whether nearly all of a file lies in very long lines of dense code. A module with one embedded
/// picture has such a line too, but hardly any punctuation in it.
fn is_minified(language: Language, text: &str) -> bool {
    let minifiable = matches!(
        language,
        Language::JavaScript | Language::TypeScript | Language::Tsx | Language::Css
    );
    if !minifiable || text.len() < 2 * LONG_LINE {
        return false;
    }
    let (mut long, mut dense, mut blank) = (0, 0, 0);
    for line in text.lines().filter(|line| line.len() >= LONG_LINE) {
        long += line.len();
        dense += line
            .bytes()
            .filter(|byte| matches!(byte, b';' | b'{' | b'}' | b'(' | b')' | b'=' | b',' | b':'))
            .count();
        blank += line.bytes().filter(|byte| *byte == b' ').count();
    }
    long * 10 >= text.len() * 8 && dense * 100 >= long * 8 && blank * 100 <= long * 12
}

/// How long a library is that somebody keeps as one file, at least.
const LIBRARY_BYTES: usize = 20 * 1024;

/// Whether a script is a library that somebody keeps in the tree: it is long, and begins with the
/// banner that minifiers keep (`/*!`), or says that a downloader put it together.
fn is_library(text: &str) -> bool {
    let start: String = text.chars().take(400).collect();
    text.len() >= LIBRARY_BYTES
        && (start.starts_with("/*!") || start.contains("combined file was created by"))
}

fn is_python_migration(text: &str) -> bool {
    text.contains("(migrations.Migration)")
        || (text.contains("from alembic import op") && text.contains("\ndown_revision"))
}

fn is_python_test(text: &str) -> bool {
    type Starts = LazyLock<Option<AhoCorasick>>;
    static PYTEST: Starts =
        LazyLock::new(|| AhoCorasick::new(["import pytest", "from pytest"]).ok());
    static UNITTEST: Starts = LazyLock::new(|| {
        AhoCorasick::new(["import unittest", "from unittest", "from django.test import"]).ok()
    });
    static FACTORY: Starts =
        LazyLock::new(|| AhoCorasick::new(["import factory\n", "from factory"]).ok());
    starts_a_line(text, PYTEST.as_ref())
        || (starts_a_line(text, UNITTEST.as_ref()) && text.contains("TestCase)"))
        || (starts_a_line(text, FACTORY.as_ref()) && text.contains("Factory):"))
}

fn of_script(text: &str) -> Role {
    /// What the packages of `MOCK` and `TEST` begin with, quoted.
    static NAMES: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
        const NAMES: &[&str] = &[
            "msw",
            "miragejs",
            "axios-mock-adapter",
            "nock",
            "vitest",
            "@jest/globals",
            "@playwright/test",
            "supertest",
            "enzyme",
            "mocha",
            "chai",
            "ava",
            "node:test",
            "cypress",
            "@testing-library/",
            "@angular/core/testing",
        ];
        let quoted =
            NAMES.iter().flat_map(|name| ['"', '\''].map(|quote| format!("{quote}{name}")));
        AhoCorasick::builder().build(quoted).ok()
    });
    static MOCK: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r#"(?m)^import\b[^;\n]*\bfrom\s+["'](msw|msw/node|msw/browser|miragejs|axios-mock-adapter|nock)["']"#,
        )
    });
    static TEST: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r#"(?m)^(import\b[^;\n]*\bfrom\s+|import\s+|(const|let|var)\b[^;\n]*\brequire\(\s*)["'](vitest|@jest/globals|@playwright/test|supertest|enzyme|mocha|chai|ava|node:test|cypress|@testing-library/[\w-]+|@angular/core/testing)(/[\w/-]+)?["']"#,
        )
    });
    static CASES: LazyLock<Regex> =
        LazyLock::new(|| pattern(r#"(?m)^(describe|context|it|test)(\.\w+)?\(\s*["'`]"#));
    static CONFIGURES: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"(?m)^(module\.exports|export default) *=? *defineConfig\("));
    // The expressions look at every line. Nearly no file names any of these packages.
    let names_a_tool = NAMES.as_ref().is_none_or(|names| names.is_match(text));
    if names_a_tool && MOCK.is_match(text) {
        Role::Mock
    } else if CONFIGURES.is_match(text) {
        Role::Config
    } else if names_a_tool && TEST.is_match(text)
        || CASES.is_match(text)
        || text.starts_with("/// <reference types=\"cypress\"")
    {
        Role::Test
    } else if text.contains("implements MigrationInterface") {
        Role::Migration
    } else {
        Role::Production
    }
}

/// Names that TypeScript knows without a declaration.
const GLOBALS: &[&str] = &[
    "Array",
    "Atomics",
    "BigInt",
    "Buffer",
    "Bun",
    "Date",
    "Deno",
    "Intl",
    "JSON",
    "Map",
    "Math",
    "Number",
    "Object",
    "Promise",
    "Proxy",
    "Reflect",
    "Response",
    "Set",
    "String",
    "Symbol",
    "URL",
    "WebAssembly",
    "angular",
    "browser",
    "caches",
    "chrome",
    "console",
    "crypto",
    "customElements",
    "d3",
    "document",
    "exports",
    "global",
    "globalThis",
    "google",
    "gtag",
    "history",
    "indexedDB",
    "jQuery",
    "localStorage",
    "location",
    "module",
    "navigator",
    "performance",
    "postMessage",
    "process",
    "screen",
    "self",
    "sessionStorage",
    "super",
    "this",
    "window",
];

/// Whether a TypeScript file cannot compile by itself: it imports nothing, and a statement calls a
/// method of a name that is declared nowhere in it, or a method stands outside of a class. Such
/// files are snippets that a lesson or a document shows.
fn is_fragment(text: &str) -> bool {
    static CALLED: LazyLock<Regex> = LazyLock::new(|| {
        pattern(r"(?m)^[ \t]*(?:return[ \t]+|await[ \t]+)*([A-Za-z_$][\w$]*)(?:\.[\w$]+)+[ \t]*\(")
    });
    static DECLARED: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"(?x)
            \b (?:const|let|var|function|class|enum|namespace|module|type|interface) \s+ ([A-Za-z_$][\w$]*)
            | ([A-Za-z_$][\w$]*) \s* \?? \s* (?: => | [:,)}\]=] )
            ",
        )
    });
    static METHOD: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"(?m)^(?:async[ \t]+)?([A-Za-z_$][\w$]*)[ \t]*\([^()]*\)[ \t]*(?::[ \t]*[\w<>\[\]]+[ \t]*)?\{[ \t]*$",
        )
    });
    if ["import ", "import{", "import(", "require(", "declare ", "/// <reference"]
        .iter()
        .any(|word| text.contains(word))
    {
        return false;
    }
    let is_method = |name: &str| {
        !matches!(name, "if" | "for" | "while" | "switch" | "with" | "catch" | "function")
    };
    if METHOD
        .captures_iter(text)
        .filter_map(|found| found.get(1))
        .any(|name| is_method(name.as_str()))
    {
        return true;
    }
    let mut called = CALLED
        .captures_iter(text)
        .filter_map(|found| found.get(1))
        .map(|name| name.as_str())
        .filter(|name| !GLOBALS.contains(name))
        .peekable();
    if called.peek().is_none() {
        return false;
    }
    let declared: std::collections::BTreeSet<&str> = DECLARED
        .captures_iter(text)
        .filter_map(|found| found.get(1).or_else(|| found.get(2)))
        .map(|name| name.as_str())
        .collect();
    called.any(|name| !declared.contains(name))
}

/// `#![cfg(test)]`, or nothing but one `#[cfg(test)]` module.
fn is_rust_test(text: &str) -> bool {
    let mut lines = text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with("//"));
    match lines.next() {
        Some(first) if first.starts_with("#![cfg(test)]") => true,
        Some("#[cfg(test)]") => {
            lines.next().is_some_and(|line| line.starts_with("mod ") && line.ends_with('{'))
                && lines.all(|line| line.starts_with([' ', '\t']) || line == "}")
                && text.matches("\n}").count() == 1
        }
        _ => false,
    }
}

/// Whether the text holds one of these at the beginning of a line.
fn starts_a_line(text: &str, starts: Option<&AhoCorasick>) -> bool {
    starts.is_some_and(|starts| {
        starts
            .find_iter(text)
            .any(|hit| hit.start() == 0 || text.as_bytes().get(hit.start() - 1) == Some(&b'\n'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_in_one_file_is_not_ours() {
        let code = "export const a = (b) => b + 1\n".repeat(1_000);
        let library = format!("/*!\n * Charts v4.0.0\n */\n{code}");
        assert_eq!(role(Language::JavaScript, &library), Role::Vendored);
        assert_eq!(role(Language::JavaScript, &code), Role::Production);
        assert_eq!(
            role(Language::JavaScript, "/*! The shop */\nstart()\nexport {}\n"),
            Role::Production
        );
    }

    #[test]
    fn a_snippet_that_cannot_compile_is_an_example() {
        let of = |text| role(Language::TypeScript, text);
        assert_eq!(of("app.use('/files', list('files'))\n"), Role::Example);
        assert_eq!(
            of("export function login () {\n  Basket.findAll({ where: 1 })\n}\n"),
            Role::Example
        );
        assert_eq!(of("filter () {\n  this.rows = this.all\n}\n"), Role::Example);
        assert_eq!(of("if (ready()) {\n  console.log('required')\n}\n"), Role::Production);
        assert_eq!(of("import { app } from './app'\napp.use('/files')\n"), Role::Production);
        assert_eq!(
            of("export const start = (app: App) => {\n  app.use('/files')\n}\n"),
            Role::Production
        );
        assert_eq!(of("for (const row of rows()) {\n  row.save()\n}\n"), Role::Production);
        assert_eq!(of("console.log('up')\nexport {}\n"), Role::Production);
        assert_eq!(role(Language::JavaScript, "app.start()\n"), Role::Production);
    }

    fn role(language: Language, text: &str) -> Role {
        of_content(Role::Production, language, text)
    }

    #[test]
    fn notes_of_generators_are_believed() {
        for (language, text) in [
            (Language::Rust, "// @generated by bindgen\nfn main() {}"),
            (
                Language::TypeScript,
                "// This file is auto-generated by @hey-api/openapi-ts\n\nexport type A = 1",
            ),
            (
                Language::TypeScript,
                "/* tslint:disable */\n/* eslint-disable */\n/**\n * An API\n *\n * NOTE: This class is auto generated by OpenAPI Generator\n */\nexport class A {}",
            ),
            (
                Language::Python,
                "# -*- coding: utf-8 -*-\n# Generated by the protocol buffer compiler.  DO NOT EDIT!\nimport x",
            ),
            (Language::Python, "\"\"\"\nAutogenerated file\n\"\"\"\n"),
            (Language::JavaScript, "'use strict'\n// Code generated by gen.js; DO NOT EDIT.\nf()"),
            (
                Language::TypeScript,
                "/* eslint-disable */\n// @ts-nocheck\n// noinspection JSUnusedGlobalSymbols\n// This file was automatically generated by TanStack Router.\nx",
            ),
        ] {
            assert_eq!(role(language, text), Role::Generated, "{text}");
        }
    }

    #[test]
    fn talk_about_generating_is_not_a_note() {
        for (language, text) in [
            (Language::Python, "import os\n# Code generated by x. DO NOT EDIT.\n"),
            (
                Language::Python,
                "\"\"\"Writes the auto generated client; tokens are generated per user.\"\"\"\nx = 1",
            ),
            (Language::Python, "# How tokens are generated\nx = 1"),
            (Language::JavaScript, "// Renders the generated report\nf()"),
            (Language::TypeScript, "/** one */\nconst template = `// @generated`"),
            (Language::Python, "\"\"\"one\"\"\"\nHEADER = '# @generated'"),
        ] {
            assert_eq!(role(language, text), Role::Production, "{text}");
        }
    }

    #[test]
    fn minified_code_is_told_from_long_data() {
        let code = "function a(b,c){return b?c(b):d[e](f,{g:1})}".repeat(100);
        assert_eq!(
            role(Language::JavaScript, &format!("/*! jQuery */\n{code}\n")),
            Role::Generated
        );
        let picture = format!(
            "export const logo = 'data:image/png;base64,{}'\n",
            "iVBORw0KGgoAAAANSU".repeat(200)
        );
        assert_eq!(role(Language::JavaScript, &picture), Role::Production);
        let written = "const a = b ? c : d\n".repeat(300);
        assert_eq!(role(Language::JavaScript, &written), Role::Production);
    }

    #[test]
    fn frameworks_tell_tests() {
        for (language, text, expected) in [
            (Language::Python, "import os\nimport pytest\n", Role::Test),
            (
                Language::Python,
                "from unittest import TestCase\nclass A(TestCase):\n  pass",
                Role::Test,
            ),
            (Language::Python, "from unittest import mock\nx = 1", Role::Production),
            (Language::Python, "HELP = 'import pytest'", Role::Production),
            (
                Language::Python,
                "from alembic import op\nrevision = 'a'\ndown_revision = None\n",
                Role::Migration,
            ),
            (Language::TypeScript, "import { expect, it } from 'vitest'\n", Role::Test),
            (Language::Tsx, "import { render } from \"@testing-library/react\"\n", Role::Test),
            (Language::JavaScript, "const request = require('supertest')\n", Role::Test),
            (Language::JavaScript, "describe('cart', () => {})\n", Role::Test),
            (Language::JavaScript, "  test('x')\nexport const test = 1", Role::Production),
            (Language::TypeScript, "import { setupServer } from 'msw/node'\n", Role::Mock),
            (Language::Rust, "//! Helpers.\n#![cfg(test)]\nfn a() {}", Role::Test),
            (Language::Rust, "#[cfg(test)]\nmod a {\n    #[test]\n    fn b() {}\n}\n", Role::Test),
            (
                Language::Rust,
                "#[cfg(test)]\nmod a {\n    fn b() {}\n}\nfn c() {\n}\n",
                Role::Production,
            ),
        ] {
            assert_eq!(role(language, text), expected, "{text}");
        }
    }

    #[test]
    fn a_path_that_told_a_role_keeps_it() {
        assert_eq!(of_content(Role::Script, Language::Python, "import pytest\n"), Role::Script);
        assert_eq!(
            of_content(Role::Migration, Language::Python, "# Generated by Django 4. Do not edit\n"),
            Role::Migration
        );
        assert_eq!(
            of_content(Role::Test, Language::TypeScript, "// @generated\n"),
            Role::Generated
        );
    }
}
