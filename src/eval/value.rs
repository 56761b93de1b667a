//! What an expression can come to.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::ops::Deref;
use std::rc::Rc;

use smol_str::SmolStr;

use super::text::Text;
use crate::module::{self, Function, Span};

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
    /// A truth value.
    Bool(bool),
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
    /// What a caller of whom nothing is known does not have: a session, a token, a user. Only a
    /// [probe](super::interpreter::probe) meets it. It is like `None` and `undefined`.
    Absent,
}

/// The most items of a list or map. What would have more is not known, so that doubling in a
/// loop cannot eat memory.
pub const MAX_ITEMS: usize = 8_192;

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
}

impl<'p> Args<'p> {
    /// Positional arguments only.
    #[must_use]
    pub fn of(positional: Vec<Value<'p>>) -> Self {
        Self { positional, ..Self::default() }
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

/// Variables of a module, a class body or a call.
#[derive(Debug)]
pub struct Env<'p> {
    /// Name to value.
    pub vars: RefCell<BTreeMap<SmolStr, Value<'p>>>,
    /// The surrounding scope.
    pub parent: Option<Rc<Env<'p>>>,
    /// The file.
    pub file: FileId,
    /// Qualified name of the scope, for the names of what is defined in it.
    pub qualified: SmolStr,
    /// Whether it is a class body, whose names its methods do not see.
    pub is_class: bool,
}

impl<'p> Env<'p> {
    /// A scope inside another.
    #[must_use]
    pub fn inside(parent: &Rc<Self>, qualified: SmolStr, is_class: bool) -> Rc<Self> {
        Rc::new(Self {
            vars: RefCell::default(),
            parent: Some(Rc::clone(parent)),
            file: parent.file,
            qualified,
            is_class,
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
    /// What it is bound to (`self`, `this`).
    pub this: Option<Value<'p>>,
    /// The class that it is a method of.
    pub class: Option<Rc<ClassValue<'p>>>,
    /// Its decorators as values, outermost first.
    pub decorators: Vec<Value<'p>>,
    /// Its qualified name; of an anonymous function, that of the scope.
    pub qualified: SmolStr,
    /// Whether a call has entered its body; shared by every copy of the closure.
    pub entered: Rc<Cell<bool>>,
}

impl<'p> Closure<'p> {
    /// The same function as its body alone makes it.
    #[must_use]
    pub fn undecorated(&self) -> Self {
        Self {
            function: self.function,
            env: Rc::clone(&self.env),
            this: self.this.clone(),
            class: self.class.clone(),
            decorators: Vec::new(),
            qualified: self.qualified.clone(),
            entered: Rc::clone(&self.entered),
        }
    }

    /// The same function, called on an object.
    #[must_use]
    pub fn on(&self, this: Value<'p>) -> Self {
        Self { this: Some(this), decorators: self.decorators.clone(), ..self.undecorated() }
    }

    /// Where the function's head stands.
    #[must_use]
    pub fn place(&self) -> Place {
        Place { file: self.env.file, span: self.function.name_span }
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
    /// The class and its bases within the program, nearest first, and the first external base.
    #[must_use]
    pub fn lineage(self: &Rc<Self>) -> (Vec<Rc<Self>>, Option<SmolStr>) {
        let mut out: Vec<Rc<Self>> = Vec::new();
        let mut external = None;
        let mut queue = vec![Rc::clone(self)];
        while let Some(class) = queue.pop() {
            if out.len() > 64 || out.iter().any(|known| Rc::ptr_eq(known, &class)) {
                continue;
            }
            for base in class.bases.iter().rev() {
                match base {
                    Value::Class(base) => queue.push(Rc::clone(base)),
                    Value::External(path) => external = external.or_else(|| Some(path.clone())),
                    _ => {}
                }
            }
            out.push(class);
        }
        (out, external)
    }

    /// The thing from outside that the class or one of its bases extends, as opposed to types that
    /// it implements.
    #[must_use]
    pub fn outside_base(self: &Rc<Self>) -> Option<SmolStr> {
        self.lineage().0.iter().find_map(|class| class.extended(|base| match base {
            Value::External(path) => Some(path.clone()),
            _ => None,
        }))
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
        self.lineage().0.iter().find_map(|class| class.extended(|base| match base {
            Value::Native(_) => Some(base.clone()),
            _ => None,
        }))
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

    /// One of several; equal unknowns collapse.
    #[must_use]
    pub fn choice(values: Vec<Self>) -> Self {
        let mut out: Vec<Self> = Vec::new();
        for value in values {
            match value {
                Self::Choice(inner) => out.extend(inner.iter().cloned()),
                other => out.push(other),
            }
        }
        let mut unknown = false;
        out.retain(|value| {
            let first = !matches!(value, Self::Unknown) || !unknown;
            unknown |= matches!(value, Self::Unknown);
            first
        });
        out.truncate(32);
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
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Number(a), Self::Number(b)) | (Self::External(a), Self::External(b)) => a == b,
            (Self::Text(a), Self::Text(b)) => a == b,
            (Self::List(a), Self::List(b)) => Rc::ptr_eq(a, b),
            (Self::Map(a), Self::Map(b)) => Rc::ptr_eq(a, b),
            (Self::Function(a), Self::Function(b)) => Rc::ptr_eq(a, b),
            (Self::Class(a), Self::Class(b)) => Rc::ptr_eq(a, b),
            (Self::Object(a), Self::Object(b)) => Rc::ptr_eq(a, b),
            (Self::Native(a), Self::Native(b)) => a == b,
            (Self::Module(a), Self::Module(b)) => a == b,
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
            Self::Bool(value) => Some(*value),
            Self::None | Self::Absent => Some(false),
            Self::List(items) => Some(!items.borrow().is_empty()),
            Self::Map(entries) => Some(!entries.borrow().is_empty()),
            Self::Function(_) | Self::Class(_) | Self::Object(_) | Self::Module(_) => Some(true),
            // One of several, when all are alike.
            Self::Choice(values) => {
                let first = values.first()?.truth()?;
                values.iter().all(|value| value.truth() == Some(first)).then_some(first)
            }
            _ => None,
        }
    }

    /// The items of a list; `None` for anything else.
    #[must_use]
    pub fn items(&self) -> Option<Vec<Self>> {
        match self {
            Self::List(items) => Some(items.borrow().clone()),
            _ => None,
        }
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
