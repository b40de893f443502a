//! Messages that are with receivers, and how far each shelf is received.
//!
//! In memory only: a lock ends with the process that gave it. What a lock costs so is no page of the file. Its delivery is written
//! when it ends otherwise than by completion, and when it lasts: a process that is killed with it must not deliver for ever.

use super::LockToken;
use super::catalog::Shelf;
use super::session::after_us;
use std::collections::{BTreeSet, HashMap, VecDeque};

/// Once a message is held for as long, its delivery is written.
const LASTS_MS: u64 = 1000;

/// A message that is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lock {
    pub(super) token: LockToken,
    pub(super) sequence_number: i64,
    /// Where the message is.
    pub(super) shelf: Shelf,
    /// This delivery included.
    pub(super) delivery_count: u32,
    /// When the lock runs out.
    pub(super) until: i64,
    /// When the message expires, should it be given back.
    pub(super) expires_at: Option<i64>,
}

/// How far a shelf is received.
#[derive(Debug, Clone, Default)]
struct Front {
    /// Messages up to this number were taken.
    taken: i64,
    /// Nothing lies behind this number. `None`: nobody looked yet.
    last: Option<i64>,
    /// Of these, the ones that are there again. Some may be gone since.
    back: BTreeSet<i64>,
}

/// How a step is undone.
#[derive(Debug)]
enum Undo {
    Take(LockToken),
    End(Lock),
    Renew(LockToken, i64),
    Reach(Shelf, i64),
    PutBack(Shelf, i64),
    TakeBack(Shelf, i64),
    Lasts(i64, LockToken),
}

/// All locks.
#[derive(Debug, Default)]
pub(super) struct Held {
    locks: HashMap<LockToken, Lock>,
    tokens: HashMap<i64, LockToken>,
    ends: BTreeSet<(i64, LockToken)>,
    /// Locks whose delivery is not written, in the order in which it has to be. Some are gone since.
    unwritten: VecDeque<(i64, LockToken)>,
    fronts: HashMap<Shelf, Front>,
    undo: Vec<Undo>,
}

impl Held {
    /// The lock of `token`.
    pub(super) fn lock(&self, token: LockToken) -> Option<&Lock> {
        self.locks.get(&token)
    }

    /// Whether the message `sequence_number` is held.
    pub(super) fn has(&self, sequence_number: i64) -> bool {
        self.tokens.contains_key(&sequence_number)
    }

    /// All that is held.
    pub(super) fn all(&self) -> impl Iterator<Item = &Lock> {
        self.locks.values()
    }

    /// Up to which number `shelf` was received.
    pub(super) fn taken(&self, shelf: Shelf) -> i64 {
        self.fronts.get(&shelf).map_or(0, |front| front.taken)
    }

    /// `shelf` was received up to `sequence_number`.
    pub(super) fn reach(&mut self, shelf: Shelf, sequence_number: i64) {
        let front = self.fronts.entry(shelf).or_default();
        if sequence_number > front.taken {
            self.undo.push(Undo::Reach(shelf, front.taken));
            front.taken = sequence_number;
        }
    }

    /// Whether messages may be there that were never taken.
    pub(super) fn may_have_more(&self, shelf: Shelf) -> bool {
        self.fronts.get(&shelf).is_none_or(|front| front.last.is_none_or(|last| last > front.taken))
    }

    /// Nothing is there but what was taken.
    pub(super) fn is_at_end(&mut self, shelf: Shelf) {
        let front = self.fronts.entry(shelf).or_default();
        front.last = Some(front.taken);
    }

    /// The message `sequence_number` was put on `shelf`.
    pub(super) fn put(&mut self, shelf: Shelf, sequence_number: i64) {
        // Not undone: then there is one look in vain.
        if let Some(last) = &mut self.fronts.entry(shelf).or_default().last {
            *last = sequence_number.max(*last);
        }
    }

    /// The oldest message that came back to `shelf`; it may be gone since.
    pub(super) fn take_back(&mut self, shelf: Shelf) -> Option<i64> {
        let sequence_number = self.fronts.get_mut(&shelf)?.back.pop_first()?;
        self.undo.push(Undo::TakeBack(shelf, sequence_number));
        Some(sequence_number)
    }

    /// The message `sequence_number` can be received from `shelf` again.
    pub(super) fn put_back(&mut self, shelf: Shelf, sequence_number: i64) {
        let front = self.fronts.entry(shelf).or_default();
        if sequence_number > front.taken {
            // It is met where it lies.
            return self.put(shelf, sequence_number);
        }
        if front.back.insert(sequence_number) {
            self.undo.push(Undo::PutBack(shelf, sequence_number));
        }
    }

    /// A message is held from `now` on.
    pub(super) fn take(&mut self, lock: Lock, now: i64) {
        self.undo.push(Undo::Take(lock.token));
        self.unwritten.push_back((after_us(now, LASTS_MS), lock.token));
        self.enter(lock);
    }

    /// A lock ends, whatever becomes of its message.
    pub(super) fn end(&mut self, token: LockToken) -> Option<Lock> {
        let lock = self.leave(token)?;
        self.undo.push(Undo::End(lock.clone()));
        Some(lock)
    }

    /// A lock holds until `until`.
    pub(super) fn renew(&mut self, token: LockToken, until: i64) {
        if let Some(before) = self.move_end(token, until) {
            self.undo.push(Undo::Renew(token, before));
        }
    }

    /// The lock that ran out first, of those that did by `now`.
    pub(super) fn run_out(&self, now: i64) -> Option<LockToken> {
        self.ends.first().filter(|(until, _)| *until <= now).map(|(_, token)| *token)
    }

    /// A lock whose delivery has to be written by `now`. It is taken to be.
    pub(super) fn lasting(&mut self, now: i64) -> Option<&Lock> {
        self.forget_ended();
        let (at, token) = self.unwritten.pop_front_if(|(at, _)| *at <= now)?;
        self.undo.push(Undo::Lasts(at, token));
        self.locks.get(&token)
    }

    /// When something happens to a lock next.
    pub(super) fn next_due(&mut self) -> Option<i64> {
        self.forget_ended();
        let end = self.ends.first().map(|(until, _)| *until);
        let lasts = self.unwritten.front().map(|(at, _)| *at);
        [end, lasts].into_iter().flatten().min()
    }

    /// How many steps can be undone.
    pub(super) fn steps(&self) -> usize {
        self.undo.len()
    }

    /// Undoes what came after the first `steps`.
    pub(super) fn undo_to(&mut self, steps: usize) {
        while self.undo.len() > steps
            && let Some(step) = self.undo.pop()
        {
            match step {
                Undo::Take(token) => drop(self.leave(token)),
                Undo::End(lock) => self.enter(lock),
                Undo::Renew(token, until) => drop(self.move_end(token, until)),
                Undo::Reach(shelf, taken) => self.fronts.entry(shelf).or_default().taken = taken,
                Undo::PutBack(shelf, number) => drop(self.fronts.entry(shelf).or_default().back.remove(&number)),
                Undo::Lasts(at, token) => self.unwritten.push_front((at, token)),
                Undo::TakeBack(shelf, number) => drop(self.fronts.entry(shelf).or_default().back.insert(number)),
            }
        }
    }

    /// Nothing of what was done is undone any more.
    pub(super) fn settle(&mut self) {
        self.undo.clear();
    }

    fn enter(&mut self, lock: Lock) {
        self.tokens.insert(lock.sequence_number, lock.token);
        self.ends.insert((lock.until, lock.token));
        self.locks.insert(lock.token, lock);
    }

    fn leave(&mut self, token: LockToken) -> Option<Lock> {
        let lock = self.locks.remove(&token)?;
        self.tokens.remove(&lock.sequence_number);
        self.ends.remove(&(lock.until, token));
        Some(lock)
    }

    /// Moves the end of a lock, and tells where it was.
    fn move_end(&mut self, token: LockToken, until: i64) -> Option<i64> {
        let lock = self.locks.get_mut(&token)?;
        let before = std::mem::replace(&mut lock.until, until);
        self.ends.remove(&(before, token));
        self.ends.insert((until, token));
        Some(before)
    }

    fn forget_ended(&mut self) {
        while self.unwritten.front().is_some_and(|(_, token)| !self.locks.contains_key(token)) {
            self.unwritten.pop_front();
        }
    }
}
