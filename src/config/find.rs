//! Where a configuration comes from: the nearest file upwards, or the one that was named.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::check::{self, ConfigError};

/// The name of the file of its own.
pub const FILE_NAME: &str = "readiness.toml";

/// Largest configuration file, in bytes.
pub const MAX_CONFIG_BYTES: u64 = 1024 * 1024;

/// The text of a configuration, and where in it the configuration stands.
pub(super) struct Found {
    /// The file, as messages name it.
    pub(super) file: PathBuf,
    /// What it says.
    pub(super) text: String,
    /// The path of tables that leads to the configuration; empty is the file as a whole.
    pub(super) table: &'static [&'static str],
}

/// The tables of a `pyproject.toml` that lead to the configuration.
const PYPROJECT: (&str, &[&str]) = ("pyproject.toml", &["tool", "readiness"]);

/// Looks upwards from a folder, or from the folder of a file.
pub(super) fn nearest_file(start: &Path) -> Result<Option<Found>, ConfigError> {
    let start = start
        .canonicalize()
        .map_err(|source| ConfigError::Read { file: start.to_owned(), source })?;
    for folder in start.ancestors().filter(|folder| folder.is_dir()) {
        let own = folder.join(FILE_NAME);
        if let Some(bytes) = read_if_there(&own)? {
            return Ok(Some(Found { text: utf8(&own, bytes)?, file: own, table: &[] }));
        }
        let (name, table) = PYPROJECT;
        let pyproject = folder.join(name);
        // Most projects of this kind are not ours to judge: one that cannot be about readiness
        // is not even parsed, and so may be as broken as it likes.
        let mentions = |bytes: &Vec<u8>| contains(bytes, b"readiness");
        if let Some(bytes) = read_if_there(&pyproject)?.filter(mentions) {
            let text = utf8(&pyproject, bytes)?;
            if check::has_table(&pyproject, &text, table)? {
                return Ok(Some(Found { text, file: pyproject, table }));
            }
        }
    }
    Ok(None)
}

/// Reads the file that was named.
pub(super) fn named(file: &Path) -> Result<Found, ConfigError> {
    // A name on the command line is the user's word: a pipe such as `<(…)` is welcome.
    let read = File::open(file).and_then(limited);
    let bytes = read.map_err(|source| ConfigError::Read { file: file.to_owned(), source })?;
    let text = utf8(file, bytes)?;
    let (name, table) = PYPROJECT;
    let table = if file.file_name().is_some_and(|found| found == name) { table } else { &[] };
    if !table.is_empty() && !check::has_table(file, &text, table)? {
        return Err(ConfigError::NoTable { file: file.to_owned() });
    }
    Ok(Found { file: file.to_owned(), text, table })
}

/// Reads a file that the search came by. It may be anything, since nobody named it: opening does
/// not wait for the other end of a pipe, and only a regular file is read.
fn read_if_there(file: &Path) -> Result<Option<Vec<u8>>, ConfigError> {
    let nonblocking = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    let opened = OpenOptions::new().read(true).custom_flags(nonblocking).open(file);
    let read = match opened {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => Err(error),
        Ok(opened) => opened.metadata().and_then(|metadata| {
            if metadata.is_file() {
                limited(opened)
            } else {
                Err(io::Error::other("not a regular file"))
            }
        }),
    };
    read.map(Some).map_err(|source| ConfigError::Read { file: file.to_owned(), source })
}

fn limited(file: File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(MAX_CONFIG_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_CONFIG_BYTES {
        return Err(io::Error::other("larger than 1 MiB"));
    }
    Ok(bytes)
}

fn utf8(file: &Path, bytes: Vec<u8>) -> Result<String, ConfigError> {
    let text = String::from_utf8(bytes).map_err(|_| ConfigError::Read {
        file: file.to_owned(),
        source: io::Error::other("not UTF-8"),
    })?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}
