#![allow(clippy::unwrap_used)]

mod rust;
mod script;

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::limits::{Limits, PARSE_STACK};
use crate::module::lower;
use crate::source::language;

/// A tree: files with their texts, and those of which only the names are known.
struct Tree {
    modules: BTreeMap<String, Module>,
    known: BTreeSet<String>,
}

impl Tree {
    fn new(files: &[(&str, &str)], known: &[&str]) -> Self {
        let lowered = |path: &str, text: &str| {
            let language = language::of(path, None);
            std::thread::scope(|scope| {
                std::thread::Builder::new()
                    .stack_size(PARSE_STACK)
                    .spawn_scoped(scope, || {
                        lower::lower(language, text, &Limits::default()).unwrap()
                    })
                    .unwrap()
                    .join()
                    .unwrap()
            })
        };
        let modules: BTreeMap<_, _> =
            files.iter().map(|(path, text)| ((*path).to_owned(), lowered(path, text))).collect();
        let mut known: BTreeSet<_> = known.iter().map(|path| (*path).to_owned()).collect();
        known.extend(modules.keys().cloned());
        Self { modules, known }
    }

    fn program(&self) -> Program<'_> {
        let modules = self.modules.iter().map(|(path, module)| (path.as_str(), module));
        Program::new(modules, Some(&self.known))
    }

    /// Where a module leads, by the path of the file that imports it.
    fn resolve(&self, from: &str, module: &str) -> String {
        let program = self.program();
        shown(&program, &program.resolve(program.by_path[from], module))
    }

    /// Where a path of Rust leads, with what is left of it.
    fn locate(&self, from: &str, path: &str) -> String {
        let (from, scope) = from.split_once(' ').unwrap_or((from, ""));
        let scope: Vec<SmolStr> = scope.split_whitespace().map(SmolStr::new).collect();
        let program = self.program();
        let Located { target, rest } = program.locate(program.by_path[from], &scope, path);
        std::iter::once(shown(&program, &target))
            .chain(rest.iter().map(SmolStr::to_string))
            .collect::<Vec<_>>()
            .join(" ")
    }

    fn missing(&self, from: &str) -> Vec<String> {
        let program = self.program();
        let mut out = BTreeSet::new();
        program.missing_imports(program.by_path[from], &mut OpenPaths::default(), &mut out);
        out.into_iter().collect()
    }
}

fn shown(program: &Program<'_>, target: &Target) -> String {
    match target {
        Target::File(id) => program.file(*id).path.to_owned(),
        Target::Package(path) => format!("{path}/"),
        Target::Missing(path) => format!("?{path}"),
        Target::External(path) => format!("<{path}>"),
    }
}

#[test]
fn documents_are_offered_and_are_no_files() {
    let tree = Tree::new(
        &[
            ("a.py", "import b"),
            ("api.yaml", "openapi: '3.1.0'\npaths: {}\n---\nsecond: 1\n"),
            ("package.json", "{\"name\": \"x\"}"),
        ],
        &[],
    );
    let program = tree.program();
    let paths: Vec<_> = program.documents().iter().map(|(path, _)| *path).collect();
    assert_eq!(paths, ["api.yaml", "api.yaml", "package.json"]);
    assert_eq!(data::text(program.documents()[0].1, &["openapi"]), Some("3.1.0"));
    assert_eq!(program.ids().count(), 1);
}

#[test]
fn python_is_found_below_the_folders_that_a_manifest_declares() {
    let setuptools = "[tool.setuptools]\npackage-dir = {\"\" = \"python\"}\n\
        [tool.setuptools.packages.find]\nwhere = [\"lib\", \"../shared\"]\n";
    let poetry = "[tool.poetry]\npackages = [{include = \"deep\", from = \"code/main\"}]\n";
    let tree = Tree::new(
        &[("app/pyproject.toml", setuptools), ("app/tests/run.py", ""), ("pyproject.toml", poetry)],
        &[
            "app/python/one/__init__.py",
            "app/lib/two.py",
            "shared/three.py",
            "code/main/deep/__init__.py",
            "other/four.py",
        ],
    );
    let resolve = |module: &str| tree.resolve("app/tests/run.py", module);
    assert_eq!(resolve("one"), "?app/python/one/__init__.py");
    assert_eq!(resolve("two"), "?app/lib/two.py");
    assert_eq!(resolve("three"), "?shared/three.py");
    assert_eq!(resolve("deep"), "?code/main/deep/__init__.py");
    assert_eq!(resolve("four"), "<four>");
}

#[test]
fn manifests_that_say_nonsense_do_no_harm() {
    let nonsense = [
        "[]",
        "1",
        "{}",
        "{\"name\": 1}",
        "{\"name\": \"\", \"exports\": [[[]]], \"main\": \"../../..\"}",
        "{\"name\": \"a\", \"exports\": {\".\": {\"x\": {\"x\": {\"x\": null}}}, \"./*\": \"*\"}}",
        "{\"name\": \"a\", \"main\": \"\", \"imports\": {\"#*\": \"#*\", \"#x\": \"a\"}}",
        "{\"compilerOptions\": {\"baseUrl\": \"../..\", \"paths\": {\"*\": \"*\", \"**\": [\"***\"]}}}",
        "{\"extends\": [\".\", \"./tsconfig.json\", \"a\", \"@\", \"\"], \"compilerOptions\": []}",
    ];
    let tables = [
        "package = 1\nlib = 2",
        "[package]\nname = ''\n[lib]\npath = '../../x.rs'\n[[bin]]\npath = ''\n[dependencies]\na = 1",
        "[package]\nname = 'a'\n[dependencies]\na = {path = '.', workspace = true}\n[workspace]\ndependencies = 1",
        "[tool.setuptools]\npackage-dir = 1\n[tool.poetry]\npackages = ['a']",
    ];
    for json in nonsense {
        for toml in tables {
            let tree = Tree::new(
                &[
                    ("package.json", json),
                    ("tsconfig.json", json),
                    ("p/package.json", json),
                    ("p/deno.json", json),
                    ("Cargo.toml", toml),
                    ("pyproject.toml", toml),
                    ("p/Cargo.toml", toml),
                    ("p/a.ts", ""),
                    ("p/src/a.rs", "use a::a; use self::a as a; use super::*; use crate::a::a;"),
                    ("p/a.py", ""),
                ],
                &["p/src/lib.rs"],
            );
            for module in ["a", "a/b", "#x", "#y", "", "/", "@", "@/", "..", "*", "a::b", "::"] {
                for file in ["p/a.ts", "p/src/a.rs", "p/a.py"] {
                    tree.resolve(file, module);
                }
            }
            assert!(tree.missing("p/src/a.rs").len() <= 1);
        }
    }
}
