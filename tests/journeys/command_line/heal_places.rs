//! `suture heal` in repositories of every kind, and where there is none.

use super::{Desk, shop, write};
use crate::world::program::run;
use crate::world::repository::GitRepository;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_repository_with_a_commit_is_refused() {
    let desk = Desk::with_hole("MODERATE").await;
    std::fs::create_dir(desk.user.home().join("folder")).unwrap();
    write(&desk.user.home().join("file"), "");
    run("git", &["init", "--quiet", "fresh"], desk.user.home()).expect(0);
    for (path, expect) in [
        ("folder", "not in a git repository"),
        ("absent", "not in a git repository"),
        ("file", "not in a git repository"),
        ("fresh", "no commit yet"),
    ] {
        let ran = desk.suture(&["heal", path]);
        ran.expect(2);
        assert!(ran.stderr.contains(expect), "{path}: {}", ran.stderr);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bare_repository_is_healed() {
    let desk = Desk::with_hole("MODERATE").await;
    run("git", &["clone", "--quiet", "--bare", "shop", "bare.git"], desk.user.home()).expect(0);
    desk.suture(&["heal", "bare.git"]).expect(0);
    assert_eq!(GitRepository::at(&desk.user.home().join("bare.git")).branches().len(), 2);
    assert_eq!(desk.repository.branches().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn detached_head_is_healed_where_it_is() {
    let desk = Desk::with_hole("MODERATE").await;
    desk.repository.detach("main");
    let said = desk.suture(&["heal", "shop", "--format", "json"]).json(0);
    let branch = said["cases"][0]["branch"].as_str().unwrap();
    assert_eq!(desk.repository.ahead(branch), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn folder_inside_heals_the_whole_repository_and_says_so() {
    let desk = Desk::with_hole("MODERATE").await;
    desk.write("docs/page.md", "");
    let ran = desk.suture(&["heal", "shop/docs"]);
    ran.expect(0);
    assert!(ran.stderr.contains("all of which is healed"), "{}", ran.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn uncommitted_changes_are_not_looked_at_and_that_is_said() {
    let desk = Desk::with_hole("MODERATE").await;
    desk.write("package-lock.json", "{}");
    desk.write("notes.txt", "nobody looks at this anyway");
    let ran = desk.suture(&["heal", "shop"]);
    ran.expect(0);
    assert!(
        ran.stderr.contains("warning: changes that are not committed are not looked at: package-lock.json;"),
        "{}",
        ran.stderr
    );
    assert_eq!(std::fs::read_to_string(desk.repository.folder().join("package-lock.json")).unwrap(), "{}");
}

#[tokio::test(flavor = "multi_thread")]
async fn index_that_only_git_reads_is_no_obstacle() {
    let desk = Desk::with_hole("MODERATE").await;
    run("git", &["update-index", "--split-index"], desk.repository.folder()).expect(0);
    let head = run("git", &["rev-parse", "HEAD"], desk.repository.folder()).expect(0).trim().to_owned();
    let ran = desk.suture(&["heal", "shop"]);
    assert!(ran.expect(0).contains("1 completed"), "{}", ran.stdout);
    let expect = "warning: whether there are changes that are not committed can't be told";
    assert!(ran.stderr.contains(expect) && ran.stderr.contains(&head[..10]), "{}", ran.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn branch_that_is_checked_out_is_not_moved() {
    let desk = Desk::with_hole("MODERATE").await;
    let said = desk.suture(&["heal", "shop", "--format", "json"]).json(0);
    let branch = said["cases"][0]["branch"].as_str().unwrap();
    run("git", &["worktree", "add", "--quiet", "../other", branch], desk.repository.folder()).expect(0);
    desk.repository.commit("more", &[("README.md", "more\n")]);
    let said = desk.suture(&["heal", "shop", "--format", "json"]).json(1);
    assert_eq!(said["cases"][0]["status"], "error");
    let text = said.to_string();
    assert!(text.contains("is checked out in"), "{said:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_lockfile_is_one_error_and_the_rest_is_healed() {
    let desk = Desk::with_hole("MODERATE").await;
    desk.repository
        .commit("broken", &[("old/package-lock.json", "{\n  \"packages\": {\n"), ("old/package.json", "{}")]);
    let said = desk.suture(&["heal", "shop", "--format", "json"]);
    // Everything known is healed; of the broken one nothing is known.
    let said = said.json(2);
    assert_eq!(said["summary"], json!({ "completed": 1 }));
    assert_eq!(said["errors"].as_array().unwrap().len(), 1, "{said:#}");
    assert_eq!((&said["errors"][0]["path"], &said["errors"][0]["line"]), (&json!("old/package-lock.json"), &json!(3)));
}

#[tokio::test(flavor = "multi_thread")]
async fn records_that_cant_be_kept_stop_the_run_before_it_begins() {
    let desk = Desk::with_hole("MODERATE").await;
    write(&desk.user.home().join("file"), "");
    let ran = desk.suture(&["heal", "shop", "--state", "file/state"]);
    ran.expect(2);
    assert!(ran.stderr.contains("file/state"), "{}", ran.stderr);
    assert_eq!(desk.repository.branches().len(), 1);
    assert_eq!(desk.repository.read("main", "package-lock.json"), shop().lockfile());
}

#[tokio::test(flavor = "multi_thread")]
async fn records_that_cant_be_kept_any_more_stop_the_run() {
    let desk = Desk::with_hole("MODERATE").await;
    write(&desk.user.home().join("state/journal"), "not a folder");
    let said = desk.suture(&["heal", "shop", "--state", "state", "--format", "json"]).json(2);
    assert!(said["errors"].to_string().contains("scan: broken: store"), "{said:#}");
    let table = desk.suture(&["heal", "shop", "--state", "state"]);
    assert!(!table.expect(2).contains("nothing found"), "{}", table.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn repository_that_is_damaged_is_not_clean() {
    let desk = Desk::with_hole("MODERATE").await;
    let tree = run("git", &["rev-parse", "HEAD^{tree}"], desk.repository.folder()).expect(0).trim().to_owned();
    std::fs::remove_file(desk.repository.folder().join(".git/objects").join(&tree[..2]).join(&tree[2..])).unwrap();
    let ran = desk.suture(&["heal", "shop"]);
    ran.expect(2);
    assert!(ran.stderr.contains(&tree), "{}", ran.stderr);
}
