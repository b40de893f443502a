//! Every parser of foreign bytes, fed what nobody should have written: no panic, and an answer in bounded time.
//!
//! It runs in CI as it is. For a long run: `PROPTEST_CASES=20000 cargo test --release -p tests foreign_bytes`. A failing
//! input is printed, made as small as it goes; keep it as a seed of its parser.

mod documents;
mod git_trees;
mod mutation;
mod projects;
mod registries;

use agents::environment::settings::Settings;
use mutation::{Mutation, mutate, mutations};
use proptest::test_runner::{Config, TestRunner};
use std::time::Duration;

/// Inputs for each parser where `PROPTEST_CASES` does not say otherwise.
const CASES: u32 = 512;

/// How long one input may take, in a debug build on a busy machine.
const INPUT_S_MAX: u64 = 10;

fn runner() -> TestRunner {
    let set = Settings::read().registries.environment.get("PROPTEST_CASES").and_then(|cases| cases.parse().ok());
    TestRunner::new(Config { cases: set.unwrap_or(CASES), failure_persistence: None, ..Config::default() })
}

/// Feeds `read` each seed as it is, then mutations of them.
fn check(seeds: &[&[u8]], read: impl Fn(&[u8])) {
    seeds.iter().for_each(|seed| in_time(&read, seed));
    let strategy = (proptest::sample::select((0..seeds.len()).collect::<Vec<_>>()), mutations());
    let run = runner().run(&strategy, |(seed, steps): (usize, Vec<Mutation>)| {
        in_time(&read, &mutate(seeds[seed], seeds, &steps));
        Ok(())
    });
    if let Err(failure) = run {
        panic!("{failure}");
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "what is measured is how long the machine takes, not a time of the program"
)]
fn in_time(read: &impl Fn(&[u8]), input: &[u8]) {
    let begin = std::time::Instant::now();
    read(input);
    let took = begin.elapsed();
    assert!(took < Duration::from_secs(INPUT_S_MAX), "{took:?} for {} bytes", input.len());
}

/// Text where the parser takes text: what is not UTF-8 never reaches it.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
