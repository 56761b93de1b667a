//! Routes that a layer says it does not stand before, though it stands before their router.

use regex::RegexBuilder;

use super::flatten::Flat;
use super::graph::{Layer, Spared};
use super::pattern::Shape;
use super::readers::framework;

/// The most patterns of one layer that are tried.
const MAX_PATTERNS: usize = 64;
/// The most bytes that a compiled pattern takes.
const MAX_COMPILED: usize = 1 << 20;

/// Whether a layer spares a route; `None` when that could not be told.
#[must_use]
pub fn spares(layer: &Layer<'_>, flat: &Flat<'_, '_>) -> Option<bool> {
    let mut known = layer.spares.len() <= MAX_PATTERNS;
    for spared in layer.spares.iter().take(MAX_PATTERNS) {
        match spared {
            Spared::Noted(note) => match noted(flat, note) {
                Some(true) => return Some(true),
                Some(false) => {}
                None => known = false,
            },
            Spared::Path(pattern) => match fits(pattern, flat) {
                Some(true) => return Some(true),
                Some(false) => {}
                None => known = false,
            },
            Spared::Unknown => known = false,
        }
    }
    known.then_some(false)
}

fn noted(flat: &Flat<'_, '_>, note: &str) -> Option<bool> {
    let found = flat.registration.metadata.iter().find(|(known, _)| known == note);
    match found {
        Some((_, true)) => Some(true),
        Some((_, false)) => None,
        None => Some(false),
    }
}

fn fits(pattern: &str, flat: &Flat<'_, '_>) -> Option<bool> {
    let regex = RegexBuilder::new(pattern).size_limit(MAX_COMPILED).build().ok()?;
    let raw = flat.seen.as_literal()?;
    let shape = (framework(&flat.route.framework)?.path)(raw);
    Some(regex.is_match(&example(&shape)))
}

/// A path that a request may ask for: with something that fits for each parameter.
fn example(shape: &Shape) -> String {
    let mut out = shape.path.clone();
    for parameter in &shape.parameters {
        let value = match parameter.kind.as_deref() {
            Some("int" | "float" | "decimal") => "1",
            Some("uuid") => "1d3e0a4c-5b1f-4c52-9d5e-0f6a6b7c8d9e",
            _ => "x",
        };
        for written in [format!("{{{}}}", parameter.name), format!("{{{}*}}", parameter.name)] {
            out = out.replacen(&written, value, 1);
        }
    }
    out
}
