//! Answers of this process, each asked for once.

use super::unavailable::Unavailable;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::OnceCell;

/// Values by key, each made once even when it is wanted many times at once. A failure is not kept.
#[derive(Debug)]
pub(super) struct Memo<K, V>(Mutex<HashMap<K, Arc<OnceCell<Arc<V>>>>>);

impl<K, V> Default for Memo<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash, V> Memo<K, V> {
    pub(super) async fn get<F: Future<Output = Result<V, Unavailable>>>(
        &self,
        key: K,
        make: impl FnOnce() -> F,
    ) -> Result<Arc<V>, Unavailable> {
        let cell = self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default().clone();
        cell.get_or_try_init(|| async { make().await.map(Arc::new) }).await.cloned()
    }
}
