//! The locations of nginx.

use super::{Change, Choice, Proxy, Rule, Step, Takes, Target, is_public};
use crate::eval::regexp::Regexp;
use crate::eval::text::Text;
use crate::module::path::constant_text;
use crate::module::{Expr, data};

/// The deepest blocks that are looked into.
const MAX_DEPTH: usize = 16;

/// The servers that a configuration describes, each with its locations; those outside of servers
/// are a part of one that another file describes.
pub(super) fn read(path: &str, document: &Expr, out: &mut Vec<Proxy>) {
    let mut reader = Reader { path, out };
    let loose = reader.block(document, 0);
    reader.out.push(Proxy { rules: loose, choice: Choice::Nginx });
}

struct Reader<'a> {
    path: &'a str,
    out: &'a mut Vec<Proxy>,
}

impl Reader<'_> {
    /// The locations of a block and of those within it, but for servers.
    fn block(&mut self, block: &Expr, depth: usize) -> Vec<Rule> {
        let mut rules = Vec::new();
        if depth > MAX_DEPTH {
            return rules;
        }
        for (name, directive) in data::pairs(block) {
            let Some(inner) = data::items(directive).last() else { continue };
            match name {
                "location" => {
                    rules.extend(self.location(directive, inner));
                    rules.append(&mut self.block(inner, depth + 1));
                }
                "server" => {
                    let rules = self.block(inner, depth + 1);
                    self.out.push(Proxy { rules, choice: Choice::Nginx });
                }
                "http" | "if" => rules.append(&mut self.block(inner, depth + 1)),
                _ => {}
            }
        }
        rules
    }

    fn location(&self, directive: &Expr, block: &Expr) -> Option<Rule> {
        let words: Vec<&str> = data::texts(directive).collect();
        let (takes, is_firm, shape) = match words.as_slice() {
            ["=", path] => (Takes::Exact((*path).to_owned()), true, None),
            ["^~", path] => (Takes::Beginning((*path).to_owned()), true, None),
            ["~", source] => fitting(source, ""),
            ["~*", source] => fitting(source, "i"),
            // A name that others are sent to, and no path.
            [path] if path.starts_with('@') => return None,
            [path] => match path.strip_prefix('~') {
                Some(source) => fitting(source.trim_start_matches('*'), ""),
                None => (Takes::Beginning((*path).to_owned()), false, None),
            },
            _ => return None,
        };
        let target = data::pairs(block)
            .filter(|(name, _)| *name == "proxy_pass")
            .find_map(|(_, words)| data::items(words).first().and_then(constant_text));
        let target = target.map(Address::of);
        let change = target.as_ref().map(|target| match rewritten(block) {
            // What is rewritten is handed on as it is.
            Some(found) => Change::Found(found, String::new()),
            None => target.change(&takes, shape),
        });
        Some(Rule {
            takes,
            is_firm,
            change,
            is_foreign: target.is_some_and(|target| target.is_foreign),
            place: Step { file: self.path.to_owned(), line: directive.span.line },
        })
    }
}

fn fitting<'s>(source: &'s str, flags: &str) -> (Takes, bool, Option<&'s str>) {
    (Takes::Fitting(Regexp::of(source, flags)), false, Some(source))
}

/// What `rewrite … break` makes of a path.
fn rewritten(block: &Expr) -> Option<Vec<(Regexp, String)>> {
    let rewrites: Vec<(Regexp, String)> = data::pairs(block)
        .filter(|(name, _)| *name == "rewrite")
        .filter_map(|(_, words)| {
            let words: Vec<&str> = data::texts(words).collect();
            match words.as_slice() {
                [source, to, "break"] => {
                    let to = to.split('?').next().unwrap_or(to);
                    // The whole path is replaced, whatever of it the expression finds.
                    Some((whole(source), to.to_owned()))
                }
                _ => None,
            }
        })
        .collect();
    (!rewrites.is_empty()).then_some(rewrites)
}

/// An expression that finds all of a path in which another finds something.
fn whole(source: &str) -> Regexp {
    Regexp::of(&format!("^.*?(?:{source}).*$"), "")
}

/// What `proxy_pass` names.
struct Address {
    /// What follows the host; `None` where nothing does.
    uri: Option<String>,
    is_foreign: bool,
}

impl Address {
    fn of(address: &str) -> Self {
        let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
        let (host, uri) = match rest.find('/') {
            Some(at) => (&rest[..at], Some(rest[at..].to_owned())),
            // A variable may stand for the path, too.
            None => match rest.find("$request_uri").or_else(|| rest.find("$uri")) {
                Some(at) => (&rest[..at], None),
                None => (rest, None),
            },
        };
        let is_foreign = !host.contains('$')
            && is_public(host.split(':').next().unwrap_or(host))
            && Target::of(&Text::literal(address)).is_foreign;
        Self { uri, is_foreign }
    }

    /// What becomes of a path: without an address of its own it is kept; with one, what the
    /// location begins with is replaced by that. Where the address has variables it is all that is
    /// asked for.
    fn change(&self, takes: &Takes, shape: Option<&str>) -> Change {
        let Some(uri) = &self.uri else { return Change::Behind(String::new()) };
        let uri = uri.split('?').next().unwrap_or(uri);
        let uri = ["$is_args$args", "$is_args", "$args"]
            .iter()
            .find_map(|end| uri.strip_suffix(end))
            .unwrap_or(uri);
        if let Some(before) = ["$request_uri", "$uri"].iter().find_map(|end| uri.strip_suffix(end))
        {
            return Change::Behind(before.to_owned());
        }
        match (takes, shape) {
            (_, Some(shape)) => Change::Found(vec![(whole(shape), uri.to_owned())], String::new()),
            _ if uri.contains('$') => Change::Behind(String::new()),
            (Takes::Exact(_), _) => Change::Whole(uri.to_owned()),
            (Takes::Beginning(from) | Takes::Below(from), _) => {
                Change::Beginning { from: from.clone(), to: uri.to_owned() }
            }
            (Takes::Fitting(_), None) => Change::Behind(String::new()),
        }
    }
}
