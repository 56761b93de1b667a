//! Files over threads: one queue, one lane for large files, and a net for panics.

use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread;

use super::{Analyse, FileScan, Job};
use crate::limits::PARSE_STACK;

/// The reason in the ledger for a file whose analysis panicked.
pub(super) const PANICKED: &str = "analysis panicked";

/// Who is told what happens to each file. A failing journal ends the work: nobody listens.
pub(super) trait Journal: Sync {
    /// The file is about to be looked at. On return the message must have left this process.
    fn begin(&self, index: u32) -> io::Result<()>;
    /// The file was begun and is put aside; another `begin` will follow.
    fn park(&self, index: u32) -> io::Result<()>;
    /// What the file yields.
    fn done(&self, index: u32, scan: FileScan) -> io::Result<()>;
    /// A thread has no more work, so nothing it has said may wait any longer.
    fn idle(&self) -> io::Result<()>;
}

/// Locks, whoever may have panicked before: the data behind our locks is never half-changed.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Analyses all jobs on up to `threads` threads with stacks of [`PARSE_STACK`].
///
/// # Errors
///
/// When no thread can be started, or the journal fails.
pub(super) fn map(
    analyser: &dyn Analyse,
    jobs: &[(u32, Job)],
    threads: usize,
    journal: &dyn Journal,
) -> io::Result<()> {
    let pool = Pool {
        analyser,
        jobs,
        journal,
        next: AtomicUsize::new(0),
        heavy: Mutex::new(VecDeque::new()),
        lane: Mutex::new(()),
    };
    thread::scope(|scope| {
        let mut workers = Vec::new();
        for _ in 0..threads.clamp(1, jobs.len().max(1)) {
            let spawned = thread::Builder::new()
                .name("scan".to_owned())
                .stack_size(PARSE_STACK)
                .spawn_scoped(scope, || pool.work());
            match spawned {
                Ok(worker) => workers.push(worker),
                // Fewer threads do the same work.
                Err(_) if !workers.is_empty() => break,
                Err(error) => return Err(error),
            }
        }
        for worker in workers {
            worker.join().map_err(|_| io::Error::other("a scanner thread panicked"))??;
        }
        Ok(())
    })
}

struct Pool<'a> {
    analyser: &'a dyn Analyse,
    jobs: &'a [(u32, Job)],
    journal: &'a dyn Journal,
    /// The next job of the queue.
    next: AtomicUsize,
    /// Large files that wait, as places in `jobs`.
    heavy: Mutex<VecDeque<usize>>,
    /// Held while a large file is analysed. Nobody waits for it: a thread that meets a large file
    /// while another is busy with one leaves it there and goes on with small ones.
    lane: Mutex<()>,
}

impl Pool<'_> {
    fn work(&self) -> io::Result<()> {
        loop {
            let at = self.next.fetch_add(1, Ordering::Relaxed);
            let Some((index, job)) = self.jobs.get(at) else { break };
            self.journal.begin(*index)?;
            if self.analyser.is_heavy(job) {
                self.journal.park(*index)?;
                lock(&self.heavy).push_back(at);
                self.drain()?;
            } else {
                self.journal.done(*index, guarded(self.analyser, job))?;
            }
        }
        self.journal.idle()
    }

    /// Works off the large files, unless another thread does.
    fn drain(&self) -> io::Result<()> {
        // The outer loop is for the file that is queued after the holder of the lane saw the
        // queue empty and before it leaves the lane.
        while !lock(&self.heavy).is_empty() {
            let _lane = match self.lane.try_lock() {
                Ok(lane) => lane,
                Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
                Err(TryLockError::WouldBlock) => return Ok(()),
            };
            loop {
                let Some(at) = lock(&self.heavy).pop_front() else { break };
                let Some((index, job)) = self.jobs.get(at) else { break };
                self.journal.begin(*index)?;
                self.journal.done(*index, guarded(self.analyser, job))?;
            }
        }
        Ok(())
    }
}

/// Analyses a file; a panic becomes an entry.
fn guarded(analyser: &dyn Analyse, job: &Job) -> FileScan {
    last_panic::clear();
    // Nothing that a panic leaves half-done is looked at again: the scan is replaced as a whole,
    // and the analyser's shared parts are read-only.
    catch_unwind(AssertUnwindSafe(|| analyser.analyse(job))).unwrap_or_else(|payload| {
        // Only a literal message is repeated. A formatted one may quote the source, and the
        // source may hold a secret.
        let message = payload.downcast_ref::<&'static str>().copied();
        let detail = match (message, last_panic::place()) {
            (Some(message), Some(place)) => Some(format!("{message} ({place})")),
            (Some(message), None) => Some(message.to_owned()),
            (None, place) => place,
        };
        FileScan::left_out(job, PANICKED, detail, true)
    })
}

/// Where the last panic of this thread happened.
pub(super) mod last_panic {
    use std::cell::RefCell;

    thread_local! {
        static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
    }

    /// Replaces the process's panic hook, which prints, by one that remembers.
    pub(in crate::scan) fn remember() {
        std::panic::set_hook(Box::new(|info| {
            let place = info.location().map(|at| format!("{}:{}", portable(at.file()), at.line()));
            PLACE.with(|cell| *cell.borrow_mut() = place);
        }));
    }

    pub(super) fn clear() {
        PLACE.with(|cell| *cell.borrow_mut() = None);
    }

    pub(super) fn place() -> Option<String> {
        PLACE.with(|cell| cell.borrow_mut().take())
    }

    /// A source path without the part that belongs to the machine that built us:
    /// `…/registry/src/index-123/syn-3.0.9/src/expr.rs` becomes `syn-3.0.9/src/expr.rs`.
    fn portable(file: &str) -> String {
        let parts: Vec<&str> = file.split(['/', '\\']).collect();
        let after = |name: &str, skip: usize| {
            let at = parts.iter().rposition(|part| *part == name)?;
            parts.get(at + skip..).filter(|rest| !rest.is_empty())
        };
        let absolute = file.starts_with('/') || file.contains(':');
        let kept = if !absolute {
            &parts[..]
        } else if file.contains("/registry/src/") || file.contains("\\registry\\src\\") {
            after("registry", 3).unwrap_or(&[])
        } else {
            after("library", 0).or_else(|| after("src", 0)).unwrap_or(&parts[parts.len() - 1..])
        };
        kept.join("/")
    }

    #[cfg(test)]
    mod tests {
        use super::portable;

        #[test]
        fn places_do_not_tell_about_the_machine() {
            let cases = [
                ("src/module/rust.rs", "src/module/rust.rs"),
                (
                    "/home/me/.cargo/registry/src/idx-1f/syn-3.0.9/src/expr.rs",
                    "syn-3.0.9/src/expr.rs",
                ),
                ("/rustc/0123abcd/library/core/src/str/mod.rs", "library/core/src/str/mod.rs"),
                ("/home/me/readiness/src/scan/pool.rs", "src/scan/pool.rs"),
                ("C:\\build\\registry\\src\\idx\\a-1.0.0\\b.rs", "a-1.0.0/b.rs"),
                ("/somewhere/odd.rs", "odd.rs"),
            ];
            for (file, expected) in cases {
                assert_eq!(portable(file), expected);
            }
        }
    }
}
