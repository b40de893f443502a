//! The client against a simulated registry, with the faults that real ones have.

use super::*;
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, ETAG, IF_NONE_MATCH, LOCATION, RETRY_AFTER};
use axum::response::Response;
use futures::StreamExt;
use sha2::{Digest, Sha256};
use std::sync::Mutex;
use std::time::Duration;

type Answers = Arc<dyn Fn(&Request) -> Response + Send + Sync>;
type Log = Arc<Mutex<Vec<String>>>;

/// A registry on loopback that answers by `answer`; its address, and the requests it got (`PATH authorization etag`).
async fn registry(answer: impl Fn(&Request) -> Response + Send + Sync + 'static) -> (String, Log) {
    let log = Log::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/npm/", listener.local_addr().unwrap());
    async fn handle(State((answer, log)): State<(Answers, Log)>, request: Request) -> Response {
        let header = |name| {
            request.headers().get(name).and_then(|value: &axum::http::HeaderValue| value.to_str().ok()).unwrap_or("-")
        };
        log.lock().unwrap().push(format!("{} {} {}", request.uri(), header(AUTHORIZATION), header(IF_NONE_MATCH)));
        answer(&request)
    }
    let answer: Answers = Arc::new(answer);
    let router = Router::new().fallback(handle).with_state((answer, log.clone()));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (address, log)
}

fn reply(status: u16, body: impl Into<Body>) -> Response {
    Response::builder().status(status).header(CONTENT_TYPE, "application/json").body(body.into()).unwrap()
}

fn with(mut response: Response, name: axum::http::HeaderName, value: &str) -> Response {
    response.headers_mut().insert(name, value.parse().unwrap());
    response
}

const DOCUMENT: &str = r#"{"versions":{"1.0.0":{"name":"a","dist":{"tarball":"https://registry.example/a/-/a-1.0.0.tgz"}}},"time":{"1.0.0":"2020-01-01T00:00:00Z"}}"#;

fn quick() -> Limits {
    Limits { request_timeout_s: 2, connect_timeout_s: 2, ..Limits::default() }
}

fn client(registry: &str, npmrc: &str, folder: Option<PathBuf>) -> Registries {
    let settings = RegistrySettings {
        npm_registry: Some(registry.to_owned()),
        pip_index_url: Some(registry.to_owned()),
        ..Default::default()
    };
    let files = UserFiles { npmrc: vec![("~/.npmrc".to_owned(), npmrc.to_owned().into())], ..Default::default() };
    Registries::new(Configuration::of(&settings, &files), folder, quick())
}

async fn npm(registries: &Registries, name: &str) -> Result<PackageFacts, Unavailable> {
    Ok(registries.facts(Ecosystem::Npm, name, &[], &ProjectAddresses::default()).await?.facts)
}

/// What the client makes of one answer to any question.
async fn check(answer: impl Fn(&Request) -> Response + Send + Sync + 'static) -> Result<PackageFacts, Unavailable> {
    let (address, _) = registry(answer).await;
    npm(&client(&address, "", None), "a").await
}

#[tokio::test]
async fn a_package_is_read_and_asked_for_once() {
    let (address, log) = registry(|_| reply(200, DOCUMENT)).await;
    let registries = client(&address, "", None);
    let (one, two) = tokio::join!(npm(&registries, "@s/a"), npm(&registries, "@s/a"));
    assert_eq!(one.unwrap().releases[0].version, "1.0.0");
    assert_eq!(two.unwrap().releases.len(), 1);
    assert_eq!(*log.lock().unwrap(), ["/npm/@s%2fa - -"]);
}

#[tokio::test]
async fn faults_are_told_apart() {
    use Unavailable as U;
    assert!(matches!(check(|_| reply(404, "{}")).await, Err(U::NoSuchPackage { .. })));
    assert!(matches!(check(|_| reply(401, "")).await, Err(U::Denied { status: 401, .. })));
    assert!(matches!(check(|_| reply(403, "")).await, Err(U::Denied { status: 403, .. })));
    assert!(matches!(check(|_| reply(500, "")).await, Err(U::TryLater { retry_after_s: None, .. })));
    assert!(matches!(
        check(|_| with(reply(429, ""), RETRY_AFTER, "17")).await,
        Err(U::TryLater { retry_after_s: Some(17), .. })
    ));
    let dated = |_: &Request| {
        with(
            with(reply(503, ""), RETRY_AFTER, "Wed, 21 Oct 2015 07:29:00 GMT"),
            axum::http::header::DATE,
            "Wed, 21 Oct 2015 07:28:00 GMT",
        )
    };
    assert!(matches!(check(dated).await, Err(U::TryLater { retry_after_s: Some(60), .. })));
    assert!(matches!(check(|_| reply(418, "")).await, Err(U::Unusable { .. })));
    assert!(matches!(check(|_| reply(304, "")).await, Err(U::Unusable { .. })));
    assert!(matches!(check(|_| reply(200, "<html>a login page</html>")).await, Err(U::Unusable { .. })));
    assert!(matches!(check(|_| reply(200, &DOCUMENT[..DOCUMENT.len() - 1])).await, Err(U::Unusable { .. })));
    assert!(matches!(npm(&client("http://127.0.0.1:1/", "", None), "a").await, Err(U::Unreachable { .. })));
    assert!(matches!(npm(&client("http://127.0.0.1:1/", "", None), "..").await, Err(U::Refused { .. })));
}

#[tokio::test]
async fn an_answer_that_breaks_off_or_never_ends_is_tried_later() {
    let broken = |_: &Request| {
        let pieces = [Ok(DOCUMENT[..40].to_owned()), Err(std::io::Error::other("gone"))];
        reply(200, Body::from_stream(futures::stream::iter(pieces)))
    };
    assert!(matches!(check(broken).await, Err(Unavailable::TryLater { .. })));
    let stuck = |_: &Request| {
        let piece = futures::stream::iter([Ok::<_, std::io::Error>(DOCUMENT[..40].to_owned())]);
        reply(200, Body::from_stream(piece.chain(futures::stream::pending())))
    };
    assert!(matches!(check(stuck).await, Err(Unavailable::TryLater { .. })));
}

#[tokio::test]
async fn an_answer_over_the_limit_is_left_when_it_is_reached() {
    let endless = |_: &Request| {
        let pieces = futures::stream::iter(std::iter::repeat_with(|| Ok::<_, std::io::Error>(" ".repeat(1 << 16))));
        reply(200, Body::from_stream(pieces))
    };
    let (address, _) = registry(endless).await;
    let settings = RegistrySettings { npm_registry: Some(address), ..Default::default() };
    let limits = Limits { document_bytes_max: 1 << 20, ..quick() };
    let registries = Registries::new(Configuration::of(&settings, &UserFiles::default()), None, limits);
    let reason = npm(&registries, "a").await.unwrap_err().to_string();
    assert!(reason.contains("over 1048576 bytes"), "{reason}");
}

#[tokio::test]
async fn what_is_kept_is_asked_only_whether_it_holds() {
    let (address, log) = registry(|request| {
        let is_known = request.headers().get(IF_NONE_MATCH).is_some_and(|etag| etag == "\"v1\"");
        if is_known { reply(304, "") } else { with(reply(200, DOCUMENT), ETAG, "\"v1\"") }
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let first = npm(&client(&address, "", Some(folder.path().to_owned())), "a").await.unwrap();
    let second = npm(&client(&address, "", Some(folder.path().to_owned())), "a").await.unwrap();
    assert_eq!(first, second);
    for file in std::fs::read_dir(folder.path()).unwrap() {
        std::fs::write(file.unwrap().path(), "damaged").unwrap();
    }
    let third = npm(&client(&address, "", Some(folder.path().to_owned())), "a").await.unwrap();
    assert_eq!(first, third);
    assert_eq!(*log.lock().unwrap(), ["/npm/a - -", "/npm/a - \"v1\"", "/npm/a - -"]);
}

#[tokio::test]
async fn credentials_reach_their_own_registry_and_do_not_follow_a_redirect() {
    let (other, other_log) = registry(|_| reply(200, DOCUMENT)).await;
    let target = format!("{other}a");
    let (address, log) = registry(move |request| {
        let is_first = !request.uri().path().ends_with("/moved");
        with(reply(302, ""), LOCATION, if is_first { "/npm/moved" } else { &target })
    })
    .await;
    let bound = address.trim_start_matches("http:");
    // The other registry is known too, and has a credential: not even that is sent where a redirect leads.
    let other_bound = other.trim_start_matches("http:");
    let npmrc = format!("{bound}:_authToken=t0k\n@x:registry={other}\n{other_bound}:_authToken=0ther");
    npm(&client(&address, &npmrc, None), "a").await.unwrap();
    assert_eq!(*log.lock().unwrap(), ["/npm/a Bearer t0k -", "/npm/moved Bearer t0k -"]);
    assert_eq!(*other_log.lock().unwrap(), ["/npm/a - -"]);
}

#[tokio::test]
async fn a_redirect_to_a_private_address_is_not_followed() {
    let (other, other_log) = registry(|_| reply(200, DOCUMENT)).await;
    let answered = check(move |_| with(reply(302, ""), LOCATION, &other)).await;
    assert!(matches!(answered, Err(Unavailable::Refused { .. })), "{answered:?}");
    assert!(other_log.lock().unwrap().is_empty());
    let endless = check(|_| with(reply(302, ""), LOCATION, "/again")).await;
    assert!(matches!(endless, Err(Unavailable::Unusable { .. })), "{endless:?}");
}

#[tokio::test]
async fn a_lockfile_cannot_send_us_to_a_private_address() {
    let (address, log) = registry(|_| reply(200, DOCUMENT)).await;
    let archive = format!("{address}a/-/a-1.0.0.tgz");
    let project = ProjectAddresses::of_archives([("a", archive.as_str())], None, vec![address.clone()]);
    let registries = Registries::new(Configuration::default(), None, quick());
    for ecosystem in [Ecosystem::Npm, Ecosystem::PyPI] {
        let answered = registries.facts(ecosystem, "a", &[], &project).await;
        assert!(matches!(answered, Err(Unavailable::Refused { .. })), "{answered:?}");
    }
    assert!(log.lock().unwrap().is_empty());
}

#[tokio::test]
async fn denied_says_which_setting_to_look_at() {
    let (address, _) = registry(|_| reply(401, "")).await;
    let bound = address.trim_start_matches("http:");
    let sent = npm(&client(&address, &format!("{bound}:_authToken=t0k"), None), "a").await.unwrap_err().to_string();
    assert!(sent.contains("~/.npmrc") && sent.contains("_authToken") && !sent.contains("t0k"), "{sent}");
    let none = npm(&client(&address, "", None), "a").await.unwrap_err().to_string();
    assert!(none.contains("wants a credential"), "{none}");
}

#[tokio::test]
async fn archives_are_written_in_the_name_of_the_lockfile_s_registry() {
    let (address, _) = registry(|request| {
        let host = request.headers()["host"].to_str().unwrap();
        reply(
            200,
            format!(r#"{{"versions":{{"1.0.0":{{"dist":{{"tarball":"http://{host}/npm/a/-/a-1.0.0.tgz"}}}}}}}}"#),
        )
    })
    .await;
    let project = ProjectAddresses::of_archives([("a", "https://lock.example/a/-/a-0.9.0.tgz")], None, Vec::new());
    let answer = client(&address, "", None).facts(Ecosystem::Npm, "a", &[], &project).await.unwrap();
    assert_eq!(answer.facts.releases[0].archive.as_deref(), Some("https://lock.example/a/-/a-1.0.0.tgz"));
}

#[tokio::test]
async fn needs_of_python_releases_are_asked_for_by_version() {
    let metadata = "Metadata-Version: 2.1\nRequires-Dist: idna (>=2)\n";
    let hash = hex::encode(Sha256::digest(metadata));
    let (address, log) = registry(move |request| match request.uri().path() {
        "/npm/a-b/" => {
            let file = |version: &str, said: &str| {
                format!(r#"{{"filename":"a_b-{version}-py3-none-any.whl","url":"../a_b-{version}-py3-none-any.whl","hashes":{{}}{said}}}"#)
            };
            let said = format!(r#","core-metadata":{{"sha256":"{hash}"}}"#);
            let files = [file("1.0", &said), file("2.0", &said), file("3.0", "")].join(",");
            reply(200, format!(r#"{{"versions":["1.0","2.0","3.0"],"files":[{files}]}}"#))
        }
        "/npm/a_b-1.0-py3-none-any.whl.metadata" => reply(200, metadata),
        "/npm/a_b-2.0-py3-none-any.whl.metadata" => reply(200, "Requires-Dist: swapped\n"),
        _ => reply(404, ""),
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let registries = client(&address, "", Some(folder.path().to_owned()));
    let wanted = ["1.0.0".to_owned(), "2.0".to_owned(), "3.0".to_owned(), "9".to_owned()];
    let answer = registries.facts(Ecosystem::PyPI, "A.B", &wanted, &ProjectAddresses::default()).await.unwrap();
    let needs: Vec<_> = answer.facts.releases.iter().map(|release| release.dependencies.len()).collect();
    assert_eq!(needs, [1, 0, 0]);
    assert_eq!(answer.needs_unknown.keys().collect::<Vec<_>>(), ["2.0", "3.0"]);
    assert!(answer.needs_unknown["2.0"].contains("hash"), "{answer:?}");

    // What was learned is kept: only the page is asked for again.
    log.lock().unwrap().clear();
    let again = client(&address, "", Some(folder.path().to_owned()));
    let wanted = ["1.0".to_owned()];
    let answer = again.facts(Ecosystem::PyPI, "a-b", &wanted, &ProjectAddresses::default()).await.unwrap();
    assert_eq!(answer.facts.releases[0].dependencies[0].name, "idna");
    assert_eq!(*log.lock().unwrap(), ["/npm/a-b/ - -"]);
}

#[tokio::test]
async fn no_more_requests_run_at_once_than_allowed() {
    let running = Arc::new(Mutex::new((0_usize, 0_usize)));
    let counted = running.clone();
    let (address, _) = registry(move |_| {
        {
            let mut counts = counted.lock().unwrap();
            counts.0 += 1;
            counts.1 = counts.1.max(counts.0);
        }
        let counted = counted.clone();
        let body = futures::stream::once(async move {
            tokio::time::sleep(Duration::from_millis(20)).await;
            counted.lock().unwrap().0 -= 1;
            Ok::<_, std::io::Error>(DOCUMENT)
        });
        reply(200, Body::from_stream(body))
    })
    .await;
    let registries = client(&address, "", None);
    let names: Vec<String> = (0..40).map(|number| format!("p{number}")).collect();
    let all = futures::future::join_all(names.iter().map(|name| npm(&registries, name))).await;
    assert!(all.iter().all(Result::is_ok));
    let most = running.lock().unwrap().1;
    assert!((2..=8).contains(&most), "{most}");
}

#[tokio::test]
async fn who_names_no_registry_is_told_how_to() {
    let registries = Registries::new(Configuration::default(), None, quick());
    let answer = registries.facts(Ecosystem::Npm, "a", &[], &ProjectAddresses::default()).await;
    let reason = answer.unwrap_err();
    assert!(matches!(reason, Unavailable::NoAddress(_)), "{reason:?}");
    assert!(reason.to_string().contains("SUTURE_NPM_REGISTRY"), "{reason}");
}

#[tokio::test]
async fn a_registry_that_is_down_is_not_asked_by_every_package() {
    let (address, log) = registry(|_| reply(503, "")).await;
    let registries = client(&address, "", None);
    for number in 0..30 {
        let answered = npm(&registries, &format!("p{number}")).await;
        assert!(matches!(answered, Err(Unavailable::TryLater { .. })), "{answered:?}");
    }
    assert_eq!(log.lock().unwrap().len(), 4);
}
