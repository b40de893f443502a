//! Trees, changed files, the App and its deliveries.

use super::{BRANCH, Desk};
use agents::environment::github::GitHubError;
use agents::environment::tree_limits::TreeLimits;
use std::time::Duration;

#[tokio::test]
async fn the_tree_of_a_commit_is_what_the_archive_holds() {
    let desk = Desk::with_files(&[
        ("package.json", "{}"),
        ("app/package-lock.json", "{\"lockfileVersion\": 3}"),
        ("link.json", "-> package.json"),
        ("node_modules/gate/package.json", "{}"),
        ("requirements.txt", "-r more.list\n"),
        ("more.list", "idna==3.4\n"),
        ("src/main.js", "main()"),
    ])
    .await;
    let later = desk.repository.push("main", &[("package.json", "{\"later\": true}")], "mona");
    let tree = desk.ours.tree(&desk.base, &TreeLimits::default()).await.unwrap();
    assert_eq!(tree.bytes("package.json"), Some(&b"{}"[..]));
    assert_eq!(tree.bytes("more.list"), Some(&b"idna==3.4\n"[..]));
    assert!(tree.contains("app/package-lock.json") && tree.contains("src/main.js"));
    assert!(!tree.contains("link.json") && !tree.contains("node_modules/gate/package.json"));
    assert_eq!((tree.has_unseen, &tree.limits_hit), (false, &Vec::new()));
    let tree = desk.ours.tree(&later, &TreeLimits::default()).await.unwrap();
    assert_eq!(tree.bytes("package.json"), Some(&b"{\"later\": true}"[..]));
}

#[tokio::test]
async fn what_attributes_keep_out_of_the_archive_or_change_is_read_as_git_has_it() {
    let attributes = ".gitattributes export-ignore\napp export-ignore\nrequirements.txt eol=crlf\nmore.list eol=crlf\n";
    let desk = Desk::with_files(&[
        (".gitattributes", attributes),
        ("app/package-lock.json", "{\"hidden\": true}"),
        ("app/node_modules/gate/package.json", "{}"),
        ("requirements.txt", "-r more.list\n"),
        ("more.list", "idna==3.4\n"),
    ])
    .await;
    let tree = desk.ours.tree(&desk.base, &TreeLimits::default()).await.unwrap();
    assert_eq!(tree.bytes("app/package-lock.json"), Some(&b"{\"hidden\": true}"[..]));
    assert_eq!(tree.bytes("requirements.txt"), Some(&b"-r more.list\n"[..]));
    assert_eq!(tree.bytes("more.list"), Some(&b"idna==3.4\n"[..]));
    assert!(!tree.contains("app/node_modules/gate/package.json"));
    assert_eq!((tree.has_unseen, &tree.limits_hit), (false, &Vec::new()));
    let limits = TreeLimits { file_bytes_max: 12, ..TreeLimits::default() };
    assert!(desk.ours.tree(&desk.base, &limits).await.unwrap().has_unseen);
}

#[tokio::test]
async fn the_code_of_a_commit_is_in_the_archive_of_its_tree() {
    let usual = TreeLimits::default();
    let desk = Desk::with_files(&[
        ("package.json", "{}"),
        ("package-lock.json", "{}"),
        ("src/main.js", "main()"),
        ("vendor/x.js", "x()"),
        ("node_modules/gate/index.js", "gate()"),
    ])
    .await;
    let (tree, archive) = desk.ours.tree_and_archive(&desk.base, &usual).await.unwrap();
    let sources = archive.sources().await.unwrap();
    assert_eq!((tree.bytes("src/main.js"), sources.bytes("src/main.js")), (None, Some(&b"main()"[..])));
    assert_eq!(sources.bytes("vendor/x.js"), Some(&b"x()"[..]));
    assert!(sources.bytes("package-lock.json").is_none() && !sources.contains("node_modules/gate/index.js"));
    assert!(!sources.has_unseen, "{:?}", sources.limits_hit);

    for hidden in ["src", "vendor/x.js"] {
        let attributes = format!("{hidden} export-ignore\n");
        let files = [("src/main.js", "main()"), ("vendor/x.js", "x()"), (".gitattributes", attributes.as_str())];
        let desk = Desk::with_files(&files).await;
        let (tree, archive) = desk.ours.tree_and_archive(&desk.base, &usual).await.unwrap();
        assert_eq!((tree.has_unseen, archive.sources().await.unwrap().has_unseen), (false, true), "{hidden}");
    }
}

#[tokio::test]
async fn what_is_over_a_limit_is_left_out_of_the_tree_and_said() {
    let usual = TreeLimits::default();
    let rows = [
        TreeLimits { file_bytes_max: 4, ..usual },
        TreeLimits { tree_bytes_max: 4, ..usual },
        TreeLimits { entries_max: 1, ..usual },
        TreeLimits { files_max: 1, ..usual },
        TreeLimits { depth_max: 1, ..usual },
        TreeLimits { path_bytes_max: 4, ..usual },
    ];
    let files = [("a/b/package.json", "{\"a\": 1}"), ("package.json", "{\"b\": 1}")];
    let desk = Desk::with_files(&files).await;
    for limits in rows {
        let tree = desk.ours.tree(&desk.base, &limits).await.unwrap();
        assert!(tree.has_unseen && !tree.limits_hit.is_empty(), "{limits:?}");
    }
}

#[tokio::test]
async fn a_commit_that_is_not_there_is_absent() {
    let desk = Desk::new().await;
    let nowhere = "0123456789012345678901234567890123456789".parse().unwrap();
    let asked = desk.ours.commit(&nowhere).await;
    assert!(matches!(asked, Err(GitHubError::Absent { .. })), "{asked:?}");
}

#[tokio::test]
async fn changed_files_have_both_names_of_a_renamed_one() {
    let text = "a line that is long enough to be known again\n".repeat(9);
    let desk = Desk::with_files(&[("a.txt", &text), ("b.txt", "b"), ("c.txt", "c")]).await;
    let next = desk.repository.push("main", &[("a.txt", ""), ("d.txt", &text), ("b.txt", "B"), ("e.txt", "e")], "mona");
    let changed = desk.ours.changed_files(&desk.base, &next).await.unwrap();
    assert_eq!(
        (changed.paths, changed.is_cut),
        (["a.txt", "b.txt", "d.txt", "e.txt"].map(str::to_owned).to_vec(), false)
    );
}

#[tokio::test]
async fn changed_files_of_what_was_forced_may_not_be_all() {
    let desk = Desk::new().await;
    let dropped = desk.repository.push("main", &[("a.txt", "a")], "mona");
    desk.repository.force("main", &desk.base, "mona");
    let forced = desk.repository.push("main", &[("b.txt", "b")], "mona");
    let changed = desk.ours.changed_files(&dropped, &forced).await.unwrap();
    assert!(changed.is_cut);
    assert!(desk.ours.changed_files(&dropped, &desk.base).await.unwrap().is_cut);
    assert!(!desk.ours.changed_files(&desk.base, &desk.base).await.unwrap().is_cut);
}

#[tokio::test]
async fn branches_are_found_by_their_whole_name() {
    let desk = Desk::new().await;
    let tip = desk.repository.push("feature/ü#c+d%e", &[("a.txt", "a")], "mona");
    assert_eq!(desk.ours.branch("feature/ü#c+d%e").await.unwrap(), Some(tip));
    assert_eq!(desk.ours.branch("feature").await.unwrap(), None);
    assert_eq!(desk.ours.branch(BRANCH).await.unwrap(), None);
}

#[tokio::test]
async fn the_app_says_what_it_is_and_where() {
    let desk = Desk::new().await;
    for number in 0..130 {
        desk.github.repository(&format!("octo/repository-{number}"), &[("a.txt", "a")]);
    }
    let app = desk.client.app().await.unwrap();
    assert_eq!((app.slug.as_str(), app.permissions["contents"].as_str()), (crate::world::github::SLUG, "write"));
    let hook = desk.client.hook().await.unwrap();
    assert!(hook.has_secret() && hook.url.is_some());
    let installations = desk.client.installations().await.unwrap();
    assert_eq!((installations.items.len(), installations.is_cut), (1, false));
    let mut repositories = Vec::new();
    for (page, expect) in [(1, 100), (2, 31)] {
        let listed = desk.client.installation_repositories(installations.items[0].id, page).await.unwrap();
        assert_eq!((listed.repositories.len(), listed.pages), (expect, 2));
        repositories.extend(listed.repositories);
    }
    assert_eq!((&repositories[0].name, repositories[0].is_closed), (&desk.repository.name(), false));
    assert_eq!(desk.client.server_time().await.unwrap(), Some(super::NOW.parse().unwrap()));
}

#[tokio::test]
async fn deliveries_that_nobody_took_are_found_and_asked_for_again() {
    let desk = Desk::new().await;
    let [first, ..] = &desk.github.take_deliveries()[..] else { panic!("a push was told") };
    desk.repository.push("main", &[("a.txt", "a")], "mona");
    let [second] = &desk.github.take_deliveries()[..] else { panic!("a push was told") };
    desk.github.note_delivery(first, 502);
    desk.github.note_delivery(second, 0);
    desk.github.note_delivery(first, 200);
    let since = super::NOW.parse().unwrap();
    let failed = desk.client.failed_deliveries(since).await.unwrap();
    let told: Vec<_> =
        failed.items.iter().map(|one| (one.guid.as_str(), one.event.as_str(), one.status_code)).collect();
    assert_eq!(told, [(second.guid.as_str(), "push", 0)]);
    desk.client.redeliver(failed.items[0].id).await.unwrap();
    assert_eq!(desk.github.take_deliveries(), std::slice::from_ref(second));
    let later = since + Duration::from_secs(1);
    assert_eq!(desk.client.failed_deliveries(later).await.unwrap().items, []);
}
