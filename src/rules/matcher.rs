//! Matching all rules in one pass over a module.

use std::borrow::Cow;
use std::ptr;
use std::time::Instant;

use super::allow::Allowed;
use super::catalogue::{Catalogue, Rule};
use super::constraint::{self, Argument, File, Place};
use super::context::Node;
use super::regexes::Regexes;
use super::report::{Hit, Outcome};
use super::spec::{ArgKey, BodyKind, NameKind, Subject};
use super::value::{self, Names};
use super::{RuleSet, query, report};
use crate::checks::{self, shape};
use crate::finding::{Accepted, Finding};
use crate::module::path::{Aliases, Path, PathPattern, last_name};
use crate::module::visit::{Visitor, Walk, walk_module};
use crate::module::{
    Arg, Call, Class, Comment, Entry, Expr, ExprKind, Function, Handler, Import, ImportNames,
    Module, Param, Span, Stmt, StmtKind,
};
use crate::profile::nanoseconds;
use crate::source::{LineIndex, Source};

/// Most places of one rule in one file; more say nothing new and cost memory.
pub const MAX_PLACES: usize = 1_000;

/// What the rules found in one file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Matches {
    /// Broken rules, by place.
    pub findings: Vec<Finding>,
    /// Legitimate uses, by place.
    pub accepted: Vec<Accepted>,
    /// Rules whose raw query could not be finished within its limits.
    pub unfinished: Vec<String>,
    /// Nanoseconds by rule, where they were asked for.
    pub spent: Vec<(String, u64)>,
}

/// Matches the active rules. Without a module, only rules about lines can match.
#[must_use]
pub fn run(
    catalogue: &Catalogue,
    active: &RuleSet,
    source: &Source,
    module: Option<&Module>,
    lines: &LineIndex,
) -> Matches {
    timed(catalogue, active, source, module, lines, false)
}

/// [`run`], with the time that each rule takes where `profile` asks for it.
#[must_use]
pub fn timed(
    catalogue: &Catalogue,
    active: &RuleSet,
    source: &Source,
    module: Option<&Module>,
    lines: &LineIndex,
    profile: bool,
) -> Matches {
    let file = File {
        source,
        lines,
        aliases: module.map(Aliases::of).unwrap_or_default(),
        comments: module.map_or(&[], |module| &module.comments),
        names: module.map(Names::of).unwrap_or_default(),
        window: catalogue.window,
    };
    let of = |rules: &[u32]| -> Vec<usize> {
        rules.iter().map(|rule| *rule as usize).filter(|rule| active.contains(*rule)).collect()
    };
    let index = &catalogue.index;
    let mut matcher = Matcher {
        catalogue,
        active,
        file: &file,
        ancestors: Vec::with_capacity(64),
        annotations: 0,
        texts: of(&index.texts),
        names: of(&index.names),
        hits: Vec::new(),
        places: vec![0; catalogue.rules().len()],
        last_access: None,
        spent: if profile { vec![0; catalogue.rules().len()] } else { Vec::new() },
    };
    let mut unfinished = Vec::new();
    if let Some(module) = module {
        if catalogue.needs_module(active) {
            walk_module(&mut matcher, module);
        }
        let comments = of(&index.comments);
        if !comments.is_empty() {
            module.comments.iter().for_each(|comment| matcher.comment(comment, &comments));
        }
        for rule in of(&index.checks) {
            let start = matcher.start();
            matcher.check(rule, module);
            matcher.stop(rule, start);
        }
        for rule in of(&index.queries) {
            let start = matcher.start();
            let finished = matcher.query(rule);
            matcher.stop(rule, start);
            if !finished {
                unfinished.push(catalogue.rules()[rule].spec.id.to_string());
            }
        }
    }
    for rule in of(&index.lines) {
        let start = matcher.start();
        matcher.lines(rule);
        matcher.stop(rule, start);
    }
    let spent = matcher.spent.iter().enumerate().filter(|(_, spent)| **spent > 0);
    let spent =
        spent.map(|(at, spent)| (catalogue.rules()[at].spec.id.to_string(), *spent)).collect();
    let (findings, accepted) = report::report(catalogue, &file, matcher.hits);
    Matches { findings, accepted, unfinished, spent }
}

struct Matcher<'c, 'm> {
    catalogue: &'c Catalogue,
    active: &'c RuleSet,
    file: &'c File<'m>,
    ancestors: Vec<Node<'m>>,
    /// How many declared types enclose the place.
    annotations: u32,
    texts: Vec<usize>,
    names: Vec<usize>,
    hits: Vec<Hit>,
    places: Vec<usize>,
    /// The last access that matched: rule and place. A chain is matched outermost first, and its
    /// inner parts are not matched again.
    last_access: Option<(usize, Span)>,
    /// Nanoseconds of each rule; empty where nobody asks.
    spent: Vec<u64>,
}

impl<'m> Matcher<'_, 'm> {
    /// The clock, where somebody asks for the time of rules.
    fn start(&self) -> Option<Instant> {
        (!self.spent.is_empty()).then(Instant::now)
    }

    /// Adds what a rule has taken since the clock was read.
    fn stop(&mut self, at: usize, start: Option<Instant>) {
        if let (Some(start), Some(spent)) = (start, self.spent.get_mut(at)) {
            *spent += nanoseconds(start.elapsed());
        }
    }

    /// Judges a place that the subject of a rule matched. True when the rule says something.
    fn judge(&mut self, at: usize, place: &Place<'m>) -> bool {
        let rule = &self.catalogue.rules()[at];
        if !constraint::all_hold(&rule.constraints, self.file, &self.ancestors, place) {
            return false;
        }
        if self.places[at] >= MAX_PLACES {
            return false;
        }
        self.places[at] += 1;
        let accepted = rule
            .accept
            .iter()
            .find(|form| constraint::all_hold(&form.tests, self.file, &self.ancestors, place));
        let outcome = match accepted {
            Some(form) => Outcome::Accepted(form.reason.clone(), None),
            None => match rule.allow.iter().find(|allowed| self.allows(allowed, rule, place)) {
                Some(allowed) => {
                    Outcome::Accepted(allowed.reason.as_str().into(), Some(allowed.index))
                }
                None => Outcome::Found(self.message(rule, place)),
            },
        };
        self.hits.push(Hit { rule: at, span: place.span, outcome });
        true
    }

    /// Whether an entry of the configuration covers a place. Its values are what the message shows,
    /// and the main capture, which some messages keep to themselves.
    fn allows(&self, allowed: &Allowed, rule: &Rule, place: &Place<'m>) -> bool {
        let mut values = vec![place.captured.clone()];
        values.extend(
            super::message::holes(&rule.spec.message)
                .filter_map(|hole| self.capture(rule, place, hole)),
        );
        let file = self.file;
        let values = values.iter().map(AsRef::as_ref);
        allowed.covers(&file.source.path, file.window, values, |calls| {
            let is_one = place.expr.is_some_and(|expr| match &expr.kind {
                ExprKind::Call(call) => file.aliases.any_matches(calls, &call.callee),
                _ => false,
            });
            is_one || super::context::is_argument_of(&self.ancestors, &file.aliases, calls)
        })
    }

    fn message(&self, rule: &Rule, place: &Place<'m>) -> String {
        let secrets =
            super::excerpt::secrets_of_place(self.file.source, self.file.lines, place.span);
        super::message::fill(&rule.spec.message, &secrets, |name| self.capture(rule, place, name))
    }

    fn capture<'p>(
        &'p self,
        rule: &Rule,
        place: &'p Place<'m>,
        name: &str,
    ) -> Option<Cow<'p, str>> {
        if let Some((_, value)) = place.extra.iter().find(|(known, _)| known == name) {
            return Some(Cow::Borrowed(value.as_str()));
        }
        if name == rule.subject.main_capture() {
            return Some(Cow::Borrowed(&*place.captured));
        }
        match name {
            "match" => return place.found.as_deref().map(Cow::Borrowed),
            "last" => return place.captured.rsplit('.').next().map(Cow::Borrowed),
            "fallback" => {
                let fallback = super::context::fallback(&self.ancestors, place.expr?)?;
                return Some(self.shown(fallback));
            }
            _ => {}
        }
        let ExprKind::Call(call) = &place.expr?.kind else { return None };
        let which: Vec<ArgKey> = name
            .split('|')
            .map(|word| word.parse().map_or_else(|_| ArgKey::Name(word.into()), ArgKey::Position))
            .collect();
        match constraint::argument(call, &which) {
            Argument::Given(value) => Some(self.shown(value)),
            Argument::Missing | Argument::Unknown => None,
        }
    }

    fn shown(&self, value: &'m Expr) -> Cow<'m, str> {
        let source: &'m str = &self.file.source.text;
        match value::fold_text(value, &self.file.names) {
            Some(text) => Cow::Owned(text.into_owned()),
            None => value::source_of(value, source),
        }
    }

    /// Tests a text against the expression of a rule, and judges the place where it matches.
    fn judge_text(&mut self, at: usize, regexes: &Regexes, mut place: Place<'m>) -> bool {
        let Some(found) = regexes.find(&place.captured, self.file.window) else { return false };
        let (text, named) = (found.text().to_owned(), found.named());
        place.found = Some(text);
        place.extra = named;
        self.judge(at, &place)
    }

    fn text(&mut self, expr: &'m Expr) {
        if self.texts.is_empty() || self.annotations > 0 || !self.is_text_of_its_own(expr) {
            return;
        }
        let Some(text) = value::fold_text(expr, &self.file.names) else { return };
        let catalogue = self.catalogue;
        for slot in 0..self.texts.len() {
            let at = self.texts[slot];
            let Subject::Text(regexes) = &catalogue.rules()[at].subject else { continue };
            let start = self.start();
            if regexes.is_match(&text, self.file.window) {
                let mut place = Place::new(expr.span, text.clone());
                place.expr = Some(expr);
                self.judge_text(at, regexes, place);
            }
            self.stop(at, start);
        }
    }

    /// False for a part of a concatenation or formatting, a module's name, text between tags, and
    /// a key that is written as a name.
    fn is_text_of_its_own(&self, expr: &'m Expr) -> bool {
        match self.ancestors.last() {
            // A text that stands alone documents what is above it.
            Some(Node::Stmt(stmt)) => !matches!(stmt.kind, StmtKind::Expr(_)),
            Some(Node::Expr(parent)) => match &parent.kind {
                ExprKind::Binary { operator, .. } if operator == "+" => {
                    !value::is_text_chain(parent)
                }
                ExprKind::Binary { operator, left, .. } if operator == "%" => {
                    !(ptr::eq(&raw const **left, expr) && value::is_text_chain(parent))
                }
                ExprKind::Attribute { name, .. } => name != "format",
                ExprKind::Markup(markup) => {
                    !markup.children.iter().any(|child| ptr::eq(child, expr))
                }
                _ => true,
            },
            Some(Node::Arg(_)) => {
                let Some(Node::Expr(parent)) = self.ancestors.iter().rev().nth(1) else {
                    return true;
                };
                !matches!(&parent.kind, ExprKind::Call(call)
                    if matches!(&call.callee.kind, ExprKind::Name(name) if name == "require" || name == "import"))
            }
            Some(Node::Entry(entry)) => {
                let is_key = entry.key.as_ref().is_some_and(|key| ptr::eq(key, expr));
                !is_key || value::source_of(expr, &self.file.source.text).contains(['"', '\'', '`'])
            }
            _ => true,
        }
    }

    fn call(&mut self, expr: &'m Expr, call: &'m Call) {
        let index = &self.catalogue.index;
        if index.calls.is_empty() && index.calls_by_any.is_empty() {
            return;
        }
        let Some(written) = last_name(&call.callee) else { return };
        let last = match &call.callee.kind {
            ExprKind::Name(name) => self.file.aliases.last_of(name).unwrap_or(written),
            _ => written,
        };
        let by_name = index.calls.get(last).into_iter().flatten();
        // A name imported from the project itself may be matched as written.
        let as_written =
            (last != written).then(|| index.calls.get(written)).flatten().into_iter().flatten();
        let mut paths = None;
        for at in by_name.chain(as_written).chain(&index.calls_by_any) {
            let at = *at as usize;
            if !self.active.contains(at) {
                continue;
            }
            let Subject::Call(patterns) = &self.catalogue.rules()[at].subject else { continue };
            let start = self.start();
            let (resolved, second) = paths.get_or_insert_with(|| self.paths(&call.callee, false));
            if let Some(callee) = matching(patterns, resolved, second.as_ref()) {
                let mut place = Place::new(expr.span, Cow::Owned(callee));
                place.expr = Some(expr);
                self.judge(at, &place);
            }
            self.stop(at, start);
        }
    }

    /// The path after imports are resolved, and the written one where it counts too.
    fn paths(&self, expr: &'m Expr, always_written: bool) -> (Path<'m>, Option<Path<'m>>) {
        let written = Path::of(expr);
        let (resolved, also_written) = self.file.aliases.resolve(&written);
        let second = ((also_written || always_written) && written != resolved).then_some(written);
        (resolved, second)
    }

    fn access(&mut self, expr: &'m Expr) {
        let index = &self.catalogue.index;
        let Some(last) = last_name(expr) else { return };
        let aliases = &self.file.aliases;
        let resolved_last = match &expr.kind {
            // A name alone is an access only where an import says what it stands for.
            ExprKind::Name(name) => match aliases.last_of(name) {
                Some(resolved) => resolved,
                None => return,
            },
            _ => last,
        };
        let object = match &expr.kind {
            ExprKind::Attribute { object, .. } | ExprKind::Index { object, .. } => {
                last_name(object)
            }
            _ => None,
        };
        let object_resolved =
            object.and_then(|name| aliases.last_of(name)).filter(|name| Some(*name) != object);
        let below = |name: Option<&str>| {
            name.and_then(|name| index.accesses_below.get(name)).into_iter().flatten()
        };
        let candidates = index
            .accesses
            .get(resolved_last)
            .into_iter()
            .flatten()
            .chain(below(object))
            .chain(below(object_resolved))
            .chain(&index.accesses_by_any);
        let mut paths = None;
        for at in candidates {
            let at = *at as usize;
            if !self.active.contains(at) || self.is_within_last_access(at, expr.span) {
                continue;
            }
            let Subject::Access(patterns) = &self.catalogue.rules()[at].subject else { continue };
            let start = self.start();
            let (resolved, second) = paths.get_or_insert_with(|| self.paths(expr, true));
            if let Some(path) = matching(patterns, resolved, second.as_ref()) {
                let mut place = Place::new(expr.span, Cow::Owned(path));
                place.expr = Some(expr);
                self.judge(at, &place);
                self.last_access = Some((at, expr.span));
            }
            self.stop(at, start);
        }
    }

    fn is_within_last_access(&self, at: usize, span: Span) -> bool {
        self.last_access.is_some_and(|(rule, outer)| {
            rule == at && outer.start == span.start && outer.end >= span.end
        })
    }

    fn name(&mut self, kind: NameKind, name: &'m str, span: Span, definition: Definition<'m>) {
        let catalogue = self.catalogue;
        for slot in 0..self.names.len() {
            let at = self.names[slot];
            let Subject::Name { names, kinds, body } = &catalogue.rules()[at].subject else {
                continue;
            };
            let start = self.start();
            let fits = kinds.contains(&kind) && names.is_match(name, self.file.window);
            self.stop(at, start);
            if !fits {
                continue;
            }
            let body_fits = body.is_none_or(|body| {
                definition.function.is_some_and(|function| match body {
                    BodyKind::Literal => shape::returns_literals(function),
                    BodyKind::Empty => shape::is_empty(function),
                    BodyKind::Raises => shape::only_raises(function),
                })
            });
            if !body_fits {
                continue;
            }
            let mut place = Place::new(span, Cow::Borrowed(name));
            place.expr = definition.value;
            place.function = definition.function;
            place.class = definition.class;
            self.judge_text(at, names, place);
        }
    }

    fn bound(&mut self, target: &'m Expr, value: Option<&'m Expr>) {
        match &target.kind {
            ExprKind::Name(name) => self.name(
                NameKind::Binding,
                name,
                target.span,
                Definition { value, ..Definition::default() },
            ),
            ExprKind::Attribute { object, name, .. } if matches!(&object.kind, ExprKind::Name(object) if object == "self" || object == "this") =>
            {
                self.name(
                    NameKind::Binding,
                    name,
                    target.span,
                    Definition { value, ..Definition::default() },
                );
            }
            ExprKind::List(items) => items.iter().for_each(|item| self.bound(item, None)),
            ExprKind::Map(entries) => {
                entries.iter().for_each(|entry| self.bound(&entry.value, None))
            }
            _ => {}
        }
    }

    fn bind(&mut self, target: &'m Expr, value: Option<&'m Expr>) {
        if self.names.is_empty() {
            return;
        }
        if let Some(Expr { kind: ExprKind::Function(function), .. }) = value
            && let Some(name) = last_name(target)
        {
            let definition = Definition { function: Some(function), ..Definition::default() };
            self.name(NameKind::Function, name, target.span, definition);
            return;
        }
        self.bound(target, value);
    }

    fn comment(&mut self, comment: &'m Comment, rules: &[usize]) {
        if super::suppress::is_suppression(&comment.text) {
            return;
        }
        let text: &'m str = &self.file.source.text;
        let Some(whole) = text.get(comment.span.start as usize..comment.span.end as usize) else {
            return;
        };
        let mut offset = 0;
        for line in whole.split_inclusive(['\n', '\r']) {
            let said = super::suppress::without_marks(line);
            let start = offset + (said.as_ptr() as usize - line.as_ptr() as usize);
            offset += line.len();
            if said.is_empty() {
                continue;
            }
            let span = self.span(comment.span.start as usize + start, said.len());
            for at in rules {
                let Subject::Comment(regexes) = &self.catalogue.rules()[*at].subject else {
                    continue;
                };
                let start = self.start();
                if regexes.is_match(said, self.file.window) {
                    self.judge_text(*at, regexes, Place::new(span, Cow::Borrowed(said)));
                }
                self.stop(*at, start);
            }
        }
    }

    fn span(&self, start: usize, length: usize) -> Span {
        let start = u32::try_from(start).unwrap_or(u32::MAX);
        let length = u32::try_from(length).unwrap_or(u32::MAX);
        Span { start, end: start.saturating_add(length), line: self.file.lines.line_of(start) }
    }

    fn check(&mut self, at: usize, module: &Module) {
        let rule = &self.catalogue.rules()[at];
        let Subject::Check(name) = &rule.subject else { return };
        let Some(check) = checks::module_check(name) else { return };
        for found in check(self.file.source, module) {
            let mut place = Place::new(found.span, Cow::Borrowed(""));
            place.extra =
                found.captures.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
            if self.places[at] >= MAX_PLACES {
                return;
            }
            match found.accepted {
                Some(reason) => {
                    if constraint::all_hold(&rule.constraints, self.file, &[], &place) {
                        self.places[at] += 1;
                        self.hits.push(Hit {
                            rule: at,
                            span: found.span,
                            outcome: Outcome::Accepted(reason.into(), None),
                        });
                    }
                }
                None => {
                    self.judge(at, &place);
                }
            }
        }
    }

    fn query(&mut self, at: usize) -> bool {
        let Subject::Query(queries) = &self.catalogue.rules()[at].subject else { return true };
        let Some((text, _)) = queries.get(&self.file.source.language) else { return true };
        let Some(found) = query::run(text, self.file.source, self.file.lines) else { return false };
        for one in found {
            let source = self.file.source.text.get(one.span.start as usize..one.span.end as usize);
            let mut place = Place::new(one.span, Cow::Borrowed(source.unwrap_or_default()));
            place.extra = one.captures;
            self.judge(at, &place);
        }
        true
    }

    /// Only lines that hold one of the rule's literals are looked at.
    fn lines(&mut self, at: usize) {
        let rule = &self.catalogue.rules()[at];
        let text: &'m str = &self.file.source.text;
        match &rule.line_literals {
            Some(literals) => {
                let mut last = 0;
                for hit in literals.find_iter(text) {
                    let line =
                        self.file.lines.line_of(u32::try_from(hit.start()).unwrap_or(u32::MAX));
                    if line != last {
                        last = line;
                        self.line(at, line);
                    }
                }
            }
            None => (1..=self.file.lines.len()).for_each(|line| self.line(at, line)),
        }
    }

    fn line(&mut self, at: usize, line: u32) {
        let Subject::Line(regexes) = &self.catalogue.rules()[at].subject else { return };
        let text: &'m str = &self.file.source.text;
        let said = self.file.lines.line(text, line);
        let Some(found) = regexes.find(said, self.file.window) else { return };
        let offset = said.as_ptr() as usize - text.as_ptr() as usize;
        let mut place = Place::new(
            self.span(offset + found.start, found.end - found.start),
            Cow::Borrowed(found.text()),
        );
        place.found = Some(found.text().to_owned());
        place.extra = found.named();
        self.judge(at, &place);
    }
}

/// What a name defines.
#[derive(Default)]
struct Definition<'m> {
    function: Option<&'m Function>,
    class: Option<&'m Class>,
    value: Option<&'m Expr>,
}

/// The path that a pattern matched, in words.
fn matching(
    patterns: &[PathPattern],
    resolved: &Path<'_>,
    second: Option<&Path<'_>>,
) -> Option<String> {
    patterns.iter().find_map(|pattern| {
        if pattern.matches(resolved) {
            return Some(resolved.to_string());
        }
        second.filter(|written| pattern.matches(written)).map(ToString::to_string)
    })
}

impl<'m> Visitor<'m> for Matcher<'_, 'm> {
    fn enter_stmt(&mut self, stmt: &'m Stmt) -> Walk {
        self.ancestors.push(Node::Stmt(stmt));
        if let StmtKind::Bind(bind) = &stmt.kind
            && bind.operator.is_none()
        {
            self.bind(&bind.target, bind.value.as_ref());
        }
        Walk::Into
    }

    fn leave_stmt(&mut self, _: &'m Stmt) {
        self.ancestors.pop();
    }

    fn enter_expr(&mut self, expr: &'m Expr) -> Walk {
        match &expr.kind {
            ExprKind::Text(_) => self.text(expr),
            ExprKind::Binary { operator, .. }
                if !self.texts.is_empty()
                    && (operator == "+" || operator == "%")
                    && value::is_text_chain(expr) =>
            {
                self.text(expr);
            }
            ExprKind::Call(call) => {
                self.call(expr, call);
                if !self.texts.is_empty() && last_name(&call.callee) == Some("format") {
                    self.text(expr);
                }
            }
            ExprKind::Attribute { .. } | ExprKind::Index { .. } | ExprKind::Name(_) => {
                self.access(expr)
            }
            ExprKind::Assign { target, value } => self.bind(target, Some(value)),
            _ => {}
        }
        self.ancestors.push(Node::Expr(expr));
        Walk::Into
    }

    fn leave_expr(&mut self, _: &'m Expr) {
        self.ancestors.pop();
    }

    fn enter_function(&mut self, function: &'m Function) -> Walk {
        if let Some(name) = &function.name
            && !self.names.is_empty()
        {
            let definition = Definition { function: Some(function), ..Definition::default() };
            self.name(NameKind::Function, name, function.name_span, definition);
        }
        self.ancestors.push(Node::Function(function));
        Walk::Into
    }

    fn leave_function(&mut self, _: &'m Function) {
        self.ancestors.pop();
    }

    fn enter_class(&mut self, class: &'m Class) -> Walk {
        if let Some(name) = &class.name
            && !self.names.is_empty()
        {
            let definition = Definition { class: Some(class), ..Definition::default() };
            self.name(NameKind::Class, name, class.name_span, definition);
        }
        self.ancestors.push(Node::Class(class));
        Walk::Into
    }

    fn leave_class(&mut self, _: &'m Class) {
        self.ancestors.pop();
    }

    fn enter_handler(&mut self, handler: &'m Handler) -> Walk {
        self.ancestors.push(Node::Handler(handler));
        Walk::Into
    }

    fn leave_handler(&mut self, _: &'m Handler) {
        self.ancestors.pop();
    }

    fn enter_arg(&mut self, arg: &'m Arg) {
        self.ancestors.push(Node::Arg(arg));
    }

    fn leave_arg(&mut self, _: &'m Arg) {
        self.ancestors.pop();
    }

    fn enter_entry(&mut self, entry: &'m Entry) {
        self.ancestors.push(Node::Entry(entry));
    }

    fn leave_entry(&mut self, _: &'m Entry) {
        self.ancestors.pop();
    }

    fn enter_param(&mut self, param: &'m Param) {
        if !self.names.is_empty()
            && let ExprKind::Name(name) = &param.target.kind
        {
            let definition = Definition { value: param.default.as_ref(), ..Definition::default() };
            self.name(NameKind::Parameter, name, param.target.span, definition);
        }
        self.ancestors.push(Node::Param(param));
    }

    fn leave_param(&mut self, _: &'m Param) {
        self.ancestors.pop();
    }

    fn enter_annotation(&mut self, _: &'m Expr) -> Walk {
        self.annotations += 1;
        self.ancestors.push(Node::Annotation);
        Walk::Into
    }

    fn leave_annotation(&mut self, _: &'m Expr) {
        self.annotations -= 1;
        self.ancestors.pop();
    }

    fn import(&mut self, import: &'m Import) {
        if self.names.is_empty() {
            return;
        }
        let span = self.ancestors.iter().rev().find_map(|node| match node {
            Node::Stmt(stmt) => Some(stmt.span),
            _ => None,
        });
        let Some(span) = span else { return };
        match &import.names {
            ImportNames::Module(name) => {
                self.name(NameKind::Import, name, span, Definition::default())
            }
            ImportNames::Names(names) => {
                for (_, ours) in names {
                    self.name(NameKind::Import, ours, span, Definition::default());
                }
            }
            ImportNames::Effect | ImportNames::Star => {}
        }
    }
}
