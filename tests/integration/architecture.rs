//! The house's rules about its own walls: dependencies point one way, syntax trees stay within
//! the lowerings, reports compute nothing, and every table names exactly the files beside it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use readiness::checks::project::PROJECT_CHECKS;
use readiness::checks::{MODULE_CHECKS, SUPPRESSIONS};
use readiness::inventory::routes::readers::FRAMEWORKS;
use readiness::rules::load;
use regex::Regex;

use crate::fixture::project_folder;

/// Which top-level module may use which. `lib.rs` is the pipeline and joins them all; `main.rs`
/// calls [`readiness::cli`]. What is not written here is not allowed.
const MAY_USE: &[(&str, &[&str])] = &[
    // Plain data. `finding` and `source` share the macro that writes scales and the role of a file.
    ("limits", &[]),
    ("profile", &[]),
    ("source", &["finding"]),
    ("finding", &["source"]),
    ("module", &["limits", "source"]),
    ("score", &["finding"]),
    ("gate", &["finding", "score"]),
    // The audit holds the routes; `inventory` says in it what could not be linked.
    ("audit", &["finding", "gate", "inventory", "score", "source"]),
    ("config", &["finding", "gate", "limits", "score", "source"]),
    // One file at a time.
    ("checks", &["inventory", "module", "source"]),
    (
        "rules",
        &[
            "audit",
            "checks",
            "config",
            "eval",
            "facts",
            "finding",
            "inventory",
            "limits",
            "module",
            "profile",
            "source",
        ],
    ),
    ("facts", &["inventory", "module", "source"]),
    ("scan", &["facts", "finding", "inventory", "limits", "module", "profile", "rules", "source"]),
    // The whole tree.
    ("repository", &["audit", "source"]),
    ("project", &["audit", "source"]),
    ("walk", &["audit", "limits", "scan", "source"]),
    ("eval", &["module", "source"]),
    ("inventory", &["audit", "eval", "finding", "limits", "module", "source"]),
    // The end.
    (
        "assemble",
        &[
            "audit",
            "checks",
            "config",
            "finding",
            "gate",
            "inventory",
            "module",
            "profile",
            "project",
            "repository",
            "rules",
            "scan",
            "score",
            "source",
            "walk",
        ],
    ),
    ("report", &["audit", "finding", "gate", "inventory", "score"]),
    (
        "cli",
        &[
            "audit",
            "config",
            "finding",
            "gate",
            "inventory",
            "profile",
            "report",
            "rules",
            "scan",
            "score",
            "source",
        ],
    ),
];

/// Pairs that know each other's types.
const MUTUAL: &[(&str, &str)] = &[("audit", "inventory"), ("finding", "source")];

/// A file of `src/`: its path within, and its text without comments and without tests.
struct File {
    path: String,
    code: String,
}

impl File {
    /// `rules` for `rules/load.rs` and for `rules.rs`.
    fn top(&self) -> &str {
        let first = self.path.split('/').next().unwrap();
        first.strip_suffix(".rs").unwrap_or(first)
    }
}

static FILES: LazyLock<Vec<File>> = LazyLock::new(|| {
    let root = project_folder().join("src");
    rust_files(&root)
        .into_iter()
        .map(|path| (path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned(), path))
        .filter(|(name, _)| {
            !name.ends_with("tests.rs") && !name.contains("/tests/") && name != "report/sample.rs"
        })
        .map(|(path, file)| File { path, code: code_of(&fs::read_to_string(file).unwrap()) })
        .collect()
});

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<_> = walkdir::WalkDir::new(folder)
        .into_iter()
        .map(|entry| entry.unwrap().into_path())
        .filter(|path| path.extension().is_some_and(|suffix| suffix == "rs"))
        .collect();
    found.sort();
    found
}

/// Tests sit at the end of a file, and comments may speak of everything.
fn code_of(text: &str) -> String {
    let code = text
        .split("#[cfg(test)]\n#[allow")
        .next()
        .unwrap()
        .split("#[cfg(test)]\nmod tests {")
        .next()
        .unwrap();
    code.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .map(|line| format!("{line}\n"))
        .collect()
}

/// Top-level modules by the ones they use.
fn uses() -> BTreeMap<String, BTreeSet<String>> {
    let reference = Regex::new(r"\bcrate::([a-z_]+)").unwrap();
    let tops: BTreeSet<_> = FILES.iter().map(File::top).collect();
    let mut uses: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for file in FILES.iter().filter(|file| !matches!(file.top(), "lib" | "main")) {
        let used = uses.entry(file.top().to_owned()).or_default();
        for found in reference.captures_iter(&file.code) {
            if tops.contains(&found[1]) && &found[1] != file.top() {
                used.insert(found[1].to_owned());
            }
        }
    }
    uses
}

#[test]
fn modules_use_what_the_table_allows() {
    let used: BTreeMap<_, _> = uses();
    let allowed: BTreeMap<_, _> = MAY_USE
        .iter()
        .map(|(name, uses)| {
            (
                (*name).to_owned(),
                uses.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>(),
            )
        })
        .collect();
    for (module, uses) in &used {
        let may = allowed.get(module).unwrap_or_else(|| panic!("`{module}` is not in the table"));
        let more: Vec<_> = uses.difference(may).collect();
        assert!(more.is_empty(), "`{module}` may not use {more:?}");
    }
    let less: Vec<_> = allowed
        .iter()
        .flat_map(|(module, uses)| {
            uses.difference(&used[module]).map(move |use_| format!("{module} → {use_}"))
        })
        .collect();
    assert!(less.is_empty(), "the table allows what nobody uses: {less:?}");
}

#[test]
fn dependencies_point_one_way() {
    let mut left: BTreeMap<&str, BTreeSet<&str>> = MAY_USE
        .iter()
        .map(|(name, uses)| {
            let mutual = |used: &&&str| !MUTUAL.contains(&(*name, **used));
            (*name, uses.iter().filter(mutual).copied().collect())
        })
        .collect();
    while let Some(free) = left.iter().find(|(_, uses)| uses.is_empty()).map(|(name, _)| *name) {
        left.remove(free);
        left.values_mut().for_each(|uses| {
            uses.remove(free);
        });
    }
    assert!(left.is_empty(), "these depend on each other in a circle: {left:?}");
}

#[test]
fn syntax_trees_stay_within_the_lowerings() {
    let parser = Regex::new(r"\b(?:tree_sitter\w*|syn|proc_macro2)::").unwrap();
    let outside: Vec<_> = FILES
        .iter()
        .filter(|file| !file.path.starts_with("module/") && file.path != "rules/query.rs")
        .filter(|file| parser.is_match(&file.code))
        .map(|file| &file.path)
        .collect();
    assert!(outside.is_empty(), "{outside:?}");
    assert!(FILES.iter().any(|file| parser.is_match(&file.code)));
}

#[test]
fn reports_print_and_do_not_judge() {
    let call = Regex::new(r"\b(?:score|gate)::[a-z_]+\b").unwrap();
    for file in FILES.iter().filter(|file| file.top() == "report") {
        let found: Vec<_> = call.find_iter(&file.code).map(|found| found.as_str()).collect();
        assert!(found.is_empty(), "{} calls {found:?}", file.path);
    }
}

/// The files of a folder by their stems, but for some.
fn stems(folder: &str, but: &[&str]) -> BTreeSet<String> {
    fs::read_dir(project_folder().join("src").join(folder))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .filter(|stem| !but.contains(&stem.as_str()))
        .collect()
}

#[test]
fn every_framework_is_a_file_and_a_line() {
    let table: BTreeSet<_> = FRAMEWORKS.iter().map(|framework| framework.name.to_owned()).collect();
    assert_eq!(
        table,
        stems("inventory/routes/readers", &["autoload", "classes", "files", "mod", "scripts"])
    );
    assert_eq!(table.len(), FRAMEWORKS.len());
}

#[test]
fn every_check_is_a_file_a_line_and_a_rule() {
    let text = fs::read_to_string(project_folder().join("src/checks/mod.rs")).unwrap();
    let line = Regex::new(r"run: (\w+)::check\b").unwrap();
    let table: BTreeSet<_> = line.captures_iter(&text).map(|found| found[1].to_owned()).collect();
    assert_eq!(table, stems("checks", &["mod", "project", "shape", "tests"]));
    assert_eq!(table.len(), MODULE_CHECKS.len());
    let text = fs::read_to_string(project_folder().join("src/checks/project/mod.rs")).unwrap();
    let table: BTreeSet<_> = line.captures_iter(&text).map(|found| found[1].to_owned()).collect();
    assert_eq!(table, stems("checks/project", &["broken_calls", "handlers", "mod", "protocol"]));
    assert_eq!(table.len(), PROJECT_CHECKS.len());

    let named = Regex::new(r#"(?m)^check = "([a-z-]+)""#).unwrap();
    let used: BTreeSet<_> = load::embedded()
        .iter()
        .filter_map(|rule| Some(named.captures(&rule.text)?[1].to_owned()))
        .collect();
    let module = MODULE_CHECKS.iter().map(|entry| entry.name);
    let project = PROJECT_CHECKS.iter().map(|entry| entry.name);
    let known = module.chain(project).chain([SUPPRESSIONS]);
    assert_eq!(used, known.map(str::to_owned).collect());
}

#[test]
fn every_lowering_is_a_folder_and_a_line() {
    let table = &FILES.iter().find(|file| file.path == "module/lower.rs").unwrap().code;
    let line = Regex::new(r"=>\s*\{?\s*(\w+)::lower\(").unwrap();
    let named: BTreeSet<_> = line.captures_iter(table).map(|found| found[1].to_owned()).collect();
    let folders = fs::read_dir(project_folder().join("src/module")).unwrap();
    let folders: BTreeSet<_> = folders
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    assert_eq!(named, folders);
}
