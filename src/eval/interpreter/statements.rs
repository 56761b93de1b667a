//! Blocks and statements: what runs, what may run, and what loops run over.

use std::rc::Rc;

use super::{Flow, Interpreter, MAX_DEPTH, MAX_TURNS, Thrown};
use crate::eval::expr::{self, Scope};
use crate::eval::value::{Value, grow};
use crate::module::{Arm, Block, Expr, ExprKind, Handler, Stmt, StmtKind};
use crate::source::Language;

impl<'p> Interpreter<'p> {
    pub(super) fn block(&mut self, block: &'p Block) -> Flow<'p> {
        if self.language() == Language::Rust {
            return self.rust_block(block);
        }
        if self.language() != Language::Python {
            // Function declarations are there before the first statement runs.
            for stmt in block {
                if let StmtKind::Function(function) = &stmt.kind
                    && let Some(name) = &function.name
                {
                    let value = self.closure(function);
                    self.frame.env.set(name, value);
                }
            }
        }
        for stmt in block {
            match self.statement(stmt) {
                Flow::Next => {}
                other => return other,
            }
        }
        Flow::Next
    }

    /// How a statement ends in which an expression may have raised or returned.
    pub(super) fn ended(&mut self, flow: Flow<'p>) -> Flow<'p> {
        let left = self.leaving.take();
        match (self.throwing.take(), left) {
            (Some(thrown), _) => Flow::Stop(thrown),
            (None, Some(value)) => Flow::Return(value),
            (None, None) => flow,
        }
    }

    /// Whether an expression raised or returned, so that nothing more of its statement happens.
    pub(super) fn interrupted(&self) -> bool {
        self.throwing.is_some() || self.leaving.is_some()
    }

    /// Runs a block of which nobody knows whether it runs.
    pub(super) fn maybe(&mut self, block: &'p Block) -> Flow<'p> {
        self.conditional += 1;
        let flow = self.block(block);
        self.conditional -= 1;
        flow
    }

    pub(super) fn statement(&mut self, stmt: &'p Stmt) -> Flow<'p> {
        if !self.step() || self.depth > MAX_DEPTH {
            return Flow::Stop(Thrown { denial: false, deliberate: false });
        }
        self.depth += 1;
        let flow = match self.language() {
            Language::Rust => self.rust_statement(stmt),
            _ => self.statement_inner(stmt),
        };
        self.depth -= 1;
        self.ended(flow)
    }

    pub(super) fn statement_inner(&mut self, stmt: &'p Stmt) -> Flow<'p> {
        match &stmt.kind {
            StmtKind::Import(import) => self.import(import),
            StmtKind::Export(export) => self.export(export),
            StmtKind::Bind(bind) => {
                if let Some(value) = &bind.value {
                    let mut value = expr::eval(value, self);
                    if bind.operator.is_some() {
                        let old = expr::eval(&bind.target, self);
                        value = match (&old, &value) {
                            (Value::List(items), Value::List(more)) if !Rc::ptr_eq(items, more) => {
                                let more = more.borrow().clone();
                                grow(&mut items.borrow_mut(), more);
                                old
                            }
                            (Value::Text(a), Value::Text(b)) => {
                                let mut out = (**a).clone();
                                out.push(b);
                                Value::Text(Rc::new(out))
                            }
                            _ => Value::Unknown,
                        };
                        self.spend(value.weight());
                    }
                    self.bind(&bind.target, value);
                }
            }
            StmtKind::Expr(expr) => {
                expr::eval(expr, self);
            }
            StmtKind::Doc(_) | StmtKind::Pass => {}
            // Of the other languages they were defined when the block began.
            StmtKind::Function(function)
                if self.language() == Language::Python || !function.decorators.is_empty() =>
            {
                self.define_function(function);
            }
            StmtKind::Function(_) => {}
            StmtKind::Class(class) => {
                let value = self.define_class(class);
                if let Some(name) = &class.name {
                    self.frame.env.set(name, value);
                }
            }
            StmtKind::Namespace { body, .. } => {
                self.block(body);
            }
            StmtKind::If { test, then, otherwise } => {
                let test = expr::eval(test, self).truth();
                if let Some(thrown) = self.throwing.take() {
                    return Flow::Stop(thrown);
                }
                return match test {
                    Some(true) => self.block(then),
                    Some(false) => self.block(otherwise),
                    None => {
                        let first = self.maybe(then);
                        let second = self.maybe(otherwise);
                        self.join(first, second)
                    }
                };
            }
            StmtKind::Loop { target, over, body } => {
                return self.run_loop(target.as_ref(), over.as_ref(), body);
            }
            StmtKind::Try { body, handlers, after } => return self.run_try(body, handlers, after),
            StmtKind::With { items, body } => {
                for (context, target) in items {
                    let value = expr::eval(context, self);
                    if let Some(target) = target {
                        self.bind(target, value);
                    }
                }
                if let Some(thrown) = self.throwing.take() {
                    return Flow::Stop(thrown);
                }
                return self.block(body);
            }
            StmtKind::Match { subject, arms } => {
                let subject = expr::eval(subject, self);
                if let Some(thrown) = self.throwing.take() {
                    return Flow::Stop(thrown);
                }
                return self.run_match(&subject, arms);
            }
            StmtKind::Return(value) => {
                let value = value.as_ref().map_or(Value::None, |value| expr::eval(value, self));
                return Flow::Return(value);
            }
            StmtKind::Raise(value) => {
                let value = value.as_ref().map(|value| expr::eval(value, self));
                // What is raised while the exception is made is raised instead.
                let thrown = self.throwing.take();
                return Flow::Stop(thrown.unwrap_or_else(|| self.raised(value.as_ref())));
            }
            StmtKind::Block(block) => return self.block(block),
        }
        Flow::Next
    }

    fn run_try(&mut self, body: &'p Block, handlers: &'p [Handler], after: &'p Block) -> Flow<'p> {
        let before = self.before_try();
        let flow = self.block(body);
        let mut flow = match (flow, handlers) {
            // It is known to raise, and there is one place where that can go.
            (Flow::Stop(_), [handler]) if self.probing() => {
                self.caught(before);
                self.bind_exception(handler);
                self.block(&handler.body)
            }
            (flow, []) => flow,
            // A probe looks only at what is known to be raised.
            (flow, _) if !matches!(flow, Flow::Stop(_)) && !self.caught(before) => flow,
            (flow, handlers) => {
                self.caught(before);
                let mut caught = None;
                for handler in handlers {
                    self.bind_exception(handler);
                    let next = self.maybe(&handler.body);
                    caught = Some(match caught {
                        Some(other) => self.join(other, next),
                        None => next,
                    });
                }
                match (flow, caught) {
                    (Flow::Stop(_), Some(caught)) if self.probing() => caught,
                    (flow, Some(caught)) => self.join(flow, caught),
                    (flow, None) => flow,
                }
            }
        };
        if let Flow::Return(value) = self.block(after) {
            flow = Flow::Return(value);
        }
        flow
    }

    /// The arm that is taken, where that is known; otherwise each.
    fn run_match(&mut self, subject: &Value<'p>, arms: &'p [Arm]) -> Flow<'p> {
        let mut flow = None;
        for arm in arms {
            let fits = match &arm.pattern {
                None => Some(true),
                Some(pattern) => self.fits(subject, pattern),
            };
            if fits == Some(false) {
                continue;
            }
            let certain = fits == Some(true) && arm.guard.is_none();
            if certain && flow.is_none() {
                return self.block(&arm.body);
            }
            let next = self.maybe(&arm.body);
            flow = Some(match flow {
                Some(other) => self.join(other, next),
                None => next,
            });
            if certain {
                return flow.unwrap_or(Flow::Next);
            }
        }
        // Nobody knows whether any arm was taken; Rust's always are.
        match flow {
            Some(flow) if self.language() == Language::Rust => flow,
            Some(flow) => self.join(Flow::Next, flow),
            None => Flow::Next,
        }
    }

    /// Whether a value fits a pattern; `None` when that is not known.
    fn fits(&mut self, subject: &Value<'p>, pattern: &'p Expr) -> Option<bool> {
        match &pattern.kind {
            ExprKind::Name(name) if name == "_" => Some(true),
            ExprKind::Name(name) if name == "None" => match subject {
                Value::Absent | Value::None => Some(true),
                _ => None,
            },
            // `Some(x)`, `Ok(x)`
            ExprKind::Call(_) if matches!(subject, Value::Absent) => Some(false),
            ExprKind::Text(_) | ExprKind::Number(_) | ExprKind::Bool(_) | ExprKind::None => {
                let pattern = expr::eval(pattern, self);
                expr::equal(subject, &pattern)
            }
            _ => None,
        }
    }

    fn bind_exception(&mut self, handler: &'p Handler) {
        if let Some(name) = &handler.name {
            self.frame.env.set(name, Value::Unknown);
        }
    }

    /// How two ways end of which nobody knows which is taken.
    pub(super) fn join(&mut self, first: Flow<'p>, second: Flow<'p>) -> Flow<'p> {
        match (first, second) {
            (Flow::Return(a), Flow::Return(b)) => Flow::Return(Value::choice(vec![a, b])),
            // One way goes on, so the statements behind it still run.
            (Flow::Next, Flow::Return(value)) | (Flow::Return(value), Flow::Next) => {
                self.returned.push(value);
                self.narrow();
                Flow::Next
            }
            (Flow::Next, Flow::Stop(thrown)) | (Flow::Stop(thrown), Flow::Next) => {
                self.may_throw(thrown);
                Flow::Next
            }
            (Flow::Next, Flow::Next) => Flow::Next,
            (Flow::Return(value), Flow::Stop(thrown))
            | (Flow::Stop(thrown), Flow::Return(value)) => {
                self.may_throw(thrown);
                Flow::Return(value)
            }
            (Flow::Stop(a), Flow::Stop(b)) => Flow::Stop(Thrown {
                denial: a.denial && b.denial,
                deliberate: a.deliberate && b.deliberate,
            }),
        }
    }

    pub(super) fn run_loop(
        &mut self,
        target: Option<&'p Expr>,
        over: Option<&'p Expr>,
        body: &'p Block,
    ) -> Flow<'p> {
        let over = over.map(|over| expr::eval(over, self));
        let (Some(target), Some(over)) = (target, over) else {
            let flow = self.maybe(body);
            return self.join(Flow::Next, flow);
        };
        let Some(items) = items_of(&over) else {
            self.bind(target, Value::Unknown);
            let flow = self.maybe(body);
            return self.join(Flow::Next, flow);
        };
        if let Some(thrown) = self.throwing.take() {
            return Flow::Stop(thrown);
        }
        for item in self.turns(items) {
            self.bind(target, item);
            match self.block(body) {
                Flow::Next => {}
                Flow::Stop(thrown) if !self.probing() => {
                    let _ = thrown;
                }
                other => return other,
            }
        }
        Flow::Next
    }

    /// The value of a block: of a comprehension, which is lowered as a loop alone, the list of its
    /// elements; of any other, what its last expression comes to.
    pub(super) fn block_value(&mut self, block: &'p Block) -> Value<'p> {
        if let [Stmt { kind: StmtKind::Loop { target: Some(_), over: Some(_), .. }, .. }] =
            block.as_slice()
        {
            let mut elements = Vec::new();
            return if self.collect(block, &mut elements) {
                Value::list(elements)
            } else {
                Value::Unknown
            };
        }
        let Some((last, first)) = block.split_last() else { return Value::None };
        for stmt in first {
            match self.statement(stmt) {
                Flow::Next => {}
                Flow::Return(value) => return value,
                Flow::Stop(thrown) => {
                    self.throwing = self.probing().then_some(thrown);
                    return Value::Unknown;
                }
            }
        }
        match &last.kind {
            StmtKind::Expr(expr) => expr::eval(expr, self),
            _ => match self.statement(last) {
                Flow::Return(value) => value,
                Flow::Stop(thrown) => {
                    self.throwing = self.probing().then_some(thrown);
                    Value::Unknown
                }
                Flow::Next => Value::Unknown,
            },
        }
    }

    /// Collects the elements of a comprehension; false when it runs over something unknown.
    pub(super) fn collect(&mut self, block: &'p Block, out: &mut Vec<Value<'p>>) -> bool {
        for stmt in block {
            let known = match &stmt.kind {
                StmtKind::Loop { target: Some(target), over: Some(over), body } => {
                    let Some(items) = items_of(&expr::eval(over, self)) else { return false };
                    self.turns(items).into_iter().all(|item| {
                        self.bind(target, item);
                        self.step() && self.collect(body, out)
                    })
                }
                StmtKind::If { test, then, .. } => {
                    expr::eval(test, self).truth() == Some(false) || self.collect(then, out)
                }
                StmtKind::Expr(expr) => {
                    let value = expr::eval(expr, self);
                    out.push(value);
                    true
                }
                _ => false,
            };
            if !known {
                return false;
            }
        }
        true
    }

    /// What a loop runs over, as far as loops are followed.
    pub(super) fn turns(&mut self, mut items: Vec<Value<'p>>) -> Vec<Value<'p>> {
        self.cut |= items.len() > MAX_TURNS;
        items.truncate(MAX_TURNS);
        items
    }
}

/// What a loop runs over.
fn items_of<'p>(over: &Value<'p>) -> Option<Vec<Value<'p>>> {
    match over {
        Value::List(items) => Some(items.borrow().clone()),
        Value::Map(entries) => Some(entries.borrow().iter().map(|(key, _)| key.clone()).collect()),
        _ => None,
    }
}
