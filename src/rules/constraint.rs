//! Whether the constraints of a rule hold of a match.

use std::borrow::Cow;

use globset::GlobSet;

use super::context::{self, Node};
use super::reads;
use super::regexes::Regexes;
use super::spec::{ArgKey, Test, ValueTest};
use super::value::{self, Names};
use crate::module::path::{Aliases, Path, last_name};
use crate::module::visit::{Visitor, Walk, walk_expr};
use crate::module::{Call, Class, Comment, Expr, ExprKind, Function, Span, Stmt, StmtKind};
use crate::source::{LineIndex, Source};

/// A test ready to run.
pub type Ready = Test<Regexes, GlobSet>;

/// What all matches of one file share.
pub struct File<'m> {
    /// The file.
    pub source: &'m Source,
    /// Its lines.
    pub lines: &'m LineIndex,
    /// What imported names stand for; none without a module.
    pub aliases: Aliases<'m>,
    /// Its comments, in order; none without a module.
    pub comments: &'m [Comment],
    /// Constants of the module.
    pub names: Names<'m>,
    /// The longest text that an expression sees at once, in bytes.
    pub window: usize,
}

/// A place that a rule's subject matched.
pub struct Place<'m> {
    /// Where.
    pub span: Span,
    /// The expression, where it is one.
    pub expr: Option<&'m Expr>,
    /// The function, where its name matched.
    pub function: Option<&'m Function>,
    /// The class, where its name matched.
    pub class: Option<&'m Class>,
    /// The main capture: the text, the name, the path, the callee.
    pub captured: Cow<'m, str>,
    /// What the subject's expression matched within it.
    pub found: Option<String>,
    /// Named groups, and captures of a check or a query.
    pub extra: Vec<(String, String)>,
}

impl<'m> Place<'m> {
    /// A place with a main capture and nothing else.
    #[must_use]
    pub fn new(span: Span, captured: Cow<'m, str>) -> Self {
        Self {
            span,
            expr: None,
            function: None,
            class: None,
            captured,
            found: None,
            extra: Vec::new(),
        }
    }

    fn call(&self) -> Option<&'m Call> {
        match &self.expr?.kind {
            ExprKind::Call(call) => Some(call),
            _ => None,
        }
    }
}

/// Whether every test holds.
#[must_use]
pub fn all_hold<'m>(
    tests: &[Ready],
    file: &File<'m>,
    ancestors: &[Node<'m>],
    place: &Place<'m>,
) -> bool {
    tests.iter().all(|test| holds(test, file, ancestors, place))
}

fn holds<'m>(test: &Ready, file: &File<'m>, ancestors: &[Node<'m>], place: &Place<'m>) -> bool {
    match test {
        Test::Arg(which, test) if which.contains(&ArgKey::Any) => {
            place.call().is_some_and(|call| {
                let mut positional = call.args.iter().filter(|arg| arg.name.is_none());
                positional.any(|arg| value_holds(test, &arg.value, file, ancestors))
            })
        }
        Test::Arg(which, test) => place.call().is_some_and(|call| match argument(call, which) {
            Argument::Given(value) => value_holds(test, value, file, ancestors),
            Argument::Missing => test.absent == Some(true),
            Argument::Unknown => false,
        }),
        Test::Fallback(test) => {
            let fallback = place.expr.and_then(|expr| context::fallback(ancestors, expr));
            match fallback {
                Some(value) => value_holds(test, value, file, ancestors),
                None => test.absent == Some(true),
            }
        }
        Test::Receiver(paths) => place
            .expr
            .is_some_and(|expr| file.aliases.any_matches(paths, context::chain_start(expr))),
        Test::Returned(yes) => {
            place.expr.is_some_and(|expr| context::is_returned(ancestors, expr)) == *yes
        }
        Test::Decorated(paths) => {
            let own = place.function.map(|function| &function.decorators);
            let own = own.or_else(|| place.class.map(|class| &class.decorators));
            own.into_iter().flatten().chain(context::decorators(ancestors)).any(|decorator| {
                file.aliases.any_matches(paths, context::decorator_name(decorator))
            })
        }
        Test::InsideFunction(names) => {
            context::functions(ancestors).any(|name| names.is_match(name, file.window))
        }
        Test::InsideClass(names) => {
            context::classes(ancestors).any(|name| names.is_match(name, file.window))
        }
        Test::InsideCondition(tests) => ancestors.iter().any(|node| match node {
            Node::Stmt(Stmt { kind: StmtKind::If { test, .. }, .. }) => {
                tests.is_match(&value::source_of(test, &file.source.text), file.window)
            }
            _ => false,
        }),
        Test::InsideHandler(yes) => context::in_handler(ancestors) == *yes,
        Test::AssignedTo(names) => place
            .expr
            .and_then(|expr| context::receiver_name(ancestors, expr))
            .is_some_and(|name| names.is_match(name, file.window)),
        Test::ArgumentOf(paths) => context::is_argument_of(ancestors, &file.aliases, paths),
        Test::Compared(yes) => context::is_compared(ancestors) == *yes,
        Test::Explained(yes) => is_explained(file, place) == *yes,
        Test::Path(globs) => globs.is_match(&file.source.path),
        Test::LineMatches(patterns) => {
            patterns.is_match(file.lines.line(&file.source.text, place.span.line), file.window)
        }
        Test::ModuleHas(texts) => texts.iter().any(|text| file.source.text.contains(text.as_str())),
        Test::Imports(modules) => modules.iter().any(|module| file.aliases.imports(module)),
        Test::Captured(patterns) => patterns.is_match(&place.captured, file.window),
        Test::Unless(groups) => !groups.iter().any(|group| all_hold(group, file, ancestors, place)),
    }
}

/// Letters that a comment needs to say anything: `ignore` does, `// :(` does not.
const MIN_LETTERS: usize = 6;

/// Whether a comment stands on the lines of a place, or on the one above.
fn is_explained(file: &File<'_>, place: &Place<'_>) -> bool {
    let above = place.span.line.saturating_sub(1);
    let start = file.comments.partition_point(|comment| comment.span.line < above);
    let last = file.lines.line_of(place.span.end.max(place.span.start));
    // A block that ends above the place begins further up.
    let ends_above = |comment: &Comment| file.lines.line_of(comment.span.end) == above;
    let nearest =
        start.checked_sub(1).and_then(|at| file.comments.get(at)).filter(|it| ends_above(it));
    file.comments[start..]
        .iter()
        .take_while(|comment| comment.span.line <= last)
        .chain(nearest)
        .any(|comment| comment.text.chars().filter(|c| c.is_alphabetic()).count() >= MIN_LETTERS)
}

/// What is known about an argument.
pub enum Argument<'m> {
    /// It is there.
    Given(&'m Expr),
    /// It is not.
    Missing,
    /// A spread may hold it.
    Unknown,
}

/// The first of some alternative arguments that is given.
#[must_use]
pub fn argument<'m>(call: &'m Call, which: &[ArgKey]) -> Argument<'m> {
    let mut spread = false;
    let mut position = 0;
    for arg in &call.args {
        if matches!(arg.value.kind, ExprKind::Spread(_)) {
            spread = true;
            continue;
        }
        let fits = match &arg.name {
            Some(name) => {
                which.iter().any(|key| matches!(key, ArgKey::Name(wanted) if wanted == name))
            }
            // Behind a spread, positions cannot be counted.
            None => {
                !spread
                    && which
                        .iter()
                        .any(|key| matches!(key, ArgKey::Position(wanted) if *wanted == position))
            }
        };
        if fits {
            return Argument::Given(&arg.value);
        }
        if arg.name.is_none() {
            position += 1;
        }
    }
    if spread { Argument::Unknown } else { Argument::Missing }
}

fn value_holds<'m>(
    test: &ValueTest<Regexes>,
    value: &'m Expr,
    file: &File<'m>,
    ancestors: &[Node<'m>],
) -> bool {
    let other_tests = test.matches.is_some()
        || test.not.is_some()
        || test.literal.is_some()
        || !test.kinds.is_empty()
        || test.env.is_some()
        || test.min_length.is_some()
        || !test.reads.is_empty()
        || !test.begins.is_empty();
    if test.absent == Some(true) && !other_tests {
        return false;
    }
    let folded = value::fold(value, &file.names, &file.source.text);
    let matches = |patterns: &Regexes| patterns.is_match(&folded.text, file.window);
    test.literal.is_none_or(|wanted| folded.literal == wanted)
        && (test.kinds.is_empty() || folded.kind.is_some_and(|kind| test.kinds.contains(&kind)))
        && test.matches.as_ref().is_none_or(matches)
        && !test.not.as_ref().is_some_and(matches)
        && test.min_length.is_none_or(|least| folded.text.chars().count() >= least)
        && test.env.is_none_or(|wanted| reads_environment(value, file) == wanted)
        && [(&test.reads, reads::Part::Any), (&test.begins, reads::Part::Beginning)].iter().all(
            |(paths, part)| {
                paths.is_empty() || reads::holds(value, ancestors, &file.aliases, paths, *part)
            },
        )
}

/// Whether an expression, or the constant that it names, reads an environment variable.
fn reads_environment<'m>(expr: &'m Expr, file: &File<'m>) -> bool {
    let mut search = EnvironmentSearch { aliases: &file.aliases, found: false };
    walk_expr(&mut search, expr);
    if !search.found
        && let ExprKind::Name(name) = &expr.kind
        && let Some(value) = file.names.get(name)
    {
        walk_expr(&mut search, value);
    }
    search.found
}

struct EnvironmentSearch<'a, 'm> {
    aliases: &'a Aliases<'m>,
    found: bool,
}

impl<'m> Visitor<'m> for EnvironmentSearch<'_, 'm> {
    fn enter_expr(&mut self, expr: &'m Expr) -> Walk {
        if !self.found
            && matches!(expr.kind, ExprKind::Name(_) | ExprKind::Attribute { .. })
            && last_name(expr).is_some_and(|name| {
                matches!(name, "getenv" | "environ" | "env" | "var" | "var_os" | "config")
                    || self.aliases.knows(name)
            })
        {
            let (path, _) = self.aliases.resolve(&Path::of(expr));
            self.found = matches!(
                path.segments.as_slice(),
                ["os", "getenv" | "environ"]
                    | ["process" | "Deno" | "Bun", "env"]
                    | ["import", "meta", "env"]
                    | ["std", "env", "var" | "var_os"]
                    | ["env", "var" | "var_os"]
                    | ["decouple", "config"]
            );
        }
        if self.found { Walk::Skip } else { Walk::Into }
    }
}
