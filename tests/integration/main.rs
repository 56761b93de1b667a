//! Tests of the program from outside: what a user types, and what comes back.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod cli;
mod pipeline;
