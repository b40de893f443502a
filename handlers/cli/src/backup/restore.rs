//! Putting a backup back: all of it is looked at before anything is written, and it appears whole or not at all.

use super::manifest::{Entry, MANIFEST_BYTES_MAX, Manifest, NAME, Place};
use crate::Failure;
use jiff::Timestamp;
use local_host::backup::{self, FOLDER};
use sha2::{Digest, Sha256};
use std::fs::{DirBuilder, File};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use zip::ZipArchive;

/// Restores `file` to `state`, which has to be absent or empty, or, if `force`, is put aside. Tells where.
pub fn restore(
    file: &Path,
    state: &Path,
    force: bool,
    now: Timestamp,
    told: &mut dyn FnMut(&str, &str),
) -> Result<(Manifest, Option<PathBuf>), Failure> {
    let failure = |error: String| Failure(format!("{}: {error}; nothing was written", file.display()));
    let is_there = may_be_written(state, force)?;
    let opened = File::open(file).map_err(|error| failure(error.to_string()))?;
    let mut archive = ZipArchive::new(opened).map_err(|error| failure(format!("it is no whole backup: {error}")))?;
    let manifest = read_manifest(&mut archive).map_err(failure)?;
    for (number, entry) in manifest.entries.iter().enumerate() {
        told("looking at the backup", &format!("{number} of {}", manifest.entries.len()));
        read(&mut archive, entry, &mut std::io::sink()).map_err(failure)?;
    }
    if archive.len() != manifest.entries.len() + 1 {
        return Err(failure("it has entries that its manifest does not name".to_owned()));
    }
    let parent = state.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let in_parent = |error: std::io::Error| Failure(format!("{}: {error}", parent.display()));
    std::fs::create_dir_all(parent).map_err(in_parent)?;
    let unfinished = tempfile::Builder::new().prefix(".suture-restore-").tempdir_in(parent).map_err(in_parent)?;
    let new = unfinished.path().join("state");
    std::fs::create_dir(&new).map_err(in_parent)?;
    for (number, entry) in manifest.entries.iter().enumerate() {
        told("restoring", &format!("{number} of {}", manifest.entries.len()));
        unpack(&mut archive, entry, &new).map_err(failure)?;
    }
    for database in backup::databases(&new.join(FOLDER)).map_err(Failure::new)? {
        backup::check(&database).map_err(|error| failure(error.to_string()))?;
    }
    let replaced = is_there.then(|| aside(state, now));
    if let Some(replaced) = &replaced {
        std::fs::rename(state, replaced).map_err(in_parent)?;
    }
    std::fs::rename(&new, state).map_err(|error| Failure(format!("{}: {error}", state.display())))?;
    // That the folder has its name is on the disk too.
    File::open(parent).and_then(|folder| folder.sync_all()).map_err(in_parent)?;
    Ok((manifest, replaced))
}

/// Whether something is there that has to be put aside. An error where that must not be.
fn may_be_written(state: &Path, force: bool) -> Result<bool, Failure> {
    let failure = |error: std::io::Error| Failure(format!("{}: {error}", state.display()));
    match state.symlink_metadata() {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(failure(error)),
        Ok(metadata) if !metadata.is_dir() => {
            return Err(Failure(format!("{} is no folder", state.display())));
        }
        Ok(_) => {}
    }
    if std::fs::read_dir(state).map_err(failure)?.next().is_none() {
        return Ok(false);
    }
    if !force {
        return Err(Failure(format!(
            "{} is not empty; restore to another folder, or put what is there aside with --force",
            state.display()
        )));
    }
    if backup::is_in_use(&state.join(FOLDER)) {
        return Err(Failure(format!("`suture local` is running on {}; stop it first", state.display())));
    }
    Ok(true)
}

fn aside(state: &Path, now: Timestamp) -> PathBuf {
    let mut name = state.as_os_str().to_owned();
    name.push(format!(".before-{}", now.strftime("%Y%m%dT%H%M%S")));
    name.into()
}

fn read_manifest(archive: &mut ZipArchive<File>) -> Result<Manifest, String> {
    let entry = archive.by_name(NAME).map_err(|error| format!("it has no {NAME}: {error}"))?;
    let mut bytes = Vec::new();
    entry
        .take(MANIFEST_BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| format!("{NAME} is damaged: {error}"))?;
    if bytes.len() as u64 > MANIFEST_BYTES_MAX {
        return Err(format!("{NAME} has more than {MANIFEST_BYTES_MAX} bytes"));
    }
    Manifest::parse(&bytes)
}

/// Writes the bytes of `entry` to `out`, if they are those that were backed up. Never more than it is to have.
fn read(archive: &mut ZipArchive<File>, entry: &Entry, out: &mut impl Write) -> Result<(), String> {
    let path = &entry.path;
    let packed = archive.by_name(path).map_err(|error| format!("{path}: {error}"))?;
    if !packed.is_file() {
        return Err(format!("{path} is no file"));
    }
    let mut hashing = Hashing { hash: Sha256::new(), out };
    let read =
        std::io::copy(&mut packed.take(entry.bytes + 1), &mut hashing).map_err(|error| format!("{path}: {error}"))?;
    if read != entry.bytes || hex(&hashing.hash.finalize()) != entry.sha256 {
        return Err(format!("{path} is not what was backed up"));
    }
    Ok(())
}

fn unpack(archive: &mut ZipArchive<File>, entry: &Entry, new: &Path) -> Result<(), String> {
    let to = match Place::of(&entry.path) {
        Some(Place::Database(name)) => new.join(FOLDER).join(name),
        Some(Place::Record(path)) => new.join(path),
        None => return Err(format!("{} is no place that a backup has", entry.path)),
    };
    let failed = |error: std::io::Error| format!("{}: {error}", to.display());
    make_folders(&to).map_err(failed)?;
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&to).map_err(failed)?;
    read(archive, entry, &mut file)?;
    let written = SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(entry.written_ms));
    written.map_or(Ok(()), |written| file.set_modified(written)).map_err(failed)?;
    file.sync_all().map_err(failed)
}

/// The folders above `file`, for nobody but their owner.
fn make_folders(file: &Path) -> std::io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    file.parent().map_or(Ok(()), |folder| builder.create(folder))
}

struct Hashing<'a, W: Write> {
    hash: Sha256,
    out: &'a mut W,
}

impl<W: Write> Write for Hashing<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.hash.update(bytes.get(..written).unwrap_or_default());
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.out.flush()
    }
}

/// `bytes` in hex.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
