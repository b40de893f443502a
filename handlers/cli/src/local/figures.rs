//! What is known of a running host: counted from its events, and read from its bus.

use jiff::{SignedDuration, Timestamp};
use local_host::bus::Counts;
use local_host::host::HostEvent;
use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;

/// Events that are shown.
const LAST_MAX: usize = 12;

/// Rates are those of this span.
const RATE_SPAN: SignedDuration = SignedDuration::from_secs(10);

/// Cases are counted at most this often: that reads the store.
const CASES_PAUSE: SignedDuration = SignedDuration::from_secs(2);

/// What is known.
#[derive(Debug)]
pub struct Figures {
    /// Where the host listens.
    pub address: SocketAddr,
    /// Handlers by app, and how each stands.
    pub handlers: BTreeMap<String, String>,
    /// What the bus holds.
    pub counts: Vec<Counts>,
    /// Cases by status.
    pub cases: BTreeMap<String, usize>,
    /// The newest events, oldest first, in words.
    pub last: VecDeque<(Timestamp, String)>,
    /// Invocations that did their work, and those that failed.
    pub invoked: u64,
    /// See there.
    pub failed: u64,
    /// Events that came too fast to be heard.
    missed: u64,
    /// Messages by source, and moments at which some were done.
    done: BTreeMap<String, VecDeque<(Timestamp, usize)>>,
    /// What had been heard when the cases were last counted, and when that was.
    cases_at: Option<(u64, Timestamp)>,
}

impl Figures {
    /// Nothing is known yet.
    pub fn new(address: SocketAddr) -> Self {
        Self {
            address,
            handlers: BTreeMap::new(),
            counts: Vec::new(),
            cases: BTreeMap::new(),
            last: VecDeque::new(),
            invoked: 0,
            failed: 0,
            missed: 0,
            done: BTreeMap::new(),
            cases_at: None,
        }
    }

    /// Counts `event`.
    pub fn hear(&mut self, at: Timestamp, event: &HostEvent) {
        match event {
            HostEvent::HandlerStarted { app, pid, .. } => self.stands(app, format!("starting (process {pid})")),
            HostEvent::HandlerReady { app, pid, .. } => self.stands(app, format!("ready (process {pid})")),
            HostEvent::HandlerEnded { app, next, .. } => self.stands(app, next.clone()),
            HostEvent::Invoked { source, messages, .. } => {
                self.invoked += 1;
                self.done.entry(source.clone()).or_default().push_back((at, (*messages).max(1)));
            }
            HostEvent::Failed { .. } => self.failed += 1,
            _ => {}
        }
        if let Some(words) = super::lines::words(event) {
            self.tell(at, words);
        }
    }

    /// So many events came too fast to be heard. Nobody knows what they were, so they are told and not counted.
    pub fn miss(&mut self, at: Timestamp, count: u64) {
        self.missed += count;
        self.tell(at, super::lines::words_of_missed(count));
    }

    /// The bus does not answer.
    pub fn trouble(&mut self, at: Timestamp, words: String) {
        self.forget(at);
        self.tell(at, words);
    }

    /// Whether it is time to count the cases again; if so, that has begun.
    pub fn begins_to_count(&mut self, at: Timestamp) -> bool {
        let heard = self.invoked + self.missed;
        let is_time =
            self.cases_at.is_none_or(|(then, counted)| then != heard && at.duration_since(counted) >= CASES_PAUSE);
        if is_time {
            self.cases_at = Some((heard, at));
        }
        is_time
    }

    /// Takes how the cases stand. `true` if that is news. `None`: it can't be read, and is tried again.
    pub fn count(&mut self, cases: Option<BTreeMap<String, usize>>) -> bool {
        let Some(cases) = cases else {
            self.cases_at = None;
            return false;
        };
        let is_news = self.cases != cases;
        self.cases = cases;
        is_news
    }

    /// Takes what the bus holds. `true` if that is news.
    pub fn look(&mut self, at: Timestamp, counts: Vec<Counts>) -> bool {
        let is_news = self.counts != counts;
        self.counts = counts;
        self.forget(at);
        is_news
    }

    /// Messages of `source` that are done in a second, just now.
    pub fn rate(&self, source: &str) -> f64 {
        let done: usize = self.done.get(source).into_iter().flatten().map(|(_, messages)| messages).sum();
        done as f64 / RATE_SPAN.as_secs_f64()
    }

    /// Forgets what no rate counts any more, and its source with it: a request's path is one.
    fn forget(&mut self, at: Timestamp) {
        self.done.retain(|_, done| {
            while done.front().is_some_and(|(then, _)| at.duration_since(*then) > RATE_SPAN) {
                done.pop_front();
            }
            !done.is_empty()
        });
    }

    fn stands(&mut self, app: &str, how: String) {
        self.handlers.insert(app.to_owned(), how);
    }

    fn tell(&mut self, at: Timestamp, words: String) {
        if self.last.len() == LAST_MAX {
            self.last.pop_front();
        }
        self.last.push_back((at, words));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures() -> Figures {
        Figures::new(SocketAddr::from(([127, 0, 0, 1], 7071)))
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn invoked(source: &str) -> HostEvent {
        HostEvent::Invoked {
            function: "f".to_owned(),
            invocation: String::new(),
            source: source.to_owned(),
            messages: 0,
            sent: 0,
            duration_ms: 1,
        }
    }

    #[test]
    fn events_that_were_missed_are_told_and_counted_as_nothing_else() {
        let mut figures = figures();
        figures.hear(at(0), &invoked("scan"));
        figures.miss(at(1), 500);
        assert_eq!((figures.invoked, figures.failed), (1, 0));
        assert!(figures.last.back().unwrap().1.contains("500 events"), "{:?}", figures.last);
    }

    #[test]
    fn cases_are_counted_again_when_something_was_heard_and_time_has_passed() {
        let mut figures = figures();
        assert!(figures.begins_to_count(at(0)));
        assert!(!figures.begins_to_count(at(9)), "nothing happened");
        figures.hear(at(9), &invoked("scan"));
        assert!(figures.begins_to_count(at(9)));
        figures.miss(at(9), 1);
        assert!(!figures.begins_to_count(at(10)), "too soon");
        assert!(figures.begins_to_count(at(11)));
        assert!(!figures.count(None));
        assert!(figures.begins_to_count(at(11)), "it could not be read");
        let cases = BTreeMap::from([("completed".to_owned(), 1)]);
        assert!(figures.count(Some(cases.clone())));
        assert!(!figures.count(Some(cases)));
    }

    #[test]
    fn sources_of_long_ago_are_forgotten() {
        let mut figures = figures();
        for path in 0..100 {
            figures.hear(at(path), &invoked(&format!("GET /{path}")));
        }
        figures.trouble(at(100), "no bus".to_owned());
        assert_eq!(figures.done.len(), 10);
        figures.look(at(200), Vec::new());
        assert!(figures.done.is_empty());
    }
}
