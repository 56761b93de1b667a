//! LoopBack 4: controllers that an application is given or finds in its folders when it boots, with
//! what their decorators say of paths and of who may call.

mod access;
mod application;
mod controllers;
mod registered;

use std::collections::BTreeSet;
use std::rc::Rc;

use super::{Framework, Matching, SCRIPTS, scripts};
use crate::eval::interpreter::Trace;
use crate::eval::text::Text;
use crate::eval::value::{CallRecord, ClassValue, Value};
use crate::inventory::routes::decorations::Decorations;
use crate::inventory::routes::graph::{Graph, name_of};
use crate::inventory::routes::pattern;
use access::Access;
use application::{Application, Installed, applications};

/// LoopBack 4.
pub(super) const LOOPBACK: Framework = Framework {
    name: NAME,
    languages: SCRIPTS,
    packages: &["@loopback/rest"],
    needs: &["@loopback/", ".boot()"],
    fixtures: &["loopback"],
    matching: Matching::Specific,
    has_user_object: false,
    read,
    path: pattern::braces,
};

const NAME: &str = "loopback";

struct Reading<'t, 'p> {
    trace: &'t Trace<'p>,
    decorations: Decorations<'p>,
}

fn read<'p>(trace: &Trace<'p>, graph: &mut Graph<'p>) {
    let reading = Reading { trace, decorations: Decorations::of(trace) };
    let mut reached = BTreeSet::new();
    for application in applications(trace) {
        reading.serve(graph, &application, &mut reached);
    }
    for class in trace.classes.iter() {
        if !reached.contains(&key(class)) && reading.is_controller(class) {
            let id = graph.add_uncalled(NAME, Text::default());
            let access = Access {
                authentication: Installed::No,
                authorization: Installed::No,
                default: None,
                authorizers: Vec::new(),
                base: Text::default(),
            };
            reading.controller(graph, id, &access, class, false);
        }
    }
}

fn key(class: &Rc<ClassValue<'_>>) -> usize {
    Rc::as_ptr(class) as usize
}

/// An entry of an entry.
fn entry_of<'p>(value: Option<&Value<'p>>, names: &[&str]) -> Option<Value<'p>> {
    let mut at = value?.clone();
    for name in names {
        at = at.entry(name)?;
    }
    Some(at)
}

/// One path after another, without a slash at its end.
fn joined(base: &Text, class: &Text, path: &Text) -> Text {
    scripts::below(&[base.clone(), class.clone(), path.clone()])
}

impl<'p> Reading<'_, 'p> {
    fn serve(
        &self,
        graph: &mut Graph<'p>,
        application: &Application<'p>,
        reached: &mut BTreeSet<usize>,
    ) {
        let trace = self.trace;
        let id = application.id;
        graph.at(id);
        graph.add(id, NAME, Text::default());
        graph.serves(id);
        let access = self.access(application);
        let mut controllers: Vec<(Rc<ClassValue<'p>>, bool)> = Vec::new();
        for file in application.found(trace, "controllers", "controllers", ".controller.js") {
            for class in trace.classes.iter().filter(|class| class.env.file == file) {
                let name = name_of(trace, &Value::Class(Rc::clone(class)));
                let exported = trace.exported(file, &name);
                if matches!(exported, Some(Value::Class(known)) if Rc::ptr_eq(&known, class)) {
                    controllers.push((Rc::clone(class), false));
                }
            }
        }
        for call in application.calls("controller") {
            let Some(first) = call.args.positional.first() else { continue };
            let conditional = call.conditions > application.call.conditions;
            let is_within = application.class.is_some() && call.conditional && conditional;
            for value in first.alternatives() {
                if let Value::Class(class) = value {
                    controllers.push((class, is_within && !self.is_started(application, call)));
                }
            }
        }
        let mut known = BTreeSet::new();
        for (class, conditional) in controllers {
            reached.extend(class.lineage().0.iter().map(key));
            if known.insert(key(&class)) {
                self.controller(graph, id, &access, &class, conditional);
            }
        }
        self.registered(graph, application, &access);
        if application
            .components()
            .iter()
            .any(|it| matches!(it, Value::External(path) if path.ends_with(".CrudRestComponent")))
        {
            self.crud(graph, application, &access);
        }
    }

    /// Whether a call stands in another file than the application, in what starts it: being the
    /// program that was started is no condition.
    fn is_started(&self, application: &Application<'p>, call: &CallRecord<'p>) -> bool {
        application.class.as_ref().is_some_and(|class| class.env.file != call.place.file)
    }
}
