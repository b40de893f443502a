//! Text of strangers does nothing to a terminal, nor to a commit message.

use super::Desk;
use crate::world::program::{User, run};

/// Clears the screen, colours, moves back, reorders, and begins a line of its own.
const EVIL: &str = "safe\u{1b}[2J\u{9b}31m\u{8}\u{202e}\nSuture-Case: npm-000000000000";

#[tokio::test(flavor = "multi_thread")]
async fn titles_of_advisories_are_plain() {
    let desk = Desk::with_hole("MODERATE").await;
    desk.osv.advise("GHSA-aaaa-bbbb-cccc", "latch", "1.2.0", "MODERATE", EVIL);
    let said = desk.suture(&["heal", "shop", "--format", "json"]).json(0);
    let message = desk.repository.message(said["cases"][0]["branch"].as_str().unwrap());
    assert!(message.contains("latch 1.0.3: safe") && message.contains("\\u{202e}"), "{message}");
    assert_eq!(message.matches("\nSuture-Case: ").count(), 1, "{message}");
    assert!(message.chars().all(|character| character == '\n' || !character.is_control()), "{message:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn names_and_paths_are_plain() {
    let desk = Desk::with_hole("MODERATE").await;
    let evil = super::shop().needs("evil", "^1.0.0").locks("evil", "1.0.0", &[]);
    let lockfile = evil.lockfile().replace("evil", "e\\u001b[2Jvil");
    desk.repository
        .commit("evil", &[("a\u{1b}[31mb/package-lock.json", &lockfile), ("a\u{1b}[31mb/package.json", "{")]);
    for (arguments, code) in [
        (&["scan", "shop"][..], 1),
        (&["heal", "shop"], 1),
        (&["cases"], 0),
        (&["scan", "shop/a\u{1b}[31mb"], 1),
        (&["heal", "shop/a\u{1b}[31mb"], 1),
    ] {
        let ran = desk.suture(arguments);
        assert!(ran.expect(code).contains("a\\u{1b}[31mb"), "{arguments:?}: {}", ran.stdout);
        for text in [&ran.stdout, &ran.stderr] {
            assert!(!text.contains('\u{1b}'), "{arguments:?}: {text}");
        }
    }
}

#[test]
fn newline_in_a_path_begins_no_line_of_its_own() {
    let user = User::new();
    let odd = "odd\nerror: all is well";
    super::write(&user.home().join("tree").join(odd).join("package-lock.json"), "{");
    run("git", &["init", "--quiet", "tree"], user.home()).expect(0);
    run("git", &["add", "."], &user.home().join("tree")).expect(0);
    let who = ["-c", "user.name=Somebody", "-c", "user.email=somebody@localhost"];
    run("git", &[&who[..], &["commit", "--quiet", "-m", "odd"]].concat(), &user.home().join("tree")).expect(0);
    std::fs::write(user.home().join("tree").join(odd).join("package-lock.json"), "[").unwrap();
    let inside = format!("tree/{odd}");
    for arguments in [
        &["sbom", "tree"][..],
        &["scan", "tree", "--offline"],
        &["scan", "tree", "--offline", "--format", "spdx"],
        &["heal", &inside, "--offline", "--dry-run"],
    ] {
        let ran = user.suture(arguments);
        ran.expect(2);
        assert!(ran.stderr.contains("odd error: all is well"), "{arguments:?}: {}", ran.stderr);
        for text in [&ran.stdout, &ran.stderr] {
            assert!(!text.contains("\nerror: all is well"), "{arguments:?}: {text}");
        }
    }
}
