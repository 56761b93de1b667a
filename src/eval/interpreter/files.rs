//! Files of the tree as the program itself looks at them: its own place, the names in a folder,
//! modules whose names are computed. A path of the tree begins with `/`.

use super::Interpreter;
use crate::eval::link::Target;
use crate::eval::paths;
use crate::eval::value::{Args, FileId, MAX_ITEMS, Value};
use crate::source::language;

impl<'p> Interpreter<'p> {
    /// The path of the file that runs, in the tree.
    fn own_path(&self) -> String {
        format!("/{}", self.program.file(self.frame.env.file).path)
    }

    /// `__dirname` and `__filename`, where the program does not name them itself.
    pub(super) fn own_place(&self, name: &str) -> Option<Value<'p>> {
        match name {
            "__dirname" => Some(Value::text(paths::folder(&self.own_path()))),
            "__filename" => Some(Value::text(&self.own_path())),
            _ => None,
        }
    }

    /// `import.meta.dirname` and its kin.
    pub(super) fn meta_place(&self, path: &str, name: &str) -> Option<Value<'p>> {
        match (path, name) {
            ("import.meta", "dirname" | "dir") => self.own_place("__dirname"),
            ("import.meta", "filename" | "path" | "url") => self.own_place("__filename"),
            _ => None,
        }
    }

    /// Calls that look at files.
    pub(super) fn file_call(&self, path: &str, args: &Args<'p>) -> Option<Value<'p>> {
        let first = args.positional.first();
        let text = first.and_then(Value::as_str);
        let rest = path.strip_prefix("fs.").or_else(|| path.strip_prefix("fs/"))?;
        let rest = rest.strip_prefix("promises.").unwrap_or(rest);
        match rest {
            "readdirSync" | "readdir" if args.positional.len() == 1 => self.names_in(text?),
            "existsSync" => {
                let there = self.program.is_folder(inside(text?)?)
                    || self.program.file_at(inside(text?)?).is_some();
                Some(Value::Bool(there))
            }
            _ => None,
        }
    }

    fn names_in(&self, folder: &str) -> Option<Value<'p>> {
        let folder = inside(folder)?;
        let children = self.program.children(folder);
        if children.is_empty() || children.len() > MAX_ITEMS {
            return None;
        }
        Some(Value::list(children.iter().map(|child| Value::text(&child.name)).collect()))
    }

    /// The module that a script loads by a name which it computes.
    pub(super) fn loaded(&mut self, from: FileId, module: &str) -> Value<'p> {
        let target = self.program.resolve(from, module);
        if let Target::Missing(path) = &target
            && language::of(path, None).has_module()
        {
            self.missing.insert(path.clone());
        }
        self.namespace(&target)
    }
}

/// A path of the tree without its first slash.
fn inside(path: &str) -> Option<&str> {
    path.strip_prefix('/').map(|path| path.trim_end_matches('/'))
}
