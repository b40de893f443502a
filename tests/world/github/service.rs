//! From a request to an answer: faults, tokens, the way to the right room, ETags.

use super::app::{Caller, caller};
use super::state::State;
use super::{alerts, app, checks, graphql, hooks, issues, objects, pulls, web};
use axum::body::{Body, Bytes};
use axum::extract::State as Shared;
use axum::http::{HeaderMap, Method, Response, Uri};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// What a request may meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The hourly limit is used up until this many seconds from now.
    PrimaryLimit(i64),
    /// The secondary limit, with `retry-after` in seconds or without.
    SecondaryLimit(Option<u32>),
    /// It is done, and the answer is a 502.
    ErrorAfterWrite,
    /// Nothing is done, and the answer has this status.
    Error(u16),
    /// The list lacks what was made last.
    Lag,
    /// The answer is no JSON.
    Nonsense,
    /// The answer never ends, as far as anybody would read.
    Huge,
    /// It is done, and the connection breaks off in the middle of the answer.
    CutOff,
    /// A redirect to this address.
    Redirect(&'static str),
}

/// An answer, and to which of GitHub's operations.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// Its name in GitHub's descriptions.
    pub operation: &'static str,
    /// HTTP status.
    pub status: u16,
    /// The answer.
    pub body: Value,
}

pub(super) struct Question {
    pub method: String,
    /// Decoded parts below the base of the API, or below the repository.
    pub path: Vec<String>,
    pub query: BTreeMap<String, String>,
    pub body: Value,
    /// What a browser sends of a form.
    pub form: BTreeMap<String, String>,
    pub headers: HeaderMap,
    /// Lists lack what was made last.
    pub lags: bool,
    raw: String,
}

pub(super) struct Reply {
    pub operation: &'static str,
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Value,
}

pub(super) type Answer = Result<Reply, Reply>;

pub(super) fn told(operation: &'static str, status: u16, body: Value) -> Answer {
    Ok(Reply { operation, status, headers: Vec::new(), body })
}

pub(super) fn refused(status: u16, message: &str) -> Reply {
    let body = json!({ "message": message, "documentation_url": "https://docs.github.example/rest", "status": status.to_string() });
    Reply { operation: "", status, headers: Vec::new(), body }
}

pub(super) fn not_found() -> Reply {
    refused(404, "Not Found")
}

impl Question {
    pub fn text(&self, key: &str) -> String {
        self.body[key].as_str().unwrap_or_default().to_owned()
    }

    /// The page of `items` that is asked for, as the answer `body` makes of it.
    pub fn page(
        &self,
        state: &State,
        operation: &'static str,
        mut items: Vec<Value>,
        body: impl FnOnce(Vec<Value>) -> Value,
    ) -> Answer {
        let number = |key: &str, default: usize| self.query.get(key).map_or(default, |text| text.parse().unwrap());
        let (length, page) = (number("per_page", 30).min(100), number("page", 1));
        let rest = items.split_off(((page - 1) * length).min(items.len()));
        let is_last = rest.len() <= length;
        let items: Vec<_> = rest.into_iter().take(length).collect();
        let mut reply = told(operation, 200, body(items))?;
        if !is_last {
            let others = self.query.iter().filter(|(key, _)| *key != "page");
            let query = others.map(|(key, value)| format!("{key}={value}&")).collect::<String>();
            let next = format!("<http://{}{}?{query}page={}>; rel=\"next\"", state.address, self.raw, page + 1);
            reply.headers.push(("link", format!("{next}, <http://{}/x>; rel=\"last\"", state.address)));
        }
        Ok(reply)
    }
}

pub(super) async fn serve(
    Shared(state): Shared<Arc<Mutex<State>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let mut state = state.lock().unwrap();
    let line = format!("{method} {}", uri.path());
    state.asked.push(line.clone());
    if let Some(at) = state.pushes.iter().position(|(on, _)| line.contains(on)) {
        let (_, push) = state.pushes.remove(at);
        let files: Vec<_> = push.files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        state.push(push.id, &push.branch, &files, &push.login);
    }
    let at = state.faults.iter().position(|(on, _)| line.contains(on));
    let ordered = at.map(|at| state.faults.remove(at).1);
    let fault = ordered.or_else(|| state.storm.as_mut().and_then(|storm| storm.fault_of(&line)));
    let question = Question {
        method: method.to_string(),
        path: uri.path().split('/').skip(1).map(decoded).collect(),
        query: pairs(uri.query().unwrap_or_default()),
        form: match headers.get("content-type") {
            Some(kind) if kind == "application/x-www-form-urlencoded" => {
                pairs(&String::from_utf8_lossy(&body).replace('+', " "))
            }
            _ => BTreeMap::new(),
        },
        body: serde_json::from_slice(&body).unwrap_or_default(),
        headers,
        lags: fault == Some(Fault::Lag),
        raw: uri.path().to_owned(),
    };
    let reply = match fault {
        Some(Fault::PrimaryLimit(seconds)) => {
            let mut reply = refused(403, "API rate limit exceeded for installation ID 1.");
            let reset = state.clock.now().as_second() + seconds;
            reply.headers = vec![("x-ratelimit-remaining", "0".to_owned()), ("x-ratelimit-reset", reset.to_string())];
            reply
        }
        Some(Fault::SecondaryLimit(retry_after)) => {
            let mut reply = refused(
                403,
                "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
            );
            reply.headers.extend(retry_after.map(|seconds| ("retry-after", seconds.to_string())));
            reply
        }
        Some(Fault::Error(status)) => refused(status, "Server Error"),
        Some(Fault::Redirect(address)) => {
            let mut reply = refused(301, "Moved Permanently");
            reply.headers.push(("location", address.to_owned()));
            reply
        }
        Some(Fault::ErrorAfterWrite) => {
            let done = answer(&mut state, question);
            // A storm does not ask whether there was anything to do.
            assert!(ordered.is_none() || (200..300).contains(&done.status), "{line}: {}", done.body);
            refused(502, "Server Error")
        }
        Some(Fault::Lag | Fault::Nonsense | Fault::Huge | Fault::CutOff) | None => answer(&mut state, question),
    };
    let body = match fault {
        Some(Fault::Nonsense) => "<html>".to_owned(),
        Some(Fault::Huge) => format!("[{}0]", "0,".repeat(9 << 20)),
        _ => reply.body.to_string(),
    };
    let mut response =
        Response::builder().status(reply.status).header("content-type", "application/json; charset=utf-8");
    for (name, value) in &reply.headers {
        response = response.header(*name, value);
    }
    let date = jiff::fmt::rfc2822::to_string(&state.clock.now().to_zoned(jiff::tz::TimeZone::UTC)).unwrap();
    state.answers.push(Recorded { operation: reply.operation, status: reply.status, body: reply.body });
    let body = match reply.status {
        _ if fault == Some(Fault::CutOff) => cut_off(&body),
        204 | 304 => Body::empty(),
        _ => body.into(),
    };
    response.header("date", date).body(body).unwrap()
}

/// The first half of `text`, upon which the connection is closed.
fn cut_off(text: &str) -> Body {
    let half = Bytes::copy_from_slice(&text.as_bytes()[..text.len() / 2]);
    let broken = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
    Body::from_stream(futures::stream::iter([Ok(half), Err(broken)]))
}

fn answer(state: &mut State, question: Question) -> Reply {
    let etag = question.headers.get("if-none-match").and_then(|etag| etag.to_str().ok()).map(str::to_owned);
    let is_get = question.method == "GET";
    let mut reply = route(state, question).unwrap_or_else(|refused| refused);
    if is_get && reply.status == 200 {
        let now = format!("W/\"{}\"", pipeline::ids::hash_of(&[&reply.body.to_string()]));
        if etag.as_ref() == Some(&now) {
            reply = Reply { operation: reply.operation, status: 304, headers: reply.headers, body: Value::Null };
        }
        reply.headers.push(("etag", now));
    }
    reply
}

fn route(state: &mut State, mut question: Question) -> Answer {
    if web::is_page(&question.path) {
        return web::answer(state, &question);
    }
    let agent = question.headers.get("user-agent").and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    if !agent.starts_with("suture/") {
        return Err(refused(403, "Request forbidden by administrative rules."));
    }
    if let [api, version, manifests, code, conversions] = &question.path[..]
        && (question.method.as_str(), manifests.as_str(), conversions.as_str())
            == ("POST", "app-manifests", "conversions")
        && (api.as_str(), version.as_str()) == ("api", "v3")
    {
        assert!(!question.headers.contains_key("authorization"), "who has a code need not sign");
        return app::convert(state, code);
    }
    let caller = caller(state, &question)?;
    if question.path == ["api", "graphql"] {
        return graphql::answer(state, &caller, &question);
    }
    if question.path.get(..2).is_none_or(|base| base != ["api", "v3"]) {
        return Err(not_found());
    }
    question.path.drain(..2);
    let accept = question.headers.get("accept").and_then(|accept| accept.to_str().ok());
    assert_eq!(
        (accept, question.headers.contains_key("x-github-api-version")),
        (Some("application/vnd.github+json"), true)
    );
    let id = match question.path.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["repos", owner, name, ..] => {
            let full_name = format!("{owner}/{name}").to_lowercase();
            if let Some(id) = state.renamed.get(&full_name) {
                let mut reply = refused(if question.method == "GET" { 301 } else { 307 }, "Moved Permanently");
                let below = question.path[3..].iter().map(|part| format!("/{part}")).collect::<String>();
                let query =
                    question.query.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join("&");
                reply
                    .headers
                    .push(("location", format!("http://{}/api/v3/repositories/{id}{below}?{query}", state.address)));
                return Err(reply);
            }
            question.path.drain(..3);
            state.repos.values().find(|repo| repo.full_name.to_lowercase() == full_name).map(|repo| repo.id)
        }
        ["repositories", id, ..] => {
            let id = id.parse().unwrap();
            question.path.drain(..2);
            state.repos.contains_key(&id).then_some(id)
        }
        _ => return app::answer(state, &caller, &question),
    };
    let id = id.ok_or_else(not_found)?;
    if question.path == ["installation"] {
        return app::installation_of(state, &caller, id);
    }
    caller.may_see(state, id)?;
    if state.repos[&id].is_archived && question.method != "GET" {
        return Err(refused(403, "Repository was archived so is read-only."));
    }
    in_repository(state, &caller, id, &question)
}

fn in_repository(state: &mut State, caller: &Caller, id: u64, question: &Question) -> Answer {
    let rooms = [objects::answer, pulls::answer, issues::answer, checks::answer, alerts::answer, hooks::answer];
    for room in rooms {
        if let Some(answer) = room(state, caller, id, question) {
            return answer;
        }
    }
    panic!("the simulation does not know {} {:?}", question.method, question.path)
}

fn pairs(text: &str) -> BTreeMap<String, String> {
    let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(key, value)| (key.to_owned(), decoded(value))).collect()
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        match (first, after) {
            (b'%', [high, low, after @ ..]) => {
                let digits = [*high, *low];
                bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap());
                rest = after;
            }
            _ => bytes.push(*first),
        }
    }
    String::from_utf8(bytes).unwrap()
}
