//! Runs a program of modules abstractly. Imports, classes, helper functions with their arguments,
//! loops over known lists and conditions with known tests are followed; where a condition is
//! unknown both branches run. Calls to the outside are not guessed at: they are recorded, with
//! evaluated arguments, in a trace.

mod branches;
mod callers;
mod calls;
mod definitions;
mod files;
mod flow;
mod folders;
mod heirs;
mod kept;
mod kinds;
pub mod libraries;
mod names;
pub mod probe;
mod promises;
mod prototypes;
mod rust;
mod scope;
mod settings;
mod state;
mod statements;
mod tables;
mod trace;
mod worn;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::rc::Rc;

use smol_str::SmolStr;

use super::expr;
use super::link::Program;
use super::value::{
    Args, CallId, CallRecord, ClassValue, Closure, Env, FileId, Object, Place, Value,
};
use crate::module::{Call, Expr, Function, Leave, Span};
use crate::source::Language;

/// Steps (expressions and statements) that one program may take. Reaching it ends the evaluation
/// and is reported.
const MAX_STEPS: u32 = 20_000_000;
/// Nested calls.
const MAX_CALLS: usize = 48;
/// How often one function may stand on the stack of calls at once.
const MAX_RECURSION: usize = 2;
/// Nested expressions and statements.
const MAX_DEPTH: usize = 3_000;
/// Turns of one loop over a known list.
const MAX_TURNS: usize = 2_000;
/// Calls at one place beyond which each is dear: tables of routes are shorter, and loops inside
/// loops would fill the memory.
const MAX_AT_PLACE: u32 = 2_000;
/// What each of these takes, in steps.
const DEAR: usize = 400;
/// Functions that wait to be called.
const MAX_PENDING: usize = 200_000;
/// How often one function, made anew each time, waits to be called. A function that recurses
/// through a callback makes another of these on every run.
const MAX_PENDING_EACH: u32 = 64;

pub use flow::{Asked, Attributes, Clients, Element};
pub use libraries::Library;
pub use trace::Trace;

/// How a block ended.
enum Flow<'p> {
    /// It ran through.
    Next,
    /// It returned.
    Return(Value<'p>),
    /// It left the turn of a loop, or the loop.
    Leave(Leave),
    /// It raised: there is no value.
    Stop(Thrown),
}

/// What was raised, as far as a probe asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Thrown {
    /// Whether it says that the caller may not go on.
    denial: bool,
    /// Whether the code raises it, and not some operation on nothing.
    deliberate: bool,
    /// Whether it says that the method is not answered.
    method: bool,
    /// Whether it is raised under a condition that nobody knows, before anybody looked at the
    /// caller.
    blind: bool,
}

struct ModuleState<'p> {
    env: Rc<Env<'p>>,
    exports: RefCell<BTreeMap<SmolStr, Exported<'p>>>,
    /// Names that a script takes from others of the program.
    imported: RefCell<BTreeMap<SmolStr, (FileId, SmolStr)>>,
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
    /// The calls of the run, once it is over.
    settled: Rc<Vec<Rc<CallRecord<'p>>>>,
    /// The calls since.
    calls: Vec<Rc<CallRecord<'p>>>,
    /// How many of them stand at one place.
    at_place: HashMap<(FileId, u32), u32>,
    steps: u32,
    /// How many calls loading the modules has made.
    loaded: u32,
    /// Steps that questions took after the run.
    asked_steps: u32,
    /// Whether a limit other than that of steps left something out.
    cut: bool,
    depth: usize,
    conditional: usize,
    /// How many conditions stood around the call of the function that runs.
    entered_at: usize,
    stack: Vec<*const Function>,
    /// The scope, `this` and class of the code that runs.
    frame: Frame<'p>,
    /// What the running function returned on ways that others did not share.
    returned: Vec<Value<'p>>,
    /// What it returned on ways that the environment takes seldom.
    otherwise: Vec<Value<'p>>,
    /// Functions met and not yet called, in order.
    pending: Vec<Rc<Closure<'p>>>,
    /// How often each of them was met.
    met: HashMap<*const Function, u32>,
    classes: Vec<Rc<ClassValue<'p>>>,
    /// The last instance of each class.
    instances: HashMap<*const ClassValue<'p>, Rc<Object<'p>>>,
    /// Items that were put into lists under a condition, by where they lie.
    perhaps: HashMap<usize, Value<'p>>,
    /// Variables that the way which runs now has written.
    writes: Option<branches::Writes<'p>>,
    /// The call that is about to be recorded, as written.
    written: Option<&'p Call>,
    /// What an expression raised; its statement ends with it.
    throwing: Option<Thrown>,
    /// What an expression returned from its function, as Rust's `?` does; its statement ends.
    leaving: Option<Value<'p>>,
    /// What is known of Rust's modules.
    rust: rust::Modules<'p>,
    /// Names that modules import from others which were not loaded yet, by scope, local name, file
    /// and name there.
    in_circles: Vec<(Rc<Env<'p>>, SmolStr, FileId, SmolStr)>,
    /// The question that is being asked, after the run.
    probe: Option<probe::Probe<'p>>,
    /// What is done where a library is called.
    libraries: &'static [libraries::Library],
    natives: libraries::Natives<'p>,
    /// Files that the program loads by names which it computes, and that are not in it.
    missing: BTreeSet<String>,
    /// Which module has loaded which.
    loads: BTreeSet<(FileId, FileId)>,
    /// The application that was made last.
    application: Option<CallId>,
    /// Whether the running function may have ended otherwise, had the environment said so.
    swayed: bool,
    /// The settings of a Django project, once they are asked for.
    django_settings: std::cell::OnceCell<Option<FileId>>,
    /// Functions that cost much and told readers nothing.
    worn: worn::Worn<'p>,
    /// Whether it is followed where the addresses come from that calls to the outside are given.
    follows: bool,
    /// What is known of the clients that are given them.
    clients: Option<Clients>,
    /// Where the call stands that is about to be made.
    site: Option<Place>,
    /// Calls to the outside that are given an address: the calls through which it came, the
    /// innermost first.
    ways: BTreeMap<CallId, Vec<Place>>,
    /// Addresses of such calls that the evaluation has lost track of, as a function around them
    /// was given one.
    presumed: BTreeMap<CallId, Value<'p>>,
    /// Which functions write which variables, by file, once that is asked.
    writers: state::AllWriters,
    /// What scripts put on the object that all of them share.
    globals: BTreeMap<SmolStr, Value<'p>>,
    /// The calls, from one to before another, that methods make which nothing calls on the classes
    /// that inherit them.
    supposed: Vec<(CallId, CallId)>,
}

/// What a run is for.
#[derive(Clone, Copy)]
pub struct Purpose {
    /// What is done where a library is called.
    pub libraries: &'static [Library],
    /// Whether a dotted path leads into a library whose calls matter.
    pub tells: fn(&str) -> bool,
    /// The clients, where it is followed where the addresses come from that they are given; then
    /// elements of pages are evaluated too.
    pub clients: Option<Clients>,
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
pub fn run<'p>(program: &'p Program<'p>, purpose: Purpose) -> Trace<'p> {
    let modules: Vec<_> = program
        .ids()
        .map(|file| {
            let name = program.module_name(file);
            let env = Env::outermost(file, name);
            ModuleState {
                env,
                exports: RefCell::default(),
                imported: RefCell::default(),
                stars: RefCell::default(),
                started: Cell::new(false),
            }
        })
        .collect();
    let nowhere = Env::outermost(FileId(0), SmolStr::default());
    let env = modules.first().map_or(nowhere, |first| Rc::clone(&first.env));
    let mut it = Interpreter {
        program,
        modules,
        settled: Rc::default(),
        calls: Vec::new(),
        at_place: HashMap::new(),
        steps: MAX_STEPS,
        loaded: 0,
        asked_steps: 0,
        cut: false,
        depth: 0,
        conditional: 0,
        entered_at: 0,
        stack: Vec::new(),
        frame: Frame { env, this: None, class: None },
        returned: Vec::new(),
        otherwise: Vec::new(),
        pending: Vec::new(),
        met: HashMap::new(),
        classes: Vec::new(),
        instances: HashMap::new(),
        perhaps: HashMap::new(),
        writes: None,
        written: None,
        throwing: None,
        leaving: None,
        rust: rust::Modules::default(),
        in_circles: Vec::new(),
        probe: None,
        libraries: purpose.libraries,
        natives: libraries::Natives::default(),
        missing: BTreeSet::new(),
        loads: BTreeSet::new(),
        application: None,
        swayed: false,
        django_settings: std::cell::OnceCell::new(),
        worn: worn::Worn::new(purpose.tells),
        follows: purpose.clients.is_some(),
        clients: purpose.clients,
        site: None,
        ways: BTreeMap::new(),
        presumed: BTreeMap::new(),
        writers: state::AllWriters::new(),
        globals: BTreeMap::new(),
        supposed: Vec::new(),
    };
    // What runs in scripts beside a program of Rust does not take its steps.
    if it.load_rust() {
        it.run_uncalled();
        it.cut |= it.steps == 0;
        it.steps = MAX_STEPS;
    }
    for file in program.ids() {
        it.load_unasked(file);
    }
    it.close_circles();
    it.loaded = u32::try_from(it.calls.len()).unwrap_or(u32::MAX);
    it.worn.blind = true;
    it.run_uncalled();
    it.call_later();
    it.worn.blind = false;
    Trace::of(it)
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

    /// The value of an expression in a scope.
    fn value_in(&mut self, env: &Rc<Env<'p>>, expr: &'p Expr) -> Value<'p> {
        let frame = Frame { env: Rc::clone(env), this: None, class: None };
        let outer = std::mem::replace(&mut self.frame, frame);
        let value = expr::eval(expr, self);
        self.frame = outer;
        value
    }

    /// The record of a call.
    fn call_record(&self, id: CallId) -> Option<&Rc<CallRecord<'p>>> {
        let at = id.0 as usize;
        self.settled.get(at).or_else(|| self.calls.get(at.checked_sub(self.settled.len())?))
    }

    /// Runs a module once, at its first import, and notes who imports it.
    fn load(&mut self, file: FileId) {
        let by = self.frame.env.file;
        if by != file {
            self.loads.insert((by, file));
        }
        self.load_unasked(file);
    }

    /// Runs a module once, at its first import or in its turn.
    fn load_unasked(&mut self, file: FileId) {
        if self.modules[file.0 as usize].started.get() {
            return;
        }
        self.load_packages(file);
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

    /// Runs the packages that a module of Python lies in, as its import does: where modules import
    /// each other in circles, the order decides which of them finds what it asks for.
    fn load_packages(&mut self, id: FileId) {
        let file = self.program.file(id);
        if file.module.language != Language::Python {
            return;
        }
        let mut packages = Vec::new();
        let mut folder = file.path;
        while let Some((up, _)) = folder.rsplit_once('/') {
            folder = up;
            let init = format!("{folder}/__init__.py");
            if !self.program.knows(&init) {
                break;
            }
            packages.extend(self.program.at(&init).filter(|package| *package != id));
        }
        for package in packages.into_iter().rev() {
            self.load_unasked(package);
        }
    }

    fn run_uncalled(&mut self) {
        // Running one function can define others, so all lists grow meanwhile.
        let mut at = 0;
        let mut class_at = 0;
        let mut classes: BTreeSet<(usize, usize)> = BTreeSet::new();
        let mut places: Option<Vec<usize>> = None;
        let mut with_arguments: VecDeque<Rc<Closure<'p>>> = VecDeque::new();
        let mut for_libraries: VecDeque<Rc<Closure<'p>>> = VecDeque::new();
        let mut inherited: VecDeque<Rc<Closure<'p>>> = VecDeque::new();
        loop {
            for (index, class) in self.classes.iter().enumerate().skip(class_at) {
                if !class.instantiated.get() && !class.class.is_interface {
                    let places = places.get_or_insert_with(|| self.program.importers_first());
                    let place = places.get(class.env.file.0 as usize).copied().unwrap_or_default();
                    classes.insert((place, index));
                }
            }
            class_at = self.classes.len();
            // One that another makes is made there, with what it is given.
            if let Some((_, index)) = classes.pop_first() {
                let class = Rc::clone(&self.classes[index]);
                if !class.instantiated.get() {
                    let given = Args { open: true, ..Args::default() };
                    self.instantiate(&class, given, class.class.span);
                }
            } else if let Some(closure) = self.pending.get(at).map(Rc::clone) {
                at += 1;
                if closure.entered.get() {
                } else if self.awaits_library(&closure) {
                    for_libraries.push_back(closure);
                } else if self.has_heirs(&closure) {
                    inherited.push_back(closure);
                } else if needs_arguments(&closure) {
                    with_arguments.push_back(closure);
                } else {
                    self.run_blindly(&closure);
                }
            } else if let Some(closure) = with_arguments.pop_front() {
                // Others may have called it with what it needs.
                self.run_blindly(&closure);
            } else if let Some(closure) = for_libraries.pop_front() {
                if !closure.entered.get() && !self.let_library_call(&closure) {
                    self.run_blindly(&closure);
                }
            } else if let Some(closure) = inherited.pop_front() {
                // Others may have called it on the instances that they have.
                self.run_blindly(&closure);
            } else {
                break;
            }
        }
    }

    /// Runs a function that nothing has called, with unknown arguments.
    fn run_blindly(&mut self, closure: &Rc<Closure<'p>>) {
        if closure.entered.get() || self.steps == 0 {
            return;
        }
        let first = self.next_call();
        let heirs = self.of_heirs(closure);
        let is_supposed = !heirs.is_empty();
        let closures = match is_supposed {
            true => heirs,
            false => vec![self.of_some_instance(Rc::clone(closure))],
        };
        for closure in closures {
            self.site = None;
            self.apply(&closure, Args { open: true, ..Args::default() });
        }
        if is_supposed {
            self.supposed.push((first, self.next_call()));
        }
    }

    /// A method that nothing calls, bound to an instance of its class: what one method leaves
    /// there, another finds. One that needs arguments is for others to call, and would register
    /// what nobody knows.
    fn of_some_instance(&self, closure: Rc<Closure<'p>>) -> Rc<Closure<'p>> {
        let language = self.program.file(closure.env.file).module.language;
        let is_method = closure.env.is_class && language != Language::Rust;
        let Some(class) = closure.class.as_ref().filter(|_| is_method) else { return closure };
        let is = |wanted: &str| {
            closure
                .decorators
                .iter()
                .any(|decorator| matches!(decorator, Value::External(path) if path == wanted))
        };
        let needs_arguments = closure
            .function
            .params
            .iter()
            // The first of Python's is the instance.
            .skip(usize::from(language == Language::Python))
            .any(|param| param.default.is_none() && !param.rest && !param.keyword_rest);
        if is("staticmethod") || needs_arguments && !self.follows {
            return closure;
        }
        let this = if is("classmethod") {
            Some(Value::Class(Rc::clone(class)))
        } else {
            self.instances.get(&Rc::as_ptr(class)).map(|object| Value::Object(Rc::clone(object)))
        };
        match this {
            Some(this) => self.bound(&closure, this, Rc::clone(class)),
            None => closure,
        }
    }
}

/// Whether a function cannot be called without arguments.
fn needs_arguments(closure: &Closure<'_>) -> bool {
    closure.function.params.iter().any(|param| {
        let optional = param.default.is_some() || param.rest || param.keyword_rest;
        !optional
    })
}
