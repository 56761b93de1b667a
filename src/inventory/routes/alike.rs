//! Functions that are made anew where a factory or a plugin runs again, and do the same each time.

use std::fmt::Write;
use std::rc::Rc;

use crate::eval::interpreter::Trace;
use crate::eval::value::{Closure, Env, Value};

/// The longest description of what a function sees.
const MAX_LENGTH: usize = 4 * 1024;
/// Names of one scope.
const MAX_NAMES: usize = 64;
/// Lists and maps within each other.
const MAX_DEPTH: usize = 3;
/// Items of one of them.
const MAX_ITEMS: usize = 32;

/// What a function is and what it sees, as text that is equal for those that do the same. `None`
/// where that is too much to tell.
#[must_use]
pub fn description(trace: &Trace<'_>, closure: &Closure<'_>) -> Option<String> {
    // What it was given is not told.
    if closure.given.is_some() {
        return None;
    }
    let mut out = Description { trace, scopes: Vec::new(), text: String::new() };
    let mut scope = Some(&closure.env);
    while let Some(env) = scope {
        out.scopes.push(Rc::as_ptr(env) as usize);
        scope = env.parent.as_ref();
    }
    write!(out.text, "{:p}", closure.function).ok()?;
    if let Some(this) = &closure.this {
        out.value(this, 0)?;
    }
    if let Some(given) = &closure.given {
        if given.open {
            return None;
        }
        for value in &given.positional {
            out.value(value, 0)?;
        }
        for (name, value) in &given.named {
            out.text.push_str(name);
            out.value(value, 0)?;
        }
    }
    let mut scope = Some(&closure.env);
    while let Some(env) = scope {
        // The names of a module are the same for all of its functions.
        if env.parent.is_some() {
            out.scope(env)?;
        }
        scope = env.parent.as_ref();
    }
    Some(out.text)
}

struct Description<'t, 'p> {
    trace: &'t Trace<'p>,
    /// The scopes that the function stands in.
    scopes: Vec<usize>,
    text: String,
}

impl Description<'_, '_> {
    fn scope(&mut self, env: &Env<'_>) -> Option<()> {
        let vars = env.vars.borrow();
        if vars.len() > MAX_NAMES {
            return None;
        }
        self.text.push('{');
        for (name, value) in vars.iter() {
            self.text.push_str(name);
            self.text.push('=');
            self.value(value, 0)?;
        }
        self.text.push('}');
        Some(())
    }

    fn value(&mut self, value: &Value<'_>, depth: usize) -> Option<()> {
        if self.text.len() > MAX_LENGTH || depth > MAX_DEPTH {
            return None;
        }
        match value {
            Value::Unknown => self.text.push('?'),
            Value::None => self.text.push_str("none"),
            Value::Absent => self.text.push_str("absent"),
            Value::Bool(value) => write!(self.text, "{value}").ok()?,
            Value::Number(number) => write!(self.text, "{number}").ok()?,
            Value::Text(text) => write!(self.text, "{:?}", text.parts()).ok()?,
            Value::External(path) => write!(self.text, "external {path}").ok()?,
            Value::Module(file) => write!(self.text, "module {}", file.0).ok()?,
            Value::List(items) => {
                let items = items.borrow();
                if items.len() > MAX_ITEMS {
                    return None;
                }
                for item in items.iter() {
                    self.value(item, depth + 1)?;
                }
            }
            Value::Map(entries) => {
                let entries = entries.borrow();
                if entries.len() > MAX_ITEMS {
                    return None;
                }
                for (key, value) in entries.iter() {
                    self.value(key, depth + 1)?;
                    self.value(value, depth + 1)?;
                }
            }
            // A function beside this one sees what this one sees.
            Value::Function(closure)
                if closure.env.parent.is_none()
                    || self.scopes.contains(&(Rc::as_ptr(&closure.env) as usize)) =>
            {
                write!(self.text, "{:p}", closure.function).ok()?;
            }
            Value::Function(closure) => write!(self.text, "{:p}", Rc::as_ptr(closure)).ok()?,
            Value::Class(class) => write!(self.text, "{:p}", Rc::as_ptr(class)).ok()?,
            Value::Object(object) => write!(self.text, "{:p}", Rc::as_ptr(object)).ok()?,
            // What a framework hands out is the same for each part of an application.
            Value::Native(id) => match self.trace.kind(*id) {
                Some(kind) => self.text.push_str(kind),
                None => write!(self.text, "call {}", id.0).ok()?,
            },
            Value::Method(method) => {
                self.value(&method.0, depth + 1)?;
                write!(self.text, ".{}", method.1).ok()?;
            }
            _ => return None,
        }
        self.text.push(';');
        Some(())
    }
}
