//! SvelteKit: `+server` files and form actions below `src/routes`, behind the `handle` of
//! `hooks.server`.

use std::collections::BTreeMap;

use super::files;
use super::{Framework, Matching, SCRIPTS};
use crate::eval::interpreter::Trace;
use crate::eval::text::Text;
use crate::eval::value::{Args, FileId, Value};
use crate::inventory::routes::caller::values;
use crate::inventory::routes::graph::{Graph, Layer, LayerKind, Registration};
use crate::inventory::routes::pattern;

/// SvelteKit.
pub(super) const SVELTEKIT: Framework = Framework {
    name: "sveltekit",
    languages: SCRIPTS,
    packages: &["@sveltejs/kit"],
    // Its files are known by their names.
    needs: &[],
    fixtures: &["sveltekit"],
    matching: Matching::Specific,
    has_user_object: false,
    read,
    path: pattern::braces,
};

const NAME: &str = "sveltekit";
const VERBS: &[&str] = &["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
const ENDINGS: &[&str] = &["ts", "js", "mjs"];

/// Whether a file belongs to SvelteKit by its name.
pub(super) fn is_file(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    ["+server.", "+page.server.", "hooks.server.", "svelte.config."]
        .iter()
        .any(|start| name.starts_with(start))
        || path.contains("src/hooks.server/")
}

struct App<'p> {
    base: String,
    layers: Vec<Layer<'p>>,
}

fn read<'p>(trace: &Trace<'p>, graph: &mut Graph<'p>) {
    let mut found: BTreeMap<String, Vec<(FileId, &str)>> = BTreeMap::new();
    for id in trace.program.ids() {
        let path = trace.program.file(id).path;
        let name = path.rsplit('/').next().unwrap_or(path);
        let routes = name.starts_with("+server.") || name.starts_with("+page.server.");
        if routes && let Some(at) = files::below(path, "routes") {
            // `src/routes`, unless the configuration says otherwise.
            let above = path[..at].trim_end_matches('/').trim_end_matches("routes");
            let root = above.trim_end_matches('/').trim_end_matches("src").trim_end_matches('/');
            found.entry(root.to_owned()).or_default().push((id, &path[at..]));
        }
    }
    for (root, routes) in found {
        let app = app(trace, &root);
        let id = graph.add_application_of_files(NAME, Text::literal(&app.base));
        for (file, inner) in routes {
            let (folder, name) = inner.rsplit_once('/').unwrap_or(("", inner));
            for path in paths(folder) {
                for route in file_routes(trace, &app, file, folder, name, &path) {
                    graph.route(id, route);
                }
            }
        }
    }
}

fn app<'p>(trace: &Trace<'p>, root: &str) -> App<'p> {
    let find = |folder: &str, name: &str| {
        ENDINGS.iter().find_map(|ending| {
            trace.program.at(&files::join(&files::join(root, folder), &format!("{name}.{ending}")))
        })
    };
    let config = find("", "svelte.config")
        .and_then(|file| trace.default_export(file))
        .map(|value| files::options(trace, value))
        .unwrap_or_default();
    let base = config
        .entry("kit")
        .and_then(|kit| kit.entry("paths"))
        .and_then(|paths| paths.entry("base"))
        .and_then(|base| base.as_str().map(str::to_owned))
        .unwrap_or_default();
    let handle = find("src", "hooks.server")
        .or_else(|| find("src/hooks.server", "index"))
        .and_then(|file| trace.exported(file, "handle"));
    let layers = handle.map_or_else(Vec::new, |handle| handles(trace, &handle));
    App { base, layers }
}

/// The layers of a `handle`: itself, or those of `sequence(a, b)`.
fn handles<'p>(trace: &Trace<'p>, handle: &Value<'p>) -> Vec<Layer<'p>> {
    if let Some(record) = trace.made(handle)
        && record.path().is_some_and(|path| path.ends_with("hooks.sequence"))
    {
        let mut out = Vec::new();
        for value in &record.args.positional {
            out.push(layer(trace, value.clone()));
        }
        return out;
    }
    vec![layer(trace, handle.clone())]
}

fn layer<'p>(trace: &Trace<'p>, value: Value<'p>) -> Layer<'p> {
    let event = Value::map(vec![
        (Value::text("event"), values::context()),
        (Value::text("resolve"), values::next()),
    ]);
    Layer::new(trace, LayerKind::Ambient, value, Args::of(vec![event]))
}

fn file_routes<'p>(
    trace: &Trace<'p>,
    app: &App<'p>,
    file: FileId,
    folder: &str,
    name: &str,
    path: &str,
) -> Vec<Registration<'p>> {
    let args = Args::of(vec![values::context()]);
    let route = |name: &str, methods: Vec<String>, value: Value<'p>| Registration {
        // Its hooks see the whole path.
        shown_path: None,
        name: Some(format!("/{folder}")),
        base: app.base.clone(),
        ..files::registration(
            trace,
            file,
            name,
            value,
            methods,
            path,
            app.layers.clone(),
            args.clone(),
        )
    };
    if name.starts_with("+page.server.") {
        // Each named action is a POST to the page, told apart by the query.
        let Some(actions) = trace.exported(file, "actions") else { return Vec::new() };
        let of = match &actions {
            Value::Map(entries) => entries.borrow().first().map(|(_, value)| value.clone()),
            other => Some(other.clone()),
        };
        let mut route = route("actions", vec!["POST".to_owned()], of.unwrap_or_default());
        route.handler.place = files::export_place(trace, file, "actions");
        return vec![route];
    }
    let mut out: Vec<_> = VERBS
        .iter()
        .filter_map(|verb| {
            let value = trace.exported(file, verb)?;
            Some(route(verb, vec![(*verb).to_owned()], value))
        })
        .collect();
    if let Some(value) = trace.exported(file, "fallback") {
        out.push(route("fallback", Vec::new(), value));
    }
    out
}

/// The paths of a folder: two where a parameter is optional.
fn paths(folder: &str) -> Vec<String> {
    let mut out = vec![String::new()];
    for segment in folder.split('/').filter(|segment| !segment.is_empty()) {
        if segment.starts_with('(') && segment.ends_with(')') {
            continue;
        }
        let (text, optional) = written(segment);
        let with: Vec<String> = out.iter().map(|path| format!("{path}/{text}")).collect();
        if optional {
            out.extend(with);
        } else {
            out = with;
        }
    }
    out
}

/// A segment with its brackets as parameters, and whether it may be left out.
fn written(segment: &str) -> (String, bool) {
    let mut out = String::new();
    let mut optional = false;
    let mut rest = segment;
    while let Some(start) = rest.find('[') {
        out.push_str(&rest[..start]);
        let double = rest[start..].starts_with("[[");
        let open = start + if double { 2 } else { 1 };
        let close = if double { "]]" } else { "]" };
        let Some(length) = rest[open..].find(close) else { break };
        let inner = &rest[open..open + length];
        let name = inner.split('=').next().unwrap_or(inner);
        if let Some(code) = name.strip_prefix("x+").or(name.strip_prefix("u+")) {
            let letter = u32::from_str_radix(code, 16).ok().and_then(char::from_u32);
            out.extend(letter);
        } else if let Some(name) = name.strip_prefix("...") {
            out.push_str(&format!("{{{name}:path?}}"));
        } else {
            out.push_str(&format!("{{{name}}}"));
            optional |= double;
        }
        rest = &rest[open + length + close.len()..];
    }
    out.push_str(rest);
    (out, optional)
}

#[cfg(test)]
mod tests {
    use super::paths;

    #[test]
    fn folders_become_paths() {
        assert_eq!(paths("(board)/minutes/[year]"), ["/minutes/{year}"]);
        assert_eq!(paths("[[lang=lang]]/api"), ["/api", "/{lang}/api"]);
        assert_eq!(paths("[x+2e]well-known/[kind]-[size].svg"), ["/.well-known/{kind}-{size}.svg"]);
        assert_eq!(paths("api/[...path]"), ["/api/{path:path?}"]);
    }
}
