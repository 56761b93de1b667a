//! The frameworks that are read, one file each.

mod actix_web;
mod axum;
mod express;
mod fastapi;
mod finale;
mod flask;
mod poem;
mod rocket;
mod salvo;

use super::graph::Graph;
use super::pattern::Shape;
use crate::eval::interpreter::Trace;
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
pub const FRAMEWORKS: &[Framework] =
    &[flask::FLASK, fastapi::FASTAPI, express::EXPRESS, finale::FINALE, axum::AXUM, actix_web::ACTIX_WEB, rocket::ROCKET, poem::POEM, salvo::SALVO];
