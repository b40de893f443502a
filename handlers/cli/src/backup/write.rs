//! Writing a backup while agents and the local host work.
//!
//! The messages are copied before the records. A message that is in the copy and was handled meanwhile comes again after a
//! restore, finds its records, and is answered as before. The other way round, a message that was handled between the two copies
//! would be in neither: work that is lost. Of the records, wake-ups and then the journal come first, for the same reason.

use super::manifest::{Entry, Manifest, NAME, RECORDS, SCHEMA};
use super::walk::{self, Found};
use crate::Failure;
use jiff::Timestamp;
use local_host::backup::{self, FOLDER};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{BufWriter, ErrorKind, Read, Seek, Write};
use std::path::Path;
use std::time::{Duration, SystemTime};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// Bytes that are read at once.
const CHUNK_BYTES: usize = 64 << 10;

/// Entries over this size need the longer form of a zip.
const LARGE_BYTES: u64 = 1 << 30;

/// Writes the state in `state` to `file`, which appears whole or not at all. Also tells what is not in it.
pub fn backup(
    state: &Path,
    file: &Path,
    now: Timestamp,
    told: &mut dyn FnMut(&str, &str),
) -> Result<(Manifest, Vec<String>), Failure> {
    if !state.is_dir() {
        return Err(Failure(format!("{}: there is no state; use --state DIR", state.display())));
    }
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let failure = |error: std::io::Error| Failure(format!("{}: {error}", file.display()));
    let (inside, outside) = (state.canonicalize().map_err(failure)?, folder.canonicalize().map_err(failure)?);
    if outside.starts_with(&inside) {
        return Err(Failure(format!("{} is within the state; write the backup elsewhere", file.display())));
    }
    // In it are keys and messages: it is its owner's alone, as temporary files are.
    let mut unfinished = tempfile::Builder::new().prefix(".suture-backup-").tempfile_in(folder).map_err(failure)?;
    let mut archive = Archive { zip: ZipWriter::new(BufWriter::new(unfinished.as_file_mut())), entries: Vec::new() };
    let databases = copy_databases(state, folder, &mut archive, told)?;
    let mut passed_over = Vec::new();
    for shelf in walk::shelves(state)? {
        let mut found = Found::default();
        walk::files(state, &shelf, &mut found)?;
        for path in &found.files {
            told("copying records", &archive.entries.len().to_string());
            let name: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
            archive.add(&format!("{RECORDS}/{}", name.join("/")), &state.join(path))?;
        }
        passed_over.append(&mut found.passed_over);
    }
    let manifest = Manifest {
        schema: SCHEMA.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        made: now,
        databases,
        records: archive.entries.len() - databases,
        entries: std::mem::take(&mut archive.entries),
    };
    archive.finish(&manifest)?;
    unfinished.as_file().sync_all().map_err(failure)?;
    unfinished.persist(file).map_err(|error| failure(error.error))?;
    Ok((manifest, passed_over))
}

fn copy_databases<W: Write + Seek>(
    state: &Path,
    beside: &Path,
    archive: &mut Archive<W>,
    told: &mut dyn FnMut(&str, &str),
) -> Result<usize, Failure> {
    let copies = tempfile::Builder::new().prefix(".suture-backup-").tempdir_in(beside).map_err(Failure::new)?;
    let databases = backup::databases(&state.join(FOLDER)).map_err(Failure::new)?;
    for database in &databases {
        let Some(name) = database.file_name().and_then(|name| name.to_str()) else { continue };
        told("copying messages", name);
        let copy = copies.path().join(name);
        backup::copy(database, &copy).map_err(Failure::new)?;
        archive.add(&format!("{FOLDER}/{name}"), &copy)?;
        // It may be large, and there may be more.
        std::fs::remove_file(&copy).map_err(Failure::new)?;
    }
    Ok(archive.entries.len())
}

struct Archive<W: Write + Seek> {
    zip: ZipWriter<W>,
    entries: Vec<Entry>,
}

impl<W: Write + Seek> Archive<W> {
    /// Adds the file `from` as `path`. One that vanished meanwhile is not added: its work is done.
    fn add(&mut self, path: &str, from: &Path) -> Result<(), Failure> {
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
    fn finish(mut self, manifest: &Manifest) -> Result<(), Failure> {
        let text = serde_json::to_vec(manifest).map_err(Failure::new)?;
        self.start(NAME, text.len() as u64)?;
        self.zip.write_all(&text).map_err(Failure::new)?;
        let mut out = self.zip.finish().map_err(Failure::new)?;
        out.flush().map_err(Failure::new)
    }
}
