//! File facts: the part of a module that linking needs. They are small and serialisable, and
//! linking works on them alone, so a run that remembers them parses nothing.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use crate::inventory::routes::readers::{FRAMEWORKS, is_routed_by_file};
use crate::inventory::{Need, calls, documents};
use crate::module::{
    Block, Entry, Expr, ExprKind, Function, Markup, Module, Stmt, StmtKind, TextPart,
};
use crate::source::{Language, Role, Source};

/// Nesting that facts keep. Code that creates and registers things is shallow; the bound keeps
/// reading them back within an ordinary stack.
const MAX_DEPTH: usize = 120;

/// Texts longer than this many bytes are data, not names, paths or addresses.
const MAX_TEXT: usize = 2 * 1024;

/// The literals of the frameworks of each language.
static NEEDS: LazyLock<BTreeMap<Language, AhoCorasick>> = LazyLock::new(|| {
    let of = |language: Language| {
        let needs: Vec<_> = FRAMEWORKS
            .iter()
            .filter(|framework| framework.languages.contains(&language))
            .flat_map(|framework| framework.needs)
            .collect();
        let automaton = AhoCorasick::builder().build(&needs).ok()?;
        (!needs.is_empty()).then_some((language, automaton))
    };
    Language::ALL.iter().copied().filter_map(of).collect()
});

/// What linking needs a file for; `calls` tells whether anybody asks for the calls to
/// servers, `tests` whether also for those by tests.
#[must_use]
pub fn need(source: &Source, calls: bool, tests: bool) -> Need {
    if source.language.has_documents() {
        let wanted = documents::wanted(source);
        return Need { routes: wanted, calls: wanted, tests: false };
    }
    let routes = matches!(source.role, Role::Production | Role::Script | Role::Config)
        && (NEEDS.get(&source.language).is_some_and(|needs| needs.is_match(&source.text))
            || is_routed_by_file(&source.path, &source.text));
    Need {
        routes,
        calls: calls && calls::can_call(source),
        tests: tests && calls::can_test(source),
    }
}

/// The facts of a module.
#[must_use]
pub fn of(mut module: Module) -> Module {
    module.comments = Vec::new();
    module.defects = Vec::new();
    trim_block(&mut module.body, 0);
    module
}

fn trim_block(block: &mut Block, depth: usize) {
    if depth > MAX_DEPTH {
        block.clear();
        return;
    }
    block.retain(|stmt| !matches!(stmt.kind, StmtKind::Doc(_) | StmtKind::Pass));
    for stmt in block {
        trim_stmt(stmt, depth + 1);
    }
}

fn trim_stmt(stmt: &mut Stmt, depth: usize) {
    match &mut stmt.kind {
        StmtKind::Import(_) | StmtKind::Doc(_) | StmtKind::Pass | StmtKind::Leave(_) => {}
        StmtKind::Export(export) => {
            if let crate::module::Export::Value { value, .. } = export {
                trim(value, depth);
            }
        }
        StmtKind::Bind(bind) => {
            trim(&mut bind.target, depth);
            each(&mut bind.value, depth);
            each(&mut bind.annotation, depth);
        }
        StmtKind::Expr(expr) => trim(expr, depth),
        StmtKind::Function(function) => trim_function(function, depth),
        StmtKind::Class(class) => {
            class.decorators.iter_mut().for_each(|decorator| trim(decorator, depth));
            each(&mut class.of, depth);
            class.bases.iter_mut().for_each(|base| trim(&mut base.value, depth));
            trim_block(&mut class.body, depth);
        }
        StmtKind::Namespace { body, .. } | StmtKind::Block(body) => trim_block(body, depth),
        StmtKind::If { test, then, otherwise } => {
            trim(test, depth);
            trim_block(then, depth);
            trim_block(otherwise, depth);
        }
        StmtKind::Loop { target, over, body } => {
            each(target, depth);
            each(over, depth);
            trim_block(body, depth);
        }
        StmtKind::Try { body, handlers, after } => {
            trim_block(body, depth);
            for handler in handlers {
                each(&mut handler.types, depth);
                trim_block(&mut handler.body, depth);
            }
            trim_block(after, depth);
        }
        StmtKind::With { items, body } => {
            for (context, target) in items {
                trim(context, depth);
                each(target, depth);
            }
            trim_block(body, depth);
        }
        StmtKind::Match { subject, arms } => {
            trim(subject, depth);
            for arm in arms {
                each(&mut arm.pattern, depth);
                each(&mut arm.guard, depth);
                trim_block(&mut arm.body, depth);
            }
        }
        StmtKind::Return(value) | StmtKind::Raise(value) => each(value, depth),
    }
}

fn trim_function(function: &mut Function, depth: usize) {
    function.decorators.iter_mut().for_each(|decorator| trim(decorator, depth));
    for param in &mut function.params {
        trim(&mut param.target, depth);
        each(&mut param.default, depth);
        each(&mut param.annotation, depth);
        param.decorators.iter_mut().for_each(|decorator| trim(decorator, depth));
    }
    each(&mut function.returns, depth);
    trim_block(&mut function.body, depth);
}

fn each(expr: &mut Option<Expr>, depth: usize) {
    if let Some(expr) = expr {
        trim(expr, depth);
    }
}

fn trim(expr: &mut Expr, depth: usize) {
    if depth > MAX_DEPTH {
        expr.kind = ExprKind::Other(Vec::new());
        return;
    }
    let depth = depth + 1;
    match &mut expr.kind {
        ExprKind::Text(parts) => {
            for part in parts {
                match part {
                    TextPart::Hole(expr) => trim(expr, depth),
                    TextPart::Literal(text) if text.len() > MAX_TEXT => {
                        *part = TextPart::Hole(Expr {
                            span: expr.span,
                            kind: ExprKind::Other(Vec::new()),
                        });
                    }
                    TextPart::Literal(_) => {}
                }
            }
        }
        ExprKind::Regex(text) if text.len() > MAX_TEXT => expr.kind = ExprKind::Other(Vec::new()),
        ExprKind::Number(_)
        | ExprKind::Regex(_)
        | ExprKind::Bool(_)
        | ExprKind::None
        | ExprKind::Name(_) => {}
        ExprKind::Attribute { object, .. } => trim(object, depth),
        ExprKind::Index { object, key, .. } => {
            trim(object, depth);
            trim(key, depth);
        }
        ExprKind::Call(call) => {
            trim(&mut call.callee, depth);
            call.generics.iter_mut().for_each(|of| trim(of, depth));
            call.args.iter_mut().for_each(|arg| trim(&mut arg.value, depth));
        }
        ExprKind::Unary { operand: inner, .. }
        | ExprKind::Await(inner)
        | ExprKind::Spread(inner) => {
            trim(inner, depth);
        }
        ExprKind::Binary { left, right, .. } => {
            trim(left, depth);
            trim(right, depth);
        }
        ExprKind::Conditional { test, then, otherwise } => {
            trim(test, depth);
            trim(then, depth);
            trim(otherwise, depth);
        }
        ExprKind::List(items) | ExprKind::Other(items) => {
            items.iter_mut().for_each(|item| trim(item, depth))
        }
        ExprKind::Map(entries) => {
            for Entry { key, value } in entries {
                each(key, depth);
                trim(value, depth);
            }
        }
        ExprKind::Function(function) => trim_function(function, depth),
        ExprKind::Class(class) => {
            class.bases.iter_mut().for_each(|base| trim(&mut base.value, depth));
            trim_block(&mut class.body, depth);
        }
        ExprKind::Assign { target, value } => {
            trim(target, depth);
            trim(value, depth);
        }
        ExprKind::Markup(markup) => {
            let Markup { attributes, children, .. } = &mut **markup;
            attributes.iter_mut().for_each(|(_, value)| trim(value, depth));
            children.iter_mut().for_each(|child| trim(child, depth));
        }
        ExprKind::Block(block) => trim_block(block, depth),
    }
}
