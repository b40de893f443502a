//! A folder as it is on the disk, read without following a link.

use super::tree_limits::{TreeLimits, TreeReader, with_includes};
use detectors::source_tree::SourceTree;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

/// The files under `root` that detectors ask for. Links are left out, as are the folders that hold other people's code.
pub fn tree(root: &Path, limits: &TreeLimits) -> io::Result<SourceTree> {
    with_includes(|wants| read_all(root, TreeReader::new(*limits, wants)))
}

/// The files under `root` that may import packages. Links are left out, as are the folders that tools made.
pub fn sources(root: &Path) -> io::Result<SourceTree> {
    read_all(root, TreeReader::of_sources())
}

fn read_all(root: &Path, mut reader: TreeReader<'_>) -> io::Result<SourceTree> {
    let file_bytes_max = reader.limits().file_bytes_max;
    let mut folders = vec![(String::new(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        let entries = match fs::read_dir(root.join(&folder)) {
            Ok(entries) => entries,
            Err(error) if folder.is_empty() => return Err(error),
            Err(error) => {
                reader.lose(&format!("{folder}: {error}"));
                continue;
            }
        };
        for entry in entries {
            if !reader.sees() {
                break;
            }
            let entry = entry?;
            let kind = entry.file_type()?;
            let Ok(name) = entry.file_name().into_string() else {
                reader.misnamed(&entry.file_name().to_string_lossy(), kind.is_dir());
                continue;
            };
            let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
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
                    || read(&entry.path(), file_bytes_max).map_err(|error| format!("can't be read: {error}")),
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
        let limited = |entries_max| tree(root.path(), &TreeLimits { entries_max, ..TreeLimits::default() }).unwrap();
        assert_eq!((limited(41).limits_hit, limited(41).has_unseen), (Vec::<String>::new(), false));
        assert!(limited(40).limits_hit.concat().contains("entries_max") && limited(40).has_unseen);
    }

    #[test]
    fn what_may_hold_a_project_and_is_left_out_is_unseen() {
        let check = |paths: &[&str], limits: TreeLimits, expect: bool| {
            let root = tempfile::tempdir().unwrap();
            for path in paths {
                let path = root.path().join(path);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, "idna==3.4\n").unwrap();
            }
            let read = tree(root.path(), &limits).unwrap();
            assert_eq!(
                (read.has_unseen, read.limits_hit.is_empty()),
                (expect, false),
                "{paths:?}: {:?}",
                read.limits_hit
            );
        };
        let usual = TreeLimits::default();
        check(&["a/b/requirements.txt"], TreeLimits { depth_max: 1, ..usual }, true);
        check(&["a/b/c/notes.md"], TreeLimits { path_bytes_max: 4, ..usual }, true);
        check(&["a/requirements.txt"], TreeLimits { path_bytes_max: 4, ..usual }, true);
        check(&["a/notes.md"], TreeLimits { path_bytes_max: 4, ..usual }, false);
        check(&["a.md", "b.md"], TreeLimits { files_max: 1, ..usual }, true);
        check(&["requirements.txt"], TreeLimits { file_bytes_max: 4, ..usual }, true);
        check(&["requirements.txt"], TreeLimits { tree_bytes_max: 4, ..usual }, true);
    }

    #[test]
    fn includes_that_lead_on_and_on_end_as_unseen() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("requirements.txt"), "-r 0.list\n").unwrap();
        let include = |number: usize| {
            fs::write(root.path().join(format!("{number}.list")), format!("-r {}.list\n", number + 1)).unwrap();
        };
        (0..7).for_each(include);
        fs::write(root.path().join("7.list"), "idna==3.4\n").unwrap();
        assert!(!tree(root.path(), &TreeLimits::default()).unwrap().has_unseen);
        (7..9).for_each(include);
        fs::write(root.path().join("9.list"), "idna==3.4\n").unwrap();
        let read = tree(root.path(), &TreeLimits::default()).unwrap();
        assert!(read.has_unseen && read.limits_hit.concat().contains("include"), "{:?}", read.limits_hit);
    }
}
