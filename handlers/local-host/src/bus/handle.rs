//! The bus as its users hold it.

use super::arrivals::Arrivals;
use super::call::{Call, Pending, Survives};
use super::catalog::{Catalog, Shelf};
use super::fault::Fault;
use super::held::Held;
use super::session::Session;
use super::writer::Writer;
use super::{
    Buried, BusError, Counts, Destination, Entities, LockToken, Outgoing, Peeked, Received, Source, open, read,
};
use agents::environment::clock::Clock;
use jiff::Timestamp;
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use tokio::sync::mpsc;

/// Calls that may wait for the writer; who comes after waits to be let in.
const CALLS_WAITING_MAX: usize = 1024;
/// Dead letters that are looked at in one transaction, to be replayed.
const REPLAY_MAX: usize = 500;

/// A bus. Clones are the same bus; it is closed when the last one is dropped, which waits for the commit under way.
#[derive(Debug, Clone)]
pub struct Bus {
    shared: Arc<Shared>,
}

struct Shared {
    calls: Option<mpsc::Sender<Box<dyn Call>>>,
    writer: Option<JoinHandle<()>>,
    reader: Arc<Mutex<Connection>>,
    catalog: Arc<Catalog>,
    arrivals: Arc<Arrivals>,
    file: PathBuf,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bus").field("file", &self.file).finish_non_exhaustive()
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.calls = None;
        if let Some(writer) = self.writer.take() {
            // It can only have panicked, and there is nobody to tell.
            let _ = writer.join();
        }
    }
}

impl Bus {
    /// Opens the bus in `file`, or makes it. Locks of an earlier process are gone with it; delivery counts stay, but for what a process
    /// that was killed had for less than a second.
    ///
    /// Reads the whole file to check it: a second for some hundred megabytes. Needs a runtime only for the calls. Refuses a file
    /// that is in use, damaged, something else, or of a newer version, and says what to do.
    pub fn open(file: &Path, entities: Entities, clock: Clock) -> Result<Self, BusError> {
        Self::open_telling(file, entities, clock, |_| {})
    }

    /// As [`Bus::open`]. `tell_buried` hears of each message that becomes a dead letter, whatever the reason, before the call that made it
    /// one is answered. It must not wait: the whole bus does until it returns.
    pub fn open_telling(
        file: &Path,
        entities: Entities,
        clock: Clock,
        tell_buried: impl Fn(Buried) + Send + 'static,
    ) -> Result<Self, BusError> {
        let opened = open::open(file, &entities)?;
        let storage = |error: std::io::Error| BusError::Storage { file: file.to_owned(), what: error.to_string() };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().map_err(storage)?;
        let catalog = Arc::new(opened.catalog);
        let arrivals = Arc::new(Arrivals::new(catalog.all().len()));
        let writer = Writer {
            connection: opened.writer,
            catalog: Arc::clone(&catalog),
            arrivals: Arc::clone(&arrivals),
            clock,
            file: file.to_owned(),
            mark: opened.mark,
            tell_buried: Box::new(tell_buried),
            held: Held::default(),
            file_due: opened.next_due,
            retry_at: None,
            is_synchronous: true,
            sync_time: std::time::Duration::ZERO,
            crowd: 0,
            is_tidy: false,
        };
        let (calls, waiting) = mpsc::channel(CALLS_WAITING_MAX);
        let thread = std::thread::Builder::new().name("bus".to_owned());
        let writer = thread.spawn(move || writer.run(&runtime, waiting)).map_err(storage)?;
        let shared = Shared {
            calls: Some(calls),
            writer: Some(writer),
            reader: Arc::new(Mutex::new(opened.reader)),
            catalog,
            arrivals,
            file: file.to_owned(),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Sends all of `messages` or none. They survive a power cut once this returns.
    pub async fn send(&self, messages: Vec<(Destination, Outgoing)>) -> Result<(), BusError> {
        self.ask(Survives::PowerCut, move |session| session.send(&messages)).await
    }

    /// Takes at most `max` messages of `source` under locks; none if there is none now. Raises their delivery counts.
    ///
    /// A message whose body the disk changed is not among them: it becomes a dead letter with the reason `Damaged`.
    pub async fn receive(&self, source: &Source, max: usize) -> Result<Vec<Received>, BusError> {
        let source = source.clone();
        self.ask(Survives::Nothing, move |session| session.receive(&source, false, max)).await
    }

    /// As [`Bus::receive`], from the dead letters of `source`. They are settled in the same way.
    pub async fn receive_dead_letters(&self, source: &Source, max: usize) -> Result<Vec<Received>, BusError> {
        let source = source.clone();
        self.ask(Survives::Nothing, move |session| session.receive(&source, true, max)).await
    }

    /// Waits until `source` may have a message to receive: one was sent, given back, or came due. May be wrong, so receive in a loop.
    /// Never ends for a source that is unknown.
    pub async fn arrived(&self, source: &Source) {
        self.arrived_on(source, false).await;
    }

    /// As [`Bus::arrived`], for dead letters.
    pub async fn dead_letter_arrived(&self, source: &Source) {
        self.arrived_on(source, true).await;
    }

    /// Keeps a message for another lock duration from now. Until when is answered.
    pub async fn renew(&self, lock: LockToken) -> Result<Timestamp, BusError> {
        self.ask(Survives::Nothing, move |session| session.renew(lock)).await
    }

    /// The message is done. A power cut within about a second may bring it again, as a lost lock would; `kill -9` does not.
    pub async fn complete(&self, lock: LockToken) -> Result<(), BusError> {
        self.ask(Survives::Kill, move |session| session.complete(lock)).await
    }

    /// Gives the message back. One that was delivered as often as it may becomes a dead letter.
    pub async fn abandon(&self, lock: LockToken) -> Result<(), BusError> {
        self.ask(Survives::Kill, move |session| session.abandon(lock, None)).await
    }

    /// As [`Bus::abandon`], because of `why`: that is told should it become a dead letter by it.
    pub async fn abandon_because(&self, lock: LockToken, why: &str) -> Result<(), BusError> {
        let why = why.to_owned();
        self.ask(Survives::Kill, move |session| session.abandon(lock, Some(&why))).await
    }

    /// Puts the message with the dead letters.
    pub async fn dead_letter(&self, lock: LockToken, reason: &str, description: &str) -> Result<(), BusError> {
        let (reason, description) = (reason.to_owned(), description.to_owned());
        self.ask(Survives::Kill, move |session| session.dead_letter(lock, &reason, &description)).await
    }

    /// What every source holds: those of the settings in their order, then what else is in the file.
    pub async fn counts(&self) -> Result<Vec<Counts>, BusError> {
        self.read(|session| session.held_counts(), |connection, catalog, held| read::counts(connection, catalog, &held))
            .await
    }

    /// Looks at messages of `source` from sequence number `from` on, whatever their state. Changes nothing.
    pub async fn peek(&self, source: &Source, from: i64, max: usize) -> Result<Vec<Peeked>, BusError> {
        self.look(source, false, from, max).await
    }

    /// As [`Bus::peek`], at the dead letters.
    pub async fn dead_letters(&self, source: &Source, from: i64, max: usize) -> Result<Vec<Peeked>, BusError> {
        self.look(source, true, from, max).await
    }

    /// Moves at most `max` dead letters of `source` back to it, the oldest first, as if they were sent now. How many is answered.
    /// A failure leaves the rest where it is.
    pub async fn replay(&self, source: &Source, max: usize) -> Result<usize, BusError> {
        let (mut moved, mut after) = (0, 0);
        while moved < max {
            let (source, part) = (source.clone(), (max - moved).min(REPLAY_MAX));
            let page = self.ask(Survives::PowerCut, move |session| session.replay(&source, after, part)).await?;
            moved += page.moved;
            let Some(last) = page.last else { break };
            after = last;
        }
        Ok(moved)
    }

    /// Where a message to the queue or topic `name` goes.
    pub fn named(&self, name: &str) -> Option<Destination> {
        let destinations = [Destination::Queue(name.to_owned()), Destination::Topic(name.to_owned())];
        destinations.into_iter().find(|destination| self.shared.catalog.destination(destination).is_ok())
    }

    /// Whether `lock` holds the message `id` (its own id or its sequence number) of `source`, or of its dead letters.
    pub(super) async fn is_held(
        &self,
        lock: LockToken,
        source: &Source,
        dead: bool,
        id: &str,
    ) -> Result<bool, BusError> {
        let (source, id) = (source.clone(), id.to_owned());
        self.ask(Survives::Nothing, move |session| session.is_held(lock, &source, dead, &id)).await
    }

    async fn arrived_on(&self, source: &Source, dead: bool) {
        match self.shared.catalog.source(source) {
            Ok((entity, _)) => self.shared.arrivals.wait(Shelf { entity, dead }).await,
            Err(_) => std::future::pending().await,
        }
    }

    async fn look(&self, source: &Source, dead: bool, from: i64, max: usize) -> Result<Vec<Peeked>, BusError> {
        let source = source.clone();
        let look = move |connection: &Connection, catalog: &Catalog, held| {
            read::peek(connection, catalog, &held, (&source, dead), from, max)
        };
        self.read(|session| session.held_messages(), look).await
    }

    pub(super) async fn ask<T, W>(&self, survives: Survives, work: W) -> Result<T, BusError>
    where
        T: Send + 'static,
        W: FnMut(&mut Session<'_>) -> Result<T, Fault> + Send + 'static,
    {
        let (call, answer) = Pending::new(survives, work);
        let calls = self.shared.calls.as_ref().ok_or(BusError::Closed)?;
        calls.send(Box::new(call)).await.map_err(|_| BusError::Closed)?;
        answer.await.map_err(|_| BusError::Closed)?
    }

    /// Reads the file, and before it what is only in memory. What was due before this call is seen by it.
    async fn read<T, M, R>(&self, remember: impl Fn(&Session<'_>) -> M + Send + 'static, read: R) -> Result<T, BusError>
    where
        T: Send + 'static,
        M: Send + 'static,
        R: FnOnce(&Connection, &Catalog, M) -> Result<T, Fault> + Send + 'static,
    {
        let held = self.ask(Survives::Nothing, move |session| Ok(remember(session))).await?;
        let (reader, catalog) = (Arc::clone(&self.shared.reader), Arc::clone(&self.shared.catalog));
        let file = self.shared.file.clone();
        let read = tokio::task::spawn_blocking(move || {
            let connection = reader.lock().unwrap_or_else(PoisonError::into_inner);
            read(&connection, &catalog, held).map_err(|fault| fault.about(&file))
        });
        read.await.map_err(|_| BusError::Closed)?
    }
}
