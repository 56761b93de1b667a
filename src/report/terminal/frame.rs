//! A finding with its source, in the form that rustc's readers know.

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use super::layout::wrap;
use crate::finding::{Finding, Severity};
use crate::report::escape::{one_line, term_safe, term_safe_code};

/// Renders one finding without a line end behind it.
pub(super) fn render(finding: &Finding, fix: &str, width: usize, colour: bool) -> String {
    let level = match finding.severity {
        Severity::Critical | Severity::High => Level::ERROR,
        Severity::Medium => Level::WARNING,
        Severity::Low | Severity::Info => Level::INFO,
    };
    let location = &finding.location;
    let title = level
        .with_name(finding.severity.as_str())
        .primary_title(term_safe(&one_line(&finding.message)))
        .id(term_safe(&finding.rule));
    let path = term_safe(&location.path);
    let code = Code::new(finding);
    let mut group = match &code {
        Some(code) => title.element(
            Snippet::source(code.text.as_str())
                .line_start(finding.excerpt.first_line as usize)
                .path(path)
                .fold(false)
                .annotation(AnnotationKind::Primary.span(code.start..code.end)),
        ),
        None => Group::with_title(title).element(
            Origin::path(path).line(location.line as usize).char_column(location.column as usize),
        ),
    };
    if !fix.is_empty() {
        // The line number, ` = help: ` and the text.
        let last = finding.excerpt.first_line as usize + finding.excerpt.lines.len();
        let before = last.to_string().len() + " = help: ".len();
        let lines = wrap(&term_safe(&one_line(fix)), width.saturating_sub(before));
        group = group.element(Level::HELP.message(lines.join("\n")));
    }
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    renderer.decor_style(DecorStyle::Ascii).term_width(width).render(&[group])
}

/// Most lines of source in a frame.
const LINES: usize = 8;

/// The excerpt as harmless text, and where the finding lies in it.
struct Code {
    text: String,
    start: usize,
    end: usize,
}

impl Code {
    /// `None` where the excerpt does not hold the line of the finding.
    fn new(finding: &Finding) -> Option<Self> {
        let (location, excerpt) = (&finding.location, &finding.excerpt);
        let first = location.line.checked_sub(excerpt.first_line)? as usize;
        excerpt.lines.get(first)?;
        let last = (location.end_line.saturating_sub(excerpt.first_line) as usize).max(first);
        let (mut text, mut start, mut end) = (String::new(), 0, 0);
        for (at, line) in excerpt.lines.iter().enumerate().take(first + LINES) {
            if at > 0 {
                text.push('\n');
            }
            // Escapes are longer than what they stand for: the columns are found before escaping.
            let offset = |column: u32| {
                line.char_indices()
                    .nth((column as usize).saturating_sub(1))
                    .map_or(line.len(), |(at, _)| at)
            };
            let from = if at == first { offset(location.column) } else { 0 };
            let to = if at == last { offset(location.end_column).max(from) } else { line.len() };
            text.push_str(&term_safe_code(&line[..from]));
            if at == first {
                start = text.len();
            }
            text.push_str(&term_safe_code(&line[from..to]));
            if (first..=last).contains(&at) {
                end = text.len();
            }
            text.push_str(&term_safe_code(&line[to..]));
        }
        Some(Self { text, start, end: end.max(start) })
    }
}
