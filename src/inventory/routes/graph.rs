//! Routers, what is registered on them and what they are mounted on: what every framework's
//! reader writes, and what is [flattened](super::flatten) into routes.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::AuthState;
use super::notes::Notes;
use crate::eval::interpreter::Trace;
use crate::eval::text::Text;
use crate::eval::value::{Args, CallId, CallRecord, ClassValue, Closure, Place, Value};
use crate::module::path::Path;
use crate::module::visit::{Visitor, Walk, walk_block};
use crate::module::{Block, Expr, ExprKind};

/// An application, router, blueprint or namespace, by the call that made it.
#[derive(Debug)]
pub struct Router<'p> {
    /// The framework's name.
    pub framework: &'static str,
    /// Whether it serves by itself, without being mounted.
    pub is_application: bool,
    /// Its own prefix; what it means is the framework's business.
    pub prefix: Text,
    /// The name that stands before those of its routes, where it has one.
    pub name: Option<String>,
    /// Whether it was made under a condition that could not be decided.
    pub conditional: bool,
    /// Whether it is given to a server by itself, also where it is mounted on others; and whether
    /// that is under a condition that could not be decided.
    pub served: Option<bool>,
    /// What is registered on it, each with the call that did.
    pub entries: Vec<(CallId, Entry<'p>)>,
    /// Layers that hold for everything that is registered on it, whenever.
    pub layers: Vec<Layer<'p>>,
}

impl Router<'_> {
    /// Whether another is mounted on it.
    #[must_use]
    pub fn mounts(&self, other: CallId) -> bool {
        self.entries
            .iter()
            .any(|(_, entry)| matches!(entry, Entry::Mount(mount) if mount.child == other))
    }
}

/// Something that stands before handlers and may turn callers away: a middleware, a decorator, a
/// dependency, a hook.
#[derive(Debug, Clone)]
pub struct Layer<'p> {
    /// How it is asked.
    pub kind: LayerKind,
    /// The function, class or object; what the reader made of it where it is decided.
    pub value: Value<'p>,
    /// What it is called with.
    pub args: Args<'p>,
    /// What reports call it.
    pub name: String,
    /// Under a condition that could not be decided.
    pub conditional: bool,
    /// A function that says for which requests it holds; `None` is all.
    pub when: Option<Value<'p>>,
    /// Whether it sees the path of a request without the prefixes of the routers around it.
    pub sees_rest: bool,
    /// Whole paths that it does not stand before.
    pub except: Vec<Text>,
    /// Layers of which one that lets a caller go on is enough; then it has no value of its own.
    pub alternatives: Vec<Layer<'p>>,
    /// Whether it holds for WebSockets alone, or for everything but these; `None` is both.
    pub sockets: Option<bool>,
    /// Routes that it does not stand before.
    pub spares: Vec<Spared>,
    /// Whether it stands before all that an application serves, so that what it does for every
    /// route alike says nothing of one.
    pub ambient: bool,
}

/// A route that a [`Layer`] does not stand before, though it stands before its router.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Spared {
    /// One whose path holds this regular expression somewhere.
    Path(String),
    /// As a path, and for some methods alone; none is all.
    Request(String, Vec<String>),
    /// One that nobody can tell.
    Unknown,
    /// One that has a note of this name.
    Noted(String),
}

impl<'p> Layer<'p> {
    /// A layer of a value, called with `args`.
    #[must_use]
    pub fn new(trace: &Trace<'p>, kind: LayerKind, value: Value<'p>, args: Args<'p>) -> Self {
        Self {
            kind,
            name: name_of(trace, &value),
            value,
            args,
            conditional: false,
            except: Vec::new(),
            alternatives: Vec::new(),
            sockets: None,
            spares: Vec::new(),
            when: None,
            sees_rest: false,
            ambient: false,
        }
    }

    /// A layer that lets a caller go on whom one of several does.
    #[must_use]
    pub fn any(alternatives: Vec<Self>) -> Self {
        let names: Vec<&str> = alternatives.iter().map(|layer| layer.name.as_str()).collect();
        let name = names.join(" or ");
        Self { alternatives, ..Self::decided(AuthState::Unknown, &name) }
    }

    /// A layer that asks several in turn who calls, until one of them knows: who is let in by the
    /// last was looked at by the others.
    #[must_use]
    pub fn first_of(alternatives: Vec<Self>) -> Self {
        Self { kind: LayerKind::Decided(AuthState::Optional), ..Self::any(alternatives) }
    }

    /// The layer, called as it is written where it stands.
    #[must_use]
    pub fn called(mut self, expr: Option<&Expr>) -> Self {
        if let Some(name) = expr.and_then(written_name) {
            self.name = name;
        }
        self
    }

    /// A layer of which the reader knows what it does.
    #[must_use]
    pub fn decided(state: AuthState, name: &str) -> Self {
        Self {
            kind: LayerKind::Decided(state),
            value: Value::Unknown,
            args: Args::default(),
            name: name.to_owned(),
            conditional: false,
            except: Vec::new(),
            alternatives: Vec::new(),
            sockets: None,
            spares: Vec::new(),
            when: None,
            sees_rest: false,
            ambient: false,
        }
    }
}

/// What a layer is called that is written as an expression: its path, without the arguments that a
/// factory is given. `None` for a function that is written in its place.
#[must_use]
pub fn written_name(expr: &Expr) -> Option<String> {
    let mut at = expr;
    while let ExprKind::Call(call) = &at.kind {
        at = &call.callee;
    }
    let path = Path::of(at);
    (!path.segments.is_empty() && !path.opaque).then(|| path.segments.join("."))
}

/// What a reader of the program would call a value: the function's, class's or library's name.
#[must_use]
pub fn name_of<'p>(trace: &Trace<'p>, value: &Value<'p>) -> String {
    let last = |path: &str| path.rsplit(['.', ':']).next().unwrap_or(path).to_owned();
    match value {
        Value::Function(closure) => {
            let own = closure.function.name.as_deref();
            own.map_or_else(|| last(&closure.qualified), str::to_owned)
        }
        Value::Class(class) => last(&class.qualified),
        Value::Object(object) => last(&object.class.qualified),
        Value::External(path) => last(path),
        Value::Native(_) => match trace.made(value) {
            Some(record) => last(trace.path_of(&record).trim_end_matches("()")),
            None => String::new(),
        },
        Value::Method(method) => method.1.to_string(),
        Value::Choice(values) => {
            values.first().map_or_else(String::new, |value| name_of(trace, value))
        }
        _ => String::new(),
    }
}

/// How a [`Layer`] is asked whether an anonymous caller may go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LayerKind {
    /// Called with the handler, it gives what is called instead.
    Wrapper,
    /// Called with the request and what to call to go on.
    Middleware,
    /// As middleware, before all that an application serves: that it looks up who calls says
    /// nothing of one route.
    Ambient,
    /// As middleware, and whatever it looks at is a credential.
    Scheme,
    /// Going on is to give back nothing.
    Hook,
    /// Going on is to give something back, and not to raise.
    Dependency,
    /// Going on is to give back anything but a refusal, and not to raise.
    Step,
    /// As a dependency, before all that an application serves: that it looks up who calls says
    /// nothing of one route.
    Lookup,
    /// Going on is to give back something true.
    Predicate,
    /// The reader knows.
    Decided(AuthState),
}

/// A layer that holds for what is registered after it, below a path.
#[derive(Debug, Clone)]
pub struct Guard<'p> {
    /// The layer.
    pub layer: Layer<'p>,
    /// The path below the router that it holds for, in whole segments; `*` for the rest.
    pub path: Text,
    /// The methods that it holds for; empty is all.
    pub methods: Vec<String>,
    /// Whether it sees only what follows that path.
    pub is_mounted: bool,
}

/// Something registered on a router.
#[derive(Debug)]
pub enum Entry<'p> {
    /// A layer.
    Guard(Guard<'p>),
    /// A layer whose path is a pattern for whole paths.
    Pattern(Guard<'p>),
    /// A route.
    Route(Box<Registration<'p>>),
    /// Another router.
    Mount(Mount<'p>),
    /// Something below a path that answers what nobody knows.
    Opaque(Opaque),
}

/// A handler below a path that a library makes, or that nobody could evaluate: it may answer any
/// path that begins so.
#[derive(Debug, Clone)]
pub struct Opaque {
    /// The path below the router, as the framework writes it.
    pub path: Text,
    /// Where it is mounted.
    pub place: Place,
    /// Whether it certainly answers, and is nothing that stands before other handlers.
    pub is_certain: bool,
}

/// A router on another.
#[derive(Debug)]
pub struct Mount<'p> {
    /// Which is mounted.
    pub child: CallId,
    /// The whole prefix that the mount gives it.
    pub prefix: Text,
    /// What stands before it.
    pub layers: Vec<Layer<'p>>,
    /// Another name than the router's own.
    pub name: Option<String>,
    /// Whether what is mounted sees only what follows the prefix of a request's path.
    pub strips: bool,
    /// Under a condition that could not be decided.
    pub conditional: bool,
    /// Whether what is registered on the router later is left out.
    pub copies: bool,
    /// The call that mounts it, where one does.
    pub at: Option<CallId>,
}

impl Mount<'_> {
    /// A router below a prefix, and nothing else.
    #[must_use]
    pub fn new(child: CallId, prefix: Text, conditional: bool) -> Self {
        Self {
            child,
            prefix,
            layers: Vec::new(),
            name: None,
            strips: false,
            conditional,
            copies: false,
            at: None,
        }
    }
}

/// A registered route.
#[derive(Debug, Clone)]
pub struct Registration<'p> {
    /// Upper-case methods; empty is any.
    pub methods: Vec<String>,
    /// Whether the methods are known.
    pub methods_known: bool,
    /// The path below the router's mounts, as the framework writes it.
    pub path: Text,
    /// The handler.
    pub handler: Handler<'p>,
    /// What stands before the handler, outermost first.
    pub layers: Vec<Layer<'p>>,
    /// The path that a request shows to layers and handler, where that is not the whole one.
    pub shown_path: Option<Text>,
    /// The part of the path that the whole application lies below.
    pub base: String,
    /// The handler itself, where it may hand a request on to what is registered later.
    pub hands_on: Option<Layer<'p>>,
    /// What the handler is called with.
    pub args: Args<'p>,
    /// The name that other code can ask for the path by, where the program gives one.
    pub name: Option<String>,
    /// What decorators note on the handler and its class, by key, and whether it is true.
    pub metadata: Vec<(String, bool)>,
    /// The same with the values, apart for the handler and its class.
    pub notes: Rc<Notes>,
    /// The declared type of the body that it takes.
    pub request: Option<String>,
    /// The declared type of what it answers.
    pub response: Option<String>,
    /// Paths on the request where what stands before it leaves who calls, and nothing for a caller
    /// of whom nothing is known.
    pub nobody: Rc<BTreeSet<String>>,
    /// Under a condition that could not be decided.
    pub conditional: bool,
    /// Whether it answers longer paths, too.
    pub takes_longer: bool,
    /// The call that registers it, where one does.
    pub at: Option<CallId>,
}

impl<'p> Registration<'p> {
    /// A route that nothing more is known of.
    #[must_use]
    pub fn new(methods: (Vec<String>, bool), path: Text, handler: Handler<'p>) -> Self {
        Self {
            methods: methods.0,
            methods_known: methods.1,
            path,
            handler,
            layers: Vec::new(),
            shown_path: None,
            base: String::new(),
            hands_on: None,
            args: Args::default(),
            name: None,
            metadata: Vec::new(),
            notes: Rc::default(),
            request: None,
            response: None,
            nobody: Rc::default(),
            conditional: false,
            takes_longer: false,
            at: None,
        }
    }
}

/// What answers.
#[derive(Debug, Clone)]
pub struct Handler<'p> {
    /// Its qualified name.
    pub name: Option<String>,
    /// Where a reader finds it.
    pub place: Place,
    /// The function, where it is one of the program.
    pub function: Option<Rc<Closure<'p>>>,
    /// The function that does the work, where `function` only calls it.
    pub inner: Option<Rc<Closure<'p>>>,
}

impl<'p> Handler<'p> {
    /// The handler that a value is, and the place of the registration where it is none of the
    /// program's.
    #[must_use]
    pub fn of(value: Option<&Value<'p>>, registered: Place) -> Self {
        match value {
            Some(Value::Function(closure)) => {
                let inner = wrapped_in(closure);
                let named = inner.as_ref().unwrap_or(closure);
                let is_named = named.function.name.is_some();
                Self {
                    name: is_named.then(|| named.qualified.to_string()),
                    place: if is_named { named.place() } else { registered },
                    function: Some(Rc::clone(closure)),
                    inner,
                }
            }
            Some(Value::Class(class)) => Self::of_class(class),
            Some(Value::Object(object)) => Self::of_method(&object.class, "__call__"),
            _ => Self { name: None, place: registered, function: None, inner: None },
        }
    }

    /// A class that answers.
    #[must_use]
    pub fn of_class(class: &Rc<ClassValue<'p>>) -> Self {
        Self {
            name: Some(class.qualified.to_string()),
            place: Place { file: class.env.file, span: class.class.name_span },
            function: None,
            inner: None,
        }
    }

    /// The method of a class that answers: where the program has it, in the class or in one of its
    /// bases; else the class, for a method that a library has.
    #[must_use]
    pub fn of_method(class: &Rc<ClassValue<'p>>, method: &str) -> Self {
        match class.attribute(method) {
            // What a type only declares is no answer.
            Some((Value::Function(closure), owner)) if !owner.class.is_interface => Self {
                name: Some(format!("{}.{method}", class.qualified)),
                place: closure.place(),
                function: Some(closure),
                inner: None,
            },
            _ => Self::of_class(class),
        }
    }
}

/// The function that was given to the one that made an anonymous function, as `asyncHandler(list)`
/// and `wrap(list)` are; `None` when that is not one alone.
fn wrapped_in<'p>(closure: &Rc<Closure<'p>>) -> Option<Rc<Closure<'p>>> {
    if closure.function.name.is_some() || closure.env.parent.is_none() {
        return None;
    }
    let vars = closure.env.vars.borrow();
    let mut functions = vars.iter().filter_map(|(name, value)| match value {
        Value::Function(inner) if !Rc::ptr_eq(inner, closure) => {
            mentions(&closure.function.body, name).then_some(inner)
        }
        _ => None,
    });
    let inner = functions.next()?;
    functions.next().is_none().then(|| Rc::clone(inner))
}

/// Whether code mentions a name.
fn mentions(body: &Block, name: &str) -> bool {
    let mut mentions = Mentions { name, found: false };
    walk_block(&mut mentions, body);
    mentions.found
}

struct Mentions<'m> {
    name: &'m str,
    found: bool,
}

impl<'m> Visitor<'m> for Mentions<'m> {
    fn enter_expr(&mut self, expr: &'m Expr) -> Walk {
        self.found |= matches!(&expr.kind, ExprKind::Name(name) if name == self.name);
        Walk::Into
    }
}

/// Every router of a program.
#[derive(Debug, Default)]
pub struct Graph<'p> {
    /// By the call that made them.
    pub routers: BTreeMap<CallId, Router<'p>>,
    /// Calls that give back the router that they were made on, as chained registrations do.
    same: BTreeMap<CallId, CallId>,
    /// The call that is being read.
    now: CallId,
    /// Whether the reader says which one that is.
    says_now: bool,
    /// How many routers no call has made.
    uncalled: u32,
}

impl<'p> Graph<'p> {
    /// Says which call is being read: several readers may register on one router, and the order of
    /// the calls is what counts.
    pub fn at(&mut self, call: CallId) {
        self.now = call;
        self.says_now = true;
    }

    /// Says that another reader begins, who may follow no calls.
    pub fn begin(&mut self) {
        self.says_now = false;
    }

    fn said_now(&self) -> Option<CallId> {
        self.says_now.then_some(self.now)
    }

    /// Puts what is registered into the order in which the program does it.
    pub fn settle(&mut self) {
        for router in self.routers.values_mut() {
            router.entries.sort_by_key(|(at, _)| *at);
        }
    }

    /// The call that made the router which a call gives back.
    #[must_use]
    pub fn origin(&self, id: CallId) -> CallId {
        self.same.get(&id).copied().unwrap_or(id)
    }

    /// Notes that a call gives back the router that it was made on.
    pub fn gives_back(&mut self, call: CallId, router: CallId) {
        let origin = self.origin(router);
        self.same.insert(call, origin);
    }

    /// A router of one framework.
    pub fn router(&mut self, id: CallId, framework: &str) -> Option<&mut Router<'p>> {
        let id = self.origin(id);
        self.routers.get_mut(&id).filter(|router| router.framework == framework)
    }

    /// Adds a router that serves only where it is mounted.
    pub fn add(&mut self, id: CallId, framework: &'static str, prefix: Text) {
        let router = Router {
            framework,
            is_application: false,
            prefix,
            name: None,
            conditional: false,
            served: None,
            entries: Vec::new(),
            layers: Vec::new(),
        };
        self.routers.insert(id, router);
    }

    /// Adds an application, by the call that makes it.
    pub fn add_application(&mut self, id: CallId, framework: &'static str, call: &CallRecord<'p>) {
        let (prefix, conditional) = (Text::default(), call.conditional);
        let router = Router {
            framework,
            is_application: true,
            prefix,
            name: None,
            conditional,
            served: None,
            entries: Vec::new(),
            layers: Vec::new(),
        };
        self.routers.insert(id, router);
    }

    /// Adds an application that no call makes, since it is made of files.
    pub fn add_application_of_files(&mut self, framework: &'static str, prefix: Text) -> CallId {
        let id = self.add_uncalled(framework, prefix);
        if let Some(router) = self.routers.get_mut(&id) {
            router.is_application = true;
        }
        id
    }

    /// Says that a router serves by itself.
    pub fn serves(&mut self, id: CallId) {
        let id = self.origin(id);
        if let Some(router) = self.routers.get_mut(&id) {
            router.is_application = true;
        }
    }

    /// Says that a router does not serve by itself. What was registered on it without a path or a
    /// handler that is known is forgotten.
    pub fn unserve(&mut self, id: CallId) {
        let id = self.origin(id);
        let Some(router) = self.routers.get_mut(&id) else { return };
        router.is_application = false;
        router.entries.retain(|(_, entry)| match entry {
            Entry::Route(route) => {
                let path = &route.path;
                route.handler.name.is_some() || !path.has_hole() || !path.is_empty()
            }
            _ => true,
        });
    }

    /// Whether other routers are mounted on one.
    #[must_use]
    pub fn mounts_others(&self, id: CallId) -> bool {
        self.routers.get(&self.origin(id)).is_some_and(|router| {
            router.entries.iter().any(|(_, entry)| matches!(entry, Entry::Mount(_)))
        })
    }

    /// Adds a router that no call makes, and that serves only where it is mounted.
    pub fn add_uncalled(&mut self, framework: &'static str, prefix: Text) -> CallId {
        let id = CallId(u32::MAX - self.uncalled);
        self.uncalled += 1;
        self.add(id, framework, prefix);
        id
    }

    /// Adds a route to a router.
    pub fn route(&mut self, id: CallId, registration: Registration<'p>) {
        let id = self.origin(id);
        let registration = Registration { at: registration.at.or(self.said_now()), ..registration };
        if let Some(router) = self.routers.get_mut(&id) {
            router.entries.push((self.now, Entry::Route(Box::new(registration))));
        }
    }

    /// Adds a layer that holds for everything on a router.
    pub fn layer(&mut self, id: CallId, layer: Layer<'p>) {
        let id = self.origin(id);
        if let Some(router) = self.routers.get_mut(&id) {
            router.layers.push(layer);
        }
    }

    /// Adds a layer that holds for what is on a router so far, outermost.
    pub fn cover(&mut self, id: CallId, layer: &Layer<'p>) {
        let id = self.origin(id);
        let Some(router) = self.routers.get_mut(&id) else { return };
        for (_, entry) in &mut router.entries {
            match entry {
                Entry::Route(registration) => registration.layers.insert(0, layer.clone()),
                Entry::Mount(mount) => mount.layers.insert(0, layer.clone()),
                Entry::Guard(_) | Entry::Pattern(_) | Entry::Opaque(_) => {}
            }
        }
    }

    /// Makes a router one that serves by itself.
    pub fn serve(&mut self, id: CallId, conditional: bool) {
        let id = self.origin(id);
        if let Some(router) = self.routers.get_mut(&id) {
            router.is_application = true;
            router.served = Some(router.served.unwrap_or(true) && conditional);
        }
    }

    /// Whether a call does something to a router under a condition that the router itself was not
    /// made under.
    #[must_use]
    pub fn is_conditional(&self, trace: &Trace<'p>, router: CallId, call: &CallRecord<'p>) -> bool {
        let made = trace.call(self.origin(router)).map_or(0, |made| made.conditions);
        call.conditions > made
    }

    /// Adds a layer that holds for everything on every application of a framework.
    pub fn layer_applications(&mut self, framework: &str, layer: &Layer<'p>) {
        let applications = self
            .routers
            .values_mut()
            .filter(|router| router.is_application && router.framework == framework);
        applications.for_each(|router| router.layers.push(layer.clone()));
    }

    /// Adds a layer that holds for what is registered after it.
    pub fn guard(&mut self, id: CallId, guard: Guard<'p>) {
        let id = self.origin(id);
        if let Some(router) = self.routers.get_mut(&id) {
            router.entries.push((self.now, Entry::Guard(guard)));
        }
    }

    /// Adds a handler that nobody knows.
    pub fn opaque(&mut self, id: CallId, opaque: Opaque) {
        let id = self.origin(id);
        if let Some(router) = self.routers.get_mut(&id) {
            router.entries.push((self.now, Entry::Opaque(opaque)));
        }
    }

    /// Adds a layer that holds for what is registered after it and fits a pattern.
    pub fn pattern(&mut self, id: CallId, guard: Guard<'p>) {
        let id = self.origin(id);
        if let Some(router) = self.routers.get_mut(&id) {
            router.entries.push((self.now, Entry::Pattern(guard)));
        }
    }

    /// Mounts a router on another.
    pub fn mount(&mut self, parent: CallId, child: CallId, prefix: Text, conditional: bool) {
        self.mount_as(parent, Mount::new(child, prefix, conditional));
    }

    /// Mounts a router on another as the mount says.
    pub fn mount_as(&mut self, parent: CallId, mount: Mount<'p>) {
        let parent = self.origin(parent);
        let child = self.origin(mount.child);
        let mount = Mount { at: mount.at.or(self.said_now()), ..mount };
        if parent != child
            && self.routers.contains_key(&child)
            && let Some(router) = self.routers.get_mut(&parent)
        {
            router.entries.push((self.now, Entry::Mount(Mount { child, ..mount })));
        }
    }
}

/// A prefix and a path with exactly one slash between them.
#[must_use]
pub fn join(prefix: &Text, path: &Text) -> Text {
    let mut out = prefix.clone();
    if prefix.parts().is_empty() {
        out.push(path);
        return out;
    }
    let ends = prefix.to_string().ends_with('/');
    let shown = path.to_string();
    if ends {
        out.push(&path.trim_start(&['/']));
    } else {
        if !shown.is_empty() && !shown.starts_with('/') {
            out.push_literal("/");
        }
        out.push(path);
    }
    out
}

/// The text of a value that is a path; anything but text is a hole.
#[must_use]
pub fn path_text(value: Option<&Value<'_>>) -> Text {
    value.map_or_else(|| Text::hole(""), Value::to_text)
}

/// Upper-case methods of a list of texts, and whether all are known.
#[must_use]
pub fn methods_of(value: &Value<'_>) -> (Vec<String>, bool) {
    match value {
        Value::List(items) => {
            let items = items.borrow();
            let known: Vec<_> =
                items.iter().filter_map(Value::as_str).map(str::to_ascii_uppercase).collect();
            let all = known.len() == items.len();
            (known, all)
        }
        Value::Text(text) => match text.as_literal() {
            Some(text) => (vec![text.to_ascii_uppercase()], true),
            None => (Vec::new(), false),
        },
        _ => (Vec::new(), false),
    }
}

/// The call that made what a value is.
#[must_use]
pub fn made_by(value: &Value<'_>) -> Option<CallId> {
    match value {
        Value::Native(id) => Some(*id),
        Value::Object(object) => object.native.get(),
        Value::Choice(values) => values.iter().find_map(made_by),
        _ => None,
    }
}
