//! Whether an app answers: its function `health`, asked as anybody may ask it.

use super::github::causes;
use super::tls::trusting_this_machine;
use serde::Deserialize;
use std::time::Duration;
use url::Url;

/// The path of a function app's webhook.
pub const WEBHOOK_PATH: &str = "/api/github/webhook";
/// The path of its function `health`.
const HEALTH_PATH: &str = "/api/health";
/// A connection is made within this time.
const CONNECT_TIMEOUT_S: u64 = 5;
/// A whole answer is there within this time: an app that sleeps takes a while.
const REQUEST_TIMEOUT_S: u64 = 30;
/// Size of an answer.
const ANSWER_BYTES_MAX: usize = 64 << 10;

/// What an app says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// HTTP status: 200, or 503 where its store can't be read.
    pub status: u16,
    /// Its release, if it is Suture that answers.
    pub version: Option<String>,
}

/// The address of a webhook, as somebody writes it. An error says in words what is wrong with it.
pub fn webhook(text: &str) -> Result<Url, String> {
    let wrong = || format!("{text} is not the address of a webhook, such as https://APP{WEBHOOK_PATH}");
    let url = Url::parse(text).map_err(|_| wrong())?;
    let is_plain = url.username().is_empty() && url.password().is_none() && url.query().is_none();
    if !matches!(url.scheme(), "https" | "http") || !is_plain || health_beside(&url).is_none() {
        return Err(wrong());
    }
    let is_here = url.host().is_some_and(|host| match host {
        url::Host::Domain(name) => name == "localhost",
        url::Host::Ipv4(address) => address.is_loopback(),
        url::Host::Ipv6(address) => address.is_loopback(),
    });
    if url.scheme() == "http" && !is_here {
        return Err(format!("{text} begins with http://, so anybody on the way could read deliveries; use https://"));
    }
    Ok(url)
}

/// The address of `health` beside that of a webhook. `None`: it is no webhook of Suture's.
pub fn health_beside(webhook: &Url) -> Option<Url> {
    let before = webhook.path().strip_suffix(WEBHOOK_PATH)?;
    let mut health = webhook.clone();
    health.set_path(&format!("{before}{HEALTH_PATH}"));
    health.set_query(None);
    health.set_fragment(None);
    Some(health)
}

/// Asks `health`. An error says why there is no answer.
pub async fn health(health: &Url) -> Result<Health, String> {
    #[derive(Deserialize)]
    struct Said {
        version: String,
    }
    let failed = |error: reqwest::Error| causes(&error);
    let client = trusting_this_machine(reqwest::Client::builder())
        .user_agent(concat!("suture/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_secs(CONNECT_TIMEOUT_S))
        .timeout(Duration::from_secs(REQUEST_TIMEOUT_S))
        .build()
        .map_err(failed)?;
    let mut answer = client.get(health.clone()).send().await.map_err(failed)?;
    let status = answer.status().as_u16();
    let mut body = Vec::new();
    while let Some(part) = answer.chunk().await.map_err(failed)? {
        body.extend_from_slice(&part);
        if body.len() > ANSWER_BYTES_MAX {
            return Err(format!("the answer is over {ANSWER_BYTES_MAX} bytes"));
        }
    }
    let version = serde_json::from_slice::<Said>(&body).ok().map(|said| said.version);
    Ok(Health { status, version })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn webhook_is_an_address_that_only_github_reads_along() {
        for good in ["https://app.example/api/github/webhook", "http://127.0.0.1:7071/api/github/webhook"] {
            assert_eq!(webhook(good).unwrap().as_str(), good);
        }
        for bad in [
            "app.example/api/github/webhook",
            "https://app.example/",
            "https://u:p@app.example/api/github/webhook",
            "ftp://app.example/api/github/webhook",
            "http://app.example/api/github/webhook",
        ] {
            assert!(webhook(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn health_is_beside_the_webhook() {
        let check = |webhook: &str, expect: Option<&str>| {
            assert_eq!(health_beside(&webhook.parse().unwrap()).as_ref().map(Url::as_str), expect);
        };
        check("https://app.example/api/github/webhook", Some("https://app.example/api/health"));
        check(
            "https://gate.example:8443/suture/api/github/webhook?code=x",
            Some("https://gate.example:8443/suture/api/health"),
        );
        check("https://app.example/hooks", None);
    }
}
