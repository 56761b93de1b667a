//! What the libraries of Remix and React Router do for an anonymous caller: sessions in cookies,
//! and authenticators.

use super::caller::is_login_address;
use crate::eval::interpreter::probe::Told;
use crate::eval::value::{Args, Value};

/// A session without anything in it.
const SESSION: &str = "caller.request.session";

/// What a function of a library does.
pub(super) fn call<'p>(path: &str, args: &Args<'p>) -> Option<Told<'p>> {
    let (maker, name) = path.rsplit_once("().")?;
    match name {
        "getSession" if maker.ends_with("SessionStorage") => {
            Some(Told::Value(Value::External(SESSION.into())))
        }
        // A cookie that was not sent.
        "parse" if maker.ends_with(".createCookie") => Some(Told::Hint(Value::Absent)),
        "isAuthenticated" if maker.starts_with("remix-auth") => {
            let failure =
                args.positional.get(1).and_then(|options| options.entry("failureRedirect"));
            Some(match failure {
                Some(to) => {
                    let is_login = is_login_address(&to);
                    Told::Throws { denial: true, asked: true, asks: is_login }
                }
                None => Told::Identity(Value::Absent),
            })
        }
        _ => None,
    }
}
