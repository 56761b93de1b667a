//! What a development server or a reverse proxy does with a path on its way to the server, as the
//! configuration says it.

use crate::eval::interpreter::Trace;
use crate::eval::value::{Args, Value};

/// A rule of a proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proxy {
    /// Paths that begin with this are handed on.
    pub prefix: String,
    /// What the server gets in place of the prefix.
    pub replaced_by: String,
}

impl Proxy {
    /// The path as the server gets it; `None` where the rule leaves it as it is.
    #[must_use]
    pub fn apply(&self, path: &str) -> Option<String> {
        let rest = path.strip_prefix(&self.prefix)?;
        if self.prefix == self.replaced_by || !(rest.is_empty() || rest.starts_with('/')) {
            return None;
        }
        Some(format!("{}/{}", self.replaced_by.trim_end_matches('/'), rest.trim_start_matches('/')))
    }
}

/// The rules of a program: Vite's `server.proxy` and the rewrites of Next.
#[must_use]
pub fn read(trace: &Trace<'_>) -> Vec<Proxy> {
    let mut out = Vec::new();
    for file in trace.program.ids() {
        let path = trace.program.file(file).path;
        let name = path.rsplit('/').next().unwrap_or(path);
        if !name.contains(".config.") {
            continue;
        }
        let Some(exported) = trace.default_export(file) else { continue };
        for config in configurations(trace, &exported) {
            vite(trace, &config, &mut out);
            next(trace, &config, &mut out);
        }
    }
    out
}

/// What a configuration file exports: a map, a function that gives one, or either within a call.
fn configurations<'p>(trace: &Trace<'p>, exported: &Value<'p>) -> Vec<Value<'p>> {
    let inner = match trace.made(exported) {
        Some(made) => made.args.positional.clone(),
        None => vec![exported.clone()],
    };
    let called = |value: Value<'p>| match value {
        function @ Value::Function(_) => {
            trace.call_with(&function, Args { open: true, ..Args::default() })
        }
        other => other,
    };
    inner.into_iter().map(called).flat_map(|value| value.alternatives()).collect()
}

/// `server: { proxy: { "/api": { target, rewrite } } }`
fn vite<'p>(trace: &Trace<'p>, config: &Value<'p>, out: &mut Vec<Proxy>) {
    let proxy = config.entry("server").and_then(|server| server.entry("proxy"));
    let Some(Value::Map(rules)) = proxy else { return };
    for (key, rule) in rules.borrow().iter() {
        let Some(prefix) = key.as_str().map(|key| key.trim_end_matches('/')) else { continue };
        if !prefix.starts_with('/') {
            continue;
        }
        let Some(rewrite @ Value::Function(_)) = rule.entry("rewrite") else { continue };
        let given = format!("{prefix}/readiness");
        let rewritten = trace.call_with(&rewrite, Args::of(vec![Value::text(&given)]));
        if let Some(to) = rewritten.as_str().and_then(|path| path.strip_suffix("/readiness")) {
            out.push(Proxy { prefix: prefix.to_owned(), replaced_by: to.to_owned() });
        }
    }
}

/// `rewrites() { return [{ source: "/api/:path*", destination: "http://host/:path*" }] }`
fn next<'p>(trace: &Trace<'p>, config: &Value<'p>, out: &mut Vec<Proxy>) {
    let Some(rewrites @ Value::Function(_)) = config.entry("rewrites") else { return };
    let given = trace.call_with(&rewrites, Args::default());
    let lists = ["beforeFiles", "afterFiles", "fallback"];
    let mut rules = given.items().unwrap_or_default();
    for list in lists {
        rules.extend(given.entry(list).and_then(|list| list.items()).unwrap_or_default());
    }
    for rule in rules {
        let text = |name: &str| rule.entry(name).map(|value| value.to_text().to_string());
        let (Some(source), Some(destination)) = (text("source"), text("destination")) else {
            continue;
        };
        let (Some((prefix, rest)), Some((to, kept))) =
            (source.split_once("/:"), destination.split_once("/:"))
        else {
            continue;
        };
        if rest != kept {
            continue;
        }
        let to = to
            .split_once("://")
            .map_or(to, |(_, rest)| rest.find('/').map_or("", |at| &rest[at..]));
        let to = to.strip_prefix("{}").unwrap_or(to);
        out.push(Proxy { prefix: prefix.to_owned(), replaced_by: to.to_owned() });
    }
}
