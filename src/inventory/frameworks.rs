//! Which web frameworks a project's manifests name, so that one whose routes are not read is said
//! to be not assessed and never taken for a project without routes.

use super::routes::readers::FRAMEWORKS;

/// Frameworks by the package that a manifest names. Those in [`FRAMEWORKS`] are read.
const PACKAGES: &[(&str, &str)] = &[
    ("django", "Django"),
    ("djangorestframework", "Django REST framework"),
    ("django-ninja", "django-ninja"),
    ("aiohttp", "aiohttp"),
    ("sanic", "Sanic"),
    ("tornado", "Tornado"),
    ("bottle", "Bottle"),
    ("falcon", "Falcon"),
    ("litestar", "Litestar"),
    ("pyramid", "Pyramid"),
    ("fastify", "Fastify"),
    ("koa", "Koa"),
    ("@koa/router", "Koa"),
    ("hono", "Hono"),
    ("@nestjs/core", "NestJS"),
    ("next", "Next.js"),
    ("@hapi/hapi", "hapi"),
    ("@remix-run/node", "Remix"),
    ("@sveltejs/kit", "SvelteKit"),
    ("nuxt", "Nuxt"),
    ("@adonisjs/core", "AdonisJS"),
    ("restify", "restify"),
    ("elysia", "Elysia"),
    ("@loopback/rest", "LoopBack"),
    ("axum", "axum"),
    ("actix-web", "actix-web"),
    ("rocket", "Rocket"),
    ("warp", "warp"),
    ("poem", "poem"),
    ("salvo", "salvo"),
    ("tide", "tide"),
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
        assert_eq!(not_read("requirements.txt", "Django>=4.2\ndjango-filter\n"), ["Django"]);
        assert_eq!(
            not_read("a/package.json", "{\n  \"fastify\": \"^4\",\n  \"next-auth\": \"1\"\n}"),
            ["Fastify"]
        );
        assert_eq!(
            not_read("pyproject.toml", "dependencies = [\n  \"litestar[standard]\",\n]"),
            ["Litestar"]
        );
        assert!(not_read("requirements.txt", "flask\n# django\n").is_empty());
        assert!(not_read("notes.txt", "django\n").is_empty());
    }
}
