//! The map step: one file at a time, in parallel, from bytes to findings and file facts. What a
//! file yields does not depend on any other file.
//!
//! Parsers abort, overflow their stack, loop and eat memory when a file is made for it, so the
//! process that parses is not the process that reports:
//!
//! ```text
//! supervisor ── Plan, Jobs, End ─────────────────────────► worker ── pool ── Analyse
//!            ◄─ Compiling, Ready, Begin, Done, Finished ──
//! ```
//!
//! - `supervisor` starts the child, reads its journal, and finds out which file ended it.
//! - `worker` is the child; `confine` takes away what it does not need.
//! - `child` is one such process, seen from its parent.
//! - `protocol` is what the two say to each other.
//! - `pool` maps the files over threads and catches panics, in the child as well as in
//!   `in_process`, which does without a child.
//! - `file` is what happens to one file, `lines` counts its lines.

mod child;
mod confine;
#[cfg(debug_assertions)]
pub mod faults;
pub mod file;
pub mod in_process;
pub mod lines;
mod plan;
mod pool;
mod protocol;
pub mod steps;
pub mod supervisor;
pub mod worker;

use serde::{Deserialize, Serialize};

use crate::finding::{Accepted, Finding};
use crate::inventory::Need;
use crate::module::Module;
use crate::module::uses::Uses;
use crate::profile::Profile;
use crate::rules::suppress::Suppression;
use crate::source::{Encoding, Language, Role};

pub use plan::{Analyse, Build, Isolation, Plan, Refusal, ScanError, WorkerProgram, run};

/// A file to look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Path relative to the root, encoded by [`crate::source::encode_path`].
    pub path: String,
    /// Its language.
    pub language: Language,
    /// Its role, from its path.
    pub role: Role,
    /// Whether the path alone settled the role; otherwise the content may change it.
    pub role_is_certain: bool,
    /// True asks only for the module, whatever literals the file holds: the linker needs it.
    pub facts_only: bool,
}

/// What one file yields.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FileScan {
    /// The file.
    pub path: String,
    /// Its language.
    pub language: Language,
    /// Its role, after a look at the content where the path did not tell.
    pub role: Role,
    /// How its bytes were read.
    pub encoding: Encoding,
    /// How it ended.
    pub status: Status,
    /// Whether it was parsed.
    pub parsed: bool,
    /// Its lines.
    pub lines: Lines,
    /// What the pattern rules and module checks found; suppressions are not yet applied.
    pub findings: Vec<Finding>,
    /// Legitimate uses that they met.
    pub accepted: Vec<Accepted>,
    /// Suppressions that its comments declare.
    pub suppressions: Vec<Suppression>,
    /// The part of the file that linking needs; `None` where nothing in it can matter there.
    pub facts: Option<Module>,
    /// What linking needs it for.
    pub need: Need,
    /// What it mentions that may be a route, when it is a test, a load script or a page; see
    /// [`crate::source::mentions`].
    pub mentions: Vec<String>,
    /// Web frameworks that it names, when it is a manifest, and that no reader reads.
    pub frameworks_not_read: Vec<String>,
    /// What it defines and calls, when it is production code and was parsed.
    pub uses: Uses,
    /// Where the time went, where the plan asks for it.
    pub spent: Profile,
}

impl FileScan {
    /// A file of which nothing is known but why.
    #[must_use]
    pub fn left_out(job: &Job, reason: &str, detail: Option<String>, failure: bool) -> Self {
        Self {
            path: job.path.clone(),
            language: job.language,
            role: job.role,
            encoding: Encoding::Utf8,
            status: Status::LeftOut { reason: reason.to_owned(), detail, failure },
            parsed: false,
            lines: Lines::default(),
            findings: Vec::new(),
            accepted: Vec::new(),
            suppressions: Vec::new(),
            facts: None,
            need: Need::default(),
            mentions: Vec::new(),
            frameworks_not_read: Vec::new(),
            uses: Uses::default(),
            spent: Profile::default(),
        }
    }
}

/// How a file ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// Read whole.
    Analysed,
    /// Read as far as it parses.
    Partly {
        /// A phrase of the ledger: `syntax error`.
        reason: String,
        /// Where or what: `line 12`.
        detail: Option<String>,
    },
    /// Not read.
    LeftOut {
        /// A phrase of the ledger: `larger than 1 MiB`.
        reason: String,
        /// More about this file.
        detail: Option<String>,
        /// It should have been read and could not be (exit status 3), as against a choice.
        failure: bool,
    },
}

/// Counts of physical lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Lines {
    /// Neither blank nor only comment.
    pub code: u32,
    /// Only comment.
    pub comment: u32,
    /// Blank.
    pub blank: u32,
}
