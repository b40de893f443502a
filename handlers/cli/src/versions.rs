//! `suture versions ECOSYSTEM`: does Suture order versions as you do?

use crate::terminal::Terminal;
use crate::{Failure, Outcome};
use pipeline::version::Ecosystem;
use pipeline::version::order_check::check_order;
use pipeline::wording::plain;
use std::io::{IsTerminal, Read};

/// Standard input over this size is refused.
const INPUT_BYTES_MAX: u64 = 256 << 20;

/// Prints the lines that are ordered otherwise, and a count.
pub fn run(ecosystem: Ecosystem, terminal: &Terminal) -> Result<Outcome, Failure> {
    if std::io::stdin().is_terminal() {
        terminal.note("reading lines such as `1.0.0 < 1.0.1` from standard input");
    }
    let mut bytes = Vec::new();
    let read = std::io::stdin().take(INPUT_BYTES_MAX + 1).read_to_end(&mut bytes);
    read.map_err(|error| Failure(format!("standard input: {error}")))?;
    if bytes.len() as u64 > INPUT_BYTES_MAX {
        return Err(Failure(format!("standard input has more than {INPUT_BYTES_MAX} bytes; split it")));
    }
    // A line that is not UTF-8 is no version: it is told like any other that can't be read.
    let report = check_order(ecosystem, &String::from_utf8_lossy(&bytes));
    let mut told: String = report.problems.iter().map(|problem| format!("{}\n", plain(&problem.to_string()))).collect();
    let (held, problems) = (report.held(), report.problems.len());
    told.push_str(&format!("{held} of {} lines hold; {problems} do not\n", held + problems));
    terminal.result(&told);
    Ok(if report.problems.is_empty() { Outcome::Clean } else { Outcome::Left })
}
