//! A container of Azure Blob, opened with the app's managed identity or a connection string.

use super::connection::Connection;
use super::fault::{StoreError, in_full};
use object_store::azure::{MicrosoftAzure, MicrosoftAzureBuilder};
use object_store::{BackoffConfig, ClientOptions, ObjectStore, RetryConfig};
use secrecy::{ExposeSecret, SecretString};
use std::fmt;
use std::sync::OnceLock;
use std::time::Duration;

/// How a container is opened. Debug shows no secret.
#[derive(Debug, Clone, Default)]
pub struct AzureAccess {
    /// `SUTURE_STORE_CONNECTION`: a connection string; `None`: the managed identity.
    pub connection: Option<SecretString>,
    /// `SUTURE_STORE_ENDPOINT`: the address of the account's blobs; `None`: as the connection string says, else the public cloud's.
    pub endpoint: Option<String>,
    /// `IDENTITY_ENDPOINT`: where App Service and Functions give tokens; `None`: where virtual machines do.
    pub identity_endpoint: Option<String>,
    /// `AZURE_CLIENT_ID`: which user-assigned identity; `None`: the system-assigned one.
    pub client_id: Option<String>,
    /// How long it is waited for.
    pub patience: Patience,
}

/// How long the cloud is waited for. In all no call takes longer than [`Patience::call_ms`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// To get a connection.
    pub connect_ms: u64,
    /// For one answer, with its body.
    pub request_ms: u64,
    /// No attempt more is begun after this.
    pub retry_ms: u64,
    /// Attempts after the first.
    pub retries_max: usize,
    /// For everything together; under the 240 s that a step may take.
    pub call_ms: u64,
}

impl Default for Patience {
    fn default() -> Self {
        Self { connect_ms: 5_000, request_ms: 20_000, retry_ms: 20_000, retries_max: 5, call_ms: 45_000 }
    }
}

/// One container. Its client is made when it is first asked for: that loads certificates, and takes milliseconds.
pub(super) struct Container {
    account: String,
    name: String,
    endpoint: Option<String>,
    key: Option<SecretString>,
    signature: Option<SecretString>,
    identity_endpoint: Option<String>,
    client_id: Option<String>,
    patience: Patience,
    client: OnceLock<Box<MicrosoftAzure>>,
}

impl fmt::Display for Container {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "az://{}/{}", self.account, self.name)
    }
}

/// The cloud did not answer in time.
#[derive(Debug, thiserror::Error)]
#[error("no answer within {0} ms")]
struct Silent(u64);

impl Container {
    /// The container `name` of `account`. What is wrong with the connection string shows here.
    pub fn new(account: &str, name: &str, access: &AzureAccess) -> Result<Self, StoreError> {
        let error = |reason: String| StoreError::Setting { setting: format!("az://{account}/{name}"), reason };
        if !is_azure_place(account, name) {
            return Err(error("it has to be az://ACCOUNT/CONTAINER, by the naming rules of Azure Storage".to_owned()));
        }
        let connection = access.connection.as_ref().map(|text| Connection::parse(text.expose_secret())).transpose();
        let connection = connection.map_err(|reason| error(format!("SUTURE_STORE_CONNECTION: {reason}")))?;
        let connection = connection.unwrap_or_default();
        if let Some(other) = connection.account.filter(|other| other != account) {
            return Err(error(format!("SUTURE_STORE_CONNECTION is for the account {other}")));
        }
        let endpoint = access.endpoint.as_ref().map(|address| address.trim_end_matches('/').to_owned());
        let endpoint = endpoint.or(connection.endpoint);
        if let (None, Some(endpoint)) = (&access.connection, &endpoint)
            && !is_private(endpoint)
        {
            return Err(error(format!(
                "SUTURE_STORE_ENDPOINT is {endpoint}; the token of a managed identity travels only by https, or within this machine"
            )));
        }
        Ok(Self {
            account: account.to_owned(),
            name: name.to_owned(),
            endpoint,
            key: connection.key,
            signature: connection.signature,
            identity_endpoint: access.identity_endpoint.clone(),
            client_id: access.client_id.clone(),
            patience: access.patience,
            client: OnceLock::new(),
        })
    }

    /// The client. A key or an address that is none shows here.
    pub fn client(&self) -> object_store::Result<&dyn ObjectStore> {
        if let Some(client) = self.client.get() {
            return Ok(client.as_ref());
        }
        // Two may make one at the same time; the first stays.
        let made = Box::new(self.builder().build()?);
        Ok(self.client.get_or_init(|| made).as_ref())
    }

    fn builder(&self) -> MicrosoftAzureBuilder {
        let patience = &self.patience;
        let mut client = ClientOptions::new()
            .with_connect_timeout(Duration::from_millis(patience.connect_ms))
            .with_timeout(Duration::from_millis(patience.request_ms));
        let mut builder = MicrosoftAzureBuilder::new().with_account(&self.account).with_container_name(&self.name);
        if let Some(endpoint) = &self.endpoint {
            // Without encryption only where it is set so: an emulator.
            client = client.with_allow_http(endpoint.starts_with("http://"));
            builder = builder.with_endpoint(endpoint.clone());
        }
        builder = builder.with_client_options(client).with_retry(RetryConfig {
            backoff: BackoffConfig { max_backoff: Duration::from_secs(5), ..BackoffConfig::default() },
            max_retries: patience.retries_max,
            retry_timeout: Duration::from_millis(patience.retry_ms),
        });
        if let Some(key) = &self.key {
            return builder.with_access_key(key.expose_secret());
        }
        if let Some(signature) = &self.signature {
            let pairs: Vec<_> =
                url::form_urlencoded::parse(signature.expose_secret().trim_start_matches('?').as_bytes())
                    .into_owned()
                    .collect();
            return builder.with_sas_authorization(pairs);
        }
        builder = builder.with_credential_type("managed_identity");
        if let Some(endpoint) = &self.identity_endpoint {
            builder = builder.with_msi_endpoint(endpoint);
        }
        match &self.client_id {
            Some(client_id) => builder.with_client_id(client_id),
            None => builder,
        }
    }

    /// `call`, given up when it takes too long.
    pub async fn within<T>(&self, call: impl Future<Output = object_store::Result<T>>) -> object_store::Result<T> {
        let limit_ms = self.patience.call_ms;
        tokio::time::timeout(Duration::from_millis(limit_ms), call).await.unwrap_or_else(|_| {
            Err(object_store::Error::Generic { store: "azure", source: Box::new(Silent(limit_ms)) })
        })
    }

    /// What `error` means, and what to do.
    pub fn fault(&self, key: &str, error: &object_store::Error) -> StoreError {
        let (account, name) = (&self.account, &self.name);
        let who = if self.key.is_some() || self.signature.is_some() {
            "SUTURE_STORE_CONNECTION opens no such container; give a connection string that is valid and may write"
        } else {
            "the managed identity may not; give it the role Storage Blob Data Contributor on the container"
        };
        let reason = match error {
            error if in_full(error).contains("ContainerNotFound") => format!(
                "there is no such container; make it with `az storage container create --account-name {account} --name {name} --auth-mode login`"
            ),
            object_store::Error::PermissionDenied { .. } | object_store::Error::Unauthenticated { .. } => {
                format!("refused: {who}")
            }
            error => return StoreError::of(&self.to_string(), key, error),
        };
        StoreError::Store { place: self.to_string(), key: key.to_owned(), reason }
    }
}

/// Whether nobody between here and `endpoint` can listen.
fn is_private(endpoint: &str) -> bool {
    endpoint
        .parse::<url::Url>()
        .is_ok_and(|url| url.scheme() == "https" || matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]")))
}

/// Whether a storage account and a container in it may have these names.
pub fn is_azure_place(account: &str, container: &str) -> bool {
    is_account(account) && is_container(container)
}

/// 3 to 24 lower-case letters and digits.
fn is_account(name: &str) -> bool {
    (3..=24).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

/// 3 to 63 lower-case letters, digits and single hyphens between them.
fn is_container(name: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (3..=63).contains(&name.len())
        && name.bytes().all(is_inner)
        && !name.starts_with('-')
        && !name.ends_with('-')
        && !name.contains("--")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(connection: &str) -> AzureAccess {
        AzureAccess { connection: Some(SecretString::from(connection.to_owned())), ..AzureAccess::default() }
    }

    #[test]
    fn names_follow_the_rules_of_azure() {
        let check = |setting: &str, expect: bool| {
            let (account, container) = setting.split_once('/').unwrap();
            assert_eq!(is_azure_place(account, container), expect, "{setting}");
        };
        check("shop123/suture-records", true);
        check("Shop/records", false);
        check("shop/re", false);
        check("shop/two--hyphens", false);
        check("shop/records/below", false);
    }

    #[test]
    fn client_can_be_made_for_every_kind_of_access() {
        for access in [
            AzureAccess::default(),
            AzureAccess { client_id: Some("0".to_owned()), ..AzureAccess::default() },
            access("AccountName=shop;AccountKey=a2V5"),
            access("BlobEndpoint=https://shop.example;SharedAccessSignature=sv=1&sig=x%3D"),
        ] {
            assert!(Container::new("shop", "records", &access).unwrap().client().is_ok(), "{access:?}");
        }
    }

    #[test]
    fn no_secret_is_told() {
        let secret = "c2VjcmV0LWtleQ";
        let access = access(&format!("AccountName=shop;AccountKey={secret}*"));
        let container = Container::new("shop", "records", &access).unwrap();
        // Not Base64: the client can't be made.
        let error = container.client().map(|_| ()).unwrap_err();
        let told =
            format!("{access:?} {container} {} {:?}", container.fault("a", &error), container.fault("a", &error));
        assert!(!told.contains(secret), "{told}");
        let other = Container::new("other", "records", &access).map(|_| ()).unwrap_err().to_string();
        assert_eq!(other, "store az://other/records: SUTURE_STORE_CONNECTION is for the account shop");
    }
}
