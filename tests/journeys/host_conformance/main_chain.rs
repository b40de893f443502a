//! The real handler under the local host: a case from its beginning to its end.

use crate::world::staged::Machine;
use pipeline::case::Status;

#[tokio::test(flavor = "multi_thread")]
async fn repository_is_healed_through_the_real_handler() {
    let machine = Machine::with_repositories(1).await;
    let mut local = machine.start(&["--scan"]).await;
    loop {
        let event = local.wait_for("invoked").await;
        if event["function"] == "verify" {
            break;
        }
    }
    let key = machine.master_key();
    loop {
        let status = local.status(&key).await;
        let sources = status["sources"].as_array().unwrap();
        assert!(sources.iter().all(|source| source["dead_letters"] == 0), "{status}");
        if sources.iter().all(|source| source["active"] == 0 && source["locked"] == 0) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    let health = reqwest::Client::builder().no_proxy().build().unwrap();
    let health = health.get(format!("http://{}/api/health", local.address)).header("x-functions-key", &key);
    assert_eq!(health.send().await.unwrap().status(), 200);
    assert_eq!(local.end(), Some(0));
    let cases = machine.cases().await;
    let [(case, _)] = cases.as_slice() else { panic!("one case was expected, not {cases:#?}") };
    assert_eq!(case.status, Status::Completed, "{case:#?}");
    let branch = case.delivery.as_ref().unwrap().branch.clone().unwrap();
    assert_eq!(machine.repositories()[0].ahead(&branch), 1);
}
