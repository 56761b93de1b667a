//! `readiness routes`

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::options::RunOptions;
use super::{PASSED, run, terminal};
use crate::inventory::routes::Route;

/// List the routes that the code registers, with who may call them.
///
/// A path is shown from the server's root, through blueprints, routers, prefixes and mounts.
/// Parameters are `{name}`, catch-alls `{name*}`; `{}` stands for a part that could not be
/// resolved.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Arguments {
    #[command(flatten)]
    run: RunOptions,
    /// The format.
    #[arg(short, long, value_enum, default_value = "table")]
    format: TableOrJson,
}

const EXAMPLES: &str = "\
Examples:
  readiness routes                      a table
  readiness routes backend -f json      data, the same from version to version
  readiness routes -f json | jq -r '.routes[] | select(.auth.state == \"none\") | .path'";

/// The formats of an inventory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum TableOrJson {
    /// For people.
    Table,
    /// For programs.
    Json,
}

#[derive(Serialize)]
struct Inventory<'a> {
    routes: &'a [Route],
}

impl Arguments {
    pub(super) fn run(&self) -> anyhow::Result<u8> {
        let (root, config) = self.run.load()?;
        let audit = run::audit(root, &config, &|_, _| {})?;
        let text = match self.format {
            TableOrJson::Json => json(&Inventory { routes: &audit.routes })?,
            TableOrJson::Table => table(&audit.routes),
        };
        terminal::report(&text)?;
        for framework in &audit.frameworks_not_assessed {
            let framework = terminal::visible(framework);
            terminal::note(&format!("not read: routes of {framework}, which a manifest names"));
        }
        // The inventory has no gates; what could not be read makes it incomplete all the same.
        Ok(if audit.coverage.incomplete { super::INCOMPLETE } else { PASSED })
    }
}

/// JSON as all commands write it.
pub(super) fn json(value: &impl Serialize) -> anyhow::Result<String> {
    Ok(serde_json::to_string_pretty(value)? + "\n")
}

fn table(routes: &[Route]) -> String {
    if routes.is_empty() {
        return "no routes found\n".to_owned();
    }
    let rows: Vec<_> = routes
        .iter()
        .map(|route| {
            let methods = match route.methods.as_slice() {
                [] => "any".to_owned(),
                methods => methods.join(","),
            };
            let auth = match route.auth.by.as_slice() {
                [] => route.auth.state.to_string(),
                by => format!("{} ({})", route.auth.state, by.join(", ")),
            };
            let handler = route.handler.clone().unwrap_or_else(|| "(anonymous)".to_owned());
            let place = format!("{}:{}", route.file, route.line);
            [methods, route.path.clone(), auth, handler, place]
        })
        .collect();
    terminal::table(["METHODS", "PATH", "AUTH", "HANDLER", "PLACE"], &rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::routes::{Auth, AuthState};

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
            ..Route::default()
        }
    }

    #[test]
    fn a_table_stays_a_table_whatever_a_path_holds() {
        let mut anonymous = route("/evil\u{1b}[2J\n\u{202e}x", &[], &[]);
        anonymous.handler = None;
        let routes = [route("/api/users/{id}", &["GET", "HEAD"], &["login_required"]), anonymous];
        insta::assert_snapshot!(table(&routes), @r"
        METHODS   PATH                      AUTH                       HANDLER             PLACE
        GET,HEAD  /api/users/{id}           required (login_required)  app.users.get_user  app/users.py:12
        any       /evil\u{1b}[2J \u{202e}x  none                       (anonymous)         app/users.py:12
        ");
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
