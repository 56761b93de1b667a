//! The frameworks that are read, one file each.

mod actix_web;
mod adonis;
mod aiohttp;
mod autoload;
mod axum;
mod bottle;
mod classes;
mod django;
mod elysia;
mod express;
mod falcon;
mod fastapi;
mod fastify;
mod files;
mod finale;
mod flask;
mod hapi;
mod hono;
mod koa;
mod litestar;
mod loopback;
mod nest;
mod next;
mod nuxt;
mod poem;
mod pyramid;
mod remix;
mod restify;
mod rocket;
mod salvo;
mod sanic;
mod scripts;
mod starlette;
mod sveltekit;
mod tide;
mod tornado;
mod warp;

use super::graph::Graph;
use super::pattern::Shape;
use crate::eval::interpreter::{Library, Trace};
use crate::source::Language;

/// The languages of frameworks for Node.js.
const SCRIPTS: &[Language] = &[Language::JavaScript, Language::TypeScript, Language::Tsx];

/// A framework that is read.
pub struct Framework {
    /// Its name in reports.
    pub name: &'static str,
    /// The languages that it is written for.
    pub languages: &'static [Language],
    /// The packages that mean it.
    pub packages: &'static [&'static str],
    /// Literals without one of which a file cannot create, mount or register anything of it.
    pub needs: &'static [&'static str],
    /// The folders of `fixtures/routes/` that hold its awkward forms and its tables.
    pub fixtures: &'static [&'static str],
    /// Which of several routes that fit a request answers.
    pub matching: Matching,
    /// Whether `request.user` is an object for anonymous callers too.
    pub has_user_object: bool,
    /// Reads the trace into the graph.
    pub read: for<'p> fn(&Trace<'p>, &mut Graph<'p>),
    /// Rewrites a path from the framework's syntax to `{name}` and `{name*}`.
    pub path: fn(&str) -> Shape,
}

/// Which of several routes that fit a request answers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Matching {
    /// The most specific one, wherever it is registered.
    Specific,
    /// The most specific one; of those alike, the one that is registered last.
    Last,
    /// The one that is registered first.
    First,
    /// Each in its order, until one does not hand on; guards hold for what comes later, in other
    /// routers too.
    Chain,
}

/// The framework of a name.
#[must_use]
pub fn framework(name: &str) -> Option<&'static Framework> {
    FRAMEWORKS.iter().find(|framework| framework.name == name)
}

/// Every framework that is read: one file and one line here.
pub const FRAMEWORKS: &[Framework] = &[
    aiohttp::AIOHTTP,
    flask::FLASK,
    bottle::BOTTLE,
    django::DJANGO,
    falcon::FALCON,
    sanic::SANIC,
    pyramid::PYRAMID,
    fastapi::FASTAPI,
    starlette::STARLETTE,
    litestar::LITESTAR,
    express::EXPRESS,
    finale::FINALE,
    next::NEXT,
    sveltekit::SVELTEKIT,
    nuxt::NUXT,
    remix::REMIX,
    hono::HONO,
    koa::KOA,
    restify::RESTIFY,
    fastify::FASTIFY,
    hapi::HAPI,
    elysia::ELYSIA,
    nest::NEST,
    loopback::LOOPBACK,
    adonis::ADONIS,
    tornado::TORNADO,
    axum::AXUM,
    actix_web::ACTIX_WEB,
    rocket::ROCKET,
    poem::POEM,
    salvo::SALVO,
    tide::TIDE,
    warp::WARP,
];

/// Frameworks that call functions of the program while it registers routes.
pub const LIBRARIES: &[Library] = &[
    flask::LIBRARY,
    hono::LIBRARY,
    fastify::LIBRARY,
    hapi::LIBRARY,
    elysia::LIBRARY,
    adonis::LIBRARY,
    nuxt::LIBRARY,
    remix::LIBRARY,
    restify::LIBRARY,
    pyramid::LIBRARY,
    super::registrars::LIBRARY,
];

/// Whether a dotted path leads into a framework that is read, or into what extends one; answers
/// and exceptions are made anywhere.
#[must_use]
pub fn names_framework(path: &str) -> bool {
    let is_answer = ["Exception", "Error", "Response"].iter().any(|end| path.ends_with(end));
    !is_answer
        && path != PYTHONS_NEXT
        && !django::is_aside(path)
        && FRAMEWORKS.iter().any(|framework| {
            framework.packages.iter().any(|package| mentions(path, stem(package)))
                || framework.needs.iter().any(|need| is_module(need) && path.contains(need))
        })
}

/// The function of Python that has the name of a framework.
const PYTHONS_NEXT: &str = "next";

/// Whether a path has the stem of a package in it. A short one begins a name: `i18next` is not of
/// Next.js.
fn mentions(path: &str, stem: &str) -> bool {
    path.match_indices(stem).any(|(at, _)| {
        stem.len() > 4 || !path[..at].ends_with(|before: char| before.is_alphanumeric())
    })
}

/// Whether a literal can be the name of a module.
fn is_module(need: &str) -> bool {
    need.len() > 3 && need.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

/// The part of a package's name that its modules and those of its extensions share.
fn stem(package: &str) -> &str {
    let name = package.trim_start_matches('@');
    name.split(['-', '/', '_']).next().filter(|stem| stem.len() > 2).unwrap_or(name)
}

/// Whether a file makes or configures routes by its name, or by what it exports.
#[must_use]
pub fn is_routed_by_file(path: &str, text: &str) -> bool {
    next::is_file(path)
        || sveltekit::is_file(path)
        || nuxt::is_file(path)
        || remix::is_file(path, text)
        || django::is_file(path)
}
