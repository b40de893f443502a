use super::*;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path as Asked, State};
use axum::http::HeaderMap;
use axum::response::IntoResponse;
use axum::routing::get;
use futures::stream;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// What a simulated server answers.
#[derive(Clone)]
enum Answer {
    Status(u16),
    /// A body with its ETag.
    Body(&'static str, Vec<u8>),
    /// A body that breaks off.
    CutOff(Vec<u8>),
    /// A body whose length nobody announces.
    Unannounced(Vec<u8>),
    /// Another place on the same server.
    Redirect(&'static str),
}

#[derive(Default)]
struct Served {
    answers: BTreeMap<String, Answer>,
    /// Paths asked for, each with the ETag that was sent.
    asked: Vec<(String, Option<String>)>,
}

/// A server of what an index is built of, and a folder for it.
struct Bench {
    served: Arc<Mutex<Served>>,
    settings: SyncSettings,
    folder: tempfile::TempDir,
}

const KEV: &[u8] = br#"{"dateReleased":"2026-11-20T00:00:00Z","vulnerabilities":[]}"#;
const EPSS: &[u8] = b"#score_date:2026-11-26\ncve,epss,percentile\nCVE-2020-0001,0.5,0.9\n";

async fn answer(
    State(served): State<Arc<Mutex<Served>>>,
    Asked(path): Asked<String>,
    headers: HeaderMap,
) -> axum::response::Response {
    let if_none_match = headers.get("if-none-match").map(|etag| etag.to_str().expect("text").to_owned());
    let mut served = served.lock().expect("the server");
    served.asked.push((path.clone(), if_none_match.clone()));
    let status = |status: u16| StatusCode::from_u16(status).expect("a status");
    match served.answers.get(&path).cloned() {
        None => StatusCode::NOT_FOUND.into_response(),
        Some(Answer::Status(code)) => status(code).into_response(),
        Some(Answer::Body(etag, _)) if if_none_match.as_deref() == Some(etag) => {
            StatusCode::NOT_MODIFIED.into_response()
        }
        Some(Answer::Body(etag, body)) => ([("etag", etag)], body).into_response(),
        Some(Answer::CutOff(body)) => {
            let broken = [Ok(Bytes::from(body)), Err(io::Error::other("cut off"))];
            Body::from_stream(stream::iter(broken)).into_response()
        }
        Some(Answer::Unannounced(body)) => {
            Body::from_stream(stream::iter([Ok::<_, io::Error>(Bytes::from(body))])).into_response()
        }
        Some(Answer::Redirect(to)) => axum::response::Redirect::temporary(to).into_response(),
    }
}

impl Bench {
    async fn start() -> Self {
        let served = Arc::new(Mutex::new(Served::default()));
        let app = Router::new().route("/{*path}", get(answer)).with_state(Arc::clone(&served));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let base = format!("http://{}", listener.local_addr().expect("an address"));
        tokio::spawn(async move { axum::serve(listener, app).await.expect("served") });
        let url = |path: &str| format!("{base}/{path}").parse().expect("an address");
        let settings = SyncSettings {
            archive_bytes_max: 10_000,
            ..SyncSettings::of(url("osv/"), url("kev.json"), url("epss.csv.gz"))
        };
        Self { served, settings, folder: tempfile::tempdir().expect("a folder") }
    }

    fn serve(&self, path: &str, answer: Answer) {
        self.served.lock().expect("the server").answers.insert(path.to_owned(), answer);
    }

    /// ETags that were sent with the questions for `path`.
    fn sent(&self, path: &str) -> Vec<Option<String>> {
        let served = self.served.lock().expect("the server");
        served.asked.iter().filter(|(asked, _)| asked == path).map(|(_, etag)| etag.clone()).collect()
    }

    /// Fetches the file that is called `name` in the folder.
    async fn fetch(&self, name: &str) -> Result<Fetched, String> {
        let sources = self.settings.sources(&[Ecosystem::Npm, Ecosystem::RedHat]);
        let source = sources.iter().find(|source| source.name == name).expect(name);
        let folder = Folder::open(self.folder.path()).expect("a folder");
        folder.fetch(source, &self.settings, &mut |_| {}).await.map_err(|error| error.to_string())
    }

    fn file(&self, name: &str) -> Option<Vec<u8>> {
        fs::read(self.folder.path().join(name)).ok()
    }

    /// Names of all files in the folder, but for the lock.
    fn files(&self) -> Vec<String> {
        let mut names = Vec::new();
        let mut folders = vec![self.folder.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let name = path.strip_prefix(self.folder.path()).expect("within");
                    names.push(name.to_string_lossy().into_owned());
                }
            }
        }
        names.retain(|name| name != LOCK_FILE);
        names.sort();
        names
    }
}

fn archive(record: &str) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(io::Cursor::new(Vec::new()));
    zip.start_file("A-1.json", zip::write::SimpleFileOptions::default()).expect("an entry");
    zip.write_all(record.as_bytes()).expect("written");
    zip.finish().expect("an archive").into_inner()
}

#[tokio::test]
async fn file_is_fetched_once_and_again_when_it_changes() {
    let bench = Bench::start().await;
    let (first, second) = (archive("first"), archive("second"));
    bench.serve("osv/npm/all.zip", Answer::Body("\"1\"", first.clone()));
    assert_eq!(bench.fetch("npm/all.zip").await, Ok(Fetched::New { bytes: first.len() as u64 }));
    assert_eq!(bench.fetch("npm/all.zip").await, Ok(Fetched::Unchanged));
    assert_eq!(bench.file("npm/all.zip"), Some(first));
    bench.serve("osv/npm/all.zip", Answer::Body("\"2\"", second.clone()));
    assert_eq!(bench.fetch("npm/all.zip").await, Ok(Fetched::New { bytes: second.len() as u64 }));
    assert_eq!(bench.fetch("npm/all.zip").await, Ok(Fetched::Unchanged));
    assert_eq!(bench.file("npm/all.zip"), Some(second));
    let etags = [None, Some("\"1\"".to_owned()), Some("\"1\"".to_owned()), Some("\"2\"".to_owned())];
    assert_eq!(bench.sent("osv/npm/all.zip"), etags);
    assert_eq!(bench.files(), ["npm/all.zip", "npm/all.zip.etag"]);
}

#[tokio::test]
async fn all_kinds_of_files_are_fetched_from_their_own_addresses() {
    let bench = Bench::start().await;
    bench.serve("osv/Red Hat/all.zip", Answer::Body("\"1\"", archive("record")));
    bench.serve("kev.json", Answer::Body("\"1\"", KEV.to_vec()));
    bench.serve("epss.csv.gz", Answer::Redirect("/epss-2026-11-26.csv.gz"));
    bench.serve("epss-2026-11-26.csv.gz", Answer::Unannounced(EPSS.to_vec()));
    for name in ["Red Hat/all.zip", KEV_FILE, EPSS_FILE] {
        assert!(matches!(bench.fetch(name).await, Ok(Fetched::New { .. })), "{name}");
    }
    assert_eq!(bench.file(EPSS_FILE), Some(EPSS.to_vec()));
    // Without an ETag it is fetched anew.
    assert!(matches!(bench.fetch(EPSS_FILE).await, Ok(Fetched::New { .. })));
    assert_eq!(bench.sent("epss.csv.gz"), [None, None]);
}

#[tokio::test]
async fn whatever_goes_wrong_what_was_there_stays() {
    let bench = Bench::start().await;
    let good = archive("good");
    bench.serve("osv/npm/all.zip", Answer::Body("\"1\"", good.clone()));
    bench.serve("kev.json", Answer::Body("\"1\"", KEV.to_vec()));
    bench.serve("epss.csv.gz", Answer::Body("\"1\"", EPSS.to_vec()));
    for name in ["npm/all.zip", KEV_FILE, EPSS_FILE] {
        bench.fetch(name).await.expect(name);
    }
    let before = bench.files();
    let other = archive("other, and longer");
    let faults = [
        ("npm/all.zip", Answer::Status(404), "it answered 404"),
        ("npm/all.zip", Answer::Status(500), "it answered 500"),
        ("npm/all.zip", Answer::CutOff(other[..20].to_vec()), "no connection: "),
        ("npm/all.zip", Answer::Body("\"2\"", other[..other.len() - 5].to_vec()), "not a readable archive"),
        ("npm/all.zip", Answer::Body("\"2\"", vec![b'x'; 10_001]), "its answer has more than 10000 bytes"),
        ("npm/all.zip", Answer::Unannounced(vec![b'x'; 10_001]), "its answer has more than 10000 bytes"),
        ("npm/all.zip", Answer::Redirect("http://elsewhere.example/all.zip"), "it answered 307"),
        (KEV_FILE, Answer::Body("\"2\"", b"<html>".to_vec()), "its answer can't be read: line 1: "),
        (EPSS_FILE, Answer::Body("\"2\"", EPSS[..EPSS.len() - 2].to_vec()), "its answer can't be read: line 3: "),
    ];
    for (name, fault, expect) in faults {
        let path = match name {
            KEV_FILE => "kev.json",
            EPSS_FILE => "epss.csv.gz",
            _ => "osv/npm/all.zip",
        };
        bench.serve(path, fault);
        let error = bench.fetch(name).await.expect_err(expect);
        assert!(error.contains(expect), "{error} instead of {expect}");
        assert_eq!(bench.file("npm/all.zip"), Some(good.clone()), "{expect}");
        assert_eq!((bench.file(KEV_FILE), bench.file(EPSS_FILE)), (Some(KEV.to_vec()), Some(EPSS.to_vec())));
        assert_eq!(bench.files(), before, "{expect}: nothing else is left");
    }
    bench.serve("osv/npm/all.zip", Answer::Body("\"1\"", good));
    assert_eq!(bench.fetch("npm/all.zip").await, Ok(Fetched::Unchanged), "its mark is still there");
}

#[tokio::test]
async fn mark_of_another_file_or_another_server_is_not_sent() {
    let mut bench = Bench::start().await;
    bench.serve("kev.json", Answer::Body("\"1\"", KEV.to_vec()));
    bench.fetch(KEV_FILE).await.expect("fetched");
    let path = bench.folder.path().join(KEV_FILE);
    for change in [&|path: &Path| fs::remove_file(path), &|path: &Path| fs::write(path, "{}")]
        as [&dyn Fn(&Path) -> io::Result<()>; 2]
    {
        change(&path).expect("changed");
        assert!(matches!(bench.fetch(KEV_FILE).await, Ok(Fetched::New { .. })));
        assert_eq!(bench.file(KEV_FILE), Some(KEV.to_vec()));
    }
    bench.serve("mirror.json", Answer::Body("\"1\"", KEV.to_vec()));
    bench.settings.kev = bench.settings.kev.join("mirror.json").expect("an address");
    assert!(matches!(bench.fetch(KEV_FILE).await, Ok(Fetched::New { .. })));
    assert_eq!((bench.sent("kev.json"), bench.sent("mirror.json")), (vec![None; 3], vec![None]));
}

#[tokio::test]
async fn answer_that_nothing_changed_to_who_has_nothing_is_a_failure() {
    let bench = Bench::start().await;
    bench.serve("kev.json", Answer::Status(304));
    assert_eq!(bench.fetch(KEV_FILE).await, Err("it answered 304".to_owned()));
    assert_eq!(bench.files(), [""; 0]);
}

#[tokio::test]
async fn what_a_killed_process_left_is_written_over() {
    let bench = Bench::start().await;
    fs::write(bench.folder.path().join(format!("{KEV_FILE}.part")), vec![b'x'; 5000]).expect("written");
    bench.serve("kev.json", Answer::Body("\"1\"", KEV.to_vec()));
    bench.fetch(KEV_FILE).await.expect("fetched");
    assert_eq!(bench.file(KEV_FILE), Some(KEV.to_vec()));
    assert_eq!(bench.files(), [KEV_FILE.to_owned(), format!("{KEV_FILE}.etag")]);
}

#[test]
fn two_processes_do_not_fetch_into_one_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = Folder::open(folder.path()).expect("a folder");
    assert!(matches!(Folder::open(folder.path()), Err(SyncError::AtWork(path)) if path == folder.path()));
    drop(first);
    Folder::open(folder.path()).expect("free again");
}
