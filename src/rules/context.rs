//! What surrounds a match: asked of the stack of ancestors that the walk keeps.

use std::ptr;

use crate::module::path::{Aliases, Path, PathPattern, constant_text, last_name};
use crate::module::{Arg, Class, Entry, Expr, ExprKind, Function, Handler, Param, Stmt, StmtKind};

/// Something that a walk is inside of.
#[derive(Debug, Clone, Copy)]
pub enum Node<'m> {
    /// A statement.
    Stmt(&'m Stmt),
    /// An expression.
    Expr(&'m Expr),
    /// A function's parameters and body.
    Function(&'m Function),
    /// A class's bases and body.
    Class(&'m Class),
    /// An exception handler.
    Handler(&'m Handler),
    /// An argument.
    Arg(&'m Arg),
    /// A pair of a map.
    Entry(&'m Entry),
    /// A parameter.
    Param(&'m Param),
    /// A declared type.
    Annotation,
}

/// Calls that hand their argument on in another form.
const CONVERTERS: &[&str] = &[
    "int",
    "str",
    "float",
    "bool",
    "bytes",
    "list",
    "tuple",
    "set",
    "Path",
    "SecretStr",
    "String",
    "Number",
    "Boolean",
    "parseInt",
    "parseFloat",
    "Some",
    "Ok",
    "from",
    "freeze",
    "URL",
    "quote",
];

/// Methods that hand their receiver on in another form, or stand something in for it.
const CARRIERS: &[&str] = &[
    "to_string",
    "to_owned",
    "to_lowercase",
    "into",
    "ok",
    "as_deref",
    "as_str",
    "clone",
    "trim",
    "strip",
    "rstrip",
    "lower",
    "upper",
    "encode",
    "toString",
    "toLowerCase",
    "unwrap_or",
    "unwrap_or_else",
    "unwrap_or_default",
    "unwrap",
    "expect",
    "parse",
    "map",
    "replace",
];

/// The outermost expression that has the value of `child`, and how many ancestors lie around it:
/// `await`, the branches of a condition, `or` and `??`, concatenation, conversions.
fn carried<'m>(ancestors: &[Node<'m>], child: &'m Expr) -> (usize, &'m Expr) {
    let mut depth = ancestors.len();
    let mut child = child;
    loop {
        let parent = depth.checked_sub(1).map(|at| ancestors[at]);
        let carries = match parent {
            Some(Node::Expr(parent)) => match &parent.kind {
                ExprKind::Await(_) => true,
                ExprKind::Unary { operator, .. } => {
                    matches!(operator.as_str(), "?" | "!" | "&" | "*")
                }
                ExprKind::Conditional { test, .. } => !ptr::eq(&raw const **test, child),
                ExprKind::Binary { operator, .. } => {
                    matches!(operator.as_str(), "||" | "&&" | "??" | "+" | "-" | "*" | "/" | "%")
                }
                ExprKind::Text(_) => true,
                ExprKind::Attribute { object, name, .. } if ptr::eq(&raw const **object, child) => {
                    let called = depth.checked_sub(2).map(|at| ancestors[at]);
                    if let Some(Node::Expr(call)) = called
                        && let ExprKind::Call(inner) = &call.kind
                        && ptr::eq(&raw const inner.callee, parent)
                        && CARRIERS.contains(&name.as_str())
                    {
                        depth -= 2;
                        child = call;
                        continue;
                    }
                    false
                }
                _ => false,
            },
            Some(Node::Arg(_)) => {
                let call = depth.checked_sub(2).map(|at| ancestors[at]);
                if let Some(Node::Expr(call)) = call
                    && let ExprKind::Call(inner) = &call.kind
                    && last_name(&inner.callee).is_some_and(|name| {
                        CONVERTERS.contains(&name) || matches!(name, "unwrap_or")
                    })
                {
                    depth -= 2;
                    child = call;
                    continue;
                }
                false
            }
            _ => false,
        };
        match parent {
            Some(Node::Expr(parent)) if carries => {
                depth -= 1;
                child = parent;
            }
            _ => return (depth, child),
        }
    }
}

/// The name, attribute, keyword or key that receives a value.
#[must_use]
pub fn receiver_name<'m>(ancestors: &[Node<'m>], expr: &'m Expr) -> Option<&'m str> {
    let (depth, value) = carried(ancestors, expr);
    match ancestors.get(depth.checked_sub(1)?)? {
        Node::Stmt(stmt) => match &stmt.kind {
            StmtKind::Bind(bind)
                if bind.value.as_ref().is_some_and(|bound| ptr::eq(bound, value)) =>
            {
                last_name(&bind.target)
            }
            _ => None,
        },
        Node::Arg(arg) => arg.name.as_deref(),
        Node::Entry(entry) if ptr::eq(&raw const entry.value, value) => {
            entry.key.as_ref().and_then(|key| constant_text(key).or_else(|| last_name(key)))
        }
        Node::Param(param) => last_name(&param.target),
        Node::Expr(parent) => match &parent.kind {
            ExprKind::Assign { target, value: assigned }
                if ptr::eq(&raw const **assigned, value) =>
            {
                last_name(target)
            }
            ExprKind::Markup(markup) => markup
                .attributes
                .iter()
                .find(|(_, attribute)| ptr::eq(attribute, value))
                .map(|(name, _)| name.as_str()),
            _ => None,
        },
        _ => None,
    }
}

/// What stands in for a value that is absent: `b` of `a or b`, `a || b`, `a ?? b`,
/// `a.unwrap_or(b)`, `a.unwrap_or_else(|_| b)`.
#[must_use]
pub fn fallback<'m>(ancestors: &[Node<'m>], expr: &'m Expr) -> Option<&'m Expr> {
    let mut depth = ancestors.len();
    let mut child = expr;
    loop {
        match ancestors.get(depth.checked_sub(1)?)? {
            Node::Expr(parent) => match &parent.kind {
                ExprKind::Binary { operator, left, right }
                    if matches!(operator.as_str(), "||" | "??") =>
                {
                    return ptr::eq(&raw const **left, child).then_some(&**right);
                }
                ExprKind::Await(_) => {
                    depth -= 1;
                    child = parent;
                }
                ExprKind::Unary { operator, .. } if operator == "?" => {
                    depth -= 1;
                    child = parent;
                }
                ExprKind::Attribute { object, name, .. } if ptr::eq(&raw const **object, child) => {
                    let Node::Expr(outer) = ancestors.get(depth.checked_sub(2)?)? else {
                        return None;
                    };
                    let ExprKind::Call(call) = &outer.kind else { return None };
                    if !ptr::eq(&raw const call.callee, *parent) {
                        return None;
                    }
                    match name.as_str() {
                        "unwrap_or" => return call.args.first().map(|arg| as_written(&arg.value)),
                        "unwrap_or_else" => {
                            return call
                                .args
                                .first()
                                .map(|arg| as_written(closure_value(&arg.value)));
                        }
                        name if CARRIERS.contains(&name) => {
                            depth -= 2;
                            child = outer;
                        }
                        _ => return None,
                    }
                }
                _ => return None,
            },
            Node::Arg(_) => {
                let Node::Expr(outer) = ancestors.get(depth.checked_sub(2)?)? else { return None };
                let ExprKind::Call(call) = &outer.kind else { return None };
                if !last_name(&call.callee).is_some_and(|name| CONVERTERS.contains(&name)) {
                    return None;
                }
                depth -= 2;
                child = outer;
            }
            _ => return None,
        }
    }
}

/// `"text"` of `"text".to_string()` and `String::from("text")`.
fn as_written(expr: &Expr) -> &Expr {
    let ExprKind::Call(call) = &expr.kind else { return expr };
    let ExprKind::Attribute { object, name, .. } = &call.callee.kind else { return expr };
    let inner = match name.as_str() {
        "to_string" | "to_owned" | "into" => object,
        "from" if last_name(object) == Some("String") => match call.args.first() {
            Some(arg) => &arg.value,
            None => return expr,
        },
        _ => return expr,
    };
    if matches!(inner.kind, ExprKind::Text(_)) { inner } else { expr }
}

fn closure_value(expr: &Expr) -> &Expr {
    if let ExprKind::Function(function) = &expr.kind
        && let Some(StmtKind::Return(Some(value))) = function.body.last().map(|stmt| &stmt.kind)
    {
        return value;
    }
    expr
}

/// Whether the value is, or is a part of the data of, what a function returns. What is passed to
/// a call is not.
#[must_use]
pub fn is_returned<'m>(ancestors: &[Node<'m>], expr: &'m Expr) -> bool {
    let mut child = expr;
    for node in ancestors.iter().rev() {
        match node {
            Node::Expr(parent) => {
                let passes = match &parent.kind {
                    ExprKind::Conditional { test, .. } => !ptr::eq(&raw const **test, child),
                    ExprKind::Binary { operator, .. } => matches!(
                        operator.as_str(),
                        "||" | "&&" | "??" | "+" | "-" | "*" | "/" | "%"
                    ),
                    ExprKind::Await(_)
                    | ExprKind::List(_)
                    | ExprKind::Map(_)
                    | ExprKind::Spread(_) => true,
                    _ => false,
                };
                if !passes {
                    return false;
                }
                child = parent;
            }
            Node::Entry(entry) if ptr::eq(&raw const entry.value, child) => {}
            Node::Stmt(stmt) => return matches!(stmt.kind, StmtKind::Return(_)),
            _ => return false,
        }
    }
    false
}

/// Whether the value is an operand of a comparison.
#[must_use]
pub fn is_compared(ancestors: &[Node<'_>]) -> bool {
    matches!(ancestors.last(), Some(Node::Expr(parent)) if matches!(&parent.kind,
        ExprKind::Binary { operator, .. } if matches!(operator.as_str(),
            "==" | "!=" | "===" | "!==" | "<" | ">" | "<=" | ">=" | "in" | "not in" | "is" | "is not" | "instanceof")))
}

/// The names of the enclosing functions, innermost first. An anonymous function has the name
/// that it is bound to.
pub fn functions<'a, 'm>(ancestors: &'a [Node<'m>]) -> impl Iterator<Item = &'m str> + use<'a, 'm> {
    ancestors.iter().enumerate().rev().filter_map(|(at, node)| match node {
        Node::Function(function) => function.name.as_deref().or_else(|| {
            let Node::Expr(expr) = ancestors.get(at.checked_sub(1)?)? else { return None };
            receiver_name(&ancestors[..at - 1], expr)
        }),
        _ => None,
    })
}

/// The names of the enclosing classes, innermost first.
pub fn classes<'a, 'm>(ancestors: &'a [Node<'m>]) -> impl Iterator<Item = &'m str> + use<'a, 'm> {
    ancestors.iter().rev().filter_map(|node| match node {
        Node::Class(class) => class.name.as_deref(),
        _ => None,
    })
}

/// Whether an exception handler encloses the place, without a function in between.
#[must_use]
pub fn in_handler(ancestors: &[Node<'_>]) -> bool {
    ancestors
        .iter()
        .rev()
        .take_while(|node| !matches!(node, Node::Function(_)))
        .any(|node| matches!(node, Node::Handler(_)))
}

/// The decorators of the enclosing functions and classes.
pub fn decorators<'a, 'm>(
    ancestors: &'a [Node<'m>],
) -> impl Iterator<Item = &'m Expr> + use<'a, 'm> {
    ancestors.iter().rev().flat_map(|node| match node {
        Node::Function(function) => function.decorators.iter(),
        Node::Class(class) => class.decorators.iter(),
        _ => [].iter(),
    })
}

/// What a decorator is, without its arguments.
#[must_use]
pub fn decorator_name(decorator: &Expr) -> &Expr {
    match &decorator.kind {
        ExprKind::Call(call) => &call.callee,
        _ => decorator,
    }
}

/// Whether the place lies in an argument of a call that a pattern matches.
#[must_use]
pub fn is_argument_of<'m>(
    ancestors: &[Node<'m>],
    aliases: &Aliases<'m>,
    patterns: &[PathPattern],
) -> bool {
    ancestors.windows(2).rev().any(|pair| match pair {
        [Node::Expr(call), Node::Arg(_)] => match &call.kind {
            ExprKind::Call(call) => aliases.any_matches(patterns, &call.callee),
            _ => false,
        },
        _ => false,
    })
}

/// The expression that a method chain starts from: `env::var` in `env::var("X").ok().unwrap()`.
#[must_use]
pub fn chain_start(expr: &Expr) -> &Expr {
    let mut at = match &expr.kind {
        ExprKind::Call(call) => match &call.callee.kind {
            ExprKind::Attribute { object, .. } => object,
            _ => &call.callee,
        },
        _ => expr,
    };
    loop {
        at = match &at.kind {
            ExprKind::Call(call) => {
                if !Path::of(&call.callee).opaque {
                    return &call.callee;
                }
                &call.callee
            }
            ExprKind::Attribute { object, .. } | ExprKind::Index { object, .. } => {
                if !Path::of(at).opaque {
                    return at;
                }
                object
            }
            ExprKind::Await(inner) => inner,
            ExprKind::Unary { operand, .. } => operand,
            _ => return at,
        };
    }
}
