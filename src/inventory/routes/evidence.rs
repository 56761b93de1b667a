//! How a route comes about: the way from its application to the handler, and what an anonymous
//! caller meets there. It is told of one route at a time and is no part of reports.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use super::AuthState;
use super::auth::Faced;
use super::flatten::{Flat, WayStep};
use crate::eval::interpreter::Trace;
use crate::eval::value::{CallId, Place, Value};

/// The most routes that it is told of. A program that has more has made them in loops.
const MAX_TOLD: usize = 20_000;

/// What is known of a route beside what it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Evidence {
    /// The application, or the router that reaches none, then each router on the way.
    pub way: Arc<Vec<Step>>,
    /// The path as it is registered, below those routers.
    pub path: String,
    /// Where it is registered, where that is known.
    pub registered: Option<Spot>,
    /// The module that would register or mount it and that nothing loads, where that is so.
    pub unloaded: Option<String>,
    /// What stands before the handler, in the order in which a request meets it.
    pub met: Vec<Met>,
    /// What the handler itself does to an anonymous caller; `None` where it is not reached.
    pub handler: Option<AuthState>,
}

/// A router on the way.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Step {
    /// What it is, as the framework calls it.
    pub name: String,
    /// The prefix that it is mounted below.
    pub path: String,
    /// Where it is made.
    pub made: Option<Spot>,
    /// Where it is mounted.
    pub mounted: Option<Spot>,
    /// Whether it is mounted under a condition that could not be decided.
    pub conditional: bool,
}

/// A place in a file of the tree.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spot {
    /// The file.
    pub file: String,
    /// The line.
    pub line: u32,
}

/// Something that stands before a handler.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Met {
    /// What it is called.
    pub name: String,
    /// Where the program has it.
    pub place: Option<Spot>,
    /// What of a library it is, where that is known.
    pub library: Option<String>,
    /// What it does to an anonymous caller.
    pub does: Does,
    /// Whether it stands there, or holds, only under a condition that could not be decided.
    pub conditional: bool,
}

/// What something that stands before a handler does to an anonymous caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Does {
    /// It does not stand before this route, though it stands before its router.
    Spares,
    /// The caller was turned away before.
    IsNotReached,
    /// It turns them away, looks who they are, lets everybody go on, or nobody can tell.
    Decides(AuthState),
}

/// Tells of routes how they come about.
pub struct Witness<'t, 'p> {
    trace: &'t Trace<'p>,
    /// The steps of the ways that were told already.
    ways: BTreeMap<*const Vec<WayStep>, Arc<Vec<Step>>>,
    /// How many routes are still told of.
    left: usize,
}

impl<'t, 'p> Witness<'t, 'p> {
    /// A witness of a finished run.
    #[must_use]
    pub fn new(trace: &'t Trace<'p>) -> Self {
        Self { trace, ways: BTreeMap::new(), left: MAX_TOLD }
    }

    /// How a route comes about that was decided.
    pub fn tell(&mut self, flat: &Flat<'_, 'p>, faced: &Faced) -> Evidence {
        if self.left == 0 {
            return Evidence::default();
        }
        self.left -= 1;
        let known = self.ways.get(&Rc::as_ptr(&flat.way)).map(Arc::clone);
        let way = known.unwrap_or_else(|| {
            let steps = Arc::new(flat.way.iter().map(|step| self.step(step)).collect());
            self.ways.insert(Rc::as_ptr(&flat.way), Arc::clone(&steps));
            steps
        });
        let layers = flat.layers.iter().enumerate();
        let met = layers.map(|(at, standing)| {
            let (does, conditional) = match faced.layers.get(at) {
                None => (Does::IsNotReached, false),
                Some((None, _)) => (Does::Spares, false),
                Some((Some(state), conditional)) => (Does::Decides(*state), *conditional),
            };
            let value = &standing.layer.value;
            Met {
                name: standing.layer.name.clone(),
                place: super::auth::place_of(value).map(|place| self.spot(place)),
                library: self.library(value),
                does,
                conditional,
            }
        });
        Evidence {
            way,
            path: flat.registration.path.to_string(),
            registered: flat.registration.at.and_then(|at| self.called_at(at)),
            unloaded: None,
            met: met.collect(),
            handler: faced.handler,
        }
    }

    fn step(&self, step: &WayStep) -> Step {
        let record = self.trace.call(step.router);
        let name = record.as_ref().map(|record| match &record.class {
            Some(class) => class.class.name.as_ref().map(ToString::to_string).unwrap_or_default(),
            None => {
                let path = self.trace.path_of(record);
                let path = path.trim_end_matches("()");
                path.rsplit(['.', ':']).next().unwrap_or(path).to_owned()
            }
        });
        Step {
            name: name.unwrap_or_default(),
            path: step.prefix.clone(),
            made: record.map(|record| self.spot(record.place)),
            mounted: step.mounted.and_then(|at| self.called_at(at)),
            conditional: step.conditional,
        }
    }

    /// What of a library a value is.
    fn library(&self, value: &Value<'p>) -> Option<String> {
        match value {
            Value::External(path) if !path.starts_with("caller.") => Some(path.to_string()),
            Value::Native(_) => {
                let path = self.trace.path_of(&*self.trace.made(value)?);
                Some(path.trim_end_matches("()").to_owned())
            }
            // What a library's object does: `auth.login_required`.
            Value::Method(method) => {
                let (made, path) = value.native_path()?;
                let of = self.trace.call(made)?;
                let of = self.trace.path_of(&of);
                let name = if path.is_empty() { method.1.as_str() } else { path.as_str() };
                Some(format!("{}.{name}", of.trim_end_matches("()")))
            }
            _ => None,
        }
    }

    fn called_at(&self, id: CallId) -> Option<Spot> {
        self.trace.call(id).map(|record| self.spot(record.place))
    }

    fn spot(&self, place: Place) -> Spot {
        let file = self.trace.program.file(place.file).path.to_owned();
        Spot { file, line: place.span.line }
    }
}
