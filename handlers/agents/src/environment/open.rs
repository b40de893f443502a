//! What the user set, made into the clients that agents work with: the same for every program.

use super::advisories::api::{ApiSettings, OSV_URL, OsvApi};
use super::advisories::index::{Index, IndexError};
use super::advisories::sync::{EPSS_URL, KEV_URL, OSV_ARCHIVES_URL, SyncSettings};
use super::effects::Effects;
use super::registries::{Configuration, Limits, Registries, UserFiles};
use super::settings::Settings;
use super::store::{AzureAccess, Store, is_azure_place};
use pipeline::policy;
use pipeline::policy::layers::Policies;
use std::io::Read;
use std::path::{Path, PathBuf};
use url::Url;

/// A file that the user names may have this many bytes.
pub const FILE_BYTES_MAX: u64 = 64 << 20;

/// What the user set can't be used: what, where, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct OpenError(pub String);

impl OpenError {
    fn new(error: impl std::fmt::Display) -> Self {
        Self(error.to_string())
    }
}

/// Where records are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StorePlace {
    /// Nowhere: they are forgotten with the process.
    Memory,
    /// In a folder.
    Folder(PathBuf),
    /// In a container of an Azure storage account.
    Azure {
        /// Name of the account.
        account: String,
        /// Name of the container.
        container: String,
    },
}

impl StorePlace {
    /// What `SUTURE_STORE` says; where it is not set, the user's state directory.
    pub fn of(settings: &Settings) -> Result<Self, OpenError> {
        let Some(set) = settings.store.as_deref() else {
            let folder = settings.state_folder.as_ref().map(|folder| Self::Folder(folder.join("suture")));
            return folder.ok_or_else(|| {
                OpenError::new("where to keep records is not known; set SUTURE_STORE (memory, a folder, or az://ACCOUNT/CONTAINER)")
            });
        };
        match set.split_once("://") {
            None if set == "memory" => Ok(Self::Memory),
            None => Ok(Self::Folder(PathBuf::from(set))),
            Some(("az", place)) => match place.trim_end_matches('/').split_once('/') {
                Some((account, container)) if is_azure_place(account, container) => {
                    Ok(Self::Azure { account: account.to_owned(), container: container.to_owned() })
                }
                _ => Err(OpenError(format!(
                    "SUTURE_STORE is {}; it has to be az://ACCOUNT/CONTAINER, by the naming rules of Azure Storage",
                    // What follows a question mark may be a key.
                    set.split('?').next().unwrap_or_default()
                ))),
            },
            Some((scheme, _)) => Err(OpenError(format!(
                "SUTURE_STORE begins with {scheme}://; records are kept in memory, in a folder, or in az://ACCOUNT/CONTAINER"
            ))),
        }
    }
}

/// The store at `place`. Nobody is asked yet.
pub fn store(place: &StorePlace, azure: &AzureAccess, effects: Effects) -> Result<Store, OpenError> {
    match place {
        StorePlace::Memory => Ok(Store::memory(effects)),
        StorePlace::Folder(folder) => Store::folder(folder, effects).map_err(OpenError::new),
        StorePlace::Azure { account, container } => {
            Store::azure(account, container, azure, effects).map_err(OpenError::new)
        }
    }
}

/// The registries, as settings and the user's own files say.
pub fn registries(settings: &Settings) -> Registries {
    let configuration = Configuration::of(&settings.registries, &UserFiles::read(&settings.registries));
    Registries::new(configuration, cache(settings, "registries"), Limits::default())
}

/// Where `name` is kept so that it need not be asked for again. `None`: there is no home.
pub fn cache(settings: &Settings, name: &str) -> Option<PathBuf> {
    Some(settings.cache_folder.as_ref()?.join("suture").join(name))
}

/// The address of the OSV API: `SUTURE_OSV_API`, else the public one.
pub fn osv_address(settings: &Settings) -> Result<Url, OpenError> {
    address("SUTURE_OSV_API", settings.osv_api.as_deref(), OSV_URL)
}

/// Where advisories and what is known of exploitation are fetched from: `SUTURE_OSV_ARCHIVES`, `SUTURE_KEV_CATALOG` and
/// `SUTURE_EPSS_SCORES`, else the public addresses.
pub fn sync(settings: &Settings) -> Result<SyncSettings, OpenError> {
    Ok(SyncSettings::of(
        address("SUTURE_OSV_ARCHIVES", settings.osv_archives.as_deref(), OSV_ARCHIVES_URL)?,
        address("SUTURE_KEV_CATALOG", settings.kev_catalog.as_deref(), KEV_URL)?,
        address("SUTURE_EPSS_SCORES", settings.epss_scores.as_deref(), EPSS_URL)?,
    ))
}

fn address(variable: &str, set: Option<&str>, default: &str) -> Result<Url, OpenError> {
    let parsed = set.unwrap_or(default).parse::<Url>().ok();
    let url = parsed.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    // It may hold a password, so it is not repeated.
    url.ok_or_else(|| OpenError(format!("{variable} is not an http(s) address")))
}

/// The OSV API.
pub fn osv(settings: &Settings) -> Result<OsvApi, OpenError> {
    let mut api = ApiSettings::of(osv_address(settings)?);
    api.cache = cache(settings, "osv");
    OsvApi::new(api).map_err(OpenError::new)
}

/// The index of advisories in `file`.
pub fn index(file: &Path) -> Result<Index, OpenError> {
    Index::open(file).map_err(|error| match error {
        IndexError::Io { .. } => OpenError::new(error),
        _ => OpenError(format!("{}: {error}", file.display())),
    })
}

/// The policies in `file`, and the built-in ones.
pub fn policies(file: Option<&Path>) -> Result<Policies, OpenError> {
    let layered = match file {
        Some(path) => policy::parse(&path.display().to_string(), &text(path)?).and_then(Policies::of_organisation),
        None => Policies::built_in(),
    };
    layered.map_err(OpenError::new)
}

/// The text of `file`, which the user names. An error over [`FILE_BYTES_MAX`].
pub fn text(file: &Path) -> Result<String, OpenError> {
    let error = |error: std::io::Error| OpenError(format!("{}: {error}", file.display()));
    let mut text = String::new();
    std::fs::File::open(file).map_err(error)?.take(FILE_BYTES_MAX + 1).read_to_string(&mut text).map_err(error)?;
    if text.len() as u64 > FILE_BYTES_MAX {
        return Err(OpenError(format!("{}: more than {FILE_BYTES_MAX} bytes", file.display())));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)]) -> Result<StorePlace, OpenError> {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        StorePlace::of(&Settings::of(variables.iter().map(own).collect()))
    }

    #[test]
    fn store_is_where_it_is_set_to_be() {
        let azure = StorePlace::Azure { account: "acc".to_owned(), container: "box".to_owned() };
        let rows = [
            (vec![("SUTURE_STORE", "memory")], StorePlace::Memory),
            (vec![("SUTURE_STORE", "/var/suture")], StorePlace::Folder("/var/suture".into())),
            (vec![("SUTURE_STORE", "az://acc/box")], azure.clone()),
            (vec![("SUTURE_STORE", "az://acc/box/")], azure),
            (vec![("HOME", "/home/me")], StorePlace::Folder("/home/me/.local/state/suture".into())),
            (vec![("XDG_STATE_HOME", "/state")], StorePlace::Folder("/state/suture".into())),
        ];
        for (variables, expect) in rows {
            assert_eq!(of(&variables), Ok(expect), "{variables:?}");
        }
    }

    #[test]
    fn store_that_can_not_be_is_refused_in_words() {
        for set in ["az://", "az://account", "az:///container", "az://a/b/c", "s3://bucket/x"] {
            let OpenError(words) = of(&[("SUTURE_STORE", set)]).unwrap_err();
            assert!(words.contains("SUTURE_STORE") && words.contains("az://ACCOUNT/CONTAINER"), "{words}");
        }
        assert!(of(&[]).unwrap_err().0.contains("set SUTURE_STORE"));
    }
}
