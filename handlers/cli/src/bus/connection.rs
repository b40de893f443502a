//! A connection string, read. Its key is never told.

use crate::Failure;
use std::fmt;
use std::str::FromStr;
use url::{Host, Url};

/// The domain of the service. The client knows no other.
const DOMAIN: &str = ".servicebus.windows.net";

/// Where the bus is, and the key to it.
#[derive(Clone)]
pub(super) struct Connection {
    /// The first label of its host. Of a bus on this machine: a name that is only signed.
    pub namespace: String,
    /// Of a bus on this machine: where it is.
    pub local: Option<Url>,
    /// The key's name.
    pub key_name: String,
    /// The key.
    pub key: String,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut told = f.debug_struct("Connection");
        told.field("namespace", &self.namespace).field("local", &self.local).finish_non_exhaustive()
    }
}

impl FromStr for Connection {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self, Failure> {
        if text.trim().is_empty() {
            return Err(wrong("is missing; give --connection, or set SUTURE_BUS_CONNECTION"));
        }
        // A key may contain `=`.
        let fields = text.split(';').filter_map(|field| field.trim().split_once('='));
        let fields: Vec<(String, &str)> =
            fields.map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim())).collect();
        let field = |name: &str| {
            let found = fields.iter().find(|(known, _)| *known == name.to_ascii_lowercase());
            let found = found.map(|(_, value)| *value).filter(|value| !value.is_empty());
            found.ok_or_else(|| wrong(&format!("has no {name}")))
        };
        let (namespace, local) = endpoint(field("Endpoint")?)?;
        Ok(Self {
            namespace,
            local,
            key_name: field("SharedAccessKeyName")?.to_owned(),
            key: field("SharedAccessKey")?.to_owned(),
        })
    }
}

fn endpoint(text: &str) -> Result<(String, Option<Url>), Failure> {
    let url = Url::parse(text).map_err(|_| wrong("has an Endpoint that is no URL"))?;
    match url.scheme() {
        "sb" | "https" => {
            let host = url.host_str().unwrap_or_default().to_ascii_lowercase();
            let namespace = host.strip_suffix(DOMAIN).filter(|name| !name.is_empty() && !name.contains('.'));
            let namespace =
                namespace.ok_or_else(|| wrong(&format!("has an Endpoint that is not sb://NAMESPACE{DOMAIN}/")))?;
            Ok((namespace.to_owned(), None))
        }
        "http" if is_loopback(&url) => Ok(("local".to_owned(), Some(url))),
        "http" => Err(wrong("has an Endpoint without encryption that is not on this machine")),
        _ => Err(wrong("has an Endpoint that is neither sb:// nor http://127.0.0.1:PORT")),
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

fn wrong(what: &str) -> Failure {
    Failure(format!(
        "the connection string {what}. It looks like `Endpoint=sb://NAMESPACE{DOMAIN}/;SharedAccessKeyName=NAME;SharedAccessKey=…`"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connection_strings_are_read_or_refused_without_their_key() {
        let check = |endpoint: &str, expect: &str| {
            let text = format!("Endpoint={endpoint};SharedAccessKeyName=root;SharedAccessKey=k3y=;EntityPath=x");
            let told = match text.parse::<Connection>() {
                Ok(connection) => {
                    assert_eq!((connection.key_name.as_str(), connection.key.as_str()), ("root", "k3y="));
                    assert!(!format!("{connection:?}").contains("k3y"));
                    format!("{} {}", connection.namespace, connection.local.map(String::from).unwrap_or_default())
                }
                Err(failure) => failure.0,
            };
            assert!(told.contains(expect) && !told.contains("k3y"), "{endpoint}: {told}");
        };
        check("sb://Contoso.servicebus.windows.net/", "contoso ");
        check("https://contoso.servicebus.windows.net", "contoso ");
        check("http://127.0.0.1:7072", "local http://127.0.0.1:7072/");
        check("http://localhost:7072/", "local http://localhost:7072/");
        check("http://[::1]:7072/", "local http://[::1]:7072/");
        check("http://contoso.servicebus.windows.net", "without encryption");
        check("sb://contoso.example.net", "is not sb://NAMESPACE");
        check("sb://evil.example/.servicebus.windows.net", "is not sb://NAMESPACE");
        check("ftp://x", "neither");
        check("nothing", "no URL");
        for (text, expect) in
            [("", "is missing"), ("Endpoint=sb://a.servicebus.windows.net", "has no SharedAccessKeyName")]
        {
            assert!(text.parse::<Connection>().unwrap_err().0.contains(expect));
        }
    }
}
