//! The only room where the environment of the process is read.

use super::registries::RegistrySettings;
use super::store::AzureAccess;
use secrecy::SecretString;
use std::collections::BTreeMap;
use std::path::PathBuf;

const STORE_CONNECTION: &str = "SUTURE_STORE_CONNECTION";
/// The environment of the process. What is not UTF-8 is nothing that Suture knows.
#[expect(clippy::disallowed_methods, reason = "this is the room where the environment may be read")]
pub fn variables() -> BTreeMap<String, String> {
    let variables = std::env::vars_os();
    variables.filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))).collect()
}

/// What the user set.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// `SUTURE_STORE`: `memory`, a folder, or `az://ACCOUNT/CONTAINER`. `None`: the user's state directory.
    pub store: Option<String>,
    /// How a store in Azure is opened: `SUTURE_STORE_CONNECTION`, or the managed identity.
    pub azure: AzureAccess,
    /// `SUTURE_OSV_API`: base address of the OSV API.
    pub osv_api: Option<String>,
    /// `SUTURE_OSV_ARCHIVES`: base address of OSV's archives.
    pub osv_archives: Option<String>,
    /// `SUTURE_KEV_CATALOG`: address of CISA's catalogue of known exploited vulnerabilities.
    pub kev_catalog: Option<String>,
    /// `SUTURE_EPSS_SCORES`: address of FIRST's EPSS scores.
    pub epss_scores: Option<String>,
    /// Where registries are asked, and with which of the user's files.
    pub registries: RegistrySettings,
    /// `XDG_STATE_HOME`, else `~/.local/state`.
    pub state_folder: Option<PathBuf>,
    /// `XDG_CACHE_HOME`, else `~/.cache`.
    pub cache_folder: Option<PathBuf>,
}

impl Settings {
    /// Reads the environment of the process.
    pub fn read() -> Self {
        Self::of(variables())
    }

    /// Makes sense of environment variables.
    pub fn of(mut variables: BTreeMap<String, String>) -> Self {
        // Taken out: what is left may be named in the configuration of a registry, and be sent there.
        let connection = variables.remove(STORE_CONNECTION).filter(|text| !text.is_empty()).map(SecretString::from);
        let get = |name: &str| variables.get(name).filter(|value| !value.is_empty()).cloned();
        let home = get("HOME").map(PathBuf::from);
        let folder = |variable: &str, under_home: &str| {
            // A relative path is to be ignored, by the XDG specification.
            let set = get(variable).map(PathBuf::from).filter(|path| path.is_absolute());
            set.or_else(|| Some(home.as_ref()?.join(under_home)))
        };
        Self {
            store: get("SUTURE_STORE"),
            azure: AzureAccess {
                connection,
                endpoint: get("SUTURE_STORE_ENDPOINT"),
                identity_endpoint: get("IDENTITY_ENDPOINT"),
                client_id: get("AZURE_CLIENT_ID"),
                ..AzureAccess::default()
            },
            osv_api: get("SUTURE_OSV_API"),
            osv_archives: get("SUTURE_OSV_ARCHIVES"),
            kev_catalog: get("SUTURE_KEV_CATALOG"),
            epss_scores: get("SUTURE_EPSS_SCORES"),
            state_folder: folder("XDG_STATE_HOME", ".local/state"),
            cache_folder: folder("XDG_CACHE_HOME", ".cache"),
            registries: RegistrySettings {
                npm_registry: get("SUTURE_NPM_REGISTRY"),
                pip_index_url: get("SUTURE_PIP_INDEX_URL"),
                home: home.clone(),
                environment: variables,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connection_of_the_store_is_a_secret_that_nobody_else_sees() {
        let settings = Settings::of([(STORE_CONNECTION.to_owned(), "AccountKey=hush".to_owned())].into());
        assert!(settings.azure.connection.is_some());
        assert!(settings.registries.environment.is_empty());
        assert!(!format!("{settings:?}").contains("hush"));
    }
}
