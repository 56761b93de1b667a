//! Settings that a program reads through an object of a library: Starlette's `Config`, `environs`,
//! `django-environ`, `python-decouple`.

use std::rc::Rc;

use super::Interpreter;
use crate::eval::text::Text;
use crate::eval::value::{Args, Value};

/// Classes whose instances read the environment, and where a default stands without its name.
const READERS: &[(&str, usize)] = &[
    ("starlette.config.Config", 2),
    ("decouple.Config", 1),
    ("decouple.AutoConfig", 1),
    ("environs.Env", 1),
    ("environs.FileAwareEnv", 1),
    ("environ.Env", 1),
];

impl<'p> Interpreter<'p> {
    /// What a call gives that reads a setting: `config("DEBUG", cast=bool, default=False)`,
    /// `env.str("ROOT", "/api")`.
    pub(super) fn setting_read(&self, callee: &Value<'p>, args: &Args<'p>) -> Option<Value<'p>> {
        let (reader, cast) = match callee {
            Value::Native(id) => (*id, None),
            Value::Method(method) => match &method.0 {
                Value::Native(id) => (*id, Some(method.1.as_str())),
                _ => return None,
            },
            _ => return None,
        };
        let path = self.call_record(reader)?.path()?;
        let (_, at) = READERS.iter().find(|(known, _)| *known == path)?;
        let name = args.positional.first().and_then(Value::as_str)?;
        let cast = match (cast, args.keyword("cast")) {
            (Some(cast), _) => cast,
            (None, Some(Value::External(cast))) => cast.rsplit('.').next().unwrap_or(cast),
            (None, Some(_)) => "",
            (None, None) => "str",
        };
        let default = args.get(*at, "default");
        Some(match (cast, default) {
            ("str" | "url" | "path" | "Path", None) => {
                Value::Text(Rc::new(Text::hole(name).from_env(name)))
            }
            ("str" | "url" | "path" | "Path", Some(Value::Text(text))) => {
                Value::Text(Rc::new((**text).clone().from_env(name)))
            }
            ("bool", Some(Value::Text(text))) => {
                let text = text.as_literal()?.to_ascii_lowercase();
                Value::Flag(matches!(text.as_str(), "true" | "1" | "yes" | "on"))
            }
            (_, Some(value @ Value::Bool(_))) => value.clone().by_default(),
            ("int" | "float" | "list", Some(value)) => value.clone(),
            _ => Value::Unknown,
        })
    }
}
