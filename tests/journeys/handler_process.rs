//! The program `handler`, started and called over HTTP as the functions host does it.

use crate::world::functions;
use crate::world::handler::{Handler, call_with, free_port, prepare, run_to_end};
use crate::world::osv::OsvApi;
use crate::world::project::Project;
use crate::world::registry::NpmRegistry;
use crate::world::repository::GitRepository;
use agents::environment::effects::Effects;
use agents::environment::git::LocalRepository;
use agents::environment::store::Store;
use agents::history;
use jiff::Timestamp;
use pipeline::case::Status;
use pipeline::message::{Envelope, RunId, queue, topic};
use pipeline::payload::{Mode, ScanRequested};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

/// An event as another agent wrote it.
const EVENT: &str = r#"{"id":"02c5e5c2-b99a-5a36-8f59-0c41b007234f","type":"event","source":"scan","target":null,"topic":"scan.completed","payload":{"case":"npm-0123456789ab"},"correlation_id":"00000000-0000-7707-8707-070707070707","causation_id":null,"hops":1,"attempt":0,"timestamp":"2026-01-01T00:00:00Z","schema_version":1}"#;

/// What `monitor` answers to [`EVENT`].
const ANSWER: &str = r#"{"Outputs":{},"Logs":["message 02c5e5c2-b99a-5a36-8f59-0c41b007234f of run 00000000-0000-7707-8707-070707070707: 0 sent"],"ReturnValue":null}"#;

const MEMORY: (&str, &str) = ("SUTURE_STORE", "memory");
const STARTER: (&str, &str) = ("SUTURE_ADVISORIES", "starter");

/// `scan.requested` for a repository, as a message on the queue.
fn scan_requested(repository: &GitRepository) -> Vec<u8> {
    let repository = LocalRepository::discover(repository.folder(), Effects::default()).unwrap();
    let head = repository.head().unwrap();
    let request = ScanRequested {
        repository: repository.name().clone(),
        base_branch: head.branch,
        commit: head.commit,
        mode: Mode::Heal,
        is_anew: false,
    };
    let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    let run = RunId::new(now, [7; 10]);
    let message = Envelope::root("test", queue::SCAN, topic::SCAN_REQUESTED, &request, run, now).unwrap();
    serde_json::to_vec(&message).unwrap()
}

#[tokio::test]
async fn hand_written_calls_get_exact_answers() {
    let folder = tempfile::tempdir().unwrap();
    let handler = Handler::start(folder.path(), &[MEMORY, STARTER]).await;
    let call = call_with(EVENT.as_bytes());
    let expect = (200, ANSWER.to_owned());
    assert_eq!(handler.call("monitor", call.clone()).await, expect);
    // Azure does not say the length beforehand.
    let chunks: Vec<_> = call.as_bytes().chunks(50).map(|chunk| Ok::<_, std::io::Error>(chunk.to_vec())).collect();
    let chunked = reqwest::Body::wrap_stream(futures::stream::iter(chunks));
    assert_eq!(handler.call("monitor", chunked).await, expect);
    // The host's question at its start carries no header of its own, and any answer will do.
    assert_eq!(reqwest::get(&handler.address).await.unwrap().status(), 404);

    let timer = r#"{"Data":{"timer":{"Schedule":{"AdjustForDST":true},"ScheduleStatus":null,"IsPastDue":false}},"Metadata":{"sys":{"MethodName":"sweep","UtcNow":"2026-01-31T10:11:12Z","RandGuid":"6a4e"}}}"#;
    // The first tick of a round asks every agent how it is.
    let (status, ticked) = handler.call("sweep", timer).await;
    let ticked: Value = serde_json::from_str(&ticked).unwrap();
    let outputs = ticked["Outputs"].as_object().unwrap();
    assert_eq!((status, &ticked["ReturnValue"]), (200, &Value::Null), "{ticked}");
    assert_eq!(ticked["Logs"], json!([format!("{} sent", queue::ALL.len())]));
    assert_eq!(outputs.keys().map(String::as_str).collect::<BTreeSet<_>>(), queue::ALL.into());
    for (queue, sent) in outputs {
        let [question] = &sent.as_array().unwrap()[..] else { panic!("{queue}: {sent}") };
        let question: Envelope = serde_json::from_str(question.as_str().unwrap()).unwrap();
        assert_eq!((question.topic.as_str(), question.target.as_ref()), (topic::AGENT_STATUS, Some(queue)));
    }

    let request = r#"{"Data":{"req":{"Url":"http://localhost:7071/api/health","Method":"GET","Query":{},"Headers":{"Host":["localhost:7071"]},"Params":{},"Identities":[]}},"Metadata":{"Headers":"{}","Query":"{}"}}"#;
    let well = r#"{"Outputs":{"res":{"statusCode":200,"headers":{"content-type":"application/json"},"body":{"version":"0.1.0","functions":["analyze","github-webhook","health","monitor","notify","poison","remediate","scan","sweep","verify"],"store_is_readable":true}}},"Logs":[],"ReturnValue":null}"#;
    assert_eq!(handler.call("health", request).await, (200, well.to_owned()));
}

#[tokio::test]
async fn lines_of_the_log_carry_the_ids() {
    let folder = tempfile::tempdir().unwrap();
    let handler = Handler::start(folder.path(), &[MEMORY, STARTER]).await;
    handler.deliver("monitor", EVENT.as_bytes()).await;
    assert_eq!(handler.call("monitor", "no call").await.0, 400);
    let lines = handler.lines();
    let handled: Vec<_> = lines.iter().filter(|line| line["message"] == "handled").collect();
    let [handled] = handled[..] else { panic!("{lines:?}") };
    assert_eq!(handled["agent.name"], "monitor");
    assert_eq!(handled["invocation.id"], "an invocation");
    assert_eq!(handled["message.id"], "02c5e5c2-b99a-5a36-8f59-0c41b007234f");
    assert_eq!(handled["case.id"], "npm-0123456789ab");
    assert!(handled["duration_ms"].is_i64(), "{handled}");
    let errors = handler.errors();
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert_eq!(errors[0]["agent.name"], "monitor");
    assert!(errors[0]["reason"].as_str().unwrap().contains("not a call"), "{errors:?}");
}

#[tokio::test]
async fn message_that_comes_again_after_kill_9_gets_the_same_answer() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    let variables = [("SUTURE_STORE", store.to_str().unwrap()), STARTER];
    let repository = GitRepository::with_files(&folder.path().join("shop"), &[("README.md", "shop\n")]);
    // No repository is known to the handler, so that the message goes to poison with words and times of its own.
    let call = call_with(&scan_requested(&repository));
    let handler = Handler::start(folder.path(), &variables).await;
    let first = handler.call("scan", call.clone()).await;
    assert_eq!(first.0, 200);
    assert!(first.1.contains("is not known here"), "{}", first.1);
    drop(handler);
    let handler = Handler::start(folder.path(), &variables).await;
    assert_eq!(handler.call("scan", call).await, first);
}

#[tokio::test]
async fn what_is_no_message_is_kept_as_poison() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    let handler = Handler::start(folder.path(), &[("SUTURE_STORE", store.to_str().unwrap()), STARTER]).await;
    let bodies: [&[u8]; 4] = [b"hello", &[0xff, 0xfe], b"", b"{\"id\":7}"];
    for (at, body) in bodies.into_iter().enumerate() {
        let sent = handler.deliver("analyze", body).await;
        assert_eq!(handler.deliver("analyze", body).await, sent, "it comes again");
        let poison = sent["poison"][0].as_str().unwrap();
        let told = handler.deliver("poison", poison.as_bytes()).await;
        let notice: Value = serde_json::from_str(told["notify"][0].as_str().unwrap()).unwrap();
        assert_eq!(notice["payload"]["subject"], "analyze could not do its work");
        assert!(notice["payload"]["body"][0].as_str().unwrap().contains("no message of Suture"), "{notice}");
        let kept = Store::folder(&store, Effects::default()).unwrap().list("poison").await.unwrap();
        assert_eq!(kept.len(), at + 1, "{kept:?}");
    }
    let store = Store::folder(&store, Effects::default()).unwrap();
    // What poison itself can't read has nowhere else to go: it is kept at once.
    assert!(handler.deliver("poison", b"hello").await["notify"][0].is_string());
    assert_eq!(store.list("poison").await.unwrap().len(), bodies.len() + 1);
    let mut texts = Vec::new();
    for key in store.list("poison").await.unwrap() {
        texts.push(store.read::<Value>(&key).await.unwrap().unwrap()["message"]["payload"].to_string());
    }
    for expect in [r#"{"unreadable":"hello"}"#, r#"{"unreadable_base64":"//4="}"#, r#"{"unreadable":""}"#] {
        assert!(texts.iter().any(|text| text == expect), "{texts:?}");
    }
}

#[tokio::test]
async fn body_over_64_mib_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let handler = Handler::start(folder.path(), &[MEMORY, STARTER]).await;
    let most = "x".repeat((64 << 20) - 40);
    let fits = format!(r#"{{"Data":{{"message":"YQ==","more":"{most}"}}}}"#);
    assert!(fits.len() <= 64 << 20, "{}", fits.len());
    assert_eq!(handler.call("monitor", fits).await.0, 200);
    // In chunks, so that nobody knows beforehand.
    let chunks = (0..65).map(|_| Ok::<_, std::io::Error>(vec![b'x'; 1 << 20]));
    let (status, words) = handler.call("monitor", reqwest::Body::wrap_stream(futures::stream::iter(chunks))).await;
    assert_eq!((status, words.as_str()), (413, r#"{"error":"the call has more than 67108864 bytes"}"#));
    assert_eq!(handler.call("monitor", call_with(EVENT.as_bytes())).await.0, 200);
}

#[test]
fn all_that_is_wrong_in_settings_is_said_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let ran = run_to_end(folder.path(), &[("SUTURE_STORE", "s3://bucket"), ("SUTURE_RETENTION_DAYS", "ever")]);
    assert_eq!(ran.code, Some(2));
    assert_eq!(ran.stdout, "");
    for setting in ["FUNCTIONS_CUSTOMHANDLER_PORT", "SUTURE_STORE", "SUTURE_RETENTION_DAYS"] {
        assert_eq!(ran.stderr.lines().filter(|line| line.contains(setting)).count(), 1, "{}", ran.stderr);
    }
}

#[test]
fn port_that_is_taken_ends_it_with_words() {
    let folder = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let ran = run_to_end(folder.path(), &[("FUNCTIONS_CUSTOMHANDLER_PORT", &port), MEMORY]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains(&format!("port {port} of 127.0.0.1 is taken")), "{}", ran.stderr);
}

#[tokio::test]
async fn handler_ends_when_its_host_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let text = port.to_string();
    let prepared = prepare(folder.path(), &[("FUNCTIONS_CUSTOMHANDLER_PORT", &text), MEMORY]);
    // A host that does nothing but start its handler and wait.
    let mut host = crate::world::program::command(Path::new("/bin/sh"), folder.path());
    host.args(["-c", r#""$0" & wait"#]).arg(prepared.get_program()).env_clear();
    host.envs(prepared.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let mut host = host.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let is_there = || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok();
    wait_until(is_there).await;
    host.kill().unwrap();
    host.wait().unwrap();
    wait_until(|| !is_there()).await;
}

async fn wait_until(condition: impl Fn() -> bool) {
    for _ in 0..600 {
        if condition() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("not within 30 s");
}

/// Which function hears what a binding of another sends: by function.json, as the host reads it.
fn consumers(function: &str, binding: &str) -> Vec<String> {
    let read = |text: &str| serde_json::from_str::<Value>(text).unwrap()["bindings"].as_array().unwrap().clone();
    let functions: BTreeMap<String, Vec<Value>> =
        functions().iter().map(|(name, text)| (name.clone(), read(text))).collect();
    let output = functions[function].iter().find(|declared| declared["name"] == binding).unwrap().clone();
    let hears = |declared: &&Value| {
        declared["type"] == "serviceBusTrigger"
            && declared["queueName"] == output["queueName"]
            && declared["topicName"] == output["topicName"]
    };
    let heard = functions.iter().filter(|(_, bindings)| bindings.iter().any(|binding| hears(&binding)));
    heard.map(|(name, _)| name.clone()).collect()
}

#[tokio::test]
async fn repository_is_healed_by_calls_alone() {
    let folder = tempfile::tempdir().unwrap();
    let project = Project::new().needs("gate", "^2.0.0").locks("gate", "2.1.0", &[("latch", "^1.0.0")]).locks(
        "latch",
        "1.0.3",
        &[],
    );
    let files = [("package.json", project.manifest()), ("package-lock.json", project.lockfile())];
    let files = files.each_ref().map(|(path, text)| (*path, text.as_str()));
    let repository = GitRepository::with_files(&folder.path().join("shop"), &files);
    let (registry, osv) = (NpmRegistry::start().await, OsvApi::start().await);
    osv.advise("GHSA-aaaa-bbbb-cccc", "latch", "1.2.0", "MODERATE", "it lets others in");
    registry.publish("gate", "2.1.0", &[("latch", "^1.0.0")]);
    ["1.0.3", "1.2.0"].into_iter().for_each(|version| registry.publish("latch", version, &[]));
    let store = folder.path().join("store");
    let variables = [
        ("SUTURE_STORE", store.to_str().unwrap()),
        ("SUTURE_REPOSITORIES", repository.folder().to_str().unwrap()),
        ("SUTURE_OSV_API", &osv.address),
        ("SUTURE_NPM_REGISTRY", &registry.address),
    ];
    let mut handler = Handler::start(folder.path(), &variables).await;
    let mut waiting = vec![("scan".to_owned(), String::from_utf8(scan_requested(&repository)).unwrap())];
    let mut worked = Vec::new();
    while let Some((function, body)) = waiting.pop() {
        let sent = handler.deliver(&function, body.as_bytes()).await;
        // The host may be slower than the handler's death, and then delivers it again.
        if function == "remediate" {
            drop(handler);
            handler = Handler::start(folder.path(), &variables).await;
            assert_eq!(handler.deliver(&function, body.as_bytes()).await, sent);
        }
        for (binding, texts) in sent.as_object().unwrap() {
            for text in texts.as_array().unwrap() {
                let text = text.as_str().unwrap();
                waiting.extend(consumers(&function, binding).into_iter().map(|hears| (hears, text.to_owned())));
            }
        }
        worked.push(function);
        assert!(worked.len() < 40, "{worked:?}");
    }
    for function in ["scan", "analyze", "remediate", "verify", "notify"] {
        assert_eq!(worked.iter().filter(|name| *name == function).count(), 1, "{function}: {worked:?}");
    }
    let branches: Vec<String> = repository.branches().into_iter().map(|(name, _)| name).collect();
    let [_, branch] = &branches[..] else { panic!("{branches:?}") };
    let case = branch.strip_prefix("suture/").unwrap().parse().unwrap();
    let healed: Value = serde_json::from_str(&repository.read(branch, "package-lock.json")).unwrap();
    assert_eq!(healed["packages"]["node_modules/latch"]["version"], json!("1.2.0"));
    let store = Store::folder(&store, Effects::default()).unwrap();
    let case = history::case(&store, &case).await.unwrap().unwrap();
    assert_eq!(case.status, Status::Completed, "{case:#?}");
    assert_eq!(handler.errors(), Vec::<Value>::new());
}
