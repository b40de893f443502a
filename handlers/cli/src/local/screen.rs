//! What is shown of a running host, and how.

use super::figures::Figures;
use super::{lines, view};
use crate::arguments::Local;
use crate::terminal::Terminal;
use agents::environment::clock::Clock;
use jiff::Timestamp;
use local_host::bus::{BusError, Counts};
use local_host::host::HostEvent;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};

/// What is shown, and how.
pub struct Screen<'t> {
    terminal: &'t Terminal,
    figures: Figures,
    form: Form,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Redrawn in place; so many lines were drawn last.
    View(usize),
    Lines,
    Json,
}

impl<'t> Screen<'t> {
    /// A screen for a host that listens at `address`.
    pub fn new(arguments: &Local, address: SocketAddr, terminal: &'t Terminal) -> Self {
        let form = match (arguments.json, terminal.rows()) {
            (true, _) => Form::Json,
            (false, Some(_)) => Form::View(0),
            (false, None) => Form::Lines,
        };
        Self { terminal, figures: Figures::new(address), form }
    }

    /// Takes an event, or that some came too fast.
    pub fn hear(&mut self, event: Result<HostEvent, RecvError>) {
        let at = Clock::System.now();
        match event {
            Ok(event) => {
                self.show(at, || lines::json(at, &event), || lines::words(&event));
                self.figures.hear(at, &event);
            }
            Err(RecvError::Lagged(count)) => {
                self.show(at, || lines::missed(at, count), || Some(lines::words_of_missed(count)));
                self.figures.miss(at, count);
            }
            Err(RecvError::Closed) => {}
        }
    }

    /// Takes all that is there to be heard.
    pub fn hear_all(&mut self, heard: &mut Receiver<HostEvent>) {
        loop {
            match heard.try_recv() {
                Ok(event) => self.hear(Ok(event)),
                Err(TryRecvError::Lagged(count)) => self.hear(Err(RecvError::Lagged(count))),
                Err(TryRecvError::Empty | TryRecvError::Closed) => return,
            }
        }
    }

    /// Whether the cases are to be counted now; the answer comes by [`Screen::count`].
    pub fn begins_to_count(&mut self) -> bool {
        self.figures.begins_to_count(Clock::System.now())
    }

    /// Takes how the cases stand; `None` where that can't be read.
    pub fn count(&mut self, cases: Option<BTreeMap<String, usize>>) {
        if self.figures.count(cases) {
            self.figures_changed();
        }
    }

    /// Takes what the bus holds, and shows how it all stands.
    pub fn look(&mut self, counts: Result<Vec<Counts>, BusError>) {
        let at = Clock::System.now();
        match counts {
            Ok(counts) => {
                if self.figures.look(at, counts) {
                    self.figures_changed();
                }
            }
            Err(error) => self.figures.trouble(at, error.to_string()),
        }
        if let Form::View(drawn) = self.form {
            let text = view::draw(&self.figures, at, self.terminal.columns(), self.terminal.rows());
            self.terminal.redraw(drawn, &text);
            self.form = Form::View(text.lines().count());
        }
    }

    /// The last words.
    pub fn close(&self) {
        if let Form::View(_) = self.form {
            self.terminal.note("ended; everything is kept for the next start");
        }
    }

    fn show(&self, at: Timestamp, json: impl FnOnce() -> String, words: impl FnOnce() -> Option<String>) {
        match self.form {
            Form::Json => self.terminal.document(&json()),
            Form::Lines => words().iter().for_each(|words| self.terminal.result(&lines::line(at, words))),
            Form::View(_) => {}
        }
    }

    fn figures_changed(&self) {
        if self.form == Form::Json {
            self.terminal.document(&lines::figures(Clock::System.now(), &self.figures));
        }
    }
}
