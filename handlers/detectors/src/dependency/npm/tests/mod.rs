//! What whole trees become.

mod real;
