//! A sweep and a handler that work between any two steps of a backup. Whatever was work when the messages were copied is done
//! after a restore.

use super::restore::restore;
use super::write::backup;
use agents::environment::Environment;
use agents::environment::clock::Clock;
use agents::environment::effects::Effects;
use agents::environment::store::Store;
use agents::error::AgentError;
use agents::functions::tick;
use agents::journal::{WakeUp, once};
use jiff::{SignedDuration, Timestamp};
use pipeline::message::{Envelope, MessageType, queue, topic};
use rusqlite::Connection;
use std::path::{Path, PathBuf};

/// Where the one message is in the beginning.
#[derive(Debug, Clone, Copy)]
enum Begin {
    /// In the bus, and about to be put off.
    Sent,
    /// In a wake-up that is due.
    PutOff,
}

/// A state with its bus, and who works on it. The end of all work is that people are told, which the bus keeps.
struct Office {
    runtime: tokio::runtime::Runtime,
    state: PathBuf,
    env: Environment,
}

impl Office {
    fn on(state: &Path, now: Timestamp) -> Self {
        std::fs::create_dir_all(state.join("local-host")).unwrap();
        let store = Store::folder(state, Effects::default()).unwrap();
        let env = Environment { clock: Clock::standing_at(now), ..Environment::alone(store) };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { runtime, state: state.to_owned(), env }
    }

    fn bus(&self) -> Connection {
        let connection = Connection::open(self.state.join("local-host/bus.sqlite3")).unwrap();
        connection.pragma_update(None, "journal_mode", "WAL").unwrap();
        connection
            .execute_batch("CREATE TABLE IF NOT EXISTS messages (body); CREATE TABLE IF NOT EXISTS told (id)")
            .unwrap();
        connection
    }

    fn send(&self, message: &Envelope) {
        let body = serde_json::to_string(message).unwrap();
        self.bus().execute("INSERT INTO messages VALUES (?1)", [body]).unwrap();
    }

    fn begin(&self, begin: Begin) {
        let now = self.env.clock.now();
        let run = self.env.ids.run(now);
        let message = Envelope::root("test", queue::SCAN, topic::SCAN_REQUESTED, &"", run, now).unwrap();
        match begin {
            Begin::Sent => self.send(&message),
            Begin::PutOff => {
                let wake_up = WakeUp { due: now, reason: String::new(), message: message.next_attempt(now) };
                self.runtime.block_on(self.env.store.create(&wake_up.key(), &wake_up)).unwrap();
            }
        }
    }

    /// Handles what is in the bus, each message on its own: put off at first, and then given up, of which people are told.
    fn handle(&self) {
        let connection = self.bus();
        let mut query = connection.prepare("SELECT rowid, body FROM messages ORDER BY rowid").unwrap();
        let row = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?));
        let waiting: Vec<_> = query.query_map([], row).unwrap().map(Result::unwrap).collect();
        for (number, body) in waiting {
            let message: Envelope = serde_json::from_str(&body).unwrap();
            if message.target.as_deref() == Some(queue::POISON) {
                connection.execute("INSERT INTO told VALUES (?1)", [message.id.to_string()]).unwrap();
            } else {
                let work = async |message: Envelope| match message.attempt {
                    0 => Err(AgentError::TryLater { reason: "weather".to_owned(), not_before: None }),
                    _ => Err(AgentError::cant_be_helped("it is over")),
                };
                let sent = self.runtime.block_on(once(&self.env, "scan", message, work)).unwrap();
                sent.iter().for_each(|message| self.send(message));
            }
            connection.execute("DELETE FROM messages WHERE rowid = ?1", [number]).unwrap();
        }
    }

    fn sweep(&self) {
        self.env.clock.advance(SignedDuration::from_mins(11));
        for message in self.runtime.block_on(tick(&self.env, "sweep")).unwrap() {
            // Of questions, and of agents who do not answer them, nobody hears here.
            if message.target.as_deref() == Some(queue::SCAN) && message.message_type != MessageType::Query {
                self.send(&message);
            }
        }
    }

    /// Whoever's turn it is does one thing.
    fn step(&self, number: usize) {
        if number.is_multiple_of(2) { self.handle() } else { self.sweep() }
    }

    fn told(&self) -> u32 {
        self.bus().query_row("SELECT count(*) FROM told", [], |row| row.get(0)).unwrap()
    }
}

/// Handled, put off, swept, handled, told, swept away: more than it takes.
const STEPS: usize = 6;

/// Backs up while the first `steps` steps are done before word `first` of the backup, and the others before word `then`; restores.
/// Returns how many words there were.
fn check(begin: Begin, first: usize, steps: usize, then: usize) -> usize {
    let folder = tempfile::tempdir().unwrap();
    let live = Office::on(&folder.path().join("state"), Timestamp::UNIX_EPOCH);
    live.begin(begin);
    drop(live.bus());
    let (mut words, mut done) = (0, 0);
    backup(&folder.path().join("state"), &folder.path().join("backup.zip"), Timestamp::UNIX_EPOCH, &mut |stage, _| {
        let goal = match words {
            _ if words >= then => STEPS,
            _ if words >= first => steps,
            _ => 0,
        };
        words += 1;
        // What was put off since the first look at the wake-ups is not swept away before the second: that takes minutes.
        if done == goal || stage == "copying wake-ups again" && matches!(begin, Begin::Sent) {
            return;
        }
        (done..goal).for_each(|number| live.step(number));
        done = goal;
    })
    .unwrap();
    let state = folder.path().join("restored");
    restore(&folder.path().join("backup.zip"), &state, false, Timestamp::UNIX_EPOCH, &mut |_, _| {}).unwrap();
    let restored = Office::on(&state, live.env.clock.now() + SignedDuration::from_hours(1));
    for number in 0..STEPS {
        restored.step(number);
    }
    assert!(restored.told() > 0, "{begin:?}: {steps} steps before word {first}, the others before {then}: it is lost");
    words
}

#[test]
fn work_is_done_wherever_it_was_when_it_was_copied() {
    std::thread::scope(|threads| {
        for begin in [Begin::Sent, Begin::PutOff] {
            let words = check(begin, usize::MAX, 0, usize::MAX);
            for first in 0..words {
                threads.spawn(move || {
                    for steps in 1..=STEPS - 2 {
                        check(begin, first, steps, first + 1);
                    }
                });
                threads.spawn(move || check(begin, first, STEPS, first));
            }
        }
    });
}
