//! Next.js: `app/**/route.ts` and `pages/api/**`, below the base path of `next.config`, behind
//! `middleware.ts`.

use std::collections::BTreeMap;

use regex::Regex;

use super::files::{self, Folder};
use super::{Framework, Matching, SCRIPTS};
use crate::eval::interpreter::Trace;
use crate::eval::text::Text;
use crate::eval::value::{Args, FileId, Value};
use crate::inventory::routes::caller::values;
use crate::inventory::routes::graph::{Graph, Layer, LayerKind, Registration};
use crate::inventory::routes::{methods, pattern};

/// Next.js.
pub(super) const NEXT: Framework = Framework {
    name: "next",
    languages: SCRIPTS,
    packages: &["next"],
    // Its files are known by their names.
    needs: &[],
    fixtures: &["next"],
    matching: Matching::Specific,
    has_user_object: false,
    read,
    path: pattern::braces,
};

const NAME: &str = "next";
const VERBS: &[&str] = &["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
const ENDINGS: &[&str] = &["ts", "tsx", "js", "jsx", "mjs"];

/// Whether a file belongs to Next.js by its name.
pub(super) fn is_file(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let stem = name.split('.').next().unwrap_or(name);
    let script = ENDINGS.iter().any(|ending| name.ends_with(&format!(".{ending}")));
    script
        && (stem == "route" && segments(path).contains(&"app")
            || stem == "middleware"
            || name.starts_with("next.config.")
            || path.contains("pages/api/"))
}

fn segments(path: &str) -> Vec<&str> {
    path.split('/').collect()
}

/// A program of Next.js: the folder with its configuration.
struct App<'p> {
    prefix: String,
    extensions: Vec<String>,
    middleware: Option<Middleware<'p>>,
}

struct Middleware<'p> {
    layer: Layer<'p>,
    /// What it is run for; empty is everything.
    matchers: Vec<String>,
}

fn read<'p>(trace: &Trace<'p>, graph: &mut Graph<'p>) {
    let mut apps: BTreeMap<String, App<'p>> = BTreeMap::new();
    let mut found: Vec<(String, FileId, bool, String)> = Vec::new();
    for id in trace.program.ids() {
        let path = trace.program.file(id).path;
        let Some((is_page, inner)) = routed(path) else { continue };
        let Some(root) = root_of(trace, path, inner) else { continue };
        apps.entry(root.clone()).or_insert_with(|| app(trace, &root));
        found.push((root, id, is_page, inner.to_owned()));
    }
    let mut ids = BTreeMap::new();
    for (root, app) in &apps {
        let prefix = Text::literal(&app.prefix);
        ids.insert(root.clone(), graph.add_application_of_files(NAME, prefix));
    }
    for (root, file, is_page, inner) in found {
        let (Some(app), Some(id)) = (apps.get(&root), ids.get(&root)) else { continue };
        let routes = if is_page {
            page(trace, app, file, &inner)
        } else {
            route_file(trace, app, file, &inner)
        };
        for route in routes {
            graph.route(*id, route);
        }
    }
}

/// The part of a path that makes a route: below `app` for a route file, below `pages` for a page
/// of the API.
fn routed(path: &str) -> Option<(bool, &str)> {
    let name = path.rsplit('/').next()?;
    if name.split('.').next() == Some("route")
        && let Some(at) = files::below(path, "app")
    {
        return Some((false, &path[at..]));
    }
    let at = files::below(path, "pages")?;
    path[at..].starts_with("api/").then_some((true, &path[at..]))
}

/// The folder of the program that a file belongs to: above `app`, `pages` or their `src`. Without
/// a configuration of Next.js it is another framework's folder.
fn root_of(trace: &Trace<'_>, path: &str, inner: &str) -> Option<String> {
    let above = path.strip_suffix(inner)?.trim_end_matches('/');
    let above = above.rsplit_once('/').map_or("", |(above, _)| above);
    let above = above.strip_suffix("/src").or((above == "src").then_some("")).unwrap_or(above);
    let file = |name: &str| files::join(above, name);
    let configured =
        ENDINGS.iter().any(|ending| trace.program.knows(&file(&format!("next.config.{ending}"))));
    let depends = || files::depends_on(trace, &file("package.json"), "next");
    (configured || depends()).then(|| above.to_owned())
}

fn app<'p>(trace: &Trace<'p>, root: &str) -> App<'p> {
    let config = ENDINGS
        .iter()
        .find_map(|ending| trace.program.at(&files::join(root, &format!("next.config.{ending}"))))
        .and_then(|file| trace.default_export(file))
        .map(|value| files::options(trace, value))
        .unwrap_or_default();
    let text = |name: &str| config.entry(name).and_then(|value| value.as_str().map(str::to_owned));
    let extensions: Vec<String> = config
        .entry("pageExtensions")
        .and_then(|value| value.items())
        .unwrap_or_default()
        .iter()
        .filter_map(|value| value.as_str().map(str::to_owned))
        .collect();
    let extensions = if extensions.is_empty() {
        ["tsx", "ts", "jsx", "js"].map(str::to_owned).to_vec()
    } else {
        extensions
    };
    let middleware = middleware(trace, root, &extensions);
    App { prefix: text("basePath").unwrap_or_default(), extensions, middleware }
}

fn middleware<'p>(trace: &Trace<'p>, root: &str, extensions: &[String]) -> Option<Middleware<'p>> {
    let file = ["", "src"].iter().find_map(|folder| {
        extensions.iter().find_map(|extension| {
            let name = files::join(&files::join(root, folder), &format!("middleware.{extension}"));
            trace.program.at(&name)
        })
    })?;
    let function = trace.exported(file, "middleware").or_else(|| trace.default_export(file))?;
    let args = Args::of(vec![values::request()]);
    let layer = Layer {
        name: "middleware".to_owned(),
        ..Layer::new(trace, LayerKind::Hook, function, args)
    };
    let matcher = trace.exported(file, "config").and_then(|config| config.entry("matcher"));
    let of = |value: &Value<'p>| {
        let source = value.entry("source");
        source.as_ref().unwrap_or(value).as_str().map(str::to_owned)
    };
    let matchers = match &matcher {
        Some(Value::List(items)) => items.borrow().iter().filter_map(of).collect(),
        Some(value) => of(value).into_iter().collect(),
        None => Vec::new(),
    };
    Some(Middleware { layer, matchers })
}

impl<'p> App<'p> {
    /// The middleware, where it is run for a path.
    fn layers(&self, path: &str) -> Vec<Layer<'p>> {
        let Some(middleware) = &self.middleware else { return Vec::new() };
        let tried = files::sample(path);
        let runs = middleware.matchers.is_empty()
            || middleware.matchers.iter().any(|matcher| matches(matcher, &tried));
        if runs { vec![middleware.layer.clone()] } else { Vec::new() }
    }
}

/// `app/api/users/[id]/route.ts`: a route for each method that the file exports.
fn route_file<'p>(
    trace: &Trace<'p>,
    app: &App<'p>,
    file: FileId,
    inner: &str,
) -> Vec<Registration<'p>> {
    let folder = inner.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut out = Vec::new();
    for path in paths(folder) {
        for verb in VERBS {
            let Some(value) = trace.exported(file, verb) else { continue };
            let args = Args::of(vec![values::request(), Value::Unknown]);
            let methods = vec![(*verb).to_owned()];
            out.push(files::registration(
                trace,
                file,
                verb,
                value,
                methods,
                &path,
                app.layers(&path),
                args,
            ));
        }
    }
    out
}

/// `pages/api/users/[id].ts`: the default export answers every method that it does not refuse.
fn page<'p>(trace: &Trace<'p>, app: &App<'p>, file: FileId, inner: &str) -> Vec<Registration<'p>> {
    let Some(inner) = app
        .extensions
        .iter()
        .filter_map(|extension| inner.strip_suffix(&format!(".{extension}")))
        .min_by_key(|inner| inner.len())
    else {
        return Vec::new();
    };
    let Some(handler) = trace.default_export(file) else { return Vec::new() };
    let inner = inner.strip_suffix("/index").unwrap_or(inner);
    let args = Args::of(vec![values::request(), values::response()]);
    let chained = files::next_connect(trace, &handler);
    let mut out = Vec::new();
    for path in paths(inner) {
        if let Some(chained) = &chained {
            for (method, value, layers) in chained {
                let layers = app.layers(&path).into_iter().chain(layers.iter().cloned()).collect();
                out.push(files::registration(
                    trace,
                    file,
                    "default",
                    value.clone(),
                    vec![method.clone()],
                    &path,
                    layers,
                    args.clone(),
                ));
                if let Some(last) = out.last_mut() {
                    last.handler.place = files::export_place(trace, file, "default");
                }
            }
            continue;
        }
        let methods = methods::answered(trace, &handler, &args, methods::ALL);
        let each = if methods.is_empty() {
            vec![Vec::new()]
        } else {
            methods.into_iter().map(|method| vec![method]).collect()
        };
        for methods in each {
            out.push(files::registration(
                trace,
                file,
                "default",
                handler.clone(),
                methods,
                &path,
                app.layers(&path),
                args.clone(),
            ));
        }
    }
    out
}

/// The paths of a folder: `[id]` is a parameter, `[...x]` takes the rest, `[[...x]]` also nothing;
/// `(group)` and `@slot` are left out, and `_private` folders make none.
fn paths(folder: &str) -> Vec<String> {
    let mut out = vec![String::new()];
    for segment in folder.split('/').filter(|segment| !segment.is_empty()) {
        if segment.starts_with('_') {
            return Vec::new();
        }
        if segment.starts_with('@') || segment.starts_with('(') && segment.ends_with(')') {
            continue;
        }
        match files::bracketed(segment) {
            Folder::Fixed => {
                // A folder that begins with `_` is private, so it is written in another way.
                let name = segment.replace("%255F", "_");
                out.iter_mut().for_each(|path| *path = format!("{path}/{name}"));
            }
            Folder::Parameter(name) => {
                out.iter_mut().for_each(|path| *path = format!("{path}/{{{name}}}"));
            }
            Folder::Rest(name) => {
                out.iter_mut().for_each(|path| *path = format!("{path}/{{{name}:path}}"))
            }
            Folder::OptionalRest(name) => {
                out.iter_mut().for_each(|path| *path = format!("{path}/{{{name}:path?}}"));
            }
            Folder::Optional(_) => {}
        }
    }
    out
}

/// Whether a matcher of the middleware takes a path. What cannot be read takes everything.
fn matches(matcher: &str, path: &str) -> bool {
    // `/((?!api|_next).*)`: everything but.
    if let Some((before, rest)) = matcher.split_once("(?!") {
        let before = before.trim_end_matches('(');
        let Some(rest_of_path) = path.strip_prefix(before) else { return false };
        let mut depth = 0;
        let end = rest.char_indices().find_map(|(at, c)| {
            depth += i32::from(c == '(') - i32::from(c == ')');
            (depth < 0).then_some(at)
        });
        let Some(end) = end else { return true };
        let excluded = Regex::new(&format!("^(?:{})", &rest[..end]));
        return excluded.map_or(true, |excluded| !excluded.is_match(rest_of_path));
    }
    let mut regex = String::from("^");
    for segment in matcher.split('/').filter(|segment| !segment.is_empty()) {
        match segment.strip_prefix(':') {
            Some(name) if name.ends_with('*') => regex.push_str("(?:/.*)?"),
            Some(name) if name.ends_with('+') => regex.push_str("/.+"),
            Some(name) if name.ends_with('?') => regex.push_str("(?:/[^/]+)?"),
            Some(name) => match name.split_once('(') {
                Some((_, inner)) => regex.push_str(&format!("/(?:{}", inner)),
                None => regex.push_str("/[^/]+"),
            },
            None => regex.push_str(&format!("/{segment}")),
        }
    }
    regex.push_str("/?$");
    Regex::new(&regex).map_or(true, |regex| regex.is_match(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matchers_take_what_they_say() {
        assert!(matches("/api/orders/:path*", "/api/orders"));
        assert!(matches("/api/orders/:path*", "/api/orders/1/x"));
        assert!(!matches("/api/(rows|boxes)/:id", "/api/rows"));
        assert!(matches("/api/(rows|boxes)/:id", "/api/rows/1"));
        assert!(!matches("/((?!api|_next|login).*)", "/api/x"));
        assert!(matches("/((?!api|_next|login).*)", "/feed.xml"));
        assert!(!matches("/dashboard", "/dashboard/x"));
    }

    #[test]
    fn folders_become_paths() {
        assert_eq!(paths("api/(house)/rows/[row]"), ["/api/rows/{row}"]);
        assert_eq!(paths("@panel/api/[[...x]]"), ["/api/{x:path?}"]);
        assert!(paths("api/_drafts").is_empty());
    }
}
