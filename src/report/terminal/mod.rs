//! The report for people at a terminal: the answer first, then the numbers, the worst findings with
//! their source, and what to do next.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use super::escape::{break_log_commands, one_line, term_safe};
use super::view::{
    CallsView, CoverageView, Findings, GateRow, RoutesView, RuleGroup, ScoreView, Step, View,
};
use super::{ReportError, Style};
use crate::audit::Audit;
use crate::finding::{Finding, Severity};
use crate::gate::{Status, Verdict};

mod frame;
mod layout;

use layout::{Ink, Paint, bar, cut, pad, pad_left, plural, wrap};

/// The narrowest and the widest layout.
const WIDTHS: std::ops::RangeInclusive<usize> = 60..=140;

/// Columns of a bar.
const BAR: usize = 20;

/// Columns before a gate's criterion: two blanks, the status, whether it blocks, blanks between.
const GATE_INDENT: usize = 2 + 16 + 2 + 8 + 2;

/// How many findings of one rule are shown with their source, unless they are critical.
const PER_RULE: usize = 2;

/// Prints an audit.
pub(super) fn render(audit: &Audit, style: &Style) -> Result<String, ReportError> {
    let page = Page {
        view: &View::new(audit, style),
        paint: Paint { colour: style.colour },
        width: style.width.clamp(*WIDTHS.start(), *WIDTHS.end()),
        style,
    };
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = page.write(&mut out);
    Ok(break_log_commands(&out))
}

struct Page<'a> {
    view: &'a View<'a>,
    paint: Paint,
    width: usize,
    style: &'a Style,
}

impl Page<'_> {
    fn write(&self, out: &mut String) -> fmt::Result {
        self.header(out)?;
        self.verdict(out)?;
        self.scores(out, &self.view.score)?;
        self.gates(out)?;
        self.findings(out, &self.view.findings)?;
        self.routes(out, &self.view.routes)?;
        self.calls(out, &self.view.calls)?;
        self.coverage(out, &self.view.coverage)?;
        self.steps(out, &self.view.steps)?;
        self.last_line(out)
    }

    fn section(&self, out: &mut String, title: &str, note: &str) -> fmt::Result {
        let title = self.paint.ink(Ink::Title, title);
        if note.is_empty() {
            return writeln!(out, "\n{title}");
        }
        writeln!(out, "\n{title}  {}", self.paint.ink(Ink::Dim, note))
    }

    fn header(&self, out: &mut String) -> fmt::Result {
        let project = self.view.project;
        let mut parts = vec![self.paint.ink(Ink::Title, &term_safe(&project.name))];
        if let Some(version) = &project.version {
            parts[0] = format!("{} {}", parts[0], term_safe(version));
        }
        if let (Some(commit), Some(id)) = (&project.commit, self.view.commit_short) {
            let date = commit.date.get(..10).unwrap_or(&commit.date);
            parts.push(format!("commit {} of {}", term_safe(id), term_safe(date)));
        }
        let tool = self.view.tool;
        parts.push(format!("{} {}, {}", tool.name, tool.version, plural(tool.rules, "rule")));
        writeln!(out, "{}", parts.join(&self.paint.ink(Ink::Dim, " · ")))
    }

    fn verdict_ink(&self) -> Ink {
        match self.view.verdict.verdict {
            Verdict::Go => Ink::Good,
            Verdict::Conditional | Verdict::NotAssessed => Ink::Middling,
            Verdict::NoGo => Ink::Bad,
        }
    }

    fn verdict(&self, out: &mut String) -> fmt::Result {
        let (verdict, score) = (&self.view.verdict, &self.view.score);
        writeln!(out)?;
        write!(out, "  {}", self.paint.badge(self.verdict_ink(), verdict.word))?;
        if let Some(value) = score.value {
            write!(out, "  {}", bar(&self.paint, value, BAR * 2))?;
        }
        writeln!(out, "  {}", self.paint.ink(Ink::Strong, &score.overall))?;
        let share = format!("Assessed: {} of the weight.", score.assessed);
        for line in wrap(&format!("{} {share}", verdict.meaning), self.width - 2) {
            writeln!(out, "  {}", self.paint.ink(Ink::Dim, &line))?;
        }
        Ok(())
    }

    fn scores(&self, out: &mut String, score: &ScoreView<'_>) -> fmt::Result {
        let note = format!(
            "{} of {} categories assessed",
            score.assessed_categories,
            score.categories.len()
        );
        self.section(out, "Scores", &note)?;
        let name = score.categories.iter().map(|row| row.title.len()).max().unwrap_or(0);
        // Two blanks, the name, the number, the bar, and two blanks between them.
        let used = 2 + name + 2 + 5 + 2 + BAR + 2;
        for row in &score.categories {
            let title = pad(row.title, name);
            let Some(value) = row.value else {
                let text =
                    cut(&term_safe(row.basis), self.width.saturating_sub(2 + name + 2 + 12 + 2));
                let text = self.paint.ink(Ink::Dim, &text);
                writeln!(
                    out,
                    "  {title}  {}  {text}",
                    self.paint.ink(Ink::Middling, "NOT ASSESSED")
                )?;
                continue;
            };
            let number = row.score.split(' ').next().unwrap_or_default();
            let number = self.paint.ink(Ink::of_score(value), &pad_left(number, 5));
            let reasons = self.reasons(row, self.width.saturating_sub(used));
            let line = format!("  {title}  {number}  {}  {reasons}", bar(&self.paint, value, BAR));
            writeln!(out, "{}", line.trim_end())?;
        }
        Ok(())
    }

    /// The heaviest demerits of a category, as many as fit.
    fn reasons(&self, row: &super::view::CategoryRow<'_>, room: usize) -> String {
        let mut text = String::new();
        for (at, (rule, demerits)) in row.top.iter().enumerate() {
            let piece =
                format!("{}{} −{demerits}", if at == 0 { "" } else { ", " }, term_safe(rule));
            let rest = row.top.len() - at - 1;
            let tail = if rest > 0 { format!(", {rest} more") } else { String::new() };
            if layout::columns(&text) + layout::columns(&piece) + layout::columns(&tail) > room {
                let left = row.top.len() - at;
                text = if at == 0 { cut(&piece, room) } else { format!("{text}, {left} more") };
                break;
            }
            text.push_str(&piece);
        }
        if row.open == 0 {
            "no open findings".clone_into(&mut text);
        } else if text.is_empty() {
            text = format!("{} demerits, {}", row.demerits, plural(row.open, "open finding"));
        }
        self.paint.ink(Ink::Dim, &text)
    }

    fn gates(&self, out: &mut String) -> fmt::Result {
        let gates = &self.view.gates;
        let passed = gates.iter().filter(|gate| gate.value == Status::Pass).count();
        self.section(out, "Gates", &format!("{passed} of {} pass", gates.len()))?;
        let longest = |text: fn(&GateRow<'_>) -> String| {
            gates.iter().map(|gate| layout::columns(&text(gate))).max().unwrap_or(0)
        };
        // Two columns where they fit; else the evidence follows its criterion.
        let criterion = longest(|gate| term_safe(gate.criterion));
        let room = self.width.saturating_sub(GATE_INDENT);
        let fits = criterion + 2 + longest(|gate| term_safe(gate.evidence)) <= room;
        for gate in gates {
            self.gate(out, gate, fits.then_some(criterion), room)?;
        }
        Ok(())
    }

    fn gate(
        &self,
        out: &mut String,
        gate: &GateRow<'_>,
        criterion: Option<usize>,
        room: usize,
    ) -> fmt::Result {
        let (mark, ink) = match gate.value {
            Status::Pass => ("✓", Ink::Good),
            Status::Fail if gate.blocks == "yes" => ("✗", Ink::Bad),
            Status::Fail => ("✗", Ink::Middling),
            Status::NotApplicable => ("–", Ink::Dim),
            Status::NotEvaluated => ("?", Ink::Middling),
        };
        let means = match (gate.blocks, gate.required) {
            ("yes", _) => "blocks",
            (_, "yes") => "required",
            _ => "",
        };
        let status = self.paint.ink(ink, &format!("{mark} {}", pad(gate.status, 14)));
        write!(out, "  {status}  {}  ", pad(means, 8))?;
        let (name, evidence) = (term_safe(gate.criterion), term_safe(gate.evidence));
        if let Some(width) = criterion {
            return writeln!(out, "{}  {}", pad(&name, width), self.paint.ink(Ink::Dim, &evidence));
        }
        let lines = wrap(&format!("{name}: {evidence}"), room);
        writeln!(out, "{}", lines.join(&format!("\n{}", " ".repeat(GATE_INDENT))))
    }

    fn findings(&self, out: &mut String, findings: &Findings<'_>) -> fmt::Result {
        let mut counts: Vec<_> = findings
            .severities
            .iter()
            .filter(|row| row.open > 0)
            .map(|row| {
                self.paint
                    .ink(Ink::of_severity(row.value), &format!("{} {}", row.open, row.severity))
            })
            .collect();
        if counts.is_empty() {
            counts.push("none open".to_owned());
        }
        let title = self.paint.ink(Ink::Title, "Findings");
        writeln!(out, "\n{title}  {} open: {}", findings.open, counts.join(", "))?;
        let note = format!(
            "{} suppressed in the code, {} accepted by rules",
            findings.suppressed, findings.accepted_total
        );
        writeln!(out, "  {}", self.paint.ink(Ink::Dim, &note))?;
        let (shown, hidden) = self.choose(findings);
        for finding in shown {
            let fix = findings
                .groups()
                .find(|group| group.rule == finding.rule.as_str())
                .map_or("", |group| group.fix);
            writeln!(out, "\n{}", frame::render(finding, fix, self.width, self.paint.colour))?;
        }
        self.rest(out, findings, &hidden)
    }

    /// The findings to show with their source, and the others: the worst first, but one rule does
    /// not fill the screen unless what it finds is critical, and what weighs nothing is only counted.
    fn choose<'f>(&self, findings: &'f Findings<'_>) -> (Vec<&'f Finding>, Vec<&'f Finding>) {
        let mut of_rule: BTreeMap<&str, usize> = BTreeMap::new();
        let (mut shown, mut hidden) = (Vec::new(), Vec::new());
        for finding in &findings.worst {
            let before = of_rule.entry(&finding.rule).or_default();
            let fits = finding.severity == Severity::Critical
                || (*before < PER_RULE && finding.severity > Severity::Info);
            if shown.len() < self.style.limit && fits {
                *before += 1;
                shown.push(*finding);
            } else {
                hidden.push(*finding);
            }
        }
        (shown, hidden)
    }

    /// The findings that were not shown, counted by rule.
    fn rest(&self, out: &mut String, findings: &Findings<'_>, hidden: &[&Finding]) -> fmt::Result {
        if hidden.is_empty() {
            return Ok(());
        }
        let mut rows: Vec<(usize, &RuleGroup<'_>)> = findings
            .groups()
            .map(|group| {
                let of = |f: &&&Finding| f.rule.as_str() == group.rule && f.severity == group.value;
                (hidden.iter().filter(of).count(), group)
            })
            .filter(|(count, _)| *count > 0)
            .collect();
        rows.sort_by(|a, b| {
            (b.1.value, b.0).cmp(&(a.1.value, a.0)).then_with(|| a.1.rule.cmp(b.1.rule))
        });
        writeln!(
            out,
            "\n  {}",
            self.paint.ink(Ink::Strong, &format!("{} more, by rule", hidden.len()))
        )?;
        let digits = rows.iter().map(|(count, _)| count.to_string().len()).max().unwrap_or(1);
        let id = rows
            .iter()
            .map(|(_, group)| layout::columns(group.rule))
            .max()
            .unwrap_or(0)
            .min(self.width / 2);
        for (count, group) in rows {
            let severity = self.paint.ink(Ink::of_severity(group.value), &pad(group.severity, 8));
            let count = pad_left(&count.to_string(), digits);
            let rule = pad(&cut(&term_safe(group.rule), id), id);
            let room = self.width.saturating_sub(2 + 8 + 2 + digits + 2 + id + 2);
            let title = self.paint.ink(Ink::Dim, &cut(&term_safe(group.title), room));
            writeln!(out, "  {severity}  {count}  {rule}  {title}")?;
        }
        Ok(())
    }

    fn routes(&self, out: &mut String, routes: &RoutesView<'_>) -> fmt::Result {
        self.section(out, "Routes", &format!("{} found", routes.total))?;
        let mut rows = Vec::new();
        if routes.total > 0 {
            let by = routes
                .frameworks
                .iter()
                .map(|row| format!("{} {}", row.auth.total, term_safe(row.name)));
            rows.push(("framework", by.collect::<Vec<_>>().join(", ")));
            let auth = &routes.all;
            let states = [
                (auth.required, "required"),
                (auth.optional, "optional"),
                (auth.none, "none"),
                (auth.unknown, "unknown"),
            ];
            rows.push(("login", list(&states)));
        }
        let doubts = [
            (routes.unresolved, "not resolved"),
            (routes.unmounted, "not mounted"),
            (routes.conditional, "conditional"),
        ];
        if doubts.iter().any(|(count, _)| *count > 0) {
            rows.push(("of these", list(&doubts)));
        }
        if !routes.not_assessed.is_empty() {
            let names: Vec<_> = routes.not_assessed.iter().map(|name| term_safe(name)).collect();
            rows.push(("not read", format!("routes of {}", names.join(", "))));
        }
        self.pairs(out, &rows)
    }

    /// The calls, where there are any; without calls who calls the routes is nobody's guess.
    fn calls(&self, out: &mut String, calls: &CallsView<'_>) -> fmt::Result {
        if calls.total == 0 {
            return Ok(());
        }
        self.section(out, "Calls", &format!("{} found", calls.total))?;
        let all = &calls.all;
        let landed = [
            (all.matched, "matched"),
            (all.stub, "on a stub"),
            (all.method_mismatch, "other method"),
            (all.path_mismatch, "other path"),
            (all.missing, "missing"),
            (all.asset, "file served"),
            (all.external, "elsewhere"),
            (all.dynamic, "not known"),
        ];
        let mut rows = vec![("land", list(&landed))];
        if !calls.issues.is_empty() {
            let causes = calls.issues.len();
            rows.push(("causes", format!("{causes}, see `readiness contract --issues`")));
        }
        if calls.served > 0 {
            let by: Vec<(u64, &str)> =
                calls.usage.iter().map(|row| (row.count, row.usage)).collect();
            rows.push(("routes by", list(&by)));
        }
        self.pairs(out, &rows)
    }

    fn coverage(&self, out: &mut String, coverage: &CoverageView<'_>) -> fmt::Result {
        self.section(out, "Coverage", &format!("{} files walked", coverage.walked))?;
        let files = [
            (coverage.analysed, "analysed"),
            (coverage.partly_read, "partly read"),
            (coverage.left_out, "left out"),
        ];
        let mut rows = vec![("files", list(&files))];
        if coverage.folders_not_entered > 0 {
            rows.push(("folders", format!("{} not entered", coverage.folders_not_entered)));
        }
        if !coverage.reasons.is_empty() {
            let reasons = coverage
                .reasons
                .iter()
                .map(|row| format!("{} {}", row.count, term_safe(&row.name)));
            rows.push(("reasons", reasons.collect::<Vec<_>>().join(", ")));
        }
        let by = coverage.roles.iter().map(|row| format!("{} {}", row.count, term_safe(&row.name)));
        let by = by.collect::<Vec<_>>().join(", ");
        if !by.is_empty() {
            rows.push(("roles", by));
        }
        self.pairs(out, &rows)?;
        let (entries, rest) = if coverage.entries.is_empty() {
            (
                &coverage.failures[..coverage.failures.len().min(5)],
                coverage.failures.len().saturating_sub(5),
            )
        } else {
            (&coverage.entries[..], 0)
        };
        for entry in entries {
            let detail = if entry.detail.is_empty() {
                String::new()
            } else {
                format!(" ({})", term_safe(entry.detail))
            };
            let text = format!("{}: {}{detail}", entry.outcome, term_safe(entry.reason));
            writeln!(out, "  {}  {}", term_safe(entry.path), self.paint.ink(Ink::Middling, &text))?;
        }
        if rest > 0 {
            writeln!(
                out,
                "  {}",
                self.paint.ink(Ink::Dim, &format!("{rest} more; --show-files lists them"))
            )?;
        }
        if coverage.incomplete {
            let text = "Incomplete: something that should have been read could not be.";
            writeln!(out, "  {}", self.paint.ink(Ink::Bad, text))?;
        }
        Ok(())
    }

    fn pairs(&self, out: &mut String, rows: &[(&str, String)]) -> fmt::Result {
        for (name, value) in rows {
            for (at, line) in wrap(value, self.width - 13).iter().enumerate() {
                let name = self.paint.ink(Ink::Dim, &pad(if at == 0 { name } else { "" }, 9));
                writeln!(out, "  {name}  {line}")?;
            }
        }
        Ok(())
    }

    fn steps(&self, out: &mut String, steps: &[Step<'_>]) -> fmt::Result {
        if steps.is_empty() {
            return Ok(());
        }
        self.section(out, "What to do next", "most points for the time; times are estimates")?;
        for (at, step) in steps.iter().enumerate() {
            let head = format!(
                "{}: {}, {}",
                term_safe(step.rule),
                plural(step.findings, "finding"),
                step.effort
            );
            let lift = self.paint.ink(Ink::Good, &pad_left(&step.lift, 5));
            writeln!(out, "  {}. {lift}  {}", at + 1, cut(&head, self.width.saturating_sub(12)))?;
            for line in wrap(&term_safe(&one_line(step.fix)), self.width - 12) {
                writeln!(out, "            {line}")?;
            }
            writeln!(
                out,
                "            {}",
                self.paint.ink(Ink::Command, &term_safe(&step.command))
            )?;
        }
        Ok(())
    }

    /// The verdict again, where the eye rests when the output has scrolled by.
    fn last_line(&self, out: &mut String) -> fmt::Result {
        let verdict = &self.view.verdict;
        let mut parts = Vec::new();
        if !verdict.blockers.is_empty() {
            parts.push(format!("{} failed", plural(verdict.blockers.len(), "blocking criterion")));
        }
        if !verdict.unjudged.is_empty() {
            parts.push(format!(
                "{} could not be judged",
                plural(verdict.unjudged.len(), "blocking criterion")
            ));
        }
        if !verdict.conditions.is_empty() {
            parts.push(plural(verdict.conditions.len(), "condition"));
        }
        parts.push(format!("score {}", self.view.score.overall));
        let word = self.paint.ink(self.verdict_ink(), verdict.word);
        writeln!(out, "\n{word}: {}", parts.join(", "))
    }
}

/// `3 required, 1 none`, without what does not occur.
fn list(counts: &[(u64, &str)]) -> String {
    let parts: Vec<_> = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, name)| format!("{count} {name}"))
        .collect();
    if parts.is_empty() { "none".to_owned() } else { parts.join(", ") }
}
