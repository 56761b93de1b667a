//! The calls that the program makes to servers, and where they land.
//!
//! [`clients`] reads them from the trace of the abstract evaluation, [`address`] takes their
//! addresses apart, [`landing`] asks which route would answer, as its router decides.

pub mod address;
pub mod clients;
pub mod landing;
pub mod names;
pub mod nearest;
pub mod proxies;
pub mod segments;
pub mod statistics;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::routes::{Opaque, Route};
use crate::eval::interpreter::{self, Purpose};
use crate::eval::link::Program;
use crate::finding::scale;
use crate::source::{Language, Role, Source};

/// A generated file with a longer line is no source, in bytes.
const LONGEST_LINE: usize = 2_000;

/// What the tests write that call a server: a method of HTTP, or a request of the whole.
const SENDING: &[&str] = &[
    ".get(",
    ".post(",
    ".put(",
    ".patch(",
    ".delete(",
    ".head(",
    ".inject(",
    "fetch(",
    ".request(",
];

/// How an address begins in a test, or is asked for.
const ADDRESSES: &[&str] =
    &["\"/", "'/", "`/", "}/", "://", "reverse(", "url_for(", "url_path_for("];

/// What was found of a program's calls.
#[derive(Debug, Default)]
pub struct Extracted {
    /// The calls, by file and line.
    pub calls: Vec<Call>,
    /// Whether some are missing because a limit was reached.
    pub cut: bool,
    /// Files that the program loads and that must be read first; there are no calls yet.
    pub missing: BTreeSet<String>,
}

/// What the program serves.
#[derive(Debug, Clone, Copy)]
pub struct Server<'r> {
    /// The routes.
    pub routes: &'r [Route],
    /// What answers below paths and is not known.
    pub opaque: &'r [Opaque],
}

/// The calls that a program makes, each with where it lands among what the `server` has. `unread` names
/// files that nobody can read; `None` when what is missing must do without. `by_tests` tells that
/// the program is one of tests.
#[must_use]
pub fn extract(
    program: &Program<'_>,
    server: Server<'_>,
    unread: Option<&BTreeSet<String>>,
    by_tests: bool,
) -> Extracted {
    let purpose = Purpose {
        libraries: clients::LIBRARIES,
        tells: clients::names_client,
        clients: Some(clients::FOLLOWED),
    };
    let trace = interpreter::run(program, purpose);
    let missing = trace.missing(unread);
    if !missing.is_empty() {
        return Extracted { missing, ..Extracted::default() };
    }
    let sent = clients::read(&trace);
    let proxies = proxies::read(&trace);
    let mut calls = landing::land(sent, server, &proxies, program);
    if by_tests {
        // A test asks for what is not there, and for the services of others, on purpose.
        calls.retain(|call| call.status != Status::Dynamic);
        calls.iter_mut().for_each(|call| call.role = Role::Test);
    }
    Extracted { calls, cut: trace.exhausted, missing: BTreeSet::new() }
}

/// Whether a client is one of servers, which has no page that it belongs to.
#[must_use]
pub fn is_of_server(client: &str) -> bool {
    matches!(client, "requests" | "httpx" | "aiohttp" | "urllib" | "reqwest")
}

/// Whether a file can call a server, by what it is and by what it says.
#[must_use]
pub fn can_call(source: &Source) -> bool {
    let is_own =
        matches!(source.role, Role::Production | Role::Script | Role::Config | Role::Generated);
    if !is_own {
        return false;
    }
    let text = source.text.as_str();
    // What was made small for browsers is made of other files.
    if source.role == Role::Generated && text.lines().any(|line| line.len() > LONGEST_LINE) {
        return false;
    }
    let holds = |needs: &[&str]| needs.iter().any(|need| text.contains(need));
    match source.language {
        Language::Python => {
            holds(&["requests", "httpx", "aiohttp", "urlopen", "test_client", "TestClient"])
                // A client that another file has made.
                || holds(&["\"https://", "\"http://", "'https://", "'http://"])
                    && holds(&[".get(", ".post(", ".put(", ".patch(", ".delete(", ".request("])
        }
        Language::Rust => holds(&["reqwest"]),
        Language::Html => holds(&["<form", "hx-", "<script"]),
        language if language.is_script() => holds_address(text) || uses_own(text),
        _ => false,
    }
}

/// Whether a file is a test that can call a server, by what it is and by what it says.
#[must_use]
pub fn can_test(source: &Source) -> bool {
    let is_read = source.language == Language::Python || source.language.is_script();
    if source.role != Role::Test || !is_read {
        return false;
    }
    let holds = |needs: &[&str]| needs.iter().any(|need| source.text.contains(need));
    // What tests share may be given its addresses by others.
    let name = source.path.rsplit('/').next().unwrap_or(&source.path);
    let is_shared = !["test_", "_test.", ".test.", ".spec."].iter().any(|mark| name.contains(mark));
    holds(SENDING) && (is_shared || holds(ADDRESSES))
}

/// Whether a script has a text, other than what it imports, that may be an address.
fn holds_address(text: &str) -> bool {
    text.lines().any(|line| {
        let line = line.trim_start();
        let is_import = line.starts_with("import ")
            || line.starts_with("} from ")
            || line.starts_with("export * from ")
            || line.starts_with("//")
            || line.starts_with('*');
        !is_import && line.contains('/') && line.contains(['"', '\'', '`'])
    })
}

/// Whether a script uses something that it imports from a file of the program and that has
/// methods: these may be a client's.
fn uses_own(text: &str) -> bool {
    let own = ["\"./", "'./", "\"../", "'../", "\"@/", "'@/", "\"~/", "'~/"];
    let imports = text.lines().filter(|line| {
        let line = line.trim_start();
        (line.starts_with("import ") || line.contains("require("))
            && own.iter().any(|begin| line.contains(begin))
    });
    let is_part = |c: char| !c.is_alphanumeric() && c != '_' && c != '$';
    imports.flat_map(|line| line.split(is_part)).any(|name| {
        !name.is_empty()
            && !matches!(name, "import" | "from" | "const" | "require" | "as" | "type")
            && text.match_indices(name).any(|(at, _)| {
                let is_begin = text[..at].chars().next_back().is_none_or(is_part);
                is_begin && text[at + name.len()..].starts_with('.') && !text[..at].ends_with('/')
            })
    })
}

scale! {
    /// Where a call lands.
    Status {
        /// On a route that answers it.
        Matched = "matched",
        /// On a handler that only pretends.
        Stub = "stub",
        /// On a path whose routes do not answer the method.
        MethodMismatch = "method-mismatch",
        /// On no route, but one is near.
        PathMismatch = "path-mismatch",
        /// On no route.
        Missing = "missing",
        /// On a file of the tree that is served as it is.
        Asset = "asset",
        /// On another host.
        External = "external",
        /// Nothing of its address is fixed enough to tell, or nobody knows what answers there.
        Dynamic = "dynamic",
    }
}

impl Status {
    /// Whether a call that lands so gets no answer that is worth anything.
    #[must_use]
    pub fn is_broken(self) -> bool {
        matches!(self, Self::Stub | Self::MethodMismatch | Self::PathMismatch | Self::Missing)
    }
}

/// A call to a server: one for each place, method and address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Call {
    /// The method in upper case; `WS` opens a WebSocket, `{}` could not be resolved.
    pub method: String,
    /// The address as it is sent, `{}` where a part is not known; without its query.
    pub url: String,
    /// The names in its query, sorted.
    pub query: Vec<String>,
    /// The file where the address is given.
    pub file: String,
    /// Line there.
    pub line: u32,
    /// What the file is for, as its path tells: `test` for a call by a test.
    pub role: Role,
    /// The client that sends it: `fetch`, `axios`, …
    pub client: String,
    /// Where it lands.
    pub status: Status,
    /// The route that answers.
    pub route: Option<Landing>,
    /// The route that was perhaps meant, where none answers.
    pub nearest: Option<Nearest>,
    /// What a proxy makes of its path, where that is how it lands.
    pub rewritten: Option<Rewritten>,
    /// A prefix that nobody has written: the base of the address is not known, and behind this
    /// prefix most of the calls land that have the same base.
    pub inferred_prefix: Option<String>,
    /// What is mounted above its path, where nobody knows what that answers.
    pub opaque: Option<Opaque>,
    /// The way from where the address is given to where it is sent, outermost first.
    pub way: Vec<Step>,
}

/// A path as a proxy hands it on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Rewritten {
    /// The path that the server gets.
    pub path: String,
    /// The file that configures the proxy.
    pub file: String,
    /// Line there.
    pub line: u32,
}

/// A place in the tree.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Step {
    /// The file.
    pub file: String,
    /// Line there.
    pub line: u32,
}

/// A route as a call sees it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Landing {
    /// Its methods; empty means any.
    pub methods: Vec<String>,
    /// Its path.
    pub path: String,
    /// File of the handler.
    pub file: String,
    /// Line there.
    pub line: u32,
}

impl Landing {
    /// On a route.
    #[must_use]
    pub fn on(route: &Route) -> Self {
        Self {
            methods: route.methods.clone(),
            path: route.path.clone(),
            file: route.file.clone(),
            line: route.line,
        }
    }
}

/// A route that was perhaps meant: a candidate, and no more.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Nearest {
    /// The route.
    pub route: Landing,
    /// The path that the server is asked for, with what bases and proxies put before it.
    pub asked: String,
    /// The change of the call that would mend it.
    pub edit: String,
}
