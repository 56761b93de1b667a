//! Addresses taken apart: host, path and query.

use super::names::Names;
use crate::eval::text::{Part, Text};

/// Where the path of an address begins.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Host {
    /// At the server that the page comes from.
    Own,
    /// At a server on the developer's machine, which is one of the program.
    Local,
    /// At a base address that nobody knows, by what it is called: it may hold a part of the path.
    Unknown(String),
    /// At somebody else's server.
    Named(String),
}

/// An address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// Where its path begins.
    pub host: Host,
    /// The path; `{}` stands for what is not known.
    pub path: String,
    /// The names in its query, sorted.
    pub query: Vec<String>,
    /// The whole without its query, as it is shown.
    pub shown: String,
    /// Whether something unknown follows the path that may be more of it.
    pub is_open: bool,
    /// Whether it names a scheme, and a host behind it that nobody knows and that is not the
    /// page's own: a server asks another.
    pub is_elsewhere: bool,
}

/// Names of the developer's machine.
const LOCAL: &[&str] =
    &["localhost", "127.0.0.1", "0.0.0.0", "[::1]", "testserver", "test", "host.docker.internal"];

impl Address {
    /// Takes an address apart. `names` tells the paths of routes that it asks for by name.
    #[must_use]
    pub fn of(url: &Text, names: &Names<'_>) -> Self {
        let (text, first_hole) = written(url, names);
        // An absolute address behind a base replaces it.
        let text = match text.rfind("/http://").or_else(|| text.rfind("/https://")) {
            Some(at) if !text[..at].contains('?') => text[at + 1..].to_owned(),
            _ => text,
        };
        let (before, query) = match text.find(['?', '#']) {
            Some(at) => (&text[..at], query_names(&text[at + 1..])),
            None => (text.as_str(), Vec::new()),
        };
        let is_configured = !url.env().is_empty();
        let (host, path) = split_host(before, &first_hole, is_configured);
        let mut path = normalised(path);
        let mut is_open = false;
        // `/items${query}`: what is unknown at the end of a name is most often a query.
        if let Some(stripped) = path.strip_suffix("{}")
            && !stripped.is_empty()
            && !stripped.ends_with(['/', '=', '-', '_', '.', ':', '}'])
        {
            path = stripped.to_owned();
            is_open = true;
        }
        // A host with its port is most often the page's own: `location.host`.
        let is_elsewhere = matches!(host, Host::Unknown(_))
            && before.starts_with("http")
            && before.contains("://")
            && !is_configured
            && first_hole != "host";
        Self { host, path, query, shown: before.to_owned(), is_open, is_elsewhere }
    }
}

/// The text with `{}` for holes, routes that are asked for by name in their places, and the name
/// of a hole at the beginning.
fn written(url: &Text, names: &Names<'_>) -> (String, String) {
    let mut text = String::new();
    let mut first = String::new();
    for part in url.parts() {
        match part {
            Part::Literal(literal) => text.push_str(literal),
            Part::Hole(name) => {
                let route = names.path(name);
                if text.is_empty() {
                    first = name.to_string();
                }
                match route {
                    Some(path) => text.push_str(&path),
                    None => text.push_str("{}"),
                }
            }
        }
    }
    (text, first)
}

/// The path of an address as it is shown: without the host, or the unknown base.
#[must_use]
pub fn path_of(shown: &str) -> &str {
    let (_, path) = split_host(shown, "", false);
    if path.is_empty() { "/" } else { path }
}

/// A route's path with its parameters as `{}`.
#[must_use]
pub fn without_names(path: &str) -> String {
    let mut out = String::new();
    let mut rest = path;
    while let Some(start) = rest.find('{') {
        let Some(length) = rest[start..].find('}') else { break };
        out.push_str(&rest[..start]);
        out.push_str("{}");
        rest = &rest[start + length + 1..];
    }
    out.push_str(rest);
    out
}

fn split_host<'t>(text: &'t str, first_hole: &str, is_configured: bool) -> (Host, &'t str) {
    let rest = text
        .split_once("://")
        .filter(|(scheme, _)| scheme.len() < 8 && !scheme.contains('/'))
        .map(|(_, rest)| rest)
        .or_else(|| text.strip_prefix("//"));
    if let Some(rest) = rest {
        let end = rest.find('/').unwrap_or(rest.len());
        let (host, path) = rest.split_at(end);
        let name = host.rsplit('@').next().unwrap_or(host);
        let name = match name.rsplit_once(':') {
            Some((name, port)) if !port.contains(']') => name,
            _ => name,
        };
        let host = if LOCAL.contains(&name) || is_configured && name.contains("localhost") {
            Host::Local
        } else if name.is_empty() || name.contains("{}") && (is_configured || !has_domain(name)) {
            Host::Unknown(first_hole.to_owned())
        } else {
            Host::Named(name.to_owned())
        };
        return (host, path);
    }
    if let Some(path) = text.strip_prefix("{}") {
        return (Host::Unknown(first_hole.to_owned()), path);
    }
    (Host::Own, text)
}

/// Whether a host of which a part is not known ends with the domain of somebody.
fn has_domain(host: &str) -> bool {
    let known = host.rsplit("{}").next().unwrap_or_default();
    let labels: Vec<&str> = known.split('.').collect();
    labels.len() > 2 && labels.iter().skip(1).all(|label| !label.is_empty())
}

/// The path from the root, without dots and double slashes.
fn normalised(path: &str) -> String {
    let path = path.trim();
    let trailing = path.len() > 1 && path.ends_with('/');
    let mut segments: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            other => segments.push(other),
        }
    }
    let mut out = format!("/{}", segments.join("/"));
    if trailing && out.len() > 1 {
        out.push('/');
    }
    out
}

fn query_names(query: &str) -> Vec<String> {
    let mut names: Vec<String> = query
        .split(['&', '#'])
        .filter_map(|pair| pair.split('=').next())
        .filter(|name| !name.is_empty() && !name.contains("{}"))
        .map(str::to_owned)
        .collect();
    names.sort();
    names.dedup();
    names
}
