//! Blocks and statements: what runs, what may run, and what loops run over.

use std::rc::Rc;

use super::{Flow, Interpreter, MAX_DEPTH, MAX_TURNS};
use crate::eval::expr::{self, Scope};
use crate::eval::value::{Value, grow};
use crate::module::{Block, Expr, Stmt, StmtKind};
use crate::source::Language;

impl<'p> Interpreter<'p> {
    pub(super) fn block(&mut self, block: &'p Block) -> Flow<'p> {
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

    /// Runs a block of which nobody knows whether it runs.
    pub(super) fn maybe(&mut self, block: &'p Block) -> Flow<'p> {
        self.conditional += 1;
        let flow = self.block(block);
        self.conditional -= 1;
        flow
    }

    pub(super) fn statement(&mut self, stmt: &'p Stmt) -> Flow<'p> {
        if !self.step() || self.depth > MAX_DEPTH {
            return Flow::Stop;
        }
        self.depth += 1;
        let flow = self.statement_inner(stmt);
        self.depth -= 1;
        flow
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
                return match expr::eval(test, self).truth() {
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
            StmtKind::Try { body, handlers, after } => {
                let flow = self.block(body);
                let mut flows = vec![flow];
                for handler in handlers {
                    if let Some(name) = &handler.name {
                        self.frame.env.set(name, Value::Unknown);
                    }
                    flows.push(self.maybe(&handler.body));
                }
                if let Flow::Return(value) = self.block(after) {
                    return Flow::Return(value);
                }
                return flows
                    .into_iter()
                    .reduce(|first, next| self.join(first, next))
                    .unwrap_or(Flow::Next);
            }
            StmtKind::With { items, body } => {
                for (context, target) in items {
                    let value = expr::eval(context, self);
                    if let Some(target) = target {
                        self.bind(target, value);
                    }
                }
                return self.block(body);
            }
            StmtKind::Match { subject, arms } => {
                expr::eval(subject, self);
                let mut flow = Flow::Next;
                for arm in arms {
                    let next = self.maybe(&arm.body);
                    flow = self.join(flow, next);
                }
                return flow;
            }
            StmtKind::Return(value) => {
                let value = value.as_ref().map_or(Value::None, |value| expr::eval(value, self));
                return Flow::Return(value);
            }
            StmtKind::Raise(value) => {
                if let Some(value) = value {
                    expr::eval(value, self);
                }
                return Flow::Stop;
            }
            StmtKind::Block(block) => return self.block(block),
        }
        Flow::Next
    }

    /// How two ways end of which nobody knows which is taken.
    pub(super) fn join(&mut self, first: Flow<'p>, second: Flow<'p>) -> Flow<'p> {
        match (first, second) {
            (Flow::Return(a), Flow::Return(b)) => Flow::Return(Value::choice(vec![a, b])),
            // One way goes on, so the statements behind it still run.
            (Flow::Next, Flow::Return(value)) | (Flow::Return(value), Flow::Next) => {
                self.returned.push(value);
                Flow::Next
            }
            (Flow::Next, _) | (_, Flow::Next) => Flow::Next,
            (Flow::Return(value), Flow::Stop) | (Flow::Stop, Flow::Return(value)) => {
                Flow::Return(value)
            }
            (Flow::Stop, Flow::Stop) => Flow::Stop,
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
            return match self.maybe(body) {
                Flow::Return(value) => Flow::Return(value),
                _ => Flow::Next,
            };
        };
        let Some(items) = items_of(&over) else {
            self.bind(target, Value::Unknown);
            return match self.maybe(body) {
                Flow::Return(value) => Flow::Return(Value::choice(vec![value, Value::Unknown])),
                _ => Flow::Next,
            };
        };
        for item in self.turns(items) {
            self.bind(target, item);
            if let Flow::Return(value) = self.block(body) {
                return Flow::Return(value);
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
                Flow::Stop => return Value::Unknown,
            }
        }
        match &last.kind {
            StmtKind::Expr(expr) => expr::eval(expr, self),
            _ => match self.statement(last) {
                Flow::Return(value) => value,
                _ => Value::Unknown,
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
