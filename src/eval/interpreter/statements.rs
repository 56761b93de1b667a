//! Blocks and statements: what runs, what may run, and what loops run over.

use std::collections::BTreeSet;
use std::rc::Rc;

use smol_str::SmolStr;

use super::{Flow, Interpreter, MAX_DEPTH, MAX_TURNS, Thrown};
use crate::eval::builtins;
use crate::eval::expr::{self, Scope};
use crate::eval::value::{Args, Value, grow, static_name};
use crate::module::path::Path;
use crate::module::{Arm, Block, Expr, ExprKind, Handler, Leave, Span, Stmt, StmtKind};
use crate::source::Language;

impl<'p> Interpreter<'p> {
    pub(super) fn block(&mut self, block: &'p Block) -> Flow<'p> {
        if self.language() == Language::Rust {
            return self.rust_block(block);
        }
        if self.language() != Language::Python {
            // Function declarations are there before the first statement runs.
            let functions = || {
                block.iter().filter_map(|stmt| match &stmt.kind {
                    StmtKind::Function(function) => Some((function, function.name.as_ref()?)),
                    _ => None,
                })
            };
            // What a class has by a name, its instances may have otherwise.
            let is_class = self.frame.env.is_class && functions().any(|(it, _)| it.is_static);
            let of_instances: BTreeSet<&SmolStr> = functions()
                .filter(|(function, _)| is_class && !function.is_static)
                .map(|(_, name)| name)
                .collect();
            for (function, name) in functions() {
                let value = self.closure(function);
                match function.is_static && of_instances.contains(name) {
                    true => self.set_variable(&static_name(name), value, false),
                    false => self.set_variable(name, value, false),
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

    /// Runs both ways of a condition that the environment decides. What they do may be done; what
    /// they come to is what the way comes to that is taken by default, and text is something else
    /// where the other is taken.
    fn usual(&mut self, truth: bool, then: &'p Block, otherwise: &'p Block) -> Flow<'p> {
        let (usual, other) = if truth { (then, otherwise) } else { (otherwise, then) };
        let returned = self.returned.len();
        let mut elsewhere = self.way(|it| it.block(other));
        let changes = elsewhere.take_texts();
        let elsewhere = self.fall_back(elsewhere);
        if !matches!(elsewhere, Flow::Next) || self.returned.len() > returned {
            self.returned.truncate(returned);
            self.swayed = true;
        }
        if let Flow::Return(value) = elsewhere {
            self.otherwise.push(value);
        }
        self.conditional += 1;
        let flow = self.block(usual);
        self.conditional -= 1;
        self.unless(changes);
        flow
    }

    pub(super) fn statement(&mut self, stmt: &'p Stmt) -> Flow<'p> {
        if !self.step() || self.depth > MAX_DEPTH {
            return Flow::Stop(Thrown::default());
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
                    if let Some(operator) = &bind.operator {
                        let old = expr::eval(&bind.target, self);
                        value = match (old.as_list(), value.as_list()) {
                            (Some(items), Some(more))
                                if operator == "+" && !Rc::ptr_eq(&items, &more) =>
                            {
                                let more = more.borrow().clone();
                                grow(&mut items.borrow_mut(), more);
                                old
                            }
                            (Some(items), None)
                                if operator == "+"
                                    && matches!(value, Value::Native(_) | Value::Method(_)) =>
                            {
                                grow(&mut items.borrow_mut(), [value]);
                                old
                            }
                            _ => expr::operate(operator, &old, &value, ""),
                        };
                        self.spend(value.weight());
                    }
                    self.declare(&value, bind.annotation.as_ref());
                    if self.follows {
                        value = self.as_state(&bind.target, value);
                    }
                    self.bind(&bind.target, value);
                } else if self.language().is_script()
                    && let ExprKind::Name(name) = &bind.target.kind
                    && !self.frame.env.is_class
                {
                    self.set_variable(name, Value::None, false);
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
                    self.set_variable(name, value, false);
                }
            }
            StmtKind::Namespace { body, .. } => {
                self.block(body);
            }
            StmtKind::If { test, then, otherwise } => {
                let value = expr::eval(test, self);
                if let Some(thrown) = self.throwing.take() {
                    return Flow::Stop(thrown);
                }
                return match expr::truth(test, &value, self) {
                    // Whoever starts the program fulfils the condition of being started.
                    _ if is_start(test) => {
                        let first = self.apart(|it| it.block(then));
                        let second = self.way(|it| it.block(otherwise));
                        self.meet(first, second)
                    }
                    Some(truth) if value.is_default() && !self.probing() => {
                        self.usual(truth, then, otherwise)
                    }
                    Some(true) => self.block(then),
                    Some(false) => self.block(otherwise),
                    None => {
                        let run = |block: &'p Block, holds: bool| {
                            move |it: &mut Self| {
                                it.narrow_to(test, holds);
                                it.block(block)
                            }
                        };
                        let first = self.way(run(then, true));
                        let second = self.way(run(otherwise, false));
                        self.meet(first, second)
                    }
                };
            }
            StmtKind::Loop { target, over, body } => {
                return self.run_loop(target.as_ref(), over.as_ref(), body);
            }
            StmtKind::Try { body, handlers, after } => return self.run_try(body, handlers, after),
            StmtKind::With { items, body } => {
                let mut entered = Vec::new();
                for (context, target) in items {
                    let value = expr::eval(context, self);
                    self.enters(&value, "__enter__", context.span);
                    entered.push((value.clone(), context.span));
                    if let Some(target) = target {
                        self.bind(target, value);
                    }
                }
                if let Some(thrown) = self.throwing.take() {
                    return Flow::Stop(thrown);
                }
                let flow = self.block(body);
                for (value, span) in entered.iter().rev() {
                    self.enters(value, "__exit__", *span);
                }
                return flow;
            }
            StmtKind::Match { subject, arms } => {
                let subject = expr::eval(subject, self);
                if let Some(thrown) = self.throwing.take() {
                    return Flow::Stop(thrown);
                }
                return match self.run_match(&subject, arms) {
                    // A `break` leaves a script's `switch` and nothing else.
                    Flow::Leave(Leave::Loop) if self.language().is_script() => Flow::Next,
                    flow => flow,
                };
            }
            StmtKind::Return(value) => {
                let value = value.as_ref().map_or(Value::None, |value| expr::eval(value, self));
                return Flow::Return(self.given_back(value));
            }
            StmtKind::Raise(value) => {
                let value = value.as_ref().map(|value| expr::eval(value, self));
                // What is raised while the exception is made is raised instead.
                let thrown = self.throwing.take();
                return Flow::Stop(thrown.unwrap_or_else(|| self.raised(value.as_ref())));
            }
            StmtKind::Leave(leave) => return Flow::Leave(*leave),
            StmtKind::Block(block) => return self.block(block),
        }
        Flow::Next
    }

    /// Records that a thing from outside is entered or left, where it may register in between.
    fn enters(&mut self, context: &Value<'p>, method: &str, span: Span) {
        let is_thing = match context {
            Value::Native(_) => true,
            Value::Object(object) => object.native.get().is_some(),
            _ => false,
        };
        if is_thing && !self.probing() {
            let callee = Value::Method(Rc::new((context.clone(), method.into())));
            self.record(callee, Args::default(), span, None);
        }
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
                    let next = if self.probing() {
                        self.maybe(&handler.body)
                    } else {
                        // What a fallback binds is for when the body fails.
                        let way = self.way(|it| it.block(&handler.body));
                        self.fall_back(way)
                    };
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
        // Behind what has returned or raised, no `else` runs, and a `finally` decides nothing.
        let goes_on = matches!(flow, Flow::Next);
        if goes_on || !self.probing() {
            let last = self.block(after);
            if goes_on {
                flow = last;
            }
        }
        flow
    }

    /// The arm that is taken, where that is known; otherwise each.
    fn run_match(&mut self, subject: &Value<'p>, arms: &'p [Arm]) -> Flow<'p> {
        let mut flow = None;
        for (at, arm) in arms.iter().enumerate() {
            let fits = match &arm.pattern {
                None => Some(true),
                Some(pattern) => self.fits(subject, pattern),
            };
            if fits == Some(false) {
                continue;
            }
            let certain = fits == Some(true) && arm.guard.is_none();
            // `case "a": case "b": …`: an arm without statements is the one that follows.
            let body = match &arms[at..].iter().find(|arm| !arm.body.is_empty()) {
                Some(next) if self.language() != Language::Rust => &next.body,
                _ => &arm.body,
            };
            if certain && flow.is_none() {
                return self.block(body);
            }
            let next = self.maybe(body);
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
            // What follows in the loop's turn may not run.
            (Flow::Next, Flow::Leave(_)) | (Flow::Leave(_), Flow::Next) => {
                self.narrow();
                Flow::Next
            }
            (Flow::Leave(leave), Flow::Leave(_)) => Flow::Leave(leave),
            (Flow::Leave(leave), Flow::Return(value))
            | (Flow::Return(value), Flow::Leave(leave)) => {
                self.returned.push(value);
                self.narrow();
                Flow::Leave(leave)
            }
            (Flow::Leave(leave), Flow::Stop(thrown)) | (Flow::Stop(thrown), Flow::Leave(leave)) => {
                self.may_throw(thrown);
                Flow::Leave(leave)
            }
            (Flow::Return(value), Flow::Stop(thrown))
            | (Flow::Stop(thrown), Flow::Return(value)) => {
                self.may_throw(thrown);
                Flow::Return(value)
            }
            (Flow::Stop(a), Flow::Stop(b)) => Flow::Stop(Thrown {
                denial: a.denial && b.denial,
                deliberate: a.deliberate && b.deliberate,
                method: a.method && b.method,
                blind: a.blind && b.blind,
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
            let flow = self.turn(|it| it.maybe(body));
            return self.join(Flow::Next, flow);
        };
        if self.is_sent_along(&over) {
            return Flow::Next;
        }
        // The names of an object, unless each is taken apart.
        let over = match over {
            Value::Map(_) if !matches!(target.kind, ExprKind::List(_)) => over,
            over => self.listed(over),
        };
        let Some(items) = items_of(&over) else {
            self.bind(target, Value::Unknown);
            // A list that nobody knows has items: what they register has holes, no condition.
            let flow =
                self.turn(|it| if it.probing() { it.maybe(body) } else { it.some_turn(body) });
            return self.join(Flow::Next, flow);
        };
        if let Some(thrown) = self.throwing.take() {
            return Flow::Stop(thrown);
        }
        for (item, certain) in self.turns(items) {
            self.bind(target, item);
            self.conditional += usize::from(!certain);
            let mut ends = false;
            let flow = self.turn(|it| {
                let flow = it.block(body);
                ends = matches!(flow, Flow::Leave(Leave::Loop));
                flow
            });
            self.conditional -= usize::from(!certain);
            match flow {
                Flow::Next => {}
                Flow::Stop(thrown) if !self.probing() => {
                    let _ = thrown;
                }
                other => return other,
            }
            if ends {
                break;
            }
        }
        Flow::Next
    }

    /// Runs one turn of a loop. Where only the turn was left early, all that follows it runs.
    fn turn(&mut self, run: impl FnOnce(&mut Self) -> Flow<'p>) -> Flow<'p> {
        let returned = self.returned.len();
        let narrowed = self.narrowing(None);
        let conditional = self.conditional;
        let flow = run(self);
        if self.returned.len() == returned {
            self.narrowing(Some(narrowed));
            self.conditional = conditional;
        }
        match flow {
            Flow::Leave(_) => Flow::Next,
            flow => flow,
        }
    }

    /// The value of a block: of a comprehension, which is lowered as a loop alone, the list of its
    /// elements; of any other, what its last expression comes to.
    pub(super) fn block_value(&mut self, block: &'p Block) -> Value<'p> {
        if let [Stmt { kind: StmtKind::Loop { target: Some(_), over: Some(_), .. }, .. }] =
            block.as_slice()
        {
            if let Some(copy) = self.copied_headers(block) {
                return copy;
            }
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
                Flow::Leave(_) => return Value::Unknown,
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
                Flow::Next | Flow::Leave(_) => Value::Unknown,
            },
        }
    }

    /// The headers of a request, where a comprehension copies them.
    fn copied_headers(&mut self, block: &'p Block) -> Option<Value<'p>> {
        let [Stmt { kind: StmtKind::Loop { over: Some(over), .. }, .. }] = block.as_slice() else {
            return None;
        };
        if !self.probing() {
            return None;
        }
        let over = expr::eval(over, self);
        self.is_sent_along(&over).then_some(over)
    }

    /// Collects the elements of a comprehension; false when it runs over something unknown.
    pub(super) fn collect(&mut self, block: &'p Block, out: &mut Vec<Value<'p>>) -> bool {
        for stmt in block {
            let known = match &stmt.kind {
                StmtKind::Loop { target: Some(target), over: Some(over), body } => {
                    let over = expr::eval(over, self);
                    let Some(items) = items_of(&self.listed(over)) else { return false };
                    self.turns(items).into_iter().all(|(item, _)| {
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

    /// What a value holds as a list, where it is something from outside of which that is known.
    pub(super) fn listed(&mut self, value: Value<'p>) -> Value<'p> {
        if let Value::Choice(_) = &value
            && let Some(items) = items_of(&value)
        {
            let listed = items.into_iter().map(|(item, surely)| match item {
                item if surely => item,
                // There or not, and elsewhere perhaps without a condition.
                item @ Value::Class(_) => Value::choice(vec![item, Value::None]),
                item => {
                    self.note_perhaps(&item);
                    item
                }
            });
            return Value::list(listed.collect());
        }
        // What a script goes through is a `Map`, of pairs.
        if let Value::Map(entries) = &value
            && self.language().is_script()
        {
            return builtins::pairs(&entries.borrow());
        }
        self.table_items(&value).map_or(value, Value::list)
    }

    /// A function or a class that goes into a list under a condition that nobody knows: it is there
    /// or not. What calls gave back says itself under which condition they stood.
    pub(super) fn maybe_append(
        &self,
        list: &Value<'p>,
        method: &str,
        args: &Args<'p>,
    ) -> Option<Value<'p>> {
        let at = match method {
            "append" => 0,
            "insert" => 1,
            _ => return None,
        };
        let unsure = self.conditional > 0 && !self.probing();
        let item = args.positional.get(at).filter(|_| unsure)?;
        if !matches!(item, Value::Function(_) | Value::Class(_))
            || self.language() != Language::Python
        {
            return None;
        }
        let items = list.as_list()?;
        grow(&mut items.borrow_mut(), [Value::choice(vec![item.clone(), Value::None])]);
        Some(Value::None)
    }

    /// What a loop runs over, as far as loops are followed.
    pub(super) fn turns<T>(&mut self, mut items: Vec<T>) -> Vec<T> {
        self.cut |= items.len() > MAX_TURNS;
        items.truncate(MAX_TURNS);
        items
    }
}

/// Whether a test is whether the file itself is the program that was started: `__name__ ==
/// "__main__"`, `require.main === module`, `import.meta.main`.
fn is_start(test: &Expr) -> bool {
    let ExprKind::Binary { operator, left, right } = &test.kind else {
        return Path::of(test).segments == ["import", "meta", "main"];
    };
    let is = |path: &[&str]| [left, right].iter().any(|side| Path::of(side).segments == path);
    match operator.as_str() {
        "==" | "===" => is(&["__name__"]) || is(&["require", "main"]) && is(&["module"]),
        _ => false,
    }
}

/// The most turns of a loop over one of several lists: each item is looked for in all of them.
const MAX_ALTERNATIVE_TURNS: usize = 256;

/// What a loop runs over, each with whether it surely does.
fn items_of<'p>(over: &Value<'p>) -> Option<Vec<(Value<'p>, bool)>> {
    let of = |value: &Value<'p>| -> Option<Vec<Value<'p>>> {
        match value {
            Value::Map(entries) => {
                Some(entries.borrow().iter().map(|(key, _)| key.clone()).collect())
            }
            value => value.items(),
        }
    };
    let Value::Choice(values) = over else {
        return Some(of(over)?.into_iter().map(|item| (item, true)).collect());
    };
    let lists: Option<Vec<_>> = values.iter().map(of).collect();
    let mut out: Vec<(Value<'p>, bool)> = Vec::new();
    for item in lists.as_ref()?.iter().flatten().take(MAX_ALTERNATIVE_TURNS) {
        if !out.iter().any(|(known, _)| known.is_same(item)) {
            let everywhere =
                lists.as_ref()?.iter().all(|list| list.iter().any(|other| other.is_same(item)));
            out.push((item.clone(), everywhere));
        }
    }
    Some(out)
}
