//! The report as a Markdown document, from templates.

use std::io::Write;

use tera::{Context, Kwargs, State, Tera, Value};

use super::escape::{md_code, md_fence, md_text};
use super::view::View;
use super::{ReportError, Style};
use crate::audit::Audit;

/// The templates by the names that `include` uses. The names carry no suffix, so that nothing could
/// hang on one: escaping is switched on for all of them alike.
pub(super) const TEMPLATES: &[(&str, &str)] = &[
    ("report", include_str!("../../templates/report.md.tera")),
    ("report/header", include_str!("../../templates/report/header.md.tera")),
    ("report/verdict", include_str!("../../templates/report/verdict.md.tera")),
    ("report/summary", include_str!("../../templates/report/summary.md.tera")),
    ("report/scorecard", include_str!("../../templates/report/scorecard.md.tera")),
    ("report/findings", include_str!("../../templates/report/findings.md.tera")),
    ("report/accepted", include_str!("../../templates/report/accepted.md.tera")),
    ("report/suppressed", include_str!("../../templates/report/suppressed.md.tera")),
    ("report/routes", include_str!("../../templates/report/routes.md.tera")),
    ("report/calls", include_str!("../../templates/report/calls.md.tera")),
    ("report/codebase", include_str!("../../templates/report/codebase.md.tera")),
    ("report/coverage", include_str!("../../templates/report/coverage.md.tera")),
    ("report/decision", include_str!("../../templates/report/decision.md.tera")),
    ("report/effort", include_str!("../../templates/report/effort.md.tera")),
    ("report/method", include_str!("../../templates/report/method.md.tera")),
];

/// Prints an audit.
pub(super) fn render(audit: &Audit, style: &Style) -> Result<String, ReportError> {
    let tera = engine(TEMPLATES)?;
    let text = tera.render("report", &Context::from_serialize(&View::new(audit, style))?)?;
    Ok(tidy(&text))
}

/// An engine whose every `{{ value }}` is escaped as Markdown prose, unless a filter has escaped it
/// for another place: a value without a filter is safe, and forgetting one is no hole.
fn engine(templates: &[(&str, &str)]) -> Result<Tera, tera::Error> {
    let mut tera = Tera::default();
    // Every name ends in the empty suffix.
    tera.autoescape_on([""]);
    tera.set_escape_fn(|text, out: &mut dyn Write| out.write_all(md_text(text).as_bytes()));
    tera.register_filter("code", |text: &str, _: Kwargs, _: &State| {
        Value::safe_string(&md_code(text))
    });
    tera.register_filter("fence", |text: &str, _: Kwargs, _: &State| {
        Value::safe_string(&md_fence(text, "text"))
    });
    tera.add_raw_templates(templates.iter().copied())?;
    Ok(tera)
}

/// Single blank lines between blocks, and one line end at the end; fenced blocks stay as they are.
fn tidy(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut fence: Option<&str> = None;
    let mut blank = true;
    for line in text.lines() {
        let ticks = line.len() - line.trim_start_matches('`').len();
        match fence {
            None if ticks >= 3 => fence = Some(&line[..ticks]),
            Some(open) if line == open => fence = None,
            _ => {}
        }
        let line = if fence.is_some() { line } else { line.trim_end() };
        if fence.is_none() && line.is_empty() {
            if !blank {
                out.push('\n');
            }
            blank = true;
            continue;
        }
        blank = false;
        out.push_str(line);
        out.push('\n');
    }
    while out.ends_with("\n\n") {
        out.pop();
    }
    out
}
