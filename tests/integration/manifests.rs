//! Routes that only manifests connect: what lies in other packages of a workspace.

use serde_json::Value;

use crate::cli::{readiness, tree};

/// The routes of a tree, as `GET /path file`.
fn routes(files: &[(&str, &str)]) -> Vec<String> {
    let folder = tree(files);
    let run = readiness(folder.path(), &["routes", "--format", "json"]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    let all: Value = serde_json::from_str(&run.stdout).unwrap();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    all["routes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|route| {
            format!(
                "{} {} {}",
                text(&route["methods"][0]),
                text(&route["path"]),
                text(&route["file"])
            )
        })
        .collect()
}

#[test]
fn a_router_of_another_package_is_mounted() {
    let found = routes(&[
        ("package.json", r#"{"private": true, "workspaces": ["packages/*", "apps/*"]}"#),
        (
            "apps/server/src/main.ts",
            "import express from 'express';\nimport { users } from '@acme/api';\n\
             import { orders } from '@acme/api/orders';\nimport { PREFIX } from '~config';\n\
             const app = express();\napp.use(PREFIX, users);\napp.use('/orders', orders);\n",
        ),
        (
            "apps/server/tsconfig.json",
            "{\n  // where settings are\n  \"compilerOptions\": {\"paths\": {\"~config\": [\"./config/index.ts\"]}},\n}",
        ),
        ("apps/server/config/index.ts", "export const PREFIX = '/users';\n"),
        (
            "packages/api/package.json",
            r#"{"name": "@acme/api", "exports": {".": "./dist/index.js", "./*": "./dist/*.js"}}"#,
        ),
        ("packages/api/src/index.ts", "export * from './users';\n"),
        (
            "packages/api/src/users.ts",
            "import { Router } from 'express';\nexport const users = Router();\n\
             users.get('/:id', (req, res) => res.send());\n",
        ),
        (
            "packages/api/src/orders.ts",
            "import { Router } from 'express';\nexport const orders = Router();\n\
             orders.post('/', (req, res) => res.send());\n",
        ),
    ]);
    assert_eq!(
        found,
        ["POST /orders/ packages/api/src/orders.ts", "GET /users/{id} packages/api/src/users.ts"]
    );
}

#[test]
fn a_broken_manifest_is_said_and_the_rest_is_read() {
    let folder = tree(&[
        ("package.json", "{\"name\": \"shop\",,}"),
        (
            "app.js",
            "const express = require('express');\nexpress().get('/a', (q, s) => s.send());\n",
        ),
    ]);
    let run = readiness(folder.path(), &["audit", "--quiet", "-f", "json"]);
    let audit: Value = serde_json::from_str(&run.stdout).unwrap();
    let entry = &audit["coverage"]["entries"][0];
    assert_eq!(
        (&entry["path"], &entry["reason"]),
        (&"package.json".into(), &"syntax error".into())
    );
    assert_eq!(entry["outcome"], "partly-read");
    assert_eq!(audit["routes"][0]["path"], "/a");
}
