//! The audit: entries `audit/<number>`, each created once and never changed. Whoever writes one goes to the end of the chain first, from where
//! it was last known to be.

use crate::environment::Environment;
use crate::environment::store::{Created, Store, StoreError};
use crate::error::AgentError;
use pipeline::audit::{Act, Deed, End, Entry};
use pipeline::ids::{CaseId, hash_of};
use std::fmt;

/// Where the entries are.
const SHELF: &str = "audit";

/// Where it is noted, by deed, which number was tried for it last: with an end that was read before, this tells whether it was written.
const TRIED: &str = "audit_tried";

/// Where the end was known to be: a hint, for the entries tell themselves.
const END: &str = "audit_end";

/// Who did what nobody asked for.
const US: &str = "suture";

/// So often it is tried to be faster than others.
const TRIES: usize = 100;

/// Writes `deed` down, unless it is written.
pub async fn note(env: &Environment, deed: &Deed) -> Result<(), AgentError> {
    let store = &env.store;
    let tried = format!("{TRIED}/{}", &hash_of(&[&deed.id])[..32]);
    // In this order: what somebody else wrote of it up to this end was noted before.
    let mut end = end(store).await?;
    let number = store.read::<u64>(&tried).await?;
    if let Some(number) = number
        && entry(store, number).await?.is_some_and(|there| there.deed.id == deed.id)
    {
        return Ok(());
    }
    for _ in 0..TRIES {
        let entry = end.follow(deed.clone());
        store.overwrite(&tried, &entry.number).await?;
        let there = match store.create(&key(entry.number), &entry).await? {
            Created::Now => entry,
            Created::Before => self::entry(store, entry.number).await?.unwrap_or(entry),
        };
        if there.deed.id == deed.id {
            store.overwrite(END, &there.end()).await?;
            return Ok(());
        }
        end = there.end();
    }
    Err(AgentError::TryLater { reason: "many write to the audit at the same time".to_owned(), not_before: None })
}

/// Writes down what Suture itself did to `case`, without people. `which`: the pull request or the message by which it is known.
pub async fn note_own(
    env: &Environment,
    act: Act,
    case: &CaseId,
    which: impl fmt::Display,
    detail: String,
) -> Result<(), AgentError> {
    let (id, about) = (format!("{act} {case} {which}"), case.to_string());
    note(env, &Deed { id, at: env.clock.now(), who: US.to_owned(), act, about, detail }).await
}

/// All entries, the first first. One that can't be read is an error that says which.
pub async fn entries(store: &Store) -> Result<Vec<Entry>, StoreError> {
    let mut entries = Vec::new();
    for key in store.list(SHELF).await? {
        entries.extend(store.read::<Entry>(&key).await?);
    }
    Ok(entries)
}

/// The end as it was last written down: the entries go at least so far.
pub async fn known_end(store: &Store) -> Result<End, StoreError> {
    Ok(store.read(END).await?.unwrap_or_default())
}

/// The end: the last entry that there is.
async fn end(store: &Store) -> Result<End, StoreError> {
    let mut end = match known_end(store).await {
        Err(StoreError::Damaged { .. }) => End::default(),
        end => end?,
    };
    while let Some(next) = entry(store, end.number.saturating_add(1)).await? {
        end = next.end();
    }
    Ok(end)
}

async fn entry(store: &Store, number: u64) -> Result<Option<Entry>, StoreError> {
    store.read(&key(number)).await
}

fn key(number: u64) -> String {
    format!("{SHELF}/{number:012}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::effects::Effects;
    use crate::test_office::environment;
    use pipeline::audit::{export, verify};

    fn deed(id: &str) -> Deed {
        Deed {
            id: id.to_owned(),
            at: jiff::Timestamp::UNIX_EPOCH,
            who: "ada".to_owned(),
            act: Act::Approved,
            about: "npm-0123456789ab".to_owned(),
            detail: "#7 at 0123456789".to_owned(),
        }
    }

    async fn written(store: &Store) -> Vec<String> {
        let entries = entries(store).await.unwrap();
        assert_eq!(
            verify(&export(&End::default(), &entries).unwrap()).map(|header| header.entries),
            Ok(entries.len() as u64)
        );
        entries.into_iter().map(|entry| entry.deed.id).collect()
    }

    #[tokio::test]
    async fn each_deed_is_written_once_wherever_a_process_dies() {
        for dies_after in 0..9 {
            let store = Store::memory(Effects::default());
            note(&environment(store.clone()), &deed("first")).await.unwrap();
            let doomed = store.with_effects(Effects::crashing_after(dies_after));
            let _ = note(&environment(doomed), &deed("second")).await;
            note(&environment(store.clone()), &deed("third")).await.unwrap();
            for _ in 0..2 {
                note(&environment(store.clone()), &deed("second")).await.unwrap();
            }
            let mut written = written(&store).await;
            written.sort();
            assert_eq!(written, ["first", "second", "third"], "it died after effect {dies_after}");
        }
    }

    #[tokio::test]
    async fn many_who_write_at_once_make_one_chain() {
        let env = environment(Store::memory(Effects::default()));
        let deeds: Vec<Deed> = (0..20).map(|number| deed(&format!("deed {number:02}"))).collect();
        let twice = deeds.iter().chain(&deeds).map(|deed| note(&env, deed));
        for told in futures::future::join_all(twice).await {
            told.unwrap();
        }
        let mut written = written(&env.store).await;
        written.sort();
        assert_eq!(written, deeds.iter().map(|deed| deed.id.clone()).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn end_is_found_where_the_hint_is_gone() {
        let env = environment(Store::memory(Effects::default()));
        note(&env, &deed("first")).await.unwrap();
        env.store.delete(END).await.unwrap();
        note(&env, &deed("second")).await.unwrap();
        assert_eq!(written(&env.store).await, ["first", "second"]);
    }
}
