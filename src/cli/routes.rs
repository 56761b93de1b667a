//! `readiness routes`

use std::collections::BTreeMap;

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::listing::{self, Pattern, json, numbered};
use super::options::RunOptions;
use super::{PASSED, run, terminal};
use crate::inventory::routes::{AuthState, Route};
use crate::report::openapi;

/// List the routes that the code registers, with who may call them.
///
/// A path is shown from the server's root, through blueprints, routers, prefixes and mounts.
/// Parameters are `{name}`, catch-alls `{name*}`; `{}` stands for a part that could not be
/// resolved. Who may call a route is found by running its guards on a request that tells nothing
/// of who sent it.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Arguments {
    #[command(flatten)]
    run: RunOptions,
    /// The format.
    #[arg(short, long, value_enum, default_value = "table")]
    format: Format,
    #[command(flatten)]
    filter: Filter,
}

const EXAMPLES: &str = "\
Examples:
  readiness routes                                 a table, by module
  readiness routes --auth none --method POST       what anybody can change
  readiness routes --path '/api/orders/**'         one part
  readiness routes --unresolved                    what the code does not say
  readiness routes backend -f json                 data, the same from version to version
  readiness routes -f openapi > openapi.json       a skeleton of an OpenAPI 3.1 document";

/// The formats of the route inventory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Table,
    /// For programs.
    Json,
    /// A skeleton of an OpenAPI 3.1 document.
    Openapi,
}

/// Which routes are shown.
#[derive(Debug, Default, Args)]
struct Filter {
    /// Show routes that answer one of these methods; `WS` is a WebSocket.
    #[arg(long, value_name = "METHOD", value_delimiter = ',')]
    method: Vec<String>,
    /// Show routes whose path matches a glob, or holds this text.
    #[arg(id = "route_path", long = "path", value_name = "GLOB|TEXT")]
    path: Option<String>,
    /// Show routes with one of these: required, optional, none, unknown.
    #[arg(long, value_name = "STATE", value_delimiter = ',', value_parser = parse_state)]
    auth: Vec<AuthState>,
    /// Show routes whose file matches a glob, or holds this text.
    #[arg(long, value_name = "GLOB|TEXT")]
    file: Option<String>,
    /// Show routes of which a part could not be resolved.
    #[arg(long)]
    unresolved: bool,
}

fn parse_state(text: &str) -> Result<AuthState, String> {
    text.parse()
}

impl Filter {
    fn apply(&self, mut routes: Vec<Route>) -> anyhow::Result<Vec<Route>> {
        let path = self.path.as_deref().map(Pattern::new).transpose()?;
        let file = self.file.as_deref().map(Pattern::new).transpose()?;
        routes.retain(|route| {
            let answers = |method: &String| {
                route.methods.is_empty()
                    || route.methods.iter().any(|known| known.eq_ignore_ascii_case(method))
            };
            (self.method.is_empty() || self.method.iter().any(answers))
                && path.as_ref().is_none_or(|path| path.fits(&route.path))
                && file.as_ref().is_none_or(|file| file.fits(&route.file))
                && (self.auth.is_empty() || self.auth.contains(&route.auth.state))
                && (!self.unresolved || !route.resolved)
        });
        Ok(routes)
    }
}

#[derive(Serialize)]
struct Inventory<'a> {
    routes: &'a [Route],
}

impl Arguments {
    pub(super) fn run(&self) -> anyhow::Result<u8> {
        let (root, config) = self.run.load()?;
        let listing = run::inventory(root, &config, run::Calls::None)?;
        let routes = self.filter.apply(listing.routes)?;
        let text = match self.format {
            Format::Json => json(&Inventory { routes: &routes })?,
            Format::Openapi => json(&openapi::document(&listing.project, &routes))?,
            Format::Table => table(&routes),
        };
        terminal::report(&text)?;
        for framework in &listing.frameworks_not_assessed {
            let framework = terminal::visible(framework);
            terminal::note(&format!("not read: routes of {framework}, which a manifest names"));
        }
        // The inventory has no gates; what could not be read makes it incomplete all the same.
        Ok(if listing.coverage.incomplete { super::INCOMPLETE } else { PASSED })
    }
}

/// The routes by module, with counts by method and by who may call.
fn table(routes: &[Route]) -> String {
    if routes.is_empty() {
        return "no routes found\n".to_owned();
    }
    let states = listing::tally(routes, AuthState::ALL, |route| &route.auth.state);
    listing::by_file(routes, |route| &route.file, counts, row, "module")
        + &format!("auth: {states}\n")
}

/// `5 routes: GET 2, POST 3`; a route of two methods counts for both.
fn counts(routes: &[&Route]) -> String {
    let mut methods: BTreeMap<&str, usize> = BTreeMap::new();
    for route in routes {
        if route.methods.is_empty() {
            *methods.entry("any").or_default() += 1;
        }
        for method in &route.methods {
            *methods.entry(method).or_default() += 1;
        }
    }
    let by_method: Vec<_> =
        methods.iter().map(|(method, count)| format!("{method} {count}")).collect();
    format!("{}: {}", numbered(routes.len(), "route"), by_method.join(", "))
}

fn row(route: &Route) -> [String; 5] {
    let methods = match route.methods.as_slice() {
        [] => "any".to_owned(),
        methods => methods.join(","),
    };
    let auth = match route.auth.by.as_slice() {
        [] => route.auth.state.to_string(),
        by => format!("{} ({})", route.auth.state, by.join(", ")),
    };
    let handler = route.handler.as_deref().unwrap_or("(anonymous)");
    let marks = [
        ("not mounted", !route.mounted),
        ("not loaded", route.mounted && !route.reachable),
        ("conditional", route.conditional),
        ("unresolved", !route.resolved),
        ("stub", route.stub.is_some()),
        ("shadowed", route.shadowed_by.is_some()),
        ("longer paths, too", route.takes_longer),
    ];
    let marks = marks.iter().filter(|(_, set)| *set).map(|(mark, _)| format!("  [{mark}]"));
    let otherwise = route.otherwise.iter().map(|path| format!("  [otherwise {path}]"));
    let marks: String = marks.chain(otherwise).collect();
    let place = format!("line {}{marks}", route.line);
    [methods, route.path.clone(), auth, handler.to_owned(), place]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::routes::Auth;

    fn route(path: &str, methods: &[&str], by: &[&str]) -> Route {
        Route {
            methods: methods.iter().map(|method| (*method).to_owned()).collect(),
            path: path.to_owned(),
            file: "app/users.py".to_owned(),
            line: 12,
            handler: Some("app.users.get_user".to_owned()),
            framework: "flask".to_owned(),
            auth: Auth {
                state: if by.is_empty() { AuthState::None } else { AuthState::Required },
                by: by.iter().map(|name| (*name).to_owned()).collect(),
            },
            resolved: true,
            mounted: true,
            reachable: true,
            ..Route::default()
        }
    }

    #[test]
    fn a_table_stays_a_table_whatever_a_path_holds() {
        let mut anonymous = route("/evil\u{1b}[2J\n\u{202e}x", &[], &[]);
        anonymous.handler = None;
        let elsewhere = Route {
            file: "app/old.py".to_owned(),
            mounted: false,
            reachable: false,
            stub: Some("it does nothing".to_owned()),
            ..route("/old", &["POST"], &[])
        };
        let routes =
            [route("/api/users/{id}", &["GET", "HEAD"], &["login_required"]), anonymous, elsewhere];
        insta::assert_snapshot!(table(&routes), @r"
        app/old.py  1 route: POST 1
          POST  /old  none  app.users.get_user  line 12  [not mounted]  [stub]

        app/users.py  2 routes: GET 1, HEAD 1, any 1
          GET,HEAD  /api/users/{id}           required (login_required)  app.users.get_user  line 12
          any       /evil\u{1b}[2J \u{202e}x  none                       (anonymous)         line 12

        3 routes: GET 1, HEAD 1, POST 1, any 1 in 2 modules
        auth: 1 required, 2 none
        ");
    }

    #[test]
    fn filters_are_joined_by_and() {
        let routes = || {
            vec![
                route("/api/users/{id}", &["GET"], &["login_required"]),
                route("/api/users", &["POST"], &[]),
                Route { resolved: false, ..route("/{}/x", &[], &[]) },
            ]
        };
        let paths = |filter: Filter| -> Vec<String> {
            filter.apply(routes()).unwrap_or_default().into_iter().map(|route| route.path).collect()
        };
        let filter = Filter { method: vec!["post".to_owned()], ..Filter::default() };
        assert_eq!(paths(filter), ["/api/users", "/{}/x"]);
        let filter = Filter { path: Some("/api/users/{*}".to_owned()), ..Filter::default() };
        assert_eq!(paths(filter), ["/api/users/{id}"]);
        let filter = Filter {
            auth: vec![AuthState::None],
            file: Some("users".to_owned()),
            path: Some("api".to_owned()),
            ..Filter::default()
        };
        assert_eq!(paths(filter), ["/api/users"]);
        assert_eq!(paths(Filter { unresolved: true, ..Filter::default() }), ["/{}/x"]);
    }

    #[test]
    fn the_json_keeps_its_contract() {
        let routes = [route("/api/users/{id}", &["GET"], &["login_required"])];
        let text = json(&Inventory { routes: &routes }).unwrap_or_default();
        insta::assert_snapshot!(text, @r#"
        {
          "routes": [
            {
              "methods": [
                "GET"
              ],
              "path": "/api/users/{id}",
              "file": "app/users.py",
              "line": 12,
              "handler": "app.users.get_user",
              "framework": "flask",
              "auth": {
                "state": "required",
                "by": [
                  "login_required"
                ]
              },
              "resolved": true,
              "mounted": true,
              "reachable": true,
              "conditional": false,
              "name": null,
              "parameters": [],
              "request": null,
              "response": null,
              "middleware": [],
              "aliases": [],
              "stub": null,
              "shadowed_by": null
            }
          ]
        }
        "#);
    }
}
