//! What a development server or a reverse proxy does with a path on its way to the server, as the
//! configuration says it: [`scripts`] reads those of development servers and of programs that
//! hand requests on, [`nginx`] those of nginx.

mod nginx;
mod scripts;

use super::Step;
use super::address::{Address, Host};
use crate::eval::interpreter::Trace;
use crate::eval::regexp::Regexp;
use crate::eval::text::Text;
use crate::eval::value::Value;

/// A proxy: its rules, and which of those that take a path is followed.
#[derive(Debug)]
pub struct Proxy {
    rules: Vec<Rule>,
    choice: Choice,
}

/// Which rule is followed of those that take a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Choice {
    /// The first.
    First,
    /// The one that asks for most: an exact path, then the longest beginning.
    Longest,
    /// As the longest; but the first expression that fits goes before it, unless it is firm.
    Nginx,
}

/// A rule of a proxy.
#[derive(Debug)]
struct Rule {
    takes: Takes,
    /// Whether nginx looks at no expressions where this has the longest beginning.
    is_firm: bool,
    /// What becomes of the path; `None` where it is not handed on.
    change: Option<Change>,
    /// Whether it is handed on to somebody else's server.
    is_foreign: bool,
    place: Step,
}

/// The paths that a rule takes.
#[derive(Debug)]
enum Takes {
    Exact(String),
    /// Those that begin so, whatever follows.
    Beginning(String),
    /// Those that begin with these segments.
    Below(String),
    /// Those that an expression fits.
    Fitting(Regexp),
}

/// What a rule makes of a path.
#[derive(Debug)]
enum Change {
    /// This is put before it, most often nothing.
    Behind(String),
    /// What it begins with is replaced.
    Beginning { from: String, to: String },
    /// What the first of these that fits finds in it is replaced, and then a text put before it.
    Found(Vec<(Regexp, String)>, String),
    /// It is another path altogether.
    Whole(String),
}

/// A path as a proxy hands it on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandedOn {
    /// The path.
    pub path: String,
    /// Whether it goes to somebody else's server.
    pub is_foreign: bool,
    /// Where the rule is written.
    pub place: Step,
}

impl Proxy {
    /// The path as the server gets it; `None` where no rule hands it on.
    #[must_use]
    pub fn hand_on(&self, path: &str) -> Option<HandedOn> {
        let rule = self.chosen(path)?;
        let path = merged(&rule.change.as_ref()?.of(path)?);
        Some(HandedOn { path, is_foreign: rule.is_foreign, place: rule.place.clone() })
    }

    fn chosen(&self, path: &str) -> Option<&Rule> {
        let mut taking = self.rules.iter().filter(|rule| rule.takes.takes(path));
        if self.choice == Choice::First {
            return taking.next();
        }
        let longest = self.rules.iter().filter(|rule| rule.takes.takes(path)).max_by_key(
            |rule| match &rule.takes {
                Takes::Exact(_) => usize::MAX,
                Takes::Beginning(start) | Takes::Below(start) => start.len() + 1,
                Takes::Fitting(_) => 0,
            },
        )?;
        let is_exact = matches!(longest.takes, Takes::Exact(_));
        if self.choice == Choice::Nginx && !is_exact && !longest.is_firm {
            let mut fitting = taking.filter(|rule| matches!(rule.takes, Takes::Fitting(_)));
            return fitting.next().or(Some(longest));
        }
        Some(longest)
    }
}

impl Takes {
    fn takes(&self, path: &str) -> bool {
        match self {
            Self::Exact(exact) => path == exact,
            Self::Beginning(start) => path.starts_with(start.as_str()),
            Self::Below(start) => path
                .strip_prefix(start.trim_end_matches('/'))
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/')),
            Self::Fitting(regexp) => regexp.fits(path).unwrap_or(false),
        }
    }

    /// What the pattern of a development server takes: a beginning, an expression, or a glob.
    fn of_pattern(pattern: &str) -> Option<Self> {
        if pattern.starts_with('^') {
            return Some(Self::Fitting(Regexp::of(pattern, "")));
        }
        let rooted = format!("/{}", pattern.trim_start_matches('/'));
        let below = ["/**", "/*", "/(.*)"].iter().find_map(|end| rooted.strip_suffix(end));
        match below {
            _ if pattern.starts_with('!') => None,
            Some(below) if !below.contains('*') => Some(Self::Below(below.to_owned())),
            None if !rooted.contains('*') => Some(Self::Beginning(rooted)),
            _ => {
                let parts: Vec<String> = rooted
                    .split("**")
                    .map(|part| {
                        part.split('*').map(regex::escape).collect::<Vec<_>>().join("[^/]*")
                    })
                    .collect();
                Some(Self::Fitting(Regexp::of(&format!("^{}$", parts.join(".*")), "")))
            }
        }
    }
}

impl Change {
    fn of(&self, path: &str) -> Option<String> {
        Some(match self {
            Self::Behind(before) => format!("{before}{path}"),
            Self::Beginning { from, to } => format!("{to}{}", path.strip_prefix(from.as_str())?),
            Self::Found(found, before) => {
                let changed = found.iter().find_map(|(regexp, to)| regexp.replaced(path, to));
                format!("{before}/{}", changed.as_deref().unwrap_or(path))
            }
            Self::Whole(path) => path.clone(),
        })
    }
}

/// A path with a slash before it and no two of them in a row: most servers take them for one.
fn merged(path: &str) -> String {
    let mut out = String::from("/");
    for c in path.chars() {
        if c != '/' || !out.ends_with('/') {
            out.push(c);
        }
    }
    out
}

/// Where a proxy hands requests on to.
struct Target {
    /// The path that is put before theirs, without a slash at its end.
    path: String,
    is_foreign: bool,
}

impl Target {
    fn of(address: &Text) -> Self {
        let parsed = Address::of(address, &super::names::Names::default());
        let is_foreign = match &parsed.host {
            Host::Named(name) => is_public(name) && address.env().is_empty(),
            _ => false,
        };
        Self { path: parsed.path.trim_end_matches('/').to_owned(), is_foreign }
    }

    fn of_value(value: &Value<'_>) -> Self {
        match value {
            Value::Text(text) => Self::of(text),
            // `{ host: "localhost", port: 3000 }`
            _ => Self { path: String::new(), is_foreign: false },
        }
    }
}

/// Whether a name is one that anybody can ask for; services within a network have one word, and
/// addresses no names at all.
fn is_public(host: &str) -> bool {
    let last = host.rsplit('.').next().unwrap_or(host);
    host.contains('.')
        && !last.bytes().all(|byte| byte.is_ascii_digit())
        && !matches!(last, "local" | "internal" | "localhost" | "test" | "svc" | "lan")
}

/// The proxies of a program.
#[must_use]
pub fn read(trace: &Trace<'_>) -> Vec<Proxy> {
    let mut out = Vec::new();
    scripts::read(trace, &mut out);
    for (path, document) in trace.program.documents() {
        nginx::read(path, document, &mut out);
    }
    out.retain(|proxy| !proxy.rules.is_empty());
    out
}
