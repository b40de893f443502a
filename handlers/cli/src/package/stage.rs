//! The folder of an app, put together beside the place where it will lie.

use super::ignore::Rules;
use super::leftovers::PREFIX;
use crate::Failure;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use tempfile::TempDir;

/// Name of the program in the app, which `host.json` has to start.
pub const HANDLER: &str = "handler";
const HOST_JSON: &str = "host.json";
const FOLDER_MODE: u32 = 0o755;
const FILE_MODE: u32 = 0o644;
const PROGRAM_MODE: u32 = 0o755;

/// An app that is not at its place yet; it goes away with this value unless it is put there.
#[derive(Debug)]
pub struct Staged {
    /// Where it is.
    pub folder: TempDir,
    /// Its files in the order of their names, with `/` between the parts.
    pub files: Vec<String>,
}

/// Puts `host.json`, the folders of `functions` and `handler` together in a folder inside of `output`.
pub fn stage(
    project: &Path,
    functions: &[String],
    handler: &[u8],
    output: &Path,
    rules: &Rules,
) -> Result<Staged, Failure> {
    let folder = tempfile::Builder::new().prefix(PREFIX).tempdir_in(output);
    let folder = folder.map_err(|error| Failure(format!("{}: {error}", output.display())))?;
    set_mode(folder.path(), FOLDER_MODE)?;
    let mut staged = Staged { folder, files: Vec::new() };
    let host_json = project.join(HOST_JSON);
    let bytes = fs::read(&host_json).map_err(|error| Failure(format!("{}: {error}", host_json.display())))?;
    staged.add(HOST_JSON, &bytes, FILE_MODE)?;
    staged.add(HANDLER, handler, PROGRAM_MODE)?;
    for function in functions {
        staged.add_folder(&project.join("functions").join(function), function, rules)?;
    }
    staged.files.sort();
    Ok(staged)
}

impl Staged {
    fn add(&mut self, name: &str, bytes: &[u8], mode: u32) -> Result<(), Failure> {
        let path = self.folder.path().join(name);
        fs::write(&path, bytes).map_err(|error| Failure(format!("{}: {error}", path.display())))?;
        set_mode(&path, mode)?;
        self.files.push(name.to_owned());
        Ok(())
    }

    fn add_folder(&mut self, from: &Path, name: &str, rules: &Rules) -> Result<(), Failure> {
        let failed = |path: &Path, error: std::io::Error| Failure(format!("{}: {error}", path.display()));
        let into = self.folder.path().join(name);
        let before = self.files.len();
        fs::create_dir(&into).map_err(|error| failed(&into, error))?;
        set_mode(&into, FOLDER_MODE)?;
        for entry in fs::read_dir(from).map_err(|error| failed(from, error))? {
            let path = entry.map_err(|error| failed(from, error))?.path();
            let Some(own) = path.file_name().and_then(|own| own.to_str()) else {
                return Err(Failure(format!("{}: its name is not UTF-8. Rename it", path.display())));
            };
            let inner = format!("{name}/{own}");
            let kind = fs::symlink_metadata(&path).map_err(|error| failed(&path, error))?.file_type();
            if stays_behind(own) || rules.leaves_out(&inner, kind.is_dir()) {
                continue;
            }
            if kind.is_dir() {
                self.add_folder(&path, &inner, rules)?;
            } else if kind.is_file() {
                let bytes = fs::read(&path).map_err(|error| failed(&path, error))?;
                self.add(&inner, &bytes, FILE_MODE)?;
            } else {
                let remedy = "Put the file itself there, or leave it out by .funcignore";
                return Err(Failure(format!("{}: is no file. {remedy}", path.display())));
            }
        }
        if self.files.len() == before {
            // A zip has no folder without files; the staged app is to be the same.
            fs::remove_dir(&into).map_err(|error| failed(&into, error))?;
        }
        Ok(())
    }

    /// Moves the app to `place`, instead of what is there: as a whole, never mixed. A process that is killed between the two moves leaves
    /// nothing at `place` and both beside it; the next run puts that right.
    pub fn put(self, place: &Path) -> Result<(), Failure> {
        let failed = |error: std::io::Error| Failure(format!("{}: {error}", place.display()));
        let name = place.file_name().unwrap_or_default().to_string_lossy();
        let old = place.with_file_name(format!(".{name}.old"));
        remove(&old).map_err(failed)?;
        match fs::rename(place, &old) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
        if let Err(error) = fs::rename(self.folder.path(), place) {
            // Better the older app than none; where that fails too, the first reason is the one to tell.
            let _ = fs::rename(&old, place);
            return Err(failed(error));
        }
        // It has another name now: there is nothing left to take away.
        let _ = self.folder.keep();
        remove(&old).map_err(failed)
    }
}

/// Removes `folder` with all that is in it, if it is there.
fn remove(folder: &Path) -> std::io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Settings hold secrets, and nobody deploys a history.
fn stays_behind(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.starts_with("local.settings") || name.starts_with(".env") || name.starts_with(".git")
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) -> Result<(), Failure> {
    use std::os::unix::fs::PermissionsExt;
    let set = fs::set_permissions(path, fs::Permissions::from_mode(mode));
    set.map_err(|error| Failure(format!("{}: {error}", path.display())))
}

/// Elsewhere files have no such bits; the zip has them all the same.
#[cfg(not(unix))]
fn set_mode(_path: &Path, _mode: u32) -> Result<(), Failure> {
    Ok(())
}
