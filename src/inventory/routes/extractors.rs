//! What the frameworks of Rust give to the parameters of a handler, by their types: the request
//! and its parts, and what the program's own extractors make of it. An extractor that refuses a
//! caller stands before the handler like a guard.

use std::rc::Rc;

use super::AuthState;
use super::caller::{is_credential, values};
use super::graph::{Layer, LayerKind, name_of};
use crate::eval::interpreter::Trace;
use crate::eval::interpreter::probe::{Errors, Injected, Told};
use crate::eval::value::{Args, ClassValue, Closure, Value};
use crate::module::path::last_name;
use crate::module::{Expr, ExprKind, Stmt, StmtKind};

/// Methods by which a type is made of a request.
const METHODS: &[&str] = &["from_request_parts", "from_request", "from_parts", "extract"];

/// Types of libraries that refuse a request without credentials.
const REFUSING: &[&str] =
    &["BearerAuth", "BasicAuth", "Identity", "DigestAuth", "AuthBearer", "AuthBasic", "JwtClaims"];

/// Called, it refuses the caller.
pub const REFUSAL: &str = "caller.refusing";

/// What a type of a parameter means.
enum Meaning<'p> {
    /// The program makes it of the request.
    Extractor(Value<'p>, Errors),
    /// Each of its fields is one.
    Fields(Rc<ClassValue<'p>>, Errors),
    /// A library makes it of credentials.
    Credentials(String, Errors),
    /// A library makes it of credentials, and of nothing where there are none.
    Either(String),
    /// What a middleware has left about the caller.
    Left(String, Errors),
    /// A part of the request.
    Part(Value<'p>),
}

/// What a parameter gets by its type.
#[must_use]
pub fn injected<'p>(annotation: &Value<'p>) -> Option<Injected<'p>> {
    Some(match meaning(annotation, Errors::Refuse, 0)? {
        Meaning::Extractor(method, errors) => Injected::Extracted(method, errors),
        Meaning::Fields(class, errors) => Injected::Fields(class, errors),
        Meaning::Credentials(_, errors) => {
            Injected::Extracted(Value::External(REFUSAL.into()), errors)
        }
        Meaning::Either(_) => Injected::Told(Told::Identity(Value::Unknown)),
        Meaning::Left(_, Errors::Nothing) => Injected::Told(Told::Identity(Value::Absent)),
        Meaning::Left(_, Errors::Given) => {
            Injected::Extracted(Value::External(REFUSAL.into()), Errors::Given)
        }
        Meaning::Left(_, Errors::Refuse) => return None,
        Meaning::Part(value) => Injected::Told(Told::Value(value)),
    })
}

/// The extractors among the parameters of a function, in order.
#[must_use]
pub fn layers<'p>(trace: &Trace<'p>, function: &Closure<'p>) -> Vec<Layer<'p>> {
    let mut out = Vec::new();
    for param in &function.function.params {
        if let Some(annotation) = &param.annotation {
            let of = trace.type_in(function, annotation);
            out.extend(of_type(trace, &of, 0));
        }
    }
    out
}

/// The layers that a type of a parameter stands for; what never refuses is none.
#[must_use]
pub fn of_type<'p>(trace: &Trace<'p>, of: &Value<'p>, depth: usize) -> Vec<Layer<'p>> {
    let named = |class: &Value<'p>| match class {
        Value::Annotated(annotated) => name_of(trace, &annotated.0),
        other => name_of(trace, other),
    };
    match meaning(of, Errors::Refuse, 0) {
        Some(Meaning::Extractor(method, Errors::Refuse)) => {
            let args = Args { open: true, ..Args::default() };
            let mut layer = Layer::new(trace, LayerKind::Dependency, method, args);
            layer.name = named(of);
            vec![layer]
        }
        Some(Meaning::Fields(class, Errors::Refuse)) if depth < 4 => fields(&class)
            .flat_map(|annotation| {
                let of = trace.value_of_type(&class.env, annotation);
                of_type(trace, &of, depth + 1)
            })
            .collect(),
        Some(Meaning::Credentials(name, Errors::Refuse)) => {
            vec![Layer::decided(AuthState::Required, &name)]
        }
        Some(Meaning::Either(name)) => vec![Layer::decided(AuthState::Optional, &name)],
        Some(Meaning::Left(name, Errors::Refuse)) => {
            vec![Layer::decided(AuthState::Unknown, &name)]
        }
        _ => Vec::new(),
    }
}

/// Whether a function makes a type of a request that a library makes of credentials.
#[must_use]
pub fn needs_credentials(path: &str) -> bool {
    let mut names = path.rsplit("::");
    let (method, of) = (names.next().unwrap_or(""), names.next().unwrap_or(""));
    METHODS.contains(&method) && (REFUSING.contains(&of) || of == "TypedHeader")
}

/// The types of a struct's fields.
pub fn fields<'p>(
    class: &ClassValue<'p>,
) -> impl Iterator<Item = &'p crate::module::Expr> + use<'p> {
    class.class.body.iter().filter_map(|stmt| match &stmt.kind {
        StmtKind::Bind(bind) => bind.annotation.as_ref(),
        _ => None,
    })
}

fn meaning<'p>(of: &Value<'p>, errors: Errors, depth: usize) -> Option<Meaning<'p>> {
    if depth > 6 {
        return None;
    }
    match of {
        Value::Annotated(annotated) => {
            let (of, with) = (&annotated.0, &annotated.1);
            match last(of) {
                "Option" => meaning(with.first()?, Errors::Nothing, depth + 1),
                "Result" => meaning(with.first()?, Errors::Given, depth + 1),
                name if matches!(of, Value::External(_)) => of_library(name, with, errors),
                _ => meaning(of, errors, depth + 1),
            }
        }
        Value::External(path) => of_library(path.rsplit("::").next().unwrap_or(path), &[], errors),
        Value::Class(class) => {
            let optional = (errors == Errors::Nothing)
                .then(|| METHODS.iter().find_map(|method| second(class, method)))
                .flatten();
            if let Some(method) = optional {
                return Some(Meaning::Extractor(method, Errors::Refuse));
            }
            let method = METHODS.iter().find_map(|method| class.attribute(method));
            if let Some((method @ Value::Function(_), _)) = method {
                return Some(Meaning::Extractor(method, errors));
            }
            match derived(class) {
                Some(Derived::Fields) => Some(Meaning::Fields(Rc::clone(class), errors)),
                Some(Derived::Credentials) => {
                    let name = class.class.name.as_deref().unwrap_or("").to_owned();
                    Some(Meaning::Credentials(name, errors))
                }
                Some(Derived::Either) => {
                    let name = class.class.name.as_deref().unwrap_or("").to_owned();
                    Some(Meaning::Either(name))
                }
                None => None,
            }
        }
        _ => None,
    }
}

/// `OptionalFromRequestParts::from_request_parts`.
fn second<'p>(class: &Rc<ClassValue<'p>>, method: &str) -> Option<Value<'p>> {
    let vars = class.env.vars.borrow();
    let found = vars
        .iter()
        .find(|(name, _)| name.starts_with("Optional") && name.ends_with(&format!("::{method}")));
    found.map(|(_, value)| value.clone())
}

/// How a type is made of a request that derives it.
enum Derived {
    /// Of its fields.
    Fields,
    /// Of credentials.
    Credentials,
    /// Of credentials, or of nothing where there are none.
    Either,
}

fn derived(class: &ClassValue<'_>) -> Option<Derived> {
    let derives = |wanted: &[&str]| {
        class.class.decorators.iter().any(|decorator| match &decorator.kind {
            ExprKind::Call(call) if last_name(&call.callee) == Some("derive") => {
                let mut names = call.args.iter().filter_map(|arg| last_name(&arg.value));
                names.any(|name| wanted.contains(&name))
            }
            _ => false,
        })
    };
    if derives(&["FromRequestParts", "FromRequest"]) {
        return Some(Derived::Fields);
    }
    let falls_back = |stmt: &Stmt| match &stmt.kind {
        StmtKind::Expr(Expr { kind: ExprKind::Call(call), .. }) => {
            call.args.iter().any(|arg| last_name(&arg.value) == Some("fallback"))
        }
        _ => false,
    };
    derives(&["SecurityScheme"]).then(|| match class.class.body.iter().any(falls_back) {
        true => Derived::Either,
        false => Derived::Credentials,
    })
}

fn last<'v>(value: &'v Value<'_>) -> &'v str {
    match value {
        Value::External(path) => path.rsplit("::").next().unwrap_or(path),
        _ => "",
    }
}

fn of_library<'p>(name: &str, with: &[Value<'p>], errors: Errors) -> Option<Meaning<'p>> {
    let inner = || match with.first() {
        Some(Value::Annotated(annotated)) => type_name(&annotated.0),
        Some(other) => type_name(other),
        None => String::new(),
    };
    let part = |path: &str| Some(Meaning::Part(Value::External(path.into())));
    match name {
        "Request" | "HttpRequest" | "ServiceRequest" | "Parts" | "RequestParts" | "RequestHead" => {
            Some(Meaning::Part(values::request()))
        }
        "HeaderMap" | "Headers" => part("caller.request.headers"),
        "CookieJar" | "PrivateCookieJar" | "SignedCookieJar" | "Cookies" => {
            part("caller.request.cookies")
        }
        "Session" => part("caller.request.session"),
        "AuthSession" => part("caller.request.auth_session"),
        "Method" => part("caller.request.method"),
        "Uri" | "OriginalUri" | "Origin" => part("caller.request.uri"),
        "Next" => Some(Meaning::Part(values::next())),
        "FlowCtrl" => part("caller.flow"),
        "Depot" => part("caller.request.state"),
        "Response" => Some(Meaning::Part(values::response())),
        "TypedHeader" | "Header" => match inner().as_str() {
            held @ ("Authorization" | "Cookie" | "ProxyAuthorization") => {
                Some(Meaning::Credentials(format!("TypedHeader<{held}>"), errors))
            }
            _ => None,
        },
        "Extension" | "ReqData" => {
            let held = inner();
            match kept(&held) {
                Kept::Identity => Some(Meaning::Left(format!("{name}<{held}>"), errors)),
                Kept::Session => part("caller.request.session"),
                Kept::Other => None,
            }
        }
        _ if REFUSING.contains(&name) => Some(Meaning::Credentials(name.to_owned(), errors)),
        _ => None,
    }
}

/// The name of a type.
#[must_use]
pub fn type_name(value: &Value<'_>) -> String {
    match value {
        Value::Class(class) => class.class.name.as_deref().unwrap_or("").to_owned(),
        Value::External(path) => path.rsplit("::").next().unwrap_or(path).to_owned(),
        Value::Annotated(annotated) => type_name(&annotated.0),
        _ => String::new(),
    }
}

/// What is kept with a request under a type: who calls, a session in which that may be, or
/// something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// What is known of the caller.
    Identity,
    /// What holds such things by key.
    Session,
    /// Anything else.
    Other,
}

/// What a type is for that is kept with a request, by its name.
#[must_use]
pub fn kept(name: &str) -> Kept {
    let of_user = ["User", "Auth", "Login", "Account", "Member"].iter().any(|of| name.contains(of));
    if name.starts_with("Session") && !of_user && !name.ends_with("User") {
        Kept::Session
    } else if is_identity(name) {
        Kept::Identity
    } else {
        Kept::Other
    }
}

/// Whether a type that is kept with a request is named like what is known of a caller, and not
/// like what serves to know them.
#[must_use]
pub fn is_identity(name: &str) -> bool {
    const SERVES: &[&str] = &[
        "Service",
        "Config",
        "State",
        "Store",
        "Repo",
        "Repository",
        "Client",
        "Manager",
        "Provider",
        "Settings",
        "Pool",
        "Layer",
        "Key",
        "Keys",
        "Backend",
        "Validator",
        "Context",
        "Cache",
        "Handler",
        "Queue",
        "Limiter",
        "Api",
        "Info",
    ];
    let words = ["Viewer", "Principal", "Claims", "Actor", "Person"];
    (is_credential(name) || words.iter().any(|word| name.contains(word)))
        && !SERVES.iter().any(|end| name.ends_with(end))
}
