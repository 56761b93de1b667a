//! What Pyramid does while a program runs: it calls what is included, what directives are, and what
//! is attached to what a scan meets.

use std::rc::Rc;

use super::NAME;
use super::scans::Scan;
use crate::eval::interpreter::Library;
use crate::eval::interpreter::libraries::Host;
use crate::eval::value::{Args, CallId, CallRecord, Closure, Place, Value};

/// What Pyramid does while a program runs.
pub(in super::super) const LIBRARY: Library = Library { called, would_call, call };

/// The call by which what is included gets a configurator of its own: of which other one, and
/// below which prefix.
pub(super) const CONTEXT: &str = "pyramid.config.context";
/// The configurator of functions that nothing includes.
pub(super) const NOWHERE: &str = "pyramid.config.nowhere";

/// Whether a dotted path is that of the class of configurators.
pub(super) fn is_configurator(path: &str) -> bool {
    matches!(path, "pyramid.config.Configurator" | "pyramid.testing.setUp")
}

fn called<'p>(host: &mut Host<'_, 'p>, id: CallId) -> Option<Value<'p>> {
    let call = host.record(id)?;
    if let Some(path) = call.path() {
        if is_configurator(path) {
            host.set_kind(id, NAME);
        }
        return (path == "venusian.attach").then(|| attached_to(&call));
    }
    let (config, method) = call.method()?;
    if host.kind(config)? != NAME {
        return None;
    }
    let Value::Method(callee) = &call.callee else { return None };
    let receiver = callee.0.clone();
    match method {
        "include" => {
            include(host, config, &call);
            None
        }
        "add_directive" => {
            let name = format!("#directive {}", call.args.get(0, "name")?.as_str()?);
            let directive = resolved(host, call.args.get(1, "directive")?, call.place)?;
            host.store(*host.lineage(config).last()?, &name, directive);
            None
        }
        "with_package" => Some(receiver),
        "maybe_dotted" => resolved(host, call.args.get(0, "dotted")?, call.place),
        "action" => {
            let function = call.args.get(1, "callable")?;
            let mut args = Args::of(call.args.get(2, "args").and_then(Value::items)?);
            args.open = true;
            host.call(function, None, args, call.place);
            None
        }
        "scan" => {
            scan(host, &receiver, &call);
            None
        }
        other => {
            let directive =
                host.stored(*host.lineage(config).last()?, &format!("#directive {other}"))?;
            let mut args = call.args.clone();
            args.positional.insert(0, receiver);
            Some(host.call(&directive, None, args, call.place))
        }
    }
}

/// What a text or a value means that may be the dotted name of something.
fn resolved<'p>(host: &mut Host<'_, 'p>, value: &Value<'p>, place: Place) -> Option<Value<'p>> {
    match value {
        Value::Text(text) => host.dotted(place.file, text.as_literal()?),
        other => Some(other.clone()),
    }
}

/// Calls what is included, with a configurator whose routes lie below the prefix.
fn include<'p>(host: &mut Host<'_, 'p>, config: CallId, call: &CallRecord<'p>) {
    let Some(given) = call.args.get(0, "callable") else { return };
    let several = given.alternatives();
    for item in &several {
        let function = match resolved(host, item, call.place) {
            Some(module @ Value::Module(_)) => host.attribute(&module, "includeme"),
            Some(function) => function,
            None => continue,
        };
        if !matches!(function, Value::Function(_)) {
            continue;
        }
        let prefix = call.args.get(1, "route_prefix").cloned().unwrap_or(Value::None);
        host.maybe(several.len() > 1, |host| {
            let args = Args::of(vec![Value::Native(config), prefix]);
            let child = host.record_call(CONTEXT, args, call.place);
            host.set_kind(child, NAME);
            host.inherit(child, config);
            host.call(&function, None, Args::of(vec![Value::Native(child)]), call.place);
        });
    }
}

/// What `venusian.attach` says of where something stands that it is attached to.
fn attached_to<'p>(call: &CallRecord<'p>) -> Value<'p> {
    let scope = match call.args.get(0, "wrapped") {
        Some(Value::Function(closure)) if closure.env.is_class => "class",
        _ => "module",
    };
    Value::map(vec![(Value::text("scope"), Value::text(scope))])
}

/// Calls back what is attached to what stands in the modules that are scanned.
fn scan<'p>(host: &mut Host<'_, 'p>, config: &Value<'p>, call: &CallRecord<'p>) {
    let package = call.args.get(0, "package").cloned().unwrap_or(Value::None);
    let package = match &package {
        Value::Text(_) => resolved(host, &package, call.place).unwrap_or_default(),
        _ => package,
    };
    let scan = Scan::of(host.program(), &package, call);
    let context = Value::map(vec![(Value::text("config"), config.clone())]);
    for id in host.calls_of("venusian.attach") {
        let Some(attach) = host.record(id) else { continue };
        let (Some(wrapped), Some(callback)) =
            (attach.args.get(0, "wrapped"), attach.args.get(1, "callback"))
        else {
            continue;
        };
        let (file, name, target) = match wrapped {
            Value::Function(closure) => {
                let name = closure.function.name.clone();
                let class = closure.env.is_class.then(|| host.class_of(&closure.env)).flatten();
                let target = class.map_or_else(|| wrapped.clone(), Value::Class);
                (closure.env.file, name, target)
            }
            Value::Class(class) => (class.env.file, class.class.name.clone(), wrapped.clone()),
            _ => continue,
        };
        if !scan.covers(host.program(), file) {
            continue;
        }
        let name = Value::text(name.as_deref().unwrap_or_default());
        let args = Args::of(vec![context.clone(), name, target]);
        host.call(callback, None, args, attach.place);
    }
}

/// `includeme(config)` of a library, or of a module that is included by a setting.
fn would_call<'p>(_: &Host<'_, 'p>, closure: &Closure<'p>) -> bool {
    closure.function.name.as_deref() == Some("includeme") && closure.env.parent.is_none()
}

fn call<'p>(host: &mut Host<'_, 'p>, closure: &Rc<Closure<'p>>) -> bool {
    let place = closure.place();
    let config = host.record_call(NOWHERE, Args::default(), place);
    host.set_kind(config, NAME);
    let args = Args::of(vec![Value::Native(config)]);
    host.call(&Value::Function(Rc::clone(closure)), None, args, place);
    true
}
