//! What is wrong with a file of the user's, drawn with the line that is meant.

use std::path::Path;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use clap::ColorChoice;

use super::terminal;
use crate::report::escape::{one_line, term_safe, term_safe_code};
use crate::rules::{Place, RuleError, load};

/// Something wrong at one place of a file.
pub(super) struct Fault<'f> {
    /// How messages name the file.
    pub(super) path: &'f str,
    /// Where in it.
    pub(super) place: Place,
    /// What is wrong.
    pub(super) problem: &'f str,
    /// What to do about it.
    pub(super) help: Option<&'f str>,
}

/// An error of a run for stderr: a faulty rule with its line, everything else in words.
pub(super) fn of_run(error: &anyhow::Error, colour: ColorChoice) -> String {
    let rule = error.chain().find_map(|cause| match cause.downcast_ref::<crate::Error>() {
        Some(crate::Error::Rule(rule)) => Some(rule),
        _ => cause.downcast_ref::<RuleError>(),
    });
    match rule {
        Some(rule) => of_rule(rule, load::from_file(Path::new(&rule.path)).ok().as_ref(), colour),
        None => format!("error: {}", terminal::visible(&format!("{error:#}"))),
    }
}

/// What is wrong with a rule file. Without its text, the place is named and not drawn.
pub(super) fn of_rule(
    error: &RuleError,
    source: Option<&crate::rules::RuleSource>,
    colour: ColorChoice,
) -> String {
    let RuleError { path, place, problem, help } = error;
    let fault = Fault { path, place: *place, problem, help: help.as_deref() };
    draw(&fault, source.map(|source| source.text.as_str()), colour)
}

/// Draws it. `anstream` takes the colours away again where stderr is no terminal.
pub(super) fn draw(fault: &Fault<'_>, text: Option<&str>, colour: ColorChoice) -> String {
    let place = fault.place;
    let title = Level::ERROR.primary_title(term_safe(&one_line(fault.problem)));
    let path = term_safe(fault.path);
    let line = (place.line as usize).checked_sub(1).and_then(|at| text?.lines().nth(at));
    let mut group = match line {
        Some(line) => {
            let (code, start, end) = marked(line, place);
            title.element(
                Snippet::source(code)
                    .line_start(place.line as usize)
                    .path(path)
                    .fold(false)
                    .annotation(AnnotationKind::Primary.span(start..end)),
            )
        }
        None if place.line > 0 => Group::with_title(title).element(
            Origin::path(path).line(place.line as usize).char_column(place.column.max(1) as usize),
        ),
        None => Group::with_title(title).element(Origin::path(path)),
    };
    if let Some(help) = fault.help {
        group = group.element(Level::HELP.message(term_safe(&one_line(help))));
    }
    let renderer =
        if colour == ColorChoice::Never { Renderer::plain() } else { Renderer::styled() };
    renderer.decor_style(DecorStyle::Ascii).render(&[group])
}

/// The line as harmless text, and which bytes of it are meant.
fn marked(line: &str, place: Place) -> (String, usize, usize) {
    let offset = |column: u32| {
        let at = line.char_indices().nth((column as usize).saturating_sub(1));
        at.map_or(line.len(), |(at, _)| at)
    };
    let (from, to) = match place.column {
        0 => (line.len() - line.trim_start().len(), line.trim_end().len()),
        column => (offset(column), offset(place.end_column)),
    };
    let to = to.max(from);
    // Escapes are longer than what they stand for: the columns are found before escaping.
    let mut code = term_safe_code(&line[..from]);
    let start = code.len();
    code += &term_safe_code(&line[from..to]);
    let end = code.len();
    code += &term_safe_code(&line[to..]);
    (code, start, end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_drawn_where_it_is_and_controls_no_terminal() {
        let fault = Fault {
            path: "my-rules/api/x.toml",
            place: Place { line: 2, column: 13, end_column: 19 },
            problem: "unknown severity `hi\u{1b}gh`",
            help: Some("did you mean `high`?"),
        };
        let text = "title = 't'\n\u{202e}severity = 'higf'\n";
        insta::assert_snapshot!(draw(&fault, Some(text), ColorChoice::Never), @r"
        error: unknown severity `hi\u{1b}gh`
         --> my-rules/api/x.toml:2:20
          |
        2 | \u{202e}severity = 'higf'
          |                    ^^^^^^
          |
          = help: did you mean `high`?
        ");
        let whole = Fault { place: Place::default(), ..fault };
        insta::assert_snapshot!(draw(&whole, Some(text), ColorChoice::Never), @r"
        error: unknown severity `hi\u{1b}gh`
        --> my-rules/api/x.toml
         = help: did you mean `high`?
        ");
    }
}
