//! Edits of pip's requirements files that keep every byte outside of what they change.

mod add;
mod hashes;
mod specifier;

pub mod edit;
mod verify;

#[cfg(test)]
mod tests;
