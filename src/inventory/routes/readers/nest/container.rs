//! Nest's container: instances of classes, with what their constructors and fields are declared to
//! be given.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use crate::eval::interpreter::Trace;
use crate::eval::value::{Args, ClassValue, Closure, Value};
use crate::inventory::routes::notes::key;
use crate::module::{Bind, ExprKind, Param, StmtKind};

/// Instances that are made for each other.
const MAX_NESTING: usize = 12;
/// Instances of one program.
const MAX_INSTANCES: usize = 20_000;

/// What is provided under a token, and the instances that were made.
pub(super) struct Container<'t, 'p> {
    trace: &'t Trace<'p>,
    /// Entries of `providers` by their token.
    providers: BTreeMap<String, Value<'p>>,
    instances: RefCell<BTreeMap<usize, Value<'p>>>,
    made: RefCell<BTreeMap<String, Value<'p>>>,
}

/// The text that stands for a token: a class, a text, a symbol.
fn token(value: &Value<'_>) -> Option<String> {
    match value {
        Value::Class(class) => Some(format!("class {}", Rc::as_ptr(class) as usize)),
        other => key(other),
    }
}

impl<'t, 'p> Container<'t, 'p> {
    pub(super) fn new(trace: &'t Trace<'p>) -> Self {
        Self {
            trace,
            providers: BTreeMap::new(),
            instances: RefCell::default(),
            made: RefCell::default(),
        }
    }

    /// Takes note of an entry `{ provide, useClass, … }`; the first of a token counts.
    pub(super) fn provide(&mut self, provider: &Value<'p>) {
        if let Some(token) = provider.entry("provide").as_ref().and_then(token) {
            self.providers.entry(token).or_insert_with(|| provider.clone());
        }
    }

    /// What an entry of `providers` comes to.
    pub(super) fn provided(&self, provider: &Value<'p>, depth: usize) -> Value<'p> {
        if let Some(class) = provider.entry("useClass") {
            return self.instance_of(&class, depth);
        }
        if let Some(value) = provider.entry("useValue") {
            return value;
        }
        if let Some(existing) = provider.entry("useExisting") {
            return self.resolve(&existing, depth);
        }
        if let Some(factory) = provider.entry("useFactory") {
            let inject = provider.entry("inject").and_then(|inject| inject.items());
            let inject = inject.unwrap_or_default();
            let args = inject.iter().map(|token| self.resolve(token, depth + 1)).collect();
            return self.trace.call_with(&factory, Args::of(args));
        }
        match provider {
            Value::Class(_) => self.instance_of(provider, depth),
            _ => Value::Unknown,
        }
    }

    /// What is given for a token.
    pub(super) fn resolve(&self, wanted: &Value<'p>, depth: usize) -> Value<'p> {
        if depth > MAX_NESTING {
            return Value::Unknown;
        }
        let wanted = &forwarded(self.trace, wanted);
        if let Some(token) = token(wanted)
            && let Some(provider) = self.providers.get(&token)
        {
            if let Some(known) = self.made.borrow().get(&token) {
                return known.clone();
            }
            // What needs itself gets nothing.
            self.made.borrow_mut().insert(token.clone(), Value::Unknown);
            let value = self.provided(provider, depth + 1);
            self.made.borrow_mut().insert(token, value.clone());
            return value;
        }
        match wanted {
            Value::Class(_) => self.instance_of(wanted, depth),
            // `{ token, optional }` of a factory.
            Value::Map(_) => match wanted.entry("token") {
                Some(token) => self.resolve(&token, depth + 1),
                None => Value::Unknown,
            },
            // Of a library, known by its path.
            Value::External(_) => wanted.clone(),
            _ => Value::Unknown,
        }
    }

    /// An instance of a class of the program, or what stands for one of a library.
    pub(super) fn instance_of(&self, class: &Value<'p>, depth: usize) -> Value<'p> {
        match &forwarded(self.trace, class) {
            Value::Class(class) if !class.class.is_interface => self.instance(class, depth),
            other @ Value::External(_) => other.clone(),
            _ => Value::Unknown,
        }
    }

    fn instance(&self, class: &Rc<ClassValue<'p>>, depth: usize) -> Value<'p> {
        let key = Rc::as_ptr(class) as usize;
        if let Some(known) = self.instances.borrow().get(&key) {
            return known.clone();
        }
        if depth > MAX_NESTING || self.instances.borrow().len() > MAX_INSTANCES {
            return Value::Unknown;
        }
        // What needs itself gets nothing.
        self.instances.borrow_mut().insert(key, Value::Unknown);
        let args = match class.attribute("constructor") {
            Some((Value::Function(constructor), _)) => {
                let params = &constructor.function.params;
                params.iter().map(|param| self.argument(&constructor, param, depth)).collect()
            }
            _ => Vec::new(),
        };
        let instance = self.trace.call_with(&Value::Class(Rc::clone(class)), Args::of(args));
        self.instances.borrow_mut().insert(key, instance.clone());
        self.fill_fields(class, &instance, depth);
        instance
    }

    /// What a parameter of a constructor is given.
    fn argument(&self, constructor: &Rc<Closure<'p>>, param: &'p Param, depth: usize) -> Value<'p> {
        for decorator in &param.decorators {
            let value = self.trace.value_in(&constructor.env, decorator);
            if let Some(made) = self.trace.made(&value)
                && self.trace.path_of(&made).ends_with(".Inject")
                && let Some(token) = made.args.positional.first()
            {
                return self.resolve(token, depth + 1);
            }
        }
        match &param.annotation {
            Some(annotation) => {
                let declared = self.trace.value_in(&constructor.env, annotation);
                self.resolve(&declared, depth + 1)
            }
            None => Value::Unknown,
        }
    }

    /// Gives what fields are declared to hold behind `@Inject()`.
    fn fill_fields(&self, class: &Rc<ClassValue<'p>>, instance: &Value<'p>, depth: usize) {
        let Value::Object(object) = instance else { return };
        for owner in class.lineage().0 {
            let body = &owner.class.body;
            for (at, stmt) in body.iter().enumerate() {
                let StmtKind::Bind(Bind { target, value: None, annotation, .. }) = &stmt.kind
                else {
                    continue;
                };
                let ExprKind::Name(name) = &target.kind else { continue };
                // Decorators of a field are statements before it.
                let before = body[..at].iter().rev();
                let decorators: Vec<Value<'p>> = before
                    .map_while(|stmt| match &stmt.kind {
                        StmtKind::Expr(decorator) => {
                            Some(self.trace.value_in(&owner.env, decorator))
                        }
                        _ => None,
                    })
                    .collect();
                let inject = decorators.iter().find_map(|value| {
                    let made = self.trace.made(value)?;
                    self.trace.path_of(&made).ends_with(".Inject").then_some(made)
                });
                let Some(inject) = inject else { continue };
                if object.fields.borrow().contains_key(name) {
                    continue;
                }
                let token = match (inject.args.positional.first(), annotation) {
                    (Some(token), _) => token.clone(),
                    (None, Some(annotation)) => self.trace.value_in(&owner.env, annotation),
                    (None, None) => continue,
                };
                let value = self.resolve(&token, depth + 1);
                object.fields.borrow_mut().insert(name.clone(), value);
            }
        }
    }
}

/// What `forwardRef(() => X)` stands for.
pub(super) fn forwarded<'p>(trace: &Trace<'p>, value: &Value<'p>) -> Value<'p> {
    let mut value = value.clone();
    for _ in 0..4 {
        let Some(made) = trace.made(&value) else { break };
        let path = trace.path_of(&made);
        let Some(first) = made.args.positional.first() else { break };
        value = match path.rsplit('.').next() {
            Some("forwardRef") => trace.call_with_nothing(first),
            Some("mixin") => first.clone(),
            _ => break,
        };
    }
    value
}
