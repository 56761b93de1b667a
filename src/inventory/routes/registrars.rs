//! Functions of Python that nothing calls and that register on what they are given: the type of a
//! parameter says what that is. What they register is there, and reaches no application.

use std::rc::Rc;

use smol_str::SmolStr;

use crate::eval::interpreter::libraries::Host;
use crate::eval::interpreter::{Library, Trace};
use crate::eval::value::{Args, CallId, Closure, Value};
use crate::inventory::routes::graph::Graph;
use crate::module::path::last_name;
use crate::module::{Expr, ExprKind, TextPart};
use crate::source::Language;

/// Gives such functions what they register on.
pub const LIBRARY: Library = Library { called: |_, _| None, would_call, call };

/// What such a function is given.
const GIVEN: &str = "given";

/// Packages, and the classes of them that routes are registered on.
const CLASSES: &[(&str, &[&str])] = &[
    ("aiohttp", &["Application", "UrlDispatcher"]),
    ("bottle", &["Bottle"]),
    ("falcon", &["App", "API"]),
    ("fastapi", &["FastAPI", "APIRouter"]),
    ("flask", &["Flask", "Blueprint"]),
    ("quart", &["Quart", "Blueprint"]),
    ("starlette", &["Starlette", "Router"]),
];

fn would_call<'p>(host: &Host<'_, 'p>, closure: &Closure<'p>) -> bool {
    host.program().file(closure.env.file).module.language == Language::Python
        && annotated(closure).any(|(_, annotation)| named(annotation).is_some())
}

fn call<'p>(host: &mut Host<'_, 'p>, closure: &Rc<Closure<'p>>) -> bool {
    let mut args = Args { open: true, ..Args::default() };
    for (name, annotation) in annotated(closure) {
        if let Some(class) = class_of(host, closure, annotation) {
            let id = host.record_call(&class, Args::default(), closure.place());
            host.set_kind(id, GIVEN);
            args.named.push((name.clone(), Value::Native(id)));
        }
    }
    if args.named.is_empty() {
        return false;
    }
    host.call(&Value::Function(Rc::clone(closure)), None, args, closure.place());
    true
}

/// The parameters that a function must be given and that have a type.
fn annotated<'p>(closure: &Closure<'p>) -> impl Iterator<Item = (&'p SmolStr, &'p Expr)> {
    closure.function.params.iter().filter_map(|param| match &param.target.kind {
        ExprKind::Name(name) if param.default.is_none() => Some((name, param.annotation.as_ref()?)),
        _ => None,
    })
}

/// What the last part of a type is called, where routes may be registered on it.
fn named(annotation: &Expr) -> Option<&str> {
    let name = match &annotation.kind {
        // A type that is written as a text.
        ExprKind::Text(parts) => match parts.as_slice() {
            [TextPart::Literal(name)] => name,
            _ => return None,
        },
        _ => last_name(annotation)?,
    };
    CLASSES.iter().any(|(_, classes)| classes.contains(&name)).then_some(name)
}

/// The class that a type is, where routes are registered on its instances.
fn class_of<'p>(
    host: &mut Host<'_, 'p>,
    closure: &Closure<'p>,
    annotation: &'p Expr,
) -> Option<SmolStr> {
    let name = named(annotation)?;
    let value = match &annotation.kind {
        ExprKind::Text(_) => closure.env.get(name)?,
        _ => host.value_in(&closure.env, annotation),
    };
    let Value::External(path) = value else { return None };
    let (package, _) = path.split_once('.')?;
    let name = path.rsplit('.').next()?;
    let known = CLASSES.iter().any(|(known, classes)| *known == package && classes.contains(&name));
    known.then_some(path)
}

/// Says of applications that functions were given only here that nobody serves them. A function
/// that is given what it registers, too, is a helper whose callers alone know.
pub fn unserve<'p>(trace: &Trace<'p>, graph: &mut Graph<'p>) {
    let given: Vec<CallId> =
        trace.records().map(|(id, _)| id).filter(|id| trace.kind(*id) == Some(GIVEN)).collect();
    given.into_iter().for_each(|id| graph.unserve(id));
}
