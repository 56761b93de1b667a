//! What the audited project calls itself.

use std::path::Path;

use crate::audit::Project;
use crate::source;

/// Largest manifest that is looked into, in bytes.
const MANIFEST_BYTES: u64 = 1024 * 1024;

/// Longest name or version that a report shows, in characters.
const LONGEST: usize = 200;

/// A name, and perhaps a version.
type Identity = (String, Option<String>);

/// Finds the identity in the text of a manifest.
type Parse = fn(&str) -> Option<Identity>;

/// Name and version from `pyproject.toml`, `package.json` or `Cargo.toml` in `root`, the first
/// that has a name; else the name of the folder. A manifest that cannot be read or parsed counts
/// as one without a name. The commit is left to [`crate::repository`].
#[must_use]
pub fn identify(root: &Path) -> Project {
    let manifests: [(&str, Parse); 3] = [
        ("pyproject.toml", from_pyproject),
        ("package.json", from_package),
        ("Cargo.toml", from_cargo),
    ];
    for (file, parse) in manifests {
        if let Some((name, version)) = manifest(root, file).and_then(|text| parse(&text)) {
            return Project { name, version, named_by: file.to_owned(), commit: None };
        }
    }
    Project { name: folder_name(root), version: None, named_by: "folder".to_owned(), commit: None }
}

fn manifest(root: &Path, file: &str) -> Option<String> {
    let bytes = source::read(root, file, MANIFEST_BYTES).ok()?;
    source::decode_vec(bytes).ok().map(|(text, _)| text)
}

fn from_pyproject(text: &str) -> Option<Identity> {
    let table: toml::Table = toml::from_str(text).ok()?;
    let poetry = || table.get("tool").and_then(|tool| tool.get("poetry"));
    identity(table.get("project")).or_else(|| identity(poetry()))
}

fn from_cargo(text: &str) -> Option<Identity> {
    let table: toml::Table = toml::from_str(text).ok()?;
    let (name, version) = identity(table.get("package"))?;
    let inherited = || clean(table.get("workspace")?.get("package")?.get("version")?.as_str()?);
    Some((name, version.or_else(inherited)))
}

fn from_package(text: &str) -> Option<Identity> {
    let value: serde_json::Value = serde_json::from_str(text).ok()?;
    let field = |key: &str| value.get(key).and_then(serde_json::Value::as_str).and_then(clean);
    Some((field("name")?, field("version")))
}

fn identity(table: Option<&toml::Value>) -> Option<Identity> {
    let field = |key: &str| table?.get(key)?.as_str().and_then(clean);
    Some((field("name")?, field("version")))
}

/// One line of bounded length, or nothing.
fn clean(text: &str) -> Option<String> {
    let line: String =
        text.trim().chars().filter(|character| !character.is_control()).take(LONGEST).collect();
    (!line.is_empty()).then_some(line)
}

fn folder_name(root: &Path) -> String {
    let resolved = root.canonicalize().unwrap_or_else(|_| root.to_owned());
    resolved
        .file_name()
        .and_then(|name| clean(&source::encode_path(name)))
        .unwrap_or_else(|| "unnamed".to_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn identified(files: &[(&str, &[u8])]) -> (String, Option<String>, String) {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("the-folder");
        std::fs::create_dir(&root).unwrap();
        for (path, bytes) in files {
            std::fs::write(root.join(path), bytes).unwrap();
        }
        let project = identify(&root);
        (project.name, project.version, project.named_by)
    }

    fn expect(files: &[(&str, &[u8])], name: &str, version: Option<&str>, by: &str) {
        assert_eq!(identified(files), (name.to_owned(), version.map(str::to_owned), by.to_owned()));
    }

    #[test]
    fn manifests_name_a_project() {
        expect(
            &[("pyproject.toml", b"[project]\nname='a'\nversion='1.2'")],
            "a",
            Some("1.2"),
            "pyproject.toml",
        );
        expect(&[("pyproject.toml", b"[tool.poetry]\nname='b'")], "b", None, "pyproject.toml");
        expect(
            &[("package.json", b"\xEF\xBB\xBF{\"name\":\"c\",\"version\":\"3\"}")],
            "c",
            Some("3"),
            "package.json",
        );
        expect(
            &[(
                "Cargo.toml",
                b"[package]\nname='d'\nversion.workspace=true\n[workspace.package]\nversion='4'",
            )],
            "d",
            Some("4"),
            "Cargo.toml",
        );
    }

    #[test]
    fn a_manifest_without_a_name_gives_way_to_the_next() {
        let tool: &[u8] = b"[tool.ruff]\nline-length = 88";
        expect(
            &[("pyproject.toml", tool), ("package.json", b"{\"name\":\"web\"}")],
            "web",
            None,
            "package.json",
        );
        expect(&[], "the-folder", None, "folder");
    }

    #[test]
    fn hostile_manifests_do_no_harm() {
        let deep = format!("{{\"name\":{}1", "[".repeat(100_000));
        let toml = format!("a = {}", "[".repeat(100_000));
        for bytes in [
            deep.as_bytes(),
            toml.as_bytes(),
            b"\0\0",
            b"\xFF\xFE\0",
            b"{\"name\":[]}",
            b"{\"name\":\" \\n\"}",
        ] {
            expect(
                &[("package.json", bytes), ("pyproject.toml", bytes), ("Cargo.toml", bytes)],
                "the-folder",
                None,
                "folder",
            );
        }
        let long = format!("{{\"name\":\"x\\u001b[31m{}\"}}", "y".repeat(1_000));
        let (name, ..) = identified(&[("package.json", long.as_bytes())]);
        assert!(name.chars().count() == LONGEST && name.starts_with("x[31my"), "{name}");
    }
}
