//! What goes to stdout and stderr, and in which shape.

use std::io::{self, Write};

use clap::ColorChoice;

/// Writes a report to stdout. A reader that has seen enough and closed the pipe is no error.
///
/// # Errors
/// When stdout refuses it for another reason, such as a full disk.
pub(super) fn report(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    let written = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Writes a line to stderr. There is nobody left to tell when that fails.
pub(super) fn note(line: &str) {
    let _ = writeln!(anstream::stderr().lock(), "{line}");
}

/// Whether a report on stdout has colours.
pub(super) fn colour(choice: ColorChoice) -> bool {
    match choice {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => {
            anstream::AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never
        }
    }
}

/// Text that may come from a repository, without characters that control a terminal or reorder
/// what it shows. Line ends stay.
pub(super) fn visible(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        let reorders = matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{2069}' | '\u{feff}');
        if (c.is_control() && c != '\n') || reorders {
            safe.extend(c.escape_unicode());
        } else {
            safe.push(c);
        }
    }
    safe
}

/// A table; columns are as wide as their widest cell.
pub(super) fn table<const N: usize>(head: [&str; N], cells: &[[String; N]]) -> String {
    let all: Vec<_> =
        std::iter::once(head.map(str::to_owned)).chain(cells.iter().cloned()).collect();
    rows(&all)
}

/// A table without a head.
pub(super) fn rows<const N: usize>(rows: &[[String; N]]) -> String {
    let rows: Vec<[String; N]> = rows
        .iter()
        // A line end inside a cell would start a row that is none.
        .map(|row| row.each_ref().map(|cell| visible(&cell.replace('\n', " "))))
        .collect();
    let mut widths = [0; N];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            line += &format!("{cell:width$}  ");
        }
        text += line.trim_end();
        text.push('\n');
    }
    text
}
