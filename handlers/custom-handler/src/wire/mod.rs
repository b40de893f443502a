//! The JSON that the functions host and a custom handler exchange. Only here is it known.

pub mod decode;
pub mod encode;
#[cfg(test)]
mod tests;

pub use decode::{Arrived, Delivered, Request, WireError};
pub use encode::Reply;
