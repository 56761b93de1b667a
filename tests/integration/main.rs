//! Tests of the program and the library from outside.

mod isolation;
