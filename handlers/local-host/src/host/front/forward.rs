//! Requests that are handed to the handler as they came (`enableForwardingHttpRequest`), and answers that are handed back so.

use super::request::Request;
use crate::app::{App, Function, Output, Trigger};
use crate::host::invoke::{HOST_VERSION, InvokeError, Invoker, body, unreachable};
use crate::host::process::address;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use uuid::Uuid;

/// Headers that belong to one connection only.
const HOP_BY_HOP: [&str; 9] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "host",
];

/// Whether `function` is called with the caller's own request: only with exactly an HTTP trigger and an HTTP output.
pub fn is_forwarded(app: &App, function: &Function) -> bool {
    let is_http_only = matches!(function.trigger, Trigger::Http { .. })
        && matches!(function.outputs.as_slice(), [output] if output.kind == Output::Http);
    is_http_only && (app.host.forwards_http || app.host.proxies_http || app.host.is_legacy)
}

/// Hands `request` on, and the answer back. The older `httpWorker` hears it at the function's name instead of the caller's path.
pub async fn forward(
    invoker: &Invoker,
    function: &Function,
    invocation: Uuid,
    request: Request,
) -> Result<Response, InvokeError> {
    let endpoint = invoker.ready().await?;
    let has_body = request.has_body() || invoker.app.host.proxies_http;
    let path_and_query = if invoker.app.host.is_legacy {
        let query = request.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
        format!("{}{query}", function.name)
    } else {
        request.uri.path_and_query().map(|path| path.as_str().trim_start_matches('/').to_owned()).unwrap_or_default()
    };
    let mut headers = end_to_end(&request.headers);
    headers.remove("content-length");
    name_call(&mut headers, invocation, invoker.app.host.proxies_http);
    let mut call = endpoint.client.request(request.method, address(endpoint.port, &path_and_query)).headers(headers);
    if has_body && !request.body.is_empty() {
        call = call.body(request.body);
    }
    let work = async {
        let response = call.send().await.map_err(|error| unreachable(&endpoint, &error))?;
        let (status, headers) = (response.status(), end_to_end(response.headers()));
        Ok::<_, InvokeError>((status, headers, body(&endpoint, response).await?))
    };
    let (status, headers, body) = invoker.within(&endpoint, function, work).await??;
    endpoint.has_worked();
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Ok(response)
}

/// Says whose call it is. A proxy does so in the place of what the caller sent, the older ways add it to that.
fn name_call(headers: &mut HeaderMap, invocation: Uuid, is_proxy: bool) {
    let version = HeaderValue::from_static(HOST_VERSION);
    let Ok(id) = HeaderValue::try_from(invocation.to_string()) else { return };
    if is_proxy {
        headers.insert("x-azure-functions-invocationid", id.clone());
        headers.insert("x-azure-functions-hostversion", version);
        headers.insert("x-ms-invocation-id", id);
    } else {
        headers.append("x-azure-functions-invocationid", id);
        headers.append("x-azure-functions-hostversion", version);
    }
}

fn end_to_end(headers: &HeaderMap) -> HeaderMap {
    let mut kept = headers.clone();
    HOP_BY_HOP.iter().for_each(|name| drop(kept.remove(*name)));
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(is_proxy: bool, name: &str, expect: &[&str]) {
        let mut headers = HeaderMap::new();
        for name in ["x-azure-functions-invocationid", "x-azure-functions-hostversion", "x-ms-invocation-id"] {
            headers.insert(name, HeaderValue::from_static("forged"));
        }
        name_call(&mut headers, Uuid::nil(), is_proxy);
        let told: Vec<&str> = headers.get_all(name).iter().map(|value| value.to_str().unwrap()).collect();
        assert_eq!(told, expect, "{name}");
    }

    #[test]
    fn proxy_leaves_nothing_that_the_caller_forged() {
        let id = "00000000-0000-0000-0000-000000000000";
        check(true, "x-azure-functions-invocationid", &[id]);
        check(true, "x-azure-functions-hostversion", &[HOST_VERSION]);
        check(true, "x-ms-invocation-id", &[id]);
        check(false, "x-azure-functions-invocationid", &["forged", id]);
        check(false, "x-azure-functions-hostversion", &["forged", HOST_VERSION]);
        check(false, "x-ms-invocation-id", &["forged"]);
    }
}
