//! Modules and their items. They are there before anything runs: constants are evaluated when they
//! are asked for, and nothing runs by itself.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use smol_str::SmolStr;

use super::macros::Substitutes;
use super::{MAX_RULES, Rule};
use crate::eval::expr;
use crate::eval::interpreter::{Frame, Interpreter};
use crate::eval::link::Target;
use crate::eval::value::{Closure, Env, FileId, Place, Value};
use crate::module::path::{Path, last_name};
use crate::module::visit::{Visitor, Walk, walk_module};
use crate::module::{Block, Expr, ExprKind, Function, Stmt, StmtKind};

/// Attributes that register, guard and describe nothing.
const SILENT: &[&str] = &[
    "allow",
    "arg",
    "async_trait",
    "cfg",
    "cfg_attr",
    "clap",
    "command",
    "deny",
    "deprecated",
    "derive",
    "derive_where",
    "diesel",
    "doc",
    "error",
    "expect",
    "forbid",
    "from",
    "global_allocator",
    "ignore",
    "inline",
    "instrument",
    "macro_export",
    "macro_use",
    "must_use",
    "no_mangle",
    "non_exhaustive",
    "path",
    "repr",
    "schema",
    "schemars",
    "serde",
    "serial",
    "should_panic",
    "skip",
    "source",
    "sqlx",
    "strum",
    "test",
    "traced_test",
    "track_caller",
    "validate",
    "warn",
];

/// A module's statements, and the scope that they are in.
pub(super) struct Part<'p> {
    pub(super) env: Rc<Env<'p>>,
    pub(super) block: &'p Block,
}

impl<'p> Interpreter<'p> {
    /// Defines the items of every Rust file; whether there are any.
    pub(in crate::eval::interpreter) fn load_rust(&mut self) -> bool {
        let files: Vec<FileId> =
            self.program.ids().filter(|file| self.rust_file(*file).is_some()).collect();
        let mut parts = Vec::new();
        for file in &files {
            let Some(module) = self.rust_file(*file) else { continue };
            let name = self.crate_path(*file);
            let env = Env::outermost(*file, name);
            self.modules[file.0 as usize].env = Rc::clone(&env);
            self.modules[file.0 as usize].started.set(true);
            self.module_parts(env, &module.body, Vec::new(), &mut parts);
        }
        self.find_tests(&parts);
        parts.retain(|part| !self.rust.tests.contains(&part.env.file));
        for part in &parts {
            self.collect_macros(part);
        }
        // Attributes name functions, so these are there before what attributes stand on.
        for part in &parts {
            self.announce_functions(part);
        }
        self.define_types(&parts);
        self.rust.known.clear();
        for part in &parts {
            self.define_items(&part.env, part.block, None);
            self.describe_modules(part);
        }
        self.order_pending();
        !files.is_empty()
    }

    fn announce_functions(&mut self, part: &Part<'p>) {
        let frame = Frame { env: Rc::clone(&part.env), this: None, class: None };
        let outer = std::mem::replace(&mut self.frame, frame);
        for stmt in part.block {
            if let StmtKind::Function(function) = &stmt.kind
                && let Some(name) = &function.name
            {
                let closure = Value::Function(Rc::new(self.make_closure(function)));
                part.env.set(name, closure);
            }
        }
        self.frame = outer;
    }

    /// Takes note of the attributes of the modules inside a module.
    fn describe_modules(&mut self, part: &Part<'p>) {
        let names = self.scope_of(&part.env);
        for stmt in part.block {
            let StmtKind::Namespace { name, decorators, .. } = &stmt.kind else { continue };
            let inside = names.iter().chain([name]).cloned().collect();
            let Some(inner) = self.rust.inner.get(&(part.env.file, inside)).map(Rc::clone) else {
                continue;
            };
            let frame = Frame { env: Rc::clone(&part.env), this: None, class: None };
            let outer = std::mem::replace(&mut self.frame, frame);
            let attributes = self.attributes(decorators);
            self.frame = outer;
            self.rust.attributes.insert(Rc::as_ptr(&inner), attributes);
        }
    }

    /// The names of the folders and files below the crate's root.
    fn crate_path(&self, file: FileId) -> SmolStr {
        let path = self.program.file(file).path;
        let path = path.strip_suffix(".rs").unwrap_or(path);
        let path = path.strip_suffix("/mod").unwrap_or(path);
        let root = match self.program.crate_root(file) {
            Some(Target::File(root)) => self.program.file(root).path,
            _ => "",
        };
        let folder = root.rsplit_once('/').map_or("", |(folder, _)| folder);
        let inside = path.strip_prefix(folder).unwrap_or(path).trim_start_matches('/');
        if root.strip_suffix(".rs") == Some(path) {
            return SmolStr::default();
        }
        SmolStr::from(inside.replace('/', "."))
    }

    /// The module with those inside it, outermost first.
    fn module_parts(
        &mut self,
        env: Rc<Env<'p>>,
        block: &'p Block,
        names: Vec<SmolStr>,
        out: &mut Vec<Part<'p>>,
    ) {
        self.rust.inner.insert((env.file, names.clone()), Rc::clone(&env));
        self.rust.scopes.insert(Rc::as_ptr(&env), names.clone());
        for stmt in block {
            if let StmtKind::Namespace { name, decorators, body } = &stmt.kind
                && !body.is_empty()
                && configured(decorators) != Some(false)
            {
                let inner = Env::outermost(env.file, env.qualify(name));
                let names = names.iter().chain([name]).cloned().collect();
                self.module_parts(inner, body, names, out);
            }
        }
        out.push(Part { env, block });
    }

    /// Files that are declared as modules of tests, and what these declare.
    fn find_tests(&mut self, parts: &[Part<'p>]) {
        let mut declared: BTreeMap<FileId, Vec<(FileId, bool)>> = BTreeMap::new();
        for part in parts {
            for stmt in part.block {
                if let StmtKind::Namespace { name, decorators, body } = &stmt.kind
                    && body.is_empty()
                {
                    let is_test = configured(decorators) == Some(false);
                    let scope = self.scope_of(&part.env);
                    let path = format!("self::{name}");
                    let located = self.program.locate(part.env.file, &scope, &path);
                    if let Target::File(file) = located.target {
                        declared.entry(part.env.file).or_default().push((file, is_test));
                    }
                }
            }
        }
        let mut open: Vec<FileId> = declared
            .values()
            .flatten()
            .filter(|(_, is_test)| *is_test)
            .map(|(file, _)| *file)
            .collect();
        while let Some(file) = open.pop() {
            if self.rust.tests.insert(file) {
                open.extend(declared.get(&file).into_iter().flatten().map(|(file, _)| *file));
            }
        }
    }

    /// The names that lead to a scope's module inside its file.
    pub(super) fn scope_of(&self, env: &Rc<Env<'p>>) -> Vec<SmolStr> {
        self.rust.scopes.get(&Rc::as_ptr(&top(env))).cloned().unwrap_or_default()
    }

    fn collect_macros(&mut self, part: &Part<'p>) {
        for stmt in part.block {
            self.collect_macro(part.env.file, stmt);
        }
    }

    pub(super) fn collect_macro(&mut self, file: FileId, stmt: &'p Stmt) {
        let StmtKind::Expr(Expr { kind: ExprKind::Call(call), .. }) = &stmt.kind else { return };
        if !call.is_macro || last_name(&call.callee) != Some("macro_rules") {
            return;
        }
        for arg in &call.args {
            if let (Some(name), ExprKind::Function(function)) = (&arg.name, &arg.value.kind) {
                let rules = self.rust.macros.entry(name.clone()).or_default();
                if rules.len() < MAX_RULES {
                    rules.push(Rule { file, function });
                }
            }
        }
    }

    /// Defines what a block declares, types aside. `substitutes` are the names that a macro gives.
    pub(super) fn define_items(
        &mut self,
        env: &Rc<Env<'p>>,
        block: &'p Block,
        substitutes: Option<&Substitutes<'p>>,
    ) {
        let is_module = env.parent.is_none();
        for stmt in block {
            match &stmt.kind {
                StmtKind::Function(function) => {
                    if let Some(closure) = self.item_function(env, function, substitutes) {
                        let name = closure.0;
                        let value = self.remember(closure.1);
                        env.set(&name, value);
                    }
                }
                // The statements of a function are evaluated in their order.
                StmtKind::Bind(bind) if is_module => {
                    if let (ExprKind::Name(name), Some(value)) = (&bind.target.kind, &bind.value) {
                        env.later.borrow_mut().insert(name.clone(), value);
                    }
                }
                StmtKind::Expr(Expr { kind: ExprKind::Call(call), span })
                    if is_module && call.is_macro && substitutes.is_none() =>
                {
                    self.define_by_macro(env, call, *span);
                }
                _ => {}
            }
        }
    }

    /// A function with its attributes, and its name; `None` for tests.
    pub(super) fn item_function(
        &mut self,
        env: &Rc<Env<'p>>,
        function: &'p Function,
        substitutes: Option<&Substitutes<'p>>,
    ) -> Option<(SmolStr, Closure<'p>)> {
        let is_test = |decorator: &Expr| last_name(callee(decorator)) == Some("test");
        if configured(&function.decorators) == Some(false)
            || function.decorators.iter().any(is_test)
        {
            return None;
        }
        let written = function.name.clone()?;
        let substituted = substitutes.and_then(|names| names.names.get(&written).cloned());
        let name = substituted.clone().unwrap_or(written);
        let inner = match substitutes {
            Some(substitutes) => {
                let inner = Env::inside(env, env.qualified.clone(), false);
                inner.vars.borrow_mut().extend(substitutes.values.clone());
                inner
            }
            None => Rc::clone(env),
        };
        let frame = Frame { env: inner, this: None, class: None };
        let outer = std::mem::replace(&mut self.frame, frame);
        let decorators = self.attributes(&function.decorators);
        let mut closure = self.make_closure(function);
        self.frame = outer;
        closure.decorators = decorators;
        closure.qualified = env.qualify(&name);
        closure.made_at = substitutes.map(|names| names.place);
        Some((name, closure))
    }

    /// What attributes are that may mean something.
    pub(super) fn attributes(&mut self, decorators: &'p [Expr]) -> Vec<Value<'p>> {
        let means = |decorator: &&Expr| {
            let path = Path::of(callee(decorator));
            !matches!(decorator.kind, ExprKind::Assign { .. })
                && !path.segments.iter().any(|segment| SILENT.contains(segment))
        };
        let wanted: Vec<&'p Expr> = decorators.iter().filter(means).collect();
        if wanted.is_empty() {
            return Vec::new();
        }
        self.in_scope(|it| {
            wanted
                .into_iter()
                .map(|decorator| {
                    let value = expr::eval(decorator, it);
                    it.leaving = None;
                    value
                })
                .collect()
        })
    }

    /// Puts the functions that nothing called into the order in which they are to be run: what
    /// starts a program, then what nobody mentions, then the others.
    fn order_pending(&mut self) {
        let mut mentions = Mentions(BTreeSet::new());
        for file in self.program.ids() {
            if let Some(module) = self.rust_file(file) {
                walk_module(&mut mentions, module);
            }
        }
        let rank = |closure: &Rc<Closure<'p>>| -> u8 {
            let starts = |decorator: &Value<'p>| matches!(decorator, Value::External(path) if path.ends_with("::main") || path.ends_with("launch"));
            match closure.function.name.as_deref() {
                Some("main") => 0,
                _ if closure.decorators.iter().any(starts) => 0,
                Some(name) if !mentions.0.contains(name) && closure.class.is_none() => 1,
                _ => 2,
            }
        };
        let mut pending = self.pending.clone();
        pending.sort_by_key(rank);
        self.pending = pending;
    }
}

/// The names that paths and method calls mention.
struct Mentions<'m>(BTreeSet<&'m str>);

impl<'m> Visitor<'m> for Mentions<'m> {
    fn enter_expr(&mut self, expr: &'m Expr) -> Walk {
        match &expr.kind {
            ExprKind::Name(name) | ExprKind::Attribute { name, .. } => {
                self.0.insert(name);
            }
            _ => {}
        }
        Walk::Into
    }
}

/// The module around a scope.
pub(super) fn top<'p>(env: &Rc<Env<'p>>) -> Rc<Env<'p>> {
    let mut top = env;
    while let Some(parent) = &top.parent {
        top = parent;
    }
    Rc::clone(top)
}

/// What an attribute with arguments is called.
pub(super) fn callee(decorator: &Expr) -> &Expr {
    match &decorator.kind {
        ExprKind::Call(call) => &call.callee,
        _ => decorator,
    }
}

/// Whether the `#[cfg(…)]` of an item holds in a program that runs; `None` where that is not
/// known, and where there is none.
pub(super) fn configured(decorators: &[Expr]) -> Option<bool> {
    decorators.iter().filter(|decorator| last_name(callee(decorator)) == Some("cfg")).find_map(
        |decorator| match &decorator.kind {
            ExprKind::Call(call) => call.args.first().and_then(|arg| holds(&arg.value, 0)),
            _ => None,
        },
    )
}

/// Whether a condition of compilation holds.
pub(super) fn holds(condition: &Expr, depth: usize) -> Option<bool> {
    if depth > 8 {
        return None;
    }
    match &condition.kind {
        ExprKind::Name(name) => match name.as_str() {
            "test" | "windows" | "doc" | "doctest" => Some(false),
            "unix" => Some(true),
            _ => None,
        },
        ExprKind::Call(call) => {
            let mut parts = call.args.iter().map(|arg| holds(&arg.value, depth + 1));
            match last_name(&call.callee)? {
                "not" => parts.next()?.map(|holds| !holds),
                "all" => parts
                    .clone()
                    .any(|part| part == Some(false))
                    .then_some(false)
                    .or_else(|| parts.all(|part| part == Some(true)).then_some(true)),
                "any" => parts
                    .clone()
                    .any(|part| part == Some(true))
                    .then_some(true)
                    .or_else(|| parts.all(|part| part == Some(false)).then_some(false)),
                _ => None,
            }
        }
        _ => None,
    }
}

/// Where a macro is called.
pub(super) fn site(env: &Rc<Env<'_>>, span: crate::module::Span) -> Place {
    Place { file: env.file, span }
}
