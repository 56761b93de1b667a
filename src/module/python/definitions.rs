//! Functions, lambdas, classes and their decorators.

use tree_sitter::Node;

use super::kinds::Kind;
use super::{Lowering, nothing};
use crate::module::{Arg, Class, Expr, ExprKind, Function, Param, Span, Stmt, StmtKind};

impl<'t> Lowering<'t> {
    pub(super) fn decorated(&mut self) -> Option<StmtKind> {
        let mut decorators = Vec::new();
        let mut lowered = None;
        self.children(|this, node, kind| {
            let span = this.walk.span(node);
            match kind {
                Kind::Decorator => decorators.extend(this.only()),
                Kind::Function => {
                    let function = this.function(span, std::mem::take(&mut decorators));
                    lowered = Some(StmtKind::Function(Box::new(function)));
                }
                Kind::Class => {
                    let class = this.class(span, std::mem::take(&mut decorators));
                    lowered = Some(StmtKind::Class(Box::new(class)));
                }
                _ => {}
            }
        });
        lowered
    }

    pub(super) fn function(&mut self, span: Span, decorators: Vec<Expr>) -> Function {
        let yields = std::mem::take(&mut self.yields);
        let mut function = Function {
            name: None,
            name_span: span,
            span,
            decorators,
            params: Vec::new(),
            returns: None,
            body: Vec::new(),
            is_async: self.walk.text(self.walk.node()).starts_with("async"),
            is_generator: false,
            is_abstract: false,
            is_getter: false,
            is_static: false,
            generics: Vec::new(),
        };
        self.children(|this, node, kind| match kind {
            Kind::Identifier => {
                function.name = Some(this.name(node));
                function.name_span = this.walk.span(node);
            }
            Kind::Parameters => function.params = this.params(),
            Kind::Type => function.returns = Some(this.expr(node, kind)),
            Kind::Block => function.body = this.block(true),
            Kind::Error => this.statement(node, kind, false, &mut function.body),
            _ => {}
        });
        function.is_generator = std::mem::replace(&mut self.yields, yields);
        function.is_abstract = function.decorators.iter().any(declares_only)
            || function.body.last().is_some_and(|last| self.is_ellipsis(last))
                && function
                    .body
                    .iter()
                    .all(|stmt| matches!(stmt.kind, StmtKind::Doc(_) | StmtKind::Pass));
        function
    }

    pub(super) fn lambda(&mut self, span: Span) -> Function {
        let yields = std::mem::take(&mut self.yields);
        let mut params = Vec::new();
        let mut body = Vec::new();
        self.parts(|this, node, kind| {
            if kind == Kind::LambdaParameters {
                params = this.params();
            } else {
                let span = this.walk.span(node);
                let value = this.expr(node, kind);
                body.push(Stmt { span, kind: StmtKind::Return(Some(value)) });
            }
        });
        Function {
            name: None,
            name_span: span,
            span,
            decorators: Vec::new(),
            params,
            returns: None,
            body,
            is_async: false,
            is_generator: std::mem::replace(&mut self.yields, yields),
            is_abstract: false,
            is_getter: false,
            is_static: false,
            generics: Vec::new(),
        }
    }

    fn is_ellipsis(&self, stmt: &Stmt) -> bool {
        let range = stmt.span.start as usize..stmt.span.end as usize;
        self.walk.text.get(range).is_some_and(|text| text.starts_with("..."))
    }

    fn params(&mut self) -> Vec<Param> {
        let mut out = self.sized();
        self.children(|this, node, kind| out.extend(this.param(node, kind)));
        out
    }

    /// A parameter; the separators `*` and `/` are none.
    fn param(&mut self, node: Node<'t>, kind: Kind) -> Option<Param> {
        let mut parts = Parts::default();
        match kind {
            Kind::KeywordSeparator | Kind::PositionalSeparator | Kind::Error => return None,
            Kind::TypedParameter | Kind::DefaultParameter | Kind::TypedDefaultParameter => {
                self.parts(|this, node, kind| this.param_part(node, kind, &mut parts));
            }
            _ => self.param_part(node, kind, &mut parts),
        }
        Some(Param {
            target: parts.target.unwrap_or_else(|| nothing(self.walk.span(node))),
            default: parts.default,
            annotation: parts.annotation,
            decorators: Vec::new(),
            rest: parts.rest,
            keyword_rest: parts.keyword_rest,
        })
    }

    fn param_part(&mut self, node: Node<'t>, kind: Kind, parts: &mut Parts) {
        match kind {
            Kind::Type => parts.annotation = Some(self.expr(node, kind)),
            _ if parts.target.is_some() => parts.default = Some(self.expr(node, kind)),
            Kind::ListSplatPattern | Kind::DictionarySplatPattern => {
                parts.target = self.only();
                parts.rest = kind == Kind::ListSplatPattern;
                parts.keyword_rest = !parts.rest;
            }
            _ => parts.target = Some(self.expr(node, kind)),
        }
    }

    pub(super) fn class(&mut self, span: Span, decorators: Vec<Expr>) -> Class {
        let mut class = Class {
            name: None,
            name_span: span,
            span,
            decorators,
            bases: Vec::new(),
            body: Vec::new(),
            is_interface: false,
            of: None,
        };
        self.children(|this, node, kind| match kind {
            Kind::Identifier => {
                class.name = Some(this.name(node));
                class.name_span = this.walk.span(node);
            }
            Kind::ArgumentList => class.bases = this.args(),
            Kind::Block => class.body = this.block(true),
            Kind::Error => this.statement(node, kind, false, &mut class.body),
            _ => {}
        });
        class.is_interface = class.bases.iter().any(|base| match &base.value.kind {
            ExprKind::Index { object, .. } => is_protocol(object),
            _ => is_protocol(&base.value),
        });
        class
    }

    /// The arguments of the call or class at hand.
    pub(super) fn args(&mut self) -> Vec<Arg> {
        let mut out = self.sized();
        self.children(|this, node, kind| {
            let arg = match kind {
                Kind::Argument => {
                    let mut name = None;
                    let mut value = None;
                    this.parts(|this, node, kind| {
                        if name.is_none() {
                            name = Some(this.name(node));
                        } else {
                            value = Some(this.expr(node, kind));
                        }
                    });
                    Arg { name, value: value.unwrap_or_else(|| nothing(this.walk.span(node))) }
                }
                _ => Arg { name: None, value: this.expr(node, kind) },
            };
            out.push(arg);
        });
        out
    }
}

#[derive(Default)]
struct Parts {
    target: Option<Expr>,
    annotation: Option<Expr>,
    default: Option<Expr>,
    rest: bool,
    keyword_rest: bool,
}

/// `@abstractmethod`, `@typing.overload`.
fn declares_only(decorator: &Expr) -> bool {
    match &decorator.kind {
        ExprKind::Name(name) | ExprKind::Attribute { name, .. } => {
            matches!(name.as_str(), "abstractmethod" | "overload")
        }
        _ => false,
    }
}

/// `Protocol`, `typing.Protocol`.
fn is_protocol(base: &Expr) -> bool {
    matches!(&base.kind, ExprKind::Name(name) | ExprKind::Attribute { name, .. } if name == "Protocol")
}
