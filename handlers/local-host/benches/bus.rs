//! Steps of a pipeline through the durable bus: receive, send on, complete.
#![expect(clippy::unwrap_used, reason = "a benchmark that can't run has nothing to say")]

use agents::environment::clock::Clock;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use local_host::bus::{Bus, Destination, Entities, Outgoing, QueueSettings, Source};
use std::time::Duration;
use tokio::runtime::Runtime;

/// Bytes of a message: about those of an envelope of Suture.
const BODY_BYTES: usize = 1000;
/// Steps that are measured at a time.
const STEPS: usize = 2000;

/// A bus whose queue `in` has `messages` messages. Kept with the build: a temporary folder may be in memory.
fn bus(runtime: &Runtime, folder: &std::path::Path, messages: usize) -> Bus {
    let entities =
        Entities { queues: vec![QueueSettings::new("in"), QueueSettings::new("out")], subscriptions: Vec::new() };
    let bus = Bus::open(&folder.join("bus.sqlite3"), entities, Clock::System).unwrap();
    let send = |_| (Destination::Queue("in".to_owned()), Outgoing::new(vec![b'x'; BODY_BYTES]));
    runtime.block_on(bus.send((0..messages).map(send).collect())).unwrap();
    bus
}

/// Works until `steps` messages are moved from one queue to the other.
async fn work(bus: Bus, steps: usize) {
    let source = Source::Queue("in".to_owned());
    for _ in 0..steps {
        let message = bus.receive(&source, 1).await.unwrap().remove(0);
        bus.send(vec![(Destination::Queue("in".to_owned()), Outgoing::new(message.body))]).await.unwrap();
        bus.complete(message.lock).await.unwrap();
    }
}

fn steps(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let mut group = criterion.benchmark_group("bus");
    group.throughput(Throughput::Elements(STEPS as u64)).sample_size(10).measurement_time(Duration::from_secs(10));
    for workers in [1, 8, 64] {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let bus = bus(&runtime, folder.path(), 4 * workers);
        group.bench_function(format!("receive+send+complete, {workers} workers"), |bencher| {
            bencher.iter(|| {
                runtime.block_on(async {
                    let work = (0..workers).map(|_| tokio::spawn(work(bus.clone(), STEPS / workers)));
                    futures::future::join_all(work).await.into_iter().for_each(Result::unwrap);
                });
            });
        });
    }
}

criterion_group!(benches, steps);
criterion_main!(benches);
