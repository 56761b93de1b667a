//! The middleware that settings name.

use crate::eval::interpreter::Trace;
use crate::eval::value::{Args, FileId, Value};
use crate::inventory::routes::caller::values;
use crate::inventory::routes::graph::{Layer, LayerKind, name_of};
use crate::inventory::routes::readers::classes;
use crate::inventory::routes::wrapping::open;

/// What stands before every route of a site.
#[derive(Default)]
pub(super) struct Middleware<'p> {
    pub layers: Vec<Layer<'p>>,
    /// Whether a login is needed wherever a view does not say otherwise.
    pub needs_login: bool,
}

impl<'p> Middleware<'p> {
    pub(super) fn of(trace: &Trace<'p>, settings: FileId) -> Self {
        let mut out = Self::default();
        let listed = trace.member(settings, "MIDDLEWARE").items();
        let listed = listed.or_else(|| trace.member(settings, "MIDDLEWARE_CLASSES").items());
        for value in listed.unwrap_or_default() {
            let Some(path) = value.as_str() else { continue };
            match trace.dotted(settings, path) {
                Some(made) => out.own(trace, &made),
                None => out.needs_login |= path.ends_with(".LoginRequiredMiddleware"),
            }
        }
        out
    }

    /// A middleware of the program.
    fn own(&mut self, trace: &Trace<'p>, value: &Value<'p>) {
        let request = || Args::of(vec![values::request()]);
        let given = Args::of(vec![values::handler()]);
        match value {
            Value::Function(_) => {
                let made = trace.call_with(value, given);
                if matches!(made, Value::Function(_) | Value::Object(_)) {
                    let layer = Layer::new(trace, LayerKind::Ambient, made, request());
                    self.layers.push(Layer { name: name_of(trace, value), ..layer });
                }
            }
            Value::Class(class) => {
                let made = trace.call_with(value, given);
                if let Value::Object(object) = &made {
                    let slot = "get_response".into();
                    object.fields.borrow_mut().entry(slot).or_insert_with(values::handler);
                }
                let hooks = [
                    ("__call__", LayerKind::Ambient, request()),
                    ("process_request", LayerKind::Hook, request()),
                    (
                        "process_view",
                        LayerKind::Hook,
                        Args { positional: vec![values::request(), values::view()], ..open() },
                    ),
                ];
                for (name, kind, args) in hooks {
                    if let Some(method) = classes::method(trace, &made, name) {
                        let layer = Layer::new(trace, kind, method, args);
                        let own = class.qualified.rsplit('.').next().unwrap_or(&class.qualified);
                        self.layers.push(Layer { name: own.to_owned(), ..layer });
                    }
                }
            }
            _ => {}
        }
    }
}
