//! Patterns that no site includes.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::ninja::Ninja;
use super::patterns::{Met, Walk, Way, is_include, pattern_syntax};
use super::routers::Registry;
use super::{NAME, python};
use crate::eval::interpreter::Trace;
use crate::eval::text::Text;
use crate::eval::value::{CallRecord, FileId, Value};
use crate::inventory::routes::graph::Graph;

/// Modules of patterns that nobody includes, and patterns in no list that is included. Without
/// settings, such modules are where the routes begin.
pub(super) fn read<'p>(
    trace: &Trace<'p>,
    graph: &mut Graph<'p>,
    registry: &Rc<Registry>,
    ninja: &Rc<Ninja>,
    met: Met,
    settings: Option<FileId>,
) {
    let named = named(trace);
    let router = if settings.is_none() {
        graph.add_application_of_files(NAME, Text::default())
    } else {
        graph.add_uncalled(NAME, Text::default())
    };
    let mut walk = Walk::new(trace, graph, router, registry, ninja, met);
    walk.settings = settings;
    for file in python(trace) {
        let has_patterns = trace.module(file).vars.borrow().contains_key("urlpatterns");
        let is_met = walk.met.modules.contains(&file) || named.contains(&file);
        if has_patterns && !is_met && !walk.has_met(file) {
            walk.module(file, &Way::start(), 0);
        }
    }
    let met = walk.met;
    let router = graph.add_uncalled(NAME, Text::default());
    let mut walk = Walk::new(trace, graph, router, registry, ninja, met);
    walk.settings = settings;
    let records: Vec<_> = trace
        .records()
        .filter(|(id, record)| trace.is_called(*id) && is_pattern(record))
        .map(|(id, _)| id)
        .collect();
    // What includes others is made after them.
    for id in records.into_iter().rev() {
        let value = Value::Native(id);
        if trace.made(&value).is_some_and(|record| !walk.met.patterns.contains(&record.place)) {
            walk.patterns(&value, &Way::start(), 0);
        }
    }
    walk.unmounted_ninja();
    for router in registry.routers() {
        if !walk.met.routers.contains(&router) {
            walk.router(&registry.object(trace, router), &Way::start());
        }
    }
}

fn is_pattern(record: &CallRecord<'_>) -> bool {
    record.path().is_some_and(|path| pattern_syntax(path).is_some())
        && record.args.positional.first().is_some_and(|route| route.as_str().is_some())
}

/// The modules that some `include` means, on whatever way.
fn named(trace: &Trace<'_>) -> BTreeSet<FileId> {
    let mut out = BTreeSet::new();
    for (_, record) in trace.records() {
        if !record.path().is_some_and(is_include) {
            continue;
        }
        let target = record.args.get(0, "arg").map(Value::alternatives).unwrap_or_default();
        for target in target {
            match target {
                Value::Module(file) => {
                    out.insert(file);
                }
                Value::Text(text) => {
                    if let Some(name) = text.as_literal()
                        && let Some(Value::Module(file)) = trace.dotted(record.place.file, name)
                    {
                        out.insert(file);
                    }
                }
                _ => {}
            }
        }
    }
    out
}
