//! The only way that files of an audited repository are opened: a named pipe would block for ever,
//! a link to `/dev/zero` would fill the memory, a memory map of a file that shrinks would kill the
//! process (HOSTILE.md 2i).

use std::fs::{File, FileType, Metadata, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Component, Path};

use rustix::fs::OFlags;
use thiserror::Error;

use super::decode_path;

/// Why a file was not read. The text is a phrase of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ReadError {
    /// A link, pipe, socket, device or folder.
    #[error("not a regular file ({0})")]
    NotRegular(&'static str),
    /// Larger than the limit, in bytes.
    #[error("larger than {}", size(*.0))]
    TooLarge(u64),
    /// The system refused.
    #[error("permission denied")]
    PermissionDenied,
    /// Nothing there.
    #[error("no longer there")]
    NotFound,
    /// Replaced, cut or extended between the looks at it.
    #[error("changed while it was read")]
    Changed,
    /// The path is absolute or leads out of the root.
    #[error("outside of the audited folder")]
    Outside,
    /// Any other failure of the system.
    #[error("could not be read")]
    Io(io::ErrorKind),
}

impl ReadError {
    /// Whether this means that something which should have been read could not be. What is no
    /// regular file, or too large, is left out by choice; a caller that needs the whole of a large
    /// file may judge otherwise.
    #[must_use]
    pub fn is_failure(&self) -> bool {
        !matches!(self, Self::NotRegular(_) | Self::TooLarge(_))
    }

    /// The system's own word, where there is one, for [`crate::audit::LedgerEntry::detail`].
    #[must_use]
    pub fn detail(&self) -> Option<String> {
        match self {
            Self::Io(kind) => Some(kind.to_string()),
            _ => None,
        }
    }
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Self::NotFound,
            io::ErrorKind::PermissionDenied => Self::PermissionDenied,
            kind => Self::Io(kind),
        }
    }
}

/// Reads a regular file whole. `path` is encoded ([`super::encode_path`]) and relative to `root`.
///
/// # Errors
/// When it is not a regular file, has more than `limit` bytes, changes meanwhile, or the system
/// refuses.
pub fn read(root: &Path, path: &str, limit: u64) -> Result<Vec<u8>, ReadError> {
    let (file, metadata) = open(root, path)?;
    let length = metadata.len();
    if length > limit {
        return Err(ReadError::TooLarge(limit));
    }
    // One byte more than announced shows that the file grew.
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0).saturating_add(1));
    file.take(length.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 == length { Ok(bytes) } else { Err(ReadError::Changed) }
}

/// Reads at most `most` bytes from the beginning of a regular file of any size.
///
/// # Errors
/// As [`read`], but for the size.
pub fn head(root: &Path, path: &str, most: u64) -> Result<Vec<u8>, ReadError> {
    let (file, _) = open(root, path)?;
    let mut bytes = Vec::new();
    file.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn open(root: &Path, path: &str) -> Result<(File, Metadata), ReadError> {
    let relative = decode_path(path);
    let relative = Path::new(&relative);
    if !relative.components().all(|part| matches!(part, Component::Normal(_))) {
        return Err(ReadError::Outside);
    }
    let full = root.join(relative);
    let before = std::fs::symlink_metadata(&full)?;
    if !before.is_file() {
        return Err(ReadError::NotRegular(kind_of(before.file_type())));
    }
    // The flags matter where the file is replaced between the look and the opening: a link is not
    // followed, a pipe does not block, a terminal does not become ours.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(&full)
        .map_err(|error| match error.raw_os_error() {
        Some(code) if code == rustix::io::Errno::LOOP.raw_os_error() => ReadError::Changed,
        _ => error.into(),
    })?;
    let after = file.metadata()?;
    let same = (before.dev(), before.ino()) == (after.dev(), after.ino());
    if same && after.is_file() { Ok((file, after)) } else { Err(ReadError::Changed) }
}

/// What something is that is no regular file.
#[must_use]
pub fn kind_of(kind: FileType) -> &'static str {
    if kind.is_symlink() {
        "symbolic link"
    } else if kind.is_dir() {
        "folder"
    } else if kind.is_fifo() {
        "FIFO"
    } else if kind.is_socket() {
        "socket"
    } else if kind.is_char_device() {
        "character device"
    } else if kind.is_block_device() {
        "block device"
    } else {
        "unknown kind"
    }
}

/// A limit in the unit that it was most likely given in.
pub(crate) fn size(bytes: u64) -> String {
    const KIB: u64 = 1024;
    const MIB: u64 = 1024 * KIB;
    match bytes {
        _ if bytes >= MIB && bytes.is_multiple_of(MIB) => format!("{} MiB", bytes / MIB),
        _ if bytes >= KIB && bytes.is_multiple_of(KIB) => format!("{} KiB", bytes / KIB),
        _ => format!("{bytes} bytes"),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;

    use rustix::fs::{CWD, FileType, Mode};

    use super::*;

    fn phrase(root: &Path, path: &str, limit: u64) -> String {
        read(root, path, limit).unwrap_err().to_string()
    }

    #[test]
    fn regular_files_are_read_up_to_the_limit() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        std::fs::write(root.join("a.py"), "12345").unwrap();
        std::fs::write(root.join("empty"), "").unwrap();
        assert_eq!(read(root, "a.py", 5).unwrap(), b"12345");
        assert_eq!(read(root, "empty", 0).unwrap(), b"");
        assert_eq!(head(root, "a.py", 2).unwrap(), b"12");
        assert_eq!(phrase(root, "a.py", 4), "larger than 4 bytes");
        assert_eq!(phrase(root, "b.py", 4), "no longer there");
        assert_eq!(ReadError::TooLarge(16 * 1024 * 1024).to_string(), "larger than 16 MiB");
    }

    #[test]
    fn nothing_else_is_opened() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        rustix::fs::mknodat(CWD, root.join("pipe.py"), FileType::Fifo, Mode::RUSR, 0).unwrap();
        let _socket = UnixListener::bind(root.join("socket.py")).unwrap();
        symlink("/dev/zero", root.join("zero.py")).unwrap();
        symlink("loop.py", root.join("loop.py")).unwrap();
        std::fs::create_dir(root.join("folder.py")).unwrap();
        for (path, expected) in [
            ("pipe.py", "not a regular file (FIFO)"),
            ("socket.py", "not a regular file (socket)"),
            ("zero.py", "not a regular file (symbolic link)"),
            ("loop.py", "not a regular file (symbolic link)"),
            ("folder.py", "not a regular file (folder)"),
            ("../x", "outside of the audited folder"),
            ("/etc/passwd", "outside of the audited folder"),
            ("a/%2E%2E/x", "outside of the audited folder"),
        ] {
            assert_eq!(phrase(root, path, 100), expected, "{path}");
        }
    }

    #[test]
    fn sparse_giants_cost_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = File::create(folder.path().join("huge.py")).unwrap();
        file.set_len(50_000_000_000).unwrap();
        assert_eq!(phrase(folder.path(), "huge.py", 1024), "larger than 1 KiB");
        assert_eq!(head(folder.path(), "huge.py", 3).unwrap(), [0, 0, 0]);
    }
}
