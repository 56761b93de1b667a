//! What a file is for: from its path, and where the path does not tell, from its content.
//!
//! The tables follow one principle: a name hides code from the rules for production only where it
//! can hardly mean anything else. `tools/` at the top of a repository holds scripts, `app/tools/`
//! may hold the product; `config.ts` is the application's, `vite.config.ts` the build's.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Language;
use crate::finding::scale;

mod content;

pub use content::of_content;

scale! {
    /// What a file is for (DESIGN.md, "Words").
    Role {
        /// It runs in production.
        Production = "production",
        /// It tests.
        Test = "test",
        /// It stands for something real during tests or development.
        Mock = "mock",
        /// It shows how to use the project.
        Example = "example",
        /// It is run by hand or by a build.
        Script = "script",
        /// It changes a database's schema.
        Migration = "migration",
        /// It configures a tool, a build or a deployment.
        Config = "config",
        /// It is read by people.
        Docs = "docs",
        /// A program wrote it.
        Generated = "generated",
        /// Somebody else's code kept in the tree.
        Vendored = "vendored",
    }
}

/// The role that a path tells (encoded, relative to the root), and whether it is certain. Where it
/// is not, [`of_content`] may change it.
#[must_use]
pub fn of_path(path: &str, language: Language) -> (Role, bool) {
    let lower = path.to_ascii_lowercase();
    let (folder, name) = lower.rsplit_once('/').unwrap_or(("", &lower));
    let folders: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    let file = File {
        folders: &folders,
        name,
        stem: name.split_once('.').map_or(name, |(stem, _)| stem),
        language,
    };

    if let Some(role) = folder_role(&folders) {
        return (role, true);
    }
    if file.is_generated() {
        return (Role::Generated, true);
    }
    let sure = [
        (Role::Mock, file.is_mock()),
        (Role::Test, file.is_test()),
        (Role::Example, file.is_example()),
        (Role::Migration, file.is_migration()),
        (Role::Docs, file.is_docs()),
        (Role::Config, file.is_config()),
        (Role::Script, file.is_script()),
    ];
    match sure.iter().find(|(_, holds)| *holds) {
        Some((role, _)) => (*role, true),
        None => (Role::Production, false),
    }
}

/// The role of a folder whose whole content is nobody's work here: [`Role::Vendored`] or
/// [`Role::Generated`]. The walk does not enter such folders.
#[must_use]
pub fn of_folder(path: &str) -> Option<Role> {
    let lower = path.to_ascii_lowercase();
    let folders: Vec<&str> = lower.split('/').collect();
    folder_role(&folders)
}

fn folder_role(folders: &[&str]) -> Option<Role> {
    for (depth, folder) in folders.iter().enumerate() {
        let parent = depth.checked_sub(1).and_then(|above| folders.get(above)).copied();
        match *folder {
            "node_modules" | "bower_components" | "jspm_packages" | "site-packages"
            | "dist-packages" | ".venv" | "virtualenv" | "third_party" | "third-party"
            | "thirdparty" | "3rdparty" | "3rd-party" | "_vendor" | "vendored" | ".yarn"
            | ".pnpm-store" | ".eggs" | ".tox" | ".nox" => return Some(Role::Vendored),
            // `vendor` is also somebody who sells: only where a tool or a web page keeps its
            // libraries is it certainly not.
            "vendor" | "vendors"
                if depth == 0 && *folder == "vendor"
                    || parent.is_some_and(|parent| {
                        matches!(
                            parent,
                            "static"
                                | "assets"
                                | "public"
                                | "js"
                                | "css"
                                | "scss"
                                | "less"
                                | "styles"
                                | "javascripts"
                                | "stylesheets"
                                | "lib"
                                | "libs"
                                | "www"
                                | "web"
                        )
                    }) =>
            {
                return Some(Role::Vendored);
            }
            "__pycache__" | ".mypy_cache" | ".pytest_cache" | ".ruff_cache" | ".next" | ".nuxt"
            | ".svelte-kit" | ".angular" | ".turbo" | ".parcel-cache" | ".nyc_output"
            | ".output" | ".gradle" | ".terraform" | ".serverless" | ".aws-sam" | "htmlcov"
            | "dist" | "storybook-static" | "__generated__" | "__snapshots__"
            | ".ipynb_checkpoints" => {
                return Some(Role::Generated);
            }
            other if other.ends_with(".egg-info") || other.ends_with(".dist-info") => {
                return Some(Role::Generated);
            }
            _ => {}
        }
    }
    None
}

/// A path in lower case, cut where the questions need it.
struct File<'p> {
    folders: &'p [&'p str],
    name: &'p str,
    /// The name up to its first dot.
    stem: &'p str,
    language: Language,
}

/// Folders that hold packages.
const GROUPS: &[&str] =
    &["packages", "apps", "services", "libs", "crates", "projects", "plugins", "workspaces"];

/// Folders that are packages by themselves.
const SIDES: &[&str] = &[
    "backend", "frontend", "client", "server", "web", "ui", "api", "worker", "mobile", "desktop",
    "site", "website",
];

/// JSON that configures, wherever it lies.
const JSON_SETTINGS: &[&str] = &[
    "package.json",
    "composer.json",
    "bower.json",
    "nx.json",
    "project.json",
    "angular.json",
    "turbo.json",
    "biome.json",
    "components.json",
    "renovate.json",
    "vercel.json",
    "netlify.json",
    "firebase.json",
    "app.json",
    "settings.json",
    "config.json",
    "appsettings.json",
    "lerna.json",
    "rush.json",
    "nodemon.json",
    "pyrightconfig.json",
    "deno.json",
    "deno.jsonc",
    "serverless.json",
    "cdk.json",
    "jest.json",
];

/// Configuration files of build and lint tools: `<tool>.config.js`.
const TOOLS: &[&str] = &[
    "astro",
    "babel",
    "biome",
    "commitlint",
    "craco",
    "cypress",
    "drizzle",
    "ecosystem",
    "esbuild",
    "eslint",
    "gatsby",
    "graphql",
    "i18next",
    "jest",
    "karma",
    "knip",
    "lint-staged",
    "metro",
    "next",
    "nuxt",
    "openapi-ts",
    "orval",
    "playwright",
    "postcss",
    "prettier",
    "protractor",
    "quasar",
    "react-router",
    "release",
    "remix",
    "rollup",
    "rspack",
    "semantic-release",
    "snowpack",
    "stylelint",
    "svelte",
    "tailwind",
    "tsdown",
    "tsup",
    "turbo",
    "typedoc",
    "unocss",
    "vite",
    "vitest",
    "vue",
    "webpack",
    "windi",
    "wdio",
];

impl File<'_> {
    fn within(&self, names: &[&str]) -> bool {
        self.folders.iter().any(|folder| names.contains(folder))
    }

    /// The folders below the top, or below the package of a monorepo: `backend/scripts/a.py` and
    /// `packages/x/scripts/a.py` give `scripts`.
    fn in_package(&self) -> &[&str] {
        match self.folders {
            [group, _, inner @ ..] if GROUPS.contains(group) => inner,
            [side, inner @ ..] if SIDES.contains(side) => inner,
            all => all,
        }
    }

    /// Below such a folder of the top or of a package, not one of the same name deeper in the code.
    fn below_package(&self, names: &[&str]) -> bool {
        let first = |folders: &[&str]| folders.first().is_some_and(|folder| names.contains(folder));
        first(self.folders) || first(self.in_package())
    }

    fn is_script_language(&self) -> bool {
        matches!(self.language, Language::JavaScript | Language::TypeScript | Language::Tsx)
    }

    fn is_code(&self) -> bool {
        self.language.is_code() || self.language == Language::Unsupported
    }

    fn is_generated(&self) -> bool {
        let name = self.name;
        let ends = |suffixes: &[&str]| suffixes.iter().any(|suffix| name.ends_with(suffix));
        ends(&[
            "_pb2.py",
            "_pb2.pyi",
            "_pb2_grpc.py",
            "_pb2_grpc.pyi",
            "_pb.js",
            "_pb.ts",
            "_pb.d.ts",
            ".pb.go",
            ".pb.ts",
            ".pb.cc",
            ".pb.h",
            ".min.js",
            ".min.css",
            ".min.mjs",
            ".bundle.js",
            ".bundle.css",
            ".map",
            ".snap",
            ".g.dart",
            ".freezed.dart",
        ]) || (self.is_code() && (name.contains(".generated.") || name.contains(".gen.")))
            || matches!(
                name,
                "package-lock.json"
                    | "npm-shrinkwrap.json"
                    | "yarn.lock"
                    | "pnpm-lock.yaml"
                    | "bun.lock"
                    | "bun.lockb"
                    | "poetry.lock"
                    | "uv.lock"
                    | "pdm.lock"
                    | "pipfile.lock"
                    | "cargo.lock"
                    | "composer.lock"
                    | "gemfile.lock"
                    | "go.sum"
                    | "flake.lock"
                    | "deno.lock"
                    | "mix.lock"
                    | "podfile.lock"
                    | "package.resolved"
                    | ".terraform.lock.hcl"
                    | "next-env.d.ts"
                    | "gradlew"
                    | "gradlew.bat"
                    | "mvnw"
                    | "mvnw.cmd"
            )
            || (self.is_code() && self.within(&["generated"]))
    }

    fn is_mock(&self) -> bool {
        if self.within(&["__mocks__"]) {
            return true;
        }
        if self.within(&["mocks", ".mocks", "mock", "fakes", "mock_data", "mock-data", "mockdata"])
        {
            return !self.is_prose();
        }
        self.is_code() && {
            let stem = self.stem;
            let marks = [".mock.", ".mocks.", ".fake.", ".stub."];
            marks.iter().any(|mark| self.name.contains(mark))
                || (self.in_test_folder()
                    && (stem.starts_with("mock_")
                        || stem.ends_with("_mock")
                        || matches!(stem, "mock" | "mocks")))
        }
    }

    fn in_test_folder(&self) -> bool {
        self.folders.iter().any(|folder| {
            matches!(
                *folder,
                "test"
                    | "tests"
                    | "__tests__"
                    | "__test__"
                    | "e2e"
                    | "cypress"
                    | "playwright"
                    | "testing"
                    | "testdata"
                    | "test_data"
                    | "test-data"
                    | "fixtures"
                    | "__fixtures__"
                    | "benches"
                    | "benchmarks"
                    | "benchmark"
                    | "test-utils"
                    | "test_utils"
                    | "testutils"
                    | "test-helpers"
                    | "test_helpers"
                    | "loadtest"
                    | "loadtests"
                    | "load-test"
                    | "load_test"
                    | "perftest"
                    | "k6"
                    | "locust"
                    | "__specs__"
            ) || folder.ends_with("-tests")
                || folder.ends_with("_tests")
                || folder.starts_with("tests_")
                || folder.starts_with("tests-")
                || folder.ends_with("-e2e")
        }) || (self.is_code() && self.within(&["spec", "specs"]))
    }

    fn is_test(&self) -> bool {
        if self.in_test_folder() {
            return !(self.is_prose() && self.within(&["docs", "doc"]));
        }
        let (name, stem) = (self.name, self.stem);
        let between = |marks: &[&str]| marks.iter().any(|mark| name.contains(mark));
        match self.language {
            Language::Python => {
                matches!(stem, "conftest" | "tests" | "test" | "locustfile")
                    || (self.within(&["settings"])
                        && matches!(
                            stem,
                            "ci" | "dev"
                                | "develop"
                                | "development"
                                | "local"
                                | "local_dev"
                                | "testing"
                        ))
                    || stem.starts_with("test_")
                    || stem.starts_with("tests_")
                    || stem.ends_with("_test")
                    || stem.ends_with("_tests")
            }
            Language::Rust => {
                matches!(stem, "tests" | "test")
                    || stem.ends_with("_test")
                    || stem.ends_with("_tests")
            }
            Language::JavaScript | Language::TypeScript | Language::Tsx | Language::Vue => {
                between(&[
                    ".spec.",
                    ".test.",
                    ".cy.",
                    ".e2e.",
                    ".e2e-spec.",
                    ".unit.",
                    "-spec.",
                    "_spec.",
                    "-test.",
                    "_test.",
                    ".itest.",
                    ".setup.",
                ]) || matches!(
                    stem,
                    "setuptests"
                        | "setup-tests"
                        | "test-setup"
                        | "jest-setup"
                        | "setup-jest"
                        | "test-utils"
                        | "testutils"
                        | "enzyme_setup"
                        | "test"
                        | "tests"
                )
            }
            _ => false,
        }
    }

    fn is_example(&self) -> bool {
        self.within(&["examples", "__examples__", "stories"])
            || self.below_package(&[
                "example",
                "samples",
                "sample",
                "demo",
                "demos",
                "playground",
                "sandbox",
            ])
            || (self.is_script_language() && self.name.contains(".stories."))
    }

    fn is_migration(&self) -> bool {
        let alters = self.is_code()
            || matches!(self.language, Language::Ini | Language::Toml | Language::Other);
        alters
            && (self.within(&["migrations", "migration", "alembic"])
                || self.folders.windows(2).any(|pair| {
                    matches!(
                        pair,
                        ["db" | "database", "migrate"]
                            | ["versions", "alembic"]
                            | ["flyway", "sql"]
                    )
                }))
    }

    fn is_prose(&self) -> bool {
        self.language == Language::Text
    }

    fn is_docs(&self) -> bool {
        if self.below_package(&["docs", "doc", "documentation"]) {
            return true;
        }
        if !self.is_prose() || self.is_requirements() || self.name == "robots.txt" {
            return false;
        }
        // A text among templates is sent to somebody, not read here.
        !self.within(&["templates", "views", "email-templates", "emails"])
    }

    fn is_requirements(&self) -> bool {
        self.language == Language::Text
            && (self.name.starts_with("requirements")
                || self.name.starts_with("constraints")
                || self.within(&["requirements"]))
    }

    fn is_config(&self) -> bool {
        let name = self.name;
        if self.is_requirements() || name.starts_with('.') {
            return true;
        }
        // `.github/`, `.devcontainer/`, `.storybook/`: settings of a tool, whatever the language.
        if self.folders.iter().any(|folder| folder.starts_with('.')) {
            return true;
        }
        match self.language {
            // What a product serves or translates is its data, whatever the format.
            Language::Yaml
                if self.within(&[
                    "i18n",
                    "locales",
                    "locale",
                    "translations",
                    "static",
                    "assets",
                ]) =>
            {
                false
            }
            Language::Yaml
            | Language::Toml
            | Language::Ini
            | Language::Dotenv
            | Language::Dockerfile => true,
            // JSON deeper in the tree is data too.
            Language::Json => {
                self.in_package().is_empty()
                    || JSON_SETTINGS.contains(&name)
                    || (name.starts_with("tsconfig") || name.starts_with("jsconfig"))
                    || name.contains(".config.")
                    || name.starts_with("appsettings.")
                    || self.within(&[
                        "config",
                        "configs",
                        "conf",
                        "k8s",
                        "kubernetes",
                        "deploy",
                        "deployment",
                        "infra",
                    ])
            }
            Language::Python => {
                (name == "setup.py" && self.in_package().is_empty())
                    || matches!(
                        name,
                        "noxfile.py"
                            | "gunicorn.conf.py"
                            | "gunicorn_conf.py"
                            | "gunicorn_config.py"
                    )
            }
            Language::JavaScript | Language::TypeScript => self.is_tool_config(),
            Language::Shell => matches!(name, "procfile"),
            Language::Unsupported => {
                name.ends_with(".gradle")
                    || matches!(name, "jenkinsfile" | "vagrantfile" | "gemfile" | "podfile")
            }
            Language::Xml => {
                matches!(name, "pom.xml" | "web.config" | "phpunit.xml" | "logback.xml")
            }
            _ => false,
        }
    }

    /// `vite.config.ts`, `karma.conf.js`, `webpack.prod.js`; but `database.config.ts` below `src/`
    /// is how NestJS names what an application reads its settings with.
    fn is_tool_config(&self) -> bool {
        let (name, stem) = (self.name, self.stem);
        if matches!(stem, "gruntfile" | "gulpfile" | "jakefile" | "dangerfile") {
            return true;
        }
        let dotted = |mark: &str| name.contains(mark);
        let tool =
            TOOLS.contains(&stem) || TOOLS.iter().any(|tool| stem.starts_with(&format!("{tool}-")));
        if dotted(".config.") || dotted(".conf.") || dotted(".preset.") || dotted(".workspace.") {
            return tool || !has_source_folder(self.folders);
        }
        stem == "webpack" || (self.within(&["webpack"]) && !has_source_folder(self.folders))
    }

    fn is_script(&self) -> bool {
        let (name, stem) = (self.name, self.stem);
        if self.language == Language::Shell {
            // What a container starts with runs in production.
            return !stem.contains("entrypoint");
        }
        if !self.is_code() {
            return false;
        }
        if self.folders.windows(2).any(|pair| *pair == ["management", "commands"]) {
            return true;
        }
        match self.language {
            Language::Python
                if matches!(name, "manage.py" | "fabfile.py" | "seed.py" | "seeds.py") =>
            {
                return true;
            }
            Language::Rust if name == "build.rs" => return true,
            Language::Rust if self.folders.windows(2).any(|pair| *pair == ["src", "bin"]) => {
                return false;
            }
            Language::JavaScript if stem == "www" => return false,
            Language::JavaScript | Language::TypeScript if matches!(stem, "seed" | "seeds") => {
                return true;
            }
            Language::Css | Language::Html => return false,
            Language::Sql
                if self.within(&["seeds", "seed"]) || matches!(stem, "seed" | "seeds") =>
            {
                return true;
            }
            _ => {}
        }
        // Scripts of a page are the product.
        let page = self.within(&["static", "assets", "public", "www"]);
        (self.within(&["scripts", "script"]) && !page)
            || (self.within(&["database"]) && self.within(&["factories", "seeders"]))
            || self.below_package(&[
                "bin", "tools", "tool", "hack", "ci", "devtools", "seeds", "seeders", "infra", "deploy",
                "deployment", "ops", "terraform", "ansible", "docker",
            ])
            // Hooks of git or of a project template; those of React are the product.
            || (self.below_package(&["hooks"]) && self.language == Language::Python)
    }
}

/// Whether a path leads through a folder that by convention holds a product's source.
fn has_source_folder(folders: &[&str]) -> bool {
    folders
        .iter()
        .any(|folder| matches!(*folder, "src" | "app" | "lib" | "server" | "api" | "source"))
}

#[cfg(test)]
mod tests;
