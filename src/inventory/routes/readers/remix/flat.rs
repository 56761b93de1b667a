//! Paths by the names of files: the flat files of Remix 2 and React Router, their mixture with
//! folders that `remix-flat-routes` has, and the nested folders of `react-router-auto-routes`.

/// How the names are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Convention {
    /// Files in one folder, and folders with a `route` file.
    Flat,
    /// Also folders that end in `+`, which are part of the name.
    Hybrid,
    /// Every folder is part of the name.
    Nested,
}

/// A route that a file makes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FlatRoute {
    /// What stands for it: those behind whose beginning and a dot its own lies are inside it.
    pub(super) id: String,
    /// Its path from the root; `None` for a layout without one.
    pub(super) path: Option<String>,
    /// Whether it is the index of what it lies in.
    pub(super) is_index: bool,
}

const ENDINGS: &[&str] = &[".tsx", ".ts", ".jsx", ".js", ".mdx", ".md"];
/// Names of the file that a folder is the route of.
const OF_FOLDER: &[&str] = &["route", "index", "_index", "layout", "_layout", "page", "_route"];

/// The route of a file below the folder of routes; `None` when it makes none.
pub(super) fn route(inner: &str, convention: Convention) -> Option<FlatRoute> {
    let stem = ENDINGS.iter().find_map(|ending| inner.strip_suffix(ending))?;
    let id = match convention {
        Convention::Flat => match stem.split_once('/') {
            None => stem.to_owned(),
            Some((folder, name)) => matches!(name, "route" | "index").then(|| folder.to_owned())?,
        },
        Convention::Hybrid => hybrid(stem)?,
        Convention::Nested => nested(stem)?,
    };
    let is_index = match last(&id) {
        "_index" => true,
        "index" => convention != Convention::Flat,
        _ => false,
    };
    let path = path(&id, is_index);
    let is_layout = !is_index && last(&id).starts_with('_');
    Some(FlatRoute { path: (!is_layout).then_some(path), is_index, id })
}

/// `api+/avatar.$id` as `api.avatar.$id`; `orders/route` as `orders`.
fn hybrid(stem: &str) -> Option<String> {
    let joined = stem.replace("+/", ".");
    match joined.rsplit_once('/') {
        None => Some(joined),
        Some((folder, name)) => {
            let is_route = OF_FOLDER.contains(&name) || name.ends_with(".route");
            (is_route && !folder.contains('/')).then(|| match name {
                // The layout of a folder is the folder's own route.
                "_index" | "index" if folder.ends_with("_index") => folder.to_owned(),
                _ => folder.to_owned(),
            })
        }
    }
}

/// Folders and dots are the same; what begins with `+` only lies there.
fn nested(stem: &str) -> Option<String> {
    let parts: Vec<&str> = stem.split('/').collect();
    if parts.iter().any(|part| part.starts_with('+')) {
        return None;
    }
    let joined = parts.join(".");
    let last = parts.last()?;
    Some(match *last {
        "_layout" | "route" | "_route" if parts.len() > 1 => parts[..parts.len() - 1].join("."),
        _ => joined,
    })
}

fn last(id: &str) -> &str {
    id.rsplit('.').next().unwrap_or(id)
}

/// The path of an id: `$x` is a parameter, `_x` none of the path, `x_` is `x`, `(x)` may be left
/// out, and `[x]` is `x` as it stands.
fn path(id: &str, is_index: bool) -> String {
    let mut segments: Vec<String> = Vec::new();
    let mut segment = String::new();
    let mut raw = String::new();
    let mut is_escaped = false;
    let mut is_optional = false;
    let mut chars = id.chars().peekable();
    let mut end = |raw: &mut String, segment: &mut String, is_optional: &mut bool| {
        let name = std::mem::take(segment);
        let raw_name = std::mem::take(raw);
        let optional = std::mem::take(is_optional);
        if raw_name.is_empty() || raw_name.starts_with('_') {
            return;
        }
        let name = match name.strip_suffix('_').filter(|_| raw_name.ends_with('_')) {
            Some(name) => name.to_owned(),
            None => name,
        };
        segments.push(if optional { format!("{name}?") } else { name });
    };
    while let Some(c) = chars.next() {
        match c {
            '[' if !is_escaped => {
                is_escaped = true;
                raw.push(c);
            }
            ']' if is_escaped => {
                is_escaped = false;
                raw.push(c);
            }
            '.' | '/' if !is_escaped => end(&mut raw, &mut segment, &mut is_optional),
            '(' if !is_escaped && segment.is_empty() => is_optional = true,
            ')' if !is_escaped && is_optional => {}
            '$' if !is_escaped && segment.is_empty() => {
                raw.push(c);
                let is_splat = chars.peek().is_none_or(|next| matches!(next, '.' | '/' | ')'));
                segment.push(if is_splat { '*' } else { ':' });
            }
            c => {
                raw.push(c);
                segment.push(c);
            }
        }
    }
    if !is_index {
        end(&mut raw, &mut segment, &mut is_optional);
    }
    segments.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str, convention: Convention) -> Option<String> {
        route(name, convention).and_then(|route| route.path)
    }

    #[test]
    fn flat_files_are_paths() {
        let flat = |name: &str| of(name, Convention::Flat);
        assert_eq!(flat("api.records.$catno.ts").as_deref(), Some("api/records/:catno"));
        assert_eq!(flat("api.records._index.ts").as_deref(), Some("api/records"));
        assert_eq!(flat("($lang).feed[.xml].ts").as_deref(), Some(":lang?/feed.xml"));
        assert_eq!(flat("covers.$.ts").as_deref(), Some("covers/*"));
        assert_eq!(flat("back-office_.reindex.ts").as_deref(), Some("back-office/reindex"));
        assert_eq!(flat("_marketing.charts.ts").as_deref(), Some("charts"));
        assert_eq!(flat("back-office.stock/route.ts").as_deref(), Some("back-office/stock"));
        assert_eq!(flat("back-office.stock/counts.ts"), None);
        assert_eq!(flat("_auth.tsx"), None);
    }

    #[test]
    fn folders_are_part_of_names() {
        let hybrid = |name: &str| of(name, Convention::Hybrid);
        assert_eq!(hybrid("api+/avatar.$id.tsx").as_deref(), Some("api/avatar/:id"));
        assert_eq!(hybrid("_in+/t.$team+/_index.tsx").as_deref(), Some("t/:team"));
        assert_eq!(hybrid("api+/health/helpers.ts"), None);
        let nested = |name: &str| of(name, Convention::Nested);
        assert_eq!(nested("resources/theme-switch.tsx").as_deref(), Some("resources/theme-switch"));
        assert_eq!(nested("users/$username/index.tsx").as_deref(), Some("users/:username"));
        assert_eq!(nested("users/+shared/list.tsx"), None);
    }
}
