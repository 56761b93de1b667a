//! Imports: a `use` tree flattened, one import per path prefix.

use smol_str::SmolStr;
use syn::UseTree;

use super::items::offered;
use super::{Lowering, cover, name_of};
use crate::module::{Block, Import, ImportNames, StmtKind};

/// The longest path of an import that is kept, in bytes. A group repeats its prefix for each
/// path inside it, so that a hostile file could otherwise multiply a long one.
const MAX_IMPORT_PATH: usize = 1_024;

impl Lowering<'_> {
    pub(super) fn use_item(&mut self, item: &syn::ItemUse, out: &mut Block) {
        let start = self.start(&item.vis, item.use_token.span);
        let span = cover(start, self.span(item.semi_token.span));
        let mut flat = Vec::new();
        let whole = flatten_use("", &item.tree, &mut flat);
        if !whole {
            self.defect_at(item.use_token.span, "import path longer than 1024 bytes");
        }
        let exported = offered(&item.vis);
        for (module, names) in flat {
            let import = Import { module, names, type_only: false, exported };
            self.push(&item.attrs, span, StmtKind::Import(import), out);
        }
    }
}

/// One import per path prefix. False when a prefix is too long to be kept.
fn flatten_use(prefix: &str, tree: &UseTree, out: &mut Vec<(SmolStr, ImportNames)>) -> bool {
    let mut path = prefix.to_owned();
    let mut tree = tree;
    while let UseTree::Path(step) = tree {
        if path.len() > MAX_IMPORT_PATH {
            return false;
        }
        path = joined(&path, &name_of(&step.ident));
        tree = &step.tree;
    }
    match tree {
        UseTree::Glob(_) => out.push((SmolStr::new(&path), ImportNames::Star)),
        UseTree::Group(group) => {
            let mut names = Vec::new();
            let mut whole = true;
            for inner in &group.items {
                match inner {
                    UseTree::Name(_) | UseTree::Rename(_) if !path.is_empty() => {
                        match leaf(inner) {
                            Some((real, bound)) if real == "self" => {
                                out.push(of_module(&path, Some(bound)));
                            }
                            Some(pair) => names.push(pair),
                            None => {}
                        }
                    }
                    other => whole &= flatten_use(&path, other, out),
                }
            }
            if !names.is_empty() {
                out.push((SmolStr::new(&path), ImportNames::Names(names)));
            }
            return whole;
        }
        single => {
            if let Some((real, bound)) = leaf(single) {
                if real == "self" && !path.is_empty() {
                    out.push(of_module(&path, Some(bound)));
                } else if path.is_empty() {
                    out.push((real, ImportNames::Module(bound)));
                } else {
                    out.push((SmolStr::new(&path), ImportNames::Names(vec![(real, bound)])));
                }
            }
        }
    }
    true
}

/// `a::b::{self}` takes `b` from `a`.
fn of_module(path: &str, bound: Option<SmolStr>) -> (SmolStr, ImportNames) {
    let bound = bound.filter(|bound| bound != "self");
    match path.rsplit_once("::") {
        Some((module, last)) => {
            let last = SmolStr::new(last);
            let bound = bound.unwrap_or_else(|| last.clone());
            (SmolStr::new(module), ImportNames::Names(vec![(last, bound)]))
        }
        None => {
            let module = SmolStr::new(path);
            (module.clone(), ImportNames::Module(bound.unwrap_or(module)))
        }
    }
}

fn leaf(tree: &UseTree) -> Option<(SmolStr, SmolStr)> {
    match tree {
        UseTree::Name(leaf) => Some((name_of(&leaf.ident), name_of(&leaf.ident))),
        UseTree::Rename(leaf) => Some((name_of(&leaf.ident), name_of(&leaf.rename))),
        _ => None,
    }
}

fn joined(path: &str, segment: &str) -> String {
    if path.is_empty() { segment.to_owned() } else { format!("{path}::{segment}") }
}
