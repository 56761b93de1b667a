//! The patterns of `match`, as the expressions that they resemble.

use smol_str::SmolStr;
use tree_sitter::Node;

use super::kinds::Kind;
use super::{Lowering, nothing};
use crate::module::{Arg, Call, Entry, Expr, ExprKind, MAX_NESTING, Span};

impl<'t> Lowering<'t> {
    /// The path of a pattern, in which blanks may stand. One of more than [`MAX_NESTING`] names is
    /// one name.
    pub(super) fn dotted_name(&mut self, span: Span) -> Expr {
        let node = self.walk.node();
        if self.depth + node.named_child_count() > MAX_NESTING {
            return Expr { span, kind: ExprKind::Name(self.name(node)) };
        }
        let mut path: Option<Expr> = None;
        self.parts(|this, node, _| {
            let name = this.name(node);
            path = Some(match path.take() {
                None => Expr { span: this.walk.span(node), kind: ExprKind::Name(name) },
                Some(object) => Expr {
                    span: Span { end: this.walk.span(node).end, ..span },
                    kind: ExprKind::Attribute { object: Box::new(object), name, optional: false },
                },
            });
        });
        path.unwrap_or_else(|| nothing(span))
    }

    /// `_`, `-1`, or one pattern of any other form.
    pub(super) fn case_pattern(&mut self, node: Node<'t>, span: Span) -> Expr {
        let text = self.walk.text(node);
        match self.only() {
            None => Expr { span, kind: ExprKind::Name(SmolStr::new(text)) },
            Some(number) if text.starts_with('-') && matches!(number.kind, ExprKind::Number(_)) => {
                let operator = SmolStr::new_static("-");
                Expr { span, kind: ExprKind::Unary { operator, operand: Box::new(number) } }
            }
            Some(pattern) => pattern,
        }
    }

    pub(super) fn splat_pattern(&mut self, node: Node<'t>, span: Span) -> Box<Expr> {
        let name = self.walk.text(node).trim_start_matches('*').trim_start();
        Box::new(Expr { span, kind: ExprKind::Name(SmolStr::new(name)) })
    }

    /// The keys and values of the mapping pattern at hand, which stand side by side.
    pub(super) fn dict_pattern(&mut self) -> Vec<Entry> {
        let mut out = Vec::new();
        let mut key = None;
        self.parts(|this, node, kind| {
            let part = this.expr(node, kind);
            match kind {
                Kind::SplatPattern => {
                    let value = match part.kind {
                        ExprKind::Spread(name) => *name,
                        _ => part,
                    };
                    out.push(Entry { key: None, value });
                }
                Kind::CasePattern => out.push(Entry { key: key.take(), value: part }),
                _ => key = Some(part),
            }
        });
        out
    }

    /// `Point(0, y=1)`: a call of the class.
    pub(super) fn class_pattern(&mut self, span: Span) -> ExprKind {
        let mut callee = None;
        let mut args = Vec::new();
        self.parts(|this, node, kind| {
            if callee.is_none() {
                callee = Some(this.expr(node, kind));
                return;
            }
            let first = node.named_child(0);
            if !first.is_some_and(|first| this.kind(first) == Kind::KeywordPattern) {
                args.push(Arg { name: None, value: this.expr(node, kind) });
                return;
            }
            this.parts(|this, _, _| {
                let (name, value) = this.pair(span);
                let name = match name.kind {
                    ExprKind::Name(name) => Some(name),
                    _ => None,
                };
                args.push(Arg { name, value });
            });
        });
        let callee = callee.unwrap_or_else(|| nothing(span));
        ExprKind::Call(Box::new(Call {
            callee,
            args,
            new: false,
            is_macro: false,
            generics: Vec::new(),
        }))
    }
}
