//! Tests of the program and the library from outside: what a user types, and what comes back.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod architecture;
mod cli;
mod fixture;
mod facts;
mod isolation;
mod pipeline;
mod readme;
mod rules;
