//! Rules over the whole project: each is a function over the inventories, and one file.

mod broken_calls;
mod bypassed_context;
mod call_to_other_path;
mod call_to_stub;
mod call_with_other_method;
mod call_without_route;
mod dropped_coroutine;
mod dropped_result;
mod guard_lets_in;
mod guard_missing;
mod handlers;
mod headers_missing;
mod inconsistent_naming;
mod inconsistent_slash;
mod login_without_limit;
mod openapi_missing;
mod openapi_undescribed;
mod protocol;
mod shadowed_route;
mod stub_route;
mod unauthenticated_change;
mod unfinished_route;
mod unmounted_router;
mod untested_route;
mod versioned_duplicate;

use std::collections::BTreeSet;

use crate::inventory::contract::Contract;
use crate::inventory::openapi::Operation;
use crate::inventory::routes::told::Told;
use crate::inventory::routes::{Guard, Route};
use crate::module::uses::Uses;
use crate::source::Role;

/// What the checks look at.
#[derive(Debug, Clone, Copy)]
pub struct Project<'a> {
    /// The routes.
    pub routes: &'a [Route],
    /// What stands before routes, where the program has it.
    pub guards: &'a [Guard],
    /// What OpenAPI documents of the tree describe.
    pub operations: &'a [Operation],
    /// Which routes are called, and which calls do not fit.
    pub contract: &'a Contract,
    /// Routes that are meant for everybody, as the configuration says.
    pub public: &'a [Told],
    /// What test files mention that may be a path or the name of a route, with holes as `{}`;
    /// empty when there are no tests.
    pub mentions: &'a BTreeSet<String>,
    /// What production files define and call, by their paths; files that nobody parsed are not among
    /// them.
    pub uses: &'a [(&'a str, &'a Uses)],
    /// The files of the tree that nobody told to leave out, by path, whether or not they can be
    /// read.
    pub files: &'a [TreeFile],
    /// The texts of the manifests that name packages, with their paths.
    pub manifests: &'a [(String, String)],
}

/// A file of the tree.
#[derive(Debug, Clone)]
pub struct TreeFile {
    /// Where.
    pub path: String,
    /// What it is for.
    pub role: Role,
}

/// A place that a check found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PlaceMatch {
    /// The file.
    pub path: String,
    /// The line.
    pub line: u32,
    /// What fills the holes of the rule's message.
    pub captures: Vec<(&'static str, String)>,
    /// The reason, where the place is legitimate.
    pub accepted: Option<String>,
}

impl PlaceMatch {
    /// A finding at a route.
    fn at(route: &Route, captures: Vec<(&'static str, String)>) -> Self {
        Self { path: route.file.clone(), line: route.line, captures, accepted: None }
    }

    fn accepted(mut self, reason: Option<String>) -> Self {
        self.accepted = reason;
        self
    }
}

/// A check of a whole project.
pub type ProjectCheck = fn(&Project<'_>) -> Vec<PlaceMatch>;

/// An entry of [`PROJECT_CHECKS`].
#[derive(Debug, Clone, Copy)]
pub struct ProjectCheckEntry {
    /// The name that rules use.
    pub name: &'static str,
    /// The check.
    pub run: ProjectCheck,
}

/// The checks of a whole project.
pub const PROJECT_CHECKS: &[ProjectCheckEntry] = &[
    ProjectCheckEntry { name: "bypassed-context", run: bypassed_context::check },
    ProjectCheckEntry { name: "call-to-other-path", run: call_to_other_path::check },
    ProjectCheckEntry { name: "call-to-stub", run: call_to_stub::check },
    ProjectCheckEntry { name: "call-with-other-method", run: call_with_other_method::check },
    ProjectCheckEntry { name: "call-without-route", run: call_without_route::check },
    ProjectCheckEntry { name: "dropped-coroutine", run: dropped_coroutine::check },
    ProjectCheckEntry { name: "dropped-result", run: dropped_result::check },
    ProjectCheckEntry { name: "guard-lets-in", run: guard_lets_in::check },
    ProjectCheckEntry { name: "guard-missing", run: guard_missing::check },
    ProjectCheckEntry { name: "headers-missing", run: headers_missing::check },
    ProjectCheckEntry { name: "inconsistent-naming", run: inconsistent_naming::check },
    ProjectCheckEntry { name: "inconsistent-slash", run: inconsistent_slash::check },
    ProjectCheckEntry { name: "login-without-limit", run: login_without_limit::check },
    ProjectCheckEntry { name: "openapi-missing", run: openapi_missing::check },
    ProjectCheckEntry { name: "openapi-undescribed", run: openapi_undescribed::check },
    ProjectCheckEntry { name: "shadowed-route", run: shadowed_route::check },
    ProjectCheckEntry { name: "stub-route", run: stub_route::check },
    ProjectCheckEntry { name: "unauthenticated-change", run: unauthenticated_change::check },
    ProjectCheckEntry { name: "unfinished-route", run: unfinished_route::check },
    ProjectCheckEntry { name: "unmounted-router", run: unmounted_router::check },
    ProjectCheckEntry { name: "untested-route", run: untested_route::check },
    ProjectCheckEntry { name: "versioned-duplicate", run: versioned_duplicate::check },
];

/// The function of a project check.
#[must_use]
pub fn project_check(name: &str) -> Option<ProjectCheck> {
    PROJECT_CHECKS.iter().find(|entry| entry.name == name).map(|entry| entry.run)
}

/// The lines of a manifest up to what may be the version of a package: its name is among them.
fn package_names(manifest: &str) -> impl Iterator<Item = &str> {
    manifest.lines().map(|line| {
        let line = line.trim_start().trim_start_matches(['"', '\'']);
        line.split(['"', '\'', '=', '<', '>', '~', ' ']).next().unwrap_or_default()
    })
}

/// Letters alone, in lower case: `Rate-Limiter` is `ratelimiter`.
fn letters(name: &str) -> String {
    name.chars()
        .filter(char::is_ascii_alphabetic)
        .map(|letter| letter.to_ascii_lowercase())
        .collect()
}

/// `GET /orders`, as messages name a route.
fn label(route: &Route) -> String {
    let methods =
        if route.methods.is_empty() { "ANY".to_owned() } else { route.methods.join(", ") };
    format!("{methods} {}", route.path)
}

/// Whether every method of a route changes something.
fn changes(route: &Route) -> bool {
    !route.methods.is_empty()
        && route
            .methods
            .iter()
            .all(|method| matches!(method.as_str(), "POST" | "PUT" | "PATCH" | "DELETE"))
}
