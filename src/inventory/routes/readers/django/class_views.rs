//! Class views: a method for each verb, behind what dispatches to it.

use std::rc::Rc;

use smol_str::SmolStr;

use super::drf::{self, Asked};
use super::library;
use super::patterns::{Row, Walk};
use super::views::{Before, before, of_method, origin, request_args};
use crate::eval::text::Text;
use crate::eval::value::{Args, BASE, ClassValue, Value};
use crate::inventory::routes::caller::values;
use crate::inventory::routes::graph::{Handler, Layer, LayerKind, Registration, methods_of};
use crate::inventory::routes::readers::classes;
use crate::inventory::routes::wrapping::{self, open};

/// The verbs that a class may answer; what Django answers for every class is left out.
pub(super) const VERBS: &[&str] = &["get", "post", "put", "patch", "delete"];

/// The most bases of a class.
const MAX_BASES: usize = 128;

/// A class among the bases of a view.
pub(super) enum Base<'p> {
    Own(Rc<ClassValue<'p>>),
    Library(SmolStr),
}

/// A class and its bases in the order in which attributes are looked up.
pub(super) fn lookup<'p>(class: &Rc<ClassValue<'p>>) -> Vec<Base<'p>> {
    let mut visited: Vec<Base<'p>> = Vec::new();
    let mut queue = vec![Value::Class(Rc::clone(class))];
    while let Some(next) = queue.pop() {
        if visited.len() >= MAX_BASES {
            break;
        }
        match next {
            Value::Class(class) => {
                queue.extend(class.bases.iter().flat_map(Value::alternatives).rev());
                visited.push(Base::Own(class));
            }
            Value::External(path) => visited.push(Base::Library(path)),
            _ => {}
        }
    }
    // A base of several bases stands behind them all.
    let mut out: Vec<Base<'p>> = Vec::new();
    for base in visited.into_iter().rev() {
        let known = out.iter().any(|known| match (known, &base) {
            (Base::Own(a), Base::Own(b)) => Rc::ptr_eq(a, b),
            (Base::Library(a), Base::Library(b)) => a == b,
            _ => false,
        });
        if !known {
            out.push(base);
        }
    }
    out.reverse();
    out
}

impl<'p> Walk<'_, '_, 'p> {
    /// A row for each verb that a class answers.
    pub(super) fn class_rows(
        &self,
        class: &Rc<ClassValue<'p>>,
        initial: &Args<'p>,
        outer: &Before<'p>,
    ) -> Vec<Row<'p>> {
        let bases = lookup(class);
        let allowed = allowed(class, initial);
        let verbs: Vec<&str> = VERBS
            .iter()
            .copied()
            .filter(|verb| allowed.as_ref().is_none_or(|allowed| allowed.iter().any(|a| a == verb)))
            .filter(|verb| has_verb(class, &bases, verb))
            .collect();
        if drf::is_api(&bases) {
            let about_one = bases
                .iter()
                .any(|base| matches!(base, Base::Library(path) if library::is_about_one(path)));
            let rows = verbs.iter().map(|verb| {
                let asked = Asked { verb, action: verb, initial, is_detail: about_one };
                self.api_row(class, &bases, &asked, outer)
            });
            return rows.collect();
        }
        let instance = self.view_instance(class, initial);
        if verbs.is_empty() {
            return vec![self.without_verbs(class, &bases, &instance, outer)];
        }
        verbs.iter().map(|verb| self.verb_row(class, &bases, &instance, verb, outer)).collect()
    }

    /// A view as it is when a request comes.
    pub(super) fn view_instance(
        &self,
        class: &Rc<ClassValue<'p>>,
        initial: &Args<'p>,
    ) -> Value<'p> {
        let mut fields = vec![
            (BASE, Value::External("caller.base".into())),
            ("request", values::request()),
            ("kwargs", Value::Unknown),
            ("args", Value::Unknown),
        ];
        fields.extend(initial.named.iter().map(|(name, value)| (name.as_str(), value.clone())));
        classes::instance(self.trace, class, &fields)
    }

    fn verb_row(
        &self,
        class: &Rc<ClassValue<'p>>,
        bases: &[Base<'p>],
        instance: &Value<'p>,
        verb: &str,
        outer: &Before<'p>,
    ) -> Row<'p> {
        let gates = self.gates(class, bases, instance, verb);
        let mut layers = outer.layers.clone();
        layers.extend(gates.layers);
        let (handler, inner) = self.method(class, instance, verb);
        layers.extend(inner.layers);
        let methods = (vec![verb.to_ascii_uppercase()], true);
        let registration = Registration {
            layers,
            args: request_args(),
            ..Registration::new(methods, Text::default(), handler)
        };
        Row { registration, is_exempt: outer.is_exempt || gates.is_exempt }
    }

    /// The method of a view that answers, and what is wrapped around it.
    pub(super) fn method(
        &self,
        class: &Rc<ClassValue<'p>>,
        instance: &Value<'p>,
        name: &str,
    ) -> (Handler<'p>, Before<'p>) {
        let Some(view) = classes::method(self.trace, instance, name) else {
            return (Handler::of_class(class), Before::default());
        };
        let args = Args { positional: vec![instance.clone(), values::request()], ..open() };
        let unwrapped = classes::unwrap(self.trace, &view, &args, |_| false);
        let inner = before(self.trace, &unwrapped.layers, &args, None);
        let handler = match &unwrapped.view {
            Value::Function(closure) => {
                let handler = Handler::of(Some(&unwrapped.view), closure.place());
                classes::named_in(handler, class, name)
            }
            _ => Handler::of_class(class),
        };
        (handler, inner)
    }

    /// A view that answers no verb as far as anybody sees: it does before it dispatches, or a base
    /// does that nobody knows.
    fn without_verbs(
        &self,
        class: &Rc<ClassValue<'p>>,
        bases: &[Base<'p>],
        instance: &Value<'p>,
        outer: &Before<'p>,
    ) -> Row<'p> {
        let gates = self.gates(class, bases, instance, "");
        let mut layers = outer.layers.clone();
        layers.extend(gates.layers);
        let answers = class.attribute("dispatch").is_some();
        let handler = match answers {
            true => self.method(class, instance, "dispatch").0,
            false => Handler::of_class(class),
        };
        let registration = Registration {
            layers,
            args: request_args(),
            ..Registration::new((Vec::new(), answers), Text::default(), handler)
        };
        Row { registration, is_exempt: outer.is_exempt || gates.is_exempt }
    }

    /// What stands before a verb: mixins, the decorators of classes, and what dispatches.
    pub(super) fn gates(
        &self,
        class: &Rc<ClassValue<'p>>,
        bases: &[Base<'p>],
        instance: &Value<'p>,
        verb: &str,
    ) -> Before<'p> {
        let mut out = Before::default();
        let owner = bases.iter().position(
            |base| matches!(base, Base::Own(own) if own.env.vars.borrow().contains_key(verb)),
        );
        let mut has_dispatch = false;
        for (at, base) in bases.iter().enumerate() {
            match base {
                Base::Own(own) => {
                    self.class_decorators(
                        own,
                        verb,
                        owner.is_none_or(|owner| owner >= at),
                        &mut out,
                    );
                    let dispatch = own.env.vars.borrow().get("dispatch").cloned();
                    if let Some(Value::Function(closure)) = dispatch {
                        let args = Args {
                            positional: vec![instance.clone(), values::request()],
                            ..open()
                        };
                        let layers: Vec<_> = closure
                            .written_decorators()
                            .map(|(value, expr)| wrapping::decorator(self.trace, value, Some(expr)))
                            .collect();
                        let decorated = before(self.trace, &layers, &args, None);
                        out.layers.extend(decorated.layers);
                        out.is_exempt |= decorated.is_exempt;
                        if !has_dispatch {
                            has_dispatch = true;
                            // What hands on to nobody is no gate: it answers.
                            if drf::mentions(&closure, "dispatch") {
                                out.layers.extend(self.dispatch(class, instance));
                            }
                        }
                    }
                }
                Base::Library(path) => {
                    self.mixin(path, class, instance, &mut out);
                    if library::is_view(path) {
                        break;
                    }
                }
            }
        }
        out
    }

    /// `@method_decorator(login_required, name="dispatch")` on a class.
    fn class_decorators(
        &self,
        class: &Rc<ClassValue<'p>>,
        verb: &str,
        is_owner: bool,
        out: &mut Before<'p>,
    ) {
        for decorator in &class.decorators {
            let Some((path, args)) = origin(self.trace, decorator) else { continue };
            if !path.ends_with(".method_decorator") {
                continue;
            }
            let name = args.get(1, "name").and_then(Value::as_str).unwrap_or_default();
            if name != "dispatch" && (name != verb || !is_owner) {
                continue;
            }
            let layers: Vec<_> = of_method(&args)
                .iter()
                .map(|decorator| Layer {
                    args: request_args(),
                    ..wrapping::decorator(self.trace, decorator, None)
                })
                .collect();
            let decorated = before(self.trace, &layers, &request_args(), None);
            out.layers.extend(decorated.layers);
            out.is_exempt |= decorated.is_exempt && name == "dispatch";
        }
    }

    /// What the program does before it dispatches.
    fn dispatch(&self, class: &Rc<ClassValue<'p>>, instance: &Value<'p>) -> Option<Layer<'p>> {
        let Value::Function(bound) = self.trace.attribute(instance, "dispatch") else {
            return None;
        };
        let bare = Value::Function(Rc::new(bound.undecorated()));
        let layer = Layer::new(self.trace, LayerKind::Middleware, bare, request_args());
        Some(classes::gate(layer, class, "dispatch"))
    }

    /// What a class of a library does before it dispatches.
    fn mixin(
        &self,
        path: &str,
        class: &Rc<ClassValue<'p>>,
        instance: &Value<'p>,
        out: &mut Before<'p>,
    ) {
        let name = path.rsplit('.').next().unwrap_or(path);
        let asked = match name {
            "UserPassesTestMixin" => "test_func",
            "PermissionRequiredMixin" => "has_permission",
            _ => "",
        };
        if let Some(test) = classes::method(self.trace, instance, asked) {
            let layer = Layer::new(self.trace, LayerKind::Predicate, test, Args::default());
            out.layers.push(classes::gate(layer, class, asked));
            return;
        }
        let state = library::mixin(path).or_else(|| library::view(path).state);
        out.layers.extend(state.map(|state| Layer::decided(state, name)));
    }
}

/// The verbs that a class lets through, where it says so.
fn allowed<'p>(class: &Rc<ClassValue<'p>>, initial: &Args<'p>) -> Option<Vec<String>> {
    let own = class.attribute("http_method_names").map(|(value, _)| value);
    let names = initial.keyword("http_method_names").cloned().or(own)?;
    let (names, known) = methods_of(&names);
    known.then(|| names.iter().map(|name| name.to_ascii_lowercase()).collect())
}

/// Whether a class or one of its bases answers a verb.
fn has_verb(class: &Rc<ClassValue<'_>>, bases: &[Base<'_>], verb: &str) -> bool {
    match class.attribute(verb) {
        Some((Value::None, _)) => return false,
        Some(_) => return true,
        None => {}
    }
    let upper = verb.to_ascii_uppercase();
    bases.iter().any(|base| match base {
        Base::Library(path) => {
            library::methods(path).is_some_and(|methods| methods.contains(&upper.as_str()))
        }
        Base::Own(_) => false,
    })
}
