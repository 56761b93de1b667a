//! The map step without a child process. A file that aborts takes this process with it, and one
//! that loops is waited for.

use std::io;
use std::sync::Mutex;

use super::pool::{self, Journal};
use super::{Build, FileScan, Job, Plan, ScanError};

/// Analyses the jobs here; see [`super::run`].
///
/// # Errors
///
/// [`ScanError::Rule`] for a rule that is refused, [`ScanError::Worker`] when no thread can be
/// started.
pub fn run(
    build: Build,
    plan: &Plan,
    jobs: &[Job],
    on_progress: &(dyn Fn(usize) + Sync),
) -> Result<Vec<FileScan>, ScanError> {
    let analyser = build(plan, &mut |_| {})
        .map_err(|refusal| ScanError::Rule { rule: refusal.rule, message: refusal.message })?;
    let numbered = number(jobs)?;
    let results = Results { slots: Mutex::new((vec![None; jobs.len()], 0)), on_progress };
    pool::map(&*analyser, &numbered, plan.threads, &results)
        .map_err(|error| ScanError::Worker(error.to_string()))?;
    let (slots, _) = results.slots.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
    let scans: Vec<FileScan> = slots.into_iter().flatten().collect();
    if scans.len() == jobs.len() {
        Ok(scans)
    } else {
        Err(ScanError::Worker("some files have no result".to_owned()))
    }
}

fn number(jobs: &[Job]) -> Result<Vec<(u32, Job)>, ScanError> {
    if u32::try_from(jobs.len()).is_err() {
        return Err(ScanError::Worker("more files than can be counted".to_owned()));
    }
    Ok((0..).zip(jobs.iter().cloned()).collect())
}

struct Results<'a> {
    /// What each file yields, and how many have.
    slots: Mutex<(Vec<Option<FileScan>>, usize)>,
    on_progress: &'a (dyn Fn(usize) + Sync),
}

impl Journal for Results<'_> {
    fn begin(&self, _index: u32) -> io::Result<()> {
        Ok(())
    }

    fn park(&self, _index: u32) -> io::Result<()> {
        Ok(())
    }

    fn done(&self, index: u32, scan: FileScan) -> io::Result<()> {
        let count = {
            let mut guard = pool::lock(&self.slots);
            let (slots, count) = &mut *guard;
            if let Some(slot) = slots.get_mut(index as usize) {
                *slot = Some(scan);
            }
            *count += 1;
            *count
        };
        (self.on_progress)(count);
        Ok(())
    }

    fn idle(&self) -> io::Result<()> {
        Ok(())
    }
}
