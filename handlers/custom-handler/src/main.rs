//! `handler`: all agents behind the routes that the functions host calls.

fn main() {}
