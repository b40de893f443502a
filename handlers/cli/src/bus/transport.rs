//! Between the client and the network: requests go where the connection string says, answers come back so that the client can read them.

use async_trait::async_trait;
use azure_core::error::{Error, ErrorKind};
use azure_core::headers::{HeaderName, Headers};
use azure_core::{HttpClient, Request, Response, Url};
use std::sync::Arc;
use std::time::Duration;

/// Longer than any answer may take: requests for a message wait a few seconds.
const ANSWER_S_MAX: u64 = 60;

/// What the broker says of a message, under a name that the client does not know: it would fail on what it does not expect.
pub const BROKER_PROPERTIES: HeaderName = HeaderName::from_static("x-suture-brokerproperties");

/// The client's way to the network.
#[derive(Debug)]
pub struct Transport {
    inner: Arc<dyn HttpClient>,
    host: String,
    local: Option<Url>,
}

impl Transport {
    /// To the bus at `local`, or to that at `host`.
    pub fn new(host: String, local: Option<Url>) -> Self {
        Self { inner: azure_core::new_http_client(), host, local }
    }

    /// Where a request for `url` goes.
    fn address(&self, url: &Url) -> Result<Url, Error> {
        let mut address = url.clone();
        match &self.local {
            None if url.scheme() == "https" && url.host_str() == Some(&self.host) => {}
            // A place of a lock that is elsewhere: it is not for us to go there with a token.
            None => {
                return Err(Error::message(
                    ErrorKind::Other,
                    format!("the service names a place outside {}", self.host),
                ));
            }
            Some(local) => {
                let moved = address.set_scheme(local.scheme()).is_ok()
                    && address.set_host(local.host_str()).is_ok()
                    && address.set_port(local.port()).is_ok();
                if !moved {
                    return Err(Error::message(ErrorKind::Other, format!("{url} can't be asked at {local}")));
                }
            }
        }
        Ok(address)
    }
}

#[async_trait]
impl HttpClient for Transport {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<Response> {
        let mut moved = request.clone();
        *moved.url_mut() = self.address(request.url())?;
        let answer = tokio::time::timeout(Duration::from_secs(ANSWER_S_MAX), self.inner.execute_request(&moved)).await;
        let answer =
            answer.map_err(|_| Error::message(ErrorKind::Io, format!("no answer within {ANSWER_S_MAX} s")))??;
        let (status, headers, body) = answer.deconstruct();
        let mut renamed = Headers::new();
        for (name, value) in headers {
            let is_broker = name.as_str().eq_ignore_ascii_case("brokerproperties");
            renamed.insert(if is_broker { BROKER_PROPERTIES } else { name }, value);
        }
        Ok(Response::new(status, renamed, Box::pin(body)))
    }
}
