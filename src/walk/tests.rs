#![allow(clippy::unwrap_used)]

use std::ffi::OsStr;
use std::os::unix::fs::symlink;

use proptest::prelude::*;
use rustix::fs::{CWD, FileType, Mode, mknodat};
use tempfile::TempDir;

use super::*;
use crate::repository::{self, tests::git};

fn tree(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

fn walked(root: &Path, options: &WalkOptions) -> Walk {
    let walk = walk(root, options).unwrap();
    assert_eq!(walk.walked as usize, walk.jobs.len() + walk.left_out.len(), "the numbers add up");
    walk
}

fn plain(root: &Path) -> Walk {
    walked(root, &WalkOptions::default())
}

fn jobs(walk: &Walk) -> Vec<&str> {
    walk.jobs.iter().map(|job| job.path.as_str()).collect()
}

fn reasons(entries: &[LedgerEntry]) -> Vec<(&str, &str)> {
    entries.iter().map(|entry| (entry.path.as_str(), entry.reason.as_str())).collect()
}

fn globs(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[test]
fn hidden_files_that_matter_are_walked() {
    let tree =
        tree(&[(".env", ""), (".env.local", ""), (".github/workflows/ci.yml", ""), ("a.py", "")]);
    assert_eq!(
        jobs(&plain(tree.path())),
        [".env", ".env.local", ".github/workflows/ci.yml", "a.py"]
    );
}

#[test]
fn nested_ignore_files_and_negations_count_as_in_git() {
    let tree = tree(&[
        (".gitignore", "\u{feff}*.log.txt\r\n/build/\nsecret.py\n"),
        ("a.log.txt", ""),
        ("build/a.py", ""),
        ("sub/build/a.py", ""),
        ("sub/.gitignore", "!secret.py\nlocal/*\n!local/keep.py\n"),
        ("sub/secret.py", ""),
        ("sub/local/a.py", ""),
        ("sub/local/keep.py", ""),
        ("secret.py", ""),
        ("other/.ignore", "*.py\n"),
        ("other/.gitignore", "!b.py\n"),
        ("other/b.py", ""),
    ]);
    let walk = plain(tree.path());
    let code: Vec<_> = jobs(&walk).into_iter().filter(|path| path.ends_with(".py")).collect();
    assert_eq!(code, ["sub/build/a.py", "sub/local/keep.py", "sub/secret.py"]);
    assert_eq!(reasons(&walk.not_entered), [("build", "ignored by .gitignore")]);
    assert_eq!(
        reasons(&walk.left_out),
        [
            ("a.log.txt", "ignored by .gitignore"),
            ("other/b.py", "ignored by .ignore"),
            ("secret.py", "ignored by .gitignore"),
            ("sub/local/a.py", "ignored by .gitignore"),
        ]
    );
    let all = walked(tree.path(), &WalkOptions { no_ignore: true, ..WalkOptions::default() });
    assert_eq!((all.jobs.len(), all.left_out.len()), (12, 0));
}

#[test]
fn what_git_tracks_is_audited_whatever_is_ignored() {
    let tree = tree(&[
        (".gitignore", "*.py\nhidden/\nempty/\n"),
        ("tracked.py", ""),
        ("loose.py", ""),
        ("hidden/deep/tracked.ts", ""),
        ("hidden/loose.ts", ""),
        ("hidden/loose/a.ts", ""),
        ("empty/a.ts", ""),
    ]);
    let root = tree.path();
    git(root, &["init", "-q"]);
    git(root, &["add", "-f", "tracked.py", "hidden/deep/tracked.ts"]);
    let tracked = repository::open(root).unwrap().tracked;
    let walk = walked(root, &WalkOptions { tracked, ..WalkOptions::default() });
    assert_eq!(jobs(&walk), [".gitignore", "hidden/deep/tracked.ts", "tracked.py"]);
    assert_eq!(
        reasons(&walk.left_out),
        [("hidden/loose.ts", "ignored by .gitignore"), ("loose.py", "ignored by .gitignore")]
    );
    assert_eq!(
        reasons(&walk.not_entered),
        [
            (".git", "version control"),
            ("empty", "ignored by .gitignore"),
            ("hidden/loose", "ignored by .gitignore")
        ]
    );
}

#[test]
fn rules_from_outside_of_the_root_count_for_nothing() {
    let tree = tree(&[
        (".gitignore", "*.py"),
        (".git/info/exclude", "*.py"),
        ("root/a.py", ""),
        ("root/.git/info/exclude", "*.py"),
    ]);
    assert_eq!(jobs(&plain(&tree.path().join("root"))), ["a.py"]);
}

#[test]
fn only_regular_files_become_jobs() {
    let tree = tree(&[("a.py", ""), ("folder/b.py", "")]);
    let root = tree.path();
    mknodat(CWD, root.join("pipe.py"), FileType::Fifo, Mode::RUSR, 0).unwrap();
    mknodat(CWD, root.join("pipe"), FileType::Fifo, Mode::RUSR, 0).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(root.join("socket.py")).unwrap();
    for (target, link) in [
        ("/dev/zero", "zero.py"),
        (".", "loop"),
        ("../..", "out"),
        ("folder/../a.py", "in.py"),
        ("nowhere", "broken.py"),
    ] {
        symlink(target, root.join(link)).unwrap();
    }
    let walk = plain(root);
    assert_eq!(jobs(&walk), ["a.py", "folder/b.py"]);
    let told: Vec<_> = walk
        .left_out
        .iter()
        .map(|entry| {
            (entry.path.as_str(), entry.reason.as_str(), entry.detail.as_deref().unwrap_or(""))
        })
        .collect();
    assert_eq!(
        told,
        [
            ("broken.py", "symbolic link", ""),
            ("in.py", "symbolic link", ""),
            ("loop", "symbolic link", ""),
            ("out", "symbolic link", "leads out of the tree"),
            ("pipe", "not a regular file (FIFO)", ""),
            ("pipe.py", "not a regular file (FIFO)", ""),
            ("socket.py", "not a regular file (socket)", ""),
            ("zero.py", "symbolic link", "leads out of the tree"),
        ]
    );
}

#[test]
fn names_that_are_not_utf_8_stay_apart() {
    let tree = tree(&[(".gitignore", "no*.py")]);
    for name in [&b"bad\xfe.py"[..], b"bad\xff.py", b"new\nline.py", b"no\xff.py"] {
        std::fs::write(tree.path().join(OsStr::from_bytes(name)), "").unwrap();
    }
    let walk = plain(tree.path());
    assert_eq!(jobs(&walk), [".gitignore", "bad%FE.py", "bad%FF.py", "new%0Aline.py"]);
    assert_eq!(reasons(&walk.left_out), [("no%FF.py", "ignored by .gitignore")]);
    for job in &walk.jobs {
        assert!(read::read(tree.path(), &job.path, 100).is_ok(), "{}", job.path);
    }
}

#[test]
fn formats_and_roles_leave_files_out_with_their_reason() {
    let tree = tree(&[
        ("logo.png", ""),
        ("main.go", ""),
        ("examples/a.go", ""),
        ("data.csv", ""),
        ("what.xyz", ""),
        ("uv.lock", ""),
        ("static/a.min.js", ""),
        ("static/vendor/jquery.js", ""),
        ("node_modules/a/index.js", ""),
        ("dist/a.js", ""),
        ("run", "#!/bin/sh\n"),
        ("noext", "text"),
    ]);
    let walk = plain(tree.path());
    assert_eq!(jobs(&walk), ["run"]);
    assert_eq!(
        reasons(&walk.left_out),
        [
            ("data.csv", "no reader for tables of data"),
            ("examples/a.go", "no reader for Go"),
            ("logo.png", "binary file"),
            ("main.go", "no reader for Go"),
            ("noext", "no reader for this format"),
            ("static/a.min.js", "generated"),
            ("uv.lock", "generated"),
            ("what.xyz", "no reader for this format"),
        ]
    );
    let failures: Vec<_> = walk
        .left_out
        .iter()
        .filter(|entry| entry.failure)
        .map(|entry| entry.path.as_str())
        .collect();
    assert_eq!(failures, ["main.go"]);
    assert_eq!(
        reasons(&walk.not_entered),
        [("dist", "generated"), ("node_modules", "vendored"), ("static/vendor", "vendored")]
    );
}

#[test]
fn the_user_overrules_the_tables() {
    let tree = tree(&[
        ("vendor/mine/a.py", ""),
        ("vendor/b.py", ""),
        ("tests/a.py", ""),
        ("old/a.py", ""),
        ("src/a.py", ""),
    ]);
    let options = WalkOptions {
        roles: vec![
            ("vendor/mine".to_owned(), Role::Production),
            ("/tests/**".to_owned(), Role::Example),
        ],
        exclude: globs(&["old/"]),
        ..WalkOptions::default()
    };
    let walk = walked(tree.path(), &options);
    let roles: Vec<_> =
        walk.jobs.iter().map(|job| (job.path.as_str(), job.role, job.role_is_certain)).collect();
    assert_eq!(
        roles,
        [
            ("src/a.py", Role::Production, false),
            ("tests/a.py", Role::Example, true),
            ("vendor/mine/a.py", Role::Production, true)
        ]
    );
    assert_eq!(reasons(&walk.left_out), [("vendor/b.py", "vendored")]);
    assert_eq!(reasons(&walk.not_entered), [("old", "excluded by configuration")]);

    let only = WalkOptions {
        include: globs(&["src"]),
        exclude: globs(&["old/a.py"]),
        ..WalkOptions::default()
    };
    let walk = walked(tree.path(), &only);
    assert_eq!(jobs(&walk), ["src/a.py"]);
    assert_eq!(
        reasons(&walk.left_out),
        [
            ("old/a.py", "excluded by configuration"),
            ("tests/a.py", "not included by configuration")
        ]
    );
}

#[test]
fn a_root_that_is_a_file_is_that_file() {
    let tree = tree(&[(".gitignore", "*"), ("a.py", ""), ("b.py", "")]);
    let walk = plain(&tree.path().join("a.py"));
    assert_eq!(jobs(&walk), ["a.py"]);
    assert_eq!(walk.base, tree.path().canonicalize().unwrap());
}

#[test]
fn a_root_that_cannot_be_walked_says_why() {
    let tree = tree(&[("a.py", "")]);
    let error = |path: &Path| walk(path, &WalkOptions::default()).unwrap_err().to_string();
    let pipe = tree.path().join("pipe");
    mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR, 0).unwrap();
    assert!(
        error(&tree.path().join("x"))
            .ends_with("x` does not exist; name a folder or a file to audit")
    );
    assert!(error(&tree.path().join("a.py/x")).contains("does not exist"));
    assert!(error(&pipe).ends_with("pipe` is a FIFO; name a folder or a regular file to audit"));
    let options = WalkOptions { exclude: globs(&["a["]), ..WalkOptions::default() };
    assert!(walk(tree.path(), &options).unwrap_err().to_string().starts_with("`a[` is not a glob"));
}

#[test]
fn too_many_entries_stop_at_the_same_place_each_time() {
    let tree =
        tree(&[("a/1.py", ""), ("a/2.py", ""), ("b/1.py", ""), ("b/2.py", ""), ("c.py", "")]);
    for threads in [1, 4] {
        let walk =
            walked(tree.path(), &WalkOptions { entries: 4, threads, ..WalkOptions::default() });
        assert_eq!(jobs(&walk), ["a/1.py", "a/2.py"]);
        let entry = &walk.not_entered[0];
        assert_eq!(
            (entry.path.as_str(), entry.reason.as_str(), entry.failure),
            (".", "too many entries", true)
        );
        let enough =
            walked(tree.path(), &WalkOptions { entries: 7, threads, ..WalkOptions::default() });
        assert_eq!((enough.jobs.len(), enough.not_entered.len()), (5, 0));
    }
}

#[test]
fn deep_folders_are_a_failure_and_no_crash() {
    let tree = tempfile::tempdir().unwrap();
    let deep = tree.path().join(["d"; DEEPEST + 10].join("/"));
    std::fs::create_dir_all(&deep).unwrap();
    std::fs::write(deep.join("a.py"), "").unwrap();
    let walk = plain(tree.path());
    assert_eq!(walk.jobs.len(), 0);
    assert_eq!(
        (walk.not_entered[0].reason.as_str(), walk.not_entered[0].failure),
        ("nested deeper than 256 folders", true)
    );
}

/// A file of a random tree: its path and, for ignore files, its lines.
fn random_file() -> impl Strategy<Value = (String, String)> {
    let segment = prop::sample::select(vec![
        "a",
        "b",
        "tests",
        "vendor",
        "dist",
        "node_modules",
        ".git",
        ".github",
        "é",
    ]);
    let name = prop::sample::select(vec![
        "a.py",
        "b.ts",
        "c.go",
        "d.png",
        "run",
        ".gitignore",
        ".ignore",
        "x.min.js",
        ".env",
        "y.xyz",
    ]);
    let line = prop::sample::select(vec![
        "*.py", "a/", "/b", "!a.py", "tests/**", "**/é", "*", "!*/", "#", "[", "\\",
    ]);
    (prop::collection::vec(segment, 0..4), name, prop::collection::vec(line, 0..3)).prop_map(
        |(folders, name, lines)| ([folders, vec![name]].concat().join("/"), lines.join("\n")),
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_file_is_accounted_for(
        files in prop::collection::vec(random_file(), 0..24),
        tracked in prop::collection::vec(random_file(), 0..4),
        no_ignore: bool,
    ) {
        let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        let tree = tree(&files);
        let options = WalkOptions {
            no_ignore,
            tracked: tracked.into_iter().map(|(path, _)| path).collect(),
            ..WalkOptions::default()
        };
        let one = walked(tree.path(), &WalkOptions { threads: 1, ..options.clone() });
        let four = walked(tree.path(), &WalkOptions { threads: 4, ..options });
        prop_assert_eq!(&one, &four);

        let told = jobs(&one).into_iter().chain(one.left_out.iter().map(|entry| entry.path.as_str()));
        let told: BTreeSet<&str> = told.collect();
        prop_assert_eq!(told.len() as u64, one.walked, "no file is told twice");
        for entry in walkdir::WalkDir::new(tree.path()).into_iter().map(Result::unwrap) {
            let path = encode_path(entry.path().strip_prefix(tree.path()).unwrap());
            if entry.file_type().is_file() {
                let below = one.not_entered.iter().any(|folder| path.starts_with(&format!("{}/", folder.path)));
                prop_assert_eq!(told.contains(path.as_str()), !below, "{}", path);
            }
        }
    }
}
