//! Types and paths as expressions. Generic arguments of a type become an index, as they are in
//! Python's annotations: `State<AppState>` reads like `State[AppState]`.

use smol_str::SmolStr;
use syn::spanned::Spanned;
use syn::{GenericArgument, PathArguments, Type, TypeParamBound};

use super::{Lowering, cover, name, name_of};
use crate::module::{Expr, ExprKind, Span};

impl Lowering<'_> {
    pub(super) fn ty(&mut self, ty: &Type) -> Expr {
        if let Err(other) = self.enter(1, ty) {
            return other;
        }
        let lowered = self.ty_inside(ty);
        self.depth -= 1;
        lowered
    }

    fn ty_inside(&mut self, ty: &Type) -> Expr {
        match ty {
            Type::Path(path) => self.type_path(path.qself.as_ref(), &path.path),
            Type::Reference(reference) => {
                let at = self.span(reference.and_token.span);
                let operand = self.ty(&reference.elem);
                unary(at, "&", operand)
            }
            Type::Ptr(pointer) => {
                let at = self.span(pointer.star_token.span);
                let operand = self.ty(&pointer.elem);
                unary(at, "*", operand)
            }
            Type::Paren(paren) => self.ty(&paren.elem),
            Type::Group(group) => self.ty(&group.elem),
            Type::Tuple(tuple) => {
                let span = self.span(tuple.paren_token.span.join());
                let elements = tuple.elems.iter().map(|ty| self.ty(ty)).collect();
                Expr { span, kind: ExprKind::List(elements) }
            }
            Type::Slice(slice) => {
                let span = self.span(slice.bracket_token.span.join());
                Expr { span, kind: ExprKind::List(vec![self.ty(&slice.elem)]) }
            }
            Type::Array(array) => {
                let span = self.span(array.bracket_token.span.join());
                let parts = vec![self.ty(&array.elem), self.expr(&array.len)];
                Expr { span, kind: ExprKind::Other(parts) }
            }
            Type::ImplTrait(bounds) => {
                let at = self.span(bounds.impl_token.span);
                self.bounded(at, "impl", bounds.bounds.iter())
            }
            Type::TraitObject(bounds) => {
                let at = match &bounds.dyn_token {
                    Some(token) => self.span(token.span),
                    None => self.span(bounds.span()),
                };
                self.bounded(at, "dyn", bounds.bounds.iter())
            }
            Type::Infer(infer) => name(self.span(infer.underscore_token.span), "_"),
            Type::Never(never) => name(self.span(never.bang_token.span), "!"),
            Type::Macro(invocation) => self.invocation(&invocation.mac),
            _ => Expr { span: self.span(ty.span()), kind: ExprKind::Other(Vec::new()) },
        }
    }

    fn bounded<'b>(
        &mut self,
        at: Span,
        operator: &'static str,
        bounds: impl Iterator<Item = &'b TypeParamBound>,
    ) -> Expr {
        let mut paths = self.bounds(bounds);
        let operand = if paths.len() == 1 {
            paths.remove(0)
        } else {
            let span = paths.last().map_or(at, |last| cover(at, last.span));
            Expr { span, kind: ExprKind::List(paths) }
        };
        unary(at, operator, operand)
    }

    /// The traits among bounds.
    pub(super) fn bounds<'b>(
        &mut self,
        bounds: impl Iterator<Item = &'b TypeParamBound>,
    ) -> Vec<Expr> {
        bounds
            .filter_map(|bound| match bound {
                TypeParamBound::Trait(bound) => Some(self.type_path(None, &bound.path)),
                _ => None,
            })
            .collect()
    }

    pub(super) fn type_path(&mut self, qself: Option<&syn::QSelf>, path: &syn::Path) -> Expr {
        let object = self.path(qself, path);
        let Some(last) = path.segments.last() else {
            return object;
        };
        let (mut keys, end) = match &last.arguments {
            PathArguments::None => return object,
            PathArguments::AngleBracketed(generics) => {
                (self.types_in(generics), generics.gt_token.span)
            }
            PathArguments::Parenthesized(function) => {
                let mut keys: Vec<Expr> =
                    function.inputs.iter().map(|input| self.ty(&input.ty)).collect();
                if let syn::ReturnType::Type(_, result) = &function.output {
                    keys.push(self.ty(result));
                }
                (keys, function.paren_token.span.close())
            }
        };
        let span = cover(object.span, self.span(end));
        let key = match keys.len() {
            0 => return object,
            1 => keys.remove(0),
            _ => {
                let whole = cover(keys[0].span, keys[keys.len() - 1].span);
                Expr { span: whole, kind: ExprKind::List(keys) }
            }
        };
        Expr {
            span,
            kind: ExprKind::Index { object: Box::new(object), key: Box::new(key), optional: false },
        }
    }

    /// The types between angle brackets.
    pub(super) fn types_in(&mut self, generics: &syn::AngleBracketedGenericArguments) -> Vec<Expr> {
        generics
            .args
            .iter()
            .filter_map(|argument| match argument {
                GenericArgument::Type(ty) => Some(self.ty(ty)),
                GenericArgument::Const(value) => Some(self.expr(value)),
                GenericArgument::AssocType(binding) => Some(self.ty(&binding.ty)),
                _ => None,
            })
            .collect()
    }

    /// The types that a segment of a path names.
    pub(super) fn named_types(&mut self, segment: Option<&syn::PathSegment>) -> Vec<Expr> {
        match segment.map(|segment| &segment.arguments) {
            Some(PathArguments::AngleBracketed(generics)) => self.types_in(generics),
            _ => Vec::new(),
        }
    }

    /// A path without its generic arguments; `<S as T>::f` is `S::f`.
    pub(super) fn path(&mut self, qself: Option<&syn::QSelf>, path: &syn::Path) -> Expr {
        // Each segment becomes a level of its own.
        if let Err(other) = self.enter(path.segments.len(), path) {
            return other;
        }
        let mut segments = path.segments.iter();
        let mut lowered = match qself {
            Some(qself) => {
                segments.by_ref().take(qself.position).for_each(drop);
                Some(self.ty(&qself.ty))
            }
            None => None,
        };
        for segment in segments {
            let at = self.span(segment.ident.span());
            let segment = name_of(&segment.ident);
            lowered = Some(match lowered {
                None => Expr { span: at, kind: ExprKind::Name(segment) },
                Some(object) => Expr {
                    span: cover(object.span, at),
                    kind: ExprKind::Attribute {
                        object: Box::new(object),
                        name: segment,
                        optional: false,
                    },
                },
            });
        }
        self.depth -= path.segments.len();
        lowered.unwrap_or(Expr { span: Span::default(), kind: ExprKind::Other(Vec::new()) })
    }
}

/// A prefix operator; its place reaches to the operand's end.
pub(super) fn unary(at: Span, operator: &'static str, operand: Expr) -> Expr {
    Expr {
        span: cover(at, operand.span),
        kind: ExprKind::Unary {
            operator: SmolStr::new_static(operator),
            operand: Box::new(operand),
        },
    }
}
