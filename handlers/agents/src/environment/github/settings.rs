//! What the operator set about GitHub.

use secrecy::{ExposeSecret, SecretString};
use std::collections::BTreeMap;
use url::Url;

/// The host where nothing else is set, and where people look at it.
const HOST: &str = "github.com";
const WEB: &str = "https://github.com/";
/// Where the API of that host is. That of a GitHub Enterprise Server is below the server itself.
const API: &str = "https://api.github.com/";

const URL: &str = "SUTURE_GITHUB_URL";
const APP_KEY: &str = "SUTURE_GITHUB_APP_KEY";
const TOKEN: &str = "SUTURE_GITHUB_TOKEN";
const SECRET: &str = "SUTURE_GITHUB_WEBHOOK_SECRET";
const PREVIOUS_SECRET: &str = "SUTURE_GITHUB_WEBHOOK_SECRET_PREVIOUS";

/// As whom GitHub is asked.
#[derive(Debug, Clone)]
pub enum Identity {
    /// `SUTURE_GITHUB_APP_ID` with `SUTURE_GITHUB_APP_KEY`, the PEM of its private key, or `SUTURE_GITHUB_APP_KEY_FILE`.
    App {
        /// The App's id.
        id: u64,
        /// PEM of its RSA key.
        key: SecretString,
    },
    /// `SUTURE_GITHUB_TOKEN`: one token, for single repositories.
    Token(SecretString),
}

/// GitHub, as the operator set it.
#[derive(Debug, Clone)]
pub struct GitHubSettings {
    /// Host in the names of repositories: `github.com`, or that of `SUTURE_GITHUB_URL`, with its port.
    pub host: String,
    /// Base address of the API, which ends with a slash.
    pub api: Url,
    /// As whom it is asked.
    pub identity: Identity,
    /// By which deliveries are signed.
    pub secrets: WebhookSecrets,
}

/// Where a GitHub is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GitHubPlace {
    /// Host in the names of repositories, with its port.
    pub host: String,
    /// Base address of the API, which ends with a slash.
    pub api: Url,
    /// Where people look at it.
    pub web: Url,
}

/// Secrets of the webhook: the one in use, and during a rotation the one before it. None: no delivery is taken.
#[derive(Debug, Clone, Default)]
pub struct WebhookSecrets(pub Vec<SecretString>);

impl GitHubSettings {
    /// Makes sense of environment variables, and takes them out, for some hold secrets. `None` where nothing about GitHub is set; errors are all
    /// that is wrong, in words. `read` reads the file of the key.
    pub fn take(
        variables: &mut BTreeMap<String, String>,
        read: impl FnOnce(&str) -> Result<String, String>,
    ) -> Result<Option<Self>, Vec<String>> {
        let mut secret = |name: &str| variables.remove(name).filter(|text| !text.is_empty()).map(SecretString::from);
        let (key, token) = (secret(APP_KEY), secret(TOKEN));
        let secrets = WebhookSecrets([secret(SECRET), secret(PREVIOUS_SECRET)].into_iter().flatten().collect());
        let mut take = |name: &str| variables.remove(name).filter(|text| !text.is_empty());
        let (id, key_file) = (take("SUTURE_GITHUB_APP_ID"), take("SUTURE_GITHUB_APP_KEY_FILE"));
        let mut errors = Vec::new();
        let place = GitHubPlace::of(take(URL).as_deref());
        let key = match (key, key_file) {
            (Some(_), Some(_)) => Err(format!("{APP_KEY} and {APP_KEY}_FILE are both set; one is enough")),
            (Some(key), None) => Ok(Some(key)),
            (None, Some(file)) => {
                read(&file).map(|text| Some(text.into())).map_err(|error| format!("{APP_KEY}_FILE: {error}"))
            }
            (None, None) => Ok(None),
        };
        let key = key.map_err(|error| errors.push(error)).unwrap_or_default();
        let identity = match (id, key, token) {
            (Some(_), _, Some(_)) => Err(format!("SUTURE_GITHUB_APP_ID and {TOKEN} are both set; one is enough")),
            (Some(id), Some(key), None) => match id.parse() {
                Ok(id) if is_pem(&key) => Ok(Some(Identity::App { id, key })),
                Ok(_) => Err(format!("{APP_KEY} is not the PEM of a private key")),
                Err(_) => {
                    Err(format!("SUTURE_GITHUB_APP_ID is {id}; it has to be the number that GitHub shows for the App"))
                }
            },
            (Some(_), None, None) if errors.is_empty() => {
                Err(format!("SUTURE_GITHUB_APP_ID is set, but neither {APP_KEY} nor {APP_KEY}_FILE"))
            }
            (None, Some(_), _) => Err(format!("{APP_KEY} is set, but not SUTURE_GITHUB_APP_ID")),
            (None, None, Some(token)) => Ok(Some(Identity::Token(token))),
            _ => Ok(None),
        };
        let identity = identity.map_err(|error| errors.push(error)).unwrap_or_default();
        let place = place.map_err(|error| errors.push(error)).ok();
        if identity.is_none() && !secrets.0.is_empty() && errors.is_empty() {
            errors.push(format!("{SECRET} is set, but neither SUTURE_GITHUB_APP_ID nor {TOKEN}"));
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        Ok(identity.zip(place).map(|(identity, GitHubPlace { host, api, .. })| Self { host, api, identity, secrets }))
    }
}

impl GitHubPlace {
    /// That of `SUTURE_GITHUB_URL`, the address of a GitHub Enterprise Server; github.com where nothing is set.
    pub fn of(set: Option<&str>) -> Result<Self, String> {
        let wrong = || format!("{URL} is not an address such as https://github.example");
        let set = set.unwrap_or(WEB);
        let web = Url::parse(set).ok().filter(|url| matches!(url.scheme(), "https" | "http")).ok_or_else(wrong)?;
        let host = web.host_str().ok_or_else(wrong)?;
        if !web.username().is_empty() || web.password().is_some() || web.path() != "/" || web.query().is_some() {
            return Err(wrong());
        }
        let name = web.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let api =
            if host == HOST { API.parse().map_err(|_| wrong())? } else { web.join("api/v3/").map_err(|_| wrong())? };
        Ok(Self { host: name, api, web })
    }
}

fn is_pem(key: &SecretString) -> bool {
    let text = key.expose_secret();
    text.contains("-----BEGIN ") && text.contains("PRIVATE KEY-----")
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEM: &str = "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n";

    fn take(variables: &[(&str, &str)]) -> Result<Option<GitHubSettings>, Vec<String>> {
        let mut variables =
            variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect::<BTreeMap<_, _>>();
        let taken = GitHubSettings::take(&mut variables, |file| match file {
            "key.pem" => Ok(PEM.to_owned()),
            _ => Err(format!("{file}: there is no such file")),
        });
        let left = format!("{variables:?}");
        assert!(!left.contains("PRIVATE") && !left.contains("hush"), "{left}");
        taken
    }

    #[test]
    fn nothing_set_is_no_github() {
        assert!(take(&[]).unwrap().is_none());
        assert!(take(&[("SUTURE_GITHUB_URL", "https://ghe.example")]).unwrap().is_none());
    }

    #[test]
    fn app_and_token_are_taken_and_never_shown() {
        let rows: [(&[_], _, _, _); 3] = [
            (&[("SUTURE_GITHUB_APP_ID", "7"), (APP_KEY, PEM), (SECRET, "hush")], HOST, API, 1),
            (&[("SUTURE_GITHUB_TOKEN", "hush"), (SECRET, "hush 1"), (PREVIOUS_SECRET, "hush 2")], HOST, API, 2),
            (
                &[
                    ("SUTURE_GITHUB_APP_ID", "7"),
                    ("SUTURE_GITHUB_APP_KEY_FILE", "key.pem"),
                    ("SUTURE_GITHUB_URL", "https://ghe.example:8443"),
                ],
                "ghe.example:8443",
                "https://ghe.example:8443/api/v3/",
                0,
            ),
        ];
        for (set, host, api, secrets) in rows {
            let settings = take(set).unwrap().unwrap();
            assert_eq!((settings.host.as_str(), settings.api.as_str()), (host, api));
            assert_eq!(settings.secrets.0.len(), secrets);
            let shown = format!("{settings:?}");
            assert!(!shown.contains("hush") && !shown.contains("AAAA"), "{shown}");
        }
    }

    #[test]
    fn whatever_does_not_fit_is_said() {
        let rows: [(&[_], &str); 8] = [
            (&[("SUTURE_GITHUB_APP_ID", "7")], "neither"),
            (&[(APP_KEY, PEM)], "not SUTURE_GITHUB_APP_ID"),
            (&[("SUTURE_GITHUB_APP_ID", "seven"), (APP_KEY, PEM)], "the number that GitHub shows"),
            (&[("SUTURE_GITHUB_APP_ID", "7"), (APP_KEY, "hush")], "not the PEM"),
            (&[("SUTURE_GITHUB_APP_ID", "7"), ("SUTURE_GITHUB_APP_KEY_FILE", "gone.pem")], "no such file"),
            (&[("SUTURE_GITHUB_APP_ID", "7"), (APP_KEY, PEM), (TOKEN, "hush")], "both set"),
            (&[(SECRET, "hush")], "neither"),
            (&[(TOKEN, "hush"), ("SUTURE_GITHUB_URL", "https://u:hush@ghe.example")], "SUTURE_GITHUB_URL"),
        ];
        for (set, expect) in rows {
            let errors = take(set).unwrap_err().join("; ");
            assert!(errors.contains(expect) && !errors.contains("hush"), "{errors}");
        }
    }
}
