//! What a scan is asked to do, by whom it is done, and how it can fail.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{FileScan, Job, in_process, supervisor};
use crate::limits::Limits;
use crate::rules::{Overrides, RuleSource};

/// Everything that the scanner needs to know besides the files. It holds plain values only, since
/// it travels to another process: rules are sent as text and compiled there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The audited root, in the bytes of the operating system; see [`Plan::new`].
    root: Vec<u8>,
    /// The rules, in the order in which they are compiled.
    pub rules: Vec<RuleSource>,
    /// The configuration's changes to rules.
    pub overrides: Overrides,
    /// The limits.
    pub limits: Limits,
    /// How many files are analysed at once; 0 counts as 1.
    pub threads: usize,
    /// Whether the files are wanted in which the program calls servers.
    pub calls: bool,
    /// Whether those in which tests do are wanted, too.
    pub tests: bool,
    /// Whether the time of each rule is measured.
    pub profile: bool,
}

impl Plan {
    /// A plan without rules.
    #[must_use]
    pub fn new(root: &Path, limits: Limits, threads: usize) -> Self {
        Self {
            root: root.as_os_str().as_encoded_bytes().to_vec(),
            rules: Vec::new(),
            overrides: Overrides::default(),
            limits,
            threads,
            calls: false,
            tests: false,
            profile: false,
        }
    }

    /// The plan for files of which only the modules are wanted.
    #[must_use]
    pub fn without_rules(&self) -> Self {
        Self {
            root: self.root.clone(),
            rules: Vec::new(),
            overrides: Overrides::default(),
            limits: self.limits.clone(),
            threads: self.threads,
            calls: self.calls,
            tests: self.tests,
            profile: self.profile,
        }
    }

    /// The audited root.
    #[must_use]
    pub fn root(&self) -> PathBuf {
        #[cfg(unix)]
        {
            use std::os::unix::ffi::OsStringExt;
            PathBuf::from(OsString::from_vec(self.root.clone()))
        }
        // Elsewhere the bytes are a superset of UTF-8 that only `unsafe` code may turn back.
        #[cfg(not(unix))]
        {
            PathBuf::from(OsString::from(String::from_utf8_lossy(&self.root).into_owned()))
        }
    }
}

/// What turns one file into a [`FileScan`].
pub trait Analyse: Sync {
    /// Analyses a file. It may panic, abort or loop: that is what the rest of this module is for.
    fn analyse(&self, job: &Job) -> FileScan;

    /// Whether the file is so large that it is analysed only while no other large one is. Called
    /// right before [`Analyse::analyse`], on the same thread.
    fn is_heavy(&self, job: &Job) -> bool {
        let _ = job;
        false
    }
}

/// Makes the analyser of a plan. The second argument is told the name of each rule before that
/// rule is compiled, so that a rule that never returns can be named.
pub type Build = fn(&Plan, &mut dyn FnMut(&str)) -> Result<Box<dyn Analyse>, Refusal>;

/// A rule that is not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Its name.
    pub rule: String,
    /// What is wrong with it.
    pub message: String,
}

/// Where files are analysed.
#[derive(Debug, Clone)]
pub enum Isolation {
    /// In a child process that may die.
    Child(WorkerProgram),
    /// In this process, which dies with a file that aborts: for tests, and for embedding where
    /// the sources are trusted.
    InProcess(Build),
}

/// The program of the child process: one whose `main` begins with [`super::worker::as_child`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerProgram {
    /// The executable.
    pub path: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
}

impl WorkerProgram {
    /// An executable that is called with [`super::worker::ARGUMENT`].
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), arguments: vec![super::worker::ARGUMENT.into()] }
    }

    /// This very executable.
    ///
    /// # Errors
    ///
    /// When the operating system does not tell where it is.
    pub fn this() -> io::Result<Self> {
        // The link still leads to the running program after an update has replaced its file.
        let link = Path::new("/proc/self/exe");
        if cfg!(target_os = "linux") && link.exists() {
            return Ok(Self::at(link));
        }
        Ok(Self::at(std::env::current_exe()?))
    }
}

/// Why there is no result at all. What goes wrong with a single file is in its
/// [`super::Status`].
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// A rule is refused, or takes longer than [`Limits::compile_deadline`], or ends the process
    /// that compiles it.
    #[error("rule `{rule}`: {message}")]
    Rule {
        /// Its name; empty when the process failed before the first rule.
        rule: String,
        /// What is wrong.
        message: String,
    },
    /// The child process cannot be started.
    #[error("cannot start the scanner: {0}")]
    Start(#[source] io::Error),
    /// The child process fails, and no file is the reason.
    #[error("the scanner failed: {0}")]
    Worker(String),
}

/// Analyses the jobs and returns what each yields, in the order of `jobs`: always one entry per
/// job. `on_progress` is called now and then with the number of files that are done.
///
/// # Errors
///
/// See [`ScanError`]. A file that crashes or stalls is no error but an entry.
pub fn run(
    isolation: &Isolation,
    plan: &Plan,
    jobs: &[Job],
    on_progress: &(dyn Fn(usize) + Sync),
) -> Result<Vec<FileScan>, ScanError> {
    match isolation {
        Isolation::Child(program) => supervisor::run(program, plan, jobs, on_progress),
        Isolation::InProcess(build) => in_process::run(*build, plan, jobs, on_progress),
    }
}
