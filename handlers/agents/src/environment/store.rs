//! The store: immutable records that are created once, and caches that anybody can rebuild.

use super::effects::{Crashed, Effects};
use futures::TryStreamExt;
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;

/// One code path for memory, a folder, and later Azure Blob.
#[derive(Debug, Clone)]
pub struct Store {
    objects: Arc<dyn ObjectStore>,
    effects: Effects,
}

/// What became of a creation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Created {
    /// It is there now.
    Now,
    /// It was there before; nothing was changed.
    Before,
}

/// The store can't be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The store itself refuses: gone, full, not permitted.
    #[error("store: {0}")]
    Store(#[from] object_store::Error),
    /// A record that is not what was written: torn, or edited.
    #[error("store: {key} is damaged: {error}")]
    Damaged {
        /// Which record.
        key: String,
        /// What is wrong in it.
        error: String,
    },
    /// The folder can't be made or used.
    #[error("store: {folder}: {error}")]
    Folder {
        /// Which folder.
        folder: String,
        /// Why.
        error: String,
    },
    /// The process is dead.
    #[error(transparent)]
    Crashed(#[from] Crashed),
}

impl Store {
    /// A store that is forgotten with the process.
    pub fn memory(effects: Effects) -> Self {
        Self { objects: Arc::new(InMemory::new()), effects }
    }

    /// A store in `folder`, made if it is absent. Writes are on the disk before they are answered.
    pub fn folder(folder: &std::path::Path, effects: Effects) -> Result<Self, StoreError> {
        let error = |error: String| StoreError::Folder { folder: folder.display().to_string(), error };
        std::fs::create_dir_all(folder).map_err(|io| error(io.to_string()))?;
        let objects = LocalFileSystem::new_with_prefix(folder).map_err(|store| error(store.to_string()))?;
        Ok(Self { objects: Arc::new(objects.with_fsync(true)), effects })
    }

    /// The same store, seen by another process.
    #[must_use]
    pub fn with_effects(&self, effects: Effects) -> Self {
        Self { objects: Arc::clone(&self.objects), effects }
    }

    /// Whether the process that writes here is taken to be dead.
    pub fn is_dead(&self) -> bool {
        self.effects.has_crashed()
    }

    /// Creates `key`, unless it is there.
    pub async fn create<T: Serialize + Sync>(&self, key: &str, value: &T) -> Result<Created, StoreError> {
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        self.effects.permit()?;
        match self.objects.put_opts(&Path::from(key), payload(key, value)?, options).await {
            Ok(_) => {
                self.effects.done(format!("create {key}"));
                Ok(Created::Now)
            }
            Err(object_store::Error::AlreadyExists { .. }) => Ok(Created::Before),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes the cache `key`, whatever was there. Only for what can be rebuilt.
    pub async fn overwrite<T: Serialize + Sync>(&self, key: &str, value: &T) -> Result<(), StoreError> {
        self.effects.permit()?;
        self.objects.put(&Path::from(key), payload(key, value)?).await?;
        self.effects.done(format!("overwrite {key}"));
        Ok(())
    }

    /// What was written at `key`, or `None` where nothing was.
    pub async fn read<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, StoreError> {
        let object = match self.objects.get(&Path::from(key)).await {
            Ok(object) => object,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let bytes = object.bytes().await?;
        serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|error| StoreError::Damaged { key: key.to_owned(), error: error.to_string() })
    }

    /// Keys under the folder `prefix`, sorted.
    pub async fn list(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        let mut keys: Vec<String> = self
            .objects
            .list(Some(&Path::from(prefix)))
            .map_ok(|object| object.location.to_string())
            .try_collect()
            .await?;
        keys.sort();
        Ok(keys)
    }

    /// Names of the folders directly under `prefix`, sorted.
    pub async fn folders(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        let listed = self.objects.list_with_delimiter(Some(&Path::from(prefix))).await?;
        let mut names: Vec<String> =
            listed.common_prefixes.iter().filter_map(|path| path.filename().map(str::to_owned)).collect();
        names.sort();
        Ok(names)
    }

    /// Copies the bytes at `from`, damaged or not, to `to`. Nothing where `from` is gone.
    pub async fn copy(&self, from: &str, to: &str) -> Result<(), StoreError> {
        self.effects.permit()?;
        match self.objects.copy(&Path::from(from), &Path::from(to)).await {
            Ok(()) => {
                self.effects.done(format!("copy {from} {to}"));
                Ok(())
            }
            Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Deletes `key`, if it is there.
    pub async fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.effects.permit()?;
        match self.objects.delete(&Path::from(key)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => {
                self.effects.done(format!("delete {key}"));
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }
}

fn payload<T: Serialize>(key: &str, value: &T) -> Result<PutPayload, StoreError> {
    serde_json::to_vec(value)
        .map(PutPayload::from)
        .map_err(|error| StoreError::Damaged { key: key.to_owned(), error: error.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn conformance(store: Store) {
        assert_eq!(store.create("a/b/1", &1).await.unwrap(), Created::Now);
        assert_eq!(store.create("a/b/1", &2).await.unwrap(), Created::Before);
        assert_eq!(store.read::<u8>("a/b/1").await.unwrap(), Some(1));
        assert_eq!(store.read::<u8>("a/b/2").await.unwrap(), None);
        store.overwrite("a/c", &3).await.unwrap();
        store.overwrite("a/c", &4).await.unwrap();
        assert_eq!(store.read::<u8>("a/c").await.unwrap(), Some(4));
        assert_eq!(store.list("a").await.unwrap(), ["a/b/1", "a/c"]);
        assert_eq!(store.folders("a").await.unwrap(), ["b"]);
        store.copy("a/c", "a/d").await.unwrap();
        store.copy("a/e", "a/f").await.unwrap();
        assert_eq!(store.read::<u8>("a/d").await.unwrap(), Some(4));
        store.delete("a/d").await.unwrap();
        store.delete("a/c").await.unwrap();
        store.delete("a/c").await.unwrap();
        assert_eq!(store.list("a").await.unwrap(), ["a/b/1"]);
        assert!(matches!(store.read::<String>("a/b/1").await, Err(StoreError::Damaged { .. })));
    }

    #[tokio::test]
    async fn memory_keeps_the_contract() {
        conformance(Store::memory(Effects::default())).await;
    }

    #[tokio::test]
    async fn folder_keeps_the_contract() {
        let folder = tempfile::tempdir().unwrap();
        conformance(Store::folder(&folder.path().join("new"), Effects::default()).unwrap()).await;
    }

    #[tokio::test]
    async fn dead_process_writes_nothing() {
        let store = Store::memory(Effects::crashing_after(1));
        store.create("a", &1).await.unwrap();
        assert!(matches!(store.create("b", &1).await, Err(StoreError::Crashed(_))));
        assert_eq!(store.list("").await.unwrap(), ["a"]);
    }
}
