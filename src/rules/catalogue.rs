//! The rules compiled, and indexed by what they look at.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use aho_corasick::AhoCorasick;
use globset::GlobSet;
use smol_str::SmolStr;

use super::allow::Allowed;
use super::constraint::Ready;
use super::error::{Place, RuleError};
use super::literals::{self, AnyOf, Needles};
use super::load::RuleSource;
use super::regexes::{self, Regexes};
use super::spec::{Accept, Patterns, RuleSpec, Subject};
use super::{Overrides, RuleSet, rule_index};
use crate::limits::Limits;
use crate::module::path::{PathPattern, Segment};
use crate::source::{Language, Role};

/// A rule ready to match.
#[derive(Debug)]
pub struct Rule {
    /// What its file says, after configuration.
    pub spec: RuleSpec,
    /// What it looks at.
    pub subject: Subject<Regexes>,
    /// What must hold beside.
    pub constraints: Vec<Ready>,
    /// Legitimate forms.
    pub accept: Vec<Accept<Regexes, GlobSet>>,
    /// What the configuration allows.
    pub allow: Vec<Allowed>,
    /// Literals without which it cannot fire: one of each group.
    pub needs: Vec<AnyOf>,
    /// The literals of a line rule, to find the lines worth a look.
    pub(super) line_literals: Option<AhoCorasick>,
}

impl Rule {
    /// Compiles a rule.
    ///
    /// # Errors
    /// Where an expression or a glob is none, or is too large.
    pub fn compile(spec: RuleSpec) -> Result<Self, RuleError> {
        let path = spec.path.clone();
        let mut regex = |patterns: &Patterns| Regexes::compile(&path, patterns);
        let mut glob = |patterns: &Patterns| regexes::globs(&path, patterns);
        let subject = match &spec.subject {
            Subject::Text(patterns) => Subject::Text(regex(patterns)?),
            Subject::Comment(patterns) => Subject::Comment(regex(patterns)?),
            Subject::Line(patterns) => Subject::Line(regex(patterns)?),
            Subject::Name { names, kinds, body } => {
                Subject::Name { names: regex(names)?, kinds: kinds.clone(), body: *body }
            }
            Subject::Access(paths) => Subject::Access(paths.clone()),
            Subject::Call(paths) => Subject::Call(paths.clone()),
            Subject::Query(queries) => {
                super::query::check(&spec.path, queries)?;
                Subject::Query(queries.clone())
            }
            Subject::File(globs) => {
                regexes::globs(&spec.path, globs)?;
                Subject::File(globs.clone())
            }
            Subject::Check(name) => Subject::Check(name.clone()),
        };
        let mut constraints = Vec::with_capacity(spec.constraints.len());
        for test in &spec.constraints {
            constraints.push(test.try_map(&mut regex, &mut glob)?);
        }
        let mut accept = Vec::with_capacity(spec.accept.len());
        for form in &spec.accept {
            let mut tests = Vec::with_capacity(form.tests.len());
            for test in &form.tests {
                tests.push(test.try_map(&mut regex, &mut glob)?);
            }
            accept.push(Accept { reason: form.reason.clone(), tests });
        }
        let line_literals = match &spec.subject {
            Subject::Line(patterns) => literals::of_patterns(patterns).and_then(|texts| {
                AhoCorasick::builder().ascii_case_insensitive(true).build(texts).ok()
            }),
            _ => None,
        };
        let needs = literals::needs(&spec);
        let allow = Allowed::of(&spec)?;
        Ok(Self { spec, subject, constraints, accept, allow, needs, line_literals })
    }

    /// Whether it looks at files of a language.
    #[must_use]
    pub fn sees(&self, language: Language) -> bool {
        let visible = match &self.subject {
            Subject::Line(_) => true,
            // The walk's list is enough.
            Subject::File(_) => false,
            Subject::Query(queries) => queries.contains_key(&language),
            Subject::Check(name) => {
                crate::checks::module_check(name).is_some() && language.has_module()
            }
            _ => language.has_module(),
        };
        visible && (self.spec.languages.is_empty() || self.spec.languages.contains(&language))
    }

    /// Whether it works on the text alone, without a module.
    #[must_use]
    pub fn is_textual(&self) -> bool {
        matches!(self.subject, Subject::Line(_))
    }
}

/// The rules of a run.
#[derive(Debug)]
pub struct Catalogue {
    rules: Vec<Rule>,
    languages: BTreeMap<Language, LanguageRules>,
    pub(super) index: Index,
    /// Longest text that an expression sees at once, in bytes.
    pub(super) window: usize,
    textual: RuleSet,
}

/// What one language needs.
#[derive(Debug)]
struct LanguageRules {
    needles: Arc<Needles>,
    by_role: BTreeMap<Role, RuleSet>,
}

/// Rules by the names that they look for.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// Call rules by the last fixed name of a path whose last step is fixed.
    pub(super) calls: HashMap<SmolStr, Vec<u32>>,
    /// Call rules of other paths.
    pub(super) calls_by_any: Vec<u32>,
    /// Access rules whose last step is fixed.
    pub(super) accesses: HashMap<SmolStr, Vec<u32>>,
    /// Access rules that end in `*`, by the fixed step before.
    pub(super) accesses_below: HashMap<SmolStr, Vec<u32>>,
    /// Other access rules.
    pub(super) accesses_by_any: Vec<u32>,
    /// Text rules.
    pub(super) texts: Vec<u32>,
    /// Comment rules.
    pub(super) comments: Vec<u32>,
    /// Name rules.
    pub(super) names: Vec<u32>,
    /// Line rules.
    pub(super) lines: Vec<u32>,
    /// Module checks.
    pub(super) checks: Vec<u32>,
    /// Raw queries.
    pub(super) queries: Vec<u32>,
}

impl Index {
    fn add(&mut self, at: usize, rule: &Rule) {
        let at = rule_index(at);
        match &rule.subject {
            Subject::Text(_) => self.texts.push(at),
            Subject::Comment(_) => self.comments.push(at),
            Subject::Name { .. } => self.names.push(at),
            Subject::Line(_) => self.lines.push(at),
            Subject::Check(_) => self.checks.push(at),
            Subject::Query(_) => self.queries.push(at),
            Subject::File(_) => {}
            Subject::Call(paths) => {
                for path in paths {
                    match path.segments().last() {
                        Some(Segment::Fixed(name)) => {
                            push_once(self.calls.entry(name.clone()).or_default(), at)
                        }
                        _ => push_once(&mut self.calls_by_any, at),
                    }
                }
            }
            Subject::Access(paths) => paths.iter().for_each(|path| self.add_access(at, path)),
        }
    }

    fn add_access(&mut self, at: u32, path: &PathPattern) {
        match path.segments() {
            [.., Segment::Fixed(name)] => {
                push_once(self.accesses.entry(name.clone()).or_default(), at)
            }
            [.., Segment::Fixed(name), Segment::One] => {
                push_once(self.accesses_below.entry(name.clone()).or_default(), at);
            }
            _ => push_once(&mut self.accesses_by_any, at),
        }
    }
}

fn push_once(rules: &mut Vec<u32>, rule: u32) {
    if rules.last() != Some(&rule) {
        rules.push(rule);
    }
}

impl Catalogue {
    /// Reads and compiles rules with the default limits; those that are off are left out.
    ///
    /// # Errors
    /// The first fault of any rule, or an override of a rule that is not there.
    pub fn compile(sources: &[RuleSource], overrides: &Overrides) -> Result<Self, RuleError> {
        Self::compile_within(sources, overrides, &Limits::default(), &mut |_| {})
    }

    /// Reads and compiles rules. A later rule replaces an earlier one of the same id, so that a
    /// user's own can stand in for a built-in one. `compiling` is told each rule's id before that
    /// rule is compiled, so that one that never returns can be named.
    ///
    /// # Errors
    /// As [`Catalogue::compile`].
    pub fn compile_within(
        sources: &[RuleSource],
        overrides: &Overrides,
        limits: &Limits,
        compiling: &mut dyn FnMut(&str),
    ) -> Result<Self, RuleError> {
        let specs = specs(sources, overrides)?;
        let mut rules = Vec::with_capacity(specs.len());
        for spec in specs {
            compiling(&spec.id);
            rules.push(Rule::compile(spec)?);
        }
        Self::new(rules, limits)
    }

    fn new(rules: Vec<Rule>, limits: &Limits) -> Result<Self, RuleError> {
        let mut index = Index::default();
        let mut textual = RuleSet::new(rules.len());
        for (at, rule) in rules.iter().enumerate() {
            index.add(at, rule);
            if rule.is_textual() {
                textual.insert(at);
            }
        }
        let mut languages = BTreeMap::new();
        // Most languages see the same rules as another one does, and building an automaton costs
        // as much as reading some hundred files.
        let mut built: BTreeMap<Vec<usize>, Arc<Needles>> = BTreeMap::new();
        for language in Language::ALL.iter().copied() {
            let seen: Vec<usize> =
                (0..rules.len()).filter(|at| rules[*at].sees(language)).collect();
            if seen.is_empty() {
                continue;
            }
            let mut by_role = BTreeMap::new();
            for role in Role::ALL.iter().copied() {
                let mut set = RuleSet::new(rules.len());
                seen.iter()
                    .filter(|at| rules[**at].spec.roles.contains(&role))
                    .for_each(|at| set.insert(*at));
                by_role.insert(role, set);
            }
            let needles = match built.get(&seen) {
                Some(needles) => Arc::clone(needles),
                None => {
                    let needs = seen.iter().map(|at| (*at, rules[*at].needs.as_slice()));
                    let needles =
                        Needles::build(needs, rules.len()).map_err(|error| RuleError {
                            path: "rules".to_owned(),
                            place: Place::default(),
                            problem: format!("the literals of all rules are too many: {error}"),
                            help: Some("turn some of them off".to_owned()),
                        })?;
                    Arc::clone(built.entry(seen).or_insert(Arc::new(needles)))
                }
            };
            languages.insert(language, LanguageRules { needles, by_role });
        }
        Ok(Self { rules, languages, index, window: limits.line_window, textual })
    }

    /// The rules, by id.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// A rule by its id.
    #[must_use]
    pub fn rule(&self, id: &str) -> Option<&Rule> {
        self.position(id).map(|at| &self.rules[at])
    }

    /// Where a rule stands in [`Catalogue::rules`].
    #[must_use]
    pub fn position(&self, id: &str) -> Option<usize> {
        self.rules.binary_search_by(|rule| rule.spec.id.as_str().cmp(id)).ok()
    }

    /// The automaton of the literals that the rules of a language need.
    #[must_use]
    pub fn needles(&self, language: Language) -> Option<&AhoCorasick> {
        self.languages.get(&language).map(|rules| rules.needles.automaton())
    }

    /// The rules that can fire in a text of this language and role. When it is empty, or
    /// [`Catalogue::needs_module`] says no, nobody here asks for parsing.
    #[must_use]
    pub fn needed(&self, text: &str, language: Language, role: Role) -> RuleSet {
        match self.languages.get(&language) {
            Some(rules) => match rules.by_role.get(&role) {
                Some(wanted) if !wanted.is_empty() => rules.needles.needed(text, wanted),
                _ => RuleSet::new(self.rules.len()),
            },
            None => RuleSet::new(self.rules.len()),
        }
    }

    /// Whether any of these rules looks at a module; line rules work on text.
    #[must_use]
    pub fn needs_module(&self, active: &RuleSet) -> bool {
        active.iter().any(|rule| !self.textual.contains(rule))
    }

    /// Rules that yield no literal: each makes every file of its languages be parsed.
    pub fn without_literals(&self) -> impl Iterator<Item = &Rule> {
        self.rules.iter().filter(|rule| {
            rule.needs.is_empty() && Language::ALL.iter().any(|language| rule.sees(*language))
        })
    }
}

/// Reads rule files and applies the configuration. The result is sorted by id and holds no
/// rule that is off. Compiles nothing.
///
/// # Errors
/// The first fault of any rule, or an override of a rule that is not there.
pub fn specs(sources: &[RuleSource], overrides: &Overrides) -> Result<Vec<RuleSpec>, RuleError> {
    let mut by_id = BTreeMap::new();
    for source in sources {
        let spec = RuleSpec::parse(source)?;
        by_id.insert(spec.id.clone(), spec);
    }
    let mut specs: Vec<RuleSpec> = by_id.into_values().collect();
    if let Some((id, near)) = overrides.unknown(&specs) {
        return Err(RuleError {
            path: "configuration".to_owned(),
            place: Place::default(),
            problem: format!("there is no rule `{id}`"),
            help: Some(near.map_or_else(
                || "`readiness rules` lists them".to_owned(),
                |near| format!("did you mean `{near}`?"),
            )),
        });
    }
    specs.retain_mut(|spec| overrides.apply(spec));
    Ok(specs)
}
