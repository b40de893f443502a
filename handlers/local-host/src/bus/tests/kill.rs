//! `kill -9` at any moment loses nothing that was acknowledged.

use super::*;
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Where the child keeps its bus. Set: this process is the child.
const FILE: &str = "SUTURE_TEST_BUS_FILE";
const KILLS: u64 = 20;

fn entities() -> Entities {
    Entities { queues: vec![QueueSettings::new("in"), QueueSettings::new("out")], subscriptions: Vec::new() }
}

/// Sends numbered messages, moves them on from one queue to the other, and prints what was acknowledged.
#[test]
#[ignore = "is the process that the next test kills"]
#[expect(clippy::disallowed_methods, reason = "a child is told by its environment where to work")]
fn child() {
    let Ok(file) = std::env::var(FILE) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let bus = Bus::open(file.as_ref(), entities(), Clock::System).unwrap();
        let workers = (0..4).map(|worker| tokio::spawn(work(bus.clone(), worker)));
        futures::future::join_all(workers).await;
    });
}

async fn work(bus: Bus, worker: u64) {
    for number in 0.. {
        let name = format!("{}-{worker}-{number}", std::process::id());
        let message = (Destination::Queue("in".to_owned()), Outgoing::new(name.clone()));
        bus.send(vec![message]).await.unwrap();
        say(&name);
        for message in bus.receive(&queue(), 1).await.unwrap() {
            let moved = (Destination::Queue("out".to_owned()), Outgoing::new(message.body));
            bus.send(vec![moved]).await.unwrap();
            bus.complete(message.lock).await.unwrap();
        }
    }
}

fn say(line: &str) {
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "ack {line}").unwrap();
    stdout.flush().unwrap();
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the child is a process, so that it can be killed")]
fn every_acknowledged_message_survives_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bus.sqlite3");
    let mut acknowledged = BTreeSet::new();
    for round in 0..KILLS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["bus::tests::kill::child", "--exact", "--ignored", "--nocapture"])
            .env(FILE, &file)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = child.stdout.take().unwrap();
        let reader = std::thread::spawn(move || {
            let lines = BufReader::new(output).lines().map_while(Result::ok);
            lines.filter_map(|line| line.split("ack ").nth(1).map(str::to_owned)).collect::<Vec<_>>()
        });
        // Moments that are spread over the first of its life: opening included.
        std::thread::sleep(Duration::from_millis(5 + round * round * 37 % 400));
        child.kill().unwrap();
        child.wait().unwrap();
        acknowledged.extend(reader.join().unwrap());
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut found = BTreeSet::new();
    runtime.block_on(async {
        let bus = Bus::open(&file, entities(), Clock::System).unwrap();
        for source in [queue(), Source::Queue("out".to_owned())] {
            for dead in [false, true] {
                loop {
                    let received = if dead {
                        bus.receive_dead_letters(&source, 1000).await.unwrap()
                    } else {
                        bus.receive(&source, 1000).await.unwrap()
                    };
                    if received.is_empty() {
                        break;
                    }
                    found.extend(received.into_iter().map(|message| String::from_utf8(message.body).unwrap()));
                }
            }
        }
    });
    let lost: Vec<_> = acknowledged.difference(&found).collect();
    assert!(lost.is_empty(), "of {} acknowledged, lost: {lost:?}", acknowledged.len());
    assert!(acknowledged.len() > 100, "only {} were acknowledged", acknowledged.len());
}
