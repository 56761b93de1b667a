//! Python, from tree-sitter. Files of Python 2 lower as far as the grammar knows it.

mod definitions;
mod expressions;
mod imports;
mod kinds;
mod patterns;
mod statements;
mod strings;
#[cfg(test)]
mod tests;

use smol_str::SmolStr;
use tree_sitter::Node;

use self::kinds::Kind;
use super::tree::{self, Grammar, Refusal, Walk, Walker};
use super::{Comment, Defect, Expr, ExprKind, MAX_DEFECTS, MAX_NESTING, Module, Span};
use crate::limits::Limits;
use crate::source::Language;

/// Lowers a Python file. It recurses at most [`MAX_NESTING`] levels deep; the thread needs a
/// stack of [`crate::limits::PARSE_STACK`] for that.
///
/// # Errors
/// See [`tree::parse`]. Syntax errors are no refusals but defects of the module.
pub(crate) fn lower(text: &str, limits: &Limits) -> Result<Module, Refusal> {
    let tree = tree::parse(Grammar::Python, text, limits)?;
    let root = tree.root_node();
    let mut lowering = Lowering {
        walk: Walk::new(&tree, text),
        kinds: kinds::table(),
        comments: Vec::new(),
        too_deep: Vec::new(),
        depth: 0,
        yields: false,
        type_only: false,
    };
    let body = lowering.block(true);
    let mut defects = if root.has_error() { lowering.walk.defects() } else { Vec::new() };
    if !lowering.too_deep.is_empty() {
        defects.append(&mut lowering.too_deep);
        defects.sort_by_key(|defect| defect.span);
        defects.truncate(MAX_DEFECTS);
    }
    Ok(Module { language: Language::Python, body, comments: lowering.comments, defects })
}

/// The lowering of one file: a walk that visits each node once, in order.
struct Lowering<'t> {
    walk: Walk<'t>,
    kinds: &'static [Kind],
    comments: Vec<Comment>,
    /// The places that lie deeper than [`MAX_NESTING`].
    too_deep: Vec<Defect>,
    depth: usize,
    /// Whether a `yield` has been seen in the function at hand.
    yields: bool,
    /// Whether the statements at hand stand under `if TYPE_CHECKING`.
    type_only: bool,
}

impl<'t> Walker<'t> for Lowering<'t> {
    #[inline]
    fn walk(&mut self) -> &mut Walk<'t> {
        &mut self.walk
    }
}

impl<'t> Lowering<'t> {
    /// Visits the named children of the node at hand, and its errors. Comments are collected on
    /// the way.
    #[inline]
    fn children(&mut self, mut visit: impl FnMut(&mut Self, Node<'t>, Kind)) {
        self.each(|this, node| match this.kind(node) {
            Kind::Token | Kind::Continuation => {}
            Kind::Comment => this.comment(node),
            kind => visit(this, node, kind),
        });
    }

    /// The same without errors, for nodes whose parts are told apart by their order.
    #[inline]
    fn parts(&mut self, mut visit: impl FnMut(&mut Self, Node<'t>, Kind)) {
        self.children(|this, node, kind| {
            if kind != Kind::Error {
                visit(this, node, kind);
            }
        });
    }

    #[inline]
    fn kind(&self, node: Node<'t>) -> Kind {
        self.kinds.get(usize::from(node.kind_id())).copied().unwrap_or(Kind::Error)
    }

    #[inline]
    fn name(&self, node: Node<'t>) -> SmolStr {
        SmolStr::new(self.walk.text(node))
    }

    /// A list with room for what the node at hand holds.
    fn sized<T>(&self) -> Vec<T> {
        Vec::with_capacity(self.walk.node().named_child_count())
    }

    #[inline(never)]
    fn comment(&mut self, node: Node<'t>) {
        let text = SmolStr::new(self.walk.text(node).trim_start_matches('#').trim());
        self.comments.push(Comment { span: self.walk.span(node), text, doc: false });
    }

    /// Whether nothing deeper may be lowered. Then this place is a defect.
    #[inline]
    fn is_too_deep(&mut self, span: Span) -> bool {
        if self.depth < MAX_NESTING {
            return false;
        }
        if self.too_deep.len() < MAX_DEFECTS {
            self.too_deep.push(Defect {
                span,
                reason: SmolStr::from(format!("nested deeper than {MAX_NESTING} levels")),
            });
        }
        true
    }
}

/// What stands for a part that broken code lacks.
fn nothing(span: Span) -> Expr {
    Expr { span: Span { end: span.start, ..span }, kind: ExprKind::Other(Vec::new()) }
}
