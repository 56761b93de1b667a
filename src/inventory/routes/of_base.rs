//! What the classes of Django do that views of the program are built on.

use super::caller::{is_denial_code, values};
use crate::eval::interpreter::probe::Told;
use crate::eval::value::Value;

/// Methods that say something of who calls, or go on.
const METHODS: &[&str] = &[
    "dispatch",
    "handle_no_permission",
    "permission_denied",
    "has_permission",
    "has_object_permission",
    "test_func",
    "check_permissions",
    "check_object_permissions",
    "initial",
    "setup",
    "accept",
    "close",
];

/// An attribute of `self` that the program does not define; nobody knows the others.
pub(super) fn attribute<'p>(name: &str) -> Option<Told<'p>> {
    match name {
        "request" => Some(Told::Value(values::request())),
        _ if METHODS.contains(&name) || is_refusal(name) => None,
        _ => Some(Told::Value(Value::Unknown)),
    }
}

/// What a method of the base does for an anonymous caller.
pub(super) fn call<'p>(method: &str) -> Told<'p> {
    match method {
        "dispatch" => Told::Passes,
        "handle_no_permission" | "permission_denied" => {
            Told::Throws { denial: true, asked: true, asks: true }
        }
        "initial" | "setup" | "check_permissions" | "check_object_permissions" => {
            Told::Value(Value::None)
        }
        "close" => Told::Refuses,
        "accept" => Told::Answers(Value::Unknown),
        // Of things, the classes of a library refuse nobody more.
        "has_object_permission" => Told::Value(Value::Bool(true)),
        "has_permission" | "test_func" => Told::Identity(Value::Bool(false)),
        // `return self.response_401()`
        _ if is_refusal(method) => {
            Told::Value(Value::External(format!("caller.base.{method}").into()))
        }
        _ => Told::Value(Value::Unknown),
    }
}

/// Whether a method makes the answer that refuses a caller.
fn is_refusal(method: &str) -> bool {
    let asks = ["is_", "has_", "check_", "get_"].iter().any(|start| method.starts_with(start));
    !asks && is_denial_code(&Value::External(method.into()))
}
