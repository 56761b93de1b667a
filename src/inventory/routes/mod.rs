//! The route inventory.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::finding::scale;

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
