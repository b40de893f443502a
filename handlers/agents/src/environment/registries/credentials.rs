//! Credentials, each bound to the place it was given for.

use super::address::Trust;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use url::{Host, Url};

/// Credentials of the user, by the host, port and path they were given for. Their values are in no output of any kind.
#[derive(Debug, Clone, Default)]
pub struct Credentials {
    bound: Vec<Bound>,
}

#[derive(Debug, Clone)]
struct Bound {
    host: String,
    /// `None`: the usual one of the scheme.
    port: Option<u16>,
    /// Ends in `/`.
    path: String,
    /// Value of the header `Authorization`.
    authorization: SecretString,
    /// Which setting it comes from, for people.
    setting: String,
}

impl Credentials {
    /// Binds a bearer token to `place` and what lies below.
    pub(super) fn add_token(&mut self, place: &Url, token: &str, setting: &str) {
        self.add(place, format!("Bearer {token}"), setting);
    }

    /// Binds user and password to `place` and what lies below.
    pub(super) fn add_password(&mut self, place: &Url, user: &str, password: &str, setting: &str) {
        self.add_basic(place, &STANDARD.encode(format!("{user}:{password}")), setting);
    }

    /// Binds `user:password`, encoded already, to `place` and what lies below.
    pub(super) fn add_basic(&mut self, place: &Url, encoded: &str, setting: &str) {
        self.add(place, format!("Basic {encoded}"), setting);
    }

    /// Binds the user and password that are written inside a URL of the user, if there are any.
    pub(super) fn add_of_url(&mut self, url: &Url, place: &Url, setting: &str) {
        if url.username().is_empty() && url.password().is_none() {
            return;
        }
        let decoded = |part: &str| percent_encoding::percent_decode_str(part).decode_utf8_lossy().into_owned();
        self.add_password(place, &decoded(url.username()), &decoded(url.password().unwrap_or_default()), setting);
    }

    fn add(&mut self, place: &Url, authorization: String, setting: &str) {
        let Some(host) = place.host_str().filter(|host| !host.is_empty()) else { return };
        let path = if place.path().ends_with('/') { place.path().to_owned() } else { format!("{}/", place.path()) };
        self.bound.push(Bound {
            host: host.to_ascii_lowercase(),
            port: place.port(),
            path,
            authorization: authorization.into(),
            setting: setting.to_owned(),
        });
    }

    /// The header `Authorization` for a request to `url`, and the setting it comes from: the one bound most closely,
    /// of two the first.
    ///
    /// Never over plain http, except to this machine itself.
    pub(super) fn authorization(&self, url: &Url) -> Option<(&str, &str)> {
        if url.scheme() != "https" && !is_this_machine(url) {
            return None;
        }
        let host = url.host_str()?.to_ascii_lowercase();
        let path = format!("{}/", url.path());
        let fitting = self
            .bound
            .iter()
            .rev()
            .filter(|bound| bound.host == host && bound.port == url.port() && path.starts_with(&bound.path));
        let closest = fitting.max_by_key(|bound| bound.path.len())?;
        Some((closest.authorization.expose_secret(), &closest.setting))
    }

    /// Whether any credential is bound to the host of `url`, wherever on it.
    pub(super) fn know_host(&self, url: &Url) -> bool {
        url.host_str().is_some_and(|host| self.bound.iter().any(|bound| bound.host.eq_ignore_ascii_case(host)))
    }
}

/// Whether `url` names this machine's own loopback.
pub(crate) fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// An address of the user as it is written, credentials and all: [`Credentials`] take the latter, nothing shows them.
pub(super) fn user_url(text: &str) -> Option<Url> {
    super::address::Address::read(text, Trust::User)?;
    Url::parse(text.trim()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[track_caller]
    fn check(place: &str, asked: &str, sent: bool) {
        let mut credentials = Credentials::default();
        credentials.add_token(&url(place), "t0k", "a test");
        assert_eq!(credentials.authorization(&url(asked)).is_some(), sent, "{place} -> {asked}");
    }

    #[test]
    fn a_credential_goes_only_where_it_was_given_for() {
        check("https://registry.example/npm/", "https://registry.example/npm/lodash", true);
        check("https://registry.example/npm", "https://registry.example/npm/lodash", true);
        check("https://registry.example/npm/", "https://registry.example/npm", true);
        check("https://registry.example/npm/", "https://registry.example/npmx/lodash", false);
        check("https://registry.example/npm/", "https://registry.example/other/lodash", false);
        check("https://registry.example/", "https://registry.example:8443/lodash", false);
        check("https://registry.example:8443/", "https://registry.example/lodash", false);
        check("https://registry.example/", "https://evil.registry.example/lodash", false);
        check("https://registry.example/", "https://registry.example.evil.example/", false);
        check("https://Registry.Example/", "https://registry.example/lodash", true);
    }

    #[test]
    fn plain_http_carries_a_credential_to_this_machine_alone() {
        check("http://registry.example/", "http://registry.example/lodash", false);
        check("http://127.0.0.1:4873/", "http://127.0.0.1:4873/lodash", true);
        check("http://localhost:4873/", "http://localhost:4873/lodash", true);
        check("http://10.0.0.1:4873/", "http://10.0.0.1:4873/lodash", false);
    }

    #[test]
    fn the_closest_credential_wins_and_of_two_the_first() {
        let mut credentials = Credentials::default();
        credentials.add_token(&url("https://registry.example/"), "root", "1");
        credentials.add_token(&url("https://registry.example/npm/"), "npm", "2");
        credentials.add_token(&url("https://registry.example/npm/"), "later", "3");
        assert_eq!(credentials.authorization(&url("https://registry.example/npm/a")), Some(("Bearer npm", "2")));
        assert_eq!(credentials.authorization(&url("https://registry.example/b")), Some(("Bearer root", "1")));
    }

    #[test]
    fn debug_output_shows_no_value() {
        let mut credentials = Credentials::default();
        credentials.add_password(&url("https://registry.example/"), "me", "s3cret", "a test");
        let shown = format!("{credentials:?}");
        assert!(!shown.contains("s3cret") && !shown.contains(&STANDARD.encode("me:s3cret")), "{shown}");
    }
}
