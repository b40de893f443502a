//! Edits of small lockfiles of every version.

