//! What the names of Nitro's files and its routes mean.

/// What the name of a file says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Named {
    /// The path, with `{name}` and `{name:path}`.
    pub(super) path: String,
    /// The only method.
    pub(super) method: Option<String>,
    /// Whether it is there only while developing, or only while building.
    pub(super) conditional: bool,
}

const METHODS: &[&str] =
    &["connect", "delete", "get", "head", "options", "patch", "post", "put", "trace"];

/// Whether a file of the server may hold a handler.
pub(super) fn is_handler(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let ends = [".ts", ".js", ".mjs", ".mts", ".cjs", ".cts", ".tsx", ".jsx"];
    ends.iter().any(|ending| name.ends_with(ending))
        && !name.ends_with(".d.ts")
        && !name.contains(".test.")
        && !name.contains(".spec.")
        && !name.contains(".stories.")
        && !path.split('/').any(|part| part.starts_with('-') || part.starts_with('.'))
}

/// The route of a file of the server; `None` for one that makes none.
pub(super) fn of_file(inner: &str) -> Option<Named> {
    let (folder, rest) = inner.split_once('/')?;
    let mut path = match folder {
        "api" => "/api".to_owned(),
        "routes" => String::new(),
        _ => return None,
    };
    let mut stem = rest.rsplit_once('.')?.0;
    let mut conditional = false;
    for suffix in [".dev", ".prod", ".prerender"] {
        if let Some(rest) = stem.strip_suffix(suffix) {
            stem = rest;
            conditional = true;
            break;
        }
    }
    let mut method = None;
    if let Some((rest, suffix)) = stem.rsplit_once('.').or(Some(("", stem)))
        && METHODS.contains(&suffix)
        && stem.contains('.')
    {
        stem = rest;
        method = Some(suffix.to_ascii_uppercase());
    }
    let segments: Vec<&str> = stem.split('/').collect();
    for (at, segment) in segments.iter().enumerate() {
        let is_last = at + 1 == segments.len();
        if segment.starts_with('(') && segment.ends_with(')') || is_last && *segment == "index" {
            continue;
        }
        path.push('/');
        path.push_str(&bracketed(segment));
    }
    if path.is_empty() {
        path.push('/');
    }
    Some(Named { path, method, conditional })
}

/// A segment with its brackets as parameters.
fn bracketed(segment: &str) -> String {
    let mut out = String::new();
    let mut rest = segment;
    while let Some(start) = rest.find('[') {
        let Some(length) = rest[start..].find(']') else { break };
        out.push_str(&rest[..start]);
        let inner = rest[start + 1..start + length].trim_matches(['[', ']']);
        match inner.strip_prefix("...") {
            Some(name) => out.push_str(&format!("{{{name}:path}}")),
            None => out.push_str(&format!("{{{inner}}}")),
        }
        rest = rest[start + length + 1..].trim_start_matches(']');
    }
    out.push_str(rest);
    out
}

/// A route as radix3 writes it: `:id`, `**`, `**:rest`.
pub(super) fn of_route(route: &str) -> String {
    let segments = route.split('/').filter(|segment| !segment.is_empty());
    let mut out = String::new();
    for segment in segments {
        out.push('/');
        if let Some(name) = segment.strip_prefix("**") {
            out.push_str(&format!("{{{}:path}}", name.trim_start_matches(':')));
        } else if segment == "*" {
            out.push_str("{_}");
        } else {
            out.push_str(&with_names(segment));
        }
    }
    if out.is_empty() { "/".to_owned() } else { out }
}

/// `:a-:b` as `{a}-{b}`.
fn with_names(segment: &str) -> String {
    let mut out = String::new();
    let mut rest = segment;
    while let Some(start) = rest.find(':') {
        out.push_str(&rest[..start]);
        let name = &rest[start + 1..];
        let end = name.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(name.len());
        out.push_str(&format!("{{{}}}", &name[..end]));
        rest = &name[end..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_are_routes() {
        let of = |name: &str| {
            let named = of_file(name).unwrap();
            (named.path, named.method.unwrap_or_default(), named.conditional)
        };
        let is = |path: &str, method: &str, dev| (path.to_owned(), method.to_owned(), dev);
        assert_eq!(of("api/varieties/[id]/index.put.ts"), is("/api/varieties/{id}", "PUT", false));
        assert_eq!(of("api/inspect.dev.ts"), is("/api/inspect", "", true));
        assert_eq!(of("routes/seeds.csv.get.ts"), is("/seeds.csv", "GET", false));
        assert_eq!(of("routes/(desk)/a-[b].ts"), is("/a-{b}", "", false));
        assert_eq!(of("api/plots/[...].ts"), is("/api/plots/{:path}", "", false));
        assert_eq!(of("routes/index.ts"), is("/", "", false));
        assert_eq!(of("api/get.ts"), is("/api/get", "", false));
        assert_eq!(of_file("middleware/a.ts"), None);
    }

    #[test]
    fn routes_of_routers_are_rewritten() {
        assert_eq!(of_route("/export/**:format"), "/export/{format:path}");
        assert_eq!(of_route("/:plot/soil"), "/{plot}/soil");
        assert_eq!(of_route("/**"), "/{:path}");
    }
}
