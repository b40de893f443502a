//! The verbs of Suture: one module per function, plus the environment in which they work.

pub mod environment;
