//! What was told of each fix, in the order in which it was heard: `words/<case>/<fix>/<number>`. By this an outcome knows in whose place it comes,
//! whoever hears of it, and however often; kept for as long as the case.

use crate::environment::store::{Created, Store, StoreError};
use pipeline::ids::{CaseId, hash_of};
use pipeline::learning::outcome::{OutcomeRecord, Tried, Word};

/// Where they are.
const SHELF: &str = "words";

/// What tells the fix that `outcome` is of from any other.
pub fn fix_of(outcome: &OutcomeRecord) -> String {
    hash_of(&[outcome.case.as_str(), &outcome.plan, &outcome.pull_request.to_string()])[..32].to_owned()
}

/// Hears what `outcome` says of its fix. What counted of that until then, if anything was told. Heard again, it makes no difference.
pub async fn hear(store: &Store, outcome: &OutcomeRecord) -> Result<Option<Word>, StoreError> {
    let Some(word) = outcome.word() else { return Ok(None) };
    let folder = format!("{SHELF}/{}/{}", outcome.case, fix_of(outcome));
    let mut before = Vec::new();
    let mut number = 0;
    loop {
        let key = format!("{folder}/{number}");
        match store.read::<Word>(&key).await {
            Ok(Some(there)) if there.ending == word.ending => break,
            Ok(Some(there)) => before.push(there),
            Ok(None) => match store.create(&key, &word).await? {
                Created::Now => break,
                // Somebody was faster, or it is ours, and the answer was lost.
                Created::Before => continue,
            },
            Err(StoreError::Damaged { key, error }) => {
                tracing::error!(key, %error, "what was told of a fix is damaged")
            }
            Err(error) => return Err(error),
        }
        number += 1;
    }
    Ok(before.into_iter().max_by_key(Word::order))
}

/// Whether no other word was heard before that undoes the merge of the fix, as `outcome` may: it is undone once.
pub async fn is_first_to_undo(store: &Store, outcome: &OutcomeRecord) -> Result<bool, StoreError> {
    if !outcome.ending.undoes_merge() {
        return Ok(true);
    }
    let key = format!("{SHELF}/{}/{}/undone", outcome.case, fix_of(outcome));
    let tried = Tried { remedy: outcome.remedy.clone(), confidence: outcome.confidence };
    let word = Word { ending: outcome.ending, at: outcome.at, tried };
    store.create(&key, &word).await?;
    match store.read::<Word>(&key).await {
        Err(StoreError::Damaged { .. }) => Ok(true),
        there => Ok(there?.is_none_or(|there| there.ending == outcome.ending)),
    }
}

/// The case is forgotten.
pub async fn forget(store: &Store, case: &CaseId) -> Result<(), StoreError> {
    for key in store.list(&format!("{SHELF}/{case}")).await? {
        store.delete(&key).await?;
    }
    Ok(())
}
