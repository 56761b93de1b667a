//! Paths of Rust.

use super::Tree;

const API: &str = "[package]\nname = \"acme-api\"\n[dependencies]\nacme-db = {path = \"../db\"}\n\
    store = {package = \"acme-db\", path = \"../db\"}\n\
    old_db = {package = \"acme-db\", version = \"0.1\"}\ncommon_tools = \"1\"\nshared = {workspace = true}\n";
const DB: &str =
    "[package]\nname = \"acme-db\"\n[lib]\nname = \"database\"\npath = \"code/all.rs\"\n";
const ROOT: &str = "[workspace]\nmembers = [\"*\"]\n[workspace.dependencies]\nshared = {path = \"tools/common\"}\n";

#[test]
fn paths_walk_over_files_and_inline_modules() {
    let tree = Tree::new(
        &[
            ("Cargo.toml", "[package]\nname = \"app\"\n"),
            (
                "src/main.rs",
                "mod routes;\nmod config;\nmod inner {\n  pub mod deep;\n  pub mod flat { pub fn f() {} }\n  \
                 mod empty {}\n}\nfn main() {}\n",
            ),
            ("src/routes/mod.rs", "pub mod users;\nmod admin;\n"),
            (
                "src/routes/users.rs",
                "mod tests { use super::*; }\nmod details;\npub fn list() {}\n",
            ),
            ("src/routes/users/details.rs", ""),
            ("src/inner/deep.rs", ""),
        ],
        &["src/config.rs", "src/routes/admin.rs", "src/orphan.rs"],
    );
    let from_main = |path: &str| tree.locate("src/main.rs", path);
    assert_eq!(from_main("crate"), "src/main.rs");
    assert_eq!(from_main("crate::routes"), "src/routes/mod.rs");
    assert_eq!(from_main("routes::users::list"), "src/routes/users.rs list");
    assert_eq!(from_main("self::routes::admin::x::y"), "?src/routes/admin.rs x y");
    assert_eq!(from_main("crate::config"), "?src/config.rs");
    assert_eq!(from_main("crate::inner::deep"), "src/inner/deep.rs");
    assert_eq!(from_main("crate::inner::flat::f"), "src/main.rs inner flat f");
    assert_eq!(from_main("inner::empty::x"), "src/main.rs inner empty x");
    assert_eq!(from_main("crate::main"), "src/main.rs main");
    // What is not declared is no module.
    assert_eq!(from_main("crate::orphan::x"), "src/main.rs orphan x");
    assert_eq!(from_main("axum::Router"), "<axum::Router>");
    assert_eq!(from_main("::axum::Router"), "<::axum::Router>");

    let from_users = |path: &str| tree.locate("src/routes/users.rs", path);
    assert_eq!(from_users("self"), "src/routes/users.rs");
    assert_eq!(from_users("details"), "src/routes/users/details.rs");
    assert_eq!(from_users("super"), "src/routes/mod.rs");
    assert_eq!(from_users("super::super::config"), "?src/config.rs");
    assert_eq!(from_users("super::admin"), "?src/routes/admin.rs");
    assert_eq!(from_users("super::super::super::x"), "<super::super::super::x>");
    assert_eq!(tree.locate("src/routes/users.rs tests", "super::list"), "src/routes/users.rs list");
    assert_eq!(tree.locate("src/main.rs inner flat", "super::deep"), "src/inner/deep.rs");
    assert_eq!(tree.locate("src/inner/deep.rs", "super::flat::f"), "src/main.rs inner flat f");
    assert_eq!(tree.locate("src/routes/users/details.rs", "super::super"), "src/routes/mod.rs");
}

#[test]
fn crates_of_the_tree_are_found_by_their_names() {
    let tree = Tree::new(
        &[
            ("Cargo.toml", ROOT),
            ("api/Cargo.toml", API),
            ("api/src/main.rs", "mod x;"),
            ("api/src/bin/tool.rs", ""),
            ("api/tests/it.rs", "mod common;"),
            ("api/tests/common/mod.rs", ""),
            ("db/Cargo.toml", DB),
            ("db/code/all.rs", "pub mod models;\npub use models::User;\n"),
            ("db/code/models.rs", "pub struct User { id: u32 }\nimpl User { pub fn find() {} }\n"),
            ("tools/common/Cargo.toml", "[package]\nname = \"common-tools\"\n"),
        ],
        &["api/src/lib.rs", "api/src/x.rs", "tools/common/src/lib.rs", "tools/common/src/time.rs"],
    );
    let locate = |path: &str| tree.locate("api/src/main.rs", path);
    // By the name of the library, by that of the dependency, and by a new name.
    assert_eq!(locate("database::models"), "db/code/models.rs");
    assert_eq!(locate("acme_db::models"), "db/code/models.rs");
    assert_eq!(locate("store::User::find"), "db/code/models.rs User find");
    assert_eq!(locate("shared::time::now"), "?tools/common/src/time.rs now");
    assert_eq!(tree.locate("db/code/all.rs", "common_tools"), "?tools/common/src/lib.rs");
    // A version alone is one of a registry.
    assert_eq!(locate("old_db::models"), "<old_db::models>");
    assert_eq!(locate("common_tools"), "<common_tools>");
    assert_eq!(locate("acme_api::x"), "?api/src/x.rs");
    assert_eq!(locate("acme_other::x"), "<acme_other::x>");

    assert_eq!(tree.locate("api/src/bin/tool.rs", "crate"), "api/src/bin/tool.rs");
    assert_eq!(tree.locate("api/tests/it.rs", "common"), "api/tests/common/mod.rs");
    assert_eq!(tree.locate("db/code/models.rs", "super::User"), "db/code/models.rs User");
}

#[test]
fn every_file_has_the_root_of_its_crate() {
    let manifest = "[package]\nname = \"a\"\n[[bin]]\nname = \"b\"\npath = \"cli/start.rs\"\n";
    let tree = Tree::new(
        &[
            ("a/Cargo.toml", manifest),
            ("a/src/lib.rs", "mod both;\nmod library;"),
            ("a/src/main.rs", "mod both;\nmod program;"),
            ("a/src/both.rs", ""),
            ("a/src/library.rs", ""),
            ("a/src/program/mod.rs", ""),
            ("a/src/bin/tool/main.rs", "mod part;"),
            ("a/src/bin/tool/part.rs", ""),
            ("a/cli/start.rs", "mod more;"),
            ("a/cli/more.rs", ""),
            ("a/build.rs", ""),
            ("a/examples/one.rs", ""),
            ("loose/main.rs", ""),
            ("loose/deep/x.rs", ""),
            ("nowhere/x.rs", ""),
        ],
        &[],
    );
    let root = |path: &str| {
        let program = tree.program();
        let root = program.crate_root(program.by_path[path]);
        root.map(|root| super::shown(&program, &root)).unwrap_or_default()
    };
    for (file, expected) in [
        ("a/src/lib.rs", "a/src/lib.rs"),
        ("a/src/both.rs", "a/src/lib.rs"),
        ("a/src/library.rs", "a/src/lib.rs"),
        ("a/src/program/mod.rs", "a/src/main.rs"),
        ("a/src/bin/tool/part.rs", "a/src/bin/tool/main.rs"),
        ("a/cli/more.rs", "a/cli/start.rs"),
        ("a/build.rs", "a/build.rs"),
        ("a/examples/one.rs", "a/examples/one.rs"),
        ("loose/deep/x.rs", "loose/main.rs"),
        ("nowhere/x.rs", ""),
    ] {
        assert_eq!(root(file), expected, "{file}");
    }
}

#[test]
fn imports_hand_names_on() {
    let tree = Tree::new(
        &[
            ("Cargo.toml", "[package]\nname = \"app\"\n"),
            (
                "src/lib.rs",
                "mod db;\nmod prelude;\nmod api;\npub use db::{pool as connections, Pool};\n\
                 pub use self::api::*;\n",
            ),
            ("src/db.rs", "pub struct Pool;\npub fn pool() {}\n"),
            (
                "src/prelude.rs",
                "pub use crate::Pool;\npub use serde::Serialize;\npub use crate::api::v1;\n",
            ),
            ("src/api.rs", "pub mod v1;\npub fn routes() {}\n"),
            ("src/api/v1.rs", "use crate::prelude::Pool;\nimpl Pool {}\n"),
            ("src/circle.rs", "pub use crate::other::x;"),
        ],
        &[],
    );
    let locate = |path: &str| tree.locate("src/prelude.rs", path);
    assert_eq!(locate("crate::Pool"), "src/db.rs Pool");
    assert_eq!(locate("crate::connections"), "src/db.rs pool");
    assert_eq!(locate("crate::prelude::Pool::new"), "src/db.rs Pool new");
    assert_eq!(locate("crate::prelude::Serialize"), "<serde::Serialize>");
    assert_eq!(locate("crate::routes"), "src/api.rs routes");
    assert_eq!(locate("crate::v1"), "src/api/v1.rs");
    assert_eq!(locate("v1"), "src/api/v1.rs");
    assert_eq!(tree.locate("src/api/v1.rs", "Pool"), "src/db.rs Pool");
    assert_eq!(locate("crate::nothing::at::all"), "src/lib.rs nothing at all");
}

#[test]
fn imports_in_circles_end() {
    let tree = Tree::new(
        &[
            (
                "src/lib.rs",
                "pub mod a;\npub mod b;\npub use a::*;\npub use b::*;\npub use self::c as c;\nuse d;\nuse e::e;\n",
            ),
            ("src/a.rs", "pub use super::*;\npub use crate::b::*;\npub use crate::b::x;\n"),
            ("src/b.rs", "pub use super::*;\npub use crate::a::*;\npub use crate::a::x;\n"),
        ],
        &[],
    );
    for path in ["crate::x", "crate::y::z", "a::b::a::b::x", "c", "d", "e", "crate::d::d"] {
        for file in ["src/lib.rs", "src/a.rs", "src/b.rs"] {
            tree.locate(file, path);
        }
    }
    assert_eq!(tree.locate("src/a.rs", "crate::b"), "src/b.rs");
}

#[test]
fn modules_may_lie_elsewhere() {
    let tree = Tree::new(
        &[
            ("Cargo.toml", "[package]\nname = \"app\"\n"),
            (
                "src/lib.rs",
                "#[cfg(unix)]\n#[path = \"sys/unix.rs\"]\nmod sys;\n#[cfg(windows)]\n\
                 #[path = \"sys/windows.rs\"]\nmod sys;\npub mod util;\ncfg_if! { mod hidden; }\n",
            ),
            ("src/sys/unix.rs", "mod part;\nuse super::util;\n"),
            ("src/circle.rs", "#[path = \"circle.rs\"]\nmod circle;\n"),
        ],
        &["src/util.rs", "src/sys/part.rs", "src/hidden.rs"],
    );
    let unix = |path: &str| tree.locate("src/sys/unix.rs", path);
    assert_eq!(tree.locate("src/lib.rs", "sys"), "src/sys/unix.rs");
    assert_eq!(unix("part"), "?src/sys/part.rs");
    assert_eq!(unix("super::util"), "?src/util.rs");
    assert_eq!(unix("crate::util"), "?src/util.rs");
    assert_eq!(tree.locate("src/lib.rs", "crate::hidden"), "?src/hidden.rs");
    tree.locate("src/circle.rs", "circle::super::circle");
    tree.locate("src/circle.rs", "crate::circle");
}

#[test]
fn the_linker_asks_for_modules_that_are_named() {
    let tree = Tree::new(
        &[
            ("Cargo.toml", ROOT),
            ("api/Cargo.toml", API),
            (
                "api/src/main.rs",
                "mod routes;\nmod unused;\nmod state;\nuse axum::Router;\nuse crate::state::{pool, State};\n\
                 use database::models::User;\nfn main() { Router::new().merge(routes::all()); shared::start(); }\n",
            ),
            ("db/Cargo.toml", DB),
            ("tools/common/Cargo.toml", "[package]\nname = \"shared\"\n"),
        ],
        &[
            "api/src/routes.rs",
            "api/src/unused.rs",
            "api/src/state/mod.rs",
            "api/src/state/pool.rs",
            "db/code/all.rs",
            "db/code/models.rs",
            "tools/common/src/lib.rs",
        ],
    );
    assert_eq!(
        tree.missing("api/src/main.rs"),
        [
            "api/src/routes.rs",
            "api/src/state/mod.rs",
            "api/src/state/pool.rs",
            "db/code/models.rs",
            "tools/common/src/lib.rs",
        ]
    );
}

#[test]
fn an_import_resolves_to_a_file_only_where_the_whole_path_is_its_module() {
    let tree = Tree::new(
        &[
            ("src/main.rs", "mod db;\nmod inline { pub fn f() {} }"),
            ("src/db.rs", "pub enum E { A }"),
        ],
        &["src/x.rs"],
    );
    assert_eq!(tree.resolve("src/main.rs", "crate::db"), "src/db.rs");
    assert_eq!(tree.resolve("src/main.rs", "crate::db::E"), "<crate::db::E>");
    assert_eq!(tree.resolve("src/main.rs", "crate::inline"), "<crate::inline>");
    assert_eq!(tree.resolve("src/main.rs", "std::env"), "<std::env>");
}

#[test]
fn a_name_is_found_among_many_modules_that_take_everything_from_each_other() {
    let names: Vec<String> =
        (0..60).map(|at| format!("part{at}")).chain(["users".into()]).collect();
    let root: String =
        names.iter().map(|name| format!("mod {name};\npub use {name}::*;\n")).collect();
    let paths: Vec<String> = names.iter().map(|name| format!("src/{name}.rs")).collect();
    let mut files = vec![
        ("Cargo.toml", "[package]\nname = \"app\"\n"),
        ("src/lib.rs", root.as_str()),
        ("src/users.rs", "use crate::*;\npub struct User;\n"),
    ];
    files.extend(paths[..30].iter().map(|path| (path.as_str(), "use crate::*;\npub fn f() {}\n")));
    let imports = "use crate::User;\npub fn g(_: User) {}\n";
    files.extend(paths[30..60].iter().map(|path| (path.as_str(), imports)));
    let tree = Tree::new(&files, &[]);
    assert_eq!(tree.locate("src/part3.rs", "crate::User"), "src/users.rs User");
    assert_eq!(tree.locate("src/part3.rs", "User"), "src/users.rs User");
    assert_eq!(tree.locate("src/part3.rs", "crate::Nobody"), "src/lib.rs Nobody");
}
