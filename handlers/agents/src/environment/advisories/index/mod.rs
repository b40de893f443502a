//! The index: what all records say, by package, in one file that opens in a fraction of a millisecond.
//!
//! A filter and a directory of some hundred KB are read at once; then a package that no advisory names costs no read at
//! all, and one that has some costs a single positioned read of its bucket. Blocks never stay in memory.
//!
//! Why a format of its own: 220,000 packages as npm has them in OSV, 1,700 look-ups of which 213 are hits, opened anew each
//! time, release build, two shared cores, file cache warm; median of 30 in one process, then the first in a new process.
//!
//! | store | median | first | memory of the process | file |
//! |---|---|---|---|---|
//! | this one | 0.35 ms | 0.80 ms | 4.1 MB | 28.7 MB |
//! | `fst` map of names, values in a second file | 0.51 ms | 2.3 to 5.5 ms | 9.3 MB | 26.4 MB |
//! | `redb` 4 | 0.90 ms | 1.7 ms | 4.9 MB | 42.8 MB |
//!
//! `fst` needs its whole map in memory where files can't be mapped without `unsafe`, and `redb` walks a tree for each name.
//!
//! Damage is an error, never "nothing found": filter and directory have a checksum that is held at every start, each
//! block one that is held when it is read.

mod build;
mod layout;

pub(super) use build::replace;
pub use build::{BuildReport, Skipped};

use jiff::Timestamp;
use layout::{FORMAT_VERSION, HEADER_BYTES, Header};
use pipeline::advisory::exploitation::ExploitationMeta;
use pipeline::advisory::{Advisory, normalised_name};
use pipeline::version::Ecosystem;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// An index that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// The file can't be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Some other file.
    #[error("this is not an index of advisories; build one with `suture advisories build`")]
    Foreign,
    /// An index that an older or newer Suture built.
    #[error(
        "the index has format {version}, this Suture reads {FORMAT_VERSION}; build it anew with `suture advisories build`"
    )]
    OtherVersion {
        /// Its format.
        version: u32,
    },
    /// Damaged.
    #[error("the index is damaged ({0}); build it anew with `suture advisories build`")]
    Corrupt(&'static str),
    /// More than the format holds.
    #[error("there is more than an index can hold: {0}")]
    TooLarge(&'static str),
}

/// What an index is made of, and how old that is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IndexMeta {
    /// When it was built.
    pub created: Timestamp,
    /// By ecosystem, as OSV names them.
    pub ecosystems: BTreeMap<String, EcosystemMeta>,
    /// Records that were read.
    pub records: u64,
    /// Records that were left out because they are withdrawn.
    pub withdrawn: u64,
    /// Records that could not be read.
    pub skipped: u64,
    /// What it knows of exploitation.
    pub exploitation: ExploitationMeta,
}

/// What an index has of one ecosystem.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct EcosystemMeta {
    /// Packages with any advisory.
    pub packages: u64,
    /// Advisories, one for each record and package.
    pub advisories: u64,
    /// When the newest of its records was changed.
    pub newest: Option<Timestamp>,
}

/// An open index.
#[derive(Debug)]
pub struct Index {
    path: PathBuf,
    file: File,
    meta: IndexMeta,
    /// Meta, filter and directory, as in the file.
    resident: Vec<u8>,
    meta_bytes: usize,
    filter_bytes: usize,
    buckets: usize,
    blocks_at: u64,
    block_bytes: u64,
}

impl Index {
    /// Opens an index.
    pub fn open(path: &Path) -> Result<Self, IndexError> {
        let in_file = |source| IndexError::Io { path: path.to_owned(), source };
        let file = File::open(path).map_err(in_file)?;
        let file_bytes = file.metadata().map_err(in_file)?.len();
        if file_bytes < HEADER_BYTES as u64 {
            return Err(IndexError::Foreign);
        }
        let mut header = [0; HEADER_BYTES];
        read_at(&file, &mut header, 0).map_err(in_file)?;
        let header = Header::read(&header, file_bytes)?;
        let resident_bytes = header.resident_bytes().ok_or(IndexError::Corrupt("its header"))?;
        let mut resident = vec![0; resident_bytes as usize];
        read_at(&file, &mut resident, HEADER_BYTES as u64).map_err(in_file)?;
        if header.checksum_of(&resident) != header.checksum {
            return Err(IndexError::Corrupt("its directory"));
        }
        let meta = resident.get(..header.meta_bytes as usize).and_then(|meta| postcard::from_bytes(meta).ok());
        let meta = meta.ok_or(IndexError::Corrupt("its description"))?;
        Ok(Self {
            path: path.to_owned(),
            file,
            meta,
            resident,
            meta_bytes: header.meta_bytes as usize,
            filter_bytes: header.filter_bytes as usize,
            buckets: header.buckets as usize,
            blocks_at: HEADER_BYTES as u64 + resident_bytes,
            block_bytes: header.block_bytes,
        })
    }

    /// What it is made of.
    pub fn meta(&self) -> &IndexMeta {
        &self.meta
    }

    /// Every advisory on a package. Empty: the index knows the ecosystem's advisories, and none names it; see
    /// [`Index::knows`] for ecosystems that it has nothing of.
    pub fn lookup(&self, ecosystem: Ecosystem, name: &str) -> Result<Vec<Advisory>, IndexError> {
        let name = normalised_name(ecosystem, name);
        let hash = layout::hash(&ecosystem, &name);
        let (filter, directory) = self.resident[self.meta_bytes..].split_at(self.filter_bytes);
        let is_set = |(byte, bit): (usize, u8)| filter.get(byte).is_some_and(|bits| bits & bit != 0);
        if !layout::filter_bits(hash, self.filter_bytes).all(is_set) {
            return Ok(Vec::new());
        }
        let bucket = layout::bucket_of(hash, self.buckets);
        let start = u64::from(layout::u32_at(directory, bucket * 4));
        let end = u64::from(layout::u32_at(directory, bucket * 4 + 4));
        if start == end {
            return Ok(Vec::new());
        }
        if start + 8 > end || end > self.block_bytes {
            return Err(IndexError::Corrupt("its directory"));
        }
        let mut block = vec![0; (end - start) as usize];
        let in_file = |source| IndexError::Io { path: self.path.clone(), source };
        read_at(&self.file, &mut block, self.blocks_at + start).map_err(in_file)?;
        find(&block, &layout::key(&ecosystem, &name))
    }

    /// Whether the index was built from any record of this ecosystem.
    pub fn knows(&self, ecosystem: Ecosystem) -> bool {
        self.meta.ecosystems.contains_key(&ecosystem.to_string())
    }
}

/// What an index that is kept somewhere depends on besides its records.
pub(super) fn build_version() -> String {
    format!("{FORMAT_VERSION} {}", env!("CARGO_PKG_VERSION"))
}

/// The advisories of `key` in a block.
fn find(block: &[u8], key: &str) -> Result<Vec<Advisory>, IndexError> {
    let damaged = || IndexError::Corrupt("a block");
    let (sum, mut entries) = block.split_at_checked(8).ok_or_else(damaged)?;
    if sum != layout::checksum(entries).to_le_bytes() {
        return Err(damaged());
    }
    while !entries.is_empty() {
        let ((found, advisories), rest) = postcard::take_from_bytes::<(&str, &[u8])>(entries).map_err(|_| damaged())?;
        if found == key {
            return postcard::from_bytes(advisories).map_err(|_| damaged());
        }
        entries = rest;
    }
    Ok(Vec::new())
}

#[cfg(unix)]
fn read_at(file: &File, buffer: &mut [u8], at: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, buffer, at)
}

#[cfg(windows)]
fn read_at(file: &File, mut buffer: &mut [u8], mut at: u64) -> io::Result<()> {
    while !buffer.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, buffer, at)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => {
                buffer = &mut buffer[read..];
                at += read as u64;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
