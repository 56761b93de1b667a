//! Imports.

use smol_str::SmolStr;
use tree_sitter::Node;

use super::Lowering;
use super::kinds::Kind;
use crate::module::{Block, Import, ImportNames, Span, Stmt, StmtKind};

impl<'t> Lowering<'t> {
    /// `import a.b, c as d`: one statement each, the last of which is returned.
    pub(super) fn import(&mut self, span: Span, out: &mut Block) -> Option<StmtKind> {
        let mut last = None;
        self.parts(|this, node, kind| {
            let (module, alias) = this.imported(node, kind);
            let name = alias.unwrap_or_else(|| {
                SmolStr::new(module.split_once('.').map_or(module.as_str(), |(first, _)| first))
            });
            let kind = StmtKind::Import(Import {
                module,
                names: ImportNames::Module(name),
                type_only: this.type_only,
                exported: false,
            });
            if let Some(kind) = last.replace(kind) {
                out.push(Stmt { span, kind });
            }
        });
        last
    }

    pub(super) fn import_from(&mut self, kind: Kind) -> StmtKind {
        let mut module = (kind == Kind::FutureImport).then(|| SmolStr::new_static("__future__"));
        let mut names = Vec::new();
        let mut star = false;
        self.parts(|this, node, kind| {
            if kind == Kind::WildcardImport {
                star = true;
                return;
            }
            let (name, alias) = this.imported(node, kind);
            if module.is_none() {
                module = Some(name);
            } else {
                names.push((name.clone(), alias.unwrap_or(name)));
            }
        });
        StmtKind::Import(Import {
            module: module.unwrap_or_default(),
            names: if star { ImportNames::Star } else { ImportNames::Names(names) },
            type_only: self.type_only,
            exported: false,
        })
    }

    /// A dotted name, or one with its `as`.
    fn imported(&mut self, node: Node<'t>, kind: Kind) -> (SmolStr, Option<SmolStr>) {
        if kind != Kind::ImportAlias {
            return (self.dotted(node), None);
        }
        let mut name = None;
        let mut alias = None;
        self.parts(|this, node, _| {
            let part = this.dotted(node);
            if name.is_none() {
                name = Some(part);
            } else {
                alias = Some(part);
            }
        });
        (name.unwrap_or_default(), alias)
    }

    /// `a.b`, in which blanks may stand around the dots.
    fn dotted(&self, node: Node<'t>) -> SmolStr {
        let text = self.walk.text(node);
        if text.bytes().any(|byte| byte.is_ascii_whitespace() || byte == b'\\') {
            text.chars().filter(|c| !c.is_whitespace() && *c != '\\').collect()
        } else {
            SmolStr::new(text)
        }
    }
}
