//! finale-rest and epilogue: routes that an Express application gets for each database model.

use super::{Framework, Matching, SCRIPTS};
use crate::eval::interpreter::Trace;
use crate::eval::value::{CallRecord, Value};
use crate::inventory::routes::graph::{Graph, Handler, Registration, made_by};
use crate::inventory::routes::pattern;

/// finale-rest.
pub(super) const FINALE: Framework = Framework {
    name: "finale",
    languages: SCRIPTS,
    packages: &["finale-rest", "epilogue", "epilogue-js"],
    needs: &["finale-rest", "epilogue"],
    fixtures: &[],
    matching: Matching::Chain,
    has_user_object: false,
    read,
    path: pattern::colons,
};

/// What a resource answers at its collection and at one of its items.
const ACTIONS: &[(&str, &str, usize)] = &[
    ("create", "POST", 0),
    ("list", "GET", 0),
    ("read", "GET", 1),
    ("update", "PUT", 1),
    ("delete", "DELETE", 1),
];

fn read<'p>(trace: &Trace<'p>, graph: &mut Graph<'p>) {
    let mut app = None;
    let mut base = String::new();
    for (id, call) in trace.records() {
        graph.at(id);
        let Some((package, function)) = call.path().and_then(|path| path.rsplit_once('.')) else {
            continue;
        };
        if !FINALE.packages.contains(&package) {
            continue;
        }
        let options = call.args.positional.first();
        match function {
            "initialize" => {
                app = options.and_then(|options| options.entry("app")).as_ref().and_then(made_by);
                base = options
                    .and_then(|options| options.entry("base"))
                    .and_then(|base| base.as_str().map(str::to_owned))
                    .unwrap_or_default();
            }
            "resource" => {
                if let (Some(app), Some(options)) = (app, options) {
                    for registration in registrations(options, &base, call) {
                        graph.route(app, registration);
                    }
                }
            }
            _ => {}
        }
    }
}

fn registrations<'p>(
    options: &Value<'p>,
    base: &str,
    call: &CallRecord<'p>,
) -> Vec<Registration<'p>> {
    let endpoints = options.entry("endpoints").and_then(|value| value.items()).unwrap_or_default();
    let chosen = options.entry("actions").and_then(|value| value.items());
    ACTIONS
        .iter()
        .filter(|(action, ..)| {
            chosen
                .as_ref()
                .is_none_or(|chosen| chosen.iter().any(|value| value.as_str() == Some(action)))
        })
        .filter_map(|(_, method, endpoint)| {
            let mut path = crate::eval::text::Text::literal(base);
            path.push(&endpoints.get(*endpoint)?.to_text());
            let methods = (vec![(*method).to_owned()], true);
            let handler = Handler::of(None, call.place);
            Some(Registration {
                conditional: call.conditional,
                ..Registration::new(methods, path, handler)
            })
        })
        .collect()
}
