//! Files that are torn, foreign, newer or in use.

use super::*;
use crate::bus::{BusError, mark::Mark};
use rusqlite::Connection;
use std::fs;

fn reopened(bench: &Bench) -> Result<Bus, BusError> {
    Bus::open(&bench.file(), bench.entities.clone(), bench.clock.clone())
}

fn wal(bench: &Bench) -> PathBuf {
    bench.folder.path().join("bus.sqlite3-wal")
}

/// A copy of the files as a crash leaves them, log included, opened in another folder.
pub(super) fn crashed(bench: &Bench) -> Bench {
    let folder = folder();
    for entry in fs::read_dir(bench.folder.path()).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), folder.path().join(entry.file_name())).unwrap();
    }
    Bench { folder, clock: bench.clock.clone(), entities: bench.entities.clone(), bus: None }
}

async fn with_messages(number: usize) -> Bench {
    let bench = Bench::new(Rules::default());
    for body in 0..number {
        bench.send(&format!("message {body} {}", "x".repeat(500))).await;
    }
    bench
}

#[tokio::test]
async fn what_was_sent_is_there_after_a_crash() {
    let mut after = crashed(&with_messages(20).await);
    assert!(fs::metadata(wal(&after)).unwrap().len() > 0);
    after.reopen();
    assert_eq!(after.receive().await.len(), 20);
}

#[tokio::test]
async fn numbers_of_a_sending_that_was_undone_are_not_missed() {
    let bench = with_messages(1).await;
    let queue = Destination::Queue("in".to_owned());
    let half = vec![
        (queue.clone(), Outgoing::new("undone")),
        (queue, Outgoing::new("undone")),
        (Destination::Queue("nobody".to_owned()), Outgoing::new("heard by nobody")),
    ];
    bench.bus().send(half).await.unwrap_err();
    let mut after = crashed(&bench);
    after.reopen();
    assert_eq!(after.receive().await.len(), 1);
}

#[tokio::test]
async fn a_log_that_was_cut_off_is_told() {
    let bench = with_messages(20).await;
    let length = fs::metadata(wal(&bench)).unwrap().len();
    for kept in [0, 32, length / 2, length - 4120] {
        let after = crashed(&bench);
        fs::File::options().write(true).open(wal(&after)).unwrap().set_len(kept).unwrap();
        let error = reopened(&after).unwrap_err();
        assert!(matches!(&error, BusError::Damaged { .. }), "{kept}: {error}");
        let mark = Mark::path(&after.file());
        assert!(error.to_string().contains("suture restore") && error.to_string().contains(mark.to_str().unwrap()));
        fs::remove_file(mark).unwrap();
        reopened(&after).unwrap();
    }
}

#[tokio::test]
async fn an_emptied_or_removed_file_is_told() {
    let mut bench = with_messages(3).await;
    bench.close();
    fs::write(bench.file(), "").unwrap();
    assert!(matches!(reopened(&bench).unwrap_err(), BusError::Damaged { .. }));
    fs::remove_file(bench.file()).unwrap();
    assert!(matches!(reopened(&bench).unwrap_err(), BusError::Damaged { .. }));
}

/// Every message is there as it was, or a word is said.
#[tokio::test]
async fn a_flipped_byte_anywhere_is_told_or_does_no_harm() {
    let mut bench = with_messages(20).await;
    let torn_log = crashed(&bench);
    bench.close();
    let (mut told, mut whole) = (0, 0);
    for (original, is_log) in [(&bench, false), (&torn_log, true)] {
        let file = |bench: &Bench| if is_log { wal(bench) } else { bench.file() };
        let length = fs::metadata(file(original)).unwrap().len() as usize;
        for step in 0..120 {
            let mut after = crashed(original);
            let mut bytes = fs::read(file(&after)).unwrap();
            bytes[step * length / 120] ^= 0x55;
            fs::write(file(&after), bytes).unwrap();
            match reopened(&after) {
                Err(error) => {
                    assert!(error.to_string().contains("bus.sqlite3"), "{error}");
                    told += 1;
                }
                Ok(bus) => {
                    after.bus = Some(bus);
                    let received = match after.bus().receive(&queue(), 100).await {
                        Ok(received) => received,
                        Err(error) => {
                            assert!(matches!(error, BusError::Damaged { .. } | BusError::Storage { .. }), "{error}");
                            told += 1;
                            continue;
                        }
                    };
                    let dead = after.bus().dead_letters(&queue(), 0, 100).await.unwrap();
                    assert!(dead.iter().all(|dead| dead.dead_letter_reason.as_deref() == Some("Damaged")));
                    assert_eq!(received.len() + dead.len(), 20, "{step} {is_log}");
                    let mut bodies: Vec<_> = received.iter().map(|message| message.body.clone()).collect();
                    bodies.sort();
                    bodies.dedup();
                    assert_eq!(bodies.len(), received.len());
                    assert!(bodies.iter().all(|body| body.starts_with(b"message ") && body.ends_with(&[b'x'; 500])));
                    if dead.is_empty() { whole += 1 } else { told += 1 }
                }
            }
        }
    }
    assert!(told > 0 && whole > 0, "{told} told, {whole} whole");
}

#[tokio::test]
async fn a_file_cut_anywhere_is_told() {
    let mut bench = with_messages(50).await;
    bench.close();
    let length = fs::metadata(bench.file()).unwrap().len();
    for part in 0..8 {
        let after = crashed(&bench);
        fs::File::options().write(true).open(after.file()).unwrap().set_len(part * length / 8).unwrap();
        let error = reopened(&after).unwrap_err();
        assert!(matches!(error, BusError::Damaged { .. } | BusError::Foreign { .. }), "{part}: {error}");
    }
}

#[test]
fn other_files_are_refused_and_left_as_they_are() {
    let check = |make: &dyn Fn(&PathBuf), expect: &str| {
        let folder = folder();
        let file = folder.path().join("bus.sqlite3");
        make(&file);
        let before = fs::read(&file).unwrap();
        let error = Bus::open(&file, Entities::default(), Clock::System).unwrap_err().to_string();
        let name = file.display().to_string();
        assert_eq!(error, expect.replace("FILE", &name));
        assert_eq!(fs::read(&file).unwrap(), before);
    };
    check(
        &|file| fs::write(file, "not a database, but long enough to be taken for one ".repeat(100)).unwrap(),
        "FILE is not the file of a bus (it is no SQLite file); move it away, or choose another --state",
    );
    check(
        &|file| Connection::open(file).unwrap().execute_batch("CREATE TABLE other(a)").unwrap(),
        "FILE is not the file of a bus (it has other tables); move it away, or choose another --state",
    );
    check(
        &|file| {
            drop(Bus::open(file, Entities::default(), Clock::System).unwrap());
            Connection::open(file).unwrap().pragma_update(None, "user_version", 99).unwrap();
        },
        "FILE was written by a newer version (schema 99; this one knows 2); run the newer version",
    );
}

#[test]
fn a_bus_that_is_open_is_not_opened_again() {
    let bench = Bench::new(Rules::default());
    let error = reopened(&bench).unwrap_err();
    assert_eq!(error, BusError::InUse { file: bench.file() });
    assert!(error.to_string().ends_with("is in use by another process; stop the other one, or choose another --state"));
}

#[tokio::test]
async fn damaged_dead_letters_do_not_keep_others_from_being_replayed() {
    let bench = Bench::new(Rules::default());
    let to = Destination::Queue("in".to_owned());
    bench.bus().send((0..1200).map(|_| (to.clone(), Outgoing::new("x"))).collect()).await.unwrap();
    let file = Connection::open(bench.file()).unwrap();
    file.execute("UPDATE message SET dead = 1, checksum = checksum + iif(sequence_number <= 1198, 1, 0)", []).unwrap();
    assert_eq!(bench.bus().replay(&queue(), 1).await.unwrap(), 1);
    assert_eq!(bench.bus().replay(&queue(), 1000).await.unwrap(), 1);
    assert_eq!(bench.numbers().await, [2, 0, 0, 1198]);
}
