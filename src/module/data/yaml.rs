//! YAML, built from the events of granit-parser: all documents of a stream, with aliases replaced
//! by what they stand for and merge keys by the entries that they merge.

use std::collections::HashMap;

use granit_parser::{ErrorKind, Event, Parser, ScalarStyle, Tag};
use smol_str::SmolStr;

use super::{MAX_DEPTH, Read, TOO_DEEP, literal, offset};
use crate::module::path::constant_text;
use crate::module::tree::Refusal;
use crate::module::{Entry, Expr, ExprKind, Span};
use crate::source::LineIndex;

/// Nodes of one file, those that aliases repeat included (HOSTILE.md, section 4).
const MAX_NODES: usize = 1_000_000;
/// Bytes of text of one file, those that aliases repeat included.
const MAX_BYTES: usize = 16 * 1024 * 1024;
/// Aliases of one file.
const MAX_ALIASES: usize = 50_000;
/// Documents of one file.
const MAX_DOCUMENTS: usize = 10_000;

/// Reads a file, up to its first syntax error: the documents before it are whole, the one that
/// it is in is left out.
///
/// # Errors
/// When a limit is exceeded.
pub(super) fn read(text: &str) -> Result<Read, Refusal> {
    let options = granit_parser::options! {
        emit_unresolved_aliases: true,
        flow_nesting_limit: MAX_DEPTH + 1,
        block_nesting_limit: MAX_DEPTH + 1,
    };
    let mut builder = Builder::new(text);
    for event in Parser::new_from_str_with_options(text, options) {
        match event {
            Ok((event, span)) => {
                let range = span.byte_range().unwrap_or_default();
                let span = builder.span(range.start, range.end);
                builder.event(event, span)?;
            }
            Err(error) => {
                let at = error.marker().byte_offset().unwrap_or_default();
                let span = builder.span(at, at);
                let deep = matches!(error.kind(), ErrorKind::RecursionLimitExceeded);
                builder.read.defect(span, if deep { TOO_DEEP } else { "syntax error" });
                builder.broken = true;
            }
        }
        if builder.broken {
            break;
        }
    }
    Ok(builder.read)
}

struct Builder {
    lines: LineIndex,
    read: Read,
    open: Vec<Open>,
    /// Finished nodes with anchors, by the parser's numbers, of the document that is open.
    anchors: HashMap<usize, (Expr, Weight)>,
    total: Weight,
    aliases: usize,
    documents: usize,
    /// Reading ends here.
    broken: bool,
}

/// A collection that is not closed yet.
struct Open {
    span: Span,
    anchor: usize,
    weight: Weight,
    items: Vec<Expr>,
    is_map: bool,
}

/// How much a node holds, itself included.
#[derive(Clone, Copy, Default)]
struct Weight {
    nodes: usize,
    bytes: usize,
    /// Levels of collections.
    depth: usize,
}

impl Builder {
    fn new(text: &str) -> Self {
        Self {
            lines: LineIndex::new(text),
            read: Read::default(),
            open: Vec::new(),
            anchors: HashMap::new(),
            total: Weight::default(),
            aliases: 0,
            documents: 0,
            broken: false,
        }
    }

    fn span(&self, start: usize, end: usize) -> Span {
        let start = offset(start);
        Span { start, end: offset(end), line: self.lines.line_of(start) }
    }

    fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), Refusal> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let is_key = self.expects_key();
                let weight = Weight { nodes: 1, bytes: text.len(), depth: 0 };
                let kind = scalar(&text, style, tag.as_deref(), is_key);
                let node = match kind {
                    Some(kind) => Expr { span, kind },
                    None => literal(span, text),
                };
                self.count(weight)?;
                self.node(node, weight, anchor)?;
            }
            Event::SequenceStart(_, anchor, _) => self.begin(span, anchor, false)?,
            Event::MappingStart(_, anchor, _) => self.begin(span, anchor, true)?,
            Event::SequenceEnd | Event::MappingEnd => self.end(span)?,
            Event::Alias(anchor) => self.alias(anchor, span)?,
            Event::UnresolvedAlias(_) => self.unknown_alias(span)?,
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > MAX_DOCUMENTS {
                    return Err(Refusal::TooMany { limit: MAX_DOCUMENTS, what: "documents" });
                }
            }
            Event::DocumentEnd => self.anchors.clear(),
            _ => {}
        }
        Ok(())
    }

    /// Whether the next node is a key.
    fn expects_key(&self) -> bool {
        self.open.last().is_some_and(|open| open.is_map && open.items.len().is_multiple_of(2))
    }

    fn begin(&mut self, span: Span, anchor: usize, is_map: bool) -> Result<(), Refusal> {
        if self.open.len() >= MAX_DEPTH {
            self.read.defect(span, TOO_DEEP);
            self.broken = true;
            return Ok(());
        }
        let weight = Weight { nodes: 1, bytes: 0, depth: 1 };
        self.count(weight)?;
        self.open.push(Open { span, anchor, weight, items: Vec::new(), is_map });
        Ok(())
    }

    fn end(&mut self, end: Span) -> Result<(), Refusal> {
        let Some(Open { span, anchor, weight, items, is_map }) = self.open.pop() else {
            return Ok(());
        };
        // A block ends where the next token begins, which may be lines below.
        let last = items.last().map_or(span.end, |last| last.span.end.max(span.end));
        let end = if end.end > end.start { end.end } else { last };
        let kind = if is_map { ExprKind::Map(entries(items)) } else { ExprKind::List(items) };
        self.node(Expr { span: Span { end, ..span }, kind }, weight, anchor)
    }

    fn alias(&mut self, anchor: usize, span: Span) -> Result<(), Refusal> {
        self.aliases += 1;
        if self.aliases > MAX_ALIASES {
            return Err(Refusal::TooMany { limit: MAX_ALIASES, what: "aliases" });
        }
        // A node that contains its own alias is not finished, and so not there.
        let Some((_, weight)) = self.anchors.get(&anchor) else {
            return self.unknown_alias(span);
        };
        let weight = *weight;
        if self.open.len() + weight.depth > MAX_DEPTH {
            self.read.defect(span, TOO_DEEP);
            self.broken = true;
            return Ok(());
        }
        // Counted before it is copied.
        self.count(weight)?;
        let kind = self.anchors.get(&anchor).map(|(node, _)| node.kind.clone());
        let kind = kind.unwrap_or(ExprKind::Other(Vec::new()));
        self.node(Expr { span, kind }, weight, 0)
    }

    fn unknown_alias(&mut self, span: Span) -> Result<(), Refusal> {
        self.read.defect(span, "alias of nothing before it");
        let node = Expr { span, kind: ExprKind::Other(Vec::new()) };
        self.node(node, Weight { nodes: 1, ..Weight::default() }, 0)
    }

    fn count(&mut self, weight: Weight) -> Result<(), Refusal> {
        self.total.nodes += weight.nodes;
        self.total.bytes += weight.bytes;
        if self.total.nodes > MAX_NODES {
            return Err(Refusal::TooMany { limit: MAX_NODES, what: "values" });
        }
        if self.total.bytes > MAX_BYTES {
            return Err(Refusal::TooMany { limit: MAX_BYTES, what: "bytes of text" });
        }
        Ok(())
    }

    /// Puts a finished node where it belongs.
    fn node(&mut self, node: Expr, weight: Weight, anchor: usize) -> Result<(), Refusal> {
        if anchor != 0 {
            // Anchors inside each other keep a copy each.
            self.count(weight)?;
            self.anchors.insert(anchor, (node.clone(), weight));
        }
        match self.open.last_mut() {
            Some(open) => {
                open.weight.nodes += weight.nodes;
                open.weight.bytes += weight.bytes;
                open.weight.depth = open.weight.depth.max(weight.depth + 1);
                open.items.push(node);
            }
            None => self.read.documents.push(node),
        }
        Ok(())
    }
}

/// The entries of a map given as keys and values in turn. What `<<` merges comes first, so that
/// the map's own entries count; of several merged maps the first counts, so they are turned round.
fn entries(items: Vec<Expr>) -> Vec<Entry> {
    let mut merged = Vec::new();
    let mut own = Vec::new();
    let mut items = items.into_iter();
    while let (Some(key), Some(value)) = (items.next(), items.next()) {
        if !is_merge(&key) {
            own.push(Entry { key: Some(key), value });
            continue;
        }
        match value.kind {
            ExprKind::List(maps) => merged.extend(maps),
            _ => merged.push(value),
        }
    }
    let merged = merged.into_iter().rev().map(|value| Entry { key: None, value });
    merged.chain(own).collect()
}

/// `<<` without quotes.
fn is_merge(key: &Expr) -> bool {
    constant_text(key) == Some("<<") && key.span.end - key.span.start == 2
}

/// What a scalar is other than a text, by the core schema. A key is always a text.
fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>, is_key: bool) -> Option<ExprKind> {
    let untagged = tag.is_none() && style == ScalarStyle::Plain;
    let typed = tag.is_some_and(|tag| {
        tag.is_yaml_core_schema() && matches!(tag.suffix(), "int" | "float" | "bool" | "null")
    });
    if is_key || !untagged && !typed {
        return None;
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Some(ExprKind::None),
        "true" | "True" | "TRUE" => Some(ExprKind::Bool(true)),
        "false" | "False" | "FALSE" => Some(ExprKind::Bool(false)),
        _ => is_number(text).then(|| ExprKind::Number(SmolStr::new(text))),
    }
}

fn is_number(text: &str) -> bool {
    let digits = |text: &str, radix| {
        !text.is_empty() && text.chars().all(|character| character.is_digit(radix))
    };
    if let Some(hexadecimal) = text.strip_prefix("0x") {
        return digits(hexadecimal, 16);
    }
    if let Some(octal) = text.strip_prefix("0o") {
        return digits(octal, 8);
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if matches!(text, ".nan" | ".NaN" | ".NAN") || matches!(unsigned, ".inf" | ".Inf" | ".INF") {
        return true;
    }
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let exponent = exponent.map(|text| text.strip_prefix(['-', '+']).unwrap_or(text));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    (digits(whole, 10) || whole.is_empty() && !fraction.is_empty())
        && (fraction.is_empty() || digits(fraction, 10))
        && exponent.is_none_or(|exponent| digits(exponent, 10))
}
