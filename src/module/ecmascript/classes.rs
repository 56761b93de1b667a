//! Classes, interfaces, enumerations.

use smol_str::{SmolStr, ToSmolStr};

use super::{At, Kind, Lowering};
use crate::module::{
    Arg, Bind, Block, Class, Expr, ExprKind, Function, Param, Span, Stmt, StmtKind,
};

impl<'t> Lowering<'t, '_> {
    /// A class, as a statement or an expression.
    pub(super) fn class(&mut self, at: At<'t>) -> Class {
        let mut class = self.new_class(at, false);
        let mut is_begun = false;
        let mut child = self.enter();
        while let Some(inner) = child {
            if inner.kind != Kind::Decorator && !is_begun {
                is_begun = true;
                let first = self.span(inner.node);
                (class.span.start, class.span.line) = (first.start, first.line);
            }
            match inner.kind {
                Kind::Decorator => class.decorators.extend(self.operand()),
                Kind::Identifier | Kind::TypeIdentifier => self.set_name(inner, &mut class),
                Kind::ClassHeritage => self.heritage(&mut class.bases),
                Kind::ClassBody => class.body = self.members(),
                Kind::TypeParameters => self.skim(inner.node),
                _ => {}
            }
            child = self.next();
        }
        if class.name.is_none() {
            class.name_span = class.span;
        }
        class
    }

    pub(super) fn interface(&mut self, at: At<'t>) -> Class {
        let mut class = self.new_class(at, true);
        let mut child = self.enter();
        while let Some(inner) = child {
            match inner.kind {
                Kind::Identifier | Kind::TypeIdentifier => self.set_name(inner, &mut class),
                Kind::ExtendsTypeClause => self.type_bases(None, &mut class.bases),
                Kind::InterfaceBody | Kind::ObjectType => class.body = self.members(),
                Kind::TypeParameters => self.skim(inner.node),
                _ => {}
            }
            child = self.next();
        }
        class
    }

    fn new_class(&self, at: At<'t>, is_interface: bool) -> Class {
        let span = self.span(at.node);
        Class {
            name: None,
            name_span: span,
            span,
            decorators: Vec::new(),
            bases: Vec::new(),
            body: Vec::new(),
            is_interface,
            of: None,
        }
    }

    fn set_name(&self, at: At<'t>, class: &mut Class) {
        class.name = Some(self.word(at.node));
        class.name_span = self.span(at.node);
    }

    /// `extends A implements B`. JavaScript has the expression here, TypeScript two clauses.
    fn heritage(&mut self, bases: &mut Vec<Arg>) {
        let mut child = self.enter();
        while let Some(at) = child {
            match at.kind {
                Kind::ExtendsClause => self.heritage(bases),
                Kind::ImplementsClause => self.type_bases(Some("implements"), bases),
                Kind::TypeArguments => self.skim(at.node),
                _ if at.kind.is_named() => bases.push(Arg { name: None, value: self.expr(at) }),
                _ => {}
            }
            child = self.next();
        }
    }

    fn type_bases(&mut self, name: Option<&'static str>, bases: &mut Vec<Arg>) {
        let mut child = self.enter();
        while let Some(at) = child {
            if at.kind.is_named() {
                let name = name.map(SmolStr::new_static);
                bases.push(Arg { name, value: self.ty(at) });
            }
            child = self.next();
        }
    }

    fn members(&mut self) -> Block {
        let mut out = Vec::new();
        let mut decorators: Vec<Expr> = Vec::new();
        let mut child = self.enter();
        while let Some(at) = child {
            match at.kind {
                Kind::Decorator => decorators.extend(self.operand()),
                _ if at.kind.is_named() => {
                    self.member_stmt(at, std::mem::take(&mut decorators), &mut out);
                }
                _ => {}
            }
            self.flush(&mut out);
            child = self.next();
        }
        self.flush(&mut out);
        out
    }

    fn member_stmt(&mut self, at: At<'t>, decorators: Vec<Expr>, out: &mut Block) {
        let span = self.span(at.node);
        match at.kind {
            Kind::MethodDefinition | Kind::MethodSignature | Kind::AbstractMethodSignature => {
                let Some(function) = self.nested(at, |this| this.function(at, decorators)) else {
                    return;
                };
                self.parameter_properties(at, &function, out);
                let span = function
                    .decorators
                    .first()
                    .map_or(span, |first| Span { end: span.end, ..first.span });
                out.push(Stmt { span, kind: StmtKind::Function(Box::new(function)) });
            }
            Kind::FieldDefinition | Kind::PublicFieldDefinition | Kind::PropertySignature => {
                self.field(at, decorators, out);
            }
            Kind::ClassStaticBlock => {
                let mut child = self.enter();
                while let Some(inner) = child {
                    if inner.kind == Kind::StatementBlock {
                        let body = self.body(inner);
                        out.push(Stmt { span, kind: StmtKind::Block(body) });
                    }
                    child = self.next();
                }
            }
            // Index, call and construct signatures say only types.
            _ => self.skim(at.node),
        }
    }

    /// A field. Its decorators become statements before it: a binding has no place for them.
    fn field(&mut self, at: At<'t>, mut decorators: Vec<Expr>, out: &mut Block) {
        let span = self.span(at.node);
        let (mut target, mut value, mut annotation) = (None, None, None);
        let mut child = self.enter();
        while let Some(inner) = child {
            match inner.kind {
                Kind::Decorator => decorators.extend(self.operand()),
                Kind::TypeAnnotation => annotation = Some(self.annotation()),
                Kind::AccessibilityModifier | Kind::OverrideModifier => {}
                _ if !inner.kind.is_named() => {}
                _ if target.is_none() => {
                    let span = self.span(inner.node);
                    let name = self.property_name(inner);
                    target = Some(Expr { span, kind: ExprKind::Name(name) });
                }
                _ => value = Some(self.expr(inner)),
            }
            child = self.next();
        }
        for decorator in decorators {
            out.push(Stmt { span: decorator.span, kind: StmtKind::Expr(decorator) });
        }
        if let Some(target) = target {
            let bind = Bind { target, value, annotation, operator: None };
            out.push(Stmt { span, kind: StmtKind::Bind(bind) });
        }
    }

    /// `constructor(private http: HttpClient)` declares the field `http`.
    fn parameter_properties(&self, at: At<'t>, function: &Function, out: &mut Block) {
        if function.name.as_deref() != Some("constructor") {
            return;
        }
        for Param { target, annotation, .. } in &function.params {
            if !matches!(target.kind, ExprKind::Name(_)) {
                continue;
            }
            // A modifier stands directly before the name, whatever decorators come first.
            let from = at.node.start_byte();
            let here = self.span(at.node).start;
            let name_at = from + (target.span.start.saturating_sub(here)) as usize;
            let before = self.walk.text.get(from..name_at).unwrap_or_default().trim_end();
            let word = before.rsplit(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
            if matches!(word, "public" | "private" | "protected" | "readonly" | "override") {
                let bind = Bind {
                    target: target.clone(),
                    value: None,
                    annotation: annotation.clone(),
                    operator: None,
                };
                out.push(Stmt { span: target.span, kind: StmtKind::Bind(bind) });
            }
        }
    }

    /// An enumeration is a class with one binding per member; members without a value count on
    /// from the number before them.
    pub(super) fn enumeration(&mut self, at: At<'t>) -> Class {
        let mut class = self.new_class(at, false);
        let mut child = self.enter();
        while let Some(inner) = child {
            match inner.kind {
                Kind::Identifier | Kind::TypeIdentifier => self.set_name(inner, &mut class),
                Kind::EnumBody => class.body = self.enum_members(),
                _ => {}
            }
            child = self.next();
        }
        class
    }

    fn enum_members(&mut self) -> Block {
        let mut out = Vec::new();
        let mut next = Some(0_i64);
        let mut child = self.enter();
        while let Some(at) = child {
            if at.kind.is_named() {
                let span = self.span(at.node);
                let (name, name_span, given) = self.enum_member(at);
                let value = given.or_else(|| {
                    let kind = ExprKind::Number(next?.to_smolstr());
                    Some(Expr { span, kind })
                });
                next = value.as_ref().and_then(integer).and_then(|value| value.checked_add(1));
                let target = Expr { span: name_span, kind: ExprKind::Name(name) };
                let bind = Bind { target, value, annotation: None, operator: None };
                out.push(Stmt { span, kind: StmtKind::Bind(bind) });
            }
            self.flush(&mut out);
            child = self.next();
        }
        self.flush(&mut out);
        out
    }

    fn enum_member(&mut self, at: At<'t>) -> (SmolStr, Span, Option<Expr>) {
        let mut name = None;
        let mut value = None;
        if at.kind == Kind::EnumAssignment {
            let mut child = self.enter();
            while let Some(inner) = child {
                if inner.kind.is_named() {
                    if name.is_none() {
                        name = Some((self.property_name(inner), self.span(inner.node)));
                    } else {
                        value = Some(self.expr(inner));
                    }
                }
                child = self.next();
            }
        }
        let (name, span) = name.unwrap_or_else(|| (self.property_name(at), self.span(at.node)));
        (name, span, value)
    }
}

fn integer(value: &Expr) -> Option<i64> {
    match &value.kind {
        ExprKind::Number(number) => number.parse().ok(),
        ExprKind::Unary { operator, operand } if operator == "-" => {
            integer(operand).and_then(i64::checked_neg)
        }
        _ => None,
    }
}
