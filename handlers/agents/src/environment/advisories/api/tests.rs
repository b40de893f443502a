use super::super::AdvisorySource;
use super::*;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect};
use axum::routing::{get, post};
use axum::{Json, Router};
use pipeline::version::Ecosystem;
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use url::Url;

/// A simulated OSV: advisories by package name, and faults.
#[derive(Default)]
struct Osv {
    /// Package, id.
    matches: Vec<(&'static str, &'static str)>,
    /// Ids for each page of a result.
    page_hits: usize,
    /// What goes wrong with the next requests, in order: the path it begins with, and the fault.
    faults: Mutex<Vec<(&'static str, Fault)>>,
    /// Paths asked for.
    asked: Mutex<Vec<String>>,
}

#[derive(Clone, Copy)]
enum Fault {
    Status(u16),
    RetryAfter(&'static str),
    Slow,
    Truncated,
    Huge,
    Redirect,
    SamePage,
    Record(&'static str),
}

type Shared = State<Arc<Osv>>;

impl Osv {
    async fn fault(&self, path: String) -> Option<axum::response::Response> {
        let fault = {
            let mut faults = self.faults.lock().expect("the faults");
            let at = faults.iter().position(|(prefix, _)| path.starts_with(prefix));
            self.asked.lock().expect("the paths").push(path);
            faults.remove(at?).1
        };
        let status = |status: u16| StatusCode::from_u16(status).expect("a status");
        match fault {
            Fault::Status(code) => Some(status(code).into_response()),
            Fault::RetryAfter(seconds) => Some((status(429), [("retry-after", seconds)]).into_response()),
            Fault::Slow => {
                tokio::time::sleep(Duration::from_secs(30)).await;
                None
            }
            Fault::Truncated => Some(r#"{"results":[{"vulns":[{"id":"#.into_response()),
            Fault::Record(record) => Some(record.into_response()),
            Fault::Huge => Some(" ".repeat(RECORD_BYTES_MAX + 1).into_response()),
            Fault::Redirect => Some(Redirect::temporary("http://elsewhere.example/").into_response()),
            Fault::SamePage => Some(Json(json!({"results":[{"next_page_token":"same"}]})).into_response()),
        }
    }
}

async fn query(State(osv): Shared, Json(body): Json<Value>) -> axum::response::Response {
    if let Some(fault) = osv.fault("query".to_owned()).await {
        return fault;
    }
    let queries = body["queries"].as_array().expect("queries");
    if queries.len() > 1000 {
        return StatusCode::BAD_REQUEST.into_response();
    }
    let result = |query: &Value| {
        let page: usize = query["page_token"].as_str().map_or(0, |page| page.parse().expect("a page"));
        let name = query["package"]["name"].as_str().expect("a name");
        let ids: Vec<_> = osv.matches.iter().filter(|(package, _)| *package == name).map(|(_, id)| id).collect();
        let size = osv.page_hits.max(1);
        let vulns: Vec<_> = ids
            .iter()
            .skip(page * size)
            .take(size)
            .map(|id| json!({"id": id, "modified": "2024-01-01T00:00:00Z"}))
            .collect();
        match (vulns.is_empty(), (page + 1) * size < ids.len()) {
            (true, _) if name == "null" => Value::Null,
            (true, _) if name == "null-vulns" => json!({"vulns": null}),
            (true, _) => json!({}),
            (false, true) => json!({"vulns": vulns, "next_page_token": (page + 1).to_string()}),
            (false, false) => json!({"vulns": vulns}),
        }
    };
    Json(json!({"results": queries.iter().map(result).collect::<Vec<_>>()})).into_response()
}

async fn detail(State(osv): Shared, Path(id): Path<String>, _headers: HeaderMap) -> axum::response::Response {
    if let Some(fault) = osv.fault(format!("vulns/{id}")).await {
        return fault;
    }
    let packages = osv.matches.iter().filter(|(_, known)| *known == id);
    let affected: Vec<_> = packages.map(|(name, _)| json!({"package": {"ecosystem": "npm", "name": name}, "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "2.0.0"}]}]})).collect();
    Json(json!({"id": id, "modified": "2024-01-01T00:00:00Z", "aliases": ["CVE-1"], "affected": affected}))
        .into_response()
}

async fn served(osv: &Arc<Osv>) -> Url {
    let router =
        Router::new().route("/v1/querybatch", post(query)).route("/v1/vulns/{id}", get(detail)).with_state(osv.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}/").parse().expect("an address")
}

struct Asked {
    osv: Arc<Osv>,
    answer: AdvisoryAnswer,
}

impl Asked {
    /// Ids on each package, or why not.
    fn of(&self, name: &str) -> Result<Vec<String>, String> {
        let ids = |advisories: &[pipeline::advisory::Advisory]| {
            advisories.iter().map(|advisory| advisory.id.clone()).collect()
        };
        self.answer.of(Ecosystem::Npm, name).map(ids).map_err(str::to_owned)
    }

    fn paths(&self, prefix: &str) -> usize {
        self.osv.asked.lock().expect("the paths").iter().filter(|path| path.starts_with(prefix)).count()
    }
}

const MATCHES: [(&str, &str); 4] = [("a", "G-1"), ("a", "G-2"), ("a", "P-1"), ("b", "G-1")];

async fn ask(
    faults: &[(&'static str, Fault)],
    page_hits: usize,
    packages: &[&str],
    cache: Option<&std::path::Path>,
) -> Asked {
    let faults = Mutex::new(faults.to_vec());
    let osv = Arc::new(Osv { matches: MATCHES.to_vec(), page_hits, faults, ..Osv::default() });
    let settings = ApiSettings {
        request_s: 1,
        wait_s_max: 1,
        cache: cache.map(Into::into),
        ..ApiSettings::of(served(&osv).await)
    };
    let source = AdvisorySource::Api(OsvApi::new(settings).expect("a client"));
    let packages: Vec<_> = packages.iter().map(|name| (Ecosystem::Npm, *name, "1.0.0")).collect();
    let answer = source.advisories_of(&packages, "2026-01-01T00:00:00Z".parse().expect("a time")).await;
    Asked { osv, answer }
}

fn ids(ids: &[&str]) -> Result<Vec<String>, String> {
    Ok(ids.iter().map(ToString::to_string).collect())
}

#[tokio::test]
async fn what_matches_is_found_and_what_does_not_is_known_not_to() {
    let asked = ask(&[], 10, &["a", "b", "c", "a", "null", "null-vulns"], None).await;
    assert_eq!((asked.of("null"), asked.of("null-vulns")), (ids(&[]), ids(&[])));
    assert_eq!((asked.of("a"), asked.of("b"), asked.of("c")), (ids(&["G-1", "G-2", "P-1"]), ids(&["G-1"]), ids(&[])));
    assert_eq!((asked.answer.complete, &asked.answer.notes), (true, &Vec::new()));
    assert_eq!((asked.paths("query"), asked.paths("vulns")), (1, 3), "each advisory is read once");
    assert_eq!(asked.answer.known(Ecosystem::Npm, "b")[0].aliases, ["CVE-1", "G-2", "P-1"], "aliases are closed");
}

#[tokio::test]
async fn results_are_read_page_by_page() {
    let asked = ask(&[], 1, &["a", "b"], None).await;
    assert_eq!((asked.of("a"), asked.of("b")), (ids(&["G-1", "G-2", "P-1"]), ids(&["G-1"])));
    assert_eq!(asked.paths("query"), 3);
}

#[tokio::test]
async fn more_than_a_thousand_packages_are_asked_in_batches() {
    let names: Vec<String> = (0..2500).map(|at| format!("p{at}")).chain(["a".to_owned()]).collect();
    let asked = ask(&[], 10, &names.iter().map(String::as_str).collect::<Vec<_>>(), None).await;
    assert_eq!((asked.of("a"), asked.of("p2499")), (ids(&["G-1", "G-2", "P-1"]), ids(&[])));
    assert_eq!(asked.paths("query"), 3);
}

#[tokio::test]
async fn details_come_from_the_cache_the_second_time() {
    let folder = tempfile::tempdir().expect("a folder");
    let cache = folder.path().join("osv");
    let first = ask(&[], 10, &["a"], Some(&cache)).await;
    assert_eq!((first.paths("vulns"), std::fs::read_dir(&cache).expect("the cache").count()), (3, 3));
    let second = ask(&[("vulns", Fault::Status(500))], 10, &["a"], Some(&cache)).await;
    assert_eq!((second.paths("vulns"), second.of("a")), (0, first.of("a")));
    for entry in std::fs::read_dir(&cache).expect("the cache") {
        std::fs::write(entry.expect("an entry").path(), "{").expect("damaged");
    }
    let third = ask(&[], 10, &["a"], Some(&cache)).await;
    assert_eq!((third.paths("vulns"), third.of("a")), (3, first.of("a")));
}

#[tokio::test]
async fn a_fault_that_passes_is_waited_for() {
    for fault in [Fault::Status(503), Fault::Status(500), Fault::RetryAfter("0"), Fault::RetryAfter("1")] {
        let asked = ask(&[("query", fault)], 10, &["b"], None).await;
        assert_eq!((asked.of("b"), asked.answer.complete), (ids(&["G-1"]), true));
    }
}

#[tokio::test]
async fn what_could_not_be_asked_is_said_with_the_reason() {
    let three = |fault| [("query", fault); 3];
    let same_page = [("query", Fault::SamePage); 2];
    let rows: [(&[(&'static str, Fault)], &str); 8] = [
        (&three(Fault::Status(500)), "it answered 500"),
        (&three(Fault::RetryAfter("0")), "it answered 429"),
        (&[("query", Fault::Status(400))], "it answered 400"),
        (&[("query", Fault::RetryAfter("3600"))], "left alone for 3600 s"),
        (&[("query", Fault::Slow)], "no answer within 1 s"),
        (&[("query", Fault::Truncated)], "can't be read"),
        (&[("query", Fault::Redirect)], "it answered 307"),
        (&same_page, "leads to itself"),
    ];
    for (faults, expect) in rows {
        let asked = ask(faults, 10, &["c"], None).await;
        let reason = asked.of("c").expect_err(expect);
        assert!(reason.contains(expect) && reason.contains("could not be asked"), "{reason}");
        assert!(!asked.answer.complete && asked.answer.notes[0].contains(expect), "{:?}", asked.answer.notes);
    }
}

#[tokio::test]
async fn a_failure_concerns_only_the_packages_of_it() {
    for fault in [Fault::Status(404), Fault::Truncated, Fault::Huge, Fault::Slow] {
        let asked = ask(&[("vulns/G-2", fault)], 10, &["a", "b"], None).await;
        assert_eq!(asked.of("b"), ids(&["G-1"]));
        assert!(asked.of("a").expect_err("G-2 is missing").contains("G-2 of the OSV API could not be asked"));
        assert_eq!(asked.answer.known(Ecosystem::Npm, "a").len(), 2, "what is known stays known");
        assert!(!asked.answer.complete);
    }
}

#[tokio::test]
async fn a_match_whose_record_does_not_speak_of_the_package_is_said() {
    let other = r#"{"id":"G-1","affected":[{"package":{"ecosystem":"npm","name":"other"}},{"package":{"name":"b"}}]}"#;
    let asked = ask(&[("vulns/G-1", Fault::Record(other))], 10, &["b"], None).await;
    assert_eq!(asked.of("b"), Err("G-1 of the OSV API says nothing of it that can be read".to_owned()));
    let withdrawn = r#"{"id":"G-1","withdrawn":"2024-01-01T00:00:00Z"}"#;
    let asked = ask(&[("vulns/G-1", Fault::Record(withdrawn))], 10, &["b"], None).await;
    assert_eq!((asked.of("b"), asked.answer.complete), (ids(&[]), true));
    let another = r#"{"id":"G-9"}"#;
    let asked = ask(&[("vulns/G-1", Fault::Record(another))], 10, &["b"], None).await;
    assert!(asked.of("b").expect_err("another record").contains("it is about G-9"));
}

#[tokio::test]
async fn a_server_that_is_not_there_is_no_answer() {
    let settings = ApiSettings::of("http://127.0.0.1:9/".parse().expect("an address"));
    let source = AdvisorySource::Api(OsvApi::new(settings).expect("a client"));
    let packages = [(Ecosystem::Npm, "a", "1.0.0"), (Ecosystem::Npm, "b", "1.0.0")];
    let answer = source.advisories_of(&packages, "2026-01-01T00:00:00Z".parse().expect("a time")).await;
    assert!(answer.of(Ecosystem::Npm, "a").expect_err("no server").contains("no connection"));
    assert!(
        answer.notes[0].starts_with("2 packages (npm a, …): the OSV API could not be asked: no connection"),
        "{:?}",
        answer.notes
    );
}

#[tokio::test]
async fn an_id_is_never_a_path() {
    let hit = Hit { id: "../../x".to_owned(), modified: "2024-01-01T00:00:00Z".to_owned() };
    assert!(cached_name(&hit).bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.'));
}
