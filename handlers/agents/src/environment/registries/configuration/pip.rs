//! What pip's configuration says of its index.

use super::ini::pip_options;
use super::netrc::logins;
use crate::environment::registries::credentials::{Credentials, user_url};
use secrecy::ExposeSecret;
use std::collections::BTreeMap;
use url::Url;

/// All that a user's own pip configuration says.
#[derive(Debug, Default)]
pub(super) struct UserPip {
    /// `index-url`, as written: it may hold a credential.
    pub(super) index_url: Option<(secrecy::SecretString, String)>,
    /// `cert`: a path.
    pub(super) cert: Option<String>,
    pub(super) notes: Vec<String>,
}

/// Reads the user's own configuration: texts in rising order of weight, each with the name that people know it by.
pub(super) fn of_user(texts: &[(&str, &str)], environment: &BTreeMap<String, String>) -> UserPip {
    let mut settings: BTreeMap<(bool, String), (String, String)> = BTreeMap::new();
    for (source, text) in texts {
        for (section, key, value) in pip_options(text) {
            if matches!(section.as_str(), "global" | "install") {
                settings.insert((section == "install", key), (value, (*source).to_owned()));
            }
        }
    }
    let of_environment = |key: &str| {
        let name = format!("PIP_{}", key.to_uppercase().replace('-', "_"));
        environment.get(&name).filter(|value| !value.is_empty()).map(|value| (value.clone(), name))
    };
    let setting = |key: &str| {
        let of_file = || [true, false].into_iter().find_map(|install| settings.get(&(install, key.to_owned())).cloned());
        of_environment(key).or_else(of_file).filter(|(value, _)| !value.is_empty())
    };
    let mut notes = Vec::new();
    if let Some((_, source)) = setting("extra-index-url") {
        notes.push(format!("extra-index-url of {source} is not asked: only the main index is"));
    }
    UserPip {
        index_url: setting("index-url").map(|(url, source)| (url.into(), source)),
        cert: setting("cert").map(|(path, _)| path),
        notes,
    }
}

/// Credentials for an index of the user: those inside its URL, else those of the netrc for its host.
///
/// They are bound to the folder that holds the index, since archives lie beside it (`…/repo/simple/`, `…/repo/files/`).
pub(super) fn add_credentials(index_url: &str, source: &str, netrc: Option<&str>, credentials: &mut Credentials) {
    let Some(url) = user_url(index_url) else { return };
    let place = place_of(&url);
    if !url.username().is_empty() || url.password().is_some() {
        credentials.add_of_url(&url, &place, source);
        return;
    }
    let host = url.host_str().unwrap_or_default();
    if let Some(login) = netrc.map(logins).into_iter().flatten().find(|login| login.host == host) {
        credentials.add_password(&place, &login.user, login.password.expose_secret(), "~/.netrc");
    }
}

fn place_of(index: &Url) -> Url {
    let mut place = index.clone();
    let path = index.path().trim_end_matches('/');
    if let Some(folder) = path.strip_suffix("/simple").or_else(|| path.strip_suffix("/+simple")) {
        place.set_path(&format!("{folder}/"));
    }
    place
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index(texts: &[(&str, &str)], environment: &[(&str, &str)]) -> Option<String> {
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        of_user(texts, &environment).index_url.map(|(url, _)| url.expose_secret().to_owned())
    }

    #[test]
    fn environment_goes_before_install_before_global() {
        let file = "[global]\nindex-url = https://a.example/simple\n";
        let both = "[install]\nindex-url = https://b.example/simple\n[global]\nindex-url = https://a.example/simple\n";
        assert_eq!(index(&[], &[]), None);
        assert_eq!(index(&[("pip.conf", file)], &[]).as_deref(), Some("https://a.example/simple"));
        assert_eq!(index(&[("pip.conf", both)], &[]).as_deref(), Some("https://b.example/simple"));
        assert_eq!(index(&[("pip.conf", both)], &[("PIP_INDEX_URL", "https://c.example")]).as_deref(), Some("https://c.example"));
        assert_eq!(index(&[("1", file), ("2", "[global]\nindex_url=https://d.example")], &[]).as_deref(), Some("https://d.example"));
    }

    #[track_caller]
    fn check(index_url: &str, netrc: Option<&str>, asked: &str, sent: bool) {
        let mut credentials = Credentials::default();
        add_credentials(index_url, "PIP_INDEX_URL", netrc, &mut credentials);
        let asked = Url::parse(asked).unwrap();
        assert_eq!(credentials.authorization(&asked).is_some(), sent, "{index_url} -> {asked}");
    }

    #[test]
    fn credentials_of_an_index_reach_its_archives_and_no_further() {
        let netrc = Some("machine a.example login me password pw");
        check("https://me:pw@a.example/repo/simple/", None, "https://a.example/repo/files/x.metadata", true);
        check("https://me:pw@a.example/repo/simple/", None, "https://a.example/other/", false);
        check("https://me:pw@a.example/repo/simple/", None, "https://files.example/repo/x.metadata", false);
        check("https://a.example/repo/simple/", netrc, "https://a.example/repo/simple/x/", true);
        check("https://b.example/repo/simple/", netrc, "https://b.example/repo/simple/x/", false);
        check("http://me:pw@a.example/simple/", None, "http://a.example/simple/x/", false);
    }
}
