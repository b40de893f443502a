//! Building an index: all records are merged in memory, then written into a file beside the old one, which it replaces.

use super::layout::{self, Header};
use super::{EcosystemMeta, Index, IndexError, IndexMeta};
use jiff::Timestamp;
use pipeline::advisory::Advisory;
use pipeline::advisory::exploitation::Exploitation;
use pipeline::advisory::merge::{Merged, Merger};
use pipeline::advisory::osv::OsvRecord;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Reasons that a report keeps; beyond it they are only counted.
const REASONS_MAX: usize = 100;

/// A record that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Where it was: the archive and its entry.
    pub place: String,
    /// Why.
    pub reason: String,
}

/// What has become of the records.
#[derive(Debug, Clone, PartialEq)]
pub struct BuildReport {
    /// What the index is made of.
    pub meta: IndexMeta,
    /// The first records that could not be read; `meta.skipped` is their number.
    pub skipped: Vec<Skipped>,
    /// Parts of records that were left out: ids, with what was odd. The first ones.
    pub oddities: Vec<String>,
}

impl Index {
    /// Builds an index from `records` and puts it at `path`, whole or not at all. What is exploited, it does not know.
    pub fn build(
        path: &Path,
        records: impl IntoIterator<Item = Result<OsvRecord, Skipped>>,
        now: Timestamp,
    ) -> Result<BuildReport, IndexError> {
        Self::build_with(path, records, &Exploitation::default(), now)
    }

    /// As [`Index::build`], with what is known of exploitation.
    pub fn build_with(
        path: &Path,
        records: impl IntoIterator<Item = Result<OsvRecord, Skipped>>,
        exploitation: &Exploitation,
        now: Timestamp,
    ) -> Result<BuildReport, IndexError> {
        let mut merger = Merger::default();
        let (mut skipped, mut oddities) = (Vec::new(), Vec::new());
        let (mut read, mut skipped_count) = (0, 0);
        for record in records {
            match record {
                Ok(record) => {
                    read += 1;
                    let room = REASONS_MAX.saturating_sub(oddities.len());
                    oddities.extend(record.oddities.iter().take(room).map(|odd| format!("{}: {odd}", record.id)));
                    merger.add(&record);
                }
                Err(reason) => {
                    skipped_count += 1;
                    if skipped.len() < REASONS_MAX {
                        skipped.push(reason);
                    }
                }
            }
        }
        let withdrawn = merger.withdrawn() as u64;
        let mut merged = merger.finish();
        merged.iter_mut().for_each(|one| exploitation.mark(&mut one.advisory));
        let packages = by_package(merged);
        let mut meta = IndexMeta {
            created: now,
            ecosystems: Default::default(),
            records: read,
            withdrawn,
            skipped: skipped_count,
            exploitation: exploitation.meta(),
        };
        for package in &packages {
            let ecosystem: &mut EcosystemMeta = meta.ecosystems.entry(package.ecosystem.clone()).or_default();
            ecosystem.packages += 1;
            ecosystem.advisories += package.advisories.len() as u64;
            ecosystem.newest = ecosystem.newest.max(package.newest);
        }
        write(path, &packages, &meta)?;
        Ok(BuildReport { meta, skipped, oddities })
    }
}

struct Package {
    ecosystem: String,
    hash: u64,
    key: String,
    newest: Option<Timestamp>,
    advisories: Vec<Advisory>,
}

/// Sorted by hash, so that buckets follow each other.
fn by_package(merged: Vec<Merged>) -> Vec<Package> {
    let mut packages: Vec<Package> = Vec::new();
    for one in merged {
        let ecosystem = one.ecosystem.to_string();
        let key = layout::key(&ecosystem, &one.name);
        match packages.last_mut() {
            Some(last) if last.key == key => {
                last.newest = last.newest.max(one.modified);
                last.advisories.push(one.advisory);
            }
            _ => {
                let hash = layout::hash(&ecosystem, &one.name);
                packages.push(Package { ecosystem, hash, key, newest: one.modified, advisories: vec![one.advisory] });
            }
        }
    }
    packages.sort_by(|a, b| (a.hash, &a.key).cmp(&(b.hash, &b.key)));
    packages
}

fn write(path: &Path, packages: &[Package], meta: &IndexMeta) -> Result<(), IndexError> {
    let buckets = layout::buckets_for(packages.len());
    let mut filter = vec![0u8; layout::filter_bytes_for(packages.len())];
    for package in packages {
        for (byte, bit) in layout::filter_bits(package.hash, filter.len()) {
            filter[byte] |= bit;
        }
    }
    let (directory, blocks) = blocks(packages, buckets)?;
    let meta = postcard::to_stdvec(meta).map_err(|_| IndexError::TooLarge("its description"))?;
    let mut header = Header {
        buckets: u32::try_from(buckets).map_err(|_| IndexError::TooLarge("packages"))?,
        meta_bytes: meta.len() as u64,
        filter_bytes: filter.len() as u64,
        block_bytes: blocks.len() as u64,
        checksum: 0,
    };
    let resident = [meta, filter, directory].concat();
    header.checksum = header.checksum_of(&resident);
    let file_bytes = (layout::HEADER_BYTES + resident.len() + blocks.len()) as u64;
    if Header::read(&header.to_bytes(), file_bytes).is_err() {
        return Err(IndexError::TooLarge("packages"));
    }
    replace(path, &[&header.to_bytes(), &resident, &blocks])
        .map_err(|source| IndexError::Io { path: path.to_owned(), source })
}

fn blocks(packages: &[Package], buckets: usize) -> Result<(Vec<u8>, Vec<u8>), IndexError> {
    let too_large = || IndexError::TooLarge("advisories (4 GiB)");
    let (mut directory, mut blocks) = (Vec::with_capacity((buckets + 1) * 4), Vec::new());
    let mut waiting = packages.iter().peekable();
    for bucket in 0..buckets {
        directory.extend(u32::try_from(blocks.len()).map_err(|_| too_large())?.to_le_bytes());
        let mut block = Vec::new();
        while let Some(package) = waiting.next_if(|package| layout::bucket_of(package.hash, buckets) == bucket) {
            let advisories = postcard::to_stdvec(&package.advisories).map_err(|_| too_large())?;
            block.extend(postcard::to_stdvec(&(&package.key, &advisories)).map_err(|_| too_large())?);
        }
        if !block.is_empty() {
            blocks.extend(layout::checksum(&block).to_le_bytes());
            blocks.extend(block);
        }
    }
    directory.extend(u32::try_from(blocks.len()).map_err(|_| too_large())?.to_le_bytes());
    Ok((directory, blocks))
}

/// Puts a file at `path`, whole or not at all.
pub(in super::super) fn replace(path: &Path, parts: &[&[u8]]) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let beside = beside(path);
    let written = (|| {
        let mut file = BufWriter::new(File::create(&beside)?);
        parts.iter().try_for_each(|part| file.write_all(part))?;
        file.into_inner()?.sync_all()?;
        fs::rename(&beside, path)
    })();
    if written.is_err() {
        // What is left is of no use to anyone; that it can't be removed adds nothing to the error.
        let _ = fs::remove_file(&beside);
    }
    written
}

/// A name that no other process and no other thread writes to.
fn beside(path: &Path) -> PathBuf {
    static WRITTEN: AtomicU64 = AtomicU64::new(0);
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}-{}.tmp", std::process::id(), WRITTEN.fetch_add(1, Ordering::Relaxed)));
    path.with_file_name(name)
}
