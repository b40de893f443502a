use super::*;
use crate::environment::effects::Effects;
use crate::test_office::environment;

async fn numbers(env: &Environment) -> Vec<u64> {
    env.store.list("state/count").await.unwrap().iter().filter_map(|key| number_of(key)).collect()
}

async fn write(env: &Environment, value: u32) -> Option<View<u32>> {
    follow(env, &read::<u32>(env, "count").await.unwrap(), value).await.unwrap()
}

#[tokio::test]
async fn of_two_who_follow_on_the_same_number_one_wins() {
    let env = environment(Store::memory(Effects::default()));
    let view = read::<u32>(&env, "count").await.unwrap();
    assert_eq!((view.value, view.number()), (None, 0));
    assert!(follow(&env, &view, 1).await.unwrap().is_some());
    assert!(follow(&env, &view, 2).await.unwrap().is_none());
    assert_eq!(read::<u32>(&env, "count").await.unwrap().value, Some(1));
}

#[tokio::test]
async fn view_that_is_too_old_is_not_built_on() {
    let env = environment(Store::memory(Effects::default()));
    let view = read::<u32>(&env, "count").await.unwrap();
    env.clock.advance(SignedDuration::from_secs(VIEW_S_MAX + 1));
    assert!(follow(&env, &view, 1).await.unwrap().is_none());
    assert_eq!(numbers(&env).await, [0_u64; 0]);
}

#[tokio::test]
async fn old_numbers_go_and_the_newest_stay() {
    let env = environment(Store::memory(Effects::default()));
    for value in 0..10 {
        write(&env, value).await.unwrap();
    }
    assert_eq!(prune(&env, 100).await.unwrap(), 0, "somebody may still build on them");
    env.clock.advance(SignedDuration::from_secs(SUPERSEDED_S_MIN + 1));
    assert_eq!(prune(&env, 2).await.unwrap(), 2);
    assert_eq!(prune(&env, 100).await.unwrap(), 5);
    assert_eq!(numbers(&env).await, [8, 9, 10]);
    assert_eq!(write(&env, 77).await.unwrap().number(), 11);
    assert_eq!(read::<u32>(&env, "count").await.unwrap().value, Some(77));
}

#[tokio::test]
async fn damaged_number_is_followed_by_the_next() {
    let env = environment(Store::memory(Effects::default()));
    write(&env, 1).await.unwrap();
    env.store.create("state/count/000000000002", &"torn").await.unwrap();
    let view = read::<u32>(&env, "count").await.unwrap();
    assert!(view.is_damaged && view.value.is_none());
    assert_eq!(follow(&env, &view, 5).await.unwrap().unwrap().number(), 3);
}

#[tokio::test]
async fn number_that_was_deleted_is_not_written_again_by_a_sleeper() {
    let env = environment(Store::memory(Effects::default()));
    write(&env, 1).await.unwrap();
    let sleeper = read::<u32>(&env, "count").await.unwrap();
    for value in 2..8 {
        write(&env, value).await.unwrap();
    }
    env.clock.advance(SignedDuration::from_secs(SUPERSEDED_S_MIN + 1));
    prune(&env, 100).await.unwrap();
    assert_eq!(numbers(&env).await, [5, 6, 7]);
    assert!(follow(&env, &sleeper, 99).await.unwrap().is_none());
    assert_eq!(numbers(&env).await, [5, 6, 7]);
}
