//! Who may call a route: what an anonymous caller meets on the way to its handler, and in it.
//!
//! Each layer is asked in turn, by running it on a request that says nothing of who sent it. A
//! layer that refuses on every way decides. One that may refuse after it looked at the caller
//! leaves the route unknown; one that looked and let go on makes it optional.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use smol_str::SmolStr;

use super::caller::{Anonymous, values};
use super::flatten::Flat;
use super::graph::{Layer, LayerKind};
use super::{Auth, AuthState, Guard, guards};
use crate::eval::interpreter::Trace;
use crate::eval::interpreter::probe::{Caller, Certainty, Question, Seen};
use crate::eval::link::Program;
use crate::eval::value::{Args, CallId, Closure, Place, Value};
use crate::module::path::last_name;
use crate::module::visit::{Visitor, Walk, walk_block};
use crate::module::{Expr, ExprKind};

/// What a layer does to an anonymous caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// It lets them go on, and did not look at who they are.
    Passes,
    /// It looked, and let them go on.
    LetsIn,
    /// It refuses them.
    Refuses,
    /// It looked, and may refuse them.
    Unclear,
}

/// Decides for each route; layers are asked once for all routes they do not look at.
pub struct Decider<'t, 'p> {
    trace: &'t Trace<'p>,
    known: BTreeMap<(usize, Option<CallId>, LayerKindKey), Verdict>,
    libraries: BTreeMap<SmolStr, Option<AuthState>>,
    /// Handlers that may hand a request on to what is registered later.
    hand_on: BTreeSet<usize>,
    /// What stands before routes, by where the program defines it.
    met: BTreeMap<(Place, String), (AuthState, usize)>,
}

type LayerKindKey = u8;

/// The key of a handler's body.
const BODY: LayerKindKey = 6;

impl<'t, 'p> Decider<'t, 'p> {
    /// A decider over a finished run.
    #[must_use]
    pub fn new(trace: &'t Trace<'p>) -> Self {
        Self {
            trace,
            known: BTreeMap::new(),
            libraries: BTreeMap::new(),
            hand_on: BTreeSet::new(),
            met: BTreeMap::new(),
        }
    }

    /// Who may call a route.
    pub fn decide(&mut self, flat: &Flat<'_, 'p>, has_user_object: bool) -> Auth {
        let request = || Anonymous {
            method: flat.route.methods.first().filter(|_| flat.route.methods.len() == 1).cloned(),
            path: flat.whole.clone(),
            endpoint: flat.registration.name.clone(),
            has_user_object,
            metadata: flat.registration.metadata.clone(),
            ..Anonymous::default()
        };
        let mut met = Vec::new();
        let auth = self.pass(flat, &request, &mut met);
        let open =
            flat.route.mounted && matches!(auth.state, AuthState::None | AuthState::Optional);
        for (place, name, verdict) in met {
            self.meet(place, name, verdict, open);
        }
        auth
    }

    /// Goes through the layers, and notes those of the program with what they do.
    fn pass(
        &mut self,
        flat: &Flat<'_, 'p>,
        request: &impl Fn() -> Anonymous,
        met: &mut Vec<(Place, String, Verdict)>,
    ) -> Auth {
        let mut optional = Vec::new();
        let mut unclear = Vec::new();
        for (layer, prefix) in flat.layers.iter().zip(&flat.prefixes) {
            let holds = self.holds(layer, request);
            if holds == Some(false) {
                continue;
            }
            let below = || Anonymous { path: flat.whole.without_prefix(prefix), ..request() };
            let verdict = match layer.sees_rest {
                true => self.verdict(layer, &below),
                false => self.verdict(layer, request),
            };
            met.extend(place_of(&layer.value).map(|place| (place, layer.name.clone(), verdict)));
            match verdict {
                Verdict::Refuses if layer.conditional || holds.is_none() => unclear.push(layer.name.clone()),
                Verdict::Refuses => {
                    return Auth { state: AuthState::Required, by: vec![layer.name.clone()] };
                }
                Verdict::Unclear => unclear.push(layer.name.clone()),
                Verdict::LetsIn => optional.push(layer.name.clone()),
                Verdict::Passes => {}
            }
        }
        if let Some(function) = &flat.registration.handler.function {
            let name = || "the handler itself".to_owned();
            match self.body(function, &flat.registration.args, request()) {
                Verdict::Refuses if unclear.is_empty() => {
                    return Auth { state: AuthState::Required, by: vec![name()] };
                }
                Verdict::Passes | Verdict::Refuses => {}
                Verdict::LetsIn | Verdict::Unclear => optional.push(name()),
            }
        }
        let (state, by) = match (unclear.is_empty(), optional.is_empty()) {
            (false, _) => (AuthState::Unknown, unclear),
            (true, false) => (AuthState::Optional, optional),
            (true, true) => (AuthState::None, Vec::new()),
        };
        Auth { state, by }
    }

    /// Whether a layer holds for a request; `None` where that is not known.
    fn holds(&self, layer: &Layer<'p>, request: &impl Fn() -> Anonymous) -> Option<bool> {
        let Some(when) = &layer.when else { return Some(true) };
        let args = Args::of(vec![values::request()]);
        let seen = self.ask(&Rc::new(request()), when.clone(), args);
        match seen.returned.as_slice() {
            [truth] => truth.truth(),
            _ => None,
        }
    }

    /// Whether a handler may hand a request on to what is registered later; a handler that nobody
    /// can look into may.
    #[must_use]
    pub fn hands_on(&self, flat: &Flat<'_, 'p>) -> bool {
        match &flat.registration.handler.function {
            Some(function) => {
                self.hand_on.contains(&(Rc::as_ptr(function) as usize)) || gives_next_away(function)
            }
            None => true,
        }
    }

    /// Takes note of a layer of the program, of what it does, and whether the route behind it is
    /// open.
    fn meet(&mut self, place: Place, name: String, verdict: Verdict, open: bool) {
        let state = match verdict {
            Verdict::Passes => AuthState::None,
            Verdict::LetsIn => AuthState::Optional,
            Verdict::Refuses => AuthState::Required,
            Verdict::Unclear => AuthState::Unknown,
        };
        let (known, routes) = self.met.entry((place, name)).or_insert((state, 0));
        // What refuses for one route and not for another looks at the route.
        if *known != state {
            *known = AuthState::Unknown;
        }
        *routes += usize::from(open);
    }

    /// What stands before routes, where the program has it, by place.
    #[must_use]
    pub fn guards(&self, program: &Program<'p>) -> Vec<Guard> {
        let mut out: Vec<Guard> = self
            .met
            .iter()
            .map(|((place, name), (state, routes))| Guard {
                file: program.file(place.file).path.to_owned(),
                line: place.span.line,
                name: name.clone(),
                state: *state,
                open_routes: *routes,
            })
            .collect();
        out.sort();
        out
    }

    /// What the body of a handler does to an anonymous caller.
    fn body(&mut self, function: &Rc<Closure<'p>>, args: &Args<'p>, request: Anonymous) -> Verdict {
        let key = (Rc::as_ptr(function) as usize, None, BODY);
        if let Some(verdict) = self.known.get(&key) {
            return *verdict;
        }
        let request = Rc::new(request);
        let callee = Value::Function(Rc::new(function.undecorated()));
        let seen = self.ask(&request, callee, args.clone());
        let verdict = of_body(&seen, |value| self.denies(value));
        if seen.passed != Certainty::No {
            self.hand_on.insert(key.0);
        }
        if !request.looked_at_route.get() {
            self.known.insert(key, verdict);
        }
        verdict
    }

    fn verdict(&mut self, layer: &Layer<'p>, request: &impl Fn() -> Anonymous) -> Verdict {
        if let LayerKind::Decided(state) = layer.kind {
            return of_state(state);
        }
        if let Value::External(path) = &layer.value {
            let known = |path: &SmolStr| guards::library(path, &Args::default());
            let state = *self.libraries.entry(path.clone()).or_insert_with_key(known);
            return state.map_or(Verdict::Passes, of_state);
        }
        if let Some(state) = self.library(&layer.value) {
            return of_state(state);
        }
        let key = identity(&layer.value).map(|(at, call)| (at, call, kind_key(layer.kind)));
        if let Some(verdict) = key.and_then(|key| self.known.get(&key)) {
            return *verdict;
        }
        let request = Rc::new(request());
        let verdict = self.run(layer, &request);
        // What looked at the route may decide otherwise for another.
        if let Some(key) = key
            && !request.looked_at_route.get()
        {
            self.known.insert(key, verdict);
        }
        verdict
    }

    /// What is known of a layer that comes from a library.
    fn library(&self, value: &Value<'p>) -> Option<AuthState> {
        match value {
            Value::Native(_) => {
                let record = self.trace.made(value)?;
                let path = self.trace.path_of(&record);
                let state = guards::library(&path, &record.args);
                // A call with a function of the program: `passport.authenticate("jwt", callback)`.
                let has_own =
                    record.args.positional.iter().any(|arg| matches!(arg, Value::Function(_)));
                state.filter(|_| !has_own || !path.ends_with("authenticate"))
            }
            _ => None,
        }
    }

    fn run(&self, layer: &Layer<'p>, request: &Rc<Anonymous>) -> Verdict {
        let ask = |callee: Value<'p>, args: Args<'p>| self.ask(request, callee, args);
        match layer.kind {
            LayerKind::Decided(state) => of_state(state),
            LayerKind::Wrapper => {
                let made = ask(layer.value.clone(), Args::of(vec![values::handler()]));
                // A wrapper that gives back what it was given wraps nothing.
                let wrapped = made.returned.into_iter().next().unwrap_or_default();
                match wrapped {
                    Value::External(path) if path == "caller.handler" => Verdict::Passes,
                    Value::Unknown | Value::None => {
                        if made.asked {
                            Verdict::Unclear
                        } else {
                            Verdict::Passes
                        }
                    }
                    wrapped => {
                        let seen = ask(wrapped, layer.args.clone());
                        going_on(&seen, |value| self.denies(value))
                    }
                }
            }
            LayerKind::Middleware => {
                let seen = ask(layer.value.clone(), layer.args.clone());
                going_on(&seen, |value| self.denies(value))
            }
            LayerKind::Hook => {
                let seen = ask(layer.value.clone(), layer.args.clone());
                let stops = |value: &Value<'p>| {
                    !matches!(value, Value::None | Value::Absent | Value::Unknown)
                };
                let denied = seen.returned.iter().any(|value| stops(value) && self.denies(value));
                let goes_on = seen.returned.iter().any(|value| !stops(value))
                    && seen.returns != Certainty::No;
                judge(
                    &seen,
                    goes_on && seen.refused != Certainty::Yes,
                    denied || is_refusing(&seen),
                )
            }
            LayerKind::Dependency => {
                let seen = ask(layer.value.clone(), layer.args.clone());
                judge(&seen, seen.returns != Certainty::No, is_refusing(&seen))
            }
            LayerKind::Predicate => {
                let seen = ask(layer.value.clone(), layer.args.clone());
                let truths: Vec<_> = seen.returned.iter().map(Value::truth).collect();
                let may_pass = truths.iter().any(|truth| *truth != Some(false));
                let may_refuse =
                    is_refusing(&seen) || truths.iter().any(|truth| *truth != Some(true));
                judge(&seen, may_pass && seen.returns != Certainty::No, may_refuse)
            }
        }
    }

    fn ask(&self, request: &Rc<Anonymous>, callee: Value<'p>, args: Args<'p>) -> Seen<'p> {
        let caller: Rc<dyn Caller<'p> + 'p> = Rc::<Anonymous>::clone(request);
        let seen = self.trace.ask(caller, &Question { callee: callee.clone(), args });
        if std::env::var("PROBE").is_ok_and(|name| super::graph::name_of(self.trace, &callee).contains(&name)) {
            eprintln!("{} path {} {seen:?}", super::graph::name_of(self.trace, &callee), request.path);
        }
        seen
    }

    fn denies(&self, value: &Value<'p>) -> bool {
        Anonymous::default().denies(value, &|value| self.trace.made(value))
    }
}

/// Where the program defines a layer.
fn place_of(value: &Value<'_>) -> Option<Place> {
    match value {
        Value::Function(closure) => Some(closure.place()),
        Value::Class(class) => Some(Place { file: class.env.file, span: class.class.name_span }),
        Value::Object(object) => {
            Some(Place { file: object.class.env.file, span: object.class.class.name_span })
        }
        _ => None,
    }
}

/// Whether a middleware or handler calls its third parameter without an error, or gives it to
/// somebody else.
fn gives_next_away(function: &Closure<'_>) -> bool {
    let Some(next) = function.function.params.get(2).and_then(|param| last_name(&param.target))
    else {
        return false;
    };
    let mut mentions = Mentions { next, errors: 0, all: 0 };
    walk_block(&mut mentions, &function.function.body);
    mentions.all > mentions.errors
}

struct Mentions<'m> {
    next: &'m str,
    /// Calls with an error.
    errors: usize,
    all: usize,
}

impl<'m> Visitor<'m> for Mentions<'m> {
    fn enter_expr(&mut self, expr: &'m Expr) -> Walk {
        match &expr.kind {
            ExprKind::Name(name) if name == self.next => self.all += 1,
            ExprKind::Call(call)
                if !call.args.is_empty() && last_name(&call.callee) == Some(self.next) =>
            {
                self.errors += 1;
            }
            _ => {}
        }
        Walk::Into
    }
}

/// What stands for a layer that is the same wherever it is used.
fn identity(value: &Value<'_>) -> Option<(usize, Option<CallId>)> {
    match value {
        Value::Function(closure) => Some((Rc::as_ptr(closure) as usize, None)),
        Value::Class(class) => Some((Rc::as_ptr(class) as usize, None)),
        Value::Object(object) => Some((Rc::as_ptr(object) as usize, None)),
        Value::Native(id) => Some((0, Some(*id))),
        _ => None,
    }
}

fn kind_key(kind: LayerKind) -> LayerKindKey {
    match kind {
        LayerKind::Wrapper => 0,
        LayerKind::Middleware => 1,
        LayerKind::Hook => 2,
        LayerKind::Dependency => 3,
        LayerKind::Predicate => 4,
        LayerKind::Decided(_) => 5,
    }
}

fn of_state(state: AuthState) -> Verdict {
    match state {
        AuthState::Required => Verdict::Refuses,
        AuthState::Optional => Verdict::LetsIn,
        AuthState::None => Verdict::Passes,
        AuthState::Unknown => Verdict::Unclear,
    }
}

fn is_refusing(seen: &Seen<'_>) -> bool {
    [seen.refused, seen.raised, seen.failed].iter().any(|met| *met != Certainty::No)
}

/// A layer that never looks at the caller refuses only when it refuses everybody.
fn judge(seen: &Seen<'_>, may_pass: bool, may_refuse: bool) -> Verdict {
    let everybody = seen.refused == Certainty::Yes
        || seen.raised == Certainty::Yes && seen.raised_denial
        || seen.returned.is_empty() && seen.returns != Certainty::No;
    match (may_pass || seen.cut, may_refuse) {
        (false, true) if seen.asked || everybody => Verdict::Refuses,
        (_, true) if seen.asked => Verdict::Unclear,
        _ if seen.asked => Verdict::LetsIn,
        _ => Verdict::Passes,
    }
}

/// A middleware or a wrapped handler: it goes on when it calls what comes next.
fn going_on<'p>(seen: &Seen<'p>, denies: impl Fn(&Value<'p>) -> bool) -> Verdict {
    if seen.passed == Certainty::Yes {
        return if seen.asked { Verdict::LetsIn } else { Verdict::Passes };
    }
    let denied = seen.returned.iter().any(denies);
    let refuses = is_refusing(seen) || denied;
    if !refuses && seen.passed == Certainty::No && seen.answered == Certainty::No {
        // It neither goes on nor refuses as far as anybody can see.
        return if seen.asked { Verdict::Unclear } else { Verdict::Passes };
    }
    // What a caller looked at gets an answer of its own, and does not go on, is refused too.
    let turned_away = seen.asked && seen.passed == Certainty::No && seen.answered == Certainty::Yes;
    judge(seen, seen.passed != Certainty::No, refuses || turned_away)
}

/// A handler: it refuses when all that an anonymous caller can get is a refusal.
fn of_body<'p>(seen: &Seen<'p>, denies: impl Fn(&Value<'p>) -> bool) -> Verdict {
    if !seen.asked || seen.cut {
        return Verdict::Passes;
    }
    let denied = seen.returned.iter().filter(|value| denies(value)).count();
    let deliberate = seen.raised == Certainty::Yes && seen.raised_deliberately;
    let raised = seen.raised != Certainty::No && (seen.raised_denial || deliberate);
    let turned_away = seen.refused != Certainty::No || seen.failed != Certainty::No || denied > 0;
    let is_answer = |value: &Value<'p>| {
        !matches!(value, Value::None | Value::Absent)
            && !denies(value)
            && !matches!(value, Value::External(path) if path.starts_with("caller."))
    };
    let answers = seen.answered != Certainty::No
        || seen.passed != Certainty::No
        || seen.returns != Certainty::No && seen.returned.iter().any(is_answer)
        // It ends without a word, which is an answer where nothing else was met.
        || seen.returns == Certainty::Yes && !turned_away;
    match (turned_away || raised, answers) {
        (true, false) => Verdict::Refuses,
        _ => Verdict::LetsIn,
    }
}
