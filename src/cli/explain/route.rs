//! The page of a route: how it comes about, and what an anonymous caller meets on the way.

use std::fmt::Write as _;

use anyhow::bail;

use super::indent;
use crate::cli::listing::{is_file, place};
use crate::cli::terminal;
use crate::inventory::routes::evidence::{Does, Met, Spot, Step};
use crate::inventory::routes::{AuthState, Route};
use crate::rules::error::nearest;
use crate::rules::redact::redact;

/// The most routes that one question is answered with.
const MOST: usize = 12;

/// What a route is asked for by.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wanted<'a> {
    /// A method, where one is named, and a path.
    Path(Option<&'a str>, &'a str),
    /// A place of its handler or its registration.
    Place(&'a str, u32),
}

impl<'a> Wanted<'a> {
    /// The route that a topic asks for; `None` where it is something else.
    pub(super) fn of(topic: &'a str) -> Option<Self> {
        let topic = topic.trim();
        let (method, path) = match topic.split_once(char::is_whitespace) {
            Some((method, path)) => (Some(method), path.trim_start()),
            None => (None, topic),
        };
        if path.starts_with('/') && !path.contains(char::is_whitespace) && place(path).is_none() {
            return Some(Self::Path(method, path));
        }
        let (file, line) = place(topic)?;
        Some(Self::Place(file, line))
    }

    fn answers(&self, route: &Route, closeness: Closeness) -> bool {
        match self {
            Self::Place(file, line) => {
                let registered = route.evidence.registered.as_ref();
                let is_here = |of: &str, at: u32| at == *line && is_file(of, file);
                is_here(&route.file, route.line)
                    || registered.is_some_and(|spot| is_here(&spot.file, spot.line))
            }
            Self::Path(method, path) => {
                let answers = method.is_none_or(|method| {
                    method.eq_ignore_ascii_case("any") && route.methods.is_empty()
                        || route.methods.is_empty()
                        || route.methods.iter().any(|known| known.eq_ignore_ascii_case(method))
                });
                let mut paths = std::iter::once(&route.path).chain(&route.otherwise);
                answers && paths.any(|known| closeness.fits(known, path))
            }
        }
    }
}

/// How near a path is to the one that is asked for.
#[derive(Debug, Clone, Copy)]
enum Closeness {
    Equal,
    /// But for the names of parameters and a slash at the end.
    Nameless,
    /// A request for it may get there.
    Request,
}

impl Closeness {
    fn fits(self, known: &str, asked: &str) -> bool {
        let asked = asked.split(['?', '#']).next().unwrap_or(asked);
        match self {
            Self::Equal => known == asked,
            Self::Nameless => nameless(known) == nameless(asked),
            Self::Request => may_reach(known, asked),
        }
    }
}

fn nameless(path: &str) -> Vec<String> {
    let mut out = Vec::new();
    for segment in path.split('/').filter(|segment| !segment.is_empty()) {
        let mut written = String::new();
        let mut rest = segment;
        while let Some((before, after)) = rest.split_once('{') {
            let Some((name, after)) = after.split_once('}') else { break };
            written += before;
            written += if name.ends_with('*') { "{*}" } else { "{}" };
            rest = after;
        }
        out.push(written + rest);
    }
    out
}

fn may_reach(route: &str, request: &str) -> bool {
    let mut asked = request.split('/').filter(|segment| !segment.is_empty());
    for segment in route.split('/').filter(|segment| !segment.is_empty()) {
        if segment.contains("*}") {
            return true;
        }
        let Some(asked) = asked.next() else { return false };
        let fits = match (segment.find('{'), segment.rfind('}')) {
            (Some(first), Some(last)) => {
                let (before, after) = (&segment[..first], &segment[last + 1..]);
                asked.len() >= before.len() + after.len()
                    && asked.starts_with(before)
                    && asked.ends_with(after)
            }
            _ => segment == asked,
        };
        if !fits {
            return false;
        }
    }
    asked.next().is_none()
}

/// The pages of the routes that are asked for.
pub(super) fn pages(routes: &[Route], wanted: &Wanted<'_>) -> anyhow::Result<String> {
    let found = [Closeness::Equal, Closeness::Nameless, Closeness::Request]
        .into_iter()
        .map(|closeness| {
            routes.iter().filter(|route| wanted.answers(route, closeness)).collect::<Vec<_>>()
        })
        .find(|found| !found.is_empty());
    let Some(found) = found else { bail!(unknown(routes, wanted)) };
    let pages: Vec<_> = found.iter().take(MOST).map(|route| page(route)).collect();
    let mut text = pages.join("\n");
    if found.len() > MOST {
        let _ = write!(text, "\n{} more are not shown; name a method, too.\n", found.len() - MOST);
    }
    Ok(text)
}

fn unknown(routes: &[Route], wanted: &Wanted<'_>) -> String {
    match wanted {
        Wanted::Place(file, line) => {
            let mut lines: Vec<u32> = routes
                .iter()
                .filter(|route| is_file(&route.file, file))
                .map(|route| route.line)
                .collect();
            lines.sort_by_key(|known| known.abs_diff(*line));
            match lines.first() {
                Some(near) => format!("no route at {file}:{line}; the nearest is at line {near}"),
                None => format!("no route in {file}; `readiness routes` lists them"),
            }
        }
        Wanted::Path(method, path) => {
            let label = method.map_or_else(String::new, |method| format!("{method} "));
            match nearest(path, routes.iter().map(|route| route.path.as_str())) {
                Some(near) => format!("no route answers {label}{path}; did you mean `{near}`?"),
                None => format!("no route answers {label}{path}; `readiness routes` lists them"),
            }
        }
    }
}

fn page(route: &Route) -> String {
    let methods = match route.methods.as_slice() {
        [] => "any".to_owned(),
        methods => methods.join(","),
    };
    let title = format!("{methods} {}", redact(&route.path));
    let mut page =
        format!("{title}\n{}\n\n{}\n", "─".repeat(title.chars().count()), verdict(route));
    let _ = write!(page, "\nWay\n{}", indent(&terminal::rows(&way(route, &methods))));
    let _ =
        write!(page, "\nWhat an anonymous caller meets\n{}", indent(&terminal::rows(&met(route))));
    let remarks = remarks(route);
    if !remarks.is_empty() {
        let _ = write!(page, "\nRemarks\n{}", indent(&remarks.join("\n")));
    }
    terminal::visible(&page)
}

/// Who gets in, and by what that is known.
fn verdict(route: &Route) -> String {
    let by = route.auth.by.join(", ");
    match route.auth.state {
        AuthState::Required => format!("Anonymous callers are turned away, by {by}."),
        AuthState::Optional => format!("Anonymous callers get in; who calls is looked at by {by}."),
        AuthState::None => {
            "Anonymous callers get in: nothing on the way asks who calls.".to_owned()
        }
        AuthState::Unknown if by.is_empty() => {
            "It could not be told whether anonymous callers get in.".to_owned()
        }
        AuthState::Unknown => {
            format!(
                "It could not be told whether anonymous callers get in; {by} may turn them away."
            )
        }
    }
}

fn shown(spot: Option<&Spot>) -> String {
    spot.map_or_else(String::new, |spot| format!("{}:{}", spot.file, spot.line))
}

/// From the application to the handler: what, its path, its name, its place.
fn way(route: &Route, methods: &str) -> Vec<[String; 4]> {
    let evidence = &route.evidence;
    let mut rows = Vec::new();
    for (at, step) in evidence.way.iter().enumerate() {
        let what = match (at, route.mounted) {
            (0, true) => "application",
            (0, false) => "router",
            _ => "mount",
        };
        rows.push([
            what.to_owned(),
            redact(&step.path).into_owned(),
            named(step, at, &route.framework),
            placed(step, at),
        ]);
    }
    let path = if evidence.path.is_empty() { &route.path } else { &evidence.path };
    rows.push([
        "registration".to_owned(),
        redact(path).into_owned(),
        methods.to_owned(),
        shown(evidence.registered.as_ref()),
    ]);
    rows.push([
        "handler".to_owned(),
        String::new(),
        route.handler.clone().unwrap_or_else(|| "(anonymous)".to_owned()),
        format!("{}:{}", route.file, route.line),
    ]);
    rows
}

/// What a router is; one that is mounted, with where it is made.
fn named(step: &Step, at: usize, framework: &str) -> String {
    match (&step.made, step.name.is_empty()) {
        (Some(made), false) if at > 0 => format!("{} of {}:{}", step.name, made.file, made.line),
        // An application of files is made by no call.
        (_, true) => framework.to_owned(),
        _ => step.name.clone(),
    }
}

fn placed(step: &Step, at: usize) -> String {
    let spot = if at == 0 { step.made.as_ref() } else { step.mounted.as_ref() };
    let condition = if step.conditional { "  under a condition" } else { "" };
    format!("{}{condition}", shown(spot))
}

/// Each guard with its place and what it does.
fn met(route: &Route) -> Vec<[String; 3]> {
    let evidence = &route.evidence;
    let mut rows: Vec<_> = evidence.met.iter().map(guard).collect();
    let stops = |met: &Met| met.does == Does::Decides(AuthState::Required) && !met.conditional;
    let does = match evidence.handler {
        _ if evidence.met.iter().any(stops) => "is not reached",
        Some(AuthState::Required) => "turns an anonymous caller away",
        Some(AuthState::Optional | AuthState::Unknown) => "looks who calls, and answers",
        Some(AuthState::None) => "answers, and does not ask who calls",
        None => "is not looked into",
    };
    let place = format!("{}:{}", route.file, route.line);
    rows.push(["the handler itself".to_owned(), place, does.to_owned()]);
    rows
}

fn guard(met: &Met) -> [String; 3] {
    let place = match (&met.place, &met.library) {
        (Some(spot), _) => shown(Some(spot)),
        (None, Some(library)) if *library != met.name => format!("library: {library}"),
        (None, Some(_)) => "library".to_owned(),
        (None, None) => String::new(),
    };
    let does = match met.does {
        Does::Spares => "does not stand before this route",
        Does::IsNotReached => "is not reached",
        Does::Decides(AuthState::Required) => "turns an anonymous caller away",
        Does::Decides(AuthState::Optional) => "looks who calls, and lets an anonymous caller go on",
        Does::Decides(AuthState::None) => "lets everybody go on",
        Does::Decides(AuthState::Unknown) => {
            "may turn an anonymous caller away; that could not be told"
        }
    };
    let condition = if met.conditional { " (only under a condition)" } else { "" };
    [met.name.clone(), place, format!("{does}{condition}")]
}

fn remarks(route: &Route) -> Vec<String> {
    let mut out = Vec::new();
    let mut say = |holds: bool, remark: String| {
        if holds {
            out.push(remark);
        }
    };
    say(!route.mounted, "Its router reaches no application.".to_owned());
    if let Some(file) = &route.evidence.unloaded {
        say(true, format!("It is not there: nothing that starts the application loads {file}."));
    }
    say(!route.resolved, "A part of its path or its methods could not be resolved.".to_owned());
    say(route.takes_longer, "It answers longer paths that begin so, too.".to_owned());
    for path in &route.otherwise {
        say(true, format!("Where the environment says otherwise, its path is {}.", redact(path)));
    }
    say(
        route.conditional && route.otherwise.is_empty(),
        "It is there only under a condition that could not be decided.".to_owned(),
    );
    if let Some(place) = &route.shadowed_by {
        say(true, format!("The route at {place} answers in its place."));
    }
    if let Some(reason) = &route.stub {
        say(true, format!("The handler only pretends: {reason}."));
    }
    if let Some(request) = &route.request {
        say(true, format!("It takes {request}."));
    }
    if let Some(response) = &route.response {
        say(true, format!("It answers {response}."));
    }
    if !route.aliases.is_empty() {
        say(true, format!("The same handler answers {}.", route.aliases.join(", ")));
    }
    out
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::inventory::routes::Auth;
    use crate::inventory::routes::evidence::Evidence;

    fn spot(file: &str, line: u32) -> Option<Spot> {
        Some(Spot { file: file.to_owned(), line })
    }

    fn step(name: &str, path: &str, made: Option<Spot>, mounted: Option<Spot>) -> Step {
        Step { name: name.to_owned(), path: path.to_owned(), made, mounted, conditional: false }
    }

    fn guard(name: &str, place: Option<Spot>, library: Option<&str>, does: Does) -> Met {
        let library = library.map(str::to_owned);
        Met { name: name.to_owned(), place, library, does, conditional: false }
    }

    fn route() -> Route {
        let way = vec![
            step("FastAPI", "", spot("app/main.py", 20), None),
            step("APIRouter", "/api", spot("app/api/main.py", 6), spot("app/main.py", 33)),
            Step {
                conditional: true,
                ..step(
                    "APIRouter",
                    "/users",
                    spot("app/api/users.py", 12),
                    spot("app/api/main.py", 9),
                )
            },
        ];
        let met = vec![
            guard(
                "CORSMiddleware",
                None,
                Some("fastapi.middleware.cors.CORSMiddleware"),
                Does::Decides(AuthState::None),
            ),
            Met {
                conditional: true,
                ..guard("audit", spot("app/audit.py", 3), None, Does::Decides(AuthState::Optional))
            },
            guard("open_to_all", spot("app/audit.py", 9), None, Does::Spares),
            guard(
                "get_current_user",
                spot("app/deps.py", 30),
                None,
                Does::Decides(AuthState::Required),
            ),
            guard("limit", None, Some("limit"), Does::IsNotReached),
        ];
        Route {
            methods: vec!["GET".to_owned()],
            path: "/api/users/{user_id}".to_owned(),
            file: "app/api/users.py".to_owned(),
            line: 166,
            handler: Some("app.api.users.read_user".to_owned()),
            framework: "fastapi".to_owned(),
            auth: Auth { state: AuthState::Required, by: vec!["get_current_user".to_owned()] },
            resolved: true,
            mounted: true,
            reachable: true,
            conditional: true,
            response: Some("UserPublic".to_owned()),
            evidence: Evidence {
                unloaded: None,
                way: Arc::new(way),
                path: "/{user_id}".to_owned(),
                registered: spot("app/api/users.py", 165),
                met,
                handler: None,
            },
            ..Route::default()
        }
    }

    #[test]
    fn a_route_is_told_from_the_application_to_the_handler() {
        insta::assert_snapshot!(page(&route()), @r"
        GET /api/users/{user_id}
        ────────────────────────

        Anonymous callers are turned away, by get_current_user.

        Way
            application               FastAPI                           app/main.py:20
            mount         /api        APIRouter of app/api/main.py:6    app/main.py:33
            mount         /users      APIRouter of app/api/users.py:12  app/api/main.py:9  under a condition
            registration  /{user_id}  GET                               app/api/users.py:165
            handler                   app.api.users.read_user           app/api/users.py:166

        What an anonymous caller meets
            CORSMiddleware      library: fastapi.middleware.cors.CORSMiddleware  lets everybody go on
            audit               app/audit.py:3                                   looks who calls, and lets an anonymous caller go on (only under a condition)
            open_to_all         app/audit.py:9                                   does not stand before this route
            get_current_user    app/deps.py:30                                   turns an anonymous caller away
            limit               library                                          is not reached
            the handler itself  app/api/users.py:166                             is not reached

        Remarks
            It is there only under a condition that could not be decided.
            It answers UserPublic.
        ");
    }

    #[test]
    fn a_route_is_found_by_what_people_write() {
        let routes = [route(), Route { path: "/files/{path*}".to_owned(), ..route() }];
        let found = |topic: &str| {
            let wanted = Wanted::of(topic).expect("it asks for a route");
            pages(&routes, &wanted)
                .map(|text| text.lines().next().unwrap_or_default().to_owned())
                .unwrap_or_else(|error| error.to_string())
        };
        for topic in [
            "GET /api/users/{user_id}",
            "/api/users/{id}/",
            "get /api/users/42?full=1",
            "app/api/users.py:166",
            "users.py:165:4",
        ] {
            assert_eq!(found(topic), "GET /api/users/{user_id}", "{topic}");
        }
        assert_eq!(found("/files/a/b"), "GET /files/{path*}");
        assert_eq!(
            found("POST /api/users/{user_id}"),
            "no route answers POST /api/users/{user_id}; did you mean `/api/users/{user_id}`?"
        );
        assert_eq!(
            found("app/api/users.py:160"),
            "no route at app/api/users.py:160; the nearest is at line 166"
        );
        assert_eq!(Wanted::of("env-literal-fallback"), None);
        assert_eq!(Wanted::of("score"), None);
    }
}
