//! Operations that OpenAPI and Swagger documents of the tree describe.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::routes::{Route, pattern};
use crate::eval::link::Program;
use crate::module::Expr;
use crate::module::data::{self, items, pairs};

/// The most operations of one tree.
const MAX_OPERATIONS: usize = 20_000;
/// The most prefixes under which a document is tried.
const MAX_PREFIXES: usize = 64;
/// Of what a document describes, the program must have so many hundredths, or the document is
/// about another program.
const OWN_PERCENT: usize = 30;

const METHODS: &[&str] = &["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/// An operation that a document describes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Operation {
    /// The document.
    pub file: String,
    /// Line of the method.
    pub line: u32,
    /// Upper-case method.
    pub method: String,
    /// The path with `{name}` parameters, below the document's server.
    pub path: String,
}

/// What a document and the program say differently.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Drift {
    /// Described, and not registered.
    pub missing: Vec<Operation>,
    /// Registered, and not described: the place in the routes, and the document.
    pub undescribed: Vec<(usize, String)>,
}

/// Routes by their paths without the names of parameters.
type Served<'r> = BTreeMap<String, Vec<(usize, &'r Route)>>;

/// The operations of every document.
#[must_use]
pub fn operations(program: &Program<'_>) -> Vec<Operation> {
    let mut out = Vec::new();
    for (path, document) in program.documents() {
        if data::get(document, "openapi").is_some() || data::get(document, "swagger").is_some() {
            collect(path, document, &mut out);
        }
    }
    out.truncate(MAX_OPERATIONS);
    out
}

fn collect(file: &str, document: &Expr, out: &mut Vec<Operation>) {
    let base = base_path(document);
    let Some(paths) = data::get(document, "paths") else { return };
    for (path, item) in pairs(paths).filter(|(path, _)| path.starts_with('/')) {
        for (method, operation) in pairs(item).filter(|(name, _)| METHODS.contains(name)) {
            out.push(Operation {
                file: file.to_owned(),
                line: operation.span.line,
                method: method.to_ascii_uppercase(),
                path: format!("{base}{}", pattern::braces(path).path),
            });
        }
    }
}

/// The path of the first server, `basePath` in Swagger.
fn base_path(document: &Expr) -> String {
    let server = data::get(document, "servers")
        .and_then(|servers| items(servers).first())
        .and_then(|server| data::text(server, &["url"]));
    let base = data::text(document, &["basePath"]).or(server).unwrap_or("");
    let path = base
        .split_once("://")
        .map_or(base, |(_, rest)| rest.find('/').map_or("", |at| &rest[at..]));
    // A variable of the server is not known here.
    if path.contains('{') { String::new() } else { path.trim_end_matches('/').to_owned() }
}

/// Holds each document against the routes. A document that hardly describes the program at all is
/// about another one, and says nothing.
#[must_use]
pub fn drift(operations: &[Operation], routes: &[Route]) -> Drift {
    let mut out = Drift::default();
    let mut documents: BTreeMap<&str, Vec<&Operation>> = BTreeMap::new();
    for operation in operations {
        documents.entry(&operation.file).or_default().push(operation);
    }
    let mut served = Served::new();
    for (at, route) in
        routes.iter().enumerate().filter(|(_, route)| route.reachable && route.resolved)
    {
        for path in std::iter::once(&route.path).chain(&route.otherwise) {
            served.entry(nameless(path)).or_default().push((at, route));
        }
    }
    let prefixes = prefixes(&served);
    for (file, operations) in documents {
        let count = |prefix: &str| {
            operations
                .iter()
                .filter(|operation| registered(operation, prefix, &served).is_some())
                .count()
        };
        let Some((hits, prefix)) = prefixes
            .iter()
            .map(|prefix| (count(prefix), prefix))
            .max_by_key(|(hits, prefix)| (*hits, std::cmp::Reverse(prefix.len())))
        else {
            continue;
        };
        if hits == 0 || hits * 100 < operations.len() * OWN_PERCENT {
            continue;
        }
        let mut described = BTreeSet::new();
        for operation in &operations {
            match registered(operation, prefix, &served) {
                Some(found) => described.extend(found),
                None => out.missing.push((*operation).clone()),
            }
        }
        // What lies outside of the document's part of the program it need not describe.
        let part = common_part(&operations, prefix);
        let inside = served.values().flatten().filter(|(at, route)| {
            route.path.starts_with(&part)
                && !described.contains(at)
                && !route.methods.is_empty()
                && route.methods.iter().any(|method| method != "WS")
        });
        out.undescribed.extend(inside.map(|(at, _)| (*at, file.to_owned())));
    }
    out
}

/// The beginnings of routes under which a document may describe them.
fn prefixes(served: &Served<'_>) -> BTreeSet<String> {
    let mut out = BTreeSet::from([String::new()]);
    for (_, route) in served.values().flatten() {
        let mut prefix = String::new();
        for segment in route.path.split('/').filter(|segment| !segment.is_empty()).take(3) {
            if segment.starts_with('{') || out.len() >= MAX_PREFIXES {
                break;
            }
            prefix.push('/');
            prefix.push_str(segment);
            out.insert(prefix.clone());
        }
    }
    out
}

/// The routes that an operation describes; `None` when there is none.
fn registered(operation: &Operation, prefix: &str, served: &Served<'_>) -> Option<Vec<usize>> {
    let found: Vec<usize> = served
        .get(&nameless(&format!("{prefix}{}", operation.path)))?
        .iter()
        .filter(|(_, route)| route.methods.is_empty() || route.methods.contains(&operation.method))
        .map(|(at, _)| *at)
        .collect();
    (!found.is_empty()).then_some(found)
}

/// A path without the names of its parameters and the slash at its end.
fn nameless(path: &str) -> String {
    let segments: Vec<&str> = path
        .split('/')
        .filter(|segment| !segment.is_empty())
        .map(
            |segment| {
                if segment.starts_with('{') && segment.ends_with('}') { "{}" } else { segment }
            },
        )
        .collect();
    segments.join("/")
}

/// The beginning that all operations have in common.
fn common_part(operations: &[&Operation], prefix: &str) -> String {
    let mut common: Option<Vec<&str>> = None;
    for operation in operations {
        let segments: Vec<&str> = operation.path.split('/').skip(1).collect();
        common = Some(match common {
            None => segments,
            Some(common) => {
                let same = common.iter().zip(&segments).take_while(|(a, b)| a == b).count();
                common[..same].to_vec()
            }
        });
    }
    let fixed: Vec<&str> = common
        .unwrap_or_default()
        .into_iter()
        .take_while(|segment| !segment.starts_with('{'))
        .collect();
    if fixed.is_empty() { format!("{prefix}/") } else { format!("{prefix}/{}", fixed.join("/")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operation(method: &str, path: &str) -> Operation {
        Operation {
            file: "openapi.yaml".to_owned(),
            line: 1,
            method: method.to_owned(),
            path: path.to_owned(),
        }
    }

    fn route(method: &str, path: &str) -> Route {
        Route {
            methods: vec![method.to_owned()],
            path: path.to_owned(),
            resolved: true,
            mounted: true,
            reachable: true,
            ..Route::default()
        }
    }

    #[test]
    fn a_document_below_a_prefix_is_compared_there() {
        let routes = [
            route("GET", "/api/v1/orders"),
            route("GET", "/api/v1/orders/{id}"),
            route("DELETE", "/api/v1/orders/{id}"),
            route("GET", "/health"),
        ];
        let operations = [
            operation("GET", "/orders"),
            operation("GET", "/orders/{orderId}"),
            operation("POST", "/orders"),
        ];
        let drift = drift(&operations, &routes);
        assert_eq!(drift.missing, [operation("POST", "/orders")]);
        assert_eq!(drift.undescribed, [(2, "openapi.yaml".to_owned())]);
    }

    #[test]
    fn a_document_about_another_program_says_nothing() {
        let routes = [route("GET", "/api/orders")];
        let operations: Vec<_> =
            ["/a", "/b", "/c", "/d"].iter().map(|path| operation("GET", path)).collect();
        assert_eq!(drift(&operations, &routes), Drift::default());
    }
}
