//! What the standard library and the outside do that a program is followed through.

use std::rc::Rc;

use crate::eval::interpreter::Interpreter;
use crate::eval::value::{Args, Closure, Value};
use crate::module::{Expr, ExprKind, Param, Span};

/// Functions that give back their first argument, wrapped or not: by their last two names.
const WRAPPERS: &[(&str, &str)] = &[
    ("Box", "new"),
    ("Box", "pin"),
    ("Box", "from"),
    ("Rc", "new"),
    ("Rc", "clone"),
    ("Rc", "from"),
    ("Arc", "new"),
    ("Arc", "clone"),
    ("Arc", "from"),
    ("Pin", "new"),
    ("Cell", "new"),
    ("RefCell", "new"),
    ("Mutex", "new"),
    ("RwLock", "new"),
    ("OnceCell", "from"),
    ("Cow", "Borrowed"),
    ("Cow", "Owned"),
    ("Cow", "from"),
    ("String", "from"),
    ("String", "clone"),
    ("ToString", "to_string"),
    ("ToOwned", "to_owned"),
    ("Clone", "clone"),
    ("Into", "into"),
    ("From", "from"),
    ("AsRef", "as_ref"),
    ("Vec", "from"),
    ("Vec", "clone"),
    ("Vec", "from_iter"),
    ("convert", "identity"),
    ("future", "ready"),
    ("mem", "take"),
    ("IntoResponse", "into_response"),
    ("iter", "once"),
    ("EitherBody", "left"),
    ("EitherBody", "right"),
    ("str", "to_string"),
    ("str", "to_owned"),
    ("Wrapping", "new"),
    ("black_box", "black_box"),
];

/// Maps by their names.
const MAPS: &[&str] = &["HashMap", "BTreeMap", "IndexMap", "FxHashMap", "AHashMap"];
/// Lists and sets by their names.
const LISTS: &[&str] = &["Vec", "HashSet", "BTreeSet", "VecDeque", "IndexSet", "SmallVec"];

/// Types that routes are registered on.
const BUILDERS: &[&str] = &[
    "ApiRouter",
    "App",
    "OpenApiRouter",
    "Rocket",
    "Route",
    "Router",
    "Scope",
    "Server",
    "ServiceConfig",
];

impl<'p> Interpreter<'p> {
    /// What a function of the standard library gives back; `None` for any other.
    pub(super) fn known_function(&mut self, path: &str, args: &Args<'p>) -> Option<Value<'p>> {
        let mut names = path.rsplit("::");
        let (name, of) = (names.next().unwrap_or(path), names.next().unwrap_or(""));
        let first = || args.positional.first().cloned();
        // `request.guard::<Member>()`
        if path.starts_with("caller.request.")
            && matches!(path.rsplit('.').next(), Some("guard" | "extract" | "extract_parts"))
        {
            let of = args.types.first()?.clone();
            let result = Value::Annotated(Rc::new((Value::External("Result".into()), vec![of])));
            let given = self.inject("", Some(&result), None, Span::default());
            return Some(given.unwrap_or_default());
        }
        match (of, name) {
            ("" | "Option" | "Result" | "option" | "result" | "prelude", "Some" | "Ok" | "Err")
                if args.positional.len() == 1 =>
            {
                let name = match name {
                    "Some" => "Some",
                    "Ok" => "Ok",
                    _ => "Err",
                };
                Some(Value::variant(name, first()?))
            }
            ("future", "ok") => Some(Value::variant("Ok", first()?)),
            ("future", "err") => Some(Value::variant("Err", first()?)),
            ("ready" | "", "ready") | ("Some" | "Ok", "clone") => first(),
            ("Default", "default") => Some(Value::Unknown),
            ("String", "new") => Some(Value::text("")),
            _ if MAPS.contains(&of) => match name {
                "new" | "default" | "with_capacity" => Some(Value::map(Vec::new())),
                "from" | "from_iter" => {
                    let pairs = self.elements(&first()?)?;
                    let pairs = pairs.iter().map(|pair| match pair {
                        Value::List(pair) => {
                            let pair = pair.borrow();
                            (
                                pair.first().cloned().unwrap_or_default(),
                                pair.get(1).cloned().unwrap_or_default(),
                            )
                        }
                        _ => (Value::Unknown, Value::Unknown),
                    });
                    Some(Value::map(pairs.collect()))
                }
                _ => None,
            },
            _ if LISTS.contains(&of) && matches!(name, "new" | "default" | "with_capacity") => {
                Some(Value::list(Vec::new()))
            }
            _ if WRAPPERS.contains(&(of, name)) && !args.positional.is_empty() => first(),
            _ => None,
        }
    }

    /// The value that a type has by default.
    pub(super) fn default_of(&mut self, of: &Value<'p>) -> Option<Value<'p>> {
        let Value::Class(class) = of else { return None };
        let default = self.class_member(class, "default")?;
        Some(self.call_value(&default, Args::default(), Span::default()))
    }

    /// What is given to the outside to be called with the thing itself is called with it: the
    /// function that configures an application, the closure that finishes a builder.
    pub(in crate::eval::interpreter) fn called_outside(&mut self, made: &Value<'p>) {
        let Value::Native(id) = made else { return };
        if self.probing() {
            return;
        }
        let Some(record) = self.call_record(*id).map(Rc::clone) else { return };
        let itself = match &record.callee {
            Value::Method(method) if matches!(method.0, Value::Native(_)) => method.0.clone(),
            Value::Method(_) | Value::Native(_) => return,
            _ => made.clone(),
        };
        for value in record.args.positional.iter().flat_map(Value::alternatives) {
            let Value::Function(closure) = &value else { continue };
            if closure.function.name.is_none() || self.takes_itself(closure) {
                let conditional = usize::from(record.conditional && self.conditional == 0);
                self.conditional += conditional;
                let params = closure.function.params.len();
                let mut args = vec![Value::Unknown; params];
                if let Some(first) = args.first_mut() {
                    *first = itself.clone();
                }
                self.call_value(&value, Args::of(args), record.place.span);
                self.leaving = None;
                self.conditional -= conditional;
            }
        }
    }

    /// What stands for a parameter of a function that nothing here calls: something from outside
    /// that routes are registered on is one of which nothing is known but its type.
    pub(in crate::eval::interpreter) fn stand_in(&mut self, param: &'p Param) -> Value<'p> {
        if self.probing() {
            return Value::Unknown;
        }
        let of = match self.declared_type(param) {
            Some(Value::Annotated(of)) => of.0.clone(),
            Some(other) => other,
            None => return Value::Unknown,
        };
        match &of {
            Value::External(path) if BUILDERS.contains(&path.rsplit("::").next().unwrap_or("")) => {
                Value::Native(self.record(of.clone(), Args::default(), param.target.span, None))
            }
            _ => Value::Unknown,
        }
    }

    /// Whether a function changes a thing from outside that it is given: by a reference, or by
    /// giving it back.
    fn takes_itself(&mut self, closure: &Rc<Closure<'p>>) -> bool {
        if !closure.decorators.is_empty() {
            return false;
        }
        let function = closure.function;
        let Some(annotation) = function.params.first().and_then(|param| param.annotation.as_ref())
        else {
            return false;
        };
        let outer = std::mem::replace(&mut self.frame.env, Rc::clone(&closure.env));
        let taken = self.type_value(annotation);
        let given = function.returns.as_ref().map(|returns| self.type_value(returns));
        self.frame.env = outer;
        let path = |value: &Value<'p>| match value {
            Value::External(path) => Some(path.clone()),
            Value::Annotated(of) => match &of.0 {
                Value::External(path) => Some(path.clone()),
                _ => None,
            },
            _ => None,
        };
        let Some(taken) = path(&taken) else { return false };
        is_mutable(annotation) || given.as_ref().and_then(path).is_some_and(|given| given == taken)
    }
}

/// Whether a type is a reference that may be written through.
fn is_mutable(annotation: &Expr) -> bool {
    matches!(&annotation.kind, ExprKind::Unary { operator, .. } if operator.starts_with('&'))
}
