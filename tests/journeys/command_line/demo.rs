//! `suture demo`.

use super::write;
use crate::world::program::{User, run};
use crate::world::repository::GitRepository;

#[test]
fn demo_heals_one_case_and_proposes_two() {
    let user = User::new();
    let ran = user.suture(&["demo", "--dir", "demo"]);
    let said = ran.expect(0);
    assert!(said.contains("completed: healed, proven and verified"), "{said}");
    assert!(said.contains("3 cases: 1 completed, 2 proposed"), "{said}");
    for word in ["OSV API", "--advisories", "network", "\u{1b}"] {
        assert!(!said.contains(word) && !ran.stderr.contains(word), "{word}: {said}\n{}", ran.stderr);
    }
}

#[test]
fn demo_without_a_folder_says_where_the_repository_is() {
    let user = User::new();
    let folder = tempfile::tempdir().unwrap();
    let user = user.set("TMPDIR", folder.path().to_str().unwrap());
    let ran = user.suture(&["demo"]);
    ran.expect(0);
    let made = std::fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap().path();
    assert!(ran.stderr.contains(made.to_str().unwrap()), "{}", ran.stderr);
    assert_eq!(GitRepository::at(&made).branches().len(), 4);
}

#[test]
fn demo_is_whole_whatever_the_user_has_git_ignore() {
    let user = User::new();
    write(&user.home().join(".config/git/ignore"), "package-lock.json\nrequirements.txt\n");
    let said = user.suture(&["demo", "--dir", "demo"]);
    assert!(said.expect(0).contains("3 cases: 1 completed, 2 proposed"), "{}", said.stdout);
}

#[test]
fn demo_works_behind_a_proxy_that_is_down() {
    let user = User::new().set("HTTP_PROXY", "http://127.0.0.1:9").set("ALL_PROXY", "http://127.0.0.1:9");
    assert!(user.suture(&["demo", "--dir", "demo"]).expect(0).contains("1 completed"));
}

#[test]
fn second_demo_changes_nothing() {
    let user = User::new();
    user.suture(&["demo", "--dir", "demo"]).expect(0);
    let references = || run("git", &["for-each-ref"], &user.home().join("demo"));
    let before = references();
    assert_eq!(before.expect(0).lines().count(), 4);
    let again = user.suture(&["demo", "--dir", "demo"]);
    assert!(again.expect(0).contains("3 cases: 1 completed, 2 proposed"));
    assert_eq!(references(), before);
}

#[test]
fn changed_version_changes_the_patch() {
    let user = User::new();
    user.suture(&["demo", "--dir", "demo"]).expect(0);
    let repository = GitRepository::at(&user.home().join("demo"));
    let branch = repository
        .branches()
        .into_iter()
        .map(|(name, _)| name)
        .find(|name| repository.message(name).contains("lodash"));
    let branch = branch.unwrap();
    assert!(repository.message(&branch).contains("lodash: 4.17.20 -> 4.17.23"));
    let lockfile = repository.read("main", "worker/package-lock.json");
    let changed = lockfile.replace("4.17.20", "4.17.21");
    write(&user.home().join("demo/worker/package-lock.json"), &changed);
    let uncommitted = user.suture(&["demo", "--dir", "demo"]);
    assert!(uncommitted.stderr.contains("not committed"), "{}", uncommitted.stderr);
    assert!(repository.message(&branch).contains("lodash: 4.17.20 -> 4.17.23"));
    repository.commit("lodash", &[("worker/package-lock.json", &changed)]);
    user.suture(&["demo", "--dir", "demo"]).expect(0);
    assert!(repository.message(&branch).contains("lodash: 4.17.21 -> 4.17.23"), "{}", repository.message(&branch));
}

#[test]
fn folder_with_something_else_in_it_is_refused_and_kept() {
    let user = User::new();
    write(&user.home().join("mine/notes.txt"), "mine");
    GitRepository::with_files(&user.home().join("theirs"), &[("package.json", "{}")]);
    GitRepository::with_files(&user.home().join("outer"), &[("inner/api/package-lock.json", "{}")]);
    write(&user.home().join("file"), "");
    for folder in ["mine", "theirs", "outer/inner", "file"] {
        let ran = user.suture(&["demo", "--dir", folder]);
        ran.expect(2);
        assert!(ran.stderr.starts_with("error: ") && ran.stderr.contains(folder), "{}", ran.stderr);
    }
    assert_eq!(std::fs::read_dir(user.home().join("mine")).unwrap().count(), 1);
}
