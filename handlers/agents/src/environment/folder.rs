//! A folder as it is on the disk, read without following a link.

use super::tree_limits::{TreeLimits, TreeReader};
use detectors::source_tree::SourceTree;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

/// The files under `root` that `wants` asks for. Links are left out, as are the folders that hold other people's code.
pub fn tree(root: &Path, limits: &TreeLimits, wants: fn(&str) -> bool) -> io::Result<SourceTree> {
    let mut reader = TreeReader::new(*limits, wants);
    let mut folders = vec![(String::new(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        let entries = match fs::read_dir(root.join(&folder)) {
            Ok(entries) => entries,
            Err(error) if folder.is_empty() => return Err(error),
            Err(error) => {
                reader.skip(&format!("{folder}: {error}"));
                continue;
            }
        };
        for entry in entries {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else {
                reader.skip("a path that is not UTF-8");
                continue;
            };
            let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
            let kind = entry.file_type()?;
            if kind.is_dir() && reader.enters(&path, depth + 1) {
                folders.push((path, depth + 1));
            } else if kind.is_file() {
                let size_bytes = entry.metadata().map_or(0, |metadata| metadata.len());
                let file_bytes_max = limits.file_bytes_max;
                reader.file(path, size_bytes, || read(&entry.path(), file_bytes_max).ok());
            }
        }
        if reader.is_full() {
            break;
        }
    }
    Ok(reader.finish())
}

/// Reads the regular file at `path`. An error if it was swapped for a link, or grew over `file_bytes_max`, since it was listed.
fn read(path: &Path, file_bytes_max: u64) -> io::Result<Vec<u8>> {
    let listed = fs::symlink_metadata(path)?;
    let file = File::open(path)?;
    let opened = file.metadata()?;
    if !listed.is_file() || !same_file(&listed, &opened) {
        return Err(io::Error::other("it is a link"));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(opened.len().min(file_bytes_max)).unwrap_or(0));
    file.take(file_bytes_max + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > file_bytes_max {
        return Err(io::Error::other("it grew while it was read"));
    }
    Ok(bytes)
}

#[cfg(unix)]
fn same_file(listed: &fs::Metadata, opened: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (listed.dev(), listed.ino()) == (opened.dev(), opened.ino())
}

#[cfg(not(unix))]
fn same_file(listed: &fs::Metadata, opened: &fs::Metadata) -> bool {
    listed.is_file() && opened.is_file()
}
