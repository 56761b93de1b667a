//! The route inventory. Each framework is one file that reads the trace of the abstract
//! evaluation into a [`graph::Graph`] of routers; what the graph means as routes is said once.

mod express;
mod fastapi;
mod finale;
mod flask;
pub mod graph;
#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::eval::interpreter::{self, Trace};
use crate::eval::link::Program;
use crate::finding::scale;
use crate::source::Language;
use graph::Graph;

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
    /// Reads the trace into the graph.
    read: for<'p> fn(&Trace<'p>, &mut Graph<'p>),
    /// Rewrites a path from the framework's syntax to `{name}` and `{name*}`.
    path: fn(&str) -> String,
}

/// Every framework that is read: one file and one line here.
pub const FRAMEWORKS: &[Framework] =
    &[flask::FLASK, fastapi::FASTAPI, express::EXPRESS, finale::FINALE];

/// The routes that a program registers, and whether some are missing because a limit was reached.
#[must_use]
pub fn extract(program: &Program<'_>) -> (Vec<Route>, bool) {
    let trace = interpreter::run(program);
    let mut graph = Graph::default();
    for framework in FRAMEWORKS {
        (framework.read)(&trace, &mut graph);
    }
    let (routes, cut) = graph.flatten(program, |name, path| {
        FRAMEWORKS
            .iter()
            .find(|framework| framework.name == name)
            .map_or_else(|| path.to_owned(), |framework| (framework.path)(path))
    });
    (routes, trace.exhausted || cut)
}

/// A route: what the program registers for a path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Route {
    /// Upper-case methods, sorted; empty means any. `WS` is a WebSocket.
    pub methods: Vec<String>,
    /// The path from the server's root, with `{name}` parameters and `{name*}` catch-alls; `{}`
    /// where a part could not be resolved.
    pub path: String,
    /// File of the handler, or of the registration where the handler is anonymous.
    pub file: String,
    /// Line there.
    pub line: u32,
    /// The handler's qualified name; `None` for an anonymous function.
    pub handler: Option<String>,
    /// `flask`, `fastapi`, `express`, …
    pub framework: String,
    /// Who may call it.
    pub auth: Auth,
    /// False when a part of the path or the methods could not be resolved.
    pub resolved: bool,
    /// Whether its router reaches an application.
    pub mounted: bool,
    /// Whether it is registered only under some condition.
    pub conditional: bool,
}

scale! {
    /// Whether a caller must be known.
    AuthState {
        /// Anonymous callers are refused.
        Required = "required",
        /// Callers may be known.
        Optional = "optional",
        /// Nobody asks.
        None = "none",
        /// It could not be told.
        Unknown = "unknown",
    }
}

/// Who may call a route, and by what that is known.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Auth {
    /// The state.
    pub state: AuthState,
    /// Names of the decorators, dependencies or middleware that decide it.
    pub by: Vec<String>,
}
