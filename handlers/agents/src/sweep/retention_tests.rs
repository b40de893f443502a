use super::*;
use crate::environment::clock::Clock;
use crate::environment::effects::Effects;
use crate::environment::store::Store;
use crate::history::record_key;
use crate::test_office::environment;
use jiff::SignedDuration;
use pipeline::case::{CaseRecord, Delivery, Status};
use pipeline::decision::Decision;
use pipeline::message::{Envelope, MessageId, RunId, queue, topic};

/// Stores date what is written by the machine's clock; the sweeps of these tests look back from far ahead.
fn far_ahead(store: Store, days: i64) -> Environment {
    let ahead: Timestamp = "2200-01-01T00:00:00Z".parse().unwrap();
    let clock = Clock::standing_at(ahead + SignedDuration::from_hours(24 * days));
    Environment { clock, ..environment(store) }
}

async fn sweep_through(env: &Environment) -> usize {
    for ticks in 1..500 {
        clear_away(env).await.unwrap();
        let view = state::read::<Progress>(env, PROGRESS).await.unwrap();
        if view.value.is_some_and(|progress| progress.shelf.is_none()) {
            return ticks;
        }
    }
    panic!("the pass does not end");
}

async fn case(store: &Store, name: &str, status: Status, runs: usize) {
    for run in 0..runs {
        let began = Timestamp::from_second(1_700_000_000 + 3600 * run as i64).unwrap();
        for (hops, status) in [(0, Some(Status::Initiated)), (1, None), (2, Some(status))] {
            let message = MessageId(uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, format!("{run}{hops}").as_bytes()));
            let mut record =
                CaseRecord::new(name.parse().unwrap(), message, RunId::new(began, [0; 10]), hops, "test", began);
            record.status = status;
            record.delivery = (hops == 2).then(|| Delivery {
                branch: None,
                commit: None,
                files: Vec::new(),
                diff: format!("diffs/{name}"),
                pull_request: None,
            });
            store.create(&record_key(&record), &record).await.unwrap();
        }
    }
    store.create(&format!("diffs/{name}"), &"diff").await.unwrap();
}

#[tokio::test]
async fn case_whose_fix_is_offered_is_kept_however_it_stands() {
    let store = Store::memory(Effects::default());
    case(&store, "offered", Status::Failed, 2).await;
    case(&store, "failed", Status::Failed, 2).await;
    store.create("offered/0123/offered", &"what is offered").await.unwrap();
    for case in ["offered", "failed"] {
        store.create(&format!("last_offers/{case}"), &"what was offered last").await.unwrap();
        for shelf in ["declined", "words"] {
            store.create(&format!("{shelf}/{case}/plan/1"), &"when, or what").await.unwrap();
        }
    }
    sweep_through(&far_ahead(store.clone(), 0)).await;
    let cases = store.folders("cases").await.unwrap();
    assert_eq!(cases, ["offered"]);
    assert_eq!(store.list("last_offers").await.unwrap(), ["last_offers/offered"]);
    for shelf in ["declined", "words"] {
        assert_eq!(store.list(shelf).await.unwrap(), [format!("{shelf}/offered/plan/1")]);
    }
}

/// A store with one of everything, all of it old.
async fn old_store() -> Store {
    let store = Store::memory(Effects::default());
    for key in ["journal/scan/1", "journal/monitor/1", "events/20230101/1", "notices/1", "poison/1", "claims/1"] {
        store.create(key, &"old").await.unwrap();
    }
    let now = Timestamp::UNIX_EPOCH;
    let mut message =
        Envelope::root("test", queue::SCAN, topic::SCAN_REQUESTED, &"", RunId::new(now, [0; 10]), now).unwrap();
    message.payload_ref = Some("claims/needed".to_owned());
    store.create("claims/needed", &"old").await.unwrap();
    let wake_up = WakeUp { due: Timestamp::MAX, reason: String::new(), message };
    store.create("wakeups/99991231T0000/1", &wake_up).await.unwrap();
    case(&store, "closed", Status::Completed, 2).await;
    case(&store, "open", Status::Proposed, 2).await;
    store
}

async fn keys(store: &Store) -> Vec<String> {
    let keys = store.list("").await.unwrap();
    keys.into_iter().filter(|key| !key.starts_with("state/")).collect()
}

#[tokio::test]
async fn what_is_old_is_forgotten_but_nothing_that_is_open() {
    let store = old_store().await;
    let before = keys(&store).await;
    sweep_through(&far_ahead(store.clone(), 0)).await;
    let left = keys(&store).await;
    assert!(left.iter().all(|key| before.contains(key)));
    let left: Vec<&str> = left.iter().map(|key| key.split("/0").next().unwrap()).collect();
    assert_eq!(left.iter().filter(|key| key.starts_with("cases/open")).count(), 6);
    let rest: Vec<&&str> = left.iter().filter(|key| !key.starts_with("cases/open")).collect();
    assert_eq!(rest, [&"claims/needed", &"diffs/open", &"wakeups/99991231T0000/1"]);
}

#[tokio::test]
async fn what_is_young_stays_and_poison_and_claims_stay_longer() {
    let store = old_store().await;
    let written = store.list_written("claims").await.unwrap()[0].written;
    let env = environment(store.clone());
    let days = |days: i64| SignedDuration::from_hours(24 * days);
    let before = keys(&store).await;
    let sweep_at = async |moment: Timestamp| {
        let env = Environment { clock: Clock::standing_at(moment), ..environment(store.clone()) };
        sweep_through(&env).await;
        keys(&store).await
    };
    assert_eq!(sweep_at(written + days(89)).await, before);
    let later = sweep_at(written + days(92)).await;
    assert!(!later.iter().any(|key| key.starts_with("journal/") || key.starts_with("cases/closed")), "{later:?}");
    assert!(later.contains(&"poison/1".to_owned()) && later.contains(&"claims/1".to_owned()));
    let last = sweep_at(written + days(181)).await;
    assert!(!last.contains(&"poison/1".to_owned()) && last.contains(&"claims/1".to_owned()));
    assert!(!sweep_at(written + days(184)).await.contains(&"claims/1".to_owned()));
    drop(env);
}

#[tokio::test]
async fn diff_that_a_kept_case_names_stays_however_old_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::folder(folder.path(), Effects::default()).unwrap();
    let age = |key: &str, days: u64| {
        let file = std::fs::File::options().write(true).open(folder.path().join(key)).unwrap();
        let now = file.metadata().unwrap().modified().unwrap();
        file.set_modified(now - std::time::Duration::from_secs(24 * 3600 * days)).unwrap();
    };
    for name in ["old", "seen-today", "damaged", "late"] {
        case(&store, name, Status::Proposed, 2).await;
        age(&format!("diffs/{name}"), 100);
        let keys = store.list(&format!("cases/{name}")).await.unwrap();
        for (number, key) in keys.iter().enumerate() {
            match name {
                // Its second run was today.
                "seen-today" if number >= 3 => {}
                // What names the diff came as late as it may.
                "late" => age(key, 91 - u64::try_from(crate::environment::retention::DAYS_MIN).unwrap()),
                _ => age(key, 100),
            }
        }
    }
    let damaged = store.list("cases/damaged").await.unwrap();
    store.overwrite(&damaged[0], &"torn").await.unwrap();
    age(&damaged[0], 100);
    store.create("diffs/of-nobody", &"diff").await.unwrap();
    store.create("diffs/young", &"diff").await.unwrap();
    age("diffs/of-nobody", 100);
    let cases = store.list("cases").await.unwrap();
    sweep_through(&Environment::alone(store.clone())).await;
    assert_eq!(store.list("cases").await.unwrap(), cases);
    let left = store.list("diffs").await.unwrap();
    assert_eq!(left, ["diffs/damaged", "diffs/late", "diffs/old", "diffs/seen-today", "diffs/young"]);
}

#[tokio::test]
async fn pass_is_made_once_a_day_and_takes_as_many_ticks_as_it_needs() {
    let store = Store::memory(Effects::default());
    for number in 0..2 * KEYS_PER_TICK + 1 {
        store.create(&format!("notices/{number}"), &"old").await.unwrap();
    }
    let effects = Effects::default();
    let env = far_ahead(store.with_effects(effects.clone()), 0);
    let mut before = 0;
    while !keys(&store).await.is_empty() {
        clear_away(&env).await.unwrap();
        assert!(effects.count() - before <= KEYS_PER_TICK + 3, "{}", effects.count() - before);
        before = effects.count();
    }
    sweep_through(&env).await;
    let count = effects.count();
    clear_away(&env).await.unwrap();
    assert_eq!(effects.count(), count, "the pass of today is over");
    clear_away(&far_ahead(store.with_effects(effects.clone()), 1)).await.unwrap();
    assert!(effects.count() > count, "tomorrow is another pass");
}

#[tokio::test]
async fn sweep_that_dies_after_any_effect_leaves_the_rest_to_the_next() {
    let store = old_store().await;
    let effects = Effects::default();
    sweep_through(&far_ahead(store.with_effects(effects.clone()), 0)).await;
    let expected = keys(&store).await;
    for dies_after in 0..effects.count() {
        let store = old_store().await;
        let doomed = far_ahead(store.with_effects(Effects::crashing_after(dies_after)), 0);
        while clear_away(&doomed).await.is_ok() {}
        let half = fold_of(&store, "closed").await;
        assert!(half.is_none_or(|status| status == Status::Completed), "half forgotten it stands otherwise: {half:?}");
        let next = far_ahead(store.clone(), 0);
        next.clock.advance(SignedDuration::from_secs(LEASE_S + lease::CLOCKS_APART_S_MAX + 1));
        sweep_through(&next).await;
        assert_eq!(keys(&store).await, expected, "died after {dies_after}");
    }
}

async fn fold_of(store: &Store, case: &str) -> Option<Status> {
    crate::history::case(store, &case.parse().unwrap()).await.unwrap().map(|case| case.status)
}

#[tokio::test]
async fn two_sweeps_at_once_forget_no_more_than_one() {
    let expected = {
        let store = old_store().await;
        sweep_through(&far_ahead(store.clone(), 0)).await;
        keys(&store).await
    };
    let store = old_store().await;
    let (one, other) = (far_ahead(store.clone(), 0), far_ahead(store.clone(), 0));
    for _ in 0..40 {
        let (first, second) = tokio::join!(clear_away(&one), clear_away(&other));
        first.unwrap();
        second.unwrap();
    }
    assert_eq!(keys(&store).await, expected);
}

#[tokio::test]
async fn long_history_keeps_the_runs_that_are_read() {
    let store = Store::memory(Effects::default());
    case(&store, "busy", Status::Completed, 60).await;
    let runs = async || {
        let mut runs: Vec<String> = store
            .list("cases/busy")
            .await
            .unwrap()
            .iter()
            .map(|key| key.split('/').nth(2).unwrap().to_owned())
            .collect();
        runs.dedup();
        runs
    };
    let all = runs().await;
    // One record of today: the case is not old.
    let env = far_ahead(store.clone(), 0);
    let horizon = env.retention.horizon(env.clock.now());
    let listed = store.list_written("cases/busy").await.unwrap();
    let mut by_run: std::collections::BTreeMap<String, Vec<Listed>> = Default::default();
    for listed in listed {
        by_run.entry(listed.key.split('/').nth(2).unwrap().to_owned()).or_default().push(listed);
    }
    let deleted = cases::forget_runs(&env, &by_run, horizon, KEYS_PER_TICK).await.unwrap();
    assert_eq!(deleted, 3 * (60 - crate::history::RUNS_READ_MAX - 1));
    let left = runs().await;
    assert_eq!(left[0], all[0]);
    assert_eq!(left[1..], all[60 - crate::history::RUNS_READ_MAX..]);
    assert_eq!(fold_of(&store, "busy").await, Some(Status::Completed));
}

/// A case that was offered in its first run but one, and then held `held` times.
async fn held_case(store: &Store, held: usize) {
    case(store, "held", Status::Proposed, 2).await;
    for run in 2..2 + held {
        let began = Timestamp::from_second(1_700_000_000 + 3600 * run as i64).unwrap();
        for hops in 0..2 {
            let message = MessageId(uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, format!("{run}{hops}").as_bytes()));
            let mut record =
                CaseRecord::new("held".parse().unwrap(), message, RunId::new(began, [0; 10]), hops, "test", began);
            match hops {
                0 => record.status = Some(Status::Initiated),
                _ => {
                    record.decision = Some((Decision::Heal, vec!["budget".to_owned()]));
                    record.grounds = serde_json::from_value(serde_json::json!({
                        "confidence": 1.0,
                        "held_until": began + SignedDuration::from_hours(6),
                    }))
                    .ok();
                    assert!(record.grounds.is_some());
                }
            }
            store.create(&record_key(&record), &record).await.unwrap();
        }
    }
}

/// The clock of the store is the machine's: everything was written just now.
fn today(store: Store) -> Environment {
    Environment { clock: Clock::System, ..environment(store) }
}

#[tokio::test]
async fn of_runs_that_were_held_one_after_another_the_newest_is_kept() {
    let store = Store::memory(Effects::default());
    held_case(&store, 12).await;
    let before = crate::history::case(&store, &"held".parse().unwrap()).await.unwrap();
    sweep_through(&today(store.clone())).await;
    let mut runs: Vec<String> =
        keys(&store).await.iter().filter(|key| key.starts_with("cases/held")).map(|key| key[..47].to_owned()).collect();
    runs.dedup();
    assert_eq!(runs.len(), 3, "two that offered, and the newest of those that were held: {runs:?}");
    assert_eq!(crate::history::case(&store, &"held".parse().unwrap()).await.unwrap(), before);
}

#[tokio::test]
async fn sweep_that_dies_while_it_forgets_held_runs_leaves_the_case_as_it_stands() {
    let of_case = async |store: &Store| crate::history::case(store, &"held".parse().unwrap()).await.unwrap();
    for dies_after in 0..22 {
        let store = Store::memory(Effects::default());
        held_case(&store, 12).await;
        let before = of_case(&store).await;
        let doomed = today(store.with_effects(Effects::crashing_after(dies_after)));
        let runs = cases::all(&doomed).await.unwrap().remove("held").unwrap();
        assert!(cases::forget_held(&doomed, &runs).await.is_err(), "{dies_after}");
        assert_eq!(of_case(&store).await, before, "{dies_after}");
        let next = today(store.clone());
        let runs = cases::all(&next).await.unwrap().remove("held").unwrap();
        cases::forget_held(&next, &runs).await.unwrap();
        assert!(cases::all(&next).await.unwrap()["held"].len() <= cases::RUNS_LET_BE, "{dies_after}");
        assert_eq!(of_case(&store).await, before, "{dies_after}");
    }
}

#[tokio::test]
async fn what_was_claimed_for_a_rollback_is_forgotten_wherever_it_is() {
    let store = Store::memory(Effects::default());
    let places =
        ["rollbacks", "state/rollback"].map(|shelf| format!("{shelf}/{}", MessageId(uuid::Uuid::from_u128(1))));
    for (number, place) in places.iter().enumerate() {
        let step = pipeline::case::Step::new("prove: gone", false, number.to_string());
        store.create(place, &vec![step]).await.unwrap();
    }
    let there = async || store.list("").await.unwrap().into_iter().filter(|key| places.contains(key)).count();
    sweep_through(&today(store.clone())).await;
    assert_eq!(there().await, 2, "a message may be on its way that asks for them");
    sweep_through(&far_ahead(store.clone(), 0)).await;
    assert_eq!(there().await, 0);
}
