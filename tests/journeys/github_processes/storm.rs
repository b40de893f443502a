//! Journeys in all weather: handler and host are killed at any moment, deliveries come twice and in any order, and GitHub fails, or fails to
//! say that it did what it was asked.

use super::{grown, healed, shop};
use crate::world::on_github::SOMEBODY;
use crate::world::two_processes::TwoProcesses;
use pipeline::case::{Outcome, Status};
use std::hash::{BuildHasher, Hasher};

/// Processes that are killed.
const KILLS: usize = 15;

/// Repositories of each journey.
const EACH: usize = 3;

#[tokio::test(flavor = "multi_thread")]
async fn journeys_come_to_their_right_end_with_a_fixed_seed() {
    survives(11).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn journeys_come_to_their_right_end_with_a_fresh_seed() {
    let seed = std::hash::RandomState::new().build_hasher().finish();
    println!("seed {seed}: `survives({seed}).await` runs it again");
    survives(seed).await;
}

async fn survives(seed: u64) {
    let around = TwoProcesses::start(Some(seed)).await;
    around.publish("hinge", "1.0.0");
    around.killing(seed, KILLS, journeys(&around)).await;
    let (hits, met) = (around.hits(), around.github.met_in_storm());
    println!("seed {seed}: {KILLS} kills, of which {hits} hit any work; {met} requests met a fault");
    assert!(hits > 0 && met > 0, "seed {seed}: no weather hit any work, so nothing is shown");
    around.end().await;
}

async fn journeys(around: &TwoProcesses) {
    let shops = |name: &str| -> Vec<_> { (0..EACH).map(|at| around.shop(&format!("{name}{at}"), &shop())).collect() };
    let (healing, at_once, merging) = (shops("healed"), shops("at-once"), shops("merged"));
    for there in &at_once {
        there.push(&[("CHANGES.md", "more\n")]);
        there.push_project(&grown());
    }
    around.settle().await;
    for there in &merging {
        there.there.merge(there.open_pull(), SOMEBODY);
    }
    around.settle().await;
    for there in &healing {
        there.expect_offer_at_head(&healed());
        assert_eq!((there.there.pulls().len(), there.case().await.status), (1, Status::Proposed));
    }
    for there in &at_once {
        there.expect_offer_at_head(&grown().locks("latch", "1.2.0", &[]));
        assert_eq!((there.there.pulls().len(), there.case().await.status), (1, Status::Proposed));
    }
    for there in &merging {
        let case = there.case().await;
        assert_eq!((case.status, case.outcome), (Status::Completed, Some(Outcome::Verified)), "{case:#?}");
        assert_eq!((there.there.pulls().len(), there.open_pulls().len()), (1, 0));
    }
}
