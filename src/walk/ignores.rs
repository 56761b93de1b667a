//! The ignore rules of one folder and of those above it, up to the root and no further: what the
//! user's own git settings or a folder outside of the tree say would make the result depend on
//! the machine.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::Arc;

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use crate::source;

/// Largest ignore file that is honoured, in bytes. What a larger one names is audited, which errs
/// on the safe side.
const LARGEST: u64 = 1024 * 1024;

/// The files, the stronger first.
const FILES: [(&str, &str); 2] =
    [(".ignore", "ignored by .ignore"), (".gitignore", "ignored by .gitignore")];

/// What is ignored below a folder.
#[derive(Debug, Default)]
pub(super) struct Ignores {
    /// Length of the folder's path in bytes, with the slash behind it: what matching leaves off.
    cut: usize,
    rules: Vec<(Gitignore, &'static str)>,
    above: Option<Arc<Ignores>>,
    /// Set where the folder itself is ignored and was entered for the tracked files in it.
    pub(super) whole: Option<&'static str>,
}

impl Ignores {
    /// Reads the ignore files of a folder (encoded path; empty for the root).
    pub(super) fn of_folder(root: &Path, folder: &str, above: Option<Arc<Self>>) -> Self {
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let read = |file: &str| {
            let bytes = source::read(root, &format!("{prefix}{file}"), LARGEST).ok()?;
            let mut builder = GitignoreBuilder::new("");
            for line in
                bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes).split(|byte| *byte == b'\n')
            {
                let line = String::from_utf8_lossy(line);
                // A line that is no glob means nothing, to git as to us.
                let _ = builder.add_line(None, line.trim_end_matches('\r'));
            }
            builder.build().ok().filter(|rules| !rules.is_empty())
        };
        let rules =
            FILES.iter().filter_map(|(file, reason)| Some((read(file)?, *reason))).collect();
        Self { cut: source::decode_path(&prefix).len(), rules, above, whole: None }
    }

    /// Why a path (from the root, as the system has it) is ignored; `None` where it is not.
    pub(super) fn reason(&self, path: &[u8], is_folder: bool) -> Option<&'static str> {
        let mut next = Some(self);
        while let Some(folder) = next {
            if folder.whole.is_some() {
                return folder.whole;
            }
            let inner = Path::new(OsStr::from_bytes(path.get(folder.cut..).unwrap_or(path)));
            for (rules, reason) in &folder.rules {
                match rules.matched(inner, is_folder) {
                    Match::Ignore(_) => return Some(reason),
                    Match::Whitelist(_) => return None,
                    Match::None => {}
                }
            }
            next = folder.above.as_deref();
        }
        None
    }
}
