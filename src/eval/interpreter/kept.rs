//! What a program keeps in things from outside: settings in `app.config`, anything in `app.state`.
//! What is put there under a name comes out again under it.

use std::collections::BTreeMap;
use std::rc::Rc;

use smol_str::SmolStr;

use super::Interpreter;
use crate::eval::link::Target;
use crate::eval::value::{Args, ClassValue, FileId, Value};
use crate::module::Span;
use crate::source::Language;

impl<'p> Interpreter<'p> {
    /// Whether a value is an attribute of a thing from outside, which may hold something.
    fn is_holder(value: &Value<'p>) -> bool {
        matches!(value, Value::Method(_)) && value.native_path().is_some()
    }

    /// An attribute of the application that the code runs for, where the program has put it there.
    pub(super) fn current(&self, path: &str, name: &str) -> Option<Value<'p>> {
        if !matches!(path, "flask.current_app" | "quart.current_app") {
            return None;
        }
        let app = self.application?;
        if name == "config" {
            return Some(Value::Method(Rc::new((Value::Native(app), name.into()))));
        }
        self.stored(&Value::Native(app), name)
    }

    /// What a holder has under a name.
    pub(super) fn kept(&self, holder: &Value<'p>, name: &str) -> Option<Value<'p>> {
        if Self::is_holder(holder) { self.stored(holder, name) } else { None }
    }

    /// `holder[key] = value`, which readers see as a call.
    pub(super) fn set_item(
        &mut self,
        holder: &Value<'p>,
        key: Value<'p>,
        value: Value<'p>,
        span: Span,
    ) {
        if !Self::is_holder(holder) {
            return;
        }
        if let Some(name) = key.as_str() {
            self.store(holder, name, value.clone());
        }
        let callee = Value::Method(Rc::new((holder.clone(), "__setitem__".into())));
        self.record(callee, Args::of(vec![key, value]), span, None);
    }

    /// A call of a method of a holder: of those of a dictionary, and of those that fill one.
    /// `None` for what is another's business.
    pub(super) fn holder_call(
        &mut self,
        holder: &Value<'p>,
        method: &str,
        args: &Args<'p>,
    ) -> Option<Value<'p>> {
        if self.language() != Language::Python || !Self::is_holder(holder) {
            return None;
        }
        let first = args.positional.first();
        let key = first.and_then(Value::as_str);
        match method {
            "get" | "setdefault" => {
                let known = key.and_then(|key| self.kept(holder, key));
                if let (None, Some(key), "setdefault") = (&known, key, method) {
                    let value = args.positional.get(1).cloned().unwrap_or(Value::None);
                    self.store(holder, key, value);
                }
                Some(known.unwrap_or_default())
            }
            "update" | "from_mapping" | "from_object" => {
                for (name, value) in &args.named {
                    self.store(holder, name, value.clone());
                }
                if let Some(source) = first.cloned() {
                    self.fill(holder, &source);
                }
                Some(Value::Unknown)
            }
            _ => None,
        }
    }

    fn fill(&mut self, holder: &Value<'p>, source: &Value<'p>) {
        let sources: Vec<_> = source.alternatives().iter().map(|one| self.settings(one)).collect();
        let known: Vec<_> = sources.into_iter().flatten().collect();
        let mut names: BTreeMap<SmolStr, Vec<Value<'p>>> = BTreeMap::new();
        for (name, value) in known.iter().flatten() {
            names.entry(name.clone()).or_default().push(value.clone());
        }
        for (name, mut values) in names {
            if values.len() < known.len() {
                values.push(Value::Unknown);
            }
            self.store(holder, &name, Value::choice(values));
        }
    }

    /// The settings that a module, a class, an object, a dictionary or the name of one holds;
    /// `None` where nothing is known of it.
    fn settings(&mut self, source: &Value<'p>) -> Option<BTreeMap<SmolStr, Value<'p>>> {
        let is_setting =
            |name: &str| name.chars().any(char::is_uppercase) && name == name.to_uppercase();
        let of_class = |class: &Rc<ClassValue<'p>>| {
            let mut out = BTreeMap::new();
            for class in class.lineage().0.into_iter().rev() {
                let vars = class.env.vars.borrow();
                out.extend(vars.iter().map(|(name, value)| (name.clone(), value.clone())));
            }
            out
        };
        let mut out: BTreeMap<SmolStr, Value<'p>> = match source {
            Value::Module(file) => self.modules[file.0 as usize].env.vars.borrow().clone(),
            Value::Class(class) => of_class(class),
            Value::Object(object) => {
                let mut out = of_class(&object.class);
                out.extend(object.fields.borrow().clone());
                out
            }
            Value::Map(entries) => {
                let entries = entries.borrow();
                let known = entries
                    .iter()
                    .filter_map(|(key, value)| Some((SmolStr::from(key.as_str()?), value.clone())));
                return Some(known.collect());
            }
            Value::Text(text) => {
                let path = text.as_literal()?.to_owned();
                let value = self.dotted(self.frame.env.file, &path)?;
                return match value {
                    Value::Text(_) => None,
                    value => self.settings(&value),
                };
            }
            _ => return None,
        };
        out.retain(|name, _| is_setting(name));
        Some(out)
    }

    /// What a dotted path in a text means to a file: `package.module.Class`, `package.module:name`.
    pub(super) fn dotted(&mut self, from: FileId, path: &str) -> Option<Value<'p>> {
        let path = path.replace(':', ".");
        let mut module = path.as_str();
        loop {
            let target = self.program.resolve(from, module);
            let value = match target {
                Target::File(file) => {
                    self.load(file);
                    Some(Value::Module(file))
                }
                Target::Package(folder) => Some(Value::Package(folder)),
                // Readers ask for files that hold nothing of a framework but a name.
                Target::Missing(file) => {
                    self.missing.insert(file);
                    return None;
                }
                Target::External(_) => None,
            };
            if let Some(mut value) = value {
                let rest = path[module.len()..].trim_start_matches('.');
                for name in rest.split('.').filter(|name| !name.is_empty()) {
                    value = match value {
                        Value::Module(file) => self.member(file, name),
                        Value::Package(folder) => self.submodule(&folder, name)?,
                        Value::Class(class) => class.attribute(name)?.0,
                        _ => return None,
                    };
                }
                return (!matches!(value, Value::Unknown)).then_some(value);
            }
            module = module.rsplit_once('.')?.0;
        }
    }
}
