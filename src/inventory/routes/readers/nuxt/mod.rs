//! Nuxt and Nitro: the files below `server/api` and `server/routes` of a project and of its layers,
//! handlers that its configuration, modules and plugins add, behind `server/middleware`.

mod handler;
mod paths;

use std::collections::{BTreeMap, BTreeSet};

use super::files;
use super::{Framework, Matching, SCRIPTS};
use crate::eval::interpreter::Trace;
use crate::eval::interpreter::libraries::{Host, Library};
use crate::eval::link::Target;
use crate::eval::text::Text;
use crate::eval::value::{Args, CallId, CallRecord, Closure, FileId, Place, Value};
use crate::inventory::routes::caller::values;
use crate::inventory::routes::graph::{Graph, Layer, LayerKind};
use crate::inventory::routes::pattern;
use handler::Found;

/// Nuxt and Nitro.
pub(super) const NUXT: Framework = Framework {
    name: "nuxt",
    languages: SCRIPTS,
    packages: &["nuxt", "nitropack"],
    needs: &["EventHandler(", "eventHandler(", "addServerHandler(", "defineNitroPlugin("],
    fixtures: &["nuxt"],
    matching: Matching::Specific,
    has_user_object: false,
    read,
    path: pattern::braces,
};

/// What Nitro does while a program runs: it calls its plugins.
pub(super) const LIBRARY: Library = Library { called, would_call: |_, _| false, call: no_call };

const NAME: &str = "nuxt";
/// What a plugin is called with.
const NITRO: &str = "nitro";
/// Folders of the server whose files are read by their place alone.
const FOLDERS: &[&str] = &["api", "routes", "middleware", "plugins"];

/// Whether a file belongs to Nuxt by its name.
pub(super) fn is_file(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.starts_with("nuxt.config.")
        || name.starts_with("nitro.config.")
        || FOLDERS.iter().any(|folder| {
            let inner = format!("server/{folder}/");
            path.starts_with(&inner) || path.contains(&format!("/{inner}"))
        })
}

fn no_call<'p>(_: &mut Host<'_, 'p>, _: &std::rc::Rc<Closure<'p>>) -> bool {
    false
}

fn called<'p>(host: &mut Host<'_, 'p>, id: CallId) -> Option<Value<'p>> {
    let call = host.record(id)?;
    let first = call.args.positional.first()?;
    match last_name(call.path()?) {
        "defineNitroPlugin" | "nitroPlugin" => {
            host.set_kind(id, NITRO);
            host.call(first, None, Args::of(vec![Value::Native(id)]), call.place);
        }
        // Nothing imports what is named by a path.
        "addServerHandler" | "addDevServerHandler" => ask_for(host, call.place.file, first),
        "defineNuxtConfig" | "defineNitroConfig" => {
            for entry in handlers_of(first) {
                ask_for(host, call.place.file, &entry);
            }
        }
        _ => {}
    }
    None
}

/// Asks for the file that a handler is named by.
fn ask_for<'p>(host: &mut Host<'_, 'p>, from: FileId, entry: &Value<'p>) {
    let Some(value) = entry.entry("handler") else { return };
    let record = match &value {
        Value::Native(id) => host.record(*id),
        _ => None,
    };
    let path = host.program().file(from).path;
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let Some(text) = named(&value, record.as_deref()) else { return };
    for path in candidates(folder, &text) {
        if host.file(&path).is_some() || host.program().knows(&path) {
            break;
        }
    }
}

/// The last part of a dotted path.
fn last_name(path: &str) -> &str {
    path.rsplit(['.', '/']).next().unwrap_or(path)
}

/// A project: the folder with a configuration, or a layer of it.
struct Project<'p> {
    config: Value<'p>,
    /// The folders that the server lies in.
    servers: Vec<String>,
    /// The projects that it is made of besides itself.
    layers: Vec<String>,
}

/// A program that is served.
struct App<'p> {
    id: CallId,
    base: String,
    layers: Vec<Layer<'p>>,
    /// Methods and paths that are taken: a layer's file gives way to one of the project.
    taken: BTreeSet<(String, String)>,
}

fn read<'p>(trace: &Trace<'p>, graph: &mut Graph<'p>) {
    let projects = projects(trace);
    if projects.is_empty() {
        return;
    }
    let files = server_files(trace, &projects);
    let is_layer = |root: &str| {
        projects.iter().any(|(other, it)| other != root && it.layers.iter().any(|it| it == root))
    };
    for (root, project) in projects.iter().filter(|(root, _)| !is_layer(root)) {
        let base = project.config.entry("app").and_then(|app| app.entry("baseURL"));
        let base = base.or_else(|| project.config.entry("baseURL"));
        let base = base.map(|base| base.to_text()).unwrap_or_default();
        let base_text = base.as_literal().unwrap_or_default().trim_end_matches('/').to_owned();
        let id = graph.add_application_of_files(NAME, Text::literal(&base_text));
        let mut app = App { id, base: base_text, layers: Vec::new(), taken: BTreeSet::new() };
        let mut roots = vec![root.as_str()];
        let mut at = 0;
        while let Some(next) = roots.get(at).copied() {
            at += 1;
            let layers = projects.get(next).map_or(&[][..], |project| project.layers.as_slice());
            let new: Vec<&str> = layers.iter().map(String::as_str).collect();
            new.into_iter().for_each(|layer| {
                if !roots.contains(&layer) && roots.len() < MAX_LAYERS {
                    roots.push(layer);
                }
            });
        }
        app.middleware(trace, &roots, &files, &projects);
        for root in &roots {
            app.files(trace, graph, files.get(*root).map_or(&[][..], Vec::as_slice));
        }
        for root in &roots {
            app.configured(trace, graph, root, &projects);
            app.added(trace, graph, root, &projects);
        }
    }
}

/// Layers of one project.
const MAX_LAYERS: usize = 64;

/// The projects of a program by their folders.
fn projects<'p>(trace: &Trace<'p>) -> BTreeMap<String, Project<'p>> {
    let mut roots: BTreeMap<String, Option<FileId>> = BTreeMap::new();
    for (path, _) in trace.program.documents() {
        let folder = path.strip_suffix("package.json").map(|folder| folder.trim_end_matches('/'));
        if let Some(folder) = folder
            && ["nuxt", "nuxt-nightly", "nitropack", "nitro"]
                .iter()
                .any(|package| files::depends_on(trace, path, package))
            && trace.program.has_folder(&files::join(folder, "server"))
        {
            roots.insert(folder.to_owned(), None);
        }
    }
    for id in trace.program.ids() {
        let path = trace.program.file(id).path;
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        if name.starts_with("nuxt.config.") || name.starts_with("nitro.config.") {
            roots.insert(folder.to_owned(), Some(id));
        }
    }
    roots.iter().map(|(root, file)| (root.clone(), project(trace, root, *file, &roots))).collect()
}

fn project<'p>(
    trace: &Trace<'p>,
    root: &str,
    file: Option<FileId>,
    all: &BTreeMap<String, Option<FileId>>,
) -> Project<'p> {
    let config = file
        .and_then(|file| trace.default_export(file))
        .map(|value| files::options(trace, value))
        .unwrap_or_default();
    let text = |key: &str| config.entry(key).and_then(|value| value.as_str().map(str::to_owned));
    let is_nitro = file.is_some_and(|file| trace.program.file(file).path.contains("nitro.config."));
    let mut servers = Vec::new();
    let source = text("srcDir");
    let within = |folder: &str| files::resolved(root, folder);
    if let Some(folder) = text("serverDir") {
        servers.extend(within(&folder));
    } else if is_nitro {
        servers.extend(within(source.as_deref().unwrap_or(".")));
        servers.extend(within("server"));
    } else {
        let source = source.as_deref().unwrap_or(".");
        servers.extend(within("server"));
        servers.extend(files::resolved(root, source).map(|source| files::join(&source, "server")));
        servers.extend(["src/server", "app/server"].iter().filter_map(|folder| within(folder)));
    }
    servers.dedup();
    let mut layers: Vec<String> = Vec::new();
    // What lies in `layers` belongs to the project without being named.
    let own = files::join(root, "layers");
    layers.extend(
        all.keys()
            .filter(|other| {
                other.rsplit_once('/').map_or("", |(above, _)| above) == own && !own.is_empty()
            })
            .cloned(),
    );
    let extended = match config.entry("extends") {
        Some(Value::List(items)) => items.borrow().clone(),
        Some(one) => vec![one],
        None => Vec::new(),
    };
    for value in extended {
        // A layer may come with options: `['./layer', { … }]`.
        let value = value.items().and_then(|items| items.first().cloned()).unwrap_or(value);
        let Some(layer) = value.as_str() else { continue };
        let folder = layer_folder(trace, root, layer);
        layers.extend(folder.filter(|folder| all.contains_key(folder) && *folder != root));
    }
    layers.dedup();
    Project { config, servers, layers }
}

/// The folder that a project extends: one of the tree, or that of a package of it.
fn layer_folder(trace: &Trace<'_>, root: &str, layer: &str) -> Option<String> {
    if layer.starts_with('.') || layer.starts_with("~/") || layer.starts_with('/') {
        return files::resolved(root, layer.trim_start_matches("~/"));
    }
    trace.program.documents().iter().find_map(|(path, document)| {
        let folder = path.strip_suffix("package.json")?.trim_end_matches('/');
        let name = crate::module::data::text(document, &["name"])?;
        (name == layer).then(|| folder.to_owned())
    })
}

/// A file of a server: where, and what follows the folder of the server.
type ServerFile<'p> = (FileId, &'p str);

/// The files of the servers, by project.
fn server_files<'p>(
    trace: &Trace<'p>,
    projects: &BTreeMap<String, Project<'p>>,
) -> BTreeMap<String, Vec<ServerFile<'p>>> {
    let mut by_folder: BTreeMap<&str, &str> = BTreeMap::new();
    for (root, project) in projects {
        project.servers.iter().for_each(|server| {
            by_folder.insert(server, root);
        });
    }
    let mut out: BTreeMap<String, Vec<ServerFile<'p>>> = BTreeMap::new();
    for id in trace.program.ids() {
        let path = trace.program.file(id).path;
        if !paths::is_handler(path) {
            continue;
        }
        let mut ends = path.match_indices('/').map(|(at, _)| at).rev().chain([0]);
        let server = ends.find_map(|end| {
            let root = by_folder.get(&path[..end])?;
            let inner = path[end..].trim_start_matches('/');
            let folder = inner.split('/').next()?;
            FOLDERS.contains(&folder).then_some((*root, inner))
        });
        if let Some((root, inner)) = server {
            out.entry(root.to_owned()).or_default().push((id, inner));
        }
    }
    out
}

impl<'p> App<'p> {
    /// What stands before every route: files by their names, layers first, then what plugins hook
    /// in and the configuration has without a path.
    fn middleware(
        &mut self,
        trace: &Trace<'p>,
        roots: &[&str],
        files: &BTreeMap<String, Vec<ServerFile<'p>>>,
        projects: &BTreeMap<String, Project<'p>>,
    ) {
        for root in roots.iter().rev() {
            let mut own: Vec<ServerFile<'p>> = files.get(*root).cloned().unwrap_or_default();
            own.retain(|(_, inner)| inner.starts_with("middleware/"));
            own.sort_by_key(|(_, inner)| *inner);
            for (file, inner) in own {
                let Some(value) = trace.default_export(file) else { continue };
                let name = inner.trim_start_matches("middleware/");
                self.layers.extend(before_all(trace, value, name));
            }
            for entry in configured(projects.get(*root)) {
                if entry.entry("middleware").and_then(|it| it.truth()) == Some(true)
                    && let Some(file) = named_file(trace, root, entry.entry("handler").as_ref())
                    && let Some(value) = trace.default_export(file)
                {
                    let name = trace.program.file(file).path.rsplit('/').next().unwrap_or_default();
                    self.layers.extend(before_all(trace, value, name));
                }
            }
        }
        for (_, call) in trace.records() {
            let Some((id, path)) = call.member() else { continue };
            let is_hook = path == "hooks.hook"
                && call.args.positional.first().and_then(Value::as_str) == Some("request");
            if is_hook
                && trace.kind(id) == Some(NITRO)
                && roots.iter().any(|root| is_below(trace, call.place, root))
                && let Some(hook) = call.args.positional.get(1)
            {
                let args = Args::of(vec![values::context()]);
                let layer = Layer::new(trace, LayerKind::Dependency, hook.clone(), args);
                self.layers.push(Layer { ambient: true, ..layer });
            }
        }
    }

    /// The routes that are files.
    fn files(&mut self, trace: &Trace<'p>, graph: &mut Graph<'p>, files: &[ServerFile<'p>]) {
        for (file, inner) in files {
            let Some(named) = paths::of_file(inner) else { continue };
            let Some(value) = trace.default_export(*file) else { continue };
            let key = (named.method.clone().unwrap_or_default(), named.path.clone());
            if !self.taken.insert(key) {
                continue;
            }
            let place = files::export_place(trace, *file, "default");
            let found = Found {
                path: named.path,
                methods: named.method.into_iter().collect(),
                place,
                conditional: named.conditional,
            };
            handler::routes(trace, graph, self, value, found, 0);
        }
    }

    /// The handlers that the configuration names.
    fn configured(
        &mut self,
        trace: &Trace<'p>,
        graph: &mut Graph<'p>,
        root: &str,
        projects: &BTreeMap<String, Project<'p>>,
    ) {
        for entry in configured(projects.get(root)) {
            self.entry(trace, graph, root, &entry, false);
        }
    }

    /// A handler of `serverHandlers` or `addServerHandler`.
    fn entry(
        &mut self,
        trace: &Trace<'p>,
        graph: &mut Graph<'p>,
        folder: &str,
        entry: &Value<'p>,
        conditional: bool,
    ) {
        let is_middleware = entry.entry("middleware").and_then(|it| it.truth()) == Some(true);
        let Some(route) = entry.entry("route").filter(|_| !is_middleware) else { return };
        let Some(file) = named_file(trace, folder, entry.entry("handler").as_ref()) else { return };
        let Some(value) = trace.default_export(file) else { return };
        let method = entry.entry("method").and_then(|it| it.as_str().map(str::to_ascii_uppercase));
        let found = Found {
            path: paths::of_route(&route.to_text().to_string()),
            methods: method.into_iter().collect(),
            place: files::export_place(trace, file, "default"),
            conditional,
        };
        handler::routes(trace, graph, self, value, found, 0);
    }

    /// What modules and plugins add while they run.
    fn added(
        &mut self,
        trace: &Trace<'p>,
        graph: &mut Graph<'p>,
        root: &str,
        projects: &BTreeMap<String, Project<'p>>,
    ) {
        for (_, call) in trace.records() {
            let is_here = || nearest(trace, call.place, projects) == Some(root);
            if let Some(name) = call.path().map(last_name) {
                let is_development = name == "addDevServerHandler";
                if (name == "addServerHandler" || is_development)
                    && let Some(entry) = call.args.positional.first()
                    && is_here()
                {
                    let path = trace.program.file(call.place.file).path;
                    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
                    let conditional = call.conditional || is_development;
                    self.entry(trace, graph, &folder, entry, conditional);
                }
            } else if let Some((id, path)) = call.member()
                && let Some(method) = path.strip_prefix("router.")
                && trace.kind(id) == Some(NITRO)
                && is_here()
            {
                handler::on_router(trace, graph, self, call, method, "", 0);
            }
        }
    }
}

/// The entries of `serverHandlers`, or of Nitro's `handlers`.
fn configured<'p>(project: Option<&Project<'p>>) -> Vec<Value<'p>> {
    project.map_or_else(Vec::new, |project| handlers_of(&project.config))
}

fn handlers_of<'p>(config: &Value<'p>) -> Vec<Value<'p>> {
    let nitro = config.entry("nitro").and_then(|nitro| nitro.entry("handlers"));
    [config.entry("serverHandlers"), nitro, config.entry("handlers")]
        .into_iter()
        .flatten()
        .filter_map(|list| list.items())
        .flatten()
        .collect()
}

/// The layer of a middleware, with its own hooks before it.
fn before_all<'p>(trace: &Trace<'p>, value: Value<'p>, name: &str) -> Vec<Layer<'p>> {
    let unwrapped = handler::unwrapped(trace, value);
    let args = Args::of(vec![values::context()]);
    let mut out = handler::hook_layers(trace, unwrapped.hooks);
    let own = Layer::new(trace, LayerKind::Hook, unwrapped.function, args);
    out.push(Layer { name: name.to_owned(), ..own });
    out.into_iter().map(|layer| Layer { ambient: true, ..layer }).collect()
}

/// The file that a handler is named by: a path, or what a resolver makes of one.
fn named_file<'p>(trace: &Trace<'p>, folder: &str, value: Option<&Value<'p>>) -> Option<FileId> {
    let value = value?;
    let text = named(value, trace.made(value).as_deref())?;
    candidates(folder, &text).iter().find_map(|path| match trace.program.file_at(path)? {
        Target::File(file) => Some(file),
        _ => None,
    })
}

/// The path that a value names a file by, perhaps through a resolver.
fn named<'p>(value: &Value<'p>, made: Option<&CallRecord<'p>>) -> Option<String> {
    let text = match made {
        Some(record) => {
            let name = match &record.callee {
                Value::Method(method) => method.1.as_str(),
                Value::External(path) => last_name(path),
                _ => return None,
            };
            let resolves = matches!(name, "resolve" | "resolvePath" | "fileURLToPath" | "join");
            record.args.positional.last().filter(|_| resolves)?
        }
        None => value,
    };
    text.as_str().map(str::to_owned)
}

/// The files that a path may mean to something in a folder.
fn candidates(folder: &str, path: &str) -> Vec<String> {
    let rest = ["~~/", "@@/", "~/", "@/", "#"].iter().find_map(|start| path.strip_prefix(start));
    let stems: Vec<String> = match rest {
        Some(rest) => {
            let folders = std::iter::successors(Some(folder), |folder| {
                (!folder.is_empty()).then(|| folder.rsplit_once('/').map_or("", |(above, _)| above))
            });
            folders.map(|folder| files::join(folder, rest)).collect()
        }
        None => files::resolved(folder, path).into_iter().collect(),
    };
    let endings = ["", ".ts", ".js", ".mjs", ".mts", "/index.ts", "/index.js", "/index.mjs"];
    let of = |stem: &String| endings.map(|ending| format!("{stem}{ending}"));
    stems.iter().flat_map(of).collect()
}

fn is_below(trace: &Trace<'_>, place: Place, root: &str) -> bool {
    let path = trace.program.file(place.file).path;
    root.is_empty() || path.strip_prefix(root).is_some_and(|rest| rest.starts_with('/'))
}

/// The project that a place belongs to: the nearest one above it.
fn nearest<'r>(
    trace: &Trace<'_>,
    place: Place,
    projects: &'r BTreeMap<String, Project<'_>>,
) -> Option<&'r str> {
    let mut folder = trace.program.file(place.file).path;
    while let Some((above, _)) = folder.rsplit_once('/') {
        folder = above;
        if let Some((root, _)) = projects.get_key_value(folder) {
            return Some(root);
        }
    }
    projects.get_key_value("").map(|(root, _)| root.as_str())
}

/// A call on a router, or on what such a call gave back.
fn method_on<'c>(call: &'c CallRecord<'_>) -> Option<(CallId, &'c str)> {
    call.method()
}
