//! What an expression can come to.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::BTreeMap;
use std::ops::Deref;
use std::rc::Rc;

use smol_str::SmolStr;

use super::regexp::Regexp;
use super::text::Text;
use crate::module::{self, Call, Function, Span};

/// Which file of a [`super::link::Program`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub u32);

/// A place in a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file.
    pub file: FileId,
    /// Where in it.
    pub span: Span,
}

/// A value of the abstract evaluation. `'p` is the program that functions and classes lie in.
#[derive(Debug, Clone, Default)]
pub enum Value<'p> {
    /// Nothing is known.
    #[default]
    Unknown,
    /// Text, perhaps with holes.
    Text(Rc<Text>),
    /// A number as written.
    Number(SmolStr),
    /// A regular expression.
    Regex(Rc<Regexp>),
    /// A truth value.
    Bool(bool),
    /// A truth value that the environment decides, and what it is by default.
    Flag(bool),
    /// `None`, `null`, `undefined`.
    None,
    /// A list, tuple or set.
    List(Rc<RefCell<Vec<Value<'p>>>>),
    /// A dictionary or an object literal, in order of insertion.
    Map(Rc<Entries<'p>>),
    /// A function of the program.
    Function(Rc<Closure<'p>>),
    /// A class of the program.
    Class(Rc<ClassValue<'p>>),
    /// An instance of a class of the program.
    Object(Rc<Object<'p>>),
    /// A module of the program.
    Module(FileId),
    /// A folder of the program that holds modules but is none itself.
    Package(SmolStr),
    /// Something from outside the program, by its dotted path: `flask.Flask`, `express`.
    External(SmolStr),
    /// What a call to the outside gave back: the index of its record in the trace.
    Native(CallId),
    /// An attribute of a value that is not stored but built in: the method of a text, of a list,
    /// of a native.
    Method(Rc<(Value<'p>, SmolStr)>),
    /// One of several.
    Choice(Rc<Vec<Value<'p>>>),
    /// A type with notes: Python's `Annotated[T, note, …]`.
    Annotated(Rc<(Value<'p>, Vec<Value<'p>>)>),
    /// One of the ways that an enumeration has: Rust's `Some(x)`, `Err(e)`, `Page::About`.
    Variant(Rc<Variant<'p>>),
    /// A module inside a file.
    Scope(Rc<Env<'p>>),
    /// What a caller of whom nothing is known does not have: a session, a token, a user. Only a
    /// [probe](super::interpreter::probe) meets it. It is like `None` and `undefined`.
    Absent,
}

/// The most items of a list or map. What would have more is not known, so that doubling in a
/// loop cannot eat memory.
pub const MAX_ITEMS: usize = 8_192;

/// The field of an object that holds what stands for its bases outside the program: no attribute
/// has this name.
pub const BASE: &str = "";

/// The header with all cookies, as somebody sends it who has none: it is like
/// [`Value::Absent`], but what is done with it tells whether anybody is looked for.
pub const NO_COOKIES: &str = "caller.nothing.cookies";

/// The most values that one of several is chosen from.
const MAX_CHOICES: usize = 32;

/// The most bases of a class that are followed.
const MAX_BASES: usize = 128;

/// Index of a call record in the trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct CallId(pub u32);

/// A call to something outside the program, or a method call on its result. The trace of these
/// is all that extractors look at.
#[derive(Debug, Clone)]
pub struct CallRecord<'p> {
    /// What was called: [`Value::External`], [`Value::Native`], or a [`Value::Method`] of one.
    pub callee: Value<'p>,
    /// With what.
    pub args: Args<'p>,
    /// Where.
    pub place: Place,
    /// Whether it stands under a condition that could not be decided.
    pub conditional: bool,
    /// Under how many.
    pub conditions: usize,
    /// The class of the program whose construction this is (`class Api(flask_restful.Api)`).
    pub class: Option<Rc<ClassValue<'p>>>,
    /// The call as written, where it is one.
    pub written: Option<&'p module::Call>,
}

impl<'p> CallRecord<'p> {
    /// The dotted path, when an external thing was called directly.
    #[must_use]
    pub fn path(&self) -> Option<&str> {
        match &self.callee {
            Value::External(path) => Some(path),
            _ => None,
        }
    }

    /// The receiver's record and the method, when a method of an earlier call's result was called.
    #[must_use]
    pub fn method(&self) -> Option<(CallId, &str)> {
        match &self.callee {
            Value::Method(method) => match &method.0 {
                Value::Native(id) => Some((*id, method.1.as_str())),
                Value::Object(object) => object.native.get().map(|id| (id, method.1.as_str())),
                _ => None,
            },
            _ => None,
        }
    }

    /// The call whose result a function was called on, and the dotted path of the function from
    /// there: `server.auth.strategy` is `auth.strategy` of the call that made the server.
    #[must_use]
    pub fn member(&self) -> Option<(CallId, SmolStr)> {
        match &self.callee {
            Value::Method(_) => self.callee.native_path().filter(|(_, path)| !path.is_empty()),
            _ => None,
        }
    }

    /// The receiver's record, its attribute and the method, when a method of an attribute of an
    /// earlier call's result was called: `app.router.add(…)`.
    #[must_use]
    pub fn attribute_method(&self) -> Option<(CallId, &str, &str)> {
        let Value::Method(method) = &self.callee else { return None };
        let Value::Method(attribute) = &method.0 else { return None };
        let id = match &attribute.0 {
            Value::Native(id) => *id,
            Value::Object(object) => object.native.get()?,
            _ => return None,
        };
        Some((id, attribute.1.as_str(), method.1.as_str()))
    }

    /// The record whose result was called, as a decorator's is.
    #[must_use]
    pub fn applied(&self) -> Option<CallId> {
        match &self.callee {
            Value::Native(id) => Some(*id),
            _ => None,
        }
    }
}

/// Evaluated arguments.
#[derive(Debug, Clone, Default)]
pub struct Args<'p> {
    /// Positional ones; spread lists are spread.
    pub positional: Vec<Value<'p>>,
    /// Keywords, in order.
    pub named: Vec<(SmolStr, Value<'p>)>,
    /// Whether an unknown list or map was spread into them.
    pub open: bool,
    /// The types that the call names: Rust's `f::<T>()`.
    pub types: Vec<Value<'p>>,
}

impl<'p> Args<'p> {
    /// Positional arguments only.
    #[must_use]
    pub fn of(positional: Vec<Value<'p>>) -> Self {
        Self { positional, ..Self::default() }
    }

    /// These, then others; a keyword of the others replaces one of the same name.
    #[must_use]
    pub fn followed_by(&self, others: Self) -> Self {
        let mut out = self.clone();
        out.positional.extend(others.positional);
        out.named.retain(|(name, _)| !others.named.iter().any(|(known, _)| known == name));
        out.named.extend(others.named);
        out.open |= others.open;
        out
    }

    /// The keyword `name`, else the argument at `position`.
    #[must_use]
    pub fn get(&self, position: usize, name: &str) -> Option<&Value<'p>> {
        self.keyword(name).or_else(|| self.positional.get(position))
    }

    /// The keyword `name`.
    #[must_use]
    pub fn keyword(&self, name: &str) -> Option<&Value<'p>> {
        self.named.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }
}

/// One of the ways that an enumeration has, with what it carries.
#[derive(Debug)]
pub struct Variant<'p> {
    /// Its name.
    pub name: SmolStr,
    /// The enumeration, where it is one of the program.
    pub class: Option<Rc<ClassValue<'p>>>,
    /// What it carries.
    pub args: Args<'p>,
}

/// Variables of a module, a class body or a call.
#[derive(Debug)]
pub struct Env<'p> {
    /// Name to value.
    pub vars: RefCell<BTreeMap<SmolStr, Value<'p>>>,
    /// Names that are bound when they are first asked for, since they may stand before what they
    /// need.
    pub later: RefCell<BTreeMap<SmolStr, &'p module::Expr>>,
    /// The surrounding scope.
    pub parent: Option<Rc<Env<'p>>>,
    /// The file.
    pub file: FileId,
    /// Qualified name of the scope, for the names of what is defined in it.
    pub qualified: SmolStr,
    /// Whether it is a class body, whose names its methods do not see.
    pub is_class: bool,
    /// The call of a function that it is the scope of, where calls are followed.
    pub called: OnceCell<Box<Called<'p>>>,
    /// Parameters that are nothing by default and were given something that nobody knows.
    pub given: RefCell<Vec<SmolStr>>,
}

/// A call of a function of the program, as its scope remembers it.
#[derive(Debug, Clone)]
pub struct Called<'p> {
    /// Where the call stands.
    pub site: Place,
    /// As it is written, where it is.
    pub written: Option<&'p Call>,
    /// The function.
    pub function: &'p Function,
    /// Whether its first parameter is what it is called on.
    pub takes_this: bool,
    /// With what.
    pub args: Args<'p>,
    /// The scope that it stands in.
    pub from: Rc<Env<'p>>,
}

impl<'p> Env<'p> {
    /// A scope of its own.
    #[must_use]
    pub fn outermost(file: FileId, qualified: SmolStr) -> Rc<Self> {
        Rc::new(Self {
            vars: RefCell::default(),
            later: RefCell::default(),
            parent: None,
            file,
            qualified,
            is_class: false,
            called: OnceCell::new(),
            given: RefCell::default(),
        })
    }

    /// A scope inside another.
    #[must_use]
    pub fn inside(parent: &Rc<Self>, qualified: SmolStr, is_class: bool) -> Rc<Self> {
        Rc::new(Self {
            vars: RefCell::default(),
            later: RefCell::default(),
            parent: Some(Rc::clone(parent)),
            file: parent.file,
            qualified,
            is_class,
            called: OnceCell::new(),
            given: RefCell::default(),
        })
    }

    /// Looks a name up, outwards.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Value<'p>> {
        if let Some(value) = self.vars.borrow().get(name) {
            return Some(value.clone());
        }
        let mut scope = self.parent.as_ref();
        while let Some(env) = scope {
            if !env.is_class
                && let Some(value) = env.vars.borrow().get(name)
            {
                return Some(value.clone());
            }
            scope = env.parent.as_ref();
        }
        None
    }

    /// Binds a name here.
    pub fn set(&self, name: &str, value: Value<'p>) {
        self.vars.borrow_mut().insert(name.into(), value);
    }

    /// Assigns to the nearest scope that has the name, else binds it here.
    pub fn assign(&self, name: &str, value: Value<'p>) {
        if !self.vars.borrow().contains_key(name) {
            let mut scope = self.parent.as_ref();
            while let Some(env) = scope {
                if env.vars.borrow().contains_key(name) {
                    env.vars.borrow_mut().insert(name.into(), value);
                    return;
                }
                scope = env.parent.as_ref();
            }
        }
        self.set(name, value);
    }

    /// `scope.name` as others would import it.
    #[must_use]
    pub fn qualify(&self, name: &str) -> SmolStr {
        if self.qualified.is_empty() {
            name.into()
        } else {
            SmolStr::from(format!("{}.{name}", self.qualified))
        }
    }
}

/// A function with the scope it was made in.
#[derive(Debug)]
pub struct Closure<'p> {
    /// The function.
    pub function: &'p Function,
    /// The scope.
    pub env: Rc<Env<'p>>,
    /// What it is bound to (`self`, `this`), or what the function around it is.
    pub this: Option<Value<'p>>,
    /// Whether it gets what it is bound to as its first argument, as Python's methods do.
    pub is_method: bool,
    /// The class that it is a method of.
    pub class: Option<Rc<ClassValue<'p>>>,
    /// Its decorators as values, outermost first.
    pub decorators: Vec<Value<'p>>,
    /// Its qualified name; of an anonymous function, that of the scope.
    pub qualified: SmolStr,
    /// Whether a call has entered its body; shared by every copy of the closure.
    pub entered: Rc<Cell<bool>>,
    /// What was noted on it (`view.is_public = True`); shared by every copy too.
    pub attributes: Rc<RefCell<BTreeMap<SmolStr, Value<'p>>>>,
    /// Arguments that it was given before it is called, as `functools.partial` does.
    pub given: Option<Rc<Args<'p>>>,
    /// The call of the macro that made it.
    pub made_at: Option<Place>,
}

impl<'p> Closure<'p> {
    /// The same function as its body alone makes it.
    #[must_use]
    pub fn undecorated(&self) -> Self {
        self.decorated(Vec::new())
    }

    /// The same function with these decorators.
    #[must_use]
    pub fn decorated(&self, decorators: Vec<Value<'p>>) -> Self {
        Self {
            function: self.function,
            env: Rc::clone(&self.env),
            this: self.this.clone(),
            is_method: self.is_method,
            class: self.class.clone(),
            decorators,
            qualified: self.qualified.clone(),
            entered: Rc::clone(&self.entered),
            attributes: Rc::clone(&self.attributes),
            given: self.given.clone(),
            made_at: self.made_at,
        }
    }

    /// The same function, called on an object.
    #[must_use]
    pub fn on(&self, this: Value<'p>) -> Self {
        Self { this: Some(this), decorators: self.decorators.clone(), ..self.undecorated() }
    }

    /// The same function with its first arguments, to be called with the others.
    #[must_use]
    pub fn given_first(&self, first: Args<'p>) -> Self {
        let given = match &self.given {
            Some(given) => given.followed_by(first),
            None => first,
        };
        Self { given: Some(Rc::new(given)), ..self.decorated(self.decorators.clone()) }
    }

    /// Its decorators, outermost first, each with how it is written.
    pub fn written_decorators(&self) -> impl Iterator<Item = (&Value<'p>, &'p module::Expr)> {
        // While the decorators of a function are applied, it has only the inner ones.
        let written = self.function.decorators.iter().rev().zip(self.decorators.iter().rev());
        let mut pairs: Vec<_> = written.map(|(written, value)| (value, written)).collect();
        pairs.reverse();
        pairs.into_iter()
    }

    /// Where the function's head stands.
    #[must_use]
    pub fn place(&self) -> Place {
        self.made_at.unwrap_or(Place { file: self.env.file, span: self.function.name_span })
    }
}

/// A class of the program.
#[derive(Debug)]
pub struct ClassValue<'p> {
    /// The class.
    pub class: &'p module::Class,
    /// Its bases, evaluated.
    pub bases: Vec<Value<'p>>,
    /// Its attributes and methods.
    pub env: Rc<Env<'p>>,
    /// Its decorators, outermost first.
    pub decorators: Vec<Value<'p>>,
    /// Its qualified name.
    pub qualified: SmolStr,
    /// Whether it was instantiated.
    pub instantiated: Cell<bool>,
}

impl<'p> ClassValue<'p> {
    /// The class and its bases within the program, in the order in which attributes are looked up,
    /// and the external base that decides what it is.
    #[must_use]
    pub fn lineage(self: &Rc<Self>) -> (Vec<Rc<Self>>, Option<SmolStr>) {
        let (classes, mut externals) = self.ancestry();
        let external = (!externals.is_empty()).then(|| externals.swap_remove(0));
        (classes, external)
    }

    /// The class and its bases within the program, in the order in which attributes are looked up,
    /// and all its external bases, the last one of each class first.
    #[must_use]
    pub fn ancestry(self: &Rc<Self>) -> (Vec<Rc<Self>>, Vec<SmolStr>) {
        let mut visited: Vec<Rc<Self>> = Vec::new();
        let mut externals = Vec::new();
        let mut queue = vec![Rc::clone(self)];
        while let Some(class) = queue.pop() {
            if visited.len() >= MAX_BASES {
                break;
            }
            for base in class.bases.iter().flat_map(Value::alternatives).rev() {
                match base {
                    Value::Class(base) => queue.push(base),
                    Value::External(path) if !externals.contains(&path) => externals.push(path),
                    _ => {}
                }
            }
            visited.push(class);
        }
        // A base of several bases stands behind them all.
        let mut classes: Vec<Rc<Self>> = Vec::new();
        for class in visited.into_iter().rev() {
            if !classes.iter().any(|known| Rc::ptr_eq(known, &class)) {
                classes.push(class);
            }
        }
        classes.reverse();
        (classes, externals)
    }

    /// An attribute as `super()` finds it in a method of `owner`: of the classes behind that one
    /// among this class and its bases.
    #[must_use]
    pub fn attribute_behind(
        self: &Rc<Self>,
        owner: &Rc<Self>,
        name: &str,
    ) -> Option<(Value<'p>, Rc<Self>)> {
        let lineage = self.lineage().0;
        let behind =
            lineage.iter().position(|class| Rc::ptr_eq(class, owner)).map_or(0, |at| at + 1);
        lineage.into_iter().skip(behind).find_map(|class| {
            let value = class.env.vars.borrow().get(name).cloned();
            value.map(|value| (value, class))
        })
    }

    /// The thing from outside that the class or one of its bases extends, as opposed to types that
    /// it implements.
    #[must_use]
    pub fn outside_base(self: &Rc<Self>) -> Option<SmolStr> {
        self.lineage().0.iter().find_map(|class| {
            class.extended(|base| match base {
                Value::External(path) => Some(path.clone()),
                _ => None,
            })
        })
    }

    /// The first of the bases that it extends which fits.
    fn extended<T>(&self, fits: impl Fn(&Value<'p>) -> Option<T>) -> Option<T> {
        let is_type = |at: usize| self.class.bases.get(at).is_some_and(|base| base.name.is_some());
        let bases = self.bases.iter().enumerate();
        bases.filter(|(at, _)| !is_type(*at)).find_map(|(_, base)| fits(base))
    }

    /// What a call to the outside gave that the class or one of its bases extends:
    /// `class Guard extends AuthGuard("jwt")`.
    #[must_use]
    pub fn made_base(self: &Rc<Self>) -> Option<Value<'p>> {
        self.lineage().0.iter().find_map(|class| {
            class.extended(|base| match base {
                Value::Native(_) => Some(base.clone()),
                _ => None,
            })
        })
    }

    /// An attribute of the class or of its bases, with the class that has it.
    #[must_use]
    pub fn attribute(self: &Rc<Self>, name: &str) -> Option<(Value<'p>, Rc<Self>)> {
        self.lineage().0.into_iter().find_map(|class| {
            let value = class.env.vars.borrow().get(name).cloned();
            value.map(|value| (value, class))
        })
    }
}

/// The name by which a class keeps a static member of a script that its instances have another of.
/// No program can name it.
#[must_use]
pub fn static_name(name: &str) -> SmolStr {
    SmolStr::from(format!("static {name}"))
}

/// The field in which an instance of a class that is a list keeps its items. No program can name it.
pub const OWN_ITEMS: &str = "[]";

/// Adds to a list or the entries of a map as much as has room.
pub fn grow<T>(items: &mut Vec<T>, more: impl IntoIterator<Item = T>) {
    let room = MAX_ITEMS.saturating_sub(items.len());
    items.extend(more.into_iter().take(room));
}

/// The entries of a map in order of insertion, of which the last of a key counts.
#[derive(Debug, Default)]
pub struct Entries<'p> {
    entries: RefCell<Vec<(Value<'p>, Value<'p>)>>,
    /// Where the map is written.
    place: Option<Place>,
}

impl<'p> Deref for Entries<'p> {
    type Target = RefCell<Vec<(Value<'p>, Value<'p>)>>;

    fn deref(&self) -> &Self::Target {
        &self.entries
    }
}

/// An instance.
#[derive(Debug)]
pub struct Object<'p> {
    /// Of what.
    pub class: Rc<ClassValue<'p>>,
    /// Its own attributes.
    pub fields: RefCell<BTreeMap<SmolStr, Value<'p>>>,
    /// The record of its construction, where an external base makes it known to the outside.
    pub native: Cell<Option<CallId>>,
}

impl<'p> Value<'p> {
    /// A known text.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self::Text(Rc::new(Text::literal(text)))
    }

    /// A way of an enumeration that carries one value, such as Rust's `Some(x)`.
    #[must_use]
    pub fn variant(name: &'static str, value: Self) -> Self {
        let name = SmolStr::new_static(name);
        Self::Variant(Rc::new(Variant { name, class: None, args: Args::of(vec![value]) }))
    }

    /// A list, if it is not too long.
    #[must_use]
    pub fn list(items: Vec<Self>) -> Self {
        if items.len() > MAX_ITEMS {
            return Self::Unknown;
        }
        Self::List(Rc::new(RefCell::new(items)))
    }

    /// A map, if it is not too long.
    #[must_use]
    pub fn map(entries: Vec<(Self, Self)>) -> Self {
        if entries.len() > MAX_ITEMS {
            return Self::Unknown;
        }
        Self::Map(Rc::new(Entries { entries: RefCell::new(entries), place: None }))
    }

    /// A map that is written at a place.
    #[must_use]
    pub fn map_at(entries: Vec<(Self, Self)>, place: Option<Place>) -> Self {
        match Self::map(entries) {
            Self::Map(entries) => {
                Self::Map(Rc::new(Entries { entries: RefCell::new(entries.take()), place }))
            }
            other => other,
        }
    }

    /// Whether it is a map that is written in the program and of which every key is known.
    #[must_use]
    pub fn is_closed_literal(&self) -> bool {
        match self {
            Self::Map(entries) => {
                let keys = entries.borrow();
                entries.place.is_some() && keys.iter().all(|(key, _)| key.as_str().is_some())
            }
            _ => false,
        }
    }

    /// Where the map is written that this is.
    #[must_use]
    pub fn map_place(&self) -> Option<Place> {
        match self {
            Self::Map(entries) => entries.place,
            _ => None,
        }
    }

    /// What it costs to make, in steps of the evaluation: what is copied without a step of its
    /// own must be paid for too, or a short program fills the memory.
    #[must_use]
    pub fn weight(&self) -> usize {
        match self {
            Self::Text(text) => text.len() / 64,
            Self::List(items) => items.borrow().len(),
            Self::Map(entries) => entries.borrow().len(),
            _ => 0,
        }
    }

    /// One of several; those that are the same collapse.
    #[must_use]
    pub fn choice(values: Vec<Self>) -> Self {
        let mut out: Vec<Self> = Vec::new();
        let mut add = |value: Self| {
            if out.len() < MAX_CHOICES && !out.iter().any(|known| known.is_same(&value)) {
                out.push(value);
            }
        };
        for value in values {
            match value {
                Self::Choice(inner) => inner.iter().cloned().for_each(&mut add),
                other => add(other),
            }
        }
        match out.len() {
            0 => Self::Unknown,
            1 => out.swap_remove(0),
            _ => Self::Choice(Rc::new(out)),
        }
    }

    /// Whether it is the same for sure.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Unknown, Self::Unknown)
            | (Self::None, Self::None)
            | (Self::Absent, Self::Absent) => true,
            (Self::Bool(a), Self::Bool(b)) | (Self::Flag(a), Self::Flag(b)) => a == b,
            (Self::Number(a), Self::Number(b)) | (Self::External(a), Self::External(b)) => a == b,
            (Self::Text(a), Self::Text(b)) => a == b,
            (Self::List(a), Self::List(b)) => Rc::ptr_eq(a, b),
            (Self::Map(a), Self::Map(b)) => Rc::ptr_eq(a, b),
            (Self::Function(a), Self::Function(b)) => Rc::ptr_eq(a, b),
            (Self::Class(a), Self::Class(b)) => Rc::ptr_eq(a, b),
            (Self::Object(a), Self::Object(b)) => Rc::ptr_eq(a, b),
            (Self::Native(a), Self::Native(b)) => a == b,
            (Self::Module(a), Self::Module(b)) => a == b,
            (Self::Method(a), Self::Method(b)) => a.1 == b.1 && a.0.is_same(&b.0),
            _ => false,
        }
    }

    /// Each of several; one that is no choice is itself.
    #[must_use]
    pub fn alternatives(&self) -> Vec<Self> {
        match self {
            Self::Choice(values) => values.to_vec(),
            other => vec![other.clone()],
        }
    }

    /// The call that gave what this is, and the dotted path of attributes that lead from there.
    #[must_use]
    pub fn native_path(&self) -> Option<(CallId, SmolStr)> {
        let mut names: Vec<&str> = Vec::new();
        let mut at = self;
        while let Self::Method(method) = at {
            if names.len() > 16 {
                return None;
            }
            names.push(&method.1);
            at = &method.0;
        }
        let id = match at {
            Self::Native(id) => *id,
            Self::Object(object) => object.native.get()?,
            _ => return None,
        };
        names.reverse();
        Some((
            id,
            match names.as_slice() {
                [] => SmolStr::default(),
                [name] => SmolStr::from(*name),
                names => SmolStr::from(names.join(".")),
            },
        ))
    }

    /// As text, the way that interpolation shows it; unknown things are holes.
    #[must_use]
    pub fn to_text(&self) -> Text {
        match self {
            Self::Text(text) => (**text).clone(),
            Self::Number(number) => Text::literal(number),
            Self::Bool(value) => Text::literal(if *value { "true" } else { "false" }),
            _ => Text::hole(""),
        }
    }

    /// The whole text, when it is text without a hole.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => text.as_literal(),
            _ => None,
        }
    }

    /// Whether the environment may make it something else.
    #[must_use]
    pub fn is_default(&self) -> bool {
        match self {
            Self::Flag(_) => true,
            Self::Text(text) => !text.env().is_empty() || !text.otherwise().is_empty(),
            _ => false,
        }
    }

    /// The same, where it is text or a list of texts, as something else where the environment says
    /// otherwise.
    #[must_use]
    pub fn unless(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::Text(usual), Self::Text(other)) if usual != other => {
                Self::Text(Rc::new((**usual).clone().or(other)))
            }
            (Self::List(usual), Self::List(others)) if !Rc::ptr_eq(usual, others) => {
                let (items, others) = (usual.borrow(), others.borrow());
                let is_text = |item: &Self| matches!(item, Self::Text(_));
                if items.len() != others.len() || !items.iter().chain(&*others).all(is_text) {
                    return self.clone();
                }
                let each = items.iter().zip(&*others);
                Self::list(each.map(|(usual, other)| usual.unless(other)).collect())
            }
            _ => self.clone(),
        }
    }

    /// The same where it is a truth value that hangs on the environment.
    #[must_use]
    pub fn by_default(self) -> Self {
        match self {
            Self::Bool(value) => Self::Flag(value),
            other => other,
        }
    }

    /// Whether it counts as true; `None` when that is not known.
    #[must_use]
    pub fn truth(&self) -> Option<bool> {
        match self {
            Self::Text(text) if text.has_hole() => text
                .parts()
                .iter()
                .any(|part| matches!(part, super::text::Part::Literal(_)))
                .then_some(true),
            Self::Text(text) => Some(text.as_literal() != Some("")),
            Self::Number(number) => number.parse::<f64>().ok().map(|number| number != 0.0),
            Self::Bool(value) | Self::Flag(value) => Some(*value),
            Self::None | Self::Absent => Some(false),
            // A user object that stands for nobody is an object all the same.
            Self::External(path) if matches!(path.as_str(), "caller.user" | "caller.error") => {
                Some(true)
            }
            Self::External(path) if path == NO_COOKIES => Some(false),
            // An unknown item may be several, or none.
            Self::List(items) => {
                let items = items.borrow();
                let is_unknown = |item: &Self| matches!(item, Self::Unknown);
                (items.is_empty() || !items.iter().all(is_unknown)).then_some(!items.is_empty())
            }
            Self::Map(entries) => Some(!entries.borrow().is_empty()),
            Self::Function(_)
            | Self::Class(_)
            | Self::Object(_)
            | Self::Module(_)
            | Self::Regex(_) => Some(true),
            // A coroutine of a truth value, before anybody waits for it.
            Self::Method(method) if matches!(method.0, Self::Bool(_)) => Some(true),
            // One of several, when all are alike.
            Self::Choice(values) => {
                let first = values.first()?.truth()?;
                values.iter().all(|value| value.truth() == Some(first)).then_some(first)
            }
            _ => None,
        }
    }

    /// What stands in a list for the items of something that is none: what made them, where a
    /// reader may know it.
    #[must_use]
    pub fn several(self) -> Self {
        match self {
            Self::Native(_) | Self::Method(_) | Self::Choice(_) => self,
            _ => Self::Unknown,
        }
    }

    /// The items of a list; `None` for anything else.
    #[must_use]
    pub fn items(&self) -> Option<Vec<Self>> {
        self.as_list().map(|items| items.borrow().clone())
    }

    /// The items of a list, or of an instance of a class that is one, to be changed.
    #[must_use]
    pub fn as_list(&self) -> Option<Rc<RefCell<Vec<Self>>>> {
        match self {
            Self::List(items) => Some(Rc::clone(items)),
            Self::Object(object) => match object.fields.borrow().get(OWN_ITEMS) {
                Some(Self::List(items)) => Some(Rc::clone(items)),
                _ => None,
            },
            _ => None,
        }
    }

    /// The entries of a map whose keys are known, as keywords.
    #[must_use]
    pub fn keywords(&self) -> Vec<(SmolStr, Self)> {
        let Self::Map(entries) = self else { return Vec::new() };
        let entries = entries.borrow();
        let keyword =
            |(name, value): &(Self, Self)| Some((SmolStr::from(name.as_str()?), value.clone()));
        entries.iter().filter_map(keyword).collect()
    }

    /// The value of a map's key.
    #[must_use]
    pub fn entry(&self, key: &str) -> Option<Self> {
        match self {
            Self::Map(entries) => entries
                .borrow()
                .iter()
                .rev()
                .find(|(known, _)| known.as_str() == Some(key))
                .map(|(_, value)| value.clone()),
            _ => None,
        }
    }
}

/// The call that made an object of a library, or the object that a function of it belongs to.
#[must_use]
pub fn native_of(value: &Value<'_>) -> Option<CallId> {
    value.native_path().map(|(id, _)| id)
}
