//! The steps that are done to real files, joined from the modules that they belong to.

use super::file::{Analyser, Matches, Refused, Steps};
use super::{Analyse, Plan, Refusal};
use crate::facts;
use crate::inventory::{Need, frameworks};
use crate::limits::Limits;
use crate::module::tree::Refusal as Unparsed;
use crate::module::{Module, lower};
use crate::rules::{self, Catalogue, RuleSet, suppress};
use crate::source::{self, Encoding, Language, LineIndex, Role, Source};
use std::path::PathBuf;

/// What is done to a real file.
#[derive(Debug)]
pub struct FileSteps {
    root: PathBuf,
    catalogue: Catalogue,
    limits: Limits,
    calls: bool,
    tests: bool,
    profile: bool,
}

/// A [`super::Build`]: compiles the plan's rules.
///
/// # Errors
/// The first rule that is refused.
pub fn build(plan: &Plan, compiling: &mut dyn FnMut(&str)) -> Result<Box<dyn Analyse>, Refusal> {
    let mut current = String::new();
    let catalogue =
        Catalogue::compile_within(&plan.rules, &plan.overrides, &plan.limits, &mut |rule| {
            compiling(rule);
            rule.clone_into(&mut current);
        })
        .map_err(|error| Refusal { rule: current.clone(), message: error.to_string() })?;
    let limits = plan.limits.clone();
    let steps = FileSteps {
        root: plan.root(),
        catalogue,
        limits: limits.clone(),
        calls: plan.calls,
        tests: plan.tests,
        profile: plan.profile,
    };
    Ok(Box::new(Analyser { steps, limits, profile: plan.profile }))
}

impl Steps for FileSteps {
    type Wanted = RuleSet;

    fn size(&self, path: &str) -> u64 {
        self.root
            .join(source::decode_path(path))
            .symlink_metadata()
            .map_or(0, |metadata| metadata.len())
    }

    fn read(&self, path: &str) -> Result<(String, Encoding), Refused> {
        let bytes =
            source::read(&self.root, path, self.limits.read_bytes).map_err(|error| Refused {
                reason: error.to_string(),
                detail: error.detail(),
                failure: error.is_failure(),
            })?;
        source::decode_vec(bytes).map_err(|not_text| Refused {
            reason: not_text.to_string(),
            detail: None,
            failure: not_text.is_failure(),
        })
    }

    fn role_of_content(&self, role: Role, language: Language, text: &str) -> Role {
        source::role::of_content(role, language, text)
    }

    fn wanted(&self, source: &Source) -> RuleSet {
        self.catalogue.needed(&source.text, source.language, source.role)
    }

    fn wants_module(&self, wanted: &RuleSet) -> bool {
        self.catalogue.needs_module(wanted)
    }

    fn need(&self, source: &Source) -> Need {
        facts::need(source, self.calls, self.tests)
    }

    fn asks_for_calls(&self) -> bool {
        self.calls
    }

    fn lower(&self, source: &Source) -> Result<Module, Refused> {
        lower::lower(source.language, &source.text, &self.limits).map_err(|refusal| {
            // The ledger counts by reason, so what is special about this file goes into the detail.
            let (reason, detail) = match refusal {
                Unparsed::Syntax(message) => ("syntax error".to_owned(), Some(message)),
                other => (other.to_string(), None),
            };
            Refused { reason, detail, failure: true }
        })
    }

    fn matches(&self, source: &Source, module: Option<&Module>, wanted: &RuleSet) -> Matches {
        let has_suppression = source.text.contains(super::file::SUPPRESSION);
        if wanted.is_empty() && !has_suppression {
            return Matches::default();
        }
        let lines = LineIndex::new(&source.text);
        let found = rules::timed(&self.catalogue, wanted, source, module, &lines, self.profile);
        let suppressions = match module {
            _ if !has_suppression => Vec::new(),
            Some(module) => suppress::of_module(source, module, &lines),
            None => suppress::of_text(source, &lines),
        };
        Matches {
            findings: found.findings,
            accepted: found.accepted,
            suppressions,
            unfinished: found.unfinished,
            spent: found.spent,
        }
    }

    fn facts(&self, module: Module) -> Option<Module> {
        Some(facts::of(module))
    }

    fn frameworks_not_read(&self, source: &Source) -> Vec<String> {
        frameworks::not_read(&source.path, &source.text)
    }
}
