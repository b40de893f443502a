//! What registries answer, over HTTP: packuments, index pages in JSON and HTML, metadata files.

use super::check;
use agents::environment::registries::{
    Configuration, Limits, ProjectAddresses, Registries, RegistrySettings, UserFiles,
};
use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use pipeline::version::Ecosystem;
use std::cell::Cell;
use std::sync::{Arc, Mutex};
use tokio::runtime::Runtime;

const PACKUMENT: &str = r#"{"name":"latch","dist-tags":{"latest":"1.2.0"},"time":{"created":"2020-01-01T00:00:00Z","1.2.0":"2020-01-01T00:00:00.000Z"},
"versions":{"1.2.0":{"name":"latch","version":"1.2.0","dependencies":{"bolt":"^1.0.0"},"optionalDependencies":{"bolt":"^1.0.0"},
"peerDependencies":{"door":"*"},"peerDependenciesMeta":{"door":{"optional":true}},"engines":{"node":">=18"},"bin":{"latch":"cli.js"},"os":["linux"],
"deprecated":"use bolt","hasInstallScript":true,"dist":{"integrity":"sha512-YQ==","shasum":"aa","tarball":"https://registry.example/latch/-/latch-1.2.0.tgz"}}}}"#;

const JSON_PAGE: &str = r#"{"meta":{"api-version":"1.1"},"name":"latch","versions":["1.2.0"],"files":[{"filename":"latch-1.2.0-py3-none-any.whl",
"url":"latch-1.2.0-py3-none-any.whl","hashes":{"sha256":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},"requires-python":">=3.8",
"core-metadata":true,"upload-time":"2020-01-01T00:00:00.5Z","yanked":"bad"},{"filename":"latch-1.2.0.tar.gz","url":"../latch-1.2.0.tar.gz","hashes":{}}]}"#;

const HTML_PAGE: &str = "<!DOCTYPE html><html><head><meta name=\"pypi:repository-version\" content=\"1.1\"></head><body>
<a href=\"latch-1.2.0-py3-none-any.whl#sha256=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\" data-requires-python=\"&gt;=3.8\"
data-core-metadata=\"true\" data-yanked=\"bad\">latch-1.2.0-py3-none-any.whl</a><br/></body></html>";

const METADATA: &str = "Metadata-Version: 2.1\nName: latch\nVersion: 1.2.0\nRequires-Python: >=3.8\nRequires-Dist: bolt (>=1.0) ; extra == 'x'\n\
Requires-Dist: door[wide]~=2.0; python_version < '3.9'\nProvides-Extra: x\n\nA latch.\n";

/// What the registry answers next: of a page its type and bytes, then the metadata files.
#[derive(Debug, Clone, Default)]
struct Answers {
    kind: &'static str,
    page: Vec<u8>,
    metadata: Vec<u8>,
}

struct Registry {
    runtime: Runtime,
    answers: Arc<Mutex<Answers>>,
    client: Registries,
    count: Cell<usize>,
}

async fn answer(State(answers): State<Arc<Mutex<Answers>>>, request: Request) -> Response {
    let answers = answers.lock().unwrap().clone();
    match request.uri().path().ends_with(".metadata") {
        true => answers.metadata.into_response(),
        false => ([(CONTENT_TYPE, answers.kind)], answers.page).into_response(),
    }
}

impl Registry {
    fn start() -> Self {
        let runtime = Runtime::new().unwrap();
        let answers = Arc::<Mutex<Answers>>::default();
        let app = Router::new().fallback(answer).with_state(Arc::clone(&answers));
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = format!("http://{}/", listener.local_addr().unwrap());
        runtime.spawn(async move { axum::serve(listener, app).await.unwrap() });
        let settings = RegistrySettings {
            npm_registry: Some(address.clone()),
            pip_index_url: Some(address),
            ..RegistrySettings::default()
        };
        let client = Registries::new(Configuration::of(&settings, &UserFiles::default()), None, Limits::default());
        Self { runtime, answers, client, count: Cell::new(0) }
    }

    /// Asks for a package, each time another, and gets `answers`. Whether something was made of them.
    fn ask(&self, ecosystem: Ecosystem, answers: Answers) -> bool {
        *self.answers.lock().unwrap() = answers;
        self.count.set(self.count.get() + 1);
        let (name, versions) = (format!("latch{}", self.count.get()), ["1.2.0".to_owned()]);
        let project = ProjectAddresses::default();
        self.runtime.block_on(self.client.facts(ecosystem, &name, &versions, &project)).is_ok()
    }
}

#[test]
fn packuments() {
    let registry = Registry::start();
    let ask = |page: &[u8]| {
        registry.ask(Ecosystem::Npm, Answers { kind: "application/json", page: page.to_vec(), ..Answers::default() })
    };
    assert!(ask(PACKUMENT.as_bytes()));
    check(&[PACKUMENT.as_bytes()], |bytes| _ = ask(bytes));
    assert!(ask(PACKUMENT.as_bytes()), "the registry is spared after what it answered");
}

#[test]
fn index_pages() {
    let registry = Registry::start();
    for (kind, seed) in [("application/vnd.pypi.simple.v1+json", JSON_PAGE), ("text/html; charset=utf-8", HTML_PAGE)] {
        let ask = |page: &[u8]| {
            registry.ask(Ecosystem::PyPI, Answers { kind, page: page.to_vec(), metadata: METADATA.into() })
        };
        let seed = seed.replace("latch-1.2.0", "latch1-1.2.0");
        assert!(ask(seed.as_bytes()));
        check(&[seed.as_bytes()], |bytes| _ = ask(bytes));
        assert!(ask(seed.as_bytes()), "the registry is spared after what it answered");
    }
}

#[test]
fn metadata_files() {
    let registry = Registry::start();
    let ask = |metadata: &[u8]| {
        // File names carry the name of the package that is asked for.
        let page = JSON_PAGE.replace("latch-1.2.0", &format!("latch{}-1.2.0", registry.count.get() + 1));
        let kind = "application/vnd.pypi.simple.v1+json";
        registry.ask(Ecosystem::PyPI, Answers { kind, page: page.into_bytes(), metadata: metadata.to_vec() })
    };
    assert!(ask(METADATA.as_bytes()));
    check(&[METADATA.as_bytes()], |bytes| _ = ask(bytes));
}
