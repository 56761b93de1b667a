//! What an application serves without a controller of the program.

use super::access::Access;
use super::application::Application;
use super::{Reading, joined};
use crate::eval::text::Text;
use crate::eval::value::{Place, Value};
use crate::inventory::routes::graph::{Graph, Handler, Registration, made_by, path_text};

/// The routes of one configuration of `@loopback/rest-crud`; those that only read come first.
const CRUD: &[(&str, &str)] = &[
    ("GET", ""),
    ("GET", "/count"),
    ("GET", "/{id}"),
    ("POST", ""),
    ("PATCH", ""),
    ("PATCH", "/{id}"),
    ("PUT", "/{id}"),
    ("DELETE", "/{id}"),
];

const CRUD_READS: usize = 3;

impl<'p> Reading<'_, 'p> {
    /// What an application is given without a controller: `route`, `redirect`, a router of Express.
    pub(super) fn registered(
        &self,
        graph: &mut Graph<'p>,
        application: &Application<'p>,
        access: &Access<'p>,
    ) {
        let base = &access.base;
        for (at, method, call) in &application.members {
            graph.at(*at);
            let args = &call.args.positional;
            let conditional = call.conditions > application.call.conditions
                && !self.is_started(application, call);
            match method.as_str() {
                "route" => {
                    let made = args.first().and_then(|first| self.trace.made(first));
                    let args = made.as_ref().map_or(args, |made| &made.args.positional);
                    let Some(verb) = args.first().and_then(Value::as_str) else { continue };
                    let handler = match (args.get(3), args.last().and_then(Value::as_str)) {
                        (Some(Value::Class(class)), Some(name)) => Handler::of_method(class, name),
                        (value, _) => Handler::of(value, call.place),
                    };
                    let path = joined(base, &Text::default(), &path_text(args.get(1)));
                    let methods = (vec![verb.to_ascii_uppercase()], true);
                    let registration = Registration::new(methods, path, handler);
                    graph.route(application.id, Registration { conditional, ..registration });
                }
                "redirect" => {
                    let path = joined(base, &Text::default(), &path_text(args.first()));
                    let handler = Handler::of(None, call.place);
                    let registration =
                        Registration::new((vec!["GET".to_owned()], true), path, handler);
                    graph.route(application.id, Registration { conditional, ..registration });
                }
                "mountExpressRouter" => {
                    let Some(child) = args.get(1).and_then(made_by) else { continue };
                    let prefix = joined(base, &Text::default(), &path_text(args.first()));
                    graph.mount(application.id, child, prefix, conditional);
                }
                _ => {}
            }
        }
        graph.at(application.id);
    }

    /// Routes of models that `@loopback/rest-crud` makes of configurations in files.
    pub(super) fn crud(
        &self,
        graph: &mut Graph<'p>,
        application: &Application<'p>,
        access: &Access<'p>,
    ) {
        let trace = self.trace;
        let found = application.found(trace, "modelApi", "model-endpoints", ".rest-config.js");
        for file in found {
            let Some(config) = trace.default_export(file) else { continue };
            if config.entry("pattern").as_ref().and_then(Value::as_str) != Some("CrudRest") {
                continue;
            }
            let base = config.entry("basePath");
            let base = base.map_or_else(|| Text::hole(""), |base| base.to_text());
            let only_reads = matches!(config.entry("readonly"), Some(Value::Bool(true)));
            let place = config.map_place();
            let place = place.unwrap_or_else(|| Place { file, ..application.call.place });
            let routes = if only_reads { &CRUD[..CRUD_READS] } else { CRUD };
            for (verb, path) in routes {
                let path = joined(&access.base, &base, &Text::literal(path));
                let handler = Handler::of(None, place);
                let registration =
                    Registration::new((vec![(*verb).to_owned()], true), path, handler);
                graph.route(application.id, registration);
            }
        }
    }
}
