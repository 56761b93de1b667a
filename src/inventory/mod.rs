//! Inventories: facts worth a table of their own.

pub mod routes;
