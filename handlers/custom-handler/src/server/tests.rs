//! Calls in process: what a whole program can't be made to do on demand.

use super::*;
use agents::environment::Environment;
use agents::environment::effects::Effects;
use agents::environment::ids::Ids;
use agents::environment::outlet::Outlet;
use agents::environment::store::Store;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use pipeline::message::{Envelope, RunId, topic};
use pipeline::payload::Notification;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};

const NOTIFY: &str = include_str!("../../../../functions/notify/function.json");

fn environment(store: &Store, outlet: Outlet) -> Environment {
    Environment { ids: Ids::counted(), outlet, ..Environment::alone(store.clone()) }
}

/// Function `notify` whose people take a notice by its subject: some make the agent panic, or hold it up.
fn notify(store: &Store, function_json: &str) -> Server {
    let store = store.clone();
    Server::of(Topology::parse([("notify", function_json)]).unwrap(), move || {
        Ok(environment(
            &store,
            Outlet::new(|notice| match notice.subject.as_str() {
                "panic" => panic!("these words stay in the log"),
                "slow" => std::thread::sleep(Duration::from_secs(3)),
                _ => {}
            }),
        ))
    })
}

fn memory() -> Store {
    Store::memory(Effects::default())
}

fn notice(subject: &str) -> Vec<u8> {
    let notification = Notification { case: None, subject: subject.to_owned(), body: Vec::new() };
    let run = RunId::new(Timestamp::UNIX_EPOCH, [subject.len() as u8; 10]);
    let now = Timestamp::UNIX_EPOCH;
    let message = Envelope::root("test", "notify", topic::NOTIFICATION_REQUESTED, &notification, run, now).unwrap();
    serde_json::to_vec(&message).unwrap()
}

fn one(body: &[u8]) -> Value {
    json!({ "Data": { "message": STANDARD.encode(body) }, "Metadata": {} })
}

fn many(bodies: &[Vec<u8>]) -> Value {
    let bodies: Vec<String> = bodies.iter().map(|body| STANDARD.encode(body)).collect();
    json!({ "Data": { "message": serde_json::to_string(&bodies).unwrap() }, "Metadata": { "DeliveryCountArray": "[1]" } })
}

/// Serves `server` and returns its address.
async fn start(server: Server) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(serve(listener, server));
    address
}

async fn call(address: &str, function: &str, body: &Value) -> (u16, Value) {
    let sent = reqwest::Client::new().post(format!("{address}/{function}")).json(body).send().await.unwrap();
    let status = sent.status().as_u16();
    assert_eq!(sent.headers()["content-type"], "application/json");
    (status, serde_json::from_slice(&sent.bytes().await.unwrap()).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn panic_is_the_failure_of_that_call_alone() {
    let address = start(notify(&memory(), NOTIFY)).await;
    let (panic, fine) = (one(&notice("panic")), one(&notice("fine")));
    let (panicked, handled) = tokio::join!(call(&address, "notify", &panic), call(&address, "notify", &fine));
    assert_eq!(panicked, (500, json!({ "error": "broken: the agent panicked; its words are in the log" })));
    assert_eq!(handled.0, 200);
    assert_eq!(call(&address, "notify", &one(&notice("later"))).await.0, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn call_over_its_time_is_answered_in_words() {
    let address = start(notify(&memory(), NOTIFY).with_step(Duration::from_secs(1))).await;
    let (status, words) = call(&address, "notify", &one(&notice("slow"))).await;
    assert_eq!((status, words), (500, json!({ "error": "broken: no answer within 1 s, the limit for one step" })));
    assert_eq!(call(&address, "notify", &one(&notice("fine"))).await.0, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn call_without_room_beside_those_in_work_is_put_off_and_done_later() {
    let body = one(&notice("slow"));
    let mut server = notify(&memory(), NOTIFY);
    server.bodies = Bodies::of(body.to_string().len(), Duration::from_millis(50));
    let address = start(server).await;
    let slow = call(&address, "notify", &body);
    let refused = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let url = format!("{address}/notify");
        reqwest::Client::new().post(url).json(&one(&notice("fine"))).send().await.unwrap()
    };
    let (slow, refused) = tokio::join!(slow, refused);
    assert_eq!((refused.status().as_u16(), refused.headers()["retry-after"].to_str().unwrap()), (503, "5"));
    assert!(refused.text().await.unwrap().contains("try again later"));
    assert_eq!(slow.0, 200);
    assert_eq!(call(&address, "notify", &one(&notice("fine"))).await.0, 200);
}

fn batches() -> String {
    NOTIFY.replace("\"dataType\": \"binary\"", "\"dataType\": \"binary\", \"cardinality\": \"many\"")
}

#[tokio::test]
async fn each_message_of_a_batch_is_handled_on_its_own() {
    let store = memory();
    let address = start(notify(&store, &batches())).await;
    let batch = many(&[notice("a"), b"no message".to_vec(), notice("bcd")]);
    let (status, reply) = call(&address, "notify", &batch).await;
    assert_eq!(status, 200, "{reply}");
    assert_eq!(reply["Outputs"]["poison"].as_array().unwrap().len(), 1);
    assert_eq!(reply["Logs"].as_array().unwrap().len(), 3);
    assert_eq!(store.list("journal/notify").await.unwrap().len(), 3);
    assert_eq!(store.list("notices").await.unwrap().len(), 2);
    assert_eq!(call(&address, "notify", &batch).await, (200, reply));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn batch_with_a_broken_message_comes_again_and_the_others_are_done() {
    let store = memory();
    let address = start(notify(&store, &batches())).await;
    let fine = notice("fine");
    assert_eq!(call(&address, "notify", &many(std::slice::from_ref(&fine))).await.0, 200);
    // A store that can't be written any more breaks whoever has no record yet.
    let dead = store.with_effects(Effects::crashing_after(0));
    let server = Server::of(Topology::parse([("notify", batches())]).unwrap(), move || {
        Ok(environment(&dead, Outlet::new(|_| {})))
    });
    let address = start(server).await;
    let (status, words) = call(&address, "notify", &many(&[fine, notice("new one")])).await;
    assert_eq!(status, 500);
    assert_eq!(words, json!({ "error": "broken: the process died here" }));
}

#[tokio::test]
async fn environment_is_opened_at_the_first_call_and_again_while_it_fails() {
    let opened = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&opened);
    let store = memory();
    let server = Server::built_in(move || match count.fetch_add(1, Ordering::SeqCst) {
        0 | 1 => Err(OpenError("SUTURE_STORE: it is not there yet".to_owned())),
        _ => Ok(environment(&store, Outlet::new(|_| {}))),
    });
    let address = start(server.unwrap().with_rest(Duration::ZERO)).await;
    assert_eq!(reqwest::get(&address).await.unwrap().status(), 404);
    assert_eq!(opened.load(Ordering::SeqCst), 0);
    let refused = call(&address, "notify", &one(&notice("a"))).await;
    assert_eq!(refused, (500, json!({ "error": "broken: SUTURE_STORE: it is not there yet" })));
    let request = json!({ "Data": { "req": { "Method": "GET", "Url": "http://localhost/api/health" } } });
    let (status, reply) = call(&address, "health", &request).await;
    assert_eq!((status, &reply["Outputs"]["res"]["statusCode"]), (200, &json!(503)));
    assert_eq!(reply["Outputs"]["res"]["body"]["store_is_readable"], false);
    for _ in 0..2 {
        assert_eq!(call(&address, "notify", &one(&notice("a"))).await.0, 200);
    }
    assert_eq!(opened.load(Ordering::SeqCst), 3);
}

const REST: Duration = Duration::from_millis(150);

/// How long `work` takes.
async fn timed<T>(work: impl Future<Output = T>) -> (Duration, T) {
    let began = tokio::time::Instant::now();
    let answer = work.await;
    (began.elapsed(), answer)
}

#[tokio::test]
async fn deliveries_of_a_message_outlast_a_short_outage() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::folder(folder.path(), Effects::default()).unwrap();
    let address = start(notify(&store, NOTIFY).with_rest(REST)).await;
    // Where records of the journal are to be, there is something else.
    let journal = folder.path().join("journal");
    std::fs::write(&journal, "").unwrap();
    let body = one(&notice("a"));
    let (took, ()) = timed(async {
        for _ in 0..10 {
            let (status, words) = call(&address, "notify", &body).await;
            assert_eq!(status, 500, "{words}");
            assert!(words["error"].as_str().unwrap().starts_with("broken: store "), "{words}");
        }
    })
    .await;
    assert!(took >= 10 * REST, "ten deliveries took {took:?}");
    std::fs::remove_file(&journal).unwrap();
    assert_eq!(call(&address, "notify", &body).await.0, 200, "it is over");
}

#[tokio::test]
async fn outage_is_rested_in_by_messages_alone_and_within_a_step() {
    let closed = || Server::built_in(|| Err(OpenError("SUTURE_STORE: it is gone".to_owned()))).unwrap();
    let long = REST * 60;
    let address = start(closed().with_rest(long)).await;
    let request = json!({ "Data": { "req": { "Method": "GET", "Url": "http://localhost/api/health" } } });
    let tick = json!({ "Data": { "timer": { "IsPastDue": false } } });
    for (function, body, expect) in [("health", request, 200), ("sweep", tick, 500), ("notify", json!([1]), 400)] {
        let (took, (status, words)) = timed(call(&address, function, &body)).await;
        assert_eq!(status, expect, "{function}: {words}");
        assert!(took < long, "{function}: {took:?}");
    }
    let step = Duration::from_millis(200);
    let address = start(closed().with_rest(long).with_step(step)).await;
    let (took, (status, _)) = timed(call(&address, "notify", &one(&notice("a")))).await;
    assert_eq!(status, 500);
    assert!(took >= step / 2 && took < long, "{took:?}");
}

#[tokio::test]
async fn whatever_is_no_call_is_refused_in_words() {
    let address = start(notify(&memory(), NOTIFY)).await;
    let rows = [
        ("no function", "nothing", one(b""), 404),
        ("no data", "notify", json!({ "Data": {} }), 400),
        ("no call", "notify", json!([1]), 400),
        ("no base64", "notify", json!({ "Data": { "message": "%" } }), 400),
    ];
    for (what, function, body, expect) in rows {
        let (status, words) = call(&address, function, &body).await;
        assert_eq!(status, expect, "{what}");
        assert!(words["error"].as_str().is_some_and(|words| !words.is_empty()), "{what}");
    }
    let got = reqwest::get(format!("{address}/notify")).await.unwrap();
    assert_eq!(got.status(), 405);
    assert!(!got.bytes().await.unwrap().is_empty());
}

#[tokio::test]
async fn traceparent_of_the_call_is_that_of_a_message_without_one() {
    let address = start(notify(&memory(), NOTIFY)).await;
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let unreadable = json!({ "case": "npm-0123456789ab" });
    let message = |chance| {
        let (now, run) = (Timestamp::UNIX_EPOCH, RunId::new(Timestamp::UNIX_EPOCH, [chance; 10]));
        Envelope::root("test", "notify", topic::NOTIFICATION_REQUESTED, &unreadable, run, now).unwrap()
    };
    let poisoned = async |message: &Envelope| {
        let body = one(&serde_json::to_vec(message).unwrap());
        let client = reqwest::Client::new();
        let request = client.post(format!("{address}/notify")).header("traceparent", parent).json(&body);
        let reply: Value = serde_json::from_slice(&request.send().await.unwrap().bytes().await.unwrap()).unwrap();
        let sent: Value = serde_json::from_str(reply["Outputs"]["poison"][0].as_str().unwrap()).unwrap();
        sent["traceparent"].clone()
    };
    assert_eq!(poisoned(&message(1)).await, parent);
    let mut message = message(2);
    message.traceparent = Some("00-11111111111111111111111111111111-2222222222222222-00".to_owned());
    assert_eq!(poisoned(&message).await, "00-11111111111111111111111111111111-2222222222222222-00");
}
