//! The contract between the parts of a program: which routes its calls reach, which routes nobody
//! calls, and what does not fit between the two, by cause.
//!
//! [`usage`] tells who calls each route, [`clusters`] joins what has one cause, [`pages`] finds
//! what a user sees of it.

pub mod clusters;
pub mod mention;
pub mod pages;
pub mod tables;
pub mod usage;
pub mod within;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::calls::{Call, Step};
use super::routes::Route;
use crate::finding::scale;

/// What the calls of a program and its routes have to do with each other.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Contract {
    /// The routes that serve callers, by path and method, each with who calls it.
    pub routes: Vec<Served>,
    /// What does not fit, by cause; the one with most calls first.
    pub clusters: Vec<Cluster>,
}

impl Contract {
    /// Of what was found in a program. `pages` are those that reach the places of calls that do
    /// not fit.
    #[must_use]
    pub fn of(
        routes: &[Route],
        calls: &[Call],
        said: &usage::Said<'_>,
        pages: &BTreeMap<Step, Vec<Page>>,
    ) -> Self {
        Self {
            routes: usage::of(routes, calls, said),
            clusters: clusters::of(routes, calls, pages),
        }
    }
}

scale! {
    /// Who calls a route, the first that holds.
    Usage {
        /// A page or another part of the frontend.
        Frontend = "frontend",
        /// A program that runs on a server.
        Server = "server",
        /// Somebody outside the tree: the reason is told.
        Elsewhere = "elsewhere",
        /// Tests and load scripts alone.
        Tests = "tests",
        /// Nobody in the tree.
        Nobody = "nobody",
    }
}

/// A route that serves callers, and who they are.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Served {
    /// Its methods; empty means any.
    pub methods: Vec<String>,
    /// Its path.
    pub path: String,
    /// File of the handler.
    pub file: String,
    /// Line there.
    pub line: u32,
    /// Who calls it.
    pub usage: Usage,
    /// Why it is called from elsewhere, where that is so.
    pub reason: Option<String>,
    /// The calls that land on it, tests left out.
    pub calls: Vec<Sender>,
}

/// A call as a route sees it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Sender {
    /// The method that is sent.
    pub method: String,
    /// The file where the address is given.
    pub file: String,
    /// Line there.
    pub line: u32,
}

/// Calls that do not fit for one cause.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Cluster {
    /// How they fail.
    pub status: super::calls::Status,
    /// The cause in one sentence.
    pub cause: String,
    /// What mends it, where a route is near: a candidate, and no more.
    pub candidate: Option<String>,
    /// The calls.
    pub calls: Vec<Sender>,
    /// The pages that reach one of them.
    pub pages: Vec<Page>,
}

impl Cluster {
    /// The place that stands for all.
    #[must_use]
    pub fn first(&self) -> Option<Step> {
        self.calls.first().map(|call| Step { file: call.file.clone(), line: call.line })
    }
}

impl std::fmt::Display for Page {
    /// `/orders/{id} (web/pages/order.tsx)`, or the file alone.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.path {
            Some(path) => write!(f, "{path} ({})", self.file),
            None => f.write_str(&self.file),
        }
    }
}

/// What a user opens.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Page {
    /// Its path in the frontend's router; `None` for a component of which no router was read.
    pub path: Option<String>,
    /// Its file.
    pub file: String,
}
