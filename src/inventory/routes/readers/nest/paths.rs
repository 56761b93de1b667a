//! How Nest puts a path together: global prefix, version, module, controller, method.

use crate::eval::text::Text;
use crate::eval::value::Value;
use crate::inventory::routes::graph::join;
use crate::inventory::routes::pattern;

use super::super::scripts;

/// The most paths of one route.
const MAX_PATHS: usize = 256;

/// A version; `None` is the neutral one, which has no segment.
pub(super) type Version = Option<Text>;

/// Routes that lie outside the global prefix.
#[derive(Debug, Clone)]
pub(super) struct Excluded {
    /// The path with `{name}` parameters.
    pub(super) path: String,
    /// Only of this method, in capitals.
    pub(super) method: Option<String>,
}

/// How versions become a part of the path.
#[derive(Debug, Clone)]
pub(super) struct Versioning {
    /// Whether they do at all; otherwise a header tells them.
    pub(super) in_path: bool,
    /// What stands before the number.
    pub(super) prefix: Text,
    /// The versions of what declares none.
    pub(super) default: Option<Vec<Version>>,
}

/// What an application adds to all paths.
#[derive(Debug, Clone, Default)]
pub(super) struct Composition {
    pub(super) prefix: Option<Text>,
    pub(super) excluded: Vec<Excluded>,
    pub(super) versioning: Option<Versioning>,
}

/// The parts of a route's path that the program declares.
pub(super) struct Parts<'a> {
    /// Those of the method, else of the controller.
    pub(super) versions: Option<&'a [Version]>,
    pub(super) module: Option<&'a Text>,
    pub(super) controller: &'a [Text],
    pub(super) method: &'a [Text],
    /// The HTTP method, for what is excluded from the prefix; `None` is any.
    pub(super) verb: Option<&'a str>,
}

impl Composition {
    /// Every path of a route.
    pub(super) fn paths(&self, parts: &Parts<'_>) -> Vec<Text> {
        let mut out = Vec::new();
        for version in self.version_segments(parts.versions) {
            for controller in parts.controller {
                for method in parts.method {
                    let mut path = Text::default();
                    if let Some(module) = parts.module {
                        path = join(&path, module);
                    }
                    let path = append(&append(&path, controller), method);
                    for path in optional(&path) {
                        if out.len() < MAX_PATHS {
                            out.push(self.whole(&version, &path, parts.verb));
                        }
                    }
                }
            }
        }
        out
    }

    fn whole(&self, version: &Text, path: &Text, verb: Option<&str>) -> Text {
        let below = append(version, path);
        let whole = match &self.prefix {
            Some(prefix) if !self.is_excluded(path, verb) => append(prefix, &below),
            _ => below,
        };
        let trimmed = whole.trim_end(&['/']);
        append(&Text::default(), &trimmed)
    }

    fn is_excluded(&self, path: &Text, verb: Option<&str>) -> bool {
        let path = shape(&append(&Text::default(), path));
        self.excluded.iter().any(|excluded| {
            pattern::covers(excluded.path.as_str().into(), false, path.as_str().into())
                && match (&excluded.method, verb) {
                    (None, _) => true,
                    (Some(wanted), verb) => verb == Some(wanted),
                }
        })
    }

    /// The segments of versions; one that is empty where there are none.
    pub(super) fn version_segments(&self, versions: Option<&[Version]>) -> Vec<Text> {
        let none = || vec![Text::default()];
        let Some(versioning) = self.versioning.as_ref().filter(|it| it.in_path) else {
            return none();
        };
        match versions.or(versioning.default.as_deref()) {
            Some(versions) if !versions.is_empty() => versions
                .iter()
                .map(|version| match version {
                    Some(version) => {
                        let mut segment = Text::literal("/");
                        segment.push(&versioning.prefix);
                        segment.push(version);
                        segment
                    }
                    None => Text::default(),
                })
                .collect(),
            _ => none(),
        }
    }

    /// The whole path of a middleware or an exclusion of one, below the prefix and with the
    /// versions that it has.
    pub(super) fn middleware_paths(&self, path: &Text, versions: Option<&[Version]>) -> Vec<Text> {
        self.version_segments(versions)
            .iter()
            .map(|version| self.whole(version, path, None))
            .collect()
    }
}

/// A path behind another, with one slash between.
fn append(base: &Text, path: &Text) -> Text {
    let path = path.trim_start(&['/']);
    if path.is_empty() {
        return if base.is_empty() { Text::literal("/") } else { base.clone() };
    }
    let mut out = base.trim_end(&['/']);
    out.push_literal("/");
    out.push(&path);
    out
}

/// The paths with and without each part that may be missing: `licences{/:year}`.
pub(super) fn optional(path: &Text) -> Vec<Text> {
    let Some(written) = path.as_literal() else { return vec![path.clone()] };
    let mut out = vec![String::new()];
    let mut rest = written;
    while let Some(start) = rest.find('{') {
        let Some(end) = rest[start..].find('}').map(|length| start + length) else { break };
        let (before, inside) = (&rest[..start], &rest[start + 1..end]);
        let without = out.iter().map(|path| format!("{path}{before}"));
        let with = out.iter().map(|path| format!("{path}{before}{inside}"));
        let both: Vec<String> = without.chain(with).take(MAX_PATHS).collect();
        out = both;
        rest = &rest[end + 1..];
    }
    out.iter().map(|path| Text::literal(&format!("{path}{rest}"))).collect()
}

/// The versions that an option gives.
pub(super) fn versions(value: &Value<'_>) -> Vec<Version> {
    scripts::flat(value).iter().flat_map(Value::alternatives).map(|value| version(&value)).collect()
}

fn version(value: &Value<'_>) -> Version {
    match value {
        Value::External(path) if path.ends_with("VERSION_NEUTRAL") => None,
        other => Some(other.to_text()),
    }
}

/// What `exclude` of a prefix or a middleware gives.
pub(super) fn excluded(value: &Value<'_>) -> Vec<Excluded> {
    let mut out = Vec::new();
    for value in scripts::flat(value) {
        let (path, method) = match &value {
            Value::Text(_) => (value.clone(), None),
            Value::Map(_) => match value.entry("path") {
                Some(path) => (path, value.entry("method")),
                None => continue,
            },
            _ => continue,
        };
        for path in optional(&path.to_text()) {
            let path = shape(&append(&Text::default(), &path));
            out.push(Excluded { path, method: method.as_ref().and_then(request_method) });
        }
    }
    out
}

/// A path with `{name}` parameters.
pub(super) fn shape(path: &Text) -> String {
    pattern::colons(&path.to_string()).path
}

/// The method that `RequestMethod.POST` means; `None` for all.
pub(super) fn request_method(value: &Value<'_>) -> Option<String> {
    let name = match value {
        Value::External(path) => path.rsplit('.').next()?.to_owned(),
        // The numbers of the enumeration.
        Value::Number(number) => ["GET", "POST", "PUT", "DELETE", "PATCH"]
            .get(number.parse::<usize>().ok()?)
            .map(|name| (*name).to_owned())?,
        _ => return None,
    };
    (name != "ALL").then_some(name)
}
