//! The command `suture`.

#[cfg_attr(not(test), expect(dead_code, reason = "called by the command `demo`"))]
mod demo;

fn main() {}
