//! Each journey to its right end, on a day without faults. They share their two processes.

use super::{grown, healed, shop};
use crate::world::on_github::SOMEBODY;
use crate::world::project::Project;
use crate::world::two_processes::{Shop, TwoProcesses};
use agents::environment::clock::Clock;
use agents::inventory::branch_key;
use pipeline::case::{Outcome, Status};
use serde_json::Value;

#[tokio::test(flavor = "multi_thread")]
async fn every_journey_comes_to_its_right_end() {
    let around = TwoProcesses::start(None).await;
    around.publish("hinge", "1.0.0");
    tokio::join!(
        push_becomes_one_proven_pull_request(&around),
        delivery_that_comes_again_is_work_once(&around),
        pushes_at_once_become_one_pull_request(&around),
        push_that_changes_nothing_leaves_the_offer(&around),
        fix_is_rebuilt_when_its_base_moved(&around),
        fix_is_rebuilt_when_its_base_was_forced(&around),
        declined_fix_is_not_offered_again(&around),
        failed_checks_make_a_draft_of_it(&around),
        merged_fix_is_verified(&around),
        merged_fix_that_somebody_undid_is_told(&around),
        advisory_that_is_published_later_needs_no_push(&around),
    );
    around.end().await;
}

/// A shop whose fix is offered.
async fn offered<'a>(around: &'a TwoProcesses, name: &str) -> Shop<'a> {
    let there = around.shop(name, &shop());
    around.settle().await;
    there.expect_offer_at_head(&healed());
    there
}

async fn push_becomes_one_proven_pull_request(around: &TwoProcesses) {
    let there = offered(around, "healed").await;
    let pull = there.open_pulls().remove(0);
    assert_eq!((pull["draft"].as_bool(), pull["title"].as_str()), (Some(false), Some("Update latch to 1.2.0")));
    let body = pull["body"].as_str().unwrap();
    for part in ["1.0.3 -> 1.2.0", "GHSA-aaaa-bbbb-cccc", "### Proof", "gone"] {
        assert!(body.contains(part), "{part}: {body}");
    }
    assert_eq!(there.case().await.status, Status::Proposed);
}

async fn delivery_that_comes_again_is_work_once(around: &TwoProcesses) {
    let there = offered(around, "again").await;
    let case = there.case().await;
    let again = around.deliver_again(&there);
    assert!(again >= 3, "{again}: a push, a branch of ours, its pull request");
    around.settle().await;
    there.expect_offer_at_head(&healed());
    assert_eq!((there.there.pulls().len(), there.case().await), (1, case));
}

async fn pushes_at_once_become_one_pull_request(around: &TwoProcesses) {
    let there = around.shop("at-once", &shop());
    there.push(&[("CHANGES.md", "more\n")]);
    around.settle().await;
    there.expect_offer_at_head(&healed());
    assert_eq!((there.there.pulls().len(), there.case().await.status), (1, Status::Proposed));
}

async fn push_that_changes_nothing_leaves_the_offer(around: &TwoProcesses) {
    let there = offered(around, "unchanged").await;
    let (pull, branch) = (there.open_pull(), there.case_id().branch());
    let commit = there.there.branch(&branch);
    there.push(&[("src/index.js", "42\n")]);
    around.settle().await;
    assert_eq!((there.open_pull(), there.there.branch(&branch)), (pull, commit));
    assert_eq!((there.there.pulls().len(), there.case().await.status), (1, Status::Proposed));
}

async fn fix_is_rebuilt_when_its_base_moved(around: &TwoProcesses) {
    let there = offered(around, "moved").await;
    let pull = there.open_pull();
    there.push_project(&grown());
    around.settle().await;
    there.expect_offer_at_head(&grown().locks("latch", "1.2.0", &[]));
    assert_eq!((there.open_pull(), there.case().await.status), (pull, Status::Proposed));
}

async fn fix_is_rebuilt_when_its_base_was_forced(around: &TwoProcesses) {
    let there = around.shop("forced", &shop());
    let first = there.there.branch("main").unwrap();
    there.push_project(&grown());
    around.settle().await;
    let pull = there.open_pull();
    // What was pushed last never happened, but something else did.
    there.there.force("side", &first, SOMEBODY);
    let other = there.there.push("side", &[("CHANGES.md", "other\n")], SOMEBODY);
    there.there.force("main", &other, SOMEBODY);
    there.there.delete("side", SOMEBODY);
    around.settle().await;
    there.expect_offer_at_head(&healed());
    assert_eq!((there.open_pull(), there.case().await.status), (pull, Status::Proposed));
}

async fn declined_fix_is_not_offered_again(around: &TwoProcesses) {
    let there = offered(around, "declined").await;
    there.there.close(there.open_pull(), SOMEBODY);
    around.settle().await;
    let case = there.case().await;
    assert_eq!((case.status, case.outcome), (Status::Suppressed, Some(Outcome::Declined)), "{case:#?}");
    there.push_project(&grown());
    around.settle().await;
    assert_eq!(there.open_pulls(), Vec::<Value>::new());
    assert_eq!(there.case().await.status, Status::Suppressed);
}

async fn failed_checks_make_a_draft_of_it(around: &TwoProcesses) {
    let there = offered(around, "failed").await;
    let commit = there.there.branch(&there.case_id().branch()).unwrap();
    there.there.check(&commit, "github-actions", "test", Some("failure"));
    around.settle().await;
    assert_eq!(there.case().await.status, Status::Failed);
    assert_eq!(there.open_pulls()[0]["draft"], true);
    assert!(there.notices().await.iter().any(|notice| notice.contains("failed: test")), "{:?}", there.notices().await);
}

async fn merged_fix_is_verified(around: &TwoProcesses) {
    let there = offered(around, "merged").await;
    there.there.merge(there.open_pull(), SOMEBODY);
    around.settle().await;
    let case = there.case().await;
    assert_eq!((case.status, case.outcome), (Status::Completed, Some(Outcome::Verified)), "{case:#?}");
    assert_eq!((there.there.pulls().len(), there.open_pulls().len()), (1, 0));
}

async fn merged_fix_that_somebody_undid_is_told(around: &TwoProcesses) {
    let there = offered(around, "undone").await;
    // Of both pushes nobody is told: what is known is that it was merged.
    around.lose(&there, "push");
    around.lose(&there, "push");
    there.there.merge(there.open_pull(), SOMEBODY);
    there.push_project(&shop());
    around.settle().await;
    let case = there.case().await;
    assert_eq!((case.status, case.outcome), (Status::Failed, Some(Outcome::NotFixed)), "{case:#?}");
    assert!(there.notices().await.iter().any(|notice| notice.contains("it is still there")));
    // A fix that did not hold where people work opens the circuit breaker: the next waits for a day.
    there.push_project(&grown());
    around.settle().await;
    let case = there.case().await;
    assert_eq!((there.there.pulls().len(), case.status), (1, Status::Initiated), "{case:#?}");
    assert!(case.reasons.iter().any(|reason| reason.starts_with("circuit breaker: ")), "{case:#?}");
}

/// An hour's share of what branches depend on is held against advisories. Should the hour end meanwhile, it begins anew.
async fn advisory_that_is_published_later_needs_no_push(around: &TwoProcesses) {
    let hour = || Clock::System.now().as_second() / 3600;
    for bolt in (0..).map(|number| format!("bolt{number}")) {
        let project = Project::new().needs(&bolt, "^1.0.0").locks(&bolt, "1.0.0", &[]);
        around.publish(&bolt, "1.0.0");
        around.publish(&bolt, "1.0.1");
        let now = hour();
        let there = around.shop(&of_the_share_of(now, around, &bolt), &project);
        around.settle().await;
        assert!(there.has_no_case().await);
        if hour() > now {
            continue;
        }
        around.osv.advise("GHSA-dddd-eeee-ffff", &bolt, "1.0.1", "MODERATE", "it gives way");
        around.an_hour_later().await;
        around.until("it is offered", async || !there.open_pulls().is_empty() || hour() > now).await;
        around.settle().await;
        if there.open_pulls().is_empty() {
            continue;
        }
        there.expect_offer_at_head(&project.locks(&bolt, "1.0.1", &[]));
        assert_eq!(there.case().await.status, Status::Proposed);
        return;
    }
}

/// A name for a shop that is of the share of `hour`.
fn of_the_share_of(hour: i64, around: &TwoProcesses, name: &str) -> String {
    let is_of = |name: &String| {
        let repository = format!("{}/octo/{name}", around.github.host()).parse().unwrap();
        let number = i64::from_str_radix(&branch_key(&repository, "main")[..8], 16).unwrap();
        number % 6 == hour % 6
    };
    (0..).map(|number| format!("{name}-{number}")).find(is_of).unwrap()
}
