//! Walking a module in the order of its source.
//!
//! [`walk_module`] calls a [`Visitor`] around every statement, expression and definition. It
//! allocates nothing; nesting is bounded by [`super::MAX_NESTING`], so it may recurse.

use super::{
    Arg, Bind, Block, Call, Class, Entry, Export, Expr, ExprKind, Function, Handler, Import,
    Markup, Module, Param, Stmt, StmtKind, TextPart,
};

/// Whether a walk goes into what was entered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Walk {
    /// Visit what lies inside.
    Into,
    /// Leave it out. The matching `leave_…` is called all the same.
    Skip,
}

/// Something that looks at parts of a module. Every method does nothing by default.
///
/// Each `leave_…` is called exactly once for its `enter_…`, so a visitor may keep a stack.
#[allow(unused_variables, reason = "the names document the parameters of the empty defaults")]
pub trait Visitor<'m> {
    /// Before a statement.
    fn enter_stmt(&mut self, stmt: &'m Stmt) -> Walk {
        Walk::Into
    }
    /// After a statement.
    fn leave_stmt(&mut self, stmt: &'m Stmt) {}
    /// Before an expression.
    fn enter_expr(&mut self, expr: &'m Expr) -> Walk {
        Walk::Into
    }
    /// After an expression.
    fn leave_expr(&mut self, expr: &'m Expr) {}
    /// Before the parameters and the body of a function; its decorators were visited before.
    fn enter_function(&mut self, function: &'m Function) -> Walk {
        Walk::Into
    }
    /// After the body of a function.
    fn leave_function(&mut self, function: &'m Function) {}
    /// Before the bases and the body of a class; its decorators were visited before.
    fn enter_class(&mut self, class: &'m Class) -> Walk {
        Walk::Into
    }
    /// After the body of a class.
    fn leave_class(&mut self, class: &'m Class) {}
    /// Before an exception handler.
    fn enter_handler(&mut self, handler: &'m Handler) -> Walk {
        Walk::Into
    }
    /// After an exception handler.
    fn leave_handler(&mut self, handler: &'m Handler) {}
    /// Before an argument of a call or a base of a class.
    fn enter_arg(&mut self, arg: &'m Arg) {}
    /// After an argument.
    fn leave_arg(&mut self, arg: &'m Arg) {}
    /// Before a pair of a map.
    fn enter_entry(&mut self, entry: &'m Entry) {}
    /// After a pair of a map.
    fn leave_entry(&mut self, entry: &'m Entry) {}
    /// Before a parameter.
    fn enter_param(&mut self, param: &'m Param) {}
    /// After a parameter.
    fn leave_param(&mut self, param: &'m Param) {}
    /// Before a declared type.
    fn enter_annotation(&mut self, annotation: &'m Expr) -> Walk {
        Walk::Into
    }
    /// After a declared type.
    fn leave_annotation(&mut self, annotation: &'m Expr) {}
    /// At an import.
    fn import(&mut self, import: &'m Import) {}
}

/// Walks the whole module.
pub fn walk_module<'m, V: Visitor<'m>>(visitor: &mut V, module: &'m Module) {
    walk_block(visitor, &module.body);
}

/// Walks statements in order.
pub fn walk_block<'m, V: Visitor<'m>>(visitor: &mut V, block: &'m Block) {
    for stmt in block {
        walk_stmt(visitor, stmt);
    }
}

/// Enters a statement, walks what it holds, and leaves it.
pub fn walk_stmt<'m, V: Visitor<'m>>(visitor: &mut V, stmt: &'m Stmt) {
    if visitor.enter_stmt(stmt) == Walk::Into {
        walk_stmt_parts(visitor, stmt);
    }
    visitor.leave_stmt(stmt);
}

fn walk_stmt_parts<'m, V: Visitor<'m>>(visitor: &mut V, stmt: &'m Stmt) {
    match &stmt.kind {
        StmtKind::Import(import) => visitor.import(import),
        StmtKind::Export(Export::Value { value, .. }) => walk_expr(visitor, value),
        StmtKind::Export(Export::From { .. })
        | StmtKind::Doc(_)
        | StmtKind::Pass
        | StmtKind::Leave(_) => {}
        StmtKind::Bind(bind) => walk_bind(visitor, bind),
        StmtKind::Expr(expr) => walk_expr(visitor, expr),
        StmtKind::Function(function) => walk_function(visitor, function),
        StmtKind::Class(class) => walk_class(visitor, class),
        StmtKind::Namespace { body, .. } | StmtKind::Block(body) => walk_block(visitor, body),
        StmtKind::If { test, then, otherwise } => {
            walk_expr(visitor, test);
            walk_block(visitor, then);
            walk_block(visitor, otherwise);
        }
        StmtKind::Loop { target, over, body } => {
            walk_option(visitor, target.as_ref());
            walk_option(visitor, over.as_ref());
            walk_block(visitor, body);
        }
        StmtKind::Try { body, handlers, after } => {
            walk_block(visitor, body);
            for handler in handlers {
                if visitor.enter_handler(handler) == Walk::Into {
                    walk_option(visitor, handler.types.as_ref());
                    walk_block(visitor, &handler.body);
                }
                visitor.leave_handler(handler);
            }
            walk_block(visitor, after);
        }
        StmtKind::With { items, body } => {
            for (context, name) in items {
                walk_expr(visitor, context);
                walk_option(visitor, name.as_ref());
            }
            walk_block(visitor, body);
        }
        StmtKind::Match { subject, arms } => {
            walk_expr(visitor, subject);
            for arm in arms {
                walk_option(visitor, arm.pattern.as_ref());
                walk_option(visitor, arm.guard.as_ref());
                walk_block(visitor, &arm.body);
            }
        }
        StmtKind::Return(value) | StmtKind::Raise(value) => walk_option(visitor, value.as_ref()),
    }
}

fn walk_bind<'m, V: Visitor<'m>>(visitor: &mut V, bind: &'m Bind) {
    walk_expr(visitor, &bind.target);
    if let Some(annotation) = &bind.annotation {
        walk_annotation(visitor, annotation);
    }
    walk_option(visitor, bind.value.as_ref());
}

fn walk_option<'m, V: Visitor<'m>>(visitor: &mut V, expr: Option<&'m Expr>) {
    if let Some(expr) = expr {
        walk_expr(visitor, expr);
    }
}

fn walk_annotation<'m, V: Visitor<'m>>(visitor: &mut V, annotation: &'m Expr) {
    if visitor.enter_annotation(annotation) == Walk::Into {
        walk_expr(visitor, annotation);
    }
    visitor.leave_annotation(annotation);
}

/// Walks decorators, then enters the function, walks parameters and body, and leaves it.
pub fn walk_function<'m, V: Visitor<'m>>(visitor: &mut V, function: &'m Function) {
    for decorator in &function.decorators {
        walk_expr(visitor, decorator);
    }
    if visitor.enter_function(function) == Walk::Into {
        for param in &function.params {
            visitor.enter_param(param);
            for decorator in &param.decorators {
                walk_expr(visitor, decorator);
            }
            walk_expr(visitor, &param.target);
            if let Some(annotation) = &param.annotation {
                walk_annotation(visitor, annotation);
            }
            walk_option(visitor, param.default.as_ref());
            visitor.leave_param(param);
        }
        if let Some(returns) = &function.returns {
            walk_annotation(visitor, returns);
        }
        walk_block(visitor, &function.body);
    }
    visitor.leave_function(function);
}

/// Walks decorators, then enters the class, walks bases and body, and leaves it.
pub fn walk_class<'m, V: Visitor<'m>>(visitor: &mut V, class: &'m Class) {
    for decorator in &class.decorators {
        walk_expr(visitor, decorator);
    }
    if visitor.enter_class(class) == Walk::Into {
        if let Some(of) = &class.of {
            walk_annotation(visitor, of);
        }
        for base in &class.bases {
            walk_arg(visitor, base);
        }
        walk_block(visitor, &class.body);
    }
    visitor.leave_class(class);
}

fn walk_arg<'m, V: Visitor<'m>>(visitor: &mut V, arg: &'m Arg) {
    visitor.enter_arg(arg);
    walk_expr(visitor, &arg.value);
    visitor.leave_arg(arg);
}

/// Enters an expression, walks what it holds, and leaves it.
pub fn walk_expr<'m, V: Visitor<'m>>(visitor: &mut V, expr: &'m Expr) {
    if visitor.enter_expr(expr) == Walk::Into {
        walk_expr_parts(visitor, expr);
    }
    visitor.leave_expr(expr);
}

/// Walks the parts of an expression without entering it itself.
pub fn walk_expr_parts<'m, V: Visitor<'m>>(visitor: &mut V, expr: &'m Expr) {
    match &expr.kind {
        ExprKind::Number(_) | ExprKind::Bool(_) | ExprKind::None | ExprKind::Name(_) => {}
        ExprKind::Text(parts) => {
            for part in parts {
                if let TextPart::Hole(hole) = part {
                    walk_expr(visitor, hole);
                }
            }
        }
        ExprKind::Attribute { object, .. } => walk_expr(visitor, object),
        ExprKind::Index { object, key, .. } => {
            walk_expr(visitor, object);
            walk_expr(visitor, key);
        }
        ExprKind::Call(call) => walk_call(visitor, call),
        ExprKind::Unary { operand, .. } => walk_expr(visitor, operand),
        ExprKind::Binary { left, right, .. } => {
            walk_expr(visitor, left);
            walk_expr(visitor, right);
        }
        ExprKind::Conditional { test, then, otherwise } => {
            walk_expr(visitor, test);
            walk_expr(visitor, then);
            walk_expr(visitor, otherwise);
        }
        ExprKind::List(items) | ExprKind::Other(items) => {
            for item in items {
                walk_expr(visitor, item);
            }
        }
        ExprKind::Map(entries) => {
            for entry in entries {
                visitor.enter_entry(entry);
                walk_option(visitor, entry.key.as_ref());
                walk_expr(visitor, &entry.value);
                visitor.leave_entry(entry);
            }
        }
        ExprKind::Function(function) => walk_function(visitor, function),
        ExprKind::Class(class) => walk_class(visitor, class),
        ExprKind::Await(inner) | ExprKind::Spread(inner) => walk_expr(visitor, inner),
        ExprKind::Assign { target, value } => {
            walk_expr(visitor, target);
            walk_expr(visitor, value);
        }
        ExprKind::Markup(markup) => walk_markup(visitor, markup),
        ExprKind::Block(block) => walk_block(visitor, block),
    }
}

fn walk_call<'m, V: Visitor<'m>>(visitor: &mut V, call: &'m Call) {
    walk_expr(visitor, &call.callee);
    for of in &call.generics {
        walk_annotation(visitor, of);
    }
    for arg in &call.args {
        walk_arg(visitor, arg);
    }
}

fn walk_markup<'m, V: Visitor<'m>>(visitor: &mut V, markup: &'m Markup) {
    for (_, value) in &markup.attributes {
        walk_expr(visitor, value);
    }
    for child in &markup.children {
        walk_expr(visitor, child);
    }
}
