//! The one thread that writes: it takes what waits, does all of it in one transaction, commits once, then answers.
//!
//! Calls that need not wait for the disk are done apart from those that have to, and meanwhile: else every call would wait for it.

use super::arrivals::Arrivals;
use super::call::Call;
use super::catalog::Catalog;
use super::fault::Fault;
use super::mark::Mark;
use super::session::{Session, time};
use crate::stopwatch::Stopwatch;
use agents::environment::clock::Clock;
use jiff::{SignedDuration, Timestamp};
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
const RETRY_MS: i64 = 1000;
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
    pub(super) clock: Clock,
    pub(super) file: PathBuf,
    pub(super) mark: Mark,
    /// When something happens by itself; `None`: nothing will.
    pub(super) next_due: Option<Timestamp>,
    /// Whether commits reach the disk before they return.
    pub(super) is_synchronous: bool,
    /// How long the last durable commit took.
    pub(super) sync_time: Duration,
    /// How many calls were there for it, or came meanwhile.
    pub(super) crowd: usize,
    /// Whether the file has no more unused pages than it may keep.
    pub(super) is_tidy: bool,
}

impl Writer {
    /// Works until nobody can call any more.
    pub(super) fn run(mut self, runtime: &tokio::runtime::Runtime, mut calls: mpsc::Receiver<Box<dyn Call>>) {
        let mut batch = Vec::with_capacity(BATCH_MAX);
        let mut durable = Vec::with_capacity(BATCH_MAX);
        loop {
            let next = calls.recv_many(&mut batch, BATCH_MAX);
            let taken = match self.patience() {
                None => Some(runtime.block_on(next)),
                Some(patience) => runtime.block_on(async { tokio::time::timeout(patience, next).await }).ok(),
            };
            match taken {
                Some(0) => return,
                Some(_) => {}
                // Nobody calls: there is time to tidy up.
                None => self.is_tidy = self.give_back(),
            }
            self.do_due();
            self.do_quick(&mut batch, &mut durable);
            if !durable.is_empty() {
                self.gather(&mut calls, &mut batch, &mut durable);
                let size = durable.len();
                let watch = Stopwatch::start();
                self.work(&mut durable);
                self.sync_time = watch.elapsed();
                self.crowd = size + calls.len();
            }
        }
    }

    /// Does those of `batch` that need not wait for the disk; those that have to are put with `durable`.
    fn do_quick(&mut self, batch: &mut Vec<Box<dyn Call>>, durable: &mut Vec<Box<dyn Call>>) {
        batch.retain(|call| !call.is_given_up());
        durable.extend(batch.extract_if(.., |call| call.is_durable()));
        if !batch.is_empty() {
            self.work(batch);
        }
    }

    /// Waits for as many calls as there were the last time, so that one wait for the disk is enough for all; not longer than that
    /// wait takes. Who calls alone does not wait.
    fn gather(
        &mut self,
        calls: &mut mpsc::Receiver<Box<dyn Call>>,
        batch: &mut Vec<Box<dyn Call>>,
        durable: &mut Vec<Box<dyn Call>>,
    ) {
        let patience = self.sync_time.clamp(GATHER_MIN, GATHER_MAX);
        let watch = Stopwatch::start();
        loop {
            while let Ok(call) = calls.try_recv() {
                batch.push(call);
            }
            let is_quiet = batch.is_empty();
            self.do_quick(batch, durable);
            if durable.len() >= self.crowd.min(BATCH_MAX) || watch.elapsed() > patience {
                return;
            }
            if is_quiet {
                std::thread::sleep(GATHER_STEP);
            }
        }
    }

    /// How long to wait for calls. `None`: for ever.
    fn patience(&self) -> Option<Duration> {
        let look_ms = if matches!(self.clock, Clock::Manual(_)) { LOOK_MANUAL_MS } else { LOOK_MS_MAX };
        let look = Duration::from_millis(look_ms);
        let due = self.next_due.map(|due| {
            let left = Duration::try_from(due.duration_since(self.clock.now())).unwrap_or_default();
            left.clamp(Duration::from_micros(100), look)
        });
        due.or((!self.is_tidy).then_some(look))
    }

    /// Does what is due by now. If the disk refuses, it waits, and calls are tried nevertheless.
    fn do_due(&mut self) {
        let now = self.clock.now();
        if self.next_due.is_none_or(|due| due > now) {
            return;
        }
        if let Err(fault) = self.transact(false, |_, session| session.do_due()) {
            tracing::warn!(error = %fault.about(&self.file), "what is due on the bus has to wait");
            self.next_due = now.checked_add(SignedDuration::from_millis(RETRY_MS)).ok();
        }
    }

    /// Does `batch`, and answers it.
    fn work(&mut self, batch: &mut Vec<Box<dyn Call>>) {
        let failure = self.do_all(batch).err();
        match failure {
            // One of them, or the disk, broke all: each is told by itself what it is.
            Some(_) if batch.len() > 1 => {
                for call in batch.drain(..) {
                    self.work(&mut vec![call]);
                }
            }
            failure => {
                let failure = failure.map(|fault| fault.about(&self.file));
                batch.drain(..).for_each(|call| call.answer(failure.as_ref()));
            }
        }
    }

    /// Does `batch` in one transaction. On an error nothing of it is done.
    fn do_all(&mut self, batch: &mut [Box<dyn Call>]) -> Result<(), Fault> {
        let is_durable = batch.iter().any(|call| call.is_durable());
        let file = self.file.clone();
        self.transact(is_durable, |transaction, session| {
            batch.iter_mut().try_for_each(|call| {
                let (stocked, highest) = (session.stock.len(), session.highest);
                let is_done = transaction.step(|| call.run(session, &file))?;
                if !is_done {
                    // Undone: its sequence numbers are given out again, so the mark must not know them.
                    session.stock.truncate(stocked);
                    session.highest = highest;
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
        if is_durable != self.is_synchronous {
            self.connection.pragma_update(None, "synchronous", if is_durable { "FULL" } else { "NORMAL" })?;
            self.is_synchronous = is_durable;
        }
        let transaction = Transaction::begin(&self.connection)?;
        let mut session = Session {
            connection: &self.connection,
            catalog: &self.catalog,
            now: self.clock.now(),
            stock: Vec::new(),
            highest: 0,
        };
        work(&transaction, &mut session)?;
        let next_due = session.next_due()?;
        let (stock, highest) = (session.stock, session.highest);
        transaction.commit()?;
        if is_durable {
            self.mark.raise(highest);
        }
        self.next_due = next_due.map(time);
        for (shelf, is_stocked) in stock {
            self.arrivals.set(shelf, is_stocked);
        }
        self.is_tidy = false;
        Ok(())
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
