//! Where calls land: on which of the program's routes, as their routers decide.

use std::collections::{BTreeMap, BTreeSet};

use super::address::{Address, Host};
use super::clients::Sent;
use super::names::Names;
use super::proxies::{HandedOn, Proxy};
use super::segments::{self, Fit};
use super::{Call, Landing, Nearest, Rewritten, Server, Status, Step, is_of_server, nearest};
use crate::eval::link::Program;
use crate::eval::value::Place;
use crate::inventory::routes::{Opaque, Route};
use crate::source::{Role, role};

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
    served: Server<'_>,
    proxies: &[Proxy],
    program: &Program<'_>,
) -> Vec<Call> {
    let names = Names::of(served.routes);
    let field = Field::new(served, proxies, program);
    let addressed: Vec<(Sent, Address)> = sent
        .into_iter()
        .map(|sent| {
            let address = Address::of(&sent.url, &names);
            (sent, address)
        })
        .collect();
    let prefixes = field.prefixes(&addressed);
    let mut calls: Vec<(Call, bool)> = addressed
        .iter()
        .map(|(sent, address)| {
            let prefix = prefixes.get(&base_of(sent, address)).map(String::as_str);
            let landed = field.land(sent, address, prefix);
            let step = |place: &Place| Step {
                file: program.file(place.file).path.to_owned(),
                line: place.span.line,
            };
            let Step { file, line } = step(&sent.place);
            let mut way: Vec<Step> = sent.way.iter().map(step).collect();
            way.dedup();
            let language = program.file(sent.place.file).module.language;
            let call = Call {
                role: role::of_path(&file, language).0,
                method: sent.method.clone().unwrap_or_else(|| "{}".to_owned()),
                url: address.shown.clone(),
                query: address.query.clone(),
                file,
                line,
                client: sent.client.to_owned(),
                status: landed.status,
                route: landed.route,
                nearest: landed.nearest,
                rewritten: landed.rewritten,
                inferred_prefix: landed.inferred_prefix,
                opaque: landed.opaque,
                way,
            };
            (call, sent.supposed)
        })
        .collect();
    let mut calls = without_unlikely(std::mem::take(&mut calls));
    // A function that hands addresses on is known by those that call it.
    let handed_on: BTreeSet<Step> =
        calls.iter().flat_map(|call| call.way.iter().skip(1).cloned()).collect();
    calls.retain(|call| {
        let place = Step { file: call.file.clone(), line: call.line };
        let is_known = call.status != Status::Dynamic;
        is_known || !handed_on.contains(&place) && !is_engine(call)
    });
    calls.sort_by(|a, b| (&a.file, a.line, a).cmp(&(&b.file, b.line, b)));
    distinct(calls)
}

/// Whether a call is the one that all methods of a generated client come to: each of these stands
/// for itself.
fn is_engine(call: &Call) -> bool {
    call.role == Role::Generated
        && segments::split(&call.url).iter().all(|segment| *segment == "{}")
}

/// Leaves out what a method that nothing calls would send for classes whose servers do not answer
/// it: nobody has meant it to be sent. One stays where none is answered.
fn without_unlikely(mut calls: Vec<(Call, bool)>) -> Vec<Call> {
    let key = |call: &Call| (call.file.clone(), call.line);
    let is_answered = |call: &Call| match call.status {
        Status::Matched | Status::Stub => true,
        // Of somebody else's server nobody knows what it answers, if the address is known.
        Status::External => !call.url.rsplit('/').next().is_none_or(|last| last.contains("{}")),
        _ => false,
    };
    let mut listed: BTreeSet<(String, u32)> = calls
        .iter()
        .filter(|(call, supposed)| !supposed || is_answered(call))
        .map(|(call, _)| key(call))
        .collect();
    calls.retain(|(call, supposed)| !supposed || is_answered(call) || listed.insert(key(call)));
    calls.into_iter().map(|(call, _)| call).collect()
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
            let is_instance = general.url == call.url
                || generalises(&general.url, &call.url)
                || is_end(&call.url, &general.url)
                || are_files(general, call);
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

/// Whether a call is for one of the files that another is for.
fn are_files(general: &Call, call: &Call) -> bool {
    general.status == Status::Asset
        && call.status == Status::Asset
        && general.url != call.url
        && segments::fills(&call.url, &general.url)
}

/// Whether an address behind an unknown base is the end of one of which more is known.
fn is_end(address: &str, whole: &str) -> bool {
    let end = address.strip_prefix("{}").filter(|end| end.len() > 1 && end.starts_with('/'));
    end.is_some_and(|end| whole.ends_with(end)) && address != whole
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
    opaque: &'r [Opaque],
    proxies: &'r [Proxy],
    /// Files that are served as they are, by their paths below their folder.
    assets: BTreeSet<&'r str>,
}

/// Where a call lands.
struct Landed {
    status: Status,
    route: Option<Landing>,
    nearest: Option<Nearest>,
    rewritten: Option<Rewritten>,
    inferred_prefix: Option<String>,
    opaque: Option<Opaque>,
}

impl Landed {
    fn at(status: Status) -> Self {
        Self {
            status,
            route: None,
            nearest: None,
            rewritten: None,
            inferred_prefix: None,
            opaque: None,
        }
    }

    /// By a path that the call may have at the server.
    fn by(mut self, path: &Seen) -> Self {
        self.rewritten = path.handed_on.as_ref().map(|by| Rewritten {
            path: by.path.clone(),
            file: by.place.file.clone(),
            line: by.place.line,
        });
        self.inferred_prefix.clone_from(&path.inferred_prefix);
        self
    }
}

/// A path that a call may have where it reaches the server.
struct Seen {
    path: String,
    /// The proxy that makes it.
    handed_on: Option<HandedOn>,
    /// The prefix that it has by inference.
    inferred_prefix: Option<String>,
}

impl<'r> Field<'r> {
    fn new(served: Server<'r>, proxies: &'r [Proxy], program: &Program<'r>) -> Self {
        let Server { routes, opaque } = served;
        let mut assets = BTreeSet::new();
        for path in program.known_files() {
            for folder in PUBLIC {
                let at = path.strip_prefix(folder).filter(|rest| rest.starts_with('/'));
                let deeper =
                    || path.find(&format!("/{folder}/")).map(|at| &path[at + folder.len() + 1..]);
                assets.extend(at.or_else(deeper));
            }
        }
        Self {
            routes: routes.iter().filter(|route| route.serves()).collect(),
            opaque,
            proxies,
            assets,
        }
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
                // What the prefix has in common with the route is no sign.
                let of_prefix = segments::split(&prefix).len();
                if prefix.contains('{')
                    || !self.fits(route, sent, &with_prefix(&prefix, &address.path), of_prefix)
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

    /// Whether a route answers a path, with which it has more than so many segments in common.
    fn fits(&self, route: &Route, sent: &Sent, path: &str, segments: usize) -> bool {
        self.fit(route, sent, path).is_some_and(|fit| fit.same > segments)
            && segments::answers(route, sent.method.as_deref())
    }

    /// How a path fits a route. A route of parameters alone answers everything, and so means
    /// nothing; but a form that only asks opens a page, and such a route serves pages.
    fn fit(&self, route: &Route, sent: &Sent, path: &str) -> Option<Fit> {
        let fit = segments::fit(route, path, sent.method.as_deref())?;
        let is_known = |segment: &&str| !segment.contains("{}");
        let known = segments::split(path).iter().filter(|segment| is_known(segment)).count();
        let opens_page = sent.client == "form" && sent.method.as_deref() == Some("GET");
        (fit.same > 0 || known == 0 || opens_page).then_some(fit)
    }

    fn land(&self, sent: &Sent, address: &Address, prefix: Option<&str>) -> Landed {
        if let Host::Named(_) = address.host {
            return Landed::at(Status::External);
        }
        let is_fixed = segments::split(&address.path).iter().any(|segment| !segment.contains("{}"));
        let is_unknown = matches!(address.host, Host::Unknown(_));
        // What a server asks another for is the program's own only where the address says so.
        if (is_unknown || address.host == Host::Own) && is_of_server(sent.client) {
            return Landed::at(Status::Dynamic);
        }
        // An empty address is that of the page, whichever it is.
        let is_own = address.shown.is_empty() && address.host == Host::Own;
        if is_own || !is_fixed && (address.path != "/" || is_unknown) {
            return Landed::at(Status::Dynamic);
        }
        let paths = self.seen(address, prefix);
        for seen in &paths {
            if let Some(landed) = self.answered(sent, &seen.path) {
                return landed.by(seen);
            }
        }
        let suffix = address.path.rsplit_once('.').map_or("", |(_, suffix)| suffix);
        if STATIC.contains(&suffix) || self.is_asset(&address.path) {
            return Landed::at(Status::Asset);
        }
        for seen in &paths {
            let answers = |opaque: &&Opaque| {
                is_below(&seen.path, &opaque.path) && !self.is_proxy(opaque, &address.path)
            };
            if let Some(opaque) = self.opaque.iter().find(answers) {
                let opaque = Some(opaque.clone());
                return Landed { opaque, ..Landed::at(Status::Dynamic) }.by(seen);
            }
        }
        if address.is_elsewhere {
            return Landed::at(Status::External);
        }
        // With a base of which nothing is known, and behind which nothing lands, it is as likely
        // somebody else's server.
        if address.is_open || is_unknown && prefix.is_none() {
            return Landed::at(Status::Dynamic);
        }
        if let Some(seen) = paths.iter().find(|seen| self.is_foreign(seen)) {
            return Landed::at(Status::External).by(seen);
        }
        for seen in &paths {
            if let Some(route) = self.of_other_methods(sent, &seen.path) {
                let edit = format!("send {}", route.methods.join(" or "));
                let asked = seen.path.clone();
                let nearest = Some(Nearest { route: Landing::on(route), asked, edit });
                return Landed { nearest, ..Landed::at(Status::MethodMismatch) }.by(seen);
            }
        }
        for seen in &paths {
            let near = nearest::to(&seen.path, sent.method.as_deref(), &self.routes);
            if near.is_some() {
                return Landed { nearest: near, ..Landed::at(Status::PathMismatch) }.by(seen);
            }
        }
        let missing = Landed::at(Status::Missing);
        paths.first().map_or(Landed::at(Status::Missing), |seen| missing.by(seen))
    }

    /// The paths that a call may have at the server, the likeliest first.
    fn seen(&self, address: &Address, prefix: Option<&str>) -> Vec<Seen> {
        let mut paths =
            vec![Seen { path: address.path.clone(), handed_on: None, inferred_prefix: None }];
        if let Some(prefix) = prefix.filter(|prefix| !prefix.is_empty()) {
            let path = with_prefix(prefix, &address.path);
            let inferred_prefix = Some(format!("/{prefix}"));
            paths.insert(0, Seen { path, handed_on: None, inferred_prefix });
        }
        for handed_on in self.proxies.iter().filter_map(|proxy| proxy.hand_on(&address.path)) {
            let path = handed_on.path.clone();
            if handed_on.is_foreign || paths.iter().all(|known| known.path != path) {
                paths.push(Seen { path, handed_on: Some(handed_on), inferred_prefix: None });
            }
        }
        paths
    }

    /// Whether what is mounted is a proxy that hands a path on, so that another answers it.
    fn is_proxy(&self, opaque: &Opaque, path: &str) -> bool {
        self.proxies
            .iter()
            .filter_map(|proxy| proxy.hand_on(path))
            .any(|by| (&by.place.file, by.place.line) == (&opaque.file, opaque.line))
    }

    /// Whether a proxy hands a path to somebody else's server, and the program has nothing that
    /// begins as it does there.
    fn is_foreign(&self, seen: &Seen) -> bool {
        let first = segments::split(&seen.path).first().copied();
        seen.handed_on.as_ref().is_some_and(|by| by.is_foreign)
            && !self
                .routes
                .iter()
                .any(|route| segments::split(&route.path).first().copied() == first)
    }

    /// Whether a path is that of a file which is served as it is, or of one of several.
    fn is_asset(&self, path: &str) -> bool {
        if !path.contains("{}") {
            return self.assets.contains(path);
        }
        let wanted = segments::split(path);
        self.assets.iter().any(|asset| {
            let given = segments::split(asset);
            let mut pairs = given.iter().zip(&wanted);
            given.len() == wanted.len()
                && pairs.all(|(given, wanted)| segments::fills(given, wanted))
        })
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
        // A route that takes all below a path, with a handler that nobody knows.
        let is_of = |opaque: &&Opaque| {
            (&opaque.file, opaque.line) == (&route.file, route.line) && route.path.ends_with("*}")
        };
        if let Some(opaque) = self.opaque.iter().find(is_of) {
            let opaque = Some(opaque.clone());
            return Some(Landed { opaque, ..Landed::at(Status::Dynamic) });
        }
        let status = if route.stub.is_some() { Status::Stub } else { Status::Matched };
        Some(Landed { route: Some(Landing::on(route)), ..Landed::at(status) })
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

/// Whether a path is a mount's or lies below it.
fn is_below(path: &str, above: &str) -> bool {
    let mut given = segments::split(path).into_iter();
    segments::split(above).into_iter().all(|wanted| {
        given.next().is_some_and(|segment| wanted == segment || wanted.starts_with('{'))
    })
}

fn with_prefix(prefix: &str, path: &str) -> String {
    if prefix.is_empty() { path.to_owned() } else { format!("/{prefix}{path}") }
}
