//! Modules as S-expressions without spans, for tests and for looking at what a lowering makes of
//! a file. One statement per line; blocks are indented by two blanks.

use std::fmt::Write;

use super::{
    Arg, Block, Class, Comment, Entry, Export, Expr, ExprKind, Function, ImportNames, Leave,
    Markup, Module, Param, Stmt, StmtKind, TextPart,
};

/// Prints a module: its statements, then comments (`; text`), then defects (`! line reason`).
#[must_use]
pub fn module(module: &Module) -> String {
    let mut printer = Printer::default();
    printer.block(&module.body);
    for Comment { text, doc, .. } in &module.comments {
        printer.line();
        printer.put(if *doc { ";; " } else { "; " });
        printer.put(text);
    }
    for defect in &module.defects {
        printer.line();
        printer.put(&format!("! {} {}", defect.span.line, defect.reason));
    }
    printer.out.trim_start().to_owned()
}

/// Prints an expression.
#[must_use]
pub fn expr(expr: &Expr) -> String {
    let mut printer = Printer::default();
    printer.expr(expr);
    printer.out
}

#[derive(Default)]
struct Printer {
    out: String,
    indent: usize,
}

impl Printer {
    fn put(&mut self, text: &str) {
        self.out.push_str(text);
    }

    fn quoted(&mut self, text: &str) {
        // Writing to a string cannot fail.
        let _ = write!(self.out, "{text:?}");
    }

    fn line(&mut self) {
        self.out.push('\n');
        self.out.extend(std::iter::repeat_n("  ", self.indent));
    }

    fn block(&mut self, block: &Block) {
        for stmt in block {
            self.line();
            self.stmt(stmt);
        }
    }

    /// A block one level deeper, under a heading when it needs one.
    fn inner(&mut self, heading: &str, block: &Block) {
        if block.is_empty() {
            return;
        }
        self.indent += 1;
        if heading.is_empty() {
            self.block(block);
        } else {
            self.line();
            self.put(heading);
            self.indent += 1;
            self.block(block);
            self.indent -= 1;
        }
        self.indent -= 1;
    }

    fn spaced<'e>(&mut self, exprs: impl IntoIterator<Item = &'e Expr>) {
        for expr in exprs {
            self.put(" ");
            self.expr(expr);
        }
    }

    fn listed<'e>(&mut self, mark: &str, exprs: impl IntoIterator<Item = &'e Expr>) {
        for expr in exprs {
            self.put(mark);
            self.expr(expr);
        }
    }

    fn stmt(&mut self, stmt: &Stmt) {
        match &stmt.kind {
            StmtKind::Expr(expr) => return self.expr(expr),
            StmtKind::Function(function) => return self.function("def", function),
            StmtKind::Class(class) => return self.class(class),
            StmtKind::Pass => return self.put("(pass)"),
            StmtKind::Leave(Leave::Loop) => return self.put("(break)"),
            StmtKind::Leave(Leave::Turn) => return self.put("(continue)"),
            _ => self.put("("),
        }
        match &stmt.kind {
            StmtKind::Import(import) => {
                self.put("import ");
                self.quoted(&import.module);
                match &import.names {
                    ImportNames::Effect => {}
                    ImportNames::Module(name) => self.put(&format!(" as {name}")),
                    ImportNames::Names(names) => self.renamed(names),
                    ImportNames::Star => self.put(" *"),
                }
                self.put(if import.type_only { " type-only" } else { "" });
                self.put(if import.exported { " exported" } else { "" });
            }
            StmtKind::Export(Export::Value { name, value }) => {
                self.put(&format!("export {name} "));
                self.expr(value);
            }
            StmtKind::Export(Export::From { module, names, namespace }) => {
                self.put("export-from ");
                self.quoted(module);
                self.renamed(names);
                if let Some(name) = namespace {
                    self.put(&format!(" as {name}"));
                }
            }
            StmtKind::Bind(bind) => {
                self.put("bind ");
                self.expr(&bind.target);
                self.listed(": ", &bind.annotation);
                if let Some(value) = &bind.value {
                    self.put(&format!(" {}= ", bind.operator.as_deref().unwrap_or("")));
                    self.expr(value);
                }
            }
            StmtKind::Doc(text) => {
                self.put("doc ");
                self.quoted(text);
            }
            StmtKind::Namespace { name, body, .. } => {
                self.put(&format!("namespace {name}"));
                self.inner("", body);
            }
            StmtKind::If { test, then, otherwise } => {
                self.put("if ");
                self.expr(test);
                self.inner("", then);
                self.inner("else", otherwise);
            }
            StmtKind::Loop { target, over, body } => {
                self.put("loop");
                self.spaced(target);
                self.listed(if target.is_some() { " in " } else { " " }, over);
                self.inner("", body);
            }
            StmtKind::Try { body, handlers, after } => {
                self.put("try");
                self.inner("", body);
                self.indent += 1;
                for handler in handlers {
                    self.line();
                    self.put("except");
                    self.spaced(&handler.types);
                    if let Some(name) = &handler.name {
                        self.put(&format!(" as {name}"));
                    }
                    self.inner("", &handler.body);
                }
                self.indent -= 1;
                self.inner("after", after);
            }
            StmtKind::With { items, body } => {
                self.put("with");
                for (value, name) in items {
                    self.spaced([value]);
                    self.listed(" as ", name);
                }
                self.inner("", body);
            }
            StmtKind::Match { subject, arms } => {
                self.put("match ");
                self.expr(subject);
                self.indent += 1;
                for arm in arms {
                    self.line();
                    self.put(if arm.pattern.is_some() { "case" } else { "default" });
                    self.spaced(&arm.pattern);
                    self.listed(" if ", &arm.guard);
                    self.inner("", &arm.body);
                }
                self.indent -= 1;
            }
            StmtKind::Return(value) => {
                self.put("return");
                self.spaced(value);
            }
            StmtKind::Raise(value) => {
                self.put("raise");
                self.spaced(value);
            }
            StmtKind::Block(body) => {
                self.put("do");
                self.inner("", body);
            }
            StmtKind::Expr(_)
            | StmtKind::Function(_)
            | StmtKind::Class(_)
            | StmtKind::Pass
            | StmtKind::Leave(_) => {}
        }
        self.put(")");
    }

    fn renamed(&mut self, names: &[(smol_str::SmolStr, smol_str::SmolStr)]) {
        for (there, here) in names {
            self.put(&if there == here { format!(" {here}") } else { format!(" {there}={here}") });
        }
    }

    fn function(&mut self, head: &str, function: &Function) {
        self.put("(");
        for (flag, word) in [
            (function.is_async, "async "),
            (function.is_generator, "generator "),
            (function.is_abstract, "abstract "),
        ] {
            self.put(if flag { word } else { "" });
        }
        self.put(head);
        if let Some(name) = &function.name {
            self.put(&format!(" {name}"));
        }
        self.listed(" @", &function.decorators);
        self.put(" (");
        for (at, param) in function.params.iter().enumerate() {
            self.put(if at > 0 { " " } else { "" });
            self.param(param);
        }
        self.put(")");
        self.listed(" -> ", &function.returns);
        self.inner("", &function.body);
        self.put(")");
    }

    fn param(&mut self, param: &Param) {
        self.listed("@", &param.decorators);
        self.put(if param.keyword_rest {
            "**"
        } else if param.rest {
            "*"
        } else {
            ""
        });
        self.expr(&param.target);
        self.listed(":", &param.annotation);
        self.listed("=", &param.default);
    }

    fn class(&mut self, class: &Class) {
        self.put(if class.is_interface { "(interface" } else { "(class" });
        if let Some(name) = &class.name {
            self.put(&format!(" {name}"));
        }
        self.listed(" @", &class.decorators);
        if !class.bases.is_empty() {
            self.put(" <");
            self.args(&class.bases);
        }
        self.inner("", &class.body);
        self.put(")");
    }

    fn args(&mut self, args: &[Arg]) {
        for arg in args {
            self.put(" ");
            if let Some(name) = &arg.name {
                self.put(&format!("{name}="));
            }
            self.expr(&arg.value);
        }
    }

    fn expr(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Text(parts) => match parts.as_slice() {
                [] => self.put("\"\""),
                [TextPart::Literal(text)] => self.quoted(text),
                _ => {
                    self.put("(text");
                    for part in parts {
                        self.put(" ");
                        match part {
                            TextPart::Literal(text) => self.quoted(text),
                            TextPart::Hole(hole) => self.expr(hole),
                        }
                    }
                    self.put(")");
                }
            },
            ExprKind::Number(text) | ExprKind::Name(text) => self.put(text),
            ExprKind::Bool(value) => self.put(if *value { "true" } else { "false" }),
            ExprKind::None => self.put("none"),
            ExprKind::Attribute { object, name, .. } => {
                self.expr(object);
                self.put(&format!(".{name}"));
            }
            ExprKind::Index { object, key, .. } => {
                self.put("(index");
                self.spaced([object.as_ref(), key.as_ref()]);
                self.put(")");
            }
            ExprKind::Call(call) => {
                self.put(if call.new { "(new " } else { "(call " });
                self.expr(&call.callee);
                self.put(if call.is_macro { "!" } else { "" });
                self.args(&call.args);
                self.put(")");
            }
            ExprKind::Unary { operator, operand } => {
                self.put(&format!("({operator}"));
                self.spaced([operand.as_ref()]);
                self.put(")");
            }
            ExprKind::Binary { operator, left, right } => {
                self.put(&format!("({operator}"));
                self.spaced([left.as_ref(), right.as_ref()]);
                self.put(")");
            }
            ExprKind::Conditional { test, then, otherwise } => {
                self.put("(?");
                self.spaced([test.as_ref(), then.as_ref(), otherwise.as_ref()]);
                self.put(")");
            }
            ExprKind::List(items) => {
                self.put("[");
                for (at, item) in items.iter().enumerate() {
                    self.put(if at > 0 { " " } else { "" });
                    self.expr(item);
                }
                self.put("]");
            }
            ExprKind::Map(entries) => {
                self.put("{");
                for (at, Entry { key, value }) in entries.iter().enumerate() {
                    self.put(if at > 0 { ", " } else { "" });
                    if let Some(key) = key {
                        self.expr(key);
                        self.put(": ");
                    } else {
                        self.put("...");
                    }
                    self.expr(value);
                }
                self.put("}");
            }
            ExprKind::Function(function) => self.function("fn", function),
            ExprKind::Class(class) => self.class(class),
            ExprKind::Await(value) => {
                self.put("(await");
                self.spaced([value.as_ref()]);
                self.put(")");
            }
            ExprKind::Spread(value) => {
                self.put("...");
                self.expr(value);
            }
            ExprKind::Assign { target, value } => {
                self.put("(=");
                self.spaced([target.as_ref(), value.as_ref()]);
                self.put(")");
            }
            ExprKind::Markup(markup) => self.markup(markup),
            ExprKind::Block(body) => {
                self.put("(do");
                self.inner("", body);
                self.put(")");
            }
            ExprKind::Other(parts) => {
                self.put("(other");
                self.spaced(parts);
                self.put(")");
            }
        }
    }

    fn markup(&mut self, markup: &Markup) {
        self.put(&format!("<{}", markup.tag));
        for (name, value) in &markup.attributes {
            self.put(&format!(" {name}="));
            self.expr(value);
        }
        self.put(">");
        self.spaced(&markup.children);
        self.put("</>");
    }
}
