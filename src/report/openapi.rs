//! The routes as a skeleton of an OpenAPI 3.1 document: paths, methods, parameters and where each
//! operation is implemented. What the code does not declare is left to whoever completes it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::audit::Project;
use crate::inventory::routes::Route;

/// The methods that OpenAPI knows.
const METHODS: &[&str] = &["GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE"];

/// The document. Routes that are not mounted, not resolved or WebSockets have no place in it.
#[must_use]
pub fn document(project: &Project, routes: &[Route]) -> Value {
    let mut paths: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    let mut names = BTreeSet::new();
    for route in routes.iter().filter(|route| route.reachable && route.resolved) {
        let any = ["GET".to_owned()];
        let methods = if route.methods.is_empty() { &any[..] } else { &route.methods[..] };
        for method in methods.iter().filter(|method| METHODS.contains(&method.as_str())) {
            let item = paths.entry(template(&route.path)).or_default();
            item.entry(method.to_ascii_lowercase())
                .or_insert_with(|| operation(route, method, &mut names));
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": project.name,
            "version": project.version.as_deref().unwrap_or("0"),
        },
        "paths": paths,
    })
}

/// `{name*}` as `{name}`; parameters without a name get one.
fn template(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for (at, part) in path.split('{').enumerate() {
        if at == 0 {
            out.push_str(part);
            continue;
        }
        let (name, rest) = part.split_once('}').unwrap_or((part, ""));
        out.push_str(&format!("{{{}}}{rest}", parameter_name(name, at)));
    }
    out
}

fn parameter_name(name: &str, at: usize) -> String {
    match name.trim_end_matches('*') {
        "" => format!("parameter{at}"),
        name => name.to_owned(),
    }
}

fn operation(route: &Route, method: &str, names: &mut BTreeSet<String>) -> Value {
    let mut out = Map::new();
    out.insert("operationId".to_owned(), unique(operation_name(route, method), names).into());
    let parameters: Vec<Value> = route
        .parameters
        .iter()
        .enumerate()
        .map(|(at, parameter)| {
            json!({
                "name": parameter_name(&parameter.name, at + 1),
                "in": "path",
                "required": true,
                "schema": schema(parameter.kind.as_deref()),
            })
        })
        .collect();
    if !parameters.is_empty() {
        out.insert("parameters".to_owned(), parameters.into());
    }
    if let Some(body) = &route.request {
        let content = json!({"application/json": {"schema": {"title": body}}});
        out.insert("requestBody".to_owned(), json!({"content": content}));
    }
    let mut answer = json!({"description": "The answer of the handler."});
    if let Some(kind) = &route.response {
        answer["content"] = json!({"application/json": {"schema": {"title": kind}}});
    }
    let mut responses = json!({"default": answer});
    if route.auth.state == crate::inventory::routes::AuthState::Required {
        responses["401"] = json!({"description": "The caller is not known."});
    }
    out.insert("responses".to_owned(), responses);
    out.insert("x-auth".to_owned(), json!({"state": route.auth.state, "by": route.auth.by}));
    out.insert("x-source".to_owned(), format!("{}:{}", route.file, route.line).into());
    Value::Object(out)
}

/// The last name of the handler, else the method and the fixed parts of the path.
fn operation_name(route: &Route, method: &str) -> String {
    let handler = route.handler.as_deref().and_then(|name| name.rsplit(['.', ':']).next());
    handler.map_or_else(
        || {
            let words: Vec<&str> = route
                .path
                .split(|c: char| !c.is_ascii_alphanumeric())
                .filter(|word| !word.is_empty())
                .collect();
            format!("{}_{}", method.to_ascii_lowercase(), words.join("_"))
        },
        str::to_owned,
    )
}

fn unique(name: String, names: &mut BTreeSet<String>) -> String {
    let mut candidate = name.clone();
    let mut number = 2;
    while !names.insert(candidate.clone()) {
        candidate = format!("{name}_{number}");
        number += 1;
    }
    candidate
}

fn schema(kind: Option<&str>) -> Value {
    match kind {
        Some("int" | "integer" | "u32" | "u64" | "i32" | "i64" | "usize" | "num") => {
            json!({"type": "integer"})
        }
        Some("float" | "number" | "f64" | "f32" | "decimal") => json!({"type": "number"}),
        Some("uuid" | "Uuid") => json!({"type": "string", "format": "uuid"}),
        _ => json!({"type": "string"}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::routes::{Auth, AuthState, Parameter};

    #[test]
    fn a_route_becomes_an_operation() {
        let route = Route {
            methods: vec!["GET".to_owned(), "POST".to_owned()],
            path: "/files/{id}/{rest*}".to_owned(),
            file: "app/files.py".to_owned(),
            line: 12,
            handler: Some("app.files.show".to_owned()),
            auth: Auth { state: AuthState::Required, by: vec!["login_required".to_owned()] },
            resolved: true,
            mounted: true,
            reachable: true,
            parameters: vec![
                Parameter { name: "id".to_owned(), kind: Some("int".to_owned()) },
                Parameter { name: "rest".to_owned(), kind: None },
            ],
            ..Route::default()
        };
        let lost =
            Route { mounted: false, reachable: false, path: "/lost".to_owned(), ..route.clone() };
        let document = document(&Project::default(), &[route, lost]);
        assert_eq!(document["paths"].as_object().map(Map::len), Some(1));
        let item = &document["paths"]["/files/{id}/{rest}"];
        assert_eq!(item["get"]["operationId"], "show");
        assert_eq!(item["post"]["operationId"], "show_2");
        assert_eq!(item["get"]["parameters"][0]["schema"]["type"], "integer");
        assert_eq!(item["get"]["x-source"], "app/files.py:12");
        assert!(item["get"]["responses"]["401"].is_object());
    }
}
