//! The contract of the store: the same for memory, a folder, and Azure Blob (as Azurite has it).

use crate::world::azurite::Azurite;
use agents::environment::effects::Effects;
use agents::environment::store::{Created, Patience, Store, StoreError};
use futures::{StreamExt, TryStreamExt};
use std::path::Path;

/// Creators of one key at the same time.
const CREATORS: u32 = 20;

/// More than Azure lists at once.
const MANY: usize = 5_001;

async fn keeps_the_contract(store: &Store) {
    records_are_created_once(store).await;
    caches_are_overwritten(store).await;
    keys_are_listed_as_they_were_given(store).await;
    copies_and_deletions_can_be_repeated(store).await;
    damage_is_told_from_absence(store).await;
    large_records_come_back(store).await;
    one_of_many_creators_wins(store).await;
}

async fn records_are_created_once(store: &Store) {
    assert_eq!(store.create("a/b/1", &1).await.unwrap(), Created::Now);
    assert_eq!(store.create("a/b/1", &2).await.unwrap(), Created::Before);
    assert_eq!(store.read::<u8>("a/b/1").await.unwrap(), Some(1));
    assert_eq!(store.read::<u8>("a/b/2").await.unwrap(), None);
    assert_eq!(store.read::<u8>("nowhere/1").await.unwrap(), None);
}

async fn caches_are_overwritten(store: &Store) {
    for value in 3..6 {
        store.overwrite("a/c", &value).await.unwrap();
        assert_eq!(store.read::<u8>("a/c").await.unwrap(), Some(value));
    }
    for _ in 0..2 {
        store.keep("a/kept", &9).await.unwrap();
        assert_eq!(store.read::<u8>("a/kept").await.unwrap(), Some(9));
    }
    assert_eq!(store.list("a").await.unwrap(), ["a/b/1", "a/c", "a/kept"]);
    assert_eq!(store.folders("a").await.unwrap(), ["b"]);
    assert_eq!(store.list("nowhere").await.unwrap(), Vec::<String>::new());
    assert_eq!(store.folders("nowhere").await.unwrap(), Vec::<String>::new());
    // A folder's name is not the beginning of another's.
    store.create("ab/1", &1).await.unwrap();
    assert_eq!(store.list("a").await.unwrap().len(), 3);
}

async fn keys_are_listed_as_they_were_given(store: &Store) {
    let mut odd = vec![
        "odd/with space",
        "odd/per%cent",
        "odd/per%25cent",
        "odd/hash#1",
        "odd/ünïcode-日本",
        "odd/q?u=e&r+y",
        "odd/a:b;c,d",
        "odd/tilde~",
        "odd/quote'\"",
        "odd/deep/er/still",
    ];
    odd.sort_unstable();
    for key in &odd {
        assert_eq!(store.create(key, key).await.unwrap(), Created::Now, "{key}");
    }
    assert_eq!(store.list("odd").await.unwrap(), odd);
    for key in &odd {
        assert_eq!(store.read::<String>(key).await.unwrap().as_deref(), Some(*key));
        store.delete(key).await.unwrap();
        assert_eq!(store.read::<String>(key).await.unwrap(), None, "{key}");
    }
    assert_eq!(store.list("odd").await.unwrap(), Vec::<String>::new());
}

async fn copies_and_deletions_can_be_repeated(store: &Store) {
    for _ in 0..2 {
        store.copy("a/c", "a/d").await.unwrap();
        store.copy("a/e", "a/f").await.unwrap();
        assert_eq!(store.read::<u8>("a/d").await.unwrap(), Some(5));
    }
    for key in ["a/d", "a/c", "a/c", "a/kept", "ab/1", "never/was"] {
        store.delete(key).await.unwrap();
    }
    assert_eq!(store.list("a").await.unwrap(), ["a/b/1"]);
}

async fn damage_is_told_from_absence(store: &Store) {
    assert!(matches!(store.read::<String>("a/b/1").await, Err(StoreError::Damaged { .. })));
    store.copy("a/b/1", "poison/a/b/1").await.unwrap();
    assert_eq!(store.read::<u8>("poison/a/b/1").await.unwrap(), Some(1));
}

async fn large_records_come_back(store: &Store) {
    let large = "0123456789abcdef".repeat(8 << 16);
    assert_eq!(large.len(), 8 << 20);
    assert_eq!(store.create("large", &large).await.unwrap(), Created::Now);
    assert!(store.read::<String>("large").await.unwrap() == Some(large), "another text came back");
}

async fn one_of_many_creators_wins(store: &Store) {
    for round in 0..5 {
        let key = format!("race/{round}");
        let creators = (0..CREATORS).map(|creator| {
            let (store, key) = (store.clone(), key.clone());
            tokio::spawn(async move { (creator, store.create(&key, &creator).await.unwrap()) })
        });
        let created: Vec<(u32, Created)> = futures::future::try_join_all(creators).await.unwrap();
        let winners: Vec<u32> =
            created.iter().filter(|(_, created)| *created == Created::Now).map(|(creator, _)| *creator).collect();
        assert_eq!(winners.len(), 1, "{winners:?}");
        assert_eq!(store.read::<u32>(&key).await.unwrap(), Some(winners[0]));
    }
}

async fn lists_many(store: &Store) {
    let keys = store.list("many").await.unwrap();
    assert_eq!(keys.len(), MANY);
    assert!(keys.windows(2).all(|pair| pair[0] < pair[1]), "sorted, and none twice");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn memory_keeps_the_contract() {
    keeps_the_contract(&Store::memory(Effects::default())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn folder_keeps_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::folder(&folder.path().join("new"), Effects::default()).unwrap();
    keeps_the_contract(&store).await;
    // Without waiting for the disk five thousand times.
    let many = folder.path().join("new/many");
    std::fs::create_dir(&many).unwrap();
    (0..MANY).for_each(|number| std::fs::write(many.join(format!("{number:05}")), "1").unwrap());
    lists_many(&store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn azure_blob_keeps_the_contract() {
    let Some(azurite) = Azurite::start() else { return };
    let store = azurite.store("contract", &azurite.address, Patience::default());
    keeps_the_contract(&store).await;
    let created = futures::stream::iter(0..MANY).map(|number| {
        let store = store.clone();
        async move { store.create(&format!("many/{number:05}"), &number).await }
    });
    created.buffer_unordered(32).try_for_each(|_| async { Ok(()) }).await.unwrap();
    lists_many(&store).await;
}

#[tokio::test]
async fn what_a_killed_process_left_half_written_is_not_seen() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::folder(folder.path(), Effects::default()).unwrap();
    store.create("journal/scan/1", &1).await.unwrap();
    // As the store names what it has not finished.
    let torn = folder.path().join("journal/scan/2#1");
    std::fs::write(&torn, "{\"at\":").unwrap();
    assert_eq!(store.list("journal").await.unwrap(), ["journal/scan/1"]);
    assert_eq!(store.read::<u8>("journal/scan/2").await.unwrap(), None);
    assert_eq!(store.create("journal/scan/2", &2).await.unwrap(), Created::Now);
    assert_eq!(store.read::<u8>("journal/scan/2").await.unwrap(), Some(2));
}

#[tokio::test]
async fn truncated_record_is_damaged_not_absent() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::folder(folder.path(), Effects::default()).unwrap();
    store.create("journal/scan/1", &"a record of some length").await.unwrap();
    truncate(&folder.path().join("journal/scan/1"), 7);
    assert!(matches!(store.read::<String>("journal/scan/1").await, Err(StoreError::Damaged { .. })));
    truncate(&folder.path().join("journal/scan/1"), 0);
    assert!(matches!(store.read::<String>("journal/scan/1").await, Err(StoreError::Damaged { .. })));
}

fn truncate(path: &Path, bytes: u64) {
    std::fs::OpenOptions::new().write(true).open(path).unwrap().set_len(bytes).unwrap();
}
