//! Who gives an address of which the evaluation knows nothing but that it comes from a parameter,
//! and components of pages, which are functions that are given their attributes.

use std::collections::BTreeSet;
use std::rc::Rc;

use smol_str::SmolStr;

use super::{Interpreter, MAX_CALLS};
use crate::eval::expr::{self, Scope};
use crate::eval::value::{Args, CallId, Called, Env, Place, Value};
use crate::module::visit::{Visitor, Walk, walk_block, walk_expr};
use crate::module::{Call, Expr, ExprKind, Function, Markup, Span, Stmt, StmtKind};

/// How often names are followed to what they were made of.
const MAX_ROUNDS: usize = 4;
/// How deep functions are looked for that others wrap.
const MAX_WRAPPED: usize = 4;

/// Names of what holds an address among others.
const ADDRESSES: &[&str] = &["url", "path", "uri", "endpoint", "href", "address"];

/// Attributes that lead a browser elsewhere.
const LEADING: &[&str] = &["href", "to", "src", "path", "as"];

impl<'p> Interpreter<'p> {
    /// Where a client is given an address that a parameter of the function around it holds, who
    /// calls that function gives it, whatever it is.
    pub(super) fn note_callers(&mut self, id: CallId) {
        let Some(mut address) = self.written.and_then(address_of) else { return };
        let mut env = Rc::clone(&self.frame.env);
        let mut way: Vec<Place> = Vec::new();
        for _ in 0..MAX_CALLS {
            // Who only hands a parameter on is no more than a part of the client.
            let hands_on = way.is_empty() || is_handed_on(address);
            let Some((called, from)) = giving(&env, address, way.is_empty()).filter(|_| hands_on)
            else {
                break;
            };
            let Some(given) = given_at(&called, from, address) else { break };
            way.push(called.site);
            address = given;
            env = called.from;
        }
        if !way.is_empty() {
            self.ways.insert(id, way);
        }
    }

    /// A component of the program that is given an address: what it does with it.
    pub(super) fn render(
        &mut self,
        markup: &'p Markup,
        attributes: &[(SmolStr, Value<'p>)],
        span: Span,
    ) {
        let is_component = markup.tag.starts_with(char::is_uppercase);
        let gives_address = |(name, value): &(SmolStr, Value<'p>)| {
            !LEADING.contains(&name.as_str())
                && value.alternatives().iter().any(|value| match value {
                    Value::Text(text) => looks_like_address(&text.to_string()),
                    _ => false,
                })
        };
        if !is_component || !attributes.iter().any(gives_address) {
            return;
        }
        let mut names = markup.tag.split('.');
        let first = names.next().unwrap_or_default();
        let mut component = Scope::name(self, first);
        for name in names {
            component = expr::attribute(&component, name, self);
        }
        let Some(function) = self.wrapped_function(component) else { return };
        let given = attributes.iter().map(|(name, value)| (Value::text(name), value.clone()));
        // It may be given more by those who spread.
        let given = given.chain([(Value::Unknown, Value::Unknown)]).collect();
        self.written = None;
        self.call_value(&function, Args::of(vec![Value::map(given)]), span);
    }

    /// The function that others, such as `memo`, have wrapped.
    fn wrapped_function(&self, value: Value<'p>) -> Option<Value<'p>> {
        let mut value = value;
        for _ in 0..MAX_WRAPPED {
            value = match &value {
                Value::Function(_) => return Some(value),
                Value::Native(id) => self.call_record(*id)?.args.positional.first()?.clone(),
                _ => return None,
            };
        }
        None
    }
}

/// Whether a text may be an address, and no words.
fn looks_like_address(text: &str) -> bool {
    text.contains('/') && !text.contains([' ', '<']) && !text.starts_with(['.', '@', '#'])
}

/// The expression of the address in a call of a client.
fn address_of(call: &Call) -> Option<&Expr> {
    let named = call.args.iter().find(|arg| arg.name.as_deref() == Some("url"));
    let first = &named.or_else(|| call.args.first())?.value;
    let takes_method = matches!(
        &call.callee.kind,
        ExprKind::Attribute { name, .. } if matches!(name.as_str(), "request" | "stream" | "open")
    );
    match &first.kind {
        // `request(method, url)`
        ExprKind::Name(_) | ExprKind::Attribute { .. } if takes_method && named.is_none() => {
            let second = call.args.get(1).filter(|arg| arg.name.is_none());
            let second = second.filter(|arg| !matches!(arg.value.kind, ExprKind::Map(_)));
            Some(second.map_or(first, |arg| &arg.value))
        }
        // `request("GET", url)`
        ExprKind::Text(_) => call.args.get(1).map(|arg| &arg.value),
        ExprKind::Map(entries) => {
            let is_url = |key: &Expr| text_of(key).as_deref() == Some("url");
            let entry = entries.iter().find(|entry| entry.key.as_ref().is_some_and(is_url));
            Some(entry.map_or(first, |entry| &entry.value))
        }
        _ => Some(first),
    }
}

fn text_of(expr: &Expr) -> Option<SmolStr> {
    match &expr.kind {
        ExprKind::Name(name) => Some(name.clone()),
        ExprKind::Text(parts) => match parts.as_slice() {
            [crate::module::TextPart::Literal(text)] => Some(text.clone()),
            _ => None,
        },
        _ => None,
    }
}

/// The parameter that an address comes from.
#[derive(Clone, Copy)]
struct From {
    /// Which it is.
    at: usize,
    /// Whether it only holds the address, among other things.
    holds: bool,
}

/// The call of the nearest function around that hands one of its parameters to an address, and
/// which parameter that is.
fn giving<'p>(
    env: &Rc<Env<'p>>,
    address: &'p Expr,
    follows_variables: bool,
) -> Option<(Called<'p>, From)> {
    let mut around = Some(env);
    while let Some(scope) = around {
        if let Some(called) = scope.called.get()
            && let Some(from) = parameter_in(address, called.function, follows_variables)
        {
            return Some(((**called).clone(), from));
        }
        around = scope.parent.as_ref();
    }
    None
}

/// Whether an expression is a variable as it is.
fn is_handed_on(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Name(_) => true,
        ExprKind::Await(inner) => is_handed_on(inner),
        _ => false,
    }
}

/// The parameter of a function that an expression in its body is made of, by way of variables where
/// these are followed.
fn parameter_in(expr: &Expr, function: &Function, follows_variables: bool) -> Option<From> {
    let mut names = names_in(expr);
    for _ in 0..MAX_ROUNDS {
        let found = |names: &BTreeSet<SmolStr>| {
            function.params.iter().position(|param| {
                let mut bound = BTreeSet::new();
                names_bound(&param.target, &mut bound);
                bound.iter().any(|name| names.contains(name))
            })
        };
        let whole = found(&names.whole).map(|at| From { at, holds: false });
        let found = whole.or_else(|| found(&names.holders).map(|at| From { at, holds: true }));
        if found.is_some() || !follows_variables {
            return found;
        }
        let mut sources = Sources { of: &names, found: Names::default() };
        walk_block(&mut sources, &function.body);
        let found = sources.found;
        let before = names.len();
        names.whole.extend(found.whole);
        names.holders.extend(found.holders);
        if names.len() == before {
            return None;
        }
    }
    None
}

/// What a call that is written gives for a parameter; `None` where it gives nothing, or where the
/// function stands in it and is called by something else.
fn given_at<'p>(called: &Called<'p>, from: From, address: &'p Expr) -> Option<&'p Expr> {
    let From { at, holds } = from;
    let call = called.written?;
    let is_inline = |arg: &Expr| {
        arg.span.start <= called.function.span.start && called.function.span.end <= arg.span.end
    };
    if call.args.iter().any(|arg| is_inline(&arg.value)) {
        return None;
    }
    let param = called.function.params.get(at)?;
    let named = match &param.target.kind {
        ExprKind::Name(name) => {
            call.args.iter().find(|arg| arg.name.as_deref() == Some(name.as_str()))
        }
        _ => None,
    };
    let positional = call.args.get(at.checked_sub(usize::from(called.takes_this))?);
    let given = named.or_else(|| positional.filter(|arg| arg.name.is_none()))?;
    let ExprKind::Map(entries) = &given.value.kind else {
        // Who gives an object that was made elsewhere says nothing of what it holds.
        return (!holds && is_something(&given.value)).then_some(&given.value);
    };
    let Names { whole: mut names, holders } = names_in(address);
    names.extend(holders);
    names.extend(ADDRESSES.iter().map(|name| SmolStr::from(*name)));
    let is_meant = |key: &Expr| text_of(key).is_some_and(|key| names.contains(&key));
    entries
        .iter()
        .find(|entry| entry.key.as_ref().is_some_and(is_meant))
        .map(|entry| &entry.value)
        .filter(|value| is_something(value))
}

/// Whether an expression may come to an address.
fn is_something(expr: &Expr) -> bool {
    !matches!(
        expr.kind,
        ExprKind::None | ExprKind::Bool(_) | ExprKind::Function(_) | ExprKind::Number(_)
    )
}

/// The names that an expression is made of; what only decides between others is none of them, nor
/// what is only a part of a text that a call is given.
fn names_in(expr: &Expr) -> Names {
    let mut names = Names::default();
    walk_expr(&mut names, expr);
    names
}

#[derive(Default)]
struct Names {
    /// Those that stand for themselves.
    whole: BTreeSet<SmolStr>,
    /// Those of which an attribute or an entry is taken.
    holders: BTreeSet<SmolStr>,
}

impl Names {
    fn len(&self) -> usize {
        self.whole.len() + self.holders.len()
    }
}

impl<'m> Visitor<'m> for Names {
    fn enter_expr(&mut self, expr: &'m Expr) -> Walk {
        match &expr.kind {
            ExprKind::Name(name) => {
                self.whole.insert(name.clone());
            }
            ExprKind::Attribute { object, .. } | ExprKind::Index { object, .. } => {
                let within = names_in(object);
                self.holders.extend(within.whole);
                self.holders.extend(within.holders);
                return Walk::Skip;
            }
            ExprKind::Call(call) => {
                // `path.replace(…)` is made of the path.
                if let ExprKind::Attribute { object, .. } = &call.callee.kind {
                    walk_expr(self, object);
                }
                let given = call.args.iter().map(|arg| &arg.value);
                let given = given.filter(|value| !matches!(value.kind, ExprKind::Text(_)));
                given.for_each(|value| walk_expr(self, value));
                return Walk::Skip;
            }
            ExprKind::Conditional { then, otherwise, .. } => {
                walk_expr(self, then);
                walk_expr(self, otherwise);
                return Walk::Skip;
            }
            ExprKind::Function(_) | ExprKind::Class(_) => return Walk::Skip,
            _ => {}
        }
        Walk::Into
    }
}

/// The names that a pattern binds.
fn names_bound(target: &Expr, out: &mut BTreeSet<SmolStr>) {
    match &target.kind {
        ExprKind::Name(name) => {
            out.insert(name.clone());
        }
        ExprKind::List(items) => items.iter().for_each(|item| names_bound(item, out)),
        ExprKind::Map(entries) => entries.iter().for_each(|entry| names_bound(&entry.value, out)),
        ExprKind::Assign { target, .. } => names_bound(target, out),
        ExprKind::Spread(inner) => names_bound(inner, out),
        _ => {}
    }
}

/// The names that others are made of.
struct Sources<'n> {
    of: &'n Names,
    found: Names,
}

impl Sources<'_> {
    fn made(&mut self, target: &Expr, value: &Expr) {
        let mut bound = BTreeSet::new();
        names_bound(target, &mut bound);
        let Names { whole, holders } = names_in(value);
        let is_any = |of: &BTreeSet<SmolStr>| bound.iter().any(|name| of.contains(name));
        if is_any(&self.of.whole) {
            self.found.whole.extend(whole);
            self.found.holders.extend(holders);
        } else if is_any(&self.of.holders) {
            self.found.holders.extend(whole);
            self.found.holders.extend(holders);
        }
    }
}

impl<'m> Visitor<'m> for Sources<'_> {
    fn enter_stmt(&mut self, stmt: &'m Stmt) -> Walk {
        if let StmtKind::Bind(bind) = &stmt.kind
            && let Some(value) = &bind.value
        {
            self.made(&bind.target, value);
        }
        Walk::Into
    }

    fn enter_expr(&mut self, expr: &'m Expr) -> Walk {
        if let ExprKind::Assign { target, value } = &expr.kind {
            self.made(target, value);
        }
        Walk::Into
    }
}
