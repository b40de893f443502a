//! The file of a backup: a zip, and what stands in its manifest.

use super::manifest::{Entry, Manifest, NAME, RECORDS};
use crate::Failure;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{ErrorKind, Read, Seek, Write};
use std::path::Path;
use std::time::{Duration, SystemTime};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// Bytes that are read at once.
const CHUNK_BYTES: usize = 64 << 10;

/// Entries over this size need the longer form of a zip.
const LARGE_BYTES: u64 = 1 << 30;

/// A backup that is being written.
pub struct Archive<W: Write + Seek> {
    zip: ZipWriter<W>,
    /// What is in it so far.
    pub entries: Vec<Entry>,
}

impl<W: Write + Seek> Archive<W> {
    /// An archive with nothing in it.
    pub fn new(out: W) -> Self {
        Self { zip: ZipWriter::new(out), entries: Vec::new() }
    }

    /// Adds the record at `path` below `state`.
    pub fn add_record(&mut self, state: &Path, path: &Path) -> Result<(), Failure> {
        self.add(&entry_of(path), &state.join(path))
    }

    /// Adds the file `from` as `path`. One that vanished meanwhile is not added: its work is done.
    pub fn add(&mut self, path: &str, from: &Path) -> Result<(), Failure> {
        let failure = |error: std::io::Error| Failure(format!("{}: {error}", from.display()));
        let mut file = match File::open(from) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(failure(error)),
        };
        let metadata = file.metadata().map_err(failure)?;
        let written = metadata.modified().ok().and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok());
        self.start(path, metadata.len())?;
        let (mut hash, mut bytes, mut chunk) = (Sha256::new(), 0_u64, vec![0; CHUNK_BYTES]);
        loop {
            let read = file.read(&mut chunk).map_err(failure)?;
            let Some(read) = chunk.get(..read).filter(|read| !read.is_empty()) else { break };
            hash.update(read);
            bytes += read.len() as u64;
            self.zip.write_all(read).map_err(Failure::new)?;
        }
        self.entries.push(Entry {
            path: path.to_owned(),
            bytes,
            sha256: super::restore::hex(&hash.finalize()),
            written_ms: u64::try_from(written.unwrap_or(Duration::ZERO).as_millis()).unwrap_or(0),
        });
        Ok(())
    }

    fn start(&mut self, path: &str, bytes: u64) -> Result<(), Failure> {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .unix_permissions(0o600)
            .large_file(bytes > LARGE_BYTES);
        self.zip.start_file(path, options).map_err(Failure::new)
    }

    /// The manifest goes last: an archive that was cut off has none.
    pub fn finish(mut self, manifest: &Manifest) -> Result<(), Failure> {
        let text = serde_json::to_vec(manifest).map_err(Failure::new)?;
        self.start(NAME, text.len() as u64)?;
        self.zip.write_all(&text).map_err(Failure::new)?;
        let mut out = self.zip.finish().map_err(Failure::new)?;
        out.flush().map_err(Failure::new)
    }
}

/// What the record at `path`, below the state, is called in the archive.
pub fn entry_of(path: &Path) -> String {
    let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
    format!("{RECORDS}/{}", parts.join("/"))
}
