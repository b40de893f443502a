//! `suture cases`.

use super::{Desk, write};
use crate::world::program::User;

#[tokio::test(flavor = "multi_thread")]
async fn cases_are_listed_and_told_in_full() {
    let desk = Desk::with_hole("MODERATE").await;
    let healed = desk.suture(&["heal", "shop", "--format", "json"]).json(0);
    let id = healed["cases"][0]["case"].as_str().unwrap();
    let list = desk.suture(&["cases"]);
    let row = list.expect(0).lines().nth(1).unwrap();
    for word in [id, "completed", "medium", "package-lock.json", "git.example/team/shop"] {
        assert!(row.contains(word), "{word}: {row}");
    }
    let told = desk.suture(&["cases", id]);
    assert!(told.expect(0).contains("completed: healed, proven and verified"));
    assert!(told.stdout.contains(&format!("git merge suture/{id}")));
    let json = desk.suture(&["cases", id, "--format", "json"]).json(0);
    assert_eq!((json["cases"][0]["case"].as_str(), json["cases"][0]["status"].as_str()), (Some(id), Some("completed")));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_state_folder_has_its_own_cases() {
    let desk = Desk::with_hole("MODERATE").await;
    desk.suture(&["heal", "shop", "--state", "one"]).expect(0);
    assert_eq!(desk.suture(&["cases", "--state", "one"]).expect(0).lines().count(), 2);
    assert!(desk.suture(&["cases", "--state", "two"]).expect(0).starts_with("no cases yet"));
    // Another store knows nothing of the branch, and finds it all the same.
    desk.suture(&["heal", "shop", "--state", "two"]).expect(0);
    assert_eq!(desk.suture(&["cases", "--state", "two"]).expect(0).lines().count(), 2);
    assert_eq!(desk.repository.branches().len(), 2);
    let user = desk.user.set("SUTURE_STORE", "one");
    assert_eq!(user.suture(&["cases"]).expect(0).lines().count(), 2);
}

#[test]
fn unknown_case_is_refused() {
    let user = User::new();
    for id in ["npm-000000000000", "../../etc/passwd", "", "a b"] {
        let ran = user.suture(&["cases", id]);
        assert_eq!(ran.expect(2), "");
        assert!(ran.stderr.contains("case"), "{}", ran.stderr);
    }
}

#[test]
fn store_that_this_version_does_not_have_is_refused() {
    let ran = User::new().set("SUTURE_STORE", "az://account/container").suture(&["cases"]);
    ran.expect(2);
    assert!(ran.stderr.contains("az://account/container"), "{}", ran.stderr);
}

#[test]
fn settings_that_may_hold_secrets_are_not_repeated() {
    let user = User::new().set("SUTURE_STORE", "az://account/container?sig=secret");
    let ran = user.suture(&["cases"]);
    ran.expect(2);
    assert!(ran.stderr.contains("az://account/container;") && !ran.stderr.contains("secret"), "{}", ran.stderr);
    std::fs::create_dir(user.home().join("tree")).unwrap();
    for address in ["user:secret@host", "https://user:secret@:port", "file:///secret", "data:secret", "secret"] {
        let ran = User::new().set("SUTURE_OSV_API", address).suture(&["scan", ".."]);
        ran.expect(2);
        assert_eq!(ran.stderr, "error: SUTURE_OSV_API is not an http(s) address\n", "{address}");
    }
}

#[test]
fn looking_for_cases_makes_no_store() {
    let user = User::new();
    assert!(user.suture(&["cases", "--state", "tpyo"]).expect(0).starts_with("no cases yet"));
    user.suture(&["cases", "npm-0123456789ab", "--state", "tpyo"]).expect(2);
    user.suture(&["cases"]).expect(0);
    assert_eq!(std::fs::read_dir(user.home()).unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn entry_that_is_damaged_hides_no_case() {
    let desk = Desk::with_hole("MODERATE").await;
    desk.suture(&["heal", "shop", "--state", "state"]).expect(0);
    write(&desk.user.home().join("state/cases/npm-000000000000/run/message"), "{");
    write(&desk.user.home().join("state/cases/no id/run/message"), "{}");
    let list = desk.suture(&["cases", "--state", "state"]);
    assert_eq!(list.expect(0).lines().count(), 2, "{}", list.stdout);
    for entry in ["warning: store: cases/no", "warning: store: cases/npm-000000000000/run/message is damaged"] {
        assert!(list.stderr.contains(entry), "{entry}: {}", list.stderr);
    }
    let one = desk.suture(&["cases", "npm-000000000000", "--state", "state"]);
    assert_eq!(one.expect(2), "");
    assert!(one.stderr.contains("is damaged"), "{}", one.stderr);
}

#[test]
fn state_belongs_to_the_commands_that_keep_or_read_it() {
    let user = User::new();
    for command in [&["scan", "."][..], &["sbom", "."], &["demo"], &["versions", "npm"], &["advisories", "build", "."]]
    {
        let ran = user.suture(&[command, &["--state", "state"]].concat());
        ran.expect(2);
        assert!(ran.stderr.contains("unexpected argument '--state'"), "{command:?}: {}", ran.stderr);
    }
}
