//! What git knows about the audited folder: the commit that is checked out and the files that are
//! tracked.
//!
//! The repository is opened without the user's, the system's and the environment's settings, and
//! no program is run. It is hostile input too: a named pipe in place of `.git/HEAD` would block
//! for ever, so the work is done on a thread of its own, which also contains a panic.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use crate::audit::{Commit, LedgerEntry, Outcome};
use crate::source::encode_path;

/// How long git's files may take to be read. An index of a million files takes about a second.
const DEADLINE: Duration = Duration::from_secs(20);

/// Largest object that git's object store may make us allocate, in bytes. A commit has a few
/// hundred; a forged header may claim anything.
const ALLOCATION: &str = "gitoxide.objects.allocLimit=268435456";

/// What git knows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Repository {
    /// The commit that is checked out; `None` before the first one.
    pub head: Option<Commit>,
    /// The files in the index, relative to the audited folder, encoded by
    /// [`crate::source::encode_path`]. Files outside of that folder and submodules are not in it.
    pub tracked: BTreeSet<String>,
    /// What could not be read. These entries are no walked files; [`LedgerEntry::failure`] is set,
    /// because without the index a tracked file may be taken for an ignored one.
    pub notes: Vec<LedgerEntry>,
}

/// Opens the repository whose work tree `root` is or lies in; `None` where there is none. What is
/// damaged becomes a note and never an error.
#[must_use]
pub fn open(root: &Path) -> Option<Repository> {
    open_within(root, DEADLINE)
}

fn open_within(root: &Path, deadline: Duration) -> Option<Repository> {
    let root = root.canonicalize().ok()?;
    let (top, git) = root
        .ancestors()
        .map(|folder| (folder.to_owned(), folder.join(".git")))
        .find(|(_, git)| git.symlink_metadata().is_ok())?;
    let prefix = root.strip_prefix(&top).ok()?.to_owned();
    let (send, receive) = mpsc::channel();
    // Not joined: after the deadline the thread may hang in the system, and must not hold us up.
    let spawned = std::thread::Builder::new().name("git".to_owned()).spawn(move || {
        let read = std::panic::catch_unwind(|| read(&git, &prefix));
        // The receiver is gone after the deadline, and then nobody waits for the answer.
        let _ = send.send(read);
    });
    let failed = |reason: &str, detail: Option<String>| {
        Some(Repository { notes: vec![note(reason, detail)], ..Repository::default() })
    };
    if spawned.is_err() {
        return failed("git repository could not be read", None);
    }
    match receive.recv_timeout(deadline) {
        Ok(Ok(repository)) => Some(repository),
        Ok(Err(_panic)) => {
            failed("git repository could not be read", Some("its reader failed".to_owned()))
        }
        Err(_) => failed(
            "git repository could not be read",
            Some(format!("no answer within {} seconds", deadline.as_secs())),
        ),
    }
}

fn note(reason: &str, detail: Option<String>) -> LedgerEntry {
    LedgerEntry {
        path: ".git".to_owned(),
        outcome: Outcome::NotEntered,
        reason: reason.to_owned(),
        detail,
        failure: true,
    }
}

fn read(git: &Path, prefix: &Path) -> Repository {
    let mut found = Repository::default();
    if !looks_sane(git) {
        found
            .notes
            .push(note("git repository could not be read", Some("unusual files in it".to_owned())));
        return found;
    }
    let options = gix::open::Options::isolated()
        .open_path_as_is(true)
        .config_overrides([ALLOCATION, "index.threads=1"]);
    let repository = match gix::ThreadSafeRepository::open_opts(git, options) {
        Ok(repository) => repository.to_thread_local(),
        Err(_) => {
            // The error's text names absolute paths, which differ between machines.
            found.notes.push(note("git repository could not be read", None));
            return found;
        }
    };
    match head(&repository) {
        Ok(head) => found.head = head,
        Err(reason) => found.notes.push(note(reason, None)),
    }
    match tracked(&repository, prefix) {
        Ok(tracked) => found.tracked = tracked,
        Err(reason) => found.notes.push(note(reason, None)),
    }
    found
}

/// Whether the files that are read first are regular and of a bearable size. It spares the wait
/// for the deadline in the plain cases of a pipe or device, and keeps a sparse giant out of memory.
fn looks_sane(git: &Path) -> bool {
    const MIB: u64 = 1024 * 1024;
    let files = [
        ("", MIB),
        ("HEAD", MIB),
        ("config", MIB),
        ("commondir", MIB),
        ("packed-refs", 256 * MIB),
        ("index", 1024 * MIB),
    ];
    files.iter().all(|(file, most)| {
        let path = if file.is_empty() { git.to_owned() } else { git.join(file) };
        match path.metadata() {
            Ok(found) => found.is_dir() || (found.is_file() && found.len() <= *most),
            // What is missing is judged by those who need it.
            Err(_) => true,
        }
    })
}

fn head(repository: &gix::Repository) -> Result<Option<Commit>, &'static str> {
    const REASON: &str = "git commit could not be read";
    let mut head = repository.head().map_err(|_| REASON)?;
    if head.is_unborn() {
        return Ok(None);
    }
    let commit = head.peel_to_commit().map_err(|_| REASON)?;
    let mut time = commit.time().map_err(|_| REASON)?;
    time.offset = 0;
    let date = time
        .format(gix::date::time::CustomFormat::new("%Y-%m-%dT%H:%M:%SZ"))
        .map_err(|_| REASON)?;
    Ok(Some(Commit { id: commit.id.to_string(), date }))
}

fn tracked(repository: &gix::Repository, prefix: &Path) -> Result<BTreeSet<String>, &'static str> {
    const REASON: &str = "git index could not be read";
    let path: PathBuf = repository.index_path();
    match path.symlink_metadata() {
        // A repository without an index tracks nothing yet.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
        Ok(metadata) if metadata.is_file() => {}
        _ => return Err(REASON),
    }
    let index = repository.open_index().map_err(|_| REASON)?;
    let mut files = BTreeSet::new();
    for entry in index.entries() {
        if entry.mode.is_submodule() || entry.mode.is_sparse() {
            continue;
        }
        let path = Path::new(OsStr::from_bytes(entry.path(&index)));
        if let Ok(inner) = path.strip_prefix(prefix)
            && !inner.as_os_str().is_empty()
        {
            files.insert(encode_path(inner));
        }
    }
    Ok(files)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
pub(crate) mod tests {
    use std::process::Command;

    use super::*;

    /// Runs git with nothing of the machine's settings.
    pub(crate) fn git(folder: &Path, arguments: &[&str]) {
        let output = Command::new("git")
            .args([
                "-c",
                "user.name=A",
                "-c",
                "user.email=a@example.org",
                "-c",
                "core.hooksPath=/dev/null",
            ])
            .args(arguments)
            .current_dir(folder)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", folder)
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_AUTHOR_DATE", "2024-02-29T23:30:00-0200")
            .env("GIT_COMMITTER_DATE", "2024-02-29T23:30:00-0200")
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "git {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    fn repository() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        std::fs::create_dir_all(root.join("backend/app")).unwrap();
        std::fs::write(root.join("backend/app/main.py"), "x = 1\n").unwrap();
        std::fs::write(root.join("backendless.py"), "x = 1\n").unwrap();
        git(root, &["init", "-q", "-b", "main"]);
        git(root, &["add", "."]);
        folder
    }

    fn paths(repository: &Repository) -> Vec<&str> {
        repository.tracked.iter().map(String::as_str).collect()
    }

    #[test]
    fn the_commit_and_the_index_are_read() {
        let folder = repository();
        let root = folder.path();
        let unborn = open(root).unwrap();
        assert_eq!(
            (unborn.head.as_ref(), paths(&unborn), unborn.notes.len()),
            (None, vec!["backend/app/main.py", "backendless.py"], 0)
        );
        git(root, &["commit", "-q", "-m", "one"]);
        let whole = open(root).unwrap();
        let head = whole.head.clone().unwrap();
        assert_eq!(head.date, "2024-03-01T01:30:00Z");
        assert_eq!(head.id.len(), 40);
        let part = open(&root.join("backend")).unwrap();
        assert_eq!(paths(&part), ["app/main.py"]);
        assert_eq!(part.head, Some(head));
    }

    #[test]
    fn linked_work_trees_are_read() {
        let folder = repository();
        let root = folder.path();
        git(root, &["commit", "-q", "-m", "one"]);
        let other = tempfile::tempdir().unwrap();
        let linked = other.path().join("linked");
        git(root, &["worktree", "add", "-q", linked.to_str().unwrap()]);
        let read = open(&linked).unwrap();
        assert_eq!(read.head, open(root).unwrap().head);
        assert_eq!(paths(&read), ["backend/app/main.py", "backendless.py"]);
    }

    #[test]
    fn damage_is_a_note() {
        let folder = repository();
        let root = folder.path();
        git(root, &["commit", "-q", "-m", "one"]);
        for bytes in [&b"nonsense"[..], b"", b"DIRC\0\0\0\x02\xFF\xFF\xFF\xFF", &[0; 4096]] {
            std::fs::write(root.join(".git/index"), bytes).unwrap();
            let read = open(root).unwrap();
            assert!(read.head.is_some() && read.tracked.is_empty(), "{bytes:?}");
            assert_eq!(read.notes[0].reason, "git index could not be read");
        }
        std::fs::remove_file(root.join(".git/index")).unwrap();
        rustix::fs::mknodat(
            rustix::fs::CWD,
            root.join(".git/index"),
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RUSR,
            0,
        )
        .unwrap();
        assert_eq!(open(root).unwrap().notes[0].reason, "git repository could not be read");
        std::fs::remove_file(root.join(".git/index")).unwrap();
        std::fs::write(root.join(".git/HEAD"), "\0\0").unwrap();
        assert!(open(root).unwrap().notes.iter().all(|note| note.failure));
        assert!(open(root).unwrap().head.is_none());
        std::fs::remove_dir_all(root.join(".git")).unwrap();
        std::fs::write(root.join(".git"), "gitdir: ../../../nowhere").unwrap();
        assert_eq!(open(root).unwrap().notes.len(), 1);
    }

    #[test]
    fn what_blocks_is_given_up() {
        let folder = repository();
        let root = folder.path();
        let branch = root.join(".git/refs/heads/main");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &branch,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RUSR,
            0,
        )
        .unwrap();
        let read = open_within(root, Duration::from_millis(300)).unwrap();
        assert_eq!(read.notes[0].detail.as_deref(), Some("no answer within 0 seconds"));
    }

    #[test]
    fn settings_of_the_repository_run_nothing_and_lead_nowhere() {
        let folder = repository();
        let root = folder.path();
        let config = "[core]\n\tfsmonitor = touch hit\n\tworktree = /\n\thooksPath = .\n[include]\n\tpath = /dev/zero\n[index]\n\tthreads = 100000\n";
        std::fs::write(root.join(".git/config"), config).unwrap();
        let read = open(root).unwrap();
        assert_eq!(paths(&read), ["backend/app/main.py", "backendless.py"]);
        assert!(!root.join("hit").exists());
    }
}
