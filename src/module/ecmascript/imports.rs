//! Imports and exports in all their forms.

use smol_str::SmolStr;

use super::{At, Kind, Lowering};
use crate::module::{
    Bind, Block, Entry, Export, Expr, ExprKind, Import, ImportNames, Span, Stmt, StmtKind, TextPart,
};

/// (Name there, name here.)
type Names = Vec<(SmolStr, SmolStr)>;

/// What an import clause binds.
#[derive(Default)]
struct Clause {
    names: Names,
    /// Those under `import { type A }`.
    types: Names,
    namespace: Option<SmolStr>,
}

impl<'t> Lowering<'t, '_> {
    pub(super) fn import(&mut self, at: At<'t>, out: &mut Block) {
        let span = self.span(at.node);
        let mut clause = Clause::default();
        let mut module = SmolStr::default();
        let (mut type_only, mut is_effect) = (false, true);
        let mut child = self.enter();
        while let Some(inner) = child {
            match inner.kind {
                Kind::TypeWord | Kind::TypeofWord => type_only = true,
                Kind::ImportClause => {
                    is_effect = false;
                    self.import_clause(&mut clause);
                }
                Kind::ImportRequireClause => {
                    is_effect = false;
                    module = self.import_require(&mut clause);
                }
                Kind::Str => module = self.string_word(inner),
                _ => {}
            }
            child = self.next();
        }
        let mut push = |names: ImportNames, type_only: bool| {
            let module = module.clone();
            let import = Import { module, names, type_only, exported: false };
            out.push(Stmt { span, kind: StmtKind::Import(import) });
        };
        let Clause { names, types, namespace } = clause;
        let has_others = namespace.is_some() || !types.is_empty();
        if is_effect {
            push(ImportNames::Effect, type_only);
        } else if !names.is_empty() || !has_others {
            push(ImportNames::Names(names), type_only);
        }
        if let Some(name) = namespace {
            push(ImportNames::Module(name), type_only);
        }
        if !types.is_empty() {
            push(ImportNames::Names(types), true);
        }
    }

    fn import_clause(&mut self, clause: &mut Clause) {
        let mut child = self.enter();
        while let Some(at) = child {
            match at.kind {
                Kind::Identifier => {
                    clause.names.push((SmolStr::new_static("default"), self.word(at.node)));
                }
                Kind::NamespaceImport => {
                    let mut name = self.enter();
                    while let Some(at) = name {
                        if at.kind == Kind::Identifier {
                            clause.namespace = Some(self.word(at.node));
                        }
                        name = self.next();
                    }
                }
                Kind::NamedImports => {
                    let mut name = self.enter();
                    while let Some(at) = name {
                        if at.kind == Kind::ImportSpecifier {
                            let (pair, is_type) = self.specifier();
                            let names = if is_type { &mut clause.types } else { &mut clause.names };
                            names.extend(pair);
                        }
                        name = self.next();
                    }
                }
                _ => {}
            }
            child = self.next();
        }
    }

    /// `a as b`, and whether `type` stands before it.
    fn specifier(&mut self) -> (Option<(SmolStr, SmolStr)>, bool) {
        let (mut name, mut alias, mut is_type) = (None, None, false);
        let mut child = self.enter();
        while let Some(at) = child {
            let word = match at.kind {
                Kind::TypeWord | Kind::TypeofWord => {
                    is_type = true;
                    None
                }
                Kind::Identifier | Kind::DefaultWord => Some(self.word(at.node)),
                Kind::Str => Some(self.string_word(at)),
                _ => None,
            };
            if word.is_some() {
                let slot = if name.is_none() { &mut name } else { &mut alias };
                *slot = word;
            }
            child = self.next();
        }
        let pair = name.map(|name| {
            let alias = alias.unwrap_or_else(|| name.clone());
            (name, alias)
        });
        (pair, is_type)
    }

    /// `x = require("y")`.
    fn import_require(&mut self, clause: &mut Clause) -> SmolStr {
        let mut module = SmolStr::default();
        let mut child = self.enter();
        while let Some(at) = child {
            match at.kind {
                Kind::Identifier => clause.namespace = Some(self.word(at.node)),
                Kind::Str => module = self.string_word(at),
                _ => {}
            }
            child = self.next();
        }
        module
    }

    /// `import a = b.c`.
    pub(super) fn import_alias(&mut self, at: At<'t>, out: &mut Block) {
        let span = self.span(at.node);
        let mut parts = self.inner().into_iter();
        if let (Some(target), value) = (parts.next(), parts.next()) {
            let bind = Bind { target, value, annotation: None, operator: None };
            out.push(Stmt { span, kind: StmtKind::Bind(bind) });
        }
    }

    pub(super) fn export(&mut self, at: At<'t>, out: &mut Block) {
        let span = self.span(at.node);
        let before = out.len();
        let mut decorators = Vec::new();
        let mut names: Option<Vec<(SmolStr, SmolStr, Span)>> = None;
        let (mut module, mut namespace, mut value) = (None, None, None);
        let (mut is_default, mut is_star, mut is_assignment, mut is_umd) =
            (false, false, false, false);
        let mut child = self.enter();
        while let Some(inner) = child {
            match inner.kind {
                Kind::DefaultWord => is_default = true,
                Kind::Star => is_star = true,
                Kind::Equals => is_assignment = true,
                Kind::NamespaceWord => is_umd = true,
                Kind::Decorator => decorators.extend(self.operand()),
                Kind::NamespaceExport => namespace = self.last_word(),
                Kind::ExportClause => names = Some(self.export_clause()),
                Kind::Str if !is_default && !is_assignment => {
                    module = Some(self.string_word(inner));
                }
                _ if !inner.kind.is_named() || is_umd => {}
                _ if is_declaration(inner.kind) => self.stmt(inner, out),
                _ => value = Some(self.expr(inner)),
            }
            child = self.next();
        }
        adopt(decorators, span, &mut out[before..], value.as_mut());
        let mut push = |span: Span, export: Export| {
            out.push(Stmt { span, kind: StmtKind::Export(export) });
        };
        if let Some(module) = module {
            let names = names.into_iter().flatten().map(|(name, alias, _)| (name, alias));
            push(span, Export::From { module, names: names.collect(), namespace });
        } else if let Some(names) = names {
            for (name, alias, span) in names {
                let value = Expr { span, kind: ExprKind::Name(name) };
                push(span, Export::Value { name: alias, value });
            }
        } else if let Some(value) = value {
            if is_assignment {
                let bind = exports_of(value, span);
                out.push(Stmt { span, kind: StmtKind::Bind(bind) });
            } else {
                push(span, Export::Value { name: SmolStr::new_static("default"), value });
            }
        } else if !is_star {
            for (name, span) in declared_names(&out[before..]) {
                let value = Expr { span, kind: ExprKind::Name(name.clone()) };
                let name = if is_default { SmolStr::new_static("default") } else { name };
                let export = Export::Value { name, value };
                out.push(Stmt { span, kind: StmtKind::Export(export) });
            }
        }
    }

    fn export_clause(&mut self) -> Vec<(SmolStr, SmolStr, Span)> {
        let mut names = Vec::new();
        let mut child = self.enter();
        while let Some(at) = child {
            if at.kind == Kind::ExportSpecifier {
                let span = self.span(at.node);
                names.extend(self.specifier().0.map(|(name, alias)| (name, alias, span)));
            }
            child = self.next();
        }
        names
    }

    /// The last name among the children.
    fn last_word(&mut self) -> Option<SmolStr> {
        let mut word = None;
        let mut child = self.enter();
        while let Some(at) = child {
            match at.kind {
                Kind::Identifier | Kind::DefaultWord => word = Some(self.word(at.node)),
                Kind::Str => word = Some(self.string_word(at)),
                _ => {}
            }
            child = self.next();
        }
        word
    }

    /// A string where only its characters matter.
    pub(super) fn string_word(&mut self, at: At<'t>) -> SmolStr {
        match self.string(at).kind {
            ExprKind::Text(mut parts) if parts.len() == 1 => match parts.swap_remove(0) {
                TextPart::Literal(text) => text,
                TextPart::Hole(_) => SmolStr::default(),
            },
            _ => SmolStr::default(),
        }
    }
}

fn is_declaration(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::LexicalDeclaration
            | Kind::VariableDeclaration
            | Kind::UsingDeclaration
            | Kind::FunctionDeclaration
            | Kind::GeneratorFunctionDeclaration
            | Kind::FunctionSignature
            | Kind::ClassDeclaration
            | Kind::AbstractClassDeclaration
            | Kind::InterfaceDeclaration
            | Kind::EnumDeclaration
            | Kind::TypeAliasDeclaration
            | Kind::AmbientDeclaration
            | Kind::InternalModule
            | Kind::Module
            | Kind::ImportAlias
            | Kind::ImportStatement
    )
}

/// Gives the decorators before `export` to the class behind it.
fn adopt(decorators: Vec<Expr>, span: Span, declared: &mut [Stmt], value: Option<&mut Expr>) {
    if decorators.is_empty() {
        return;
    }
    let class = match (declared.first_mut(), value) {
        (Some(Stmt { span: of_class, kind: StmtKind::Class(class) }), _) => {
            *of_class = span;
            class
        }
        (_, Some(Expr { kind: ExprKind::Class(class), .. })) => class,
        _ => return,
    };
    class.decorators.splice(0..0, decorators);
}

/// `export = value` says the same as `module.exports = value`.
fn exports_of(value: Expr, span: Span) -> Bind {
    let object = Box::new(Expr { span, kind: ExprKind::Name(SmolStr::new_static("module")) });
    let kind =
        ExprKind::Attribute { object, name: SmolStr::new_static("exports"), optional: false };
    Bind { target: Expr { span, kind }, value: Some(value), annotation: None, operator: None }
}

/// The names that declarations bind. A type alias leaves nothing at run time, and no name.
fn declared_names(declared: &[Stmt]) -> Vec<(SmolStr, Span)> {
    let mut names = Vec::new();
    for stmt in declared {
        match &stmt.kind {
            StmtKind::Function(function) => {
                names.extend(function.name.clone().map(|name| (name, function.name_span)));
            }
            StmtKind::Class(class) => {
                names.extend(class.name.clone().map(|name| (name, class.name_span)));
            }
            StmtKind::Namespace { name, .. } => names.push((name.clone(), stmt.span)),
            StmtKind::Bind(bind) => target_names(&bind.target, &mut names),
            _ => {}
        }
    }
    names
}

fn target_names(target: &Expr, names: &mut Vec<(SmolStr, Span)>) {
    match &target.kind {
        ExprKind::Name(name) => names.push((name.clone(), target.span)),
        ExprKind::Assign { target, .. } => target_names(target, names),
        ExprKind::Spread(inner) => target_names(inner, names),
        ExprKind::List(items) => items.iter().for_each(|item| target_names(item, names)),
        ExprKind::Map(entries) => {
            entries.iter().for_each(|Entry { value, .. }| target_names(value, names));
        }
        _ => {}
    }
}
