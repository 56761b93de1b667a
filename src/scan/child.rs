//! One scanner process, seen from its parent: started, listened to, watched, ended.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, BufReader, Read, Write};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender, TryRecvError};
use std::thread;
use std::time::{Duration, Instant};

use super::protocol::{self, FrameError, FromWorker, JOBS_PER_FRAME, ToWorker, VERSION};
use super::{FileScan, Job, Plan, ScanError, WorkerProgram};
use crate::limits::PARSE_STACK;

/// How often the deadlines are looked at.
const TICK: Duration = Duration::from_millis(50);

/// How far the clock of a deadline moves at most between two looks. When this process was not
/// scheduled, or the machine was stopped, neither was the child, and that time does not count.
const MAX_STEP: Duration = Duration::from_millis(250);

/// How long a child that has closed its output may take to end.
const GRACE: Duration = Duration::from_secs(2);

/// How many messages of the child may wait.
const QUEUE: usize = 4_096;

/// How much of the child's standard error is looked at, from its end, in bytes.
const STDERR_TAIL: usize = 4_096;

/// How a child ended.
#[derive(Debug)]
pub(super) enum End {
    /// It did all of its files.
    Finished,
    /// It died. These files were begun and not done, in the order in which they were begun.
    Died {
        /// The files.
        in_flight: Vec<u32>,
        /// What it died of: `SIGABRT`.
        cause: String,
    },
    /// It was killed, because these files took too long.
    Stalled {
        /// The files.
        overdue: Vec<u32>,
    },
}

/// Starts a child, gives it the plan and the files, and hands what it yields to `on_done`.
///
/// # Errors
///
/// When it cannot be started or the rules cannot be compiled.
pub(super) fn scan(
    program: &WorkerProgram,
    plan: &Plan,
    threads: usize,
    jobs: &[Job],
    numbers: &[u32],
    on_done: &mut dyn FnMut(u32, FileScan),
) -> Result<End, ScanError> {
    let mut child = Running(
        Command::new(&program.path)
            .args(&program.arguments)
            .env_clear()
            .env(ALLOCATOR.0, ALLOCATOR.1)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(ScanError::Start)?,
    );
    let (Some(stdin), Some(stdout), Some(stderr)) =
        (child.0.stdin.take(), child.0.stdout.take(), child.0.stderr.take())
    else {
        return Err(ScanError::Worker("it has no pipes".to_owned()));
    };
    let (sender, receiver) = mpsc::sync_channel(QUEUE);
    thread::scope(|scope| {
        // A failing write means that the child is gone, which the reader notices too.
        let writer = move || drop(tell(stdin, plan, threads, jobs, numbers));
        let reader = move || listen(stdout, &sender);
        let tail = move || last_words(stderr);
        // Results nest as deep as modules do, and are decoded recursively.
        let big = || thread::Builder::new().stack_size(PARSE_STACK);
        let small = thread::Builder::new;
        let started = small()
            .spawn_scoped(scope, writer)
            .and_then(|_| big().spawn_scoped(scope, reader))
            .and_then(|_| small().spawn_scoped(scope, tail));
        let tail = match started {
            Ok(tail) => tail,
            Err(error) => {
                child.kill();
                return Err(ScanError::Start(error));
            }
        };
        let mut watch = Watch::new(plan, jobs, numbers, on_done);
        let outcome = watch.follow(&receiver, &mut child);
        // From here on nothing is received, so nothing may wait to be sent.
        drop(receiver);
        let status = match outcome {
            Outcome::Closed => child.wait(),
            Outcome::Garbage => {
                child.kill();
                None
            }
        };
        let said = tail.join().unwrap_or_default();
        watch.conclude(&outcome, status, &said)
    })
}

/// Sends the plan and the files. The pipe is closed at the end.
fn tell(
    stdin: ChildStdin,
    plan: &Plan,
    threads: usize,
    jobs: &[Job],
    numbers: &[u32],
) -> io::Result<()> {
    let mut to = io::BufWriter::with_capacity(64 * 1024, stdin);
    protocol::send(&mut to, &ToWorker::Plan { plan: Cow::Borrowed(plan), threads })?;
    for chunk in numbers.chunks(JOBS_PER_FRAME) {
        let batch = chunk
            .iter()
            .filter_map(|number| Some((*number, Cow::Borrowed(jobs.get(*number as usize)?))))
            .collect();
        protocol::send(&mut to, &ToWorker::Jobs(batch))?;
    }
    protocol::send(&mut to, &ToWorker::End)?;
    to.flush()
}

/// Passes on what the child says until its output ends or stops making sense.
fn listen(stdout: ChildStdout, sender: &SyncSender<Result<FromWorker, FrameError>>) {
    let mut from = BufReader::with_capacity(256 * 1024, stdout);
    let mut buffer = Vec::new();
    while let Some(message) = protocol::receive(&mut from, &mut buffer).transpose() {
        let last = message.is_err();
        if sender.send(message).is_err() || last {
            return;
        }
    }
}

/// The end of what the child wrote to its standard error. It is only searched for known phrases
/// and never shown: it may quote a source.
fn last_words(mut stderr: ChildStderr) -> Vec<u8> {
    let mut tail = Vec::new();
    let mut buffer = [0; STDERR_TAIL];
    while let Ok(count @ 1..) = stderr.read(&mut buffer) {
        tail.extend_from_slice(buffer.get(..count).unwrap_or_default());
        let surplus = tail.len().saturating_sub(STDERR_TAIL);
        tail.drain(..surplus);
    }
    tail
}

/// What glibc's allocator is told; others do not read it. A tree and a module are allocated and
/// freed for each file: by default the memory goes back to the system every time, and comes back
/// page by page, cleared.
const ALLOCATOR: (&str, &str) = (
    "GLIBC_TUNABLES",
    "glibc.malloc.trim_threshold=67108864:glibc.malloc.mmap_threshold=4194304:glibc.malloc.top_pad=1048576",
);

/// A child process that does not outlive us.
struct Running(Child);

impl Running {
    /// Ends it. What it has written before can still be read.
    fn kill(&mut self) {
        // An error means that it has ended already.
        drop(self.0.kill());
    }

    /// Waits for its end, not for ever. `None` when it had to be killed.
    fn wait(&mut self) -> Option<ExitStatus> {
        let until = Instant::now() + GRACE;
        let mut pause = Duration::from_micros(50);
        while Instant::now() < until {
            match self.0.try_wait() {
                Ok(Some(status)) => return Some(status),
                Ok(None) => thread::sleep(pause),
                Err(_) => return None,
            }
            pause = (pause * 2).min(Duration::from_millis(10));
        }
        self.kill();
        None
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
        drop(self.0.wait());
    }
}

/// Why following the child ended.
enum Outcome {
    /// Its output ended.
    Closed,
    /// It said something that makes no sense.
    Garbage,
}

/// Time that the child could have used.
struct Clock {
    now: Duration,
    looked: Instant,
}

impl Clock {
    fn advance(&mut self) -> Duration {
        let looked = Instant::now();
        self.now += looked.duration_since(self.looked).min(MAX_STEP);
        self.looked = looked;
        self.now
    }
}

/// What is known about a running child.
struct Watch<'a> {
    plan: &'a Plan,
    jobs: &'a [Job],
    on_done: &'a mut dyn FnMut(u32, FileScan),
    clock: Clock,
    /// The files that it was given and has not done: since when they are begun, if they are.
    open: BTreeMap<u32, Option<Duration>>,
    /// The rule that it named last.
    compiling: Option<String>,
    ready: bool,
    finished: bool,
    refused: Option<(String, String)>,
    /// It was killed for taking too long: with these files, or with none while compiling.
    overdue: Option<Vec<u32>>,
}

impl<'a> Watch<'a> {
    fn new(
        plan: &'a Plan,
        jobs: &'a [Job],
        numbers: &[u32],
        on_done: &'a mut dyn FnMut(u32, FileScan),
    ) -> Self {
        Self {
            plan,
            jobs,
            on_done,
            clock: Clock { now: Duration::ZERO, looked: Instant::now() },
            open: numbers.iter().map(|number| (*number, None)).collect(),
            compiling: None,
            ready: false,
            finished: false,
            refused: None,
            overdue: None,
        }
    }

    fn follow(
        &mut self,
        messages: &Receiver<Result<FromWorker, FrameError>>,
        child: &mut Running,
    ) -> Outcome {
        loop {
            // Deadlines count only once everything said so far has been heard.
            let message = match messages.try_recv() {
                Ok(message) => message,
                Err(TryRecvError::Disconnected) => return Outcome::Closed,
                Err(TryRecvError::Empty) => {
                    self.look_at_deadlines(child);
                    match messages.recv_timeout(TICK) {
                        Ok(message) => message,
                        Err(RecvTimeoutError::Timeout) => continue,
                        Err(RecvTimeoutError::Disconnected) => return Outcome::Closed,
                    }
                }
            };
            let understood = match message {
                Ok(message) => self.hear(message),
                // A frame that is cut off is how a death looks.
                Err(FrameError::Io(_)) => return Outcome::Closed,
                Err(FrameError::Garbage) => false,
            };
            if !understood {
                return Outcome::Garbage;
            }
        }
    }

    /// Takes in a message; false when it makes no sense.
    fn hear(&mut self, message: FromWorker) -> bool {
        match message {
            FromWorker::Compiling(rule) if !self.ready => self.compiling = Some(rule),
            FromWorker::Refused { rule, message } if !self.ready => {
                self.refused = Some((rule, message));
            }
            FromWorker::Ready(version) if !self.ready && version == VERSION => self.ready = true,
            FromWorker::Begin(number) => {
                let now = self.clock.advance();
                let Some(since) = self.open.get_mut(&number) else { return false };
                *since = Some(now);
            }
            FromWorker::Park(number) => {
                let Some(since) = self.open.get_mut(&number) else { return false };
                *since = None;
            }
            FromWorker::Done(number, scan) => {
                let begun = self.open.get(&number).is_some_and(Option::is_some);
                let same = self.jobs.get(number as usize).is_some_and(|job| job.path == scan.path);
                if !begun || !same {
                    return false;
                }
                self.open.remove(&number);
                (self.on_done)(number, *scan);
            }
            FromWorker::Finished if self.ready && self.open.is_empty() => self.finished = true,
            _ => return false,
        }
        true
    }

    fn look_at_deadlines(&mut self, child: &mut Running) {
        let now = self.clock.advance();
        if self.overdue.is_some() || self.finished {
            return;
        }
        if !self.ready {
            if now > self.plan.limits.compile_deadline {
                self.overdue = Some(Vec::new());
                child.kill();
            }
            return;
        }
        let deadline = self.plan.limits.file_deadline;
        let older_than = |age: Duration| {
            let begun = self.open.iter();
            begun
                .filter(|(_, since)| since.is_some_and(|since| now - since > age))
                .map(|(number, _)| *number)
                .collect::<Vec<_>>()
        };
        if !older_than(deadline).is_empty() {
            // Files that stall together began at about the same time. Taking those along that
            // are on their way saves a deadline for each.
            self.overdue = Some(older_than(deadline / 2));
            child.kill();
        }
    }

    fn conclude(
        self,
        outcome: &Outcome,
        status: Option<ExitStatus>,
        said: &[u8],
    ) -> Result<End, ScanError> {
        if let Some((rule, message)) = self.refused {
            return Err(ScanError::Rule { rule, message });
        }
        if self.finished {
            return Ok(End::Finished);
        }
        let cause = match (outcome, status) {
            (Outcome::Garbage, _) => "wrote something that is no message".to_owned(),
            (Outcome::Closed, None) => "did not end".to_owned(),
            (Outcome::Closed, Some(status)) => cause_of_death(status, said),
        };
        if !self.ready {
            return Err(match (self.compiling, self.overdue) {
                (Some(rule), Some(_)) => ScanError::Rule {
                    rule,
                    message: format!(
                        "the rules take longer than {:?} to load",
                        self.plan.limits.compile_deadline
                    ),
                },
                (Some(rule), None) => {
                    ScanError::Rule { rule, message: format!("it ends the scanner ({cause})") }
                }
                (None, Some(_)) => ScanError::Worker("it does not answer".to_owned()),
                (None, None) => ScanError::Worker(format!("it ended before it began ({cause})")),
            });
        }
        // Some of them may have been done while the kill was on its way.
        let open = self.open;
        if let Some(mut overdue) = self.overdue {
            overdue.retain(|number| open.contains_key(number));
            return Ok(End::Stalled { overdue });
        }
        let mut begun: Vec<(Duration, u32)> =
            open.into_iter().filter_map(|(number, since)| Some((since?, number))).collect();
        begun.sort_unstable();
        Ok(End::Died { in_flight: begun.into_iter().map(|(_, number)| number).collect(), cause })
    }
}

/// What a process died of, in words of ours.
fn cause_of_death(status: ExitStatus, said: &[u8]) -> String {
    let says = |phrase: &str| said.windows(phrase.len()).any(|part| part == phrase.as_bytes());
    // Rust's allocator, tree-sitter's allocator.
    if says("memory allocation of ") || says("failed to allocate ") {
        return "out of memory".to_owned();
    }
    if says("has overflowed its stack") {
        return "stack overflow".to_owned();
    }
    if let Some(code) = status.code() {
        return format!("exit status {code}");
    }
    signal(status).unwrap_or_else(|| "unknown".to_owned())
}

#[cfg(unix)]
fn signal(status: ExitStatus) -> Option<String> {
    use std::os::unix::process::ExitStatusExt;

    use rustix::process::Signal;

    const NAMES: &[(Signal, &str)] = &[
        (Signal::ABORT, "SIGABRT"),
        (Signal::SEGV, "SIGSEGV"),
        (Signal::BUS, "SIGBUS"),
        (Signal::ILL, "SIGILL"),
        (Signal::FPE, "SIGFPE"),
        (Signal::TRAP, "SIGTRAP"),
        (Signal::SYS, "SIGSYS"),
        (Signal::KILL, "SIGKILL"),
        (Signal::TERM, "SIGTERM"),
        (Signal::INT, "SIGINT"),
    ];
    let number = status.signal()?;
    let name = NAMES.iter().find(|(signal, _)| signal.as_raw() == number);
    Some(name.map_or_else(|| format!("signal {number}"), |(_, name)| (*name).to_owned()))
}

#[cfg(not(unix))]
fn signal(_status: ExitStatus) -> Option<String> {
    None
}
