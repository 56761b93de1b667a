//! Blocks, statements and what they come to.

use std::rc::Rc;

use smol_str::SmolStr;

use super::items::holds;
use crate::eval::expr;
use crate::eval::interpreter::{Flow, Interpreter};
use crate::eval::value::{Env, Value};
use crate::module::path::{Path, last_name};
use crate::module::{Arm, Bind, Block, Call, Expr, ExprKind, Import, ImportNames, Stmt, StmtKind};

impl<'p> Interpreter<'p> {
    /// Works in a scope inside the present one.
    pub(super) fn in_scope<R>(&mut self, work: impl FnOnce(&mut Self) -> R) -> R {
        let env = Env::inside(&self.frame.env, self.frame.env.qualified.clone(), false);
        let outer = std::mem::replace(&mut self.frame.env, env);
        let result = work(self);
        self.frame.env = outer;
        result
    }

    pub(in crate::eval::interpreter) fn rust_block(&mut self, block: &'p Block) -> Flow<'p> {
        self.in_scope(|it| {
            it.define_local(block);
            it.run(block)
        })
    }

    /// What a block defines is there before its first statement.
    pub(super) fn define_local(&mut self, block: &'p Block) {
        let defines = |stmt: &Stmt| {
            matches!(stmt.kind, StmtKind::Function(_) | StmtKind::Class(_) | StmtKind::Import(_))
        };
        let is_macro =
            |stmt: &Stmt| matches!(&stmt.kind, StmtKind::Expr(expr) if is_definition(expr));
        if !block.iter().any(|stmt| defines(stmt) || is_macro(stmt)) {
            return;
        }
        let env = Rc::clone(&self.frame.env);
        for stmt in block {
            if let StmtKind::Import(import) = &stmt.kind {
                self.local_import(import);
            }
            self.collect_macro(env.file, stmt);
        }
        self.define_local_types(&env, block);
        self.define_items(&env, block, None);
    }

    fn run(&mut self, block: &'p [Stmt]) -> Flow<'p> {
        for stmt in block {
            match self.statement(stmt) {
                Flow::Next => {}
                other => return other,
            }
        }
        Flow::Next
    }

    /// A statement; what its expressions raised or returned is seen to by the caller.
    pub(in crate::eval::interpreter) fn rust_statement(&mut self, stmt: &'p Stmt) -> Flow<'p> {
        match &stmt.kind {
            // Whether a loop is left early changes nothing that is asked about a program.
            StmtKind::Leave(_) => Flow::Next,
            StmtKind::Bind(bind) => {
                // A `let` begins before its target.
                if stmt.span.start < bind.target.span.start {
                    self.declare_local(bind);
                } else {
                    self.assign_to(bind);
                }
                Flow::Next
            }
            StmtKind::Expr(expr) => {
                if !is_definition(expr) {
                    expr::eval(expr, self);
                }
                Flow::Next
            }
            StmtKind::If { test, then, otherwise } => {
                if let Some(condition) = compilation(test) {
                    return match holds(condition, 0) {
                        Some(true) => self.run(then),
                        Some(false) => self.run(otherwise),
                        None => self.run_perhaps(then),
                    };
                }
                // What `let P = v else { … }` names is for what comes after it.
                if matches!(&test.kind, ExprKind::Unary { operator, operand } if operator == "!" && matches!(operand.kind, ExprKind::Assign { .. }))
                {
                    return self.branch(test, then, otherwise);
                }
                self.in_scope(|it| it.branch(test, then, otherwise))
            }
            StmtKind::Loop { target, over, body } => {
                self.rust_loop(target.as_ref(), over.as_ref(), body)
            }
            StmtKind::Match { subject, arms } => {
                let subject = expr::eval(subject, self);
                if self.interrupted() {
                    return Flow::Next;
                }
                self.rust_match(&subject, arms)
            }
            StmtKind::Return(value) => {
                let value = value.as_ref().map_or(Value::None, |value| expr::eval(value, self));
                Flow::Return(value)
            }
            StmtKind::Block(block) => self.rust_block(block),
            // These are there before the block begins.
            _ => Flow::Next,
        }
    }

    fn run_perhaps(&mut self, block: &'p Block) -> Flow<'p> {
        self.conditional += 1;
        let flow = self.run(block);
        self.conditional -= 1;
        self.join(flow, Flow::Next)
    }

    /// The condition of an `if`.
    fn decided(&mut self, test: &'p Expr, then: &'p Block, otherwise: &'p Block) -> Option<bool> {
        let before = self.looked();
        let truth = expr::eval(test, self).truth();
        // A look at the caller that decides about a line of the log decides nothing.
        if is_idle(then) && is_idle(otherwise) {
            self.forget_look(before);
        }
        truth
    }

    fn branch(&mut self, test: &'p Expr, then: &'p Block, otherwise: &'p Block) -> Flow<'p> {
        let truth = self.decided(test, then, otherwise);
        if self.interrupted() {
            return Flow::Next;
        }
        match truth {
            Some(true) => self.rust_block(then),
            Some(false) => self.rust_block(otherwise),
            None => {
                let first = self.maybe(then);
                let second = self.maybe(otherwise);
                self.join(first, second)
            }
        }
    }

    fn rust_match(&mut self, subject: &Value<'p>, arms: &'p [Arm]) -> Flow<'p> {
        let mut flow = None;
        for arm in arms {
            let alone = flow.is_none();
            let (certain, next) = self.in_scope(|it| match it.arm_fits(subject, arm) {
                Some(false) => (false, None),
                Some(true) if alone => (true, Some(it.rust_block(&arm.body))),
                fits => (fits == Some(true), Some(it.maybe(&arm.body))),
            });
            if self.interrupted() {
                return Flow::Next;
            }
            let Some(next) = next else { continue };
            let joined = match flow.take() {
                Some(other) => self.join(other, next),
                None => next,
            };
            if certain {
                return joined;
            }
            flow = Some(joined);
        }
        flow.unwrap_or(Flow::Next)
    }

    /// Whether an arm is taken; what its pattern names is bound.
    fn arm_fits(&mut self, subject: &Value<'p>, arm: &'p Arm) -> Option<bool> {
        let fits = match &arm.pattern {
            Some(pattern) => self.fits_pattern(subject, pattern),
            None => Some(true),
        };
        if fits == Some(false) {
            return fits;
        }
        let Some(guard) = &arm.guard else { return fits };
        match expr::eval(guard, self).truth() {
            Some(true) => fits,
            Some(false) => Some(false),
            None => None,
        }
    }

    fn rust_loop(
        &mut self,
        target: Option<&'p Expr>,
        over: Option<&'p Expr>,
        body: &'p Block,
    ) -> Flow<'p> {
        let (Some(target), Some(over)) = (target, over) else {
            return self.in_scope(|it| {
                let truth = over.and_then(|test| expr::eval(test, it).truth());
                if it.interrupted() || truth == Some(false) {
                    return Flow::Next;
                }
                let flow = it.maybe(body);
                it.join(Flow::Next, flow)
            });
        };
        let over = expr::eval(over, self);
        if self.interrupted() {
            return Flow::Next;
        }
        let Some(items) = self.elements(&over) else {
            // Of what runs over something unknown, each turn does the same.
            let conditional = usize::from(self.probing());
            self.conditional += conditional;
            let flow = self.in_scope(|it| {
                it.fits_pattern(&Value::Unknown, target);
                it.rust_block(body)
            });
            self.conditional -= conditional;
            return self.join(Flow::Next, flow);
        };
        for item in self.turns(items) {
            let flow = self.in_scope(|it| {
                it.fits_pattern(&item, target);
                it.rust_block(body)
            });
            match flow {
                Flow::Next => {}
                Flow::Stop(_) if !self.probing() => {}
                other => return other,
            }
        }
        Flow::Next
    }

    /// The value of a block.
    pub(super) fn rust_block_value(&mut self, block: &'p Block) -> Value<'p> {
        self.in_scope(|it| {
            it.define_local(block);
            it.last_value(block)
        })
    }

    pub(super) fn last_value(&mut self, block: &'p [Stmt]) -> Value<'p> {
        let Some((last, first)) = block.split_last() else { return Value::None };
        for stmt in first {
            if !self.step_through(stmt) {
                return Value::Unknown;
            }
        }
        self.value_of(last)
    }

    /// Runs a statement inside an expression; false when the function ends in it.
    fn step_through(&mut self, stmt: &'p Stmt) -> bool {
        match self.statement(stmt) {
            Flow::Next | Flow::Leave(_) => true,
            Flow::Return(value) => {
                self.leaving = Some(value);
                false
            }
            Flow::Stop(thrown) => {
                self.throwing = self.probing().then_some(thrown);
                false
            }
        }
    }

    /// What a statement comes to that ends a block.
    fn value_of(&mut self, stmt: &'p Stmt) -> Value<'p> {
        match &stmt.kind {
            StmtKind::Expr(expr) if !is_definition(expr) => expr::eval(expr, self),
            StmtKind::Block(block) => self.rust_block_value(block),
            StmtKind::If { test, then, otherwise } if compilation(test).is_none() => {
                self.in_scope(|it| {
                    let truth = it.decided(test, then, otherwise);
                    if it.interrupted() {
                        return Value::Unknown;
                    }
                    match truth {
                        Some(true) => it.rust_block_value(then),
                        Some(false) => it.rust_block_value(otherwise),
                        None => {
                            let first = it.perhaps(|it| it.rust_block_value(then));
                            let second = it.perhaps(|it| it.rust_block_value(otherwise));
                            it.either(vec![first, second])
                        }
                    }
                })
            }
            StmtKind::Match { subject, arms } => {
                let subject = expr::eval(subject, self);
                if self.interrupted() {
                    return Value::Unknown;
                }
                self.match_value(&subject, arms)
            }
            _ => {
                self.step_through(stmt);
                Value::None
            }
        }
    }

    fn match_value(&mut self, subject: &Value<'p>, arms: &'p [Arm]) -> Value<'p> {
        let mut ways = Vec::new();
        for arm in arms {
            let alone = ways.is_empty();
            let (certain, way) = self.in_scope(|it| match it.arm_fits(subject, arm) {
                Some(false) => (false, None),
                Some(true) if alone => (true, Some(Some(it.rust_block_value(&arm.body)))),
                fits => {
                    let way = it.perhaps(|it| it.rust_block_value(&arm.body));
                    (fits == Some(true), Some(way))
                }
            });
            if alone && certain {
                return way.flatten().unwrap_or_default();
            }
            ways.extend(way);
            if certain {
                break;
            }
        }
        if ways.is_empty() { Value::Unknown } else { self.either(ways) }
    }

    /// `let P = v;`
    fn declare_local(&mut self, bind: &'p Bind) {
        let mut value = match &bind.value {
            Some(value) => expr::eval(value, self),
            None => Value::Unknown,
        };
        if self.interrupted() {
            return;
        }
        if let (Some(annotation), Some(made)) = (&bind.annotation, &bind.value)
            && matches!(value, Value::Unknown | Value::Native(_))
            && is_call_of(made, "unwrap_or_default")
        {
            let of = self.type_value(annotation);
            value = self.default_of(&of).map_or(value, replaceable);
        }
        if let (Value::External(_), Some(annotation)) = (&value, &bind.annotation)
            && let Value::Annotated(of) = self.type_value(annotation)
            && let Some(of) = of.1.first()
        {
            value = self.kept_as(&value, of.clone(), bind.target.span).unwrap_or(value);
        }
        self.fits_pattern(&value, &bind.target);
    }

    /// `target = v`, `target += v`.
    fn assign_to(&mut self, bind: &'p Bind) {
        let Some(value) = &bind.value else { return };
        let mut value = expr::eval(value, self);
        if self.interrupted() {
            return;
        }
        if let Some(operator) = &bind.operator {
            let old = expr::eval(&bind.target, self);
            value = expr::operate(operator, &old, &value, "");
        }
        self.assign_value(&bind.target, value);
    }

    /// Gives a place another value.
    pub(super) fn assign_value(&mut self, target: &'p Expr, value: Value<'p>) {
        match &target.kind {
            ExprKind::Name(name) => self.assign_name(name, value),
            ExprKind::Unary { operand, .. } => match &operand.kind {
                // `*response.status_mut() = …`
                ExprKind::Call(call) => {
                    if let ExprKind::Attribute { object, name, .. } = &call.callee.kind
                        && let Some(name) = name.strip_suffix("_mut")
                    {
                        let object = expr::eval(object, self);
                        self.set_attribute(&object, name, value, target.span);
                    }
                }
                _ => self.assign_value(operand, value),
            },
            ExprKind::List(targets) => {
                for (at, target) in targets.iter().enumerate() {
                    let item = self.rust_attribute(&value, &at.to_string());
                    self.assign_value(target, item);
                }
            }
            _ => self.bind(target, value),
        }
    }

    fn assign_name(&mut self, name: &SmolStr, value: Value<'p>) {
        let mut scope = Some(Rc::clone(&self.frame.env));
        while let Some(env) = scope {
            if env.vars.borrow().contains_key(name) {
                return env.set(name, value);
            }
            scope = env.parent.clone();
        }
        self.frame.env.set(name, value);
    }

    /// `use` inside a function.
    fn local_import(&mut self, import: &'p Import) {
        let module = super::items::top(&self.frame.env);
        match &import.names {
            ImportNames::Names(names) => {
                for (name, local) in names {
                    let value = self.found(&module, &format!("{}::{name}", import.module));
                    self.frame.env.set(local, value);
                }
            }
            ImportNames::Module(local) => {
                let value = self.found(&module, &import.module);
                self.frame.env.set(local, value);
            }
            ImportNames::Star => {
                let names = match self.found(&module, &import.module) {
                    Value::Class(class) => class.env.vars.borrow().clone(),
                    Value::Scope(env) => env.vars.borrow().clone(),
                    Value::Module(file) => self.modules[file.0 as usize].env.vars.borrow().clone(),
                    _ => return,
                };
                self.frame.env.vars.borrow_mut().extend(names);
            }
            ImportNames::Effect => {}
        }
    }
}

/// A value that settings may replace: of its fields only texts keep their defaults.
fn replaceable(value: Value<'_>) -> Value<'_> {
    if let Value::Object(object) = &value {
        for (name, field) in object.fields.borrow_mut().iter_mut() {
            *field = match std::mem::take(field) {
                Value::Text(text) => Value::Text(Rc::new((*text).clone().from_env(name))),
                _ => Value::Unknown,
            };
        }
    }
    value
}

/// The condition of `#[cfg(…)]` and `cfg!(…)`.
fn compilation(test: &Expr) -> Option<&Expr> {
    match &test.kind {
        ExprKind::Call(call) if call.is_macro && last_name(&call.callee) == Some("cfg") => {
            call.args.first().map(|arg| &arg.value)
        }
        _ => None,
    }
}

fn is_definition(expr: &Expr) -> bool {
    matches!(&expr.kind, ExprKind::Call(call) if call.is_macro && last_name(&call.callee) == Some("macro_rules"))
}

fn is_call_of(expr: &Expr, method: &str) -> bool {
    match &expr.kind {
        ExprKind::Call(call) => last_name(&call.callee) == Some(method),
        ExprKind::Await(inner) | ExprKind::Unary { operand: inner, .. } => {
            is_call_of(inner, method)
        }
        _ => false,
    }
}

/// Whether a block only writes to a log, or to a header of the answer.
fn is_idle(block: &Block) -> bool {
    let writes = |call: &Call| {
        let name = last_name(&call.callee).unwrap_or("");
        if call.is_macro {
            return is_log(name);
        }
        match &call.callee.kind {
            ExprKind::Attribute { object, .. } => match &object.kind {
                ExprKind::Call(inner) => Path::of(&inner.callee).last() == "headers_mut",
                _ => false,
            },
            _ => false,
        }
    };
    block.iter().all(|stmt| match &stmt.kind {
        StmtKind::Expr(Expr { kind: ExprKind::Call(call), .. }) => writes(call),
        StmtKind::Pass => true,
        _ => false,
    })
}

/// Macros that write to a log.
pub(super) fn is_log(name: &str) -> bool {
    matches!(
        name,
        "trace"
            | "debug"
            | "info"
            | "warn"
            | "error"
            | "log"
            | "event"
            | "println"
            | "eprintln"
            | "print"
            | "eprint"
            | "debug_assert"
            | "debug_assert_eq"
            | "debug_assert_ne"
    )
}
