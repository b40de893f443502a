//! Deliveries at full speed while handler and host are killed, again and again: what was answered is done, and nothing is done twice.

use crate::world::chance::Chance;
use crate::world::deliveries::{SECRET, delivery_id, push, signature};
use crate::world::host::kill;
use crate::world::staged::{Local, Machine};
use agents::journal::{JournalRecord, WakeUp};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::hash::{BuildHasher, Hasher};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::watch;

/// Processes that are killed: fewer than a message may be delivered, so that none becomes a dead letter, which is another rule.
const KILLS: usize = 8;

/// Deliveries, each of a commit of its own.
const DELIVERIES: u32 = 240;

/// Connections over which they are sent at the same time.
const CONNECTIONS: usize = 8;

/// Of those that were answered, every one of so many is sent again, as people do by hand.
const AGAIN: u32 = 10;

/// Far longer than all of it takes, on a slow machine that has others to do as well: reached only by what never ends.
const PATIENCE: Duration = Duration::from_secs(900);

/// So long it is waited for another host before the same one is tried again.
const GONE: Duration = Duration::from_millis(200);

/// Nothing listens on port 9: what `scan` asks of GitHub is put off, once for each delivery.
const SETTINGS: [(&str, &str); 3] = [
    ("SUTURE_GITHUB_TOKEN", "a token"),
    ("SUTURE_GITHUB_WEBHOOK_SECRET", SECRET),
    ("SUTURE_GITHUB_URL", "http://127.0.0.1:9"),
];

#[tokio::test(flavor = "multi_thread")]
async fn no_answered_delivery_is_lost_and_none_is_done_twice_when_processes_are_killed() {
    let seed = std::hash::RandomState::new().build_hasher().finish();
    println!("seed {seed}: `survives({seed})` kills at the same deliveries again");
    tokio::time::timeout(PATIENCE, survives(seed)).await.unwrap_or_else(|_| panic!("seed {seed}: it is never done"));
}

/// GitHub, as it delivers: what was not answered 2xx is put at the end, and sent again with the same id and the same bytes.
#[derive(Clone)]
struct Sender {
    waiting: Arc<Mutex<VecDeque<u32>>>,
    /// What was answered, by number.
    answers: Arc<Mutex<BTreeMap<u32, String>>>,
    /// How many were answered.
    answered: watch::Sender<u32>,
    /// Deliveries that were not answered 2xx.
    unanswered: watch::Sender<u32>,
    address: watch::Receiver<String>,
}

impl Sender {
    fn new(address: watch::Receiver<String>) -> Self {
        Self {
            waiting: Arc::new(Mutex::new((0..DELIVERIES).collect())),
            answers: Arc::default(),
            answered: watch::Sender::new(0),
            unanswered: watch::Sender::new(0),
            address,
        }
    }

    /// Sends over one connection until every delivery is answered.
    async fn send(mut self) {
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(20)).build().unwrap();
        let mut answered = self.answered.subscribe();
        loop {
            let next = self.waiting.lock().unwrap().pop_front();
            let Some(number) = next else {
                // Others may still have one under way, which comes back here if it fails.
                let unanswered = *self.unanswered.borrow();
                let mut failed = self.unanswered.subscribe();
                tokio::select! {
                    _ = answered.wait_for(|count| *count == DELIVERIES) => return,
                    _ = failed.wait_for(|count| *count > unanswered) => continue,
                }
            };
            let address = self.address.borrow_and_update().clone();
            match deliver(&client, &address, number).await {
                Ok(answer) => self.keep(number, answer),
                Err(is_gone) => {
                    self.waiting.lock().unwrap().push_back(number);
                    self.unanswered.send_modify(|count| *count += 1);
                    if is_gone {
                        // A connection may end though the host goes on: then it is where it was.
                        let _ = tokio::time::timeout(GONE, self.address.changed()).await;
                    }
                }
            }
        }
    }

    fn keep(&self, number: u32, answer: String) {
        let before = self.answers.lock().unwrap().insert(number, answer.clone());
        match before {
            Some(before) => assert_eq!(answer, before, "delivery {number} was answered otherwise before"),
            None => {
                if number.is_multiple_of(AGAIN) {
                    self.waiting.lock().unwrap().push_back(number);
                }
                self.answered.send_modify(|count| *count += 1);
            }
        }
    }
}

/// Delivers push `number` as GitHub does. An error where it was not answered 2xx, and whether that is because the host is gone.
async fn deliver(client: &reqwest::Client, address: &str, number: u32) -> Result<String, bool> {
    let body = push(&commit(number)).to_string();
    let request = client
        .post(format!("http://{address}/api/github/webhook"))
        .header("content-type", "application/json")
        .header("x-github-event", "push")
        .header("x-github-delivery", delivery_id(number))
        .header("x-hub-signature-256", signature(SECRET, &body))
        .body(body);
    let answer = request.send().await.map_err(|error| !error.is_timeout())?;
    let is_taken = answer.status().is_success();
    let words = answer.text().await.map_err(|error| !error.is_timeout())?;
    if is_taken { Ok(words) } else { Err(false) }
}

/// Never all zeros, by which GitHub says that a branch is gone.
fn commit(number: u32) -> String {
    format!("{:040x}", number + 1)
}

async fn survives(seed: u64) {
    let mut chance = Chance(seed);
    let machine = Machine::with_repositories(1).await;
    let mut local = machine.start_with(&SETTINGS, &[]).await;
    let (moved, address) = watch::channel(local.address.clone());
    let sender = Sender::new(address);
    let sending: Vec<_> = (0..CONNECTIONS).map(|_| tokio::spawn(sender.clone().send())).collect();
    let mut failed = 0;
    for number in 0..KILLS {
        let stretch = DELIVERIES as usize / (KILLS + 1);
        let pid = wait_until(&mut local, &sender, number * stretch + chance.below(stretch)).await;
        if chance.below(2) == 0 {
            kill(pid);
            local.handler = None;
        } else {
            failed += local.failed;
            local.kill();
            local = machine.start_with(&SETTINGS, &[]).await;
            moved.send(local.address.clone()).unwrap();
        }
    }
    for task in sending {
        task.await.unwrap();
    }
    settle(&local, &machine.master_key()).await;
    let unanswered = *sender.unanswered.borrow();
    println!(
        "seed {seed}: {KILLS} kills, {unanswered} deliveries not answered, {} invocations cut off",
        failed + local.failed
    );
    assert!(unanswered > 0, "seed {seed}: no kill hit any delivery, so nothing is shown");
    assert_eq!(local.end(), Some(0), "seed {seed}");
    check(&machine, seed).await;
}

/// Waits until so many deliveries are answered and the handler is there: its process.
async fn wait_until(local: &mut Local, sender: &Sender, count: usize) -> u32 {
    let mut answered = sender.answered.subscribe();
    loop {
        tokio::select! {
            biased;
            _ = answered.wait_for(|answered| *answered as usize >= count), if local.handler.is_some() => break,
            _ = local.next() => {}
        }
    }
    local.handler.unwrap()
}

/// Waits until no message waits anywhere.
async fn settle(local: &Local, key: &str) {
    loop {
        let status = local.status(key).await;
        let sources = status["sources"].as_array().unwrap();
        assert!(sources.iter().all(|source| source["dead_letters"] == 0), "{status}");
        if sources.iter().all(|source| source["active"] == 0 && source["locked"] == 0) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Each delivery has its record, each record its one message, each message its one record of `scan`, which put it off.
async fn check(machine: &Machine, seed: u64) {
    let store = machine.store();
    assert_eq!(store.list("poison").await.unwrap(), Vec::<String>::new(), "seed {seed}");
    let mut messages = BTreeSet::new();
    let taken = store.list("journal/github-webhook").await.unwrap();
    let expected: Vec<String> =
        (0..DELIVERIES).map(|number| format!("journal/github-webhook/{}", delivery_id(number))).collect();
    assert_eq!(taken, expected, "seed {seed}");
    for key in &taken {
        let record: JournalRecord = store.read(key).await.unwrap().unwrap();
        let [message] = &record.outbox.messages[..] else { panic!("seed {seed}: {record:#?}") };
        assert!(
            messages.insert(format!("journal/scan/{}", message.id)),
            "seed {seed}: two deliveries sent {message:?}"
        );
    }
    let scanned: BTreeSet<String> = store.list("journal/scan").await.unwrap().into_iter().collect();
    assert_eq!(messages.difference(&scanned).count(), 0, "seed {seed}: {:?}", messages.difference(&scanned));
    for key in &scanned {
        let record: JournalRecord = store.read(key).await.unwrap().unwrap();
        let attempt = record.wake_up.unwrap_or_else(|| panic!("seed {seed}: {key} was not put off")).message.attempt;
        // On a slow machine what was put off is tried again meanwhile.
        assert_eq!(attempt == 1, messages.contains(key), "seed {seed}: {key} put off what comes as attempt {attempt}");
    }
    let mut commits = BTreeSet::new();
    for key in store.list("wakeups").await.unwrap() {
        let put_off: WakeUp = store.read(&key).await.unwrap().unwrap();
        commits.insert(put_off.message.payload["commit"].as_str().unwrap().to_owned());
    }
    assert_eq!(commits, (0..DELIVERIES).map(commit).collect(), "seed {seed}");
}
