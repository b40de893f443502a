//! Where apps and state are, and what handlers are told of it.

use crate::Failure;
use agents::environment::effects::Effects;
use agents::environment::open::StorePlace;
use agents::environment::settings::Settings;
use agents::environment::store::Store;
use local_host::app::App;
use std::path::{Path, PathBuf};

/// The folder that holds everything: the agents' store, and what the host keeps.
#[derive(Debug)]
pub struct Place(PathBuf);

impl Place {
    /// `state`, else where the user's settings put it.
    pub fn of(state: Option<&Path>) -> Result<Self, Failure> {
        let folder = match state {
            Some(folder) => folder.to_owned(),
            None => match StorePlace::of(&Settings::read())? {
                StorePlace::Folder(folder) => folder,
                StorePlace::Memory | StorePlace::Azure { .. } => {
                    return Err(Failure("suture local keeps its state in a folder; use --state DIR".to_owned()));
                }
            },
        };
        let failed = |error: std::io::Error| Failure(format!("{}: {error}", folder.display()));
        std::fs::create_dir_all(&folder).map_err(failed)?;
        Ok(Self(folder.canonicalize().map_err(failed)?))
    }

    /// The host's own folder.
    pub fn host_folder(&self) -> PathBuf {
        self.0.join("local-host")
    }

    /// The agents' store.
    pub fn store(&self) -> Result<Store, Failure> {
        Store::folder(&self.0, Effects::default()).map_err(Failure::new)
    }

    /// What handlers are told beside the environment of this process.
    pub fn environment(&self, repositories: &[PathBuf]) -> Result<Vec<(String, String)>, Failure> {
        let text = |path: &Path| {
            let known = path.to_str().map(str::to_owned);
            known.ok_or_else(|| Failure(format!("{}: its name is not UTF-8", path.display())))
        };
        let mut told = vec![("SUTURE_STORE".to_owned(), text(&self.0)?)];
        if !repositories.is_empty() {
            let folders: Result<Vec<PathBuf>, Failure> = repositories
                .iter()
                .map(|path| path.canonicalize().map_err(|error| Failure(format!("{}: {error}", path.display()))))
                .collect();
            let list = std::env::join_paths(folders?).map_err(|error| Failure(format!("--repository: {error}")))?;
            told.push(("SUTURE_REPOSITORIES".to_owned(), text(Path::new(&list))?));
        }
        Ok(told)
    }
}

/// The apps in `folder`: it is one itself, or holds some.
pub fn apps(folder: &Path) -> Result<Vec<App>, Failure> {
    let missing = || {
        Failure(format!(
            "{}: no app is staged there; run `suture package --app agents --for-this-machine` first, or name its folder with --app",
            folder.display()
        ))
    };
    let is_app = |folder: &Path| folder.join("host.json").is_file();
    let mut folders = if is_app(folder) {
        vec![folder.to_owned()]
    } else {
        let entries = std::fs::read_dir(folder).map_err(|_| missing())?;
        entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|folder| is_app(folder)).collect()
    };
    folders.sort();
    if folders.is_empty() {
        return Err(missing());
    }
    let settings = Settings::read().registries.environment.into_iter().collect();
    folders
        .iter()
        .map(|folder| {
            let read = App::read_with(folder, &settings);
            read.map_err(|faults| Failure(format!("{}: {faults}", folder.display())))
        })
        .collect()
}
