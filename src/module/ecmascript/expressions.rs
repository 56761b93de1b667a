//! Expressions and the patterns of destructuring, which look alike.

use smol_str::SmolStr;

use super::{At, Kind, Lowering};
use crate::module::{Arg, Call, Entry, Expr, ExprKind, MAX_NESTING, Span, TextPart};

impl<'t> Lowering<'t, '_> {
    pub(super) fn expr(&mut self, at: At<'t>) -> Expr {
        match at.kind {
            // The leaves are most of all expressions.
            Kind::Identifier
            | Kind::PropertyIdentifier
            | Kind::PrivatePropertyIdentifier
            | Kind::ShorthandProperty
            | Kind::ShorthandPropertyPattern
            | Kind::TypeIdentifier
            | Kind::This
            | Kind::Super
            | Kind::Import => return self.name(at),
            Kind::Str => return self.string(at),
            _ => {}
        }
        if self.depth >= MAX_NESTING {
            self.too_deep(at.node);
            return self.nothing(at);
        }
        self.depth += 1;
        let expr = self.expr_within(at);
        self.depth -= 1;
        expr
    }

    fn name(&self, at: At<'t>) -> Expr {
        let span = self.span(at.node);
        if !self.masks.is_empty()
            && let Some(hole) = self.hole_at(span)
        {
            return hole;
        }
        Expr { span, kind: ExprKind::Name(self.word(at.node)) }
    }

    fn expr_within(&mut self, at: At<'t>) -> Expr {
        let kind = match at.kind {
            Kind::ParenthesizedExpression
            | Kind::AsExpression
            | Kind::SatisfiesExpression
            | Kind::NonNullExpression
            | Kind::InstantiationExpression
            | Kind::TypeAssertion => return self.transparent(at),
            Kind::TemplateString => return self.template(at),
            Kind::JsxElement | Kind::JsxSelfClosingElement => return self.element(at),
            Kind::MemberExpression | Kind::NestedIdentifier | Kind::NestedTypeIdentifier => {
                self.member(at)
            }
            Kind::CallExpression | Kind::NewExpression => self.call(at),
            Kind::SubscriptExpression => self.subscript(at),
            Kind::Number => ExprKind::Number(self.word(at.node)),
            Kind::True => ExprKind::Bool(true),
            Kind::False => ExprKind::Bool(false),
            Kind::Null | Kind::Undefined => ExprKind::None,
            Kind::Object | Kind::ObjectPattern => ExprKind::Map(self.entries()),
            Kind::Array | Kind::ArrayPattern => ExprKind::List(self.items()),
            Kind::ArrowFunction
            | Kind::FunctionExpression
            | Kind::GeneratorFunction
            | Kind::MethodDefinition => ExprKind::Function(Box::new(self.function(at, Vec::new()))),
            Kind::ClassExpression => ExprKind::Class(Box::new(self.class(at))),
            Kind::AssignmentExpression
            | Kind::AssignmentPattern
            | Kind::ObjectAssignmentPattern => self.assign(at),
            Kind::AugmentedAssignment => self.assign_augmented(at),
            Kind::AwaitExpression => match self.operand() {
                Some(operand) => ExprKind::Await(Box::new(operand)),
                None => ExprKind::Name(self.word(at.node)),
            },
            Kind::SpreadElement | Kind::RestPattern => {
                let operand = self.operand().unwrap_or_else(|| self.nothing(at));
                ExprKind::Spread(Box::new(operand))
            }
            Kind::UnaryExpression | Kind::UpdateExpression => self.unary(at),
            Kind::BinaryExpression => self.binary(at),
            Kind::TernaryExpression => self.ternary(at),
            Kind::MetaProperty => self.meta_property(at),
            Kind::Regex => ExprKind::Regex(self.word(at.node)),
            Kind::TypeAnnotation
            | Kind::TypeArguments
            | Kind::TypeParameters
            | Kind::TypeAliasDeclaration => {
                self.skim(at.node);
                ExprKind::Other(Vec::new())
            }
            Kind::StatementBlock => ExprKind::Block(self.statements(false)),
            _ => ExprKind::Other(self.inner()),
        };
        Expr { span: self.span(at.node), kind }
    }

    /// A node that adds nothing to the expression in it: brackets, `as`, `!`.
    fn transparent(&mut self, at: At<'t>) -> Expr {
        let mut found = None;
        let mut child = self.enter();
        while let Some(inner) = child {
            let is_type = matches!(inner.kind, Kind::TypeArguments | Kind::TypeAnnotation);
            if inner.kind.is_named() && !is_type && found.is_none() {
                found = Some(self.expr(inner));
            } else {
                self.skim(inner.node);
            }
            child = self.next();
        }
        found.unwrap_or_else(|| self.nothing(at))
    }

    fn member(&mut self, at: At<'t>) -> ExprKind {
        if let Some(kind) = self.plain_path(at) {
            return kind;
        }
        let mut object = None;
        let mut name = SmolStr::default();
        let mut optional = false;
        let mut child = self.enter();
        while let Some(inner) = child {
            if object.is_none() {
                object = Some(self.expr(inner));
            } else if inner.kind == Kind::OptionalChain {
                optional = true;
            } else if inner.kind.is_named() {
                name = self.word(inner.node);
            }
            child = self.next();
        }
        let object = Box::new(object.unwrap_or_else(|| self.nothing(at)));
        ExprKind::Attribute { object, name, optional }
    }

    /// `a.b.c` of plain names is read from the source, without a look at its parts.
    fn plain_path(&self, at: At<'t>) -> Option<ExprKind> {
        let source = self.source(at.node);
        let room = MAX_NESTING.saturating_sub(self.depth);
        let is_plain = self.masks.is_empty()
            && !source.as_bytes().first()?.is_ascii_digit()
            && source.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'$' | b'.'));
        if !is_plain || source.bytes().filter(|byte| *byte == b'.').count() >= room {
            return None;
        }
        let whole = self.span(at.node);
        let first = source.find('.')?;
        let mut kind = ExprKind::Name(SmolStr::new(&source[..first]));
        let mut end = first;
        for name in source[first + 1..].split('.') {
            let span = Span { end: whole.start + super::offset(end), ..whole };
            let object = Box::new(Expr { span, kind });
            kind = ExprKind::Attribute { object, name: SmolStr::new(name), optional: false };
            end += 1 + name.len();
        }
        Some(kind)
    }

    fn subscript(&mut self, at: At<'t>) -> ExprKind {
        let (mut object, mut key, mut optional) = (None, None, false);
        let mut child = self.enter();
        while let Some(inner) = child {
            if inner.kind == Kind::OptionalChain {
                optional = true;
            } else if inner.kind.is_named() {
                let slot = if object.is_none() { &mut object } else { &mut key };
                *slot = Some(self.expr(inner));
            }
            child = self.next();
        }
        let object = Box::new(object.unwrap_or_else(|| self.nothing(at)));
        ExprKind::Index { object, key: Box::new(key.unwrap_or_else(|| self.nothing(at))), optional }
    }

    fn call(&mut self, at: At<'t>) -> ExprKind {
        let mut callee = None;
        let mut awaits = false;
        let mut args = Vec::new();
        let mut child = self.enter();
        while let Some(inner) = child {
            match inner.kind {
                Kind::Arguments if callee.is_some() => args = self.arguments(inner),
                Kind::TemplateString if callee.is_some() => {
                    let value = self.expr(inner);
                    args.push(Arg { name: None, value });
                }
                Kind::TypeArguments => self.skim(inner.node),
                Kind::OptionalChain => {}
                _ if inner.kind.is_named() && callee.is_none() => {
                    awaits = inner.kind == Kind::AwaitExpression;
                    callee = Some(self.expr(inner));
                }
                _ => {}
            }
            child = self.next();
        }
        let callee = callee.unwrap_or_else(|| self.nothing(at));
        let span = callee.span;
        let new = at.kind == Kind::NewExpression;
        let call = |callee| {
            ExprKind::Call(Box::new(Call {
                callee,
                args,
                new,
                is_macro: false,
                generics: Vec::new(),
            }))
        };
        match callee.kind {
            // The grammar reads `await f<T>(x)` as a call of `await f`.
            ExprKind::Await(called) if awaits => {
                ExprKind::Await(Box::new(Expr { span, kind: call(*called) }))
            }
            kind => call(Expr { span, kind }),
        }
    }

    fn arguments(&mut self, at: At<'t>) -> Vec<Arg> {
        if at.node.byte_range().len() <= "()".len() {
            return Vec::new();
        }
        let mut args = Vec::new();
        let mut child = self.enter();
        while let Some(at) = child {
            if at.kind.is_named() {
                args.push(Arg { name: None, value: self.expr(at) });
            }
            child = self.next();
        }
        args
    }

    /// The items of an array; one that is left out (`[, b]`) keeps its place.
    fn items(&mut self) -> Vec<Expr> {
        let mut items = Vec::new();
        let mut is_due = true;
        let mut child = self.enter();
        while let Some(at) = child {
            if at.kind == Kind::Comma {
                if is_due {
                    items.push(self.nothing(at));
                }
                is_due = true;
            } else if at.kind.is_named() {
                items.push(self.expr(at));
                is_due = false;
            }
            child = self.next();
        }
        items
    }

    fn entries(&mut self) -> Vec<Entry> {
        let mut entries = Vec::new();
        let mut child = self.enter();
        while let Some(at) = child {
            if at.kind.is_named() {
                entries.push(self.entry(at));
            }
            child = self.next();
        }
        entries
    }

    fn entry(&mut self, at: At<'t>) -> Entry {
        match at.kind {
            Kind::Pair | Kind::PairPattern => {
                let (mut key, mut value) = (None, None);
                let mut child = self.enter();
                while let Some(inner) = child {
                    if inner.kind.is_named() {
                        if key.is_none() {
                            key = Some(self.key(inner));
                        } else {
                            value = Some(self.expr(inner));
                        }
                    }
                    child = self.next();
                }
                Entry { key, value: value.unwrap_or_else(|| self.nothing(at)) }
            }
            Kind::SpreadElement | Kind::RestPattern => {
                let value = self.operand().unwrap_or_else(|| self.nothing(at));
                Entry { key: None, value }
            }
            _ => {
                let value = self.expr(at);
                let name = match &value.kind {
                    ExprKind::Name(name) => Some((name, value.span)),
                    ExprKind::Assign { target, .. } => match &target.kind {
                        ExprKind::Name(name) => Some((name, target.span)),
                        _ => None,
                    },
                    ExprKind::Function(function) => {
                        function.name.as_ref().map(|name| (name, function.name_span))
                    }
                    _ => None,
                };
                let key = name.map(|(name, span)| text(name.clone(), span));
                Entry { key, value }
            }
        }
    }

    /// A key of an object: an identifier is a text here.
    pub(super) fn key(&mut self, at: At<'t>) -> Expr {
        match at.kind {
            Kind::PropertyIdentifier | Kind::PrivatePropertyIdentifier | Kind::Identifier => {
                text(self.word(at.node), self.span(at.node))
            }
            Kind::ComputedPropertyName => self.operand().unwrap_or_else(|| self.nothing(at)),
            _ => self.expr(at),
        }
    }

    /// Target and value of `a = b`.
    pub(super) fn assignment(&mut self) -> (Expr, Option<Expr>) {
        let (mut target, mut value) = (None, None);
        let mut span = Span::default();
        let mut child = self.enter();
        while let Some(at) = child {
            if at.kind.is_named() {
                let slot = if target.is_none() { &mut target } else { &mut value };
                *slot = Some(self.expr(at));
            } else {
                span = self.span(at.node);
            }
            child = self.next();
        }
        (target.unwrap_or(Expr { span, kind: ExprKind::Other(Vec::new()) }), value)
    }

    /// Target, operator without `=`, and value of `a += b`.
    pub(super) fn augmented(&mut self) -> (Expr, SmolStr, Option<Expr>) {
        let (mut target, mut value) = (None, None);
        let mut operator = "";
        let mut span = Span::default();
        let mut child = self.enter();
        while let Some(at) = child {
            if at.kind.is_named() {
                let slot = if target.is_none() { &mut target } else { &mut value };
                *slot = Some(self.expr(at));
            } else {
                operator = self.source(at.node);
                span = self.span(at.node);
            }
            child = self.next();
        }
        let operator = SmolStr::new(operator.strip_suffix('=').unwrap_or(operator));
        (target.unwrap_or(Expr { span, kind: ExprKind::Other(Vec::new()) }), operator, value)
    }

    fn assign(&mut self, at: At<'t>) -> ExprKind {
        let (target, value) = self.assignment();
        let value = value.unwrap_or_else(|| self.nothing(at));
        ExprKind::Assign { target: Box::new(target), value: Box::new(value) }
    }

    fn assign_augmented(&mut self, at: At<'t>) -> ExprKind {
        let (target, operator, value) = self.augmented();
        let mut value = value.unwrap_or_else(|| self.nothing(at));
        // Only a path may be said twice: a target that holds such an assignment itself would
        // double with every level.
        if is_path(&target) {
            let (left, right) = (Box::new(target.clone()), Box::new(value));
            let span = self.span(at.node);
            value = Expr { span, kind: ExprKind::Binary { operator, left, right } };
        }
        ExprKind::Assign { target: Box::new(target), value: Box::new(value) }
    }

    fn unary(&mut self, at: At<'t>) -> ExprKind {
        let mut operator = SmolStr::default();
        let mut operand = None;
        let mut child = self.enter();
        while let Some(inner) = child {
            if inner.kind.is_named() {
                operand = Some(self.expr(inner));
            } else {
                operator = self.word(inner.node);
            }
            child = self.next();
        }
        let operand = Box::new(operand.unwrap_or_else(|| self.nothing(at)));
        ExprKind::Unary { operator, operand }
    }

    fn binary(&mut self, at: At<'t>) -> ExprKind {
        let (mut left, mut right) = (None, None);
        let mut operator = SmolStr::default();
        let mut child = self.enter();
        while let Some(inner) = child {
            if inner.kind.is_named() {
                let slot = if left.is_none() { &mut left } else { &mut right };
                *slot = Some(self.expr(inner));
            } else {
                operator = self.word(inner.node);
            }
            child = self.next();
        }
        let left = Box::new(left.unwrap_or_else(|| self.nothing(at)));
        let right = Box::new(right.unwrap_or_else(|| self.nothing(at)));
        ExprKind::Binary { operator, left, right }
    }

    fn ternary(&mut self, at: At<'t>) -> ExprKind {
        let mut parts = [None, None, None];
        let mut filled = 0;
        let mut child = self.enter();
        while let Some(inner) = child {
            if inner.kind.is_named() {
                let expr = self.expr(inner);
                if let Some(slot) = parts.get_mut(filled) {
                    *slot = Some(expr);
                    filled += 1;
                }
            }
            child = self.next();
        }
        let [test, then, otherwise] =
            parts.map(|part| Box::new(part.unwrap_or_else(|| self.nothing(at))));
        ExprKind::Conditional { test, then, otherwise }
    }

    /// `import.meta`, `new.target`.
    fn meta_property(&mut self, at: At<'t>) -> ExprKind {
        let source = self.source(at.node);
        let (object, name) = source.split_once('.').unwrap_or((source, ""));
        let span = self.span(at.node);
        let object = Box::new(Expr { span, kind: ExprKind::Name(SmolStr::new(object.trim())) });
        ExprKind::Attribute { object, name: SmolStr::new(name.trim()), optional: false }
    }
}

/// `a`, `a.b.c`.
fn is_path(mut expr: &Expr) -> bool {
    while let ExprKind::Attribute { object, .. } = &expr.kind {
        expr = object;
    }
    matches!(expr.kind, ExprKind::Name(_))
}

/// A text of fixed characters.
fn text(characters: SmolStr, span: Span) -> Expr {
    Expr { span, kind: ExprKind::Text(vec![TextPart::Literal(characters)]) }
}
