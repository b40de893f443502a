//! Handler and host are killed at random moments, over and over: nothing is lost, and nothing is done twice.

use crate::world::chance::Chance;
use crate::world::host::kill;
use crate::world::staged::{Local, Machine};
use agents::environment::clock::Clock;
use agents::environment::ids::Ids;
use agents::journal::journal_key;
use pipeline::case::Status;
use pipeline::ids::{CommitSha, RepoName};
use pipeline::message::{Envelope, MONITOR_SUBSCRIPTION, MessageType, queue, topic};
use pipeline::payload::{Mode, Notification, ScanRequested};
use std::collections::BTreeSet;
use std::hash::{BuildHasher, Hasher};
use std::time::Duration;
use tokio::sync::watch;

/// Processes that are killed.
const KILLS: usize = 40;

/// After so many, all is let come to its end: a message may be delivered ten times.
const KILLS_IN_A_ROW_MAX: usize = 5;

/// Messages that are sent between two kills: 2,000 in all, and what they lead to.
const MESSAGES: usize = 50;

/// Repositories, each of which is asked to be healed once.
const REPOSITORIES: usize = 20;

/// Longer than anything takes, on a machine that has others to do: work that was put off, and whose sweep was killed before it could send
/// it, is sent again after ten minutes.
const PATIENCE: Duration = Duration::from_secs(15 * 60);

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_or_done_twice_with_a_fixed_seed() {
    survives(7).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_or_done_twice_with_a_fresh_seed() {
    let seed = std::hash::RandomState::new().build_hasher().finish();
    println!("seed {seed}: `survives({seed}).await` runs it again");
    survives(seed).await;
}

/// A message, where it is sent, and which function keeps a record of it.
struct Sent {
    to: &'static str,
    function: &'static str,
    message: Envelope,
}

/// Messages of one of the stretches between two kills: a repository to heal in some, and otherwise words for people and events.
fn messages(machine: &Machine, ids: &Ids, stretch: usize) -> Vec<Sent> {
    let root = |to, topic, payload: &serde_json::Value| {
        let now = Clock::System.now();
        Envelope::root("test", to, topic, payload, ids.run(now), now).unwrap()
    };
    let words = |number: usize| {
        let notification = Notification { case: None, subject: format!("words {stretch}/{number}"), body: Vec::new() };
        serde_json::to_value(notification).unwrap()
    };
    let mut sent = Vec::new();
    if stretch.is_multiple_of(KILLS / REPOSITORIES) {
        let repository = machine.local(stretch / (KILLS / REPOSITORIES));
        let head = repository.head().unwrap();
        let (name, commit): (RepoName, CommitSha) = (repository.name().clone(), head.commit);
        let request =
            ScanRequested { repository: name, base_branch: head.branch, commit, mode: Mode::Heal, is_anew: false };
        let message = root(queue::SCAN, topic::SCAN_REQUESTED, &serde_json::to_value(request).unwrap());
        sent.push(Sent { to: queue::SCAN, function: "scan", message });
    }
    while sent.len() < MESSAGES {
        let number = sent.len();
        let mut message = root(queue::NOTIFY, topic::NOTIFICATION_REQUESTED, &words(number));
        sent.push(if number.is_multiple_of(2) {
            Sent { to: queue::NOTIFY, function: "notify", message }
        } else {
            message.target = None;
            message.message_type = MessageType::Event;
            Sent { to: pipeline::message::AGENT_EVENTS, function: MONITOR_SUBSCRIPTION, message }
        });
    }
    sent
}

/// Sends each message until the host says that it has it.
async fn send(sent: Vec<Sent>, key: String, address: watch::Receiver<String>) -> Vec<Sent> {
    let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(10)).build().unwrap();
    for Sent { to, message, .. } in &sent {
        let body = serde_json::to_vec(message).unwrap();
        loop {
            let url = format!("http://{}/admin/messages/{to}", address.borrow().clone());
            let asked = client.post(url).header("x-functions-key", &key).body(body.clone()).send().await;
            if asked.is_ok_and(|answer| answer.status() == 201) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    sent
}

async fn survives(seed: u64) {
    let mut chance = Chance(seed);
    let machine = Machine::with_repositories(REPOSITORIES).await;
    let ids = Ids::System;
    let mut local = machine.start(&[]).await;
    let key = machine.master_key();
    let (moved, address) = watch::channel(local.address.clone());
    let (mut sending, mut cut_off) = (Vec::new(), 0);
    for stretch in 0..KILLS {
        if stretch > 0 && stretch % KILLS_IN_A_ROW_MAX == 0 {
            rest(&local, &key).await;
        }
        sending.push(tokio::spawn(send(messages(&machine, &ids, stretch), key.clone(), address.clone())));
        let pid = work(&mut local, &mut chance).await;
        if chance.below(2) == 0 {
            kill(pid);
            local.handler = None;
        } else {
            cut_off += local.failed;
            local.kill();
            local = machine.start(&[]).await;
            moved.send(local.address.clone()).unwrap();
        }
    }
    let mut sent = Vec::new();
    for task in sending {
        sent.extend(task.await.unwrap());
    }
    settle(&mut local, &machine, &key).await;
    cut_off += local.failed;
    println!("seed {seed}: {KILLS} kills, {cut_off} invocations cut off beside those of killed hosts");
    assert!(cut_off > 0, "seed {seed}: no kill hit any work, so nothing is shown");
    assert_eq!(local.end(), Some(0), "seed {seed}");
    check(&machine, &sent, seed).await;
}

/// Lets some work be done, but not all, and a moment pass: the process of the handler.
async fn work(local: &mut Local, chance: &mut Chance) -> u32 {
    let (steps, pause) = (chance.below(40), chance.below(40));
    let mut done = 0;
    while local.handler.is_none() || done < steps {
        // A host that was killed may have done all that was sent before; then there is nothing more to wait for.
        match tokio::time::timeout(Duration::from_secs(15), local.next()).await {
            Ok(event) if event["event"] == "invoked" => done += 1,
            Ok(_) => {}
            Err(_) if local.handler.is_some() => break,
            Err(_) => {}
        }
    }
    tokio::time::sleep(Duration::from_millis(pause as u64)).await;
    local.handler.unwrap()
}

/// Waits until no message waits anywhere: so that none is hit by more kills than it may be delivered, which is another rule.
async fn rest(local: &Local, key: &str) {
    let resting = tokio::time::timeout(PATIENCE, async {
        loop {
            let status = local.status(key).await;
            let sources = status["sources"].as_array().unwrap();
            if sources.iter().all(|source| source["active"] == 0 && source["locked"] == 0) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    resting.await.unwrap();
}

/// Waits until no message waits anywhere, and every repository has its case done.
async fn settle(local: &mut Local, machine: &Machine, key: &str) {
    let settled = tokio::time::timeout(PATIENCE, async {
        loop {
            let status = local.status(key).await;
            let sources = status["sources"].as_array().unwrap();
            assert!(sources.iter().all(|source| source["dead_letters"] == 0), "{status}");
            let is_idle = sources.iter().all(|source| source["active"] == 0 && source["locked"] == 0);
            let cases = machine.cases().await;
            let done = cases.iter().filter(|(case, _)| case.status == Status::Completed).count();
            if is_idle && done == REPOSITORIES {
                return;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    });
    if settled.await.is_err() {
        let put_off = machine.store().list("wakeups").await.unwrap();
        panic!("it is never done: {} {put_off:?} {:#?}", local.status(key).await, machine.cases().await);
    }
}

async fn check(machine: &Machine, sent: &[Sent], seed: u64) {
    assert_eq!(sent.len(), KILLS * MESSAGES);
    let store = machine.store();
    assert_eq!(store.list("poison").await.unwrap(), Vec::<String>::new(), "seed {seed}");
    let mut kept = BTreeSet::new();
    for function in ["scan", "notify", MONITOR_SUBSCRIPTION] {
        kept.extend(store.list(&format!("journal/{function}")).await.unwrap());
    }
    for Sent { function, message, .. } in sent {
        assert!(
            kept.contains(&journal_key(function, message.id)),
            "seed {seed}: {function} knows nothing of {message:?}"
        );
    }
    let cases = machine.cases().await;
    assert_eq!(cases.len(), REPOSITORIES, "seed {seed}");
    let mut branches = BTreeSet::new();
    for (case, records) in &cases {
        assert_eq!(case.status, Status::Completed, "seed {seed}: {case:#?}");
        let ends = records.iter().filter(|record| record.status == Some(Status::Completed)).count();
        assert_eq!(ends, 1, "seed {seed}: {records:#?}");
        branches.insert(case.case.branch());
    }
    for repository in machine.repositories() {
        let names: Vec<String> =
            repository.branches().into_iter().map(|(name, _)| name).filter(|name| name != "main").collect();
        let [branch] = names.as_slice() else { panic!("seed {seed}: one branch was expected, not {names:?}") };
        assert!(branches.remove(branch), "seed {seed}: {branch} is of no case");
        assert_eq!(repository.ahead(branch), 1, "seed {seed}: {branch}");
    }
}
