//! A full disk, and one that can't be written.

use super::*;
use crate::bus::BusError;
use rusqlite::Connection;
use std::fs;

/// Lets the file grow to `pages` pages more, as a disk with little room would.
async fn limit(bench: &Bench, pages: Option<i64>) {
    let set = move |session: &mut crate::bus::session::Session<'_>| {
        let count: i64 = session.connection.pragma_query_value(None, "page_count", |row| row.get(0))?;
        let pages = pages.map_or(i64::from(u32::MAX) / 2, |pages| count + pages);
        session.connection.pragma_update(None, "max_page_count", pages).or_else(|error| match error {
            rusqlite::Error::ExecuteReturnedResults => Ok(()),
            error => Err(error),
        })?;
        Ok(())
    };
    bench.bus().ask(crate::bus::call::Survives::Nothing, set).await.unwrap();
}

#[tokio::test]
async fn on_a_full_disk_a_send_fails_in_words_and_goes_on_when_there_is_room() {
    let bench = Bench::new(Rules::default());
    bench.send("before").await;
    limit(&bench, Some(10)).await;
    let send =
        |body: usize| bench.bus().send(vec![(Destination::Queue("in".to_owned()), Outgoing::new(vec![b'x'; body]))]);
    let error = send(100_000).await.unwrap_err();
    assert_eq!(error, BusError::Full { file: bench.file() });
    assert!(error.to_string().starts_with("no space is left for ") && error.to_string().contains("goes on by itself"));
    // One that has no room takes nothing from those beside it.
    let source = queue();
    let (large, small, received) = tokio::join!(send(100_000), send(10), bench.bus().receive(&source, 1));
    assert_eq!((large, small), (Err(BusError::Full { file: bench.file() }), Ok(())));
    let received = received.unwrap().remove(0);
    assert_eq!(received.body, b"before");
    bench.bus().complete(received.lock).await.unwrap();
    limit(&bench, None).await;
    send(100_000).await.unwrap();
    assert_eq!(bench.numbers().await, [2, 0, 0, 0]);
}

/// Locks that can't be ended are no reason to be busy: they are tried again once a second.
#[tokio::test]
async fn on_a_full_disk_locks_that_ran_out_are_tried_again_now_and_then() {
    let bench = Bench::new(Rules { max_delivery_count: 1, ..Rules::default() });
    for _ in 0..100 {
        bench.send(&"x".repeat(500)).await;
    }
    assert_eq!(bench.receive().await.len(), 100);
    limit(&bench, Some(0)).await;
    // Rows that were changed, also by what was undone.
    let changes = async || {
        let look = |session: &mut crate::bus::session::Session<'_>| {
            Ok(session.connection.query_row("SELECT total_changes()", [], |row| row.get::<_, i64>(0))?)
        };
        bench.bus().ask(crate::bus::call::Survives::Nothing, look).await.unwrap()
    };
    let before = changes().await;
    bench.later(60_000);
    let tried = changes().await;
    assert!(tried > before);
    for _ in 0..10 {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        assert_eq!(changes().await, tried);
    }
    bench.later(1000);
    assert!(changes().await > tried);
    assert_eq!(bench.numbers().await, [0, 100, 0, 0]);
    limit(&bench, None).await;
    bench.later(1000);
    assert_eq!(bench.numbers().await, [0, 0, 0, 100]);
}

/// On a file system of its own that is really full, where there is leave to make one.
#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "a file system is mounted by a program")]
async fn a_file_system_that_is_full_loses_nothing_and_goes_on_when_there_is_room() {
    let mut bench = Bench::new(Rules::default());
    bench.close();
    let mount = bench.folder.path().join("small");
    fs::create_dir(&mount).unwrap();
    let options = ["-t", "tmpfs", "-o", "size=2m", "tmpfs"];
    let mounted = std::process::Command::new("mount").args(options).arg(&mount).output();
    if !mounted.is_ok_and(|output| output.status.success()) {
        eprintln!("no leave to mount a file system: not tested");
        return;
    }
    let file = mount.join("bus.sqlite3");
    let outcome = fill(&bench, &file, &mount).await;
    let _ = std::process::Command::new("umount").arg("-l").arg(&mount).output();
    outcome.unwrap();
}

async fn fill(bench: &Bench, file: &std::path::Path, mount: &std::path::Path) -> Result<(), BusError> {
    let open = || Bus::open(file, bench.entities.clone(), bench.clock.clone());
    let bus = open()?;
    let ballast = mount.join("ballast");
    fs::write(&ballast, vec![0; 600_000]).unwrap();
    let mut accepted = 0;
    let send = |bus: &Bus| {
        let bus = bus.clone();
        async move { bus.send(vec![(Destination::Queue("in".to_owned()), Outgoing::new(vec![b'x'; 20_000]))]).await }
    };
    loop {
        match send(&bus).await {
            Ok(()) => accepted += 1,
            Err(error) => {
                assert_eq!(error, BusError::Full { file: file.to_owned() });
                break;
            }
        }
        assert!(accepted < 200);
    }
    assert_eq!(bus.counts().await?[0].active, accepted);
    fs::remove_file(&ballast).unwrap();
    send(&bus).await?;
    drop(bus);
    let bus = open()?;
    assert_eq!(bus.receive(&queue(), 1000).await?.len() as u64, accepted + 1);
    Ok(())
}

#[tokio::test]
async fn while_another_process_writes_the_file_calls_wait_for_it() {
    let bench = Bench::new(Rules::default());
    let other = Connection::open(bench.file()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let release = async {
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        other.execute_batch("COMMIT").unwrap();
    };
    tokio::join!(bench.send("x"), release);
    assert_eq!(bench.receive().await, ["x"]);
}

#[test]
fn a_folder_that_is_none_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let error = Bus::open(&file.join("bus.sqlite3"), Entities::default(), Clock::System).unwrap_err();
    assert!(error.to_string().starts_with(&file.display().to_string()), "{error}");
}
