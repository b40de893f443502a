//! A sign of life for long work: it moves on a terminal, and is a few lines elsewhere.

use agents::environment::advisories::zips;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::io::{IsTerminal, Write};
use std::time::Duration;

/// How often the sign of life turns.
const TICK: Duration = Duration::from_millis(120);

/// A sign of life. It goes away when it is dropped.
#[derive(Debug)]
pub enum Progress {
    /// None.
    Silent,
    /// A line for each stage that is new; the detail of a stage is not told.
    Lines(RefCell<BTreeSet<String>>),
    /// One line that changes.
    Moving(ProgressBar),
}

impl Progress {
    pub(super) fn new(quiet: bool) -> Self {
        if quiet {
            return Self::Silent;
        }
        if !std::io::stderr().is_terminal() {
            return Self::Lines(RefCell::default());
        }
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(TICK);
        Self::Moving(bar)
    }

    /// What is being done now, and how far it is.
    pub fn stage(&self, stage: &str, detail: &str) {
        match self {
            Self::Silent => {}
            Self::Lines(told) => {
                if told.borrow_mut().insert(stage.to_owned()) {
                    let _ = writeln!(anstream::stderr(), "{stage}");
                }
            }
            Self::Moving(bar) if detail.is_empty() => bar.set_message(stage.to_owned()),
            Self::Moving(bar) => bar.set_message(format!("{stage}: {detail}")),
        }
    }
}

impl Progress {
    /// How far the indexing of advisories is.
    pub fn indexing(&self, step: &zips::Progress) {
        let of_all = format!("{} of {}", step.records, step.records_all);
        self.stage(&format!("indexing advisories of {}", step.ecosystem), &of_all);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Self::Moving(bar) = self {
            bar.finish_and_clear();
        }
    }
}
