//! How much is spent on functions that have nothing to do with routes. In Rust everything is a
//! function that calls others, and following each call anew would take forever: such a function is
//! run a few times, and what it gave back then is taken for what it gives.

use crate::eval::interpreter::Interpreter;
use crate::eval::value::{Args, Closure, Value};
use crate::module::visit::{Visitor, Walk, walk_function};
use crate::module::{Call, Expr, ExprKind, Function};

/// How often such a function is run with arguments that say nothing.
const MAX_RUNS: u32 = 4;
/// How often with any.
const MAX_TOLD_RUNS: u32 = 256;
/// The steps that it may take over all runs.
const MAX_STEPS: u32 = 60_000;

/// Names that stand in code that registers, and hardly elsewhere.
const REGISTERS: &[&str] = &[
    "ApiRouter",
    "App",
    "Filter",
    "HttpServer",
    "MethodRouter",
    "OpenApiRouter",
    "OpenApiService",
    "Resource",
    "Rocket",
    "Route",
    "RouteMethod",
    "Router",
    "Scope",
    "Server",
    "ServiceConfig",
    "catchers",
    "mount",
    "nest",
    "routes",
    "scope",
    "serve",
    "services",
    "warp",
    "with_path",
];

/// What was spent on a function.
#[derive(Default)]
pub(super) struct Effort<'p> {
    /// Whether it has to do with routes, once that was looked at.
    registers: Option<bool>,
    runs: u32,
    told: u32,
    steps: u32,
    /// What it gave back last.
    last: Value<'p>,
}

impl<'p> Interpreter<'p> {
    /// What a function gives back that is not run once more.
    pub(in crate::eval::interpreter) fn spared(
        &mut self,
        closure: &Closure<'p>,
        args: &Args<'p>,
    ) -> Option<Value<'p>> {
        if self.probing() || closure.function.name.is_none() {
            return None;
        }
        let pointer: *const Function = closure.function;
        let effort = self.rust.efforts.entry(pointer).or_default();
        if *effort.registers.get_or_insert_with(|| registers(closure.function)) {
            return None;
        }
        let told = args.positional.iter().chain(&closure.this).any(says_something);
        let (runs, most) = match told {
            true => (&mut effort.told, MAX_TOLD_RUNS),
            false => (&mut effort.runs, MAX_RUNS),
        };
        *runs += 1;
        (*runs > most || effort.steps > MAX_STEPS).then(|| effort.last.clone())
    }

    /// Takes note of what a run of a function took and gave.
    pub(in crate::eval::interpreter) fn spent(
        &mut self,
        function: &'p Function,
        steps: u32,
        value: &Value<'p>,
    ) {
        if self.probing() {
            return;
        }
        let pointer: *const Function = function;
        if let Some(effort) = self.rust.efforts.get_mut(&pointer) {
            effort.steps = effort.steps.saturating_add(steps);
            effort.last = value.clone();
        }
    }
}

/// Whether an argument makes a difference that anybody could see.
fn says_something(value: &Value<'_>) -> bool {
    match value {
        Value::Text(text) => !text.parts().is_empty(),
        Value::List(items) => !items.borrow().is_empty(),
        Value::Map(entries) => !entries.borrow().is_empty(),
        Value::Class(_) | Value::Bool(_) | Value::Number(_) => true,
        Value::Function(closure) => registers(closure.function),
        Value::Variant(variant) => {
            variant.class.is_some() || variant.args.positional.iter().any(says_something)
        }
        Value::Choice(values) => values.iter().any(says_something),
        _ => false,
    }
}

/// Whether a function has to do with routes, by the names in it.
fn registers(function: &Function) -> bool {
    let mut names = Names(false);
    walk_function(&mut names, function);
    names.0
}

struct Names(bool);

impl<'m> Visitor<'m> for Names {
    fn enter_expr(&mut self, expr: &'m Expr) -> Walk {
        if let ExprKind::Name(name) | ExprKind::Attribute { name, .. } = &expr.kind {
            self.0 |= REGISTERS.contains(&name.as_str());
        }
        if let ExprKind::Call(call) = &expr.kind {
            self.0 |= routes(call);
        }
        if self.0 { Walk::Skip } else { Walk::Into }
    }
}

/// `.route("/x", …)`, `.at("/x")`
fn routes(call: &Call) -> bool {
    let is_path = call.args.first().is_some_and(|arg| match &arg.value.kind {
        ExprKind::Text(parts) => matches!(parts.first(), Some(crate::module::TextPart::Literal(text)) if text.starts_with('/')),
        _ => false,
    });
    is_path
        && matches!(
            &call.callee.kind,
            ExprKind::Attribute { name, .. } if matches!(name.as_str(), "route" | "at" | "service" | "api_route")
        )
}
