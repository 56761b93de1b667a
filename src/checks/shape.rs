//! What functions and values look like: constant, neutral, empty.

use crate::module::visit::{Visitor, Walk, walk_block};
use crate::module::{Block, Expr, ExprKind, Function, Stmt, StmtKind, TextPart};

/// Whether a value is written down whole: a text without holes, a number, a boolean, `None`, or a
/// collection of these.
#[must_use]
pub fn is_constant(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Text(parts) => parts.iter().all(|part| matches!(part, TextPart::Literal(_))),
        ExprKind::Number(_) | ExprKind::Bool(_) | ExprKind::None => true,
        ExprKind::Unary { operator, operand } => {
            matches!(operator.as_str(), "-" | "+" | "!" | "&") && is_constant(operand)
        }
        ExprKind::Binary { operator, left, right } => {
            matches!(operator.as_str(), "+" | "*") && is_constant(left) && is_constant(right)
        }
        ExprKind::List(items) => items.iter().all(is_constant),
        ExprKind::Map(entries) => entries
            .iter()
            .all(|entry| entry.key.as_ref().is_some_and(is_constant) && is_constant(&entry.value)),
        _ => false,
    }
}

/// Whether a constant says nothing: empty, zero, false, `None`, `-1`, or a collection of such.
#[must_use]
pub fn is_neutral(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Text(parts) => parts
            .iter()
            .all(|part| matches!(part, TextPart::Literal(text) if text.trim().is_empty())),
        ExprKind::Number(number) => {
            number.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == '_').parse::<f64>()
                == Ok(0.0)
        }
        ExprKind::Bool(value) => !value,
        ExprKind::None => true,
        ExprKind::Unary { operator, operand } => {
            is_neutral(operand)
                || (operator == "-"
                    && matches!(&operand.kind, ExprKind::Number(number) if number == "1"))
        }
        ExprKind::List(items) => items.iter().all(is_neutral),
        ExprKind::Map(entries) => entries.iter().all(|entry| is_neutral(&entry.value)),
        _ => false,
    }
}

/// What a function's own body says, without the functions and classes defined in it.
#[derive(Debug, Default)]
pub struct Body<'m> {
    /// The values of its returns; `None` for a bare `return`.
    pub returns: Vec<Option<&'m Expr>>,
    /// How many statements raise.
    pub raises: usize,
    /// How many calls there are.
    pub calls: usize,
    /// How many attributes of `self` or `this` are read.
    pub self_reads: usize,
    /// Names that are read.
    pub names: Vec<&'m str>,
    /// How many nested functions there are.
    pub nested: usize,
}

impl<'m> Body<'m> {
    /// Collects it.
    #[must_use]
    pub fn of(function: &'m Function) -> Self {
        let mut body = Self::default();
        walk_block(&mut body, &function.body);
        body
    }
}

impl<'m> Visitor<'m> for Body<'m> {
    fn enter_stmt(&mut self, stmt: &'m Stmt) -> Walk {
        match &stmt.kind {
            StmtKind::Return(value) => self.returns.push(value.as_ref()),
            StmtKind::Raise(_) => self.raises += 1,
            _ => {}
        }
        Walk::Into
    }

    fn enter_expr(&mut self, expr: &'m Expr) -> Walk {
        match &expr.kind {
            ExprKind::Call(_) => self.calls += 1,
            ExprKind::Name(name) => self.names.push(name),
            ExprKind::Attribute { object, .. } => {
                if matches!(&object.kind, ExprKind::Name(name) if name == "self" || name == "this" || name == "cls")
                {
                    self.self_reads += 1;
                }
            }
            _ => {}
        }
        Walk::Into
    }

    fn enter_function(&mut self, _: &'m Function) -> Walk {
        self.nested += 1;
        Walk::Skip
    }

    fn enter_class(&mut self, _: &'m crate::module::Class) -> Walk {
        Walk::Skip
    }

    fn enter_annotation(&mut self, _: &'m Expr) -> Walk {
        Walk::Skip
    }
}

/// Whether a function returns made-up data: every return is a constant, at least one of them not
/// neutral, and nothing is called.
#[must_use]
pub fn returns_literals(function: &Function) -> bool {
    if function.is_abstract {
        return false;
    }
    let body = Body::of(function);
    body.calls == 0
        && body.nested == 0
        && !body.returns.is_empty()
        && body.returns.iter().all(|value| value.is_some_and(is_constant))
        && body.returns.iter().flatten().any(|value| !is_neutral(value))
}

/// Whether a function does nothing.
#[must_use]
pub fn is_empty(function: &Function) -> bool {
    !function.is_abstract && function.body.iter().all(says_nothing)
}

/// Whether a statement does nothing.
#[must_use]
pub fn says_nothing(stmt: &Stmt) -> bool {
    match &stmt.kind {
        StmtKind::Pass | StmtKind::Doc(_) | StmtKind::Leave(_) => true,
        StmtKind::Expr(expr) => matches!(&expr.kind, ExprKind::Other(parts) if parts.is_empty()),
        _ => false,
    }
}

/// Whether a function only raises.
#[must_use]
pub fn only_raises(function: &Function) -> bool {
    let mut rest = function.body.iter().filter(|stmt| !says_nothing(stmt)).peekable();
    rest.peek().is_some() && rest.all(|stmt| matches!(stmt.kind, StmtKind::Raise(_)))
}

/// Whether a block always leaves its function (or loop): its last statement does.
#[must_use]
pub fn leaves(block: &Block) -> bool {
    block.last().is_some_and(|last| match &last.kind {
        StmtKind::Return(_) | StmtKind::Raise(_) => true,
        StmtKind::Expr(expr) => matches!(&expr.kind, ExprKind::Call(call)
            if crate::module::path::last_name(&call.callee).is_some_and(|name| {
                matches!(name, "abort" | "exit" | "fail" | "redirect" | "panic" | "sendStatus" | "unauthorized" | "next" | "deny")
            })),
        StmtKind::Block(block) => leaves(block),
        StmtKind::If { then, otherwise, .. } => leaves(then) && leaves(otherwise),
        _ => false,
    })
}
