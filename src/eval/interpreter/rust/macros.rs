//! Macros: those that the program defines, and the usual ones.

use std::collections::BTreeMap;
use std::rc::Rc;

use smol_str::SmolStr;

use super::Rule;
use super::items::site;
use super::statements::is_log;
use crate::eval::expr::{self, Scope};
use crate::eval::interpreter::{Interpreter, MAX_CALLS, MAX_RECURSION, Thrown};
use crate::eval::text::Text;
use crate::eval::value::{Env, Place, Value};
use crate::module::path::last_name;
use crate::module::{Call, ExprKind, Function, Span};

/// Macros from outside that make lists.
const LISTS: &[&str] =
    &["routes", "rocket::routes", "catchers", "rocket::catchers", "openapi_get_routes"];
/// Those that make a list of routes, and with it what describes them.
const DESCRIBED: &str = "openapi_get_routes_spec";

/// What a macro that defines items is given.
pub(super) struct Substitutes<'p> {
    /// The names that stand for others.
    pub(super) names: BTreeMap<SmolStr, SmolStr>,
    /// What they mean where it is called.
    pub(super) values: BTreeMap<SmolStr, Value<'p>>,
    /// Where it is called.
    pub(super) place: Place,
}

impl<'p> Interpreter<'p> {
    /// The rule of the program's macros that a call means.
    fn rule(&self, call: &Call) -> Option<&'p Function> {
        let rules = self.rust.macros.get(last_name(&call.callee)?)?;
        let fits = |rule: &&Rule<'p>| {
            let fixed = rule.function.params.iter().filter(|param| !param.rest).count();
            let has_rest = fixed < rule.function.params.len();
            call.args.len() == fixed || has_rest && call.args.len() > fixed
        };
        let here = self.frame.env.file;
        let own = rules.iter().filter(|rule| rule.file == here).find(fits);
        own.or_else(|| rules.iter().find(fits)).map(|rule| rule.function)
    }

    /// What a rule's names stand for.
    fn given(&mut self, rule: &'p Function, call: &'p Call) -> BTreeMap<SmolStr, Value<'p>> {
        let mut values = BTreeMap::new();
        let mut args = call.args.iter();
        for param in &rule.params {
            let ExprKind::Name(name) = &param.target.kind else { continue };
            let value = if param.rest {
                let rest = args.by_ref().map(|arg| expr::eval(&arg.value, self)).collect();
                Value::list(rest)
            } else {
                args.next().map_or(Value::Unknown, |arg| expr::eval(&arg.value, self))
            };
            values.insert(name.clone(), value);
        }
        values
    }

    /// Defines what a macro makes among the items of a module.
    pub(super) fn define_by_macro(&mut self, env: &Rc<Env<'p>>, call: &'p Call, span: Span) {
        let frame =
            crate::eval::interpreter::Frame { env: Rc::clone(env), this: None, class: None };
        let outer = std::mem::replace(&mut self.frame, frame);
        if let Some(rule) = self.rule(call) {
            let values = self.given(rule, call);
            let names = rule
                .params
                .iter()
                .zip(&call.args)
                .filter_map(|(param, arg)| {
                    Some((last_name(&param.target)?.into(), last_name(&arg.value)?.into()))
                })
                .collect();
            let substitutes = Substitutes { names, values, place: site(env, span) };
            self.define_items(env, &rule.body, Some(&substitutes));
        }
        self.frame = outer;
    }

    pub(super) fn rust_macro(&mut self, call: &'p Call, span: Span) -> Value<'p> {
        if let Some(rule) = self.rule(call) {
            return self.run_rule(rule, call);
        }
        let name = last_name(&call.callee).unwrap_or("");
        let arg = |at: usize| call.args.get(at).map(|arg| &arg.value);
        match name {
            _ if is_log(name) => Value::None,
            "cfg" => arg(0)
                .and_then(|condition| super::items::holds(condition, 0))
                .map_or(Value::Unknown, Value::Bool),
            "matches" => match (arg(0), arg(1)) {
                (Some(value), Some(pattern)) => {
                    let value = expr::eval(value, self);
                    self.in_scope(|it| it.fits_pattern(&value, pattern))
                        .map_or(Value::Unknown, Value::Bool)
                }
                _ => Value::Unknown,
            },
            "dbg" => arg(0).map_or(Value::None, |value| expr::eval(value, self)),
            "panic" | "unreachable" | "todo" | "unimplemented" => {
                if self.probing() {
                    self.throwing = Some(Thrown::default());
                } else {
                    self.leaving.get_or_insert(Value::Unknown);
                }
                Value::Unknown
            }
            "bail" => {
                let error = arg(0).map_or(Value::Unknown, |error| expr::eval(error, self));
                self.leaving.get_or_insert(Value::variant("Err", error));
                Value::Unknown
            }
            "ensure" => {
                let holds = arg(0).map(|test| expr::eval(test, self).truth());
                if holds == Some(Some(false)) && !self.interrupted() {
                    let error = arg(1).map_or(Value::Unknown, |error| expr::eval(error, self));
                    self.leaving.get_or_insert(Value::variant("Err", error));
                }
                Value::None
            }
            "anyhow" | "eyre" | "format_err" => {
                call.args.first().map_or(Value::Unknown, |arg| expr::eval(&arg.value, self))
            }
            "try" | "try_outcome" | "outcome_try" => {
                let value = arg(0).map_or(Value::Unknown, |value| expr::eval(value, self));
                self.attempted(value)
            }
            "env" | "option_env" => {
                let name = arg(0).map(|name| expr::eval(name, self).to_text().to_string());
                let name = name.unwrap_or_default();
                Value::Text(Rc::new(Text::hole(&name).from_env(&name)))
            }
            "stringify" => arg(0).and_then(last_name).map_or(Value::Unknown, Value::text),
            // A text that a macro checks when it is compiled.
            "vpath" | "literal" | "c" => {
                arg(0).map_or(Value::Unknown, |text| expr::eval(text, self))
            }
            "assert" | "assert_eq" | "assert_ne" | "write" | "writeln" => Value::None,
            _ => self.outside_macro(call, span),
        }
    }

    /// A macro from outside is a call to the outside, of what could be read of its arguments.
    fn outside_macro(&mut self, call: &'p Call, span: Span) -> Value<'p> {
        let callee = match expr::eval(&call.callee, self) {
            callee @ Value::External(_) => callee,
            _ => Value::External(last_name(&call.callee).unwrap_or("").into()),
        };
        let args = self.rust_args(call);
        if self.interrupted() {
            return Value::Unknown;
        }
        let is = |name: &str| {
            let path = match &callee {
                Value::External(path) => path.as_str(),
                _ => "",
            };
            path == name
                || path.strip_suffix(name).is_some_and(|crate_| crate_.ends_with("okapi::"))
        };
        match &callee {
            _ if LISTS.iter().any(|name| is(name)) => Value::list(args.positional),
            _ if is(DESCRIBED) => Value::list(vec![Value::list(args.positional), Value::Unknown]),
            _ => self.call(callee, args, call, span),
        }
    }

    fn run_rule(&mut self, rule: &'p Function, call: &'p Call) -> Value<'p> {
        let pointer: *const Function = rule;
        let recursion = self.stack.iter().filter(|known| **known == pointer).count();
        if recursion >= MAX_RECURSION || self.stack.len() >= MAX_CALLS || !self.step() {
            return Value::Unknown;
        }
        let values = self.given(rule, call);
        if self.interrupted() {
            return Value::Unknown;
        }
        self.stack.push(pointer);
        let value = self.in_scope(|it| {
            it.frame.env.vars.borrow_mut().extend(values);
            it.define_local(&rule.body);
            it.last_value(&rule.body)
        });
        self.stack.pop();
        value
    }
}
