//! Whether a path fits a route, as the router of the framework decides it.

use crate::eval::regexp::Regexp;
use crate::inventory::routes::Route;

/// How well a path fits a route; a better fit is greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fit {
    /// Whether no unknown segment stands for a fixed one.
    pub certain: bool,
    /// Segments that are the same.
    pub same: usize,
}

/// What a router does where the slash at the end differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slash {
    /// It answers all the same.
    Ignored,
    /// It redirects, so that the method is kept.
    Redirected,
    /// It redirects to the path with a slash.
    Added,
    /// It redirects what only reads.
    AddedToReads,
    /// It does not answer.
    Strict,
}

fn slash(framework: &str) -> Slash {
    match framework {
        "express" | "nest" | "koa" | "nuxt" | "litestar" | "finale" | "loopback" => Slash::Ignored,
        "fastapi" | "starlette" | "next" | "sveltekit" | "remix" => Slash::Redirected,
        "flask" | "quart" => Slash::Added,
        "django" => Slash::AddedToReads,
        _ => Slash::Strict,
    }
}

/// How a path fits a route; `None` where the router does not take it.
#[must_use]
pub fn fit(route: &Route, path: &str, method: Option<&str>) -> Option<Fit> {
    let ends = |path: &str| path.len() > 1 && path.ends_with('/');
    if ends(&route.path) != ends(path) && !route.path.ends_with("*}") {
        let allowed = match slash(&route.framework) {
            Slash::Ignored | Slash::Redirected => true,
            Slash::Added => ends(&route.path),
            Slash::AddedToReads => {
                ends(&route.path) && method.is_none_or(|method| matches!(method, "GET" | "HEAD"))
            }
            Slash::Strict => false,
        };
        if !allowed {
            return None;
        }
    }
    let is_lax = matches!(route.framework.as_str(), "express" | "nest");
    let pattern: Vec<&str> = split(&route.path);
    let given: Vec<&str> = split(path);
    let mut kinds = route.parameters.iter().map(|parameter| parameter.kind.as_deref());
    let mut fit = Fit { certain: true, same: 0 };
    let mut at = 0;
    for wanted in &pattern {
        if wanted.ends_with("*}") && wanted.starts_with('{') {
            return (at <= given.len()).then_some(fit);
        }
        let segment = given.get(at)?;
        at += 1;
        let holes = wanted.matches('{').count();
        if holes == 0 {
            if wanted == segment || is_lax && wanted.eq_ignore_ascii_case(segment) {
                fit.same += 1;
            } else if *segment == "{}" {
                fit.certain = false;
            } else {
                return None;
            }
            continue;
        }
        let kinds: Vec<Option<&str>> = (0..holes).map(|_| kinds.next().flatten()).collect();
        if !fits_parameters(wanted, segment, &kinds) {
            return None;
        }
    }
    (at == given.len()).then_some(fit)
}

/// The segments of a path.
#[must_use]
pub fn split(path: &str) -> Vec<&str> {
    path.split('/').filter(|segment| !segment.is_empty()).collect()
}

/// Whether a segment is another with something in its holes.
#[must_use]
pub fn fills(segment: &str, with_holes: &str) -> bool {
    let mut pieces = with_holes.split("{}");
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = segment.strip_prefix(first) else { return false };
    let mut pieces: Vec<&str> = pieces.collect();
    let Some(last) = pieces.pop() else { return rest.is_empty() };
    for piece in pieces {
        match rest.split_once(piece) {
            Some((_, behind)) => rest = behind,
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// Whether a segment fits one with parameters: `{id}`, `{id}.json`.
fn fits_parameters(wanted: &str, segment: &str, kinds: &[Option<&str>]) -> bool {
    if segment.contains("{}") {
        return true;
    }
    if wanted.starts_with('{') && wanted.ends_with('}') && kinds.len() == 1 {
        return kinds.first().copied().flatten().is_none_or(|kind| is_of_kind(segment, kind));
    }
    let mut rest = segment;
    for (at, fixed) in wanted.split(['{', '}']).enumerate() {
        // Every second piece is the name of a parameter.
        if at % 2 == 1 || fixed.is_empty() {
            continue;
        }
        let found = if at == 0 {
            rest.strip_prefix(fixed)
        } else {
            rest.split_once(fixed).map(|(_, after)| after)
        };
        match found {
            Some(after) => rest = after,
            None => return false,
        }
    }
    true
}

/// Whether a text is of a type as frameworks write them.
fn is_of_kind(text: &str, kind: &str) -> bool {
    match kind {
        "int" | "integer" | "i32" | "i64" | "u32" | "u64" | "usize" | "isize" | "i16" | "u16" => {
            let digits = text.strip_prefix('-').unwrap_or(text);
            !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
        }
        "number" => text.parse::<f64>().is_ok(),
        "float" => text.contains('.') && text.parse::<f64>().is_ok(),
        "uuid" | "UUID" | "Uuid" => {
            text.len() == 36 && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
        }
        "bool" | "boolean" => matches!(text, "true" | "false" | "True" | "False" | "1" | "0"),
        _ if kind.contains(['[', '\\', '(', '|', '^', '+', '*']) => {
            let whole = format!("^(?:{})$", kind.trim_start_matches('^').trim_end_matches('$'));
            Regexp::of(&whole, "").fits(text).unwrap_or(true)
        }
        _ => true,
    }
}

/// Whether a route answers a method.
#[must_use]
pub fn answers(route: &Route, method: Option<&str>) -> bool {
    let Some(method) = method else { return true };
    let has = |name: &str| route.methods.iter().any(|known| known == name);
    if method == "WS" {
        return has("WS") || route.methods.is_empty();
    }
    (route.methods.is_empty() || has(method) || method == "HEAD" && has("GET"))
        || method == "OPTIONS"
}
