//! Settings that a program reads by `@nestjs/config`.

use crate::eval::interpreter::Trace;
use crate::eval::value::Value;

/// Makes a group of settings: `registerAs("app", () => ({ … }))`.
const REGISTER: &str = "@nestjs/config.registerAs";

/// What a value is, where it is a setting that the program gives.
pub(super) fn resolved<'p>(trace: &Trace<'p>, value: &Value<'p>) -> Value<'p> {
    match value {
        // A setting, or what stands in for it.
        Value::Choice(values) => {
            let mut resolved = values.iter().map(|value| resolved(trace, value));
            let is_known = |value: &Value<'p>| matches!(value, Value::Text(text) if text.as_literal().is_some());
            resolved.find(is_known).unwrap_or_else(|| value.clone())
        }
        Value::Native(_) => setting(trace, value).unwrap_or_else(|| value.clone()),
        other => other.clone(),
    }
}

fn setting<'p>(trace: &Trace<'p>, value: &Value<'p>) -> Option<Value<'p>> {
    let call = trace.made(value)?;
    let name = match &call.callee {
        Value::Method(method) => method.1.as_str(),
        Value::External(path) => path.rsplit('.').next()?,
        _ => return None,
    };
    if !matches!(name, "get" | "getOrThrow") {
        return None;
    }
    let key = call.args.positional.first()?.as_str()?.to_owned();
    let mut segments = key.split('.');
    let group = segments.next()?;
    let factory = trace.records().find_map(|(_, call)| {
        let is_group = call.path() == Some(REGISTER)
            && call.args.positional.first().and_then(Value::as_str) == Some(group);
        is_group.then(|| call.args.positional.get(1).cloned()).flatten()
    });
    let found = factory.and_then(|factory| {
        let mut value = trace.call_with_nothing(&factory);
        for segment in segments {
            value = value.entry(segment)?;
        }
        Some(value)
    });
    let default = || match call.args.positional.get(1) {
        Some(text @ Value::Text(_)) => Some(text.clone()),
        _ => None,
    };
    found.or_else(default)
}
