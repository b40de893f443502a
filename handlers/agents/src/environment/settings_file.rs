//! Settings in a file: a JSON object of names and texts, as `az functionapp config appsettings set --settings @FILE` takes it.

use super::open::{self, OpenError};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

/// A file for settings that are secret: nobody but its owner may read it, and it is gone unless it is kept.
#[derive(Debug)]
pub struct NewSettingsFile {
    path: PathBuf,
    file: File,
    is_kept: bool,
}

impl NewSettingsFile {
    /// Makes the file. An error if anything is there already: it is never written over.
    pub fn make(path: &Path) -> Result<Self, OpenError> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        match options.open(path) {
            Ok(file) => Ok(Self { path: path.to_path_buf(), file, is_kept: false }),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Err(OpenError(format!(
                "{} is there already, and may hold secrets that are in use; name another file",
                path.display()
            ))),
            Err(error) => Err(OpenError(format!("{}: {error}", path.display()))),
        }
    }

    /// Writes `settings` to it. It is on the disk before this returns.
    pub fn write(&mut self, settings: &[(&str, SecretString)]) -> Result<(), OpenError> {
        let texts: BTreeMap<_, _> = settings.iter().map(|(name, text)| (*name, text.expose_secret())).collect();
        let written = serde_json::to_vec_pretty(&texts).map_err(std::io::Error::from).and_then(|mut bytes| {
            bytes.push(b'\n');
            self.file.write_all(&bytes)?;
            self.file.sync_all()
        });
        written.map_err(|error| OpenError(format!("{}: {error}", self.path.display())))
    }

    /// From now on it stays.
    pub fn keep(mut self) {
        self.is_kept = true;
    }
}

impl Drop for NewSettingsFile {
    fn drop(&mut self) {
        if !self.is_kept {
            // It is of no use to anybody, and whoever wanted it is told why there is none.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// The settings in `file`: those of [`NewSettingsFile`], or the `Values` of a `local.settings.json`. An error never repeats one.
pub fn read(file: &Path) -> Result<BTreeMap<String, String>, OpenError> {
    let wrong = |what: String| OpenError(format!("{}: {what}", file.display()));
    let whole: Value = serde_json::from_str(&open::text(file)?)
        .map_err(|error| wrong(format!("it is not JSON, at line {} column {}", error.line(), error.column())))?;
    let settings = whole.get("Values").unwrap_or(&whole);
    let settings = settings.as_object().ok_or_else(|| wrong("it is not an object of names and texts".to_owned()))?;
    settings
        .iter()
        .map(|(name, text)| match text {
            Value::String(text) => Ok((name.clone(), text.clone())),
            _ => Err(wrong(format!("{name} is not a text"))),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again_by_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.json");
        let mut file = NewSettingsFile::make(&path).unwrap();
        file.write(&[("B", "two\nlines".into()), ("A", "one".into())]).unwrap();
        file.keep();
        let expect = [("A", "one"), ("B", "two\nlines")].map(|(name, text)| (name.to_owned(), text.to_owned()));
        assert_eq!(read(&path).unwrap(), expect.into());
        #[cfg(unix)]
        assert_eq!(std::os::unix::fs::PermissionsExt::mode(&path.metadata().unwrap().permissions()) & 0o777, 0o600);
    }

    #[test]
    fn file_that_is_there_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.json");
        std::fs::write(&path, "mine").unwrap();
        let OpenError(words) = NewSettingsFile::make(&path).unwrap_err();
        assert!(words.contains("is there already"), "{words}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
    }

    #[test]
    fn file_that_is_not_kept_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.json");
        NewSettingsFile::make(&path).unwrap().write(&[("A", "one".into())]).unwrap();
        assert!(!path.exists());
    }

    #[test]
    fn other_files_are_errors_without_what_is_in_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.json");
        for (text, expect) in
            [("hush", "not JSON"), ("[\"hush\"]", "not an object"), ("{\"A\":{\"B\":\"hush\"}}", "A is not a text")]
        {
            std::fs::write(&path, text).unwrap();
            let OpenError(words) = read(&path).unwrap_err();
            assert!(words.contains(expect) && !words.contains("hush"), "{words}");
        }
        std::fs::write(&path, r#"{"IsEncrypted":false,"Values":{"A":"one"}}"#).unwrap();
        assert_eq!(read(&path).unwrap(), [("A".to_owned(), "one".to_owned())].into());
    }
}
