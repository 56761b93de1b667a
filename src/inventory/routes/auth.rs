//! Who may call a route: what an anonymous caller meets on the way to its handler, and in it.
//!
//! Each layer is asked in turn, by running it on a request that says nothing of who sent it. A
//! layer that refuses on every way decides. One that may refuse after it looked at the caller
//! leaves the route unknown; one that looked and let go on makes it optional.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use smol_str::SmolStr;

use super::caller::{self, Anonymous, values};
use super::flatten::Flat;
use super::graph::{Layer, LayerKind};
use super::pattern::{self, Typed};
use super::{Auth, AuthState, Guard, Route, alike, guards, spared};
use crate::eval::interpreter::Trace;
use crate::eval::interpreter::probe::{Caller, Certainty, Noted, Question, Seen};
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

/// What a layer does, and what it leaves on the request for those behind it.
#[derive(Debug, Clone)]
struct Judged<'p> {
    verdict: Verdict,
    put: Rc<Noted<'p>>,
}

impl From<Verdict> for Judged<'_> {
    fn from(verdict: Verdict) -> Self {
        Self { verdict, put: Rc::default() }
    }
}

/// What was found of a route, for some of its methods.
pub struct Decided {
    /// The methods.
    pub methods: Vec<String>,
    /// Who may call it.
    pub auth: Auth,
    /// What an anonymous caller meets.
    pub faced: Faced,
}

/// What an anonymous caller meets on the way to a handler.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Faced {
    /// What each layer does that is reached, `None` where it does not stand before the route, and
    /// whether it stands there only under a condition.
    pub layers: Vec<(Option<AuthState>, bool)>,
    /// What the handler does, where it is reached.
    pub handler: Option<AuthState>,
}

/// What was met on the way to a handler.
#[derive(Default)]
struct OnTheWay {
    /// What the program has, with what it does.
    guards: Vec<(Place, String, Verdict)>,
    faced: Faced,
}

/// Decides for each route; layers are asked once for all routes they do not look at.
pub struct Decider<'t, 'p> {
    trace: &'t Trace<'p>,
    known: BTreeMap<LayerKey, Judged<'p>>,
    by_route: BTreeMap<(LayerKey, String), Judged<'p>>,
    /// The same, and of handlers, where earlier layers have put something on the request.
    behind: BTreeMap<(LayerKey, String), Verdict>,
    /// What stands on the request when something is asked, and what it leaves there.
    before: Rc<Noted<'p>>,
    put: RefCell<Noted<'p>>,
    /// Functions, each with the first that does the same.
    alike: BTreeMap<usize, usize>,
    described: BTreeMap<String, usize>,
    libraries: BTreeMap<SmolStr, Option<AuthState>>,
    /// Layers that look at the route, so that each is asked about every one.
    undecided: BTreeSet<LayerKey>,
    /// Whether something that was asked may turn callers away, or tells them apart.
    turns_away: Cell<bool>,
    /// Whether something that was asked took too long.
    was_cut: Cell<bool>,
    /// Handlers that may hand a request on to what is registered later.
    hand_on: BTreeSet<usize>,
    /// What stands before routes, by where the program defines it.
    met: BTreeMap<(Place, String), (AuthState, usize)>,
}

type LayerKindKey = u8;

/// What a layer is and how it is asked.
type LayerKey = (usize, Option<CallId>, LayerKindKey);

/// The key of a handler's body.
const BODY: LayerKindKey = 6;

impl<'t, 'p> Decider<'t, 'p> {
    /// A decider over a finished run.
    #[must_use]
    pub fn new(trace: &'t Trace<'p>) -> Self {
        Self {
            trace,
            known: BTreeMap::new(),
            by_route: BTreeMap::new(),
            behind: BTreeMap::new(),
            before: Rc::default(),
            put: RefCell::default(),
            alike: BTreeMap::new(),
            described: BTreeMap::new(),
            libraries: BTreeMap::new(),
            undecided: BTreeSet::new(),
            turns_away: Cell::new(false),
            was_cut: Cell::new(false),
            hand_on: BTreeSet::new(),
            met: BTreeMap::new(),
        }
    }

    /// Who may call a route: by methods, where what stands before it or its handler treats them
    /// differently.
    pub fn decide(&mut self, flat: &Flat<'_, 'p>, has_user_object: bool) -> Vec<Decided> {
        let methods = &flat.route.methods;
        let (auth, met, missed) = self.decide_for(flat, None, has_user_object);
        if !missed || methods.len() < 2 {
            self.meet_all(flat, &auth, met.guards);
            return vec![Decided { methods: methods.clone(), auth, faced: met.faced }];
        }
        let mut out: Vec<Decided> = Vec::new();
        for method in methods {
            let (auth, met, _) = self.decide_for(flat, Some(method), has_user_object);
            self.meet_all(flat, &auth, met.guards);
            match out.iter_mut().find(|known| known.auth == auth) {
                Some(known) => known.methods.push(method.clone()),
                None => out.push(Decided { methods: vec![method.clone()], auth, faced: met.faced }),
            }
        }
        out
    }

    fn decide_for(
        &mut self,
        flat: &Flat<'_, 'p>,
        method: Option<&String>,
        has_user_object: bool,
    ) -> (Auth, OnTheWay, bool) {
        let only = flat.route.methods.first().filter(|_| flat.route.methods.len() == 1);
        let missed = Rc::new(Cell::new(false));
        let request = || Anonymous {
            method: method.or(only).cloned(),
            path: flat.registration.shown_path.clone().unwrap_or_else(|| flat.seen.clone()),
            endpoint: flat.route.name.clone(),
            base: flat.registration.base.clone(),
            has_user_object,
            metadata: flat.registration.metadata.clone(),
            notes: Rc::clone(&flat.registration.notes),
            nobody: Rc::clone(&flat.registration.nobody),
            missed_method: Rc::clone(&missed),
            ..Anonymous::default()
        };
        let mut met = OnTheWay::default();
        let auth = self.pass(flat, &request, &mut met);
        (auth, met, missed.get())
    }

    fn meet_all(&mut self, flat: &Flat<'_, 'p>, auth: &Auth, met: Vec<(Place, String, Verdict)>) {
        let open =
            flat.route.reachable && matches!(auth.state, AuthState::None | AuthState::Optional);
        for (place, name, verdict) in met {
            self.meet(place, name, verdict, open);
        }
    }

    /// Goes through the layers, and notes those of the program with what they do.
    fn pass(
        &mut self,
        flat: &Flat<'_, 'p>,
        request: &impl Fn() -> Anonymous,
        met: &mut OnTheWay,
    ) -> Auth {
        let mut optional = Vec::new();
        let mut unclear = Vec::new();
        let (mut put, mut objects) = (Noted::new(), Noted::new());
        for standing in &flat.layers {
            let layer = standing.layer;
            let spared = spared::spares(layer, flat);
            let holds = self.holds(layer, request);
            if spared == Some(true) || holds == Some(false) || is_excepted(layer, &flat.route) {
                met.faced.layers.push((None, false));
                continue;
            }
            let below = || Anonymous {
                path: flat.whole.clone(),
                below: Rc::clone(&standing.prefix),
                ..request()
            };
            let judged = match layer.sees_rest {
                true => self.behind(layer, &below, &put),
                false => self.behind(layer, request, &put),
            };
            put.extend(entries(&judged.put));
            let verdict = match (judged.verdict, layer.kind) {
                (Verdict::LetsIn, LayerKind::Ambient | LayerKind::Lookup) => Verdict::Passes,
                (Verdict::Refuses, _) if spared.is_none() => Verdict::Unclear,
                (Verdict::LetsIn, _) if layer.ambient && self.is_for_all(layer) => Verdict::Passes,
                (verdict, _) => verdict,
            };
            let place = place_of(&layer.value);
            met.guards.extend(place.map(|place| (place, layer.name.clone(), verdict)));
            let conditional = layer.conditional || standing.conditional || holds.is_none();
            met.faced.layers.push((Some(state_of(verdict)), conditional));
            if !conditional {
                objects.extend(entries(&judged.put).filter(|(_, value)| is_object(value)));
            }
            match verdict {
                Verdict::Refuses if conditional => {
                    unclear.push(layer.name.clone());
                }
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
            let verdict = self.body(function, &flat.registration.args, request, (&put, &objects));
            met.faced.handler = Some(state_of(verdict));
            match verdict {
                // Whoever gets past what is unclear is refused here.
                Verdict::Refuses => {
                    return Auth { state: AuthState::Required, by: vec![name()] };
                }
                Verdict::Passes => {}
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
        let state = state_of(verdict);
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

    /// What the body of a handler does to an anonymous caller, behind layers that have put something
    /// on the request: where it refuses for the lack of that, it does not, and where it calls their
    /// objects, these may refuse.
    fn body(
        &mut self,
        function: &Rc<Closure<'p>>,
        args: &Args<'p>,
        request: &impl Fn() -> Anonymous,
        (put, objects): (&Noted<'p>, &Noted<'p>),
    ) -> Verdict {
        let verdict = self.body_behind(function, args, request(), &Noted::new());
        match verdict {
            Verdict::Refuses if put.is_empty() => verdict,
            Verdict::Refuses => {
                let callee = Value::Function(Rc::new(function.undecorated()));
                let seen = self.ask_behind(&Rc::new(request()), callee, args.clone(), put.clone());
                self.of_body(&seen)
            }
            _ if objects.is_empty() => verdict,
            _ => match self.body_behind(function, args, request(), objects) {
                Verdict::Passes => verdict,
                behind => behind,
            },
        }
    }

    fn of_body(&self, seen: &Seen<'p>) -> Verdict {
        let error = |value: &Value<'p>| caller::is_error(value, &|value| self.trace.made(value));
        of_body(seen, |value| self.denies(value), error)
    }

    /// The same where this stands on the request, and nothing else.
    fn body_behind(
        &mut self,
        function: &Rc<Closure<'p>>,
        args: &Args<'p>,
        request: Anonymous,
        before: &Noted<'p>,
    ) -> Verdict {
        let key = (Rc::as_ptr(function) as usize, None, BODY);
        let behind = (key, paths(before));
        if let Some(verdict) = self.behind.get(&behind) {
            return *verdict;
        }
        let request = Rc::new(request);
        let callee = Value::Function(Rc::new(function.undecorated()));
        let seen = self.ask_behind(&request, callee.clone(), args.clone(), before.clone());
        let mut verdict = self.of_body(&seen);
        let ask_anybody = || {
            let anybody = Anonymous {
                method: request.method.clone(),
                path: request.path.clone(),
                base: request.base.clone(),
                ..Anonymous::default()
            };
            let question = Question::new(callee.clone(), args.clone());
            self.trace.ask(Rc::new(caller::Known(anybody)), &question)
        };
        // What is raised for everybody, such as the way to another page, refuses nobody.
        if verdict == Verdict::Refuses && seen.raised == Certainty::Yes && !seen.raised_denial {
            let known = ask_anybody();
            if known.raised == Certainty::Yes && !known.raised_denial && !known.cut {
                verdict = Verdict::LetsIn;
            }
        }
        // What only they are asked for who send it, and some are refused for.
        if verdict == Verdict::Passes && seen.hinted && !seen.cut {
            let known = ask_anybody();
            let denied = known.refused != Certainty::No
                || known.raised != Certainty::No && known.raised_denial
                || known.returned.iter().any(|value| self.denies(value));
            if denied && !known.cut {
                verdict = Verdict::LetsIn;
            }
        }
        // Whoever is logged out is sent to log in, and was not turned away.
        if verdict == Verdict::Refuses && logs_out(function) {
            verdict = Verdict::LetsIn;
        }
        if seen.passed != Certainty::No {
            self.hand_on.insert(key.0);
        }
        if !request.looked_at_route.get() {
            self.behind.insert(behind, verdict);
        }
        verdict
    }

    /// What a layer does behind others that have put something on the request: where it refuses for
    /// the lack of that, it does not.
    fn behind(
        &mut self,
        layer: &Layer<'p>,
        request: &impl Fn() -> Anonymous,
        put: &Noted<'p>,
    ) -> Judged<'p> {
        let judged = self.verdict(layer, request);
        let is_own = matches!(layer.value, Value::Function(_) | Value::Class(_) | Value::Object(_));
        if judged.verdict != Verdict::Refuses || put.is_empty() || !is_own {
            return judged;
        }
        let Some((at, call)) = self.identity(&layer.value) else { return judged };
        let request = request();
        let behind = format!("{} {}", request.route(), paths(put));
        let key = ((at, call, kind_key(layer.kind)), behind);
        let verdict = match self.behind.get(&key) {
            Some(verdict) => *verdict,
            None => {
                self.before = Rc::new(put.clone());
                let verdict = self.run(layer, request).0.verdict;
                self.before = Rc::default();
                self.behind.insert(key, verdict);
                verdict
            }
        };
        Judged { verdict, ..judged }
    }

    fn verdict(&mut self, layer: &Layer<'p>, request: &impl Fn() -> Anonymous) -> Judged<'p> {
        if !layer.alternatives.is_empty() {
            let alternatives = layer.alternatives.iter();
            let verdicts: Vec<_> =
                alternatives.map(|layer| self.verdict(layer, request).verdict).collect();
            let looks = layer.kind == LayerKind::Decided(AuthState::Optional)
                && verdicts.iter().any(|verdict| *verdict != Verdict::Passes);
            return match one_of(&verdicts) {
                Verdict::Passes if looks => Verdict::LetsIn.into(),
                verdict => verdict.into(),
            };
        }
        if let LayerKind::Decided(state) = layer.kind {
            return of_state(state).into();
        }
        if guards::is_for_all(&layer.name) {
            return Verdict::Passes.into();
        }
        if let Value::External(path) = &layer.value
            && !guards::is_run(path)
        {
            let known = |path: &SmolStr| guards::library(path, &Args::default());
            let state = *self.libraries.entry(path.clone()).or_insert_with_key(known);
            return state.map_or(Verdict::Passes, of_state).into();
        }
        if let Some(state) = self.library(&layer.value) {
            return of_state(state).into();
        }
        let key = self.identity(&layer.value).map(|(at, call)| (at, call, kind_key(layer.kind)));
        if let Some(judged) = key.and_then(|key| self.known.get(&key)) {
            return judged.clone();
        }
        let Some(key) = key else { return self.run(layer, request()).0 };
        // What decides for a route that nobody knows decides for each; what may refuse one of
        // them is asked about every one.
        if self.undecided.insert(key) {
            self.turns_away.set(false);
            self.was_cut.set(false);
            let any = Anonymous { any_route: true, ..request() };
            let (judged, looked_at_route) = self.run(layer, any);
            let for_all = match judged.verdict {
                Verdict::Refuses => true,
                Verdict::Passes | Verdict::LetsIn => !self.turns_away.get(),
                Verdict::Unclear => false,
            };
            // What takes too long for one takes too long for each.
            if for_all || self.was_cut.get() || !looked_at_route {
                self.known.insert(key, judged.clone());
                return judged;
            }
        }
        // An application that is made twice has the same routes twice.
        let request = request();
        let route = (key, request.route());
        if let Some(judged) = self.by_route.get(&route) {
            return judged.clone();
        }
        let missed = Rc::clone(&request.missed_method);
        let (judged, _) = self.run(layer, request);
        // Whoever misses the method asks again with it.
        if !missed.get() {
            self.by_route.insert(route, judged.clone());
        }
        judged
    }

    /// What stands for a layer that is the same wherever it is used.
    fn identity(&mut self, value: &Value<'p>) -> Option<(usize, Option<CallId>)> {
        match value {
            Value::Function(closure) => {
                let own = Rc::as_ptr(closure) as usize;
                if let Some(first) = self.alike.get(&own) {
                    return Some((*first, None));
                }
                let first = match alike::description(self.trace, closure) {
                    Some(description) => *self.described.entry(description).or_insert(own),
                    None => own,
                };
                self.alike.insert(own, first);
                Some((first, None))
            }
            Value::Class(class) => Some((Rc::as_ptr(class) as usize, None)),
            Value::Object(object) => Some((Rc::as_ptr(object) as usize, None)),
            Value::Native(id) => Some((0, Some(*id))),
            _ => None,
        }
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

    /// Whether what a layer does was found without looking at a route.
    fn is_for_all(&mut self, layer: &Layer<'p>) -> bool {
        let key = self.identity(&layer.value).map(|(at, call)| (at, call, kind_key(layer.kind)));
        key.is_some_and(|key| self.known.contains_key(&key))
    }

    fn run(&self, layer: &Layer<'p>, mut request: Anonymous) -> (Judged<'p>, bool) {
        request.is_layer = true;
        request.all_credentials = matches!(layer.kind, LayerKind::Scheme | LayerKind::Lookup);
        let request = Rc::new(request);
        self.put.borrow_mut().clear();
        let verdict = self.run_on(layer, &request);
        let put = Rc::new(self.put.take());
        (Judged { verdict, put }, request.looked_at_route.get())
    }

    fn run_on(&self, layer: &Layer<'p>, request: &Rc<Anonymous>) -> Verdict {
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
            LayerKind::Middleware | LayerKind::Scheme | LayerKind::Ambient => {
                let seen = ask(layer.value.clone(), layer.args.clone());
                going_on(&seen, |value| self.denies(value))
            }
            LayerKind::Hook => {
                request.in_hook.set(true);
                let seen = ask(layer.value.clone(), layer.args.clone());
                let stops = |value: &Value<'p>| {
                    !matches!(value, Value::None | Value::Absent | Value::Unknown)
                };
                let returns = seen.returns != Certainty::No;
                let denied = seen.returned.iter().any(|value| stops(value) && self.denies(value));
                // Where an answer is written, nothing comes after it.
                let answers =
                    seen.answered == Certainty::Yes || seen.answered_error == Certainty::Yes;
                let goes_on = seen.passed != Certainty::No
                    || returns && !answers && seen.returned.iter().any(|value| !stops(value));
                // Whoever is looked at and always answered does not get further.
                let turned_away = asked(&seen) && !goes_on && returns;
                let refuses = denied || turned_away || is_refusing(&seen);
                if seen.passed == Certainty::Yes {
                    LETS_ON[usize::from(asked(&seen))]
                } else {
                    judge(&seen, goes_on && seen.refused != Certainty::Yes, refuses)
                }
            }
            LayerKind::Step => {
                let seen = ask(layer.value.clone(), layer.args.clone());
                let denied = seen.returned.iter().filter(|value| self.denies(value)).count();
                let goes_on = denied < seen.returned.len()
                    && seen.returns != Certainty::No
                    && seen.refused != Certainty::Yes;
                judge(&seen, goes_on, denied > 0 || is_refusing(&seen))
            }
            LayerKind::Dependency | LayerKind::Lookup => {
                let seen = ask(layer.value.clone(), layer.args.clone());
                judge(&seen, seen.returns != Certainty::No, is_refusing(&seen))
            }
            LayerKind::Predicate => {
                let seen = ask(layer.value.clone(), layer.args.clone());
                let truths: Vec<_> = seen.returned.iter().map(Value::truth).collect();
                let may_pass = truths.iter().any(|truth| *truth != Some(false));
                let may_refuse =
                    is_refusing(&seen) || truths.iter().any(|truth| *truth != Some(true));
                if may_refuse {
                    self.turns_away.set(true);
                }
                // Whom it says no to whatever comes, that is everybody.
                let never = |value: &Value<'p>| matches!(value, Value::Bool(false));
                if !seen.returned.is_empty() && seen.returned.iter().all(never) && !seen.cut {
                    return Verdict::Refuses;
                }
                judge(&seen, may_pass && seen.returns != Certainty::No, may_refuse)
            }
        }
    }

    /// Asks where something stands on the request objects already.
    fn ask_behind(
        &mut self,
        request: &Rc<Anonymous>,
        callee: Value<'p>,
        args: Args<'p>,
        before: Noted<'p>,
    ) -> Seen<'p> {
        self.before = Rc::new(before);
        let seen = self.ask(request, callee, args);
        self.before = Rc::default();
        seen
    }

    fn ask(&self, request: &Rc<Anonymous>, callee: Value<'p>, args: Args<'p>) -> Seen<'p> {
        let caller: Rc<dyn Caller<'p> + 'p> = Rc::<Anonymous>::clone(request);
        // What it is given nobody for is looked up before it.
        let of_nobody = args.positional.iter().any(|value| matches!(value, Value::Absent));
        let notes = (*self.before).clone();
        let mut seen = self.trace.ask(caller, &Question { callee, args, notes });
        if !seen.cut {
            let notes = entries(&seen.notes).filter(|(path, value)| is_there(path, value));
            self.put.borrow_mut().extend(notes);
        }
        seen.asked |= of_nobody;
        if is_refusing(&seen) || seen.answered_error != Certainty::No || seen.asked {
            self.turns_away.set(true);
        }
        self.was_cut.set(self.was_cut.get() || seen.cut);
        seen
    }

    fn denies(&self, value: &Value<'p>) -> bool {
        Anonymous::default().denies(value, &|value| self.trace.made(value))
    }
}

/// What was put on the request, to be added to what others put there.
fn entries<'p>(noted: &Noted<'p>) -> impl Iterator<Item = (String, Value<'p>)> {
    noted.iter().map(|(path, value)| (path.clone(), value.clone()))
}

/// Whether what was put on the request is made by the program, and has methods of its own.
fn is_object(value: &Value<'_>) -> bool {
    let is_object = |value: &Value<'_>| matches!(value, Value::Object(_) | Value::Map(_));
    value.alternatives().iter().all(is_object)
}

/// Where something was put on the request.
fn paths(noted: &Noted<'_>) -> String {
    noted.keys().map(String::as_str).collect::<Vec<_>>().join(" ")
}

/// Whether what was put on the request is surely something, whoever calls.
fn is_there(path: &str, value: &Value<'_>) -> bool {
    let is_something =
        |value: &Value<'_>| !matches!(value, Value::External(_)) && value.truth() == Some(true);
    path.starts_with("caller.request.") && value.alternatives().iter().all(is_something)
}

/// Whether a layer says that it does not stand before a path.
fn is_excepted(layer: &Layer<'_>, route: &Route) -> bool {
    let path = Typed { path: &route.path, parameters: &route.parameters };
    layer.except.iter().any(|except| {
        !except.has_hole()
            && pattern::covers(pattern::colons(&except.to_string()).typed(), false, path)
    })
}

/// What several layers do of which one that lets go on is enough.
fn one_of(verdicts: &[Verdict]) -> Verdict {
    let all = |wanted: Verdict| verdicts.iter().all(|verdict| *verdict == wanted);
    if all(Verdict::Refuses) {
        Verdict::Refuses
    } else if verdicts.contains(&Verdict::Passes) {
        Verdict::Passes
    } else if verdicts.contains(&Verdict::LetsIn) {
        Verdict::LetsIn
    } else {
        Verdict::Unclear
    }
}

/// Where the program defines a layer.
#[must_use]
pub fn place_of(value: &Value<'_>) -> Option<Place> {
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

/// Whether a handler logs its caller out.
fn logs_out(function: &Closure<'_>) -> bool {
    struct Calls(bool);
    impl<'m> Visitor<'m> for Calls {
        fn enter_expr(&mut self, expr: &'m Expr) -> Walk {
            if let ExprKind::Call(call) = &expr.kind
                && let Some(name) = last_name(&call.callee)
            {
                let name = name.to_ascii_lowercase().replace('_', "");
                self.0 |= name.ends_with("logout") || name == "logoutuser";
            }
            Walk::Into
        }
    }
    let mut calls = Calls(false);
    walk_block(&mut calls, &function.function.body);
    calls.0
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

/// What a layer that surely goes on does, by whether it looked at the caller.
const LETS_ON: [Verdict; 2] = [Verdict::Passes, Verdict::LetsIn];

fn kind_key(kind: LayerKind) -> LayerKindKey {
    match kind {
        LayerKind::Wrapper => 0,
        LayerKind::Middleware | LayerKind::Ambient => 1,
        LayerKind::Hook => 2,
        LayerKind::Dependency => 3,
        LayerKind::Predicate => 4,
        LayerKind::Decided(_) => 5,
        LayerKind::Step => 7,
        LayerKind::Scheme => 8,
        LayerKind::Lookup => 9,
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

fn state_of(verdict: Verdict) -> AuthState {
    match verdict {
        Verdict::Passes => AuthState::None,
        Verdict::LetsIn => AuthState::Optional,
        Verdict::Refuses => AuthState::Required,
        Verdict::Unclear => AuthState::Unknown,
    }
}

fn is_refusing(seen: &Seen<'_>) -> bool {
    [seen.refused, seen.raised, seen.failed].iter().any(|met| *met != Certainty::No)
}

/// Whether a layer looked at the caller, or says that it does.
fn asked(seen: &Seen<'_>) -> bool {
    seen.asked || seen.asks
}

/// A layer that never looks at the caller refuses only when it refuses everybody.
fn judge(seen: &Seen<'_>, may_pass: bool, may_refuse: bool) -> Verdict {
    let everybody = seen.refused == Certainty::Yes
        || seen.raised == Certainty::Yes && seen.raised_denial
        || seen.returned.is_empty() && seen.returns != Certainty::No;
    match (may_pass || seen.cut, may_refuse) {
        (false, true) if asked(seen) || everybody => Verdict::Refuses,
        (_, true) if asked(seen) => Verdict::Unclear,
        _ if asked(seen) => Verdict::LetsIn,
        _ => Verdict::Passes,
    }
}

/// A middleware or a wrapped handler: it goes on when it calls what comes next.
fn going_on<'p>(seen: &Seen<'p>, denies: impl Fn(&Value<'p>) -> bool) -> Verdict {
    if seen.passed == Certainty::Yes {
        return LETS_ON[usize::from(asked(seen))];
    }
    let denied = seen.returned.iter().any(denies);
    let refuses = is_refusing(seen) || denied;
    let silent = seen.answered == Certainty::No && seen.answered_error == Certainty::No;
    if !refuses && seen.passed == Certainty::No && silent {
        // It neither goes on nor refuses as far as anybody can see.
        return if asked(seen) { Verdict::Unclear } else { Verdict::Passes };
    }
    // What a caller looked at gets an answer of its own, and does not go on, is refused too.
    let answered = seen.answered.max(seen.answered_error);
    let turned_away = asked(seen) && seen.passed == Certainty::No && answered == Certainty::Yes;
    judge(seen, seen.passed != Certainty::No, refuses || turned_away)
}

/// A handler: it refuses when all that an anonymous caller can get is a refusal.
fn of_body<'p>(
    seen: &Seen<'p>,
    denies: impl Fn(&Value<'p>) -> bool,
    fails: impl Fn(&Value<'p>) -> bool,
) -> Verdict {
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
            && !fails(value)
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
