//! Settings that a program reads through an object of a library: Starlette's `Config`, `environs`,
//! `django-environ`, `python-decouple`.

use std::rc::Rc;

use super::Interpreter;
use crate::eval::link::{Program, Target};
use crate::eval::text::Text;
use crate::eval::value::{Args, FileId, Value};
use crate::module::visit::{Visitor, Walk, walk_block};
use crate::module::{Expr, ExprKind, StmtKind, TextPart};
use crate::source::Language;

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

impl<'p> Interpreter<'p> {
    /// A setting of a Django project, as `django.conf.settings` has it. What is a truth value there
    /// is one by default: deployments differ in little else.
    pub(super) fn django_setting(&mut self, path: &str, name: &str) -> Option<Value<'p>> {
        if path == "rest_framework.permissions" && name == "SAFE_METHODS" {
            return Some(Value::list(["GET", "HEAD", "OPTIONS"].map(Value::text).to_vec()));
        }
        if path != "django.conf.settings" {
            return None;
        }
        let file = self.settings_of_django()?;
        match self.member(file, name) {
            Value::Unknown => None,
            value => Some(value.by_default()),
        }
    }
}

impl Interpreter<'_> {
    /// The settings that the programs of a Django project run with.
    pub(super) fn settings_of_django(&self) -> Option<FileId> {
        *self.django_settings.get_or_init(|| django_settings(self.program))
    }
}

/// The settings that the programs of a Django project run with: those that they name, else those
/// that say where the routes are.
fn django_settings(program: &Program<'_>) -> Option<FileId> {
    let python =
        || program.ids().filter(|id| program.file(*id).module.language == Language::Python);
    let named = python().find_map(|id| {
        let file = program.file(id);
        let name = file.path.rsplit('/').next().unwrap_or(file.path);
        if !matches!(name, "manage.py" | "wsgi.py" | "asgi.py") {
            return None;
        }
        let mut named = Named(None);
        walk_block(&mut named, &file.module.body);
        match program.resolve(id, &named.0?) {
            Target::File(file) => Some(file),
            _ => None,
        }
    });
    let has_routes = |id: &FileId| {
        program.file(*id).module.body.iter().any(|stmt| {
            matches!(&stmt.kind, StmtKind::Bind(bind)
                if matches!(&bind.target.kind, ExprKind::Name(name) if name == "ROOT_URLCONF"))
        })
    };
    named.or_else(|| python().find(has_routes))
}

/// Looks for `os.environ.setdefault("DJANGO_SETTINGS_MODULE", "…")`.
struct Named(Option<String>);

impl<'m> Visitor<'m> for Named {
    fn enter_expr(&mut self, expr: &'m Expr) -> Walk {
        let text = |expr: &Expr| match &expr.kind {
            ExprKind::Text(parts) => match parts.as_slice() {
                [TextPart::Literal(text)] => Some(text.to_string()),
                _ => None,
            },
            _ => None,
        };
        if let ExprKind::Call(call) = &expr.kind
            && let [first, second] = call.args.as_slice()
            && text(&first.value).as_deref() == Some("DJANGO_SETTINGS_MODULE")
        {
            self.0 = self.0.take().or_else(|| text(&second.value));
        }
        Walk::Into
    }
}
