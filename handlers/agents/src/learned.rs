//! What came of fixes, one record each under `outcomes/<day>/`, and what was learned of them: a document that `sweep` alone writes, and
//! that is the same when it is made anew from all of the records.

use crate::breaker;
use crate::environment::Environment;
use crate::environment::store::{Store, StoreError};
use crate::error::AgentError;
use crate::merges;
use crate::offered::Offer;
use crate::tries::{self, Noted, Try};
use crate::words;
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use pipeline::decision::breaker::Ended;
use pipeline::decision::guard::Guard;
use pipeline::ids::{CaseId, hash_of};
use pipeline::learning::Model;
use pipeline::learning::outcome::{Ending, OutcomeRecord, Remedy};
use pipeline::learning::track::{Days, Track, day};
use pipeline::message::{Envelope, topic};
use pipeline::outbox::Reply;
use pipeline::wording;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Where the records are.
const SHELF: &str = "outcomes";

/// Where the document is.
pub const LEARNED: &str = "learned.json";

/// Where it is noted when each was heard of first.
const HEARD: &str = "heard";

/// A day is over only so many days later: clocks may differ, and what is heard of on one day may be kept on the next.
const DAYS_OPEN: i32 = 3;

/// What was learned.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Learned {
    /// The last day that is over and counted.
    pub through: Option<Date>,
    /// Of all days up to that one.
    pub closed: Model,
    /// Of all days.
    pub all: Model,
    /// Of each of the last days.
    pub days: Days,
}

/// That a fix ended.
#[derive(Debug, Clone, Copy)]
pub struct Told<'a> {
    /// Of which case.
    pub case: &'a CaseId,
    /// The fix.
    pub offer: &'a Offer,
    /// How.
    pub ending: Ending,
    /// Whether it was merged without people.
    pub is_unattended: bool,
}

/// Has it learned how a fix ended. Nothing is learned from an offer that does not say what was tried.
pub fn tell<P>(env: &Environment, reply: &mut Reply<'_, P>, told: Told<'_>) -> Result<(), AgentError> {
    let Told { case, offer, ending, is_unattended } = told;
    let (Some(tried), Some(plan)) = (&offer.tried, offer.plan()) else { return Ok(()) };
    let outcome = OutcomeRecord {
        case: case.clone(),
        plan,
        pull_request: offer.delivery.pull_request.as_ref().map_or(0, |pull| pull.number),
        repository: offer.wound.repository.clone(),
        remedy: tried.remedy.clone(),
        confidence: tried.confidence,
        is_unattended,
        at: env.clock.now(),
        ending,
        before: None,
        healed: offer.healed(),
    };
    Ok(reply.event(topic::OUTCOME_RECORDED, case.as_str(), &outcome)?)
}

/// Takes in what `told` says of a fix: for the model, for the breaker of its kind, and for what the case has been through. Told again, it
/// makes no difference.
pub async fn hear(env: &Environment, told: &Envelope<OutcomeRecord>) -> Result<(), AgentError> {
    if !words::is_first_to_undo(&env.store, &told.payload).await? {
        return Ok(());
    }
    let before = words::hear(&env.store, &told.payload).await?;
    let outcome = &OutcomeRecord { before, ..told.payload.clone() };
    let id = id_of(outcome);
    keep(env, when_kept(env, &id).await?, outcome).await?;
    let ended = Ended {
        outcome: &id,
        fix: &words::fix_of(outcome),
        case: &outcome.case,
        plan: &outcome.plan,
        is_well: outcome.ending.is_success().filter(|_| !outcome.is_outranked()),
        is_harm: outcome.ending.is_harm(),
    };
    breaker::note(env, &outcome.remedy, &outcome.repository, &ended).await?;
    if outcome.ending.is_harm() && outcome.is_unattended {
        merges::turned_out_wrong(env, &outcome.case, &outcome.plan).await?;
    } else if !outcome.is_unattended {
        // Whatever became of it, we did not merge it: the place that was meant for that would count as a merge that was right.
        merges::give_back(env, &outcome.case, &outcome.plan, outcome.at).await?;
    }
    match outcome.ending {
        Ending::Merged | Ending::MergedEdited => {
            let noted = Noted { at: outcome.at, healed: outcome.healed.clone() };
            tries::note(env, &outcome.case, Try::Healed, &id, &noted).await?;
        }
        Ending::TakenBack => {
            let noted = Noted { at: outcome.at, healed: BTreeSet::new() };
            tries::note(env, &outcome.case, Try::TakenBack, &id, &noted).await?;
        }
        _ => {}
    }
    Ok(())
}

/// By which an outcome is known, whoever tells of it, and how often.
fn id_of(outcome: &OutcomeRecord) -> String {
    let number = outcome.pull_request.to_string();
    hash_of(&[outcome.case.as_str(), &outcome.plan, &number, &outcome.ending.to_string()])[..32].to_owned()
}

/// The moment on whose day the outcome `id` is kept: when it was heard of first. It may be told of days later, and days that are over are not
/// looked at again: where whoever heard of it then died before it was kept, it is when it is heard of now.
async fn when_kept(env: &Environment, id: &str) -> Result<Timestamp, StoreError> {
    let yesterday = day(env.clock.now()).yesterday().unwrap_or(Date::MIN);
    let mut key = format!("{HEARD}/{id}");
    loop {
        let heard = first_heard(env, &key).await?;
        if day(heard) >= yesterday || is_kept(env, heard, id).await? {
            return Ok(heard);
        }
        key.push_str("-again");
    }
}

/// What stands under `key`: now, where nothing does yet.
async fn first_heard(env: &Environment, key: &str) -> Result<Timestamp, StoreError> {
    let now = env.clock.now();
    env.store.create(key, &now).await?;
    match env.store.read(key).await {
        Ok(first) => Ok(first.unwrap_or(now)),
        Err(StoreError::Damaged { .. }) => Ok(now),
        Err(error) => Err(error),
    }
}

/// Whether the outcome `id` is kept on the day of `moment`.
async fn is_kept(env: &Environment, moment: Timestamp, id: &str) -> Result<bool, StoreError> {
    match env.store.read::<IgnoredAny>(&key(moment, id)).await {
        Ok(kept) => Ok(kept.is_some()),
        Err(StoreError::Damaged { .. }) => Ok(true),
        Err(error) => Err(error),
    }
}

/// Keeps what came of a fix, on the day of `moment`.
pub async fn keep(env: &Environment, moment: Timestamp, outcome: &OutcomeRecord) -> Result<(), StoreError> {
    env.store.create(&key(moment, &id_of(outcome)), outcome).await?;
    Ok(())
}

fn key(moment: Timestamp, id: &str) -> String {
    format!("{SHELF}/{}/{id}", day(moment))
}

/// Why `remedy` is only proposed: people keep declining it, or nobody can tell whether they do.
pub async fn demotion(env: &Environment, remedy: &Remedy) -> Result<Option<Guard>, AgentError> {
    match env.store.read::<Learned>(LEARNED).await {
        Ok(learned) => Ok(learned.and_then(|learned| learned.all.sums(remedy).demotion()).map(Guard::demoted)),
        Err(StoreError::Damaged { .. }) => Ok(Some(Guard::demoted(wording::learned_unreadable().to_owned()))),
        Err(error) => Err(error.into()),
    }
}

/// How `remedy` fared, as merges without people see it.
pub async fn track(env: &Environment, remedy: &Remedy) -> Result<Track, AgentError> {
    let learned = read(&env.store).await?;
    Ok(learned.days.track(remedy, &learned.all, env.clock.now()))
}

/// What was learned, as it was last written down. A damaged document is none: the next one is made anew.
pub async fn read(store: &Store) -> Result<Learned, StoreError> {
    match store.read::<Learned>(LEARNED).await {
        Ok(learned) => Ok(learned.unwrap_or_default()),
        Err(StoreError::Damaged { error, .. }) => {
            tracing::error!(%error, "what was learned is damaged; it is made anew");
            Ok(Learned::default())
        }
        Err(error) => Err(error),
    }
}

/// Learns of the days that are not over yet, or not counted.
pub async fn learn(env: &Environment) -> Result<(), StoreError> {
    let before = read(&env.store).await?;
    let after = go_on(env, before.clone()).await?;
    if after != before {
        env.store.overwrite(LEARNED, &after).await?;
    }
    Ok(())
}

/// Everything, from all of the records.
pub async fn anew(env: &Environment) -> Result<Learned, StoreError> {
    go_on(env, Learned::default()).await
}

async fn go_on(env: &Environment, mut learned: Learned) -> Result<Learned, StoreError> {
    let last_over = day(env.clock.now()).checked_sub(DAYS_OPEN.days()).unwrap_or(Date::MIN);
    if learned.through.is_some_and(|through| through > last_over) {
        // Somebody's clock was ahead: what it took for over was not.
        learned = Learned::default();
    }
    let mut open = Model::default();
    let today = day(env.clock.now());
    for name in env.store.folders(SHELF).await? {
        let Ok(day) = name.parse::<Date>() else { continue };
        if learned.through.is_some_and(|through| day <= through) {
            continue;
        }
        let of_day = of_day(&env.store, &name).await?;
        match day <= last_over {
            true => learned.closed.merge(&of_day),
            false => open.merge(&of_day),
        }
        learned.days.set(day, of_day);
    }
    learned.days.forget(today);
    learned.through = learned.through.max(Some(last_over));
    learned.all = learned.closed.clone();
    learned.all.merge(&open);
    Ok(learned)
}

async fn of_day(store: &Store, day: &str) -> Result<Model, StoreError> {
    let mut model = Model::default();
    for key in store.list(&format!("{SHELF}/{day}")).await? {
        match store.read::<OutcomeRecord>(&key).await {
            Ok(outcome) => outcome.iter().for_each(|outcome| model.add(outcome)),
            Err(StoreError::Damaged { key, error }) => tracing::error!(key, %error, "an outcome is damaged"),
            Err(error) => return Err(error),
        }
    }
    Ok(model)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::effects::Effects;
    use crate::test_office::environment;
    use jiff::SignedDuration;
    use pipeline::message::RunId;

    fn outcome(number: u32, ending: Ending, at: Timestamp) -> OutcomeRecord {
        OutcomeRecord {
            case: format!("npm-{number}").parse().unwrap(),
            plan: "a plan".to_owned(),
            pull_request: 0,
            repository: "github.example/octo/shop".parse().unwrap(),
            remedy: Remedy::from("update_dependency:npm:in_place".to_owned()),
            confidence: 0.95,
            is_unattended: false,
            at,
            ending,
            before: None,
            healed: BTreeSet::new(),
        }
    }

    #[tokio::test]
    async fn what_is_learned_day_by_day_is_what_all_records_teach() {
        let env = environment(Store::memory(Effects::default()));
        for number in 0..30 {
            let now = env.clock.now();
            let ending = Ending::ALL[number as usize % Ending::ALL.len()];
            for _ in 0..2 {
                keep(&env, now, &outcome(number, ending, now)).await.unwrap();
            }
            learn(&env).await.unwrap();
            assert_eq!(read(&env.store).await.unwrap(), anew(&env).await.unwrap());
            env.clock.advance(SignedDuration::from_hours(7));
        }
        let learned = read(&env.store).await.unwrap();
        assert_eq!(
            learned.all.remedies.values().next().unwrap().telling(),
            30 - 9,
            "censored, reverted and regressed ones are no other fixes"
        );
        assert!(learned.through.is_some() && learned.closed != learned.all);
    }

    fn told(outcome: &OutcomeRecord) -> Envelope<OutcomeRecord> {
        let run = RunId::new(outcome.at, [0; 10]);
        let event = Envelope::root("test", "events", topic::OUTCOME_RECORDED, outcome, run, outcome.at).unwrap();
        event.read().unwrap()
    }

    #[tokio::test]
    async fn outcome_that_was_heard_and_not_kept_is_kept_when_it_is_heard_again() {
        let env = environment(Store::memory(Effects::default()));
        let outcome = outcome(1, Ending::Declined, env.clock.now());
        env.store.create(&format!("{HEARD}/{}", id_of(&outcome)), &env.clock.now()).await.unwrap();
        for _ in 0..7 {
            env.clock.advance(SignedDuration::from_hours(24));
            learn(&env).await.unwrap();
        }
        for _ in 0..2 {
            hear(&env, &told(&outcome)).await.unwrap();
            learn(&env).await.unwrap();
            assert_eq!(read(&env.store).await.unwrap().all.count(Ending::Declined), 1);
            env.clock.advance(SignedDuration::from_hours(24 * 7));
        }
    }

    #[tokio::test]
    async fn checks_that_failed_and_passed_after_all_leave_one_outcome() {
        for order in [[Ending::ChecksFailed, Ending::Merged], [Ending::Merged, Ending::ChecksFailed]] {
            let env = environment(Store::memory(Effects::default()));
            let failed = env.clock.now();
            env.clock.advance(SignedDuration::from_hours(1));
            for ending in order {
                let at = if ending == Ending::Merged { env.clock.now() } else { failed };
                for _ in 0..2 {
                    hear(&env, &told(&outcome(1, ending, at))).await.unwrap();
                }
            }
            learn(&env).await.unwrap();
            let sums =
                read(&env.store).await.unwrap().all.sums(&Remedy::from("update_dependency:npm:in_place".to_owned()));
            assert_eq!((sums.telling(), sums.right_and_wrong()), (1, (1, 0)), "{order:?}");
        }
    }

    #[tokio::test]
    async fn remedy_of_which_nothing_can_be_read_is_only_proposed() {
        let env = environment(Store::memory(Effects::default()));
        env.store.overwrite(LEARNED, &"torn").await.unwrap();
        let remedy = Remedy::from("update_dependency:npm:in_place".to_owned());
        assert!(demotion(&env, &remedy).await.unwrap().unwrap().reason.contains("can't be read"));
        learn(&env).await.unwrap();
        assert_eq!(demotion(&env, &remedy).await.unwrap(), None, "it is made anew");
    }

    #[tokio::test]
    async fn remedy_that_people_keep_declining_is_demoted() {
        let env = environment(Store::memory(Effects::default()));
        let remedy = Remedy::from("update_dependency:npm:in_place".to_owned());
        for number in 0..5 {
            assert_eq!(demotion(&env, &remedy).await.unwrap(), None);
            keep(&env, env.clock.now(), &outcome(number, Ending::Declined, env.clock.now())).await.unwrap();
            learn(&env).await.unwrap();
        }
        assert!(demotion(&env, &remedy).await.unwrap().unwrap().reason.contains("declined 5 times"));
    }
}
