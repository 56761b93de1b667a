//! Rules that are functions: the second time that a rule file would need a variable, it becomes
//! one of these and says `[match] check = "name"`.

pub mod anonymous_allowed;
pub mod commented_code;
pub mod commit_rollback;
pub mod connection_open;
pub mod except_data;
pub mod floating_promise;
pub mod handler_panic;
pub mod project;
pub mod promise_data;
pub mod shape;
pub mod silent_default;
pub mod stub_literal;
pub mod swallowed;
pub mod unguarded_user;

#[cfg(test)]
mod tests;

use crate::module::{Module, Span};
use crate::source::Source;

/// A check of one module.
pub type ModuleCheck = fn(&Source, &Module) -> Vec<CheckMatch>;

/// A place that a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckMatch {
    /// Where.
    pub span: Span,
    /// What fills the holes of the rule's message.
    pub captures: Vec<(&'static str, String)>,
    /// The reason, where the place is legitimate.
    pub accepted: Option<String>,
}

/// An entry of [`MODULE_CHECKS`].
#[derive(Debug, Clone, Copy)]
pub struct ModuleCheckEntry {
    /// The name that rules use.
    pub name: &'static str,
    /// Literals, in lower case, of which a file must hold at least one for the check to find
    /// anything.
    pub needs: &'static [&'static str],
    /// The check.
    pub run: ModuleCheck,
}

/// The checks of one module.
pub const MODULE_CHECKS: &[ModuleCheckEntry] = &[
    ModuleCheckEntry {
        name: "auth-allows-anonymous",
        needs: anonymous_allowed::NEEDS,
        run: anonymous_allowed::check,
    },
    ModuleCheckEntry {
        name: "commented-code",
        needs: commented_code::NEEDS,
        run: commented_code::check,
    },
    ModuleCheckEntry {
        name: "commit-without-rollback",
        needs: commit_rollback::NEEDS,
        run: commit_rollback::check,
    },
    ModuleCheckEntry {
        name: "connection-left-open",
        needs: connection_open::NEEDS,
        run: connection_open::check,
    },
    ModuleCheckEntry {
        name: "error-as-nothing",
        needs: silent_default::NEEDS,
        run: silent_default::check,
    },
    ModuleCheckEntry {
        name: "except-returns-data",
        needs: except_data::NEEDS,
        run: except_data::check,
    },
    ModuleCheckEntry {
        name: "exception-swallowed",
        needs: swallowed::NEEDS,
        run: swallowed::check,
    },
    ModuleCheckEntry {
        name: "floating-promise",
        needs: floating_promise::NEEDS,
        run: floating_promise::check,
    },
    ModuleCheckEntry {
        name: "handler-panic",
        needs: handler_panic::NEEDS,
        run: handler_panic::check,
    },
    ModuleCheckEntry {
        name: "promise-returns-data",
        needs: promise_data::NEEDS,
        run: promise_data::check,
    },
    ModuleCheckEntry {
        name: "stub-returns-literal",
        needs: stub_literal::NEEDS,
        run: stub_literal::check,
    },
    ModuleCheckEntry {
        name: "unguarded-current-user",
        needs: unguarded_user::NEEDS,
        run: unguarded_user::check,
    },
];

/// The check of suppressions, which sees all findings.
pub const SUPPRESSIONS: &str = "suppressions";

/// Every name that a rule may use, sorted.
#[must_use]
pub fn names() -> Vec<&'static str> {
    let mut names: Vec<_> = MODULE_CHECKS
        .iter()
        .map(|entry| entry.name)
        .chain(project::PROJECT_CHECKS.iter().map(|entry| entry.name))
        .chain([SUPPRESSIONS])
        .collect();
    names.sort_unstable();
    names
}

/// The function of a module check.
#[must_use]
pub fn module_check(name: &str) -> Option<ModuleCheck> {
    MODULE_CHECKS.iter().find(|entry| entry.name == name).map(|entry| entry.run)
}

/// The literals of which a file must hold one for a module check to find anything.
#[must_use]
pub fn needs(name: &str) -> Option<&'static [&'static str]> {
    MODULE_CHECKS.iter().find(|entry| entry.name == name).map(|entry| entry.needs)
}
