//! Files that are whole or not there: a reader never meets half a report.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Why a report could not be written.
#[derive(Debug, Error)]
pub enum OutputError {
    /// The target is a symbolic link; following it could overwrite a file that nobody named.
    #[error("{}: is a symbolic link, and reports are not written through links", .0.display())]
    Symlink(PathBuf),
    /// The target is a directory, a device or another thing that is no regular file.
    #[error("{}: is no regular file", .0.display())]
    NotAFile(PathBuf),
    /// The path names no file.
    #[error("{}: names no file", .0.display())]
    NoName(PathBuf),
    /// The system refused.
    #[error("{}: {action}: {source}", path.display())]
    Io {
        /// The report's path.
        path: PathBuf,
        /// What was being done: `cannot create a file beside it`.
        action: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

/// Writes a file through a temporary name in the same folder, flushed to the disk and then renamed,
/// so that the path holds the old content or the new one, and never a part of it.
///
/// # Errors
/// When the path is a link or no regular file, when its folder does not exist, or when the system
/// refuses to write. The temporary file is removed, and what the path held before stays.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), OutputError> {
    let failed = |action: &'static str| {
        move |source: io::Error| OutputError::Io { path: path.to_owned(), action, source }
    };
    let name = path.file_name().ok_or_else(|| OutputError::NoName(path.to_owned()))?;
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_symlink() => return Err(OutputError::Symlink(path.to_owned())),
        Ok(found) if !found.is_file() => return Err(OutputError::NotAFile(path.to_owned())),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed("cannot look at it")(error)),
    }
    let folder =
        path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut prefix = std::ffi::OsString::from(".");
    prefix.push(name);
    let mut builder = tempfile::Builder::new();
    builder.prefix(&prefix).suffix(".tmp");
    // The mode of a file that any other program would create: the umask takes its share.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(folder).map_err(failed("cannot create a file beside it"))?;
    file.write_all(bytes).map_err(failed("cannot write it"))?;
    file.flush().map_err(failed("cannot write it"))?;
    file.as_file().sync_all().map_err(failed("cannot flush it to the disk"))?;
    file.persist(path)
        .map_err(|error| failed("cannot rename the finished file to it")(error.error))?;
    // The rename itself lasts only once the folder is on the disk. Some file systems cannot flush a
    // folder; the report is whole there too.
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn writes_and_replaces_and_leaves_nothing_beside() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.md");
        write_atomically(&path, b"one").unwrap();
        write_atomically(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(names(folder.path()), ["report.md"]);
    }

    #[cfg(unix)]
    #[test]
    fn refuses_links_folders_and_missing_folders() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("target");
        fs::write(&target, "kept").unwrap();
        let link = folder.path().join("report.md");
        std::os::unix::fs::symlink(&target, &link).unwrap();
        assert!(matches!(write_atomically(&link, b"x"), Err(OutputError::Symlink(_))));
        assert_eq!(fs::read(&target).unwrap(), b"kept");
        assert!(matches!(write_atomically(folder.path(), b"x"), Err(OutputError::NotAFile(_))));
        let error =
            write_atomically(&folder.path().join("no/report.md"), b"x").unwrap_err().to_string();
        assert!(error.contains("no/report.md: cannot create a file beside it"), "{error}");
        assert_eq!(names(folder.path()), ["report.md", "target"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_report_can_be_read_by_others() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.md");
        write_atomically(&path, b"x").unwrap();
        let other = folder.path().join("other");
        File::create(&other).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&path), mode(&other));
    }
}
