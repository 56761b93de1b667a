//! Where calls land: on which of the program's routes, as their routers decide.

use std::collections::{BTreeMap, BTreeSet};

use super::address::{Address, Host};
use super::clients::Sent;
use super::proxies::Proxy;
use super::segments::{self, Fit};
use super::{Call, Landing, Nearest, Status, Step, nearest};
use crate::eval::link::Program;
use crate::eval::value::Place;
use crate::inventory::routes::Route;

/// Which base address a call has: calls of one base land behind the same prefix.
type Base = (&'static str, String);

/// Folders whose files are served as they are.
const PUBLIC: &[&str] = &["public", "static", "assets", "src/assets", "www", "dist"];

/// Suffixes of files that nobody makes on request.
const STATIC: &[&str] = &[
    "ttf", "otf", "woff", "woff2", "png", "svg", "jpg", "jpeg", "gif", "ico", "webp", "wasm",
    "css", "js", "mjs", "map", "mp3", "mp4", "pdf",
];

/// Lands calls.
#[must_use]
pub fn land(
    sent: Vec<Sent>,
    routes: &[Route],
    proxies: &[Proxy],
    program: &Program<'_>,
) -> Vec<Call> {
    let names: BTreeMap<&str, &str> = routes
        .iter()
        .filter_map(|route| Some((route.name.as_deref()?, route.path.as_str())))
        .collect();
    let field = Field::new(routes, proxies, program);
    let addressed: Vec<(Sent, Address)> = sent
        .into_iter()
        .map(|sent| {
            let address = Address::of(&sent.url, &names);
            (sent, address)
        })
        .collect();
    let prefixes = field.prefixes(&addressed);
    let mut calls: Vec<Call> = addressed
        .iter()
        .map(|(sent, address)| {
            let prefix = prefixes.get(&base_of(sent, address)).map(String::as_str);
            let (status, route, nearest) = field.land(sent, address, prefix);
            let step = |place: &Place| Step {
                file: program.file(place.file).path.to_owned(),
                line: place.span.line,
            };
            let Step { file, line } = step(&sent.place);
            let mut way: Vec<Step> = sent.way.iter().map(step).collect();
            way.dedup();
            Call {
                method: sent.method.clone().unwrap_or_else(|| "{}".to_owned()),
                url: address.shown.clone(),
                query: address.query.clone(),
                file,
                line,
                client: sent.client.to_owned(),
                status,
                route,
                nearest,
                way,
            }
        })
        .collect();
    // A function that hands addresses on is known by those that call it.
    let handed_on: BTreeSet<Step> = calls
        .iter()
        .filter(|call| call.way.len() > 1)
        .filter_map(|call| call.way.last().cloned())
        .collect();
    calls.retain(|call| {
        let place = Step { file: call.file.clone(), line: call.line };
        call.status != Status::Dynamic || !handed_on.contains(&place)
    });
    calls.sort_by(|a, b| (&a.file, a.line, a).cmp(&(&b.file, b.line, b)));
    distinct(calls)
}

/// One call for each place, method and address. What runs with a known value beside an unknown
/// one is the same call.
fn distinct(calls: Vec<Call>) -> Vec<Call> {
    let mut out: Vec<Call> = Vec::new();
    for group in calls.chunk_by(|a, b| (&a.file, a.line) == (&b.file, b.line)) {
        let group: Vec<Call> =
            group.iter().filter(|call| !is_of_other_arms(call, group)).cloned().collect();
        let covers = |general: &Call, call: &Call| {
            let same_method = general.method == call.method || call.method == "{}";
            let is_instance = general.url == call.url || generalises(&general.url, &call.url);
            same_method && is_instance
        };
        for (at, call) in group.iter().enumerate() {
            let is_covered = group.iter().enumerate().any(|(other, general)| {
                other != at
                    && covers(general, call)
                    // Of two that cover each other the first stays.
                    && (!covers(call, general) || other < at)
            });
            if !is_covered {
                out.push(call.clone());
            }
        }
    }
    out
}

/// Whether a call joins an address and a method that stand in arms which exclude one another:
/// `edits ? "/orders/1" : "/orders"` beside `edits ? "PUT" : "POST"`. It does where each of the
/// two is answered in the company of another.
fn is_of_other_arms(call: &Call, group: &[Call]) -> bool {
    let answered = |other: &&Call| matches!(other.status, Status::Matched | Status::Stub);
    call.status == Status::MethodMismatch
        && group.iter().filter(answered).any(|other| other.url == call.url)
        && group.iter().filter(answered).any(|other| other.method == call.method)
}

/// Whether an address is another with known values in its holes.
fn generalises(general: &str, url: &str) -> bool {
    let (general, url): (Vec<_>, Vec<_>) = (general.split('/').collect(), url.split('/').collect());
    general.len() == url.len()
        && general
            .iter()
            .zip(&url)
            .enumerate()
            // The unknown beginning of an address is a base, and no value.
            .all(|(at, (general, url))| general == url || *general == "{}" && at > 0)
        && general != url
}

fn base_of(sent: &Sent, address: &Address) -> Base {
    match &address.host {
        Host::Unknown(name) => (sent.client, name.clone()),
        _ => (sent.client, String::new()),
    }
}

/// What calls may land on.
struct Field<'r> {
    routes: Vec<&'r Route>,
    proxies: &'r [Proxy],
    /// Files that are served as they are, by their paths below their folder.
    assets: BTreeSet<&'r str>,
}

type Landed = (Status, Option<Landing>, Option<Nearest>);

impl<'r> Field<'r> {
    fn new(routes: &'r [Route], proxies: &'r [Proxy], program: &Program<'r>) -> Self {
        let served = |route: &&Route| route.reachable && route.shadowed_by.is_none();
        let mut assets = BTreeSet::new();
        for path in program.known_files() {
            for folder in PUBLIC {
                let at = path.strip_prefix(folder).filter(|rest| rest.starts_with('/'));
                let deeper =
                    || path.find(&format!("/{folder}/")).map(|at| &path[at + folder.len() + 1..]);
                assets.extend(at.or_else(deeper));
            }
        }
        Self { routes: routes.iter().filter(served).collect(), proxies, assets }
    }

    /// The prefixes behind which calls of an unknown base land most often.
    fn prefixes(&self, calls: &[(Sent, Address)]) -> BTreeMap<Base, String> {
        let mut votes: BTreeMap<Base, BTreeMap<String, usize>> = BTreeMap::new();
        for (sent, address) in calls {
            if matches!(address.host, Host::Named(_)) || is_of_server(sent.client) {
                continue;
            }
            let mut found: BTreeSet<String> = BTreeSet::new();
            let given = segments::split(&address.path);
            if given.iter().all(|segment| segment.contains("{}")) {
                continue;
            }
            for route in &self.routes {
                let own = segments::split(&route.path);
                let extra = own.len().saturating_sub(given.len());
                let prefix = own[..extra].join("/");
                if prefix.contains('{')
                    || !self.fits(route, sent, &with_prefix(&prefix, &address.path))
                {
                    continue;
                }
                found.insert(prefix);
            }
            let of_base = votes.entry(base_of(sent, address)).or_default();
            found.into_iter().for_each(|prefix| *of_base.entry(prefix).or_default() += 1);
        }
        votes
            .into_iter()
            .filter_map(|(base, prefixes)| {
                // The prefix that most land behind; of those alike, none before any.
                let best = prefixes
                    .iter()
                    .max_by_key(|(prefix, count)| (**count, std::cmp::Reverse(prefix.len())))?;
                let is_known = base.1.is_empty();
                let none = prefixes.get("").copied().unwrap_or_default();
                // Where the base is the page's own server, a prefix can only be a proxy's.
                let counts = !is_known || none == 0 && *best.1 > 2;
                counts.then(|| (base, best.0.clone()))
            })
            .collect()
    }

    fn fits(&self, route: &Route, sent: &Sent, path: &str) -> bool {
        self.fit(route, sent, path).is_some_and(|fit| fit.same > 0)
            && segments::answers(route, sent.method.as_deref())
    }

    /// How a path fits a route. A route of parameters alone answers everything, and so means
    /// nothing.
    fn fit(&self, route: &Route, sent: &Sent, path: &str) -> Option<Fit> {
        let fit = segments::fit(route, path, sent.method.as_deref())?;
        let is_known = |segment: &&str| !segment.contains("{}");
        let known = segments::split(path).iter().filter(|segment| is_known(segment)).count();
        (fit.same > 0 || known == 0).then_some(fit)
    }

    fn land(&self, sent: &Sent, address: &Address, prefix: Option<&str>) -> Landed {
        if let Host::Named(_) = address.host {
            return (Status::External, None, None);
        }
        let is_fixed = segments::split(&address.path).iter().any(|segment| !segment.contains("{}"));
        let is_unknown = matches!(address.host, Host::Unknown(_));
        // What a server asks another for is the program's own only where the address says so.
        if (is_unknown || address.host == Host::Own) && is_of_server(sent.client) {
            return (Status::Dynamic, None, None);
        }
        if !is_fixed && (address.path != "/" || is_unknown) {
            return (Status::Dynamic, None, None);
        }
        let mut paths = vec![address.path.clone()];
        if let Some(prefix) = prefix.filter(|prefix| !prefix.is_empty()) {
            paths.insert(0, with_prefix(prefix, &address.path));
        }
        for proxy in self.proxies {
            paths.extend(proxy.apply(&address.path));
        }
        for path in &paths {
            if let Some(landed) = self.answered(sent, path) {
                return landed;
            }
        }
        let suffix = address.path.rsplit_once('.').map_or("", |(_, suffix)| suffix);
        if STATIC.contains(&suffix) || self.assets.contains(address.path.as_str()) {
            return (Status::Asset, None, None);
        }
        // With a base of which nothing is known, and behind which nothing lands, it is as likely
        // somebody else's server.
        if address.is_open || is_unknown && prefix.is_none() {
            return (Status::Dynamic, None, None);
        }
        let others = paths.iter().find_map(|path| self.of_other_methods(sent, path));
        if let Some(route) = others {
            let edit = format!("send {}", route.methods.join(" or "));
            let nearest = Nearest { route: Landing::on(route), edit };
            return (Status::MethodMismatch, None, Some(nearest));
        }
        let near =
            paths.iter().find_map(|path| nearest::to(path, sent.method.as_deref(), &self.routes));
        match near {
            Some(nearest) => (Status::PathMismatch, None, Some(nearest)),
            None => (Status::Missing, None, None),
        }
    }

    /// The route that answers a path.
    fn answered(&self, sent: &Sent, path: &str) -> Option<Landed> {
        let fits = self.routes.iter().filter_map(|route| {
            let fit = self.fit(route, sent, path)?;
            segments::answers(route, sent.method.as_deref()).then_some((fit, *route))
        });
        // The first of those that fit best.
        let mut best: Option<(Fit, &Route)> = None;
        for (fit, route) in fits {
            if best.is_none_or(|(known, _)| fit > known) {
                best = Some((fit, route));
            }
        }
        let (_, route) = best?;
        let status = if route.stub.is_some() { Status::Stub } else { Status::Matched };
        Some((status, Some(Landing::on(route)), None))
    }

    /// A route of the path that answers other methods.
    fn of_other_methods(&self, sent: &Sent, path: &str) -> Option<&'r Route> {
        let fits = self.routes.iter().filter(|route| {
            self.fit(route, sent, path).is_some_and(|fit| fit.certain)
                && !segments::answers(route, sent.method.as_deref())
        });
        fits.max_by_key(|route| self.fit(route, sent, path)).copied()
    }
}

/// Whether a client is one of servers, which has no page that it belongs to.
fn is_of_server(client: &str) -> bool {
    matches!(client, "requests" | "httpx" | "aiohttp" | "urllib" | "reqwest")
}

fn with_prefix(prefix: &str, path: &str) -> String {
    if prefix.is_empty() { path.to_owned() } else { format!("/{prefix}{path}") }
}
