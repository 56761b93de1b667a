//! Paths of files, as the standard libraries of languages take them apart and put them together.

use std::rc::Rc;

use super::text::Text;
use super::value::{Args, Value};

/// The folder of a path.
#[must_use]
pub fn folder(path: &str) -> &str {
    match path.rsplit_once('/') {
        Some(("", _)) => "/",
        Some((folder, _)) => folder,
        None => ".",
    }
}

/// A path without what leads nowhere, where all of it is known.
fn normal(text: &Text) -> Text {
    let Some(path) = text.as_literal().filter(|path| path.contains("./") || path.ends_with('.'))
    else {
        return text.clone();
    };
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match (part, parts.last().copied()) {
            (".", _) => {}
            // There is nothing above the root.
            ("..", Some("")) => {}
            ("..", Some(last)) if last != ".." => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    Text::literal(&parts.join("/"))
}

/// Joins path segments: one `/` between two, an absolute segment does not start anew (it never
/// does in the URL paths that this is used for).
#[must_use]
pub fn join<'p>(segments: &[Value<'p>]) -> Value<'p> {
    // One of several texts gives one of several paths.
    if let Some(at) = segments.iter().position(|it| matches!(it, Value::Choice(_))) {
        let one = |value: Value<'p>| {
            let mut segments = segments.to_vec();
            segments[at] = value;
            segments
        };
        let others = segments.iter().filter(|it| matches!(it, Value::Choice(_))).count();
        if others == 1 {
            let each = segments[at].alternatives().into_iter().map(one);
            return Value::choice(each.map(|segments| join(&segments)).collect());
        }
    }
    let mut out = Text::default();
    for (at, segment) in segments.iter().enumerate() {
        let text = segment.to_text();
        if at == 0 {
            out.push(&text);
            continue;
        }
        let whole = out.to_string();
        if !whole.is_empty() && !whole.ends_with('/') {
            out.push_literal("/");
        }
        out.push(&text.trim_start(&['/']));
    }
    Value::Text(Rc::new(normal(&out)))
}

/// Functions of Node's `path` and `url`.
#[must_use]
pub fn call<'p>(function: &str, args: &Args<'p>) -> Option<Value<'p>> {
    let first = args.positional.first();
    let text = || first.and_then(Value::as_str);
    match function {
        "path.join" | "path.posix.join" => Some(join(&args.positional)),
        // What is not absolute begins where the program was started.
        "path.resolve" | "path.posix.resolve" => {
            let starts =
                |value: &Value<'_>| value.as_str().is_some_and(|segment| segment.starts_with('/'));
            let from = args.positional.iter().rposition(starts)?;
            Some(join(&args.positional[from..]))
        }
        "path.dirname" => Some(Value::text(folder(text()?))),
        "path.basename" => {
            let name = name(text()?);
            let ending = args.positional.get(1).and_then(Value::as_str);
            Some(Value::text(ending.and_then(|it| name.strip_suffix(it)).unwrap_or(name)))
        }
        "path.extname" => Some(Value::text(ending(name(text()?)))),
        "path.parse" => {
            let path = text()?;
            let (base, ext) = (name(path), ending(name(path)));
            let parts = [
                ("dir", folder(path)),
                ("base", base),
                ("ext", ext),
                ("name", base.strip_suffix(ext).unwrap_or(base)),
            ];
            Some(Value::map(
                parts.iter().map(|(key, value)| (Value::text(key), Value::text(value))).collect(),
            ))
        }
        // A library that knows the places of modules.
        "desm.join" => {
            let (module, rest) = args.positional.split_first()?;
            let folder = Value::text(folder(module.as_str()?));
            Some(join(&[&[folder], rest].concat()))
        }
        "desm.dirname" => Some(Value::text(folder(text()?))),
        "desm.filename" => first.cloned(),
        "url.fileURLToPath" | "url.pathToFileURL" => {
            first.filter(|value| matches!(value, Value::Text(_))).cloned()
        }
        // `new URL("./x", import.meta.url)`
        "URL" | "url.URL" => {
            let base = args.positional.get(1)?.as_str().filter(|base| base.starts_with('/'))?;
            Some(join(&[Value::text(folder(base)), first?.clone()]))
        }
        _ => None,
    }
}

fn name(path: &str) -> &str {
    path.trim_end_matches('/').rsplit('/').next().unwrap_or(path)
}

fn ending(name: &str) -> &str {
    match name.rfind('.') {
        Some(at) if at > 0 => &name[at..],
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn called(function: &str, args: &[&str]) -> String {
        let args = Args::of(args.iter().map(|arg| Value::text(arg)).collect());
        call(function, &args).map_or_else(|| "-".to_owned(), |value| value.to_text().to_string())
    }

    #[test]
    fn what_leads_nowhere_is_left_out() {
        assert_eq!(called("path.join", &["/lib", "..", "routes"]), "/routes");
        assert_eq!(called("path.join", &["/", "./a/../../b"]), "/b");
        assert_eq!(called("path.join", &["../a", "../b"]), "../b");
        assert_eq!(called("path.join", &["/api/", "/users"]), "/api/users");
        assert_eq!(called("path.resolve", &["/src", "routes"]), "/src/routes");
        assert_eq!(called("path.resolve", &["src", "routes"]), "-");
        assert_eq!(called("URL", &["./routes", "/src/app.ts"]), "/src/routes");
    }

    #[test]
    fn a_path_has_parts() {
        assert_eq!(called("path.dirname", &["/app.js"]), "/");
        assert_eq!(called("path.basename", &["/a/users.js", ".js"]), "users");
        assert_eq!(called("path.extname", &["/a/.env"]), "");
        assert_eq!(called("path.extname", &["/a/b.test.ts"]), ".ts");
    }
}
