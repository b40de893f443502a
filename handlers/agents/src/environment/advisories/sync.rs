//! Fetching what an index is built of into a folder: OSV's archives, CISA's catalogue, FIRST's EPSS scores.
//!
//! A file is asked for only if it changed since: its ETag is kept beside it. What comes is written beside what is there, and takes its
//! place only when it is whole and can be read; else what was there stays.

use super::api::CouldNotAsk;
use super::api::transport::{client_of, reason};
use super::exploitation::{self, EPSS_FILE, FILE_BYTES_MAX, KEV_FILE};
use super::index::replace;
use super::zips;
use pipeline::ids::hash_of;
use pipeline::version::Ecosystem;
use reqwest::header::{ETAG, IF_NONE_MATCH};
use reqwest::{RequestBuilder, Response, StatusCode};
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;
use url::Url;

/// Where OSV publishes an archive of each ecosystem, `ECOSYSTEM/all.zip`.
pub const OSV_ARCHIVES_URL: &str = "https://osv-vulnerabilities.storage.googleapis.com";
/// Where CISA publishes its catalogue of known exploited vulnerabilities.
pub const KEV_URL: &str = "https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json";
/// Where the EPSS scores of the day are.
pub const EPSS_URL: &str = "https://epss.empiricalsecurity.com/epss_scores-current.csv.gz";

/// Bytes of one archive. That of npm has some 300 MB.
const ARCHIVE_BYTES_MAX: u64 = 4 << 30;
/// Bytes of an ETag that is kept.
const ETAG_BYTES_MAX: usize = 1024;
/// The file that is locked while a folder is being synchronised.
const LOCK_FILE: &str = ".sync.lock";

/// How files are fetched.
#[derive(Debug, Clone)]
pub struct SyncSettings {
    /// Base address of OSV's archives: [`OSV_ARCHIVES_URL`], or another that answers like it.
    pub osv_archives: Url,
    /// Address of the catalogue.
    pub kev: Url,
    /// Address of the scores.
    pub epss: Url,
    /// Bytes of one archive.
    pub archive_bytes_max: u64,
    /// Seconds without a byte after which a server is given up.
    pub silence_s: u64,
    /// Seconds for one file, to its last byte.
    pub file_s: u64,
}

impl SyncSettings {
    /// The usual settings for these addresses.
    pub fn of(osv_archives: Url, kev: Url, epss: Url) -> Self {
        Self { osv_archives, kev, epss, archive_bytes_max: ARCHIVE_BYTES_MAX, silence_s: 60, file_s: 3600 }
    }

    /// The files of `ecosystems`, and those that tell what is exploited: where they are, and where in a folder they belong.
    pub fn sources(&self, ecosystems: &[Ecosystem]) -> Vec<Source> {
        let archive = |ecosystem: &Ecosystem| {
            let name = ecosystem.to_string();
            let mut address = self.osv_archives.clone();
            if let Ok(mut segments) = address.path_segments_mut() {
                segments.pop_if_empty().extend([name.as_str(), "all.zip"]);
            }
            Source { name: format!("{name}/all.zip"), address, bytes_max: self.archive_bytes_max, check: zips::check }
        };
        let kev = Source {
            name: KEV_FILE.to_owned(),
            address: self.kev.clone(),
            bytes_max: FILE_BYTES_MAX,
            check: |path| exploitation::kev(path).map(drop).map_err(|error| error.to_string()),
        };
        let epss = Source {
            name: EPSS_FILE.to_owned(),
            address: self.epss.clone(),
            bytes_max: FILE_BYTES_MAX,
            check: |path| exploitation::epss(path).map(drop).map_err(|error| error.to_string()),
        };
        ecosystems.iter().map(archive).chain([kev, epss]).collect()
    }
}

/// A file to fetch.
#[derive(Debug, Clone)]
pub struct Source {
    /// Its path in the folder, with `/`.
    pub name: String,
    address: Url,
    bytes_max: u64,
    /// Whether a file is whole and can be read.
    check: fn(&Path) -> Result<(), String>,
}

/// What came of asking for a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fetched {
    /// It is new, or has changed.
    New {
        /// Its size.
        bytes: u64,
    },
    /// What is there is still what the server has.
    Unchanged,
}

/// Why a file could not be fetched. What was there before is there still.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// The server.
    #[error(transparent)]
    Asked(#[from] CouldNotAsk),
    /// The disk.
    #[error("it can't be kept: {0}")]
    Disk(#[from] io::Error),
    /// Another process does the same in the same folder.
    #[error("{0} is being synchronised already")]
    AtWork(PathBuf),
}

/// A folder that files are fetched into. No other process fetches into it meanwhile.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// Held until this is dropped; the lock ends with its process.
    _lock: File,
}

impl Folder {
    /// Opens the folder at `path`, which is made where it is absent.
    pub fn open(path: &Path) -> Result<Self, SyncError> {
        fs::create_dir_all(path)?;
        let lock = File::options().create(true).truncate(false).write(true).open(path.join(LOCK_FILE))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(fs::TryLockError::WouldBlock) => Err(SyncError::AtWork(path.to_owned())),
            Err(fs::TryLockError::Error(error)) => Err(error.into()),
        }
    }

    /// Fetches `source`, if it is not there or has changed. `progress` is told how many bytes there are so far.
    pub async fn fetch(
        &self,
        source: &Source,
        settings: &SyncSettings,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Fetched, SyncError> {
        let path = self.path.join(&source.name);
        let known = Mark::of(&path, &source.address);
        let response = asked(source, settings, known.as_ref()).await?;
        if response.status() == StatusCode::NOT_MODIFIED && known.is_some() {
            return Ok(Fetched::Unchanged);
        }
        if !response.status().is_success() {
            return Err(CouldNotAsk::Status { status: response.status().as_u16() }.into());
        }
        let etag = response.headers().get(ETAG).and_then(|etag| etag.to_str().ok()).map(str::to_owned);
        let unfinished = Unfinished::beside(&path)?;
        let bytes = unfinished.take(response, source, settings, progress).await?;
        let (beside, check) = (unfinished.path.clone(), source.check);
        let checked = tokio::task::spawn_blocking(move || check(&beside)).await.map_err(io::Error::other)?;
        checked.map_err(CouldNotAsk::Unreadable)?;
        // The mark goes first: it may never stand beside another file than the one it is of.
        Mark::remove(&path)?;
        fs::rename(&unfinished.path, &path)?;
        if let Some(etag) = etag.filter(|etag| etag.len() <= ETAG_BYTES_MAX) {
            Mark { address: hash_of(&[source.address.as_str()]), etag, bytes }.keep(&path)?;
        }
        Ok(Fetched::New { bytes })
    }
}

async fn asked(source: &Source, settings: &SyncSettings, known: Option<&Mark>) -> Result<Response, CouldNotAsk> {
    let client = client_of(&source.address)
        // The files are kept as they are published, packed.
        .no_gzip()
        .read_timeout(Duration::from_secs(settings.silence_s))
        .timeout(Duration::from_secs(settings.file_s))
        .build()
        .map_err(|error| CouldNotAsk::Connection(error.to_string()))?;
    let request = client.get(source.address.clone());
    let if_changed = |request: RequestBuilder, mark: &Mark| request.header(IF_NONE_MATCH, &mark.etag);
    let request = match known {
        Some(mark) => if_changed(request, mark),
        None => request,
    };
    request.send().await.map_err(|error| reason(&error, settings.silence_s))
}

/// What the server called the file that is there.
#[derive(Debug, Serialize, Deserialize)]
struct Mark {
    /// Who called it that: a hash, for an address may hold a password.
    address: String,
    etag: String,
    /// Size of the file: another one is not what was fetched.
    bytes: u64,
}

impl Mark {
    /// The mark of the file at `path`, if it is still the one that was fetched from `address`.
    fn of(path: &Path, address: &Url) -> Option<Self> {
        let mark: Self = serde_json::from_slice(&fs::read(Self::path(path)).ok()?).ok()?;
        let is_of_it = mark.address == hash_of(&[address.as_str()])
            && fs::metadata(path).is_ok_and(|file| file.len() == mark.bytes);
        is_of_it.then_some(mark)
    }

    fn keep(&self, path: &Path) -> io::Result<()> {
        replace(&Self::path(path), &[&serde_json::to_vec(self)?])
    }

    fn remove(path: &Path) -> io::Result<()> {
        match fs::remove_file(Self::path(path)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn path(path: &Path) -> PathBuf {
        with_suffix(path, ".etag")
    }
}

/// A file that is being written, beside the one whose place it will take. It goes when it is dropped; what a killed process left is
/// written over by the next.
struct Unfinished {
    path: PathBuf,
    file: File,
}

impl Unfinished {
    fn beside(path: &Path) -> io::Result<Self> {
        fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
        let path = with_suffix(path, ".part");
        Ok(Self { file: File::create(&path)?, path })
    }

    /// Writes what `response` has; returns its size.
    async fn take(
        &self,
        mut response: Response,
        source: &Source,
        settings: &SyncSettings,
        progress: &mut dyn FnMut(u64),
    ) -> Result<u64, SyncError> {
        let too_large = || CouldNotAsk::TooLarge { bytes_max: usize::try_from(source.bytes_max).unwrap_or(usize::MAX) };
        if response.content_length().is_some_and(|bytes| bytes > source.bytes_max) {
            return Err(too_large().into());
        }
        let mut file = BufWriter::new(&self.file);
        let mut bytes = 0;
        while let Some(chunk) = response.chunk().await.map_err(|error| reason(&error, settings.silence_s))? {
            bytes += chunk.len() as u64;
            if bytes > source.bytes_max {
                return Err(too_large().into());
            }
            file.write_all(&chunk)?;
            progress(bytes);
        }
        file.flush()?;
        drop(file);
        self.file.sync_all()?;
        Ok(bytes)
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // Where it took the other's place it is not there any more; one that stays only takes room.
        let _ = fs::remove_file(&self.path);
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(suffix);
    path.with_file_name(name)
}

#[cfg(test)]
mod tests;
