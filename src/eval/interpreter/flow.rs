//! Where the addresses come from that calls to the outside are given: through which calls of the
//! program's own functions they went. A function that only hands an address on is a client
//! itself, and who calls it gives the address.

use std::rc::Rc;

use smol_str::SmolStr;

use super::{Interpreter, MAX_CALLS};
use crate::eval::expr;
use crate::eval::text::Text;
use crate::eval::value::{Args, CallId, Called, ClassValue, Closure, Env, Place, Value};
use crate::module::{Call, ExprKind, Markup, Param, Span};
use crate::source::Language;

/// How deep an address is looked for within an argument.
const MAX_WITHIN: usize = 4;
/// The most texts of one call that are looked at.
const MAX_TEXTS: usize = 32;

/// Attributes of elements that hold an address which a browser asks for, with the name under
/// which the asking is recorded.
const ASKING: &[(&str, &str)] = &[
    ("hx-get", "page.get"),
    ("hx-post", "page.post"),
    ("hx-put", "page.put"),
    ("hx-patch", "page.patch"),
    ("hx-delete", "page.delete"),
    ("data-hx-get", "page.get"),
    ("data-hx-post", "page.post"),
    ("data-hx-put", "page.put"),
    ("data-hx-patch", "page.patch"),
    ("data-hx-delete", "page.delete"),
];

/// Methods of clients by which one is known whose object is not.
const VERBS: &[&str] =
    &["get", "post", "put", "patch", "delete", "del", "head", "request", "fetch", "getJSON"];

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
        let name = self.written.filter(|_| self.follows && !self.probing()).and_then(called_name);
        let Some(name) = name.filter(|name| VERBS.contains(name)) else { return Value::Unknown };
        let address = |first: &Value<'p>| first.entry("url").unwrap_or_else(|| first.clone());
        let is_address = args.positional.first().map(address).is_some_and(|first| match first {
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
        if !is_address || has_handler {
            return Value::Unknown;
        }
        let callee = Value::External(format!("unknown.{name}").into());
        self.call_outside(callee, args, span)
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

    /// Whether a form without an address is sent as it stands, and not by a script that takes hold
    /// of it.
    fn is_sent_by_browser(&self, attributes: &[(SmolStr, Value<'p>)]) -> bool {
        let is_held = |name: &str| {
            name == "id" || name.to_ascii_lowercase().contains("submit") || name == "data-action"
        };
        self.language() == Language::Html && !attributes.iter().any(|(name, _)| is_held(name))
    }

    /// An element of a page: what its attributes ask for is recorded, and what stands in it is
    /// evaluated.
    pub(super) fn element(&mut self, markup: &'p Markup, span: Span) {
        if !self.follows || self.probing() {
            return;
        }
        let mut attributes = Vec::new();
        for (name, value) in &markup.attributes {
            attributes.push((name.clone(), expr::eval(value, self)));
        }
        let address = |value: &Value<'p>| matches!(value, Value::Text(_) | Value::Choice(_));
        if markup.tag == "form" {
            let given = |wanted: &str| attributes.iter().find(|(name, _)| name == wanted);
            let method = given("method").map(|(_, value)| value.clone());
            let action = match given("action") {
                Some((_, action)) => Some(action.clone()).filter(address),
                // It goes to the page's own address, whichever that is.
                None => (method.is_some() && self.is_sent_by_browser(&attributes))
                    .then(|| Value::Text(Rc::new(Text::hole("page")))),
            };
            if let Some(action) = action {
                let method = method.unwrap_or_else(|| Value::text("get"));
                let callee = Value::External("page.form".into());
                self.record(callee, Args::of(vec![action, method]), span, None);
            }
        }
        for (name, value) in &attributes {
            let asking = ASKING.iter().find(|(known, _)| known == name);
            if let Some((_, path)) = asking.filter(|_| address(value)) {
                let callee = Value::External((*path).into());
                self.record(callee, Args::of(vec![value.clone()]), span, None);
            }
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
    for value in args.positional.iter().take(2).chain(keyword) {
        match value.entry("url") {
            Some(url) => collect(&url, 0, &mut out),
            // The options of a call may hold texts of all kinds.
            None if matches!(value, Value::Map(_)) => {}
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
    value.alternatives().iter().any(is_word)
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
