//! `readiness` reads a repository and answers, with evidence, whether it can go to production.

pub mod audit;
pub mod checks;
pub mod finding;
pub mod gate;
pub mod inventory;
pub mod limits;
pub mod module;
pub mod rules;
pub mod scan;
pub mod score;
pub mod source;
