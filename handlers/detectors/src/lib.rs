//! Source tree in, findings out. Pure CPU: no IO, no clock; one detector a file.

pub mod dependency;
pub mod source_tree;
