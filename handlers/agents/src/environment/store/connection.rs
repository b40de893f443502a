//! Connection strings of Azure Storage: `Name=Value;…`, as the portal shows them and Azurite takes them.

use secrecy::SecretString;

/// The account that Azurite always has. Its key is published; it opens nothing but emulators.
const EMULATOR_ACCOUNT: &str = "devstoreaccount1";
const EMULATOR_KEY: &str = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
const EMULATOR_ENDPOINT: &str = "http://127.0.0.1:10000/devstoreaccount1";

/// What a connection string says of blobs.
#[derive(Debug, Default)]
pub(super) struct Connection {
    /// `AccountName`.
    pub account: Option<String>,
    /// `AccountKey`.
    pub key: Option<SecretString>,
    /// `SharedAccessSignature`.
    pub signature: Option<SecretString>,
    /// `BlobEndpoint`, else made of `EndpointSuffix`; `None`: the public cloud.
    pub endpoint: Option<String>,
}

impl Connection {
    /// Reads `text`. What is wrong is said without any of its values.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut connection = Self::default();
        let (mut protocol, mut suffix) = ("https".to_owned(), None);
        for part in text.split(';').map(str::trim).filter(|part| !part.is_empty()) {
            let Some((name, value)) = part.split_once('=') else {
                return Err("a part of it is not Name=Value".to_owned());
            };
            let secret = || Some(SecretString::from(value.to_owned()));
            match name.trim().to_ascii_lowercase().as_str() {
                "accountname" => connection.account = Some(value.to_owned()),
                "accountkey" => connection.key = secret(),
                "sharedaccesssignature" => connection.signature = secret(),
                "blobendpoint" => connection.endpoint = Some(value.trim_end_matches('/').to_owned()),
                "endpointsuffix" => suffix = Some(value.to_owned()),
                "defaultendpointsprotocol" => value.clone_into(&mut protocol),
                "usedevelopmentstorage" if value.eq_ignore_ascii_case("true") => {
                    connection.account = Some(EMULATOR_ACCOUNT.to_owned());
                    connection.key = Some(SecretString::from(EMULATOR_KEY.to_owned()));
                    connection.endpoint = Some(EMULATOR_ENDPOINT.to_owned());
                }
                // Of queues, tables and files.
                _ => {}
            }
        }
        if let (None, Some(account), Some(suffix)) = (&connection.endpoint, &connection.account, suffix) {
            connection.endpoint = Some(format!("{protocol}://{account}.blob.{suffix}"));
        }
        if connection.key.is_none() && connection.signature.is_none() {
            return Err("it has neither an AccountKey nor a SharedAccessSignature".to_owned());
        }
        Ok(connection)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    fn told(text: &str) -> String {
        match Connection::parse(text) {
            Ok(connection) => format!(
                "{} {} {}",
                connection.account.unwrap_or_default(),
                connection.endpoint.unwrap_or_default(),
                connection.key.or(connection.signature).unwrap().expose_secret()
            ),
            Err(error) => error,
        }
    }

    #[test]
    fn connection_strings_are_read() {
        let check = |text: &str, expect: &str| assert_eq!(told(text), expect);
        check("AccountName=shop;AccountKey=a2V5==;", "shop  a2V5==");
        check(
            "DefaultEndpointsProtocol=https;AccountName=shop;AccountKey=a2V5;EndpointSuffix=core.usgovcloudapi.net",
            "shop https://shop.blob.core.usgovcloudapi.net a2V5",
        );
        check(
            "BlobEndpoint=http://127.0.0.1:1/devstoreaccount1/;AccountName=a;AccountKey=k;QueueEndpoint=http://q",
            "a http://127.0.0.1:1/devstoreaccount1 k",
        );
        check(
            "BlobEndpoint=https://shop.blob.example;SharedAccessSignature=sv=1&sig=x%3D",
            " https://shop.blob.example sv=1&sig=x%3D",
        );
        check("accountname=shop", "it has neither an AccountKey nor a SharedAccessSignature");
        check("secret", "a part of it is not Name=Value");
        assert!(told("UseDevelopmentStorage=true").starts_with("devstoreaccount1 http://127.0.0.1:10000/"));
    }
}
