//! Many at once.

use super::{healed, shop};
use crate::world::two_processes::TwoProcesses;
use agents::inventory::Inventory;
use pipeline::case::Status;

/// Repositories, of which every other one is vulnerable.
const REPOSITORIES: usize = 50;

/// Pushes to each, the first included.
const PUSHES: usize = 10;

#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_pushes_open_one_pull_request_for_each_vulnerable_repository() {
    let around = TwoProcesses::start(None).await;
    let project = |number: usize| if number.is_multiple_of(2) { shop() } else { healed() };
    let shops: Vec<_> =
        (0..REPOSITORIES).map(|number| around.shop(&format!("shop{number}"), &project(number))).collect();
    for push in 1..PUSHES {
        for there in &shops {
            // Every third changes what is read.
            let file = if push.is_multiple_of(3) { "lib/package.json" } else { "README.md" };
            there.push(&[(file, &format!("{{\"version\": \"{push}.0.0\"}}\n"))]);
        }
    }
    around.settle().await;
    for (number, there) in shops.iter().enumerate() {
        let inventory = Inventory::find(around.store(), &there.there.name(), "main").await.unwrap().unwrap();
        assert_eq!(Some(inventory.commit), there.there.branch("main"), "shop {number}");
        if number.is_multiple_of(2) {
            there.expect_offer(&healed());
            assert_eq!((there.there.pulls().len(), there.case().await.status), (1, Status::Proposed), "shop {number}");
        } else {
            assert!(there.has_no_case().await && there.there.pulls().is_empty(), "shop {number}");
            assert_eq!(there.there.branches(), ["main"], "shop {number}");
        }
    }
    assert_eq!(around.pushes_told(), REPOSITORIES * PUSHES);
    around.end().await;
}
