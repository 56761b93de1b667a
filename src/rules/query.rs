//! Raw tree-sitter queries of a user's own rules.
//!
//! A query can take forever to compile or to run (HOSTILE.md 2b), so both happen only in the
//! scanner, which can be killed; here they are kept within a match limit and a deadline.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use streaming_iterator::StreamingIterator;
use tree_sitter::{ParseOptions, Parser, Query, QueryCursor, QueryCursorOptions};

use super::error::{Place, RuleError};
use crate::module::Span;
use crate::source::{Language, LineIndex, Source};

/// Most matches in progress; more makes the cursor quadratic.
const MATCH_LIMIT: u32 = 256;
/// How long the queries of one file may take, parsing included.
const DEADLINE: Duration = Duration::from_secs(2);
/// Deepest nesting of parentheses: the query parser recurses.
const MAX_DEPTH: usize = 64;

/// A place that a query matched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryMatch {
    /// Of `@match`.
    pub span: Span,
    /// The other captures with their source.
    pub captures: Vec<(String, String)>,
}

/// Whether queries can be written for a language.
#[must_use]
pub fn has_grammar(language: Language) -> bool {
    grammar(language).is_some()
}

fn grammar(language: Language) -> Option<tree_sitter::Language> {
    Some(match language {
        Language::Python => tree_sitter_python::LANGUAGE.into(),
        Language::TypeScript => tree_sitter_typescript::LANGUAGE_TYPESCRIPT.into(),
        Language::Tsx => tree_sitter_typescript::LANGUAGE_TSX.into(),
        Language::JavaScript => tree_sitter_javascript::LANGUAGE.into(),
        Language::Html => tree_sitter_html::LANGUAGE.into(),
        _ => return None,
    })
}

/// Compiles queries to see whether they are right.
///
/// # Errors
/// Where one is no query of its language.
pub fn check(path: &str, queries: &BTreeMap<Language, (String, Place)>) -> Result<(), RuleError> {
    for (language, (text, place)) in queries {
        let fail = |place: Place, problem: String| RuleError {
            path: path.to_owned(),
            place,
            problem,
            help: Some("try the query in tree-sitter's playground".to_owned()),
        };
        let Some(grammar) = grammar(*language) else { continue };
        if depth(text) > MAX_DEPTH {
            return Err(fail(*place, format!("the query nests deeper than {MAX_DEPTH} levels")));
        }
        Query::new(&grammar, text).map_err(|error| {
            let row = u32::try_from(error.row).unwrap_or(0);
            let place = if row == 0 { *place } else { Place::line(place.line + row) };
            fail(
                place,
                format!(
                    "is no query of {language}: {}",
                    error.message.lines().next().unwrap_or_default()
                ),
            )
        })?;
    }
    Ok(())
}

fn depth(text: &str) -> usize {
    let mut open = 0_usize;
    text.bytes().fold(0, |deepest, byte| {
        match byte {
            b'(' | b'[' => open += 1,
            b')' | b']' => open = open.saturating_sub(1),
            _ => {}
        }
        deepest.max(open)
    })
}

/// Runs a query over a source. `None` where it could not be finished: what it found by then is
/// not everything. The caller has applied the guards that come before every parse.
#[must_use]
pub fn run(text: &str, source: &Source, lines: &LineIndex) -> Option<Vec<QueryMatch>> {
    let grammar = grammar(source.language)?;
    let started = Instant::now();
    let mut parser = Parser::new();
    parser.set_language(&grammar).ok()?;
    let bytes = source.text.as_bytes();
    let mut parse_progress = |_: &tree_sitter::ParseState| {
        if started.elapsed() > DEADLINE {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    let tree = parser.parse_with_options(
        &mut |offset, _| bytes.get(offset..).unwrap_or_default(),
        None,
        Some(ParseOptions::new().progress_callback(&mut parse_progress)),
    )?;
    let query = Query::new(&grammar, text).ok()?;
    let mut cursor = QueryCursor::new();
    cursor.set_match_limit(MATCH_LIMIT);
    let mut late = false;
    let mut query_progress = |_: &tree_sitter::QueryCursorState| {
        late = started.elapsed() > DEADLINE;
        if late { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let mut found = Vec::new();
    {
        let options = QueryCursorOptions::new().progress_callback(&mut query_progress);
        let mut matches = cursor.matches_with_options(&query, tree.root_node(), bytes, options);
        while let Some(one) = matches.next() {
            let mut span = None;
            let mut captures = Vec::new();
            for capture in one.captures() {
                let Some(name) = query.capture_names().get(capture.index as usize) else {
                    continue;
                };
                let range = capture.node.byte_range();
                if *name == "match" {
                    let start = u32::try_from(range.start).ok()?;
                    span = Some(Span {
                        start,
                        end: u32::try_from(range.end).ok()?,
                        line: lines.line_of(start),
                    });
                } else {
                    captures.push((
                        (*name).to_owned(),
                        source.text.get(range).unwrap_or_default().to_owned(),
                    ));
                }
            }
            if let Some(span) = span {
                found.push(QueryMatch { span, captures });
            }
        }
    }
    (!late && !cursor.did_exceed_match_limit()).then_some(found)
}
