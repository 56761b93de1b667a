//! Limits against hostile input. The figures come from measurements (HOSTILE.md, section 4); each
//! overrun is a ledger entry, never silence.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The limits of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Largest file that is parsed, in bytes; larger ones are left out.
    pub parse_bytes: u64,
    /// Largest file whose lines are read, in bytes.
    pub read_bytes: u64,
    /// How long one file may take before it is given up.
    pub file_deadline: Duration,
    /// How long the parser may take for one file.
    pub parse_deadline: Duration,
    /// Deepest nesting of brackets in a file that is parsed.
    pub bracket_depth: u32,
    /// Most indentation levels of a Python file; the interpreter itself refuses more than 100.
    pub indent_levels: u32,
    /// Deepest group of a Rust file, see [`crate::module::rust`].
    pub rust_group_depth: u32,
    /// Longest chain of tokens of a Rust file without a separator, see [`crate::module::rust`].
    pub rust_path_length: u32,
    /// Longest piece of a line that a regular expression sees at once, in bytes.
    pub line_window: usize,
    /// Most entries of a walk.
    pub walk_entries: u64,
    /// Address space of the scanner process, in bytes.
    pub scanner_memory: u64,
    /// How long a rule set may take to load in the scanner.
    pub compile_deadline: Duration,
    /// How many files may end the scanner before what is left is left out. A file that has to be
    /// stopped counts as [`crate::scan::supervisor::STALL_COST`] of them, since it costs a
    /// deadline and not some milliseconds.
    pub scanner_faults: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            parse_bytes: 1024 * 1024,
            read_bytes: 16 * 1024 * 1024,
            file_deadline: Duration::from_secs(10),
            parse_deadline: Duration::from_secs(5),
            bracket_depth: 1_000,
            indent_levels: 100,
            rust_group_depth: 256,
            rust_path_length: 8_192,
            line_window: 16 * 1024,
            walk_entries: 2_000_000,
            scanner_memory: 4 * 1024 * 1024 * 1024,
            compile_deadline: Duration::from_secs(5),
            scanner_faults: 500,
        }
    }
}

/// Stack of a thread that parses: syn needs 67 MB at [`Limits::rust_path_length`] (HOSTILE.md 2a).
/// Pages are touched only when used.
pub const PARSE_STACK: usize = 128 * 1024 * 1024;
