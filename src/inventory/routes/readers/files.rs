//! What the frameworks have in common whose routes are files.

use crate::eval::interpreter::Trace;
use crate::eval::link;
use crate::eval::text::Text;
use crate::eval::value::{Args, FileId, Place, Value};
use crate::inventory::routes::caller::values;
use crate::inventory::routes::graph::{Handler, Layer, LayerKind, Registration};
use crate::module::data;
use crate::module::{Export, Span, StmtKind};

/// What the name of a folder or file means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Folder<'s> {
    /// Itself.
    Fixed,
    /// `[id]`
    Parameter(&'s str),
    /// `[[id]]`
    Optional(&'s str),
    /// `[...rest]`
    Rest(&'s str),
    /// `[[...rest]]`
    OptionalRest(&'s str),
}

/// What a bracketed name means.
pub(super) fn bracketed(segment: &str) -> Folder<'_> {
    let inner = |start: &str, end: &str| segment.strip_prefix(start)?.strip_suffix(end);
    if let Some(name) = inner("[[...", "]]") {
        Folder::OptionalRest(name)
    } else if let Some(name) = inner("[...", "]") {
        Folder::Rest(name)
    } else if let Some(name) = inner("[[", "]]") {
        Folder::Optional(name)
    } else if let Some(name) = inner("[", "]").filter(|name| !name.contains(['[', ']'])) {
        Folder::Parameter(name)
    } else {
        Folder::Fixed
    }
}

/// Where the part of a path begins that lies below a folder of a name.
pub(super) fn below(path: &str, folder: &str) -> Option<usize> {
    let mut at = 0;
    for segment in path.split('/') {
        let next = at + segment.len() + 1;
        if segment == folder && next < path.len() {
            return Some(next);
        }
        at = next;
    }
    None
}

/// A folder and a name within it.
pub(super) fn join(folder: &str, name: &str) -> String {
    match (folder.is_empty(), name.is_empty()) {
        (true, _) => name.to_owned(),
        (_, true) => folder.to_owned(),
        _ => format!("{folder}/{name}"),
    }
}

/// A path relative to a folder, without `.` and `..`; `None` when it leaves the tree.
pub(super) fn resolved(folder: &str, path: &str) -> Option<String> {
    // A path that was put together begins at the root of the tree.
    match path.strip_prefix('/') {
        Some(path) => link::normalise("", path),
        None => link::normalise(folder, path),
    }
}

/// Whether a package.json depends on a package.
pub(super) fn depends_on(trace: &Trace<'_>, manifest: &str, package: &str) -> bool {
    trace.program.documents().iter().any(|(path, document)| {
        *path == manifest
            && ["dependencies", "devDependencies", "peerDependencies"]
                .iter()
                .any(|kind| data::at(document, &[kind, package]).is_some())
    })
}

/// The map of options that a configuration exports: itself, what its function gives back, or what
/// a helper such as `defineConfig` is given.
pub(super) fn options<'p>(trace: &Trace<'p>, mut value: Value<'p>) -> Value<'p> {
    for _ in 0..8 {
        value = match &value {
            Value::Map(_) => return value,
            Value::Function(_) => trace.call_with_nothing(&value),
            Value::Native(_) => match trace.made(&value) {
                Some(record) => {
                    let of = |value: &&Value<'p>| {
                        matches!(value, Value::Map(_) | Value::Native(_) | Value::Function(_))
                    };
                    record.args.positional.iter().find(of).cloned().unwrap_or_default()
                }
                None => Value::Unknown,
            },
            Value::Choice(values) => {
                let map = values.iter().find(|value| matches!(value, Value::Map(_)));
                map.cloned().unwrap_or_default()
            }
            _ => return Value::Unknown,
        };
    }
    Value::Unknown
}

/// A request for a path: parameters are some word.
pub(super) fn sample(path: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    for c in path.chars() {
        match c {
            '{' => inside = true,
            '}' => {
                inside = false;
                out.push('x');
            }
            c if !inside => out.push(c),
            _ => {}
        }
    }
    if out.is_empty() { "/".to_owned() } else { out }
}

/// A path whose `{}` are holes.
pub(super) fn with_holes(path: &str) -> Text {
    let path = if path.is_empty() { "/" } else { path };
    let mut out = Text::default();
    for (at, part) in path.split("{}").enumerate() {
        if at > 0 {
            out.push(&Text::hole(""));
        }
        out.push_literal(part);
    }
    out
}

/// A route of an exported handler. A function of the program is found where it is written, what
/// something makes of it where it is exported.
#[allow(clippy::too_many_arguments)]
pub(super) fn registration<'p>(
    trace: &Trace<'p>,
    file: FileId,
    name: &str,
    value: Value<'p>,
    methods: Vec<String>,
    path: &str,
    mut layers: Vec<Layer<'p>>,
    args: Args<'p>,
) -> Registration<'p> {
    let exported = export_place(trace, file, name);
    let mut handler = Handler::of(Some(&value), exported);
    // A wrapped handler has the place of its export, also where what it wraps has a name.
    if !matches!(&value, Value::Function(closure) if closure.function.name.is_some()) {
        handler.place = exported;
    }
    if handler.function.is_none() && !matches!(value, Value::Unknown) {
        layers.push(Layer::new(trace, LayerKind::Middleware, value, args.clone()));
    }
    let path = if path.is_empty() { "/" } else { path };
    let path = Text::literal(path);
    let shown_path = Some(path.clone());
    Registration { layers, args, shown_path, ..Registration::new((methods, true), path, handler) }
}

/// Where a file exports a name: where what it exports is written, in this file or, for what it
/// takes from others, in theirs.
pub(super) fn export_place(trace: &Trace<'_>, file: FileId, name: &str) -> Place {
    let (file, local) = trace.origin(file, name);
    let module = trace.program.file(file).module;
    let mut place = Place { file, span: Span { start: 0, end: 0, line: 1 } };
    for stmt in &module.body {
        let here = match &stmt.kind {
            StmtKind::Export(Export::Value { name: exported, .. }) => {
                exported == name && name == "default" || exported == local.as_str()
            }
            // What a default export names is found where it is exported.
            _ if name == "default" => false,
            StmtKind::Bind(bind) => {
                names(&bind.target).iter().any(|bound| *bound == local.as_str())
            }
            StmtKind::Function(function) => function.name.as_deref() == Some(local.as_str()),
            _ => false,
        };
        if here {
            place.span = stmt.span;
            // The binding is where a reader looks; its export may follow.
            if !matches!(stmt.kind, StmtKind::Export(_)) {
                break;
            }
        }
    }
    place
}

/// The names that a pattern binds.
fn names(target: &crate::module::Expr) -> Vec<&str> {
    use crate::module::ExprKind;
    match &target.kind {
        ExprKind::Name(name) => vec![name.as_str()],
        ExprKind::List(items) => items.iter().flat_map(names).collect(),
        ExprKind::Map(entries) => entries.iter().flat_map(|entry| names(&entry.value)).collect(),
        ExprKind::Assign { target, .. } => names(target),
        _ => Vec::new(),
    }
}

/// A method, its handler, and what stands before it.
pub(super) type Chained<'p> = (String, Value<'p>, Vec<Layer<'p>>);

/// The routes of a router of next-connect that `handler` is made of; `None` when it is none.
pub(super) fn next_connect<'p>(trace: &Trace<'p>, handler: &Value<'p>) -> Option<Vec<Chained<'p>>> {
    let made = trace.made(handler)?;
    let (router, _) = made.method().filter(|(_, method)| *method == "handler")?;
    let origin = trace.call(router)?;
    if !origin.path()?.starts_with("next-connect") {
        return None;
    }
    let mut same = std::collections::BTreeSet::from([router]);
    let mut layers: Vec<Layer<'p>> = Vec::new();
    let mut out = Vec::new();
    for (id, call) in trace.records() {
        let Some((receiver, method)) = call.method() else { continue };
        if !same.contains(&receiver) {
            continue;
        }
        let args = Args::of(vec![values::request(), values::response(), values::next()]);
        let mut functions =
            call.args.positional.iter().filter(|value| !matches!(value, Value::Text(_)));
        match method {
            "use" => layers.extend(functions.map(|value| {
                Layer::new(trace, LayerKind::Middleware, value.clone(), args.clone())
            })),
            "get" | "post" | "put" | "patch" | "delete" | "head" => {
                if let Some(last) = functions.next_back() {
                    let own = functions.map(|value| {
                        Layer::new(trace, LayerKind::Middleware, value.clone(), args.clone())
                    });
                    let all = layers.iter().cloned().chain(own).collect();
                    out.push((method.to_ascii_uppercase(), last.clone(), all));
                }
            }
            _ => continue,
        }
        same.insert(id);
    }
    Some(out)
}
