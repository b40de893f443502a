//! The one thread that writes: it takes what waits, does all of it in one transaction, commits once, then answers.
//!
//! Calls that write nothing are done at once, between the others. What need not wait for the disk shares the commit of those that have
//! to, if any is about to be; a commit for itself is cheap, but not as cheap.

use super::Buried;
use super::arrivals::Arrivals;
use super::call::{Call, Survives};
use super::catalog::{Catalog, Shelf};
use super::fault::Fault;
use super::held::Held;
use super::mark::Mark;
use super::session::{Session, after_us, time};
use crate::stopwatch::Stopwatch;
use agents::environment::clock::Clock;
use rusqlite::Connection;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// Calls of one transaction at most.
const BATCH_MAX: usize = 256;
/// How long what is due waits at most to be seen where the clock is set or moved by hand.
const LOOK_MS_MAX: u64 = 1000;
/// The same where the clock is only moved by hand.
const LOOK_MANUAL_MS: u64 = 10;
/// Until what is due is tried again after the disk refused.
const RETRY_MS: u64 = 1000;
/// Unused pages that a file keeps; what is more goes back to the disk.
const UNUSED_PAGES_MAX: i64 = 1024;
/// Pages that go back at a time, so that no call waits long.
const GIVE_BACK_PAGES: i64 = 256;

/// How long a durable commit waits for others to share it: as long as a commit takes, within these.
const GATHER_MIN: Duration = Duration::from_micros(100);
/// See [`GATHER_MIN`].
const GATHER_MAX: Duration = Duration::from_millis(4);
/// Between two looks for others.
const GATHER_STEP: Duration = Duration::from_micros(20);

/// What the thread owns.
pub(super) struct Writer {
    pub(super) connection: Connection,
    pub(super) catalog: Arc<Catalog>,
    pub(super) arrivals: Arc<Arrivals>,
    pub(super) held: Held,
    pub(super) clock: Clock,
    pub(super) file: PathBuf,
    pub(super) mark: Mark,
    /// Is told of each message that became a dead letter.
    pub(super) tell_buried: Box<dyn Fn(Buried) + Send>,
    /// When something happens by itself to a message that is not held; `None`: nothing will.
    pub(super) file_due: Option<i64>,
    /// What is due is not tried again before: the disk refused it.
    pub(super) retry_at: Option<i64>,
    /// Whether commits reach the disk before they return.
    pub(super) is_synchronous: bool,
    /// How long the last durable commit took.
    pub(super) sync_time: Duration,
    /// How many calls were there for it, or came meanwhile.
    pub(super) crowd: usize,
    /// Whether the file has no more unused pages than it may keep.
    pub(super) is_tidy: bool,
}

/// Calls that write, until they are done.
#[derive(Default)]
struct Waiting {
    calls: Vec<Box<dyn Call>>,
    /// How many of them wait for the disk.
    durable: usize,
}

impl Writer {
    /// Works until nobody can call any more.
    pub(super) fn run(mut self, runtime: &tokio::runtime::Runtime, mut calls: mpsc::Receiver<Box<dyn Call>>) {
        let mut batch = Vec::with_capacity(BATCH_MAX);
        let mut waiting = Waiting::default();
        loop {
            if waiting.calls.is_empty() {
                let next = calls.recv_many(&mut batch, BATCH_MAX);
                let taken = match self.patience() {
                    None => Some(runtime.block_on(next)),
                    Some(patience) => runtime.block_on(async { tokio::time::timeout(patience, next).await }).ok(),
                };
                match taken {
                    Some(0) => return self.close(),
                    Some(_) => {}
                    // Nobody calls: there is time to tidy up.
                    None => self.is_tidy = self.give_back(),
                }
            }
            if batch.is_empty() {
                self.do_due();
            }
            self.sort(&mut batch, &mut waiting);
            if waiting.durable > 0 {
                self.gather(&mut calls, &mut batch, &mut waiting);
                let durable = waiting.durable;
                let watch = Stopwatch::start();
                self.work(&mut waiting);
                self.sync_time = watch.elapsed();
                self.take(&mut calls, &mut batch, &mut waiting);
                self.crowd = durable + waiting.durable;
            } else if !waiting.calls.is_empty() {
                self.work(&mut waiting);
            }
        }
    }

    /// Does those of `batch` that write nothing at once; the others wait.
    fn sort(&mut self, batch: &mut Vec<Box<dyn Call>>, waiting: &mut Waiting) {
        if !batch.is_empty() {
            // Whoever calls sees what was due by then.
            self.do_due();
        }
        for call in batch.drain(..) {
            match call.survives() {
                _ if call.is_given_up() => {}
                Survives::Nothing => self.look(call),
                survives => {
                    waiting.durable += usize::from(survives == Survives::PowerCut);
                    waiting.calls.push(call);
                }
            }
        }
    }

    /// Takes what calls now. False: nobody does.
    fn take(
        &mut self,
        calls: &mut mpsc::Receiver<Box<dyn Call>>,
        batch: &mut Vec<Box<dyn Call>>,
        waiting: &mut Waiting,
    ) -> bool {
        while waiting.calls.len() + batch.len() < BATCH_MAX
            && let Ok(call) = calls.try_recv()
        {
            batch.push(call);
        }
        let is_any = !batch.is_empty();
        self.sort(batch, waiting);
        is_any
    }

    /// Waits for as many calls as there were the last time, so that one wait for the disk is enough for all; not longer than that
    /// wait takes. Who calls alone does not wait.
    fn gather(
        &mut self,
        calls: &mut mpsc::Receiver<Box<dyn Call>>,
        batch: &mut Vec<Box<dyn Call>>,
        waiting: &mut Waiting,
    ) {
        let patience = self.sync_time.clamp(GATHER_MIN, GATHER_MAX);
        let watch = Stopwatch::start();
        loop {
            let is_quiet = !self.take(calls, batch, waiting);
            if waiting.durable >= self.crowd.min(BATCH_MAX) || watch.elapsed() > patience {
                return;
            }
            if is_quiet {
                std::thread::sleep(GATHER_STEP);
            }
        }
    }

    /// When something happens by itself, or is tried again.
    fn next_due(&mut self) -> Option<i64> {
        let due = [self.file_due, self.held.next_due()].into_iter().flatten().min();
        due.max(due.and(self.retry_at))
    }

    /// How long to wait for calls. `None`: for ever.
    fn patience(&mut self) -> Option<Duration> {
        let look_ms = if matches!(self.clock, Clock::Manual(_)) { LOOK_MANUAL_MS } else { LOOK_MS_MAX };
        let look = Duration::from_millis(look_ms);
        let due = self.next_due().map(|due| {
            let left = Duration::try_from(time(due).duration_since(self.clock.now())).unwrap_or_default();
            left.clamp(Duration::from_micros(100), look)
        });
        due.or((!self.is_tidy).then_some(look))
    }

    /// Does what is due by now. If the disk refuses, it waits, and calls are tried nevertheless.
    fn do_due(&mut self) {
        let now = self.clock.now();
        if self.next_due().is_none_or(|due| due > now.as_microsecond()) {
            return;
        }
        self.retry_at = None;
        if let Err(fault) = self.transact(false, |_, session| session.do_due()) {
            tracing::warn!(error = %fault.about(&self.file), "what is due on the bus has to wait");
            self.retry_at = Some(after_us(now.as_microsecond(), RETRY_MS));
        }
    }

    /// Does a call that writes nothing. One that has to nevertheless is done anew, in a transaction.
    fn look(&mut self, mut call: Box<dyn Call>) {
        let mut session = Session::new(&self.connection, &self.catalog, &mut self.held, self.clock.now());
        let is_done = call.run(&mut session, &self.file) && !session.has_to_write;
        if !is_done {
            session.held.undo_to(0);
        }
        session.held.settle();
        let (stock, has_to_write) = (session.stock, session.has_to_write);
        if has_to_write {
            return self.work(&mut Waiting { calls: vec![call], durable: 0 });
        }
        self.tell(stock, Vec::new());
        call.answer(None);
    }

    /// Does what waits, and answers it.
    fn work(&mut self, waiting: &mut Waiting) {
        let failure = self.do_all(&mut waiting.calls).err();
        let calls = std::mem::take(waiting).calls;
        match failure {
            // One of them, or the disk, broke all: each is told by itself what it is.
            Some(_) if calls.len() > 1 => {
                for call in calls {
                    self.work(&mut Waiting { calls: vec![call], durable: 0 });
                }
            }
            failure => {
                let failure = failure.map(|fault| fault.about(&self.file));
                calls.into_iter().for_each(|call| call.answer(failure.as_ref()));
            }
        }
    }

    /// Does `calls` in one transaction. On an error nothing of them is done.
    fn do_all(&mut self, calls: &mut [Box<dyn Call>]) -> Result<(), Fault> {
        let is_durable = calls.iter().any(|call| call.survives() == Survives::PowerCut);
        let file = self.file.clone();
        self.transact(is_durable, |transaction, session| {
            calls.iter_mut().try_for_each(|call| {
                let (stocked, highest, steps) = (session.stock.len(), session.highest, session.held.steps());
                let buried = session.buried.len();
                let is_done = transaction.step(|| call.run(session, &file))?;
                if !is_done {
                    // Undone: its sequence numbers are given out again, so the mark must not know them.
                    session.stock.truncate(stocked);
                    session.buried.truncate(buried);
                    session.highest = highest;
                    session.held.undo_to(steps);
                }
                Ok(())
            })
        })
    }

    /// Does `work` in one transaction.
    fn transact(
        &mut self,
        is_durable: bool,
        work: impl FnOnce(&Transaction<'_>, &mut Session<'_>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let mut session = Session::new(&self.connection, &self.catalog, &mut self.held, self.clock.now());
        let done: Result<Option<i64>, Fault> = (|| {
            if is_durable != self.is_synchronous {
                let mode = if is_durable { "PRAGMA synchronous = FULL" } else { "PRAGMA synchronous = NORMAL" };
                self.connection.prepare_cached(mode)?.execute([])?;
                self.is_synchronous = is_durable;
            }
            let transaction = Transaction::begin(&self.connection)?;
            work(&transaction, &mut session)?;
            let next_due = session.next_due()?;
            transaction.commit()?;
            Ok(next_due)
        })();
        if done.is_err() {
            session.held.undo_to(0);
        }
        session.held.settle();
        let (stock, highest, buried) = (session.stock, session.highest, session.buried);
        self.file_due = done?;
        if is_durable {
            self.mark.raise(highest);
        }
        self.tell(stock, buried);
        self.is_tidy = false;
        Ok(())
    }

    /// Tells what became dead letters, and those who wait for messages where there are some, and where there are none.
    fn tell(&self, stock: Vec<(Shelf, bool)>, buried: Vec<Buried>) {
        buried.into_iter().for_each(&self.tell_buried);
        for (shelf, is_stocked) in stock {
            self.arrivals.set(shelf, is_stocked);
        }
    }

    /// Whoever holds a message is gone now.
    fn close(mut self) {
        if let Err(fault) = self.transact(true, |_, session| session.release_all()) {
            tracing::warn!(error = %fault.about(&self.file), "the last deliveries of the bus are not counted");
        }
    }

    /// Gives unused pages back to the disk, a few at a time. True: there are none to give.
    fn give_back(&self) -> bool {
        let unused = self.connection.pragma_query_value(None, "freelist_count", |row| row.get::<_, i64>(0));
        if unused.is_ok_and(|unused| unused <= UNUSED_PAGES_MAX) {
            return true;
        }
        // Each row that is read is a page that is given back.
        let given =
            self.connection.prepare(&format!("PRAGMA incremental_vacuum({GIVE_BACK_PAGES})")).and_then(|mut vacuum| {
                let mut pages = vacuum.query([])?;
                while pages.next()?.is_some() {}
                Ok(())
            });
        if let Err(error) = &given {
            tracing::debug!(error = %error, "unused pages stay in the file of the bus");
        }
        given.is_err()
    }
}

/// A transaction that is undone unless it is committed.
struct Transaction<'a> {
    connection: &'a Connection,
}

impl<'a> Transaction<'a> {
    fn begin(connection: &'a Connection) -> Result<Self, Fault> {
        connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        Ok(Self { connection })
    }

    /// Does a step of it, true if it is done. One that is not is undone alone; if that can't be, the whole transaction has failed.
    fn step(&self, step: impl FnOnce() -> bool) -> Result<bool, Fault> {
        self.connection.prepare_cached("SAVEPOINT step")?.execute([])?;
        let is_done = step();
        if !is_done {
            self.connection.prepare_cached("ROLLBACK TO step")?.execute([])?;
        }
        self.connection.prepare_cached("RELEASE step")?.execute([])?;
        Ok(is_done)
    }

    fn commit(self) -> Result<(), Fault> {
        self.connection.prepare_cached("COMMIT")?.execute([])?;
        Ok(())
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        if !self.connection.is_autocommit()
            && let Err(error) = self.connection.execute_batch("ROLLBACK")
        {
            tracing::warn!(error = %error, "a transaction of the bus could not be undone");
        }
    }
}
