//! Whether what registers a route is ever loaded. A decorator in a module that nobody imports has
//! registered nothing, though the router that it names is mounted.
//!
//! Here is only what the program itself tells: the modules that nothing in it leads to. Whether a
//! file that is no part of the program names them, a manifest or a script, [`super::naming`] asks.

use std::collections::{BTreeMap, BTreeSet};

use regex::RegexSet;

use super::flatten::Flat;
use super::graph::{Entry, Graph, Layer, Router, made_by};
use super::naming::{self, Named};
use crate::eval::interpreter::Trace;
use crate::eval::link::{Program, Target, normalise};
use crate::eval::value::{CallId, FileId, Value};
use crate::module::path::{constant_text, last_name};
use crate::module::visit::{Visitor, Walk, walk_module};
use crate::module::{Bind, Call, Expr, ExprKind, Function, Stmt, StmtKind, TextPart};
use crate::source::Language;

/// Frameworks that load the files of routes by themselves, or by names in files of their own.
const LOADS_BY_ITSELF: &[&str] =
    &["adonis", "finale", "loopback", "nest", "next", "nuxt", "pyramid", "remix", "sveltekit"];

/// Calls that load modules by names which they are given.
const LOADERS: &[&str] = &[
    "__import__",
    "consign",
    "exec_module",
    "execfile",
    "import_from_string",
    "import_module",
    "import_object",
    "import_string",
    "loadModules",
    "load_module",
    "load_modules",
    "requireAll",
    "requireDir",
    "requireDirectory",
    "run_module",
    "run_path",
];

/// Those of them that are functions, where methods are called so as well.
const LOADING_FUNCTIONS: &[&str] = &["exec", "import", "require"];

/// Calls that start a server, wherever they stand.
const SERVES: &[&str] =
    &["createServer", "execute_from_command_line", "listen", "run_app", "run_forever", "serve"];

/// Calls that start something, where a module makes them when it is loaded.
const STARTS: &[&str] = &["bootstrap", "fire", "handle", "main", "run", "start", "startServer"];

/// Names of files that frameworks, servers and people start or load without naming them.
const STARTED: &[&str] = &[
    "__main__",
    "app",
    "application",
    "asgi",
    "autoapp",
    "boot",
    "bootstrap",
    "celery",
    "celery_app",
    "cli",
    "conftest",
    "entry",
    "entrypoint",
    "handler",
    "lambda_function",
    "main",
    "manage",
    "passenger_wsgi",
    "run",
    "server",
    "settings",
    "start",
    "tasks",
    "worker",
    "wsgi",
];

/// Those that Django loads of each of its applications.
const LOADED_BY_DJANGO: &[&str] =
    &["admin", "apps", "handlers", "models", "receivers", "signals", "urls"];

/// Folders whose files are started.
const OF_PROGRAMS: &[&str] = &["bin", "cmd", "functions", "lambdas", "management", "scripts"];

/// Modules that nothing of the program leads to, each with those of them that it loads.
pub type Unloaded = BTreeMap<String, BTreeSet<String>>;

/// Finds the modules that nothing of the program leads to; none where no route depends on one.
#[must_use]
pub fn unloaded<'p>(trace: &Trace<'p>, graph: &Graph<'p>) -> Unloaded {
    let registering = registering(trace, graph);
    let mut ways = Ways::of(trace);
    let making = making(trace, graph);
    ways.reach(&making);
    if ways.reaches_all(&registering) {
        return Unloaded::new();
    }
    ways.follow_imports(trace.program);
    let mut started: Vec<FileId> = trace.program.ids().collect();
    started.retain(|file| is_started(trace, graph, *file));
    ways.reach(&started);
    ways.reach_beginnings(|file| !registering.contains(&file) && !is_package(trace, file));
    if ways.reaches_all(&registering) {
        return Unloaded::new();
    }
    let Some(named) = ways.named_elsewhere(trace.program) else { return Unloaded::new() };
    ways.reach(&named);
    if ways.reaches_all(&registering) {
        return Unloaded::new();
    }
    ways.unreached(trace.program)
}

/// The modules that register on a router or mount one.
fn registering<'p>(trace: &Trace<'p>, graph: &Graph<'p>) -> BTreeSet<FileId> {
    let routers = graph.routers.values();
    let routers = routers.filter(|router| !LOADS_BY_ITSELF.contains(&router.framework));
    let calls = routers.flat_map(|router| &router.entries).filter_map(|(_, entry)| match entry {
        Entry::Route(registration) => registration.at,
        Entry::Mount(mount) => mount.at,
        Entry::Guard(_) | Entry::Pattern(_) | Entry::Opaque(_) => None,
    });
    let files = calls.filter_map(|call| file_of(trace, call));
    files.filter(|file| is_loaded_by_name(trace.program, *file)).collect()
}

/// The modules that make an application.
fn making<'p>(trace: &Trace<'p>, graph: &Graph<'p>) -> Vec<FileId> {
    let applications = graph.routers.iter().filter(|(_, router)| router.is_application);
    applications.filter_map(|(id, _)| file_of(trace, *id)).collect()
}

fn file_of(trace: &Trace<'_>, call: CallId) -> Option<FileId> {
    trace.call(call).map(|record| record.place.file)
}

/// Whether a module is of a language whose modules are loaded by what imports them.
fn is_loaded_by_name(program: &Program<'_>, file: FileId) -> bool {
    matches!(
        program.file(file).module.language,
        Language::Python | Language::JavaScript | Language::TypeScript | Language::Tsx
    )
}

fn is_package(trace: &Trace<'_>, file: FileId) -> bool {
    trace.program.file(file).path.ends_with("__init__.py")
}

/// Whether a module may be started, as far as itself tells: it has an application of its own, or
/// starts something, or is called as such modules are.
fn is_started<'p>(trace: &Trace<'p>, graph: &Graph<'p>, file: FileId) -> bool {
    let program = trace.program.file(file);
    if !is_loaded_by_name(trace.program, file) {
        return true;
    }
    let (folder, name) = program.path.rsplit_once('/').unwrap_or(("", program.path));
    let stem = name.split('.').next().unwrap_or(name);
    let is_index = stem == "index" && (!folder.contains('/'));
    let of_programs = || folder.split('/').any(|part| OF_PROGRAMS.contains(&part));
    // An application that comes without a project is for other trees.
    let by_django = || {
        LOADED_BY_DJANGO.contains(&stem) && (stem == "urls" || trace.settings_of_django().is_some())
    };
    if STARTED.contains(&stem)
        || by_django()
        || stem.starts_with("gunicorn")
        || is_index
        || of_programs()
    {
        return true;
    }
    let is_application = |value: &Value<'p>| {
        made_by(value).is_some_and(|made| {
            let router = graph.routers.get(&graph.origin(made));
            router.is_some_and(|router| router.is_application)
        })
    };
    let mut starts = Starts { found: false, bound: Vec::new(), depth: 0 };
    walk_module(&mut starts, program.module);
    let env = trace.module(file);
    starts.found
        || starts.bound.iter().any(|name| env.get(name).as_ref().is_some_and(is_application))
        || trace.default_export(file).as_ref().is_some_and(is_application)
}

/// Whether a module starts something, and what it binds itself.
struct Starts<'m> {
    found: bool,
    bound: Vec<&'m str>,
    /// Functions around.
    depth: usize,
}

impl<'m> Visitor<'m> for Starts<'m> {
    fn enter_stmt(&mut self, stmt: &'m Stmt) -> Walk {
        if let StmtKind::Bind(Bind { target, value: Some(value), .. }) = &stmt.kind
            && let ExprKind::Name(name) = &target.kind
            && self.depth == 0
            && !imports(value)
        {
            self.bound.push(name);
        }
        Walk::Into
    }

    fn enter_function(&mut self, _: &'m Function) -> Walk {
        self.depth += 1;
        Walk::Into
    }

    fn leave_function(&mut self, _: &'m Function) {
        self.depth -= 1;
    }

    fn enter_expr(&mut self, expr: &'m Expr) -> Walk {
        self.found |= match &expr.kind {
            // It asks whether it was started itself.
            ExprKind::Text(parts) => {
                matches!(parts.as_slice(), [TextPart::Literal(text)] if text == "__main__")
            }
            ExprKind::Call(call) => last_name(&call.callee).is_some_and(|name| {
                SERVES.contains(&name) || self.depth == 0 && STARTS.contains(&name)
            }),
            _ => false,
        };
        Walk::Into
    }
}

/// Whether a value is what another module has.
fn imports(value: &Expr) -> bool {
    let mut at = value;
    loop {
        at = match &at.kind {
            ExprKind::Attribute { object, .. } => object,
            ExprKind::Await(inner) => inner,
            ExprKind::Call(call) => match last_name(&call.callee) {
                Some("require" | "import" | "import_module" | "__import__") => return true,
                _ => return false,
            },
            _ => return false,
        }
    }
}

/// Which modules lead to which.
struct Ways {
    to: BTreeMap<FileId, BTreeSet<FileId>>,
    files: Vec<FileId>,
    reached: BTreeSet<FileId>,
}

impl Ways {
    /// What was loaded when the program ran.
    fn of(trace: &Trace<'_>) -> Self {
        let mut to: BTreeMap<FileId, BTreeSet<FileId>> = BTreeMap::new();
        for (by, file) in &trace.loads {
            to.entry(*by).or_default().insert(*file);
        }
        Self { to, files: trace.program.ids().collect(), reached: BTreeSet::new() }
    }

    /// Adds what modules import without having run, and the packages that modules of Python lie
    /// in.
    fn follow_imports(&mut self, program: &Program<'_>) {
        for file in &self.files {
            let path = program.file(*file).path;
            let to = self.to.entry(*file).or_default();
            if is_loaded_by_name(program, *file) {
                to.extend(program.imported_by(*file));
            }
            let mut folder = path;
            while let Some((up, _)) = folder.rsplit_once('/') {
                folder = up;
                let package = program.at(&format!("{folder}/__init__.py"));
                to.extend(package.filter(|package| package != file));
            }
        }
        let again: Vec<FileId> = self.reached.iter().copied().collect();
        self.reached.clear();
        self.reach(&again);
    }

    /// Notes that modules are loaded, and all that they lead to.
    fn reach(&mut self, from: &[FileId]) {
        let mut queue: Vec<FileId> = from.to_vec();
        while let Some(file) = queue.pop() {
            if self.reached.insert(file) {
                queue.extend(self.to.get(&file).into_iter().flatten().copied());
            }
        }
    }

    fn reaches_all(&self, files: &BTreeSet<FileId>) -> bool {
        files.is_subset(&self.reached)
    }

    /// Notes what begins: the modules that only such ones lead to as they lead to themselves. They
    /// are started if one of them `may_start`.
    fn reach_beginnings(&mut self, may_start: impl Fn(FileId) -> bool) {
        let mut from: BTreeMap<FileId, Vec<FileId>> = BTreeMap::new();
        for (by, files) in &self.to {
            files.iter().for_each(|file| from.entry(*file).or_default().push(*by));
        }
        // What ends last when everything is followed is led to by nothing but its own circle.
        let mut seen = BTreeSet::new();
        for file in self.ended().into_iter().rev() {
            if seen.contains(&file) {
                continue;
            }
            walk(&mut seen, file, |at| self.to.get(&at).into_iter().flatten().copied().collect());
            let mut circle = BTreeSet::new();
            walk(&mut circle, file, |at| from.get(&at).cloned().unwrap_or_default());
            if circle.iter().any(|file| may_start(*file)) {
                self.reach(&[file]);
            }
        }
    }

    /// The modules in the order in which following them, and what they lead to, ends.
    fn ended(&self) -> Vec<FileId> {
        let mut out = Vec::with_capacity(self.files.len());
        let mut seen = BTreeSet::new();
        for start in &self.files {
            let mut stack = vec![(*start, false)];
            while let Some((file, is_done)) = stack.pop() {
                if is_done {
                    out.push(file);
                } else if seen.insert(file) {
                    stack.push((file, true));
                    let next = self.to.get(&file).into_iter().flatten();
                    stack.extend(
                        next.filter(|file| !seen.contains(file)).map(|file| (*file, false)),
                    );
                }
            }
        }
        out
    }

    /// Unreached modules that texts or unknown imports of those reached may load; `None` where that
    /// may be any.
    fn named_elsewhere(&self, program: &Program<'_>) -> Option<Vec<FileId>> {
        let unreached = self.unreached_files();
        let named: Vec<Named> =
            unreached.iter().map(|file| Named::of(program.file(*file).path)).collect();
        let mentions = naming::mentions(&named)?;
        let mut found = BTreeSet::new();
        for file in &self.reached {
            let mut looked = Mentions {
                mentions: &mentions,
                named: &named,
                folder: program.file(*file).path.rsplit_once('/').map_or("", |(folder, _)| folder),
                found: BTreeSet::new(),
                any: false,
            };
            walk_module(&mut looked, program.file(*file).module);
            if looked.any {
                let of = program.file(*file).module.language;
                let loads =
                    |other: &FileId| naming::alike(of, program.file(*other).module.language);
                let any = unreached.iter().enumerate().filter(|(_, other)| loads(other));
                looked.found.extend(any.map(|(at, _)| at));
            }
            if is_loaded_by_name(program, *file) {
                // Where an import leads out of the tree, the tree may lie somewhere else than it
                // seems, or be known by another name.
                for name in program.imports_of(*file) {
                    if let Target::External(path) = program.resolve(*file, &name) {
                        let fits = |named: &Named| named.may_be(&path);
                        let at = named.iter().enumerate().filter(|(_, named)| fits(named));
                        looked.found.extend(at.map(|(at, _)| at));
                    }
                }
            }
            found.extend(looked.found);
        }
        Some(found.into_iter().filter_map(|at: usize| unreached.get(at).copied()).collect())
    }

    fn unreached_files(&self) -> Vec<FileId> {
        self.files.iter().filter(|file| !self.reached.contains(file)).copied().collect()
    }

    fn unreached(&self, program: &Program<'_>) -> Unloaded {
        let path = |file: &FileId| program.file(*file).path.to_owned();
        let rest = self.unreached_files();
        let loads = |file: &FileId| {
            let to = self.to.get(file).into_iter().flatten();
            to.filter(|to| !self.reached.contains(to)).map(path).collect()
        };
        rest.iter().map(|file| (path(file), loads(file))).collect()
    }
}

/// Follows what a module leads to.
fn walk(seen: &mut BTreeSet<FileId>, from: FileId, next: impl Fn(FileId) -> Vec<FileId>) {
    let mut queue = vec![from];
    while let Some(file) = queue.pop() {
        if seen.insert(file) {
            queue.extend(next(file));
        }
    }
}

/// What a module names in texts and loads by names that it computes.
struct Mentions<'n> {
    mentions: &'n RegexSet,
    named: &'n [Named],
    folder: &'n str,
    found: BTreeSet<usize>,
    /// Whether it may load anything.
    any: bool,
}

impl<'m> Visitor<'m> for Mentions<'_> {
    fn enter_expr(&mut self, expr: &'m Expr) -> Walk {
        match &expr.kind {
            ExprKind::Text(parts) => {
                for part in parts {
                    if let TextPart::Literal(text) = part {
                        self.found.extend(self.mentions.matches(text));
                        let folders =
                            self.named.iter().enumerate().filter(|(_, named)| named.lies_in(text));
                        self.found.extend(folders.map(|(at, _)| at));
                    }
                }
            }
            ExprKind::Call(call) => self.loads(call),
            _ => {}
        }
        Walk::Into
    }
}

impl Mentions<'_> {
    /// Notes what a call may load.
    fn loads(&mut self, call: &Call) {
        let is_function = matches!(call.callee.kind, ExprKind::Name(_));
        let loads = last_name(&call.callee).is_some_and(|name| {
            LOADERS.contains(&name) || is_function && LOADING_FUNCTIONS.contains(&name)
        });
        if !loads {
            return;
        }
        let package = call.args.iter().find(|arg| arg.name.as_deref() == Some("package"));
        let package = package.and_then(|arg| constant_text(&arg.value));
        let parts = match call.args.first().map(|arg| &arg.value.kind) {
            Some(ExprKind::Text(parts)) => parts.as_slice(),
            Some(ExprKind::List(_)) => return,
            _ => &[],
        };
        let below = match parts {
            [TextPart::Literal(_)] => return,
            [TextPart::Literal(begin), ..] => below(self.folder, begin),
            [TextPart::Hole(own), ..]
                if matches!(last_name(own), Some("__name__" | "__package__")) =>
            {
                Some(format!("{}/", self.folder))
            }
            _ => package.map(|package| format!("{}/", package.replace('.', "/"))),
        };
        match below {
            Some(below) => {
                let inside = |named: &Named| named.path.contains(&below);
                let at = self.named.iter().enumerate().filter(|(_, named)| inside(named));
                self.found.extend(at.map(|(at, _)| at));
            }
            None => self.any = true,
        }
    }
}

/// The folder that a name leads into which begins so.
fn below(folder: &str, begin: &str) -> Option<String> {
    if let Some((path, _)) = begin.rsplit_once('/') {
        return match path.starts_with('.') {
            true => normalise(folder, path).map(|path| format!("{path}/")),
            false => None,
        };
    }
    match begin.trim_start_matches('.').rsplit_once('.') {
        Some((package, _)) => Some(format!("{}/", package.replace('.', "/"))),
        None if begin == "." => Some(format!("{folder}/")),
        None => None,
    }
}

/// Takes away what modules that are never loaded put before the handlers of others.
pub fn bury<'p>(trace: &Trace<'p>, graph: &mut Graph<'p>, unloaded: &BTreeSet<String>) {
    if unloaded.is_empty() {
        return;
    }
    let is_there = |layer: &Layer<'p>| {
        super::auth::place_of(&layer.value)
            .is_none_or(|place| !unloaded.contains(trace.program.file(place.file).path))
    };
    let alive = |router: &mut Router<'p>| {
        router.layers.retain(is_there);
        router.entries.retain(|(_, entry)| match entry {
            Entry::Guard(guard) | Entry::Pattern(guard) => is_there(&guard.layer),
            Entry::Opaque(opaque) => !unloaded.contains(trace.program.file(opaque.place.file).path),
            Entry::Route(_) | Entry::Mount(_) => true,
        });
    };
    graph.routers.values_mut().for_each(alive);
}

/// The module on the way to a route that is never loaded.
#[must_use]
pub fn missing_on<'p>(
    trace: &Trace<'p>,
    flat: &Flat<'_, 'p>,
    unloaded: &BTreeSet<String>,
) -> Option<String> {
    if unloaded.is_empty() || LOADS_BY_ITSELF.contains(&flat.route.framework.as_str()) {
        return None;
    }
    let calls = flat.way.iter().filter_map(|step| step.mounted).chain(flat.registration.at);
    let files = calls.filter_map(|call| file_of(trace, call));
    let mut paths = files.map(|file| trace.program.file(file).path);
    paths.find(|path| unloaded.contains(*path)).map(str::to_owned)
}
