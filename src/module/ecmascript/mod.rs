//! JavaScript, TypeScript and TSX, lowered from tree-sitter.
//!
//! The tree is visited once, in order, by one cursor: each function below is called while the
//! cursor stands on its node and leaves it there. What the parser could not place (an `ERROR`) is
//! lowered on its own and joins the statements of the block around it.

mod classes;
mod expressions;
mod functions;
mod imports;
mod jsx;
mod kinds;
mod statements;
pub(super) mod strings;
#[cfg(test)]
mod tests;
mod types;

use smol_str::SmolStr;
use tree_sitter::{Node, Tree};

use self::kinds::{Kind, Table};
use super::markup::template::Mask;
use super::tree::{self, Grammar, Refusal, Walk};
use super::{
    Block, Comment, Defect, Expr, ExprKind, MAX_DEFECTS, MAX_NESTING, Module, Span, Stmt, StmtKind,
};
use crate::limits::Limits;
use crate::source::Language;

/// Lowers a JavaScript, TypeScript or TSX file; any other language is read as JavaScript.
///
/// # Errors
/// When the file exceeds a limit before or while it is parsed.
pub(crate) fn lower(language: Language, text: &str, limits: &Limits) -> Result<Module, Refusal> {
    let grammar = match language {
        Language::TypeScript => Grammar::TypeScript,
        Language::Tsx => Grammar::Tsx,
        _ => Grammar::JavaScript,
    };
    let origin = Span { start: 0, end: 0, line: 1 };
    lower_part(grammar, text, origin, &[], limits).map(|module| Module { language, ..module })
}

/// Lowers a script inside a file. `origin.start` and `origin.line` say where it begins; `masks`
/// are the places of the file where template syntax was masked, in order.
///
/// # Errors
/// As [`lower`].
pub(super) fn lower_part(
    grammar: Grammar,
    text: &str,
    origin: Span,
    masks: &[Mask],
    limits: &Limits,
) -> Result<Module, Refusal> {
    let tree = tree::parse(grammar, text, limits)?;
    if tree.root_node().has_error() && grammar == Grammar::JavaScript {
        // Flow's annotations are near enough to TypeScript's that its grammar reads more of them.
        let errors = Walk::new(&tree, text).defects().len();
        if let Ok(other) = tree::parse(Grammar::Tsx, text, limits)
            && Walk::new(&other, text).defects().len() < errors
        {
            return Ok(lower_tree(Grammar::Tsx, &other, text, origin, masks));
        }
    }
    Ok(lower_tree(grammar, &tree, text, origin, masks))
}

fn lower_tree(grammar: Grammar, tree: &Tree, text: &str, origin: Span, masks: &[Mask]) -> Module {
    let mut walk = Walk::part(tree, text, origin);
    let defects = if tree.root_node().has_error() { walk.defects() } else { Vec::new() };
    let mut lowering = Lowering {
        walk,
        table: Table::of(grammar),
        masks,
        ends: vec![tree.root_node().end_byte()],
        depth: 0,
        comments: Vec::new(),
        defects,
        stray: Vec::new(),
    };
    let body = lowering.statements(true);
    let Lowering { mut comments, mut defects, .. } = lowering;
    comments.sort_by_key(|comment| comment.span);
    defects.sort_by_key(|defect| defect.span);
    Module { language: Language::JavaScript, body, comments, defects }
}

/// A node that the cursor stands on, with its kind.
#[derive(Clone, Copy)]
struct At<'t> {
    kind: Kind,
    node: Node<'t>,
}

/// The state of lowering one tree.
struct Lowering<'t, 'm> {
    walk: Walk<'t>,
    table: &'static Table,
    masks: &'m [Mask],
    /// Where the node that the walk stands on ends, behind the ends of those around it.
    ends: Vec<usize>,
    depth: usize,
    comments: Vec<Comment>,
    defects: Vec<Defect>,
    /// Statements found inside errors, waiting for the end of the statement around them.
    stray: Vec<Stmt>,
}

impl<'t> Lowering<'t, '_> {
    // ── The cursor ──────────────────────────────────────────────────────────────────────────

    /// Moves to the first child; `None` when there is none, and then the cursor has not moved.
    fn enter(&mut self) -> Option<At<'t>> {
        if self.walk.down() {
            self.ends.push(0);
            self.settle()
        } else {
            None
        }
    }

    /// Moves to the next sibling; `None` behind the last one, and then the cursor is back on the
    /// parent. Every loop that began with [`Self::enter`] therefore runs to its end, save that
    /// closing punctuation is not visited: moving the cursor is most of the cost of a lowering.
    fn next(&mut self) -> Option<At<'t>> {
        if !self.is_last() && self.walk.next() {
            self.settle()
        } else {
            self.leave();
            None
        }
    }

    /// Goes back to the parent.
    fn leave(&mut self) {
        self.walk.up();
        self.ends.pop();
    }

    /// Whether nothing but closing punctuation follows the current child in its parent.
    fn is_last(&self) -> bool {
        let [.., parent, child] = self.ends.as_slice() else { return false };
        let bytes = self.walk.text.as_bytes();
        match bytes.get(*child..*parent) {
            Some([] | [b')' | b']' | b'}' | b';' | b'>']) => true,
            Some(rest @ [b' ' | b'\n' | b'\r' | b'\t', ..]) => {
                matches!(rest.trim_ascii_start(), [b')' | b']' | b'}'] | b"/>")
            }
            _ => false,
        }
    }

    /// Takes comments and errors out of the way.
    fn settle(&mut self) -> Option<At<'t>> {
        loop {
            let node = self.walk.node();
            let kind = self.table.kind(node.kind_id());
            if let Some(end) = self.ends.last_mut() {
                *end = node.end_byte();
            }
            match kind {
                Kind::Comment | Kind::HtmlComment => self.comment(node),
                Kind::Error => self.salvage(),
                _ => return Some(At { kind, node }),
            }
            if !self.walk.next() {
                self.leave();
                return None;
            }
        }
    }

    /// Passes over a node of which only the comments matter.
    fn skim(&mut self, node: Node<'t>) {
        let source = self.source(node);
        if !source.contains("//") && !source.contains("/*") {
            return;
        }
        let mut depth = 0_u32;
        loop {
            let node = self.walk.node();
            if matches!(self.table.kind(node.kind_id()), Kind::Comment | Kind::HtmlComment) {
                self.comment(node);
            }
            if self.walk.down() {
                depth += 1;
                continue;
            }
            loop {
                if depth == 0 {
                    return;
                }
                if self.walk.next() {
                    break;
                }
                self.walk.up();
                depth -= 1;
            }
        }
    }

    /// The children that are neither punctuation nor comments, as expressions.
    fn inner(&mut self) -> Vec<Expr> {
        let mut found = Vec::new();
        let mut child = self.enter();
        while let Some(at) = child {
            if at.kind.is_named() {
                let expr = self.expr(at);
                if !matches!(&expr.kind, ExprKind::Other(inner) if inner.is_empty()) {
                    found.push(expr);
                }
            }
            child = self.next();
        }
        found
    }

    // ── Places and texts ────────────────────────────────────────────────────────────────────

    fn span(&self, node: Node<'t>) -> Span {
        self.walk.span(node)
    }

    fn source(&self, node: Node<'t>) -> &'t str {
        self.walk.text(node)
    }

    fn word(&self, node: Node<'t>) -> SmolStr {
        SmolStr::new(self.walk.text(node))
    }

    // ── Errors, depth, comments ─────────────────────────────────────────────────────────────

    fn defect(&mut self, node: Node<'t>, reason: SmolStr) {
        if self.defects.len() < MAX_DEFECTS {
            let span = self.span(node);
            self.defects.push(Defect { span, reason });
        }
    }

    fn too_deep(&mut self, node: Node<'t>) {
        // A deep chain meets the limit once per branch; one entry says it.
        if !self.defects.iter().any(|defect| defect.reason.starts_with("nested")) {
            // Syntax errors may have filled the list, and this reason must not be lost.
            self.defects.truncate(MAX_DEFECTS - 1);
            self.defect(node, SmolStr::new(format!("nested deeper than {MAX_NESTING} levels")));
        }
    }

    /// Lowers what can be lowered inside an `ERROR`.
    fn salvage(&mut self) {
        if self.depth >= MAX_NESTING {
            return;
        }
        self.depth += 1;
        let mut found = Vec::new();
        let mut child = self.enter();
        while let Some(at) = child {
            if at.kind.is_named() {
                self.stmt(at, &mut found);
            }
            found.append(&mut self.stray);
            child = self.next();
        }
        found.append(&mut self.stray);
        found.retain(|stmt| !is_nothing(stmt));
        self.stray = found;
        self.depth -= 1;
    }

    fn comment(&mut self, node: Node<'t>) {
        let source = self.source(node);
        let (text, doc) = strings::comment_text(source);
        let span = self.span(node);
        self.comments.push(Comment { span, text, doc });
    }

    /// Appends what errors left behind.
    fn flush(&mut self, out: &mut Block) {
        if !self.stray.is_empty() {
            out.append(&mut self.stray);
        }
    }
}

fn is_nothing(stmt: &Stmt) -> bool {
    match &stmt.kind {
        StmtKind::Pass => true,
        StmtKind::Expr(expr) => matches!(&expr.kind, ExprKind::Other(inner) if inner.is_empty()),
        _ => false,
    }
}

fn offset(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}
