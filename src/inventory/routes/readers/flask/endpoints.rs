//! The views that an application has by now, by endpoint, as a program goes through them.

use std::rc::Rc;

use super::VERBS;
use crate::eval::interpreter::Library;
use crate::eval::interpreter::libraries::Host;
use crate::eval::value::{CallId, CallRecord, Closure, Value};
use crate::inventory::routes::graph::made_by;

/// Tells `app.view_functions.items()` and its kin.
pub(super) const LIBRARY: Library = Library { called, would_call: |_, _| false, call: no_call };

/// The deepest nesting of blueprints.
const MAX_NESTING: usize = 8;
/// The most functions of `functools.wraps` around each other.
const MAX_WRAPPERS: usize = 16;

fn no_call<'p>(_host: &mut Host<'_, 'p>, _closure: &Rc<Closure<'p>>) -> bool {
    false
}

fn called<'p>(host: &mut Host<'_, 'p>, id: CallId) -> Option<Value<'p>> {
    let call = host.record(id)?;
    let (app, "view_functions", method @ ("items" | "keys" | "values" | "copy")) =
        call.attribute_method()?
    else {
        return None;
    };
    let mut views = Vec::new();
    collect(host, app, id, "", &mut views, 0);
    Some(match method {
        "copy" => Value::map(views),
        "items" => Value::list(
            views.into_iter().map(|(name, view)| Value::list(vec![name, view])).collect(),
        ),
        "keys" => Value::list(views.into_iter().map(|(name, _)| name).collect()),
        _ => Value::list(views.into_iter().map(|(_, view)| view).collect()),
    })
}

/// What was registered on an application or a blueprint before a call: each view with its endpoint,
/// both unknown where that is not told.
fn collect<'p>(
    host: &Host<'_, 'p>,
    router: CallId,
    until: CallId,
    prefix: &str,
    views: &mut Vec<(Value<'p>, Value<'p>)>,
    depth: usize,
) {
    let mut add = |endpoint: Option<&Value<'p>>, view: Option<&Value<'p>>| {
        let view = view.cloned().unwrap_or_default();
        let name = match endpoint.filter(|endpoint| !matches!(endpoint, Value::None)) {
            Some(endpoint) => endpoint.as_str().map(str::to_owned),
            None => name_of(host, &view),
        };
        let name = name.map_or(Value::Unknown, |name| Value::text(&format!("{prefix}{name}")));
        views.push((name, view));
    };
    let mut mounted = Vec::new();
    for at in router.0..until.0 {
        let Some(call) = host.record(CallId(at)) else { continue };
        if let Some(registrar) = call.applied().and_then(|id| host.record(id)) {
            if let Some((of, method)) = registrar.method()
                && of == router
                && (VERBS.contains(&method) || matches!(method, "route" | "websocket"))
            {
                add(registrar.args.keyword("endpoint"), call.args.positional.first());
            }
        } else if let Some((of, method)) = call.method()
            && of == router
        {
            match method {
                "add_url_rule" => {
                    add(call.args.get(1, "endpoint"), call.args.get(2, "view_func"));
                }
                "register_blueprint" => mounted.push((CallId(at), call)),
                _ => {}
            }
        }
    }
    for (at, call) in mounted.into_iter().filter(|_| depth < MAX_NESTING) {
        let Some(child) = call.args.get(0, "blueprint").and_then(made_by) else { continue };
        let named = call.args.keyword("name").cloned().or_else(|| own_name(host, child));
        if let Some(name) = named.as_ref().and_then(Value::as_str) {
            collect(host, child, at, &format!("{prefix}{name}."), views, depth + 1);
        } else {
            views.push((Value::Unknown, Value::Unknown));
        }
    }
}

/// The name that a blueprint was made with.
fn own_name<'p>(host: &Host<'_, 'p>, blueprint: CallId) -> Option<Value<'p>> {
    host.record(blueprint)?.args.get(0, "name").cloned()
}

/// What a view is called: the name of the function, or the one that its class is given.
fn name_of<'p>(host: &Host<'_, 'p>, view: &Value<'p>) -> Option<String> {
    let mut view = view.clone();
    for _ in 0..MAX_WRAPPERS {
        view = match &view {
            Value::Function(closure) => {
                let wrapped = closure.attributes.borrow().get("__wrapped__").cloned();
                match wrapped {
                    Some(wrapped) => wrapped,
                    None => return closure.function.name.as_ref().map(ToString::to_string),
                }
            }
            Value::Native(id) => {
                let made: Rc<CallRecord<'p>> = host.record(*id)?;
                let of_class =
                    matches!(&made.callee, Value::Method(method) if method.1 == "as_view");
                let first = made.args.positional.first()?;
                if of_class {
                    return first.as_str().map(str::to_owned);
                }
                first.clone()
            }
            _ => return None,
        };
    }
    None
}
