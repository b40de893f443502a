//! What a call costs does not depend on what was there before.

use super::*;

#[tokio::test]
async fn a_hundred_thousand_messages_passed_leave_the_file_small() {
    let mut bench = Bench::new(Rules::default());
    let part = 1000;
    let mut largest = 0;
    for _ in 0..100 {
        let messages = (0..part).map(|_| (Destination::Queue("in".to_owned()), Outgoing::new(vec![7; 300])));
        bench.bus().send(messages.collect()).await.unwrap();
        let received = bench.bus().receive(&queue(), part).await.unwrap();
        assert_eq!(received.len(), part);
        let done = received.iter().map(|message| bench.bus().complete(message.lock));
        futures::future::join_all(done).await.into_iter().for_each(Result::unwrap);
        largest = largest.max(std::fs::metadata(bench.file()).unwrap().len());
    }
    assert_eq!(bench.numbers().await, [0; 4]);
    assert!(largest < 4_000_000, "{largest} bytes");
    bench.close();
    let left = std::fs::metadata(bench.file()).unwrap().len();
    assert!(left < 4_000_000, "{left} bytes");
}

#[tokio::test]
async fn pages_that_a_backlog_needed_go_back_to_the_disk() {
    let bench = Bench::new(Rules::default());
    let body = vec![7; 200_000];
    for _ in 0..10 {
        let messages = (0..10).map(|_| (Destination::Queue("in".to_owned()), Outgoing::new(body.clone())));
        bench.bus().send(messages.collect()).await.unwrap();
    }
    let received = bench.bus().receive(&queue(), 100).await.unwrap();
    let pages = |bench: &Bench| {
        let connection = rusqlite::Connection::open(bench.file()).unwrap();
        connection.pragma_query_value(None, "page_count", |row| row.get::<_, i64>(0)).unwrap()
    };
    let before = pages(&bench);
    let last = received.len() - 1;
    for message in &received[..last] {
        bench.bus().complete(message.lock).await.unwrap();
    }
    // The lock of the last one keeps the writer looking at the clock, and giving back pages meanwhile.
    for _ in 0..200 {
        if pages(&bench) < before / 2 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("{} of {before} pages are still there", pages(&bench));
}
