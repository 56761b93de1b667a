//! Routes that take a password or send a link, in a program that limits nothing.

use super::{PlaceMatch, Project, label, letters, package_names};

/// Frameworks that bring no limit of their own.
const BARE: &[&str] = &[
    "express",
    "fastify",
    "koa",
    "hono",
    "flask",
    "fastapi",
    "starlette",
    "actix-web",
    "axum",
    "restify",
    "elysia",
    "poem",
    "salvo",
    "quart",
    "aiohttp",
    "tornado",
    "bottle",
    "falcon",
    "nest",
    "hapi",
];

/// Parts of the names of packages, functions and middleware that limit how often something may be
/// asked.
const LIMITS: &[&str] = &[
    "ratelimit",
    "throttl",
    "slowapi",
    "limiter",
    "governor",
    "slowdown",
    "bruteforce",
    "brute",
    "attempt",
    "captcha",
    "turnstile",
    "lockout",
    "tollbooth",
    "quota",
    "arcjet",
    "axes",
];

pub(super) fn check(project: &Project<'_>) -> Vec<PlaceMatch> {
    let limits = |name: &str| {
        let name = letters(name);
        LIMITS.iter().any(|word| name.contains(word))
    };
    let known = project.manifests.iter().any(|(_, text)| package_names(text).any(limits))
        || project.uses.iter().any(|(path, uses)| {
            limits(path)
                || uses.defined.iter().any(|defined| limits(&defined.name))
                || uses.calls.iter().any(|call| limits(&call.name))
        })
        || project.routes.iter().any(|route| route.middleware.iter().any(|name| limits(name)));
    // Without knowing what the program calls nothing can be said.
    if known || project.uses.is_empty() {
        return Vec::new();
    }
    project
        .routes
        .iter()
        .filter(|route| route.serves() && BARE.contains(&route.framework.as_str()))
        .filter(|route| route.methods.iter().any(|method| method == "POST"))
        .filter(|route| takes_password(&route.path))
        .map(|route| PlaceMatch::at(route, vec![("route", label(route))]))
        .collect()
}

/// Whether the last steps of a path name a login or the reset of a password.
fn takes_password(path: &str) -> bool {
    const ELSEWHERE: &[&str] = &[
        "apple", "facebook", "google", "twitter", "github", "oauth", "sso", "saml", "oidc",
        "social",
    ];
    let path = path.trim_end_matches('/').to_ascii_lowercase();
    let last = path.rsplit('/').next().unwrap_or_default().replace(['-', '_'], "");
    if ELSEWHERE.iter().any(|provider| path.contains(provider)) {
        return false;
    }
    matches!(
        last.as_str(),
        "login"
            | "signin"
            | "authenticate"
            | "resetpassword"
            | "passwordreset"
            | "forgotpassword"
            | "accesstoken"
            | "passwordrecovery"
            | "requestpasswordreset"
            | "verifyotp"
    ) || path.ends_with("/password/reset")
        || path.ends_with("/password/forgot")
        || path.ends_with("/password-recovery/{email}")
        || path.ends_with("/auth/token")
}
