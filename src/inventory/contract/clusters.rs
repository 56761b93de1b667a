//! Calls that do not fit, joined by their cause.

use std::collections::{BTreeMap, BTreeSet};

use super::usage::sender;
use super::{Cluster, Page, Sender};
use crate::inventory::calls::{Call, Landing, Status, Step, address, segments};
use crate::inventory::routes::Route;

/// What calls of one cause have in common.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Cause {
    /// The beginning of their paths is spelled otherwise: theirs, and the routes'.
    Spelling { theirs: String, routes: String },
    /// Nothing is served below a beginning of their paths.
    Nothing { below: String },
    /// A path answers other methods.
    Methods { sent: String, route: Landing },
    /// A handler only pretends, and why that is known.
    Stub { route: Landing, why: String },
}

/// The clusters, the one with most calls first.
#[must_use]
pub fn of(routes: &[Route], calls: &[Call], pages: &BTreeMap<Step, Vec<Page>>) -> Vec<Cluster> {
    let served: BTreeSet<&str> = routes.iter().map(|route| route.path.as_str()).collect();
    let stubs: BTreeMap<Landing, &str> = routes
        .iter()
        .filter_map(|route| Some((Landing::on(route), route.stub.as_deref()?)))
        .collect();
    let mut causes: BTreeMap<(Status, Cause), Vec<&Call>> = BTreeMap::new();
    for call in calls {
        if let Some(cause) = cause(call, &served, &stubs) {
            causes.entry((call.status, cause)).or_default().push(call);
        }
    }
    let mut clusters: Vec<Cluster> = causes
        .into_iter()
        .map(|((status, cause), calls)| {
            let mut senders: Vec<Sender> = calls.iter().map(|call| sender(call)).collect();
            senders.sort();
            senders.dedup();
            senders.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
            let reached: BTreeSet<Page> = senders
                .iter()
                .filter_map(|sender| {
                    pages.get(&Step { file: sender.file.clone(), line: sender.line })
                })
                .flatten()
                .cloned()
                .collect();
            let (cause, candidate) = told(&cause, &calls, senders.len());
            Cluster {
                status,
                cause,
                candidate,
                calls: senders,
                pages: reached.into_iter().collect(),
            }
        })
        .collect();
    clusters.sort_by(|a, b| {
        (b.calls.len(), a.status, &a.calls).cmp(&(a.calls.len(), b.status, &b.calls))
    });
    clusters
}

/// Why a call does not fit; `None` where it does, or where nobody can tell.
fn cause(call: &Call, served: &BTreeSet<&str>, stubs: &BTreeMap<Landing, &str>) -> Option<Cause> {
    match (call.status, &call.route, &call.nearest) {
        (Status::Stub, Some(route), _) => {
            let why = stubs.get(route).copied().unwrap_or_default().to_owned();
            Some(Cause::Stub { route: route.clone(), why })
        }
        (Status::MethodMismatch, _, Some(nearest)) => {
            Some(Cause::Methods { sent: call.method.clone(), route: nearest.route.clone() })
        }
        (Status::PathMismatch, _, Some(nearest)) => {
            let (theirs, routes) = differing(path_of(call), &nearest.route.path);
            Some(Cause::Spelling { theirs, routes })
        }
        (Status::PathMismatch | Status::MethodMismatch | Status::Missing, ..) => {
            Some(Cause::Nothing { below: unserved(path_of(call), served) })
        }
        _ => None,
    }
}

/// The path that the server is asked for, as far as it is known.
fn path_of(call: &Call) -> &str {
    call.nearest.as_ref().map_or_else(|| address::path_of(&call.url), |nearest| &nearest.asked)
}

/// The beginnings of two paths up to the last segment in which they differ.
fn differing(theirs: &str, route: &str) -> (String, String) {
    let (given, own) = (segments::split(theirs), segments::split(route));
    let is_same = |(a, b): (&&str, &&str)| a == b || a.contains("{}") && b.starts_with('{');
    // What a proxy puts before or takes off is not what differs.
    let end = given.iter().rev().zip(own.iter().rev()).take_while(|pair| is_same(*pair)).count();
    let begin = |segments: &[&str]| {
        let kept = segments.len() - end.min(segments.len().saturating_sub(1));
        format!("/{}", segments[..kept].join("/"))
    };
    (begin(&given), address::without_names(&begin(&own)))
}

/// The shortest beginning of a path that no route has.
fn unserved(path: &str, served: &BTreeSet<&str>) -> String {
    let given = segments::split(path);
    let begins = |length: usize| {
        served.iter().any(|route| {
            let own = segments::split(route);
            own.len() >= length
                && own.iter().zip(&given[..length]).all(|(own, given)| {
                    own == given || own.starts_with('{') && given.contains("{}")
                })
        })
    };
    let kept = (1..=given.len()).find(|length| !begins(*length)).unwrap_or(given.len());
    format!("/{}", given[..kept].join("/"))
}

/// A cause in a sentence, and what would mend it.
fn told(cause: &Cause, calls: &[&Call], count: usize) -> (String, Option<String>) {
    let verb = |one: &str, many: &str| {
        if count == 1 { format!("1 call {one}") } else { format!("{count} calls {many}") }
    };
    let methods = |route: &Landing| match route.methods.as_slice() {
        [] => "any method".to_owned(),
        methods => methods.join(", "),
    };
    match cause {
        Cause::Spelling { theirs, routes } => {
            // What all of them share beyond the difference is shown, too.
            let beyond = shared(calls, theirs);
            let says = format!(
                "{} `{theirs}{beyond}`, the backend serves `{routes}{beyond}`",
                verb("uses", "use")
            );
            (says, Some(format!("write `{routes}` for `{theirs}`")))
        }
        Cause::Nothing { below } => {
            let is_whole = calls.iter().all(|call| path_of(call).trim_end_matches('/') == *below);
            let where_ = if is_whole { "no route" } else { "nothing below it" };
            (format!("{} `{below}`, the backend serves {where_}", verb("uses", "use")), None)
        }
        Cause::Methods { sent, route } => (
            format!(
                "{} {sent} to `{}`, which answers {}",
                verb("sends", "send"),
                route.path,
                methods(route)
            ),
            Some(format!("send {}, or serve {sent}", methods(route))),
        ),
        Cause::Stub { route, why } => (
            format!(
                "{} on {} `{}`, which is a stub: {why}",
                verb("lands", "land"),
                methods(route),
                route.path
            ),
            None,
        ),
    }
}

/// The fixed segments that the paths of all calls have behind a beginning.
fn shared(calls: &[&Call], begin: &str) -> String {
    let length = segments::split(begin).len();
    let rests: Vec<Vec<&str>> = calls
        .iter()
        .map(|call| segments::split(path_of(call)).into_iter().skip(length).collect())
        .collect();
    let Some(first) = rests.first() else { return String::new() };
    let same = (0..first.len())
        .take_while(|at| {
            !first[*at].contains("{}") && rests.iter().all(|rest| rest.get(*at) == first.get(*at))
        })
        .count();
    first[..same].iter().map(|segment| format!("/{segment}")).collect()
}
