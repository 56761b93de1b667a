//! Where the routes are written: `routes.ts`, the options of the plugin for Vite, `remix.config`,
//! `react-router.config`.

use std::collections::BTreeMap;
use std::rc::Rc;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use super::flat::{self, Convention, FlatRoute};
use super::{Roots, files, script};
use crate::eval::interpreter::Trace;
use crate::eval::interpreter::libraries::{Host, Library};
use crate::eval::link::Program;
use crate::eval::value::{Args, CallId, Closure, FileId, Place, Value};

/// What the libraries for routes do while a program runs: they give back what is a list of routes.
pub(in super::super) const LIBRARY: Library =
    Library { called, would_call: |_, _| false, call: no_call };

/// What `routes` is called with in Remix, and what that calls in its turn.
const DEFINE_ROUTES: &str = "remix.defineRoutes";
const DEFINE_ROUTE: &str = "remix.defineRoute";
/// A call that marks how far the program has come.
const MARK: &str = "remix.mark";

/// Files of one folder of routes.
const MAX_FILES: usize = 10_000;
/// Folders inside each other.
const MAX_DEPTH: usize = 24;
/// Calls of one function that defines routes.
const MAX_CALLS: u32 = 20_000;

/// What is known of an application before its modules are looked at.
pub(super) struct Configuration<'p> {
    /// What all of its paths begin with.
    pub(super) base: String,
    /// Its folder, below that of the project.
    pub(super) folder: String,
    /// Whether what modules export as `middleware` is run.
    pub(super) has_middleware: bool,
    /// Its routes.
    pub(super) nodes: Vec<Value<'p>>,
}

fn no_call<'p>(_: &mut Host<'_, 'p>, _: &Rc<Closure<'p>>) -> bool {
    false
}

fn called<'p>(host: &mut Host<'_, 'p>, id: CallId) -> Option<Value<'p>> {
    let call = host.record(id)?;
    let given = &call.args.positional;
    if let Some((maker, method)) = call.method() {
        let relative = host.record(maker)?;
        if relative.path()? != "@react-router/dev/routes.relative" {
            return None;
        }
        let folder = relative.args.positional.first()?.as_str()?;
        let folder = files::resolved(&project_folder(host, relative.place.file), folder)?;
        return defined(method, given, Some(&folder));
    }
    let path = call.path()?;
    if let Some(name) = path.strip_prefix("@react-router/dev/routes.") {
        return defined(name, given, None);
    }
    match path {
        "@react-router/fs-routes.flatRoutes" => {
            let folder = application_folder(host, call.place.file);
            let options = given.first();
            let text =
                |key: &str| options?.entry(key).and_then(|value| value.as_str().map(str::to_owned));
            let below = text("rootDirectory").unwrap_or_else(|| "routes".to_owned());
            let ignored = texts(options.and_then(|it| it.entry("ignoredRouteFiles")).as_ref());
            Some(Value::list(folder_nodes(
                host.program(),
                &folder,
                &below,
                &ignored,
                Convention::Flat,
            )))
        }
        "remix-flat-routes.flatRoutes" => {
            let folder = application_folder(host, call.place.file);
            let options = given.iter().rev().find(|value| matches!(value, Value::Map(_)));
            let ignored = texts(options.and_then(|it| it.entry("ignoredRouteFiles")).as_ref());
            let nodes = scripts_of(given.first()?)
                .iter()
                .flat_map(|below| {
                    folder_nodes(host.program(), &folder, below, &ignored, Convention::Hybrid)
                })
                .collect();
            Some(Value::list(nodes))
        }
        "react-router-auto-routes.autoRoutes" => {
            let folder = application_folder(host, call.place.file);
            let ignored =
                texts(given.first().and_then(|it| it.entry("ignoredRouteFiles")).as_ref());
            Some(Value::list(folder_nodes(
                host.program(),
                &folder,
                "routes",
                &ignored,
                Convention::Nested,
            )))
        }
        "@react-router/remix-routes-option-adapter.remixRoutesOptionAdapter" => {
            let routes = given.first()?;
            let args = Args::of(vec![Value::External(DEFINE_ROUTES.into())]);
            Some(host.call(routes, None, args, call.place))
        }
        DEFINE_ROUTES => {
            let define = given.first()?;
            Some(Value::list(defining(host, id, define, call.place)))
        }
        DEFINE_ROUTE => {
            let options = given.iter().skip(2).find(|value| matches!(value, Value::Map(_)));
            let children = given.iter().skip(2).find(|it| matches!(it, Value::Function(_)));
            let mut entries = vec![
                (Value::text("path"), given.first().cloned().unwrap_or_default()),
                (Value::text("file"), given.get(1).cloned().unwrap_or_default()),
            ];
            if options.and_then(|it| it.entry("index")).and_then(|it| it.truth()) == Some(true) {
                entries.push((Value::text("index"), Value::Bool(true)));
            }
            if let Some(children) = children {
                let inner = defining(host, id, children, call.place);
                entries.push((Value::text("children"), Value::list(inner)));
            }
            host.note(id, Value::map(entries));
            None
        }
        _ => None,
    }
}

/// Calls a function that defines routes, and gives those that it did and nothing inside them.
fn defining<'p>(
    host: &mut Host<'_, 'p>,
    from: CallId,
    function: &Value<'p>,
    place: Place,
) -> Vec<Value<'p>> {
    let args = Args::of(vec![Value::External(DEFINE_ROUTE.into())]);
    host.call(function, None, args, place);
    let mark = host.record_call(MARK, Args::default(), place);
    let mut out = Vec::new();
    for at in from.0 + 1..mark.0.min(from.0.saturating_add(MAX_CALLS)) {
        let is_route =
            host.record(CallId(at)).is_some_and(|call| call.path() == Some(DEFINE_ROUTE));
        if is_route && let Some(node @ Value::Map(_)) = host.noted(CallId(at)) {
            out.push(node);
            // Whatever it lies in does not have it too.
            host.note(CallId(at), Value::None);
        }
    }
    out
}

/// What the functions of `@react-router/dev/routes` give back.
fn defined<'p>(name: &str, given: &[Value<'p>], folder: Option<&str>) -> Option<Value<'p>> {
    let file = |value: Option<&Value<'p>>| {
        let value = value.cloned().unwrap_or_default();
        match (folder, value.as_str()) {
            (Some(folder), Some(file)) if !file.starts_with('/') => {
                Some(Value::text(&format!("/{}", files::resolved(folder, file)?)))
            }
            _ => Some(value),
        }
    };
    let entry = |key: &str, value: Value<'p>| (Value::text(key), value);
    let children = |from: usize| {
        let list = given.iter().skip(from).find(|value| is_list(value)).cloned();
        list.map(|list| (Value::text("children"), list))
    };
    match name {
        "route" => {
            let path = given.first().cloned().unwrap_or_default();
            let mut entries = match path {
                Value::None => Vec::new(),
                path => vec![entry("path", path)],
            };
            entries.push(entry("file", file(given.get(1))?));
            entries.extend(children(2));
            Some(Value::map(entries))
        }
        "index" => Some(Value::map(vec![
            entry("index", Value::Bool(true)),
            entry("file", file(given.first())?),
        ])),
        "layout" => {
            let mut entries = vec![entry("file", file(given.first())?)];
            entries.extend(children(1));
            Some(Value::map(entries))
        }
        // Routes are flat below a prefix as they are inside a route with a path.
        "prefix" => {
            let inner = Value::map(vec![
                entry("path", given.first().cloned().unwrap_or_default()),
                entry("children", given.get(1).cloned().unwrap_or_default()),
            ]);
            Some(Value::list(vec![inner]))
        }
        _ => None,
    }
}

fn is_list(value: &Value<'_>) -> bool {
    match value {
        Value::List(_) => true,
        Value::Choice(values) => values.iter().any(is_list),
        _ => false,
    }
}

/// The texts of a list.
fn texts(value: Option<&Value<'_>>) -> Vec<String> {
    value
        .and_then(|value| value.items())
        .unwrap_or_default()
        .iter()
        .filter_map(|item| item.as_str().map(str::to_owned))
        .collect()
}

/// A text, or those of a list.
fn scripts_of(value: &Value<'_>) -> Vec<String> {
    match value.as_str() {
        Some(text) => vec![text.to_owned()],
        None => texts(Some(value)),
    }
}

/// The nearest folder above a file that has a manifest.
fn project_folder(host: &Host<'_, '_>, file: FileId) -> String {
    let mut folder = host.program().file(file).path;
    while let Some((above, _)) = folder.rsplit_once('/') {
        folder = above;
        if host.program().knows(&files::join(folder, "package.json")) {
            return folder.to_owned();
        }
    }
    String::new()
}

/// The folder of the application that a file of its configuration is for: the file's own, where it
/// is `routes.ts`, else `app` beside it.
fn application_folder(host: &Host<'_, '_>, file: FileId) -> String {
    let path = host.program().file(file).path;
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    if name.starts_with("routes.") { folder.to_owned() } else { files::join(folder, "app") }
}

/// The routes that the files below a folder make, each with those inside it.
pub(super) fn folder_nodes<'p>(
    program: &Program<'_>,
    folder: &str,
    name: &str,
    ignored: &[String],
    convention: Convention,
) -> Vec<Value<'p>> {
    let Some(root) = files::resolved(folder, name) else { return Vec::new() };
    let globs = globs(ignored);
    let mut found: Vec<String> = Vec::new();
    walk(program, &root, "", 0, &mut found);
    let mut routes: Vec<(FlatRoute, String)> = found
        .into_iter()
        .filter(|inner| !globs.is_match(format!("{name}/{inner}")) && !globs.is_match(inner))
        .filter_map(|inner| {
            let route = flat::route(&inner, convention)?;
            Some((route, format!("/{}", files::join(&root, &inner))))
        })
        .collect();
    routes.sort_by(|a, b| a.0.id.cmp(&b.0.id));
    // Each path is whole; what lies in another is behind what stands before that one.
    let ids: Vec<String> = routes.iter().map(|(route, _)| route.id.clone()).collect();
    let mut children: BTreeMap<Option<usize>, Vec<usize>> = BTreeMap::new();
    let by_id: BTreeMap<&str, usize> =
        ids.iter().enumerate().map(|(at, id)| (id.as_str(), at)).collect();
    for (at, id) in ids.iter().enumerate() {
        let parent = id
            .match_indices('.')
            .map(|(end, _)| &id[..end])
            .filter_map(|start| by_id.get(start).copied())
            .rfind(|parent| *parent != at && !routes[*parent].0.is_index);
        children.entry(parent).or_default().push(at);
    }
    nested_nodes(&routes, &children, None, "", 0)
}

fn nested_nodes<'p>(
    routes: &[(FlatRoute, String)],
    children: &BTreeMap<Option<usize>, Vec<usize>>,
    parent: Option<usize>,
    above: &str,
    depth: usize,
) -> Vec<Value<'p>> {
    if depth > MAX_DEPTH {
        return Vec::new();
    }
    let of = |at: &usize| {
        let (route, file) = &routes[*at];
        let mut entries = vec![(Value::text("file"), Value::text(file))];
        let whole = route.path.as_deref();
        if let Some(whole) = whole {
            let own = whole.strip_prefix(above).unwrap_or(whole);
            entries.push((Value::text("path"), Value::text(own)));
        }
        if route.is_index {
            entries.push((Value::text("index"), Value::Bool(true)));
        }
        let inner = nested_nodes(routes, children, Some(*at), whole.unwrap_or(above), depth + 1);
        entries.push((Value::text("children"), Value::list(inner)));
        Value::map(entries)
    };
    children.get(&parent).map_or(&[][..], Vec::as_slice).iter().map(of).collect()
}

fn walk(program: &Program<'_>, root: &str, inner: &str, depth: usize, out: &mut Vec<String>) {
    for child in program.children(&files::join(root, inner)) {
        let path = files::join(inner, &child.name);
        if out.len() >= MAX_FILES || child.name.starts_with('.') {
            continue;
        }
        if !child.is_folder {
            out.push(path);
        } else if depth < MAX_DEPTH {
            walk(program, root, &path, depth + 1, out);
        }
    }
}

fn globs(ignored: &[String]) -> GlobSet {
    let mut set = GlobSetBuilder::new();
    for glob in ignored {
        if let Ok(glob) = GlobBuilder::new(glob).literal_separator(true).build() {
            set.add(glob);
        }
    }
    set.build().unwrap_or_default()
}

/// Every application, by the folder of its project.
pub(super) fn all<'p>(trace: &Trace<'p>) -> Vec<(String, Configuration<'p>)> {
    let mut roots = Roots::new();
    for (path, _) in trace.program.documents() {
        let folder = path.strip_suffix("package.json").map(|folder| folder.trim_end_matches('/'));
        if let Some(folder) = folder
            && ["@remix-run/dev", "@react-router/dev"]
                .iter()
                .any(|package| files::depends_on(trace, path, package))
        {
            roots.entry(folder.to_owned()).or_default();
        }
    }
    for id in trace.program.ids() {
        let path = trace.program.file(id).path;
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        if ["react-router.config.", "remix.config."].iter().any(|start| name.starts_with(start)) {
            roots.entry(folder.to_owned()).or_default().push(id);
        }
    }
    let plugins = plugins(trace);
    roots
        .into_iter()
        .map(|(root, files)| {
            let options = files
                .first()
                .and_then(|file| trace.default_export(*file))
                .map(|value| files::options(trace, value))
                .or_else(|| plugins.get(&root).cloned())
                .unwrap_or_default();
            let configuration = configuration(trace, &root, &options);
            (root, configuration)
        })
        .collect()
}

/// The options of the plugins for Vite, by folder.
fn plugins<'p>(trace: &Trace<'p>) -> BTreeMap<String, Value<'p>> {
    let mut out = BTreeMap::new();
    for (_, call) in trace.records() {
        if call.path() == Some("@remix-run/dev.vitePlugin")
            && let Some(options) = call.args.positional.first()
        {
            let path = trace.program.file(call.place.file).path;
            let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
            out.entry(folder.to_owned()).or_insert_with(|| options.clone());
        }
    }
    out
}

fn configuration<'p>(trace: &Trace<'p>, root: &str, options: &Value<'p>) -> Configuration<'p> {
    let text = |key: &str| options.entry(key).and_then(|value| value.as_str().map(str::to_owned));
    let folder = text("appDirectory").and_then(|folder| files::resolved("", &folder));
    let folder = folder.unwrap_or_else(|| "app".to_owned());
    let whole = files::join(root, &folder);
    let has = |flag: &str| {
        let future = options.entry("future").and_then(|future| future.entry(flag));
        future.and_then(|value| value.truth()) == Some(true)
    };
    let written = script(trace, &whole, "routes").and_then(|file| trace.default_export(file));
    let nodes = match written {
        Some(value) => value.items().unwrap_or_default(),
        None => {
            let ignored = texts(options.entry("ignoredRouteFiles").as_ref());
            let mut nodes =
                folder_nodes(trace.program, &whole, "routes", &ignored, Convention::Flat);
            if let Some(define @ Value::Function(_)) = options.entry("routes") {
                let args = Args::of(vec![Value::External(DEFINE_ROUTES.into())]);
                nodes.extend(trace.call_with(&define, args).items().unwrap_or_default());
            }
            nodes
        }
    };
    Configuration {
        base: text("basename").unwrap_or_default(),
        folder,
        has_middleware: has("v8_middleware") || has("unstable_middleware"),
        nodes,
    }
}
