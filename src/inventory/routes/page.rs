//! A handler of Tornado as its own methods see it: request, answer and user in one.

use super::caller::{self, Anonymous};
use crate::eval::interpreter::probe::Told;
use crate::eval::value::{Args, Value};

/// What a method of `self` does for an anonymous caller. `surely` is false where nobody knows
/// whether the call is reached.
pub(super) fn call<'p>(
    request: &Anonymous,
    method: &str,
    args: &Args<'p>,
    surely: bool,
) -> Option<Told<'p>> {
    let first = args.get(0, "status_code");
    let denies = first.is_some_and(caller::is_denial_code);
    Some(match method {
        "set_status" if denies => {
            // In `prepare` the status alone stops nobody.
            if surely {
                request.has_denied.set(true);
            }
            if surely && request.in_hook.get() { Told::Value(Value::None) } else { Told::Refuses }
        }
        "set_status" => {
            if surely {
                request.has_denied.set(false);
            }
            if first.is_some_and(caller::is_method_code) {
                Told::RefusesMethod
            } else {
                Told::Value(Value::None)
            }
        }
        "send_error" | "write_error" if denies => Told::Refuses,
        "send_error" | "write_error" if first.is_some_and(caller::is_method_code) => {
            Told::RefusesMethod
        }
        "send_error" | "write_error" => Told::AnswersError,
        "redirect" if args.positional.first().is_some_and(caller::is_login_address) => {
            Told::Refuses
        }
        "finish" if request.has_denied.get() && request.in_hook.get() => Told::Refuses,
        // What is written under a refusing status is its explanation.
        "write" | "finish" | "flush" | "render" if request.has_denied.get() => {
            Told::Value(Value::None)
        }
        "write" | "finish" | "render" | "redirect" | "write_message" => {
            Told::Answers(Value::Unknown)
        }
        "get_secure_cookie" | "get_signed_cookie" => Told::Identity(Value::Absent),
        "get_current_user" => Told::Identity(Value::Absent),
        "get_login_url" => Told::Value(Value::text("/login")),
        "get_cookie" | "get_argument" | "get_query_argument" => {
            let key = args.positional.first().and_then(Value::as_str);
            let default = args.get(1, "default").cloned().unwrap_or(Value::Absent);
            // A caller whom nobody knows has no cookie, whatever it is called.
            let absent = key.map_or(method == "get_cookie", caller::is_credential);
            if absent { Told::Hint(default) } else { Told::Value(Value::Unknown) }
        }
        _ => return None,
    })
}
