//! Expressions, the targets of assignments, types, and the patterns of `match`.

use smol_str::SmolStr;
use tree_sitter::Node;

use super::kinds::Kind;
use super::strings::Pieces;
use super::{Lowering, nothing};
use crate::module::tree::Walker;
use crate::module::{Arg, Call, Entry, Expr, ExprKind, MAX_NESTING, Span, Stmt, StmtKind};

/// Longest chain of comparisons that is taken apart; real ones have two or three.
const MAX_CHAIN: usize = 8;

impl<'t> Lowering<'t> {
    /// The expression, target, type or pattern at hand.
    pub(super) fn expr(&mut self, node: Node<'t>, kind: Kind) -> Expr {
        let span = self.walk.span(node);
        let kind = match kind {
            Kind::Identifier => ExprKind::Name(self.name(node)),
            Kind::Integer | Kind::Float => ExprKind::Number(self.name(node)),
            Kind::True => ExprKind::Bool(true),
            Kind::False => ExprKind::Bool(false),
            Kind::None => ExprKind::None,
            _ => {
                if matches!(kind, Kind::Attribute | Kind::DottedName | Kind::Type)
                    && let Some(path) = self.path(node, span)
                {
                    return path;
                }
                if self.is_too_deep(span) {
                    ExprKind::Other(Vec::new())
                } else {
                    self.depth += 1;
                    let lowered = self.composite(node, kind, span);
                    self.depth -= 1;
                    return lowered;
                }
            }
        };
        Expr { span, kind }
    }

    fn composite(&mut self, node: Node<'t>, kind: Kind, span: Span) -> Expr {
        let kind = match kind {
            Kind::String => {
                let mut pieces = Pieces::default();
                self.string(node, &mut pieces);
                pieces.finish()
            }
            Kind::Concatenated => {
                let mut pieces = Pieces::default();
                self.parts(|this, node, _| this.string(node, &mut pieces));
                pieces.finish()
            }
            Kind::Parenthesized | Kind::Type => {
                return self.only().unwrap_or_else(|| nothing(span));
            }
            Kind::Attribute | Kind::MemberType => self.attribute(span),
            Kind::DottedName => return self.dotted_name(span),
            Kind::Call => self.call(span),
            Kind::ClassPattern => self.class_pattern(span),
            Kind::Subscript | Kind::GenericType => self.subscript(span),
            Kind::Binary | Kind::Boolean | Kind::UnionType => self.binary(span),
            Kind::Comparison => self.comparison(node),
            Kind::Unary | Kind::Not => self.unary(node, kind, span),
            Kind::Conditional => self.conditional(span),
            Kind::Lambda => ExprKind::Function(Box::new(self.lambda(span))),
            Kind::Await => ExprKind::Await(self.operand(span)),
            Kind::ListSplat
            | Kind::ListSplatPattern
            | Kind::DictionarySplat
            | Kind::DictionarySplatPattern
            | Kind::SplatType => ExprKind::Spread(self.operand(span)),
            Kind::SplatPattern => ExprKind::Spread(self.splat_pattern(node, span)),
            Kind::List
            | Kind::Tuple
            | Kind::Set
            | Kind::ExpressionList
            | Kind::PatternList
            | Kind::ListPattern
            | Kind::TypeParameter => ExprKind::List(self.exprs()),
            Kind::TuplePattern => {
                let mut items = self.exprs();
                // Brackets around a single target make no tuple.
                if items.len() == 1 && !self.walk.text(node).contains(',') {
                    return items.pop().unwrap_or_else(|| nothing(span));
                }
                ExprKind::List(items)
            }
            Kind::Dictionary => ExprKind::Map(self.entries()),
            Kind::DictPattern => ExprKind::Map(self.dict_pattern()),
            Kind::ListComprehension
            | Kind::SetComprehension
            | Kind::DictionaryComprehension
            | Kind::Generator => self.comprehension(node, span),
            Kind::Named | Kind::Assignment | Kind::Augmented => self.assign(span, false),
            Kind::AsPattern => self.assign(span, true),
            Kind::AsPatternTarget | Kind::Decorator => {
                return self.only().unwrap_or_else(|| nothing(span));
            }
            Kind::Yield => self.yielded(span),
            Kind::Slice => self.slice(node, span),
            Kind::CasePattern => return self.case_pattern(node, span),
            _ => ExprKind::Other(self.exprs()),
        };
        Expr { span, kind }
    }

    /// `first:last:step`, which Python itself takes for `slice(first, last, step)`.
    fn slice(&mut self, node: Node<'t>, span: Span) -> ExprKind {
        let none = || Expr { span, kind: ExprKind::None };
        let mut bounds = vec![none(), none()];
        let text = self.walk.text(node);
        let (mut at, mut seen) = (0, 0);
        self.parts(|this, part, kind| {
            let begins = part.start_byte() - node.start_byte();
            at += text.get(seen..begins).map_or(0, |between| between.matches(':').count());
            seen = part.end_byte() - node.start_byte();
            let value = this.expr(part, kind);
            while bounds.len() <= at {
                bounds.push(none());
            }
            bounds[at] = value;
        });
        let callee = Expr { span, kind: ExprKind::Name("slice".into()) };
        let args = bounds.into_iter().map(|value| Arg { name: None, value }).collect();
        ExprKind::Call(Box::new(Call {
            callee,
            args,
            new: false,
            is_macro: false,
            generics: Vec::new(),
        }))
    }

    /// The only part of the node at hand.
    fn operand(&mut self, span: Span) -> Box<Expr> {
        Box::new(self.only().unwrap_or_else(|| nothing(span)))
    }

    /// The first and the second part of the node at hand.
    pub(super) fn pair(&mut self, span: Span) -> (Expr, Expr) {
        let mut first = None;
        let mut second = None;
        self.parts(|this, node, kind| {
            let part = Some(this.expr(node, kind));
            if first.is_none() {
                first = part;
            } else {
                second = part;
            }
        });
        (first.unwrap_or_else(|| nothing(span)), second.unwrap_or_else(|| nothing(span)))
    }

    fn attribute(&mut self, span: Span) -> ExprKind {
        let mut object = None;
        let mut name = SmolStr::default();
        self.parts(|this, node, kind| {
            if object.is_none() {
                object = Some(this.expr(node, kind));
            } else {
                name = this.name(node);
            }
        });
        ExprKind::Attribute {
            object: Box::new(object.unwrap_or_else(|| nothing(span))),
            name,
            optional: false,
        }
    }

    /// A path `a.b.c` without blanks: its text says all, and reading that is much faster than to
    /// walk the tree.
    fn path(&self, node: Node<'t>, span: Span) -> Option<Expr> {
        let text = self.walk.text(node);
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.';
        if !text.bytes().all(is_plain) || text.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        let mut names = text.split('.');
        let first = names.next().filter(|name| !matches!(*name, "" | "None" | "True" | "False"))?;
        let mut end = span.start + u32::try_from(first.len()).ok()?;
        let kind = ExprKind::Name(SmolStr::new(first));
        let mut path = Expr { span: Span { end, ..span }, kind };
        for (level, name) in names.enumerate() {
            if name.is_empty() || self.depth + level >= MAX_NESTING {
                return None;
            }
            end += u32::try_from(name.len()).ok()? + 1;
            let (object, name) = (Box::new(path), SmolStr::new(name));
            let kind = ExprKind::Attribute { object, name, optional: false };
            path = Expr { span: Span { end, ..span }, kind };
        }
        Some(path)
    }

    fn call(&mut self, span: Span) -> ExprKind {
        let mut callee = None;
        let mut args = Vec::new();
        self.parts(|this, node, kind| {
            if callee.is_none() {
                callee = Some(this.expr(node, kind));
            } else if kind == Kind::ArgumentList {
                // Most calls without arguments are just that.
                if this.walk.text(node) != "()" {
                    args = this.args();
                }
            } else {
                args = vec![Arg { name: None, value: this.expr(node, kind) }];
            }
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

    fn subscript(&mut self, span: Span) -> ExprKind {
        let mut object = None;
        let mut key: Option<Expr> = None;
        let mut keys = Vec::new();
        self.parts(|this, node, kind| {
            if object.is_none() {
                object = Some(this.expr(node, kind));
                return;
            }
            // The keys of `List[int]` in a type stand in a node of their own.
            let part = this.expr(node, kind);
            let part = match part.kind {
                ExprKind::List(mut items) if kind == Kind::TypeParameter && items.len() == 1 => {
                    items.pop().unwrap_or_else(|| nothing(span))
                }
                _ => part,
            };
            match key {
                None => key = Some(part),
                Some(_) => keys.push(part),
            }
        });
        let mut key = key.unwrap_or_else(|| nothing(span));
        if let Some(last) = keys.last() {
            let span = Span { end: last.span.end, ..key.span };
            keys.insert(0, key);
            key = Expr { span, kind: ExprKind::List(keys) };
        }
        ExprKind::Index {
            object: Box::new(object.unwrap_or_else(|| nothing(span))),
            key: Box::new(key),
            optional: false,
        }
    }

    fn binary(&mut self, span: Span) -> ExprKind {
        let mut operator = SmolStr::default();
        let mut left = None;
        let mut right = None;
        self.each(|this, node| match this.kind(node) {
            Kind::Token => {
                operator = match this.walk.text(node) {
                    "and" => SmolStr::new_static("&&"),
                    "or" => SmolStr::new_static("||"),
                    text => SmolStr::new(text),
                }
            }
            Kind::Comment => this.comment(node),
            Kind::Continuation | Kind::Error => {}
            kind => {
                let part = Some(this.expr(node, kind));
                if left.is_none() {
                    left = part;
                } else {
                    right = part;
                }
            }
        });
        ExprKind::Binary {
            operator,
            left: Box::new(left.unwrap_or_else(|| nothing(span))),
            right: Box::new(right.unwrap_or_else(|| nothing(span))),
        }
    }

    /// `a < b < c` is `a < b && b < c` where `b` may be copied: where it is small.
    fn comparison(&mut self, node: Node<'t>) -> ExprKind {
        let levels = node.named_child_count();
        self.depth += levels;
        let mut operands = Vec::with_capacity(levels.min(MAX_CHAIN));
        let mut operators = Vec::with_capacity(levels.min(MAX_CHAIN));
        self.each(|this, node| match this.kind(node) {
            // The kind has one blank between `not` and `in`, the text may have more.
            Kind::Token => operators.push(SmolStr::new(node.kind())),
            Kind::Comment => this.comment(node),
            Kind::Continuation | Kind::Error => {}
            kind => {
                let operand = this.expr(node, kind);
                operands.push(operand);
            }
        });
        self.depth -= levels;
        let inner = operands.get(1..operands.len().saturating_sub(1)).unwrap_or_default();
        if operands.len() != operators.len() + 1
            || operands.len() > MAX_CHAIN
            || !inner.iter().all(is_small)
        {
            return ExprKind::Other(operands);
        }
        let links = operators.len();
        let mut operands = operands.into_iter();
        let mut left = operands.next();
        let mut chain: Option<Expr> = None;
        for (at, (operator, right)) in operators.into_iter().zip(operands).enumerate() {
            let Some(before) = left.take() else {
                break;
            };
            if at + 1 < links {
                left = Some(right.clone());
            }
            let span = Span { end: right.span.end, ..before.span };
            let (before, right) = (Box::new(before), Box::new(right));
            let link = Expr { span, kind: ExprKind::Binary { operator, left: before, right } };
            chain = Some(match chain {
                None => link,
                Some(before) => Expr {
                    span: Span { end: span.end, ..before.span },
                    kind: ExprKind::Binary {
                        operator: SmolStr::new_static("&&"),
                        left: Box::new(before),
                        right: Box::new(link),
                    },
                },
            });
        }
        chain.map_or_else(|| ExprKind::Other(Vec::new()), |chain| chain.kind)
    }

    fn unary(&mut self, node: Node<'t>, kind: Kind, span: Span) -> ExprKind {
        let operator = match kind {
            Kind::Not => "!",
            _ => self.walk.text(node).get(..1).unwrap_or(""),
        };
        ExprKind::Unary { operator: SmolStr::new(operator), operand: self.operand(span) }
    }

    fn conditional(&mut self, span: Span) -> ExprKind {
        let mut parts = self.exprs().into_iter();
        let mut part = || Box::new(parts.next().unwrap_or_else(|| nothing(span)));
        let (then, test, otherwise) = (part(), part(), part());
        ExprKind::Conditional { test, then, otherwise }
    }

    fn entries(&mut self) -> Vec<Entry> {
        let mut out = self.sized();
        self.children(|this, node, kind| {
            let span = this.walk.span(node);
            let entry = match kind {
                Kind::Pair => {
                    let (key, value) = this.pair(span);
                    Entry { key: Some(key), value }
                }
                Kind::DictionarySplat => Entry { key: None, value: *this.operand(span) },
                _ => Entry { key: None, value: this.expr(node, kind) },
            };
            out.push(entry);
        });
        out
    }

    /// A comprehension is the loops and conditions that it stands for, around its element. That
    /// of a dictionary is a map of one entry.
    fn comprehension(&mut self, node: Node<'t>, span: Span) -> ExprKind {
        // Clauses stand side by side in the tree and nest in the module.
        let levels = node.named_child_count();
        if self.depth + levels >= MAX_NESTING {
            self.depth += levels;
            self.is_too_deep(span);
            self.depth -= levels;
            return ExprKind::Other(Vec::new());
        }
        self.depth += levels;
        let mut element = None;
        let mut clauses = Vec::new();
        self.parts(|this, node, kind| {
            let span = this.walk.span(node);
            match kind {
                Kind::ForInClause => {
                    let (target, over) = this.for_in(span);
                    let body = Vec::new();
                    clauses.push((
                        span,
                        StmtKind::Loop { target: Some(target), over: Some(over), body },
                    ));
                }
                Kind::IfClause => {
                    let test = *this.operand(span);
                    let (then, otherwise) = (Vec::new(), Vec::new());
                    clauses.push((span, StmtKind::If { test, then, otherwise }));
                }
                Kind::Pair => {
                    let (key, value) = this.pair(span);
                    let entry = Entry { key: Some(key), value };
                    element = Some(Expr { span, kind: ExprKind::Map(vec![entry]) });
                }
                _ => element = Some(this.expr(node, kind)),
            }
        });
        self.depth -= levels;
        let mut block: Vec<Stmt> = element
            .map(|value| Stmt { span: value.span, kind: StmtKind::Expr(value) })
            .into_iter()
            .collect();
        for (span, mut kind) in clauses.into_iter().rev() {
            if let StmtKind::Loop { body, .. } | StmtKind::If { then: body, .. } = &mut kind {
                *body = block;
            }
            block = vec![Stmt { span, kind }];
        }
        ExprKind::Block(block)
    }

    fn for_in(&mut self, span: Span) -> (Expr, Expr) {
        let mut parts = self.exprs().into_iter();
        let target = parts.next().unwrap_or_else(|| nothing(span));
        let first = parts.next().unwrap_or_else(|| nothing(span));
        let mut more: Vec<Expr> = parts.collect();
        let Some(last) = more.last() else {
            return (target, first);
        };
        let span = Span { end: last.span.end, ..first.span };
        more.insert(0, first);
        (target, Expr { span, kind: ExprKind::List(more) })
    }

    /// `name := value`, the rest of `a = b = value`, and `value as name`.
    fn assign(&mut self, span: Span, value_first: bool) -> ExprKind {
        let (first, second) = self.pair(span);
        let (target, value) = if value_first { (second, first) } else { (first, second) };
        ExprKind::Assign { target: Box::new(target), value: Box::new(value) }
    }

    fn yielded(&mut self, span: Span) -> ExprKind {
        self.yields = true;
        let mut from = false;
        let mut value = None;
        self.each(|this, node| match this.kind(node) {
            Kind::Token => from |= node.kind() == "from",
            Kind::Comment => this.comment(node),
            Kind::Continuation | Kind::Error => {}
            kind => value = Some(this.expr(node, kind)),
        });
        let operator = SmolStr::new_static(if from { "yield from" } else { "yield" });
        let none = Expr { span, kind: ExprKind::None };
        ExprKind::Unary { operator, operand: Box::new(value.unwrap_or(none)) }
    }
}

/// Whether an expression may be copied without growing the module much.
fn is_small(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Name(_) | ExprKind::Number(_) | ExprKind::Bool(_) | ExprKind::None => true,
        ExprKind::Attribute { object, .. } => matches!(object.kind, ExprKind::Name(_)),
        _ => false,
    }
}
