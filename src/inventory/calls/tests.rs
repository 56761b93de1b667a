//! The smallest forms of calls, each with where it lands.

mod found;
mod landed;
