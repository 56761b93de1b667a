//! Where rule files come from: the folder embedded in the binary, and folders of a user's own.

use std::io::Read;
use std::path::Path;

use include_dir::{Dir, include_dir};
use serde::{Deserialize, Serialize};

use super::error::{Place, RuleError, nearest};
use crate::finding::Category;

/// Largest rule file, in bytes.
pub const MAX_RULE_BYTES: u64 = 64 * 1024;

static EMBEDDED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/rules");

/// The text of a rule file, with the identity that its path gives it. The process that reports
/// reads these, the scanner compiles them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleSource {
    /// The file's name without `.toml`.
    pub id: String,
    /// The folder's name.
    pub category: Category,
    /// How messages name the file.
    pub path: String,
    /// What it says.
    pub text: String,
}

impl RuleSource {
    /// Derives identity and category from `<category>/<rule-id>.toml`, the end of `path`.
    ///
    /// # Errors
    /// When the folder is no category, or the name is not of lower-case words joined by `-`.
    pub fn new(path: &str, text: String) -> Result<Self, RuleError> {
        let fail = |problem: String, help: Option<String>| RuleError {
            path: path.to_owned(),
            place: Place::default(),
            problem,
            help,
        };
        let mut parts = path.rsplit('/');
        let name = parts.next().unwrap_or_default();
        let folder = parts.next().unwrap_or_default();
        let id = name.strip_suffix(".toml").unwrap_or(name);
        let is_word = |word: &str| {
            !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        };
        if !id.split('-').all(is_word) {
            return Err(fail(
                format!("`{id}` is no rule id"),
                Some("name the file with lower-case words joined by `-`, such as `mock-data-literal.toml`".into()),
            ));
        }
        let category = folder.parse::<Category>().map_err(|_| {
            let known = Category::ALL.iter().map(|category| category.as_str());
            let help = nearest(folder, known.clone()).map_or_else(
                || {
                    format!(
                        "put the file into a folder named after its category: {}",
                        known.collect::<Vec<_>>().join(", ")
                    )
                },
                |near| format!("did you mean `{near}/{name}`?"),
            );
            fail(format!("the folder `{folder}` is no category"), Some(help))
        })?;
        Ok(Self { id: id.to_owned(), category, path: path.to_owned(), text })
    }
}

/// The rules that the binary carries, by path. A file whose path is no identity is left to
/// [`from_dir`]'s checks, which a test runs over the same folder.
#[must_use]
pub fn embedded() -> Vec<RuleSource> {
    let mut sources = Vec::new();
    let mut folders = vec![&EMBEDDED];
    while let Some(folder) = folders.pop() {
        folders.extend(folder.dirs());
        for file in folder.files() {
            let path = file.path().to_string_lossy().replace('\\', "/");
            if !path.ends_with(".toml") {
                continue;
            }
            let text = file.contents_utf8().unwrap_or_default().to_owned();
            sources.extend(RuleSource::new(&format!("rules/{path}"), text));
        }
    }
    sources.sort_by(|left, right| left.path.cmp(&right.path));
    sources
}

/// The rules in a folder, by path: `<folder>/<category>/<rule-id>.toml`.
///
/// # Errors
/// When the folder cannot be read, holds no rule, or a file in it is too large, is not a regular
/// file, is not UTF-8, or lies in a folder that is no category.
pub fn from_dir(folder: &Path) -> Result<Vec<RuleSource>, RuleError> {
    files_of_dir(folder)?.into_iter().collect()
}

/// The rule files in a folder, by path, each a rule or what is wrong with it.
///
/// # Errors
/// When the folder cannot be read, or holds no rule.
pub fn files_of_dir(folder: &Path) -> Result<Vec<Result<RuleSource, RuleError>>, RuleError> {
    let shown_folder = folder.to_string_lossy().replace('\\', "/");
    let mut sources = Vec::new();
    for entry in walkdir::WalkDir::new(folder).max_depth(3).sort_by_file_name() {
        let entry = entry.map_err(|error| RuleError {
            path: shown_folder.clone(),
            place: Place::default(),
            problem: format!("cannot be read: {}", io_reason(error.io_error())),
            help: Some("name a folder that holds `<category>/<rule-id>.toml` files".into()),
        })?;
        let is_rule = entry.path().extension().is_some_and(|suffix| suffix == "toml");
        if entry.file_type().is_dir() || !is_rule {
            continue;
        }
        let inner = entry.path().strip_prefix(folder).unwrap_or(entry.path());
        let path = format!("{shown_folder}/{}", inner.to_string_lossy().replace('\\', "/"));
        sources.push(read(entry.path(), &path).and_then(|text| RuleSource::new(&path, text)));
    }
    if sources.is_empty() {
        return Err(RuleError {
            path: shown_folder,
            place: Place::default(),
            problem: "holds no rule".into(),
            help: Some("name a folder that holds `<category>/<rule-id>.toml` files".into()),
        });
    }
    Ok(sources)
}

/// The rule in a file that was named, `<category>/<rule-id>.toml`. A file that is named without
/// its folder lies in the current one.
///
/// # Errors
/// As [`from_dir`], of one file.
pub fn from_file(file: &Path) -> Result<RuleSource, RuleError> {
    let path = file.to_string_lossy().replace('\\', "/");
    let text = read(file, &path)?;
    let whole = file.canonicalize().unwrap_or_else(|_| file.to_owned());
    let source = RuleSource::new(&whole.to_string_lossy().replace('\\', "/"), text)
        .map_err(|error| RuleError { path: path.clone(), ..error })?;
    Ok(RuleSource { path, ..source })
}

fn read(file: &Path, path: &str) -> Result<String, RuleError> {
    let fail = |problem: String, help: &str| RuleError {
        path: path.to_owned(),
        place: Place::default(),
        problem,
        help: Some(help.to_owned()),
    };
    let irregular = || fail("is not a regular file".into(), "replace it with a copy of the rule");
    let unreadable = |error: std::io::Error| {
        fail(format!("cannot be read: {}", io_reason(Some(&error))), "check its permissions")
    };
    // `O_NOFOLLOW` and `O_NONBLOCK` close the gap between the directory listing and the opening.
    let flags = rustix::fs::OFlags::RDONLY
        | rustix::fs::OFlags::NOFOLLOW
        | rustix::fs::OFlags::NONBLOCK
        | rustix::fs::OFlags::CLOEXEC;
    let file =
        rustix::fs::open(file, flags, rustix::fs::Mode::empty()).map_err(|error| match error {
            // What `O_NOFOLLOW` says of a link.
            rustix::io::Errno::LOOP => irregular(),
            error => unreadable(error.into()),
        })?;
    let file = std::fs::File::from(file);
    if !file.metadata().map_err(unreadable)?.is_file() {
        return Err(irregular());
    }
    let mut bytes = Vec::new();
    file.take(MAX_RULE_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_RULE_BYTES {
        return Err(fail("is larger than 64 KiB".into(), "split it into several rules"));
    }
    String::from_utf8(bytes).map_err(|_| fail("is not UTF-8".into(), "save it as UTF-8"))
}

/// The system's words without the path, which the error names already.
fn io_reason(error: Option<&std::io::Error>) -> String {
    error.map_or_else(|| "a loop of links".to_owned(), |error| error.kind().to_string())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_embedded_file_has_an_identity() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
        assert_eq!(from_dir(&folder).unwrap().len(), embedded().len());
    }

    #[test]
    fn a_wrong_folder_or_name_is_refused_with_the_near_one() {
        let error = RuleSource::new("my/securty/a-rule.toml", String::new()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "my/securty/a-rule.toml: the folder `securty` is no category\n  help: did you mean `security/a-rule.toml`?"
        );
        assert!(RuleSource::new("security/A_Rule.toml", String::new()).is_err());
    }

    #[test]
    fn links_and_large_files_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let category = folder.path().join("security");
        std::fs::create_dir(&category).unwrap();
        std::fs::write(category.join("big.toml"), "#".repeat(64 * 1024 + 1)).unwrap();
        assert!(from_dir(folder.path()).unwrap_err().problem.contains("64 KiB"));
        std::fs::remove_file(category.join("big.toml")).unwrap();
        std::os::unix::fs::symlink("/dev/zero", category.join("link.toml")).unwrap();
        assert!(from_dir(folder.path()).unwrap_err().problem.contains("regular"));
    }
}
