//! What the scanner process takes away from itself before it reads a file.

use std::io;

use crate::limits::{Limits, PARSE_STACK};

/// Address space that an allocator reserves per thread, used or not (glibc: one arena).
const ARENA: u64 = 64 * 1024 * 1024;

/// Bounds the memory of this process, forbids core files (they would hold sources), and on Linux
/// ties its life to its parent's and rules out that it ever gains privileges. Other systems do as
/// much of it as they can.
///
/// It must run before any other thread starts, because threads inherit it.
///
/// # Errors
///
/// When the operating system refuses.
pub(super) fn confine(limits: &Limits, threads: usize) -> io::Result<()> {
    let per_thread = PARSE_STACK as u64 + ARENA;
    let memory = limits.scanner_memory.saturating_add(per_thread.saturating_mul(threads as u64));
    bound_resources(memory)?;
    tie_to_parent()
}

#[cfg(unix)]
fn bound_resources(memory: u64) -> io::Result<()> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let bound = |resource: Resource, wanted: u64| {
        // Somebody may have set a lower limit around us; it stands.
        let allowed = getrlimit(resource).maximum.map_or(wanted, |maximum| maximum.min(wanted));
        setrlimit(resource, Rlimit { current: Some(allowed), maximum: Some(allowed) })
    };
    bound(Resource::Core, 0)?;
    #[cfg(not(target_os = "openbsd"))]
    bound(Resource::As, memory)?;
    #[cfg(target_os = "openbsd")]
    bound(Resource::Data, memory)?;
    Ok(())
}

#[cfg(not(unix))]
#[allow(clippy::unnecessary_wraps)]
fn bound_resources(_memory: u64) -> io::Result<()> {
    Ok(())
}

#[cfg(target_os = "linux")]
fn tie_to_parent() -> io::Result<()> {
    rustix::thread::set_no_new_privs(true)?;
    // A parent that is gone already needs no signal: its end of the pipes is closed, and the
    // first read or write says so.
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    Ok(())
}

#[cfg(not(target_os = "linux"))]
#[allow(clippy::unnecessary_wraps)]
fn tie_to_parent() -> io::Result<()> {
    Ok(())
}
