//! Who is permitted what: the policy that decides, and the lists of what is granted that resources
//! have.

use std::rc::Rc;

use crate::eval::interpreter::Trace;
use crate::eval::interpreter::probe::{Caller, Injected, Outside, Question, Told};
use crate::eval::text::Text;
use crate::eval::value::{Args, CallRecord, Closure, Value};
use crate::inventory::routes::AuthState;
use crate::inventory::routes::caller::{Anonymous, values};
use crate::module::StmtKind;

/// The most resources above one that are asked for what they grant.
const MAX_PARENTS: usize = 16;

/// What decides who is permitted what.
#[derive(Debug, Clone, Default)]
pub(super) struct Policy<'p> {
    /// The one policy of Pyramid 2.
    pub(super) security: Option<Value<'p>>,
    /// What finds out who calls, before Pyramid 2.
    pub(super) authentication: Option<Value<'p>>,
    /// What decides on it, before Pyramid 2.
    pub(super) authorization: Option<Value<'p>>,
}

/// What is known of the request that a permission is asked for.
#[derive(Debug, Clone)]
pub(super) struct Requested {
    /// Its method, where it is the only one.
    pub(super) method: Option<String>,
    /// Its path.
    pub(super) path: Text,
    /// The name of its route.
    pub(super) route: Option<String>,
}

/// Whether a permission says that none is needed.
fn is_free(permission: &Value<'_>) -> bool {
    match permission {
        Value::None => true,
        Value::External(path) => last(path) == "NO_PERMISSION_REQUIRED",
        Value::Text(text) => text.as_literal() == Some("__no_permission_required__"),
        _ => false,
    }
}

fn last(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}

impl<'p> Policy<'p> {
    /// What a permission on a resource asks of an anonymous caller. Without any policy in sight
    /// nobody knows.
    pub(super) fn asks(
        &self,
        trace: &Trace<'p>,
        request: &Requested,
        context: &Value<'p>,
        permission: &Value<'p>,
    ) -> AuthState {
        let permissions = permission.alternatives();
        let each = permissions.iter().map(|one| self.permits(trace, request, context, one));
        let permitted: Vec<Option<bool>> = each.collect();
        let all = |truth: bool| permitted.iter().all(|one| *one == Some(truth));
        if all(true) {
            AuthState::None
        } else if all(false) {
            AuthState::Required
        } else {
            AuthState::Unknown
        }
    }

    fn permits(
        &self,
        trace: &Trace<'p>,
        request: &Requested,
        context: &Value<'p>,
        permission: &Value<'p>,
    ) -> Option<bool> {
        if is_free(permission) {
            return Some(true);
        }
        let granted = grants(trace, context, permission);
        let everyone = Value::list(vec![Value::External("pyramid.authorization.Everyone".into())]);
        let (policy, args) = match (&self.security, &self.authorization) {
            (Some(policy), _) => {
                (policy, vec![values::request(), context.clone(), permission.clone()])
            }
            (None, Some(policy)) => {
                if trace.made(policy).is_some_and(|made| is_of_acl(&made)) {
                    return granted;
                }
                (policy, vec![context.clone(), everyone, permission.clone()])
            }
            // That is what decides where nothing else is given.
            (None, None) => return granted.filter(|_| self.authentication.is_some()),
        };
        let Value::Object(object) = policy else { return None };
        object.class.attribute("permits")?;
        let caller = Permitting {
            anonymous: Anonymous {
                method: request.method.clone(),
                path: request.path.clone(),
                endpoint: request.route.clone(),
                is_layer: true,
                ..Anonymous::default()
            },
            granted,
        };
        let question = Question::new(trace.attribute(policy, "permits"), Args::of(args));
        let seen = trace.ask(Rc::new(caller), &question);
        if seen.cut {
            return None;
        }
        let answers: Vec<_> = seen.returned.iter().map(|value| truth(trace, value)).collect();
        let first = answers.first().copied().flatten();
        first.filter(|_| answers.iter().all(|answer| *answer == first))
    }
}

/// Whether a call made something that decides by what resources grant.
fn is_of_acl(made: &CallRecord<'_>) -> bool {
    made.path().is_some_and(|path| {
        path.starts_with("pyramid.") && matches!(last(path), "ACLAuthorizationPolicy" | "ACLHelper")
    })
}

/// Whether an answer of a policy permits.
fn truth<'p>(trace: &Trace<'p>, value: &Value<'p>) -> Option<bool> {
    let by_name = |path: &str| match last(path) {
        name if name.ends_with("Allowed") => Some(true),
        name if name.ends_with("Denied") => Some(false),
        _ => None,
    };
    match value {
        Value::Native(_) => by_name(trace.made(value)?.path()?),
        Value::Object(object) => object.class.ancestry().1.iter().find_map(|path| by_name(path)),
        other => other.truth(),
    }
}

/// A caller of whom nothing is known, and what the resource in question grants to everyone.
#[derive(Debug)]
struct Permitting {
    anonymous: Anonymous,
    granted: Option<bool>,
}

impl<'p> Caller<'p> for Permitting {
    fn attribute(&self, path: &str, name: &str) -> Option<Told<'p>> {
        self.anonymous.attribute(path, name)
    }

    fn call(&self, call: &Outside<'_, 'p>) -> Option<Told<'p>> {
        let is_asked = call.path.starts_with("pyramid.") && call.path.ends_with("().permits");
        if is_asked && call.maker.is_some_and(is_of_acl) {
            return Some(Told::Value(self.granted.map_or(Value::Unknown, Value::Bool)));
        }
        // What it caches is made once for each request.
        if call.path == "pyramid.request.RequestLocalCache().get_or_create" {
            return Some(Told::CallsBack(vec![values::request()]));
        }
        self.anonymous.call(call)
    }

    /// Nobody is what a policy finds of a caller of whom nothing is known.
    fn function(&self, closure: &Closure<'p>) -> Option<Told<'p>> {
        let finds = matches!(
            closure.function.name.as_deref(),
            Some("identity" | "authenticated_userid" | "unauthenticated_userid")
        );
        let class = closure.class.as_ref().filter(|_| finds)?;
        let is_policy = ["permits", "remember", "forget"]
            .iter()
            .any(|name| matches!(class.attribute(name), Some((Value::Function(_), _))));
        is_policy.then_some(Told::Identity(Value::Absent))
    }

    fn assigned(&self, path: &str, name: &str, value: &Value<'p>) -> Option<Told<'p>> {
        self.anonymous.assigned(path, name, value)
    }

    fn inject(
        &self,
        name: &str,
        annotation: Option<&Value<'p>>,
        default: Option<&Value<'p>>,
        record: &dyn Fn(&Value<'p>) -> Option<Rc<CallRecord<'p>>>,
    ) -> Option<Injected<'p>> {
        self.anonymous.inject(name, annotation, default, record)
    }

    fn refuses_method(
        &self,
        value: &Value<'p>,
        record: &dyn Fn(&Value<'p>) -> Option<Rc<CallRecord<'p>>>,
    ) -> bool {
        self.anonymous.refuses_method(value, record)
    }

    fn asks_who(
        &self,
        value: &Value<'p>,
        record: &dyn Fn(&Value<'p>) -> Option<Rc<CallRecord<'p>>>,
    ) -> bool {
        self.anonymous.asks_who(value, record)
    }

    fn denies(
        &self,
        value: &Value<'p>,
        record: &dyn Fn(&Value<'p>) -> Option<Rc<CallRecord<'p>>>,
    ) -> bool {
        self.anonymous.denies(value, record)
    }
}

/// Whether a resource and those above it grant a permission to everyone; `None` where that is not
/// known.
fn grants<'p>(trace: &Trace<'p>, context: &Value<'p>, permission: &Value<'p>) -> Option<bool> {
    let mut at = context.clone();
    for _ in 0..MAX_PARENTS {
        match &at {
            Value::Object(object) => {
                let (_, externals) = object.class.ancestry();
                let own = object.fields.borrow().get("__acl__").cloned();
                let found = own.or_else(|| Some(object.class.attribute("__acl__")?.0));
                match found {
                    Some(found) => {
                        let (list, is_plain) = listed(trace, &at, found);
                        match listed_grant(&list?, permission) {
                            Listed::Silent => {}
                            Listed::Unknown => return None,
                            // Who else is on the list may hang on the resource.
                            Listed::Grants => return is_plain.then_some(true),
                            Listed::Refuses => return is_plain.then_some(false),
                        }
                    }
                    None if externals.is_empty() => {}
                    None => {
                        return externals.iter().all(|path| is_plain_base(path)).then_some(false);
                    }
                }
                let parent = object.fields.borrow().get("__parent__").cloned();
                at = parent
                    .or_else(|| Some(object.class.attribute("__parent__")?.0))
                    .unwrap_or(Value::None);
            }
            Value::None => return Some(false),
            _ => return None,
        }
    }
    None
}

/// Whether a base outside the program grants nothing to anybody.
fn is_plain_base(path: &str) -> bool {
    matches!(path, "object" | "dict" | "abc.ABC" | "typing.Generic")
        || path.starts_with("sqlalchemy.")
}

/// What a resource grants, and whether that is the same for all of its kind.
fn listed<'p>(
    trace: &Trace<'p>,
    resource: &Value<'p>,
    found: Value<'p>,
) -> (Option<Vec<Value<'p>>>, bool) {
    match &found {
        Value::Function(closure) => {
            let branches = closure
                .function
                .body
                .iter()
                .any(|stmt| matches!(stmt.kind, StmtKind::If { .. } | StmtKind::Loop { .. }));
            let value = trace.attribute(resource, "__acl__");
            // A property is its value already.
            let value = match &value {
                Value::Function(_) => trace.call_with(&value, Args::default()),
                value => value.clone(),
            };
            (value.items(), !branches)
        }
        other => (other.items(), true),
    }
}

enum Listed {
    Grants,
    Refuses,
    Silent,
    Unknown,
}

/// What the first entry of a list says that is about everyone and a permission.
fn listed_grant<'p>(list: &[Value<'p>], permission: &Value<'p>) -> Listed {
    for entry in list {
        if let Value::External(path) = entry
            && last(path) == "DENY_ALL"
        {
            return Listed::Refuses;
        }
        let Some(parts) = entry.items() else { return Listed::Unknown };
        let [action, principal, permissions] = parts.as_slice() else { return Listed::Unknown };
        match (is_everyone(principal), meets(permissions, permission)) {
            (Some(false), _) | (_, Some(false)) => {}
            (Some(true), Some(true)) => {
                return match action {
                    Value::External(path) if last(path) == "Allow" => Listed::Grants,
                    Value::External(path) if last(path) == "Deny" => Listed::Refuses,
                    Value::Text(text) if text.as_literal() == Some("Allow") => Listed::Grants,
                    Value::Text(text) if text.as_literal() == Some("Deny") => Listed::Refuses,
                    _ => Listed::Unknown,
                };
            }
            _ => return Listed::Unknown,
        }
    }
    Listed::Silent
}

fn is_everyone(principal: &Value<'_>) -> Option<bool> {
    match principal {
        Value::External(path) if path.starts_with("pyramid.") => Some(last(path) == "Everyone"),
        Value::Text(text) => match text.as_literal() {
            Some(text) => Some(text == "system.Everyone"),
            None => text.starts_with("system.Everyone").filter(|begins| !begins),
        },
        Value::Number(_) => Some(false),
        _ => None,
    }
}

/// Whether one of the permissions that an entry is about is the one that is asked for.
fn meets<'p>(listed: &Value<'p>, permission: &Value<'p>) -> Option<bool> {
    if let Some(items) = listed.items() {
        let each: Vec<_> = items.iter().map(|one| meets(one, permission)).collect();
        return match (each.contains(&Some(true)), each.contains(&None)) {
            (true, _) => Some(true),
            (false, true) => None,
            (false, false) => Some(false),
        };
    }
    match (listed, permission) {
        (Value::External(path), _) if last(path) == "ALL_PERMISSIONS" => Some(true),
        (Value::Text(one), Value::Text(other)) => one.equals(other),
        (Value::Unknown, _) | (_, Value::Unknown) => None,
        (one, other) => Some(one.is_same(other)),
    }
}
