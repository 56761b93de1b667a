//! What frameworks give to the parameters of a handler, by their types.

use std::rc::Rc;

use crate::eval::interpreter::probe::Errors;
use crate::eval::interpreter::{Interpreter, Thrown};
use crate::eval::value::{Args, ClassValue, Value};
use crate::module::{ExprKind, Param, Span, StmtKind};

impl<'p> Interpreter<'p> {
    /// The type of a parameter.
    pub(in crate::eval::interpreter) fn declared_type(
        &mut self,
        param: &'p Param,
    ) -> Option<Value<'p>> {
        let annotation = param.annotation.as_ref()?;
        Some(self.type_value(annotation))
    }

    /// A struct whose fields are extractors.
    pub(in crate::eval::interpreter) fn extracted_fields(
        &mut self,
        class: &Rc<ClassValue<'p>>,
        span: Span,
    ) -> Value<'p> {
        let mut named = Vec::new();
        for stmt in &class.class.body {
            let StmtKind::Bind(bind) = &stmt.kind else { continue };
            let (ExprKind::Name(name), Some(annotation)) = (&bind.target.kind, &bind.annotation)
            else {
                continue;
            };
            let of = self.type_within_scope(&class.env, annotation);
            let value = self.inject(name, Some(&of), None, span).unwrap_or_default();
            if let Some(thrown) = self.throwing.take() {
                let error = if thrown.denial { "caller.refusal" } else { "caller.error" };
                return Value::variant("Err", Value::External(error.into()));
            }
            named.push((name.clone(), value));
        }
        let made = self.construct(class, Args { named, ..Args::default() });
        Value::variant("Ok", made)
    }

    /// What an extractor gave, as the parameter sees it.
    pub(in crate::eval::interpreter) fn extracted(
        &mut self,
        given: Value<'p>,
        errors: Errors,
    ) -> Value<'p> {
        match errors {
            Errors::Given => {
                self.looked_perhaps();
                let outer = self.leaving.take();
                let value = self.attempted(given);
                match std::mem::replace(&mut self.leaving, outer) {
                    None => Value::variant("Ok", value),
                    Some(error @ Value::Variant(_)) => error,
                    Some(error) => Value::variant("Err", error),
                }
            }
            Errors::Refuse | Errors::Nothing => {
                let outer = self.leaving.take();
                let value = self.attempted(given);
                let left = std::mem::replace(&mut self.leaving, outer);
                if left.is_some() && errors == Errors::Nothing {
                    self.looked_perhaps();
                }
                match left {
                    None if errors == Errors::Nothing => match value {
                        Value::Absent | Value::None => Value::Absent,
                        Value::Unknown => Value::Unknown,
                        value => Value::variant("Some", value),
                    },
                    None => value,
                    Some(_) if errors == Errors::Nothing => Value::Absent,
                    Some(error) => {
                        let denial = self.denies(&error);
                        self.throwing =
                            Some(Thrown { denial, deliberate: true, ..Thrown::default() });
                        Value::Unknown
                    }
                }
            }
        }
    }
}
