//! The parent's side: starts scanner processes until every file has an entry.
//!
//! A file is guilty only when a process that was given nothing else ended with it. So files that
//! fail together (out of memory, on a busy machine) and not alone keep their results.

use super::child::{self, End};
use super::{FileScan, Job, Plan, ScanError, WorkerProgram};

/// The reason in the ledger for a file that ends the process which analyses it.
pub const CRASHED: &str = "analysis crashed";

/// The reason in the ledger for a file that takes longer than its deadline.
pub const TIMED_OUT: &str = "analysis timed out";

/// The reason in the ledger for files that nobody looked at, because too many others failed.
pub const GAVE_UP: &str = "not analysed after too many crashes";

/// How many crashes a stall is worth in [`crate::limits::Limits::scanner_faults`].
pub const STALL_COST: u32 = 25;

/// How often a process may end without a reason that lies in a file before that is an error.
const IDLE_DEATHS: u32 = 3;

/// Analyses the jobs in child processes; see [`super::run`].
///
/// The time it takes is bounded: each process that ends early costs its start and at most as many
/// solo runs as there are threads, and [`crate::limits::Limits::scanner_faults`] bounds how often
/// that happens.
///
/// The child is started by the calling thread and, on Linux, ends with it. A child may close its
/// pipes at any time, so the calling program must leave `SIGPIPE` ignored, as Rust programs start.
///
/// What the child says is checked against accidents, not against malice: code that has taken over
/// the child can report whatever it likes.
///
/// # Errors
///
/// See [`ScanError`].
pub fn run(
    program: &WorkerProgram,
    plan: &Plan,
    jobs: &[Job],
    on_progress: &(dyn Fn(usize) + Sync),
) -> Result<Vec<FileScan>, ScanError> {
    let count = u32::try_from(jobs.len())
        .map_err(|_| ScanError::Worker("more files than can be counted".to_owned()))?;
    let results = Results { slots: vec![None; jobs.len()], count: 0, on_progress };
    let mut run = Run { program, plan, jobs, results, faults: 0, idle_deaths: 0 };
    let mut open: Vec<u32> = (0..count).collect();
    // Also where there is nothing to do: a rule that does not compile is an error all the same.
    loop {
        run.round(&open)?;
        open.retain(|number| run.results.is_open(*number));
        if open.is_empty() {
            return Ok(run.results.slots.into_iter().flatten().collect());
        }
        if run.faults >= plan.limits.scanner_faults {
            for number in open.drain(..) {
                run.leave_out(number, GAVE_UP, None);
            }
        }
    }
}

struct Run<'a> {
    program: &'a WorkerProgram,
    plan: &'a Plan,
    jobs: &'a [Job],
    results: Results<'a>,
    /// What files have cost so far, in crashes.
    faults: u32,
    /// Processes in a row that ended without having begun a file.
    idle_deaths: u32,
}

struct Results<'a> {
    slots: Vec<Option<FileScan>>,
    count: usize,
    on_progress: &'a (dyn Fn(usize) + Sync),
}

impl Results<'_> {
    fn is_open(&self, number: u32) -> bool {
        self.slots.get(number as usize).is_some_and(Option::is_none)
    }

    fn put(&mut self, number: u32, scan: FileScan) {
        if let Some(slot @ None) = self.slots.get_mut(number as usize) {
            *slot = Some(scan);
            self.count += 1;
            (self.on_progress)(self.count);
        }
    }
}

impl Run<'_> {
    /// One process with all threads for these files, then the suspects one by one.
    fn round(&mut self, open: &[u32]) -> Result<(), ScanError> {
        let threads = self.plan.threads.max(1);
        let suspects = match self.child(threads, open)? {
            End::Finished => return Ok(()),
            End::Died { in_flight, cause } if in_flight.is_empty() => {
                return self.idle_death(&cause);
            }
            End::Died { in_flight: suspects, .. } | End::Stalled { overdue: suspects } => suspects,
        };
        for suspect in suspects {
            if self.faults >= self.plan.limits.scanner_faults {
                break;
            }
            self.solo(suspect)?;
        }
        Ok(())
    }

    /// A process of its own for one file.
    fn solo(&mut self, number: u32) -> Result<(), ScanError> {
        while self.results.is_open(number) {
            match self.child(1, &[number])? {
                End::Died { in_flight, cause } if in_flight.is_empty() => {
                    self.idle_death(&cause)?
                }
                End::Died { cause, .. } => {
                    self.faults = self.faults.saturating_add(1);
                    self.leave_out(number, CRASHED, Some(cause));
                }
                // It may also have been done at the last moment.
                End::Stalled { overdue } if overdue.is_empty() => {}
                End::Stalled { .. } => {
                    self.faults = self.faults.saturating_add(STALL_COST);
                    self.leave_out(number, TIMED_OUT, None);
                }
                End::Finished => {}
            }
        }
        Ok(())
    }

    fn child(&mut self, threads: usize, numbers: &[u32]) -> Result<End, ScanError> {
        let before = self.results.count;
        let results = &mut self.results;
        let end = child::scan(
            self.program,
            self.plan,
            threads,
            self.jobs,
            numbers,
            &mut |number, scan| {
                results.put(number, scan);
            },
        )?;
        if self.results.count > before {
            self.idle_deaths = 0;
        }
        Ok(end)
    }

    fn idle_death(&mut self, cause: &str) -> Result<(), ScanError> {
        self.idle_deaths += 1;
        if self.idle_deaths < IDLE_DEATHS {
            return Ok(());
        }
        Err(ScanError::Worker(format!("it ended between files ({cause})")))
    }

    fn leave_out(&mut self, number: u32, reason: &str, detail: Option<String>) {
        if let Some(job) = self.jobs.get(number as usize) {
            self.results.put(number, FileScan::left_out(job, reason, detail, true));
        }
    }
}
