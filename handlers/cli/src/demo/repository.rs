//! The demo's repository: three small projects, locked to versions with known vulnerabilities.

use std::fs;
use std::io;
use std::path::Path;

/// The files of the demo's repository: path from its root, and text.
///
/// They are kept under names that no scanner takes for a manifest.
pub const FILES: [(&str, &str); 6] = [
    ("README.md", README),
    ("api/package.json", include_str!("projects/api/package.json_fixture")),
    ("api/package-lock.json", include_str!("projects/api/package-lock.json_fixture")),
    ("worker/package.json", include_str!("projects/worker/package.json_fixture")),
    ("worker/package-lock.json", include_str!("projects/worker/package-lock.json_fixture")),
    ("report/requirements.txt", include_str!("projects/report/requirements.txt_fixture")),
];

const README: &str = "# Greeter

A repository to show how Suture works. Its dependencies are old on purpose: do not use them.

- `api/`: npm, findings of low and medium severity
- `worker/`: npm, findings up to critical
- `report/`: pip, requirements with hashes
";

/// Writes the demo's files into `folder`, which is made where it is missing. A file that is there is replaced.
pub fn write_to(folder: &Path) -> io::Result<()> {
    for (path, text) in FILES {
        let path = folder.join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(path, text)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_repository_is_written_whole_and_again() {
        let folder = tempfile::tempdir().unwrap();
        for _ in 0..2 {
            write_to(folder.path()).unwrap();
            for (path, text) in FILES {
                assert_eq!(fs::read_to_string(folder.path().join(path)).unwrap(), text, "{path}");
            }
        }
    }
}
