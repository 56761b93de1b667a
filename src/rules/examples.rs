//! Running the examples of rules: each is a test of its rule.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::catalogue::{Catalogue, Rule};
use super::error::Place;
use super::matcher;
use super::spec::{Example, ExampleCode, Expect, Subject};
use super::suppress::{self, FileSuppressions};
use super::{Overrides, RuleError, RuleSet, RuleSource, RuleSpec, load, project};
use crate::checks::project::{Project, TreeFile, project_check};
use crate::finding::{Accepted, Finding};
use crate::inventory::contract::Contract;
use crate::inventory::contract::usage::Said;
use crate::inventory::{self, Inventories, Need};
use crate::limits::Limits;
use crate::module::Module;
use crate::source::{Encoding, Language, LineIndex, Role, Source};

/// The day on which examples of suppressions are judged.
const EXAMPLE_DAY: &str = "2026-01-01";

/// A piece of code of an example, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExampleRun {
    /// The rule.
    pub rule: String,
    /// The rule's file.
    pub path: String,
    /// What the example says about its code.
    pub expect: Expect,
    /// The language.
    pub language: Language,
    /// Where the example stands in the file.
    pub place: Place,
    /// Why the rule does not live up to it; `None` where it does.
    pub failure: Option<Failure>,
}

/// How a rule does not live up to an example.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What happened instead.
    pub problem: String,
    /// Where in the rule's file.
    pub place: Place,
}

impl fmt::Display for ExampleRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rule, path, expect, language, place, failure } = self;
        let (place, problem) = match failure {
            Some(failure) => (failure.place, failure.problem.as_str()),
            None => (*place, "as it says"),
        };
        write!(f, "{path}{place}: `{rule}`, {expect}.{language}: {problem}")
    }
}

/// Runs every example of every rule with the lowerings of this crate, and returns those that fail.
#[must_use]
pub fn check_examples(catalogue: &Catalogue) -> Vec<ExampleRun> {
    let rules = catalogue.rules().iter();
    let runs = rules.flat_map(|rule| run_examples(catalogue, rule));
    runs.filter(|run| run.failure.is_some()).collect()
}

/// Runs the examples of a rule that no catalogue holds yet.
///
/// # Errors
/// What is wrong with the rule.
pub fn test_rule(source: RuleSource) -> Result<Vec<ExampleRun>, RuleError> {
    let spec = RuleSpec::parse(&source)?;
    let about_others =
        matches!(&spec.subject, Subject::Check(name) if name == crate::checks::SUPPRESSIONS);
    let mut sources = if about_others { load::embedded() } else { Vec::new() };
    sources.push(source);
    let catalogue = Catalogue::compile(&sources, &Overrides::default())?;
    Ok(catalogue.rule(&spec.id).map(|rule| run_examples(&catalogue, rule)).unwrap_or_default())
}

/// Runs the examples of one rule of a catalogue, in the order of its file.
fn run_examples(catalogue: &Catalogue, rule: &Rule) -> Vec<ExampleRun> {
    let specs: Vec<RuleSpec> = catalogue.rules().iter().map(|rule| rule.spec.clone()).collect();
    let mut runs: Vec<ExampleRun> = rule
        .spec
        .examples
        .iter()
        .flat_map(|example| example.codes.iter().map(move |code| (example, code)))
        .map(|(example, code)| ExampleRun {
            rule: rule.spec.id.to_string(),
            path: rule.spec.path.clone(),
            expect: code.expect,
            language: code.language,
            place: code.place,
            failure: run_one(catalogue, &specs, rule, example, code)
                .err()
                .map(|Missed { problem, at }| Failure { problem, place: at.unwrap_or(code.place) }),
        })
        .collect();
    runs.sort_by_key(|run| (run.place, run.language));
    runs
}

/// Lowers the source of an example.
fn lower(source: &Source) -> Result<Module, Missed> {
    let module = crate::module::lower::lower(source.language, &source.text, &Limits::default());
    module.map_err(|refusal| Missed { problem: refusal.to_string(), at: None })
}

/// What happened instead, and where, if not at the example as a whole.
struct Missed {
    problem: String,
    at: Option<Place>,
}

impl From<String> for Missed {
    fn from(problem: String) -> Self {
        Self { problem, at: None }
    }
}

fn run_one(
    catalogue: &Catalogue,
    specs: &[RuleSpec],
    rule: &Rule,
    example: &Example,
    code: &ExampleCode,
) -> Result<(), Missed> {
    let is_suppression =
        matches!(&rule.subject, Subject::Check(name) if name == crate::checks::SUPPRESSIONS);
    if let Subject::Check(name) = &rule.subject
        && project_check(name).is_some()
    {
        return run_project(rule, code);
    }
    if matches!(rule.subject, Subject::File(_)) {
        return run_file(rule, example, code);
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
            let needs = &rule.needs;
            return Err(format!("the literals that the rule needs are not there: {needs:?}").into());
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
    judge(rule, code, &matches.findings, &matches.accepted)
}

/// An example of a rule about files: its path is all that counts.
fn run_file(rule: &Rule, example: &Example, code: &ExampleCode) -> Result<(), Missed> {
    let path =
        example.path.clone().ok_or("an example of a rule about files needs a `path`".to_owned())?;
    let role = rule.spec.roles.first().copied().unwrap_or(Role::Production);
    let none = BTreeSet::new();
    let project = Project {
        routes: &[],
        guards: &[],
        operations: &[],
        contract: &Contract::default(),
        public: &[],
        mentions: &none,
        uses: &[],
        files: &[TreeFile { path, role }],
        manifests: &[],
    };
    let (findings, accepted) = project::run(
        std::slice::from_ref(&rule.spec),
        &project,
        |_| None,
        &mut crate::profile::Profile::default(),
    );
    judge(rule, code, &findings, &accepted)
}

/// An example of a rule over the whole project: one file, or several that begin with a comment
/// `file: path`.
fn run_project(rule: &Rule, code: &ExampleCode) -> Result<(), Missed> {
    let mut sources: BTreeMap<String, Source> = BTreeMap::new();
    let mut mentions = BTreeSet::new();
    let mut facts = BTreeMap::new();
    let mut called = BTreeMap::new();
    for (path, text) in files(code) {
        let language = crate::source::language::of(&path, None);
        let role = if path.starts_with("tests/") { Role::Test } else { Role::Production };
        let source = Source { path, language, role, text, encoding: Encoding::Utf8 };
        if role == Role::Test {
            mentions.extend(crate::source::mentions::of(&source.text));
        } else {
            let need = Need { routes: true, calls: true, tests: false };
            let module = lower(&source)?;
            called.insert(source.path.clone(), crate::module::uses::of(&module));
            facts.insert(source.path.clone(), (need, crate::facts::of(module)));
        }
        sources.insert(source.path.clone(), source);
    }
    let tree: Vec<TreeFile> = sources
        .values()
        .map(|source| TreeFile { path: source.path.clone(), role: source.role })
        .collect();
    let manifests: Vec<(String, String)> = sources
        .values()
        .filter(|source| crate::source::names_packages(&source.path))
        .map(|source| (source.path.clone(), source.text.clone()))
        .collect();
    let known = sources.keys().cloned().collect();
    let Ok(inventories) = inventory::link(
        facts,
        &known,
        true,
        |_| Ok::<_, std::convert::Infallible>(BTreeMap::new()),
        |_| Vec::new(),
    );
    let (pages, elsewhere) = (BTreeSet::new(), Vec::new());
    let said = Said { pages: &pages, tests: &mentions, elsewhere: &elsewhere };
    let Inventories { routes, calls, pages, .. } = &inventories;
    let contract = Contract::of(routes, calls, &said, pages);
    let uses: Vec<_> = called.iter().map(|(path, uses)| (path.as_str(), uses)).collect();
    let project = Project {
        routes: &inventories.routes,
        guards: &inventories.guards,
        operations: &inventories.operations,
        contract: &contract,
        public: &[],
        mentions: &mentions,
        uses: &uses,
        files: &tree,
        manifests: &manifests,
    };
    let (findings, accepted) = project::run(
        std::slice::from_ref(&rule.spec),
        &project,
        |path| sources.get(path).cloned(),
        &mut crate::profile::Profile::default(),
    );
    judge(rule, code, &findings, &accepted)
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
    code: &ExampleCode,
    findings: &[Finding],
    accepted: &[Accepted],
) -> Result<(), Missed> {
    let found = findings.iter().find(|finding| finding.rule == rule.spec.id);
    let accepted = accepted.iter().filter(|accepted| accepted.rule == rule.spec.id).count();
    match (code.expect, found) {
        (Expect::Bad, None) if accepted > 0 => {
            Err("it is accepted instead of found".to_owned().into())
        }
        (Expect::Bad, None) => Err("nothing is found".to_owned().into()),
        (Expect::Good | Expect::Accepted, Some(finding)) => Err(Missed {
            problem: format!("line {} is found: {}", finding.location.line, finding.message),
            at: at(code, finding),
        }),
        (Expect::Accepted, None) if accepted == 0 => Err("nothing is accepted".to_owned().into()),
        _ => Ok(()),
    }
}

/// Where in the rule's file the code of a finding stands; `None` where several files share an
/// example, whose lines are counted anew.
fn at(code: &ExampleCode, finding: &Finding) -> Option<Place> {
    if code.first_line == code.place.line || code.text.contains("file: ") {
        return None;
    }
    let location = &finding.location;
    let line = code.first_line.checked_add(location.line.checked_sub(1)?)?;
    if location.line != location.end_line {
        return Some(Place::line(line));
    }
    Some(Place { line, column: location.column, end_column: location.end_column })
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
