//! A folder of OSV archives, `ECOSYSTEM/all.zip`, as OSV publishes them: indexed once into the cache, then reused. Files that
//! tell what is exploited may be beside them.
//!
//! The index in the cache is named by a hash of the archives' names, sizes and times, so that a changed archive makes a
//! new one; the old one of the same folder is removed. Names inside of archives are only ever shown, never used as paths.

use super::exploitation::{ExploitationError, ExploitationFiles};
use super::index::{BuildReport, Index, IndexError, Skipped, build_version};
use jiff::Timestamp;
use pipeline::advisory::osv::{OsvRecord, RECORD_BYTES_MAX};
use pipeline::ids::hash_of;
use pipeline::version::Ecosystem;
use std::fs::{self, File};
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use zip::ZipArchive;

/// Entries of one archive. All of npm has some 220,000.
const ENTRIES_MAX: usize = 2_000_000;
/// Bytes that are unpacked from one archive.
const ARCHIVE_BYTES_MAX: u64 = 16 << 30;
/// An entry past [`RATIO_FREE_BYTES`] may not be this many times larger than it is packed: records pack about 5 to 1.
const RATIO_MAX: u64 = 200;
const RATIO_FREE_BYTES: u64 = 1 << 20;
/// How many records there are between two reports of progress.
const PROGRESS_RECORDS: usize = 1000;

/// Archives that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ZipsError {
    /// The folder can't be read.
    #[error("{path}: {source}")]
    Io {
        /// The folder or file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Nothing in it has the layout.
    #[error("{path} has no `ECOSYSTEM/all.zip` of an ecosystem that Suture knows ({known}), and is no index either")]
    Nothing {
        /// The folder.
        path: PathBuf,
        /// Ecosystems that would do.
        known: String,
    },
    /// An archive that can't be read is not passed over: its ecosystem would look free of vulnerabilities.
    #[error("{path}: {reason}")]
    Archive {
        /// The archive.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// A file that tells what is exploited is not passed over either.
    #[error(transparent)]
    Exploitation(#[from] ExploitationError),
    /// The index of it can't be built or opened.
    #[error(transparent)]
    Index(#[from] IndexError),
}

/// How far the reading of archives has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// The ecosystem that is being read.
    pub ecosystem: String,
    /// Records read of its archive.
    pub records: usize,
    /// Records that it has.
    pub records_all: usize,
}

/// What reading a folder of archives has led to.
#[derive(Debug)]
pub struct Opened {
    /// The index.
    pub index: Index,
    /// What building it has met. `None`: it was in the cache.
    pub report: Option<BuildReport>,
    /// What in the folder was left out.
    pub notes: Vec<String>,
}

/// Opens `path`, a folder of archives, whose index is taken from `cache` or built into it.
pub fn open(
    path: &Path,
    cache: &Path,
    now: Timestamp,
    progress: &mut dyn FnMut(&Progress),
) -> Result<Opened, ZipsError> {
    let (archives, notes) = archives(path)?;
    let files = ExploitationFiles::of_folder(path);
    let cached = cache.join(cached_name(path, &archives, &files));
    match Index::open(&cached) {
        Ok(index) => return Ok(Opened { index, report: None, notes }),
        Err(error) => tracing::debug!(index.path = %cached.display(), %error, "no index in the cache"),
    }
    let report = build(&archives, &files, &cached, now, progress)?;
    remove_older(path, &cached);
    Ok(Opened { index: Index::open(&cached)?, report: Some(report), notes })
}

/// Builds an index of the archives in the folder `path` and of `files` at `out`. Returns with it what in the folder was left out.
pub fn build_index(
    path: &Path,
    files: &ExploitationFiles,
    out: &Path,
    now: Timestamp,
    progress: &mut dyn FnMut(&Progress),
) -> Result<(BuildReport, Vec<String>), ZipsError> {
    let (archives, notes) = archives(path)?;
    Ok((build(&archives, files, out, now, progress)?, notes))
}

struct Archive {
    ecosystem: String,
    path: PathBuf,
    /// Name, size and time.
    state: String,
}

/// Sorted by ecosystem; with notes on folders that are left out.
fn archives(folder: &Path) -> Result<(Vec<Archive>, Vec<String>), ZipsError> {
    let about = |source| ZipsError::Io { path: folder.to_owned(), source };
    let (mut archives, mut notes) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(folder).map_err(about)? {
        let entry = entry.map_err(about)?;
        let path = entry.path().join("all.zip");
        let Some(metadata) = fs::metadata(&path).ok().filter(fs::Metadata::is_file) else { continue };
        let ecosystem = entry.file_name().to_string_lossy().into_owned();
        if ecosystem.parse::<Ecosystem>().is_err() {
            notes.push(format!("{ecosystem}: not an ecosystem that Suture knows; its advisories are left out"));
            continue;
        }
        let time = metadata.modified().map_err(about)?.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let state = format!("{ecosystem} {} {}", metadata.len(), time.as_nanos());
        archives.push(Archive { ecosystem, path, state });
    }
    if archives.is_empty() {
        let known = Ecosystem::ALL.map(|ecosystem| ecosystem.to_string()).join(", ");
        return Err(ZipsError::Nothing { path: folder.to_owned(), known });
    }
    archives.sort_by(|a, b| a.ecosystem.cmp(&b.ecosystem));
    notes.sort();
    Ok((archives, notes))
}

fn build(
    archives: &[Archive],
    files: &ExploitationFiles,
    out: &Path,
    now: Timestamp,
    progress: &mut dyn FnMut(&Progress),
) -> Result<BuildReport, ZipsError> {
    let exploitation = files.read()?;
    // All are opened before any is read: only an index of all of them may take the place of the old one.
    let opened: Vec<_> = archives.iter().map(Records::open).collect::<Result<_, _>>()?;
    let records = opened.into_iter().flatten().map(|(record, at)| {
        if at.records % PROGRESS_RECORDS == 0 || at.records == at.records_all {
            progress(&at);
        }
        record
    });
    Ok(Index::build_with(out, records, &exploitation, now)?)
}

/// Whether the archive at `path` can be read: its list of entries, which stands at its end.
pub(super) fn check(path: &Path) -> Result<(), String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let zip = ZipArchive::new(BufReader::new(file)).map_err(|error| format!("not a readable archive: {error}"))?;
    match zip.len() {
        0 => Err("the archive is empty".to_owned()),
        entries if entries > ENTRIES_MAX => Err(format!("{entries} entries, more than {ENTRIES_MAX}")),
        _ => Ok(()),
    }
}

/// The records of one archive, each with the progress.
struct Records {
    archive: ZipArchive<BufReader<File>>,
    place: String,
    next: usize,
    unpacked_bytes: u64,
    progress: Progress,
}

impl Records {
    fn open(archive: &Archive) -> Result<Self, ZipsError> {
        let refused = |reason: String| ZipsError::Archive { path: archive.path.clone(), reason };
        let file = File::open(&archive.path).map_err(|error| refused(error.to_string()))?;
        let zip = ZipArchive::new(BufReader::new(file))
            .map_err(|error| refused(format!("not a readable archive: {error}")))?;
        if zip.len() > ENTRIES_MAX {
            return Err(refused(format!("{} entries, more than {ENTRIES_MAX}", zip.len())));
        }
        let progress = Progress { ecosystem: archive.ecosystem.clone(), records: 0, records_all: zip.len() };
        let place = format!("{}/all.zip", archive.ecosystem);
        Ok(Self { archive: zip, place, next: 0, unpacked_bytes: 0, progress })
    }

    /// The record at `at`; `None` for a folder or a file that is no record.
    fn read(&mut self, at: usize) -> Option<Result<OsvRecord, Skipped>> {
        let mut place = format!("{}#{at}", self.place);
        let read = (|| {
            let mut entry = self.archive.by_index(at).map_err(|error| error.to_string())?;
            let name = String::from_utf8_lossy(entry.name_raw()).into_owned();
            place = format!(
                "{}#{}",
                self.place,
                name.chars().filter(|character| !character.is_control()).take(200).collect::<String>()
            );
            if !entry.is_file() || !name.ends_with(".json") {
                return Ok(None);
            }
            if entry.size() > RECORD_BYTES_MAX as u64 {
                return Err(format!("{} bytes, more than {RECORD_BYTES_MAX}", entry.size()));
            }
            if entry.size() > RATIO_FREE_BYTES && entry.size() / RATIO_MAX > entry.compressed_size() {
                return Err(format!("packed more than {RATIO_MAX} to 1"));
            }
            if self.unpacked_bytes > ARCHIVE_BYTES_MAX {
                return Err(format!("the archive has more than {ARCHIVE_BYTES_MAX} bytes"));
            }
            let mut bytes = Vec::new();
            // The size in the directory is a claim.
            let read = (&mut entry).take(RECORD_BYTES_MAX as u64 + 1).read_to_end(&mut bytes);
            self.unpacked_bytes += bytes.len() as u64;
            read.map_err(|error| error.to_string())?;
            OsvRecord::parse(&bytes).map(Some).map_err(|error| error.to_string())
        })();
        read.map_err(|reason| Skipped { place, reason }).transpose()
    }
}

impl Iterator for Records {
    type Item = (Result<OsvRecord, Skipped>, Progress);

    fn next(&mut self) -> Option<Self::Item> {
        while self.next < self.archive.len() {
            let at = self.next;
            self.next += 1;
            self.progress.records = self.next;
            if let Some(record) = self.read(at) {
                return Some((record, self.progress.clone()));
            }
        }
        None
    }
}

fn folder_name(folder: &Path) -> String {
    let folder = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
    let hash = hash_of(&[&folder.to_string_lossy()]);
    hash.chars().take(16).collect()
}

fn cached_name(folder: &Path, archives: &[Archive], files: &ExploitationFiles) -> String {
    let version = build_version();
    let files = files.state();
    let archives = archives.iter().map(|archive| archive.state.as_str());
    let parts: Vec<_> = archives.chain(files.iter().map(String::as_str)).chain([version.as_str()]).collect();
    let state: String = hash_of(&parts).chars().take(16).collect();
    format!("{}-{state}.index", folder_name(folder))
}

/// Removes the indexes of earlier states of `folder`. One that stays only takes room.
fn remove_older(folder: &Path, newest: &Path) {
    let prefix = format!("{}-", folder_name(folder));
    let Some(entries) = newest.parent().and_then(|cache| fs::read_dir(cache).ok()) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let is_older = name.to_string_lossy().starts_with(&prefix) && Some(name.as_os_str()) != newest.file_name();
        if is_older && let Err(error) = fs::remove_file(entry.path()) {
            tracing::debug!(index.path = %entry.path().display(), %error, "an older index stays");
        }
    }
}

#[cfg(test)]
pub(super) mod tests;
