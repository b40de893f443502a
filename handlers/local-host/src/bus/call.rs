//! A call on its way to the writer and back.

use super::BusError;
use super::fault::Fault;
use super::session::Session;
use std::path::Path;
use tokio::sync::oneshot;

/// What the effect of a call has to survive once it is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Survives {
    /// Nothing: it is in memory, or there is none.
    Nothing,
    /// `kill -9`.
    Kill,
    /// A power cut.
    PowerCut,
}

/// What the writer does with a call.
pub(super) trait Call: Send {
    /// What its effect has to survive once it is answered.
    fn survives(&self) -> Survives;
    /// Whether nobody waits for the answer any more.
    fn is_given_up(&self) -> bool;
    /// Does it, within a transaction. May be done again if that transaction fails. False: it failed by itself, and is undone.
    fn run(&mut self, session: &mut Session<'_>, file: &Path) -> bool;
    /// Answers, once the transaction is done; with `failure` where it was not.
    fn answer(self: Box<Self>, failure: Option<&BusError>);
}

/// A call that gives a `T`.
pub(super) struct Pending<T, W> {
    work: W,
    survives: Survives,
    outcome: Option<Result<T, BusError>>,
    reply: oneshot::Sender<Result<T, BusError>>,
}

impl<T, W> Pending<T, W>
where
    T: Send,
    W: FnMut(&mut Session<'_>) -> Result<T, Fault> + Send,
{
    /// With where its answer will be.
    pub(super) fn new(survives: Survives, work: W) -> (Self, oneshot::Receiver<Result<T, BusError>>) {
        let (reply, answer) = oneshot::channel();
        (Self { work, survives, outcome: None, reply }, answer)
    }
}

impl<T, W> Call for Pending<T, W>
where
    T: Send,
    W: FnMut(&mut Session<'_>) -> Result<T, Fault> + Send,
{
    fn survives(&self) -> Survives {
        self.survives
    }

    fn is_given_up(&self) -> bool {
        self.reply.is_closed()
    }

    fn run(&mut self, session: &mut Session<'_>, file: &Path) -> bool {
        let outcome = (self.work)(session).map_err(|fault| fault.about(file));
        let is_done = outcome.is_ok();
        self.outcome = Some(outcome);
        is_done
    }

    fn answer(self: Box<Self>, failure: Option<&BusError>) {
        let answer = match (self.outcome, failure) {
            // What it met itself says more than what became of its transaction.
            (Some(Err(own)), _) => Err(own),
            (_, Some(failure)) => Err(failure.clone()),
            (outcome, None) => outcome.unwrap_or(Err(BusError::Closed)),
        };
        // Nobody has to wait for it.
        let _ = self.reply.send(answer);
    }
}
