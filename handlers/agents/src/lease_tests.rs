use super::*;
use crate::environment::effects::Effects;
use crate::environment::store::Store;
use crate::test_office::environment;
use proptest::prelude::*;
use std::collections::BTreeMap;

#[tokio::test]
async fn lease_is_held_by_one_until_it_is_given_back() {
    let env = environment(Store::memory(Effects::default()));
    let first = acquire(&env, "work", 60).await.unwrap().unwrap();
    assert!(acquire(&env, "work", 60).await.unwrap().is_none());
    assert!(acquire(&env, "other", 60).await.unwrap().is_some());
    let generation = first.generation();
    first.release(&env).await.unwrap();
    assert!(acquire(&env, "work", 60).await.unwrap().unwrap().generation() > generation);
}

#[tokio::test]
async fn lease_of_the_dead_is_taken_over_once_it_has_expired() {
    let env = environment(Store::memory(Effects::default()));
    let dead = acquire(&env, "work", 60).await.unwrap().unwrap();
    env.clock.advance(SignedDuration::from_secs(61));
    assert!(!dead.holds(&env));
    assert!(acquire(&env, "work", 60).await.unwrap().is_none(), "the other's clock may be behind");
    env.clock.advance(SignedDuration::from_secs(CLOCKS_APART_S_MAX));
    let next = acquire(&env, "work", 60).await.unwrap().unwrap();
    assert!(next.generation() > dead.generation());
    assert!(dead.renew(&env).await.unwrap().is_none());
}

#[tokio::test]
async fn renewed_lease_is_held_for_longer() {
    let env = environment(Store::memory(Effects::default()));
    let mut lease = acquire(&env, "work", 60).await.unwrap().unwrap();
    let generation = lease.generation();
    // Also past the time for which a view counts.
    for _ in 0..20 {
        env.clock.advance(SignedDuration::from_secs(50));
        lease = lease.renew(&env).await.unwrap().unwrap();
    }
    assert_eq!(lease.generation(), generation);
    assert!(acquire(&env, "work", 60).await.unwrap().is_none());
}

#[tokio::test]
async fn giving_back_what_somebody_else_has_by_now_is_no_matter() {
    let env = environment(Store::memory(Effects::default()));
    let slow = acquire(&env, "work", 60).await.unwrap().unwrap();
    env.clock.advance(SignedDuration::from_secs(100));
    let other = acquire(&env, "work", 60).await.unwrap().unwrap();
    slow.release(&env).await.unwrap();
    assert!(acquire(&env, "work", 60).await.unwrap().is_none());
    assert!(other.renew(&env).await.unwrap().is_some());
}

#[derive(Debug, Clone, Copy)]
enum Act {
    Acquire,
    Renew,
    Release,
    /// It dies: what it held is forgotten, not given back.
    Die,
    Wait(i64),
    Prune,
}

fn acts() -> impl Strategy<Value = Vec<(usize, Act)>> {
    let act = prop_oneof![
        4 => Just(Act::Acquire),
        2 => Just(Act::Renew),
        1 => Just(Act::Release),
        1 => Just(Act::Die),
        2 => (1_i64..200).prop_map(Act::Wait),
        1 => Just(Act::Wait(3000)),
        1 => Just(Act::Prune),
    ];
    prop::collection::vec((0_usize..2, act), 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]
    #[test]
    fn two_processes_never_hold_one_generation_nor_the_lease_at_the_same_time(acts in acts()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let env = environment(Store::memory(Effects::default()));
            let mut held: [Option<Lease>; 2] = [None, None];
            let mut holders: BTreeMap<u64, Uuid> = BTreeMap::new();
            for (who, act) in acts {
                match act {
                    Act::Acquire if held[who].is_none() => held[who] = acquire(&env, "work", 60).await.unwrap(),
                    // Both at the same time.
                    Act::Acquire => {
                        let (one, other) = tokio::join!(acquire(&env, "work", 60), acquire(&env, "work", 60));
                        let both = [one.unwrap(), other.unwrap()];
                        assert!(both.iter().flatten().count() < 2);
                        if let Some(lease) = both.into_iter().flatten().next() {
                            held[who] = Some(lease);
                        }
                    }
                    Act::Renew => if let Some(lease) = held[who].take() { held[who] = lease.renew(&env).await.unwrap() },
                    Act::Release => if let Some(lease) = held[who].take() { lease.release(&env).await.unwrap() },
                    Act::Die => held[who] = None,
                    Act::Wait(seconds) => env.clock.advance(SignedDuration::from_secs(seconds)),
                    Act::Prune => drop(state::prune(&env, 100).await.unwrap()),
                }
                for lease in held.iter().flatten() {
                    let holder = *holders.entry(lease.generation()).or_insert(lease.held.holder);
                    assert_eq!(holder, lease.held.holder, "two holders of generation {}", lease.generation());
                }
                assert!(held.iter().flatten().filter(|lease| lease.holds(&env)).count() < 2, "two hold it");
            }
        });
    }
}
