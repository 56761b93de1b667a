//! Files of the tree as the program itself looks at them: its own place, the names in a folder,
//! modules whose names are computed. A path of the tree begins with `/`.

use regex::{Regex, RegexBuilder};

use super::Interpreter;
use crate::eval::link::Target;
use crate::eval::paths;
use crate::eval::value::{Args, FileId, MAX_ITEMS, Value};
use crate::source::language;

/// Functions of libraries that list the files which fit patterns.
const GLOBS: &[&str] = &[
    "glob",
    "glob.sync",
    "glob.glob",
    "glob.globSync",
    "glob.glob.sync",
    "fast-glob",
    "fast-glob.sync",
    "fast-glob.glob",
    "fast-glob.globSync",
    "fast-glob.async",
    "globby",
    "globby.sync",
    "globby.globby",
    "globby.globbySync",
    "tinyglobby.glob",
    "tinyglobby.globSync",
];
/// Folders into which a program is built.
const BUILT: &[&str] = &["build", "dist", "out", ".build"];
/// The most files that are found.
const MAX_FOUND: usize = 512;
/// The longest pattern that is read.
const MAX_PATTERN: usize = 512;

/// The pattern of the source of what is built.
fn source_of(pattern: &str) -> Option<String> {
    pattern.strip_suffix(".js").map(|stem| format!("{stem}.ts"))
}

/// A pattern of files as a regular expression.
fn of_glob(pattern: &str) -> Option<Regex> {
    if pattern.len() > MAX_PATTERN {
        return None;
    }
    let mut out = String::from("^");
    let mut braces = 0_usize;
    let mut rest = pattern;
    while let Some(c) = rest.chars().next() {
        let (written, length) = match c {
            _ if rest.starts_with("**/") => ("(?:[^/]+/)*".to_owned(), 3),
            _ if rest.starts_with("**") => (".*".to_owned(), 2),
            '*' => ("[^/]*".to_owned(), 1),
            '?' => ("[^/]".to_owned(), 1),
            '{' => {
                braces += 1;
                ("(?:".to_owned(), 1)
            }
            '}' if braces > 0 => {
                braces -= 1;
                (")".to_owned(), 1)
            }
            ',' if braces > 0 => ("|".to_owned(), 1),
            '[' => {
                let end = rest.find(']')?;
                (format!("[{}]", rest[1..end].replace('!', "^")), end + 1)
            }
            c => (regex::escape(&c.to_string()), c.len_utf8()),
        };
        out.push_str(&written);
        rest = &rest[length..];
    }
    out.push('$');
    RegexBuilder::new(&out).size_limit(1 << 20).build().ok()
}

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
        if !self.language().is_script() {
            return None;
        }
        if path.trim_start_matches("node:") == "process.cwd" {
            return Some(Value::text(&self.started_in()));
        }
        if GLOBS.contains(&path) {
            return self.globbed(args);
        }
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

    /// The folder in which whoever starts the program does so: that of its manifest.
    fn started_in(&self) -> String {
        let mut folder = self.program.file(self.frame.env.file).path;
        while let Some((above, _)) = folder.rsplit_once('/') {
            folder = above;
            if self.program.knows(&format!("{folder}/package.json")) {
                return format!("/{folder}");
            }
        }
        "/".to_owned()
    }

    /// The files that patterns name, absolute or below where the program is started. What is built
    /// is looked for where its source lies.
    fn globbed(&self, args: &Args<'p>) -> Option<Value<'p>> {
        let options = args.positional.get(1);
        let option = |name: &str| options.and_then(|options| options.entry(name));
        let below = match option("cwd") {
            Some(folder) => folder.as_str()?.to_owned(),
            None => self.started_in(),
        };
        let absolute = option("absolute").and_then(|it| it.truth()) == Some(true);
        let patterns = args.positional.first()?;
        let patterns = patterns.items().unwrap_or_else(|| patterns.alternatives());
        let mut out: Vec<String> = Vec::new();
        for pattern in patterns.iter().filter_map(Value::as_str) {
            let is_absolute = pattern.starts_with('/');
            let base = if is_absolute { "/" } else { below.as_str() };
            let base = base.trim_matches('/');
            let pattern = pattern.trim_start_matches("./").trim_start_matches('/');
            for path in self.files_like(base, pattern) {
                let shown = match (is_absolute, absolute) {
                    (false, false) => {
                        path.strip_prefix(base).unwrap_or(path).trim_start_matches('/').to_owned()
                    }
                    _ => format!("/{path}"),
                };
                if !out.contains(&shown) && out.len() < MAX_FOUND {
                    out.push(shown);
                }
            }
        }
        (!out.is_empty()).then(|| Value::list(out.iter().map(|path| Value::text(path)).collect()))
    }

    fn files_like(&self, base: &str, pattern: &str) -> Vec<&'p str> {
        let source = pattern.split_once('/').filter(|(first, _)| BUILT.contains(first));
        let patterns = [Some(pattern), source.map(|(_, rest)| rest)];
        for pattern in patterns.into_iter().flatten() {
            for pattern in [Some(pattern.to_owned()), source_of(pattern)].into_iter().flatten() {
                let whole = if base.is_empty() { pattern } else { format!("{base}/{pattern}") };
                let Some(regex) = of_glob(&whole) else { continue };
                let files = self.program.paths().filter(|path| regex.is_match(path));
                let found: Vec<_> = files.take(MAX_FOUND).collect();
                if !found.is_empty() {
                    return found;
                }
            }
        }
        Vec::new()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_whole_paths() {
        let fits = |pattern: &str, path: &str| of_glob(pattern).unwrap().is_match(path);
        assert!(fits("plugins/*/server/index.[jt]s", "plugins/a/server/index.ts"));
        assert!(!fits("plugins/*/index.ts", "plugins/a/b/index.ts"));
        assert!(fits("src/**/*.{route,routes}.ts", "src/a/b/c.routes.ts"));
        assert!(fits("src/**/*.ts", "src/c.ts"));
        assert!(!fits("src/*.ts", "src/c.tsx"));
    }
}
