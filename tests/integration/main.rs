//! Tests of the program and the library from outside: what a user types, and what comes back.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod cli;
mod hostile;
mod isolation;
mod pipeline;
mod rules;
