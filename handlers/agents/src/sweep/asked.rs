//! What a look of `sweep` asks agents for, with ids that follow from the look: each once, and again only if nobody answered for a while.

use crate::environment::Environment;
use crate::environment::store::StoreError;
use crate::error::AgentError;
use crate::journal::{JournalRecord, journal_key};
use jiff::{SignedDuration, Timestamp};
use pipeline::message::{Envelope, MessageId};
use std::collections::BTreeSet;

/// So many are sent at one tick.
const SENT_PER_TICK: usize = 200;

/// What was sent is not sent again before so long: until then it may well lie in its queue.
const AGAIN_S: i64 = 10 * 60;

/// Where each tick leaves what it sent: `asked/<look>/<second>/<tick>`. What is too old to count is deleted.
const ASKED: &str = "asked";

/// What there is to do for a look.
pub(super) struct Left {
    /// What is sent now.
    pub messages: Vec<Envelope>,
    /// Whether nothing was left, neither to send nor to be answered.
    pub is_nothing: bool,
}

/// What is left of the `questions` of the look called `look`.
pub(super) async fn left(env: &Environment, look: &str, questions: Vec<Envelope>) -> Result<Left, AgentError> {
    let of_late = of_late(env, look).await?;
    let mut left = Left { messages: Vec::new(), is_nothing: true };
    for question in questions {
        if left.messages.len() == SENT_PER_TICK {
            break;
        }
        if of_late.contains(&question.id) {
            left.is_nothing = false;
        } else if !is_done(env, &question).await? {
            left.is_nothing = false;
            left.messages.push(question);
        }
    }
    if !left.messages.is_empty() {
        let now = env.clock.now();
        let key = format!("{ASKED}/{look}/{}/{}", now.strftime("%Y%m%dT%H%M%SZ"), env.ids.run(now));
        let ids: Vec<MessageId> = left.messages.iter().map(|message| message.id).collect();
        env.store.create(&key, &ids).await?;
    }
    Ok(left)
}

/// What was sent less than [`AGAIN_S`] ago. A clock that was far ahead must not hold anything back.
async fn of_late(env: &Environment, look: &str) -> Result<BTreeSet<MessageId>, AgentError> {
    let now = env.clock.now();
    let mut ids = BTreeSet::new();
    for key in env.store.list(&format!("{ASKED}/{look}")).await? {
        let at = key.split('/').nth(2).and_then(|second| second.parse::<Timestamp>().ok());
        if at.is_none_or(|at| now.duration_since(at).abs() >= SignedDuration::from_secs(AGAIN_S)) {
            env.store.delete(&key).await?;
            continue;
        }
        match env.store.read::<Vec<MessageId>>(&key).await {
            Ok(sent) => ids.extend(sent.unwrap_or_default()),
            // Then they are sent once more.
            Err(StoreError::Damaged { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(ids)
}

/// Whether its function has handled `question`. A damaged journal says no: its function is asked, and buries it.
async fn is_done(env: &Environment, question: &Envelope) -> Result<bool, AgentError> {
    let function = question.target.as_deref().unwrap_or_default();
    match env.store.read::<JournalRecord>(&journal_key(function, question.id)).await {
        Ok(record) => Ok(record.is_some()),
        Err(StoreError::Damaged { .. }) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::effects::Effects;
    use crate::environment::store::Store;
    use crate::test_office::environment;
    use pipeline::message::{RunId, queue, topic};

    fn questions(env: &Environment, count: i64) -> Vec<Envelope> {
        let moment = |number| Timestamp::from_second(number).unwrap();
        let question = |number| {
            let run = RunId::about(moment(0), &format!("{number}"));
            Envelope::root("sweep", queue::SCAN, topic::MATCH_REQUESTED, &"", run, env.clock.now()).unwrap()
        };
        (0..count).map(question).collect()
    }

    async fn sent(env: &Environment, count: i64) -> usize {
        left(env, "look", questions(env, count)).await.unwrap().messages.len()
    }

    #[tokio::test]
    async fn question_is_sent_again_only_after_a_while() {
        let env = environment(Store::memory(Effects::default()));
        assert_eq!(sent(&env, 3).await, 3);
        for _ in 0..10 {
            assert_eq!(sent(&env, 3).await, 0);
            assert!(!left(&env, "look", questions(&env, 3)).await.unwrap().is_nothing, "nobody answered");
            env.clock.advance(SignedDuration::from_secs(59));
        }
        env.clock.advance(SignedDuration::from_secs(10));
        assert_eq!(sent(&env, 3).await, 3);
        assert_eq!(env.store.list(ASKED).await.unwrap().len(), 1, "the older tick is forgotten");
        assert!(left(&env, "another", Vec::new()).await.unwrap().is_nothing);
    }

    #[tokio::test]
    async fn many_are_sent_tick_by_tick() {
        let env = environment(Store::memory(Effects::default()));
        let count = SENT_PER_TICK as i64 * 2 + 7;
        for expect in [SENT_PER_TICK, SENT_PER_TICK, 7, 0] {
            assert_eq!(sent(&env, count).await, expect);
        }
    }

    #[tokio::test]
    async fn record_that_is_damaged_is_no_answer_and_holds_nothing_back() {
        let env = environment(Store::memory(Effects::default()));
        let question = questions(&env, 1).remove(0);
        env.store.create(&journal_key(queue::SCAN, question.id), &"torn").await.unwrap();
        let second = env.clock.now().strftime("%Y%m%dT%H%M%SZ").to_string();
        env.store.create(&format!("{ASKED}/look/{second}/1"), &"torn").await.unwrap();
        assert_eq!(sent(&env, 1).await, 1);
    }
}
