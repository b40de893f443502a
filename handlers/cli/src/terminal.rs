//! The terminal: results on stdout, everything else on stderr, colour and motion only where somebody looks.

use crate::Failure;
use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use pipeline::finding::Severity;
use pipeline::wording::{is_active, plain};
use std::cell::RefCell;
use std::io::{ErrorKind, IsTerminal, Write};

pub use progress::Progress;

mod progress;

/// Where words go.
#[derive(Debug)]
pub struct Terminal {
    quiet: bool,
    /// Why a result could not be written.
    lost: RefCell<Option<std::io::Error>>,
}

impl Terminal {
    /// A terminal that, if `quiet`, is told nothing but results and errors, and those without colour.
    pub fn new(quiet: bool) -> Self {
        Self { quiet, lost: RefCell::new(None) }
    }

    /// A result for people: colours are taken out where nobody sees them. Foreign text in it has to be [`plain`] already.
    pub fn result(&self, text: &str) {
        let out = std::io::stdout();
        let choice = if self.quiet { ColorChoice::Never } else { AutoStream::choice(&out) };
        // Coloured or stripped first, then written at once: standard output by itself is written line by line.
        let mut bytes = AutoStream::new(Vec::with_capacity(text.len() + 1), choice);
        let _ = bytes.write_all(text.as_bytes());
        let bytes = bytes.into_inner();
        self.write(&mut out.lock(), &bytes, newline(&bytes));
    }

    /// JSON: byte for byte for programs; on a terminal the same values, with every character that could do something to it
    /// written out.
    pub fn document(&self, json: &str) {
        let text = if std::io::stdout().is_terminal() { escaped(json) } else { json.to_owned() };
        self.write(&mut std::io::stdout().lock(), text.as_bytes(), newline(text.as_bytes()));
    }

    /// A unified diff: byte for byte for programs such as `git apply`; coloured, and harmless, for people.
    pub fn diff(&self, diff: &str) {
        if std::io::stdout().is_terminal() {
            self.result(&coloured(diff));
        } else {
            self.write(&mut std::io::stdout().lock(), diff.as_bytes(), newline(diff.as_bytes()));
        }
    }

    fn write(&self, out: &mut impl Write, text: &[u8], end: &[u8]) {
        match out.write_all(text).and_then(|()| out.write_all(end)).and_then(|()| out.flush()) {
            // A reader that went away (`| head`) has what it wanted.
            Err(error) if error.kind() != ErrorKind::BrokenPipe => *self.lost.borrow_mut() = Some(error),
            _ => {}
        }
    }

    /// Why some result could not be written, if so.
    pub fn lost(&self) -> Option<Failure> {
        self.lost.take().map(|error| Failure(format!("standard output: {error}")))
    }

    /// Something that helps to understand, but is not the result. One line, whatever foreign text is in it.
    pub fn note(&self, text: &str) {
        self.explain(&plain(text));
    }

    /// As [`Self::note`], in lines. Foreign text in it has to be [`plain`] already.
    pub fn explain(&self, text: &str) {
        if !self.quiet {
            let _ = writeln!(anstream::stderr(), "{text}");
        }
    }

    /// Something that is not as it should be, but does not keep the command from its work. One line, as a note is.
    pub fn warning(&self, text: &str) {
        if !self.quiet {
            let style = Style::new().fg_color(Some(AnsiColor::Yellow.into()));
            let _ = writeln!(anstream::stderr(), "{style}warning{style:#}: {}", plain(text));
        }
    }

    /// Why the command could not run. It may have several lines: foreign text in it has to be [`plain`] already.
    pub fn failure(&self, failure: &Failure) {
        let style = Style::new().bold().fg_color(Some(AnsiColor::Red.into()));
        let text = format!("{style}error{style:#}: {}", plain_lines(&failure.to_string()));
        let err = std::io::stderr().lock();
        let choice = if self.quiet { ColorChoice::Never } else { AutoStream::choice(&err) };
        let _ = writeln!(AutoStream::new(err, choice), "{text}");
    }

    /// A sign of life for long work.
    pub fn progress(&self) -> Progress {
        Progress::new(self.quiet)
    }

    /// A result in the place of the last one, which had `lines` lines: only where [`Terminal::rows`] knows of a terminal.
    pub fn redraw(&self, lines: usize, text: &str) {
        let up = if lines == 0 { String::new() } else { format!("\x1b[{lines}F\x1b[J") };
        self.write(&mut std::io::stdout().lock(), up.as_bytes(), b"");
        self.result(text);
    }

    /// Rows of the terminal that shows the result; `None` where it goes elsewhere.
    pub fn rows(&self) -> Option<u16> {
        terminal_size::terminal_size_of(std::io::stdout()).map(|(_, height)| height.0)
    }

    /// Columns of the terminal that shows the result; `None` where it goes elsewhere and lines may be as long as they are.
    pub fn columns(&self) -> Option<u16> {
        terminal_size::terminal_size_of(std::io::stdout()).map(|(width, _)| width.0)
    }
}

/// What `text` needs at its end to be whole lines.
fn newline(text: &[u8]) -> &'static [u8] {
    if text.ends_with(b"\n") { b"" } else { b"\n" }
}

fn plain_lines(text: &str) -> String {
    text.lines().map(plain).collect::<Vec<_>>().join("\n")
}

/// `json` with the same values in other words: outside of its strings there are no characters that do anything but end a line.
fn escaped(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for character in json.chars() {
        if character == '\n' || !is_active(character) {
            text.push(character);
            continue;
        }
        for unit in character.encode_utf16(&mut [0; 2]) {
            text.push_str(&format!("\\u{unit:04x}"));
        }
    }
    text
}

/// The lines of `diff` as a terminal may show them.
pub fn coloured(diff: &str) -> String {
    let mut text = String::new();
    for line in diff.lines() {
        let style = match line.as_bytes().first() {
            Some(b'+') => Style::new().fg_color(Some(AnsiColor::Green.into())),
            Some(b'-') => Style::new().fg_color(Some(AnsiColor::Red.into())),
            Some(b'@') => Style::new().fg_color(Some(AnsiColor::Cyan.into())),
            _ => Style::new(),
        };
        text.push_str(&format!("{style}{}{style:#}\n", plain(line)));
    }
    text
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
