//! Applications, what they are given, and the files that they find when they boot.

use std::rc::Rc;

use super::entry_of;
use crate::eval::interpreter::Trace;
use crate::eval::text::Text;
use crate::eval::value::{CallId, CallRecord, ClassValue, FileId, Value};
use crate::inventory::routes::graph::{name_of, path_text};
use crate::inventory::routes::readers::scripts;

/// The application that serves.
const APPLICATION: &str = "@loopback/rest.RestApplication";

/// Adds what looks for files.
const BOOT: &str = ".BootMixin";

/// Mixins within each other.
const MAX_MIXINS: usize = 16;

/// An application of a program.
pub(super) struct Application<'p> {
    pub(super) id: CallId,
    /// The calls that make it, of which the first counts.
    pub(super) ids: Vec<CallId>,
    pub(super) call: Rc<CallRecord<'p>>,
    pub(super) class: Option<Rc<ClassValue<'p>>>,
    pub(super) boots: bool,
    pub(super) members: Vec<(CallId, String, Rc<CallRecord<'p>>)>,
}

/// What authentication or authorization is to an application.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Installed {
    Yes,
    No,
    Perhaps,
}

/// Whether a class is made of the application that serves, and whether of what boots.
fn base_of<'p>(trace: &Trace<'p>, callee: &Value<'p>) -> Option<bool> {
    let mut boots = false;
    let mut at = callee.clone();
    for _ in 0..MAX_MIXINS {
        match &at {
            Value::External(path) => return (path == APPLICATION).then_some(boots),
            Value::Native(_) => {
                let made = trace.made(&at)?;
                boots |= trace.path_of(&made).ends_with(BOOT);
                at = made.args.positional.first()?.clone();
            }
            _ => return None,
        }
    }
    None
}

pub(super) fn applications<'p>(trace: &Trace<'p>) -> Vec<Application<'p>> {
    let mut out: Vec<Application<'p>> = Vec::new();
    for (id, record) in trace.records() {
        let Some(call) = trace.call(id) else { continue };
        if let Some((receiver, method)) = record.method() {
            let known = out.iter_mut().find(|application| application.ids.contains(&receiver));
            if let Some(application) = known {
                application.members.push((id, method.to_owned(), call));
            }
            continue;
        }
        let is_made = record.class.is_some() || record.path() == Some(APPLICATION);
        if !is_made {
            continue;
        }
        let Some(boots) = base_of(trace, &record.callee) else { continue };
        let class = record.class.clone();
        // One that is made again serves the same.
        let known = out.iter_mut().find(|application| match (&application.class, &class) {
            (Some(known), Some(class)) => Rc::ptr_eq(known, class),
            _ => false,
        });
        match known {
            Some(known) => known.ids.push(id),
            None => {
                out.push(Application { id, ids: vec![id], call, class, boots, members: Vec::new() })
            }
        }
    }
    out
}

impl<'p> Application<'p> {
    pub(super) fn calls<'a>(
        &'a self,
        name: &'a str,
    ) -> impl Iterator<Item = &'a Rc<CallRecord<'p>>> + 'a {
        self.members.iter().filter(move |(_, method, _)| method == name).map(|(_, _, call)| call)
    }

    /// The path that everything lies below.
    pub(super) fn base(&self) -> Text {
        if let Some(call) = self.calls("basePath").last() {
            return path_text(call.args.positional.first()).trim_end(&['/']);
        }
        match entry_of(self.call.args.positional.first(), &["rest", "basePath"]) {
            Some(base) => base.to_text().trim_end(&['/']),
            None => Text::default(),
        }
    }

    pub(super) fn components(&self) -> Vec<&Value<'p>> {
        self.calls("component").filter_map(|call| call.args.positional.first()).collect()
    }

    /// Whether a component is part of it whose name holds a word.
    pub(super) fn has(&self, trace: &Trace<'p>, name: &str) -> Installed {
        let components = self.components();
        if components.iter().any(|component| {
            matches!(component, Value::External(path) if path.ends_with(&format!(".{name}")))
        }) {
            return Installed::Yes;
        }
        // What else brings may bring that one.
        let may_bring = |component: &&&Value<'p>| {
            let name = name_of(trace, component);
            !matches!(component, Value::External(path) if path.starts_with("@loopback/"))
                || name.is_empty()
        };
        match components.iter().find(may_bring) {
            Some(_) => Installed::Perhaps,
            None => Installed::No,
        }
    }

    /// The folder that holds what it finds when it boots.
    fn folder<'t>(&self, trace: &'t Trace<'p>) -> &'t str {
        let file = self.class.as_ref().map_or(self.call.place.file, |class| class.env.file);
        let path: &'p str = trace.program.file(file).path;
        path.rsplit_once('/').map_or("", |(folder, _)| folder)
    }

    /// Files that it finds of one kind.
    pub(super) fn found(
        &self,
        trace: &Trace<'p>,
        kind: &str,
        folder: &str,
        ending: &str,
    ) -> Vec<FileId> {
        if !self.boots {
            return Vec::new();
        }
        let field = |name: &str| match made_options(trace, self) {
            Some(options) => entry_of(Some(&options), &[kind, name]),
            None => None,
        };
        let texts = |name: &str, default: &str| match field(name) {
            Some(value) => scripts::flat(&value)
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect::<Vec<_>>(),
            None => vec![default.to_owned()],
        };
        let (folders, endings) = (texts("dirs", folder), texts("extensions", ending));
        let nested = !matches!(field("nested"), Some(Value::Bool(false)));
        let root = self.folder(trace);
        let is_found = |path: &str| {
            let Some(rest) = path.strip_prefix(root) else { return false };
            let rest = rest.trim_start_matches('/');
            let Some(stem) = rest.strip_suffix(".ts").or_else(|| rest.strip_suffix(".js")) else {
                return false;
            };
            let in_folder = folders.iter().any(|folder| {
                let inner = rest.strip_prefix(folder.trim_matches('/'));
                let inner = inner.and_then(|inner| inner.strip_prefix('/'));
                inner.is_some_and(|inner| nested || !inner.contains('/'))
            });
            in_folder && endings.iter().any(|ending| stem.ends_with(ending.trim_end_matches(".js")))
        };
        trace.program.ids().filter(|id| is_found(trace.program.file(*id).path)).collect()
    }
}

/// `this.bootOptions`.
fn made_options<'p>(trace: &Trace<'p>, application: &Application<'p>) -> Option<Value<'p>> {
    // The application itself is what a member was called on.
    let object = application.members.iter().find_map(|(_, _, call)| match &call.callee {
        Value::Method(method) => Some(method.0.clone()),
        _ => None,
    })?;
    match trace.attribute(&object, "bootOptions") {
        options @ Value::Map(_) => Some(options),
        _ => None,
    }
}
