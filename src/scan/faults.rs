//! An analyser that fails on command, for the tests of isolation. It exists only in builds with
//! debug assertions, so no release carries it.

use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use smol_str::SmolStr;

use super::{Analyse, FileScan, Job, Plan, Refusal, Status};
use crate::module::{Expr, ExprKind, Function, MAX_NESTING, Module, Span, Stmt, StmtKind};
use crate::source::{Encoding, Language};

/// The argument that starts a scanner with this analyser, see [`super::worker::as_child`].
pub const ARGUMENT: &str = "scan-worker-with-faults";

/// Size of the pieces in which [`Faults`] takes memory, in bytes.
const PIECE: usize = 16 * 1024 * 1024;

/// Does what the first word of a file's name says: `abort-1.py` aborts. Everything else is
/// analysed as an empty file, with a comment line for each byte of its path.
#[derive(Debug)]
pub struct Faults;

/// A [`super::Build`]. A rule whose name begins with `refuse`, `hang` or `abort` does that, and one
/// named `tied` panics where the process would outlive its parent.
///
/// # Errors
///
/// For a rule that is to be refused.
pub fn build(plan: &Plan, compiling: &mut dyn FnMut(&str)) -> Result<Box<dyn Analyse>, Refusal> {
    for rule in &plan.rules {
        compiling(&rule.id);
        match command(&rule.id) {
            "refuse" => {
                return Err(Refusal { rule: rule.id.clone(), message: "as asked".to_owned() });
            }
            "hang" => hang(),
            "abort" => std::process::abort(),
            // Only the main thread can be asked, though it holds for the process.
            #[cfg(target_os = "linux")]
            "tied" => {
                let signal = rustix::process::parent_process_death_signal();
                assert_eq!(signal, Ok(Some(rustix::process::Signal::KILL)), "not tied");
            }
            _ => {}
        }
    }
    Ok(Box::new(Faults))
}

impl Analyse for Faults {
    fn analyse(&self, job: &Job) -> FileScan {
        #[allow(clippy::panic)]
        match command(&job.path) {
            "panic" => panic!("a literal"),
            "panicquoting" => panic!("it quotes {}", job.path),
            "abort" => std::process::abort(),
            "exit" => std::process::exit(0),
            "loop" => hang(),
            "overflow" => overflow(0),
            "bomb" => drop(take_memory(usize::MAX)),
            // Fits alone, and not twice, into the 600 MiB that the test grants.
            "large" => {
                let taken = take_memory(448 * 1024 * 1024);
                thread::sleep(Duration::from_millis(300));
                drop(taken);
            }
            "confined" => assert_confined(),
            "heavy" => {
                static RUNNING: AtomicUsize = AtomicUsize::new(0);
                let others = RUNNING.fetch_add(1, Ordering::SeqCst);
                thread::sleep(Duration::from_millis(5));
                RUNNING.fetch_sub(1, Ordering::SeqCst);
                assert_eq!(others, 0, "another large file is being analysed");
            }
            "garbage" => {
                let mut out = std::io::stdout();
                drop(out.write_all(b"some library says hello\n").and_then(|()| out.flush()));
                // The supervisor is faster than this.
                thread::sleep(Duration::from_secs(60));
            }
            _ => {}
        }
        let mut scan = FileScan::left_out(job, "", None, false);
        scan.encoding = Encoding::Utf8;
        scan.status = Status::Analysed;
        scan.facts = (command(&job.path) == "deep").then(deep_module);
        scan.lines.comment = u32::try_from(job.path.len()).unwrap_or(u32::MAX);
        scan
    }

    fn is_heavy(&self, job: &Job) -> bool {
        command(&job.path) == "heavy"
    }
}

/// The letters before the first `-` or `.` of a name, behind the last `/`.
fn command(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.split(['-', '.']).next().unwrap_or(name)
}

/// Panics where the process could do or tell more than it needs.
fn assert_confined() {
    // Nothing of ours is handed on; the one variable is what the allocator is told.
    let names: Vec<_> = std::env::vars_os().map(|(name, _)| name).collect();
    assert_eq!(names, ["GLIBC_TUNABLES"], "there is an environment");
    #[cfg(target_os = "linux")]
    {
        assert_eq!(rustix::thread::no_new_privs(), Ok(true), "it may gain privileges");
        let core = rustix::process::getrlimit(rustix::process::Resource::Core);
        assert_eq!(core.maximum, Some(0), "it may leave a core file");
    }
}

/// A module that is nested as deep as any lowering goes.
fn deep_module() -> Module {
    let mut body = Vec::new();
    for level in 0..MAX_NESTING / 2 {
        let name = Expr { span: Span::default(), kind: ExprKind::Name(SmolStr::new("f")) };
        let function = Function {
            name: Some(SmolStr::new(format!("f{level}"))),
            name_span: Span::default(),
            span: Span::default(),
            decorators: Vec::new(),
            params: Vec::new(),
            returns: Some(name),
            body,
            is_async: false,
            is_generator: false,
            is_abstract: false,
            is_getter: false,
            is_static: false,
            generics: Vec::new(),
        };
        let kind = ExprKind::Function(Box::new(function));
        let value = Expr { span: Span::default(), kind };
        body = vec![Stmt { span: Span::default(), kind: StmtKind::Expr(value) }];
    }
    Module { language: Language::Python, body, comments: Vec::new(), defects: Vec::new() }
}

fn hang() -> ! {
    loop {
        std::hint::spin_loop();
    }
}

fn take_memory(bytes: usize) -> Vec<Vec<u8>> {
    (0..bytes / PIECE).map(|_| Vec::with_capacity(PIECE)).collect()
}

#[allow(unconditional_recursion)]
fn overflow(depth: u64) {
    let frame = std::hint::black_box([depth; 64]);
    overflow(depth + 1);
    std::hint::black_box(frame);
}
