//! Types, lowered to expressions where they are simple.

use smol_str::SmolStr;

use super::{At, Kind, Lowering};
use crate::module::{Expr, ExprKind, MAX_NESTING};

impl<'t> Lowering<'t, '_> {
    /// The type behind a colon.
    pub(super) fn annotation(&mut self) -> Expr {
        let here = self.walk.node();
        let mut found = None;
        let mut child = self.enter();
        while let Some(at) = child {
            if at.kind.is_named() {
                found = Some(self.ty(at));
            }
            child = self.next();
        }
        found.unwrap_or_else(|| self.nothing(At { kind: Kind::TypeAnnotation, node: here }))
    }

    pub(super) fn ty(&mut self, at: At<'t>) -> Expr {
        if self.depth >= MAX_NESTING {
            self.too_deep(at.node);
            return self.nothing(at);
        }
        self.depth += 1;
        let expr = self.ty_within(at);
        self.depth -= 1;
        expr
    }

    fn ty_within(&mut self, at: At<'t>) -> Expr {
        let kind = match at.kind {
            Kind::Identifier | Kind::TypeIdentifier | Kind::PredefinedType | Kind::ThisType => {
                ExprKind::Name(self.word(at.node))
            }
            Kind::NestedTypeIdentifier | Kind::NestedIdentifier => return self.expr(at),
            Kind::LiteralType => match self.operand() {
                Some(literal) => return literal,
                None => ExprKind::Other(Vec::new()),
            },
            Kind::ParenthesizedType | Kind::ReadonlyType => {
                let mut inner = self.types();
                match inner.pop() {
                    Some(inner) => return inner,
                    None => ExprKind::Other(Vec::new()),
                }
            }
            Kind::GenericType => self.generic(at),
            Kind::ArrayType => {
                let span = self.span(at.node);
                let key = self.types().pop().unwrap_or_else(|| self.nothing(at));
                let array = ExprKind::Name(SmolStr::new_static("Array"));
                let object = Box::new(Expr { span, kind: array });
                ExprKind::Index { object, key: Box::new(key), optional: false }
            }
            Kind::UnionType | Kind::IntersectionType | Kind::TupleType => {
                let mut all = Vec::new();
                for inner in self.types() {
                    match inner.kind {
                        // `A | B | C` is a chain of pairs.
                        ExprKind::Other(mut parts) if at.kind == Kind::UnionType => {
                            all.append(&mut parts);
                        }
                        _ => all.push(inner),
                    }
                }
                ExprKind::Other(all)
            }
            _ => {
                self.skim(at.node);
                ExprKind::Other(Vec::new())
            }
        };
        Expr { span: self.span(at.node), kind }
    }

    fn types(&mut self) -> Vec<Expr> {
        let mut types = Vec::new();
        let mut child = self.enter();
        while let Some(at) = child {
            if at.kind.is_named() {
                types.push(self.ty(at));
            }
            child = self.next();
        }
        types
    }

    /// `Promise<User>`; several arguments are a list.
    fn generic(&mut self, at: At<'t>) -> ExprKind {
        let (mut object, mut key) = (None, None);
        let mut child = self.enter();
        while let Some(inner) = child {
            if inner.kind == Kind::TypeArguments {
                let span = self.span(inner.node);
                let mut arguments = self.types();
                key = if arguments.len() == 1 {
                    arguments.pop()
                } else {
                    Some(Expr { span, kind: ExprKind::List(arguments) })
                };
            } else if inner.kind.is_named() {
                object = Some(self.ty(inner));
            }
            child = self.next();
        }
        let object = Box::new(object.unwrap_or_else(|| self.nothing(at)));
        ExprKind::Index {
            object,
            key: Box::new(key.unwrap_or_else(|| self.nothing(at))),
            optional: false,
        }
    }
}
