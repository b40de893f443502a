//! Answers kept on disk, to be asked again only whether they still hold.

use super::fetch::Validators;
use pipeline::ids::hash_of;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Goes up when what is kept changes its form: older entries are misses then.
const FORMAT: u32 = 1;

/// How often the folder is looked over, in entries written.
const ENTRIES_BETWEEN_SWEEPS: u64 = 64;

/// A folder of answers. Every failure is a miss: nothing depends on what is kept.
#[derive(Debug)]
pub(super) struct Cache {
    folder: PathBuf,
    bytes_max: u64,
    written: AtomicU64,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    format: u32,
    key: String,
    validators: Validators,
    /// Over the text of `value`: what was cut or changed is a miss.
    hash: String,
    value: Box<RawValue>,
}

impl Cache {
    pub(super) fn new(folder: PathBuf, bytes_max: u64) -> Self {
        Self { folder, bytes_max, written: AtomicU64::new(0) }
    }

    /// What is kept under `key`. `None` too where it can't be read.
    pub(super) fn get<T: DeserializeOwned>(&self, key: &str) -> Option<(T, Validators)> {
        let bytes = fs::read(self.path(key)).ok()?;
        let entry: Entry = serde_json::from_slice(&bytes).ok()?;
        let is_sound = entry.format == FORMAT && entry.key == key && entry.hash == hash_of(&[entry.value.get()]);
        is_sound.then(|| Some((serde_json::from_str(entry.value.get()).ok()?, entry.validators))).flatten()
    }

    /// Keeps `value`, whole or not at all. What can't be written is not kept.
    pub(super) fn put<T: Serialize>(&self, key: &str, value: &T, validators: &Validators) {
        if let Err(error) = self.write(key, value, validators) {
            tracing::debug!(%error, "a registry's answer is not kept");
        }
        if self.written.fetch_add(1, Ordering::Relaxed).is_multiple_of(ENTRIES_BETWEEN_SWEEPS) {
            self.sweep();
        }
    }

    fn write<T: Serialize>(&self, key: &str, value: &T, validators: &Validators) -> io::Result<()> {
        let value = serde_json::value::to_raw_value(value)?;
        let hash = hash_of(&[value.get()]);
        let entry = Entry { format: FORMAT, key: key.to_owned(), validators: validators.clone(), hash, value };
        let bytes = serde_json::to_vec(&entry)?;
        fs::create_dir_all(&self.folder)?;
        let path = self.path(key);
        // Two processes, or two tasks of one, may write the same entry at once.
        let part = path.with_extension(format!("{}-{}.part", std::process::id(), self.written.load(Ordering::Relaxed)));
        let written = private_file(&part).and_then(|mut file| file.write_all(&bytes)).and_then(|()| fs::rename(&part, &path));
        if written.is_err() {
            let _ = fs::remove_file(&part);
        }
        written
    }

    /// Removes the entries written longest ago until the folder is under its limit.
    fn sweep(&self) {
        let Ok(files) = fs::read_dir(&self.folder) else { return };
        let mut files: Vec<_> = files
            .flatten()
            .filter_map(|file| {
                let about = file.metadata().ok().filter(fs::Metadata::is_file)?;
                Some((about.modified().ok()?, about.len(), file.path()))
            })
            .collect();
        files.sort();
        let mut bytes: u64 = files.iter().map(|(_, length, _)| length).sum();
        for (_, length, path) in files {
            if bytes <= self.bytes_max {
                break;
            }
            if fs::remove_file(path).is_ok() {
                bytes = bytes.saturating_sub(length);
            }
        }
    }

    fn path(&self, key: &str) -> PathBuf {
        self.folder.join(format!("{}.json", hash_of(&[key])))
    }
}

/// A new file that only its owner can read: facts of private packages are private.
fn private_file(path: &Path) -> io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn validators() -> Validators {
        Validators { etag: Some("\"1\"".to_owned()), last_modified: None }
    }

    #[test]
    fn what_is_kept_is_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path().join("made"), 1 << 20);
        cache.put("a", &vec![1, 2], &validators());
        assert_eq!(cache.get::<Vec<i32>>("a"), Some((vec![1, 2], validators())));
        assert_eq!(cache.get::<Vec<i32>>("b"), None);
    }

    #[test]
    fn a_damaged_entry_is_a_miss() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path().to_owned(), 1 << 20);
        cache.put("a", &"value", &validators());
        let whole = fs::read(cache.path("a")).unwrap();
        for at in 0..whole.len() {
            fs::write(cache.path("a"), &whole[..at]).unwrap();
            assert_eq!(cache.get::<String>("a"), None, "cut at {at}");
        }
        let changed = String::from_utf8(whole).unwrap().replace("value\"}", "velue\"}");
        fs::write(cache.path("a"), changed).unwrap();
        assert_eq!(cache.get::<String>("a"), None);
    }

    #[test]
    fn the_folder_stays_under_its_limit() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path().to_owned(), 20_000);
        for number in 0..=ENTRIES_BETWEEN_SWEEPS {
            cache.put(&number.to_string(), &"x".repeat(1000), &validators());
        }
        let bytes: u64 = fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().metadata().unwrap().len()).sum();
        assert!(bytes <= 20_000, "{bytes}");
        assert!(cache.get::<String>(&ENTRIES_BETWEEN_SWEEPS.to_string()).is_some());
    }
}
