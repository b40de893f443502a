//! Making an App: the page where somebody agrees to it, and the code that comes of it, which is good for its key.

use super::settings::GitHubPlace;
use super::transport::{Asked, Signer, Transport};
use crate::environment::open::OpenError;
use http::{Method, StatusCode};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;
use url::Url;

/// Length of a code.
const CODE_CHARS_MAX: usize = 200;

/// A GitHub that does not know us yet.
pub struct Registration {
    place: GitHubPlace,
    transport: Transport,
}

/// An App that was made.
#[derive(Debug)]
pub struct NewApp {
    /// Its id.
    pub id: u64,
    /// Its name in addresses.
    pub slug: String,
    /// Where people look at it.
    pub html_url: String,
    /// PEM of its key.
    pub pem: SecretString,
    /// By which its deliveries are signed. `None`: it has no webhook.
    pub webhook_secret: Option<SecretString>,
}

#[derive(Deserialize)]
struct WireApp {
    id: u64,
    slug: String,
    html_url: String,
    pem: String,
    webhook_secret: Option<String>,
}

/// A code is good for nothing. It is not repeated: it may be good all the same.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CodeError {
    /// It has characters that no code has.
    #[error("that is no code: GitHub puts it behind `code=` in the address that it sends the browser to")]
    NoCode,
    /// GitHub does not know it.
    #[error("GitHub does not know the code (it answered {0}): a code is good once, and for an hour; begin again")]
    Unknown(u16),
    /// There is no answer, or none that makes sense. The App may be there.
    #[error("{0}; if the App is among those of the account now, delete it there, and begin again")]
    Lost(String),
}

impl Registration {
    /// At the GitHub of `SUTURE_GITHUB_URL`. Nobody is asked yet.
    pub fn at(url: Option<&str>) -> Result<Self, OpenError> {
        let place = GitHubPlace::of(url).map_err(OpenError)?;
        let transport = Transport::new(&place.api, None)?;
        Ok(Self { place, transport })
    }

    /// Where somebody agrees to an App of their own, or of `organization`. The manifest is posted there.
    pub fn page(&self, organization: Option<&str>, state: &str) -> Url {
        let mut page = self.place.web.clone();
        // An address of the web has a path that can be added to.
        if let Ok(mut path) = page.path_segments_mut() {
            path.clear();
            if let Some(organization) = organization {
                path.extend(["organizations", organization]);
            }
            path.extend(["settings", "apps", "new"]);
        }
        page.query_pairs_mut().append_pair("state", state);
        page
    }

    /// Gives `code` for the App's id, key and secret. Asked once: a code is not good a second time.
    pub async fn convert(&self, code: &str) -> Result<NewApp, CodeError> {
        let is_code = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_');
        if code.is_empty() || code.len() > CODE_CHARS_MAX || !code.chars().all(is_code) {
            return Err(CodeError::NoCode);
        }
        let lost = |error: String| CodeError::Lost(error.replace(code, "CODE"));
        let asked = Asked::with(Method::POST, format!("/app-manifests/{code}/conversions"), json!({}));
        let answer = self.transport.ask(Signer::Nobody, &asked, None).await;
        let answer = answer.map_err(|error| lost(error.to_string()))?;
        if matches!(answer.status, StatusCode::NOT_FOUND | StatusCode::UNPROCESSABLE_ENTITY) {
            return Err(CodeError::Unknown(answer.status.as_u16()));
        }
        let answer = answer.success(self.transport.now()).map_err(|error| lost(error.to_string()))?;
        // What can't be read may be a key: the reason is not said.
        let WireApp { id, slug, html_url, pem, webhook_secret } =
            answer.json().map_err(|_| lost("GitHub: the answer is not what was expected".to_owned()))?;
        Ok(NewApp { id, slug, html_url, pem: pem.into(), webhook_secret: webhook_secret.map(SecretString::from) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn page_is_that_of_the_account() {
        let check = |url: Option<&str>, organization, expect: &str| {
            assert_eq!(Registration::at(url).unwrap().page(organization, "s").as_str(), expect);
        };
        check(None, None, "https://github.com/settings/apps/new?state=s");
        check(None, Some("octo"), "https://github.com/organizations/octo/settings/apps/new?state=s");
        check(
            Some("https://ghe.example"),
            Some("a/../b"),
            "https://ghe.example/organizations/a%2F..%2Fb/settings/apps/new?state=s",
        );
        assert!(Registration::at(Some("ghe.example")).is_err());
    }

    #[tokio::test]
    async fn what_is_no_code_is_not_asked_for() {
        let registration = Registration::at(Some("http://127.0.0.1:9")).unwrap();
        for code in ["", "a/b", "a b", "a?b", &"a".repeat(CODE_CHARS_MAX + 1)] {
            assert_eq!(registration.convert(code).await.unwrap_err(), CodeError::NoCode);
        }
        let error = registration.convert("abcdef").await.unwrap_err().to_string();
        assert!(error.contains("no answer") && !error.contains("abcdef"), "{error}");
    }
}
