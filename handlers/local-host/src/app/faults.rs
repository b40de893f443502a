//! What is wrong with an app, in words.

use std::fmt;

/// One fault: where it is, what it is, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// Relative to the app's folder: `scan/function.json`.
    pub file: String,
    /// Place in the JSON, `bindings[0].queueName`; empty for the file as a whole.
    pub at: String,
    /// What is wrong.
    pub problem: String,
    /// What to do.
    pub remedy: String,
}

impl Fault {
    pub(super) fn new(file: &str, at: &str, problem: impl fmt::Display, remedy: impl fmt::Display) -> Self {
        Self { file: file.to_owned(), at: at.to_owned(), problem: problem.to_string(), remedy: remedy.to_string() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if !self.at.is_empty() {
            write!(f, " at {}", self.at)?;
        }
        write!(f, ": {}. {}.", self.problem, self.remedy)
    }
}

/// Every fault of an app, in the order of its files. Never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppFaults(pub Vec<Fault>);

impl fmt::Display for AppFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            fault.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for AppFaults {}

/// What was found while reading.
#[derive(Default)]
pub(super) struct Report {
    pub faults: Vec<Fault>,
    pub warnings: Vec<Fault>,
}
