//! Imports of JavaScript and TypeScript.

use super::Tree;

#[test]
fn a_package_of_the_tree_is_found_by_its_name() {
    let tree = Tree::new(
        &[
            ("packages/db/package.json", r#"{"name": "@acme/db", "main": "./dist/index.js"}"#),
            ("packages/ui/package.json", r#"{"name": "ui", "types": "./index.d.ts"}"#),
            ("packages/bare/package.json", r#"{"name": "bare"}"#),
            ("packages/none/package.json", r#"{"name": "none"}"#),
            ("apps/web/src/page.tsx", ""),
        ],
        &[
            "packages/db/src/index.ts",
            "packages/db/src/schema.ts",
            "packages/db/seed/index.ts",
            "packages/ui/index.tsx",
            "packages/ui/index.d.ts",
            "packages/bare/src/index.js",
        ],
    );
    let resolve = |module: &str| tree.resolve("apps/web/src/page.tsx", module);
    assert_eq!(resolve("@acme/db"), "?packages/db/src/index.ts");
    assert_eq!(resolve("@acme/db/schema"), "?packages/db/src/schema.ts");
    assert_eq!(resolve("@acme/db/src/schema.js"), "?packages/db/src/schema.ts");
    assert_eq!(resolve("@acme/db/dist/schema.js"), "?packages/db/src/schema.ts");
    assert_eq!(resolve("@acme/db/seed"), "?packages/db/seed/index.ts");
    assert_eq!(resolve("@acme/db/nothing"), "<@acme/db/nothing>");
    assert_eq!(resolve("ui"), "?packages/ui/index.tsx");
    assert_eq!(resolve("bare"), "?packages/bare/src/index.js");
    assert_eq!(resolve("none"), "<none>");
    assert_eq!(resolve("@acme/other"), "<@acme/other>");
    // A folder stands for the package in it.
    assert_eq!(resolve("../../../packages/db"), "?packages/db/src/index.ts");
}

#[test]
fn exports_say_which_file_a_path_is() {
    let manifest = r#"{
        "name": "lib",
        "exports": {
            ".": {"types": "./types/main.d.ts", "import": {"default": "./dist/esm/main.mjs"}},
            "./package.json": "./package.json",
            "./exact": [null, "./code/exact.ts"],
            "./deep/*": "./code/deep/*.ts",
            "./deep/special/*": "./code/special/*/index.ts",
            "./*.css": "./styles/*.css",
            "./old/": "./code/old/"
        }
    }"#;
    let tree = Tree::new(
        &[
            ("lib/package.json", manifest),
            ("short/package.json", r#"{"name": "short", "exports": "./src/s.ts"}"#),
            (
                "by-condition/package.json",
                r#"{"name": "c", "exports": {"node": "./n.js", "default": "./d.js"}}"#,
            ),
            ("a.ts", ""),
        ],
        &[
            "lib/src/main.ts",
            "lib/code/exact.ts",
            "lib/code/deep/a/b.ts",
            "lib/code/special/x/index.ts",
            "lib/code/old/o.ts",
            "short/src/s.ts",
            "by-condition/d.js",
        ],
    );
    let resolve = |module: &str| tree.resolve("a.ts", module);
    assert_eq!(resolve("lib"), "?lib/src/main.ts");
    assert_eq!(resolve("lib/exact"), "?lib/code/exact.ts");
    assert_eq!(resolve("lib/deep/a/b"), "?lib/code/deep/a/b.ts");
    assert_eq!(resolve("lib/deep/special/x"), "?lib/code/special/x/index.ts");
    assert_eq!(resolve("lib/old/o"), "?lib/code/old/o.ts");
    assert_eq!(resolve("short"), "?short/src/s.ts");
    assert_eq!(resolve("c"), "?by-condition/d.js");
}

#[test]
fn of_packages_with_one_name_the_nearest_is_meant() {
    let tree = Tree::new(
        &[
            ("a/lib/package.json", r#"{"name": "lib"}"#),
            ("b/lib/package.json", r#"{"name": "lib"}"#),
            ("b/app.js", ""),
            ("c.js", ""),
        ],
        &["a/lib/index.js", "b/lib/index.js"],
    );
    assert_eq!(tree.resolve("b/app.js", "lib"), "?b/lib/index.js");
    assert_eq!(tree.resolve("c.js", "lib"), "?a/lib/index.js");
}

#[test]
fn a_package_called_like_a_library_means_the_library() {
    let tree = Tree::new(
        &[
            ("package.json", r#"{"name": "express", "main": "app.js"}"#),
            ("app.js", ""),
            ("db.js", ""),
            ("open/package.json", r#"{"name": "open", "exports": "./app.js"}"#),
            ("open/app.js", ""),
        ],
        &[],
    );
    assert_eq!(tree.resolve("app.js", "express"), "<express>");
    assert_eq!(tree.resolve("app.js", "express/db"), "db.js");
    assert_eq!(tree.resolve("open/app.js", "open"), "open/app.js");
    assert_eq!(tree.resolve("open/app.js", "express"), "app.js");
}

#[test]
fn names_with_a_hash_are_imports_of_the_nearest_manifest_that_has_some() {
    let imports = r##"{"imports": {
        "#config": {"development": "./src/config.dev.js", "default": "./src/config.js"},
        "#lib/*": "./src/lib/*",
        "#lib/internal/*": null,
        "#db": "db-package"
    }}"##;
    let tree = Tree::new(
        &[
            ("app/package.json", imports),
            ("app/src/package.json", r#"{"type": "module"}"#),
            ("app/src/main.ts", ""),
            ("db/package.json", r#"{"name": "db-package"}"#),
        ],
        &["app/src/config.js", "app/src/lib/users.ts", "db/index.js"],
    );
    let resolve = |module: &str| tree.resolve("app/src/main.ts", module);
    assert_eq!(resolve("#config"), "?app/src/config.js");
    assert_eq!(resolve("#lib/users.js"), "?app/src/lib/users.ts");
    assert_eq!(resolve("#lib/internal/users.js"), "<#lib/internal/users.js>");
    assert_eq!(resolve("#db"), "?db/index.js");
    assert_eq!(resolve("#other"), "<#other>");
}

#[test]
fn compilers_are_told_paths_and_a_base_folder() {
    let config = r#"{
        // with comments
        "compilerOptions": {
            "baseUrl": "./source",
            "paths": {
                "models": ["domain/models/index.ts"],
                "@app/*": ["absent/*", "app/*"],
                "@app/special/*": ["special/*"],
                "*/end": ["ends/*"],
            },
        },
    }"#;
    let tree = Tree::new(
        &[("web/tsconfig.json", config), ("web/source/a/main.ts", ""), ("main.ts", "")],
        &[
            "web/source/domain/models/index.ts",
            "web/source/app/x.ts",
            "web/source/special/x.ts",
            "web/source/ends/e.ts",
            "web/source/util.ts",
        ],
    );
    let resolve = |module: &str| tree.resolve("web/source/a/main.ts", module);
    assert_eq!(resolve("models"), "?web/source/domain/models/index.ts");
    assert_eq!(resolve("@app/x"), "?web/source/app/x.ts");
    assert_eq!(resolve("@app/special/x"), "?web/source/special/x.ts");
    assert_eq!(resolve("e/end"), "?web/source/ends/e.ts");
    assert_eq!(resolve("util"), "?web/source/util.ts");
    assert_eq!(resolve("react"), "<react>");
    assert_eq!(tree.resolve("main.ts", "models"), "<models>");
}

#[test]
fn configurations_extend_each_other() {
    let tree = Tree::new(
        &[
            ("tsconfig.base.json", r##"{"compilerOptions": {"paths": {"#/*": ["./shared/*"]}}}"##),
            ("a/tsconfig.json", r#"{"extends": "../tsconfig.base"}"#),
            ("a/main.ts", ""),
            ("conf/package.json", r#"{"name": "@acme/tsconfig"}"#),
            ("conf/web.json", r#"{"compilerOptions": {"paths": {"~/*": ["${configDir}/src/*"]}}}"#),
            (
                "b/tsconfig.json",
                r#"{"extends": ["../tsconfig.base.json", "@acme/tsconfig/web.json"]}"#,
            ),
            ("b/main.ts", ""),
            // A configuration that only names others.
            (
                "c/tsconfig.json",
                r#"{"files": [], "references": [{"path": "./tsconfig.app.json"}]}"#,
            ),
            (
                "c/tsconfig.app.json",
                r#"{"compilerOptions": {"paths": {"$lib": ["./lib/index.ts"]}}}"#,
            ),
            ("c/tsconfig.spec.json", r#"{"compilerOptions": {"paths": {"axios": ["./mock.ts"]}}}"#),
            ("c/main.ts", ""),
            ("d/tsconfig.json", r#"{"extends": "./tsconfig.json", "compilerOptions": {}}"#),
            ("d/main.ts", ""),
        ],
        &["shared/s.ts", "b/src/s.ts", "c/lib/index.ts", "c/mock.ts"],
    );
    assert_eq!(tree.resolve("a/main.ts", "#/s"), "?shared/s.ts");
    assert_eq!(tree.resolve("b/main.ts", "~/s"), "?b/src/s.ts");
    assert_eq!(tree.resolve("c/main.ts", "$lib"), "?c/lib/index.ts");
    assert_eq!(tree.resolve("c/main.ts", "axios"), "<axios>");
    // Extending itself ends; the configurations of the folders above still count.
    assert_eq!(tree.resolve("d/main.ts", "$lib"), "<$lib>");
    assert_eq!(tree.resolve("d/main.ts", "#/s"), "?shared/s.ts");
}

#[test]
fn a_path_may_lead_to_the_folder_of_a_package() {
    let tree = Tree::new(
        &[
            ("jsconfig.json", r#"{"compilerOptions": {"paths": {"@acme/*": ["./packages/*"]}}}"#),
            ("packages/db/package.json", r#"{"name": "db", "main": "lib/main.js"}"#),
            ("main.js", ""),
        ],
        &["packages/db/lib/main.js"],
    );
    assert_eq!(tree.resolve("main.js", "@acme/db"), "?packages/db/lib/main.js");
}

#[test]
fn deno_has_an_import_map() {
    let map = r#"{"imports": {"@/": "./src/", "db": "./db/mod.ts", "std": "jsr:@std/x"}}"#;
    let tree = Tree::new(&[("deno.json", map), ("src/a.ts", "")], &["src/b.ts", "db/mod.ts"]);
    let resolve = |module: &str| tree.resolve("src/a.ts", module);
    assert_eq!(resolve("@/b.ts"), "?src/b.ts");
    assert_eq!(resolve("db"), "?db/mod.ts");
    assert_eq!(resolve("std"), "<std>");
}

#[test]
fn what_no_manifest_explains_is_guessed() {
    let tree = Tree::new(&[("web/src/a/b.ts", "")], &["web/src/lib/x.ts", "web/lib/y.ts"]);
    let resolve = |module: &str| tree.resolve("web/src/a/b.ts", module);
    assert_eq!(resolve("@/lib/x"), "?web/src/lib/x.ts");
    assert_eq!(resolve("~/lib/y"), "?web/lib/y.ts");
    assert_eq!(resolve("lib/y"), "?web/lib/y.ts");
    assert_eq!(resolve("node:fs"), "<fs>");
}

#[test]
fn the_linker_asks_for_packages_of_the_tree() {
    let tree = Tree::new(
        &[
            ("packages/db/package.json", r#"{"name": "@acme/db"}"#),
            (
                "app.ts",
                "import db from '@acme/db';\nimport type { T } from './types';\n\
                 const x = require('./x');\nimport pkg from './packages/db/package.json';\n",
            ),
        ],
        &["packages/db/index.ts", "types.ts", "x.js"],
    );
    assert_eq!(tree.missing("app.ts"), ["packages/db/index.ts", "x.js"]);
}
