//! Views that something was wrapped around before they were registered: what stands before them,
//! and the view itself.

use std::cell::RefCell;
use std::rc::Rc;

use smol_str::SmolStr;

use super::caller::values;
use super::graph::{Layer, LayerKind};
use crate::eval::interpreter::Trace;
use crate::eval::value::{Args, Closure, Env, Object, Value};
use crate::module::visit::{Visitor, Walk, walk_block};
use crate::module::{Expr, ExprKind};

/// The most wrappers around one view.
const MAX_WRAPPERS: usize = 16;
/// The most scopes between a wrapper and what it wraps.
const MAX_SCOPES: usize = 8;

/// A view without what was wrapped around it.
#[derive(Debug, Clone, Default)]
pub struct Unwrapped<'p> {
    /// What stands before it, outermost first, with its own decorators.
    pub layers: Vec<Layer<'p>>,
    /// The view: a function or a class where it is one of the program's.
    pub view: Value<'p>,
    /// What is noted on the function or on its wrappers, by name, and whether it is true.
    pub notes: Vec<(String, bool)>,
}

/// Takes off what is wrapped around a view. `registers` tells the decorators that only register it.
pub fn unwrap<'p>(
    trace: &Trace<'p>,
    view: &Value<'p>,
    mut registers: impl FnMut(&Value<'p>) -> bool,
) -> Unwrapped<'p> {
    let mut out = Unwrapped { view: view.clone(), ..Unwrapped::default() };
    for _ in 0..MAX_WRAPPERS {
        let inner = match &out.view {
            Value::Native(_) => made_of(trace, &out.view),
            Value::Function(closure) => {
                note(closure, &mut out.notes);
                around(trace, closure)
            }
            Value::Object(object) => around_by_object(trace, object),
            _ => None,
        };
        let Some((layer, inner)) = inner else { break };
        out.layers.extend(layer);
        out.view = inner;
    }
    if let Value::Function(closure) = &out.view {
        let decorators = closure.written_decorators().filter(|(value, _)| !registers(value));
        out.layers.extend(decorators.map(|(value, expr)| decorator(trace, value, Some(expr))));
    }
    out
}

/// The layer of a decorator, as it is written.
#[must_use]
pub fn decorator<'p>(trace: &Trace<'p>, value: &Value<'p>, expr: Option<&Expr>) -> Layer<'p> {
    Layer::new(trace, LayerKind::Wrapper, value.clone(), open()).called(expr)
}

/// Arguments that nobody knows.
#[must_use]
pub fn open<'p>() -> Args<'p> {
    Args { open: true, ..Args::default() }
}

fn note(closure: &Closure<'_>, notes: &mut Vec<(String, bool)>) {
    for (name, value) in closure.attributes.borrow().iter() {
        let known = notes.iter().any(|(known, _)| known == name.as_str());
        if !known && !name.starts_with("__") && value.truth() != Some(false) {
            notes.push((name.to_string(), value.truth() == Some(true)));
        }
    }
}

/// A layer, where there is one, and what stands behind it.
type Behind<'p> = (Option<Layer<'p>>, Value<'p>);

/// `login_required(view)` of a library, `View.as_view("name")`.
fn made_of<'p>(trace: &Trace<'p>, view: &Value<'p>) -> Option<Behind<'p>> {
    let record = trace.made(view)?;
    if let Value::Method(method) = &record.callee
        && method.1 == "as_view"
        && matches!(method.0, Value::Class(_))
    {
        return Some((None, method.0.clone()));
    }
    let inner = record.args.positional.first()?;
    let layer = decorator(trace, &record.callee, None);
    is_view(inner).then(|| (Some(layer), inner.clone()))
}

fn is_view(value: &Value<'_>) -> bool {
    matches!(value, Value::Function(_) | Value::Native(_) | Value::Class(_) | Value::Object(_))
}

/// A function of the program around a view that it was given.
fn around<'p>(trace: &Trace<'p>, closure: &Rc<Closure<'p>>) -> Option<Behind<'p>> {
    let inner = wrapped(closure)?;
    let env = without(&closure.env, &inner, 0)?;
    let same = closure.decorated(closure.decorators.clone());
    let name = factory_name(trace, closure);
    let wrapper = Value::Function(Rc::new(Closure { env, ..same }));
    let mut layer = Layer::new(trace, LayerKind::Middleware, wrapper, open());
    layer.name = name;
    Some((Some(layer), inner))
}

/// The view that a function was made to wrap: by `functools.wraps`, or as the one function that its
/// surroundings were given and that it hands its arguments on to.
fn wrapped<'p>(closure: &Closure<'p>) -> Option<Value<'p>> {
    let noted = closure.attributes.borrow().get("__wrapped__").cloned();
    if noted.as_ref().is_some_and(is_view) {
        return noted;
    }
    if closure.env.parent.is_none() || closure.env.is_class {
        return None;
    }
    let vars = closure.env.vars.borrow();
    let mut given = vars.iter().filter(|(name, value)| match value {
        // What is defined beside it was not given.
        Value::Function(inner) => !Rc::ptr_eq(&inner.env, &closure.env) && calls(closure, name),
        _ => false,
    });
    let inner = given.next()?.1.clone();
    given.next().is_none().then_some(inner)
}

struct Calls<'m> {
    name: &'m str,
    found: bool,
}

impl<'m> Visitor<'m> for Calls<'m> {
    fn enter_expr(&mut self, expr: &'m Expr) -> Walk {
        if let ExprKind::Call(call) = &expr.kind
            && matches!(&call.callee.kind, ExprKind::Name(name) if name == self.name)
            && call.args.iter().any(|arg| matches!(arg.value.kind, ExprKind::Spread(_)))
        {
            self.found = true;
        }
        Walk::Into
    }
}

/// Whether a function hands all that it is called with to another.
fn calls(closure: &Closure<'_>, name: &str) -> bool {
    let mut calls = Calls { name, found: false };
    walk_block(&mut calls, &closure.function.body);
    calls.found
}

/// The scope of a wrapper with what it wraps replaced by the handler that a question is about;
/// `None` where the wrapper does not have it.
fn without<'p>(env: &Rc<Env<'p>>, inner: &Value<'p>, depth: usize) -> Option<Rc<Env<'p>>> {
    let parent = env.parent.as_ref()?;
    if depth > MAX_SCOPES {
        return None;
    }
    let holds = |value: &Value<'p>| is_copy(value, inner);
    let found = env.vars.borrow().values().any(holds);
    let parent = if found { Rc::clone(parent) } else { without(parent, inner, depth + 1)? };
    let mut vars = env.vars.borrow().clone();
    vars.values_mut().filter(|value| holds(value)).for_each(|value| *value = values::handler());
    Some(Rc::new(Env {
        vars: RefCell::new(vars),
        parent: Some(parent),
        file: env.file,
        qualified: env.qualified.clone(),
        is_class: env.is_class,
        later: env.later.clone(),
        called: std::cell::OnceCell::new(),
        given: RefCell::default(),
    }))
}

/// Whether two values are the same view, perhaps with other decorators.
fn is_copy<'p>(value: &Value<'p>, other: &Value<'p>) -> bool {
    match (value, other) {
        (Value::Function(a), Value::Function(b)) => Rc::ptr_eq(&a.attributes, &b.attributes),
        _ => value.is_same(other),
    }
}

/// What a reader of the program calls a wrapper: the function or class at its file's top level
/// that makes it.
fn factory_name(trace: &Trace<'_>, closure: &Closure<'_>) -> String {
    let module = trace.program.module_name(closure.env.file);
    let local = closure.qualified.strip_prefix(module.as_str()).unwrap_or(&closure.qualified);
    let mut names = local.split('.').filter(|name| !name.is_empty());
    let own = || closure.function.name.as_deref().unwrap_or_default();
    names.next().unwrap_or_else(own).to_owned()
}

/// An object of the program that is called in place of the view that it holds.
fn around_by_object<'p>(trace: &Trace<'p>, object: &Rc<Object<'p>>) -> Option<Behind<'p>> {
    object.class.attribute("__call__")?;
    let fields = object.fields.borrow();
    let mut held = fields.values().filter(|value| matches!(value, Value::Function(_)));
    let inner = held.next()?.clone();
    if held.next().is_some() {
        return None;
    }
    let replaced = fields.iter().map(|(name, value): (&SmolStr, &Value<'p>)| {
        let value = if is_copy(value, &inner) { values::handler() } else { value.clone() };
        (name.clone(), value)
    });
    let wrapper = Value::Object(Rc::new(Object {
        class: Rc::clone(&object.class),
        fields: RefCell::new(replaced.collect()),
        native: object.native.clone(),
    }));
    let layer = Layer::new(trace, LayerKind::Middleware, wrapper, open());
    Some((Some(layer), inner))
}
