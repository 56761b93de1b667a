//! `readiness` reads a repository and answers, with evidence, whether it can go to production.

pub mod audit;
pub mod finding;
pub mod gate;
pub mod inventory;
pub mod limits;
pub mod module;
pub mod project;
pub mod repository;
pub mod scan;
pub mod score;
pub mod source;
pub mod walk;
