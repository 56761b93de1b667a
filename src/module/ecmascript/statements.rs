//! Statements.

use smol_str::SmolStr;

use super::{At, Kind, Lowering};
use crate::module::{
    Arm, Bind, Block, Expr, ExprKind, Handler, Leave, MAX_NESTING, Span, Stmt, StmtKind, TextPart,
};

impl<'t> Lowering<'t, '_> {
    /// The statements of the node that the walk stands on. With `prologue`, strings that stand
    /// alone before everything else are directives.
    pub(super) fn statements(&mut self, prologue: bool) -> Block {
        let mut out = Vec::new();
        let mut in_prologue = prologue;
        let mut child = self.enter();
        while let Some(at) = child {
            if in_prologue && at.kind == Kind::ExpressionStatement {
                let before = out.len();
                self.stmt(at, &mut out);
                in_prologue = out.len() == before + 1 && into_directive(&mut out[before]);
            } else {
                in_prologue &= !at.kind.is_named() || at.kind == Kind::HashBang;
                self.stmt(at, &mut out);
            }
            self.flush(&mut out);
            child = self.next();
        }
        self.flush(&mut out);
        out
    }

    /// The statements of a block, or the one statement that stands in its place.
    pub(super) fn body(&mut self, at: At<'t>) -> Block {
        if at.kind == Kind::StatementBlock {
            return self.nested(at, |this| this.statements(false)).unwrap_or_default();
        }
        let mut out = Vec::new();
        self.stmt(at, &mut out);
        self.flush(&mut out);
        out
    }

    /// Runs `lower` one level deeper, unless that is too deep.
    pub(super) fn nested<T>(
        &mut self,
        at: At<'t>,
        lower: impl FnOnce(&mut Self) -> T,
    ) -> Option<T> {
        if self.depth >= MAX_NESTING {
            self.too_deep(at.node);
            return None;
        }
        self.depth += 1;
        let value = lower(self);
        self.depth -= 1;
        Some(value)
    }

    /// Lowers a statement, which may be several or none.
    pub(super) fn stmt(&mut self, at: At<'t>, out: &mut Block) {
        if self.depth >= MAX_NESTING {
            self.too_deep(at.node);
            let span = self.span(at.node);
            let kind = ExprKind::Other(Vec::new());
            out.push(Stmt { span, kind: StmtKind::Expr(Expr { span, kind }) });
            return;
        }
        self.depth += 1;
        self.stmt_within(at, out);
        self.depth -= 1;
    }

    fn stmt_within(&mut self, at: At<'t>, out: &mut Block) {
        let kind = match at.kind {
            Kind::ExpressionStatement => return self.expression_statement(at, out),
            Kind::LexicalDeclaration | Kind::VariableDeclaration | Kind::UsingDeclaration => {
                return self.declaration(at, out);
            }
            Kind::ImportStatement => return self.import(at, out),
            Kind::ExportStatement => return self.export(at, out),
            Kind::ImportAlias => return self.import_alias(at, out),
            Kind::AmbientDeclaration => return self.ambient(at, out),
            Kind::ForStatement => return self.counting_loop(at, out),
            Kind::LabeledStatement => return self.labeled(out),
            Kind::FunctionDeclaration
            | Kind::GeneratorFunctionDeclaration
            | Kind::FunctionSignature
            | Kind::MethodDefinition
            | Kind::MethodSignature
            | Kind::AbstractMethodSignature => {
                StmtKind::Function(Box::new(self.function(at, Vec::new())))
            }
            Kind::ClassDeclaration | Kind::AbstractClassDeclaration => {
                let class = self.class(at);
                return out.push(with_decorators(class));
            }
            Kind::InterfaceDeclaration => StmtKind::Class(Box::new(self.interface(at))),
            Kind::EnumDeclaration => StmtKind::Class(Box::new(self.enumeration(at))),
            Kind::InternalModule | Kind::Module => self.namespace(at),
            Kind::StatementBlock => StmtKind::Block(self.statements(false)),
            Kind::IfStatement => self.conditional(at),
            Kind::SwitchStatement => self.switch(at),
            Kind::ForInStatement => self.each_loop(),
            Kind::WhileStatement | Kind::DoStatement => self.while_loop(),
            Kind::TryStatement => self.guarded(),
            Kind::WithStatement => self.with(),
            Kind::ReturnStatement => StmtKind::Return(self.operand()),
            Kind::ThrowStatement => StmtKind::Raise(self.operand()),
            Kind::DebuggerStatement => {
                let span = self.span(at.node);
                let kind = ExprKind::Name(SmolStr::new_static("debugger"));
                StmtKind::Expr(Expr { span, kind })
            }
            Kind::BreakStatement => {
                self.skim(at.node);
                StmtKind::Leave(Leave::Loop)
            }
            Kind::ContinueStatement => {
                self.skim(at.node);
                StmtKind::Leave(Leave::Turn)
            }
            Kind::TypeAliasDeclaration => {
                self.skim(at.node);
                StmtKind::Pass
            }
            Kind::EmptyStatement | Kind::HashBang | Kind::Token => return,
            _ if !at.kind.is_named() => return,
            _ => StmtKind::Expr(self.expr(at)),
        };
        out.push(Stmt { span: self.span(at.node), kind });
    }

    /// The only expression among a node's children.
    pub(super) fn operand(&mut self) -> Option<Expr> {
        let mut found = None;
        let mut child = self.enter();
        while let Some(at) = child {
            if at.kind.is_named() && found.is_none() {
                found = Some(self.expr(at));
            }
            child = self.next();
        }
        found
    }

    fn expression_statement(&mut self, at: At<'t>, out: &mut Block) {
        let span = self.span(at.node);
        let mut child = self.enter();
        while let Some(inner) = child {
            if inner.kind.is_named() {
                self.effect(inner, span, out);
            }
            child = self.next();
        }
    }

    /// An expression for its effect: an assignment is a binding, a sequence is several statements.
    fn effect(&mut self, at: At<'t>, span: Span, out: &mut Block) {
        let kind = match at.kind {
            Kind::AssignmentExpression => {
                let (target, value) = self.assignment();
                StmtKind::Bind(Bind { target, value, annotation: None, operator: None })
            }
            Kind::AugmentedAssignment => {
                let (target, operator, value) = self.augmented();
                StmtKind::Bind(Bind { target, value, annotation: None, operator: Some(operator) })
            }
            Kind::SequenceExpression => {
                let within = self.nested(at, |this| this.sequence(out));
                return within.unwrap_or_default();
            }
            Kind::InternalModule => self.namespace(at),
            _ => StmtKind::Expr(self.expr(at)),
        };
        out.push(Stmt { span, kind });
    }

    fn sequence(&mut self, out: &mut Block) {
        let mut child = self.enter();
        while let Some(at) = child {
            if at.kind.is_named() {
                let span = self.span(at.node);
                self.effect(at, span, out);
            }
            child = self.next();
        }
    }

    /// `const a = 1, b = 2`.
    fn declaration(&mut self, at: At<'t>, out: &mut Block) {
        let before = out.len();
        let mut child = self.enter();
        while let Some(inner) = child {
            if inner.kind == Kind::VariableDeclarator {
                self.declarator(inner, out);
            }
            child = self.next();
        }
        if let [only] = &mut out[before..] {
            only.span = self.span(at.node);
        }
    }

    fn declarator(&mut self, at: At<'t>, out: &mut Block) {
        let span = self.span(at.node);
        let (mut target, mut value, mut annotation) = (None, None, None);
        let mut child = self.enter();
        while let Some(inner) = child {
            if inner.kind == Kind::TypeAnnotation {
                annotation = Some(self.annotation());
            } else if inner.kind.is_named() {
                let slot = if target.is_none() { &mut target } else { &mut value };
                *slot = Some(self.expr(inner));
            }
            child = self.next();
        }
        if let Some(target) = target {
            let bind = Bind { target, value, annotation, operator: None };
            out.push(Stmt { span, kind: StmtKind::Bind(bind) });
        }
    }

    fn ambient(&mut self, at: At<'t>, out: &mut Block) {
        let span = self.span(at.node);
        let mut is_global = false;
        let mut child = self.enter();
        while let Some(inner) = child {
            match inner.kind {
                Kind::GlobalWord => is_global = true,
                Kind::StatementBlock if is_global => {
                    let name = SmolStr::new_static("global");
                    let body = self.body(inner);
                    out.push(Stmt {
                        span,
                        kind: StmtKind::Namespace { name, body, decorators: Vec::new() },
                    });
                }
                Kind::PropertyIdentifier => {}
                _ if inner.kind.is_named() => self.stmt(inner, out),
                _ => {}
            }
            child = self.next();
        }
    }

    fn namespace(&mut self, at: At<'t>) -> StmtKind {
        let mut name = SmolStr::default();
        let mut body = Vec::new();
        let mut child = self.enter();
        while let Some(inner) = child {
            match inner.kind {
                Kind::StatementBlock => body = self.body(inner),
                Kind::Str => name = self.string_word(inner),
                Kind::Identifier | Kind::NestedIdentifier => name = self.word(inner.node),
                _ => {}
            }
            child = self.next();
        }
        let _ = at;
        StmtKind::Namespace { name, body, decorators: Vec::new() }
    }

    fn labeled(&mut self, out: &mut Block) {
        let mut child = self.enter();
        while let Some(inner) = child {
            if inner.kind != Kind::StatementIdentifier {
                self.stmt(inner, out);
            }
            child = self.next();
        }
    }

    fn conditional(&mut self, at: At<'t>) -> StmtKind {
        let (mut test, mut then, mut otherwise) = (None, None, Vec::new());
        let mut child = self.enter();
        while let Some(inner) = child {
            match inner.kind {
                Kind::ElseClause => {
                    let mut branch = self.enter();
                    while let Some(inner) = branch {
                        otherwise.append(&mut self.body(inner));
                        branch = self.next();
                    }
                }
                Kind::ParenthesizedExpression if test.is_none() => test = Some(self.expr(inner)),
                _ if inner.kind.is_named() && then.is_none() => then = Some(self.body(inner)),
                _ => {}
            }
            child = self.next();
        }
        let test = test.unwrap_or_else(|| self.nothing(at));
        StmtKind::If { test, then: then.unwrap_or_default(), otherwise }
    }

    fn switch(&mut self, at: At<'t>) -> StmtKind {
        let mut subject = None;
        let mut arms = Vec::new();
        let mut child = self.enter();
        while let Some(inner) = child {
            if inner.kind == Kind::SwitchBody {
                let mut case = self.enter();
                while let Some(at) = case {
                    if matches!(at.kind, Kind::SwitchCase | Kind::SwitchDefault) {
                        arms.push(self.arm());
                    }
                    case = self.next();
                }
            } else if inner.kind.is_named() && subject.is_none() {
                subject = Some(self.expr(inner));
            }
            child = self.next();
        }
        let subject = subject.unwrap_or_else(|| self.nothing(at));
        StmtKind::Match { subject, arms }
    }

    fn arm(&mut self) -> Arm {
        let mut arm = Arm { pattern: None, guard: None, body: Vec::new() };
        let mut in_body = false;
        let mut child = self.enter();
        while let Some(at) = child {
            if at.kind == Kind::Colon {
                in_body = true;
            } else if in_body {
                self.stmt(at, &mut arm.body);
                self.flush(&mut arm.body);
            } else if at.kind.is_named() {
                arm.pattern = Some(self.expr(at));
            }
            child = self.next();
        }
        arm
    }

    /// `for (a of b)`, `for (a in b)`.
    fn each_loop(&mut self) -> StmtKind {
        let (mut target, mut over, mut body) = (None, None, Vec::new());
        let mut past_head = false;
        let mut is_initial = false;
        let mut child = self.enter();
        while let Some(at) = child {
            match at.kind {
                // `for (var x = 1 in y)` is allowed by old code.
                Kind::Equals => is_initial = true,
                _ if !at.kind.is_named() => past_head |= self.source(at.node) == ")",
                _ if past_head => body = self.body(at),
                _ if target.is_none() => target = Some(self.expr(at)),
                _ if is_initial => is_initial = false,
                _ => over = Some(self.expr(at)),
            }
            child = self.next();
        }
        StmtKind::Loop { target, over, body }
    }

    /// `for (a; b; c)`: the first part runs before the loop, the last at the end of its body.
    fn counting_loop(&mut self, at: At<'t>, out: &mut Block) {
        let (mut over, mut body, mut step) = (None, Vec::new(), Vec::new());
        let mut child = self.enter();
        while let Some(inner) = child {
            let field = self.walk.field();
            if inner.kind.is_named() {
                if field == self.table.initializer || field == self.table.increment {
                    let slot = if field == self.table.increment { &mut step } else { &mut *out };
                    match inner.kind {
                        Kind::EmptyStatement => {}
                        Kind::LexicalDeclaration | Kind::VariableDeclaration => {
                            self.stmt(inner, slot);
                        }
                        _ => {
                            let span = self.span(inner.node);
                            self.effect(inner, span, slot);
                        }
                    }
                } else if field == self.table.condition {
                    if !matches!(inner.kind, Kind::EmptyStatement) {
                        over = Some(self.condition(inner));
                    }
                } else {
                    body = self.body(inner);
                }
            }
            child = self.next();
        }
        body.append(&mut step);
        let span = self.span(at.node);
        out.push(Stmt { span, kind: StmtKind::Loop { target: None, over, body } });
    }

    /// Older grammars wrap the condition of a `for` in a statement.
    fn condition(&mut self, at: At<'t>) -> Expr {
        if at.kind == Kind::ExpressionStatement {
            self.operand().unwrap_or_else(|| self.nothing(at))
        } else {
            self.expr(at)
        }
    }

    fn while_loop(&mut self) -> StmtKind {
        let (mut over, mut body) = (None, Vec::new());
        let mut child = self.enter();
        while let Some(at) = child {
            if at.kind == Kind::ParenthesizedExpression && over.is_none() {
                over = Some(self.expr(at));
            } else if at.kind.is_named() {
                body = self.body(at);
            }
            child = self.next();
        }
        StmtKind::Loop { target: None, over, body }
    }

    fn guarded(&mut self) -> StmtKind {
        let (mut body, mut handlers, mut after) = (Vec::new(), Vec::new(), Vec::new());
        let mut child = self.enter();
        while let Some(at) = child {
            match at.kind {
                Kind::StatementBlock => body = self.body(at),
                Kind::CatchClause => handlers.push(self.handler(at)),
                Kind::FinallyClause => {
                    let mut inner = self.enter();
                    while let Some(at) = inner {
                        if at.kind == Kind::StatementBlock {
                            after = self.body(at);
                        }
                        inner = self.next();
                    }
                }
                _ => {}
            }
            child = self.next();
        }
        StmtKind::Try { body, handlers, after }
    }

    fn handler(&mut self, at: At<'t>) -> Handler {
        let span = self.span(at.node);
        let mut handler = Handler { span, types: None, name: None, body: Vec::new() };
        let mut child = self.enter();
        while let Some(inner) = child {
            match inner.kind {
                Kind::StatementBlock => handler.body = self.body(inner),
                Kind::Identifier => handler.name = Some(self.word(inner.node)),
                _ => {}
            }
            child = self.next();
        }
        handler
    }

    fn with(&mut self) -> StmtKind {
        let (mut items, mut body) = (Vec::new(), Vec::new());
        let mut child = self.enter();
        while let Some(at) = child {
            if at.kind == Kind::ParenthesizedExpression && items.is_empty() {
                items.push((self.expr(at), None));
            } else if at.kind.is_named() {
                body = self.body(at);
            }
            child = self.next();
        }
        StmtKind::With { items, body }
    }

    /// Stands for an expression that broken code lacks.
    pub(super) fn nothing(&self, at: At<'t>) -> Expr {
        Expr { span: self.span(at.node), kind: ExprKind::Other(Vec::new()) }
    }
}

/// The statement of a class; its span begins with the decorators.
fn with_decorators(class: crate::module::Class) -> Stmt {
    let span = class
        .decorators
        .first()
        .map_or(class.span, |first| Span { end: class.span.end, ..first.span });
    Stmt { span, kind: StmtKind::Class(Box::new(class)) }
}

/// Turns a statement that is nothing but a string into a directive.
fn into_directive(stmt: &mut Stmt) -> bool {
    let StmtKind::Expr(Expr { kind: ExprKind::Text(parts), .. }) = &stmt.kind else {
        return false;
    };
    let text = match parts.as_slice() {
        [] => SmolStr::default(),
        [TextPart::Literal(text)] => text.clone(),
        _ => return false,
    };
    stmt.kind = StmtKind::Doc(text);
    true
}
