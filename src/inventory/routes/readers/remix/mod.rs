//! Remix and React Router as a framework: the loaders and actions of modules without a component,
//! at the paths that `routes.ts`, the configuration or the names of files give them.

mod config;
mod flat;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use regex::Regex;

use super::files;
use super::{Framework, Matching, SCRIPTS};
use crate::eval::interpreter::Trace;
use crate::eval::text::Text;
use crate::eval::value::{Args, CallId, FileId, Value};
use crate::inventory::routes::caller::values;
use crate::inventory::routes::graph::{Graph, Layer, LayerKind, Registration};
use crate::inventory::routes::{methods, pattern};
use config::Configuration;

pub(super) use config::LIBRARY;

/// Remix and React Router.
pub(super) const REMIX: Framework = Framework {
    name: "remix",
    languages: SCRIPTS,
    packages: &["@remix-run/node", "@remix-run/dev"],
    needs: &[
        "@remix-run/dev",
        "@react-router/dev",
        "remix-flat-routes",
        "react-router-auto-routes",
    ],
    fixtures: &["remix"],
    matching: Matching::Specific,
    has_user_object: false,
    read,
    path: pattern::braces,
};

const NAME: &str = "remix";
/// The methods that an action is asked with.
const ACTIONS: &[&str] = &["POST", "PUT", "PATCH", "DELETE"];
/// Routes inside each other.
const MAX_DEPTH: usize = 32;
/// Paths of one route with optional parts.
const MAX_PATHS: usize = 64;

static DATA: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"export\s+(?:async\s+)?(?:function|const|let|var)\s+(?:loader|action|middleware|unstable_middleware)\b|export\s*\{[^}]*\b(?:loader|action|middleware)\b",
    )
    .ok()
});
static COMPONENT: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"export\s+default\b|\bas\s+default\b|\{\s*default\s*[,}]").ok());

/// Whether a file belongs to Remix or React Router by its name, or is a route of them without a
/// component; one with a component only where others run behind its middleware.
pub(super) fn is_file(path: &str, text: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    if name.starts_with("react-router.config.") || name.starts_with("remix.config.") {
        return true;
    }
    let fits =
        |regex: &LazyLock<Option<Regex>>| regex.as_ref().is_some_and(|regex| regex.is_match(text));
    if !["loader", "action", "iddleware"].iter().any(|word| text.contains(word)) || !fits(&DATA) {
        return false;
    }
    let has_middleware =
        ["const middleware", "const unstable_middleware"].iter().any(|it| text.contains(it));
    has_middleware || !fits(&COMPONENT)
}

/// A program that is served.
struct App {
    id: CallId,
    folder: String,
    has_middleware: bool,
}

fn read<'p>(trace: &Trace<'p>, graph: &mut Graph<'p>) {
    for (root, configuration) in config::all(trace) {
        let Configuration { base, folder, has_middleware, nodes } = configuration;
        let id = graph.add_application_of_files(NAME, Text::literal(base.trim_end_matches('/')));
        let app = App { id, folder: files::join(&root, &folder), has_middleware };
        let mut layers = Vec::new();
        if let Some(file) = script(trace, &app.folder, "root") {
            layers.extend(app.middleware(trace, file));
        }
        let mut seen = BTreeSet::new();
        for node in &nodes {
            app.node(trace, graph, node, &[String::new()], &layers, &mut seen, 0);
        }
    }
}

impl App {
    /// A route with those inside it. What was given twice is there twice.
    #[allow(clippy::too_many_arguments)]
    fn node<'p>(
        &self,
        trace: &Trace<'p>,
        graph: &mut Graph<'p>,
        node: &Value<'p>,
        above: &[String],
        layers: &[Layer<'p>],
        seen: &mut BTreeSet<(String, FileId)>,
        depth: usize,
    ) {
        if depth > MAX_DEPTH {
            return;
        }
        for node in node.alternatives() {
            let path = node.entry("path").map(|path| path.to_text().to_string());
            let paths = joined(above, path.as_deref().unwrap_or_default());
            let file = node.entry("file").and_then(|file| {
                let file = file.as_str()?.to_owned();
                script_at(trace, &self.folder, &file)
            });
            let mut inner = layers.to_vec();
            if let Some(file) = file {
                inner.extend(self.middleware(trace, file));
                // A layout has no path, and answers nothing by itself.
                let is_layout = path.is_none() && node.entry("index").is_none();
                let is_conditional = trace.is_perhaps(&node);
                for path in paths.iter().filter(|_| !is_layout) {
                    if seen.insert((path.clone(), file)) {
                        self.resource(trace, graph, file, path, &inner, is_conditional);
                    }
                }
            }
            let children = node.entry("children").and_then(|children| children.items());
            for child in children.unwrap_or_default() {
                self.node(trace, graph, &child, &paths, &inner, seen, depth + 1);
            }
        }
    }

    /// What a module puts before its own loader and action, and before those of what is inside it.
    fn middleware<'p>(&self, trace: &Trace<'p>, file: FileId) -> Vec<Layer<'p>> {
        if !self.has_middleware {
            return Vec::new();
        }
        let value = trace
            .exported(file, "middleware")
            .or_else(|| trace.exported(file, "unstable_middleware"));
        let items = value.and_then(|value| value.items()).unwrap_or_default();
        let args = || Args::of(vec![given(), values::next()]);
        items.into_iter().map(|item| Layer::new(trace, LayerKind::Hook, item, args())).collect()
    }

    /// The routes of a module without a component.
    fn resource<'p>(
        &self,
        trace: &Trace<'p>,
        graph: &mut Graph<'p>,
        file: FileId,
        path: &str,
        layers: &[Layer<'p>],
        conditional: bool,
    ) {
        let offers = |name: &str| trace.exported(file, name).is_some();
        if offers("default") || offers("ErrorBoundary") {
            return;
        }
        let args = Args::of(vec![given()]);
        for (name, candidates) in [("loader", &["GET"][..]), ("action", ACTIONS)] {
            let Some(value) = trace.exported(file, name) else { continue };
            let answered = match name {
                "action" => methods::answered(trace, &value, &args, candidates),
                _ => Vec::new(),
            };
            let answered = if answered.is_empty() {
                candidates.iter().map(|method| (*method).to_owned()).collect()
            } else {
                answered
            };
            let registration = files::registration(
                trace,
                file,
                name,
                value,
                answered,
                path,
                layers.to_vec(),
                args.clone(),
            );
            let holes = files::with_holes(path);
            graph.route(
                self.id,
                Registration {
                    conditional,
                    shown_path: Some(holes.clone()),
                    path: holes,
                    ..registration
                },
            );
        }
    }
}

/// What loaders, actions and middleware are called with.
fn given<'p>() -> Value<'p> {
    Value::map(vec![
        (Value::text("request"), values::request()),
        (Value::text("params"), Value::Unknown),
        (Value::text("context"), Value::External("caller.context.load".into())),
    ])
}

/// The paths of a route below others: two for each part that may be left out.
fn joined(above: &[String], path: &str) -> Vec<String> {
    let mut out = above.to_vec();
    for segment in path.split('/').filter(|segment| !segment.is_empty()) {
        let (segment, is_optional) = match segment.strip_suffix('?') {
            Some(segment) => (segment, true),
            None => (segment, false),
        };
        let written = match segment.strip_prefix(':') {
            // The name ends where something else begins: `:lang.xml`.
            Some(name) => {
                let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
                let end = name.find(|c| !is_name(c)).unwrap_or(name.len());
                format!("{{{}}}{}", &name[..end], &name[end..])
            }
            None if segment == "*" => "{:path}".to_owned(),
            None => segment.to_owned(),
        };
        let with: Vec<String> = out.iter().map(|path| format!("{path}/{written}")).collect();
        if is_optional && out.len() < MAX_PATHS {
            out.extend(with);
        } else {
            out = with;
        }
    }
    out
}

/// A module of the program below a folder, by its path without an ending.
fn script(trace: &Trace<'_>, folder: &str, name: &str) -> Option<FileId> {
    ["tsx", "ts", "jsx", "js", "mjs"]
        .iter()
        .find_map(|ending| trace.program.at(&files::join(folder, &format!("{name}.{ending}"))))
}

/// A module of the program below a folder, as a route names it.
fn script_at(trace: &Trace<'_>, folder: &str, file: &str) -> Option<FileId> {
    let path = files::resolved(folder, file)?;
    trace.program.at(&path).or_else(|| script(trace, "", &path))
}

/// Folders with a configuration, in order.
type Roots = BTreeMap<String, Vec<FileId>>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_left_out_gives_two_paths() {
        let all = joined(&[String::new()], "orders/:orderId/:format?");
        assert_eq!(all, ["/orders/{orderId}", "/orders/{orderId}/{format}"]);
        assert_eq!(joined(&["/a".to_owned()], "service?/log"), ["/a/log", "/a/service/log"]);
        assert_eq!(joined(&[String::new()], "covers/*"), ["/covers/{:path}"]);
    }

    #[test]
    fn only_data_without_a_component_is_wanted() {
        assert!(is_file("app/x.ts", "export async function loader() {}"));
        assert!(is_file("app/x.ts", "export { show as loader };"));
        assert!(!is_file("app/x.tsx", "export const loader = 1;\nexport default function X() {}"));
        assert!(!is_file("app/x.tsx", "export { default, loader } from './y';"));
        assert!(is_file("app/x.tsx", "export const middleware = [a];\nexport default X;"));
    }
}
