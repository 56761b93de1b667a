//! What a program finds in its own folders: the modules that it loads without naming them.

use super::Interpreter;
use crate::eval::link::Target;
use crate::eval::text::Text;
use crate::eval::value::{Args, FileId, Value};
use crate::source::Language;

/// The most names that a folder or a pattern gives.
const MAX_ENTRIES: usize = 256;

impl<'p> Interpreter<'p> {
    /// What a module knows of itself.
    pub(super) fn module_constant(&self, name: &str) -> Option<Value<'p>> {
        if self.language() != Language::Python {
            return None;
        }
        let file = self.frame.env.file;
        let path = self.program.file(file).path;
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let module = || self.program.module_name(file).to_string();
        match name {
            "__file__" => Some(Value::text(path)),
            "__path__" => Some(Value::list(vec![Value::text(folder)])),
            // Whether it is the program that was started is not known.
            "__name__" => {
                let text = Text::literal(&module()).from_env("__name__");
                Some(Value::Text(std::rc::Rc::new(text)))
            }
            "__package__" => {
                let module = module();
                let is_package = path.ends_with("__init__.py");
                let parent = module.rsplit_once('.').map_or("", |(parent, _)| parent);
                Some(Value::text(if is_package { &module } else { parent }))
            }
            _ => None,
        }
    }

    /// A function of the standard library that asks for files, where it is about the program's.
    pub(super) fn folder_call(&self, path: &str, args: &Args<'p>) -> Option<Value<'p>> {
        let first = args.positional.first();
        let text = || first?.as_str();
        match path {
            "os.path.dirname" => {
                Some(Value::text(text()?.rsplit_once('/').map_or("", |(folder, _)| folder)))
            }
            "os.path.basename" => Some(Value::text(text()?.rsplit('/').next()?)),
            "os.path.abspath" | "os.path.realpath" | "os.path.normpath" => {
                Some(Value::text(&normal(text()?)))
            }
            "os.path.splitext" => {
                let text = text()?;
                let stem = text.rsplit_once('.').map_or(text, |(stem, _)| stem);
                Some(Value::list(vec![Value::text(stem), Value::text(&text[stem.len()..])]))
            }
            "os.path.isdir" => self
                .inside(text()?)
                .then(|| Value::Bool(self.program.has_folder(&normal(text().unwrap_or_default())))),
            "os.path.isfile" => self
                .inside(text()?)
                .then(|| Value::Bool(self.program.knows(&normal(text().unwrap_or_default())))),
            "os.listdir" => {
                let names = self.program.entries(&normal(text()?), MAX_ENTRIES)?;
                Some(Value::list(names.iter().map(|name| Value::text(name)).collect()))
            }
            "glob.glob" | "glob.iglob" => {
                let found = self.matching(&normal(text()?))?;
                Some(Value::list(found.iter().map(|path| Value::text(path)).collect()))
            }
            "pkgutil.iter_modules" | "pkgutil.walk_packages" => {
                let folders = match args.get(0, "path")? {
                    Value::List(items) => items.borrow().clone(),
                    _ => return None,
                };
                let prefix = args.get(1, "prefix").and_then(Value::as_str).unwrap_or("");
                let mut out = Vec::new();
                for folder in folders.iter().filter_map(Value::as_str) {
                    out.extend(self.modules_in(&normal(folder), prefix)?);
                }
                Some(Value::list(out))
            }
            _ => None,
        }
    }

    /// Whether a path leads into the tree.
    fn inside(&self, path: &str) -> bool {
        let path = normal(path);
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        folder.is_empty() || self.program.has_folder(folder)
    }

    /// The modules of a folder, as `pkgutil` lists them.
    fn modules_in(&self, folder: &str, prefix: &str) -> Option<Vec<Value<'p>>> {
        let names = self.program.entries(folder, MAX_ENTRIES)?;
        let modules = names.iter().filter_map(|name| {
            let (module, is_package) = match name.strip_suffix(".py") {
                Some("__init__") => return None,
                Some(module) => (module, false),
                None => {
                    let init = join(folder, name) + "/__init__.py";
                    (name.as_str(), self.program.knows(&init).then_some(true)?)
                }
            };
            Some(Value::list(vec![
                Value::Unknown,
                Value::text(&format!("{prefix}{module}")),
                Value::Bool(is_package),
            ]))
        });
        Some(modules.collect())
    }

    /// The files and folders of the tree that fit a pattern with `*` in its parts.
    fn matching(&self, pattern: &str) -> Option<Vec<String>> {
        if pattern.contains("**") {
            return None;
        }
        let mut found = vec![String::new()];
        for part in pattern.split('/') {
            let mut next = Vec::new();
            for folder in &found {
                if part.contains('*') {
                    let names = self.program.entries(folder, MAX_ENTRIES).unwrap_or_default();
                    let fitting = names.iter().filter(|name| fits(part, name));
                    next.extend(fitting.map(|name| join(folder, name)));
                } else {
                    next.push(join(folder, part));
                }
            }
            next.truncate(MAX_ENTRIES);
            found = next;
        }
        found.retain(|path| self.program.has_folder(path) || self.program.knows(path));
        (!found.is_empty()).then_some(found)
    }

    /// `importlib.import_module(name, package)`
    pub(super) fn import_module(&mut self, from: FileId, args: &Args<'p>) -> Value<'p> {
        let Some(name) = args.get(0, "name").and_then(Value::as_str) else { return Value::Unknown };
        let package = args.get(1, "package").and_then(Value::as_str);
        let rest = name.trim_start_matches('.');
        let dots = name.len() - rest.len();
        let absolute = match (dots, package) {
            (0, _) | (_, None) => name.to_owned(),
            (_, Some(package)) => {
                let parts: Vec<_> = package.split('.').collect();
                let kept = parts.len().saturating_sub(dots - 1);
                format!("{}.{rest}", parts[..kept].join("."))
            }
        };
        let target = self.program.resolve(from, &absolute);
        if let Target::File(file) = target {
            self.load(file);
        }
        self.module_value(&target)
    }
}

/// Whether a name fits a pattern with `*`.
fn fits(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or("");
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let mut parts = parts.peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.is_empty()
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

/// A path without `.`, `..` and doubled slashes.
fn normal(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_fits_whole_names() {
        assert!(fits("*", "a") && fits("*.py", "a.py") && fits("r*s.py", "routes.py"));
        assert!(!fits("*.py", "a.pyc") && !fits("a*", "b") && !fits("a*b", "a"));
    }

    #[test]
    fn a_path_is_made_plain() {
        assert_eq!(normal("a/./b/../c//d"), "a/c/d");
    }
}
