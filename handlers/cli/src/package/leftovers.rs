//! What a run that was killed left beside its output: a folder that was being staged, a zip or a bill that was being written.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

/// How the names of what is not finished begin. Six letters and digits follow.
pub const PREFIX: &str = ".staging-";

/// Letters and digits after the prefix.
const SUFFIX_CHARS: usize = 6;

/// Removes what earlier runs left in `output`, unless one is at work there: each holds a shared lock on the folder, which ends with its
/// process. Returns that of this run; `None` where folders can't be locked, and then nothing is removed.
///
/// What looks otherwise than what a run leaves stays, and so does what can't be removed: neither is in the way.
pub fn clear(output: &Path) -> Option<File> {
    let lock = File::open(output).ok()?;
    if lock.try_lock().is_ok() {
        for entry in fs::read_dir(output).ok()?.flatten() {
            let path = entry.path();
            match entry.file_type() {
                _ if !entry.file_name().to_str().is_some_and(is_unfinished) => {}
                Ok(kind) if kind.is_dir() && is_app(&path) => drop(fs::remove_dir_all(&path)),
                Ok(kind) if kind.is_file() && is_zip_or_bill(&path) => drop(fs::remove_file(&path)),
                _ => {}
            }
        }
        // Others may come in between: nothing of this run is there yet.
        lock.unlock().ok()?;
    }
    lock.lock_shared().ok()?;
    Some(lock)
}

fn is_unfinished(name: &str) -> bool {
    let suffix = name.strip_prefix(PREFIX).unwrap_or_default();
    suffix.len() == SUFFIX_CHARS && suffix.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// `host.json` is what is staged first.
fn is_app(folder: &Path) -> bool {
    folder.join("host.json").is_file() || fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none())
}

fn is_zip_or_bill(file: &Path) -> bool {
    let mut begin = Vec::new();
    let read = File::open(file).and_then(|file| file.take(2).read_to_end(&mut begin));
    read.is_ok() && (begin.is_empty() || begin == b"PK" || begin.starts_with(b"{"))
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    /// A folder with leftovers and with what only looks like some; their names.
    fn output() -> (tempfile::TempDir, Vec<String>) {
        let folder = tempfile::tempdir().unwrap();
        let staged =
            [".staging-abc123", ".staging-Abc456", ".staging-toolong7", ".staging-", "agents", ".staging-foreig"];
        for name in staged {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        for path in [".staging-abc123/host.json", ".staging-foreig/notes", "agents/host.json"] {
            fs::write(folder.path().join(path), "{}").unwrap();
        }
        for (name, text) in [("zip001", "PK\u{3}\u{4}"), ("bill01", "{}"), ("empty1", ""), ("other1", "words")] {
            fs::write(folder.path().join(format!("{PREFIX}{name}")), text).unwrap();
        }
        fs::create_dir(folder.path().join("elsewhere")).unwrap();
        std::os::unix::fs::symlink(folder.path().join("elsewhere"), folder.path().join(".staging-link01")).unwrap();
        let names = names(folder.path());
        (folder, names)
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn leftovers_go_and_nothing_else() {
        let (folder, before) = output();
        let lock = clear(folder.path());
        assert!(lock.is_some());
        let gone = [".staging-abc123", ".staging-Abc456", ".staging-zip001", ".staging-bill01", ".staging-empty1"];
        let stays: Vec<String> = before.into_iter().filter(|name| !gone.contains(&name.as_str())).collect();
        assert_eq!(names(folder.path()), stays);
    }

    #[test]
    fn nothing_goes_while_another_run_is_at_work() {
        let (folder, before) = output();
        let other = File::open(folder.path()).unwrap();
        other.lock_shared().unwrap();
        let this = clear(folder.path());
        assert_eq!(names(folder.path()), before);
        // The other run ends, this one works on, and a third one comes.
        drop(other);
        let third = clear(folder.path());
        assert_eq!(names(folder.path()), before);
        drop((this, third));
        // A child of another test has this process's files for a moment.
        let is_cleared = |_| {
            std::thread::sleep(std::time::Duration::from_millis(10));
            clear(folder.path());
            names(folder.path()) != before
        };
        assert!((0..500).any(is_cleared));
    }
}
