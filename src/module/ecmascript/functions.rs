//! Functions, methods, arrow functions, and their parameters.

use smol_str::SmolStr;

use super::{At, Kind, Lowering};
use crate::module::{Bind, Expr, ExprKind, Function, Param, Stmt, StmtKind};

impl<'t> Lowering<'t, '_> {
    /// Any node that is a function: a declaration, an expression, a method, a signature.
    /// `decorators` are those that stood before it.
    pub(super) fn function(&mut self, at: At<'t>, decorators: Vec<Expr>) -> Function {
        let span = self.span(at.node);
        let mut function = Function {
            name: None,
            name_span: span,
            span,
            decorators,
            params: Vec::new(),
            returns: None,
            body: Vec::new(),
            is_async: false,
            is_generator: false,
            is_abstract: true,
            is_getter: false,
            is_static: false,
            generics: Vec::new(),
        };
        let is_arrow = at.kind == Kind::ArrowFunction;
        let mut past_arrow = false;
        let mut is_begun = false;
        let mut properties = Vec::new();
        let mut child = self.enter();
        while let Some(inner) = child {
            if inner.kind != Kind::Decorator && !is_begun {
                is_begun = true;
                let first = self.span(inner.node);
                (function.span.start, function.span.line) = (first.start, first.line);
            }
            match inner.kind {
                Kind::Decorator => function.decorators.extend(self.operand()),
                Kind::AsyncWord => function.is_async = true,
                Kind::Star => function.is_generator = true,
                Kind::Arrow => past_arrow = true,
                Kind::FormalParameters => (function.params, properties) = self.params(),
                Kind::TypeAnnotation => function.returns = Some(self.annotation()),
                Kind::StatementBlock => {
                    function.is_abstract = false;
                    let body = self.nested(inner, |this| this.statements(true));
                    // `constructor(private readonly app: App)` also assigns to the field.
                    function.body = properties.iter().map(assigns_field).collect();
                    function.body.extend(body.unwrap_or_default());
                }
                Kind::TypeParameters | Kind::Asserts | Kind::TypePredicate => {
                    self.skim(inner.node);
                }
                Kind::AccessibilityModifier | Kind::OverrideModifier => {}
                _ if !inner.kind.is_named() => {
                    // The grammars read `static get` as one word where they can.
                    let word = inner.node.kind();
                    let before = function.name.is_none();
                    function.is_getter |= before && matches!(word, "get" | "static get");
                    function.is_static |= before && matches!(word, "static" | "static get");
                }
                _ if past_arrow => {
                    function.is_abstract = false;
                    let value = self.expr(inner);
                    let span = value.span;
                    function.body.push(Stmt { span, kind: StmtKind::Return(Some(value)) });
                }
                _ if is_arrow => {
                    let target = self.expr(inner);
                    function.params.push(param(target));
                }
                _ if function.name.is_none() => {
                    function.name_span = self.span(inner.node);
                    function.name = Some(self.property_name(inner));
                }
                _ => self.skim(inner.node),
            }
            child = self.next();
        }
        if function.name.is_none() {
            function.name_span = function.span;
        }
        function
    }

    /// The name of a method or field. A computed one is kept as written.
    pub(super) fn property_name(&mut self, at: At<'t>) -> SmolStr {
        match at.kind {
            Kind::Str => self.string_word(at),
            _ => self.word(at.node),
        }
    }

    /// Parameters, and which of them are fields too.
    fn params(&mut self) -> (Vec<Param>, Vec<Expr>) {
        let mut params = Vec::new();
        let mut properties = Vec::new();
        let mut child = self.enter();
        while let Some(at) = child {
            match at.kind {
                Kind::RequiredParameter | Kind::OptionalParameter => {
                    let (param, is_property) = self.typed_param();
                    properties.extend(
                        param.iter().filter(|_| is_property).map(|param| param.target.clone()),
                    );
                    params.extend(param);
                }
                Kind::AssignmentPattern => {
                    let (target, default) = self.assignment();
                    params.push(Param { default, ..param(target) });
                }
                _ if at.kind.is_named() => params.push(param(self.expr(at))),
                _ => {}
            }
            child = self.next();
        }
        (params, properties)
    }

    /// A parameter of TypeScript, with modifiers, type and default.
    fn typed_param(&mut self) -> (Option<Param>, bool) {
        let mut is_property = false;
        let mut decorators = Vec::new();
        let (mut target, mut default, mut annotation) = (None, None, None);
        let mut child = self.enter();
        while let Some(at) = child {
            match at.kind {
                Kind::Decorator => decorators.extend(self.operand()),
                Kind::TypeAnnotation => annotation = Some(self.annotation()),
                Kind::AccessibilityModifier | Kind::OverrideModifier => is_property = true,
                _ if at.node.kind() == "readonly" => is_property = true,
                _ if at.kind.is_named() => {
                    let slot = if target.is_none() { &mut target } else { &mut default };
                    *slot = Some(self.expr(at));
                }
                _ => {}
            }
            child = self.next();
        }
        // `this: T` says a type and takes no argument.
        let target =
            target.filter(|at| !matches!(&at.kind, ExprKind::Name(name) if name == "this"));
        let param = target.map(|target| Param { default, annotation, decorators, ..param(target) });
        (param, is_property)
    }
}

/// `this.name = name`
fn assigns_field(name: &Expr) -> Stmt {
    let this = Expr { span: name.span, kind: ExprKind::Name("this".into()) };
    let field = match &name.kind {
        ExprKind::Name(field) => field.clone(),
        _ => SmolStr::default(),
    };
    let target = ExprKind::Attribute { object: Box::new(this), name: field, optional: false };
    let bind = Bind {
        target: Expr { span: name.span, kind: target },
        value: Some(name.clone()),
        annotation: None,
        operator: None,
    };
    Stmt { span: name.span, kind: StmtKind::Bind(bind) }
}

/// A parameter of which only the pattern is known. `...rest` comes as a spread.
fn param(target: Expr) -> Param {
    let (target, rest) = match target.kind {
        ExprKind::Spread(inner) => (*inner, true),
        kind => (Expr { kind, ..target }, false),
    };
    Param {
        target,
        default: None,
        annotation: None,
        decorators: Vec::new(),
        rest,
        keyword_rest: false,
    }
}
