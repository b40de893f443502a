use super::*;
use crate::environment::effects::Effects;
use crate::environment::store::Store;
use crate::functions::handle;
use crate::test_office::environment;
use pipeline::message::MessageId;
use std::collections::BTreeSet;

/// A store with `count` wake-ups that are due, a minute apart.
async fn put_off(count: usize) -> Environment {
    let env = environment(Store::memory(Effects::default()));
    for number in 0..count {
        let due = Timestamp::from_second(60 * number as i64).unwrap();
        let message = Envelope::root(
            "test",
            queue::ANALYZE,
            topic::VULNERABILITY_DETECTED,
            &serde_json::json!({ "case": format!("npm-{number}") }),
            env.ids.run(due),
            due,
        );
        let wake_up = WakeUp { due, reason: "weather".to_owned(), message: message.unwrap() };
        env.store.create(&wake_up.key(), &wake_up).await.unwrap();
    }
    env
}

async fn round(env: &Environment) -> Vec<Envelope> {
    due(env, &Topology::built_in().unwrap()).await.unwrap()
}

fn later(env: &Environment, seconds: i64) {
    env.clock.advance(SignedDuration::from_secs(seconds));
}

async fn waiting(env: &Environment) -> usize {
    env.store.list("wakeups").await.unwrap().len()
}

#[tokio::test]
async fn what_was_sent_is_sent_again_only_after_a_while_and_stays_until_it_is_handled() {
    let env = put_off(1).await;
    let first = round(&env).await;
    assert_eq!(first.len(), 1);
    for _ in 0..9 {
        assert_eq!(round(&env).await, []);
        later(&env, 60);
    }
    later(&env, 59);
    assert_eq!(round(&env).await, []);
    assert_eq!(waiting(&env).await, 1, "nobody has handled it");
    later(&env, 1);
    assert_eq!(round(&env).await, first);
    assert_eq!(round(&env).await, []);
    assert_eq!(env.store.list(SENT).await.unwrap().len(), 1, "the older round is forgotten");
    handle(&env, queue::ANALYZE, first[0].clone()).await.unwrap();
    assert_eq!(round(&env).await, []);
    assert_eq!(waiting(&env).await, 0, "once it is handled nobody waits for its turn");
}

#[tokio::test]
async fn round_is_bounded_and_the_oldest_come_first() {
    let env = put_off(2 * LOOKS_MAX + 7).await;
    later(&env, 60 * 2 * LOOKS_MAX as i64);
    let mut seen: BTreeSet<MessageId> = BTreeSet::new();
    let mut cases = Vec::new();
    for expect in [LOOKS_MAX, LOOKS_MAX, 7, 0] {
        let sent = round(&env).await;
        assert_eq!(sent.len(), expect);
        seen.extend(sent.iter().map(|message| message.id));
        cases.extend(sent.iter().map(|message| message.payload["case"].as_str().unwrap().to_owned()));
        later(&env, 60);
    }
    assert_eq!(seen.len(), 2 * LOOKS_MAX + 7);
    let expect: Vec<String> = (0..cases.len()).map(|number| format!("npm-{number}")).collect();
    assert_eq!(cases, expect);
    later(&env, AGAIN_S - 4 * 60);
    assert_eq!(round(&env).await.len(), LOOKS_MAX);
}

#[tokio::test]
async fn new_work_does_not_wait_for_what_was_sent_and_is_not_handled() {
    let env = put_off(LOOKS_MAX + 1).await;
    later(&env, 60 * LOOKS_MAX as i64);
    assert_eq!(round(&env).await.len(), LOOKS_MAX);
    assert_eq!(round(&env).await.len(), 1);
}

/// However many wait in vain: whoever was never sent is next, and then whoever was sent the longest ago.
#[tokio::test]
async fn new_work_comes_before_what_was_sent_in_vain_for_long() {
    let env = put_off(LOOKS_MAX + 1).await;
    later(&env, 60 * LOOKS_MAX as i64);
    let case = |message: &Envelope| message.payload["case"].as_str().unwrap().to_owned();
    let first: Vec<String> = round(&env).await.iter().map(case).collect();
    for expect in [vec![LOOKS_MAX, 0, 1], vec![LOOKS_MAX - 1, 0, 1]] {
        later(&env, AGAIN_S);
        let sent = round(&env).await;
        assert_eq!(sent.len(), LOOKS_MAX);
        let expect: Vec<String> = expect.into_iter().map(|number| format!("npm-{number}")).collect();
        assert_eq!(sent.iter().take(3).map(case).collect::<Vec<_>>(), expect);
    }
    assert!(!first.contains(&format!("npm-{LOOKS_MAX}")));
    assert!(env.store.list(SENT).await.unwrap().len() <= 3);
}

#[tokio::test]
async fn two_sweeps_at_once_send_everything_and_lose_nothing() {
    let env = put_off(20).await;
    let other = Environment { clock: env.clock.clone(), ..environment(env.store.clone()) };
    let (one, two) = tokio::join!(round(&env), round(&other));
    let ids: BTreeSet<MessageId> = one.iter().chain(&two).map(|message| message.id).collect();
    assert_eq!((ids.len(), waiting(&env).await), (20, 20));
    for message in one.into_iter().chain(two) {
        handle(&env, queue::ANALYZE, message).await.unwrap();
    }
    let (one, two) = tokio::join!(round(&env), round(&other));
    assert_eq!((one.len(), two.len(), waiting(&env).await), (0, 0, 0));
}

#[tokio::test]
async fn sweep_that_dies_before_it_noted_what_it_sends_sends_nothing_and_the_next_does() {
    let env = put_off(3).await;
    let dead =
        Environment { clock: env.clock.clone(), ..environment(env.store.with_effects(Effects::crashing_after(0))) };
    assert!(due(&dead, &Topology::built_in().unwrap()).await.is_err());
    assert_eq!(round(&env).await.len(), 3);
}

#[tokio::test]
async fn note_that_is_damaged_or_of_a_clock_far_ahead_holds_nothing_back() {
    let env = put_off(1).await;
    let keys = env.store.list("wakeups").await.unwrap();
    env.store.create("sent/22000101T000000Z/1", &keys).await.unwrap();
    env.store.create("sent/no-moment/1", &keys).await.unwrap();
    env.store.create(&format!("sent/{}/1", env.clock.now().strftime(SECOND)), &"torn").await.unwrap();
    assert_eq!(round(&env).await.len(), 1);
}
