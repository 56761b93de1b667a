//! Patterns as expressions: what they look like is what they are written as.

use smol_str::SmolStr;
use syn::Pat;
use syn::spanned::Spanned;

use super::expressions::member_name;
use super::types::unary;
use super::{Lowering, cover, name, name_of};
use crate::module::{Arg, Call, Expr, ExprKind};

impl Lowering<'_> {
    pub(super) fn pattern(&mut self, pattern: &Pat) -> Expr {
        if let Err(other) = self.enter(1, pattern) {
            return other;
        }
        let lowered = self.pattern_inside(pattern);
        self.depth -= 1;
        lowered
    }

    fn patterns<'p>(&mut self, patterns: impl Iterator<Item = &'p Pat>) -> Vec<Expr> {
        patterns.map(|pattern| self.pattern(pattern)).collect()
    }

    fn pattern_inside(&mut self, pattern: &Pat) -> Expr {
        match pattern {
            Pat::Ident(binding) => {
                let span = self.span(binding.ident.span());
                let bound = name_of(&binding.ident);
                let kind = if bound == "None" { ExprKind::None } else { ExprKind::Name(bound) };
                let target = Expr { span, kind };
                match &binding.subpat {
                    None => target,
                    Some((_, inner)) => {
                        let inner = self.pattern(inner);
                        let span = cover(span, inner.span);
                        Expr { span, kind: ExprKind::Other(vec![target, inner]) }
                    }
                }
            }
            Pat::Wild(wild) => name(self.span(wild.underscore_token.span), "_"),
            Pat::Lit(literal) => self.literal(&literal.lit),
            Pat::Path(path) => self.path(path.qself.as_ref(), &path.path),
            Pat::Macro(invocation) => self.invocation(&invocation.mac),
            Pat::Paren(paren) => self.pattern(&paren.pat),
            Pat::Type(typed) => self.pattern(&typed.pat),
            Pat::Guard(guarded) => self.pattern(&guarded.pat),
            Pat::Reference(reference) => {
                let at = self.span(reference.and_token.span);
                let operand = self.pattern(&reference.pat);
                unary(at, "&", operand)
            }
            Pat::Tuple(tuple) => {
                let span = self.span(tuple.paren_token.span.join());
                Expr { span, kind: ExprKind::List(self.patterns(tuple.elems.iter())) }
            }
            Pat::Slice(slice) => {
                let span = self.span(slice.bracket_token.span.join());
                Expr { span, kind: ExprKind::List(self.patterns(slice.elems.iter())) }
            }
            Pat::TupleStruct(tuple) => {
                let callee = self.path(tuple.qself.as_ref(), &tuple.path);
                let span = cover(callee.span, self.span(tuple.paren_token.span.close()));
                let args = self
                    .patterns(tuple.elems.iter())
                    .into_iter()
                    .map(|value| Arg { name: None, value })
                    .collect();
                let call = Call { callee, args, new: false, is_macro: false, generics: Vec::new() };
                Expr { span, kind: ExprKind::Call(Box::new(call)) }
            }
            Pat::Struct(fields) => {
                let callee = self.path(fields.qself.as_ref(), &fields.path);
                let span = cover(callee.span, self.span(fields.brace_token.span.close()));
                let args = fields
                    .fields
                    .iter()
                    .map(|field| Arg {
                        name: Some(member_name(&field.member)),
                        value: self.pattern(&field.pat),
                    })
                    .collect();
                let call = Call { callee, args, new: true, is_macro: false, generics: Vec::new() };
                Expr { span, kind: ExprKind::Call(Box::new(call)) }
            }
            Pat::Or(or) => {
                let cases = self.patterns(or.cases.iter());
                let span = match (cases.first(), cases.last()) {
                    (Some(first), Some(last)) => cover(first.span, last.span),
                    _ => self.span(or.span()),
                };
                Expr { span, kind: ExprKind::Other(cases) }
            }
            Pat::Range(range) => self.range(range),
            Pat::Rest(rest) => {
                let span = self.span(rest.dot2_token.spans[0]);
                Expr { span, kind: ExprKind::Name(SmolStr::new_static("..")) }
            }
            Pat::Const(block) => self.block_value(&block.block),
            _ => Expr { span: self.span(pattern.span()), kind: ExprKind::Other(Vec::new()) },
        }
    }

    /// A pattern and the guard that syn keeps inside it.
    pub(super) fn guarded_pattern(&mut self, pattern: &Pat) -> (Expr, Option<Expr>) {
        match pattern {
            Pat::Guard(guarded) => (self.pattern(&guarded.pat), Some(self.expr(&guarded.guard))),
            _ => (self.pattern(pattern), None),
        }
    }
}
