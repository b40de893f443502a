//! The terminal: results on stdout, everything else on stderr, colour and motion only where somebody looks.

use crate::Failure;
use anstyle::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use pipeline::finding::Severity;
use std::io::{IsTerminal, Write};
use std::time::Duration;

/// Where words go.
#[derive(Debug)]
pub struct Terminal {
    quiet: bool,
}

/// How often the sign of life turns.
const TICK: Duration = Duration::from_millis(120);

impl Terminal {
    /// A terminal that, if `quiet`, is told nothing but results and errors.
    pub fn new(quiet: bool) -> Self {
        Self { quiet }
    }

    /// A result. A reader that went away (`| head`) is no error.
    pub fn result(&self, text: &str) {
        let newline = if text.ends_with('\n') { "" } else { "\n" };
        let out = std::io::stdout();
        let colours = anstream::AutoStream::choice(&out);
        // Coloured or stripped first, then written at once: standard output by itself is written line by line.
        let mut bytes = anstream::AutoStream::new(Vec::with_capacity(text.len() + 1), colours);
        let _ = write!(bytes, "{text}{newline}");
        let _ = out.lock().write_all(&bytes.into_inner()).and_then(|()| std::io::stdout().flush());
    }

    /// Something that helps to understand, but is not the result.
    pub fn note(&self, text: &str) {
        if !self.quiet {
            let _ = writeln!(anstream::stderr(), "{text}");
        }
    }

    /// Something that somebody has to know, quiet or not.
    pub fn warning(&self, text: &str) {
        let style = Style::new().fg_color(Some(AnsiColor::Yellow.into()));
        let _ = writeln!(anstream::stderr(), "{style}warning{style:#}: {text}");
    }

    /// Why the command could not run.
    pub fn failure(&self, failure: &Failure) {
        let style = Style::new().bold().fg_color(Some(AnsiColor::Red.into()));
        let _ = writeln!(anstream::stderr(), "{style}error{style:#}: {failure}");
    }

    /// A sign of life for long work. On a terminal it moves; elsewhere each new stage is a line.
    pub fn progress(&self) -> Progress {
        if self.quiet {
            return Progress::Silent;
        }
        if !std::io::stderr().is_terminal() {
            return Progress::Lines;
        }
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(TICK);
        Progress::Moving(bar)
    }
}

/// A sign of life.
#[derive(Debug)]
pub enum Progress {
    /// None.
    Silent,
    /// A line for each stage.
    Lines,
    /// One line that changes.
    Moving(ProgressBar),
}

impl Progress {
    /// What is being done now.
    pub fn stage(&self, text: impl Into<String>) {
        match self {
            Self::Silent => {}
            Self::Lines => {
                let _ = writeln!(anstream::stderr(), "{}", text.into());
            }
            Self::Moving(bar) => bar.set_message(text.into()),
        }
    }

    /// The work is done; the line goes away.
    pub fn finish(&self) {
        if let Self::Moving(bar) = self {
            bar.finish_and_clear();
        }
    }
}

/// The colour of a severity.
pub fn style_of(severity: Severity) -> Style {
    let style = Style::new();
    match severity {
        Severity::Critical => style.bold().fg_color(Some(AnsiColor::Red.into())),
        Severity::High => style.fg_color(Some(AnsiColor::Red.into())),
        Severity::Medium => style.fg_color(Some(AnsiColor::Yellow.into())),
        Severity::Low => style.fg_color(Some(AnsiColor::Cyan.into())),
        Severity::Unknown => style.dimmed(),
    }
}
