//! Where the paths of Rust lead.
//!
//! A path walks from module to module. Each module is a place: a file, the modules inside the file
//! that lead to it, and the folder in which the files of its own modules lie.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, HashMap};

use smol_str::SmolStr;

use super::scopes::Scope;
use super::{Program, Target, folder_of, imports, join, name_of, normalise, upwards};
use crate::eval::value::FileId;

/// Paths that one path is followed through, by the imports that hand its names on.
const MAX_PATHS: usize = 256;
/// The same for all paths of a file together.
const MAX_PATHS_OF_FILE: usize = 4_096;
/// Files that are declared in files that are declared so.
const MAX_MOVES: usize = 16;

/// Where a path leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located {
    /// The file, or the library with the whole path.
    pub target: Target,
    /// What is left of the path inside the file: inline modules, then the item and what belongs to
    /// it. Empty for the module that the file is, and for a library.
    pub rest: Vec<SmolStr>,
}

/// A module.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    /// The path of its file.
    file: String,
    /// The modules inside the file that lead to it.
    scope: Vec<SmolStr>,
    /// The folder in which the files of its modules lie.
    folder: String,
}

/// What a step of a path comes to.
enum Found {
    /// Another module.
    Module(Place),
    /// Something that is no module, in a module of the tree, with what is left of the path.
    Item(Place, Vec<SmolStr>),
    /// A path that leads out of the tree.
    External(String),
}

impl Program<'_> {
    /// Where a path leads that stands in a Rust file, in the inline modules `scope` of it:
    /// `crate::a::b`, `super::c`, `self::d`, the name of a crate of the tree, of a module or of an
    /// import of the same module. Imports that hand a name on are followed as far as their files
    /// are in the program.
    #[must_use]
    pub fn locate(&self, from: FileId, scope: &[SmolStr], path: &str) -> Located {
        self.locate_within(from, scope, path, &mut Way::new(MAX_PATHS))
    }

    fn locate_within(&self, from: FileId, scope: &[SmolStr], path: &str, way: &mut Way) -> Located {
        let place = self.place(self.file(from).path, scope);
        let names: Vec<SmolStr> = path.split("::").map(SmolStr::new).collect();
        let (place, names) = match self.follow(&place, &names, way) {
            Some(Found::Module(place)) => (place, Vec::new()),
            Some(Found::Item(place, names)) => (place, names),
            Some(Found::External(path)) => return Located::external(&path),
            None => return Located::external(path),
        };
        match self.exists(&place.file) {
            Some(target) => {
                Located { target, rest: place.scope.into_iter().chain(names).collect() }
            }
            None => Located::external(path),
        }
    }

    /// Where those paths of a Rust file lead that are not known to lead elsewhere. What is known
    /// once all files on the way are in the program stays so.
    pub(super) fn targets(&self, from: FileId, open: &mut OpenPaths) -> Vec<Target> {
        let file = self.file(from);
        if open.moved != self.scopes.count_moved() {
            *open = OpenPaths { moved: self.scopes.count_moved(), ..OpenPaths::default() };
        }
        let paths = open.by_file.remove(file.path).unwrap_or_else(|| {
            imports::rust(file.module, |name| self.crates.has(name)).into_iter().collect()
        });
        let mut left = MAX_PATHS_OF_FILE;
        let mut targets = Vec::new();
        let mut still = Vec::new();
        for (scope, path) in paths {
            let mut way = Way::new(left.min(MAX_PATHS));
            left -= way.paths;
            self.ways.met_unread.set(false);
            let target = self.locate_within(from, &scope, &path, &mut way).target;
            if self.ways.met_unread.get() || matches!(target, Target::Missing(_)) {
                still.push((scope, path));
            }
            targets.push(target);
            left += way.paths;
        }
        open.by_file.insert(file.path.to_owned(), still);
        targets
    }

    /// The root file of the crate that a Rust file is part of. A file that several crates share
    /// counts to the library.
    #[must_use]
    pub fn crate_root(&self, file: FileId) -> Option<Target> {
        self.exists(&self.root_of(self.file(file).path)?)
    }

    /// Whether the manifest of a file's package has a dependency of this name.
    #[must_use]
    pub fn depends_on(&self, file: FileId, name: &str) -> bool {
        self.crates.depends(self.file(file).path, name)
    }

    /// See [`Program::resolve`].
    pub(super) fn resolve_rust(&self, from: FileId, path: &str) -> Target {
        match self.locate(from, &[], path) {
            Located { target: Target::File(_), rest } if !rest.is_empty() => {
                Target::External(path.into())
            }
            Located { target, .. } => target,
        }
    }

    fn root_of(&self, file: &str) -> Option<String> {
        if let Some((root, met_unread)) = self.ways.roots.borrow().get(file) {
            self.ways.meet(*met_unread);
            return root.clone();
        }
        let met_before = self.ways.met_unread.replace(false);
        let root = self.find_root_of(file);
        let known = (root.clone(), self.ways.met_unread.get());
        self.ways.roots.borrow_mut().insert(file.to_owned(), known);
        self.ways.meet(met_before);
        root
    }

    fn find_root_of(&self, file: &str) -> Option<String> {
        let mut file = file;
        for _ in 0..MAX_MOVES {
            match self.scopes.moved(file) {
                Some(declaration) => file = declaration.file,
                None => break,
            }
        }
        if self.is_root(file) {
            return Some(file.to_owned());
        }
        let exists = |path: &String| self.exists(path).is_some();
        let Some(package) = self.crates.package(file) else {
            // Without a manifest, what is called like a root is one.
            return upwards(folder_of(file))
                .flat_map(|folder| ["lib.rs", "main.rs"].map(|name| join(folder, name)))
                .find(exists);
        };
        let roots = upwards(folder_of(file))
            .take_while(|folder| folder.len() >= package.folder.len())
            .map(|folder| package.roots(folder).into_iter().filter(exists).collect::<Vec<_>>())
            .find(|roots| !roots.is_empty())?;
        self.ways.meet(roots.len() > 1 && roots.iter().any(|root| !self.scopes.has(root)));
        // Of a library and a program in one folder, the one that declares the module.
        let declares = |root: &&String| {
            let inside = file.strip_prefix(folder_of(root)).unwrap_or(file);
            let first = inside.trim_start_matches('/').split(['/', '.']).next().unwrap_or("");
            self.scopes.get(root, &[]).is_some_and(|scope| scope.module(first).is_some())
        };
        roots.iter().find(declares).or(roots.first()).cloned()
    }

    fn is_root(&self, file: &str) -> bool {
        match self.crates.package(file) {
            Some(package) => package.is_root(file),
            None => matches!(name_of(file), "lib.rs" | "main.rs"),
        }
    }

    /// The module that a file is, or one inside it.
    fn place(&self, file: &str, scope: &[SmolStr]) -> Place {
        let owns_folder =
            name_of(file) == "mod.rs" || self.is_root(file) || self.scopes.moved(file).is_some();
        let folder =
            if owns_folder { folder_of(file) } else { file.strip_suffix(".rs").unwrap_or(file) };
        let mut place =
            Place { file: file.to_owned(), scope: Vec::new(), folder: folder.to_owned() };
        scope.iter().for_each(|name| place.enter(name));
        place
    }

    /// The root of the crate that a place is in.
    fn root(&self, place: &Place) -> Option<Place> {
        let root = self.root_of(&place.file)?;
        Some(Place { folder: folder_of(&root).to_owned(), file: root, scope: Vec::new() })
    }

    /// The module around a module.
    fn parent(&self, place: &Place) -> Option<Place> {
        if let Some((_, outer)) = place.scope.split_last() {
            return Some(self.place(&place.file, outer));
        }
        if let Some(declaration) = self.scopes.moved(&place.file) {
            return Some(self.place(declaration.file, &declaration.scope));
        }
        let root = self.root(place)?;
        if root.file == place.file {
            return None;
        }
        // The folder of the parent's modules: the one that `x.rs` or `x/mod.rs` lies in.
        let file = place.file.strip_suffix("/mod.rs").unwrap_or(&place.file);
        let folder = folder_of(file);
        // A folder without a file of its own belongs to an inline module of the file above.
        let mut scope = Vec::new();
        for folder in upwards(folder) {
            if folder == root.folder {
                let mut parent = root;
                scope.iter().rev().for_each(|name: &SmolStr| parent.enter(name));
                return Some(parent);
            }
            let files = [format!("{folder}.rs"), format!("{folder}/mod.rs")];
            if let Some(file) = files.iter().find(|file| self.exists(file).is_some()) {
                scope.reverse();
                return Some(self.place(file, &scope));
            }
            scope.push(SmolStr::new(name_of(folder)));
        }
        None
    }

    /// A module inside a module.
    fn child(&self, place: &Place, name: &str) -> Option<Place> {
        let scope = self.scopes.get(&place.file, &place.scope);
        let declared = scope.and_then(|scope| scope.module(name));
        // Where it is not known what a module declares, the files beside it tell.
        if declared.is_none() && scope.is_some_and(|scope| !scope.has_macros) {
            return None;
        }
        let inner = || {
            let mut inner = place.clone();
            inner.enter(name);
            inner
        };
        if declared.is_some_and(|child| child.inline.is_some()) {
            return Some(inner());
        }
        let moved = declared.into_iter().flat_map(|child| &child.moved);
        let moved = moved.filter_map(|path| normalise(folder_of(&place.file), path));
        let beside = ["", "/mod"].iter().map(|end| join(&place.folder, &format!("{name}{end}.rs")));
        let file = moved
            .chain(beside)
            .find(|file| *file != place.file && self.exists(file).is_some())
            .map(|file| self.place(&file, &[]));
        // `mod x {}` is a module, too.
        file.or_else(|| declared.map(|_| inner()))
    }

    /// Follows a path from a module.
    fn follow(&self, from: &Place, names: &[SmolStr], way: &mut Way) -> Option<Found> {
        way.paths = way.paths.checked_sub(1)?;
        let (first, mut rest) = names.split_first()?;
        let mut place = match first.as_str() {
            "crate" | "$crate" => self.root(from)?,
            "self" => from.clone(),
            "super" => self.parent(from)?,
            "" => return self.follow(from, rest, way),
            name => {
                if let Some(found) = self.step(from, names, way) {
                    return Some(found);
                }
                let library = self.crates.library(&from.file, name)?;
                Place {
                    file: library.to_owned(),
                    scope: Vec::new(),
                    folder: folder_of(library).to_owned(),
                }
            }
        };
        while let Some(("super", more)) = rest.split_first().map(|(name, more)| (&**name, more)) {
            place = self.parent(&place)?;
            rest = more;
        }
        self.inside(place, rest, way)
    }

    /// Follows what is left of a path inside a module.
    fn inside(&self, place: Place, names: &[SmolStr], way: &mut Way) -> Option<Found> {
        if names.is_empty() {
            return Some(Found::Module(place));
        }
        match self.step(&place, names, way) {
            Some(found) => Some(found),
            None => Some(Found::Item(place, names.to_vec())),
        }
    }

    /// Follows a path whose first name is a module, an item or an import of a module; `None` where
    /// it is nothing that is known there.
    fn step(&self, place: &Place, names: &[SmolStr], way: &mut Way) -> Option<Found> {
        let (first, rest) = names.split_first()?;
        self.ways.meet(!self.scopes.has(&place.file));
        if let Some(child) = self.child(place, first) {
            // `mod jwt; pub use jwt::jwt;`: what a module imports under the name of another may
            // stand beside it, as only the last name of a path means.
            if rest.is_empty()
                && let Some(item @ Found::Item(..)) = self.beside(place, first, way)
            {
                return Some(item);
            }
            return self.inside(child, rest, way);
        }
        let scope = self.scopes.get(&place.file, &place.scope)?;
        // An import that is being followed does not explain itself: `use routes::routes`.
        let open = (place.clone(), first.clone());
        if way.open.insert(open.clone()) {
            let found = self.imported(place, scope, first, rest, way);
            way.open.remove(&open);
            if found.is_some() {
                return found;
            }
        }
        let is_item = if rest.is_empty() { scope.has_item(first) } else { scope.has_type(first) };
        is_item.then(|| Found::Item(place.clone(), names.to_vec()))
    }

    /// What a module imports by a name that one of its own modules has as well.
    fn beside(&self, place: &Place, name: &SmolStr, way: &mut Way) -> Option<Found> {
        let path = self.scopes.get(&place.file, &place.scope)?.import_of(name)?;
        let open = (place.clone(), name.clone());
        if !way.open.insert(open.clone()) {
            return None;
        }
        let found = self.follow(place, &path, way);
        way.open.remove(&open);
        found
    }

    /// Follows a name that a module imports. What it imports by its name comes before what it
    /// defines, since an `impl` block stands beside the import of its type; what it takes with
    /// everything else comes after.
    fn imported(
        &self,
        place: &Place,
        scope: &Scope<'_>,
        name: &SmolStr,
        rest: &[SmolStr],
        way: &mut Way,
    ) -> Option<Found> {
        if let Some(mut path) = scope.import_of(name) {
            path.extend(rest.iter().cloned());
            let found = self.follow(place, &path, way);
            return Some(found.unwrap_or_else(|| Found::External(path.join("::"))));
        }
        if scope.has_item(name) {
            return None;
        }
        let names: Vec<SmolStr> = std::iter::once(name).chain(rest).cloned().collect();
        scope.stars.iter().find_map(|path| {
            let path: Vec<SmolStr> = path.split("::").map(SmolStr::new).collect();
            match self.follow(place, &path, way)? {
                // Modules that take everything from each other are asked once.
                Found::Module(inner)
                    if inner != *place && way.asked.insert((inner.clone(), names.clone())) =>
                {
                    // What it imports itself from where the way comes from answers nothing.
                    let found = self.step(&inner, &names, way);
                    found.filter(|found| !way.is_question(found))
                }
                _ => None,
            }
        })
    }
}

/// Paths of Rust of which it is not known where they lead, since a file on the way is not in the
/// program. They outlive the program, which grows by what they lead to.
#[derive(Debug, Default)]
pub struct OpenPaths {
    by_file: HashMap<String, Vec<imports::ScopedPath>>,
    /// How many files were declared by a path, on which every way may depend.
    moved: usize,
}

/// What is remembered of the ways that were gone.
#[derive(Debug, Default)]
pub(super) struct Ways {
    /// The roots of the crates of files, each with whether a file was met that is not in the program.
    roots: RefCell<HashMap<String, (Option<String>, bool)>>,
    /// Whether the last path met a file that is not in the program.
    met_unread: Cell<bool>,
}

impl Ways {
    fn meet(&self, unread: bool) {
        self.met_unread.set(self.met_unread.get() || unread);
    }
}

/// What bounds the way of one path.
struct Way {
    /// How many more paths are followed.
    paths: usize,
    /// Imports that are being followed.
    open: BTreeSet<(Place, SmolStr)>,
    /// Modules from which everything is taken, with what they were asked for.
    asked: BTreeSet<(Place, Vec<SmolStr>)>,
}

impl Way {
    fn new(paths: usize) -> Self {
        Self { paths, open: BTreeSet::new(), asked: BTreeSet::new() }
    }

    /// Whether what was found is a name that is being looked for where it is said to be.
    fn is_question(&self, found: &Found) -> bool {
        let Found::Item(place, names) = found else { return false };
        let name = names.first().cloned();
        name.is_some_and(|name| self.open.contains(&(place.clone(), name)))
    }
}

impl Place {
    /// Goes into an inline module.
    fn enter(&mut self, name: &str) {
        self.scope.push(SmolStr::new(name));
        self.folder = join(&self.folder, name);
    }
}

impl Located {
    fn external(path: &str) -> Self {
        Self { target: Target::External(path.into()), rest: Vec::new() }
    }
}
