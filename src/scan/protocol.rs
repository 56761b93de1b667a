//! What supervisor and worker say to each other.
//!
//! A frame is four bytes of length, four bytes of checksum, both little-endian, and a message in
//! [postcard](https://postcard.jamesmunns.com/wire-format). The checksum keeps what a library
//! prints by accident, or memory gone wrong writes, from being taken for a message.

use std::borrow::Cow;
use std::io::{self, Read, Write};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{FileScan, Job, Plan};

/// The largest message, in bytes.
pub(super) const MAX_FRAME: usize = 64 * 1024 * 1024;

/// Length and checksum.
pub(super) const HEADER: usize = 8;

/// How many jobs go into one frame: a frame of some hundred kilobytes.
pub(super) const JOBS_PER_FRAME: usize = 2_000;

/// What the two must agree on. The wire format carries no names, so only equal builds understand
/// each other.
pub(super) const VERSION: &str = concat!("readiness ", env!("CARGO_PKG_VERSION"));

/// From the supervisor.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum ToWorker<'a> {
    /// The first frame.
    Plan {
        /// What to do.
        plan: Cow<'a, Plan>,
        /// Instead of [`Plan::threads`].
        threads: usize,
    },
    /// Files, each under a number of the supervisor's choice.
    Jobs(Vec<(u32, Cow<'a, Job>)>),
    /// There are no more.
    End,
}

/// From the worker.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum FromWorker {
    /// The named rule is about to be compiled.
    Compiling(String),
    /// A rule is not accepted; nothing follows.
    Refused {
        /// Its name.
        rule: String,
        /// What is wrong.
        message: String,
    },
    /// The rules are compiled. Holds [`VERSION`].
    Ready(String),
    /// The file is about to be analysed.
    Begin(u32),
    /// The file was begun, and is now put aside: [`FromWorker::Begin`] will follow again.
    Park(u32),
    /// What the file yields.
    Done(u32, Box<FileScan>),
    /// All files are done.
    Finished,
}

/// Why a frame cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum FrameError {
    /// The stream fails, or ends inside a frame.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// These bytes are no frame.
    #[error("the stream holds something that is no message")]
    Garbage,
}

/// Why a message cannot be made into a frame.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooLarge;

/// The frame of a message.
///
/// # Errors
///
/// [`TooLarge`] when it would exceed [`MAX_FRAME`].
pub(super) fn encode<T: Serialize>(message: &T) -> Result<Vec<u8>, TooLarge> {
    let mut frame = postcard::to_extend(message, vec![0_u8; HEADER]).map_err(|_| TooLarge)?;
    let length = frame.len() - HEADER;
    let short = u32::try_from(length).map_err(|_| TooLarge)?;
    if length > MAX_FRAME {
        return Err(TooLarge);
    }
    let check = checksum(&frame[HEADER..]);
    frame[..4].copy_from_slice(&short.to_le_bytes());
    frame[4..HEADER].copy_from_slice(&check);
    Ok(frame)
}

/// Encodes and writes a message. The writer is not flushed.
pub(super) fn send<T: Serialize>(to: &mut impl Write, message: &T) -> io::Result<()> {
    let frame = encode(message)
        .map_err(|TooLarge| io::Error::new(io::ErrorKind::InvalidData, "message too large"))?;
    to.write_all(&frame)
}

/// Reads the next message; `None` at the end of the stream.
pub(super) fn receive<T: DeserializeOwned>(
    from: &mut impl Read,
    buffer: &mut Vec<u8>,
) -> Result<Option<T>, FrameError> {
    let mut header = [0_u8; HEADER];
    if !fill(from, &mut header)? {
        return Ok(None);
    }
    let [a, b, c, d, check @ ..] = header;
    let length = u32::from_le_bytes([a, b, c, d]) as usize;
    if length > MAX_FRAME {
        return Err(FrameError::Garbage);
    }
    // The buffer grows with what arrives, not with what the header promises.
    buffer.clear();
    from.take(length as u64).read_to_end(buffer)?;
    if buffer.len() != length {
        return Err(FrameError::Io(io::ErrorKind::UnexpectedEof.into()));
    }
    if checksum(buffer) != check {
        return Err(FrameError::Garbage);
    }
    match postcard::take_from_bytes(buffer) {
        Ok((message, [])) => Ok(Some(message)),
        _ => Err(FrameError::Garbage),
    }
}

fn checksum(bytes: &[u8]) -> [u8; 4] {
    let [a, b, c, d, ..] = *blake3::hash(bytes).as_bytes();
    [a, b, c, d]
}

/// Fills the slice; false when the stream ends before its first byte.
fn fill(from: &mut impl Read, slice: &mut [u8]) -> io::Result<bool> {
    let mut filled = 0;
    while filled < slice.len() {
        match from.read(&mut slice[filled..]) {
            Ok(0) if filled == 0 => return Ok(false),
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<Option<FromWorker>, FrameError> {
        receive(&mut &bytes[..], &mut Vec::new())
    }

    #[test]
    fn messages_survive_the_wire() {
        let mut stream = Vec::new();
        send(&mut stream, &FromWorker::Ready(VERSION.to_owned())).unwrap();
        send(&mut stream, &FromWorker::Begin(300_000)).unwrap();
        let (mut from, mut buffer) = (&stream[..], Vec::new());
        let mut next = || receive::<FromWorker>(&mut from, &mut buffer).unwrap();
        assert_eq!(next(), Some(FromWorker::Ready(VERSION.to_owned())));
        assert_eq!(next(), Some(FromWorker::Begin(300_000)));
        assert_eq!(next(), None);
    }

    #[test]
    fn a_stray_print_is_garbage() {
        let text = b"tree-sitter: something went wrong\n";
        assert!(matches!(read(text), Err(FrameError::Garbage)));
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let frame = encode(&FromWorker::Refused { rule: "r".into(), message: "m".into() }).unwrap();
        for at in 0..frame.len() * 8 {
            let mut broken = frame.clone();
            broken[at / 8] ^= 1 << (at % 8);
            assert!(read(&broken).is_err(), "bit {at}");
        }
    }

    #[test]
    fn a_stream_that_ends_inside_a_frame_is_an_error() {
        let frame = encode(&FromWorker::Begin(7)).unwrap();
        for end in 1..frame.len() {
            assert!(matches!(read(&frame[..end]), Err(FrameError::Io(_))), "cut at {end}");
        }
    }

    #[test]
    fn what_is_too_large_is_not_sent() {
        let message = FromWorker::Compiling("x".repeat(MAX_FRAME));
        assert_eq!(encode(&message), Err(TooLarge));
    }
}
