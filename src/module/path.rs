//! Dotted paths: the patterns of rules, the paths of expressions, and the import aliases that
//! make one out of the other.

use std::collections::HashMap;
use std::fmt;

use smol_str::SmolStr;

use super::{Block, Expr, ExprKind, ImportNames, Module, Stmt, StmtKind, TextPart};

/// A pattern of a path: `os.environ.*`, `**.execute`. `::` separates as `.` does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathPattern {
    segments: Vec<Segment>,
}

/// A step of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Segment {
    /// This name.
    Fixed(SmolStr),
    /// `*`: one name, whichever.
    One,
    /// `**`: any number of names, or a receiver that is no plain path.
    Any,
}

impl PathPattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// In words, when a step is empty or mixes `*` with a name.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut segments = Vec::new();
        for step in text.replace("::", ".").split('.') {
            segments.push(match step {
                "" => return Err(format!("`{text}` has an empty step")),
                "*" => Segment::One,
                "**" => Segment::Any,
                name if name.contains('*') => {
                    return Err(format!(
                        "in `{text}`, `*` stands for a whole step and not for a part of one"
                    ));
                }
                name => Segment::Fixed(name.into()),
            });
        }
        Ok(Self { segments })
    }

    /// Its steps.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// The longest fixed step: a text that must stand in every file that the pattern can match.
    #[must_use]
    pub fn literal(&self) -> Option<&SmolStr> {
        let fixed = self.segments.iter().filter_map(|segment| match segment {
            Segment::Fixed(name) => Some(name),
            _ => None,
        });
        fixed.max_by_key(|name| name.len())
    }

    /// Whether it matches a path whole.
    #[must_use]
    pub fn matches(&self, path: &Path<'_>) -> bool {
        steps_match(&self.segments, &path.segments, path.opaque)
    }

    /// Whether it matches the beginning of a path.
    #[must_use]
    pub fn matches_prefix(&self, path: &Path<'_>) -> bool {
        (1..=path.segments.len())
            .any(|end| steps_match(&self.segments, &path.segments[..end], path.opaque))
    }
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, segment) in self.segments.iter().enumerate() {
            if at > 0 {
                f.write_str(".")?;
            }
            f.write_str(match segment {
                Segment::Fixed(name) => name,
                Segment::One => "*",
                Segment::Any => "**",
            })?;
        }
        Ok(())
    }
}

fn steps_match(pattern: &[Segment], path: &[&str], opaque: bool) -> bool {
    match pattern.split_first() {
        None => path.is_empty() && !opaque,
        Some((Segment::Any, rest)) => {
            (0..=path.len()).any(|skip| steps_match(rest, &path[skip..], false))
        }
        Some(_) if opaque => false,
        Some((segment, rest)) => path.split_first().is_some_and(|(name, others)| {
            let fits = match segment {
                Segment::Fixed(fixed) => fixed == name,
                _ => true,
            };
            fits && steps_match(rest, others, false)
        }),
    }
}

/// The path of an expression.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Path<'m> {
    /// Its names, outermost first.
    pub segments: Vec<&'m str>,
    /// Whether something stands before the first name that is no plain path, such as a call.
    pub opaque: bool,
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.opaque {
            f.write_str("….")?;
        }
        f.write_str(&self.segments.join("."))
    }
}

impl<'m> Path<'m> {
    /// The path as written. A constant text index counts as a name: `os.environ["HOME"]`.
    #[must_use]
    pub fn of(expr: &'m Expr) -> Self {
        let mut segments = Vec::new();
        let mut at = expr;
        let opaque = loop {
            match &at.kind {
                ExprKind::Name(name) => {
                    push_reversed(&mut segments, name);
                    break false;
                }
                ExprKind::Attribute { object, name, .. } => {
                    segments.push(name.as_str());
                    at = object;
                }
                ExprKind::Index { object, key, .. } => match constant_text(key) {
                    Some(text) => {
                        segments.push(text);
                        at = object;
                    }
                    None => break true,
                },
                ExprKind::Await(inner) => at = inner,
                ExprKind::Unary { operator, operand }
                    if matches!(operator.as_str(), "?" | "!" | "&" | "*") =>
                {
                    at = operand;
                }
                _ => break true,
            }
        };
        segments.reverse();
        Self { segments, opaque }
    }

    /// The last name.
    #[must_use]
    pub fn last(&self) -> &'m str {
        self.segments.last().copied().unwrap_or_default()
    }
}

fn push_reversed<'m>(segments: &mut Vec<&'m str>, name: &'m str) {
    segments.extend(name.rsplit("::"));
}

/// The text of a string literal without holes.
#[must_use]
pub fn constant_text(expr: &Expr) -> Option<&str> {
    match &expr.kind {
        ExprKind::Text(parts) => match parts.as_slice() {
            [] => Some(""),
            [TextPart::Literal(text)] => Some(text),
            _ => None,
        },
        _ => None,
    }
}

/// The last name of a path, without building the path.
#[must_use]
pub fn last_name(expr: &Expr) -> Option<&str> {
    match &expr.kind {
        ExprKind::Name(name) => Some(name.rsplit("::").next().unwrap_or(name)),
        ExprKind::Attribute { name, .. } => Some(name),
        ExprKind::Index { key, .. } => constant_text(key),
        ExprKind::Await(inner) => last_name(inner),
        _ => None,
    }
}

/// What imported names stand for.
#[derive(Debug, Default)]
pub struct Aliases<'m> {
    paths: HashMap<&'m str, Alias<'m>>,
    modules: Vec<&'m str>,
}

#[derive(Debug, Clone)]
struct Alias<'m> {
    path: Vec<&'m str>,
    /// From a module of the project itself: the name as written counts too, since nobody can
    /// know where the project keeps it.
    relative: bool,
}

impl<'m> Aliases<'m> {
    /// Collects the imports of a module, `require` and `import(…)` bindings included.
    #[must_use]
    pub fn of(module: &'m Module) -> Self {
        let mut aliases = Self::default();
        aliases.block(&module.body);
        aliases
    }

    /// Whether the module imports `wanted` or something below it: `flask` is imported by
    /// `from flask.views import View`, `@sentry` by `@sentry/node`.
    #[must_use]
    pub fn imports(&self, wanted: &str) -> bool {
        let begins = |path: &mut dyn Iterator<Item = &str>| {
            import_steps(wanted).all(|step| path.next() == Some(step))
        };
        self.modules.iter().any(|module| begins(&mut import_steps(module)))
            || self
                .paths
                .values()
                .any(|alias| begins(&mut alias.path.iter().flat_map(|step| import_steps(step))))
    }

    /// The last step of what a name stands for.
    #[must_use]
    pub fn last_of(&self, name: &str) -> Option<&'m str> {
        self.paths.get(name).and_then(|alias| alias.path.last().copied())
    }

    /// Whether a name is imported.
    #[must_use]
    pub fn knows(&self, name: &str) -> bool {
        self.paths.contains_key(name)
    }

    /// The path with its first name replaced by what it stands for, and whether the path as
    /// written is to be tried as well.
    #[must_use]
    pub fn resolve(&self, written: &Path<'m>) -> (Path<'m>, bool) {
        let alias = match written.segments.first() {
            Some(first) if !written.opaque => self.paths.get(first),
            _ => None,
        };
        match alias {
            Some(alias) => {
                let mut segments = alias.path.clone();
                segments.extend_from_slice(&written.segments[1..]);
                (Path { segments, opaque: false }, alias.relative)
            }
            None => (written.clone(), false),
        }
    }

    /// Whether any pattern matches the expression's path.
    #[must_use]
    pub fn any_matches(&self, patterns: &[PathPattern], expr: &'m Expr) -> bool {
        let written = Path::of(expr);
        let (resolved, also_written) = self.resolve(&written);
        patterns.iter().any(|pattern| {
            pattern.matches(&resolved) || (also_written && pattern.matches(&written))
        })
    }

    fn block(&mut self, block: &'m Block) {
        for stmt in block {
            self.stmt(stmt);
        }
    }

    fn stmt(&mut self, stmt: &'m Stmt) {
        match &stmt.kind {
            StmtKind::Import(import) => {
                let module = module_steps(&import.module);
                let relative = is_relative(&import.module);
                match &import.names {
                    ImportNames::Effect | ImportNames::Star => {}
                    ImportNames::Module(name) => {
                        // `import a.b` binds `a`: its path is `a` and the rest is written.
                        let bound_whole =
                            module.first() != Some(&name.as_str()) || module.len() == 1;
                        let path = if bound_whole { module.clone() } else { vec![name.as_str()] };
                        self.paths.insert(name, Alias { path, relative });
                    }
                    ImportNames::Names(names) => {
                        for (theirs, ours) in names {
                            let mut path = module.clone();
                            if theirs != "default" {
                                path.extend(theirs.split("::"));
                            }
                            if path.is_empty() {
                                path.push(theirs);
                            }
                            self.paths.insert(ours, Alias { path, relative });
                        }
                    }
                }
                self.modules.push(&import.module);
            }
            StmtKind::Bind(bind) => {
                if let Some(value) = &bind.value {
                    self.required(&bind.target, value);
                }
            }
            StmtKind::Function(function) => self.block(&function.body),
            StmtKind::Class(class) => self.block(&class.body),
            StmtKind::Namespace { body, .. }
            | StmtKind::Block(body)
            | StmtKind::With { body, .. }
            | StmtKind::Loop { body, .. } => self.block(body),
            StmtKind::If { then, otherwise, .. } => {
                self.block(then);
                self.block(otherwise);
            }
            StmtKind::Try { body, handlers, after } => {
                self.block(body);
                for handler in handlers {
                    self.block(&handler.body);
                }
                self.block(after);
            }
            _ => {}
        }
    }

    /// `const x = require("m")`, `const { a: b } = require("m")`, `const x = require("m").a`.
    fn required(&mut self, target: &'m Expr, value: &'m Expr) {
        let Some(path) = required_path(value) else { return };
        let relative = path.first().is_some_and(|first| is_relative(first));
        self.modules.extend(path.first());
        match &target.kind {
            ExprKind::Name(name) => {
                self.paths.insert(name, Alias { path, relative });
            }
            ExprKind::Map(entries) => {
                for entry in entries {
                    let ExprKind::Name(ours) = &entry.value.kind else { continue };
                    let theirs = entry.key.as_ref().and_then(constant_text).unwrap_or(ours);
                    let mut path = path.clone();
                    path.push(theirs);
                    self.paths.insert(ours, Alias { path, relative });
                }
            }
            _ => {}
        }
    }
}

fn required_path(value: &Expr) -> Option<Vec<&str>> {
    match &value.kind {
        ExprKind::Call(call) => {
            let ExprKind::Name(name) = &call.callee.kind else { return None };
            if name != "require" && name != "import" {
                return None;
            }
            call.args.first().and_then(|arg| constant_text(&arg.value)).map(module_steps)
        }
        ExprKind::Attribute { object, name, .. } => {
            let mut path = required_path(object)?;
            path.push(name);
            Some(path)
        }
        ExprKind::Await(inner) => required_path(inner),
        _ => None,
    }
}

/// `a.b` and `a::b` have two steps; a file of JavaScript, or a package with a slash, is one.
fn module_steps(module: &str) -> Vec<&str> {
    let module = module.strip_prefix("node:").unwrap_or(module);
    if module.contains('/') {
        return vec![module];
    }
    if module.contains("::") {
        return module.split("::").collect();
    }
    let dotted = module.trim_start_matches('.');
    if dotted.is_empty() { Vec::new() } else { dotted.split('.').collect() }
}

fn import_steps(module: &str) -> impl Iterator<Item = &str> {
    module.split(['.', '/', ':']).filter(|step| !step.is_empty())
}

fn is_relative(module: &str) -> bool {
    module.starts_with(['.', '~'])
        || module.starts_with("@/")
        || module.starts_with("crate")
        || module.starts_with("super")
        || module.starts_with("self")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn path(text: &str) -> Path<'_> {
        let plain = text.strip_prefix("(). ").unwrap_or(text);
        Path { segments: plain.split('.').collect(), opaque: plain.len() != text.len() }
    }

    fn fits(pattern: &str, text: &str) -> bool {
        PathPattern::parse(pattern).unwrap().matches(&path(text))
    }

    #[test]
    fn stars_stand_for_steps() {
        assert!(fits("os.getenv", "os.getenv"));
        assert!(!fits("os.getenv", "my.os.getenv"));
        assert!(fits("process.env.*", "process.env.HOST"));
        assert!(!fits("process.env.*", "process.env"));
        assert!(!fits("process.env.*", "process.env.A.b"));
        assert!(fits("process.**", "process.env.A.b"));
        assert!(fits("**.execute", "db.session.execute"));
        assert!(fits("std::env::var", "std.env.var"));
    }

    #[test]
    fn only_two_stars_match_a_receiver_that_is_no_path() {
        assert!(fits("**.execute", "(). execute"));
        assert!(!fits("*.execute", "(). execute"));
        assert!(!fits("execute", "(). execute"));
    }

    #[test]
    fn a_star_within_a_step_is_refused() {
        assert!(PathPattern::parse("os.get*").is_err());
        assert!(PathPattern::parse("os..x").is_err());
    }
}
