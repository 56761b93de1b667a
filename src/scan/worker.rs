//! The child process: reads a plan and files from its standard input, writes a journal and results
//! to its standard output.

use std::fs::File;
use std::io::{self, Read, Write};
use std::process::ExitCode;
use std::sync::Mutex;

use super::confine::confine;
use super::pool::{self, Journal, last_panic};
use super::protocol::{self, FrameError, FromWorker, ToWorker, VERSION};
use super::{Build, FileScan, Job};

/// The argument that makes the program a scanner. It is not part of the command line that people
/// use, and may change.
pub const ARGUMENT: &str = "scan-worker";

/// The reason in the ledger for a file that yields more than a message can carry.
const TOO_MUCH: &str = "analysis result too large";

/// How much of finished results may wait for the next write, in bytes.
const PENDING: usize = 64 * 1024;

/// Does the work of a scanner when this process was started to be one. A program that uses
/// [`super::Isolation::Child`] calls it first thing in `main`, before any thread starts, and
/// returns what it returns.
#[must_use]
pub fn as_child(build: Build) -> Option<ExitCode> {
    let argument = std::env::args_os().nth(1)?;
    if argument == ARGUMENT {
        return Some(serve(build));
    }
    #[cfg(debug_assertions)]
    if argument == super::faults::ARGUMENT {
        return Some(serve(super::faults::build));
    }
    None
}

fn serve(build: Build) -> ExitCode {
    last_panic::remember();
    // Failures are for the supervisor to see: a broken pipe means that there is none, and anything
    // else it learns from the missing `Finished`.
    match converse(build) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn converse(build: Build) -> Result<(), FrameError> {
    let mut input = io::BufReader::new(io::stdin().lock());
    let mut buffer = Vec::new();
    let Some(ToWorker::Plan { plan, threads }) = protocol::receive(&mut input, &mut buffer)? else {
        return Err(FrameError::Garbage);
    };
    confine(&plan.limits, threads)?;

    let mut output = unbuffered_stdout()?;
    let mut broken = None;
    let built = build(&plan, &mut |rule| {
        let sent = protocol::send(&mut output, &FromWorker::Compiling(rule.to_owned()));
        if let Err(error) = sent {
            broken.get_or_insert(error);
        }
    });
    if let Some(error) = broken {
        return Err(error.into());
    }
    let analyser = match built {
        Ok(analyser) => analyser,
        Err(refusal) => {
            let frame = FromWorker::Refused { rule: refusal.rule, message: refusal.message };
            return Ok(protocol::send(&mut output, &frame)?);
        }
    };
    protocol::send(&mut output, &FromWorker::Ready(VERSION.to_owned()))?;

    let jobs = receive_jobs(&mut input, &mut buffer)?;
    let journal = Pipe(Mutex::new(Pending { output, frames: Vec::new() }));
    pool::map(&*analyser, &jobs, threads, &journal)?;
    Ok(journal.send_now(&FromWorker::Finished)?)
}

fn receive_jobs(
    input: &mut impl Read,
    buffer: &mut Vec<u8>,
) -> Result<Vec<(u32, Job)>, FrameError> {
    let mut jobs = Vec::new();
    loop {
        match protocol::receive(input, buffer)? {
            Some(ToWorker::Jobs(more)) => {
                jobs.extend(more.into_iter().map(|(index, job)| (index, job.into_owned())));
            }
            Some(ToWorker::End) => return Ok(jobs),
            Some(ToWorker::Plan { .. }) | None => return Err(FrameError::Garbage),
        }
    }
}

/// Standard output without the line buffer of [`io::stdout`].
fn unbuffered_stdout() -> io::Result<File> {
    #[cfg(unix)]
    {
        use std::os::fd::AsFd;
        Ok(File::from(io::stdout().as_fd().try_clone_to_owned()?))
    }
    #[cfg(windows)]
    {
        use std::os::windows::io::AsHandle;
        Ok(File::from(io::stdout().as_handle().try_clone_to_owned()?))
    }
}

/// The journal on the pipe. Results wait for the next `Begin` and leave with it, so that a file
/// costs one write.
struct Pipe(Mutex<Pending>);

struct Pending {
    output: File,
    frames: Vec<u8>,
}

impl Pending {
    fn flush(&mut self) -> io::Result<()> {
        self.output.write_all(&self.frames)?;
        self.frames.clear();
        Ok(())
    }
}

impl Pipe {
    fn send_now(&self, message: &FromWorker) -> io::Result<()> {
        let mut pending = pool::lock(&self.0);
        protocol::send(&mut pending.frames, message)?;
        pending.flush()
    }
}

impl Journal for Pipe {
    fn begin(&self, index: u32) -> io::Result<()> {
        self.send_now(&FromWorker::Begin(index))
    }

    fn park(&self, index: u32) -> io::Result<()> {
        self.send_now(&FromWorker::Park(index))
    }

    fn done(&self, index: u32, scan: FileScan) -> io::Result<()> {
        let message = FromWorker::Done(index, Box::new(scan));
        // Encoded outside the lock: this is the expensive part.
        let frame = protocol::encode(&message).or_else(|_| {
            let FromWorker::Done(_, scan) = message else { return Err(protocol::TooLarge) };
            let job = Job {
                path: scan.path,
                language: scan.language,
                role: scan.role,
                role_is_certain: true,
                facts_only: false,
            };
            let scan = FileScan::left_out(&job, TOO_MUCH, None, true);
            protocol::encode(&FromWorker::Done(index, Box::new(scan)))
        });
        let frame = frame.map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
        let mut pending = pool::lock(&self.0);
        pending.frames.extend_from_slice(&frame);
        if pending.frames.len() > PENDING { pending.flush() } else { Ok(()) }
    }

    fn idle(&self) -> io::Result<()> {
        pool::lock(&self.0).flush()
    }
}
