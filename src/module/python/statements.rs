//! Statements.

use smol_str::SmolStr;
use tree_sitter::Node;

use super::kinds::Kind;
use super::{Lowering, nothing};
use crate::module::tree::Walker;
use crate::module::{
    Arg, Arm, Bind, Block, Call, Expr, ExprKind, Handler, Leave, Span, Stmt, StmtKind, TextPart,
};

impl<'t> Lowering<'t> {
    /// The statements of the module or block at hand. `doc`: the first may be a docstring.
    pub(super) fn block(&mut self, doc: bool) -> Block {
        let mut out = self.sized();
        let mut first = doc;
        self.children(|this, node, kind| {
            this.statement(node, kind, first, &mut out);
            first = false;
        });
        out
    }

    pub(super) fn statement(&mut self, node: Node<'t>, kind: Kind, first: bool, out: &mut Block) {
        let span = self.walk.span(node);
        if self.is_too_deep(span) {
            return;
        }
        self.depth += 1;
        let lowered = match kind {
            Kind::ExpressionStatement => self.expression_statement(span, first),
            Kind::Import => self.import(span, out),
            Kind::ImportFrom | Kind::FutureImport => Some(self.import_from(kind)),
            Kind::If => Some(self.if_statement(span)),
            Kind::For | Kind::While => Some(self.loop_statement(span, kind, out)),
            Kind::Try => Some(self.try_statement()),
            Kind::With => Some(self.with_statement()),
            Kind::Match => Some(self.match_statement(span)),
            Kind::Return => Some(StmtKind::Return(self.only())),
            Kind::Raise => Some(StmtKind::Raise(self.raised())),
            Kind::Function => {
                let function = self.function(span, Vec::new());
                Some(StmtKind::Function(Box::new(function)))
            }
            Kind::Class => {
                let class = self.class(span, Vec::new());
                Some(StmtKind::Class(Box::new(class)))
            }
            Kind::Decorated => self.decorated(),
            Kind::Assert | Kind::Delete => {
                let parts = self.exprs();
                Some(StmtKind::Expr(Expr { span, kind: ExprKind::Other(parts) }))
            }
            Kind::Print | Kind::Exec => {
                let word = if kind == Kind::Print { "print" } else { "exec" };
                let args =
                    self.exprs().into_iter().map(|value| Arg { name: None, value }).collect();
                let end = span.start + u32::try_from(word.len()).unwrap_or(0);
                let callee = Expr {
                    span: Span { end, ..span },
                    kind: ExprKind::Name(SmolStr::new_static(word)),
                };
                let call = Call { callee, args, new: false, is_macro: false, generics: Vec::new() };
                Some(StmtKind::Expr(Expr { span, kind: ExprKind::Call(Box::new(call)) }))
            }
            Kind::TypeAlias => Some(self.type_alias(span)),
            Kind::Pass | Kind::Break | Kind::Continue | Kind::Global | Kind::Nonlocal => {
                self.children(|_, _, _| {});
                Some(match kind {
                    Kind::Break => StmtKind::Leave(Leave::Loop),
                    Kind::Continue => StmtKind::Leave(Leave::Turn),
                    _ => StmtKind::Pass,
                })
            }
            Kind::Error | Kind::Block => {
                self.children(|this, node, kind| this.stray(node, kind, out));
                None
            }
            // Only in broken code do parts of statements stand where statements should.
            _ => {
                let value = self.expr(node, kind);
                Some(StmtKind::Expr(value))
            }
        };
        self.depth -= 1;
        if let Some(kind) = lowered {
            out.push(Stmt { span, kind });
        }
    }

    /// What is found inside an error: names and constants say nothing there.
    fn stray(&mut self, node: Node<'t>, kind: Kind, out: &mut Block) {
        let says_nothing = matches!(
            kind,
            Kind::Identifier
                | Kind::DottedName
                | Kind::Integer
                | Kind::Float
                | Kind::True
                | Kind::False
                | Kind::None
                | Kind::Unknown
        );
        if !says_nothing {
            self.statement(node, kind, false, out);
        }
    }

    /// All expressions of the node at hand.
    pub(super) fn exprs(&mut self) -> Vec<Expr> {
        let mut out = self.sized();
        self.children(|this, node, kind| {
            let value = this.expr(node, kind);
            out.push(value);
        });
        out
    }

    /// The only expression of the node at hand; of several, the first.
    pub(super) fn only(&mut self) -> Option<Expr> {
        let mut out = None;
        self.parts(|this, node, kind| {
            if out.is_none() {
                out = Some(this.expr(node, kind));
            }
        });
        out
    }

    fn expression_statement(&mut self, span: Span, first: bool) -> Option<StmtKind> {
        let mut bind = None;
        let mut value = None;
        let mut more = Vec::new();
        let mut may_be_doc = false;
        self.children(|this, node, kind| match kind {
            Kind::Assignment | Kind::Augmented => {
                let span = this.walk.span(node);
                bind = Some(this.bind(span));
            }
            _ => {
                may_be_doc = first && matches!(kind, Kind::String | Kind::Concatenated);
                let lowered = this.expr(node, kind);
                match value {
                    None => value = Some((kind, lowered)),
                    Some(_) => more.push(lowered),
                }
            }
        });
        if let Some(bind) = bind {
            return Some(StmtKind::Bind(bind));
        }
        let (kind, value) = value?;
        if !more.is_empty() {
            more.insert(0, value);
            return Some(StmtKind::Expr(Expr { span, kind: ExprKind::List(more) }));
        }
        if kind == Kind::Ellipsis {
            return Some(StmtKind::Pass);
        }
        Some(match value.kind {
            ExprKind::Text(mut parts) if may_be_doc && parts.len() < 2 => match parts.pop() {
                Some(TextPart::Literal(text)) => StmtKind::Doc(text),
                None => StmtKind::Doc(SmolStr::default()),
                Some(hole) => {
                    let kind = ExprKind::Text(vec![hole]);
                    StmtKind::Expr(Expr { span: value.span, kind })
                }
            },
            _ => StmtKind::Expr(value),
        })
    }

    /// The assignment at hand, plain or augmented.
    fn bind(&mut self, span: Span) -> Bind {
        let mut target = None;
        let mut annotation = None;
        let mut value = None;
        let mut operator = None;
        self.each(|this, node| match this.kind(node) {
            Kind::Comment => this.comment(node),
            Kind::Token => {
                let mark = this.walk.text(node);
                operator = mark.strip_suffix('=').filter(|rest| !rest.is_empty());
            }
            Kind::Error | Kind::Continuation => {}
            kind => {
                let part = this.expr(node, kind);
                if kind == Kind::Type {
                    annotation = Some(part);
                } else if target.is_none() {
                    target = Some(part);
                } else {
                    value = Some(part);
                }
            }
        });
        Bind {
            target: target.unwrap_or_else(|| nothing(span)),
            value,
            annotation,
            operator: operator.map(SmolStr::new),
        }
    }

    fn type_alias(&mut self, span: Span) -> StmtKind {
        let mut sides = self.exprs().into_iter();
        let target = sides.next().unwrap_or_else(|| nothing(span));
        StmtKind::Bind(Bind { target, value: sides.next(), annotation: None, operator: None })
    }

    /// `raise X from Y` raises X; the cause says nothing more.
    fn raised(&mut self) -> Option<Expr> {
        let text = self.walk.text(self.walk.node());
        let bare = text["raise".len().min(text.len())..].trim_start().starts_with("from ");
        self.only().filter(|_| !bare)
    }

    fn if_statement(&mut self, span: Span) -> StmtKind {
        let depth = self.depth;
        let mut arms = vec![];
        let mut test = None;
        let mut otherwise = Vec::new();
        let outer = self.type_only;
        self.children(|this, node, kind| match kind {
            Kind::Block => {
                this.type_only = outer || test.as_ref().is_some_and(is_type_checking);
                let then = this.block(false);
                this.type_only = outer;
                arms.push((span, test.take().unwrap_or_else(|| nothing(span)), then));
            }
            Kind::ElifClause => {
                let span = this.walk.span(node);
                // An `elif` nests in the one before it, so a long chain is a deep one.
                if !this.is_too_deep(span) {
                    this.depth += 1;
                    let (test, then) = this.guarded(span);
                    arms.push((span, test, then));
                }
            }
            Kind::ElseClause => otherwise = this.clause(),
            Kind::Error => {
                if let Some((.., then)) = arms.last_mut() {
                    this.statement(node, kind, false, then);
                }
            }
            _ => test = Some(this.expr(node, kind)),
        });
        self.depth = depth;
        while arms.len() > 1 {
            if let Some((span, test, then)) = arms.pop() {
                let kind = StmtKind::If { test, then, otherwise };
                otherwise = vec![Stmt { span, kind }];
            }
        }
        let (test, then) =
            arms.pop().map_or_else(|| (nothing(span), Vec::new()), |(_, test, then)| (test, then));
        StmtKind::If { test, then, otherwise }
    }

    /// The condition and the statements of the `elif` at hand.
    fn guarded(&mut self, span: Span) -> (Expr, Block) {
        let mut test = None;
        let mut body = Vec::new();
        self.children(|this, node, kind| match kind {
            Kind::Block => body = this.block(false),
            Kind::Error => this.statement(node, kind, false, &mut body),
            _ => test = Some(this.expr(node, kind)),
        });
        (test.unwrap_or_else(|| nothing(span)), body)
    }

    /// The statements of the `else` or `finally` at hand.
    fn clause(&mut self) -> Block {
        let mut body = Vec::new();
        self.children(|this, node, kind| match kind {
            Kind::Block => body = this.block(false),
            _ => this.stray(node, kind, &mut body),
        });
        body
    }

    /// A loop. Its `else` follows it as a block, for it runs unless a `break` left the loop.
    fn loop_statement(&mut self, span: Span, kind: Kind, out: &mut Block) -> StmtKind {
        let counts = kind == Kind::For;
        let mut target = None;
        let mut over = None;
        let mut body = Vec::new();
        let mut otherwise = None;
        self.children(|this, node, kind| match kind {
            Kind::Block => body = this.block(false),
            Kind::ElseClause => otherwise = Some(this.clause()),
            Kind::Error => this.statement(node, kind, false, &mut body),
            _ => {
                let part = this.expr(node, kind);
                if counts && target.is_none() {
                    target = Some(part);
                } else {
                    over = Some(part);
                }
            }
        });
        let kind = StmtKind::Loop { target, over, body };
        match otherwise {
            None => kind,
            Some(otherwise) => {
                out.push(Stmt { span, kind });
                StmtKind::Block(otherwise)
            }
        }
    }

    fn try_statement(&mut self) -> StmtKind {
        let mut body = Vec::new();
        let mut handlers = Vec::new();
        let mut after = Vec::new();
        self.children(|this, node, kind| match kind {
            Kind::Block => body = this.block(false),
            Kind::ExceptClause => {
                let handler = this.handler(node);
                handlers.push(handler);
            }
            Kind::ElseClause | Kind::FinallyClause => {
                let mut statements = this.clause();
                after.append(&mut statements);
            }
            _ => this.stray(node, kind, &mut body),
        });
        StmtKind::Try { body, handlers, after }
    }

    fn handler(&mut self, node: Node<'t>) -> Handler {
        let span = self.walk.span(node);
        let mut types = Vec::new();
        let mut name = None;
        let mut named = false;
        let mut body = Vec::new();
        self.each(|this, node| match this.kind(node) {
            Kind::Comment => this.comment(node),
            Kind::Token => named |= this.walk.text(node) == "as",
            Kind::Block => body = this.block(false),
            kind @ Kind::Error => this.statement(node, kind, false, &mut body),
            _ if named => name = Some(this.name(node)),
            kind => {
                let value = this.expr(node, kind);
                match value.kind {
                    ExprKind::Assign { target, value } if kind == Kind::AsPattern => {
                        if let ExprKind::Name(alias) = target.kind {
                            name = Some(alias);
                        }
                        types.push(*value);
                    }
                    _ => types.push(value),
                }
            }
        });
        Handler { span, types: one_or_list(types), name, body }
    }

    fn with_statement(&mut self) -> StmtKind {
        let mut items = Vec::new();
        let mut body = Vec::new();
        self.children(|this, node, kind| match kind {
            Kind::Block => body = this.block(false),
            Kind::WithClause => this.children(|this, _, _| {
                if let Some(value) = this.only() {
                    with_item(value, &mut items);
                }
            }),
            _ => this.stray(node, kind, &mut body),
        });
        StmtKind::With { items, body }
    }

    fn match_statement(&mut self, span: Span) -> StmtKind {
        let mut subjects = Vec::new();
        let mut arms = Vec::new();
        self.children(|this, node, kind| match kind {
            Kind::Block => this.children(|this, _, kind| {
                if kind == Kind::CaseClause {
                    let arm = this.arm();
                    arms.push(arm);
                }
            }),
            Kind::Error => {}
            _ => {
                let subject = this.expr(node, kind);
                subjects.push(subject);
            }
        });
        let subject = one_or_list(subjects).unwrap_or_else(|| nothing(span));
        StmtKind::Match { subject, arms }
    }

    fn arm(&mut self) -> Arm {
        let mut patterns = Vec::new();
        let mut guard = None;
        let mut body = Vec::new();
        self.children(|this, node, kind| match kind {
            Kind::Block => body = this.block(false),
            Kind::IfClause => guard = this.only(),
            _ => {
                let pattern = this.expr(node, kind);
                patterns.push(pattern);
            }
        });
        Arm { pattern: one_or_list(patterns), guard, body }
    }
}

/// One expression stands for itself, several for a tuple.
fn one_or_list(mut exprs: Vec<Expr>) -> Option<Expr> {
    if exprs.len() < 2 {
        return exprs.pop();
    }
    let span = Span { end: exprs[exprs.len() - 1].span.end, ..exprs[0].span };
    Some(Expr { span, kind: ExprKind::List(exprs) })
}

/// `a as b`, which the parser takes for an expression, also inside brackets.
fn with_item(value: Expr, items: &mut Vec<(Expr, Option<Expr>)>) {
    match value.kind {
        ExprKind::Assign { target, value } => items.push((*value, Some(*target))),
        ExprKind::List(parts)
            if parts.iter().any(|part| matches!(part.kind, ExprKind::Assign { .. })) =>
        {
            for part in parts {
                with_item(part, items);
            }
        }
        _ => items.push((value, None)),
    }
}

/// `TYPE_CHECKING`, also as an attribute of `typing`.
fn is_type_checking(test: &Expr) -> bool {
    matches!(&test.kind, ExprKind::Name(name) | ExprKind::Attribute { name, .. } if name == "TYPE_CHECKING")
}
