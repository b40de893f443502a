//! Is the share of wrong merges without people as small as the policy says, in worlds that are not made of our own model?
//!
//! `SUTURE_CONFIDENCE_SEEDS=1 cargo test --workspace --locked -- confidence --nocapture` prints the figures of all worlds and rates. Without the
//! number, some of them have to do: all take minutes in a build that is not optimised.

mod life;
mod luck;
mod nature;

use life::{Ledger, live};
use nature::{Nature, quiet};
use pipeline::learning::Model;
use std::collections::BTreeMap;

/// So many cases has a life.
const CASES: usize = 10_000;

/// What policies allow.
const RATES: [f64; 3] = [0.02, 0.05, 0.1];

/// So many wrong merges of one life are beyond the rate, whatever it is: those that are borne before anything is known, with what nobody
/// notices of them, and what is under way when the first is noticed.
const BEYOND: f64 = 5.0;

/// The lives that are always lived: world and rate.
const ALWAYS: [(&str, f64); 9] = [
    ("quiet", 0.02),
    ("quiet", 0.05),
    ("calm", 0.1),
    ("linear", 0.1),
    ("seasonal", 0.1),
    ("quiet, then seasonal", 0.1),
    ("quiet, then sudden", 0.1),
    ("quiet, with contagion", 0.05),
    ("all at once", 0.1),
];

/// World, rate and seed of each life: of all worlds and rates, as many as `SUTURE_CONFIDENCE_SEEDS` says.
fn lives() -> Vec<(Nature, f64, u64)> {
    #[expect(clippy::disallowed_methods, reason = "how many lives a test lives is no setting of the program")]
    let seeds: Option<u64> = std::env::var("SUTURE_CONFIDENCE_SEEDS").ok().and_then(|seeds| seeds.parse().ok());
    let worlds = nature::all().into_iter().flat_map(|nature| RATES.map(|rate| (nature.clone(), rate)));
    let worlds = worlds.filter(|(nature, rate)| seeds.is_some() || ALWAYS.contains(&(nature.name, *rate)));
    worlds.flat_map(|(nature, rate)| (0..seeds.unwrap_or(1)).map(move |seed| (nature.clone(), rate, seed))).collect()
}

/// Lives all of them, two at a time: the name of the world, the rate, what came of it.
fn live_all(lives: &[(Nature, f64, u64)]) -> Vec<(&'static str, f64, Ledger)> {
    let (one, other) = lives.split_at(lives.len() / 2);
    let work = |part: &[(Nature, f64, u64)]| -> Vec<_> {
        part.iter().map(|(nature, rate, seed)| (nature.name, *rate, live(nature, CASES, *rate, *seed))).collect()
    };
    std::thread::scope(|scope| {
        let other = scope.spawn(|| work(other));
        let mut all = work(one);
        all.extend(other.join().unwrap());
        all
    })
}

/// Right and wrong merges of several lives.
#[derive(Default)]
struct Sum {
    offered: u64,
    unattended: u64,
    wrong: u64,
    noticed: u64,
}

impl Sum {
    fn add(&mut self, ledger: &Ledger) {
        self.offered += ledger.offered;
        self.unattended += ledger.unattended;
        self.wrong += ledger.wrong;
        self.noticed += ledger.noticed;
    }

    fn share(&self) -> f64 {
        self.wrong as f64 / self.unattended.max(1) as f64
    }
}

#[test]
fn share_of_wrong_merges_without_people_stays_within_the_rate() {
    let lives = live_all(&lives());
    let mut rows: BTreeMap<(&str, String), Sum> = BTreeMap::new();
    let mut rates: BTreeMap<String, (f64, Sum)> = BTreeMap::new();
    for (name, rate, ledger) in &lives {
        rows.entry((name, rate.to_string())).or_default().add(ledger);
        let of_rate = rates.entry(rate.to_string()).or_insert_with(|| (*rate, Sum::default()));
        of_rate.1.add(ledger);
        let allowed = rate * ledger.unattended as f64 + BEYOND;
        assert!((ledger.wrong as f64) < allowed, "{name}, {rate}: {} wrong of {}", ledger.wrong, ledger.unattended);
    }
    println!(
        "{:24} {:>5} {:>8} {:>10} {:>6} {:>7} {:>7}",
        "world", "rate", "offered", "unattended", "wrong", "undone", "share"
    );
    for ((name, rate), Sum { offered, unattended, wrong, noticed, .. }) in &rows {
        let share = *wrong as f64 / (*unattended).max(1) as f64;
        println!("{name:24} {rate:>5} {offered:>8} {unattended:>10} {wrong:>6} {noticed:>7} {share:>7.4}");
    }
    for (rate, sum) in rates.values() {
        println!("all worlds at {rate}: {} of {} are wrong, {:.4}", sum.wrong, sum.unattended, sum.share());
        assert!(sum.share() < *rate, "{rate}: {}", sum.share());
    }
    for (name, rate, ledger) in &lives {
        let least = match (*name, *rate) {
            ("quiet", 0.05) => 1000,
            ("quiet" | "calm", 0.1) => 2000,
            _ => 0,
        };
        let merged = ledger.unattended;
        assert!(merged >= least, "{name}, {rate}: what is right is merged, and not {merged} times");
    }
}

#[test]
fn calibration_of_a_life_is_as_good_as_its_confidence() {
    let Ledger { learned, .. } = live(&quiet(), CASES / 5, 0.1, 1);
    let Model { calibration, .. } = learned;
    println!("Brier score {:.4}", calibration.brier().unwrap());
    for row in calibration.rows() {
        println!(
            "{:.1} to {:.1}: {:5} fixes, expected {:.3}, seen {:.3} ({:.3} to {:.3})",
            row.from, row.to, row.fixes, row.expected, row.seen, row.interval.0, row.interval.1
        );
    }
    assert!(calibration.brier().unwrap() < 0.02, "nearly all are right, and nearly all are believed in");
}
