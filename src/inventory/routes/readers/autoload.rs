//! `@fastify/autoload`: plugins that are the files of a folder.

use super::fastify;
use crate::eval::interpreter::libraries::Host;
use crate::eval::link::Child;
use crate::eval::text::Text;
use crate::eval::value::{CallId, FileId, Place, Value};

/// Folders inside each other.
const MAX_DEPTH: usize = 24;
/// Files of one call.
const MAX_FILES: usize = 4_000;

const ENDINGS: &[&str] = &[".ts", ".js", ".cjs", ".mjs", ".cts", ".mts"];

/// Folders whose files are no plugins whatever the options say, since options that are patterns
/// are not read.
const NO_PLUGINS: &[&str] = &["node_modules", "__tests__", "__mocks__", "test", "tests"];

/// What the options say.
struct Autoload<'p> {
    instance: CallId,
    place: Place,
    options: Value<'p>,
    hooks: bool,
    cascade: bool,
    overwrite: bool,
    params: bool,
    /// Whether folders are part of the path.
    folders: bool,
    encapsulate: bool,
    depth: usize,
    files: usize,
}

/// Registers the plugins of a folder of the tree.
pub(super) fn load<'p>(
    host: &mut Host<'_, 'p>,
    instance: CallId,
    options: &Value<'p>,
    place: Place,
) {
    let dir = options.entry("dir");
    let Some(folder) = dir.as_ref().and_then(Value::as_str).and_then(|dir| dir.strip_prefix('/'))
    else {
        return;
    };
    let says = |key: &str, default: bool| {
        options.entry(key).and_then(|value| value.truth()).unwrap_or(default)
    };
    let depth = match options.entry("maxDepth") {
        Some(Value::Number(depth)) => depth.parse().unwrap_or(MAX_DEPTH),
        _ => MAX_DEPTH,
    };
    let mut autoload = Autoload {
        instance,
        place,
        options: options.entry("options").unwrap_or_default(),
        hooks: says("autoHooks", false),
        cascade: says("cascadeHooks", false),
        overwrite: says("overwriteHooks", false),
        params: says("routeParams", false),
        folders: says("dirNameRoutePrefix", true),
        encapsulate: says("encapsulate", true),
        depth: depth.min(MAX_DEPTH),
        files: MAX_FILES,
    };
    autoload.folder(host, folder.trim_end_matches('/'), "", Vec::new(), 0);
}

impl<'p> Autoload<'p> {
    fn folder(
        &mut self,
        host: &mut Host<'_, 'p>,
        folder: &str,
        prefix: &str,
        hooks: Vec<Value<'p>>,
        depth: usize,
    ) {
        let children = host.program().children(folder);
        let scripts: Vec<&str> =
            children.iter().filter(|child| !child.is_folder).filter_map(script).collect();
        let path = |name: &str| {
            if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
        };
        let mut here = if self.cascade { hooks } else { Vec::new() };
        if self.hooks
            && let Some(name) = scripts.iter().copied().find(|name| is_hooks(name))
            && let Some(file) = host.file(&path(name))
        {
            let own = host.exported(file, "default").unwrap_or_default();
            here = if self.overwrite { vec![own] } else { [here, vec![own]].concat() };
        }
        let is_index = |name: &&str| stem(name) == "index";
        let index = scripts.iter().copied().find(is_index);
        for child in &children {
            if child.is_folder {
                if depth < self.depth && !NO_PLUGINS.contains(&child.name.as_str()) {
                    let below = self.below(prefix, &child.name);
                    self.folder(host, &path(&child.name), &below, here.clone(), depth + 1);
                }
                continue;
            }
            let Some(name) = script(child) else { continue };
            let is_plugin = index.is_none_or(|index| index == name) && !is_hooks(name);
            if is_plugin && self.files > 0 {
                self.files -= 1;
                if let Some(file) = host.file(&path(name)) {
                    self.plugin(host, file, prefix, &here);
                }
            }
        }
    }

    /// The path of a folder below another's.
    fn below(&self, prefix: &str, name: &str) -> String {
        if !self.folders {
            return prefix.to_owned();
        }
        let name = match (self.params, name.strip_prefix('_')) {
            (true, _) if name.contains("__") => name.replace("__", ":"),
            (true, Some(name)) => format!(":{name}"),
            _ => name.to_owned(),
        };
        format!("{prefix}/{name}")
    }

    fn plugin(&self, host: &mut Host<'_, 'p>, file: FileId, prefix: &str, hooks: &[Value<'p>]) {
        let content = host.exported(file, "default").unwrap_or(Value::Module(file));
        let mut says = |key: &str| {
            let noted = match &content {
                Value::Function(_) => Some(host.attribute(&content, key)),
                _ => None,
            };
            let noted = noted.filter(|value| !matches!(value, Value::Method(_) | Value::Unknown));
            noted.or_else(|| host.exported(file, key))
        };
        if says("autoload").and_then(|value| value.truth()) == Some(false) {
            return;
        }
        let (own, instead) = (says("autoPrefix"), says("prefixOverride"));
        let mut entries = match says("autoConfig") {
            Some(Value::Map(entries)) => entries.borrow().clone(),
            _ => Vec::new(),
        };
        if let Value::Map(more) = &self.options {
            entries.extend(more.borrow().iter().cloned());
        }
        let options = Value::map(entries.clone());
        let mut path = options.entry("prefix").map(|prefix| prefix.to_text()).unwrap_or_default();
        path.push(&own.map_or_else(|| Text::literal(prefix), |own| own.to_text()));
        let path = instead.map_or(path, |instead| instead.to_text());
        entries.push((Value::text("prefix"), Value::Text(path.into())));
        let options = Value::map(entries);

        let mut instance = self.instance;
        if !hooks.is_empty() {
            instance = fastify::context(host, instance, None, self.place);
            for hook in hooks {
                let (hook, _) = fastify::unwrapped(host, hook);
                fastify::run(host, instance, &hook, &options, self.place);
            }
        }
        let (function, is_open) = fastify::unwrapped(host, &content);
        match function {
            Value::Function(_) if !self.encapsulate && !is_open => {
                fastify::run(host, instance, &function, &options, self.place);
            }
            _ => fastify::register(host, instance, &content, &options, self.place),
        }
    }
}

/// The name of a file that may be a plugin.
fn script(child: &Child) -> Option<&str> {
    let name = child.name.as_str();
    let is_script = ENDINGS.iter().any(|ending| name.ends_with(ending));
    let is_other = [".d.ts", ".d.mts", ".d.cts"].iter().any(|ending| name.ends_with(ending))
        || name.contains(".test.")
        || name.contains(".spec.");
    (is_script && !is_other).then_some(name)
}

fn stem(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

/// Whether a file holds hooks for those beside it.
fn is_hooks(name: &str) -> bool {
    let stem = stem(name).to_ascii_lowercase();
    matches!(stem.trim_start_matches(['_', '.']), "autohooks" | "auto_hooks")
}

#[cfg(test)]
mod tests {
    use super::is_hooks;

    #[test]
    fn hooks_are_told_by_their_name() {
        assert!(
            is_hooks("autohooks.ts") && is_hooks("_autoHooks.mjs") && is_hooks(".auto_hooks.js")
        );
        assert!(!is_hooks("autohooks2.ts"));
    }
}
