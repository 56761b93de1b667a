//! Which modules a scan meets.

use crate::eval::link::Program;
use crate::eval::value::{CallRecord, FileId, Value};

/// A scan: what is declared by decorators counts in these modules.
#[derive(Debug, Clone)]
pub(super) struct Scan {
    /// A module, or everything below a folder; `None` where that is not known.
    of: Option<String>,
    /// The modules and folders that are left out.
    without: Vec<String>,
}

impl Scan {
    /// `config.scan(package, ignore=[…])`, with the package as it is resolved.
    pub(super) fn of(program: &Program<'_>, package: &Value<'_>, call: &CallRecord<'_>) -> Self {
        let of = match package {
            Value::None => {
                let path = program.file(call.place.file).path;
                Some(
                    path.rsplit_once('/')
                        .map_or(String::new(), |(folder, _)| folder.to_owned() + "/"),
                )
            }
            Value::Module(file) => Some(reach(program.file(*file).path)),
            Value::Package(folder) => Some(format!("{folder}/")),
            _ => None,
        };
        let ignored = match call.args.keyword("ignore") {
            Some(Value::List(items)) => items.borrow().clone(),
            Some(value) => vec![value.clone()],
            None => Vec::new(),
        };
        let relative = |name: &str| {
            let name = name.strip_prefix('.')?;
            Some(format!("{}{}", of.as_deref()?, name.replace('.', "/")))
        };
        let without = ignored
            .iter()
            .filter_map(Value::as_str)
            .map(|name| relative(name).unwrap_or_else(|| name.replace('.', "/")));
        Self { without: without.collect(), of: of.clone() }
    }

    /// Whether a module is scanned.
    pub(super) fn covers(&self, program: &Program<'_>, file: FileId) -> bool {
        let path = program.file(file).path;
        let module = path.strip_suffix(".py").unwrap_or(path);
        let lies_in = |whole: &str| {
            let at = module.find(whole);
            at.is_some_and(|at| {
                let rest = &module[at + whole.len()..];
                (at == 0 || module[..at].ends_with('/'))
                    && (rest.is_empty() || rest.starts_with('/'))
            })
        };
        let within = match self.of.as_deref() {
            None => true,
            Some(folder) if folder.is_empty() || folder.ends_with('/') => path.starts_with(folder),
            Some(one) => one == path,
        };
        within && !self.without.iter().any(|without| lies_in(without))
    }
}

/// What a module is scanned with: a package with all that lies below.
fn reach(path: &str) -> String {
    match path.strip_suffix("__init__.py") {
        Some(folder) => folder.to_owned(),
        None => path.to_owned(),
    }
}
