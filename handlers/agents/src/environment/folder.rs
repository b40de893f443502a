//! A folder as it is on the disk, read without following a link.

use super::tree_limits::{TreeLimits, TreeReader, with_includes};
use detectors::source_tree::SourceTree;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

/// The files under `root` that detectors ask for. Links are left out, as are the folders that hold other people's code.
pub fn tree(root: &Path, limits: &TreeLimits) -> io::Result<SourceTree> {
    with_includes(|wants| read_all(root, limits, wants))
}

fn read_all(root: &Path, limits: &TreeLimits, wants: &dyn Fn(&str) -> bool) -> io::Result<SourceTree> {
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
            if !reader.sees() {
                break;
            }
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
                reader.file(
                    path,
                    || {
                        entry
                            .metadata()
                            .map(|metadata| metadata.len())
                            .map_err(|error| format!("can't be read: {error}"))
                    },
                    || read(&entry.path(), limits.file_bytes_max).map_err(|error| format!("can't be read: {error}")),
                );
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_folders_count_as_entries() {
        let root = tempfile::tempdir().unwrap();
        for number in 0..20 {
            fs::create_dir_all(root.path().join(format!("a/{number}/b"))).unwrap();
        }
        let limited =
            |entries_max| tree(root.path(), &TreeLimits { entries_max, ..TreeLimits::default() }).unwrap().limits_hit;
        assert_eq!(limited(41), Vec::<String>::new());
        assert!(limited(40).concat().contains("entries_max"));
    }
}
