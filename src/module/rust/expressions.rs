//! Expressions.

use smol_str::SmolStr;
use syn::spanned::Spanned;
use syn::{Expr as SynExpr, Lit, Member};

use super::statements::{Tail, assigning};
use super::types::unary;
use super::{Lowering, cover, name, name_of};
use crate::module::{
    self, Arg, Call, Expr, ExprKind, Function, Param, Span, Stmt, StmtKind, TextPart,
};

impl Lowering<'_> {
    pub(super) fn expr(&mut self, expr: &SynExpr) -> Expr {
        // A method call becomes a call and an attribute: two levels.
        let levels = if matches!(expr, SynExpr::MethodCall(_)) { 2 } else { 1 };
        if let Err(other) = self.enter(levels, expr) {
            return other;
        }
        let lowered = self.expr_inside(expr);
        self.depth -= levels;
        lowered
    }

    pub(super) fn exprs<'e>(&mut self, exprs: impl Iterator<Item = &'e SynExpr>) -> Vec<Expr> {
        exprs.map(|expr| self.expr(expr)).collect()
    }

    fn expr_inside(&mut self, expr: &SynExpr) -> Expr {
        match expr {
            SynExpr::Lit(literal) => self.literal(&literal.lit),
            SynExpr::Path(path) => {
                let lowered = self.path(path.qself.as_ref(), &path.path);
                match lowered.kind {
                    ExprKind::Name(none) if none == "None" => {
                        Expr { span: lowered.span, kind: ExprKind::None }
                    }
                    kind => Expr { span: lowered.span, kind },
                }
            }
            SynExpr::Call(call) => {
                let callee = self.expr(&call.func);
                let span = cover(callee.span, self.span(call.paren_token.span.close()));
                let args = positional(self.exprs(call.args.iter()));
                let generics = match call.func.as_ref() {
                    SynExpr::Path(path) => self.named_types(path.path.segments.last()),
                    _ => Vec::new(),
                };
                self.generic_call(span, callee, generics, args)
            }
            SynExpr::MethodCall(call) => {
                let object = self.expr(&call.receiver);
                let callee = Expr {
                    span: cover(object.span, self.span(call.method.span())),
                    kind: ExprKind::Attribute {
                        object: Box::new(object),
                        name: name_of(&call.method),
                        optional: false,
                    },
                };
                let span = cover(callee.span, self.span(call.paren_token.span.close()));
                let args = positional(self.exprs(call.args.iter()));
                let generics =
                    call.turbofish.as_ref().map_or_else(Vec::new, |types| self.types_in(types));
                self.generic_call(span, callee, generics, args)
            }
            SynExpr::Macro(invocation) => self.invocation(&invocation.mac),
            SynExpr::Struct(literal) => self.struct_literal(literal),
            SynExpr::Field(field) => {
                let object = self.expr(&field.base);
                let span = cover(object.span, self.span(field.member.span()));
                let name = member_name(&field.member);
                Expr {
                    span,
                    kind: ExprKind::Attribute { object: Box::new(object), name, optional: false },
                }
            }
            SynExpr::Index(index) => {
                let object = self.expr(&index.expr);
                let span = cover(object.span, self.span(index.bracket_token.span.close()));
                let key = Box::new(self.expr(&index.index));
                Expr {
                    span,
                    kind: ExprKind::Index { object: Box::new(object), key, optional: false },
                }
            }
            SynExpr::Paren(paren) => self.expr(&paren.expr),
            SynExpr::Group(group) => self.expr(&group.expr),
            SynExpr::Array(array) => {
                let span = self.span(array.bracket_token.span.join());
                Expr { span, kind: ExprKind::List(self.exprs(array.elems.iter())) }
            }
            SynExpr::Tuple(tuple) => {
                let span = self.span(tuple.paren_token.span.join());
                Expr { span, kind: ExprKind::List(self.exprs(tuple.elems.iter())) }
            }
            SynExpr::Repeat(repeat) => {
                let span = self.span(repeat.bracket_token.span.join());
                let parts = vec![self.expr(&repeat.expr), self.expr(&repeat.len)];
                Expr { span, kind: ExprKind::Other(parts) }
            }
            SynExpr::Reference(reference) => {
                let at = self.span(reference.and_token.span);
                let operand = self.expr(&reference.expr);
                unary(at, "&", operand)
            }
            SynExpr::RawAddr(address) => {
                let at = self.span(address.and_token.span);
                let operand = self.expr(&address.expr);
                unary(at, "&", operand)
            }
            SynExpr::Unary(operation) => self.unary(operation),
            SynExpr::Binary(operation) => self.binary(operation),
            SynExpr::Assign(assign) => {
                let target = self.expr(&assign.left);
                let value = self.expr(&assign.right);
                assigned(target, value)
            }
            SynExpr::Let(condition) => {
                let target = self.pattern(&condition.pat);
                let value = self.expr(&condition.expr);
                assigned(target, value)
            }
            SynExpr::Cast(cast) => {
                let operand = self.expr(&cast.expr);
                let span = cover(operand.span, self.span(cast.ty.span()));
                postfix(span, "as", operand)
            }
            SynExpr::Try(attempt) => {
                let operand = self.expr(&attempt.expr);
                let span = cover(operand.span, self.span(attempt.question_token.span));
                postfix(span, "?", operand)
            }
            SynExpr::Await(awaited) => {
                let operand = self.expr(&awaited.base);
                let span = cover(operand.span, self.span(awaited.await_token.span));
                Expr { span, kind: ExprKind::Await(Box::new(operand)) }
            }
            SynExpr::Range(range) => self.range(range),
            SynExpr::If(branch) => self.if_value(branch),
            SynExpr::Match(choice) => {
                let (span, kind) = self.match_stmt(choice, Tail::Value);
                statement_value(span, kind)
            }
            SynExpr::Block(block) => self.block_value(&block.block),
            SynExpr::Unsafe(block) => self.block_value(&block.block),
            SynExpr::Const(block) => self.block_value(&block.block),
            SynExpr::TryBlock(block) => self.block_value(&block.block),
            SynExpr::Closure(closure) => self.closure(closure),
            SynExpr::Async(block) => self.async_block(block),
            SynExpr::ForLoop(_)
            | SynExpr::While(_)
            | SynExpr::Loop(_)
            | SynExpr::Return(_)
            | SynExpr::Continue(_)
            | SynExpr::Break(syn::ExprBreak { expr: None, .. }) => {
                let mut body = Vec::new();
                self.expr_stmt(expr, Tail::Value, &mut body);
                let span = body.first().map_or_else(Span::default, |stmt| stmt.span);
                Expr { span, kind: ExprKind::Block(body) }
            }
            SynExpr::Break(syn::ExprBreak { break_token, expr: Some(value), .. }) => {
                let value = self.expr(value);
                let span = cover(self.span(break_token.span), value.span);
                Expr { span, kind: ExprKind::Other(vec![value]) }
            }
            SynExpr::Infer(infer) => name(self.span(infer.underscore_token.span), "_"),
            SynExpr::Yield(given) => {
                let parts: Vec<Expr> = given.expr.iter().map(|value| self.expr(value)).collect();
                let start = self.span(given.yield_token.span);
                let span = parts.last().map_or(start, |value| cover(start, value.span));
                Expr { span, kind: ExprKind::Other(parts) }
            }
            SynExpr::Verbatim(tokens) => {
                let span = self.span(tokens.span());
                Expr { span, kind: ExprKind::Other(self.texts_in(tokens.clone())) }
            }
            _ => Expr { span: self.span(expr.span()), kind: ExprKind::Other(Vec::new()) },
        }
    }

    pub(super) fn call(
        &mut self,
        span: Span,
        callee: Expr,
        args: Vec<Arg>,
        is_macro: bool,
    ) -> Expr {
        let call = Call { callee, args, new: false, is_macro, generics: Vec::new() };
        Expr { span, kind: ExprKind::Call(Box::new(call)) }
    }

    fn generic_call(
        &mut self,
        span: Span,
        callee: Expr,
        generics: Vec<Expr>,
        args: Vec<Arg>,
    ) -> Expr {
        let call = Call { callee, args, new: false, is_macro: false, generics };
        Expr { span, kind: ExprKind::Call(Box::new(call)) }
    }

    fn struct_literal(&mut self, literal: &syn::ExprStruct) -> Expr {
        let callee = self.path(literal.qself.as_ref(), &literal.path);
        let span = cover(callee.span, self.span(literal.brace_token.span.close()));
        let mut args: Vec<Arg> = literal
            .fields
            .iter()
            .map(|field| Arg {
                name: Some(member_name(&field.member)),
                value: self.expr(&field.expr),
            })
            .collect();
        if let Some(rest) = &literal.rest {
            let value = self.expr(rest);
            let span = value.span;
            let value = Expr { span, kind: ExprKind::Spread(Box::new(value)) };
            args.push(Arg { name: None, value });
        }
        let call = Call { callee, args, new: true, is_macro: false, generics: Vec::new() };
        Expr { span, kind: ExprKind::Call(Box::new(call)) }
    }

    fn unary(&mut self, operation: &syn::ExprUnary) -> Expr {
        let (token, operator) = match &operation.op {
            syn::UnOp::Deref(token) => (token.span, "*"),
            syn::UnOp::Not(token) => (token.span, "!"),
            syn::UnOp::Neg(token) => (token.span, "-"),
            other => (other.span(), "?"),
        };
        let at = self.span(token);
        let operand = self.expr(&operation.expr);
        unary(at, operator, operand)
    }

    fn binary(&mut self, operation: &syn::ExprBinary) -> Expr {
        let left = self.expr(&operation.left);
        let right = self.expr(&operation.right);
        if assigning(&operation.op).is_some() {
            return assigned(left, right);
        }
        let operator = SmolStr::new(self.source(self.span(operation.op.span())));
        Expr {
            span: cover(left.span, right.span),
            kind: ExprKind::Binary { operator, left: Box::new(left), right: Box::new(right) },
        }
    }

    pub(super) fn range(&mut self, range: &syn::ExprRange) -> Expr {
        let (token, operator) = match &range.limits {
            syn::RangeLimits::HalfOpen(token) => (token.spans[0], ".."),
            syn::RangeLimits::Closed(token) => (token.spans[0], "..="),
        };
        let start = range.start.as_ref().map(|start| self.expr(start));
        let end = range.end.as_ref().map(|end| self.expr(end));
        match (start, end) {
            (Some(left), Some(right)) => Expr {
                span: cover(left.span, right.span),
                kind: ExprKind::Binary {
                    operator: SmolStr::new_static(operator),
                    left: Box::new(left),
                    right: Box::new(right),
                },
            },
            (start, end) => {
                let token = self.span(token);
                let parts: Vec<Expr> = start.into_iter().chain(end).collect();
                let span = parts.first().map_or(token, |part| Span {
                    start: part.span.start.min(token.start),
                    end: part.span.end.max(token.end),
                    line: part.span.line.min(token.line),
                });
                Expr { span, kind: ExprKind::Other(parts) }
            }
        }
    }

    /// `if` with single expressions is a condition, any other a block with a statement.
    fn if_value(&mut self, branch: &syn::ExprIf) -> Expr {
        let (span, kind) = self.if_stmt(branch, Tail::Value);
        match kind {
            StmtKind::If { test, then, otherwise } => match (single(then), single(otherwise)) {
                (Ok(then), Ok(otherwise)) => Expr {
                    span,
                    kind: ExprKind::Conditional {
                        test: Box::new(test),
                        then: Box::new(then),
                        otherwise: Box::new(otherwise),
                    },
                },
                (then, otherwise) => {
                    let then = then.map_or_else(|block| block, as_block);
                    let otherwise = otherwise.map_or_else(|block| block, as_block);
                    statement_value(span, StmtKind::If { test, then, otherwise })
                }
            },
            kind => statement_value(span, kind),
        }
    }

    fn closure(&mut self, closure: &syn::ExprClosure) -> Expr {
        let start = match (&closure.constness, &closure.asyncness, &closure.capture) {
            (Some(token), _, _) => token.span,
            (_, Some(token), _) => token.span,
            (_, _, Some(token)) => token.span,
            _ => closure.inputs_begin.span,
        };
        let start = self.span(start);
        let head = cover(start, self.span(closure.inputs_end.span));
        let params = closure
            .inputs
            .iter()
            .map(|input| {
                let annotation = match input {
                    syn::Pat::Type(typed) => Some(self.ty(&typed.ty)),
                    _ => None,
                };
                plain_param(self.pattern(input), annotation)
            })
            .collect();
        let returns = match &closure.output {
            syn::ReturnType::Default => None,
            syn::ReturnType::Type(_, ty) => Some(self.ty(ty)),
        };
        let mut body = Vec::new();
        let end = match closure.body.as_ref() {
            SynExpr::Block(block) => {
                body = self.block(&block.block, Tail::Returned);
                self.span(block.block.brace_token.span.close())
            }
            other => {
                self.expr_stmt(other, Tail::Returned, &mut body);
                body.last().map_or(head, |stmt| stmt.span)
            }
        };
        let function = Function {
            name: None,
            name_span: head,
            span: cover(start, end),
            decorators: Vec::new(),
            params,
            returns,
            body,
            is_async: closure.asyncness.is_some(),
            is_generator: false,
            is_abstract: false,
            is_getter: false,
            is_static: false,
            generics: Vec::new(),
        };
        Expr { span: function.span, kind: ExprKind::Function(Box::new(function)) }
    }

    /// `async { … }` is a function without parameters: `return` and `?` leave it, and it runs
    /// later.
    fn async_block(&mut self, block: &syn::ExprAsync) -> Expr {
        let start = self.span(block.async_token.span);
        let span = cover(start, self.span(block.block.brace_token.span.close()));
        let function = Function {
            name: None,
            name_span: start,
            span,
            decorators: Vec::new(),
            params: Vec::new(),
            returns: None,
            body: self.block(&block.block, Tail::Returned),
            is_async: true,
            is_generator: false,
            is_abstract: false,
            is_getter: false,
            is_static: false,
            generics: Vec::new(),
        };
        Expr { span, kind: ExprKind::Function(Box::new(function)) }
    }

    pub(super) fn literal(&mut self, literal: &Lit) -> Expr {
        let span = self.span(literal.span());
        let kind = match literal {
            Lit::Str(text) => text_kind(&text.value()),
            Lit::Char(character) => text_kind(character.value().encode_utf8(&mut [0; 4])),
            Lit::Byte(byte) => text_kind(char::from(byte.value()).encode_utf8(&mut [0; 4])),
            Lit::ByteStr(bytes) => text_kind(&String::from_utf8_lossy(&bytes.value())),
            Lit::CStr(text) => text_kind(&text.value().to_string_lossy()),
            Lit::Int(_) | Lit::Float(_) => ExprKind::Number(SmolStr::new(self.source(span))),
            Lit::Bool(truth) => ExprKind::Bool(truth.value),
            _ => ExprKind::Other(Vec::new()),
        };
        Expr { span, kind }
    }
}

fn text_kind(text: &str) -> ExprKind {
    if text.is_empty() {
        ExprKind::Text(Vec::new())
    } else {
        ExprKind::Text(vec![TextPart::Literal(SmolStr::new(text))])
    }
}

fn positional(values: Vec<Expr>) -> Vec<Arg> {
    values.into_iter().map(|value| Arg { name: None, value }).collect()
}

/// A parameter that has nothing but a name and a type.
pub(super) fn plain_param(target: Expr, annotation: Option<Expr>) -> Param {
    Param {
        target,
        default: None,
        annotation,
        decorators: Vec::new(),
        rest: false,
        keyword_rest: false,
    }
}

pub(super) fn member_name(member: &Member) -> SmolStr {
    match member {
        Member::Named(ident) => name_of(ident),
        Member::Unnamed(index) => SmolStr::new(index.index.to_string()),
    }
}

pub(super) fn assigned(target: Expr, value: Expr) -> Expr {
    Expr {
        span: cover(target.span, value.span),
        kind: ExprKind::Assign { target: Box::new(target), value: Box::new(value) },
    }
}

fn postfix(span: Span, operator: &'static str, operand: Expr) -> Expr {
    let operator = SmolStr::new_static(operator);
    Expr { span, kind: ExprKind::Unary { operator, operand: Box::new(operand) } }
}

fn statement_value(span: Span, kind: StmtKind) -> Expr {
    Expr { span, kind: ExprKind::Block(vec![Stmt { span, kind }]) }
}

/// The only expression of a block, or the block as it was. An `else if` with single expressions
/// is a condition itself.
fn single(mut block: module::Block) -> Result<Expr, module::Block> {
    match block.pop() {
        Some(Stmt { kind: StmtKind::Expr(value), .. }) if block.is_empty() => Ok(value),
        Some(Stmt { span, kind: StmtKind::If { test, then, otherwise } }) if block.is_empty() => {
            match (single(then), single(otherwise)) {
                (Ok(then), Ok(otherwise)) => Ok(Expr {
                    span,
                    kind: ExprKind::Conditional {
                        test: Box::new(test),
                        then: Box::new(then),
                        otherwise: Box::new(otherwise),
                    },
                }),
                (then, otherwise) => {
                    let then = then.map_or_else(|block| block, as_block);
                    let otherwise = otherwise.map_or_else(|block| block, as_block);
                    let kind = StmtKind::If { test, then, otherwise };
                    Err(vec![Stmt { span, kind }])
                }
            }
        }
        Some(last) => {
            block.push(last);
            Err(block)
        }
        None => Err(block),
    }
}

fn as_block(value: Expr) -> module::Block {
    vec![Stmt { span: value.span, kind: StmtKind::Expr(value) }]
}
