//! Abstract evaluation. [`expr`] folds one expression into a [`value::Value`]; [`interpreter`]
//! runs whole programs of modules, imports and helper functions included, and records every call
//! to the outside in a trace. Extractors of routes or client calls read that trace and know
//! nothing of syntax.

pub mod builtins;
pub mod collections;
pub mod expr;
pub mod interpreter;
pub mod link;
pub mod matching;
pub mod paths;
pub mod text;
pub mod value;
