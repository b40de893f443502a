//! Where the addresses of registries and the credentials for them come from. Files are read here and nowhere else.
//!
//! Credentials come from the user's own configuration alone. What a scanned repository says is foreign: it can name
//! a registry, but it gets no credential by that, no environment variable and no private address.

mod ini;
mod netrc;
mod npmrc;
mod pip;
mod project;

pub use npmrc::NpmRegistries;
pub use project::ProjectAddresses;

use super::address::{Address, Trust};
use super::credentials::{Credentials, user_url};
use super::unavailable::Unavailable;
use secrecy::{ExposeSecret, SecretString};
use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use url::Url;

/// How large a configuration file may be; a larger one counts as absent.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// What the user says of registries: settings, environment and the place of their files.
#[derive(Clone, Default)]
pub struct RegistrySettings {
    /// `SUTURE_NPM_REGISTRY`.
    pub npm_registry: Option<String>,
    /// `SUTURE_PIP_INDEX_URL`.
    pub pip_index_url: Option<String>,
    /// The user's home directory.
    pub home: Option<PathBuf>,
    /// Environment variables: `npm_config_…`, `PIP_…`, and those that an `.npmrc` names.
    pub environment: BTreeMap<String, String>,
}

impl fmt::Debug for RegistrySettings {
    /// Names of variables only: values may be tokens, and addresses may hold passwords.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("RegistrySettings")
            .field("npm_registry", &self.npm_registry.as_ref().map(|_| "set"))
            .field("pip_index_url", &self.pip_index_url.as_ref().map(|_| "set"))
            .field("home", &self.home)
            .field("environment", &self.environment.keys())
            .finish()
    }
}

/// Texts of the user's configuration files, each with its path.
#[derive(Default)]
pub struct UserFiles {
    /// In falling order of weight.
    pub npmrc: Vec<(String, SecretString)>,
    /// In rising order of weight.
    pub pip_conf: Vec<(String, SecretString)>,
    /// `~/.netrc`.
    pub netrc: Option<SecretString>,
}

impl UserFiles {
    /// Reads the files where npm and pip look for them. One that is absent, unreadable or too large is left out.
    pub fn read(settings: &RegistrySettings) -> Self {
        let variable = |name: &str| settings.environment.get(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let npm_variable = |name: &str| variable(&name.to_uppercase()).or_else(|| variable(&name.to_lowercase()));
        let home = |path: &str| settings.home.as_ref().map(|home| home.join(path));
        let config = variable("XDG_CONFIG_HOME").or_else(|| home(".config"));
        let npmrc = [
            npm_variable("npm_config_userconfig").or_else(|| home(".npmrc")),
            npm_variable("npm_config_globalconfig").or_else(|| Some("/usr/local/etc/npmrc".into())),
        ];
        let pip_conf = [
            Some("/etc/xdg/pip/pip.conf".into()),
            Some("/etc/pip.conf".into()),
            home(".pip/pip.conf"),
            home("Library/Application Support/pip/pip.conf"),
            config.map(|folder| folder.join("pip/pip.conf")),
            variable("APPDATA").map(|folder| folder.join("pip/pip.ini")),
            variable("VIRTUAL_ENV").map(|folder| folder.join("pip.conf")),
            variable("PIP_CONFIG_FILE"),
        ];
        let text = |path: PathBuf| Some((path.display().to_string(), text_of(&path)?.into()));
        Self {
            npmrc: npmrc.into_iter().flatten().filter_map(text).collect(),
            pip_conf: pip_conf.into_iter().flatten().filter_map(text).collect(),
            netrc: variable("NETRC").or_else(|| home(".netrc")).and_then(|path| text_of(&path)).map(Into::into),
        }
    }
}

fn bytes_of(path: &Path) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).ok()?;
    (bytes.len() as u64 <= FILE_BYTES_MAX).then_some(bytes)
}

fn text_of(path: &Path) -> Option<String> {
    String::from_utf8(bytes_of(path)?).ok()
}

/// The user's configuration, read and merged.
#[derive(Debug, Default)]
pub struct Configuration {
    npm_setting: Option<Address>,
    npm: NpmRegistries,
    pip_index: Option<Address>,
    pip_setting: Option<Address>,
    pub(super) credentials: Credentials,
    /// Addresses that the user's own configuration names.
    pub(super) user_urls: Vec<Url>,
    /// Certificates of the user's own authorities, PEM.
    pub(super) certificates: Vec<Vec<u8>>,
    /// What of the configuration is not followed, for people.
    pub notes: Vec<String>,
}

impl Configuration {
    /// Makes sense of settings and files. What can't be used is noted, never an error.
    pub fn of(settings: &RegistrySettings, files: &UserFiles) -> Self {
        let npmrc: Vec<_> = files.npmrc.iter().map(|(path, text)| (path.as_str(), text.expose_secret())).collect();
        let pip_conf: Vec<_> = files.pip_conf.iter().map(|(path, text)| (path.as_str(), text.expose_secret())).collect();
        let npm = npmrc::of_user(&npmrc, &settings.environment);
        let pip = pip::of_user(&pip_conf, &settings.environment);
        let netrc = files.netrc.as_ref().map(ExposeSecret::expose_secret);

        let mut this = Self { notes: [npm.notes, pip.notes].concat(), credentials: npm.credentials, ..Self::default() };
        this.npm_setting = this.address(settings.npm_registry.as_deref(), "SUTURE_NPM_REGISTRY");
        if let Some(url) = settings.npm_registry.as_deref().and_then(user_url) {
            this.credentials.add_of_url(&url, &url, "SUTURE_NPM_REGISTRY");
        }
        for text in npm.registries.registry.iter().chain(npm.registries.scopes.values()) {
            this.address(Some(text), "your npm configuration");
            if let Some(url) = user_url(text) {
                this.credentials.add_of_url(&url, &url, "your npm configuration");
            }
        }
        this.npm = npm.registries;
        this.pip_setting = this.address(settings.pip_index_url.as_deref(), "SUTURE_PIP_INDEX_URL");
        if let Some(text) = &settings.pip_index_url {
            pip::add_credentials(text, "SUTURE_PIP_INDEX_URL", netrc, &mut this.credentials);
        }
        if let Some((text, source)) = &pip.index_url {
            this.pip_index = this.address(Some(text.expose_secret()), source);
            pip::add_credentials(text.expose_secret(), source, netrc, &mut this.credentials);
        }
        for path in npm.cafile.iter().chain(&pip.cert) {
            match bytes_of(Path::new(path)) {
                Some(pem) if !this.certificates.contains(&pem) => this.certificates.push(pem),
                Some(_) => {}
                None => this.notes.push(format!("the certificates in {path} can't be read")),
            }
        }
        this
    }

    /// An address of the user, remembered as one; a note where it is none.
    fn address(&mut self, text: Option<&str>, source: &str) -> Option<Address> {
        let text = text.map(str::trim).filter(|text| !text.is_empty())?;
        let address = Address::read(text, Trust::User);
        match &address {
            Some(address) => self.user_urls.push(address.url().clone()),
            None => self.notes.push(format!("the address in {source} is not an http(s) URL and is not used")),
        }
        address
    }

    /// Where to ask for an npm package: the user's `@scope:registry`, `SUTURE_NPM_REGISTRY`, the lockfile, the
    /// repository's `.npmrc`, the user's npm configuration. An alias counts by the name that the registry knows.
    pub fn npm_address(&self, name: &str, project: &ProjectAddresses) -> Result<Address, Unavailable> {
        let scope = name.split_once('/').map(|(scope, _)| scope).filter(|scope| scope.starts_with('@'));
        let of_scope = |registries: &NpmRegistries| scope.and_then(|scope| registries.scopes.get(scope).cloned());
        let user = |text: Option<String>| text.and_then(|text| Address::read(&text, Trust::User));
        let foreign = |text: Option<String>| text.and_then(|text| Address::read(&text, Trust::Project));
        user(of_scope(&self.npm))
            .or_else(|| self.npm_setting.clone())
            .or_else(|| foreign(project.of_package(name)))
            .or_else(|| foreign(of_scope(&project.npmrc)))
            .or_else(|| foreign(project.of_most(scope)))
            .or_else(|| foreign(project.npmrc.registry.clone()))
            .or_else(|| user(self.npm.registry.clone()))
            .ok_or_else(|| Unavailable::NoAddress("say where npm packages come from: export SUTURE_NPM_REGISTRY=$(npm config get registry)".to_owned()))
    }

    /// Where to ask for a Python package: `SUTURE_PIP_INDEX_URL`, `--index-url` of the requirements files, `PIP_INDEX_URL`,
    /// pip.conf.
    pub fn pip_address(&self, project: &ProjectAddresses) -> Result<Address, Unavailable> {
        let foreign = || project.index_urls.iter().filter(|url| !url.contains("${")).find_map(|url| Address::read(url, Trust::Project));
        self.pip_setting.clone().or_else(foreign).or_else(|| self.pip_index.clone()).ok_or_else(|| {
            Unavailable::NoAddress(
                "say where Python packages come from: export SUTURE_PIP_INDEX_URL=… (the address that pip uses: \
                 python3 -c 'from pip._internal.models.index import PyPI; print(PyPI.simple_url)')"
                    .to_owned(),
            )
        })
    }
}

#[cfg(test)]
mod tests;
