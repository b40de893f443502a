//! `suture versions ECOSYSTEM`: does Suture order versions as you do?

use crate::terminal::Terminal;
use crate::{Failure, Outcome};
use pipeline::version::{Ecosystem, order_check};
use std::io::Read;

/// Standard input over this size is refused.
const INPUT_BYTES_MAX: u64 = 256 << 20;

/// Prints the lines that are ordered otherwise, and a count.
pub fn run(ecosystem: Ecosystem, terminal: &Terminal) -> Result<Outcome, Failure> {
    let mut text = String::new();
    let read = std::io::stdin().take(INPUT_BYTES_MAX + 1).read_to_string(&mut text);
    read.map_err(|error| Failure(format!("standard input: {error}")))?;
    if text.len() as u64 > INPUT_BYTES_MAX {
        return Err(Failure(format!("standard input has more than {INPUT_BYTES_MAX} bytes; split it")));
    }
    let report = order_check::check(ecosystem, &text);
    terminal.result(&report.to_string());
    Ok(if report.is_clean() { Outcome::Clean } else { Outcome::Left })
}
