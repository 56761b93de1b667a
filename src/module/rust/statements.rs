//! Blocks and statements.

use smol_str::SmolStr;
use syn::{Block, Expr as SynExpr, Stmt as SynStmt};

use super::expressions::assigned;
use super::types::unary;
use super::{Lowering, cover};
use crate::module::{self, Arm, Bind, Expr, ExprKind, Leave, Span, Stmt, StmtKind};

/// What the last expression of a block is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Tail {
    /// The block's value, or nothing.
    Value,
    /// The result of the function around it.
    Returned,
}

impl Lowering<'_> {
    pub(super) fn block(&mut self, block: &Block, tail: Tail) -> module::Block {
        self.statements(&block.stmts, tail)
    }

    pub(super) fn statements(&mut self, stmts: &[SynStmt], tail: Tail) -> module::Block {
        let mut out = Vec::with_capacity(stmts.len());
        for (at, stmt) in stmts.iter().enumerate() {
            let last = at + 1 == stmts.len();
            let before = out.len();
            match stmt {
                SynStmt::Local(local) => {
                    self.local(local, &mut out);
                    self.configured(&local.attrs, before, &mut out);
                }
                SynStmt::Item(item) => self.item(item, &mut out),
                SynStmt::Expr(expr, semicolon) => {
                    let tail = if last && semicolon.is_none() { tail } else { Tail::Value };
                    self.expr_stmt(expr, tail, &mut out);
                    self.configured(attributes(expr), before, &mut out);
                }
                SynStmt::Macro(invocation) => {
                    let value = self.invocation(&invocation.mac);
                    let returned = last && invocation.semi_token.is_none();
                    let tail = if returned { tail } else { Tail::Value };
                    push_value(value, tail, &mut out);
                    self.configured(&invocation.attrs, before, &mut out);
                }
            }
        }
        out
    }

    fn local(&mut self, local: &syn::Local, out: &mut module::Block) {
        let start = self.span(local.let_token.span);
        let span = cover(start, self.span(local.semi_token.span));
        let annotation = match &local.pat {
            syn::Pat::Type(typed) => Some(self.ty(&typed.ty)),
            _ => None,
        };
        let target = self.pattern(&local.pat);
        let value = local.init.as_ref().map(|init| self.expr(&init.expr));
        let diverge = local.init.as_ref().and_then(|init| init.diverge.as_ref());
        let (Some(value), Some((_, block))) = (&value, diverge) else {
            let kind = StmtKind::Bind(Bind { target, value, annotation, operator: None });
            return out.push(Stmt { span, kind });
        };
        // `let P = v else { … }` leaves unless `P` matches, and binds what it names.
        let mut then = Vec::new();
        match block.as_ref() {
            SynExpr::Block(block) => then = self.block(&block.block, Tail::Value),
            other => self.expr_stmt(other, Tail::Value, &mut then),
        }
        let test = unary(target.span, "!", assigned(target, value.clone()));
        out.push(Stmt { span, kind: StmtKind::If { test, then, otherwise: Vec::new() } });
    }

    /// A statement that is only there where its `#[cfg(…)]` holds.
    fn configured(&mut self, attrs: &[syn::Attribute], from: usize, out: &mut module::Block) {
        let Some(attr) = attrs.iter().find(|attr| attr.path().is_ident("cfg")) else { return };
        let Some(mut test) = self.decorators(std::slice::from_ref(attr)).pop() else { return };
        if let ExprKind::Call(call) = &mut test.kind {
            call.is_macro = true;
        }
        let then = out.split_off(from);
        let span = then.last().map_or(test.span, |last| cover(test.span, last.span));
        out.push(Stmt { span, kind: StmtKind::If { test, then, otherwise: Vec::new() } });
    }

    /// An expression that stands as a statement.
    pub(super) fn expr_stmt(&mut self, expr: &SynExpr, tail: Tail, out: &mut module::Block) {
        if let Err(other) = self.enter(1, expr) {
            push_value(other, tail, out);
            return;
        }
        self.expr_stmt_inside(expr, tail, out);
        self.depth -= 1;
    }

    fn expr_stmt_inside(&mut self, expr: &SynExpr, tail: Tail, out: &mut module::Block) {
        let (span, kind) = match expr {
            SynExpr::If(branch) => self.if_stmt(branch, tail),
            SynExpr::Match(choice) => self.match_stmt(choice, tail),
            SynExpr::Block(block) => self.block_stmt(None, &block.block, tail),
            SynExpr::Unsafe(block) => {
                let start = self.span(block.unsafe_token.span);
                self.block_stmt(Some(start), &block.block, tail)
            }
            SynExpr::Const(block) => {
                let start = self.span(block.const_token.span);
                self.block_stmt(Some(start), &block.block, tail)
            }
            SynExpr::ForLoop(syn::ExprForLoop { body, for_token, pat, expr, .. }) => {
                let target = Some(self.pattern(pat));
                let over = Some(self.expr(expr));
                self.loop_stmt(for_token.span, target, over, body)
            }
            SynExpr::While(syn::ExprWhile { body, while_token, cond, .. }) => {
                let over = Some(self.expr(cond));
                self.loop_stmt(while_token.span, None, over, body)
            }
            SynExpr::Loop(syn::ExprLoop { body, loop_token, .. }) => {
                self.loop_stmt(loop_token.span, None, None, body)
            }
            SynExpr::Assign(assign) => {
                let target = self.expr(&assign.left);
                let value = self.expr(&assign.right);
                bind(target, value, None)
            }
            SynExpr::Binary(binary) if assigning(&binary.op).is_some() => {
                let target = self.expr(&binary.left);
                let value = self.expr(&binary.right);
                bind(target, value, assigning(&binary.op))
            }
            SynExpr::Return(result) => {
                let start = self.span(result.return_token.span);
                let value = result.expr.as_ref().map(|value| self.expr(value));
                let span = value.as_ref().map_or(start, |value| cover(start, value.span));
                (span, StmtKind::Return(value))
            }
            SynExpr::Break(syn::ExprBreak { break_token, expr: None, .. }) => {
                (self.span(break_token.span), StmtKind::Leave(Leave::Loop))
            }
            SynExpr::Continue(next) => {
                (self.span(next.continue_token.span), StmtKind::Leave(Leave::Turn))
            }
            SynExpr::Paren(paren) => return self.expr_stmt(&paren.expr, tail, out),
            SynExpr::Group(group) => return self.expr_stmt(&group.expr, tail, out),
            other => {
                let value = self.expr(other);
                return push_value(value, tail, out);
            }
        };
        out.push(Stmt { span, kind });
    }

    fn block_stmt(&mut self, start: Option<Span>, block: &Block, tail: Tail) -> (Span, StmtKind) {
        let inner = self.span(block.brace_token.span.join());
        let span = start.map_or(inner, |start| cover(start, inner));
        (span, StmtKind::Block(self.block(block, tail)))
    }

    fn loop_stmt(
        &mut self,
        token: proc_macro2::Span,
        target: Option<Expr>,
        over: Option<Expr>,
        body: &Block,
    ) -> (Span, StmtKind) {
        let span = cover(self.span(token), self.span(body.brace_token.span.close()));
        let body = self.block(body, Tail::Value);
        (span, StmtKind::Loop { target, over, body })
    }

    pub(super) fn if_stmt(&mut self, branch: &syn::ExprIf, tail: Tail) -> (Span, StmtKind) {
        let start = self.span(branch.if_token.span);
        let mut end = self.span(branch.then_branch.brace_token.span.close());
        // Without `else` there is no value, hence nothing to return.
        let tail = if branch.else_branch.is_some() { tail } else { Tail::Value };
        let test = self.expr(&branch.cond);
        let then = self.block(&branch.then_branch, tail);
        let mut otherwise = Vec::new();
        if let Some((_, last)) = &branch.else_branch {
            match last.as_ref() {
                SynExpr::Block(block) => {
                    end = self.span(block.block.brace_token.span.close());
                    otherwise = self.block(&block.block, tail);
                }
                other => {
                    self.expr_stmt(other, tail, &mut otherwise);
                    end = otherwise.last().map_or(end, |stmt| stmt.span);
                }
            }
        }
        (cover(start, end), StmtKind::If { test, then, otherwise })
    }

    pub(super) fn match_stmt(&mut self, choice: &syn::ExprMatch, tail: Tail) -> (Span, StmtKind) {
        let start = self.span(choice.match_token.span);
        let span = cover(start, self.span(choice.brace_token.span.close()));
        let subject = self.expr(&choice.expr);
        let arms = choice
            .arms
            .iter()
            .map(|arm| {
                let (pattern, guard) = self.guarded_pattern(&arm.pat);
                let mut body = Vec::new();
                match arm.body.as_ref() {
                    SynExpr::Block(block) => body = self.block(&block.block, tail),
                    other => self.expr_stmt(other, tail, &mut body),
                }
                Arm { pattern: Some(pattern), guard, body }
            })
            .collect();
        (span, StmtKind::Match { subject, arms })
    }

    /// A block used as a value. The value is that of its last statement.
    pub(super) fn block_value(&mut self, block: &Block) -> Expr {
        let span = self.span(block.brace_token.span.join());
        Expr { span, kind: ExprKind::Block(self.block(block, Tail::Value)) }
    }
}

/// The attributes of what most often stands as a statement.
fn attributes(expr: &SynExpr) -> &[syn::Attribute] {
    match expr {
        SynExpr::Assign(expr) => &expr.attrs,
        SynExpr::Await(expr) => &expr.attrs,
        SynExpr::Binary(expr) => &expr.attrs,
        SynExpr::Block(expr) => &expr.attrs,
        SynExpr::Call(expr) => &expr.attrs,
        SynExpr::ForLoop(expr) => &expr.attrs,
        SynExpr::If(expr) => &expr.attrs,
        SynExpr::Macro(expr) => &expr.attrs,
        SynExpr::Match(expr) => &expr.attrs,
        SynExpr::MethodCall(expr) => &expr.attrs,
        SynExpr::Return(expr) => &expr.attrs,
        SynExpr::Try(expr) => &expr.attrs,
        SynExpr::Unsafe(expr) => &expr.attrs,
        _ => &[],
    }
}

fn bind(target: Expr, value: Expr, operator: Option<&'static str>) -> (Span, StmtKind) {
    let span = cover(target.span, value.span);
    let operator = operator.map(SmolStr::new_static);
    (span, StmtKind::Bind(Bind { target, value: Some(value), annotation: None, operator }))
}

fn push_value(value: Expr, tail: Tail, out: &mut module::Block) {
    let span = value.span;
    let kind = match tail {
        Tail::Value => StmtKind::Expr(value),
        Tail::Returned => StmtKind::Return(Some(value)),
    };
    out.push(Stmt { span, kind });
}

/// The operator of `+=` and its kin, without `=`.
pub(super) fn assigning(operator: &syn::BinOp) -> Option<&'static str> {
    use syn::BinOp;
    Some(match operator {
        BinOp::AddAssign(_) => "+",
        BinOp::SubAssign(_) => "-",
        BinOp::MulAssign(_) => "*",
        BinOp::DivAssign(_) => "/",
        BinOp::RemAssign(_) => "%",
        BinOp::BitXorAssign(_) => "^",
        BinOp::BitAndAssign(_) => "&",
        BinOp::BitOrAssign(_) => "|",
        BinOp::ShlAssign(_) => "<<",
        BinOp::ShrAssign(_) => ">>",
        _ => return None,
    })
}
