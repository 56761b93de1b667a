//! The proxies of development servers (Vite, Next, Nuxt, webpack, Angular, Create React App), and
//! of programs that hand requests on.

use std::rc::Rc;

use super::{Change, Choice, Proxy, Rule, Step, Takes, Target};
use crate::eval::interpreter::Trace;
use crate::eval::regexp::Regexp;
use crate::eval::text::Text;
use crate::eval::value::{Args, CallRecord, FileId, Value};
use crate::module::path::constant_text;
use crate::module::{Expr, ExprKind, data};

/// Libraries that make a handler which hands requests on: whether a handler that is mounted below
/// a path sees only what follows it.
const HANDLERS: &[(&str, Option<bool>)] = &[
    // Since its third version.
    ("http-proxy-middleware.createProxyMiddleware", None),
    ("http-proxy-middleware.legacyCreateProxyMiddleware", Some(false)),
    ("http-proxy-middleware.proxy", Some(false)),
    ("http-proxy-middleware.default", Some(false)),
    ("http-proxy-middleware", Some(false)),
    ("express-http-proxy.default", Some(true)),
    ("express-http-proxy", Some(true)),
];

/// What a path is asked with that shows what a function makes of it.
const ASKED: &str = "/readiness";

/// Reads them.
pub(super) fn read(trace: &Trace<'_>, out: &mut Vec<Proxy>) {
    let named = named_by_angular(trace);
    for file in trace.program.ids() {
        let path = trace.program.file(file).path;
        let name = path.rsplit('/').next().unwrap_or(path);
        let is_of_angular =
            name.starts_with("proxy.conf") || named.iter().any(|named| path.ends_with(named));
        if name.starts_with("setupProxy.") {
            set_up(trace, file, out);
        } else if is_of_angular {
            let reader = Reader { trace, file: path };
            for config in exported(trace, file) {
                out.push(first(reader.table(&config, "pathRewrite")));
            }
        } else if name.contains(".config.") {
            let reader = Reader { trace, file: path };
            for config in exported(trace, file) {
                reader.configuration(&config, name.starts_with("nitro."), out);
            }
        }
    }
    for (path, document) in trace.program.documents() {
        let name = path.rsplit('/').next().unwrap_or(path);
        let reader = Reader { trace, file: path };
        if name == "package.json" {
            out.push(first(reader.of_package(document)));
        } else if name.ends_with(".json") && name.contains("proxy") {
            out.push(first(reader.table(&plain(document), "pathRewrite")));
        }
    }
    let records: Vec<&CallRecord<'_>> = trace.records().map(|(_, record)| record).collect();
    mounted(trace, records, out);
}

fn first(rules: Vec<Rule>) -> Proxy {
    Proxy { rules, choice: Choice::First }
}

/// What a configuration file exports: a map, a function that gives one, or either within a call.
fn exported<'p>(trace: &Trace<'p>, file: FileId) -> Vec<Value<'p>> {
    let Some(exported) = trace.default_export(file) else { return Vec::new() };
    let inner = match trace.made(&exported) {
        Some(made) => made.args.positional.clone(),
        None => vec![exported],
    };
    let called = |value: Value<'p>| match value {
        function @ Value::Function(_) => {
            trace.call_with(&function, Args { open: true, ..Args::default() })
        }
        other => other,
    };
    inner.into_iter().map(called).flat_map(|value| value.alternatives()).collect()
}

/// The files that workspaces of Angular name as their proxies, or its command in a script.
fn named_by_angular(trace: &Trace<'_>) -> Vec<String> {
    let mut out = Vec::new();
    for (path, document) in trace.program.documents() {
        let name = path.rsplit('/').next().unwrap_or(path);
        match name {
            "angular.json" | "project.json" => named_within(document, 0, &mut out),
            "package.json" => {
                let scripts = data::get(document, "scripts").map(data::pairs);
                for (_, script) in scripts.into_iter().flatten() {
                    let words = constant_text(script).unwrap_or_default();
                    let after = words.split("--proxy-config").nth(1).unwrap_or_default();
                    let named = after.trim_start_matches(['=', ' ']).split_whitespace().next();
                    out.extend(named.map(str::to_owned));
                }
            }
            _ => {}
        }
    }
    out.iter_mut().for_each(|name| *name = name.trim_start_matches("./").to_owned());
    out.retain(|name| !name.is_empty());
    out
}

fn named_within(document: &Expr, depth: usize, out: &mut Vec<String>) {
    if depth > 12 {
        return;
    }
    for (key, value) in data::pairs(document) {
        match constant_text(value) {
            Some(file) if key == "proxyConfig" => out.push(file.to_owned()),
            _ => named_within(value, depth + 1, out),
        }
    }
}

/// A document of data as a value.
fn plain<'p>(document: &Expr) -> Value<'p> {
    match &document.kind {
        ExprKind::Map(_) => Value::map(
            data::pairs(document).map(|(key, value)| (Value::text(key), plain(value))).collect(),
        ),
        ExprKind::List(items) => Value::list(items.iter().map(plain).collect()),
        _ => constant_text(document).map_or(Value::Unknown, Value::text),
    }
}

/// Create React App calls what `setupProxy.js` exports with its application.
fn set_up(trace: &Trace<'_>, file: FileId, out: &mut Vec<Proxy>) {
    let Some(function @ Value::Function(_)) = trace.default_export(file) else { return };
    let application = Value::External("setupProxy.application".into());
    let (_, made) = trace.run(&function, Args::of(vec![application]));
    let records: Vec<_> = made.into_iter().filter_map(|id| trace.call(id)).collect();
    mounted(trace, records.iter().map(Rc::as_ref).collect(), out);
}

/// Handlers of libraries that hand requests on, where they are mounted.
fn mounted<'p>(trace: &Trace<'p>, records: Vec<&CallRecord<'p>>, out: &mut Vec<Proxy>) {
    let mut rules = Vec::new();
    for record in records {
        let is_mount = match &record.callee {
            Value::External(path) => path.ends_with(".use"),
            Value::Method(method) => matches!(method.1.as_str(), "use" | "all"),
            _ => false,
        };
        if !is_mount {
            continue;
        }
        let mount = record.args.positional.first().and_then(Value::as_str);
        for handler in &record.args.positional {
            let Some(made) = trace.made(handler) else { continue };
            let path = trace.path_of(&made);
            let Some((_, strips)) = HANDLERS.iter().find(|(known, _)| *known == path) else {
                continue;
            };
            let file = trace.program.file(record.place.file).path;
            let strips = strips.unwrap_or_else(|| {
                major_version(trace, file, "http-proxy-middleware").is_none_or(|major| major > 2)
            });
            let reader = Reader { trace, file };
            let mut found = reader.handler(&made, mount, strips);
            found.iter_mut().for_each(|rule| rule.place.line = record.place.span.line);
            rules.append(&mut found);
        }
    }
    // Who mounted the same handler twice gave it twice; the first takes all.
    out.push(first(rules));
}

/// The major version of a library that the manifest nearest to a file asks for.
fn major_version(trace: &Trace<'_>, file: &str, library: &str) -> Option<u32> {
    let folder = |path: &str| path.rsplit_once('/').map_or(0, |(folder, _)| folder.len() + 1);
    trace
        .program
        .documents()
        .iter()
        .filter(|(path, _)| path.rsplit('/').next() == Some("package.json"))
        .filter(|(path, _)| file.starts_with(&path[..folder(path)]))
        .filter_map(|(path, manifest)| {
            let version = ["dependencies", "devDependencies"]
                .iter()
                .find_map(|kind| data::text(manifest, &[kind, library]))?;
            let digits = version.trim_start_matches(|c: char| !c.is_ascii_digit());
            let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
            Some((folder(path), digits[..end].parse().ok()?))
        })
        .max()
        .map(|(_, major)| major)
}

struct Reader<'t, 'p> {
    trace: &'t Trace<'p>,
    file: &'t str,
}

impl<'p> Reader<'_, 'p> {
    fn place(&self, options: &Value<'_>) -> Step {
        match options.map_place() {
            Some(place) => Step {
                file: self.trace.program.file(place.file).path.to_owned(),
                line: place.span.line,
            },
            None => Step { file: self.file.to_owned(), line: 1 },
        }
    }

    /// What a configuration says, whosever it is.
    fn configuration(&self, config: &Value<'p>, is_nitro: bool, out: &mut Vec<Proxy>) {
        let within = |outer: &str, inner: &str| config.entry(outer)?.entry(inner);
        // Vite, webpack and those that build upon them.
        if let Some(proxy) = within("server", "proxy") {
            out.push(first(self.table(&proxy, "rewrite")));
        }
        if let Some(proxy) = within("devServer", "proxy") {
            out.push(first(self.table(&proxy, "pathRewrite")));
        }
        // Nuxt's module for it, and Vite within Nuxt.
        if let Some(proxy) = config.entry("proxy") {
            out.push(first(self.table(&proxy, "pathRewrite")));
        }
        if let Some(proxy) = within("vite", "server").and_then(|server| server.entry("proxy")) {
            out.push(first(self.table(&proxy, "rewrite")));
        }
        let nitro = if is_nitro { Some(config.clone()) } else { config.entry("nitro") };
        let of_nitro = |name: &str| nitro.as_ref().and_then(|nitro| nitro.entry(name));
        if let Some(proxy) = of_nitro("devProxy") {
            out.push(self.of_nitro(&proxy));
        }
        for rules in [config.entry("routeRules").filter(|_| !is_nitro), of_nitro("routeRules")] {
            out.extend(rules.map(|rules| self.route_rules(&rules)));
        }
        out.push(first(self.next(config)));
    }

    /// Rules by the paths that they take: `{ "/api": { target, pathRewrite } }`, or as a list
    /// `[{ context: ["/api"], target }]`.
    fn table(&self, proxy: &Value<'p>, rewrite: &str) -> Vec<Rule> {
        match proxy {
            Value::Map(rules) => {
                let rules = rules.borrow();
                let each = rules.iter().filter_map(|(key, options)| {
                    let key = key.to_text();
                    // A prefix that the environment may put before it is empty by default.
                    let pattern = key.to_string();
                    self.rule(pattern.strip_prefix("{}").unwrap_or(&pattern), options, rewrite)
                });
                each.collect()
            }
            Value::List(items) => {
                let items = items.borrow();
                items.iter().flat_map(|options| self.by_context(options, rewrite)).collect()
            }
            // Everything that the development server does not have itself.
            Value::Text(_) => self.rule("/", proxy, rewrite).into_iter().collect(),
            _ => Vec::new(),
        }
    }

    fn by_context(&self, options: &Value<'p>, rewrite: &str) -> Vec<Rule> {
        let names = ["context", "pathFilter"];
        let Some(context) = names.iter().find_map(|name| options.entry(name)) else {
            return self.rule("/", options, rewrite).into_iter().collect();
        };
        let patterns = context.items().unwrap_or_else(|| vec![context.clone()]);
        let each = patterns.iter().filter_map(Value::as_str);
        each.filter_map(|pattern| self.rule(pattern, options, rewrite)).collect()
    }

    fn rule(&self, pattern: &str, options: &Value<'p>, rewrite: &str) -> Option<Rule> {
        let takes = Takes::of_pattern(pattern)?;
        let target = match options {
            Value::Map(_) => options.entry("target").unwrap_or_default(),
            Value::Text(_) => options.clone(),
            _ => return None,
        };
        let target = Target::of_value(&target);
        let start = match &takes {
            Takes::Beginning(start) | Takes::Below(start) => start.trim_end_matches('/'),
            Takes::Exact(_) | Takes::Fitting(_) => "",
        };
        let change = self.rewrite(options.entry(rewrite), start, &target.path)?;
        let Target { is_foreign, .. } = target;
        let place = self.place(options);
        Some(Rule { takes, is_firm: false, change: Some(change), is_foreign, place })
    }

    /// What a map of expressions, or a function, makes of paths that begin so; `None` where that
    /// cannot be told.
    fn rewrite(&self, rewrite: Option<Value<'p>>, start: &str, before: &str) -> Option<Change> {
        match rewrite {
            None | Some(Value::None | Value::Absent) => Some(Change::Behind(before.to_owned())),
            Some(Value::Map(entries)) => {
                let entries = entries.borrow();
                let found = entries.iter().filter_map(|(key, to)| {
                    let source = key.to_text().to_string().replace("{}", "");
                    Some((Regexp::of(&source, ""), to.as_str()?.to_owned()))
                });
                Some(Change::Found(found.collect(), before.to_owned()))
            }
            Some(function @ Value::Function(_)) => {
                let given = format!("{start}{ASKED}");
                let made = self.trace.call_with(&function, Args::of(vec![Value::text(&given)]));
                let to = made.as_str()?.strip_suffix(ASKED)?;
                let to = format!("{before}{to}");
                Some(Change::Beginning { from: start.to_owned(), to })
            }
            Some(_) => None,
        }
    }

    /// `createProxyMiddleware({ target, pathRewrite, pathFilter })`, or with the paths first.
    fn handler(&self, made: &CallRecord<'p>, mount: Option<&str>, strips: bool) -> Vec<Rule> {
        let args = &made.args.positional;
        let (context, options) = match args.as_slice() {
            [context, options @ Value::Map(_), ..] => (Some(context.clone()), options.clone()),
            [options, ..] => (None, options.clone()),
            [] => return Vec::new(),
        };
        // The library for Express is given the host first.
        let is_of_host = made.path().is_some_and(|path| path.starts_with("express-http-proxy"));
        let (context, options) = match context {
            Some(host) if is_of_host => (None, host),
            other => (other, options),
        };
        let mut rules = match context {
            Some(context) => {
                let patterns = context.items().unwrap_or_else(|| vec![context.clone()]);
                let each = patterns.iter().filter_map(Value::as_str);
                each.filter_map(|pattern| self.rule(pattern, &options, "pathRewrite")).collect()
            }
            None => self.by_context(&options, "pathRewrite"),
        };
        let Some(mount) = mount.map(|mount| mount.trim_end_matches(['*', '/'])) else {
            return rules;
        };
        // Below a path, a handler that takes everything takes what is below it.
        for rule in &mut rules {
            let takes_all = matches!(&rule.takes, Takes::Beginning(start) if start == "/");
            if !takes_all {
                continue;
            }
            rule.takes = Takes::Below(mount.to_owned());
            if !strips {
                continue;
            }
            rule.change = match rule.change.take() {
                Some(Change::Behind(to)) => Some(Change::Beginning { from: mount.to_owned(), to }),
                Some(Change::Found(mut found, before)) => {
                    // Seen without what it is mounted below.
                    for (regexp, _) in &mut found {
                        let inner = regexp.source().trim_start_matches('^');
                        let source = format!("^{}{inner}", regex::escape(mount));
                        *regexp = Regexp::of(&source, regexp.flags());
                    }
                    found.push((
                        Regexp::of(&format!("^{}", regex::escape(mount)), ""),
                        String::new(),
                    ));
                    Some(Change::Found(found, before))
                }
                other => other,
            };
        }
        rules
    }

    /// The development server of Nitro mounts each handler below its path.
    fn of_nitro(&self, proxy: &Value<'p>) -> Proxy {
        let Value::Map(rules) = proxy else { return first(Vec::new()) };
        let rules = rules.borrow();
        let each = rules.iter().filter_map(|(key, options)| {
            let below = key.as_str()?.trim_end_matches(['*', '/']);
            let target = options.entry("target").unwrap_or_else(|| options.clone());
            let Target { path: to, is_foreign } = Target::of_value(&target);
            Some(Rule {
                takes: Takes::Below(below.to_owned()),
                is_firm: false,
                change: Some(Change::Beginning { from: below.to_owned(), to }),
                is_foreign,
                place: self.place(options),
            })
        });
        Proxy { rules: each.collect(), choice: Choice::Longest }
    }

    /// `{ "/api/**": { proxy: "http://host/**" } }`
    fn route_rules(&self, rules: &Value<'p>) -> Proxy {
        let Value::Map(rules) = rules else { return first(Vec::new()) };
        let rules = rules.borrow();
        let each = rules.iter().filter_map(|(key, options)| {
            let pattern = key.as_str()?;
            let proxy = options.entry("proxy")?;
            let to = proxy.entry("to").unwrap_or(proxy).to_text();
            let shown = to.to_string();
            let target = Target::of(&Text::literal(shown.trim_end_matches("/**")));
            let Target { path: to, is_foreign } = target;
            let below = pattern.strip_suffix("/**");
            let change = match below {
                Some(from) if shown.ends_with("/**") => {
                    Change::Beginning { from: from.to_owned(), to }
                }
                None if shown.ends_with("/**") => Change::Behind(to),
                _ => Change::Whole(to),
            };
            let takes = match below {
                Some(below) => Takes::Below(below.to_owned()),
                None => Takes::of_pattern(pattern).map(|takes| match takes {
                    Takes::Beginning(exact) => Takes::Exact(exact),
                    other => other,
                })?,
            };
            let place = self.place(options);
            Some(Rule { takes, is_firm: false, change: Some(change), is_foreign, place })
        });
        Proxy { rules: each.collect(), choice: Choice::Longest }
    }

    /// `"proxy"` of Create React App: what it does not have itself it hands on.
    fn of_package(&self, manifest: &Expr) -> Vec<Rule> {
        let is_built_so = ["dependencies", "devDependencies"]
            .iter()
            .any(|kind| data::at(manifest, &[kind, "react-scripts"]).is_some());
        match data::get(manifest, "proxy") {
            Some(proxy) if is_built_so => {
                let mut rules = self.table(&plain(proxy), "pathRewrite");
                rules.iter_mut().for_each(|rule| rule.place.line = proxy.span.line);
                rules
            }
            _ => Vec::new(),
        }
    }

    /// `rewrites() { return [{ source: "/api/:path*", destination: "http://host/:path*" }] }`
    fn next(&self, config: &Value<'p>) -> Vec<Rule> {
        let Some(rewrites @ Value::Function(_)) = config.entry("rewrites") else {
            return Vec::new();
        };
        let given = self.trace.call_with(&rewrites, Args::default());
        let lists = ["beforeFiles", "afterFiles", "fallback"];
        let mut rules = given.items().unwrap_or_default();
        for list in lists {
            rules.extend(given.entry(list).and_then(|list| list.items()).unwrap_or_default());
        }
        let each = rules.iter().filter_map(|rule| {
            let text = |name: &str| rule.entry(name).map(|value| value.to_text());
            let (source, destination) = (text("source")?.to_string(), text("destination")?);
            let shown = destination.to_string();
            let is_foreign = Target::of(&destination).is_foreign;
            let path = |to: &str| {
                let to = to
                    .split_once("://")
                    .map_or(to, |(_, rest)| rest.find('/').map_or("", |at| &rest[at..]));
                to.strip_prefix("{}").unwrap_or(to).to_owned()
            };
            let (takes, change) = match (source.split_once("/:"), shown.split_once("/:")) {
                (Some((from, rest)), Some((to, kept))) if rest == kept => (
                    Takes::Below(from.to_owned()),
                    Change::Beginning { from: from.to_owned(), to: path(to) },
                ),
                (None, None) if !source.contains([':', '(', '*']) => {
                    (Takes::Exact(source), Change::Whole(path(&shown)))
                }
                _ => return None,
            };
            let place = self.place(rule);
            Some(Rule { takes, is_firm: false, change: Some(change), is_foreign, place })
        });
        each.collect()
    }
}
