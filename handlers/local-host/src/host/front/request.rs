//! A request as a function sees it that gets the payload: `Data.req`.

use super::route::Parameters;
use crate::app::AuthLevel;
use crate::host::invoke::{Payload, Value};
use axum::http::{HeaderMap, Method, Uri};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value as Json, json};

/// A request, read to its end.
#[derive(Debug, Clone)]
pub struct Request {
    /// GET, POST, …
    pub method: Method,
    /// Path and query.
    pub uri: Uri,
    /// Headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Vec<u8>,
}

impl Request {
    /// Members of the query, decoded; of one that is there several times the values are joined by commas.
    pub fn query(&self) -> Vec<(String, String)> {
        query(&self.uri)
    }

    /// The key that the caller shows.
    pub fn key(&self) -> Option<String> {
        key(&self.uri, &self.headers)
    }

    /// Whether the functions host sees a body: only where its length is told.
    pub fn has_body(&self) -> bool {
        let length = self.headers.get("content-length").and_then(|length| length.to_str().ok());
        length.and_then(|length| length.parse::<u64>().ok()).is_some_and(|length| length > 0)
    }

    /// The payload for a function whose trigger is bound to `binding`.
    pub fn payload(&self, binding: &str, parameters: &Parameters, level: AuthLevel) -> Payload {
        let query: Map<String, Json> = self.query().into_iter().map(|(name, value)| (name, value.into())).collect();
        let named: Map<String, Json> =
            parameters.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
        let host = self.headers.get("host").and_then(|host| host.to_str().ok()).unwrap_or("localhost");
        let mut request = json!({
            "Url": format!("http://{host}{}", self.uri),
            "Method": self.method.as_str(),
            "Query": query,
            "Headers": self.header_lists(),
            "Params": named,
            "Identities": identities(level),
        });
        if self.has_body() {
            request["Body"] = self.body_text().into();
        }
        let mut payload = Payload::new(binding, Value::Object(request));
        payload.metadata.set("Headers", Value::Object(self.header_texts()));
        payload.metadata.set("Query", Value::Object(query.into()));
        for (name, value) in parameters {
            payload.metadata.set(name, Value::Text(value.clone()));
        }
        payload
    }

    fn body_text(&self) -> String {
        let content_type = self.headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
        if content_type.contains("octet-stream") || content_type.contains("multipart/") {
            return STANDARD.encode(&self.body);
        }
        String::from_utf8_lossy(&self.body).into_owned()
    }

    fn header_lists(&self) -> Json {
        let mut lists = Map::new();
        for (name, value) in &self.headers {
            let list = lists.entry(spelled(name.as_str())).or_insert_with(|| Json::Array(Vec::new()));
            if let Json::Array(values) = list {
                values.push(String::from_utf8_lossy(value.as_bytes()).into());
            }
        }
        lists.into()
    }

    fn header_texts(&self) -> Json {
        let texts = self.headers.keys().map(|name| {
            let values = self.headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
            (spelled(name.as_str()), Json::from(values.collect::<Vec<_>>().join(",")))
        });
        Json::Object(texts.collect())
    }
}

/// The key that a request with these headers shows.
pub fn key(uri: &Uri, headers: &HeaderMap) -> Option<String> {
    let header = headers.get("x-functions-key").and_then(|key| key.to_str().ok()).map(str::to_owned);
    header.or_else(|| query(uri).into_iter().find(|(name, _)| name == "code").map(|(_, code)| code))
}

fn query(uri: &Uri) -> Vec<(String, String)> {
    let mut members: Vec<(String, String)> = Vec::new();
    for (name, value) in url_pairs(uri.query().unwrap_or_default()) {
        match members.iter_mut().find(|(known, _)| *known == name) {
            Some((_, values)) => {
                values.push(',');
                values.push_str(&value);
            }
            None => members.push((name, value)),
        }
    }
    members
}

/// Who calls, as the host's own authentication says it.
fn identities(level: AuthLevel) -> Json {
    let level = match level {
        AuthLevel::Anonymous => return json!([]),
        AuthLevel::Function => "Function",
        AuthLevel::Admin => "Admin",
    };
    json!([{
        "AuthenticationType": "WebJobsAuthLevel",
        "IsAuthenticated": true,
        "Claims": [{ "Type": "http://schemas.microsoft.com/2017/07/functions/claims/authlevel", "Value": level }],
    }])
}

/// A header's name as it is mostly spelled; the server reads them in lower case.
fn spelled(name: &str) -> String {
    let words = name.split('-').map(|word| {
        let (first, rest) = word.split_at(word.len().min(1));
        first.to_ascii_uppercase() + rest
    });
    words.collect::<Vec<_>>().join("-")
}

fn url_pairs(query: &str) -> Vec<(String, String)> {
    reqwest::Url::parse(&format!("http://localhost/?{query}"))
        .map(|url| url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(uri: &str, headers: &[(&'static str, &str)], body: &str) -> Request {
        let headers = headers.iter().map(|(name, value)| ((*name).parse().unwrap(), value.parse().unwrap())).collect();
        Request { method: Method::POST, uri: uri.parse().unwrap(), headers, body: body.into() }
    }

    #[test]
    fn request_is_told_as_the_host_tells_it() {
        let headers = [("host", "localhost:7071"), ("x-hub-signature-256", "s"), ("accept", "a"), ("accept", "b")];
        let mut request = request("/api/cases/7?q=a%20b&q=c", &headers, "text");
        request.headers.insert("content-length", 4.into());
        let parameters = vec![("id".to_owned(), "7".to_owned())];
        let payload = request.payload("req", &parameters, AuthLevel::Anonymous);
        assert_eq!(
            payload.data.1.encode(),
            json!({
                "Url": "http://localhost:7071/api/cases/7?q=a%20b&q=c",
                "Method": "POST",
                "Query": { "q": "a b,c" },
                "Headers": {
                    "Host": ["localhost:7071"], "X-Hub-Signature-256": ["s"], "Accept": ["a", "b"], "Content-Length": ["4"],
                },
                "Params": { "id": "7" },
                "Identities": [],
                "Body": "text",
            })
        );
    }

    #[test]
    fn body_without_a_length_is_not_seen_and_bytes_are_base64() {
        let value = |request: &Request| request.payload("req", &Vec::new(), AuthLevel::Function).data.1.encode();
        assert_eq!(value(&request("/api/x", &[], "text")).get("Body"), None);
        let binary =
            request("/api/x", &[("content-length", "4"), ("content-type", "application/octet-stream")], "text");
        assert_eq!(value(&binary)["Body"], "dGV4dA==");
    }

    #[test]
    fn key_is_taken_from_header_or_query() {
        assert_eq!(request("/api/x?code=a%2B", &[], "").key().as_deref(), Some("a+"));
        assert_eq!(request("/api/x?code=a", &[("x-functions-key", "b")], "").key().as_deref(), Some("b"));
        assert_eq!(request("/api/x", &[], "").key(), None);
    }
}
