//! Which files there are, which of them are looked at, and why the others are not.
//!
//! Every file that is met ends as a [`Job`] or as an entry of the ledger, and the counts add up.
//! The walk itself is that of the `ignore` crate with all of its filters off; what is left out is
//! decided here, because only what is decided here can be counted.

use std::collections::{BTreeSet, HashMap};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use ignore::{DirEntry, WalkBuilder, WalkState};
use thiserror::Error;

use crate::audit::{LedgerEntry, Outcome};
use crate::limits::Limits;
use crate::scan::Job;
use crate::source::language::{self, Format};
use crate::source::read::{self, ReadError, kind_of};
use crate::source::{Role, encode_path, role};

mod globs;
mod ignores;

use globs::Globs;
use ignores::Ignores;

/// What is walked and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WalkOptions {
    /// Where not empty, only files that match one of these globs are looked at. Globs are written
    /// as in a `.gitignore`.
    pub include: Vec<String>,
    /// Files and folders that match one of these are left out.
    pub exclude: Vec<String>,
    /// Roles by glob, before the built-in tables; the first that matches wins.
    pub roles: Vec<(String, Role)>,
    /// Whether `.gitignore` and `.ignore` files count for nothing.
    pub no_ignore: bool,
    /// Files that are looked at even where an ignore file names them or a folder above them: those
    /// in git's index ([`crate::repository::Repository::tracked`]).
    pub tracked: BTreeSet<String>,
    /// How many threads walk; 0 leaves it to the machine. The result does not depend on it.
    pub threads: usize,
    /// Most files and folders that are met before the walk is given up ([`Limits::walk_entries`]).
    pub entries: u64,
}

impl Default for WalkOptions {
    fn default() -> Self {
        Self {
            include: Vec::new(),
            exclude: Vec::new(),
            roles: Vec::new(),
            no_ignore: false,
            tracked: BTreeSet::new(),
            threads: 0,
            entries: Limits::default().walk_entries,
        }
    }
}

/// What a walk met. `walked = jobs + left_out`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Walk {
    /// The folder that all paths are relative to: the root, or where the root is a file, the folder
    /// that it lies in.
    pub base: PathBuf,
    /// The files to look at, by the bytes of their paths.
    pub jobs: Vec<Job>,
    /// The files that are not looked at, by the bytes of their paths.
    pub left_out: Vec<LedgerEntry>,
    /// The folders whose content is not counted, by the bytes of their paths.
    pub not_entered: Vec<LedgerEntry>,
    /// How many files were met; a link counts as one, whatever it leads to.
    pub walked: u64,
}

/// Why there is nothing to walk.
#[derive(Debug, Error)]
pub enum WalkError {
    /// No such path.
    #[error("`{0}` does not exist; name a folder or a file to audit")]
    Missing(PathBuf),
    /// A pipe, socket or device.
    #[error("`{0}` is a {1}; name a folder or a regular file to audit")]
    NotFileOrFolder(PathBuf, &'static str),
    /// The system refuses.
    #[error(
        "`{path}` cannot be read ({source}); run as a user who may read it, or name another folder"
    )]
    Unreadable {
        /// What.
        path: PathBuf,
        /// The system's word.
        source: std::io::Error,
    },
    /// A glob of the configuration is none.
    #[error(
        "`{glob}` is not a glob ({reason}); correct it in the configuration or on the command line"
    )]
    Glob {
        /// As written.
        glob: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// Deepest folder that is entered.
const DEEPEST: usize = 256;

/// How much of a file without an extension is read for its `#!` line, in bytes.
const SHEBANG: u64 = 256;

/// Walks a folder, or a single file.
///
/// # Errors
/// When the root is no readable folder or regular file, or a glob is none. What goes wrong below
/// the root is an entry of the ledger.
pub fn walk(root: &Path, options: &WalkOptions) -> Result<Walk, WalkError> {
    let unreadable = |source: std::io::Error| match source.kind() {
        std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory => {
            WalkError::Missing(root.to_owned())
        }
        _ => WalkError::Unreadable { path: root.to_owned(), source },
    };
    let base = root.canonicalize().map_err(unreadable)?;
    let kind = base.metadata().map_err(unreadable)?.file_type();
    if kind.is_file() {
        return single_file(&base, options);
    }
    if !kind.is_dir() {
        return Err(WalkError::NotFileOrFolder(root.to_owned(), kind_of(kind)));
    }
    std::fs::read_dir(&base).map_err(unreadable)?;

    let judge = Arc::new(Judge::new(base.clone(), options)?);
    run_parallel(&judge, options.threads);
    if judge.overrun() {
        // Which entries came first would depend on the threads. One thread in the order of names
        // stops at the same place each time.
        let judge = Arc::new(Judge::new(base, options)?);
        run_in_order(&judge);
        return Ok(judge.finish());
    }
    Ok(judge.finish())
}

fn single_file(path: &Path, options: &WalkOptions) -> Result<Walk, WalkError> {
    let base = path.parent().unwrap_or(path).to_owned();
    let name = encode_path(path.file_name().unwrap_or_default());
    // Naming a file is a wish that no exclusion overrules.
    let wish = WalkOptions {
        include: Vec::new(),
        exclude: Vec::new(),
        no_ignore: true,
        ..options.clone()
    };
    let judge = Judge::new(base, &wish)?;
    judge.regular_file(name, None);
    Ok(judge.finish())
}

fn builder(judge: &Judge) -> WalkBuilder {
    let mut builder = WalkBuilder::new(&judge.base);
    builder.standard_filters(false).hidden(false).follow_links(false);
    builder
}

fn run_parallel(judge: &Arc<Judge>, threads: usize) {
    builder(judge).threads(threads).build_parallel().run(|| {
        Box::new(|entry| match entry {
            Ok(entry) if judge.overrun() => {
                drop(entry);
                WalkState::Quit
            }
            Ok(entry) if judge.enters(&entry) => WalkState::Continue,
            Ok(_) => WalkState::Skip,
            Err(error) => {
                judge.failed(&error);
                WalkState::Continue
            }
        })
    });
}

fn run_in_order(judge: &Arc<Judge>) {
    let filter = Arc::clone(judge);
    let walk = builder(judge)
        .sort_by_file_name(Ord::cmp)
        .filter_entry(move |entry| !filter.overrun() && filter.enters(entry))
        .build();
    for entry in walk {
        if let Err(error) = entry {
            judge.failed(&error);
        }
    }
    judge.not_entered(
        ".".to_owned(),
        "too many entries",
        Some(format!("only the first {} are counted", judge.most)),
        true,
    );
}

/// Decides about each entry, from any thread.
struct Judge {
    base: PathBuf,
    include: Globs,
    exclude: Globs,
    role_globs: Vec<(Globs, Role)>,
    no_ignore: bool,
    tracked: BTreeSet<String>,
    most: u64,
    met: AtomicU64,
    /// The ignore rules of the folders that were entered.
    ignores: RwLock<HashMap<String, Arc<Ignores>>>,
    found: Mutex<Walk>,
}

impl Judge {
    fn new(base: PathBuf, options: &WalkOptions) -> Result<Self, WalkError> {
        let compile =
            |globs: &[String]| Globs::new(globs.iter().map(String::as_str)).map_err(glob_error);
        let mut role_globs = Vec::new();
        for (glob, role) in &options.roles {
            role_globs.push((Globs::new([glob.as_str()]).map_err(glob_error)?, *role));
        }
        let judge = Self {
            include: compile(&options.include)?,
            exclude: compile(&options.exclude)?,
            role_globs,
            no_ignore: options.no_ignore,
            tracked: options.tracked.clone(),
            most: options.entries,
            met: AtomicU64::new(0),
            ignores: RwLock::default(),
            found: Mutex::new(Walk { base: base.clone(), ..Walk::default() }),
            base,
        };
        judge.remember_ignores(String::new(), None, None);
        Ok(judge)
    }

    fn overrun(&self) -> bool {
        self.met.load(Ordering::Relaxed) > self.most
    }

    /// Judges an entry, and says whether to go into it.
    fn enters(&self, entry: &DirEntry) -> bool {
        if entry.depth() == 0 {
            return true;
        }
        if self.met.fetch_add(1, Ordering::Relaxed) >= self.most {
            return false;
        }
        let relative = entry.path().strip_prefix(&self.base).unwrap_or(entry.path());
        let path = encode_path(relative);
        let above = self.ignores_above(&path);
        let ignored = |is_folder| above.reason(relative.as_os_str().as_bytes(), is_folder);
        let Some(kind) = entry.file_type() else {
            self.left_out(path, "could not be read", None, true);
            return false;
        };
        if kind.is_dir() {
            let reason = ignored(true);
            return self.enters_folder(path, entry.depth(), above, reason);
        }
        if kind.is_symlink() {
            let detail = link_detail(entry.path(), relative);
            self.left_out(path, "symbolic link", detail, false);
        } else if is_version_control(&path) {
            self.left_out(path, "version control", None, false);
        } else if kind.is_file() {
            let reason = ignored(false);
            self.regular_file(path, reason);
        } else {
            self.left_out(path, &ReadError::NotRegular(kind_of(kind)).to_string(), None, false);
        }
        false
    }

    fn enters_folder(
        &self,
        path: String,
        depth: usize,
        above: Arc<Ignores>,
        ignored: Option<&'static str>,
    ) -> bool {
        let reason = if is_version_control(&path) {
            Some("version control")
        } else if self.exclude.matches(&path) {
            Some("excluded by configuration")
        } else if ignored.is_some() && !self.has_tracked_below(&path) {
            ignored
        } else {
            match role::of_folder(&path) {
                Some(Role::Vendored) if !self.is_named(&path) => Some("vendored"),
                Some(_) if !self.is_named(&path) => Some("generated"),
                _ => None,
            }
        };
        if let Some(reason) = reason {
            self.not_entered(path, reason, None, false);
            return false;
        }
        if depth >= DEEPEST {
            self.not_entered(path, "nested deeper than 256 folders", None, true);
            return false;
        }
        self.remember_ignores(path, Some(above), ignored);
        true
    }

    fn regular_file(&self, path: String, ignored: Option<&'static str>) {
        if self.exclude.matches(&path) {
            return self.left_out(path, "excluded by configuration", None, false);
        }
        if !self.include.is_empty() && !self.include.matches(&path) {
            return self.left_out(path, "not included by configuration", None, false);
        }
        if let Some(reason) = ignored
            && !self.tracked.contains(&path)
        {
            return self.left_out(path, reason, None, false);
        }
        let mut format = language::format_of(&path, None);
        if language::needs_head(&path) {
            match read::head(&self.base, &path, SHEBANG) {
                Ok(head) => format = language::format_of(&path, Some(&head)),
                Err(error) => {
                    let failure = error.is_failure();
                    return self.left_out(path, &error.to_string(), error.detail(), failure);
                }
            }
        }
        let language = language::of_format(format);
        let chosen = self
            .role_globs
            .iter()
            .find(|(globs, _)| globs.matches(&path))
            .map(|(_, role)| (*role, true));
        let (role, role_is_certain) = chosen.unwrap_or_else(|| role::of_path(&path, language));
        let reason = match (role, format) {
            (_, Format::Binary) => "binary file".to_owned(),
            (Role::Vendored, _) => "vendored".to_owned(),
            // Nobody judges generated code, but a generated client calls a server.
            (Role::Generated, format) if !may_be_client(&path, &format) => "generated".to_owned(),
            (_, Format::Unsupported(name) | Format::Data(name)) => format!("no reader for {name}"),
            (_, Format::Unknown) => "no reader for this format".to_owned(),
            (_, Format::Read(_)) => {
                let job = Job { path, language, role, role_is_certain, facts_only: false };
                let mut found = self.found();
                found.walked += 1;
                found.jobs.push(job);
                return;
            }
        };
        // Code of the product that nobody can read is no choice of ours.
        let failure = matches!(format, Format::Unsupported(_)) && role == Role::Production;
        self.left_out(path, &reason, None, failure);
    }

    /// Whether a user's glob names the folder or something in it.
    fn is_named(&self, folder: &str) -> bool {
        self.include.may_match_below(folder)
            || self.role_globs.iter().any(|(globs, role)| {
                !matches!(role, Role::Vendored | Role::Generated) && globs.may_match_below(folder)
            })
    }

    fn has_tracked_below(&self, folder: &str) -> bool {
        let prefix = format!("{folder}/");
        self.tracked.range(prefix.clone()..).next().is_some_and(|path| path.starts_with(&prefix))
    }

    fn ignores_above(&self, path: &str) -> Arc<Ignores> {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let known = self.ignores.read().unwrap_or_else(PoisonError::into_inner);
        known.get(folder).cloned().unwrap_or_default()
    }

    fn remember_ignores(
        &self,
        folder: String,
        above: Option<Arc<Ignores>>,
        whole: Option<&'static str>,
    ) {
        let mut ignores = if self.no_ignore {
            Ignores::default()
        } else {
            Ignores::of_folder(&self.base, &folder, above)
        };
        ignores.whole = whole;
        self.ignores
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(folder, Arc::new(ignores));
    }

    /// What the walker could not do: list a folder, look at an entry.
    fn failed(&self, error: &ignore::Error) {
        let path = error_path(error).map_or_else(
            || ".".to_owned(),
            |path| encode_path(path.strip_prefix(&self.base).unwrap_or(path)),
        );
        let reason = match error.io_error().map(std::io::Error::kind) {
            Some(std::io::ErrorKind::PermissionDenied) => "permission denied",
            Some(std::io::ErrorKind::NotFound) => "no longer there",
            Some(std::io::ErrorKind::InvalidFilename) => "path too long",
            _ => "could not be read",
        };
        self.not_entered(path, reason, None, true);
    }

    fn left_out(&self, path: String, reason: &str, detail: Option<String>, failure: bool) {
        let mut found = self.found();
        found.walked += 1;
        found.left_out.push(LedgerEntry {
            path,
            outcome: Outcome::LeftOut,
            reason: reason.to_owned(),
            detail,
            failure,
        });
    }

    fn not_entered(&self, path: String, reason: &str, detail: Option<String>, failure: bool) {
        let reason = reason.to_owned();
        self.found().not_entered.push(LedgerEntry {
            path,
            outcome: Outcome::NotEntered,
            reason,
            detail,
            failure,
        });
    }

    fn found(&self) -> MutexGuard<'_, Walk> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn finish(&self) -> Walk {
        let mut walk = std::mem::take(&mut *self.found());
        walk.jobs.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        walk.left_out.sort_unstable();
        walk.not_entered.sort_unstable();
        walk
    }
}

fn glob_error((glob, reason): (String, String)) -> WalkError {
    WalkError::Glob { glob, reason }
}

/// Whether a generated file may be a client of a server, as opposed to code that was made small.
fn may_be_client(path: &str, format: &Format) -> bool {
    let is_code = matches!(format, Format::Read(language) if language.has_module());
    is_code && !path.contains(".min.") && !path.contains(".bundle.")
}

fn is_version_control(path: &str) -> bool {
    matches!(
        path.rsplit('/').next(),
        Some(".git" | ".hg" | ".svn" | ".jj" | ".bzr" | "CVS" | "_darcs")
    )
}

/// Whether a link leads out of the tree, by its text alone: to follow it would touch what lies
/// outside.
fn link_detail(path: &Path, relative: &Path) -> Option<String> {
    let target = std::fs::read_link(path).ok()?;
    let mut depth = relative.components().count().saturating_sub(1);
    for part in target.components() {
        match part {
            std::path::Component::Normal(_) => depth += 1,
            std::path::Component::ParentDir if depth > 0 => depth -= 1,
            std::path::Component::CurDir => {}
            _ => return Some("leads out of the tree".to_owned()),
        }
    }
    None
}

fn error_path(error: &ignore::Error) -> Option<&Path> {
    match error {
        ignore::Error::WithPath { path, .. } => Some(path),
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => {
            error_path(err)
        }
        ignore::Error::Loop { child, .. } => Some(child),
        ignore::Error::Partial(errors) => errors.iter().find_map(error_path),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
