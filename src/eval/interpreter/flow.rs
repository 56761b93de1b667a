//! Where the addresses come from that calls to the outside are given: through which calls of the
//! program's own functions they went. A function that only hands an address on is a client
//! itself, and who calls it gives the address.

use std::rc::Rc;

use smol_str::SmolStr;

use super::{Interpreter, MAX_CALLS};
use crate::eval::expr::{self, Scope as _};
use crate::eval::text::Part;
use crate::eval::value::{Args, CallId, Called, ClassValue, Closure, Env, Place, Value};
use crate::module::{Call, Expr, ExprKind, Markup, Param, Span, StmtKind};
use crate::source::Language;

/// How deep an address is looked for within an argument.
const MAX_WITHIN: usize = 4;
/// The most texts of one call that are looked at.
const MAX_TEXTS: usize = 32;

/// What is known of the clients that addresses are given to.
#[derive(Clone, Copy)]
pub struct Clients {
    /// Methods by which one is known whose object is not.
    pub methods: &'static [&'static str],
    /// What a browser asks for because of an element, by its tag and attributes: the names under
    /// which the calls are recorded, each with what it is given.
    pub element: Element,
}

/// What a browser asks for because of an element, by its tag and attributes.
pub type Element = for<'p> fn(&str, &Attributes<'p>) -> Vec<Asked<'p>>;

/// The attributes of an element, in order.
pub type Attributes<'p> = [(SmolStr, Value<'p>)];

/// The name under which a call is recorded, and what it is given.
pub type Asked<'p> = (&'static str, Args<'p>);

/// What things are called, at the end, that keep values by their keys.
const CONTAINERS: &[&str] = &[
    "cache", "headers", "params", "cookies", "storage", "formdata", "registry", "dict", "environ",
];

impl<'p> Interpreter<'p> {
    /// Keeps with a function's scope by which call it is run.
    pub(super) fn note_called(
        &mut self,
        env: &Rc<Env<'p>>,
        args: &Args<'p>,
        closure: &Closure<'p>,
        written: Option<&'p Call>,
    ) {
        if let Some(site) = self.site.take().filter(|_| !self.probing()) {
            let is_python = self.program.file(closure.env.file).module.language == Language::Python;
            let called = Called {
                site,
                written,
                function: closure.function,
                takes_this: is_python && closure.is_method && closure.this.is_some(),
                args: args.clone(),
                from: Rc::clone(&self.frame.env),
            };
            // A scope is made for one call.
            let _ = env.called.set(Box::new(called));
        }
    }

    /// Keeps the way of the address that a call to the outside is given.
    pub(super) fn note_way(&mut self, id: CallId, args: &Args<'p>) {
        if !self.follows || self.probing() {
            return;
        }
        let given = texts_of_address(args);
        if given.is_empty() {
            if self.worn.told_last() {
                self.presume(id);
                if !self.ways.contains_key(&id) {
                    self.note_callers(id);
                }
            }
            return;
        }
        let way = self.way_of(&given);
        if !way.is_empty() {
            self.ways.insert(id, way);
        }
    }

    /// Where a client gets an address of which the evaluation has lost track, the nearest function
    /// around it that was called with one is taken to hand it on.
    fn presume(&mut self, id: CallId) {
        let mut env = Rc::clone(&self.frame.env);
        for _ in 0..MAX_CALLS {
            let mut around = Some(&env);
            let called = loop {
                let Some(scope) = around else { return };
                match scope.called.get() {
                    Some(called) => break called.clone(),
                    None => around = scope.parent.as_ref(),
                }
            };
            let is_address = |value: &&Value<'p>| match value.entry("url").as_ref().unwrap_or(value)
            {
                Value::Text(text) => {
                    let text = text.to_string();
                    text.starts_with('/') || text.contains("://")
                }
                _ => false,
            };
            if let Some(address) = called.args.positional.iter().find(is_address) {
                let mut way = vec![called.site];
                way.extend(self.way_from(called.from, &texts_of(&called.args)));
                self.presumed.insert(id, address.clone());
                self.ways.insert(id, way);
                return;
            }
            env = called.from;
        }
    }

    fn way_of(&self, given: &[String]) -> Vec<Place> {
        self.way_from(Rc::clone(&self.frame.env), given)
    }

    fn way_from(&self, mut env: Rc<Env<'p>>, given: &[String]) -> Vec<Place> {
        let mut way = Vec::new();
        for _ in 0..MAX_CALLS {
            // A function inside another sees what that one was called with.
            let mut around = Some(&env);
            let found = loop {
                let Some(scope) = around else { break None };
                match scope.called.get() {
                    Some(called) if hands_on(&called.args, given) => break Some(called.clone()),
                    _ => around = scope.parent.as_ref(),
                }
            };
            let Some(called) = found else { break };
            way.push(called.site);
            env = called.from;
        }
        way
    }

    /// A call of something of which nothing is known: one that looks like a client's is recorded.
    pub(super) fn call_of_unknown(&mut self, args: Args<'p>, span: Span) -> Value<'p> {
        let name = self.written.filter(|_| !self.probing()).and_then(called_name);
        let is_method = |name: &&str| self.clients.is_some_and(|it| it.methods.contains(name));
        let Some(name) = name.filter(is_method) else { return Value::Unknown };
        let address = |first: &Value<'p>| first.entry("url").unwrap_or_else(|| first.clone());
        let is_address = args.positional.first().map(address).is_some_and(|first| match first {
            // The address of a route that is asked for by its name.
            Value::Text(text)
                if matches!(text.parts().first(), Some(Part::Hole(name)) if name.starts_with("route:")) =>
            {
                true
            }
            Value::Text(text) => {
                let text = text.to_string();
                text.starts_with('/') || text.contains("://") || text.starts_with("{}/")
            }
            _ => false,
        });
        let has_handler = args
            .positional
            .iter()
            .any(|value| matches!(value, Value::Function(_) | Value::Class(_)));
        if !is_address || has_handler || self.is_of_container(&args) {
            return Value::Unknown;
        }
        let callee = Value::External(format!("unknown.{name}").into());
        self.call_outside(callee, args, span)
    }

    /// Calls what a library has made of a function that it was given: `retry(fetch)(url)` and
    /// `debounce(save, 300)(order)` run the function, when and how often nobody asks.
    pub(super) fn call_of_wrapped(
        &mut self,
        id: CallId,
        args: &Args<'p>,
        span: Span,
    ) -> Option<Value<'p>> {
        if !self.follows || self.probing() {
            return None;
        }
        let Value::External(maker) = &self.call_record(id)?.callee else { return None };
        if self.worn.tells(maker) {
            return None;
        }
        let is_wrapped = |value: &&Value<'p>| match value {
            Value::Function(_) => true,
            Value::External(path) => self.worn.tells(path),
            _ => false,
        };
        let given = &self.call_record(id)?.args.positional;
        let wrapped = given.iter().find(is_wrapped)?.clone();
        Some(self.call_value(&wrapped, args.clone(), span))
    }

    /// Keeps that a parameter which is nothing by default was given something that nobody knows.
    pub(super) fn note_given(&self, value: &Value<'p>, param: &'p Param) {
        let ExprKind::Name(name) = &param.target.kind else { return };
        let default = param.default.as_ref().map(|default| &default.kind);
        if self.follows && matches!(default, Some(ExprKind::None)) && is_opaque(value) {
            self.frame.env.given.borrow_mut().push(name.clone());
        }
    }

    /// Whether a name is that of such a parameter, and still means what that was given.
    pub(super) fn was_given(&self, name: &str) -> bool {
        let mut around = Some(&self.frame.env);
        while let Some(env) = around {
            if let Some(value) = env.vars.borrow().get(name) {
                return is_opaque(value) && env.given.borrow().iter().any(|given| given == name);
            }
            around = env.parent.as_ref();
        }
        false
    }

    /// Whether the call that is made asks something which keeps values by their keys, and no
    /// client: by what that is called or declared as, or by a default that it is given.
    fn is_of_container(&mut self, args: &Args<'p>) -> bool {
        let has_default = matches!(
            args.positional.get(1),
            Some(Value::Bool(_) | Value::None | Value::Number(_) | Value::List(_))
        );
        if has_default && self.language() == Language::Python {
            return true;
        }
        let Some(ExprKind::Attribute { object, .. }) = self.written.map(|call| &call.callee.kind)
        else {
            return false;
        };
        let (ExprKind::Name(name) | ExprKind::Attribute { name, .. }) = &object.kind else {
            return false;
        };
        let lower = name.to_ascii_lowercase();
        CONTAINERS.iter().any(|container| lower.ends_with(container))
            || self.is_declared_other(object)
    }

    /// Whether a field is declared as something from outside that is no client.
    fn is_declared_other(&mut self, object: &'p Expr) -> bool {
        let ExprKind::Attribute { object, name, .. } = &object.kind else { return false };
        let is_this = matches!(&object.kind, ExprKind::Name(this) if this == "this");
        let Some(class) = self.frame.class.clone().filter(|_| is_this) else { return false };
        let declared = class.lineage().0.into_iter().find_map(|class| {
            let annotation = class.class.body.iter().find_map(|stmt| match &stmt.kind {
                StmtKind::Bind(bind)
                    if matches!(&bind.target.kind, ExprKind::Name(own) if own == name) =>
                {
                    bind.annotation.as_ref()
                }
                _ => None,
            });
            annotation.map(|annotation| (class, annotation))
        });
        let Some((class, annotation)) = declared else { return false };
        let is_imported =
            |path: &str| !matches!(&annotation.kind, ExprKind::Name(own) if own == path);
        match self.value_in(&class.env, annotation) {
            Value::External(path) => is_imported(&path) && !self.worn.tells(&path),
            _ => false,
        }
    }

    /// What a parameter gets where nobody knows more of what it is given than that it comes from
    /// somewhere outside: its type may say that it is a client.
    pub(super) fn given_or_declared(&mut self, value: Value<'p>, param: &'p Param) -> Value<'p> {
        let is_opaque = match &value {
            Value::Unknown => true,
            Value::Method(method) => matches!(method.0, Value::Native(_)),
            _ => false,
        };
        if !is_opaque || param.annotation.is_none() {
            return value;
        }
        match self.by_declaration(param) {
            Value::External(path) if self.worn.tells(&path) => Value::External(path),
            declared @ Value::Object(_) if matches!(value, Value::Unknown) => declared,
            _ => value,
        }
    }

    /// What a parameter gets by its type where nothing calls its function: an object of the
    /// program's class, or of a class from outside.
    pub(super) fn by_declaration(&mut self, param: &'p Param) -> Value<'p> {
        let Some(annotation) = &param.annotation else { return Value::Unknown };
        match expr::eval(annotation, self) {
            Value::Class(class) if !class.class.is_interface => self.some_instance(&class),
            Value::External(path) if path.contains(['.', ':']) => Value::External(path),
            _ => Value::Unknown,
        }
    }

    /// The instance of a class that all who ask for one share.
    pub(super) fn some_instance(&mut self, class: &Rc<ClassValue<'p>>) -> Value<'p> {
        match self.instances.get(&Rc::as_ptr(class)) {
            Some(object) => Value::Object(Rc::clone(object)),
            None => {
                let args = Args { open: true, ..Args::default() };
                self.instantiate(class, args, class.class.span)
            }
        }
    }

    /// An element of a page: what its attributes ask for is recorded, and what stands in it is
    /// evaluated.
    pub(super) fn element(&mut self, markup: &'p Markup, span: Span) {
        let Some(clients) = self.clients.filter(|_| !self.probing()) else { return };
        let mut attributes = Vec::new();
        for (name, value) in &markup.attributes {
            attributes.push((name.clone(), expr::eval(value, self)));
        }
        for (path, args) in (clients.element)(&markup.tag, &attributes) {
            self.record(Value::External(path.into()), args, span, None);
        }
        if markup.tag.starts_with(char::is_uppercase)
            && let Value::External(path) = self.name(&markup.tag)
            && self.worn.tells(&path)
        {
            let given = attributes.iter().map(|(name, value)| (Value::text(name), value.clone()));
            let given = Args::of(vec![Value::map(given.collect())]);
            self.call_outside(Value::External(path), given, span);
        }
        self.render(markup, &attributes, span);
        for child in &markup.children {
            expr::eval(child, self);
        }
    }
}

/// Whether nothing is known of a value but perhaps where it comes from.
fn is_opaque(value: &Value<'_>) -> bool {
    matches!(value, Value::Unknown | Value::Native(_) | Value::Method(_))
}

/// The last name of what is called.
fn called_name(call: &Call) -> Option<&str> {
    match &call.callee.kind {
        ExprKind::Attribute { name, .. } => Some(name),
        _ => None,
    }
}

/// Whether one of the arguments of a call is what an address ends with.
fn hands_on(args: &Args<'_>, given: &[String]) -> bool {
    texts_of(args).iter().any(|text| {
        let text = path_part(text).trim_matches('/');
        text.bytes().any(|byte| byte.is_ascii_alphanumeric())
            && given.iter().any(|address| {
                let address = path_part(address);
                // What follows may be an identifier, but nothing with a name.
                address.rfind(text).is_some_and(|at| {
                    !address[at + text.len()..].bytes().any(|byte| byte.is_ascii_alphanumeric())
                })
            })
    })
}

fn path_part(text: &str) -> &str {
    text.split(['?', '#']).next().unwrap_or(text)
}

/// The texts of the address that a call is given: it comes first, or behind a method.
fn texts_of_address(args: &Args<'_>) -> Vec<String> {
    let mut out = Vec::new();
    let keyword = args.keyword("url").into_iter();
    for (at, value) in args.positional.iter().take(2).chain(keyword).enumerate() {
        match value.entry("url") {
            Some(url) => collect(&url, 0, &mut out),
            // The options and the body of a call may hold texts of all kinds.
            None if matches!(value, Value::Map(_)) => {}
            None if at > 0 && !matches!(value, Value::Text(_) | Value::Choice(_)) => {}
            None => collect(value, 0, &mut out),
        }
        if !out.is_empty() || !is_method(value) {
            break;
        }
    }
    out
}

/// Whether a value may be the method that a call is made with.
fn is_method(value: &Value<'_>) -> bool {
    let is_word = |value: &Value<'_>| {
        value.as_str().is_some_and(|text| text.bytes().all(|byte| byte.is_ascii_alphabetic()))
    };
    matches!(value, Value::Unknown) || value.alternatives().iter().any(is_word)
}

/// The texts with a slash within arguments.
fn texts_of(args: &Args<'_>) -> Vec<String> {
    let mut out = Vec::new();
    for value in args.positional.iter().chain(args.named.iter().map(|(_, value)| value)) {
        collect(value, 0, &mut out);
    }
    out
}

fn collect(value: &Value<'_>, depth: usize, out: &mut Vec<String>) {
    if depth > MAX_WITHIN || out.len() >= MAX_TEXTS {
        return;
    }
    match value {
        Value::Text(text) => {
            let text = text.to_string();
            if text.contains('/') {
                out.push(text);
            }
        }
        Value::List(items) => {
            items.borrow().iter().take(MAX_TEXTS).for_each(|item| collect(item, depth + 1, out));
        }
        Value::Map(entries) => {
            let entries = entries.borrow();
            entries.iter().take(MAX_TEXTS).for_each(|(_, item)| collect(item, depth + 1, out));
        }
        Value::Choice(values) => values.iter().for_each(|item| collect(item, depth + 1, out)),
        Value::Object(object) => {
            let fields = object.fields.borrow();
            fields.values().take(MAX_TEXTS).for_each(|item| collect(item, depth + 2, out));
        }
        _ => {}
    }
}
