//! Everything that touches a tree-sitter parser: what is refused before parsing, the parsing
//! itself, and the walk over the tree.
//!
//! HOSTILE.md has the measurements behind the guards. A refused file is named in the ledger with
//! the words of its [`Refusal`].

use std::cell::RefCell;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use smol_str::SmolStr;
use tree_sitter::{Node, ParseOptions, ParseState, Parser, Tree, TreeCursor};

use super::{Defect, MAX_DEFECTS, Span};
use crate::limits::Limits;
use crate::source::{Language, LineIndex};

/// Why a file is not lowered at all. `Display` gives the phrase of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Brackets nested deeper than [`Limits::bracket_depth`].
    #[error("nested deeper than {limit} brackets")]
    TooDeep {
        /// The limit.
        limit: u32,
    },
    /// More indentation than [`Limits::indent_levels`] allows, or than the scanner survives.
    #[error("more than {limit} indentation levels")]
    TooManyIndents {
        /// The limit.
        limit: u32,
    },
    /// The parser took longer than [`Limits::parse_deadline`].
    #[error("parser gave up after {} s", .after.as_secs_f64())]
    Deadline {
        /// The deadline.
        after: Duration,
    },
    /// More of something than is read of one file.
    #[error("more than {limit} {what}")]
    TooMany {
        /// The limit.
        limit: usize,
        /// Of what.
        what: &'static str,
    },
    /// The parser refuses the file as a whole and says why.
    #[error("{0}")]
    Syntax(String),
    /// No lowering for files of this language.
    #[error("{0} is not analysed")]
    Unsupported(Language),
}

/// A tree-sitter grammar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Grammar {
    /// Python 2 and 3.
    Python,
    /// JavaScript with JSX.
    JavaScript,
    /// TypeScript without JSX.
    TypeScript,
    /// TypeScript with JSX.
    Tsx,
    /// HTML.
    Html,
    /// JSON with comments.
    Json,
}

impl Grammar {
    const COUNT: usize = 6;

    /// The grammar as the parser knows it.
    pub(crate) fn language(self) -> tree_sitter::Language {
        match self {
            Self::Python => tree_sitter_python::LANGUAGE,
            Self::JavaScript => tree_sitter_javascript::LANGUAGE,
            Self::TypeScript => tree_sitter_typescript::LANGUAGE_TYPESCRIPT,
            Self::Tsx => tree_sitter_typescript::LANGUAGE_TSX,
            Self::Html => tree_sitter_html::LANGUAGE,
            Self::Json => tree_sitter_json::LANGUAGE,
        }
        .into()
    }

    /// A table from the id of a node kind to the lowering's own name for it. `name` sees each
    /// kind's name and whether it is a named one; the table is as long as the grammar has kinds.
    /// Error nodes have an id far behind its end.
    pub(crate) fn kinds<K>(self, name: impl Fn(&str, bool) -> K) -> Vec<K> {
        let language = self.language();
        (0..u16::try_from(language.node_kind_count()).unwrap_or(u16::MAX))
            .map(|id| {
                let kind = language.node_kind_for_id(id).unwrap_or_default();
                name(kind, language.node_kind_is_named(id))
            })
            .collect()
    }

    /// The same for fields; the id 0 stands for no field and asks for the name "".
    pub(crate) fn fields<F>(self, name: impl Fn(&str) -> F) -> Vec<F> {
        let language = self.language();
        (0..=u16::try_from(language.field_count()).unwrap_or(u16::MAX))
            .map(|id| name(language.field_name_for_id(id).unwrap_or_default()))
            .collect()
    }
}

thread_local! {
    /// One parser for each grammar: making one costs more than parsing a small file.
    static PARSERS: RefCell<[Option<Parser>; Grammar::COUNT]> = const { RefCell::new([const { None }; Grammar::COUNT]) };
}

/// Parses a text, unless a guard or the deadline forbids it. A text with syntax errors has a tree.
///
/// # Errors
/// [`Refusal::TooDeep`], [`Refusal::TooManyIndents`], [`Refusal::Deadline`].
pub(crate) fn parse(grammar: Grammar, text: &str, limits: &Limits) -> Result<Tree, Refusal> {
    guard(grammar, text, limits)?;
    PARSERS.with_borrow_mut(|parsers| {
        let slot = &mut parsers[grammar as usize];
        let parser = match slot {
            Some(parser) => parser,
            None => {
                let mut parser = Parser::new();
                parser
                    .set_language(&grammar.language())
                    .map_err(|error| Refusal::Syntax(error.to_string()))?;
                slot.insert(parser)
            }
        };
        let begun = Instant::now();
        let mut progress = |_: &ParseState| {
            if begun.elapsed() >= limits.parse_deadline {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        let bytes = text.as_bytes();
        let tree = parser.parse_with_options(
            &mut |at, _| bytes.get(at..).unwrap_or_default(),
            None,
            Some(ParseOptions::new().progress_callback(&mut progress)),
        );
        tree.ok_or_else(|| {
            // A cancelled parser resumes: without this the next file would get this one's tree.
            parser.reset();
            Refusal::Deadline { after: limits.parse_deadline }
        })
    })
}

/// The checks before parsing.
fn guard(grammar: Grammar, text: &str, limits: &Limits) -> Result<(), Refusal> {
    let limit = limits.bracket_depth;
    let deep = match grammar {
        Grammar::Python => too_deep(text.as_bytes(), limit, skip_python),
        Grammar::JavaScript | Grammar::TypeScript | Grammar::Tsx | Grammar::Json => {
            too_deep(text.as_bytes(), limit, skip_ecmascript)
        }
        // The parser and its scanner keep open elements in lists, and the lowering has a bound.
        Grammar::Html => false,
    };
    if deep {
        return Err(Refusal::TooDeep { limit });
    }
    if grammar == Grammar::Python && too_many_indents(text, limits.indent_levels) {
        return Err(Refusal::TooManyIndents { limit: limits.indent_levels });
    }
    Ok(())
}

/// Whether brackets nest deeper than `limit`. This saves time and memory, not the process, for
/// parser and lowering survive any depth; so where strings are misread (a regular expression, an
/// apostrophe in JSX) it rather counts too few. `skip` returns the offset behind a string or
/// comment that begins at an offset.
fn too_deep(bytes: &[u8], limit: u32, skip: fn(&[u8], usize) -> Option<usize>) -> bool {
    // Almost every file has too few brackets to be deep, and counting them is fast.
    let brackets: usize = bytes
        .chunks(usize::from(u8::MAX))
        .map(|chunk| {
            let opens = |byte: &u8| u8::from(matches!(byte, b'(' | b'[' | b'{'));
            usize::from(chunk.iter().map(opens).sum::<u8>())
        })
        .sum();
    if brackets <= limit as usize {
        return false;
    }
    // How far a closing bracket looks for its partner over brackets that were left open.
    const REPAIR: usize = 16;
    let mut open: Vec<u8> = Vec::new();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let in_template = open.last() == Some(&b'`');
        match byte {
            b'\\' => at += 1,
            b'`' if in_template => {
                open.pop();
            }
            b'$' if in_template && bytes.get(at + 1) == Some(&b'{') => {
                open.push(b'{');
                at += 1;
            }
            _ if in_template => {}
            b'(' | b'[' | b'{' => open.push(byte),
            b')' | b']' | b'}' => {
                let opener = match byte {
                    b')' => b'(',
                    b']' => b'[',
                    _ => b'{',
                };
                if let Some(up) = open.iter().rev().take(REPAIR).position(|kept| *kept == opener) {
                    open.truncate(open.len() - 1 - up);
                }
            }
            b'"' | b'\'' | b'#' | b'/' | b'`' => {
                if let Some(behind) = skip(bytes, at) {
                    at = behind;
                    continue;
                }
                if byte == b'`' {
                    open.push(byte);
                }
            }
            _ => {}
        }
        if open.len() > limit as usize {
            return true;
        }
        at += 1;
    }
    false
}

/// Skips a comment or string of Python. A hole of an f-string is skipped with its string.
fn skip_python(bytes: &[u8], at: usize) -> Option<usize> {
    match bytes[at] {
        b'#' => Some(line_end(bytes, at)),
        quote @ (b'"' | b'\'') => {
            if bytes[at..].starts_with(&[quote; 3]) {
                let mut at = at + 3;
                while at < bytes.len() && !bytes[at..].starts_with(&[quote; 3]) {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
                Some(at + 3)
            } else {
                Some(string_end(bytes, at))
            }
        }
        // Neither a division nor a back quote of Python 2 opens anything.
        _ => Some(at + 1),
    }
}

/// Skips a comment or simple string of the ECMAScript family. Templates are not skipped, since
/// their holes nest.
fn skip_ecmascript(bytes: &[u8], at: usize) -> Option<usize> {
    match bytes[at] {
        b'"' | b'\'' => Some(string_end(bytes, at)),
        b'/' => match bytes.get(at + 1) {
            // Behind a colon it is most likely an address in a text.
            Some(b'/') if at == 0 || bytes[at - 1] != b':' => Some(line_end(bytes, at)),
            Some(b'*') => Some(
                bytes[at + 2..]
                    .windows(2)
                    .position(|pair| pair == b"*/")
                    .map_or(bytes.len(), |end| at + 2 + end + 2),
            ),
            _ => None,
        },
        _ => None,
    }
}

/// Behind the string of one line that begins at `at`.
fn string_end(bytes: &[u8], at: usize) -> usize {
    let quote = bytes[at];
    let mut at = at + 1;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 1,
            b'\n' => return at,
            _ if byte == quote => return at + 1,
            _ => {}
        }
        at += 1;
    }
    at
}

fn line_end(bytes: &[u8], at: usize) -> usize {
    bytes[at..].iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |end| at + end)
}

/// Most different indentation widths of one Python file.
///
/// The scanner keeps the widths of open blocks in ascending order and writes two bytes for each
/// into 1,024 bytes, beside at most 255 open strings and 2 bytes of its own: from the 384th on it
/// may write past the end, and the process aborts. Since the order is ascending, there are never
/// more open blocks than different widths, however brackets, strings and errors keep it from
/// closing blocks.
const MAX_INDENT_WIDTHS: u32 = 380;

/// Whether a Python text has more than `limit` blocks open at once, counted as the interpreter's
/// tokenizer counts, but without regard to brackets and strings; or more different indentation
/// widths than tree-sitter's scanner survives. Widths are measured as that scanner measures them.
fn too_many_indents(text: &str, limit: u32) -> bool {
    let bytes = text.as_bytes();
    let mut open: Vec<u16> = Vec::new();
    let mut seen = [0u64; 1024];
    let mut widths = 0;
    let mut at = 0;
    loop {
        let mut width = 0u16;
        loop {
            match bytes.get(at) {
                Some(b'\n' | b'\r' | b'\x0c') => width = 0,
                Some(b' ') => width = width.wrapping_add(1),
                Some(b'\t') => width = width.wrapping_add(8),
                Some(b'#') => {
                    while bytes.get(at).is_some_and(|byte| !matches!(byte, b'\n' | 0)) {
                        at += 1;
                    }
                    width = 0;
                }
                // A continued line adds its indentation to that of the line before.
                Some(b'\\') if bytes.get(at + 1) == Some(&b'\n') => at += 1,
                Some(b'\\') if bytes[at + 1..].starts_with(b"\r\n") => at += 2,
                _ => break,
            }
            at += 1;
        }
        while open.last().is_some_and(|last| *last > width) {
            open.pop();
        }
        if width > open.last().copied().unwrap_or(0) {
            open.push(width);
        }
        let (word, bit) = (usize::from(width >> 6), 1 << (width & 63));
        widths += u32::from(seen[word] & bit == 0);
        seen[word] |= bit;
        if open.len() > limit as usize || widths > MAX_INDENT_WIDTHS {
            return true;
        }
        match text.get(at..).and_then(|rest| rest.find('\n')) {
            Some(end) => at += end,
            None => return false,
        }
    }
}

/// A walk over a tree, with the text that it is about.
///
/// It stands on one node and moves by one step. Lowerings use it instead of [`Node`]'s own
/// methods, since those that go up or sideways search from the root.
pub(crate) struct Walk<'t> {
    cursor: TreeCursor<'t>,
    /// The text that was parsed.
    pub(crate) text: &'t str,
    /// Where the text begins in its file.
    origin: Span,
    /// The lines, where the parser would count them wrongly: it does not know a bare `\r`.
    lines: Option<LineIndex>,
}

impl<'t> Walk<'t> {
    /// Begins at the root.
    pub(crate) fn new(tree: &'t Tree, text: &'t str) -> Self {
        let bytes = text.as_bytes();
        let bare = text.match_indices('\r').any(|(at, _)| bytes.get(at + 1) != Some(&b'\n'));
        Self {
            cursor: tree.walk(),
            text,
            origin: Span { start: 0, end: 0, line: 1 },
            lines: bare.then(|| LineIndex::new(text)),
        }
    }

    /// The same for a text that is a part of a file: spans are those of the file. `origin.start`
    /// and `origin.line` say where the part begins.
    pub(crate) fn part(tree: &'t Tree, text: &'t str, origin: Span) -> Self {
        Self { origin, ..Self::new(tree, text) }
    }

    /// The node that it stands on.
    #[inline]
    pub(crate) fn node(&self) -> Node<'t> {
        self.cursor.node()
    }

    /// The id of that node's field in its parent; 0 without one.
    #[inline]
    pub(crate) fn field(&self) -> u16 {
        self.cursor.field_id().map_or(0, u16::from)
    }

    /// Goes to the first child, tokens included, if there is one.
    #[inline]
    pub(crate) fn down(&mut self) -> bool {
        self.cursor.goto_first_child()
    }

    /// Goes to the next sibling, if there is one.
    #[inline]
    pub(crate) fn next(&mut self) -> bool {
        self.cursor.goto_next_sibling()
    }

    /// Goes back to the parent.
    #[inline]
    pub(crate) fn up(&mut self) {
        self.cursor.goto_parent();
    }

    /// Where a node is.
    #[inline]
    pub(crate) fn span(&self, node: Node<'t>) -> Span {
        let start = offset(node.start_byte());
        let line = match &self.lines {
            None => offset(node.start_position().row),
            Some(lines) => lines.line_of(start) - 1,
        };
        Span {
            start: self.origin.start + start,
            end: self.origin.start + offset(node.end_byte()),
            line: self.origin.line + line,
        }
    }

    /// What a node says.
    #[inline]
    pub(crate) fn text(&self, node: Node<'t>) -> &'t str {
        self.text.get(node.byte_range()).unwrap_or("")
    }

    /// The places that the parser did not understand, at most [`MAX_DEFECTS`]; the walk ends
    /// where it began. Only broken trees are searched, and of these only the broken parts.
    pub(crate) fn defects(&mut self) -> Vec<Defect> {
        let mut found = Vec::new();
        let mut depth = 0u32;
        loop {
            let node = self.node();
            let wrong = node.is_error() || node.is_missing();
            if wrong {
                found.push(Defect {
                    span: self.span(node),
                    reason: SmolStr::new_static("syntax error"),
                });
            }
            if found.len() < MAX_DEFECTS {
                if !wrong && node.has_error() && self.down() {
                    depth += 1;
                    continue;
                }
                while depth > 0 && !self.next() {
                    self.up();
                    depth -= 1;
                }
                if depth > 0 {
                    continue;
                }
            }
            for _ in 0..depth {
                self.up();
            }
            return found;
        }
    }
}

/// Something that walks over a tree: a lowering that keeps a [`Walk`].
pub(crate) trait Walker<'t> {
    /// Its walk.
    fn walk(&mut self) -> &mut Walk<'t>;

    /// Visits the children of the node that the walk stands on, tokens included. During each
    /// visit the walk stands on the child, and must do so again at its end.
    #[inline]
    fn each(&mut self, mut visit: impl FnMut(&mut Self, Node<'t>))
    where
        Self: Sized,
    {
        let end = self.walk().node().end_byte();
        if !self.walk().down() {
            return;
        }
        loop {
            let node = self.walk().node();
            visit(self, node);
            // To ask for the sibling of a last child costs more than to see that it is the last.
            // What may follow it there is empty: an end of line, or what the parser missed.
            if node.end_byte() == end || !self.walk().next() {
                break;
            }
        }
        self.walk().up();
    }
}

#[inline]
fn offset(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn limits() -> Limits {
        Limits::default()
    }

    /// `levels` blocks inside each other.
    fn nested(levels: usize) -> String {
        let mut text = String::new();
        for level in 0..levels {
            text.push_str(&" ".repeat(level));
            text.push_str("if x:\n");
        }
        text + &" ".repeat(levels) + "y = 'z'\n"
    }

    #[test]
    fn a_cancelled_parse_leaves_nothing_for_the_next_file() {
        let hasty = Limits { parse_deadline: Duration::ZERO, ..limits() };
        let long = "value = function(argument)\n".repeat(5_000);
        let refusal = parse(Grammar::Python, &long, &hasty).unwrap_err();
        assert_eq!(refusal.to_string(), "parser gave up after 0 s");
        let tree = parse(Grammar::Python, "x = 1\n", &limits()).unwrap();
        assert_eq!(tree.root_node().byte_range(), 0..6);
        assert_eq!(
            Refusal::Deadline { after: limits().parse_deadline }.to_string(),
            "parser gave up after 5 s"
        );
    }

    #[test]
    fn indentation_that_would_abort_the_process_is_refused() {
        let refusal = Refusal::TooManyIndents { limit: 100 };
        let refused = Err(refusal.clone());
        let outcome = |text: &str| parse(Grammar::Python, text, &limits()).map(|_| ());
        assert_eq!(outcome(&nested(511)), refused);
        assert_eq!(outcome(&nested(101)), refused);
        assert_eq!(outcome(&nested(100)), Ok(()));
        assert_eq!(refusal.to_string(), "more than 100 indentation levels");
    }

    #[test]
    fn indentation_is_measured_as_the_scanner_measures_it() {
        let count = too_many_indents;
        // A tab is eight blanks, a form feed begins anew, a continued line adds to the next.
        assert!(count("\n\tx\n         y\n", 1));
        assert!(!count("\n\tx\n        y\n", 1));
        assert!(!count("\n x\n \x0c y\n", 1));
        assert!(count("\n x\n \\\n y\n", 1));
        assert!(!count("\n x\n\n  # comment\n y\n", 1));
        // A NUL ends a comment.
        assert!(count("\n x\n#\0  y\n", 1));
    }

    #[test]
    fn widths_that_pile_up_inside_brackets_are_refused() {
        // In brackets the scanner closes no block, so blocks of 99 widths each could pile up.
        let mut text = String::new();
        for pile in 0..6 {
            for width in 1..99 {
                text.push_str(&" ".repeat(pile * 99 + width));
                text.push_str("if x:\n");
            }
            text.push_str("(\n0\n)\n");
        }
        assert!(too_many_indents(&text, 100));
    }

    #[test]
    fn deep_brackets_are_refused_in_every_family() {
        let deep = "(".repeat(100_000);
        for grammar in [Grammar::Python, Grammar::JavaScript, Grammar::TypeScript, Grammar::Tsx] {
            let refusal = parse(grammar, &deep, &limits()).unwrap_err();
            assert_eq!(refusal.to_string(), "nested deeper than 1000 brackets");
        }
        let closed = format!("{}1{}", "[".repeat(1_000), "]".repeat(1_000));
        assert!(parse(Grammar::Python, &closed, &limits()).is_ok());
    }

    #[test]
    fn brackets_in_strings_and_comments_do_not_count() {
        let many = |line: &str, skip| too_deep(line.repeat(1_500).as_bytes(), 1_000, skip);
        for line in ["'('\n", "# (\n", "\"\\\"(\"\n", "'''\n((' '''\n", "r'\\('\n"] {
            assert!(!many(line, skip_python), "{line}");
        }
        for line in
            ["'('\n", "// (\n", "/* (\n */\n", "`(${f(`[`)}`\n", "f(`http://${h}`)\n", "'\\'('\n"]
        {
            assert!(!many(line, skip_ecmascript), "{line}");
        }
        assert!(many("f(`${g(", skip_ecmascript));
        assert!(many("f('('", skip_python));
    }

    #[test]
    fn a_bare_carriage_return_ends_a_line() {
        let text = "(1,\r2)\nz\n";
        let tree = parse(Grammar::Python, text, &limits()).unwrap();
        let mut walk = Walk::new(&tree, text);
        assert!(walk.down() && walk.next());
        assert_eq!(walk.span(walk.node()), Span { start: 7, end: 8, line: 3 });
    }

    #[test]
    fn defects_are_the_places_that_do_not_parse() {
        let text = "x = (1\ny = 2\ndef f(:\n  pass\n";
        let tree = parse(Grammar::Python, text, &limits()).unwrap();
        let defects = Walk::new(&tree, text).defects();
        assert!(!defects.is_empty() && defects.len() <= MAX_DEFECTS);
        let sound = parse(Grammar::Python, "x = 1\n", &limits()).unwrap();
        assert_eq!(Walk::new(&sound, "x = 1\n").defects(), []);
    }
}
