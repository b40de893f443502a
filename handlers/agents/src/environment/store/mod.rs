//! The store: immutable records that are created once, and caches that anybody can rebuild.

mod azure;
mod connection;
mod fault;

pub use azure::{AzureAccess, Patience, is_azure_place};
pub use fault::StoreError;

use super::effects::Effects;
use azure::Container;
use futures::TryStreamExt;
use jiff::Timestamp;
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload};
use percent_encoding::percent_decode_str;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;
use std::sync::Arc;

/// One code path for memory, a folder, and Azure Blob.
#[derive(Clone)]
pub struct Store {
    place: Place,
    effects: Effects,
}

#[derive(Clone)]
enum Place {
    Memory(Arc<InMemory>),
    Folder(Arc<LocalFileSystem>, Arc<std::path::Path>),
    Azure(Arc<Container>),
}

/// What became of a creation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Created {
    /// It is there now.
    Now,
    /// It was there before; nothing was changed. Azure says so too where it was this very call, and its answer was lost.
    Before,
}

/// A record as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its key.
    pub key: String,
    /// When it was written last, by the clock of the store.
    pub written: Timestamp,
}

/// Where it is, and nothing that opens it.
impl fmt::Display for Store {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Memory(_) => out.write_str("memory"),
            Place::Folder(_, folder) => folder.display().fmt(out),
            Place::Azure(container) => container.fmt(out),
        }
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Store({self})")
    }
}

impl Store {
    /// A store that is forgotten with the process.
    pub fn memory(effects: Effects) -> Self {
        Self { place: Place::Memory(Arc::default()), effects }
    }

    /// A store in `folder`, made if it is absent. Writes are on the disk before they are answered.
    pub fn folder(folder: &std::path::Path, effects: Effects) -> Result<Self, StoreError> {
        let error = |error: String| StoreError::Folder { folder: folder.display().to_string(), error };
        std::fs::create_dir_all(folder).map_err(|io| error(io.to_string()))?;
        let objects = LocalFileSystem::new_with_prefix(folder).map_err(|store| error(store.to_string()))?;
        Ok(Self { place: Place::Folder(Arc::new(objects.with_fsync(true)), folder.into()), effects })
    }

    /// A store in `container` of the storage account `account`. Its client is made when it is needed first.
    ///
    /// The container has to be there: what the identity of a function may do does not include making one.
    pub fn azure(account: &str, container: &str, access: &AzureAccess, effects: Effects) -> Result<Self, StoreError> {
        Ok(Self { place: Place::Azure(Arc::new(Container::new(account, container, access)?)), effects })
    }

    /// The same store, seen by another process.
    #[must_use]
    pub fn with_effects(&self, effects: Effects) -> Self {
        Self { place: self.place.clone(), effects }
    }

    /// Whether the process that writes here is taken to be dead.
    pub fn is_dead(&self) -> bool {
        self.effects.has_crashed()
    }

    /// Creates `key`, unless it is there.
    pub async fn create<T: Serialize + Sync>(&self, key: &str, value: &T) -> Result<Created, StoreError> {
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        self.effects.permit()?;
        let payload = payload(key, value)?;
        match self.within(self.objects(key)?.put_opts(&Path::from(key), payload, options)).await {
            Ok(_) => {
                self.effects.done(format!("create {key}"));
                Ok(Created::Now)
            }
            Err(object_store::Error::AlreadyExists { .. }) => Ok(Created::Before),
            Err(error) => Err(self.fault(key, &error)),
        }
    }

    /// Writes the cache `key`, whatever was there. Only for what can be rebuilt, or has the same contents.
    pub async fn overwrite<T: Serialize + Sync>(&self, key: &str, value: &T) -> Result<(), StoreError> {
        self.effects.permit()?;
        let payload = payload(key, value)?;
        let put = self.within(self.objects(key)?.put(&Path::from(key), payload)).await;
        put.map_err(|error| self.fault(key, &error))?;
        self.effects.done(format!("overwrite {key}"));
        Ok(())
    }

    /// Keeps `value` under `key`, which is made from its contents: what was there is the same, and its age begins anew.
    pub async fn keep<T: Serialize + Sync>(&self, key: &str, value: &T) -> Result<(), StoreError> {
        match self.create(key, value).await? {
            Created::Now => Ok(()),
            Created::Before => self.overwrite(key, value).await,
        }
    }

    /// What was written at `key`, or `None` where nothing was.
    pub async fn read<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, StoreError> {
        let objects = self.objects(key)?;
        let path = Path::from(key);
        let bytes = match self.within(async { objects.get(&path).await?.bytes().await }).await {
            Ok(bytes) => bytes,
            Err(error) if fault::is_absence(&error) => return Ok(None),
            Err(error) => return Err(self.fault(key, &error)),
        };
        serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|error| StoreError::Damaged { key: key.to_owned(), error: error.to_string() })
    }

    /// Keys under the folder `prefix`, sorted.
    pub async fn list(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        Ok(self.list_written(prefix).await?.into_iter().map(|listed| listed.key).collect())
    }

    /// As [`list`](Self::list), with when each was written.
    pub async fn list_written(&self, prefix: &str) -> Result<Vec<Listed>, StoreError> {
        let path = Path::from(prefix);
        let mut objects = self.objects(prefix)?.list(Some(&path));
        let mut found = Vec::new();
        loop {
            match self.within(async { objects.try_next().await }).await {
                Ok(Some(object)) => found.push(listed(&object)),
                Ok(None) => break,
                Err(error) => return Err(self.fault(prefix, &error)),
            }
        }
        found.sort_by(|one, other| one.key.cmp(&other.key));
        Ok(found)
    }

    /// Names of the folders directly under `prefix`, sorted.
    pub async fn folders(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        let path = Path::from(prefix);
        let listed = self.within(self.objects(prefix)?.list_with_delimiter(Some(&path))).await;
        let listed = listed.map_err(|error| self.fault(prefix, &error))?;
        let mut names: Vec<String> =
            listed.common_prefixes.iter().filter_map(|path| path.filename().map(decoded)).collect();
        names.sort();
        Ok(names)
    }

    /// Copies the bytes at `from`, damaged or not, to `to`. Nothing where `from` is gone.
    pub async fn copy(&self, from: &str, to: &str) -> Result<(), StoreError> {
        self.effects.permit()?;
        let objects = self.objects(from)?;
        let (source, target) = (Path::from(from), Path::from(to));
        // Read and written: a copy by the cloud itself is another permission, and may be answered before it is done.
        let copied = self.within(async {
            let bytes = objects.get(&source).await?.bytes().await?;
            objects.put(&target, PutPayload::from_bytes(bytes)).await
        });
        match copied.await {
            Ok(_) => {
                self.effects.done(format!("copy {from} {to}"));
                Ok(())
            }
            Err(error) if fault::is_absence(&error) => Ok(()),
            Err(error) => Err(self.fault(from, &error)),
        }
    }

    /// Deletes `key`, if it is there.
    pub async fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.effects.permit()?;
        match self.within(self.objects(key)?.delete(&Path::from(key))).await {
            Err(error) if !fault::is_absence(&error) => Err(self.fault(key, &error)),
            _ => {
                self.effects.done(format!("delete {key}"));
                Ok(())
            }
        }
    }

    fn objects(&self, key: &str) -> Result<&dyn ObjectStore, StoreError> {
        match &self.place {
            Place::Memory(memory) => Ok(memory.as_ref()),
            Place::Folder(folder, _) => Ok(folder.as_ref()),
            Place::Azure(container) => container.client().map_err(|error| self.fault(key, &error)),
        }
    }

    /// A call that comes to an end: one to the cloud is given up in time.
    async fn within<T>(&self, call: impl Future<Output = object_store::Result<T>>) -> object_store::Result<T> {
        match &self.place {
            Place::Memory(_) | Place::Folder(..) => call.await,
            Place::Azure(container) => container.within(call).await,
        }
    }

    fn fault(&self, key: &str, error: &object_store::Error) -> StoreError {
        match &self.place {
            Place::Azure(container) => container.fault(key, error),
            _ => StoreError::of(&self.to_string(), key, error),
        }
    }
}

fn listed(object: &ObjectMeta) -> Listed {
    let written = Timestamp::from_millisecond(object.last_modified.timestamp_millis()).unwrap_or(Timestamp::MIN);
    Listed { key: decoded(object.location.as_ref()), written }
}

/// A key as it was given: in a path, what some store can't have in a name is written in percent.
fn decoded(path: &str) -> String {
    percent_decode_str(path).decode_utf8_lossy().into_owned()
}

fn payload<T: Serialize>(key: &str, value: &T) -> Result<PutPayload, StoreError> {
    serde_json::to_vec(value)
        .map(PutPayload::from)
        .map_err(|error| StoreError::Damaged { key: key.to_owned(), error: error.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn dead_process_writes_nothing() {
        let store = Store::memory(Effects::crashing_after(1));
        store.create("a", &1).await.unwrap();
        assert!(matches!(store.create("b", &1).await, Err(StoreError::Crashed(_))));
        assert_eq!(store.list("").await.unwrap(), ["a"]);
    }
}
