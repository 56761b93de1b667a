//! Tests of the program and the library from outside: what a user types, and what comes back.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod architecture;
mod calls;
mod cli;
mod facts;
mod fixture;
mod hostile;
mod isolation;
mod manifests;
mod pipeline;
mod readme;
mod route_tables;
mod rules;
