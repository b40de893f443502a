//! The page on this machine: a button that posts the manifest to GitHub, and the place where the browser comes back to.
//!
//! It is on a loopback address, for one App. Whoever comes back has to bring the state, which only that page has; a page of somebody else that
//! calls this machine by another name is refused, so that it can't read it.

use crate::Failure;
use axum::Router;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use pipeline::github::PERMISSIONS;
use serde::Deserialize;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// The page has this long to be sent once the code is there.
const GOODBYE_S: u64 = 2;
/// The path that the browser comes back to.
const BACK: &str = "/done";

/// A page that waits to be shown.
pub struct Page {
    listener: TcpListener,
    address: SocketAddr,
}

/// What the page says.
#[derive(Debug, Clone)]
pub struct Content {
    /// Where the manifest is posted.
    pub target: String,
    /// The manifest, as JSON.
    pub manifest: String,
    /// What the browser has to bring back.
    pub state: String,
}

struct Shown {
    host: String,
    content: Content,
    codes: mpsc::Sender<String>,
}

#[derive(Deserialize)]
struct Returned {
    code: Option<String>,
    state: Option<String>,
}

impl Page {
    /// On this port of the loopback address; 0: any.
    pub async fn at(port: u16) -> Result<Self, Failure> {
        let failure = |error| Failure(format!("port {port} of this machine: {error}"));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(failure)?;
        let address = listener.local_addr().map_err(failure)?;
        Ok(Self { listener, address })
    }

    /// Where it is shown.
    pub fn address(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Where the browser comes back to.
    pub fn back(&self) -> String {
        format!("http://{}{BACK}", self.address)
    }

    /// Shows `content` until the browser comes back with a code, which is returned.
    pub async fn code(self, content: Content, wait: Duration) -> Result<String, Failure> {
        let (codes, mut code) = mpsc::channel(1);
        let shown = Shown { host: self.address.to_string(), content, codes };
        let app = Router::new().route("/", get(show)).route(BACK, get(take)).with_state(Arc::new(shown));
        let (end, ended) = tokio::sync::oneshot::channel::<()>();
        let server = axum::serve(self.listener, app).with_graceful_shutdown(async { drop(ended.await) });
        let mut server = tokio::spawn(server.into_future());
        let code = tokio::select! {
            code = code.recv() => code.ok_or_else(|| Failure("the page is gone".to_owned())),
            () = tokio::time::sleep(wait) => {
                Err(Failure(format!("the browser did not come back within {} s", wait.as_secs())))
            }
            _ = tokio::signal::ctrl_c() => Err(Failure("ended as asked; no App was taken over".to_owned())),
            _ = &mut server => Err(Failure("the page on this machine is gone".to_owned())),
        };
        drop(end);
        if code.is_ok() {
            // The browser shall see the answer.
            let _ = tokio::time::timeout(Duration::from_secs(GOODBYE_S), &mut server).await;
        }
        server.abort();
        code
    }
}

async fn show(State(shown): State<Arc<Shown>>, headers: HeaderMap) -> Response {
    if !is_called(&shown, &headers) {
        return refusal();
    }
    let Content { target, manifest, .. } = &shown.content;
    let permissions: String = PERMISSIONS
        .iter()
        .map(|needed| format!("<li><b>{}: {}</b>, to {}</li>\n", needed.name, needed.access, escaped(needed.why)))
        .collect();
    page(&format!(
        "<p>This makes a GitHub App of your own. It is asked for:</p>\n<ul>\n{permissions}</ul>\n\
         <form method=\"post\" action=\"{}\">\n<input type=\"hidden\" name=\"manifest\" value=\"{}\">\n\
         <button>Go to GitHub</button>\n</form>",
        escaped(target),
        escaped(manifest)
    ))
}

async fn take(State(shown): State<Arc<Shown>>, headers: HeaderMap, Query(returned): Query<Returned>) -> Response {
    let (true, Some(code), Some(state)) = (is_called(&shown, &headers), returned.code, returned.state) else {
        return refusal();
    };
    // A second code finds the place taken.
    if state != shown.content.state || shown.codes.try_send(code).is_err() {
        return refusal();
    }
    page("<p>Thank you. What follows is said in the terminal; this page can be closed.</p>")
}

/// Whether this machine was called by the name that it has here.
fn is_called(shown: &Shown, headers: &HeaderMap) -> bool {
    headers.get(header::HOST).is_some_and(|host| host.as_bytes() == shown.host.as_bytes())
}

fn refusal() -> Response {
    (StatusCode::BAD_REQUEST, "This is not the page that was asked for.\n").into_response()
}

fn page(body: &str) -> Response {
    let headers = [
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    let html = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>Suture</title>\n<h1>Suture</h1>\n{body}\n</html>\n"
    );
    (headers, Html(html)).into_response()
}

/// `text` as HTML, also between quotes.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_can_not_end_what_it_stands_in() {
        assert_eq!(escaped("\"><script>'&"), "&quot;&gt;&lt;script&gt;&#39;&amp;");
    }
}
