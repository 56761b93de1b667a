//! Running the examples of rules: each is a test of its rule.

use std::collections::{BTreeMap, BTreeSet};

use super::catalogue::{Catalogue, Rule};
use super::matcher;
use super::spec::{Example, ExampleCode, Expect, Subject};
use super::suppress::{self, FileSuppressions};
use super::{RuleSet, RuleSpec, project};
use crate::facts::Need;
use crate::checks::project::{Project, project_check};
use crate::finding::{Accepted, Finding};
use crate::inventory;
use crate::limits::Limits;
use crate::module::Module;
use crate::source::{Encoding, Language, LineIndex, Role, Source};

/// The day on which examples of suppressions are judged.
const EXAMPLE_DAY: &str = "2026-01-01";

/// An example that its rule does not live up to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}:{line}: `{rule}`, {expect}.{language}: {problem}")]
pub struct ExampleFailure {
    /// The rule's file.
    pub path: String,
    /// Line of the example.
    pub line: u32,
    /// The rule.
    pub rule: String,
    /// What the example says about its code.
    pub expect: Expect,
    /// The language.
    pub language: Language,
    /// What happened instead.
    pub problem: String,
}

/// Runs every example of every rule with the lowerings of this crate.
#[must_use]
pub fn check_examples(catalogue: &Catalogue) -> Vec<ExampleFailure> {
    check_examples_with(catalogue, &lower)
}

/// Lowers the source of an example.
fn lower(source: &Source) -> Result<Module, String> {
    let module = crate::module::lower::lower(source.language, &source.text, &Limits::default());
    module.map_err(|refusal| refusal.to_string())
}

/// Runs every example of every rule. `lower` makes the module of a source, or says why it cannot.
#[must_use]
pub fn check_examples_with(
    catalogue: &Catalogue,
    lower: &dyn Fn(&Source) -> Result<Module, String>,
) -> Vec<ExampleFailure> {
    let specs: Vec<RuleSpec> = catalogue.rules().iter().map(|rule| rule.spec.clone()).collect();
    let mut failures = Vec::new();
    for rule in catalogue.rules() {
        for example in &rule.spec.examples {
            for code in &example.codes {
                if let Err(problem) = run_one(catalogue, &specs, rule, example, code, lower) {
                    failures.push(ExampleFailure {
                        path: rule.spec.path.clone(),
                        line: example.line,
                        rule: rule.spec.id.to_string(),
                        expect: code.expect,
                        language: code.language,
                        problem,
                    });
                }
            }
        }
    }
    failures
}

fn run_one(
    catalogue: &Catalogue,
    specs: &[RuleSpec],
    rule: &Rule,
    example: &Example,
    code: &ExampleCode,
    lower: &dyn Fn(&Source) -> Result<Module, String>,
) -> Result<(), String> {
    let is_suppression =
        matches!(&rule.subject, Subject::Check(name) if name == crate::checks::SUPPRESSIONS);
    if let Subject::Check(name) = &rule.subject
        && project_check(name).is_some()
    {
        return run_project(rule, code, lower);
    }
    let source = Source {
        path: example
            .path
            .clone()
            .unwrap_or_else(|| format!("src/example.{}", suffix(code.language))),
        language: code.language,
        role: rule.spec.roles.first().copied().unwrap_or(Role::Production),
        text: code.text.clone(),
        encoding: Encoding::Utf8,
    };
    let lines = LineIndex::new(&source.text);
    let module = if source.language.has_module() { Some(lower(&source)?) } else { None };
    let mut active = catalogue.needed(&source.text, source.language, source.role);
    if !is_suppression {
        // Only this rule, and only if its literals let it run: a wrong literal is a wrong rule.
        let mut only = RuleSet::new(catalogue.rules().len());
        if let Some(at) = catalogue.position(&rule.spec.id) {
            only.insert(at);
        }
        active.intersect(&only);
        if active.is_empty() && code.expect != Expect::Good {
            return Err(format!(
                "the literals that the rule needs are not there: {:?}",
                rule.needs
            ));
        }
    }
    let mut matches = matcher::run(catalogue, &active, &source, module.as_ref(), &lines);
    if is_suppression {
        let declared = match &module {
            Some(module) => suppress::of_module(&source, module, &lines),
            None => suppress::of_text(&source, &lines),
        };
        let known: BTreeSet<&str> = specs.iter().map(|spec| spec.id.as_str()).collect();
        let file =
            FileSuppressions { path: &source.path, role: source.role, suppressions: &declared };
        let faults = suppress::apply(&mut matches.findings, &[file], specs, &known, EXAMPLE_DAY);
        matches.findings.extend(faults);
    }
    judge(rule, code.expect, &matches.findings, &matches.accepted)
}

/// An example of a rule over the whole project: one file, or several that begin with a comment
/// `file: path`.
fn run_project(
    rule: &Rule,
    code: &ExampleCode,
    lower: &dyn Fn(&Source) -> Result<Module, String>,
) -> Result<(), String> {
    let mut sources: BTreeMap<String, Source> = BTreeMap::new();
    let mut mentions = BTreeSet::new();
    let mut facts = BTreeMap::new();
    for (path, text) in files(code) {
        let language = crate::source::language::of(&path, None);
        let role = if path.starts_with("tests/") { Role::Test } else { Role::Production };
        let source = Source { path, language, role, text, encoding: Encoding::Utf8 };
        if role == Role::Test {
            mentions.extend(crate::source::mentions::of(&source.text));
        } else {
            let need = Need { routes: true, calls: true };
            facts.insert(source.path.clone(), (need, crate::facts::of(lower(&source)?)));
        }
        sources.insert(source.path.clone(), source);
    }
    let known = sources.keys().cloned().collect();
    let Ok(inventories) =
        inventory::link(facts, &known, true, |_| Ok::<_, std::convert::Infallible>(BTreeMap::new()));
    let project = Project {
        routes: &inventories.routes,
        guards: &inventories.guards,
        operations: &inventories.operations,
        public: &[],
        mentions: &mentions,
    };
    let (findings, accepted) =
        project::run(std::slice::from_ref(&rule.spec), &project, |path| sources.get(path).cloned());
    judge(rule, code.expect, &findings, &accepted)
}

/// The files of an example, by path.
fn files(code: &ExampleCode) -> Vec<(String, String)> {
    let mut files = vec![(format!("src/example.{}", suffix(code.language)), String::new())];
    for line in code.text.lines() {
        let marked = line.trim_start_matches(['#', '/', ' ']).strip_prefix("file: ");
        match (marked, files.last_mut()) {
            (Some(path), _) => files.push((path.trim().to_owned(), String::new())),
            (None, Some((_, text))) => {
                text.push_str(line);
                text.push('\n');
            }
            (None, None) => {}
        }
    }
    files
}

fn judge(
    rule: &Rule,
    expect: Expect,
    findings: &[Finding],
    accepted: &[Accepted],
) -> Result<(), String> {
    let found = findings.iter().find(|finding| finding.rule == rule.spec.id);
    let accepted = accepted.iter().filter(|accepted| accepted.rule == rule.spec.id).count();
    match (expect, found) {
        (Expect::Bad, None) if accepted > 0 => Err("it is accepted instead of found".to_owned()),
        (Expect::Bad, None) => Err("nothing is found".to_owned()),
        (Expect::Good | Expect::Accepted, Some(finding)) => {
            Err(format!("line {} is found: {}", finding.location.line, finding.message))
        }
        (Expect::Accepted, None) if accepted == 0 => Err("nothing is accepted".to_owned()),
        _ => Ok(()),
    }
}

fn suffix(language: Language) -> &'static str {
    match language {
        Language::Python => "py",
        Language::TypeScript => "ts",
        Language::Tsx => "tsx",
        Language::JavaScript => "js",
        Language::Rust => "rs",
        Language::Html => "html",
        Language::Vue => "vue",
        Language::Sql => "sql",
        Language::Yaml => "yml",
        Language::Json => "json",
        Language::Toml => "toml",
        Language::Dotenv => "env",
        Language::Ini => "ini",
        Language::Dockerfile => "Dockerfile",
        Language::Shell => "sh",
        Language::Text => "txt",
        Language::Css => "css",
        Language::Xml => "xml",
        Language::Unsupported | Language::Other => "other",
    }
}
