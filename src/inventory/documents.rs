//! Which data files the linker and the inventories want: manifests, by which imports are resolved,
//! descriptions of interfaces, and configurations of proxies.

use crate::source::{Language, Role, Source};

/// Names of manifests.
const MANIFESTS: &[&str] = &[
    "package.json",
    "lerna.json",
    "project.json",
    "angular.json",
    "deno.json",
    "deno.jsonc",
    "pnpm-workspace.yaml",
    "Cargo.toml",
    "pyproject.toml",
];

/// Whether a data file is wanted as documents. Lock files never are.
#[must_use]
pub fn wanted(source: &Source) -> bool {
    let name = source.path.rsplit('/').next().unwrap_or(&source.path);
    match source.role {
        // The manifests of what is tested or shown are often broken on purpose.
        Role::Production | Role::Script | Role::Config => {
            is_manifest(name)
                || describes_interface(source.language, &source.text)
                || configures_compiler(source.language, &source.text)
                || configures_proxy(source.language, name, &source.text)
        }
        // Descriptions of interfaces are documentation, too.
        Role::Docs => describes_interface(source.language, &source.text),
        _ => false,
    }
}

fn is_manifest(name: &str) -> bool {
    let has_paths = |name: &str| {
        let stem = name.strip_suffix(".json");
        stem.is_some_and(|stem| {
            ["tsconfig", "jsconfig"].iter().any(|kind| {
                stem.strip_prefix(kind)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-', '_']))
            })
        })
    };
    MANIFESTS.contains(&name) || has_paths(name)
}

/// Whether a text is a document of OpenAPI or Swagger: its outermost map has the key `openapi` or
/// `swagger`, and the key `paths`.
fn describes_interface(language: Language, text: &str) -> bool {
    if !(text.contains("openapi") || text.contains("swagger")) || !text.contains("paths") {
        return false;
    }
    let (mut version, mut paths) = (false, false);
    let mut key = |key: &str| {
        version |= matches!(key, "openapi" | "swagger");
        paths |= key == "paths";
    };
    match language {
        Language::Json => outermost_keys(text, &mut key),
        Language::Yaml if text.trim_start().starts_with('{') => outermost_keys(text, &mut key),
        Language::Yaml => text.lines().filter_map(block_key).for_each(key),
        _ => {}
    }
    version && paths
}

/// Whether a text is a configuration of a TypeScript compiler under a name of its own, which
/// others extend.
fn configures_compiler(language: Language, text: &str) -> bool {
    let mut found = false;
    if language == Language::Json && text.contains("compilerOptions") {
        outermost_keys(text, &mut |key| found |= key == "compilerOptions");
    }
    found
}

/// Whether a text says what a proxy hands on: one of nginx, or of the development server of
/// Angular.
fn configures_proxy(language: Language, name: &str, text: &str) -> bool {
    match language {
        Language::Ini => text.contains("proxy_pass") && text.contains("location"),
        Language::Json => name.contains("proxy") && text.contains("\"target\""),
        _ => false,
    }
}

/// The key with which a line of YAML begins.
fn block_key(line: &str) -> Option<&str> {
    let (key, rest) = line.split_once(':')?;
    let ends = rest.is_empty() || rest.starts_with([' ', '\t', '\r']);
    ends.then(|| key.trim_end().trim_matches(['"', '\'']))
}

/// The strings of the outermost map of a JSON text behind which a colon stands.
fn outermost_keys<'t>(text: &'t str, found: &mut impl FnMut(&'t str)) {
    let bytes = text.as_bytes();
    let mut depth = 0usize;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => {
                let start = at;
                while bytes.get(at).is_some_and(|byte| *byte != b'"') {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
                let is_key = || text.get(at + 1..)?.trim_start().strip_prefix(':');
                if depth == 1
                    && is_key().is_some()
                    && let Some(key) = text.get(start..at)
                {
                    found(key);
                }
                at += 1;
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Encoding, language};

    fn wants(path: &str, role: Role, text: &str) -> bool {
        wanted(&Source {
            path: path.to_owned(),
            language: language::of(path, None),
            role,
            text: text.to_owned(),
            encoding: Encoding::Utf8,
        })
    }

    #[test]
    fn manifests_are_known_by_their_names() {
        let wants = |path: &str| wants(path, Role::Config, "");
        for path in [
            "package.json",
            "apps/web/tsconfig.json",
            "tsconfig.base.json",
            "tsconfig-build.json",
            "a/jsconfig.json",
            "Cargo.toml",
            "b/pyproject.toml",
            "pnpm-workspace.yaml",
            "lerna.json",
            "c/project.json",
            "deno.json",
            "angular.json",
        ] {
            assert!(wants(path), "{path}");
        }
        for path in [
            "package-lock.json",
            "pnpm-lock.yaml",
            "Cargo.lock",
            "uv.lock",
            "deno.lock",
            "tsconfigs.json",
            "tsconfig.tsbuildinfo",
            "data.json",
        ] {
            assert!(!wants(path), "{path}");
        }
    }

    #[test]
    fn interfaces_are_known_by_their_outermost_keys() {
        let yaml = |text: &str| wants("docs/api.yaml", Role::Docs, text);
        assert!(yaml("# x\nopenapi: 3.1.0\ninfo:\n  title: x\npaths:\n  /a: {}\n"));
        assert!(yaml("\"swagger\": '2.0'\r\n'paths':\r\n"));
        assert!(yaml("{openapi: 1, \"openapi\": \"3.0.0\", \"paths\": {}}"));
        assert!(!yaml("data:\n  openapi: 3.1.0\n  paths:\n    /a: {}\n"));
        assert!(!yaml("openapi: 3.1.0\nwebhooks: {}\n# paths: none\n"));
        assert!(!yaml("text: openapi\npaths: [swagger]\n"));
        let json = |text: &str| wants("api/spec.json", Role::Production, text);
        assert!(json("{\"info\": {\"a\": \"}\"}, \"openapi\" : \"3.1.0\", \"paths\": {}}"));
        assert!(!json("{\"a\": {\"openapi\": \"3.1.0\", \"paths\": {}}}"));
        assert!(!json("{\"a\": \"openapi\", \"b\": \"paths\", \"openapi\": 1}"));
        assert!(!json("{\"a\": \"\\\"openapi\\\": \\\"paths\\\":"));
    }

    #[test]
    fn configurations_that_others_extend_may_have_any_name() {
        let wants = |text: &str| wants("packages/config/base.json", Role::Production, text);
        assert!(wants("{\"extends\": \"x\", // y\n\"compilerOptions\": {}}"));
        assert!(!wants("{\"jest\": {\"compilerOptions\": {}}}"));
    }

    #[test]
    fn proxies_are_known_by_what_they_say() {
        let wants = |path: &str, text: &str| wants(path, Role::Config, text);
        assert!(wants("nginx/default.conf", "location / { proxy_pass http://api; }"));
        assert!(wants("proxy.conf.json", "{\"/api\": {\"target\": \"http://localhost\"}}"));
        assert!(!wants("supervisord.conf", "[program:web]\ncommand=web"));
        assert!(!wants("data/points.json", "{\"target\": 1}"));
    }

    #[test]
    fn manifests_of_tests_are_not_wanted() {
        assert!(!wants("tests/fixtures/package.json", Role::Test, "{}"));
        assert!(!wants("docs/package.json", Role::Docs, "{}"));
    }
}
