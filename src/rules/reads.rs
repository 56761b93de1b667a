//! Whether a value hands on what a caller sent: it reads one of some paths, by itself or by a
//! name of the function around it, and nothing has looked at that on the way.

use super::context::Node;
use crate::module::path::{Aliases, Path, PathPattern, constant_text, last_name};
use crate::module::visit::{Visitor, Walk, walk_block, walk_expr};
use crate::module::{Call, Class, Expr, ExprKind, Function, Stmt, StmtKind, TextPart};

/// How many names one question follows.
const MAX_NAMES: u32 = 4;

/// Calls that hand their arguments on as they are, or joined.
const CARRIES_ARGUMENTS: &[&str] = &[
    "str",
    "String",
    "Path",
    "PurePath",
    "join",
    "format",
    "URL",
    "decodeURIComponent",
    "unquote",
    "path",
    "resolve",
    "concat",
    "toString",
    "query",
];

/// Methods that hand their receiver on.
const CARRIES_RECEIVER: &[&str] = &[
    "get",
    "getlist",
    "strip",
    "trim",
    "lower",
    "upper",
    "toLowerCase",
    "toUpperCase",
    "decode",
    "toString",
    "format",
    "pop",
    "json",
    "text",
    "clone",
    "to_string",
    "as_str",
];

/// Words that begin the name of a function that refuses what is wrong.
const EXAMINERS: &[&str] =
    &["validate", "check", "assert", "ensure", "verify", "require", "is", "sanit", "guard"];

/// Which part of a text counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// Every part.
    Any,
    /// What it begins with: the rest of an address cannot change whose it is.
    Beginning,
}

/// Whether the value reads what stands below one of the paths, unexamined.
#[must_use]
pub(super) fn holds<'m>(
    value: &'m Expr,
    ancestors: &[Node<'m>],
    aliases: &Aliases<'m>,
    paths: &[PathPattern],
    part: Part,
) -> bool {
    let functions: Vec<&'m Function> = ancestors
        .iter()
        .rev()
        .filter_map(|node| match node {
            Node::Function(function) => Some(*function),
            _ => None,
        })
        .collect();
    let before = value.span.start;
    let mut question = Question { functions, aliases, paths, part, before, names: 0 };
    question.reads(value)
}

struct Question<'q, 'm> {
    /// The enclosing functions, innermost first.
    functions: Vec<&'m Function>,
    aliases: &'q Aliases<'m>,
    paths: &'q [PathPattern],
    part: Part,
    /// Only what stands before this offset has happened.
    before: u32,
    names: u32,
}

impl<'m> Question<'_, 'm> {
    fn reads(&mut self, expr: &'m Expr) -> bool {
        match &expr.kind {
            ExprKind::Name(name) => self.is_path(expr) || self.name_reads(name, expr),
            ExprKind::Attribute { object, .. } | ExprKind::Index { object, .. } => {
                if self.is_path(expr) {
                    return !self.is_examined(expr);
                }
                self.reads(object)
            }
            ExprKind::Call(call) => self.call_reads(expr, call),
            ExprKind::Text(parts) => {
                let counted = if self.part == Part::Beginning { 1 } else { parts.len() };
                parts.iter().take(counted).any(|part| match part {
                    TextPart::Hole(hole) => self.reads(hole),
                    TextPart::Literal(_) => false,
                })
            }
            ExprKind::Binary { operator, left, right } => {
                let joins = matches!(operator.as_str(), "+" | "%" | "/");
                let chooses = matches!(operator.as_str(), "||" | "??");
                (joins || chooses) && self.reads(left)
                    || (chooses || joins && self.part == Part::Any) && self.reads(right)
            }
            ExprKind::Conditional { then, otherwise, .. } => {
                self.reads(then) || self.reads(otherwise)
            }
            ExprKind::Await(inner) | ExprKind::Spread(inner) => self.reads(inner),
            ExprKind::Unary { operator, operand } => {
                matches!(operator.as_str(), "?" | "!" | "&" | "*") && self.reads(operand)
            }
            ExprKind::List(items) => items.iter().any(|item| self.reads(item)),
            ExprKind::Map(entries) => entries.iter().any(|entry| self.reads(&entry.value)),
            _ => false,
        }
    }

    /// Whether the expression is one of the paths, or lies below one.
    fn is_path(&self, expr: &'m Expr) -> bool {
        let (path, _) = self.aliases.resolve(&Path::of(expr));
        !path.opaque && self.paths.iter().any(|pattern| pattern.matches_prefix(&path))
    }

    fn call_reads(&mut self, expr: &'m Expr, call: &'m Call) -> bool {
        let Some(name) = last_name(&call.callee) else { return false };
        if let ExprKind::Attribute { object, .. } = &call.callee.kind
            && CARRIES_RECEIVER.contains(&name)
        {
            if self.is_path(&call.callee) {
                return !self.is_examined(expr);
            }
            if self.reads(object) {
                return true;
            }
        }
        CARRIES_ARGUMENTS.contains(&name) && call.args.iter().any(|arg| self.reads(&arg.value))
    }

    /// What a name of the enclosing functions was last bound to.
    fn name_reads(&mut self, name: &'m str, place: &'m Expr) -> bool {
        if self.names >= MAX_NAMES || self.is_examined(place) {
            return false;
        }
        self.names += 1;
        for at in 0..self.functions.len() {
            let function = self.functions[at];
            let mut search = LastBinding { name, before: self.before, value: None };
            walk_block(&mut search, &function.body);
            if let Some(value) = search.value {
                return self.reads(value);
            }
            if function.params.iter().any(|param| last_name(&param.target) == Some(name)) {
                return false;
            }
        }
        false
    }

    /// Whether a condition or a validator before the place looks at the same value.
    fn is_examined(&self, place: &'m Expr) -> bool {
        self.functions.iter().any(|function| {
            let mut search = Examined { place, before: self.before, found: false };
            walk_block(&mut search, &function.body);
            search.found
        })
    }
}

/// The value that a name is bound to last before a place.
struct LastBinding<'m> {
    name: &'m str,
    before: u32,
    value: Option<&'m Expr>,
}

impl<'m> LastBinding<'m> {
    fn bound(&mut self, target: &'m Expr, value: &'m Expr) {
        let binds = match &target.kind {
            ExprKind::Name(name) => name == self.name,
            ExprKind::Map(entries) => entries.iter().any(
                |entry| matches!(&entry.value.kind, ExprKind::Name(name) if name == self.name),
            ),
            _ => false,
        };
        if binds && target.span.start < self.before {
            self.value = Some(value);
        }
    }
}

impl<'m> Visitor<'m> for LastBinding<'m> {
    fn enter_stmt(&mut self, stmt: &'m Stmt) -> Walk {
        if let StmtKind::Bind(bind) = &stmt.kind
            && let Some(value) = &bind.value
        {
            self.bound(&bind.target, value);
        }
        Walk::Into
    }

    fn enter_expr(&mut self, expr: &'m Expr) -> Walk {
        if let ExprKind::Assign { target, value } = &expr.kind {
            self.bound(target, value);
        }
        Walk::Into
    }

    fn enter_function(&mut self, _: &'m Function) -> Walk {
        Walk::Skip
    }

    fn enter_class(&mut self, _: &'m Class) -> Walk {
        Walk::Skip
    }
}

/// Whether something decides about a path before a place.
struct Examined<'m> {
    place: &'m Expr,
    before: u32,
    found: bool,
}

impl<'m> Examined<'m> {
    fn is_it(&self, expr: &'m Expr) -> bool {
        is_same(self.place, expr)
    }

    /// More than whether there is a value at all.
    fn test(&mut self, test: &'m Expr) {
        if test.span.start >= self.before {
            return;
        }
        let mut decides = Decides { examined: self, found: false };
        walk_expr(&mut decides, test);
        let found = decides.found;
        self.found |= found;
    }
}

impl<'m> Visitor<'m> for Examined<'m> {
    fn enter_stmt(&mut self, stmt: &'m Stmt) -> Walk {
        match &stmt.kind {
            StmtKind::If { test, .. } => self.test(test),
            StmtKind::Expr(Expr { kind: ExprKind::Call(call), span })
                if span.start < self.before =>
            {
                let examines = last_name(&call.callee).is_some_and(|name| {
                    let name = name.trim_start_matches('_').to_ascii_lowercase();
                    EXAMINERS.iter().any(|word| name.starts_with(word))
                });
                self.found |= examines && call.args.iter().any(|arg| self.is_it(&arg.value));
            }
            _ => {}
        }
        if self.found { Walk::Skip } else { Walk::Into }
    }

    fn enter_expr(&mut self, expr: &'m Expr) -> Walk {
        if let ExprKind::Conditional { test, .. } = &expr.kind {
            self.test(test);
        }
        if self.found { Walk::Skip } else { Walk::Into }
    }
}

struct Decides<'e, 'm> {
    examined: &'e Examined<'m>,
    found: bool,
}

impl<'m> Visitor<'m> for Decides<'_, 'm> {
    fn enter_expr(&mut self, expr: &'m Expr) -> Walk {
        let it = |expr: &'m Expr| self.examined.is_it(expr);
        self.found |= match &expr.kind {
            ExprKind::Binary { operator, left, right } => {
                let compares = matches!(
                    operator.as_str(),
                    "==" | "===" | "!=" | "!==" | "in" | "not in" | "<" | ">" | "<=" | ">="
                );
                let nothing = |expr: &Expr| matches!(expr.kind, ExprKind::None);
                compares && !nothing(left) && !nothing(right) && (it(left) || it(right))
            }
            ExprKind::Call(call) => {
                let receiver = match &call.callee.kind {
                    ExprKind::Attribute { object, .. } => it(object),
                    _ => false,
                };
                receiver || call.args.iter().any(|arg| it(&arg.value))
            }
            _ => false,
        };
        if self.found { Walk::Skip } else { Walk::Into }
    }
}

/// Whether two expressions read the same: names, attributes, indexes, and calls with constants.
fn is_same(left: &Expr, right: &Expr) -> bool {
    match (&left.kind, &right.kind) {
        (ExprKind::Call(one), ExprKind::Call(other)) => {
            is_same(&one.callee, &other.callee)
                && one.args.len() == other.args.len()
                && one.args.iter().zip(&other.args).all(|(a, b)| {
                    let (a, b) = (constant_text(&a.value), constant_text(&b.value));
                    a.is_some() && a == b
                })
        }
        (ExprKind::Name(_) | ExprKind::Attribute { .. } | ExprKind::Index { .. }, _) => {
            let (one, other) = (Path::of(left), Path::of(right));
            !one.opaque && one == other
        }
        _ => false,
    }
}
