//! The pages of a program with their paths, as the routers of frontends have them: tables of
//! `path` and `component`, `<Route>` elements, and folders that are routes.

use std::collections::{BTreeMap, BTreeSet};

use smol_str::SmolStr;

use crate::eval::link::{Program, Target, required};
use crate::eval::value::FileId;
use crate::module::path::constant_text;
use crate::module::visit::{self, Visitor, Walk};
use crate::module::{Entry, Export, Expr, ExprKind, ImportNames, StmtKind, data};

/// What an entry of a table names its component with.
const COMPONENT: &[&str] =
    &["component", "element", "Component", "loadComponent", "lazy", "components", "render"];

/// Tables inside tables, and files that hand names on.
const MAX_DEPTH: usize = 8;

/// The pages by file.
pub type Pages = BTreeMap<FileId, BTreeSet<String>>;

/// Finds them.
#[must_use]
pub fn pages(program: &Program<'_>) -> Pages {
    let mut out = Pages::new();
    for id in program.ids() {
        let file = program.file(id);
        if let Some(path) = by_folder(program, file.path) {
            out.entry(id).or_default().insert(path);
        }
        let mut entries = Entries { found: Vec::new(), prefixes: Vec::new() };
        visit::walk_module(&mut entries, file.module);
        for found in entries.found {
            let targets: Vec<FileId> = match found.component {
                None => vec![id],
                Some(component) => {
                    let mut names = Names { program, file: id, found: BTreeSet::new() };
                    names.look(component);
                    names.found.into_iter().collect()
                }
            };
            for target in targets {
                out.entry(target).or_default().insert(found.path.clone());
            }
        }
    }
    out
}

/// The path of a file that is a page by where it lies.
fn by_folder(program: &Program<'_>, path: &str) -> Option<String> {
    let (stem, suffix) = path.rsplit_once('.')?;
    let is_script = matches!(suffix, "tsx" | "jsx" | "ts" | "js" | "vue" | "svelte");
    if !is_script {
        return None;
    }
    let (folder, manifest) = program.package_of(path)?;
    let uses = |name: &str| {
        ["dependencies", "devDependencies"]
            .iter()
            .any(|key| data::get(manifest, key).is_some_and(|map| data::get(map, name).is_some()))
    };
    let within = stem.strip_prefix(folder)?.trim_start_matches('/');
    let within = within.strip_prefix("src/").unwrap_or(within);
    let segments: Vec<&str> = if let Some(rest) =
        within.strip_prefix("app/").filter(|_| uses("next"))
    {
        rest.strip_suffix("page")
            .filter(|rest| rest.is_empty() || rest.ends_with('/'))?
            .split('/')
            .collect()
    } else if let Some(rest) = within.strip_prefix("pages/").filter(|_| uses("next")) {
        if rest.starts_with("api/") || rest.starts_with('_') || matches!(suffix, "vue" | "svelte") {
            return None;
        }
        rest.split('/').collect()
    } else if let Some(rest) = within.strip_prefix("routes/").filter(|_| uses("@sveltejs/kit")) {
        rest.strip_suffix("+page")
            .or_else(|| rest.strip_suffix("+page.server"))?
            .split('/')
            .collect()
    } else if uses("nuxt") || uses("nuxt3") {
        let within = within.strip_prefix("app/").unwrap_or(within);
        within.strip_prefix("pages/").filter(|_| suffix == "vue")?.split('/').collect()
    } else {
        return None;
    };
    // The second Nuxt marks parameters so.
    let is_nuxt = uses("nuxt");
    let mut shown = String::new();
    for segment in segments {
        let is_group =
            segment.starts_with('(') && segment.ends_with(')') || segment.starts_with('@');
        if segment.is_empty() || segment == "index" || is_group {
            continue;
        }
        shown.push('/');
        match segment.strip_prefix('_').filter(|name| is_nuxt && !name.is_empty()) {
            Some(name) => shown.push_str(&format!("{{{name}}}")),
            None => shown.push_str(&with_parameter(segment)),
        }
    }
    Some(if shown.is_empty() { "/".to_owned() } else { shown })
}

/// `[id]` and `:id` as `{id}`.
fn with_parameter(segment: &str) -> String {
    let bare = segment.trim_start_matches('[').trim_end_matches(']');
    if bare.len() < segment.len() {
        return match bare.strip_prefix("...") {
            Some(rest) => format!("{{{rest}*}}"),
            None => format!("{{{bare}}}"),
        };
    }
    match segment.strip_prefix([':', '$']) {
        Some("") => "{*}".to_owned(),
        Some(name) => format!("{{{}}}", name.trim_end_matches('?')),
        None => segment.to_owned(),
    }
}

/// An entry of a table.
struct Found<'m> {
    path: String,
    /// What names the component; `None` where the file itself is it.
    component: Option<&'m Expr>,
}

/// The entries of the tables of a module.
struct Entries<'m> {
    found: Vec<Found<'m>>,
    prefixes: Vec<(*const Expr, String)>,
}

impl<'m> Entries<'m> {
    fn path(&self, own: &str) -> String {
        let before = self.prefixes.last().map_or("", |(_, path)| path);
        let own = if own.starts_with('/') && own.starts_with(before) {
            own.to_owned()
        } else {
            format!("{before}/{own}")
        };
        let segments = own.split('/').filter(|segment| !segment.is_empty()).map(with_parameter);
        let path = segments.map(|segment| format!("/{segment}")).collect::<String>();
        if path.is_empty() { "/".to_owned() } else { path }
    }

    /// Notes an entry, and what its children lie below.
    fn entry(&mut self, at: &'m Expr, path: Option<&str>, components: Vec<&'m Expr>) {
        if self.prefixes.len() >= MAX_DEPTH {
            return;
        }
        let Some(path) = path else { return };
        let path = self.path(path);
        for component in components {
            self.found.push(Found { path: path.clone(), component: Some(component) });
        }
        let below = if path == "/" { String::new() } else { path };
        self.prefixes.push((std::ptr::from_ref(at), below));
    }
}

impl<'m> Visitor<'m> for Entries<'m> {
    fn enter_expr(&mut self, expr: &'m Expr) -> Walk {
        match &expr.kind {
            ExprKind::Map(entries) => {
                let of = |wanted: &str| {
                    entries.iter().find_map(|Entry { key, value }| {
                        let key = key.as_ref().and_then(constant_text)?;
                        (key == wanted).then_some(value)
                    })
                };
                let components: Vec<&Expr> = COMPONENT.iter().filter_map(|key| of(key)).collect();
                let is_entry = !components.is_empty() || of("children").is_some();
                let path = of("path").and_then(constant_text);
                if is_entry {
                    let path = path.or_else(|| of("index").map(|_| ""));
                    self.entry(expr, path, components);
                }
            }
            ExprKind::Markup(markup) if markup.tag.ends_with("Route") => {
                let of = |wanted: &str| {
                    let mut attributes = markup.attributes.iter();
                    attributes.find(|(name, _)| name == wanted).map(|(_, value)| value)
                };
                let components: Vec<&Expr> = COMPONENT.iter().filter_map(|key| of(key)).collect();
                let path = of("path").and_then(constant_text);
                let path = path.or_else(|| of("index").map(|_| ""));
                // Older routers have the component between the tags.
                let inside =
                    markup.children.iter().filter(|_| components.is_empty() && path.is_some());
                let components = components.iter().copied().chain(inside).collect();
                self.entry(expr, path, components);
            }
            ExprKind::Call(call) => {
                let is_file_route = matches!(&call.callee.kind, ExprKind::Name(name)
                    if matches!(name.as_str(), "createFileRoute" | "createLazyFileRoute"));
                let path = call.args.first().and_then(|arg| constant_text(&arg.value));
                if let Some(path) = path.filter(|_| is_file_route) {
                    let shown: String = path
                        .split('/')
                        .filter(|segment| !segment.is_empty() && !segment.starts_with('_'))
                        .map(|segment| format!("/{}", with_parameter(segment)))
                        .collect();
                    let path = if shown.is_empty() { "/".to_owned() } else { shown };
                    self.found.push(Found { path, component: None });
                }
            }
            _ => {}
        }
        Walk::Into
    }

    fn leave_expr(&mut self, expr: &'m Expr) {
        if self.prefixes.last().is_some_and(|(at, _)| std::ptr::eq(*at, expr)) {
            self.prefixes.pop();
        }
    }
}

/// The files whose components an expression names.
struct Names<'a, 'p> {
    program: &'a Program<'p>,
    file: FileId,
    found: BTreeSet<FileId>,
}

impl Names<'_, '_> {
    fn look(&mut self, component: &Expr) {
        let mut mentioned = Mentioned { names: Vec::new(), modules: Vec::new() };
        visit::walk_expr(&mut mentioned, component);
        for module in mentioned.modules {
            self.module(self.file, &module);
        }
        for name in mentioned.names {
            self.name(self.file, &name, MAX_DEPTH);
        }
    }

    fn module(&mut self, from: FileId, module: &str) {
        if let Target::File(id) = self.program.resolve(from, module) {
            self.found.insert(id);
        }
    }

    /// The file in which a name of a file is made.
    fn name(&mut self, file: FileId, name: &str, depth: usize) {
        if depth == 0 {
            return;
        }
        let module = self.program.file(file).module;
        for stmt in &module.body {
            match &stmt.kind {
                StmtKind::Import(import) => {
                    let taken = match &import.names {
                        ImportNames::Names(names) => {
                            names.iter().find(|(_, local)| local == name).map(|(name, _)| name)
                        }
                        ImportNames::Module(local) if local == name => Some(local),
                        _ => None,
                    };
                    if let (Some(taken), Target::File(id)) =
                        (taken, self.program.resolve(file, &import.module))
                    {
                        self.made(id, taken, depth - 1);
                    }
                }
                // `const Page = lazy(() => import("./page"))`
                StmtKind::Bind(bind) if matches!(&bind.target.kind, ExprKind::Name(own) if own == name) => {
                    if let Some(value) = &bind.value {
                        let mut mentioned = Mentioned { names: Vec::new(), modules: Vec::new() };
                        visit::walk_expr(&mut mentioned, value);
                        for module in mentioned.modules {
                            self.module(file, &module);
                        }
                    }
                }
                _ => {}
            }
        }
    }

    /// Of a file from which a name is imported, the one that makes it.
    fn made(&mut self, file: FileId, name: &SmolStr, depth: usize) {
        let module = self.program.file(file).module;
        let handed_on = module.body.iter().find_map(|stmt| match &stmt.kind {
            StmtKind::Export(Export::From { module, names, .. }) => {
                let known = names.iter().find(|(_, offered)| offered == name)?;
                Some((module, &known.0))
            }
            _ => None,
        });
        match handed_on {
            Some((module, name)) if depth > 0 => {
                if let Target::File(id) = self.program.resolve(file, module) {
                    self.made(id, name, depth - 1);
                }
            }
            _ => {
                self.found.insert(file);
            }
        }
    }
}

/// What an expression mentions.
struct Mentioned {
    names: Vec<SmolStr>,
    modules: Vec<String>,
}

impl<'m> Visitor<'m> for Mentioned {
    fn enter_expr(&mut self, expr: &'m Expr) -> Walk {
        match &expr.kind {
            ExprKind::Name(name) => self.names.push(name.clone()),
            ExprKind::Markup(markup) => self.names.push(markup.tag.clone()),
            _ => self.modules.extend(required(expr).map(str::to_owned)),
        }
        Walk::Into
    }
}
