//! Runs a program of modules abstractly. Imports, classes, helper functions with their arguments,
//! loops over known lists and conditions with known tests are followed; where a condition is
//! unknown both branches run. Calls to the outside are not guessed at: they are recorded, with
//! evaluated arguments, in a trace.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use smol_str::SmolStr;

use super::expr::{self, Scope};
use super::link::{Program, Target};
use super::value::{
    Args, CallId, CallRecord, ClassValue, Closure, Env, FileId, Object, Place, Value, grow,
};
use crate::module::{
    Block, Call, Class, Export, Expr, ExprKind, Function, Import, ImportNames, Param, Span, Stmt,
    StmtKind,
};
use crate::source::Language;

/// Steps (expressions and statements) that one program may take. Reaching it ends the evaluation
/// and is reported; the largest project measured takes a fiftieth.
const MAX_STEPS: u32 = 20_000_000;
/// Nested calls.
const MAX_CALLS: usize = 48;
/// How often one function may stand on the stack of calls at once.
const MAX_RECURSION: usize = 2;
/// Nested expressions and statements.
const MAX_DEPTH: usize = 3_000;
/// Turns of one loop over a known list.
const MAX_TURNS: usize = 2_000;
/// Functions that wait to be called.
const MAX_PENDING: usize = 200_000;

/// What a program's run left behind.
#[derive(Debug)]
pub struct Trace<'p> {
    /// Calls to the outside, in order.
    pub calls: Vec<CallRecord<'p>>,
    /// Whether a limit was reached, so that the calls are not all.
    pub exhausted: bool,
}

/// How a block ended.
enum Flow<'p> {
    /// It ran through.
    Next,
    /// It returned, raised, or left the loop.
    Return(Value<'p>),
    /// It raised: there is no value.
    Stop,
}

struct ModuleState<'p> {
    env: Rc<Env<'p>>,
    exports: RefCell<BTreeMap<SmolStr, Exported<'p>>>,
    stars: RefCell<Vec<FileId>>,
    started: Cell<bool>,
}

#[derive(Clone)]
enum Exported<'p> {
    /// A name of the module, looked up when it is asked for.
    Local(SmolStr),
    Value(Value<'p>),
    From(FileId, SmolStr),
}

/// The machine.
pub struct Interpreter<'p> {
    program: &'p Program<'p>,
    modules: Vec<ModuleState<'p>>,
    calls: Vec<CallRecord<'p>>,
    steps: u32,
    /// Whether a limit other than that of steps left something out.
    cut: bool,
    depth: usize,
    conditional: usize,
    stack: Vec<*const Function>,
    /// The scope, `this` and class of the code that runs.
    frame: Frame<'p>,
    /// What the running function returned on ways that others did not share.
    returned: Vec<Value<'p>>,
    /// Functions met and not yet called, in order.
    pending: Vec<Rc<Closure<'p>>>,
    classes: Vec<Rc<ClassValue<'p>>>,
}

#[derive(Clone)]
struct Frame<'p> {
    env: Rc<Env<'p>>,
    this: Option<Value<'p>>,
    class: Option<Rc<ClassValue<'p>>>,
}

/// Runs every module of a program, then each function that nothing called, with unknown
/// arguments: application factories are often called from outside the tree.
#[must_use]
pub fn run<'p>(program: &'p Program<'p>) -> Trace<'p> {
    let modules: Vec<_> = program
        .ids()
        .map(|file| {
            let name = program.module_name(file);
            let env = Rc::new(Env {
                vars: RefCell::default(),
                parent: None,
                file,
                qualified: name,
                is_class: false,
            });
            ModuleState {
                env,
                exports: RefCell::default(),
                stars: RefCell::default(),
                started: Cell::new(false),
            }
        })
        .collect();
    let Some(first) = modules.first() else {
        return Trace { calls: Vec::new(), exhausted: false };
    };
    let frame = Frame { env: Rc::clone(&first.env), this: None, class: None };
    let mut it = Interpreter {
        program,
        modules,
        calls: Vec::new(),
        steps: MAX_STEPS,
        cut: false,
        depth: 0,
        conditional: 0,
        stack: Vec::new(),
        frame,
        returned: Vec::new(),
        pending: Vec::new(),
        classes: Vec::new(),
    };
    for file in program.ids() {
        it.load(file);
    }
    it.run_uncalled();
    Trace { exhausted: it.steps == 0 || it.cut, calls: it.calls }
}

impl<'p> Interpreter<'p> {
    fn step(&mut self) -> bool {
        self.steps = self.steps.saturating_sub(1);
        self.steps > 0
    }

    fn language(&self) -> Language {
        self.program.file(self.frame.env.file).module.language
    }

    fn place(&self, span: Span) -> Place {
        Place { file: self.frame.env.file, span }
    }

    /// Runs a module once, at its first import or in its turn.
    fn load(&mut self, file: FileId) {
        if self.modules[file.0 as usize].started.replace(true) {
            return;
        }
        let env = Rc::clone(&self.modules[file.0 as usize].env);
        let module = self.program.file(file).module;
        if module.language != Language::Python && module.language != Language::Rust {
            let exports = Value::map(Vec::new());
            env.set("exports", exports.clone());
            env.set("module", Value::map(vec![(Value::text("exports"), exports)]));
        }
        let outer = std::mem::replace(&mut self.frame, Frame { env, this: None, class: None });
        let conditional = std::mem::take(&mut self.conditional);
        self.block(&module.body);
        self.conditional = conditional;
        self.frame = outer;
    }

    fn run_uncalled(&mut self) {
        // Running one function can define others, so both lists grow meanwhile.
        let mut at = 0;
        let mut class_at = 0;
        loop {
            if class_at < self.classes.len() {
                let class = Rc::clone(&self.classes[class_at]);
                class_at += 1;
                if !class.instantiated.get() && !class.class.is_interface {
                    self.instantiate(
                        &class,
                        Args { open: true, ..Args::default() },
                        class.class.span,
                    );
                }
                continue;
            }
            let Some(closure) = self.pending.get(at).map(Rc::clone) else { break };
            at += 1;
            if !closure.entered.get() && self.steps > 0 {
                self.apply(&closure, Args { open: true, ..Args::default() });
            }
        }
    }

    // ---- statements -------------------------------------------------------------------------

    fn block(&mut self, block: &'p Block) -> Flow<'p> {
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
    fn maybe(&mut self, block: &'p Block) -> Flow<'p> {
        self.conditional += 1;
        let flow = self.block(block);
        self.conditional -= 1;
        flow
    }

    fn statement(&mut self, stmt: &'p Stmt) -> Flow<'p> {
        if !self.step() || self.depth > MAX_DEPTH {
            return Flow::Stop;
        }
        self.depth += 1;
        let flow = self.statement_inner(stmt);
        self.depth -= 1;
        flow
    }

    fn statement_inner(&mut self, stmt: &'p Stmt) -> Flow<'p> {
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
    fn join(&mut self, first: Flow<'p>, second: Flow<'p>) -> Flow<'p> {
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

    fn run_loop(
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
    fn block_value(&mut self, block: &'p Block) -> Value<'p> {
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
    fn collect(&mut self, block: &'p Block, out: &mut Vec<Value<'p>>) -> bool {
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
    fn turns(&mut self, mut items: Vec<Value<'p>>) -> Vec<Value<'p>> {
        self.cut |= items.len() > MAX_TURNS;
        items.truncate(MAX_TURNS);
        items
    }

    fn define_function(&mut self, function: &'p Function) {
        let Some(name) = &function.name else { return };
        // An overload of a script has no body; in Python the last definition wins by itself, and one
        // whose body is `...` may still be registered by its decorators.
        if function.is_abstract && self.language() != Language::Python {
            return;
        }
        let decorators: Vec<_> = function
            .decorators
            .iter()
            .map(|decorator| (decorator, expr::eval(decorator, self)))
            .collect();
        let mut closure = self.make_closure(function);
        closure.decorators = decorators.iter().map(|(_, value)| value.clone()).collect();
        let value = self.remember(closure);
        self.frame.env.set(name, value.clone());
        // The innermost decorator is applied first. What it gives back is not asked for: the name
        // keeps meaning the function that a reader sees, with its decorators as a note.
        for (decorator, callee) in decorators.into_iter().rev() {
            let args = Args::of(vec![value.clone()]);
            self.call_value(&callee, args, decorator.span);
        }
    }

    fn closure(&mut self, function: &'p Function) -> Value<'p> {
        let closure = self.make_closure(function);
        self.remember(closure)
    }

    fn make_closure(&self, function: &'p Function) -> Closure<'p> {
        let env = Rc::clone(&self.frame.env);
        let qualified = match &function.name {
            Some(name) => env.qualify(name),
            None => env.qualified.clone(),
        };
        Closure {
            function,
            this: self.frame.this.clone(),
            class: self.frame.class.clone(),
            env,
            decorators: Vec::new(),
            qualified,
            entered: Rc::default(),
        }
    }

    fn remember(&mut self, closure: Closure<'p>) -> Value<'p> {
        let closure = Rc::new(closure);
        // The scope of a closure that nothing can call keeps its parents alive until the end, so
        // only a bounded number is kept.
        if self.pending.len() < MAX_PENDING {
            self.pending.push(Rc::clone(&closure));
        } else {
            self.cut = true;
        }
        Value::Function(closure)
    }

    fn define_class(&mut self, class: &'p Class) -> Value<'p> {
        let bases = class.bases.iter().map(|base| expr::eval(&base.value, self)).collect();
        let decorators: Vec<_> = class
            .decorators
            .iter()
            .map(|decorator| (decorator, expr::eval(decorator, self)))
            .collect();
        let qualified =
            class.name.as_ref().map_or_else(SmolStr::default, |name| self.frame.env.qualify(name));
        let env = Env::inside(&self.frame.env, qualified.clone(), true);
        let value = Rc::new(ClassValue {
            class,
            bases,
            env: Rc::clone(&env),
            decorators: decorators.iter().map(|(_, value)| value.clone()).collect(),
            qualified,
            instantiated: Cell::new(false),
        });
        if let Some(name) = &class.name {
            self.frame.env.set(name, Value::Class(Rc::clone(&value)));
        }
        let frame = Frame { env, this: None, class: Some(Rc::clone(&value)) };
        let outer = std::mem::replace(&mut self.frame, frame);
        self.block(&class.body);
        self.frame = outer;
        self.classes.push(Rc::clone(&value));
        for (decorator, callee) in decorators.into_iter().rev() {
            self.call_value(
                &callee,
                Args::of(vec![Value::Class(Rc::clone(&value))]),
                decorator.span,
            );
        }
        Value::Class(value)
    }

    // ---- names ------------------------------------------------------------------------------

    fn import(&mut self, import: &'p Import) {
        if import.type_only {
            return;
        }
        let file = self.frame.env.file;
        let language = self.language();
        let target = self.program.resolve(file, &import.module);
        if let Target::File(file) = target {
            self.load(file);
        }
        match &import.names {
            ImportNames::Effect => {}
            ImportNames::Module(name) => {
                let top = import.module.split('.').next().unwrap_or("");
                let value = if language == Language::Python
                    && *name == top
                    && import.module.contains('.')
                {
                    // `import a.b` binds `a`, and loads `a.b` on the way.
                    self.module_value(&self.program.resolve(file, top))
                } else if language == Language::Python {
                    self.module_value(&target)
                } else {
                    self.namespace(&target)
                };
                self.frame.env.set(name, value);
            }
            ImportNames::Names(names) => {
                for (name, local) in names {
                    let value = self.imported(&target, &import.module, name);
                    self.frame.env.set(local, value);
                    if import.exported {
                        self.modules[file.0 as usize]
                            .exports
                            .borrow_mut()
                            .insert(local.clone(), Exported::Local(local.clone()));
                    }
                }
            }
            ImportNames::Star => {
                if let Target::File(other) = target {
                    let vars = self.modules[other.0 as usize].env.vars.borrow().clone();
                    for (name, value) in vars {
                        if !name.starts_with('_') {
                            self.frame.env.set(&name, value);
                        }
                    }
                }
            }
        }
    }

    fn module_value(&self, target: &Target) -> Value<'p> {
        match target {
            Target::File(file) => Value::Module(*file),
            Target::Package(path) => Value::Package(path.clone()),
            Target::External(path) => Value::External(path.clone()),
            Target::Missing(_) => Value::Unknown,
        }
    }

    /// A script module as `import * as ns` or `require` sees it.
    fn namespace(&mut self, target: &Target) -> Value<'p> {
        let Target::File(file) = target else { return self.module_value(target) };
        self.load(*file);
        let state = &self.modules[file.0 as usize];
        if state.exports.borrow().is_empty() && state.stars.borrow().is_empty() {
            let module = state.env.get("module").unwrap_or_default();
            return module.entry("exports").unwrap_or_default();
        }
        Value::Module(*file)
    }

    fn imported(&mut self, target: &Target, module: &str, name: &str) -> Value<'p> {
        match target {
            Target::File(file) => self.member(*file, name),
            Target::Package(path) => self.submodule(path, name).unwrap_or_default(),
            // The default export of a library is the library.
            Target::External(path) if name == "default" => Value::External(path.clone()),
            Target::External(path) => {
                let separator = if module.contains("::") { "::" } else { "." };
                Value::External(SmolStr::from(format!("{path}{separator}{name}")))
            }
            // An `__init__.py` that holds nothing of interest is a folder all the same.
            Target::Missing(path) => match path.strip_suffix("/__init__.py") {
                Some(folder) => self.submodule(folder, name).unwrap_or_default(),
                None => Value::Unknown,
            },
        }
    }

    fn submodule(&mut self, folder: &str, name: &str) -> Option<Value<'p>> {
        let target = self.program.submodule(folder, name)?;
        if let Target::File(file) = target {
            self.load(file);
        }
        Some(self.module_value(&target))
    }

    /// A name of a module of the program.
    fn member(&mut self, file: FileId, name: &str) -> Value<'p> {
        self.load(file);
        let program_file = self.program.file(file);
        if program_file.module.language == Language::Python {
            let own = self.modules[file.0 as usize].env.vars.borrow().get(name).cloned();
            if let Some(value) = own {
                return value;
            }
            if let Some(folder) = program_file.path.strip_suffix("/__init__.py") {
                return self.submodule(folder, name).unwrap_or_default();
            }
            return Value::Unknown;
        }
        self.exported(file, name, 0).unwrap_or_default()
    }

    fn exported(&mut self, file: FileId, name: &str, depth: usize) -> Option<Value<'p>> {
        if depth > 16 {
            return None;
        }
        self.load(file);
        let state = &self.modules[file.0 as usize];
        let found = state.exports.borrow().get(name).cloned();
        match found {
            Some(Exported::Local(local)) => return state.env.get(&local),
            Some(Exported::Value(value)) => return Some(value),
            Some(Exported::From(other, name)) if name == "*" => return Some(Value::Module(other)),
            Some(Exported::From(other, name)) => return self.exported(other, &name, depth + 1),
            None => {}
        }
        let stars = state.stars.borrow().clone();
        for star in stars {
            if let Some(value) = self.exported(star, name, depth + 1) {
                return Some(value);
            }
        }
        // CommonJS: `module.exports` is the default, its entries are the names.
        let module = self.modules[file.0 as usize].env.get("module")?;
        let exports = module.entry("exports")?;
        if name == "default"
            && !matches!(&exports, Value::Map(entries) if entries.borrow().is_empty())
        {
            return exports.entry("default").or(Some(exports));
        }
        exports.entry(name)
    }

    fn export(&mut self, export: &'p Export) {
        let file = self.frame.env.file;
        match export {
            Export::Value { name, value } => {
                let exported = match &value.kind {
                    ExprKind::Name(local) => Exported::Local(local.clone()),
                    _ => Exported::Value(expr::eval(value, self)),
                };
                self.modules[file.0 as usize].exports.borrow_mut().insert(name.clone(), exported);
            }
            Export::From { module, names, namespace } => {
                let Target::File(other) = self.program.resolve(file, module) else { return };
                self.load(other);
                let state = &self.modules[file.0 as usize];
                if let Some(namespace) = namespace {
                    state
                        .exports
                        .borrow_mut()
                        .insert(namespace.clone(), Exported::From(other, "*".into()));
                } else if names.is_empty() {
                    state.stars.borrow_mut().push(other);
                }
                for (there, here) in names {
                    state
                        .exports
                        .borrow_mut()
                        .insert(here.clone(), Exported::From(other, there.clone()));
                }
            }
        }
    }

    fn bind(&mut self, target: &'p Expr, value: Value<'p>) {
        match &target.kind {
            // Python's functions bind locally; blocks of the others assign outwards.
            ExprKind::Name(name) if self.language() == Language::Python => {
                self.frame.env.set(name, value)
            }
            ExprKind::Name(name) => self.frame.env.assign(name, value),
            ExprKind::Attribute { object, name } => {
                let object = expr::eval(object, self);
                self.set_attribute(&object, name, value, target.span);
            }
            ExprKind::Index { object, key } => {
                let object = expr::eval(object, self);
                let key = expr::eval(key, self);
                if let Value::Map(entries) = &object {
                    grow(&mut entries.borrow_mut(), [(key, value)]);
                }
            }
            ExprKind::List(targets) => {
                let items = value.items();
                for (at, target) in targets.iter().enumerate() {
                    let item =
                        items.as_ref().and_then(|items| items.get(at).cloned()).unwrap_or_default();
                    self.bind(target, item);
                }
            }
            ExprKind::Map(entries) => {
                for entry in entries {
                    let Some(key) = &entry.key else { continue };
                    let key = expr::eval(key, self);
                    let item = match key.as_str() {
                        Some(key) => expr::attribute(&value, key, self),
                        None => Value::Unknown,
                    };
                    self.bind(&entry.value, item);
                }
            }
            // A default inside a pattern: `{ a = 1 }`.
            ExprKind::Assign { target, value: default } => {
                let value = match value {
                    Value::Unknown | Value::None => expr::eval(default, self),
                    value => value,
                };
                self.bind(target, value);
            }
            _ => {}
        }
    }

    fn set_attribute(&mut self, object: &Value<'p>, name: &str, value: Value<'p>, span: Span) {
        match object {
            Value::Object(instance) => {
                instance.fields.borrow_mut().insert(name.into(), value.clone());
                if instance.native.get().is_some() {
                    let callee = Value::Method(Rc::new((object.clone(), "__setattr__".into())));
                    self.record(callee, Args::of(vec![Value::text(name), value]), span, None);
                }
            }
            Value::Class(class) => class.env.set(name, value),
            Value::Map(entries) => grow(&mut entries.borrow_mut(), [(Value::text(name), value)]),
            Value::Module(file) => self.modules[file.0 as usize].env.set(name, value),
            Value::Native(_) => {
                let callee = Value::Method(Rc::new((object.clone(), "__setattr__".into())));
                self.record(callee, Args::of(vec![Value::text(name), value]), span, None);
            }
            _ => {}
        }
    }

    // ---- calls ------------------------------------------------------------------------------

    fn record(
        &mut self,
        callee: Value<'p>,
        args: Args<'p>,
        span: Span,
        class: Option<Rc<ClassValue<'p>>>,
    ) -> CallId {
        let id = CallId(u32::try_from(self.calls.len()).unwrap_or(u32::MAX));
        let place = self.place(span);
        self.spend(8 + args.positional.len() + args.named.len());
        self.calls.push(CallRecord {
            callee,
            args,
            place,
            conditional: self.conditional > 0,
            class,
        });
        id
    }

    fn call_value(&mut self, callee: &Value<'p>, args: Args<'p>, span: Span) -> Value<'p> {
        match callee {
            Value::Function(closure) => self.apply(closure, args),
            Value::Class(class) => self.instantiate(class, args, span),
            Value::External(path) => self.call_external(path, args, span),
            Value::Native(_) => Value::Native(self.record(callee.clone(), args, span, None)),
            Value::Method(method) => match &method.0 {
                Value::Native(_) | Value::Object(_) | Value::Class(_) | Value::Function(_) => {
                    Value::Native(self.record(callee.clone(), args, span, None))
                }
                Value::List(items) => {
                    let items = items.borrow().clone();
                    self.iterate(&items, &method.1, &args, span)
                }
                _ => Value::Unknown,
            },
            Value::Object(object) => match object.class.attribute("__call__") {
                Some((Value::Function(closure), class)) => {
                    let bound = self.bound(&closure, callee.clone(), class);
                    self.apply(&bound, args)
                }
                _ if object.native.get().is_some() => {
                    Value::Native(self.record(callee.clone(), args, span, None))
                }
                _ => Value::Unknown,
            },
            Value::Choice(values) => {
                let callable: Vec<_> = values
                    .iter()
                    .filter(|value| !matches!(value, Value::Unknown | Value::None))
                    .collect();
                self.conditional += usize::from(callable.len() > 1);
                let results = callable
                    .iter()
                    .map(|value| self.call_value(value, args.clone(), span))
                    .collect();
                self.conditional -= usize::from(callable.len() > 1);
                Value::choice(results)
            }
            _ => Value::Unknown,
        }
    }

    fn call_external(&mut self, path: &str, args: Args<'p>, span: Span) -> Value<'p> {
        let file = self.frame.env.file;
        let first = args.positional.first();
        match path {
            "require" | "import" => {
                let Some(module) = first.and_then(Value::as_str) else { return Value::Unknown };
                let target = self.program.resolve(file, module);
                self.namespace(&target)
            }
            "importlib.import_module" | "__import__" => {
                let Some(module) = first.and_then(Value::as_str) else { return Value::Unknown };
                let target = self.program.resolve(file, module);
                if let Target::File(file) = target {
                    self.load(file);
                }
                self.module_value(&target)
            }
            "getattr" => match (first.cloned(), args.positional.get(1).and_then(Value::as_str)) {
                (Some(object), Some(name)) => expr::attribute(&object, name, self),
                _ => Value::Unknown,
            },
            "setattr" => {
                if let (Some(object), Some(name), Some(value)) = (
                    first.cloned(),
                    args.positional.get(1).and_then(Value::as_str),
                    args.positional.get(2),
                ) {
                    self.set_attribute(&object, name, value.clone(), span);
                }
                Value::None
            }
            "super" => self.super_value(),
            "map" => match (first.cloned(), args.positional.get(1).and_then(Value::items)) {
                (Some(function), Some(items)) => {
                    let mapped = items
                        .into_iter()
                        .map(|item| self.call_value(&function, Args::of(vec![item]), span))
                        .collect();
                    Value::list(mapped)
                }
                _ => Value::Unknown,
            },
            // Wrappers that give back the function that they are given.
            "functools.wraps" | "functools.partial" if first.is_some() => {
                self.record(Value::External(path.into()), args.clone(), span, None);
                args.positional[0].clone()
            }
            _ => Value::Native(self.record(Value::External(path.into()), args, span, None)),
        }
    }

    /// `super`, as the parent's attributes bound to this object.
    fn super_value(&self) -> Value<'p> {
        match (&self.frame.this, &self.frame.class) {
            (Some(this), Some(_)) => Value::Method(Rc::new((this.clone(), "super".into()))),
            _ => Value::Unknown,
        }
    }

    /// `map`, `forEach` and their kin over a known list.
    fn iterate(
        &mut self,
        items: &[Value<'p>],
        method: &str,
        args: &Args<'p>,
        span: Span,
    ) -> Value<'p> {
        let Some(function) = args.positional.first().cloned() else { return Value::Unknown };
        let mut out = Vec::new();
        let items = self.turns(items.to_vec());
        for (at, item) in items.iter().enumerate() {
            let position = Value::Number(SmolStr::from(at.to_string()));
            out.push(self.call_value(&function, Args::of(vec![item.clone(), position]), span));
        }
        match method {
            "map" => Value::list(out),
            "flatMap" | "flat_map" => Value::list(
                out.iter()
                    .flat_map(|value| value.items().unwrap_or_else(|| vec![value.clone()]))
                    .collect(),
            ),
            "filter" => Value::list(
                items
                    .iter()
                    .zip(&out)
                    .filter(|(_, kept)| kept.truth() != Some(false))
                    .map(|(item, _)| item.clone())
                    .collect(),
            ),
            "find" => items
                .iter()
                .zip(&out)
                .find(|(_, found)| found.truth() == Some(true))
                .map(|(item, _)| item.clone())
                .unwrap_or_default(),
            _ => Value::None,
        }
    }

    fn bound(
        &self,
        closure: &Rc<Closure<'p>>,
        this: Value<'p>,
        class: Rc<ClassValue<'p>>,
    ) -> Rc<Closure<'p>> {
        Rc::new(Closure {
            function: closure.function,
            env: Rc::clone(&closure.env),
            this: Some(this),
            class: Some(class),
            decorators: closure.decorators.clone(),
            qualified: closure.qualified.clone(),
            entered: Rc::clone(&closure.entered),
        })
    }

    /// Calls a function of the program.
    fn apply(&mut self, closure: &Rc<Closure<'p>>, args: Args<'p>) -> Value<'p> {
        let pointer: *const Function = closure.function;
        let recursion = self.stack.iter().filter(|known| **known == pointer).count();
        if recursion >= MAX_RECURSION || self.stack.len() >= MAX_CALLS || !self.step() {
            return Value::Unknown;
        }
        closure.entered.set(true);
        let env = Env::inside(&closure.env, closure.qualified.clone(), false);
        let frame = Frame {
            env: Rc::clone(&env),
            this: closure.this.clone(),
            class: closure.class.clone(),
        };
        let outer = std::mem::replace(&mut self.frame, frame);
        let returned = std::mem::take(&mut self.returned);
        self.stack.push(pointer);
        self.bind_params(&closure.function.params, args, closure.this.as_ref());
        let flow = self.block(&closure.function.body);
        self.stack.pop();
        self.frame = outer;
        let mut values = std::mem::replace(&mut self.returned, returned);
        match flow {
            Flow::Return(value) => values.push(value),
            Flow::Next => values.push(Value::None),
            Flow::Stop => {}
        }
        Value::choice(values)
    }

    fn bind_params(&mut self, params: &'p [Param], args: Args<'p>, this: Option<&Value<'p>>) {
        let python = self.language() == Language::Python;
        let rust = self.language() == Language::Rust;
        let mut positional = args.positional.into_iter();
        let mut named = args.named;
        let mut first = true;
        for param in params {
            let name = match &param.target.kind {
                ExprKind::Name(name) => Some(name.clone()),
                _ => None,
            };
            let receives_this = std::mem::replace(&mut first, false)
                && (python && this.is_some() || rust && name.as_deref() == Some("self"));
            let value = if receives_this {
                this.cloned().unwrap_or_default()
            } else if param.rest {
                let rest: Vec<_> = positional.by_ref().collect();
                if args.open && rest.is_empty() { Value::Unknown } else { Value::list(rest) }
            } else if param.keyword_rest {
                if args.open {
                    Value::Unknown
                } else {
                    Value::map(
                        named.drain(..).map(|(name, value)| (Value::text(&name), value)).collect(),
                    )
                }
            } else if let Some(at) =
                named.iter().position(|(known, _)| Some(known) == name.as_ref())
            {
                named.remove(at).1
            } else if let Some(value) = positional.next() {
                value
            } else if let Some(default) = &param.default {
                let default = expr::eval(default, self);
                if args.open { Value::choice(vec![default, Value::Unknown]) } else { default }
            } else {
                Value::Unknown
            };
            match &param.target.kind {
                ExprKind::Name(name) => self.frame.env.set(name, value),
                _ => self.bind_pattern(&param.target, value),
            }
        }
    }

    fn bind_pattern(&mut self, target: &'p Expr, value: Value<'p>) {
        // The names of a pattern are this call's own, also where an outer scope has the same.
        let mut names = Vec::new();
        collect_names(target, &mut names);
        for name in names {
            self.frame.env.set(&name, Value::Unknown);
        }
        self.bind(target, value);
    }

    fn instantiate(&mut self, class: &Rc<ClassValue<'p>>, args: Args<'p>, span: Span) -> Value<'p> {
        class.instantiated.set(true);
        let object = Rc::new(Object {
            class: Rc::clone(class),
            fields: RefCell::default(),
            native: Cell::new(None),
        });
        let this = Value::Object(Rc::clone(&object));
        self.initialise_fields(class, &this);
        let constructor = ["__init__", "constructor"].iter().find_map(|name| class.attribute(name));
        match constructor {
            Some((Value::Function(closure), owner)) => {
                let bound = self.bound(&closure, this.clone(), owner);
                self.apply(&bound, args);
            }
            _ => self.construct_native(&object, args, span),
        }
        this
    }

    /// Fields declared in a script class are evaluated anew for each object.
    fn initialise_fields(&mut self, class: &Rc<ClassValue<'p>>, this: &Value<'p>) {
        let Value::Object(object) = this else { return };
        for owner in class.lineage().0.into_iter().rev() {
            let file = owner.env.file;
            if self.program.file(file).module.language == Language::Python {
                continue;
            }
            let frame = Frame {
                env: Rc::clone(&owner.env),
                this: Some(this.clone()),
                class: Some(Rc::clone(&owner)),
            };
            let outer = std::mem::replace(&mut self.frame, frame);
            for stmt in &owner.class.body {
                if let StmtKind::Bind(bind) = &stmt.kind
                    && let (ExprKind::Name(name), Some(value)) = (&bind.target.kind, &bind.value)
                {
                    let value = expr::eval(value, self);
                    object.fields.borrow_mut().insert(name.clone(), value);
                }
            }
            self.frame = outer;
        }
    }

    /// Records the construction of an external base.
    fn construct_native(&mut self, object: &Rc<Object<'p>>, args: Args<'p>, span: Span) {
        if object.native.get().is_some() {
            return;
        }
        if let (_, Some(base)) = object.class.lineage() {
            let id = self.record(Value::External(base), args, span, Some(Rc::clone(&object.class)));
            object.native.set(Some(id));
        }
    }

    fn object_attribute(
        &mut self,
        this: &Value<'p>,
        object: &Rc<Object<'p>>,
        name: &str,
    ) -> Value<'p> {
        if let Some(value) = object.fields.borrow().get(name) {
            return value.clone();
        }
        match object.class.attribute(name) {
            Some((value, owner)) => self.bind_attribute(this, value, owner, name),
            None => Value::Method(Rc::new((this.clone(), name.into()))),
        }
    }

    fn bind_attribute(
        &mut self,
        this: &Value<'p>,
        value: Value<'p>,
        owner: Rc<ClassValue<'p>>,
        name: &str,
    ) -> Value<'p> {
        match value {
            Value::Function(closure) => {
                let is = |wanted: &str| {
                    closure.decorators.iter().any(
                        |decorator| matches!(decorator, Value::External(path) if path == wanted),
                    )
                };
                if is("staticmethod") {
                    return Value::Function(closure);
                }
                let bound = self.bound(&closure, this.clone(), owner);
                if is("property") || is("functools.cached_property") {
                    return self.apply(&bound, Args::default());
                }
                Value::Function(bound)
            }
            // `field: str = Field(default="/api")` of a settings class stands for its default.
            Value::Native(id) => self.field_default(id, name).unwrap_or(Value::Native(id)),
            // A setting that is absent by default is for the deployment to decide.
            Value::None if matches!(owner.lineage().1.as_deref(), Some(base) if base.ends_with("Settings")) => {
                Value::Unknown
            }
            other => other,
        }
    }

    /// The default of a `Field(…)`, marked with the variable that can replace it.
    fn field_default(&self, id: CallId, name: &str) -> Option<Value<'p>> {
        let record = self.calls.get(id.0 as usize)?;
        let path = record.path()?;
        if !matches!(path.rsplit('.').next(), Some("Field" | "field" | "FieldInfo")) {
            return None;
        }
        match record.args.get(0, "default") {
            Some(Value::Text(text)) => {
                Some(Value::Text(Rc::new((**text).clone().from_env(&name.to_uppercase()))))
            }
            Some(value) => Some(value.clone()),
            None => Some(Value::Unknown),
        }
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

fn collect_names(target: &Expr, out: &mut Vec<SmolStr>) {
    match &target.kind {
        ExprKind::Name(name) => out.push(name.clone()),
        ExprKind::List(items) => items.iter().for_each(|item| collect_names(item, out)),
        ExprKind::Map(entries) => entries.iter().for_each(|entry| collect_names(&entry.value, out)),
        ExprKind::Assign { target, .. } => collect_names(target, out),
        ExprKind::Spread(inner) => collect_names(inner, out),
        _ => {}
    }
}

impl<'p> Scope<'p> for Interpreter<'p> {
    fn name(&mut self, name: &str) -> Value<'p> {
        match name {
            "this" => return self.frame.this.clone().unwrap_or_default(),
            "super" if self.language() != Language::Python => return self.super_value(),
            _ => {}
        }
        self.frame.env.get(name).unwrap_or_else(|| Value::External(name.into()))
    }

    fn attribute(&mut self, object: &Value<'p>, name: &str) -> Value<'p> {
        match object {
            Value::Module(file) => self.member(*file, name),
            Value::Package(path) => self.submodule(&path.clone(), name).unwrap_or_default(),
            Value::Object(instance) => self.object_attribute(object, instance, name),
            Value::Class(class) => match class.attribute(name) {
                Some((Value::Native(id), _)) => self.field_default(id, name).unwrap_or(Value::Native(id)),
                Some((Value::Function(closure), owner))
                    if closure.decorators.iter().any(
                        |decorator| matches!(decorator, Value::External(path) if path == "classmethod"),
                    ) =>
                {
                    Value::Function(self.bound(&closure, object.clone(), owner))
                }
                Some((value, _)) => value,
                None => match class.lineage().1 {
                    Some(_) => Value::Method(Rc::new((object.clone(), name.into()))),
                    None => Value::Unknown,
                },
            },
            Value::Method(method) if method.1 == "super" => {
                let (Value::Object(instance), Some(class)) = (&method.0, &self.frame.class) else {
                    return Value::Unknown;
                };
                let parent = class.bases.iter().find_map(|base| match base {
                    Value::Class(base) => base.attribute(name),
                    _ => None,
                });
                match parent {
                    Some((value, owner)) => self.bind_attribute(&method.0, value, owner, name),
                    None if matches!(name, "__init__" | "constructor") => {
                        Value::Method(Rc::new((Value::Object(Rc::clone(instance)), "__construct__".into())))
                    }
                    None => Value::Method(Rc::new((method.0.clone(), name.into()))),
                }
            }
            Value::Native(_) => Value::Method(Rc::new((object.clone(), name.into()))),
            Value::Function(_) | Value::Method(_) => Value::Method(Rc::new((object.clone(), name.into()))),
            _ => Value::Unknown,
        }
    }

    fn call(
        &mut self,
        callee: Value<'p>,
        args: Args<'p>,
        _call: &'p Call,
        span: Span,
    ) -> Value<'p> {
        if let Value::Method(method) = &callee {
            match (&method.0, method.1.as_str()) {
                (Value::Object(object), "__construct__") => {
                    self.construct_native(&object.clone(), args, span);
                    return Value::None;
                }
                // `super(…)` of a script class.
                (Value::Object(object), "super") => {
                    let parent = self.frame.class.as_ref().and_then(|class| {
                        class.bases.iter().find_map(|base| match base {
                            Value::Class(base) => base.attribute("constructor"),
                            _ => None,
                        })
                    });
                    let object = Rc::clone(object);
                    if let Some((Value::Function(closure), owner)) = parent {
                        let bound = self.bound(&closure, Value::Object(object), owner);
                        self.apply(&bound, args);
                    } else {
                        self.construct_native(&object, args, span);
                    }
                    return Value::None;
                }
                // `f.bind(x)`, `f.call(x, …)`, `f.delay(…)`.
                (Value::Function(closure), "bind") => return Value::Function(Rc::clone(closure)),
                (Value::Function(closure), "call") => {
                    let closure = Rc::clone(closure);
                    let rest = Args::of(args.positional.into_iter().skip(1).collect());
                    return self.apply(&closure, rest);
                }
                _ => {}
            }
        }
        self.call_value(&callee, args, span)
    }

    fn function(&mut self, function: &'p Function) -> Value<'p> {
        self.closure(function)
    }

    fn class(&mut self, class: &'p Class) -> Value<'p> {
        self.define_class(class)
    }

    fn block(&mut self, block: &'p Block) -> Value<'p> {
        self.block_value(block)
    }

    fn assign(&mut self, target: &'p Expr, value: &Value<'p>) {
        self.bind(target, value.clone());
    }

    fn enter(&mut self) -> bool {
        if self.depth > MAX_DEPTH || !self.step() {
            return false;
        }
        self.depth += 1;
        true
    }

    fn spend(&mut self, steps: usize) {
        self.steps = self.steps.saturating_sub(u32::try_from(steps).unwrap_or(u32::MAX));
    }

    fn leave(&mut self) {
        self.depth -= 1;
    }
}
