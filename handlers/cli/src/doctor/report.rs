//! What was found, line by line.

use crate::present;
use crate::{Failure, Outcome};
use anstyle::{AnsiColor, Style};
use pipeline::wording::plain;
use serde::Serialize;

/// How a thing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// As it should be.
    Right,
    /// Worth knowing, and no harm.
    Note,
    /// Not as it should be.
    Wrong,
    /// Nobody could be asked.
    Unknown,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// Its name: the same in every version.
    pub check: &'static str,
    /// How it is.
    pub state: State,
    /// In words.
    pub what: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mend: Option<String>,
}

/// Everything that was looked at.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    lines: Vec<Line>,
}

impl Report {
    /// It is as it should be.
    pub fn right(&mut self, check: &'static str, what: impl Into<String>) {
        self.add(check, State::Right, what.into(), None);
    }

    /// It is worth knowing.
    pub fn note(&mut self, check: &'static str, what: impl Into<String>) {
        self.add(check, State::Note, what.into(), None);
    }

    /// It is wrong, and `mend` says what helps.
    pub fn wrong(&mut self, check: &'static str, what: impl Into<String>, mend: impl Into<String>) {
        self.add(check, State::Wrong, what.into(), Some(mend.into()));
    }

    /// It could not be asked.
    pub fn unknown(&mut self, check: &'static str, why: impl Into<String>) {
        self.add(check, State::Unknown, why.into(), None);
    }

    fn add(&mut self, check: &'static str, state: State, what: String, mend: Option<String>) {
        self.lines.push(Line { check, state, what, mend });
    }

    fn has(&self, state: State) -> bool {
        self.lines.iter().any(|line| line.state == state)
    }

    /// Something wrong comes before what could not be asked: it is there, whatever else is.
    pub fn outcome(&self) -> Result<Outcome, Failure> {
        match (self.has(State::Wrong), self.has(State::Unknown)) {
            (true, _) => Ok(Outcome::Left),
            (false, true) => Err(Failure("not everything could be asked; see the lines with `unknown`".to_owned())),
            (false, false) => Ok(Outcome::Clean),
        }
    }

    /// `suture.doctor/1`.
    pub fn json(&self) -> Result<String, Failure> {
        present::json(&serde_json::json!({ "schema": "suture.doctor/1", "lines": self.lines }))
    }

    /// For people.
    pub fn text(&self) -> String {
        let width = self.lines.iter().map(|line| line.check.len()).max().unwrap_or_default();
        self.lines.iter().map(|line| line.text(width)).collect()
    }
}

impl Line {
    fn text(&self, width: usize) -> String {
        let (word, colour) = match self.state {
            State::Right => ("ok", AnsiColor::Green),
            State::Note => ("note", AnsiColor::Cyan),
            State::Wrong => ("wrong", AnsiColor::Red),
            State::Unknown => ("unknown", AnsiColor::Yellow),
        };
        let style = Style::new().fg_color(Some(colour.into()));
        let mut text = format!("{style}{word:<7}{style:#}  {:<width$}  {}\n", self.check, plain(&self.what));
        if let Some(mend) = &self.mend {
            text.push_str(&format!("{:<7}  {:<width$}  mend: {}\n", "", "", plain(mend)));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_comes_before_unknown() {
        let mut report = Report::default();
        report.right("store", "opens");
        report.note("events", "one more");
        assert_eq!(report.outcome().unwrap(), Outcome::Clean);
        report.unknown("webhook", "no answer");
        assert!(report.outcome().is_err());
        report.wrong("clock", "late", "set it");
        assert_eq!(report.outcome().unwrap(), Outcome::Left);
    }
}
