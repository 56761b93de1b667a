//! Middleware: functions for HTTP, classes with a `dispatch`, applications of ASGI around others,
//! and Starlette's authentication with a backend of the program.

use super::{Reader, items, library};
use crate::eval::value::{Args, Value};
use crate::inventory::routes::caller::values;
use crate::inventory::routes::graph::{Layer, LayerKind, name_of};

use super::endpoints::connection;

impl<'p> Reader<'_, '_, 'p> {
    /// `middleware=[Middleware(Class, option=…), …]`.
    pub(super) fn middlewares(
        &self,
        list: Option<&Value<'p>>,
        of_application: bool,
    ) -> Vec<Layer<'p>> {
        let mut out = Vec::new();
        for (item, certain) in items(list) {
            let Some(record) = self.trace.made(&item) else { continue };
            let Some(class) = record.args.get(0, "cls") else { continue };
            if let Some(mut layer) = self.middleware(class, &record.args, of_application) {
                layer.conditional |= record.conditional || !certain;
                out.push(layer);
            }
        }
        out
    }

    /// The layer of a class that is added as middleware; `args` begins with the class.
    pub(super) fn middleware(
        &self,
        class: &Value<'p>,
        args: &Args<'p>,
        of_application: bool,
    ) -> Option<Layer<'p>> {
        let kind = if of_application { LayerKind::Ambient } else { LayerKind::Middleware };
        if let Value::External(path) = class {
            return match library(path)? {
                "BaseHTTPMiddleware" => {
                    let dispatch = args.keyword("dispatch")?;
                    Some(self.http_middleware(dispatch, of_application))
                }
                "AuthenticationMiddleware" => self.backend(args.get(1, "backend")?, of_application),
                _ => None,
            };
        }
        let name = name_of(self.trace, class);
        let mut options = args.clone();
        options.named.retain(|(name, _)| name != "middleware_class" && name != "cls");
        let from = options.positional.len().min(1);
        options.positional.splice(..from, [values::handler()]);
        let (made, _) = self.trace.run(class, options);
        let mut layer = match &made {
            Value::Object(object) => {
                let has = |name: &str| {
                    matches!(object.class.attribute(name), Some((Value::Function(_), _)))
                };
                if has("dispatch") {
                    let dispatch = self.trace.attribute(&made, "dispatch");
                    self.http_middleware(&dispatch, of_application)
                } else if has("__call__") {
                    Layer::new(self.trace, kind, made.clone(), connection())
                } else {
                    return None;
                }
            }
            Value::Function(_) => Layer::new(self.trace, kind, made.clone(), connection()),
            _ => return None,
        };
        layer.name = name;
        Some(layer)
    }

    /// A function that is called with the request and what comes next, for HTTP alone.
    pub(super) fn http_middleware(&self, function: &Value<'p>, of_application: bool) -> Layer<'p> {
        let kind = if of_application { LayerKind::Ambient } else { LayerKind::Middleware };
        let args = Args::of(vec![values::request(), values::next()]);
        let mut layer = Layer::new(self.trace, kind, function.clone(), args);
        layer.sockets = Some(false);
        layer
    }

    /// The object that Starlette asks who calls: whoever it gives nothing for is nobody, and where
    /// it raises, nobody gets in.
    fn backend(&self, backend: &Value<'p>, of_application: bool) -> Option<Layer<'p>> {
        let kind = if of_application { LayerKind::Lookup } else { LayerKind::Dependency };
        let authenticate = match backend {
            Value::Object(_) => self.trace.attribute(backend, "authenticate"),
            Value::Class(class) => {
                self.trace.attribute(&self.trace.instance(class), "authenticate")
            }
            _ => return None,
        };
        let args = Args::of(vec![values::request()]);
        let mut layer = Layer::new(self.trace, kind, authenticate, args);
        layer.name = name_of(self.trace, backend);
        Some(layer)
    }
}
