//! What changes while a program runs: settings that the environment may replace, and variables and
//! objects of modules that one function writes and another reads. Where calls are followed, such a
//! value decides no branch.

use std::collections::BTreeMap;

use smol_str::SmolStr;

use super::Interpreter;
use crate::eval::value::{FileId, Value};
use crate::module::visit::{Visitor, Walk, walk_block};
use crate::module::{Block, Expr, ExprKind, Function, Stmt, StmtKind};

/// How deep the values of an object are state.
const MAX_DEPTH: usize = 3;
/// The most entries of an object that are looked at.
const MAX_ENTRIES: usize = 64;

impl<'p> Interpreter<'p> {
    /// Whether a value counts as true, where that decides what runs.
    pub(super) fn decides(&self, value: &Value<'p>) -> Option<bool> {
        let is_open = match value {
            Value::Flag(_) => true,
            // A base address by default is no switch.
            Value::Text(text) => value.is_default() && !text.to_string().contains('/'),
            _ => false,
        };
        if is_open && self.follows && !self.probing() { None } else { value.truth() }
    }

    /// The value of a variable of a script as others may have changed it when it is read.
    pub(super) fn as_state(&mut self, target: &'p Expr, value: Value<'p>) -> Value<'p> {
        let ExprKind::Name(name) = &target.kind else { return value };
        if self.probing() || !self.language().is_script() {
            return value;
        }
        let is_of_module = self.frame.env.parent.is_none();
        match &value {
            Value::Map(_) if is_of_module => {
                open(&value, 0);
                value
            }
            Value::Bool(_) if self.is_shared(name) => value.by_default(),
            Value::None if is_of_module && self.is_shared(name) => {
                Value::choice(vec![Value::None, Value::Unknown])
            }
            _ => value,
        }
    }

    /// Whether several functions of the running file write a variable.
    fn is_shared(&mut self, name: &str) -> bool {
        let file = self.frame.env.file;
        let body = &self.program.file(file).module.body;
        let writers = self.writers.entry(file).or_insert_with(|| writers_of(body));
        writers.get(name).is_some_and(Option::is_none)
    }
}

/// Makes the truth values of an object what may be otherwise.
fn open(value: &Value<'_>, depth: usize) {
    let Value::Map(entries) = value else { return };
    if depth >= MAX_DEPTH {
        return;
    }
    // An object may hold itself.
    let Ok(mut entries) = entries.try_borrow_mut() else { return };
    for (_, value) in entries.iter_mut().take(MAX_ENTRIES) {
        match value {
            Value::Bool(truth) => *value = Value::Flag(*truth),
            Value::Map(_) => open(value, depth + 1),
            _ => {}
        }
    }
}

/// The variables of a file, each with the function that writes it; with none where several do.
pub(super) type Writers = BTreeMap<SmolStr, Option<usize>>;

/// What is written in each file.
pub(super) type AllWriters = BTreeMap<FileId, Writers>;

fn writers_of(body: &Block) -> Writers {
    let mut writing = Writing { within: vec![0], functions: 0, writers: Writers::new() };
    walk_block(&mut writing, body);
    writing.writers
}

/// Notes who writes what.
struct Writing {
    /// The functions around, by number, the innermost last.
    within: Vec<usize>,
    functions: usize,
    writers: Writers,
}

impl Writing {
    fn writes(&mut self, target: &Expr) {
        let ExprKind::Name(name) = &target.kind else { return };
        let here = self.within.last().copied();
        self.writers
            .entry(name.clone())
            .and_modify(|writer| *writer = writer.filter(|writer| Some(*writer) == here))
            .or_insert(here);
    }
}

impl<'m> Visitor<'m> for Writing {
    fn enter_stmt(&mut self, stmt: &'m Stmt) -> Walk {
        if let StmtKind::Bind(bind) = &stmt.kind {
            self.writes(&bind.target);
        }
        Walk::Into
    }

    fn enter_expr(&mut self, expr: &'m Expr) -> Walk {
        if let ExprKind::Assign { target, .. } = &expr.kind {
            self.writes(target);
        }
        Walk::Into
    }

    fn enter_function(&mut self, _: &'m Function) -> Walk {
        self.functions += 1;
        self.within.push(self.functions);
        Walk::Into
    }

    fn leave_function(&mut self, _: &'m Function) {
        self.within.pop();
    }
}
