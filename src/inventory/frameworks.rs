//! Which web frameworks a project's manifests name, so that one whose routes are not read is said
//! to be not assessed and never taken for a project without routes.

use super::routes::readers::FRAMEWORKS;

/// Frameworks by the package that a manifest names. Those in [`FRAMEWORKS`] are read.
const PACKAGES: &[(&str, &str)] = &[
    ("cherrypy", "CherryPy"),
    ("robyn", "Robyn"),
    ("blacksheep", "BlackSheep"),
    ("emmett", "Emmett"),
    ("hug", "hug"),
    ("masonite", "Masonite"),
    ("morepath", "Morepath"),
    ("responder", "Responder"),
    ("strawberry-graphql", "Strawberry"),
    ("graphene", "Graphene"),
    ("grpcio", "gRPC"),
    ("@feathersjs/feathers", "Feathers"),
    ("sails", "Sails"),
    ("meteor", "Meteor"),
    ("moleculer", "Moleculer"),
    ("@midwayjs/core", "Midway"),
    ("@tsed/common", "Ts.ED"),
    ("@tsed/platform-http", "Ts.ED"),
    ("egg", "Egg"),
    ("polka", "Polka"),
    ("@trpc/server", "tRPC"),
    ("@apollo/server", "Apollo"),
    ("graphql-yoga", "GraphQL Yoga"),
    ("@redwoodjs/api", "RedwoodJS"),
    ("astro", "Astro"),
    ("gotham", "Gotham"),
    ("iron", "Iron"),
    ("nickel", "nickel"),
    ("ntex", "ntex"),
    ("trillium", "Trillium"),
    ("loco-rs", "Loco"),
    ("tonic", "gRPC"),
    ("async-graphql", "async-graphql"),
    ("juniper", "Juniper"),
];

/// The frameworks that a manifest names and that are not read; empty for other files.
#[must_use]
pub fn not_read(path: &str, text: &str) -> Vec<String> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let is_manifest = matches!(
        name,
        "package.json" | "pyproject.toml" | "Cargo.toml" | "Pipfile" | "setup.py" | "setup.cfg"
    ) || name.starts_with("requirements") && name.ends_with(".txt");
    if !is_manifest {
        return Vec::new();
    }
    let mut found: Vec<String> = PACKAGES
        .iter()
        .filter(|(package, _)| {
            !FRAMEWORKS.iter().any(|framework| framework.packages.contains(package))
        })
        .filter(|(package, _)| text.lines().any(|line| names(line, package)))
        .map(|(_, framework)| (*framework).to_owned())
        .collect();
    found.sort();
    found.dedup();
    found
}

/// Whether a line of a manifest depends on a package: `"fastify": "^4"`, `django>=4`, `axum = `.
fn names(line: &str, package: &str) -> bool {
    let line = line.trim_start_matches([' ', '\t', '"', '\'', '-']);
    let Some(head) = line.get(..package.len()) else { return false };
    head.eq_ignore_ascii_case(package)
        && line[package.len()..].chars().next().is_none_or(|next| {
            matches!(next, '"' | '\'' | ' ' | '=' | '>' | '<' | '~' | '!' | '[' | ';' | ',' | ':')
        })
}

#[cfg(test)]
mod tests {
    use super::not_read;

    #[test]
    fn a_dependency_is_told_from_a_longer_name() {
        assert_eq!(not_read("requirements.txt", "CherryPy>=18\nrobyn-filter\n"), ["CherryPy"]);
        assert_eq!(
            not_read("a/package.json", "{\n  \"polka\": \"^4\",\n  \"astro-auth\": \"1\"\n}"),
            ["Polka"]
        );
        assert_eq!(
            not_read("pyproject.toml", "dependencies = [\n  \"blacksheep[full]\",\n]"),
            ["BlackSheep"]
        );
        assert!(not_read("requirements.txt", "flask\n# cherrypy\n").is_empty());
        assert!(not_read("notes.txt", "cherrypy\n").is_empty());
    }
}
