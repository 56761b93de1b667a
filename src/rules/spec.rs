//! A rule as its file says it: metadata, and a matcher whose regular expressions are still text.
//! Making one compiles nothing, so the process that reports may do it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::allow::Allow;
use super::error::Place;
use crate::finding::{Category, Confidence, Severity, scale};
use crate::module::path::PathPattern;
use crate::source::{Language, Role};

/// A rule file, read.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleSpec {
    /// The file's name.
    pub id: SmolStr,
    /// The file's folder.
    pub category: Category,
    /// How messages name the file.
    pub path: String,
    /// One line that names the problem.
    pub title: String,
    /// How bad it is.
    pub severity: Severity,
    /// How sure the rule is.
    pub confidence: Confidence,
    /// The roles of files that it looks at.
    pub roles: Vec<Role>,
    /// The languages that it looks at; empty means every one that its matcher can see.
    pub languages: Vec<Language>,
    /// Minutes that one fix takes.
    pub effort_minutes: u32,
    /// What a finding says; `{holes}` are captures.
    pub message: String,
    /// Why it matters.
    pub why: String,
    /// How it can be wrong.
    pub wrong: Option<String>,
    /// What to do.
    pub fix: String,
    /// CWE, ASVS, links.
    pub references: Vec<String>,
    /// What is looked at.
    pub subject: Subject<Patterns>,
    /// What must hold beside.
    pub constraints: Vec<Test<Patterns, Patterns>>,
    /// Legitimate forms with their reasons, in the order of the reasons.
    pub accept: Vec<Accept<Patterns, Patterns>>,
    /// Places that the configuration allows.
    pub allow: Vec<Allow>,
    /// Code that the rule is tested and explained with.
    pub examples: Vec<Example>,
}

/// Regular expressions or globs as written, any of which may match.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Patterns {
    /// The alternatives.
    pub items: Vec<String>,
    /// Where they stand in the file.
    pub place: Place,
}

/// What a rule looks at. `R` is [`Patterns`] before compiling and compiled expressions after.
#[derive(Debug, Clone, PartialEq)]
pub enum Subject<R> {
    /// The folded text of string literals.
    Text(R),
    /// Comments, line by line.
    Comment(R),
    /// Definitions.
    Name {
        /// The names.
        names: R,
        /// The kinds of definitions.
        kinds: Vec<NameKind>,
        /// What a function's body must be like.
        body: Option<BodyKind>,
    },
    /// Attribute chains.
    Access(Vec<PathPattern>),
    /// Calls.
    Call(Vec<PathPattern>),
    /// Raw tree-sitter queries.
    Query(BTreeMap<Language, (String, Place)>),
    /// Physical lines.
    Line(R),
    /// Files, by globs of their paths, whether or not anybody can read them.
    File(Patterns),
    /// A function of `src/checks/`.
    Check(SmolStr),
}

impl<R> Subject<R> {
    /// The key that it is written with.
    #[must_use]
    pub fn key(&self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::Comment(_) => "comment",
            Self::Name { .. } => "name",
            Self::Access(_) => "access",
            Self::Call(_) => "call",
            Self::Query(_) => "query",
            Self::Line(_) => "line",
            Self::File(_) => "file",
            Self::Check(_) => "check",
        }
    }

    /// The capture that an accepted form tests when it repeats the subject's key.
    #[must_use]
    pub fn main_capture(&self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::Comment(_) => "comment",
            Self::Name { .. } => "name",
            Self::Access(_) => "path",
            Self::Call(_) => "callee",
            Self::File(_) => "file",
            Self::Query(_) | Self::Line(_) | Self::Check(_) => "match",
        }
    }

    /// Whether it looks at the expressions of a module, whose surroundings can be asked about.
    #[must_use]
    pub fn has_context(&self) -> bool {
        matches!(self, Self::Text(_) | Self::Name { .. } | Self::Access(_) | Self::Call(_))
    }
}

scale! {
    /// The kinds of definitions.
    NameKind {
        /// Functions and methods.
        Function = "function",
        /// Classes.
        Class = "class",
        /// Names that are assigned to.
        Binding = "binding",
        /// Parameters.
        Parameter = "parameter",
        /// Imported names.
        Import = "import",
    }
}

scale! {
    /// What a function's body may be like.
    BodyKind {
        /// It returns made-up data and calls nothing.
        Literal = "literal",
        /// It does nothing.
        Empty = "empty",
        /// It only raises.
        Raises = "raises",
    }
}

scale! {
    /// The kinds of values.
    ValueKind {
        /// Text.
        Text = "text",
        /// A number.
        Number = "number",
        /// `True`, `false`.
        Bool = "bool",
        /// `None`, `null`.
        None = "none",
        /// A list, tuple or set.
        List = "list",
        /// A map.
        Map = "map",
        /// A call.
        Call = "call",
        /// A name or an attribute.
        Name = "name",
        /// A function.
        Function = "function",
    }
}

/// Something that must hold of a match.
#[derive(Debug, Clone, PartialEq)]
pub enum Test<R, G> {
    /// Of an argument: the first of the alternatives that is there.
    Arg(Vec<ArgKey>, ValueTest<R>),
    /// Of what stands in when the match is absent.
    Fallback(ValueTest<R>),
    /// The path that the method chain starts from.
    Receiver(Vec<PathPattern>),
    /// Whether it is what a function returns.
    Returned(bool),
    /// An enclosing definition, or the match itself, is decorated so.
    Decorated(Vec<PathPattern>),
    /// An enclosing function's name.
    InsideFunction(R),
    /// An enclosing class's name.
    InsideClass(R),
    /// Whether an exception handler encloses it.
    InsideHandler(bool),
    /// The source of the condition of an `if` around it.
    InsideCondition(R),
    /// What directly receives the value.
    AssignedTo(R),
    /// It lies in an argument of such a call.
    ArgumentOf(Vec<PathPattern>),
    /// Whether it is an operand of a comparison.
    Compared(bool),
    /// Whether a comment stands with it, or on the line above.
    Explained(bool),
    /// The file's path.
    Path(G),
    /// The physical line of the place.
    LineMatches(R),
    /// The file holds one of these texts.
    ModuleHas(Vec<String>),
    /// The module imports one of these.
    Imports(Vec<String>),
    /// The main capture.
    Captured(R),
    /// None of these groups holds whole.
    Unless(Vec<Vec<Test<R, G>>>),
}

/// Which argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ArgKey {
    /// A positional one, counted from 0.
    Position(usize),
    /// A keyword.
    Name(SmolStr),
    /// Any positional one: `*`.
    Any,
}

/// What must hold of a value.
#[derive(Debug, Clone, PartialEq)]
pub struct ValueTest<R> {
    /// Its folded text matches.
    pub matches: Option<R>,
    /// Its folded text does not match.
    pub not: Option<R>,
    /// Whether it is constant.
    pub literal: Option<bool>,
    /// It is one of these kinds; empty means any.
    pub kinds: Vec<ValueKind>,
    /// Whether it must be missing. With other tests: it is missing, or they hold.
    pub absent: Option<bool>,
    /// Whether it reads an environment variable.
    pub env: Option<bool>,
    /// Characters of its text, at least.
    pub min_length: Option<usize>,
    /// It hands on what stands below one of these paths, by itself or by a name of the function
    /// around it, and nothing has looked at that before.
    pub reads: Vec<PathPattern>,
    /// As `reads`, of a text that begins with it.
    pub begins: Vec<PathPattern>,
}

/// A legitimate form.
#[derive(Debug, Clone, PartialEq)]
pub struct Accept<R, G> {
    /// Why it is fine.
    pub reason: SmolStr,
    /// What must hold.
    pub tests: Vec<Test<R, G>>,
}

/// Code that a rule is tested with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// The line of the rule file.
    pub line: u32,
    /// The path to pretend.
    pub path: Option<String>,
    /// The pieces of code.
    pub codes: Vec<ExampleCode>,
}

/// A piece of code of an example.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExampleCode {
    /// What the rule must say about it.
    pub expect: Expect,
    /// Its language.
    pub language: Language,
    /// The code.
    pub text: String,
    /// Its key in the file.
    pub place: Place,
    /// The line of the file that its first line is.
    pub first_line: u32,
}

scale! {
    /// What a rule must say about an example.
    Expect {
        /// At least one finding.
        Bad = "bad",
        /// No finding.
        Good = "good",
        /// No finding, at least one accepted place.
        Accepted = "accepted",
    }
}

impl<R> ValueTest<R> {
    fn try_map<S, E>(&self, regex: &mut impl FnMut(&R) -> Result<S, E>) -> Result<ValueTest<S>, E> {
        Ok(ValueTest {
            matches: self.matches.as_ref().map(&mut *regex).transpose()?,
            not: self.not.as_ref().map(&mut *regex).transpose()?,
            literal: self.literal,
            kinds: self.kinds.clone(),
            absent: self.absent,
            env: self.env,
            min_length: self.min_length,
            reads: self.reads.clone(),
            begins: self.begins.clone(),
        })
    }
}

impl<R, G> Test<R, G> {
    /// The same test with its expressions and globs turned into something else.
    ///
    /// # Errors
    /// The first error of either function.
    pub fn try_map<S, H, E>(
        &self,
        regex: &mut impl FnMut(&R) -> Result<S, E>,
        glob: &mut impl FnMut(&G) -> Result<H, E>,
    ) -> Result<Test<S, H>, E> {
        Ok(match self {
            Self::Arg(which, test) => Test::Arg(which.clone(), test.try_map(regex)?),
            Self::Fallback(test) => Test::Fallback(test.try_map(regex)?),
            Self::Receiver(paths) => Test::Receiver(paths.clone()),
            Self::Returned(yes) => Test::Returned(*yes),
            Self::Decorated(paths) => Test::Decorated(paths.clone()),
            Self::InsideFunction(names) => Test::InsideFunction(regex(names)?),
            Self::InsideClass(names) => Test::InsideClass(regex(names)?),
            Self::InsideCondition(tests) => Test::InsideCondition(regex(tests)?),
            Self::InsideHandler(yes) => Test::InsideHandler(*yes),
            Self::AssignedTo(names) => Test::AssignedTo(regex(names)?),
            Self::ArgumentOf(paths) => Test::ArgumentOf(paths.clone()),
            Self::Compared(yes) => Test::Compared(*yes),
            Self::Explained(yes) => Test::Explained(*yes),
            Self::Path(globs) => Test::Path(glob(globs)?),
            Self::LineMatches(patterns) => Test::LineMatches(regex(patterns)?),
            Self::ModuleHas(texts) => Test::ModuleHas(texts.clone()),
            Self::Imports(modules) => Test::Imports(modules.clone()),
            Self::Captured(patterns) => Test::Captured(regex(patterns)?),
            Self::Unless(groups) => {
                let mut mapped = Vec::with_capacity(groups.len());
                for group in groups {
                    let mut tests = Vec::with_capacity(group.len());
                    for test in group {
                        tests.push(test.try_map(regex, glob)?);
                    }
                    mapped.push(tests);
                }
                Test::Unless(mapped)
            }
        })
    }
}
