//! The bytes of an index: header, meta, filter, directory, blocks.
//!
//! ```text
//! 0   magic `SUTRADV\0`
//! 8   u32 format version        12  u32 number of buckets
//! 16  u64 bytes of meta         24  u64 bytes of filter
//! 32  u64 bytes of blocks       40  u64 checksum of all before the blocks, this field left out
//! 48  meta (postcard) · filter (Bloom) · directory (u32 offset of each bucket, and of the end) · blocks
//! ```
//! All numbers are little endian. A block holds the packages of one bucket: a checksum, then `(key, advisories)` in postcard.

use super::IndexError;
use std::fmt::{self, Write};

pub(super) const MAGIC: [u8; 8] = *b"SUTRADV\0";
/// Changes with any change of the layout, or of what postcard makes of an advisory.
pub(super) const FORMAT_VERSION: u32 = 3;
pub(super) const HEADER_BYTES: usize = 48;
/// Bytes of meta, filter and directory together, which are held in memory.
const RESIDENT_BYTES_MAX: u64 = 32 << 20;
const FILTER_BITS_PER_PACKAGE: usize = 10;
const FILTER_PROBES: u64 = 5;
/// A bucket is read as a whole, so it should be a small read; and the directory is held in memory, so it should be short.
const PACKAGES_PER_BUCKET: usize = 4;

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Header {
    pub buckets: u32,
    pub meta_bytes: u64,
    pub filter_bytes: u64,
    pub block_bytes: u64,
    pub checksum: u64,
}

impl Header {
    pub(super) fn to_bytes(self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[0..8].copy_from_slice(&MAGIC);
        bytes[8..12].copy_from_slice(&FORMAT_VERSION.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.buckets.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.meta_bytes.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.filter_bytes.to_le_bytes());
        bytes[32..40].copy_from_slice(&self.block_bytes.to_le_bytes());
        bytes[40..48].copy_from_slice(&self.checksum.to_le_bytes());
        bytes
    }

    /// Reads the header of a file of `file_bytes`. The lengths in it are those of the file, so they may be allocated.
    pub(super) fn read(bytes: &[u8; HEADER_BYTES], file_bytes: u64) -> Result<Self, IndexError> {
        if bytes[0..8] != MAGIC {
            return Err(IndexError::Foreign);
        }
        let version = u32_at(bytes, 8);
        if version != FORMAT_VERSION {
            return Err(IndexError::OtherVersion { version });
        }
        let header = Self {
            buckets: u32_at(bytes, 12),
            meta_bytes: u64_at(bytes, 16),
            filter_bytes: u64_at(bytes, 24),
            block_bytes: u64_at(bytes, 32),
            checksum: u64_at(bytes, 40),
        };
        let resident = header.resident_bytes().filter(|bytes| *bytes <= RESIDENT_BYTES_MAX);
        let all = resident.and_then(|bytes| bytes.checked_add(HEADER_BYTES as u64)?.checked_add(header.block_bytes));
        if all != Some(file_bytes) || header.buckets == 0 || header.filter_bytes == 0 {
            return Err(IndexError::Corrupt("its length is not what its header says: it may be cut short"));
        }
        Ok(header)
    }

    /// Bytes of meta, filter and directory.
    pub(super) fn resident_bytes(&self) -> Option<u64> {
        let directory = (u64::from(self.buckets) + 1).checked_mul(4)?;
        self.meta_bytes.checked_add(self.filter_bytes)?.checked_add(directory)
    }

    /// The checksum that a header with these lengths and these resident bytes has.
    pub(super) fn checksum_of(&self, resident: &[u8]) -> u64 {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(&self.to_bytes()[8..40]);
        checksum(&bytes) ^ checksum(resident).rotate_left(1)
    }
}

/// The number of buckets for so many packages.
pub(super) fn buckets_for(packages: usize) -> usize {
    (packages / PACKAGES_PER_BUCKET).max(1)
}

/// The number of filter bytes for so many packages.
pub(super) fn filter_bytes_for(packages: usize) -> usize {
    (packages * FILTER_BITS_PER_PACKAGE).div_ceil(8).max(8)
}

/// The key of a package: no name holds a NUL that would make it another's.
pub(super) fn key(ecosystem: &impl fmt::Display, name: &str) -> String {
    format!("{ecosystem}\0{name}")
}

/// The hash of a key, which is not made for it: FNV-1a, with its bits mixed. It never changes within a format version,
/// since files hold what follows from it.
pub(super) fn hash(ecosystem: &impl fmt::Display, name: &str) -> u64 {
    let mut hash = Fnv(0xcbf2_9ce4_8422_2325);
    // Hashing can't fail.
    let _ = write!(hash, "{ecosystem}\0");
    hash.take(name);
    mix(hash.0)
}

struct Fnv(u64);

impl Fnv {
    fn take(&mut self, text: &str) {
        self.0 = text.bytes().fold(self.0, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    }
}

impl fmt::Write for Fnv {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.take(text);
        Ok(())
    }
}

/// The bucket of a hash: its high bits, scaled.
pub(super) fn bucket_of(hash: u64, buckets: usize) -> usize {
    ((u128::from(hash) * buckets as u128) >> 64) as usize
}

/// The bits of the filter that a package of this hash sets: the byte, and the bit in it.
pub(super) fn filter_bits(hash: u64, filter_bytes: usize) -> impl Iterator<Item = (usize, u8)> {
    let bits = filter_bytes.saturating_mul(8);
    let step = mix(hash) | 1;
    (1..=FILTER_PROBES).map(move |probe| {
        let bit = bucket_of(hash.wrapping_add(step.wrapping_mul(probe)), bits);
        (bit / 8, 1 << (bit % 8))
    })
}

/// A checksum against damage, not against an adversary. Any one changed word changes it.
///
/// Four lanes, since the whole directory is checked at every start.
pub(super) fn checksum(bytes: &[u8]) -> u64 {
    const PRIME: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut lanes = [1u64, 2, 3, 4];
    let mut chunks = bytes.chunks_exact(32);
    let step = |lane: u64, word: u64| (lane ^ word).wrapping_mul(PRIME).rotate_left(29);
    for chunk in &mut chunks {
        for (lane, word) in lanes.iter_mut().zip(chunk.chunks_exact(8)) {
            *lane = step(*lane, u64_at(word, 0));
        }
    }
    let rest = chunks.remainder().iter().fold(bytes.len() as u64, |sum, byte| step(sum, u64::from(*byte)));
    lanes.iter().fold(mix(rest), |sum, lane| mix(step(sum, *lane)))
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|four| four.try_into().ok()).map_or(0, u32::from_le_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..at + 8).and_then(|eight| eight.try_into().ok()).map_or(0, u64::from_le_bytes)
}

/// The finaliser of SplitMix64.
fn mix(mut hash: u64) -> u64 {
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}
